// The functions when their services fail: DynamoDB and S3 behind a proxy that fails on demand,
// invalid credentials, endpoints that are not trusted or not found. Each time the response is well-formed and
// has the request id, the log has the cause with the same id, and nothing is half done.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';

import { eventV1, readAnswer } from './support/gateway.mjs';
import { startCloud } from '../cloud/cloud.mjs';
import { RuntimeApi } from './support/runtime_api.mjs';
import { tinyPng } from './support/server.mjs';

const build = process.env.TINTYPE_BUILD, PROGRAM = process.env.TINTYPE_BOOTSTRAP ?? `${build}/src/bootstrap`;
const slotAsked = '{"fileName":"a.png","fileType":"image/png"}';
const run = promisify(execFile);
const functions = {};
let dir, cloud, dynamo, s3, counter = 0;

async function bodyOf(stream) {
	const pieces = [];
	for await (const piece of stream)
		pieces.push(piece);
	return Buffer.concat(pieces);
}

const json = (status, type) => (q, a) => a.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.0' }).end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'as told' }));
const xml = (status, code) => (q, a) => a.writeHead(status, { 'Content-Type': 'application/xml' }).end(`<Error><Code>${code}</Code><Message>as told</Message></Error>`);
/** What a proxy does in place of its work, by name. */
const FAULTS = {
	validation: json(400, 'ValidationException'), denied: json(400, 'AccessDeniedException'), throttled: json(400, 'ProvisionedThroughputExceededException'), broken: json(500, 'InternalServerError'),
	silent: () => {}, garbage: (q, a) => a.writeHead(200).end('<html>'), noHttp: q => q.socket.end('SMTP ready\r\n\r\n'), cutBefore: q => q.socket.destroy(),
	forbidden: xml(403, 'AccessDenied'), noKey: xml(404, 'NoSuchKey'), noBucket: xml(404, 'NoSuchBucket'), slowDown: xml(503, 'SlowDown'),
};

/** A proxy to the services. fault: a name of FAULTS, or cutAfter: the work is done and the response lost; times: for how many requests. */
async function startProxy() {
	const proxy = { fault: null, times: Infinity, requests: 0 };
	const server = http.createServer(async (request, answer) => {
		const body = await bodyOf(request), { fault } = proxy;
		proxy.requests++;
		if (proxy.times-- <= 0)
			proxy.fault = null;
		if (proxy.fault && fault !== 'cutAfter')
			return FAULTS[fault](request, answer);
		const on = http.request(cloud.url + request.url, { method: request.method, headers: request.headers });
		on.end(body);
		const [from] = await once(on, 'response'), whole = await bodyOf(from);
		if (proxy.fault === 'cutAfter')
			return request.socket.destroy();
		return answer.writeHead(from.statusCode, from.headers).end(whole);
	});
	await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
	proxy.url = `http://127.0.0.1:${server.address().port}`;
	proxy.set = (fault, times = Infinity) => Object.assign(proxy, { fault, times, requests: 0 });
	proxy.stop = () => { server.closeAllConnections(); return new Promise(resolve => server.close(resolve)); };
	return proxy;
}

async function start(handler, env = {}) {
	return (await new RuntimeApi().start()).run(PROGRAM, { _HANDLER: handler, ...cloud.env, AWS_ENDPOINT_URL_DYNAMODB: dynamo.url, AWS_ENDPOINT_URL_S3: s3.url, ...env });
}

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'tintype-fault-'));
	cloud = await startCloud();
	[dynamo, s3] = [await startProxy(), await startProxy()];
	await run(`${build}/test/lambda/make_table`, { env: { ...process.env, ...cloud.env } });
	for (const name of ['upload', 'images', 'manage', 'event'])
		functions[name] = await start(name);
});

beforeEach(() => { dynamo.set(null); s3.set(null); });

after(async () => {
	for (const one of Object.values(functions))
		await one.stop();
	await dynamo?.stop();
	await s3?.stop();
	await cloud?.stop();
	rmSync(dir, { recursive: true, force: true });
});

/** Send a request; the response is well-formed in any case, and a failure has the request id and its cause in the log. */
async function ask(api, method, target, { body = null, timeoutMs = 20000, cause } = {}) {
	const id = `gate-${++counter}`;
	const answer = readAnswer(await api.invoke(eventV1({ method, path: target, body, headers: { 'Content-Type': ['application/json'] }, id }), { timeoutMs }));
	assert.ok(answer, 'an answer of the gateway\'s form');
	const read = { status: answer.status, ...answer.body.length > 0 && { json: JSON.parse(answer.body) } };
	if (cause) {
		assert.equal(answer.headers['Content-Type'], 'application/problem+json');
		assert.equal(read.json.requestId, id);
		assert.doesNotMatch(String(answer.body), /as told|127\.0\.0\.1|Exception|Credential/, 'the cause is not shown');
		await api.lines(all => all.some(line => line.level === 'error' && line.requestId === id && cause.test(`${line.text} ${line.cause}`)));
	}
	return read;
}

const openSlot = async () => (await ask(functions.upload, 'POST', '/upload', { body: slotAsked })).json;
const rows = async () => (await cloud.dynamo('Scan', { TableName: 'ImageMetadata' })).Count;

for (const [fault, status, cause] of [
	['validation', 502, /ValidationException/], ['denied', 502, /AccessDeniedException/], ['throttled', 503, /ProvisionedThroughput/], ['broken', 502, /InternalServerError/],
	['silent', 503, /too long/], ['garbage', 502, /HTTP 200/], ['noHttp', 502, /not HTTP/], ['cutBefore', 502, /closed|broke/],
]) {
	test(`DynamoDB that is ${fault}: ${status}, and no row is created`, async () => {
		const before = await rows();
		dynamo.set(fault);
		const got = await ask(functions.upload, 'POST', '/upload', { body: slotAsked, timeoutMs: fault === 'silent' ? 3000 : 20000, cause });
		assert.equal(got.status, status);
		assert.ok(!('uploadUrl' in got.json));
		assert.equal(await rows(), before);
		dynamo.set(null);
		assert.ok((await openSlot()).uploadUrl, 'the next request is served');
		assert.equal(await rows(), before + 1);
	});
}

for (const [fault, times] of [['cutBefore', 1], ['cutAfter', 1], ['cutAfter', 2], ['broken', 2], ['throttled', 2]]) {
	test(`DynamoDB that is ${fault} ${times} times and then works: one row, and the client notices nothing`, async () => {
		const before = await rows();
		dynamo.set(fault, times);
		const got = await ask(functions.upload, 'POST', '/upload', { body: slotAsked });
		assert.equal(got.status, 200);
		assert.ok(dynamo.requests > times);
		assert.equal(await rows(), before + 1);
		assert.equal((await ask(functions.images, 'GET', `/images/${got.json.imageId}`)).json.status, 'pending');
	});
}

const keyOf = slot => new URL(slot.fileUrl).pathname.replace('/pictures/', '');
const news = slot => ({ Records: [{ messageId: 'm1', eventSource: 'aws:sqs', body: JSON.stringify({ Records: [{ eventVersion: '2.6', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put',
	s3: { bucket: { name: 'pictures' }, object: { key: encodeURIComponent(keyOf(slot)), size: 1, eTag: 'e', sequencer: '0A' } } }] }) }] });

for (const [fault, status, cause] of [
	['forbidden', 502, /AccessDenied/], ['noBucket', 502, /NoSuchBucket/], ['slowDown', 503, /SlowDown/], ['silent', 503, /too long/], ['noKey', 409, null], ['cutBefore', 502, /closed|broke/],
]) {
	test(`S3 that is ${fault}: ${status}, the image stays pending, the event is delivered again, and later both succeed`, async () => {
		const slot = await openSlot(), timeoutMs = fault === 'silent' ? 3000 : 20000;
		await fetch(slot.uploadUrl, { method: 'PUT', headers: slot.headers, body: tinyPng });
		s3.set(fault);
		assert.equal((await ask(functions.manage, 'POST', `/images/${slot.imageId}/complete`, { timeoutMs, ...cause && { cause } })).status, status);
		const told = await functions.event.invoke(news(slot), { timeoutMs });
		assert.equal(told.kind, 'response');
		assert.deepEqual(JSON.parse(told.body).batchItemFailures, cause ? [{ itemIdentifier: 'm1' }] : []);
		if (cause)
			await functions.event.lines(all => all.some(line => line.level === 'error' && line.event === 'object.failed' && line.requestId === told.id && cause.test(`${line.text} ${line.cause}`)));
		s3.set(null);
		assert.equal((await ask(functions.images, 'GET', `/images/${slot.imageId}`)).json.status, 'pending');
		assert.deepEqual(JSON.parse((await functions.event.invoke(news(slot))).body).batchItemFailures, []);
		assert.equal((await ask(functions.images, 'GET', `/images/${slot.imageId}`)).json.status, 'uploaded');
	});
}

/** A function of its own on these surroundings fails as it should. */
async function failing(env, status, cause, timeoutMs = 8000) {
	const api = await start('upload', env), before = await rows();
	try {
		const got = await ask(api, 'POST', '/upload', { body: slotAsked, timeoutMs, cause });
		assert.ok([status].flat().includes(got.status), String(got.status));
		assert.equal(await rows(), before);
	} finally {
		await api.stop();
	}
}

const noKeys = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_SESSION_TOKEN: '', HOME: '/nonexistent' };

test('credentials that are missing, expired or in a malformed file: 502, and the log names which', async () => {
	writeFileSync(`${dir}/credentials`, '[default]\naws_access_key_id AKID\n');
	await failing(noKeys, 502, /no AWS credentials found/);
	await failing({ AWS_CREDENTIAL_EXPIRATION: '2020-01-01T00:00:00Z' }, 502, /have expired/);
	await failing({ ...noKeys, AWS_SHARED_CREDENTIALS_FILE: `${dir}/credentials` }, 502, new RegExp(`${dir}/credentials`));
});

test('an endpoint with a certificate that is not trusted, or of another host, receives nothing', async () => {
	const certificate = async (name, names) => {
		await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`, '-keyout', `${dir}/${name}.key`, '-out', `${dir}/${name}.pem`]);
		const server = https.createServer({ key: readFileSync(`${dir}/${name}.key`), cert: readFileSync(`${dir}/${name}.pem`) }, (q, a) => { server.requests++; a.end('{}'); });
		await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
		return Object.assign(server, { requests: 0, at: `https://localhost:${server.address().port}`, pem: `${dir}/${name}.pem` });
	};
	const right = await certificate('right', 'DNS:localhost'), other = await certificate('other', 'DNS:other.example');
	try {
		await failing({ AWS_ENDPOINT_URL_DYNAMODB: right.at, AWS_CA_BUNDLE: other.pem }, 502, /certificate/);
		await failing({ AWS_ENDPOINT_URL_DYNAMODB: other.at, AWS_CA_BUNDLE: other.pem }, 502, /name|certificate/);
		assert.deepEqual([right.requests, other.requests], [0, 0]);
		const api = await start('upload', { AWS_ENDPOINT_URL_DYNAMODB: right.at, AWS_CA_BUNDLE: right.pem });
		assert.equal((await ask(api, 'POST', '/upload', { body: slotAsked })).status, 200, 'the right one is trusted');
		await api.stop();
		assert.equal(right.requests, 1);
	} finally {
		for (const one of [right, other]) {
			one.closeAllConnections();
			one.close();
		}
	}
});

test('an endpoint whose name does not resolve fails in time', async () => {
	await failing({ AWS_ENDPOINT_URL_DYNAMODB: 'http://dynamodb.nowhere.invalid' }, [502, 503], /name|resolve|known|found/i);
});
