// The one dialog in which something is changed: it asks, with fields where there are some, does it, and shows what went wrong, or what came
// of it. Whoever closes it before the end has changed nothing.
import { $, el, say } from './dom.js';

let run = null, guard;

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
	const own = run;
	$('act-wrong').textContent = '';
	lock(true);
	try {
		const result = await own(new FormData($('act-form')), text => { $('act-progress').textContent = text; });
		if (own !== run)
			return;
		if (result instanceof Node)
			return showResult(result);
		close();
		say(result);
	} catch (error) {
		if (own !== run)
			return;
		if (error.wantsToken) {
			close();
			guard(() => { throw error; });
		} else
			$('act-wrong').textContent = error.message;
	} finally {
		if (own === run)
			lock(false);
	}
}

/** What is shown once, in place of the form. */
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
 * work          async (FormData, progress(text)) => a sentence for the status line, or a node to show in the dialog
 */
export function act({ title, verb, text = '', fields = [], isDangerous = false, work }) {
	run = work;
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
