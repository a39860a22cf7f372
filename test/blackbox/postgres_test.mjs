// `serve --store s3 --table postgres://...` on PostgreSQL and Ceph's gateway: roles, passwords and TLS, the complete cycle, several servers on
// one database, and what a server says while the database is away.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { startCloud } from '../cloud/cloud.mjs';
import { afterText, inventory, KEY as MIGRATION_KEY, Load, migrate, migrateWithKills, writeEnv } from './support/migration.mjs';
import { PASSWORD, startPostgres } from './support/postgres.mjs';
import { startReceiver, webhookEnv } from './support/receiver.mjs';
import { call, childEnv, corpus, eventually, fetchUrl, openSlot, putBytes, root, runProgram, startServer, tinyPng } from './support/server.mjs';

const picture = { fileName: 'no exif.jpg', fileType: 'image/jpeg' };
let cloud, postgres, dir, owner, app, server;

/** The environment of a server with this role, whose password is in a file. */
const as = (user, password, database = 'images') => {
	const file = path.join(dir, `${user}.password`);
	writeFileSync(file, `${password}\n`, { mode: 0o600 });
	return { ...cloud.env, TINTYPE_STORE: 's3', TINTYPE_TABLE: postgres.url(database, user), TINTYPE_TABLE_PASSWORD_FILE: file };
};
const serve = (args = [], env = {}) => startServer({ env: { ...app, ...env }, args });
const read = async (on, slot) => (await call(on, 'GET', `/images/${slot.imageId}`)).json;
const upload = async on => {
	const slot = await openSlot(on, picture);
	assert.equal((await putBytes(slot, corpus('good/photo.jpg'))).status, 200);
	assert.equal((await call(on, 'POST', `/images/${slot.imageId}/complete`)).json.status, 'uploaded');
	return slot;
};
/** The SQL of a document, which makes the roles and the database. */
const sqlOf = name => /```sql\n([\s\S]*?)```/.exec(readFileSync(path.join(root, name), 'utf8'))[1];

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'tintype-postgres-'));
	[cloud, postgres] = await Promise.all([startCloud(), startPostgres()]);
	const [roles, rights] = sqlOf('doc/postgres.md').split('\\connect tintype\n');
	for (const statement of roles.split(/;\n/).filter(one => one.trim()))
		await postgres.query('postgres', statement.replace("'OWNER PASSWORD'", "'owner secret'").replace("'SERVER PASSWORD'", "'server secret'"));
	// As PostgreSQL 14 creates it: later versions give the schema to the owner of the database.
	await postgres.query('tintype', 'ALTER SCHEMA public OWNER TO postgres; GRANT ALL ON SCHEMA public TO PUBLIC');
	await postgres.query('tintype', rights);
	owner = as('tintype_owner', 'owner secret', 'tintype');
	app = as('tintype', 'server secret', 'tintype');
});
after(async () => {
	await server?.stop();
	await cloud?.stop();
	await postgres?.stop();
	rmSync(dir, { recursive: true, force: true });
});

test('the role of the servers cannot make tables, the owner makes them, and again they are left as they are', async () => {
	const refused = await runProgram(['table', 'create'], { env: app });
	assert.deepEqual([refused.code, refused.stdout], [1, '']);
	assert.match(refused.stderr, /permission denied/);
	for (let twice = 0; twice < 2; twice++) {
		const made = await runProgram(['table', 'create'], { env: owner });
		assert.deepEqual([made.code, made.stdout, made.stderr], [0, `The tables in postgres://tintype_owner@localhost:${postgres.port}/tintype are ready.\n`, '']);
	}
});

test('without its tables, or with newer ones, a database is refused with what to do', async () => {
	await postgres.database('empty');
	const env = as('postgres', PASSWORD, 'empty'), run = await runProgram(['sweep'], { env });
	assert.equal(run.code, 1);
	assert.match(run.stderr, /run `tintype table create` first/);
	assert.equal((await runProgram(['table', 'create'], { env })).code, 0);
	await postgres.query('empty', 'UPDATE schema_version SET version = 1000');
	for (const command of [['sweep'], ['table', 'create']])
		assert.match((await runProgram(command, { env })).stderr, /made by a newer tintype/);
});

test('slot, PUT to S3, complete, list, get, download, delete', async () => {
	server = await serve(['--sweep-interval', '86400']);   /* it leaves the sweep to the servers of the tests below */
	assert.deepEqual([server.ready.bucket, server.ready.table], ['pictures', `postgres://tintype@localhost:${postgres.port}/tintype`]);
	assert.match(server.out, new RegExp(`bucket pictures on S3, table postgres://tintype@localhost:${postgres.port}/tintype on PostgreSQL`));
	assert.equal((await fetchUrl(`${server.admin}/readyz`)).status, 200);
	const slot = await openSlot(server, picture);
	assert.equal((await read(server, slot)).status, 'pending');
	assert.equal((await putBytes(slot, corpus('good/photo.jpg'))).status, 200);
	const done = await call(server, 'POST', `/images/${slot.imageId}/complete`);
	assert.deepEqual([done.status, done.json.status, done.json.fileSize], [200, 'uploaded', corpus('good/photo.jpg').length]);
	assert.equal((await call(server, 'GET', '/images')).json.images.find(one => one.imageId === slot.imageId).fileName, picture.fileName);
	const file = await call(server, 'GET', `/images/${slot.imageId}/file`);
	assert.deepEqual((await fetchUrl(file.headers.get('location'))).bytes, corpus('good/photo.jpg'));
	assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`, { headers: { 'X-Delete-Token': slot.deleteToken } })).status, 204);
	assert.equal((await call(server, 'GET', `/images/${slot.imageId}`)).status, 404);
	const direct = await call(server, 'POST', '/images', { body: corpus('good/photo.jpg') });
	assert.equal(direct.status, 201, direct.text);
	assert.equal((await call(server, 'DELETE', `/images/${direct.json.imageId}`)).status, 204);
});

test('a password is accepted from a file or the environment, refused on the command line, and shown nowhere', async () => {
	const url = `postgres://tintype:server%20secret@localhost:${postgres.port}/tintype?sslmode=verify-full&sslrootcert=${postgres.ca}`;
	for (const shown of [url, `postgres://tintype@localhost:${postgres.port}/tintype?pass%77ord=server%20secret`]) {
		const refused = await runProgram(['serve', '--table', shown], { env: cloud.env });
		assert.equal(refused.code, 2);
		assert.match(refused.stderr, /--table must not have a password, .*--table-password-file/);
		assert.doesNotMatch(refused.stderr, /server%20secret/);
	}
	const token = 'a token of the console that is long enough';
	for (const env of [{ TINTYPE_TABLE: url, TINTYPE_TABLE_PASSWORD_FILE: null }, { TINTYPE_TABLE_PASSWORD_FILE: null, PGPASSWORD: 'server secret' }]) {
		const own = await serve(['--log-level', 'debug'], { ...env, TINTYPE_ADMIN_TOKEN: token.replaceAll(' ', '-') });
		try {
			assert.equal((await fetchUrl(`${own.admin}/readyz`)).status, 200);
			const settings = await fetchUrl(`${own.admin}/console/settings`, { headers: { Authorization: `Bearer ${token.replaceAll(' ', '-')}` } });
			assert.equal(settings.json.settings.find(one => one.env === 'TINTYPE_TABLE').value, `postgres://tintype@localhost:${postgres.port}/tintype`);
			for (const text of [own.out, own.log.join('\n'), settings.text, readFileSync(`/proc/${own.pid}/cmdline`, 'utf8')])
				assert.doesNotMatch(text, /server(%20| )secret/);
		} finally {
			await own.stop();
		}
	}
	chmodSync(app.TINTYPE_TABLE_PASSWORD_FILE, 0o644);
	const open = await runProgram(['sweep'], { env: app });
	chmodSync(app.TINTYPE_TABLE_PASSWORD_FILE, 0o600);
	assert.deepEqual([open.code, /--table-password-file: .*chmod/.test(open.stderr)], [2, true], open.stderr);
	for (const password of ['zebra@gnu', 'zebra/gnu', 'zebra@gnu/gnu', 'zebra?gnu@gnu', 'zebra%gnu']) {
		const run = await runProgram(['sweep'], { env: { ...app, TINTYPE_TABLE_PASSWORD_FILE: null, TINTYPE_TABLE: `postgres://tintype:${password}@localhost/tintype` } });
		assert.deepEqual([run.code, /cannot be read: .*percent-encoded/.test(run.stderr), /zebra|gnu/.test(run.stderr)], [2, true, false], run.stderr);
	}
	const gone = await runProgram(['sweep'], { env: { ...app, TINTYPE_TABLE_PASSWORD_FILE: `${dir}/none` } });
	assert.match(gone.stderr, /--table-password-file: .*none cannot be read: No such file/);
});

test('a password that is changed is read again from its file when the server connects again', async () => {
	const own = await serve(), file = app.TINTYPE_TABLE_PASSWORD_FILE;
	const change = async password => {
		await postgres.query('tintype', `ALTER ROLE tintype PASSWORD '${password}'`);
		await postgres.query('tintype', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tintype'");
	};
	try {
		const slot = await openSlot(own, picture);
		await change('another secret');
		const waiting = call(own, 'GET', `/images/${slot.imageId}`);
		await own.waitForEvent(e => /password authentication failed/.test(e.cause ?? ''));
		writeFileSync(file, 'another secret\n');
		await waiting;
		await eventually(async () => (await call(own, 'GET', `/images/${slot.imageId}`)).status === 200, { what: 'the image' });
		await openSlot(own, picture);
	} finally {
		writeFileSync(file, 'server secret\n');
		await change('server secret');
		await own.stop();
	}
});

test('idle connections stay open, whatever idle_session_timeout the role has', async () => {
	await postgres.query('tintype', "ALTER ROLE tintype SET idle_session_timeout = '2s'");
	const own = await serve();
	try {
		assert.equal((await fetchUrl(`${own.admin}/readyz`)).status, 200);
		const idle = () => postgres.query('tintype', "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tintype' AND state = 'idle' AND clock_timestamp() - state_change > '3 s'");
		await eventually(async () => await idle() > 0);
	} finally {
		await own.stop();
		await postgres.query('tintype', 'ALTER ROLE tintype RESET idle_session_timeout');
	}
});

test('what cannot be is refused with what to do: the embedded store, a URL that is none, and a program without PostgreSQL', async () => {
	const ports = { TINTYPE_API: '127.0.0.1:0', TINTYPE_STORAGE: '127.0.0.1:0', TINTYPE_ADMIN: '127.0.0.1:0' };
	for (const command of ['serve', 'sweep']) {
		for (const [env, words] of [[{ TINTYPE_STORE: 'local' }, /go together: set both/], [{ TINTYPE_TABLE: 'postgres://tintype@localhost/tintype?sslmod=verify-full' }, /--table .*cannot be read/]]) {
			const run = await runProgram([command], { env: { ...app, ...ports, ...env } });
			assert.equal(run.code, 2, run.stderr);
			assert.match(run.stderr, words);
		}
		const run = spawnSync(process.env.TINTYPE_RELEASE, [command], { env: childEnv({ ...app, ...ports }), encoding: 'utf8' });
		assert.deepEqual([run.status, run.stdout], [2, '']);
		assert.match(run.stderr, /built without PostgreSQL.*make build POSTGRES=true/);
	}
});

test('libpq is loaded for a table in PostgreSQL only, and where it is missing or too old, the message says what to install', async () => {
	const mapped = ({ pid }) => readFileSync(`/proc/${pid}/maps`, 'utf8');
	const embedded = await startServer();
	const other = /\S+\/libexpat\.so\S*/.exec(mapped(embedded))[0];
	try {
		assert.doesNotMatch(mapped(embedded), /libpq|libgssapi|libldap/);
		assert.match(mapped(server), /libpq\.so\.5/);
	} finally {
		await embedded.stop();
	}
	const libraries = path.join(dir, 'libraries'), ports = { TINTYPE_API: '127.0.0.1:0', TINTYPE_STORAGE: '127.0.0.1:0', TINTYPE_ADMIN: '127.0.0.1:0' };
	mkdirSync(libraries);
	for (const [bytes, cause] of [['not a library', /libpq\.so\.5: (file too short|invalid ELF header)/], [readFileSync(other), /undefined symbol: PQ/]]) {
		writeFileSync(path.join(libraries, 'libpq.so.5'), bytes);
		for (const [command, code] of [['serve', 2], ['sweep', 2], ['doctor', 1]]) {
			const run = await runProgram([command], { env: { ...app, ...ports, LD_LIBRARY_PATH: libraries } });
			assert.equal(run.code, code, run.stderr);
			assert.match(run.stdout + run.stderr, /libpq\.so\.5, of version 14 or later: install the Debian package libpq5/);
			assert.match(run.stdout + run.stderr, cause);
		}
	}
});

test('without a verified certificate, or with a wrong password, nothing is sent, and readiness and the doctor say why', async () => {
	const other = path.join(dir, 'other.pem');
	writeFileSync(other, readFileSync(path.join(root, 'src/aws/roots.pem')));
	writeFileSync(path.join(dir, 'wrong'), 'not the secret\n', { mode: 0o600 });
	const base = `postgres://tintype@localhost:${postgres.port}/tintype`;
	for (const [env, words] of [
		[{ TINTYPE_TABLE: `${base}?sslmode=verify-full&sslrootcert=${other}` }, /certificate verify failed/],
		[{ TINTYPE_TABLE: `${base.replace('localhost', '127.0.0.1')}?sslmode=verify-full&sslrootcert=${postgres.ca}` }, /does not match host name/],
		[{ TINTYPE_TABLE_PASSWORD_FILE: path.join(dir, 'wrong') }, /password authentication failed/],
	]) {
		const own = await serve([], env);
		try {
			const ready = await fetchUrl(`${own.admin}/readyz`);
			assert.equal(ready.status, 503);
			const refused = await call(own, 'POST', '/upload', { json: picture });
			assert.equal(refused.status, 503, refused.text);
			assert.ok(refused.headers.get('retry-after'));
			await own.waitForEvent(e => words.test(e.cause ?? ''));
		} finally {
			await own.stop();
		}
		const found = await runProgram(['doctor'], { env: { ...app, ...env } });
		assert.equal(found.code, 1);
		assert.match(found.stdout, words);
	}
	// The certificate of another machine is verified unless sslmode says otherwise, no matter where the machine is named.
	const elsewhere = `postgres://tintype@db.example:${postgres.port}/tintype?hostaddr=127.0.0.1`;
	const nameless = `postgres://tintype@:${postgres.port}/tintype`, services = path.join(dir, 'services');
	writeFileSync(services, '[far]\nhost=db.example\nhostaddr=127.0.0.1\n[near]\nhost=localhost\n[lax]\nhost=db.example\nhostaddr=127.0.0.1\nsslmode=require\n');
	for (const env of [
		{ TINTYPE_TABLE: elsewhere },
		{ TINTYPE_TABLE: nameless, PGHOST: 'db.example', PGHOSTADDR: '127.0.0.1' },
		{ TINTYPE_TABLE: `${nameless}?service=far`, PGSERVICEFILE: services },
		{ TINTYPE_TABLE: nameless, PGSERVICE: 'far', PGSERVICEFILE: services },
	]) {
		const unsaid = await runProgram(['recount'], { env: { ...app, HOME: dir, ...env } });
		assert.deepEqual([unsaid.code, /root certificate file .* does not exist/.test(unsaid.stderr)], [1, true], JSON.stringify(env) + unsaid.stderr);
	}
	for (const service of ['near', 'lax']) {
		const run = await runProgram(['recount'], { env: { ...app, HOME: dir, TINTYPE_TABLE: `${nameless}?service=${service}`, PGSERVICEFILE: services } });
		assert.equal(run.code, 0, run.stderr);
	}
	const said = await runProgram(['recount'], { env: { ...app, TINTYPE_TABLE: `${elsewhere}&sslmode=require`, HOME: dir } });
	assert.equal(said.code, 0, said.stderr);
});

test('the doctor finds no fault, or the rights that the role does not have, or too many', async () => {
	const doctor = async env => (await runProgram(['doctor', '--json'], { env })).stdout.trim().split('\n').map(line => JSON.parse(line)).filter(line => line.check === 'store' && !/bucket/.test(line.text));
	const [good, ...none] = await doctor(app);
	assert.deepEqual([good.state, none], ['ok', []]);
	assert.match(good.text, /can be reached \(PostgreSQL \d+\.\d+, by TLS\), and has the tables of this version/);
	await postgres.query('tintype', 'REVOKE DELETE ON images FROM tintype; REVOKE INSERT ON outbox FROM tintype');
	const [poor] = await doctor(app);
	assert.deepEqual([poor.state, /rights are missing: images DELETE, outbox INSERT\./.test(poor.text)], ['failed', true], poor.text);
	await postgres.query('tintype', 'GRANT DELETE ON images TO tintype; GRANT INSERT ON outbox TO tintype; REVOKE UPDATE ON SEQUENCE outbox_n_seq FROM tintype');
	assert.match((await doctor(app))[0].text, /rights are missing: outbox_n_seq UPDATE\./);
	await postgres.query('tintype', 'GRANT UPDATE ON SEQUENCE outbox_n_seq TO tintype');
	for (const [env, words] of [[as('postgres', PASSWORD, 'tintype'), /is a superuser/], [owner, /owns the tables/]]) {
		const [usable, proud, ...rest] = await doctor(env);
		assert.deepEqual([usable.state, proud.state, words.test(proud.text), rest], ['ok', 'warning', true, []], proud.text);
	}
	// The database's clock is put forward for this role by a function that it finds first.
	await postgres.query('tintype', `CREATE SCHEMA ahead; GRANT USAGE ON SCHEMA ahead TO tintype;
		CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$SELECT pg_catalog.clock_timestamp() + interval '90 s'$$;
		ALTER ROLE tintype SET search_path = ahead, public, pg_catalog`);
	const [ahead] = await doctor(app);
	await postgres.query('tintype', 'ALTER ROLE tintype RESET search_path; DROP SCHEMA ahead CASCADE');
	assert.deepEqual([ahead.state, /differs from this machine's by \d+ seconds/.test(ahead.text)], ['failed', true], ahead.text);
});

test('tables that the role does not find are named with their schema and what hides them', async () => {
	const refusal = async () => (await runProgram(['sweep'], { env: app })).stderr;
	await postgres.query('tintype', 'REVOKE USAGE ON SCHEMA public FROM tintype');
	assert.match(await refusal(), /tables are in the schema public, on which the role has no right USAGE/);
	await postgres.query('tintype', 'GRANT USAGE ON SCHEMA public TO tintype; ALTER ROLE tintype SET search_path = elsewhere');
	assert.match(await refusal(), /tables are in the schema public, which is not in the role's search_path \(elsewhere\)/);
	await postgres.query('tintype', 'ALTER ROLE tintype RESET search_path');
	assert.equal(await refusal(), '');
});

test('a host that accepts no writes is not used, whatever the URL says', async () => {
	const env = { ...app, TINTYPE_TABLE: `${app.TINTYPE_TABLE}&target_session_attrs=any` };
	await postgres.query('tintype', 'ALTER ROLE tintype SET default_transaction_read_only = on');
	const run = await runProgram(['sweep'], { env });
	await postgres.query('tintype', 'ALTER ROLE tintype RESET default_transaction_read_only');
	assert.deepEqual([run.code, /session is read-only/.test(run.stderr)], [1, true], run.stderr);
	assert.equal((await runProgram(['sweep'], { env })).code, 0);
});

test('the commands that work on what is stored do so on a database', async () => {
	const { imageId } = await upload(server);
	await postgres.query('tintype', `UPDATE images SET etag = repeat('0', 32) WHERE id = '${imageId}'`);
	const found = await runProgram(['fsck'], { env: app });
	assert.equal(found.code, 1, found.stdout + found.stderr);
	assert.match(found.stdout, new RegExp(`${imageId}[^]*found 1, repaired 0`));
	assert.equal((await call(server, 'DELETE', `/images/${imageId}`)).status, 204);
	for (const [command, words] of [['fsck', /found 0, repaired 0\n$/], ['reverify', /corrupt 0/], ['sweep', /orphans 0/], ['recount', /repaired 0/]]) {
		const run = await runProgram([command], { env: app });
		assert.deepEqual([run.code, words.test(run.stdout)], [0, true], run.stdout + run.stderr);
	}
});

test('servers of one database have images, API keys, users and quotas in common', async () => {
	const KEY = 'k3y-of-the-administrator-1234567890', env = { TINTYPE_API_KEY: KEY, TINTYPE_QUOTA_IMAGES: '2' };
	const one = await serve([], env), two = await serve([], env);
	try {
		const slot = await openSlot(one, { ...picture, onBehalfOf: 'eve' }, { key: KEY });
		assert.equal((await putBytes(slot, corpus('good/photo.jpg'))).status, 200);
		assert.equal((await call(two, 'POST', `/images/${slot.imageId}/complete`, { key: KEY })).json.status, 'uploaded');
		await openSlot(two, { ...picture, onBehalfOf: 'eve' }, { key: KEY });
		for (const on of [one, two]) {
			const full = await call(on, 'POST', '/upload', { key: KEY, json: { ...picture, onBehalfOf: 'eve' } });
			assert.deepEqual([full.status, full.json.code], [403, 'quota_full'], full.text);
		}
		const added = await runProgram(['apikeys', 'add', 'reader', '--scope', 'read'], { env: { TINTYPE_ENDPOINT: one.api, TINTYPE_API_KEY: KEY } });
		assert.equal(added.code, 0, added.stderr);
		const list = await call(two, 'GET', '/images?onBehalfOf=eve', { key: KEY });
		assert.deepEqual(list.json.images.map(image => image.imageId), [slot.imageId]);
		assert.equal((await call(two, 'GET', '/images', { key: added.stdout.trim() })).status, 200);
		await postgres.query('tintype', 'UPDATE users SET bytes = bytes + 1000, images = images + 1');
		const counted = await runProgram(['recount'], { env: app });
		assert.match(counted.stdout, /users \d+, repaired \d+/, counted.stderr);
		assert.equal(await postgres.query('tintype', "SELECT bytes, images, pending FROM users WHERE subject = 'eve'"), `${corpus('good/photo.jpg').length}|1|1`);
	} finally {
		await one.stop();
		await two.stop();
	}
});

test('one server of three at a time sweeps: the first to ask, another when it has ended, and the last when that one was killed', async () => {
	const holder = () => postgres.query('tintype', "SELECT holder FROM leases WHERE until_ms > extract(epoch FROM clock_timestamp()) * 1000");
	await eventually(async () => await holder() === '', { what: 'no server sweeps' });
	const start = () => serve(['--sweep-interval', '2', '--url-ttl', '1', '--pending-ttl', '1']), one = await start();
	const first = await eventually(holder, { what: 'the first has it' }), others = await Promise.all([start(), start()]), servers = [one, ...others];
	const slotEnds = async (from, at) => {
		const { imageId } = await openSlot(from, picture);
		await eventually(async () => (await call(at, 'GET', `/images/${imageId}`)).status === 404, { what: 'the end of the slot' });
	};
	const next = async than => eventually(async () => { const now = await holder(); return now !== '' && now !== than && now; }, { what: 'another holder' });
	const sweeping = among => eventually(() => among.find(server => server.events('sweep').length > 0), { what: 'a sweep' });
	try {
		await Promise.all(servers.map(from => slotEnds(from, others[0])));
		assert.equal(await sweeping(servers), one);
		assert.deepEqual([await holder(), ...others.map(server => server.events('sweep'))], [first, [], []]);
		assert.deepEqual(await one.stop(), { code: 0, signal: null });
		await slotEnds(others[0], others[1]);
		const second = await next(first), killed = await sweeping(others), [last] = others.filter(server => server !== killed);
		assert.deepEqual(last.events('sweep'), []);
		await killed.kill();
		await slotEnds(last, last);
		assert.notEqual(await next(second), first);
		assert.equal(await sweeping([last]), last);
	} finally {
		await Promise.all(servers.map(server => server.stop()));
	}
});

test('while the database is away requests are refused with the time to try again, and served once it is back', async () => {
	const slot = await upload(server);
	await postgres.kill();
	const refused = await call(server, 'GET', `/images/${slot.imageId}`);
	assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '2'], refused.text);
	assert.equal((await fetchUrl(`${server.admin}/readyz`)).status, 503);
	await postgres.start();
	await eventually(async () => (await call(server, 'GET', `/images/${slot.imageId}`)).status === 200, { what: 'the image' });
	await upload(server);
	assert.equal((await fetchUrl(`${server.admin}/readyz`)).status, 200);
});

const MIGRATION = { TINTYPE_API_KEY: MIGRATION_KEY, TINTYPE_URL_TTL: '3', TINTYPE_VERIFY: 'header' };
const KILLS = [['new slots are refused', afterText(/refuses new slots/)], ['the source is closed', afterText(/^source closed/m)]];
/** The settings of a bucket of this name, and of a database with tables. */
const remoteNamed = async name => {
	await postgres.database(name);
	await cloud.request('PUT', `/${name}`);
	const env = { ...MIGRATION, ...as('postgres', PASSWORD, name), BUCKET_NAME: name };
	assert.equal((await runProgram(['table', 'create'], { env })).code, 0);
	return env;
};
const envFile = (name, env) => writeEnv(path.join(dir, `${name}.env`), env);
/** Move all images with clients at work and kills, and return what an administrator sees of the source then. */
const move = async (source, from, to) => {
	const load = new Load(source), ids = [];
	for (let i = 0; i < 9; i++)
		ids.push(await load.upload());
	await load.act(ids[0], 'delete');
	await load.act(ids[1], 'rename');
	await Promise.all([load.run(), load.run(), migrateWithKills(from, to, KILLS)]);
	assert.ok(load.refused > 0, 'clients were refused at the end');
	const closed = await call(source, 'POST', '/upload', { key: MIGRATION_KEY, json: picture });
	assert.deepEqual([closed.status, closed.json.code], [503, 'read_only'], closed.text);
	assert.match((await fetchUrl(`${source.admin}/readyz`)).text, /read only, migration closed/);
	const owners = (await call(source, 'GET', '/users', { key: MIGRATION_KEY })).json.users.map(user => user.owner);
	assert.equal(owners.length, 2);
	return { load, owners, all: await inventory(source, owners) };
};
const assertMoved = async (moved, to) => {
	await moved.load.check(to);
	assert.deepEqual(await inventory(to, moved.owners), moved.all);
};

test('a data directory is moved to a database and S3, and back to another data directory, with clients at work and kills', async () => {
	const envs = { here: { ...MIGRATION, TINTYPE_DATA: path.join(dir, 'here/data') }, there: await remoteNamed('moved'), back: { ...MIGRATION, TINTYPE_DATA: path.join(dir, 'back/data') } };
	const file = name => envFile(name, envs[name]);
	mkdirSync(path.join(dir, 'here'));
	mkdirSync(path.join(dir, 'back'));
	const here = await startServer({ data: path.join(dir, 'here'), env: MIGRATION });
	let there, back;
	try {
		const { stdout } = await runProgram(['migrate', '--from', file('here'), '--delivery-keys'], {});
		envs.there.TINTYPE_DELIVERY_KEYS = envs.back.TINTYPE_DELIVERY_KEYS = stdout.trim().split('=')[1];
		const went = await move(here, file('here'), file('there'));
		there = await startServer({ env: envs.there });
		await assertMoved(went, there);
		const came = await move(there, file('there'), file('back'));
		back = await startServer({ data: path.join(dir, 'back'), env: { ...MIGRATION, TINTYPE_DELIVERY_KEYS: envs.back.TINTYPE_DELIVERY_KEYS } });
		await assertMoved(came, back);
	} finally {
		for (const one of [here, there, back])
			await one?.stop();
	}
});

// Each image is one request that is sent again, elsewhere and under the same key, until it has an answer; so is each deletion.
test('three servers under load, each killed in turn: every image is there once, every quota is right, every webhook is sent', { timeout: 600000 }, async () => {
	const KEY = 'k3y-of-the-administrator-1234567890', owners = ['ann', 'ben', 'cid', 'dan'], bytes = tinyPng;
	const receiver = await startReceiver(), env = webhookEnv(receiver, { TINTYPE_API_KEY: KEY, TINTYPE_QUOTA_IMAGES: '1000000' });
	const start = () => serve(['--sweep-interval', '1', '--verify', 'header'], env);
	const servers = await Promise.all([start(), start(), start()]), kept = new Map(), deleted = new Set();
	let ended = false, turn = 0;
	const persist = async (method, target, options, good) => {
		for (;;) {
			const answer = await call(servers[turn++ % servers.length], method, target, { key: KEY, ...options }).catch(() => undefined);
			if (good.includes(answer?.status))
				return answer;
			assert.ok([undefined, 409, 500, 502, 503].includes(answer?.status), answer?.text);
		}
	};
	const work = async n => {
		for (let i = 0; !ended; i++) {
			const owner = owners[(n + i) % owners.length], name = `${n}-${i}`;
			const { json } = await persist('POST', `/images?onBehalfOf=${owner}&fileName=${name}.png`, { body: bytes, headers: { 'Idempotency-Key': name } }, [200, 201]);
			if (i % 3 > 0)
				kept.set(json.imageId, owner);
			else if (await persist('DELETE', `/images/${json.imageId}`, {}, [204, 404]))
				deleted.add(json.imageId);
		}
	};
	try {
		const load = Array.from({ length: 8 }, (_, n) => work(n));
		for (let i = 0; i < servers.length; i++) {
			const reached = kept.size + 20;
			await Promise.race([eventually(() => kept.size >= reached, { what: 'images' }), ...load]);
			await servers[i].kill();
			servers[i] = await start();
		}
		ended = true;
		await Promise.all(load);
		for (const owner of owners) {
			const mine = [...kept].filter(([, whose]) => whose === owner).map(([id]) => id).sort(), listed = [];
			for (let cursor = ''; cursor !== undefined;) {
				const { json } = await call(servers[0], 'GET', `/images?limit=100&onBehalfOf=${owner}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, { key: KEY });
				listed.push(...json.images.map(image => image.imageId));
				cursor = json.nextCursor ?? undefined;
			}
			assert.deepEqual(listed.sort(), mine, owner);
			const { usage } = (await call(servers[1], 'GET', `/me?onBehalfOf=${owner}`, { key: KEY })).json;
			assert.deepEqual([usage.images, usage.bytes], [mine.length, mine.length * bytes.length], owner);
		}
		for (const id of kept.keys())
			assert.ok((await fetchUrl((await call(servers[2], 'GET', `/images/${id}`, { key: KEY })).json.downloadUrl)).bytes.equals(bytes));
		const counted = await runProgram(['recount'], { env: app });
		assert.match(counted.stdout, /repaired 0\n/, counted.stdout + counted.stderr);

		// What a killed server was sending is sent by another once its time is over.
		await eventually(async () => {
			await postgres.query('tintype', `UPDATE outbox SET due_ms = 1 WHERE state = 0 AND due_ms > ${Date.now() + 60000}`);
			await persist('POST', '/images?onBehalfOf=wake', { body: bytes }, [201]);
			return await postgres.query('tintype', 'SELECT count(*) FROM outbox') === '0';
		}, { timeoutMs: 300000, everyMs: 500, what: 'all webhooks' });
		const sent = receiver.events(), of = (type, ids) => sent.filter(event => event.type === type && ids.has(event.data.imageId)).map(event => event.data.imageId);
		assert.deepEqual(receiver.faults, []);
		assert.deepEqual(of('image.uploaded', kept).sort(), [...kept.keys()].sort(), 'each one event');
		assert.deepEqual(of('image.deleted', deleted).sort(), [...deleted].sort());
		assert.deepEqual(of('image.deleted', kept), []);
	} finally {
		ended = true;
		await Promise.all(servers.map(one => one.stop()));
		await receiver.stop();
	}
});
