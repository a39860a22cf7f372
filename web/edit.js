// The name and the metadata of the picture in the viewer, changed in a form in place of its fields.
import { change, image } from './api.js';
import { $, el, icon } from './dom.js';
import { texts } from './texts.js';

let form = null, record = null, hooks;

function makeRow([name, value] = ['', '']) {
	const row = el('div', { className: 'pair' },
		el('input', { name: 'name', value: name, ariaLabel: texts.edit.entryName, placeholder: texts.edit.entryName, autocomplete: 'off' }),
		el('input', { name: 'value', value, ariaLabel: texts.edit.entryValue, placeholder: texts.edit.entryValue, autocomplete: 'off' }),
		el('button', { type: 'button', className: 'round', ariaLabel: texts.edit.removeEntry, onclick: () => {
			const next = row.nextElementSibling?.querySelector('input') ?? $('add-entry');
			row.remove();
			next.focus();
		} }, icon('close')));
	return row;
}

/** The entries of the form; throws where they are not ones that can be sent. */
function entriesOf() {
	const entries = [...form.querySelectorAll('.pair')].map(row => [...row.querySelectorAll('input')].map(input => input.value)).filter(([name, value]) => name || value);
	if (entries.some(([name]) => !name))
		throw new Error(texts.edit.noName);
	if (new Set(entries.map(([name]) => name)).size < entries.length)
		throw new Error(texts.edit.twice);
	return Object.fromEntries(entries);
}

const textOf = metadata => JSON.stringify(Object.entries(metadata ?? {}).sort());

/** What the form changes, as the body of PATCH. */
function changes() {
	const metadata = entriesOf(), fileName = form.elements.fileName.value;
	return { ...(fileName !== record.fileName && { fileName }), ...(textOf(metadata) !== textOf(record.metadata) && { metadata: Object.keys(metadata).length > 0 ? metadata : null }) };
}

function isChanged() {
	try {
		return Object.keys(changes()).length > 0;
	} catch {
		return true;
	}
}

/** Whether there is something that is not saved; then the user is told. */
export function holds() {
	if (!form || !isChanged())
		return false;
	$('edit-wrong').textContent = texts.edit.unsaved;
	form.elements.fileName.focus();
	return true;
}

/** Remove the form, with what was not saved. */
export function close() {
	form?.remove();
	form = record = null;
	$('fields').hidden = false;
	$('edit').ariaExpanded = 'false';
}

function cancel() {
	close();
	$('edit').focus();
}

async function save(event) {
	event.preventDefault();
	const mine = form;
	try {
		const wanted = changes();
		if (Object.keys(wanted).length === 0)
			return cancel();
		const saved = await change(record.imageId, wanted, record.version);
		if (form !== mine)
			return;
		cancel();
		hooks.saved({ metadata: undefined, ...saved });
	} catch (why) {
		const fresh = why.code === 'precondition' && form === mine ? await image(record.imageId).catch(() => null) : null;
		if (form !== mine)
			return;
		record = fresh ?? record;   // what is sent next is compared with this one
		$('edit-wrong').textContent = fresh ? texts.edit.stale : why.message;
	}
}

/** Show the form for this record, or remove it where it is there. */
export function toggle(given) {
	if (form)
		return holds() ? undefined : cancel();
	record = given;
	const entries = el('div', { className: 'pairs' }, ...Object.entries(record.metadata ?? {}).map(makeRow));
	form = el('form', { className: 'edit', autocomplete: 'off', onsubmit: save },
		el('label', {}, texts.edit.name, el('input', { name: 'fileName', value: record.fileName, required: true, dir: 'auto', spellcheck: false })),
		el('fieldset', {}, el('legend', {}, texts.edit.metadata), entries, el('button', { type: 'button', className: 'quiet', id: 'add-entry', onclick: () => {
			entries.append(makeRow());
			entries.lastChild.querySelector('input').focus();
		} }, texts.edit.add)),
		el('p', { className: 'wrong', id: 'edit-wrong', role: 'alert' }),
		el('p', { className: 'acts' }, el('button', { className: 'main' }, texts.edit.save), el('button', { type: 'button', onclick: cancel }, texts.edit.cancel)));
	form.onkeydown = event => {
		if (event.key !== 'Escape')
			return;
		event.preventDefault();   // which would close the viewer
		if (!isChanged() || $('edit-wrong').textContent === texts.edit.unsaved)
			cancel();
		else
			holds();
	};
	$('fields').before(form);
	$('fields').hidden = true;
	$('edit').ariaExpanded = 'true';
	form.elements.fileName.focus();
}

/** saved(record) is called with what was saved. */
export function start(given) {
	hooks = given;
}
