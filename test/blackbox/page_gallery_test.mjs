// The page's gallery and the viewer of one picture, in a real browser: order, infinite scrolling, no layout shift,
// names from other users, links, download, delete, and the key where one is required.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { choose, closing, openPage, seeWall, startBrowser, uploadIs, wallHas } from './support/browser.mjs';
import { after, afterEach, before, test } from './support/limited.mjs';
import { signLink } from './support/links.mjs';
import { chunk, png } from './support/png.mjs';
import { call, corpus, eventually, fetchUrl, openSlot, putBytes, startServer, uploadImage } from './support/server.mjs';

const KEY = 'correct-horse-battery-staple';
const MANY = 150;
const SIZES = [[60, 40], [40, 60], [50, 50], [90, 30], [30, 90], [200, 20], [20, 200]];
let browser, many, few, page;

before(async () => {
	browser = await startBrowser();
	[many, few] = await Promise.all([startServer(), startServer()]);
	for (let i = 0; i < MANY; i += 10)
		await Promise.all(Array.from({ length: 10 }, (_, n) => uploadImage(many, { fileName: `${i + n}.png`, bytes: png(...SIZES[(i + n) % SIZES.length], { colour: [i, 99, n * 20] }) })));
});
afterEach(async () => {
	await page?.quiet();
	await page?.context().close();
	page = undefined;
});
after(async () => {
	await browser?.close();
	await many?.stop();
	await few?.stop();
});

const names = () => page.locator('#wall .name').allTextContents();
const listed = async (server, options) => (await call(server, 'GET', '/images?limit=1000', options)).json.images;
const put = async (fileName, bytes = png(40, 30), server = few) => (await uploadImage(server, { fileName, bytes })).image;
const tile = name => page.locator('#wall button').filter({ has: page.getByText(name, { exact: true }) });
const detail = () => page.getByRole('dialog');
/** The picture has this size, as its attributes say and as it is decoded: what a browser reports of a srcset is in CSS pixels. */
async function hasShape(img, [width, height]) {
	assert.deepEqual(await img.evaluate(img => [img.getAttribute('width'), img.getAttribute('height')].map(Number)), [width, height]);
	const [w, h] = await img.evaluate(async img => { await img.decode(); return [img.naturalWidth, img.naturalHeight]; });
	assert.ok(Math.abs(w * height - h * width) <= 2 * (width + height), `${w} x ${h} for ${width} x ${height}`);
}
/** All fields of the record are there, not only those of the list. */
const whole = () => page.locator('#detail[aria-busy="false"]').waitFor();
const field = name => detail().locator(`dt:text-is("${name}") + dd`).innerText();

test('a server without pictures shows a message', async () => {
	page = await openPage(browser, few);
	await page.getByRole('heading', { name: 'No pictures yet' }).waitFor();
});

test('the newest are shown first, more are loaded while scrolling, and nothing moves', async () => {
	page = await openPage(browser, many, { init: () => {
		window.shifts = [];
		new PerformanceObserver(list => list.getEntries().forEach(e => window.shifts.push(`${e.value} ${e.sources.map(s => s.node?.outerHTML?.slice(0, 80))}`))).observe({ type: 'layout-shift', buffered: true });
	} });
	await wallHas(page, 6);
	await page.getByText(`${MANY} pictures`, { exact: true }).waitFor();
	const seen = new Set();
	await page.mouse.move(600, 500);
	for (let left = 400; seen.size < MANY && left > 0; left--) {
		(await names()).forEach(name => seen.add(name));
		await page.mouse.wheel(0, 300);
		await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
		await page.waitForFunction(() => [...document.querySelectorAll('#wall .ghost')].map(ghost => ghost.getBoundingClientRect()).every(({ top, bottom }) => bottom <= 0 || top >= innerHeight));
	}
	assert.deepEqual([...seen], (await listed(many)).map(image => image.fileName));
	await page.keyboard.press('Home');
	await page.keyboard.press('End');
	await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
	assert.deepEqual(await page.evaluate(() => window.shifts), []);
});

test('a first visit costs under 70 KB, including the list of the visible pictures', async () => {
	const context = await browser.newContext(), visited = await context.newPage();
	const finished = [];
	visited.on('requestfinished', request => { if (request.url().startsWith(many.api)) finished.push(request); });
	await visited.goto(`${many.api}/`, { waitUntil: 'networkidle' });
	await wallHas(visited, 6);
	await visited.waitForFunction(() => ![...document.querySelectorAll('.ghost')].some(ghost => ghost.getBoundingClientRect().top < innerHeight));
	await visited.waitForLoadState('networkidle');
	const sizes = await Promise.all(finished.map(request => request.sizes())), total = sizes.reduce((sum, one) => sum + one.responseBodySize + one.responseHeadersSize, 0);
	const lists = finished.filter(request => request.url().includes('/prod/images?')).length;
	assert.ok(lists >= 1 && lists <= 2, `${lists} lists`);
	assert.ok(total > 20000 && total < 70 * 1024, `${total} bytes`);
	await context.close();
});

test('rows are full, and each picture\'s space is reserved from its record before it is loaded', async () => {
	page = await openPage(browser, many, { init: () => { for (const element of [HTMLImageElement, HTMLSourceElement]) for (const name of ['src', 'srcset']) Object.defineProperty(element.prototype, name, { set() {} }); } });
	await wallHas(page, 6);
	const { width, tiles } = await page.evaluate(() => ({ width: document.getElementById('wall').clientWidth,
		tiles: [...document.querySelectorAll('#wall > li:has(.tile)')].map(li => { const { left, top, width, height } = li.getBoundingClientRect(), img = li.querySelector('img'); return { left, top, width, height, ratio: img.width / img.height }; }) }));
	const rows = Map.groupBy ? [...Map.groupBy(tiles, t => t.top).values()] : Object.values(tiles.reduce((all, t) => ({ ...all, [t.top]: [...all[t.top] ?? [], t] }), {}));
	for (const row of rows)
		assert.ok(Math.abs(row.reduce((sum, t) => sum + t.width, 0) + 6 * (row.length - 1) - width) < 1, 'a full row');
	const records = await listed(many);
	tiles.forEach((t, i) => {
		const told = Math.min(2.6, Math.max(0.5, records[i].width / records[i].height));
		assert.ok(Math.abs(t.width - told * t.height) < 8, `${i}: ${t.width} x ${t.height} for ${told}`);
	});
});

test('after a change of width all rows are laid out again, as full as before', async () => {
	page = await openPage(browser, many);
	await wallHas(page, 6);
	await page.setViewportSize({ width: 700, height: 800 });
	await page.waitForFunction(() => { const wall = document.getElementById('wall'), tiles = [...wall.querySelectorAll('li:has(.tile)')], first = tiles.filter(li => li.offsetTop === tiles[0].offsetTop); return innerWidth === 700 && Math.abs(first.at(-1).getBoundingClientRect().right - wall.getBoundingClientRect().right) < 1; });
	assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 700);
});

test('rotated pictures are shown upright, in a box of the right shape', async () => {
	for (const n of [1, 6, 8])
		await uploadImage(few, { fileName: `orientation-${n}.jpg`, fileType: 'image/jpeg', bytes: corpus(`good/orientation-${n}.jpg`) });
	const records = new Map((await listed(few)).map(image => [image.fileName, image]));
	page = await openPage(browser, few);
	for (const n of [1, 6, 8]) {
		const img = tile(`orientation-${n}.jpg`).locator('img');
		const { width, height } = records.get(`orientation-${n}.jpg`);
		await hasShape(img, n < 5 ? [width, height] : [height, width]);
	}
	await tile('orientation-6.jpg').click();
	await detail().getByText('More', { exact: true }).click();
	assert.match(await field('Orientation'), /^6: a quarter turn/);
	assert.match(await field('As stored'), new RegExp(`^${records.get('orientation-6.jpg').width} × `));
});

test('an orientation that browsers do not apply has no effect', async () => {
	const tiff = Buffer.from('49492a0008000000010012010300010000000600000000000000', 'hex'), lossy = Buffer.from('UklGRkIAAABXRUJQVlA4IDYAAACwAQCdASoEAAIAAgA0JQBOgCHfwHHAAP7Ss9nasf/6kHhgfIWs8oGMKLva1K04lr6ipWIAAAA=', 'base64');
	const riffChunk = (name, data) => { const head = Buffer.alloc(8, name); head.writeUInt32LE(data.length, 4); return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]); };
	const webp = Buffer.concat([riffChunk('VP8X', Buffer.from('08000000030000010000', 'hex')), lossy.subarray(12), riffChunk('EXIF', tiff)]);
	const files = { 'turned.webp': riffChunk('RIFF', Buffer.concat([Buffer.from('WEBP'), webp])), 'behind.png': png(4, 2), 'before.png': png(4, 2) };
	const [head, end] = [33, files['behind.png'].length - 12];   // after IHDR; before IEND
	for (const [name, at] of [['before.png', head], ['behind.png', end]])
		files[name] = Buffer.concat([files[name].subarray(0, at), chunk('eXIf', tiff), files[name].subarray(at)]);
	for (const [fileName, bytes] of Object.entries(files))
		await uploadImage(few, { fileName, fileType: `image/${fileName.split('.')[1]}`, bytes });
	const records = new Map((await listed(few)).map(image => [image.fileName, image]));
	assert.deepEqual(Object.keys(files).map(name => records.get(name).orientation), [undefined, undefined, 6]);
	page = await openPage(browser, few);
	for (const [name, size] of [['turned.webp', [4, 2]], ['behind.png', [4, 2]], ['before.png', [2, 4]]]) {
		const img = tile(name).locator('img');
		await hasShape(img, size);
	}
	await tile('turned.webp').click();
	assert.equal(await field('Pixels'), '4 × 2');
});

test('the viewer shows every field of its record', async () => {
	const image = await put('fields.png', png(64, 48));
	page = await openPage(browser, few);
	await tile('fields.png').click();
	await whole();
	await detail().getByText('More', { exact: true }).click();
	assert.deepEqual({ name: await field('Name'), type: await field('Type'), media: await field('Media type'), pixels: await field('Pixels'), data: await field('Private data'),
		visible: await field('Visible'), status: await field('Status'), decoded: await field('Decoded'), bytes: await field('Bytes'), id: await field('Id'), md5: await field('MD5'), object: await field('Object'),
		hash: await field('ThumbHash'), color: await field('Color') },
	{ name: 'fields.png', type: 'PNG', media: 'image/png', pixels: '64 × 48', data: 'None found',
		visible: 'Private: only with a signed link', status: 'Uploaded', decoded: 'ok', bytes: String(image.fileSize), id: image.imageId, md5: image.etag, object: image.fileUrl,
		hash: image.placeholder, color: image.color });
	assert.equal(await detail().locator('dt:text-is("Uploaded") + dd time').getAttribute('datetime'), image.uploadedAt);
	for (const [name, link] of Object.entries(image.links)) {
		assert.equal(await detail().getByRole('link', { name }).getAttribute('href'), link.webp ?? link);
		assert.equal((await fetch(link.webp ?? link)).status, 200);
	}
	assert.equal(await page.evaluate(() => location.hash), `#${image.imageId}`);
	await closing(detail(), () => page.goBack());
	await page.goForward();
	await detail().getByText('fields.png').first().waitFor();
});

test('its link is copied and opens the picture; so does an address with its id', async () => {
	const image = await put('linked.png');
	page = await openPage(browser, few, { hash: `#${image.imageId}`, permissions: ['clipboard-read', 'clipboard-write'] });
	await detail().getByRole('heading', { name: 'linked.png' }).waitFor();
	await detail().getByRole('button', { name: 'Copy link' }).click();
	await detail().getByText('Link copied.').waitFor();
	const link = await page.evaluate(() => navigator.clipboard.readText());
	assert.equal(link, `${few.api}/prod/images/${image.imageId}/file`);
	assert.equal((await fetch(link)).headers.get('content-type'), 'image/png');
	await page.evaluate(() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); });
	await detail().getByRole('button', { name: 'Copy link' }).click();
	assert.equal(await detail().getByRole('textbox', { name: 'Link' }).inputValue(), link, 'without a clipboard it is there to be copied by hand');
});

test('download gives the bytes under the original file name', async () => {
	const bytes = png(33, 44), name = 'äöü & "quotes" 写真.png';
	await put(name, bytes);
	page = await openPage(browser, few);
	await tile(name).click();
	const download = page.waitForEvent('download');
	await detail().getByRole('button', { name: 'Download' }).click();
	const file = await download;
	assert.ok(readFileSync(await file.path()).equals(bytes));
	assert.equal(file.suggestedFilename().replace(/[_"]/g, ''), name.replace(/"/g, ''), 'but for what a file system does not take');
});

test('delete in the viewer goes on with the next picture, can be undone for some seconds, and then has removed it from the server', async () => {
	const [kept, gone] = [await put('neighbour.png'), await put('to delete.png')];
	const status = async image => (await call(few, 'GET', `/images/${image.imageId}`)).status;
	page = await openPage(browser, few);
	await tile('to delete.png').click();
	await detail().getByRole('button', { name: 'Delete', exact: true }).click();
	await detail().getByRole('heading', { name: 'neighbour.png' }).waitFor();
	assert.ok(!(await names()).includes('to delete.png'));
	await detail().getByRole('button', { name: 'Undo' }).click();
	await closing(detail(), () => page.keyboard.press('Escape'));
	await tile('to delete.png').waitFor();
	assert.equal(await status(gone), 200);
	await tile('to delete.png').click();
	await detail().getByRole('button', { name: 'Delete', exact: true }).click();
	await detail().getByRole('heading', { name: 'neighbour.png' }).waitFor();
	await page.keyboard.press('Escape');
	await page.waitForFunction(() => document.activeElement.querySelector('.name')?.textContent === 'neighbour.png');   // the picture that was shown last
	await page.getByRole('status').filter({ hasText: 'is deleted' }).waitFor({ state: 'attached' });
	await page.getByRole('button', { name: 'Undo' }).waitFor({ state: 'hidden' });
	await eventually(async () => await status(gone) === 404, { what: 'the delete' });
	await tile('neighbour.png').click();
	await call(few, 'DELETE', `/images/${kept.imageId}`);
	await detail().getByRole('button', { name: 'Delete', exact: true }).click();
	await page.close();   // someone else was faster, and whoever leaves has deleted
	assert.equal(await status(kept), 404);
	page = undefined;
});

test('names from other users are shown as text, with their writing direction isolated', async () => {
	const strange = ['<script>window.hacked=1</script>.png', '"><img src=x onerror=window.hacked=2>.png', '\u202egnp.exe.png', 'תמונה 12 יפה.png', 'a\tb\nc.png', '{{7*7}}${7*7}.png', '\u2067\u2067\u2067.png'];
	for (const name of strange)
		await put(name);
	page = await openPage(browser, few);
	await wallHas(page, strange.length);
	const shown = await names();
	for (const name of strange)
		assert.ok(shown.includes(name), name);
	assert.equal(await page.locator('#wall script, #wall img[onerror], main script').count(), 0);
	for (const name of strange) {
		await page.locator('#wall button').nth(shown.indexOf(name)).click();
		assert.equal(await detail().locator('#detail-name').textContent(), name);
		assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('#detail-name bdi')).unicodeBidi), 'isolate');
		assert.equal(await detail().locator('#detail-image').getAttribute('alt'), name);
		await closing(detail(), () => page.keyboard.press('Escape'));
	}
	assert.equal(await page.locator('#wall .name').first().evaluate(bdi => getComputedStyle(bdi).unicodeBidi), 'isolate');
	await choose(page, strange.slice(0, 4).map(name => ({ name: name.replace(/[/"]/g, ''), mimeType: 'image/png', buffer: png(9, 9) })));
	await page.waitForFunction(() => document.querySelectorAll('#uploads > [data-state=done]').length === 4);
	assert.equal(await page.evaluate(() => window.hacked), undefined);
});

test('pictures whose links expired while the page was open get new ones', async t => {
	const delivery = 'a.delivery.key.of.thirty-two.characters', short = await startServer({ env: { TINTYPE_DELIVERY_KEYS: delivery } });
	t.after(() => short.stop());
	const { imageId, links } = await put('late.png', png(80, 60), short);
	const expired = `${short.storage}${signLink(delivery, imageId, 1000000000, path.basename(links.small.webp))}`;
	assert.equal((await fetchUrl(expired)).json.code, 'link_expired');
	page = await openPage(browser, short, { init: `{
		const own = Object.getOwnPropertyDescriptor(HTMLSourceElement.prototype, 'srcset');
		let first = true;
		Object.defineProperty(HTMLSourceElement.prototype, 'srcset', { ...own, set(text) { own.set.call(this, first ? '${expired} 80w' : text); first = false; } });
	}` });
	await page.locator('#wall img.shown').waitFor();
	assert.equal(await page.locator('#wall img').evaluate(img => img.currentSrc), links.small.webp);
	await page.quiet();
});

test('a failing server is reported, and a retry continues', async () => {
	page = await openPage(browser, many);
	await wallHas(page, 6);
	await page.route('**/prod/images?*', route => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ detail: 'The database is resting.', code: 'overloaded' }) }));
	await page.getByRole('button', { name: 'Refresh' }).click();
	const words = page.locator('#trouble-text').getByText('The database is resting.');
	await words.waitFor();
	assert.ok((await names()).length > 6, 'what was there stays');
	await page.unroute('**/prod/images?*');
	await page.getByRole('button', { name: 'Try again' }).click();
	await words.waitFor({ state: 'hidden' });
});

test('where a key is required the page asks for it, reports a wrong one, and keeps the right one in this tab only', async () => {
	const closed = await startServer({ env: { TINTYPE_API_KEY: KEY, TINTYPE_UPLOAD: 'key' } });
	await uploadImage(closed, { fileName: 'private.png', bytes: png(50, 50), key: KEY });
	page = await openPage(browser, closed);
	const field = page.getByLabel('API key'), sent = [];
	page.on('request', one => sent.push({ origin: new URL(one.url()).origin, key: one.headers()['x-api-key'], authorization: one.headers().authorization }));
	await field.waitFor();
	await choose(page, [{ name: 'held.png', mimeType: 'image/png', buffer: png(10, 10) }]);
	assert.match(await uploadIs(page, 'held.png', 'refused'), /requires an API key/);
	for (const wrong of ['not the key at all', 'schlüssel “☃”']) {
		await field.fill(wrong);
		await page.keyboard.press('Enter');
		await page.getByRole('alert').filter({ hasText: 'Wrong API key.' }).waitFor();
		assert.equal(await field.getAttribute('aria-invalid'), 'true');
		await page.evaluate(() => { document.getElementById('key-wrong').textContent = ''; });
	}
	await field.fill(KEY);
	await page.keyboard.press('Enter');
	await tile('private.png').waitFor();
	await uploadIs(page, 'held.png', 'done');   // uploads that waited for the key continue by themselves
	// API Gateway reads X-Api-Key; the key goes to the API alone.
	assert.ok(sent.some(one => one.key === KEY && one.authorization === `Bearer ${KEY}`));
	assert.deepEqual(sent.filter(one => one.key && (one.origin !== closed.api || one.authorization !== `Bearer ${one.key}`)), []);
	assert.deepEqual(await page.evaluate(() => [sessionStorage.getItem('key'), localStorage.length, document.cookie]), [KEY, 0, '']);
	await page.reload();
	await tile('private.png').waitFor();
	await page.getByRole('button', { name: 'Sign out' }).click();
	await field.waitFor();
	assert.equal(await page.evaluate(() => sessionStorage.getItem('key')), null);
	await page.quiet();
	await closed.stop();
});

test('where the key is required, a user without it can still delete their own uploads', async () => {
	const closed = await startServer({ env: { TINTYPE_API_KEY: KEY } });
	page = await openPage(browser, closed);
	await page.getByLabel('API key').waitFor();
	await choose(page, [{ name: 'mine.png', mimeType: 'image/png', buffer: png(10, 10) }]);
	await uploadIs(page, 'mine.png', 'done');
	assert.equal((await listed(closed, { key: KEY })).length, 1);
	await page.getByRole('button', { name: 'Delete: mine.png' }).click();
	await page.locator('#tray').waitFor({ state: 'hidden' });
	assert.deepEqual(await listed(closed, { key: KEY }), []);
	await page.quiet();
	await closed.stop();
});

test('the address of a missing picture shows a message', async () => {
	const slot = await openSlot(few);
	page = await openPage(browser, few, { hash: `#${slot.imageId}` });
	await page.getByText('This picture has not been uploaded yet.').first().waitFor();
	await putBytes(slot, png(5, 5));
	await page.context().close();
	page = await openPage(browser, few, { hash: '#00000000-0000-4000-8000-000000000000' });
	const text = page.locator('#trouble-text').filter({ hasText: /^This picture does not exist\. It was deleted/ });
	await text.waitFor();
	let goOn;
	const isTime = new Promise(resolve => { goOn = resolve; });
	await page.route(/\/images\?/, route => isTime.then(() => route.continue()));
	await page.reload();
	await text.waitFor();
	goOn();
	await page.locator('#wall[aria-busy="false"]').waitFor();
	assert.equal(await text.isVisible(), true, 'the list came after it');
});
