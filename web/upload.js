// The uploads: files are added, their type is read from their first bytes, they are checked against the limits, sent some at a time, and
// stored (queue.js) if that takes longer than a few seconds. tray.js shows them.
//
//   waiting -> sending -> checking -> done
//      ^          ├──────────┴────── refused   the server, or a limit, says no
//      ├── lost ──┤
//      │          └───────────────── failed    tried TRIES times, or the file cannot be read: "Try again"
//      └── any of these cancelled: the item is removed
//
// When the connection is lost, or the server has too much to do, everything waits, longer each time, and goes on by itself.
import { limits as askLimits, ownToken, Refusal } from './api.js';
import { fenced, say } from './dom.js';
import { typeOfBlob, typeOfFile, typeOfName } from './media_type.js';
import * as queue from './queue.js';
import { texts as all } from './texts.js';
import * as transfer from './transfer.js';

const texts = all.uploads;
const AT_ONCE = 6, DIRECT_AT_ONCE = 4, READ_AT_ONCE = 16, STORE_AT_ONCE = 16, TRIES = 5;
const STORE_AFTER_MS = 1000, SOON_S = 10;   // uploads that are done by then, or soon after, are not stored
const MANY = 20;               // from this number of files on, records are read together
const WAIT_S = 1, WAIT_MOST_S = 15;
const SPOKEN_ONE_BY_ONE = 3;   // of more files at once only the progress is announced

const items = new Set();   // in the order in which they were added
const count = { waiting: 0, sending: 0, checking: 0, done: 0, failed: 0, refused: 0 };
const size = { all: 0, done: 0 };   // bytes, of what is done and under way
const speed = new transfer.Speed();
let before = { done: 0, size: 0 };   // what was done when this batch began
let limits = null, owner = '', hooks, number = 0, quarter = 0, busy = 0;   // busy: connections
let keeps = true, paused = false, hold = null, waits = 0;   // hold: { why, until, timer } while everything waits

export const isUnderWay = item => ['waiting', 'sending', 'checking'].includes(item.state);
const underWay = () => count.waiting + count.sending + count.checking;

/** What there is: counts of this batch, bytes, speed in bytes a second, seconds left, and why all waits. */
export function progress() {
	const sent = size.done + [...items].reduce((sum, item) => sum + (item.state === 'sending' || item.state === 'checking' ? item.sent : 0), 0);
	const rate = underWay() > 0 && !paused && !hold ? speed.add(performance.now(), sent) : null;
	return {
		...count, underWay: underWay(), done: count.done - before.done, total: count.done - before.done + underWay() + count.failed + count.refused,
		sent: sent - before.size, size: size.all - before.size, rate, left: rate > 0 ? (size.all - sent) / rate : null,
		paused, hold, canRetry: [...items].some(item => item.why?.canRetry && !isUnderWay(item)),
	};
}

function account(item, sign) {
	count[item.state] += sign;
	if (isUnderWay(item) || item.state === 'done')
		size.all += sign * item.file.size;
	if (item.state === 'done')
		size.done += sign * item.file.size;
}

function change(item, state, more = {}) {
	account(item, -1);
	Object.assign(item, { state }, more);
	account(item, 1);
	hooks.changed(item);
	if (underWay() === 0)
		end();
}

/** The last one is done, or not: say what has become of all. */
function end() {
	const { done, failed, refused, total } = progress();
	if (total > SPOKEN_ONE_BY_ONE)
		say(texts.all(done, failed, refused));
	speed.clear();
	hooks.ended();
}

/** In a large batch every quarter is announced. */
function announce(item) {
	const { done, total } = progress();
	if (total <= SPOKEN_ONE_BY_ONE)
		say(texts.isUploaded(fenced(item.file.name)));
	else if (Math.floor(4 * done / total) > quarter && done < total)
		say(texts.soFar(done, total));
	quarter = Math.floor(4 * done / total);
}

/** Why the file is not accepted, as a sentence; "" if it is. */
function objection({ size, type }) {
	if (size === 0)
		return texts.empty;
	if (size > limits.maxFileSize)
		return texts.large(size, limits.maxFileSize);
	return limits.allowedTypes.includes(type) ? '' : texts.type(type, limits);
}

/** The accepted types and sizes. */
export function useLimits(found) {
	limits = found;
	transfer.useLimits(found);
	[...items].filter(item => item.state === 'waiting' && item.isRead).forEach(judge);
	pump();
}

function judge(item) {
	const why = limits && objection(item.file);
	if (why)
		refuse(item, new Refusal(why));
}

function refuse(item, why) {
	change(item, 'refused', { why });
	if (!why.wantsKey)
		queue.keepRefused(item);
	if (progress().total <= SPOKEN_ONE_BY_ONE)
		say(texts.isNotUploaded(fenced(item.file.name), why.message));
}

function make(blob) {
	const item = { id: queue.newId(number++), owner, addedAt: Date.now(), trip: {}, file: { name: blob.name || 'picture', type: '', size: 0, blob } };
	return enter(item);
}

function enter(item, state = 'waiting') {
	Object.assign(item, { state, sent: 0, tries: 0 });
	items.add(item);
	account(item, 1);
	hooks.changed(item);
	return item;
}

function setType(file, type) {
	const named = typeOfName(file.name);
	Object.assign(file, { type, misnamed: named !== '' && named !== type });
}

/** Ask for the size. The browser reads it from the disk: asked of all files at once, it delays the first upload. */
function measure({ file }) {
	size.all += file.blob.size - file.size;
	file.size = file.blob.size;
}

/** Whether the server may detect the type: to read the bytes costs a fifth of what sending a small file does. */
const isLeftToServer = ({ file }) => underWay() > MANY && transfer.isDirect(file) && limits.allowedTypes.includes(file.blob.type);

/** Read the type, and judge. */
async function read(item) {
	const { file } = item;
	if (items.has(item))
		measure(item);
	const type = isLeftToServer(item) ? file.blob.type : await typeOfFile(file.blob, file.name).catch(() => null);
	if (!items.has(item))   // it was cancelled
		return;
	if (type === null)
		return change(item, 'failed', { why: new Refusal(texts.unreadable) });
	setType(file, type);
	item.isRead = true;
	judge(item);
}

/** Do it for all of a list, some at a time. */
async function forEach(list, work) {
	for (let i = 0; i < list.length; i += READ_AT_ONCE) {
		await Promise.all(list.slice(i, i + READ_AT_ONCE).map(work));
		await new Blob().text();   // the page does other work meanwhile; a timer would be slow in a hidden tab
	}
}

/** Whether all uploads will be finished within SOON_S seconds. */
function isSoonDone() {
	const { left } = progress();
	return left !== null && left < SOON_S;
}

/** Store unfinished uploads, the last one first, once they are known to take longer; if the browser has no room, a message says so. */
async function store(fresh) {
	do
		await new Promise(done => setTimeout(done, STORE_AFTER_MS));
	while (isSoonDone());
	for (let end = fresh.length; keeps && end > 0; end -= STORE_AT_ONCE)
		await queue.save(fresh.slice(Math.max(0, end - STORE_AT_ONCE), end).filter(item => items.has(item) && isUnderWay(item) && !item.saved)).catch(() => {
			keeps = false;
		});
	if (!keeps && underWay() > SPOKEN_ONE_BY_ONE)
		hooks.notice(texts.notKept);
}

function begin() {
	if (underWay() === 0) {
		paused = false;
		before = { done: count.done, size: size.done };
		quarter = 0;
		speed.clear();
	}
}

/** Add files. Of those in folders only pictures are taken. */
export async function add({ files, inFolders }) {
	begin();
	const fresh = files.map(make);
	await forEach(fresh, item => read(item).then(pump));
	if (inFolders.length > 0)
		fresh.push(...await addFolders(inFolders));
	if (fresh.length > SPOKEN_ONE_BY_ONE)
		say(texts.added(fresh.length));
	await store(fresh);
}

async function addFolders(found) {
	const types = new Map();
	await forEach(found, async blob => { types.set(blob, await typeOfFile(blob, blob.name).catch(() => '')); });
	const pictures = found.filter(blob => types.get(blob).startsWith('image/') || limits?.allowedTypes.includes(types.get(blob)));
	const fresh = pictures.map(make);
	for (const item of fresh) {
		measure(item);
		setType(item.file, types.get(item.file.blob));
		item.isRead = true;
		judge(item);
	}
	hooks.notice(texts.ofFolders(pictures.length, found.length - pictures.length));
	pump();
	return fresh;
}

/** Whose uploads these are: another owner's are not sent, and those of an earlier page of the same go on. */
export function useOwner(now) {
	for (const item of [...items])
		if (item.owner && item.owner !== now)
			drop(item);
		else
			item.owner = now;
	owner = now;
	resume();
}

async function resume() {
	const all = await queue.restore(owner).catch(() => []), found = all.filter(item => !item.refused);
	all.filter(item => item.refused).forEach(item => enter(Object.assign(item, { why: new Refusal(item.refused) }), 'refused'));
	if (found.length === 0)
		return;
	begin();
	found.forEach(item => {
		ownToken(item.trip.slot?.imageId, item.trip.slot?.deleteToken);
		Object.assign(enter(item), { isRead: item.file.type !== '' });
		item.trip.isSent = Boolean(item.trip.key);   // perhaps
	});
	hooks.notice(texts.goesOn(found.length));
	await forEach(found.filter(item => !item.isRead), read);
	pump();
}

/** Everything waits: for the connection, or because the server asks for it. */
function wait(why) {
	if (hold)
		return;
	const seconds = why.retryAfter ?? Math.min(WAIT_MOST_S, WAIT_S * 2 ** waits++);
	hold = { why, until: Date.now() + seconds * 1000, timer: setTimeout(goOn, seconds * 1000) };
	hooks.changed();
	if (waits === 1)
		say(why.status ? why.message : texts.lostGoesOn);
}

/** Try again, now. While the server cannot be reached no upload is tried. */
export async function goOn() {
	if (!hold)
		return;
	const { why } = hold;
	clearTimeout(hold.timer);
	if (!why.status)
		try {
			await askLimits();
		} catch (lost) {
			hold = null;
			return wait(lost);
		}
	hold = null;
	pump();
}

/** A lost connection and an overloaded server are worth another try, by themselves. */
const isTransient = why => why.canRetry && !why.wantsKey;

async function failed(item, why) {
	const moved = !(why instanceof Refusal) || !why.status && !await isReadable(item);   // for the browser both are lost connections
	if (!items.has(item))
		return;
	if (moved)
		return change(item, 'failed', { why: new Refusal(texts.moved, { canRetry: true }) });
	if (!isTransient(why)) {
		refuse(item, why);
		return why.wantsKey && hooks.wantKey(why);
	}
	if (++item.tries >= TRIES)
		change(item, 'failed', { why });
	else
		change(item, 'waiting', { why, sent: 0 });
	wait(why);
}

const isReadable = ({ file }) => typeOfBlob(file.blob).then(() => true, () => false);

async function send(item) {
	item.ending = new AbortController();
	change(item, 'sending', { sent: 0, speed: null, why: null });
	const { signal } = item.ending;
	let isBusy = true;
	const free = () => { busy -= Number(isBusy); isBusy = false; pump(); };
	busy++;
	try {
		if ((item.trip.slot || item.trip.key) && !await queue.claim(item))
			return drop(item);
		const record = await transfer.upload(item.file, item.trip, signal, {
			progressed(sent, speed) {
				Object.assign(item, { sent, speed: speed ?? item.speed });
				if (!signal.aborted)
					change(item, sent < item.file.size ? 'sending' : 'checking');
			},
			async keep() {
				if (!await queue.claim(item))
					dismiss(item);
			},
			arrived() {
				free();
				return underWay() > MANY;
			},
		});
		if (signal.aborted)
			return;
		waits = 0;
		if (record) {
			setType(item.file, record.fileType);
			hooks.uploaded(record);
		}
		change(item, 'done', { record });
		queue.remove(item);
		announce(item);
	} catch (why) {
		if (!signal.aborted)
			await failed(item, why);
	} finally {
		free();
	}
}

function pump() {
	hooks.changed();
	if (!limits || paused || hold)
		return;
	for (const item of items) {
		if (item.state !== 'waiting' || !item.isRead)
			continue;
		if (busy >= (transfer.isDirect(item.file) ? DIRECT_AT_ONCE : AT_ONCE))   // two of the browser's six connections to the API are left for pictures
			return;
		send(item);
	}
}

/** Stop what is being sent, too; it begins anew from its slot. */
export function pause(on) {
	paused = on;
	if (on)
		for (const item of items)
			if (item.state === 'sending') {
				item.ending.abort();
				change(item, 'waiting', { sent: 0 });
			}
	say(on ? texts.isPaused : texts.isResumed);
	speed.clear();
	pump();
}

export function retry(item) {
	begin();
	change(item, 'waiting', { tries: 0, sent: 0, why: null });
	store([item]);
	pump();
}

/** Try again all for whose reason that may help, or those that `which` says. */
export const retryAll = (which = why => why.canRetry) => [...items].filter(item => !isUnderWay(item) && item.why && which(item.why)).forEach(retry);

function drop(item) {
	items.delete(item);
	account(item, -1);
	item.ending?.abort();
	hooks.gone(item);
	pump();
}

/** Remove an item, whatever its state. What is not done does not become an image, even if its bytes are on the way. */
export function dismiss(item) {
	drop(item);
	queue.remove(item);
	if (item.state !== 'done')
		transfer.takeBack(item.file, item.trip).catch(() => {});
}

export const dismissAll = which => [...items].filter(which).forEach(dismiss);

/** An image was deleted: its item goes. */
export const forget = imageId => dismissAll(item => item.state === 'done' && item.record?.imageId === imageId);

/** Nothing is left of anybody's uploads, here and in the browser. */
export async function signOut() {
	[...items].forEach(drop);
	await queue.erase();
}

/** Whether files are here that would have to be chosen again after a reload. */
export const hasFiles = () => [...items].some(item => item.file.blob && item.state !== 'done');

/** Listen: { changed(item), gone(item), uploaded(record), ended(), wantKey(why), notice(sentence) } are called. */
export function start(given) {
	hooks = given;
	addEventListener('online', goOn);
	addEventListener('beforeunload', event => { if (underWay() > 0) event.preventDefault(); });
	return items;
}
