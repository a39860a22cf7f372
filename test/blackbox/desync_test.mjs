// Request smuggling through proxies that keep their connections to us: whatever a client sends through nginx or HAProxy,
// the requests of others, which go over the same upstream connections, get their own responses.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { freePort } from './support/port.mjs';
import { eventually, rawRequest, rawSocket, startServer } from './support/server.mjs';


const proxies = {
	nginx: {
		command: dir => ['nginx', '-p', dir, '-c', path.join(dir, 'conf')],
		config: (dir, port, upstream) => `
daemon off; pid ${dir}/pid; error_log stderr crit; worker_processes 1;
events {}
http {
	access_log off; client_body_temp_path ${dir}/a; proxy_temp_path ${dir}/b; fastcgi_temp_path ${dir}/c; uwsgi_temp_path ${dir}/d; scgi_temp_path ${dir}/e;
	upstream server { server ${upstream}; keepalive 1; }
	server { listen 127.0.0.1:${port}; location / {
		proxy_pass http://server; proxy_http_version 1.1; proxy_request_buffering off; proxy_set_header Connection ""; proxy_set_header Host localhost; } }
}`,
	},
	haproxy: {
		command: dir => ['haproxy', '-db', '-f', path.join(dir, 'conf')],
		config: (dir, port, upstream) => `
defaults
	mode http
	timeout connect 10s
	timeout client 60s
	timeout server 60s
	http-reuse always
frontend front
	bind 127.0.0.1:${port}
	option accept-invalid-http-request
	default_backend back
backend back
	option accept-invalid-http-response
	server one ${upstream} maxconn 50 pool-max-conn 2
`,
	},
};

const inner = 'SMUGGLED /image-uploads/z HTTP/1.1\r\nHost: localhost\r\nX: ';
const one = (headers, body = '', line = 'POST /image-uploads/x HTTP/1.1') => [line, 'Host: localhost', ...headers, '', body].join('\r\n');
const chunked = `0\r\n\r\n${inner}`;
const attacks = {
	'length and chunked': one([`Content-Length: ${chunked.length}`, 'Transfer-Encoding: chunked'], chunked),
	'chunked and a short length': one(['Content-Length: 4', 'Transfer-Encoding: chunked'], `5c\r\n${inner.padEnd(0x5c, 'a')}\r\n0\r\n\r\n`),
	'two lengths': one(['Content-Length: 0', `Content-Length: ${inner.length}`], inner),
	'a list of lengths': one([`Content-Length: 0, ${inner.length}`], inner),
	'a length with a sign': one([`Content-Length: +${inner.length}`], inner),
	'a length with a blank in it': one([`Content-Length: ${inner.length} 0`], inner),
	...Object.fromEntries(['Transfer-Encoding : chunked', 'Transfer-Encoding:\x0bchunked', 'Transfer-Encoding: chunked ', 'Transfer-Encoding: xchunked', 'Transfer-Encoding: chunked, identity', 'Transfer-Encoding:\r\n chunked',
		'Transfer-Encoding: "chunked"', 'Transfer_Encoding: chunked', ' Transfer-Encoding: chunked', 'X: a\nTransfer-Encoding: chunked', 'X: a\rTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\0', 'Transfer-Encoding: identity',
		'Transfer-Encoding: chunk', 'Transfer-Encoding:'].map(header => [JSON.stringify(header), one([`Content-Length: ${chunked.length}`, header], chunked)])),
	'a bare LF after a chunk size': one(['Transfer-Encoding: chunked'], `2\nxx\r\n0\r\n\r\n${inner}`),
	'a bare LF in an extension': one(['Transfer-Encoding: chunked'], `2;\n\r\nxx\r\n${(inner.length + 6).toString(16)}\r\n0\r\n\r\n${inner}`),
	'a chunk that is longer than it says': one(['Transfer-Encoding: chunked'], `2\r\nxxxx\r\n0\r\n\r\n${inner}`),
	'a trailer with a length': one(['Transfer-Encoding: chunked'], `0\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`),
	'HTTP/1.0 with chunked': one(['Connection: keep-alive', 'Transfer-Encoding: chunked'], chunked, 'POST /image-uploads/x HTTP/1.0'),
	'a body of a GET': one([`Content-Length: ${inner.length}`], inner, 'GET /image-uploads/y HTTP/1.1'),
	'a chunked body of a GET that is refused': one(['Transfer-Encoding: chunked'], `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`, 'GET /image-uploads/w HTTP/1.1'),
	'a body that is expected and refused': one([`Content-Length: ${64 << 20}`, 'Expect: 100-continue'], inner),
	'a body that stops': one([`Content-Length: ${inner.length + 100}`], inner),
	'Connection names the length': one([`Content-Length: ${inner.length}`, 'Connection: Content-Length'], inner),
	'Upgrade': one(['Connection: Upgrade', 'Upgrade: h2c', `Content-Length: ${inner.length}`], inner),
	'a fragment that hides a version': one([], '', `GET /image-uploads/y#\tHTTP/1.1\r\nA: b HTTP/1.1`),
};

for (const [name, proxy] of Object.entries(proxies))
	describe(`through ${name}`, () => {
		let dir, server, child, front;
		before(async () => {
			server = await startServer();
			dir = mkdtempSync(path.join(tmpdir(), 'tintype-proxy-'));
			const port = await freePort();
			front = `http://127.0.0.1:${port}`;
			writeFileSync(path.join(dir, 'conf'), proxy.config(dir, port, new URL(server.storage).host));
			const [file, ...args] = proxy.command(dir);
			child = spawn(file, args, { stdio: 'ignore', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
			await eventually(() => fetch(`${front}/`).then(r => r.headers.has('x-amz-request-id'), () => false), { what: name });
		});
		after(async () => {
			child?.kill('SIGTERM');
			await (child && once(child, 'exit'));
			assert.deepEqual(await server?.stop(), { code: 0, signal: null });
			rmSync(dir, { recursive: true, force: true });
		});

		/** A request of another client: its response names its own path. */
		const ask = async () => {
			const id = randomUUID();
			const { status, body } = await rawRequest(front, `GET /image-uploads/${id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`, { timeoutMs: 60000 });
			assert.equal(status, 403, body);
			assert.ok(body.includes(id), `the response is of another request: ${body}`);
		};

		for (const [what, bytes] of Object.entries(attacks))
			test(what, async () => {
				await ask();
				const raw = await rawSocket(front);
				await raw.send(Buffer.from(bytes, 'latin1'));
				for (let i = 0; i < 3; i++)
					await Promise.all([ask(), ask()]);
				await raw.end();
				await ask();
			});

		test('the upstream connections were kept', async () => {
			const text = await (await fetch(`${server.admin}/metrics`)).text();
			assert.ok(Number(/^tintype_connections\{listener="storage"\} (\d+)$/m.exec(text)[1]) >= 1);
		});
	});
