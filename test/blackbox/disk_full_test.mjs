// A real full disk: the data directory on a small tmpfs in a private mount namespace.
// Uploads are refused below the reserve and on a full disk, nothing is recorded or left,
// reads and deletes continue, and uploads work again without a restart once there is space.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { call, eventually, fetchUrl, openSlot, putBytes, startServer, uploadImage } from './support/server.mjs';

const MIB = 1 << 20;

/** A JPEG of just this many bytes or up to 100 fewer: quantization tables, which are kept, fill it up. */
function bigJpeg(size) {
	const table = `00${'01'.repeat(64)}`;
	const tail = Buffer.from(`ffc0000b080001000101011100ffc4001400010${'0'.repeat(31)}ffc40014100100${'0'.repeat(30)}`
		+ 'ffda0008010100003f000fffd9', 'hex');
	const pieces = [Buffer.from('ffd8', 'hex')];
	for (let left = size - pieces[0].length - tail.length; left >= 69;) {
		const n = Math.min(1000, Math.floor((left - 4) / 65));
		const segment = Buffer.from(`ffdb0000${table.repeat(n)}`, 'hex');
		segment.writeUInt16BE(2 + 65 * n, 2);
		pieces.push(segment);
		left -= segment.length;
	}
	return Buffer.concat([...pieces, tail]);
}

/** A server whose data directory is on a tmpfs of `size` bytes. */
async function onSmallDisk(size, args, body) {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-full-'));
	const mount = `mount -t tmpfs -o size=${size} none "$0" && exec "$@"`;
	const server = await startServer({ data: dir, args, wrap: ['unshare', '-rm', 'sh', '-c', mount, dir] });
	try {
		await body(server, server.pid);
	} finally {
		await server.kill('SIGTERM');
		rmSync(dir, { recursive: true, force: true });
	}
}

/** Files in incoming/ as the server's own mount namespace has them. */
function incoming(server) {
	const seen = spawnSync('ls', [`/proc/${server.pid}/root${server.data}/incoming`], { encoding: 'utf8' });
	assert.equal(seen.status, 0, seen.stderr);
	return seen.stdout.trim();
}

async function fill(server, bytes) {
	const ids = [];
	for (;;) {
		const slot = await openSlot(server, { fileName: 'a.jpg', fileType: 'image/jpeg' });
		const put = await putBytes(slot, bytes);
		if (put.status !== 200)
			return { ids, slot, put };
		ids.push(slot.imageId);
		assert.ok(ids.length < 1000, 'the disk never gets full');
	}
}

for (const [what, size, reserve] of [['below the reserve', 32 * MIB, 8 * MIB], ['at the end of the disk', 12 * MIB, 0]]) {
	test(`${what} uploads are refused, reads and deletes go on, and uploads work again once there is space`, { timeout: 300000 }, async () => {
		await onSmallDisk(size, ['--reserve', String(reserve)], async server => {
			const picture = bigJpeg(2 * MIB);
			const { ids, slot, put } = await fill(server, picture);
			assert.ok(ids.length > 0);
			assert.equal(put.status, 503, put.text);
			assert.match(put.text, /<Code>SlowDown<\/Code>/);
			if (reserve === 0) {   // a body without a length is found not to fit only when the disk is full
				const streamed = await fetchUrl(slot.uploadUrl, { method: 'PUT', body: new Blob([picture]).stream(), headers: slot.headers, duplex: 'half' });
				assert.equal(streamed.status, 503, streamed.text);
				assert.match(streamed.text, /<Code>SlowDown<\/Code>/);
			}
			assert.equal((await call(server, 'GET', `/images/${slot.imageId}`)).json.status, 'pending', 'a full disk is no verdict');
			await eventually(() => incoming(server) === '', { what: 'an empty incoming/' });

			const { json } = await call(server, 'GET', `/images/${ids[0]}`);
			assert.ok((await fetchUrl(json.downloadUrl)).bytes.equals(picture));
			for (const id of ids.slice(0, 3))
				assert.equal((await call(server, 'DELETE', `/images/${id}`)).status, 204);
			await eventually(async () => (await putBytes(slot, picture)).status === 200, { what: 'the upload when there is room' });
		});
	});
}

test('readiness reports a full disk, and when it is over', { timeout: 300000 }, async () => {
	await onSmallDisk(16 * MIB, ['--reserve', String(12 * MIB)], async server => {
		const before = await uploadImage(server);
		assert.equal((await fetchUrl(`${server.admin}/readyz`)).status, 200);
		const { ids } = await fill(server, bigJpeg(MIB));
		// A body is refused if it would reach into the reserve; rows use the rest until then.
		const full = await eventually(async () => {
			await openSlot(server);
			const answer = await fetchUrl(`${server.admin}/readyz`);
			return answer.status === 503 && answer;
		}, { everyMs: 0, what: 'readyz 503' });
		assert.match(full.text, /room|space|full|reserve/i);
		const { json: page } = await call(server, 'GET', '/images?limit=1000');
		assert.deepEqual(page.images.map(i => i.imageId).sort(), [before.slot.imageId, ...ids].sort(), 'what is listed is what was taken');
		for (const id of [before.slot.imageId, ...ids])
			await call(server, 'DELETE', `/images/${id}`);
		await eventually(async () => (await fetchUrl(`${server.admin}/readyz`)).status === 200, { what: 'readyz 200' });
	});
});

/** A tmpfs that outlives its servers: body({ wrap, seen }), wrap for startServer, seen the directory from here. */
async function onLastingDisk(size, body) {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-full-'));
	const holder = spawn('unshare', ['-rm', 'sh', '-c', `mount -t tmpfs -o size=${size} none "$0" && echo mounted && exec cat`, dir],
		{ stdio: ['pipe', 'pipe', 'inherit'] });
	try {
		const [said] = await once(holder.stdout, 'data');
		assert.equal(String(said).trim(), 'mounted');
		const wrap = ['nsenter', '-t', String(holder.pid), '-U', '--preserve-credentials', '-m'];
		await body({ dir, wrap, seen: `/proc/${holder.pid}/root${dir}` });
	} finally {
		const ended = once(holder, 'exit');
		holder.stdin.end();
		await ended;
		rmSync(dir, { recursive: true, force: true });
	}
}

/** Write to a file until nothing fits; its size. */
function takeRoom(file) {
	const fd = openSync(file, 'a');
	let size = 0;
	for (let n = 1 << 20; n >= 512; n /= 2) {
		try {
			for (;;)
				size += writeSync(fd, Buffer.alloc(n, 'x'));
		} catch (e) {
			assert.equal(e.code, 'ENOSPC');
		}
	}
	closeSync(fd);
	return size;
}

test('a start on a full disk works by the ballast, one without it says how much room it needs, and with that it works', { timeout: 300000 }, async () => {
	await onLastingDisk(16 * MIB, async ({ dir, wrap, seen }) => {
		const start = () => startServer({ data: dir, args: ['--reserve', '0'], wrap });
		const filler = path.join(seen, 'filler');
		let server = await start();
		const pictures = [await uploadImage(server), await uploadImage(server)];
		await server.kill('SIGTERM');
		takeRoom(filler);

		server = await start();
		assert.equal((await call(server, 'GET', `/images/${pictures[0].slot.imageId}`)).status, 200);
		assert.equal((await call(server, 'DELETE', `/images/${pictures[0].slot.imageId}`)).status, 204);
		await server.kill('SIGTERM');
		assert.ok(!existsSync(path.join(seen, 'data/ballast')), 'it was given up');

		takeRoom(filler);
		await assert.rejects(start(), error => {
			const said = /^tintype serve: The disk that holds (.+) is full: free at least (\d+) MiB there and start again\.$/m.exec(error.message);
			assert.ok(said, error.message);
			assert.equal(said[1], path.join(dir, 'data'));
			rmSync(filler);
			truncateSync(filler, takeRoom(filler) - Number(said[2]) * MIB);
			return true;
		});
		server = await start();
		assert.equal((await call(server, 'DELETE', `/images/${pictures[1].slot.imageId}`)).status, 204);
		rmSync(filler);
		await uploadImage(server);
		await eventually(() => existsSync(path.join(seen, 'data/ballast')), { what: 'the ballast' });
		await server.kill('SIGTERM');
	});
});
