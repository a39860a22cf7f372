// HEIC and AVIF from real encoders through the real server with tintype-render-more: verdict, size, placeholder, thumbnails that every
// browser shows, and nothing private in what is stored.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { call, corpus, fetchUrl, openSlot, postForm, program, putBytes, startServer } from './support/server.mjs';

const work = mkdtempSync(path.join(tmpdir(), 'tintype-heif-'));
const at = name => path.join(work, name);
const run = (...words) => execFileSync(words[0], words.slice(1), { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] });
const types = { heic: 'image/heic', avif: 'image/avif', jpg: 'image/jpeg' };
const typeOf = name => types[name.split('.').pop()];
const allowed = ['--allowed-types', 'image/jpeg,image/heic,image/avif'];
const W = 320, H = 200;

/** A picture of four colored quarters: its orientation can be seen. */
function quarters(name, width = W, height = H, alpha = false) {
	const colors = [[220, 40, 40], [40, 220, 40], [40, 40, 220], [220, 220, 40]];
	const px = Buffer.alloc(width * height * (alpha ? 4 : 3));
	for (let y = 0; y < height; y++)
		for (let x = 0; x < width; x++)
			Buffer.from([...colors[(y >= height / 2) * 2 + (x >= width / 2)], ...alpha ? [x < width / 4 ? 0 : 255] : []]).copy(px, (y * width + x) * (alpha ? 4 : 3));
	const pam = `P7\nWIDTH ${width}\nHEIGHT ${height}\nDEPTH ${alpha ? 4 : 3}\nMAXVAL 255\nTUPLTYPE ${alpha ? 'RGB_ALPHA' : 'RGB'}\nENDHDR\n`;
	writeFileSync(at('q.pam'), Buffer.concat([Buffer.from(pam), px]));
	writeFileSync(at(name), execFileSync('pamtopng', [at('q.pam')], { stdio: ['ignore', 'pipe', 'ignore'] }));
}

/** The color of a thumbnail at a place in 0..1 each way, by netpbm. */
function colorAt(webp, fx, fy) {
	writeFileSync(at('t.webp'), webp);
	run('dwebp', '-quiet', at('t.webp'), '-ppm', '-o', at('t.ppm'));
	const ppm = readFileSync(at('t.ppm')), [, width, height] = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(ppm.subarray(0, 40).toString('latin1')).map(Number);
	const from = ppm.length - width * height * 3 + (Math.floor(fy * height) * width + Math.floor(fx * width)) * 3;
	return { width, height, rgb: [...ppm.subarray(from, from + 3)] };
}
const isNear = (rgb, want, most = 24) => rgb.every((value, i) => Math.abs(value - want[i]) <= most);
const RED = [220, 40, 40], GREEN = [40, 220, 40], BLUE = [40, 40, 220], YELLOW = [220, 220, 40];

let server;
before(async () => {
	quarters('q.png');
	quarters('alpha.png', W, H, true);
	run('cjpeg', '-quality', '90', '-outfile', at('private.jpg'), (writeFileSync(at('q.ppm'), execFileSync('pngtopnm', [at('q.png')])), at('q.ppm')));
	run('exiftool', '-q', '-overwrite_original', '-Make=SECRET', '-Model=Model', '-Orientation#=6', '-GPSLatitude=46.5', '-GPSLatitudeRef=N', '-GPSLongitude=7.25',
		'-GPSLongitudeRef=E', '-DateTimeOriginal=2024:05:06 07:08:09', '-XMP-dc:Creator=SECRET', at('private.jpg'));
	run('heif-enc', '-q', '80', at('private.jpg'), '-o', at('private.heic'));
	run('heif-enc', '-A', '-q', '80', at('private.jpg'), '-o', at('private.avif'));
	run('heif-enc', '-q', '80', '-t', '64', at('q.png'), '-o', at('thumbnail.heic'));
	run('heif-enc', '-q', '80', at('alpha.png'), '-o', at('alpha.heic'));
	for (let turns = 1; turns <= 3; turns++)
		run('avifenc', '--irot', String(turns), '--min', '10', '--max', '20', at('q.png'), at(`irot${turns}.avif`));
	run('avifenc', '--imir', '1', '--min', '10', '--max', '20', at('q.png'), at('imir.avif'));
	run('avifenc', '-d', '10', '--min', '10', '--max', '20', at('q.png'), at('deep.avif'));
	run('avifenc', '--grid', '2x1', '--min', '10', '--max', '20', at('q.png'), at('grid.avif'));
	run('avifenc', '--cicp', '12/13/6', '--min', '5', '--max', '10', at('q.png'), at('p3.avif'));
	server = await startServer({ args: [...allowed, '--keep-metadata', 'taken-at,camera,position'], env: { TINTYPE_API_KEY: 'the key of the HEIF tests' } });
});
after(async () => {
	await server?.stop();
	rmSync(work, { recursive: true, force: true });
});
const key = 'the key of the HEIF tests';

async function upload(name, { bytes = readFileSync(at(name)), form = false, of = server } = {}) {
	const slot = await openSlot(of, { fileName: name, fileType: typeOf(name), ...form ? { method: 'POST' } : {} });
	const answer = await (form ? postForm(slot, bytes, { fileName: name, fileType: typeOf(name) }) : putBytes(slot, bytes));
	return { answer, bytes, record: (await call(of, 'GET', `/images/${slot.imageId}`, of === server ? { key } : {})).json };
}
const thumbnail = async (record, preset = 'medium', format = 'webp') => {
	const answer = await fetchUrl(record.links[preset][format]);
	assert.equal(answer.status, 200, answer.text);
	return answer;
};

test('every picture: a verdict, the size as it is shown, a placeholder, and thumbnails in WebP and JPEG', async () => {
	for (const [name, width, height, corner] of [['private.heic', W, H, RED], ['private.avif', W, H, RED], ['thumbnail.heic', W, H, RED], ['deep.avif', W, H, RED], ['grid.avif', W, H, RED],
		['irot1.avif', H, W, GREEN], ['irot2.avif', W, H, YELLOW], ['irot3.avif', H, W, BLUE]]) {
		const { answer, record } = await upload(name);
		assert.equal(answer.status, 200, `${name}: ${answer.text}`);
		assert.deepEqual([record.status, record.fileType, record.verified, record.verdict, record.width, record.height, record.frames, record.orientation, record.stripped],
			['uploaded', typeOf(name), true, 'ok', width, height, 1, undefined, true], name);
		assert.ok(record.placeholder.length > 20 && /^#[0-9a-f]{6}$/.test(record.color), name);
		const shown = colorAt((await thumbnail(record)).bytes, 0.1, 0.1);
		assert.deepEqual([shown.width, shown.height], [width, height], name);
		assert.ok(isNear(shown.rgb, corner), `${name}: ${shown.rgb}`);
		const jpeg = await thumbnail(record, 'small', 'jpeg');
		assert.equal(jpeg.headers.get('content-type'), 'image/jpeg');
		assert.match(jpeg.headers.get('content-disposition'), /^inline/);
	}
});

test('mirrored, transparent and Display P3 pictures are shown as they are meant', async () => {
	const mirrored = colorAt((await thumbnail((await upload('imir.avif')).record)).bytes, 0.1, 0.1);
	assert.ok(isNear(mirrored.rgb, GREEN) || isNear(mirrored.rgb, BLUE), `${mirrored.rgb}`);   // which axis is which changed between the editions of HEIF
	const { record } = await upload('alpha.heic');
	assert.deepEqual(Object.keys(record.links.medium), ['width', 'height', 'webp', 'png']);
	const p3 = colorAt((await thumbnail((await upload('p3.avif')).record)).bytes, 0.1, 0.1);
	assert.ok(isNear(p3.rgb, [240, 0, 21], 12), `${p3.rgb}: this red of Display P3 is outside of sRGB, and not its 220, 40, 40`);
});

for (const form of [false, true])
	test(`by ${form ? 'form' : 'PUT'}: nothing private is stored, the pixels stay, and the record has what the setting names`, async () => {
		for (const name of ['private.heic', 'private.avif', 'thumbnail.heic', 'alpha.heic', 'grid.avif']) {
			const { record, bytes } = await upload(name, { form });
			const answer = await fetchUrl(record.downloadUrl), kept = answer.bytes;
			assert.deepEqual([answer.headers.get('content-type'), answer.headers.get('x-content-type-options')], [typeOf(name), 'nosniff']);
			assert.match(answer.headers.get('content-disposition'), /^attachment/);
			assert.deepEqual([kept.length, record.fileSize, kept.includes('SECRET')], [bytes.length, bytes.length, false], name);
			if (name.startsWith('private')) {
				assert.ok(bytes.includes('SECRET'));
				assert.deepEqual(record.removed, ['exif', 'xmp']);
				assert.deepEqual(record.keptMetadata, { takenAt: '2024-05-06T07:08:09', camera: 'SECRET Model', position: { latitude: 46.5, longitude: 7.25 } });
			}
			const ending = name.split('.').pop();
			writeFileSync(at(`kept.${ending}`), kept);
			const [found] = JSON.parse(spawnSync('exiftool', ['-j', '-G1', '-a', '-u', at(`kept.${ending}`)]).stdout);
			assert.deepEqual(Object.keys(found).filter(tag => /^(IFD\d|ExifIFD|GPS|XMP[-\w]*):|Warning|Error/.test(tag)), [], name);
			for (const [file, out] of [[at(name), at('before.png')], [at(`kept.${ending}`), at('after.png')]])
				run('heif-convert', file, out);
			const pixels = file => execFileSync('pngtopnm', [file], { stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 });
			assert.ok(pixels(at('before.png')).equals(pixels(at('after.png'))), `${name}: other pixels`);
			if (ending === 'avif')
				run('avifdec', at('kept.avif'), at('after.png'));   // a second implementation reads it
		}
	});

test('files that are cut, sequences, and types in the wrong slot are refused with a sentence', async () => {
	const heic = readFileSync(at('private.heic'));
	for (const [name, bytes, sentence] of [['cut.heic', heic.subarray(0, heic.length / 3), /it ends too early/], ['head.avif', readFileSync(at('deep.avif')).subarray(0, 100), /looks like image\/avif, but/],
		['photo.heic', corpus('good/photo.jpg'), /The file is image\/jpeg, but the slot is for image\/heic/], ['photo.jpg', heic, /The file is image\/heic, but the slot is for image\/jpeg/],
		['text.avif', Buffer.from('text'), /The file is not image\/avif/]]) {
		const { answer, record } = await upload(name, { bytes });
		assert.equal(answer.status, 400, name);
		assert.match(record.reason, sentence, name);
	}
});

test('where HEIC is not allowed, its upload is refused with the name of the setting', async t => {
	const plain = await startServer();
	t.after(() => plain.stop());
	const answer = await call(plain, 'POST', '/upload', { json: { fileName: 'a.heic', fileType: 'image/heic' } });
	assert.equal(answer.status, 415);
	assert.match(answer.json.detail, /image\/heic is not allowed.*--allowed-types/);
});

test('without tintype-render-more a server that is to accept HEIC does not start; headers alone, or unverified, it does', async t => {
	const folder = mkdtempSync(path.join(work, 'alone-'));
	execFileSync('cp', [program(), path.join(path.dirname(program()), 'render/tintype-render'), folder]);
	const alone = path.join(folder, path.basename(program()));
	const ports = ['--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--data', path.join(folder, 'data')];
	const refused = spawnSync(alone, ['serve', ...ports, ...allowed], { encoding: 'utf8', env: { ...process.env, TINTYPE_ENV_FILE: '' } });
	assert.equal(refused.status, 2);
	assert.match(refused.stderr, /tintype-render-more.*make build HEIF=true.*--unverified-types/);
	for (const args of [['--verify', 'header'], ['--unverified-types', 'image/heic,image/avif']]) {
		const server = await startServer({ args: [...allowed, ...args] });
		t.after(() => server.stop());
		const { record } = await upload('private.heic', { of: server }), answer = await fetchUrl(record.downloadUrl);
		assert.deepEqual([record.status, record.verified, record.stripped, record.width, Object.keys(record.links)], ['uploaded', false, true, W, ['original']]);
		assert.deepEqual([answer.headers.get('content-type'), answer.bytes.includes('SECRET')], ['application/octet-stream', false]);
		assert.match(answer.headers.get('content-disposition'), /^attachment/);
	}
});

test('a picture that needs more memory than there is is refused with the size and the setting, and the next one is decoded', async t => {
	const small = await startServer({ args: [...allowed, '--render-memory', String(128 << 20), '--render-jobs', '1', '--max-size', String(16 << 20)] });
	t.after(() => small.stop());
	quarters('large.png', 4000, 2500);
	run('avifenc', '-s', '10', '--min', '30', '--max', '40', at('large.png'), at('large.avif'));
	const { answer, record } = await upload('large.avif', { of: small });
	assert.equal(answer.status, 400);
	assert.match(record.reason, /needs \d+ MiB of memory to decode, and --render-memory allows/);
	assert.equal((await upload('private.heic', { of: small })).record.verdict, 'ok');
	for (const [name, width, height, sentence] of [['private.heic', 65500, 65500, /pixels/], ['large.avif', 16, 16, /damaged|memory|could not be read/]]) {
		const bytes = Buffer.from(readFileSync(at(name))), size = bytes.indexOf('ispe') + 8;   // a size that is not that of what is coded
		bytes.writeUInt32BE(width, size);
		bytes.writeUInt32BE(height, size + 4);
		const lying = await upload(name, { bytes, of: small });
		assert.equal(lying.answer.status, 400, name);
		assert.match(lying.record.reason, sentence, name);
	}
	assert.equal((await upload('deep.avif', { of: small })).record.verdict, 'ok');
});
