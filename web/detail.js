// One picture, whole, with everything that is known of it, and what can be done with it. A dialog of the
// browser's own, which keeps the focus inside and gives it back.
import { fileLink, hasKey, image, LOST, remove } from './api.js';
import { $, bytes, el, fenced, number, say, typeName } from './dom.js';
import * as gallery from './gallery.js';

const TURNS = [, 'upright', 'mirrored', 'upside down', 'upside down, mirrored', 'on its side, mirrored', 'a quarter turn to the right', 'on its other side, mirrored', 'a quarter turn to the left'];
let shown = null, hooks;

const time = text => el('time', { dateTime: text }, new Date(text).toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'medium' }));
const code = text => el('code', {}, text);
const link = (href, text) => el('a', { href, target: '_blank', rel: 'noopener' }, text);

/** Every member of a record, in the order for people: [label, how it is shown]. What the record lacks is left out. */
const FIELDS = {
	fileName: ['Name', text => el('bdi', {}, text)],
	fileType: ['Type', text => [`${typeName(text)} `, code(text)]],
	fileSize: ['Size', n => `${bytes(n)} (${number(n)} bytes)`],
	width: ['Pixels', (n, record) => { const [width, height] = gallery.sizeOf(record); return `${number(width)} × ${number(height)}`; }],
	height: ['As stored', (n, record) => `${number(record.width)} × ${number(n)}, before it is turned`],
	orientation: ['Orientation', n => `${n}: ${TURNS[n] ?? 'unknown'}`],
	frames: ['Frames', number],
	uploadedAt: ['Uploaded', time],
	status: ['Status', text => text[0].toUpperCase() + text.slice(1)],
	imageId: ['Id', code],
	etag: ['MD5', code],
	fileUrl: ['Object', code],
	downloadUrl: ['Signed link', url => link(url, 'Open the file')],
	expiresAt: ['Link ends', time],
};

function fill(record) {
	const [width, height] = gallery.sizeOf(record);
	const img = $('detail-image');
	img.width = width;
	img.height = height;
	if (img.dataset.of !== record.imageId) {
		img.removeAttribute('src');   // the one before must not stand in for it
		img.src = record.downloadUrl;
		img.dataset.of = record.imageId;
	}
	img.alt = record.fileName;
	$('detail-name').replaceChildren(el('bdi', {}, record.fileName));
	$('fields').replaceChildren(...Object.entries(FIELDS).filter(([name]) => record[name] !== undefined && (name !== 'height' || width !== record.width))
		.flatMap(([name, [label, show]]) => [el('dt', {}, label), el('dd', {}, ...[show(record[name], record)].flat())]));
	for (const [id, step] of [['previous', -1], ['next', 1]])
		$(id).disabled = !gallery.beside(record.imageId, step);
}

function tell(sentence) {
	$('said').textContent = sentence;
}

function ask(sure) {
	$('sure').hidden = !sure;
	$('delete').hidden = sure;
	(sure ? $('sure-no') : $('delete')).focus();
}

function clear() {
	tell('');
	$('sure').hidden = true;
	$('delete').hidden = false;
}

function open(record) {
	fill(record);
	if (!$('detail').open) {
		$('detail').showModal();
		$('detail-name').focus();
	}
	if (location.hash !== `#${record.imageId}`)
		history.pushState(null, '', `#${record.imageId}`);
}

async function fetchRecord(imageId) {
	const record = await image(imageId);
	if (record.status === 'uploaded')
		return record;
	throw new Error(record.status === 'rejected' ? `This picture was refused. ${record.reason}` : 'This picture has not been uploaded yet.');
}

/** Open a picture, or go on to it: what the list knows is shown at once, the rest when it has come. */
export async function show(imageId) {
	const listed = gallery.find(imageId);
	shown = imageId;
	clear();
	if (listed)
		open(listed);
	try {
		const record = await fetchRecord(imageId);
		if (shown === imageId)
			open(Object.assign(listed ?? {}, record));
	} catch (why) {
		if (why.wantsKey)
			hooks.wantKey();
		else if (listed && shown === imageId)
			tell(why.message);
		else
			hooks.trouble(why);
	}
}

function go(step) {
	const record = gallery.beside(shown, step);
	if (record)
		show(record.imageId);
}

/** With the key asked for, a link to the picture would be closed to whom it is given: then it leads to this page. */
async function copy() {
	const text = hasKey() ? new URL(`#${shown}`, document.baseURI).href : fileLink(shown);
	try {
		await navigator.clipboard.writeText(text);
		tell('The link is copied.');
	} catch {   // no clipboard without TLS, but on this machine itself
		const field = el('input', { className: 'copy', readOnly: true, value: text, ariaLabel: 'Link' });
		$('said').replaceChildren('Copy it from here: ', field);
		field.select();
	}
}

/** By way of a blob: a link's `download` counts for nothing when it leads to another origin. */
async function download() {
	const imageId = shown;
	try {
		tell('Fetching…');
		const record = await fetchRecord(imageId);
		const answer = await fetch(record.downloadUrl, { cache: 'reload' });
		if (!answer.ok)
			throw new Error(`The storage answered ${answer.status}.`);
		const address = URL.createObjectURL(await answer.blob());
		el('a', { href: address, download: record.fileName }).click();
		setTimeout(() => URL.revokeObjectURL(address), 60000);
		tell('Downloaded.');
	} catch (why) {
		tell(why instanceof TypeError ? LOST : why.message);
	}
}

async function removeShown() {
	const imageId = shown, name = $('detail-name').textContent;
	try {
		await remove(imageId);
		const next = gallery.takeDown(imageId);
		hooks.removed(imageId);
		$('detail').close();
		(next ?? $('gallery-title')).focus();
		say(`${fenced(name)} is deleted.`);
	} catch (why) {
		clear();
		tell(why.message);
		$('delete').focus();
	}
}

/** What the address asks for: "#<imageId>" is a picture. */
function follow() {
	const imageId = location.hash.slice(1);
	if (/^[0-9a-f-]{36}$/.test(imageId))
		show(imageId);
	else if ($('detail').open)
		$('detail').close();
}

/** Listen: { wantKey(), trouble(why), removed(imageId) } are called. */
export function start(given) {
	hooks = given;
	const dialog = $('detail');
	$('close').onclick = () => dialog.close();
	$('previous').onclick = () => go(-1);
	$('next').onclick = () => go(1);
	$('copy').onclick = copy;
	$('download').onclick = download;
	$('delete').onclick = () => ask(true);
	$('sure-no').onclick = () => ask(false);
	$('sure-yes').onclick = removeShown;
	dialog.onclick = event => { if (event.target === dialog) dialog.close(); };   // beside it
	dialog.onkeydown = event => {
		const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
		if (step && event.target.tagName !== 'INPUT')
			go(step);
	};
	dialog.onclose = () => {
		const tile = gallery.buttonOf(shown);
		shown = null;
		if (location.hash)
			history.replaceState(null, '', location.pathname + location.search);
		tile?.focus();
	};
	addEventListener('popstate', follow);
	follow();
}
