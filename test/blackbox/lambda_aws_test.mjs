// The four functions as they run on AWS: the real program behind a gateway, S3 by Ceph's gateway, which
// checks signatures and enforces the roles that deploy/template.yaml gives, DynamoDB by dynalite, object events as S3 sends them by way of SQS.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { eventV1, readAnswer, startGateway } from './support/gateway.mjs';
import { actionOf, ROLES, roleStatements } from './support/iam.mjs';
import { startCloud } from '../cloud/cloud.mjs';
import { RuntimeApi } from './support/runtime_api.mjs';
import { corpus, tinyPng } from './support/server.mjs';

const build = process.env.TINTYPE_BUILD, PROGRAM = process.env.TINTYPE_BOOTSTRAP ?? `${build}/src/bootstrap`;
const functions = {};
let cloud, gateway;

async function start(handler, env) {
	const api = await new RuntimeApi().start();
	return api.run(PROGRAM, { _HANDLER: handler, ...env });
}

const routeOf = (method, path) => /^\/(upload|uppy|limits)$/.test(path) ? 'upload' : method === 'DELETE' || path.endsWith('/complete') ? 'manage' : 'images';

/** Whose calls are whose, by the temporary credentials of each role. */
const keys = {};
const granted = await roleStatements({ BucketName: 'pictures', Versioning: 'on' });

before(async () => {
	cloud = await startCloud();
	await promisify(execFile)(`${build}/test/lambda/make_table`, { env: { ...process.env, ...cloud.env } });
	for (const [name, role] of Object.entries(ROLES)) {
		const credentials = await cloud.role(role, granted[role]);
		keys[name] = credentials.AWS_ACCESS_KEY_ID;
		functions[name] = await start(name, { ...cloud.env, ...credentials, TINTYPE_OVERWRITE: 'allow' });
	}
	gateway = await startGateway((method, path) => functions[routeOf(method, path)]);
});

after(async () => {
	await gateway?.stop();
	for (const one of Object.values(functions))
		await one.stop();
	await cloud?.stop();
});

const json = async (method, path, body) => {
	const answer = await fetch(gateway.base + path, { method, redirect: 'manual', ...body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } } });
	const text = await answer.text();
	return { status: answer.status, headers: answer.headers, ...text && { body: JSON.parse(text) } };
};

async function openAndPut(bytes, fileType = 'image/png') {
	const { status, body: slot } = await json('POST', '/upload', { fileName: 'Résumé 1.png', fileType });
	assert.equal(status, 200);
	const put = await fetch(slot.uploadUrl, { method: slot.method, headers: slot.headers, body: bytes });
	assert.equal(put.status, 200);
	return { ...slot, etag: put.headers.get('etag').replaceAll('"', ''), key: new URL(slot.fileUrl).pathname.replace('/pictures/', '') };
}

/** News of objects, as S3 sends them to the queue. */
async function tell(...slots) {
	const Records = slots.map((slot, i) => ({ messageId: `m${i}`, eventSource: 'aws:sqs', body: JSON.stringify({ Records: [{ eventVersion: '2.6', eventSource: 'aws:s3',
		eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'pictures' }, object: { key: encodeURIComponent(slot.key), size: 1, eTag: slot.etag, sequencer: slot.sequencer ?? '0A' } } }] }) }));
	const { kind, body } = await functions.event.invoke({ Records });
	assert.equal(kind, 'response', body);
	return JSON.parse(body).batchItemFailures;
}

test('an image is uploaded, processed by its event, listed, read and deleted', async () => {
	const slot = await openAndPut(tinyPng);
	assert.equal((await json('GET', `/images/${slot.imageId}`)).body.status, 'pending');
	assert.deepEqual(await tell(slot), []);
	const image = (await json('GET', `/images/${slot.imageId}`)).body;
	assert.deepEqual([image.status, image.fileName, image.fileType, image.fileSize], ['uploaded', 'Résumé 1.png', 'image/png', tinyPng.length]);
	assert.ok((await json('GET', '/images?limit=5')).body.images.some(one => one.imageId === slot.imageId));
	const file = await json('GET', `/images/${slot.imageId}/file`);
	assert.equal(file.status, 302);
	assert.deepEqual(Buffer.from(await (await fetch(file.headers.get('location'))).arrayBuffer()), tinyPng);
	assert.deepEqual(await tell(slot, slot), []);   /* late and twice */
	assert.equal((await json('DELETE', `/images/${slot.imageId}`)).status, 204);
	assert.equal((await json('GET', `/images/${slot.imageId}`)).status, 404);
	assert.equal(await cloud.head(slot.key), false);
});

test('a slot in the format of Uppy leads to an image too', async () => {
	const { status, body } = await json('POST', '/uppy', { fileName: 'u.png', fileType: 'image/png', fileSize: tinyPng.length });
	assert.equal(status, 200);
	const put = await fetch(body.url, { method: body.method, headers: body.headers, body: tinyPng });
	assert.equal(put.status, 200);
	assert.deepEqual(await tell({ ...body, etag: put.headers.get('etag').replaceAll('"', '') }), []);
	assert.equal((await json('GET', `/images/${body.imageId}`)).body.status, 'uploaded');
});

test('a file that is not an image is rejected with a reason and removed', async () => {
	const slot = await openAndPut('<html>');
	assert.deepEqual(await tell(slot), []);
	const image = (await json('GET', `/images/${slot.imageId}`)).body;
	assert.equal(image.status, 'rejected');
	assert.match(image.reason, /not image\/png/);
	assert.equal(await cloud.head(slot.key), false);
});

test('complete does what an event would, and the later event changes nothing', async () => {
	const slot = await openAndPut(tinyPng);
	assert.equal((await json('POST', `/images/${slot.imageId}/complete`)).body.status, 'uploaded');
	assert.deepEqual(await tell(slot), []);
	assert.equal((await json('GET', `/images/${slot.imageId}`)).body.status, 'uploaded');
});

test('what can identify a person is removed by the event and by complete; the event of that writes nothing', async () => {
	const photo = corpus('good/private.png'), puts = slot => cloud.calls().filter(one => one.service === 's3' && one.method === 'PUT' && one.uri.includes(slot.imageId)).length;
	for (const confirm of [slot => tell(slot), slot => json('POST', `/images/${slot.imageId}/complete`)]) {
		const slot = await openAndPut(photo);
		assert.equal((await json('GET', `/images/${slot.imageId}`)).body.downloadUrl, undefined, 'no link before');
		await confirm(slot);
		const image = (await json('GET', `/images/${slot.imageId}`)).body, bytes = Buffer.from(await (await fetch(image.downloadUrl)).arrayBuffer());
		assert.deepEqual([image.status, image.stripped, image.receivedSize, image.fileSize], ['uploaded', true, photo.length, bytes.length]);
		assert.ok(photo.includes('SECRET') && !bytes.includes('SECRET'));
		const before = puts(slot);
		assert.deepEqual(await tell({ ...slot, etag: image.etag, sequencer: '0B' }, slot), []);
		assert.equal(puts(slot), before);
		const again = (await json('GET', `/images/${slot.imageId}`)).body;
		assert.deepEqual([again.etag, again.receivedSize, again.removed], [image.etag, photo.length, image.removed]);
	}
});

test('an object whose row was deleted is deleted too', async () => {
	const slot = await openAndPut(tinyPng);
	assert.equal((await json('DELETE', `/images/${slot.imageId}`)).status, 204);
	await fetch(slot.uploadUrl, { method: slot.method, headers: slot.headers, body: tinyPng });   /* the URL is still good */
	assert.equal(await cloud.head(slot.key), true);
	assert.deepEqual(await tell(slot), []);
	assert.equal(await cloud.head(slot.key), false);
});

test('bytes that overwrite an image are verified like the first', async () => {
	const slot = await openAndPut(tinyPng), first = slot.etag;
	assert.deepEqual(await tell(slot), []);
	const put = await fetch(slot.uploadUrl, { method: slot.method, headers: slot.headers, body: '<html>' });
	assert.equal(put.status, 200);
	const second = { ...slot, etag: put.headers.get('etag').replaceAll('"', ''), sequencer: '0B' };
	assert.deepEqual(await tell(second, { ...slot, etag: first }), []);
	assert.equal((await json('GET', `/images/${slot.imageId}`)).body.status, 'rejected');
	assert.equal(await cloud.head(slot.key), false);
});

test('where replacing is denied, as it is by default, the slot\'s headers list the condition that the client must send', async () => {
	const api = await start('upload', cloud.env);
	try {
		const got = readAnswer(await api.invoke(eventV1({ method: 'POST', path: '/upload', body: '{"fileName":"a.png","fileType":"image/png"}' })));
		const slot = JSON.parse(got.body);
		assert.deepEqual(slot.headers, { 'Content-Type': 'image/png', 'If-None-Match': '*' });
		assert.match(new URL(slot.uploadUrl).searchParams.get('X-Amz-SignedHeaders'), /if-none-match/);
	} finally {
		await api.stop();
	}
});

test('a message whose service fails is returned to the queue, and processed when it is delivered again', async () => {
	const broken = await start('event', { ...cloud.env, AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' });
	try {
		const slot = await openAndPut(tinyPng), kept = functions.event;
		functions.event = broken;
		assert.deepEqual(await tell(slot), [{ itemIdentifier: 'm0' }]);
		functions.event = kept;
		assert.deepEqual(await tell(slot), []);
		assert.equal((await json('GET', `/images/${slot.imageId}`)).body.status, 'uploaded');
	} finally {
		await broken.stop();
	}
});

test('without credentials, or without DynamoDB, the response is a 502 in time, and the cause is in the log', async () => {
	for (const spoilt of [{ AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1' }, { AWS_ACCESS_KEY_ID: '', AWS_EC2_METADATA_DISABLED: 'true', HOME: '/nonexistent' }]) {
		const api = await start('upload', { ...cloud.env, ...spoilt });
		try {
			const got = readAnswer(await api.invoke(eventV1({ method: 'POST', path: '/upload', body: '{"fileName":"a.png","fileType":"image/png"}', id: 'gate-1' }), { timeoutMs: 6000 }));
			assert.ok(got.status === 502 || got.status === 503, String(got.status));
			assert.equal(JSON.parse(got.body).requestId, 'gate-1');
			await api.lines(all => all.some(line => line.level === 'error' && line.requestId === 'gate-1' && (line.cause || line.text)));
		} finally {
			await api.stop();
		}
	}
});

/* From here on the bucket keeps versions. */
test('in a versioned bucket a rejected or deleted object leaves no version', async () => {
	const on = await cloud.request('PUT', '/pictures', { query: { versioning: '' }, body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>' });
	assert.equal(on.status, 200);
	const rejected = await openAndPut('<html>'), deleted = await openAndPut(tinyPng);
	assert.deepEqual(await tell(rejected, deleted), []);
	assert.equal((await json('DELETE', `/images/${deleted.imageId}`)).status, 204);
	const { text: left } = await cloud.request('GET', '/pictures', { query: { versions: '' } });
	assert.match(left, /<ListVersionsResult/);
	assert.ok(!left.includes(rejected.key) && !left.includes(deleted.key), left);
});

test('in a versioned bucket what was received does not stay as a version', async () => {
	const slot = await openAndPut(corpus('good/private.png'));
	assert.deepEqual(await tell(slot), []);
	const { text } = await cloud.request('GET', '/pictures', { query: { versions: '', prefix: slot.key } });
	assert.equal(text.split('<Version>').length, 2, text);
	assert.match(text, new RegExp((await json('GET', `/images/${slot.imageId}`)).body.etag));
});

/* Granted, and not called here. */
const UNCALLED = {
	'logs:CreateLogStream': 'Lambda writes the log as the role', 'logs:PutLogEvents': 'Lambda writes the log as the role',
	'sqs:ReceiveMessage': 'Lambda reads the queue as the role', 'sqs:DeleteMessage': 'Lambda reads the queue as the role',
	'sqs:GetQueueAttributes': 'Lambda reads the queue as the role',
	's3:ListBucket': 'with it S3 answers 404 for a key that is missing, and 403 without',
};

/* Last, because it judges what the tests above have called. */
test('each function called what its role grants, and its role grants nothing else', async () => {
	const called = {};
	for (const { key, action } of cloud.calls().map(actionOf))
		(called[key] ??= new Set()).add(action);
	for (const [name, role] of Object.entries(ROLES)) {
		const wanted = granted[role].flatMap(one => one.Action).filter(action => !(action in UNCALLED));
		assert.deepEqual([...called[keys[name]]].sort(), wanted.sort(), role);
		assert.ok(!Object.keys(UNCALLED).some(action => called[keys[name]].has(action)), role);
	}
});
