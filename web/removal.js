// Deleting with undo: pictures leave the wall at once, and are deleted on the server some seconds later, or when the page is
// left before that.
import { removeMany } from './api.js';
import { $, say } from './dom.js';
import * as gallery from './gallery.js';
import { texts } from './texts.js';

const GRACE_MS = 8000;

let pending = null, hooks;

function showToast(text) {
	const toast = $('toast');
	($('detail').open ? $('detail') : document.body).append(toast);   // outside an open dialog nothing can be reached
	toast.hidden = false;
	$('toast-text').textContent = text;
}

/** Take the ids that wait to be deleted; undefined if there are none. */
function takePending() {
	const { ids, timer } = pending ?? {};
	pending = null;
	clearTimeout(timer);
	$('toast').hidden = true;
	return ids;
}

/** Ask the server to delete what waits. */
export async function flush({ isLeaving = false } = {}) {
	const ids = takePending();
	if (!ids)
		return;
	try {
		const kept = await removeMany(ids, isLeaving), gone = ids.filter(id => !kept.has(id));
		gallery.takeDown(...gone);
		gallery.hide([...kept.keys()], false);
		hooks.removed(gone);
		gallery.tellTabs();
		if (kept.size > 0)
			hooks.trouble(new Error(texts.removal.kept(kept.size, [...kept.values()][0])));
	} catch (why) {
		gallery.hide(ids, false);
		if (why.wantsKey)
			hooks.wantKey(why);
		else
			hooks.trouble(new Error(texts.removal.kept(ids.length, why.message)));
	}
}

/** Delete these records, unless it is undone in time. */
export function remove(records) {
	flush();
	const ids = records.map(record => record.imageId), text = texts.removal.deleted(records.map(record => record.fileName));
	pending = { ids, timer: setTimeout(flush, GRACE_MS) };
	gallery.hide(ids);
	showToast(text);
	say(texts.removal.canUndo(text));
}

export function undo() {
	const ids = takePending();
	if (!ids)
		return;
	gallery.hide(ids, false);
	say(texts.removal.undone);
	hooks.undone(ids[0]);
}

/** Listen: { removed(ids), undone(id), trouble(why), wantKey(why) } are called. */
export function start(given) {
	hooks = given;
	$('undo').onclick = undo;
	addEventListener('pagehide', () => flush({ isLeaving: true }));
	addEventListener('keydown', event => {
		if (event.key === 'z' && (event.ctrlKey || event.metaKey) && !event.shiftKey && !/^(INPUT|TEXTAREA)$/.test(event.target.tagName) && pending) {
			event.preventDefault();
			undo();
		}
	});
}
