// The page's appearance and accessibility: every view in light, dark and at a
// phone's width is checked with axe-core, and its screenshot kept in build/page/; then text
// sizes, reflow, motion, and a complete session by keyboard. Last, the transfer size of the page.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

import { axe, choose, closing, DESK, hand, openPage, PHONE, startBrowser, uploadIs, wallHas } from './support/browser.mjs';
import { after, before, test } from './support/limited.mjs';
import { scenes } from './support/scenes.mjs';
import { call, eventually, root, startServer, uploadImage } from './support/server.mjs';

const KEY = 'correct-horse-battery-staple';
const BUDGET_BYTES = 70 * 1024;
const LOOKS = { light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, phone: { viewport: PHONE, hasTouch: true, isMobile: true, deviceScaleFactor: 2 } };
const folder = path.join(root, 'build/page');
let browser, server, empty, closed, pictures, larges;

before(async () => {
	mkdirSync(folder, { recursive: true });
	browser = await startBrowser();
	[server, empty, closed, pictures] = await Promise.all([startServer(), startServer(), startServer({ env: { TINTYPE_API_KEY: KEY } }), scenes(browser, 22)]);
	larges = await scenes(browser, 4, [[2000, 1400]], 0.98);
	for (const { name, bytes } of pictures.slice(0, 18))
		await uploadImage(server, { fileName: name, fileType: 'image/jpeg', bytes });
});
after(async () => {
	await browser?.close();
	await Promise.all([server, empty, closed].map(one => one?.stop()));
});

const picture = (n, name) => ({ name, mimeType: 'image/jpeg', buffer: pictures[n].bytes });
const text = (name, mimeType = 'image/jpeg') => ({ name, mimeType, buffer: Buffer.from('no picture') });

/** Remove what the view "uploads" has uploaded. */
async function removeUploads() {
	for (const { imageId } of (await call(server, 'GET', '/images')).json.images.filter(image => /^(orchard|album)/.test(image.fileName)))
		await call(server, 'DELETE', `/images/${imageId}`);
}

/** Whatever is too small, or wider than the window, as sentences. */
function misfits() {
	const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const { parentElement: parent, data } = walker.currentNode;
		if (data.trim() && !parent.closest('[hidden], dialog:not([open]), noscript') && parseFloat(getComputedStyle(parent).fontSize) < 14)
			found.push(`${getComputedStyle(parent).fontSize}: ${data.trim()}`);
	}
	document.querySelectorAll('input, button').forEach(e => parseFloat(getComputedStyle(e).fontSize) < 14 && found.push(`small: ${e.id}`));
	if (document.documentElement.scrollWidth > innerWidth)
		found.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
	return found;
}

/** Each view: brings a page there and gives it. */
const VIEWS = {
	async empty(look) {
		const page = await openPage(browser, empty, look);
		await page.getByText('No pictures yet').waitFor();
		await page.getByText('up to 5 MB').waitFor();
		return page;
	},
	async gallery(look) {
		const page = await openPage(browser, server, look);
		await wallHas(page, 1);
		await page.waitForFunction(() => [...document.querySelectorAll('#wall img')].filter(i => i.getBoundingClientRect().top < innerHeight).every(i => i.classList.contains('shown')));
		return page;
	},
	async uploads(look) {
		const page = await VIEWS.gallery(look);
		const session = await page.context().newCDPSession(page);
		await session.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 40000 });
		await choose(page, [picture(20, 'orchard wall.jpg'), text('broken.jpg'), text('notes.txt', 'text/plain'), ...[...larges, ...larges].map(({ bytes }, n) => ({ name: `album page ${n + 1}.jpg`, mimeType: 'image/jpeg', buffer: bytes }))]);
		await uploadIs(page, 'orchard wall.jpg', 'done');
		await uploadIs(page, 'broken.jpg', 'refused');
		await page.waitForFunction(() => [...document.querySelectorAll('.status')].filter(status => status.textContent.includes('/s')).length === 4);
		await uploadIs(page, 'album page 8.jpg', 'waiting');
		return page;
	},
	async dragging(look) {
		const page = await VIEWS.gallery(look);
		await hand(page, 'dragenter', [text('a')]);
		await page.getByText('Drop to upload').waitFor();
		return page;
	},
	async detail(look) {
		const page = await VIEWS.gallery(look);
		await page.locator('#wall .tile').nth(1).click();
		await page.locator('#detail[aria-busy="false"]').waitFor();
		await page.locator('#detail-image').evaluate(img => img.decode());
		return page;
	},
	async undo(look) {
		const page = await VIEWS.detail({ ...look, init: 'const after = setTimeout; window.setTimeout = (call, ms, ...more) => after(call, ms === 8000 ? 600000 : ms, ...more)' });   // axe may take longer than there is time to undo
		await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
		await page.getByRole('button', { name: 'Undo' }).waitFor();
		return page;
	},
	async selected(look) {
		const page = await VIEWS.gallery(look);
		await page.getByRole('button', { name: 'Select', exact: true }).click();
		for (const n of [1, 2])
			await page.locator('#wall .tile').nth(n).click();
		await page.getByText('2 selected').first().waitFor();
		return page;
	},
	async key(look) {
		const page = await openPage(browser, closed, look);
		await page.getByLabel('API key').fill('wrong');
		await page.keyboard.press('Enter');
		await page.getByText('Wrong API key.').waitFor();
		return page;
	},
};

for (const [view, open] of Object.entries(VIEWS))
	test(`the view "${view}" has no axe violation, no small text and nothing that overflows, in light, dark and on a phone`, async () => {
		for (const [name, look] of Object.entries(LOOKS)) {
			const page = await open(look);
			await page.screenshot({ path: path.join(folder, `${view}-${name}.png`) });
			if (name !== 'phone')   // the same elements and colours as in light
				assert.deepEqual(await axe(page), [], name);
			assert.deepEqual(await page.evaluate(misfits), [], name);
			if (view === 'undo')
				await page.getByRole('button', { name: 'Undo' }).click();
			await page.quiet();
			await page.context().close();
			await removeUploads();
		}
	});

test('at 200 % and in a window of 320 pixels everything is shown, nothing overflows', async () => {
	for (const viewport of [{ width: DESK.width / 2, height: DESK.height / 2 }, { width: 320, height: 560 }])
		for (const open of [VIEWS.gallery, VIEWS.detail, VIEWS.key]) {
			const page = await open({ viewport, deviceScaleFactor: 2 });
			assert.deepEqual(await page.evaluate(misfits), []);
			await page.context().close();
		}
});

test('prefers-reduced-motion disables motion', async () => {
	for (const [reducedMotion, moves] of [['reduce', false], ['no-preference', true]]) {
		const page = await VIEWS.detail({ reducedMotion });
		const seconds = await page.evaluate(() => Math.max(...[...document.querySelectorAll('*')].flatMap(e => [getComputedStyle(e).transitionDuration, getComputedStyle(e).animationDuration].map(t => getComputedStyle(e).animationName === 'none' && t === '0s' ? 0 : parseFloat(t)))));
		assert.equal(seconds > 0, moves);
		await page.context().close();
	}
});

test('a complete session by keyboard only, announced to screen readers', async () => {
	await removeUploads();   // what arrived after its page was closed
	const page = await VIEWS.gallery({});
	const focused = () => page.evaluate(() => { const e = document.activeElement; return e.querySelector('.name')?.textContent ?? e.ariaLabel ?? e.innerText?.trim(); });
	/** Wait until the focus is there. */
	const focusIs = (name, why = '') => eventually(async () => await focused() === name, { what: `the focus at ${name} ${why}` });
	/** Press until the focus is there: it can be reached. */
	const reach = async (name, key = 'Tab') => {
		for (let left = 40; await focused() !== name; left--) {
			assert.ok(left > 0, `${name} cannot be reached; the focus is at ${await focused()}`);
			await page.keyboard.press(key);
		}
		assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none', `the focus at ${name} is seen`);
	};
	const heard = async words => page.waitForFunction(words => document.getElementById('polite').textContent.includes(words), words);
	await page.keyboard.press('Tab');
	await focusIs('Skip to the pictures');
	await page.keyboard.press('Enter');
	await focusIs('Pictures');
	await reach('Choose pictures', 'Shift+Tab');
	const chooser = page.waitForEvent('filechooser');
	await page.keyboard.press('Enter');
	await (await chooser).setFiles([picture(21, 'by keyboard.jpg'), text('not one.txt', 'text/plain')]);
	await heard('is uploaded');
	await reach('Dismiss: not one.txt');
	await page.keyboard.press('Enter');
	await focusIs('Copy link: by keyboard.jpg');
	await reach('Show: by keyboard.jpg');
	await page.keyboard.press('Enter');
	await focusIs('by keyboard.jpg', 'the dialog has the focus');
	await page.keyboard.press('ArrowRight');
	await page.getByRole('dialog').getByRole('heading', { name: pictures[17].name }).waitFor();
	await page.keyboard.press('ArrowLeft');
	await page.getByRole('dialog').getByRole('heading', { name: 'by keyboard.jpg' }).waitFor();
	for (let i = 0; i < 20; i++) {
		await page.keyboard.press('Tab');
		assert.ok(await page.evaluate(() => document.activeElement === document.body || document.getElementById('detail').contains(document.activeElement)), 'the focus stays inside');
	}
	await page.keyboard.press('Escape');
	await focusIs('by keyboard.jpg', 'back on the wall, at the picture');
	await page.keyboard.press('Enter');
	await closing(page.getByRole('dialog'), () => page.keyboard.press('Escape'));
	await focusIs('by keyboard.jpg');
	for (const [key, name] of [['ArrowRight', pictures[17].name], ['ArrowLeft', 'by keyboard.jpg'], ['ArrowDown', null], ['ArrowUp', 'by keyboard.jpg']]) {
		await page.keyboard.press(key);
		await (name ? focusIs(name, `after ${key}`) : eventually(async () => !['by keyboard.jpg', pictures[17].name].includes(await focused()), { what: 'the focus a row below' }));
	}
	await page.keyboard.press('Space');
	await heard('1 selected');
	await page.keyboard.press('Shift+ArrowRight');
	await heard('2 selected');
	await page.keyboard.press('Delete');
	await heard('2 pictures deleted.');
	await page.keyboard.press('Control+z');
	await heard('Nothing was deleted.');
	await focusIs('by keyboard.jpg');
	await page.keyboard.press('Delete');
	await heard('is deleted');
	await focusIs(pictures[17].name);
	await page.quiet();
	await page.context().close();
});

/** A request of our own, with what browsers send: { status, headers, body } as on the wire. */
const fetchRaw = (target, { method = 'GET', headers = {} } = {}) => new Promise((resolve, reject) => {
	http.request(`${empty.api}${target}`, { method, headers: { 'Accept-Encoding': 'gzip, deflate, br', ...headers } }, async answer => {
		const pieces = [];
		for await (const piece of answer)
			pieces.push(piece);
		resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces) });
	}).on('error', reject).end();
});

test('the page is small, compressed, cached by ETag, and loads nothing from other origins', async () => {
	const page = await browser.newPage();
	const asked = [], finished = [];
	page.on('request', request => asked.push(request.url()));
	page.on('requestfinished', request => finished.push(request));
	await page.goto(`${empty.api}/`);
	await page.getByText('No pictures yet').waitFor();
	await page.waitForLoadState('networkidle');
	const total = (await Promise.all(finished.map(request => request.sizes()))).reduce((sum, one) => sum + one.responseBodySize + one.responseHeadersSize, 0);
	await page.close();
	assert.ok(total > 5000 && total < BUDGET_BYTES, `${total} bytes`);
	console.log(`# the page with its first calls: ${total} bytes on the wire, ${asked.length} requests`);
	const files = [...new Set(asked)].filter(url => !url.includes('/prod/')).map(url => url.slice(empty.api.length));
	assert.ok(asked.every(url => url.startsWith(empty.api)), asked.join(' '));
	assert.ok(files.includes('/') && files.includes('/style.css') && files.includes('/main.js') && !files.includes('/sign_in.js'), 'what a first visit needs, and no more');
	for (const file of [...files, '/icon.svg', '/sign_in.js', '/detail.js', '/stage.js', '/strip.js', '/edit.js', '/help.js', '/rights.js', '/zoom.js', '/viewer.css']) {
		const got = await fetchRaw(file), plain = await fetchRaw(file, { headers: { 'Accept-Encoding': 'identity' } });
		assert.equal(got.status, 200);
		assert.equal(got.headers['cache-control'], 'no-cache');
		assert.equal(got.headers.vary, 'Accept-Encoding');
		assert.equal(got.headers['x-content-type-options'], 'nosniff');
		const policy = got.headers['content-security-policy'];
		if (/html|svg/.test(got.headers['content-type'])) {
			assert.doesNotMatch(policy, /unsafe|\*/);
			assert.match(policy, new RegExp(`connect-src 'self' ${empty.storage};`));
		} else {
			assert.equal(policy, undefined, 'browsers enforce that of the document');
		}
		assert.equal(plain.headers['content-encoding'], undefined);
		if (got.headers['content-encoding']) {
			assert.ok(gunzipSync(got.body).equals(plain.body));
			assert.notEqual(got.headers.etag, plain.headers.etag);
		}
		const head = await fetchRaw(file, { method: 'HEAD' });
		assert.deepEqual([head.status, head.body.length, head.headers['content-length'], head.headers.etag], [200, 0, String(got.body.length), got.headers.etag]);
		const again = await fetchRaw(file, { headers: { 'If-None-Match': got.headers.etag } });
		assert.deepEqual([again.status, again.body.length, again.headers.etag], [304, 0, got.headers.etag]);
		assert.equal((await fetchRaw(file, { method: 'POST' })).status, 405);
	}
	const none = await fetchRaw('/no-such-file.js');
	assert.deepEqual([none.status, none.headers['content-type']], [404, 'application/problem+json']);
});
