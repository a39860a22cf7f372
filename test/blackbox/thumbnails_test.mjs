// Thumbnails as clients see them: upright, of the first frame or of all, with alpha, in the format that the client takes; one job for
// many requests, what an image cannot give is remembered, and what does not fit goes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { typeOf } from './support/contents.mjs';
import { sqlite } from './support/sqlite.mjs';
import { call, corpus, eventually, fetchUrl, startServer, uploadImage } from './support/server.mjs';

const work = mkdtempSync(path.join(tmpdir(), 'tintype-thumbs-'));
const presets = 'small:160x160,moving:512x512:animated,plain:64x64:jpeg,square:50x50:cover';
let server;
before(async () => { server = await startServer({ args: ['--thumbnails', presets] }); });
after(async () => {
	await server?.stop();
	rmSync(work, { recursive: true, force: true });
});

const upload = async (name, of = server) => (await uploadImage(of, { bytes: corpus(`good/${name}`), fileName: name, fileType: typeOf(name) })).image;
const metric = async (name, of = server) => Number((await fetchUrl(`${of.admin}/metrics`)).text.split('\n').find(l => l.startsWith(`${name} `)).split(' ').pop());
const JOBS = 'tintype_render_jobs_total{outcome="answered"}';

/** A file of these bytes for a program to read. */
function fileOf(bytes, name) {
	const file = path.join(work, name);
	writeFileSync(file, bytes);
	return file;
}
const run = (...words) => execFileSync(words[0], words.slice(1), { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });

/** [width, height, pixels] of what a decoder makes of it, 3 bytes each. */
function pixelsOf(bytes, format) {
	const pnm = run(...{ webp: ['dwebp', '-quiet', fileOf(bytes, 'a.webp'), '-ppm', '-o', '-'], jpeg: ['djpeg', '-pnm', fileOf(bytes, 'a.jpg')], png: ['pngtopnm', fileOf(bytes, 'a.png')] }[format]);
	const [, width, height] = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(pnm.subarray(0, 40).toString('latin1'));
	return [Number(width), Number(height), pnm.subarray(pnm.length - width * height * 3)];
}

function difference(a, b) {
	assert.equal(a.length, b.length);
	return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
}

test('orientations 1 to 8: every thumbnail shows the picture as another program turns it', async () => {
	for (let n = 1; n <= 8; n++) {
		const name = `orientation-${n}.jpg`, image = await upload(name);
		for (const format of ['webp', 'jpeg']) {
			const [width, height, got] = pixelsOf((await fetchUrl(image.links.small[format])).bytes, format);
			const file = fileOf(corpus(`good/${name}`), name);
			const want = run('convert', file, '-auto-orient', '-resize', `${width}x${height}!`, '-depth', '8', 'ppm:-');
			assert.deepEqual([width > height, width < height], n >= 5 ? [image.width < image.height, image.width > image.height] : [image.width > image.height, image.width < image.height]);
			assert.ok(difference(got, want.subarray(want.length - got.length)) < 8, `${format}, orientation ${n}`);
		}
	}
});

test('an orientation that no browser applies is not applied: that of a WebP', async () => {
	const image = await upload('turned.webp'), [width, height] = pixelsOf((await fetchUrl(image.links.small.webp)).bytes, 'webp');
	assert.equal(width > height, image.width > image.height);
});

test('alpha is kept in WebP and PNG', async () => {
	for (const name of ['alpha.png', 'lossless-alpha.webp']) {
		const image = await upload(name);
		assert.deepEqual(Object.keys(image.links.small), ['width', 'height', 'webp', 'png'], name);
		const webp = fileOf((await fetchUrl(image.links.small.webp)).bytes, 'alpha.webp');
		const pam = run('dwebp', '-quiet', webp, '-pam', '-o', '-');
		assert.ok(pam.subarray(-4 * image.width).some((value, i) => i % 4 === 3 && value < 255) || pam.some((value, i) => i > 100 && value === 0), name);
		const png = (await fetchUrl(image.links.small.png)).bytes;
		assert.equal(png[25], 6, 'RGB and alpha');
	}
});

test('a browser saves a thumbnail under a name of its format', async () => {
	for (const [fileName, saved] of [['photo.of.me.jpg', 'photo.of.me'], ['photo', 'photo'], ['.jpg', '.jpg']]) {
		const { image } = await uploadImage(server, { bytes: corpus('good/orientation-1.jpg'), fileName, fileType: 'image/jpeg' });
		for (const [format, extension] of [['webp', 'webp'], ['jpeg', 'jpg']])
			assert.equal((await fetchUrl(image.links.small[format])).headers.get('content-disposition'),
				`inline; filename="${saved}.${extension}"; filename*=UTF-8''${saved}.${extension}`);
		assert.match((await fetchUrl(image.links.original)).headers.get('content-disposition'), new RegExp(`filename="${fileName}"`));
	}
});

test('an animation: its first frame, and all of them where the preset says so', async () => {
	for (const name of ['loop.gif', 'animated.webp']) {
		const image = await upload(name);
		const info = async size => run('webpmux', '-info', fileOf((await fetchUrl(image.links[size].webp)).bytes, 'moving.webp')).toString();
		assert.doesNotMatch(await info('small'), /animation/, name);
		const moving = await info('moving');
		assert.match(moving, /Features present: animation/, name);
		assert.match(moving, /Number of frames: 5/, name);
		assert.match(moving, /Loop Count : 0/, name);
		assert.match((await fetchUrl(image.links.moving.jpeg)).headers.get('content-type'), /jpeg/);
	}
});

test('a preset without WebP has a JPEG alone, or a PNG with alpha; /thumbnail leads to it whatever is accepted', async () => {
	for (const [name, format] of [['photo.jpg', 'jpeg'], ['alpha.png', 'png']]) {
		const image = await upload(name);
		assert.deepEqual(Object.keys(image.links.plain), ['width', 'height', format]);
		assert.equal((await fetchUrl(image.links.plain[format])).headers.get('content-type'), `image/${format}`);
		const { headers } = await call(server, 'GET', `/images/${image.imageId}/thumbnail?size=plain`, { headers: { Accept: 'image/webp' } });
		assert.equal(headers.get('location'), image.links.plain[format]);
	}
});

test('/thumbnail reads Accept with its weights', async () => {
	const { imageId, links } = await upload('photo.jpg');
	for (const [accept, format] of [['image/webp', 'webp'], ['*/*, image/WebP;q=0.1', 'webp'], ['image/webp;q=0, image/*', 'jpeg'], ['image/*', 'jpeg'], ['', 'jpeg']]) {
		const answer = await call(server, 'GET', `/images/${imageId}/thumbnail?size=small`, { headers: { Accept: accept } });
		assert.deepEqual([answer.status, answer.headers.get('location')], [302, links.small[format]], accept);
	}
});

test('any number of simultaneous requests are one job', async () => {
	const { links } = await upload('large.jpg'), before = await metric(JOBS);
	const answers = await Promise.all(Array.from({ length: 50 }, () => fetchUrl(links.moving.jpeg)));
	assert.ok(answers.every(one => one.status === 200 && one.bytes.equals(answers[0].bytes)));
	assert.equal(await metric(JOBS), before + 1);
});

test('their bytes are recorded per image, and gone with it', async () => {
	const image = await upload('photo.jpg');
	const [, token] = await eventually(() => /console .*\(token: ([0-9a-f]{32})\)/.exec(server.out), { what: 'the token' });
	const recorded = async () => (await fetchUrl(`${server.admin}/console/images/${image.imageId}`, { headers: { Authorization: `Bearer ${token}` } })).json.thumbnailBytes;
	await fetchUrl(image.links.square.jpeg);
	const files = readdirSync(path.join(server.data, 'thumbs'), { recursive: true }).filter(name => name.includes(image.imageId));
	assert.equal(await recorded(), files.reduce((sum, name) => sum + statSync(path.join(server.data, 'thumbs', name)).size, 0));
	assert.ok(await recorded() > 0);
	const all = await metric('tintype_thumbnail_bytes');
	assert.equal((await call(server, 'DELETE', `/images/${image.imageId}`)).status, 204);
	assert.ok(await metric('tintype_thumbnail_bytes') < all);
});

test('beyond thumbnail-space those go that were used least recently, and are made again', async t => {
	const own = await startServer({ args: ['--thumbnails', 'a:160x160', '--thumbnail-at-upload', 'none', '--thumbnail-space', '20000'] });
	t.after(() => own.stop());
	const images = [];
	for (let i = 0; i < 8; i++)
		images.push(await upload('photo.jpg', own));
	const before = await metric(JOBS, own);
	for (const { links } of images) {
		assert.equal((await fetchUrl(links.a.webp)).status, 200);
		assert.equal((await fetchUrl(images[0].links.a.webp)).status, 200, 'it is used all the time');
	}
	assert.equal(await metric(JOBS, own), before + images.length, 'the one that is used stays');
	assert.ok(await metric('tintype_thumbnail_bytes', own) <= 20000);
	assert.equal((await fetchUrl(images[1].links.a.webp)).status, 200);
	assert.equal(await metric(JOBS, own), before + images.length + 1, 'the oldest was dropped');
});

test('of an image that cannot be decoded that is remembered', async t => {
	const data = mkdtempSync(path.join(tmpdir(), 'tintype-thumbs-old-'));
	t.after(() => rmSync(data, { recursive: true, force: true }));
	const first = await startServer({ data, args: ['--verify', 'header'] });
	const { image } = await uploadImage(first, { bytes: corpus('broken/photo-hole-1.jpg'), fileName: 'a.jpg', fileType: 'image/jpeg' });
	await first.stop();
	assert.equal(sqlite(path.join(data, 'data/tintype.db'), 'SELECT verdict FROM images'), '');
	const own = await startServer({ data });
	t.after(() => own.stop());
	const { links } = (await call(own, 'GET', `/images/${image.imageId}`)).json;
	const before = await metric(JOBS, own);
	for (let i = 0; i < 3; i++)
		assert.equal((await fetchUrl(links.medium.webp)).status, 404);
	assert.equal(await metric(JOBS, own), before + 1);
});
