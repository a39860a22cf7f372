// Concurrent requests for one key: two writers, readers with deletes or overwrites, bodies that are cut off. A
// reader gets one whole body, and an incomplete upload leaves nothing.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, test } from 'node:test';

import { eventually, parseAnswer, rawSocket } from './support/server.mjs';
import { framed, sha256, signedHead } from './support/s3.mjs';
import { files, filled, md5, MIB, peakMemory, startStore } from './support/s3_faults.mjs';

let store;
before(async () => { store = await startStore(); });
after(() => store.stop());

const headText = head => `${head.method} ${head.target} HTTP/1.1\r\n${Object.entries(head.headers).map(([k, v]) => `${k}: ${v}\r\n`).join('')}`;

/** A socket with a signed request's head on it; the body is the caller's. */
async function openRequest(method, key, { fields = '', ...options } = {}) {
	const raw = await rawSocket(store.server.storage);
	await raw.send(`${headText(signedHead(store.server, method, key, { who: store.who, payload: 'UNSIGNED-PAYLOAD', ...options }))}${fields}\r\n`);
	return raw;
}

const ROUNDS = 50;

test(`two writers at one key, ${ROUNDS} times, small and large mixed: one whole body wins`, async () => {
	const sizes = [0, 1, 1000, 16384, 16385, 300000, 2 * MIB];
	for (let round = 0; round < ROUNDS; round++) {
		const bodies = [0, 1].map(n => filled(sizes[randomInt(sizes.length)], `round ${round} ${n}`));
		const answers = await Promise.all(bodies.map((body, n) => store.ask('PUT', '/things/two', { body, payload: 'UNSIGNED-PAYLOAD', headers: { 'x-amz-meta-n': n } })));
		answers.forEach((answer, n) => assert.equal(`${answer.status} ${answer.headers.etag}`, `200 "${md5(bodies[n])}"`));
		const get = await store.ask('GET', '/things/two'), n = Number(get.headers['x-amz-meta-n']);
		assert.equal(get.headers.etag, answers[n].headers.etag, 'metadata and ETag are of one writer');
		assert.ok(get.bytes.equals(bodies[n]), `round ${round}: ${bodies.map(b => b.length)}`);
	}
	await store.settled();
	await eventually(() => files(store.server, 'objects') <= 1, { what: 'the files of those that lost are removed' });
});

test('of eight concurrent PUTs with If-None-Match one succeeds', async () => {
	for (let round = 0; round < 5; round++) {
		const answers = await Promise.all(Array.from({ length: 8 }, (_, n) =>
			store.ask('PUT', `/things/anew-${round}`, { body: filled(n % 2 ? 10 : 100000, `${round} ${n}`), headers: { 'if-none-match': '*' } })));
		assert.equal(answers.filter(a => a.status === 200).length, 1, answers.map(a => a.status).join());
		for (const answer of answers.filter(a => a.status !== 200))
			store.refused(answer, 412, 'PreconditionFailed');
		const winner = answers.find(a => a.status === 200);
		assert.equal((await store.ask('GET', `/things/anew-${round}`)).headers.etag, winner.headers.etag);
	}
});

for (const [what, change] of [['deleted', () => store.ask('DELETE', '/things/slow')],
	['overwritten', () => store.ask('PUT', '/things/slow', { body: 'other' })],
	['overwritten by a copy', () => store.ask('PUT', '/things/slow', { headers: { 'x-amz-copy-source': '/things/small' } })]]) {
	test(`an object of 20 MB that is ${what} while a slow client reads it arrives whole`, async () => {
		const body = filled(20 * MIB, what);
		assert.equal((await store.ask('PUT', '/things/small', { body: 'small' })).status, 200);
		await store.settled();
		const others = files(store.server, 'objects');   // small objects are in the database
		assert.equal((await store.ask('PUT', '/things/slow', { body, payload: 'UNSIGNED-PAYLOAD' })).status, 200);
		const reader = await openRequest('GET', '/things/slow');
		await reader.until(text => text.length > 0);
		reader.socket.pause();
		const changed = await change();
		assert.ok([200, 204].includes(changed.status), changed.text);
		await eventually(() => files(store.server, 'objects') <= others, { what: 'the bytes are out of the directory' });
		const after = await store.ask('GET', '/things/slow');
		assert.ok(what === 'deleted' ? after.status === 404 : after.status === 200 && after.bytes.length < 20 * MIB, after.status);
		reader.socket.resume();
		await eventually(() => reader.isClosed || reader.chunks.reduce((n, chunk) => n + chunk.length, 0) > body.length, { what: 'the whole answer' });
		const answer = parseAnswer(reader.received());
		assert.equal(answer.status, 200);
		assert.equal(answer.headers.get('etag'), `"${md5(body)}"`);
		assert.ok(Buffer.from(answer.body, 'latin1').equals(body));
		await reader.end();
	});
}

test('readers, writers and deletes at one key: every response is one whole body', async () => {
	const bodies = Array.from({ length: 8 }, (_, n) => filled([10, 20000, 400000][n % 3], `mix ${n}`));
	const sums = new Map(bodies.map(body => [`"${md5(body)}"`, body]));
	let reads = 0, writing = true;
	const writer = async n => {
		for (let i = 0; i < 15; i++) {
			if (i % 5 === 4)
				assert.equal((await store.ask('DELETE', '/things/mix')).status, 204);
			const put = await store.ask('PUT', '/things/mix', { body: bodies[(n * 3 + i) % 8], payload: 'UNSIGNED-PAYLOAD' });
			assert.equal(put.status, 200, put.text);
		}
	};
	const reader = async () => {
		while (writing) {
			const get = await store.ask('GET', '/things/mix');
			if (get.status === 404)
				continue;
			assert.equal(get.status, 200, get.text);
			assert.ok(get.bytes.equals(sums.get(get.headers.etag)), 'bytes are those of the ETag');
			reads++;
		}
	};
	const readers = [reader(), reader(), reader()];
	await Promise.all([writer(0), writer(1), writer(2)]).finally(() => { writing = false; });
	await Promise.all(readers);
	assert.ok(reads > 0);
	await store.settled();
});

test('a copy onto itself and a write at once leave one whole object', async () => {
	for (let round = 0; round < 10; round++) {
		const [a, b] = [filled(50000, `self ${round}`), filled(100, `self other ${round}`)];
		assert.equal((await store.ask('PUT', '/things/self', { body: a })).status, 200);
		const [copied, put] = await Promise.all([
			store.ask('PUT', '/things/self', { headers: { 'x-amz-copy-source': '/things/self', 'x-amz-metadata-directive': 'REPLACE', 'x-amz-meta-a': 'b' } }),
			store.ask('PUT', '/things/self', { body: b })]);
		assert.equal(`${copied.status} ${put.status}`, '200 200', copied.text + put.text);
		const get = await store.ask('GET', '/things/self');
		assert.ok(get.bytes.equals(get.headers.etag === `"${md5(a)}"` ? a : b));
	}
});

/** Every way to send a body: [name, fields of the head, the bytes, options of the signature]. */
function bodiesOf(body) {
	const chunked = Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
	const aws = (payload, signed) => {
		const options = { payload, headers: { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': body.length, ...signed ? {} : { 'x-amz-trailer': 'x-amz-checksum-crc32' } } };
		const head = signedHead(store.server, 'PUT', '/things/cut', { who: store.who, ...options });
		const text = framed(head, body, { signed, sizes: [65536, body.length - 65536], ...signed ? {} : { trailer: [['x-amz-checksum-crc32', 'AAAAAA==']] } });
		return [payload, `Content-Length: ${text.length}\r\n`, text, options];
	};
	return [['a length', `Content-Length: ${body.length}\r\n`, body], ['a hash', `Content-Length: ${body.length}\r\n`, body, { payload: sha256(body) }],
		['HTTP chunks', 'Transfer-Encoding: chunked\r\n', chunked], aws('STREAMING-AWS4-HMAC-SHA256-PAYLOAD', true), aws('STREAMING-UNSIGNED-PAYLOAD-TRAILER', false)];
}

async function cutOff([kind, fields, bytes, options], share) {
	const raw = await openRequest('PUT', '/things/cut', { fields, ...options });
	await raw.send(bytes.subarray(0, Math.floor(bytes.length * share)));
	raw.socket.end();   // done with sending, and still listening
	const answer = parseAnswer(await raw.until(() => false)) ?? { status: 0 };
	assert.ok(answer.status === 0 || answer.status >= 400, `${kind}, ${share} of it: ${answer.status}`);
	if (answer.status)
		store.bodies.push(answer.body);
	await raw.end();
}

test('a body of any kind that is cut off leaves nothing, and the key as it was', async () => {
	assert.equal((await store.ask('PUT', '/things/cut', { body: 'before' })).status, 200);
	const all = [70000, 3 * MIB].flatMap(size => bodiesOf(filled(size, 'cut')));
	for (const share of [0, 0.5, 0.99])
		await Promise.all(all.map(one => cutOff(one, share)));
	await store.settled();
	assert.equal((await store.ask('GET', '/things/cut')).text, 'before');
	const keys = await store.keys();
	assert.equal(keys.filter(key => key.startsWith('cut')).length, 1);
});

test('none of this has increased the server\'s memory', () => {
	assert.ok(peakMemory(store.server) < 700 * MIB, `${peakMemory(store.server) / MIB} MiB, with the sanitizers' own`);
});
