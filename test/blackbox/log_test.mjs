// The log of a real server: one line for each request with the id of its response, no secret in it,
// rotation, a stderr that is not read, and `tintype logs` on these files.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { presign } from './support/presign.mjs';
import { call, credentials, eventually, fetchUrl, openSlot, postForm, program, putBytes, rawRequest, rawSocket, root, runProgram, startServer, tinyPng } from './support/server.mjs';

const KEY = 'k3y-of-the-owner-1234567890';

async function start(t, options) {
	const server = await startServer(options);
	t.after(() => server.stop());
	return server;
}

const logFiles = data => readdirSync(path.join(data, 'logs')).sort().map(name => path.join(data, 'logs', name));
const lines = text => text.split('\n').filter(Boolean);
/** The lines that are whole: the server may be writing the last one. */
const wholeLines = text => lines(text.slice(0, text.lastIndexOf('\n') + 1));
/** A file may be renamed or removed after the folder was read. */
function textOf(file) {
	try {
		return readFileSync(file, 'utf8');
	} catch (error) {
		if (error.code !== 'ENOENT')
			throw error;
		return '';
	}
}
const logLines = data => logFiles(data).sort((a, b) => /current/.test(a) - /current/.test(b) || (a < b ? -1 : 1))
	.flatMap(file => wholeLines(textOf(file))).map(line => JSON.parse(line));
const logs = (data, ...args) => runProgram(['logs', '--data', data, ...args]);

/** Many requests on one connection, without waiting for each: the server's pace, not fetch's. */
async function manyRequests(t, server, n, target = '/prod/limits') {
	const raw = await rawSocket(server.api);
	t.after(() => raw.end());
	const { host } = new URL(server.api);
	for (let sent = 0; sent < n; sent += 100) {
		raw.chunks.length = 0;
		const batch = Math.min(100, n - sent);
		await raw.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(batch));
		await raw.until(text => text.split('HTTP/1.1 ').length > batch && text.endsWith('}'));
	}
}

test('each request has one line, on stderr and in the file, with the response\'s id and what the response contained', async t => {
	const server = await start(t, { env: { TINTYPE_API_KEY: KEY, TINTYPE_ACCESS: 'key' } });
	const slot = await openSlot(server);
	const owner = credentials(server).tintype;
	const body = JSON.stringify({ fileName: 'a.png', fileType: 'image/png' });
	const asked = [];
	const ask = async (listener, method, route, promise, more = {}) => {
		const answer = await promise;
		const requestId = answer.headers.get({ api: 'x-amzn-requestid', storage: 'x-amz-request-id', admin: 'x-request-id' }[listener]);
		assert.ok(requestId, `${method} ${route}`);
		asked.push({ requestId, listener, method, route, status: answer.status, bytesOut: answer.bytes.length, bytesIn: 0, ...more });
	};
	const imageId = slot.imageId;
	await ask('api', 'POST', 'POST /upload', call(server, 'POST', '/upload', { body }), { bytesIn: body.length });
	await ask('api', 'POST', 'POST /upload', call(server, 'POST', '/upload', { body: '{' }), { bytesIn: 1, code: 'bad_json' });
	await ask('api', 'GET', 'GET /images', call(server, 'GET', '/images', { key: KEY }));
	await ask('api', 'GET', 'GET /images', call(server, 'GET', '/images'), { code: 'key_needed' });
	await ask('api', 'GET', 'GET /images/{imageId}', call(server, 'GET', `/images/${imageId}`, { key: KEY }), { imageId });
	await ask('api', 'OPTIONS', 'OPTIONS /images', call(server, 'OPTIONS', '/images'));
	await ask('api', 'GET', undefined, call(server, 'GET', '/no/such/path'), { code: 'no_such_route' });
	await ask('storage', 'PUT', 'PUT /object', putBytes(slot, tinyPng), { imageId, bytesIn: tinyPng.length });
	await ask('storage', 'GET', 'GET /object', fetchUrl(presign(server, 'GET', 'no/such', { who: owner })), { code: 'no_such_key' });
	await ask('storage', 'GET', 'GET /object', fetchUrl(slot.fileUrl), { code: 'not_signed' });
	await ask('admin', 'GET', 'GET /healthz', fetchUrl(`${server.admin}/healthz`));
	await ask('admin', 'GET', undefined, fetchUrl(`${server.admin}/nothing`), { code: 'no_such_route' });
	await ask('api', 'DELETE', 'DELETE /images/{imageId}', call(server, 'DELETE', `/images/${imageId}`, { key: slot.deleteToken }), { imageId });

	for (const sink of [() => server.events(), () => logLines(server.data)])
		for (const want of asked) {
			const [line, ...others] = await eventually(() => {
				const found = sink().filter(l => l.event === 'request' && l.requestId === want.requestId);
				return found.length > 0 && found;
			}, { what: `the line of ${want.method} ${want.route}` });
			assert.deepEqual(others, [], 'one line');
			for (const [name, value] of Object.entries(want))
				if (!(name === 'imageId' && value === undefined))
					assert.deepEqual(line[name], value, `${name} of ${want.method} ${want.route}`);
			assert.equal(line.level, 'info');
			assert.ok(Math.abs(Date.parse(line.time) - Date.now()) < 60000 && line.ms >= 0 && line.ms < 60000, JSON.stringify(line));
		}
	for (const file of logFiles(server.data))
		assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('the line of a request says which key was used and in whose name, and of an anonymous caller neither', async t => {
	const server = await start(t, { env: { TINTYPE_API_KEY: KEY, TINTYPE_ACCESS: 'key' } });
	const made = (await call(server, 'POST', '/keys', { key: KEY, json: { name: 'app', scopes: ['read', 'act-as'] } })).json;
	const { json: { owner }, headers } = await call(server, 'GET', '/me?onBehalfOf=ann', { key: made.key });
	const of = async answer => {
		const id = (answer.headers ?? answer).get('x-amzn-requestid');
		const line = await eventually(() => server.events('request').find(e => e.requestId === id), { what: `the line of ${id}` });
		return [line.status, line.keyId, line.owner];
	};
	assert.deepEqual(await of(headers), [200, made.keyId, owner]);
	assert.deepEqual(await of(await call(server, 'POST', '/upload', { key: made.key, json: {} })), [403, made.keyId, undefined], 'also of a refusal');
	assert.deepEqual(await of(await call(server, 'GET', '/images', { key: KEY })), [200, 'TINTYPE_API_KEY', undefined]);
	assert.deepEqual(await of(await call(server, 'GET', '/images', { key: `${made.key.slice(0, -1)}!` })), [401, undefined, undefined]);
	assert.deepEqual(await of(await call(server, 'GET', '/limits')), [200, undefined, undefined]);
	for (const secret of [KEY, made.key])
		assert.ok(!server.log.join('\n').includes(secret));
});

test('the request id is generated by the server, not taken from the client', async t => {
	const server = await start(t);
	const theirs = '11111111-1111-4111-8111-111111111111';
	const answer = await call(server, 'GET', '/limits', { headers: { 'x-amzn-RequestId': theirs, 'X-Request-Id': theirs, 'x-amz-request-id': theirs } });
	assert.notEqual(answer.headers.get('x-amzn-requestid'), theirs);
	await eventually(() => server.events('request').some(e => e.requestId === answer.headers.get('x-amzn-requestid')), { what: 'its line' });
	assert.ok(!server.log.join('\n').includes(theirs));
});

test('after a complete session, including errors, no secret and no signed URL is in any log', async t => {
	const server = await start(t, { env: { TINTYPE_API_KEY: KEY, TINTYPE_ACCESS: 'key', TINTYPE_DEV: 'on' }, args: ['--log-level', 'debug'] });
	const keys = credentials(server);
	const secrets = new Map([['API key', KEY], ['owner\'s secret', keys.tintype.secret], ['slots\' secret', keys.slots.secret]]);
	let n = 0;
	const hide = (what, text) => secrets.set(`${what} ${++n}`, text);
	const hideUrl = url => {
		const query = new URL(url).searchParams;
		hide('signature', query.get('X-Amz-Signature'));
		hide('query', new URL(url).search);
		return url;
	};
	const slot = await openSlot(server), form = await openSlot(server, { method: 'POST' });
	for (const s of [slot, form])
		hide('delete token', s.deleteToken);
	hideUrl(slot.uploadUrl);
	hide('form signature', form.fields['x-amz-signature'] ?? form.fields['X-Amz-Signature']);
	hide('form policy', form.fields.policy ?? form.fields.Policy);
	for (const [name, value] of secrets)
		assert.ok(value?.length >= 16, name);

	// Mistakes first: altered, cut, doubled, expired, with other headers, by a form that was altered.
	const altered = new URL(slot.uploadUrl);
	for (const name of altered.searchParams.keys()) {
		const other = new URL(altered);
		other.searchParams.set(name, `${altered.searchParams.get(name)}0`);
		await putBytes({ ...slot, uploadUrl: other.href }, tinyPng);
		other.searchParams.delete(name);
		await putBytes({ ...slot, uploadUrl: other.href }, tinyPng);
		await putBytes({ ...slot, uploadUrl: `${altered.href}&${name}=${encodeURIComponent(altered.searchParams.get(name))}` }, tinyPng);
	}
	await fetchUrl(slot.uploadUrl);
	await putBytes(slot, tinyPng, { 'Content-Type': 'image/gif' });
	await putBytes(slot, tinyPng, { 'x-amz-acl': 'public-read' });
	await fetchUrl(hideUrl(presign(server, 'GET', 'a', { who: keys.tintype, at: new Date(Date.now() - 3600000) })));
	await fetchUrl(hideUrl(presign(server, 'GET', 'a', { who: keys.tintype, region: 'eu-central-1' })));
	await fetchUrl(hideUrl(presign(server, 'GET', 'a', { who: { ...keys.tintype, secret: keys.slots.secret } })));
	await postForm({ ...form, fields: { ...form.fields, key: 'images/x.png' } }, tinyPng);
	for (const target of [`/images?limit=x&key=${KEY}`, `/images?cursor=${slot.deleteToken}`, `/upload?Authorization=${KEY}`])
		await call(server, 'GET', target, { key: `${KEY}x` });
	await call(server, 'DELETE', `/images/${form.imageId}`, { key: slot.deleteToken });
	await fetchUrl(`${server.admin}/metrics?token=${KEY}`, { headers: { Authorization: `Bearer ${KEY}` } });
	const signed = slot.uploadUrl.slice(server.storage.length);
	await rawRequest(server.storage, `PUT ${signed} HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n`);
	await rawRequest(server.storage, `PUT ${signed}%zz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`);
	await rawRequest(server.storage, `PUT ${signed} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`);
	await rawRequest(server.api, `GET ${slot.uploadUrl} HTTP/1.1\r\nHost: localhost\r\n\r\n`);

	// Then all as it should be.
	assert.equal((await putBytes(slot, tinyPng)).status, 200);
	assert.equal((await postForm(form, tinyPng)).status, 204);
	const { json } = await call(server, 'GET', `/images/${slot.imageId}`, { key: KEY });
	assert.equal((await fetchUrl(hideUrl(json.downloadUrl))).status, 200);
	for (const image of (await call(server, 'GET', '/images', { key: KEY })).json.images)
		hideUrl(image.downloadUrl);
	hideUrl((await call(server, 'GET', `/images/${slot.imageId}/file`, { key: KEY })).headers.get('location'));
	assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`, { key: slot.deleteToken })).status, 204);
	assert.equal((await call(server, 'DELETE', `/images/${form.imageId}`, { key: KEY })).status, 204);
	await server.kill('SIGTERM');

	const written = { stderr: server.log.join('\n'), ...Object.fromEntries(logFiles(server.data).map(f => [f, readFileSync(f, 'utf8')])) };
	assert.ok(lines(written.stderr).length > 50);
	for (const [sink, text] of Object.entries(written)) {
		for (const [name, secret] of secrets)
			assert.ok(!text.includes(secret), `${sink} shows the ${name}: ${lines(text).find(l => l.includes(secret))}`);
		assert.doesNotMatch(text, /X-Amz-(Signature|Credential)=|[?&]X-Amz|Bearer |StringToSign|CanonicalRequest/i, sink);
	}
});

test('files are rotated by size, the newest are kept, and each line is whole', async t => {
	const server = await start(t, { args: ['--log-max-size', '8192', '--log-files', '3'] });
	await manyRequests(t, server, 300);
	const { headers } = await call(server, 'GET', '/limits');
	await eventually(() => logLines(server.data).some(l => l.requestId === headers.get('x-amzn-requestid')), { what: 'the last line' });
	const files = logFiles(server.data);
	assert.equal(files.length, 4, files.join());
	for (const file of files) {
		assert.match(path.basename(file), /^(current|log-\d{8}T\d{6}Z-\d{3})\.jsonl$/);
		assert.equal(statSync(file).mode & 0o777, 0o600);
		assert.ok(readFileSync(file, 'utf8').endsWith('}\n'));
	}
	const shown = await logs(server.data, '--json');
	const times = lines(shown.stdout).map(l => Date.parse(JSON.parse(l).time));
	assert.deepEqual(times, [...times].sort((a, b) => a - b), 'oldest first, over all files');
	assert.equal(times.length, logLines(server.data).length);
});

test('a stderr that is not read blocks nothing; lost lines are counted and reported when it is read again', async t => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-log-'));
	const data = path.join(dir, 'data');
	const child = spawn(program(), ['serve', '--data', data, '--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
		{ cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
	const closed = once(child, 'close');
	t.after(async () => {
		child.kill('SIGKILL');
		child.stderr.resume();
		await closed;
		rmSync(dir, { recursive: true, force: true });
	});
	const ready = await eventually(() => {
		try {
			return logLines(data).find(l => l.event === 'server.ready');
		} catch {
			return false;
		}
	}, { what: 'server.ready in the file' });
	// A pipe holds 64 KB and the server a megabyte for it: more than both.
	await manyRequests(t, ready, 9000);
	await eventually(() => logLines(data).filter(l => l.event === 'request').length === 9000, { what: 'all lines in the file' });
	const dropped = async () => Number(/^tintype_log_dropped_total (\d+)$/m.exec((await fetchUrl(`${ready.admin}/metrics`)).text)[1]);
	assert.ok(await dropped() > 0);
	assert.equal((await call(ready, 'POST', '/upload', { json: { fileName: 'a.png', fileType: 'image/png' } })).status, 200);

	let text = '';
	child.stderr.setEncoding('utf8').on('data', s => { text += s; });
	const told = () => wholeLines(text).map(l => JSON.parse(l)).filter(l => l.event === 'log.dropped').reduce((sum, l) => sum + l.count, 0);
	await eventually(async () => { await call(ready, 'GET', '/limits'); return told() > 0 && told() === await dropped(); }, { what: 'what was lost' });
	child.kill('SIGTERM');
	assert.deepEqual(await closed, [0, null]);
});

test('tintype logs: levels, times, texts, and following over rotations', async t => {
	const server = await start(t, { args: ['--max-pending', '1', '--log-max-size', '8192', '--log-files', '1000'] });
	await openSlot(server);
	const full = await call(server, 'POST', '/upload', { json: { fileName: 'a.png', fileType: 'image/png' } });
	assert.equal(full.status, 503);
	const failed = full.headers.get('x-amzn-requestid');
	writeFileSync(path.join(server.data, 'logs', 'log-20200101T000000Z-000.jsonl'),
		'{"time":"2020-01-01T00:00:00.000Z","level":"error","event":"request.failed","requestId":"of-long-ago"}\n', { mode: 0o600 });
	await eventually(() => logLines(server.data).filter(l => l.requestId === failed).length === 2, { what: 'the lines of the failure' });

	const errors = await logs(server.data, '--level', 'error', '--json');
	assert.equal(errors.code, 0, errors.stderr);
	assert.deepEqual(lines(errors.stdout).map(l => JSON.parse(l).requestId), ['of-long-ago', failed], 'oldest first');
	assert.equal(JSON.parse(lines(errors.stdout)[1]).code, 'slots_full');
	const recent = await logs(server.data, '--level', 'error', '--since', '15m');
	assert.equal(lines(recent.stdout).length, 1);
	assert.match(recent.stdout, new RegExp(`error request\\.failed .*${failed}`));
	assert.deepEqual(lines((await logs(server.data, '--grep', failed, '--json')).stdout).map(l => JSON.parse(l).event).sort(), ['request', 'request.failed']);
	assert.equal((await logs(server.data, '--grep', 'no such text at all')).stdout, '');
	for (const wrong of [['--level', 'loud'], ['--since', 'yesterday'], ['--since', '0m']])
		assert.equal((await logs(server.data, ...wrong)).code, 2, wrong.join(' '));
	assert.equal((await logs(path.join(server.data, 'nothing'))).code, 1);

	const follower = spawn(program(), ['logs', '--data', server.data, '--follow', '--json', '--grep', '"route":"GET /limits"'], { stdio: ['ignore', 'pipe', 'inherit'] });
	const ended = once(follower, 'close');
	t.after(async () => { follower.kill('SIGKILL'); await ended; });
	let text = '';
	follower.stdout.setEncoding('utf8').on('data', s => { text += s; });
	const seen = () => lines(text.slice(0, text.lastIndexOf('\n') + 1)).map(l => JSON.parse(l).requestId);
	const first = (await call(server, 'GET', '/limits')).headers.get('x-amzn-requestid');
	await eventually(() => seen().includes(first), { what: 'the first line followed' });
	await manyRequests(t, server, 400);
	const last = (await call(server, 'GET', '/limits')).headers.get('x-amzn-requestid');
	await eventually(() => seen().includes(last), { what: 'the last line followed' });
	const written = logLines(server.data).filter(l => l.route === 'GET /limits').map(l => l.requestId);
	assert.equal(written.length, 402);
	assert.deepEqual(seen(), written, 'each once, in order, over the rotations');
});
