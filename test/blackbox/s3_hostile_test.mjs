// Hostile requests to the S3 listener, signed or not: XML attacks, keys and numbers of every
// form, endless heads, nested framing. All of it gets an S3 error, with little memory, and the
// connection stays usable or is closed.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';

import { parseAnswer, rawRequest, rawSocket } from './support/server.mjs';
import { presign } from './support/presign.mjs';
import { framed, s3, sendHead, signedHead } from './support/s3.mjs';
import { filled, md5, MIB, peakMemory, startStore } from './support/s3_faults.mjs';
import { hmac, signing } from './support/sigv4.mjs';

let store, uploadId;
before(async () => {
	store = await startStore();
	uploadId = await store.begin('/things/upload');
	assert.equal((await store.ask('PUT', '/things/there', { body: 'there' })).status, 200);
});
after(() => store.stop());

const md5Base64 = body => createHash('md5').update(body).digest('base64');
const headText = head => `${head.method} ${head.target} HTTP/1.1\r\n${Object.entries(head.headers).map(([k, v]) => `${k}: ${v}\r\n`).join('')}`;

/* Where XML is read: method, path, query, its root and what may be in it. */
const documents = [
	['DeleteObjects', 'POST', '/things', { delete: '' }, 'Delete', '<Object><Key>TEXT</Key></Object>'],
	['CompleteMultipartUpload', 'POST', '/things/upload', () => ({ uploadId }), 'CompleteMultipartUpload', '<Part><PartNumber>1</PartNumber><ETag>TEXT</ETag></Part>'],
	['CreateBucket', 'PUT', '/new-bucket', {}, 'CreateBucketConfiguration', '<LocationConstraint>TEXT</LocationConstraint>'],
	['PutBucketCors', 'PUT', '/things', { cors: '' }, 'CORSConfiguration',
		'<CORSRule><AllowedOrigin>TEXT</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>'],
	['PutBucketAcl', 'PUT', '/things', { acl: '' }, 'AccessControlPolicy', '<Owner><ID>TEXT</ID></Owner><AccessControlList/>'],
	['PutObjectAcl', 'PUT', '/things/there', { acl: '' }, 'AccessControlPolicy', '<Owner><ID>TEXT</ID></Owner><AccessControlList/>'],
];

const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');

/* What is made of a document, each a weapon: name, and the bytes. */
const weapons = {
	'a billion laughs': (root, inner) => `<!DOCTYPE ${root} [<!ENTITY l0 "ha">${laughs}]><${root}>${inner('&l9;')}</${root}>`,
	'one huge entity, often': (root, inner) => `<!DOCTYPE ${root} [<!ENTITY a "${'a'.repeat(100000)}">]><${root}>${inner('&a;'.repeat(20000))}</${root}>`,
	'an external entity': (root, inner) => `<!DOCTYPE ${root} [<!ENTITY x SYSTEM "file:///etc/passwd">]><${root}>${inner('&x;')}</${root}>`,
	'an external subset': (root, inner) => `<!DOCTYPE ${root} SYSTEM "http://127.0.0.1:1/x.dtd"><${root}>${inner('a')}</${root}>`,
	'a parameter entity': (root, inner) => `<!DOCTYPE ${root} [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><${root}>${inner('a')}</${root}>`,
	'an entity that is not declared': (root, inner) => `<${root}>${inner('&nbsp;')}</${root}>`,
	'broken UTF-8': (root, inner) => Buffer.from(`<${root}>${inner('a\xff\xfeb')}</${root}>`, 'latin1'),
	'UTF-8 that is longer than it need be': (root, inner) => Buffer.from(`<${root}>${inner('a\xc0\xafb')}</${root}>`, 'latin1'),
	'a surrogate in UTF-8': (root, inner) => Buffer.from(`<${root}>${inner('\xed\xa0\x80')}</${root}>`, 'latin1'),
	'a NUL': (root, inner) => `<${root}>${inner('a\0b')}</${root}>`,
	'a reference to NUL': (root, inner) => `<${root}>${inner('a&#0;b')}</${root}>`,
	'another root': (root, inner) => `<Other>${inner('a')}</Other>`,
	'no end': (root, inner) => `<${root}>${inner('a')}`,
	'two roots': (root, inner) => `<${root}>${inner('a')}</${root}><${root}/>`,
	'no XML': () => '{"Objects": []}',
	'a depth without end': root => `<${root}>${'<a>'.repeat(100000)}`,
	'elements without end': root => `<${root}>${'<a/>'.repeat(400000)}</${root}>`,
	'names without end': root => `<${root}>${Array.from({ length: 20000 }, (_, i) => `<a${i}/>`).join('')}</${root}>`,
	'attributes without end': root => `<${root} ${Array.from({ length: 20000 }, (_, i) => `a${i}="b"`).join(' ')}></Other>`,
	'a text without end': (root, inner) => `<${root}>${inner('a'.repeat(1000000))}`,
	'a comment without end': root => `<!--${'x'.repeat(1500000)}`,
	'10 MB': (root, inner) => `<${root}>${inner('a').repeat(10 * MIB / inner('a').length)}</${root}>`,
};

for (const [operation, method, path, query, root, inner] of documents) {
	test(`${operation}: hostile XML is refused`, async () => {
		const before = peakMemory(store.server);
		for (const [name, make] of Object.entries(weapons)) {
			const body = make(root, text => inner.replace('TEXT', text));
			const answer = await store.ask(method, path, { query: typeof query === 'function' ? query() : query, body, headers: { 'content-md5': md5Base64(body) } });
			assert.ok(answer.status >= 400 && answer.status < 500, `${name}: ${answer.status} ${answer.text.slice(0, 1000)}`);
			assert.ok(['MalformedXML', 'EntityTooLarge'].includes(answer.code), `${name}: ${answer.text}`);
			store.bodies.push(answer.text);
			assert.ok(answer.bytes.length < 4096, `${name} comes back`);
		}
		assert.ok(peakMemory(store.server) - before < 250 * MIB, 'memory is bounded');
		store.refused(await store.ask('HEAD', '/new-bucket'), 404, undefined);
		store.bodies.pop();   // a HEAD has none
		assert.equal((await store.ask('GET', '/things/there')).text, 'there');
	});
}

test('10 MB of XML without a length are refused', async () => {
	const head = signedHead(store.server, 'POST', '/things', { who: store.who, query: { delete: '' }, payload: 'UNSIGNED-PAYLOAD' });
	const raw = await rawSocket(store.server.storage);
	await raw.send(`${headText(head)}Transfer-Encoding: chunked\r\n\r\n`);
	const piece = Buffer.from(`10000\r\n${'<a/>'.repeat(16384)}\r\n`);
	for (let i = 0; i < 160 && !raw.received(); i++)
		await raw.send(piece);
	await raw.send('0\r\n\r\n');
	const answer = parseAnswer(await raw.until(text => parseAnswer(text)?.whole));
	assert.equal(answer.status, 400);
	assert.match(answer.body, /<Code>EntityTooLarge</);
	await raw.end();
});

test('a refusal reaches a client that sends 60 MB without waiting for a response', async () => {
	const body = filled(60 * MIB, 'large'), { who } = store;
	for (const [path, options, code] of [['/no-such-bucket/a', {}, 'NoSuchBucket'], ['/things/a', { who: { ...who, secret: 'x' } }, 'SignatureDoesNotMatch'], ['/things/a', { payload: md5(body).repeat(2) }, 'XAmzContentSHA256Mismatch']]) {
		const answer = await store.ask('PUT', path, { body, payload: 'UNSIGNED-PAYLOAD', ...options });
		store.refused(answer, answer.status, code);
	}
	await store.settled();
});

test('keys of every form are stored unchanged, and never name another file', async () => {
	const keys = ['..', '.', '../../etc/passwd', 'a/../b', '//', '/a', 'a//b', 'a/', 'a/./b', '%2F', '%2e%2e%2f', 'a%00b', '\x01\x02\x1f', '\t', '\r\n', 'a\nb', '\x7f', '\u0085', '\ufffe',
		'\u202egnp.exe', 'x'.repeat(1024), '\u{1f600}'.repeat(256), ' a ', ' ', '+', '?', '#', '&', '=', ';', '"', '\'', '<', '\\', 'images', 'thumbs', 'uploadId', '?acl', 'CON', '\u00e9', 'e\u0301'];
	for (const key of keys) {
		const path = `/things/${key}`, put = await store.ask('PUT', path, { body: key });
		assert.equal(put.status, 200, `${JSON.stringify(key)}: ${put.text}`);
		assert.equal((await store.ask('GET', path)).text, key);
	}
	const listed = (await store.ask('GET', '/things', { query: { 'encoding-type': 'url' } })).text;
	const found = [...listed.matchAll(/<Key>([^<]*)<\/Key>/g)].map(m => decodeURIComponent(m[1].replaceAll('+', ' ')));
	const bytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
	assert.deepEqual(found, [...keys, 'there'].sort(bytes));
	for (const key of keys)
		assert.equal((await store.ask('DELETE', `/things/${key}`)).status, 204);
	assert.deepEqual(await store.keys(), ['there']);
});

test('invalid keys are refused by every operation', async () => {
	const long = `/things/${'x'.repeat(1025)}`, wide = `/things/${'\u{1f600}'.repeat(256)}x`;
	for (const path of [long, wide]) {
		for (const [method, query] of [['PUT', {}], ['GET', {}], ['DELETE', {}], ['POST', { uploads: '' }], ['GET', { acl: '' }]])
			store.refused(await store.ask(method, path, { query, body: method === 'PUT' ? 'x' : '' }), 400, 'KeyTooLongError', method);
		store.refused(await store.ask('PUT', path, { headers: { 'x-amz-copy-source': '/things/there' } }), 400, 'KeyTooLongError');
	}
	for (const key of ['a\0b', '\0']) {
		for (const [method, query] of [['PUT', {}], ['GET', {}], ['DELETE', {}], ['POST', { uploads: '' }]]) {
			const answer = await store.ask(method, `/things/${key}`, { query });
			assert.equal(answer.status, 400, `${method} ${JSON.stringify(key)}: ${answer.text}`);
			store.bodies.push(answer.text);
		}
	}
	const many = key => `<Delete><Object><Key>${key}</Key></Object></Delete>`;
	const body = many('x'.repeat(1025)), answer = await store.ask('POST', '/things', { query: { delete: '' }, body, headers: { 'content-md5': md5Base64(body) } });
	assert.match(answer.text, /<Error><Key>x+<\/Key><Code>KeyTooLongError</);
});

const wrongNumbers = ['-1', 'x', '1.5', '1e3', '2147483648', '4294967296', '9223372036854775808', '18446744073709551616', '99999999999999999999999', '0x10', '+5', ' 5', '5 '];

test('numbers in a query that are malformed or too large', async () => {
	for (const n of wrongNumbers) {
		for (const [path, query] of [['/things', { 'max-keys': n }], ['/things', { 'list-type': '2', 'max-keys': n }], ['/things', { versions: '', 'max-keys': n }],
			['/things', { uploads: '', 'max-uploads': n }], ['/things/upload', { uploadId, 'max-parts': n }], ['/things/upload', { uploadId, 'part-number-marker': n }]])
			store.refused(await store.ask('GET', path, { query }), 400, 'InvalidArgument', JSON.stringify(query));
	}
	const most = await store.ask('GET', '/things', { query: { 'max-keys': '2147483647' } });
	assert.equal(most.element('MaxKeys'), '1000');
	const none = await store.ask('GET', '/things', { query: { 'max-keys': '0' } });
	assert.equal(`${none.element('IsTruncated')} ${none.element('Key')}`, 'false undefined');
	assert.equal((await store.ask('GET', '/things', { query: { 'encoding-type': 'base64' } })).code, 'InvalidArgument');
});

test('forged markers and tokens', async () => {
	for (const token of ['x', '\0', 'AAAA', '../', 'x'.repeat(5000), '\ufffe', Buffer.from('there').toString('base64')]) {
		const answer = await store.ask('GET', '/things', { query: { 'list-type': '2', 'continuation-token': token } });
		store.refused(answer, 400, 'InvalidArgument', JSON.stringify(token.slice(0, 20)));
	}
	for (const name of ['prefix', 'delimiter', 'marker'])
		for (const text of ['x'.repeat(1025), 'a\0'])
			store.refused(await store.ask('GET', '/things', { query: { [name]: text } }), 400, 'InvalidArgument', name);
	for (const [prefix, delimiter, marker] of [['there', '', 'there'], ['', 'e', 'the'], ['', '\u{10ffff}', ''], ['\u{10ffff}', '/', 'a'], ['', '', '\u{10ffff}'], ['z', '', 'a']])
		assert.equal((await store.ask('GET', '/things', { query: { prefix, delimiter, marker } })).status, 200);
});

test('ranges that overflow give the whole object, or are not satisfiable', async () => {
	const whole = ['bytes=0-', 'bytes=0-99999999999999999999999', 'bytes=-18446744073709551615', 'bytes=-99999999999999999999999', 'bytes=0-18446744073709551615'];
	const over = ['bytes=5-', 'bytes=18446744073709551615-', 'bytes=9223372036854775807-9223372036854775808', 'bytes=-0'];
	const none = ['bytes=', 'bytes=-', 'bytes=a-b', 'bytes=3-1', 'lines=0-1', 'bytes=0-1,3-4', 'bytes=--1', 'bytes=0x0-1', 'bytes=99999999999999999999999-'];
	for (const range of whole) {
		const get = await store.ask('GET', '/things/there', { headers: { range } });
		assert.ok(get.text === 'there' && [200, 206].includes(get.status), `${range}: ${get.status} ${get.text}`);
	}
	for (const range of over)
		store.refused(await store.ask('GET', '/things/there', { headers: { range } }), 416, 'InvalidRange', range);
	for (const range of none)
		assert.ok([200, 206, 416].includes((await store.ask('GET', '/things/there', { headers: { range } })).status), range);
	for (const range of ['bytes=0-9', 'bytes=0-99999999999999999999999', 'bytes=5-5', 'bytes=-3', 'x']) {
		const copied = await store.ask('PUT', '/things/upload', { query: { uploadId, partNumber: '1' }, headers: { 'x-amz-copy-source': '/things/there', 'x-amz-copy-source-range': range } });
		assert.ok([400, 416].includes(copied.status), `${range}: ${copied.status} ${copied.text}`);
		store.bodies.push(copied.text);
	}
});

test('metadata: 2 KB are stored, more are refused, as is an endless head', async () => {
	const meta = n => ({ 'x-amz-meta-a': 'x'.repeat(n - 1) });
	assert.equal((await store.ask('PUT', '/things/meta', { headers: meta(2048) })).status, 200);
	assert.equal((await store.ask('HEAD', '/things/meta')).headers['x-amz-meta-a'].length, 2047);
	store.refused(await store.ask('PUT', '/things/meta', { headers: meta(2049) }), 400, 'MetadataTooLarge');
	store.refused(await store.ask('PUT', '/things/meta', { headers: Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`x-amz-meta-${i}`, 'x'.repeat(40)])) }), 400, 'MetadataTooLarge');
	store.refused(await store.ask('POST', '/things/meta', { query: { uploads: '' }, headers: meta(2049) }), 400, 'MetadataTooLarge');
	assert.equal((await store.ask('PUT', '/things/meta', { headers: { 'x-ignored': 'x'.repeat(8192) } })).status, 200, 'a header of 8 KB');
	for (const [name, size, count] of [['one of 100 KB', 100000, 1], ['10,000 of them', 10, 10000], ['1000 of 1 KB', 1000, 1000]]) {
		const lines = Array.from({ length: count }, (_, i) => `x-h${i}: ${'x'.repeat(size)}\r\n`).join('');
		const head = signedHead(store.server, 'PUT', '/things/meta', { who: store.who });
		const answer = await rawRequest(store.server.storage, `${headText(head)}${lines}Content-Length: 0\r\n\r\n`);
		assert.ok([0, 400, 413, 431].includes(answer.status), `${name}: ${answer.status}`);
	}
	for (const value of ['\u00e9', 'caf\u00e9', 'a\tb']) {
		const put = await s3(store.server, 'PUT', '/things/meta', { who: store.who, headers: { 'x-amz-meta-b': Buffer.from(value).toString('latin1') } });
		assert.ok([200, 400, 403].includes(put.status), put.text);
	}
});

test('thousands of parameters, and a repeated one', async () => {
	const many = n => Object.fromEntries(Array.from({ length: n }, (_, i) => [`p${i}`, 'x']));
	for (const n of [100, 1000, 3000]) {
		const answer = await store.ask('GET', '/things/there', { query: many(n) });
		assert.ok([200, 400, 403, 414, 431].includes(answer.status), `${n}: ${answer.status} ${answer.text}`);
	}
	const raw = await rawRequest(store.server.storage, `GET /things/there?${'a&'.repeat(50000)} HTTP/1.1\r\nHost: ${new URL(store.server.storage).host}\r\n\r\n`);
	assert.ok([0, 400, 403, 414, 431].includes(raw.status), String(raw.status));
	const url = new URL(presign(store.server, 'GET', 'there', { who: store.who, bucket: 'things' }));
	for (const twice of ['X-Amz-Signature', 'X-Amz-Expires', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-SignedHeaders', 'X-Amz-Algorithm']) {
		const answer = await sendHead(store.server, { method: 'GET', target: `${url.pathname}${url.search}&${twice}=${encodeURIComponent(url.searchParams.get(twice))}`, headers: { host: url.host } });
		assert.ok([400, 403].includes(answer.status), `${twice}: ${answer.status}`);
		store.bodies.push(answer.text);
	}
});

test('repeated headers', async () => {
	for (const name of ['authorization', 'x-amz-date', 'x-amz-content-sha256', 'host', 'content-length', 'x-amz-meta-a', 'content-md5', 'x-amz-copy-source', 'x-amz-decoded-content-length']) {
		const body = 'body', head = signedHead(store.server, 'PUT', '/things/twice', { who: store.who, body, headers: { 'x-amz-meta-a': 'b', 'content-md5': md5Base64(body) } });
		head.headers['content-length'] = '4';
		const again = { 'x-amz-copy-source': '/things/there', 'x-amz-decoded-content-length': '4', 'content-length': '5' }[name] ?? head.headers[name];
		const answer = await rawRequest(store.server.storage, `${headText(head)}${name}: ${again}\r\n\r\n${body}`);
		assert.ok([400, 403].includes(answer.status), `${name}: ${answer.status} ${answer.body}`);
		assert.match(answer.body, /<Code>\w+</);
		store.bodies.push(answer.body);
	}
	assert.equal((await store.ask('HEAD', '/things/twice')).status, 404);
});

/** aws-chunked in one request that is written by hand: { status, code, body, closed }. */
async function chunkedRaw(data, { decoded = data.length, change = bytes => bytes, fields, after = '' } = {}) {
	const head = signedHead(store.server, 'PUT', '/things/framing', { who: store.who, payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
		headers: { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': decoded, 'x-amz-trailer': 'x-amz-checksum-crc32' } });
	const bytes = change(framed(head, data, { trailer: [['x-amz-checksum-crc32', 'rwg7LQ==']] }));
	const answer = await rawRequest(store.server.storage, `${headText(head)}${fields ?? `Content-Length: ${bytes.length}\r\n`}\r\n${bytes}${after}`);
	return { ...answer, code: /<Code>(\w+)</.exec(answer.body)?.[1] };
}

const hello = 'hello world\n';

test('lengths that overflow: of the decoded body and of its chunks', async () => {
	assert.equal((await chunkedRaw(hello)).status, 200);
	for (const decoded of ['-1', '0', '11', '13', '99999999999', '5368709121', '9223372036854775807', '9223372036854775808', '18446744073709551615', '18446744073709551628', '99999999999999999999999', '1e2', '0xc', '12abc', '12,12']) {
		const answer = await chunkedRaw(hello, { decoded });
		assert.ok([400, 411].includes(answer.status), `${decoded}: ${answer.status} ${answer.body}`);
		store.bodies.push(answer.body);
	}
	for (const size of ['00000000000000000', '1000000000000000c', '0000000000000000000000000000000c', 'ffffffffffffffff', 'fffffffffffffff4', '8000000000000000', '7fffffffffffffff', '-c', '+c', ' c', 'c ', '0xc', '', 'g', 'c,c', 'c c']) {
		const answer = await chunkedRaw(hello, { change: bytes => Buffer.from(bytes.toString('latin1').replace(/^c/, size), 'latin1') });
		assert.ok(answer.status === 400, `${JSON.stringify(size)}: ${answer.status} ${answer.body}`);
		store.bodies.push(answer.body);
	}
	for (const [what, change] of [['LF alone', t => t.replace(/^c\r\n/, 'c\n')], ['a blank line first', t => `\r\n${t}`], ['CR alone', t => t.replace(/^c\r\n/, 'c\r')], ['no end of data', t => t.replace('world\n\r\n', 'world\n')],
		['a folded trailer', t => t.replace('x-amz-checksum-crc32:', 'x-amz-checksum-crc32:\r\n ')], ['a trailer without end', t => t.replace(/\r\n$/, 'a:b\r\n'.repeat(10000))]]) {
		const answer = await chunkedRaw(hello, { change: bytes => Buffer.from(change(bytes.toString('latin1')), 'latin1') });
		assert.equal(answer.status, 400, `${what}: ${answer.body}`);
		store.bodies.push(answer.body);
	}
	assert.equal((await store.ask('GET', '/things/framing')).text, hello, 'and the object is the first');
});

test('no second request is smuggled through the framing of a body', async () => {
	const evil = signedHead(store.server, 'DELETE', '/things/there', { who: store.who });
	const hidden = `${headText(evil)}\r\n`;
	const outer = body => `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;
	const cases = [
		['a length and chunked', { fields: 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', change: outer }],
		['chunked twice', { fields: 'Transfer-Encoding: chunked, chunked\r\n', change: outer }],
		['another coding', { fields: 'Transfer-Encoding: identity\r\n', change: outer }],
		['aws-chunked as a transfer coding', { fields: 'Transfer-Encoding: aws-chunked\r\n', change: outer }],
		['two lengths', { fields: 'Content-Length: 5\r\nContent-Length: 50\r\n' }],
		['after the last chunk', { change: bytes => Buffer.concat([bytes, Buffer.from(hidden)]) }],
		['after the last chunk, in HTTP chunks', { fields: 'Transfer-Encoding: chunked\r\n', change: bytes => outer(`${bytes}${hidden}`) }],
		['in a chunk that claims less', { change: bytes => bytes.toString().replace('c\r\nhello world\n', `c\r\nhello world\n\r\n0\r\nx-amz-checksum-crc32:rwg7LQ==\r\n\r\n${hidden}`) }],
	];
	for (const [name, options] of cases) {
		const answer = await chunkedRaw(hello, options);
		assert.ok(answer.status >= 400 && answer.status < 500, `${name}: ${answer.status} ${answer.body}`);
		assert.equal(parseAnswer(answer.rest), null, `${name}: a second answer`);
		assert.equal((await store.ask('GET', '/things/there')).text, 'there', name);
	}
	const right = await chunkedRaw(hello, { fields: 'Transfer-Encoding: chunked\r\n', change: outer });
	assert.equal(right.status, 200, right.body);
});

test('a form whose signature, policy or fields differ in one bit', async () => {
	const { who, server } = store, { date, scope, key } = signing(who.secret);
	const credential = `${who.id}/${scope}`;
	const sign = (conditions, more = {}) => {
		const fields = { key: 'form', 'x-amz-algorithm': 'AWS4-HMAC-SHA256', 'x-amz-credential': credential, 'x-amz-date': date, ...more };
		const all = [...conditions, { bucket: 'things' }, ...Object.entries(fields).map(([k, v]) => ({ [k]: v }))];
		const policy = Buffer.from(JSON.stringify({ expiration: new Date(Date.now() + 60000).toISOString(), conditions: all })).toString('base64');
		return { ...fields, policy, 'x-amz-signature': hmac(key, policy).toString('hex') };
	};
	const post = async fields => {
		const form = new FormData();
		Object.entries(fields).forEach(([k, v]) => form.append(k, v));
		form.append('file', new Blob(['file']), 'a.txt');
		const response = await fetch(`${server.storage}/things`, { method: 'POST', body: form }), text = await response.text();
		return { status: response.status, text, code: /<Code>(\w+)</.exec(text)?.[1] };
	};
	const good = sign([['content-length-range', 0, 100]]);
	for (const name of Object.keys(good)) {
		for (const [what, value] of [['last', good[name].replace(/.$/, c => String.fromCharCode(c.charCodeAt(0) ^ 1))], ['first', good[name].replace(/^./, c => String.fromCharCode(c.charCodeAt(0) ^ 1))]]) {
			const answer = await post({ ...good, [name]: value });
			assert.ok([400, 403].includes(answer.status), `${name}, its ${what} byte: ${answer.status} ${answer.text}`);
			store.bodies.push(answer.text);
		}
	}
	assert.equal((await store.ask('HEAD', '/things/form')).status, 404);
	const taken = await post(good);
	assert.equal(taken.status, 204, taken.text);
});

test('a presigned URL that differs in one bit, and an expired one', async () => {
	const url = new URL(presign(store.server, 'GET', 'there', { who: store.who, bucket: 'things' }));
	const get = target => sendHead(store.server, { method: 'GET', target, headers: { host: url.host } });
	const target = url.pathname + url.search;
	assert.equal((await get(target)).status, 200);
	const signature = url.searchParams.get('X-Amz-Signature');
	for (let at = 0; at < signature.length; at++) {
		const c = parseInt(signature[at], 16) ^ (1 << at % 4);
		store.refused(await get(target.replace(signature, signature.slice(0, at) + c.toString(16) + signature.slice(at + 1))), 403, 'SignatureDoesNotMatch', `digit ${at}`);
	}
	store.refused(await get(target.replace(signature, signature.slice(1))), 403, 'SignatureDoesNotMatch', 'a digit is missing');
	store.refused(await get(target.replace(signature, '')), 400, 'AuthorizationQueryParametersError', 'empty');
	for (const [at, expires] of [[-301, 300], [-604801, 604800], [-2, 1]]) {
		const stale = new URL(presign(store.server, 'GET', 'there', { who: store.who, bucket: 'things', at: new Date(Date.now() + at * 1000), expires }));
		store.refused(await get(stale.pathname + stale.search), 403, 'AccessDenied', `${at} s ago for ${expires} s`);
	}
	for (const payload of ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD']) {
		const put = new URL(presign(store.server, 'PUT', 'stream', { who: store.who, bucket: 'things' }));
		const answer = await sendHead(store.server, { method: 'PUT', target: put.pathname + put.search, headers: { host: put.host, 'x-amz-content-sha256': payload } }, hello);
		assert.ok([400, 403].includes(answer.status), answer.text);
	}
});

test('ten thousand parts that are listed, and a form of many parts', async () => {
	const key = '/things/many', id = await store.begin(key), body = filled(10, 'many');
	for (let n = 1; n <= 10000; n += 500)
		assert.equal((await store.part(key, id, n, body)).status, 200);
	const listed = await store.ask('GET', key, { query: { uploadId: id, 'max-parts': '7', 'part-number-marker': '9000' } });
	assert.deepEqual([...listed.text.matchAll(/<PartNumber>(\d+)</g)].map(m => m[1]), ['9001', '9501']);
	assert.match(listed.text, new RegExp(md5(body)));
	assert.equal((await store.ask('DELETE', key, { query: { uploadId: id } })).status, 204);
});
