// Webhooks: whether they are sent, what waits, what was given up and why, and what was delivered lately, a page at a time.
import { enableWebhooks, resendWebhooks, webhooks } from './client.js';
import { $, button, cell, el, foreign, many, say, time } from './dom.js';

const PAGE = 50;
const LOOKS = { waiting: 'pending', delivered: 'uploaded', failed: 'rejected' };   // as images of these states

let before, shown = 0, guard;

function rowOf(webhook) {
	const { webhookId, type, state, imageId, createdAt, dueAt, endedAt, attempts, error } = webhook;
	return el('tr', {},
		el('th', { scope: 'row' }, type, el('span', { className: 'id' }, webhookId), error && el('span', { className: 'reason' }, foreign(error))),
		cell('State', el('span', { className: `tag ${LOOKS[state]}` }, state)),
		cell('Image', el('code', {}, imageId)),
		cell('Attempts', String(attempts)),
		cell('Created', time(createdAt)),
		cell('Next or last', endedAt || dueAt ? time(endedAt ?? dueAt) : '–'),
		el('td', { className: 'does' }, state !== 'delivered' && button('Send again', `the webhook ${webhookId}`, () => guard(() => resend({ id: webhookId })))));
}

async function resend(which) {
	const { resent } = await resendWebhooks(which);
	say(`${many(resent, 'webhook')} will be sent again.`);
	await reload();
}

async function enable() {
	await enableWebhooks();
	say('Webhooks are sent again.');
	await reload();
}

function report({ configured, disabledAt, reason, waiting, failed, delivered, nextBefore }) {
	const counts = `${waiting.toLocaleString('en')} waiting, ${failed.toLocaleString('en')} given up, ${delivered.toLocaleString('en')} delivered`;
	$('webhooks-count').textContent = `${counts}. ${shown === 0 ? 'No webhooks match.' : `${many(shown, 'webhook')} shown.`}`;
	$('webhooks-state').replaceChildren();
	if (!configured)
		$('webhooks-state').append('TINTYPE_WEBHOOK_URL is not set: nothing is sent.');
	else if (disabledAt)
		$('webhooks-state').append('Disabled since ', time(disabledAt), `: ${reason} `, el('button', { type: 'button', className: 'small', onclick: () => guard(enable) }, 'Send again'));
	$('webhooks-resend').hidden = failed === 0 || !configured;
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
	$('webhooks-count').textContent = 'Loading…';
	$('webhooks-rows').replaceChildren();
	await next();
}

/** guarded(f) runs f and shows its errors. */
export function prepare(guarded) {
	guard = guarded;
	$('webhooks-filter').addEventListener('submit', event => event.preventDefault());
	$('webhooks-filter').addEventListener('change', () => guard(reload));
	$('webhooks-refresh').addEventListener('click', () => guard(reload));
	$('webhooks-resend').addEventListener('click', () => guard(() => resend({ state: 'failed' })));
	$('webhooks-more').addEventListener('click', () => guard(next));
}

export const show = reload;
