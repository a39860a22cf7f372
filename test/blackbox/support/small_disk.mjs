// A real small disk for commands: a tmpfs in a mount namespace of its own, in which a shell runs them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { childEnv } from './server.mjs';

const quoted = word => `'${word}'`;

/** Mount a disk of this size ("8m") on a directory: { run(...words), sh(line), fill(), free(), resize(size), end() }; run and sh give { code, stdout, stderr }. */
export function smallDisk(dir, size) {
	const shell = spawn('unshare', ['-rm', 'sh', '-c', `mount -t tmpfs -o size=${size} none "$0" && exec sh`, dir], { env: childEnv({}), stdio: ['pipe', 'pipe', 'inherit'] });
	shell.stdout.setEncoding('utf8');
	const sh = line => new Promise((resolve, reject) => {
		let out = '';
		const take = piece => {
			out += piece;
			const end = /=== (\d+)\n$/.exec(out);
			if (end) {
				shell.stdout.off('data', take);
				shell.off('close', lost);
				resolve({ code: Number(end[1]), stdout: out.slice(0, end.index), stderr: '' });
			}
		};
		const lost = code => reject(new Error(`the shell on the small disk ended with ${code}: ${out}`));
		shell.on('close', lost);
		shell.stdout.on('data', take);
		shell.stdin.write(`{ ${line}; } 2>&1 </dev/null; echo "=== $?"\n`);
	});
	const run = (...words) => sh(words.map(quoted).join(' '));
	return {
		sh, run,
		fill: () => sh(`! cat /dev/zero > ${quoted(`${dir}/filler`)}`),
		free: () => run('rm', `${dir}/filler`),
		resize: to => run('mount', '-o', `remount,size=${to}`, dir),
		async end() {
			const closed = once(shell, 'close');
			shell.stdin.end();
			await closed;
		},
	};
}
