// The page's uploads as a batch, in a real browser: 400 files while the server is killed, a reload in between, two tabs, the line that sums
// them up, pause and cancel, folders, and what is said of all else that is dropped or pasted. What is in the browser's database is
// asked of the browser.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { axe, choose, hand, openPage, PHONE, startBrowser, upload, uploadIs } from './support/browser.mjs';
import { after, afterEach, before, test } from './support/limited.mjs';
import { png } from './support/png.mjs';
import { startProxy } from './support/proxy.mjs';
import { call, eventually, startServer } from './support/server.mjs';

const KEY = 'correct-horse-battery-staple';
const picture = (name, colour = [9, 99, 200]) => ({ name, mimeType: 'image/png', buffer: png(40, 30, { colour }) });
const batch = n => Array.from({ length: n }, (_, i) => picture(`${i}.png`, [i % 256, i >> 8, 77]));
const names = n => batch(n).map(({ name }) => name).sort();
let browser, proxy, front, server, target, dir;
const pages = [];
/** How the page sends small files: which requests have their bytes, what makes a repeated one the same, and how many come at once. */
const WAYS = {
	'to slots': { bySlots: true, isBytes: head => head.startsWith('PUT '), identityOf: head => head.split(' ')[1], atOnce: 6 },
	'in one request': { bySlots: false, isBytes: head => head.startsWith('POST /prod/images?'), identityOf: head => /^idempotency-key: (.*)$/im.exec(head)[1].trim(), atOnce: 4 },
};
const forEachWay = (title, run) => Object.entries(WAYS).forEach(([name, way]) => test(`${title} (${name})`, () => run(way)));

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'tintype-queue-'));
	[browser, proxy, front] = await Promise.all([startBrowser(), startProxy(), startProxy()]);
	server = await startServer({ args: ['--public-storage-url', proxy.url] });
	proxy.to(target = server.storage);
	front.to(server.api);
	server = { ...server, storage: proxy.url };
});
afterEach(async () => {
	proxy.release();
	front.release();
	for (const page of pages.splice(0)) {
		await page.quiet();
		await page.context().close();
	}
	for (const { imageId } of (await call(server, 'GET', '/images?limit=1000')).json.images)
		await call(server, 'DELETE', `/images/${imageId}`);
});
after(async () => {
	await browser?.close();
	await proxy?.stop();
	await front?.stop();
	await server?.stop();
	rmSync(dir, { recursive: true });
});

async function open({ bySlots = true, ...options } = {}) {
	const page = await openPage(browser, server, { bySlots, url: bySlots ? server.api : front.url, ...options });
	pages.push(page);
	await page.getByText('up to 5 MB').waitFor();
	return page;
}

const listed = async (of = server, options) => (await call(of, 'GET', '/images?limit=1000', options)).json.images.map(image => image.fileName).sort();
const summary = page => page.locator('#tray-count').textContent();
const notice = page => page.locator('#notice').textContent();
const onBytes = (what, { isBytes } = WAYS['to slots']) => { proxy.rule = front.rule = head => isBytes(head) ? what : undefined; };
const hold = way => onBytes({ holdAt: 0 }, way);
const release = () => { proxy.release(); front.release(); };
const holding = () => proxy.holding() + front.holding();
/** What identifies the requests with bytes, in their order. */
const sentAs = ({ isBytes, identityOf }) => [...proxy.heads, ...front.heads].filter(isBytes).map(identityOf);

/** The names of the files that the browser keeps, each with its owner and whether it has a slot. */
const kept = page => page.evaluate(() => new Promise((resolve, reject) => {
	const asked = indexedDB.open('uploads');
	let isMissing = false;   // the page has not made it yet; an empty one of this test's would be the page's own from then on
	asked.onupgradeneeded = () => { isMissing = true; asked.transaction.abort(); };
	asked.onerror = () => isMissing ? resolve([]) : reject(asked.error);
	asked.onsuccess = () => {
		const all = asked.result.transaction('items').objectStore('items').getAll();
		all.onsuccess = () => { asked.result.close(); resolve(all.result.map(({ file, owner, trip }) => ({ name: file.name, owner, hasSlot: Boolean(trip.slot) }))); };
	};
}));

forEachWay('400 files while the server is killed and started again end in 400 images, by themselves', async ({ bySlots, isBytes }) => {
	const data = path.join(dir, `killed ${bySlots}`), ports = {};
	mkdirSync(data);
	let own = await startServer({ data, args: ['--verify', 'header'] });
	for (const listener of ['api', 'storage'])
		ports[listener] = new URL(own[listener]).host;
	const page = await openPage(browser, own, { bySlots }), sent = [];
	pages.push(page);
	page.on('request', request => { if (isBytes(`${request.method()} ${new URL(request.url()).pathname}?`)) sent.push(1); });
	await choose(page, batch(400));
	await eventually(async () => (await listed(own)).length >= 60);
	await own.kill();
	await page.getByText(/^No connection to the server\. Trying again/).waitFor();
	assert.match(await page.title(), /^\d+ of 400 – Pictures – tintype$/);
	assert.equal(await page.locator('#uploads > :is([data-state=failed], [data-state=refused])').count(), 0);
	own = await startServer({ data, args: ['--verify', 'header', '--api', ports.api, '--storage', ports.storage] });
	await page.getByText('All 400 uploaded').waitFor();
	assert.deepEqual(await listed(own), names(400));
	assert.ok(sent.length >= 400, 'they went this way');
	await own.stop();
});

forEachWay('a reload goes on with what is left, as the same requests, and makes no picture twice', async way => {
	hold(way);
	const page = await open(way);
	await choose(page, batch(40));
	await eventually(() => holding() === way.atOnce);
	await eventually(async () => (await kept(page)).length === 40);
	if (way.bySlots)
		assert.equal((await kept(page)).filter(({ hasSlot }) => hasSlot).length, 6);
	const first = sentAs(way).slice(-way.atOnce), isAgain = one => sentAs(way).filter(other => other === one).length === 2;
	await page.reload();
	await page.locator('#notice').getByText('40 uploads from before this page was opened continue.').waitFor();
	await eventually(() => first.every(isAgain), { what: 'each of them is sent again' });
	release();
	await page.getByText('All 40 uploaded').waitFor();
	assert.deepEqual(await listed(), names(40));
	await eventually(async () => (await kept(page)).length === 0);
	await page.reload();
	await page.locator('#wall > li').first().waitFor();
	assert.equal(await page.locator('#batch').isVisible(), false);
});

test('a reload just before the response makes no second picture (to slots)', async () => {
	const page = await open();
	let answers = false;   // with unroute() those that wait would go on before the reload
	await page.route('**/complete', route => answers && route.continue());
	await choose(page, batch(6));
	await eventually(async () => (await listed()).length === 6 && (await kept(page)).length === 6);   // the bytes have arrived; the page does not know
	answers = true;
	await page.reload();
	await page.getByText('All 6 uploaded').waitFor();
	assert.deepEqual(await listed(), names(6));
});

test('a reload just before the response makes no second picture (in one request)', async () => {
	const way = WAYS['in one request'], page = await open(way);
	onBytes({ cutAnswer: true }, way);
	await choose(page, batch(4));
	await eventually(async () => (await listed()).length === 4 && (await kept(page)).length === 4);
	release();
	await page.reload();
	await page.getByText('All 4 uploaded').waitFor();
	assert.deepEqual(await listed(), names(4));
});

forEachWay('a second tab leaves the uploads of one that is open alone, and takes over those of one that was closed', async way => {
	hold(way);
	const first = await open(way);
	await choose(first, batch(20));
	await eventually(async () => (await kept(first)).length === 20);
	const second = await first.context().newPage();
	await second.addInitScript(() => {   // the tab that is open has 5 s to say so in place of 250 ms, for a busy machine
		const after = window.setTimeout;
		window.setTimeout = (work, ms, ...more) => ms === 250 ? after(() => { work(); window.hasAsked = true; }, 5000) : after(work, ms, ...more);
	});
	await second.goto(first.url());
	await second.getByText('up to 5 MB').waitFor();
	await second.waitForFunction(() => window.hasAsked);
	await kept(second);   // after what the page has asked of the same database
	assert.equal(await second.locator('#batch').isVisible(), false);
	await first.close({ runBeforeUnload: false });
	pages[0] = Object.assign(second, { quiet: async () => {} });
	await second.reload();
	await second.locator('#notice').getByText('20 uploads from before this page was opened continue.').waitFor();
	release();
	await second.getByText('All 20 uploaded').waitFor();
	assert.deepEqual(await listed(), names(20));
});

test('what waits belongs to its owner, and is erased by signing out and after a day', async () => {
	const closed = await startServer({ env: { TINTYPE_API_KEY: KEY, TINTYPE_UPLOAD: 'key' }, args: ['--public-storage-url', proxy.url] });
	proxy.to(closed.storage);
	hold();
	const page = await openPage(browser, { ...closed, storage: proxy.url }, { bySlots: true });
	pages.push(page);
	const enter = async () => { await page.getByLabel('API key').fill(KEY); await page.keyboard.press('Enter'); };
	const known = page.waitForResponse('**/prod/me');
	await enter();
	await page.getByRole('button', { name: 'Sign out' }).waitFor();
	await (await known).finished();   // whose they are
	await choose(page, batch(8));
	await eventually(async () => (await kept(page)).length === 8);
	assert.deepEqual([...new Set((await kept(page)).map(({ owner }) => owner))].length, 1);
	assert.notEqual((await kept(page))[0].owner, '');
	await page.evaluate(() => sessionStorage.setItem('key', ''));   // a page of nobody
	await page.reload();
	await page.getByText('These pictures are private').waitFor();
	await page.waitForFunction(() => new Promise(resolve => setTimeout(() => resolve(true), 600)));
	assert.equal(await page.locator('#batch').isVisible(), false);
	assert.equal((await kept(page)).length, 8);
	await enter();
	await page.locator('#notice').getByText('8 uploads from before this page was opened continue.').waitFor();
	await page.getByRole('button', { name: 'Sign out' }).click();
	await page.getByText('These pictures are private').waitFor();
	await eventually(async () => (await kept(page)).length === 0);
	await page.quiet();
	proxy.release();
	proxy.to(target);
	await closed.stop();
});

test('after a day nothing of it is left', async () => {
	hold();
	const page = await open();
	await choose(page, batch(3));
	await eventually(async () => (await kept(page)).length === 3);
	await page.addInitScript(() => { const { now } = Date; Date.now = () => now() + 25 * 3600 * 1000; });
	await page.reload();
	await eventually(async () => (await kept(page)).length === 0);
	assert.equal(await page.locator('#batch').isVisible(), false);
});

test('what was refused is there after a reload, with the reason, until it is dismissed', async () => {
	const page = await open();
	await choose(page, [{ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('text') }, { name: 'broken.png', mimeType: 'image/png', buffer: png(40, 30).subarray(0, 60) }]);
	const reasons = async () => [await uploadIs(page, 'notes.txt', 'refused'), await uploadIs(page, 'broken.png', 'refused')];
	const said = await reasons();
	await eventually(async () => (await kept(page)).length === 2);
	await page.reload();
	assert.deepEqual(await reasons(), said);
	assert.equal(await upload(page, 'notes.txt').getByRole('button', { name: 'Try again' }).count(), 0);
	await page.getByRole('button', { name: 'Dismiss: broken.png' }).click();
	await eventually(async () => (await kept(page)).length === 1);
	await page.reload();
	await uploadIs(page, 'notes.txt', 'refused');
	assert.equal(await upload(page, 'broken.png').count(), 0);
	await page.getByRole('button', { name: 'Dismiss: notes.txt' }).click();
	await eventually(async () => (await kept(page)).length === 0);
});

test('where the browser has no room for the files, the page says so, and uploads them', async () => {
	const page = await open({ init: () => { IDBObjectStore.prototype.put = () => { throw new DOMException('No room.', 'QuotaExceededError'); }; } });
	hold();
	await choose(page, batch(9));
	await page.locator('#notice').getByText('This browser has no room to remember the uploads. Keep this page open until they are finished.').waitFor();
	proxy.release();
	await page.getByText('All 9 uploaded').waitFor();
});

test('one line sums up the batch, in sight wherever the page is scrolled, in the title, and in measure to a screen reader', async () => {
	proxy.rule = head => head.startsWith('PUT ') ? { holdAt: 0 } : undefined;
	const page = await open();
	await page.evaluate(() => {
		window.said = [];
		new MutationObserver(() => window.said.push(document.getElementById('polite').textContent)).observe(document.getElementById('polite'), { childList: true });
	});
	await choose(page, [...batch(60), { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('text') }]);
	await eventually(async () => proxy.holding() === 6 && /^0 of 61 uploaded\d.* of .*1 refused$/.test(await summary(page)));
	assert.equal(await page.title(), '0 of 61 – Pictures – tintype');
	assert.equal(await page.locator('#uploads .name').first().textContent(), 'notes.txt', 'failures first');
	assert.ok(await page.locator('#uploads > li').count() <= 8, 'of many only some have a tile');
	assert.deepEqual(await axe(page), []);
	await page.evaluate(() => { document.querySelector('main').style.minHeight = '400vh'; scrollTo(0, document.body.scrollHeight); });
	const { y, height } = await page.locator('#batch').boundingBox();
	assert.ok(y >= 0 && y + height < 200, `${y}`);
	proxy.release();
	await page.getByText('60 of 61 uploaded').waitFor();
	await page.waitForFunction(() => window.said.at(-1).endsWith('60 files uploaded, 1 refused.'));
	assert.ok(await page.evaluate(() => window.said.length) <= 8, 'not one sentence for each file');
	assert.equal(await page.title(), '1 not uploaded – Pictures – tintype');
	await page.getByRole('button', { name: 'Clear finished' }).click();
	assert.deepEqual(await page.locator('#uploads .name').allTextContents(), ['notes.txt'], 'what is not finished stays');
});

test('the first of many files are sent before the size of each is asked for, and the end of the batch is shown without a delay', async () => {
	const page = await open({ bySlots: false }), before = sentAs(WAYS['in one request']).length;
	await page.locator('#empty').waitFor();
	await page.evaluate(() => {
		const { get } = Object.getOwnPropertyDescriptor(Blob.prototype, 'size'), { send } = XMLHttpRequest.prototype, { setTimeout } = window, asked = new Set();
		Object.defineProperty(Blob.prototype, 'size', { get() { asked.add(this); return get.call(this); } });
		XMLHttpRequest.prototype.send = function (...given) { window.askedFirst ??= asked.size; return send.apply(this, given); };
		window.setTimeout = (work, ms = 0) => ms > 0 ? 0 : setTimeout(work);   // what is put off does not happen
	});
	await choose(page, batch(60));
	await page.getByText('All 60 uploaded').waitFor();
	assert.ok(await page.evaluate(() => window.askedFirst) < 60);
	assert.equal(sentAs(WAYS['in one request']).length - before, 60);
	await page.locator('#wall > li .tile').first().waitFor();
});

test('a file that is cancelled before it is read is not refused later', async () => {
	const page = await open({ init: () => {
		const { arrayBuffer } = Blob.prototype, mayRead = new Promise(done => { window.letRead = done; });
		Blob.prototype.arrayBuffer = async function () { await mayRead; return arrayBuffer.call(this); };
	} });
	await choose(page, [{ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('text') }, picture('0.png')]);
	await page.getByRole('button', { name: 'Cancel: notes.txt' }).click();
	await page.evaluate(() => window.letRead());
	await uploadIs(page, '0.png', 'done');
	assert.equal(await summary(page), 'Uploaded');
});

forEachWay('pause stops what is being sent, and resume goes on with the same requests; cancelling all is asked for first', async way => {
	const before = sentAs(way).length;
	hold(way);
	const page = await open(way);
	await choose(page, batch(30));
	await eventually(() => holding() === way.atOnce);
	await page.getByRole('button', { name: 'Pause' }).click();
	await page.getByText('paused', { exact: true }).waitFor();
	assert.match(await page.title(), /^Paused: 0 of 30/);
	assert.equal(await page.locator('#uploads [data-state=sending]').count(), 0);
	release();
	await page.getByRole('button', { name: 'Resume' }).click();
	await page.getByText('All 30 uploaded').waitFor();
	assert.equal(new Set(sentAs(way).slice(before)).size, 30);
	hold(way);
	await choose(page, batch(20));
	await eventually(() => holding() === way.atOnce);
	await page.getByRole('button', { name: 'Cancel all' }).click();
	await page.getByText('Cancel 20 uploads? Pictures that are uploaded already are kept.').waitFor();
	await page.keyboard.press('Enter');   // the focus is at what does no harm
	assert.match(await summary(page), /^0 of 20 uploaded/);
	await page.getByRole('button', { name: 'Pause' }).click();
	await page.getByRole('button', { name: 'Cancel all' }).click();
	await page.getByRole('button', { name: 'Cancel uploads' }).click();
	await page.getByText('All 20').waitFor({ state: 'detached' });
	release();
	await eventually(async () => (await listed()).length === 30);
	await eventually(async () => (await kept(page)).length === 0);
	await choose(page, [picture('after.png')]);
	await uploadIs(page, 'after.png', 'done');   // nothing is paused any more
});

test('of a folder that is dropped all pictures are taken, however deep, and the other files are counted', async () => {
	const folder = path.join(dir, 'holiday');
	for (const sub of ['', 'first/second', ...Array.from({ length: 3 }, (_, i) => `more ${i}`)])
		mkdirSync(path.join(folder, sub), { recursive: true });
	for (let i = 0; i < 120; i++)   // more than Chromium reads at once
		writeFileSync(path.join(folder, `${i}.png`), batch(120)[i].buffer);
	writeFileSync(path.join(folder, 'first/second/deep'), picture('deep').buffer);
	for (const name of ['.DS_Store', 'notes.txt', 'first/not a picture.jpg'])
		writeFileSync(path.join(folder, name), 'text');
	writeFileSync(path.join(dir, 'beside.png'), picture('beside').buffer);
	const page = await open(), session = await page.context().newCDPSession(page);
	for (const type of ['dragEnter', 'dragOver', 'drop'])
		await session.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data: { items: [], files: [folder, path.join(dir, 'beside.png')], dragOperationsMask: 1 } });
	await page.locator('#notice').getByText('121 pictures from the folder added; 3 other files left out.').waitFor();
	await page.getByText('All 122 uploaded').waitFor();
	assert.deepEqual(await listed(), [...names(120), 'beside.png', 'deep'].sort());
});

test('a folder can be chosen too', async () => {
	const page = await open(), folder = path.join(dir, 'chosen');
	mkdirSync(folder);
	writeFileSync(path.join(folder, 'one.png'), picture('one').buffer);
	writeFileSync(path.join(folder, 'two.txt'), 'text');
	const chooser = page.waitForEvent('filechooser');
	await page.getByRole('button', { name: 'Choose a folder' }).click();
	await (await chooser).setFiles(folder);
	await page.locator('#notice').getByText('1 picture from the folder added; 1 other file left out.').waitFor();
	await uploadIs(page, 'one.png', 'done');
});

test('what is not a file is refused in words, and the page stays', async () => {
	const page = await open();
	const give = (type, data) => page.evaluate(({ type, data }) => {
		const transfer = new DataTransfer();
		Object.entries(data).forEach(([format, text]) => transfer.setData(format, text));
		const options = { bubbles: true, cancelable: true };
		const event = type === 'paste' ? new ClipboardEvent(type, { clipboardData: transfer, ...options }) : new DragEvent(type, { dataTransfer: transfer, ...options });
		document.body.dispatchEvent(event);
		return event.defaultPrevented;
	}, { type, data });
	assert.equal(await give('dragover', { 'text/uri-list': 'https://pictures.example/' }), true);
	assert.equal(await give('drop', { 'text/uri-list': 'https://pictures.example/cat.jpg' }), true);
	assert.match(await notice(page), /^That was a link/);
	await give('drop', { 'text/plain': 'cat' });
	assert.match(await notice(page), /^That was text/);
	await give('paste', { 'text/plain': 'cat' });
	assert.match(await notice(page), /^The clipboard has text/);
	await give('paste', { 'text/html': '<img src="https://pictures.example/cat.jpg">' });
	assert.match(await notice(page), /^The clipboard has a link/);
	await hand(page, 'paste', [picture('image.png')]);
	await uploadIs(page, 'image.png', 'done');
	assert.equal(await page.locator('#notice').isVisible(), false);
});

test('a file that is gone has failed, which is not a lost connection', async () => {
	hold();
	const page = await open(), file = path.join(dir, 'going.png');
	writeFileSync(file, png(700, 700, { noise: true }));
	await page.evaluate(() => { indexedDB.open = () => { throw new Error('none'); }; });
	const chooser = page.waitForEvent('filechooser');
	await page.getByRole('button', { name: 'Choose pictures' }).click();
	await (await chooser).setFiles([...Array.from({ length: 7 }, () => file)]);
	await eventually(() => proxy.holding() === 6);
	rmSync(file);
	proxy.release();
	await page.locator('#uploads [data-state=failed]').first().waitFor();
	assert.equal(await page.locator('#uploads [data-state=failed] .status').first().textContent(), 'Failed. The file was moved or changed. Choose it again.');
});

test('each uploaded picture has its link, also without the key', async () => {
	const closed = await startServer({ env: { TINTYPE_API_KEY: KEY, TINTYPE_UPLOAD: 'open' } });
	for (const [of, link] of [[server, id => `${server.api}/prod/images/${id}/file`], [closed, id => `${closed.api}/#${id}`]]) {
		const page = await openPage(browser, of, { permissions: ['clipboard-read', 'clipboard-write'] });
		pages.push(page);
		const sent = page.waitForResponse('**/prod/images?fileName=*');
		await choose(page, [picture('link.png')]);
		await uploadIs(page, 'link.png', 'done');
		await page.getByRole('button', { name: 'Copy link: link.png' }).click();
		await upload(page, 'link.png').getByText('Link copied.').waitFor();
		assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link((await (await sent).json()).imageId));
	}
	await closed.stop();
});

test('on a phone the line fits, and nothing is wider than the window', async () => {
	hold();
	const page = await open({ viewport: PHONE, hasTouch: true, isMobile: true });
	await choose(page, [...batch(12), { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('text') }]);
	await eventually(() => proxy.holding() === 6);
	await page.locator('#batch').waitFor();
	assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
	assert.ok((await page.locator('#batch').boundingBox()).height < 200);
});
