// One picture in full size, with its record and actions. A native dialog of the
// browser, which traps the focus and restores it.
import { fileLink, hasKey, image, LOST, remove } from './api.js';
import { $, bytes, el, fenced, number, say, typeName } from './dom.js';
import * as gallery from './gallery.js';

const TURNS = [, 'upright', 'mirrored', 'upside down', 'upside down, mirrored', 'on its side, mirrored', 'a quarter turn to the right', 'on its other side, mirrored', 'a quarter turn to the left'];
let shown = null, hooks;

const time = text => el('time', { dateTime: text }, new Date(text).toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'medium' }));
const code = text => el('code', {}, text);
const link = (href, text) => el('a', { href, target: '_blank', rel: 'noopener' }, text);

/** The members of a record in display order: [label, formatter]. Missing ones are left out. */
const FIELDS = {
	fileName: ['Name', text => el('bdi', {}, text)],
	fileType: ['Type', text => [`${typeName(text)} `, code(text)]],
	fileSize: ['Size', n => `${bytes(n)} (${number(n)} bytes)`],
	receivedSize: ['Received', n => `${number(n)} bytes`],
	stripped: ['Private data', yes => yes ? 'Removed where there was any' : 'Not looked for'],
	removed: ['Removed', names => names.join(', ')],
	width: ['Pixels', (n, record) => { const [width, height] = gallery.sizeOf(record); return `${number(width)} × ${number(height)}`; }],
	height: ['As stored', (n, record) => `${number(record.width)} × ${number(n)}, before it is turned`],
	orientation: ['Orientation', n => `${n}: ${TURNS[n] ?? 'unknown'}`],
	frames: ['Frames', number],
	uploadedAt: ['Uploaded', time],
	status: ['Status', text => text[0].toUpperCase() + text.slice(1)],
	imageId: ['Id', code],
	etag: ['MD5', code],
	fileUrl: ['Object', code],
	visibility: ['Visibility', text => text[0].toUpperCase() + text.slice(1)],
	stripped: ['Personal data', yes => yes ? 'Removed' : 'As received'],
	receivedSize: ['Received', n => `${number(n)} bytes`],
	removed: ['Removed', words => words.join(', ')],
	verified: ['Decoded', yes => yes ? 'Yes' : 'No'],
	verdict: ['Verdict', text => text],
	damage: ['Damage', text => text.replaceAll('_', ' ')],
	color: ['Color', code],
	placeholder: ['Placeholder', code],
	links: ['Delivery link', links => links.original ? link(links.original, 'Open as caches see it') : 'None for the original'],
	downloadUrl: ['Signed link', url => link(url, 'Open the file')],
	expiresAt: ['Link ends', time],
};

function fill(record) {
	const [width, height] = gallery.sizeOf(record);
	const img = $('detail-image');
	img.width = width;
	img.height = height;
	if (img.dataset.of !== record.imageId) {
		img.removeAttribute('src');   // do not show the previous picture meanwhile
		img.src = record.downloadUrl;
		img.dataset.of = record.imageId;
	}
	img.alt = record.fileName;
	$('detail-name').replaceChildren(el('bdi', {}, record.fileName));
	$('fields').replaceChildren(...Object.entries(FIELDS).filter(([name]) => record[name] !== undefined && (name !== 'height' || width !== record.width))
		.flatMap(([name, [label, show]]) => [el('dt', {}, label), el('dd', {}, ...[show(record[name], record)].flat())]));
	for (const [id, step] of [['previous', -1], ['next', 1]])
		$(id).disabled = !gallery.neighbour(record.imageId, step);
}

function report(sentence) {
	$('said').textContent = sentence;
}

function ask(sure) {
	$('sure').hidden = !sure;
	$('delete').hidden = sure;
	(sure ? $('sure-no') : $('delete')).focus();
}

function clear() {
	report('');
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
	throw new Error(record.status === 'rejected' ? `This picture was rejected. ${record.reason}` : 'This picture has not been uploaded yet.');
}

/** Open a picture, or switch to it: the listed fields are shown at once, the rest when loaded. */
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
			report(why.message);
		else
			hooks.trouble(why);
	}
}

function go(step) {
	const record = gallery.neighbour(shown, step);
	if (record)
		show(record.imageId);
}

/** Where a key is required, a link to the picture would not work for others: then it leads to this page. */
async function copy() {
	const text = hasKey() ? new URL(`#${shown}`, document.baseURI).href : fileLink(shown);
	try {
		await navigator.clipboard.writeText(text);
		report('Link copied.');
	} catch {   // no clipboard without TLS, except on loopback
		const field = el('input', { className: 'copy', readOnly: true, value: text, ariaLabel: 'Link' });
		$('said').replaceChildren('Copy this link: ', field);
		field.select();
	}
}

/** Through a blob: a link's `download` attribute is ignored for another origin. */
async function download() {
	const imageId = shown;
	try {
		report('Fetching…');
		const record = await fetchRecord(imageId);
		const answer = await fetch(record.downloadUrl, { cache: 'reload' });
		if (!answer.ok)
			throw new Error(`The storage answered ${answer.status}.`);
		const address = URL.createObjectURL(await answer.blob());
		el('a', { href: address, download: record.fileName }).click();
		setTimeout(() => URL.revokeObjectURL(address), 60000);
		report('Downloaded.');
	} catch (why) {
		report(why instanceof TypeError ? LOST : why.message);
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
		report(why.message);
		$('delete').focus();
	}
}

/** Open what the URL's fragment names: "#<imageId>" is a picture. */
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
	dialog.onclick = event => { if (event.target === dialog) dialog.close(); };   // a click on the backdrop
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
