// The wall by pointer, touch and keyboard: pictures are opened, or several are selected and acted on together.
import { $, copy, say } from './dom.js';
import * as gallery from './gallery.js';
import * as removal from './removal.js';
import { mayRemove } from './rights.js';
import * as share from './share.js';
import { texts } from './texts.js';
import * as wall from './wall.js';

const PRESS_MS = 500, PRESS_PX = 10;
const MOST = 1000;   // that are selected at once, by Ctrl+A

const chosen = new Map();   // imageId -> record
let selecting = false, last = null, hooks;

const idOf = target => target.closest('#wall > li')?.querySelector('.tile')?.dataset.imageId;

/** What a tile shows of the selection. */
export function decorate(li, record) {
	const isChosen = chosen.has(record.imageId), button = li.querySelector('.tile');
	li.classList.toggle('chosen', isChosen);
	if (selecting)
		button.ariaPressed = String(isChosen);
	else
		button.removeAttribute('aria-pressed');
	return li;
}

function show() {
	selecting ||= chosen.size > 0;
	wall.eachTile((imageId, li) => decorate(li, { imageId }));
	$('wall').classList.toggle('selecting', selecting);
	$('actions').hidden = !selecting;
	$('select').ariaPressed = String(selecting);
	$('actions-count').textContent = texts.selection.count(chosen.size);
	for (const button of ['copy-chosen', 'delete-chosen'])
		$(button).disabled = chosen.size === 0;
	const ids = [...chosen.keys()];
	mayRemove(ids).then(may => { if (ids.length === chosen.size) $('delete-chosen').hidden = !may; });
}

function clear() {
	chosen.clear();
	selecting = false;
	$('copied').replaceChildren();
	show();
}

function toggle(imageId) {
	const record = gallery.find(imageId);
	if (!chosen.delete(imageId) && record)
		chosen.set(imageId, record);
	last = imageId;
	show();
	say(texts.selection.count(chosen.size));
}

/** Select all from the picture that was chosen last to this one. */
async function extend(imageId) {
	for (const record of await gallery.between(last ?? imageId, imageId))
		chosen.set(record.imageId, record);
	show();
	say(texts.selection.count(chosen.size));
}

async function chooseAll() {
	const records = await gallery.first(MOST);
	records.forEach(record => chosen.set(record.imageId, record));
	show();
	say(texts.selection.count(chosen.size));
}

/** A click on the wall opens a picture, or selects it. */
export function onClick(event) {
	const imageId = idOf(event.target);
	if (!imageId)
		return;
	if (event.shiftKey && (selecting || last))
		extend(imageId);
	else if (selecting || event.ctrlKey || event.metaKey || event.target.closest('.check'))
		toggle(imageId);
	else
		hooks.show(imageId);
}

/** Press long on a touch screen to begin to select. */
function watchPresses() {
	let timer, from, pressed = false;
	$('wall').addEventListener('pointerdown', event => {
		pressed = false;
		const imageId = idOf(event.target);
		if (event.pointerType === 'mouse' || !imageId)
			return;
		from = [event.clientX, event.clientY];
		timer = setTimeout(() => { pressed = true; toggle(imageId); navigator.vibrate?.(15); }, PRESS_MS);
	});
	const cancel = () => clearTimeout(timer);
	for (const name of ['pointerup', 'pointercancel'])
		$('wall').addEventListener(name, cancel);
	$('wall').addEventListener('pointermove', event => { if (from && Math.hypot(event.clientX - from[0], event.clientY - from[1]) > PRESS_PX) cancel(); });
	$('wall').addEventListener('contextmenu', event => { if (pressed) event.preventDefault(); });
	$('wall').addEventListener('click', event => {
		if (!pressed)
			onClick(event);
		pressed = false;
	});
}

const MOVES = {
	ArrowLeft: async id => (await gallery.neighbour(id, -1))?.imageId,
	ArrowRight: async id => (await gallery.neighbour(id, 1))?.imageId,
	ArrowUp: id => wall.beside(id, -1),
	ArrowDown: id => wall.beside(id, 1),
	Home: async () => (await gallery.first(1))[0]?.imageId,
	End: async () => (await gallery.last())?.imageId,
};

async function move(event, imageId) {
	event.preventDefault();
	const to = await MOVES[event.key](imageId);
	if (!to)
		return;
	if (event.shiftKey) {
		last ??= imageId;
		await extend(to);
	}
	wall.focus(to);
}

/** Whether these may be deleted; if not, a message says so. */
async function isAllowed(records) {
	const may = await mayRemove(records.map(record => record.imageId));
	if (!may)
		hooks.trouble(new Error(texts.removal.mayNot(records.length)));
	return may;
}

async function removeChosen() {
	const records = [...chosen.values()];
	if (records.length === 0 || !await isAllowed(records))
		return;
	clear();
	removal.remove(records);
	$('gallery-title').focus({ preventScroll: true });
}

async function removeOne(imageId) {
	const record = gallery.find(imageId);
	if (!await isAllowed([record]))
		return;
	const next = await gallery.neighbour(imageId, 1) ?? await gallery.neighbour(imageId, -1);
	removal.remove([record]);
	wall.focus(next?.imageId) || $('gallery-title').focus({ preventScroll: true });
}

/** A key on a picture: the arrows move, the space bar selects, Delete deletes. */
export function onKey(event) {
	const imageId = idOf(event.target), { key } = event;
	if (MOVES[key] && imageId && !event.altKey)
		return move(event, imageId);
	if (key === 'Escape' && selecting)
		return clear();
	if (!imageId)
		return;
	const act = key === ' ' ? () => event.shiftKey ? extend(imageId) : toggle(imageId)
		: key === 'Delete' ? () => chosen.size > 0 ? removeChosen() : removeOne(imageId)
		: key === 'a' && (event.ctrlKey || event.metaKey) ? chooseAll : null;
	if (act) {
		event.preventDefault();
		act();
	}
}

async function copyChosen(format, life) {
	const records = [...chosen.values()];
	try {
		$('copied').replaceChildren(...await copy(await share.linesOf(records, format, life), texts.share.copied(records.length)));
		$('copied').querySelector('input, textarea')?.select();
	} catch (why) {
		$('copied').textContent = why.message;
	}
}

/** Pictures that are no longer there are not selected. */
function drop(imageIds) {
	if (imageIds.map(id => chosen.delete(id)).some(Boolean))
		show();
}

/** Listen: { show(imageId), removed(ids), trouble(why), wantKey(why) } are called. */
export function start(given) {
	hooks = given;
	removal.start({ ...hooks, undone: gallery.focus, removed: ids => { drop(ids); hooks.removed(ids); } });
	watchPresses();
	$('wall').addEventListener('keydown', onKey);
	$('actions').addEventListener('keydown', event => { if (event.key === 'Escape' && !event.target.closest('[popover]')) { clear(); $('gallery-title').focus({ preventScroll: true }); } });
	$('select').onclick = () => {
		if (selecting)
			return clear();
		selecting = true;
		show();
		say(texts.selection.how);
	};
	$('clear-chosen').onclick = () => { clear(); $('gallery-title').focus({ preventScroll: true }); };
	$('delete-chosen').onclick = removeChosen;
	share.makeMenu($('copy-chosen'), $('copy-menu'), { records: () => [...chosen.values()], choose: copyChosen });
}
