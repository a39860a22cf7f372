// AWS on loopback: moto, with a bucket and a table, and the environment that names them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';

import { eventually } from './server.mjs';

async function freePort() {
	const server = net.createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address();
	await new Promise(resolve => server.close(resolve));
	return port;
}

const answers = async url => { try { return (await fetch(url)).status > 0; } catch { return false; } };

export async function startMoto() {
	const url = `http://127.0.0.1:${await freePort()}`;
	const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', new URL(url).port], { stdio: 'ignore', detached: true });
	const ended = once(child, 'exit');
	const stop = async () => {
		try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it is gone */ }
		await ended;
	};
	process.on('exit', () => { try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it is gone */ } });
	await eventually(() => answers(url), { timeoutMs: 60000, what: 'moto' });
	const env = {
		BUCKET_NAME: 'pictures', TABLE_NAME: 'ImageMetadata', REGION: 'eu-west-1', AWS_ENDPOINT_URL: url,
		AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', AWS_SESSION_TOKEN: 'a+token/of=asession',
	};
	/* moto looks at the region and the service of a signature, not whether it is one. */
	const headers = { Authorization: `AWS4-HMAC-SHA256 Credential=${env.AWS_ACCESS_KEY_ID}/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0` };
	const made = await fetch(`${url}/${env.BUCKET_NAME}`, { method: 'PUT', headers,
		body: '<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>' });
	if (!made.ok)
		throw new Error(`moto makes no bucket: ${await made.text()}`);
	const head = async key => (await fetch(`${url}/${env.BUCKET_NAME}/${key}`, { method: 'HEAD', headers })).status === 200;
	return { url, env, head, stop };
}
