// What the uploads look like: a line that sums them up and stays in sight, also in the page's title, and a tile for each, failures first.
// Of many only some tiles are there, until more are asked for.
import { linkTo, remove } from './api.js';
import { $, copy, el, fenced, icon, nameOf, say } from './dom.js';
import { texts as all } from './texts.js';
import * as upload from './upload.js';

const texts = all.uploads;
const DRAW_MS = 100, DRAW_MANY_MS = 400, MANY = 50, MORE = 100;
const PREVIEW_MS = 600;   // in a batch of small files many tiles are gone by then, and their pictures need not be decoded
const RANK = { failed: 0, refused: 0, sending: 1, checking: 1, waiting: 1, done: 2 };

const tiles = new Map();   // item -> its parts
const title = document.title;
let items, hooks, shown = 0, due = 0, ticking = 0;

const few = () => matchMedia('(max-width: 50rem)').matches ? 4 : 8;

function button(label, iconName, item, onclick) {
	return el('button', { type: 'button', className: 'round', ariaLabel: texts.of(label, item.file.name), title: label, onclick }, icon(iconName));
}

/** The tile's parts, created once; drawTile() fills them in. */
function makeTile(item) {
	const preview = el('img', { alt: '', decoding: 'async', onerror: () => preview.replaceWith(el('span', { className: 'none' }, icon('picture'))) });
	setTimeout(refresh, PREVIEW_MS);
	const progress = el('progress', { max: 1, value: 0, ariaLabel: texts.progressOf(item.file.name) });
	const status = el('p', { className: 'status' }), acts = el('p', { className: 'acts' });
	const tile = el('li', { className: 'upload' }, el('div', { className: 'thumb' }, preview), el('div', { className: 'what' }, el('p', { className: 'title' }, nameOf(item.file.name)), status, progress), acts);
	if (!item.file.blob)   // it was refused before the page was opened
		preview.onerror();
	return { tile, status, acts, progress, preview, madeAt: performance.now() };
}

const cancel = item => [button(texts.cancel, 'close', item, () => { upload.dismiss(item); say(texts.isCancelled(fenced(item.file.name))); })];
const retried = item => [(item.why.canRetry || item.why.wantsKey) && button(texts.tryAgain, 'retry', item, () => upload.retry(item)), button(texts.dismiss, 'close', item, () => upload.dismiss(item))];
const ACTS = {
	waiting: cancel,
	sending: cancel,
	checking: cancel,
	done: item => [
		button(texts.copyLink, 'link', item, () => copyLink(item)),
		item.record ? button(texts.show, 'picture', item, () => hooks.show(item.record.imageId)) : button(texts.delete, 'trash', item, () => removeOwn(item)),
	],
	failed: retried,
	refused: retried,
};
const WORDS = {
	waiting: item => item.why ? texts.waitsFor(item.why.message) : texts.waiting(item.file.size),
	sending: item => texts.sending(item.sent, item.file.size, item.speed),
	checking: () => texts.checking,
	done: item => texts.done(item.file),
	failed: item => texts.failed(item.why.message),
	refused: item => item.why.message,
};
const ICONS = { failed: 'alert', refused: 'alert', done: 'done' };

function drawTile(item) {
	const { tile, status, acts, progress } = tiles.get(item), { state } = item;
	if (tile.dataset.state !== state) {
		const focused = acts.contains(document.activeElement);
		tile.dataset.state = state;
		acts.replaceChildren(...ACTS[state](item).filter(Boolean));
		if (focused)
			(acts.querySelector('button') ?? $('tray-title')).focus();
	} else if (state === 'done') {   // what it says may be the answer to a button
		return;
	}
	status.replaceChildren(...ICONS[state] ? [icon(ICONS[state])] : [], WORDS[state](item));
	progress.hidden = ['failed', 'refused', 'done'].includes(state);
	progress.value = item.file.size === 0 ? 0 : Math.min(1, item.sent / item.file.size);
}

async function copyLink(item) {
	const said = await copy(linkTo(item.trip.imageId, item.record));
	tiles.get(item)?.status.replaceChildren(...said);
	say(tiles.get(item)?.status.textContent ?? '');
	tiles.get(item)?.status.querySelector('input')?.select();
}

async function removeOwn(item) {
	try {
		await remove(item.trip.imageId);
		upload.dismiss(item);
		say(texts.isDeleted(fenced(item.file.name)));
	} catch (why) {
		tiles.get(item)?.status.replaceChildren(icon('alert'), why.message);
		say(why.message);
	}
}

/** The tile of an item that is gone; the focus goes to a neighbour. */
function takeAway(item) {
	const parts = tiles.get(item);
	if (!parts)
		return;
	const { tile, preview } = parts, focused = tile.contains(document.activeElement);
	const neighbour = (tile.nextElementSibling ?? tile.previousElementSibling)?.querySelector('button');
	URL.revokeObjectURL(preview.src);
	tile.remove();
	tiles.delete(item);
	if (focused)
		(neighbour ?? $('choose')).focus();
}

/** Those that have a tile, in order: failures, then what is under way, then what is done. */
function chosen() {
	const ranks = [[], [], []];
	for (const item of items)
		ranks[RANK[item.state]].push(item);
	return ranks.flat().slice(0, Math.max(shown, few()));
}

function drawTiles() {
	const wanted = chosen(), keep = new Set(wanted), list = $('uploads'), focused = document.activeElement;
	[...tiles.keys()].forEach(item => keep.has(item) || takeAway(item));
	wanted.forEach((item, i) => {
		if (!tiles.has(item))
			tiles.set(item, makeTile(item));
		drawTile(item);
		if (list.children[i] !== tiles.get(item).tile)
			list.insertBefore(tiles.get(item).tile, list.children[i] ?? null);
	});
	if (focused !== document.activeElement && list.contains(focused))   // it was moved
		focused.focus();
	const left = items.size - wanted.length;
	$('more-uploads').hidden = left === 0;
	$('more-uploads').textContent = texts.more(Math.min(left, MORE), left);
}

/** Show the pictures of tiles; in a large batch one at a time, since most are gone soon. */
function showPreviews() {
	const ripe = [...tiles].filter(([{ file }, { preview, madeAt }]) => file.blob && !preview.src && performance.now() >= madeAt + PREVIEW_MS), now = items.size > MANY ? 1 : ripe.length;
	ripe.slice(0, now).forEach(([{ file }, { preview }]) => { preview.src = URL.createObjectURL(file.blob); });
	if (ripe.length > now)
		refresh();
}

/** The line: what is done, how fast, how long it takes; why all waits; and what can be done with all. */
function summarise() {
	const now = upload.progress(), { underWay, done, total, failed, refused, paused, hold } = now;
	const waits = hold && underWay > 0;
	$('tray-count').replaceChildren(...texts.summary(now).map(part => el('span', {}, part)));
	$('tray-count').dataset.state = underWay > 0 ? '' : failed + refused > 0 ? 'failed' : 'done';
	$('total').hidden = underWay === 0;
	$('total').value = now.size > 0 ? Math.min(1, now.sent / now.size) : 0;
	$('waits').hidden = !waits;
	if (waits)
		$('waits-text').textContent = texts.waits(hold.why, Math.max(0, Math.ceil((hold.until - Date.now()) / 1000)));
	$('pause').hidden = underWay === 0;
	$('pause-text').textContent = paused ? texts.resume : texts.pause;
	$('pause-icon').setAttribute('href', paused ? '#i-play' : '#i-pause');
	$('retry-all').hidden = !now.canRetry;
	$('cancel-all').hidden = underWay + failed < 2;
	$('clear').hidden = underWay > 0 || ![...items].some(item => item.state === 'done');
	$('dismiss-refused').hidden = underWay > 0 || refused < 2;
	document.title = texts.title(now, title);
	clearTimeout(ticking);
	if (underWay > 0 && !paused)   // seconds pass
		ticking = setTimeout(refresh, 1000);
}

function draw() {
	clearTimeout(due);
	due = 0;
	$('batch').hidden = $('tray').hidden = items.size === 0;
	if (items.size === 0)
		shown = 0;
	drawTiles();
	showPreviews();
	summarise();
	if ($('cancel-all').hidden)
		ask(false);
}

/** Draw soon, once for all that changes until then. */
function refresh() {
	due ||= setTimeout(draw, items.size > MANY ? DRAW_MANY_MS : DRAW_MS);
}

/** Cancelling many is asked for: they would have to be chosen again. */
function ask(sure) {
	if ($('sure-cancel').hidden === !sure)
		return;
	$('sure-cancel').hidden = !sure;
	if (sure) {
		$('sure-cancel-text').textContent = texts.sure(upload.progress());
		$('cancel-no').focus();
	}
}

function leave(which, sentence) {
	upload.dismissAll(which);
	draw();
	say(sentence);
	($('batch').hidden ? $('choose') : $('tray-title')).focus();
}

/** Show a sentence below the buttons, and say it. */
export function notice(sentence) {
	$('notice').textContent = sentence;
	$('notice').hidden = !sentence;
	say(sentence);
}

/** Listen: { show(imageId), uploaded(record), ended(), wantKey(why) } are called. */
export function start(given) {
	hooks = given;
	items = upload.start({ ...given, ended: () => { draw(); given.ended(); }, changed: refresh, gone: item => { takeAway(item); refresh(); }, notice });
	$('pause').onclick = () => upload.pause(!upload.progress().paused);
	$('retry-all').onclick = () => upload.retryAll();
	$('try-now').onclick = () => { $('tray-title').focus(); upload.goOn(); };
	$('cancel-all').onclick = () => ask(true);
	$('cancel-no').onclick = () => { ask(false); $('cancel-all').focus(); };
	$('cancel-yes').onclick = () => leave(item => upload.isUnderWay(item) || item.state === 'failed', texts.allCancelled);
	$('clear').onclick = () => leave(item => item.state === 'done', texts.cleared);
	$('dismiss-refused').onclick = () => leave(item => item.state === 'refused', texts.refusedDismissed);
	$('more-uploads').onclick = () => { shown = Math.max(shown, few()) + MORE; draw(); };
}
