// `tintype migrate` between the embedded store and S3 with DynamoDB, both ways, with uploads, changes and deletes running, and with kill -9
// of the command at many places: whatever was answered by the source is true of the destination, and nothing is there twice.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { startCloud } from '../cloud/cloud.mjs';
import { afterText, inventory, KEY, listAll, Load, migrate, migrateWithKills, writeEnv } from './support/migration.mjs';
import { startReceiver, webhookEnv } from './support/receiver.mjs';
import { call, corpus, eventually, fetchUrl, openSlot, putBytes, runProgram, startServer } from './support/server.mjs';

const work = mkdtempSync(path.join(tmpdir(), 'tintype-migrate-'));
const file = name => path.join(work, name);
const settings = { TINTYPE_API_KEY: KEY, TINTYPE_URL_TTL: '6', TINTYPE_SWEEP_INTERVAL: '1', TINTYPE_QUOTA_IMAGES: '100000' };
const ownerOf = name => createHash('sha256').update(`app\n${name}`).digest('hex').slice(0, 32);
const owners = ['ann', 'bob'].map(ownerOf);
const seen = {};   // what the tests before have left: the source's load, its links, the API key
let cloud, remote, receiver, local, away, home;

/** Whatever is asked of the server is answered until stop(), which gives the number of answers. */
function readUntil(server, id) {
	let going = true, n = 0;
	const reads = (async () => {
		for (; going; n++) {
			const one = await call(server, 'GET', `/images/${id}`, { key: KEY }), list = await call(server, 'GET', '/images?limit=5', { key: KEY });
			assert.deepEqual([one.status, list.status], [200, 200], one.text);
			assert.equal((await fetchUrl(one.json.downloadUrl)).status, 200);
		}
	})();
	return async () => { going = false; await reads; return n; };
}

/** Slots until new ones are refused, and then the bytes of the last three, whose URLs are still valid: [{ slot, put }]. */
async function sendLate(server) {
	const slots = [];
	for (let answer; (answer = await call(server, 'POST', '/upload', { key: KEY, json: { fileName: 'late.png', fileType: 'image/png', onBehalfOf: 'bob' } })).status === 200;) {
		slots.unshift(answer.json);
		await new Promise(resolve => setTimeout(resolve, 200));
	}
	const sent = await Promise.all(slots.slice(0, 3).map(async slot => ({ slot, put: await putBytes(slot, corpus('good/gray.png')) })));
	for (const { put } of sent)
		assert.equal(put.status, 200, put.text);
	return sent;
}

/** Lists have the newest first, by the times that came with the rows. */
async function assertOrder(server) {
	for (const [query, time] of [['', 'uploadedAt'], [`&owner=${owners[0]}`, 'createdAt']]) {
		const times = (await listAll(server, query)).map(image => image[time]);
		assert.ok(times.length > 10);
		assert.deepEqual(times, times.toSorted().reverse(), time);
	}
}

const tokenOf = server => /console .*\(token: ([0-9a-f]{32})\)/.exec(server.out)[1];

const refused = (answer, what) => assert.deepEqual([answer.status, answer.json?.code], [503, 'read_only'], `${what}: ${answer.text}`);

/** Kill when so many requests that match have reached the cloud. */
const afterRequests = (n, match) => () => ({ watch: look => {
	cloud.before = async one => { if (match(one) && --n === 0) look(); };
	return () => { cloud.before = async () => {}; };
}, when: () => n <= 0 });

before(async () => {
	cloud = await startCloud();
	receiver = await startReceiver({ answer: (request, response) => response.writeHead(503).end() });
	remote = { ...cloud.env, ...settings, TINTYPE_STORE: 's3', TINTYPE_TABLE: 'dynamodb' };
	assert.equal((await runProgram(['table', 'create'], { env: cloud.env })).code, 0);
	local = await startServer({ data: work, env: { ...settings, ...webhookEnv(receiver) } });
	seen.from = writeEnv(file('local.env'), { ...settings, TINTYPE_DATA: local.data });
	const keys = await migrate(['--from', seen.from, '--delivery-keys']);
	assert.match(keys.stdout, /^TINTYPE_DELIVERY_KEYS=[0-9a-f]{64}\n$/);
	remote.TINTYPE_DELIVERY_KEYS = keys.stdout.trim().split('=')[1];
	seen.to = writeEnv(file('remote.env'), remote);
});
after(async () => {
	await Promise.all([local, away, home].map(server => server?.stop()));
	await receiver?.stop();
	await cloud?.stop();
	rmSync(work, { recursive: true, force: true });
});

test('wrong use is refused with what to do, and nothing is begun', async () => {
	const other = writeEnv(file('other.env'), { ...settings, TINTYPE_DATA: file('other') });
	const links = writeEnv(file('links.env'), { ...remote, TINTYPE_DELIVERY_KEYS: 'x'.repeat(40) });
	const unreachable = writeEnv(file('unreachable.env'), { ...remote, AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1' });
	const wrong = writeEnv(file('wrong.env'), { TINTYPE_MAX_SIZE: 'many' });
	for (const [args, message, code = 2] of [
		[[], /--from and --to must name two files of settings/],
		[['--from', seen.from], /--from and --to must name/],
		[['--from', seen.from, '--to', seen.to, '--jobs', '0'], /--jobs must be a number from 1 to 64/],
		[['--from', file('none.env'), '--to', seen.to], /none\.env: it cannot be opened/],
		[['--from', wrong, '--to', seen.to], /wrong\.env: TINTYPE_MAX_SIZE must be a number/],
		[['--from', other, '--to', seen.to], /There is no database in/],
		[['--from', seen.from, '--to', other], /One of --from and --to must have TINTYPE_STORE=s3/],
		[['--from', unreachable, '--to', unreachable], /One of --from and --to must have TINTYPE_STORE=s3/],
		[['--from', seen.from, '--cancel', '--delivery-keys'], /--delivery-keys cannot be given with --cancel/],
		[['--from', seen.from, '--to', links], /set TINTYPE_DELIVERY_KEYS there to what/],
		[['--from', seen.to, '--to', seen.from], /A server, or another tintype migrate, uses .*, the data directory of the destination/, 1],
	]) {
		const run = await migrate(args);
		assert.equal(run.code, code, `${args}: ${run.stdout}${run.stderr}`);
		assert.match(run.stderr, message);
	}
	assert.equal((await migrate(['--from', seen.from, '--cancel'])).stdout, 'The source accepts all changes: there is nothing to cancel.\n');
	await local.waitForEvent('server.ready');
	assert.equal((await call(local, 'GET', '/images', { key: KEY })).status, 200);
});

test('to S3 and DynamoDB, with clients at work and kills: all that the source has answered is true of the destination', { timeout: 900000 }, async () => {
	const load = seen.load = new Load(local);
	const send = (body, headers) => call(local, 'POST', '/images?onBehalfOf=ann', { key: KEY, body, headers });
	for (let i = 0; i < 30; i++)
		await load.upload(i % 10 === 0 ? { visibility: 'public', metadata: { number: String(i) } } : {});
	const first = await load.upload();
	const made = await send(corpus('good/private.jpg'), { 'Idempotency-Key': 'one' }), gone = await send(corpus('good/photo.jpg'), { 'Idempotency-Key': 'two' });
	assert.deepEqual([made.status, gone.status], [201, 201]);
	assert.equal((await call(local, 'DELETE', `/images/${gone.json.imageId}`, { key: KEY })).status, 204);
	const rejected = await openSlot(local, {}, { key: KEY });
	assert.notEqual((await putBytes(rejected, Buffer.from('no picture'))).status, 200);
	assert.equal((await call(local, 'PUT', `/users/${owners[0]}/quota`, { key: KEY, json: { images: 5000 } })).status, 200);
	const apikey = await runProgram(['apikeys', 'add', 'reader', '--scope', 'read'], { env: { TINTYPE_ENDPOINT: local.api, TINTYPE_API_KEY: KEY } });
	seen.apikey = apikey.stdout.match(/tt_\S+/)?.[0] ?? apikey.stdout.trim();
	seen.links = (await call(local, 'GET', `/images/${first}`, { key: KEY })).json.links;
	const stopReading = readUntil(local, first);
	const clients = Promise.all(Array.from({ length: 3 }, () => load.run()));
	const late = sendLate(local).then(sent => sent.forEach(({ slot, put }) => load.kept.set(slot.imageId, put.headers.get('etag').slice(1, -1))));
	const puts = one => one.service === 's3' && one.method === 'PUT', rows = one => one.target.endsWith('PutItem');
	const run = migrateWithKills(seen.from, seen.to, [
		['the first objects', afterRequests(5, puts)], ['objects', afterRequests(12, puts)], ['rows', afterRequests(12, rows)],
		['new slots are refused', afterText(/refuses new slots/)],
		['uploads are waited for, unless the pass before took as long as their URLs are valid', afterText(/Waiting for uploads|^source closed/m)],
		['the source is closed', afterText(/^source closed/m)]]);
	await Promise.all([clients, late, run]);
	assert.ok(await stopReading() > 10, 'reads went on');
	assert.ok(load.refused > 0 && load.kept.size > 40 && load.deleted.size > 3, `${load.kept.size} uploads, ${load.deleted.size} deletes`);
	refused(await call(local, 'POST', '/upload', { key: KEY, json: { fileName: 'a.png', fileType: 'image/png' } }), 'a slot');
	refused(await call(local, 'DELETE', `/images/${first}`, { key: KEY }), 'a delete');
	refused(await call(local, 'PATCH', `/images/${first}`, { key: KEY, json: { visibility: 'public' } }), 'a change');
	refused(await call(local, 'PUT', `/users/${owners[0]}/quota`, { key: KEY, json: { images: 1 } }), 'a quota');
	refused(await send(corpus('good/photo.jpg')), 'an image in one request');
	const ready = await fetchUrl(`${local.admin}/readyz`);
	assert.deepEqual([ready.status, /^read only, migration closed: /m.test(ready.text)], [200, true], ready.text);
	const settingsOf = async server => (await fetchUrl(`${server.admin}/console/settings`, { headers: { Authorization: `Bearer ${tokenOf(server)}` } })).json;
	assert.equal((await settingsOf(local)).migration, 'closed');
	/* The destination as a server shows it. Webhooks that the source could not deliver are sent by it. */
	away = await startServer({ env: { ...remote, ...webhookEnv(receiver) } });
	await load.check(away);
	assert.deepEqual(await inventory(away, owners), await inventory(local, owners));
	await assertOrder(away);
	assert.equal((await call(away, 'GET', `/images/${rejected.imageId}`, { key: KEY })).json.status, 'rejected');
	assert.equal((await call(away, 'GET', '/images', { key: seen.apikey })).status, 200, 'the API key of the source is valid');
	const again = name => call(away, 'POST', '/images?onBehalfOf=ann', { key: KEY, body: corpus(`good/${name}`), headers: { 'Idempotency-Key': name === 'photo.jpg' ? 'two' : 'one' } });
	assert.deepEqual([(await again('private.jpg')).json.imageId, (await again('photo.jpg')).json.code], [made.json.imageId, 'image_gone']);
	const link = new URL(seen.links.original);
	assert.equal((await fetch(away.api + link.pathname + link.search)).status, 200, 'a link of the source is valid');
	/* Every image that was uploaded has had its event, one id each, though the source could deliver none. */
	receiver.answer = (request, response) => response.writeHead(204).end();
	assert.equal((await settingsOf(away)).migration, undefined);
	const resend = () => fetchUrl(`${away.admin}/console/webhooks/resend?state=waiting`, { method: 'POST', headers: { Authorization: `Bearer ${tokenOf(away)}` } });
	const accepted = () => new Set(receiver.events().filter(event => event.type === 'image.uploaded').map(event => event.data.imageId));
	await eventually(async () => (await resend()).status === 200 && [...load.kept.keys()].every(id => accepted().has(id)), { everyMs: 1000, what: 'the events of all images' });
	assert.equal(new Set(receiver.requests.filter(one => one.event.type === 'image.uploaded').map(one => one.id)).size, accepted().size);
	const done = await migrate(['--from', seen.from, '--to', seen.to]);
	assert.deepEqual([done.code, /complete already/.test(done.stdout)], [0, true], done.stdout + done.stderr);
});

test('and back to an empty data directory, with servers that share the table, clients at work and kills', { timeout: 900000 }, async () => {
	const load = new Load(away), other = await startServer({ env: remote }), first = await load.upload(), dir = file('home');
	const to = writeEnv(file('home.env'), { ...settings, TINTYPE_DATA: path.join(dir, 'data') });
	mkdirSync(dir);
	try {
		const stopReading = readUntil(away, first);
		const clients = Promise.all(Array.from({ length: 2 }, () => load.run()));
		const gets = one => one.service === 's3' && one.method === 'GET';
		const run = migrateWithKills(seen.to, to, [['objects', afterRequests(15, gets)], ['new slots are refused', afterText(/refuses new slots/)],
			['the source is closed', afterText(/^source closed/m)]]);
		const late = sendLate(other);   // S3 itself takes the bytes, and nobody tells a server of them
		await Promise.all([clients, late, run]);
		assert.ok(await stopReading() > 10, 'reads went on');
		assert.ok(load.refused > 0 && load.kept.size > 3 && load.deleted.size > 0);
		refused(await call(other, 'DELETE', `/images/${first}`, { key: KEY }), 'a delete');
		assert.match((await fetchUrl(`${other.admin}/readyz`)).text, /^read only, migration closed: /m);
		home = await startServer({ data: dir, env: settings });
		await load.check(home);
		assert.deepEqual(await inventory(home, owners), await inventory(away, owners));
		await assertOrder(home);
		assert.equal((await call(home, 'GET', '/images', { key: seen.apikey })).status, 200);
		const link = new URL(seen.links.original);
		assert.equal((await fetch(home.storage + link.pathname + link.search)).status, 200, 'a link of the first source is valid');
		assert.equal((await call(home, 'DELETE', `/images/${first}`, { key: KEY })).status, 204);
		for (const { slot } of await late) {
			const done = await call(home, 'POST', `/images/${slot.imageId}/complete`, { key: KEY });
			assert.deepEqual([done.status, done.json.status], [200, 'uploaded'], done.text);
		}
	} finally {
		await other.stop();
	}
});

test('a destination that is not complete serves no changes; what is damaged at the source is named, and a source that still changes fails it', { timeout: 300000 }, async () => {
	const dir = file('second'), to = writeEnv(file('second.env'), { ...settings, TINTYPE_DATA: path.join(dir, 'data') });
	mkdirSync(dir);
	const all = await listAll(away, ''), [damaged, changed] = all.map(image => image.imageId);
	assert.equal((await cloud.request('DELETE', `/pictures/images/${damaged}.png`)).status, 204);
	/* The source is closed since the test before: nothing is waited for. */
	const cut = await migrate(['--from', seen.to, '--to', to], afterText(/^source closed/m)());
	assert.equal(cut.signal, 'SIGKILL');
	const early = await startServer({ data: dir, env: settings });
	try {
		refused(await call(early, 'POST', '/upload', { key: KEY, json: { fileName: 'a.png', fileType: 'image/png' } }), 'a slot');
		refused(await call(early, 'DELETE', `/images/${changed}`, { key: KEY }), 'a delete');
		assert.match((await fetchUrl(`${early.admin}/readyz`)).text, /^read only, migration arriving: /m);
	} finally {
		await early.stop();
	}
	/* Something that does not obey, as a function on AWS Lambda, goes on to write. */
	let n = 0;
	cloud.before = async one => {
		if (one.target.endsWith('.Scan'))
			await cloud.dynamo('UpdateItem', { TableName: 'ImageMetadata', Key: { imageId: { S: changed } }, UpdateExpression: 'SET fileName = :n', ExpressionAttributeValues: { ':n': { S: `${n++}.png` } } });
	};
	const changing = await migrate(['--from', seen.to, '--to', to]);
	cloud.before = async () => {};
	assert.equal(changing.code, 1, changing.stdout);
	assert.match(changing.stderr, /The source still changes, although it is closed/);
	const done = await migrate(['--from', seen.to, '--to', to]);
	assert.equal(done.code, 0, done.stderr);
	assert.match(done.stderr, new RegExp(`damaged ${damaged}: its object is missing`));
	assert.match(done.stdout, /^Damaged at the source, and named above: 1 image\./m);
	const second = await startServer({ data: dir, env: settings });
	try {
		assert.equal((await call(second, 'GET', `/images/${changed}`, { key: KEY })).json.fileName, `${n - 1}.png`);
		assert.equal((await call(second, 'DELETE', `/images/${changed}`, { key: KEY })).status, 204);
	} finally {
		await second.stop();
	}
	/* Two sources must not be mixed. */
	const mixed = await migrate(['--from', seen.from, '--to', seen.to]);
	assert.deepEqual([mixed.code, /The destination has images already/.test(mixed.stderr)], [2, true], mixed.stdout + mixed.stderr);
});

test('a migration that is cancelled lets the source go on, and is taken up again', { timeout: 300000 }, async () => {
	const again = await migrate(['--from', seen.to, '--cancel']);
	assert.deepEqual([again.code, /accepts slots and changes again/.test(again.stdout)], [0, true], again.stdout + again.stderr);
	await eventually(async () => (await call(away, 'POST', '/upload', { key: KEY, json: { fileName: 'a.png', fileType: 'image/png' } })).status === 200, { what: 'a slot' });
	/* The destination was complete. What the source has accepted since is not there, and it may have changes of its own. */
	const late = await migrate(['--from', seen.to, '--to', file('second.env')]);
	assert.deepEqual([late.code, /since `tintype migrate --cancel` the source accepts changes again/.test(late.stderr)], [2, true], late.stdout + late.stderr);
	/* That of the first one too, whose server runs still: it has what it had. */
	assert.equal((await migrate(['--from', seen.from, '--cancel'])).code, 0);
	const load = new Load(local), kept = await load.upload();
	assert.ok(await load.act(kept, 'rename'));
	assert.equal((await fetchUrl(`${local.admin}/readyz`)).text, 'ready\n');
});

test('a second run is refused, a run that was cancelled ends, and the log says so', { timeout: 300000 }, async () => {
	const other = { ...remote, BUCKET_NAME: 'others', TABLE_NAME: 'Others' }, to = writeEnv(file('others.env'), other);
	assert.equal((await cloud.request('PUT', '/others')).status, 200);
	assert.equal((await runProgram(['table', 'create'], { env: { ...cloud.env, TABLE_NAME: 'Others' } })).code, 0);
	/* What the source does not have would be removed. */
	const used = await startServer({ env: other });
	try {
		const key = await call(used, 'POST', '/keys', { key: KEY, json: { name: 'made before', scopes: ['read'] } });
		assert.equal(key.status, 201, key.text);
		const keys = await migrate(['--from', seen.from, '--to', to]);
		assert.deepEqual([keys.code, /The destination has API keys already/.test(keys.stderr)], [2, true], keys.stdout + keys.stderr);
		assert.equal((await call(used, 'DELETE', `/keys/${key.json.keyId}`, { key: KEY })).status, 204);
	} finally {
		await used.stop();
	}
	const logged = phase => eventually(() => local.events('migration.phase').at(-1)?.phase === phase, { what: `${phase} in the log` });
	let done, second, slow;
	/* A large image on a slow line takes longer than a server's own calls may. */
	cloud.before = one => one.service === 's3' && one.method === 'PUT' ? slow ??= new Promise(resolve => setTimeout(resolve, 11000)) : undefined;
	const run = await migrate(['--from', seen.from, '--to', to], { when: printed => {
		if (/refuses new slots/.test(printed) && !done) {
			done = (async () => {
				second = await migrate(['--from', seen.from, '--to', to]);
				await logged('draining');
				return migrate(['--from', seen.from, '--cancel']);
			})();
			cloud.before = () => done;   // the run does not go on before
		}
		return false;
	} });
	cloud.before = async () => {};
	assert.match((await done).stdout, /accepts slots and changes again/);
	assert.deepEqual([second.code, /Another tintype migrate from .* is running/.test(second.stderr)], [1, true], second.stdout + second.stderr);
	assert.deepEqual([run.code, /has changed the state of the source to "copying"/.test(run.stderr)], [1, true], run.stdout + run.stderr);
	await new Load(local).upload();
	await logged('copying');
	const cancelled = local.events('migration.phase').at(-1);
	assert.equal(cancelled.before, 'draining');
	assert.match(`${cancelled.migration} ${cancelled.since}`, /^[0-9a-f-]{36} \d{4}-\d\d-\d\dT[\d:.]{12}Z$/);
});
