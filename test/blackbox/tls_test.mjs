// The API and the store over TLS: whole bodies both ways, kept connections, versions and certificates that are
// refused, clients that are slow or use no TLS, renewal of the certificate in a running server, the
// command line; and then the suites of the plain store again, each over TLS.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';

import { corpus, credentials, eventually, pictures, rawSocket, root, runProgram, startServer } from './support/server.mjs';
import { presign as presignAt } from './support/presign.mjs';

const run = promisify(execFile);
const work = mkdtempSync(path.join(tmpdir(), 'tintype-tls-'));
after(() => rmSync(work, { recursive: true, force: true }));
const jpeg = corpus('good/photo.jpg');
const LARGE = randomBytes(5 * 1024 * 1024);

/** A certificate of its own in a folder of its own: { dir, cert, key, ca }. */
async function makePair(name, kind = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']) {
	const dir = path.join(work, name), cert = path.join(dir, 'cert.pem'), key = path.join(dir, 'key.pem');
	mkdirSync(dir);
	await run('openssl', ['req', '-x509', '-newkey', ...kind, '-nodes', '-keyout', key, '-out', cert, '-days', '30',
		'-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']);
	chmodSync(key, 0o600);
	return { dir, cert, key, ca: readFileSync(cert) };
}

const tlsArgs = pair => ['--tls-cert', pair.cert, '--tls-key', pair.key];

let pair, other, server, agent;
before(async () => {
	pair = await makePair('first');
	other = await makePair('other', ['rsa:2048']);
	server = await startServer({ args: [...tlsArgs(pair), '--header-timeout', '5', '--min-rate-grace', '1', '--max-size', '20000000'] });
	agent = new https.Agent({ ca: pair.ca, keepAlive: true });
});
after(async () => {
	agent?.destroy();
	await server?.stop();
});

/** { status, headers, bytes, text, json, socket } */
function request(url, { method = 'GET', body, ...options } = {}) {
	return new Promise((resolve, reject) => {
		const q = https.request(url, { method, agent, ...options }, answer => {
			const { socket } = answer, pieces = [];
			answer.on('data', piece => pieces.push(piece)).on('error', reject).on('end', () => {
				const bytes = Buffer.concat(pieces), text = bytes.toString();
				let json;
				try { json = JSON.parse(text); } catch { /* none */ }
				resolve({ status: answer.statusCode, headers: answer.headers, bytes, text, json, port: socket.localPort, reused: q.reusedSocket });
			});
		});
		q.on('error', reject);
		q.end(body);
	});
}

async function openSlot(more = {}) {
	const { json } = await request(`${server.api}/prod/upload`, { method: 'POST', body: JSON.stringify({ fileName: 'a.jpg', fileType: 'image/jpeg', ...more }) });
	return json;
}
const presign = (method, key, options) => presignAt(server, method, key, { who: credentials(server).tintype, ...options });

/** Until the server ends this connection, or has ended it, with a goodbye or a reset. */
const ends = socket => new Promise(resolve => {
	if (socket.readableEnded || socket.closed)
		resolve(true);
	socket.once('end', () => resolve(true)).once('close', () => resolve(true));
});

function plainSocket(t, url) {
	const { hostname, port } = new URL(url);
	const socket = net.connect({ host: hostname, port });
	socket.on('error', () => {});
	t.after(() => socket.destroy());
	socket.resume();
	return socket;
}

async function tlsSocket(t, url, options = {}) {
	const { hostname, port } = new URL(url);
	const socket = tls.connect({ host: hostname, port, ca: pair.ca, ...options });
	t.after(() => socket.destroy());
	await once(socket, 'secureConnect');
	socket.on('error', () => {});
	return socket;
}

test('all three listeners are https', async () => {
	assert.match(server.api, /^https:\/\/127\.0\.0\.1:\d+$/);
	assert.match(server.storage, /^https:/);
	assert.match(server.admin, /^https:/);
	assert.match(server.out, /https:.*\/prod/);
	assert.equal((await request(`${server.admin}/healthz`)).status, 200);
	const slot = await openSlot();
	assert.ok(slot.uploadUrl.startsWith(`${server.storage}/`) && slot.fileUrl.startsWith(`${server.storage}/`));
});

test('a session is resumed, with TLS 1.2 and 1.3, and never renegotiated', async t => {
	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		const sessions = [];
		const first = await tlsSocket(t, server.api, { minVersion: version, maxVersion: version });
		first.on('session', session => sessions.push(session));
		first.write('GET /prod/limits HTTP/1.1\r\nHost: localhost\r\n\r\n');
		await once(first, 'data');
		if (version === 'TLSv1.2')
			sessions.push(first.getSession());
		await eventually(() => sessions.length > 0, { what: 'a session' });
		assert.equal(first.isSessionReused(), false);
		const again = await tlsSocket(t, server.api, { minVersion: version, maxVersion: version, session: sessions.at(-1) });
		assert.equal(again.isSessionReused(), true, version);
		if (version === 'TLSv1.2') {
			const refused = new Promise(resolve => { again.on('error', resolve).on('close', resolve); });
			again.renegotiate({}, () => {});
			await refused;
		}
	}
});

test('an image by presigned URL and by form, listed and downloaded', async () => {
	const slot = await openSlot();
	assert.equal((await request(slot.uploadUrl, { method: 'PUT', headers: slot.headers, body: jpeg })).status, 200);
	const { json: image } = await request(`${server.api}/prod/images/${slot.imageId}`);
	assert.equal(image.status, 'uploaded');
	assert.deepEqual((await request(image.downloadUrl)).bytes, jpeg);

	const form = await openSlot({ method: 'POST' });
	const fields = Object.entries(form.fields).flatMap(([name, value]) => ['-F', `${name}=${value}`]);
	const { stdout } = await run('curl', ['-s', '--cacert', pair.cert, '-w', '%{http_code}', ...fields, '-F', `file=@${path.join(pictures(), 'good/photo.jpg')};type=image/jpeg`, form.uploadUrl]);
	assert.match(stdout, /204$/);
});

test('5 MB are stored and read unchanged, whole and in parts, by HTTP/1.1 on one connection', async () => {
	const one = new https.Agent({ ca: pair.ca, keepAlive: true, maxSockets: 1 });
	const ports = new Set();
	for (let i = 0; i < 3; i++) {
		const put = await request(presign('PUT', `large-${i}`), { method: 'PUT', body: LARGE, agent: one });
		const get = await request(presign('GET', `large-${i}`), { agent: one });
		const part = await request(presign('GET', `large-${i}`), { agent: one, headers: { Range: 'bytes=1000001-3000000' } });
		assert.deepEqual([put.status, get.status, part.status], [200, 200, 206]);
		assert.ok(get.bytes.equals(LARGE));
		assert.ok(part.bytes.equals(LARGE.subarray(1000001, 3000001)));
		[put, get, part].forEach(answer => ports.add(answer.port));
	}
	one.destroy();
	assert.equal(ports.size, 1, 'the connection was kept');
});

test('many concurrent bodies of every size are whole', async () => {
	const sizes = [0, 1, 1023, 16384, 16385, 32768, 65537, 200000, 1000000];
	await Promise.all(sizes.flatMap(size => [0, 1, 2].map(async n => {
		const bytes = LARGE.subarray(0, size), key = `many/${size}-${n}`;
		assert.equal((await request(presign('PUT', key), { method: 'PUT', body: bytes })).status, 200);
		assert.ok((await request(presign('GET', key))).bytes.equals(bytes), `${size} bytes`);
	})));
});

test('requests in one write get their responses in order', async t => {
	const socket = await tlsSocket(t, server.api);
	const { host } = new URL(server.api);
	const get = target => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
	let text = '';
	socket.on('data', piece => { text += piece; });
	socket.write(get('/prod/limits') + get('/prod/images') + get('/prod/none') + get('/prod/limits'));
	await eventually(() => text.match(/HTTP\/1\.1 \d+/g)?.length === 4 && text.trimEnd().endsWith('}'));
	assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g).map(line => line.slice(-3)), ['200', '200', '404', '200']);
});

test('TLS 1.2 and 1.3 are accepted, older versions and weak ciphers are not', async t => {
	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		const socket = await tlsSocket(t, server.storage, { minVersion: version, maxVersion: version });
		assert.equal(socket.getProtocol(), version);
		assert.match(socket.getCipher().standardName, /GCM|CHACHA20/);
	}
	for (const options of [{ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' },
		{ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }])
		await assert.rejects(tlsSocket(t, server.storage, options), /alert|EPROTO|ECONNRESET|disconnected|handshake/i, JSON.stringify(options));
});

test('a plain HTTP request gets an error that says to use https, in the format of its listener', async t => {
	for (const url of [server.api, server.storage, server.admin])
		for (const method of ['GET', 'PUT', 'POST', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'PROPFIND']) {
			const socket = plainSocket(t, url);
			let text = '';
			socket.on('data', piece => { text += piece; });
			socket.write(`${method} /prod/limits HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100000)}`);
			assert.ok(await ends(socket));
			assert.match(text, method === 'HEAD' ? /^HTTP\/1\.1 400 Bad Request\r\n/ : /^HTTP\/1\.1 400 Bad Request\r\n[^]*https:\/\//);
			assert.match(text, /\r\nConnection: close\r\n/);
		}
	const rubbish = plainSocket(t, server.api);
	rubbish.write('neither(TLS)nor(HTTP)\r\n\r\n');
	assert.ok(await ends(rubbish));
	const slow = await rawSocket(server.api.replace('https:', 'http:'));
	for (const piece of ['DEL', 'ETE', ' /'])
		await slow.send(piece);
	assert.match(await slow.until(() => false), /^HTTP\/1\.1 400 /);
	await slow.end();
});

test('a URL with http is refused on a connection with TLS', async t => {
	for (const [scheme, status] of [['https', 200], ['http', 421]]) {
		const socket = await tlsSocket(t, server.admin);
		let text = '';
		socket.on('data', piece => { text += piece; });
		socket.write(`GET ${scheme}://localhost/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
		assert.ok(await ends(socket));
		assert.ok(text.startsWith(`HTTP/1.1 ${status} `), text);
	}
});

test('a request with one byte in each TLS record is served', async t => {
	const socket = await tlsSocket(t, server.api), { host } = new URL(server.api);
	let text = '';
	socket.on('data', piece => { text += piece; });
	socket.setNoDelay(true);
	for (const byte of `GET /prod/limits HTTP/1.1\r\nHost: ${host}\r\n\r\nPOST /prod/upload HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\n\r\n{}`)
		await new Promise(resolve => socket.write(byte, resolve));
	await eventually(() => text.match(/HTTP\/1\.1 \d+/g)?.length === 2);
	assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g).map(line => line.slice(-3)), ['200', '400']);
});

test('a handshake that fails disturbs no other connection of the same thread', async t => {
	const one = await startServer({ args: [...tlsArgs(pair), '--reactors', '1'] });
	t.after(() => one.stop());
	const slot = (await request(`${one.api}/prod/upload`, { method: 'POST', body: JSON.stringify({ fileName: 'a.jpg', fileType: 'image/jpeg' }) })).json;
	const { host, port, pathname, search } = new URL(slot.uploadUrl);
	const failHandshake = () => new Promise(resolve => {
		const socket = net.connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\n\r\n'));
		socket.on('error', () => {}).on('close', resolve).resume();
	});
	// Hands on what the client sends in pieces of a part of a TLS record, with a failed handshake before each.
	const splitter = net.createServer(client => {
		const up = net.connect(port, '127.0.0.1');
		up.on('data', piece => client.write(piece)).on('error', () => {}).on('close', () => client.destroy());
		client.on('error', () => {}).on('data', async piece => {
			client.pause();
			for (let at = 0; at < piece.length; at += 2000) {
				await failHandshake();
				await new Promise(resolve => up.write(piece.subarray(at, at + 2000), resolve));
			}
			client.resume();
		});
		t.after(() => up.destroy());
	}).listen(0, '127.0.0.1');
	await once(splitter, 'listening');
	t.after(() => splitter.close());
	const put = await request(`https://127.0.0.1:${splitter.address().port}${pathname}${search}`,
		{ method: 'PUT', agent: false, ca: pair.ca, headers: { ...slot.headers, Host: host }, body: jpeg });
	assert.equal(put.status, 200, put.text);
});

test('a handshake, a head or a body that stalls, and a response that is not read, time out', { timeout: 300000 }, async t => {
	const hello = Buffer.from('1603010200010001fc0303', 'hex');   // the beginning of a ClientHello of 512 bytes
	const cutHandshake = plainSocket(t, server.storage), dripping = plainSocket(t, server.api);
	cutHandshake.write(hello);
	dripping.write(hello);
	const timer = setInterval(() => dripping.write('\0'), 100);
	t.after(() => clearInterval(timer));
	const head = await tlsSocket(t, server.api);
	head.write('GET /prod/limits HTTP/1.1\r\nHost: loc');
	head.resume();
	const body = await tlsSocket(t, server.storage);
	const url = new URL(presign('PUT', 'slow'));
	body.write(`PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Length: 100000\r\n\r\n`);
	body.resume();
	await request(presign('PUT', 'unread'), { method: 'PUT', body: Buffer.alloc(19000000) });
	const answer = await tlsSocket(t, server.storage), get = new URL(presign('GET', 'unread'));
	answer.pause();
	answer.write(`GET ${get.pathname}${get.search} HTTP/1.1\r\nHost: ${get.host}\r\n\r\n`);
	await Promise.all([cutHandshake, dripping, head, body].map(ends));
	const open = async () => Number(/^tintype_connections\{listener="storage"\} (\d+)$/m.exec((await request(`${server.admin}/metrics`)).bytes.toString())[1]);
	agent.destroy();   // its kept connections
	await eventually(async () => await open() === 0, { timeoutMs: 120000 });
});

test('a refusal reaches a client that is still sending', async () => {
	const wrong = presign('PUT', 'refused').replace(/Signature=(.)/, (all, c) => `Signature=${c === '0' ? '1' : '0'}`);
	for (let i = 0; i < 3; i++)
		assert.match((await request(wrong, { method: 'PUT', body: LARGE })).text, /SignatureDoesNotMatch/);
});

test('the command line uploads, lists and gets with a trusted certificate, and fails without', async () => {
	const env = { AWS_CA_BUNDLE: pair.cert }, endpoint = ['--endpoint', server.api];
	const file = path.join(work, 'picture.jpg');
	writeFileSync(file, jpeg);
	const up = await runProgram(['upload', file, ...endpoint], { env });
	assert.equal(up.code, 0, up.stderr);
	const [id] = up.stdout.match(/[0-9a-f-]{36}/);
	assert.match((await runProgram(['list', ...endpoint], { env })).stdout, new RegExp(id));
	const got = await runProgram(['get', id, '--output', path.join(work, 'got.jpg'), ...endpoint], { env });
	assert.equal(got.code, 0, got.stderr);
	assert.ok(readFileSync(path.join(work, 'got.jpg')).equals(jpeg));
	const stranger = await runProgram(['list', ...endpoint], { env: { AWS_CA_BUNDLE: other.cert } });
	assert.notEqual(stranger.code, 0);
	assert.match(stranger.stderr, /certificate/i);
});

const serverCert = async t => {
	const socket = await tlsSocket(t, server.api, { ca: [pair.ca, other.ca] });
	const { subject } = socket.getPeerCertificate();
	socket.destroy();
	return subject.CN;
};

test('a certificate that is renewed is used at new connections, and one that does not match the key is not', async t => {
	const kept = await tlsSocket(t, server.api), { host } = new URL(server.api);
	let text = '';
	kept.on('data', piece => { text += piece; });
	const ask = async () => {
		text = '';
		kept.write(`GET /prod/limits HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
		await eventually(() => text.endsWith('}') || kept.destroyed || kept.readableEnded);
		assert.match(text, /^HTTP\/1\.1 200/);
	};
	await ask();
	assert.equal(await serverCert(t), 'first');
	const replace = (from, to) => {
		copyFileSync(from, `${to}.new`);
		chmodSync(`${to}.new`, 0o600);
		renameSync(`${to}.new`, to);
	};
	copyFileSync(pair.cert, path.join(work, 'old.pem'));
	replace(other.cert, pair.cert);   // the key is still the old one's
	await eventually(async () => { assert.equal(await serverCert(t), 'first'); return server.events('tls.refused').length > 0; });
	assert.match(server.events('tls.refused')[0].text, /does not match the certificate/);
	replace(other.key, pair.key);
	await eventually(async () => await serverCert(t) === 'other');
	await eventually(() => server.events('tls.renewed').length > 0);   // written by a thread of its own
	assert.equal(server.events('tls.renewed').length, 1);
	await ask();
	pair.ca = Buffer.concat([pair.ca, other.ca]);
	agent.options.ca = pair.ca;
	assert.equal((await request(`${server.api}/prod/limits`)).status, 200);
});

test('an unusable certificate and key are refused at startup with an error message, and nothing is written', async t => {
	const good = await makePair('good'), second = await makePair('second');
	const loose = path.join(work, 'loose.pem'), text = path.join(work, 'text.pem'), missing = path.join(work, 'missing.pem');
	copyFileSync(good.key, loose);
	chmodSync(loose, 0o644);
	const shared = path.join(work, 'shared.pem'), foreign = path.join(work, 'foreign.pem');
	for (const file of [shared, foreign])
		copyFileSync(good.key, file);
	chmodSync(shared, 0o620);
	chmodSync(foreign, 0o600);
	const asRoot = process.geteuid() === 0;
	if (asRoot)
		chownSync(foreign, 65534, 65534);
	writeFileSync(text, 'no PEM at all\n', { mode: 0o600 });
	for (const [args, sentence] of [
		[['--tls-cert', good.cert], /--tls-cert \(TINTYPE_TLS_CERT\) and --tls-key \(TINTYPE_TLS_KEY\) go together/],
		[['--tls-key', good.key], /go together/],
		[['--tls-cert', missing, '--tls-key', good.key], /--tls-cert: .*missing\.pem cannot be read: No such file/],
		[['--tls-cert', good.cert, '--tls-key', missing], /--tls-key: .*missing\.pem cannot be read: No such file/],
		[['--tls-cert', work, '--tls-key', good.key], /--tls-cert: .* cannot be read: Is a directory/],
		[['--tls-cert', text, '--tls-key', good.key], /--tls-cert: .*text\.pem is not valid PEM/],
		[['--tls-cert', good.cert, '--tls-key', text], /--tls-key: .*text\.pem is not valid PEM/],
		[['--tls-cert', good.cert, '--tls-key', second.key], /The key in .* does not match the certificate/],
		[['--tls-cert', good.cert, '--tls-key', loose], /--tls-key: .*loose\.pem can be read by others; run chmod 600/],
		[['--tls-cert', good.cert, '--tls-key', shared], /--tls-key: .*shared\.pem can be written by others; run chmod 600/],
		...asRoot ? [[['--tls-cert', good.cert, '--tls-key', foreign], /--tls-key: .*foreign\.pem belongs to another user \(uid 65534, not 0\)/]] : [],
		[[...tlsArgs(good), '--public-storage-url', 'http://pictures.example.com'], /--public-storage-url is http:/],
	]) {
		const data = path.join(work, 'never');
		const refused = await runProgram(['serve', '--data', data, '--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0', ...args]);
		assert.match(refused.stderr, sentence);
		assert.equal(refused.stderr.trim().split('\n').length, 1);
		assert.equal(refused.code, 2);
		assert.ok(!existsSync(data));
	}
});

test('SIGTERM finishes the upload in flight', async t => {
	const fresh = await makePair('fresh');
	const mine = await startServer({ args: tlsArgs(fresh) });
	t.after(() => mine.stop());
	const url = new URL(presignAt(mine, 'PUT', 'last', { who: credentials(mine).tintype }));
	const socket = await tlsSocket(t, mine.storage, { ca: fresh.ca });
	let text = '';
	socket.on('data', piece => { text += piece; });
	socket.write(`PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Length: ${jpeg.length}\r\nExpect: 100-continue\r\n\r\n`);
	await eventually(() => text.includes('100 Continue'));
	mine.child.kill('SIGTERM');
	await mine.waitForEvent(e => e.event === 'server.stopping');
	socket.write(jpeg);
	await ends(socket);
	assert.match(text, /HTTP\/1\.1 200/);
	assert.equal((await mine.exited).code, 0);
});

for (const suite of ['store', 'slow', 'framing'])
	test(`all of ${suite}_test.mjs over TLS`, { timeout: 600000 }, async () => {
		const same = await makePair(`of-${suite}`);
		const env = { ...process.env, TEST_TLS: same.dir, NODE_EXTRA_CA_CERTS: same.cert, SSL_CERT_FILE: same.cert, CURL_CA_BUNDLE: same.cert };
		delete env.NODE_TEST_CONTEXT;
		const inner = await run(process.execPath, ['--test', path.join(root, `test/blackbox/${suite}_test.mjs`)], { env, maxBuffer: 1 << 26 }).catch(e => e);
		assert.ok(!inner.code, inner.stdout?.match(/not ok[^]*?\n\s+stack/g)?.join('\n') ?? inner.message);
		assert.match(inner.stdout, /^# fail 0$/m);
		assert.match(inner.stdout, /^# pass [1-9]/m);
	});
