// Uppy in Chromium, with the sample page of examples/uppy: real files are uploaded by PUT and by form, with a slot
// requested just before each is sent; refusals are shown at the file, and a retry gets a new slot.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { openWatched, startChromium } from './support/chromium.mjs';
import { serveExample } from './support/examples.mjs';
import { call, corpus, eventually, fetchUrl, root, startServer } from './support/server.mjs';

const types = { jpg: 'image/jpeg', png: 'image/png', gif: 'image/gif', webp: 'image/webp' };
const real = (from, name = from) => ({ name, mimeType: types[from.split('.').pop()], buffer: corpus(`good/${from}`) });
const files = [real('photo.jpg'), { ...real('large.jpg', 'scan.png'), mimeType: 'image/png', type: 'image/jpeg' }, real('alpha.png', 'Größe (1) & 写真 #?.png'), real('loop.gif'), real('lossy.webp'), real('large.jpg')];
const read = file => readFileSync(path.join(root, file), 'utf8');
const md5 = bytes => createHash('md5').update(bytes).digest('hex');
let server, browser, example;

before(async () => {
	[server, browser, example] = await Promise.all([startServer(), startChromium(), serveExample('uppy')]);
});
after(async () => {
	await browser?.close();
	await example?.stop();
	await server?.stop();
});

async function visit(to, more = '', prepare = () => {}) {
	const page = await openWatched(browser);
	await prepare(page);
	await page.goto(`${example.url}?api=${encodeURIComponent(`${to.api}/prod`)}${more}`);
	return page;
}

async function open(...rest) {
	const page = await visit(server, ...rest);
	await page.locator('.uppy-Dashboard-inner').waitFor();
	return page;
}

async function send(page, ...chosen) {
	await page.locator('input.uppy-Dashboard-input').first().setInputFiles(chosen);
	await page.locator('.uppy-StatusBar-actionBtn--upload').click();
}

const complete = page => page.locator('.uppy-StatusBar.is-complete').waitFor();
const sent = (page, method, base) => page.requests.filter(r => r.method === method && r.url.startsWith(base));

/** The image whose name it is, as the list has it. */
async function listed(name) {
	const { json } = await call(server, 'GET', '/images?limit=1000');
	return json.images.find(image => image.fileName === name);
}

async function assertUploaded(chosen) {
	for (const { name, mimeType, buffer, type = mimeType } of chosen) {
		const found = await listed(name);
		assert.ok(found, `${name} is not in the list`);
		assert.deepEqual([found.etag, found.fileSize, found.fileType], [md5(buffer), buffer.length, type], name);
		assert.equal((await call(server, 'GET', `/images/${found.imageId}`)).json.status, 'uploaded');
	}
}

/** What Uppy reports for uploaded files: the key that the server generated instead of the one that Uppy proposed. */
async function assertReported(page, n) {
	const files = await page.evaluate(() => window.uppy.getFiles().map(({ meta, response }) => ({ id: meta.imageId, key: response.body.key, url: response.uploadURL })));
	assert.equal(files.length, n);
	for (const { id, key, url } of files) {
		assert.equal(key, (await call(server, 'GET', `/images/${id}`)).json.fileUrl.split('/').slice(-2).join('/'));
		assert.ok(url.endsWith(key), url);
	}
}

test('the tested version is that of the sample\'s package.json', () => {
	const wanted = JSON.parse(read('examples/package.json')).dependencies;
	const installed = JSON.parse(read('test/npm/package.json')).devDependencies;
	for (const [name, range] of Object.entries(wanted))
		assert.equal(range, name === 'tintype-client' ? 'file:../clients/js' : `^${installed[name]}`, name);
});

test('real files are uploaded by PUT, each with its own slot', async () => {
	const page = await open();
	await send(page, ...files);
	await complete(page);
	await assertUploaded(files);
	assert.equal(sent(page, 'POST', `${server.api}/prod/uppy`).length, files.length);
	assert.equal(sent(page, 'PUT', server.storage).length, files.length);
	await assertReported(page, files.length);
	assert.deepEqual(page.faults, []);
});

test('a photo with a position is stored without it', async () => {
	const page = await open(), photo = real('private.jpg', 'holiday.jpg');
	await send(page, photo);
	await complete(page);
	const found = await listed('holiday.jpg'), bytes = (await fetchUrl(found.downloadUrl)).bytes;
	assert.deepEqual([found.stripped, found.receivedSize, found.fileSize, found.etag], [true, photo.buffer.length, bytes.length, md5(bytes)]);
	assert.ok(photo.buffer.includes('SECRET') && !bytes.includes('SECRET'));
	assert.deepEqual(page.faults, []);
});

test('a slot is requested just before its file is sent, not for all at once', async () => {
	let release;
	const held = new Promise(resolve => { release = resolve; });
	const page = await open('', page => page.route(url => url.href.startsWith(server.storage), async route => {
		await held;
		await route.continue();
	}));
	const many = Array.from({ length: 8 }, (_, i) => real('alpha.png', `just in time ${i}.png`));
	await send(page, ...many);
	await page.waitForRequest(request => request.method() === 'PUT');
	await page.locator('.uppy-StatusBar.is-uploading').waitFor();
	const early = sent(page, 'POST', `${server.api}/prod/uppy`).length;
	assert.ok(early > 0 && early < many.length, `${early} slots while no file is up yet`);
	release();
	await complete(page);
	await assertUploaded(many);
	assert.equal(sent(page, 'POST', `${server.api}/prod/uppy`).length, many.length);
});

test('real files are uploaded by forms', async () => {
	const page = await open('&method=POST');
	const chosen = files.slice(0, 3).map(file => ({ ...file, name: `form ${file.name}` }));
	await send(page, ...chosen);
	await complete(page);
	await assertUploaded(chosen);
	assert.equal(sent(page, 'POST', server.storage).length, chosen.length);
	assert.equal(sent(page, 'PUT', server.storage).length, 0);
	await assertReported(page, chosen.length);
	assert.deepEqual(page.faults, []);
});

for (const method of ['PUT', 'POST'])
	test(`a file that is not an image is refused by the storage, and Uppy shows why: ${method}`, async () => {
		const page = await open(`&method=${method}`);
		const name = `page ${method}.png`;
		await send(page, { name, mimeType: 'image/png', buffer: Buffer.from('<html>not an image</html>') }, real('alpha.png', `beside ${method}.png`));
		const item = page.locator('.uppy-Dashboard-Item.is-error', { hasText: name });
		await item.waitFor();
		const error = await item.locator('.uppy-Dashboard-Item-errorDetails').getAttribute('aria-label');
		assert.match(error, /not image\/png/);
		await page.locator('.uppy-Dashboard-Item.is-complete', { hasText: `beside ${method}.png` }).waitFor();
		await assertUploaded([real('alpha.png', `beside ${method}.png`)]);
		assert.equal(await listed(name), undefined);
		assert.deepEqual(page.faults, []);
	});

test('a refusal of the API is shown at the file with its message', async () => {
	const allowAll = page => page.route('**/prod/limits', async route => {
		const answer = await route.fetch();
		await route.fulfill({ response: answer, json: { ...await answer.json(), allowedTypes: ['application/pdf'] } });
	});
	const page = await open('', allowAll);
	await send(page, { name: 'report.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7') });
	await page.locator('.uppy-Dashboard-Item.is-error').waitFor();
	const error = await page.locator('.uppy-Dashboard-Item-errorDetails').getAttribute('aria-label');
	assert.match(error, /application\/pdf/);
	assert.equal(sent(page, 'PUT', server.storage).length, 0);
});

test('files beyond the limits are refused by Uppy before anything is sent', async () => {
	const page = await open();
	await page.locator('input.uppy-Dashboard-input').first().setInputFiles([
		{ name: 'large.png', mimeType: 'image/png', buffer: Buffer.alloc(5 * 1024 * 1024 + 1) },
		{ name: 'text.txt', mimeType: 'text/plain', buffer: Buffer.from('text') }]);
	await page.locator('.uppy-Informer', { hasText: /exceeds|You can only upload/ }).first().waitFor();
	assert.equal(sent(page, 'POST', server.api).length, 0);
});

test('a file whose connection broke is retried with a new slot', async () => {
	let broken = 0;
	const page = await open('', page => page.route(url => url.href.startsWith(server.storage), route => broken++ < 4 ? route.abort('connectionreset') : route.continue()));
	await send(page, real('alpha.png', 'retried.png'));
	await page.locator('.uppy-Dashboard-Item.is-error').waitFor();
	assert.equal(sent(page, 'POST', `${server.api}/prod/uppy`).length, 1);
	await page.locator('.uppy-StatusBar-actionBtn--retry').click();
	await complete(page);
	await assertUploaded([real('alpha.png', 'retried.png')]);
	assert.equal(sent(page, 'POST', `${server.api}/prod/uppy`).length, 2);
});

test('where origins are listed, the page of a listed one uploads, and the page of another one is refused', async () => {
	for (const [origin, allowed] of [[new URL(example.url).origin, true], ['https://pictures.example', false]]) {
		const own = await startServer({ env: { TINTYPE_CORS_ORIGINS: origin } });
		try {
			const page = await visit(own);
			if (allowed) {
				await send(page, real('alpha.png'));
				await complete(page);
			} else {
				await eventually(() => page.faults.some(fault => /Failed to fetch/.test(fault)), { what: 'the refusal' });
			}
			const { json } = await call(own, 'GET', '/images');
			assert.equal(json.count, allowed ? 1 : 0);
		} finally {
			await own.stop();
		}
	}
});
