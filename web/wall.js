// The wall: the part of a list of pictures that is in the window, and a little more, as elements. Everything else is numbers: a list is
// made of blocks, and a block of lines, whose heights come from the records, or are assumed until those are there. So the scroll bar is
// about right for 100,000 pictures, of which the document holds a few dozen.
import { $, el, month } from './dom.js';
import { sizeOf } from './picture.js';
import { GAP, rowsOf } from './rows.js';

const HEADING = 52;                          // px of a month's name
const RATIO_LEAST = 0.5, RATIO_MOST = 2.6;   // beyond these a picture is cropped here, and whole when opened
const ASSUMED = [1.5, 1.33, 0.75, 1.78, 1.33, 0.8, 1.5, 1];   // of pictures whose records are not there yet
const KEPT = 160;                            // tiles that are not in the document, for a way back
const TALLEST = 15e6;                        // px: browsers lay out no more than about 17 million

let blocks = [], hooks, width = 0, target, lastKey = 0, assumed = ASSUMED, queued = false, byMonth = true;
const tiles = new Map(), hidden = new Set();   // imageId -> li, the one that was used last is the last; ids that are not shown
let shown = new Map();                         // what is in the document: key -> li
let current = null;                            // the id of the tile that Tab reaches

export const rowHeight = width => width < 480 ? 150 : width < 900 ? 190 : width < 1800 ? 230 : 270;

function ratioOf(record) {
	const [width, height] = sizeOf(record);
	return Math.min(RATIO_MOST, Math.max(RATIO_LEAST, width / height || 1));
}

/** A block of `span` images of the list. Its records come later, by `setRecords`. */
export const makeBlock = span => ({ key: ++lastKey, span, records: null, ratios: null, next: undefined, isChanged: true, lines: null, width: 0, top: 0, height: 0 });

export function setRecords(block, records) {
	Object.assign(block, { key: ++lastKey, records, ratios: records?.map(ratioOf) ?? block.ratios, isChanged: true });
	if (assumed === ASSUMED && records?.length >= 8)
		assumed = block.ratios;
}

/** The name of its month; '' if pictures are not grouped by month. */
const monthOf = record => byMonth && record.uploadedAt ? month(record.uploadedAt) : '';
const isShown = record => !hidden.has(record.imageId);
/** The records of a block that are not hidden. */
export const recordsOf = block => block.records?.filter(isShown) ?? [];

/** Lines of rows: { top, height, pictures: [{ record, left, width }] }. */
function rowLines(lines, top, ratios, records, isEnd) {
	for (const { from, to, height, isFull } of rowsOf(ratios, width, target, isEnd)) {
		const pictures = [];
		let left = 0;
		for (let i = from; i < to; i++) {
			const across = isFull && i === to - 1 ? width - left : Math.min(width - left, Math.floor(ratios[i] * height));
			pictures.push({ record: records?.[i], left, width: across });
			left += across + GAP;
		}
		lines.push({ top, height: Math.round(height), pictures });
		top += Math.round(height) + GAP;
	}
	return top;
}

const guesses = new Map();   // blocks that nothing is known of are alike
function guess(count) {
	const key = `${count} ${width} ${assumed[0]}`;
	if (!guesses.has(key)) {
		const lines = [];
		guesses.set(key, { lines, height: rowLines(lines, 0, Array.from({ length: count }, (_, i) => assumed[i % assumed.length]), null, false) });
	}
	return guesses.get(key);
}

function layBlock(block, before, isLast) {
	Object.assign(block, { width, before, isChanged: false });
	if (!block.records) {
		const known = { lines: [] };
		return Object.assign(block, block.ratios ? { lines: known.lines, height: rowLines(known.lines, 0, block.ratios, null, isLast) } : guess(block.span));
	}
	const records = recordsOf(block), ratios = records.map(ratioOf), lines = [];
	let top = 0, last = before;
	for (let from = 0, to; from < records.length; from = to) {
		const name = monthOf(records[from]);
		for (to = from + 1; to < records.length && monthOf(records[to]) === name; )
			to++;
		if (name && last !== name && last !== undefined) {
			lines.push({ top, height: HEADING, name });
			top += HEADING;
		}
		last = name;
		top = rowLines(lines, top, ratios.slice(from, to), records.slice(from, to), to < records.length || isLast);
	}
	return Object.assign(block, { lines, height: top });
}

/** The month at the end of a block; undefined where it is not known. */
const monthAfter = block => { const records = recordsOf(block); return records.length > 0 ? monthOf(records.at(-1)) : undefined; };

/** Where things are on the screen now, and what brings them back there: a picture, or a part of a block. */
export function anchor() {
	const at = scrollY - $('wall').offsetTop;
	if (at <= 0)
		return () => {};
	for (const block of blocks) {
		const line = block.top + block.height > at && block.lines?.find(one => one.pictures?.[0].record && block.top + one.top >= at);
		if (line && block.top + line.top < at + innerHeight)
			return bringer(line.pictures[0].record.imageId, block.top + line.top - at);
	}
	const block = blocks.find(one => one.top + one.height > at), share = block && (at - block.top) / block.height;
	return () => { if (block) scrollTo(scrollX, $('wall').offsetTop + block.top + share * block.height); };
}

/** Scrolls so that a picture is so far below the top of the window. */
const bringer = (imageId, offset) => () => {
	const place = find(imageId);
	if (place?.line)
		scrollTo(scrollX, $('wall').offsetTop + place.block.top + place.line.top - offset);
};

/** Lay out what has changed, and draw. What is in the window stays where it is; restore: of an anchor, where the list is another one now. */
export function layOut(restore) {
	const wide = Math.floor($('wall').clientWidth);
	if (wide === 0)
		return;
	const bring = restore ?? anchor(), ends = blocks.map(block => block.top + block.height);
	[width, target] = [wide, rowHeight(wide)];
	let top = 0, before = null;
	blocks.forEach((block, i) => {
		if (block.isChanged || block.width !== width || block.before !== before)
			layBlock(block, before, i === blocks.length - 1);
		block.top = top;
		top += block.height;
		before = block.records && block.records.length === 0 ? before : monthAfter(block);
	});
	$('wall').style.height = `${Math.max(0, top - GAP)}px`;
	if (restore || blocks.some((block, i) => block.top + block.height !== ends[i]))
		bring();
	hooks.laidOut();
	draw();
}

/** How many images may be laid out. */
export const mostImages = () => Math.floor(TALLEST / (guess(60).height || 1)) * 60;

function placed(li, line, top, picture) {
	const { style } = li, next = [picture?.left ?? 0, top, picture?.width ?? width, line.height];
	if (String(li.placed) === String(next))
		return li;
	li.placed = next;
	[style.left, style.top, style.width, style.height] = next.map(n => `${n}px`);
	li.querySelectorAll('picture > *').forEach(one => { one.sizes = `${next[2]}px`; });
	return li;
}

function tileOf(record) {
	const li = tiles.get(record.imageId) ?? hooks.makeTile(record);
	tiles.delete(record.imageId);
	tiles.set(record.imageId, li);
	return li;
}

/** Elements of the lines between two heights: [key, li]. */
function* elementsBetween(from, to) {
	for (const block of blocks) {
		if (block.top + block.height < from)
			continue;
		if (block.top > to)
			return;
		for (const line of block.lines) {
			const top = block.top + line.top;
			if (top + line.height < from || top > to)
				continue;
			if (line.name)
				yield [`${block.key} ${line.name}`, key => placed(shown.get(key) ?? el('li', { className: 'month' }, el('h3', {}, line.name)), line, top)];
			for (const picture of line.pictures ?? []) {
				if (picture.record)
					yield [picture.record.imageId, () => placed(tileOf(picture.record), line, top, picture)];
				else
					yield [`${block.key} ${line.top} ${picture.left}`, key => placed(shown.get(key) ?? el('li', { className: 'ghost', ariaHidden: 'true' }), line, top, picture)];
			}
		}
	}
}

/** Blocks that are in the window, or within so many windows of it. */
export function blocksNear(windows) {
	const at = scrollY - $('wall').offsetTop, more = innerHeight * windows;
	return blocks.filter(block => block.top + block.height >= at - more && block.top <= at + innerHeight + more);
}

/** Show what is in the window now. */
export function draw() {
	if (width === 0)
		return;
	const at = scrollY - $('wall').offsetTop, more = Math.max(innerHeight * 0.5, 400), focused = document.activeElement?.closest?.('#wall > li');
	hooks.drawn(at);   // before elements change: it measures, which would force a layout
	const wanted = new Map();
	for (const [key, make] of elementsBetween(at - more, at + innerHeight + more))
		wanted.set(key, make(key));
	for (const [key, li] of shown)
		if (!wanted.has(key) && li === focused && tiles.has(key) && find(key))
			wanted.set(key, li);   // the focus would be lost with it
		else if (!wanted.has(key) || wanted.get(key) !== li)
			li.remove();
	let next = $('wall').firstChild;
	for (const li of wanted.values()) {
		if (li === next)
			next = next.nextSibling;
		else
			$('wall').insertBefore(li, next);
	}
	shown = wanted;
	for (const id of tiles.keys()) {
		if (tiles.size <= KEPT + wanted.size)
			break;
		if (!wanted.has(id))
			tiles.delete(id);
	}
	keepTabStop(at);
}

function queueDraw() {
	if (queued)
		return;
	queued = true;
	requestAnimationFrame(() => { queued = false; draw(); });
}

/** Where an image is: its block, its index there, and its line if it has one; undefined where its record is not there. */
export function find(imageId) {
	for (const block of blocks) {
		const index = block.records?.findIndex(record => record.imageId === imageId) ?? -1;
		if (index >= 0)
			return { block, index, record: block.records[index], line: block.lines?.find(line => line.pictures?.some(one => one.record === block.records[index])) };
	}
}

export const buttonOf = imageId => shown.get(imageId)?.querySelector('button') ?? null;
/** Every tile that is made, in the document or kept. */
export const eachTile = visit => tiles.forEach((li, id) => visit(id, li));
/** A tile is to be made anew. */
export const forgetTile = imageId => { shown.get(imageId)?.remove(); shown.delete(imageId); tiles.delete(imageId); };

export function hide(imageIds, isHidden = true) {
	for (const id of imageIds) {
		isHidden ? hidden.add(id) : hidden.delete(id);
		const place = find(id);
		if (place)
			place.block.isChanged = true;
	}
	layOut();
}
export const isHidden = imageId => hidden.has(imageId);

/** Scroll so far that a line is whole in the window. */
function reveal(block, line) {
	const top = $('wall').offsetTop + block.top + line.top, bottom = top + line.height, room = hooks.covered();
	if (top < scrollY + room.top)
		scrollTo(scrollX, top - room.top - HEADING);
	else if (bottom > scrollY + innerHeight - room.bottom)
		scrollTo(scrollX, bottom - innerHeight + room.bottom + GAP);
	draw();
}

/** Show a picture and give its tile the focus. */
export function focus(imageId) {
	const place = find(imageId);
	if (!place?.line)
		return false;
	current = imageId;
	reveal(place.block, place.line);
	keepTabStop();
	buttonOf(imageId)?.focus({ preventScroll: true });
	return true;
}

/** One tile can be reached by Tab: the current one, else the first in the window. */
function keepTabStop(top = scrollY - $('wall').offsetTop) {
	const stop = buttonOf(current) ?? [...shown.values()].find(li => li.placed[1] >= top && li.querySelector('button'))?.querySelector('button') ?? $('wall').querySelector('button');
	for (const button of $('wall').querySelectorAll('button.tile'))
		if (button.tabIndex !== (button === stop ? 0 : -1))
			button.tabIndex = button === stop ? 0 : -1;
}

/** The line before or after, over the blocks' ends. */
function lineBeside(place, step) {
	let b = blocks.indexOf(place.block), l = place.block.lines.indexOf(place.line) + step;
	for (; b >= 0 && b < blocks.length; b += step, l = step > 0 ? 0 : (blocks[b]?.lines.length ?? 0) - 1)
		for (; blocks[b].lines[l]; l += step)
			if (blocks[b].lines[l].pictures)
				return blocks[b].lines[l].pictures[0].record ? blocks[b].lines[l] : undefined;
}

/** The id of the picture above or below. */
export function beside(imageId, step) {
	const place = find(imageId), line = place?.line && lineBeside(place, step);
	if (!line)
		return undefined;
	const from = place.line.pictures.find(one => one.record.imageId === imageId), middle = from.left + from.width / 2;
	const distance = one => Math.abs(one.left + one.width / 2 - middle);
	return line.pictures.reduce((a, b) => distance(b) < distance(a) ? b : a).record.imageId;
}

/** The month at this height of the wall; '' if it is not known. */
export function monthAt(at) {
	const block = blocks.find(one => one.top + one.height > at), line = block?.lines?.find(one => one.pictures?.[0].record && block.top + one.top + one.height > at);
	return line ? monthOf(line.pictures[0].record) : '';
}

/** Show these blocks, which must be the same array from now on; hasMonths: ordered by time and grouped by month. */
export function use(list, hasMonths = byMonth) {
	[blocks, byMonth] = [list, hasMonths];
	current = null;
}

/** Nothing is shown, and nothing is kept. */
export function clear() {
	use([]);
	tiles.clear();
	hidden.clear();
	shown = new Map();
	$('wall').replaceChildren();
}

/** Listen: { makeTile(record), drawn(top), laidOut(), covered() } are called; top: px of the wall above the window; covered: { top, bottom } px of the window that bars take. */
export function start(given) {
	hooks = given;
	addEventListener('scroll', queueDraw, { passive: true });
	new ResizeObserver(queueDraw).observe($('wall').closest('main'));   // what is above it grows and shrinks too
	addEventListener('resize', queueDraw);
	$('wall').addEventListener('focusin', ({ target }) => {
		const button = target.closest('button.tile');
		if (button)
			[current] = [...shown].find(([, li]) => li.contains(button)) ?? [null];
		keepTabStop();
	});
	new ResizeObserver(() => { if (Math.floor($('wall').clientWidth) !== width) layOut(); }).observe($('wall'));
}
