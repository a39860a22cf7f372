// The viewer of one picture in Chromium: zoom and pan by wheel, pinch, double click, drag and keys.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { openPage, PHONE, startBrowser, wallHas } from './support/browser.mjs';
import { scenes } from './support/scenes.mjs';
import { eventually, root, startServer, uploadImage } from './support/server.mjs';

const folder = path.join(root, 'build/page');
let browser, server, pictures;

before(async () => {
	mkdirSync(folder, { recursive: true });
	browser = await startBrowser();
	[server, pictures] = await Promise.all([startServer(), scenes(browser, 8, [[1600, 1000]])]);
	for (const { name, bytes } of pictures)
		await uploadImage(server, { fileName: name, fileType: 'image/jpeg', bytes });
});
after(async () => {
	await browser?.close();
	await server?.stop();
});

/** A page with the viewer open on the n-th picture of the wall. */
async function openViewer(n, look = {}) {
	const page = await openPage(browser, server, look);
	await wallHas(page, pictures.length);
	await page.locator('#wall .tile').nth(n).click();
	await page.locator('#detail[aria-busy="false"]').waitFor();
	await page.locator('#detail-image.shown').waitFor();
	return page;
}
const headingIs = (page, name) => page.getByRole('dialog').getByRole('heading', { name, exact: true }).waitFor();
const nameOf = n => pictures[pictures.length - 1 - n].name;   // the last is the first on the wall
const widthOf = page => page.locator('#frame').evaluate(frame => frame.getBoundingClientRect().width);
const scrollOf = page => page.locator('#room').evaluate(room => [room.scrollLeft, room.scrollTop]);
/** Where in the picture, from 0 to 1, the point of the window is. */
const pointAt = (page, x, y) => page.locator('#frame').evaluate((frame, [x, y]) => {
	const box = frame.getBoundingClientRect();
	return [(x - box.left) / box.width, (y - box.top) / box.height];
}, [x, y]);
const isNear = (a, b) => assert.ok(a.every((one, i) => Math.abs(one - b[i]) < 0.01), `${a} is near ${b}`);
async function end(page) {
	await page.quiet();
	await page.context().close();
}

test('the wheel zooms at the pointer, which drags the picture then; a double click shows its own size, and all of it', async () => {
	const page = await openViewer(2), fit = await widthOf(page);
	const { x, y, width, height } = await page.locator('#frame').boundingBox(), at = [x + width * 0.4, y + height * 0.4];
	await page.mouse.move(...at);
	await page.mouse.wheel(0, -600);
	await eventually(async () => await widthOf(page) > fit * 2, { what: 'a larger picture' });
	isNear(await pointAt(page, ...at), [0.4, 0.4]);
	await page.locator('#frame .file.shown').waitFor();
	const before = await scrollOf(page);
	await page.mouse.down();
	await page.mouse.move(at[0] - 60, at[1] - 40);
	await page.mouse.up();
	isNear(await pointAt(page, at[0] - 60, at[1] - 40), [0.4, 0.4]);
	assert.notDeepEqual(await scrollOf(page), before);
	await headingIs(page, nameOf(2));
	await page.mouse.wheel(0, -20000);
	await eventually(async () => Math.round(await widthOf(page)) === 4 * 1600, { what: 'the limit' });
	await page.mouse.wheel(0, 20000);
	await eventually(async () => await widthOf(page) === fit, { what: 'all of it' });
	await page.mouse.dblclick(...at);
	assert.equal(await widthOf(page), 1600);
	isNear(await pointAt(page, ...at), [0.4, 0.4]);
	await page.mouse.dblclick(...at);
	assert.equal(await widthOf(page), fit);
	await end(page);
});

test('by keys: plus, minus and 0 zoom, the arrows move a zoomed picture and else show the next one', async () => {
	const page = await openViewer(2), fit = await widthOf(page);
	await page.keyboard.press('+');
	isNear([await widthOf(page) / fit], [1.5]);
	await page.keyboard.press('=');
	isNear([await widthOf(page) / fit], [2.25]);
	await page.keyboard.press('+');
	await page.keyboard.press('-');
	isNear([await widthOf(page) / fit], [2.25]);
	assert.equal(await page.getByRole('button', { name: 'Full size' }).getAttribute('aria-pressed'), 'true');
	const [left, top] = await scrollOf(page);
	await page.keyboard.press('ArrowRight');
	await page.keyboard.press('ArrowDown');
	const [right, bottom] = await scrollOf(page);
	assert.ok(right > left && bottom > top, `${[left, top]} to ${[right, bottom]}`);
	await page.keyboard.press('ArrowLeft');
	await page.keyboard.press('ArrowUp');
	assert.deepEqual(await scrollOf(page), [left, top]);
	await headingIs(page, nameOf(2));
	await page.keyboard.press('0');
	assert.equal(await widthOf(page), fit);
	await page.keyboard.press('+');
	await page.keyboard.press('0');
	await page.keyboard.press('ArrowRight');
	await headingIs(page, nameOf(3));
	await page.keyboard.press('+');
	await page.getByRole('button', { name: 'Older picture' }).click();
	await headingIs(page, nameOf(4));
	assert.equal(await widthOf(page), fit, 'the next one is shown whole');
	await end(page);
});

test('on a touch screen two fingers zoom, one moves the zoomed picture, and swipes only when all of it is shown', async () => {
	const page = await openViewer(2, { viewport: PHONE, hasTouch: true, isMobile: true, deviceScaleFactor: 2 }), fit = await widthOf(page);
	const session = await page.context().newCDPSession(page);
	const touch = (type, ...points) => session.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
	const { x, y, width, height } = await page.locator('#frame').boundingBox(), [cx, cy] = [x + width / 2, y + height / 2];
	const swipe = async across => {
		await touch('touchStart', [cx, cy]);
		for (let i = 1; i <= 4; i++)
			await touch('touchMove', [cx + across * i / 4, cy]);
		await touch('touchEnd');
	};
	await touch('touchStart', [cx - 20, cy]);
	await touch('touchStart', [cx - 20, cy], [cx + 20, cy]);
	for (let i = 1; i <= 6; i++)
		await touch('touchMove', [cx - 20 - 10 * i, cy], [cx + 20 + 10 * i, cy]);
	await touch('touchEnd');
	await eventually(async () => Math.abs(await widthOf(page) / fit - 4) < 0.1, { what: 'four times the size' });
	isNear(await pointAt(page, cx, cy), [0.5, 0.5]);
	const before = await scrollOf(page);
	await swipe(-100);
	await eventually(async () => (await scrollOf(page))[0] > before[0] + 50, { what: 'the picture moved' });
	await headingIs(page, nameOf(2));
	await page.screenshot({ path: path.join(folder, 'zoomed-phone.png') });
	await touch('touchStart', [cx - 90, cy], [cx + 90, cy]);
	for (let i = 1; i <= 8; i++)
		await touch('touchMove', [cx - 90 + 10 * i, cy], [cx + 90 - 10 * i, cy]);
	await touch('touchEnd');
	await eventually(async () => await widthOf(page) === fit, { what: 'all of it' });
	await swipe(-100);
	await headingIs(page, nameOf(3));
	await end(page);
});
