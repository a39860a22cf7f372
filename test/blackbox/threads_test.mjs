// The real server built with ThreadSanitizer, under a mixed load: slots, PUTs, forms, lists, gets,
// deletes, thumbnails, delivery links, killed renderers, rejected bytes, bad signatures, users that are added and removed, scrapes, cut connections, a sweep each second,
// logs that rotate, and SIGTERM in the middle of it, twice on one data directory, the second time over TLS. No report is allowed; TSan
// checks our own code only, since SQLite and OpenSSL are built without it (test/tsan.supp).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { presign } from './support/presign.mjs';
import { call, corpus, fetchUrl, openSlot, postForm, putBytes, rawSocket, renderers, root, startServer, tinyPng } from './support/server.mjs';

process.env.TINTYPE = process.env.TINTYPE_TSAN;
// Reports come to stderr, where this test reads them, and the first one ends the server.
const TSAN_OPTIONS = `suppressions=${path.join(root, 'test/tsan.supp')}:halt_on_error=1:second_deadlock_stack=1:exitcode=66`;

const CLIENTS = 12, OPERATIONS = 600;
const SHORT = ['--sweep-interval', '1', '--pending-ttl', '1', '--rejected-ttl', '1', '--orphan-ttl', '1', '--url-ttl', '5',
	'--header-timeout', '1', '--idle-timeout', '5', '--min-rate-grace', '1', '--workers', '8', '--log-max-size', '4096', '--log-files', '2'];
const jpeg = corpus('good/photo.jpg');
const dir = mkdtempSync(path.join(tmpdir(), 'tintype-threads-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const jpegSlot = (server, more) => openSlot(server, { fileName: 'a.jpg', fileType: 'image/jpeg', ...more });

const silent = ['cutHead', 'cutBody', 'cutAnswer'];   // these wait for no response

/** Send the start of a request and go away, at whatever moment the server has come to. */
async function cut(base, text) {
	const raw = await rawSocket(base);
	await raw.send(text);
	await raw.end();
}

async function anImage(server) {
	const { json } = await call(server, 'GET', '/images?limit=10');
	return json.images[Math.floor(Math.random() * json.images.length)];
}

const headOf = (method, url, more = '') => `${method} ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n${more}\r\n`;

let firstKeys, users = 0;

/** Put a file with another user in place of the last, and sign as that one. */
async function signAsNewUser(server) {
	const file = path.join(server.data, 'credentials'), name = `user-${users++}`, secret = 'secret-secret';
	firstKeys ??= readFileSync(file, 'utf8');
	writeFileSync(`${file}.${name}`, `${firstKeys}\n[${name}]\naws_access_key_id = ${name}\naws_secret_access_key = ${secret}\n`, { mode: 0o600 });
	renameSync(`${file}.${name}`, file);
	return fetchUrl(presign(server, 'GET', 'notes/a.txt', { who: { id: name, secret } }));
}

// Each returns a response, several, or nothing; none may be an internal error.
const operations = {
	put: async server => putBytes(await jpegSlot(server), jpeg),
	putTwice: async server => {
		const slot = await jpegSlot(server);
		return Promise.all([putBytes(slot, jpeg), putBytes(slot, jpeg)]);
	},
	form: async server => postForm(await jpegSlot(server, { method: 'POST' }), jpeg, { fileType: 'image/jpeg' }),
	rejected: async server => putBytes(await jpegSlot(server), tinyPng),
	slotAlone: server => call(server, 'POST', '/upload', { json: { fileName: 'a.jpg', fileType: 'image/jpeg' } }),
	list: async server => {
		const first = await call(server, 'GET', '/images?limit=3');
		return first.json?.nextCursor ? call(server, 'GET', `/images?limit=3&cursor=${first.json.nextCursor}`) : first;
	},
	get: async server => {
		const image = await anImage(server);
		return image && [await call(server, 'GET', `/images/${image.imageId}`), await fetchUrl(image.downloadUrl)];
	},
	remove: async server => {
		const image = await anImage(server);
		return image && call(server, 'DELETE', `/images/${image.imageId}`);
	},
	complete: async server => {
		const slot = await jpegSlot(server);
		return Promise.all([call(server, 'POST', `/images/${slot.imageId}/complete`), putBytes(slot, jpeg)]);
	},
	damaged: async server => putBytes(await jpegSlot(server), jpeg.subarray(0, jpeg.length / 2)),
	show: async server => {
		const { links } = await anImage(server) ?? {};
		return links && Promise.all([links.small.webp, links.small.webp, links.large.jpeg, links.original].map(url => fetchUrl(url)));
	},
	changeVisibility: async server => {
		const image = await anImage(server);
		return image && call(server, 'PATCH', `/images/${image.imageId}`, { json: { visibility: 'private' } });
	},
	killRenderer: async server => {
		for (const pid of renderers(server).slice(0, 1))
			process.kill(pid, 'SIGKILL');
		return putBytes(await jpegSlot(server), jpeg);
	},
	badSignature: async server => fetchUrl((await jpegSlot(server)).uploadUrl.replace(/.$/, c => (c === '0' ? '1' : '0')), { method: 'PUT', body: tinyPng }),
	newUser: signAsNewUser,
	badBody: server => call(server, 'POST', '/upload', { body: '{"fileName":' }),
	scrape: async server => [await fetchUrl(`${server.admin}/metrics`), await fetchUrl(`${server.admin}/readyz`)],
	cutHead: server => cut(server.api, 'GET /prod/images HTTP/1.1\r\nHo'),
	cutBody: async server => {
		const url = new URL((await jpegSlot(server)).uploadUrl);
		await cut(server.storage, Buffer.concat([Buffer.from(headOf('PUT', url, `Content-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n`)), jpeg.subarray(0, jpeg.length / 2)]));
	},
	cutAnswer: async server => {
		const image = await anImage(server);
		if (image)
			await cut(server.storage, headOf('GET', new URL(image.downloadUrl)));
	},
};

/**
 * All operations concurrently, until enough is done and swept; then SIGTERM under load. Returns how often each
 * was done, what was answered that must not be, and how the server ended.
 */
async function runAndTerminate(server) {
	const names = Object.keys(operations);
	const done = Object.fromEntries(names.map(name => [name, 0]));
	const bad = [];
	let started = 0, enough;
	const reached = new Promise(resolve => { enough = resolve; });
	const isRunning = () => server.child.exitCode === null && server.child.signalCode === null;
	async function client() {
		while (isRunning()) {
			const name = names[started++ % names.length];
			// A connection may be closed at any moment, by a timeout or by the shutdown: that is not a response.
			const answers = [await operations[name](server).catch(() => [])].flat().filter(Boolean);
			bad.push(...answers.filter(a => a.status >= 500 && a.status !== 503).map(a => `${name}: ${a.status} ${a.text}`));
			done[name] += answers.length > 0 || silent.includes(name);
			if (started >= OPERATIONS)
				enough();
		}
	}
	const clients = Promise.all(Array.from({ length: CLIENTS }, client));
	try {
		await Promise.race([Promise.all([reached, server.waitForEvent('sweep', 60000)]), server.exited]);
	} finally {
		await server.kill('SIGTERM');
		await clients;
	}
	return { done, bad, end: await server.exited };
}

/** Flags for a certificate made here. It is not what is tested here, so it is not checked. */
function tlsArgs() {
	const [cert, key] = ['cert.pem', 'key.pem'].map(name => path.join(dir, name));
	execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-subj', '/CN=localhost'], { stdio: 'ignore' });
	chmodSync(key, 0o600);
	process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
	return ['--tls-cert', cert, '--tls-key', key];
}

for (const [round, more] of [['on a new data directory', () => []], ['on what the first one left, over TLS', tlsArgs]]) {
	test(`no race, no deadlock and a clean exit ${round}`, { timeout: 600000 }, async () => {
		assert.ok(existsSync(process.env.TINTYPE), 'TINTYPE_TSAN must name the TSan build of the program');
		const server = await startServer({ data: dir, args: [...SHORT, ...more()], env: { TSAN_OPTIONS }, timeoutMs: 60000 });
		const { done, bad, end } = await runAndTerminate(server);
		assert.deepEqual(server.log.filter(line => !line.startsWith('{')), [], 'stderr has nothing but the log');
		assert.deepEqual(bad, [], 'no answer is a fault of the server');
		assert.deepEqual(end, { code: 0, signal: null });
		for (const [name, times] of Object.entries(done))
			assert.ok(times > 0, `${name} was done`);
		assert.ok(server.events('sweep').length > 0, 'the sweep found something under the load');
	});
}
