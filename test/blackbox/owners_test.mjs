// Two users of one server, by tokens of the issuer and by an application that acts for them: neither sees, changes or
// deletes the other's images by any route, list or cursor, and to each the other's do not exist.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { startReceiver, webhookEnv } from './support/receiver.mjs';
import { call, eventually, openSlot, putBytes, runProgram, startServer, tinyPng, uploadImage } from './support/server.mjs';

const KEY = 'k3y-of-the-administrator-1234567890', SECRET = 'a secret of at least thirty-two bytes', ISSUER = 'https://issuer.example/', AUDIENCE = 'pictures';
const users = { TINTYPE_OIDC_ISSUER: ISSUER, TINTYPE_OIDC_AUDIENCE: AUDIENCE, TINTYPE_OIDC_ALGORITHMS: 'HS256', TINTYPE_OIDC_SECRET: SECRET,
	TINTYPE_OIDC_ADMIN: '/roles=chief', TINTYPE_API_KEY: KEY };
const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url');
const ownerOf = (issuer, subject) => createHash('sha256').update(`${issuer}\n${subject}`).digest('hex').slice(0, 32);

/** A token of the application, signed with HS256. */
function token(sub, more = {}, secret = SECRET) {
	const now = Math.floor(Date.now() / 1000);
	const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ iss: ISSUER, aud: AUDIENCE, sub, iat: now, exp: now + 600, ...more })}`;
	return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const noImage = (answer, what) => assert.deepEqual([answer.status, answer.json?.code], [404, 'no_such_image'], what);

/** Every call that names one image. */
const onImage = [['GET', ''], ['GET', '?wait=1'], ['GET', '/file'], ['GET', '/thumbnail?size=small'], ['POST', '/complete'],
	['POST', '/links', { expiresIn: 60 }], ['PATCH', '', { fileName: 'taken.png' }], ['DELETE', '']];

const kinds = {
	'users with tokens': [users, name => ({ key: token(name) }), name => ownerOf(ISSUER, name), ''],
	'users of an application that acts for them': [{ TINTYPE_API_KEY: KEY }, () => ({ key: KEY }), name => ownerOf('app', name), 'onBehalfOf'],
};

for (const [kind, [env, auth, owner, parameter]] of Object.entries(kinds))
	describe(kind, () => {
		let server, receiver;
		before(async () => {
			receiver = await startReceiver();
			server = await startServer({ env: webhookEnv(receiver, env) });
		});
		after(async () => {
			await server?.stop();
			await receiver?.stop();
		});
		const as = (name, target) => parameter ? `${target}${target.includes('?') ? '&' : '?'}${parameter}=${name}` : target;
		const ask = (name, method, target, json) => call(server, method, as(name, target), { ...auth(name), ...json && { json } });
		const slotOf = (name, more = {}) => openSlot(server, { ...more, ...parameter && { [parameter]: name } }, auth(name));
		async function uploadAs(name) {
			const slot = await slotOf(name);
			assert.equal((await putBytes(slot, tinyPng)).status, 200);
			return slot.imageId;
		}

		test('to each user the other\'s image does not exist, by any call, and stays as it was', async () => {
			const hers = await uploadAs('alice'), pending = (await slotOf('alice')).imageId;
			for (const id of [hers, pending, '00000000-0000-4000-8000-000000000000'])
				for (const [method, more, json] of onImage)
					noImage(await ask('bob', method, `/images/${id}${more}`, json), `${method} ${id}${more}`);
			const many = await ask('bob', 'POST', '/images/delete', { imageIds: [hers] });
			assert.deepEqual(many.json, { results: [{ imageId: hers, deleted: false, code: 'no_such_image' }], deleted: 0 });
			const record = await ask('alice', 'GET', `/images/${hers}`);
			assert.deepEqual([record.status, record.json.status, record.json.fileName, record.json.owner], [200, 'uploaded', 'picture.png', undefined]);
			const other = await call(server, 'GET', `/images/${hers}`, { key: KEY });
			assert.equal(other.json.owner, owner('alice'), 'an administrator sees whose it is');
		});

		test('lists have the caller\'s own images, and a cursor is of no use to another', async () => {
			const hers = [await uploadAs('carol'), await uploadAs('carol')], his = [await uploadAs('dave'), await uploadAs('dave')];
			const ids = answer => answer.json.images.map(image => image.imageId).sort();
			assert.deepEqual(ids(await ask('carol', 'GET', '/images')), hers.sort());
			assert.deepEqual(ids(await ask('dave', 'GET', '/images')), his.sort());
			const { json: { nextCursor } } = await ask('carol', 'GET', '/images?limit=1');
			assert.ok(nextCursor);
			assert.equal((await ask('carol', 'GET', `/images?limit=1&cursor=${encodeURIComponent(nextCursor)}`)).status, 200);
			assert.equal((await ask('dave', 'GET', `/images?limit=1&cursor=${encodeURIComponent(nextCursor)}`)).json.code, 'bad_cursor');
			const taken = await ask('dave', 'GET', `/images?owner=${owner('carol')}`);
			assert.deepEqual([taken.status, taken.json.code], [403, 'scope_missing']);
			assert.deepEqual(ids(await call(server, 'GET', `/images?owner=${owner('carol')}`, { key: KEY })), hers.sort());
			const all = ids(await call(server, 'GET', '/images', { key: KEY }));
			assert.ok([...hers, ...his].every(id => all.includes(id)));
		});

		test('a webhook says whose image it is of, and a call that waits for another\'s image is told nothing of it', async () => {
			const names = ['hans', 'ida'], images = new Map();
			for (const name of names) {
				const { imageId } = await slotOf(name), bad = await slotOf(name);
				images.set(await uploadAs(name), name).set(bad.imageId, name).set(imageId, name);
				assert.equal((await putBytes(bad, Buffer.from('no picture'))).status, 400);
				assert.equal((await ask(name, 'DELETE', `/images/${imageId}`)).status, 204);
			}
			const told = await eventually(() => {
				const found = receiver.events().filter(({ data }) => images.has(data.imageId));
				return found.length >= images.size && found;
			}, { what: 'a webhook for each' });
			assert.deepEqual(receiver.faults, []);
			for (const { type, data } of told) {
				const name = images.get(data.imageId), other = names.find(one => one !== name);
				assert.deepEqual([data.owner, data.subject], [owner(name), name], type);
				assert.ok(!JSON.stringify(data).includes(owner(other)));
			}
			const slot = await slotOf('hans');
			const [his, hers] = [ask('hans', 'GET', `/images/${slot.imageId}?wait=25`), ask('ida', 'GET', `/images/${slot.imageId}?wait=25`)];
			noImage(await hers, 'at once, while it is pending');
			assert.equal((await putBytes(slot, tinyPng)).status, 200);
			assert.equal((await his).json.status, 'uploaded');
		});

		test('the owner changes and deletes it; there is no delete token', async () => {
			const slot = await slotOf('erin');
			assert.ok(!('deleteToken' in slot));
			const id = await uploadAs('erin');
			assert.equal((await ask('erin', 'PATCH', `/images/${id}`, { fileName: 'mine.png' })).json.fileName, 'mine.png');
			assert.equal((await ask('erin', 'DELETE', `/images/${id}`)).status, 204);
			noImage(await ask('erin', 'GET', `/images/${id}`));
		});
	});

describe('tokens', () => {
	let server;
	before(async () => { server = await startServer({ env: { ...users, TINTYPE_UPLOAD: 'open', TINTYPE_TRUSTED_PROXIES: '127.0.0.1' } }); });
	after(() => server?.stop());
	let clients = 0;
	const list = (key, target = '/images') => call(server, 'GET', target, { key, headers: { 'X-Forwarded-For': `192.0.2.${++clients}` } });

	test('a token that is not valid is 401 on every call, open ones too, and never anonymous', async () => {
		const now = Math.floor(Date.now() / 1000), good = token('alice');
		const wrong = { expired: token('alice', { exp: now - 600 }), 'another secret': token('alice', {}, 'another secret of thirty-two bytes'), 'another audience': token('alice', { aud: 'x' }),
			'another issuer': token('alice', { iss: 'https://other.example/' }), 'without a subject': token(undefined), cut: good.slice(0, -1), 'with a part more': `${good}.x`,
			'not signed': `${encode({ alg: 'none' })}.${good.split('.')[1]}.` };
		for (const [what, text] of Object.entries(wrong))
			for (const [method, target, json] of [['GET', '/images'], ['GET', '/limits'], ['POST', '/upload', { fileName: 'a.png', fileType: 'image/png' }], ['DELETE', '/images/00000000-0000-4000-8000-000000000000']]) {
				const answer = await call(server, method, target, { key: text, ...json && { json }, headers: { 'X-Forwarded-For': `198.51.100.${++clients % 256}` } });
				assert.deepEqual([answer.status, answer.json.code], [401, 'token_invalid'], `${what}: ${method} ${target}`);
				assert.match(answer.headers.get('www-authenticate'), what === 'expired' ? /invalid_token.*expired/ : /invalid_token.*not valid/, what);
			}
		assert.equal((await list(good)).status, 200);
	});

	test('a token is read from Authorization alone', async () => {
		assert.equal((await list(undefined, `/images?access_token=${token('alice')}`)).status, 401);
		const cookie = await call(server, 'GET', '/images', { headers: { Cookie: `token=${token('alice')}` } });
		assert.deepEqual([cookie.status, cookie.headers.get('www-authenticate')], [401, 'Bearer']);
	});

	test('onBehalfOf takes a right that users do not have, and a text that names somebody', async () => {
		const refused = await list(token('alice'), '/images?onBehalfOf=bob');
		assert.deepEqual([refused.status, refused.json.code, refused.headers.get('www-authenticate')], [403, 'scope_missing', 'Bearer error="insufficient_scope", scope="act-as"']);
		for (const text of ['', 'x'.repeat(256), 'a%00b', 'a%0Ab', '%ff'])
			assert.equal((await list(KEY, `/images?onBehalfOf=${text}`)).status, 400, text);
		assert.equal((await list(KEY, `/images?onBehalfOf=${'x'.repeat(255)}`)).status, 200);
		const anonymous = await call(server, 'POST', '/upload', { json: { fileName: 'a.png', fileType: 'image/png', onBehalfOf: 'bob' } });
		assert.equal(anonymous.status, 401);
		const twice = await call(server, 'POST', '/upload?onBehalfOf=alice', { key: KEY, json: { fileName: 'a.png', fileType: 'image/png', onBehalfOf: 'bob' } });
		assert.equal(twice.status, 400);
	});

	test('a misspelled parameter is refused, so that nobody acts in the name of another than it means', async () => {
		for (const [method, target, json] of [['GET', '/images?onbehalfof=bob'], ['GET', '/images/00000000-0000-4000-8000-000000000000?on_behalf_of=bob'], ['POST', '/upload?onBehalfof=bob', { fileName: 'a.png', fileType: 'image/png' }],
			['POST', '/images/delete?onBehalf=bob', { imageIds: ['00000000-0000-4000-8000-000000000000'] }], ['DELETE', '/images/00000000-0000-4000-8000-000000000000?onbehalfOf=bob'], ['GET', '/me?subject=bob'],
			['GET', '/users?owner=bob'], ['POST', '/keys?onbehalfof=bob', { name: 'x', scopes: ['read'] }], ['GET', '/limits?onbehalfof=bob']]) {
			const answer = await call(server, method, target, { key: KEY, ...json && { json } });
			assert.deepEqual([answer.status, answer.json.code], [400, 'bad_field'], target);
			assert.match(answer.json.detail, /is not known.*onBehalfOf/);
		}
	});

	test('limits are those of the caller: with the quota of a user, and without what holds for anonymous callers', async () => {
		const { owner } = (await call(server, 'GET', '/me?onBehalfOf=lim', { key: KEY })).json;
		const limits = async (target, key) => { const { json } = await call(server, 'GET', target, { key }); return [json.quota, 'anonymousSlotsPerMinute' in json]; };
		assert.deepEqual(await limits('/limits'), [undefined, true]);
		assert.deepEqual(await limits('/limits', KEY), [undefined, false]);
		assert.deepEqual(await limits('/limits', token('lim')), [{}, false]);
		assert.equal((await call(server, 'PUT', `/users/${owner}/quota`, { key: KEY, json: { images: 3 } })).status, 200);
		assert.deepEqual(await limits('/limits?onBehalfOf=lim', KEY), [{ images: 3 }, false]);
	});

	test('a claim makes an administrator, who sees all; an almost equal one does not', async () => {
		const { slot } = await uploadImage(server, { key: token('alice') });
		assert.equal((await list(token('root', { roles: ['chief'] }), `/images/${slot.imageId}`)).status, 200);
		assert.equal((await list(token('root', { roles: ['chiefs', 'nochief'] }), `/images/${slot.imageId}`)).status, 404);
	});

	test('where uploads are open an anonymous slot is nobody\'s: its token deletes it, and a wrong one finds no image', async () => {
		const slot = await openSlot(server), target = `/images/${slot.imageId}`;
		noImage(await list(token('alice'), target));
		noImage(await call(server, 'DELETE', target, { headers: { 'X-Delete-Token': 'x'.repeat(43) } }));
		assert.equal((await call(server, 'DELETE', target, { headers: { 'X-Delete-Token': slot.deleteToken } })).status, 204);
	});
});

describe('API keys', () => {
	let server;
	before(async () => { server = await startServer({ env: { TINTYPE_API_KEY: KEY, TINTYPE_TRUSTED_PROXIES: '127.0.0.1' } }); });
	after(() => server?.stop());
	async function add(scopes, more = {}, query = '') {
		const answer = await call(server, 'POST', `/keys${query}`, { key: KEY, json: { name: 'a key', scopes, ...more } });
		assert.equal(answer.status, 201, answer.text);
		assert.match(answer.json.key, /^tk_[\w-]{8}_[\w-]{49}$/);
		return answer.json;
	}
	let clients = 0;
	const status = async (key, method, target, json) => (await call(server, method, target, { key, ...json && { json }, headers: { 'X-Forwarded-For': `203.0.113.${++clients}` } })).status;
	const slot = { fileName: 'a.png', fileType: 'image/png' };

	test('a key may what its scopes say, and nothing else', async () => {
		const { slot: { imageId } } = await uploadImage(server, { key: KEY }), target = `/images/${imageId}`;
		const upload = (await add(['upload'])).key, read = (await add(['read'])).key, remove = (await add(['delete'])).key, acts = (await add(['act-as', 'read'])).key, admin = (await add(['admin'])).key;
		const rows = [['POST', '/upload', slot, [upload, admin]], ['PATCH', target, { fileName: 'b.png' }, [upload, admin]], ['GET', '/images', null, [read, acts, admin]], ['GET', target, null, [read, acts, admin]],
			['GET', '/images?onBehalfOf=alice', null, [acts, admin]], ['GET', '/keys', null, [admin]], ['POST', '/images/delete', { imageIds: [] }, [remove, admin]], ['DELETE', target, null, [remove]]];
		for (const [method, to, json, able] of rows)
			for (const key of [upload, read, acts, remove, ...method === 'DELETE' ? [] : [admin]]) {
				const answer = await call(server, method, to, { key, ...json && { json } });
				assert.equal(answer.status === 403 && answer.json.code === 'scope_missing', !able.includes(key), `${method} ${to} ${[upload, read, acts, remove, admin].indexOf(key)}: ${answer.text}`);
			}
	});

	test('a removed, an expired and an altered key is 401 at once', async () => {
		const { key, keyId } = await add(['read']);
		assert.equal(await status(key, 'GET', '/images'), 200);
		const { json } = await call(server, 'GET', '/keys', { key: KEY });
		assert.ok(json.keys.find(one => one.keyId === keyId).usedAt);
		assert.ok(!JSON.stringify(json).includes(key) && !server.log.join('\n').includes(key));
		assert.equal(await status(`${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`, 'GET', '/images'), 401);
		assert.equal(await status(KEY, 'DELETE', `/keys/${keyId}`), 204);
		assert.equal(await status(key, 'GET', '/images'), 401);
		assert.equal(await status(key, 'GET', '/limits'), 401);
		assert.equal(await status(KEY, 'DELETE', `/keys/${keyId}`), 404);
	});

	test('a key of one user is that user, and can be no more', async () => {
		const { key, owner } = await add(['upload', 'read', 'delete'], {}, '?onBehalfOf=frank');
		assert.equal(owner, ownerOf('app', 'frank'));
		const mine = await uploadImage(server, { key }), others = await uploadImage(server, { key: KEY });
		assert.equal(await status(key, 'GET', `/images/${mine.slot.imageId}`), 200);
		assert.equal(await status(key, 'GET', `/images/${others.slot.imageId}`), 404);
		assert.equal(await status(key, 'DELETE', `/images/${others.slot.imageId}`), 404);
		assert.equal(await status(KEY, 'POST', '/keys?onBehalfOf=frank', { name: 'more', scopes: ['admin'] }), 400);
		assert.equal((await add(['read'], { owner })).owner, owner);
		assert.equal((await add(['read'], { owner }, '?onBehalfOf=frank')).owner, owner);
		assert.equal(await status(KEY, 'POST', '/keys', { name: 'more', scopes: ['act-as'], owner }), 400);
		assert.equal(await status(KEY, 'POST', '/keys?onBehalfOf=grace', { name: 'more', scopes: ['read'], owner }), 400);
		assert.equal(await status(KEY, 'POST', '/keys', { name: 'more', scopes: ['read'], owner: ownerOf('app', 'nobody') }), 404);
	});

	test('what a request for a key must be', async () => {
		for (const json of [{}, { name: 'x' }, { name: 'x', scopes: [] }, { name: 'x', scopes: ['all'] }, { name: 'x', scopes: 'read' }, { name: '', scopes: ['read'] }, { name: 'x', scopes: ['read'], expiresIn: 0 },
			{ name: 'x', scopes: ['read'], owner: 'y' }])
			assert.equal(await status(KEY, 'POST', '/keys', json), 400, JSON.stringify(json));
		assert.equal(await status(undefined, 'GET', '/keys'), 401);
	});
});

describe('settings that do not go together', () => {
	const refused = { 'access=open with an issuer': [{ ...users, TINTYPE_ACCESS: 'open' }, /exclude each other/], '--open with an issuer': [{ ...users, TINTYPE_OPEN: 'on' }, /exclude each other/],
		'access=user without an issuer': [{ TINTYPE_ACCESS: 'user' }, /TINTYPE_OIDC_ISSUER/], 'upload=user without an issuer': [{ TINTYPE_UPLOAD: 'user' }, /TINTYPE_OIDC_ISSUER/],
		'a key that looks like a token': [{ TINTYPE_API_KEY: 'abcdefgh.abcdefgh.abcdefgh' }, /looks like a token/] };
	for (const [what, [env, text]] of Object.entries(refused))
		test(`${what} refuses to start`, async () => {
			const run = await runProgram(['serve', '--api', '127.0.0.1:0', '--storage', '127.0.0.1:0', '--admin', '127.0.0.1:0'], { env });
			assert.equal(run.code, 2, run.stderr);
			assert.match(run.stderr, text);
		});
});
