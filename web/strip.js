// The strip below the picture in the viewer: the pictures before and after it on the wall.
import { $, el } from './dom.js';
import * as gallery from './gallery.js';
import { none, pictureOf } from './picture.js';

const EACH = 3;   // on each side
const buttons = new Map();   // those that are shown, by the picture's id
let wanted = null;

/** Records next to this one, the nearest first. */
async function next(imageId, step) {
	const found = [];
	for (let record; found.length < EACH && (record = await gallery.neighbour(imageId, step)); imageId = record.imageId)
		found.push(record);
	return found;
}

function makeButton(record, choose) {
	const picture = pictureOf(record, { loaded: img => img.classList.add('shown'), failed: () => picture.replaceWith(none(record)), gone() {} });
	picture?.querySelectorAll('source, img').forEach(one => { one.sizes = '64px'; });
	return el('button', { type: 'button', onclick: () => choose(record.imageId) }, picture ?? none(record));
}

/** Show the neighbours of a record; choose(imageId) is called for one of them. */
export async function show(record, choose) {
	wanted = record;
	const [before, after] = [await next(record.imageId, -1), await next(record.imageId, 1)];
	if (wanted !== record)
		return;
	const strip = $('strip'), hadFocus = strip.contains(document.activeElement), records = [...before.reverse(), record, ...after];
	const shown = records.map(one => [one.imageId, buttons.get(one.imageId) ?? makeButton(one, choose)]);
	buttons.clear();
	for (const [n, [imageId, button]] of shown.entries()) {
		button.ariaLabel = records[n].fileName;
		button.ariaCurrent = imageId === record.imageId ? 'true' : null;
		buttons.set(imageId, button);
	}
	strip.hidden = records.length < 2;
	strip.replaceChildren(...buttons.values());
	if (hadFocus)
		buttons.get(record.imageId).focus();
}

export function clear() {
	wanted = null;
	buttons.clear();
	$('strip').replaceChildren();
	$('strip').hidden = true;
}
