// What is being uploaded: files are added in several ways, checked against the limits before anything
// is sent, queued, and sent three at a time. Each has a tile that shows its state:
//
//   waiting -> sending -> checking -> done
//      │          ├──────────┴────── refused   with the reason; "Try again" where that can help
//      └──────────┴── cancelled: the tile is removed
import { Refusal, remove } from './api.js';
import { $, el, fenced, icon, nameOf, number, say } from './dom.js';
import { texts as all } from './texts.js';
import { upload } from './transfer.js';

const texts = all.uploads;
const AT_ONCE = 3;
const BY_ENDING = { jpg: 'image/jpeg', jpeg: 'image/jpeg', jfif: 'image/jpeg', png: 'image/png', gif: 'image/gif', webp: 'image/webp', heic: 'image/heic', avif: 'image/avif', svg: 'image/svg+xml', pdf: 'application/pdf' };

const items = new Set();
let limits = null;
let hooks;

/** Why the file is not accepted, as a sentence; "" if it is. */
function objection(file) {
	if (file.size === 0)
		return texts.empty;
	if (!limits)
		return '';
	if (file.size > limits.maxFileSize)
		return texts.large(file.size, limits.maxFileSize);
	if (!limits.allowedTypes.includes(file.type))
		return texts.type(file.type, limits);
	return '';
}

/** The accepted types and sizes: the line below the buttons. */
export function useLimits(found) {
	limits = found;
	$('limits').textContent = texts.limits(limits);
	$('files').accept = limits.allowedTypes.join(',');
	for (const item of items)   // files added before the limits were known
		if (item.state === 'waiting' && objection(item.file))
			refuse(item, new Refusal(objection(item.file)));
	pump();
}

function button(label, iconName, item, onclick) {
	return el('button', { type: 'button', className: 'round', ariaLabel: `${label}: ${item.file.name}`, title: label, onclick }, icon(iconName));
}

/** The tile's parts, created once; draw() fills them in. */
function makeTile(item) {
	item.progress = el('progress', { max: 1, value: 0, ariaLabel: `Progress of ${item.file.name}` });
	item.status = el('p', { className: 'status' });
	item.acts = el('p', { className: 'acts' });
	item.preview = el('img', { alt: '', decoding: 'async', src: item.address, onerror: () => item.preview.replaceWith(el('span', { className: 'none' }, icon('picture'))) });
	item.tile = el('li', { className: 'upload' }, el('div', { className: 'thumb' }, item.preview),
		el('div', { className: 'what' }, el('p', { className: 'title' }, nameOf(item.file.name)), item.status, item.progress), item.acts);
}

const WORDS = {
	waiting: item => texts.waiting(item.file.size),
	sending: item => texts.sending(item.sent, item.file.size, item.speed),
	checking: () => texts.checking,
	done: item => texts.done(item.file.size),
	refused: item => item.why.message,
};
const ACTS = {
	waiting: item => [button('Cancel', 'close', item, () => dismiss(item))],
	sending: item => [button('Cancel', 'close', item, () => dismiss(item))],
	checking: item => [button('Cancel', 'close', item, () => dismiss(item))],
	done: item => [
		item.record && button('Show', 'picture', item, () => hooks.show(item.record.imageId)),
		!item.record && button('Delete', 'trash', item, () => removeOwn(item)),
	],
	refused: item => [
		item.why.canRetry && button('Try again', 'retry', item, () => retry(item)),
		button('Dismiss', 'close', item, () => dismiss(item)),
	],
};

function draw(item) {
	if (item.drawn !== item.state) {
		const focused = item.acts.contains(document.activeElement);
		item.tile.dataset.state = item.drawn = item.state;
		item.acts.replaceChildren(...ACTS[item.state](item).filter(Boolean));
		if (focused)
			(item.acts.querySelector('button') ?? $('tray-title')).focus();
	}
	const words = WORDS[item.state](item);
	item.status.replaceChildren(...item.state === 'refused' ? [icon('alert'), words] : item.state === 'done' ? [icon('done'), words] : [words]);
	item.progress.hidden = item.state === 'refused' || item.state === 'done';
	item.progress.value = item.file.size === 0 ? 0 : Math.min(1, item.sent / item.file.size);
}

function summarise() {
	const all = [...items], n = state => all.filter(item => item.state === state).length;
	const under = all.length - n('done') - n('refused');
	$('tray').hidden = all.length === 0;
	$('clear').hidden = all.length === under;
	$('tray-count').textContent = [n('done') && `${number(n('done'))} of ${number(all.length)} done`, n('refused') && `${number(n('refused'))} refused`, under && `${number(under)} to go`]
		.filter(Boolean).join(' · ');
}

function change(item, state, more = {}) {
	Object.assign(item, { state }, more);
	draw(item);
	summarise();
}

function refuse(item, why) {
	change(item, 'refused', { why });
	say(texts.isNotUploaded(fenced(item.file.name), why.message));
}

async function send(item) {
	item.ending = new AbortController();
	change(item, 'sending', { sent: 0, speed: null });
	try {
		const record = await upload(item.file, item.trip, item.ending.signal, (sent, speed) => {
			Object.assign(item, { sent, speed: speed ?? item.speed });
			change(item, sent < item.file.size ? 'sending' : 'checking');
		});
		change(item, 'done', { record });
		say(texts.isUploaded(fenced(item.file.name)));
		if (record)
			hooks.uploaded(record);
	} catch (why) {
		if (item.ending.signal.aborted)
			return;
		refuse(item, why instanceof Refusal ? why : new Refusal(texts.moved, { canRetry: true }));
		if (why.wantsKey)
			hooks.wantKey(why);
	}
}

function pump() {
	if (!limits)
		return;
	const all = [...items], busy = all.filter(item => item.state === 'sending' || item.state === 'checking').length;
	for (const item of all.filter(item => item.state === 'waiting').slice(0, Math.max(0, AT_ONCE - busy)))
		send(item).finally(pump);
}

function retry(item) {
	change(item, 'waiting');
	pump();
}

function dismiss(item) {
	const neighbour = (item.tile.nextElementSibling ?? item.tile.previousElementSibling)?.querySelector('button');
	const focused = item.tile.contains(document.activeElement);
	if (item.state !== 'done' && item.state !== 'refused')
		say(texts.isCancelled(fenced(item.file.name)));
	items.delete(item);
	item.ending?.abort();
	if (item.trip.slot && item.state !== 'done')   // bytes still in transit find the slot deleted
		remove(item.trip.slot.imageId).catch(() => {});
	URL.revokeObjectURL(item.address);
	item.tile.remove();
	summarise();
	if (focused)
		(neighbour ?? $('choose')).focus();
}

async function removeOwn(item) {
	try {
		await hooks.remove(item.trip.slot.imageId);
		dismiss(item);
		say(texts.isDeleted(fenced(item.file.name)));
	} catch (why) {
		item.status.replaceChildren(icon('alert'), why.message);
		say(why.message);
	}
}

/** Add files from any source. */
export function add(files) {
	const fresh = [...files].map(blob => {
		const type = blob.type || BY_ENDING[blob.name.replace(/^.*\./, '').toLowerCase()] || '';
		const item = { file: { name: blob.name || 'picture', type, size: blob.size, blob }, trip: {}, state: 'waiting', sent: 0, address: URL.createObjectURL(blob) };
		items.add(item);
		makeTile(item);
		const why = objection(item.file);
		change(item, why ? 'refused' : 'waiting', why ? { why: new Refusal(why) } : {});
		return item;
	});
	if (fresh.length === 0)
		return;
	$('uploads').append(...fresh.map(item => item.tile));
	const refused = fresh.filter(item => item.state === 'refused');
	say([texts.added(fresh.length), ...refused.slice(0, 3).map(item => texts.isNotAccepted(fenced(item.file.name), item.why.message))].join(' '));
	pump();
}

/** Retry what failed for lack of the key, or of a connection. */
export function retryAll(which) {
	[...items].filter(item => item.state === 'refused' && which(item.why)).forEach(retry);
}

/** An image was deleted: its tile no longer opens it. */
export function forget(imageId) {
	[...items].filter(item => item.state === 'done' && item.record?.imageId === imageId).forEach(dismiss);
}

/** Whether files are here that would have to be chosen again after a reload. */
export const hasFiles = () => [...items].some(item => item.state !== 'done');
export const isBusy = () => [...items].some(item => !['done', 'refused'].includes(item.state));

const carriesFiles = event => [...event.dataTransfer?.types ?? []].includes('Files');

/** Listen: { uploaded(record), show(imageId), remove(imageId), wantKey() } are called. */
export function start(given) {
	hooks = given;
	for (const [opener, input] of [['choose', 'files'], ['shoot', 'photo']]) {
		$(opener).onclick = () => $(input).click();
		$(input).onchange = () => { add($(input).files); $(input).value = ''; };
	}
	$('clear').onclick = () => { [...items].filter(item => ['done', 'refused'].includes(item.state)).forEach(dismiss); $('choose').focus(); };
	let depth = 0;   // dragenter and dragleave are fired for every element crossed
	const over = on => { $('curtain').hidden = !on; document.body.classList.toggle('over', on); };
	addEventListener('dragenter', event => { if (carriesFiles(event)) { event.preventDefault(); depth++; over(true); } });
	addEventListener('dragleave', event => { if (carriesFiles(event) && --depth <= 0) { depth = 0; over(false); } });
	addEventListener('dragover', event => { if (carriesFiles(event)) event.preventDefault(); });
	addEventListener('drop', event => { if (carriesFiles(event)) { event.preventDefault(); depth = 0; over(false); add(event.dataTransfer.files); } });
	addEventListener('paste', event => { if (event.clipboardData?.files.length) { event.preventDefault(); add(event.clipboardData.files); } });
	addEventListener('online', () => retryAll(why => why.canRetry && why.status === 0));
	addEventListener('beforeunload', event => { if (isBusy()) event.preventDefault(); });
}
