// The page in a real browser: every way to add files, the progress of uploads, and the
// messages for refused ones.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { choose, hand, openPage, PHONE, showAll, startBrowser, seeWall, upload, uploadIs } from './support/browser.mjs';
import { startCloud } from '../cloud/cloud.mjs';
import { typeOfBytes } from '../../web/media_type.js';
import { after, afterEach, before, test } from './support/limited.mjs';
import { png } from './support/png.mjs';
import { startProxy } from './support/proxy.mjs';
import { call, corpora, corpus, eventually, pictures, runProgram, startServer, tinyPng } from './support/server.mjs';

const TYPES = { jpg: 'image/jpeg', png: 'image/png', gif: 'image/gif', webp: 'image/webp' };
const small = (name, colour) => ({ name, mimeType: 'image/png', buffer: png(40, 30, { colour }) });
const noisy = png(700, 700, { noise: true });   // 1.4 MB
const large = name => ({ name, mimeType: 'image/png', buffer: noisy });
let browser, proxy, server, target, page;

before(async () => {
	browser = await startBrowser();
	proxy = await startProxy();
	server = await startServer({ args: ['--public-storage-url', proxy.url] });
	proxy.to(target = server.storage);
	server = { ...server, storage: proxy.url };   // where the page is to go
});
afterEach(async () => {
	proxy.release();
	await page?.quiet();
	await page?.context().close();
	page = undefined;
});
after(async () => {
	await browser?.close();
	await proxy?.stop();
	await server?.stop();
});

const uploaded = async () => (await call(server, 'GET', '/images?limit=1000')).json.images.map(image => image.fileName);
const puts = () => proxy.heads.filter(head => head.startsWith('PUT '));

test('the limits are shown before anything is sent, and the file chooser applies them', async () => {
	page = await openPage(browser, server);
	await page.getByText('JPEG, PNG, GIF or WebP, up to 5 MB and 50 megapixels each').waitFor();
	assert.equal(await page.locator('#files').getAttribute('accept'), 'image/jpeg,image/png,image/gif,image/webp');
	assert.equal(await page.locator('#files').getAttribute('multiple'), '');
});

for (const [what, folder] of corpora()) test(`every good file of ${what} is accepted and displayed as its record describes`, async () => {
	const names = readdirSync(path.join(folder, 'good'));
	page = await openPage(browser, server);
	await choose(page, names.map(name => ({ name, mimeType: TYPES[name.split('.').pop()], buffer: readFileSync(path.join(folder, 'good', name)) })));
	for (const name of names)
		assert.match(await uploadIs(page, name, 'done'), /^Uploaded · /);
	await page.getByText(`All ${names.length} uploaded`).waitFor();
	assert.deepEqual((await uploaded()).slice(0, names.length).sort(), names.sort());
	const onWall = async () => {   // those that are uploaded together are put there together
		const all = await seeWall(page);
		return all.filter(one => names.includes(one.name)).length === names.length && all;
	};
	const seen = await eventually(onWall, { what: 'every picture on the wall' }), off = ({ width, height, shown: [w, h] }) => Math.abs(w * height - h * width) > 2 * (width + height);
	assert.deepEqual(seen.filter(off), [], 'the shape that is reserved is that of the picture as it is shown, turned ones too');
});

test('files that are dropped anywhere, and pasted ones, are uploaded; the page shows a drop target while they are dragged over it', async () => {
	page = await openPage(browser, server);
	await hand(page, 'dragenter', [small('dropped.png')]);
	await page.getByText('Drop to upload').waitFor();
	await hand(page, 'drop', [small('dropped.png'), small('dropped too.png')]);
	await page.getByText('Drop to upload').waitFor({ state: 'hidden' });
	await uploadIs(page, 'dropped.png', 'done');
	await uploadIs(page, 'dropped too.png', 'done');
	await hand(page, 'paste', [small('pasted.png')]);
	await uploadIs(page, 'pasted.png', 'done');
	assert.deepEqual((await uploaded()).slice(0, 1), ['pasted.png']);
	await eventually(async () => await page.locator('#wall .name').first().textContent() === 'pasted.png', { what: 'it hangs first' });
	await hand(page, 'dragenter', [small('x.png')]);
	await hand(page, 'dragleave', [small('x.png')]);
	await page.getByText('Drop to upload').waitFor({ state: 'hidden' });
});

test('a phone offers its camera', async () => {
	page = await openPage(browser, server, { viewport: PHONE, hasTouch: true, isMobile: true });
	const chooser = page.waitForEvent('filechooser');
	await page.getByRole('button', { name: 'Take a photo' }).tap();
	const { _element: input } = await chooser.then(c => { c.setFiles([small('photo.png')]); return { _element: c.element() }; });
	assert.equal(await input.getAttribute('capture'), 'environment');
	await uploadIs(page, 'photo.png', 'done');
});

test('the bytes go to the storage, another origin, after a preflight; the key never does', async () => {
	proxy.heads.length = 0;
	page = await openPage(browser, server, { bySlots: true, init: () => sessionStorage.setItem('key', 'not to be sent there') });
	await choose(page, [small('wire.png')]);
	await uploadIs(page, 'wire.png', 'done');
	const [preflight] = proxy.heads.filter(head => head.startsWith('OPTIONS '));
	assert.ok(proxy.heads.indexOf(preflight) < proxy.heads.indexOf(puts()[0]), 'first the preflight');
	assert.match(preflight, new RegExp(`^origin: ${server.api}\r?$`, 'im'));
	assert.match(preflight, /^access-control-request-method: PUT\r?$/im);
	assert.match(preflight, /^access-control-request-headers: content-type\r?$/im);
	assert.match(puts()[0], /^content-type: image\/png\r?$/im);
	assert.match(puts()[0], new RegExp(`^origin: ${server.api}\r?$`, 'im'));
	assert.ok(proxy.heads.every(head => !/not to be sent|^(authorization|cookie|referer):/im.test(head)), proxy.heads.join('\n\n'));
});

test('six are uploaded at a time; each shows its progress and speed, can be cancelled, and the next one follows', async () => {
	proxy.heads.length = 0;
	proxy.rule = head => head.startsWith('PUT ') ? { holdAt: 300000 } : undefined;
	page = await openPage(browser, server);
	await page.evaluate(() => {
		window.said = [];
		new MutationObserver(() => document.querySelectorAll('#uploads .status').forEach(p => window.said.push(p.textContent))).observe(document.getElementById('uploads'), { subtree: true, childList: true });
	});
	const session = await page.context().newCDPSession(page);
	const throttle = uploadThroughput => session.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
	await throttle(500000);   // else all of it has left the browser in one stroke
	const names = ['one.png', 'two.png', 'three.png', 'four.png', 'five.png', 'six.png', 'seven.png', 'eight.png'];
	await choose(page, names.map(large));
	await page.waitForFunction(() => window.said.some(text => text.includes('/s')));
	await throttle(-1);
	await eventually(() => proxy.holding() === 6);
	assert.equal(puts().length, 6);
	assert.match(await uploadIs(page, 'seven.png', 'waiting'), /^Waiting · 1\.4 MB$/);
	await uploadIs(page, 'eight.png', 'waiting');
	const bar = upload(page, 'one.png').getByRole('progressbar');
	assert.equal(await bar.getAttribute('aria-label'), 'Progress of one.png');
	await page.waitForFunction(() => document.querySelector('#uploads progress').value > 0);
	assert.equal(await upload(page, 'one.png').locator('img[src]').evaluate(img => img.decode().then(() => img.naturalWidth)), 700, 'the preview');

	const withdrawn = page.waitForResponse(answer => answer.request().method() === 'DELETE');
	await page.getByRole('button', { name: 'Cancel: two.png' }).click();
	await page.getByRole('button', { name: 'Cancel: eight.png' }).click();
	assert.equal((await withdrawn).status(), 204, 'with its slot, so that what is on the way comes to nothing');
	await eventually(() => puts().length === 7);
	assert.deepEqual(await page.locator('#uploads .name').allTextContents(), ['one.png', 'three.png', 'four.png', 'five.png', 'six.png', 'seven.png']);
	proxy.release();
	for (const name of ['one.png', 'three.png', 'seven.png'])
		await uploadIs(page, name, 'done');
	const there = await uploaded();
	assert.ok(!there.includes('two.png') && !there.includes('eight.png'));
	const said = await page.evaluate(() => window.said);
	assert.ok(said.some(text => /^[\d.]+ [KM]B of 1\.4 MB · [\d.]+ ([KM]B|bytes)\/s$/.test(text)), [...new Set(said)].join('\n'));
	assert.ok(said.includes('Checking…'));
});

const LOST = 'Waiting · The connection to the server was lost.';

test('a connection that is cut half-way is reported, and the upload goes on by itself with the same slot', async () => {
	proxy.rule = head => head.startsWith('PUT ') ? { cutAt: 500000 } : undefined;
	page = await openPage(browser, server);
	const asked = [];
	page.on('request', request => { if (request.url().endsWith('/prod/upload')) asked.push(request.method()); });
	await choose(page, [large('cut.png')]);
	await upload(page, 'cut.png').getByText(LOST).waitFor();
	await page.getByText(/^No connection to the server\. Trying again/).waitFor();
	assert.ok(!(await uploaded()).includes('cut.png'));
	proxy.release();
	await uploadIs(page, 'cut.png', 'done');
	assert.deepEqual(asked, ['POST']);
	assert.equal((await uploaded())[0], 'cut.png');
});

test('an upload whose connection is cut again and again while the server can be reached has failed, which is not "refused", and can be tried again', async () => {
	page = await openPage(browser, server, { bySlots: true });
	await page.getByText('up to 5 MB').waitFor();
	await page.evaluate(() => { const { setTimeout: original } = window; window.setTimeout = (work, ms) => original(work, ms < 30000 ? Math.min(ms, 50) : ms); });   // the waits, but for that of a stalled connection
	proxy.rule = head => head.startsWith('PUT ') ? { cutAt: 0 } : undefined;
	await choose(page, [small('cut always.png')]);
	assert.equal(await uploadIs(page, 'cut always.png', 'failed'), 'Failed. The connection to the server was lost.');
	await page.getByText('0 of 1 uploaded').waitFor();
	await page.getByText('1 failed').waitFor();
	assert.equal(await page.title(), '1 not uploaded – Pictures – tintype');
	proxy.release();
	await page.getByRole('button', { name: 'Retry all' }).click();
	await uploadIs(page, 'cut always.png', 'done');
});

test('a response that is lost after all bytes have arrived makes no second picture', async () => {
	proxy.rule = head => head.startsWith('PUT ') ? { cutAnswer: true } : undefined;
	page = await openPage(browser, server, { bySlots: true });
	await choose(page, [small('answer lost.png')]);
	await upload(page, 'answer lost.png').getByText(LOST).waitFor();
	proxy.release();
	await uploadIs(page, 'answer lost.png', 'done');
	assert.equal((await uploaded()).filter(name => name === 'answer lost.png').length, 1);
});

test('nor does one whose URL has expired meanwhile, with the API key or without any', async () => {
	const KEY = 'correct-horse-battery-staple';
	for (const env of [{}, { TINTYPE_API_KEY: KEY, TINTYPE_UPLOAD: 'open' }]) {
		const own = await startServer({ env, args: ['--public-storage-url', proxy.url] });
		proxy.to(own.storage);
		proxy.rule = head => head.startsWith('PUT ') ? { cutAnswer: true } : undefined;
		page = await openPage(browser, { ...own, storage: proxy.url }, { bySlots: true });
		await page.route('**/prod/upload', async route => {   // as if its time was over
			const answer = await route.fetch();
			await route.fulfill({ response: answer, json: { ...await answer.json(), expiresAt: new Date(0).toJSON() } });
		}, { times: 1 });
		await choose(page, [small('late.png')]);
		await upload(page, 'late.png').getByText(LOST).waitFor();
		proxy.release();
		await uploadIs(page, 'late.png', 'done');
		const { json } = await call(own, 'GET', '/images', { key: env.TINTYPE_API_KEY });
		assert.deepEqual(json.images.map(image => image.fileName), ['late.png']);
		await page.quiet();
		await page.context().close();
		await own.stop();
	}
	page = undefined;
	proxy.to(target);
});

/** A page whose calls of the API go through a proxy of its own, with a server's files in one request. */
async function openBehind(front, of = server) {
	front.to(of.api);
	page = await openPage(browser, of, { url: front.url });
	await page.getByText('up to 5 MB').waitFor();
	return page;
}
const isDirect = head => head.startsWith('POST /prod/images?');
const middling = name => ({ name, mimeType: 'image/png', buffer: png(500, 500, { noise: true }) });   // 0.7 MB

test('small files are sent in one request, and larger ones to slots', async () => {
	page = await openPage(browser, server);
	const sent = [];
	page.on('request', request => { if (['POST', 'PUT'].includes(request.method())) sent.push(`${request.method()} ${new URL(request.url()).pathname.replace(/[0-9a-f-]{36}/, 'ID')}`); });
	await choose(page, [small('one request.png'), large('a slot.png')]);
	await uploadIs(page, 'one request.png', 'done');
	await uploadIs(page, 'a slot.png', 'done');
	assert.deepEqual(sent.sort(), ['POST /prod/images', 'POST /prod/images/ID/complete', 'POST /prod/upload', 'PUT /image-uploads/images/ID.png']);
});

test('in one request too, what is cut half-way or whose response is lost is sent again and makes one picture', async () => {
	const front = await startProxy();
	await openBehind(front);
	for (const [name, rule] of [['half.png', { cutAt: 300000 }], ['no response.png', { cutAnswer: true }]]) {
		front.rule = head => isDirect(head) ? rule : undefined;
		await choose(page, [middling(name)]);
		await upload(page, name).getByText(LOST).waitFor();
		front.release();
		await uploadIs(page, name, 'done');
		assert.equal((await uploaded()).filter(one => one === name).length, 1);
		await page.getByRole('button', { name: `Show: ${name}` }).waitFor();
	}
	await front.stop();
});

test('an upload in one request that is cancelled is gone from the server too, whether its bytes or its response were on the way', async () => {
	const front = await startProxy();
	await openBehind(front);
	const cancel = name => page.getByRole('button', { name: `Cancel: ${name}` }).click();
	front.rule = head => isDirect(head) ? { holdAt: 0 } : undefined;
	await choose(page, [middling('held.png')]);
	await eventually(() => front.holding() === 1);
	await cancel('held.png');
	front.release();
	front.rule = head => isDirect(head) && head.includes('unanswered.png') ? { cutAnswer: true } : undefined;   // not what takes the other one back
	await choose(page, [small('unanswered.png')]);
	await upload(page, 'unanswered.png').getByText(LOST).waitFor();
	await eventually(async () => (await uploaded()).includes('unanswered.png'), { what: 'it has arrived' });
	front.release();
	const removed = page.waitForResponse(answer => answer.request().method() === 'DELETE');
	await cancel('unanswered.png');
	assert.equal((await removed).status(), 204);
	await choose(page, [small('after both.png')]);
	await uploadIs(page, 'after both.png', 'done');
	await eventually(async () => {
		const there = await uploaded();
		return !there.includes('held.png') && !there.includes('unanswered.png') && there.includes('after both.png');
	}, { what: 'the cancelled ones are gone, and the other one is there' });
	await front.stop();
});

test('where a proxy lets no images through, the files go to slots', async () => {
	page = await openPage(browser, server);
	const asked = [];
	await page.route('**/prod/images?fileName=*', route => { asked.push(1); return route.fulfill({ status: 413, contentType: 'text/html', body: '<h1>413 Request Entity Too Large</h1>' }); });
	for (const name of ['to a slot.png', 'the next.png']) {
		await choose(page, [small(name)]);
		await uploadIs(page, name, 'done');
	}
	assert.equal(asked.length, 1);
	assert.deepEqual((await uploaded()).slice(0, 2), ['the next.png', 'to a slot.png']);
});

test('an upload in one request is refused, or waits, for the reason that the server gives', async () => {
	const KEY = 'correct-horse-battery-staple', full = await startServer({ env: { TINTYPE_API_KEY: KEY, TINTYPE_UPLOAD: 'open', TINTYPE_ANONYMOUS_SLOTS_PER_MINUTE: '1' }, args: ['--trusted-proxies', '127.0.0.1'] });
	page = await openPage(browser, full, { extraHTTPHeaders: { 'X-Forwarded-For': '203.0.113.9' } });
	await page.getByText('up to 5 MB').waitFor();
	await choose(page, [small('the first.png'), small('too soon.png')]);
	await page.getByText('Trying again').waitFor();
	assert.match(await page.locator('#waits').textContent(), /^Too many uploads from this address.* Trying again in \d+ s\./);
	await page.locator('#uploads > [data-state=done]').waitFor();
	await page.getByRole('button', { name: /^Copy link/ }).waitFor();
	await page.getByRole('button', { name: /^Delete/ }).click();   // by its token
	await page.locator('#uploads > [data-state=done]').waitFor({ state: 'detached' });
	assert.deepEqual((await call(full, 'GET', '/images', { key: KEY })).json.images, []);
	await page.quiet();
	await full.stop();
});

test('a failed request for the verdict is repeated, without the bytes', async () => {
	page = await openPage(browser, server, { bySlots: true });
	await page.route('**/complete', route => route.abort());
	await choose(page, [small('asked twice.png')]);
	await upload(page, 'asked twice.png').getByText(LOST).waitFor();
	await page.unroute('**/complete');
	const before = puts().length;
	await uploadIs(page, 'asked twice.png', 'done');
	assert.equal(puts().length, before);
});

test('an upload that is cancelled while it is checked is gone from the page and from the server', async () => {
	page = await openPage(browser, server, { bySlots: true });
	let answer;
	const asked = new Promise(resolve => { answer = resolve; });
	await page.route('**/complete', answer);
	await choose(page, [small('cancelled late.png')]);
	const route = await asked;
	const withdrawn = page.waitForResponse(response => response.request().method() === 'DELETE');
	await page.getByRole('button', { name: 'Cancel: cancelled late.png' }).click();
	assert.equal((await withdrawn).status(), 204);
	await route.fulfill({ json: { imageId: 'x', status: 'uploaded', fileName: 'cancelled late.png' } });
	await choose(page, [small('after it.png')]);
	await page.unroute('**/complete');
	await uploadIs(page, 'after it.png', 'done');
	assert.equal(await page.locator('#tray-count').textContent(), 'Uploaded');
	assert.ok(!(await uploaded()).includes('cancelled late.png'));
});

test('the records of many uploads are read together', async () => {
	page = await openPage(browser, server, { bySlots: true });
	const asked = { complete: 0, list: 0 };
	page.on('request', request => { const [, what] = /(complete)$|images\?/.exec(request.url()) ?? [, null]; if (what !== null) asked[what ?? 'list']++; });
	const before = (await uploaded()).length;
	await choose(page, Array.from({ length: 60 }, (_, i) => small(`of many ${i}.png`, [i, 2 * i, 90])));
	await page.getByText('All 60 uploaded').waitFor();
	assert.equal((await uploaded()).length, before + 60);
	assert.ok(asked.complete <= 25, `${asked.complete} calls for one record, ${asked.list} lists`);   // the last 20, and what a list did not have
	assert.ok(asked.list < 40, `${asked.list} lists`);
	await page.getByText(`${before + 60} pictures`).waitFor();
	assert.equal(await upload(page, 'of many 3.png').getByRole('button', { name: 'Show' }).count(), 1);
});

test('an unreachable server is reported, and uploads go on when the browser is online again', async () => {
	page = await openPage(browser, server);
	await page.getByText('up to 5 MB').waitFor();
	await page.context().setOffline(true);
	await choose(page, [small('offline.png')]);
	await upload(page, 'offline.png').getByText(LOST).waitFor();
	await page.context().setOffline(false);
	await uploadIs(page, 'offline.png', 'done');
});

test('files that would be refused are not sent: too large, empty, of another type', async () => {
	page = await openPage(browser, server);
	await page.getByText('up to 5 MB').waitFor();
	const before = puts().length, asked = [];
	page.on('request', request => { if (request.method() === 'POST') asked.push(request.url()); });
	await choose(page, [
		{ name: 'large.png', mimeType: 'image/png', buffer: Buffer.concat([tinyPng, Buffer.alloc(5242881 - tinyPng.length)]) }, { name: 'empty.png', mimeType: 'image/png', buffer: Buffer.alloc(0) },
		{ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('text') }, { name: 'unknown', mimeType: '', buffer: Buffer.from('text') },
		{ name: 'a page.png', mimeType: 'image/png', buffer: Buffer.from('<html></html>') }, { name: 'phone.heic', mimeType: '', buffer: Buffer.from('\0\0\0\x18ftypheic') },
	]);
	assert.equal(await uploadIs(page, 'large.png', 'refused'), 'This file is 5,242,881 bytes. The limit is 5,242,880 bytes.');
	assert.equal(await uploadIs(page, 'empty.png', 'refused'), 'The file is empty.');
	for (const name of ['notes.txt', 'unknown', 'a page.png'])
		assert.equal(await uploadIs(page, name, 'refused'), 'This isn\'t a JPEG, PNG, GIF or WebP picture.');
	assert.equal(await uploadIs(page, 'phone.heic', 'refused'), 'This picture is of the type HEIC. Only JPEG, PNG, GIF or WebP are accepted.');
	assert.equal(await page.getByRole('button', { name: /^Try again/ }).count(), 0);
	assert.deepEqual([puts().length, asked], [before, []]);
	assert.equal(await page.getByRole('button', { name: 'Clear finished' }).count(), 0);
	await page.getByRole('button', { name: 'Dismiss refused' }).click();
	await page.locator('#tray').waitFor({ state: 'hidden' });
});

test('the type is read from the bytes, whatever the name says', async () => {
	page = await openPage(browser, server);
	await choose(page, [{ name: 'scan.png', mimeType: 'image/png', buffer: corpus('good/photo.jpg') }, { name: 'no ending', mimeType: '', buffer: tinyPng }]);
	assert.match(await uploadIs(page, 'scan.png', 'done'), /^Uploaded · [\d.]+ KB · a JPEG named \.png$/);
	await uploadIs(page, 'no ending', 'done');
	const { images } = (await call(server, 'GET', '/images?limit=2')).json;
	assert.deepEqual(Object.fromEntries(images.map(image => [image.fileName, image.fileType])), { 'scan.png': 'image/jpeg', 'no ending': 'image/png' });
});

test('of many files the server reads the types: of wrong names, and of what is no picture', async () => {
	page = await openPage(browser, server);
	await page.getByText('up to 5 MB').waitFor();
	const asked = [];
	page.on('request', request => { if (request.method() === 'POST') asked.push(decodeURIComponent(new URL(request.url()).search)); });
	await choose(page, [...Array.from({ length: 30 }, (_, i) => small(`plain ${i}.png`, [i, 3, 4])), { name: 'a scan.png', mimeType: 'image/png', buffer: corpus('good/photo.jpg') },
		{ name: 'a text.png', mimeType: 'image/png', buffer: Buffer.from('text') }, { name: 'a text.txt', mimeType: 'text/plain', buffer: Buffer.from('text') }]);
	await page.getByText('31 of 33 uploaded').waitFor();
	assert.equal(await uploadIs(page, 'a text.png', 'refused'), 'The file is not an image of a type that is allowed here: image/jpeg, image/png, image/gif, image/webp.');
	assert.equal(await uploadIs(page, 'a text.txt', 'refused'), 'This isn\'t a JPEG, PNG, GIF or WebP picture.');
	assert.match(await uploadIs(page, 'a scan.png', 'done'), /^Uploaded · [\d.]+ KB · a JPEG named \.png$/);
	assert.equal(asked.length, 32);
	assert.ok(!asked.includes('?fileName=a text.txt'), 'its name says that it would be refused');
});

for (const [what, folder] of corpora()) test(`a broken file of ${what} that is refused is said in its own sentence`, async () => {
	page = await openPage(browser, server);
	const broken = readdirSync(path.join(folder, 'broken')).filter((_, i) => i % 8 === 0 || folder !== pictures());
	const files = [...broken.map(name => ({ name, mimeType: TYPES[name.split('.').pop()], buffer: readFileSync(path.join(folder, 'broken', name)) })),
		{ name: 'no chunks.png', mimeType: 'image/png', buffer: Buffer.concat([tinyPng.subarray(0, 8), Buffer.from('<html>&amp;</html>')]) }];
	await choose(page, files);
	await page.waitForFunction(() => document.getElementById('pause').hidden && document.querySelector('#uploads > li'));
	await showAll(page);
	const there = await uploaded();
	for (const { name, mimeType, buffer } of files) {
		const said = await upload(page, name).locator('.status').textContent();
		const fileType = typeOfBytes(buffer);
		if (!fileType) {
			assert.equal(said, 'This isn\'t a JPEG, PNG, GIF or WebP picture.');
			continue;
		}
		const slot = (await call(server, 'POST', '/upload', { json: { fileName: name, fileType, fileSize: buffer.length } })).json;
		const answer = await fetch(slot.uploadUrl, { method: 'PUT', headers: slot.headers, body: buffer });
		if (answer.status === 200) {
			assert.ok(there.includes(name));
			continue;
		}
		const [, message] = (await answer.text()).match(/<Message>(.*)<\/Message>/);
		assert.equal(said, message.replace(/&quot;/g, '"').replace(/&apos;/g, '\'').replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&'));
		assert.match(said, /^[A-Z].{15,}\.$/, 'a sentence');
		assert.equal(await page.getByRole('button', { name: `Try again: ${name}` }).count(), 0, 'another try would not help');
	}
});

test('with the images on S3 the bytes go there, and the page requests their verification', async () => {
	const cloud = await startCloud(), engines = { env: cloud.env, args: ['--store', 's3', '--table', 'dynamodb'] };
	assert.equal((await runProgram(['table', 'create'], { env: cloud.env })).code, 0);
	const own = await startServer(engines);
	const rules = '<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader></CORSRule></CORSConfiguration>';
	assert.equal((await cloud.request('PUT', '/pictures', { query: { cors: '' }, body: rules })).status, 200);
	page = await openPage(browser, { ...own, storage: cloud.url });
	await choose(page, [small('to s3.png'), { name: 'broken.png', mimeType: 'image/png', buffer: Buffer.concat([tinyPng.subarray(0, 8), Buffer.from('no picture')]) }]);
	await uploadIs(page, 'to s3.png', 'done');
	assert.match(await uploadIs(page, 'broken.png', 'refused'), /it is damaged/);
	await page.locator('#wall img.shown').waitFor();
	await page.quiet();
	await own.stop();
	await cloud.stop();
});

test('over TLS, page and storage are both https, and the policy names it', async () => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-page-')), [cert, key] = ['cert.pem', 'key.pem'].map(name => path.join(dir, name));
	execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-subj', '/CN=localhost'], { stdio: 'ignore' });
	chmodSync(key, 0o600);
	const own = await startServer({ args: ['--tls-cert', cert, '--tls-key', key] });
	assert.match(own.storage, /^https:/);
	page = await openPage(browser, own, { ignoreHTTPSErrors: true });
	await choose(page, [small('by tls.png')]);
	await uploadIs(page, 'by tls.png', 'done');
	await page.locator('#wall img.shown').waitFor();
	await page.quiet();
	await own.stop();
	rmSync(dir, { recursive: true });
});

test('when the server asks to wait, it is waited, with the server\'s own message', async () => {
	const full = await startServer({ args: ['--max-pending', '1'] });
	page = await openPage(browser, full, { bySlots: true });
	await call(full, 'POST', '/upload', { json: { fileName: 'first.png', fileType: 'image/png' } });
	await choose(page, [small('one too many.png')]);
	await page.getByText('Trying again').waitFor();
	const said = await uploadIs(page, 'one too many.png', 'waiting');
	const problem = await call(full, 'POST', '/upload', { json: { fileName: 'x.png', fileType: 'image/png' } });
	assert.equal(problem.status, 503);
	assert.equal(said, `Waiting · ${problem.json.detail}`);
	assert.ok((await page.locator('#waits').textContent()).startsWith(problem.json.detail));
	await page.quiet();
	await full.stop();
});
