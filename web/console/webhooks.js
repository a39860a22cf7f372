// Webhooks: whether they are sent, what waits, what failed and why, and what was delivered lately, a page at a time.
import { act, keepFocus, shownOnce } from './act.js';
import { enableWebhooks, resendWebhooks, webhooks } from './client.js';
import { $, button, cell, el, foreign, many, say, time } from './dom.js';

const PAGE = 50;
const LOOKS = { waiting: 'pending', delivered: 'uploaded', failed: 'rejected' };   // as images of these states

let before, shown = 0, toResend = 0, guard;

function rowOf(webhook) {
	const { webhookId, type, state, imageId, createdAt, dueAt, endedAt, attempts, error } = webhook;
	return el('tr', {},
		el('th', { scope: 'row' }, type, el('span', { className: 'id' }, webhookId), error && el('span', { className: 'reason' }, foreign(error))),
		cell('State', el('span', { className: `tag ${LOOKS[state]}` }, state)),
		cell('Image', el('a', { href: `#images/${imageId}` }, el('code', {}, imageId))),
		cell('Attempts', String(attempts)),
		cell('Created', time(createdAt)),
		cell('Next attempt or end', endedAt || dueAt ? time(endedAt ?? dueAt) : '–'),
		el('td', { className: 'does' }, state !== 'delivered' && button('Resend', `the webhook ${webhookId}`, () => guard(() => resendOne(webhookId)))));
}

async function resend(which) {
	const { resent } = await resendWebhooks(which);
	return `${many(resent, 'webhook')} will be sent again.`;
}

async function resendOne(webhookId) {
	say(await resend({ id: webhookId }));
	await keepFocus(reload);
}

function resendFailed() {
	act({
		title: `Resend ${many(toResend, 'failed webhook')}?`,
		text: 'They keep their ids, so that the receiver can recognize those that it has processed already.',
		verb: 'Resend',
		after: reload,
		work: () => resend({ state: 'failed' }),
	});
}

async function enable() {
	await enableWebhooks();
	say('Webhooks are enabled: those that waited are sent now.');
	await keepFocus(reload);
}

/** 32 random bytes, as TINTYPE_WEBHOOK_SECRET expects them. */
const newSecret = () => `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`;

function showNewSecret() {
	act({
		title: 'New secret for webhooks',
		text: 'It is made here, in the browser, and sent nowhere. The server goes on with the one in its settings until you change them.',
		verb: 'Make a secret',
		work: async () => shownOnce(newSecret(), ['Copy it now: it is not shown again.'], el('ol', { className: 'steps' },
			el('li', {}, 'Set ', el('code', {}, 'TINTYPE_WEBHOOK_SECRET=NEW,OLD'), ' and restart the server: each webhook is then signed with both.'),
			el('li', {}, 'Give the receiver the new one.'),
			el('li', {}, 'Set ', el('code', {}, 'TINTYPE_WEBHOOK_SECRET=NEW'), ' and restart the server.'))),
	});
}

function report({ configured, disabledAt, reason, waiting, failed, delivered, unreadable, nextBefore, none }) {
	toResend = failed + unreadable;
	const counts = `${waiting.toLocaleString('en')} waiting, ${failed.toLocaleString('en')} failed, ${delivered.toLocaleString('en')} delivered`;
	$('webhooks-count').textContent = `${counts}. ${shown === 0 ? none : `${many(shown, 'webhook')} shown.`}`;
	$('webhooks-state').replaceChildren();
	if (!configured)
		$('webhooks-state').append('TINTYPE_WEBHOOK_URL is not set: nothing is sent.');
	else if (disabledAt)
		$('webhooks-state').append('Disabled since ', time(disabledAt), `: ${reason} `, el('button', { type: 'button', className: 'small', onclick: () => guard(enable) }, 'Enable'));
	if (unreadable > 0)
		$('webhooks-state').append(`${unreadable === 1 ? '1 event of the table cannot be read and is' : `${unreadable.toLocaleString('en')} events of the table cannot be read and are`} not sent: `,
			'the log says which (events.unreadable).');
	$('webhooks-resend').hidden = toResend === 0 || !configured;
	$('webhooks-more').hidden = nextBefore === null;
}

async function next({ isFirst = false } = {}) {
	try {
		const { state } = Object.fromEntries(new FormData($('webhooks-filter')));
		const page = await webhooks({ state, before, limit: PAGE });
		const found = page.webhooks.map(rowOf);
		if (isFirst)
			$('webhooks-rows').replaceChildren();
		$('webhooks-rows').append(...found);
		shown = $('webhooks-rows').children.length;
		before = page.nextBefore ?? undefined;
		report({ ...page, none: state === 'all' ? 'No webhooks yet.' : 'No webhooks match.' });
	} catch (error) {
		$('webhooks-count').textContent = '';
		if (error.wantsToken || error.isLost)
			throw error;
		$('webhooks-count').textContent = error.message;
		$('webhooks-more').hidden = true;
	}
}

async function reload() {
	before = undefined;
	$('webhooks-count').textContent = 'Loading…';
	await next({ isFirst: true });
}

/** guarded(f) runs f and shows its errors. */
export function prepare(guarded) {
	guard = guarded;
	$('webhooks-filter').addEventListener('submit', event => event.preventDefault());
	$('webhooks-filter').addEventListener('change', () => guard(reload));
	$('webhooks-refresh').addEventListener('click', () => guard(reload));
	$('webhooks-resend').addEventListener('click', resendFailed);
	$('webhooks-secret').addEventListener('click', showNewSecret);
	$('webhooks-more').addEventListener('click', () => guard(() => next()));
}

export const show = reload;
