// The listeners with toy handlers (test/fake/toy_handler.h): which requests reach a
// handler, how refusals reach a client that is still sending, timeouts, and shutdown by signal.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually, parseAnswer, rawRequest, rawSocket } from './support/server.mjs';

const running = new Set();
process.on('exit', () => running.forEach(child => child.kill('SIGKILL')));

/** Start a server of toys on free ports: { api, storage, admin, child, log, exited, stop() }. */
async function startToys(...args) {
	if (!process.env.TINTYPE_BUILD)
		throw new Error('TINTYPE_BUILD must name the build directory');
	const program = path.resolve(process.env.TINTYPE_BUILD, 'test/http/server/toy_server');
	const listen = ['--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
	const child = spawn(program, [...listen, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
	const toys = { child, log: [], output: '' };
	running.add(child);
	toys.exited = once(child, 'close').then(([code, signal]) => { running.delete(child); return { code, signal }; });
	readline.createInterface({ input: child.stderr }).on('line', line => toys.log.push(line));
	const [first] = await Promise.race([
		once(readline.createInterface({ input: child.stdout }), 'line'),
		toys.exited.then(() => { throw new Error(`the server ended:\n${toys.log.join('\n')}`); }),
	]);
	Object.assign(toys, JSON.parse(first));
	toys.lines = event => toys.log.filter(l => l.startsWith('{')).map(l => JSON.parse(l)).filter(l => l.event === event);
	toys.balance = async () => (await fetch(`${toys.api}/balance`)).json();
	toys.stop = async () => {
		child.kill('SIGTERM');
		assert.deepEqual(await toys.exited, { code: 0, signal: null }, toys.log.slice(-30).join('\n'));
	};
	return toys;
}

let toys;
before(async () => { toys = await startToys('--hosts', 'pictures.example, other.example:8443'); });
after(() => toys.stop());

const request = (method, target, headers = [], body = '') =>
	`${method} ${target} HTTP/1.1\r\n${['Host: localhost', ...headers].join('\r\n')}\r\n\r\n${body}`;

// --- framing: two readers must not be able to disagree on where a request ends

const smuggled = request('GET', '/fast');
const framings = [
	['two Content-Lengths', request('POST', '/echo', ['Content-Length: 4', 'Content-Length: 50'], 'abcd')],
	['two equal Content-Lengths', request('POST', '/echo', ['Content-Length: 4', 'Content-Length: 4'], 'abcd')],
	['Content-Length beside chunked', request('POST', '/echo', ['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n')],
	['chunked beside Content-Length', request('POST', '/echo', ['Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n')],
	['gzip before chunked', request('POST', '/echo', ['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n')],
	['chunked and a comma', request('POST', '/echo', ['Transfer-Encoding: chunked,'], '0\r\n\r\n')],
	['a folded Transfer-Encoding', request('POST', '/echo', ['Transfer-Encoding:\r\n chunked'], '0\r\n\r\n')],
	['a folded header', request('GET', '/fast', ['X-Folded: a\r\n b'])],
	['an unknown coding', request('POST', '/echo', ['Transfer-Encoding: identity'], 'abc')],
	['two Transfer-Encodings', request('POST', '/echo', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n')],
	['two Hosts', request('GET', '/fast', ['Host: localhost'])],
	['no Host', 'GET /fast HTTP/1.1\r\nAccept: */*\r\n\r\n'],
	['a blank before the colon', request('POST', '/echo', ['Transfer-Encoding : chunked'], '0\r\n\r\n')],
	['a Content-Length that is not a number', request('POST', '/echo', ['Content-Length: 4x'], 'abcd')],
	['a negative Content-Length', request('POST', '/echo', ['Content-Length: -4'], 'abcd')],
	['a Content-Length of 2^64', request('POST', '/echo', ['Content-Length: 18446744073709551616'], 'abcd')],
	['a target that is not a path', request('GET', 'fast')],
];
for (const [what, bytes] of framings)
	test(`framing: ${what} is refused and the connection closed`, async () => {
		const raw = await rawSocket(toys.storage);
		await raw.send(bytes + smuggled);
		const text = await raw.until(() => false).catch(() => raw.received());
		assert.equal(parseAnswer(text)?.status, 400, text);
		assert.ok(raw.isClosed);
		assert.ok(!text.includes('fast\n'), `the second request was answered: ${text}`);
		await raw.end();
	});

test('framing: a request inside the body of another is treated as body', async () => {
	const raw = await rawSocket(toys.storage);
	await raw.send(request('POST', '/echo', [`Content-Length: ${smuggled.length}`], smuggled));
	const answer = parseAnswer(await raw.until(t => parseAnswer(t)?.whole));
	assert.equal(answer.body, `got ${smuggled.length} of /echo\n`);
	await raw.send(request('GET', '/nothing'));
	await raw.until(t => t.includes(' 204 '));
	assert.ok(!raw.received().includes('fast\n'));
	await raw.end();
});

test('framing: lines that end in a bare LF are read or refused, never mixed up', async () => {
	const answer = await rawRequest(toys.api, request('POST', '/echo', ['Content-Length: 3'], 'abc').replaceAll('\r\n', '\n'));
	assert.ok(answer.status === 400 || answer.body === 'got 3 of /echo\n', answer.text);
});

test('framing: chunked bodies are measured, whatever the chunk sizes', async () => {
	const answer = await rawRequest(toys.api, request('POST', '/echo', ['Transfer-Encoding: Chunked'], '3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n'));
	assert.equal(answer.body, 'got 5 of /echo\n');
});

test('framing: an absolute target is accepted, and its host is checked', async () => {
	assert.equal((await rawRequest(toys.api, request('GET', 'http://localhost/fast?x'))).body, 'fast\n');
	assert.match((await rawRequest(toys.api, request('GET', 'http://evil.example/fast'))).body, /^bad_host/);
});

test('framing: 64 KB of headers are 431, and the server keeps running', async () => {
	const answer = await rawRequest(toys.api, request('GET', '/fast', [`X-Long: ${'a'.repeat(65536)}`]));
	assert.ok([0, 431].includes(answer.status), answer.text);
	const many = Array.from({ length: 2000 }, (_, i) => `X-${i}: ${'b'.repeat(24)}`);
	assert.ok([0, 431].includes((await rawRequest(toys.api, request('GET', '/fast', many))).status));
	assert.equal((await rawRequest(toys.api, request('GET', '/fast', [`X-Long: ${'a'.repeat(12000)}`]))).status, 200);
});

test('a query with a bad escape is refused with the connection kept', async () => {
	const raw = await rawSocket(toys.api);
	await raw.send(request('GET', '/fast?a=%zz'));
	assert.match(parseAnswer(await raw.until(t => parseAnswer(t)?.whole)).body, /^invalid_input/);
	await raw.send(request('GET', '/fast'));
	await raw.until(t => t.includes('fast\n'));
	await raw.end();
});

// --- hosts

const hosts = [
	['localhost', true], ['LOCALHOST:1', true], ['127.0.0.1:8080', true], ['[::1]:80', true], ['pictures.example', true],
	['other.example', true], ['evil.example', false], ['localhost.evil.example', false], ['', false], ['10.0.0.1', false],
	['localhost:x', false], ['[::1', false], ['a b', false],
];
for (const [host, ours] of hosts)
	for (const listener of ['api', 'storage', 'admin'])
		test(`host: "${host}" is ${ours ? 'accepted' : 'refused'} by ${listener}`, async () => {
			const target = listener === 'admin' ? '/healthz' : '/fast';
			const answer = await rawRequest(toys[listener], `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
			assert.equal(answer.status === 200, ours, answer.text);
		});

// --- responses

test('keep-alive: a refusal known from the head leaves the connection open', async () => {
	const raw = await rawSocket(toys.api);
	for (let i = 1; i <= 3; i++) {
		await raw.send(request('POST', '/refuse', ['Content-Length: 3'], 'abc'));
		await raw.until(t => t.split('refused: not for you\n').length === i + 1);
	}
	assert.ok(!raw.isClosed);
	await raw.end();
});

test('pipelining: responses are in order', async () => {
	const raw = await rawSocket(toys.api);
	const paths = ['/run', '/fast', '/echo', '/refuse', '/checked', '/denied', '/checked', '/run', '/fast'], withBody = ['/echo', '/checked', '/denied'];
	await raw.send(paths.map(p => withBody.includes(p) ? request('POST', p, ['Content-Length: 2'], 'xy') : request('GET', p)).join(''));
	const text = await raw.until(t => t.split('HTTP/1.1 ').length === paths.length + 1 && t.endsWith('fast\n'));
	assert.deepEqual(text.match(/^(ran|fast|got 2 of \/\w+|refused: not for you)$/gm), ['ran', 'fast', 'got 2 of /echo', 'refused: not for you', 'got 2 of /checked', 'refused: not for you', 'got 2 of /checked', 'ran', 'fast']);
	await raw.end();
});

test('HEAD: the length is sent, no body follows', async () => {
	const raw = await rawSocket(toys.api);
	for (const [target, length] of [['/fast', 5], ['/head', 12345], ['/file?n=70000', 70000], ['/run', 4]]) {
		const from = raw.received().length;
		await raw.send(request('HEAD', target));
		const text = (await raw.until(t => t.slice(from).includes('\r\n\r\n'))).slice(from);
		assert.match(text, new RegExp(`Content-Length: ${length}\r\n`));
		assert.ok(text.endsWith('\r\n\r\n'));
	}
	await raw.end();
});

test('responses: files and memory of any size are sent whole', async () => {
	for (const target of ['file', 'big'])
		for (const n of [0, 1, 200000, 20000000]) {
			const answer = await fetch(`${toys.storage}/${target}?n=${n}`);
			const bytes = Buffer.from(await answer.arrayBuffer());
			assert.equal(bytes.length, n);
			if (n > 0)
				assert.equal(bytes[0], target === 'file' ? 'S'.charCodeAt(0) : 'b'.charCodeAt(0));
		}
});

test('every response has a unique request id, which its log line has too', async () => {
	const ids = new Set();
	for (let i = 0; i < 50; i++)
		ids.add((await fetch(`${toys.api}/fast`)).headers.get('x-request-id'));
	assert.equal(ids.size, 50);
	await eventually(() => toys.lines('request').filter(l => ids.has(l.requestId)).length === 50, { what: 'fifty log lines' });
});

test('a log line has method, route, status and bytes, never the query', async () => {
	await (await fetch(`${toys.storage}/echo?X-Amz-Signature=verysecret`, { method: 'PUT', body: 'twelve bytes' })).text();
	const line = await eventually(() => toys.lines('request').find(l => l.method === 'PUT' && l.bytesIn === 12), { what: 'the log line' });
	assert.equal(line.listener, 'storage');
	assert.equal(line.route, '/echo');
	assert.equal(line.status, 200);
	assert.equal(line.bytesOut, 'got 12 of /echo\n'.length);
	assert.ok(line.ms >= 0);
	assert.ok(!toys.log.some(l => l.includes('verysecret')));
});

// --- refusals reach clients that are still sending

const python = `
import sys, urllib.request, urllib.error
request = urllib.request.Request(sys.argv[1], data=b'x' * int(sys.argv[2]), method='PUT')
try:
    print(urllib.request.urlopen(request).status)
except urllib.error.HTTPError as e:
    print(e.code, e.read().decode())
`;
const exec = promisify(execFile);
const clients = {
	'Node fetch': async (url, n) => {
		const answer = await fetch(url, { method: 'PUT', body: Buffer.alloc(n) });
		return `${answer.status} ${await answer.text()}`;
	},
	'Python urllib': async (url, n) => (await exec('python3', ['-c', python, url, String(n)])).stdout,
	'curl': async (url, n) => {
		const command = `head -c ${n} /dev/zero | curl -s -X PUT --data-binary @- -w ' %{http_code}' '${url}'`;
		const { stdout } = await exec('sh', ['-c', command]);
		return stdout.replace(/^([^]*) (\d+)$/, '$2 $1');
	},
	'curl without Expect': async (url, n) => {
		const command = `head -c ${n} /dev/zero | curl -s -H Expect: -X PUT --data-binary @- -w ' %{http_code}' '${url}'`;
		const { stdout } = await exec('sh', ['-c', command]);
		return stdout.replace(/^([^]*) (\d+)$/, '$2 $1');
	},
};
for (const [name, send] of Object.entries(clients)) {
	test(`a refusal from the head reaches ${name}, which sends 5 MiB`, async () => {
		for (let i = 0; i < 5; i++)
			assert.match(await send(`${toys.storage}/refuse`, 5 << 20), /^403 refused/);
	});
	test(`a refusal from half the body reaches ${name}, which sends 5 MiB and a byte`, async () => {
		for (let i = 0; i < 5; i++)
			assert.match(await send(`${toys.storage}/limit`, (5 << 20) + 1), /^413 over the limit/);
	});
}

for (const [no, yes] of [['/refuse', '/echo'], ['/denied', '/checked']])
	test(`Expect: 100-continue gets either the refusal of ${no}, or 100 and the response of ${yes}`, async () => {
		const refused = await rawSocket(toys.storage);
		await refused.send(request('PUT', no, ['Content-Length: 5000000', 'Expect: 100-continue']));
		assert.ok((await refused.until(t => parseAnswer(t)?.whole)).startsWith('HTTP/1.1 403 '));
		await refused.end();
		const taken = await rawSocket(toys.storage);
		await taken.send(request('PUT', yes, ['Content-Length: 5', 'Expect: 100-continue']));
		assert.match(await taken.until(t => t.includes('\r\n\r\n')), /^HTTP\/1.1 100 /);
		await taken.send('hello');
		assert.equal(parseAnswer(await taken.until(t => parseAnswer(t)?.whole)).body, `got 5 of ${yes}\n`);
		await taken.end();
	});

test('a body larger than what is discarded is refused without being read', async () => {
	const answer = await rawRequest(toys.storage, request('PUT', '/refuse', ['Content-Length: 100000000000']));
	assert.equal(answer.status, 403);
	assert.equal(answer.headers.get('connection')?.toLowerCase(), 'close');
});

for (const target of ['/refuse', '/run'])
	test(`a chunked body without end that ${target} does not need is read up to the bound, then cut`, async () => {
		const raw = await rawSocket(toys.api);
		await raw.send(request('PUT', target, ['Transfer-Encoding: chunked']));
		const piece = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
		for (let sent = 0; sent < 64 << 20 && !raw.isClosed; sent += 0x10000)
			await raw.send(piece);
		await raw.until(() => false);
		assert.ok(raw.isClosed);
		await raw.end();
		const line = await eventually(() => toys.lines('request').find(l => l.status === 413 && l.route === target), { what: 'its log line' });
		assert.ok(line.bytesIn > 1 << 20 && line.bytesIn < 4 << 20, JSON.stringify(line));
	});

// --- the listener's contract

test('finish or cancel is called once for each request, also when clients disconnect', async () => {
	for (let i = 0; i < 10; i++) {
		const raw = await rawSocket(toys.storage);
		await raw.send(request('PUT', i % 2 ? '/echo' : '/run', ['Content-Length: 1000'], 'half'));
		await raw.end();
	}
	const balance = await eventually(async () => {
		const b = await toys.balance();
		return b.promised === b.finished + b.cancelled && b.cut >= 10 && b;
	}, { what: 'the balance' });
	assert.ok(balance.cancelled >= 10);
	await eventually(() => toys.lines('request').filter(l => l.status === 400).length >= 10, { what: 'lines of cut requests' });
});

test('suspended requests are resumed under load', async () => {
	const one = async i => {
		const answer = await fetch(`${toys.api}/echo`, { method: 'POST', body: 'x'.repeat(i) });
		assert.equal(await answer.text(), `got ${i} of /echo\n`);
	};
	for (let round = 0; round < 10; round++)
		await Promise.all(Array.from({ length: 100 }, (_, i) => one(i)));
	const b = await toys.balance();
	assert.equal(b.promised, b.finished + b.cancelled);
});

test('10,000 idle connections, and new requests are still served', { timeout: 300000 }, async () => {
	const crowd = [];
	for (let i = 0; i < 10000; i += 200)
		crowd.push(...await Promise.all(Array.from({ length: 200 }, () => rawSocket(toys.api))));
	for (let i = 0; i < 20; i++)
		assert.equal((await rawRequest(toys.api, request('GET', '/run'))).body, 'ran\n');
	const open = async () => Number(/tintype_connections\{listener="api"\} (\d+)/.exec(await (await fetch(`${toys.admin}/metrics`)).text())[1]);
	await eventually(async () => await open() >= 10000, { what: 'the whole crowd' });
	await Promise.all(crowd.map(raw => raw.end()));
	await eventually(async () => await open() < 100, { what: 'the end of the crowd' });
});

// --- the admin listener

test('admin: health, readiness and metrics are served, nothing else', async () => {
	const get = (target, headers = []) => rawRequest(toys.admin, request('GET', target, headers));
	assert.equal((await get('/healthz')).body, 'ok\n');
	assert.equal((await get('/readyz')).body, 'ready\n');
	assert.equal((await get('/nothing')).status, 404);
	assert.equal((await rawRequest(toys.admin, request('POST', '/healthz', ['Content-Length: 2'], 'xx'))).status, 405);
	const metrics = await get('/metrics');
	assert.match(metrics.headers.get('content-type'), /version=0\.0\.4/);
	assert.match(metrics.body, /^tintype_requests_total\{listener="admin",route="GET \/healthz",status="200"\} \d+$/m);
	assert.match(metrics.body, /^tintype_request_seconds_bucket\{listener="admin",route="GET \/healthz",le="\+Inf"\} \d+$/m);
	for (const line of metrics.body.trimEnd().split('\n'))
		assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[^}]*\})? -?[0-9.e+]+)$/);
});

test('admin: pages of other sites are refused', async () => {
	const port = new URL(toys.admin).port;
	const get = headers => rawRequest(toys.admin, `GET /metrics HTTP/1.1\r\nHost: localhost:${port}\r\n${headers}\r\n\r\n`);
	for (const headers of ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Site: same-site', 'Origin: http://evil.example', 'Origin: null', `Origin: http://localhost:1${port}`, 'Origin: '])
		assert.equal((await get(headers)).status, 403, headers);
	for (const headers of ['Sec-Fetch-Site: none', 'Sec-Fetch-Site: same-origin', `Origin: http://localhost:${port}`]) {
		const answer = await get(headers);
		assert.equal(answer.status, 200, headers);
		assert.ok(![...answer.headers.keys()].some(h => h.startsWith('access-control')));
	}
});

test('admin: off loopback, metrics require the token; health does not', async () => {
	const open = await startToys('--admin', '0.0.0.0:0');
	const admin = open.admin.replace('0.0.0.0', '127.0.0.1');
	const get = (target, headers = []) => rawRequest(admin, request('GET', target, headers));
	assert.equal((await get('/healthz')).status, 200);
	assert.equal((await get('/metrics')).status, 401);
	assert.equal((await get('/metrics', ['Authorization: Bearer wrong'])).status, 403);
	assert.equal((await get('/metrics', ['Authorization: Bearer toy-token'])).status, 200);
	assert.equal((await rawRequest(admin, 'GET /healthz HTTP/1.1\r\nHost: 10.1.2.3:99\r\n\r\n')).status, 200);
	assert.equal((await rawRequest(admin, 'GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n')).status, 403);
	await open.stop();
});

// --- deadlines

test('each timeout ends what is too slow', { timeout: 300000 }, async t => {
	const slow = await startToys('--header-timeout', '1', '--body-timeout', '1', '--min-rate-grace', '1', '--idle-timeout', '3', '--min-rate', '100000');
	// A byte every 50 ms, until the server ends the connection.
	const trickle = async (base, head) => {
		const raw = await rawSocket(base);
		await raw.send(head);
		const timer = setInterval(() => raw.send('x'), 50);
		await raw.until(() => false);
		clearInterval(timer);
		await raw.end();
		return raw.received();
	};
	await t.test('a head, with a timeout response', async () => {
		assert.match(await trickle(slow.api, 'GET /fast HTTP/1.1\r\nHost: localhost\r\nX-Slow: '), /^HTTP\/1\.1 400 Bad Request\r\n[^]*head_slow/);
	});
	await t.test('a head after a request', async () => {
		const text = await trickle(slow.api, `${request('GET', '/fast')}GET /fast HTTP/1.1\r\nX-Slow: `);
		assert.match(text, /fast\nHTTP\/1\.1 400 [^]*head_slow/);
	});
	await t.test('a JSON body, with a timeout response', async () => {
		const text = await trickle(slow.api, request('POST', '/echo', ['Content-Length: 10000']));
		assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n[^]*body_slow/);
	});
	await t.test('an object, with a timeout response', async () => {
		const text = await trickle(slow.storage, request('PUT', '/echo', ['Content-Length: 1000000']));
		assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n[^]*body_slow/);
	});
	await t.test('a reader that reads nothing', async () => {
		for (const target of ['/big?n=30000000', '/file?n=30000000']) {
			const raw = await rawSocket(slow.storage);
			raw.socket.pause();
			await raw.send(request('GET', target));
			await eventually(() => slow.lines('request').some(l => l.status === 408 && target.startsWith(l.route)), { what: `the end of ${target}` });
			await raw.end();
		}
	});
	await t.test('an idle connection', async () => {
		const raw = await rawSocket(slow.api);
		await raw.send(request('GET', '/fast'));
		await raw.until(() => false);
		assert.ok(raw.isClosed);
		await raw.end();
	});
	await t.test('but not a busy handler, a fast body or a fast reader', async () => {
		const held = fetch(`${slow.api}/hold`);
		const idle = await rawSocket(slow.api);
		await idle.send(request('GET', '/fast'));
		await idle.until(() => false);   // as long as the deadlines that must not apply
		await fetch(`${slow.api}/release`);
		assert.equal(await (await held).text(), 'held\n');
		assert.equal((await (await fetch(`${slow.storage}/file?n=20000000`)).arrayBuffer()).byteLength, 20000000);
	});
	const b = await slow.balance();
	assert.equal(b.promised, b.finished + b.cancelled);
	await slow.stop();
});

// --- too much

test('when the queue is full the response is 503, and none is lost', { timeout: 300000 }, async () => {
	const small = await startToys('--workers', '1');
	const sockets = await Promise.all(Array.from({ length: 1100 }, () => rawSocket(small.api)));
	await Promise.all(sockets.map(raw => raw.send(request('GET', '/hold'))));
	await eventually(() => sockets.some(raw => raw.received().startsWith('HTTP/1.1 503')), { what: 'a 503' });
	assert.match(sockets.find(raw => raw.received() !== '').received(), /overloaded/);
	assert.equal((await rawRequest(small.api, request('GET', '/release'))).status, 200);
	const answers = await Promise.all(sockets.map(raw => raw.until(t => parseAnswer(t)?.whole)));
	const codes = answers.map(t => parseAnswer(t).status);
	assert.equal(codes.filter(c => c === 200).length + codes.filter(c => c === 503).length, 1100);
	await eventually(() => small.lines('request').some(l => l.status === 503 && l.route === '/hold' && l.code === 'overloaded'), { what: 'the route in the log' });
	await Promise.all(sockets.map(raw => raw.end()));
	await small.stop();
});

// --- the end

test('SIGTERM: requests in flight are finished, then the server exits with 0', async () => {
	const ending = await startToys();
	const other = await rawSocket(ending.api);
	await other.send(request('GET', '/fast'));
	await other.until(t => t.endsWith('fast\n'));
	const held = await rawSocket(ending.api);
	await held.send(request('GET', '/hold'));
	await eventually(async () => (await ending.balance()).held === 1, { what: 'the held request' });
	ending.child.kill('SIGTERM');
	await eventually(() => ending.lines('server.stopping').length === 1, { what: 'the drain' });
	await other.send(request('GET', '/release'));
	const answer = parseAnswer(await held.until(t => parseAnswer(t)?.whole));
	assert.equal(answer.body, 'held\n');
	assert.equal(answer.headers.get('connection')?.toLowerCase(), 'close');
	assert.deepEqual(await ending.exited, { code: 0, signal: null });
	await Promise.all([held.end(), other.end()]);
});

test('SIGTERM: requests that do not end in time are cut', async () => {
	const ending = await startToys('--drain-timeout', '1');
	const raw = await rawSocket(ending.storage);
	await raw.send(request('PUT', '/echo', ['Content-Length: 1000'], 'half'));
	await eventually(async () => (await ending.balance()).promised === 1, { what: 'the half request' });
	ending.child.kill('SIGINT');
	assert.deepEqual(await ending.exited, { code: 0, signal: null });
	await raw.end();
});

test('a second SIGTERM ends the process at once', async () => {
	const ending = await startToys();
	const held = await rawSocket(ending.api);
	await held.send(request('GET', '/hold'));
	await eventually(async () => (await ending.balance()).held === 1, { what: 'the held request' });
	ending.child.kill('SIGTERM');
	await eventually(() => ending.lines('server.stopping').length === 1, { what: 'the drain' });
	ending.child.kill('SIGTERM');
	assert.deepEqual(await ending.exited, { code: 143, signal: null });
	await held.end();
});

test('addresses: a taken port, a bad one and IPv6', async () => {
	const taken = new URL(toys.api).host;
	await assert.rejects(startToys('--api', taken), new RegExp(`${taken} is taken.*--api`));
	await assert.rejects(startToys('--storage', '127.0.0.1'), /--storage must be HOST:PORT/);
	await assert.rejects(startToys('--admin', '192.0.2.1:0'), /192\.0\.2\.1:0 is not an address of this machine.*--admin/);
	const six = await startToys('--api', '[::1]:0');
	assert.match(six.api, /^http:\/\/\[::1\]:\d+$/);
	const raw = await exec('curl', ['-s', '-g', `${six.api}/fast`]);
	assert.equal(raw.stdout, 'fast\n');
	await six.stop();
});
