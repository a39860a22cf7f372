// `tintype fsck` on a real data directory: each kind of damage is planted and found, by name and nothing else; what a repair does about
// it; no false alarm while clients upload and delete; a repair that is killed is done by the next.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { s3 } from './support/s3.mjs';
import { sqlite } from './support/sqlite.mjs';
import { call, childEnv, corpus, credentials, eventually, fetchUrl, program, putBytes, openSlot, runProgram, startServer, tinyPng } from './support/server.mjs';

const work = mkdtempSync(path.join(tmpdir(), 'tintype-fsck-')), data = path.join(work, 'data');
const photo = corpus('good/photo.jpg'), long = new Date('2020-01-01');
const sql = text => sqlite(path.join(data, 'tintype.db'), text);
let server;

/** Run it: its findings ("kind subject"), what it printed, the counts of its last line. */
async function fsck(...args) {
	const run = await runProgram(['fsck', '--json', '--data', data, ...args]);
	const lines = run.stdout.trim().split('\n').filter(Boolean).map(line => JSON.parse(line));
	const words = state => lines.filter(l => l.state === state).map(l => `${l.kind} ${l.subject}`).sort();
	return { ...run, lines, counts: lines.at(-1), found: words('found'), repaired: words('repaired'), left: words('left') };
}

async function upload(bytes = photo) {
	const form = new FormData();
	form.append('file', new Blob([bytes]), 'picture.jpg');
	const made = await call(server, 'POST', '/images', { body: form });
	assert.equal(made.status, 201, made.text);
	return made.json;
}

/** The file of a key, relative to the data directory, once it is in its place. */
async function fileOf(key) {
	const n = Number(sql(`SELECT file FROM objects WHERE key='${key}' AND flags & 32 = 0`));
	const file = `objects/${Math.floor(n / 4096).toString(16).padStart(6, '0')}/${n.toString(16).padStart(16, '0')}`;
	await eventually(() => existsSync(path.join(data, file)), { what: `${file} is in its place` });
	return file;
}
const keyOf = image => sql(`SELECT key FROM images WHERE hex(id)='${image.imageId.replaceAll('-', '').toUpperCase()}'`);

function flip(file) {
	const bytes = readFileSync(path.join(data, file));
	bytes[bytes.length >> 1] ^= 1;
	writeFileSync(path.join(data, file), bytes);
}

before(async () => { server = await startServer({ data: work }); });
after(async () => {
	await server?.stop();
	rmSync(work, { recursive: true, force: true });
});

test('a directory without a database is refused, and nothing is made there', async () => {
	const run = await runProgram(['fsck', '--data', path.join(work, 'none')]);
	assert.deepEqual([run.code, run.stdout], [2, '']);
	assert.match(run.stderr, /^tintype fsck: There is no database in .*; name the data directory with --data\.\n$/);
	assert.ok(!existsSync(path.join(work, 'none')));
	assert.match((await runProgram(['fsck', '--jobs', '0', '--data', data])).stderr, /--jobs must be a number, at least 1/);
	const closed = path.join(work, 'closed'), args = ['fsck', '--data', closed];
	mkdirSync(closed, { mode: 0 });
	const [command, ...more] = process.getuid() === 0 ? ['setpriv', '--bounding-set=-all', program(), ...args] : [program(), ...args];
	const denied = spawnSync(command, more, { env: childEnv({}), encoding: 'utf8' });
	assert.deepEqual([denied.status, denied.stderr], [2, `tintype fsck: The database in ${closed} may not be read by this user; run this as the server's user.\n`]);
	assert.match((await runProgram(['fsck', '--data', data], { env: { BUCKET_NAME: 'another' } })).stderr, /There is no bucket another in .*: set BUCKET_NAME to the server's\./);
});

test('a server with images, thumbnails, buckets and uploads in parts is clean, running and stopped', async () => {
	const who = credentials(server).tintype;
	for (const bytes of [photo, tinyPng, corpus('good/private.jpg'), corpus('good/animated.webp')]) {
		const image = await upload(bytes);
		for (const size of Object.values(image.thumbnails ?? image.links?.thumbnails ?? {}))
			await fetchUrl(typeof size === 'string' ? size : size.url);
	}
	await openSlot(server);
	assert.equal((await s3(server, 'PUT', '/other', { who })).status, 200);
	assert.equal((await s3(server, 'PUT', '/other/a b/é.bin', { who, body: Buffer.alloc(20000, 7) })).status, 200);
	assert.equal((await s3(server, 'PUT', '/other/small', { who, body: 'small' })).status, 200);
	const started = await s3(server, 'POST', '/other/parts', { who, query: { uploads: '' } });
	const uploadId = started.element('UploadId'), etags = [];
	for (const [i, body] of [Buffer.alloc(5 << 20, 1), Buffer.from('the end')].entries())
		etags.push((await s3(server, 'PUT', '/other/parts', { who, query: { uploadId, partNumber: i + 1 }, body })).headers.etag);
	assert.equal((await fsck()).code, 0);
	const xml = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join('');
	const completed = await s3(server, 'POST', '/other/parts', { who, query: { uploadId }, body: `<CompleteMultipartUpload>${xml}</CompleteMultipartUpload>` });
	assert.equal(completed.status, 200, completed.text);
	await eventually(() => sql('SELECT count(*) FROM parts') === '0', { what: 'the parts are gone' });
	const clean = await fsck();
	assert.deepEqual([clean.code, clean.stderr, clean.found], [0, '', []]);
	assert.deepEqual(clean.counts, { images: 4, objects: 7, bytes: clean.counts.bytes, unhashed: 0, marked: 0, found: 0, repaired: 0 });
	const stored = Number(sql('SELECT sum(size) FROM objects'));
	assert.equal(clean.counts.bytes, stored, 'every byte is read');
	const text = await runProgram(['fsck', '--data', data]);
	assert.match(text.stdout, /^images 4, objects read 7 \([\d.]+ MiB\), without a digest 0, marked before 0, found 0, repaired 0\n$/);
	await server.stop();
	assert.equal((await fsck('--jobs', '1')).code, 0);
	server = await startServer({ data: work });
});

/** Damage of every kind. Gives what is to be found, and of each how it is found when it has been repaired: '' not at all. */
async function plant() {
	const expected = [], images = {};
	const find = (kind, subject, left = false) => expected.push({ finding: `${kind} ${subject}`, left });
	for (const name of ['gone', 'rowless', 'flipped', 'stripped', 'cut', 'etag', 'small'])
		images[name] = await upload({ stripped: corpus('good/private.jpg'), small: tinyPng }[name] ?? photo);
	const files = {};
	for (const name of ['gone', 'rowless', 'flipped', 'stripped', 'cut'])
		files[name] = await fileOf(keyOf(images[name]));
	rmSync(path.join(data, files.gone));
	find('object_missing', images.gone.imageId);
	sql(`DELETE FROM objects WHERE key='${keyOf(images.rowless)}'`);
	find('object_missing', images.rowless.imageId);
	find('file_unnamed', files.rowless);
	for (const name of ['flipped', 'stripped']) {
		flip(files[name]);
		find('object_damaged', images[name].imageId);
	}
	assert.notEqual(sql(`SELECT removed FROM images WHERE key='${keyOf(images.stripped)}'`), '0');
	truncateSync(path.join(data, files.cut), 1000);
	find('object_damaged', images.cut.imageId);
	sql(`UPDATE objects SET etag='${'0'.repeat(32)}' WHERE key='${keyOf(images.etag)}'`);
	find('object_changed', images.etag.imageId);
	sql(`UPDATE bodies SET bytes=zeroblob(length(bytes)) WHERE file=(SELECT file FROM objects WHERE key='${keyOf(images.small)}')`);
	find('object_damaged', images.small.imageId);

	const orphan = await upload(), orphanKey = keyOf(orphan), rejected = await upload();
	await fileOf(orphanKey);
	sql(`DELETE FROM images WHERE key='${orphanKey}'; UPDATE objects SET modified_ms=1 WHERE key='${orphanKey}'`);
	find('object_orphan', orphanKey);
	for (const file of readdirSync(path.join(data, 'thumbs'), { recursive: true }).filter(name => name.includes(orphan.imageId)))
		find('thumbnail_orphan', `thumbs/${file}`);
	sql(`UPDATE images SET status=2, seq=NULL WHERE key='${keyOf(rejected)}'`);
	find('object_rejected', keyOf(rejected));
	find('counts', 'images');
	sql("INSERT INTO users(owner, issuer, subject, bytes, images, first_ms, seen_ms) VALUES('a11ce000000000000000000000000000', 'app', 'alice', 7, 1, 1, 1)");
	find('counts', 'a11ce000000000000000000000000000');

	const thumb = (id, size) => `thumbs/${id.slice(0, 2)}/${id}-grid.jpg@${size}`;
	for (const [kind, name] of [['thumbnail_orphan', thumb(randomUUID(), 5)], ['thumbnail_cut', thumb(images.etag.imageId, 99)]]) {
		mkdirSync(path.dirname(path.join(data, name)), { recursive: true });
		writeFileSync(path.join(data, name), 'bytes');
		find(kind, name);
	}
	for (const [kind, name] of [['upload_leftover', 'incoming/00000000deadbeef'], ['upload_leftover', 'incoming/other'], ['thumbnail_cut', 'thumbs/new-77'],
		['file_unnamed', 'objects/000000/00000000000fffff'], ['file_unnamed', 'objects/000000/name'], ['file_unnamed', 'objects/stray']]) {
		writeFileSync(path.join(data, name), 'bytes');
		utimesSync(path.join(data, name), long, long);
		find(kind, name);
	}
	writeFileSync(path.join(data, 'incoming/00000000deadbeee'), 'perhaps an upload that goes on');
	for (const key of ['a b/é.bin', 'parts'])
		flip(await fileOf(key));
	find('object_damaged', 'other/a b/é.bin', true);
	find('object_damaged', 'other/parts', true);
	return { expected, images, files };
}

test('every kind of damage is found beside the running server, which repairs it; what is lost stays in the list and says so', async () => {
	const { expected, images, files } = await plant();
	const all = expected.map(e => e.finding).sort(), left = expected.filter(e => e.left).map(e => e.finding).sort();
	const first = await fsck();
	assert.deepEqual([first.found, first.code, first.stderr], [all, 1, '']);
	assert.deepEqual((await fsck()).found, all, 'nothing was changed');
	const text = await runProgram(['fsck', '--data', data]);
	assert.match(text.stdout, new RegExp(`^found object_damaged ${images.cut.imageId}: the bytes of an object are not those that were stored; it has 1000 bytes and not ${images.cut.fileSize}$`, 'm'));
	assert.match(text.stdout, /\nRun it with --repair to repair what can be repaired\.\n$/);

	const repair = await fsck('--repair');
	assert.deepEqual([repair.found, repair.left, repair.code, repair.stderr], [all, left, 1, '']);
	assert.equal(repair.counts.repaired, all.length - left.length);
	await eventually(() => server.events('fsck.repaired').length >= all.length - left.length, { what: 'their lines in the log' });
	const logged = server.events('fsck.repaired').map(e => `${e.kind} ${e.subject}`).sort();
	assert.deepEqual(logged, all.filter(finding => !left.includes(finding)));
	assert.ok(!existsSync(path.join(data, 'fsck')));

	for (const [name, damage] of Object.entries({ gone: 'missing', rowless: 'missing', flipped: 'damaged', stripped: 'damaged', cut: 'damaged', etag: 'changed', small: 'damaged' })) {
		const record = (await call(server, 'GET', `/images/${images[name].imageId}`)).json;
		assert.deepEqual([record.status, record.verdict, record.damage], ['uploaded', 'corrupt', `object_${damage}`], name);
	}
	const aside = readdirSync(path.join(data, 'quarantine')).sort();
	assert.deepEqual(aside, [path.basename(files.rowless), '00000000000fffff', 'name', 'stray'].sort());
	assert.equal(createHash('md5').update(readFileSync(path.join(data, 'quarantine', path.basename(files.rowless)))).digest('hex'), images.rowless.etag, 'nothing is lost');
	assert.ok(existsSync(path.join(data, 'incoming/00000000deadbeee')));

	const again = await fsck();
	assert.deepEqual([again.found, again.counts.marked], [left, 7]);
	const who = credentials(server).tintype;
	for (const key of ['a b/é.bin', 'parts'])
		assert.equal((await s3(server, 'DELETE', `/other/${key}`, { who })).status, 204);
	assert.deepEqual([(await fsck()).code, (await fsck()).counts.marked], [0, 7]);
});

test('an image whose object is put back from a backup is found to be whole, and its mark is removed; without a server the command repairs', async () => {
	const [id, hex] = sql("SELECT hex(id), damage FROM images WHERE damage='object_damaged' LIMIT 1").split(' ');
	assert.equal(hex, 'object_damaged');
	const image = await upload(), file = await fileOf(keyOf(image)), name = path.join(data, file);
	renameSync(name, path.join(work, 'kept'));
	await server.stop();
	writeFileSync(path.join(data, 'incoming/00000000deadbeef'), 'left over, however young');
	const lost = await fsck('--repair');
	assert.deepEqual(lost.found, [`object_missing ${image.imageId}`, 'upload_leftover incoming/00000000deadbeee', 'upload_leftover incoming/00000000deadbeef'].sort());
	assert.deepEqual([lost.left, lost.code], [[], 1]);
	assert.deepEqual(lost.repaired, [`object_missing ${image.imageId}`]);
	assert.deepEqual(readdirSync(path.join(data, 'incoming')), []);
	renameSync(path.join(work, 'kept'), name);
	server = await startServer({ data: work });
	const back = await fsck('--repair');
	assert.deepEqual([back.found, back.left], [[`object_back ${image.imageId}`], []]);
	const record = (await call(server, 'GET', `/images/${image.imageId}`)).json;
	assert.deepEqual([record.verdict, record.damage], [undefined, undefined]);
	assert.equal((await fsck()).code, 0);
	assert.ok(id);
});

test('while clients upload and delete, nothing is found', async () => {
	let stop = false, uploads = 0, deletes = 0;
	const who = credentials(server).tintype;
	const client = async n => {
		for (let i = 0; !stop; i++) {
			const image = i % 3 === 0 ? await upload(tinyPng) : await upload(corpus(`good/${['photo', 'private'][n % 2]}.jpg`));
			const slot = await openSlot(server), key = `/other/${n}`;
			assert.equal((await putBytes(slot, tinyPng)).status, 200);
			assert.equal((await s3(server, 'PUT', key, { who, body: Buffer.alloc(20000 + i) })).status, 200);
			uploads += 3;
			for (const one of [image, slot])
				if (i % 4 !== 3) {
					assert.equal((await call(server, 'DELETE', `/images/${one.imageId}`)).status, 204);
					deletes++;
				}
			assert.equal((await s3(server, 'DELETE', key, { who })).status, 204);
		}
	};
	const clients = [0, 1, 2, 3].map(client);
	const runs = [];
	try {
		for (let i = 0; runs.length < 3 && i < 1000; i++) {
			const before = deletes, run = await fsck('--jobs', '3');
			if (deletes > before || run.code !== 0)
				runs.push([run.found, run.code, run.stderr]);
		}
	} finally {
		stop = true;
		await Promise.all(clients);
	}
	assert.deepEqual(runs, [[[], 0, ''], [[], 0, ''], [[], 0, '']], `${uploads} uploads, ${deletes} deletions`);
});

test('files of the same name from several folders, and from earlier repairs, are all moved aside', async () => {
	const aside = () => Object.fromEntries(readdirSync(path.join(data, 'quarantine')).filter(name => name.startsWith('namesake')).map(name => [name, readFileSync(path.join(data, 'quarantine', name), 'utf8')]));
	const put = (dir, text) => { mkdirSync(path.join(data, 'objects', dir), { recursive: true }); writeFileSync(path.join(data, 'objects', dir, 'namesake'), text); };
	put('here', 'one');
	put('there', 'two');
	assert.equal((await fsck('--repair')).counts.repaired, 2);
	put('here', 'three');
	assert.equal((await fsck('--repair')).counts.repaired, 1);
	assert.deepEqual(Object.keys(aside()).sort(), ['namesake', 'namesake.1', 'namesake.2']);
	assert.deepEqual(Object.values(aside()).sort(), ['one', 'three', 'two']);
});

test('a repair that is killed is ended by the server, or by the next one, and nothing is repaired twice or lost', async () => {
	const images = await Promise.all(Array.from({ length: 12 }, () => upload())), unnamed = 60;
	const files = await Promise.all(images.map(image => fileOf(keyOf(image))));
	files.forEach(flip);
	for (let i = 0; i < unnamed; i++)
		writeFileSync(path.join(data, `objects/000000/0000000000${(0xe000 + i).toString(16).padStart(6, '0')}`), String(i));
	const had = readdirSync(path.join(data, 'quarantine')).length, repaired = server.events('fsck.repaired').length;
	const child = spawn(program(), ['fsck', '--repair', '--json', '--data', data], { env: childEnv({}), stdio: 'ignore' }), ended = once(child, 'exit');
	await eventually(() => server.events('fsck.repaired').length > repaired, { what: 'the server repairs' });
	child.kill('SIGKILL');
	await server.kill('SIGKILL');
	await ended;
	const rest = await fsck('--repair');
	assert.deepEqual([rest.left, rest.stderr], [[], '']);
	assert.ok(!existsSync(path.join(data, 'fsck')));
	server = await startServer({ data: work });
	const clean = await fsck();
	assert.deepEqual([clean.code, clean.found], [0, []]);
	assert.equal(readdirSync(path.join(data, 'quarantine')).length, had + unnamed);
	for (const image of images)
		assert.equal((await call(server, 'GET', `/images/${image.imageId}`)).json.damage, 'object_damaged');
});

test('where most objects are lost nothing is marked', async () => {
	const before = sql("SELECT count(*) FROM images WHERE damage <> ''"), images = Number(sql('SELECT count(*) FROM images WHERE status=1'));
	const added = [];
	for (let i = 0; i < images + 10; i++)   // more than those whose objects the tests above took
		added.push(await upload());
	for (const image of added)
		await fileOf(keyOf(image));
	await server.stop();
	for (const dir of readdirSync(path.join(data, 'objects')))
		renameSync(path.join(data, 'objects', dir), path.join(work, `away-${dir}`));
	const run = await fsck('--repair');
	assert.equal(run.code, 2);
	assert.match(run.stderr, /^tintype fsck: \d+ objects are lost, more than half: nothing was repaired\. Check that the disk is mounted/);
	assert.equal(sql("SELECT count(*) FROM images WHERE damage <> ''"), before);
	for (const dir of readdirSync(work).filter(name => name.startsWith('away-')))
		renameSync(path.join(work, dir), path.join(data, 'objects', dir.slice('away-'.length)));
	server = await startServer({ data: work });
	assert.equal((await fsck()).code, 0);
});

test('a damaged database is found', async () => {
	await server.stop();
	const page = Number(sql("SELECT rootpage FROM sqlite_schema WHERE name='kept_ids_ends'")), size = Number(sql('PRAGMA page_size'));
	const database = openSync(path.join(data, 'tintype.db'), 'r+');
	writeSync(database, Buffer.alloc(size, 0xff), 0, size, (page - 1) * size);
	closeSync(database);
	const run = await fsck('--repair');
	assert.deepEqual([run.found, run.left, run.code], [['database tintype.db'], ['database tintype.db'], 1]);
	assert.match(run.lines[0].detail, new RegExp(`\\bpage ${page}\\b`, 'i'));
	server = undefined;
});
