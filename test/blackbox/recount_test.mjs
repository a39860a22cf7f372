// `tintype recount`: repairs what is recorded of users, with the server running or stopped.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { sqlite } from './support/sqlite.mjs';
import { eventually, runProgram, startServer } from './support/server.mjs';

const work = mkdtempSync(path.join(tmpdir(), 'tintype-recount-'));
const directory = path.join(work, 'data');
const recount = () => runProgram(['recount', '--data', directory]);
const usage = () => sqlite(path.join(directory, 'tintype.db'), "SELECT bytes || ' ' || images || ' ' || pending || ' ' || reserved_bytes FROM users");

after(() => rmSync(work, { recursive: true, force: true }));

test('recount of a directory without a database is refused, and makes none', async () => {
	const run = await recount();
	assert.equal(run.code, 2);
	assert.match(run.stderr, /no database/);
	assert.ok(!existsSync(directory));
});

test('recount of a stopped server repairs what was recorded wrongly, and finds nothing the next time', async () => {
	await (await startServer({ data: work })).stop();
	sqlite(path.join(directory, 'tintype.db'), "INSERT INTO users(owner, issuer, subject, bytes, images, first_ms, seen_ms) VALUES('a11ce000000000000000000000000000', 'app', 'alice', 7, 1, 1, 1)");
	const first = await recount();
	assert.equal(first.stdout, 'owner a11ce000000000000000000000000000: bytes 7 to 0, images 1 to 0\nusers 1, repaired 1\n');
	assert.equal(first.code, 0);
	assert.equal(String(usage()).trim(), '0 0 0 0');
	assert.equal((await recount()).stdout, 'users 1, repaired 0\n');
});

test('recount while a server runs is done by the server, and what it found is in its log', async () => {
	sqlite(path.join(directory, 'tintype.db'), "UPDATE users SET bytes=9, pending=3");
	const server = await startServer({ data: work });
	try {
		const run = await recount();
		assert.match(run.stdout, /The server has counted/);
		assert.equal(run.code, 0);
		assert.ok(!existsSync(path.join(directory, 'recount')));
		await eventually(() => server.events('recount').some(e => e.owners === 1 && e.repaired === 1));
		assert.deepEqual(server.events('recount.repaired').map(({ owner, change }) => [owner, change]), [['a11ce000000000000000000000000000', 'bytes 9 to 0, pending 3 to 0']]);
	} finally {
		await server.stop();
	}
	assert.equal(String(usage()).trim(), '0 0 0 0');
});
