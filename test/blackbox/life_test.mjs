// The life cycle of an image over HTTP: pending, then uploaded or rejected, then deleted; when each state expires, what a
// slot accepts in each state, and that nothing is left on disk.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { png } from './support/png.mjs';
import { presign } from './support/presign.mjs';
import { call, corpus, credentials, eventually, fetchUrl, openSlot, parseAnswer, postForm, putBytes, rawSocket, startServer, tinyPng, uploadImage } from './support/server.mjs';

const jpeg = corpus('good/photo.jpg');
const code = answer => /<Code>(\w+)<\/Code>/.exec(answer.text ?? answer.body)?.[1];
const record = async (server, slot) => call(server, 'GET', `/images/${slot.imageId}`);
const keyOf = slot => new URL(slot.fileUrl).pathname.split('/').slice(2).join('/');

async function start(t, options) {
	const server = await startServer(options);
	t.after(() => server.stop());
	return server;
}

/** The bodies that are on disk, whether in their place or on their way to it. */
function bodies(server) {
	const files = folder => readdirSync(path.join(server.data, folder), { recursive: true, withFileTypes: true }).filter(e => e.isFile());
	return [...files('incoming'), ...files('objects')].map(e => e.name);
}

/** Send the head and a part of a PUT; finish(rest) sends the rest and returns the response. */
async function beginPut(t, slot, bytes, part = 1000) {
	const { host, pathname, search, origin } = new URL(slot.uploadUrl);
	const raw = await rawSocket(origin);
	t.after(() => raw.end());
	await raw.send(`PUT ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${slot.headers['Content-Type']}\r\nContent-Length: ${bytes.length}\r\nExpect: 100-continue\r\n\r\n`);
	await raw.until(text => text.includes('100 Continue'));
	await raw.send(bytes.subarray(0, part));
	return async () => {
		await raw.send(bytes.subarray(part));
		return parseAnswer(await raw.until(text => parseAnswer(text)?.whole));
	};
}

describe('one server', () => {
	let server;
	before(async () => { server = await startServer(); });
	after(() => server?.stop());

	test('pending, uploaded, deleted: what each state shows', async () => {
		const asked = Date.now();
		const slot = await openSlot(server, { fileName: 'a.jpg', fileType: 'image/jpg', fileSize: jpeg.length });
		const pending = (await record(server, slot)).json;
		assert.equal(pending.status, 'pending');
		assert.equal(pending.fileType, 'image/jpeg');
		assert.ok(!('downloadUrl' in pending) && !('uploadedAt' in pending) && !('width' in pending), JSON.stringify(pending));
		const life = Date.parse(slot.expiresAt) - asked;
		assert.ok(life > 290000 && life < 310000, slot.expiresAt);
		assert.equal((await call(server, 'GET', `/images/${slot.imageId}/file`)).status, 404);
		const early = await call(server, 'POST', `/images/${slot.imageId}/complete`);
		assert.deepEqual([early.status, early.json.code], [409, 'not_arrived']);
		assert.equal((await fetchUrl(presign(server, 'GET', keyOf(slot), { who: credentials(server).tintype }))).status, 404);

		assert.equal((await putBytes(slot, jpeg)).status, 200);
		const { json: image } = await record(server, slot);
		assert.equal(image.status, 'uploaded');
		assert.equal(image.fileName, 'a.jpg');
		assert.equal(image.fileSize, jpeg.length);
		assert.equal(image.fileType, 'image/jpeg');
		assert.equal(image.fileUrl, slot.fileUrl);
		assert.match(image.uploadedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
		assert.ok(Date.parse(image.uploadedAt) >= asked - 1 && Date.parse(image.uploadedAt) <= Date.now() + 1);
		const complete = await call(server, 'POST', `/images/${slot.imageId}/complete`);
		assert.equal(complete.status, 200);
		assert.equal(complete.json.uploadedAt, image.uploadedAt, 'looking again changes nothing');
		assert.equal((await fetchUrl(slot.fileUrl)).status, 403, 'the bucket is private');
		const file = await call(server, 'GET', `/images/${slot.imageId}/file`);
		assert.equal(file.status, 302);
		const got = await fetchUrl(file.headers.get('location'));
		assert.ok(got.bytes.equals(jpeg));
		assert.match(got.headers.get('content-disposition'), /a\.jpg/);

		assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`)).status, 204);
		for (const answer of [await record(server, slot), await call(server, 'DELETE', `/images/${slot.imageId}`),
			await call(server, 'POST', `/images/${slot.imageId}/complete`), await call(server, 'GET', `/images/${slot.imageId}/file`)])
			assert.deepEqual([answer.status, answer.json.code], [404, 'no_such_image']);
		assert.equal(code(await fetchUrl(image.downloadUrl)), 'NoSuchKey');
		assert.ok(!(await call(server, 'GET', '/images?limit=1000')).json.images.some(i => i.imageId === slot.imageId));
		await eventually(() => bodies(server).length === 0, { what: 'the end of its file' });
	});

	for (const [what, leave] of Object.entries({
		rejected: async slot => assert.equal((await putBytes(slot, Buffer.from('<html>'))).status, 400),
		deleted: async slot => assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`)).status, 204),
		'uploaded and deleted': async slot => {
			assert.equal((await putBytes(slot, tinyPng)).status, 200);
			assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`)).status, 204);
		},
	})) {
		test(`a slot that is ${what} slot is closed: 403 with a message, and no byte is left`, async () => {
			const slot = await openSlot(server);
			await leave(slot);
			const put = await putBytes(slot, tinyPng);
			assert.deepEqual([put.status, code(put)], [403, 'AccessDenied']);
			assert.match(put.text, /<Message>[^<]*slot[^<]*<\/Message>/);
			await eventually(() => bodies(server).length === 0, { what: 'no bodies' });
		});

		test(`a slot that is ${what} while its bytes arrive ends with 403 and no byte is left`, async t => {
			const slot = await openSlot(server);
			const finish = await beginPut(t, slot, tinyPng, 20);
			await leave(slot);
			const answer = await finish();
			assert.deepEqual([answer.status, code(answer)], [403, 'AccessDenied']);
			await eventually(() => bodies(server).length === 0, { what: 'no bodies' });
			assert.equal((await record(server, slot)).json.status, what === 'rejected' ? 'rejected' : 404);
		});
	}

	test('a rejection keeps its reason, is in no list, and can be deleted', async () => {
		const slot = await openSlot(server);
		const put = await putBytes(slot, Buffer.from('<html>'));
		const { json } = await record(server, slot);
		assert.equal(json.status, 'rejected');
		assert.ok(put.text.includes(json.reason.replace(/[<>&]/g, '')), `${put.text} contains: ${json.reason}`);
		assert.equal((await call(server, 'POST', `/images/${slot.imageId}/complete`)).json.reason, json.reason);
		assert.equal((await call(server, 'GET', `/images/${slot.imageId}/file`)).status, 404);
		assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`)).status, 204);
		assert.equal((await record(server, slot)).status, 404);
	});

	test('an image that is deleted while it is read is delivered whole, and is gone for the next request', async t => {
		const big = png(1300, 1300, { noise: true });
		const { image } = await uploadImage(server, { bytes: big, fileName: 'a.png', fileType: 'image/png' });
		await eventually(() => readdirSync(path.join(server.data, 'incoming')).length === 0, { what: 'the file in its place' });
		const { host, pathname, search, origin } = new URL(image.downloadUrl);
		const raw = await rawSocket(origin);
		t.after(() => raw.end());
		await raw.send(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
		await raw.until(text => text.includes('\r\n\r\n'));
		raw.socket.pause();
		assert.equal((await call(server, 'DELETE', `/images/${image.imageId}`)).status, 204);
		await eventually(() => bodies(server).length === 0, { what: 'the end of its file' });
		raw.socket.resume();
		const answer = parseAnswer(await raw.until(text => parseAnswer(text)?.whole));
		assert.equal(answer.status, 200);
		assert.ok(Buffer.from(answer.body, 'latin1').equals(big));
		assert.equal(code(await fetchUrl(image.downloadUrl)), 'NoSuchKey');
	});

	test('keys under images/ without a slot accept no bytes, even from the owner', async () => {
		const who = credentials(server).tintype;
		for (const key of ['images/a.png', 'images/', `images/${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}.png`, 'images/../images/x']) {
			const put = await fetchUrl(presign(server, 'PUT', key, { who }), { method: 'PUT', body: tinyPng });
			assert.ok([403, 404].includes(put.status), `${key}: ${put.status} ${put.text}`);
		}
		const slot = await openSlot(server);
		const other = keyOf(slot).replace('.png', '.jpg');
		assert.equal((await fetchUrl(presign(server, 'PUT', other, { who }), { method: 'PUT', body: tinyPng })).status, 403);
		await eventually(() => bodies(server).length === 0, { what: 'no bodies' });
	});
});

describe('expiry', { concurrency: true }, () => {
	test('URLs and forms expire, uploads that began before continue, and the row stays pending', async t => {
		const server = await start(t, { args: ['--url-ttl', '3'] });
		const { image } = await uploadImage(server);
		const shown = (await call(server, 'HEAD', `/images/${image.imageId}/file`)).headers.get('location');
		const finish = await beginPut(t, await openSlot(server), tinyPng, 20);
		const put = await openSlot(server), form = await openSlot(server, { method: 'POST' });
		const [, ...date] = /^(....)(..)(..)T(..)(..)(..)Z$/.exec(new URL(put.uploadUrl).searchParams.get('X-Amz-Date'));
		const signedAt = Date.UTC(date[0], date[1] - 1, ...date.slice(2));
		assert.equal(Date.parse(put.expiresAt), signedAt + 3000, 'the reported expiry is the signed one');
		await eventually(() => Date.now() > Date.parse(form.expiresAt), { what: 'the end of the URLs' });
		for (const answer of [await putBytes(put, tinyPng), await postForm(form, tinyPng)]) {
			assert.deepEqual([answer.status, code(answer)], [403, 'AccessDenied']);
			assert.match(answer.text, /expired/);
		}
		assert.equal((await fetchUrl(shown, { method: 'HEAD' })).status, 403, 'a URL to see it has expired too');
		assert.equal((await finish()).status, 200);
		for (const slot of [put, form])
			assert.equal((await record(server, slot)).json.status, 'pending');
		const file = await call(server, 'GET', `/images/${image.imageId}/file`);
		assert.ok((await fetchUrl(file.headers.get('location'))).bytes.equals(tinyPng), 'a fresh URL is good');
	});

	test('the sweep removes expired pending rows and rejections, keeps uploaded images, and logs it', async t => {
		const server = await start(t, { args: ['--url-ttl', '3', '--pending-ttl', '1', '--rejected-ttl', '2', '--sweep-interval', '1'] });
		const { image } = await uploadImage(server);
		const rejected = await openSlot(server);
		assert.equal((await putBytes(rejected, Buffer.from('<html>'))).status, 400);
		const pending = [await openSlot(server), await openSlot(server, { method: 'POST' })];
		for (const slot of [...pending, rejected])
			await eventually(async () => (await record(server, slot)).status === 404, { what: 'the end of a row' });
		const who = credentials(server).slots;
		for (const slot of [...pending, rejected]) {
			const put = await fetchUrl(presign(server, 'PUT', keyOf(slot), { who }), { method: 'PUT', body: tinyPng });
			assert.deepEqual([put.status, code(put)], [403, 'AccessDenied'], 'an ended slot slot is closed');
		}
		assert.ok((await fetchUrl((await record(server, image)).json.downloadUrl)).bytes.equals(tinyPng));
		assert.deepEqual(bodies(server), [], 'a small body has no file');
		await eventually(() => server.events('sweep').reduce((sum, e) => sum + e.ended, 0) === 2, { what: 'the log of the sweep' });
		await eventually(() => server.events('sweep').reduce((sum, e) => sum + e.forgotten, 0) === 1, { what: 'that of the rejected one' });
		const metrics = (await fetchUrl(`${server.admin}/metrics`)).text;
		assert.match(metrics, /^tintype_swept_rows_total 3$/m);
		assert.match(metrics, /^tintype_images\{status="pending"\} 0$/m);
	});

	test('a slot expires in time even before the sweep runs', async t => {
		const server = await start(t, { args: ['--url-ttl', '1', '--pending-ttl', '1', '--sweep-interval', '3600'] });
		const slot = await openSlot(server);
		await eventually(() => Date.now() > Date.parse(slot.expiresAt) + 1000, { what: 'the end of the slot, a second after its URL' });
		const put = await fetchUrl(presign(server, 'PUT', keyOf(slot), { who: credentials(server).slots }), { method: 'PUT', body: tinyPng });
		assert.deepEqual([put.status, code(put)], [403, 'AccessDenied']);
		assert.deepEqual(bodies(server), []);
	});

	test('an orphaned object is removed, one whose row is pending is verified first', async t => {
		const dir = mkdtempSync(path.join(tmpdir(), 'tintype-life-'));
		t.after(() => rmSync(dir, { recursive: true, force: true }));
		const first = await start(t, { data: dir });
		const { image: stays } = await uploadImage(first), { image: orphan } = await uploadImage(first), { image: unseen } = await uploadImage(first);
		await first.stop();
		// What a table that was put back from a copy would show: one row is not there, one waits again.
		const sql = `import sqlite3,sys
d=sqlite3.connect(sys.argv[1])
assert d.execute("DELETE FROM images WHERE id=?",(bytes.fromhex(sys.argv[2]),)).rowcount==1
assert d.execute("UPDATE images SET status=0,seq=NULL,ends_ms=1 WHERE id=?",(bytes.fromhex(sys.argv[3]),)).rowcount==1
d.execute("UPDATE tally SET uploaded=uploaded-2,pending=pending+1,stored_bytes=stored_bytes-2*${tinyPng.length}")
d.commit()`;
		const hex = image => image.imageId.replaceAll('-', '');
		const changed = spawnSync('python3', ['-c', sql, path.join(first.data, 'tintype.db'), hex(orphan), hex(unseen)], { encoding: 'utf8' });
		assert.equal(changed.status, 0, changed.stderr);

		const server = await start(t, { data: dir, args: ['--orphan-ttl', '1', '--sweep-interval', '1'] });
		const who = credentials(server).tintype;
		await eventually(async () => code(await fetchUrl(presign(server, 'GET', keyOf(orphan), { who }))) === 'NoSuchKey', { what: 'the end of the orphan' });
		await eventually(async () => (await record(server, unseen)).json.status === 'uploaded', { what: 'the look at what waited' });
		for (const image of [stays, unseen])
			assert.ok((await fetchUrl((await record(server, image)).json.downloadUrl)).bytes.equals(tinyPng));
		assert.equal((await call(server, 'GET', '/images')).json.count, 2);
		await eventually(() => server.events('sweep').some(e => e.orphans === 1) && server.events('sweep').some(e => e.confirmed === 1), { what: 'the log of the sweep' });
	});
});

test('pending rows are bounded: 503 with Retry-After, and each that ends frees a slot, also after a restart', async t => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-life-'));
	t.after(() => rmSync(dir, { recursive: true, force: true }));
	const full = async server => {
		const answer = await call(server, 'POST', '/upload', { json: { fileName: 'a.png', fileType: 'image/png' } });
		assert.deepEqual([answer.status, answer.json.code], [503, 'slots_full']);
		assert.match(answer.headers.get('retry-after'), /^[1-9]\d*$/);
		assert.equal(answer.headers.get('access-control-allow-origin'), '*');
		assert.match(answer.headers.get('access-control-expose-headers'), /Retry-After/);
	};
	const first = await start(t, { data: dir, args: ['--max-pending', '3'] });
	const slots = await Promise.all([1, 2, 3].map(() => openSlot(first)));
	await full(first);
	assert.equal((await putBytes(slots[0], tinyPng)).status, 200, 'a slot that was given is good');
	slots.push(await openSlot(first));
	await full(first);
	assert.equal((await putBytes(slots[1], Buffer.from('<html>'))).status, 400);
	slots.push(await openSlot(first));
	await full(first);
	await first.stop();
	const again = await start(t, { data: dir, args: ['--max-pending', '3'] });
	await full(again);
	assert.equal((await call(again, 'DELETE', `/images/${slots[2].imageId}`)).status, 204);
	await openSlot(again);
	await full(again);
});
