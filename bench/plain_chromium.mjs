// Chromium as users run it, controlled through its debugging pipe: without the reports of each request that a test driver enables, which take a
// third of the time of an upload.
//
//   const browser = startPlainChromium(profile);      // a directory for its profile
//   const page = await browser.open(url);
//   await page.until('document.title !== ""');
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium', ASK_MS = 50;
const FLAGS = ['--headless=new', '--no-sandbox', '--remote-debugging-pipe', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
	'--window-size=1280,800'];

export function startPlainChromium(profile) {
	const child = spawn(PROGRAM, [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
	const [, , , input, output] = child.stdio, calls = new Map(), ended = new Promise(resolve => child.on('exit', resolve));
	let last = 0, rest = '';
	output.setEncoding('utf8').on('data', text => {
		const messages = (rest + text).split('\0');
		rest = messages.pop();
		for (const { id, result, error } of messages.map(JSON.parse)) {
			calls.get(id)?.[error ? 'reject' : 'resolve'](result ?? new Error(error.message));
			calls.delete(id);
		}
	});
	const send = (method, params = {}, sessionId = undefined) => new Promise((resolve, reject) => {
		calls.set(++last, { resolve, reject });
		input.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
	});
	return {
		/** Open a tab at this URL in its own browser context: { evaluate(expression), until(expression), setFiles(id, paths), close() }. */
		async open(url) {
			const { browserContextId } = await send('Target.createBrowserContext'), { targetId } = await send('Target.createTarget', { url, browserContextId });
			const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
			const run = (expression, more) => send('Runtime.evaluate', { expression, awaitPromise: true, ...more }, sessionId);
			const evaluate = async expression => (await run(expression, { returnByValue: true })).result.value;
			return {
				evaluate,
				async until(expression) {
					while (!await evaluate(expression))
						await pause(ASK_MS);
				},
				setFiles: async (id, files) => send('DOM.setFileInputFiles', { files, objectId: (await run(`document.getElementById('${id}')`)).result.objectId }, sessionId),
				close: () => send('Target.disposeBrowserContext', { browserContextId }),
			};
		},
		async close() {
			send('Browser.close').catch(() => {});
			await ended;
		},
	};
}
