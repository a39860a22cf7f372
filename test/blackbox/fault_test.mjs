// One call fails, the n-th, for every n during a slot, an upload, a list, a read and a delete, and
// during the moves and removals after the response: opening a file, reading, writing, syncing, linking or
// removing a name, allocating memory. The server must respond (a failure is well-formed, without its cause),
// keep what it confirmed, leave no stray data, and accept the same upload when it is retried.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { call, corpus, eventually, fetchUrl, openSlot, putBytes, root, startServer } from './support/server.mjs';

process.env.TINTYPE = process.env.TINTYPE_RELEASE;

const kinds = { open: 1, write: 2, sync: 3, memory: 4, name: 5, read: 6 };
const ENOSPC = 28, EIO = 5, ENOMEM = 12, EMFILE = 24;
const jpeg = corpus('good/photo.jpg');
const work = mkdtempSync(path.join(tmpdir(), 'tintype-fault-'));
const library = path.join(work, 'fault.so');

before(() => {
	execFileSync(process.env.CC ?? 'cc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-D_GNU_SOURCE', '-o', library, path.join(root, 'test/durability/fault.c')]);
});
after(() => rmSync(work, { recursive: true, force: true }));

/** A server of the test's own, and the hand on its faults. */
async function startWorld(t) {
	const file = path.join(mkdtempSync(path.join(work, 'control-')), 'control');
	const control = openSync(file, 'w+');
	t.after(() => closeSync(control));
	writeSync(control, Buffer.alloc(32), 0, 32, 0);
	const server = await startServer({ wrap: ['env', `LD_PRELOAD=${library}`, `FAULT_CONTROL=${file}`] });
	t.after(() => server.stop());
	const filesIn = folder => readdirSync(path.join(server.data, folder), { recursive: true, withFileTypes: true }).filter(e => e.isFile()).length;
	const fixture = { server, uploaded: 0 };

	fixture.arm = (kind, countdown, error) => {
		const bytes = Buffer.alloc(32);
		[0, countdown, error, 0].forEach((n, i) => bytes.writeBigInt64LE(BigInt(n), 8 * i));
		writeSync(control, bytes, 0, 32, 0);
		bytes.writeBigInt64LE(BigInt(kind), 0);
		writeSync(control, bytes, 0, 8, 0);
	};
	fixture.hits = () => {
		const bytes = Buffer.alloc(32);
		readSync(control, bytes, 0, 32, 0);
		return Number(bytes.readBigInt64LE(24));
	};
	fixture.disarm = () => writeSync(control, Buffer.alloc(8), 0, 8, 0);
	fixture.isTidy = () => filesIn('incoming') === 0 && filesIn('objects') === fixture.uploaded;
	/** Work after the response counts too: until every file is in its place, or the failure has happened. */
	fixture.workIsDone = () => eventually(() => fixture.hits() > 0 || fixture.isTidy(), { what: 'the work after the answer' });
	return fixture;
}

/** Run it with the n-th call failing, for n from 1 until no call fails. Returns how many n were hit. */
async function failEach(fixture, kind, error, step) {
	const { server } = fixture;
	for (let n = 1; n < 3000; n++) {
		await step(() => fixture.arm(kinds[kind], n, error), n);
		assert.equal(server.child.exitCode, null, `the server ended when the ${kind} no. ${n} failed:\n${server.log.slice(-5).join('\n')}`);
		if (fixture.hits() === 0)
			return n - 1;
	}
	throw new Error(`there is no end of ${kind} calls`);
}

/** Any outcome: a success, a well-formed failure, or (memory of the listener itself) no response. */
async function outcome(promise, what) {
	const answer = await promise.catch(() => null);
	if (answer === null || answer.status < 400)
		return answer;
	assert.ok([500, 503].includes(answer.status), `${what}: ${answer.status} ${answer.text}`);
	assert.doesNotMatch(answer.text, /sqlite|errno|\/data|No space|SELECT|INSERT/i, 'a response shows no internals');
	if (answer.status === 503 && answer.text.startsWith('<'))
		assert.match(answer.text, /<Code>SlowDown<\/Code>/);
	return answer;
}

async function uploadFailing(t, kind, error) {
	const fixture = await startWorld(t);
	const { server } = fixture;
	return failEach(fixture, kind, error, async (begin, n) => {
		const slot = await openSlot(server, { fileName: 'a.jpg', fileType: 'image/jpeg' });
		fixture.uploaded++;
		begin();
		const put = await outcome(putBytes(slot, jpeg), `PUT with ${kind} no. ${n} failing`);
		if (put?.status === 200)
			await fixture.workIsDone();
		fixture.disarm();
		if (put?.status === 200)
			assert.equal((await call(server, 'GET', `/images/${slot.imageId}`)).json.status, 'uploaded');
		// A failure is not a verdict: the slot accepts the same bytes.
		const again = await putBytes(slot, jpeg);
		assert.equal(again.status, 200, again.text);
		const { json } = await call(server, 'GET', `/images/${slot.imageId}`);
		assert.ok((await fetchUrl(json.downloadUrl)).bytes.equals(jpeg));
		await eventually(fixture.isTidy, { what: 'every file in its place and no other' });
	});
}

async function othersFailing(t, kind, error) {
	const fixture = await startWorld(t);
	const { server } = fixture;
	return failEach(fixture, kind, error, async (begin, n) => {
		const kept = await openSlot(server, { fileName: 'a.jpg', fileType: 'image/jpeg' });
		assert.equal((await putBytes(kept, jpeg)).status, 200);
		const { json: { downloadUrl } } = await call(server, 'GET', `/images/${kept.imageId}`);
		begin();
		const slot = await outcome(call(server, 'POST', '/upload', { json: { fileName: 'a.png', fileType: 'image/png' } }), `POST with ${kind} no. ${n} failing`);
		const list = await outcome(call(server, 'GET', '/images?limit=2'), `GET with ${kind} no. ${n} failing`);
		const file = await outcome(fetchUrl(downloadUrl), `GET of the file with ${kind} no. ${n} failing`);
		const gone = await outcome(call(server, 'DELETE', `/images/${kept.imageId}`), `DELETE with ${kind} no. ${n} failing`);
		if (gone?.status === 204)
			await fixture.workIsDone();
		fixture.disarm();
		if (slot?.status === 200)
			assert.equal((await call(server, 'GET', `/images/${slot.json.imageId}`)).json.status, 'pending');
		if (list?.status === 200)
			assert.ok(list.json.count > 0);
		if (file?.status === 200)
			assert.ok(file.bytes.equals(jpeg), 'what is answered is whole');
		const after = await call(server, 'GET', `/images/${kept.imageId}`);
		if (gone?.status === 204)
			assert.equal(after.status, 404);
		if (after.status === 200) {
			assert.ok((await fetchUrl(after.json.downloadUrl)).bytes.equals(jpeg));
			assert.equal((await call(server, 'DELETE', `/images/${kept.imageId}`)).status, 204);
		}
		await eventually(fixture.isTidy, { what: 'nothing left of what was deleted' });
	});
}

// Each has a server of its own: most of their time they wait for the second after which work is tried again.
describe('a call that fails', { concurrency: 4 }, () => {
	for (const [kind, error] of [['memory', ENOMEM], ['name', EIO], ['open', EMFILE], ['read', EIO], ['write', ENOSPC], ['write', EIO], ['sync', EIO]]) {
		test(`slots, lists, reads and deletes whose n-th ${kind} fails with ${error} give well-formed responses`, { timeout: 1200000 }, async t => {
			assert.ok(await othersFailing(t, kind, error) > 0, 'at least one call was made to fail');
		});
		test(`an upload whose n-th ${kind} fails with ${error} leaves the slot usable and no stray data`, { timeout: 1200000 }, async t => {
			assert.ok(await uploadFailing(t, kind, error) > 0, 'at least one call was made to fail');
		});
	}
});
