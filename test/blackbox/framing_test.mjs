// Requests with contradictory framing, against the real listeners: each is refused in the error format of its listener, the
// connection is closed, and nothing after it is parsed as a request. More variants, with toy handlers:
// listener_test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { call, eventually, fetchUrl, openSlot, parseAnswer, putBytes, rawRequest, rawSocket, startServer, tinyPng } from './support/server.mjs';

let server;
before(async () => { server = await startServer(); });
// The exit status shows a leak if the program is built with ASan.
after(async () => { assert.deepEqual(await server?.stop(), { code: 0, signal: null }); });

const targets = { api: ['POST', '/prod/upload'], storage: ['PUT', '/image-uploads/images/x'], admin: ['GET', '/healthz'] };
const json = '{"fileName":"a.png","fileType":"image/png"}';

/** The expected form of a framing error at each listener. */
const words = {
	api(answer) {
		assert.match(answer.headers.get('content-type'), /application\/problem\+json/);
		assert.equal(answer.headers.get('access-control-allow-origin'), '*');
		const problem = JSON.parse(answer.body);
		assert.equal(problem.status, answer.status);
		assert.equal(problem.requestId, answer.headers.get('x-amzn-requestid'));
	},
	storage(answer) {
		assert.match(answer.headers.get('content-type'), /application\/xml/);
		assert.match(answer.body, /<Code>(InvalidRequest|AccessDenied|NotImplemented)<\/Code>/);
		assert.equal(/<RequestId>(.+)<\/RequestId>/.exec(answer.body)[1], answer.headers.get('x-amz-request-id'));
	},
	admin(answer) {
		assert.match(answer.headers.get('content-type'), /application\/problem\+json/);
		assert.equal(JSON.parse(answer.body).requestId, answer.headers.get('x-request-id'));
	},
};

const lies = {
	'two Content-Lengths': [`Content-Length: ${json.length}`, 'Content-Length: 5'],
	'Content-Length with chunked': ['Content-Length: 5', 'Transfer-Encoding: chunked'],
	'gzip before chunked': ['Transfer-Encoding: gzip, chunked'],
	'chunked before gzip': ['Transfer-Encoding: chunked, gzip'],
	'chunked and a comma': ['Transfer-Encoding: chunked,'],
	'chunked on a folded line behind gzip': ['Transfer-Encoding: gzip,\r\n chunked'],
	'two Hosts': ['Host: localhost'],
	'two Authorizations': ['Authorization: Bearer a', 'Authorization: Bearer b'],
};
for (const [what, headers] of Object.entries(lies))
	for (const [listener, [method, target]] of Object.entries(targets))
		test(`${what}: refused in the error format of ${listener}, and the pipelined request for a slot is not served`, async t => {
			const { host } = new URL(server[listener]);
			const before = server.events('request').length;
			const raw = await rawSocket(server[listener]);
			t.after(() => raw.end());
			const smuggled = `GET ${listener === 'api' ? '/prod/limits' : '/healthz'} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
			await raw.send(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${headers.join('\r\n')}\r\n\r\n${json}${smuggled}`);
			const text = await raw.until(() => false);
			assert.ok(raw.isClosed);
			assert.equal(text.match(/HTTP\/1\.1 /g).length, 1, text);
			const answer = parseAnswer(text);
			assert.equal(answer.status, what === 'gzip before chunked' ? 501 : 400);
			assert.equal(answer.headers.get('connection')?.toLowerCase(), 'close');
			words[listener](answer);
			await eventually(() => server.events('request').length > before, { what: 'its log line' });
		});

for (const [listener, [method, target]] of Object.entries(targets)) {
	test(`no Host is 400, a foreign Host 403, in the error format of ${listener}`, async () => {
		const none = await rawRequest(server[listener], `${method} ${target} HTTP/1.1\r\nContent-Length: 0\r\n\r\n`);
		assert.equal(none.status, 400);
		words[listener](none);
		const foreign = await rawRequest(server[listener], `${method} ${target} HTTP/1.1\r\nHost: rebind.example\r\nContent-Length: 0\r\n\r\n`);
		assert.equal(foreign.status, 403);
		words[listener](foreign);
	});

	test(`HTTP/1.0 without Host reaches ${listener}, with a foreign one it does not`, async () => {
		const target = { api: '/prod/limits', storage: '/image-uploads/images/x', admin: '/healthz' }[listener];
		const none = await rawRequest(server[listener], `GET ${target} HTTP/1.0\r\n\r\n`);
		assert.equal(none.status, listener === 'storage' ? 403 : 200);
		assert.doesNotMatch(none.body, /Host header|--hosts/);
		const foreign = await rawRequest(server[listener], `GET ${target} HTTP/1.0\r\nHost: rebind.example\r\n\r\n`);
		assert.equal(foreign.status, 403);
		assert.match(foreign.body, /rebind\.example/);
	});

	test(`64 KB of headers to ${listener} are refused, and it keeps running`, async () => {
		const { host } = new URL(server[listener]);
		const { status } = await rawRequest(server[listener], `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${`X-Filler: ${'x'.repeat(1012)}\r\n`.repeat(64)}\r\n`);
		assert.ok([0, 431].includes(status), `status ${status}`);
		assert.equal((await fetchUrl(`${server.admin}/healthz`)).status, 200);
	});

	test(`lines that end in a bare LF never turn one request into two at ${listener}`, async t => {
		const { host } = new URL(server[listener]);
		const smuggled = `GET /prod/limits HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
		const raw = await rawSocket(server[listener]);
		t.after(() => raw.end());
		await raw.send(`${method} ${target} HTTP/1.1\nHost: ${host}\nConnection: close\nContent-Length: ${smuggled.length}\n\n${smuggled}`);
		assert.equal((await raw.until(() => false)).match(/HTTP\/1\.1 /g).length, 1);
	});
}

// What a lenient parser reads as something else: the end of the head, a longer number, a shorter word.
const loose = {
	'a line without a name': [': a'],
	'a line without a name, nor a value': [':'],
	'a line without a name, before a length': [': a', 'Content-Length: 40'],
	'a folded Content-Length': ['Content-Length: 1\r\n 0'],
	'a folded Content-Length, its number on the second line': ['Content-Length:\r\n 10'],
	'a folded Transfer-Encoding': ['Transfer-Encoding:\r\n\tchunked'],
	'a folded header of no meaning': ['X: a\r\n b'],
	'a NUL behind chunked': ['Transfer-Encoding: chunked\0x'],
	'a NUL behind a length': ['Content-Length: 2\x000'],
	'a NUL in a name': ['Content-Length\0: 40'],
	'a bare CR between headers': ['X: a\rContent-Length: 40'],
	'a bare LF between headers': ['X: a\nContent-Length: 40'],
};
for (const [listener, [method, target]] of Object.entries(targets)) {
	const noSecond = async (server, bytes) => {
		const raw = await rawSocket(server[listener]);
		await raw.send(bytes);
		const text = await raw.until(() => false);
		await raw.end();
		assert.ok(raw.isClosed);
		assert.equal(text.match(/HTTP\/1\.1 /g).length, 1, text);
		assert.equal(parseAnswer(text).status, 400);
		return parseAnswer(text);
	};
	const second = `0\r\n\r\n${method} ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
	for (const [what, headers] of Object.entries(loose))
		test(`${what}: refused by ${listener}, and nothing pipelined after it is served`, async () => {
			const answer = await noSecond(server, `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${headers.join('\r\n')}\r\n\r\n${second}`);
			words[listener](answer);
		});

	for (const first of [`${method} ${target}\0 HTTP/1.1`, `${method} ${target}\0/x HTTP/1.1`, `${method} ${target}?\0a=b HTTP/1.1`])
		test(`${JSON.stringify(first)} is refused by ${listener}, and nothing pipelined after it is served`, async () => {
			await noSecond(server, `${first}\r\nHost: localhost\r\n\r\n${second}`);
		});

	test(`a head of many plain headers, in pieces of any size, is read by ${listener} as it was sent`, async t => {
		const { host } = new URL(server[listener]);
		const head = [`DELETE ${target}?a=%41+b&&=c HTTP/1.1`, `Host:${host}`, 'Cookie: a=b; c="d e"', 'Empty:', 'Blank: \t ', 'Trailing: a b \t',
			'Accept: */*', 'Accept: text/html', `Long: ${'x'.repeat(9000)}`, ...Array.from({ length: 80 }, (_, i) => `X-${i}: ${'y'.repeat(i)}`)].join('\r\n');
		const all = `${head}\r\n\r\n`;
		const raw = await rawSocket(server[listener]);
		t.after(() => raw.end());
		const counted = () => raw.received().match(/HTTP\/1\.1 4/g)?.length ?? 0;
		for (const [round, size] of [7, 1000, 1460, all.length].entries()) {
			for (let at = 0; at < all.length; at += size)
				await raw.send(all.slice(at, at + size));
			await raw.until(() => counted() > round);
		}
		await raw.send(all + all + all.replace('Empty:', 'Connection: close\r\nEmpty:'));
		assert.doesNotMatch(await raw.until(() => false), /bad-framing|InvalidRequest|folded/);
		assert.equal(counted(), 7);
	});
}

for (const [listener, [, target]] of Object.entries(targets))
	for (const [what, query] of [['257', 'a=b&'.repeat(256) + 'a=b'], ['500', 'a=b&'.repeat(500)], ['3000', 'a=b&'.repeat(3000)], ['28 KB of', '&'.repeat(28000)]])
		test(`${what} parameters to ${listener} get an error in its format, and the next request is served`, async t => {
			const { host } = new URL(server[listener]);
			const raw = await rawSocket(server[listener]);
			t.after(() => raw.end());
			await raw.send(`DELETE ${target}?${query} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
			const answer = parseAnswer(await raw.until(text => parseAnswer(text)?.whole));
			assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
			words[listener](answer);
			await raw.send(`DELETE ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
			assert.equal((await raw.until(() => false)).match(/HTTP\/1\.1 4/g).length, 2);
		});

test('a request inside an image stays part of the image', async t => {
	const slot = await openSlot(server);
	const { host, pathname, search } = new URL(slot.uploadUrl);
	const body = Buffer.concat([tinyPng, Buffer.from(`DELETE /image-uploads/x HTTP/1.1\r\nHost: ${host}\r\n\r\n`)]);
	const raw = await rawSocket(server.storage);
	t.after(() => raw.end());
	await raw.send(Buffer.concat([Buffer.from(`PUT ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Type: image/png\r\nContent-Length: ${body.length}\r\n\r\n`), body]));
	const text = await raw.until(() => false);
	assert.equal(text.match(/HTTP\/1\.1 /g).length, 1);
	assert.equal(parseAnswer(text).status, 200);
	const { json: image } = await call(server, 'GET', `/images/${slot.imageId}`);
	assert.equal(image.receivedSize, body.length);
	assert.equal((await putBytes(slot, body)).status, 200);
});
