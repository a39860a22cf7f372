// The Lambda program, started and fed as by Lambda, on in-memory backends: the responses to valid and
// invalid events, and what it does when the Runtime API fails.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';

import { eventV1, eventV2, readAnswer, startGateway } from './support/gateway.mjs';
import { RuntimeApi } from './support/runtime_api.mjs';
import { eventually, tinyPng } from './support/server.mjs';

const PROGRAM = `${process.env.TINTYPE_BUILD}/test/lambda/fake_bootstrap`;
const slot = '{"fileName":"a.png","fileType":"image/png"}';
const json = { 'Content-Type': ['application/json'] };
const running = [];

async function start(handler, env = {}) {
	const api = await new RuntimeApi().start();
	running.push(api);
	return api.run(PROGRAM, { _HANDLER: handler, BUCKET_NAME: 'pictures', TINTYPE_VERIFY: 'header', ...env });   // there is no renderer next to it
}

afterEach(async () => {
	for (const one of running.splice(0))
		await one.stop();
});

const ask = async (api, event, options) => {
	const raw = await api.invoke(event, options), answer = readAnswer(raw);
	assert.ok(answer, `an answer of the gateway's form, not ${raw.kind} ${raw.body}`);
	return { ...answer, invocation: raw.id };
};

for (const [name, make] of Object.entries({ v1: eventV1, v2: eventV2, 'Function URL': request => eventV2({ ...request, stage: '$default' }) })) {
	test(`a slot is issued for an event of ${name}, with a log line and a metric`, async () => {
		const api = await start('upload');
		const got = await ask(api, make({ method: 'POST', path: '/upload', headers: json, body: slot, id: 'gate-1' }), { traceId: 'Root=1-2-3' });
		assert.equal(got.status, 200);
		assert.equal(got.headers['x-amzn-RequestId'], 'gate-1');
		assert.equal(JSON.parse(got.body).method, 'PUT');
		await ask(api, make({ method: 'GET', path: '/limits' }));
		const lines = await api.lines(all => all.filter(line => line.event === 'request').length === 2 && all.some(line => line._aws));
		assert.equal(lines.find(line => line.event === 'lambda.ready').handler, 'upload');
		const request = lines.find(line => line.event === 'request');
		assert.deepEqual([request.requestId, request.invocation, request.route, request.status], ['gate-1', got.invocation, 'POST /upload', 200]);
		const metrics = lines.find(line => line._aws);
		assert.equal(metrics.Slots, 1);
		assert.equal(metrics._aws.CloudWatchMetrics[0].Namespace, 'tintype');
		assert.equal(metrics.requestId, got.invocation);
		assert.ok(!api.stdout.includes('Signature'));
		assert.equal(api.stderr, '');
	});
}

test('an image in one request is answered by where to send it instead', async () => {
	const api = await start('upload');
	for (const make of [eventV1, eventV2]) {
		const got = await ask(api, make({ method: 'POST', path: '/images', headers: { 'Content-Type': ['image/png'] }, body: tinyPng.toString('base64'), base64: true }));
		assert.equal(got.status, 501);
		assert.equal(JSON.parse(got.body).code, 'use_slot');
		assert.match(JSON.parse(got.body).detail, /POST \/prod\/upload/);
	}
});

test('a call that would wait is answered at once', async () => {
	const api = await start('images'), imageId = '0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10';
	const get = wait => ask(api, eventV1({ method: 'GET', path: `/images/${imageId}`, query: `wait=${wait}` }));
	assert.equal((await get(25)).status, 404);
	assert.equal((await get(26)).status, 400);
});

test('HTTP goes through a gateway to the functions and back, in both versions', async () => {
	const upload = await start('upload'), images = await start('images'), manage = await start('manage');
	const route = (method, path) => ['/upload', '/uppy', '/limits'].includes(path) ? upload : method === 'GET' ? images : manage;
	for (const version of ['v1', 'v2']) {
		const gateway = await startGateway(route, version);
		try {
			const made = await fetch(`${gateway.base}/upload`, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: slot });
			assert.equal(made.status, 200);
			assert.equal(made.headers.get('access-control-allow-origin'), '*');
			const { imageId } = await made.json();
			assert.deepEqual(await (await fetch(`${gateway.base}/images?limit=2`)).json(), { images: [], count: 0, total: 0 });
			assert.equal((await fetch(`${gateway.base}/images?limit=x`)).status, 400);
			assert.equal((await fetch(`${gateway.base}/images/${imageId}`)).status, 404);   // another process, another memory
			assert.equal((await fetch(`${gateway.base}/images/${imageId}`, { method: 'DELETE' })).status, 404);
			assert.equal((await fetch(`${gateway.base}/upload`, { method: 'OPTIONS' })).status, 204);
			assert.equal((await (await fetch(`${gateway.base}/nothing`)).json()).code, 'no_such_route');
		} finally {
			await gateway.stop();
		}
	}
});

test('bad events get a response in the gateway\'s form, and the function continues', async () => {
	const api = await start('upload');
	const post = fields => ({ ...eventV1({ method: 'POST', path: '/upload', headers: json }), ...fields });
	const without = post({});
	delete without.body;
	const cases = [
		[without, 400], [post({ body: null }), 400], [post({ body: '{"fileName":' }), 400], [post({ body: '%%%', isBase64Encoded: true }), 400],
		[post({ body: 'A'.repeat(6 * 1024 * 1024 - 2000) }), 413], [post({ httpMethod: 'BREW' }), 405], [post({ path: '/unknown' }), 404],
		[eventV1({ method: 'GET', path: '/images' }), 404], [post({ headers: { A: 'b\r\nC: d' }, multiValueHeaders: null }), 400],
		[post({ path: '/a\nb' }), 400], [post({ queryStringParameters: { 'a\0b': '1' } }), 400],
		['{"httpMethod":"GET","path', 500], ['', 500], ['[]', 500], [{ Records: [] }, 500], [{ hello: 'world' }, 500],
	];
	for (const [event, status] of cases) {
		const got = await ask(api, event), problem = JSON.parse(got.body);
		assert.equal(got.status, status, JSON.stringify(event).slice(0, 100));
		assert.ok(problem.requestId.length > 0);
		assert.equal(got.headers['Content-Type'], 'application/problem+json');
	}
	assert.equal((await ask(api, post({ body: slot }))).status, 200);
	await api.lines(all => all.filter(line => line.level === 'error' && line.event === 'request.failed').length === 5);
});

test('a failing service is a 502 with the request id, and the cause is in the log', async () => {
	const api = await start('upload', { FAKE_FAIL: 'table' });
	const got = await ask(api, eventV1({ method: 'POST', path: '/upload', headers: json, body: slot, id: 'gate-9' }));
	assert.equal(got.status, 502);
	assert.equal(JSON.parse(got.body).requestId, 'gate-9');
	await api.lines(all => all.some(line => line.level === 'error' && line.requestId === 'gate-9' && line.code === 'upstream_failed'));
});

test('the event function reports the messages that failed, and fails as a whole for an event without a queue', async () => {
	const api = await start('event');
	const message = (messageId, body) => ({ messageId, eventSource: 'aws:sqs', body: typeof body === 'string' ? body : JSON.stringify(body) });
	const s3 = (bucket, key) => ({ Records: [{ eventVersion: '2.6', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put',
		s3: { bucket: { name: bucket }, object: { key, size: 3, eTag: 'e', sequencer: '0A' } } }] });
	const batch = await api.invoke({ Records: [
		message('m1', s3('pictures', 'images/unknown.png')), message('m2', s3('others', 'images/unknown.png')), message('m3', 'nonsense'),
		message('m4', { Service: 'Amazon S3', Event: 's3:TestEvent' }), message('m5', { hello: 1 }),
		message('m6', { source: 'aws.s3', 'detail-type': 'Object Created', detail: { bucket: { name: 'pictures' }, object: { key: 'images/a b.png', etag: 'e' } } }) ] });
	assert.equal(batch.kind, 'response');
	assert.deepEqual(JSON.parse(batch.body), { batchItemFailures: [{ itemIdentifier: 'm2' }, { itemIdentifier: 'm3' }, { itemIdentifier: 'm5' }] });
	const bare = await api.invoke({ unknown: true });
	assert.equal(bare.kind, 'error');
	assert.equal(JSON.parse(bare.body).errorType, 'Function.Failed');
	assert.equal((await api.invoke(s3('pictures', 'images/unknown.png'))).kind, 'response');
	await api.lines(all => all.filter(line => line.event === 'object.unexplained').length === 3);
});

/* Events of every kind that AWS's documentation has samples of, by what becomes of them. Nothing is in the table: an object is unexplained. */
const sample = name => JSON.parse(readFileSync(new URL(`../lambda/events/${name}.json`, import.meta.url), 'utf8'));
const KEY = 'images/0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10.png', BLANKS = 'images/red flower é+.png', MESSAGE = '059f36b4-87a3-44ab-83d2-66197598153';
const OBJECTS = {
	s3_put: [KEY], s3_post: [KEY], s3_copy: [KEY], s3_multipart: [KEY], s3_put_version_2_6: [KEY], s3_put_encoded_key: [BLANKS],
	s3_removed: [], s3_delete_marker: [], s3_lifecycle_expiration: [], s3_tagging: [], s3_acl: [], s3_restore: [], s3_replication: [], s3_intelligent_tiering: [], s3_test_event: [],
	sqs_of_s3: [KEY], sqs_fifo: [KEY], sqs_of_eventbridge: [BLANKS], sqs_sample_text: [KEY, { failed: ['0'] }], sqs_of_sns: [{ failed: ['0'] }],
	eventbridge_put: [BLANKS], eventbridge_post: [BLANKS], eventbridge_copy: [BLANKS], eventbridge_multipart: [BLANKS],
	eventbridge_deleted: [], eventbridge_restored: [], eventbridge_tags: [], eventbridge_tier: [], scheduled_rule: null, scheduler: null,
};
const REQUESTS = ['rest_get', 'rest_post', 'rest_post_base64', 'rest_key', 'rest_authorizer', 'rest_console_test', 'rest_custom_domain', 'http_1_0', 'http_2_0_get', 'http_2_0_post', 'http_2_0_jwt', 'function_url'];

test('every sample of the documentation has its test', () => {
	const names = readdirSync(new URL('../lambda/events/', import.meta.url)).map(name => name.replace('.json', ''));
	assert.deepEqual(names.sort(), [...Object.keys(OBJECTS), ...REQUESTS].sort());
});

for (const [name, wanted] of Object.entries(OBJECTS)) test(`the event ${name} leads to what it says of objects`, async () => {
	const api = await start('event'), { kind, body } = await api.invoke(sample(name));
	if (wanted === null) {
		assert.equal(kind, 'error');
		assert.match(body, /neither an S3 notification nor an EventBridge event of S3/);
		return;
	}
	assert.equal(kind, 'response', body);
	const { failed = [] } = wanted.find(one => one.failed) ?? {}, keys = wanted.filter(one => !one.failed);
	assert.deepEqual(JSON.parse(body).batchItemFailures.map(one => one.itemIdentifier), failed.map(i => MESSAGE + i));
	const lines = await api.lines(all => all.some(line => line.event === 'lambda.ready') && all.filter(line => line.event === 'object.unexplained').length === keys.length);
	assert.deepEqual(lines.filter(line => line.event === 'object.unexplained').map(line => line.key), keys);
});

test('requests in every form of event are answered alike', async () => {
	const api = await start('upload');
	for (const name of REQUESTS) {
		const event = sample(name), answer = await ask(api, event), posts = (event.httpMethod ?? event.requestContext.http.method) === 'POST';
		assert.equal(answer.status, 200, name);
		assert.equal(answer.headers['x-amzn-RequestId'], event.requestContext.requestId, name);
		assert.ok(JSON.parse(answer.body)[posts ? 'uploadUrl' : 'maxFileSize'], name);
	}
});

test('a function that cannot start reports the reason to Lambda and exits', async () => {
	for (const [handler, env, reason] of [
		['nothing', {}, /unknown handler "nothing"/], ['upload', { FAKE_FAIL: 'open' }, /no credentials/], ['upload', { TINTYPE_MAX_SIZE: '0' }, /max/i],
		['event', { TINTYPE_ALLOWED_TYPES: 'image/png,image/tiff' }, /image\/tiff.*TINTYPE_UNVERIFIED_TYPES/],
		['event', { TINTYPE_ALLOWED_TYPES: 'image/png,image/heic', TINTYPE_VERIFY: 'decode' }, /HEIC or AVIF.*TINTYPE_UNVERIFIED_TYPES/],
		['upload', { TINTYPE_LOG_LEVEL: 'loud' }, /LOG_LEVEL|log/i], ['upload', { TINTYPE_ACCESS: 'key' }, /TINTYPE_API_KEY/],
		['event', { TINTYPE_VERIFY: 'decode' }, /tintype-render, which decodes images, is neither in .*--verify header/],
		['images', { TINTYPE_DELIVERY_KEYS: 'k'.repeat(32) + ',' }, /TINTYPE_DELIVERY_KEYS must be/],
	]) {
		const api = await start(handler, env), told = await api.initFailure;
		assert.match(told.errorMessage, reason);
		assert.equal(told.errorType, 'Runtime.InitFailed');
		assert.equal(await api.exited, 1);
		assert.equal(api.nextCalls, 0);
		assert.match(api.stdout + api.stderr, /"level":"error","event":"lambda.failed"/);
	}
});

test('a long wait and a frozen process change nothing', async () => {
	const api = await start('upload');
	assert.equal((await ask(api, eventV1({ method: 'GET', path: '/limits' }))).status, 200);
	await eventually(() => api.nextCalls === 2, { what: 'the wait for the next event' });
	api.child.kill('SIGSTOP');
	await eventually(() => / \(.*\) T /.test(readFileSync(`/proc/${api.child.pid}/stat`, 'latin1')), { what: 'the stop' });
	const thawed = ask(api, eventV1({ method: 'GET', path: '/limits' }));
	await new Promise(resolve => setImmediate(resolve));   // the event is being sent to a stopped process
	api.child.kill('SIGCONT');
	assert.equal((await thawed).status, 200);
});

test('a connection that is cut during a response or closed after an event loses neither', async () => {
	const api = await start('upload');
	api.faults.cutAnswer = true;
	assert.equal((await ask(api, eventV1({ method: 'GET', path: '/limits' }))).status, 200);
	api.faults.closeNext = true;
	assert.equal((await ask(api, eventV1({ method: 'GET', path: '/limits' }))).status, 200);
	assert.equal((await ask(api, eventV1({ method: 'GET', path: '/limits' }))).status, 200);
});

test('a response that Lambda refuses as too large does not end the process; one out of order does', async () => {
	const api = await start('upload');
	api.faults.refuseAnswer = 413;
	await api.invoke(eventV1({ method: 'GET', path: '/limits' }));
	assert.equal((await ask(api, eventV1({ method: 'GET', path: '/limits' }))).status, 200);
	api.faults.refuseAnswer = 403;
	await api.invoke(eventV1({ method: 'GET', path: '/limits' }));
	assert.equal(await api.exited, 1);
	await api.lines(all => all.some(line => line.event === 'lambda.refused') && all.some(line => line.event === 'lambda.failed' && /403/.test(line.text)));
});

test('without a Runtime API the program prints what it is and exits', async () => {
	const api = await new RuntimeApi().start();
	running.push(api);
	api.run(PROGRAM, { AWS_LAMBDA_RUNTIME_API: '', _HANDLER: 'upload' });
	assert.equal(await api.exited, 2);
	assert.match(api.stderr, /started by AWS Lambda/);
});
