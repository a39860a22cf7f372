// Users: who they are, what they use of their quota, and quotas and deletion by the API's own calls.
import { act } from './act.js';
import { deleteUser, resetQuota, setQuota, users } from './client.js';
import { $, aria, button, bytes, cell, el, foreign, many, number, numeric, time } from './dom.js';

const PAGE = 50;
const MIB = 1024 * 1024;

let cursor, shown = 0, guard;

const nameOf = user => user.subject || user.owner;

function share(used, limit, words) {
	if (limit === undefined)
		return [words(used)];
	const meter = aria(el('meter', { min: 0, max: limit, value: Math.min(used, limit), high: limit * 0.9 }), { hidden: 'true' });
	return [`${words(used)} of ${words(limit)}`, meter];
}

function field(label, name, value) {
	return el('label', { className: 'field' }, el('span', {}, label), el('input', { type: 'number', name, min: 0, value: value ?? '', placeholder: 'no limit', inputMode: 'numeric' }));
}

function editQuota(user) {
	const { quota } = user;
	act({
		title: `Quota of ${nameOf(user)}`,
		text: 'Nothing is deleted when a quota is lowered: a user over it cannot upload more. Leave a field empty for no limit.',
		fields: [field('Storage, in MB', 'bytes', quota.bytes && Math.ceil(quota.bytes / MIB)), field('Images', 'images', quota.images), field('Pending uploads at a time', 'pending', quota.pending),
			field('Uploads per minute', 'slotsPerMinute', quota.slotsPerMinute)],
		verb: 'Save',
		after: reload,
		work: async data => {
			const wanted = Object.fromEntries([...data].filter(([, value]) => value !== '' && value !== '0').map(([name, value]) => [name, Number(value) * (name === 'bytes' ? MIB : 1)]));
			await setQuota(user.owner, wanted);
			return `The quota of ${nameOf(user)} was changed.`;
		},
	});
}

function useDefault(user) {
	act({
		title: `Use the default quota for ${nameOf(user)}?`,
		verb: 'Use the default',
		after: reload,
		work: async () => {
			await resetQuota(user.owner);
			return `${nameOf(user)} has the default quota.`;
		},
	});
}

function remove(user) {
	act({
		title: `Delete ${nameOf(user)}?`,
		text: `This deletes the user's ${many(user.usage.images, 'image')} and API keys for good, and refuses new uploads until that is done.`,
		verb: 'Delete',
		isDangerous: true,
		after: reload,
		work: async () => {
			const { deletedImages, done } = await deleteUser(user.owner);
			return `${many(deletedImages, 'image')} of ${nameOf(user)} deleted${done ? '.' : '; the rest is deleted in the background.'}`;
		},
	});
}

function rowOf(user) {
	const { usage, quota, blocked, ownQuota } = user;
	return el('tr', {},
		el('th', { scope: 'row' }, foreign(nameOf(user)), el('span', { className: 'id' }, user.issuer || user.owner), blocked && el('span', { className: 'tag rejected' }, 'being deleted')),
		cell('Storage', ...share(usage.bytes, quota.bytes, bytes)),
		cell('Images', ...share(usage.images, quota.images, number)),
		numeric('Pending', number(usage.pending)),
		cell('Last upload', user.lastSeenAt ? time(user.lastSeenAt) : '–'),
		el('td', { className: 'does' }, button('Images', `of ${nameOf(user)}`, () => { location.hash = `images?${new URLSearchParams({ owner: user.owner })}`; }), !blocked && button('Quota', `of ${nameOf(user)}`, () => editQuota(user)), ownQuota && button('Default quota', `for ${nameOf(user)}`, () => useDefault(user)),
			!blocked && button('Delete', nameOf(user), () => remove(user), 'danger')));
}

async function next({ isFirst = false } = {}) {
	try {
		const page = await users({ cursor, limit: PAGE });
		if (isFirst)
			$('users-rows').replaceChildren();
		$('users-rows').append(...page.users.map(rowOf));
		shown = $('users-rows').children.length;
		cursor = page.nextCursor;
		const all = shown === 0 ? 'No users yet. A user appears with the first upload that is made with a token or on behalf of somebody.' : cursor ? `${many(shown, 'user')} shown.` : `${many(shown, 'user')}.`;
		$('users-count').textContent = all;
	} catch (error) {
		$('users-count').textContent = '';
		if (!error.isNotHere)
			throw error;
		$('users-count').textContent = error.message;
		cursor = undefined;
	}
	$('users-more').hidden = cursor === undefined;
}

async function reload() {
	cursor = undefined;
	$('users-count').textContent = 'Loading…';
	await next({ isFirst: true });
}

/** guarded(f) runs f and shows its errors. */
export function prepare(guarded) {
	guard = guarded;
	$('users-more').addEventListener('click', () => guard(() => next()));
	$('users-refresh').addEventListener('click', () => guard(reload));
}

export const show = reload;
