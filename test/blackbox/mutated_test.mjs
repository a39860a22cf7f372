// Damaged pictures through the whole server, many at once: it answers each, no process of it ends unaccounted for, its memory does not
// grow, and what it calls ok no other decoder calls damaged.
// doc/development.md has the command for a long run.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { newRejections } from './support/decoders.mjs';
import { mutate, readPictures } from './support/mutate.mjs';
import { call, eventually, fetchUrl, openSlot, pictures, postForm, putBytes, renderers, startServer } from './support/server.mjs';

const count = Number(process.env.TINTYPE_TEST_MUTATIONS ?? 1200), seed = Number(process.env.TINTYPE_TEST_SEED ?? 1);
const CONNECTIONS = 8, GROWTH_MAX = 24 << 20;
const COMPARED_MAX = 4000;   // by other decoders: each takes some processes
const good = readPictures(path.join(pictures(), 'good'), 60000);
const work = mkdtempSync(path.join(tmpdir(), 'tintype-mutated-'));
after(() => rmSync(work, { recursive: true, force: true }));

/** Run `task(n)` for each n, `CONNECTIONS` at a time. */
async function forEach(from, to, task) {
	let next = from;
	await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
		while (next < to)
			await task(next++);
	}));
}

/** What a process has in memory that is its own, in bytes. */
const memoryOf = pid => Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

/** One picture: sent, answered, looked at as a page would, and deleted. Gives the record and the stored bytes of what was accepted. */
async function send(server, n, { type, bytes, what }) {
	const form = n % 5 === 0, slot = await openSlot(server, { fileName: 'a', fileType: type, ...form ? { method: 'POST' } : {} });
	let put;
	do
		put = await (form ? postForm(slot, bytes, { fileType: type }) : putBytes(slot, bytes));
	while (put.status === 503);
	assert.ok([200, 204, 400].includes(put.status), `${what}: ${put.status} ${put.text}`);
	const { json: record } = await call(server, 'GET', `/images/${slot.imageId}`);
	if (put.status === 400) {
		assert.equal(record.status, 'rejected', what);
		assert.ok(record.reason.length > 10, what);
		return { record };
	}
	assert.deepEqual([record.status, record.verified], ['uploaded', true], what);
	assert.match(record.verdict, /^(ok|recoverable)$/, what);
	const stored = await fetchUrl(record.links.original);
	assert.deepEqual([stored.status, stored.bytes.length], [200, record.fileSize], what);
	if (n % 3 === 0)
		assert.equal((await fetchUrl(record.links.medium.webp)).status, 200, what);
	assert.equal((await call(server, 'DELETE', `/images/${record.imageId}`, { headers: { 'X-Delete-Token': slot.deleteToken } })).status, 204, what);
	return { record, stored: stored.bytes };
}

/** Every process that was started ended for a reason that is counted, or runs. */
async function checkProcesses(server, sent) {
	let ends, deaths;
	await eventually(async () => {   // one may just be replaced, and the log comes after what it tells of
		const { text } = await fetchUrl(`${server.admin}/metrics`);
		const value = (name, labels) => Number(text.split('\n').find(line => line.startsWith(`tintype_render_${name}_total{${labels}}`)).split(' ').pop());
		ends = Object.fromEntries(['died', 'slow', 'late', 'invalid', 'gone', 'replaced'].map(reason => [reason, value('ends', `reason="${reason}"`)]));
		deaths = server.events('render.died');
		return value('starts', 'outcome="ready"') === renderers(server).length + Object.values(ends).reduce((a, b) => a + b) && deaths.length === ends.died + ends.slow + ends.late + ends.invalid + ends.gone;
	}, { what: 'the counts of the processes' }).catch(error => assert.fail(`${error.message}: ${JSON.stringify(ends)}, ${renderers(server).length} run, ${deaths.length} deaths in the log`));
	assert.deepEqual(deaths.filter(e => e.signal === 11 || e.signal === 6 || e.signal === 31), [], 'a decoder crashed, or called what the filter forbids');
	return `${sent} pictures, processes that ended: ${JSON.stringify(ends)}`;
}

async function runAll(t, from, to, program) {
	process.env.TINTYPE = program;
	const server = await startServer({ args: ['--rejected-ttl', '86400', '--url-ttl', '86400'] });
	const verdicts = {}, memory = [], wrong = [];
	try {
		await forEach(from, to, async n => {
			const damaged = mutate(good, seed, n), { record, stored } = await send(server, n, damaged);
			const verdict = record.verdict ?? 'refused by its headers';
			verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
			if ((n - from) % 50 === 0)
				memory.push(memoryOf(server.pid));
			if (verdict !== 'ok' || n - from >= COMPARED_MAX)
				return;
			const file = path.join(work, `${n}`);
			writeFileSync(file, stored);
			for (const { decoder, said } of await newRejections(file, damaged.type, path.join(pictures(), 'good', damaged.name)))
				wrong.push(`${damaged.what}: ${decoder}: ${said}`);
			rmSync(file);
		});
		assert.equal((await fetchUrl(`${server.admin}/readyz`)).status, 200);
		t.diagnostic(await checkProcesses(server, to - from));
		t.diagnostic(JSON.stringify(verdicts));
	} finally {
		assert.deepEqual(await server.stop(), { code: 0, signal: null });
	}
	const warm = Math.max(...memory.slice(0, Math.ceil(memory.length / 4))), last = Math.max(...memory.slice(-Math.ceil(memory.length / 4)));
	t.diagnostic(`memory after a quarter ${warm >> 10} KiB, at the end ${last >> 10} KiB`);
	assert.deepEqual(wrong, []);
	return { warm, last };
}

test('damaged pictures, with sanitizers', async t => {
	await runAll(t, 0, Math.ceil(count / 4), process.env.TINTYPE);
});

test('damaged pictures, as it is released, in the same memory', async t => {
	const { warm, last } = await runAll(t, Math.ceil(count / 4), count, process.env.TINTYPE_RELEASE);
	assert.ok(last - warm < GROWTH_MAX, `${last - warm} bytes more`);
});
