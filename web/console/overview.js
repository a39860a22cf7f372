// Current numbers, and charts since this page was opened, from /metrics.
import { metrics } from './client.js';
import { chart, KEEP, niceBytes } from './chart.js';
import { $, bytes, el, number, seconds } from './dom.js';
import { between, parse, sum } from './metrics.js';

const EVERY_MS = 2000;

const perSecond = n => `${number(n)}/s`;
const charts = [
	chart('Requests', [{ name: 'API', key: 'api' }, { name: 'Storage', key: 'storage' }], perSecond),
	chart('Errors', [{ name: 'Refused (4xx)', key: 'refused' }, { name: 'Failed (5xx)', key: 'failed' }], perSecond),
	chart('Latency', [{ name: 'Median', key: 'median' }, { name: '95th percentile', key: 'slowest' }], seconds),
	chart('Storage', [{ name: 'Bytes of uploaded images', key: 'kept' }], bytes, niceBytes),
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

let last = null;

export function prepare() {
	$('tiles').append(...tiles.map(({ name, node }) => el('div', {}, el('dt', {}, name), node)));
	$('charts').append(...charts.map(({ node }) => node));
}

/** Read once; a rate needs two readings. */
async function read() {
	const now = { samples: parse(await metrics()), at: performance.now() };
	for (const { node, value } of tiles)
		node.textContent = value(now.samples);
	if (last)
		charts.slice(0, 3).forEach(({ add }) => add(between(last, now)));
	charts[3].add({ kept: sum(now.samples, 'tintype_stored_bytes') });
	if (!last)
		$('overview-state').textContent = `Updates every ${EVERY_MS / 1000} s. Last ${KEEP * EVERY_MS / 60000} minutes.`;
	last = now;
}

export const poll = { everyMs: EVERY_MS, run: read };
