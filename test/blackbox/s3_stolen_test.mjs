// A stolen upload URL, and the key that signs such URLs: whatever S3 request is made with them, they give access to
// nothing but the one slot, and the `slots` key to nothing but images by presigned URLs and forms.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { call, credentials, fetchUrl, openSlot, putBytes, tinyPng, uploadImage } from './support/server.mjs';
import { presign } from './support/presign.mjs';
import { s3, sendHead } from './support/s3.mjs';
import { startStore } from './support/s3_faults.mjs';

let store, slots, uploadId, image;
before(async () => {
	store = await startStore();
	slots = credentials(store.server).slots;
	uploadId = await store.begin('/things/upload');
	assert.equal((await store.ask('PUT', '/things/there', { body: 'there' })).status, 200);
	assert.equal((await store.ask('PUT', '/image-uploads/own', { body: 'own' })).status, 200);
	({ image } = await uploadImage(store.server));
});
after(() => store.stop());

const cors = '<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>';
const everyBucket = [
	['PUT', {}], ['DELETE', {}], ['HEAD', {}], ['GET', {}], ['GET', { 'list-type': '2' }], ['GET', { versions: '' }], ['GET', { uploads: '' }], ['GET', { location: '' }],
	['GET', { versioning: '' }], ['GET', { acl: '' }], ['PUT', { acl: '' }], ['GET', { cors: '' }], ['PUT', { cors: '' }, cors], ['DELETE', { cors: '' }],
	['POST', { delete: '' }, '<Delete><Object><Key>there</Key></Object></Delete>'], ['GET', { policy: '' }], ['PUT', { policy: '' }], ['GET', { lifecycle: '' }], ['PUT', { versioning: '' }], ['PUT', { tagging: '' }],
];
const everyObject = [
	['GET', {}], ['HEAD', {}], ['PUT', {}, 'x'], ['DELETE', {}], ['POST', {}], ['GET', { attributes: '' }], ['GET', { acl: '' }], ['PUT', { acl: '' }], ['POST', { uploads: '' }],
	['PUT', { uploadId: 'ID', partNumber: '1' }, 'x'], ['GET', { uploadId: 'ID' }], ['POST', { uploadId: 'ID' }, '<CompleteMultipartUpload/>'], ['DELETE', { uploadId: 'ID' }],
	['GET', { tagging: '' }], ['PUT', { tagging: '' }, 'x'], ['PUT', { retention: '' }], ['POST', { restore: '' }], ['POST', { select: '', 'select-type': '2' }], ['GET', { torrent: '' }],
];

/** Every operation, as [method, path, query, body, headers]. */
function everything() {
	const all = [['GET', '/', {}]];
	for (const bucket of ['/things', '/image-uploads', '/new-bucket'])
		all.push(...everyBucket.map(([method, query, body]) => [method, bucket, query, body]));
	const imageKey = new URL(image.fileUrl).pathname;
	for (const key of ['/things/there', '/things/upload', '/image-uploads/own', '/image-uploads/thumbs/x', imageKey]) {
		for (const [method, query, body] of everyObject)
			all.push([method, key, query.uploadId ? { ...query, uploadId } : query, body]);
		all.push(['PUT', key, {}, '', { 'x-amz-copy-source': '/things/there' }], ['PUT', key, {}, '', { 'x-amz-copy-source': imageKey }],
			['PUT', key, { uploadId, partNumber: '1' }, '', { 'x-amz-copy-source': '/things/there' }]);
	}
	return all;
}

/** All that is there is as it was. */
async function nothingHappened() {
	assert.deepEqual(await store.keys(), ['there']);
	assert.equal((await store.ask('GET', '/things/there')).text, 'there');
	assert.equal((await store.ask('GET', '/image-uploads/own')).text, 'own');
	assert.ok((await fetchUrl(image.downloadUrl)).bytes.equals(tinyPng));
	assert.equal((await store.ask('GET', '/things', { query: { cors: '' } })).status, 404);
	assert.doesNotMatch((await store.ask('GET', '/')).text, /new-bucket/);
	assert.equal([...(await store.ask('GET', '/things', { query: { uploads: '' } })).text.matchAll(/<Upload>/g)].length, 1);
	assert.equal([...(await store.ask('GET', '/image-uploads', { query: { uploads: '' } })).text.matchAll(/<Upload>/g)].length, 0);
	assert.doesNotMatch((await store.ask('GET', '/things/upload', { query: { uploadId } })).text, /<Part>/);
}

const name = (method, path, query, headers) => `${method} ${path} ${JSON.stringify(query)} ${JSON.stringify(headers ?? {})}`;

function isRefused(answer, what, method) {
	assert.ok([400, 403, 405, 501].includes(answer.status), `${what}: ${answer.status} ${answer.text}`);
	if (method !== 'HEAD')
		store.bodies.push(answer.text);
}

test('the slots key is refused in every signed header', async () => {
	for (const [method, path, query, body, headers] of everything())
		isRefused(await s3(store.server, method, path, { who: slots, query, body, headers }), name(method, path, query, headers), method);
	await nothingHappened();
});

test('the slots key presigns only images, to read them and to upload into open slots', async () => {
	const imageKey = new URL(image.fileUrl).pathname;
	for (const [method, path, query, body = '', headers = {}] of everything()) {
		const [, bucket, ...key] = path.split('/');
		const url = new URL(presign(store.server, method, key.join('/'), { who: slots, bucket, query, headers }));
		const answer = await sendHead(store.server, { method, target: key.length ? url.pathname + url.search : path + url.search, headers: { host: url.host, ...headers } }, body);
		if (path === imageKey && ['GET', 'HEAD'].includes(method) && Object.keys(query).length === 0) {
			assert.equal(answer.status, 200);
			continue;
		}
		if (path === imageKey && method === 'PUT' && body === 'x' && Object.keys(query).length === 0) {
			assert.equal(answer.status, 412, `an image that is there is not replaced: ${answer.text}`);
			continue;
		}
		isRefused(answer, name(method, path, query, headers), method);
	}
	await nothingHappened();
});

test('the stolen URL of a slot allows its one upload only', async () => {
	const slot = await openSlot(store.server), url = new URL(slot.uploadUrl);
	for (const [method, path, query, body = '', headers = {}] of everything()) {
		const more = new URLSearchParams(query).toString(), what = name(method, path, query, headers);
		for (const search of new Set([url.search, `${url.search}${more && `&${more}`}`]))
			isRefused(await sendHead(store.server, { method, target: path + search, headers: { host: url.host, ...slot.headers, ...headers } }, body), `${what} ${search === url.search ? '' : 'with its query'}`, method);
		if (method === 'PUT' && more === '' && Object.keys(headers).length === 0)
			continue;
		isRefused(await sendHead(store.server, { method, target: `${url.pathname}${url.search}${more && `&${more}`}`, headers: { host: url.host, ...slot.headers, ...headers } }, body), `${what}, at the slot`, method);
	}
	for (const spelling of [url.pathname.replace('/image-uploads', '//image-uploads'), `${url.pathname}/`, `${url.pathname}/../x`, url.pathname.replace('images', '%2569mages'),
		url.pathname.replace('images/', 'images//'), url.pathname.toUpperCase(), `/image-uploads/own?${url.pathname}`]) {
		const answer = await sendHead(store.server, { method: 'PUT', target: spelling.includes('?') ? spelling : spelling + url.search, headers: { host: url.host, ...slot.headers } }, 'x');
		assert.ok([400, 403].includes(answer.status), `${spelling}: ${answer.status} ${answer.text}`);
	}
	await nothingHappened();
	assert.equal((await call(store.server, 'GET', `/images/${slot.imageId}`)).json.status, 'pending');
	assert.equal((await putBytes(slot, tinyPng)).status, 200);
	assert.equal((await putBytes(slot, Buffer.concat([tinyPng, tinyPng]))).status, 412, 'and never for other bytes');
});

test('the stolen form of a slot allows its key only', async () => {
	const slot = await openSlot(store.server, { method: 'POST' });
	const post = async (bucket, fields) => {
		const form = new FormData();
		Object.entries({ ...slot.fields, ...fields }).forEach(([k, v]) => form.append(k, v));
		form.append('file', new Blob([tinyPng], { type: 'image/png' }), 'x.png');
		return fetchUrl(`${store.server.storage}/${bucket}`, { method: 'POST', body: form });
	};
	for (const [bucket, fields] of [['things', {}], ['image-uploads', { key: 'own' }], ['image-uploads', { key: 'images/${filename}' }], ['image-uploads', { key: `${slot.fields.key}x` }], ['new-bucket', {}],
		['image-uploads', { bucket: 'things' }], ['image-uploads', { acl: 'public-read' }], ['image-uploads', { success_action_redirect: 'http://127.0.0.1/' }]])
		isRefused(await post(bucket, fields), `${bucket} ${JSON.stringify(fields)}`);
	await nothingHappened();
	assert.ok((await post('image-uploads', {})).status < 300);
});
