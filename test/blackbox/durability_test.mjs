// No response is sent before what it confirms would survive a power cut. A kill proves nothing about
// syncs, since the page cache outlives the process; so a preloaded recorder logs every file call
// and every response of a real server, from its first start on, and the record is replayed without what was
// not synced: on every state that a power cut could leave, a server must start, have everything that was
// confirmed until then, and no file without a row. With any one kind of sync removed from the
// record, this must fail.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Disk, isSameSnapshot, readRecords, writeSnapshot } from './support/replay.mjs';
import { call, corpus, eventually, fetchUrl, postForm, putBytes, startServer, root, uploadImage } from './support/server.mjs';

// The program as users run it: a preloaded library and ASan's own do not go together.
process.env.TINTYPE = process.env.TINTYPE_RELEASE;

// In memory where there is such a disk: what a cut leaves is the record's affair, not this disk's.
const work = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tintype-durability-'));
const recorded = path.join(work, 'recorded');   // the directory in which the server creates its own
const record = path.join(work, 'record');
const jpeg = corpus('good/photo.jpg');
const answered = [];   // { requestId, kind, imageId }, in the order of the calls
let records;

const requestId = answer => answer.headers.get('x-amzn-requestid') ?? answer.headers.get('x-amz-request-id');

function note(answer, kind, imageId) {
	assert.ok(answer.status < 300, answer.text);
	answered.push({ requestId: requestId(answer), kind, imageId });
}

async function slot(server, options) {
	const answer = await call(server, 'POST', '/upload', { json: { fileName: 'a.jpg', fileType: 'image/jpeg', ...options } });
	note(answer, 'pending', answer.json.imageId);
	return answer.json;
}

async function upload(server, options) {
	const given = await slot(server, options);
	note(options?.method === 'POST' ? await postForm(given, jpeg, { fileType: 'image/jpeg' }) : await putBytes(given, jpeg), 'uploaded', given.imageId);
	return given;
}

async function remove(server, given) {
	note(await call(server, 'DELETE', `/images/${given.imageId}`), 'gone', given.imageId);
}

const isMoved = server => eventually(() => readdirSync(path.join(server.data, 'incoming')).length === 0, { what: 'an empty incoming/' });

/** Each call alone, then several at once, with bodies moved to their place in between. */
async function useFirst(server) {
	const first = await upload(server);
	await upload(server, { method: 'POST' });
	await isMoved(server);
	await remove(server, first);
	await upload(server);
	await Promise.all([1, 2, 3, 4].map(async i => {
		const given = await upload(server, i % 2 ? {} : { fileSize: jpeg.length });
		if (i > 2)
			await remove(server, given);
	}));
	await slot(server);
	await isMoved(server);
}

before(async () => {
	const library = path.join(work, 'recorder.so');
	execFileSync(process.env.CC ?? 'cc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-D_GNU_SOURCE', '-o', library, path.join(root, 'test/durability/recorder.c')]);
	mkdirSync(recorded);
	const start = () => startServer({ data: recorded, wrap: ['env', `LD_PRELOAD=${library}`, `RECORD=${record}`, `RECORD_DIR=${recorded}`] });
	const server = await start();
	try {
		await useFirst(server);
	} finally {
		await server.kill('SIGTERM');   // which writes the log of the database back
	}
	const again = await start();
	try {
		await upload(again);
	} finally {
		await again.kill();
	}
	records = [...readRecords(record)];
});
after(() => rmSync(work, { recursive: true, force: true }));

function answerIn({ kind, payload }) {
	const id = kind === 's' && /^HTTP\/1\.1 2\d\d[^]*?\r\nx-amzn?-request-?id: *([^\r]+)/i.exec(payload.toString('latin1'))?.[1];
	return id && answered.find(a => a.requestId === id);
}

// The server's own log need not be durable, and SQLite rebuilds its index.
const counts = ([where]) => !/(^|\/)logs(\/|$)|-shm$/.test(where);

/** Every different state that a cut could leave, in order, each with all that was answered while it lasted. */
function* states(cut, ignore) {
	const disk = new Disk(recorded, ignore);
	const look = () => new Map([...disk.snapshot(cut)].filter(counts));
	const until = [];
	let last = look();
	for (const each of records) {
		disk.apply(each);
		const answer = answerIn(each);
		if (answer)
			until.push(answer);
		if (!/[fomlru]/.test(each.kind))
			continue;   // writes are checked at the next call that orders them
		const now = look();
		if (!isSameSnapshot(last, now))
			yield { snapshot: last, until: [...until] };
		last = now;
	}
	yield { snapshot: last, until };
}

const filesIn = folder => readdirSync(folder, { recursive: true, withFileTypes: true }).filter(e => e.isFile()).length;

/** What is wrong with the images of a server, given these responses. */
async function faults(server, until) {
	const { json: { images } } = await call(server, 'GET', '/images?limit=1000');
	const listed = new Map(images.map(image => [image.imageId, image]));
	const found = [];
	if (filesIn(path.join(server.data, 'incoming')) !== 0 || filesIn(path.join(server.data, 'objects')) !== images.length)
		found.push(`${filesIn(path.join(server.data, 'incoming'))} files in incoming/ and ${filesIn(path.join(server.data, 'objects'))} in objects/ for ${images.length} images`);
	for (const { imageId, downloadUrl } of images) {
		const file = await fetchUrl(downloadUrl);
		if (!file.bytes.equals(jpeg))
			found.push(`the file of ${imageId} answers ${file.status} with ${file.bytes.length} bytes`);
	}
	for (const [imageId, kind] of new Map(until.map(a => [a.imageId, a.kind]))) {
		const isLost = {
			pending: async () => !listed.has(imageId) && !willGo(imageId) && (await call(server, 'GET', `/images/${imageId}`)).status !== 200,
			uploaded: () => !listed.has(imageId) && !willGo(imageId),
			gone: () => listed.has(imageId),
		}[kind];
		if (await isLost())
			found.push(`${imageId} was answered as ${kind}`);
	}
	return found;
}

const willGo = imageId => answered.some(a => a.imageId === imageId && a.kind === 'gone');

/** Start on the state that a power cut left, and use it; a message that says what is wrong, or null. */
async function firstFault({ snapshot, until }) {
	const folder = mkdtempSync(path.join(work, 'cut-'));
	const data = path.join(folder, 'disk');
	writeSnapshot(snapshot, data);
	let server;
	try {
		server = await startServer({ data });
		const found = await faults(server, until);
		if (found.length === 0)
			assert.equal((await uploadImage(server)).image.status, 'uploaded');
		return found[0] ?? null;
	} catch (e) {
		return e.message;
	} finally {
		await server?.kill();
		rmSync(folder, { recursive: true, force: true });
	}
}

/** The first state in which something is wrong. */
async function search(cut, ignore) {
	let n = 0;
	for (const state of states(cut, ignore)) {
		const fault = await firstFault(state);
		if (fault !== null)
			return `cut ${n}, after ${state.until.length} answers: ${fault}`;
		n++;
	}
	assert.ok(n > 0);
	return null;
}

const strict = { names: 'synced', bytes: 'synced' };

test('every response is in the record', () => {
	const [state] = [...states(strict)].slice(-1);
	assert.deepEqual(state.until.map(a => a.requestId).sort(), answered.map(a => a.requestId).sort());
});

for (const [what, cut] of [
	['nothing but what was synced', strict],
	['every name, and of the bytes what was synced', { names: 'now', bytes: 'synced' }],
	['every byte, and of the names what was synced', { names: 'synced', bytes: 'now' }],
]) {
	test(`a power cut at any moment that leaves ${what} loses nothing that was confirmed`, async () => {
		assert.equal(await search(cut), null);
	});
}

for (const [what, ignore] of [
	['the sync of the body', where => /^data\/incoming\/./.test(where)],
	['the sync of incoming/', where => where === 'data/incoming'],
	['the sync of the write-ahead log', where => where === 'data/tintype.db-wal'],
	['the sync of the database', where => where === 'data/tintype.db'],
	['the sync of the directory to which a body is moved', where => /^data\/objects\/./.test(where)],
	['the sync of objects/', where => where === 'data/objects'],
	['the sync of the keys', where => where === 'data/credentials.new'],
	['the sync of the data directory', where => where === 'data'],
	['the sync of the directory that it is made in', where => where === ''],
]) {
	test(`without ${what} the same check finds a loss`, async t => {
		const loss = await search(strict, ignore);
		t.diagnostic(`found: ${loss}`);
		assert.notEqual(loss, null);
	});
}
