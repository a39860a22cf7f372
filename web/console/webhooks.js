// Webhooks: whether they are sent, what waits, what was given up and why, and what was delivered lately, a page at a time.
import { webhooks } from './client.js';
import { $, el, foreign, many, time } from './dom.js';

const PAGE = 50;
const LOOKS = { waiting: 'pending', delivered: 'uploaded', failed: 'rejected' };   // as images of these states

let before, shown = 0, guard;

function cell(label, ...content) {
	const td = el('td', {}, ...content);
	td.dataset.label = label;
	return td;
}

function rowOf(webhook) {
	const { webhookId, type, state, imageId, createdAt, dueAt, endedAt, attempts, error } = webhook;
	return el('tr', {},
		el('th', { scope: 'row' }, type, el('span', { className: 'id' }, webhookId), error && el('span', { className: 'reason' }, foreign(error))),
		cell('State', el('span', { className: `tag ${LOOKS[state]}` }, state)),
		cell('Image', el('code', {}, imageId)),
		cell('Attempts', String(attempts)),
		cell('Created', time(createdAt)),
		cell('Next or last', endedAt || dueAt ? time(endedAt ?? dueAt) : '–'));
}

function report({ configured, disabledAt, reason, waiting, failed, delivered, nextBefore }) {
	const counts = `${waiting.toLocaleString('en')} waiting, ${failed.toLocaleString('en')} given up, ${many(delivered, 'delivery', 'deliveries')} kept`;
	$('webhooks-count').textContent = `${counts}. ${shown === 0 ? 'No webhooks match.' : `${many(shown, 'webhook')} shown.`}`;
	$('webhooks-state').replaceChildren();
	if (!configured)
		$('webhooks-state').append('TINTYPE_WEBHOOK_URL is not set: nothing is sent.');
	else if (disabledAt)
		$('webhooks-state').append('Disabled since ', time(disabledAt), `: ${reason} To send again: tintype webhooks enable`);
	$('webhooks-more').hidden = nextBefore === null;
}

async function next() {
	try {
		const { state } = Object.fromEntries(new FormData($('webhooks-filter')));
		const page = await webhooks({ state, before, limit: PAGE });
		$('webhooks-rows').append(...page.webhooks.map(rowOf));
		shown += page.webhooks.length;
		before = page.nextBefore ?? undefined;
		report(page);
	} catch (error) {
		if (error.wantsToken || error.isLost)
			throw error;
		$('webhooks-count').textContent = error.message;
		$('webhooks-more').hidden = true;
	}
}

async function reload() {
	before = undefined;
	shown = 0;
	$('webhooks-rows').replaceChildren();
	await next();
}

/** guarded(f) runs f and shows its errors. */
export function prepare(guarded) {
	guard = guarded;
	$('webhooks-filter').addEventListener('submit', event => event.preventDefault());
	$('webhooks-filter').addEventListener('change', () => guard(reload));
	$('webhooks-refresh').addEventListener('click', () => guard(reload));
	$('webhooks-more').addEventListener('click', () => guard(next));
}

export const show = reload;
