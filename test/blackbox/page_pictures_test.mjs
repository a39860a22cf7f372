// How the page shows pictures, in a real browser: thumbnails and what stands in for them, full size on demand, animations, faults,
// visibility; and that caches spare the server all requests for pictures but the first.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { closing, openPage, PHONE, seeWall, startBrowser, wallHas } from './support/browser.mjs';
import { after, afterEach, before, test } from './support/limited.mjs';
import { startNginx } from './support/nginx.mjs';
import { freePort } from './support/port.mjs';
import { png } from './support/png.mjs';
import { scenes } from './support/scenes.mjs';
import { call, corpus, eventually, fetchUrl, runProgram, startServer, uploadImage } from './support/server.mjs';

const KEY = 'correct-horse-battery-staple';
const MOVES = { reducedMotion: 'no-preference' };
let browser, server, page, pictures;

before(async () => {
	browser = await startBrowser();
	[server, pictures] = await Promise.all([startServer(), scenes(browser, 22, [[1500, 1000], [1000, 1250], [1250, 1250], [1750, 985]])]);
	await fill(server);
	for (const name of ['loop.gif', 'alpha.png', 'animated.webp'])
		await uploadImage(server, { fileName: name, fileType: `image/${name.split('.')[1]}`, bytes: corpus(`good/${name}`) });
	await uploadImage(server, { fileName: 'no end.jpg', fileType: 'image/jpeg', bytes: pictures[5].bytes.subarray(0, -2) });
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

async function fill(to, more = {}) {
	for (const { name, bytes } of pictures)
		await uploadImage(to, { fileName: name, fileType: 'image/jpeg', bytes, ...more });
}
const listed = async (of, options) => (await call(of, 'GET', '/images?limit=1000', options)).json.images;
const tile = name => page.locator('#wall button').filter({ has: page.getByText(name, { exact: true }) });
const dialog = () => page.getByRole('dialog');
const shownImage = () => page.locator('#detail-image.shown');
/** Requests that arrived at the server, by a part of their route. */
async function arrived(at, route) {
	const { text } = await fetchUrl(`${at.admin}/metrics`);
	return [...text.matchAll(/^tintype_requests_total\{.*route="([^"]*)".*\} (\d+)$/gm)].filter(([, name]) => name.includes(route)).reduce((sum, [, , n]) => sum + Number(n), 0);
}
/** The URLs of pictures, or of one, that the page asks for from now on. */
function watched(imageId = '') {
	const urls = [];
	page.on('request', request => { if (request.url().includes('/i/') && request.url().includes(imageId)) urls.push(request.url()); });
	return urls;
}

test('tiles are thumbnails of about their size, in WebP, else in JPEG or PNG; no file is loaded', async () => {
	for (const [look, sizes] of [[{}, 'small|medium'], [{ viewport: PHONE, deviceScaleFactor: 3 }, 'small|medium|large']]) {
		page = await openPage(browser, server, look);
		const sources = (await seeWall(page)).map(one => one.src);
		assert.equal(sources.length, 26);
		assert.ok(sources.every(url => new RegExp(`/(${sizes})-[0-9a-f]{8}\\.(webp|jpg)$`).test(url)), sources.join(' '));
		assert.equal(sources.filter(url => url.endsWith('.jpg')).length, 2, 'those of animations: in WebP they might move');
		await page.evaluate(() => scrollTo(0, 0));
		for (const [name, format] of [[pictures[20].name, 'jpg'], ['alpha.png', 'png']]) {
			await tile(name).locator('source').evaluate(source => source.remove());
			await page.waitForFunction(format => [...document.querySelectorAll('#wall img')].some(img => img.currentSrc.endsWith(`.${format}`) && img.complete && img.naturalWidth > 0), format);
		}
		await page.quiet();
		await page.context().close();
	}
	page = undefined;
});

test('the widths and heights in records are those of the thumbnails', async () => {
	for (const name of ['orientation-6.jpg', 'animated-turned.webp'])
		await uploadImage(server, { fileName: name, fileType: `image/${name.split('.')[1].replace('jpg', 'jpeg')}`, bytes: corpus(`good/${name}`) });
	page = await openPage(browser, server);
	for (const { fileName, imageId, links } of await listed(server)) {
		for (const { width, height, ...formats } of Object.values(links).slice(1))
			for (const url of Object.values(formats))
				assert.deepEqual(await page.evaluate(async url => { const { width, height } = await createImageBitmap(await (await fetch(url)).blob()); return [width, height]; }, url), [width, height], `${fileName} ${url}`);
		if (/turn|orientation/.test(fileName))
			await call(server, 'DELETE', `/images/${imageId}`);
	}
});

test('until a picture has loaded its placeholder shows about the same', async () => {
	page = await openPage(browser, server);
	const held = [];
	let holds = true;
	await page.route('**/i/**', route => holds ? held.push(route) : route.continue());
	await page.reload();
	await wallHas(page, 6);
	assert.equal(await page.locator('#wall img.shown').count(), 0);
	const name = pictures[21].name, { links } = (await listed(server)).find(image => image.fileName === name);
	const canvas = await tile(name).locator('canvas').evaluate(canvas => ({ width: canvas.width, height: canvas.height, data: [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data] }));
	holds = false;
	const real = await page.evaluate(async ({ url, width, height }) => {
		const context = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
		context.drawImage(await createImageBitmap(await (await fetch(url)).blob(), { resizeWidth: width, resizeHeight: height, resizeQuality: 'high' }), 0, 0);
		return [...context.getImageData(0, 0, width, height).data];
	}, { url: links.medium.webp, ...canvas });
	const apart = real.reduce((sum, value, i) => sum + Math.abs(value - canvas.data[i]), 0) / real.length;
	assert.ok(apart < 16, `${apart} of 255 apart`);
	await Promise.all(held.map(route => route.continue()));
	await tile(name).locator('img.shown').waitFor();
	assert.equal(await tile(name).locator('canvas').count(), 0, 'nothing of it is seen through the picture');
});

test('a picture that comes at once is there at once; one that comes later fades in over its placeholder', async () => {
	for (const [later, opacity] of [[0, 1], [1000, 0]]) {
		page = await openPage(browser, server, { reducedMotion: 'no-preference', init: `{
			let now = 0;
			performance.now = () => now += ${later};
			window.begun = [];
			addEventListener('DOMContentLoaded', () => new MutationObserver(changes => changes.forEach(({ target }) => target.matches('.tile picture img') && begun.push(Number(getComputedStyle(target).opacity))))
				.observe(document.body, { subtree: true, attributeFilter: ['class'] }));
		}` });
		await page.locator('#wall img.shown').first().waitFor();
		const found = await page.evaluate(() => window.begun);
		assert.ok(found.length > 0 && found.every(one => Math.round(one) === opacity), JSON.stringify(found));
		await eventually(() => page.evaluate(() => getComputedStyle(document.querySelector('#wall img.shown')).opacity === '1'));
		await eventually(async () => await page.locator('#wall li:has(img.shown) canvas').count() === 0, { what: 'the placeholders go' });
		await page.quiet();
		await page.context().close();
	}
	page = undefined;
});

test('a gallery of 22 that is loaded again asks the server for its list and for no picture', async t => {
	const own = await startServer({ args: ['--reactors', '1'] });   // a request is counted after its response, and before the same thread reads the next one
	t.after(() => own.stop());
	await fill(own);
	page = await openPage(browser, own);
	assert.equal((await seeWall(page)).length, 22);
	const links = JSON.stringify((await listed(own)).map(image => image.links));
	const [before, lists] = [await arrived(own, '/i/'), await arrived(own, 'GET /images')];
	assert.ok(before >= 22, `${before} requests for pictures`);
	await page.evaluate(() => scrollTo(0, 0));
	await page.reload();
	await seeWall(page);
	assert.ok(await arrived(own, 'GET /images') > lists);
	if (JSON.stringify((await listed(own)).map(image => image.links)) === links)   // the links of an image change once a day
		assert.equal(await arrived(own, '/i/'), before);
});

test('behind nginx as a cache the second visitor causes no request for a picture', async t => {
	const port = await freePort(), url = `http://127.0.0.1:${port}`;
	const own = await startServer({ env: { TINTYPE_TLS_CERT: null, TINTYPE_TLS_KEY: null, TINTYPE_DELIVERY_URL: url } });
	const nginx = await startNginx(own.storage, port);
	t.after(async () => { await nginx.stop(); await own.stop(); });
	await fill(own);
	const visit = async () => {
		page = await openPage(browser, { ...own, storage: nginx.url });
		const sources = (await seeWall(page)).map(one => one.src);
		assert.equal(sources.length, 22);
		assert.ok(sources.every(source => source.startsWith(`${url}/i/`)));
		await page.quiet();
		await page.context().close();
		page = undefined;
		return sources;
	};
	const first = await visit();
	await eventually(async () => await arrived(own, '/i/') === 22, { what: 'one request for each picture' });
	const second = await visit();
	if (JSON.stringify(first) === JSON.stringify(second))   // the links of an image change once a day
		assert.equal(await arrived(own, '/i/'), 22);
});

test('the viewer shows the largest thumbnail first, and the file in full size on demand', async () => {
	page = await openPage(browser, server);
	const name = pictures[20].name, { imageId, links, width, height } = (await listed(server)).find(image => image.fileName === name);
	await tile(name).locator('img.shown').waitFor();
	const urls = watched(imageId);
	await tile(name).click();
	await shownImage().waitFor();
	assert.deepEqual(urls, [links.large.webp]);
	const frame = page.locator('#frame'), room = page.locator('#room'), full = dialog().getByRole('button', { name: 'Full size' });
	const box = await frame.boundingBox();
	assert.ok(Math.abs(box.width / box.height - width / height) < 0.02);
	await full.focus();
	await page.keyboard.press('Enter');
	await page.locator('#frame .file.shown').waitFor();
	assert.deepEqual(urls, [links.large.webp, links.original]);
	assert.equal(await full.getAttribute('aria-pressed'), 'true');
	assert.deepEqual(await frame.evaluate(frame => [frame.clientWidth, frame.clientHeight]), [width, height]);
	const left = () => room.evaluate(room => room.scrollLeft);
	const before = await left();
	assert.ok(before > 0, 'its middle is in the middle');
	await room.focus();
	await page.keyboard.press('ArrowRight');
	await eventually(async () => await left() > before, { what: 'scrolling' });
	await dialog().getByRole('heading', { name }).waitFor();
	await full.click();
	assert.deepEqual(await frame.boundingBox(), box);
	await frame.dblclick({ position: { x: 10, y: 10 } });
	assert.equal(await left(), 0, 'the point that was double-clicked');
	await closing(dialog(), () => page.keyboard.press('Escape'));
	await tile('alpha.png').click();
	await shownImage().waitFor();
	await full.waitFor({ state: 'hidden' });   // it is small, and whole already: known once it is laid out
});

test('an animation is still in its tile, and plays under the pointer, with the focus, and in the viewer', async () => {
	page = await openPage(browser, server, MOVES);
	for (const name of ['loop.gif', 'animated.webp']) {
		const { links } = (await listed(server)).find(image => image.fileName === name), motion = tile(name).locator('.motion.shown');
		await tile(name).locator('picture img.shown').waitFor();
		assert.equal(await motion.count(), 0);
		assert.match(await tile(name).innerText(), name === 'loop.gif' ? /^GIF$/m : /^WebP$/m);
		await tile(name).hover();
		await motion.waitFor();
		assert.equal(await motion.evaluate(img => img.src), links.original);
		await page.mouse.move(0, 0);
		await motion.waitFor({ state: 'detached' });
		await page.locator('#copy-menu button').first().waitFor({ state: 'attached' });   // the wall's keys have come with the pointer
		await page.locator('#refresh').focus();
		await eventually(async () => { await page.keyboard.press('Tab'); return page.evaluate(() => document.activeElement.classList.contains('tile')); }, { what: 'the wall' });
		await page.keyboard.press('Home');
		await eventually(async () => { await page.keyboard.press('ArrowRight'); return tile(name).evaluate(button => button === document.activeElement); }, { what: 'the focus' });
		await motion.waitFor();
		await page.keyboard.press('Enter');
		await page.locator('#frame .file.shown').waitFor();
		assert.equal(await page.locator('#frame .file').evaluate(img => img.src), links.original);
		assert.equal(await page.locator('#frame picture').evaluate(picture => getComputedStyle(picture).visibility), 'hidden', 'not seen through it');
		await dialog().getByRole('button', { name: 'Pause' }).click();
		await page.locator('#frame .file').waitFor({ state: 'detached' });
		await page.keyboard.press('Escape');
		await eventually(async () => await page.locator('#frame > *').count() === 0, { what: 'an empty stage, where nothing plays on' });
		await page.locator('#refresh').focus();
	}
});

test('with reduced motion nothing plays but on demand', async () => {
	page = await openPage(browser, server);
	await tile('loop.gif').locator('img.shown').waitFor();
	const urls = watched();
	await tile('loop.gif').hover();
	await tile('loop.gif').click();
	await shownImage().waitFor();
	assert.ok(urls.every(url => !url.endsWith('/original')), urls.join(' '));
	await dialog().getByRole('button', { name: 'Play' }).click();
	await page.locator('#frame .file.shown').waitFor();
	await dialog().getByRole('button', { name: 'Pause' }).waitFor();
});

test('what is wrong with a picture is said in words, in its tile and in its view', async () => {
	page = await openPage(browser, server);
	const words = 'The file ends too early, but the whole picture is there.';
	assert.match(await tile('no end.jpg').innerText(), /^Minor damage$/m);
	assert.ok(await page.locator('#wall li').filter({ hasText: 'no end.jpg' }).evaluate(li => {
		li.style.width = '10rem';
		return li.querySelector('.damage').getBoundingClientRect().right <= li.querySelector('.check').getBoundingClientRect().left;
	}), 'the mark leaves room for the box that selects the picture');
	await page.getByRole('button', { name: new RegExp(`^\u2068no end.jpg\u2069, 1000 by 1250 pixels, .*minor damage: ${words}`) }).click();
	await dialog().getByText(`Minor damage. ${words}`).waitFor();
	await page.keyboard.press('ArrowRight');
	await dialog().getByText('Minor damage').waitFor({ state: 'hidden' });
});

test('what cannot be shown is an icon and its type; what is gone or broken is not there', async () => {
	page = await openPage(browser, server);
	await seeWall(page);
	const { image } = await uploadImage(server, { fileName: 'going.png', bytes: png(90, 60) });
	await page.route('**/prod/images?*', async route => {   // deleted between the list and its picture
		const response = await route.fetch();
		await call(server, 'DELETE', `/images/${image.imageId}`);
		await route.fulfill({ response });
	});
	await page.route('**/i/**', route => route.request().url().includes('/small-') ? route.abort() : route.continue());
	await page.evaluate(() => scrollTo(0, 0));
	await page.reload();
	await tile('no end.jpg').waitFor();
	await tile('going.png').waitFor({ state: 'detached' });
	const icon = tile('loop.gif').locator('.none');
	await icon.waitFor();
	assert.equal(await icon.innerText(), 'GIF');
	assert.equal(await tile('loop.gif').locator('img').count(), 0);
});

test('without thumbnails tiles are the files, but an animation plays only under the pointer', async t => {
	const own = await startServer({ args: ['--verify', 'header'] });
	t.after(() => own.stop());
	for (const name of ['loop.gif', 'photo.jpg'])
		await uploadImage(own, { fileName: name, fileType: `image/${name.split('.')[1].replace('jpg', 'jpeg')}`, bytes: corpus(`good/${name}`) });
	page = await openPage(browser, own, MOVES);
	await tile('photo.jpg').locator('img.shown').waitFor();
	assert.equal(await tile('loop.gif').locator('img').count(), 0);
	await tile('loop.gif').hover();
	await tile('loop.gif').locator('.motion.shown').waitFor();
	await tile('photo.jpg').click();
	await shownImage().waitFor();
	assert.equal(await dialog().locator('dt:text-is("Decoded") + dd').textContent(), 'No');
});

test('of an image that was stored without being stripped the page shows thumbnails, and says why; one that is found to be broken is not there', async t => {
	const data = mkdtempSync(path.join(tmpdir(), 'tintype-page-'));
	t.after(() => rmSync(data, { recursive: true }));
	const old = await startServer({ data, args: ['--verify', 'header', '--no-strip'] });
	const photo = corpus('good/photo.jpg'), cut = Buffer.concat([photo.subarray(0, photo.length >> 1), Buffer.from('ffd9', 'hex')]);
	for (const [fileName, bytes] of [['old.jpg', photo], ['cut.jpg', cut]])
		await uploadImage(old, { fileName, fileType: 'image/jpeg', bytes });
	await old.stop();
	const own = await startServer({ data });
	t.after(() => own.stop());
	assert.equal((await runProgram(['reverify', '--data', own.data])).code, 0);
	page = await openPage(browser, own);
	await tile('old.jpg').locator('img.shown').waitFor();
	assert.equal(await tile('cut.jpg').count(), 0);
	await tile('old.jpg').click();
	await shownImage().waitFor();
	await dialog().getByText('Only previews are shown: the original has not been checked for private data').waitFor();
	assert.equal(await dialog().getByRole('button', { name: 'Download' }).count(), 0);
	assert.equal(await dialog().getByRole('button', { name: 'Full size' }).count(), 0);
});

test('an animated preset is still in its tile too', async t => {
	const own = await startServer({ args: ['--thumbnails', 'small:160x160:animated,photo:512x512:jpeg'] });
	t.after(() => own.stop());
	await uploadImage(own, { fileName: 'loop.gif', fileType: 'image/gif', bytes: corpus('good/loop.gif') });
	await uploadImage(own, { fileName: 'photo.jpg', fileType: 'image/jpeg', bytes: corpus('good/photo.jpg') });
	page = await openPage(browser, own, MOVES);
	await seeWall(page);
	assert.match(await tile('loop.gif').locator('img').evaluate(img => img.currentSrc), /\.jpg$/);
	assert.match(await tile('photo.jpg').locator('img').evaluate(img => img.currentSrc), /photo-\w+\.jpg$/, 'one of all sizes, not only of those in WebP');
});

test('with the key a picture is made public and private again, and its link is the one that is copied', async t => {
	const own = await startServer({ env: { TINTYPE_API_KEY: KEY } });
	t.after(() => own.stop());
	const { image } = await uploadImage(own, { fileName: 'ours.png', bytes: png(90, 60), key: KEY });
	page = await openPage(browser, own, { init: `sessionStorage.setItem('key', '${KEY}')`, permissions: ['clipboard-read', 'clipboard-write'] });
	const copied = async () => {
		await dialog().getByRole('button', { name: 'Copy link' }).click();
		await dialog().getByText('Link copied.').waitFor();
		return page.evaluate(() => navigator.clipboard.readText());
	};
	await tile('ours.png').click();
	assert.equal(await copied(), `${own.api}/#${image.imageId}`);
	await dialog().getByRole('button', { name: 'Make public' }).click();
	await dialog().getByText('Public: anyone who has the link').waitFor();
	const link = await copied();
	assert.equal(link, `${own.storage}/i/${image.imageId}/original`);
	assert.equal((await fetchUrl(link)).status, 200);
	await dialog().getByRole('button', { name: 'Make private' }).click();
	await dialog().getByText('Private: only with a signed link').waitFor();
	await dialog().getByText('Browsers and caches').waitFor();
	assert.equal((await fetchUrl(link)).status, 404);
});

test('without the key there is no choice of visibility', async () => {
	page = await openPage(browser, server);
	await tile('alpha.png').click();
	await dialog().getByText('Private: only with a signed link').waitFor();
	assert.equal(await dialog().getByRole('button', { name: /Make/ }).count(), 0);
});
