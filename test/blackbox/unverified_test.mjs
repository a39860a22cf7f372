// Types that nothing here can verify: accepted only where the setting names them, stored as they come, and served as downloads.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { call, corpus, credentials, fetchUrl, npmPackage, openSlot, postForm, putBytes, runProgram, startServer } from './support/server.mjs';

const { S3Client, GetObjectCommand } = npmPackage('@aws-sdk/client-s3');

const files = {
	'image/svg+xml': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
	'text/html': Buffer.from('<!DOCTYPE html><script>alert(1)</script>'),
	'application/pdf': Buffer.from('%PDF-1.7\n1 0 obj <</Author (somebody)>> endobj\n'),
	'image/tiff': Buffer.from('II*\0\x08\0\0\0\0\0\0\0\0\0', 'latin1'),
};
const named = Object.keys(files).join(',');
const work = mkdtempSync(path.join(tmpdir(), 'tintype-unverified-'));
let server;
before(async () => { server = await startServer({ args: ['--allowed-types', `image/jpeg,${named}`, '--unverified-types', named] }); });
after(async () => {
	await server?.stop();
	rmSync(work, { recursive: true, force: true });
});

const guards = { 'x-content-type-options': 'nosniff', 'content-security-policy': "sandbox; default-src 'none'" };
const isDownload = (answer, bytes, type, what) => {
	assert.equal(answer.status, 200, `${what}: ${answer.text}`);
	assert.ok(answer.bytes.equals(bytes), what);
	for (const [name, value] of Object.entries({ 'content-type': type, ...guards }))
		assert.equal(answer.headers.get(name), value, `${what} ${name}`);
	assert.match(answer.headers.get('content-disposition'), /^attachment/, what);
};

for (const form of [false, true])
	test(`by ${form ? 'form' : 'PUT'}: stored as they come, and every way out is a download`, async () => {
		const { id, secret } = credentials(server).tintype;
		const s3 = new S3Client({ endpoint: server.storage, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: id, secretAccessKey: secret } });
		for (const [fileType, bytes] of Object.entries(files)) {
			const slot = await openSlot(server, { fileName: 'a file', fileType, ...form ? { method: 'POST' } : {} });
			const answer = await (form ? postForm(slot, bytes, { fileName: 'a file', fileType }) : putBytes(slot, bytes));
			assert.ok(answer.status < 300, answer.text);
			const { json: record } = await call(server, 'GET', `/images/${slot.imageId}`);
			assert.deepEqual([record.status, record.fileType, record.fileSize, record.stripped, record.verified, record.verdict, record.width, Object.keys(record.links)],
				['uploaded', fileType, bytes.length, false, false, undefined, undefined, ['original']]);
			isDownload(await fetchUrl(record.downloadUrl), bytes, 'application/octet-stream', `${fileType} by downloadUrl`);
			isDownload(await fetchUrl(record.links.original), bytes, 'application/octet-stream', `${fileType} by link`);
			isDownload(await fetchUrl((await fetchUrl(`${server.api}/prod/images/${slot.imageId}/file`, { redirect: 'manual' })).headers.get('location')), bytes, 'application/octet-stream', `${fileType} by /file`);
			assert.equal((await call(server, 'GET', `/images/${slot.imageId}/thumbnail?size=small`)).status, 404);
			const got = await s3.send(new GetObjectCommand({ Bucket: 'image-uploads', Key: decodeURIComponent(new URL(slot.fileUrl).pathname).replace('/image-uploads/', '') }));
			assert.deepEqual([got.ContentDisposition, Buffer.from(await got.Body.transformToByteArray()).equals(bytes)], ['attachment', true]);
		}
	});

test('an image in such a slot, and such a file in an image\'s slot, are refused', async () => {
	for (const [fileType, bytes, sentence] of [['image/svg+xml', corpus('good/photo.jpg'), /The file is image\/jpeg, but the slot is for image\/svg\+xml/],
		['image/jpeg', files['image/svg+xml'], /The file is not image\/jpeg/]]) {
		const answer = await putBytes(await openSlot(server, { fileName: 'a', fileType }), bytes);
		assert.equal(answer.status, 400);
		assert.match(answer.text, sentence);
	}
});

test('a slot that was opened under another setting accepts nothing, and what was stored stays a download', async t => {
	const data = mkdtempSync(path.join(work, 'changed-'));
	const first = await startServer({ data, args: ['--allowed-types', 'image/jpeg,image/tiff', '--unverified-types', 'image/tiff'] });
	t.after(() => first.stop());
	const storage = new URL(first.storage).host;
	const [stored, open] = [await openSlot(first, { fileName: 'a.tif', fileType: 'image/tiff' }), await openSlot(first, { fileName: 'b.tif', fileType: 'image/tiff' })];
	assert.equal((await putBytes(stored, files['image/tiff'])).status, 200);
	await first.stop();
	const second = await startServer({ data, args: ['--storage', storage] });
	t.after(() => second.stop());
	const answer = await putBytes(open, files['image/tiff']);
	assert.equal(answer.status, 400);
	assert.match(answer.text, /Files of type image\/tiff cannot be verified here and are not accepted/);
	isDownload(await fetchUrl((await call(second, 'GET', `/images/${stored.imageId}`)).json.downloadUrl), files['image/tiff'], 'application/octet-stream', 'of before');
	assert.equal((await call(second, 'POST', '/upload', { json: { fileName: 'c.tif', fileType: 'image/tiff' } })).status, 415);
});

test('sweep refuses settings that serve would refuse', async () => {
	const swept = await runProgram(['sweep', '--data', path.join(work, 'none'), '--allowed-types', 'image/tiff']);
	assert.equal(swept.code, 2);
	assert.match(swept.stderr, /names image\/tiff, which cannot be verified here/);
});
