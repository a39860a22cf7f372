// A listing while 100,000 keys are written: pages in order, no key twice, every key that existed when the listing began,
// a last page, and memory that does not grow with the bucket.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { MIB, peakMemory, startStore } from './support/s3_faults.mjs';
import { hmac, sha256, signing } from './support/sigv4.mjs';

process.env.TINTYPE = process.env.TINTYPE_RELEASE;

const KEYS = 100000, WRITERS = 64, BATCH = 4;
let store;
before(async () => { store = await startStore(); });
after(() => store.stop());

/** PUT of a key, signed in the header with a signing key that is made once. */
function putter() {
	const { host } = new URL(store.server.storage), { date, scope, key: signer } = signing(store.who.secret);
	return key => {
		const canonical = `PUT\n/things/${key}\n\nhost:${host}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:${date}\n\nhost;x-amz-content-sha256;x-amz-date\nUNSIGNED-PAYLOAD`;
		const signature = hmac(signer, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`).toString('hex');
		return `PUT /things/${key} HTTP/1.1\r\nHost: ${host}\r\nx-amz-date: ${date}\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\nContent-Length: ${key.length}\r\n`
			+ `Authorization: AWS4-HMAC-SHA256 Credential=${store.who.id}/${scope}, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}\r\n\r\n${key}`;
	};
}

/** One connection that writes what `next` gives, a few requests at once; `done` is called for each confirmed key. */
function writer(put, next, done) {
	const { hostname, port } = new URL(store.server.storage);
	return new Promise((resolve, reject) => {
		const socket = net.connect(Number(port), hostname);
		let text = '', asked = [];
		const ask = () => {
			asked = [];
			for (let key; asked.length < BATCH && (key = next()) !== undefined;)
				asked.push(key);
			if (asked.length === 0)
				socket.end();
			else
				socket.write(asked.map(put).join(''));
		};
		socket.on('connect', ask).on('error', reject).on('close', () => asked.length ? reject(new Error(`ended within a batch: ${text}`)) : resolve());
		socket.setEncoding('latin1').on('data', piece => {
			text += piece;
			const answers = text.split('HTTP/1.1 ').slice(1);
			if (answers.length < asked.length || !answers.at(-1).includes('\r\n\r\n'))
				return;
			if (!answers.every(answer => answer.startsWith('200 '))) {
				asked = [];
				reject(new Error(text));
				socket.destroy();
				return;
			}
			asked.forEach(done);
			text = '';
			ask();
		});
	});
}

const ways = {
	'version 2, by token': { query: { 'list-type': '2' }, next: page => ({ 'continuation-token': page.element('NextContinuationToken') }) },
	'version 2, by key': { query: { 'list-type': '2' }, next: (page, keys) => ({ 'start-after': keys.at(-1) }) },
	'version 1, by marker': { query: {}, next: (page, keys) => ({ marker: keys.at(-1) }) },
};

/** All keys of one walk; `written` is how many had been answered when it began. */
async function walk({ query, next }, written) {
	const there = written.slice(), found = [];
	for (let more = {};;) {
		const page = await store.ask('GET', '/things', { query: { ...query, ...more } });
		assert.equal(page.status, 200, page.text);
		const keys = [...page.text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(m => m[1]);
		found.push(...keys);
		if (page.element('IsTruncated') === 'false')
			break;
		assert.equal(keys.length, 1000, 'a page that is not the last is full');
		more = next(page, keys);
	}
	for (let i = 1; i < found.length; i++)
		assert.ok(found[i - 1] < found[i], `${found[i]} comes once, after ${found[i - 1]}`);
	const all = new Set(found);
	assert.deepEqual(there.filter(key => !all.has(key)), [], 'what was there before the walk is in it');
	return found.length;
}

test(`a listing while ${KEYS} keys are written is in order, whole and ends`, { timeout: 600000 }, async () => {
	const put = putter(), written = [];
	let n = 0, writing = true;
	// Keys are written in random order: new ones are before, within and after every page.
	const next = () => n < KEYS ? `k${String(n++ * 7919 % KEYS).padStart(6, '0')}` : undefined;
	const writers = Promise.all(Array.from({ length: WRITERS }, () => writer(put, next, key => written.push(key)))).finally(() => { writing = false; });
	let walks = 0;
	const walker = (async () => {
		for (; writing; walks++)
			await walk(Object.values(ways)[walks % 3], written);
	})();
	await Promise.all([writers, walker]);
	for (const way of Object.values(ways))
		assert.equal(await walk(way, written), KEYS);
	assert.ok(walks >= 3);
	assert.ok(peakMemory(store.server) < 128 * MIB, `${peakMemory(store.server) / MIB} MiB`);
});
