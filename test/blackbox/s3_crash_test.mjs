// kill -9 under mixed load of plain objects and multipart uploads, again and again on one data directory: what was
// confirmed is there whole, nothing else is, and an upload that was being completed is one whole object or unchanged.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { files, filled, md5, MIB, startStore } from './support/s3_faults.mjs';

process.env.TINTYPE = process.env.TINTYPE_RELEASE;

const ROUNDS = 5, CLIENTS = 6, COMPLETIONS = 6;
const dirs = [];
after(() => dirs.forEach(dir => rmSync(dir, { recursive: true, force: true })));

function directory() {
	dirs.push(mkdtempSync(path.join(tmpdir(), 'tintype-s3-crash-')));
	return dirs.at(-1);
}

/** A store that is stopped with the test, whatever its result. */
async function start(t, data, bucket) {
	const store = await startStore({ data, bucket });
	t.after(() => store.server.kill());
	return store;
}

/** What each key may hold: the ETags that are possible; 'none' where it may be missing. */
const possible = new Map();
const bodies = new Map();   // ETag -> bytes

function body(seed) {
	const bytes = filled([1, 500, 16384, 20000, 300000][randomInt(5)], seed), etag = `"${md5(bytes)}"`;
	bodies.set(etag, bytes);
	return { bytes, etag };
}

/** Request a change; between the request and its response both outcomes are possible. */
async function change(key, outcome, ask) {
	possible.set(key, new Set([...possible.get(key) ?? ['none'], outcome]));
	const answer = await ask();
	assert.ok([200, 204].includes(answer.status), answer.text);
	possible.set(key, new Set([outcome]));
}

async function putInParts(store, key, seed) {
	const pieces = [filled(5 * MIB, seed), filled(1000, `${seed} end`)], at = `/things/${key}`;
	const id = await store.begin(at), parts = [];
	for (const [i, piece] of pieces.entries())
		parts.push([i + 1, (await store.part(at, id, i + 1, piece)).headers.etag]);
	const etag = `"${md5(Buffer.concat(parts.map(p => Buffer.from(p[1].replaceAll('"', ''), 'hex'))))}-2"`;
	bodies.set(etag, Buffer.concat(pieces));
	await change(key, etag, () => store.complete(at, id, parts));
}

/** One client with keys of its own, until the server is gone. */
async function client(store, name, count) {
	for (let n = 0; ; n++) {
		const key = `${name}-${randomInt(20)}`, { bytes, etag } = body(`${name} ${count.n} ${n}`);
		const kind = randomInt(20);
		if (kind === 0)
			await putInParts(store, key, `${name} ${count.n} ${n}`);
		else if (kind < 5)
			await change(key, 'none', () => store.ask('DELETE', `/things/${key}`));
		else if (kind < 7 && possible.get(`${name}-source`)?.size === 1 && !possible.get(`${name}-source`).has('none'))
			await change(key, [...possible.get(`${name}-source`)][0], () => store.ask('PUT', `/things/${key}`, { headers: { 'x-amz-copy-source': `/things/${name}-source` } }));
		else
			await change(kind < 9 ? `${name}-source` : key, etag, () => store.ask('PUT', `/things/${kind < 9 ? `${name}-source` : key}`, { body: bytes, payload: 'UNSIGNED-PAYLOAD' }));
		count.n++;
	}
}

async function runUntilKilled(store, changes) {
	const count = { n: 0 };
	let killed = false;
	const clients = Array.from({ length: CLIENTS }, (_, i) => client(store, `c${i}`, count).catch(e => {
		if (!killed || e.code === 'ERR_ASSERTION')
			throw e;
	}));
	const failed = Promise.race(clients.map(c => c.then(() => new Promise(() => {}))));
	while (count.n < changes)
		await Promise.race([new Promise(f => setImmediate(f)), failed]);
	killed = true;
	await store.server.kill('SIGKILL');
	await Promise.all(clients);
}

async function check(store) {
	const there = new Set(await store.keys());
	for (const key of there)
		assert.ok(possible.has(key), `${key} was never written`);
	for (const [key, outcomes] of possible) {
		const get = await store.ask('GET', `/things/${key}`), outcome = get.status === 404 ? 'none' : get.headers.etag;
		assert.ok(outcomes.has(outcome), `${key} is ${outcome}, and may be ${[...outcomes]}`);
		assert.equal(there.has(key), outcome !== 'none', `${key} in the listing`);
		if (outcome !== 'none')
			assert.ok(get.bytes.equals(bodies.get(outcome)), `${key} is whole`);
		possible.set(key, new Set([outcome]));
	}
	return there;
}

/** Files that objects and the parts of open uploads explain; those in the database have none. */
async function explained(store, keys) {
	let n = 0;
	for (const key of keys)
		n += Number((await store.ask('HEAD', `/things/${key}`)).headers['content-length']) > 16384;
	const listed = (await store.ask('GET', '/things', { query: { uploads: '' } })).text;
	for (const [, key, id] of listed.matchAll(/<Upload><Key>([^<]*)<\/Key><UploadId>(\w+)</g)) {
		const parts = (await store.ask('GET', `/things/${key}`, { query: { uploadId: id } })).text;
		n += [...parts.matchAll(/<Size>(\d+)</g)].filter(m => Number(m[1]) > 16384).length;
	}
	return n;
}

test(`after each of ${ROUNDS} kills every confirmed object is whole and there is no other`, { timeout: 600000 }, async t => {
	const dir = directory();
	for (let round = 0; round < ROUNDS; round++) {
		await runUntilKilled(await start(t, dir, round === 0), 30 + randomInt(60));
		const store = await start(t, dir, false);
		const left = { incoming: files(store.server, 'incoming'), objects: files(store.server, 'objects') };
		const keys = await check(store);
		assert.deepEqual(left, { incoming: 0, objects: await explained(store, keys) }, `round ${round}`);
		await store.server.kill('SIGTERM');
	}
	assert.ok(possible.size > 20);
});

test(`killed during the completion of an upload, ${COMPLETIONS} times: the whole object, or the upload unchanged`, { timeout: 600000 }, async t => {
	const dir = directory(), whole = [filled(5 * MIB, 'a'), filled(5 * MIB, 'b'), filled(5 * MIB, 'c'), filled(100, 'd')];
	let store = await start(t, dir, true);
	for (let n = 0; n < COMPLETIONS; n++) {
		const at = `/things/upload${n}`, id = await store.begin(at);
		const parts = await Promise.all(whole.map(async (piece, i) => [i + 1, (await store.part(at, id, i + 1, piece)).headers.etag]));
		let answered = false;
		const done = store.complete(at, id, parts).then(answer => { answered = answer.status; }, () => {});
		for (const end = performance.now() + n * 6; performance.now() < end && !answered;)   // a little later each time
			await new Promise(f => setImmediate(f));
		await store.server.kill('SIGKILL');
		await done;

		store = await start(t, dir, false);
		assert.equal(files(store.server, 'incoming'), 0);
		const get = await store.ask('GET', at), listed = await store.ask('GET', at, { query: { uploadId: id } });
		assert.ok(get.status === 200 || !answered, 'what was answered is there');
		if (get.status === 200) {
			store.refused(listed, 404, 'NoSuchUpload');
		} else {
			assert.equal([...listed.text.matchAll(/<Part>/g)].length, whole.length, listed.text);
		}
		const again = await store.complete(at, id, parts);
		assert.equal(again.status, 200, 'asking again gives the object, however it ended');
		assert.match(again.element('ETag'), /-4&quot;$/);
		assert.ok((await store.ask('GET', at)).bytes.equals(Buffer.concat(whole)));
		assert.deepEqual(await store.keys(), Array.from({ length: n + 1 }, (_, i) => `upload${i}`));
	}
	await store.stop();
});
