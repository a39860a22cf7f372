// How S3 clients protect a body, each changed in one bit: the signature in the header, the body's hash, chunk
// signatures, lengths, trailers, checksums of each kind, Content-MD5, the clock. A refused request leaves nothing.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { credentials, startServer } from './support/server.mjs';
import { presign } from './support/presign.mjs';
import { framed, s3, sendHead, sha256, signedHead } from './support/s3.mjs';

const hello = Buffer.from('hello world\n');
const large = Buffer.alloc(66560, 'a');
const sums = {
	crc32: 'rwg7LQ==', crc32c: '8P9ykg==', crc64nvme: 'D3gOhIHSoh8=',
	sha1: createHash('sha1').update(hello).digest('base64'), sha256: createHash('sha256').update(hello).digest('base64'),
};
let server, who, made = 0;

before(async () => {
	server = await startServer();
	who = credentials(server).tintype;
	assert.equal((await s3(server, 'PUT', '/things', { who })).status, 200);
});
after(() => server.stop());

const freshKey = () => `/things/k${++made}`;
const ask = (method, path, options) => s3(server, method, path, { who, ...options });

async function refused(answer, path, status, code) {
	assert.equal(`${answer.status} ${answer.code}`, `${status} ${code}`, answer.text);
	for (const name of ['Code', 'Message', 'Resource', 'RequestId'])
		assert.ok(answer.element(name), `${name} in ${answer.text}`);
	assert.equal((await ask('HEAD', path)).status, 404, 'nothing is left');
}

const flip = text => text.slice(0, -1) + (text.at(-1) === '0' ? '1' : '0');
const flipBase64 = text => (text[0] === 'A' ? 'B' : 'A') + text.slice(1);

test('a body with its hash, without one, and of no bytes', async () => {
	for (const [body, payload] of [[hello, undefined], [hello, 'UNSIGNED-PAYLOAD'], ['', undefined], ['', 'UNSIGNED-PAYLOAD'], [large, undefined]]) {
		const key = freshKey();
		const put = await ask('PUT', key, { body, payload });
		assert.equal(put.status, 200, put.text);
		assert.equal(put.headers.etag, `"${createHash('md5').update(body).digest('hex')}"`);
		const get = await ask('GET', key);
		assert.equal(get.status, 200, get.text);
		assert.deepEqual(get.bytes, Buffer.from(body));
		assert.equal(get.headers['content-type'], 'binary/octet-stream');
		assert.equal(get.headers['accept-ranges'], 'bytes');
		assert.equal(get.headers['x-content-type-options'], 'nosniff');
	}
});

test('a wrong signature, or a changed signed value', async () => {
	const cases = {
		signature: h => { h.headers.authorization = flip(h.headers.authorization); },
		path: h => { h.target += 'x'; },
		query: h => { h.target += '?x=1'; },
		header: h => { h.headers['x-amz-meta-a'] = 'c'; },
		method: h => { h.method = 'POST'; },
	};
	for (const [name, spoil] of Object.entries(cases)) {
		const key = freshKey(), head = signedHead(server, 'PUT', key, { who, body: hello, headers: { 'x-amz-meta-a': 'b' } });
		spoil(head);
		const answer = await sendHead(server, head, hello);
		assert.equal(`${name} ${answer.status} ${answer.code}`, `${name} 403 SignatureDoesNotMatch`, answer.text);
		assert.equal((await ask('HEAD', key)).status, 404);
	}
});

test('a header that is not signed', async () => {
	const key = freshKey();
	await refused(await ask('PUT', key, { body: hello, headers: { 'x-amz-meta-a': 'b' }, unsigned: ['x-amz-meta-a'] }), key, 403, 'AccessDenied');
	await refused(await ask('PUT', key, { body: hello, unsigned: ['host'] }), key, 403, 'AccessDenied');
	await refused(await ask('PUT', key, { body: hello, unsigned: ['x-amz-content-sha256'] }), key, 403, 'AccessDenied');
});

test('the authorization is malformed, of another scheme, for another scope or with an unknown key', async () => {
	const key = freshKey();
	const as = async (authorization, status, code) => {
		const head = signedHead(server, 'PUT', key, { who, body: hello });
		head.headers.authorization = authorization;
		await refused(await sendHead(server, head, hello), key, status, code);
	};
	await as('AWS4-HMAC-SHA256 nonsense', 400, 'AuthorizationHeaderMalformed');
	await as('AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c', 400, 'AuthorizationHeaderMalformed');
	await as(`AWS ${who.id}:c2lnbmF0dXJl`, 400, 'InvalidRequest');
	await as('Bearer x', 400, 'InvalidArgument');
	await as('', 403, 'AccessDenied');
	await refused(await ask('PUT', key, { body: hello, who: { id: 'AKIASTRANGER00000000', secret: 'x' } }), key, 403, 'InvalidAccessKeyId');
	const elsewhere = await ask('PUT', key, { body: hello, region: 'eu-west-1' });
	await refused(elsewhere, key, 400, 'AuthorizationHeaderMalformed');
	assert.equal(elsewhere.message, "The authorization header is malformed; the region 'eu-west-1' is wrong; expecting 'us-east-1'");
	assert.equal(elsewhere.element('Region'), 'us-east-1');
	await refused(await ask('PUT', key, { body: hello, service: 'ec2' }), key, 400, 'AuthorizationHeaderMalformed');
	await refused(await ask('PUT', key, { body: hello, headers: { 'x-amz-security-token': 'token' } }), key, 400, 'InvalidToken');
	await refused(await ask('PUT', key, { body: hello, payload: null }), key, 400, 'InvalidRequest');
	await refused(await ask('PUT', key, { body: hello, payload: 'nonsense' }), key, 400, 'InvalidArgument');
});

test('the clock is 16 minutes off, either way', async () => {
	for (const minutes of [-16, 16]) {
		const key = freshKey(), answer = await ask('PUT', key, { body: hello, at: new Date(Date.now() + minutes * 60000) });
		await refused(answer, key, 403, 'RequestTimeTooSkewed');
		assert.equal(answer.element('MaxAllowedSkewMilliseconds'), '900000');
		assert.match(answer.element('RequestTime'), /^\d{8}T\d{6}Z$/);
		assert.match(answer.element('ServerTime'), /^\d{4}-\d\d-\d\dT/);
	}
	const key = freshKey();
	assert.equal((await ask('PUT', key, { body: hello, at: new Date(Date.now() - 14 * 60000) })).status, 200);
});

test('signed in the query and in the header', async () => {
	const key = freshKey(), url = new URL(presign(server, 'PUT', key.slice(8), { who, bucket: 'things' }));
	const head = signedHead(server, 'PUT', key, { who, body: hello });
	head.target += url.search;
	await refused(await sendHead(server, head, hello), key, 400, 'InvalidArgument');
});

test('the body is not that of its hash, of Content-MD5, or of a checksum', async () => {
	const other = Buffer.from('hello world!');
	let key = freshKey();
	await refused(await ask('PUT', key, { body: other, payload: sha256(hello) }), key, 400, 'XAmzContentSHA256Mismatch');
	const md5 = createHash('md5').update(hello).digest('base64');
	await refused(await ask('PUT', key, { body: other, headers: { 'content-md5': md5 } }), key, 400, 'BadDigest');
	await refused(await ask('PUT', key, { body: hello, headers: { 'content-md5': 'x' } }), key, 400, 'InvalidDigest');
	assert.equal((await ask('PUT', key, { body: hello, headers: { 'content-md5': md5 } })).status, 200);
	for (const [kind, sum] of Object.entries(sums)) {
		key = freshKey();
		const header = `x-amz-checksum-${kind}`;
		const wrong = await ask('PUT', key, { body: hello, headers: { [header]: flipBase64(sum) } });
		await refused(wrong, key, 400, 'BadDigest');
		assert.equal(wrong.message, `The ${kind.toUpperCase()} you specified did not match the calculated checksum.`);
		const malformed = await ask('PUT', key, { body: hello, headers: { [header]: 'AAA=' } });
		await refused(malformed, key, 400, 'InvalidRequest');
		assert.equal(malformed.message, `Value for ${header} header is invalid.`);
		const put = await ask('PUT', key, { body: hello, headers: { [header]: sum, 'x-amz-sdk-checksum-algorithm': kind.toUpperCase() } });
		assert.equal(put.status, 200, put.text);
		assert.equal(put.headers[header], sum);
		assert.equal(put.headers['x-amz-checksum-type'], 'FULL_OBJECT');
		const enabled = { headers: { 'x-amz-checksum-mode': 'ENABLED' } };
		for (const method of ['GET', 'HEAD'])
			assert.equal((await ask(method, key, enabled)).headers[header], sum);
		assert.equal((await ask('GET', key)).headers[header], undefined);
		assert.equal((await ask('GET', key, { headers: { 'x-amz-checksum-mode': 'ENABLED', range: 'bytes=0-1' } })).headers[header], undefined);
	}
});

test('checksums that contradict each other', async () => {
	const key = freshKey(), cases = [
		[{ 'x-amz-checksum-crc32': sums.crc32, 'x-amz-checksum-crc32c': sums.crc32c }, 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.'],
		[{ 'x-amz-checksum-crc32': sums.crc32, 'x-amz-sdk-checksum-algorithm': 'SHA256' }, 'Value for x-amz-sdk-checksum-algorithm header is invalid.'],
		[{ 'x-amz-checksum-crc32': sums.crc32, 'x-amz-sdk-checksum-algorithm': 'MD5' }, 'Value for x-amz-sdk-checksum-algorithm header is invalid.'],
		[{ 'x-amz-sdk-checksum-algorithm': 'CRC32' }, 'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.'],
		[{ 'x-amz-trailer': 'x-amz-checksum-crc32' }, 'The x-amz-trailer header was sent, but x-amz-content-sha256 announces no trailer.'],
	];
	for (const [headers, message] of cases) {
		const answer = await ask('PUT', key, { body: hello, headers });
		await refused(answer, key, 400, 'InvalidRequest');
		assert.equal(answer.message, message);
	}
});

test('without a checksum one is computed, as S3 does', async () => {
	const key = freshKey(), put = await ask('PUT', key, { body: '123456789' });
	assert.equal(put.headers['x-amz-checksum-crc64nvme'], Buffer.from('ae8b14860a799888', 'hex').toString('base64'));
});

const chunkedHeaders = (data, more = {}) => ({ 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': Buffer.byteLength(data), ...more });

/* kind: 'unsigned' (with a trailer), 'signed', 'signed-trailer'. Headers, framing and transfer can be made wrong. */
async function putChunked(kind, key, data, { headers, http = 'length', ...framing } = {}) {
	const trailer = kind === 'signed' ? undefined : framing.trailer ?? [['x-amz-checksum-crc32', sums.crc32]];
	const payload = { unsigned: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', signed: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
		'signed-trailer': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER' }[kind];
	const announced = kind === 'signed' ? {} : { 'x-amz-trailer': 'x-amz-checksum-crc32' };
	const all = { ...chunkedHeaders(data, announced), ...headers };
	for (const name of Object.keys(all).filter(n => all[n] === undefined))
		delete all[name];
	const head = signedHead(server, 'PUT', key, { who, payload, headers: all });
	let body = framed(head, data, { ...framing, signed: kind !== 'unsigned', trailer });
	if (framing.spoil)
		body = framing.spoil(body);
	if (http === 'length')
		return sendHead(server, head, body);
	const pieces = [];
	for (let at = 0; at < body.length; at += http)
		pieces.push(body.subarray(at, at + http));
	return sendHead(server, head, pieces);
}

for (const kind of ['unsigned', 'signed', 'signed-trailer']) {
	test(`aws-chunked, ${kind}: accepted, in HTTP pieces of any size`, async () => {
		for (const http of ['length', 1, 7, 1000]) {
			const key = freshKey(), put = await putChunked(kind, key, hello, { http });
			assert.equal(put.status, 200, put.text);
			const get = await ask('GET', key);
			assert.deepEqual(get.bytes, hello);
			assert.equal(get.headers['content-encoding'], undefined);
		}
		const key = freshKey();
		const trailer = [['x-amz-checksum-sha256', createHash('sha256').update(large).digest('base64')]];
		const put = await putChunked(kind, key, large, { sizes: [65536, 1024], trailer, headers: kind === 'signed' ? {} : { 'x-amz-trailer': 'x-amz-checksum-sha256' } });
		assert.equal(put.status, 200, put.text);
		assert.deepEqual((await ask('GET', key)).bytes, large);
		const none = freshKey();
		assert.equal((await putChunked(kind, none, '', { trailer: [['x-amz-checksum-crc32', 'AAAAAA==']] })).status, 200);
		assert.equal((await ask('HEAD', none)).headers['content-length'], '0');
	});

	test(`aws-chunked, ${kind}: other codings are kept`, async () => {
		const key = freshKey(), put = await putChunked(kind, key, hello, { headers: { 'content-encoding': 'aws-chunked,gzip' } });
		assert.equal(put.status, 200, put.text);
		assert.equal((await ask('HEAD', key)).headers['content-encoding'], 'gzip');
	});

	test(`aws-chunked, ${kind}: wrong lengths`, async () => {
		const cases = [
			[{ headers: { 'x-amz-decoded-content-length': undefined } }, 411, 'MissingContentLength'],
			[{ headers: { 'x-amz-decoded-content-length': 'x' } }, 411, 'MissingContentLength'],
			[{ headers: { 'x-amz-decoded-content-length': 11 } }, 400, 'IncompleteBody'],
			[{ headers: { 'x-amz-decoded-content-length': 13 } }, 400, 'IncompleteBody'],
			[{ change: (text, n) => n === 0 ? text.replace(/^c/, 'b') : text }, 400, 'IncompleteBody'],
			[{ change: (text, n) => n === 0 ? text.replace(/^c/, 'd') : text }, 400, 'IncompleteBody'],
			[{ change: (text, n) => n === 0 ? text.replace(/^c/, 'ffffffffffffffff') : text }, 400, 'IncompleteBody'],
			[{ change: (text, n) => n === 0 ? text.replace(/^c/, '10000000000000000c') : text }, 400, 'IncompleteBody'],
			[{ change: (text, n) => n === 0 ? text.replace(/^c/, '-c') : text }, 400, 'IncompleteBody'],
			[{ change: (text, n) => n === 0 ? `${text};x=${'y'.repeat(2000)}` : text }, 400, 'IncompleteBody'],
			[{ spoil: b => b.subarray(0, b.length - 2) }, 400, 'IncompleteBody'],
			[{ spoil: b => b.subarray(0, 8) }, 400, 'IncompleteBody'],
			[{ spoil: b => Buffer.concat([b, Buffer.from('x')]) }, 400, 'IncompleteBody'],
			[{ spoil: () => hello }, 400, 'IncompleteBody'],
			[{ spoil: () => Buffer.alloc(0) }, 400, 'IncompleteBody'],
		];
		for (const [options, status, code] of cases) {
			const key = freshKey();
			await refused(await putChunked(kind, key, hello, options), key, status, code);
		}
	});
}

for (const kind of ['signed', 'signed-trailer']) {
	test(`aws-chunked, ${kind}: a changed signature or chunk`, async () => {
		const cases = [
			{ change: (text, n) => n === 0 ? flip(text) : text },
			{ change: (text, n) => n === 1 ? flip(text) : text },
			{ spoil: b => Buffer.from(b.toString('latin1').replace('hello', 'hullo'), 'latin1') },
		];
		for (const options of cases) {
			const key = freshKey();
			await refused(await putChunked(kind, key, hello, options), key, 403, 'SignatureDoesNotMatch');
		}
		for (const change of [text => text.replace(/;.*/, ''), text => text.slice(0, -1)]) {
			const key = freshKey();
			await refused(await putChunked(kind, key, hello, { change }), key, 400, 'IncompleteBody');
		}
	});

	test(`aws-chunked, ${kind}: only the last chunk may be small`, async () => {
		const key = freshKey(), trailer = [['x-amz-checksum-crc32', 'AAAAAA==']];
		await refused(await putChunked(kind, key, large, { sizes: [8191, 58369], trailer }), key, 403, 'InvalidChunkSizeError');
	});
}

test('aws-chunked, unsigned: small chunks are accepted, as JavaScript sends them', async () => {
	const key = freshKey(), put = await putChunked('unsigned', key, hello, { sizes: [1, 2, 3, 6], http: 5 });
	assert.equal(put.status, 200, put.text);
	assert.deepEqual((await ask('GET', key)).bytes, hello);
});

/* minio-go over https ends the trailer's line with LF alone, and all of it with two lines more. */
test('aws-chunked, unsigned: the trailer ends that clients send are accepted, and no others', async () => {
	const ends = { '\r\n\r\n': true, '\n\n': true, '\n\r\n': true, '\n\r\n\r\n': true, '\n\r\n\r\n\r\n': true, '\r\n\r\n\r\n': true,
		'\r\n\r\nx': false, '\n\r\n\r\nx-amz-meta-a:b\r\n': false, ['\r\n'.repeat(9)]: false };
	for (const [end, taken] of Object.entries(ends)) {
		for (const http of ['length', 1, 7]) {
			const key = freshKey();
			const put = await putChunked('unsigned', key, hello, { http, spoil: b => Buffer.concat([b.subarray(0, b.length - 4), Buffer.from(end)]) });
			if (!taken) {
				await refused(put, key, 400, 'IncompleteBody');
				continue;
			}
			assert.equal(put.status, 200, JSON.stringify(end) + put.text);
			assert.equal(put.headers['x-amz-checksum-crc32'], sums.crc32);
			assert.deepEqual((await ask('GET', key)).bytes, hello);
		}
	}
});

for (const kind of ['unsigned', 'signed-trailer']) {
	test(`aws-chunked, ${kind}: the trailer is missing, repeated, of another kind or wrong`, async () => {
		const right = ['x-amz-checksum-crc32', sums.crc32];
		const cases = [
			[{ trailer: [] }, 400, 'MalformedTrailerError'],
			[{ trailer: [right, right] }, 400, 'MalformedTrailerError'],
			[{ trailer: [['x-amz-checksum-crc32c', sums.crc32c]] }, 400, 'MalformedTrailerError'],
			[{ trailer: [right, ['x-amz-meta-a', 'b']] }, 400, 'MalformedTrailerError'],
			[{ trailer: [['x-amz-checksum-crc32', flipBase64(sums.crc32)]] }, 400, 'BadDigest'],
			[{ trailer: [['', sums.crc32]] }, 400, 'MalformedTrailerError'],
			[{ trailer: [['x-amz-checksum-crc32', 'x']] }, 400, 'InvalidRequest'],
			[{ headers: { 'x-amz-trailer': undefined } }, 400, 'InvalidRequest'],
			[{ headers: { 'x-amz-trailer': 'x-amz-meta-a' } }, 400, 'InvalidRequest'],
			[{ headers: { 'x-amz-trailer': 'x-amz-checksum-crc32,x-amz-checksum-sha1' } }, 400, 'InvalidRequest'],
			[{ headers: { 'x-amz-checksum-crc32': sums.crc32 } }, 400, 'InvalidRequest'],
		];
		for (const [options, status, code] of cases) {
			const key = freshKey();
			await refused(await putChunked(kind, key, hello, options), key, status, code);
		}
	});
}

test('aws-chunked, signed-trailer: the trailer\'s signature is wrong or missing', async () => {
	let key = freshKey();
	await refused(await putChunked('signed-trailer', key, hello, { change: (text, n) => n === 2 ? flip(text) : text }), key, 403, 'SignatureDoesNotMatch');
	key = freshKey();
	await refused(await putChunked('signed-trailer', key, hello, { spoil: b => Buffer.from(b.toString('latin1').replace(/x-amz-trailer-signature.*/s, '\r\n'), 'latin1') }),
		key, 400, 'IncompleteBody');
});

test('chunks without signatures are refused where signed ones were announced', async () => {
	const key = freshKey(), head = signedHead(server, 'PUT', key, { who, payload: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', headers: chunkedHeaders(hello) });
	await refused(await sendHead(server, head, framed(head, hello)), key, 400, 'IncompleteBody');
});
