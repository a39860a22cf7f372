// The admin listener of a real server: health, readiness, and metrics that parse and change exactly
// with the requests. Readiness on a full disk: disk_full_test.mjs.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { call, eventually, fetchUrl, openSlot, parseAnswer, postForm, putBytes, rawRequest, rawSocket, root, startServer, tinyPng, uploadImage } from './support/server.mjs';

let server;
before(async () => { server = await startServer(); });
after(() => server?.stop());

/** The Prometheus text format, strictly: families with HELP, TYPE and samples, in that order and once. */
function parseMetrics(text) {
	assert.ok(text.endsWith('\n'));
	const families = new Map(), series = new Map();
	let family, help;
	for (const line of text.slice(0, -1).split('\n')) {
		const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
		if (comment?.[1] === 'HELP') {
			help = comment[2];
			assert.ok(!families.has(help), `${help} has its help twice`);
			continue;
		}
		if (comment) {
			assert.equal(comment[2], help, 'TYPE follows HELP');
			assert.match(comment[3], /^(counter|gauge|histogram)$/);
			families.set(family = comment[2], comment[3]);
			continue;
		}
		const sample = /^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line);
		assert.ok(sample, `not a sample: ${line}`);
		const [, name, labels = '', value] = sample;
		const suffix = families.get(family) === 'histogram' ? /^_(bucket|sum|count)$/ : /^$/;
		assert.ok(name.startsWith(family) && suffix.test(name.slice(family.length)), `${name} stands under ${family}`);
		assert.ok(families.get(family) !== 'counter' || name.endsWith('_total'), `${name} is a counter`);
		assert.ok(families.get(family) === 'gauge' || Number(value) >= 0, line);
		const id = labels ? `${name}{${labels}}` : name;
		assert.ok(!series.has(id), `${id} twice`);
		series.set(id, Number(value));
	}
	return { families, series };
}

let scraped = 0;   // bytes that scrapes have had, which count as sent themselves
async function scrape(at = server) {
	const before = scraped;
	const { status, text, headers } = await fetchUrl(`${at.admin}/metrics`);
	assert.equal(status, 200);
	assert.match(headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
	scraped += Buffer.byteLength(text);
	const { series, families } = parseMetrics(text);
	series.set('sent', (series.get('tintype_bytes_sent_total') ?? 0) - before);
	return { series, families };
}

// What the load decides, not the requests.
const restless = /^tintype_(commits|committed_changes|free_bytes|connections|workers_busy|work_queued|request_seconds|bytes_sent|thumbnail_bytes)|listener="admin"/;

/** The metrics that changed while `act` ran; act returns the responses whose bodies count as sent. */
async function moved(act, want) {
	const { series: from } = await scrape();
	const answers = await act();
	const all = { ...want, sent: answers.reduce((sum, a) => sum + a.bytes.length, 0) };
	let last;
	// A request is counted after its response was sent, which may be just after the client has received it.
	await eventually(async () => {
		const { series: to } = await scrape();
		last = {};
		for (const [id, value] of to)
			if (!restless.test(id) && value !== (from.get(id) ?? 0))
				last[id] = value - (from.get(id) ?? 0);
		try {
			assert.deepEqual(Object.fromEntries(Object.entries(last).filter(([, v]) => v)), Object.fromEntries(Object.entries(all).filter(([, v]) => v)));
			return true;
		} catch {
			return false;
		}
	}, { what: 'the counts' }).catch(() => assert.deepEqual(last, all));
}

const requests = (listener, route, status) => `tintype_requests_total{listener="${listener}",route="${route}",status="${status}"}`;
const THUMB = 'tintype_thumbnails_total{outcome="made"}';
const DECODED = 'tintype_render_jobs_total{outcome="answered"}';
const images = status => `tintype_images{status="${status}"}`;
const uploads = outcome => `tintype_uploads_total{outcome="${outcome}"}`;
const RECEIVED = 'tintype_bytes_received_total', STORED = 'tintype_stored_bytes', SLOTS = 'tintype_slots_total', DELETES = 'tintype_deletes_total';
/** What act gives, once its requests, one of each of these series, have been counted, which is done after their responses were sent. */
async function counted(act, ...ids) {
	const counts = async () => { const { series } = await scrape(); return ids.map(id => series.get(id) ?? 0); }, before = await counts();
	const given = await act();
	await eventually(async () => (await counts()).every((n, i) => n > before[i]), { what: 'the counts of the requests' });
	return given;
}
const countedSlot = (...given) => counted(() => openSlot(server, ...given), requests('api', 'POST /upload', 200));
const slotBody = JSON.stringify({ fileName: 'a.png', fileType: 'image/png' });
const html = Buffer.from('<html>');

test('health and readiness, by GET and HEAD', async () => {
	for (const [target, word] of [['healthz', 'ok\n'], ['readyz', 'ready\n']]) {
		const get = await fetchUrl(`${server.admin}/${target}`);
		assert.deepEqual([get.status, get.text], [200, word]);
		assert.equal(get.headers.get('cache-control'), 'no-store');
		const head = await fetchUrl(`${server.admin}/${target}`, { method: 'HEAD' });
		assert.deepEqual([head.status, head.text], [200, '']);
	}
});

test('every metric of the table is there with its type, and each histogram adds up', async () => {
	await counted(() => call(server, 'GET', '/images'), requests('api', 'GET /images', 200));
	const { families, series } = await scrape();
	const table = readFileSync(path.join(root, 'src/base/metrics.def'), 'utf8');
	const rows = [...table.matchAll(/^METRIC\(\w+, "(\w+)", "(\w+)", "((?:[^"\\]|\\.)*)"/gm)];
	assert.ok(rows.length >= 20);
	for (const [, type, name, labels] of rows) {
		assert.equal(families.get(name), type, name);
		assert.ok(series.has(labels ? `${name}{${labels.replaceAll('\\"', '"')}}` : name), `${name} ${labels}`);
	}
	const counts = [...series].filter(([id]) => id.startsWith('tintype_request_seconds_count'));
	assert.ok(counts.length > 0);
	for (const [id, count] of counts) {
		const labels = /\{(.*)\}/.exec(id)[1];
		const buckets = [...series].filter(([b]) => b.startsWith(`tintype_request_seconds_bucket{${labels},le=`)).map(([, v]) => v);
		assert.ok(buckets.length > 5);
		assert.deepEqual(buckets, [...buckets].sort((a, b) => a - b), 'buckets are cumulative');
		assert.equal(buckets.at(-1), count, '+Inf is all');
		assert.ok(series.has(`tintype_request_seconds_sum{${labels}}`));
		const byStatus = [...series].filter(([r]) => r.startsWith(`tintype_requests_total{${labels},status=`)).reduce((sum, [, v]) => sum + v, 0);
		assert.equal(byStatus, count, `requests of ${labels}`);
	}
});

test('a slot', () => moved(async () => [await call(server, 'POST', '/upload', { body: slotBody })], {
	[requests('api', 'POST /upload', 200)]: 1, [SLOTS]: 1, [images('pending')]: 1, [RECEIVED]: slotBody.length,
}));

test('a slot that is refused', () => moved(async () => [await call(server, 'POST', '/upload', { body: '{}' })], {
	[requests('api', 'POST /upload', 400)]: 1, [RECEIVED]: 2,
}));

test('an upload, the same again, and another in its place', async () => {
	const slot = await countedSlot();
	const other = Buffer.from(tinyPng);
	other[other.length - 1] ^= 1;
	await moved(async () => [await putBytes(slot, tinyPng)], {
		[requests('storage', 'PUT /object', 200)]: 1, [uploads('uploaded')]: 1, [images('pending')]: -1, [images('uploaded')]: 1,
		[STORED]: tinyPng.length, [RECEIVED]: tinyPng.length, [DECODED]: 1, [THUMB]: 1,
	});
	await moved(async () => [await putBytes(slot, tinyPng)], {
		[requests('storage', 'PUT /object', 200)]: 1, [uploads('repeated')]: 1, [RECEIVED]: tinyPng.length,
	});
	await moved(async () => [await putBytes(slot, other)], {
		[requests('storage', 'PUT /object', 412)]: 1, [uploads('conflict')]: 1, [RECEIVED]: other.length,
	});
});

test('an upload that is rejected', async () => {
	const slot = await countedSlot();
	await moved(async () => [await putBytes(slot, html)], {
		[requests('storage', 'PUT /object', 400)]: 1, [uploads('rejected')]: 1, [images('pending')]: -1, [images('rejected')]: 1, [RECEIVED]: html.length,
	});
	await moved(async () => [await call(server, 'DELETE', `/images/${slot.imageId}`)], {
		[requests('api', 'DELETE /images/{imageId}', 204)]: 1, [DELETES]: 1, [images('rejected')]: -1,
	});
});

test('an upload by form', async () => {
	const slot = await countedSlot({ method: 'POST' });
	let sent = 0;
	await moved(async () => {
		const answer = await postForm(slot, tinyPng);
		assert.equal(answer.status, 204);
		const line = await eventually(() => server.events('request').find(e => e.requestId === answer.headers.get('x-amz-request-id')), { what: 'its line' });
		sent = line.bytesIn;
		assert.ok(sent > tinyPng.length);
		return [answer];
	}, {
		[requests('storage', 'POST /form', 204)]: 1, [uploads('uploaded')]: 1, [images('pending')]: -1, [images('uploaded')]: 1,
		[STORED]: tinyPng.length, [DECODED]: 1, [THUMB]: 1, get [RECEIVED]() { return sent; },
	});
});

test('an upload that is cut off, and one whose digest is wrong', async t => {
	const slot = await countedSlot();
	const { host, pathname, search } = new URL(slot.uploadUrl);
	await moved(async () => {
		const raw = await rawSocket(server.storage);
		t.after(() => raw.end());
		await raw.send(`PUT ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: image/png\r\nContent-Length: 100\r\n\r\n`);
		await raw.send('12345');
		await eventually(async () => (await scrape()).series.get('tintype_connections{listener="storage"}') > 0, { what: 'the connection' });
		raw.socket.end();
		const answer = parseAnswer(await raw.until(() => false));
		assert.match(answer.body, /<Code>IncompleteBody</);
		return [{ bytes: Buffer.from(answer.body, 'latin1') }];
	}, { [requests('storage', 'PUT /object', 400)]: 1, [uploads('failed')]: 1, [RECEIVED]: 5 });
	await moved(async () => [await putBytes(slot, tinyPng, { 'Content-MD5': Buffer.alloc(16).toString('base64') })], {
		[requests('storage', 'PUT /object', 400)]: 1, [uploads('failed')]: 1, [RECEIVED]: tinyPng.length,
	});
});

test('an upload without permission is not counted', async () => {
	const slot = await countedSlot();
	const wrong = { ...slot, uploadUrl: slot.uploadUrl.replace(/Signature=(.)/, (all, c) => `Signature=${c === '0' ? '1' : '0'}`) };
	await moved(async () => [await putBytes(wrong, tinyPng)], { [requests('storage', 'PUT /object', 403)]: 1, [RECEIVED]: tinyPng.length });
});

test('whole, partial and refused reads; and the deletion of an image', async () => {
	const { image } = await counted(() => uploadImage(server), requests('api', 'POST /upload', 200), requests('storage', 'PUT /object', 200), requests('api', 'GET /images/{imageId}', 200));
	const get = headers => async () => [await fetchUrl(image.downloadUrl, { headers })];
	await moved(get({}), { [requests('storage', 'GET /object', 200)]: 1 });
	await moved(get({ Range: 'bytes=1-3' }), { [requests('storage', 'GET /object', 206)]: 1 });
	await moved(get({ 'If-None-Match': image.etag.startsWith('"') ? image.etag : `"${image.etag}"` }), { [requests('storage', 'GET /object', 304)]: 1 });
	await moved(async () => [await call(server, 'DELETE', `/images/${image.imageId}`)], {
		[requests('api', 'DELETE /images/{imageId}', 204)]: 1, [DELETES]: 1, [images('uploaded')]: -1, [STORED]: -tinyPng.length,
	});
	await moved(async () => [await call(server, 'DELETE', `/images/${image.imageId}`)], { [requests('api', 'DELETE /images/{imageId}', 404)]: 1 });
	await moved(get({}), { [requests('storage', 'GET /object', 404)]: 1 });
});

test('nothing that an unknown client writes becomes a label', async () => {
	for (const base of [server.api, server.storage, server.admin]) {
		const { host } = new URL(base);
		for (const line of ['EVIL /prod/evil', 'GET /prod/images/evil"},x="', 'GET /evil?evil=evil', 'OPTIONS /prod/images/%0aevil'])
			await rawRequest(base, `${line} HTTP/1.1\r\nHost: ${host}\r\nX-Evil: evil\r\nContent-Length: 0\r\n\r\n`);
	}
	const { series } = await scrape();
	for (const id of series.keys())
		assert.doesNotMatch(id, /evil/i);
});

for (const listener of ['api', 'storage', 'admin'])
	test(`the gauge of ${listener}'s connections follows them`, async t => {
		const gauge = async () => (await scrape()).series.get(`tintype_connections{listener="${listener}"}`);
		const sockets = await Promise.all(Array.from({ length: 40 }, () => rawSocket(server[listener])));
		t.after(() => Promise.all(sockets.map(raw => raw.end())));
		await eventually(async () => await gauge() >= 40, { what: 'forty connections' });
		await Promise.all(sockets.map(raw => raw.end()));
		await eventually(async () => await gauge() < 20, { what: 'the end of forty connections' });
	});

test('after a restart the gauges show what is stored, and the counters start from zero', async t => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-metrics-'));
	t.after(() => rmSync(dir, { recursive: true, force: true }));
	const first = await startServer({ data: dir });
	t.after(() => first.stop());
	await openSlot(first);
	await uploadImage(first);
	await uploadImage(first);
	await putBytes(await openSlot(first), html);
	await first.stop();
	const again = await startServer({ data: dir });
	t.after(() => again.stop());
	const { series } = await scrape(again);
	for (const [id, value] of [[images('pending'), 1], [images('uploaded'), 2], [images('rejected'), 1], [STORED, 2 * tinyPng.length], [SLOTS, 0], [uploads('uploaded'), 0], [uploads('rejected'), 0]])
		assert.equal(series.get(id), value, id);
	assert.ok(series.get('tintype_free_bytes') > 0);
});
