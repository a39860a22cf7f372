// Startup and shutdown: what the first start creates, what it prints, what it refuses and with which
// message, and that SIGTERM finishes the requests in flight.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { after, test } from 'node:test';

import { freePort } from './support/port.mjs';
import { call, childEnv, corpus, credentials, eventually, fetchUrl, openSlot, parseAnswer, program, putBytes, rawSocket, runProgram, startServer, tinyPng, uploadImage } from './support/server.mjs';

const work = mkdtempSync(path.join(tmpdir(), 'tintype-start-'));
after(() => rmSync(work, { recursive: true, force: true }));

/** A server that is stopped with its test, whatever the result. */
async function start(t, options) {
	const server = await startServer(options);
	t.after(() => server.stop());
	return server;
}

const mode = file => (statSync(file).mode & 0o777).toString(8);
const anyPorts = ['--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
const fresh = name => path.join(mkdtempSync(path.join(work, `${name}-`)), 'data');

/** A start that must be refused: one clear sentence that matches, no line of a stack. */
async function refused(args, sentence, { env, code = 1 } = {}) {
	const run = await runProgram(['serve', ...args], { env });
	assert.notEqual(run.code, 0, 'it must not start');
	assert.match(run.stderr, sentence);
	assert.equal(run.code, code, run.stderr);
	const text = run.stderr.trim().split('\n').filter(line => !line.startsWith('{'));
	assert.equal(text.length, 1, `one sentence, not:\n${run.stderr}`);
}

test('the first start creates the directory and two keys, and logs its addresses in one JSON line', async t => {
	const dir = mkdtempSync(path.join(work, 'first-'));
	const server = await start(t, { data: dir });
	for (const url of [server.ready.api, server.ready.storage, server.ready.admin])
		assert.match(url, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
	assert.equal(mode(server.data), '700');
	assert.equal(mode(path.join(server.data, 'credentials')), '600');
	assert.match(readFileSync(path.join(server.data, 'credentials'), 'utf8').replace(/^\s*#.*\n/gm, ''), /^\s*\[tintype\]/, 'the owner is first');
	const keys = credentials(server);
	assert.ok(keys.tintype.id && keys.tintype.secret && keys.slots.id && keys.slots.secret);
	assert.notEqual(keys.tintype.id, keys.slots.id);
	assert.match(server.out, /upload/, 'an example to copy');
	const { code } = await server.stop();
	assert.equal(code, 0);
	const again = await start(t, { data: dir });
	assert.deepEqual(credentials(again), keys, 'the keys stay');
	await again.stop();
});

test('settings in ./.env are used, flags win over them, and the command line uses the server that they name', async t => {
	const dir = mkdtempSync(path.join(work, 'env-'));
	writeFileSync(path.join(dir, '.env'), `# mine\nTINTYPE_API=127.0.0.1:0\nTINTYPE_STORAGE=127.0.0.1:0\nTINTYPE_ADMIN=127.0.0.1:0\nTINTYPE_DATA=./pictures\nTINTYPE_MAX_SIZE="1"\n`, { mode: 0o600 });
	const child = spawn(program(), ['serve', '--max-size', '12345'], { cwd: dir, env: childEnv({ TINTYPE_ENV_FILE: undefined }), stdio: ['ignore', 'pipe', 'pipe'] });
	t.after(() => child.kill('SIGKILL'));
	const lines = readline.createInterface({ input: child.stderr });
	for await (const line of lines)
		if (line.includes('"server.ready"')) {
			const { api } = JSON.parse(line);
			assert.equal((await (await fetch(`${api}/prod/limits`)).json()).maxFileSize, 12345);
			assert.ok(existsSync(path.join(dir, 'pictures')));
			writeFileSync(path.join(dir, '.env'), `TINTYPE_API=${new URL(api).host}\n`, { mode: 0o600 });
			const list = await runProgram(['list', '--json'], { cwd: dir, env: { TINTYPE_ENV_FILE: undefined, TINTYPE_ENDPOINT: undefined } });
			assert.deepEqual([list.code, list.stderr], [0, '']);
			break;
		}
	child.kill('SIGTERM');
	const [code] = await once(child, 'exit');
	assert.equal(code, 0);
});

test('an .env that has a mistake, or that others may write, stops the start with its name and line', async () => {
	const dir = mkdtempSync(path.join(work, 'env-'));
	const run = async (text, mode) => {
		writeFileSync(path.join(dir, '.env'), text);
		chmodSync(path.join(dir, '.env'), mode);
		return runProgram(['serve', '--data', path.join(dir, 'data'), ...anyPorts], { cwd: dir, env: { TINTYPE_ENV_FILE: undefined } });
	};
	const mistake = await run('TINTYPE_MAX_SIZE=1\nTINTYPE_APY=x\n', 0o600);
	assert.deepEqual([mistake.code, mistake.stderr], [2, 'tintype: .env: line 2: TINTYPE_APY is not a setting; see tintype settings\n']);
	const open = await run('TINTYPE_MAX_SIZE=1\n', 0o666);
	assert.equal(open.code, 2);
	assert.match(open.stderr, /^tintype: \.env: The file can be written by others; run chmod go-w on it/);
	assert.ok(!existsSync(path.join(dir, 'data')));
	rmSync(path.join(dir, '.env'));
	symlinkSync('nowhere', path.join(dir, '.env'));
	const link = await runProgram(['serve', ...anyPorts], { cwd: dir, env: { TINTYPE_ENV_FILE: undefined } });
	assert.deepEqual([link.code, link.stderr], [2, 'tintype: .env: it cannot be opened: No such file or directory\n']);
});

test('an .env with an API key that others can read is used, with a warning', async () => {
	const dir = mkdtempSync(path.join(work, 'env-'));
	writeFileSync(path.join(dir, '.env'), 'TINTYPE_API_KEY=0123456789abcdef\n');
	for (const [mode, warning] of [[0o644, 'tintype: warning: .env has TINTYPE_API_KEY: The file can be read by others; run chmod 600 on it, or set TINTYPE_ENV_FILE= to read none.\n'], [0o600, '']]) {
		chmodSync(path.join(dir, '.env'), mode);
		const run = await runProgram(['compact', '--data', 'none'], { cwd: dir, env: { TINTYPE_ENV_FILE: undefined, TINTYPE_API_KEY: undefined } });
		assert.deepEqual([run.code, run.stderr], [2, `${warning}tintype compact: There is no database in none; name the data directory with --data.\n`]);
	}
});

test('a server that others can reach warns when its upload URLs work on this machine only', async t => {
	const server = await start(t, { env: { TINTYPE_API_KEY: 'a key of sixteen characters' }, args: ['--api', '0.0.0.0:0'] });
	await eventually(() => /Warning: upload URLs begin with http:\/\/127\.0\.0\.1:\d+, which only this machine can reach/.test(server.out));
	assert.match(server.out, /--public-storage-url/);
	const told = await start(t, { env: { TINTYPE_API_KEY: 'a key of sixteen characters' }, args: ['--api', '0.0.0.0:0', '--public-storage-url', 'http://pictures.example'] });
	await eventually(() => told.out.includes('Stop with'));
	assert.doesNotMatch(told.out, /Warning/);
});

test('compact names a directory without a database, and creates nothing', async () => {
	const dir = path.join(work, 'nothing');
	const run = await runProgram(['compact', '--data', dir]);
	assert.deepEqual([run.code, run.stderr], [2, `tintype compact: There is no database in ${dir}; name the data directory with --data.\n`]);
	assert.ok(!existsSync(dir));
});

test('a second server on the same directory exits with an error message', async t => {
	const server = await start(t);
	await refused(['--data', server.data, ...anyPorts], /uses .*data|data directory/i);
	await uploadImage(server);
	await server.stop();
});

test('a port in use is named', async t => {
	const taken = net.createServer().listen(0, '127.0.0.1');
	t.after(() => taken.close());
	await new Promise(f => taken.once('listening', f));
	const address = `127.0.0.1:${taken.address().port}`;
	await refused(['--data', fresh('port'), ...anyPorts, '--api', address], new RegExp(`${address} is taken.*--api .*TINTYPE_API=`));
});

test('a data directory that cannot be created or read is named', async () => {
	const file = path.join(work, 'a-file');
	writeFileSync(file, 'not a directory');
	await refused(['--data', file, ...anyPorts], /a-file/);
	await refused(['--data', path.join(file, 'below'), ...anyPorts], /a-file/);
});

test('malformed credentials stop the start', async () => {
	const data = fresh('keys');
	mkdirSync(data, { recursive: true, mode: 0o700 });
	writeFileSync(path.join(data, 'credentials'), 'aws_access_key_id without a section\n', { mode: 0o600 });
	await refused(['--data', data, ...anyPorts], /credentials/);
});

test('bound to a wildcard address without a public storage URL it refuses to start with an error message', async t => {
	await refused(['--data', fresh('wild'), ...anyPorts, '--storage', '0.0.0.0:0'], /public-storage-url/, { code: 2 });
	const server = await start(t, { args: ['--storage', '0.0.0.0:0', '--public-storage-url', 'http://pictures.example.com:9000'] });
	const slot = await openSlot(server);
	assert.match(slot.uploadUrl, /^http:\/\/pictures\.example\.com:9000\//);
	await server.stop();
});

test('off loopback the API requires a key or --open', async t => {
	await refused(['--data', fresh('key'), ...anyPorts, '--api', '0.0.0.0:0'], /TINTYPE_API_KEY/, { code: 2 });
	const server = await start(t, { args: ['--api', '0.0.0.0:0', '--open'] });
	assert.equal((await call({ api: server.api.replace('0.0.0.0', '127.0.0.1') }, 'GET', '/images')).status, 200);
	await server.stop();
});

for (const [flags, sentence] of [
	[['--nonsense'], /--nonsense/],
	[['--max-size', 'big'], /max-size/],
	[['--max-size', '0'], /max-size/],
	[['--access', 'maybe'], /access/],
	[['--public-storage-url', 'ftp://x'], /public-storage-url/],
	[['--api', 'no-port'], /no-port|HOST:PORT/],
	[['--data'], /data/],
	[['--bucket', 'A_B/..'], /--bucket \(BUCKET_NAME\) must be .*"A_B\/\.\."/],
	[['--bucket', ''], /--bucket/],
	[['--bucket', 'a?b'], /--bucket/],
	[['--region', 'a/b'], /--region \(REGION\) must be/],
	[['--allowed-types', 'image/png,'], /--allowed-types \(TINTYPE_ALLOWED_TYPES\) must be/],
	[['--allowed-types', 'nonsense'], /--allowed-types/],
	[['--allowed-types', 'image/png,image/tiff'], /--allowed-types names image\/tiff, which cannot be verified here.*--unverified-types \(TINTYPE_UNVERIFIED_TYPES\)/],
	[['--unverified-types', 'image/tiff'], /--unverified-types .* names image\/tiff, which --allowed-types does not/],
	[['--unverified-types', 'image/png'], /--unverified-types .* names image\/png, which is always verified/],
	[['--unverified-types', 'image'], /--unverified-types \(TINTYPE_UNVERIFIED_TYPES\) must be/],
	[['--cors-origins', 'foo bar'], /--cors-origins \(TINTYPE_CORS_ORIGINS\) must be/],
	[['--hosts', 'foo bar'], /--hosts \(TINTYPE_HOSTS\) must be/],
	[['--hosts', 'a/b'], /--hosts/],
	[['--public-storage-url', 'http://'], /--public-storage-url/],
])
	test(`${flags.join(' ')} is refused with an error message, and nothing is written`, async () => {
		const data = fresh('setting');
		await refused([...anyPorts, '--data', data, ...flags], sentence, { code: 2 });
		assert.ok(!existsSync(data));
	});

test('a short API key is refused', () => refused([...anyPorts, '--data', fresh('short')], /16|characters/, { env: { TINTYPE_API_KEY: 'short' }, code: 2 }));

test('URLs use the public storage URL, never the Host header', async t => {
	const server = await start(t, { args: ['--hosts', 'other.example'] });
	const { port } = new URL(server.api);
	const raw = await rawSocket(server.api);
	const body = '{"fileName":"a.png","fileType":"image/png"}';
	await raw.send(`POST /prod/upload HTTP/1.1\r\nHost: other.example:${port}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
	const answer = parseAnswer(await raw.until(text => parseAnswer(text)?.whole));
	assert.equal(answer.status, 200);
	assert.ok(JSON.parse(answer.body).uploadUrl.startsWith(`${server.storage}/`));
	await raw.end();
	await server.stop();
});

test('SIGTERM finishes the upload in flight, refuses new ones, and exits with 0', async t => {
	const dir = mkdtempSync(path.join(work, 'term-'));
	const server = await start(t, { data: dir });
	const jpeg = corpus('good/photo.jpg');
	const slot = await openSlot(server, { fileName: 'a.jpg', fileType: 'image/jpeg' });
	const url = new URL(slot.uploadUrl);
	const raw = await rawSocket(server.storage);
	await raw.send(`PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\nExpect: 100-continue\r\n\r\n`);
	await raw.until(text => text.includes('100 Continue'));
	await raw.send(jpeg.subarray(0, 1000));
	server.child.kill('SIGTERM');
	await server.waitForEvent('server.stopping');
	await raw.send(jpeg.subarray(1000));
	const answer = parseAnswer(await raw.until(text => parseAnswer(text)?.whole));
	assert.equal(answer.status, 200);
	await raw.end();
	assert.deepEqual(await server.exited, { code: 0, signal: null });
	const again = await start(t, { data: dir });
	assert.equal((await call(again, 'GET', `/images/${slot.imageId}`)).json.status, 'uploaded');
	await again.stop();
});

test('a directory that others may read is used, with private files in it; one they may write to is refused', async t => {
	const dir = mkdtempSync(path.join(work, 'open-'));
	const data = path.join(dir, 'data');
	mkdirSync(data);
	chmodSync(data, 0o755);
	const server = await start(t, { data: dir });
	await uploadImage(server);
	for (const name of readdirSync(data))
		assert.match(mode(path.join(data, name)), /^[67]00$/, name);
	await server.stop();
	chmodSync(data, 0o777);
	await refused(['--data', data, ...anyPorts], /The data directory .* can be written by others; run chmod/);
	chmodSync(data, 0o755);
	chmodSync(path.join(data, 'logs'), 0o777);
	await refused(['--data', data, ...anyPorts], /The log directory .*logs can be written by others; run chmod/);
});

test('help, version and wrong verbs', async () => {
	const help = await runProgram(['serve', '--help']);
	assert.equal(help.code, 0);
	assert.match(help.stdout, /--public-storage-url/);
	assert.match((await runProgram(['version'])).stdout, /^tintype \d/);
	assert.match(help.stdout, /^usage: tintype serve /);
	const bare = await runProgram([]);
	assert.equal(bare.code, 2);
	assert.match(bare.stderr, /usage: tintype COMMAND/);
	assert.equal(bare.stdout, '');
	assert.equal((await runProgram(['help'])).code, 0);
	const wrong = await runProgram(['serv']);
	assert.equal(wrong.code, 2);
	assert.equal(wrong.stderr, "tintype: unknown command 'serv'; tintype help lists the commands\n");
	assert.deepEqual(await runProgram(['help', 'serv']), wrong);
	for (const args of [['help', 'upload', 'x'], ['help', '--man', 'x'], ['--help', 'list', 'x'], ['version', 'x'], ['--version', 'x'], ['settings', '--env', 'x']])
		assert.deepEqual(await runProgram(args), { ...wrong, stderr: `tintype ${args[0]}: unexpected argument "x"; see --help\n` });
	const commands = [...(await runProgram(['help'])).stdout.matchAll(/^ {2}([a-z]+)/gm)].map(m => m[1]);
	assert.ok(commands.length > 15);
	for (const command of commands) {
		const { code, stdout } = await runProgram([command, '--help']);
		assert.deepEqual([code, /^usage: tintype ([a-z]+).*\n\n[A-Z].*\n/.exec(stdout)?.[1]], [0, command], stdout);
		assert.equal((await runProgram(['help', command])).stdout, stdout);
	}
	for (const command of ['serve', 'sweep', 'table', 'keys', 'settings', 'version', 'upload', 'list', 'get', 'rm', 'logs']) {
		if (command !== 'version' && command !== 'table') {
			const unknown = await runProgram([command, ...(command === 'keys' ? ['list'] : []), '--nope=secret']);
			assert.deepEqual([unknown.code, /unknown option "--nope[^"]*"; see --help/.test(unknown.stderr)], [2, true], `${command}: ${unknown.stderr}`);
		}
	}
	assert.ok(!existsSync(path.join(process.cwd(), 'serv')));
});

test('the help of a command lists the settings that matter to it, and no others', async () => {
	const flagsOf = async command => [...(await runProgram([command, '--help'])).stdout.matchAll(/^ {2}--(?:\[no-\])?([\w-]+)/gm)].map(m => m[1]);
	assert.deepEqual(await flagsOf('table'), ['table', 'table-password-file', 'region', 'table-name']);
	assert.deepEqual(await flagsOf('compact'), ['data']);
	const sweep = await flagsOf('sweep'), serve = await flagsOf('serve');
	for (const name of ['data', 'store', 'orphan-ttl', 'max-pixels', 'allowed-types', 'unverified-types'])
		assert.ok(sweep.includes(name), name);
	for (const name of ['api', 'tls-key', 'reactors', 'log-level', 'sweep-interval'])
		assert.ok(serve.includes(name) && !sweep.includes(name), name);
	for (const name of ['allow', 'bucket', 'prefix', 'secret-stdin'])
		assert.ok((await flagsOf('keys')).includes(name), name);
});

test('a slot survives a restart of the server', async t => {
	const dir = mkdtempSync(path.join(work, 'slot-'));
	const first = await start(t, { data: dir });
	const { port } = new URL(first.storage);
	const slot = await openSlot(first);
	await first.stop();
	const second = await start(t, { data: dir, args: ['--storage', `127.0.0.1:${port}`] });
	assert.equal((await putBytes(slot, tinyPng)).status, 200);
	await second.stop();
});

test('with few descriptors, idle connections on the API and the storage leave enough for admin, slots and bodies', async t => {
	const server = await start(t, { wrap: ['sh', '-c', 'ulimit -n 400; exec "$@"', 'sh'] });
	assert.match(server.events('limit.low')[0].text, /^only 400 files may be open: the API and the storage accept \d+ connections together/);
	const [api, storage] = [await rawSocket(server.api), await rawSocket(server.storage)];
	const json = '{"fileName":"a.png","fileType":"image/png"}';
	const ask = async () => {
		const from = api.received().length;
		await api.send(`POST /prod/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`);
		await api.until(text => parseAnswer(text.slice(from))?.whole);
		return JSON.parse(parseAnswer(api.received().slice(from)).body);
	};
	await ask();
	const idle = [];
	t.after(() => Promise.all([api, storage, ...idle].map(raw => raw.end())));
	for (let i = 0; i < 400; i++)
		idle.push(await rawSocket(server.api), await rawSocket(server.storage));   // beyond the room they are ended
	assert.equal((await fetchUrl(`${server.admin}/healthz`)).status, 200);
	assert.equal((await fetchUrl(`${server.admin}/readyz`)).status, 200);
	const { host, pathname, search } = new URL((await ask()).uploadUrl);
	await storage.send(Buffer.concat([Buffer.from(`PUT ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: image/png\r\nContent-Length: ${tinyPng.length}\r\n\r\n`), tinyPng]));
	assert.equal(parseAnswer(await storage.until(text => parseAnswer(text)?.whole)).status, 200, storage.received());
	assert.ok(readdirSync(`/proc/${server.pid}/fd`).length < 350);
});

test('a database from a backup that is older than the files next to it mixes up no pictures', async t => {
	const dir = mkdtempSync(path.join(work, 'backup-'));
	const file = path.join(dir, 'data', 'tintype.db');
	const first = await start(t, { data: dir });
	const { slot: early } = await uploadImage(first, { bytes: tinyPng });
	await first.stop();
	const backup = readFileSync(file);
	const second = await start(t, { data: dir });
	await uploadImage(second, { bytes: tinyPng });
	await second.stop();
	writeFileSync(file, backup);
	const third = await start(t, { data: dir });
	const bytes = corpus('good/alpha.png');
	const { slot: late } = await uploadImage(third, { bytes });
	await third.stop();
	const fourth = await start(t, { data: dir });
	for (const [slot, expected] of [[early, tinyPng], [late, bytes]]) {
		const { json } = await call(fourth, 'GET', `/images/${slot.imageId}`);
		assert.deepEqual(Buffer.from(await (await fetch(json.downloadUrl)).arrayBuffer()), expected);
	}
	await fourth.stop();
});

for (const closed of ['<&-', '>&-', '<&- >&-'])
	test(`with ${closed} no file of the server gets the number of a standard stream`, async t => {
		const server = await start(t, { wrap: ['sh', '-c', `exec "$@" ${closed}`, 'sh'] });
		for (const fd of closed === '<&-' ? [0] : closed === '>&-' ? [1] : [0, 1])
			assert.equal(readlinkSync(`/proc/${server.pid}/fd/${fd}`), '/dev/null');
		await uploadImage(server);
	});

test('with 2>&- nothing that would be logged lands in a file of the server', async () => {
	const port = await freePort(), listen = [...anyPorts.slice(0, 4), '--admin', `127.0.0.1:${port}`];
	const child = spawn('sh', ['-c', 'exec "$@" 2>&-', 'sh', process.env.TINTYPE, 'serve', '--data', fresh('mute'), ...listen], { stdio: 'ignore' });
	const ended = once(child, 'close');
	await eventually(() => child.exitCode !== null || fetchUrl(`http://127.0.0.1:${port}/healthz`).then(answer => answer.status === 200, () => false), { what: 'the start' });
	assert.equal(readlinkSync(`/proc/${child.pid}/fd/2`), '/dev/null');
	child.kill('SIGTERM');
	assert.deepEqual(await ended, [0, null]);
});
