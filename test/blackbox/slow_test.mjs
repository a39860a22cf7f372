// Slow and idle clients: each is ended by its deadline, and none keeps others from being served.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { call, corpus, eventually, fetchUrl, openSlot, putBytes, rawSocket, startServer, uploadImage } from './support/server.mjs';

let server;
before(async () => {
	server = await startServer({ args: ['--header-timeout', '1', '--body-timeout', '1', '--min-rate-grace', '1', '--idle-timeout', '2'] });
});
after(() => server.stop());

const LONG = 30000;   // a bound for what a deadline of a second or two must do; reached only when it does not

/** Send a byte every 100 ms until the server ends the connection. */
async function drip(raw, text) {
	for (const byte of text) {
		if (raw.isClosed)
			return;
		await raw.send(byte);
		await Promise.race([raw.closed, new Promise(f => setTimeout(f, 100))]);
	}
}

for (const listener of ['api', 'storage', 'admin']) {
	test(`a head that comes a byte at a time is ended on the ${listener} listener`, { timeout: LONG }, async () => {
		const raw = await rawSocket(server[listener]);
		await drip(raw, `GET / HTTP/1.1\r\nHost: ${new URL(server[listener]).host}\r\nX-Slow: ${'x'.repeat(250)}`);
		await raw.until(() => false);
		assert.doesNotMatch(raw.received(), /HTTP\/1\.1 200/);
		assert.ok(raw.isClosed);
	});

	test(`a connection that says nothing is ended on the ${listener} listener`, { timeout: LONG }, async () => {
		const raw = await rawSocket(server[listener]);
		await raw.until(() => false, LONG);
		assert.ok(raw.isClosed);
	});
}

test('a JSON body that comes a byte at a time is ended', { timeout: LONG }, async () => {
	const raw = await rawSocket(server.api);
	await raw.send(`POST /prod/upload HTTP/1.1\r\nHost: ${new URL(server.api).host}\r\nContent-Length: 1000\r\n\r\n`);
	await drip(raw, '{"fileName":"'.padEnd(300, 'x'));
	await raw.until(() => false);
	assert.ok(raw.isClosed);
	assert.doesNotMatch(raw.received(), /HTTP\/1\.1 200/);
});

test('an image that comes too slowly is ended, and its slot stays usable', { timeout: LONG }, async () => {
	const jpeg = corpus('good/no_exif.jpg');
	const slot = await openSlot(server, { fileName: 'a.jpg', fileType: 'image/jpeg' });
	const url = new URL(slot.uploadUrl);
	const raw = await rawSocket(server.storage);
	await raw.send(`PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
	await drip(raw, jpeg.subarray(0, 250).toString('latin1'));
	await raw.until(() => false);
	assert.ok(raw.isClosed);
	assert.equal((await call(server, 'GET', `/images/${slot.imageId}`)).json.status, 'pending');
	assert.equal((await putBytes(slot, jpeg)).status, 200);
});

test('a steady sender above the least rate is not ended', { timeout: LONG }, async () => {
	const jpeg = corpus('good/no_exif.jpg');
	const slot = await openSlot(server, { fileName: 'a.jpg', fileType: 'image/jpeg' });
	const url = new URL(slot.uploadUrl);
	const raw = await rawSocket(server.storage);
	await raw.send(`PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
	const piece = Math.ceil(jpeg.length / 25);
	for (let at = 0; at < jpeg.length; at += piece) {
		await raw.send(jpeg.subarray(at, at + piece));
		await new Promise(f => setTimeout(f, 100));
	}
	await raw.until(text => text.includes('\r\n\r\n'));
	assert.match(raw.received(), /HTTP\/1\.1 200/);
	await raw.end();
});

test('a reader that reads nothing is ended', { timeout: LONG }, async () => {
	// Larger than what the sockets' buffers hold, so that the server has to wait for the reader.
	const big = Buffer.concat([corpus('good/no_exif.jpg'), Buffer.alloc(4 * 1024 * 1024)]);
	const { image } = await uploadImage(server, { bytes: big, fileName: 'a.jpg', fileType: 'image/jpeg' });
	const url = new URL(image.downloadUrl);
	const socket = net.connect({ host: url.hostname, port: Number(url.port) });
	await once(socket, 'connect');
	socket.pause();
	const requests = `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`;
	socket.on('error', () => {});
	socket.write(requests.repeat(8));
	const connections = async () => Number(/tintype_connections\{listener="storage"\} (\d+)/.exec((await fetchUrl(`${server.admin}/metrics`)).text)[1]);
	await eventually(async () => await connections() > 0, { what: 'the connection' });
	await eventually(async () => await connections() === 0, { timeoutMs: LONG, what: 'the end of the connection' });
	socket.destroy();
});

test('10,000 idle connections do not keep new requests from being served', { timeout: 120000 }, async () => {
	const many = await startServer({ args: ['--header-timeout', '600', '--idle-timeout', '600'] });
	const { port } = new URL(many.api);
	const held = [];
	for (let i = 0; i < 10000; i += 500)
		held.push(...await Promise.all(Array.from({ length: 500 }, async () => {
			const socket = net.connect({ host: '127.0.0.1', port: Number(port) });
			await once(socket, 'connect');
			return socket;
		})));
	for (let i = 0; i < 40; i++)
		assert.equal((await call(many, 'GET', '/limits')).status, 200);
	await uploadImage(many);
	held.forEach(socket => socket.destroy());
	await many.stop();
});
