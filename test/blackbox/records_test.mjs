// What an application keeps of an image: metadata, changes under a condition, lists, repeated requests, tighter slots.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { png } from './support/png.mjs';
import { call, eventually, fetchUrl, openSlot, postForm, putBytes, startServer, tinyPng, uploadImage } from './support/server.mjs';

const problem = (answer, status, code) => assert.deepEqual([answer.status, answer.json?.code], [status, code], answer.text);

describe('one server', () => {
	let server;
	before(async () => { server = await startServer(); });
	after(() => server?.stop());
	const record = imageId => call(server, 'GET', `/images/${imageId}`);
	const patch = (imageId, json, headers) => call(server, 'PATCH', `/images/${imageId}`, { json, headers });

	test('metadata are in the record from the slot on, and in lists', async () => {
		const metadata = { b: 'ä"\u2028', a: '', 'with blanks': '\t' };
		const { image } = await uploadImage(server, { metadata });
		assert.deepEqual(image.metadata, metadata);
		assert.deepEqual(Object.keys(image.metadata), ['a', 'b', 'with blanks']);
		const page = (await call(server, 'GET', '/images')).json;
		assert.deepEqual(page.images.find(({ imageId }) => imageId === image.imageId).metadata, metadata);
	});

	test('of two editors who read the same record one is refused, and reads before it writes again', async () => {
		const { slot: { imageId } } = await uploadImage(server, { metadata: { title: 'first' } });
		const read = [await record(imageId), await record(imageId)];
		assert.equal(read[0].headers.get('etag'), `"${read[0].json.version}"`);
		const write = (n, json) => patch(imageId, json, { 'If-Match': read[n].headers.get('etag') });
		const answers = await Promise.all([write(0, { metadata: { title: 'one' } }), write(1, { metadata: { title: 'two' } })]);
		assert.deepEqual(answers.map(a => a.status).sort(), [200, 412]);
		const winner = answers.find(a => a.status === 200), loser = answers.find(a => a.status === 412);
		problem(loser, 412, 'precondition');
		const now = await record(imageId);
		assert.deepEqual(now.json.metadata, winner.json.metadata);
		assert.equal(now.headers.get('etag'), winner.headers.get('etag'));
		const again = await patch(imageId, { metadata: null }, { 'If-Match': now.headers.get('etag') });
		assert.equal(again.status, 200);
		assert.ok(!('metadata' in again.json));
	});

	test('a hundred changes at once under one tag: one is made', async () => {
		const { imageId } = await openSlot(server);
		const answers = await Promise.all([...Array(100).keys()].map(n => patch(imageId, { fileName: `${n}.png` }, { 'If-Match': '"1"' })));
		assert.equal(answers.filter(a => a.status === 200).length, 1);
		assert.equal(answers.filter(a => a.status === 412).length, 99);
		assert.equal((await record(imageId)).json.version, 2);
	});

	test('maxSize holds for a PUT, one of unknown length, and a form; the slot stays usable', async () => {
		const large = Buffer.concat([tinyPng, Buffer.alloc(1)]);
		for (const method of ['PUT', 'POST']) {
			const slot = await openSlot(server, { method, maxSize: tinyPng.length });
			const send = bytes => (method === 'PUT' ? putBytes(slot, bytes) : postForm(slot, bytes));
			const refused = [await send(large)];
			if (method === 'PUT')
				refused.push(await fetchUrl(slot.uploadUrl, { method, headers: slot.headers, duplex: 'half', body: new Blob([large]).stream() }));
			for (const answer of refused) {
				assert.equal(answer.status, 400, answer.text);
				assert.match(answer.text, /<Code>EntityTooLarge<\/Code>/);
			}
			assert.equal((await record(slot.imageId)).json.status, 'pending');
			assert.ok((await send(tinyPng)).status < 300);
			assert.equal((await record(slot.imageId)).json.status, 'uploaded');
		}
	});

	test('allowedTypes holds for what is declared, and so for what is found', async () => {
		const json = { fileName: 'a', allowedTypes: ['image/png', 'image/gif'] };
		problem(await call(server, 'POST', '/upload', { json: { ...json, fileType: 'image/jpeg' } }), 415, 'type_not_allowed');
		const slot = await openSlot(server, { ...json, fileType: 'image/gif' });
		assert.equal((await putBytes(slot, tinyPng)).status, 400);
		assert.match((await record(slot.imageId)).json.reason, /image\/png, but the slot is for image\/gif/);
	});

	test('expiresIn ends the URL and the form', async () => {
		for (const method of ['PUT', 'POST']) {
			const slot = await openSlot(server, { method, expiresIn: 1 });
			const life = Date.parse(slot.expiresAt) - Date.now();
			assert.ok(life <= 1000, slot.expiresAt);
			const send = () => (method === 'PUT' ? putBytes(slot, Buffer.from('no image')) : postForm(slot, Buffer.from('no image')));
			const late = await eventually(async () => Date.now() > Date.parse(slot.expiresAt) + 1000 && send(), { what: 'the end of the URL' });
			assert.equal(late.status, 403, late.text);
			assert.equal((await record(slot.imageId)).json.status, 'pending');
		}
	});

	test('many are deleted with one request, bytes and all, and a thousand ids fit', async () => {
		const { image } = await uploadImage(server), slot = await openSlot(server);
		const strangers = Array.from({ length: 998 }, (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`);
		const gone = await call(server, 'POST', '/images/delete', { json: { imageIds: [image.imageId, ...strangers, slot.imageId] } });
		assert.equal(gone.status, 200, gone.text);
		assert.equal(gone.json.deleted, 2);
		assert.deepEqual(gone.json.results.filter(r => r.deleted).map(r => r.imageId), [image.imageId, slot.imageId]);
		assert.deepEqual(gone.json.results[1], { imageId: strangers[0], deleted: false, code: 'no_such_image' });
		assert.equal((await fetchUrl(image.downloadUrl)).status, 404);
		assert.equal((await putBytes(slot, tinyPng)).status, 403);
		problem(await record(image.imageId), 404, 'no_such_image');
	});

	test('a list has its total, both orders, and no parameters but its own', async () => {
		const list = async query => (await call(server, 'GET', `/images${query}`)).json;
		const newest = await list('?limit=1000&urls=false'), oldest = await list('?limit=1000&urls=false&order=oldest');
		assert.equal(newest.total, newest.count);
		assert.deepEqual(oldest.images.map(i => i.imageId), newest.images.map(i => i.imageId).reverse());
		problem(await call(server, 'GET', '/images?userId=7'), 400, 'bad_field');
		problem(await call(server, 'GET', '/images?status=all'), 400, 'bad_field');
	});

	test('a new name is that of downloads and links', async () => {
		const { image } = await uploadImage(server, { fileName: 'old.png' });
		const { json } = await patch(image.imageId, { fileName: 'größer.png' });
		for (const url of [json.downloadUrl, json.links.original]) {
			const got = await fetchUrl(url);
			assert.equal(got.status, 200);
			assert.match(got.headers.get('content-disposition'), /filename\*=UTF-8''gr%C3%B6%C3%9Fer\.png/);
		}
	});
});

describe('a server with a key', () => {
	const key = 'correct-horse-battery-staple';
	let server;
	before(async () => { server = await startServer({ env: { TINTYPE_API_KEY: key } }); });
	after(() => server?.stop());
	const json = { fileName: 'a.png', fileType: 'image/png', metadata: { n: '1' } };
	const ask = (name, more = {}, target = '/upload') => call(server, 'POST', target, { key, json: { ...json, ...more }, headers: { 'Idempotency-Key': name } });

	test('a repeated request: the same image while it is pending, its record once it is uploaded', async () => {
		const first = (await ask('"one"')).json, again = await ask('one');
		assert.equal(again.status, 200, again.text);
		assert.equal(again.json.imageId, first.imageId);
		assert.ok(!('deleteToken' in again.json));
		assert.equal((await ask('one', {}, '/uppy')).json.imageId, first.imageId);
		problem(await ask('one', { metadata: { n: '2' } }), 422, 'key_reused');
		assert.equal((await putBytes(again.json, tinyPng)).status, 200);
		const uploaded = await ask('one');
		assert.deepEqual([uploaded.status, uploaded.json.imageId, uploaded.json.status], [200, first.imageId, 'uploaded']);
		problem(await ask('one', { fileSize: 1 }), 422, 'key_reused');
	});

	test('after a delete and after the end of a slot the key is gone, and its image is not there for anybody', async () => {
		const first = (await ask('gone')).json;
		assert.equal((await call(server, 'DELETE', `/images/${first.imageId}`, { key })).status, 204);
		problem(await ask('gone'), 410, 'image_gone');
		problem(await call(server, 'GET', `/images/${first.imageId}`, { key }), 404, 'no_such_image');
		assert.equal((await putBytes(first, tinyPng)).status, 403);
		const short = await startServer({ env: { TINTYPE_API_KEY: key, TINTYPE_PENDING_TTL: '1' } });
		try {
			const slot = (await call(short, 'POST', '/upload', { key, json: { ...json, expiresIn: 1 }, headers: { 'Idempotency-Key': 'end' } })).json;
			const late = await eventually(async () => {
				const answer = await call(short, 'POST', '/upload', { key, json: { ...json, expiresIn: 1 }, headers: { 'Idempotency-Key': 'end' } });
				return answer.status !== 200 && answer;
			}, { what: 'the end of the slot' });
			problem(late, 410, 'image_gone');
			assert.ok(Date.now() >= Date.parse(slot.expiresAt) - 1000);
		} finally {
			await short.stop();
		}
	});

	test('fifty at once make one image', async () => {
		const answers = await Promise.all([...Array(50).keys()].map(() => ask('fifty')));
		assert.deepEqual(answers.map(a => a.status), Array(50).fill(200));
		assert.equal(new Set(answers.map(a => a.json.imageId)).size, 1);
		for (const { json: slot } of [answers[0], answers[49]])
			assert.equal((await putBytes(slot, tinyPng)).status, 200);
	});

	test('the images of one user by status, by the hash of the file that was sent, and in both orders', async () => {
		const user = 'alice', bytes = Buffer.concat([png(3, 2), Buffer.from('removed before it is stored')]);
		const list = async query => call(server, 'GET', `/images?onBehalfOf=${user}&${query}`, { key });
		const open = async fileName => (await call(server, 'POST', '/upload', { key, json: { ...json, fileName, onBehalfOf: user } })).json;
		const names = ({ json: { images } }) => images.map(({ fileName }) => fileName[0]).join('');
		for (const [name, sent] of [['a', bytes], ['b', null], ['c', Buffer.from('no image')], ['d', tinyPng]]) {
			const slot = await open(name);
			if (sent)
				await putBytes(slot, sent);
		}
		const sha256 = createHash('sha256').update(bytes).digest('hex');
		const expected = { '': 'da', 'order=oldest': 'ad', 'status=all': 'dcba', 'status=all&order=oldest': 'abcd', 'status=pending': 'b', 'status=rejected': 'c',
			[`sha256=${sha256}`]: 'a', [`sha256=${'0'.repeat(64)}`]: '' };
		for (const [query, want] of Object.entries(expected))
			assert.equal(names(await list(query)), want, query);
		const [rejected] = (await list('status=rejected')).json.images;
		assert.equal(rejected.status, 'rejected');
		assert.match(rejected.reason, /not image\/png/);
		const { owner } = (await list('status=all')).json.images[0];
		assert.equal(names(await call(server, 'GET', `/images?owner=${owner ?? '0'.repeat(32)}&status=all`, { key })), owner ? 'dcba' : '');
		const { nextCursor } = (await list('status=all&limit=1')).json;
		problem(await call(server, 'GET', `/images?onBehalfOf=bob&status=all&cursor=${nextCursor}`, { key }), 400, 'bad_cursor');
		problem(await list(`status=pending&cursor=${nextCursor}`), 400, 'bad_cursor');
		assert.equal(names(await list(`status=all&cursor=${nextCursor}`)), 'cba');
	});

	test('a repeated request takes no second share of a quota, and is answered though the quota is full of it', async () => {
		const limited = await startServer({ env: { TINTYPE_API_KEY: key, TINTYPE_QUOTA_PENDING: '1' } });
		try {
			const as = name => call(limited, 'POST', '/upload', { key, json: { ...json, onBehalfOf: 'carol' }, headers: { 'Idempotency-Key': name } });
			const answers = await Promise.all([...Array(20).keys()].map(() => as('one')));
			assert.deepEqual(answers.map(a => a.status), Array(20).fill(200), answers.map(a => a.text).join());
			assert.equal(new Set(answers.map(a => a.json.imageId)).size, 1);
			problem(await as('two'), 403, 'quota_full');
			assert.equal((await putBytes(answers[7].json, tinyPng)).status, 200);
			assert.equal((await as('two')).status, 200);
			assert.equal((await as('one')).json.status, 'uploaded');
		} finally {
			await limited.stop();
		}
	});

	test('two users have keys of their own', async () => {
		const as = async onBehalfOf => (await ask('shared', { onBehalfOf })).json.imageId;
		assert.equal(await as('alice'), await as('alice'));
		assert.notEqual(await as('alice'), await as('bob'));
	});

	test('without Authorization, or of another form, the key is refused', async () => {
		problem(await call(server, 'POST', '/upload', { json, headers: { 'Idempotency-Key': 'k' } }), 400, 'bad_field');
		problem(await ask('x'.repeat(129)), 400, 'bad_field');
		problem(await ask('"a", "b"'), 400, 'bad_field');
	});
});
