// The viewer of one picture in Chromium: zoom and pan by wheel, pinch, double click, drag and keys; name and metadata; the strip; the list of keys.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { axe, choose, openPage, PHONE, startBrowser, uploadIs, wallHas } from './support/browser.mjs';
import { after, before, test } from './support/limited.mjs';
import { scenes } from './support/scenes.mjs';
import { call, eventually, root, startServer, uploadImage } from './support/server.mjs';

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

const listed = async name => (await call(server, 'GET', '/images')).json.images.find(image => image.fileName === name);

test('name and metadata are changed by keyboard alone; what is not saved is not lost, nor what others have changed', async () => {
	const page = await openViewer(0), dialog = page.getByRole('dialog'), alert = dialog.getByRole('alert'), old = nameOf(0);
	const focusIs = name => eventually(() => page.evaluate(name => (document.activeElement.ariaLabel ?? document.activeElement.closest('label')?.innerText ?? document.activeElement.innerText).trim() === name, name), { what: `the focus at ${name}` });
	const reach = async name => { for (let left = 20; left-- > 0 && !await page.evaluate(name => document.activeElement.ariaLabel === name || document.activeElement.innerText === name, name);) await page.keyboard.press('Tab'); await focusIs(name); };
	await page.getByRole('button', { name: 'Edit name and metadata' }).waitFor();   // it is shown once the page knows what the caller may do
	await reach('Edit name and metadata');
	await page.keyboard.press('Enter');
	await focusIs('Name');
	await page.keyboard.press('Control+a');
	await page.keyboard.type('the lake');
	await page.keyboard.press('ArrowRight');
	await page.keyboard.type('+0.jpg');
	await reach('Add an entry');
	await page.keyboard.press('Enter');
	await page.keyboard.type('album');
	await page.keyboard.press('Tab');
	await page.keyboard.type('<b>summer</b>');
	for (const [name, look] of [['light', { colorScheme: 'light' }], ['dark', { colorScheme: 'dark' }]]) {
		await page.emulateMedia(look);
		await page.screenshot({ path: path.join(folder, `edit-${name}.png`) });
		assert.deepEqual(await axe(page), [], name);
	}
	await page.getByRole('button', { name: 'Older picture' }).click();
	await alert.getByText('not saved').waitFor();
	await headingIs(page, old);
	await page.getByRole('button', { name: 'Close' }).click();
	assert.ok(await dialog.isVisible());
	const { imageId } = await listed(old);
	assert.equal((await call(server, 'PATCH', `/images/${imageId}`, { json: { metadata: { album: 'winter' } } })).status, 200);
	await dialog.getByLabel('Name', { exact: true }).press('Enter');
	await alert.getByText('Somebody else').waitFor();
	assert.deepEqual((await listed(old)).metadata, { album: 'winter' });
	await dialog.getByLabel('Name', { exact: true }).press('Enter');
	await dialog.getByText('Saved.', { exact: true }).waitFor();
	await focusIs('Edit name and metadata');
	await headingIs(page, 'the lake+0.jpg');
	assert.equal(await dialog.locator('dt:text-is("Metadata") + dd').innerText(), 'album: <b>summer</b>');
	assert.deepEqual((await listed('the lake+0.jpg')).metadata, { album: '<b>summer</b>' });
	await page.keyboard.press('Enter');
	await reach('Remove this entry');
	await page.keyboard.press('Enter');
	await focusIs('Add an entry');
	await page.keyboard.press('Escape');
	await alert.getByText('not saved').waitFor();
	await reach('Save');
	await page.keyboard.press('Enter');
	await dialog.getByText('Saved.', { exact: true }).waitFor();
	assert.equal(await dialog.locator('dt:text-is("Metadata")').count(), 0);
	assert.equal((await listed('the lake+0.jpg')).metadata, undefined);
	await page.keyboard.press('Enter');
	await page.keyboard.press('Escape');
	await focusIs('Edit name and metadata');
	await page.keyboard.press('Escape');
	await dialog.waitFor({ state: 'hidden' });
	await page.locator('#wall .tile').filter({ hasText: 'the lake+0.jpg' }).waitFor();
	await end(page);
});

test('who may not change records is not offered to', async t => {
	const own = await startServer({ env: { TINTYPE_API_KEY: 'correct-horse-battery-staple' } });
	t.after(() => own.stop());
	await uploadImage(own, { fileName: 'ours.jpg', fileType: 'image/jpeg', bytes: pictures[0].bytes, key: 'correct-horse-battery-staple' });
	for (const [scopes, may] of [[['read'], false], [['read', 'upload'], true]]) {
		const made = await call(own, 'POST', '/keys', { key: 'correct-horse-battery-staple', json: { name: scopes.join(' '), scopes } });
		assert.equal(made.status, 201);
		const page = await openPage(browser, own, { init: `sessionStorage.setItem('key', '${made.json.key}')` });
		await page.waitForLoadState('networkidle');   // the page itself asks who the caller is, too
		const asked = page.waitForResponse(answer => answer.url().endsWith('/prod/me'));
		await page.locator('#wall .tile').click();
		await (await asked).finished();
		await page.locator('#detail[aria-busy="false"]').waitFor();
		await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
		for (const name of ['Edit name and metadata', 'Make public'])
			if (may)
				await page.getByRole('button', { name }).waitFor();
			else
				assert.equal(await page.getByRole('button', { name }).isVisible(), false, `${name}, for ${scopes}`);
		assert.equal(await page.getByRole('button', { name: 'Delete', exact: true }).isVisible(), false, 'neither key deletes');
		await end(page);
	}
});

test('where only who has a key or has uploaded a picture may delete it, nothing else is offered', async t => {
	const own = await startServer({ env: { TINTYPE_DELETE_BY: 'token' } });
	t.after(() => own.stop());
	const theirs = (await uploadImage(own, { fileName: 'theirs.jpg', fileType: 'image/jpeg', bytes: pictures[0].bytes })).image;
	const page = await openPage(browser, own), button = name => page.getByRole('button', { name, exact: true });
	await choose(page, [{ name: 'mine.jpg', mimeType: 'image/jpeg', buffer: pictures[1].bytes }]);
	await uploadIs(page, 'mine.jpg', 'done');
	const tile = name => page.locator('#wall .tile').filter({ hasText: name });
	await tile('mine.jpg').click();
	await button('Delete').waitFor();
	await page.keyboard.press('ArrowRight');
	await headingIs(page, 'theirs.jpg');
	await button('Delete').waitFor({ state: 'hidden' });
	assert.equal(await button('Edit name and metadata').isVisible(), false);
	await button('Close').click();
	await button('Select').click();
	await tile('mine.jpg').click();
	await page.locator('#delete-chosen').waitFor();
	await tile('theirs.jpg').click();
	await page.locator('#delete-chosen').waitFor({ state: 'hidden' });
	await tile('theirs.jpg').press('Delete');
	await page.locator('#trouble-text').getByText('You may not delete all of these pictures.').waitFor();
	assert.equal(await page.locator('#wall .tile').count(), 2);
	assert.equal((await call(own, 'GET', `/images/${theirs.imageId}`)).status, 200);
	await end(page);
});

test('a strip shows the pictures around it, by pointer and by keyboard', async () => {
	const page = await openViewer(3), buttons = page.getByRole('group', { name: 'Pictures next to this one' }).getByRole('button');
	const names = await page.locator('#wall .tile .name').allInnerTexts();
	const labels = () => buttons.evaluateAll(all => all.map(one => one.ariaLabel + (one.ariaCurrent ? ' *' : '')));
	const stripIs = (from, to, current) => eventually(async () => JSON.stringify(await labels()) === JSON.stringify(names.slice(from, to).map((name, n) => name + (from + n === current ? ' *' : ''))), { what: `pictures ${from} to ${to}` });
	await stripIs(0, 7, 3);
	await buttons.nth(4).click();
	await stripIs(1, 8, 4);
	await headingIs(page, names[4]);
	await page.locator('#detail[aria-busy="false"]').waitFor();   // the strip is drawn again with the whole record
	assert.equal(await buttons.nth(3).evaluate(button => button === document.activeElement), true, 'the focus stays in the strip');
	await page.keyboard.press('Shift+Tab');
	await page.keyboard.press('Enter');
	await headingIs(page, names[3]);
	await page.keyboard.press('ArrowLeft');
	await stripIs(0, 6, 2);
	await page.waitForFunction(() => [...document.querySelectorAll('#strip img')].every(img => img.classList.contains('shown')));
	await page.setViewportSize(PHONE);   // of a narrow window, where the list of keys is offered still
	await page.waitForFunction(() => document.getElementById('strip').getBoundingClientRect().right <= document.getElementById('keys').getBoundingClientRect().left);
	for (const [name, look] of [['light', { colorScheme: 'light' }], ['dark', { colorScheme: 'dark' }]]) {
		await page.emulateMedia(look);
		await page.screenshot({ path: path.join(folder, `strip-${name}.png`) });
		assert.deepEqual(await axe(page), [], name);
	}
	await end(page);
});

test('a question mark shows the keys, and hides them', async () => {
	const page = await openViewer(1), help = page.getByRole('dialog', { name: 'Keys' });
	await page.keyboard.press('?');
	await help.getByText('Move a zoomed picture').waitFor();
	for (const [name, look] of [['light', { colorScheme: 'light' }], ['dark', { colorScheme: 'dark' }]]) {
		await page.emulateMedia(look);
		await page.screenshot({ path: path.join(folder, `help-${name}.png`) });
		assert.deepEqual(await axe(page), [], name);
	}
	await page.keyboard.press('?');
	await help.waitFor({ state: 'hidden' });
	await page.getByRole('button', { name: 'Keys' }).click();
	await help.waitFor();
	await page.keyboard.press('Escape');
	await help.waitFor({ state: 'hidden' });
	assert.ok(await page.locator('#detail').isVisible(), 'the viewer stays');
	await page.keyboard.press('Escape');
	await page.locator('#detail').waitFor({ state: 'hidden' });
	await end(page);
});
