// Images are decoded before they are accepted, by processes that may die: verdicts, thumbnails, and what happens when a renderer is
// killed, stopped, missing or unconfined.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { webp as webpOfSize } from './support/bombs.mjs';
import { call, corpus, eventually, fetchUrl, openSlot, program, putBytes, renderers, runProgram, startServer, uploadImage } from './support/server.mjs';

const jpeg = corpus('good/photo.jpg'), png = corpus('good/stored.png'), gif = corpus('good/loop.gif');
let server;
before(async () => { server = await startServer({ args: ['--no-strip'] }); });
after(() => server?.stop());

const types = { jpg: 'image/jpeg', png: 'image/png', gif: 'image/gif', webp: 'image/webp' };
const send = async (bytes, fileType, of = server) => {
	const slot = await openSlot(of, { fileName: 'a', fileType });
	const put = await putBytes(slot, bytes);
	return { put, record: (await call(of, 'GET', `/images/${slot.imageId}`)).json };
};
const upload = (name, of = server) => uploadImage(of, { bytes: corpus(`good/${name}`), fileName: name, fileType: types[name.split('.').pop()] });
const metric = async (name, of = server) => Number((await fetchUrl(`${of.admin}/metrics`)).text.split('\n').find(l => l.startsWith(`${name} `)).split(' ').pop());
const MADE = 'tintype_thumbnails_total{outcome="made"}';

test('whole images are ok, with a placeholder and a color', async () => {
	const { image } = await upload('photo.jpg');
	assert.deepEqual([image.verified, image.verdict, image.damage], [true, 'ok', undefined]);
	assert.ok(Buffer.from(image.placeholder, 'base64').length >= 5);
	assert.match(image.color, /^#[0-9a-f]{6}$/);
});

for (const [what, bytes, type, damage] of [
	['a JPEG without its end marker', () => jpeg.subarray(0, -2), 'image/jpeg', 'end_missing'],
	['a PNG without IEND', () => png.subarray(0, -12), 'image/png', 'end_missing'],
	['a GIF that is cut in a later frame', () => gif.subarray(0, -gif.length / 8 | 0), 'image/gif', 'later_frame'],
])
	test(`${what} is recoverable`, async () => {
		const { put, record } = await send(bytes(), type);
		assert.equal(put.status, 200, put.text);
		assert.deepEqual([record.status, record.verdict, record.damage], ['uploaded', 'recoverable', damage]);
		assert.ok(record.width > 0 && record.height > 0 && record.placeholder);
		assert.equal(record.fileSize, bytes().length);
	});

// What is passed over is a missing end, not what else the headers refuse.
const animated = corpus('good/animated.png'), webp = corpus('good/animated.webp'), tagged = corpus('good/private-alpha.webp');
for (const [what, bytes, type] of [
	['a GIF with an impossible code size after its first frame', Buffer.concat([corpus('good/smallest.gif').subarray(0, -1),
		Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 9, 2, 0x44, 1, 0])]), 'image/gif'],
	['an APNG that is cut between two of its frames', animated.subarray(0, animated.lastIndexOf('fcTL') - 4), 'image/png'],
	['a WebP that is cut in its last frame', webp.subarray(0, -9), 'image/webp'],
	['a WebP that is cut after its picture', tagged.subarray(0, -9), 'image/webp'],
])
	test(`${what} is refused`, async () => {
		const { put, record } = await send(bytes, type);
		assert.equal(put.status, 400, put.text);
		assert.deepEqual([record.status, record.verdict], ['rejected', 'corrupt']);
	});

for (const [what, bytes, type] of [
	['half a JPEG', () => jpeg.subarray(0, jpeg.length / 2), 'image/jpeg'],
	['a JPEG with a hole', () => Buffer.concat([jpeg.subarray(0, jpeg.length / 2), Buffer.alloc(4096), jpeg.subarray(jpeg.length / 2 + 4096)]), 'image/jpeg'],
	['a PNG with a changed byte', () => {
		const changed = Buffer.from(png);
		changed[changed.length >> 1] ^= 1;
		return changed;
	}, 'image/png'],
])
	test(`${what} is refused with a sentence`, async () => {
		const { put, record } = await send(bytes(), type);
		assert.equal(put.status, 400, put.text);
		assert.deepEqual([record.status, record.verdict], ['rejected', 'corrupt']);
		assert.match(record.reason, /damaged/);
		assert.match(put.text, /damaged/);
	});

test('strict refuses what is recoverable; header alone looks at no pixel', async () => {
	const strict = await startServer({ args: ['--verify', 'strict', '--no-strip'] });
	const header = await startServer({ args: ['--verify', 'header', '--no-strip'] });
	try {
		const refused = await send(jpeg.subarray(0, -2), 'image/jpeg', strict);
		assert.equal(refused.put.status, 400);
		assert.equal((await send(jpeg, 'image/jpeg', strict)).put.status, 200);
		const hole = Buffer.concat([jpeg.subarray(0, jpeg.length / 2), Buffer.alloc(512), jpeg.subarray(jpeg.length / 2 + 512)]);
		const { record } = await send(hole, 'image/jpeg', header);
		assert.deepEqual([record.status, record.verified, record.verdict], ['uploaded', false, undefined]);
		assert.equal((await send(jpeg.subarray(0, -2), 'image/jpeg', header)).put.status, 400);
		assert.deepEqual(renderers(header), []);
	} finally {
		await strict.stop();
		await header.stop();
	}
});

test('a renderer that is killed or stopped harms no image', async () => {
	await upload('photo.jpg');
	for (const signal of ['SIGKILL', 'SIGSTOP']) {
		for (const pid of renderers(server))
			process.kill(pid, signal);
		await Promise.all([upload('photo.jpg'), upload('alpha.png'), upload('still.gif')]); // each fails unless it is accepted
	}
	await server.waitForEvent(e => e.event === 'render.died' && e.reason === 'late' && e.signal === 9);
	assert.equal((await fetchUrl(`${server.admin}/readyz`)).status, 200);
});

test('many uploads at once are all answered, by no more processes than there may be', async () => {
	const answers = await Promise.all(Array.from({ length: 60 }, () => send(jpeg, 'image/jpeg')));
	for (const { put } of answers)
		assert.ok([200, 503].includes(put.status), put.text);
	assert.ok(answers.filter(a => a.put.status === 200).length >= 30);
	for (const { put } of answers.filter(a => a.put.status === 503))
		assert.ok(Number(put.headers.get('retry-after')) > 0);
	await eventually(() => renderers(server).length <= server.events('render.ready')[0].workers, { what: 'no more processes, but one that has ended just now' });
});

test('when too many images wait the others get 503, and are accepted later', async t => {
	const own = await startServer({ args: ['--render-jobs', '1', '--workers', '4'] });
	t.after(() => own.stop());
	const slots = await Promise.all(Array.from({ length: 8 }, () => openSlot(own, { fileName: 'a', fileType: 'image/jpeg' }))), refused = [];
	const [pid] = renderers(own);
	process.kill(pid, 'SIGSTOP');
	const sent = slots.map(async slot => {
		const put = await putBytes(slot, jpeg);
		if (put.status === 503)
			refused.push(slot);
		else
			assert.equal(put.status, 200, put.text);
		return put;
	});
	await eventually(() => refused.length === 5, { what: '503 for all but the one that is decoded and the two that may wait' });
	process.kill(pid, 'SIGCONT');
	for (const put of await Promise.all(sent))
		assert.ok(put.status === 200 || Number(put.headers.get('retry-after')) > 0);
	for (const slot of refused)
		assert.equal((await putBytes(slot, jpeg)).status, 200);
});

test('one client has at most half of the renderers: another one passes those of it that wait', async t => {
	const own = await startServer({ args: ['--render-jobs', '2', '--trusted-proxies', '127.0.0.1'] }), ended = [];
	t.after(() => own.stop());
	const sendAs = async client => {
		const put = await putBytes(await openSlot(own, { fileName: 'a', fileType: 'image/jpeg' }), jpeg, { 'X-Forwarded-For': client });
		ended.push(`${client} ${put.status}`);
	};
	const [pid] = renderers(own);
	process.kill(pid, 'SIGSTOP');
	const stuck = [1, 2, 3].map(() => sendAs('203.0.113.1'));
	await eventually(async () => await metric('tintype_render_waiting', own) === 2, { what: 'one that is decoded and two that wait' });
	await Promise.all([1, 2, 3].map(() => sendAs('203.0.113.2')));
	assert.deepEqual(ended, Array(3).fill('203.0.113.2 200'));
	process.kill(pid, 'SIGCONT');
	await Promise.all(stuck);
	assert.deepEqual(ended.slice(3), Array(3).fill('203.0.113.1 200'));
});

test('an image that needs more memory than all renderers have is refused with the size and the setting', async t => {
	const own = await startServer({ args: ['--render-jobs', '1', '--render-memory', '67108864'] });
	t.after(() => own.stop());
	const { put, record } = await send(webpOfSize(5000, 5000), 'image/webp', own);
	assert.equal(put.status, 400);
	assert.deepEqual([record.status, record.verdict], ['rejected', undefined]);
	assert.match(record.reason, /needs \d+ MiB of memory to decode, and --render-memory allows 64/);
	assert.equal((await send(webpOfSize(2000, 2000), 'image/webp', own)).record.verdict, 'ok');
});

test('thumbnails: in the record, made once, of the size of their preset, gone with the image', async () => {
	const before = await metric(MADE);
	const { image } = await upload('photo.jpg');
	assert.deepEqual(Object.keys(image.links), ['original', 'small', 'medium', 'large']);
	assert.equal(await metric(MADE), before + 1, 'small, with the check');
	for (const [size, { width, height, ...formats }] of Object.entries(image.links).slice(1)) {
		assert.ok(width <= image.width && height <= image.height);
		for (const [format, url] of Object.entries(formats)) {
			const many = await Promise.all(Array.from({ length: 20 }, () => fetchUrl(url)));
			for (const one of many) {
				assert.equal(one.status, 200, `${size} ${format}: ${one.text}`);
				assert.equal(one.headers.get('content-type'), `image/${format}`);
				assert.ok(one.bytes.equals(many[0].bytes));
			}
			assert.equal((await fetchUrl(url, { headers: { 'If-None-Match': many[0].headers.get('etag') } })).status, 304);
		}
	}
	assert.equal(await metric(MADE), before + 6);
	const files = () => readdirSync(path.join(server.data, 'thumbs'), { recursive: true }).filter(f => f.includes(image.imageId));
	assert.equal(files().length, 6);
	await call(server, 'DELETE', `/images/${image.imageId}`);
	assert.deepEqual(files(), []);
	assert.equal((await fetchUrl(image.links.small.webp)).status, 404);
});

test('/thumbnail leads to the format that the client accepts', async () => {
	const { image } = await upload('alpha.png');
	assert.deepEqual(Object.keys(image.links.small), ['width', 'height', 'webp', 'png']);
	for (const [accept, format] of [['image/avif,image/webp,*/*', 'webp'], ['*/*', 'png'], ['image/png, Image/WebP ; q=0.1', 'webp'], ['image/webp;q=0.0,*/*', 'png'], ['image/webp-2', 'png']]) {
		const answer = await fetchUrl(`${server.api}/prod/images/${image.imageId}/thumbnail?size=medium`, { redirect: 'manual', headers: { Accept: accept } });
		assert.equal(answer.status, 302, answer.text);
		assert.equal(answer.headers.get('location'), image.links.medium[format]);
		assert.match(answer.headers.get('cache-control'), /^private/);
		assert.match(answer.headers.get('vary'), /Accept/);
	}
	for (const query of ['?size=huge', '', '?size=', '?size=small&size=small', '?size=small%00', '?size=../small'])
		assert.equal((await call(server, 'GET', `/images/${image.imageId}/thumbnail${query}`)).status, 400, query);
});

test('thumbnails survive a restart, and the oldest go when there is no space', async () => {
	const data = mkdtempSync(path.join(tmpdir(), 'tintype-thumbs-'));
	const first = await startServer({ data });
	const { image } = await upload('photo.jpg', first);
	const url = image.links.small.webp;
	const { bytes } = await fetchUrl(url);
	await first.kill();
	try {
		for (const [args, made] of [[[], 0], [['--thumbnail-space', '600'], 0]]) {
			const next = await startServer({ data, args });
			try {
				const again = await fetchUrl(url.replace(first.storage, next.storage));
				assert.equal(again.status, 200, again.text);
				assert.ok(again.bytes.equals(bytes));
				assert.equal(await metric(MADE, next), made);
			} finally {
				await next.stop();
			}
		}
	} finally {
		rmSync(data, { recursive: true, force: true });
	}
});

test('without tintype-render the server does not start, and says what else there is', async () => {
	const folder = mkdtempSync(path.join(tmpdir(), 'tintype-alone-'));
	try {
		const alone = path.join(folder, 'tintype');
		copyFileSync(program(), alone);
		let failed;
		try {
			execFileSync(alone, ['serve', '--data', path.join(folder, 'data'), '--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0'], { stdio: 'pipe' });
		} catch (e) {
			failed = e;
		}
		assert.equal(failed?.status, 2);
		assert.match(String(failed.stderr), /tintype-render.*--verify header/);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
});

test('without the filter it says so at each start', async () => {
	const open = await startServer({ args: ['--render-sandbox', 'off'] });
	try {
		assert.equal(open.events('render.unconfined').length, 1);
		assert.doesNotMatch(open.events('render.ready')[0].layers, /filter/);
		await upload('photo.jpg', open);
		assert.match((await fetchUrl(`${open.admin}/readyz`)).text, /^ready\n.*without a system-call filter/);
	} finally {
		await open.stop();
	}
	const data = mkdtempSync(path.join(tmpdir(), 'tintype-bad-'));
	const bad = await runProgram(['serve', '--thumbnails', 'small:1x1', '--data', data, '--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0']);
	rmSync(data, { recursive: true, force: true });
	assert.equal(bad.code, 2, bad.stderr);
	assert.match(bad.stderr, /--thumbnails/);
});
