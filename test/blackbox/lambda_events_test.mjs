// Events of changes on AWS: written in the transaction of the change, sent to EventBridge by the function that made it, and by the
// sweep where that failed. The real program, DynamoDB by dynalite, S3 by Ceph's gateway with the roles of deploy/template.yaml.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { eventV1, readAnswer } from './support/gateway.mjs';
import { actionsOf, functionVariables, ROLES, roleStatements } from './support/iam.mjs';
import { startCloud } from '../cloud/cloud.mjs';
import { RuntimeApi } from './support/runtime_api.mjs';
import { corpus, tinyPng } from './support/server.mjs';

const build = process.env.TINTYPE_BUILD, PROGRAM = process.env.TINTYPE_BOOTSTRAP ?? `${build}/src/bootstrap`;
const functions = {}, environments = {}, keys = {}, BUS = { TINTYPE_EVENT_BUS: 'changes' };
const STACK = { BucketName: 'pictures', Events: 'on', EventBusName: 'changes', DeliveryKeys: 'a.key.of.links.with.thirty-two.characters', DeliveryUrl: 'https://pictures.example/prod' };
const granted = await roleStatements(STACK), variables = await functionVariables(STACK);
let cloud;

const start = async (name, more = BUS) => (await new RuntimeApi().start()).run(PROGRAM, { _HANDLER: name, ...environments[name], ...more });

before(async () => {
	cloud = await startCloud();
	await promisify(execFile)(`${build}/test/lambda/make_table`, { env: { ...process.env, ...cloud.env } });
	for (const name of ['upload', 'images', 'manage', 'event', 'sweep']) {
		const credentials = await cloud.role(ROLES[name], granted[ROLES[name]]);
		keys[name] = credentials.AWS_ACCESS_KEY_ID;
		const { TINTYPE_DELIVERY_KEYS = '', TINTYPE_DELIVERY_URL = '' } = variables[ROLES[name]];
		environments[name] = { ...cloud.env, ...credentials, TINTYPE_DELIVERY_KEYS, TINTYPE_DELIVERY_URL, TINTYPE_ACCESS: 'open', TINTYPE_OVERWRITE: 'allow', TINTYPE_THUMBNAILS: 'none', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' };
		functions[name] = await start(name);
	}
});

after(async () => {
	for (const one of Object.values(functions))
		await one.stop();
	await cloud?.stop();
});

/** A response of the function, or what it said before it ended. */
const invoke = (one, event) => Promise.race([one.invoke(event), one.exited.then(() => ({ kind: 'ended', body: one.stderr }))]);

async function call(name, method, path, body, one = functions[name]) {
	const got = readAnswer(await invoke(one, eventV1({ method, path, ...body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } } })));
	return { status: got.status, body: got.body.length > 0 ? JSON.parse(got.body) : undefined };
}

async function openAndPut(bytes, more = {}) {
	const { status, body: slot } = await call('upload', 'POST', '/upload', { fileName: 'a.png', fileType: 'image/png', ...more });
	assert.equal(status, 200);
	if (bytes)
		assert.equal((await fetch(slot.uploadUrl, { method: slot.method, headers: slot.headers, body: bytes })).status, 200);
	return { ...slot, key: new URL(slot.fileUrl).pathname.replace('/pictures/', '') };
}

async function tell(slot, one = functions.event) {
	const { kind, body } = await invoke(one, { Records: [{ messageId: 'm', eventSource: 'aws:sqs', body: JSON.stringify({ Records: [{ eventVersion: '2.6', eventSource: 'aws:s3',
		eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'pictures' }, object: { key: slot.key, size: 1, sequencer: '0A' } } }] }) }] });
	assert.equal(kind, 'response', body);
	assert.deepEqual(JSON.parse(body).batchItemFailures, []);
}

async function sweep(one = functions.sweep) {
	const { kind, body } = await invoke(one, {});
	return { kind, ...kind !== 'ended' ? JSON.parse(body) : { stderr: body } };
}

const scan = async () => (await cloud.dynamo('Scan', { TableName: 'ImageMetadata', ConsistentRead: true })).Items;
const waiting = async () => (await scan()).filter(one => one.imageId.S.startsWith('event#'));
const sent = id => cloud.busEvents.filter(one => one.Detail.data.imageId === id).map(one => one.DetailType);
const update = (imageId, what, values) => cloud.dynamo('UpdateItem', { TableName: 'ImageMetadata', Key: { imageId: { S: imageId } }, UpdateExpression: `SET ${what}`, ExpressionAttributeValues: values });
/** Minutes later: what waits is due. */
const makeDue = async () => {
	for (const { imageId } of await waiting())
		await update(imageId.S, 'dueMs = :one, dueOrder = :order', { ':one': { N: '1' }, ':order': { S: `0000000000000000001#${imageId.S}` } });
};

test('each change is an event on the bus, as a webhook has it, and nothing waits afterwards', async () => {
	const accepted = await openAndPut(corpus('good/photo.jpg'), { fileName: 'Résumé.jpg', fileType: 'image/jpeg' }), rejected = await openAndPut('<html>'), expired = await openAndPut(null);
	await tell(accepted);
	await tell(rejected);
	await update(expired.imageId, 'endsMs = :one, dueOrder = :order', { ':one': { N: '1' }, ':order': { S: `0000000000000000001#${expired.imageId}` } });
	assert.equal((await sweep()).ended, 1);
	const completed = await openAndPut(tinyPng);
	assert.equal((await call('manage', 'POST', `/images/${completed.imageId}/complete`)).body.status, 'uploaded');
	assert.equal((await call('manage', 'PATCH', `/images/${completed.imageId}`, { fileName: 'b.png' })).status, 200);
	assert.equal((await call('manage', 'DELETE', `/images/${completed.imageId}`)).status, 204);
	assert.deepEqual([accepted, rejected, expired, completed].map(one => sent(one.imageId)), [['image.uploaded'], ['image.rejected'], ['image.expired'], ['image.uploaded', 'image.deleted']]);
	for (const { Source, EventBusName, DetailType, Time, Detail } of cloud.busEvents) {
		assert.deepEqual([Source, EventBusName, Detail.type], ['tintype', 'changes', DetailType]);
		assert.ok(Math.abs(Time - Date.now() / 1000) < 60 && Math.abs(Date.parse(Detail.timestamp) / 1000 - Time) <= 1);
		assert.deepEqual(['downloadUrl', 'deleteToken', 'uploadUrl'].filter(name => name in Detail.data), []);
	}
	const { data } = cloud.busEvents[0].Detail, { body: record } = await call('images', 'GET', `/images/${accepted.imageId}`);
	for (const name of ['status', 'fileName', 'fileSize', 'fileType', 'etag', 'width', 'height', 'uploadedAt', 'version', 'stripped', 'verdict'])
		assert.deepEqual(data[name], record[name], name);
	assert.deepEqual(await waiting(), []);
});

test('events of a public image have its links, whichever function accepts it, as those of a webhook; others have none', async () => {
	const [byEvent, byComplete, bySweep, hidden] = await Promise.all([1, 2, 3, 4].map(() => openAndPut(tinyPng)));
	for (const { imageId } of [byEvent, byComplete, bySweep])
		await update(imageId, 'visibility = :value', { ':value': { S: 'public' } });
	await tell(byEvent);
	await tell(hidden);
	await call('manage', 'POST', `/images/${byComplete.imageId}/complete`);
	await update(bySweep.imageId, 'endsMs = :one, dueOrder = :order', { ':one': { N: '1' }, ':order': { S: `0000000000000000001#${bySweep.imageId}` } });
	assert.equal((await sweep()).confirmed, 1);
	const linksOf = ({ imageId }) => cloud.busEvents.find(one => one.Detail.data.imageId === imageId).Detail.data.links;
	for (const one of [byEvent, byComplete, bySweep])
		assert.deepEqual(linksOf(one), { original: `https://pictures.example/prod/i/${one.imageId}/original` });
	assert.equal(linksOf(hidden), undefined);
});

test('a function that is killed between the commit and the sending loses no event: the sweep sends it', async () => {
	const slot = await openAndPut(tinyPng), doomed = await start('event');
	cloud.before = async one => {
		if (one.service === 'events') {
			doomed.child.kill('SIGKILL');
			await doomed.exited;
			throw new Error('the function was ended');
		}
	};
	await assert.rejects(tell(slot, doomed));
	cloud.before = async () => {};
	await doomed.stop();
	assert.equal((await call('images', 'GET', `/images/${slot.imageId}`)).body.status, 'uploaded');
	assert.deepEqual([sent(slot.imageId), (await waiting()).length], [[], 1]);
	assert.equal((await sweep()).events, 0, 'whoever wrote it may be sending it still');
	await makeDue();
	assert.equal((await sweep()).events, 1);
	assert.deepEqual([sent(slot.imageId), await waiting()], [['image.uploaded'], []]);
});

test('an event that the bus refuses in an answer of 200 waits, alone, and is sent by a later sweep', async () => {
	const slots = [await openAndPut(tinyPng), await openAndPut(tinyPng)];
	cloud.refuseEvent = one => JSON.parse(one.Detail).data.imageId === slots[0].imageId && 'ThrottlingException';
	const { status, body } = await call('manage', 'POST', '/images/delete', { imageIds: slots.map(one => one.imageId) });
	assert.equal(status, 200, JSON.stringify(body));
	assert.deepEqual(slots.map(one => sent(one.imageId)), [[], ['image.deleted']]);
	await functions.manage.lines(all => all.some(line => line.event === 'events.failed' && /1 of 2/.test(line.text) && /ThrottlingException/.test(line.cause)));
	await makeDue();
	assert.equal((await sweep()).kind, 'error', 'a sweep that cannot send is a failed invocation');
	cloud.refuseEvent = null;
	assert.equal((await sweep()).events, 0, 'it was claimed');
	await makeDue();
	assert.equal((await sweep()).events, 1);
	assert.deepEqual([sent(slots[0].imageId), await waiting()], [['image.deleted'], []]);
});

test('without the bus a change is made and answered, and its event waits', async () => {
	const slot = await openAndPut(tinyPng), cut = await start('manage', { ...BUS, AWS_ENDPOINT_URL_EVENTBRIDGE: 'http://127.0.0.1:1' });
	try {
		assert.equal((await call('manage', 'DELETE', `/images/${slot.imageId}`, null, cut)).status, 204);
		await cut.lines(all => all.some(line => line.event === 'events.failed'));
	} finally {
		await cut.stop();
	}
	await makeDue();
	assert.equal((await sweep()).events, 1);
	assert.deepEqual([sent(slot.imageId), await waiting()], [['image.deleted'], []]);
});

test('events for a bus that does not exist wait until there is one', async () => {
	const slot = await openAndPut(tinyPng), lost = await start('manage', { TINTYPE_EVENT_BUS: 'missing' });
	try {
		assert.equal((await call('manage', 'DELETE', `/images/${slot.imageId}`, null, lost)).status, 204);
		await lost.lines(all => all.some(line => line.event === 'events.failed' && /missing does not exist/.test(line.cause)));
	} finally {
		await lost.stop();
	}
	await makeDue();
	assert.equal((await sweep()).events, 1);
	assert.deepEqual([sent(slot.imageId), await waiting()], [['image.deleted'], []]);
});

test('an item that is no event keeps none of those behind it from being sent; it is kept, and named in the log', async () => {
	const slots = [], silent = await start('manage', { ...BUS, AWS_ENDPOINT_URL_EVENTBRIDGE: 'http://127.0.0.1:1' });
	try {
		for (let i = 0; i < 12; i++) {
			slots.push(await openAndPut(null));
			assert.equal((await call('manage', 'DELETE', `/images/${slots[i].imageId}`, null, silent)).status, 204);
		}
	} finally {
		await silent.stop();
	}
	await makeDue();
	const spoilt = (await waiting()).slice(0, 11);   /* more than the bus takes in one call */
	for (const { imageId } of spoilt)
		await update(imageId.S, 'eventKind = :kind', { ':kind': { S: 'image.of_a_later_version' } });
	assert.equal((await sweep()).events, 1);
	assert.equal(slots.filter(one => sent(one.imageId).length === 1).length, 1);
	await functions.sweep.lines(all => new Set(all.filter(line => line.event === 'events.unreadable').map(line => line.item)).size === 11);
	assert.equal((await sweep()).events, 0);
	for (const { imageId, due } of spoilt)   /* as troubleshooting.md says */
		await update(imageId.S, 'eventKind = :kind, due = :due', { ':kind': { S: 'image.deleted' }, ':due': due });
	assert.equal((await sweep()).events, 11);
	assert.deepEqual([slots.map(one => sent(one.imageId)), await waiting()], [slots.map(() => ['image.deleted']), []]);
});

test('two sweeps at once send each event once', async () => {
	const slots = [], silent = await start('manage', { ...BUS, AWS_ENDPOINT_URL_EVENTBRIDGE: 'http://127.0.0.1:1' }), other = await start('sweep');
	try {
		for (let i = 0; i < 25; i++)
			slots.push(await openAndPut(null));
		assert.equal((await call('manage', 'POST', '/images/delete', { imageIds: slots.map(one => one.imageId) }, silent)).status, 200);
		assert.equal((await waiting()).length, 25);
		await makeDue();
		const both = await Promise.all([sweep(), sweep(other)]);
		assert.equal(both[0].events + both[1].events, 25);
		assert.deepEqual(slots.map(one => sent(one.imageId)), slots.map(() => ['image.deleted']));
		assert.deepEqual(await waiting(), []);
	} finally {
		await silent.stop();
		await other.stop();
	}
});

test('what waits for a user who is deleted is deleted too', async () => {
	const ALICE = 'a11ce'.padEnd(32, '0'), BOB = 'b0b'.padEnd(32, '0'), key = 'the-key-of-the-administrator', more = { ...BUS, TINTYPE_API_KEY: key }, admin = await start('manage', more);
	const silent = await start('manage', { ...more, AWS_ENDPOINT_URL_EVENTBRIDGE: 'http://127.0.0.1:1' }), image = async owner => {
		const { imageId } = await openAndPut(null);
		await cloud.dynamo('UpdateItem', { TableName: 'ImageMetadata', Key: { imageId: { S: imageId } }, UpdateExpression: 'SET #owner = :owner, owned = :part, ownedOrder = :order', ExpressionAttributeNames: { '#owner': 'owner' },
			ExpressionAttributeValues: { ':owner': { S: owner }, ':part': { S: `${owner}#0` }, ':order': { S: `0000000000000000001#${imageId}` } } });
		return imageId;
	};
	const as = (one, method, path) => invoke(one, eventV1({ method, path, headers: { Authorization: `Bearer ${key}` } })).then(readAnswer);
	try {
		const ids = [await image(ALICE), await image(ALICE), await image(BOB)];
		for (const id of [ids[0], ids[2]])
			assert.equal((await as(silent, 'DELETE', `/images/${id}`)).status, 204);
		assert.equal((await waiting()).length, 2);
		await cloud.dynamo('PutItem', { TableName: 'ImageMetadata', Item: { imageId: { S: `usage#${ALICE}` }, owner: { S: ALICE }, changes: { N: '1' }, changedMs: { N: '1' } } });
		const gone = await as(admin, 'DELETE', `/users/${ALICE}`);
		assert.ok(gone.status === 200 || gone.status === 204, `${gone.status} ${gone.body}`);
		assert.deepEqual((await waiting()).map(one => one.eventOwner.S), [BOB]);
		await makeDue();
		assert.equal((await sweep()).events, 1);
	} finally {
		await admin.stop();
		await silent.stop();
	}
});

/* Before the last, which judges calls. */
test('where no bus is set nothing is written but the change, and in no transaction', async () => {
	const slot = await openAndPut(tinyPng), plain = await start('manage', {}), at = cloud.calls().length, before = cloud.busEvents.length;
	try {
		assert.equal((await call('manage', 'POST', `/images/${slot.imageId}/complete`, null, plain)).body.status, 'uploaded');
		assert.equal((await call('manage', 'DELETE', `/images/${slot.imageId}`, null, plain)).status, 204);
	} finally {
		await plain.stop();
	}
	assert.deepEqual([cloud.busEvents.length, await waiting()], [before, []]);
	assert.deepEqual(cloud.calls().slice(at).filter(one => one.key === keys.manage && /Transact|PutEvents/.test(one.target)), []);
});

test('what was sent is as the service\'s model has it, which the AWS SDK for Python validates with', async () => {
	assert.ok(cloud.busCalls.some(({ Entries }) => Entries.length === 10), 'ten at once');
	const code = `import json, sys, botocore.session, botocore.validate
shape = botocore.session.get_session().get_service_model("events").operation_model("PutEvents").input_shape
for call in json.load(sys.stdin):
    assert 1 <= len(call["Entries"]) <= 10
    report = botocore.validate.ParamValidator().validate(call, shape)
    assert not report.has_errors(), report.generate_report()`;
	const { status, stderr } = spawnSync('python3', ['-c', code], { input: JSON.stringify(cloud.busCalls), encoding: 'utf8' });
	assert.equal(status, 0, stderr);
});

test('the roles grant all that was called, and what events need was called', async () => {
	for (const name of ['manage', 'event', 'sweep']) {
		const called = new Set(cloud.calls().filter(one => one.key === keys[name]).flatMap(actionsOf)), allowed = granted[ROLES[name]].flatMap(one => one.Action);
		assert.deepEqual([...called].filter(action => !allowed.includes(action)), [], name);
		for (const action of ['events:PutEvents', 'events:DescribeEventBus', 'dynamodb:PutItem', 'dynamodb:DeleteItem'])
			assert.ok(called.has(action), `${name} ${action}`);
	}
});
