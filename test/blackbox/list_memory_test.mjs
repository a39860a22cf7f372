// Memory of long responses: what clients do not read is bounded, and what was sent is given back to the system.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { MIB, startStore } from './support/s3_faults.mjs';
import { signedHead } from './support/s3.mjs';
import { eventually } from './support/server.mjs';

process.env.TINTYPE = process.env.TINTYPE_RELEASE;

const KEYS = 1000, HELD = 128 * MIB;   // DOCUMENTS_HELD_MAX
const query = { 'list-type': '2' };
let store;

const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${store.server.pid}/status`, 'utf8'))[1]) * 1024;
const list = (more = {}) => store.ask('GET', '/things', { query: { ...query, ...more } });

/** A list that is requested and never read. */
function unreadList() {
	const { hostname, port } = new URL(store.server.storage), { target, headers } = signedHead(store.server, 'GET', '/things', { who: store.who, query });
	const socket = net.connect({ host: hostname, port: Number(port) }).on('error', () => {}).pause();
	socket.write(`GET ${target} HTTP/1.1\r\n${Object.entries(headers).map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`);
	return socket;
}

before(async () => {
	store = await startStore({ args: ['--min-rate-grace', '600'] });
	// The longest keys, of a character that is six in XML.
	const keys = Array.from({ length: KEYS }, (_, i) => `${i}`.padEnd(1024, '"'));
	for (let i = 0; i < KEYS; i += 50)
		for (const answer of await Promise.all(keys.slice(i, i + 50).map(key => store.ask('PUT', `/things/${key}`))))
			assert.equal(answer.status, 200, answer.text);
});
after(() => store.stop());

test('the memory of long responses that were read is given back', { timeout: 300000 }, async () => {
	for (let round = 0; round < 4; round++)
		for (const answer of await Promise.all(Array.from({ length: 16 }, () => list())))
			assert.equal(answer.status, 200, answer.text);
	await eventually(() => memory() < 40 * MIB, { what: 'less than 40 MiB' }).catch(e => { throw new Error(`${e.message}: ${memory() / MIB} MiB`); });
});

test('long responses that are not read are held up to a bound, and further ones are refused', { timeout: 300000 }, async t => {
	const sockets = [];
	t.after(() => sockets.forEach(socket => socket.destroy()));
	const { bytes: { length } } = await list();
	assert.ok(length > 5 * MIB, `${length}`);
	const refused = await eventually(async () => {
		sockets.push(unreadList());
		const answer = await list();
		return answer.status !== 200 && answer;
	}, { what: 'a refusal' });
	store.refused(refused, 503, 'SlowDown');
	assert.ok(sockets.length + 1 >= Math.floor(HELD / length), `${sockets.length} lists of ${length} bytes`);
	assert.ok(memory() < HELD + 64 * MIB, `${memory() / MIB} MiB`);
	assert.equal((await list({ 'max-keys': '5' })).status, 200, 'a short list');
	sockets.splice(0).forEach(socket => socket.destroy());
	await eventually(async () => (await list()).status === 200, { what: 'a list, once the others have ended' });
});
