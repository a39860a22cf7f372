// What an operator does in the console, in Debian's Chromium on a real server: images, users, API keys, buckets, webhooks; and that dialogs
// can be used by keyboard, and are accessible.
import assert from 'node:assert/strict';

import { axe, closing, openPage, PHONE, startBrowser } from './support/browser.mjs';
import { bearer, enterConsole, leave, rows, signIn, tokenOf } from './support/console.mjs';
import { after, before, describe, test } from './support/limited.mjs';
import { call, corpus, credentials, eventually, fetchUrl, npmPackage, openSlot, putBytes, rawRequest, startServer, uploadImage } from './support/server.mjs';

const { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } = npmPackage('@aws-sdk/client-s3');

const API_KEY = 'k3y-of-the-owner-1234567890';

let server, token, browser;
before(async () => {
	[server, browser] = await Promise.all([startServer({ env: { TINTYPE_API_KEY: API_KEY, TINTYPE_ACCESS: 'open' } }), startBrowser()]);
	token = await tokenOf(server);
});
after(async () => { await browser?.close(); await server?.stop(); });

const enter = (view, options) => enterConsole(browser, server, token, view, options);

describe('actions', () => {
	const doIn = async (page, dialog, verb) => {
		await page.getByRole('dialog', { name: dialog }).getByRole('button', { name: verb, exact: true }).click();
		await page.getByRole('dialog', { name: dialog }).waitFor({ state: 'hidden' });
	};
	const said = (page, text) => page.locator('#said').filter({ hasText: text }).waitFor();
	const actions = path => server.events('console.action').filter(e => path.test(e.path));
	const bytes = () => corpus('good/photo.jpg');

	test('an image is shown with its picture, verified again, and deleted; each is logged with who did it', async () => {
		const { imageId } = (await uploadImage(server, { bytes: bytes(), fileName: 'to be seen.jpg', fileType: 'image/jpeg' })).slot;
		const page = await enter('Images');
		const thumb = rows(page).filter({ hasText: 'to be seen.jpg' }).locator('img.thumb');
		await thumb.scrollIntoViewIfNeeded();
		await page.waitForFunction(img => img.complete && img.naturalWidth > 0, await thumb.elementHandle());
		await page.getByRole('button', { name: 'to be seen.jpg' }).click();
		const dialog = page.getByRole('dialog', { name: 'to be seen.jpg' });
		await page.waitForFunction(() => document.querySelector('#row-picture img')?.naturalWidth > 0);
		await dialog.getByRole('button', { name: 'Verify again' }).click();
		await dialog.getByText('The image is intact.').waitFor();
		await dialog.getByRole('button', { name: 'Delete…' }).click();
		const ask = page.getByRole('dialog', { name: 'Delete to be seen.jpg?' });
		await closing(ask, () => ask.getByRole('button', { name: 'Cancel' }).click());
		assert.equal((await call(server, 'GET', `/images/${imageId}`)).status, 200, 'cancelled');
		await dialog.getByRole('button', { name: 'Delete…' }).click();
		await doIn(page, 'Delete to be seen.jpg?', 'Delete');
		await said(page, 'to be seen.jpg was deleted.');
		await page.waitForFunction(() => !document.querySelector('#images-rows').textContent.includes('to be seen.jpg'));
		assert.equal((await call(server, 'GET', `/images/${imageId}`)).status, 404);
		const [verified, deleted] = await eventually(() => { const found = actions(new RegExp(imageId)); return found.length === 2 && found; }, { what: 'the log lines' });
		for (const line of [verified, deleted])
			assert.deepEqual([line.keyId, line.client, line.listener, line.imageId], ['console', '127.0.0.1', 'admin', imageId]);
		assert.deepEqual([verified.route, deleted.route, deleted.status], ['POST /console/images/{imageId}/verify', 'DELETE /images/{imageId}', 204]);
		assert.equal(server.events('image.deleted').find(e => e.imageId === imageId).by, 'console');
		await leave(page);
	});

	test('a pending image is looked for, and what cannot be done is said in the dialog', async () => {
		const slot = await openSlot(server, { fileName: 'not here yet.png' });
		const page = await enter('Images');
		await page.getByRole('button', { name: 'not here yet.png' }).click();
		const dialog = page.getByRole('dialog', { name: 'not here yet.png' });
		await dialog.getByRole('button', { name: 'Check for the upload' }).click();
		await dialog.locator('#row-said').filter({ hasText: /not|arrived/ }).waitFor();
		await call(server, 'DELETE', `/images/${slot.imageId}`, { key: API_KEY });
		await dialog.getByRole('button', { name: 'Delete…' }).click();
		const ask = page.getByRole('dialog', { name: 'Delete not here yet.png?' });
		await ask.getByRole('button', { name: 'Delete', exact: true }).click();
		await ask.getByRole('alert').filter({ hasText: 'no image' }).waitFor();
		await page.keyboard.press('Escape');
		await leave(page);
	});

	test('rejected uploads that match are purged, and nothing else', async () => {
		const rejected = [];
		for (const fileName of ['purge me.png', 'purge me too.png', 'keep me.png']) {
			const slot = await openSlot(server, { fileName, fileType: 'image/png' });
			await putBytes(slot, Buffer.from('no picture'));
			rejected.push(slot.imageId);
		}
		const kept = await openSlot(server, { fileName: 'purge me not.png' });
		const page = await enter('Images');
		const purge = page.getByRole('button', { name: 'Delete all rejected…' });
		assert.equal(await purge.isVisible(), false);
		const reason = page.getByLabel('Reason', { exact: true });
		assert.equal(await reason.isVisible(), false);
		await page.getByLabel('Name or id').fill('purge me');
		await page.getByLabel('Rejected', { exact: true }).check({ force: true });
		await reason.fill('no such reason');
		await page.getByRole('button', { name: 'Filter' }).click();
		await page.getByText('No images match.').waitFor();
		assert.equal(await purge.isVisible(), false);
		await reason.fill('IT IS NOT A JPEG');
		await page.getByRole('button', { name: 'Filter' }).click();
		await page.getByText('All 2 images.').waitFor();
		assert.match(await page.locator('#reasons option').first().getAttribute('value'), /is not image\/png/);
		await purge.click();
		await doIn(page, 'Delete the 2 rejected uploads that match?', 'Delete');
		await said(page, '2 rejected uploads deleted.');
		await page.waitForFunction(() => document.activeElement.id === 'images-title');
		for (const [id, status] of [[rejected[0], 404], [rejected[1], 404], [rejected[2], 200], [kept.imageId, 200]])
			assert.equal((await call(server, 'GET', `/images/${id}`)).status, status);
		await leave(page);
	});

	test('what was begun goes on when its dialog is closed, and the list shows it', async () => {
		const slot = await openSlot(server, { fileName: 'closed over.png', fileType: 'image/png' });
		await putBytes(slot, Buffer.from('no picture'));
		const page = await enter('Images');
		let release;
		const held = new Promise(resolve => { release = resolve; });
		await page.route('**/prod/images/*', async route => { await held; await route.continue(); });
		await page.getByRole('button', { name: 'closed over.png' }).click();
		await page.getByRole('dialog', { name: 'closed over.png' }).getByRole('button', { name: 'Delete…' }).click();
		await page.getByRole('dialog', { name: 'Delete closed over.png?' }).getByRole('button', { name: 'Delete', exact: true }).click();
		await page.getByText('Working…').waitFor();
		await page.keyboard.press('Escape');
		await page.getByRole('dialog', { name: 'Delete closed over.png?' }).waitFor({ state: 'hidden' });
		release();
		await rows(page).filter({ hasText: 'closed over.png' }).waitFor({ state: 'detached' });
		await leave(page);
	});

	test('users are listed with their use; a quota is set and taken back; one is deleted with its images', async () => {
		for (const user of ['ana', 'bob'])
			assert.equal((await call(server, 'POST', `/images?onBehalfOf=${user}&fileName=a.jpg`, { body: bytes(), headers: { 'Content-Type': 'image/jpeg' }, key: API_KEY })).status, 201);
		const page = await enter('Users');
		const row = name => page.locator('#users-rows tr').filter({ has: page.getByText(name, { exact: true }) });
		await row('ana').waitFor();
		assert.match(await row('ana').innerText(), /KB.*\b1\b/s);
		await row('ana').getByRole('button', { name: 'Quota of ana' }).click();
		await page.getByRole('dialog').getByLabel('Images').fill('3');
		await page.getByLabel('Storage, in MB').fill('2');
		await doIn(page, 'Quota of ana', 'Save');
		await row('ana').filter({ hasText: '1 of 3' }).waitFor();
		await page.waitForFunction(() => document.activeElement.getAttribute('aria-label') === 'Quota of ana');
		const { owner, quota } = (await call(server, 'GET', '/users', { key: API_KEY })).json.users.find(u => u.subject === 'ana');
		assert.deepEqual(quota, { images: 3, bytes: 2 * 2 ** 20 });
		await row('ana').getByRole('button', { name: 'Default quota for ana' }).click();
		await doIn(page, 'Use the default quota for ana?', 'Use the default');
		await page.waitForFunction(() => !document.querySelector('#users-rows').textContent.includes('of 3'));
		await row('ana').getByRole('button', { name: 'Images of ana' }).click();
		await page.getByText('1 image.').waitFor();
		assert.equal(await page.getByLabel('Owner', { exact: true }).inputValue(), owner);
		assert.equal(page.url(), `${server.admin}/#images`);
		await page.getByLabel('Owner', { exact: true }).fill('bob');
		await page.getByRole('button', { name: 'Filter' }).click();
		await page.getByText('1 image.').waitFor();   // not the other user's, of the same name
		await rows(page).getByRole('button', { name: 'a.jpg' }).click();
		await page.getByRole('dialog').locator('dd').filter({ hasText: 'bob' }).waitFor();
		await page.keyboard.press('Escape');
		await page.getByRole('link', { name: 'Users', exact: true }).click();
		await page.getByText('2 users.').waitFor();   // the rows are read again
		await row('ana').getByRole('button', { name: 'Delete ana' }).click();
		await doIn(page, 'Delete ana?', 'Delete');
		await said(page, '1 image of ana deleted.');
		await row('ana').waitFor({ state: 'detached' });
		assert.equal(await row('bob').count(), 1);
		await eventually(() => actions(new RegExp(`/prod/users/${owner}$`)).length === 1, { what: 'the log line' });
		await leave(page);
	});

	test('an API key is made, works, is shown once and never logged, and is removed', async () => {
		const page = await enter('API keys');
		await page.getByRole('button', { name: 'Add a key…' }).click();
		await page.getByLabel('Name, such as').fill('my shop');
		await page.getByRole('checkbox', { name: 'admin' }).check();
		await page.getByRole('dialog', { name: 'New API key' }).getByRole('button', { name: 'Add', exact: true }).click();
		const key = await page.locator('.once').innerText();
		assert.equal((await call(server, 'GET', '/users', { key })).status, 200);
		await page.getByRole('button', { name: 'Close' }).click();
		const row = page.locator('#keys-rows tr').filter({ hasText: 'my shop' });
		await row.waitFor();
		await eventually(async () => !(await page.content()).includes(key), { what: 'a page without the key' });
		assert.equal(server.log.some(line => line.includes(key)), false);
		await row.getByRole('button', { name: 'Remove the key my shop' }).click();
		await doIn(page, 'Remove the key my shop?', 'Remove');
		await said(page, 'The key my shop was removed.');
		assert.equal((await call(server, 'GET', '/users', { key })).status, 401);
		await leave(page);
	});

	test('buckets are listed with their sizes, and deleted only when they are empty; so are users, without secrets', async () => {
		const { id, secret } = credentials(server).tintype;
		const s3 = new S3Client({ endpoint: server.storage, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: id, secretAccessKey: secret } });
		await s3.send(new CreateBucketCommand({ Bucket: 'backups' }));
		await s3.send(new PutObjectCommand({ Bucket: 'backups', Key: 'a', Body: 'x'.repeat(3000) }));
		const page = await enter('Buckets');
		const row = name => page.locator('#buckets-rows tr').filter({ has: page.getByText(name) });
		await row('backups').filter({ hasText: '12.9 KB' }).waitFor();
		assert.equal(await row('image-uploads').getByRole('button').count(), 0);
		assert.match(await page.locator('#s3-users-rows').innerText(), new RegExp(id));
		assert.equal((await page.content()).includes(secret), false);
		await row('backups').getByRole('button').click();
		const ask = page.getByRole('dialog', { name: 'Delete the bucket backups?' });
		await ask.getByRole('button', { name: 'Delete', exact: true }).click();
		await ask.getByRole('alert').filter({ hasText: 'not empty' }).waitFor();
		await s3.send(new DeleteObjectCommand({ Bucket: 'backups', Key: 'a' }));
		await doIn(page, 'Delete the bucket backups?', 'Delete');
		await row('backups').waitFor({ state: 'detached' });
		assert.equal((await fetchUrl(`${server.admin}/console/buckets/image-uploads`, { method: 'DELETE', ...bearer(token) })).status, 403);
		s3.destroy();
		await leave(page);
	});

	test('nothing is changed without the token, by an API key, or from a page of another site', async () => {
		const { imageId } = (await uploadImage(server)).slot;
		const attempts = [[{}, 401], [bearer(API_KEY).headers, 403], [{ ...bearer(token).headers, Origin: 'http://evil.example' }, 403],
			[{ ...bearer(token).headers, 'Sec-Fetch-Site': 'cross-site' }, 403]];
		for (const [headers, status] of attempts) {
			const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
			for (const target of [`DELETE /prod/images/${imageId}`, 'DELETE /console/buckets/x', 'POST /prod/keys', 'POST /console/webhooks/enable', 'OPTIONS /prod/keys'])
				assert.equal((await rawRequest(server.admin, `${target} HTTP/1.1\r\nHost: ${new URL(server.admin).host}\r\n${lines}Content-Length: 0\r\n\r\n`)).status,
					target.startsWith('OPTIONS') && !/Origin|Sec-Fetch/.test(lines) ? 405 : status, `${target} ${lines}`);
		}
		assert.equal((await call(server, 'GET', `/images/${imageId}`)).status, 200);
		await call(server, 'DELETE', `/images/${imageId}`, { key: API_KEY });
	});
});

test('the address of an image opens it, before and after signing in; the way back closes it; of one that is not there it is said', async () => {
	const { imageId } = (await uploadImage(server, { fileName: 'linked.png' })).slot;
	const page = await openPage(browser, server, { url: server.admin, hash: `#images/${imageId}` });
	await signIn(page, token);
	const dialog = page.getByRole('dialog', { name: 'linked.png' });
	await dialog.waitFor();
	assert.deepEqual(await page.evaluate(() => [location.hash, document.activeElement.id]), [`#images/${imageId}`, 'row-title']);
	await closing(dialog, () => page.keyboard.press('Escape'));
	assert.equal(await page.evaluate(() => location.hash), '#images');
	await rows(page).getByRole('button', { name: 'linked.png' }).click();
	await dialog.waitFor();
	assert.equal(await page.evaluate(() => location.hash), `#images/${imageId}`);
	await closing(dialog, () => page.goBack());
	await call(server, 'DELETE', `/images/${imageId}`, { key: API_KEY });
	await page.evaluate(id => { location.hash = `images/${id}`; }, imageId);
	await page.locator('#said').filter({ hasText: 'no image' }).waitFor();
	assert.equal(await page.evaluate(() => location.hash), '#images');
	await leave(page);
});

// Every dialog that asks: how it is opened, and what its heading is.
const DIALOGS = [
	['API keys', 'Add a key…', 'New API key'], ['Users', 'Quota of dora', 'Quota of dora'], ['Users', 'Delete dora', 'Delete dora?'],
	['Webhooks', 'New secret…', 'New secret for webhooks'], ['Buckets', 'Delete the bucket empty-one', 'Delete the bucket empty-one?'],
];

describe('dialogs', { concurrency: true }, () => {
	before(async () => {
		await uploadImage(server, { key: API_KEY, onBehalfOf: 'dora' });
		const { id, secret } = credentials(server).tintype;
		const s3 = new S3Client({ endpoint: server.storage, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: id, secretAccessKey: secret } });
		await s3.send(new CreateBucketCommand({ Bucket: 'empty-one' }));
		s3.destroy();
	});

	for (const [name, options] of Object.entries({ light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, 'a phone': { viewport: PHONE } }))
		test(`in ${name}: axe-core finds nothing, Escape closes each by keyboard, and the focus is back where it was`, async () => {
			const page = await enter(undefined, options);
			for (const [view, opener, title] of DIALOGS) {
				await page.getByRole('link', { name: view, exact: true }).click();
				const button = page.getByRole('button', { name: opener, exact: true });
				await button.focus();
				await page.keyboard.press('Enter');
				const dialog = page.getByRole('dialog', { name: title });
				await dialog.waitFor();
				assert.equal(await page.evaluate(() => document.activeElement.closest('dialog')?.id), 'act', title);
				assert.deepEqual(await axe(page), [], title);
				assert.equal(await page.evaluate(() => { const box = document.querySelector('#act').getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth && document.querySelector('#act').scrollWidth <= box.width; }), true, `${title} fits`);
				await closing(dialog, () => page.keyboard.press('Escape'));
				assert.equal(await button.evaluate(node => node === document.activeElement), true, `the focus is back after ${title}`);
			}
			await leave(page);
		});

	test('a new secret for webhooks is made in the browser, of the form that the setting has', async () => {
		const page = await enter('Webhooks', { init: () => Object.defineProperty(navigator, 'clipboard', { value: undefined }) });   // as on plain HTTP
		const made = [];
		for (let i = 0; i < 2; i++) {
			await page.getByRole('button', { name: 'New secret…' }).click();
			await page.getByRole('button', { name: 'Make a secret' }).click();
			made.push(await page.locator('.once').innerText());
			assert.deepEqual(await axe(page), []);
			await page.getByRole('button', { name: 'Copy', exact: true }).click();
			await page.getByText('The browser does not allow it. Select the text and copy it.').waitFor();
			await page.getByRole('button', { name: 'Close' }).click();
			await page.locator('.once').waitFor({ state: 'detached' });   // by the dialog's close event, which comes after the click
		}
		assert.notEqual(made[0], made[1]);
		for (const secret of made) {
			assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
			assert.equal(server.log.some(line => line.includes(secret)), false);
		}
		await leave(page);
	});
});
