// The page of a server under test in Chromium: to open it, to hand files to it, to ask what it shows.
//
//   const browser = await startBrowser();
//   after(() => browser.close());
//   const page = await openPage(browser, server, { colorScheme: 'dark', viewport: PHONE });
//
// openPage fails the test later, by page.quiet(), for anything that the page should never do: break its own
// Content-Security-Policy, throw, or call another origin than the API's and the storage's.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { eventually, root } from './server.mjs';

export { startChromium as startBrowser } from './chromium.mjs';

const axeSource = readFileSync(path.join(root, 'test/npm/node_modules/axe-core/axe.min.js'), 'utf8');

export const DESK = { width: 1280, height: 860 };
export const PHONE = { width: 390, height: 844 };

/** In the page: as if the server took no images itself. By no route of Playwright's, which would answer preflights. */
function withoutDirect() {
	const { json } = Response.prototype;
	Response.prototype.json = async function () {
		const found = await json.call(this);
		if (this.url.endsWith('/prod/limits'))
			delete found.directUpload;
		return found;
	};
}

/** A page in a context of its own, at `hash` of the server's page; also: further origins that it may call; bySlots: all files go to slots, small ones too;
 * more goes to the context. */
export async function openPage(browser, server, { hash = '', init, url = server.api, also = [], bySlots = false, ...more } = {}) {
	const context = await browser.newContext({ viewport: DESK, reducedMotion: 'reduce', acceptDownloads: true, ...more });
	const page = await context.newPage();
	page.setDefaultTimeout(60000);
	page.on('filechooser', () => {});   // intercept file choosers from now on: enabled later, one might open before
	const faults = [];
	page.on('pageerror', error => faults.push(`thrown: ${error.stack ?? error}`));
	page.on('console', message => { if (/content security policy|trusted ?type/i.test(message.text())) faults.push(message.text()); });
	const own = [new URL(url).origin, server.storage, ...also];
	page.on('request', request => {
		const { protocol, origin } = new URL(request.url());
		if (/^http/.test(protocol) && !own.includes(origin))
			faults.push(`calls ${request.url()}`);
	});
	await page.addInitScript(() => {
		window.violations = [];
		document.addEventListener('securitypolicyviolation', e => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
	});
	if (init)
		await page.addInitScript(init);
	if (bySlots)
		await page.addInitScript(withoutDirect);
	await page.goto(`${url}/${hash}`);
	page.quiet = async () => {
		assert.deepEqual(await page.evaluate(() => window.violations), []);
		assert.deepEqual(faults, []);
	};
	return page;
}

/** Wait until at least n pictures are on the wall. The document has those that are in the window, and some around it. */
export const wallHas = (page, n) => page.waitForFunction(n => document.querySelectorAll('#wall .tile').length >= n, n);

/** In the page: what is on the wall and what was loaded last, for the message of a test that fails. */
const describeWall = () => JSON.stringify({ url: location.href, trouble: document.getElementById('trouble').innerText, height: document.getElementById('wall').style.height,
	things: [...document.querySelectorAll('#wall > li')].map(li => [li.className, li.getBoundingClientRect().top, li.querySelector('img')?.outerHTML, li.innerText]),
	loaded: performance.getEntriesByType('resource').slice(-20).map(one => [one.name, one.responseStatus, one.duration]) });

/** Scroll from the top to the end, and give each picture that is seen, in their order, when it has loaded: { imageId, name, src, width, height, shown },
 * the last of which is the width and height of the picture, as far as it is there, in a ratio that is right. */
export async function seeWall(page) {
	const seen = new Map();
	await page.evaluate(() => scrollBy(0, document.getElementById('wall').getBoundingClientRect().top - 200));   // its title stays in the window
	for (let isEnd = false; !isEnd;) {
		await page.waitForFunction(() => document.querySelector('#wall .tile') && [...document.querySelectorAll('#wall .ghost')].every(ghost => ghost.getBoundingClientRect().top >= innerHeight)
			&& [...document.querySelectorAll('#wall .tile')].every(tile => tile.querySelector('picture img.shown, .none')))
			.catch(async why => { throw new Error(`${why.message} Instead: ${await page.evaluate(describeWall)}`); });
		for (const tile of await page.$$eval('#wall .tile', tiles => tiles.map(tile => {
			const img = tile.querySelector('picture img');
			return { imageId: tile.dataset.imageId, name: tile.querySelector('.name').textContent, src: img?.currentSrc,
				width: Number(img?.getAttribute('width')), height: Number(img?.getAttribute('height')), shown: [img?.naturalWidth ?? 0, img?.naturalHeight ?? 0] };
		})))
			seen.set(tile.imageId, tile);
		isEnd = await page.evaluate(() => scrollY + innerHeight >= document.documentElement.scrollHeight - 1);
		await page.evaluate(() => { scrollBy(0, innerHeight / 2); return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))); });
	}
	return [...seen.values()];
}

/** Choose files by the button: { name, mimeType, buffer }. */
export async function choose(page, files) {
	const chooser = page.waitForEvent('filechooser');
	await page.getByRole('button', { name: 'Choose pictures' }).click();
	await (await chooser).setFiles(files);
}

/** Drop or paste files: the event that a browser makes, with a real DataTransfer. */
export async function hand(page, type, files) {
	await page.evaluate(({ type, files }) => {
		const data = new DataTransfer();
		for (const { name, mimeType, base64 } of files)
			data.items.add(new File([Uint8Array.from(atob(base64), c => c.charCodeAt(0))], name, { type: mimeType }));
		const event = type === 'paste' ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
			: new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
		document.body.dispatchEvent(event);
	}, { type, files: files.map(({ buffer, ...rest }) => ({ ...rest, base64: buffer.toString('base64') })) });
}

/** The tile of the upload with this name. */
export const upload = (page, name) => page.locator('#uploads > li').filter({ has: page.getByText(name, { exact: true }) });

/** Do what closes a dialog, and wait for its close event: a task of its own, in which the page does the rest. */
export async function closing(dialog, act) {
	const seen = await dialog.evaluateHandle(node => {
		const seen = { isClosed: false };
		node.addEventListener('close', () => { seen.isClosed = true; }, { once: true });
		return seen;
	});
	await act();
	await dialog.page().waitForFunction(({ isClosed }) => isClosed, seen);
}

/** A tile for every upload. */
export async function showAll(page) {
	const more = page.locator('#more-uploads:visible');
	while (await more.count() > 0)
		await more.click();
}

/** Wait for the state of an upload's tile, and give its sentence. More tiles are asked for where it is not among the first. */
export async function uploadIs(page, name, state) {
	const tile = upload(page, name).and(page.locator(`[data-state="${state}"]`)), more = page.locator('#more-uploads:visible');
	await eventually(async () => {
		if (await tile.count() > 0)
			return true;
		if (await upload(page, name).count() === 0 && await more.count() > 0)
			await more.evaluate(button => button.click());
		return false;
	}).catch(async () => {
		throw new Error(`${name} does not come to be ${state}: ${await page.locator('#uploads').innerText()}`);
	});
	return tile.locator('.status').textContent();   // not innerText: it is empty for a tile that is scrolled out of view
}

/** axe-core's findings, as sentences. The page's policy keeps scripts out, so axe is brought in next to it. */
export async function axe(page) {
	const session = await page.context().newCDPSession(page);
	await session.send('Runtime.evaluate', { expression: axeSource });
	const { result, exceptionDetails } = await session.send('Runtime.evaluate', { awaitPromise: true, returnByValue: true,
		expression: 'axe.run(document, { resultTypes: ["violations"] }).then(r => r.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.target} ${n.failureSummary}`)))' });
	await session.detach();
	assert.equal(exceptionDetails, undefined);
	return result.value;
}
