// Lists over HTTP: newest first by the order of commit, pages that show each image exactly once while
// others upload and delete, limits, and foreign cursors. Single bad parameters: api_input_test.mjs.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { call, openSlot, putBytes, startServer, tinyPng, uploadImage } from './support/server.mjs';

let server;
before(async () => { server = await startServer(); });
after(() => server?.stop());

const list = (query, at = server) => call(at, 'GET', `/images${query}`);

async function page(query, at) {
	const { status, json, text } = await list(query, at);
	assert.equal(status, 200, text);
	assert.equal(json.count, json.images.length);
	return json;
}

/** Every page from the first on; between(n) runs after the n-th. */
async function pages(limit, between = () => {}, at = server) {
	const all = [];
	let next = await page(`?limit=${limit}`, at);
	for (let n = 1; ; n++) {
		assert.ok(next.count <= limit);
		assert.ok(!next.images.some(i => all.some(before => before.imageId === i.imageId)), 'an image came twice');
		all.push(...next.images);
		if (!next.nextCursor)
			return all;
		await between(n);
		next = await page(`?limit=${limit}&cursor=${encodeURIComponent(next.nextCursor)}`, at);
	}
}

const ids = images => images.map(i => i.imageId);
const upload = async n => {
	const uploaded = [];
	for (let i = 0; i < n; i++)
		uploaded.push((await uploadImage(server, { fileName: `${i}.png` })).image);
	return uploaded;
};

test('an empty list, then one image: no cursor on the last page', async t => {
	const empty = await startServer();
	t.after(() => empty.stop());
	assert.deepEqual(await page('', empty), { images: [], count: 0, total: 0 });
	await openSlot(empty);
	assert.deepEqual(await page('', empty), { images: [], count: 0, total: 0 }, 'slots are in no list');
	const { image } = await uploadImage(empty);
	for (const query of ['', '?limit=1', '?limit=1000']) {
		const one = await page(query, empty);
		assert.deepEqual(ids(one.images), [image.imageId]);
		assert.equal(one.nextCursor, undefined);
	}
	assert.equal((await call(empty, 'DELETE', `/images/${image.imageId}`)).status, 204);
	assert.deepEqual(await page('', empty), { images: [], count: 0, total: 0 });
});

test('50 by default; each limit gives that many, and all pages together give all images in one order', async () => {
	const mine = ids(await upload(60)).reverse();
	assert.equal((await page('')).count, 50);
	assert.deepEqual(ids((await page('')).images), mine.slice(0, 50));
	assert.equal((await page('?limit=1000')).count, 60);
	for (const limit of [1, 7, 30, 59, 60, 61])
		assert.deepEqual(ids(await pages(limit)), mine, `limit ${limit}`);
});

test('a record in the list equals the single record', async () => {
	const { image } = await uploadImage(server);
	const { images: [listed] } = await page('?limit=1');
	for (const [name, value] of Object.entries(listed))
		if (name !== 'downloadUrl')
			assert.deepEqual(value, image[name], name);
	for (const name of ['imageId', 'fileName', 'fileUrl', 'fileSize', 'fileType', 'uploadedAt', 'downloadUrl', 'width', 'height'])
		assert.ok(name in listed, name);
	assert.ok((await fetch(listed.downloadUrl)).ok);
});

test('the order is that of the uploads, whatever the order of the slots', async () => {
	const slots = await Promise.all([1, 2, 3, 4, 5].map(() => openSlot(server)));
	for (const i of [3, 0, 4, 1, 2])
		assert.equal((await putBytes(slots[i], tinyPng)).status, 200);
	assert.deepEqual(ids((await page('?limit=5')).images), [2, 1, 4, 0, 3].map(i => slots[i].imageId));
});

test('the order is that of commits, whatever the times and even if the clock is set back', async t => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-list-'));
	t.after(() => rmSync(dir, { recursive: true, force: true }));
	const first = await startServer({ data: dir });
	t.after(() => first.stop());
	const early = await uploadImage(first), late = await uploadImage(first);
	await first.stop();
	const sql = `import sqlite3,sys
d=sqlite3.connect(sys.argv[1])
assert d.execute("UPDATE images SET uploaded_ms=uploaded_ms+86400000 WHERE id=?",(bytes.fromhex(sys.argv[2]),)).rowcount==1
d.commit()`;
	const changed = spawnSync('python3', ['-c', sql, path.join(first.data, 'tintype.db'), early.image.imageId.replaceAll('-', '')], { encoding: 'utf8' });
	assert.equal(changed.status, 0, changed.stderr);
	const again = await startServer({ data: dir });
	t.after(() => again.stop());
	const last = await uploadImage(again);
	assert.deepEqual(ids(await pages(1, undefined, again)), [last, late, early].map(u => u.image.imageId));
});

test('while others upload and delete, each image that existed at the first page and stays appears exactly once', async () => {
	const before = ids(await pages(1000));
	let ending = false;
	const busy = [1, 2, 3, 4].map(async () => {
		const mine = [];
		while (!ending) {
			mine.push((await uploadImage(server)).image.imageId);
			if (mine.length > 3)
				assert.equal((await call(server, 'DELETE', `/images/${mine.shift()}`)).status, 204);
		}
	});
	const deleted = new Set();
	try {
		const first = ids(await pages(1000)).filter(id => before.includes(id));
		assert.deepEqual(first, before);
		for (let round = 0; round < 3; round++) {
			const stays = before.filter(id => !deleted.has(id));
			const gone = new Set();
			const all = ids(await pages(6, async n => {
				// One that was listed, one that is not yet listed, and the one at the cursor.
				for (const at of [0, stays.length - 1 - round, 6 * n - 1].filter(at => n < 3 && at < stays.length)) {
					if (gone.has(stays[at]))
						continue;
					gone.add(stays[at]);
					assert.equal((await call(server, 'DELETE', `/images/${stays[at]}`)).status, 204);
				}
			}));
			gone.forEach(id => deleted.add(id));
			assert.equal(new Set(all).size, all.length, 'none twice');
			const kept = stays.filter(id => !gone.has(id));
			assert.deepEqual(all.filter(id => kept.includes(id)), kept, 'each that stayed, in order');
		}
	} finally {
		ending = true;
		await Promise.all(busy);
	}
});

test('a cursor can be used again, with another limit and after a restart, and reveals nothing about images', async t => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-list-'));
	t.after(() => rmSync(dir, { recursive: true, force: true }));
	const first = await startServer({ data: dir });
	t.after(() => first.stop());
	const mine = [];
	for (let i = 0; i < 5; i++)
		mine.unshift((await uploadImage(first)).image.imageId);
	const { nextCursor } = await page('?limit=2', first);
	assert.match(nextCursor, /^[A-Za-z0-9_-]+$/);
	for (const limit of [1, 3, 3])
		assert.deepEqual(ids((await page(`?limit=${limit}&cursor=${nextCursor}`, first)).images), mine.slice(2, 2 + limit));
	await first.stop();
	const again = await startServer({ data: dir });
	t.after(() => again.stop());
	assert.deepEqual(ids((await page(`?cursor=${nextCursor}`, again)).images), mine.slice(2));
});

test('a cursor that was altered, cut or made longer is 400 with a problem', async () => {
	await upload(2);
	const { nextCursor } = await page('?limit=1');
	const bad = [nextCursor.slice(1), nextCursor.slice(0, -1), `${nextCursor}A`, `${nextCursor}=`, nextCursor + nextCursor, `%00${nextCursor}`, ' '];
	for (let i = 0; i < nextCursor.length; i++)
		bad.push(nextCursor.slice(0, i) + (nextCursor[i] === 'A' ? 'B' : 'A') + nextCursor.slice(i + 1));
	for (const cursor of bad) {
		const answer = await list(`?cursor=${cursor.startsWith('%') ? cursor : encodeURIComponent(cursor)}`);
		if (answer.status === 200)
			assert.fail(`${cursor}, made from ${nextCursor}, was taken`);
		assert.deepEqual([answer.status, answer.json.code], [400, 'bad_cursor'], cursor);
	}
});

test('an empty cursor is the first page', async () => {
	assert.deepEqual(ids((await page('?limit=1&cursor=')).images), ids((await page('?limit=1')).images));
});
