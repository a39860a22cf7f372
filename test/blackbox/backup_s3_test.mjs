// `tintype backup s3://BUCKET/PREFIX` on Ceph's gateway and on the storage listener of another server: incremental, locked by conditional
// writes, continued after S3 was down, restored and served; and what is deleted at the server while a backup runs stays until it has ended.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';

import { startCloud } from '../cloud/cloud.mjs';
import { png } from './support/png.mjs';
import { s3 } from './support/s3.mjs';
import { filled, MIB, startStore } from './support/s3_faults.mjs';
import { call, childEnv, credentials, fetchUrl, program, runProgram, startServer, uploadImage } from './support/server.mjs';

const work = mkdtempSync(path.join(tmpdir(), 'tintype-backup-s3-')), to = 's3://pictures/daily/one';
const images = new Map();   // imageId -> bytes
const large = filled(17 * MIB, 1);
let server, cloud;

const backup = (...args) => runProgram(['backup', '--data', server.data, ...args], { env: cloud.env });
const restore = (...args) => runProgram(['restore', ...args], { env: cloud.env });
const stored = () => readdirSync(path.join(server.data, 'objects'), { recursive: true, withFileTypes: true }).filter(e => e.isFile()).length;
const keys = async (prefix = 'daily/one/') => [...(await cloud.request('GET', '/pictures', { query: { 'list-type': '2', prefix } })).text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(m => m[1]);

function ends(run, code, said) {
	assert.equal(run.code, code, run.stdout + run.stderr);
	assert.match(run.stdout + run.stderr, said);
}

async function add() {
	const bytes = png(90, 90, { noise: true }), { slot } = await uploadImage(server, { bytes });
	images.set(slot.imageId, bytes);
	return slot.imageId;
}

/** Restore, and compare everything. */
async function compare(name, from, env = cloud.env) {
	const data = path.join(work, name);
	mkdirSync(data);
	ends(await runProgram(['restore', from, '--data', path.join(data, 'data')], { env }), 0, /restored to/);
	const copy = await startServer({ data, args: ['--no-strip'] });
	try {
		for (const [id, bytes] of images)
			assert.ok(bytes.equals((await fetchUrl((await call(copy, 'GET', `/images/${id}`)).json.downloadUrl)).bytes), id);
		assert.ok(large.equals((await s3(copy, 'GET', '/things/large', { who: credentials(copy).tintype })).bytes));
	} finally {
		await copy.stop();
	}
}

before(async () => {
	cloud = await startCloud();
	mkdirSync(path.join(work, 'source'));
	server = await startServer({ data: path.join(work, 'source'), args: ['--no-strip'] });
	for (let i = 0; i < 5; i++)
		await add();
	for (const [at, body] of [['/things', ''], ['/things/large', large]])
		assert.equal((await s3(server, 'PUT', at, { who: credentials(server).tintype, body })).status, 200);
});
after(async () => {
	await server?.stop();
	await cloud?.stop();
	rmSync(work, { recursive: true, force: true });
});

test('a bucket takes backups as a directory does', async () => {
	ends(await backup(to, '--secrets'), 0, /: 6 objects, \d+ bytes; 6 new/);
	await add();
	const had = await keys();
	ends(await backup(to, '--secrets'), 0, /: 7 objects, \d+ bytes; 1 new/);
	const more = (await keys()).filter(key => !had.includes(key));
	assert.equal(more.filter(key => key.includes('/objects/')).length, 1);
	assert.equal((await restore(to, '--list')).stdout.trim().split('\n').length, 2);
	ends(await restore(to, '--check'), 0, /7 objects, \d+ bytes, all verified/);
	await compare('whole', to);
	assert.ok(!(await keys()).includes('daily/one/lock'));
	assert.ok(!existsSync(path.join(server.data, 'backup.database')));
});

test('what is deleted while it runs is in it, and its file goes when it has ended', async () => {
	const restart = async () => {   // a start empties the trash before it serves
		await server.stop();
		server = await startServer({ data: path.join(work, 'source'), args: ['--no-strip'] });
	};
	const id = await add();
	await restart();   // no file is on its way
	const n = stored();
	let answer, left;
	cloud.before = async ({ method, uri }) => {
		if (method !== 'PUT' || !uri.includes('/objects/') || answer)
			return;
		answer = await call(server, 'DELETE', `/images/${id}`);
		await restart();
		left = stored();
	};
	const run = await backup(to);
	cloud.before = async () => {};
	ends(run, 0, /: 8 objects.*; 1 new/);
	assert.deepEqual([answer.status, left], [204, n]);
	await compare('with the deleted one', to);
	images.delete(id);
	await restart();
	assert.equal(stored(), n - 1);
});

test('while S3 is down it fails, the last one stays whole, and the next goes on', async () => {
	for (let i = 0; i < 12; i++)
		await add();
	let puts = 0;
	cloud.before = async ({ method, uri }) => {
		if (method === 'PUT' && uri.includes('/objects/') && ++puts > 4)
			throw new Error('S3 is down');
	};
	const failed = await backup(to);
	cloud.before = async () => {};
	ends(failed, 1, /^tintype backup: /);
	ends(await restore(to, '--check'), 0, /8 objects/);
	const run = await backup(to);
	ends(run, 0, /: 19 objects/);
	assert.ok(Number(/(\d+) new/.exec(run.stdout)[1]) <= 8, run.stdout);
	await compare('after it was down', to);
});

test('a signal ends it, and gives back hold and lock', async () => {
	await add();
	let child;
	cloud.before = async ({ method, uri }) => {
		if (method === 'PUT' && uri.includes('/objects/'))
			child.kill('SIGTERM');
	};
	child = spawn(program(), ['backup', to, '--data', server.data], { env: childEnv(cloud.env), stdio: ['ignore', 'ignore', 'pipe'] });
	const said = text(child.stderr), [code] = await once(child, 'close');
	cloud.before = async () => {};
	assert.equal(code, 1);
	assert.equal(await said, 'tintype backup: It was stopped; run it again to go on.\n');
	assert.ok(!existsSync(path.join(server.data, 'backup.lease')) && !existsSync(path.join(server.data, 'backup.database')));
	ends(await backup(to), 0, /: 20 objects.*; 0 new/);
});

test('two at once are refused, and the lock of one that was killed ends', async () => {
	const lock = (who, ends) => cloud.put('daily/one/lock', `${who} ${new Date(ends).toISOString()}\n`);
	const later = Date.now() + 300000;
	await lock('0b8bd1b5-7a54-4c5b-8a5d-a7b7a6f0a001', later);
	ends(await backup(to), 1, new RegExp(`Another backup to this place is running, or was killed: wait until ${new Date(later).toISOString()}`));
	await lock('0b8bd1b5-7a54-4c5b-8a5d-a7b7a6f0a001', Date.now() - 1000);
	ends(await backup(to), 0, /; 0 new/);
	await cloud.put('daily/one/lock', 'no lock');
	ends(await backup(to), 0, /; 0 new/);
	assert.ok(!(await keys()).includes('daily/one/lock'));
	let taken;   // on the way
	cloud.before = async ({ method, uri }) => {
		if (method === 'PUT' && uri.includes('/daily/two/objects/'))
			await (taken ??= cloud.put('daily/two/lock', `0b8bd1b5-7a54-4c5b-8a5d-a7b7a6f0a002 ${new Date(later).toISOString()}\n`));
	};
	ends(await backup('s3://pictures/daily/two'), 1, /another one may write there now/);
	cloud.before = async () => {};
	const left = await keys('daily/two/');
	assert.ok(left.includes('daily/two/lock') && !left.some(key => key.includes('/snapshots/')));
});

test('old snapshots and what only they need are removed from the bucket', async () => {
	ends(await backup(to, '--keep', '1'), 0, /^old snapshots removed: \d+$/m);
	const left = await keys();
	assert.equal(left.filter(key => key.includes('/snapshots/')).length, 1);
	assert.equal(left.filter(key => key.includes('/objects/')).length, 21);   // of 20, one in two pieces
	assert.equal(left.filter(key => key.includes('/secrets/')).length, 0);
	ends(await restore(to, '--check'), 0, /20 objects/);
});

test('wrong places are refused in words', async () => {
	await cloud.put('other/letter', 'dear');
	ends(await backup('s3://pictures/other'), 2, /has objects below "other\/" that are not part of a backup; name another prefix/);
	ends(await restore('s3://pictures/none', '--list'), 2, /There is no backup below "none\/"/);
	ends(await backup('s3://'), 2, /s3:\/\/BUCKET\/PREFIX/);
	ends(await backup('s3://no-such-bucket/x'), 1, /NoSuchBucket/);
	ends(await runProgram(['backup', to, '--data', server.data], { env: { ...cloud.env, AWS_SECRET_ACCESS_KEY: 'wrong', AWS_SESSION_TOKEN: '' } }), 1, /403/);
});

test('the storage listener of another server takes them too', async () => {
	const store = await startStore();
	try {
		const env = { AWS_ENDPOINT_URL_S3: store.server.storage, AWS_ACCESS_KEY_ID: store.who.id, AWS_SECRET_ACCESS_KEY: store.who.secret, AWS_REGION: 'us-east-1' };
		for (const said of [/; 20 new/, /; 0 new/])
			ends(await runProgram(['backup', 's3://things', '--data', server.data, '--keep', '1'], { env }), 0, said);
		await compare('from a server', 's3://things/', env);
		assert.ok(!(await store.keys()).includes('lock'));
	} finally {
		await store.stop();
	}
});
