// kill -9 of the server and of the receiver while uploads run: the webhook of every image that was uploaded arrives at least once, under
// one id however often it is repeated. TINTYPE_TEST_WEBHOOKS is how many images are uploaded.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { webhookEnv } from './support/receiver.mjs';
import { eventually, openSlot, putBytes, runProgram, startServer, tinyPng } from './support/server.mjs';

if (existsSync(process.env.TINTYPE_RELEASE ?? ''))
	process.env.TINTYPE = process.env.TINTYPE_RELEASE;

const UPLOADS = Number(process.env.TINTYPE_TEST_WEBHOOKS ?? 400);
const KILLS = 4;   // of each
const CLIENTS = 8;
const dir = mkdtempSync(path.join(tmpdir(), 'tintype-webhooks-crash-'));
const received = path.join(dir, 'received');
const uploaded = new Set();   // imageIds whose PUT was answered with 200
let server, receiver, port = 0;

after(async () => {
	await server?.kill();
	receiver?.kill('SIGKILL');
	rmSync(dir, { recursive: true, force: true });
});

async function startReceiver() {
	receiver = spawn(process.execPath, [fileURLToPath(new URL('support/receiver_process.mjs', import.meta.url)), String(port), received], { stdio: ['ignore', 'pipe', 'inherit'] });
	const [text] = await once(receiver.stdout.setEncoding('utf8'), 'data');
	port = Number(text);
}

async function killReceiver() {
	const exited = once(receiver, 'exit');
	receiver.kill('SIGKILL');
	await exited;
}

const start = async () => { server = await startServer({ data: dir, env: webhookEnv({ url: `http://127.0.0.1:${port}/` }), args: ['--verify', 'header'] }); };

/** Uploads until there are enough; a server that is gone is waited for. */
async function client() {
	while (uploaded.size < UPLOADS) {
		const at = server;
		try {
			const slot = await openSlot(at);
			if ((await putBytes(slot, tinyPng)).status === 200)
				uploaded.add(slot.imageId);
		} catch (error) {
			if (error.code === 'ERR_ASSERTION')
				throw error;
			await eventually(() => server !== at, { what: 'the next server' });
		}
	}
}

/** The lines of the receiver: [webhook-id, type, imageId]. */
const lines = () => existsSync(received) ? readFileSync(received, 'utf8').split('\n').filter(Boolean).map(line => line.split(' ')) : [];

test(`after ${KILLS} kills of each every one of ${UPLOADS} uploads has had its webhook`, { timeout: 1200000 }, async () => {
	await startReceiver();
	await start();
	const clients = Promise.all(Array.from({ length: CLIENTS }, client));
	for (let kill = 1; kill <= 2 * KILLS; kill++) {
		await eventually(() => uploaded.size >= kill * UPLOADS / (2 * KILLS + 1), { timeoutMs: 600000, what: 'the next uploads' });
		if (kill % 2 === 0) {
			await server.kill('SIGKILL');
			await start();
		} else {
			await killReceiver();
			await startReceiver();
		}
	}
	await clients;
	/* What failed twice while the receiver was away would wait for minutes. */
	const { code, stderr } = await runProgram(['webhooks', 'resend', '--state', 'waiting', '--data', server.data]);
	assert.equal(code, 0, stderr);
	const missing = () => {
		const there = new Set(lines().filter(([, type]) => type === 'image.uploaded').map(([, , imageId]) => imageId));
		return [...uploaded].filter(imageId => !there.has(imageId));
	};
	await eventually(() => missing().length === 0, { timeoutMs: 300000, everyMs: 200, what: 'the webhooks that are missing' }).catch(error => {
		throw new Error(`${error.message}: ${missing().length} of ${uploaded.size}`);
	});
	const ids = new Map();
	for (const [id, type, imageId] of lines()) {
		assert.equal(type, 'image.uploaded', 'every request was verified');
		assert.equal(ids.get(imageId) ?? id, id, `${imageId} has one event, and its repeats the same id`);
		ids.set(imageId, id);
	}
	assert.equal(new Set(ids.values()).size, ids.size, 'and no event has the id of another');
});
