// Delivery links on a real server: who may read what, the headers that let every cache keep it, and nginx as a cache in front.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { signLink } from './support/links.mjs';
import { startNginx } from './support/nginx.mjs';
import { freePort } from './support/port.mjs';
import { call, corpus, eventually, fetchUrl, openSlot, putBytes, rawRequest, runProgram, startServer, tinyPng, uploadImage } from './support/server.mjs';

const key = 'the key of the delivery tests';
const secret = 'a.delivery.key.of.thirty-two.characters', next = 'the/other+key_of~thirty-two=characters';
const env = { TINTYPE_API_KEY: key, TINTYPE_DELIVERY_KEYS: secret };
const photo = corpus('good/photo.jpg');
let server;
before(async () => { server = await startServer({ env }); });
after(() => server?.stop());

const upload = (more = {}) => uploadImage(server, { bytes: photo, fileName: 'photo.jpg', fileType: 'image/jpeg', key, ...more });
const get = (url, headers = {}, method = 'GET') => fetchUrl(url, { method, headers });
const sign = (id, expires, variant, by = secret) => signLink(by, id, expires, variant);
const nowS = () => Math.floor(Date.now() / 1000);
const refused = (answer, status, code) => {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.json.code, code);
	assert.equal(answer.headers.get('cache-control'), 'no-store');
	assert.equal(answer.headers.get('access-control-allow-origin'), '*');
};

test('a private image has a signed link, which any cache may keep until it ends and not longer', async () => {
	const { image } = await upload();
	assert.equal(image.visibility, 'private');
	const url = new URL(image.links.original);
	assert.equal(url.origin, server.storage);
	const [, sig, exp, id] = /^\/i\/([\w-]{22})\.(\d+)\/([0-9a-f-]{36})\/original$/.exec(url.pathname);
	assert.equal(id, image.imageId);
	assert.equal(url.pathname, sign(id, exp), `${sig} is not the signature`);
	assert.ok(exp - nowS() > 86400 - 5 && exp - nowS() <= 2 * 86400, 'a day, rounded up to the next boundary');
	const asked = nowS(), answer = await get(url);
	assert.equal(answer.status, 200);
	assert.ok(answer.bytes.equals(photo));
	const maxAge = Number(/^public, max-age=(\d+), immutable$/.exec(answer.headers.get('cache-control'))[1]);
	assert.ok(maxAge <= exp - asked && maxAge >= exp - nowS(), `${maxAge}, until ${exp}, asked at ${asked}`);
	for (const [name, value] of Object.entries({ 'content-type': 'image/jpeg', 'x-content-type-options': 'nosniff',
		'content-security-policy': "sandbox; default-src 'none'", 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin',
		'accept-ranges': 'bytes', etag: `"${image.etag}"`, 'content-length': String(photo.length), vary: null, 'set-cookie': null }))
		assert.equal(answer.headers.get(name), value, name);
	assert.match(answer.headers.get('content-disposition'), /^inline; filename="photo.jpg"/);
	refused(await get(`${server.storage}/i/${id}/original`), 404, 'no_such_image');
});

test('links of an image are the same for everyone and each time, also in lists', async () => {
	const { image } = await upload();
	const again = (await call(server, 'GET', `/images/${image.imageId}`, { key })).json;
	const listed = (await call(server, 'GET', '/images?limit=1000', { key })).json.images.find(i => i.imageId === image.imageId);
	assert.deepEqual(again.links, image.links);
	assert.deepEqual(listed.links, image.links);
	assert.equal(listed.visibility, 'private');
});

test('range, conditions and HEAD as RFC 9110 has them', async () => {
	const { image } = await upload();
	const url = image.links.original, etag = `"${image.etag}"`;
	const head = await get(url, {}, 'HEAD');
	assert.equal(head.status, 200);
	assert.equal(head.headers.get('content-length'), String(photo.length));
	assert.equal(head.bytes.length, 0);
	const part = await get(url, { Range: 'bytes=10-29' });
	assert.equal(part.status, 206);
	assert.equal(part.headers.get('content-range'), `bytes 10-29/${photo.length}`);
	assert.ok(part.bytes.equals(photo.subarray(10, 30)));
	assert.equal((await get(url, { Range: 'bytes=-5', 'If-Range': etag })).bytes.length, 5);
	assert.equal((await get(url, { Range: 'bytes=-5', 'If-Range': '"another"' })).status, 200);
	const beyond = await get(url, { Range: `bytes=${photo.length}-` });
	refused(beyond, 416, 'range_invalid');
	assert.equal(beyond.headers.get('content-range'), `bytes */${photo.length}`);
	for (const headers of [{ 'If-None-Match': etag }, { 'If-None-Match': '*' }, { 'If-Modified-Since': head.headers.get('last-modified') }]) {
		const same = await get(url, headers);
		assert.equal(same.status, 304);
		assert.equal(same.headers.get('etag'), etag);
		assert.match(same.headers.get('cache-control'), /^public, max-age=\d+, immutable$/);
		assert.equal(same.headers.get('access-control-allow-origin'), '*');
	}
	refused(await get(url, { 'If-Match': '"another"' }), 412, 'precondition');
	refused(await get(url, {}, 'DELETE'), 405, 'bad_method');
	assert.equal((await get(url, { Origin: 'https://a.example' }, 'OPTIONS')).status, 204);
});

test('only the exact signature is accepted, and an expired link says so', async () => {
	const { image: { imageId: id } } = await upload();
	const at = target => get(server.storage + target);
	const good = sign(id, nowS() + 100);
	assert.equal((await at(good)).status, 200);
	refused(await at(sign(id, nowS() - 1)), 403, 'link_expired');
	const flipped = good.replace(/^(\/i\/)(.)/, (all, i, c) => i + (c === 'A' ? 'B' : 'A'));
	for (const wrong of [flipped, sign(id, nowS() + 100, 'original', next), good.replace('original', 'originaL'), good + '/', good.replace('/i/', '/i//'),
		good.replace(/\.(\d+)\//, (all, n) => `.${Number(n) + 1}/`), good.replace(/\.(\d+)\//, '.0$1/'), '/i/', '/i/x', `/i/${id}/thumbnail`, good.replace('/i/', '/%69/')])
		assert.equal((await at(wrong)).status, 404, wrong);
	const raw = await rawRequest(server.storage, `GET ${good}?x=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
	assert.equal(raw.status, 200, 'the query means nothing');
});

test('a public image is read by its id until it is private or deleted, and then at once no more', async () => {
	const { image } = await upload({ visibility: 'public' });
	assert.equal(image.visibility, 'public');
	assert.equal(image.links.original, `${server.storage}/i/${image.imageId}/original`);
	const answer = await get(image.links.original);
	assert.equal(answer.status, 200);
	assert.equal(answer.headers.get('cache-control'), 'public, max-age=3600');
	const patch = (visibility, options = { key }) => call(server, 'PATCH', `/images/${image.imageId}`, { json: { visibility }, ...options });
	const now = await patch('private');
	assert.equal(now.status, 200);
	assert.equal(now.json.visibility, 'private');
	refused(await get(image.links.original), 404, 'no_such_image');
	assert.equal((await get(now.json.links.original)).status, 200);
	assert.equal((await patch('public')).json.links.original, image.links.original);
	assert.equal((await get(image.links.original)).status, 200);
	for (const bad of ['open', '', null, 1])
		assert.equal((await patch(bad)).status, 400);
	assert.equal((await call(server, 'PATCH', `/images/${image.imageId}`, { json: {}, key })).status, 400);
	await call(server, 'DELETE', `/images/${image.imageId}`, { key });
	refused(await get(image.links.original), 404, 'no_such_image');
	refused(await get(now.json.links.original), 404, 'no_such_image');
	assert.equal((await patch('public')).status, 404);
});

test('only the key makes an image public: not an anonymous client, and not a delete token', async () => {
	const answer = await call(server, 'POST', '/upload', { json: { fileName: 'a.png', fileType: 'image/png', visibility: 'public' } });
	assert.equal(answer.status, 403);
	assert.equal(answer.json.code, 'public_denied');
	const slot = await openSlot(server, { visibility: 'private' });
	await putBytes(slot, tinyPng);
	const target = `/images/${slot.imageId}`;
	assert.equal((await call(server, 'PATCH', target, { json: { visibility: 'public' } })).status, 401);
	for (const headers of [{ 'X-Delete-Token': slot.deleteToken }, { Authorization: `Bearer ${slot.deleteToken}` }])
		assert.ok([401, 403].includes((await call(server, 'PATCH', target, { json: { visibility: 'public' }, headers })).status));
	assert.equal((await call(server, 'GET', target, { key })).json.visibility, 'private');
	assert.equal((await call(server, 'POST', '/upload', { json: { fileName: 'a.png', fileType: 'image/png', visibility: 'open' }, key })).status, 400);
	const open = await startServer({ args: ['--visibility', 'public'] });
	try {
		assert.equal((await uploadImage(open)).image.visibility, 'public', 'the setting needs no key');
		assert.equal((await call(open, 'POST', '/upload', { json: { fileName: 'a.png', fileType: 'image/png', visibility: 'public' } })).status, 403);
	} finally {
		await open.stop();
	}
});

test('a pending and a rejected image have no link and are not delivered', async () => {
	const slot = await openSlot(server, {}, { key });
	const read = async () => (await call(server, 'GET', `/images/${slot.imageId}`, { key })).json;
	assert.equal((await read()).links, undefined);
	assert.equal((await get(server.storage + sign(slot.imageId, nowS() + 100))).status, 404);
	assert.equal((await call(server, 'POST', `/images/${slot.imageId}/links`, { json: {}, key })).status, 404);
	await putBytes(slot, Buffer.from('no picture'));
	assert.equal((await read()).status, 'rejected');
	assert.equal((await read()).links, undefined);
	assert.equal((await get(server.storage + sign(slot.imageId, nowS() + 100))).status, 404);
});

test('a thumbnail has links of its own', async () => {
	const { image } = await upload();
	const { medium } = image.links, link = variant => call(server, 'POST', `/images/${image.imageId}/links`, { key, json: { expiresIn: 60, variant } });
	const raw = await rawRequest(server.storage, `GET ${new URL(medium.webp).pathname} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\nbody`);
	assert.equal(raw.status, 413, 'a body is refused, also where the thumbnail is still to be made');
	for (const url of [medium.webp, medium.jpeg]) {
		const all = await Promise.all([1, 2, 3].map(() => get(url)));
		for (const answer of all) {
			assert.equal(answer.status, 200, answer.text);
			assert.match(answer.headers.get('cache-control'), /^public, max-age=\d+, immutable$/);
			assert.equal(answer.headers.get('vary'), null);
			assert.equal(answer.headers.get('etag'), all[0].headers.get('etag'));
		}
		assert.equal((await get(url, { 'If-None-Match': all[0].headers.get('etag') })).status, 304);
		assert.equal((await get(url, { Range: 'bytes=0-3' })).bytes.length, 4);
		assert.equal((await get(url, {}, 'HEAD')).headers.get('content-length'), String(all[0].bytes.length));
		const made = await link(url.split('/').at(-1));
		assert.equal(made.status, 200, made.text);
		assert.equal((await get(made.json.url)).status, 200);
	}
	assert.equal((await link('medium-00000000.webp')).status, 400);
	refused(await get(server.storage + sign(image.imageId, nowS() + 60, 'medium-00000000.webp')), 404, 'no_such_image');
	await call(server, 'DELETE', `/images/${image.imageId}`, { key });
	refused(await get(medium.webp), 404, 'no_such_image');
});

test('a link with a life of its own', async () => {
	const { image } = await upload();
	const make = (json, options = { key }) => call(server, 'POST', `/images/${image.imageId}/links`, { json, ...options });
	const asked = nowS(), made = await make({ expiresIn: 1000, variant: 'original' });
	assert.equal(made.status, 200, made.text);
	const exp = Number(/\.(\d+)\//.exec(made.json.url)[1]);
	assert.ok(exp >= asked + 1000 && exp <= nowS() + 1000, `${exp}, asked at ${asked}`);
	assert.equal(made.json.expiresAt, new Date(exp * 1000).toISOString());
	assert.equal((await get(made.json.url)).status, 200);
	assert.ok((await make({})).json.url.endsWith('/original'));
	for (const bad of [{ expiresIn: 0 }, { expiresIn: 604801 }, { expiresIn: '60' }, { variant: 'other' }, { variant: 1 }, []])
		assert.equal((await make(bad)).status, 400, JSON.stringify(bad));
	assert.equal((await make({}, {})).status, 401);
});

test('the redirect to a thumbnail is kept for less time than the link that it leads to lives', async t => {
	const own = await startServer({ env, args: ['--delivery-ttl', '60'] });
	t.after(() => own.stop());
	const { image } = await uploadImage(own, { key });
	const { headers } = await call(own, 'GET', `/images/${image.imageId}/thumbnail?size=small`, { key });
	assert.equal(headers.get('cache-control'), 'private, max-age=30');
});

test('two keys: the first signs, both are accepted; without a setting the store keeps its own', async () => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-delivery-'));
	const links = [];
	try {
		for (const keys of [null, null, next, `${next},${secret}`, secret]) {
			const own = await startServer({ data: dir, env: { TINTYPE_DELIVERY_KEYS: keys } });
			try {
				if (links.length === 0)
					await uploadImage(own);
				const image = (await call(own, 'GET', '/images')).json.images[0];
				links.push(new URL(image.links.original).pathname);
				assert.equal((await get(own.storage + links.at(-1))).status, 200);
				if (links.length === 2)
					assert.equal(links[1], links[0], 'the same key after a restart');
				if (links.length === 4)
					assert.equal((await get(own.storage + sign(image.imageId, nowS() + 9))).status, 200, 'the second key');
				if (links.length === 5)
					assert.equal((await get(own.storage + links[2])).status, 404, 'the key is gone');
			} finally {
				await own.stop();
			}
		}
		assert.equal(links[3], links[2]);
		assert.notEqual(links[4], links[3]);
	} finally {
		rmSync(dir, { recursive: true });
	}
});

test('settings that make no sense are refused at the start', async t => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-delivery-'));
	t.after(() => rmSync(dir, { recursive: true, force: true }));
	for (const [args, more, said] of [
		[[], { TINTYPE_DELIVERY_KEYS: 'x'.repeat(31) }, /32/],
		[[], { TINTYPE_DELIVERY_KEYS: `${secret},${secret}` }, /TINTYPE_DELIVERY_KEYS/],
		[[], { TINTYPE_DELIVERY_KEYS: `${secret}, ${next}` }, /TINTYPE_DELIVERY_KEYS/],
		[['--delivery-ttl', '604801'], {}, /604800/],
		[['--visibility', 'open'], {}, /private\|public/],
		[['--url-ttl', '604501'], {}, /604500/],
		[['--bucket', 'i'], {}, /--bucket/],
		[['--delivery-url', 'img.example.com'], {}, /--delivery-url/],
		[['--store', 's3', '--table', 'dynamodb'], { AWS_REGION: 'us-east-1' }, /TINTYPE_DELIVERY_KEYS/],
	]) {
		const ran = await runProgram(['serve', '--data', path.join(dir, 'not-made'), '--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0', ...args], { env: more });
		assert.equal(ran.code, 2, ran.stderr);
		assert.match(ran.stderr, said);
	}
});

test('download URLs are the same for a window of time, and /file may be kept almost as long as its URL', async () => {
	const { image } = await upload();
	const target = `/images/${image.imageId}`;
	const shown = async () => (await call(server, 'GET', target, { key })).json;
	const first = await shown(), second = await shown();
	const signedAt = url => Date.parse(new URL(url).searchParams.get('X-Amz-Date').replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'));
	if (signedAt(first.downloadUrl) === signedAt(second.downloadUrl))
		assert.equal(second.downloadUrl, first.downloadUrl);
	const query = new URL(second.downloadUrl).searchParams;
	assert.equal(signedAt(second.downloadUrl) % 300000, 0);
	assert.equal(query.get('X-Amz-Expires'), '600');
	assert.equal(query.get('response-cache-control'), 'private, max-age=300, immutable');
	assert.equal(second.expiresAt, new Date(signedAt(second.downloadUrl) + 600000).toISOString());
	const bytes = await get(second.downloadUrl);
	assert.equal(bytes.status, 200);
	assert.equal(bytes.headers.get('cache-control'), 'private, max-age=300, immutable');
	const asked = Date.now(), file = await call(server, 'GET', `${target}/file`, { key }), answered = Date.now();
	assert.equal(file.status, 302);
	const left = at => (signedAt(file.headers.get('location')) + 600000 - at) / 1000 - 60;
	const maxAge = Number(/^private, max-age=(\d+)$/.exec(file.headers.get('cache-control'))[1]);
	assert.ok(maxAge <= left(asked) + 1 && maxAge >= left(answered) - 1, `${maxAge} of ${left(asked)}`);
	assert.equal(file.headers.get('vary'), 'Authorization');
	const head = await call(server, 'HEAD', `${target}/file`, { key });
	assert.equal(head.headers.get('cache-control'), 'no-store');
	assert.equal((await get(head.headers.get('location'), {}, 'HEAD')).status, 200);
	assert.equal((await get(head.headers.get('location'))).status, 403, 'it is signed for HEAD alone');
	const slot = await openSlot(server, {}, { key });
	assert.equal(new URL(slot.uploadUrl).searchParams.get('X-Amz-Expires'), '300');
	assert.ok(Math.abs(signedAt(slot.uploadUrl) - Date.now()) < 60000, 'upload URLs are signed as of now');
});

test('the log and the metrics have the template of the route and never the path', async () => {
	const own = await startServer({ env, args: ['--log-level', 'debug'] });
	const { image } = await uploadImage(own, { key });
	const { pathname } = new URL(image.links.original), signature = pathname.slice(3, 25);
	assert.equal((await get(image.links.original)).status, 200);
	assert.equal((await get(image.links.original.replace(signature, 'A'.repeat(22)))).status, 404);
	const logged = await eventually(() => own.events('request').filter(e => e.route?.startsWith('GET /i/')).length === 2 && own.events('request'), { what: 'the lines' });
	assert.ok(logged.some(e => e.route === 'GET /i/{sig}.{exp}/{imageId}/{variant}' && e.imageId === image.imageId));
	const { text } = await get(`${own.admin}/metrics`);
	assert.match(text, /route="GET \/i\/\{sig\}\.\{exp\}\/\{imageId\}\/\{variant\}"/);
	await own.stop();
	for (const shown of [own.log.join('\n'), own.out, text])
		assert.ok(!shown.includes(signature));
});

test('behind nginx as a caching proxy the second visitor causes no request for a picture', async () => {
	const port = await freePort();
	const own = await startServer({ env: { ...env, TINTYPE_TLS_CERT: null, TINTYPE_TLS_KEY: null }, args: ['--delivery-url', `http://127.0.0.1:${port}`] });
	const nginx = await startNginx(own.storage, port);
	const requests = async () => {
		const { text } = await get(`${own.admin}/metrics`);
		return [...text.matchAll(/^tintype_requests_total\{.*route="GET \/i\/.*\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
	};
	try {
		for (let i = 0; i < 5; i++)
			await uploadImage(own, { bytes: i % 2 ? photo : tinyPng, fileType: i % 2 ? 'image/jpeg' : 'image/png', key, visibility: i < 3 ? 'private' : 'public' });
		const visit = async () => {
			const { images } = (await call(own, 'GET', '/images', { key })).json;
			const all = await Promise.all(images.map(image => get(image.links.original)));
			return { urls: images.map(image => image.links.original), caches: all.map(a => a.headers.get('x-cache')), sizes: all.map(a => a.bytes.length), statuses: all.map(a => a.status) };
		};
		const first = await visit();
		assert.deepEqual(first.statuses, Array(5).fill(200));
		assert.deepEqual(first.caches, Array(5).fill('MISS'));
		await eventually(async () => await requests() === 5, { what: 'the counts, which follow the responses' });
		const second = await visit();
		assert.deepEqual(second.urls, first.urls);
		assert.deepEqual(second.caches, Array(5).fill('HIT'));
		assert.deepEqual(second.sizes, first.sizes);
		assert.equal(await requests(), 5);
	} finally {
		await nginx.stop();
		await own.stop();
	}
});
