// WebKitGTK by WebDriver (the package webkit2gtk-driver), in a virtual display: the other engine, for the main paths of the page.
//
//   const webkit = await startWebkit();
//   after(() => webkit.stop());
//   await webkit.open(`${server.api}/`);
//   await webkit.files('#files', ['/a/picture.png']);
//   await webkit.until(() => document.querySelector('#uploads'));
//
// Source: W3C WebDriver
import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { freePort } from './port.mjs';
import { eventually } from './server.mjs';

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';   // the name of a reference in JSON

/** The browser that the package of the library brings for automation. */
function browserProgram() {
	const file = execFileSync('sh', ['-c', 'ls /usr/lib/*/webkit2gtk-4.?/MiniBrowser | tail -n 1'], { encoding: 'utf8' }).trim();
	if (!file)
		throw new Error('WebKitGTK is not there; tools/deps test installs it');
	return file;
}

/** A display that nobody sees: { display, stop() }. */
async function startDisplay() {
	const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x860x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
	const closed = once(child, 'close');
	const [number] = await once(child.stdio[3].setEncoding('utf8'), 'data');
	return { display: `:${number.trim()}`, stop: () => { child.kill(); return closed; } };
}

export async function startWebkit() {
	const home = mkdtempSync(path.join(tmpdir(), 'tintype-webkit-')), screen = await startDisplay(), port = await freePort();
	const env = { ...process.env, DISPLAY: screen.display, HOME: home, XDG_RUNTIME_DIR: home, LIBGL_ALWAYS_SOFTWARE: '1', GDK_BACKEND: 'x11', WEBKIT_DISABLE_COMPOSITING_MODE: '1', NO_AT_BRIDGE: '1' };
	const driver = spawn('WebKitWebDriver', [`--port=${port}`], { env, stdio: 'ignore' });
	const closed = once(driver, 'close');
	const send = async (method, route, body) => {
		const answer = await fetch(`http://127.0.0.1:${port}${route}`, { method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
		const { value } = await answer.json();
		if (!answer.ok)
			throw new Error(`${method} ${route}: ${value.error}: ${value.message}`);
		return value;
	};
	await eventually(() => send('GET', '/status').then(({ ready }) => ready, () => false), { what: 'WebKitWebDriver' });
	const { sessionId } = await send('POST', '/session', { capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': { binary: browserProgram(), args: ['--automation'] } } } });
	const at = `/session/${sessionId}`;
	const find = async css => (await send('POST', `${at}/element`, { using: 'css selector', value: css }))[ELEMENT];
	const webkit = {
		open: url => send('POST', `${at}/url`, { url }),
		/** What a function gives in the page. */
		run: (work, ...args) => send('POST', `${at}/execute/sync`, { script: `return (${work})(...arguments)`, args }),
		until: (work, ...args) => eventually(() => webkit.run(work, ...args), { everyMs: 100, what: String(work) }),
		click: async css => send('POST', `${at}/element/${await find(css)}/click`, {}),
		files: async (css, paths) => send('POST', `${at}/element/${await find(css)}/value`, { text: paths.join('\n') }),
		stop: async () => {
			await send('DELETE', at).catch(() => {});
			driver.kill();
			await closed;
			await screen.stop();
			rmSync(home, { recursive: true, force: true });
		},
	};
	return webkit;
}
