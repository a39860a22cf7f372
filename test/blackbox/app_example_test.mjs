// The example application (examples/app) as a reader runs it, in a real browser: users with sessions of their own, avatars and
// galleries on behalf of them, and webhooks that it verifies. And the page of examples/oidc, whose users sign in at an issuer.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { openWatched, startChromium } from './support/chromium.mjs';
import { copyExamples } from './support/examples.mjs';
import { signInAs, startIssuer } from './support/oidc.mjs';
import { png } from './support/png.mjs';
import { freePort } from './support/port.mjs';
import { call, eventually, root, startServer } from './support/server.mjs';

const admin = 'the key of the operator of this server', secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const picture = (name, colour) => ({ name, mimeType: 'image/png', buffer: png(40, 30, { colour }) });
let dir, browser, server, app;

/** `npm run app` in a copy of the examples, with the packages of test/npm: resolves when it serves. */
async function startApp(port, key) {
	dir = copyExamples();
	const env = { ...process.env, PORT: `${port}`, TINTYPE_URL: `${server.api}/prod`, TINTYPE_KEY: key, TINTYPE_WEBHOOK_SECRET: secret };
	const child = spawn(process.execPath, ['app/server.mjs'], { cwd: dir, env, stdio: ['ignore', 'pipe', 'inherit'] });
	const url = await new Promise((resolve, reject) => {
		child.stdout.setEncoding('utf8').on('data', text => /^http/.test(text) && resolve(text.trim()));
		child.once('exit', code => reject(new Error(`the application ended with ${code}`)));
	});
	return { url, users: () => JSON.parse(readFileSync(path.join(dir, 'users.json'), 'utf8')), stop: async () => { child.kill(); await once(child, 'exit'); } };
}

before(async () => {
	const port = await freePort();
	browser = await startChromium();
	server = await startServer({ env: {
		TINTYPE_API_KEY: admin, TINTYPE_UPLOAD: 'key', TINTYPE_WEBHOOK_URL: `http://127.0.0.1:${port}/webhooks/tintype`, TINTYPE_WEBHOOK_SECRET: secret, TINTYPE_WEBHOOK_PRIVATE: 'on',
	} });
	const made = await call(server, 'POST', '/keys', { key: admin, json: { name: 'app', scopes: ['upload', 'read', 'delete', 'act-as'] } });
	assert.equal(made.status, 201, made.text);
	app = await startApp(port, made.json.key);
});
after(async () => {
	await browser?.close();
	await app?.stop();
	await server?.stop();
	rmSync(dir, { recursive: true, force: true });
});

async function signUp(name) {
	const page = await openWatched(browser);
	await page.goto(app.url);
	await page.getByLabel('Name').fill(name);
	await page.getByLabel('Password').fill(`secret of ${name}`);
	await page.getByRole('button', { name: 'Sign up' }).click();
	await page.locator('header strong', { hasText: name }).waitFor();
	return page;
}

async function addPicture(page, name, colour) {
	await page.getByLabel('Add pictures').setInputFiles(picture(name, colour));
	await page.getByRole('img', { name, exact: true }).waitFor();
}

const shown = page => page.locator('#gallery img').evaluateAll(all => all.map(image => image.alt));
const images = async () => (await call(server, 'GET', '/images', { key: admin })).json.images;

test('two users have an avatar and a gallery each, and neither has anything of the other', async () => {
	const ann = await signUp('ann'), ben = await signUp('ben');
	await addPicture(ann, 'beach.png', [200, 180, 90]);
	await addPicture(ann, 'forest.png', [20, 120, 40]);
	await addPicture(ben, 'city.png', [90, 90, 120]);
	await ann.getByLabel('Avatar', { exact: true }).setInputFiles(picture('ann.png', [250, 0, 0]));
	await ann.getByText('This is you now').waitFor();
	await eventually(() => app.users().find(user => user.name === 'ann').avatar, { what: 'the webhook of the avatar' });
	await ann.reload();
	await ben.reload();
	await ann.locator('#gallery img').nth(1).waitFor();
	await ben.locator('#gallery img').nth(0).waitFor();
	assert.deepEqual(await shown(ann), ['forest.png', 'beach.png']);
	assert.deepEqual(await shown(ben), ['city.png']);
	await ann.waitForFunction(() => [...document.images].every(image => image.complete && image.naturalWidth > 0));
	const all = await images();
	assert.equal(new Set(all.map(image => image.owner)).size, 2);
	assert.deepEqual(all.map(image => image.issuer), Array(4).fill('app'));
	// By the application's own routes, with the other user's id of an image.
	const { imageId } = all.find(image => image.fileName === 'beach.png');
	assert.equal(await ben.evaluate(async id => (await fetch(`images/${id}`, { method: 'DELETE' })).status, imageId), 404);
	assert.equal(await ben.evaluate(async id => (await fetch(`images/${id}`)).status, imageId), 404);
	assert.equal((await images()).length, 4);
	assert.deepEqual([ann.faults, ben.faults], [[], []]);
});

test('a new avatar takes the place of the old one, which is deleted after it', async () => {
	const page = await signUp('cleo');
	const mine = async () => (await images()).filter(image => image.fileName.startsWith('cleo')).map(image => image.fileName);
	for (const name of ['cleo-1.png', 'cleo-2.png']) {
		await page.getByLabel('Avatar', { exact: true }).setInputFiles(picture(name, [0, 0, 200]));
		await eventually(async () => (await mine()).join() === name, { what: `nothing but ${name}` });
	}
	assert.deepEqual(page.faults, []);
});

test('a file that is no picture is refused with the server’s reason, and leaves nothing', async () => {
	const page = await signUp('dan');
	await page.getByLabel('Add pictures').setInputFiles({ name: 'fake.png', mimeType: 'image/png', buffer: Buffer.from('<html>not an image</html>') });
	await page.locator('#message', { hasText: /^fake\.png: .* not allowed/ }).waitFor();
	assert.deepEqual(await shown(page), []);
});

test('an account that is deleted takes its pictures along, and those alone', async () => {
	const page = await signUp('eve');
	await addPicture(page, 'eve.png', [1, 2, 3]);
	const before = (await images()).length;
	await page.getByRole('button', { name: 'Delete account' }).click();
	await page.getByRole('button', { name: 'Sign up' }).waitFor();
	const left = await images();
	assert.equal(left.length, before - 1);
	assert.ok(left.every(image => image.fileName !== 'eve.png'));
});

test('a webhook that was not signed by the server is refused, and changes nothing', async () => {
	const before = app.users();
	const body = JSON.stringify({ type: 'image.uploaded', timestamp: new Date().toISOString(), data: { issuer: 'app', subject: before[0].id, imageId: 'x', metadata: { use: 'avatar' } } });
	const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': `${Math.floor(Date.now() / 1000)}`, 'webhook-signature': 'v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' };
	const answer = await fetch(`${app.url}webhooks/tintype`, { method: 'POST', headers, body });
	assert.equal(answer.status, 401);
	assert.deepEqual(app.users(), before);
});

test('the page of examples/oidc: two users sign in at an issuer, and each sees and deletes its own pictures', async t => {
	const page = readFileSync(path.join(root, 'examples/oidc/index.html'));
	const host = http.createServer((request, response) => response.setHeader('Content-Type', 'text/html').end(page)).listen(0, '127.0.0.1');
	await once(host, 'listening');
	t.after(() => host.close());
	const address = `http://127.0.0.1:${host.address().port}/`, issuer = await startIssuer();
	t.after(() => issuer.stop());
	const images = await startServer({ env: issuer.env });
	t.after(() => images.stop());
	issuer.clientsAre(address);
	await images.waitForEvent('issuer.keys');
	const openAs = async name => {
		const page = await openWatched(browser);
		await page.context().route('https://fonts.googleapis.com/**', route => route.abort());
		await page.goto(`${address}?api=${encodeURIComponent(`${images.api}/prod`)}`);
		await page.getByRole('button', { name: 'Sign in' }).click();
		await signInAs(page, name);
		await page.getByRole('button', { name: 'Sign out' }).waitFor();
		assert.equal(page.url(), address, 'the code is not left in the address');
		return page;
	};
	const ann = await openAs('ann'), ben = await openAs('ben');
	for (const [page, name] of [[ann, 'ann.png'], [ben, 'ben.png']]) {
		await page.getByLabel('Add pictures').setInputFiles(picture(name, [9, 9, 9]));
		await page.getByRole('img', { name, exact: true }).waitFor();
		assert.deepEqual(await page.locator('li img').evaluateAll(all => all.map(image => image.alt)), [name]);
	}
	await ann.getByRole('button', { name: 'Delete' }).click();
	await ann.locator('li').waitFor({ state: 'detached' });
	assert.equal(await ben.locator('li').count(), 1);
	for (const page of [ann, ben]) {
		assert.deepEqual(page.faults, []);
		await page.context().close();
	}
});
