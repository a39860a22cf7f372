// What can identify a person does not reach the store: every picture of the tests is uploaded with stock clients, by every way
// in, and read back. exiftool finds nothing but structure, orientation and profile, and an independent decoder the same pixels.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { digest, pixelsOf, tagsOf, typeOf } from './support/contents.mjs';
import { call, corpus, credentials, fetchUrl, npmPackage, openSlot, pictures, postForm, putBytes, startServer } from './support/server.mjs';

const { S3Client, CopyObjectCommand, CreateMultipartUploadCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } = npmPackage('@aws-sdk/client-s3');
const { getSignedUrl } = npmPackage('@aws-sdk/s3-request-presigner');

const Bucket = 'image-uploads';
const names = readdirSync(path.join(pictures(), 'good'));
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

for (const form of [false, true])
	test(`every picture by ${form ? 'form' : 'PUT'}: the record, GET, HEAD and the list agree on what is stored, and nothing private is in it`, async () => {
		const files = [];
		for (const name of names) {
			const { answer, record, bytes } = await upload(name, { form });
			const now = await stored(record);
			assert.deepEqual([record.stripped, record.receivedSize, record.fileSize, record.etag], [true, bytes.length, now.length, digest('md5', now)], name);
			assert.equal(record.verdict, /no-trailer|-profile/.test(name) ? 'recoverable' : 'ok', `${name}: ${record.damage}`);
			assert.equal(answer.headers.get('etag'), `"${digest('md5', now)}"`, name);
			assert.equal(now.includes('SECRET'), false, `${name} keeps a secret`);
			assert.ok(!bytes.includes('SECRET') || record.removed.length > 0, name);
			const head = await fetchUrl((await call(server, 'GET', `/images/${record.imageId}`)).json.downloadUrl, { headers: { Range: 'bytes=0-0' } });
			assert.equal(head.headers.get('content-range'), `bytes 0-0/${now.length}`, name);
			assert.equal(pixelsOf(work, name, now), pixelsOf(work, name, bytes), `${name}: other pixels`);
			files.push(path.join(work, name));
			writeFileSync(files.at(-1), now);
		}
		for (const [name, tags] of tagsOf(files))
			assert.deepEqual(tags, [], name);
	});

// The SDK checks every body that it reads against the checksum that comes with it, where there is one.
test('the SDK for JavaScript: checksums of what was sent are accepted, those of what is stored are returned', async () => {
	const s3 = client(server, { responseChecksumValidation: 'WHEN_SUPPORTED', requestChecksumCalculation: 'WHEN_REQUIRED' });
	for (const [n, name] of ['private.jpg', 'private.png', 'private.gif', 'private.webp', 'photo.jpg'].entries())
		for (const [header, kind, member] of [['x-amz-checksum-sha256', 'sha256', 'ChecksumSHA256'], ['x-amz-checksum-sha1', 'sha1', 'ChecksumSHA1'], ['content-md5', 'md5', 'ContentMD5']]) {
			const bytes = corpus(`good/${name}`), slot = await openSlot(server, { fileName: name, fileType: typeOf(name) }), Key = keyOf(slot);
			const send = async value => {
				const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key, ContentType: typeOf(name), [member]: value }), { unhoistableHeaders: new Set([header]) });
				return fetchUrl(url, { method: 'PUT', body: bytes, headers: { 'Content-Type': typeOf(name), [header]: value } });
			};
			const wrong = await send(digest(kind, 'other', 'base64')), right = digest(kind, bytes, 'base64');
			assert.deepEqual([wrong.status, /<Code>(\w+)/.exec(wrong.text)[1]], [400, 'BadDigest'], wrong.text);
			for (let turn = 0; turn < 2; turn++) {
				const put = await send(right);
				assert.equal(put.status, 200, put.text);
				assert.equal(put.headers.get(header), n < 4 || header === 'content-md5' ? null : right, `${name} ${header}`);
			}
			const got = await s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' })), now = Buffer.from(await got.Body.transformToByteArray());
			assert.deepEqual([got.ETag, got.ContentLength], [`"${digest('md5', now)}"`, now.length]);
			assert.equal(now.equals(bytes), n === 4, name);
			const head = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
			assert.deepEqual([head.ETag, head.ContentLength], [got.ETag, now.length]);
			assert.equal(head[member], header === 'content-md5' ? undefined : digest(kind, now, 'base64'), name);
			const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
			assert.deepEqual(Contents.map(o => [o.ETag, o.Size]), [[got.ETag, now.length]]);
		}
});

test('the same bytes again get 200 and the stored ETag; others get 412, even those that are stored', async () => {
	for (const name of ['private.jpg', 'private.webp', 'alpha.png']) {
		const { slot, answer, record, bytes } = await upload(name), now = await stored(record);
		const again = await putBytes(slot, bytes, { 'Content-MD5': digest('md5', bytes, 'base64') });
		assert.deepEqual([again.status, again.headers.get('etag')], [200, answer.headers.get('etag')], again.text);
		assert.equal((await putBytes(slot, now)).status, now.equals(bytes) ? 200 : 412);
		assert.equal((await putBytes(slot, Buffer.concat([bytes, Buffer.from('x')]))).status, 412);
		assert.deepEqual((await call(server, 'GET', `/images/${slot.imageId}`)).json.etag, record.etag);
	}
});

test('with --no-strip images are stored as they come, and stay repeatable when it is on again', async () => {
	for (const name of ['private.jpg', 'private.gif']) {
		const { slot, record, bytes } = await upload(name, { of: plain });
		assert.deepEqual([record.stripped, record.removed, record.fileSize, record.etag], [false, undefined, bytes.length, digest('md5', bytes)]);
		assert.ok((await stored(record)).equals(bytes));
		assert.equal((await putBytes(slot, bytes)).status, 200);
	}
});

test('every other object is stored byte for byte, and nothing else can be written below images/', async () => {
	const s3 = client(server), bytes = corpus('good/private.jpg');
	await s3.send(new PutObjectCommand({ Bucket, Key: 'mine/private.jpg', Body: bytes, ContentType: 'image/jpeg' }));
	const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'mine/private.jpg' }));
	assert.ok(Buffer.from(await got.Body.transformToByteArray()).equals(bytes));
	const { Key } = { Key: keyOf(await openSlot(server, { fileName: 'a.jpg', fileType: 'image/jpeg' })) };
	const denied = { name: 'AccessDenied' };
	await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key, Body: bytes, ContentType: 'image/jpeg' })), denied);
	await assert.rejects(s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/mine/private.jpg` })), denied);
	await assert.rejects(s3.send(new CreateMultipartUploadCommand({ Bucket, Key })), denied);
});

test('with keep-metadata the record has what it names, for callers with the key alone', async t => {
	const key = 'correct-horse-battery-staple';
	const own = await startServer({ args: ['--keep-metadata', 'taken-at,position'], env: { TINTYPE_API_KEY: key, TINTYPE_ACCESS: 'open' } });
	t.after(() => own.stop());
	const { record } = await upload('private.jpg', { of: own });
	assert.equal(record.keptMetadata, undefined);
	for (const target of [`/images/${record.imageId}`, '/images']) {
		const { json } = await call(own, 'GET', target, { key }), image = json.images?.[0] ?? json;
		assert.deepEqual(image.keptMetadata, { takenAt: '2024-05-06T07:08:09+02:00', position: { latitude: 46.5, longitude: -7.25 } });
	}
	assert.ok(!(await stored(record)).includes('SECRET'));
	assert.equal((await call(server, 'GET', `/images/${(await upload('private.jpg')).record.imageId}`)).json.keptMetadata, undefined);
});
