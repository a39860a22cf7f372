// Copies and completions that take long hold up nobody else: while as many of one user as may run are held within the
// server, and more of them wait, it serves everything else, copies and deletions of another user too. How long they take
// is up to the test: the server waits in the sync of each large file until it is released.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { call, credentials, eventually, fetchUrl, root, runProgram, uploadImage } from './support/server.mjs';
import { s3 } from './support/s3.mjs';
import { filled, md5, MIB, startStore } from './support/s3_faults.mjs';

process.env.TINTYPE = process.env.TINTYPE_RELEASE;

const PER_USER = 8;   // long jobs of one user that run at once
const work = mkdtempSync(path.join(tmpdir(), 'tintype-long-'));
const library = path.join(work, 'hold.so'), fifo = path.join(work, 'hold');
let store;

before(async () => {
	execFileSync(process.env.CC ?? 'cc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-D_GNU_SOURCE', '-o', library, path.join(root, 'test/durability/hold.c')]);
	store = await startStore({ wrap: ['env', `LD_PRELOAD=${library}`, `HOLD=${fifo}`, `HOLD_BYTES=${MIB}`] });
});
after(async () => {
	await store.stop();
	rmSync(work, { recursive: true, force: true });
});

const held = () => existsSync(`${fifo}.count`) ? readFileSync(`${fifo}.count`).length : 0;

function release() {
	const fd = openSync(fifo, 'w');
	unlinkSync(fifo);
	closeSync(fd);
}

async function ok(answer, status = 200) {
	const { status: given, text } = await answer;
	assert.equal(given, status, text);
}

/** Whatever is no long job of the owner. */
async function useTheRest(large) {
	const got = await store.ask('GET', '/things/large');
	assert.ok(got.bytes.equals(large), 'a large object is read');
	await ok(store.ask('PUT', '/things/small', { body: 'small' }));
	await ok(store.ask('PUT', '/things/file', { body: filled(100000, 'file') }));
	assert.ok((await store.keys()).includes('file'));
	await ok(store.ask('DELETE', '/things/file'), 204);
	const { slot } = await uploadImage(store.server);
	await ok(call(store.server, 'GET', `/images/${slot.imageId}`));
	await ok(call(store.server, 'DELETE', `/images/${slot.imageId}`), 204);
	await ok(fetchUrl(`${store.server.admin}/readyz`));
}

/** Long jobs of another user, all of them to their end. */
async function useAsBob() {
	const run = await runProgram(['keys', 'add', 'bob', '--data', store.server.data]);
	assert.equal(run.code, 0, run.stderr);
	const bob = (method, at, more) => s3(store.server, method, at, { who: credentials(store.server).bob, ...more });
	await ok(bob('PUT', '/bobs'));
	await ok(bob('PUT', '/bobs/one', { body: 'of bob' }));
	await ok(bob('PUT', '/bobs/two', { headers: { 'x-amz-copy-source': '/bobs/one' } }));
	assert.equal((await bob('GET', '/bobs/two')).text, 'of bob');
	const body = '<Delete><Object><Key>one</Key></Object><Object><Key>two</Key></Object></Delete>';
	await ok(bob('POST', '/bobs', { query: { delete: '' }, body, headers: { 'content-md5': Buffer.from(md5(body), 'hex').toString('base64') } }));
	await ok(bob('DELETE', '/bobs'), 204);
}

test('copies and completions of one user that are held, and more that wait: everything else is served', { timeout: 300000 }, async () => {
	const large = filled(2 * MIB, 'large');
	await ok(store.ask('PUT', '/things/large', { body: large, payload: 'UNSIGNED-PAYLOAD' }));
	const uploadId = await store.begin('/things/made');
	const part = await store.part('/things/made', uploadId, 1, large);
	assert.equal(part.status, 200, part.text);

	execFileSync('mkfifo', [fifo]);
	let ended = 0;
	const jobs = [store.complete('/things/made', uploadId, [[1, part.headers.etag]]),
		...Array.from({ length: PER_USER + 3 }, (_, n) => store.ask('PUT', `/things/copy-${n}`, { headers: { 'x-amz-copy-source': '/things/large' } }))];
	jobs.forEach(job => job.finally(() => { ended++; }));
	await eventually(() => held() === PER_USER, { what: 'as many as may run are held' });
	await useTheRest(large);
	await useAsBob();
	assert.equal(ended, 0, 'none of them has ended meanwhile');
	assert.equal(held(), PER_USER, 'nor has another one begun');
	release();
	for (const answer of await Promise.all(jobs))
		assert.equal(answer.status, 200, answer.text);
	for (const key of ['made', ...Array.from({ length: PER_USER + 3 }, (_, n) => `copy-${n}`)])
		assert.ok((await store.ask('GET', `/things/${key}`)).bytes.equals(large), key);
});
