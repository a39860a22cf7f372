// What a browser's first visit to the page costs: node bench/page.mjs [IMAGES]
//
// Starts a server (the program named by TINTYPE, or build/tintype), puts IMAGES (1000) pictures of about
// 200 KB into it, and opens the page in Chromium, each time with nothing kept from before. Prints one line of JSON:
//
//   page_bytes        heads and bodies of the page's own files and of its first calls, pictures not counted
//   first_picture_ms  from the start of the navigation until the first picture is on the screen, the median
//   all_seen_ms       until all that fit into the window are
import path from 'node:path';

import { startChromium } from '../test/blackbox/support/chromium.mjs';
import { scenes } from '../test/blackbox/support/scenes.mjs';
import { root, startServer, uploadImage } from '../test/blackbox/support/server.mjs';

const IMAGES = Number(process.argv[2] ?? 1000), VISITS = 7, AT_ONCE = 8;
process.env.TINTYPE ??= path.join(root, 'build/tintype');

/** In the page: when the first picture, and all in the window, have been painted. */
function watch() {
	const marks = window.marks = {};
	const look = () => {
		const images = [...document.querySelectorAll('#wall img')].filter(img => img.getBoundingClientRect().top < innerHeight);
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
	const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
	const page = await context.newPage();
	let bytes = 0;
	page.on('requestfinished', async request => {
		if (!request.url().startsWith(server.api))
			return;
		const { responseBodySize, responseHeadersSize } = await request.sizes();
		bytes += responseBodySize + responseHeadersSize;
	});
	await page.addInitScript(watch);
	await page.goto(`${server.api}/`);
	await page.waitForFunction(() => window.marks.all !== undefined, null, { polling: 50 });
	const marks = await page.evaluate(() => window.marks);
	await context.close();
	return { ...marks, bytes };
}

const median = numbers => numbers.sort((a, b) => a - b)[numbers.length >> 1];
const browser = await startChromium();
const server = await startServer();
try {
	const pictures = await scenes(browser, 12, [[2400, 1600], [1600, 2000], [2000, 2000]], 0.95);
	for (let i = 0; i < IMAGES; i += AT_ONCE)
		await Promise.all(Array.from({ length: Math.min(AT_ONCE, IMAGES - i) }, (_, n) => uploadImage(server, { fileName: `${i + n}.jpg`, fileType: 'image/jpeg', bytes: pictures[(i + n) % pictures.length].bytes })));
	const visits = [];
	for (let i = 0; i < VISITS + 1; i++)
		visits.push(await visit(browser, server));
	visits.shift();   // the browser's own first time
	console.log(JSON.stringify({
		images: IMAGES, picture_bytes: Math.round(pictures.reduce((sum, one) => sum + one.bytes.length, 0) / pictures.length),
		page_bytes: Math.max(...visits.map(one => one.bytes)),
		first_picture_ms: Math.round(median(visits.map(one => one.first))), all_seen_ms: Math.round(median(visits.map(one => one.all))),
	}));
} finally {
	await browser.close();
	await server.stop();
}
