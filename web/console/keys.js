// API keys of applications: which there are, a new one, whose text is shown once, and removal.
import { act, shownOnce } from './act.js';
import { addKey, keys, removeKey } from './client.js';
import { $, button, cell, el, foreign, many, time } from './dom.js';

const SCOPES = { upload: 'upload images', read: 'list and get images', delete: 'delete images', 'act-as': 'act for its users', admin: 'everything, of every user' };
const LIVES = { '': 'Never', 2592000: 'In 30 days', 7776000: 'In 90 days', 31536000: 'In a year' };

let guard;

function add() {
	const scope = ([name, words]) => el('label', { className: 'tick' }, el('input', { type: 'checkbox', name: 'scopes', value: name, checked: name === 'upload' || name === 'read' }), el('span', {}, el('b', {}, name), ` ${words}`));
	act({
		title: 'New API key',
		fields: [
			el('label', { className: 'field' }, el('span', {}, 'Name, such as the application it is for'), el('input', { type: 'text', name: 'name', required: true, maxLength: 100, autocomplete: 'off' })),
			el('fieldset', { className: 'ticks' }, el('legend', {}, 'Scopes'), ...Object.entries(SCOPES).map(scope)),
			el('label', { className: 'field' }, el('span', {}, 'Expires'), el('select', { name: 'life' }, ...Object.entries(LIVES).map(([value, words]) => el('option', { value, selected: value === '' }, words)))),
		],
		verb: 'Add',
		after: reload,
		work: async data => {
			const life = data.get('life');
			const key = await addKey({ name: data.get('name').trim(), scopes: data.getAll('scopes'), ...(life ? { expiresIn: Number(life) } : {}) });
			return shownOnce(key.key, ['The key of ', foreign(key.name), '. Copy it now: it is not shown again.']);
		},
	});
}

function remove(key) {
	act({
		title: `Remove the key ${key.name}?`,
		text: 'Applications that use it are refused from now on.',
		verb: 'Remove',
		after: reload,
		isDangerous: true,
		work: async () => {
			await removeKey(key.keyId);
			return `The key ${key.name} was removed.`;
		},
	});
}

function rowOf(key) {
	const isPast = key.expiresAt && new Date(key.expiresAt) < new Date();
	return el('tr', {},
		el('th', { scope: 'row' }, foreign(key.name), el('span', { className: 'id' }, key.keyId)),
		cell('Scopes', key.scopes.join(', '), key.owner && el('span', { className: 'id' }, `of the user ${key.owner}`)),
		cell('Created', time(key.createdAt)),
		cell('Expires', key.expiresAt ? time(key.expiresAt) : 'never', isPast && ' ', isPast && el('span', { className: 'tag rejected' }, 'expired')),
		cell('Last used', key.usedAt ? time(key.usedAt) : 'never'),
		el('td', { className: 'does' }, button('Remove', `the key ${key.name}`, () => remove(key), 'danger')));
}

async function reload() {
	$('keys-count').textContent = 'Loading…';
	try {
		const all = (await keys()).keys;
		$('keys-rows').replaceChildren(...all.map(rowOf));
		$('keys-count').textContent = all.length === 0 ? 'No API keys yet.' : `${many(all.length, 'API key')}.`;
	} catch (error) {
		$('keys-count').textContent = '';
		if (!error.isNotHere)
			throw error;
		$('keys-count').textContent = error.message;
		$('keys-add').hidden = true;
	}
}

/** guarded(f) runs f and shows its errors. */
export function prepare(guarded) {
	guard = guarded;
	$('keys-add').addEventListener('click', add);
}

export const show = reload;
