// `tintype compact` on a database as older versions made them (auto_vacuum NONE): its free pages stay in the file until
// then, and are given back by themselves afterwards. It is refused while a server runs, and everything that is kept stays.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { png } from './support/png.mjs';
import { sqlite } from './support/sqlite.mjs';
import { call, corpus, eventually, fetchUrl, runProgram, startServer, uploadImage } from './support/server.mjs';

/** A PNG of nearly 16 KiB, the most that is stored in the database. */
const fullPng = () => png(72, 72, { noise: true });

async function removeAll(server, ids) {
	for (const id of ids)
		assert.equal((await call(server, 'DELETE', `/images/${id}`)).status, 204);
}

async function uploadMany(server, n) {
	const ids = [];
	for (let i = 0; i < n; i++)
		ids.push((await uploadImage(server, { bytes: fullPng() })).slot.imageId);
	return ids;
}

test('compact rewrites an old database, which then gives free pages back by itself', { timeout: 300000 }, async t => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-compact-'));
	t.after(() => rmSync(dir, { recursive: true, force: true }));
	let server = await startServer({ data: dir });
	const file = path.join(server.data, 'tintype.db');
	await server.stop();
	sqlite(file, 'PRAGMA journal_mode=DELETE; PRAGMA auto_vacuum=NONE; VACUUM');
	assert.equal(sqlite(file, 'PRAGMA auto_vacuum'), '0', 'an old database');

	server = await startServer({ data: dir });
	const picture = corpus('good/alpha.png');
	const kept = await uploadImage(server, { bytes: picture });
	await removeAll(server, await uploadMany(server, 500));
	const refused = await runProgram(['compact', '--data', server.data]);
	assert.deepEqual([refused.code, refused.stdout], [1, '']);
	assert.equal(refused.stderr,
		'tintype compact: Another tintype server uses this data directory; stop it or choose another with --data.\n');
	assert.equal((await call(server, 'GET', `/images/${kept.slot.imageId}`)).json.status, 'uploaded', 'the server goes on');
	await server.stop();

	const before = statSync(file).size;
	assert.ok(before > 500 * 15000, 'an old database keeps its free pages');
	const run = await runProgram(['compact', '--data', server.data]);
	assert.equal(run.code, 0, run.stderr);
	const after = statSync(file).size;
	assert.equal(run.stdout, `The database had ${before} bytes and has ${after}.\n`);
	assert.ok(after < before / 10, `${after} of ${before} bytes`);
	assert.equal(sqlite(file, 'PRAGMA auto_vacuum; PRAGMA integrity_check'), '2\nok');
	assert.equal((await runProgram(['compact', '--data', server.data])).stdout, `The database had ${after} bytes and has ${after}.\n`);

	server = await startServer({ data: dir });
	const { json } = await call(server, 'GET', `/images/${kept.slot.imageId}`);
	assert.ok((await fetchUrl(json.downloadUrl)).bytes.equals(picture));
	const ids = await uploadMany(server, 500);
	await eventually(() => statSync(file).size + statSync(`${file}-wal`).size > before, { what: 'the database with all of them' });
	await removeAll(server, ids);
	await eventually(() => statSync(file).size < before / 2, { what: 'a shorter file' });
	await server.stop();
});
