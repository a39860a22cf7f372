// The console in Debian's Chromium, on the admin listener of a real server: signing in, rows, logs,
// settings, access control; the same through a reverse proxy on this host; accessible in light and dark.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

import { axe, openPage, PHONE, startBrowser } from './support/browser.mjs';
import { bearer, enterConsole, leave, lines, rows, signIn, tokenOf } from './support/console.mjs';
import { after, before, describe, test } from './support/limited.mjs';
import { freePort } from './support/port.mjs';
import { call, eventually, fetchUrl, openSlot, putBytes, rawRequest, root, runProgram, startServer, uploadImage } from './support/server.mjs';

const API_KEY = 'k3y-of-the-owner-1234567890';
const SCRIPT = '<script>document.title="taken"</script><img src=x onerror=alert(1)>.png';
const BIDI = 'invoice \u202Egnp.exe';

const folder = path.join(root, 'build/page');   // of the screenshots
const OTHER_NAMES = '--host-resolver-rules=MAP evil.example 127.0.0.1, MAP admin.example 127.0.0.1';

let server, token, browser;
before(async () => {
	[server, browser] = await Promise.all([startServer({ env: { TINTYPE_API_KEY: API_KEY, TINTYPE_ACCESS: 'open' }, args: ['--hosts', 'admin.example', '--max-size', '4000001'] }), startBrowser(OTHER_NAMES)]);
	token = await tokenOf(server);
});
after(async () => { await browser?.close(); await server?.stop(); });

const enter = (view, { secret = token, ...options } = {}) => enterConsole(browser, server, secret, view, options);

describe('signing in', () => {
	test('a wrong token shows a message and nothing else; the right one signs in, survives a reload, and is removed by signing out', async () => {
		const page = await openPage(browser, server, { url: server.admin });
		for (const wrong of [token.replace(/.$/, c => c === '0' ? '1' : '0'), 'schlüssel “☃”']) {
			await page.evaluate(() => { document.getElementById('wrong').textContent = ''; });
			await signIn(page, wrong);
			await page.getByRole('alert').filter({ hasText: 'Wrong token' }).waitFor();
		}
		assert.equal(await page.getByRole('navigation').isVisible(), false);
		assert.equal(await page.locator(':focus').getAttribute('id'), 'token');
		await signIn(page, ` ${token} `);
		await page.getByRole('heading', { name: 'Overview' }).waitFor();
		await page.getByRole('link', { name: 'Settings' }).click();
		await page.locator('#settings-rows tr').first().waitFor();
		await page.reload();
		await page.locator('#settings-rows tr').first().waitFor();
		assert.deepEqual(await page.context().cookies(), [], 'no cookie is set');
		await page.getByRole('button', { name: 'Sign out' }).click();
		await page.getByLabel('Token').waitFor();
		assert.equal(await page.evaluate(() => sessionStorage.length + localStorage.length), 0);
		assert.equal(await page.locator('#settings-rows tr').count(), 0, 'nothing stays behind');
		await leave(page);
	});

	test('the link that a terminal shows signs in, and its token leaves the address; elsewhere no link is printed', async () => {
		const terminal = ['python3', '-c', `import os, sys
ours, theirs = os.openpty()
if os.fork():
	os.dup2(theirs, 1)
	os.execvp(sys.argv[1], sys.argv[1:])
os.close(theirs)
try:
	while True: os.write(1, os.read(ours, 4096))
except OSError: pass`];
		const own = await startServer({ wrap: terminal });
		const [, link] = await eventually(() => /console +(http\S+#token=[0-9a-f]{32})\s/.exec(own.out), { what: 'the link' });
		assert.equal(own.log.some(line => line.includes(link.split('=')[1])), false, 'not in the log');
		assert.equal(server.out.includes('#token='), false);
		const page = await openPage(browser, own, { url: own.admin, hash: new URL(link).hash });
		await page.getByRole('heading', { name: 'Overview' }).waitFor();
		assert.equal(page.url(), `${own.admin}/`);
		assert.equal(await page.evaluate(() => history.length), 2, 'about:blank, and one entry without the token');
		await page.goto(`${own.admin}/#token=${'0'.repeat(32)}`);
		await page.getByRole('alert').filter({ hasText: 'Wrong token' }).waitFor();
		await leave(page);
		await own.stop();
	});

	test('a token that is set is printed nowhere, and a sign-in with it outlives a restart', async () => {
		const secret = 'a-token-of-the-operator-0123456789abcdef';
		const env = { TINTYPE_ADMIN_TOKEN: secret };
		const own = await startServer({ env });
		const page = await enter('Logs', { url: own.admin, secret });
		await lines(page).first().waitFor();
		await own.kill('SIGTERM');
		await page.getByText('The server does not respond. Trying again.').waitFor();
		const again = await startServer({ env, data: own.dir, args: ['--admin', new URL(own.admin).host] });
		await page.waitForFunction(() => document.querySelector('#lost').textContent === '');
		await lines(page).filter({ hasText: 'server.ready' }).first().waitFor();
		for (const text of [own.out, again.out, ...own.log, ...again.log])
			assert.equal(text.includes(secret), false);
		assert.equal((await fetchUrl(`${again.admin}/console/settings`, bearer(secret))).text.includes(secret), false);
		await page.context().close();
		await again.stop();
		rmSync(own.dir, { recursive: true, force: true });
		for (const [bad, what] of [['short', /at least 32/], [`with blanks ${'x'.repeat(30)}`, /without blanks/], ['x'.repeat(128), /32 to 127/]]) {
			const end = await runProgram(['serve', '--data', own.dir, '--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0'], { env: { TINTYPE_ADMIN_TOKEN: bad } });
			assert.equal(end.code, 2);
			assert.match(end.stderr, what);
		}
	});

	test('after a restart of the server the page asks for the token again', async () => {
		const own = await startServer();
		const page = await enter('Logs', { url: own.admin, secret: await tokenOf(own) });
		await lines(page).first().waitFor();
		await own.kill('SIGTERM');
		await page.getByText('The server does not respond. Trying again.').waitFor();
		const again = await startServer({ data: own.dir, args: ['--admin', new URL(own.admin).host] });
		await page.getByRole('alert').filter({ hasText: 'is no longer valid' }).waitFor();
		assert.equal(await lines(page).count(), 0);
		await signIn(page, await tokenOf(again));
		await lines(page).first().waitFor();
		await page.context().close();
		await again.stop();
		rmSync(own.dir, { recursive: true, force: true });
	});
});

describe('rows', () => {
	let made;
	before(async () => {
		made = { uploaded: (await uploadImage(server)).slot.imageId };
		for (const fileName of [SCRIPT, BIDI])
			await openSlot(server, { fileName, fileType: 'image/png' });
		const slot = await openSlot(server, { fileName: 'no picture.png', fileType: 'image/png' });
		assert.equal((await putBytes(slot, Buffer.from('no picture at all'))).status >= 400, true);
		made.rejected = slot.imageId;
	});

	test('each status lists its rows, and one row is shown as JSON', async () => {
		const page = await enter('Images');
		await page.waitForFunction(() => document.querySelectorAll('#images-rows tr').length === 4);
		const choose = async (status, n) => {
			await page.getByLabel(status, { exact: true }).check({ force: true });
			await page.waitForFunction(({ status, n }) => {
				const all = [...document.querySelectorAll('#images-rows tr')];
				return all.length === n && all.every(row => row.querySelector('.tag').textContent === status.toLowerCase());
			}, { status, n });
		};
		await choose('Uploaded', 1);
		await choose('Pending', 2);
		await choose('Rejected', 1);
		assert.match(await rows(page).first().innerText(), /no picture\.png/);
		await rows(page).getByRole('button').click();
		const dialog = page.getByRole('dialog', { name: 'no picture.png' });
		const row = JSON.parse(await dialog.locator('pre').textContent());
		assert.equal(row.imageId, made.rejected);
		assert.equal(row.status, 'rejected');
		assert.ok(row.reason.length > 10);
		assert.deepEqual(row, (await fetchUrl(`${server.admin}/console/images/${made.rejected}`, bearer(token))).json);
		await page.keyboard.press('Escape');
		await dialog.waitFor({ state: 'hidden' });
		assert.equal(await rows(page).getByRole('button').evaluate(button => button === document.activeElement), true, 'the focus is back');
		await leave(page);
	});

	test('the filter finds by name, by type and by a whole id, and reports when nothing matches', async () => {
		const page = await enter('Images');
		const ask = async (text, n, type = '') => {
			await page.getByLabel('Name or id').fill(text);
			await page.getByLabel('Type').fill(type);
			await page.getByRole('button', { name: 'Filter' }).click();
			await page.waitForFunction(n => document.querySelectorAll('#images-rows tr').length === n, n);
		};
		await ask('INVOICE', 1);
		await ask(made.uploaded, 1);
		await ask('no picture', 1);
		await ask('', 0, 'image/webp');
		await page.getByText('No images match.').waitFor();
		await ask('', 4, 'image/');
		await leave(page);
	});

	test('a file name is shown as text, with its writing direction isolated', async () => {
		const page = await enter('Images');
		await page.getByRole('button', { name: SCRIPT }).click();
		await page.getByRole('dialog').getByRole('heading', { name: SCRIPT }).waitFor();
		await page.keyboard.press('Escape');
		assert.equal(await page.getByRole('button', { name: /invoice/ }).locator('bdi').evaluate(node => `${getComputedStyle(node).unicodeBidi} ${node.textContent}`), `isolate ${BIDI}`);
		await page.getByRole('link', { name: 'Logs' }).click();
		await lines(page).first().waitFor();
		assert.doesNotMatch(await page.title(), /taken/);
		assert.equal(await page.locator('main img:not(.thumb), main script').count(), 0);
		await leave(page);
	});

	test('paging reaches the end and shows each row once', async () => {
		const ids = new Set();
		await Promise.all(Array.from({ length: 60 }, () => openSlot(server)));
		const page = await enter('Images');
		await page.waitForFunction(() => document.querySelectorAll('#images-rows tr').length === 50);
		await page.getByRole('button', { name: 'Show more' }).click();
		await page.getByText('All 64 images').waitFor();
		for (const id of await page.locator('#images-rows .id').allInnerTexts())
			ids.add(id);
		assert.equal(ids.size, 64);
		await leave(page);
	});
});

describe('logs', () => {
	test('new lines appear while the log is followed, and the console\'s own requests do not', async () => {
		const page = await enter('Logs');
		await lines(page).first().waitFor();
		const { headers } = await call(server, 'GET', '/images/0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10');
		const line = lines(page).filter({ hasText: headers.get('x-amzn-requestid') });
		await line.waitFor();
		assert.match(await line.innerText(), /^[\d:.]+ info GET \/images\/\{imageId\} 404 There is no image with this id\. [\d.]+ m?s$/, 'the message first, in one line');
		assert.equal(await line.evaluate(item => item.clientHeight < 40), true);
		await line.locator('summary').click();
		await line.getByText('no_such_image').waitFor();
		assert.equal(await lines(page).filter({ hasText: 'GET /console/logs' }).count(), 0);
		await page.getByRole('switch', { name: 'Follow' }).uncheck({ force: true });
		const later = (await call(server, 'GET', '/limits')).headers.get('x-amzn-requestid');
		await server.waitForEvent(e => e.requestId === later);   // the list is read once, and a request is logged after its response
		await page.getByLabel('Text in the line').fill(later);
		await page.getByRole('button', { name: 'Filter' }).click();
		await page.waitForFunction(id => document.querySelectorAll('#lines li').length === 1 && document.querySelector('#lines').textContent.includes(id), later);
		await leave(page);
	});

	test('level and text filter the lines, also while following; older lines are loaded', async () => {
		const page = await enter('Logs');
		await lines(page).first().waitFor();
		await page.getByLabel('Text in the line').fill('"status":404');
		await page.getByRole('button', { name: 'Filter' }).click();
		await page.waitForFunction(() => [...document.querySelectorAll('#lines li')].every(line => /status\s+404/.test(line.textContent)));
		await call(server, 'GET', '/limits');
		const { headers } = await call(server, 'GET', '/nothing');
		await lines(page).filter({ hasText: headers.get('x-amzn-requestid') }).waitFor();
		assert.ok((await lines(page).allTextContents()).every(text => /status\s+404/.test(text)));
		await page.getByLabel('Text in the line').fill('');
		await page.getByLabel('Minimum level').selectOption('warn');
		await page.waitForFunction(() => [...document.querySelectorAll('#lines li')].every(line => /warn|error/.test(line.className)));
		for (let i = 0; i < 8; i++)
			await Promise.all(Array.from({ length: 30 }, () => call(server, 'GET', '/limits')));
		await page.getByLabel('Minimum level').selectOption('info');
		await page.waitForFunction(() => document.querySelectorAll('#lines li').length >= 200);
		await page.getByRole('switch', { name: 'Follow' }).uncheck({ force: true });
		const before = await lines(page).count();
		await page.getByRole('button', { name: 'Show older' }).click();
		await page.waitForFunction(n => document.querySelectorAll('#lines li').length > n, before);
		const numbers = await lines(page).evaluateAll(all => all.map(line => Number(line.dataset.n)));
		assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => b - a), 'newest first, each once');
		await leave(page);
	});

	test('logs work without log files, as with storage on AWS', async () => {
		const answer = await fetchUrl(`${server.admin}/console/logs?limit=3`, bearer(token));
		assert.equal(answer.json.lines.length, 3);
		for (const { line } of answer.json.lines)   // which is written after the console's
			await eventually(() => server.log.includes(JSON.stringify(line)) || server.log.some(text => text.includes(line.requestId)), { what: 'the same line in stderr' });
	});
});

test('settings are shown with their current values, and secrets as set or not set', async () => {
	const page = await enter('Settings');
	const row = name => page.locator('#settings-rows tr').filter({ has: page.locator('th').getByText(name, { exact: true }) });
	await row('TINTYPE_MAX_SIZE').waitFor();
	assert.match(await row('TINTYPE_MAX_SIZE').innerText(), /4000001\s+bytes\s+changed\s+5242880/);
	assert.match(await row('TINTYPE_API_KEY').innerText(), /TINTYPE_API_KEY\s+set/);
	assert.equal((await page.content()).includes(API_KEY), false);
	await page.getByLabel('Only what differs').check({ force: true });
	await page.waitForFunction(() => document.querySelectorAll('#settings-rows tr:not(.changed)').length === 0);
	const answer = await fetchUrl(`${server.admin}/console/settings`, bearer(token));
	assert.equal(answer.text.includes(API_KEY) || answer.text.includes(token), false);
	await leave(page);
});

describe('axe-core finds nothing in any view, and nothing is small or too wide', { concurrency: true }, () => {
	before(() => uploadImage(server, { key: API_KEY, onBehalfOf: 'ana' }));   // users are listed from then on
	for (const [name, options] of Object.entries({ light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, 'a phone': { viewport: PHONE } }))
		test(name, async () => {
			const page = await openPage(browser, server, { url: server.admin, ...options });
			const look = async view => {
				assert.deepEqual(await axe(page), [], view);
				assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, `${view} is too wide`);
				assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && parseFloat(getComputedStyle(e).fontSize) < 14).map(e => e.outerHTML.slice(0, 80))), [], `${view} has small text`);
			};
			await page.getByLabel('Token').waitFor();
			await look('sign in');
			await signIn(page, token);
			await page.waitForFunction(() => document.querySelector('.line-0').getAttribute('d') !== '');
			await look('overview');
			await page.getByRole('link', { name: 'Images' }).click();
			await rows(page).first().waitFor();
			await look('images');
			await rows(page).first().getByRole('button').click();
			await page.getByRole('dialog').waitFor();
			await look('row');
			await page.getByRole('button', { name: 'Delete…' }).click();
			await look('asking');
			await page.getByRole('button', { name: 'Cancel' }).click();
			await page.getByRole('button', { name: 'Close' }).click();
			for (const [view, ready] of [['Users', '#users-rows tr'], ['API keys', '#keys-count:not(:empty)'], ['Buckets', '#s3-users-rows tr']]) {
				await page.getByRole('link', { name: view, exact: true }).click();
				await page.locator(ready).first().waitFor();
				await look(view);
			}
			await page.getByRole('link', { name: 'Logs' }).click();
			await lines(page).first().waitFor();
			await look('logs');
			await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
			await page.getByText('No webhooks yet.').waitFor();
			await look('webhooks');
			await page.getByRole('link', { name: 'Settings' }).click();
			await page.locator('#settings-rows tr').first().waitFor();
			await look('settings');
			await leave(page);
		});

	for (const colorScheme of ['light', 'dark']) test(`while a list is loading, in ${colorScheme}`, async () => {
		const page = await openPage(browser, server, { url: server.admin, colorScheme }), held = [];
		mkdirSync(folder, { recursive: true });
		await signIn(page, token);
		await page.getByRole('heading', { name: 'Overview' }).waitFor();
		await page.route('**/*', route => route.request().resourceType() === 'fetch' ? void held.push(route) : route.continue());
		for (const [view, id] of [['Images', 'images'], ['Users', 'users'], ['API keys', 'keys'], ['Buckets', 'buckets'], ['Webhooks', 'webhooks']]) {
			await page.getByRole('link', { name: view, exact: true }).click();
			await page.locator(`#${id}-count`).getByText('Loading…').waitFor();
			assert.deepEqual(await axe(page), [], view);
			await page.screenshot({ path: path.join(folder, `console-loading-${id}-${colorScheme}.png`) });
		}
		await page.unrouteAll();
		await Promise.all(held.map(route => route.abort().catch(() => {})));
		await page.context().close();
	});
});

test('everything can be used by keyboard only', async () => {
	const page = await openPage(browser, server, { url: server.admin });
	await page.waitForFunction(() => document.activeElement.id === 'token');
	await page.keyboard.type(token);
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => document.activeElement.id === 'overview-title');
	const reach = async what => {
		for (let i = 0; i < 40 && !await page.evaluate(what => document.activeElement.textContent.trim().startsWith(what), what); i++)
			await page.keyboard.press('Shift+Tab');
		await page.keyboard.press('Enter');
	};
	await reach('Images');
	await rows(page).first().waitFor();
	await page.waitForFunction(() => document.activeElement.id === 'images-title');
	for (let i = 0; i < 20 && !await page.evaluate(() => document.activeElement.closest('#images-rows')); i++)
		await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	await page.getByRole('dialog').waitFor();
	await page.keyboard.press('Escape');
	await reach('Sign out');
	await page.getByLabel('Token').waitFor();
	await leave(page);
});

describe('access control', () => {
	const paths = ['/', '/main.js', '/console/images', '/console/logs', '/console/settings'];

	test('data without the token, or with a similar one', async () => {
		for (const target of paths.filter(p => p.startsWith('/console'))) {
			assert.equal((await fetchUrl(server.admin + target)).status, 401);
			assert.equal((await fetchUrl(`${server.admin}${target}?token=${token}`)).status, 401);
			assert.equal((await fetchUrl(server.admin + target, { headers: { Cookie: `token=${token}` } })).status, 401);
			assert.equal((await fetchUrl(server.admin + target, bearer(API_KEY))).status, 403);
			assert.equal((await fetchUrl(server.admin + target, bearer(token))).status, 200);
		}
	});

	test('many wrong tokens are throttled, and the right one is still accepted', async () => {
		const statuses = [];
		for (let i = 0; i < 15; i++)
			statuses.push((await fetchUrl(`${server.admin}/console/settings`, bearer('0'.repeat(32)))).status);
		assert.ok(statuses.every(status => [403, 429].includes(status)) && statuses.at(-1) === 429, String(statuses));
		assert.equal((await fetchUrl(`${server.admin}/console/settings`, bearer(token))).status, 200);
	});

	test('a foreign name that resolves to this address (DNS rebinding)', async () => {
		const port = new URL(server.admin).port;
		for (const target of [...paths, '/metrics', '/healthz'])
			for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', 'localhost.evil.example', ''])
				assert.ok([400, 403].includes((await rawRequest(server.admin, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`)).status), `${target} ${host}`);
	});

	test('that name in a browser, which gets nothing', async () => {
		const page = await browser.newPage();
		const answer = await page.goto(`http://evil.example:${new URL(server.admin).port}/`);
		assert.equal(answer.status(), 403);
		assert.equal(await page.locator('script').count(), 0);
		await page.close();
	});

	test('pages of other sites, by every kind of request', async () => {
		const other = http.createServer((request, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>other</title>'));
		await new Promise(resolve => other.listen(0, '127.0.0.1', resolve));
		const page = await (await browser.newContext()).newPage();
		await page.goto(`http://127.0.0.1:${other.address().port}/`);
		const tried = await page.evaluate(async ({ admin, token }) => {
			const get = async options => fetch(`${admin}/console/settings`, options).then(r => r.type === 'opaque' ? `opaque ${r.status}` : r.status, () => 'refused');
			const frame = Object.assign(document.createElement('iframe'), { src: `${admin}/` });
			document.body.append(frame);
			await new Promise(resolve => { frame.onload = resolve; });
			let inside = 'refused';
			try { inside = frame.contentDocument ? 'seen' : inside; } catch { /* as it must be */ }
			const script = await new Promise(resolve => document.head.append(Object.assign(document.createElement('script'), { type: 'module', src: `${admin}/main.js`, onload: () => resolve('run'), onerror: () => resolve('refused') })));
			return { plain: await get(), withToken: await get({ headers: { Authorization: `Bearer ${token}` } }), blind: await get({ mode: 'no-cors' }), inside, script };
		}, { admin: server.admin, token });
		assert.deepEqual(tried, { plain: 'refused', withToken: 'refused', blind: 'refused', inside: 'refused', script: 'refused' });
		await page.context().close();
		other.close();
		await eventually(() => server.events('request').filter(e => e.listener === 'admin' && e.code === 'cross_site').length >= 3,
			{ what: 'the log lines of what the server has refused, not the browser alone' });
		for (const headers of [{ 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }, { Origin: 'http://evil.example' }, { Origin: 'null' }])
			for (const target of paths) {
				const lines = Object.entries({ ...headers, Authorization: `Bearer ${token}` }).map(([k, v]) => `${k}: ${v}\r\n`).join('');
				const answer = await rawRequest(server.admin, `GET ${target} HTTP/1.1\r\nHost: ${new URL(server.admin).host}\r\n${lines}\r\n`);
				assert.equal(answer.status, 403, `${target} ${JSON.stringify(headers)}`);
				assert.equal(answer.headers.get('access-control-allow-origin'), undefined);
			}
	});
});

test('the page: a strict policy, an ETag, gzip, and no other origin', async () => {
	const ask = headers => fetchUrl(`${server.admin}/`, { headers });
	const answer = await ask({ 'Accept-Encoding': 'identity' });
	const policy = Object.fromEntries(answer.headers.get('content-security-policy').split('; ').map(d => [d.split(' ')[0], d.split(' ').slice(1).join(' ')]));
	assert.equal(policy['default-src'], "'none'");
	for (const kind of ['script-src', 'style-src', 'img-src', 'connect-src'])
		assert.equal(policy[kind], "'self'");
	for (const kind of ['base-uri', 'form-action', 'frame-ancestors', 'trusted-types'])
		assert.equal(policy[kind], "'none'");
	assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
	assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
	assert.equal((await ask({ 'Accept-Encoding': 'identity', 'If-None-Match': answer.headers.get('etag') })).status, 304);
	const packed = await new Promise((resolve, reject) => http.get(`${server.admin}/`, { headers: { 'Accept-Encoding': 'gzip' } }, async response => {
		const pieces = [];
		for await (const piece of response)
			pieces.push(piece);
		resolve({ encoding: response.headers['content-encoding'], bytes: Buffer.concat(pieces) });
	}).on('error', reject));
	assert.equal(packed.encoding, 'gzip');
	assert.equal(gunzipSync(packed.bytes).toString(), answer.text);
	assert.doesNotMatch(answer.text, /https?:\/\/|\s(style|on\w+)=/);
});

// A proxy as people write one: nginx, with the headers that its manual adds, and with none.
const config = (dir, ports) => `
daemon off; pid ${dir}/pid; error_log stderr crit; worker_processes 1;
events {}
http {
	access_log off; client_body_temp_path ${dir}/a; proxy_temp_path ${dir}/b; fastcgi_temp_path ${dir}/c; uwsgi_temp_path ${dir}/d; scgi_temp_path ${dir}/e;
	server { listen 127.0.0.1:${ports.named}; location / {
		proxy_pass ${server.admin}; proxy_set_header Host $http_host; proxy_set_header X-Real-IP $remote_addr;
		proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme; } }
	server { listen 127.0.0.1:${ports.bare}; location / { proxy_pass ${server.admin}; } }
}`;


describe('through a reverse proxy on this host', () => {
	let dir, nginx, ports;
	before(async () => {
		dir = mkdtempSync(path.join(tmpdir(), 'tintype-nginx-'));
		ports = { named: await freePort(), bare: await freePort() };
		writeFileSync(path.join(dir, 'nginx.conf'), config(dir, ports));
		nginx = spawn('nginx', ['-p', dir, '-c', path.join(dir, 'nginx.conf')], { stdio: 'inherit', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
		await eventually(() => fetch(`http://127.0.0.1:${ports.bare}/healthz`).then(r => r.ok, () => false), { what: 'nginx' });
	});
	after(async () => {
		nginx?.kill('SIGTERM');
		await (nginx && once(nginx, 'exit'));
		rmSync(dir, { recursive: true, force: true });
	});
	const through = (port, target, headers = []) => rawRequest(`http://127.0.0.1:${port}`, ['GET ' + target + ' HTTP/1.1', ...headers, 'Connection: close', '', ''].join('\r\n'));

	test('a request without the token is refused, whatever its headers claim', async () => {
		for (const target of ['/console/images', '/console/logs', '/console/settings', '/metrics'])
			for (const more of [[], ['X-Forwarded-For: 127.0.0.1'], ['X-Real-IP: 127.0.0.1', 'Forwarded: for=127.0.0.1;host=localhost'], ['X-Forwarded-Host: localhost']]) {
				assert.equal((await through(ports.named, target, ['Host: admin.example', ...more])).status, 401, `${target} ${more}`);
				if (target !== '/metrics' || more.length > 0)
					assert.equal((await through(ports.bare, target, ['Host: admin.example', ...more])).status, 401, `bare ${target} ${more}`);
			}
		assert.equal((await through(ports.named, '/console/settings', ['Host: admin.example', `Authorization: Bearer ${token}`])).status, 200);
		assert.equal((await through(ports.named, '/metrics', ['Host: admin.example', `Authorization: Bearer ${token}`])).status, 200);
	});

	test('a name that is not in the settings is refused, even with the token or forwarding headers', async () => {
		for (const more of [[], ['X-Forwarded-Host: localhost'], ['Forwarded: host=localhost']])
			assert.equal((await through(ports.named, '/console/settings', ['Host: evil.example', `Authorization: Bearer ${token}`, ...more])).status, 403);
	});

	test('the console works under the name in the settings', async () => {
		const page = await openPage(browser, server, { url: `http://admin.example:${ports.named}` });
		await signIn(page, token);
		await page.getByRole('link', { name: 'Images' }).click();
		await rows(page).first().waitFor();
		await leave(page);
	});
});
