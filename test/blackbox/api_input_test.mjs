// Malformed and unusual input to the JSON API over HTTP: every response is a problem with CORS headers and a
// request id, none shows internals, and names are returned unchanged and do no harm.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { call, fetchUrl, openSlot, postForm, putBytes, rawRequest, startServer, tinyPng, uploadImage } from './support/server.mjs';

let server;
before(async () => { server = await startServer(); });
after(() => server?.stop());

const inside = /\/(src|tmp|home|var|work)\/|sqlite|SELECT|INSERT|errno|\bat line \d+ of\b/i;

function assertProblem(answer, status, code, word) {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.headers.get('content-type'), 'application/problem+json');
	assert.equal(answer.headers.get('access-control-allow-origin'), '*');
	assert.equal(answer.json.code, code);
	assert.equal(answer.json.status, status);
	assert.equal(answer.json.requestId, answer.headers.get('x-amzn-requestid'));
	assert.ok(!inside.test(answer.text), answer.text);
	if (word)
		assert.match(answer.json.detail, word);
}

const good = { fileName: 'a.png', fileType: 'image/png' };
const json = more => JSON.stringify({ ...good, ...more });

for (const [what, body, status, code, word] of [
	['no body', undefined, 400, 'bad_json', /empty/],
	['an empty body', '', 400, 'bad_json', /empty/],
	['no JSON', 'fileName=a', 400, 'bad_json', /not valid JSON/],
	['an array', '[]', 400, 'bad_json', /not an object/],
	['a text', '"a"', 400, 'bad_json'],
	['JSON cut off', '{"fileName":"a"', 400, 'bad_json', /too early/],
	['JSON and more', `${json()}{}`, 400, 'bad_json', /there is data after its end/],
	['10,000 arrays', '['.repeat(10000), 400, 'bad_json'],
	['5,000 arrays in a member', `{"fileName":${'['.repeat(5000)}${']'.repeat(5000)}}`, 400, 'bad_json', /deep/],
	['a member twice', '{"fileName":"a","fileName":"b","fileType":"image/png"}', 400, 'bad_json', /twice/],
	['1e400', '{"fileName":"a","fileType":"image/png","fileSize":1e400}', 400, 'bad_json', /range/],
	['2^63', '{"fileName":"a","fileType":"image/png","fileSize":9223372036854775808}', 400, 'bad_json', /range/],
	['5242880.0', '{"fileName":"a","fileType":"image/png","fileSize":5242880.0}', 400, 'bad_field', /fileSize must be an integer/],
	['-1', json({ fileSize: -1 }), 400, 'bad_field', /fileSize/],
	['0', json({ fileSize: 0 }), 400, 'bad_field', /fileSize/],
	['5 MiB and 1', json({ fileSize: 5242881 }), 413, 'image_too_large'],
	['a size as text', json({ fileSize: '5' }), 400, 'bad_field', /fileSize/],
	['no fileName', '{"fileType":"image/png"}', 400, 'bad_field', /fileName/],
	['a fileName of another type', json({ fileName: 5 }), 400, 'bad_field', /fileName/],
	['an empty fileName', json({ fileName: '' }), 400, 'bad_field', /fileName/],
	['a blank fileName', json({ fileName: ' \t ' }), 400, 'bad_field', /fileName/],
	['a fileName of 256 bytes', json({ fileName: 'ä'.repeat(128) }), 400, 'bad_field', /fileName/],
	['a fileName of ill-formed UTF-8', Buffer.from('{"fileName":"a\xff","fileType":"image/png"}', 'latin1'), 400, 'bad_json', /UTF-8/],
	['a lone surrogate', '{"fileName":"\\ud800","fileType":"image/png"}', 400, 'bad_json'],
	['U+0000', '{"fileName":"a\\u0000b","fileType":"image/png"}', 400, 'bad_json', /U\+0000/],
	['no fileType', '{"fileName":"a"}', 400, 'bad_field', /fileType/],
	['SVG', json({ fileType: 'image/svg+xml' }), 415, 'type_not_allowed'],
	['HTML', json({ fileType: 'text/html' }), 415, 'type_not_allowed'],
	['a type with parameters', json({ fileType: 'image/jpeg; charset=x' }), 400, 'bad_field', /fileType/],
	['another method', json({ method: 'PATCH' }), 400, 'bad_field', /method/],
	['an unknown member', json({ userId: 7 }), 400, 'bad_field', /^userId is not known; the members of this request are fileName, /],
	['nested metadata', json({ metadata: { a: { b: 'c' } } }), 400, 'bad_field', /metadata must be/],
	['metadata of a number', json({ metadata: { a: 1 } }), 400, 'bad_field', /metadata must be/],
	['too large metadata', json({ metadata: { a: 'x'.repeat(2048) } }), 400, 'bad_field', /at most 2048 bytes/],
	['33 metadata', json({ metadata: Object.fromEntries([...Array(33).keys()].map(n => [`n${n}`, ''])) }), 400, 'bad_field', /at most 32 members/],
	['16 KiB and 1', json() + ' '.repeat(16385 - json().length), 413, 'body_too_large'],
	['1 MiB', 'x'.repeat(1 << 20), 413, 'body_too_large'],
]) {
	test(`a slot for ${what} is refused`, async () => {
		assertProblem(await call(server, 'POST', '/upload', { body }), status, code, word);
	});
}

for (const [what, more] of [
	['16 KiB', {}], ['5 MiB', { fileSize: 5242880 }], ['IMAGE/JPEG', { fileType: 'IMAGE/JPEG' }], ['image/jpg', { fileType: 'image/jpg' }],
	['255 bytes of name', { fileName: `${'ä'.repeat(127)}a` }],
	['the most metadata', { metadata: { a: 'ä'.repeat(1023), b: '' } }],
]) {
	test(`a slot for ${what} is issued`, async () => {
		const body = json(more) + (what === '16 KiB' ? ' '.repeat(16384 - json(more).length) : '');
		const answer = await call(server, 'POST', '/upload', { body });
		assert.equal(answer.status, 200, answer.text);
	});
}

test('a body over 16 KiB in chunks is refused', async () => {
	const chunk = `1000\r\n${' '.repeat(4096)}\r\n`;
	const answer = await rawRequest(server.api,
		`POST /prod/upload HTTP/1.1\r\nHost: ${new URL(server.api).host}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}0\r\n\r\n`);
	assert.equal(answer.status, 413, answer.text);
	assert.equal(answer.headers.get('access-control-allow-origin'), '*');
	assert.equal(JSON.parse(answer.body).code, 'body_too_large');
});

const odd = [
	'\u0001\u001f\u007f\u0085', 'a\r\nX-Evil: 1\r\n\r\n<html>', '/etc/passwd', '..\\..\\x', '..', '../../../../tmp/tintype-evil', '😀'.repeat(63),
	'\u202egnp.exe\u2066\u200f', '"quoted" \'n\' `b` $(touch /tmp/tintype-evil)', '<script>alert(1)</script>&amp;', '%00%0d%0a', '+ %2B', '~', 'größer 写真.jpg', 'a\u2028\u2029b',
];
for (const fileName of odd) {
	test(`the name ${JSON.stringify(fileName.slice(0, 30))} is returned unchanged and has no side effect`, async () => {
		const { image } = await uploadImage(server, { fileName });
		assert.equal(image.fileName, fileName);
		const listed = (await call(server, 'GET', '/images?limit=1')).json.images[0];
		assert.equal(listed.fileName, fileName);
		const file = await fetchUrl(image.downloadUrl);
		assert.equal(file.status, 200, file.text);
		assert.ok(file.bytes.equals(tinyPng));
		const disposition = file.headers.get('content-disposition');
		assert.match(disposition, /^[\x20-\x7e]+$/);
		const star = /filename\*=UTF-8''([^;]*)/.exec(disposition);
		if (star)
			assert.equal(decodeURIComponent(star[1]), fileName);
		assert.equal(file.headers.get('x-evil'), null);
		assert.ok(!image.fileUrl.includes(encodeURIComponent(fileName)));
	});
}

test('with unusual names each log line is still one JSON object, and no file is outside the data directory', () => {
	for (const line of server.log)
		assert.equal(typeof JSON.parse(line), 'object');
	for (const file of readdirSync(path.join(server.data, 'logs')))
		for (const line of readFileSync(path.join(server.data, 'logs', file), 'utf8').split('\n').filter(Boolean))
			assert.equal(typeof JSON.parse(line), 'object');
	assert.ok(!existsSync('/tmp/tintype-evil'));
	assert.ok(!server.log.join('\n').includes('X-Amz-Signature'));
});

for (const query of ['limit=0', 'limit=1001', 'limit=-1', 'limit=', 'limit=a', 'limit=1&limit=2', 'limit=1.5', 'cursor=a&cursor=b'])
	test(`a list with ${query} is refused`, async () => {
		assertProblem(await call(server, 'GET', `/images?${query}`), 400, 'bad_field', /limit|cursor/);
	});

for (const query of ['cursor=x', 'cursor=AAAA', `cursor=${'A'.repeat(2000)}`, 'cursor=%27%20OR%201%3D1'])
	test(`a list with ${query.slice(0, 30)} is refused`, async () => {
		assertProblem(await call(server, 'GET', `/images?${query}`), 400, 'bad_cursor');
	});

test('a query with a broken %XX is refused', async () => {
	const answer = await rawRequest(server.api, `GET /prod/images?limit=%zz HTTP/1.1\r\nHost: ${new URL(server.api).host}\r\n\r\n`);
	assert.equal(answer.status, 400, answer.text);
	assert.equal(answer.headers.get('access-control-allow-origin'), '*');
});

test('unknown paths are 404, other methods 405 with Allow', async () => {
	for (const target of ['/', '/upload/', '/images/', '/images/a/b', '/images//file', '/%75pload', '/images/%2e%2e', `/images/${'a'.repeat(36)}`])
		assert.equal((await call(server, 'GET', target)).status, 404, target);
	for (const [method, target, allow] of [['GET', '/upload', 'POST, OPTIONS'], ['PUT', '/images', 'POST, GET, HEAD, OPTIONS'], ['DELETE', '/limits', 'GET, HEAD, OPTIONS']]) {
		const answer = await call(server, method, target);
		assertProblem(answer, 405, 'bad_method');
		assert.equal(answer.headers.get('allow'), allow);
	}
});

test('HEAD is GET without the body', async () => {
	const head = await call(server, 'HEAD', '/limits');
	const get = await call(server, 'GET', '/limits');
	assert.equal(head.status, 200);
	assert.equal(head.text, '');
	assert.equal(head.headers.get('content-length'), String(Buffer.byteLength(get.text)));
});

test('two requests on one connection are answered one after the other, with ids of their own', async () => {
	const one = await call(server, 'GET', '/limits');
	const two = await call(server, 'GET', '/limits');
	assert.notEqual(one.headers.get('x-amzn-requestid'), two.headers.get('x-amzn-requestid'));
});

test('a form slot accepts its image, and with a size only that size', async () => {
	for (const [fileSize, status] of [[undefined, 204], [tinyPng.length, 204], [tinyPng.length + 1, 400]]) {
		const slot = await openSlot(server, { method: 'POST', fileSize });
		const post = await postForm(slot, tinyPng);
		assert.equal(post.status, status, post.text);
		const { json: image } = await call(server, 'GET', `/images/${slot.imageId}`);
		assert.equal(image.status, status === 204 ? 'uploaded' : 'pending');
	}
});

test('a slot accepts one image only', async () => {
	const slot = await openSlot(server, { fileType: 'image/jpeg' });
	const put = await putBytes(slot, tinyPng);
	assert.equal(put.status, 400, put.text);
	const { json: image } = await call(server, 'GET', `/images/${slot.imageId}`);
	assert.equal(image.status, 'rejected');
	assert.ok(image.reason.length > 0);
});
