// clients/js as a package: what is in it, its types for TypeScript in strict mode, and its modules in Chromium, with a server that is killed
// while a page sends bytes.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { openWatched, startChromium } from './support/chromium.mjs';
import { png } from './support/png.mjs';
import { startProxy } from './support/proxy.mjs';
import { call, eventually, npmPackage, root, startServer } from './support/server.mjs';

const folder = path.join(root, 'clients/js'), modules = path.join(root, 'test/npm/node_modules');
const read = file => readFileSync(path.join(root, file), 'utf8');
const about = JSON.parse(read('clients/js/package.json'));
const npm = (cwd, ...args) => execFileSync('npm', ['--offline', '--no-update-notifier', ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
let dir, packed;

before(() => {
	dir = mkdtempSync(path.join(tmpdir(), 'tintype-package-'));
	[packed] = JSON.parse(npm(folder, 'pack', '--dry-run', '--json'));
	execFileSync(path.join(root, 'tools/release'), ['--client', dir]);
});
after(() => rmSync(dir, { recursive: true, force: true }));

test('the package has its modules, their types, a README and the licence, and needs nothing', () => {
	const names = readdirSync(path.join(folder, 'src')).filter(name => name.endsWith('.js')).map(name => name.slice(0, -3));
	const wanted = ['LICENSE', 'README.md', 'package.json', 'types/types.d.ts', ...names.flatMap(name => [`src/${name}.js`, `types/${name}.d.ts`])];
	assert.deepEqual(packed.files.map(file => file.path).sort(), wanted.sort());
	const released = execFileSync('tar', ['-tzf', path.join(dir, packed.filename)], { encoding: 'utf8' }).trim().split('\n');
	assert.deepEqual(released, wanted.map(name => `package/${name}`), 'the package of a release');
	assert.deepEqual([about.dependencies, about.devDependencies, about.scripts], [undefined, undefined, undefined]);
	assert.equal(read('clients/js/LICENSE'), read('LICENSE'));
	assert.equal(about.version, /version: '([^']+)'/.exec(read('meson.build'))[1], 'the version of the program');
	assert.deepEqual([about.license, Object.keys(about.peerDependencies), about.peerDependenciesMeta], ['MIT', ['react'], { react: { optional: true } }]);
});

test('the page and the package have the same rule for the type of a file', () => {
	assert.equal(read('clients/js/src/media_type.js'), read('web/media_type.js'), 'cp web/media_type.js clients/js/src/');
});

test('the declarations are those that tools/client-types makes', () => {
	const made = path.join(dir, 'types'), there = path.join(folder, 'types');
	execFileSync(path.join(root, 'tools/client-types'), [made]);
	assert.deepEqual(readdirSync(made), readdirSync(there));
	for (const name of readdirSync(made))
		assert.equal(readFileSync(path.join(there, name), 'utf8'), readFileSync(path.join(made, name), 'utf8'), `${name}: run tools/client-types`);
});

/** An empty project with the package of a release installed. */
function project(name) {
	const app = path.join(dir, name);
	mkdirSync(app);
	writeFileSync(path.join(app, 'package.json'), '{"type":"module"}');
	npm(app, 'install', '--no-audit', '--no-fund', '--omit=peer', path.join(dir, packed.filename));
	return app;
}

test('installed from the package of a release, it is imported by name; the hook from ./react', () => {
	const app = project('app');
	assert.deepEqual(readdirSync(path.join(app, 'node_modules')).filter(name => !name.startsWith('.')), ['tintype-client']);
	symlinkSync(path.join(modules, 'react'), path.join(app, 'node_modules/react'));
	writeFileSync(path.join(app, 'index.js'), `import * as client from 'tintype-client'; import * as react from 'tintype-client/react'; console.log([...Object.keys(client), ...Object.keys(react)].join(' '));`);
	assert.equal(execFileSync(process.execPath, ['index.js'], { cwd: app, encoding: 'utf8' }).trim(),
		'Client TintypeError Upload UploadQueue sendToSlot srcset typeOfBlob typeOfBytes typeOfFile verifyWebhook useUpload');
});

const SAMPLE = `
import { Client, sendToSlot, srcset, TintypeError, UploadQueue, verifyWebhook, type Image, type ImageEvent, type UploadedImage } from 'tintype-client';
import { useUpload } from 'tintype-client/react';

const client = new Client({ url: '/prod', key: async refused => refused ? 'new' : 'old', retry: { attempts: 3 } });
export async function all(file: File, signal: AbortSignal): Promise<UploadedImage | null> {
	const { imageId, image, deleteToken } = await client.upload(file, { metadata: { a: 'b' }, signal, onProgress: (sent, total) => { const part: number = sent / total; void part; } });
	const other: string | undefined = deleteToken;
	for await (const one of client.list({ from: new Date(), order: 'oldest' }))
		console.log(one.etag.length, one.width?.toFixed(), one.links?.small?.webp, srcset(one.links), other);
	for await (const one of client.list({ status: 'all' }))
		if (one.status === 'rejected')
			console.log(one.reason);
		else if (one.status === 'pending')
			console.log(one.expiresAt);
	const record: Image = await client.update(imageId, { visibility: 'public', metadata: null }, { ifVersion: 2 });
	if (record.status === 'uploaded')
		console.log(record.uploadedAt);
	await client.deleteMany(new Set([imageId]));
	const slot = await client.slot({ fileName: 'a', fileType: 'image/png' });
	if ('uploadUrl' in slot)
		await sendToSlot(slot, file);
	try {
		await client.link(imageId, { preset: 'small', expiresIn: 60 });
	} catch (error) {
		if (error instanceof TintypeError)
			console.log(error.code, error.status + 1, error.requestId?.length, error.retryAfter);
	}
	return image;
}
export const hook = (): string[] => {
	const { items, add, retry } = useUpload(client, { atOnce: 2, onUploaded: item => item.image?.etag });
	return [...items].map(item => \`\${item.name} \${item.sent / item.size} \${typeof add} \${typeof retry}\`);
};
export const queue = new UploadQueue(client);
export const event = async (request: Request): Promise<ImageEvent['type']> => (await verifyWebhook({ secret: '', headers: request.headers, body: await request.text() })).type;

// @ts-expect-error: the address is required
new Client({});
// @ts-expect-error: there is no such option
client.upload(new Blob(), { filename: 'a.png' });
// @ts-expect-error: a path is not a file
client.upload('a.png');
// @ts-expect-error: these are all the states
client.list({ status: 'gone' });
// @ts-expect-error: a record may be pending
client.get('id').then(image => image.etag);
// @ts-expect-error: the image may not be readable
client.upload(new Blob()).then(({ image }) => image.etag);
// @ts-expect-error: a body that was parsed cannot be verified
verifyWebhook({ secret: '', headers: {}, body: { type: 'image.uploaded' } });
`;

/** Members of a schema, with those of the parts that it is made of. */
function membersOf(api, name) {
	const { properties = {}, allOf = [] } = api.components.schemas[name];
	return [...new Set([...Object.keys(properties), ...allOf.flatMap(part => Object.keys(part.properties ?? membersOf(api, part.$ref.replace(/^.*\//, ''))))])];
}

test('TypeScript in strict mode knows the types, which have the members of doc/openapi.yaml, and finds wrong calls', async () => {
	const SwaggerParser = npmPackage('@apidevtools/swagger-parser').default ?? npmPackage('@apidevtools/swagger-parser');
	const api = await SwaggerParser.dereference(path.join(root, 'doc/openapi.yaml'));
	const same = Object.entries({ UploadedImage: 'NewImage', PendingImage: 'PendingImage', RejectedImage: 'RejectedImage', SlotRequest: 'SlotRequest', Caller: 'Caller', Limits: 'Limits', Link: 'Link' })
		.map(([type, schema]) => `export const of${type}: Record<keyof import('tintype-client').${type}, 0> = { ${membersOf(api, schema).map(name => `${name}: 0`).join(', ')} };`);
	const app = project('typed');
	same.push('// @ts-expect-error: with a member that the schema does not have', same[0].replace('const ', 'const with_').replace('{ ', '{ none: 0, '),
		'// @ts-expect-error: without one that it has', same[0].replace('const ', 'const without_').replace(/\w+: 0, /, ''));
	writeFileSync(path.join(app, 'sample.ts'), `${SAMPLE}\n${same.join('\n')}`);
	for (const resolution of [['--module', 'nodenext'], ['--module', 'esnext', '--moduleResolution', 'bundler']])
		assert.equal(spawnSync(path.join(modules, '.bin/tsc'), ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipDefaultLibCheck', '--target', 'es2022', '--types', '', ...resolution, 'sample.ts'],
			{ cwd: app, encoding: 'utf8' }).stdout, '');
});

/** The modules of the package, and a page, on a free port of 127.0.0.1. */
async function servePage(t) {
	const host = http.createServer((request, response) => {
		if (!request.url.startsWith('/src/'))
			return response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>t</title>');
		response.setHeader('Content-Type', 'text/javascript').end(readFileSync(path.join(folder, path.normalize(request.url))));
	}).listen(0, '127.0.0.1');
	await once(host, 'listening');
	t.after(() => host.close());
	return `http://127.0.0.1:${host.address().port}/`;
}

test('in Chromium: progress, a server that is killed while bytes are sent, an abort, and an error in words', async t => {
	const [storage, browser] = [await startProxy(), await startChromium()], args = ['--public-storage-url', storage.url], bytes = png(600, 500, { noise: true });
	let server = await startServer({ args });
	storage.to(server.storage);
	t.after(() => Promise.all([browser.close(), server.stop(), storage.stop()]));
	t.after(() => rmSync(server.dir, { recursive: true, force: true }));
	const page = await openWatched(browser);
	await page.goto(await servePage(t));
	await page.evaluate(async ([url, content]) => {
		const { Client, verifyWebhook } = await import('/src/index.js');
		window.file = new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], 'big.jpg', { type: 'image/jpeg' });
		window.client = new Client({ url, retry: { firstDelayMs: 200, maxDelayMs: 5000, attempts: 30 } });
		window.abort = new AbortController();
		window.verifyWebhook = verifyWebhook;
		window.start = options => {
			window.told = [];
			window.upload = window.client.upload(window.file, { onProgress: (...of) => window.told.push(of), ...options })
				.catch(error => ({ name: error.name, message: error.message, code: error.code, requestId: error.requestId }));
		};
	}, [`${server.api}/prod`, bytes.toString('base64')]);

	storage.rule = head => head.startsWith('PUT') ? { holdAt: 300000 } : undefined;
	await page.evaluate(() => window.start());
	await eventually(() => storage.holding() > 0, { what: 'bytes on their way' });
	await server.kill();
	storage.release();
	storage.cut();
	server = await startServer({ data: server.dir, args: ['--api', new URL(server.api).host, ...args] });
	storage.to(server.storage);
	const [{ image }, told] = await page.evaluate(async () => [await window.upload, window.told]);
	assert.deepEqual([image.fileType, image.fileName, image.etag], ['image/png', 'big.jpg', createHash('md5').update(bytes).digest('hex')]);
	assert.ok(told.filter(([sent]) => sent === 0).length > 1 && told.every(([sent, total]) => sent <= total && total === bytes.length), JSON.stringify(told));
	assert.equal(told.at(-1)[0], bytes.length);
	assert.deepEqual((await call(server, 'GET', '/images')).json.images.map(one => one.imageId), [image.imageId]);

	storage.rule = head => head.startsWith('PUT') ? { holdAt: 300000 } : undefined;
	await page.evaluate(() => window.start({ signal: window.abort.signal }));
	await eventually(() => storage.holding() > 0, { what: 'bytes on their way' });
	await page.evaluate(() => window.abort.abort());
	assert.equal((await page.evaluate(() => window.upload)).name, 'AbortError');
	storage.release();

	const refused = await page.evaluate(() => { window.file = new File(['%PDF-1.7'], 'a.png'); window.start(); return window.upload; });
	assert.deepEqual([refused.name, refused.code], ['TintypeError', 'type_not_allowed']);
	assert.match(refused.message, /application\/pdf/);
	assert.ok(refused.requestId);
	assert.match(await page.evaluate(() => window.verifyWebhook({ secret: `whsec_${btoa('x'.repeat(32))}`, headers: { 'webhook-id': 'a', 'webhook-timestamp': '1', 'webhook-signature': 'v1,x' }, body: '' }).catch(error => error.message)), /too old/);
	assert.equal((await call(server, 'GET', '/images')).json.count, 1);
	assert.deepEqual(page.faults, []);
});

const COMPONENT = `
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Client } from 'tintype-client';
import { useUpload } from 'tintype-client/react';

function Uploads() {
	const [client] = useState(() => new Client({ url: window.api, retry: { attempts: 1 } }));
	const { items, add, retry, remove, clearDone } = useUpload(client, { atOnce: 1, optionsOf: file => ({ metadata: { from: file.name } }), onUploaded: item => window.uploaded.push(item.image.metadata.from) });
	Object.assign(window, { add, retry, remove, clearDone });
	return <ul>{items.map(item => <li key={item.id}>{item.name} {item.state} {item.sent} {item.canRetry ? 'again' : ''}</li>)}</ul>;
}
window.uploaded = [];
window.root = createRoot(document.body);
window.root.render(<StrictMode><Uploads /></StrictMode>);
`;

test('the hook in React\'s strict mode: states, another try, and what is under way ends with the component', async t => {
	const esbuild = npmPackage('esbuild'), app = path.join(dir, 'hook');
	mkdirSync(path.join(app, 'node_modules'), { recursive: true });
	symlinkSync(folder, path.join(app, 'node_modules/tintype-client'));
	for (const name of ['react', 'react-dom', 'scheduler'])
		symlinkSync(path.join(modules, name), path.join(app, 'node_modules', name));
	writeFileSync(path.join(app, 'main.jsx'), COMPONENT);
	const { outputFiles: [{ text }] } = await esbuild.build({ entryPoints: [path.join(app, 'main.jsx')], bundle: true, write: false, format: 'esm', jsx: 'automatic', preserveSymlinks: true });

	const storage = await startProxy(), browser = await startChromium(), own = await startServer({ args: ['--public-storage-url', storage.url] });
	t.after(() => Promise.all([browser.close(), own.stop(), storage.stop()]));
	storage.to(own.storage);
	const page = await openWatched(browser), state = pattern => page.waitForFunction(source => new RegExp(source).test(document.body.innerText), pattern.source);
	await page.goto(await servePage(t));
	await page.evaluate(api => { window.api = api; }, `${own.api}/prod`);
	await page.addScriptTag({ content: text, type: 'module' });
	await page.waitForFunction(() => window.add);

	const bytes = png(600, 500, { noise: true }).toString('base64');
	const add = (...names) => page.evaluate(([content, all]) => window.add(all.map(name => new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], name))), [bytes, names]);
	storage.rule = head => head.startsWith('PUT') ? { cutAt: 300000 } : undefined;
	await add('a.png');
	await state(/a\.png failed \d+ again/);
	storage.rule = head => head.startsWith('PUT') ? { holdAt: 300000 } : undefined;
	await page.evaluate(() => window.retry(1));
	await eventually(() => storage.holding() > 0, { what: 'bytes on their way' });
	storage.release();
	await state(/a\.png done/);
	assert.deepEqual(await page.evaluate(() => window.uploaded), ['a.png']);
	await page.evaluate(() => window.clearDone());
	await page.waitForFunction(() => !document.body.innerText.includes('a.png'));

	storage.rule = head => head.startsWith('PUT') ? { holdAt: 300000 } : undefined;
	await add('b.png', 'c.png');
	await state(/b\.png sending[^]*c\.png waiting/);
	await eventually(() => storage.holding() > 0, { what: 'bytes on their way' });
	await page.evaluate(() => window.root.unmount());
	await eventually(() => own.log.some(line => line.includes('DELETE')), { what: 'the slot to be deleted' });
	assert.deepEqual((await call(own, 'GET', '/images')).json.images.map(image => image.fileName), ['a.png']);
	assert.deepEqual(page.faults, []);
});
