// GET /images/{imageId}?wait=: woken by an upload, a rejection and a delete; what is not answered early when nothing happens, when
// there are too many, when the client goes away, and when the server ends.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { call, eventually, fetchUrl, openSlot, putBytes, startServer, tinyPng } from './support/server.mjs';

let server;
before(async () => { server = await startServer({ args: ['--max-client-connections', '4000', '--max-connections', '4000'] }); });
after(() => server?.stop());

const waiting = async on => Number(/^tintype_calls_waiting (\d+)/m.exec((await fetchUrl(`${on.admin}/metrics`)).text)[1]);
const isWaiting = (on, n) => eventually(async () => await waiting(on) === n, { what: `${n} calls wait` });
const read = (on, { imageId }, wait) => call(on, 'GET', `/images/${imageId}?wait=${wait}`);

/** A call on a connection of its own: { answer, destroy() }. */
function open(on, { imageId }, wait) {
	const request = http.get(`${on.api}/prod/images/${imageId}?wait=${wait}`, { agent: false });
	const answer = new Promise((resolve, reject) => {
		request.on('response', response => {
			let text = '';
			response.setEncoding('utf8').on('data', s => { text += s; }).on('end', () => resolve({ status: response.statusCode, json: JSON.parse(text) }));
		});
		request.on('error', reject);
	});
	return { answer, destroy: () => request.destroy() };
}

test('two clients wait, an upload wakes both', async () => {
	const slot = await openSlot(server), other = await openSlot(server);
	const both = [read(server, slot, 25), read(server, slot, 25)], third = open(server, other, 25);
	await isWaiting(server, 3);
	assert.equal((await putBytes(slot, tinyPng)).status, 200);
	for (const answer of await Promise.all(both)) {
		assert.equal(answer.status, 200);
		assert.equal(answer.json.status, 'uploaded');
		assert.ok(answer.json.downloadUrl);
	}
	await isWaiting(server, 1);
	assert.equal((await call(server, 'DELETE', `/images/${other.imageId}`)).status, 204);
	assert.equal((await third.answer).status, 404);
	await isWaiting(server, 0);
});

test('a rejection wakes too', async () => {
	const slot = await openSlot(server), answer = read(server, slot, 25);
	await isWaiting(server, 1);
	assert.equal((await putBytes(slot, Buffer.from('no picture'))).status, 400);
	assert.equal((await answer).json.status, 'rejected');
});

test('an image that is not pending is answered at once, and so is one that is not there', async () => {
	const { json: { imageId } } = await call(server, 'POST', '/images', { body: tinyPng });
	assert.equal((await read(server, { imageId }, 25)).json.status, 'uploaded');
	assert.equal((await read(server, { imageId: '00000000-0000-4000-8000-000000000000' }, 25)).status, 404);
	assert.equal((await read(server, { imageId: 'none' }, 25)).status, 404);
	assert.equal((await fetchUrl(`${server.api}/prod/images/${imageId}?wait=25`, { method: 'HEAD' })).status, 200);
});

test('when the time is over the image is told as it is', async () => {
	const slot = await openSlot(server);
	assert.equal((await read(server, slot, 0)).json.status, 'pending');
	assert.equal((await read(server, slot, 1)).json.status, 'pending');
	await isWaiting(server, 0);
});

test('a wait of another form is 400', async () => {
	const slot = await openSlot(server);
	for (const wait of ['', '26', '-1', '1.5', 'x', '5&wait=5', '99999999999999999999']) {
		const answer = await read(server, slot, wait);
		assert.equal(answer.status, 400, wait);
		assert.equal(answer.json.code, 'bad_field');
		assert.match(answer.json.detail, /wait/);
	}
});

test('a client that goes away waits no more', async () => {
	const slot = await openSlot(server), calls = [1, 2, 3].map(() => open(server, slot, 25));
	await isWaiting(server, 3);
	calls.slice(0, 2).forEach(one => { one.answer.catch(() => {}); one.destroy(); });
	await isWaiting(server, 1);
	await putBytes(slot, tinyPng);
	assert.equal((await calls[2].answer).json.status, 'uploaded');
});

test('beyond a thousand that wait the next is answered at once, and all are woken', async () => {
	const slot = await openSlot(server), calls = Array.from({ length: 1000 }, () => open(server, slot, 25));
	await isWaiting(server, 1000);
	assert.equal((await read(server, slot, 25)).json.status, 'pending');
	await putBytes(slot, tinyPng);
	const states = await Promise.all(calls.map(async one => (await one.answer).json.status));
	assert.ok(states.every(state => state === 'uploaded'));
	await isWaiting(server, 0);
});

test('a server that ends answers them first', async () => {
	const own = await startServer(), slot = await openSlot(own), calls = [open(own, slot, 25), open(own, slot, 25)];
	await isWaiting(own, 2);
	const ended = own.stop();
	for (const one of calls)
		assert.equal((await one.answer).json.status, 'pending');
	assert.deepEqual(await ended, { code: 0, signal: null });
});
