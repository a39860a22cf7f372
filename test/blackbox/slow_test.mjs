// Slow clients against the real listeners: each times out with an error in the format of its listener, and a
// slot that was interrupted stays usable. All run at the same time, because they only wait. The
// timeouts themselves, on every listener, and many idle connections: listener_test.mjs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { png } from './support/png.mjs';
import { call, corpus, eventually, openSlot, parseAnswer, putBytes, rawSocket, startServer } from './support/server.mjs';

const jpeg = corpus('good/photo.jpg');
const big = png(1300, 1300, { noise: true });   // larger than what the sockets' buffers hold; made before anything waits
const LONG = 120000;   // a bound for what a deadline of a second or two must do; reached only when it does not
let server;

/** Send a byte every 100 ms until the server closes the connection; returns what it sent. */
async function drip(t, base, head, text) {
	const raw = await rawSocket(base);
	t.after(() => raw.end());
	await raw.send(head);
	for (const byte of text) {
		if (raw.isClosed)
			break;
		await raw.send(byte);
		await Promise.race([raw.closed, new Promise(f => setTimeout(f, 100))]);
	}
	await raw.until(() => false, LONG);
	assert.ok(raw.isClosed);
	return raw.received();
}

/** Kept connections are closed after an idle second, maybe just when one is reused: then another one is used. */
const again = request => eventually(() => request().catch(() => null), { what: 'an answer' });
const jpegSlot = () => again(() => openSlot(server, { fileName: 'a.jpg', fileType: 'image/jpeg' }));
const pathOf = url => url.slice(url.indexOf('/', 8));
const headOfPut = slot =>
	`PUT ${pathOf(slot.uploadUrl)} HTTP/1.1\r\nHost: ${new URL(slot.uploadUrl).host}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`;

describe('slow clients', { concurrency: true, timeout: 2 * LONG }, () => {
	before(async () => {
		server = await startServer({ args: ['--header-timeout', '1', '--body-timeout', '1', '--min-rate-grace', '1', '--idle-timeout', '1'] });
	});
	after(() => server?.stop());

	for (const listener of ['api', 'storage', 'admin']) {
		test(`a head that arrives a byte at a time times out on ${listener}`, async t => {
			const answer = parseAnswer(await drip(t, server[listener], `GET / HTTP/1.1\r\nHost: ${new URL(server[listener]).host}\r\nX-Slow: `, 'x'.repeat(250)));
			assert.equal(answer.status, listener === 'storage' ? 400 : 408);
			assert.equal(answer.headers.get('connection'), 'close');
			assert.match(answer.body, listener === 'storage' ? /<Code>RequestTimeout<\/Code>/ : /head_slow/);
		});

		test(`a connection that sends nothing times out on ${listener}`, async t => {
			assert.equal(await drip(t, server[listener], '', ''), '');
		});
	}

	test('a JSON body that arrives a byte at a time times out with a problem', async t => {
		const text = await drip(t, server.api, `POST /prod/upload HTTP/1.1\r\nHost: ${new URL(server.api).host}\r\nContent-Length: 1000\r\n\r\n`, '{"fileName":"'.padEnd(300, 'x'));
		const answer = parseAnswer(text);
		assert.match(answer.headers.get('content-type'), /application\/problem\+json/);
		assert.equal(JSON.parse(answer.body).code, 'body_slow');
		assert.equal(JSON.parse(answer.body).status, answer.status);
		assert.equal(answer.headers.get('access-control-allow-origin'), '*');
	});

	test('an image that arrives too slowly times out with RequestTimeout, and its slot stays usable', async t => {
		const slot = await jpegSlot();
		const answer = parseAnswer(await drip(t, server.storage, headOfPut(slot), jpeg.subarray(0, 250).toString('latin1')));
		assert.equal(answer.status, 400);
		assert.match(answer.body, /<Code>RequestTimeout<\/Code>/);
		assert.equal((await again(() => call(server, 'GET', `/images/${slot.imageId}`))).json.status, 'pending');
		assert.equal((await again(() => putBytes(slot, jpeg))).status, 200);
	});

	test('a form that arrives too slowly times out with RequestTimeout, and its slot stays usable', async t => {
		const slot = await again(() => openSlot(server, { method: 'POST' }));
		const head = `POST ${pathOf(slot.uploadUrl)} HTTP/1.1\r\nHost: ${new URL(slot.uploadUrl).host}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000\r\n\r\n`;
		assert.match(parseAnswer(await drip(t, server.storage, head, '--b\r\nContent-Disposition: form-data; name="'.padEnd(300, 'x'))).body, /<Code>RequestTimeout<\/Code>/);
		assert.equal((await again(() => call(server, 'GET', `/images/${slot.imageId}`))).json.status, 'pending');
	});

	test('a sender that is slow but above the minimum rate does not time out', async t => {
		// The rate is one that this process keeps to on the slowest machine.
		const own = await startServer({ args: ['--min-rate-grace', '1', '--min-rate', '64'] });
		t.after(() => own.stop());
		const slot = await openSlot(own, { fileName: 'a.jpg', fileType: 'image/jpeg' });
		const raw = await rawSocket(own.storage);
		t.after(() => raw.end());
		const bytes = Buffer.concat([Buffer.from(headOfPut(slot)), jpeg]), piece = Math.ceil(bytes.length / 20);   // over two seconds in all, twice the grace
		for (let at = 0; at < bytes.length; at += piece) {
			await raw.send(bytes.subarray(at, at + piece));
			await new Promise(f => setTimeout(f, 100));
		}
		assert.equal(parseAnswer(await raw.until(text => text.includes('\r\n\r\n'))).status, 200);
	});

	test('a client that reads nothing times out, which its log line shows', async t => {
		const slot = await again(() => openSlot(server));
		assert.equal((await again(() => putBytes(slot, big))).status, 200);
		const image = (await again(() => call(server, 'GET', `/images/${slot.imageId}`))).json;
		const raw = await rawSocket(server.storage);
		t.after(() => raw.end());
		raw.socket.pause();
		await raw.send(`GET ${pathOf(image.downloadUrl)} HTTP/1.1\r\nHost: ${new URL(image.downloadUrl).host}\r\n\r\n`.repeat(8));
		await eventually(() => server.events('request').some(e => e.imageId === image.imageId && e.method === 'GET' && e.status === 408),
			{ timeoutMs: LONG, what: 'the end of the connection' });
	});
});
