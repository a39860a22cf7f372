// Webhooks from a real server to real receivers: what they say, which fail and are sent again, what ends them, where they may go.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';

import { freePort } from './support/port.mjs';
import { NEW_SECRET, SECRET, startReceiver, verify, webhookEnv } from './support/receiver.mjs';
import { sqlite } from './support/sqlite.mjs';
import { call, eventually, fetchUrl, npmPackage, openSlot, putBytes, root, runProgram, startServer, uploadImage } from './support/server.mjs';

const KEY = 'the-key-of-the-application';
const SwaggerParser = npmPackage('@apidevtools/swagger-parser').default ?? npmPackage('@apidevtools/swagger-parser');
const Ajv = npmPackage('ajv/dist/2020').default;
const addFormats = npmPackage('ajv-formats').default;
const { webhooks: { image: { post: documented } } } = await SwaggerParser.validate(path.join(root, 'doc/openapi.yaml'));
const ajv = new Ajv({ strict: true, strictTypes: false, allErrors: true, keywords: ['example'] });
addFormats(ajv);
const fitsBody = ajv.compile(documented.requestBody.content['application/json'].schema);
const work = mkdtempSync(path.join(tmpdir(), 'tintype-webhooks-'));
after(() => rmSync(work, { recursive: true, force: true }));

/** A receiver and a server that sends to it, both stopped with the test. */
async function start(t, { receiver: how = {}, env = {}, ...more } = {}) {
	const receiver = await startReceiver(how);
	t.after(() => receiver.stop());
	const server = await startServer({ env: webhookEnv(receiver, { TINTYPE_LOG_LEVEL: 'debug', ...env }), ...more });
	t.after(() => server.stop());
	return { receiver, server };
}

async function metricsOf(server) {
	const { text } = await fetchUrl(`${server.admin}/metrics`);
	return Object.fromEntries([...text.matchAll(/^(tintype_webhook\S*) (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]));
}

/** A data directory for servers of one test. */
function folder(name) {
	const dir = path.join(work, name);
	mkdirSync(dir);
	return dir;
}

const failures = server => server.events('webhook.failed');

describe('events', { concurrency: true }, () => {
	test('an upload, a rejection and a deletion are each told of, signed, as the record is, without what is secret', async t => {
		const { receiver, server } = await start(t, { env: { TINTYPE_API_KEY: KEY }, args: ['--keep-metadata', 'camera'] });
		const delivered = n => eventually(() => server.events('webhook.delivered').length === n, { what: `the line of webhook ${n} in the log` });
		const { slot, image } = await uploadImage(server, { key: KEY });
		await delivered(1);
		const bad = await openSlot(server, {}, { key: KEY });
		assert.equal((await putBytes(bad, Buffer.from('this is no picture'))).status, 400);
		await delivered(2);
		assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`, { key: KEY })).status, 204);
		await delivered(3);
		assert.deepEqual(receiver.faults, []);
		const [uploaded, rejected] = receiver.events();
		assert.deepEqual(receiver.events().map(event => [event.type, event.data.imageId, event.data.status]), [['image.uploaded', slot.imageId, 'uploaded'],
			['image.rejected', bad.imageId, 'rejected'], ['image.deleted', slot.imageId, 'uploaded']]);
		const same = ['imageId', 'status', 'fileName', 'visibility', 'fileSize', 'fileType', 'uploadedAt', 'width', 'height', 'etag', 'stripped', 'verified', 'verdict', 'color', 'placeholder'];
		assert.deepEqual(same.map(name => uploaded.data[name]), same.map(name => image[name]));
		assert.match(rejected.data.reason, /./);
		for (const { text, event, bytes, headers, method, path: target } of receiver.requests) {
			assert.equal(method, 'POST');
			assert.equal(target, '/hooks?of=tests');
			assert.equal(headers['content-type'], 'application/json');
			assert.match(headers['user-agent'], /^tintype\/\d/);
			assert.match(event.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
			assert.ok(Math.abs(Date.parse(event.timestamp) - Date.now()) < 120000);
			assert.deepEqual(Object.keys(event), ['type', 'timestamp', 'data']);
			assert.ok(bytes < 20000);
			assert.ok(fitsBody(event), `${text}: ${ajv.errorsText(fitsBody.errors)}`);
			for (const { name, schema } of documented.parameters)
				assert.ok(ajv.validate(schema, schema.type === 'integer' ? Number(headers[name]) : headers[name]), name);
			assert.doesNotMatch(text, /downloadUrl|fileUrl|X-Amz|deleteToken|"links"|keptMetadata|key-of-the/);
		}
		await eventually(async () => (await metricsOf(server))['tintype_webhook_attempts_total{outcome="delivered"}'] === 3, { what: 'the results' });
		assert.deepEqual(server.events('webhook.delivered').map(e => e.type), ['image.uploaded', 'image.rejected', 'image.deleted']);
	});

	test('a slot that nothing came to in time is told of; that a rejected image is forgotten is not', async t => {
		const { receiver, server } = await start(t, { args: ['--url-ttl', '5', '--pending-ttl', '1', '--rejected-ttl', '1', '--sweep-interval', '1'] });
		const bad = await openSlot(server);
		assert.equal((await putBytes(bad, Buffer.from('this is no picture'))).status, 400);
		const late = await openSlot(server);
		await receiver.waitFor(2);
		await eventually(async () => (await call(server, 'GET', `/images/${bad.imageId}`)).status === 404, { what: 'the end of the rejected image' });
		for (const event of receiver.events())
			assert.ok(fitsBody(event), ajv.errorsText(fitsBody.errors));
		assert.deepEqual(receiver.events().map(event => [event.type, event.data.imageId, event.data.status]),
			[['image.rejected', bad.imageId, 'rejected'], ['image.expired', late.imageId, 'pending']]);
	});

	test('a public image comes with its links, which are the same for everybody', async t => {
		const { receiver, server } = await start(t, { env: { TINTYPE_VISIBILITY: 'public' } });
		const { image } = await uploadImage(server);
		await receiver.waitFor(1);
		assert.deepEqual(receiver.events()[0].data.links, image.links);
	});

	test('only the events that are asked for', async t => {
		const { receiver, server } = await start(t, { env: { TINTYPE_WEBHOOK_EVENTS: 'image.deleted' } });
		const { slot } = await uploadImage(server);
		await call(server, 'DELETE', `/images/${slot.imageId}`);
		await receiver.waitFor(1);
		assert.deepEqual(receiver.requests.map(request => request.event.type), ['image.deleted']);
	});

	test('while the secret is replaced, receivers with the old one and with the new one verify the same request', async t => {
		const { receiver, server } = await start(t, { receiver: { secrets: [SECRET, NEW_SECRET] }, env: { TINTYPE_WEBHOOK_SECRET: `${NEW_SECRET},${SECRET}` } });
		await uploadImage(server);
		const [request] = await receiver.waitFor(1);
		assert.deepEqual(receiver.faults, []);
		assert.equal(request.headers['webhook-signature'].split(' ').length, 2);
		assert.throws(() => verify(NEW_SECRET, request.text.replace('uploaded', 'rejected'), request.headers));
	});

	test('the largest names make a body below 20 KB', async t => {
		const { receiver, server } = await start(t);
		await uploadImage(server, { fileName: `${"\u{1F600}".repeat(60)}.png` });
		const [request] = await receiver.waitFor(1);
		assert.ok(request.bytes < 20000);
	});

	test('what `tintype sweep` expires while no server runs is told of by the next server', async t => {
		const dir = folder('sweep');
		const receiver = await startReceiver();
		t.after(() => receiver.stop());
		const times = ['--url-ttl', '1', '--pending-ttl', '1'];
		const first = await startServer({ data: dir, env: webhookEnv(receiver), args: times });
		const late = await openSlot(first);
		await first.kill('SIGTERM');
		const count = async () => {
			const run = await runProgram(['sweep', '--data', first.data], { env: webhookEnv(receiver) });
			assert.equal(run.code, 0, run.stderr);
			return sqlite(path.join(first.data, 'tintype.db'), 'SELECT count(*) FROM outbox');
		};
		await eventually(async () => await count() === '1', { everyMs: 200, what: 'the end of the slot' });
		assert.equal(receiver.requests.length, 0, 'the command itself sends nothing');
		const second = await startServer({ data: dir, env: webhookEnv(receiver) });
		t.after(() => second.stop());
		await receiver.waitFor(1);
		assert.deepEqual(receiver.events().map(event => [event.type, event.data.imageId]), [['image.expired', late.imageId]]);
	});

	test('without a receiver nothing is written', async t => {
		const server = await startServer({ data: folder('none') });
		t.after(() => server.stop());
		await uploadImage(server);
		await server.stop();
		assert.equal(sqlite(path.join(server.data, 'tintype.db'), 'SELECT count(*) FROM outbox'), '0');
	});
});

describe('what fails', { concurrency: true }, () => {
	test('is sent again after 5 seconds, under the same id, with the time of the attempt', async t => {
		const { receiver, server } = await start(t, { receiver: { answer: (request, response) => response.writeHead(request.nth < 2 ? 500 : 200).end() } });
		await uploadImage(server);
		const [first, second] = await eventually(() => receiver.requests.length >= 2 && receiver.requests, { what: 'the second attempt' });
		assert.equal(first.id, second.id);
		assert.equal(first.text, second.text);
		assert.ok(second.atMs - first.atMs >= 4400, 'not before it is due');
		assert.ok(Number(second.headers['webhook-timestamp']) > Number(first.headers['webhook-timestamp']));
		assert.deepEqual(receiver.faults, []);
		await server.waitForEvent('webhook.delivered');
		const [failure] = failures(server);
		assert.deepEqual([failure.text, failure.attempts, failure.level], ['the receiver answered 500', 1, 'warn']);
		assert.deepEqual(server.events('webhook.delivered').map(e => e.attempts), [2]);
		assert.equal((await metricsOf(server))['tintype_webhook_attempts_total{outcome="failed"}'], 1);
	});

	test('a redirect is a failure and is not followed', async t => {
		const other = await startReceiver();
		t.after(() => other.stop());
		const { server } = await start(t, { receiver: { answer: (request, response) => response.writeHead(307, { Location: other.url }).end() } });
		await uploadImage(server);
		await server.waitForEvent('webhook.failed');
		assert.equal(failures(server)[0].text, 'the receiver answered 307');
		assert.equal(other.requests.length, 0);
	});

	test('Retry-After is waited for, and the others wait too', async t => {
		const { receiver, server } = await start(t, { receiver: { answer: (request, response) => {
			const busy = receiver.requests.length < 2;
			response.writeHead(busy ? 503 : 204, busy ? { 'Retry-After': '7' } : {}).end();
		} } });
		await uploadImage(server);
		await server.waitForEvent('webhook.failed');
		await uploadImage(server);
		await receiver.waitFor(2);
		const [first, ...rest] = receiver.requests;
		for (const request of rest)
			assert.ok(request.atMs - first.atMs >= 6900, 'not before it was asked to');
	});

	test('a receiver that does not answer costs its 15 seconds, while others events are delivered', async t => {
		let hung;
		const { receiver, server } = await start(t, { receiver: { answer: (request, response) => {
			hung ??= request.id;
			if (request.id !== hung)
				response.writeHead(204).end();
		} } });
		await uploadImage(server);
		await receiver.waitFor(1);
		await uploadImage(server);
		await server.waitForEvent('webhook.delivered');
		assert.deepEqual(failures(server), [], 'the second did not wait for the first');
		await server.waitForEvent('webhook.failed');
		assert.match(failures(server)[0].text, /took too long/);
	});

	test('an answer of 100 MB is not read, and its status counts', async t => {
		let sent = 0, closed = false;
		const piece = Buffer.alloc(65536);
		const { server } = await start(t, { receiver: { answer: (request, response) => {
			response.writeHead(200, { 'Content-Length': String(100 << 20) });
			response.on('close', () => { closed = true; });
			const more = () => {
				while (!closed && sent < 100 << 20) {
					sent += piece.length;
					if (!response.write(piece))
						return response.once('drain', more);
				}
			};
			more();
		} } });
		await uploadImage(server);
		await server.waitForEvent('webhook.delivered');
		await eventually(() => closed, { what: 'the end of the connection' });
		assert.ok(sent < 32 << 20, `${sent} bytes were sent`);
	});

	test('an answer that is no HTTP, and a connection that is cut, are failures', async t => {
		const garbage = net.createServer(socket => { socket.on('error', () => {}); socket.once('data', () => socket.end('220 mail.example ESMTP\r\n\r\n')); }).listen(0, '127.0.0.1');
		t.after(() => garbage.close());
		await eventually(() => garbage.address());
		const server = await startServer({ env: webhookEnv({ url: `http://127.0.0.1:${garbage.address().port}/` }) });
		t.after(() => server.stop());
		await uploadImage(server);
		await server.waitForEvent('webhook.failed');
		assert.equal(failures(server)[0].attempts, 1);
	});

	test('what was tried before a restart counts after it', async t => {
		const dir = folder('restart');
		const receiver = await startReceiver({ answer: (request, response) => response.writeHead(request.nth < 2 ? 500 : 204).end() });
		t.after(() => receiver.stop());
		for (const signal of ['SIGTERM', undefined]) {
			const server = await startServer({ data: dir, env: webhookEnv(receiver, { TINTYPE_LOG_LEVEL: 'debug' }) });
			t.after(() => server.stop());
			if (signal) {
				await uploadImage(server);
				await server.waitForEvent('webhook.failed');
				await server.kill(signal);
			} else {
				await server.waitForEvent('webhook.delivered');
				assert.deepEqual(server.events('webhook.delivered').map(e => e.attempts), [2]);
			}
		}
		assert.equal(new Set(receiver.requests.map(request => request.id)).size, 1);
	});

	test('a server that stops does not wait for a receiver that does not answer, and sends again afterwards', async t => {
		const dir = folder('stopping');
		const receiver = await startReceiver({ answer: (request, response) => request.nth > 1 && response.writeHead(204).end() });
		t.after(() => receiver.stop());
		const server = await startServer({ data: dir, env: webhookEnv(receiver) });
		t.after(() => server.stop());
		await uploadImage(server);
		await receiver.waitFor(1);
		await server.kill('SIGTERM');
		assert.deepEqual(failures(server), [], 'it did not wait for the end of the attempt');
		const again = await startServer({ data: dir, env: webhookEnv(receiver, { TINTYPE_LOG_LEVEL: 'debug' }) });
		t.after(() => again.stop());
		await again.waitForEvent('webhook.delivered');
		assert.equal(again.events('webhook.delivered')[0].attempts, 1, 'what was cut counts for nothing');
	});
});

describe('where webhooks may go', { concurrency: true }, () => {
	const hosts = (name, text) => {
		const file = path.join(work, name);
		writeFileSync(file, text);
		return ['unshare', '-rm', 'sh', '-c', `mount --bind "$0" /etc/hosts && exec "$@"`, file];
	};
	const text = server => failures(server)[0].text;

	test('not to a name that leads to this machine, or to a network of one\'s own, even among other addresses', async t => {
		for (const [n, lines, range] of [[1, '127.0.0.1 app.example\n', '127.0.0.0/8'], [2, '93.184.216.34 app.example\n10.0.0.7 app.example\n', '10.0.0.0/8'], [3, '169.254.169.254 app.example\n', '169.254.0.0/16']]) {
			const server = await startServer({ env: { TINTYPE_WEBHOOK_URL: 'https://app.example/hooks', TINTYPE_WEBHOOK_SECRET: SECRET }, wrap: hosts(`hosts-${n}`, lines) });
			t.after(() => server.stop());
			await uploadImage(server);
			await server.waitForEvent('webhook.failed');
			assert.match(text(server), /app\.example port 443: its address/);
			assert.ok(text(server).includes(range), text(server));
		}
	});

	test('not to the server itself', async t => {
		const port = await freePort();
		const server = await startServer({ env: webhookEnv({ url: `http://127.0.0.1:${port}/prod/upload` }), args: ['--api', `127.0.0.1:${port}`] });
		t.after(() => server.stop());
		await uploadImage(server);
		await server.waitForEvent('webhook.failed');
		assert.match(text(server), /own listeners/);
	});

	test('settings that cannot work stop the start, with a sentence that says what to do', async () => {
		const url = 'https://app.example/hooks';
		const rows = [
			[{ TINTYPE_WEBHOOK_URL: url }, /TINTYPE_WEBHOOK_SECRET does not begin with whsec_.*openssl rand -base64 32/],
			[{ TINTYPE_WEBHOOK_URL: url, TINTYPE_WEBHOOK_SECRET: 'whsec_c2hvcnQ=' }, /too short/],
			[{ TINTYPE_WEBHOOK_SECRET: SECRET }, /TINTYPE_WEBHOOK_URL is not: set it too/],
			[{ TINTYPE_WEBHOOK_URL: 'http://app.example/', TINTYPE_WEBHOOK_SECRET: SECRET }, /https:\/\/ on port 443.*TINTYPE_WEBHOOK_PRIVATE=on/],
			[{ TINTYPE_WEBHOOK_URL: 'https://127.0.0.1/', TINTYPE_WEBHOOK_SECRET: SECRET }, /a host on the internet/],
			[{ TINTYPE_WEBHOOK_URL: 'https://localhost/', TINTYPE_WEBHOOK_SECRET: SECRET }, /a host on the internet/],
			[{ TINTYPE_WEBHOOK_URL: 'https://me:secret@app.example/', TINTYPE_WEBHOOK_SECRET: SECRET }, /without a user name/],
			[{ TINTYPE_WEBHOOK_URL: url, TINTYPE_WEBHOOK_SECRET: SECRET, TINTYPE_WEBHOOK_EVENTS: 'image.liked' }, /TINTYPE_WEBHOOK_EVENTS .* must be some of/],
			[{ TINTYPE_EVENT_BUS: 'default' }, /for functions on AWS Lambda.*unset it/],
		];
		for (const [env, sentence] of rows) {
			const { code, stderr } = await runProgram(['serve', '--data', path.join(work, 'refused'), '--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0'], { env });
			assert.equal(code, 2, stderr);
			assert.match(stderr, sentence);
			assert.doesNotMatch(stderr, /MfKQ9r8|me:secret/);
		}
	});

	test('neither the secret nor the URL is in any file of the server but the database\'s events', async t => {
		const { receiver, server } = await start(t);
		await uploadImage(server);
		await receiver.waitFor(1);
		await server.kill('SIGTERM');
		const files = readdirSync(server.data, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
		for (const entry of files)
			assert.doesNotMatch(readFileSync(path.join(entry.parentPath ?? entry.path, entry.name), 'latin1'), /MfKQ9r8GKYqr|of=tests/, entry.name);
		assert.doesNotMatch(server.log.join('\n'), /MfKQ9r8GKYqr|of=tests/);
	});
});
