// Requests whose framing lies: what one server reads as one request and another as two. Each is refused
// and the connection ended, so that nothing behind it is taken for a request.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { call, fetchUrl, openSlot, parseAnswer, rawRequest, rawSocket, startServer, tinyPng } from './support/server.mjs';

let server;
before(async () => { server = await startServer(); });
after(() => server.stop());

const json = '{"fileName":"a.png","fileType":"image/png"}';
const smuggled = 'GET /prod/limits HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

/** How many answers came on a connection, and whether the server ended it. */
async function answers(base, bytes) {
	const raw = await rawSocket(base);
	await raw.send(bytes);
	let text = await raw.until(t => parseAnswer(t)?.whole);
	const first = parseAnswer(text);
	if (first && first.headers.get('connection') === 'close')
		text = await raw.until(() => false);
	const closed = raw.isClosed;
	await raw.end();
	return { first, count: (text.match(/HTTP\/1\.1 [2-5]\d\d/g) ?? []).length, closed };
}

const cases = {
	'two Content-Lengths': `Content-Length: ${json.length}\r\nContent-Length: 5\r\n`,
	'two equal Content-Lengths': `Content-Length: ${json.length}\r\nContent-Length: ${json.length}\r\n`,
	'Content-Length with chunked': `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`,
	'gzip before chunked': 'Transfer-Encoding: gzip, chunked\r\n',
	'chunked before gzip': 'Transfer-Encoding: chunked, gzip\r\n',
	'an unknown coding': 'Transfer-Encoding: identity\r\n',
	'two Transfer-Encodings': 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
	'a Content-Length that is no number': 'Content-Length: 5x\r\n',
	'a negative Content-Length': 'Content-Length: -1\r\n',
	'a Content-Length with a sign': 'Content-Length: +5\r\n',
	'a Content-Length beyond 64 bits': 'Content-Length: 99999999999999999999999\r\n',
};

for (const [what, headers] of Object.entries(cases)) {
	for (const listener of ['api', 'storage', 'admin']) {
		test(`${what} is refused on the ${listener} listener and nothing behind it is read`, async () => {
			const host = new URL(server[listener]).host;
			const method = listener === 'storage' ? 'PUT' : 'POST';
			const { first, count, closed } = await answers(server[listener], `${method} /prod/upload HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n${json}${smuggled}`);
			assert.ok(first.status >= 400 && first.status < 500, first.statusLine);
			assert.ok(closed, 'the connection is ended');
			assert.ok(count <= 2, 'a malformed length may make the library answer twice; a smuggled request is never served');
		});
	}
}

for (const listener of ['api', 'storage', 'admin']) {
	const path = { api: '/prod/limits', storage: '/image-uploads/images/x', admin: '/healthz' }[listener];

	test(`no Host, two Hosts and a foreign Host are refused on the ${listener} listener`, async () => {
		const host = new URL(server[listener]).host;
		assert.equal((await rawRequest(server[listener], `GET ${path} HTTP/1.1\r\n\r\n`)).status, 400);
		assert.equal((await rawRequest(server[listener], `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nHost: ${host}\r\n\r\n`)).status, 400);
		const foreign = await rawRequest(server[listener], `GET ${path} HTTP/1.1\r\nHost: rebind.example\r\n\r\n`);
		assert.ok([400, 403, 421].includes(foreign.status), foreign.statusLine);
	});

	test(`64 KB of headers are refused on the ${listener} listener and the next request is served`, async () => {
		const host = new URL(server[listener]).host;
		const { status } = await rawRequest(server[listener], `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${'X-Filler: '.padEnd(1000, 'x')}\r\n`.padEnd(65536, `X-More: ${'y'.repeat(900)}\r\n`) + '\r\n\r\n');
		assert.ok([400, 413, 414, 431].includes(status), `status ${status}`);
		assert.ok((await fetchUrl(`${server.admin}/healthz`)).status === 200);
	});

	test(`lines ended by a bare LF never make two requests of one on the ${listener} listener`, async () => {
		const host = new URL(server[listener]).host;
		const { count } = await answers(server[listener], `GET ${path} HTTP/1.1\nHost: ${host}\nContent-Length: ${smuggled.length}\n\n${smuggled}`);
		assert.equal(count, 1);
	});
}

test('a second request inside a body stays a body', async () => {
	const slot = await openSlot(server);
	const url = new URL(slot.uploadUrl);
	const body = Buffer.concat([tinyPng, Buffer.from(smuggled)]);
	const raw = await rawSocket(server.storage);
	await raw.send(Buffer.concat([Buffer.from(`PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: image/png\r\nContent-Length: ${body.length}\r\n\r\n`), body]));
	const text = await raw.until(t => parseAnswer(t)?.whole);
	assert.equal((text.match(/HTTP\/1\.1 /g) ?? []).length, 1);
	await raw.end();
});

test('two requests in one packet are two requests', async () => {
	const { host } = new URL(server.api);
	const raw = await rawSocket(server.api);
	await raw.send(`GET /prod/limits HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(2));
	await raw.until(text => (text.match(/HTTP\/1\.1 200/g) ?? []).length === 2);
	await raw.end();
});

test('an error of the framing is in the words of its door', async () => {
	const { host } = new URL(server.api);
	const api = await rawRequest(server.api, `POST /prod/upload HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`);
	assert.match(api.headers.get('content-type'), /application\/problem\+json/);
	assert.equal(JSON.parse(api.body).status, 400);
	assert.equal(api.headers.get('access-control-allow-origin'), '*');
	const at = new URL(server.storage).host;
	const storage = await rawRequest(server.storage, `PUT /image-uploads/k HTTP/1.1\r\nHost: ${at}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`);
	assert.match(storage.body, /<Code>InvalidRequest<\/Code>|<Code>InvalidArgument<\/Code>/);
	assert.equal((await call(server, 'GET', '/limits')).status, 200);
});
