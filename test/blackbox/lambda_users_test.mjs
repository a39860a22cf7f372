// Users on Lambda: the functions with the environment and the rights that deploy/template.yaml gives them for Auth=cognito, behind a gateway,
// on S3 by Ceph's gateway, DynamoDB by dynalite and an issuer that nobody here wrote, whose tokens have the claims of Cognito's.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { startCloud } from '../cloud/cloud.mjs';
import { eventV1, eventV2, readAnswer, startGateway } from './support/gateway.mjs';
import { actionsOf, functionVariables, ROLES, roleStatements } from './support/iam.mjs';
import { startMockIssuer } from './support/issuer.mjs';
import { RuntimeApi } from './support/runtime_api.mjs';
import { eventually, tinyPng } from './support/server.mjs';

const build = process.env.TINTYPE_BUILD, PROGRAM = process.env.TINTYPE_BOOTSTRAP ?? `${build}/src/bootstrap`;
const KEY = 'the-key-of-the-administrator', PARAMETER = '/tintype/tintype/admin-key', CLIENT = 'the-client';
const AWARE = ['upload', 'images', 'manage'];   // of callers
const PARAMETERS = { BucketName: 'pictures', Auth: 'cognito', AdminKeyParameter: PARAMETER, QuotaImages: 3 };
const functions = {}, variables = {}, keys = {};
let cloud, gateway, issuer, granted;

const routeOf = (method, path) => /^\/(upload|limits)$/.test(path) ? 'upload' : path.startsWith('/i/') ? 'delivery'
	: method === 'DELETE' || method === 'PATCH' || /^\/(users|keys)/.test(path) || path.endsWith('/complete') ? 'manage' : 'images';

const start = async (handler, env) => (await new RuntimeApi().start()).run(PROGRAM, { _HANDLER: handler, ...env });

/** The environment of each function, and the credentials of its role, for these parameters of the template. */
async function prepare(parameters) {
	const made = { Table: { ref: 'ImageMetadata', attributes: {} }, UserPool: { ref: 'eu-west-1_Pool', attributes: { ProviderURL: issuer.url } }, UserPoolClient: { ref: CLIENT, attributes: {} } };
	const found = await functionVariables(parameters, made);
	return Object.fromEntries(Object.entries(ROLES).map(([name, role]) => [name, { ...cloud.env, ...found[role], AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' }]));
}

before(async () => {
	[cloud, issuer] = await Promise.all([startCloud(), startMockIssuer()]);
	await promisify(execFile)(`${build}/test/lambda/make_table`, { env: { ...process.env, ...cloud.env } });
	cloud.parameters.set(PARAMETER, { Name: PARAMETER, Type: 'SecureString', Value: KEY, Version: 1 });
	gateway = await startGateway((method, path) => functions[routeOf(method, path)]);
	granted = await roleStatements(PARAMETERS);
	Object.assign(variables, await prepare(PARAMETERS));
	for (const [name, role] of Object.entries(ROLES)) {
		const credentials = await cloud.role(role, granted[role]);
		keys[name] = credentials.AWS_ACCESS_KEY_ID;
		Object.assign(variables[name], credentials);
		functions[name] = await start(name, variables[name]);
	}
	await eventually(() => Object.values(functions).every(one => one.nextCalls > 0), { what: 'the functions to be ready' });
});

after(async () => {
	await gateway?.stop();
	for (const one of Object.values(functions))
		await one.stop();
	await issuer?.stop();
	await cloud?.stop();
});

/** An access token as Cognito makes it: no aud, but client_id and token_use, and groups as a list. */
const token = (name, groups, change = () => {}) => issuer.token((header, payload) => {
	delete payload.aud;
	Object.assign(payload, { sub: name, client_id: CLIENT, token_use: 'access', scope: 'openid', username: name, ...groups && { 'cognito:groups': groups } });
	change(header, payload);
});
const ownerOf = name => createHash('sha256').update(`${issuer.url}\n${name}`).digest('hex').slice(0, 32);

async function ask(method, path, { as, body, headers = {} } = {}) {
	const answer = await fetch(gateway.base + path, { method, redirect: 'manual', ...body && { body: JSON.stringify(body) }, headers: { ...as && { Authorization: `Bearer ${as}` }, ...headers } });
	const text = await answer.text();
	return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : undefined };
}

const slotOf = as => ask('POST', '/upload', { as, body: { fileName: 'a.png', fileType: 'image/png', fileSize: tinyPng.length } });
async function upload(as) {
	const { status, body: slot } = await slotOf(as);
	assert.equal(status, 200);
	assert.equal((await fetch(slot.uploadUrl, { method: slot.method, headers: slot.headers, body: tinyPng })).status, 200);
	assert.equal((await ask('POST', `/images/${slot.imageId}/complete`, { as })).body.status, 'uploaded');
	return slot.imageId;
}
const ssmCalls = name => cloud.calls().filter(one => one.service === 'ssm' && one.key === keys[name]).length;

test('each function that knows callers has fetched the keys once, before its first invocation, and no other has', async () => {
	assert.equal(issuer.asked, AWARE.length);
	for (const name of AWARE)
		await functions[name].lines(all => all.findIndex(line => line.event === 'issuer.keys') < all.findIndex(line => line.event === 'lambda.ready'));
	await ask('GET', '/images', { as: await token('alice') });
	await ask('GET', '/me', { as: await token('bob') });
	assert.equal(issuer.asked, AWARE.length);
});

test('a start reads no parameter, and neither does a call with a token or without anything', async () => {
	assert.equal((await ask('GET', '/images', { as: await token('alice') })).status, 200);
	assert.equal((await ask('GET', '/images')).status, 401);
	assert.equal(cloud.calls().filter(one => one.service === 'ssm').length, 0);
});

test('nobody without a credential may do anything, and a user sees their own images alone', async () => {
	for (const [method, path, body] of [['GET', '/images'], ['POST', '/upload', { fileName: 'a.png', fileType: 'image/png' }], ['GET', '/me'], ['GET', '/users'], ['GET', '/keys']]) {
		const refused = await ask(method, path, { body });
		assert.deepEqual([refused.status, refused.body.code, refused.headers.get('www-authenticate')], [401, 'key_needed', 'Bearer'], path);
	}
	const alice = await token('alice'), bob = await token('bob'), hers = await upload(alice);
	assert.deepEqual((await ask('GET', '/images', { as: alice })).body.images.map(one => one.imageId), [hers]);
	assert.deepEqual((await ask('GET', '/images', { as: bob })).body.images, []);
	for (const [method, more] of [['GET', ''], ['GET', '/file'], ['POST', '/complete'], ['DELETE', ''], ['PATCH', '']]) {
		const { status, body } = await ask(method, `/images/${hers}${more}`, { as: bob, ...method === 'PATCH' && { body: { fileName: 'mine.png' } } });
		assert.deepEqual([status, body.code], [404, 'no_such_image'], `${method} ${more}`);
	}
	for (const name of ['alice', 'bob'])   /* an administrator's calls */
		assert.deepEqual([(await ask('GET', '/users', { as: await token(name) })).body.code, (await ask('GET', '/keys', { as: await token(name) })).status], ['scope_missing', 403]);
	const { body: me } = await ask('GET', '/me', { as: alice });
	assert.deepEqual([me.kind, me.admin, me.owner, me.subject, me.usage.images, me.quota], ['user', false, ownerOf('alice'), 'alice', 1, { images: 3 }]);
	assert.equal((await ask('DELETE', `/images/${hers}`, { as: alice })).status, 204);
});

test('tokens that are not valid are refused by each function, and what the gateway says of a caller is not read', async () => {
	const bad = { 'of another client': await token('eve', null, (header, payload) => { payload.client_id = 'another'; }),
		'an ID token': await token('eve', null, (header, payload) => Object.assign(payload, { token_use: 'id', aud: CLIENT })),
		expired: await token('eve', null, (header, payload) => { payload.exp = payload.iat - 100; }),
		forged: (await token('eve')).replace(/.{8}$/, 'AAAAAAAA') };
	for (const [what, as] of Object.entries(bad))
		for (const [method, path] of [['POST', '/upload'], ['GET', '/images'], ['GET', '/users'], ['GET', '/limits']])
			assert.deepEqual([(await ask(method, path, { as, ...method === 'POST' && { body: {} } })).body.code, what], ['token_invalid', what]);
	const claims = { sub: 'root', 'cognito:groups': 'admins' };
	for (const name of AWARE) {
		const path = { upload: '/upload', images: '/images', manage: '/users' }[name], method = name === 'upload' ? 'POST' : 'GET', body = name === 'upload' ? '{"fileName":"a.png","fileType":"image/png"}' : null;
		for (const [event, authorizer] of [[eventV1({ method, path, body }), { claims, principalId: 'root' }], [eventV2({ method, path, body }), { jwt: { claims }, lambda: claims }]]) {
			Object.assign(event.requestContext, { authorizer });
			assert.equal(readAnswer(await functions[name].invoke(event)).status, 401, name);
		}
	}
});

test('administrators are those whose token has the group, and no other whose name has it in it', async () => {
	const users = async groups => (await ask('GET', '/users', { as: await token('carol', groups) })).status;
	assert.deepEqual([await users(['staff', 'admins']), await users(['x,admins']), await users(['nonadmins']), await users(null)], [200, 403, 403, 403]);
});

test('an administrator limits a user, and deletes a user with all that is theirs', async () => {
	const admin = await token('carol', ['admins']), dave = await token('dave'), owner = ownerOf('dave');
	const image = await upload(dave);
	assert.deepEqual((await ask('PUT', `/users/${owner}/quota`, { as: admin, body: { images: 1 } })).body.quota, { images: 1 });
	assert.deepEqual([(await slotOf(dave)).body.code, (await ask('GET', '/me', { as: dave })).body.quota], ['quota_full', { images: 1 }]);
	assert.deepEqual((await ask('DELETE', `/users/${owner}/quota`, { as: admin })).body.quota, { images: 3 });
	assert.equal((await slotOf(dave)).status, 200);
	await eventually(async () => (await ask('DELETE', `/users/${owner}`, { as: admin })).body.done, { what: 'the user is deleted' });
	assert.deepEqual([(await ask('GET', `/images/${image}`, { as: admin })).status, await cloud.head(`images/${image}.png`), (await ask('GET', `/users/${owner}`, { as: admin })).status], [404, false, 404]);
});

test('an API key is good for all functions and none of them a moment after it was removed', async () => {
	const admin = await token('carol', ['admins']), { body: key } = await ask('POST', '/keys', { as: admin, body: { name: 'backup', scopes: ['read'] } });
	assert.equal((await ask('GET', '/images', { as: key.key })).status, 200);
	assert.equal((await slotOf(key.key)).body.code, 'scope_missing');
	assert.match((await ask('GET', '/keys', { as: admin })).body.keys.find(one => one.keyId === key.keyId).usedAt, /:00:00/);
	assert.equal((await ask('DELETE', `/keys/${key.keyId}`, { as: admin })).status, 204);
	for (const [method, path] of [['GET', '/images'], ['POST', '/upload'], ['GET', '/users']])
		assert.equal((await ask(method, path, { as: key.key, ...method === 'POST' && { body: {} } })).body.code, 'token_invalid');
});

test('the administrator\'s key is read from its parameter once, when it is first sent, and is nowhere in the logs', async () => {
	for (let i = 0; i < 3; i++)
		for (const path of ['/users', '/images', '/limits'])
			assert.equal((await ask('GET', path, { as: KEY })).status, 200);
	assert.equal((await ask('GET', '/users', { as: `${KEY}x` })).body.code, 'token_invalid');
	assert.equal((await ask('GET', '/me', { as: KEY })).body.admin, true);
	assert.deepEqual(AWARE.map(ssmCalls), [1, 1, 1]);
	for (const one of Object.values(functions))
		assert.ok(!one.stdout.includes(KEY) && !one.stderr.includes(KEY));
});

test('a parameter that is missing or no key fails the calls that need it and no other', async () => {
	const kept = functions.images;
	try {
		for (const [value, cause] of [[undefined, /ParameterNotFound.*\S$/], ['short', /at least 16.*\S$/], ['a.key.that-looks-like-a-token', /looks like a token.*\S$/]]) {
			const name = `/tintype/other${String(value).length}`;
			if (value)
				cloud.parameters.set(name, { Name: name, Type: 'SecureString', Value: value });
			functions.images = await start('images', { ...variables.images, TINTYPE_API_KEY_PARAMETER: name });
			const refused = await ask('GET', '/images', { as: KEY });
			assert.deepEqual([refused.status, refused.body.code, refused.headers.get('retry-after')], [503, 'identity_unreachable', '5']);
			assert.equal((await ask('GET', '/images', { as: await token('alice') })).status, 200);
			await functions.images.lines(all => all.some(line => cause.test(line.cause)));
			assert.ok(!value || !functions.images.stdout.includes(value));
			await functions.images.stop();
		}
	} finally {
		functions.images = kept;
	}
});

test('without its issuer a function starts, answers tokens with 503 and keys as ever, and knows users when the issuer is back', async () => {
	const kept = functions.images;
	issuer.mode = 'answers 500';
	functions.images = await start('images', variables.images);
	try {
		const as = await token('alice');
		await functions.images.lines(all => all.some(line => line.event === 'lambda.cold' && line.service === 'issuer'));
		const refused = await ask('GET', '/images', { as });
		assert.deepEqual([refused.status, refused.body.code, refused.headers.get('retry-after')], [503, 'identity_unreachable', '5']);
		assert.equal((await ask('GET', '/images', { as: KEY })).status, 200);
		issuer.mode = '';
		await eventually(async () => (await ask('GET', '/images', { as })).status === 200, { what: 'tokens to be verified' });
	} finally {
		issuer.mode = '';
		await functions.images.stop();
		functions.images = kept;
	}
});

test('the page is told where to sign in, also by a function that could not ask the issuer when it started', async () => {
	const kept = functions.upload, told = async () => (await ask('GET', '/limits')).body.signIn;
	assert.deepEqual([(await told()).issuer, (await told()).clientId, (await told()).scope], [issuer.url, CLIENT, 'openid tintype/upload tintype/read tintype/delete']);
	issuer.mode = 'refuses';
	functions.upload = await start('upload', variables.upload);
	try {
		assert.equal(await told(), undefined);
		issuer.mode = '';
		await eventually(told, { what: 'the page to be told' });
	} finally {
		issuer.mode = '';
		await functions.upload.stop();
		functions.upload = kept;
	}
});

test('with AnonymousUpload anybody may upload, and who has the delete token may delete that image', async () => {
	const kept = { ...functions }, open = await prepare({ ...PARAMETERS, AnonymousUpload: 'on' });
	try {
		for (const name of AWARE)
			functions[name] = await start(name, { ...variables[name], TINTYPE_UPLOAD: open[name].TINTYPE_UPLOAD });
		const { body: slot } = await slotOf(), without = await ask('POST', '/upload', { body: { fileName: 'a.png', fileType: 'image/png' } });
		assert.deepEqual([without.status, without.body.code], [400, 'bad_field'], 'S3 would take 5 GB from anybody');
		assert.equal((await ask('GET', `/images/${slot.imageId}`)).status, 401);
		assert.equal((await ask('DELETE', `/images/${slot.imageId}`, { as: slot.deleteToken.replace(/^./, one => one === 'A' ? 'B' : 'A') })).status, 404);
		assert.equal((await ask('DELETE', `/images/${slot.imageId}`, { as: slot.deleteToken })).status, 204);
	} finally {
		for (const name of AWARE)
			await functions[name].stop();
		Object.assign(functions, kept);
	}
});

test('with TokenScopes a token may do what its scopes allow, also if it is of another client of the pool', async () => {
	const kept = { ...functions }, limited = await prepare({ ...PARAMETERS, TokenScopes: 'tintype/*', OidcAudience: 'another-client' });
	const scoped = (words, groups) => token('alice', groups, (header, payload) => Object.assign(payload, { client_id: 'another-client', scope: words.map(word => `tintype/${word}`).join(' ') }));
	try {
		for (const name of AWARE)
			functions[name] = await start(name, { ...variables[name], TINTYPE_OIDC_SCOPES: limited[name].TINTYPE_OIDC_SCOPES, TINTYPE_OIDC_AUDIENCE: limited[name].TINTYPE_OIDC_AUDIENCE });
		const all = await scoped(['upload', 'read', 'delete']), id = await upload(all);
		const may = async as => {
			const calls = [await slotOf(as), await ask('GET', `/images/${id}`, { as }), await ask('PATCH', `/images/${id}`, { as, body: { fileName: 'b.png' } }), await ask('GET', '/users', { as })];
			return [...calls.map(one => one.status), (await ask('GET', '/me', { as })).body.scopes];
		};
		assert.deepEqual(await may(all), [200, 200, 200, 403, ['upload', 'read', 'delete']]);
		assert.deepEqual(await may(await scoped(['read'])), [403, 200, 403, 403, ['read']]);
		assert.deepEqual(await may(await scoped([])), [403, 403, 403, 403, []]);
		assert.deepEqual((await may(await scoped(['read'], ['admins']))).slice(-2), [403, ['read']]);
		assert.equal((await may(await scoped(['upload', 'read', 'delete'], ['admins'])))[3], 200);
		const refused = await ask('DELETE', `/images/${id}`, { as: await scoped(['upload', 'read', 'deleted']) });
		assert.deepEqual([refused.status, refused.body.code, refused.headers.get('www-authenticate')], [403, 'scope_missing', 'Bearer error="insufficient_scope", scope="delete"']);
		assert.equal((await ask('DELETE', `/images/${id}`, { as: await scoped(['delete']) })).status, 204);
		assert.equal((await ask('GET', '/images', { as: KEY })).status, 200);
	} finally {
		for (const name of AWARE)
			await functions[name].stop();
		Object.assign(functions, kept);
	}
});

test('other forms of Auth give what starts, and are never open to all', async () => {
	const oidc = { BucketName: 'pictures', Auth: 'oidc', OidcIssuer: 'https://id.example/', OidcAudience: 'images', OidcAdmin: '/groups=admins' };
	const pinned = JSON.stringify(await (await fetch(`${issuer.url}/jwks`)).json());
	for (const [parameters, more] of [[{ ...oidc, OidcKeys: pinned }, {}], [{ ...oidc, OidcAudience: '', OidcParties: 'https://page.example', OidcKeys: pinned }, {}],
		[{ ...PARAMETERS, UserPoolArn: 'arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Pool' }, { TINTYPE_OIDC_JWKS: pinned, TINTYPE_OIDC_CLIENT_ID: '' }]]) {
		const env = await prepare(parameters);
		assert.equal(env.images.TINTYPE_OIDC_ISSUER, parameters.Auth === 'oidc' ? 'https://id.example/' : 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool');
		for (const name of AWARE) {
			const one = await start(name, { ...env[name], ...more });
			const path = name === 'manage' ? '/users' : '/images', answer = readAnswer(await one.invoke(eventV1({ method: name === 'upload' ? 'POST' : 'GET', path: name === 'upload' ? '/upload' : path, body: name === 'upload' ? '{"fileName":"a.png","fileType":"image/png"}' : null })));
			assert.equal(answer.status, 401, `${name}: ${answer.body}`);
			await one.stop();
		}
	}
});

/* Last, because it judges what the tests above have called. */
test('each function that knows callers read the parameter, and all of them called nothing that their role does not grant', async () => {
	for (const [name, role] of Object.entries(ROLES)) {
		const called = new Set(cloud.calls().filter(one => one.key === keys[name]).flatMap(actionsOf)), wanted = granted[role].flatMap(one => one.Action);
		assert.deepEqual([...called].filter(action => !wanted.includes(action)), [], role);
		assert.equal(called.has('ssm:GetParameter'), AWARE.includes(name), role);
	}
});
