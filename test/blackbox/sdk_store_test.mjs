// The store with independent clients: presigned URLs and forms of the AWS SDK for
// JavaScript, sent by fetch; forms by curl, which quotes file names differently.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { credentials, fetchUrl, npmPackage, openSlot, startServer, tinyPng } from './support/server.mjs';

const { S3Client, GetObjectCommand, HeadObjectCommand, PutObjectCommand } = npmPackage('@aws-sdk/client-s3');
const { getSignedUrl } = npmPackage('@aws-sdk/s3-request-presigner');
const { createPresignedPost } = npmPackage('@aws-sdk/s3-presigned-post');

const run = promisify(execFile);
const Bucket = 'image-uploads';
const work = mkdtempSync(path.join(tmpdir(), 'tintype-sdk-'));
const etag = bytes => `"${createHash('md5').update(bytes).digest('hex')}"`;
let server;
const client = more => {
	const { id, secret } = credentials(server).tintype;
	return new S3Client({
		endpoint: server.storage, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: id, secretAccessKey: secret }, ...more,
	});
};

before(async () => {
	server = await startServer();
});
after(async () => {
	await server.stop();
	rmSync(work, { recursive: true, force: true });
});

// By default the SDK signs the checksum of an empty body into the URL, whatever will be sent.
for (const requestChecksumCalculation of ['WHEN_SUPPORTED', 'WHEN_REQUIRED'])
	test(`presigned PUT, GET and HEAD, checksums ${requestChecksumCalculation}`, async () => {
		const s3 = client({ requestChecksumCalculation });
		for (const Key of ['plain', 'a b+c/ü!\'()*', 'x//y', '%41']) {
			const put = await fetchUrl(await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key, Metadata: { a: 'b' } })), {
				method: 'PUT', body: Key, headers: { 'Content-Type': 'text/plain' },
			});
			assert.equal(put.status, 200, put.text);
			assert.equal(put.headers.get('etag'), etag(Key));
			const get = await fetchUrl(await getSignedUrl(s3, new GetObjectCommand({
				Bucket, Key, ResponseContentDisposition: 'attachment; filename="a+b c.txt"', ResponseContentType: 'text/csv',
			})));
			assert.deepEqual([get.status, get.text], [200, Key]);
			assert.equal(get.headers.get('content-disposition'), 'attachment; filename="a+b c.txt"');
			assert.equal(get.headers.get('content-type'), 'text/csv');
			const head = await fetchUrl(await getSignedUrl(s3, new HeadObjectCommand({ Bucket, Key })), { method: 'HEAD' });
			assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(Buffer.byteLength(Key))]);
		}
	});

const presignedForm = () => createPresignedPost(client(), {
	Bucket, Key: 'up/${filename}', Expires: 60, Fields: { success_action_status: '201', 'Content-Type': 'text/plain' },
	Conditions: [['content-length-range', 1, 1000], ['starts-with', '$Content-Type', 'text/']],
});

test('a presigned form, sent by FormData', async () => {
	const { url, fields } = await presignedForm();
	const form = new FormData();
	Object.entries(fields).forEach(([name, value]) => form.append(name, value));
	form.append('file', new Blob(['hello form']), 'na"me.txt');
	const post = await fetchUrl(url, { method: 'POST', body: form });
	assert.equal(post.status, 201, post.text);
	assert.match(post.text, /<Key>up\/na(&quot;|%22)me.txt<\/Key>/);
	assert.equal(post.headers.get('etag'), etag('hello form'));
});

test('a presigned form, sent by curl: whole, chunked, with an odd file name', async () => {
	const { url, fields } = await presignedForm();
	const file = path.join(work, 'file');
	const bytes = '\r\n--'.repeat(200);
	writeFileSync(file, bytes);
	const given = Object.entries(fields).flatMap(([name, value]) => ['-F', `${name}=${value}`]);
	for (const [more, name] of [[[], 'file'], [['-H', 'Transfer-Encoding: chunked', '-H', 'Expect: 100-continue'], 'file'], [[], 'we"ird']]) {
		const { stdout } = await run('curl', ['-s', '-i', ...more, ...given, '-F', `file=@${file};filename=${name.replace('"', '\\"')}`, url]);
		assert.match(stdout, /HTTP\/1.1 201/);
		assert.ok(stdout.includes(etag(bytes)), stdout);
	}
});

test('an image by a form in which every part has a file name', async () => {
	const slot = await openSlot(server, { method: 'POST' });
	const form = new FormData();
	Object.entries(slot.fields).forEach(([name, value]) => form.append(name, new Blob([value]), name));
	form.append('file', new Blob([tinyPng]), 'a.png');
	const post = await fetchUrl(slot.uploadUrl, { method: 'POST', body: form });
	assert.equal(post.status, 204, post.text);
	assert.equal(post.headers.get('etag'), etag(tinyPng));
});
