// The examples, run as described in examples/README.md, against a real server: pictures are uploaded, and for a refused
// one the server's own message is shown. For Uppy see uppy_test.mjs, for the Postman collection postman_test.mjs.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { after, before, test } from 'node:test';

import { openWatched, startChromium } from './support/chromium.mjs';
import { serveExample } from './support/examples.mjs';
import { call, corpus, root, startServer, tinyPng } from './support/server.mjs';

const key = 'correct-horse-battery-staple';
const good = [['photo.jpg', 'Größe "1" & \'写真\' $HOME.JPG', 'image/jpeg'], ['alpha.png', 'alpha.png', 'image/png'], ['lossy.webp', '-lossy.webp', 'image/webp'],
	['large.jpg', 'scan.png', 'image/jpeg'], ['loop.gif', 'no ending', 'image/gif']];   // the bytes say what they are
const refused = [['page.png', '<html>not an image</html>', /not image\/png/], ['report.pdf', '%PDF-1.7', /not allowed/]];
const tooLarge = Buffer.concat([tinyPng, Buffer.alloc(5 * 1024 * 1024)]);
let dir, open, locked, browser;

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'tintype-pictures-'));
	for (const [from, name] of good)
		writeFileSync(path.join(dir, name), corpus(`good/${from}`));
	for (const [name, text] of refused)
		writeFileSync(path.join(dir, name), text);
	writeFileSync(path.join(dir, 'large.png'), tooLarge);
	[open, locked, browser] = await Promise.all([startServer(), startServer({ env: { TINTYPE_ACCESS: 'key', TINTYPE_UPLOAD: 'key', TINTYPE_API_KEY: key } }), startChromium('--host-resolver-rules=MAP other.example 127.0.0.1')]);
});
after(async () => {
	await browser?.close();
	await open?.stop();
	await locked?.stop();
	rmSync(dir, { recursive: true, force: true });
});

/** Run an example in the folder of pictures: { code, stdout, stderr }. */
function run(example, names, env) {
	const options = { cwd: dir, env: { ...process.env, LC_ALL: 'C.UTF-8', ...env }, timeout: 300000 };
	return new Promise(resolve => execFile(path.join(root, 'examples', example), names, options,
		(error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr })));
}

const names = good.map(([, name]) => name);

/** Every good picture is in the list of the server, whole and under its name, `times` times. */
async function assertListed(server, times, options) {
	const { json } = await call(server, 'GET', '/images?limit=1000', options);
	for (const [from, name, type] of good) {
		const found = json.images.filter(image => image.fileName === name);
		const md5 = createHash('md5').update(corpus(`good/${from}`)).digest('hex');
		assert.deepEqual(found.map(image => [image.etag, image.fileType]), Array(times).fill([md5, type]), name);
	}
	assert.equal(json.images.length, times * good.length);
}

async function forgetAll(server, options) {
	for (const { imageId } of (await call(server, 'GET', '/images?limit=1000', options)).json.images)
		assert.equal((await call(server, 'DELETE', `/images/${imageId}`, options)).status, 204);
}

for (const example of ['curl/upload.sh', 'python/upload.py']) {
	test(`${example} uploads pictures of any name`, async () => {
		const ended = await run(example, names, { TINTYPE_URL: `${open.api}/prod` });
		assert.deepEqual([ended.code, ended.stderr], [0, '']);
		for (const name of names)
			assert.ok(ended.stdout.includes(`${name}: uploaded as `), ended.stdout);
		await assertListed(open, 1);
		await forgetAll(open);
	});

	test(`${example} shows why a file was refused, and continues with the others`, async () => {
		const ended = await run(example, [...refused.map(([name]) => name), 'large.png', 'none.png', ...names], { TINTYPE_URL: `${open.api}/prod` });
		assert.equal(ended.code, 1);
		for (const [name, , why] of refused)
			assert.match(ended.stderr.split('\n').find(line => line.startsWith(`${name}: `)), why);
		assert.match(ended.stderr, /^large\.png: .*5242880/m);
		assert.match(ended.stderr, /^none\.png: ./m);
		await assertListed(open, 1);
		await forgetAll(open);
	});

	test(`${example} reads the key from the environment`, async () => {
		const without = await run(example, names.slice(0, 1), { TINTYPE_URL: `${locked.api}/prod` });
		assert.equal(without.code, 1);
		assert.match(without.stderr, /key/i);
		const given = await run(example, names, { TINTYPE_URL: `${locked.api}/prod`, TINTYPE_KEY: key });
		assert.deepEqual([given.code, given.stderr], [0, '']);
		await assertListed(locked, 1, { key });
		await forgetAll(locked, { key });
	});

	test(`${example} without a picture, or without a required program, reports what it needs`, async () => {
		const usage = await run(example, [], {});
		assert.notEqual(usage.code, 0);
		assert.match(usage.stderr, /^usage: upload\.(sh|py) PICTURE \.\.\.$/m);
		if (example.endsWith('.sh')) {
			const bare = path.join(dir, 'bin');
			mkdirSync(bare, { recursive: true });
			symlinkSync('/bin/sh', path.join(bare, 'sh'));
			const without = await run(example, names.slice(0, 1), { PATH: bare });
			assert.deepEqual([without.code, /jq is missing; install it/.test(without.stderr)], [2, true], without.stderr);
		}
	});

	test(`${example} reports when there is no server`, async () => {
		const ended = await run(example, names.slice(0, 1), { TINTYPE_URL: 'http://127.0.0.1:1/prod' });
		assert.equal(ended.code, 1);
		assert.match(ended.stderr, /could not be reached/);
	});
}

/** Choose files on a page and wait for the line of each; the texts of the lines. */
async function choose(page, files) {
	await page.getByLabel('Pictures').setInputFiles(files);
	const lines = page.locator('li').filter({ hasNotText: 'uploading' });
	await lines.nth(files.length - 1).waitFor();
	return lines.allTextContents();
}

async function uploadsAndTells(page, refusals = refused) {
	const lines = await choose(page, names.map(name => path.join(dir, name)));
	for (const name of names)
		assert.ok(lines.some(line => line.startsWith(`${name}: uploaded`)), lines.join('\n'));
	await page.waitForFunction(n => [...document.images].filter(image => image.complete && image.naturalWidth > 0).length === n, names.length);
	await assertListed(open, 1);
	await page.reload();
	const told = await choose(page, [...refused.map(([name]) => name), 'large.png'].map(name => path.join(dir, name)));
	for (const [name, , why] of refusals)
		assert.match(told.find(line => line.startsWith(name)), why);
	assert.match(told.find(line => line.startsWith('large.png')), /5242880/);
	assert.deepEqual(page.faults, []);
	await assertListed(open, 1);
	await forgetAll(open);
}

const query = () => `?api=${encodeURIComponent(`${open.api}/prod`)}`;

/** Serve the page as described in examples/README.md: { url, stop() }. */
async function serveFetchExample() {
	const child = spawn('python3', ['-u', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', path.join(root, 'examples/fetch'), '0'], { stdio: ['ignore', 'pipe', 'ignore'] });
	const [line] = await once(readline.createInterface({ input: child.stdout }), 'line');
	return { url: /http:\/\/[^/]+\//.exec(line)[0], stop: () => { child.kill('SIGKILL'); return once(child, 'exit'); } };
}

test('fetch/index.html, served on this machine, uploads pictures and shows why one was refused', async () => {
	const example = await serveFetchExample();
	try {
		const page = await openWatched(browser);
		await page.goto(example.url + query());
		await uploadsAndTells(page);
	} finally {
		await example.stop();
	}
});

test('a page of another site cannot list, read or delete the images of a server that is open because it is on loopback', async t => {
	assert.equal((await run('python/upload.py', names.slice(0, 1), { TINTYPE_URL: `${open.api}/prod` })).code, 0);
	const [{ imageId }] = (await call(open, 'GET', '/images')).json.images;
	const example = await serveFetchExample();
	t.after(() => example.stop());
	const page = await openWatched(browser);
	await page.goto(example.url.replace('127.0.0.1', 'other.example'));
	const told = await page.evaluate(async ([api, id]) => {
		const read = async (path, options) => {
			const answer = await fetch(api + path, options).catch(error => error);
			return answer instanceof Error ? String(answer) : [answer.status, (await answer.json()).code];
		};
		const shown = src => new Promise(resolve => Object.assign(new Image(), { src, onload: () => resolve(true), onerror: () => resolve(false) }));
		return { list: await read('/images'), get: await read(`/images/${id}`), complete: await read(`/images/${id}/complete`, { method: 'POST' }),
			remove: await read(`/images/${id}`, { method: 'DELETE' }), file: await shown(`${api}/images/${id}/file`), limits: await read('/limits') };
	}, [`${open.api}/prod`, imageId]);
	const no = [403, 'cross_site'];
	assert.deepEqual(told, { list: no, get: no, complete: no, remove: no, file: false, limits: [200, undefined] });
	assert.equal((await call(open, 'GET', `/images/${imageId}`)).status, 200);
	await forgetAll(open);
});

test('the React component uploads pictures and shows why one was refused', async () => {
	const example = await serveExample('react');
	try {
		const page = await openWatched(browser);
		await page.goto(example.url + query());
		await page.getByLabel('Pictures').waitFor();
		await uploadsAndTells(page, [['page.png', '', /not allowed/], refused[1]]);   // the client asks for no slot of a type that the bytes are not
	} finally {
		await example.stop();
	}
});

test('every example in the README exists and is tested', () => {
	const readme = readFileSync(path.join(root, 'examples/README.md'), 'utf8');
	const links = Array.from(readme.matchAll(/\]\(([^)#]+)[^)]*\)/g), ([, link]) => link);
	assert.ok(links.length >= 6);
	for (const link of links)
		assert.ok(existsSync(path.join(root, 'examples', link)), link);
});
