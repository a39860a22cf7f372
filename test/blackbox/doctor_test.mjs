// `tintype doctor` with each thing broken in turn: one line says what is wrong and what to do, and the exit status is 1. Without a server,
// with one, and on S3 and DynamoDB.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { startCloud } from '../cloud/cloud.mjs';
import { startMockIssuer } from './support/issuer.mjs';
import { freePort } from './support/port.mjs';
import { sqlite } from './support/sqlite.mjs';
import { childEnv, program, runProgram, startServer } from './support/server.mjs';

const run = promisify(execFile), work = mkdtempSync(path.join(tmpdir(), 'tintype-doctor-')), made = path.join(work, 'made');
const data = path.join(made, 'data'), free = ['--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
let issuer, taken;

/** Run it: the lines as objects, and those that are not ok as text. */
async function doctor(args, env = {}) {
	const done = await runProgram(['doctor', '--json', ...args], { env });
	const lines = done.stdout.trim().split('\n').filter(Boolean).map(line => JSON.parse(line));
	return { ...done, lines, is: check => lines.filter(l => l.check === check).map(l => l.state), bad: lines.filter(l => l.state === 'failed').map(l => `${l.check}: ${l.text} ${l.advice}`) };
}

/** Just this is wrong, in words that match, and there is advice. */
async function assertFailed(check, words, args, env) {
	const found = await doctor(args, env);
	assert.equal(found.code, 1, `${check}: ${found.stdout}${found.stderr}`);
	assert.equal(found.bad.length, 1, found.stdout);
	assert.match(found.bad[0], new RegExp(`^${check}: .*${words.source}`));
	for (const line of found.lines.filter(l => l.state !== 'ok'))
		assert.ok(line.advice.length > 10 && line.advice.endsWith('.'), JSON.stringify(line));
}

/** A data directory as a server has made it. */
async function makeData(dir) {
	mkdirSync(dir);
	await (await startServer({ data: dir })).stop();
}

/** A certificate and its key: { cert, key, args }. */
async function certificate(name, { from = '-1 day', until = '90 days', hosts = 'DNS:pictures.example' } = {}) {
	const cert = path.join(work, `${name}.pem`), key = path.join(work, `${name}.key`), csr = path.join(work, `${name}.csr`);
	const day = async text => (await run('date', ['-u', '-d', text, '+%y%m%d%H%M%SZ'])).stdout.trim();
	const ca = path.join(work, `${name}-ca`);
	mkdirSync(ca);
	await run('openssl', ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', csr, '-subj', '/CN=pictures.example', '-addext', `subjectAltName=${hosts}`]);
	await run('sh', ['-c', 'touch "$0/index" && echo 01 > "$0/serial" && printf "[ca]\ndefault_ca=a\n[a]\nnew_certs_dir=$0\ndatabase=$0/index\nserial=$0/serial\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n" > "$0/ca.cnf"', ca]);
	await run('openssl', ['ca', '-batch', '-selfsign', '-config', path.join(ca, 'ca.cnf'), '-keyfile', key, '-in', csr, '-out', cert, '-notext', '-startdate', await day(from), '-enddate', await day(until)]);
	chmodSync(key, 0o600);
	return { cert, key, args: ['--tls-cert', cert, '--tls-key', key] };
}

before(async () => {
	await makeData(made);
	issuer = await startMockIssuer();
	taken = net.createServer().listen(0, '127.0.0.1');
	await once(taken, 'listening');
});
after(async () => {
	taken?.close();
	await issuer?.stop();
	rmSync(work, { recursive: true, force: true });
});

test('without a server nothing is wrong, and nothing is made', async () => {
	const none = path.join(work, 'none');
	for (const dir of [data, none]) {
		const before = existsSync(dir) ? readdirSync(dir).sort() : null;
		const found = await doctor(['--data', dir, ...free]);
		assert.deepEqual([found.code, found.stderr, found.bad], [0, '', []]);
		assert.deepEqual(['settings', 'server', 'ports', 'data', 'disk', 'renderer'].map(found.is), Array.from({ length: 6 }, () => ['ok']));
		assert.match(found.lines.find(l => l.check === 'clock').text, /keeps it right\.$/);
		assert.deepEqual(existsSync(dir) ? readdirSync(dir).filter(name => !/-(wal|shm)$/.test(name)).sort() : null, before?.filter(name => !/-(wal|shm)$/.test(name)) ?? null);
	}
	const text = await runProgram(['doctor', '--data', data, ...free]);
	assert.match(text.stdout, /^ok      settings: They can be used; images are kept in .*\n(?:(?:ok|warning) .*\n)+failed 0, warnings \d+\n$/);
	assert.equal((await runProgram(['doctor', '--bad'])).code, 2);
});

test('each thing that is broken without a server is found', async () => {
	const open = path.join(work, 'open'), readable = path.join(work, 'readable');
	for (const dir of [open, readable])
		await makeData(dir);
	writeFileSync(path.join(work, 'file made'), '');
	chmodSync(path.join(open, 'data'), 0o777);
	chmodSync(path.join(readable, 'data/credentials'), 0o644);
	const good = await certificate('good'), other = await certificate('other'), shared = await certificate('shared');
	chmodSync(shared.key, 0o644);
	const closed = await freePort();
	const at = `127.0.0.1:${taken.address().port}`;
	const here = ['--data', data, ...free];
	for (const [check, words, args, env] of [
		['settings', /go together: set both/, [...here, '--store', 's3']],
		['settings', /--allowed-types/, [...here, '--allowed-types', 'pictures']],
		['settings', /its URLs need a name that clients can reach/, ['--data', data, '--api', '127.0.0.1:0', '--storage', '0.0.0.0:0', '--admin', '127.0.0.1:0']],
		['ports', /is taken by another program.* Or end what uses it\./, [...here, '--api', at]],
		['ports', /--api must be HOST:PORT.* does not start with this setting\./, [...here, '--api', '127.0.0.1:80000']],
		['ports', /An API that is not on loopback needs an API key/, [...here, '--api', '0.0.0.0:0']],
		['ports', /--storage: no such address as no\.host\.example/, [...here, '--storage', 'no.host.example:80']],
		['data', /can be written by others/, ['--data', path.join(open, 'data'), ...free]],
		['data', /credentials/, ['--data', path.join(readable, 'data'), ...free]],
		['data', /cannot be made in .*\/no\/such\/: No such file/, ['--data', path.join(work, 'no/such/data/'), ...free]],
		['data', /made is not a directory\. Choose another with --data/, ['--data', path.join(work, 'file made'), ...free]],
		['disk', /are free, and .* are reserved/, [...here, '--reserve', String(2 ** 40)]],
		['certificate', /cannot be read/, [...here, '--tls-cert', path.join(work, 'no.pem'), '--tls-key', good.key]],
		['certificate', /does not match the certificate/, [...here, '--tls-cert', good.cert, '--tls-key', other.key]],
		['certificate', /shared\.key/, [...here, ...shared.args]],
		['certificate', /has expired at/, [...here, ...(await certificate('old', { from: '-90 days', until: '-1 day' })).args]],
		['certificate', /is not valid yet/, [...here, ...(await certificate('early', { from: '2 days' })).args]],
		['certificate', /is not for elsewhere\.example, which clients may call the server/, [...here, ...good.args, '--hosts', 'pictures.example,elsewhere.example']],
		['store', /There is no bucket another/, here, { BUCKET_NAME: 'another' }],
		['issuer', /status 404/, here, { ...issuer.env, TINTYPE_OIDC_ISSUER: `${issuer.url}/other` }],
		['issuer', /127\.0\.0\.1/, here, { ...issuer.env, TINTYPE_OIDC_ISSUER: `http://127.0.0.1:${closed}` }],
		['settings', /TINTYPE_WEBHOOK_URL/, here, { TINTYPE_WEBHOOK_URL: `http://${at}/`, TINTYPE_WEBHOOK_SECRET: secret }],
		['webhook', /127\.0\.0\.1/, here, { TINTYPE_WEBHOOK_URL: `http://127.0.0.1:${closed}/`, TINTYPE_WEBHOOK_SECRET: secret, TINTYPE_WEBHOOK_PRIVATE: 'on' }],
	])
		await assertFailed(check, words, args, env);
	/* The disk is that of the directory in which it would be made. */
	assert.match((await doctor(['--data', '/proc/none', ...free])).bad.find(line => line.startsWith('disk: ')), /^disk: 0 B are free/);
	issuer.mode = 'answers garbage';
	await assertFailed('issuer', /./, here, issuer.env);
	issuer.mode = '';
});

test('what works without a server is ok, and what is only not as it should be is a warning', async () => {
	const here = ['--data', data, ...free], soon = await certificate('soon', { until: '5 days' });
	for (const [check, states, args, env] of [
		['issuer', ['ok'], [], issuer.env],
		['webhook', ['ok'], [], { TINTYPE_WEBHOOK_URL: `http://127.0.0.1:${taken.address().port}/`, TINTYPE_WEBHOOK_SECRET: secret, TINTYPE_WEBHOOK_PRIVATE: 'on' }],
		['certificate', ['warning', 'warning'], soon.args],
		['certificate', ['ok', 'warning'], [...(await certificate('named')).args, '--hosts', 'pictures.example']],
		['renderer', ['warning'], ['--render-sandbox', 'off']],
		['settings', ['ok', 'warning'], ['--verify', 'header']],
	]) {
		const found = await doctor([...here, ...args], env);
		assert.deepEqual([found.is(check), found.code], [states, 0], found.stdout);
	}
	const own = await doctor([...here, ...soon.args]);
	assert.match(own.lines.filter(l => l.check === 'certificate')[1].text, /self.signed/);
});

test('an issuer whose clock is another one is found', async () => {
	const real = issuer.url, proxy = http.createServer(async (request, response) => {
		const answer = await fetch(real + request.url), text = await answer.text();
		response.writeHead(answer.status, { 'Content-Type': 'application/json', Date: new Date(Date.now() - 3600000).toUTCString() }).end(text.replaceAll(real, at));
	}).listen(0, '127.0.0.1');
	await once(proxy, 'listening');
	const at = `http://127.0.0.1:${proxy.address().port}`;
	await assertFailed('issuer', /clock is -3\d\d\d seconds from this one, and 60 are allowed/, ['--data', data, ...free], { ...issuer.env, TINTYPE_OIDC_ISSUER: at });
	proxy.close();
});

test('a program without its renderer, and a database of another version, are found', async () => {
	const alone = path.join(work, 'alone');
	mkdirSync(alone);
	copyFileSync(program(), path.join(alone, 'tintype'));
	const child = spawn(path.join(alone, 'tintype'), ['doctor', '--data', data, ...free], { env: childEnv({}), stdio: ['ignore', 'pipe', 'inherit'] });
	let out = '';
	child.stdout.on('data', piece => { out += piece; });
	const [code] = await once(child, 'close');
	assert.equal(code, 1);
	assert.match(out, /^failed  renderer: .*tintype-render.*Install tintype-render next to tintype/m);
	const newer = path.join(work, 'newer');
	await makeData(newer);
	sqlite(path.join(newer, 'data/tintype.db'), 'PRAGMA user_version=1000');
	await assertFailed('store', /has version 1000, and this program reads/, ['--data', path.join(newer, 'data'), ...free]);
});

test('a running server is asked: whether it is ready, and what browsers may do', async () => {
	const ports = await Promise.all([freePort(), freePort(), freePort()]);
	const listen = ['--api', `127.0.0.1:${ports[0]}`, '--storage', `127.0.0.1:${ports[1]}`, '--admin', `127.0.0.1:${ports[2]}`];
	const args = ['--data', data, ...listen], page = `http://127.0.0.1:${ports[0]}`;
	const during = async (flags, check) => {
		const server = await startServer({ data: made, args: [...listen, ...flags] });
		try {
			await check(server);
		} finally {
			await server.stop();
		}
	};
	await during([], async () => {
		const found = await doctor(args);
		assert.deepEqual([found.code, found.bad, found.is('ports')], [0, [], []]);
		assert.deepEqual(['server', 'data', 'store', 'cors'].map(found.is), [['ok'], ['ok'], ['ok'], ['ok']]);
		assert.match(found.lines.find(l => l.check === 'server').text, /^A server is running and ready; its console is at http:\/\/127/);
	});
	await during(['--cors-origins', `${page},https://a.example`], async () => {
		assert.deepEqual((await doctor([...args, '--cors-origins', `${page},https://a.example`])).is('cors'), ['ok']);
		const found = await doctor([...args, '--cors-origins', 'https://b.example']);
		assert.deepEqual(found.bad.map(line => /a page of (\S+) send (\S+) to the (\w+)/.exec(line).slice(1)), [['https://b.example', 'POST', 'API'], ['https://b.example', 'PUT', 'store']]);
	});
	await during(['--cors-origins', 'https://a.example'], () => assertFailed('cors', new RegExp(`would not let a page of ${page} send PUT to the store .* Add the origin to --cors-origins`), [...args, '--cors-origins', 'https://a.example']));
	const own = (await certificate('running', { hosts: 'DNS:localhost,IP:127.0.0.1' })).args;
	await during(own, async () => {
		const found = await doctor([...args, ...own], { AWS_CA_BUNDLE: null });
		assert.deepEqual([found.code, found.is('server'), found.is('cors'), found.is('certificate')], [0, ['ok'], ['ok'], ['ok', 'warning']], found.stdout);
	});
	/* A server that stands still is not asked for more. */
	await during([], async server => {
		server.child.kill('SIGSTOP');
		try {
			await assertFailed('server', /A server is running, but does not respond at http:.*\/readyz: /, args);
		} finally {
			server.child.kill('SIGCONT');
		}
	});
	await during(['--reserve', String(2 ** 40)], () => assertFailed('server', /The server runs, and is not ready \(status 503\)/, args));
});

test('bucket and table are tried with the rights that the server has', async () => {
	const cloud = await startCloud(), args = ['--store', 's3', '--table', 'dynamodb', ...free];
	try {
		assert.equal((await runProgram(['table', 'create'], { env: cloud.env })).code, 0);
		const rule = '<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod><AllowedMethod>POST</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader></CORSRule></CORSConfiguration>';
		const page = ['--api', `127.0.0.1:${await freePort()}`];
		await assertFailed('cors', /would not let a page of .* send PUT to the store .* Put a CORS rule/, [...args, ...page], cloud.env);
		assert.ok((await cloud.request('PUT', '/pictures', { query: { cors: '' }, body: rule, headers: { 'content-md5': (await import('node:crypto')).createHash('md5').update(rule).digest('base64') } })).status < 300);
		const found = await doctor([...args, ...page], cloud.env);
		assert.deepEqual([found.bad, found.is('store'), found.is('cors')], [[], ['ok', 'ok'], ['ok']], found.stdout);
		assert.equal((await cloud.request('GET', '/pictures', { query: { 'list-type': 2 } })).text.includes('<Key>'), false, 'nothing is left there');
		await cloud.dynamo('PutItem', { TableName: 'ImageMetadata', Item: { imageId: { S: 'event#damaged' }, due: { S: 'unreadable#0' }, dueOrder: { S: '0000000000000000001#event#damaged' } } });
		const unread = await doctor([...args, ...page], cloud.env);
		assert.deepEqual([unread.code, unread.is('store')], [0, ['ok', 'ok', 'warning']], unread.stdout);
		assert.match(unread.stdout, /1 event of the table cannot be read, so nothing is sent for it\..*events\.unreadable/);
		await assertFailed('store', /cannot write to the bucket elsewhere/, args, { ...cloud.env, BUCKET_NAME: 'elsewhere' });
		await assertFailed('store', /cannot list the table Missing/, args, { ...cloud.env, TABLE_NAME: 'Missing' });
		const reader = await cloud.role('reader', [{ Effect: 'Allow', Action: ['s3:GetObject', 's3:ListBucket'], Resource: ['arn:aws:s3:::*'] }]);
		await assertFailed('store', /cannot write to the bucket pictures/, args, { ...cloud.env, ...reader });
		const dead = await doctor(args, { ...cloud.env, AWS_ENDPOINT_URL: `http://127.0.0.1:${await freePort()}` });
		assert.deepEqual([dead.code, dead.is('store')], [1, ['failed', 'failed']]);
	} finally {
		await cloud.stop();
	}
});
