// What can identify a person does not reach the store: every picture of the tests is uploaded with stock clients, by every way
// in, and read back. exiftool finds nothing but structure, orientation and profile, and an independent decoder the same pixels.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { call, corpus, credentials, fetchUrl, npmPackage, openSlot, pictures, postForm, putBytes, startServer } from './support/server.mjs';

const { S3Client, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } = npmPackage('@aws-sdk/client-s3');
const { getSignedUrl } = npmPackage('@aws-sdk/s3-request-presigner');

const Bucket = 'image-uploads';
const types = { jpg: 'image/jpeg', png: 'image/png', gif: 'image/gif', webp: 'image/webp' };
const typeOf = name => types[name.split('.').pop()];
const names = readdirSync(path.join(pictures(), 'good'));
const digest = (kind, bytes, form = 'hex') => createHash(kind).update(bytes).digest(form);
const work = mkdtempSync(path.join(tmpdir(), 'tintype-private-'));
let server, plain;

before(async () => {
	[server, plain] = await Promise.all([startServer(), startServer({ args: ['--no-strip'] })]);
});
after(async () => {
	await server?.stop();
	await plain?.stop();
	rmSync(work, { recursive: true, force: true });
});

const client = (of, more) => {
	const { id, secret } = credentials(of).tintype;
	return new S3Client({ endpoint: of.storage, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: id, secretAccessKey: secret }, ...more });
};
const keyOf = slot => decodeURIComponent(new URL(slot.fileUrl).pathname).replace(`/${Bucket}/`, '');

/** Upload a picture: its slot, the response and the record. */
async function upload(name, { of = server, bytes = corpus(`good/${name}`), form = false, headers } = {}) {
	const slot = await openSlot(of, { fileName: name, fileType: typeOf(name), ...form ? { method: 'POST' } : {} });
	const answer = await (form ? postForm(slot, bytes, { fileName: name, fileType: typeOf(name) }) : putBytes(slot, bytes, headers));
	assert.ok(answer.status === 200 || answer.status === 201 || answer.status === 204, `${name}: ${answer.status} ${answer.text}`);
	const { json: record } = await call(of, 'GET', `/images/${slot.imageId}`);
	return { slot, answer, record, bytes };
}

const stored = async record => (await fetchUrl(record.downloadUrl)).bytes;

const structure = new RegExp('^(SourceFile|IFD0:Orientation|(ExifTool|System|Composite|JFIF|ICC[-_a-z]*|PNG-pHYs|Adobe):.*|File:(BitsPerSample|ColorComponents|EncodingProcess|ExifByteOrder|'
	+ 'FileType|FileTypeExtension|ImageHeight|ImageWidth|MIMEType|YCbCrSubSampling)|GIF:(AnimationIterations|BackgroundColor|BitsPerPixel|ColorResolutionDepth|Duration|FrameCount|GIFVersion|'
	+ 'HasColorMap|ImageHeight|ImageWidth|TransparentColor)|PNG:(AnimationFrames|AnimationPlays|BitDepth|ColorType|Compression|Filter|ImageHeight|ImageWidth|Interlace|Palette|ProfileName)|'
	+ 'RIFF:(Alpha.*|AnimationLoopCount|BackgroundColor|Duration|HorizontalScale|ImageHeight|ImageWidth|VP8Version|VerticalScale|WebP_Flags))$');

/** The groups and names of everything that exiftool finds in these files. */
function tagsOf(files) {
	const found = JSON.parse(spawnSync('exiftool', ['-j', '-G1', '-a', '-u', '-ee', ...files], { maxBuffer: 1 << 28 }).stdout);   // its status speaks of profiles too
	return new Map(found.map(file => [path.basename(file.SourceFile), Object.keys(file).filter(tag => !structure.test(tag))]));
}

/** The pixels that Debian's decoders make of a picture, upright or not as it is stored. */
function pixelsOf(name, bytes) {
	const file = path.join(work, `pixels-${name}`);
	writeFileSync(file, bytes);
	const run = (...words) => execFileSync(words[0], words.slice(1), { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });
	switch (typeOf(name)) {
	case 'image/jpeg': return digest('sha256', run('djpeg', '-pnm', file));
	case 'image/png': return digest('sha256', run('pngtopnm', file));
	case 'image/gif': return digest('sha256', Buffer.concat([0, 1, 2].map(n => {
		try { return run('giftopnm', `-image=${n + 1}`, file); } catch { return Buffer.alloc(0); }
	})));
	default: return /animated/.test(name) ? digest('sha256', run('webpmux', '-get', 'frame', '1', file, '-o', '-')) : digest('sha256', run('dwebp', '-quiet', file, '-ppm', '-o', '-'));
	}
}

for (const form of [false, true])
	test(`every picture by ${form ? 'form' : 'PUT'}: the record, GET, HEAD and the list agree on what is stored, and nothing private is in it`, async () => {
		const files = [];
		for (const name of names) {
			const { answer, record, bytes } = await upload(name, { form });
			const now = await stored(record);
			assert.deepEqual([record.stripped, record.receivedSize, record.fileSize, record.etag], [true, bytes.length, now.length, digest('md5', now)], name);
			assert.equal(answer.headers.get('etag'), `"${digest('md5', now)}"`, name);
			assert.equal(now.includes('SECRET'), false, `${name} keeps a secret`);
			assert.ok(!bytes.includes('SECRET') || record.removed.length > 0, name);
			const head = await fetchUrl((await call(server, 'GET', `/images/${record.imageId}`)).json.downloadUrl, { headers: { Range: 'bytes=0-0' } });
			assert.equal(head.headers.get('content-range'), `bytes 0-0/${now.length}`, name);
			assert.equal(pixelsOf(name, now), pixelsOf(name, bytes), `${name}: other pixels`);
			files.push(path.join(work, name));
			writeFileSync(files.at(-1), now);
		}
		for (const [name, tags] of tagsOf(files))
			assert.deepEqual(tags, [], name);
	});
