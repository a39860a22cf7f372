// Objects as S3 clients use them: metadata, conditions, ranges, parts, overrides, versions, and the image bucket's own
// rules, with signatures in the header.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { credentials, openSlot, postForm, putBytes, startServer, tinyPng } from './support/server.mjs';
import { presign } from './support/presign.mjs';
import { s3, sendHead, signedHead } from './support/s3.mjs';

let server, who, slots, made = 0;

before(async () => {
	server = await startServer();
	({ tintype: who, slots } = credentials(server));
	assert.equal((await s3(server, 'PUT', '/things', { who })).status, 200);
});
after(() => server.stop());

const freshKey = () => `/things/k${++made}`;
const ask = (method, path, options) => s3(server, method, path, { who, ...options });
const md5 = bytes => createHash('md5').update(bytes).digest('hex');

function expectError(answer, status, code) {
	assert.equal(`${answer.status} ${answer.code}`, `${status} ${code}`, answer.text);
	for (const name of ['Code', 'Message', 'Resource', 'RequestId'])
		assert.ok(answer.element(name), `${name} in ${answer.text}`);
}

async function put(key, body = 'hello', headers = {}) {
	const answer = await ask('PUT', key, { body, headers });
	assert.equal(answer.status, 200, answer.text);
	return answer;
}

test('headers and metadata are stored, returned, and replaced with the next object', async () => {
	const kept = {
		'content-type': 'text/plain; charset=utf-8', 'cache-control': 'max-age=60', 'content-disposition': 'attachment; filename="a.txt"',
		'content-encoding': 'gzip', 'content-language': 'de', expires: 'Thu, 01 Dec 2030 16:00:00 GMT',
		'x-amz-website-redirect-location': '/other', 'x-amz-meta-a': 'b', 'x-amz-meta-empty': '', 'x-amz-meta-long': 'x'.repeat(1900),
	};
	const key = freshKey();
	await put(key, 'hello', { ...kept, 'x-amz-storage-class': 'STANDARD', 'x-amz-acl': 'private' });
	for (const method of ['GET', 'HEAD']) {
		const answer = await ask(method, key);
		for (const [name, value] of Object.entries(kept))
			assert.equal(answer.headers[name], value, name);
		assert.equal(answer.headers['x-amz-storage-class'], undefined);
	}
	await put(key);
	const answer = await ask('GET', key);
	assert.equal(answer.headers['x-amz-meta-a'], undefined);
	assert.equal(answer.headers['content-type'], 'binary/octet-stream');
});

test('Content-Encoding is stored as it was sent, without aws-chunked', async () => {
	const cases = { 'gzip': 'gzip', 'deflate, gzip': 'deflate, gzip', 'aws-chunked, gzip': 'gzip', 'deflate, aws-chunked, gzip': 'deflate, gzip', 'gzip,aws-chunked': 'gzip', 'aws-chunked': undefined };
	for (const [sent, kept] of Object.entries(cases)) {
		const key = freshKey();
		await put(key, 'x', { 'content-encoding': sent });
		assert.equal((await ask('HEAD', key)).headers['content-encoding'], kept, sent);
	}
});

test('metadata with bytes beyond ASCII is returned as it was sent', async () => {
	const key = freshKey(), value = Buffer.from('Jürgen €').toString('latin1');
	const utf8 = signedHead(server, 'PUT', key, { who, payload: 'UNSIGNED-PAYLOAD', headers: { 'x-amz-meta-who': 'Jürgen €' } });
	utf8.headers['x-amz-meta-who'] = value;
	assert.equal((await sendHead(server, utf8, 'x')).status, 200);
	assert.equal((await ask('GET', key)).headers['x-amz-meta-who'], value);
});

test('repeated metadata headers are joined', async () => {
	const key = freshKey(), head = signedHead(server, 'PUT', key, { who, payload: 'UNSIGNED-PAYLOAD', headers: { 'x-amz-meta-a': 'b,c' } });
	head.headers['x-amz-meta-a'] = ['b', 'c'];
	assert.equal((await sendHead(server, head, 'x')).status, 200);
	assert.equal((await ask('HEAD', key)).headers['x-amz-meta-a'], 'b,c');
});

test('a repeated header with a single value is refused, and one that is a list counts as a whole', async () => {
	const key = freshKey(), other = freshKey(), { headers: { etag } } = await put(key, 'hello');
	await put(other, 'other');
	const twice = async (method, at, name, values) => {
		const head = signedHead(server, method, at, { who, payload: 'UNSIGNED-PAYLOAD', headers: { [name]: values.join(',') } });
		head.headers[name] = values;
		return sendHead(server, head, method === 'PUT' ? 'x' : undefined);
	};
	for (const [method, name, ...values] of [['PUT', 'content-type', 'image/png', 'text/html'], ['PUT', 'x-amz-copy-source', other, key],
		['PUT', 'x-amz-storage-class', 'STANDARD', 'GLACIER'], ['PUT', 'x-amz-acl', 'private', 'public-read'], ['GET', 'range', 'bytes=0-0', 'bytes=1-1'],
		['GET', 'if-modified-since', 'Thu, 01 Dec 2022 16:00:00 GMT', 'Thu, 01 Dec 2022 16:00:00 GMT'], ['PUT', 'content-disposition', 'inline', 'attachment']])
		expectError(await twice(method, key, name, values), 400, 'InvalidRequest');
	assert.equal((await ask('GET', key)).headers.etag, etag);
	assert.equal((await twice('GET', key, 'if-none-match', ['"none"', etag])).status, 304);
	assert.equal((await twice('GET', key, 'if-match', ['"none"', etag])).status, 200);
});

test('metadata in the query of a presigned URL is stored', async () => {
	const key = freshKey(), url = presign(server, 'PUT', key.slice(8), { who, bucket: 'things', query: { 'x-amz-meta-a': 'b c' } });
	assert.equal((await fetch(url, { method: 'PUT', body: 'x' })).status, 200);
	assert.equal((await ask('HEAD', key)).headers['x-amz-meta-a'], 'b c');
	const split = presign(server, 'PUT', 'split', { who, bucket: 'things', query: { 'x-amz-meta-a': 'b\r\nSet-Cookie: c=d' } });
	assert.equal((await fetch(split, { method: 'PUT', body: 'x' })).status, 400);
});

test('headers that are too large or unsupported are refused', async () => {
	const key = freshKey(), cases = [
		[{ 'x-amz-meta-a': 'x'.repeat(2048) }, 400, 'MetadataTooLarge'],
		[Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`x-amz-meta-a${i}`, 'x'])), 400, 'MetadataTooLarge'],
		[{ 'x-amz-storage-class': 'GLACIER' }, 400, 'InvalidStorageClass'],
		[{ 'x-amz-acl': 'mine' }, 400, 'InvalidArgument'],
		[{ 'x-amz-server-side-encryption': 'AES256' }, 501, 'NotImplemented'],
		[{ 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }, 501, 'NotImplemented'],
		[{ 'x-amz-tagging': 'a=b' }, 501, 'NotImplemented'],
		[{ 'x-amz-object-lock-mode': 'GOVERNANCE' }, 501, 'NotImplemented'],
		[{ 'if-none-match': '"etag"' }, 501, 'NotImplemented'],
	];
	for (const [headers, status, code] of cases) {
		expectError(await ask('PUT', key, { body: 'x', headers }), status, code);
		assert.equal((await ask('HEAD', key)).status, 404);
	}
	const large = signedHead(server, 'PUT', key, { who, payload: 'UNSIGNED-PAYLOAD', headers: { 'content-length': 5 * 1024 ** 3 + 1, expect: '100-continue' } });
	const answer = await sendHead(server, { ...large, headers: { ...large.headers } }, []);
	expectError(answer, 400, 'EntityTooLarge');
});

test('conditions on PUT', async () => {
	const key = freshKey(), ifNone = { 'if-none-match': '*' };
	expectError(await ask('PUT', key, { body: 'x', headers: { 'if-match': `"${md5('x')}"` } }), 404, 'NoSuchKey');
	assert.equal((await ask('PUT', key, { body: 'one', headers: ifNone })).status, 200);
	expectError(await ask('PUT', key, { body: 'two', headers: ifNone }), 412, 'PreconditionFailed');
	expectError(await ask('PUT', key, { body: 'two', headers: { 'if-match': `"${md5('other')}"` } }), 412, 'PreconditionFailed');
	assert.equal((await ask('GET', key)).text, 'one');
	assert.equal((await ask('PUT', key, { body: 'two', headers: { 'if-match': `"${md5('one')}"` } })).status, 200);
	assert.equal((await ask('PUT', key, { body: 'three', headers: { 'if-match': md5('two') } })).status, 200);
	assert.equal((await ask('GET', key)).text, 'three');
});

test('of many concurrent If-None-Match requests one succeeds', async () => {
	for (const size of [10, 100000]) {
		const key = freshKey();
		const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => ask('PUT', key, { body: String(i).repeat(size), headers: { 'if-none-match': '*' } })));
		assert.equal(answers.filter(a => a.status === 200).length, 1);
		assert.equal(answers.filter(a => a.status === 412).length, 7);
		const won = answers.findIndex(a => a.status === 200);
		assert.equal((await ask('GET', key)).text, String(won).repeat(size));
	}
});

test('conditions on GET and HEAD', async () => {
	const key = freshKey();
	await put(key);
	const { etag, 'last-modified': date } = (await ask('HEAD', key)).headers, long = new Date(Date.now() - 864e5).toUTCString();
	const cases = [
		[{ 'if-match': etag }, 200], [{ 'if-match': '"x"' }, 412], [{ 'if-none-match': etag }, 304], [{ 'if-none-match': '"x"' }, 200],
		[{ 'if-modified-since': long }, 200], [{ 'if-modified-since': date }, 304], [{ 'if-unmodified-since': date }, 200], [{ 'if-unmodified-since': long }, 412],
		[{ 'if-match': etag, 'if-unmodified-since': long }, 200], [{ 'if-none-match': etag, 'if-modified-since': long }, 304],
	];
	for (const [headers, status] of cases) {
		for (const method of ['GET', 'HEAD']) {
			const answer = await ask(method, key, { headers });
			assert.equal(answer.status, status, JSON.stringify(headers));
			if (status === 304)   // not the length that a 200 would have: Ruby's SDK waits for that many bytes
				assert.deepEqual([answer.headers['content-length'], answer.bytes.length], [undefined, 0]);
		}
	}
});

test('ranges', async () => {
	const key = freshKey();
	await put(key, '0123456789');
	const cases = [
		['bytes=0-3', 206, '0123', 'bytes 0-3/10'], ['bytes=4-', 206, '456789', 'bytes 4-9/10'], ['bytes=-3', 206, '789', 'bytes 7-9/10'],
		['bytes=8-100', 206, '89', 'bytes 8-9/10'], ['bytes=-100', 206, '0123456789', 'bytes 0-9/10'],
		['bytes=0-1,4-5', 200, '0123456789'], ['lines=1-2', 200, '0123456789'], ['bytes=5-3', 200, '0123456789'],
	];
	for (const [range, status, text, expected] of cases) {
		const answer = await ask('GET', key, { headers: { range } });
		assert.equal(answer.status, status, range);
		assert.equal(answer.text, text);
		assert.equal(answer.headers['content-range'], expected);
	}
	const beyond = await ask('GET', key, { headers: { range: 'bytes=10-' } });
	expectError(beyond, 416, 'InvalidRange');
	assert.equal(beyond.element('ActualObjectSize'), '10');
});

test('overrides replace stored headers', async () => {
	const key = freshKey();
	await put(key, 'hello', { 'cache-control': 'no-store', 'content-language': 'de', 'x-amz-meta-a': 'b' });
	const answer = await ask('GET', key, { query: { 'response-cache-control': 'max-age=1', 'response-content-type': 'text/css', 'response-content-disposition': 'inline' } });
	assert.equal(answer.headers['cache-control'], 'max-age=1');
	assert.equal(answer.headers['content-type'], 'text/css');
	assert.equal(answer.headers['content-disposition'], 'inline');
	assert.equal(answer.headers['content-language'], 'de');
	assert.equal(answer.headers['x-amz-meta-a'], 'b');
	const plain = await fetch(`${server.storage}${key}?response-content-type=text/css`);
	assert.equal(plain.status, 403);
});

test('versions: null exists, others do not', async () => {
	const key = freshKey();
	await put(key);
	assert.equal((await ask('GET', key, { query: { versionId: 'null' } })).status, 200);
	expectError(await ask('GET', key, { query: { versionId: '3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrH' } }), 404, 'NoSuchVersion');
	expectError(await ask('GET', key, { query: { versionId: 'nonsense' } }), 400, 'InvalidArgument');
});

test('an error response to HEAD has no body and no length', async () => {
	const answer = await ask('HEAD', '/things/none');
	assert.equal(answer.status, 404);
	assert.equal(answer.text, '');
	expectError(await ask('GET', '/things/none'), 404, 'NoSuchKey');
	expectError(await ask('GET', '/missing/none'), 404, 'NoSuchBucket');
	expectError(await ask('PUT', '/missing/none', { body: 'x' }), 404, 'NoSuchBucket');
});

test('an object in one piece has part 1, and no other', async () => {
	const key = freshKey();
	await put(key);
	const one = await ask('GET', key, { query: { partNumber: 1 } });
	assert.equal(`${one.status} ${one.headers['content-range']} ${one.text}`, '206 bytes 0-4/5 hello');
	expectError(await ask('GET', key, { query: { partNumber: 2 } }), 416, 'InvalidPartNumber');
	expectError(await ask('GET', key, { query: { partNumber: 0 } }), 400, 'InvalidArgument');
	expectError(await ask('GET', key, { query: { partNumber: 1 }, headers: { range: 'bytes=0-1' } }), 400, 'InvalidRequest');
});

test('parts: sent, replaced, refused, and read one by one from the completed object', async () => {
	const key = freshKey(), first = Buffer.alloc(5 * 1024 * 1024, 'a'), last = Buffer.from('the end');
	const begun = await ask('POST', key, { query: { uploads: '' }, headers: { 'x-amz-meta-a': 'b', 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT' } });
	assert.equal(begun.status, 200, begun.text);
	const uploadId = begun.element('UploadId');
	const part = (partNumber, body, more = {}) => ask('PUT', key, { body, query: { partNumber, uploadId, ...more.query }, headers: more.headers });
	expectError(await part(0, 'x'), 400, 'InvalidArgument');
	expectError(await part(10001, 'x'), 400, 'InvalidArgument');
	expectError(await part(1, 'x', { query: { uploadId: 'none' } }), 404, 'NoSuchUpload');
	expectError(await part(1, 'x', { headers: { 'x-amz-checksum-sha256': createHash('sha256').update('x').digest('base64') } }), 400, 'InvalidRequest');
	expectError(await part(1, 'x', { headers: { 'x-amz-checksum-crc32': 'AAAAAA==' } }), 400, 'BadDigest');
	assert.equal((await part(1, 'replaced')).status, 200);
	const sent = [await part(1, first), await part(2, last)];
	assert.deepEqual(sent.map(a => a.headers.etag), [`"${md5(first)}"`, `"${md5(last)}"`]);
	assert.ok(sent[1].headers['x-amz-checksum-crc32']);
	assert.equal((await ask('GET', key)).status, 404);
	const list = sent.map((a, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${a.headers.etag}</ETag>` +
		`<ChecksumCRC32>${a.headers['x-amz-checksum-crc32']}</ChecksumCRC32></Part>`).join('');
	const done = await ask('POST', key, { query: { uploadId }, body: `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>` });
	assert.equal(done.status, 200, done.text);
	const whole = await ask('GET', key, { headers: { 'x-amz-checksum-mode': 'ENABLED' } });
	assert.deepEqual(whole.bytes, Buffer.concat([first, last]));
	assert.equal(whole.headers['x-amz-meta-a'], 'b');
	assert.equal(whole.headers['x-amz-checksum-type'], 'FULL_OBJECT');
	const two = await ask('GET', key, { query: { partNumber: 2 } });
	assert.equal(`${two.status} ${two.text} ${two.headers['x-amz-mp-parts-count']} ${two.headers['content-range']}`, `206 the end 2 bytes 5242880-5242886/5242887`);
	expectError(await ask('GET', key, { query: { partNumber: 3 } }), 416, 'InvalidPartNumber');
	expectError(await part(1, 'x'), 404, 'NoSuchUpload');
});

test('two writers to one key: one whole object remains', async () => {
	const key = freshKey(), bodies = ['a', 'b'].map(c => Buffer.alloc(3 * 1024 * 1024, c));
	for (let round = 0; round < 3; round++) {
		const answers = await Promise.all(bodies.map(body => ask('PUT', key, { body })));
		assert.deepEqual(answers.map(a => a.status), [200, 200]);
		const { bytes, headers } = await ask('GET', key);
		assert.ok(bodies.some(b => b.equals(bytes)));
		assert.equal(headers.etag, `"${md5(bytes)}"`);
	}
});

test('under images/ and thumbs/ only presigned URLs for slots can write; the rest of the image bucket is not restricted', async () => {
	const slot = await openSlot(server), key = new URL(slot.fileUrl).pathname;
	for (const path of [key, '/image-uploads/images/mine.png', '/image-uploads/thumbs/mine.png']) {
		expectError(await ask('PUT', path, { body: tinyPng }), 403, 'AccessDenied');
		expectError(await ask('POST', path, { query: { uploads: '' } }), 403, 'AccessDenied');
		expectError(await ask('PUT', path, { body: 'x', query: { partNumber: 1, uploadId: 'x' } }), 403, 'AccessDenied');
		expectError(await ask('PUT', path, { headers: { 'x-amz-copy-source': '/things/k1' } }), 403, 'AccessDenied');
		const url = presign(server, 'PUT', path.slice('/image-uploads/'.length), { who });
		const own = await fetch(url, { method: 'PUT', body: tinyPng, headers: { 'Content-Type': 'image/png' } });
		assert.equal(own.status, path === key ? 200 : 403);   // with a slot, or without one
	}
	assert.equal((await putBytes(slot, tinyPng)).status, 200);   // the same again
	assert.deepEqual((await ask('GET', key)).bytes, tinyPng);
	const form = await openSlot(server, { method: 'POST' });
	assert.equal((await postForm(form, tinyPng)).status, 204);
	await put('/image-uploads/notes/a.txt', 'hello', { 'x-amz-meta-a': 'b' });
	assert.equal((await ask('GET', '/image-uploads/notes/a.txt')).headers['x-amz-meta-a'], 'b');
	assert.equal((await ask('DELETE', '/image-uploads/notes/a.txt')).status, 204);
});

test('the slots key cannot be used in a header, nor for anything else', async () => {
	const slot = await openSlot(server), key = new URL(slot.fileUrl).pathname;
	assert.equal((await putBytes(slot, tinyPng)).status, 200);
	for (const [method, path] of [['GET', key], ['PUT', key], ['DELETE', key], ['GET', '/'], ['GET', '/image-uploads'], ['GET', '/things'], ['PUT', '/image-uploads/x'], ['PUT', '/new']])
		expectError(await s3(server, method, path, { who: slots, body: method === 'PUT' ? 'x' : '' }), 403, 'AccessDenied');
	const url = new URL(slot.uploadUrl);
	for (const extra of ['&uploads', '&partNumber=1&uploadId=x', '&acl', '&x-amz-meta-a=b'])
		assert.equal((await fetch(url + extra, { method: 'PUT', body: tinyPng, headers: slot.headers })).status, 403);
});
