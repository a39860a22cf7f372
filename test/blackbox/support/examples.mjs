// The examples as a reader runs them: `npm run NAME` in a copy of examples/, with the packages of test/npm.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { root } from './server.mjs';

/** A copy of examples/ as after `npm install`; the caller removes it. */
export function copyExamples() {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-examples-')), from = path.join(root, 'test/npm/node_modules'), to = path.join(dir, 'node_modules');
	cpSync(path.join(root, 'examples'), dir, { recursive: true, filter: file => !file.includes('node_modules') });
	mkdirSync(to);
	for (const name of readdirSync(from))
		symlinkSync(path.join(from, name), path.join(to, name));
	cpSync(path.join(root, 'clients/js'), path.join(to, 'tintype-client'), { recursive: true });   // a copy, as examples/.npmrc says
	return dir;
}

/** Serve one of the examples' bundles on a free port: { url, stop() }. */
export async function serveExample(name) {
	const dir = copyExamples();
	// esbuild ends when its stdin does, so it cannot outlive the test.
	const child = spawn('npm', ['run', '--no-update-notifier', name, '--', '--serve=127.0.0.1:0'], { cwd: dir, stdio: ['pipe', 'pipe', 'pipe'] });
	const closed = once(child, 'close');
	const stop = async () => {
		child.stdin.end();
		await closed;
		rmSync(dir, { recursive: true, force: true });
	};
	let said = '';
	const url = new Promise((resolve, reject) => {
		const listen = text => {
			said += text;
			const found = /http:\/\/127\.0\.0\.1:\d+\//.exec(said);
			if (found)
				resolve(found[0]);
		};
		child.stdout.setEncoding('utf8').on('data', listen);
		child.stderr.setEncoding('utf8').on('data', listen);
		closed.then(() => reject(new Error(`npm run ${name} ended before it served anything:\n${said}`)));
	});
	try {
		return { url: await url, stop };
	} catch (error) {
		await stop();
		throw error;
	}
}
