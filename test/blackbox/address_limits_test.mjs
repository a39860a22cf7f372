// Limits by client address, behind a trusted proxy that names the client: slots without the key, and requests at all.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { call, startServer, tinyPng } from './support/server.mjs';

const key = 'correct-horse-battery-staple';
const json = { fileName: 'a.png', fileType: 'image/png' };
let slots, requests;
before(async () => {
	slots = await startServer({ args: ['--trusted-proxies', '127.0.0.1', '--anonymous-slots-per-minute', '4'], env: { TINTYPE_API_KEY: key, TINTYPE_ACCESS: 'key' } });
	requests = await startServer({ args: ['--trusted-proxies', '127.0.0.1', '--address-requests-per-second', '1'] });
});
after(async () => {
	await slots?.stop();
	await requests?.stop();
});

const from = (address, more = {}) => ({ 'X-Forwarded-For': address, ...more });

function refused(answer) {
	assert.equal(answer.status, 429, answer.text);
	assert.equal(answer.json.code, 'too_many');
	const seconds = Number(answer.headers.get('retry-after'));
	assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, answer.headers.get('retry-after'));
	assert.match(answer.json.detail, new RegExp(`try again in ${seconds} seconds?`));
	assert.match(answer.headers.get('access-control-expose-headers'), /Retry-After/);
}

/** What becomes of n calls: their statuses. Those of a burst may be one more on a slow machine, since the bucket fills. */
async function statuses(n, one) {
	const answers = [];
	for (let i = 0; i < n; i++)
		answers.push(await one(i));
	return answers;
}

test('slots of one address without the key, by all three calls, until the bucket is empty', async () => {
	const calls = [
		headers => call(slots, 'POST', '/upload', { json, headers }),
		headers => call(slots, 'POST', '/uppy', { json, headers }),
		headers => call(slots, 'POST', '/images', { body: tinyPng, headers }),
	];
	const answers = await statuses(30, i => calls[i % 3](from('192.0.2.1')));
	const given = answers.filter(answer => answer.status < 300).length;
	assert.ok(given >= 4 && given < 30, `${given}`);
	assert.ok(answers.slice(0, 4).every(answer => answer.status < 300));
	answers.filter(answer => answer.status >= 300).forEach(refused);
	assert.equal((await call(slots, 'GET', '/limits')).json.anonymousSlotsPerMinute, 4);
});

test('another address is not affected, a neighbor in the same /64 is, and what a client claims to be counts for nothing', async () => {
	assert.equal((await call(slots, 'POST', '/upload', { json, headers: from('192.0.2.2') })).status, 200);
	const answers = await statuses(30, i => call(slots, 'POST', '/upload', { json, headers: from(`203.0.113.${i}, 2001:db8:0:1::${i + 1}`) }));
	refused(answers.find(answer => answer.status !== 200));
	assert.equal((await call(slots, 'POST', '/upload', { json, headers: from('2001:db8:0:2::1') })).status, 200);
});

test('who has the key is not limited, nor is who reads, nor who is on loopback', async () => {
	const Authorization = `Bearer ${key}`;
	await statuses(30, () => call(slots, 'POST', '/upload', { json, headers: from('192.0.2.3') }));
	for (const answer of await statuses(10, () => call(slots, 'POST', '/upload', { json, headers: from('192.0.2.3', { Authorization }) })))
		assert.equal(answer.status, 200);
	assert.equal((await call(slots, 'GET', '/limits', { headers: from('192.0.2.3') })).status, 200);
	for (const answer of await statuses(10, () => call(slots, 'POST', '/upload', { json })))
		assert.equal(answer.status, 200);
});

test('a thousand addresses at once each have their own bucket', async () => {
	const answers = await Promise.all(Array.from({ length: 1000 }, (_, i) => call(slots, 'POST', '/upload', { json, headers: from(`198.18.${i >> 8}.${i & 255}`) })));
	assert.ok(answers.filter(answer => answer.status === 200).length >= 990);
});

test('requests of one address, whatever they are, but preflights', async () => {
	const answers = await statuses(60, () => call(requests, 'GET', '/limits', { headers: from('192.0.2.1') }));
	assert.ok(answers.slice(0, 10).every(answer => answer.status === 200));
	refused(answers.find(answer => answer.status !== 200));
	assert.equal(answers[0].json.requestsPerSecond, 1);
	assert.equal((await call(requests, 'OPTIONS', '/limits', { headers: from('192.0.2.1') })).status, 204);
	assert.equal((await call(requests, 'GET', '/limits', { headers: from('192.0.2.2') })).status, 200);
});
