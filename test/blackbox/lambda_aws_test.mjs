// The functions as they run on AWS: the real program behind a gateway, S3 by Ceph's gateway, which
// checks signatures and enforces the roles that deploy/template.yaml gives, DynamoDB by dynalite, object events as S3 sends them by way of SQS.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { eventV1, readAnswer, startGateway } from './support/gateway.mjs';
import { actionsOf, ROLES, roleStatements } from './support/iam.mjs';
import { startCloud } from '../cloud/cloud.mjs';
import { RuntimeApi } from './support/runtime_api.mjs';
import { corpus, eventually, root, runProgram, tinyPng } from './support/server.mjs';

const build = process.env.TINTYPE_BUILD, PROGRAM = process.env.TINTYPE_BOOTSTRAP ?? `${build}/src/bootstrap`;
const functions = {}, environments = {}, KEY = 'the-key-of-the-administrator', byKey = { Authorization: `Bearer ${KEY}` };
const photo = corpus('good/photo.jpg');   // the first one takes a while, in which no server here could answer
let cloud, gateway;

async function start(handler, env) {
	const api = await new RuntimeApi().start();
	return api.run(PROGRAM, { _HANDLER: handler, ...env });
}

const routeOf = (method, path) => /^\/(upload|uppy|limits)$/.test(path) ? 'upload' : path.startsWith('/i/') ? 'delivery'
	: method === 'DELETE' || method === 'PATCH' || path.endsWith('/complete') || /^\/(users|keys)/.test(path) ? 'manage' : 'images';

/** Whose calls are whose, by the temporary credentials of each role. */
const keys = {};
const granted = await roleStatements({ BucketName: 'pictures', Versioning: 'on' });

before(async () => {
	cloud = await startCloud();
	await promisify(execFile)(`${build}/test/lambda/make_table`, { env: { ...process.env, ...cloud.env } });
	gateway = await startGateway((method, path) => functions[routeOf(method, path)], 'v1', (method, path) => !path.startsWith('/i/'));
	for (const [name, role] of Object.entries(ROLES)) {
		const credentials = await cloud.role(role, granted[role]);
		keys[name] = credentials.AWS_ACCESS_KEY_ID;
		environments[name] = { ...cloud.env, ...credentials, TINTYPE_OVERWRITE: 'allow', TINTYPE_ACCESS: 'open', TINTYPE_API_KEY: KEY, TINTYPE_QUOTA_IMAGES: '100', TINTYPE_DELIVERY_URL: gateway.base, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512', TINTYPE_ORPHAN_TTL: '1' };
		functions[name] = await start(name, environments[name]);
	}
});

after(async () => {
	await gateway?.stop();
	for (const one of Object.values(functions))
		await one.stop();
	await cloud?.stop();
});

const json = async (method, path, body, headers = {}) => {
	const answer = await fetch(gateway.base + path, { method, redirect: 'manual', ...body && { body: JSON.stringify(body) }, headers: { ...body && { 'Content-Type': 'application/json' }, ...headers } });
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

/* Of the Postman collection, what does not take a server or an operator's key. */
const AWS_FOLDERS = ['Limits', 'From slot to deletion', 'Special characters in the name', 'The largest size', 'Refused requests'];

test('every client of ours sends the key where API Gateway asks for it, and the function takes it for nobody', async () => {
	const key = 'the-key-of-the-gateway', strict = await startGateway((method, path) => functions[routeOf(method, path)], 'v1', (method, path) => !path.startsWith('/i/'), key);
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-clients-')), picture = path.join(dir, 'a.png');
	writeFileSync(picture, tinyPng);
	const examples = given => ({ ...process.env, TINTYPE_URL: strict.base, TINTYPE_KEY: given });
	const clients = {
		upload: given => runProgram(['upload', picture, '--json'], { env: { TINTYPE_ENDPOINT: strict.base, TINTYPE_API_KEY: given } }),
		list: given => runProgram(['list'], { env: { TINTYPE_ENDPOINT: strict.base, TINTYPE_API_KEY: given } }),
		gateway: given => runProgram(['list'], { env: { TINTYPE_ENDPOINT: strict.base, TINTYPE_API_KEY: KEY, TINTYPE_GATEWAY_KEY: given } }),
		postman: given => ended('test/npm/node_modules/.bin/newman', process.env, 'run', path.join(root, 'doc/postman_collection.json'), ...AWS_FOLDERS.flatMap(name => ['--folder', name]), '--reporters', 'cli', '--env-var', `baseUrl=${strict.base}`, '--env-var', `apiKey=${given}`),
		curl: given => ended('examples/curl/upload.sh', examples(given), picture), python: given => ended('examples/python/upload.py', examples(given), picture),
	};
	const ended = (program, env, ...args) => promisify(execFile)(path.join(root, program), args, { env }).then(() => ({ code: 0 }), ({ code, stdout, stderr }) => ({ code, stderr: stdout + stderr }));
	try {
		for (const [name, client] of Object.entries(clients)) {
			const good = await client(key), bad = await client('another-key-of-16-characters');
			assert.equal(good.code, 0, `${name}: ${good.stderr}`);
			assert.ok(bad.code !== 0 && (name === 'postman' || /x-api-key/.test(bad.stderr)), `${name}: ${bad.stderr}`);
		}
	} finally {
		await strict.stop();
		rmSync(dir, { recursive: true });
	}
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
	const secret = corpus('good/private.png'), puts = slot => cloud.calls().filter(one => one.service === 's3' && one.method === 'PUT' && one.uri.includes(slot.imageId)).length;
	for (const confirm of [slot => tell(slot), slot => json('POST', `/images/${slot.imageId}/complete`)]) {
		const slot = await openAndPut(secret);
		assert.equal((await json('GET', `/images/${slot.imageId}`)).body.downloadUrl, undefined, 'no link before');
		await confirm(slot);
		const image = (await json('GET', `/images/${slot.imageId}`)).body, bytes = Buffer.from(await (await fetch(image.downloadUrl)).arrayBuffer());
		assert.deepEqual([image.status, image.stripped, image.receivedSize, image.fileSize], ['uploaded', true, secret.length, bytes.length]);
		assert.ok(secret.includes('SECRET') && !bytes.includes('SECRET'));
		const before = puts(slot);
		assert.deepEqual(await tell({ ...slot, etag: image.etag, sequencer: '0B' }, slot), []);
		assert.equal(puts(slot), before);
		const again = (await json('GET', `/images/${slot.imageId}`)).body;
		assert.deepEqual([again.etag, again.receivedSize, again.removed], [image.etag, secret.length, image.removed]);
	}
});

/** Requests to S3 of one kind about one image, of all so far. */
const callsOf = (method, folder, id) => cloud.calls().filter(one => one.service === 's3' && one.method === method && one.uri.includes(`/${folder}/${id}`)).length;
const upload = async (bytes, fileType = 'image/jpeg') => {
	const slot = await openAndPut(bytes, fileType);
	assert.deepEqual(await tell(slot), []);
	return { slot, image: (await json('GET', `/images/${slot.imageId}`)).body };
};
const thumbsOf = async id => [...(await cloud.request('GET', '/pictures', { query: { 'list-type': '2', prefix: `thumbs/${id}/` } })).text.matchAll(/<Key>([^<]+)/g)].map(one => one[1]);
const bytesOf = async answer => Buffer.from(await answer.arrayBuffer());

test('the pixels are decoded by the event, and the row says what was found', async () => {
	const { image } = await upload(photo);
	assert.deepEqual([image.status, image.verified, image.verdict, image.damage], ['uploaded', true, 'ok', undefined]);
	assert.ok(image.placeholder.length > 0 && /^#[0-9a-f]{6}$/.test(image.color));
	const { Item } = await cloud.dynamo('GetItem', { TableName: 'ImageMetadata', Key: { imageId: { S: image.imageId } } });
	assert.deepEqual([Item.verdict, Item.damage, Item.visibility], [{ S: 'ok' }, undefined, undefined]);
	assert.deepEqual([Item.placeholder.S, Item.color.S], [image.placeholder, image.color]);
	assert.deepEqual(['fileName', 'fileUrl', 'fileSize', 'fileType', 'uploadedAt'].filter(name => !Item[name]), [], 'what people look for in the table');
	assert.equal(Item.fileUrl.S, image.fileUrl);
	const { image: cut } = await upload(photo.subarray(0, -2));
	assert.deepEqual([cut.status, cut.verdict, cut.damage], ['uploaded', 'recoverable', 'end_missing']);
	const { slot, image: half } = await upload(photo.subarray(0, photo.length / 2));
	assert.deepEqual([half.status, half.verdict, half.links, half.downloadUrl], ['rejected', 'corrupt', undefined, undefined]);
	assert.match(half.reason, /damaged/);
	assert.deepEqual([await cloud.head(slot.key), await thumbsOf(slot.imageId)], [false, []]);
});

test('what keep-metadata names is kept in the row, for callers with the API key', async () => {
	const kept = functions.event;
	functions.event = await start('event', { ...environments.event, TINTYPE_KEEP_METADATA: 'taken-at,camera,position' });
	try {
		const { slot, image } = await upload(corpus('good/place.jpg'));
		assert.deepEqual([image.stripped, image.keptMetadata], [true, undefined]);
		const { body } = await json('GET', `/images/${slot.imageId}`, null, byKey);
		assert.ok(body.keptMetadata.camera && body.keptMetadata.position);
	} finally {
		await functions.event.stop();
		functions.event = kept;
	}
});

test('the small thumbnail is made at upload, the others when they are first asked for, and all are kept', async () => {
	const { image } = await upload(photo), { imageId, links } = image;
	assert.equal((await thumbsOf(imageId)).length, 1);
	const asked = await json('GET', `/images/${imageId}/thumbnail?size=small`, null, { Accept: 'image/avif,image/webp,*/*' });
	assert.deepEqual([asked.status, asked.headers.get('location'), asked.headers.get('vary')], [302, links.small.webp, 'Accept, Authorization']);
	const small = await fetch(links.small.webp);
	assert.deepEqual([small.status, small.headers.get('content-type')], [200, 'image/webp']);
	assert.match(small.headers.get('cache-control'), /^public, max-age=\d+, immutable$/);
	assert.equal((await bytesOf(small)).toString('latin1', 0, 4), 'RIFF');
	assert.equal(callsOf('PUT', 'thumbs', imageId), 1);
	for (let i = 0; i < 2; i++) {
		const medium = await fetch(links.medium.jpeg), bytes = await bytesOf(medium);
		assert.deepEqual([medium.status, medium.headers.get('content-type'), bytes[0], bytes[1]], [200, 'image/jpeg', 0xff, 0xd8]);
		assert.equal(Number(medium.headers.get('content-length') ?? bytes.length), bytes.length);
		assert.equal(callsOf('PUT', 'thumbs', imageId), 2);
	}
	const etag = small.headers.get('etag');
	assert.equal((await fetch(links.small.webp, { headers: { 'If-None-Match': etag } })).status, 304);
	const part = await fetch(links.small.webp, { headers: { Range: 'bytes=0-3' } });
	assert.deepEqual([part.status, (await bytesOf(part)).toString('latin1')], [206, 'RIFF']);
	const head = await fetch(links.small.webp, { method: 'HEAD' });
	assert.deepEqual([head.status, head.headers.get('etag')], [200, etag]);
	assert.equal((await json('GET', `/images/${imageId}/thumbnail?size=huge`)).status, 400);
	assert.equal((await json('DELETE', `/images/${imageId}`)).status, 204);
	assert.deepEqual(await thumbsOf(imageId), []);
	assert.equal((await fetch(links.small.webp)).status, 404);
});

test('a link to the original is redirected to a URL that expires later than what is kept of it', async () => {
	const { image } = await upload(photo);
	const answer = await fetch(image.links.original, { redirect: 'manual' });
	const [, age] = answer.headers.get('cache-control').match(/^private, max-age=(\d+)$/), to = new URL(answer.headers.get('location'));
	assert.equal(answer.status, 302);
	assert.ok(Number(age) > 0 && Number(age) < Number(to.searchParams.get('X-Amz-Expires')));
	const picture = await fetch(to);
	assert.deepEqual([picture.status, picture.headers.get('cache-control')], [200, 'private, max-age=300, immutable']);
	assert.deepEqual(await bytesOf(picture), photo);
	assert.equal((await fetch(image.links.original, { method: 'HEAD', redirect: 'manual' })).headers.get('content-length'), String(image.fileSize));
	const { status, body } = await json('POST', `/images/${image.imageId}/links`, { variant: 'original', expiresIn: 5 });
	assert.equal(status, 200);
	assert.equal((await fetch(body.url)).status, 200);
	assert.match((await fetch(body.url, { redirect: 'manual' })).headers.get('cache-control'), /^private, max-age=[1-5]$/);
	const sign = exp => `${createHmac('sha256', cloud.env.TINTYPE_DELIVERY_KEYS).update(`tintype-delivery-1\n${exp}\n${image.imageId}\noriginal`).digest().subarray(0, 16).toString('base64url')}.${exp}`;
	assert.equal((await json('GET', `/i/${sign(1e9)}/${image.imageId}/original`)).body.code, 'link_expired');
	assert.equal((await json('GET', `/i/${sign(4e9).replace(/^./, one => one === 'A' ? 'B' : 'A')}/${image.imageId}/original`)).status, 404);
});

test('an image is public only by a caller with a key, which the gateway’s own is not, and private again at once', async () => {
	const { image: { imageId } } = await upload(photo), link = `${gateway.base}/i/${imageId}/original`, key = byKey;
	assert.equal((await fetch(link)).status, 404);
	assert.equal((await json('PATCH', `/images/${imageId}`, { visibility: 'public' })).body.code, 'public_denied');
	assert.equal((await json('PATCH', `/images/${imageId}`, { visibility: 'public' }, { 'x-api-key': 'any' })).body.code, 'public_denied');
	assert.equal((await json('POST', '/upload', { fileName: 'a.png', fileType: 'image/png', visibility: 'public' })).body.code, 'public_denied');
	const { status, body } = await json('PATCH', `/images/${imageId}`, { visibility: 'public' }, key);
	assert.deepEqual([status, body.visibility, body.links.original], [200, 'public', link]);
	assert.equal((await fetch(link)).status, 200);
	const thumbnail = await fetch(body.links.medium.webp);
	assert.deepEqual([thumbnail.status, thumbnail.headers.get('cache-control')], [200, 'public, max-age=3600']);
	assert.equal((await json('PATCH', `/images/${imageId}`, { visibility: 'private' }, key)).status, 200);
	const gone = await fetch(link);
	assert.deepEqual([gone.status, gone.headers.get('cache-control')], [404, 'no-store']);
	assert.equal((await json('POST', '/upload', { fileName: 'a.png', fileType: 'image/png', visibility: 'public' }, key)).status, 200);
});

test('an application has a key, users who see their own images, quotas, and may delete a user', async () => {
	const asAdmin = (method, target, body) => json(method, target, body, byKey), { status, body: key } = await asAdmin('POST', '/keys', { name: 'app', scopes: ['upload', 'read', 'delete', 'act-as'] });
	assert.equal(status, 201);
	const asApp = (method, target, body) => json(method, target, body, { Authorization: `Bearer ${key.key}` });
	const slotOf = name => asApp('POST', '/upload', { fileName: 'a.jpg', fileType: 'image/jpeg', onBehalfOf: name });
	const { body: slot } = await slotOf('alice'), put = await fetch(slot.uploadUrl, { method: slot.method, headers: slot.headers, body: photo });
	assert.deepEqual(await tell({ ...slot, etag: put.headers.get('etag').replaceAll('"', ''), key: new URL(slot.fileUrl).pathname.replace('/pictures/', '') }), []);
	const { body: { images: [image, none] } } = await asApp('GET', '/images?onBehalfOf=alice');
	assert.deepEqual([image.imageId, none], [slot.imageId, undefined]);
	assert.equal((await asApp('GET', `/images/${slot.imageId}?onBehalfOf=bob`)).status, 404);
	assert.equal((await fetch(image.links.large.webp)).status, 200);
	const { body: me } = await asApp('GET', '/me?onBehalfOf=alice');
	assert.deepEqual([me.usage.images, me.usage.bytes, me.quota.images], [1, image.fileSize, 100]);
	assert.ok(me.usage.derivedBytes > 0, 'thumbnails are counted for their owner');
	const { body: { users } } = await asAdmin('GET', '/users');
	assert.deepEqual(users.map(one => [one.owner, one.subject, one.usage.images]), [[me.owner, 'alice', 1]]);
	assert.deepEqual((await asAdmin('PUT', `/users/${me.owner}/quota`, { images: 1 })).body.quota, { images: 1 });
	assert.deepEqual([(await slotOf('alice')).body.code, (await slotOf('bob')).status], ['quota_full', 200]);
	assert.deepEqual((await asAdmin('DELETE', `/users/${me.owner}/quota`)).body.quota, { images: 100 });
	const { body: viewer } = await asAdmin('POST', '/keys', { name: 'viewer', scopes: ['read'] });
	assert.equal((await json('GET', '/images', null, { Authorization: `Bearer ${viewer.key}` })).status, 200);
	assert.deepEqual((await asAdmin('GET', '/keys')).body.keys.map(one => [one.name, Boolean(one.usedAt)]).sort(), [['app', true], ['viewer', true]]);
	await eventually(async () => (await asAdmin('DELETE', `/users/${me.owner}`)).body.done, { what: 'the user is deleted' });
	assert.deepEqual([(await asAdmin('GET', `/users/${me.owner}`)).body.code, (await asAdmin('GET', `/images/${slot.imageId}`)).status, await cloud.head(`images/${slot.imageId}.jpg`)], ['no_such_user', 404, false]);
	assert.equal((await asAdmin('DELETE', `/keys/${key.keyId}`)).status, 204);
	for (const [method, target] of [['POST', '/upload'], ['GET', '/images'], ['POST', `/images/${slot.imageId}/complete`]])   /* of three functions, each at once */
		assert.deepEqual([(await asApp(method, target, method === 'POST' && {})).body.code, method], ['token_invalid', method]);
});

test('a function that is ended between two steps of replacing an image leaves no link, and redelivery repairs it', async () => {
	const secret = corpus('good/private.png'), kept = functions.event;
	for (const is of [
		one => one.method === 'PUT' && one.uri.includes('/images/'),       /* the row says what will be stored */
		(one, n) => one.target.endsWith('UpdateItem') && n === 2 ]) {      /* it is stored, and the row does not say so yet */
		const slot = await openAndPut(secret);
		functions.event = await start('event', environments.event);
		let updates = 0;
		cloud.before = async one => {
			updates += one.target.endsWith('UpdateItem');
			if (is(one, updates)) {
				functions.event.child.kill('SIGKILL');
				await functions.event.exited;
				throw new Error('the function was ended');
			}
		};
		void tell(slot);
		await functions.event.exited;
		cloud.before = async () => {};
		await functions.event.stop();
		functions.event = kept;
		const between = (await json('GET', `/images/${slot.imageId}`)).body;
		assert.deepEqual([between.status, between.downloadUrl, between.links], ['pending', undefined, undefined]);
		assert.equal((await json('GET', `/images/${slot.imageId}/file`)).status, 404);
		assert.deepEqual(await tell(slot), []);
		const image = (await json('GET', `/images/${slot.imageId}`)).body, bytes = await bytesOf(await fetch(image.downloadUrl));
		assert.deepEqual([image.status, image.stripped, image.receivedSize, image.fileSize], ['uploaded', true, secret.length, bytes.length]);
		assert.ok(!bytes.includes('SECRET'));
	}
});

test('a renderer that is killed, or an image that was deleted while its thumbnail was made, leaves nothing behind', async () => {
	const rendererOf = name => spawnSync('pgrep', ['-P', String(functions[name].child.pid), 'tintype-render'], { encoding: 'utf8' }).stdout.trim();
	const { image: { imageId, links } } = await upload(photo), before = rendererOf('event');
	assert.match(before, /^\d+$/);
	process.kill(Number(before), 'SIGKILL');
	const next = await upload(photo);
	assert.equal(next.image.verdict, 'ok');
	assert.notEqual(rendererOf('event'), before);
	cloud.before = async one => {
		if (one.method === 'PUT' && one.uri.includes(`/thumbs/${imageId}`)) {
			cloud.before = async () => {};
			assert.equal((await json('DELETE', `/images/${imageId}`)).status, 204);
		}
	};
	assert.equal((await fetch(links.large.webp)).status, 404);
	assert.deepEqual(await thumbsOf(imageId), []);
});

test('where the system refuses the filter images are decoded all the same, and the log says so', async () => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-lambda-')), program = path.join(dir, 'bootstrap'), kept = functions.event;
	const real = path.join(path.dirname(PROGRAM), 'render/tintype-render');
	copyFileSync(PROGRAM, program);
	writeFileSync(path.join(dir, 'tintype-render'), `#!/bin/sh\ncase "$*" in *filter=off*) exec ${real} "$@" ;; esac\nexit 71\n`, { mode: 0o755 });
	functions.event = (await new RuntimeApi().start()).run(program, { _HANDLER: 'event', ...environments.event });
	try {
		assert.equal((await upload(photo)).image.verdict, 'ok');
		await functions.event.lines(all => all.some(line => line.event === 'render.unconfined' && line.level === 'warn') && all.some(line => line.event === 'render.ready' && !/filter/.test(line.layers)));
	} finally {
		await functions.event.stop();
		functions.event = kept;
		rmSync(dir, { recursive: true });
	}
});

test('a function with too little memory says so at the start, and needs less where it decodes nothing', async () => {
	const small = await start('event', { ...environments.event, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '64' });
	assert.match((await small.initFailure).errorMessage, /64 MB of memory.*EventMemory.*TINTYPE_VERIFY=header/);
	await small.stop();
	const header = await start('event', { ...environments.event, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '64', TINTYPE_VERIFY: 'header' });
	await eventually(() => header.nextCalls === 1, { what: 'the function to be ready' });
	await header.stop();
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

/** The row's time to expire has come. */
const makeDue = (imageId, more = '', values = {}) => cloud.dynamo('UpdateItem', { TableName: 'ImageMetadata', Key: { imageId: { S: imageId } },
	UpdateExpression: `SET endsMs = :ends, dueOrder = :order${more}`, ExpressionAttributeValues: { ':ends': { N: '1' }, ':order': { S: `0000000000000000001#${imageId}` }, ...values } });
const itemOf = async imageId => (await cloud.dynamo('GetItem', { TableName: 'ImageMetadata', Key: { imageId: { S: imageId } }, ConsistentRead: true })).Item;
const sweep = async (options) => {
	const { kind, body } = await Promise.race([functions.sweep.invoke({}, options), functions.sweep.exited.then(() => ({ body: functions.sweep.stderr }))]);
	assert.equal(kind, 'response', body);
	return JSON.parse(body);
};

test('the sweep ends slots that are due: what came is verified, the rest expires, and the id of a repeatable request is kept', async () => {
	const open = async () => (await json('POST', '/upload', { fileName: 'a.png', fileType: 'image/png' })).body;
	const arrived = await openAndPut(corpus('good/private.png')), wrong = await openAndPut('<html>'), empty = await open(), repeatable = await open(), current = await open();
	assert.ok(Number((await itemOf(empty.imageId)).ttl.N) * 1000 > Date.now() + 7 * 86400e3, 'DynamoDB itself comes a week later');
	for (const { imageId } of [arrived, wrong, empty])
		await makeDue(imageId);
	await makeDue(repeatable.imageId, ', requestHash = :hash', { ':hash': { S: 'ab' } });
	const done = await sweep();
	assert.deepEqual([done.confirmed, done.rejected, done.ended, done.forgotten], [1, 1, 2, 0]);
	assert.equal((await json('GET', `/images/${arrived.imageId}`)).body.stripped, true);
	assert.equal((await json('GET', `/images/${wrong.imageId}`)).body.status, 'rejected');
	assert.equal(await cloud.head(wrong.key), false);
	assert.equal(await itemOf(empty.imageId), undefined);
	assert.deepEqual((({ status, requestHash }) => [status.S, requestHash.S])(await itemOf(repeatable.imageId)), ['gone', 'ab']);
	assert.equal((await json('GET', `/images/${current.imageId}`)).body.status, 'pending');
	await makeDue(wrong.imageId);
	assert.deepEqual([(await sweep()).forgotten, await itemOf(wrong.imageId)], [1, undefined]);
});

test('a sweep with little time leaves what it cannot do to the next one', async () => {
	const slots = [];
	for (let i = 0; i < 8; i++)
		slots.push((await json('POST', '/upload', { fileName: 'a.png', fileType: 'image/png' })).body);
	for (const { imageId } of slots)
		await makeDue(imageId);
	const half = Date.now() + 10000;
	let asked = 0;
	cloud.before = async one => {
		if (one.key === keys.sweep && one.method === 'GET' && ++asked === 3)
			await eventually(() => Date.now() > half, { what: 'half of its time' });
	};
	const first = (await sweep({ timeoutMs: 20000 })).ended;
	cloud.before = async () => {};
	assert.ok(first >= 1 && first < slots.length, `${first} of ${slots.length}`);
	assert.equal((await sweep()).ended, slots.length - first);
});

test('the sweep deletes orphaned objects of the slice of the hour, and goes on with the deletion of a user', async () => {
	const { slice } = await sweep(), id = more => `${((parseInt(slice, 16) + more) % 4096).toString(16).padStart(3, '0')}00000-0000-4000-8000-000000000000`;
	for (const name of [id => `images/${id}.png`, id => `thumbs/${id}/small-1a2b3c4d.webp`]) {
		const [first, next, other] = [0, 1, 2].map(more => name(id(more)));
		for (const key of [first, next, other])
			assert.equal((await cloud.put(key, 'no row')).status, 200);
		await eventually(async () => (await sweep()).orphans > 0, { everyMs: 300, what: 'it is old enough' });
		assert.deepEqual([await cloud.head(first) && await cloud.head(next), await cloud.head(other)], [false, true], name('ID'));
	}

	const { image: { imageId } } = await upload(photo), put = item => cloud.dynamo('PutItem', { TableName: 'ImageMetadata', Item: Object.fromEntries(Object.entries(item).map(([name, value]) => [name, typeof value === 'number' ? { N: String(value) } : { S: value }])) });
	await put({ imageId: 'usage#alice', owner: 'alice', blocked: 1, changes: 1, changedMs: 1, claimedBytes: 0, claimedImages: 0, reservedBytes: 0, pendingSlots: 0, firstMs: 1, seenMs: 1 });
	for (const list of ['users', 'blocked'])
		await put({ imageId: `${list}#alice`, owned: list, ownedOrder: 'alice' });
	await cloud.dynamo('UpdateItem', { TableName: 'ImageMetadata', Key: { imageId: { S: imageId } }, UpdateExpression: 'SET #owner = :alice, owned = :part, ownedOrder = :order',
		ExpressionAttributeNames: { '#owner': 'owner' }, ExpressionAttributeValues: { ':alice': { S: 'alice' }, ':part': { S: 'alice#0' }, ':order': { S: `0000000000000000001#${imageId}` } } });
	await sweep();
	for (const id of [imageId, 'usage#alice', 'users#alice', 'blocked#alice'])
		assert.equal(await itemOf(id), undefined, id);
	assert.deepEqual([await cloud.head(`images/${imageId}.jpg`), await thumbsOf(imageId)], [false, []]);
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

test('in a versioned bucket thumbnails leave no version', async () => {
	const { image: { imageId, links } } = await upload(photo);
	cloud.before = async one => {
		if (one.method === 'PUT' && one.uri.includes(`/thumbs/${imageId}`)) {
			cloud.before = async () => {};
			assert.equal((await json('DELETE', `/images/${imageId}`)).status, 204);
		}
	};
	assert.equal((await fetch(links.large.webp)).status, 404);
	const { text } = await cloud.request('GET', '/pictures', { query: { versions: '', prefix: `thumbs/${imageId}` } });
	assert.match(text, /<ListVersionsResult/);
	assert.ok(!text.includes(imageId + '/'), text);
});

test('in a versioned bucket what the sweep rejects leaves no version', async () => {
	const slot = await openAndPut('<html>');
	await makeDue(slot.imageId);
	assert.equal((await sweep()).rejected, 1);
	assert.ok(!(await cloud.request('GET', '/pictures', { query: { versions: '', prefix: slot.key } })).text.includes(`<Key>${slot.key}`));
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
};

/* Last, because it judges what the tests above have called. */
test('each function called what its role grants, and its role grants nothing else', async () => {
	const called = {};
	for (const call of cloud.calls())
		for (const action of actionsOf(call))
			(called[call.key] ??= new Set()).add(action);
	for (const [name, role] of Object.entries(ROLES)) {
		const wanted = granted[role].flatMap(one => one.Action).filter(action => !(action in UNCALLED));
		assert.deepEqual([...called[keys[name]]].sort(), wanted.sort(), role);
		assert.ok(!Object.keys(UNCALLED).some(action => called[keys[name]].has(action)), role);
	}
});
