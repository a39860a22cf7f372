// Access control: open and with a key, slots with a key, delete tokens; the host names that each listener
// accepts (DNS rebinding); pages of other sites at the admin listener. All forms of Host: listener_test.mjs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { call, fetchUrl, openSlot, putBytes, rawRequest, startServer, tinyPng, uploadImage } from './support/server.mjs';

const KEY = 'k3y-of-the-owner-1234567890';
const slotBody = { json: { fileName: 'a.png', fileType: 'image/png' } };

// Request -> its group: open to all, slots, or reading and changing images.
const calls = {
	'POST /upload': [() => ['POST', '/upload', slotBody], 'slots', 200],
	'GET /images': [() => ['GET', '/images'], 'images', 200],
	'HEAD /images': [() => ['HEAD', '/images'], 'images', 200],
	'GET /images/{imageId}': [id => ['GET', `/images/${id}`], 'images', 200],
	'GET /images/{imageId}/file': [id => ['GET', `/images/${id}/file`], 'images', 302],
	'GET /images/{imageId}/thumbnail': [id => ['GET', `/images/${id}/thumbnail?size=small`], 'images', 302],
	'POST /images/{imageId}/complete': [id => ['POST', `/images/${id}/complete`], 'images', 200],
	'GET /limits': [() => ['GET', '/limits'], null, 200],
	'OPTIONS /images': [() => ['OPTIONS', '/images'], null, 204],
	'OPTIONS /images/{imageId}': [id => ['OPTIONS', `/images/${id}`], null, 204],
	'DELETE /images/{imageId}': [id => ['DELETE', `/images/${id}`], 'images', 204],
};

const credentials = {
	'no key': [{}, false],
	'the key': [{ Authorization: `Bearer ${KEY}` }, true],
	'the key with another case of the scheme': [{ Authorization: `bEARER ${KEY}` }, true],
	'a wrong key': [{ Authorization: `Bearer ${KEY}x` }, false, 'fails'],
	'the beginning of the key': [{ Authorization: `Bearer ${KEY.slice(0, -1)}` }, false, 'fails'],
	'an empty key': [{ Authorization: 'Bearer ' }, false, 'fails'],
	'the key by Basic': [{ Authorization: `Basic ${Buffer.from(`:${KEY}`).toString('base64')}` }, false, 'fails'],
	'the key without a scheme': [{ Authorization: KEY }, false, 'fails'],
	'a token of an unknown issuer': [{ Authorization: 'Bearer a.b.c' }, false, 'fails'],
	'the key in a header of its own': [{ 'X-Api-Key': KEY }, false],
	'the key in the query': [{}, false, '', `?access_token=${KEY}&key=${KEY}`],
};

const modes = {
	open: { env: {}, needs: [] },
	'a key on loopback, as behind a proxy': { env: { TINTYPE_API_KEY: KEY }, needs: ['images'] },
	'a key, though all is open': { env: { TINTYPE_API_KEY: KEY, TINTYPE_ACCESS: 'open' }, needs: [] },
	'a key, and --open': { env: { TINTYPE_API_KEY: KEY, TINTYPE_OPEN: 'on' }, needs: [] },
	'access=key': { env: { TINTYPE_API_KEY: KEY, TINTYPE_ACCESS: 'key' }, needs: ['images'] },
	'upload=key': { env: { TINTYPE_API_KEY: KEY, TINTYPE_UPLOAD: 'key', TINTYPE_ACCESS: 'open' }, needs: ['slots'] },
	'access=key and upload=key': { env: { TINTYPE_API_KEY: KEY, TINTYPE_UPLOAD: 'key' }, needs: ['images', 'slots'] },
};

// Wrong keys are counted by client address: with this proxy each test is a client of its own.
const PROXY = { TINTYPE_TRUSTED_PROXIES: '127.0.0.1' };
let clients = 0;
const newClient = () => ({ 'X-Forwarded-For': `192.0.2.${++clients % 256}` });

for (const [mode, { env, needs }] of Object.entries(modes))
	describe(mode, () => {
		let server;
		before(async () => { server = await startServer({ env: { ...env, ...PROXY } }); });
		after(() => server?.stop());

		for (const [what, [headers, good, fails, query = '']] of Object.entries(credentials))
			test(what, async () => {
				const { slot } = await uploadImage(server, { key: env.TINTYPE_API_KEY });
				const client = newClient();
				for (const [name, [ask, needed, status]] of Object.entries(calls)) {
					const [method, target, options] = ask(slot.imageId);
					const answer = await call(server, method, target.includes('?') ? target : target + query, { ...options, headers: { ...headers, ...client } });
					const known = good && env.TINTYPE_API_KEY;
					if (!fails && !(good && !known) && (known || !needs.includes(needed))) {
						assert.equal(answer.status, query && /^(GET|HEAD) \/images$/.test(name) ? 400 : status, `${name}: ${answer.text}`);   // a list refuses parameters that it does not know
						continue;
					}
					if (answer.status === 429)   // more than ten of them
						continue;
					assert.equal(answer.status, 401, name);
					assert.match(answer.headers.get('www-authenticate'), fails || good ? /^Bearer error="invalid_token", error_description="[^"]+"$/ : /^Bearer$/, name);
					assert.equal(answer.headers.get('access-control-allow-origin'), '*', name);
					if (method !== 'HEAD')
						assert.equal(answer.json.code, fails || good ? 'token_invalid' : 'key_needed', name);
				}
			});
	});

describe('wrong keys and tokens, again and again', () => {
	let server;
	before(async () => { server = await startServer({ env: { ...modes['access=key'].env, ...PROXY } }); });
	after(() => server?.stop());
	const list = (address, key) => call(server, 'GET', '/images', { key, headers: address ? { 'X-Forwarded-For': address } : {} });

	test('the first ten wrong keys get 401, then 429; the right key always works', async () => {
		for (let i = 0; i < 20; i++)
			assert.equal((await list('198.51.100.1')).status, 401, 'none at all does not count');
		for (let i = 0; i < 10; i++)
			assert.equal((await list('198.51.100.1', `wrong-${i}`)).json.code, 'token_invalid');
		const answer = await list('198.51.100.1', 'wrong');
		assert.deepEqual([answer.status, answer.json.code, answer.headers.get('retry-after')], [429, 'too_many_tries', '60']);
		assert.equal((await list('198.51.100.1', KEY)).status, 200);
		assert.equal((await list('198.51.100.1', 'wrong')).status, 429);
		assert.equal((await list('198.51.100.2', 'wrong')).status, 401, 'another client');
		const { slot } = await uploadImage(server);
		const remove = token => call(server, 'DELETE', `/images/${slot.imageId}`, { headers: { 'X-Delete-Token': token, 'X-Forwarded-For': '198.51.100.1' } });
		assert.equal((await remove('wrong')).status, 429);
		assert.equal((await remove(slot.deleteToken)).status, 204);
	});

	test('delete tokens count with the keys, over all routes', async () => {
		const { slot } = await uploadImage(server);
		const headers = { 'X-Forwarded-For': '198.51.100.3' };
		for (let i = 0; i < 5; i++) {
			assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`, { headers: { ...headers, 'X-Delete-Token': `wrong-${i}` } })).status, 404);
			assert.equal((await call(server, 'POST', '/upload', { ...slotBody, key: 'wrong', headers })).status, 401);
		}
		assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`, { headers: { ...headers, 'X-Delete-Token': 'wrong' } })).status, 429);
		assert.equal((await list('198.51.100.3', 'wrong')).status, 429);
	});

	test('IPv6 addresses of one /64 are one client', async () => {
		for (let i = 0; i < 10; i++)
			assert.equal((await list(`2001:db8:0:1:${i}::1`, 'wrong')).status, 401);
		assert.equal((await list('2001:db8:0:1:ffff::1', 'wrong')).status, 429);
		assert.equal((await list('2001:db8:0:2::1', 'wrong')).status, 401);
	});

	test('an address that the client claims to have does not help it', async t => {
		const direct = await startServer({ env: modes['access=key'].env });
		t.after(() => direct.stop());
		const statuses = [];
		for (let i = 0; i < 12; i++)
			statuses.push((await call(direct, 'GET', '/images', { key: 'wrong', headers: { 'X-Forwarded-For': `203.0.113.${i}` } })).status);
		assert.deepEqual(statuses, [...Array(10).fill(401), 429, 429], 'on loopback too');
		assert.equal((await call(direct, 'GET', '/images', { key: KEY })).status, 200);
	});

	test('many clients neither block the right key nor reset the counted ones', async () => {
		for (let i = 0; i < 10; i++)
			await list('198.51.100.4', 'wrong');
		for (let i = 0; i < 50; i++)
			await Promise.all(Array.from({ length: 40 }, (_, k) => list(`10.0.${i}.${k}`, 'wrong')));
		assert.equal((await list('198.51.100.4', 'wrong')).status, 429);
		assert.equal((await list('198.51.100.4', KEY)).status, 200);
		assert.equal((await list('10.9.9.9', KEY)).status, 200);
	});
});

describe('delete tokens', () => {
	let server;
	before(async () => { server = await startServer({ env: { ...modes['access=key'].env, ...PROXY } }); });
	after(() => server?.stop());

	for (const [what, headers] of Object.entries({ 'as a bearer': token => ({ Authorization: `Bearer ${token}` }), 'in its own header': token => ({ 'X-Delete-Token': token }) }))
		test(`a token ${what} deletes its image, and does nothing else`, async () => {
			const { slot } = await uploadImage(server), { slot: other } = await uploadImage(server);
			const client = newClient(), mine = { headers: { ...headers(slot.deleteToken), ...client } };
			for (const [method, target] of [['GET', '/images'], ['GET', `/images/${slot.imageId}`], ['GET', `/images/${slot.imageId}/file`]])
				assert.equal((await call(server, method, target, mine)).status, 401, target);
			assert.deepEqual((({ status, json }) => [status, json.code])(await call(server, 'DELETE', `/images/${other.imageId}`, mine)), [404, 'no_such_image']);
			for (const wrong of [slot.deleteToken.slice(1), `${slot.deleteToken}x`, slot.deleteToken.toLowerCase(), 'x'])
				assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`, { headers: { ...headers(wrong), ...newClient() } })).status, what === 'as a bearer' && wrong.length !== 43 ? 401 : 404, wrong);
			assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`, mine)).status, 204);
			assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`, mine)).status, 404);
			assert.equal((await call(server, 'GET', `/images/${other.imageId}`, { key: KEY })).status, 200);
		});

	test('a slot without bytes can be deleted with its token', async () => {
		const slot = await openSlot(server);
		assert.equal((await call(server, 'DELETE', `/images/${slot.imageId}`, { headers: { 'X-Delete-Token': slot.deleteToken } })).status, 204);
		assert.equal((await putBytes(slot, tinyPng)).status, 403);
	});

	test('without a key responses do not show which images exist', async () => {
		const { slot } = await uploadImage(server, { key: KEY });
		for (const id of [slot.imageId, '00000000-0000-4000-8000-000000000000', 'x'])
			for (const [method, more] of [['GET', ''], ['GET', '/file'], ['DELETE', '']])
				assert.equal((await call(server, method, `/images/${id}${more}`)).status, 401, `${method} ${id}${more}`);
	});

	test('who sends a key gets no token, since the key deletes', async () => {
		assert.equal('deleteToken' in await openSlot(server, {}, { key: KEY }), false);
	});

	test('tokens belong to one slot, are long, and are stored hashed only', async () => {
		const tokens = new Set();
		for (let i = 0; i < 20; i++)
			tokens.add((await openSlot(server)).deleteToken);
		assert.equal(tokens.size, 20);
		for (const token of tokens)
			assert.match(token, /^[\w-]{43}$/);
	});
});

describe('hosts', () => {
	let server;
	before(async () => {
		server = await startServer({ args: ['--hosts', 'app.example,other.example', '--public-storage-url', 'https://pictures.example'] });
	});
	after(() => server?.stop());
	const targets = { api: '/prod/limits', storage: '/image-uploads/images/x', admin: '/healthz' };
	const ask = (listener, host) => rawRequest(server[listener], `GET ${targets[listener]} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
	const isBadHost = answer => answer.status === 403 && /is not a host of this server/.test(answer.body);

	for (const listener of Object.keys(targets)) {
		test(`a page whose name was rebound to this address (DNS rebinding) is refused by ${listener}`, async () => {
			const { port } = new URL(server[listener]);
			for (const host of [`evil.example:${port}`, 'evil.example', `127.0.0.1.evil.example:${port}`, `localhost.:${port}`, '10.0.0.1', '169.254.169.254']) {
				const answer = await ask(listener, host);
				assert.ok(isBadHost(answer), `${host}: ${answer.text}`);
			}
		});

		test(`configured names, and those of this machine, are accepted by ${listener}`, async () => {
			const { port } = new URL(server[listener]);
			for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'localhost', 'app.example', `OTHER.example:${port}`])
				assert.ok(!isBadHost(await ask(listener, host)), host);
		});
	}

	test('the public URL\'s name is accepted by the store, and URLs for it are valid there', async () => {
		const slot = await openSlot(server);
		assert.ok(slot.uploadUrl.startsWith('https://pictures.example/image-uploads/'));
		const { pathname, search } = new URL(slot.uploadUrl);
		const head = host => `PUT ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: image/png\r\nContent-Length: ${tinyPng.length}\r\n\r\n`;
		const put = host => rawRequest(server.storage, Buffer.concat([Buffer.from(head(host)), tinyPng]));
		assert.match((await put('app.example')).body, /SignatureDoesNotMatch/, 'the host is signed');
		assert.equal((await put('pictures.example')).status, 200);
		assert.ok(isBadHost(await ask('admin', 'pictures.example')), 'it is the store\'s name, not the admin listener\'s');
	});
});

describe('the admin listener', () => {
	test('pages of other sites are refused, even where the API allows them', async t => {
		const server = await startServer();
		t.after(() => server.stop());
		for (const target of ['/metrics', '/healthz', '/readyz', '/nothing']) {
			for (const headers of [{ Origin: 'https://app.example' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }]) {
				const lines = Object.entries(headers).map(([k, v]) => `${k}: ${v}\r\n`).join('');
				const answer = await rawRequest(server.admin, `GET ${target} HTTP/1.1\r\nHost: ${new URL(server.admin).host}\r\n${lines}\r\n`);
				assert.equal(answer.status, 403, `${target} ${lines}`);
				assert.ok(!answer.headers.has('access-control-allow-origin'));
			}
		}
		assert.equal((await fetchUrl(`${server.api}/prod/limits`, { headers: { Origin: 'https://app.example' } })).headers.get('access-control-allow-origin'), '*');
		const preflight = await fetchUrl(`${server.admin}/metrics`, { method: 'OPTIONS' });
		assert.equal(preflight.status, 405);
		assert.equal((await fetchUrl(`${server.admin}/metrics`)).status, 200, 'on loopback a scraper needs no token');
	});

	test('off loopback the metrics require the token that was printed at startup, and no other', async t => {
		const server = await startServer({ env: { TINTYPE_API_KEY: KEY }, args: ['--admin', '0.0.0.0:0'] });
		t.after(() => server.stop());
		const admin = server.admin.replace('0.0.0.0', '127.0.0.1');
		const token = /token: ([0-9a-f]{32})\)/.exec(server.out)[1];
		const ask = authorization => fetchUrl(`${admin}/metrics`, { headers: authorization ? { Authorization: authorization } : {} });
		assert.equal((await ask()).status, 401);
		for (const wrong of [KEY, `${token}0`, token.slice(1), ''])
			assert.ok([401, 403].includes((await ask(`Bearer ${wrong}`)).status), wrong);
		assert.equal((await ask(`Bearer ${token}`)).status, 200);
		assert.equal((await fetchUrl(`${admin}/healthz`)).status, 200);
		assert.ok(!server.log.join('\n').includes(token), 'the token is not in the log');
	});
});
