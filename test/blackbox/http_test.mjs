// HTTP/1.1 as in RFC 9110 and 9112, against the real listeners: every malformed request with its expected response,
// bodies that stop, refusals that reach a client which is still sending, connections that stay open or close, and the limits.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { eventually, openSlot, parseAnswer, putBytes, rawRequest, rawSocket, startServer, tinyPng } from './support/server.mjs';

const run = promisify(execFile);
const LISTENERS = ['api', 'storage', 'admin'];
let server;
before(async () => { server = await startServer(); });
after(async () => { assert.deepEqual(await server?.stop(), { code: 0, signal: null }); });

/** All that a connection receives until it ends. */
async function converse(url, bytes) {
	const raw = await rawSocket(url);
	await raw.send(Buffer.from(bytes, 'latin1'));
	const text = await raw.until(() => false, 60000);
	await raw.end();
	return text;
}

/** One response in the handler's own words, with CORS and request id, and then the end of the connection. */
function assertRefusal(listener, text, status, { bodyless = false } = {}) {
	assert.equal(text.match(/HTTP\/1\.1 \d/g)?.length, 1, text);
	const answer = parseAnswer(text);
	assert.equal(answer.status, status, text);
	assert.equal(answer.headers.get('connection'), 'close');
	assert.equal(answer.rest, '');
	const id = answer.headers.get({ api: 'x-amzn-requestid', storage: 'x-amz-request-id', admin: 'x-request-id' }[listener]);
	assert.match(id, /^[0-9a-f]{32}$/);
	if (bodyless)
		return assert.ok(text.endsWith('\r\n\r\n'), text);
	if (listener === 'storage')
		return assert.ok(answer.body.includes(`<RequestId>${id}</RequestId>`), text);
	const problem = JSON.parse(answer.body);
	assert.deepEqual([problem.status, problem.requestId], [status, id]);
	if (listener === 'api')
		assert.equal(answer.headers.get('access-control-allow-origin'), '*');
}

const H = 'Host: localhost\r\n';
// [what, bytes, status]. Where method and target do not matter the request line is that of GET /.
const heads = [
	['no target', `GET HTTP/1.1\r\n${H}\r\n`, 400],
	['two blanks', `GET  / HTTP/1.1\r\n${H}\r\n`, 400],
	['a tab for a blank', `GET\t/ HTTP/1.1\r\n${H}\r\n`, 400],
	['a blank before the method', ` GET / HTTP/1.1\r\n${H}\r\n`, 400],
	['a blank after the version', `GET / HTTP/1.1 \r\n${H}\r\n`, 400],
	['a method that is not a token', `G@T / HTTP/1.1\r\n${H}\r\n`, 400],
	['a version in lower case', `GET / http/1.1\r\n${H}\r\n`, 400],
	['a version of two digits', `GET / HTTP/1.10\r\n${H}\r\n`, 400],
	['no version', `GET /\r\n${H}\r\n`, 400],
	['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
	['HTTP/3.1', `GET / HTTP/3.1\r\n${H}\r\n`, 505],
	['HTTP/0.9 by number', `GET / HTTP/0.9\r\n${H}\r\n`, 505],
	['a NUL in the target', `GET /\0 HTTP/1.1\r\n${H}\r\n`, 400],
	['a control character in the target', `GET /\x01 HTTP/1.1\r\n${H}\r\n`, 400],
	['a byte beyond ASCII in the target', `GET /\xe4 HTTP/1.1\r\n${H}\r\n`, 400],
	['a fragment in the target', `GET /#a HTTP/1.1\r\n${H}\r\n`, 400],
	['a target that is not a path', `GET a HTTP/1.1\r\n${H}\r\n`, 400],
	['a target of another scheme', `GET ftp://localhost/ HTTP/1.1\r\n${H}\r\n`, 400],
	['the asterisk of a method that is not OPTIONS', `GET * HTTP/1.1\r\n${H}\r\n`, 400],
	['the asterisk with a query', `OPTIONS *?a HTTP/1.1\r\n${H}\r\n`, 400],
	['a target with a user', `GET http://a@localhost/ HTTP/1.1\r\n${H}\r\n`, 400],
	['an absolute target with an invalid Host', 'GET http://localhost/ HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
	...['a b', '[::1', '::1', 'h\xe4', '127.0.0.1:-1', 'h:80?x', 'a@h', 'h:abc', 'h/x', 'h%zz', ':80'].map(host =>
		[`the Host ${JSON.stringify(host)}`, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 400]),
	['two blank lines before the request', `\r\n\r\nGET / HTTP/1.1\r\n${H}\r\n`, 400],
	['a bare LF after the request line', `GET / HTTP/1.1\n${H}\r\n`, 400],
	['a bare LF after a header', 'GET / HTTP/1.1\r\nHost: localhost\n\r\n', 400],
	['a bare LF at the end of the head', `GET / HTTP/1.1\r\n${H}\n`, 400],
	['NUL LF at the end of the head', `GET / HTTP/1.1\r\n${H}\0\n`, 400],
	['a bare CR in a value', `GET / HTTP/1.1\r\n${H}A: b\rC: d\r\n\r\n`, 400],
	['a NUL in a value', `GET / HTTP/1.1\r\n${H}A: b\0\r\n\r\n`, 400],
	['a DEL in a value', `GET / HTTP/1.1\r\n${H}A: \x7f\r\n\r\n`, 400],
	['a NUL in a name', `GET / HTTP/1.1\r\n${H}A\0: b\r\n\r\n`, 400],
	['a blank before the colon', `GET / HTTP/1.1\r\n${H}A : b\r\n\r\n`, 400],
	['a name that is not a token', `GET / HTTP/1.1\r\n${H}A(: b\r\n\r\n`, 400],
	['an empty name', `GET / HTTP/1.1\r\n${H}: b\r\n\r\n`, 400],
	['a line without a colon', `GET / HTTP/1.1\r\n${H}A\r\n\r\n`, 400],
	['a folded line', `GET / HTTP/1.1\r\n${H}A: b\r\n c\r\n\r\n`, 400],
	['a first header that begins with a blank', `GET / HTTP/1.1\r\n ${H}\r\n`, 400],
	['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
	['two Hosts', `GET / HTTP/1.1\r\n${H}${H}\r\n`, 400],
	['a length that is not a number', `POST / HTTP/1.1\r\n${H}Content-Length: 4x\r\n\r\nbody`, 400],
	['a negative length', `POST / HTTP/1.1\r\n${H}Content-Length: -4\r\n\r\nbody`, 400],
	['a length with a sign', `POST / HTTP/1.1\r\n${H}Content-Length: +4\r\n\r\nbody`, 400],
	['a length of 2^64', `POST / HTTP/1.1\r\n${H}Content-Length: 18446744073709551616\r\n\r\nbody`, 400],
	['an empty length', `POST / HTTP/1.1\r\n${H}Content-Length:\r\n\r\nbody`, 400],
	['a list of lengths', `POST / HTTP/1.1\r\n${H}Content-Length: 4, 4\r\n\r\nbody`, 400],
	['two lengths', `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody`, 400],
	['length and coding', `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
	['gzip before chunked', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 501],
	['chunked and a comma', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n`, 400],
	['chunked on a folded line', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: gzip,\r\n chunked\r\n\r\n0\r\n\r\n`, 400],
	['chunked behind a comma', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n`, 400],
	['chunked twice', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
	['identity', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: identity\r\n\r\n`, 400],
	['chunked with a parameter', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n`, 400],
	['a vertical tab before chunked', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`, 400],
	['HTTP/1.0 with Transfer-Encoding', `POST / HTTP/1.0\r\n${H}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
	['a target that is too long', `GET /${'a'.repeat(40000)} HTTP/1.1\r\n${H}\r\n`, 414],
	['a head that is too large', `GET / HTTP/1.1\r\n${H}A: ${'a'.repeat(40000)}\r\n\r\n`, 431],
	['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n', 400],
];
const smuggled = `GET /smuggled HTTP/1.1\r\n${H}\r\n`;
for (const listener of LISTENERS) {
	for (const [what, bytes, status] of heads)
		test(`${listener}: ${what} is ${status}`, async () => assertRefusal(listener, await converse(server[listener], bytes + smuggled), status));

	test(`${listener}: the response to a refused HEAD has no body, whatever is wrong`, async () => {
		for (const bytes of [`HEAD / HTTP/1.1\r\n${H}A : b\r\n\r\n`, `HEAD /${'a'.repeat(40000)} HTTP/1.1\r\n`, `HEAD / HTTP/1.1\r\n${H}A: ${'a'.repeat(40000)}\r\n`])
			assertRefusal(listener, await converse(server[listener], bytes), bytes.includes(' : ') ? 400 : /^HEAD \/a/.test(bytes) ? 414 : 431, { bodyless: true });
	});

	test(`${listener}: \`chunked\` with a blank after it is \`chunked\``, async () => {
		const text = await converse(server[listener], `POST / HTTP/1.1\r\n${H}Connection: close\r\nTransfer-Encoding: chunked \t\r\n\r\n0\r\n\r\n`);
		assert.equal(text.match(/HTTP\/1\.1 /g).length, 1);
		assert.ok(![400, 408].includes(parseAnswer(text).status) || listener === 'storage', text);
	});
}

const chunks = {
	'a bare LF after a size': '4\nbody\r\n0\r\n\r\n', 'a bare LF after data': '4\r\nbody\n0\r\n\r\n', 'NUL LF after data': '4\r\nbody\0\n0\r\n\r\n',
	'a bare LF at the end': '4\r\nbody\r\n0\r\n\n', 'no size': '\r\nbody', 'a size that is not a number': 'x\r\nbody\r\n', 'a size with a sign': '+4\r\nbody\r\n',
	'a size with 0x': '0x4\r\nbody\r\n', 'a blank after a size': '4 \r\nbody\r\n', 'a size of 2^60': '1000000000000000\r\n', 'more data than the size': '4\r\nbodyx\r\n0\r\n\r\n',
	'an empty extension': '4;\r\nbody\r\n', 'a control character in an extension': '4;a\x01\r\nbody\r\n', 'a quote that does not end': '4;a="\r\nbody\r\n',
	'a trailer without a colon': '4\r\nbody\r\n0\r\nx\r\n\r\n', 'a folded trailer': '4\r\nbody\r\n0\r\nA: b\r\n c\r\n\r\n', 'a NUL in a trailer': '4\r\nbody\r\n0\r\nA: \0\r\n\r\n',
};
for (const listener of LISTENERS)
	for (const [what, body] of Object.entries(chunks))
		test(`${listener}: a chunked body with ${what} is refused`, async () => {
			const slot = await openSlot(server, { method: 'POST' });
			const line = { api: 'POST /prod/upload', storage: `POST ${pathOf(slot.uploadUrl)}`, admin: 'POST /readyz' }[listener];
			const host = listener === 'storage' ? new URL(slot.uploadUrl).host : 'localhost';
			// The admin listener has refused the method before it reads the body.
			assertRefusal(listener, await converse(server[listener], `${line} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n${body}${smuggled}`),
				listener === 'admin' ? 405 : 400);
		});

// --- bodies that stop, and clients that are still sending

const wrong = slot => slot.uploadUrl.replace(/Signature=(.)/, (all, c) => `Signature=${c === '0' ? '1' : '0'}`);
const pathOf = url => url.slice(url.indexOf('/', 8));

test('a client that shuts down its sending side in the middle of a body gets an error', async () => {
	const slot = await openSlot(server);
	for (const [listener, head, code] of [
		['storage', `PUT ${pathOf(slot.uploadUrl)} HTTP/1.1\r\nHost: ${new URL(slot.uploadUrl).host}\r\nContent-Type: image/png\r\nContent-Length: 100\r\n\r\nshort`, /<Code>IncompleteBody</],
		['api', `POST /prod/upload HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n5\r\nsho`, /"code":"body_cut"/]]) {
		const raw = await rawSocket(server[listener]);
		await raw.send(head);
		raw.socket.end();
		const text = await raw.until(() => false);
		assertRefusal(listener, text, 400);
		assert.match(text, code);
	}
	assert.equal((await putBytes(slot, tinyPng)).status, 200);
});

for (const listener of LISTENERS)
	test(`${listener}: a client that shuts down its sending side in a head gets an error, and one that has sent none the end`, async () => {
		for (const sent of ['GET /x HTTP/1.1\r\nHo', 'GET', '\r\n', '']) {
			const raw = await rawSocket(server[listener]);
			if (sent !== '')
				await raw.send(sent);
			raw.socket.end();
			const text = await raw.until(() => false);
			if (sent.startsWith('G'))
				assertRefusal(listener, text, 400);
			else
				assert.equal(text, '');
		}
	});

describe('a refusal reaches a client that is still sending', () => {
	const BYTES = 100 << 20;
	let url, file;
	before(async () => {
		url = wrong(await openSlot(server));
		file = path.join(server.dir, 'large');
		writeFileSync(file, Buffer.alloc(BYTES));
	});
	test('fetch', async () => {
		for (let i = 0; i < 3; i++) {
			const answer = await fetch(url, { method: 'PUT', body: new Uint8Array(BYTES), headers: { 'content-type': 'image/png' } });
			assert.equal(answer.status, 403);
			assert.match(await answer.text(), /<Code>SignatureDoesNotMatch</);
		}
	});
	test('urllib', async () => {
		const script = `
import sys, urllib.request, urllib.error
for i in range(3):
    try:
        urllib.request.urlopen(urllib.request.Request(sys.argv[1], data=open(sys.argv[2], 'rb').read(), method='PUT', headers={'Content-Type': 'image/png'}))
    except urllib.error.HTTPError as e:
        print(e.code, 'SignatureDoesNotMatch' in e.read().decode())
`;
		assert.equal((await run('python3', ['-c', script, url, file])).stdout, '403 True\n'.repeat(3));
	});
	for (const expect of ['Expect: 100-continue', 'Expect:'])
		test(`curl, "${expect}"`, async () => {
			const { stdout } = await run('curl', ['-s', '-S', '-T', file, '-H', 'Content-Type: image/png', '-H', expect, '-w', '%{http_code}', url]);
			assert.match(stdout, /SignatureDoesNotMatch[^]*403$/);
		});
});

// --- connections

test('100 Continue is sent only when the body will be read, and not to HTTP/1.0 or a client that already sends', async () => {
	const slot = await openSlot(server);
	const head = (target, version = '1.1') => `PUT ${target} HTTP/${version}\r\nHost: ${new URL(slot.uploadUrl).host}\r\nConnection: close\r\nContent-Type: image/png\r\nContent-Length: ${tinyPng.length}\r\nExpect: 100-continue\r\n\r\n`;
	const raw = await rawSocket(server.storage);
	await raw.send(head(pathOf(slot.uploadUrl)));
	await raw.until(text => text === 'HTTP/1.1 100 Continue\r\n\r\n');
	await raw.send(tinyPng);
	assert.equal(parseAnswer(await raw.until(() => false)).status, 200);
	const refused = await converse(server.storage, head(pathOf(wrong(slot))));
	assert.ok(refused.startsWith('HTTP/1.1 403'), refused);
	for (const version of ['1.0', '1.1']) {
		const text = await converse(server.storage, head(pathOf((await openSlot(server)).uploadUrl), version) + tinyPng.toString('latin1'));
		assert.ok(text.startsWith('HTTP/1.1 200'), text);
	}
});

test('pipelined requests with bodies are answered in order', async () => {
	const slot = '{"fileName":"a.png","fileType":"image/png"}';
	const text = await converse(server.api, `GET /prod/limits HTTP/1.1\r\n${H}\r\nPOST /prod/upload HTTP/1.1\r\n${H}Content-Type: application/json\r\nContent-Length: ${slot.length}\r\n\r\n${slot}`
		+ `POST /prod/upload HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n${slot.length.toString(16)};a="b"\r\n${slot}\r\n0\r\nTrailer: x\r\n\r\nDELETE /nowhere HTTP/1.1\r\n${H}Connection: close\r\n\r\n`);
	const statuses = [];
	for (let rest = text; rest !== '';) {
		const answer = parseAnswer(rest);
		statuses.push(answer.status);
		rest = answer.rest;
	}
	assert.deepEqual(statuses.map(status => Math.floor(status / 100)), [2, 2, 2, 4]);
});

test('a thousand pipelined requests are all answered, while others are served', async () => {
	const one = `GET /healthz HTTP/1.1\r\n${H}\r\n`;
	const text = await converse(server.admin, one.repeat(1000) + one.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
	assert.equal(text.match(/HTTP\/1\.1 200 /g).length, 1001);
});

const connections = [
	['HTTP/1.1', '1.1', [], true, null], ['HTTP/1.1 with close', '1.1', ['Connection: close'], false, 'close'], ['close in a list', '1.1', ['Connection: a, CLOSE ,b'], false, 'close'],
	['close in a second header', '1.1', ['Connection: a', 'Connection: close'], false, 'close'], ['HTTP/1.0', '1.0', [], false, 'close'],
	['HTTP/1.0 with keep-alive', '1.0', ['Connection: keep-alive'], true, 'keep-alive'], ['HTTP/1.0 with keep-alive in a list', '1.0', ['Connection: a,Keep-Alive'], true, 'keep-alive'],
	['HTTP/1.0 with both', '1.0', ['Connection: keep-alive, close'], false, 'close'],
];
for (const [what, version, headers, stays, said] of connections)
	test(`${what}: the connection ${stays ? 'stays open' : 'is closed'}`, async () => {
		const raw = await rawSocket(server.admin);
		await raw.send(['GET /healthz HTTP/' + version, 'Host: localhost', ...headers, '', ''].join('\r\n'));
		const first = parseAnswer(await raw.until(text => parseAnswer(text)?.whole));
		assert.equal(first.headers.get('connection') ?? null, said);
		if (stays)
			await raw.send(`GET /healthz HTTP/1.1\r\n${H}Connection: close\r\n\r\n`);
		assert.equal((await raw.until(() => false)).match(/HTTP\/1\.1 200/g).length, stays ? 2 : 1);
		await raw.end();
	});

test('the absolute form names the host, whatever Host says; one empty line before a request is ignored', async () => {
	const ask = async bytes => parseAnswer(await converse(server.admin, bytes)).status;
	assert.equal(await ask(`GET http://localhost/healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`), 200);
	assert.equal(await ask(`GET HTTP://localhost:1/healthz?a HTTP/1.1\r\n${H}Connection: close\r\n\r\n`), 200);
	assert.equal(await ask(`GET http://evil.example/healthz HTTP/1.1\r\n${H}Connection: close\r\n\r\n`), 403);
	assert.equal(await ask(`\r\nGET /healthz HTTP/1.1\r\n${H}Connection: close\r\n\r\n`), 200);
});

test('OPTIONS of the whole server lists its methods, with the asterisk and with a URL that has no path', async () => {
	for (const listener of LISTENERS)
		for (const target of ['*', 'http://localhost']) {
			const text = await converse(server[listener], `OPTIONS ${target} HTTP/1.1\r\n${H}Content-Length: 4\r\n\r\nbodyOPTIONS ${target} HTTP/1.1\r\n${H}Connection: close\r\n\r\n`);
			assert.equal(text.match(/^HTTP\/1\.1 204 [^]*?^Allow: GET, .*OPTIONS\r$/gm)?.length, 2, text);
		}
});

test('a URL with https is refused on a connection without TLS, unless a trusted proxy sends it', async t => {
	const behind = await startServer({ args: ['--trusted-proxies', '127.0.0.1'] });
	t.after(() => behind.stop());
	const ask = () => `GET https://localhost/healthz HTTP/1.1\r\n${H}Connection: close\r\n\r\n`;
	for (const listener of LISTENERS)
		assertRefusal(listener, await converse(server[listener], ask()), 421);
	assert.equal(parseAnswer(await converse(behind.admin, ask())).status, 200);
});

// --- limits

test('beyond the connection limit clients wait, and none is refused', async t => {
	const small = await startServer({ args: ['--max-connections', '8'] });
	t.after(() => small.stop());
	const held = [];
	for (let i = 0; i < 8; i++) {
		const raw = await rawSocket(small.api);
		await raw.send(`GET /prod/limits HTTP/1.1\r\n${H}\r\n`);
		await raw.until(text => parseAnswer(text)?.whole);
		held.push(raw);
	}
	const waiting = await Promise.all(Array.from({ length: 4 }, () => rawSocket(small.api)));
	for (const raw of waiting)
		await raw.send(`GET /prod/limits HTTP/1.1\r\n${H}Connection: close\r\n\r\n`);
	await held[0].send(`GET /prod/limits HTTP/1.1\r\n${H}\r\n`);   /* served in the meantime */
	await held[0].until(text => text.match(/HTTP\/1\.1 200/g)?.length === 2);
	assert.ok(waiting.every(raw => raw.received() === '' && !raw.isClosed));
	await held.pop().end();
	for (const raw of waiting) {
		assert.match(await raw.until(() => false, 60000), /^HTTP\/1\.1 200 /);
		await raw.end();
	}
	await Promise.all(held.map(raw => raw.end()));
});

test('at most a tenth of the connections linger after a refusal, and the oldest is closed first', async t => {
	const small = await startServer({ args: ['--max-connections', '40', '--reactors', '1'] });
	t.after(() => small.stop());
	const { port } = new URL(small.api);
	const refuse = () => new Promise(resolve => {
		const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true }, () => socket.write('GET / HTTP/1.1\r\nA : b\r\n\r\n'));
		socket.on('error', () => {}).on('end', () => resolve(socket)).resume();
		t.after(() => socket.destroy());
	});
	const lingering = [];
	for (let i = 0; i < 12; i++)
		lingering.push(await refuse());
	const open = async () => Number(/^tintype_connections\{listener="api"\} (\d+)$/m.exec(await (await fetch(`${small.admin}/metrics`)).text())[1]);
	await eventually(async () => await open() === 4, { what: 'four that linger' });
	const isClosed = socket => new Promise(resolve => { socket.write('x', error => resolve(Boolean(error))); });
	await eventually(() => isClosed(lingering[0]), { what: 'that the oldest is closed' });
	for (let i = 0; i < 2; i++)   // the first write to a closed connection succeeds
		assert.equal(await isClosed(lingering[11]), false);
});

test('a client that is not loopback has as many connections as it may, and takes none of the others', async t => {
	const own = Object.values(networkInterfaces()).flat().find(at => !at.internal && at.family === 'IPv4')?.address;
	assert.ok(own, 'this test needs an address that is not loopback');
	const small = await startServer({ args: ['--api', '0.0.0.0:0', '--open', '--max-client-connections', '3'] });
	t.after(() => small.stop());
	const { port } = new URL(small.api);
	const begin = async host => {
		const raw = await rawSocket(`http://${host}:${port}`);
		t.after(() => raw.end());
		await raw.send(`GET /prod/limits HTTP/1.1\r\n${H}\r\n`);
		await raw.until(text => text.includes('\r\n\r\n'));
		return raw;
	};
	const held = [await begin(own), await begin(own), await begin(own)];
	for (const raw of held)
		assert.match(raw.received(), /^HTTP\/1\.1 200 /);
	const refused = await begin(own);
	assert.equal(refused.received(), '');
	assert.ok(refused.isClosed);
	for (let i = 0; i < 5; i++)
		assert.match((await begin('127.0.0.1')).received(), /^HTTP\/1\.1 200 /);
	const line = await small.waitForEvent(e => e.event === 'connection.refused');
	assert.deepEqual([line.listener, line.client], ['api', own]);
	await held[0].end();
	await eventually(async () => /^HTTP\/1\.1 200 /.test((await begin(own)).received()), { what: 'the freed place' });
	await eventually(() => small.events('request').some(e => e.client === own && e.status === 200), { what: 'the client in the log' });
});

test('a trusted proxy names the client, which has its own limit; the header of others is ignored', async t => {
	const behind = await startServer({ args: ['--trusted-proxies', '127.0.0.1', '--max-client-connections', '2'] });
	t.after(() => behind.stop());
	const begin = async (client, url = behind.api) => {
		const raw = await rawSocket(url);
		await raw.send(`POST /prod/upload HTTP/1.1\r\n${H}X-Forwarded-For: 198.51.100.1, ${client}\r\nContent-Length: 43\r\nExpect: 100-continue\r\n\r\n`);
		await raw.until(text => text.includes('\r\n\r\n'));
		return raw;
	};
	const busy = [await begin('203.0.113.7'), await begin('203.0.113.7')];
	const refused = await begin('203.0.113.7'), other = await begin('[2001:db8::1]:99'), proxies = await begin('127.0.0.1');
	assert.equal(parseAnswer(refused.received()).status, 429);
	assert.match(refused.received(), /too many requests in progress/);
	assert.match(other.received(), /^HTTP\/1\.1 100 /);
	assert.match(proxies.received(), /^HTTP\/1\.1 100 /);
	await busy[0].send('{"fileName":"a.png","fileType":"image/png"}');
	await busy[0].until(text => /HTTP\/1\.1 20[01]/.test(text));
	await eventually(async () => { const again = await begin('203.0.113.7'); await again.end(); return /^HTTP\/1\.1 100 /.test(again.received()); }, { what: 'the freed place' });
	await eventually(() => behind.events('request').some(e => e.client === '203.0.113.7' && e.status < 300), { what: 'the client in the log' });
	await Promise.all([...busy, refused, other, proxies].map(raw => raw.end()));
	const raw = await rawSocket(server.admin);
	await raw.send(`GET /healthz HTTP/1.1\r\n${H}X-Forwarded-For: 203.0.113.99\r\nConnection: close\r\n\r\n`);
	await raw.until(() => false);
	assert.ok(!server.events('request').some(e => e.client === '203.0.113.99'));
	assert.ok(server.events('request').some(e => e.client === '127.0.0.1'));
});

test('a malformed head is refused with CORS headers on every public listener, wherever its Origin is', async () => {
	for (const url of [server.api, server.storage])
		for (const head of ['GET /x HTTP/1.1\r\nHost: localhost\r\nBad Header: 1\r\nOrigin: https://app.example\r\n\r\n', 'GET /x HTTP/3.1\r\nHost: localhost\r\n\r\n', `GET /${'x'.repeat(40000)} HTTP/1.1\r\n\r\n`]) {
			const answer = await rawRequest(url, head);
			assert.ok([400, 414, 505].includes(answer.status), head.slice(0, 60));
			assert.equal(answer.headers.get('access-control-allow-origin'), '*', `${url} ${head.slice(0, 60)}`);
		}
});

test('of 10,000 idle connections all are kept', { timeout: 240000 }, async t => {
	const idle = await startServer({ args: ['--idle-timeout', '3600', '--header-timeout', '3600'] });
	t.after(() => idle.stop());
	const { port } = new URL(idle.api);
	const sockets = [];
	let whole = 0, closed = 0;
	const open = () => new Promise((resolve, reject) => {
		const socket = net.connect({ host: '127.0.0.1', port }, () => socket.write(`GET /prod/limits HTTP/1.1\r\n${H}\r\n`));
		let text = '';
		socket.on('data', data => { text += data; if (text.endsWith('}') || text.endsWith('}\n')) { whole++; text = ''; resolve(socket); } });
		socket.on('error', reject).on('close', () => { closed++; });
		sockets.push(socket);
	});
	t.after(() => sockets.forEach(socket => socket.destroy()));
	for (let i = 0; i < 10000; i += 250)
		await Promise.all(Array.from({ length: 250 }, open));
	assert.deepEqual([whole, closed], [10000, 0]);
	for (const socket of sockets)   // each is still served
		socket.write(`GET /prod/limits HTTP/1.1\r\n${H}\r\n`);
	await eventually(() => whole === 20000, { timeoutMs: 120000, what: 'the second responses' });
	assert.equal(closed, 0);
});
