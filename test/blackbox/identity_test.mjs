// Users by the tokens of an issuer, over HTTP: tokens that signers nobody here wrote have made (oauth2-mock-server, cognito-local), tokens that are
// refused, keys that rotate, an issuer that fails in every way, and settings with which no server starts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, createHmac, createPublicKey, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { failures, now, startMockIssuer } from './support/issuer.mjs';
import { freePort } from './support/port.mjs';
import { call, eventually, fetchUrl, openSlot, rawRequest, root, runProgram, startServer } from './support/server.mjs';

const KEY = 'the-operators-own-key';
const ownerOf = (issuer, subject) => createHash('sha256').update(`${issuer}\n${subject}`).digest('hex').slice(0, 32);

/** The owner of what is uploaded with this token, as an administrator sees it; fails with what the server says where the token is refused. */
async function ownerBy(server, token) {
	const answer = await call(server, 'POST', '/upload', { json: { fileName: 'a.png', fileType: 'image/png' }, key: token });
	assert.equal(answer.status, 200, `${answer.text} ${server.log.slice(-3).join('\n')}`);
	return (await call(server, 'GET', `/images/${answer.json.imageId}`, { key: KEY })).json.owner;
}
// Wrong tokens are counted by client address: with this proxy each call is a client of its own.
const PROXY = { TINTYPE_TRUSTED_PROXIES: '127.0.0.1' };
let clients = 0;
const callAsNew = (server, method, target, key) => call(server, method, target, { key, headers: { 'X-Forwarded-For': `198.51.100.${++clients % 256}` } });
const isAdmin = async (server, token) => (await call(server, 'GET', `/images?owner=${'0'.repeat(32)}`, { key: token })).status === 200;

function isRefused(answer, text, what) {
	assert.equal(answer.status, 401, `${what}: ${answer.text}`);
	assert.equal(answer.json.code, 'token_invalid', what);
	assert.match(answer.json.detail, text, what);
	assert.match(answer.headers.get('www-authenticate'), /^Bearer .*error="invalid_token"/, what);
}

describe('tokens', () => {
	let issuer, server;
	before(async () => {
		issuer = await startMockIssuer();
		for (const alg of ['PS256', 'ES256', 'EdDSA', 'RS512', 'ES384'])
			await issuer.addKey(alg);
		server = await startServer({ env: { ...issuer.env, TINTYPE_API_KEY: KEY, ...PROXY, TINTYPE_OIDC_ALGORITHMS: 'RS256, PS256, ES256, EdDSA', TINTYPE_OIDC_ADMIN: '/groups=admins', TINTYPE_LOG_LEVEL: 'debug' } });
		await server.waitForEvent('issuer.keys');
	});
	after(async () => {
		await server?.stop();
		await issuer?.stop();
	});

	test('one of each algorithm says who its user is, again and again', async () => {
		for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
			const token = await issuer.token(undefined, alg);
			for (let i = 0; i < 3; i++)
				assert.equal(await ownerBy(server, token), ownerOf(issuer.url, 'alice'), alg);
		}
		assert.equal(await ownerBy(server, await issuer.token((header, payload) => { payload.sub = 'bob'; })), ownerOf(issuer.url, 'bob'));
		assert.equal(issuer.asked, 1, 'the keys are fetched once');
	});

	test('the claim of the setting makes an administrator', async () => {
		const is = async groups => isAdmin(server, await issuer.token((header, payload) => { payload.groups = groups; }));
		assert.equal(await is(['staff', 'admins']), true);
		assert.equal(await is(['nonadmins']), false);
		assert.equal(await is(undefined), false);
	});

	test('what is not valid is refused on every route, open ones too, and only what has expired is told apart', async () => {
		const pem = createPublicKey({ format: 'jwk', key: (await (await fetch(`${issuer.url}/jwks`)).json()).keys[0] }).export({ type: 'spki', format: 'pem' });
		const base64url = value => Buffer.from(JSON.stringify(value)).toString('base64url');
		const confused = `${base64url({ alg: 'HS256' })}.${base64url({ iss: issuer.url, aud: 'images', sub: 'root', exp: now() + 60 })}`;
		const good = await issuer.token(), other = await issuer.token((header, payload) => { payload.sub = 'bob'; });
		const tokens = {
			'without a signature': `${base64url({ alg: 'none' })}.${good.split('.')[1]}.`,
			'signed with the public key as a secret': `${confused}.${createHmac('sha256', pem).update(confused).digest('base64url')}`,
			'with the payload of another': [good.split('.')[0], other.split('.')[1], good.split('.')[2]].join('.'),
			'for another audience': await issuer.token((header, payload) => { payload.aud = 'videos'; }),
			'of another issuer': await issuer.token((header, payload) => { payload.iss += '/'; }),
			'that never expires': await issuer.token((header, payload) => { delete payload.exp; }),
			'that is not valid yet': await issuer.token((header, payload) => { payload.nbf = now() + 600; }),
			'for something else': await issuer.token(header => { header.typ = 'logout+jwt'; }),
			'with a key of its own': await issuer.token(header => { header.jwk = {}; }),
			'that is compressed': await issuer.token(header => { header.zip = 'DEF'; }),
			'bound to a key': await issuer.token((header, payload) => { payload.cnf = { jkt: 'x' }; }),
			'an ID token': await issuer.token((header, payload) => { payload.token_use = 'id'; }),
			'without a subject': await issuer.token((header, payload) => { delete payload.sub; }),
			'by an algorithm that is not allowed': await issuer.token(undefined, 'RS512'),
			'by a curve that is not supported': await issuer.token(undefined, 'ES384'),
			'in two copies': `${good}, ${good}`,
			'with a character more': `${good}A`,
		};
		for (const [what, key] of Object.entries(tokens))
			for (const [method, target] of [['GET', '/images'], ['POST', '/upload'], ['GET', '/limits'], ['DELETE', `/images/${randomUUID()}`]])
				isRefused(await callAsNew(server, method, target, key), /not valid/, `${what}: ${method} ${target}`);
		const expired = await issuer.token((header, payload) => { payload.exp = now() - 61; });
		for (let i = 0; i < 20; i++) {   // of one client: an old token is no guess, and the answer that makes it renew the token must not stay away
			const answer = await call(server, 'GET', '/images', { key: expired });
			isRefused(answer, /expired/, 'expired');
			assert.match(answer.headers.get('www-authenticate'), /expired/);
		}
		for (const token of [...Object.values(tokens), good, expired])
			assert.ok(!server.log.some(line => line.includes(token)), 'a token is in the log');
	});

	test('a clock that is ten minutes off makes every new token invalid, one within the allowance none', async () => {
		const shifted = s => issuer.token((header, payload) => { payload.iat = payload.nbf = now() + s; payload.exp = payload.iat + 300; });
		isRefused(await callAsNew(server, 'GET', '/images', await shifted(600)), /not valid/, 'ahead');
		isRefused(await callAsNew(server, 'GET', '/images', await shifted(-600)), /expired/, 'behind');
		await ownerBy(server, await shifted(45));
		await ownerBy(server, await shifted(-345));
	});

	test('a token in the query or in a cookie is not looked at, and two headers are refused', async () => {
		const token = await issuer.token();
		for (const headers of [{}, { Cookie: `access_token=${token}` }]) {
			const answer = await call(server, 'GET', `/images?access_token=${token}`, { headers });
			assert.equal(answer.status, 401);
			assert.equal(answer.json.code, 'key_needed');
		}
		const header = `Authorization: Bearer ${token}\r\n`;
		assert.equal((await rawRequest(server.api, `GET /prod/images HTTP/1.1\r\nHost: 127.0.0.1\r\n${header}${header}\r\n`)).status, 400);
	});

	test('delete tokens and keys are not taken for tokens, nor the reverse', async () => {
		const { deleteToken, imageId } = await openSlot(server, {}, { key: await issuer.token() });
		assert.equal(deleteToken, undefined, 'a user needs none');
		for (const key of ['A'.repeat(43), `tk_abcdefgh_${'A'.repeat(43)}b15CIn`, `tk_abcdefgh_${'A'.repeat(43)}b15CIm`, 'x'])
			assert.equal((await callAsNew(server, 'GET', '/images', key)).status, 401, key);
		assert.equal((await call(server, 'DELETE', `/images/${imageId}`, { key: await issuer.token() })).status, 204);
	});

	test('keys with invented names cost the issuer nothing within the cooldown, and new keys are known after it', async () => {
		await issuer.addKey('ES256');
		const token = await issuer.token(undefined, 'ES256'), asked = issuer.asked;
		for (let i = 0; i < 50; i++)
			await callAsNew(server, 'GET', '/images', await issuer.token(header => { header.kid = `made-up-${i}`; }));
		assert.ok(issuer.asked <= asked + 1, `asked ${issuer.asked - asked} times`);
		await eventually(async () => (await call(server, 'GET', '/images', { key: token })).status === 200, { what: 'a token by the new key is accepted', everyMs: 500 });
		await ownerBy(server, await issuer.token());
	});
});

for (const mode of failures)
	test(`an issuer that ${mode} does not keep the server from starting; tokens get 503 until there are keys`, async () => {
		const issuer = await startMockIssuer();
		issuer.mode = mode;
		const server = await startServer({ env: { ...issuer.env, TINTYPE_API_KEY: KEY, ...PROXY } });
		try {
			const token = await issuer.token();
			const answer = await call(server, 'GET', '/images', { key: token });
			assert.equal(answer.status, 503, answer.text);
			assert.equal(answer.json.code, 'identity_unreachable');
			assert.ok(Number(answer.headers.get('retry-after')) > 0);
			assert.equal((await call(server, 'GET', '/limits')).status, 200, 'all else works');
			const failed = await server.waitForEvent('issuer.failed');
			assert.ok(failed.text.length > 0);
			issuer.mode = '';
			await eventually(async () => (await call(server, 'GET', '/images', { key: token })).status === 200, { what: 'a token is accepted', everyMs: 200 });
		} finally {
			await server.stop();
			await issuer.stop();
		}
	});

test('a file of keys needs no issuer', async () => {
	const issuer = await startMockIssuer(), dir = mkdtempSync(path.join(tmpdir(), 'tintype-test-')), file = path.join(dir, 'keys.json');
	writeFileSync(file, await (await fetch(`${issuer.url}/jwks`)).text());
	issuer.mode = 'refuses';
	const server = await startServer({ env: { ...issuer.env, TINTYPE_API_KEY: KEY, ...PROXY, TINTYPE_OIDC_JWKS: file } });
	assert.equal(await ownerBy(server, await issuer.token()), ownerOf(issuer.url, 'alice'));
	assert.equal(issuer.asked, 0);
	await server.stop();
	await issuer.stop();
	rmSync(dir, { recursive: true });
});

test('an application signs tokens of its own with a secret', async () => {
	const secret = 'only-this-application-knows-this-secret', base64url = value => Buffer.from(JSON.stringify(value)).toString('base64url');
	const server = await startServer({ env: { TINTYPE_API_KEY: KEY, ...PROXY, TINTYPE_OIDC_ISSUER: 'app', TINTYPE_OIDC_AUDIENCE: 'images', TINTYPE_OIDC_SECRET: secret } });
	const sign = (header, by) => {
		const text = `${base64url(header)}.${base64url({ iss: 'app', aud: 'images', sub: '42', exp: now() + 60 })}`;
		return `${text}.${createHmac('sha256', by).update(text).digest('base64url')}`;
	};
	assert.equal(await ownerBy(server, sign({ alg: 'HS256' }, secret)), ownerOf('app', '42'));
	isRefused(await callAsNew(server, 'GET', '/images', sign({ alg: 'HS256' }, `${secret}!`)), /not valid/, 'another secret');
	assert.ok(!server.log.some(line => line.includes(secret)));
	await server.stop();
});

const ISSUER = { TINTYPE_OIDC_ISSUER: 'https://id.example', TINTYPE_OIDC_AUDIENCE: 'images' };
const SECRET = { TINTYPE_OIDC_SECRET: 'x'.repeat(32) };
for (const [what, env, says] of [
	['an issuer without an audience', { TINTYPE_OIDC_ISSUER: 'https://id.example' }, /TINTYPE_OIDC_AUDIENCE/],
	['an audience without an issuer', { TINTYPE_OIDC_AUDIENCE: 'images' }, /not TINTYPE_OIDC_ISSUER/],
	['an issuer by http elsewhere', { ...ISSUER, TINTYPE_OIDC_ISSUER: 'http://id.example' }, /must be https/],
	['a short secret', { ...ISSUER, TINTYPE_OIDC_SECRET: 'x'.repeat(31) }, /at least 32/],
	['a secret and a file of keys', { ...ISSUER, ...SECRET, TINTYPE_OIDC_JWKS: '/dev/null' }, /exclude each other/],
	['a secret and keys\' algorithms', { ...ISSUER, ...SECRET, TINTYPE_OIDC_ALGORITHMS: 'RS256,HS256' }, /only algorithm is HS256/],
	['HS256 without a secret', { ...ISSUER, TINTYPE_OIDC_ALGORITHMS: 'HS256' }, /needs TINTYPE_OIDC_SECRET/],
	['an algorithm that there is not', { ...ISSUER, TINTYPE_OIDC_ALGORITHMS: 'none' }, /must be some of RS256/],
	['no file of keys', { ...ISSUER, TINTYPE_OIDC_JWKS: '/nonexistent' }, /cannot be read/],
	['scopes without a place for their names', { ...ISSUER, TINTYPE_OIDC_SCOPES: 'tintype/read' }, /one scope with one \*/],
	['scopes without an issuer', { TINTYPE_OIDC_SCOPES: 'tintype/*' }, /TINTYPE_OIDC_SCOPES is set, but not TINTYPE_OIDC_ISSUER/],
	['a rule for administrators that is none', { ...ISSUER, TINTYPE_OIDC_ADMIN: 'groups=admins' }, /JSON pointer/],
	['a skew of an hour', { ...ISSUER, TINTYPE_OIDC_SKEW: '3600' }, /TINTYPE_OIDC_SKEW/],
	['an unknown kind of token', { ...ISSUER, TINTYPE_OIDC_TOKEN: 'refresh' }, /TINTYPE_OIDC_TOKEN/],
	['an API key that looks like a token', { TINTYPE_API_KEY: 'aaaaaaaa.bbbbbbbb.cccccccc' }, /TINTYPE_API_KEY/],
	['an issuer, and all open', { ...ISSUER, TINTYPE_ACCESS: 'open' }, /TINTYPE_OIDC_ISSUER/],
])
	test(`with ${what} no server starts`, async () => {
		const dir = mkdtempSync(path.join(tmpdir(), 'tintype-test-'));
		const ended = await runProgram(['serve', '--data', dir, '--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0'], { env });
		rmSync(dir, { recursive: true });
		assert.equal(ended.code, 2, ended.stderr);
		assert.match(ended.stderr, says);
		for (const secret of [env.TINTYPE_OIDC_SECRET, env.TINTYPE_API_KEY].filter(Boolean))
			assert.ok(!ended.stderr.includes(secret));
	});

describe('Cognito', () => {
	let cognito, url, front, issuerUrl, dir, server, pool, client;
	/** A call of the API of user pools, as the SDKs make it. */
	const aws = async (action, body) => {
		const answer = await fetchUrl(`${url}/`, { method: 'POST', headers: { 'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': `AWSCognitoIdentityProviderService.${action}` }, body: JSON.stringify(body) });
		assert.equal(answer.status, 200, `${action}: ${answer.text}`);
		return JSON.parse(answer.text);
	};
	before(async () => {
		const port = await freePort();
		url = `http://127.0.0.1:${port}`;
		// What describes its issuer names another port than that which it was given: this listener puts its own in place of it.
		front = http.createServer(async (request, response) => {
			const text = await (await fetch(url + request.url)).text();
			response.setHeader('Content-Type', 'application/json').end(text.replaceAll('http://localhost:9229', issuerUrl));
		}).listen(0, '127.0.0.1');
		await once(front, 'listening');
		issuerUrl = `http://127.0.0.1:${front.address().port}`;
		dir = mkdtempSync(path.join(tmpdir(), 'tintype-test-'));
		mkdirSync(path.join(dir, '.cognito'));
		writeFileSync(path.join(dir, '.cognito/config.json'), JSON.stringify({ TokenConfig: { IssuerDomain: issuerUrl } }));
		cognito = spawn(process.execPath, [path.join(root, 'test/npm/node_modules/cognito-local/lib/bin/start.js')], { cwd: dir, stdio: 'ignore', env: { ...process.env, PORT: String(port), HOST: '127.0.0.1' } });
		await eventually(() => fetch(`${url}/`).then(() => true, () => false), { what: 'cognito-local answers' });
		pool = (await aws('CreateUserPool', { PoolName: 'users' })).UserPool.Id;
		client = (await aws('CreateUserPoolClient', { UserPoolId: pool, ClientName: 'app' })).UserPoolClient.ClientId;
		await aws('AdminCreateUser', { UserPoolId: pool, Username: 'alice@example.com', MessageAction: 'SUPPRESS', UserAttributes: [{ Name: 'email', Value: 'alice@example.com' }] });
		await aws('AdminSetUserPassword', { UserPoolId: pool, Username: 'alice@example.com', Password: 'Correct-horse-1', Permanent: true });
		await aws('CreateGroup', { UserPoolId: pool, GroupName: 'admins' });
		await aws('AdminAddUserToGroup', { UserPoolId: pool, Username: 'alice@example.com', GroupName: 'admins' });
	});
	after(async () => {
		await server?.stop();
		cognito?.kill();
		front?.close();
		front?.closeAllConnections();
		rmSync(dir, { recursive: true, force: true });
	});

	test('access tokens have client_id and no audience; ID tokens are another kind; groups make administrators', async () => {
		const { AuthenticationResult: tokens } = await aws('InitiateAuth', { AuthFlow: 'USER_PASSWORD_AUTH', ClientId: client, AuthParameters: { USERNAME: 'alice@example.com', PASSWORD: 'Correct-horse-1' } });
		const issuer = `${issuerUrl}/${pool}`;
		const env = { TINTYPE_API_KEY: KEY, ...PROXY, TINTYPE_OIDC_ISSUER: issuer, TINTYPE_OIDC_AUDIENCE: client, TINTYPE_OIDC_ADMIN: '/cognito:groups=admins' };
		const { sub, client_id: clientId, aud } = JSON.parse(Buffer.from(tokens.AccessToken.split('.')[1], 'base64url'));
		assert.deepEqual([clientId, aud], [client, undefined]);
		server = await startServer({ env });
		await server.waitForEvent('issuer.keys');
		assert.equal(await ownerBy(server, tokens.AccessToken), ownerOf(issuer, sub));
		assert.equal(await isAdmin(server, tokens.AccessToken), true);
		isRefused(await callAsNew(server, 'GET', '/images', tokens.IdToken), /not valid/, 'the ID token');
		await server.stop();
		server = await startServer({ env: { ...env, TINTYPE_OIDC_TOKEN: 'id' } });
		await server.waitForEvent('issuer.keys');
		assert.equal(await ownerBy(server, tokens.IdToken), ownerOf(issuer, sub));
		isRefused(await callAsNew(server, 'GET', '/images', tokens.AccessToken), /not valid/, 'the access token');
	});
});
