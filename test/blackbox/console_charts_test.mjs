// The charts of the console: what they compute, in Node; what they show, in Debian's Chromium on a real server; and the history behind them
// over restarts and kill -9.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';

import { axe, PHONE, startBrowser } from './support/browser.mjs';
import { bearer, enterConsole, leave, rows } from './support/console.mjs';
import { after, before, describe, test } from './support/limited.mjs';
import { call, eventually, fetchUrl, startServer, uploadImage } from './support/server.mjs';
import { sqlite } from './support/sqlite.mjs';

import { levels, nice, path as linePath, scales, ticks } from '../../web/console/chart.js';
import { between, ofPoint, parse, quantile } from '../../web/console/metrics.js';

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

describe('computing', () => {
	const at = (seconds, text) => ({ at: seconds * 1000, samples: parse(text) });
	const requests = (api, failed) => `# HELP tintype_requests_total x\ntintype_requests_total{listener="api",route="GET /",status="200"} ${api}\n`
		+ `tintype_requests_total{listener="api",route="GET /",status="503"} ${failed}\ntintype_requests_total{listener="admin",route="GET /",status="404"} 1e3\n`;

	test('rates are computed between two readings, exclude the console\'s own requests, and are unknown after a restart', () => {
		const drawn = between(at(10, requests(100, 4)), at(14, requests(120, 6)));
		assert.deepEqual([drawn.api, drawn.failed, drawn.refused, drawn.storage, drawn.median], [5.5, 0.5, 0, 0, null]);
		assert.equal(between(at(10, requests(100, 4)), at(14, requests(1, 0))).api, null);
	});

	test('rates of a point are by the time in which it was counted', () => {
		const point = { at: '2026-01-01T00:00:00.000Z', ms: 30000, api: 60, storage: 0, refused: 3, failed: 0, uploaded: 15, rejected: 0, images: 7, storedBytes: 99, latencies: [0, 10, 10] };
		assert.deepEqual(ofPoint(point, [0.1, 1]), { at: Date.UTC(2026, 0, 1), api: 2, storage: 0, refused: 0.1, failed: 0, uploaded: 0.5, rejected: 0, images: 7, kept: 99, median: 1, slowest: 1 });
		assert.equal(ofPoint({ ...point, latencies: [0, 0, 0] }, [0.1, 1]).median, null);
	});

	test('quantiles cover the time between two readings, are interpolated within a bucket, and never exceed the last bound', () => {
		const before = new Map([[0.1, 5], [1, 5], [Infinity, 5]]);
		assert.equal(quantile(before, before, 0.5), null);
		assert.equal(quantile(before, new Map([[0.1, 15], [1, 15], [Infinity, 15]]), 0.5), 0.05);
		assert.equal(quantile(before, new Map([[0.1, 5], [1, 15], [Infinity, 15]]), 0.5), 0.1 + 0.9 * 0.5);
		assert.equal(quantile(before, new Map([[0.1, 5], [1, 5], [Infinity, 15]]), 0.95), 1);
	});

	test('lines have gaps where values are unknown or times are missing, and fit their scale', () => {
		const draw = points => linePath(points, { from: 0, to: 10, top: 4, step: 1 });
		assert.equal(draw([[0, 1], [1, 2], [2, null], [3, 4]]), 'M0.0 75.0h.1L100.0 50.0M300.0 0.0h.1');
		assert.equal(draw([[0, 1], [2, 1], [5, 1]]).match(/M/g).length, 2, 'a point may be late, not missing');
	});

	test('values of an axis are round, in the unit in which they are shown', () => {
		assert.deepEqual([0, 0.7, 1, 13, 50, 51].map(nice), [1, 1, 1, 20, 50, 100]);
		const axis = (scale, most) => { const { step, words } = scales[scale](most); return levels(most, step).map(words); };
		assert.deepEqual(axis('rate', 13), ['0/s', '5/s', '10/s', '15/s']);
		assert.deepEqual(axis('rate', 0.2), ['0/min', '5/min', '10/min', '15/min']);
		assert.deepEqual(axis('rate', 0), ['0/min', '1/min', '2/min']);
		assert.deepEqual(axis('count', 2), ['0', '1', '2']);
		assert.deepEqual(axis('seconds', 0.042), ['0 ms', '20 ms', '40 ms', '60 ms']);
		assert.deepEqual(axis('bytes', 3 * 2 ** 20), ['0 bytes', '1 MB', '2 MB', '3 MB']);
	});

	test('times of an axis are full ones of the local clock, each once, also when the clock is changed', () => {
		const hour = n => new Date(2026, 4, 4, n).getTime();
		assert.deepEqual(ticks(hour(10) + MINUTE, hour(11) + MINUTE, 5).map(t => [t.getHours(), t.getMinutes()]), [[10, 15], [10, 30], [10, 45], [11, 0]]);
		assert.deepEqual(ticks(hour(1), hour(25), 6).map(t => t.getHours()), [4, 8, 12, 16, 20, 0]);
		assert.ok(ticks(hour(1), hour(1) + 7 * DAY, 8).every(t => t.getHours() === 0));
		for (const month of [2, 9])   // both changes of the clock, where there are any
			for (const from of Array.from({ length: 31 }, (_, day) => new Date(2026, month, day + 1).getTime())) {
				const found = ticks(from, from + DAY, 8).map(Number);
				assert.ok(found.length >= 6 && found.every((t, i) => i === 0 || t > found[i - 1]));
			}
	});
});

let server, token, browser;
before(async () => {
	[server, browser] = await Promise.all([startServer({ env: { TINTYPE_ADMIN_TOKEN: 'a-token-of-the-operator-0123456789abcdef' } }), startBrowser()]);
	token = 'a-token-of-the-operator-0123456789abcdef';
});
after(async () => { await browser?.close(); await server?.stop(); });

const enter = (part, options) => enterConsole(browser, server, token, undefined, { hash: `#overview/${part}`, ...options });
const history = async (range = 'hour', of = server) => (await fetchUrl(`${of.admin}/console/history?range=${range}`, bearer(token))).json;
const total = ({ points }, name) => points.reduce((sum, point) => sum + point[name], 0);

/** Write points into the history, one a minute of [minutes ago, numbers of requests to the API]. */
function fill(points, of = server) {
	const now = Math.floor(Date.now() / MINUTE);
	sqlite(`${of.data}/tintype.db`, points.map(([ago, api]) => `INSERT OR REPLACE INTO history VALUES(${(now - ago) % 10080}, ${now - ago}, '60000 5 1000 ${'0 '.repeat(15)}${api} 0 0 0 0 0')`).join(';'));
}

test('the charts of the last minutes follow the server\'s activity', async () => {
	const page = await enter('live');
	const line = n => page.locator('.chart').nth(n).locator('.line-0').getAttribute('d');
	const value = name => page.locator('#tiles div').filter({ hasText: name }).locator('dd').innerText();
	await page.waitForFunction(() => document.querySelector('.line-0').getAttribute('d') !== '');
	const before = { drawn: await line(0), uploaded: Number(await value('Uploaded')) };
	await uploadImage(server);
	await call(server, 'GET', '/nothing');
	await page.waitForFunction(n => Number([...document.querySelectorAll('#tiles div')].find(tile => tile.textContent.startsWith('Uploaded')).lastChild.textContent) === n, before.uploaded + 1);
	await page.waitForFunction(d => document.querySelector('.line-0').getAttribute('d') !== d, before.drawn);
	await eventually(async () => await value('Stored') !== '0 bytes', { what: 'the stored bytes' });
	// Whichever reading they are in: the errors' line is above zero, and a latency is shown.
	const isUp = d => new Set([...d.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => y)).size > 1;
	await eventually(async () => isUp(await line(1)), { what: 'an error in the chart' });
	await eventually(async () => await line(2) !== '', { what: 'a latency in the chart' });
	await leave(page);
});

test('ranges are chosen, stay in the address, and show a gap as a gap', async () => {
	fill([...Array.from({ length: 20 }, (_, i) => [i + 30, 600]), ...Array.from({ length: 20 }, (_, i) => [i + 5, 1200]), [26 * 60, 60], [8 * 24 * 60, 99999]]);
	const page = await enter('');
	const line = () => page.locator('.chart').first().locator('.line-0').getAttribute('d');
	await page.waitForFunction(() => document.querySelector('.line-0').getAttribute('d').length > 100);
	assert.ok((await line()).match(/M/g).length >= 3, 'two runs, and the minute that is not over');
	assert.equal((await history()).kept, 'database');
	assert.deepEqual(await page.locator('.chart').first().locator('.y span').allInnerTexts(), ['0/s', '5/s', '10/s', '15/s', '20/s']);
	const shown = await page.locator('.chart').first().locator('.x span').allInnerTexts();
	assert.ok(shown.length >= 3 && shown.every(text => /^\d+:\d\d/.test(text)), String(shown));
	for (const [range, says] of [['Week', 'The last 7 days'], ['Day', 'The last 24 hours'], ['4 minutes', 'The last 4 minutes'], ['Hour', 'The last hour']]) {
		await page.getByLabel(range, { exact: true }).check({ force: true });
		await page.locator('#overview-state').filter({ hasText: says }).waitFor();
	}
	await page.getByLabel('Week', { exact: true }).check({ force: true });
	await page.waitForFunction(() => location.hash === '#overview/week');
	await page.reload();
	await page.locator('#overview-state').filter({ hasText: 'The last 7 days' }).waitFor();
	assert.equal(await page.getByLabel('Week', { exact: true }).isChecked(), true);
	await page.goBack();
	await page.locator('#overview-state').filter({ hasText: 'The last hour' }).waitFor();
	const week = await history('week');
	assert.equal(total(week, 'api') >= 600 * 20 + 1200 * 20 + 60 && total(week, 'api') < 90000, true, 'what is older than a week is not in it');
	await leave(page);
});

test('the values at a time are shown by pointing, by keyboard and by touch', async () => {
	fill(Array.from({ length: 50 }, (_, i) => [i + 5, 60 * (i + 1)]));
	const page = await enter('hour'), area = page.getByRole('slider', { name: 'Requests: values at a time' });
	const tip = page.locator('.chart').first().locator('.tip');
	await page.waitForFunction(() => document.querySelector('.line-0').getAttribute('d').length > 100);
	assert.equal(await tip.isVisible(), false);
	const { width } = await area.boundingBox();
	await area.hover({ position: { x: width / 2, y: 30 } });
	await tip.waitFor();
	assert.match(await tip.innerText(), /^\d+:\d\d.*API\s+\d+\/s.*Storage\s+0\/s$/s);
	await page.mouse.move(1, 1);
	await tip.waitFor({ state: 'hidden' });
	await area.focus();
	const said = () => area.getAttribute('aria-valuetext');
	const newest = await said();
	await page.keyboard.press('Home');
	assert.match(await said(), /: API 50\/s, Storage 0\/s$/);
	await page.keyboard.press('ArrowRight');
	assert.match(await said(), /: API 49\/s, Storage 0\/s$/);
	assert.equal(await tip.isVisible(), true);
	await page.keyboard.press('PageUp');
	assert.match(await said(), /: API 39\/s/);
	assert.deepEqual(await axe(page), []);
	await page.keyboard.press('End');
	assert.equal(new Set([await said(), newest]).size <= 2, true);
	await page.keyboard.press('Escape');
	await tip.waitFor({ state: 'hidden' });
	await leave(page);
	const phone = await enter('hour', { viewport: PHONE, hasTouch: true });
	await phone.waitForFunction(() => document.querySelector('.line-0').getAttribute('d').length > 100);
	await phone.getByRole('slider', { name: 'Requests: values at a time' }).tap();
	await phone.locator('.chart').first().locator('.tip').waitFor();
	assert.equal(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
	await leave(phone);
});

test('a minute is written while the server runs; the history goes on after an end and after kill -9, and counts that begin at zero again change nothing', async () => {
	let own = await startServer({ env: { TINTYPE_ADMIN_TOKEN: token } });
	const restart = async signal => {
		await own.kill(signal);
		own = await startServer({ data: own.dir, env: { TINTYPE_ADMIN_TOKEN: token } });
	};
	for (let i = 0; i < 30; i++)
		await call(own, 'GET', '/limits');
	await restart('SIGTERM');
	assert.equal(total(await history('hour', own), 'api') >= 30, true, 'what was counted when it ended');
	for (let i = 0; i < 5; i++)
		await call(own, 'GET', '/limits');
	let before;   // the last request is counted after its response
	await eventually(async () => total(before = await history('hour', own), 'api') >= 35, { what: 'the count of all requests' });
	assert.equal(before.points.every(({ api, ms }) => api * 1000 / ms >= 0), true);
	await restart('SIGKILL');
	const later = await history('hour', own);
	assert.equal(total(later, 'api') >= 30 && total(later, 'api') <= total(before, 'api') + 1, true, 'at most the minute that was not over is lost');
	assert.equal(later.points.every(({ ms }) => ms <= 2 * MINUTE), true);
	await own.stop();
	rmSync(own.dir, { recursive: true, force: true });
	// The first server has run for long enough by now: its thread has written minutes by itself.
	await eventually(() => Number(sqlite(`${server.data}/tintype.db`, "SELECT count(*) FROM history WHERE numbers NOT LIKE '60000 5 1000 %'")) > 0, { what: 'a minute', timeoutMs: 180000 });
});

test('a server that does not respond is said, and what is shown stays; each view is read when it responds again', async () => {
	const own = await startServer({ env: { TINTYPE_ADMIN_TOKEN: token } });
	await uploadImage(own);
	const page = await enterConsole(browser, own, token, undefined, { url: own.admin, hash: '#overview/hour' });
	await page.waitForFunction(() => document.querySelector('.line-0').getAttribute('d') !== '');
	await own.kill('SIGKILL');
	await page.getByText('The server does not respond. Trying again.').waitFor();
	assert.notEqual(await page.locator('.line-0').first().getAttribute('d'), '');
	await page.getByRole('link', { name: 'Images', exact: true }).click();
	await page.getByText('The server does not respond. Trying again.').waitFor();
	const again = await startServer({ data: own.dir, env: { TINTYPE_ADMIN_TOKEN: token }, args: ['--admin', new URL(own.admin).host] });
	await page.getByText('1 image.').waitFor();
	await page.waitForFunction(() => document.querySelector('#lost').textContent === '');
	await again.kill('SIGKILL');
	await page.locator('#images-refresh').click();
	await page.getByText('The server does not respond. Trying again.').waitFor();
	assert.equal(await rows(page).count(), 1);
	await page.waitForFunction(() => document.querySelector('#images-count').textContent === '');   // it is tried again and again
	await page.context().close();
	rmSync(own.dir, { recursive: true, force: true });
});
