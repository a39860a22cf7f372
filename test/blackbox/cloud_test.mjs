// `serve --store s3 --table dynamodb` on Ceph's gateway and dynalite: the complete cycle, with every way in which an upload is found;
// several servers on the same bucket and table; responses while these services are unreachable.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { startCloud } from '../cloud/cloud.mjs';
import { typeOf } from './support/contents.mjs';
import { startNginx } from './support/nginx.mjs';
import { freePort } from './support/port.mjs';
import { startReceiver, webhookEnv } from './support/receiver.mjs';
import { call, childEnv, corpus, eventually, fetchUrl, openSlot, postForm, program, putBytes, rawSocket, runProgram, startServer, tinyPng } from './support/server.mjs';

const engines = ['--store', 's3', '--table', 'dynamodb'];
const picture = { fileName: 'no exif.jpg', fileType: 'image/jpeg' };
let cloud, server;

/** A server on these engines; args come last and win. */
const serve = (args = [], env = {}) => startServer({ env: { ...cloud.env, ...env }, args: [...engines, ...args] });
const sweep = (...args) => runProgram(['sweep', ...engines, ...args], { env: cloud.env });
const keyOf = slot => decodeURIComponent(new URL(slot.fileUrl).pathname).replace(/^\/pictures\//, '');
const read = async (on, slot) => (await call(on, 'GET', `/images/${slot.imageId}`)).json;
const problem = (answer, status, code) => {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.headers.get('content-type'), 'application/problem+json');
	assert.equal(answer.json.code, code);
	assert.doesNotMatch(answer.text, /ECONN|refused|127\.0\.0\.1|DynamoDB|ceph|rgw|<Error>|Credential/i, 'no cause is shown');
};

before(async () => {
	cloud = await startCloud();
	for (const said of ['The table ImageMetadata is ready.\n', 'The table ImageMetadata is ready.\n']) {
		const made = await runProgram(['table', 'create'], { env: cloud.env });
		assert.equal(made.code, 0, made.stderr);
		assert.equal(made.stdout, said);
	}
	server = await serve();
});
after(async () => {
	await server?.stop();
	await cloud?.stop();
});

test('an image in one request is stored and verified, or leaves only the reason why not; no temporary file is left', async () => {
	const bytes = corpus('good/photo.jpg'), form = new FormData();
	form.append('file', new Blob([bytes]), 'cat.jpg');
	form.append('fileName', 'größer.jpg');
	const made = await call(server, 'POST', '/images', { body: form });
	assert.equal(made.status, 201, made.text);
	assert.deepEqual([made.json.status, made.json.fileName, made.json.receivedSize], ['uploaded', 'größer.jpg', bytes.length]);
	assert.equal((await fetchUrl(made.json.downloadUrl)).status, 200);
	assert.equal((await read(server, made.json)).etag, made.json.etag);
	const most = (await call(server, 'GET', '/limits')).json.maxFileSize;
	const largest = await call(server, 'POST', '/images', { body: Buffer.concat([bytes, Buffer.alloc(most - bytes.length)]) });
	assert.deepEqual([largest.status, largest.json.receivedSize, largest.json.fileSize], [201, most, made.json.fileSize]);
	assert.equal((await call(server, 'DELETE', `/images/${largest.json.imageId}`)).status, 204);
	problem(await call(server, 'POST', '/images', { body: bytes.subarray(0, 200) }), 409, 'image_rejected');
	problem(await call(server, 'POST', '/images', { body: 'no picture' }), 415, 'type_not_allowed');
	assert.equal((await call(server, 'DELETE', `/images/${made.json.imageId}`)).status, 204);
	const open = readdirSync(`/proc/${server.pid}/fd`).map(fd => { try { return readlinkSync(`/proc/${server.pid}/fd/${fd}`); } catch { return ''; } });
	assert.deepEqual(open.filter(name => name.startsWith(tmpdir()) && name.includes('(deleted)')), []);
});

test('an image that is sent again with its Idempotency-Key is the same one, also where storing it has failed in between', async t => {
	const key = 'correct-horse-battery-staple', bytes = corpus('good/photo.jpg');
	const own = await serve([], { TINTYPE_API_KEY: key });
	t.after(() => own.stop());
	const send = (name, body = bytes, on = own) => call(on, 'POST', '/images?onBehalfOf=ann', { key, body, headers: { 'Idempotency-Key': name } });
	const first = await send('one'), again = await send('one');
	assert.deepEqual([first.status, again.status, again.json.imageId], [201, 200, first.json.imageId]);
	problem(await send('one', Buffer.concat([bytes, Buffer.alloc(1)])), 422, 'key_reused');
	for (let i = 0; i < 2; i++)
		problem(await send('damaged', bytes.subarray(0, 200)), 409, 'image_rejected');
	const cut = await serve([], { TINTYPE_API_KEY: key, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${await freePort()}` });
	t.after(() => cut.stop());
	assert.equal((await send('failed', bytes, cut)).status, 502);
	await eventually(async () => (await call(own, 'GET', '/images?onBehalfOf=ann&status=pending', { key })).json.count === 1, { what: 'the row waits for its bytes' });
	const made = await send('failed');
	assert.equal(made.status, 201, made.text);
	assert.equal((await call(own, 'DELETE', `/images/${made.json.imageId}`, { key })).status, 204);
	problem(await send('failed'), 410, 'image_gone');
	assert.equal((await call(own, 'DELETE', `/images/${first.json.imageId}`, { key })).status, 204);
});

test('temporary files leave the reserve free: further images are refused, and taken again once there is room', async t => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-spool-')), mib = 1 << 20;
	const own = await startServer({ env: { ...cloud.env, TMPDIR: dir }, args: [...engines, '--reserve', String(8 * mib)],
		wrap: ['unshare', '-rm', 'sh', '-c', `mount -t tmpfs -o size=${12 * mib} none "$0" && exec "$@"`, dir] });
	t.after(async () => { await own.stop(); rmSync(dir, { recursive: true, force: true }); });
	const large = Buffer.concat([corpus('good/photo.jpg'), Buffer.alloc(2 * mib)]);
	const send = headers => call(own, 'POST', '/images', { body: large, headers });
	const began = await Promise.all(Array.from({ length: 3 }, () => rawSocket(own.api)));
	for (const raw of began)
		await raw.send(Buffer.concat([Buffer.from(`POST /prod/images HTTP/1.1\r\nHost: ${new URL(own.api).host}\r\nContent-Length: ${mib + 1}\r\n\r\n`), Buffer.alloc(mib)]));
	await eventually(async () => (await send()).status === 503, { what: 'what is being received leaves no room' });
	const refused = await send();
	problem(refused, 503, 'disk_full');
	assert.equal(refused.headers.get('retry-after'), '60');
	problem(await fetchUrl(`${own.api}/prod/images`, { method: 'POST', body: new Blob([large]).stream(), duplex: 'half' }), 503, 'disk_full');
	await Promise.all(began.map(raw => raw.end()));
	const made = await eventually(async () => { const answer = await send(); return answer.status === 201 && answer; }, { what: 'there is room again' });
	assert.equal((await call(own, 'DELETE', `/images/${made.json.imageId}`)).status, 204);
});

test('a call that waits is answered when the bytes are there, or rejected, though nobody completes the upload', async () => {
	for (const [bytes, status] of [[corpus('good/photo.jpg'), 'uploaded'], [Buffer.from('no picture'), 'rejected']]) {
		const slot = await openSlot(server, picture), answer = call(server, 'GET', `/images/${slot.imageId}?wait=25`);
		await eventually(async () => /^tintype_calls_waiting 1$/m.test((await fetchUrl(`${server.admin}/metrics`)).text), { what: 'it waits' });
		assert.equal((await putBytes(slot, bytes)).status, 200);
		assert.equal((await answer).json.status, status);
		assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`)).status, 204);
	}
});

test('the server runs without a storage listener and stores nothing locally', async () => {
	const work = mkdtempSync(path.join(tmpdir(), 'tintype-cloud-'));
	const own = await startServer({ data: work, env: cloud.env, args: engines });
	assert.equal(own.ready.storage, undefined);
	assert.equal(own.ready.data, undefined);
	assert.equal(own.ready.bucket, 'pictures');
	assert.equal(own.ready.table, 'ImageMetadata');
	assert.equal((await fetchUrl(`${own.admin}/readyz`)).status, 200);
	assert.equal((await fetchUrl(`${own.admin}/metrics`)).status, 200);
	await openSlot(own);
	assert.deepEqual(await own.stop(), { code: 0, signal: null });
	assert.deepEqual(readdirSync(work), []);
	assert.ok(!existsSync(own.data));
	assert.match(own.out, /bucket pictures on S3, table ImageMetadata on DynamoDB/);
	rmSync(work, { recursive: true });
});

test('the console shows the images that this table can list, any row by its id, the log without a file, and a history in memory', async () => {
	const token = (await eventually(() => /console .*\(token: ([0-9a-f]{32})\)/.exec(server.out), { what: 'the token' }))[1];
	const look = target => fetchUrl(`${server.admin}/console/${target}`, { headers: { Authorization: `Bearer ${token}` } });
	const waits = await openSlot(server, picture), slot = await openSlot(server, picture);
	await putBytes(slot, corpus('good/photo.jpg'));
	assert.equal((await call(server, 'POST', `/images/${slot.imageId}/complete`)).status, 200);
	assert.deepEqual((await look('images?status=uploaded&text=NO+EXIF')).json.images.map(row => row.imageId), [slot.imageId]);
	for (const status of ['all', 'pending', 'rejected']) {
		const answer = await look(`images?status=${status}`);
		assert.equal(answer.status, 409);
		assert.equal(answer.json.code, 'not_here');
		assert.match(answer.json.detail, /uploaded images only/);
	}
	assert.equal((await look(`images?text=${waits.imageId}`)).json.images[0].status, 'pending');
	assert.equal((await look(`images/${waits.imageId}`)).json.fileName, picture.fileName);
	await eventually(async () => (await look(`logs?text=${slot.imageId}`)).json.lines.length > 0, { what: 'a line of the log' });
	const { kept, points } = (await look('history')).json;
	assert.equal(kept, 'memory');
	assert.ok(points.some(({ api }) => api > 0));   // the newest may have begun just now
	for (const id of [waits.imageId, slot.imageId])
		assert.equal((await call(server, 'DELETE', `/images/${id}`)).status, 204);
});

test('slot, PUT to S3, complete, list, get, download, delete', async () => {
	const slot = await openSlot(server, { ...picture, fileSize: corpus('good/photo.jpg').length });
	assert.match(slot.uploadUrl, new RegExp(`^${cloud.url}/pictures/images/${slot.imageId}\\.jpg\\?`));
	assert.match(slot.uploadUrl, /%2Feu-west-1%2Fs3%2Faws4_request/, 'the region is AWS_REGION');
	assert.deepEqual(slot.headers, { 'Content-Type': 'image/jpeg', 'If-None-Match': '*' });
	problem(await call(server, 'POST', `/images/${slot.imageId}/complete`), 409, 'not_arrived');
	assert.equal((await read(server, slot)).status, 'pending');
	assert.equal((await putBytes(slot, corpus('good/photo.jpg'))).status, 200);

	const done = await call(server, 'POST', `/images/${slot.imageId}/complete`);
	assert.equal(done.status, 200, done.text);
	assert.equal(done.json.status, 'uploaded');
	assert.equal(done.json.fileSize, corpus('good/photo.jpg').length);
	assert.ok(done.json.width > 0 && done.json.height > 0);
	assert.deepEqual((await call(server, 'POST', `/images/${slot.imageId}/complete`)).json.uploadedAt, done.json.uploadedAt, 'once more is the same');

	const listed = (await call(server, 'GET', '/images')).json.images.find(one => one.imageId === slot.imageId);
	assert.equal(listed.fileName, 'no exif.jpg');
	const file = await call(server, 'GET', `/images/${slot.imageId}/file`);
	assert.equal(file.status, 302);
	assert.deepEqual((await fetchUrl(file.headers.get('location'))).bytes, corpus('good/photo.jpg'));

	const gone = await call(server, 'DELETE', `/images/${slot.imageId}`, { headers: { 'X-Delete-Token': slot.deleteToken } });
	assert.equal(gone.status, 204, gone.text);
	assert.ok(!await cloud.head(keyOf(slot)));
	problem(await call(server, 'GET', `/images/${slot.imageId}`), 404, 'no_such_image');
	assert.ok(!(await call(server, 'GET', '/images')).json.images.some(one => one.imageId === slot.imageId));
});

test('delivery links are served by the API listener, and behind a cache S3 is asked once for a picture', async () => {
	const port = await freePort(), key = 'the key of the delivery test';
	const own = await serve(['--delivery-url', `http://127.0.0.1:${port}`], { TINTYPE_API_KEY: key });
	const nginx = await startNginx(own.api, port);
	const asked = id => cloud.calls().filter(one => one.service === 's3' && one.method === 'GET' && one.uri.includes(id)).length;
	try {
		for (const visibility of ['private', 'public']) {
			const slot = await openSlot(own, { visibility }, { key });
			assert.equal((await putBytes(slot, tinyPng)).status, 200);
			const { json: image } = await call(own, 'POST', `/images/${slot.imageId}/complete`, { key });
			assert.equal(image.visibility, visibility);
			const link = image.links.original, direct = link.replace(nginx.url, own.api), before = asked(image.imageId);
			for (const cache of ['MISS', 'HIT', 'HIT']) {
				const shown = await fetchUrl(link);
				assert.equal(shown.status, 200, shown.text);
				assert.equal(shown.headers.get('x-cache'), cache);
				assert.ok(shown.bytes.equals(tinyPng));
				for (const [name, value] of [['etag', `"${image.etag}"`], ['content-type', 'image/png'], ['x-content-type-options', 'nosniff'], ['vary', null]])
					assert.equal(shown.headers.get(name), value, name);
			}
			assert.equal(asked(image.imageId), before + 1);
			assert.equal((await fetchUrl(direct, { method: 'HEAD' })).headers.get('content-length'), String(tinyPng.length));
			assert.equal((await fetchUrl(direct, { headers: { 'If-None-Match': `"${image.etag}"` } })).status, 304);
			assert.equal(asked(image.imageId), before + 1, 'HEAD and 304 need no bytes');
			assert.equal((await fetchUrl(direct, { headers: { Range: 'bytes=1-3' } })).text, 'PNG');
			const changed = await call(own, 'PATCH', `/images/${image.imageId}`, { key, json: { visibility: visibility === 'public' ? 'private' : 'public' } });
			assert.equal(changed.status, 200, changed.text);
			assert.equal((await fetchUrl(direct)).status, visibility === 'public' ? 404 : 200);
			assert.equal((await call(own, 'DELETE', `/images/${image.imageId}`, { key })).status, 204);
			problem(await fetchUrl(direct), 404, 'no_such_image');
		}
	} finally {
		await nginx.stop();
		await own.stop();
	}
});

test('reading a pending image verifies bytes that have arrived, by PUT and by form', async () => {
	const put = await openSlot(server), form = await openSlot(server, { method: 'POST' });
	assert.equal((await putBytes(put, tinyPng)).status, 200);
	const sent = await postForm(form, tinyPng, { fileType: 'image/png' });
	assert.ok(sent.status === 204 || sent.status === 200 || sent.status === 201, `${sent.status} ${sent.text}`);
	for (const slot of [put, form]) {
		const image = await read(server, slot);
		assert.equal(image.status, 'uploaded');
		assert.equal(image.width, 1);
	}
	const file = await openSlot(server);
	assert.equal((await putBytes(file, tinyPng)).status, 200);
	assert.equal((await call(server, 'GET', `/images/${file.imageId}/file`)).status, 302);
});

test('an image that is read continuously is checked once a second', async () => {
	const slot = await openSlot(server), began = Date.now();
	let reads = 1;
	assert.equal((await read(server, slot)).status, 'pending');
	assert.equal((await putBytes(slot, tinyPng)).status, 200);
	await eventually(async () => ++reads && (await read(server, slot)).status !== 'pending', { everyMs: 1, what: 'the verdict' });
	const looks = cloud.calls().filter(one => one.service === 's3' && ['GET', 'HEAD'].includes(one.method) && one.uri.includes(slot.imageId)).length;
	assert.ok(looks >= 2 && looks <= 2 + (Date.now() - began) / 1000, `${looks} looks for ${reads} reads in ${Date.now() - began} ms`);
});

test('bytes that do not match the declared type are rejected, and their object is deleted', async () => {
	for (const confirm of [slot => call(server, 'POST', `/images/${slot.imageId}/complete`), slot => call(server, 'GET', `/images/${slot.imageId}`)]) {
		const slot = await openSlot(server, { fileType: 'image/jpeg', fileName: 'liar.jpg' });
		assert.equal((await putBytes(slot, tinyPng)).status, 200);
		const { json } = await confirm(slot);
		assert.equal(json.status, 'rejected');
		assert.match(json.reason, /image\/png/);
		assert.ok(!await cloud.head(keyOf(slot)));
	}
});

test('what can identify a person is removed from the object before anybody gets a link', async () => {
	const photo = corpus('good/private.jpg'), slots = [];
	for (const confirm of [slot => call(server, 'POST', `/images/${slot.imageId}/complete`), slot => call(server, 'GET', `/images/${slot.imageId}`)]) {
		const slot = await openSlot(server, picture);
		assert.equal((await putBytes(slot, photo)).status, 200);
		const { json } = await confirm(slot), bytes = (await fetchUrl(json.downloadUrl)).bytes;
		assert.deepEqual([json.status, json.stripped, json.receivedSize, json.fileSize, json.etag],
			['uploaded', true, photo.length, bytes.length, createHash('md5').update(bytes).digest('hex')]);
		assert.ok(json.removed.includes('exif') && photo.includes('SECRET') && !bytes.includes('SECRET'));
		slots.push([slot, json]);
	}
	// Asked again, nothing is written again.
	const puts = () => cloud.calls().filter(one => one.service === 's3' && one.method === 'PUT').length, before = puts();
	for (const [slot, json] of slots) {
		const { json: again } = await call(server, 'POST', `/images/${slot.imageId}/complete`);
		assert.deepEqual([again.etag, again.receivedSize, again.removed], [json.etag, json.receivedSize, json.removed]);
	}
	assert.equal(puts(), before);
});

// As an older version stored them: neither decoded nor stripped.
test('reverify --strip works through what was stored before, next to a server, and goes on where it was killed', async () => {
	const plain = await serve(['--verify', 'header', '--no-strip']), sent = new Map();
	try {
		for (const name of ['private.jpg', 'private.png', 'private.gif', 'private.webp', 'private-thumbnail.jpg', 'private-progressive.jpg']) {
			const slot = await openSlot(plain, { fileName: name, fileType: typeOf(name) }), bytes = corpus(`good/${name}`);
			assert.equal((await putBytes(slot, bytes)).status, 200);
			assert.equal((await call(plain, 'POST', `/images/${slot.imageId}/complete`)).json.status, 'uploaded');
			sent.set(slot.imageId, bytes);
		}
	} finally {
		await plain.stop();
	}
	const list = async () => (await call(server, 'GET', '/images?limit=100')).json.images.filter(one => sent.has(one.imageId));
	const earlier = await list(), args = ['reverify', ...engines, '--strip', '--rate'];
	for (const image of earlier)
		assert.deepEqual([image.verified, image.stripped, image.links?.original], [false, false, undefined], image.fileName);
	const first = spawn(program(), [...args, '4'], { env: childEnv(cloud.env), stdio: 'ignore' });
	await eventually(async () => (await list()).some(one => one.stripped), { what: 'an image that is stripped' });
	first.kill('SIGKILL');
	await once(first, 'close');
	const run = await runProgram([...args, '1000'], { env: cloud.env });
	assert.equal(run.code, 0, run.stderr);
	const now = await list();
	assert.deepEqual(now.map(one => [one.imageId, one.uploadedAt]), earlier.map(one => [one.imageId, one.uploadedAt]), 'the order of the list');
	for (const image of now) {
		const { bytes } = await fetchUrl(image.downloadUrl);
		assert.deepEqual([image.verified, image.stripped, image.receivedSize, image.fileSize, image.etag],
			[true, true, sent.get(image.imageId).length, bytes.length, createHash('md5').update(bytes).digest('hex')], image.fileName);
		assert.ok(!bytes.includes('SECRET') && image.placeholder, image.fileName);
		if (image.links)
			assert.deepEqual((await fetchUrl(image.links.original)).bytes, bytes);
	}
	const puts = cloud.calls().filter(one => one.service === 's3' && one.method === 'PUT').length;
	assert.equal((await runProgram([...args, '1000'], { env: cloud.env })).code, 0);
	assert.equal(cloud.calls().filter(one => one.service === 's3' && one.method === 'PUT').length, puts, 'nothing is left to do');
	for (const id of sent.keys())
		assert.equal((await call(server, 'DELETE', `/images/${id}`)).status, 204);
});

test('the sweep verifies missed uploads and deletes orphaned objects', async () => {
	const slot = await openSlot(server), lost = 'images/5c5b8a54-7c5a-4d0e-9d4e-2b8c1f3a6e70.png';
	assert.equal((await putBytes(slot, tinyPng)).status, 200);
	assert.equal((await cloud.put(lost, tinyPng)).status, 200);
	assert.equal((await cloud.put('elsewhere/kept.png', tinyPng)).status, 200);
	const first = await sweep();
	assert.equal(first.code, 0, first.stderr);
	assert.match(first.stdout, /^ended 0, forgotten 0, confirmed [1-9]\d*, rejected 0, orphans 0, copies 0\n$/);   // recent ones are checked again, as clocks differ
	assert.ok(await cloud.head(lost), 'a young one may have a row soon');
	assert.ok((await call(server, 'GET', '/images')).json.images.some(one => one.imageId === slot.imageId));
	await eventually(async () => /orphans 1, /.test((await sweep('--orphan-ttl', '1')).stdout), { everyMs: 200, what: 'the orphan' });
	assert.ok(!await cloud.head(lost));
	assert.ok(await cloud.head(keyOf(slot)) && await cloud.head('elsewhere/kept.png'));
});

test('a server runs the sweep by itself', async () => {
	const lost = 'images/6d6c9b65-8d6b-4e1f-8e5f-3c9d2a4b7f81.png';
	const own = await serve(['--sweep-interval', '1', '--orphan-ttl', '1', '--url-ttl', '1', '--pending-ttl', '1']);
	try {
		const empty = await openSlot(own), full = await openSlot(own);
		assert.equal((await putBytes(full, tinyPng)).status, 200);
		assert.equal((await cloud.put(lost, tinyPng)).status, 200);
		await eventually(async () => !await cloud.head(lost), { everyMs: 200, what: 'the end of the orphan' });
		await eventually(async () => (await call(own, 'GET', `/images/${empty.imageId}`)).status === 404, { everyMs: 200, what: 'the end of the slot' });
		const images = await eventually(async () => (await call(own, 'GET', '/images')).json.images, { what: 'a list' });
		assert.ok(images.some(one => one.imageId === full.imageId), 'found without that anybody asked');
	} finally {
		await own.stop();
	}
});

test('webhooks of several servers: each event is delivered once, and what a killed server leaves behind by another', async () => {
	const receiver = await startReceiver({}), one = await serve([], webhookEnv(receiver)), two = await serve([], webhookEnv(receiver));
	try {
		const slots = [];
		for (const on of [one, two]) {
			const slot = await openSlot(on, picture), bad = await openSlot(on, picture);
			await putBytes(slot, corpus('good/photo.jpg'));
			await putBytes(bad, Buffer.from('no picture'));
			for (const { imageId } of [slot, bad])
				await call(on, 'POST', `/images/${imageId}/complete`);
			assert.equal((await call(on === one ? two : one, 'DELETE', `/images/${slot.imageId}`)).status, 204);
			slots.push(slot, bad);
		}
		await receiver.waitFor(6);
		const told = receiver.events().map(event => `${event.type} ${slots.findIndex(slot => slot.imageId === event.data.imageId)} ${event.data.status}`);
		assert.deepEqual(told.sort(), ['image.deleted 0 uploaded', 'image.deleted 2 uploaded', 'image.rejected 1 rejected', 'image.rejected 3 rejected', 'image.uploaded 0 uploaded', 'image.uploaded 2 uploaded']);
		assert.deepEqual([receiver.faults, receiver.requests.length], [[], 6], 'each once');

		receiver.answer = () => {};   /* it is killed before there is an answer */
		const left = await openSlot(one);
		assert.equal((await call(one, 'DELETE', `/images/${left.imageId}`)).status, 204);
		await receiver.waitFor(7);
		await one.kill();
		receiver.answer = (request, response) => response.writeHead(204).end();
		const [{ imageId }] = (await cloud.dynamo('Scan', { TableName: 'ImageMetadata' })).Items.filter(item => item.imageId.S.startsWith('event#'));
		await cloud.dynamo('UpdateItem', { TableName: 'ImageMetadata', Key: { imageId }, UpdateExpression: 'SET dueMs = :one, dueOrder = :order', ExpressionAttributeValues: { ':one': { N: '1' }, ':order': { S: `0000000000000000001#${imageId.S}` } } });
		const last = await openSlot(two);   /* so that the other one looks at the table now */
		assert.equal((await call(two, 'DELETE', `/images/${last.imageId}`)).status, 204);
		await eventually(() => receiver.requests.length === 9, { what: 'both events' });
		const again = receiver.requests.filter(request => request.event.data.imageId === left.imageId);
		assert.deepEqual([again.length, again[0].id, again[0].text], [2, again[1].id, again[1].text]);
		await eventually(async () => /^tintype_webhooks\{state="waiting"\} 0$/m.test((await fetchUrl(`${two.admin}/metrics`)).text), { what: 'nothing waits' });
	} finally {
		await one.stop();
		await two.stop();
		await receiver.stop();
	}
});

test('an item of the table that is no event is set aside and counted, and the webhooks behind it are sent', async () => {
	const item = { imageId: { S: 'event#0000000000000001' }, due: { S: 'events#0' }, dueOrder: { S: '0000000000000000001#event#0000000000000001' } };
	await cloud.dynamo('PutItem', { TableName: 'ImageMetadata', Item: item });
	const receiver = await startReceiver({}), own = await serve([], webhookEnv(receiver));
	try {
		await own.waitForEvent(line => line.event === 'events.unreadable' && line.item === 'event#0000000000000001');
		const slot = await openSlot(own);
		assert.equal((await call(own, 'DELETE', `/images/${slot.imageId}`)).status, 204);
		await receiver.waitFor(1);
		const [, token] = await eventually(() => /console .*\(token: ([0-9a-f]{32})\)/.exec(own.out), { what: 'the token' }), headers = { Authorization: `Bearer ${token}` };
		const state = async () => (await fetchUrl(`${own.admin}/console/webhooks`, { headers })).json;
		await eventually(async () => (await state()).waiting === 0, { what: 'nothing waits' });
		const { unreadable, failed, webhooks } = await state();
		assert.deepEqual([unreadable, failed, webhooks], [1, 0, []]);
		await eventually(async () => /^tintype_webhooks\{state="unreadable"\} 1$/m.test((await fetchUrl(`${own.admin}/metrics`)).text), { what: 'the metric' });
		const resent = await fetchUrl(`${own.admin}/console/webhooks/resend?state=failed`, { method: 'POST', headers });
		assert.deepEqual([resent.status, resent.json], [200, { resent: 1 }]);
		await eventually(() => own.events('events.unreadable').length === 2, { what: 'that it is looked at again' });
	} finally {
		await cloud.dynamo('DeleteItem', { TableName: 'ImageMetadata', Key: { imageId: item.imageId } });
		await own.stop();
		await receiver.stop();
	}
});

test('two servers on the same bucket and table see each other\'s images', async () => {
	const other = await serve();
	try {
		const slot = await openSlot(server);
		assert.equal((await putBytes(slot, tinyPng)).status, 200);
		assert.equal((await call(other, 'POST', `/images/${slot.imageId}/complete`)).json.status, 'uploaded');
		assert.equal((await read(server, slot)).status, 'uploaded');
		for (const one of [server, other])
			assert.ok((await call(one, 'GET', '/images')).json.images.some(image => image.imageId === slot.imageId));
		const gone = await call(other, 'DELETE', `/images/${slot.imageId}`, { headers: { 'X-Delete-Token': slot.deleteToken } });
		assert.equal(gone.status, 204);
		problem(await call(server, 'GET', `/images/${slot.imageId}`), 404, 'no_such_image');
	} finally {
		await other.stop();
	}
});

test('the command line uploads, lists and fetches through a server without a store of its own', async () => {
	const work = mkdtempSync(path.join(tmpdir(), 'tintype-cloud-')), file = path.join(work, 'tiny.png');
	const run = (...args) => runProgram([...args, '--endpoint', server.api], { cwd: work });
	writeFileSync(file, tinyPng);
	const sent = await run('upload', file), [id] = /[0-9a-f-]{36}/.exec(sent.stdout);
	assert.equal(sent.code, 0, sent.stderr);
	assert.match((await run('list')).stdout, new RegExp(`^${id} .*1x1`, 'm'));
	rmSync(file);
	const got = await run('get', id);
	assert.equal(got.code, 0, got.stderr);
	assert.deepEqual(readFileSync(file), tinyPng);
	rmSync(work, { recursive: true });
});

test('64 clients get their slots at the same time, each its own', async () => {
	const slots = await Promise.all(Array.from({ length: 64 }, () => openSlot(server)));
	assert.equal(new Set(slots.map(slot => slot.imageId)).size, 64);
	for (const slot of slots.slice(0, 4))
		assert.equal((await read(server, slot)).status, 'pending');
});

test('with require-size a slot requires fileSize; by default an upload URL can be used once', async () => {
	assert.equal((await runProgram(['table', 'create', '--region', 'us-west-2'], { env: cloud.env })).code, 0);
	const own = await serve(['--require-size', '--region', 'us-west-2']);
	try {
		const answer = await call(own, 'POST', '/upload', { json: { fileName: 'a.png', fileType: 'image/png' } });
		problem(answer, 400, 'bad_field');
		assert.match(answer.json.detail, /fileSize is missing/);
		const slot = await openSlot(own, { fileSize: tinyPng.length });
		assert.deepEqual(slot.headers, { 'Content-Type': 'image/png', 'If-None-Match': '*' });
		assert.match(slot.uploadUrl, /%2Fus-west-2%2Fs3%2F/, 'a flag wins over AWS_REGION');
		assert.match(slot.uploadUrl, /SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bif-none-match/);
		assert.equal((await putBytes(slot, tinyPng)).status, 200);
		assert.equal((await read(own, slot)).status, 'uploaded');
	} finally {
		await own.stop();
	}
});

test('unreachable services are reported without the cause, which is logged, and are used again when they are back', async () => {
	const away = await cloud.listen();
	const own = await startServer({ env: { ...cloud.env, AWS_ENDPOINT_URL_S3: away.url }, args: engines });
	try {
		const slot = await openSlot(own);
		assert.equal((await fetchUrl(`${own.admin}/readyz`)).status, 200);
		await away.stop();
		problem(await call(own, 'POST', `/images/${slot.imageId}/complete`), 502, 'upstream_failed');
		await own.waitForEvent(e => e.event === 'request.failed' && /connect/.test(`${e.text} ${e.cause}`));
		assert.equal((await read(own, slot)).status, 'pending', 'what is in the table is still returned');
		const ready = await fetchUrl(`${own.admin}/readyz`);
		assert.equal(ready.status, 503);
	} finally {
		await own.stop();
	}
	const cut = await startCloud({ bucket: null });
	const tableless = await startServer({ env: { ...cloud.env, AWS_ENDPOINT_URL_DYNAMODB: cut.url }, args: engines });
	try {
		problem(await call(tableless, 'POST', '/upload', { json: { fileName: 'a.png', fileType: 'image/png' } }), 502, 'upstream_failed');
		assert.equal((await fetchUrl(`${tableless.admin}/readyz`)).status, 503, 'there is no table');
		assert.equal((await runProgram(['table', 'create'], { env: cut.env })).code, 0);
		assert.equal((await fetchUrl(`${tableless.admin}/readyz`)).status, 200);
		await openSlot(tableless);
	} finally {
		await tableless.stop();
		await cut.stop();
	}
});

test('only one of store and table on AWS, and unsupported verbs, are refused with an error message', async () => {
	for (const args of [['--store', 's3'], ['--table', 'dynamodb']])
		for (const verb of ['serve', 'sweep']) {
			const run = await runProgram([verb, ...args], { env: cloud.env });
			assert.equal(run.code, 2);
			assert.match(run.stderr, /--store s3 and --table dynamodb or postgres:\/\/\.\.\. go together/);
		}
	const storage = await runProgram(['serve', '--storage='], {});
	assert.equal(storage.code, 2);
	assert.match(storage.stderr, /--storage must be HOST:PORT/);
	assert.equal((await runProgram(['table', 'drop'], { env: cloud.env })).code, 2);
	const keyless = await runProgram(['sweep', ...engines], { env: { ...cloud.env, AWS_ACCESS_KEY_ID: null, AWS_SECRET_ACCESS_KEY: null } });
	assert.equal(keyless.code, 1);
	assert.match(keyless.stderr, /^tintype sweep: .*credentials/im);
});
