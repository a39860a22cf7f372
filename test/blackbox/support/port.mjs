// A port for a program that is told where to listen.   node port.mjs [N]     prints N of them
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';

/** A port of 127.0.0.1 that nobody uses, below those that the kernel gives to outgoing connections, so that none of them takes it. */
export async function freePort() {
	for (;;) {
		const probe = net.createServer().listen(randomInt(10000, 32768), '127.0.0.1');
		try {
			await once(probe, 'listening');
		} catch (error) {
			if (error.code === 'EADDRINUSE')
				continue;
			throw error;
		}
		const { port } = probe.address();
		await new Promise(resolve => probe.close(resolve));
		return port;
	}
}

if (process.argv[1] === fileURLToPath(import.meta.url))
	for (let n = Number(process.argv[2] ?? 1); n > 0; n--)
		console.log(await freePort());
