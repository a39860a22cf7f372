// A stack with a CDN: the real functions with the roles of deploy/template.yaml, S3 by Ceph, and the distribution of the template in
// small, which verifies signatures with the public key. Then the page as it comes from the bucket, in Chromium.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { choose, openPage, startBrowser, uploadIs, wallHas } from './support/browser.mjs';
import { SECRET, startCdn } from './support/cdn.mjs';
import { startGateway } from './support/gateway.mjs';
import { actionsOf, ROLES, roleStatements } from './support/iam.mjs';
import { startCloud } from '../cloud/cloud.mjs';
import { RuntimeApi } from './support/runtime_api.mjs';
import { corpus, eventually, root, tinyPng } from './support/server.mjs';

const build = process.env.TINTYPE_BUILD, PROGRAM = process.env.TINTYPE_BOOTSTRAP ?? `${build}/src/bootstrap`;
const KEY = 'the-key-of-the-administrator', byKey = { Authorization: `Bearer ${KEY}` }, PARAMETER = '/tintype/tintype/cdn-key-1';
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256', publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
const functions = {}, keys = {};
const granted = await roleStatements({ BucketName: 'pictures', Cdn: 'on', CdnKey1: `${'A'.repeat(64)},${'A'.repeat(60)}` });
let cloud, gateway, cdn, browser, common;

const routeOf = (method, path) => /^\/(upload|uppy|limits)$/.test(path) ? 'upload' : path.startsWith('/i/') ? 'delivery'
	: method === 'DELETE' || method === 'PATCH' || path.endsWith('/complete') || path === '/images/delete' ? 'manage' : 'images';

async function start(name, more = {}) {
	const credentials = await cloud.role(`${ROLES[name]}-${Object.keys(keys).length}`, granted[ROLES[name]]);
	keys[credentials.AWS_ACCESS_KEY_ID] = ROLES[name];
	const signs = name === 'images' || name === 'manage';
	return (await new RuntimeApi().start()).run(PROGRAM, { _HANDLER: name, ...common, ...credentials, ...signs && { TINTYPE_CDN_KEY_ID: 'K1', TINTYPE_CDN_KEY_PARAMETER: PARAMETER }, ...more });
}

before(async () => {
	cloud = await startCloud();
	await promisify(execFile)(`${build}/test/lambda/make_table`, { env: { ...process.env, ...cloud.env } });
	cdn = await startCdn(cloud);
	cdn.keys.K1 = pair.publicKey;
	cloud.onInvalidation = path => cdn.forget(path);
	cloud.parameters.set(PARAMETER, { Name: PARAMETER, Type: 'SecureString', Value: pair.privateKey, Version: 1 });
	const origins = cdn.corsOrigins.map(one => `<AllowedOrigin>${one}</AllowedOrigin>`).join('');
	await cloud.request('PUT', '/pictures', { query: { cors: '' }, body: `<CORSConfiguration><CORSRule>${origins}<AllowedMethod>PUT</AllowedMethod><AllowedMethod>POST</AllowedMethod><AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader></CORSRule></CORSConfiguration>` });
	common = { ...cloud.env, TINTYPE_ACCESS: 'open', TINTYPE_API_KEY: KEY, TINTYPE_DELIVERY_URL: `${cdn.url}/prod`, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512', TINTYPE_CDN_URL: cdn.url, TINTYPE_CDN_DISTRIBUTION: 'EDFDVBD632BHDS5' };
	const passedOn = { TINTYPE_CDN_SECRET: SECRET };
	for (const name of Object.keys(ROLES).filter(one => one !== 'sweep'))
		functions[name] = await start(name, ['upload', 'images', 'manage', 'delivery'].includes(name) ? passedOn : {});
	gateway = await startGateway((method, path) => functions[routeOf(method, path)]);
	cdn.api = gateway.base;
	browser = await startBrowser();
});

after(async () => {
	await browser?.close();
	await gateway?.stop();
	await cdn?.stop();
	for (const one of Object.values(functions))
		await one.stop();
	await cloud?.stop();
});

/** By way of the CDN, as everything here. */
const json = async (method, path, body, headers = {}) => {
	const answer = await fetch(`${cdn.url}/prod${path}`, { method, redirect: 'manual', ...body && { body: JSON.stringify(body) }, headers: { ...body && { 'Content-Type': 'application/json' }, ...headers } });
	const text = await answer.text();
	return { status: answer.status, headers: answer.headers, ...text && { body: JSON.parse(text) } };
};

async function upload(bytes = tinyPng, more = {}) {
	const { body: slot } = await json('POST', '/upload', { fileName: 'Résumé 1.png', fileType: 'image/png', ...more }, byKey);
	assert.equal((await fetch(slot.uploadUrl, { method: slot.method, headers: slot.headers, body: bytes })).status, 200);
	const done = await json('POST', `/images/${slot.imageId}/complete`);
	assert.equal(done.status, 200, JSON.stringify(done.body));
	return { slot, image: done.body };
}

const statusOf = async url => (await fetch(url)).status;
const bytesOf = async url => Buffer.from(await (await fetch(url)).arrayBuffer());
const visibility = (id, value) => json('PATCH', `/images/${id}`, { visibility: value }, byKey);

test('a private image has signed URLs of the CDN, which are the same each time, and no others', async () => {
	const { slot, image } = await upload();
	assert.equal(image.fileUrl, slot.fileUrl);
	assert.equal(image.fileUrl, `${cdn.url}/images/${image.imageId}.png`);
	for (const url of [image.links.original, image.downloadUrl]) {
		assert.ok(url.startsWith(`${image.fileUrl}?`), url);
		assert.deepEqual(await bytesOf(url), tinyPng);
	}
	const again = (await json('GET', `/images/${image.imageId}`)).body, listed = (await json('GET', '/images')).body.images.find(one => one.imageId === image.imageId);
	assert.deepEqual([again.links, listed.links], [image.links, image.links]);
	const file = await json('GET', `/images/${image.imageId}/file`);
	assert.deepEqual([file.status, file.headers.get('location')], [302, again.downloadUrl]);
	const { headers } = await fetch(image.links.original);
	assert.equal(headers.get('content-type'), 'image/png');
	assert.match(headers.get('content-disposition'), /^inline; filename="R_sum_ 1\.png"; filename\*=UTF-8''R%C3%A9sum%C3%A9%201\.png$/);
	assert.deepEqual([headers.get('cache-control'), headers.get('content-security-policy')], ['private, max-age=3600', "sandbox; default-src 'none'"]);
});

test('without a signature, with another, and after its end a URL is refused', async () => {
	const { image } = await upload(), url = new URL(image.links.original);
	const other = (await upload()).image;
	assert.equal(await statusOf(image.fileUrl), 403);
	assert.equal(await statusOf(image.links.original.replace(image.imageId, other.imageId)), 403);
	for (const [name, value] of [['Expires', String(Number(url.searchParams.get('Expires')) + 1)], ['response-content-type', 'text/html'], ['Key-Pair-Id', 'K2']]) {
		const changed = new URL(url);
		changed.searchParams.set(name, value);
		assert.equal(await statusOf(changed), 403, name);
	}
	const { body: brief } = await json('POST', `/images/${image.imageId}/links`, { variant: 'original', expiresIn: 1 });
	await eventually(async () => await statusOf(brief.url) === 403);
	assert.equal(await statusOf(image.links.original), 200);
	assert.equal(await statusOf(`${cdn.url}/images/`), 403);
});

test('an image that is made public is copied, and readable by anyone; private again it is not, at the CDN neither', async () => {
	const { image } = await upload();
	const made = await visibility(image.imageId, 'public');
	assert.equal(made.status, 200, JSON.stringify(made.body));
	assert.equal(made.body.links.original, `${cdn.url}/public/${image.imageId}/original`);
	const answer = await fetch(made.body.links.original);
	assert.deepEqual(Buffer.from(await answer.arrayBuffer()), tinyPng);
	assert.deepEqual([answer.headers.get('content-type'), answer.headers.get('cache-control')], ['image/png', 'public, max-age=3600']);
	assert.match(answer.headers.get('content-disposition'), /filename="R_sum_ 1\.png"/);
	const link = (await json('POST', `/images/${image.imageId}/links`, { variant: 'original', expiresIn: 60 })).body.url;
	assert.ok(link.startsWith(`${cdn.url}/images/`) && await statusOf(link) === 200, 'one that is to expire is signed');
	assert.equal((await visibility(image.imageId, 'private')).body.visibility, 'private');
	assert.equal(await cloud.head(`public/${image.imageId}/original`), false);
	assert.equal(await statusOf(made.body.links.original), 403);
	assert.equal(await statusOf((await json('GET', `/images/${image.imageId}`)).body.links.original), 200);
});

test('one that is public from the start is copied when it is accepted, and its deletion is seen at the CDN', async () => {
	const { image } = await upload(tinyPng, { visibility: 'public' });
	assert.equal(await statusOf(image.links.original), 200);
	assert.equal((await json('DELETE', `/images/${image.imageId}`)).status, 204);
	assert.equal(await statusOf(image.links.original), 403);
	assert.equal(await cloud.head(`public/${image.imageId}/original`), false);
});

test('no copy of public images that are deleted together remains, in the bucket or at the CDN', async () => {
	const public1 = (await upload(tinyPng, { visibility: 'public' })).image, public2 = (await upload(tinyPng, { visibility: 'public' })).image, private1 = (await upload()).image;
	assert.deepEqual([await statusOf(public1.links.original), await statusOf(public2.links.original)], [200, 200]);
	const imageIds = [public1, private1, public2].map(one => one.imageId), { status, body } = await json('POST', '/images/delete', { imageIds }, byKey);
	assert.deepEqual([status, body.deleted], [200, 3], JSON.stringify(body));
	for (const { imageId, links } of [public1, public2])
		assert.deepEqual([await statusOf(links.original), await cloud.head(`public/${imageId}/original`), await cloud.head(`images/${imageId}.png`)], [403, false, false]);
});

test('while CloudFront refuses to forget, the call fails, and the next one makes it so', async () => {
	const { image } = await upload(tinyPng, { visibility: 'public' });
	assert.equal(await statusOf(image.links.original), 200);
	cloud.invalidationError = { status: 400, code: 'TooManyInvalidationsInProgress' };
	const failed = await visibility(image.imageId, 'private');
	assert.deepEqual([failed.status, failed.body.code], [503, 'overloaded']);
	cloud.invalidationError = undefined;
	assert.equal((await visibility(image.imageId, 'private')).status, 200);
	assert.equal(await statusOf(image.links.original), 403);
});

test('the sweep removes copies that an interrupted deletion has left, a slice of all ids at a time', async () => {
	const copy = slice => `public/${(slice % 256).toString(16).padStart(2, '0')}000000-0000-4000-8000-000000000000/original`;
	const slice = Math.floor(Date.now() / 900e3) % 256, copies = [0, 1, 2].map(n => copy(slice + n));   // the next one too: a quarter of an hour may end
	for (const key of copies)
		await cloud.request('PUT', `/${cloud.bucket}/${key}`, { body: tinyPng });
	assert.equal(await statusOf(`${cdn.url}/${copies[0]}`), 200);
	functions.sweep = await start('sweep');
	const { kind, body } = await functions.sweep.invoke({});
	assert.deepEqual([kind, JSON.parse(body).copies], ['response', 1]);
	const left = await Promise.all(copies.map(key => cloud.head(key)));
	assert.ok(left[0] !== left[1] && left[2], JSON.stringify(left));
	assert.equal(await statusOf(`${cdn.url}/${copies[left.indexOf(false)]}`), 403);
});

test('the log has the viewer\'s address for calls through the CDN, and the gateway\'s peer for others, whatever their headers say', async () => {
	const forged = { 'X-Forwarded-For': '203.0.113.1', 'X-Tintype-Cdn': 'guessed' };
	for (const [base, client] of [[`${cdn.url}/prod`, cdn.viewer], [gateway.base, '127.0.0.1']]) {
		const { headers } = await fetch(`${base}/limits`, { headers: forged });
		await functions.upload.lines(all => all.some(line => line.requestId === headers.get('x-amzn-requestid') && line.client === client));
	}
	assert.ok(!JSON.stringify(await functions.upload.lines()).includes(SECRET));
});

test('a function whose key is missing, or is none, does not start, and says which', async () => {
	for (const value of [undefined, 'no key', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })]) {
		const name = '/tintype/tintype/other';
		cloud.parameters.delete(name);
		if (value)
			cloud.parameters.set(name, { Name: name, Type: 'SecureString', Value: value, Version: 1 });
		const one = await start('images', { TINTYPE_CDN_KEY_PARAMETER: name });
		const { errorMessage } = await one.initFailure;
		assert.match(errorMessage, value ? /P-256/ : /The parameter \/tintype\/tintype\/other cannot be read/);
		assert.notEqual(await one.exited, 0);
		assert.ok(!one.stdout.includes('PRIVATE KEY') && !one.stdout.includes('no key\n'));
		await one.stop();
	}
});

test('the roles allow what the functions do, and of what only a CDN needs nothing more', async () => {
	const used = {};
	for (const call of cloud.calls().filter(one => keys[one.key]))
		for (const action of actionsOf(call))
			(used[keys[call.key]] ??= new Set()).add(action);
	for (const [role, actions] of Object.entries(used)) {
		const may = new Set(granted[role].flatMap(one => one.Action));
		assert.deepEqual([...actions].filter(one => !may.has(one)), [], role);
	}
	assert.ok(used.List.has('ssm:GetParameter') && used.Manage.has('ssm:GetParameter') && used.Manage.has('cloudfront:CreateInvalidation'));
	assert.ok(!used.Upload.has('ssm:GetParameter') && !used.Event?.has('ssm:GetParameter'));
});

test('the page from the bucket uploads, shows and deletes with nothing else installed', async () => {
	const types = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
	for (const name of readdirSync(path.join(root, 'web')).filter(one => statSync(path.join(root, 'web', one)).isFile()))
		await cloud.request('PUT', `/pictures/page/${name}`, { body: readFileSync(path.join(root, 'web', name)), headers: { 'content-type': types[name.split('.').pop()] } });
	const page = await openPage(browser, { api: cdn.url, storage: cloud.url });
	await choose(page, [{ name: 'photo.jpg', mimeType: 'image/jpeg', buffer: corpus('good/photo.jpg') }]);
	assert.match(await uploadIs(page, 'photo.jpg', 'done'), /^Uploaded · /);
	await wallHas(page, 1);
	const shown = page.locator('#wall img').first();
	await page.waitForFunction(() => [...document.querySelectorAll('#wall img')].some(one => one.complete && one.naturalWidth > 0 && one.alt.includes('photo')) || document.querySelector('#wall img')?.naturalWidth > 0);
	assert.equal(new URL(await shown.getAttribute('src'), cdn.url).origin, cdn.url);
	await page.quiet();
	await page.context().close();
});
