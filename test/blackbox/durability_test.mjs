// No answer leaves before what it promises would survive a power cut. A kill proves nothing about
// syncs, since the page cache outlives the process; so a preloaded recorder writes down every file call
// and every answer of a real server, and the record is replayed with all that was not synced dropped:
// at the moment of each answer, a server started on what is left must still have all that was answered.
// With any one kind of sync taken out of the record, that must fail.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Disk, readRecords } from './support/replay.mjs';
import { call, corpus, fetchUrl, openSlot, postForm, putBytes, root, startServer } from './support/server.mjs';

// The program as users run it: a preloaded library and ASan's own do not go together.
process.env.TINTYPE = process.env.TINTYPE_RELEASE;

const work = mkdtempSync(path.join(tmpdir(), 'tintype-durability-'));
const jpeg = corpus('good/orientation-1.jpg');
const answered = [];   // { requestId, kind, imageId }, in the order of the calls
let recordedDir, record;

const requestId = answer => answer.headers.get('x-amzn-requestid') ?? answer.headers.get('x-amz-request-id');

async function slot(server, options) {
	const answer = await call(server, 'POST', '/upload', { json: { fileName: 'a.jpg', fileType: 'image/jpeg', ...options } });
	assert.equal(answer.status, 200, answer.text);
	answered.push({ requestId: requestId(answer), kind: 'slot', imageId: answer.json.imageId });
	return answer.json;
}

async function upload(server, options) {
	const given = await slot(server, options);
	const answer = options?.method === 'POST' ? await postForm(given, jpeg, { fileName: 'a.jpg', fileType: 'image/jpeg' }) : await putBytes(given, jpeg);
	assert.ok([200, 201, 204].includes(answer.status), answer.text);
	answered.push({ requestId: requestId(answer), kind: 'uploaded', imageId: given.imageId });
	return given;
}

async function remove(server, given) {
	const answer = await call(server, 'DELETE', `/images/${given.imageId}`);
	assert.equal(answer.status, 204, answer.text);
	answered.push({ requestId: requestId(answer), kind: 'gone', imageId: given.imageId });
}

before(async () => {
	const library = path.join(work, 'recorder.so');
	execFileSync(process.env.CC ?? 'cc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-D_GNU_SOURCE', '-o', library, path.join(root, 'test/durability/recorder.c')]);
	record = path.join(work, 'record');
	const dir = path.join(work, 'recorded');
	recordedDir = path.join(dir, 'data');
	const server = await startServer({ data: dir, wrap: ['env', `LD_PRELOAD=${library}`, `RECORD=${record}`, `RECORD_DIR=${recordedDir}`] });
	const first = await upload(server);
	await upload(server, { method: 'POST' });
	await remove(server, first);
	await Promise.all([1, 2, 3, 4, 5, 6].map(async i => {
		const given = await upload(server, i % 2 ? {} : { fileSize: jpeg.length });
		if (i > 4)
			await remove(server, given);
	}));
	await openSlot(server);
	await slot(server);
	await server.kill();
});
after(() => rmSync(work, { recursive: true, force: true }));

/** The moments at which an answer left, each with what was answered until then and what would be on disk. */
function* moments(ignore) {
	const disk = new Disk(recordedDir, ignore);
	const until = [];
	for (const each of readRecords(record)) {
		const head = each.kind === 's' ? each.payload.toString('latin1') : '';
		const id = /^HTTP\/1\.1 2\d\d[^]*?\r\nx-amzn?-request-?id: *([^\r]+)/i.exec(head)?.[1];
		const answer = answered.find(a => a.requestId === id);
		disk.apply(each);
		if (!answer)
			continue;
		until.push(answer);
		const folder = mkdtempSync(path.join(work, 'cut-'));
		disk.materialize(path.join(folder, 'data'));
		yield { folder, until: [...until] };
	}
}

const order = ['slot', 'uploaded', 'gone'];

/** What the server knows of the image: never less than the last that was answered. */
async function stateOf(server, imageId) {
	const { status, json } = await call(server, 'GET', `/images/${imageId}`);
	if (status === 404)
		return 'gone';
	if (json.status === 'pending')
		return 'slot';
	const file = await fetchUrl(json.downloadUrl);
	return file.bytes.equals(jpeg) ? 'uploaded' : `uploaded, but its file answers ${file.status} with ${file.bytes.length} bytes`;
}

/** Start on what a cut left; give the sentences that say what is lost. */
async function losses({ folder, until }) {
	const lost = [];
	const server = await startServer({ data: folder }).catch(e => ({ failed: e.message }));
	if (server.failed)
		return [`does not start: ${server.failed}`];
	for (const imageId of new Set(until.map(a => a.imageId))) {
		const last = until.filter(a => a.imageId === imageId).at(-1).kind;
		const now = await stateOf(server, imageId);
		if (!(order.indexOf(now) >= order.indexOf(last)) || (now === 'gone' && !answered.some(a => a.imageId === imageId && a.kind === 'gone')))
			lost.push(`${imageId} was answered as ${last} and is ${now}`);
	}
	const left = readdirSync(path.join(folder, 'data/incoming'));
	if (left.length > 0)
		lost.push(`incoming/ still holds ${left}`);
	await server.kill();
	rmSync(folder, { recursive: true, force: true });
	return lost;
}

async function firstLoss(ignore) {
	for (const moment of moments(ignore)) {
		const lost = await losses(moment);
		if (lost.length > 0)
			return `after ${moment.until.length} answers: ${lost.join('; ')}`;
	}
	return null;
}

test('a power cut at the moment of any answer loses nothing that was answered', async () => {
	assert.equal([...moments()].length, answered.length, 'every answer is in the record');
	assert.equal(await firstLoss(), null);
});

for (const [what, ignore] of [
	['the sync of the file', file => /\/incoming\/./.test(file)],
	['the sync of its directory', file => /\/incoming$/.test(file)],
	['the sync of the write-ahead log', file => file.endsWith('-wal')],
]) {
	test(`without ${what} the same check finds a loss`, async () => {
		assert.notEqual(await firstLoss(ignore), null);
	});
}
