// `tintype backup` and `tintype restore` with a directory: everything of a running server is in it, byte for byte; only what is new is
// written; what is cut off, damaged or in the way is said, and loses nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { png } from './support/png.mjs';
import { s3 } from './support/s3.mjs';
import { completion, filled, MIB } from './support/s3_faults.mjs';
import { smallDisk } from './support/small_disk.mjs';
import { sqlite } from './support/sqlite.mjs';
import { call, childEnv, credentials, eventually, fetchUrl, program, runProgram, startServer, tinyPng, uploadImage } from './support/server.mjs';

const work = mkdtempSync(path.join(tmpdir(), 'tintype-backup-'));
const dest = path.join(work, 'dest');
const images = new Map();    // imageId -> bytes
const objects = new Map();   // key -> bytes, in the bucket things
let server, upload;

const backup = (...args) => runProgram(['backup', '--data', server.data, ...args]);
const restore = (...args) => runProgram(['restore', ...args]);
const where = name => path.join(work, name, 'data');
const files = (folder, sub = '') => !existsSync(path.join(folder, sub)) ? [] : readdirSync(path.join(folder, sub), { recursive: true, withFileTypes: true })
	.filter(e => e.isFile()).map(e => path.join(e.parentPath ?? e.path, e.name)).sort();
const sizeOf = list => list.reduce((sum, file) => sum + statSync(file).size, 0);
const ask = (method, at, more = {}, on = server) => s3(on, method, at, { who: credentials(on).tintype, ...more });

function ends(run, code, said) {
	assert.equal(run.code, code, run.stdout + run.stderr);
	assert.match(run.stdout + run.stderr, said);
}

async function add(on = server, bytes = png(90, 90, { noise: true })) {
	const { slot } = await uploadImage(on, { bytes });
	images.set(slot.imageId, bytes);
	return slot.imageId;
}

/** A server on a restored directory: { server, image(id), stop() }. */
async function started(name) {
	mkdirSync(path.join(work, name), { recursive: true });
	const on = await startServer({ data: path.join(work, name), args: ['--no-strip'] });
	return { server: on, stop: () => on.stop(), image: async id => {
		const { status, json } = await call(on, 'GET', `/images/${id}`);
		return status === 200 ? (await fetchUrl(json.downloadUrl)).bytes : undefined;
	} };
}

const restoreInto = async (name, from = dest, ...more) => {
	mkdirSync(path.join(work, name), { recursive: true });
	return restore(from, '--data', where(name), ...more);
};

before(async () => {
	mkdirSync(path.join(work, 'source'));
	server = await startServer({ data: path.join(work, 'source'), args: ['--no-strip'] });
	for (let i = 0; i < 20; i++)
		await add();
	await add(server, tinyPng);   // in the database
	assert.equal((await ask('PUT', '/things')).status, 200);
	for (const [key, size] of [['small', 10], ['middle', 200000], ['large', 20 * MIB]]) {   // the last in two pieces
		objects.set(key, filled(size, size));
		assert.equal((await ask('PUT', `/things/${key}`, { body: objects.get(key), headers: { 'x-amz-meta-note': `of ${key}` } })).status, 200);
	}
	const parts = [filled(5 * MIB, 1), filled(100000, 2)], done = [];
	const begin = async key => (await ask('POST', `/things/${key}`, { query: { uploads: '' } })).element('UploadId');
	const uploadId = await begin('in parts');
	for (const [i, body] of parts.entries())
		done.push([i + 1, (await ask('PUT', '/things/in parts', { query: { uploadId, partNumber: i + 1 }, body })).headers.etag]);
	assert.equal((await ask('POST', '/things/in parts', { query: { uploadId }, body: completion(done) })).status, 200);
	objects.set('in parts', Buffer.concat(parts));
	upload = { uploadId: await begin('unfinished'), bytes: filled(5 * MIB, 3) };
	sqlite(path.join(server.data, 'tintype.db'), `INSERT INTO history VALUES(-1, 5, '60000 7')`);
	upload.etag = (await ask('PUT', '/things/unfinished', { query: { uploadId: upload.uploadId, partNumber: 1 }, body: upload.bytes })).headers.etag;
});
after(async () => {
	await server?.stop();
	rmSync(work, { recursive: true, force: true });
});

test('a running server is backed up whole with its secrets, and served from the restored directory', async () => {
	const secret = path.join(work, 'with secrets');
	ends(await backup(secret, '--secrets'), 0, /^snapshot \d{8}T\d{6}Z: 24 objects, \d+ bytes; 24 new/);
	ends(await restoreInto('whole', secret), 0, /restored to /);
	for (const file of [...files(secret), ...files(where('whole'))])
		assert.equal(statSync(file).mode & 0o777, 0o600, file);
	for (const folder of [secret, path.join(secret, 'objects'), path.join(secret, 'secrets'), where('whole'), path.join(where('whole'), 'objects')])
		assert.equal(statSync(folder).mode & 0o777, 0o700, folder);
	assert.equal(sqlite(path.join(where('whole'), 'tintype.db'), 'SELECT numbers FROM history WHERE slot=-1'), '60000 7', 'what the charts show');
	const copy = await started('whole');
	try {
		assert.deepEqual(credentials(copy.server), credentials(server));
		for (const [id, bytes] of images)
			assert.ok(bytes.equals(await copy.image(id)), id);
		for (const [key, bytes] of objects) {
			const got = await ask('GET', `/things/${key}`, {}, copy.server);
			assert.ok(bytes.equals(got.bytes), key);
			if (key !== 'in parts')
				assert.equal(got.headers['x-amz-meta-note'], `of ${key}`);
		}
		const ended = await ask('POST', '/things/unfinished', { query: { uploadId: upload.uploadId }, body: completion([[1, upload.etag]]) }, copy.server);
		assert.equal(ended.status, 200, ended.text);
		assert.ok(upload.bytes.equals((await ask('GET', '/things/unfinished', {}, copy.server)).bytes));
	} finally {
		await copy.stop();
	}
});

test('without --secrets none is in it, and a restored server makes new ones', async () => {
	ends(await backup(dest), 0, /24 new/);
	const hidden = [sqlite(path.join(server.data, 'tintype.db'), 'SELECT value FROM secrets'), ...Object.values(credentials(server)).flatMap(({ id, secret }) => [id, secret])];
	assert.equal(hidden.length, 5);
	for (const file of files(dest)) {
		const bytes = readFileSync(file);
		for (const text of hidden)
			assert.ok(!bytes.includes(text), file);
	}
	ends(await restoreInto('new keys'), 0, /It has no secrets/);
	assert.ok(!existsSync(path.join(where('new keys'), 'credentials')));
	ends(await runProgram(['fsck', '--data', where('new keys')]), 0, /found 0/);   // before a server makes the secrets
	const settings = path.join(work, 'restored.env');
	writeFileSync(settings, `TINTYPE_DATA=${where('new keys')}\n`);
	ends(await runProgram(['migrate', '--from', settings, '--delivery-keys']), 2, /since it was restored: start one once/);
	const copy = await started('new keys');
	try {
		assert.notDeepEqual(credentials(copy.server), credentials(server));
		for (const [id, bytes] of images)
			assert.ok(bytes.equals(await copy.image(id)), id);
		await add(copy.server);
	} finally {
		await copy.stop();
	}
	images.delete([...images.keys()].at(-1));
});

test('API keys and delete tokens that were given out stay good without --secrets', async () => {
	const at = path.join(work, 'keys'), from = path.join(work, 'of keys'), admin = 'the key of the operator of this server', env = { TINTYPE_API_KEY: admin };
	mkdirSync(at);
	const on = await startServer({ data: at, env });
	const made = await call(on, 'POST', '/keys', { key: admin, json: { name: 'reader', scopes: ['read'] } });
	assert.equal(made.status, 201, made.text);
	const { slot } = await uploadImage(on);
	await on.stop();
	ends(await runProgram(['backup', from, '--data', on.data]), 0, /^snapshot/);   // of a server that does not run
	for (const file of files(from))
		for (const hidden of [made.json.key, slot.deleteToken])
			assert.ok(!readFileSync(file).includes(hidden), file);
	ends(await restoreInto('keys again', from), 0, /restored/);
	const copy = await startServer({ data: path.join(work, 'keys again'), env });
	try {
		assert.equal((await call(copy, 'GET', '/images', { key: made.json.key })).status, 200);
		assert.equal((await call(copy, 'DELETE', `/images/${slot.imageId}`, { headers: { 'X-Delete-Token': `${slot.deleteToken}x` } })).status, 404);
		assert.equal((await call(copy, 'DELETE', `/images/${slot.imageId}`, { headers: { 'X-Delete-Token': slot.deleteToken } })).status, 204);
	} finally {
		await copy.stop();
	}
});

test('a second backup writes only what is new, and the first can still be restored', async () => {
	const before = files(dest), first = await restore(dest, '--list');
	const id = await add();
	const run = await backup(dest);
	ends(run, 0, /: 25 objects, \d+ bytes; 1 new/);
	const made = files(dest).filter(file => !before.includes(file));
	const written = Number(/(\d+) bytes written/.exec(run.stdout)[1]);
	assert.equal(sizeOf(made), written);
	assert.ok(written < 400000, `${written} bytes`);
	assert.equal(made.filter(file => file.includes('/objects/')).length, 1);
	const name = first.stdout.split(' ')[0];
	ends(await restoreInto('first', dest, '--snapshot', name), 0, /24 objects/);
	ends(await restoreInto('second'), 0, /25 objects/);
	const old = await started('first'), now = await started('second');
	try {
		assert.equal(await old.image(id), undefined);
		assert.ok(images.get(id).equals(await now.image(id)));
	} finally {
		await Promise.all([old.stop(), now.stop()]);
	}
	ends(await restore(dest, '--check'), 0, /25 objects, \d+ bytes, all verified/);
	ends(await restore(dest, '--snapshot', '20200101T000000Z', '--check'), 2, /no snapshot 20200101T000000Z; --list/);
});

test('while it runs the server removes no file, until the backup ends or its lease does', async () => {
	const lease = path.join(server.data, 'backup.lease'), id = await add();
	const stored = () => files(server.data, 'objects').length;
	await eventually(() => files(server.data, 'incoming').length === 0);
	const n = stored();
	writeFileSync(lease, '');
	assert.equal((await call(server, 'DELETE', `/images/${id}`)).status, 204);
	images.delete(id);
	await server.stop();
	server = await startServer({ data: path.join(work, 'source'), args: ['--no-strip'] });   // which would remove it before it serves
	assert.equal(stored(), n);
	utimesSync(lease, Date.now() / 1000 - 601, Date.now() / 1000 - 601);
	await eventually(() => stored() === n - 1, { what: 'the end of the lease' });
	ends(await backup(dest), 0, /25 objects/);
	assert.ok(!existsSync(lease));
});

test('uploads and deletes go on while it runs: what was there before is in it whole, and what is in it can be served', async () => {
	const early = new Set(images.keys()), gone = new Set();
	let going = true;
	const busy = async () => {
		while (going) {
			const id = await add();
			if (images.size % 3 === 0) {
				assert.equal((await call(server, 'DELETE', `/images/${id}`)).status, 204);
				images.delete(id);
				gone.add(id);
			}
		}
	};
	const work2 = [busy(), busy()];
	const runs = [];
	for (let i = 0; i < 4; i++)
		runs.push(await backup(dest));
	going = false;
	await Promise.all(work2);
	for (const run of runs)
		ends(run, 0, /^snapshot/);
	for (const [i, run] of runs.entries()) {
		ends(await restoreInto(`busy ${i}`, dest, '--snapshot', run.stdout.split(/[ :]/)[1]), 0, /restored/);
		const copy = await started(`busy ${i}`);
		try {
			for (const id of early)
				assert.ok(images.get(id).equals(await copy.image(id)), id);
			const { json } = await call(copy.server, 'GET', '/images?limit=200');
			for (const { imageId, downloadUrl } of json.images) {
				const { status, bytes } = await fetchUrl(downloadUrl);
				assert.equal(status, 200);
				assert.ok(gone.has(imageId) || images.get(imageId).equals(bytes), imageId);
			}
		} finally {
			await copy.stop();
		}
	}
});

test('one that is killed leaves the last one whole, and the next goes on', async () => {
	const from = path.join(work, 'killed'), body = filled(17000, 4), n = 300;
	assert.equal((await ask('PUT', '/many')).status, 200);
	ends(await backup(from), 0, /^snapshot/);
	for (let i = 0; i < n; i += 10)
		await Promise.all(Array.from({ length: 10 }, async (_, j) => assert.equal((await ask('PUT', `/many/${i + j}`, { body })).status, 200)));
	const before = files(from, 'objects').length;
	let killed = 0;
	for (const more of [0, 0, 1, 129]) {   // before it has written a file; in the middle; after some have their names
		const child = spawn(program(), ['backup', from, '--data', server.data], { env: childEnv({}), stdio: 'ignore' });
		await eventually(() => child.exitCode !== null || (more <= 1 ? files(from, 'incomplete').length > more : files(from, 'objects').length >= before + 100), { everyMs: 1 });
		child.kill('SIGKILL');
		if (child.signalCode === null && child.exitCode === null)
			await once(child, 'exit');
		killed += child.signalCode === 'SIGKILL';
		ends(await restore(from, '--check'), 0, /all verified/);
	}
	assert.ok(killed > 2, `${killed} of 4`);
	const run = await backup(from), [, all, fresh] = / (\d+) objects.*; (\d+) new/.exec(run.stdout).map(Number);
	ends(run, 0, /^snapshot/);
	assert.ok(fresh <= n - 100, `${fresh} of ${n} were written again`);
	assert.ok(!existsSync(path.join(from, 'incomplete')));
	ends(await restoreInto('after kill', from), 0, /restored/);
	assert.equal(files(where('after kill'), 'objects').length, all);
	for (let i = 0; i < n; i++)
		assert.equal((await ask('DELETE', `/many/${i}`)).status, 204);
});

test('old snapshots are removed with --keep, with what only they need', async () => {
	const from = path.join(work, 'kept');
	const ids = [await add(), await add()];
	ends(await backup(from, '--secrets'), 0, /^snapshot/);
	const whole = files(from, 'objects').length;
	for (const id of ids) {
		assert.equal((await call(server, 'DELETE', `/images/${id}`)).status, 204);
		images.delete(id);
		ends(await backup(from, '--keep', '2'), 0, id === ids[0] ? /written\n$/ : /^old snapshots removed: 1$/m);
		assert.equal(files(from, 'objects').length, id === ids[0] ? whole : whole - 1);
	}
	assert.deepEqual([files(from, 'snapshots').length, files(from, 'secrets').length], [2, 0]);
	for (const line of (await restore(from, '--list')).stdout.trim().split('\n'))
		ends(await restore(from, '--check', '--snapshot', line.split(' ')[0]), 0, /all verified/);
	ends(await backup(from, '--keep', '1'), 0, /^old snapshots removed: 2$/m);
	assert.equal(files(from, 'objects').length, whole - 2);
	assert.equal(files(from, 'lists').length, 2);
	ends(await restoreInto('kept copy', from), 0, /restored/);
});

test('what is damaged in a backup is named, and nothing is restored of it unless that is asked for', async () => {
	const from = path.join(work, 'damaged');
	ends(await backup(from), 0, /^snapshot/);
	const object = files(from, 'objects')[3], flip = file => {
		const bytes = readFileSync(file);
		bytes[bytes.length >> 1] ^= 1;
		writeFileSync(file, bytes);
	};
	flip(object);
	for (const run of [await restore(from, '--check'), await restoreInto('none', from)]) {
		ends(run, 1, /missing or damaged: 1\./);
		assert.match(run.stderr, new RegExp(`${path.basename(object)} is damaged`));
	}
	const refused = await runProgram(['serve', '--data', where('none'), '--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0']);
	ends(refused, 1, /A restore into .* was cut off; run `tintype restore` again/);
	ends(await restoreInto('none', from, '--partial'), 1, /damaged in the backup: 1; that were missing when it was made: 0\./);
	assert.equal(files(where('none'), 'objects').length, files(from, 'objects').length - 2);   // one is in two pieces
	await (await started('none')).stop();
	rmSync(object);
	ends(await restore(from, '--check'), 1, new RegExp(`${path.basename(object)} is missing`));
	ends(await backup(from), 0, /1 new/);   // it is made good
	ends(await restore(from, '--check'), 0, /all verified/);
	for (const file of ['database', 'lists', 'objects'].flatMap(folder => files(from, folder)))
		truncateSync(file, statSync(file).size >> 1);
	ends(await backup(from), 0, /^snapshot/);   // and so is whatever has another size
	ends(await restore(from, '--check'), 0, /all verified/);
	const manifest = files(from, 'snapshots').at(-1), described = JSON.parse(readFileSync(manifest));   // of the newest snapshot, which is checked
	const listOfDatabase = path.join(from, 'lists', described.database.list);
	const [, firstPiece] = /([0-9a-f]{64})/.exec(readFileSync(listOfDatabase, 'utf8')), piece = files(from, 'database').find(file => file.endsWith(firstPiece));
	flip(piece);
	ends(await restoreInto('no database', from, '--partial'), 1, /Nothing was restored\. Choose another with --snapshot\.\n/);
	flip(piece);
	appendFileSync(listOfDatabase, 'x');
	ends(await restore(from, '--check'), 1, /lists\/[0-9a-f]{64} is damaged/);
	const short = createHash('sha256').update('a').digest('hex');
	writeFileSync(path.join(from, 'lists', short), 'a');
	writeFileSync(manifest, JSON.stringify({ ...described, database: { ...described.database, list: short } }));
	ends(await restore(from, '--check'), 1, /a list has a malformed name: a\n/);
	writeFileSync(manifest, JSON.stringify({ ...described, format: 2 }));
	ends(await backup(from, '--keep', '1'), 1, /made by a newer tintype \(format 2\)/);
	assert.equal(files(from, 'snapshots').at(-1), manifest);
	writeFileSync(manifest, readFileSync(manifest).subarray(0, 100));
	ends(await restore(from, '--check'), 1, /snapshots\/\d+T\d+Z: The manifest is not one of a backup/);
});

test('a new object that differs from what was stored is named, and the exit status shows it', async () => {
	ends(await restoreInto('altered'), 0, /restored/);
	const altered = where('altered'), from = path.join(work, 'of altered'), [file] = files(altered, 'objects');
	writeFileSync(file, readFileSync(file).reverse());
	const run = await runProgram(['backup', from, '--data', altered]);
	ends(run, 1, /1 new object differs from what was stored/);
	assert.match(run.stderr, new RegExp(`${path.basename(file)} is damaged: its MD5 is not its ETag; the backup has it as it is\n`));
	ends(await restore(from, '--check'), 0, /all verified/);
	for (const [flag, ...more] of [['--list', '--check'], ['--list', '--snapshot', '2026-01-01T00:00:00.000Z'], ['--list', '--partial'], ['--check', '--partial']])
		ends(await restore(from, flag, ...more), 2, new RegExp(`${more[0]} cannot be given with ${flag}`));
	/* Once its image is marked, that is known. */
	ends(await runProgram(['fsck', '--repair', '--data', altered]), 1, /repaired object_damaged/);
	const known = await runProgram(['backup', `${from} again`, '--data', altered]);
	ends(known, 0, /^snapshot /);
	assert.match(known.stderr, /the backup has it as it is; its image is marked as damaged\n/);
});

test('what cannot be read at the server is named, and the rest is backed up', async () => {
	ends(await restoreInto('torn'), 0, /restored/);
	const torn = where('torn'), [one, two] = files(torn, 'objects'), from = path.join(work, 'of torn');
	rmSync(one);
	appendFileSync(two, 'x');
	writeFileSync(two, readFileSync(two).reverse().subarray(0, statSync(two).size - 1));
	const run = await runProgram(['backup', from, '--data', torn]);
	ends(run, 1, /1 object could not be read, and will be missing after a restore/);
	assert.match(run.stderr, new RegExp(`${path.basename(one)} is missing`));
	assert.match(run.stderr, new RegExp(`${path.basename(two)} is damaged: its MD5 is not its ETag`));
	ends(await restore(from, '--check'), 1, /missing when it was made: 1\./);
	/* Once its image is marked, that is known. */
	ends(await runProgram(['fsck', '--repair', '--data', torn]), 1, /repaired object_missing/);
	const known = await runProgram(['backup', from, '--data', torn]);
	ends(known, 0, /^not in it, since marked as damaged: 1 object$/m);
	assert.match(known.stderr, new RegExp(`${path.basename(one)} is missing; its image is marked as damaged`));
	ends(await restore(from, '--check'), 0, /all verified/);
	writeFileSync(path.join(torn, 'tintype.db'), Buffer.alloc(65536, 7), { flag: 'r+' });
	ends(await runProgram(['backup', from, '--data', torn]), 1, /tintype\.db/);
	ends(await restore(from, '--check'), 0, /all verified/);
});

test('wrong places are refused, and left as they are', async () => {
	const other = path.join(work, 'other');
	mkdirSync(other);
	writeFileSync(path.join(other, 'letter'), 'dear');
	ends(await backup(other), 2, /has files that are not part of a backup/);
	ends(await restore(other, '--list'), 2, /There is no backup in/);
	ends(await restore(dest, '--data', other), 2, /is not empty; restore into a new directory/);
	ends(await restore(dest, '--data', server.data), 1, /A server uses/);
	for (const inside of [dest, path.join(dest, 'new')])
		ends(await restore(dest, '--data', inside), 2, /is in the backup: name a new directory outside of it/);
	assert.ok(!existsSync(path.join(dest, 'new')));
	for (const run of [() => backup(''), () => restore('', '--list')])   // of a variable that is not set
		ends(await run(), 2, /the argument is empty/);
	ends(await restore(dest, '--data', ''), 2, /--data must be the name of a directory/);
	assert.deepEqual(files(other).map(f => path.basename(f)), ['letter']);
	ends(await backup(path.join(work, 'none', 'such', 'place')), 1, /No such file/);
	/* In the data directory itself it would be lost with it. */
	const link = path.join(work, 'link');
	symlinkSync(server.data, link);
	for (const inside of [server.data, path.join(server.data, 'backup'), path.join(server.data, 'logs', 'backup'), path.join(link, 'backup')])
		ends(await backup(inside), 2, /is in the data directory, and would be lost with it/);
	assert.ok(!existsSync(path.join(server.data, 'backup')));
	ends(await backup(), 2, /name the destination/);
	ends(await backup(dest, 'more'), 2, /unexpected argument "more"/);
	ends(await backup(dest, '--keep', '0'), 2, /--keep must be a number, at least 1/);
	ends(await backup(dest, '--nope'), 2, /unknown option "--nope"/);
	ends(await runProgram(['backup', dest, '--data', other]), 2, /no database/);
	const neighbour = path.join(work, 'neighbour'), there = files(dest);
	mkdirSync(neighbour);
	const another = await startServer({ data: neighbour });
	ends(await runProgram(['backup', dest, '--data', another.data, '--keep', '1']), 2, /has backups of another server; name one for this server alone/);
	await another.stop();
	assert.deepEqual(files(dest), there);
	assert.ok(!existsSync(path.join(server.data, 'backup.lease')));
});

test('two at once to one destination, or of one data directory, are refused', async () => {
	const held = async (file, body) => {
		const lock = spawn('flock', ['-n', file, 'sh', '-c', 'echo locked; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
		await once(lock.stdout, 'data');
		try {
			await body();
		} finally {
			lock.stdin.end();
			await once(lock, 'exit');
		}
	};
	await held(path.join(dest, 'lock'), async () => ends(await backup(dest), 1, /is in use by another backup or restore; wait/));
	await held(path.join(server.data, 'backup.lease'), async () => ends(await backup(dest), 1, /Another backup of this data directory is running/));
	ends(await backup(dest), 0, /^snapshot/);
});

test('on a full disk it fails in words, the last one stays whole, and the next works once there is space', async () => {
	const dir = path.join(work, 'small disk'), small = path.join(work, 'small');
	mkdirSync(dir);
	mkdirSync(small);
	const on = await startServer({ data: small, args: ['--no-strip'] });
	const disk = smallDisk(dir, '8m'), ours = (...args) => disk.run(program(), ...args);
	const to = path.join(dir, 'dest');
	try {
		await uploadImage(on, { bytes: png(90, 90, { noise: true }) });
		ends(await ours('backup', to, '--data', on.data), 0, /: 1 object,/);
		await uploadImage(on, { bytes: png(90, 90, { noise: true }) });
		assert.equal((await disk.fill()).code, 0);
		ends(await ours('backup', to, '--data', on.data), 1, /the disk is full|The disk of .* is full: free some space there and run it again/);
		ends(await ours('restore', to, '--check'), 0, /1 object, .*all verified/);
		await disk.free();
		ends(await ours('backup', to, '--data', on.data), 0, /: 2 objects.*; 1 new/);
		ends(await ours('restore', to, '--check'), 0, /2 objects, .*all verified/);
		assert.equal((await disk.fill()).code, 0);
		ends(await ours('restore', to, '--data', path.join(dir, 'new')), 1, /The disk of .* is full|No space left/);
	} finally {
		await disk.end();
		await on.stop();
	}
});

test('a data directory on a disk that is mounted read-only is backed up and checked, whether its server was stopped or killed', async () => {
	const dir = path.join(work, 'read-only disk %41?'), source = path.join(work, 'to be read');
	mkdirSync(dir);
	mkdirSync(source);
	const disk = smallDisk(dir, '64m');
	try {
		for (const [name, end] of [['killed', on => on.kill()], ['stopped', on => on.stop()]]) {
			const on = await startServer({ data: source, args: ['--no-strip'] });
			await uploadImage(on, { bytes: png(90, 90, { noise: true }) });
			await end(on);
			assert.equal(existsSync(path.join(on.data, 'tintype.db-wal')), name === 'killed');
			assert.equal((await disk.run('cp', '-a', on.data, path.join(dir, name))).code, 0);
		}
		assert.equal((await disk.run('mount', '-o', 'remount,ro', dir)).code, 0);
		for (const [name, n] of [['killed', 1], ['stopped', 2]]) {
			const to = path.join(work, `of ${name}`);
			ends(await disk.run(program(), 'backup', to, '--data', path.join(dir, name)), 0, new RegExp(`: ${n} objects?,`));
			ends(await restore(to, '--check'), 0, /all verified/);
			ends(await disk.run(program(), 'fsck', '--data', path.join(dir, name)), 0, new RegExp(`^images ${n}, .* found 0`, 'm'));
		}
	} finally {
		await disk.end();
	}
});
