// The complete cycle on AWS: deploy.sh creates the stack, pictures are uploaded, destroy.sh removes everything and verifies it.
//
// test/cloud/ emulates AWS, with real services for S3 and DynamoDB. It runs no functions, so the packages that
// were deployed are downloaded and run with the Runtime API, with the handler, settings and role that the
// stack gave them, behind a gateway with the stack's routes. Objects put into the bucket fill the queue, and the
// function is fed from it as Lambda does: a message reported as failed stays in the queue.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { startGateway } from './support/gateway.mjs';
import { startCloud } from '../cloud/cloud.mjs';
import { RuntimeApi } from './support/runtime_api.mjs';
import { corpus, eventually, root, tinyPng } from './support/server.mjs';

const PROGRAM = process.env.TINTYPE_BOOTSTRAP ?? `${process.env.TINTYPE_BUILD}/src/bootstrap`;
const REGION = 'eu-west-1';
const run = promisify(execFile);
let dir, cloud, env, cli, stack, gateway, pump;
const functions = {};

const aws = async (...args) => JSON.parse((await run('aws', ['--endpoint-url', cloud.url, '--region', REGION, '--output', 'json', ...args], { env })).stdout || 'null');
const script = (name, ...args) => run('bash', [`deploy/${name}.sh`, '--region', REGION, ...args], { cwd: root, env });
const python = (...args) => run('python3', args, { env: process.env });

/** A call of SQS, as Lambda makes it. */
async function sqs(action, input) {
	const authorization = `AWS4-HMAC-SHA256 Credential=LAMBDA/20260101/${REGION}/sqs/aws4_request, SignedHeaders=host, Signature=0`;
	const answer = await fetch(cloud.url, { method: 'POST', body: JSON.stringify({ QueueUrl: stack.queueUrl, ...input }),
		headers: { authorization, 'Content-Type': 'application/x-amz-json-1.0', 'X-Amz-Target': `AmazonSQS.${action}` } });
	assert.equal(answer.status, 200, action);
	return JSON.parse(await answer.text() || '{}');
}

/** What the stack made, by the names of the template. */
async function readStack() {
	const { StackResourceSummaries: all } = await aws('cloudformation', 'list-stack-resources', '--stack-name', 'tintype');
	const ids = Object.fromEntries(all.map(one => [one.LogicalResourceId, one.PhysicalResourceId]));
	const { items } = await aws('apigateway', 'get-resources', '--rest-api-id', ids.Api, '--embed', 'methods');
	const routes = items.flatMap(({ path, resourceMethods = {} }) => Object.entries(resourceMethods).map(([method, { apiKeyRequired, methodIntegration }]) => (
		{ method, shape: new RegExp(`^${path.replaceAll(/\{[^}]+\+\}/g, '.+').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`), keyed: apiKeyRequired, name: methodIntegration.uri?.match(/function:(\w+)\/invocations/)?.[1] })));
	return { routes, bucket: ids.Bucket, queueUrl: ids.Queue, deadUrl: ids.DeadLetterQueue };
}

/** Start the function as it was deployed: its package, its handler, its settings. */
async function startFunction(name) {
	const c = await aws('lambda', 'get-function-configuration', '--function-name', name);
	assert.equal(c.CodeSha256, stack.code.hash);
	const settings = c.Environment.Variables;
	const role = { ...Object.fromEntries(Object.entries(cloud.env).filter(([key]) => key.startsWith('AWS_'))), ...await (await cloud.s3()).assumeRole(c.Role.split('/').at(-1)) };
	functions[name] = (await new RuntimeApi().start()).run(stack.code.program, { ...role, ...settings, _HANDLER: c.Handler, AWS_REGION: REGION, AWS_LAMBDA_FUNCTION_NAME: name });
}

/** The package that deploy.sh left for the functions, unpacked: where its program is, and what it hashes to. */
async function fetchCode() {
	const bucket = `tintype-code-123456789012-${REGION}-tintype`;
	const { Contents } = await aws('s3api', 'list-objects-v2', '--bucket', bucket);
	assert.equal(Contents.length, 1);
	const { bytes: packed } = await cloud.request('GET', `/${bucket}/${Contents[0].Key}`);
	writeFileSync(`${dir}/deployed.zip`, packed);
	await python('-m', 'zipfile', '-e', `${dir}/deployed.zip`, `${dir}/deployed`);
	for (const name of ['bootstrap', 'tintype-render'])
		chmodSync(`${dir}/deployed/${name}`, 0o755);
	return { program: `${dir}/deployed/bootstrap`, hash: createHash('sha256').update(packed).digest('base64') };
}

/** Which function the stack's API calls, as API Gateway would choose it, and whether it asks for the API key. */
const routeFor = (method, target) => stack.routes.find(one => one.method === method && one.shape.test(target));
const functionFor = (method, target) => functions[routeFor(method, target)?.name];
const keyed = (method, target) => routeFor(method, target)?.keyed;

/** Deliver the queue's messages to the event function, once; returns { told, failed }. Failed messages may be delivered again at once. */
async function deliver() {
	const { Messages = [] } = await sqs('ReceiveMessage', { MaxNumberOfMessages: 10 });
	if (Messages.length === 0)
		return { told: 0, failed: 0 };
	const Records = Messages.map(m => ({ messageId: m.MessageId, receiptHandle: m.ReceiptHandle, body: m.Body, attributes: {}, messageAttributes: {},
		eventSource: 'aws:sqs', eventSourceARN: `arn:aws:sqs:${REGION}:123456789012:queue`, awsRegion: REGION }));
	const { kind, body } = await functions.ImageEventHandler.invoke({ Records });
	assert.equal(kind, 'response', body);
	const failed = JSON.parse(body).batchItemFailures.map(one => one.itemIdentifier);
	for (const { MessageId, ReceiptHandle } of Messages)
		await (failed.includes(MessageId) ? sqs('ChangeMessageVisibility', { ReceiptHandle, VisibilityTimeout: 0 }) : sqs('DeleteMessage', { ReceiptHandle }));
	return { told: Messages.length, failed: failed.length };
}

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'tintype-journey-'));
	cloud = await startCloud({ bucket: null, region: REGION });
	env = { PATH: process.env.PATH, HOME: dir, AWS_ENDPOINT_URL: cloud.url, AWS_ACCESS_KEY_ID: cloud.env.AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: cloud.env.AWS_SECRET_ACCESS_KEY, TINTYPE_POLL_S: '0', AWS_MAX_ATTEMPTS: '1' };
	mkdirSync(`${dir}/bin`);
	cli = spawn('/usr/bin/python3', ['-B', 'test/deploy/aws_server.py', `${dir}/bin`], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
	if ((await once(cli.stdout, 'readable'), cli.stdout.read()) !== null)
		env.PATH = `${dir}/bin:${env.PATH}`;
});

after(async () => {
	clearInterval(pump);
	await gateway?.stop();
	for (const one of Object.values(functions))
		await one.stop();
	await cloud?.stop();
	if (cli) {
		const ended = once(cli, 'exit');
		cli.stdin.end();
		await ended;
	}
	rmSync(dir, { recursive: true, force: true });
});

const json = async (method, target, body, headers = {}) => {
	const answer = await fetch(gateway.base + target, { method, redirect: 'manual', headers: { ...body && { 'Content-Type': 'application/json' }, ...headers }, ...body && { body: JSON.stringify(body) } });
	const text = await answer.text();
	return { status: answer.status, headers: answer.headers, ...text && { body: JSON.parse(text) } };
};

test('deploy, upload, event, list, delete, destroy', async t => {
	const slots = [];

	await t.test('deploy.sh creates the stack', async () => {
		await python('-c', 'import sys, zipfile\nwith zipfile.ZipFile(sys.argv[3], "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:\n z.write(sys.argv[1], "bootstrap")\n z.write(sys.argv[2], "tintype-render")',
			PROGRAM, path.join(path.dirname(PROGRAM), 'render/tintype-render'), `${dir}/code.zip`);
		gateway = await startGateway(functionFor, 'v1', keyed);
		const { stdout } = await script('deploy', '--zip', `${dir}/code.zip`, 'MaxSize=1000000', `DeliveryUrl=${gateway.base}`);
		assert.match(stdout, /CREATE_COMPLETE/);
		stack = { ...await readStack(), code: await fetchCode() };
		for (const name of ['ImageUploadHandler', 'ImageListHandler', 'ImageManageHandler', 'ImageDeliveryHandler', 'ImageEventHandler', 'ImageSweepHandler'])
			await startFunction(name);
		assert.deepEqual(stack.routes.filter(one => !one.keyed).map(one => one.method).sort(), ['GET', 'HEAD', ...Array(17).fill('OPTIONS')], 'all but links and preflights want the API key');
	});

	await t.test('two pictures and a file that is not a picture are uploaded by URLs to the stack\'s bucket', async () => {
		const limits = (await json('GET', '/limits')).body;
		assert.equal(limits.maxFileSize, 1000000);
		for (const [fileName, fileType, bytes] of [['a.png', 'image/png', tinyPng], ['Résumé 2.jpg', 'image/jpeg', corpus('good/photo.jpg')], ['c.png', 'image/png', Buffer.from('<html>')]]) {
			const { status, body: slot } = await json('POST', '/upload', { fileName, fileType, fileSize: bytes.length });
			assert.equal(status, 200);
			assert.ok(slot.uploadUrl.startsWith(`${cloud.url}/${stack.bucket}/images/`), slot.uploadUrl);
			assert.equal((await json('GET', `/images/${slot.imageId}`)).body.status, 'pending');
			assert.equal((await fetch(slot.uploadUrl, { method: slot.method, headers: slot.headers, body: bytes })).status, 200);
			slots.push({ ...slot, bytes });
		}
	});

	await t.test('the bucket\'s events reach the event function through the queue', async () => {
		let told = 0;
		await eventually(async () => { const one = await deliver(); told += one.told; assert.equal(one.failed, 0); return told >= 3; }, { what: 'three messages' });
		const states = await Promise.all(slots.map(async slot => (await json('GET', `/images/${slot.imageId}`)).body));
		assert.deepEqual(states.map(one => one.status), ['uploaded', 'uploaded', 'rejected']);
		assert.deepEqual([states[0].width, states[0].height, states[0].fileSize], [1, 1, tinyPng.length]);
		assert.equal((await deliver()).told, 0, 'nothing is left in the queue');
	});

	await t.test('a message that can never succeed is delivered five times and goes to the dead-letter queue', async () => {
		await sqs('SendMessage', { MessageBody: '{"hello":1}' });
		for (let i = 0; i < 5; i++)
			assert.deepEqual(await deliver(), { told: 1, failed: 1 });
		assert.equal((await deliver()).told, 0);
		const { Messages } = await sqs('ReceiveMessage', { QueueUrl: stack.deadUrl });
		assert.deepEqual(Messages.map(one => one.Body), ['{"hello":1}']);
	});

	await t.test('the list has the pictures, newest first, and their bytes can be downloaded', async () => {
		const { images, count } = (await json('GET', '/images?limit=10')).body;
		assert.equal(count, 2);
		assert.deepEqual(images.map(one => one.imageId).sort(), slots.slice(0, 2).map(one => one.imageId).sort());
		assert.ok(images[0].uploadedAt >= images[1].uploadedAt);
		for (const { imageId, bytes } of slots.slice(0, 2)) {
			const { status, headers } = await json('GET', `/images/${imageId}/file`);
			assert.equal(status, 302);
			assert.deepEqual(Buffer.from(await (await fetch(headers.get('location'))).arrayBuffer()), bytes);
		}
	});

	await t.test('the page\'s links lead to a thumbnail that was made at upload, and to the picture', async () => {
		const { links } = (await json('GET', `/images/${slots[1].imageId}`)).body;
		const small = await fetch(links.small.webp), original = await fetch(links.original);
		assert.deepEqual([small.status, small.headers.get('content-type')], [200, 'image/webp']);
		assert.equal(Buffer.from(await small.arrayBuffer()).toString('latin1', 0, 4), 'RIFF');
		assert.deepEqual(Buffer.from(await original.arrayBuffer()), slots[1].bytes);
	});

	await t.test('one is deleted, object and row', async () => {
		assert.equal((await json('DELETE', `/images/${slots[0].imageId}`)).body.code, 'key_needed', 'by its token alone');
		assert.equal((await json('DELETE', `/images/${slots[0].imageId}`, null, { 'X-Delete-Token': slots[0].deleteToken })).status, 204);
		assert.equal((await json('GET', `/images/${slots[0].imageId}`)).status, 404);
		assert.deepEqual((await json('GET', '/images')).body.images.map(one => one.imageId), [slots[1].imageId]);
		const { Contents = [] } = await aws('s3api', 'list-objects-v2', '--bucket', stack.bucket);
		assert.deepEqual(Contents.map(one => one.Key.replace(/small-.*/, 'small')), [new URL(slots[1].fileUrl).pathname.replace(`/${stack.bucket}/`, ''), `thumbs/${slots[1].imageId}/small`]);
	});

	await t.test('smoke.sh tests the same path and succeeds', async () => {
		let working = false, failed = 0;
		pump = setInterval(async () => {
			if (working)
				return;
			working = true;
			failed += (await deliver()).failed;
			working = false;
		}, 100);
		const { stdout } = await run('bash', ['deploy/smoke.sh', '--url', gateway.base], { cwd: root, env });
		clearInterval(pump);
		await eventually(() => !working);
		assert.equal(failed, 0);
		assert.equal(stdout.trimEnd().split('\n').at(-1), 'Everything works.');
	});

	await t.test('destroy.sh removes everything, including the remaining picture, and verifies it', async () => {
		const { stdout } = await script('destroy', '--yes');
		assert.match(stdout, new RegExp(`bucket ${stack.bucket} holds 2 objects`));
		assert.match(stdout, /Nothing of the stack 'tintype' is left/);
		assert.deepEqual((await aws('s3api', 'list-buckets')).Buckets, []);
		assert.deepEqual((await aws('dynamodb', 'list-tables')).TableNames, []);
		assert.deepEqual((await aws('lambda', 'list-functions')).Functions, []);
		assert.equal((await json('GET', `/images/${slots[1].imageId}`)).status, 502);
	});
});
