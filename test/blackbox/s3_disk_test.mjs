// Plain objects on a full disk: a refused request leaves nothing, existing objects stay whole, and
// deletes free space.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { eventually } from './support/server.mjs';
import { framed, sendHead, signedHead } from './support/s3.mjs';
import { files, filled, md5, MIB, startStore } from './support/s3_faults.mjs';

/** A store whose data directory is on a tmpfs of so many bytes, in a mount namespace of its own. */
async function onSmallDisk(size, reserve, body) {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-s3-full-'));
	const mount = `mount -t tmpfs -o size=${size} none "$0" && exec "$@"`;
	const store = await startStore({ data: dir, args: ['--reserve', String(reserve)], wrap: ['unshare', '-rm', 'sh', '-c', mount, dir] });
	try {
		await body(store);
	} finally {
		await store.stop();
		rmSync(dir, { recursive: true, force: true });
	}
}

const put = (store, key, body) => store.ask('PUT', `/things/${key}`, { body, payload: 'UNSIGNED-PAYLOAD' });

/** Put objects until one is refused: the accepted keys. */
async function fill(store, size, prefix) {
	for (let n = 0; ; n++) {
		assert.ok(n < 5000, 'the disk never gets full');
		const answer = await put(store, `${prefix}${n}`, filled(size, `${prefix}${n}`));
		if (answer.status === 200)
			continue;
		store.refused(answer, 503, 'SlowDown', `${prefix}${n}`);
		return Array.from({ length: n }, (_, i) => `${prefix}${i}`);
	}
}

/** A PUT without a length. */
function putStreamed(store, key, body, query = {}) {
	const head = signedHead(store.server, 'PUT', `/things/${key}`, { who: store.who, query, payload: 'UNSIGNED-PAYLOAD' });
	return sendHead(store.server, head, Array.from({ length: Math.ceil(body.length / 65536) }, (_, i) => body.subarray(i * 65536, (i + 1) * 65536)));
}

function putFramed(store, key, body, announced = body.length) {
	const head = signedHead(store.server, 'PUT', `/things/${key}`, { who: store.who, payload: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
		headers: { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': announced } });
	return sendHead(store.server, head, framed(head, body, { signed: true }));
}

for (const [what, size, reserve] of [['below the reserve', 48 * MIB, 8 * MIB], ['at the end of the disk', 32 * MIB, 0]]) {
	test(`${what} put, part, complete and copy are refused and leave nothing, and deletes free space`, { timeout: 300000 }, async () => {
		await onSmallDisk(size, reserve, async store => {
			const { server } = store, part = filled(5 * MIB, 'part');
			const uploadId = await store.begin('/things/upload');
			const parts = [];
			for (const n of [1, 2])
				parts.push([n, (await store.part('/things/upload', uploadId, n, part)).headers.etag]);
			const large = await fill(store, 2 * MIB, 'large');
			assert.ok(large.length > 0);
			await store.settled();
			const before = files(server, 'objects');

			const big = filled(4 * MIB, 'big'), copied = { 'x-amz-copy-source': `/things/${large[0]}` };
			const refusals = {
				put: () => put(store, 'more', big),
				'put, without a length': () => putStreamed(store, 'more', big),
				'put, in signed chunks': () => putFramed(store, 'more', big),
				'put over what is there': () => put(store, large[0], big),
				part: () => store.part('/things/upload', uploadId, 3, big),
				'part, without a length': () => putStreamed(store, 'upload', big, { uploadId, partNumber: '3' }),
				complete: () => store.complete('/things/upload', uploadId, parts),
				copy: () => store.ask('PUT', '/things/more', { headers: copied }),
				'copy of a part': () => store.ask('PUT', '/things/upload', { query: { uploadId, partNumber: '3' }, headers: copied }),
			};
			for (const [name, ask] of Object.entries(refusals)) {
				store.refused(await ask(), 503, 'SlowDown', name);
				await store.settled();
				assert.equal(files(server, 'objects'), before, `${name} leaves no file`);
			}
			assert.deepEqual(await store.keys(), [...large].sort(), 'what is listed is what was taken');
			const listed = await store.ask('GET', '/things/upload', { query: { uploadId } });
			assert.deepEqual([...listed.text.matchAll(/<PartNumber>(\d+)</g)].map(m => m[1]), ['1', '2']);
			for (const key of large)
				assert.equal((await store.ask('GET', `/things/${key}`)).headers.etag, `"${md5(filled(2 * MIB, key))}"`);

			const doomed = large.slice(1);
			const body = `<Delete>${doomed.map(key => `<Object><Key>${key}</Key></Object>`).join('')}</Delete>`;
			const gone = await store.ask('POST', '/things', { query: { delete: '' }, body, headers: { 'x-amz-checksum-sha1': 'x' } });
			store.refused(gone, 400, 'InvalidRequest', 'a malformed checksum');
			for (const key of doomed)
				assert.equal((await store.ask('DELETE', `/things/${key}`)).status, 204);
			const done = await eventually(async () => {
				const answer = await store.complete('/things/upload', uploadId, parts);
				return answer.status === 200 && answer;
			}, { what: 'the upload is completed when there is room' });
			assert.match(done.element('ETag'), /-2&quot;$/);
			assert.ok((await store.ask('GET', '/things/upload')).bytes.equals(Buffer.concat([part, part])));
			assert.equal((await put(store, 'more', big)).status, 200);
		});
	});
}

test('small objects that fill the disk are refused in time, can be read, and can be deleted', { timeout: 300000 }, async () => {
	await onSmallDisk(24 * MIB, 8 * MIB, async store => {
		await fill(store, 2 * MIB, 'large');
		const small = [];
		// Small ones are in the database: they are accepted a little longer, until there is no space for rows either.
		for (let n = 0, answer = { status: 200 }; answer.status === 200; n++) {
			assert.ok(n < 5000, 'the disk never gets full');
			answer = await put(store, `small${n}`, filled(16000, `small${n}`));
			if (answer.status === 200)
				small.push(`small${n}`);
			else
				store.refused(answer, 503, 'SlowDown', `small${n}`);
		}
		const keys = await store.keys('/things', { prefix: 'small' });
		assert.deepEqual(keys, [...small].sort());
		for (const key of small.slice(-5))
			assert.ok((await store.ask('GET', `/things/${key}`)).bytes.equals(filled(16000, key)));
		for (const key of await store.keys())
			assert.equal((await store.ask('DELETE', `/things/${key}`)).status, 204);
		assert.deepEqual(await store.keys(), []);
		await eventually(async () => (await put(store, 'again', filled(16000, 'again'))).status === 200, { what: 'small objects are taken again' });
	});
});

test('no space is reserved for an impossible decoded length', { timeout: 300000 }, async () => {
	await onSmallDisk(24 * MIB, 8 * MIB, async store =>
		store.refused(await putFramed(store, 'lie', filled(100, 'lie'), 1024 * MIB), 400, 'IncompleteBody'));
});

test('abandoned multipart uploads cannot fill the disk, and aborting them frees space', { timeout: 300000 }, async () => {
	await onSmallDisk(24 * MIB, 8 * MIB, async store => {
		const uploads = [];
		for (let refused = false; !refused;) {
			const id = await store.begin(`/things/open${uploads.length}`);
			uploads.push(id);
			const answer = await store.part(`/things/open${uploads.length - 1}`, id, 1, filled(2 * MIB, 'open'));
			refused = answer.status !== 200;
			if (refused)
				store.refused(answer, 503, 'SlowDown');
			assert.ok(uploads.length < 100, 'the disk never gets full');
		}
		await store.settled();
		for (const [n, id] of uploads.entries())
			assert.equal((await store.ask('DELETE', `/things/open${n}`, { query: { uploadId: id } })).status, 204);
		await eventually(() => files(store.server, 'objects') === 0, { what: 'the parts are gone' });
		assert.equal((await put(store, 'again', filled(2 * MIB, 'again'))).status, 200);
	});
});
