// The page's wall, in a real browser: 100,000 images from end to end, two tabs, what is selected, copied and deleted, and what stays while the
// server is not reached.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { axe, choose, openPage, PHONE, seeWall, startBrowser, uploadIs, wallHas } from './support/browser.mjs';
import { after, afterEach, before, test } from './support/limited.mjs';
import { startWithMany } from './support/many_images.mjs';
import { png } from './support/png.mjs';
import { call, eventually, fetchUrl, startServer, uploadImage } from './support/server.mjs';

const KEY = 'correct-horse-battery-staple';
const MANY = 100000;
const CLIPBOARD = { permissions: ['clipboard-read', 'clipboard-write'] };
let browser, server, page;

before(async () => {
	[browser, server] = await Promise.all([startBrowser(), startServer()]);
	for (let i = 1; i <= 9; i++)
		await put(`${i}.png`);
});
afterEach(async () => {
	await page?.quiet();
	await page?.context().close();
	page = undefined;
});
after(async () => {
	await browser?.close();
	await server?.stop();
});

const put = async (fileName, more = {}) => (await uploadImage(server, { fileName, bytes: png(90, 60), ...more })).image;
const status = async image => (await call(server, 'GET', `/images/${image.imageId}`)).status;
const tile = (name, of = page) => of.locator('#wall button').filter({ has: of.getByText(name, { exact: true }) });
const names = (of = page) => of.locator('#wall .name').allTextContents();
const copied = () => page.evaluate(() => navigator.clipboard.readText());
/** Wait until nothing scrolls any more: five frames at the same place. */
const stands = of => of.waitForFunction(() => {
	window.standing = scrollY === window.stoodAt ? window.standing + 1 : 0;
	window.stoodAt = scrollY;
	return window.standing >= 5;
});
const settled = of => of.waitForFunction(() => document.querySelectorAll('#wall .tile').length > 0 && document.querySelectorAll('#wall .ghost').length === 0);

test('of 100,000 images the document has those around the window, wherever in the list it is, and the scroll bar has all', async t => {
	const data = mkdtempSync(path.join(tmpdir(), 'tintype-wall-'));
	t.after(() => rmSync(data, { recursive: true }));
	const many = await startWithMany(data, MANY);
	t.after(() => many.stop());
	const picture = png(60, 40), number = async () => (await names()).map(name => Number(/\d+/.exec(name)));
	page = await openPage(browser, many, { hash: '#' });
	await page.route('**/i/**', route => route.fulfill({ contentType: 'image/png', body: picture }));
	await page.reload();
	await page.getByText('100,000 pictures', { exact: true }).waitFor();
	await tile(`copy ${MANY - 1}.png`).waitFor();
	const measured = await page.context().newCDPSession(page);
	await measured.send('Performance.enable');
	const layouts = async () => (await measured.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'LayoutCount').value;
	const begun = await layouts(), STEPS = 300;
	const run = await page.evaluate(async steps => {
		const frames = [];
		let most = 0, last = performance.now();
		for (let i = 0; i <= steps; i++) {
			scrollTo(0, document.documentElement.scrollHeight * i / steps);
			await new Promise(done => requestAnimationFrame(done));
			frames.push(performance.now() - last);
			last = performance.now();
			most = Math.max(most, document.querySelectorAll('*').length);
		}
		frames.sort((a, b) => a - b);
		return { most, median: frames[frames.length >> 1], slowest: frames.at(-1) };
	}, STEPS);
	const each = (await layouts() - begun) / STEPS;
	console.log(`# 100,000 images from end to end: at most ${run.most} elements in the document; ${each.toFixed(1)} layouts a frame; a frame took ${run.median.toFixed(0)} ms in the median, ${run.slowest.toFixed(0)} at most`);
	assert.ok(run.most < 800, `${run.most} elements`);
	assert.ok(each < 2, `${each} layouts a frame: nothing is measured after elements have changed`);
	await tile('first.png').waitFor();
	await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight / 2));
	await eventually(async () => Math.abs((await number())[5] - MANY / 2) < 1000, { what: 'the middle of the list, in the middle of the wall' });
	await page.locator('#gallery-month').getByText(/\w+ \d{4}/).waitFor();
	await page.mouse.move(600, 500);
	for (let i = 0; i < 40; i++) {
		await page.mouse.wheel(0, -400);
		await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
	}
	await stands(page);
	await settled(page);
	const there = await number();
	assert.ok(there.every((n, i) => i === 0 || n === there[i - 1] - 1), `upwards from there each comes once, in order: ${there}`);
	const top = async () => (await tile(`copy ${there[9]}.png`).boundingBox()).y, before = await top();
	await uploadImage(many, { fileName: 'another.png', bytes: picture });
	await page.getByRole('button', { name: 'Refresh' }).click();
	await page.getByText('100,001 pictures', { exact: true }).waitFor();
	assert.ok(Math.abs(await top() - before) < 40, 'what is in the window stays where it is, but for the height of a row');
});

test('a tab shows what others upload and delete', async () => {
	page = await openPage(browser, server);
	await wallHas(page, 9);
	const other = await page.context().newPage();
	await other.goto(server.api);
	await wallHas(other, 9);
	await choose(other, [{ name: 'from a tab.png', mimeType: 'image/png', buffer: png(50, 50) }]);
	await uploadIs(other, 'from a tab.png', 'done');
	await tile('from a tab.png').waitFor();
	await tile('from a tab.png').focus();
	await page.keyboard.press('Delete');
	await page.getByRole('button', { name: 'Undo' }).waitFor({ state: 'hidden' });
	await tile('from a tab.png', other).waitFor({ state: 'detached' });
	const elsewhere = await put('by a program.png');
	await page.evaluate(() => { const later = Date.now() + 60000; Date.now = () => later; dispatchEvent(new Event('focus')); });
	await tile('by a program.png').waitFor();
	await call(server, 'DELETE', `/images/${elsewhere.imageId}`);
	await tile('by a program.png').click();
	await page.getByRole('dialog').getByText('This picture was deleted.').waitFor();
	await page.keyboard.press('Escape');
	await tile('by a program.png').waitFor({ state: 'detached' });
});

test('several are selected by their boxes and a range, and copied as links, Markdown and HTML', async () => {
	page = await openPage(browser, server, CLIPBOARD);
	const records = (await call(server, 'GET', '/images')).json.images, file = n => `${server.api}/prod/images/${records[n].imageId}/file`;
	await tile('9.png').hover();
	await page.locator('#wall li').filter({ hasText: /^9\.png$/ }).locator('.check').click();
	await tile('7.png').click({ modifiers: ['Shift'] });
	await page.getByText('3 selected').first().waitFor();
	assert.deepEqual(await page.$$eval('#wall .tile', tiles => tiles.map(one => one.ariaPressed).slice(0, 4)), ['true', 'true', 'true', 'false']);
	const lines = { 'Copy as links': [0, 1, 2].map(file), 'Copy as Markdown': [0, 1, 2].map(n => `![${records[n].fileName}](${file(n)})`),
		'Copy as HTML': [0, 1, 2].map(n => `<img src="${file(n)}" alt="${records[n].fileName}" width="90" height="60">`) };
	for (const [format, wanted] of Object.entries(lines)) {
		await page.getByRole('button', { name: 'Copy', exact: true }).click();
		await page.getByRole('button', { name: format }).click();
		await eventually(async () => await copied() === wanted.join('\n'), { what: format });
		await page.getByText('3 links copied.').waitFor();
	}
	await tile('8.png').click();
	await page.getByText('2 selected').first().waitFor();
	await page.keyboard.press('Escape');
	await page.locator('#actions').waitFor({ state: 'hidden' });
});

test('on a touch screen a long press begins to select', async () => {
	page = await openPage(browser, server, { viewport: PHONE, hasTouch: true, isMobile: true });
	await page.locator('#gallery-title').scrollIntoViewIfNeeded();
	await page.evaluate(() => document.getElementById('gallery-title').scrollIntoView());
	const touch = await page.context().newCDPSession(page), { x, y } = await tile('9.png').boundingBox();
	await tile('9.png').dispatchEvent('pointerover');   // what is loaded when the wall is first touched
	await page.locator('#copy-menu button').first().waitFor({ state: 'attached' });
	await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x: x + 20, y: y + 20 }] });
	await page.getByText('1 selected').first().waitFor();
	await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
	await tile('8.png').tap();
	await page.getByText('2 selected').first().waitFor();
	assert.equal(await page.getByRole('dialog').count(), 0);
});

test('where a key is required, copied links are signed, for as long as is chosen', async t => {
	const closed = await startServer({ env: { TINTYPE_API_KEY: KEY } });
	t.after(() => closed.stop());
	await uploadImage(closed, { fileName: 'private.png', bytes: png(40, 30), key: KEY });
	page = await openPage(browser, closed, { init: `sessionStorage.setItem('key', '${KEY}')`, ...CLIPBOARD });
	await tile('private.png').click({ modifiers: ['Control'] });
	await page.getByRole('button', { name: 'Copy', exact: true }).click();
	await page.locator('#copy-menu').getByLabel('Links expire after').selectOption('7 days');
	await page.getByRole('button', { name: 'Copy as links' }).click();
	await page.getByText('Link copied.').waitFor();
	const isGoodFor = async seconds => {
		const link = await copied();
		assert.ok(Math.abs(Number(/\.(\d{10})\//.exec(link)[1]) - Date.now() / 1000 - seconds) < 300, link);
		assert.equal((await fetchUrl(link)).status, 200);
	};
	await isGoodFor(7 * 86400);
	await page.keyboard.press('Escape');
	await tile('private.png').click();
	await page.getByRole('button', { name: 'Share…' }).click();
	await page.locator('#share-menu').getByLabel('Links expire after').selectOption('1 hour');
	await page.getByRole('button', { name: 'Copy as links' }).click();
	await page.getByRole('dialog').getByText('Link copied.').waitFor();
	await isGoodFor(3600);
});

test('many are deleted together: at once from the wall, from the server when the time to undo is over, or the page is left', async () => {
	const [a, b, c] = [await put('a.png'), await put('b.png'), await put('c.png')];
	page = await openPage(browser, server);
	const choosing = async () => {
		await tile('c.png').click({ modifiers: ['Control'] });
		await tile('b.png').click();
		await page.locator('#delete-chosen').click();
		await tile('c.png').waitFor({ state: 'detached' });
	};
	await choosing();
	await page.getByText('2 pictures deleted.').first().waitFor();
	await page.getByText('10 pictures', { exact: true }).waitFor();
	await page.getByRole('button', { name: 'Undo' }).click();
	await tile('b.png').waitFor();
	await page.getByText('12 pictures', { exact: true }).waitFor();
	assert.deepEqual([await status(b), await status(c)], [200, 200]);
	await choosing();
	await page.getByRole('button', { name: 'Undo' }).waitFor({ state: 'hidden' });
	await eventually(async () => await status(b) === 404 && await status(c) === 404, { what: 'the delete' });
	await tile('a.png').focus();
	await page.keyboard.press('Delete');
	await tile('a.png').waitFor({ state: 'detached' });
	assert.equal(await status(a), 200);
	await page.goto('about:blank');
	await eventually(async () => await status(a) === 404, { what: 'the delete of a page that is left' });
	page.quiet = () => {};
});

test('what could not be deleted comes back, with the reason', async () => {
	page = await openPage(browser, server);
	await page.route('**/prod/images/delete', route => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ detail: 'The storage is busy.', code: 'storage_failed' }) }));
	await tile('5.png').focus();
	await page.keyboard.press('Delete');
	await tile('5.png').waitFor({ state: 'detached' });
	await tile('4.png').focus();
	await page.keyboard.press('Delete');   // the next delete does not wait for the time of the one before
	await page.locator('#trouble-text').getByText('The picture was not deleted. The storage is busy.').waitFor();
	await tile('5.png').waitFor();
	await page.keyboard.press('Control+z');
	await tile('4.png').waitFor();
});

test('what is on the wall stays while the server is not reached, and the page goes on by itself', async () => {
	page = await openPage(browser, server);
	await wallHas(page, 9);
	await page.context().setOffline(true);
	await page.getByRole('button', { name: 'Refresh' }).click();
	await page.locator('#trouble-text').getByText('You are offline. The page continues when the connection is back.').waitFor();
	assert.equal((await names()).length, 9);
	const image = await put('meanwhile.png');
	await page.context().setOffline(false);
	await tile('meanwhile.png').waitFor();
	await page.locator('#trouble').waitFor({ state: 'hidden' });
	await call(server, 'DELETE', `/images/${image.imageId}`);
});

test('a picture that is opened while offline offers nothing that needs the server, and everything once the connection is back', async () => {
	page = await openPage(browser, server);
	await tile('3.png').click();
	await page.locator('#delete').waitFor();
	await page.keyboard.press('Escape');
	await page.context().setOffline(true);
	await tile('3.png').click();
	await page.locator('#said').getByText('The connection to the server was lost.').waitFor();
	await page.locator('#delete').waitFor({ state: 'hidden' });
	await page.context().setOffline(false);
	await page.locator('#delete').waitFor();
	await page.locator('#edit').waitFor();
	assert.equal(await page.locator('#said').textContent(), '');
});

test('the field of the search is in sight where the page is scrolled', async () => {
	page = await openPage(browser, server, { viewport: { width: 800, height: 400 } });
	await wallHas(page, 1);
	await page.locator('#gallery-title').evaluate(title => title.scrollIntoView());   // the field opens behind the bar
	await page.getByRole('button', { name: 'Search' }).click();
	await page.waitForFunction(() => document.activeElement.name === 'name' && document.activeElement.getBoundingClientRect().top >= document.getElementById('gallery-bar').getBoundingClientRect().bottom);
});

test('pictures are found by name, type and time, and shown from the oldest; then all are there again', async () => {
	page = await openPage(browser, server);
	await page.getByText('9 pictures', { exact: true }).waitFor();
	const shows = wanted => eventually(async () => JSON.stringify((await seeWall(page)).map(one => one.name)) === JSON.stringify(wanted), { what: wanted.join() });
	const all = (await seeWall(page)).map(one => one.name);
	await page.getByRole('button', { name: 'Search' }).click();
	await page.getByLabel('Name', { exact: true }).fill('7.P');
	await shows(['7.png']);
	await page.getByText('1 found', { exact: true }).waitFor();
	await put('two + words.png');
	await page.getByLabel('Name', { exact: true }).fill('o + w');
	await shows(['two + words.png']);
	await call(server, 'DELETE', `/images/${(await call(server, 'GET', '/images?name=words')).json.images[0].imageId}`);
	await page.getByLabel('Name', { exact: true }).fill('nothing like that');
	await page.getByRole('heading', { name: 'No pictures found' }).waitFor();
	await page.getByLabel('Name', { exact: true }).fill('');
	await page.getByLabel('Type').selectOption('JPEG');
	await page.getByRole('heading', { name: 'No pictures found' }).waitFor();
	await page.getByLabel('Type').selectOption('PNG');
	await page.getByLabel('Uploaded').selectOption('Last 7 days');
	await shows(all);
	await page.getByLabel('Order').selectOption('Oldest first');
	await shows([...all].reverse());
	await page.getByLabel('Name', { exact: true }).press('Escape');
	await shows(all);
	await page.getByText('9 pictures', { exact: true }).waitFor();
});

test('a search and an order are in the page\'s address, and the same after a reload', async () => {
	await put('a small one.png', { bytes: png(20, 20) });
	page = await openPage(browser, server, { hash: '?type=image/png&order=name&period=no-such&status=rejected' });
	const shows = wanted => eventually(async () => JSON.stringify((await seeWall(page)).map(one => one.name)) === JSON.stringify(wanted), { what: wanted.join() });
	const all = ['1', '2', '3', '4', '5', '6', '7', '8', '9'].map(n => `${n}.png`);
	await shows([...all, 'a small one.png']);
	assert.equal(await page.getByLabel('Order').inputValue(), 'name');
	assert.equal(await page.getByLabel('Uploaded').inputValue(), '', 'a value that there is not');
	assert.equal(await page.getByLabel('Status').count(), 0, 'who has no images of their own cannot list others\'');
	await page.getByLabel('Name', { exact: true }).fill('one');
	await shows(['a small one.png']);
	await eventually(() => page.url() === `${server.api}/?name=one&type=image%2Fpng&order=name`, { what: 'the address' });
	await page.reload();
	await shows(['a small one.png']);
	assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'one');
	await page.locator('#wall .tile').click();
	await page.getByRole('dialog').getByRole('heading', { name: 'a small one.png' }).waitFor();
	await page.keyboard.press('Escape');
	await page.getByRole('dialog').waitFor({ state: 'hidden' });
	assert.match(page.url(), /\?name=one&/);
	await page.getByLabel('Name', { exact: true }).fill('');
	await page.getByLabel('Order').selectOption('Largest first');
	await eventually(async () => (await seeWall(page)).at(-1).name === 'a small one.png', { what: 'the smallest file, last' });
	await page.getByRole('button', { name: 'Search', exact: true }).click();
	await eventually(() => page.url() === `${server.api}/`, { what: 'the address without a search' });
	await eventually(async () => (await seeWall(page))[0].name === 'a small one.png', { what: 'the newest first' });
});

test('a caller with images of its own sees which were refused, and why, and which are not finished', async t => {
	const closed = await startServer({ env: { TINTYPE_API_KEY: KEY } });
	t.after(() => closed.stop());
	const { json: { key } } = await call(closed, 'POST', '/keys?onBehalfOf=alice', { key: KEY, json: { name: 'alice', scopes: ['read', 'upload', 'delete'] } });
	await uploadImage(closed, { fileName: 'good.png', bytes: png(40, 30), key });
	const slots = [];
	for (const fileName of ['no picture.png', 'never sent.png'])
		slots.push((await call(closed, 'POST', '/upload', { key, json: { fileName, fileType: 'image/png' } })).json);
	assert.equal((await fetchUrl(slots[0].uploadUrl, { method: 'PUT', headers: slots[0].headers, body: Buffer.from('text') })).status, 400);
	const { reason } = (await call(closed, 'GET', `/images/${slots[0].imageId}`, { key })).json;
	page = await openPage(browser, closed, { hash: '?status=rejected', init: `sessionStorage.setItem('key', '${key}')` });
	await tile('no picture.png').getByText(reason).waitFor();
	assert.deepEqual(await names(), ['no picture.png']);
	assert.deepEqual(await axe(page), []);
	await tile('no picture.png').click();
	await page.locator('#warning').getByText(reason).waitFor();
	assert.deepEqual(await page.getByRole('dialog').getByRole('button', { name: /Copy link|Share|Download/ }).count(), 0);
	await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
	await page.keyboard.press('Escape');
	await page.getByRole('heading', { name: 'No pictures found' }).waitFor();
	await page.getByLabel('Status').selectOption('Not finished');
	await tile('never sent.png').getByText('This picture has not been uploaded yet.').waitFor();
	await page.getByLabel('Status').selectOption('Uploaded');
	await tile('good.png').waitFor();
});

test('a first list that cannot be loaded leaves a message and no empty wall, and is tried again', async () => {
	page = await openPage(browser, server);
	await wallHas(page, 9);
	await page.route('**/prod/images?*', route => route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify({ detail: 'The table of this server cannot search.', code: 'not_here' }) }));
	await page.reload();
	await page.locator('#trouble-text').getByText('The table of this server cannot search.').waitFor();
	assert.deepEqual([await page.locator('#wall > li').count(), await page.locator('#empty').isHidden()], [0, true]);
	const failed = page.waitForResponse('**/prod/images?*');
	await page.getByRole('button', { name: 'Refresh' }).click();
	await failed;
	await page.locator('#trouble-text').getByText('The table of this server cannot search.').waitFor();   // again: the message went with the click
	await page.unroute('**/prod/images?*');
	await page.getByRole('button', { name: 'Refresh' }).click();
	await wallHas(page, 9);
	await page.locator('#trouble').waitFor({ state: 'hidden' });
});

test('on a touch screen a swipe in the viewer shows the next picture, and back', async () => {
	page = await openPage(browser, server, { viewport: PHONE, hasTouch: true, isMobile: true });
	await page.evaluate(() => document.getElementById('gallery-title').scrollIntoView());
	await tile('9.png').tap();
	const touch = await page.context().newCDPSession(page), heading = name => page.getByRole('dialog').getByRole('heading', { name }).waitFor();
	const swipe = async (from, to) => {
		await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x: from, y: 200 }] });
		await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x: to, y: 205 }] });
		await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
	};
	await heading('9.png');
	await swipe(300, 100);
	await heading('8.png');
	await swipe(100, 300);
	await heading('9.png');
	await swipe(100, 120);   // too short
	await swipe(300, 100);
	await heading('8.png');
});
