// How long a batch of files takes through the page, against the command line: node bench/page_batch.mjs [FILES]
//
// Makes FILES (400) JPEGs of about 200 KB, and uploads all of them, in turn, by `tintype upload --jobs 6` and by Chromium, from the moment when
// they are chosen until the page says that all are uploaded: each time to a new server (the program named by TINTYPE, or build/tintype), five
// times each. Prints one line of JSON: files, bytes (of one), page_s and command_s, the medians, and ratio, the median of the pairs.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { startPlainChromium } from './plain_chromium.mjs';
import { startChromium } from '../test/blackbox/support/chromium.mjs';
import { scenes } from '../test/blackbox/support/scenes.mjs';
import { childEnv, root, startServer } from '../test/blackbox/support/server.mjs';

const FILES = Number(process.argv[2] ?? 400), ROUNDS = 5, SEEDS = 20;
process.env.TINTYPE ??= path.join(root, 'build/tintype');

/** Run work(server) on a new server: how many seconds it took. */
async function timed(work) {
	const server = await startServer();
	try {
		return await work(server);
	} finally {
		await server.stop();
	}
}

const byCommand = files => timed(async server => {
	const begun = performance.now();
	await promisify(execFile)(process.env.TINTYPE, ['upload', '--jobs', '6', '--endpoint', server.api, ...files], { env: childEnv({}), maxBuffer: 1 << 24 });
	return (performance.now() - begun) / 1000;
});

const byPage = (browser, files) => timed(async server => {
	const page = await browser.open(`${server.api}/`);
	await page.until('document.getElementById("limits")?.textContent.includes("up to")');
	await page.evaluate('document.getElementById("files").addEventListener("change", () => { window.begun = performance.now(); })');
	await page.setFiles('files', files);
	const ms = await page.evaluate(`new Promise(done => {
		const look = () => document.getElementById('tray-count').textContent.startsWith('All ${files.length} uploaded') && done(performance.now() - window.begun);
		new MutationObserver(look).observe(document.getElementById('tray-count'), { childList: true });
		look();
	})`);
	await page.close();
	return ms / 1000;
});

/** A JPEG with a comment, so that each is a file of its own: the command line passes over what is there already. */
const withComment = (bytes, i) => Buffer.concat([bytes.subarray(0, 2), Buffer.from([0xff, 0xfe, 0, 6]), Buffer.from(String(i).padStart(4, '0')), bytes.subarray(2)]);

const median = numbers => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
async function draw() {
	const browser = await startChromium();
	try {
		return await scenes(browser, SEEDS, [[1000, 750], [750, 1000], [866, 866]], 0.85, 20);
	} finally {
		await browser.close();
	}
}

const dir = mkdtempSync(path.join(tmpdir(), 'tintype-batch-'));
const pictures = await draw(), browser = startPlainChromium(path.join(dir, 'profile'));
try {
	const files = Array.from({ length: FILES }, (_, i) => path.join(dir, `${i}.jpg`));
	files.forEach((file, i) => writeFileSync(file, withComment(pictures[i % SEEDS].bytes, i)));
	const rounds = [];
	for (let i = 0; i < ROUNDS; i++)
		rounds.push({ command: await byCommand(files), page: await byPage(browser, files) });
	console.log(JSON.stringify({
		files: FILES, bytes: Math.round(pictures.reduce((sum, { bytes }) => sum + bytes.length, 0) / SEEDS),
		page_s: median(rounds.map(({ page }) => page)), command_s: median(rounds.map(({ command }) => command)), ratio: median(rounds.map(({ page, command }) => command / page)),
	}));
} finally {
	await browser.close();
	rmSync(dir, { recursive: true });
}
