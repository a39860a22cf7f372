// Pictures that are small to send and large, long or endless to decode: each is answered, no process takes more memory than it
// may, the server itself takes little, and a picture that comes next to it is accepted.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import * as bomb from './support/bombs.mjs';
import { call, corpus, fetchUrl, openSlot, putBytes, renderers, startServer } from './support/server.mjs';

process.env.TINTYPE = process.env.TINTYPE_RELEASE;

const { bytes, chunk, repeat, segment, u16, u32 } = bomb;
const MIB = 1 << 20, CEILING = 384 * MIB, PROGRAM = 8 * MIB, SERVER_MAX = 96 * MIB;
const photo = corpus('good/photo.jpg');
let server, wide;
before(async () => {
	const large = ['--max-size', String(256 * MIB), '--url-ttl', '600'];
	[server, wide] = await Promise.all([startServer({ args: large }), startServer({ args: [...large, '--max-pixels', '4294836225'] })]);
});
after(async () => {
	assert.deepEqual(await server?.stop(), { code: 0, signal: null });
	assert.deepEqual(await wide?.stop(), { code: 0, signal: null });
});

const memoryOf = (pid, name) => {
	try {
		return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
	} catch {
		return 0;   // it has ended
	}
};

/** The most memory of its own, and of one of its workers, while something runs: { own, worker }. */
async function watchMemory(of, running) {
	const most = { own: 0, worker: 0 };
	let over = false;
	running.finally(() => { over = true; }).catch(() => {});
	while (!over) {
		most.own = Math.max(most.own, memoryOf(of.pid, 'RssAnon'));
		most.worker = Math.max(most.worker, ...renderers(of).map(pid => memoryOf(pid, 'RssAnon')));
		await sleep(5);
	}
	return most;
}

async function send(of, data, fileType) {
	const slot = await openSlot(of, { fileName: 'a', fileType });
	let put;
	do   // a machine that is too busy to decode it says so, and is asked again
		put = await putBytes(slot, data);
	while (put.status === 503);
	return { put, record: (await call(of, 'GET', `/images/${slot.imageId}`)).json };
}

const icc = (name, n) => bomb.compressed(name, 'x\0\0', n);
const loop = bomb.tiff(u16(1), u16(0x8769), u16(4), u32(1), u32(8), u32(8));   // its EXIF part is itself, and so is what follows it
const many = bomb.tiff(u16(65535), repeat(65535, bytes(u16(0x8769), u16(4), u32(0xffffffff), u32(8))), u32(8));

// [what, type, bytes, the verdicts that it may have; limit: a refusal for what it takes]
const bombs = [
	['JPEG of 65500 x 65500', 'jpeg', () => bomb.jpeg(65500, 65500), 'limit'],
	['progressive JPEG of 65500 x 65500', 'jpeg', () => bomb.progressive(65500, 65500, 2), 'limit'],
	['PNG of 65500 x 65500', 'png', () => bomb.png(65500, 65500), 'limit'],
	['interlaced PNG of 65500 x 65500', 'png', () => bomb.png(65500, 65500, { interlaced: true }), 'limit'],
	['GIF of 65500 x 65500', 'gif', () => bomb.gif(65500, 65500), 'limit'],
	['WebP of 16384 x 16384', 'webp', () => bomb.webp(16384, 16384), 'limit'],
	['JPEG of 7000 x 7000', 'jpeg', () => bomb.jpeg(7000, 7000), 'ok'],
	['PNG of 7000 x 7000, 64 bits a pixel', 'png', () => bomb.png(7000, 7000, { bits: 16, colour: 6 }), 'ok'],
	['interlaced PNG of 7000 x 7000, 64 bits a pixel', 'png', () => bomb.png(7000, 7000, { bits: 16, colour: 6, interlaced: true }), 'ok'],
	['GIF of 7000 x 7000', 'gif', () => bomb.gif(7000, 7000), 'ok'],
	['WebP of 7000 x 7000', 'webp', () => bomb.webp(7000, 7000), 'ok'],
	['progressive JPEG of 7000 x 7000 in 860 scans', 'jpeg', () => bomb.progressive(7000, 7000, 860), 'limit'],
	['GIF of 100,000 frames', 'gif', () => bomb.gifOf(100000), 'limit'],
	['APNG of 100,000 frames', 'png', () => bomb.apng(100000), 'limit'],
	['WebP of 100,000 frames', 'webp', () => bomb.webpOf(100000), 'limit'],
	['WebP of 100 frames of 7000 x 7000', 'webp', () => bomb.webpOf(100, 7000, 7000), 'limit'],
	['PNG with 200 MB of text', 'png', () => bomb.png(9, 9, { before: [chunk('tEXt', Buffer.alloc(200e6, 'a'))] }), 'ok'],
	['PNG with 200 MB of compressed text', 'png', () => bomb.png(9, 9, { before: [bomb.compressed('zTXt', 'a\0\0', 200e6), bomb.compressed('iTXt', [0x61, 0, 1, 0, 0, 0], 200e6)] }), 'ok'],
	['PNG with a profile that opens to 10 MB', 'png', () => bomb.png(9, 9, { before: [icc('iCCP', 10e6)] }), 'ok recoverable'],
	['PNG with a profile that opens to 4 GB', 'png', () => bomb.png(9, 9, { before: [icc('iCCP', 4e9)] }), 'ok recoverable'],
	['PNG with 10 MB of EXIF', 'png', () => bomb.png(9, 9, { before: [chunk('eXIf', bytes(many, Buffer.alloc(10e6)))] }), 'ok'],
	['JPEG with a profile of 10 MB', 'jpeg', () => bomb.jpeg(9, 9, { before: bomb.segments(0xe2, 160, n => bytes('ICC_PROFILE\0', [n, 160])) }), 'ok recoverable'],
	['JPEG with 10 MB of EXIF', 'jpeg', () => bomb.jpeg(9, 9, { before: bomb.segments(0xe1, 160, () => bytes('Exif\0\0', loop)) }), 'ok'],
	['WebP with a profile of 10 MB', 'webp', () => bomb.webpWith('ICCP', Buffer.alloc(10e6)), 'ok recoverable'],
	['WebP with 10 MB of EXIF', 'webp', () => bomb.webpWith('EXIF', bytes(many, Buffer.alloc(10e6))), 'ok'],
	['JPEG with a million empty segments', 'jpeg', () => bomb.jpeg(9, 9, { before: repeat(1e6, segment(0xfe, [])) }), 'ok'],
	['JPEG with a million segments of length 0', 'jpeg', () => bomb.jpeg(9, 9, { before: repeat(1e6, bytes([0xff, 0xe5, 0, 0])) }), 'ok recoverable'],
	['JPEG with 50 MB of fill bytes', 'jpeg', () => bomb.jpeg(9, 9, { before: Buffer.alloc(50e6, 0xff) }), 'ok recoverable'],
	['PNG with a million empty chunks', 'png', () => bomb.png(9, 9, { before: [repeat(1e6, chunk('prVt', Buffer.alloc(0)))] }), 'ok'],
	['GIF with a million comments', 'gif', () => bomb.gifOf(1, repeat(1e6, bytes([0x21, 0xfe, 0]))), 'ok'],
	['GIF with a comment of 20 MB in blocks of one byte', 'gif', () => bomb.gifOf(1, bytes([0x21, 0xfe], repeat(1e7, bytes([1, 65])), [0])), 'ok'],
	['WebP with a million empty chunks', 'webp', () => bomb.webpWithChunks(1e6), 'ok'],
	...[0xffffffff, 0xfffffffe, 0xfffffff7, 0xfffffff4, 0x80000000, 0x7fffffff].flatMap(size => [
		[`PNG whose chunk says to have ${size} bytes`, 'png', () => bomb.pngSized(size), 'corrupt'],
		[`WebP whose chunk says to have ${size} bytes`, 'webp', () => bomb.webpSized(size), 'corrupt'],
	]),
];

/** Where pixels are not what is limited: as many as the renderer decodes, in no more memory and time. */
const wideBombs = [
	...bombs.slice(0, 6),
	['JPEG of 32767 x 32767', 'jpeg', () => bomb.jpeg(32767, 32767), 'ok limit'],
	['progressive JPEG of 32767 x 32767', 'jpeg', () => bomb.progressive(32767, 32767, 2), 'limit'],
	['PNG of 32767 x 32767', 'png', () => bomb.png(32767, 32767), 'ok limit'],
	['PNG of 32767 x 32767, 64 bits a pixel', 'png', () => bomb.png(32767, 32767, { bits: 16, colour: 6 }), 'ok limit'],
	['interlaced PNG of 32767 x 32767', 'png', () => bomb.png(32767, 32767, { interlaced: true }), 'limit'],
	['GIF of 32767 x 32767', 'gif', () => bomb.gif(32767, 32767), 'ok limit'],
];

function outcomeOf(put, record) {
	if (record.status === 'uploaded')
		return record.verdict;
	assert.equal(put.status, 400, put.text);
	assert.ok(record.reason.length > 20, put.text);
	return record.verdict ?? (/pixels|frames|scans|memory|too long/.test(record.reason) ? 'limit' : record.reason);
}

for (const [name, of, list] of [['', () => server, bombs], [', with no limit of pixels', () => wide, wideBombs]])
	for (const [what, type, make, outcomes] of list)
		test(`${what}${name}`, async t => {
			const data = make(), sent = send(of(), data, `image/${type}`), watched = watchMemory(of(), sent);
			assert.equal((await send(of(), photo, 'image/jpeg')).record.status, 'uploaded');
			const { put, record } = await sent, most = await watched, outcome = outcomeOf(put, record);
			t.diagnostic(`${data.length} bytes: ${outcome}, ${record.reason ?? ''} server ${most.own / MIB | 0} MiB, worker ${most.worker / MIB | 0} MiB`);
			assert.ok(outcomes.split(' ').includes(outcome), `${outcome}: ${put.text}`);
			assert.ok(most.own < SERVER_MAX, `the server took ${most.own} bytes`);
			assert.ok(most.worker < CEILING + PROGRAM, `a worker took ${most.worker} bytes`);
			assert.equal((await fetchUrl(`${of().admin}/readyz`)).status, 200);
		});
