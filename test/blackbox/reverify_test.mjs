// `tintype reverify`: a database of an older version, whose images were neither decoded nor stripped. Until it has run they have no link
// to the original; it works through them while the server serves, goes on where it was killed, and without a server too.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { digest, pixelsOf, tagsOf, typeOf } from './support/contents.mjs';
import { sqlite } from './support/sqlite.mjs';
import { call, childEnv, corpus, eventually, fetchUrl, pictures, program, runProgram, startServer, uploadImage } from './support/server.mjs';

const work = mkdtempSync(path.join(tmpdir(), 'tintype-reverify-'));
const good = readdirSync(path.join(pictures(), 'good')).filter(name => !/no-trailer/.test(name));
const broken = ['photo-hole-1.jpg', 'progressive-hole-1.jpg'];   // whose headers are in order
const sent = new Map();   // imageId -> { name, bytes }
const old = path.join(work, 'old');

const folder = name => {
	const copy = path.join(work, name);
	cpSync(old, copy, { recursive: true });
	return copy;
};
const reverify = (data, ...args) => runProgram(['reverify', '--data', path.join(data, 'data'), ...args]);

/** All records, the newest first. */
async function list(server, key) {
	const all = [];
	for (let cursor = ''; cursor !== undefined;) {
		const { json } = await call(server, 'GET', `/images?limit=50${cursor && `&cursor=${cursor}`}`, { key });
		all.push(...json.images);
		cursor = json.nextCursor;
	}
	return all;
}

const stored = async record => (await fetchUrl(record.downloadUrl)).bytes;
const original = (server, record) => `${server.storage}/i/${record.imageId}/original`;

/** The numbers of the last line: { seen, ok, … }. */
const countsOf = run => Object.fromEntries(run.stdout.trim().split('\n').at(-1).split(', ').map(part => [part.replace(/ \d+$/, ''), Number(/\d+$/.exec(part))]));

// Version 2 is the last one whose rows say nothing about visibility, stripping or pixels.
before(async () => {
	mkdirSync(old);
	const server = await startServer({ data: old, args: ['--verify', 'header', '--no-strip'] });
	try {
		for (const [kind, names] of [['good', good], ['broken', broken]])
			for (const name of names) {
				const bytes = corpus(`${kind}/${name}`);
				sent.set((await uploadImage(server, { bytes, fileName: name, fileType: typeOf(name) })).slot.imageId, { name, bytes, kind });
			}
	} finally {
		await server.stop();
	}
	const columns = ['is_public', 'received_size', 'received_sha256', 'stripped', 'removed', 'verdict', 'damage', 'placeholder', 'color', 'kept_metadata', 'version', 'issuer', 'subject',
		'max_bytes', 'metadata', 'request_hash'];
	const later = ['INDEX images_unowned', 'INDEX images_owner', 'INDEX images_received', 'TABLE users', 'TABLE kept_ids', 'TABLE api_keys', 'TABLE outbox', 'TABLE webhook', 'TABLE migration', 'TABLE history', 'TABLE secrets'];
	sqlite(path.join(old, 'data/tintype.db'), [...later.map(what => `DROP ${what}`), ...columns.map(name => `ALTER TABLE images DROP COLUMN ${name}`), 'PRAGMA user_version=2'].join(';'));
});
after(() => rmSync(work, { recursive: true, force: true }));

test('images of an older version say so, and have no link to the original, whatever their visibility', async t => {
	const key = 'the key of the images of before';
	const server = await startServer({ data: folder('before'), env: { TINTYPE_API_KEY: key } });
	t.after(() => server.stop());
	const all = await list(server, key);
	assert.equal(all.length, sent.size);
	for (const record of all) {
		assert.deepEqual([record.verified, record.stripped, record.receivedSize, record.links.original], [false, false, undefined, undefined], record.fileName);
		assert.ok(record.links.small.webp);
	}
	const { imageId } = all[0];
	assert.equal((await call(server, 'PATCH', `/images/${imageId}`, { key, json: { visibility: 'public' } })).status, 200);
	assert.equal((await fetchUrl(original(server, all[0]))).status, 404);
	assert.equal((await call(server, 'POST', `/images/${imageId}/links`, { key, json: { variant: 'original' } })).status, 400);
});

test('reverify, while the server serves: every image is decoded and counted; damaged ones are marked and kept', async t => {
	const data = folder('decoded'), server = await startServer({ data });
	t.after(() => server.stop());
	const earlier = await list(server);
	const run = await reverify(data, '--rate', '1000');
	assert.equal(run.code, 0, run.stderr);
	const counts = countsOf(run);
	assert.deepEqual([counts.seen, counts['nothing to do'], counts.corrupt, counts.failed, counts.stripped], [sent.size, 0, broken.length, 0, 0]);
	assert.equal(counts.ok + counts.recoverable, good.length);
	const all = await list(server);
	assert.deepEqual(all.map(one => one.imageId), earlier.map(one => one.imageId), 'the order of the list');
	for (const [i, record] of all.entries()) {
		const { kind, name, bytes } = sent.get(record.imageId);
		assert.deepEqual([record.verified, record.stripped, record.uploadedAt], [true, false, earlier[i].uploadedAt], name);
		assert.equal(record.links.original, undefined, name);
		assert.equal(record.verdict === 'corrupt', kind === 'broken', name);
		assert.equal(record.placeholder === undefined, kind === 'broken', name);
		assert.equal(record.links.small === undefined, kind === 'broken', name);
		assert.ok((await stored(record)).equals(bytes), name);
	}
	assert.deepEqual(server.events('image.damaged').map(one => one.imageId).sort(), all.filter(one => one.verdict === 'corrupt').map(one => one.imageId).sort());
	const again = await reverify(data, '--rate', '1000');
	assert.deepEqual([again.code, countsOf(again)['nothing to do']], [0, sent.size], again.stderr);
	assert.ok(!existsSync(path.join(server.data, 'reverify')), 'the request is done');
});

test('reverify --strip: nothing private is left, every pixel is, and the original has a link; killed in between, it goes on', { timeout: 600000 }, async t => {
	const data = folder('stripped');
	let server = await startServer({ data });
	t.after(() => server.stop());
	const earlier = await list(server);
	const first = spawn(program(), ['reverify', '--data', server.data, '--strip', '--rate', '20'], { env: childEnv({}), stdio: 'ignore' });
	await eventually(async () => (await list(server)).some(one => one.stripped), { what: 'an image that is stripped' });
	await server.kill();
	first.kill('SIGKILL');
	await once(first, 'close');
	server = await startServer({ data });   // which goes on by itself
	const follower = await reverify(data, '--strip', '--rate', '20');
	assert.equal(follower.code, 0, follower.stderr);
	assert.equal(countsOf(follower).failed, 0);
	const all = await list(server), files = [];
	assert.deepEqual(all.map(one => one.imageId), earlier.map(one => one.imageId), 'the order of the list');
	for (const [i, record] of all.entries()) {
		const { kind, name, bytes } = sent.get(record.imageId), now = await stored(record);
		assert.equal(record.uploadedAt, earlier[i].uploadedAt);
		assert.deepEqual([record.verified, record.stripped], [true, kind === 'good'], name);
		assert.deepEqual([record.fileSize, record.etag], [now.length, digest('md5', now)], name);
		if (kind === 'broken') {
			assert.ok(now.equals(bytes), name);
			continue;
		}
		assert.equal(record.receivedSize, bytes.length, name);
		assert.ok(!bytes.includes('SECRET') || record.removed.length > 0, name);
		assert.equal(pixelsOf(work, name, now), pixelsOf(work, name, bytes), `${name}: other pixels`);
		assert.deepEqual((await fetchUrl(record.links.original)).bytes, now, name);
		files.push(path.join(work, name));
		writeFileSync(files.at(-1), now);
	}
	for (const [name, tags] of tagsOf(files))
		assert.deepEqual(tags, [], name);
	const { total } = (await fetchUrl(`${server.admin}/metrics`)).text.matchAll(/^tintype_stored_bytes (?<total>\d+)$/gm).next().value.groups;
	assert.equal(Number(total), all.reduce((sum, one) => sum + one.fileSize, 0), 'the count of bytes');
	const again = await reverify(data, '--strip');
	assert.deepEqual([again.code, countsOf(again)['nothing to do']], [0, sent.size], again.stderr);
});

test('reverify without a server: killed and run again until all is done; damaged images are named', { timeout: 600000 }, async () => {
	const data = folder('alone'), db = path.join(data, 'data/tintype.db');
	const left = () => Number(sqlite(db, "SELECT count(*) FROM images WHERE verdict=''"));
	const first = spawn(program(), ['reverify', '--data', path.join(data, 'data'), '--strip', '--rate', '20'], { env: childEnv({}), stdio: 'ignore' });
	await eventually(() => {
		try { return left() < sent.size; } catch { return false; }   // it is being upgraded
	}, { what: 'an image that is decoded' });
	first.kill('SIGKILL');
	await once(first, 'close');
	const run = await reverify(data, '--strip', '--rate=1000');
	assert.equal(run.code, 0, run.stderr);
	assert.equal(left(), 0);
	const counts = countsOf(run);
	assert.deepEqual([counts.seen, counts.failed], [sent.size, 0]);
	const named = run.stdout.split('\n').filter(line => line.startsWith('corrupt ')).length;
	assert.equal(named, counts.corrupt);
	assert.equal(sqlite(db, "SELECT count(*) FROM images WHERE stripped=1"), String(good.length));
	assert.equal(sqlite(db, 'PRAGMA integrity_check'), 'ok');
	assert.deepEqual(readdirSync(path.join(data, 'data/incoming')), []);
});

test('reverify ends with a sentence when its server was killed and none is started; the next server goes on', async t => {
	const data = folder('gone');
	let server = await startServer({ data });
	t.after(() => server.stop());
	const run = reverify(data, '--rate', '10');
	await eventually(() => existsSync(path.join(server.data, 'reverify.state')), { what: 'the server at work' });
	await server.kill();
	const { code, stdout, stderr } = await run;
	assert.equal(code, 1, stdout);
	assert.match(stderr, /^tintype reverify: The server has ended, and no other was started\. Start it: it goes on then\./);
	assert.match(stdout, /^seen \d+, nothing to do 0, /);
	server = await startServer({ data });
	await server.waitForEvent(e => e.event === 'reverify' && e.end === 'complete');
});

test('a rate of nothing, an unknown option and another run are refused with a sentence', async t => {
	const data = folder('refused'), server = await startServer({ data });
	t.after(() => server.stop());
	for (const rate of ['0', '1001', 'x', undefined]) {
		const run = await reverify(data, '--rate', ...rate === undefined ? [] : [rate]);
		assert.deepEqual([run.code, run.stderr], [2, 'tintype reverify: --rate must be images a second, 1 to 1000\n']);
	}
	assert.equal((await reverify(data, '--nope')).code, 2);
	const nothing = await reverify(path.join(work, 'nothing'));
	assert.deepEqual([nothing.code, existsSync(path.join(work, 'nothing'))], [2, false], nothing.stderr);
	const first = spawn(program(), ['reverify', '--data', server.data, '--rate', '1'], { env: childEnv({}), stdio: 'ignore' });
	const ended = once(first, 'close');
	await eventually(() => existsSync(path.join(server.data, 'reverify.state')), { what: 'the server at work' });
	const other = await reverify(data, '--strip', '--rate', '1');
	assert.equal(other.code, 2);
	assert.match(other.stderr, /The server already runs it with other options \(--rate 1\)/);
	first.kill('SIGINT');   // which ends it
	assert.equal((await ended)[0], 1);
	await server.waitForEvent(e => e.event === 'reverify' && e.end === 'stopped');
	assert.equal((await reverify(data, '--rate', '1000')).code, 0);
});
