// What a browser's first visit to the page costs: node bench/page.mjs [IMAGES] [MANY]
//
// Starts a server (the program named by TINTYPE, or build/tintype), puts IMAGES (1000) pictures of 12 megapixels and about
// 2 MB into it, and opens the page in Chromium, in a window of 1280 x 800, each time with nothing kept from before. The first visit, for which
// the server makes the thumbnails, is counted separately. Then the same with a server that has MANY (100,000) images, of which 48 are pictures
// and the others only rows of the database. Prints one line of JSON:
//
//   page_bytes        heads and bodies of the page's own files and of its first calls, pictures not counted
//   screen_bytes      all that has arrived by the time when the window is whole, pictures too
//   first_picture_ms  from the start of the navigation until the first picture is on the screen, the median
//   all_seen_ms       until all that fit into the window are
//   made_ms           the same at the first visit
//   many_first_ms     first_picture_ms with MANY images
//   many_bytes        page_bytes with MANY images
//   frame_ms          while all of them are scrolled through, in FRAMES steps: what 95 of 100 frames take at most
//   elements          the most that the document has meanwhile
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { startChromium } from '../test/blackbox/support/chromium.mjs';
import { startWithMany } from '../test/blackbox/support/many_images.mjs';
import { scenes } from '../test/blackbox/support/scenes.mjs';
import { root, startServer, tinyPng, uploadImage } from '../test/blackbox/support/server.mjs';

const IMAGES = Number(process.argv[2] ?? 1000), MANY = Number(process.argv[3] ?? 100000), SEEN = 48, VISITS = 7, AT_ONCE = 8, FRAMES = 900;
process.env.TINTYPE ??= path.join(root, 'build/tintype');

/** In the page: when the first picture, and all in the window, have been painted. */
function watch() {
	const marks = window.marks = {};
	const look = () => {
		const images = [...document.querySelectorAll('#wall picture img')].filter(img => img.getBoundingClientRect().top < innerHeight);
		const shown = images.filter(img => img.complete && getComputedStyle(img).opacity === '1');
		if (shown.length > 0)
			marks.first ??= performance.now();
		if (shown.length > 0 && shown.length === images.length)
			marks.all = performance.now();
		if (marks.all === undefined)
			requestAnimationFrame(look);
	};
	requestAnimationFrame(look);
}

async function visit(browser, server) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
	const page = await context.newPage(), network = await context.newCDPSession(page);
	let bytes = 0, received = 0;
	await network.send('Network.enable');
	network.on('Network.responseReceived', ({ response }) => { received += response.encodedDataLength; });
	network.on('Network.dataReceived', ({ encodedDataLength }) => { received += encodedDataLength; });
	page.on('requestfinished', async request => {
		if (!request.url().startsWith(server.api))
			return;
		const { responseBodySize, responseHeadersSize } = await request.sizes();
		bytes += responseBodySize + responseHeadersSize;
	});
	await page.addInitScript(watch);
	await page.goto(`${server.api}/`);
	await page.waitForFunction(() => window.marks.all !== undefined, null, { polling: 'raf' });
	const screen = received;
	await page.waitForLoadState('networkidle');
	const marks = await page.evaluate(() => window.marks);
	await context.close();
	return { ...marks, bytes, screen };
}

/** In the page: scroll to the end, a step in each frame. */
const scroll = frames => new Promise(done => {
	const times = [];
	let elements = 0, last, n = 0;
	const step = now => {
		if (last !== undefined)
			times.push(now - last);
		last = now;
		elements = Math.max(elements, document.querySelectorAll('*').length);
		scrollTo(0, (document.documentElement.scrollHeight - innerHeight) * n / frames);
		if (n++ < frames)
			requestAnimationFrame(step);
		else
			done({ times, elements });
	};
	requestAnimationFrame(step);
});

async function scrollThrough(browser, server) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 800 } }), page = await context.newPage();
	await page.route('**/i/**', route => route.fulfill({ contentType: 'image/png', body: tinyPng }));   // most images are only rows
	await page.goto(`${server.api}/`);
	await page.locator('#wall .tile').first().waitFor();
	const { times, elements } = await page.evaluate(scroll, FRAMES);
	await context.close();
	return { frame_ms: Math.round(times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)]), elements };
}

const median = numbers => numbers.sort((a, b) => a - b)[numbers.length >> 1];
/** Upload n pictures, and visit the page: [the first visit, the other visits]. */
async function measure(server, pictures, n) {
	for (let i = 0; i < n; i += AT_ONCE)
		await Promise.all(Array.from({ length: Math.min(AT_ONCE, n - i) }, (_, k) => uploadImage(server, { fileName: `${i + k}.jpg`, fileType: 'image/jpeg', bytes: pictures[(i + k) % pictures.length].bytes })));
	const visits = [];
	for (let i = 0; i < VISITS + 1; i++)
		visits.push(await visit(browser, server));
	return [visits.shift(), visits];
}

const browser = await startChromium(), data = mkdtempSync(path.join(tmpdir(), 'tintype-page-'));
let server;
try {
	const pictures = await scenes(browser, 12, [[4000, 3000], [3000, 4000], [3464, 3464]], 0.8, 20);
	server = await startServer();
	const [made, visits] = await measure(server, pictures, IMAGES);
	await server.stop();
	server = await startWithMany(data, MANY);
	const [, among] = await measure(server, pictures, SEEN);
	const scrolled = await scrollThrough(browser, server);
	console.log(JSON.stringify({
		images: IMAGES, picture_bytes: Math.round(pictures.reduce((sum, one) => sum + one.bytes.length, 0) / pictures.length),
		page_bytes: Math.max(...visits.map(one => one.bytes)), screen_bytes: Math.max(...visits.map(one => one.screen)), made_ms: Math.round(made.all),
		first_picture_ms: Math.round(median(visits.map(one => one.first))), all_seen_ms: Math.round(median(visits.map(one => one.all))),
		many: MANY, many_first_ms: Math.round(median(among.map(one => one.first))), many_bytes: Math.max(...among.map(one => one.bytes)), ...scrolled,
	}));
} finally {
	await browser.close();
	await server?.stop();
	rmSync(data, { recursive: true });
}
