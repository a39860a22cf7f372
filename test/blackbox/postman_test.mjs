// The Postman collection run by newman: every request against a new server, open and with a
// key. And it detects failures: against a server that refuses the key, its tests fail.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { call, corpus, npmPackage, root, startServer } from './support/server.mjs';

const SwaggerParser = npmPackage('@apidevtools/swagger-parser').default ?? npmPackage('@apidevtools/swagger-parser');

const file = path.join(root, 'doc/postman_collection.json');
const key = 'correct-horse-battery-staple';
let dir, open, locked;

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'tintype-postman-'));
	writeFileSync(path.join(dir, 'picture.png'), corpus('good/alpha.png'));
	[open, locked] = await Promise.all([startServer(), startServer({ env: { TINTYPE_ACCESS: 'key', TINTYPE_UPLOAD: 'key', TINTYPE_API_KEY: key } })]);
});
after(async () => {
	await open?.stop();
	await locked?.stop();
	rmSync(dir, { recursive: true, force: true });
});

/** Run the collection as in its description; returns newman's report of the run. */
async function newman(server, variables = {}) {
	const report = path.join(dir, 'report.json');
	const given = Object.entries({ baseUrl: `${server.api}/prod`, ...variables }).flatMap(([name, value]) => ['--env-var', `${name}=${value}`]);
	const args = ['run', file, '--working-dir', dir, '--reporters', 'json', '--reporter-json-export', report, ...given];
	const status = await new Promise(resolve => execFile(path.join(root, 'test/npm/node_modules/.bin/newman'), args, { timeout: 300000 }, error => resolve(error?.code ?? 0)));
	return { status, ...JSON.parse(readFileSync(report, 'utf8')).run };
}

/** Every request of the collection, by its names from the top. */
function requestsOf(items, above = '') {
	return items.flatMap(item => item.item ? requestsOf(item.item, `${above}${item.name} / `) : [{ ...item, path: above + item.name }]);
}

function assertAllPassed(run, ...skippedFolders) {
	const skipped = requestsOf(collection.item.filter(({ name }) => skippedFolders.includes(name))).length;
	const failed = run.failures.map(({ source, error }) => `${source.name}: ${error.test ?? ''} ${error.message}`);
	assert.deepEqual(failed, []);
	assert.equal(run.status, 0);
	assert.ok(run.stats.assertions.total >= 2 * (requests.length - skipped), 'each response has a test of its own');
	assert.equal(run.stats.requests.total, requests.length - skipped);
}

const collection = JSON.parse(readFileSync(file, 'utf8'));
const requests = requestsOf(collection.item);

test('it is a collection of version 2.1 that names only the default server', () => {
	assert.equal(collection.info.schema, 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json');
	for (const { path: name, request } of requests)
		assert.match(request.url, /^\{\{(baseUrl|uploadUrl|downloadUrl)\}\}/, name);
	for (const { path: name, event } of requests)
		assert.ok(event.some(e => e.listen === 'test' && e.script.exec.join('').includes('pm.test(')), `${name} has no test`);
});

test('it passes unchanged, without a local file, and leaves nothing on the server', async () => {
	assertAllPassed(await newman(open), 'A local file', 'Users and keys');
	assert.equal((await call(open, 'GET', '/images')).json.count, 0);
});

test('every other request passes on an open server, and only the local file\'s image is left', async () => {
	assertAllPassed(await newman(open, { withFile: '1' }), 'Users and keys');
	const { json } = await call(open, 'GET', '/images');
	assert.deepEqual(json.images.map(image => [image.fileName, image.fileSize]), [['picture.png', corpus('good/alpha.png').length]]);
});

test('every request passes where a key is required', async () => {
	assertAllPassed(await newman(locked, { apiKey: key, withFile: '1' }));
});

test('it has every operation of the API', async () => {
	const { paths } = await SwaggerParser.parse(path.join(root, 'doc/openapi.yaml'));
	const wanted = Object.entries(paths).flatMap(([template, item]) =>
		Object.keys(item).filter(method => !['parameters', 'options'].includes(method)).map(method => `${method.toUpperCase()} ${template}`));
	const has = requests.map(({ request }) => `${request.method} ${request.url.replace('{{baseUrl}}', '').replace(/\?.*/, '').replace(/\{\{(\w+)\}\}/g, '{$1}')}`);
	assert.deepEqual(wanted.filter(operation => !has.includes(operation)), []);
});

test('with a wrong key its tests fail', async () => {
	const run = await newman(locked, { apiKey: 'wrong' });
	assert.equal(run.status, 1);
	assert.ok(run.failures.some(({ source, error }) => source.name === 'Slot' && error.test === 'a slot is issued'));
});
