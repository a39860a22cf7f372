// The store over HTTP: signatures altered in every part, keys of every form, bodies of every length,
// and refusals that reach clients which are still sending.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { call, corpora, corpus, credentials, eventually, fetchUrl, openSlot, postForm, putBytes, rawRequest, rawSocket, startServer, tinyPng, uploadImage } from './support/server.mjs';
import { presign as presignAt } from './support/presign.mjs';
import { hmac } from './support/sigv4.mjs';

const run = promisify(execFile);
const MAX = 5 * 1024 * 1024;
const work = mkdtempSync(path.join(tmpdir(), 'tintype-store-'));
let server, keys;
before(async () => {
	server = await startServer({ env: { TINTYPE_DEV: 'on' } });
	keys = credentials(server);
});
after(async () => {
	await server?.stop();
	rmSync(work, { recursive: true, force: true });
});

const code = answer => /<Code>(\w+)<\/Code>/.exec(answer.text)?.[1];
const presign = (method, key, options) => presignAt(server, method, key, { who: keys.tintype, ...options });

/** A request with the target exactly as given. */
const raw = (method, url, headers = '', body = '') => {
	const at = url.indexOf('/', 8);
	return rawRequest(server.storage, `${method} ${url.slice(at)} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n${headers}\r\n${body}`);
};
const rawCode = answer => /<Code>(\w+)<\/Code>/.exec(answer.body)?.[1];

test('a slot altered in any query parameter, verb, key or bucket is refused and stays usable', async () => {
	const slot = await openSlot(server);
	const url = new URL(slot.uploadUrl);
	for (const name of [...url.searchParams.keys()]) {
		const other = new URL(url);
		const value = other.searchParams.get(name);
		other.searchParams.set(name, value.replace(/.$/, c => (c === '1' ? '2' : '1')));
		const put = await putBytes({ ...slot, uploadUrl: other.href }, tinyPng);
		assert.ok([400, 403].includes(put.status), `${name}: ${put.status}`);
		other.searchParams.delete(name);
		const without = await putBytes({ ...slot, uploadUrl: other.href }, tinyPng);
		assert.ok([400, 403].includes(without.status), `without ${name}: ${without.status}`);
		const twice = await putBytes({ ...slot, uploadUrl: `${url.href}&${name}=${encodeURIComponent(value)}` }, tinyPng);
		assert.ok([400, 403].includes(twice.status), `${name} twice: ${twice.status}`);
	}
	for (const method of ['GET', 'HEAD', 'DELETE', 'POST', 'PATCH']) {
		const { status } = await fetchUrl(url, { method });
		assert.ok([400, 403, 405].includes(status), `${method}: ${status}`);
	}
	const otherKey = await putBytes({ ...slot, uploadUrl: url.href.replace(slot.imageId.slice(0, 4), '0000') }, tinyPng);
	assert.equal(otherKey.status, 403);
	assert.equal((await putBytes({ ...slot, uploadUrl: url.href.replace('/image-uploads/', '/other-bucket/') }, tinyPng)).status, 403);
	assert.equal((await putBytes(slot, tinyPng)).status, 200);
});

for (const [header, value] of [['x-amz-copy-source', '/image-uploads/images/x'], ['x-amz-acl', 'public-read'], ['x-amz-meta-a', 'b']])
	test(`an unsigned ${header} is refused`, async () => {
		const slot = await openSlot(server);
		const put = await putBytes(slot, tinyPng, { [header]: value });
		assert.equal(put.status, 403);
		assert.equal(code(put), 'AccessDenied');
		assert.match(put.text, new RegExp(header));
		assert.equal((await putBytes(slot, tinyPng)).status, 200);
	});

test('times: expired, not yet valid, within the skew', async () => {
	const { image } = await uploadImage(server);
	const key = new URL(image.fileUrl).pathname.split('/').slice(2).join('/');
	const at = minutes => new Date(Date.now() + minutes * 60000);
	const expired = await fetchUrl(presign('GET', key, { at: at(-10), expires: 60 }));
	assert.equal(expired.status, 403);
	assert.match(expired.text, /<Code>AccessDenied<\/Code>.*Request has expired/s);
	assert.equal((await fetchUrl(presign('GET', key, { at: at(14) }))).status, 200);
	const early = await fetchUrl(presign('GET', key, { at: at(16) }));
	assert.equal(early.status, 403);
	const never = await fetchUrl(presign('GET', key, { at: at(-1), expires: 0 }));
	assert.equal(never.status, 403);
	assert.match(never.text, /<Code>AccessDenied<\/Code>.*Request has expired/s);
	for (const expires of [-1, 604801, 'x'])
		assert.equal(code(await fetchUrl(presign('GET', key, { expires }))), 'AuthorizationQueryParametersError', `X-Amz-Expires=${expires}`);
	assert.equal((await fetchUrl(presign('GET', key, { expires: 604800 }))).status, 200);
});

test('signers: none, an unknown key, the slots key outside of images', async () => {
	assert.equal(code(await fetchUrl(`${server.storage}/image-uploads/images/x`)), 'AccessDenied');
	assert.equal(code(await fetchUrl(presign('GET', 'images/x', { who: { id: 'AKIASTRANGER00000000', secret: 'x' } }))), 'InvalidAccessKeyId');
	assert.equal(code(await fetchUrl(presign('GET', 'other/x', { who: keys.slots }))), 'AccessDenied');
	assert.equal(code(await fetchUrl(presign('PUT', 'other/x', { who: keys.slots }), { method: 'PUT', body: 'x' })), 'AccessDenied');
	assert.equal(code(await fetchUrl(presign('GET', 'x', { who: keys.slots, bucket: 'other' }))), 'AccessDenied');
	assert.equal(code(await fetchUrl(presign('GET', 'x', { bucket: 'no-such-bucket' }))), 'NoSuchBucket');
	assert.equal(code(await fetchUrl(presign('GET', 'no/such/key'))), 'NoSuchKey');
});

test('keys of every form that S3 allows are stored and read', async () => {
	for (const key of ['a b', 'a+b', 'a%2Fb', 'a//b', '../a', 'a/../b', './a', 'ünï/❤️', "q'u\"o<t>e&s", 'x'.repeat(1024), '%', 'a?b', 'a#b', '~', '*(!)']) {
		const put = await raw('PUT', presign('PUT', key), `Content-Length: ${key.length}\r\n`, key.replace(/[^\x20-\x7e]/g, '?').padEnd(key.length).slice(0, key.length));
		assert.equal(put.status, 200, `${key}: ${put.body}`);
		const get = await raw('GET', presign('GET', key));
		assert.equal(get.status, 200, `${key}: ${get.body}`);
		assert.equal(Number(get.headers.get('content-length')), key.length);
	}
	assert.deepEqual(readdirSync(path.dirname(server.data)), ['data'], 'no key leaves the data directory');
});

test('keys that S3 does not allow are refused', async () => {
	assert.equal(rawCode(await raw('PUT', presign('PUT', 'x'.repeat(1025)), 'Content-Length: 1\r\n', 'x')), 'KeyTooLongError');
	for (const bad of ['a%00b', 'a%FFb', 'a%C0%80b']) {
		const answer = await raw('PUT', presign('PUT', 'KEY').replace('KEY', bad), 'Content-Length: 1\r\n', 'x');
		assert.ok([400, 403].includes(answer.status), `${bad}: ${answer.status}`);
	}
	assert.ok([400, 403].includes((await raw('GET', presign('GET', 'KEY').replace('KEY', 'a%zz'))).status));
});

test('a body of 0 bytes, of the maximum and of one more', async () => {
	const jpeg = corpus('good/photo.jpg');
	const sized = n => Buffer.concat([jpeg, Buffer.alloc(n - jpeg.length)]);
	const slot = () => openSlot(server, { fileName: 'a.jpg', fileType: 'image/jpeg' });
	const empty = await slot();
	assert.equal(code(await putBytes(empty, '')), 'InvalidRequest');
	assert.equal((await call(server, 'GET', `/images/${empty.imageId}`)).json.status, 'rejected');
	assert.equal((await putBytes(await slot(), sized(MAX))).status, 200);
	const over = await slot();
	const put = await putBytes(over, sized(MAX + 1));
	assert.equal(code(put), 'EntityTooLarge');
	assert.equal((await call(server, 'GET', `/images/${over.imageId}`)).json.status, 'pending', 'too large is no verdict');
	assert.equal((await putBytes(over, jpeg)).status, 200);
});

test('chunked bodies are measured, and refused where the length is signed', async () => {
	const chunked = (slot, pieces, more = '') => {
		const body = pieces.map(p => `${p.length.toString(16)}\r\n${p.toString('latin1')}\r\n`).join('') + '0\r\n\r\n';
		const url = new URL(slot.uploadUrl);
		const head = `PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n${more}\r\n`;
		return rawRequest(server.storage, Buffer.from(head + body, 'latin1'));
	};
	const one = await openSlot(server);
	assert.equal((await chunked(one, [tinyPng.subarray(0, 10), tinyPng.subarray(10)])).status, 200);
	assert.equal((await call(server, 'GET', `/images/${one.imageId}`)).json.fileSize, tinyPng.length);
	const signed = await openSlot(server, { fileSize: tinyPng.length });
	const refused = await chunked(signed, [tinyPng]);
	assert.ok([400, 403].includes(refused.status));
	assert.equal((await putBytes(signed, tinyPng)).status, 200);
	const large = await openSlot(server);
	const cut = await chunked(large, Array.from({ length: 90 }, () => Buffer.alloc(65536)));
	assert.equal(rawCode(cut), 'EntityTooLarge');
	const none = await raw('PUT', (await openSlot(server)).uploadUrl, 'Content-Type: image/png\r\n');
	assert.equal(none.status, 411);
	assert.equal(rawCode(none), 'MissingContentLength');
});

test('a signed length binds the body', async () => {
	const slot = await openSlot(server, { fileSize: tinyPng.length });
	for (const body of [tinyPng.subarray(1), Buffer.concat([tinyPng, Buffer.from('x')])])
		assert.equal(code(await putBytes(slot, body)), 'SignatureDoesNotMatch');
	assert.equal((await putBytes(slot, tinyPng)).status, 200);
});

test('a body that is cut off leaves the slot pending and nothing on disk', async t => {
	const slot = await openSlot(server);
	const url = new URL(slot.uploadUrl);
	const socket = await rawSocket(server.storage);
	t.after(() => socket.end());
	await socket.send(`PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: image/png\r\nContent-Length: 100000\r\n\r\nabc`);
	await eventually(() => readdirSync(path.join(server.data, 'incoming')).length > 0, { what: 'the body on disk' });
	await socket.end();
	await eventually(() => readdirSync(path.join(server.data, 'incoming')).length === 0, { what: 'an empty incoming/' });
	assert.equal((await call(server, 'GET', `/images/${slot.imageId}`)).json.status, 'pending');
	assert.equal((await putBytes(slot, tinyPng)).status, 200);
});

test('digests', async () => {
	const slot = await openSlot(server);
	const md5 = bytes => createHash('md5').update(bytes).digest('base64');
	assert.equal(code(await putBytes(slot, tinyPng, { 'Content-MD5': md5('other') })), 'BadDigest');
	assert.equal(code(await putBytes(slot, tinyPng, { 'Content-MD5': 'no base64' })), 'InvalidDigest');
	const put = await putBytes(slot, tinyPng, { 'Content-MD5': md5(tinyPng) });
	assert.equal(put.status, 200);
	assert.equal(put.headers.get('etag'), `"${createHash('md5').update(tinyPng).digest('hex')}"`);
});

test('ranges and conditions', async () => {
	const { image } = await uploadImage(server);
	const get = headers => fetchUrl(image.downloadUrl, { headers });
	const whole = await get({});
	assert.ok(whole.bytes.equals(tinyPng));
	const etag = whole.headers.get('etag');
	const part = await get({ Range: 'bytes=1-3' });
	assert.deepEqual([part.status, part.text, part.headers.get('content-range')], [206, 'PNG', `bytes 1-3/${tinyPng.length}`]);
	assert.equal((await get({ Range: 'bytes=-2' })).bytes.length, 2);
	assert.equal((await get({ Range: 'bytes=0-0,2-3' })).status, 200);
	const outside = await get({ Range: `bytes=${tinyPng.length}-` });
	assert.deepEqual([outside.status, code(outside)], [416, 'InvalidRange']);
	assert.equal((await get({ 'If-None-Match': etag })).status, 304);
	assert.equal(code(await get({ 'If-Match': '"other"' })), 'PreconditionFailed');
	assert.equal((await get({ 'If-Modified-Since': whole.headers.get('last-modified') })).status, 304);
	assert.equal(whole.headers.get('x-content-type-options'), 'nosniff');
	assert.equal(whole.headers.get('content-security-policy'), "sandbox; default-src 'none'");
	assert.equal(whole.headers.get('content-type'), 'image/png');
	assert.ok(whole.headers.get('x-amz-request-id'));
});

for (const [what, bytes, type] of [
	['a JPEG called PNG', () => corpus('good/photo.jpg'), 'image/png'],
	['HTML called JPEG', () => Buffer.from('<!doctype html><script>alert(1)</script>'), 'image/jpeg'],
	['8 bytes', () => Buffer.from('89504e470d0a1a0a', 'hex'), 'image/png'],
	['a PNG that claims 65535 x 65535', () => {
		const png = Buffer.from(tinyPng);
		png.writeUInt32BE(65535, 16);
		png.writeUInt32BE(65535, 20);
		let crc = 0xffffffff;
		for (const byte of png.subarray(12, 29)) {
			crc ^= byte;
			for (let i = 0; i < 8; i++)
				crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
		}
		png.writeUInt32BE((crc ^ 0xffffffff) >>> 0, 29);
		return png;
	}, 'image/png'],
])
	test(`${what} is rejected with a message and leaves no byte`, async () => {
		await eventually(() => readdirSync(path.join(server.data, 'incoming')).length === 0, { what: 'earlier uploads in their place' });
		const before = readdirSync(path.join(server.data, 'objects'), { recursive: true }).length;
		const slot = await openSlot(server, { fileName: 'a', fileType: type });
		const put = await putBytes(slot, bytes());
		assert.deepEqual([put.status, code(put)], [400, 'InvalidRequest']);
		const { json } = await call(server, 'GET', `/images/${slot.imageId}`);
		assert.equal(json.status, 'rejected');
		assert.ok(json.reason.length > 20, json.reason);
		assert.deepEqual(readdirSync(path.join(server.data, 'incoming')), []);
		assert.equal(readdirSync(path.join(server.data, 'objects'), { recursive: true }).length, before);
		assert.equal((await putBytes(slot, tinyPng)).status, 403, 'a rejected slot slot is closed more');
		assert.ok(!(await call(server, 'GET', '/images?limit=1000')).json.images.some(i => i.imageId === slot.imageId));
	});

for (const [what, dir] of corpora()) test(`every good file of ${what} is accepted with its real type, every broken one does no harm`, async () => {
	const types = { jpg: 'image/jpeg', png: 'image/png', gif: 'image/gif', webp: 'image/webp' };
	for (const folder of ['good', 'broken']) {
		const files = readdirSync(path.join(dir, folder));
		assert.ok(files.length > 3);
		for (const name of files) {
			const bytes = readFileSync(path.join(dir, folder, name));
			const slot = await openSlot(server, { fileName: name, fileType: types[name.split('.').at(-1)] });
			const put = await putBytes(slot, bytes);
			const { json } = await call(server, 'GET', `/images/${slot.imageId}`);
			assert.ok(put.status === 200 || (folder === 'broken' && put.status === 400), `${name}: ${put.status} ${put.text}`);
			assert.equal(json.status, put.status === 200 ? 'uploaded' : 'rejected');
			if (put.status !== 200)
				continue;
			assert.equal(json.receivedSize, bytes.length);
			assert.ok(json.width > 0 && json.height > 0, name);
			const stored = (await fetchUrl(json.downloadUrl)).bytes;
			assert.deepEqual([json.fileSize, json.etag], [stored.length, createHash('md5').update(stored).digest('hex')], name);
			assert.ok(folder === 'broken' || json.removed || stored.equals(bytes), name);
		}
	}
});

test('a form accepts an image within its range and nothing else', async () => {
	const slot = () => openSlot(server, { method: 'POST' });
	const good = await slot();
	assert.ok([200, 201, 204].includes((await postForm(good, tinyPng, { fileType: 'image/png' })).status));
	assert.equal((await call(server, 'GET', `/images/${good.imageId}`)).json.status, 'uploaded');
	const large = await slot();
	assert.equal(code(await postForm(large, Buffer.alloc(MAX + 1), { fileType: 'image/png' })), 'EntityTooLarge');
	assert.equal(code(await postForm(large, Buffer.alloc(0), { fileType: 'image/png' })), 'EntityTooSmall');
	const more = await slot();
	assert.equal(code(await postForm({ ...more, fields: { ...more.fields, 'x-amz-meta-a': 'b' } }, tinyPng)), 'AccessDenied', 'a field that is not in the policy');
	for (const name of Object.keys(more.fields)) {
		const altered = await postForm({ ...more, fields: { ...more.fields, [name]: `${more.fields[name]}x` } }, tinyPng);
		assert.ok([400, 403].includes(altered.status), `${name} altered: ${altered.status}`);
	}
	assert.ok((await postForm(more, tinyPng)).status < 300);
});

test('unsupported requests get S3\'s errors, and every response has its request id', async () => {
	const { image, slot } = await uploadImage(server);
	const key = new URL(image.fileUrl).pathname.split('/').slice(2).join('/');
	const put = (options, more) => fetchUrl(presign('PUT', 'plain', options), { method: 'PUT', body: 'x', ...more });
	const form = await openSlot(server, { method: 'POST' });
	const signPolicy = text => {
		const policy = Buffer.from(text).toString('base64');
		const [, day, region, service] = (form.fields['x-amz-credential'] ?? form.fields['X-Amz-Credential']).split('/');
		const secret = [day, region, service, 'aws4_request'].reduce(hmac, `AWS4${keys.slots.secret}`);
		const fields = Object.fromEntries(Object.entries(form.fields).map(([k, v]) => [k.toLowerCase(), v]));
		return { ...form, fields: { ...fields, policy, 'x-amz-signature': hmac(secret, policy).toString('hex') } };
	};
	const multipart = body => fetchUrl(form.uploadUrl, { method: 'POST', body, headers: { 'Content-Type': 'multipart/form-data; boundary=b' } });
	const cases = [
		['MethodNotAllowed', 405, () => fetchUrl(presign('PATCH', 'plain'), { method: 'PATCH' })],
		['NoSuchUpload', 404, () => fetchUrl(presign('DELETE', 'plain', { query: { uploadId: 'x' } }), { method: 'DELETE' })],
		['NotImplemented', 501, () => put({}, { headers: { 'If-None-Match': '"x"' } })],
		['NotImplemented', 501, () => fetchUrl(presign('PUT', 'plain', { query: { tagging: '' } }), { method: 'PUT', body: 'x' })],
		['NoSuchKey', 404, () => fetchUrl(presign('PUT', 'never-written'), { method: 'PUT', body: 'x', headers: { 'If-Match': '"x"' } })],
		['InvalidArgument', 400, () => fetchUrl(presign('GET', key, { query: { 'response-content-type': 'text/\u0100' } }))],
		['PreconditionFailed', 412, () => fetchUrl(slot.uploadUrl, { method: 'PUT', body: tinyPng, headers: { ...slot.headers, 'If-None-Match': '*' } })],
		['NoSuchBucket', 404, () => put({ bucket: 'no-such-bucket' })],
		['AuthorizationQueryParametersError', 400, () => put({ region: 'eu-central-1' })],
		['AuthorizationQueryParametersError', 400, () => put({ service: 'sqs' })],
		['MalformedPOSTRequest', 400, () => multipart('no form at all')],
		['MalformedPOSTRequest', 400, () => multipart('--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nimages/x')],
		['InvalidPolicyDocument', 400, () => postForm(signPolicy('no JSON'), tinyPng)],
		['InvalidPolicyDocument', 400, () => postForm(signPolicy('{"expiration":"soon","conditions":[]}'), tinyPng)],
		['AccessDenied', 403, () => postForm(signPolicy('{"expiration":"2020-01-01T00:00:00Z","conditions":[]}'), tinyPng)],
		['AccessDenied', 403, () => postForm(signPolicy(`{"expiration":"${new Date(Date.now() + 60000).toISOString()}","conditions":[]}`), tinyPng)],
		['AccessDenied', 403, () => fetchUrl(`${server.storage}/`)],
		['AccessDenied', 403, () => fetchUrl(`${server.storage}/image-uploads?list-type=2`)],
	];
	for (const [want, status, ask] of cases) {
		const answer = await ask();
		assert.deepEqual([code(answer), answer.status], [want, status], `${ask}: ${answer.text}`);
		const id = answer.headers.get('x-amz-request-id');
		assert.ok(id && answer.text.includes(`<RequestId>${id}</RequestId>`), `${ask}`);
		assert.match(answer.text, /^<\?xml version="1.0" encoding="UTF-8"\?>\n<Error>/);
		assert.equal(answer.headers.get('content-type'), 'application/xml');
	}
	assert.equal((await call(server, 'GET', `/images/${form.imageId}`)).json.status, 'pending');
});

test('clients that send HEAD first can follow the redirect of an image\'s file', async () => {
	const { image } = await uploadImage(server);
	for (const method of ['GET', 'HEAD']) {
		const first = await fetchUrl(`${server.api}/prod/images/${image.imageId}/file`, { method, redirect: 'manual' });
		assert.equal(first.status, 302);
		const then = await fetchUrl(first.headers.get('location'), { method });
		assert.deepEqual([then.status, then.headers.get('content-type')], [200, 'image/png'], method);
	}
});

test('the holder of a slot\'s URL controls nothing but the image\'s bytes', async () => {
	const slot = await openSlot(server);
	const more = { 'content-encoding': 'gzip', 'cache-control': 'no-store', expires: '0', 'content-language': 'tlh', 'x-amz-website-redirect-location': '/x' };
	assert.equal((await fetchUrl(slot.uploadUrl, { method: 'PUT', body: tinyPng, headers: { ...slot.headers, ...more } })).status, 403, 'x-amz-* is not signed');
	delete more['x-amz-website-redirect-location'];
	assert.equal((await fetchUrl(slot.uploadUrl, { method: 'PUT', body: tinyPng, headers: { ...slot.headers, ...more } })).status, 200);
	const image = (await call(server, 'GET', `/images/${slot.imageId}`)).json, got = await fetchUrl(image.downloadUrl);
	assert.equal(got.status, 200);
	for (const name of Object.keys(more))
		assert.equal(got.headers.get(name), name === 'cache-control' ? 'private, max-age=300, immutable' : null, name);
});

test('a request for something missing is not logged as a failure of the server', async () => {
	const url = presign('PUT', 'plain', { query: { tagging: '' } });
	const answer = await fetchUrl(url, { method: 'PUT', body: 'x' });
	assert.equal(answer.status, 501);
	const id = answer.headers.get('x-amz-request-id');
	await server.waitForEvent(e => e.event === 'request' && e.requestId === id);
	assert.deepEqual(server.events().filter(l => l.requestId === id).map(l => [l.event, l.level]), [['request', 'info']]);
});

test('HEAD is GET without the body, and the query may choose type and disposition', async () => {
	const { image } = await uploadImage(server);
	const key = new URL(image.fileUrl).pathname.split('/').slice(2).join('/');
	const get = await fetchUrl(presign('GET', key)), head = await fetchUrl(presign('HEAD', key), { method: 'HEAD' });
	assert.deepEqual([head.status, head.text], [200, '']);
	for (const name of ['content-length', 'content-type', 'etag', 'last-modified', 'accept-ranges', 'x-content-type-options', 'content-security-policy'])
		assert.equal(head.headers.get(name), get.headers.get(name), name);
	const query = { 'response-content-type': 'application/octet-stream', 'response-content-disposition': 'attachment; filename="a b.png"' };
	const chosen = await fetchUrl(presign('GET', key, { query }));
	assert.equal(chosen.headers.get('content-type'), 'application/octet-stream');
	assert.equal(chosen.headers.get('content-disposition'), 'attachment; filename="a b.png"');
	assert.equal(code(await fetchUrl(`${presign('GET', key)}&response-content-type=text%2Fhtml`)), 'SignatureDoesNotMatch', 'only the signer may choose');
	const missing = await fetchUrl(presign('HEAD', 'no/such'), { method: 'HEAD' });
	assert.deepEqual([missing.status, missing.text], [404, '']);
	assert.ok(missing.headers.get('x-amz-request-id'));
});

test('the slots key can put and get under images/, and nothing else', async () => {
	const who = keys.slots;
	const { image } = await uploadImage(server);
	const key = new URL(image.fileUrl).pathname.split('/').slice(2).join('/');
	assert.equal((await fetchUrl(presign('GET', key, { who }))).status, 200);
	for (const method of ['DELETE', 'PATCH'])
		assert.ok([403, 405].includes((await fetchUrl(presign(method, key, { who }), { method })).status), method);
	for (const other of ['', 'imagesx', 'other/images/x', 'images'])
		for (const method of ['GET', 'PUT'])
			assert.ok([403, 405].includes((await fetchUrl(presign(method, other, { who }), { method, body: method === 'PUT' ? 'x' : undefined })).status), `${method} ${other}`);
	assert.equal((await fetchUrl(image.downloadUrl)).status, 200);
});

test('the same bytes again are 200 with the same ETag, other bytes 412', async () => {
	const { slot, put } = await uploadImage(server);
	const again = await putBytes(slot, tinyPng);
	assert.deepEqual([again.status, again.headers.get('etag')], [200, put.headers.get('etag')]);
	const other = Buffer.from(tinyPng);
	other[other.length - 1] ^= 1;
	const refused = await putBytes(slot, other);
	assert.deepEqual([refused.status, code(refused)], [412, 'PreconditionFailed']);
	assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`)).status, 204);
	assert.equal((await putBytes(slot, tinyPng)).status, 403);
});

test('of two concurrent uploads one wins', async () => {
	const pictures = ['good/photo.jpg', 'good/small.jpg'].map(corpus);
	for (let i = 0; i < 20; i++) {
		const slot = await openSlot(server, { fileName: 'a.jpg', fileType: 'image/jpeg' });
		const puts = await Promise.all(pictures.map(p => putBytes(slot, p)));
		assert.deepEqual(puts.map(p => p.status).sort(), [200, 412]);
		const { json } = await call(server, 'GET', `/images/${slot.imageId}`);
		assert.ok((await fetchUrl(json.downloadUrl)).bytes.equals(pictures[puts.findIndex(p => p.status === 200)]));
	}
});

test('development mode names the mistake', async t => {
	const slot = await openSlot(server);
	const put = await putBytes(slot, tinyPng, { 'Content-Type': 'application/octet-stream' });
	assert.equal(code(put), 'SignatureDoesNotMatch');
	assert.match(put.text, /<CanonicalRequest>/);
	assert.match(put.text, /<StringToSign>/);
	assert.match(put.text, /[Cc]ontent-?[Tt]ype/);
	const plain = await startServer({ env: { TINTYPE_DEV: 'off' } });
	t.after(() => plain.stop());
	const hidden = await putBytes(await openSlot(plain), tinyPng, { 'Content-Type': 'application/octet-stream' });
	assert.equal(code(hidden), 'SignatureDoesNotMatch');
	assert.doesNotMatch(hidden.text, /CanonicalRequest|StringToSign|Content-Type/);
});

test('CORS: preflight and ETag exposed, on errors too', async () => {
	const preflight = await fetchUrl(`${server.storage}/image-uploads/images/x`, {
		method: 'OPTIONS', headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'content-type' },
	});
	assert.ok([200, 204].includes(preflight.status));
	assert.match(preflight.headers.get('access-control-allow-methods'), /PUT/);
	assert.match(preflight.headers.get('access-control-allow-headers'), /content-type/i);
	const refused = await fetchUrl(`${server.storage}/image-uploads/images/x`, { headers: { Origin: 'https://app.example' } });
	assert.equal(refused.status, 403);
	assert.ok(['*', 'https://app.example'].includes(refused.headers.get('access-control-allow-origin')));
	assert.match(refused.headers.get('access-control-expose-headers'), /etag/i);
});

test('a refusal reaches clients that are still sending, with its XML: fetch, urllib, curl', async () => {
	const body = Buffer.alloc(MAX, 'x');
	const file = path.join(work, 'body');
	writeFileSync(file, body);
	const wrong = (await openSlot(server)).uploadUrl.replace(/Signature=(.)/, (all, c) => `Signature=${c === '0' ? '1' : '0'}`);
	for (let i = 0; i < 3; i++)
		assert.equal(code(await fetchUrl(wrong, { method: 'PUT', body, headers: { 'Content-Type': 'image/png' } })), 'SignatureDoesNotMatch');
	const python = `import sys,urllib.request as u,urllib.error as e
b=open(sys.argv[2],'rb').read()
for i in range(3):
  try: print(u.urlopen(u.Request(sys.argv[1],b,{'Content-Type':'image/png'},method='PUT')).status)
  except e.HTTPError as x: print(x.code,b'SignatureDoesNotMatch' in x.read())`;
	assert.equal((await run('python3', ['-c', python, wrong, file])).stdout, '403 True\n'.repeat(3));
	for (const more of [[], ['-H', 'Expect:'], ['-H', 'Expect: 100-continue']])
		assert.match((await run('curl', ['-s', '-w', '%{http_code}', '-T', file, '-H', 'Content-Type: image/png', ...more, wrong])).stdout, /SignatureDoesNotMatch[^]*403$/);
});
