// The console in Debian's Chromium, on the admin listener of a real server: signing in, rows, logs, charts,
// settings, access control; the same through a reverse proxy on this host; accessible in light and dark.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { axe, openPage, PHONE, startBrowser } from './support/browser.mjs';
import { call, corpus, credentials, eventually, fetchUrl, npmPackage, openSlot, putBytes, rawRequest, runProgram, startServer, tinyPng, uploadImage } from './support/server.mjs';

const { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } = npmPackage('@aws-sdk/client-s3');

import { nice, niceBytes, path as linePath } from '../../web/console/chart.js';
import { between, parse, quantile } from '../../web/console/metrics.js';

const API_KEY = 'k3y-of-the-owner-1234567890';
const SCRIPT = '<script>document.title="taken"</script><img src=x onerror=alert(1)>.png';
const BIDI = 'invoice \u202Egnp.exe';

const tokenOf = async server => (await eventually(() => /console .*\(token: ([0-9a-f]{32})\)/.exec(server.out), { what: 'the token' }))[1];
const OTHER_NAMES = '--host-resolver-rules=MAP evil.example 127.0.0.1, MAP admin.example 127.0.0.1';
const bearer = token => ({ headers: { Authorization: `Bearer ${token}` } });

let server, token, browser;
before(async () => {
	[server, browser] = await Promise.all([startServer({ env: { TINTYPE_API_KEY: API_KEY, TINTYPE_ACCESS: 'open' }, args: ['--hosts', 'admin.example', '--max-size', '4000001'] }), startBrowser(OTHER_NAMES)]);
	token = await tokenOf(server);
});
after(async () => { await browser?.close(); await server?.stop(); });

/** A page that is signed in, at a view. */
async function enter(view, { url = server.admin, secret = token, ...options } = {}) {
	const page = await openPage(browser, server, { url, ...options });
	await signIn(page, secret);
	await page.getByRole('heading', { name: 'Overview' }).waitFor();
	if (view)
		await page.getByRole('link', { name: view, exact: true }).click();
	return page;
}

async function signIn(page, secret) {
	await page.getByLabel('Token').fill(secret);
	await page.getByRole('button', { name: 'Sign in' }).click();
}

const leave = async page => { await page.quiet(); await page.context().close(); };
const rows = page => page.locator('#images-rows tr');
const lines = page => page.locator('#lines li');

describe('signing in', () => {
	test('a wrong token shows a message and nothing else; the right one signs in, survives a reload, and is removed by signing out', async () => {
		const page = await openPage(browser, server, { url: server.admin });
		await signIn(page, token.replace(/.$/, c => c === '0' ? '1' : '0'));
		await page.getByRole('alert').filter({ hasText: 'Wrong token' }).waitFor();
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

describe('actions', () => {
	const doIn = async (page, dialog, verb) => {
		await page.getByRole('dialog', { name: dialog }).getByRole('button', { name: verb, exact: true }).click();
		await page.getByRole('dialog', { name: dialog }).waitFor({ state: 'hidden' });
	};
	const said = (page, text) => page.locator('#said').filter({ hasText: text }).waitFor();
	const actions = path => server.events('console.action').filter(e => path.test(e.path));
	const bytes = () => corpus('good/photo.jpg');

	test('an image is shown with its picture, verified again, and deleted; each is logged with who did it', async () => {
		const { imageId } = (await uploadImage(server, { bytes: bytes(), fileName: 'to be seen.jpg', fileType: 'image/jpeg' })).slot;
		const page = await enter('Images');
		const thumb = rows(page).filter({ hasText: 'to be seen.jpg' }).locator('img.thumb');
		await thumb.scrollIntoViewIfNeeded();
		await page.waitForFunction(img => img.complete && img.naturalWidth > 0, await thumb.elementHandle());
		await page.getByRole('button', { name: 'to be seen.jpg' }).click();
		const dialog = page.getByRole('dialog', { name: 'to be seen.jpg' });
		await page.waitForFunction(() => document.querySelector('#row-picture img')?.naturalWidth > 0);
		await dialog.getByRole('button', { name: 'Verify again' }).click();
		await dialog.getByText('It is in order.').waitFor();
		await dialog.getByRole('button', { name: 'Delete…' }).click();
		await page.getByRole('dialog', { name: 'Delete to be seen.jpg?' }).getByRole('button', { name: 'Cancel' }).click();
		assert.equal((await call(server, 'GET', `/images/${imageId}`)).status, 200, 'cancelled');
		await dialog.getByRole('button', { name: 'Delete…' }).click();
		await doIn(page, 'Delete to be seen.jpg?', 'Delete');
		await said(page, 'to be seen.jpg was deleted.');
		await page.waitForFunction(() => !document.querySelector('#images-rows').textContent.includes('to be seen.jpg'));
		assert.equal((await call(server, 'GET', `/images/${imageId}`)).status, 404);
		const [verified, deleted] = await eventually(() => { const found = actions(new RegExp(imageId)); return found.length === 2 && found; }, { what: 'the log lines' });
		for (const line of [verified, deleted])
			assert.deepEqual([line.keyId, line.client, line.listener, line.imageId], ['console', '127.0.0.1', 'admin', imageId]);
		assert.deepEqual([verified.route, deleted.route, deleted.status], ['POST /console/images/{imageId}/verify', 'DELETE /images/{imageId}', 204]);
		assert.equal(server.events('image.deleted').find(e => e.imageId === imageId).by, 'console');
		await leave(page);
	});

	test('a pending image is looked for, and what cannot be done is said in the dialog', async () => {
		const slot = await openSlot(server, { fileName: 'not here yet.png' });
		const page = await enter('Images');
		await page.getByRole('button', { name: 'not here yet.png' }).click();
		const dialog = page.getByRole('dialog', { name: 'not here yet.png' });
		await dialog.getByRole('button', { name: 'Check for the upload' }).click();
		await dialog.locator('#row-said').filter({ hasText: /not|arrived/ }).waitFor();
		await call(server, 'DELETE', `/images/${slot.imageId}`, { key: API_KEY });
		await dialog.getByRole('button', { name: 'Delete…' }).click();
		const ask = page.getByRole('dialog', { name: 'Delete not here yet.png?' });
		await ask.getByRole('button', { name: 'Delete', exact: true }).click();
		await ask.getByRole('alert').filter({ hasText: 'no image' }).waitFor();
		await page.keyboard.press('Escape');
		await leave(page);
	});

	test('rejected uploads that match are purged, and nothing else', async () => {
		const rejected = [];
		for (const fileName of ['purge me.png', 'purge me too.png', 'keep me.png']) {
			const slot = await openSlot(server, { fileName, fileType: 'image/png' });
			await putBytes(slot, Buffer.from('no picture'));
			rejected.push(slot.imageId);
		}
		const kept = await openSlot(server, { fileName: 'purge me not.png' });
		const page = await enter('Images');
		const purge = page.getByRole('button', { name: 'Delete all rejected…' });
		assert.equal(await purge.isVisible(), false);
		await page.getByLabel('Name or id').fill('purge me');
		await page.getByLabel('Rejected', { exact: true }).check({ force: true });
		await purge.click();
		await doIn(page, 'Delete the rejected uploads that match?', 'Delete');
		await said(page, '2 rejected uploads deleted.');
		for (const [id, status] of [[rejected[0], 404], [rejected[1], 404], [rejected[2], 200], [kept.imageId, 200]])
			assert.equal((await call(server, 'GET', `/images/${id}`)).status, status);
		await leave(page);
	});

	test('users are listed with their use; a quota is set and taken back; one is deleted with its images', async () => {
		for (const user of ['ana', 'bob'])
			assert.equal((await call(server, 'POST', `/images?onBehalfOf=${user}&fileName=a.jpg`, { body: bytes(), headers: { 'Content-Type': 'image/jpeg' }, key: API_KEY })).status, 201);
		const page = await enter('Users');
		const row = name => page.locator('#users-rows tr').filter({ has: page.getByText(name, { exact: true }) });
		await row('ana').waitFor();
		assert.match(await row('ana').innerText(), /KB.*\b1\b/s);
		await row('ana').getByRole('button', { name: 'Quota of ana' }).click();
		await page.getByRole('dialog').getByLabel('Images').fill('3');
		await page.getByLabel('Storage, in MB').fill('2');
		await doIn(page, 'Quota of ana', 'Save');
		await row('ana').filter({ hasText: '1 of 3' }).waitFor();
		const { owner, quota } = (await call(server, 'GET', '/users', { key: API_KEY })).json.users.find(u => u.subject === 'ana');
		assert.deepEqual(quota, { images: 3, bytes: 2 * 2 ** 20 });
		await row('ana').getByRole('button', { name: 'Default quota for ana' }).click();
		await doIn(page, 'Use the default quota for ana?', 'Use the default');
		await page.waitForFunction(() => !document.querySelector('#users-rows').textContent.includes('of 3'));
		await row('ana').getByRole('button', { name: 'Delete ana' }).click();
		await doIn(page, 'Delete ana?', 'Delete');
		await said(page, '1 image of ana deleted.');
		await row('ana').waitFor({ state: 'detached' });
		assert.equal(await row('bob').count(), 1);
		await eventually(() => actions(new RegExp(`/prod/users/${owner}$`)).length === 1, { what: 'the log line' });
		await leave(page);
	});

	test('an API key is made, works, is shown once and never logged, and is removed', async () => {
		const page = await enter('API keys');
		await page.getByRole('button', { name: 'Add a key…' }).click();
		await page.getByLabel('Name, such as').fill('my shop');
		await page.getByRole('checkbox', { name: 'admin' }).check();
		await page.getByRole('dialog', { name: 'New API key' }).getByRole('button', { name: 'Add', exact: true }).click();
		const key = await page.locator('#new-key').innerText();
		assert.equal((await call(server, 'GET', '/users', { key })).status, 200);
		await page.getByRole('button', { name: 'Close' }).click();
		const row = page.locator('#keys-rows tr').filter({ hasText: 'my shop' });
		await row.waitFor();
		assert.equal((await page.content()).includes(key), false);
		assert.equal(server.log.some(line => line.includes(key)), false);
		await row.getByRole('button', { name: 'Remove the key my shop' }).click();
		await doIn(page, 'Remove the key my shop?', 'Remove');
		await said(page, 'The key my shop was removed.');
		assert.equal((await call(server, 'GET', '/users', { key })).status, 401);
		await leave(page);
	});

	test('buckets are listed with their sizes, and deleted only when they are empty; so are users, without secrets', async () => {
		const { id, secret } = credentials(server).tintype;
		const s3 = new S3Client({ endpoint: server.storage, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: id, secretAccessKey: secret } });
		await s3.send(new CreateBucketCommand({ Bucket: 'backups' }));
		await s3.send(new PutObjectCommand({ Bucket: 'backups', Key: 'a', Body: 'x'.repeat(3000) }));
		const page = await enter('Buckets');
		const row = name => page.locator('#buckets-rows tr').filter({ has: page.getByText(name) });
		await row('backups').filter({ hasText: '12.9 KB' }).waitFor();
		assert.equal(await row('image-uploads').getByRole('button').count(), 0);
		assert.match(await page.locator('#s3-users-rows').innerText(), new RegExp(id));
		assert.equal((await page.content()).includes(secret), false);
		await row('backups').getByRole('button').click();
		const ask = page.getByRole('dialog', { name: 'Delete the bucket backups?' });
		await ask.getByRole('button', { name: 'Delete', exact: true }).click();
		await ask.getByRole('alert').filter({ hasText: 'not empty' }).waitFor();
		await s3.send(new DeleteObjectCommand({ Bucket: 'backups', Key: 'a' }));
		await doIn(page, 'Delete the bucket backups?', 'Delete');
		await row('backups').waitFor({ state: 'detached' });
		assert.equal((await fetchUrl(`${server.admin}/console/buckets/image-uploads`, { method: 'DELETE', ...bearer(token) })).status, 403);
		s3.destroy();
		await leave(page);
	});

	test('nothing is changed without the token, by an API key, or from a page of another site', async () => {
		const { imageId } = (await uploadImage(server)).slot;
		const attempts = [[{}, 401], [bearer(API_KEY).headers, 403], [{ ...bearer(token).headers, Origin: 'http://evil.example' }, 403],
			[{ ...bearer(token).headers, 'Sec-Fetch-Site': 'cross-site' }, 403]];
		for (const [headers, status] of attempts) {
			const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
			for (const target of [`DELETE /prod/images/${imageId}`, 'DELETE /console/buckets/x', 'POST /prod/keys', 'POST /console/webhooks/enable', 'OPTIONS /prod/keys'])
				assert.equal((await rawRequest(server.admin, `${target} HTTP/1.1\r\nHost: ${new URL(server.admin).host}\r\n${lines}Content-Length: 0\r\n\r\n`)).status,
					target.startsWith('OPTIONS') && !/Origin|Sec-Fetch/.test(lines) ? 405 : status, `${target} ${lines}`);
		}
		assert.equal((await call(server, 'GET', `/images/${imageId}`)).status, 200);
		await call(server, 'DELETE', `/images/${imageId}`, { key: API_KEY });
	});
});

describe('logs', () => {
	test('new lines appear while the log is followed, and the console\'s own requests do not', async () => {
		const page = await enter('Logs');
		await lines(page).first().waitFor();
		const { headers } = await call(server, 'GET', '/images/0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10');
		const line = lines(page).filter({ hasText: headers.get('x-amzn-requestid') });
		await line.waitFor();
		assert.match(await line.innerText(), /^[\d:.]+ info GET \/images\/\{imageId\} 404 There is no image with this id\. [\d.]+ ms$/, 'the message first, in one line');
		assert.equal(await line.evaluate(item => item.clientHeight < 40), true);
		await line.locator('summary').click();
		await line.getByText('no_such_image').waitFor();
		assert.equal(await lines(page).filter({ hasText: 'GET /console/logs' }).count(), 0);
		await page.getByRole('switch', { name: 'Follow' }).uncheck({ force: true });
		const later = (await call(server, 'GET', '/limits')).headers.get('x-amzn-requestid');
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
		for (const { line } of answer.json.lines)
			assert.ok(server.log.includes(JSON.stringify(line)) || server.log.some(text => text.includes(line.requestId)), 'lines are those of stderr');
	});
});

describe('charts', () => {
	const at = (seconds, text) => ({ at: seconds * 1000, samples: parse(text) });
	const requests = (api, failed) => `# HELP tintype_requests_total x\ntintype_requests_total{listener="api",route="GET /",status="200"} ${api}\n`
		+ `tintype_requests_total{listener="api",route="GET /",status="503"} ${failed}\ntintype_requests_total{listener="admin",route="GET /",status="404"} 1e3\n`;

	test('rates are computed between two readings, exclude the console\'s own requests, and are unknown after a restart', () => {
		const drawn = between(at(10, requests(100, 4)), at(14, requests(120, 6)));
		assert.deepEqual([drawn.api, drawn.failed, drawn.refused, drawn.storage, drawn.median], [5.5, 0.5, 0, 0, null]);
		assert.equal(between(at(10, requests(100, 4)), at(14, requests(1, 0))).api, null);
	});

	test('quantiles cover the time between two readings, are interpolated within a bucket, and never exceed the last bound', () => {
		const before = new Map([[0.1, 5], [1, 5], [Infinity, 5]]);
		assert.equal(quantile(before, before, 0.5), null);
		assert.equal(quantile(before, new Map([[0.1, 15], [1, 15], [Infinity, 15]]), 0.5), 0.05);
		assert.equal(quantile(before, new Map([[0.1, 5], [1, 15], [Infinity, 15]]), 0.5), 0.1 + 0.9 * 0.5);
		assert.equal(quantile(before, new Map([[0.1, 5], [1, 5], [Infinity, 15]]), 0.95), 1);
	});

	test('lines have gaps where values are unknown, end at the right edge, and fit their scale', () => {
		assert.equal(linePath([1, 2, null, 4], 4).match(/M/g).length, 2);
		assert.match(linePath([1, 2, null, 4], 4), /M360\.0 8\.0h\.1$/);
		assert.deepEqual([0, 0.7, 1, 13, 50, 51].map(n => nice(n)), [1, 1, 1, 20, 50, 100]);
		assert.deepEqual([1000, 1500, 3 * 2 ** 20].map(niceBytes), [1000, 2048, 5 * 2 ** 20]);
	});
});

test('charts and numbers follow the server\'s activity', async () => {
	const page = await enter();
	const drawn = () => page.locator('.line-0').first().getAttribute('d');
	const value = name => page.locator('#tiles div').filter({ hasText: name }).locator('dd').innerText();
	await page.waitForFunction(() => document.querySelector('.line-0').getAttribute('d') !== '');
	const before = { drawn: await drawn(), uploaded: Number(await value('Uploaded')) };
	await uploadImage(server);
	await call(server, 'GET', '/nothing');
	await page.waitForFunction(n => Number([...document.querySelectorAll('#tiles div')].find(tile => tile.textContent.startsWith('Uploaded')).lastChild.textContent) === n, before.uploaded + 1);
	await page.waitForFunction(d => document.querySelector('.line-0').getAttribute('d') !== d, before.drawn);
	assert.notEqual(await value('Stored'), '0 bytes');
	// Whichever reading they are in: the errors' line is above zero, and a latency is shown.
	const isUp = d => new Set([...d.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => y)).size > 1;
	await eventually(async () => isUp(await page.locator('.chart').nth(1).locator('.line-0').getAttribute('d')), { what: 'an error in the chart' });
	await eventually(async () => await page.locator('.chart').nth(2).locator('.line-0').getAttribute('d') !== '', { what: 'a latency in the chart' });
	await leave(page);
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
			await page.getByText('No webhooks match.').waitFor();
			await look('webhooks');
			await page.getByRole('link', { name: 'Settings' }).click();
			await page.locator('#settings-rows tr').first().waitFor();
			await look('settings');
			await leave(page);
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
		const refused = server.events('request').filter(e => e.listener === 'admin' && e.code === 'cross_site');
		assert.ok(refused.length >= 3, 'the server has refused, not the browser alone');
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

const freePort = () => new Promise(resolve => { const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => resolve(port)); }); });

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
