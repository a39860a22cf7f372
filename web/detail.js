// One picture in full size, with its record and actions. A native dialog of the
// browser, which traps the focus and restores it.
import { change, hasKey, image, linkTo } from './api.js';
import { $, bytes, copy, el, icon, number, typeName } from './dom.js';
import * as edit from './edit.js';
import * as gallery from './gallery.js';
import { damageOf, lackOf, sizeOf } from './picture.js';
import * as removal from './removal.js';
import { forget as forgetRights, mayRemove, rights } from './rights.js';
import * as share from './share.js';
import * as stage from './stage.js';
import * as strip from './strip.js';
import { texts } from './texts.js';
import * as zoom from './zoom.js';

const TURNS = [, 'upright', 'mirrored', 'upside down', 'upside down, mirrored', 'on its side, mirrored', 'a quarter turn to the right', 'on its other side, mirrored', 'a quarter turn to the left'];
let shown = null, current = null, hooks;   // the id that was asked for; the record on the stage

const time = text => el('time', { dateTime: text }, new Date(text).toLocaleString(undefined, { dateStyle: 'long', timeStyle: 'medium' }));
const code = text => el('code', {}, text);
const link = (href, text) => el('a', { href, target: '_blank', rel: 'noopener' }, text);

const VISIBILITY = { private: 'Private: only with a signed link', public: 'Public: anyone who has the link' };
/** Who may see it, and for callers with a key a button that changes it, shown if they may. */
const visibility = (now, { imageId }) => [VISIBILITY[now], hasKey() ? el('button', { type: 'button', id: 'visibility', hidden: true, onclick: () => changeVisibility(imageId, now === 'public' ? 'private' : 'public') }, now === 'public' ? 'Make private' : 'Make public') : ''];

/** The members of a record in display order: [label, formatter]. What is missing, or formatted as false, is left out. */
const FIELDS = {
	fileType: ['Type', typeName],
	fileSize: ['Size', bytes],
	width: ['Pixels', (n, record) => sizeOf(record).map(number).join(' × ')],
	uploadedAt: ['Uploaded', time],
	keptMetadata: ['Taken', ({ takenAt, camera, position }) => [takenAt, camera, position && `${position.latitude}, ${position.longitude}`].filter(Boolean).join(', ')],
	stripped: ['Private data', (yes, { removed }) => removed ? `Removed: ${removed.join(', ')}` : yes ? 'None found' : 'Not removed'],
	visibility: ['Visible', visibility],
	metadata: ['Metadata', entries => Object.entries(entries).map(([name, value]) => el('span', { className: 'entry' }, el('bdi', {}, name), ': ', el('bdi', {}, value)))],
};
const TECHNICAL = {
	fileName: ['Name', text => el('bdi', {}, text)],
	imageId: ['Id', code],
	status: ['Status', text => text[0].toUpperCase() + text.slice(1)],
	verified: ['Decoded', (yes, { verdict, damage }) => yes ? [verdict, damage].filter(Boolean).join(': ').replaceAll('_', ' ') : 'No'],
	fileSize: ['Bytes', (n, { receivedSize }) => receivedSize && receivedSize !== n ? `${number(n)} of ${number(receivedSize)} received` : number(n)],
	fileType: ['Media type', code],
	height: ['As stored', (n, record) => sizeOf(record)[1] !== n && `${number(record.width)} × ${number(n)}`],
	orientation: ['Orientation', n => `${n}: ${TURNS[n] ?? 'unknown'}`],
	etag: ['MD5', code],
	frames: ['Frames', n => n > 1 && number(n)],
	color: ['Color', text => [el('span', { className: 'swatch', style: `--color: ${text}` }), code(text)]],
	placeholder: ['ThumbHash', code],
	fileUrl: ['Object', code],
	links: ['Links', links => Object.entries(links).flatMap(([name, one]) => [link(one.webp ?? one.jpeg ?? one.png ?? one, name), ' '])],
};

const rows = (fields, record) => Object.entries(fields).map(([name, [label, show]]) => [label, record[name] !== undefined && show(record[name], record)])
	.filter(([, shown]) => shown).flatMap(([label, shown]) => [el('dt', {}, label), el('dd', {}, ...[shown].flat())]);

/** What a viewer should know of it, in sentences. */
const warningOf = record => [lackOf(record), record.damage && `Minor damage. ${damageOf(record)}`,
	record.links && !record.links.original && 'Only previews are shown: the original has not been checked for private data, such as where it was taken.'].filter(Boolean).join(' ');

function fill(record) {
	if (current?.imageId !== record.imageId) {
		edit.close();
		stage.set(record, gallery.previewOf(record.imageId), () => gone(record.imageId));
	}
	current = record;
	strip.show(record, goTo);
	$('detail-name').replaceChildren(el('bdi', {}, record.fileName));
	$('warning').hidden = !warningOf(record);
	$('warning').replaceChildren(icon('alert'), el('span', {}, warningOf(record)));
	$('fields').replaceChildren(...rows(FIELDS, record));
	$('technical').replaceChildren(...rows(TECHNICAL, record));
	rights().then(({ change }) => ['edit', 'visibility'].forEach(id => $(id)?.toggleAttribute('hidden', !change || lackOf(current ?? record) !== '')));
	mayRemove([record.imageId]).then(may => { if (current === record) $('delete').hidden = !may; });
	$('download').hidden = !record.links?.original;
	$('copy').hidden = $('share').hidden = lackOf(record) !== '';
	for (const [id, step] of [['previous', -1], ['next', 1]])
		gallery.neighbour(record.imageId, step).then(other => { if (current === record) $(id).disabled = !other; });
}

/** Somebody else has deleted it. */
function gone(imageId) {
	gallery.takeDown(imageId);
	if (shown === imageId)
		report(texts.viewer.gone);
}

function report(sentence) {
	$('said').textContent = sentence;
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

/** The record of a picture. Of one that was not uploaded only if it is listed; else rejects with the reason. */
async function fetchRecord(imageId, isListed = false) {
	const record = await image(imageId);
	if (isListed || !lackOf(record))
		return record;
	throw new Error(lackOf(record));
}

/** Open a picture, or switch to it: the listed fields are shown at once, the rest when loaded. */
export async function show(imageId) {
	const listed = gallery.find(imageId);
	shown = imageId;
	report('');
	$('detail').ariaBusy = 'true';
	if (listed)
		open(listed);
	try {
		const record = await fetchRecord(imageId, Boolean(listed?.status));
		if (shown === imageId)
			open(Object.assign(listed ?? {}, record));
	} catch (why) {
		if (why.wantsKey)
			hooks.wantKey();
		else if (listed && why.status === 404)
			gone(imageId);
		else if (why.code === 'no_such_image')
			hooks.trouble(new Error(texts.viewer.notThere));
		else if (listed && shown === imageId)
			report(why.message);
		else
			hooks.trouble(why);
	}
	if (shown === imageId)
		$('detail').ariaBusy = 'false';
}

const goTo = imageId => edit.holds() || show(imageId);

async function go(step) {
	const record = await gallery.neighbour(shown, step);
	if (record)
		goTo(record.imageId);
}

/** Show the keys, or hide them. */
const help = () => import('./help.js').then(module => module.toggle(), () => report(texts.lost));

async function copyLink() {
	$('said').replaceChildren(...await copy(linkTo(shown, current)));
	$('said').querySelector('input')?.select();
}

/** Copy a link to the picture itself, in one of the formats; a signed one is good for `life` seconds. */
async function copyAs(format, life) {
	try {
		$('said').replaceChildren(...await copy(await share.linesOf([current], format, life), texts.share.copied(1)));
		$('said').querySelector('input')?.select();
	} catch (why) {
		report(why.message);
	}
}

/** Through a blob: a link's `download` attribute is ignored for another origin. */
async function download() {
	try {
		report('Fetching…');
		const { fileName, links } = await fetchRecord(shown);
		const answer = await fetch(links.original);
		if (!answer.ok)
			throw new Error(`The server answered ${answer.status}.`);
		const address = URL.createObjectURL(await answer.blob());
		el('a', { href: address, download: fileName }).click();
		setTimeout(() => URL.revokeObjectURL(address), 60000);
		report('Downloaded.');
	} catch (why) {
		report(why instanceof TypeError ? texts.lost : why.message);
	}
}

async function changeVisibility(imageId, to) {
	try {
		const record = gallery.update(await change(imageId, { visibility: to }));
		if (shown !== imageId)
			return;
		fill(record);
		report(to === 'public' ? 'Public now.' : 'Private now. Browsers and caches that have the picture may show it for up to an hour.');
		await rights();   // the button is shown after this
		$('visibility').focus();
	} catch (why) {
		report(why.message);
	}
}

/** Show what was changed by the form. */
function saved(record) {
	fill(gallery.update(record));
	$('detail-image')?.setAttribute('alt', record.fileName);
	report(texts.edit.saved);
}

/** Delete it, which can be undone for some seconds, and go on with the next one. */
async function removeShown() {
	const record = current, next = await gallery.neighbour(shown, 1) ?? await gallery.neighbour(shown, -1);
	removal.remove([record]);
	if (next)
		show(next.imageId);
	else
		$('detail').close();
}

/** Open what the URL's fragment names: "#<imageId>" is a picture. */
function follow() {
	const imageId = location.hash.slice(1);
	if (/^[0-9a-f-]{36}$/.test(imageId))
		show(imageId);
	else if ($('detail').open)
		$('detail').close();
}

/** Listen: { wantKey(), trouble(why) } are called. */
export function start(given) {
	hooks = given;
	stage.start(go);
	const dialog = $('detail');
	edit.start({ saved });
	const leave = () => edit.holds() || dialog.close();
	$('close').onclick = leave;
	$('edit').onclick = () => { report(''); edit.toggle(current); };
	dialog.oncancel = event => { if (edit.holds()) event.preventDefault(); };
	$('previous').onclick = () => go(-1);
	$('next').onclick = () => go(1);
	$('keys').onclick = help;
	$('copy').onclick = copyLink;
	share.makeMenu($('share'), $('share-menu'), { records: () => [current], choose: copyAs });
	$('download').onclick = download;
	$('delete').onclick = removeShown;
	dialog.onclick = event => { if (event.target === dialog) leave(); };   // a click on the backdrop
	dialog.onkeydown = event => {
		if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select, [popover]'))
			return;
		const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
		if (zoom.takeKey(event.key))
			event.preventDefault();   // a scrolled panel would move too
		else if (event.key === '?')
			help();
		else if (step)
			go(step);
	};
	dialog.onclose = () => {
		const was = shown;
		shown = current = null;
		document.body.append($('toast'));
		stage.clear();
		strip.clear();
		edit.close();
		forgetRights();
		if (location.hash)
			history.replaceState(null, '', location.pathname + location.search);
		gallery.focus(was);
	};
	addEventListener('popstate', follow);
	addEventListener('online', () => shown && show(shown));   // what may be done with it was not known
	follow();
}
