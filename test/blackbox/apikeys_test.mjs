// `tintype apikeys` and the calls for administrators about users, against a real server: keys for applications, with scopes, a user and
// an end; who a caller is; quotas of single users; deleting a user.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { call, eventually, openSlot, runProgram, startServer, uploadImage } from './support/server.mjs';

const admin = 'the key of the operator of this server';
let server;

before(async () => { server = await startServer({ env: { TINTYPE_API_KEY: admin, TINTYPE_UPLOAD: 'key' } }); });
after(() => server?.stop());

const apikeys = (...args) => runProgram(['apikeys', ...args], { env: { TINTYPE_ENDPOINT: server.api, TINTYPE_API_KEY: admin } });

/** Make a key: its text. */
async function addKey(name, ...args) {
	const ended = await apikeys('add', name, ...args);
	assert.equal(ended.code, 0, ended.stderr);
	assert.match(ended.stdout, /^tk_[\w-]+\n$/);
	return ended.stdout.trim();
}

test('a key is printed alone, does what its scopes allow, is listed with its use, and is not valid once it is removed', async () => {
	const key = await addKey('reader', '--scope', 'read');
	assert.equal((await call(server, 'GET', '/images', { key })).status, 200);
	const refused = await call(server, 'POST', '/upload', { key, json: { fileName: 'a.png', fileType: 'image/png' } });
	assert.deepEqual([refused.status, refused.json.code], [403, 'scope_missing']);
	const listed = (await apikeys('list', '--json')).stdout.trim().split('\n').map(line => JSON.parse(line)).find(one => one.name === 'reader');
	assert.deepEqual([listed.scopes, typeof listed.usedAt, listed.key], [['read'], 'string', undefined]);
	const table = (await apikeys('list')).stdout;
	assert.ok(table.includes(listed.keyId) && table.includes('reader') && !table.includes(key));
	assert.deepEqual(JSON.parse((await apikeys('rm', listed.keyId, '--json')).stdout), { keyId: listed.keyId, removed: true });
	const gone = await call(server, 'GET', '/images', { key });
	assert.deepEqual([gone.status, gone.json.code], [401, 'token_invalid']);
	assert.equal((await apikeys('rm', listed.keyId)).code, 1);
	assert.ok(!server.log.join('\n').includes(key), 'the key is not in the log');
});

test('a key of one user sees that user’s images alone', async () => {
	const app = await addKey('app', '--scope', 'upload,read,delete,act-as');
	const mine = await addKey('of ann', '--scope', 'upload,read', '--on-behalf-of', 'ann');
	await uploadImage(server, { key: app, onBehalfOf: 'ben', fileName: 'ben.png' });
	await uploadImage(server, { key: mine, fileName: 'ann.png' });
	const names = async key => (await call(server, 'GET', '/images', { key })).json.images.map(image => image.fileName);
	assert.deepEqual(await names(mine), ['ann.png']);
	assert.deepEqual((await names(app)).sort(), ['ann.png', 'ben.png']);
	const me = (await call(server, 'GET', '/me', { key: mine })).json;
	assert.deepEqual([me.kind, me.admin, me.subject, me.usage.images, me.scopes], ['key', false, 'ann', 1, ['upload', 'read']]);
	const { owner } = (await call(server, 'GET', '/me?onBehalfOf=ben', { key: app })).json;
	assert.deepEqual(await names(await addKey('of ben', '--scope', 'read', '--owner', owner)), ['ben.png']);
});

test('a key with an end is not valid after it', async () => {
	const key = await addKey('short', '--scope', 'read', '--expires', '1s');
	await eventually(async () => (await call(server, 'GET', '/images', { key })).status === 401, { what: 'the end of the key' });
});

test('wrong use is refused with what to do', async () => {
	for (const [args, why] of [
		[['add', 'x'], /--scope/], [['add', 'x', '--scope', 'everything'], /scopes may contain only/], [['list', 'x'], /unexpected argument "x"/], [['list', '--scope', 'read'], /list does not take --scope/], [['rm', 'x', '--owner', 'y'], /rm does not take --owner/], [['rm'], /by its ID/],
		[['remove', 'x'], /add, list and rm/], [['add', 'x', '--scope', 'read', '--expires', 'soon'], /a time like/], [['add', 'x', '--scope', 'admin', '--on-behalf-of', 'ann'], /one user/],
		[['add', 'x', '--scope', 'read', '--owner', 'ann'], /onBehalfOf/], [['add', 'x', '--scope', 'read', '--owner', '0'.repeat(32)], /no user/],
	]) {
		const ended = await apikeys(...args);
		assert.notEqual(ended.code, 0, args.join(' '));
		assert.match(ended.stderr, why, args.join(' '));
	}
	const none = await runProgram(['apikeys', 'list'], { env: { TINTYPE_ENDPOINT: server.api, TINTYPE_API_KEY: null } });
	assert.equal(none.code, 1);
});

test('a user has a quota of its own until it is taken back, and is deleted with everything that is theirs', async () => {
	const app = await addKey('quota', '--scope', 'upload,read,delete,act-as'), own = await addKey('of cleo', '--scope', 'upload,read', '--on-behalf-of', 'cleo');
	const { image } = await uploadImage(server, { key: app, onBehalfOf: 'cleo' });
	const { owner } = (await call(server, 'GET', '/me?onBehalfOf=cleo', { key: app })).json;
	const users = (await call(server, 'GET', '/users?limit=1000', { key: admin })).json.users;
	assert.ok(users.some(user => user.owner === owner && user.subject === 'cleo' && user.usage.images === 1));
	assert.equal((await call(server, 'GET', '/users', { key: app })).status, 403);
	const set = await call(server, 'PUT', `/users/${owner}/quota`, { key: admin, json: { images: 1 } });
	assert.deepEqual([set.status, set.json.ownQuota, set.json.quota], [200, true, { images: 1 }]);
	const full = await call(server, 'POST', '/upload', { key: app, json: { fileName: 'a.png', fileType: 'image/png', onBehalfOf: 'cleo' } });
	assert.deepEqual([full.status, full.json.code], [403, 'quota_full']);
	assert.deepEqual((await call(server, 'DELETE', `/users/${owner}/quota`, { key: admin })).json.quota, {});
	await openSlot(server, { onBehalfOf: 'cleo' }, { key: app });
	const erased = await call(server, 'DELETE', `/users/${owner}`, { key: admin });
	assert.deepEqual([erased.status, erased.json], [200, { owner, deletedImages: 2, done: true }]);
	assert.equal((await call(server, 'GET', `/images/${image.imageId}`, { key: admin })).status, 404);
	assert.equal((await call(server, 'GET', `/users/${owner}`, { key: admin })).status, 404);
	assert.equal((await call(server, 'GET', '/images', { key: own })).status, 401, 'the keys of a user go with it');
});
