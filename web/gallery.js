// The gallery, newest first. Rows are justified from the sizes in the records,
// before any picture has loaded, so that nothing moves when one does. An incomplete last row is not shown
// until the next page of the list fills it; so pictures that are shown never move either.
import { page, Refusal } from './api.js';
import { $, bytes, el, icon, many, nameOf, number, say, typeName } from './dom.js';
import { damageOf, hazeOf, isAnimated, isWhole, mayMove, none, originalOf, pictureOf, sizeOf } from './picture.js';

const PAGE = 60, SPARE = 4;
const GAP = 6;
const AHEAD = 1600;
const RATIO_LEAST = 0.5, RATIO_MOST = 2.6;   // beyond these a picture is cropped in the gallery, and whole when opened

const records = [];          // newest first
const tiles = new Map();     // imageId -> li
let cursor, more = true, loading = null, hung = 0, hooks, generation = 0;

/** Whether the end of the gallery is near the viewport, so that more should be loaded. */
const isNear = () => $('more').getBoundingClientRect().top < innerHeight + (scrollY > 0 ? AHEAD : 0);

function ratioOf(record) {
	const [width, height] = sizeOf(record);
	return Math.min(RATIO_MOST, Math.max(RATIO_LEAST, width / height || 1));
}

const roomFor = width => width < 480 ? 150 : width < 900 ? 190 : 230;

/** About how many pictures fill the rest of the window: links are long, so records that are not shown yet would double the cost of a first visit. */
function windowful() {
	const { clientWidth: width } = $('wall'), row = roomFor(width);
	return Math.ceil(Math.max(1, (innerHeight - $('more').getBoundingClientRect().top) / row)) * Math.ceil(width / row / 1.33) + (cursor === undefined ? SPARE : 0);
}

/** Play an animation while the pointer is on its tile, or the keyboard's focus. */
function playOver(tile, record) {
	const motion = el('img', { className: 'motion', alt: '' });
	const stop = () => { motion.remove(); motion.removeAttribute('src'); motion.classList.remove('shown'); };
	motion.onload = () => motion.classList.add('shown');
	const play = () => {
		if (!mayMove() || !originalOf(record))
			return;
		motion.src = originalOf(record);
		tile.querySelector('.caption').before(motion);
	};
	tile.onpointerenter = event => { if (event.pointerType === 'mouse') play(); };
	tile.onpointerleave = stop;
	tile.onfocus = () => { if (tile.matches(':focus-visible')) play(); };
	tile.onblur = stop;
}

function makeTile(record) {
	const [width, height] = sizeOf(record), haze = hazeOf(record), damage = damageOf(record);
	const about = [`${width} by ${height} pixels`, bytes(record.fileSize), isAnimated(record) && 'animated', damage && `minor damage: ${damage}`];
	const tile = el('button', { type: 'button', className: 'tile', title: damage, onclick: () => hooks.show(record.imageId) }, haze);
	const picture = pictureOf(record, {
		loading: 'lazy',
		loaded: img => { img.classList.add('shown'); haze?.classList.add('over'); },
		failed: () => tile.querySelector('picture').replaceWith(none(record)),
		gone: () => takeDown(record.imageId),
	});
	tile.append(picture ?? none(record), el('span', { className: 'caption' }, nameOf(record.fileName), el('span', { className: 'spoken' }, `, ${about.filter(Boolean).join(', ')}`)),
		el('span', { className: 'marks', ariaHidden: 'true' }, isAnimated(record) && el('span', {}, icon('play'), typeName(record.fileType)), damage && el('span', { className: 'damage' }, icon('alert'), 'Minor damage')));
	if (isAnimated(record))
		playOver(tile, record);
	return el('li', {}, tile);
}

const tileOf = record => tiles.get(record.imageId) ?? tiles.set(record.imageId, makeTile(record)).get(record.imageId);

function place(tile, width, height) {
	tile.style.width = `${width}px`;
	tile.style.height = `${height}px`;
	tile.querySelectorAll('picture > *').forEach(one => { one.sizes = `${width}px`; });
}

/** Fill rows from records[from] on; returns the index after the last one that is shown. */
function layRows(from, width) {
	const target = roomFor(width);
	let row = [], ratios = 0, at = from;
	for (let i = from; i < records.length; i++) {
		row.push(records[i]);
		ratios += ratioOf(records[i]);
		const height = (width - GAP * (row.length - 1)) / ratios;
		if (height > target)
			continue;
		let left = width - GAP * (row.length - 1);
		row.forEach((record, n) => {
			const share = n === row.length - 1 ? left : Math.floor(ratioOf(record) * height);
			left -= share;
			place(tileOf(record), share, Math.round(height));
		});
		at = i + 1;
		[row, ratios] = [[], 0];
	}
	if (!more)   // the end: the remaining row keeps the usual height
		for (; at < records.length; at++)
			place(tileOf(records[at]), Math.min(width, Math.floor(ratioOf(records[at]) * target)), target);
	return at;
}

/** Lay out what can be shown; everything again after a change of width or of the records. */
function hang({ anew = false } = {}) {
	const width = Math.floor($('wall').clientWidth);
	if (width === 0)
		return;
	const from = anew ? 0 : hung;
	const upTo = layRows(from, width);
	const wanted = records.slice(from, upTo).map(tileOf);
	if (anew) {
		const keep = new Set(wanted);
		[...$('wall').children].forEach(tile => keep.has(tile) || tile.remove());
		wanted.forEach((tile, i) => { if ($('wall').children[i] !== tile) $('wall').insertBefore(tile, $('wall').children[i] ?? null); });
	} else {
		$('wall').append(...wanted);
	}
	hung = upTo;
	const empty = records.length === 0 && !more;
	$('empty').hidden = !empty;
	$('gallery-count').textContent = empty ? '' : more ? `${number(records.length)} so far` : many(records.length, 'picture');
	if (anew && more && isNear())   // the records that filled the last row may have been removed
		load();
}

function showTrouble(why) {
	$('trouble').hidden = !why;
	$('trouble-text').textContent = why?.message ?? '';
}

async function loadPage(mine) {
	const answer = await page(scrollY > 0 ? PAGE : Math.min(PAGE, windowful()), cursor);
	if (mine !== generation)
		return;
	const known = new Set(records.map(record => record.imageId));
	records.push(...answer.images.filter(record => !known.has(record.imageId) && isWhole(record)));
	cursor = answer.nextCursor;
	more = cursor !== undefined;
	hang();
	if (scrollY > 0)
		say(`${many(records.length, 'picture')} on the page.`);
}

/** Load the next page, if there is one and none is being loaded. */
function load() {
	if (loading || !more)
		return loading;
	const mine = generation;
	$('wall').ariaBusy = 'true';
	showTrouble(null);
	loading = loadPage(mine).then(() => true, why => {
		if (mine !== generation)
			return false;
		if (why instanceof Refusal && why.wantsKey)
			hooks.wantKey(why);
		else
			showTrouble(why);
		return false;
	}).then(went => {
		if (mine !== generation)
			return;
		loading = null;
		$('wall').ariaBusy = 'false';
		if (went && more && isNear())
			load();
	});
	return loading;
}

/** Reload, from the newest. */
export function reload() {
	generation++;
	records.length = hung = 0;
	tiles.clear();
	$('wall').replaceChildren();
	[cursor, more, loading] = [undefined, true, null];
	return load();
}

/** The URL that a picture's tile shows, if it has loaded. */
export const previewOf = imageId => tiles.get(imageId)?.querySelector('img.shown')?.currentSrc;

export const find = imageId => records.find(record => record.imageId === imageId);

/** The record next to this one: -1 the newer, 1 the older; undefined at the end. */
export const neighbour = (imageId, step) => records[records.findIndex(record => record.imageId === imageId) + step];

/** Add pictures that have just been uploaded, the newest first, before all others. */
export function prepend(...uploaded) {
	records.unshift(...uploaded.filter(record => !find(record.imageId)));
	hang({ anew: true });
}

/** Remove a picture; returns the button of the tile that takes its place, or null. */
export function takeDown(imageId) {
	const at = records.findIndex(record => record.imageId === imageId);
	if (at < 0)
		return null;
	records.splice(at, 1);
	tiles.get(imageId)?.remove();
	tiles.delete(imageId);
	hang({ anew: true });
	return buttonOf((records[at] ?? records[at - 1])?.imageId);
}

export const buttonOf = imageId => tiles.get(imageId)?.querySelector('button') ?? null;

/** Listen: { show(imageId), wantKey() } are called. */
export function start(given) {
	hooks = given;
	new IntersectionObserver(entries => entries.at(-1).isIntersecting && isNear() && load(), { rootMargin: `${AHEAD}px 0px` }).observe($('more'));
	addEventListener('scroll', () => isNear() && load(), { once: true, passive: true });   // more pages are loaded
	let width = $('wall').clientWidth;
	new ResizeObserver(() => {
		if ($('wall').clientWidth === width)
			return;
		width = $('wall').clientWidth;
		hang({ anew: true });
	}).observe($('wall'));
	$('refresh').onclick = () => reload().then(() => say('The pictures are up to date.'));
	$('again').onclick = () => { load(); $('gallery-title').focus(); };
}
