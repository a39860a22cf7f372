// The dialog for all changes: it asks, with fields if there are any, makes the change, and shows the error or the result. If it is closed
// meanwhile, the change continues.
import { $, copyText, el, say } from './dom.js';

let run = null, afterwards = null, guard;

/** Close it without changing anything more. */
export function close() {
	if ($('act').open)
		$('act').close();
}

function lock(busy) {
	$('act-do').disabled = busy;
	$('act-progress').textContent = busy ? 'Working…' : '';
}

async function submit(event) {
	event.preventDefault();
	const own = run, after = afterwards, isOpen = () => own === run;
	$('act-wrong').textContent = '';
	lock(true);
	try {
		const result = await own(new FormData($('act-form')), text => { if (isOpen()) $('act-progress').textContent = text; });
		if (isOpen())
			show(result);
	} catch (error) {
		if (error.wantsToken) {
			close();
			return guard(() => { throw error; });
		}
		if (isOpen())
			$('act-wrong').textContent = error.message;
	}
	if (isOpen())
		lock(false);
	keepFocus(after);   // also if it was closed in the meantime, or has failed half-way
}

function show(result) {
	if (result instanceof Node)
		return showResult(result);
	close();
	say(result);
}

/** Change what is shown, and keep the focus: on the button of the same name or, if it is gone, on the heading. */
export async function keepFocus(change) {
	const label = document.activeElement?.getAttribute('aria-label');
	await guard(change);
	if ($('act').open || (document.activeElement !== document.body && document.activeElement?.checkVisibility()))
		return;
	const section = document.querySelector('main > section:not([hidden])');
	(label && [...section.querySelectorAll('[aria-label]')].find(node => node.getAttribute('aria-label') === label) || section.querySelector('h1')).focus();
}

/** A node that shows a secret once, with instructions. */
export function shownOnce(text, intro, ...rest) {
	const said = el('span', { role: 'status' });
	const copy = el('button', { type: 'button', onclick: () => copyText(text, said) }, 'Copy');
	return el('div', {}, el('p', {}, ...intro), el('pre', { className: 'once', tabIndex: 0 }, text), el('p', { className: 'acts' }, copy, said), ...rest);
}

/** Show the result in place of the form. */
function showResult(node) {
	$('act-body').replaceChildren(node);
	$('act-do').hidden = true;
	$('act-cancel').textContent = 'Close';
	$('act-cancel').focus();
}

/**
 * Ask, and do it.
 * title, verb   of the dialog and its button
 * text, fields  nodes or strings
 * isDangerous   whether it deletes something
 * after         async (): shows what has changed
 * work          async (FormData, progress(text)) => a sentence for the status line, or a node to show in the dialog
 */
export function act({ title, verb, text = '', fields = [], isDangerous = false, after = () => {}, work }) {
	run = work;
	afterwards = after;
	$('act-title').textContent = title;
	$('act-body').replaceChildren(text && el('p', {}, text), ...fields);
	$('act-do').textContent = verb;
	$('act-do').className = isDangerous ? 'danger' : 'main';
	$('act-do').hidden = false;
	$('act-cancel').textContent = 'Cancel';
	$('act-wrong').textContent = '';
	lock(false);
	$('act').addEventListener('close', () => { run = null; $('act-body').replaceChildren(); }, { once: true });
	$('act').showModal();
	($('act-body').querySelector('input') ?? $('act-cancel')).focus();
}

/** guarded(f) runs f and shows its errors. */
export function prepare(guarded) {
	guard = guarded;
	$('act-form').addEventListener('submit', submit);
	$('act-cancel').addEventListener('click', close);
}
