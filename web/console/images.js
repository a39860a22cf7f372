// The table's rows: by status, filtered by the server, a page at a time; one row with its picture; and what can be done with them.
import { act } from './act.js';
import { completeImage, deleteImage, deleteImages, hasToken, image, images, verifyImage } from './client.js';
import { $, bytes, cell, copyText, el, foreign, many, numeric, say, time } from './dom.js';

const PAGE = 50, PURGE = 100, COUNTED = 1000;

let cursor, shown = 0, asking = null, guard;

/** The first thumbnail, from this listener: its link is signed. Nothing where there is none, or it cannot be made. */
function picture(row, className) {
	if (!row.picture)
		return el('span', { className: `${className} none` });
	const img = el('img', { className, alt: '', loading: 'lazy', src: new URL(row.picture, document.baseURI).href });
	img.addEventListener('error', () => img.replaceWith(el('span', { className: `${className} none` })));
	return img;
}

const why = row => row.reason ?? row.damage;

function rowOf(row) {
	const name = el('button', { type: 'button', className: 'link', onclick: () => { location.hash = `images/${row.imageId}`; } }, foreign(row.fileName || '(no name)'));
	return el('tr', {},
		el('th', { scope: 'row', className: 'pictured' }, picture(row, 'thumb'),
			el('span', {}, name, el('span', { className: 'id' }, row.imageId), why(row) && el('span', { className: 'reason' }, foreign(why(row))))),
		cell('Status', el('span', { className: `tag ${row.status}` }, row.status)),
		cell('Type', foreign(row.fileType)),
		numeric('Size', row.fileSize === null ? 'unknown' : bytes(row.fileSize)),
		numeric('Pixels', row.width === null ? '–' : `${row.width} × ${row.height}`),
		cell('Created', time(row.createdAt)));
}

const filter = () => Object.fromEntries(new FormData($('images-filter')));
const isFiltered = ({ status, ...fields }) => Object.values(fields).some(text => text !== '');

/** Show the field for the reason only for rejected uploads; it suggests the reasons of the rows that are shown. */
function prepareReason() {
	const field = $('images-reason');
	field.hidden = field.querySelector('input').disabled = filter().status !== 'rejected';
}

function suggestReasons(rows) {
	const known = new Set([...$('reasons').children].map(option => option.value));
	for (const { reason } of rows)
		if (reason && !known.has(reason)) {
			known.add(reason);
			$('reasons').append(el('option', { value: reason }));
		}
}

function report(page) {
	const all = page.nextCursor === null;
	const wanted = filter(), none = wanted.status === 'all' && !isFiltered(wanted) ? 'No images yet.' : 'No images match.';
	const text = shown === 0 && all ? none : all ? shown === 1 ? '1 image.' : `All ${many(shown, 'image')}.` : `${many(shown, 'image')} shown.`;
	const bound = !all && page.images.length < PAGE;   // the scan stopped before the page was full
	$('images-count').textContent = bound ? `${text} ${many(page.looked, 'row was', 'rows were')} searched; there are more.` : text;
	$('images-more').hidden = all;
	$('images-more').textContent = bound ? 'Search more' : 'Show more';
	$('images-purge').hidden = wanted.status !== 'rejected' || (shown === 0 && all);
}

function refuse(error) {
	$('images-wrong').textContent = error.message;
	$('images-rows').replaceChildren();
	$('images-more').hidden = $('images-purge').hidden = true;
}

/** One more page, or the first in place of what is shown; a newer request cancels an older one. */
async function next({ isFirst = false } = {}) {
	asking?.abort();
	const own = asking = new AbortController();
	try {
		const page = await images({ ...filter(), cursor, limit: PAGE }, own.signal);
		$('images-wrong').textContent = '';
		if (isFirst)
			for (const part of [$('images-rows'), $('reasons')])
				part.replaceChildren();
		$('images-rows').append(...page.images.map(rowOf));
		suggestReasons(page.images);
		shown = $('images-rows').children.length;
		cursor = page.nextCursor ?? undefined;
		report(page);
	} catch (error) {
		if (own.signal.aborted)
			return;
		$('images-count').textContent = '';
		if (error.wantsToken || error.isLost)
			throw error;
		refuse(error);
	}
}

async function reload() {
	cursor = undefined;
	prepareReason();
	$('images-count').textContent = 'Loading…';
	await next({ isFirst: true });
}

/* one row */

function factsOf(row) {
	const facts = [
		['Status', el('span', { className: `tag ${row.status}` }, row.status)],
		['Reason', row.reason && foreign(row.reason)],
		['Damage', row.damage && foreign(row.damage)],
		['Type', foreign(row.fileType)],
		['Size', row.fileSize !== null && bytes(row.fileSize)],
		['Pixels', row.width !== null && `${row.width} × ${row.height}`],
		['Checked', row.verdict && foreign(row.verdict)],
		['Owner', row.owner && el('span', {}, row.subject && foreign(row.subject), row.subject && ' ', el('code', {}, row.owner))],
		['Created', time(row.createdAt)],
		['Uploaded', row.uploadedAt && time(row.uploadedAt)],
		['Thumbnails', row.thumbnailBytes && bytes(row.thumbnailBytes)],
	];
	return facts.filter(([, value]) => value).map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)));
}

function draw(row) {
	$('row-title').replaceChildren(foreign(row.fileName || '(no name)'));
	$('row-picture').replaceChildren(picture(row, 'large'));
	$('row-facts').replaceChildren(...factsOf(row));
	$('row-json').textContent = JSON.stringify(row, null, 2);
	$('row-verify').hidden = row.status === 'rejected';
	$('row-verify').textContent = row.status === 'pending' ? 'Check for the upload' : 'Verify again';
	$('row-verify').onclick = () => verify(row);
	$('row-delete').onclick = () => remove(row);
}

async function open(id) {
	try {
		draw(await image(id));
	} catch (error) {
		if (error.status !== 404)
			throw error;
		forgetRow();
		say(error.message);
		return;
	}
	$('row-said').textContent = '';
	if (!$('row').open)
		$('row').showModal();
	$('row-title').focus();
}

/** Set the address back to the list's after one row was shown. */
function forgetRow() {
	if (hasToken() && location.hash.startsWith('#images/'))
		history.replaceState(null, '', '#images');
}

/** Filter the list as the address says. */
function takeQuery(query) {
	$('images-filter').reset();
	for (const [name, value] of query)
		if ($('images-filter').elements[name])
			$('images-filter').elements[name].value = value;
	history.replaceState(null, '', '#images');
}

/** Show what the rest of the address names: one row, or a filter for the list. */
export async function showPart({ id, query }) {
	if (query.size > 0) {
		takeQuery(query);
		await reload();
	}
	if (id)
		await open(id);
	else if ($('row').open)
		$('row').close();
}

async function verify(row) {
	$('row-said').textContent = 'Verifying…';
	$('row-verify').disabled = true;
	try {
		if (row.status === 'pending')
			await completeImage(row.imageId);
		const now = row.status === 'pending' ? await image(row.imageId) : await verifyImage(row.imageId);
		draw(now);
		$('row-said').textContent = now.damage ? 'The image is damaged, and is marked as damaged.' : now.status === 'rejected' ? 'The upload was rejected.' : 'The image is intact.';
	} catch (error) {
		if (error.wantsToken) {
			guard(() => { throw error; });
			return;
		}
		$('row-said').textContent = error.message;
	} finally {
		$('row-verify').disabled = false;
	}
}

function remove(row) {
	act({
		title: `Delete ${row.fileName || 'this image'}?`,
		text: 'The image and its thumbnails are deleted for good.',
		verb: 'Delete',
		isDangerous: true,
		after: reload,
		work: async () => {
			await deleteImage(row.imageId);
			$('row').close();
			return `${row.fileName || 'The image'} was deleted.`;
		},
	});
}

/* rejected uploads */

/** Delete the rejected uploads that match the filter, a page at a time. */
async function purgeAll(wanted, progress) {
	let deleted = 0, cursorOfPurge;
	for (;;) {
		const page = await images({ ...wanted, status: 'rejected', cursor: cursorOfPurge, limit: PURGE });
		if (page.images.length > 0) {
			const done = await deleteImages(page.images.map(row => row.imageId));
			deleted += done.deleted;
			progress(`${many(deleted, 'upload')} deleted…`);
			if (done.deleted === 0)
				return deleted;
		}
		if (page.nextCursor === null)
			return deleted;
		cursorOfPurge = page.nextCursor;
	}
}

/** How many there are, counted up to a limit. */
async function countRejected(wanted) {
	let n = 0, at;
	do {
		const page = await images({ ...wanted, cursor: at, limit: PURGE });
		n += page.images.length;
		at = page.nextCursor;
	} while (at !== null && n < COUNTED);
	return at === null ? many(n, 'rejected upload') : `more than ${many(n, 'rejected upload')}`;
}

async function purge() {
	const wanted = filter();
	const found = await countRejected(wanted);
	act({
		title: isFiltered(wanted) ? `Delete the ${found} that match?` : `Delete ${found}?`,
		text: 'Their files were never stored. This deletes the records that say why each was rejected, which else are kept for a week, or as long as TINTYPE_REJECTED_TTL says.',
		verb: 'Delete',
		isDangerous: true,
		after: reload,
		work: async (_, progress) => `${many(await purgeAll(wanted, progress), 'rejected upload')} deleted.`,
	});
}

/** guarded(f) runs f and shows its errors. */
export function prepare(guarded) {
	guard = guarded;
	$('images-filter').addEventListener('submit', event => { event.preventDefault(); guard(reload); });
	$('images-filter').addEventListener('change', () => { say(''); guard(reload); });
	$('images-refresh').addEventListener('click', () => guard(reload));
	$('images-more').addEventListener('click', () => guard(() => next()));
	$('images-purge').addEventListener('click', () => guard(purge));
	$('row').addEventListener('close', forgetRow);
	$('row-close').addEventListener('click', () => $('row').close());
	$('row-copy').addEventListener('click', () => copyText($('row-json').textContent, $('row-said')));
}

export async function show({ id, query }) {
	if (query.size > 0)
		takeQuery(query);
	await reload();
	if (id)
		await open(id);
}
