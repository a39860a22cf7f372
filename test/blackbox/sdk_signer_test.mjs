// Our verifier against an independent signer, and our signer against it: the AWS SDK for
// JavaScript. Its presigned URLs are sent by fetch to a server that records the request, so that the verified
// request is one that a real client made; its POST forms are verified directly.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test } from 'node:test';

const require = createRequire(new URL('../npm/package.json', import.meta.url));
const { S3Client, GetObjectCommand, HeadObjectCommand, PutObjectCommand } = require('@aws-sdk/client-s3');
const { getSignedUrl } = require('@aws-sdk/s3-request-presigner');
const { createPresignedPost } = require('@aws-sdk/s3-presigned-post');

const credentials = { accessKeyId: 'AKIAMAINMAINMAINMAIN', secretAccessKey: 'main/main+mainmainmainmainmainmainmainma' };
const region = 'us-east-1';
const signingDate = new Date('2026-11-22T07:39:26Z');
const date = '20261122T073926Z';
const own = new Set(['X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-Expires', 'X-Amz-SignedHeaders', 'X-Amz-Signature', 'X-Amz-Security-Token']);

let listener, endpoint, arrived;

before(async () => {
	listener = http.createServer((request, response) => {
		arrived = request;
		request.resume().on('end', () => response.end());
	}).listen(0, '127.0.0.1');
	await once(listener, 'listening');
	endpoint = `http://127.0.0.1:${listener.address().port}`;
});
after(() => {
	listener.closeAllConnections();
	listener.close();
});

function tool(command, input) {
	assert.ok(process.env.TINTYPE_BUILD, 'TINTYPE_BUILD must name the build directory');
	const file = path.join(process.env.TINTYPE_BUILD, 'test/sigv4/verify_tool');
	const { status, stdout, stderr } = spawnSync(file, [command], { input: JSON.stringify(input), encoding: 'utf8' });
	assert.equal(status, 0, stderr);
	return stdout.trimEnd();
}

function client(more = {}) {
	return new S3Client({ endpoint, region, credentials, forcePathStyle: true, ...more });
}

/** The request that fetch sends for the URL, in the form that verify_tool reads. */
async function ask(url, { method = 'GET', headers = {}, body } = {}) {
	await fetch(url, { method, headers, body });
	const pairs = [];
	for (let i = 0; i < arrived.rawHeaders.length; i += 2)
		pairs.push([arrived.rawHeaders[i], arrived.rawHeaders[i + 1]]);
	return { method: arrived.method, target: arrived.url, headers: pairs, secret: credentials.secretAccessKey, region, date };
}

async function assertTaken(url, options) {
	assert.equal(tool('verify', await ask(url, options)), 'OK', url);
}

/** Our URL for the same inputs has the same parameters and the same signature. */
function assertSameAsOurs(url, { method, key, headers = [], token = '' }) {
	const theirs = new URL(url).searchParams;
	const query = [...theirs].filter(([name]) => !own.has(name));
	const ours = tool('presign', {
		method, baseUrl: endpoint, path: `/bucket/${key}`, headers, query, region, date, token,
		accessKey: credentials.accessKeyId, secret: credentials.secretAccessKey, expires: 300,
	});
	assert.deepEqual([...new URL(ours).searchParams].sort(), [...theirs].sort());
}

const keys = ['k', 'images/a b.jpg', 'a+b', 'a%b', 'a%2Bb%20', 'ü/€/😀.png', 'a//b', '/a', "it's (1)!*,;:@&=$.png", 'a?b#c', '~-._', 'a\\b"<>^`{|}', 'x/...'];

for (const key of keys) {
	test(`a presigned PUT of ${JSON.stringify(key)} is accepted and equals ours`, async () => {
		const url = await getSignedUrl(client(), new PutObjectCommand({ Bucket: 'bucket', Key: key }), { expiresIn: 300, signingDate });
		await assertTaken(url, { method: 'PUT', body: 'hello' });
		assertSameAsOurs(url, { method: 'PUT', key });
	});
	test(`a presigned GET of ${JSON.stringify(key)} is accepted and equals ours`, async () => {
		const url = await getSignedUrl(client(), new GetObjectCommand({ Bucket: 'bucket', Key: key }), { expiresIn: 300, signingDate });
		await assertTaken(url);
		assertSameAsOurs(url, { method: 'GET', key });
	});
}

test('checksum defaults sign the CRC32 of nothing into the URL, which is accepted', async () => {
	const url = await getSignedUrl(client(), new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Metadata: { a: 'b' } }), { expiresIn: 300, signingDate });
	const parameters = new URL(url).searchParams;
	assert.equal(parameters.get('x-amz-checksum-crc32'), 'AAAAAA==');
	assert.equal(parameters.get('X-Amz-Content-Sha256'), 'UNSIGNED-PAYLOAD');
	assert.equal(parameters.get('x-amz-meta-a'), 'b');
	await assertTaken(url, { method: 'PUT', body: 'hello', headers: { 'content-type': 'image/jpeg' } });
	assertSameAsOurs(url, { method: 'PUT', key: 'k' });
});

test('WHEN_REQUIRED leaves the checksum out, and the URL is accepted', async () => {
	const s3 = client({ requestChecksumCalculation: 'WHEN_REQUIRED' });
	const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket: 'bucket', Key: 'k' }), { expiresIn: 300, signingDate });
	assert.equal(new URL(url).searchParams.get('x-amz-checksum-crc32'), null);
	await assertTaken(url, { method: 'PUT', body: 'hello' });
	assertSameAsOurs(url, { method: 'PUT', key: 'k' });
});

test('a content disposition of UTF-8 and blanks in the query is accepted, with blanks as + too', async () => {
	const command = new GetObjectCommand({
		Bucket: 'bucket', Key: 'k', ResponseContentType: 'image/jpeg',
		ResponseContentDisposition: `attachment; filename="a +b.jpg"; filename*=UTF-8''${encodeURIComponent('ü €😀.jpg')}; x=ü`,
	});
	const url = await getSignedUrl(client(), command, { expiresIn: 300, signingDate });
	await assertTaken(url);
	assertSameAsOurs(url, { method: 'GET', key: 'k' });
	assert.match(url, /%20/);
	await assertTaken(url.replaceAll('%20', '+'));
});

test('HEAD is accepted, and a GET with its URL is not', async () => {
	const url = await getSignedUrl(client(), new HeadObjectCommand({ Bucket: 'bucket', Key: 'k' }), { expiresIn: 300, signingDate });
	await assertTaken(url, { method: 'HEAD' });
	const answer = tool('verify', await ask(url));
	assert.match(answer, /^signature_wrong The request signature we calculated does not match/);
	assert.match(answer, /signed for the method HEAD/);
});

test('signed headers are accepted when they are sent and refused when not', async () => {
	const command = new PutObjectCommand({ Bucket: 'bucket', Key: 'k', ContentType: 'image/jpeg', ContentLength: 5, Metadata: { a: 'b' } });
	const url = await getSignedUrl(client(), command, {
		expiresIn: 300, signingDate, signableHeaders: new Set(['content-type', 'content-length']), unhoistableHeaders: new Set(['x-amz-meta-a']),
	});
	assert.equal(new URL(url).searchParams.get('X-Amz-SignedHeaders'), 'content-length;content-type;host;x-amz-meta-a');
	const headers = { 'content-type': 'image/jpeg', 'x-amz-meta-a': 'b' };
	await assertTaken(url, { method: 'PUT', body: 'hello', headers });
	assertSameAsOurs(url, { method: 'PUT', key: 'k', headers: [...Object.entries(headers), ['content-length', '5']] });
	for (const wrong of [{ 'content-type': 'image/jpeg' }, { ...headers, 'content-type': 'image/png' }, { ...headers, 'x-amz-meta-a': 'c' }])
		assert.match(tool('verify', await ask(url, { method: 'PUT', body: 'hello', headers: wrong })), /^signature_wrong/);
	assert.match(tool('verify', await ask(url, { method: 'PUT', body: 'hello!', headers })), /^signature_wrong/);
});

test('an x-amz header that was not signed is refused by name', async () => {
	const url = await getSignedUrl(client(), new PutObjectCommand({ Bucket: 'bucket', Key: 'k' }), { expiresIn: 300, signingDate });
	const answer = tool('verify', await ask(url, { method: 'PUT', body: 'hello', headers: { 'x-amz-acl': 'public-read' } }));
	assert.match(answer, /^header_unsigned There were headers present in the request which were not signed: x-amz-acl$/);
});

test('a session token travels in the query', async () => {
	const s3 = client({ credentials: { ...credentials, sessionToken: 'to/k+en==' } });
	const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket: 'bucket', Key: 'k' }), { expiresIn: 300, signingDate });
	await assertTaken(url);
	assertSameAsOurs(url, { method: 'GET', key: 'k', token: 'to/k+en==' });
});

test('another secret, region, time, host or path is refused with the right error', async () => {
	const url = await getSignedUrl(client(), new GetObjectCommand({ Bucket: 'bucket', Key: 'k' }), { expiresIn: 300, signingDate });
	const request = await ask(url);
	const answers = [
		[{ secret: 'other' }, /^signature_wrong/], [{ region: 'eu-west-1' }, /^auth_malformed .*the region 'us-east-1' is wrong; expecting 'eu-west-1'/],
		[{ date: '20261122T074427Z' }, /^signature_expired Request has expired/], [{ date: '20261122T072425Z' }, /^signature_expired Request is not valid yet/],
		[{ date: '20261122T074426Z' }, /^OK/], [{ headers: [['Host', 'localhost']] }, /^signature_wrong/],
		[{ target: request.target.replace('/bucket/k', '/bucket/l') }, /^signature_wrong/],
	];
	for (const [change, expected] of answers)
		assert.match(tool('verify', { ...request, ...change }), expected);
});

async function makeForm(more = {}) {
	const { url, fields } = await createPresignedPost(client(), {
		Bucket: 'bucket', Key: 'images/a "ü".jpg', Expires: 300, Fields: { 'Content-Type': 'image/jpeg' },
		Conditions: [['content-length-range', 1, 5242880]], ...more,
	});
	assert.equal(url, `${endpoint}/bucket`);
	const now = fields['X-Amz-Date'];
	return { fields: Object.entries(fields), bucket: 'bucket', secret: credentials.secretAccessKey, region, date: now };
}

test('a presigned POST is accepted within its range', async () => {
	assert.equal(tool('form', await makeForm()), 'OK\n1 5242880');
});

test('a presigned POST whose key is a prefix is accepted for keys below it only', async () => {
	const form = await makeForm({ Key: 'user/${filename}', Fields: {}, Conditions: [['starts-with', '$Content-Type', 'image/']] });
	const set = (key, type) => form.fields.map(([name, value]) => [name, name === 'key' ? key : value]).concat([['Content-Type', type]]);
	assert.equal(tool('form', { ...form, fields: set('user/a.jpg', 'image/png') }), 'OK');
	assert.match(tool('form', { ...form, fields: set('users/a.jpg', 'image/png') }), /^policy_violated .*Policy Condition failed: \["starts-with", "\$key", "user\/"\]/);
	assert.match(tool('form', { ...form, fields: set('user/a.jpg', 'text/html') }), /^policy_violated/);
});

test('a presigned POST is refused when a field is added, changed or signed otherwise', async () => {
	const form = await makeForm();
	const change = (field, to) => ({ ...form, fields: form.fields.map(([name, value]) => [name, name === field ? to(value) : value]) });
	assert.match(tool('form', { ...form, fields: [...form.fields, ['acl', 'public-read']] }), /^policy_violated Invalid according to Policy: Extra input fields: acl$/);
	assert.match(tool('form', change('key', () => 'other')), /^policy_violated/);
	assert.match(tool('form', change('Content-Type', () => 'text/html')), /^policy_violated/);
	assert.match(tool('form', change('Policy', value => value.replace(/.=?=?$/, 'A'))), /^signature_wrong/);
	assert.match(tool('form', { ...form, secret: 'other' }), /^signature_wrong/);
	assert.match(tool('form', { ...form, bucket: 'other' }), /^policy_violated/);
});
