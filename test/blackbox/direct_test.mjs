// POST /images by clients that nobody here wrote: curl, fetch and FormData, Python's http.client; and by raw sockets for what they do
// not send. What is refused or cut leaves no row, no object and no file.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { call, corpus, eventually, fetchUrl, rawRequest, rawSocket, startServer, tinyPng } from './support/server.mjs';

const key = 'correct-horse-battery-staple';
const photo = corpus('good/photo.jpg');
let server, locked, dir;

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'tintype-direct-'));
	writeFileSync(path.join(dir, 'cat.jpg'), photo);
	writeFileSync(path.join(dir, 'größe 1.png'), tinyPng);
	writeFileSync(path.join(dir, 'note.txt'), 'no picture');
	server = await startServer({ env: { TINTYPE_CORS_ORIGINS: '*,https://named.example' } });
	locked = await startServer({ env: { TINTYPE_ACCESS: 'key', TINTYPE_UPLOAD: 'open', TINTYPE_API_KEY: key } });
});
after(async () => {
	await server?.stop();
	await locked?.stop();
	rmSync(dir, { recursive: true, force: true });
});

/** curl's exit code, and the answer: { status, json, location }. */
function curl(...args) {
	const words = ['-s', '-w', '\n%{http_code} %header{location}', '--max-time', '60', ...args];
	return new Promise((resolve, reject) => execFile('curl', words, { cwd: dir, maxBuffer: 1 << 24 }, (error, out) => {
		if (error && typeof error.code !== 'number')
			return reject(error);
		const at = out.lastIndexOf('\n'), [status, location] = out.slice(at + 1).split(' ');
		const text = out.slice(0, at);
		resolve({ code: error?.code ?? 0, status: Number(status), location, text, json: text.startsWith('{') ? JSON.parse(text) : undefined });
	}));
}

const to = (on, query = '') => `${on.api}/prod/images${query}`;

function created(answer, name, bytes, type) {
	assert.equal(answer.status, 201, answer.text);
	const { json } = answer;
	assert.equal(json.status, 'uploaded');
	assert.equal(json.fileName, name);
	assert.equal(json.fileType, type);
	assert.equal(json.receivedSize, bytes.length);
	return json;
}

function refused(answer, status, code, word) {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.json.code, code);
	if (word)
		assert.match(answer.json.detail, word);
}

/** How many rows there are: { pending, uploaded, rejected }. */
async function counts(on) {
	const { text } = await fetchUrl(`${on.admin}/metrics`);
	return Object.fromEntries(['pending', 'uploaded', 'rejected'].map(state => [state, Number(new RegExp(`^tintype_images\\{status="${state}"\\} (\\d+)`, 'm').exec(text)[1])]));
}
/** Nothing is being received, and what was committed is in its place. */
const settled = on => eventually(() => readdirSync(path.join(on.data, 'incoming')).length === 0, { what: 'nothing is left in incoming/' });

test('curl sends a form, a body, a chunked body, and a form behind an Expect header', async () => {
	const first = await curl('-F', 'file=@cat.jpg', to(server));
	const json = created(first, 'cat.jpg', photo, 'image/jpeg');
	assert.equal(first.location, `/prod/images/${json.imageId}`);
	assert.equal((await call(server, 'GET', `/images/${json.imageId}`)).json.etag, json.etag);
	assert.equal((await fetchUrl(json.downloadUrl)).status, 200);
	created(await curl('-F', 'fileName=My cat.jpg', '-F', 'file=@cat.jpg;type=application/octet-stream', to(server)), 'My cat.jpg', photo, 'image/jpeg');
	created(await curl('-F', 'file=@cat.jpg;filename=/tmp/a/b.jpg', to(server)), 'b.jpg', photo, 'image/jpeg');
	created(await curl('-F', 'file=@größe 1.png', to(server)), 'größe 1.png', tinyPng, 'image/png');
	created(await curl('--data-binary', '@cat.jpg', to(server, '?fileName=a%2Bb.jpg')), 'a+b.jpg', photo, 'image/jpeg');
	created(await curl('--data-binary', '@cat.jpg', to(server, `?${new URLSearchParams({ fileName: 'My + cat.jpg' })}`)), 'My + cat.jpg', photo, 'image/jpeg');
	created(await curl('-T', 'cat.jpg', '-X', 'POST', to(server)), 'image.jpg', photo, 'image/jpeg');
	created(await curl('--data-binary', '@cat.jpg', '-H', 'Transfer-Encoding: chunked', to(server)), 'image.jpg', photo, 'image/jpeg');
	created(await curl('-F', 'file=@cat.jpg', '-H', 'Expect: 100-continue', to(server)), 'cat.jpg', photo, 'image/jpeg');
	await settled(server);
});

test('fetch sends a FormData with its parts in either order, and a Blob', async () => {
	for (const order of [['file', 'fileName'], ['fileName', 'file']]) {
		const form = new FormData();
		for (const name of order)
			if (name === 'file')
				form.append('file', new Blob([photo]), 'cat.jpg');
			else
				form.append('fileName', 'größer.jpg');
		created(await call(server, 'POST', '/images', { body: form }), 'größer.jpg', photo, 'image/jpeg');
	}
	created(await call(server, 'POST', '/images?fileName=x.png', { body: new Blob([tinyPng], { type: 'image/png' }) }), 'x.png', tinyPng, 'image/png');
});

test('python sends what curl sends', async () => {
	const script = `
import http.client, json, sys
c = http.client.HTTPConnection(sys.argv[1])
c.request('POST', '/prod/images?fileName=p.jpg', body=open('cat.jpg', 'rb'), headers={'Content-Type': 'image/jpeg'}, encode_chunked=True)
r = c.getresponse()
print(r.status, json.load(r)['fileName'])`;
	const out = await new Promise((resolve, reject) => execFile('python3', ['-c', script, new URL(server.api).host], { cwd: dir }, (error, text) => error ? reject(error) : resolve(text)));
	assert.equal(out, '201 p.jpg\n');
});

test('what is refused says why, and leaves nothing', async () => {
	const before = await counts(server);
	refused(await curl('-F', 'image=@cat.jpg', to(server)), 400, 'bad_field', /Unknown field "image".*as file/);
	refused(await curl('-F', 'file=@cat.jpg', '-F', 'userId=7', to(server)), 400, 'bad_field', /Unknown field "userId"/);
	refused(await curl('-F', 'file=@cat.jpg', '-F', 'file=@cat.jpg', to(server)), 400, 'bad_field', /more than one file/);
	refused(await curl('-F', 'fileName=a.jpg', to(server)), 400, 'bad_field', /file is missing/);
	refused(await curl('-F', 'file=@note.txt', to(server)), 415, 'type_not_allowed', /image\/jpeg/);
	refused(await curl('-F', 'file=', to(server)), 400, 'image_empty');
	refused(await curl('-F', 'file=@cat.jpg', '-F', `fileName=${'x'.repeat(256)}`, to(server)), 400, 'bad_field', /255/);
	refused(await curl('-F', 'file=@cat.jpg', '-F', `fileName=${'x'.repeat(20000)}`, to(server)), 400, 'bad_field', /over 16384 bytes/);
	for (const text of ['', 'x', '[]', '{"a":1}'])
		refused(await curl('-F', 'file=@cat.jpg', '-F', `metadata=${text}`, to(server)), 400, 'bad_field', /^metadata .*object/);
	refused(await curl('--data-binary', '@cat.jpg', to(server, '?owner=me')), 400, 'bad_field', /Unknown parameter "owner"/);
	refused(await curl('-F', 'file=@cat.jpg', to(server, '?fileName=a.jpg')), 400, 'bad_field', /as a field of it/);
	refused(await curl('-F', 'file=@cat.jpg', `${server.api}/prod/upload`), 400, 'bad_json', /\/prod\/images/);
	refused(await curl('-H', 'Content-Type: application/json', '-d', '{"fileName":"a"}', to(server)), 400, 'bad_field', /\/prod\/upload/);
	refused(await curl('-X', 'POST', to(server)), 400, 'image_empty');
	assert.deepEqual(await counts(server), before);
	await settled(server);
});

test('a file over the limit is refused, announced or not, also while it comes', async () => {
	const most = (await call(server, 'GET', '/limits')).json.maxFileSize;
	writeFileSync(path.join(dir, 'large.jpg'), Buffer.concat([photo, Buffer.alloc(most - photo.length + 1)]));
	writeFileSync(path.join(dir, 'just.jpg'), Buffer.concat([photo, Buffer.alloc(most - photo.length)]));
	for (const chunked of [[], ['-H', 'Transfer-Encoding: chunked']]) {
		refused(await curl('--data-binary', '@large.jpg', ...chunked, to(server)), 413, 'image_too_large');
		refused(await curl('-F', 'file=@large.jpg', ...chunked, to(server)), 413, 'image_too_large');
		assert.equal((await curl('-F', 'file=@just.jpg', ...chunked, to(server))).status, 201);
	}
	await settled(server);
});

test('a damaged picture is the problem image_rejected with its reason', async () => {
	writeFileSync(path.join(dir, 'cut.jpg'), photo.subarray(0, 200));
	const answer = await curl('-F', 'file=@cut.jpg', to(server));
	refused(answer, 409, 'image_rejected', /damaged|too early/);
	await settled(server);
});

const form = (fields, boundary = 'XyZ') => Buffer.concat(fields.flatMap(([head, body]) => [
	Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n`), Buffer.from(body), Buffer.from('\r\n')]).concat(Buffer.from(`--${boundary}--\r\n`)));
const head = (length, type = 'multipart/form-data; boundary=XyZ', more = '') =>
	`POST /prod/images HTTP/1.1\r\nHost: ${new URL(server.api).host}\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n${more}Connection: close\r\n\r\n`;

test('a body that is cut, at any place, leaves nothing', async () => {
	const before = await counts(server), body = form([['name="fileName"', 'a.jpg'], ['name="file"; filename="x"', photo]]);
	for (const at of [1, 40, 100, 150, 1000, photo.length, body.length - 10, body.length - 1]) {
		const raw = await rawSocket(server.api);
		await raw.send(Buffer.concat([Buffer.from(head(body.length)), body.subarray(0, at)]));
		raw.socket.destroy();
	}
	await eventually(() => server.events('request').filter(e => e.code === 'body_cut').length >= 8, { what: 'the server has noticed all' });
	await settled(server);
	assert.deepEqual(await counts(server), before);
});

test('games with boundaries are no forms', async () => {
	const good = form([['name="file"; filename="x"', tinyPng]]);
	for (const [type, body, status, code] of [
		['multipart/form-data; boundary=XyZ', good, 201],
		['multipart/form-data; boundary="XyZ"; charset=utf-8', good, 201],
		['Multipart/Form-Data; BOUNDARY=XyZ', good, 201],
		['multipart/form-data; boundary=XyZ; boundary=XyZ', good, 400, 'form_malformed'],
		['multipart/form-data; boundary=other', good, 400, 'form_malformed'],
		[`multipart/form-data; boundary=${'x'.repeat(71)}`, good, 400, 'form_malformed'],
		['multipart/form-data', good, 400, 'form_malformed'],
		['multipart/form-data; boundary=XyZ', good.subarray(0, -4), 400, 'form_malformed'],
		['multipart/form-data; boundary=XyZ', Buffer.concat([Buffer.from('preamble\r\n'), good]), 201],
		['multipart/form-data; boundary=XyZ', Buffer.concat([Buffer.alloc(3000, 'x'), good]), 400, 'form_malformed'],
		['multipart/form-data; boundary=XyZ', Buffer.concat([good, Buffer.alloc(500)]), 201],
		['multipart/form-data; boundary=XyZ', Buffer.concat([good, Buffer.alloc(5000)]), 400, 'form_malformed'],
		['multipart/form-data; boundary=XyZ', form([['name="file"; filename="x"', Buffer.concat([tinyPng, Buffer.from('\r\n--XyZ-not\r\n')])]]), 400, 'form_malformed'],
		['multipart/form-data; boundary=XyZ', form([['name="file"; filename="x"', Buffer.concat([tinyPng, Buffer.from('\r\n--Xy\r\n--')])]]), 201],
		['multipart/form-data; boundary=XyZ', form([['name="file"; name="fileName"', tinyPng]]), 400, 'form_malformed'],
		['multipart/form-data; boundary=XyZ', form([['filename="x"', tinyPng]]), 400, 'form_malformed'],
		['multipart/form-data; boundary=XyZ', form([[`name="${'x'.repeat(5000)}"`, '']]), 400, 'form_malformed'],
		['multipart/mixed; boundary=XyZ', good, 415, 'type_not_allowed'],
	]) {
		const answer = await rawRequest(server.api, Buffer.concat([Buffer.from(head(body.length, type)), body]));
		assert.equal(answer.status, status, `${type}: ${answer.body}`);
		if (code)
			assert.equal(JSON.parse(answer.body).code, code, type);
	}
	await settled(server);
});

test('pages of other origins may not send images, unless they are listed by name', async () => {
	const send = (origin, on = server, more = {}) => call(on, 'POST', '/images', { body: tinyPng, headers: { ...origin && { Origin: origin }, ...more } });
	for (const origin of [undefined, server.api, 'https://named.example'])
		assert.equal((await send(origin)).status, 201, origin);
	for (const origin of ['https://other.example', 'http://localhost:3000', 'null', 'http://127.0.0.1'])
		refused(await send(origin), 403, 'cross_site', /cors-origins/);
	refused(await send('https://other.example', locked, { Authorization: `Bearer ${key}` }), 403, 'cross_site');
});

test('who may send images but not read them gets nothing that leads to the bytes', async () => {
	const answer = await curl('-F', 'file=@cat.jpg', to(locked));
	const { imageId, deleteToken, ...json } = created(answer, 'cat.jpg', photo, 'image/jpeg');
	for (const member of ['downloadUrl', 'links', 'expiresAt'])
		assert.ok(!(member in json), member);
	assert.equal((await call(locked, 'GET', `/images/${imageId}`)).status, 401);
	assert.ok((await curl('-F', 'file=@cat.jpg', '-H', `Authorization: Bearer ${key}`, to(locked))).json.downloadUrl);
	assert.equal((await call(locked, 'DELETE', `/images/${imageId}`, { headers: { 'X-Delete-Token': deleteToken } })).status, 204);
});

test('many at once are all there', async () => {
	const before = await counts(server);
	const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => call(server, 'POST', `/images?fileName=${i}.png`, { body: tinyPng })));
	assert.deepEqual(answers.map(a => a.json.fileName), answers.map((_, i) => `${i}.png`));
	assert.deepEqual(await counts(server), { ...before, uploaded: before.uploaded + 40 });
});

test('an Idempotency-Key makes one image of a repeated request, whatever becomes of it', async () => {
	const send = (name, { body = photo, query = '?fileName=a.jpg' } = {}) => call(locked, 'POST', `/images${query}`, { body, key, headers: { 'Idempotency-Key': name } });
	const first = await send('one'), again = await send('"one"');
	const { imageId } = created(first, 'a.jpg', photo, 'image/jpeg');
	assert.deepEqual([again.status, again.json.imageId, again.json.etag], [200, imageId, first.json.etag]);
	const other = Buffer.from(photo);
	other[other.length - 1] ^= 1;
	for (const change of [{ query: '?fileName=b.jpg' }, { query: `?fileName=a.jpg&metadata=${encodeURIComponent('{"a":"b"}')}` }, { body: other }, { body: tinyPng }])
		refused(await send('one', change), 422, 'key_reused');
	refused(await call(locked, 'POST', '/upload', { key, json: { fileName: 'a.jpg', fileType: 'image/jpeg' }, headers: { 'Idempotency-Key': 'one' } }), 422, 'key_reused');
	refused(await call(locked, 'POST', '/images', { body: photo, headers: { 'Idempotency-Key': 'one' } }), 400, 'bad_field', /must have at least 32 characters/);
	refused(await send('x'.repeat(129)), 400, 'bad_field', /128/);
	assert.notEqual((await send('one', { query: '?fileName=a.jpg&onBehalfOf=ann' })).json.imageId, imageId, 'every owner has keys of its own');
	assert.equal((await call(locked, 'DELETE', `/images/${imageId}`, { key })).status, 204);
	refused(await send('one'), 410, 'image_gone');
	for (let i = 0; i < 2; i++)
		refused(await send('damaged', { body: photo.subarray(0, 200) }), 409, 'image_rejected', /damaged|too early/);
	const before = await counts(locked);
	const answers = await Promise.all(Array.from({ length: 8 }, () => send('at once')));
	assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 200, 200, 201]);
	assert.equal(new Set(answers.map(({ json }) => json.imageId)).size, 1);
	assert.deepEqual(await counts(locked), { ...before, uploaded: before.uploaded + 1 });
	await settled(locked);
});

test('a repeated request of an anonymous caller makes no second image and gets the same delete token; callers with a key have keys of their own', async () => {
	const name = crypto.randomUUID(), query = '?fileName=a.jpg';
	const send = (on, more) => call(on, 'POST', `/images${query}`, { body: photo, headers: { 'Idempotency-Key': name }, ...more });
	for (const on of [server, locked]) {
		const first = await send(on), again = await send(on), { imageId, deleteToken } = created(first, 'a.jpg', photo, 'image/jpeg');
		assert.deepEqual([again.status, again.json.imageId, again.json.deleteToken, again.json.etag], [200, imageId, deleteToken, first.json.etag]);
		assert.equal('links' in again.json, on === server, 'only who may read images is told more');
		refused(await send(on, { body: tinyPng }), 422, 'key_reused');
		const withToken = headers => call(on, 'DELETE', `/images/${imageId}`, { headers });
		assert.equal((await withToken({ 'X-Delete-Token': deleteToken })).status, 204);
		refused(await send(on), 410, 'image_gone');
	}
	const { imageId } = created(await send(locked, { key }), 'a.jpg', photo, 'image/jpeg');
	assert.notEqual((await send(server)).json.imageId, imageId);
	refused(await call(server, 'POST', '/upload', { json: { fileName: 'a.jpg', fileType: 'image/jpeg' }, headers: { 'Idempotency-Key': name } }), 400, 'bad_field', /requires an API key or a token/);
	const at = await Promise.all(Array.from({ length: 8 }, () => call(server, 'POST', '/images', { body: tinyPng, headers: { 'Idempotency-Key': name.replaceAll('-', '') } })));
	assert.deepEqual(at.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 200, 200, 201]);
	assert.equal(new Set(at.map(({ json }) => json.deleteToken)).size, 1);
});

test('of an identified caller nothing is received that its key or its quota refuses', async t => {
	const size = tinyPng.length;
	const limited = await startServer({ env: { TINTYPE_API_KEY: key, TINTYPE_UPLOAD: 'key', TINTYPE_QUOTA_BYTES: String(2 * size) } });
	t.after(() => limited.stop());
	/* A client that waits for 100 Continue: the answer comes without a byte of the body. */
	const ask = async (bearer, length) => {
		const raw = await rawSocket(limited.api);
		await raw.send(`POST /prod/images?onBehalfOf=ann HTTP/1.1\r\nHost: ${new URL(limited.api).host}\r\nAuthorization: Bearer ${bearer}\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`);
		const text = await raw.until(said => said.includes('\r\n\r\n'));
		await raw.end();
		return text.split('\r\n')[0];
	};
	const send = body => call(limited, 'POST', '/images?onBehalfOf=ann', { key, body });
	assert.match(await ask(key, 2 * size), / 100 /);
	assert.match(await ask(key, 2 * size + 1), / 403 /);
	const removed = (await call(limited, 'POST', '/keys', { key, json: { name: 'x', scopes: ['upload', 'act-as'] } })).json;
	assert.match(await ask(removed.key, size), / 100 /);
	assert.equal((await call(limited, 'DELETE', `/keys/${removed.keyId}`, { key })).status, 204);
	assert.match(await ask(removed.key, size), / 401 /);
	for (let i = 0; i < 2; i++)
		created(await send(tinyPng), 'image.png', tinyPng, 'image/png');
	assert.match(await ask(key, 1), / 403 /, 'it is full');
	refused(await send(tinyPng), 403, 'quota_full', new RegExp(`${2 * size} bytes`));
	refused(await curl('--data-binary', '@größe 1.png', '-H', 'Transfer-Encoding: chunked', '-H', `Authorization: Bearer ${key}`, to(limited, '?onBehalfOf=ann')), 403, 'quota_full', new RegExp(`needed for this one ${size}\\.`));
	const { json: { owner } } = await call(limited, 'GET', '/me?onBehalfOf=ann', { key });
	assert.equal((await call(limited, 'PUT', `/users/${owner}/quota`, { key, json: { bytes: 3 * size } })).status, 200);
	const form = new FormData();
	form.append('file', new Blob([tinyPng]), 'a.png');
	form.append('fileName', 'x'.repeat(200));
	created(await send(form), 'x'.repeat(200), tinyPng, 'image/png');
	refused(await send(tinyPng), 403, 'quota_full');
	await settled(limited);
});
