// What an operator sees of webhooks and may do: a receiver that is disabled, `tintype webhooks`, the admin listener, metrics.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';

import { axe, openPage, startBrowser } from './support/browser.mjs';
import { startReceiver, webhookEnv } from './support/receiver.mjs';
import { sqlite } from './support/sqlite.mjs';
import { call, eventually, fetchUrl, runProgram, startServer, uploadImage } from './support/server.mjs';

const work = mkdtempSync(path.join(tmpdir(), 'tintype-webhooks-admin-'));
after(() => rmSync(work, { recursive: true, force: true }));

const webhooks = (server, ...args) => runProgram(['webhooks', ...args, '--data', server.data]);
const list = async (server, ...args) => (await webhooks(server, 'list', '--json', ...args)).stdout.split('\n').filter(Boolean).map(line => JSON.parse(line));
const tokenOf = async server => (await eventually(() => /console .*\(token: ([0-9a-f]{32})\)/.exec(server.out), { what: 'the token' }))[1];

async function start(t, answer, { data, env } = {}) {
	const receiver = await startReceiver({ answer });
	t.after(() => receiver.stop());
	const server = await startServer({ data, env: webhookEnv(receiver, { TINTYPE_LOG_LEVEL: 'debug', ...env }) });
	t.after(() => server.stop());
	return { receiver, server };
}

async function metricsOf(server) {
	const { text } = await fetchUrl(`${server.admin}/metrics`);
	return Object.fromEntries([...text.matchAll(/^(tintype_webhooks\S*) (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]));
}

describe('a receiver that is disabled', { concurrency: true }, () => {
	test('by 410 gets nothing more until it is enabled, and then all of it', async t => {
		let status = 410;
		const { receiver, server } = await start(t, (request, response) => response.writeHead(status).end());
		await uploadImage(server);
		const { text, level } = await server.waitForEvent('webhook.disabled');
		assert.equal(level, 'error');
		assert.match(text, /410/);
		const { slot } = await uploadImage(server);
		await call(server, 'DELETE', `/images/${slot.imageId}`);
		assert.deepEqual(await metricsOf(server), { 'tintype_webhooks{state="waiting"}': 3, 'tintype_webhooks{state="failed"}': 0, 'tintype_webhooks{state="unreadable"}': 0, tintype_webhooks_disabled: 1 });
		const shown = await webhooks(server, 'list');
		assert.match(shown.stderr, /waiting 3, failed 0/);
		assert.match(shown.stderr, /Disabled since 2.* answered 410.*tintype webhooks enable/);
		const before = receiver.requests.length;
		status = 204;
		const enabled = await webhooks(server, 'enable');
		assert.equal(enabled.code, 0, enabled.stderr);
		await receiver.waitFor(3);
		assert.ok(before <= 2, 'of two events that were on their way at once, at most both');
		await eventually(async () => (await metricsOf(server))['tintype_webhooks{state="waiting"}'] === 0, { what: 'the end of the queue' });
		assert.equal((await metricsOf(server)).tintype_webhooks_disabled, 0);
		await server.waitForEvent('webhook.enabled');
		assert.equal(server.events('webhook.enabled').length, 1);
		assert.deepEqual(receiver.faults, []);
	});

	test('by the tenth failure stays so over a restart, and nothing is lost', async t => {
		const dir = path.join(work, 'tenth');
		let status = 500;
		const first = await start(t, (request, response) => response.writeHead(status).end(), { data: mkdtempSync(`${dir}-`) });
		await uploadImage(first.server);
		await first.server.waitForEvent('webhook.failed');
		await first.server.kill('SIGTERM');
		sqlite(path.join(first.server.data, 'tintype.db'), 'UPDATE outbox SET attempts=9, first_ms=1, due_ms=1');
		const env = webhookEnv(first.receiver, { TINTYPE_LOG_LEVEL: 'debug' });
		const second = await startServer({ data: first.server.dir, env });
		t.after(() => second.stop());
		const disabled = await second.waitForEvent('webhook.disabled');
		assert.match(disabled.text, /none was delivered since/);
		assert.deepEqual(second.events('webhook.given_up').map(e => [e.attempts, e.text]), [[10, 'the receiver answered 500']]);
		await second.kill('SIGKILL');
		const third = await startServer({ data: first.server.dir, env });
		t.after(() => third.stop());
		await uploadImage(third);
		assert.equal((await metricsOf(third)).tintype_webhooks_disabled, 1);
		status = 204;
		assert.equal((await webhooks(third, 'enable')).code, 0);
		await first.receiver.waitFor(2);
		await eventually(async () => (await list(third, '--state', 'delivered')).length === 2, { what: 'both deliveries' });
	});

	test('not for one event that it does not take, which is given up and may be sent again', async t => {
		let taken = false, refused;
		const { receiver, server } = await start(t, (request, response) => {
			refused ??= request.id;
			response.writeHead(request.id === refused && !taken ? 422 : 204).end();
		}, { data: mkdtempSync(path.join(work, 'one-')) });
		await uploadImage(server);
		await server.waitForEvent('webhook.failed');
		await server.kill('SIGTERM');
		sqlite(path.join(server.data, 'tintype.db'), 'UPDATE outbox SET attempts=9, first_ms=1, due_ms=1; UPDATE webhook SET delivered_ms=2');
		const again = await startServer({ data: server.dir, env: webhookEnv(receiver, { TINTYPE_LOG_LEVEL: 'debug' }) });
		t.after(() => again.stop());
		await again.waitForEvent('webhook.given_up');
		assert.deepEqual(again.events('webhook.disabled'), []);
		const [failed] = await list(again, '--state', 'failed');
		assert.deepEqual([failed.webhookId, failed.attempts, failed.error, failed.type], [refused, 10, 'the receiver answered 422', 'image.uploaded']);
		assert.equal((await metricsOf(again))['tintype_webhooks{state="failed"}'], 1);
		taken = true;
		assert.match((await webhooks(again, 'resend', '--state', 'failed')).stdout, /^1 will be sent again/);
		await eventually(async () => (await list(again, '--state', 'delivered')).length === 1, { what: 'its delivery' });
	});
});

describe('tintype webhooks', { concurrency: true }, () => {
	test('lists what was delivered, the newest first, and sends one again under its id', async t => {
		const { receiver, server } = await start(t);
		for (let i = 0; i < 3; i++)
			await uploadImage(server);
		await eventually(async () => (await list(server, '--state', 'delivered')).length === 3, { what: 'the deliveries' });
		const all = await list(server);
		assert.deepEqual(all.map(one => [one.state, one.attempts, one.error, one.dueAt]), Array(3).fill(['delivered', 1, null, null]));
		assert.deepEqual([...all].sort((a, b) => b.webhookId.localeCompare(a.webhookId)), all);
		assert.deepEqual((await list(server, '--limit', '2')), all.slice(0, 2));
		const { code, stdout } = await webhooks(server, 'resend', all[1].webhookId);
		assert.deepEqual([code, stdout], [0, '1 will be sent again\n']);
		await eventually(() => receiver.requests.filter(request => request.id === all[1].webhookId).length === 2, { what: 'the second delivery' });
		assert.deepEqual(receiver.faults, []);
		const table = await webhooks(server, 'list');
		assert.match(table.stdout, new RegExp(`^ID .*\n(.*\n)*${all[0].webhookId} +delivered +image.uploaded +${all[0].imageId}`));
	});

	test('says what is wrong with a request', async t => {
		const { server } = await start(t);
		for (const [args, code, sentence] of [
			[['resend', 'msg_00000000000100000000000000000000'], 1, /no webhook with this id/],
			[['resend', 'x'.repeat(300)], 1, /id must be/],
			[['resend'], 2, /--state failed/],
			[['resend', 'a', '--limit', '3'], 2, /resend does not take --limit/],
			[['enable', '--state', 'failed'], 2, /enable does not take --state/],
			[['list', 'x'], 2, /unexpected argument "x"/],
			[['resend', '--state', 'delivered'], 1, /waiting\|failed/],
			[['list', '--state', 'a&b'], 1, /state must be one of/],
			[['forget'], 2, /use list/],
		]) {
			const run = await webhooks(server, ...args);
			assert.equal(run.code, code, `${args}: ${run.stderr}`);
			assert.match(run.stderr, sentence, `${args}`);
		}
		const none = await runProgram(['webhooks', 'list', '--data', work]);
		assert.equal(none.code, 1);
		assert.match(none.stderr, /No server seems to use .*--data/);
	});

	test('the file that it finds the server by is private, and goes with the server', async t => {
		const server = await startServer({ data: mkdtempSync(path.join(work, 'file-')) });
		t.after(() => server.stop());
		const file = path.join(server.data, 'admin.json');
		await eventually(() => existsSync(file), { what: 'the file' });
		assert.equal(statSync(file).mode & 0o777, 0o600);
		assert.match((await webhooks(server, 'list')).stderr, /TINTYPE_WEBHOOK_URL is not set/);
		await server.kill('SIGTERM');
		assert.equal(existsSync(file), false);
	});
});

describe('the console', () => {
	test('shows what was given up and why, what was delivered, and that the receiver is disabled, accessibly', async t => {
		let status = 204;
		const { server } = await start(t, (request, response) => response.writeHead(status).end());
		const browser = await startBrowser();
		t.after(() => browser.close());
		await uploadImage(server);
		await server.waitForEvent('webhook.delivered');
		const page = await openPage(browser, server, { url: server.admin });
		await page.getByLabel('Token').fill(await tokenOf(server));
		await page.getByRole('button', { name: 'Sign in' }).click();
		await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
		const rows = page.locator('#webhooks-rows tr');
		await rows.filter({ hasText: 'delivered' }).waitFor();
		assert.equal(await page.locator('#webhooks-state').innerText(), '');
		status = 410;
		await uploadImage(server);
		await server.waitForEvent('webhook.disabled');
		await page.getByRole('button', { name: 'Refresh' }).and(page.locator('#webhooks-refresh')).click();
		await page.getByText(/Disabled since .* answered 410/).waitFor();
		assert.match(await rows.first().innerText(), /image\.uploaded\s+msg_[0-9a-f]{32}\s+the receiver answered 410/);
		assert.deepEqual(await axe(page), []);
		await page.getByText('Delivered', { exact: true }).click();
		await page.waitForFunction(() => document.querySelectorAll('#webhooks-rows tr').length === 1);
		assert.match(await page.locator('#webhooks-count').innerText(), /1 waiting, 0 failed, 1 delivered\. 1 webhook shown/);
		status = 204;
		await page.locator('#webhooks-state').getByRole('button', { name: 'Enable' }).click();
		await page.getByText('Webhooks are enabled: those that waited are sent now.').waitFor();
		await eventually(() => server.events('webhook.delivered').length === 2, { what: 'the webhook that waited' });
		await page.locator('#webhooks-refresh').click();
		await page.getByText(/0 waiting, 0 failed, 2 delivered\. 2 webhooks shown/).waitFor();
		assert.equal(await page.locator('#webhooks-state').innerText(), '');
		sqlite(path.join(server.data, 'tintype.db'), 'UPDATE outbox SET state=2');
		await page.locator('#webhooks-refresh').click();
		await page.getByRole('button', { name: 'Resend all failed…' }).click();
		const dialog = page.getByRole('dialog', { name: 'Resend 2 failed webhooks?' });
		for (const colorScheme of ['light', 'dark']) {
			await page.emulateMedia({ colorScheme });
			assert.deepEqual(await axe(page), [], colorScheme);
		}
		await dialog.getByRole('button', { name: 'Resend' }).click();
		await page.getByText('2 webhooks will be sent again.').waitFor();
		await page.waitForFunction(() => document.activeElement.id === 'webhooks-title');
		await eventually(() => server.events('webhook.delivered').length === 4, { what: 'those that were given up' });
		await page.route('**/console/webhooks?*', async route => {   /* as of a table with damaged items */
			const response = await route.fetch();
			await route.fulfill({ response, json: { ...await response.json(), unreadable: 2 } });
		});
		await page.locator('#webhooks-refresh').click();
		await page.getByText('2 events of the table cannot be read and are not sent: the log says which (events.unreadable).').waitFor();
		await page.getByRole('button', { name: 'Resend all failed…' }).waitFor();
		await page.unrouteAll({ behavior: 'wait' });
		await page.locator('#webhooks-refresh').click();
		await page.waitForFunction(() => document.querySelector('#webhooks-state').textContent === '');
		await page.getByRole('button', { name: 'Sign out' }).click();
		await page.getByLabel('Token').waitFor();
		assert.equal(await rows.count(), 0, 'nothing stays behind');
		await page.quiet();
	});
});

describe('the admin listener', () => {
	test('requires the token, a known parameter, and POST for what changes something', async t => {
		const { server } = await start(t);
		const token = await tokenOf(server);
		const ask = (method, target, headers = { Authorization: `Bearer ${token}` }) => fetchUrl(`${server.admin}/console/webhooks${target}`, { method, headers });
		assert.equal((await ask('GET', '', {})).status, 401);
		assert.equal((await ask('POST', '/enable', {})).status, 401);
		assert.equal((await ask('POST', '/enable', { Authorization: `Bearer ${'0'.repeat(32)}` })).status, 403);
		assert.equal((await ask('POST', '/enable', { Authorization: `Bearer ${token}`, Origin: 'https://evil.example' })).status, 403);
		const refused = await ask('GET', '/enable');
		assert.deepEqual([refused.status, refused.headers.get('allow')], [405, 'POST']);
		assert.equal((await ask('POST', '')).status, 405);
		assert.equal((await ask('GET', '?limit=0')).status, 400);
		assert.equal((await ask('GET', '?colour=red')).status, 400);
		assert.equal((await ask('POST', '/resend?id=msg_1&state=failed')).status, 400);
		const { status, json } = await ask('GET', '');
		assert.equal(status, 200);
		assert.deepEqual(json, { configured: true, disabledAt: null, reason: null, deliveredAt: null, waiting: 0, delivered: 0, failed: 0, unreadable: 0, webhooks: [], nextBefore: null });
	});
});
