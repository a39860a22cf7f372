// Current numbers, and charts: the last minutes since this page was opened, from /metrics, or the last hour, day or week, from the
// history that the server keeps.
import { history, metrics } from './client.js';
import { chart, scales } from './chart.js';
import { $, bytes, el, number } from './dom.js';
import { between, ofPoint, parse, sum } from './metrics.js';

const EVERY_MS = 2000;
const LIVE_MS = 4 * 60_000;
const RANGES = {   // how long they are, and how often they are read
	live: { ms: LIVE_MS, says: `The last 4 minutes, since this page was opened. Updated every ${EVERY_MS / 1000} s.` },
	hour: { ms: 3_600_000, everyMs: 10_000, says: 'The last hour, one point per minute.' },
	day: { ms: 24 * 3_600_000, everyMs: 60_000, says: 'The last 24 hours, one point per 5 minutes.' },
	week: { ms: 7 * 24 * 3_600_000, everyMs: 300_000, says: 'The last 7 days, one point per 30 minutes.' },
};
const IN_MEMORY = ' It is kept in memory only, and begins when this server was started.';

const charts = [
	chart('Requests', [{ name: 'API', key: 'api' }, { name: 'Storage', key: 'storage' }], scales.rate),
	chart('Errors', [{ name: 'Refused (4xx)', key: 'refused' }, { name: 'Failed (5xx)', key: 'failed' }], scales.rate),
	chart('Latency', [{ name: 'Median', key: 'median' }, { name: '95th percentile', key: 'slowest' }], scales.seconds),
	chart('Uploads', [{ name: 'Uploaded', key: 'uploaded' }, { name: 'Rejected', key: 'rejected' }], scales.rate),
	chart('Images', [{ name: 'Uploaded images that are stored', key: 'images' }], scales.count),
	chart('Storage', [{ name: 'Bytes of uploaded images', key: 'kept' }], scales.bytes),
];

const image = status => labels => labels.status === status;
const tiles = [
	['Uploaded', s => number(sum(s, 'tintype_images', image('uploaded')))],
	['Pending', s => number(sum(s, 'tintype_images', image('pending')))],
	['Rejected', s => number(sum(s, 'tintype_images', image('rejected')))],
	['Stored', s => bytes(sum(s, 'tintype_stored_bytes'))],
	['Free', s => sum(s, 'tintype_free_bytes') > 0 ? bytes(sum(s, 'tintype_free_bytes')) : 'unknown'],
	['Connections', s => number(sum(s, 'tintype_connections'))],
	['Workers busy', s => number(sum(s, 'tintype_workers_busy'))],
	['Log lines lost', s => number(sum(s, 'tintype_log_dropped_total'))],
].map(([name, value]) => ({ value, node: el('dd', {}, '–'), name }));

let last = null, live = [];
let range = 'hour', dueAt = 0;   // when the history is read again

/** Not affected by changes of the system's clock. */
const clock = () => performance.timeOrigin + performance.now();

function draw(points, of) {
	for (const one of charts)
		one.draw(points, of);
}

/** Read once; a rate needs two readings. */
async function readLive() {
	const now = { samples: parse(await metrics()), at: clock() };
	for (const { node, value } of tiles)
		node.textContent = value(now.samples);
	if (last)
		live = [...live.filter(({ at }) => at > now.at - LIVE_MS), { at: now.at, ...between(last, now) }];
	last = now;
	if (range === 'live')
		draw(live, { from: now.at - LIVE_MS, to: now.at, step: EVERY_MS });
}

async function readHistory() {
	const { ms, everyMs, says } = RANGES[range], own = range;
	const { kept, now, stepSeconds, latencyBoundsMs, points } = await history(range);
	if (own !== range)
		return;
	const to = Date.parse(now), bounds = latencyBoundsMs.map(bound => bound / 1000);
	draw(points.map(point => ofPoint(point, bounds)).filter(({ at }) => at >= to - ms), { from: to - ms, to, step: stepSeconds * 1000 });
	$('overview-state').textContent = says + (kept === 'memory' ? IN_MEMORY : '');
	dueAt = clock() + everyMs;
}

async function read() {
	await readLive();
	if (range !== 'live' && clock() >= dueAt)
		await readHistory();
}

/** Show the range that the rest of the address names. */
export async function show({ id }) {
	const before = range;
	range = RANGES[id] ? id : 'hour';
	$('overview-range').elements.range.value = range;
	$('overview-state').textContent = RANGES[range].says;
	if (range !== before || !last)
		draw(range === 'live' ? live : [], { from: clock() - RANGES[range].ms, to: clock(), step: EVERY_MS });
	if (range !== 'live')
		await readHistory();
}

export function prepare() {
	$('tiles').append(...tiles.map(({ name, node }) => el('div', {}, el('dt', {}, name), node)));
	$('charts').append(...charts.map(({ node }) => node));
	$('overview-range').addEventListener('change', event => { location.hash = `overview/${event.target.value}`; });
}

export const showPart = show;
export const poll = { everyMs: EVERY_MS, run: read };
