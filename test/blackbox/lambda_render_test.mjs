// Thumbnails with Thumbs=on: the event and the manage function ask for them by a queue, the render function makes and records them, and
// the queue delivers again what failed. The roles are those of deploy/template.yaml; S3 enforces them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { promisify } from 'node:util';

import { startGateway } from './support/gateway.mjs';
import { actionsOf, ROLES, roleStatements } from './support/iam.mjs';
import { startCloud } from '../cloud/cloud.mjs';
import { Queue } from '../cloud/queues.mjs';
import { RuntimeApi } from './support/runtime_api.mjs';
import { corpus, runProgram, tinyPng } from './support/server.mjs';

const build = process.env.TINTYPE_BUILD, PROGRAM = process.env.TINTYPE_BOOTSTRAP ?? `${build}/src/bootstrap`;
const functions = {}, environments = {}, keys = {}, KEY = 'the-key-of-the-administrator';
const photo = corpus('good/photo.jpg'), PRESETS = ['small', 'medium', 'large'];
const roles = { ...ROLES, render: 'Render' };
const granted = await roleStatements({ BucketName: 'pictures', Versioning: 'on', Thumbs: 'on' });
let cloud, gateway, queue;

const start = async (handler, env, program = PROGRAM) => (await new RuntimeApi().start()).run(program, { _HANDLER: handler, ...env });

const routeOf = (method, path) => /^\/(upload|limits)$/.test(path) ? 'upload' : path.startsWith('/i/') ? 'delivery'
	: method === 'DELETE' || path.endsWith('/complete') ? 'manage' : 'images';

before(async () => {
	cloud = await startCloud();
	await promisify(execFile)(`${build}/test/lambda/make_table`, { env: { ...process.env, ...cloud.env } });
	await cloud.request('PUT', '/pictures', { query: { versioning: '' }, body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>' });
	gateway = await startGateway((method, path) => functions[routeOf(method, path)], 'v1', (method, path) => !path.startsWith('/i/'));
	const url = `${cloud.url}/123456789012/thumbs`, dead = new Queue({ name: 'dead', url: `${url}-dead`, arn: 'dead' });
	queue = new Queue({ name: 'thumbs', url, arn: 'thumbs', visibilityS: 0, maxReceives: 5, dead });
	cloud.queues.set(url, queue);
	for (const [name, role] of Object.entries(roles)) {
		const credentials = await cloud.role(role, granted[role]);
		keys[name] = credentials.AWS_ACCESS_KEY_ID;
		environments[name] = { ...cloud.env, ...credentials, TINTYPE_OVERWRITE: 'allow', TINTYPE_ACCESS: 'open', TINTYPE_API_KEY: KEY, TINTYPE_DELIVERY_URL: gateway.base,
			TINTYPE_THUMBNAIL_QUEUE: url, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' };
		functions[name] = await start(name, environments[name]);
	}
});

afterEach(() => { cloud.before = async () => {}; });

after(async () => {
	await gateway?.stop();
	for (const one of Object.values(functions))
		await one.stop();
	await cloud?.stop();
});

const json = async (method, path, body) => {
	const answer = await fetch(gateway.base + path, { method, redirect: 'manual', ...body && { body: JSON.stringify(body) }, headers: { ...body && { 'Content-Type': 'application/json' } } });
	const text = await answer.text();
	return { status: answer.status, headers: answer.headers, ...text && { body: JSON.parse(text) } };
};
const imageOf = async ({ imageId }) => (await json('GET', `/images/${imageId}`)).body;

async function openAndPut(bytes, fileType = 'image/jpeg') {
	const { body: slot } = await json('POST', '/upload', { fileName: 'a.jpg', fileType });
	const put = await fetch(slot.uploadUrl, { method: slot.method, headers: slot.headers, body: bytes });
	assert.equal(put.status, 200);
	return { ...slot, etag: put.headers.get('etag').replaceAll('"', ''), key: new URL(slot.fileUrl).pathname.replace('/pictures/', '') };
}

/** News of an object, as S3 sends them to the queue of events; gives the messages that failed. */
async function tell(slot, on = functions.event) {
	const Records = [{ messageId: 'm0', eventSource: 'aws:sqs', body: JSON.stringify({ Records: [{ eventVersion: '2.6', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put',
		s3: { bucket: { name: 'pictures' }, object: { key: encodeURIComponent(slot.key), size: 1, eTag: slot.etag, sequencer: '0A' } } }] }) }];
	return JSON.parse((await on.invoke({ Records })).body).batchItemFailures;
}

/** The next message goes to the render function, as by Lambda: it is deleted unless the function says that it failed, or ends.
 * Gives the outcome that the log says; "failed"; or null where no message is. */
async function deliver(on = functions.render) {
	const [message] = queue.receive(1);
	if (!message)
		return null;
	const { id, kind, body } = await on.invoke({ Records: [{ messageId: message.MessageId, receiptHandle: message.ReceiptHandle, body: message.Body, eventSource: 'aws:sqs' }] });
	assert.equal(kind, 'response', body);
	const { batchItemFailures } = JSON.parse(body);
	if (batchItemFailures.length === 0)
		queue.remove(message.ReceiptHandle);
	else
		assert.deepEqual(batchItemFailures, [{ itemIdentifier: message.MessageId }]);
	const lines = await on.lines(all => all.some(line => line.requestId === id && /^thumbnails(\.failed)?$/.test(line.event)));
	return batchItemFailures.length ? 'failed' : lines.find(line => line.requestId === id && line.event === 'thumbnails').outcome;
}

const waiting = () => queue.receive(10).length;   // visible again at once
const thumbsOf = async ({ imageId }) => [...(await cloud.request('GET', '/pictures', { query: { versions: '', prefix: `thumbs/${imageId}/` } })).text.matchAll(/<Key>([^<]+)/g)].map(one => one[1]);
const rowOf = async ({ imageId }) => (await cloud.dynamo('GetItem', { TableName: 'ImageMetadata', Key: { imageId: { S: imageId } } })).Item;

test('the thumbnails of an accepted image are asked for once, made, recorded and linked, and the links lead to them', async () => {
	const slot = await openAndPut(photo);
	assert.deepEqual(await tell(slot), []);
	const early = await imageOf(slot);
	assert.deepEqual([early.status, Object.keys(early.links)], ['uploaded', ['original']]);
	assert.deepEqual([await thumbsOf(slot), (await rowOf(slot)).thumbs], [[], undefined]);
	const asked = await json('GET', `/images/${slot.imageId}/thumbnail?size=small`);
	assert.equal(asked.status, 404);
	assert.match(asked.body.detail, /has not been made yet/);
	assert.equal(await deliver(), 'made');
	assert.equal(await deliver(), null);
	const image = await imageOf(slot);
	assert.deepEqual(Object.keys(image.links), ['original', ...PRESETS]);
	assert.equal(image.version, early.version + 1);
	assert.equal((await rowOf(slot)).thumbs.S, PRESETS.flatMap(name => [image.links[name].webp, image.links[name].jpeg]).map(url => url.split('/').at(-1)).join(','));
	assert.equal((await thumbsOf(slot)).length, 6);
	for (const [link, type] of [[image.links.large.webp, 'image/webp'], [image.links.small.jpeg, 'image/jpeg']]) {
		const got = await fetch(link);
		assert.deepEqual([got.status, got.headers.get('content-type')], [200, type]);
		assert.ok((await got.arrayBuffer()).byteLength > 500);
	}
	assert.equal((await fetch(image.downloadUrl)).status, 200);
	assert.equal((await json('GET', `/images/${slot.imageId}/thumbnail?size=small`)).status, 302);
	assert.deepEqual(await tell(slot), []);   // late, and twice
	assert.equal(await deliver(), null);
	assert.equal((await json('DELETE', `/images/${slot.imageId}`)).status, 204);
	assert.deepEqual(await thumbsOf(slot), []);
	assert.equal((await fetch(image.links.small.webp)).status, 404);
});

test('complete asks as well; what is asked for twice is made once', async () => {
	const slot = await openAndPut(photo);
	assert.equal((await json('POST', `/images/${slot.imageId}/complete`)).body.status, 'uploaded');
	assert.deepEqual(await tell(slot), []);
	assert.deepEqual([await deliver(), await deliver(), await deliver()], ['made', 'complete', null]);
	assert.equal((await json('POST', `/images/${slot.imageId}/complete`)).status, 200);
	assert.equal(waiting(), 0);
});

for (const [what, env, cause] of [['is not reached', { AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:1' }, /127\.0\.0\.1/], ['refuses', { TINTYPE_THUMBNAIL_QUEUE: 'https://sqs.example/1/none' }, /SQS answered 400.*does not exist/]])
	test(`an event whose image is accepted while the queue ${what} is delivered again, and then asks`, async () => {
		const slot = await openAndPut(photo), apart = await start('event', { ...environments.event, ...env });
		try {
			assert.deepEqual(await tell(slot, apart), [{ itemIdentifier: 'm0' }]);
			await apart.lines(all => all.some(line => line.event === 'object.failed' && line.code === 'upstream_failed' && cause.test(`${line.text} ${line.cause}`)));
		} finally {
			await apart.stop();
		}
		assert.equal((await imageOf(slot)).status, 'uploaded');
		assert.deepEqual(await tell(slot), []);
		assert.equal(await deliver(), 'made');
		assert.deepEqual(Object.keys((await imageOf(slot)).links), ['original', ...PRESETS]);
	});

test('complete of an image whose thumbnails cannot be asked for accepts it, and the log says so; its event asks', async () => {
	const slot = await openAndPut(photo), kept = functions.manage;
	functions.manage = await start('manage', { ...environments.manage, AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:1' });
	try {
		assert.equal((await json('POST', `/images/${slot.imageId}/complete`)).body.status, 'uploaded');
		await functions.manage.lines(all => all.some(line => line.event === 'thumbnails.unasked' && line.imageId === slot.imageId));
	} finally {
		await functions.manage.stop();
		functions.manage = kept;
	}
	assert.equal(waiting(), 0);
	assert.deepEqual(await tell(slot), []);
	assert.equal(await deliver(), 'made');
});

test('the sweep asks for the thumbnails of what it accepts', async () => {
	const slot = await openAndPut(photo);
	await cloud.dynamo('UpdateItem', { TableName: 'ImageMetadata', Key: { imageId: { S: slot.imageId } }, UpdateExpression: 'SET endsMs = :ends, dueOrder = :order',
		ExpressionAttributeValues: { ':ends': { N: '1' }, ':order': { S: `0000000000000000001#${slot.imageId}` } } });
	assert.equal(JSON.parse((await functions.sweep.invoke({})).body).confirmed, 1);
	assert.equal(await deliver(), 'made');
	assert.deepEqual(Object.keys((await imageOf(slot)).links), ['original', ...PRESETS]);
});

test('an image that is deleted while its thumbnails are made leaves none, and no version of one', async () => {
	const slot = await openAndPut(photo);
	await tell(slot);
	cloud.before = async one => {
		if (one.target.endsWith('UpdateItem')) {   // all are stored, and are about to be recorded
			cloud.before = async () => {};
			assert.equal((await thumbsOf(slot)).length, 6);
			await cloud.dynamo('DeleteItem', { TableName: 'ImageMetadata', Key: { imageId: { S: slot.imageId } } });
		}
	};
	assert.equal(await deliver(), 'gone');
	assert.deepEqual([await thumbsOf(slot), await rowOf(slot)], [[], undefined]);
});

test('an image that was deleted, or rejected, before its message came gets none', async () => {
	const slot = await openAndPut(photo);
	await tell(slot);
	assert.equal((await json('DELETE', `/images/${slot.imageId}`)).status, 204);
	assert.equal(await deliver(), 'gone');
	assert.deepEqual(await thumbsOf(slot), []);
	const page = await openAndPut('<html>');
	await tell(page);
	assert.equal((await imageOf(page)).status, 'rejected');
	const junk = await openAndPut('<html>', 'image/png');
	assert.equal((await json('POST', `/images/${junk.imageId}/complete`)).body.status, 'rejected');
	assert.equal(waiting(), 0);
});

test('bytes that were put over those that were verified are not decoded before they are verified too', async () => {
	const slot = await openAndPut(photo);
	await tell(slot);
	const other = corpus('good/private.png'), put = await fetch(slot.uploadUrl, { method: slot.method, headers: slot.headers, body: other });
	assert.equal(put.status, 200);
	assert.equal(await deliver(), 'stale');
	assert.deepEqual([await thumbsOf(slot), Object.keys((await imageOf(slot)).links)], [[], ['original']]);
});

test('what a function made that was ended before it could record it is made and recorded at the next delivery', async () => {
	const slot = await openAndPut(photo), ended = await start('render', environments.render);
	await tell(slot);
	cloud.before = async one => {
		if (one.target.endsWith('UpdateItem')) {
			cloud.before = async () => {};
			ended.child.kill('SIGKILL');
			await ended.exited;
			throw new Error('the function was ended');
		}
	};
	void deliver(ended);
	await ended.exited;
	await ended.stop();
	assert.deepEqual([Object.keys((await imageOf(slot)).links), (await thumbsOf(slot)).length], [['original'], 6]);
	assert.equal(await deliver(), 'made');
	assert.deepEqual(Object.keys((await imageOf(slot)).links), ['original', ...PRESETS]);
});

test('a picture that kills its decoder gets no thumbnail, and does not come again; the function goes on', async () => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-render-')), program = path.join(dir, 'bootstrap'), slot = await openAndPut(photo);
	await tell(slot);
	copyFileSync(PROGRAM, program);
	writeFileSync(path.join(dir, 'tintype-render'), `#!/bin/sh\nexec ${build}/test/pool/pool_liar d\n`, { mode: 0o755 });
	const fragile = await start('render', environments.render, program);
	try {
		assert.equal(await deliver(fragile), 'broken');
		await fragile.lines(all => all.some(line => line.event === 'thumbnails.broken' && line.imageId === slot.imageId && line.code === 'UNREADABLE'));
		assert.equal(fragile.child.exitCode, null);
		assert.equal(waiting(), 0);
		assert.deepEqual([await thumbsOf(slot), Object.keys((await imageOf(slot)).links)], [[], ['original']]);
	} finally {
		await fragile.stop();
		rmSync(dir, { recursive: true });
	}
	assert.equal((await json('POST', `/images/${slot.imageId}/complete`)).status, 200, 'which asks again');
	assert.equal(await deliver(), 'made');
});

test('a message that cannot be read goes to the dead-letter queue after five times, and holds up no other', async () => {
	const slot = await openAndPut(photo);
	queue.send('<html>');
	await tell(slot);
	const outcomes = [];
	for (let one = await deliver(); one !== null; one = await deliver())
		outcomes.push(one);
	assert.deepEqual(outcomes.toSorted(), ['failed', 'failed', 'failed', 'failed', 'failed', 'made']);
	assert.deepEqual(queue.dead.receive(10).map(one => one.Body), ['<html>']);
	assert.equal(Object.keys((await imageOf(slot)).links).length, 4);
});

test('a function that cannot do its work says so when it starts', async () => {
	for (const [spoilt, words] of [[{ TINTYPE_THUMBNAIL_QUEUE: '' }, /needs TINTYPE_THUMBNAIL_QUEUE/], [{ TINTYPE_THUMBNAILS: 'none' }, /other than none/], [{ TINTYPE_VERIFY: 'header' }, /other than header/],
		[{ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '64' }, /64 MB of memory/]]) {
		const api = await start('render', { ...environments.render, ...spoilt });
		assert.match((await api.initFailure).errorMessage, words);
		await api.stop();
	}
});

test('a server, which makes thumbnails itself, refuses the setting', async () => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-render-'));
	try {
		const { code, stderr } = await runProgram(['serve', '--data', dir, '--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0'], { env: { TINTYPE_THUMBNAIL_QUEUE: queue.url } });
		assert.equal(code, 2);
		assert.match(stderr, /TINTYPE_THUMBNAIL_QUEUE is for functions on AWS Lambda/);
	} finally {
		rmSync(dir, { recursive: true });
	}
});

/* Granted, and not called here. */
const UNCALLED = ['logs:CreateLogStream', 'logs:PutLogEvents', 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];
/* The same of one role: for images that have an owner, and API keys (test/aws/dynamo/owners_test.c has them), for lists, and so that an
 * object that is missing is 404 and not 403. What the sweep does besides is in lambda_aws_test.mjs. */
const NOT_HERE = { Manage: ['dynamodb:PutItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'], Upload: ['dynamodb:GetItem', 'dynamodb:UpdateItem'], List: ['dynamodb:Query', 'dynamodb:UpdateItem'], Delivery: ['s3:ListBucket'] };

test('each function called what its role grants, and its role grants nothing else', async () => {
	for (const confirm of [tell, slot => json('POST', `/images/${slot.imageId}/complete`)])
		await confirm(await openAndPut(corpus('good/private.png'), 'image/png'));   // which is replaced
	const orphan = await openAndPut(tinyPng, 'image/png');
	await cloud.dynamo('DeleteItem', { TableName: 'ImageMetadata', Key: { imageId: { S: orphan.imageId } } });
	await tell(orphan);
	const called = {};
	for (const call of cloud.calls())
		for (const action of actionsOf(call))
			(called[call.key] ??= new Set()).add(action);
	assert.ok(called[keys.sweep].has('sqs:SendMessage'));
	for (const [name, role] of Object.entries(roles).filter(([, role]) => role !== 'Sweep')) {
		const judged = actions => actions.filter(action => !UNCALLED.includes(action) && !NOT_HERE[role]?.includes(action)).sort();
		assert.deepEqual(judged([...called[keys[name]]]), judged(granted[role].flatMap(one => one.Action)), role);
	}
});
