// The list behind the wall: its records, in blocks that are loaded when they come near the window and forgotten when they are far from
// it. Where the server says how many images there are, a block anywhere in the list can be loaded; else, as in a search, they come one
// after the other. What is on the wall stays there until what replaces it has arrived.
import { page, Refusal } from './api.js';
import { $, put, say } from './dom.js';
import { isWhole } from './picture.js';
import { texts } from './texts.js';
import { makeTile } from './tile.js';
import * as wall from './wall.js';

const BLOCK = 60;
const AHEAD = 1.5;       // windows: what is loaded before it is seen
const KEPT_BLOCKS = 80;  // whose records are kept
const SOON_MS = 400, STALE_MS = 10000;
/** Orders that the server does not support; the first SORTED_MOST pictures are sorted here. */
const SORTS = { name: (a, b) => a.fileName.localeCompare(b.fileName, undefined, { numeric: true }), size: (a, b) => b.fileSize - a.fileSize };
const SORTED_MOST = 1000;

let blocks = [], query = {}, total, isCut = false, hooks, generation = 0, settled, isListTrouble = false;
const ids = new Set();   // of all records that are there

/** A page of the list; `more` are additional parameters. */
const ask = more => page({ ...query, order: SORTS[query.order] ? undefined : query.order, ...more });
const isSearch = () => Object.keys(query).some(name => name !== 'order');

/** About how many pictures fill the window: records are long, so those that are not shown yet would double the cost of a first visit. */
function windowful() {
	const { clientWidth: width } = $('wall'), row = wall.rowHeight(width);
	return Math.ceil(Math.max(1, (innerHeight - $('wall').getBoundingClientRect().top) / row)) * Math.ceil(width / row / 1.33);
}

const loaded = () => blocks.filter(block => block.records);
const count = () => loaded().reduce((sum, block) => sum + wall.recordsOf(block).length, 0);
const isEnded = () => blocks.every(block => block.records);

function tell() {
	const hiding = loaded().reduce((sum, block) => sum + block.records.length, 0) - count();
	const all = total !== undefined ? total - hiding : isEnded() ? count() : undefined;
	const isEmpty = all === 0 && blocks.length > 0;
	$('empty').hidden = !isEmpty || isSearch();
	$('none-found').hidden = !isEmpty || !isSearch();
	put('gallery-count', all === 0 || blocks.length === 0 || !blocks[0].records ? '' : isSearch() ? texts.wall.found(count(), isEnded() && !isCut) : texts.wall.count(all, count()));
	$('wall-end').hidden = !isCut && (total === undefined || blocks.length === 0 || blocks.reduce((sum, block) => sum + block.span, 0) >= total);
	put('wall-end', texts.wall.tooMany);
	$('wall').ariaBusy = String(!blocks[0]?.records);
}

/** It stays until there is other trouble or a person tries again; that of the list until the list comes. */
export function showTrouble(why, isOfList = false) {
	isListTrouble = isOfList;
	$('trouble').hidden = !why;
	$('trouble-text').textContent = !why ? '' : navigator.onLine ? why.message : texts.wall.offline;
}

const listCame = () => isListTrouble && showTrouble(null);

/** What went wrong, unless it is of no interest any more. */
function report(why, mine) {
	if (mine !== generation || why.name === 'AbortError')
		return;
	if (why instanceof Refusal && why.wantsKey)
		return hooks.wantKey(why);
	showTrouble(why, true);
	say(why.message);
}

/** The records of an answer that are not there yet. */
function take(images) {
	const fresh = images.filter(record => !ids.has(record.imageId) && isWhole(record));
	fresh.forEach(record => ids.add(record.imageId));
	return fresh;
}

function forget(block) {
	block.records.forEach(record => ids.delete(record.imageId));
	wall.setRecords(block, null);
}

/** Blocks for what comes after the first answer. */
function addRest(answer) {
	if (answer.nextCursor === undefined)
		return;
	if (answer.total === undefined || isSearch())
		return void blocks.push(wall.makeBlock(BLOCK));
	const most = Math.min(answer.total, wall.mostImages());
	for (let at = answer.images.length, next = Math.min(BLOCK, at); at < most; at += next, next = BLOCK)   // the first of them may be in the window
		blocks.push(wall.makeBlock(Math.min(next, most - at)));
}

/** Where a block begins in the list: after a cursor, or after so many images. */
function startOf(block) {
	const at = blocks.indexOf(block), cursor = blocks[at - 1]?.next;
	return at === 0 ? {} : cursor ? { cursor } : { skip: blocks.slice(0, at).reduce((sum, one) => sum + one.span, 0) };
}

/** Put an answer into its block. What the server knows of more or fewer images than this list shows that others have changed it. */
function fill(block, answer) {
	const isLast = block === blocks.at(-1);
	block.span = answer.images.length;
	block.next = answer.nextCursor;
	wall.setRecords(block, take(answer.images));
	if (blocks[0] === block && isLast) {
		[total, isCut] = [answer.total, Boolean(answer.isCut)];
		addRest(answer);
	} else if (isLast && answer.nextCursor !== undefined && total === undefined) {
		blocks.push(wall.makeBlock(BLOCK));
	} else if (answer.nextCursor === undefined) {
		blocks.length = blocks.indexOf(block) + 1;
	}
	if (answer.total !== undefined && total !== undefined && answer.total !== total)
		refreshSoon();
}

async function loadBlock(block) {
	const mine = generation;
	block.abort = new AbortController();
	try {
		let answer, start = startOf(block);
		do {   // a page of a search may be empty though the list goes on
			answer = SORTS[query.order] ? await sorted() : await ask({ ...start, limit: block.span, signal: block.abort.signal });
			start = { cursor: answer.nextCursor };
		} while (mine === generation && answer.images.length === 0 && answer.nextCursor !== undefined);
		if (mine !== generation)
			return;
		fill(block, answer);
		listCame();
	} catch (why) {
		report(why, mine);
		block.failed = why.name !== 'AbortError';
		if (mine === generation && block === blocks[0])   // there is nothing to show
			wall.use(blocks = []);
	} finally {
		block.loading = null;
	}
}

/** Load a block, once. */
const load = block => block.loading ??= block.records ? null : loadBlock(block).then(() => { wall.layOut(); loadNear(); });

/** Load what is near the window, and forget what is far from it. */
function loadNear() {
	const near = wall.blocksNear(scrollY > 0 ? AHEAD : 0);
	for (const block of blocks)
		if (block.loading && block !== blocks[0] && !near.includes(block))
			block.abort.abort();
	for (const block of near)
		if (!block.records && !block.failed)
			load(block);
	const kept = loaded();
	if (kept.length <= KEPT_BLOCKS)
		return;
	const middle = blocks.indexOf(near[0]);
	kept.map(block => [Math.abs(blocks.indexOf(block) - middle), block]).sort(([a], [b]) => b - a).slice(0, kept.length - KEPT_BLOCKS)
		.forEach(([, block]) => block !== blocks[0] && forget(block));
}

/** The wall was drawn: what it lacks is loaded when scrolling pauses. */
function drawn(top) {
	hooks.drawn(top);
	clearTimeout(settled);
	settled = setTimeout(loadNear, 60);
}

/** Begin anew: the list of this query, from its beginning. */
export async function reload(wanted = query) {
	generation++;
	query = wanted;
	total = undefined;
	ids.clear();
	blocks.forEach(block => block.abort?.abort());
	blocks = [wall.makeBlock(windowful())];
	wall.use(blocks, !SORTS[query.order]);
	$('empty').hidden = $('none-found').hidden = true;
	if (generation > 1)   // else it is of the picture that the page's address names
		showTrouble(null);
	[isStale, refreshed] = [false, Date.now()];
	wall.layOut();
	await load(blocks[0]);
}

/** Show and know nothing: whoever looked at these pictures has signed out. */
export function clear() {
	generation++;
	blocks.forEach(block => block.abort?.abort());
	blocks = [];
	ids.clear();
	wall.clear();
}

/** Pages from the beginning of the list until they have n images, or it ends. */
async function head(n) {
	const images = [];
	let answer, first;
	do {
		answer = await ask({ limit: Math.min(1000, n - images.length), cursor: answer?.nextCursor });
		first ??= answer;
		images.push(...answer.images);
	} while (answer.nextCursor !== undefined && images.length < n);
	return { ...answer, images, total: first.total };
}

/** The beginning of the list, in an order that the server does not support. */
async function sorted() {
	const { images, total, nextCursor } = await head(SORTED_MOST);
	return { images: images.sort(SORTS[query.order]), total, isCut: nextCursor !== undefined };
}

let refreshing = null;
/** The list as it is now, in place of what is shown; until it is there that stays. Resolves with whether it came. */
export function refresh() {
	return refreshing ??= (async () => {
		const mine = generation;
		try {
			if (!blocks[0]?.records) {
				await reload();
				return Boolean(blocks[0]?.records);
			}
			const seenNow = wall.blocksNear(0.5), near = seenNow.length > 0 ? seenNow : blocks.slice(0, 1), from = blocks.indexOf(near[0]);
			const before = blocks.slice(0, from).reduce((sum, block) => sum + block.span, 0), seen = near.reduce((sum, block) => sum + block.span, 0);
			const isFar = total !== undefined && from > 2;
			const answer = SORTS[query.order] ? await sorted() : await head(isFar ? blocks[0].span : Math.max(windowful(), before + seen));
			const there = isFar && answer.total !== undefined ? before + answer.total - total : undefined;
			const part = there > answer.images.length ? await ask({ skip: there, limit: Math.min(1000, seen) }) : undefined;
			if (mine !== generation)
				return false;
			replace(answer, part, there, near.map(block => block.span));
			return true;
		} catch (why) {
			report(why, mine);
			return false;
		} finally {
			refreshing = null;
		}
	})();
}

/** The blocks anew: the beginning, and what is in the window where that is far from it. */
function replace(answer, part, there, spans) {
	const restore = wall.anchor();
	generation++;
	const old = new Map(loaded().flatMap(block => block.records).map(record => [record.imageId, record]));
	const freshOf = images => take(images).map(record => old.has(record.imageId) && old.get(record.imageId).version === record.version ? old.get(record.imageId) : record);
	blocks.forEach(block => block.abort?.abort());
	ids.clear();
	[total, isCut] = [answer.total, Boolean(answer.isCut)];
	const block = wall.makeBlock(answer.images.length);
	block.next = answer.nextCursor;
	wall.setRecords(block, freshOf(answer.images));
	blocks.splice(0, blocks.length, block);
	addRest(answer);
	if (part)
		putPart(part, there, spans, freshOf);
	for (const record of loaded().flatMap(block => block.records))
		if (old.has(record.imageId) && old.get(record.imageId) !== record)
			wall.forgetTile(record.imageId);
	listCame();
	wall.layOut(restore);
	loadNear();
	[isStale, refreshed] = [false, Date.now()];
}

/** Put records in the middle of the list into blocks of these spans, in which they are laid out as before. */
function putPart(part, there, spans, freshOf) {
	let at = 0, i = 0;
	for (; i < blocks.length && at + blocks[i].span <= there; i++)
		at += blocks[i].span;
	if (i === 0 || i === blocks.length)
		return;
	let rest = blocks.splice(i).reduce((sum, block) => sum + block.span, 0) - (there - at) - part.images.length;
	if (there > at && !blocks.at(-1).records)
		blocks.at(-1).span += there - at;
	else if (there > at)
		blocks.push(wall.makeBlock(there - at));
	for (const span of [...spans, Infinity]) {
		const images = part.images.splice(0, span), block = wall.makeBlock(images.length);
		if (images.length === 0)
			continue;
		block.next = part.images.length === 0 ? part.nextCursor : undefined;
		wall.setRecords(block, freshOf(images));
		blocks.push(block);
	}
	for (; rest > 0; rest -= BLOCK)
		blocks.push(wall.makeBlock(Math.min(BLOCK, rest)));
}

const channel = new BroadcastChannel('pictures');
let soon = null, isStale = false, refreshed = 0;

/** Others may have changed the list: refresh, once for many changes, and when the tab is looked at. */
export function refreshSoon() {
	isStale = true;
	if (!document.hidden && !$('gallery').hidden)
		soon ??= setTimeout(() => { soon = null; refresh(); }, SOON_MS);
}

/** This tab has changed the list: other tabs read it again. Which of them see the same pictures is for the server to say. */
export const tellTabs = () => channel.postMessage('changed');

function onReturn() {
	if (isStale || Date.now() - refreshed > STALE_MS)
		refreshSoon();
}

export const find = imageId => wall.find(imageId)?.record;

/** The record next to this one, loaded where it is not there yet: -1 before it, 1 after it; undefined at the end. */
export async function neighbour(imageId, step) {
	const place = wall.find(imageId);
	if (!place)
		return undefined;
	let index = place.index;
	for (let b = blocks.indexOf(place.block); b >= 0 && b < blocks.length; b += step, index = step > 0 ? -1 : blocks[b]?.records?.length ?? BLOCK) {
		if (!blocks[b].records) {
			const block = blocks[b];
			await load(block);
			if (!block.records)
				return undefined;
			index = step > 0 ? -1 : block.records.length;
		}
		for (index += step; blocks[b].records[index]; index += step)
			if (!wall.isHidden(blocks[b].records[index].imageId))
				return blocks[b].records[index];
	}
}

/** The records from one picture to another, both included, loaded where they are not there yet. */
export async function between(fromId, toId) {
	const ends = [fromId, toId].map(wall.find);
	if (ends.some(end => !end))
		return ends.filter(Boolean).map(end => end.record);
	const [first, last] = ends.map(end => end.block).sort((a, b) => blocks.indexOf(a) - blocks.indexOf(b));
	for (const block of blocks.slice(blocks.indexOf(first), blocks.indexOf(last)))
		await load(block);
	const all = blocks.slice(blocks.indexOf(first), blocks.indexOf(last) + 1).flatMap(wall.recordsOf);
	const [from, to] = ends.map(end => all.indexOf(end.record)).sort((a, b) => a - b);
	return all.slice(from, to + 1);
}

/** The first n records of the list. */
export async function first(n) {
	for (const block of [...blocks]) {
		if (count() >= n && !block.records)
			break;
		await load(block);
	}
	return loaded().flatMap(wall.recordsOf).slice(0, n);
}

/** The last record of the list. */
export async function last() {
	await load(blocks.at(-1));
	return wall.recordsOf(blocks.at(-1)).at(-1);
}

/** Add pictures that have just been uploaded, the newest first, before all others. */
export function prepend(...uploaded) {
	tellTabs();
	if (!blocks[0]?.records || isSearch() || query.order)
		return refreshSoon();
	const fresh = take(uploaded);
	blocks[0].span += fresh.length;
	if (total !== undefined)
		total += fresh.length;
	wall.setRecords(blocks[0], [...fresh, ...blocks[0].records]);
	wall.layOut();
}

/** Remove pictures that are no longer there. */
export function takeDown(...imageIds) {
	for (const imageId of imageIds) {
		const place = wall.find(imageId);
		if (!place)
			continue;
		ids.delete(imageId);
		wall.forgetTile(imageId);
		wall.setRecords(place.block, place.block.records.filter(record => record !== place.record));
		place.block.span--;
		if (total !== undefined)
			total--;
	}
	wall.hide(imageIds, false);
}

/** Put a newer record in place of the old one. */
export function update(record) {
	const place = wall.find(record.imageId);
	if (!place)
		return record;
	Object.assign(place.record, record);
	wall.forgetTile(record.imageId);
	wall.draw();
	tellTabs();
	return place.record;
}

/** The URL that a picture's tile shows, if it has loaded. */
export const previewOf = imageId => wall.buttonOf(imageId)?.querySelector('picture img.shown')?.currentSrc;
export const { buttonOf, focus, hide, monthAt } = wall;

/** Listen: { wantKey(why), drawn(top), covered(), decorate(li, record) } are called. */
export function start(given) {
	hooks = given;
	wall.start({ drawn, laidOut: tell, covered: hooks.covered, makeTile: record => hooks.decorate(makeTile(record, takeDown), record) });
	$('refresh').onclick = () => refresh().then(came => came && say(texts.wall.fresh));
	const retry = () => {
		blocks.forEach(block => { block.failed = false; });
		showTrouble(null);
		return blocks[0]?.records ? refresh() : reload();
	};
	$('again').onclick = () => { $('gallery-title').focus(); retry(); };
	channel.onmessage = refreshSoon;
	addEventListener('focus', onReturn);
	document.addEventListener('visibilitychange', onReturn);
	addEventListener('online', () => $('trouble').hidden || retry());
}
