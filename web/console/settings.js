// The settings in force, and where they differ from the defaults.
import { settings } from './client.js';
import { $, cell, el, foreign, many } from './dom.js';

let all = [];

function valueOf({ isSecret, isSet, value }) {
	if (isSecret)
		return el('span', { className: 'tag' }, isSet ? 'set' : 'not set');
	return value === '' ? el('span', { className: 'none' }, 'empty') : el('code', {}, foreign(value));
}

function rowOf(setting) {
	const { env, flag, unit, meaning, isDefault } = setting;
	const isWords = unit.includes('|');
	return el('tr', { className: isDefault ? '' : 'changed' },
		el('th', { scope: 'row' }, el('code', {}, env), flag && el('code', { className: 'id' }, `--${flag}`)),
		cell('Value', valueOf(setting), /^\d+$/.test(setting.value) && ` ${unit}`, !isDefault && ' ', !isDefault && el('span', { className: 'tag changed' }, 'changed')),
		cell('Default', setting.default === '' ? el('span', { className: 'none' }, 'empty') : el('code', {}, setting.default)),
		cell('Meaning', meaning, isWords && el('span', { className: 'id' }, `One of: ${unit.split('|').join(', ')}.`)));
}

function draw() {
	const { text = '', changed } = Object.fromEntries(new FormData($('settings-filter')));
	const wanted = all.filter(s => (!changed || !s.isDefault) && `${s.env} --${s.flag} ${s.meaning} ${s.value}`.toLowerCase().includes(text.trim().toLowerCase()));
	$('settings-rows').replaceChildren(...wanted.map(rowOf));
	$('settings-count').textContent = wanted.length === 0 ? 'No settings match.' : many(wanted.length, 'setting') + '.';
}

export function prepare() {
	$('settings-filter').addEventListener('submit', event => event.preventDefault());
	$('settings-filter').addEventListener('input', draw);
}

export async function show() {
	const answer = await settings();
	all = answer.settings;
	$('version').textContent = `tintype ${answer.version}`;
	$('migration').textContent = answer.migration ? `Read only: a migration is ${answer.migration}, and changes are refused.` : '';
	draw();
}
