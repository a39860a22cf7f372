// `tintype fsck --store s3 --table dynamodb` on Ceph's gateway and dynalite: what is found in bucket and table, what a repair does about it,
// and no false alarm while clients upload and delete.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';

import { startCloud } from '../cloud/cloud.mjs';
import { call, corpus, eventually, runProgram, startServer } from './support/server.mjs';

const engines = ['--store', 's3', '--table', 'dynamodb'], photo = corpus('good/photo.jpg');
let cloud, server;

async function fsck(...args) {
	const run = await runProgram(['fsck', ...engines, '--json', '--orphan-ttl', '1', ...args], { env: cloud.env });
	const lines = run.stdout.trim().split('\n').filter(Boolean).map(line => JSON.parse(line));
	const words = state => lines.filter(l => l.state === state).map(l => `${l.kind} ${l.subject}`).sort();
	return { ...run, counts: lines.at(-1), found: words('found'), repaired: words('repaired'), left: words('left') };
}

async function upload(bytes = photo) {
	const made = await call(server, 'POST', '/images', { body: bytes });
	assert.equal(made.status, 201, made.text);
	return made.json;
}
const record = async image => (await call(server, 'GET', `/images/${image.imageId}`)).json;
const keyOf = image => decodeURIComponent(new URL(image.downloadUrl).pathname).replace('/pictures/', '');

before(async () => {
	cloud = await startCloud();
	assert.equal((await runProgram(['table', 'create'], { env: cloud.env })).code, 0);
	server = await startServer({ env: cloud.env, args: [...engines, '--sweep-interval', '3600'] });
});
after(async () => {
	await server?.stop();
	await cloud?.stop();
});

test('each kind of damage is found, and repaired', async () => {
	const whole = await upload(), gone = await upload(), replaced = await upload(), flipped = await upload(corpus('good/private.jpg')), rejected = await upload();
	const clean = await fsck();
	assert.deepEqual([clean.found, clean.code, clean.stderr], [[], 0, '']);
	assert.deepEqual([clean.counts.images, clean.counts.objects, clean.counts.unhashed], [5, 5, 0]);
	const other = Buffer.from(photo);
	other[other.length >> 1] ^= 1;
	const orphan = `images/${randomUUID()}.jpg`, thumb = `thumbs/${randomUUID()}/grid.jpg`;
	assert.ok((await cloud.request('DELETE', `/pictures/${keyOf(gone)}`)).status < 300);
	for (const [key, body] of [[keyOf(replaced), other], [keyOf(flipped), Buffer.concat([corpus('good/private.jpg').subarray(0, 300), Buffer.alloc(100)])],
		[orphan, photo], [thumb, photo]])
		assert.equal((await cloud.put(key, body)).status, 200);
	await cloud.dynamo('UpdateItem', { TableName: 'ImageMetadata', Key: { imageId: { S: rejected.imageId } }, UpdateExpression: 'SET #s = :r',
		ExpressionAttributeNames: { '#s': 'status' }, ExpressionAttributeValues: { ':r': { S: 'rejected' } } });
	const all = [`object_missing ${gone.imageId}`, `object_changed ${replaced.imageId}`, `object_changed ${flipped.imageId}`, `object_orphan ${orphan}`,
		`thumbnail_orphan ${thumb}`, `object_rejected ${keyOf(rejected)}`];
	const found = await eventually(async () => { const run = await fsck(); return run.found.some(one => one.startsWith('object_orphan')) && run; }, { what: 'the orphan is old enough' });
	all.push(...found.found.filter(one => one.startsWith(`thumbnail_orphan thumbs/${rejected.imageId}/`)));
	all.sort();
	assert.deepEqual([found.found, found.code, found.stderr], [all, 1, '']);
	const repair = await fsck('--repair');
	assert.deepEqual([repair.found, repair.repaired, repair.left, repair.code, repair.stderr], [all, all, [], 1, '']);
	assert.equal(repair.counts.repaired, all.length);
	assert.deepEqual([(await record(gone)).verdict, (await record(gone)).damage], ['corrupt', 'object_missing']);
	assert.deepEqual([(await record(replaced)).status, (await record(replaced)).receivedSize], ['uploaded', other.length], 'what is there was verified');
	assert.notEqual((await record(replaced)).etag, replaced.etag);
	assert.equal((await record(flipped)).status, 'rejected');
	assert.equal((await record(whole)).verdict, 'ok');
	for (const key of [orphan, thumb, keyOf(rejected), keyOf(flipped)])
		assert.equal(await cloud.head(key), false, key);
	const after = await fsck();
	assert.deepEqual([after.found, after.counts.marked, after.code], [[], 1, 0]);
	assert.equal((await cloud.put(keyOf(gone), photo)).status, 200);
	const back = await fsck('--repair');
	assert.deepEqual([back.found, back.repaired], [[`object_back ${gone.imageId}`], [`object_back ${gone.imageId}`]]);
	assert.equal((await record(gone)).damage, undefined);
});

test('while clients upload and delete, nothing is found', async () => {
	let stop = false, deletes = 0;
	const client = async n => {
		while (!stop) {
			const images = [await upload(), await upload(corpus(`good/${['private', 'animated', 'gray'][n]}.${['jpg', 'webp', 'png'][n]}`))];
			assert.equal((await call(server, 'DELETE', `/images/${images[deletes++ % 2].imageId}`)).status, 204);
		}
	};
	const clients = [0, 1, 2].map(client), runs = [];
	try {
		for (let i = 0; i < 3; i++) {
			const run = await fsck(), before = deletes;
			runs.push([run.found, run.code, run.stderr]);
			await eventually(() => deletes > before, { what: 'they go on' });
		}
	} finally {
		stop = true;
		await Promise.all(clients);
	}
	assert.deepEqual(runs, [[[], 0, ''], [[], 0, ''], [[], 0, '']]);
});

test('a bucket or a table that cannot be reached is no finding: it could not be done', async () => {
	const run = await runProgram(['fsck', ...engines], { env: { ...cloud.env, BUCKET_NAME: 'elsewhere' } });
	assert.deepEqual([run.code, run.stdout], [2, '']);
	assert.match(run.stderr, /^tintype fsck: /);
});
