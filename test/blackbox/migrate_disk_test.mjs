// `tintype migrate` while the destination fails in the middle: its disk is full, or S3 is away. The command says so and ends; once that is fixed, it
// is run again, and the destination has everything once.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { startCloud } from '../cloud/cloud.mjs';
import { inventory, KEY, migrate, writeEnv } from './support/migration.mjs';
import { png } from './support/png.mjs';
import { program, runProgram, startServer, uploadImage } from './support/server.mjs';
import { smallDisk } from './support/small_disk.mjs';

const work = mkdtempSync(path.join(tmpdir(), 'tintype-migrate-disk-'));
const settings = { TINTYPE_API_KEY: KEY, TINTYPE_URL_TTL: '1' };   // of the command, which waits for so long
const IMAGES = 45;
let cloud, local;

before(async () => { cloud = await startCloud(); });
after(async () => {
	await local?.stop();
	await cloud?.stop();
	rmSync(work, { recursive: true, force: true });
});

test('to S3 and back to a disk that is too small: each failure is reported, and the next run continues', { timeout: 300000 }, async () => {
	mkdirSync(path.join(work, 'source'));
	local = await startServer({ data: path.join(work, 'source'), env: { ...settings, TINTYPE_URL_TTL: '60' } });
	for (let i = 0; i < IMAGES; i++)
		await uploadImage(local, { bytes: png(200, 200, { noise: true }), key: KEY });
	const from = writeEnv(path.join(work, 'local.env'), { ...settings, TINTYPE_DATA: local.data });
	const keys = (await migrate(['--from', from, '--delivery-keys'])).stdout.trim().split('=')[1];
	assert.equal((await runProgram(['table', 'create'], { env: cloud.env })).code, 0);
	const to = writeEnv(path.join(work, 'remote.env'), { ...cloud.env, ...settings, TINTYPE_STORE: 's3', TINTYPE_TABLE: 'dynamodb', TINTYPE_DELIVERY_KEYS: keys });

	let puts = 0;
	cloud.before = async one => {
		if (one.service === 's3' && one.method === 'PUT' && ++puts > 10)
			throw new Error('S3 is away');
	};
	const cut = await migrate(['--from', from, '--to', to]);
	cloud.before = async () => {};
	assert.deepEqual([cut.code, puts > 10], [1, true], cut.stdout + cut.stderr);
	const there = await migrate(['--from', from, '--to', to]);
	assert.equal(there.code, 0, there.stdout + there.stderr);
	const before = await inventory(local);
	assert.equal(before.images.length, IMAGES);

	const dir = path.join(work, 'small'), home = writeEnv(path.join(work, 'home.env'), { ...settings, TINTYPE_DATA: path.join(dir, 'data') });
	mkdirSync(dir);
	const disk = smallDisk(dir, '5m'), out = path.join(work, 'out', 'data');
	mkdirSync(path.join(work, 'out'));
	try {
		for (const reserve of ['1000000', '0', '0']) {   // the reserve is reached; the disk is full; it still is
			writeEnv(home, { ...settings, TINTYPE_DATA: path.join(dir, 'data'), TINTYPE_RESERVE: reserve });
			const full = await disk.run(program(), 'migrate', '--from', to, '--to', home);
			assert.equal(full.code, 1, full.stdout);
			assert.match(full.stdout, new RegExp(`^tintype migrate: The disk of ${dir}/data is full, or has less than the reserve of ${reserve} bytes`, 'm'));
		}
		assert.equal((await disk.resize('64m')).code, 0);
		const done = await disk.run(program(), 'migrate', '--from', to, '--to', home);
		assert.equal(done.code, 0, done.stdout);
		assert.match(done.stdout, new RegExp(`^Complete\\. Both sides have the same: ${IMAGES} rows, of them ${IMAGES} images`, 'm'));
		assert.equal((await disk.run('cp', '-a', path.join(dir, 'data'), out)).code, 0);
	} finally {
		await disk.end();
	}
	const checked = await runProgram(['fsck', '--data', out]);
	assert.deepEqual([checked.code, /found 0/.test(checked.stdout)], [0, true], checked.stdout + checked.stderr);
	const served = await startServer({ data: path.join(work, 'out'), env: settings });
	try {
		assert.deepEqual(await inventory(served), before);
	} finally {
		await served.stop();
	}
});
