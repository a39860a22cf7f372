// doc/openapi.yaml: valid by the OpenAPI 3.1 schema, and true: every operation is called on a
// real server, the status of each response must be in the document, and headers and body
// must match it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { call, npmPackage, openSlot, putBytes, root, startServer, tinyPng, uploadImage } from './support/server.mjs';

const SwaggerParser = npmPackage('@apidevtools/swagger-parser').default ?? npmPackage('@apidevtools/swagger-parser');
const Ajv = npmPackage('ajv/dist/2020').default;
const addFormats = npmPackage('ajv-formats').default;

const file = path.join(root, 'doc/openapi.yaml');
const key = 'correct-horse-battery-staple';
const seen = new Set();
let server, locked, api, ajv;

/** The operation and the response in the document for a received response. */
function documented(method, template, status) {
	const operation = api.paths[template]?.[method.toLowerCase()];
	assert.ok(operation, `${method} ${template} is not in the document`);
	const response = operation.responses[status];
	assert.ok(response, `${method} ${template} gave ${status}, of which the document does not tell`);
	return response;
}

function checkHeaders(answer, response, what) {
	for (const [name, { required, schema }] of Object.entries(response.headers ?? {})) {
		const text = answer.headers.get(name);
		assert.ok(!required || text !== null, `${what}: ${name} is missing`);
		if (text !== null)
			assert.ok(ajv.validate(schema, schema.type === 'integer' ? Number(text) : text), `${what}: ${name}: ${text}`);
	}
}

function checkBody(answer, response, what) {
	const type = (answer.headers.get('content-type') ?? '').split(';')[0];
	if (!response.content) {
		assert.equal(answer.text, '', `${what} has a body`);
		return;
	}
	assert.ok(response.content[type], `${what}: ${type} is not in the document`);
	const valid = ajv.validate(response.content[type].schema, answer.json);
	assert.ok(valid, `${what}: ${ajv.errorsText()}\n${answer.text}`);
}

/** Call, and compare with the document. values fill the template's variables and the query. */
async function conforms(to, status, method, template, { query = '', imageId, keyId, owner, ...options } = {}) {
	const what = `${method} ${template} ${status}`;
	const values = { imageId, keyId, owner };
	const answer = await call(to, method, template.replace(/\{(\w+)\}/, (_, name) => values[name]) + query, options);
	assert.equal(answer.status, status, `${what}: ${answer.text}`);
	const response = documented(method, template, status);
	checkHeaders(answer, response, what);
	checkBody(answer, response, what);
	seen.add(`${method} ${template}`);
	return answer.json;
}

before(async () => {
	server = await startServer();
	locked = await startServer({ env: { TINTYPE_ACCESS: 'key', TINTYPE_UPLOAD: 'key', TINTYPE_API_KEY: key } });
});
after(async () => {
	await server?.stop();
	await locked?.stop();
});

test('the document is valid OpenAPI 3.1', async () => {
	api = await SwaggerParser.validate(file);
	assert.equal(api.openapi, '3.1.0');
	assert.equal(api.info.license.identifier, 'MIT');
	ajv = new Ajv({ strict: true, strictTypes: false, allErrors: true, keywords: ['example'] });
	addFormats(ajv);
});

test('slots', async () => {
	const json = { fileName: 'a.png', fileType: 'image/png' };
	await conforms(server, 200, 'POST', '/upload', { json });
	await conforms(server, 200, 'POST', '/upload', { json: { ...json, fileSize: 67 } });
	await conforms(server, 200, 'POST', '/upload', { json: { ...json, method: 'POST' } });
	await conforms(server, 200, 'POST', '/upload', { json: { ...json, method: 'POST', fileSize: 67 } });
	await conforms(server, 400, 'POST', '/upload', { body: 'no json' });
	await conforms(server, 400, 'POST', '/upload', { json: { ...json, fileSize: -1 } });
	await conforms(server, 413, 'POST', '/upload', { json: { ...json, fileSize: 5242881 } });
	await conforms(server, 413, 'POST', '/upload', { body: ' '.repeat(16385) });
	await conforms(server, 415, 'POST', '/upload', { json: { ...json, fileType: 'image/svg+xml' } });
	await conforms(locked, 401, 'POST', '/upload', { json });
	await conforms(locked, 401, 'POST', '/upload', { json, key: 'wrong' });
	await conforms(locked, 200, 'POST', '/upload', { json, key });
});

test('slots in the format of Uppy', async () => {
	const json = { fileName: 'a.png', fileType: 'image/png' };
	await conforms(server, 200, 'POST', '/uppy', { json });
	await conforms(server, 200, 'POST', '/uppy', { json: { ...json, method: 'POST', fileSize: 67 } });
	await conforms(server, 400, 'POST', '/uppy', { body: 'no json' });
	await conforms(server, 413, 'POST', '/uppy', { json: { ...json, fileSize: 5242881 } });
	await conforms(server, 415, 'POST', '/uppy', { json: { ...json, fileType: 'image/svg+xml' } });
	await conforms(locked, 401, 'POST', '/uppy', { json });
	await conforms(locked, 401, 'POST', '/uppy', { json, key: 'wrong' });
});

test('an image in one request', async () => {
	const body = tinyPng, headers = { 'Content-Type': 'image/png' };
	assert.equal((await conforms(server, 201, 'POST', '/images', { query: '?fileName=a.png', body, headers })).fileName, 'a.png');
	const { imageId } = await conforms(server, 201, 'POST', '/images', { body });
	await conforms(server, 400, 'POST', '/images', { query: '?name=a.png', body, headers });
	await conforms(server, 403, 'POST', '/images', { body, headers: { ...headers, Origin: 'https://other.example' } });
	await conforms(server, 409, 'POST', '/images', { body: tinyPng.subarray(0, 40), headers });
	await conforms(server, 413, 'POST', '/images', { body: Buffer.alloc(5242881), headers });
	await conforms(server, 415, 'POST', '/images', { body: 'no image', headers });
	await conforms(locked, 401, 'POST', '/images', { body, headers });
	await conforms(locked, 401, 'POST', '/images', { body, headers, key: 'wrong' });
	assert.ok((await conforms(locked, 201, 'POST', '/images', { body, headers, key })).downloadUrl);
	await conforms(server, 204, 'DELETE', '/images/{imageId}', { imageId });
});

test('images in each state', async () => {
	const { slot } = await uploadImage(server);
	const pending = await openSlot(server);
	const rejected = await openSlot(server);
	assert.equal((await putBytes(rejected, Buffer.from('<html>'))).status, 400);
	await uploadImage(server, { fileName: 'größer.png' });

	assert.equal((await conforms(server, 200, 'GET', '/images/{imageId}', slot)).status, 'uploaded');
	assert.equal((await conforms(server, 200, 'GET', '/images/{imageId}', pending)).status, 'pending');
	assert.equal((await conforms(server, 200, 'GET', '/images/{imageId}', rejected)).status, 'rejected');
	await conforms(server, 404, 'GET', '/images/{imageId}', { imageId: 'none' });
	await conforms(server, 200, 'GET', '/images/{imageId}', { imageId: slot.imageId, query: '?wait=25' });
	await conforms(server, 400, 'GET', '/images/{imageId}', { imageId: slot.imageId, query: '?wait=26' });

	const page = await conforms(server, 200, 'GET', '/images', { query: '?limit=1' });
	assert.equal(page.count, 1);
	await conforms(server, 200, 'GET', '/images', { query: `?limit=1&cursor=${encodeURIComponent(page.nextCursor)}` });
	await conforms(server, 200, 'GET', '/images');
	assert.equal((await conforms(server, 200, 'GET', '/images', { query: '?urls=false' })).images[0].fileUrl, undefined);
	await conforms(server, 400, 'GET', '/images', { query: '?limit=0' });
	await conforms(server, 400, 'GET', '/images', { query: '?cursor=none' });

	await conforms(server, 302, 'GET', '/images/{imageId}/file', slot);
	await conforms(server, 404, 'GET', '/images/{imageId}/file', pending);
	await conforms(server, 302, 'GET', '/images/{imageId}/thumbnail', { imageId: slot.imageId, query: '?size=small' });
	await conforms(server, 400, 'GET', '/images/{imageId}/thumbnail', { imageId: slot.imageId, query: '?size=huge' });
	await conforms(server, 404, 'GET', '/images/{imageId}/thumbnail', { imageId: pending.imageId, query: '?size=small' });
	await conforms(server, 404, 'GET', '/images/{imageId}/file', rejected);

	assert.equal((await conforms(server, 200, 'POST', '/images/{imageId}/complete', { imageId: slot.imageId })).status, 'uploaded');
	assert.equal((await conforms(server, 200, 'PATCH', '/images/{imageId}', { imageId: slot.imageId, json: { visibility: 'private' } })).visibility, 'private');
	await conforms(server, 403, 'PATCH', '/images/{imageId}', { imageId: slot.imageId, json: { visibility: 'public' } });
	await conforms(server, 400, 'PATCH', '/images/{imageId}', { imageId: slot.imageId, json: {} });
	await conforms(server, 412, 'PATCH', '/images/{imageId}', { imageId: slot.imageId, json: { metadata: null }, headers: { 'If-Match': '"99"' } });
	await conforms(server, 200, 'POST', '/images/delete', { json: { imageIds: ['0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10'] } });
	await conforms(server, 400, 'POST', '/images/delete', { json: {} });
	await conforms(server, 200, 'GET', '/images', { query: '?status=uploaded&order=oldest' });
	assert.deepEqual((await conforms(server, 200, 'PATCH', '/images/{imageId}', { imageId: slot.imageId, json: { metadata: { a: '1' } } })).metadata, { a: '1' });
	await conforms(server, 200, 'POST', '/images/{imageId}/links', { imageId: slot.imageId, json: { expiresIn: 60 } });
	await conforms(server, 404, 'POST', '/images/{imageId}/links', { imageId: rejected.imageId, json: {} });
	assert.equal((await conforms(server, 200, 'POST', '/images/{imageId}/complete', { imageId: rejected.imageId })).status, 'rejected');
	await conforms(server, 409, 'POST', '/images/{imageId}/complete', { imageId: pending.imageId });
	await conforms(server, 404, 'POST', '/images/{imageId}/complete', { imageId: 'none' });

	await conforms(server, 204, 'DELETE', '/images/{imageId}', { imageId: slot.imageId });
	await conforms(server, 404, 'DELETE', '/images/{imageId}', { imageId: slot.imageId });
});

test('images behind the key', async () => {
	const { slot } = await uploadImage(locked, { bytes: tinyPng, key });
	const { imageId } = slot;
	for (const [method, template] of [['GET', '/images'], ['GET', '/images/{imageId}'], ['GET', '/images/{imageId}/file'],
		['POST', '/images/{imageId}/complete'], ['DELETE', '/images/{imageId}']]) {
		await conforms(locked, 401, method, template, { imageId });
		await conforms(locked, 401, method, template, { imageId, key: 'wrong' });
	}
	await conforms(locked, 200, 'GET', '/images', { key });
	for (let i = 0; i < 10; i++)
		await call(locked, 'GET', '/images', { key: 'wrong' });
	for (const [method, template, options] of [['POST', '/upload', { json: { fileName: 'a.png', fileType: 'image/png' } }],
		['POST', '/uppy', { json: { fileName: 'a.png', fileType: 'image/png' } }], ['GET', '/images'], ['GET', '/images/{imageId}'],
		['GET', '/images/{imageId}/file'], ['POST', '/images/{imageId}/complete'], ['DELETE', '/images/{imageId}']])
		await conforms(locked, 429, method, template, { imageId, key: 'wrong', ...options });
	await conforms(locked, 204, 'DELETE', '/images/{imageId}', { imageId, key });
});

test('API keys, and who the caller is', async () => {
	const app = await conforms(locked, 201, 'POST', '/keys', { key, json: { name: 'app', scopes: ['upload', 'read', 'act-as'], expiresIn: 3600 } });
	await uploadImage(locked, { bytes: tinyPng, key: app.key, onBehalfOf: 'ann' });
	const { owner } = await conforms(locked, 200, 'GET', '/me', { key: app.key, query: '?onBehalfOf=ann' });
	const own = await conforms(locked, 201, 'POST', '/keys', { key, json: { name: 'of ann', scopes: ['read'], owner } });
	assert.equal(own.owner, owner);
	assert.equal((await conforms(locked, 200, 'GET', '/me', { key: own.key })).subject, 'ann');
	assert.equal((await conforms(locked, 200, 'GET', '/me', { key })).admin, true);
	assert.equal((await conforms(locked, 200, 'GET', '/keys', { key })).count, 2);
	await conforms(locked, 400, 'POST', '/keys', { key, json: { name: 'app', scopes: [] } });
	await conforms(locked, 404, 'POST', '/keys', { key, json: { name: 'of nobody', scopes: ['read'], owner: '0'.repeat(32) } });
	await conforms(locked, 413, 'POST', '/keys', { key, body: ' '.repeat(16385) });
	await conforms(locked, 400, 'GET', '/me', { key, query: '?onBehalfOf=' });
	for (const [method, template, json] of [['GET', '/keys'], ['POST', '/keys', {}], ['DELETE', '/keys/{keyId}']]) {
		await conforms(locked, 401, method, template, { json, keyId: own.keyId });
		await conforms(locked, 403, method, template, { json, keyId: own.keyId, key: app.key });
	}
	await conforms(locked, 401, 'GET', '/me');
	await conforms(locked, 403, 'GET', '/me', { key: own.key, query: '?onBehalfOf=ben' });
	for (const { keyId } of [own, app])
		await conforms(locked, 204, 'DELETE', '/keys/{keyId}', { key, keyId });
	await conforms(locked, 404, 'DELETE', '/keys/{keyId}', { key, keyId: own.keyId });
});

test('users, and records as administrators see them', async () => {
	const { slot } = await uploadImage(locked, { bytes: tinyPng, key, onBehalfOf: 'ben' });
	const pending = await openSlot(locked, { onBehalfOf: 'ben' }, { key }), rejected = await openSlot(locked, { onBehalfOf: 'ben' }, { key });
	assert.equal((await putBytes(rejected, Buffer.from('<html>'))).status, 400);
	for (const { imageId } of [slot, pending, rejected])
		assert.equal((await conforms(locked, 200, 'GET', '/images/{imageId}', { key, imageId })).subject, 'ben');
	const { owner } = await conforms(locked, 200, 'GET', '/images/{imageId}', { key, imageId: slot.imageId, query: '?onBehalfOf=ben' })
		.then(() => conforms(locked, 200, 'GET', '/me', { key, query: '?onBehalfOf=ben' }));
	assert.equal((await conforms(locked, 200, 'GET', '/images', { key, query: `?owner=${owner}&status=all` })).count, 3);

	const page = await conforms(locked, 200, 'GET', '/users', { key, query: '?limit=1' });
	assert.equal(page.count, 1);
	await conforms(locked, 200, 'GET', '/users', { key, query: `?limit=1&cursor=${encodeURIComponent(page.nextCursor)}` });
	await conforms(locked, 400, 'GET', '/users', { key, query: '?limit=0' });
	await conforms(locked, 400, 'GET', '/users', { key, query: '?cursor=none' });
	assert.equal((await conforms(locked, 200, 'GET', '/users/{owner}', { key, owner })).usage.pending, 1);
	assert.deepEqual((await conforms(locked, 200, 'PUT', '/users/{owner}/quota', { key, owner, json: { images: 2 } })).quota, { images: 2 });
	await conforms(locked, 400, 'PUT', '/users/{owner}/quota', { key, owner, json: { images: 0 } });
	await conforms(locked, 413, 'PUT', '/users/{owner}/quota', { key, owner, body: ' '.repeat(16385) });
	await conforms(locked, 403, 'POST', '/upload', { key, json: { fileName: 'a.png', fileType: 'image/png', onBehalfOf: 'ben' } });
	assert.equal((await conforms(locked, 200, 'DELETE', '/users/{owner}/quota', { key, owner })).ownQuota, false);
	for (const [method, template, json] of [['GET', '/users/{owner}'], ['DELETE', '/users/{owner}'], ['PUT', '/users/{owner}/quota', {}], ['DELETE', '/users/{owner}/quota']]) {
		await conforms(locked, 401, method, template, { json, owner });
		await conforms(locked, 404, method, template, { json, key, owner: 'nobody' });
	}
	await conforms(locked, 401, 'GET', '/users');
	assert.deepEqual(await conforms(locked, 200, 'DELETE', '/users/{owner}', { key, owner }), { owner, deletedImages: 3, done: true });
	await conforms(locked, 404, 'GET', '/users/{owner}', { key, owner });
});

test('the document is served as it is, to pages and tools of any origin, and caches may keep it', async () => {
	const url = `${locked.api}/openapi.yaml`, headers = { Origin: 'https://editor.example' };
	const answer = await fetch(url, { headers });
	assert.deepEqual([answer.status, answer.headers.get('content-type'), answer.headers.get('access-control-allow-origin')], [200, 'application/yaml', '*']);
	assert.equal(await answer.text(), readFileSync(file, 'utf8'));
	assert.equal((await fetch(url, { headers: { ...headers, 'If-None-Match': answer.headers.get('etag') } })).status, 304);
	assert.equal(api.servers[0].url, '/prod', 'of the server that it comes from');
});

test('limits and preflights', async () => {
	await conforms(server, 200, 'GET', '/limits');
	await conforms(locked, 200, 'GET', '/limits', { key, query: '?onBehalfOf=ann' });
	await conforms(server, 403, 'GET', '/images', { headers: { Origin: 'https://other.example' } });
	for (const template of Object.keys(api.paths))
		await conforms(locked, 204, 'OPTIONS', template, { imageId: 'any', keyId: 'any', owner: 'any' });
});

test('every operation has a unique id and a response for client errors', () => {
	const operations = Object.values(api.paths).flatMap(item => Object.entries(item).filter(([m]) => m !== 'parameters').map(([, operation]) => operation));
	const ids = operations.map(operation => operation.operationId);
	assert.ok(ids.every(Boolean));
	assert.equal(new Set(ids).size, ids.length);
	for (const operation of operations)
		assert.ok(Object.keys(operation.responses).some(status => /^4/.test(status)), operation.operationId);
});

test('examples fit their schemas', () => {
	let examples = 0;
	for (const item of Object.values(api.paths))
		for (const operation of Object.values(item))
			for (const content of [operation.requestBody?.content, operation.responses?.['200']?.content, operation.responses?.['201']?.content].filter(Boolean))
				for (const { schema, example } of Object.values(content).filter(each => each.example)) {
					assert.ok(ajv.validate(schema, example), `${operation.operationId}: ${ajv.errorsText()}`);
					examples++;
				}
	assert.ok(examples >= 4);
});

test('every operation of the document was called', () => {
	const all = Object.entries(api.paths).flatMap(([template, item]) =>
		Object.keys(item).filter(m => m !== 'parameters').map(m => `${m.toUpperCase()} ${template}`));
	assert.deepEqual([...seen].sort(), all.sort());
});
