// clients/js in Node.js against a real server, with connections that are cut, a server that is killed, and its webhooks. In a browser and as a
// package: js_package_test.mjs.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, openAsBlob, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import { Client, sendToSlot, srcset, TintypeError, typeOfBytes, UploadQueue, verifyWebhook } from '../../clients/js/src/index.js';
import { png } from './support/png.mjs';
import { startProxy } from './support/proxy.mjs';
import { SECRET, startReceiver, webhookEnv } from './support/receiver.mjs';
import { corpus, eventually, npmPackage, pictures, startServer, tinyPng } from './support/server.mjs';

const KEY = 'correct-horse-battery-staple', RETRY = { firstDelayMs: 20 }, PATIENT = { ...RETRY, maxDelayMs: 5000, attempts: 30 };   // the latter: until a server has started
const big = png(600, 500, { noise: true });
const md5 = bytes => createHash('md5').update(bytes).digest('hex');
const named = (name, bytes, type = '') => new File([bytes], name, { type });
const noRule = () => undefined;
Object.defineProperty(globalThis.crypto, 'randomUUID', { value: undefined });   // as in a browser on a page without https

async function all(images) {
	const found = [];
	for await (const image of images)
		found.push(image);
	return found;
}

let server, api, storage, receiver, anonymous, keyed, env;

before(async () => {
	[api, storage, receiver] = await Promise.all([startProxy(), startProxy(), startReceiver()]);
	env = webhookEnv(receiver, { TINTYPE_API_KEY: KEY, TINTYPE_ACCESS: 'open', TINTYPE_QUOTA_IMAGES: '3' });
	server = await startServer({ env, args: ['--public-storage-url', storage.url] });
	api.to(server.api);
	storage.to(server.storage);
	const url = `${api.url}/prod`;
	anonymous = new Client({ url, retry: RETRY });
	keyed = new Client({ url, key: KEY, retry: RETRY });
});
after(() => Promise.all([server?.stop(), api?.stop(), storage?.stop(), receiver?.stop()]));
afterEach(async () => {
	api.release();
	storage.release();
	await keyed.deleteMany((await all(keyed.list())).map(image => image.imageId));
});

/** The images of the server, straight from it. */
const listed = () => all(keyed.list());

/** A rule of a proxy that does this to the first requests of a kind. */
function first(kind, what, times = 1) {
	return head => head.startsWith(kind) && times-- > 0 ? what : undefined;
}

const fails = (promise, expected) => assert.rejects(promise, error => {
	assert.ok(error instanceof TintypeError, error.stack);
	for (const [name, value] of Object.entries(expected))
		value instanceof RegExp ? assert.match(error[name], value) : assert.equal(error[name], value, `${name}: ${error.message}`);
	return true;
});

test('a file is uploaded as what its bytes are, whatever its name and type say, and its progress is reported', async () => {
	const jpeg = corpus('good/large.jpg'), told = [];
	const { imageId, image } = await anonymous.upload(named('holiday.png', jpeg, 'image/png'), { metadata: { album: 'summer' }, onProgress: (...of) => told.push(of) });
	assert.deepEqual([image.imageId, image.status, image.fileType, image.fileName, image.etag, image.metadata], [imageId, 'uploaded', 'image/jpeg', 'holiday.png', md5(jpeg), { album: 'summer' }]);
	assert.ok(told.length > 3 && told.every(([sent, total], i) => total === jpeg.length && (i === 0 ? sent === 0 : sent >= told[i - 1][0])), JSON.stringify(told));
	assert.equal(told.at(-1)[0], jpeg.length);
});

test('a Blob, bytes, and a file of the disk are uploaded, with a name or without', async t => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-client-')), file = path.join(dir, 'a.png');
	t.after(() => rmSync(dir, { recursive: true }));
	writeFileSync(file, tinyPng);
	for (const [given, options, name] of [[new Blob([tinyPng]), {}, 'image'], [new Uint8Array(tinyPng), { fileName: 'bytes.png' }, 'bytes.png'],
		[new Uint8Array(tinyPng).buffer, {}, 'image'], [await openAsBlob(file), { fileName: 'Größe "1" & 写真.png' }, 'Größe "1" & 写真.png']])
		assert.equal((await keyed.upload(given, options)).image.fileName, name);
});

test('the types of files are told by their first bytes, also where the first brand names none', () => {
	const types = { jpg: 'image/jpeg', png: 'image/png', gif: 'image/gif', webp: 'image/webp', heic: 'image/heic', avif: 'image/avif' };
	for (const name of readdirSync(path.join(pictures(), 'good')))
		assert.equal(typeOfBytes(corpus(`good/${name}`).subarray(0, 256)), types[name.split('.').pop()], name);
	const brands = (...names) => Buffer.concat([Buffer.from([0, 0, 0, 12 + 4 * names.length]), Buffer.from(`ftyp${names[0]}\0\0\0\0${names.slice(1).join('')}`)]);
	assert.deepEqual([brands('mif1', 'miaf', 'avif'), brands('mif1', 'heic'), brands('avif', 'mif1'), brands('mif1', 'miaf'), brands('isom', 'mp42')].map(typeOfBytes),
		['image/avif', 'image/heic', 'image/avif', '', '']);
	assert.equal(typeOfBytes(Buffer.concat([brands('mif1', 'miaf'), Buffer.from('avif')])), '', 'what follows is not a brand');
});

test('a file of a wrong type, a damaged one and one that is too large are refused with the server\'s sentence', async () => {
	for (const client of [anonymous, keyed]) {
		await fails(client.upload(named('report.png', Buffer.from('%PDF-1.7'))), { code: 'type_not_allowed', status: 415, message: /application\/pdf/, canRetry: false, requestId: /./ });
		await fails(client.upload(named('page.png', Buffer.from('<html>'))), { code: 'type_not_allowed', status: 415 });
		await fails(client.upload(new Blob([Buffer.alloc(6 << 20)]), { fileType: 'image/png' }), { code: 'image_too_large', status: 413, message: /5242880/ });
		const cut = corpus('good/photo.jpg').subarray(0, 2000);
		const error = await client.upload(named('cut.jpg', cut)).catch(why => why);
		assert.deepEqual([error.code, error.status, error.canRetry], ['image_rejected', 400, false], error.stack);
		const record = await keyed.get(error.imageId);
		assert.deepEqual([record.status, record.reason], ['rejected', error.message]);
		await keyed.delete(error.imageId);
	}
	assert.deepEqual(await listed(), []);
});

test('a request id of an error is in the server\'s log', async () => {
	const error = await keyed.get(randomUUID()).catch(why => why);
	assert.deepEqual([error.code, error.status], ['no_such_image', 404]);
	await eventually(() => server.log.some(line => line.includes(error.requestId)), { what: 'the id in the log' });
});

for (const who of ['anonymous', 'keyed']) {
	const client = () => who === 'anonymous' ? anonymous : keyed;

	test(`${who}: the server is killed while the bytes are sent and starts again: one image`, async () => {
		storage.rule = first('PUT', { holdAt: 300000 });
		const patient = new Client({ url: `${api.url}/prod`, ...who === 'keyed' && { key: KEY }, retry: PATIENT });
		const told = [], upload = patient.upload(named('big.png', big), { onProgress: sent => told.push(sent) });
		await eventually(() => storage.holding() > 0, { what: 'bytes on their way' });
		await server.kill();
		storage.release();
		storage.cut();
		server = await startServer({ data: server.dir, env, args: ['--public-storage-url', storage.url] });
		api.to(server.api);
		storage.to(server.storage);
		assert.equal((await upload).image.etag, md5(big));
		assert.ok(told.filter(sent => sent === 0).length > 1, 'it was sent again');
		assert.equal((await listed()).length, 1);
	});

	test(`${who}: whichever response is lost, there is one image`, async () => {
		for (const [proxy, kind] of [[api, 'POST /prod/upload'], [storage, 'PUT'], [api, 'POST /prod/images/']]) {
			for (const rule of [{ cutAnswer: true }, { cutAt: 0 }]) {
				proxy.rule = first(kind, rule);
				const { image } = await client().upload(named('lost.png', big));
				assert.equal(image.etag, md5(big));
				assert.deepEqual((await listed()).map(one => one.imageId), [image.imageId], `${kind} ${Object.keys(rule)}`);
				await keyed.delete(image.imageId);
			}
		}
	});

	test(`${who}: a URL that has expired is replaced, also where the bytes had arrived: one image`, async t => {
		const own = await startServer({ env, args: ['--url-ttl', '1', '--public-storage-url', storage.url] });
		t.after(() => own.stop());
		t.after(() => { storage.to(server.storage); api.to(server.api); });
		storage.to(own.storage);
		api.to(own.api);
		for (const hold of [{ holdAt: 0 }, { cutAnswer: true }]) {
			const upload = client().prepare(named('late.png', big));
			let answer;
			storage.rule = head => {
				if (!head.startsWith('PUT') || answer)
					return undefined;
				answer = true;
				return hold;
			};
			const running = upload.run();
			await eventually(() => answer, { what: 'the first PUT' });
			if (hold.holdAt === 0) {
				await eventually(() => storage.holding() > 0, { what: 'the PUT to be held' });
				const [, expires] = /X-Amz-Date=(\d+T\d+Z)/.exec(storage.heads.at(-1));
				const at = Date.parse(expires.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z')) + 1000;
				await eventually(() => Date.now() > at + 1000, { what: 'the URL to expire' });
				storage.release();
			}
			const { image } = await running, there = await all(keyed.list());
			assert.deepEqual(there.map(one => one.imageId), [image.imageId]);
			assert.equal(image.etag, md5(big));
			await keyed.delete(image.imageId);
		}
		assert.deepEqual(await all(keyed.list()), []);
	});

	test(`${who}: an upload that is aborted throws the signal's reason and leaves nothing`, async () => {
		api.heads.length = 0;   // other tests delete too
		storage.rule = first('PUT', { holdAt: 300000 });
		const abort = new AbortController(), reason = new Error('not this one');
		const upload = client().upload(named('aborted.png', big), { signal: abort.signal });
		await eventually(() => storage.holding() > 0, { what: 'bytes on their way' });
		abort.abort(reason);
		await assert.rejects(upload, error => error === reason);
		await eventually(() => api.heads.some(head => head.startsWith('DELETE')), { what: 'the slot to be deleted' });
		const id = /images\/(\S+)/.exec(api.heads.findLast(head => head.startsWith('DELETE')))[1];
		await eventually(() => keyed.get(id).then(() => false, error => error.code === 'no_such_image'), { what: 'the slot to be gone' });
		await assert.rejects(client().upload(tinyPng, { signal: AbortSignal.abort(reason) }), error => error === reason);
		assert.deepEqual(await listed(), []);
	});
}

test('a storage that refuses every URL is an error after three', async t => {
	const other = await startServer();
	t.after(() => { storage.to(server.storage); storage.cut(); return other.stop(); });
	storage.to(other.storage);
	storage.cut();   // connections that are kept lead to the right one
	for (const client of [anonymous, keyed]) {
		const before = storage.heads.length;
		await fails(client.upload(tinyPng), { status: 403, code: /^[A-Z]\w+$/ });
		assert.equal(storage.heads.length - before, 3);
	}
	assert.deepEqual(await listed(), []);
});

test('an upload that has failed can be run again, and makes no second image', async () => {
	const once = new Client({ url: `${api.url}/prod`, key: KEY, retry: { attempts: 1 } }), upload = once.prepare(named('again.png', big));
	storage.rule = first('PUT', { cutAnswer: true });
	await fails(upload.run(), { code: 'connection_lost', status: 0, canRetry: true });
	const { image } = await upload.run();
	assert.deepEqual((await listed()).map(one => one.imageId), [image.imageId]);
});

test('the same idempotencyKey gives the same image; other bytes are refused', async () => {
	const idempotencyKey = randomUUID();
	const one = await keyed.upload(named('a.png', tinyPng), { idempotencyKey }), two = await keyed.upload(named('a.png', tinyPng), { idempotencyKey });
	assert.equal(one.imageId, two.imageId);
	await fails(keyed.upload(named('b.png', big), { idempotencyKey }), { code: 'key_reused', status: 422 });
	await keyed.delete(one.imageId);
	await fails(keyed.upload(named('a.png', tinyPng), { idempotencyKey }), { code: 'image_gone', status: 410 });
});

test('an upload with an idempotencyKey that was aborted goes on with the same image', async () => {
	storage.rule = first('PUT', { holdAt: 300000 });
	const abort = new AbortController(), idempotencyKey = randomUUID(), upload = keyed.upload(named('a.png', big), { idempotencyKey, signal: abort.signal });
	await eventually(() => storage.holding() > 0, { what: 'bytes on their way' });
	const [, imageId] = /^PUT \S*\/([0-9a-f-]{36})\.png/.exec(storage.heads.at(-1));
	abort.abort();
	await assert.rejects(upload, { name: 'AbortError' });
	storage.release();
	assert.equal((await keyed.upload(named('a.png', big), { idempotencyKey })).imageId, imageId);
	assert.deepEqual((await listed()).map(image => image.imageId), [imageId]);
});

test('bytes that another upload with the same idempotencyKey has stored are not taken for one\'s own', async () => {
	const [one, other] = [[90, 80, 70], [91, 80, 70]].map(colour => png(40, 30, { colour })), idempotencyKey = randomUUID();
	assert.equal(one.length, other.length);
	storage.rule = first('PUT', { holdAt: 0 });
	const late = keyed.upload(named('a.png', one), { idempotencyKey });
	await eventually(() => storage.holding() > 0, { what: 'the first one to be held' });
	const { image } = await keyed.upload(named('a.png', other), { idempotencyKey });
	storage.release();
	await fails(late, { status: 412, imageId: image.imageId });
});

test('a full quota is an error with its figures', async () => {
	const user = new Client({ url: `${api.url}/prod`, key: KEY, onBehalfOf: `user ${randomUUID()}` });
	for (let i = 0; i < 3; i++)
		await user.upload(tinyPng);
	await fails(user.upload(tinyPng), { code: 'quota_full', status: 403, message: /3/, canRetry: false });
	await fails(user.uploadDirect(tinyPng), { code: 'quota_full', status: 403 });
	assert.deepEqual([(await user.me()).usage.images, (await user.limits()).quota.images], [3, 3]);
	const own = await all(user.list());
	assert.equal(own.length, 3);
	await user.deleteMany(own.map(image => image.imageId));
});

test('in one request: the record, once, whichever response is lost', async () => {
	const told = [];
	assert.equal((await anonymous.uploadDirect(named('direct.png', big), { metadata: { a: 'b' }, onProgress: sent => told.push(sent) })).metadata.a, 'b');
	assert.equal(told.at(-1), big.length);
	assert.equal((await anonymous.uploadDirect(tinyPng, { fileName: 'a + b.png' })).fileName, 'a + b.png');
	for (const client of [anonymous, keyed]) {
		api.rule = first('POST /prod/images', { cutAnswer: true });
		const { imageId } = await client.uploadDirect(named(`lost ${client === keyed}.png`, tinyPng));
		assert.deepEqual((await listed()).filter(image => image.fileName === `lost ${client === keyed}.png`).map(image => image.imageId), [imageId]);
	}
	await fails(keyed.uploadDirect(corpus('good/photo.jpg').subarray(0, 2000)), { code: 'image_rejected', status: 409 });
});

test('a page sends bytes to a slot that its own server has requested, as PUT or as a form', async () => {
	for (const method of ['PUT', 'POST']) {
		const slot = await anonymous.slot({ fileName: 'a.png', fileType: 'image/png', method });
		storage.rule = first(method, { cutAnswer: true });
		const told = [];
		await sendToSlot(slot, new Blob([big]), { retry: RETRY, onProgress: sent => told.push(sent) });
		assert.deepEqual([told[0], told.at(-1)], [0, big.length]);
		assert.equal((await anonymous.wait(slot.imageId)).etag, md5(big));
		if (method === 'PUT')
			await fails(sendToSlot(slot, new Blob([tinyPng])), { status: 412, imageId: slot.imageId });
	}
	const slot = await anonymous.slot({ fileName: 'a.png', fileType: 'image/png' });
	await fails(sendToSlot({ ...slot, uploadUrl: slot.uploadUrl.replace(/Signature=./, 'Signature=x') }, new Blob([tinyPng])), { status: 403, code: /^[A-Z]\w+$/, message: /./ });
	await anonymous.delete(slot.imageId, { deleteToken: slot.deleteToken });
});

test('lists give every image once, and what is asked of them', async () => {
	const ids = [];
	for (const name of ['cat.png', 'dog.png', 'catfish.png', 'an eel + an egg.png', 'fox.png'])
		ids.unshift((await keyed.upload(named(name, tinyPng))).imageId);
	const names = async query => (await all(keyed.list(query))).map(image => image.fileName);
	assert.deepEqual((await all(keyed.list({ limit: 2 }))).map(image => image.imageId), ids);
	assert.deepEqual(await names({ name: 'CAT', order: 'oldest' }), ['cat.png', 'catfish.png']);
	assert.deepEqual(await names({ name: 'l + a' }), ['an eel + an egg.png']);
	assert.deepEqual(await names({ limit: 2, skip: 3 }), ['dog.png', 'cat.png']);
	assert.deepEqual(await names({ from: new Date(Date.now() + 60000) }), []);
	const page = await keyed.page({ limit: 2, urls: false });
	assert.deepEqual([page.count, page.total, page.images[0].status, page.images[0].downloadUrl], [2, 5, 'uploaded', undefined]);
	await fails(keyed.list({ limit: 5000 }).next(), { code: 'bad_field', message: /limit/ });
});

test('records are read, changed, linked, waited for and deleted', async () => {
	const { imageId, image } = await keyed.upload(named('large.jpg', corpus('good/large.jpg')));
	assert.deepEqual(Object.keys(await keyed.get(imageId)).sort(), Object.keys(image).sort());
	const changed = await keyed.update(imageId, { fileName: 'b.jpg', visibility: 'public', metadata: { a: '1' } }, { ifVersion: image.version });
	assert.deepEqual([changed.fileName, changed.visibility, changed.version], ['b.jpg', 'public', image.version + 1]);
	await fails(keyed.update(imageId, { metadata: null }, { ifVersion: image.version }), { code: 'precondition', status: 412 });
	assert.equal((await keyed.update(imageId, { metadata: null })).metadata, undefined);

	const original = await keyed.link(imageId, { expiresIn: 60 }), small = await keyed.link(imageId, { preset: 'small', format: 'jpeg' });
	assert.equal(md5(new Uint8Array(await (await fetch(original.url)).arrayBuffer())), image.etag);
	assert.ok(Math.abs(Date.parse(original.expiresAt) - Date.now() - 60000) < 30000);
	assert.equal((await fetch(small.url)).headers.get('Content-Type'), 'image/jpeg');
	await fails(keyed.link(imageId, { preset: 'huge' }), { code: 'no_such_variant', message: /huge/ });
	const widths = [...srcset(image.links).matchAll(/https?:\S+\.webp (\d+)w/g)].map(([, width]) => Number(width));
	assert.deepEqual(widths, [image.links.small.width, image.links.medium.width, image.links.large.width]);
	assert.equal(srcset(undefined), '');

	const slot = await keyed.slot({ fileName: 'later.png', fileType: 'image/png' }), waiting = keyed.wait(slot.imageId);
	await eventually(() => api.heads.some(head => head.includes(`${slot.imageId}?wait=`)), { what: 'the call that waits' });
	await sendToSlot(slot, new Blob([tinyPng]));
	assert.equal((await waiting).status, 'uploaded');
	const forever = await keyed.slot({ fileName: 'never.png', fileType: 'image/png' });
	await assert.rejects(keyed.wait(forever.imageId, { signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' });

	const none = randomUUID();
	assert.deepEqual(await keyed.deleteMany([slot.imageId, none, forever.imageId]),
		[{ imageId: slot.imageId, deleted: true }, { imageId: none, deleted: false, code: 'no_such_image' }, { imageId: forever.imageId, deleted: true }]);
	api.rule = first('DELETE', { cutAnswer: true });
	await keyed.delete(imageId);
	await fails(keyed.delete(imageId), { code: 'no_such_image', status: 404 });
	await assert.rejects(keyed.get('../keys'), TypeError);
});

test('an anonymous upload has the token that deletes it', async () => {
	const { imageId, deleteToken } = await anonymous.upload(tinyPng);
	await fails(anonymous.delete(imageId, { deleteToken: 'x'.repeat(32) }), { code: 'no_such_image' });
	await anonymous.delete(imageId, { deleteToken });
	assert.deepEqual(await listed(), []);
});

test('who may upload but not read gets the id of the image', async t => {
	const closed = await startServer({ env: { TINTYPE_API_KEY: KEY, TINTYPE_ACCESS: 'key', TINTYPE_UPLOAD: 'open' } });
	t.after(() => closed.stop());
	const { imageId, image, deleteToken } = await new Client({ url: `${closed.api}/prod` }).upload(tinyPng);
	assert.equal(image, null);
	assert.ok(deleteToken);
	assert.equal((await new Client({ url: `${closed.api}/prod`, key: KEY }).get(imageId)).status, 'uploaded');
	await fails(new Client({ url: `${closed.api}/prod` }).get(imageId), { code: 'key_needed', status: 401 });
});

test('a key that is refused is asked for again, once', async () => {
	const asked = [], renewing = new Client({ url: `${api.url}/prod`, key: refused => { asked.push(refused); return refused ? KEY : 'an old one'; } });
	assert.deepEqual(await all(renewing.list()), []);
	assert.deepEqual(asked, [undefined, 'an old one']);
	await fails(new Client({ url: `${api.url}/prod`, key: () => 'never a good one' }).limits(), { code: 'token_invalid', status: 401 });
});

test('Retry-After is heeded, up to the longest wait', async t => {
	const full = await startServer({ args: ['--max-pending', '1'] });
	t.after(() => full.stop());
	const request = { fileName: 'a.png', fileType: 'image/png' }, client = new Client({ url: `${full.api}/prod`, retry: { maxDelayMs: 1000 } });
	await client.slot(request);
	await fails(client.slot(request), { code: 'slots_full', status: 503, canRetry: true, retryAfter: 60 });

	const asked = [], busy = http.createServer((_, response) => {
		asked.push(performance.now());
		asked.length < 2 ? response.writeHead(503, { 'Retry-After': '1' }).end() : response.end('{}');
	}).listen(0, '127.0.0.1');
	await once(busy, 'listening');
	t.after(() => busy.close());
	assert.deepEqual(await new Client({ url: `http://127.0.0.1:${busy.address().port}/prod`, retry: { firstDelayMs: 1 } }).limits(), {});
	assert.ok(asked[1] - asked[0] > 900, 'not before the time that the server has named');
});

test('a server that is not there, and an address that is missing, are errors that say so', async () => {
	await fails(new Client({ url: 'http://127.0.0.1:1/prod', retry: { attempts: 2, firstDelayMs: 1 } }).limits(), { code: 'connection_lost', message: /could not be reached/ });
	assert.throws(() => new Client({}), /url is missing/);
});

test('a queue sends some at a time, tries again and removes', async () => {
	const once = new Client({ url: `${api.url}/prod`, key: KEY, retry: { attempts: 1 } }), done = [];
	const queue = new UploadQueue(once, { atOnce: 2, optionsOf: file => ({ metadata: { from: file.name } }), onUploaded: item => done.push(item.name) });
	let most = 0, changes = 0;
	const state = () => queue.getItems().map(item => item.state), ends = queue.subscribe(() => { changes++; most = Math.max(most, state().filter(one => one === 'sending').length); });
	storage.rule = head => /PUT/.test(head) ? { holdAt: 200000 } : undefined;
	queue.add([1, 2, 3, 4].map(n => named(`${n}.png`, big)));
	await eventually(() => storage.holding() === 2, { what: 'two on their way' });
	assert.deepEqual(state(), ['sending', 'sending', 'waiting', 'waiting']);
	queue.remove(queue.getItems()[3].id);
	queue.remove(queue.getItems()[0].id);
	await eventually(() => storage.holding() === 3, { what: 'the third' });
	storage.cut();
	await eventually(() => state().every(one => one === 'failed'), { what: 'both to fail' });
	assert.ok(queue.getItems().every(item => item.canRetry && item.error.code === 'connection_lost'));
	storage.rule = noRule;
	queue.getItems().forEach(item => queue.retry(item.id));
	await eventually(() => state().every(one => one === 'done'), { what: 'both to be done' });
	assert.deepEqual([done.sort(), (await listed()).map(image => image.metadata.from).sort(), most], [['2.png', '3.png'], ['2.png', '3.png'], 2]);
	queue.clearDone();
	assert.deepEqual(queue.getItems(), []);
	ends();
	const before = changes;
	queue.stop();
	assert.equal(changes, before);
});

test('a webhook of the server is verified, and what is not genuine is refused', async () => {
	const { imageId } = await keyed.upload(tinyPng);
	const { text: body, headers } = await eventually(() => receiver.requests.find(({ event }) => event.data.imageId === imageId), { what: 'the webhook' });
	const given = { secret: SECRET, headers, body }, OTHER = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
	const event = await verifyWebhook(given);
	assert.deepEqual([event.type, event.data.imageId], ['image.uploaded', imageId]);
	for (const same of [{ headers: new Headers(headers) }, { body: Buffer.from(body) }, { secret: `${OTHER},${SECRET}` }, { headers: { ...headers, 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')} ${headers['webhook-signature']}` } }])
		assert.deepEqual(await verifyWebhook({ ...given, ...same }), event);

	const changed = (name, value) => ({ headers: { ...headers, [name]: value } }), at = Number(headers['webhook-timestamp']);
	const signature = headers['webhook-signature'];
	const signed = timestamp => {
		const { Webhook } = npmPackage('standardwebhooks');
		return { headers: { ...headers, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': new Webhook(SECRET).sign(headers['webhook-id'], new Date(timestamp * 1000), body) } };
	};
	const falsified = [
		['webhook_signature', { body: body.replace('uploaded', 'rejected') }], ['webhook_signature', { body: `${body} ` }], ['webhook_signature', { body: '' }],
		['webhook_signature', { secret: OTHER }], ['webhook_signature', changed('webhook-id', 'msg_1')], ['webhook_signature', changed('webhook-timestamp', `${at + 1}`)],
		['webhook_signature', changed('webhook-signature', signature.replace('v1,', 'v2,'))], ['webhook_signature', changed('webhook-signature', signature.slice(0, 20))],
		['webhook_signature', changed('webhook-signature', `v1,${Buffer.alloc(32).toString('base64')}`)], ['webhook_header_missing', changed('webhook-signature', undefined)],
		['webhook_header_missing', changed('webhook-id', '')], ['webhook_header_missing', changed('webhook-timestamp', ['1', '2'])],
		['webhook_time', changed('webhook-timestamp', 'now')], ['webhook_time', signed(at - 600)], ['webhook_time', signed(at + 600)],
	];
	for (const [i, [code, change]] of falsified.entries())
		await fails(verifyWebhook({ ...given, ...change }), { code, status: 400 }).catch(error => assert.fail(`falsified ${i}: ${error.message}`));
	assert.equal((await verifyWebhook({ ...given, ...signed(at - 600), toleranceSeconds: 3600 })).type, 'image.uploaded');
	await assert.rejects(verifyWebhook({ ...given, body: JSON.parse(body) }), /before they are parsed/);
	for (const secret of ['secret', 'whsec_', 'whsec_?', SECRET.slice(0, 20)])
		await assert.rejects(verifyWebhook({ ...given, secret }), /TINTYPE_WEBHOOK_SECRET/);
});
