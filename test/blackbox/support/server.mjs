// What every black-box test shares: a server of its own on free ports and a data directory of its
// own, JSON calls, uploads, and raw sockets for requests that no client would send.
//
// The program under test is named by the environment variable TINTYPE. Node 20, no packages.
//
//   const server = await startServer({ env: { TINTYPE_ACCESS: 'key', … }, args: ['--url-ttl', '1'] });
//   after(() => server.stop());
//   const { image } = await uploadImage(server, { bytes: corpus('good/photo.jpg') });
//   const answer = await rawRequest(server.storage, 'GET / HTTP/1.1\r\n\r\n');
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

// TEST_TLS names a folder with cert.pem and key.pem: every server then uses TLS, and NODE_EXTRA_CA_CERTS must
// name the certificate. So a test of the plain server becomes one of the same over TLS (tls_test.mjs runs some).
const tlsEnv = process.env.TEST_TLS
	? { TINTYPE_TLS_CERT: path.join(process.env.TEST_TLS, 'cert.pem'), TINTYPE_TLS_KEY: path.join(process.env.TEST_TLS, 'key.pem') } : {};

// A test that fails before it can stop its server must not leave it running, and one that passes has stopped it.
const running = new Set();
process.on('exit', () => {
	if (running.size > 0)
		process.exitCode ||= 1;
	running.forEach(child => child.kill('SIGKILL'));
});

/** The program under test. Its absence fails the test that asks. */
export function program() {
	const file = process.env.TINTYPE;
	if (!file || !existsSync(file))
		throw new Error(`TINTYPE must name the program to test; it is ${file ? `${file}, which is not there` : 'not set'}`);
	return path.resolve(file);
}

/** A package of test/npm (tools/deps test installs them): npmPackage('ajv'). */
export const npmPackage = createRequire(path.join(root, 'test/npm/package.json'));

let made;

/** The folder of the pictures that encoders make for the tests, with good/ and broken/; made if they are not there. */
export function pictures() {
	return made ??= execFileSync(path.join(root, 'test/pictures/make'), { encoding: 'utf8' }).trim();
}

/** Bytes of one of these: corpus('good/photo.jpg'). */
export function corpus(name) {
	return readFileSync(path.join(pictures(), name));
}

/** What tests of many pictures run on: [[what, folder], …], ours and the folder that TINTYPE_TEST_CORPUS names. */
export function corpora() {
	const further = process.env.TINTYPE_TEST_CORPUS;
	return [['the pictures', pictures()], ...further ? [['the further corpus', further]] : []];
}

/** The smallest whole PNG there is: 1 x 1, grey. For tests that need any image at all. */
export const tinyPng = Buffer.from(
	'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==', 'base64');

/**
 * Start a server and wait until it logs server.ready.
 *
 * data      a data directory to use (and to leave in place); else a fresh one that stop() removes
 * env       more environment; null as a value removes a variable
 * args      more flags; the three listen flags come first, so a repeated one wins
 * wrap      a command that runs the program: ['strace', '-f']
 * timeoutMs how long the start may take
 *
 * Gives { api, storage, admin, ready, data, child, pid, log, events(), waitForEvent(), stop(), kill() }.
 * api, storage, admin  URLs without a trailing slash
 * ready                the whole event
 * log                  every line of stderr so far, as text
 */
export async function startServer({ data, env = {}, args = [], wrap = [], timeoutMs = 60000 } = {}) {
	const own = data === undefined;
	const dir = own ? mkdtempSync(path.join(tmpdir(), 'tintype-test-')) : data;
	const listen = ['--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
	const command = [...wrap, program(), 'serve', '--data', path.join(dir, 'data'), ...listen, ...args];
	const child = spawn(command[0], command.slice(1), { cwd: root, env: childEnv({ ...tlsEnv, ...env }), stdio: ['ignore', 'pipe', 'pipe'] });
	running.add(child);
	child.once('exit', () => running.delete(child));
	const server = { child, pid: child.pid, dir, data: path.join(dir, 'data'), log: [], out: '' };
	const waiters = watchLines(server);
	const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
	const closed = once(child, 'close');

	server.exited = exited;
	server.events = name => server.log.map(parseLine).filter(e => e && (!name || e.event === name));
	server.waitForEvent = (match, ms = 60000) => waitForEvent(server, waiters, match, ms);
	server.kill = async (signal = 'SIGKILL') => {
		if (child.exitCode === null && child.signalCode === null)
			child.kill(signal);
		await closed;
		return exited;
	};
	server.stop = async () => {
		const end = await server.kill('SIGTERM');
		if (own)
			rmSync(dir, { recursive: true, force: true });
		return end;
	};

	const ended = exited.then(({ code, signal }) => {
		throw new Error(`the server ended (${signal ?? code}) before it was ready:\n${server.log.join('\n')}`);
	});
	ended.catch(() => {});
	try {
		server.ready = await Promise.race([server.waitForEvent('server.ready', timeoutMs), ended]);
	} catch (e) {
		await server.kill();
		if (own)
			rmSync(dir, { recursive: true, force: true });
		throw e;
	}
	for (const listener of ['api', 'storage', 'admin'])
		server[listener] = server.ready[listener]?.replace(/\/$/, '');
	return server;
}

/**
 * Run the program to its end: { code, signal, stdout, stderr }. For the command line, and for
 * starts that must be refused. input is given on stdin.
 */
export async function runProgram(args, { env = {}, cwd = root, input, timeoutMs = 120000 } = {}) {
	const child = spawn(program(), args, { cwd, env: childEnv(env), stdio: ['pipe', 'pipe', 'pipe'] });
	let stdout = '', stderr = '';
	child.stdout.setEncoding('utf8').on('data', s => { stdout += s; });
	child.stderr.setEncoding('utf8').on('data', s => { stderr += s; });
	child.stdin.on('error', () => {});
	child.stdin.end(input);
	const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
	const [code, signal] = await once(child, 'close');
	clearTimeout(timer);
	return { code, signal, stdout, stderr };
}

/** The ids of its tintype-render processes. */
export function renderers({ pid }) {
	const { stdout } = spawnSync('ps', ['--ppid', String(pid), '-o', 'pid=,comm='], { encoding: 'utf8' });
	return stdout.split('\n').filter(line => line.includes('tintype-render')).map(line => Number.parseInt(line, 10));
}

/** The keys of DIR/credentials: { tintype: { id, secret }, slots: { id, secret } }. */
export function credentials(server) {
	const keys = {};
	let profile;
	for (const line of readFileSync(path.join(server.data, 'credentials'), 'utf8').split('\n')) {
		const head = /^\[(.+)\]$/.exec(line.trim());
		const pair = /^(\w+)\s*=\s*(.*)$/.exec(line.trim());
		if (head)
			profile = keys[head[1]] = {};
		else if (pair && profile)
			profile[{ aws_access_key_id: 'id', aws_secret_access_key: 'secret' }[pair[1]] ?? pair[1]] = pair[2];
	}
	return keys;
}

/**
 * Call the JSON API: call(server, 'POST', '/upload', { json: {…} }). The path is below /prod.
 * Returns { status, headers, text, json }; json is undefined when the body is not JSON.
 * json is serialised; body is sent unchanged; key is sent in Authorization.
 */
export async function call(server, method, target, { json, body, headers = {}, key } = {}) {
	const all = { ...headers };
	if (json !== undefined) {
		body = JSON.stringify(json);
		all['Content-Type'] ??= 'application/json';
	}
	if (key !== undefined)
		all.Authorization = `Bearer ${key}`;
	const response = await fetch(`${server.api}/prod${target}`, { method, body, headers: all, redirect: 'manual' });
	return readAnswer(response);
}

/** Any URL, with fetch, redirects not followed: { status, headers, text, json, bytes }. */
export async function fetchUrl(url, options = {}) {
	return readAnswer(await fetch(url, { redirect: 'manual', ...options }));
}

/** Ask for a slot; throws unless it is given. */
export async function openSlot(server, { fileName = 'picture.png', fileType = 'image/png', ...more } = {}, options = {}) {
	const answer = await call(server, 'POST', '/upload', { json: { fileName, fileType, ...more }, ...options });
	if (answer.status !== 200)
		throw new Error(`no slot: ${answer.status} ${answer.text}`);
	return answer.json;
}

/** Send bytes to a PUT slot as its response describes. */
export async function putBytes(slot, bytes, headers = {}) {
	return fetchUrl(slot.uploadUrl, { method: 'PUT', body: bytes, headers: { ...slot.headers, ...headers } });
}

/** Send bytes to a form slot as its response describes. */
export async function postForm(slot, bytes, { fileName = 'picture.png', fileType } = {}) {
	const form = new FormData();
	for (const [name, value] of Object.entries(slot.fields))
		form.append(name, value);
	form.append('file', new Blob([bytes], fileType ? { type: fileType } : {}), fileName);
	return fetchUrl(slot.uploadUrl, { method: 'POST', body: form });
}

/** Slot, PUT, and the record: { slot, put, image }. Throws unless the bytes were accepted. */
export async function uploadImage(server, { bytes = tinyPng, fileName, fileType, key, ...more } = {}) {
	const slot = await openSlot(server, { fileName, fileType, ...more }, { key });
	const put = await putBytes(slot, bytes);
	if (put.status !== 200)
		throw new Error(`PUT was refused: ${put.status} ${put.text}`);
	const { json: image } = await call(server, 'GET', `/images/${slot.imageId}`, { key });
	return { slot, put, image };
}

/**
 * Open a socket to a listener and send bytes that no client library would.
 * Gives { socket, received(), send(bytes), until(test, ms), closed, end() }:
 * received() is everything received, as latin1 text; until waits for a condition on it or for the end.
 */
export async function rawSocket(base) {
	const { protocol, hostname, port } = new URL(base);
	const secure = protocol === 'https:';
	const socket = (secure ? tls : net).connect({ host: hostname, port: Number(port), allowHalfOpen: true });
	const raw = { socket, chunks: [], isClosed: false };
	const changed = [];
	const wake = () => changed.splice(0).forEach(f => f());
	raw.closed = new Promise(resolve => socket.once('close', resolve));
	socket.on('data', d => { raw.chunks.push(d); wake(); });
	socket.on('end', () => { raw.isClosed = true; socket.end(); wake(); });
	socket.on('close', () => { raw.isClosed = true; wake(); });
	socket.on('error', e => { raw.error = e; });
	await once(socket, secure ? 'secureConnect' : 'connect');

	raw.received = () => Buffer.concat(raw.chunks).toString('latin1');
	raw.send = bytes => new Promise(resolve => socket.write(bytes, resolve));
	raw.until = async (test, ms = 60000) => {
		const deadline = Date.now() + ms;
		while (!test(raw.received()) && !raw.isClosed) {
			const left = deadline - Date.now();
			if (left <= 0)
				throw new Error(`nothing of what was waited for in ${ms} ms; received so far:\n${raw.received()}`);
			let timer;
			await Promise.race([new Promise(f => changed.push(f)), new Promise(f => { timer = setTimeout(f, left); })]);
			clearTimeout(timer);
		}
		return raw.received();
	};
	raw.end = async () => { socket.destroy(); await raw.closed; };
	return raw;
}

/**
 * Send bytes, wait for one whole response (or for the end of the connection), close:
 * { status, statusLine, headers, body, text, closed }. headers is a Map of lower-case names; a
 * repeated name's values are joined with ", ". status 0: the connection ended without a response.
 */
export async function rawRequest(base, bytes, { timeoutMs = 60000 } = {}) {
	const raw = await rawSocket(base);
	try {
		await raw.send(bytes);
		const text = await raw.until(t => parseAnswer(t)?.whole, timeoutMs);
		const answer = parseAnswer(text) ?? { status: 0, statusLine: '', headers: new Map(), body: '' };
		return { ...answer, text, closed: raw.isClosed };
	} finally {
		await raw.end();
	}
}

/** The first response in what a socket received, or null while its head is not whole; 1xx are ignored. */
export function parseAnswer(text) {
	const end = text.indexOf('\r\n\r\n');
	if (end < 0)
		return null;
	const [statusLine, ...lines] = text.slice(0, end).split('\r\n');
	const status = Number(statusLine.split(' ')[1]);
	const rest = text.slice(end + 4);
	if (status >= 100 && status < 200)
		return parseAnswer(rest);
	const headers = new Map();
	for (const line of lines) {
		const name = line.slice(0, line.indexOf(':')).toLowerCase();
		const value = line.slice(line.indexOf(':') + 1).trim();
		headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
	}
	const length = headers.get('content-length');
	const body = length === undefined ? rest : rest.slice(0, Number(length));
	const whole = status === 204 || status === 304 || (length !== undefined && rest.length >= Number(length));
	return { status, statusLine, headers, body, rest: rest.slice(body.length), whole };
}

/** Evaluate the condition repeatedly until it is truthy; for conditions that become true a little later. */
export async function eventually(condition, { timeoutMs = 60000, everyMs = 20, what = 'the condition' } = {}) {
	const deadline = Date.now() + timeoutMs;
	for (;;) {
		const got = await condition();
		if (got)
			return got;
		if (Date.now() > deadline)
			throw new Error(`${what} did not come true in ${timeoutMs} ms`);
		await new Promise(f => setTimeout(f, everyMs));
	}
}

export function childEnv(env) {
	const all = { ...process.env, ...env };
	for (const name of Object.keys(all)) {
		// Settings in the environment of the test run must not reach the server under test.
		const stray = /^(TINTYPE_|BUCKET_NAME$|REGION$|TABLE_NAME$)/.test(name) && !(name in env);
		if (stray || all[name] === null)
			delete all[name];
	}
	if (!('TINTYPE_ENV_FILE' in env))
		all.TINTYPE_ENV_FILE = '';   // a developer's .env is not part of the tests
	return all;
}

function parseLine(line) {
	try {
		return JSON.parse(line);
	} catch {
		return null;
	}
}

function watchLines(server) {
	const waiters = new Set();
	readline.createInterface({ input: server.child.stderr }).on('line', line => {
		server.log.push(line);
		const event = parseLine(line);
		if (event)
			waiters.forEach(w => w(event));
	});
	server.child.stdout.setEncoding('utf8').on('data', s => { server.out += s; });
	return waiters;
}

function waitForEvent(server, waiters, match, ms) {
	const test = typeof match === 'string' ? e => e.event === match : match;
	const before = server.events().find(test);
	if (before)
		return before;
	return new Promise((resolve, reject) => {
		const done = () => { clearTimeout(timer); waiters.delete(waiter); };
		const waiter = event => {
			if (!test(event))
				return;
			done();
			resolve(event);
		};
		const timer = setTimeout(() => {
			done();
			reject(new Error(`no such event in ${ms} ms; the log so far:\n${server.log.join('\n')}`));
		}, ms);
		timer.unref();
		waiters.add(waiter);
	});
}

async function readAnswer(response) {
	const bytes = Buffer.from(await response.arrayBuffer());
	const text = bytes.toString('utf8');
	const type = response.headers.get('content-type') ?? '';
	const json = /^application\/([a-z]+\+)?json/.test(type) && text !== '' ? JSON.parse(text) : undefined;
	return { status: response.status, headers: response.headers, text, bytes, json };
}
