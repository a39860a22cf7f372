// kill -9 under mixed load, twenty times on one data directory: every confirmed upload is whole,
// every confirmed delete stays, and when the server is ready again no file is on disk without
// a row.
import assert from 'node:assert/strict';
import { createHash, randomInt } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { call, corpus, fetchUrl, openSlot, postForm, putBytes, startServer } from './support/server.mjs';

process.env.TINTYPE = process.env.TINTYPE_RELEASE;

const ROUNDS = 20;
const SMALL_BYTES = 16384;   // a body up to this size is in the database and has no file
const dir = mkdtempSync(path.join(tmpdir(), 'tintype-crash-'));
const pictures = ['orientation-1.jpg', 'photo.jpg', 'private.jpg'].map(name => corpus(`good/${name}`));
const md5 = bytes => createHash('md5').update(bytes).digest('hex');
const kept = new Map();       // imageId -> the ETag that was answered: the MD5 of what is stored
const whole = new Set();      // all ETags that were answered
const deleted = new Set();    // answered as deleted
const doubtful = new Set();   // a delete was sent without a response: may exist or not

after(() => rmSync(dir, { recursive: true, force: true }));

/** One client: uploads by PUT and by form, deletes some, until the server is gone. */
async function client(server) {
	for (;;) {
		const bytes = pictures[randomInt(pictures.length)];
		const form = randomInt(4) === 0;
		const slot = await openSlot(server, { fileName: 'a.jpg', fileType: 'image/jpeg', ...(form ? { method: 'POST' } : {}) });
		const answer = form ? await postForm(slot, bytes, { fileType: 'image/jpeg' }) : await putBytes(slot, bytes);
		assert.ok(answer.status < 300, answer.text);
		kept.set(slot.imageId, answer.headers.get('etag').slice(1, -1));
		whole.add(kept.get(slot.imageId));
		if (randomInt(3) > 0)
			continue;
		doubtful.add(slot.imageId);
		const gone = await call(server, 'DELETE', `/images/${slot.imageId}`);
		assert.equal(gone.status, 204, gone.text);
		deleted.add(slot.imageId);
	}
}

/** Every client ends when its connection does; anything else is a fault of the server. */
async function runUntilKilled(server, uploads) {
	const before = kept.size;
	let killed = false;
	const clients = Array.from({ length: 8 }, () => client(server).catch(e => {
		if (!killed || e.code === 'ERR_ASSERTION')
			throw e;
	}));
	const failed = Promise.race(clients.map(c => c.then(() => new Promise(() => {}))));
	while (kept.size < before + uploads)
		await Promise.race([new Promise(f => setImmediate(f)), failed]);
	killed = true;
	await server.kill('SIGKILL');
	await Promise.all(clients);
}

async function check(server) {
	for (const id of deleted)
		assert.equal((await call(server, 'GET', `/images/${id}`)).status, 404, `${id} was deleted`);
	const there = new Map();   // imageId -> its size
	for (let cursor = ''; cursor !== undefined;) {
		const { json } = await call(server, 'GET', `/images?limit=1000${cursor && `&cursor=${cursor}`}`);
		json.images.forEach(image => there.set(image.imageId, image.fileSize));
		cursor = json.nextCursor;
	}
	for (const [id, sum] of kept) {
		if (deleted.has(id) || (doubtful.has(id) && !there.has(id)))
			continue;
		const { status, json } = await call(server, 'GET', `/images/${id}`);
		assert.equal(status, 200, `${id} was answered as uploaded`);
		assert.equal(md5((await fetchUrl(json.downloadUrl)).bytes), sum, `${id} is whole`);
	}
	for (const id of there.keys())
		if (!kept.has(id)) {   // accepted, and killed before the response
			const { json } = await call(server, 'GET', `/images/${id}`);
			assert.ok(whole.has(md5((await fetchUrl(json.downloadUrl)).bytes)), `${id} is listed and whole`);
		}
	return [...there.values()].filter(size => size > SMALL_BYTES).length;
}

/** A server that is stopped with the test, whatever its result. */
async function start(t) {
	const server = await startServer({ data: dir });
	t.after(() => server.kill());
	return server;
}

const files = sub => readdirSync(path.join(dir, 'data', sub), { recursive: true, withFileTypes: true }).filter(e => e.isFile()).length;

test(`after each of ${ROUNDS} kills every confirmed upload is whole and nothing else is left`, { timeout: 600000 }, async t => {
	for (let round = 0; round < ROUNDS; round++) {
		await runUntilKilled(await start(t), 5 + randomInt(20));
		const server = await start(t);
		const left = { incoming: files('incoming'), objects: files('objects') };
		const withFile = await check(server);
		assert.deepEqual(left, { incoming: 0, objects: withFile }, `round ${round}`);
		await server.kill('SIGTERM');
	}
	assert.ok(kept.size >= ROUNDS * 5);
});
