// The table's rows: by status, filtered by the server, a page at a time; and one row as stored.
import { image, images } from './client.js';
import { $, bytes, el, foreign, many, time } from './dom.js';

const PAGE = 50;

let cursor, shown = 0, asking = null, guard;

function cell(label, ...content) {
	const td = el('td', {}, ...content);
	td.dataset.label = label;
	return td;
}

function rowOf(row) {
	const name = el('button', { type: 'button', className: 'link', onclick: () => guard(() => open(row.imageId)) }, foreign(row.fileName || '(no name)'));
	const tr = el('tr', {},
		el('th', { scope: 'row' }, name, el('span', { className: 'id' }, row.imageId), row.reason && el('span', { className: 'reason' }, foreign(row.reason))),
		cell('Status', el('span', { className: `tag ${row.status}` }, row.status)),
		cell('Type', foreign(row.fileType)),
		cell('Size', row.fileSize === null ? 'unknown' : bytes(row.fileSize)),
		cell('Pixels', row.width === null ? '–' : `${row.width} × ${row.height}`),
		cell('Created', time(row.createdAt)));
	tr.children[3].className = tr.children[4].className = 'number';
	return tr;
}

const filter = () => Object.fromEntries(new FormData($('images-filter')));

function report(page) {
	const all = page.nextCursor === null;
	const text = shown === 0 && all ? 'No images match.' : `${many(shown, 'image')} shown${all ? ', no more' : ''}.`;
	const bound = !all && page.images.length < PAGE;   // the scan stopped before the page was full
	$('images-count').textContent = bound ? `${text} ${many(page.looked, 'row was', 'rows were')} searched; there are more.` : text;
	$('images-more').hidden = all;
	$('images-more').textContent = bound ? 'Search more' : 'Show more';
}

function refuse(error) {
	$('images-wrong').textContent = error.message;
	$('images-count').textContent = '';
	$('images-more').hidden = true;
}

/** One more page; a newer request cancels an older one. */
async function next() {
	asking?.abort();
	const own = asking = new AbortController();
	try {
		const page = await images({ ...filter(), cursor, limit: PAGE }, own.signal);
		$('images-wrong').textContent = '';
		$('images-rows').append(...page.images.map(rowOf));
		shown += page.images.length;
		cursor = page.nextCursor ?? undefined;
		report(page);
	} catch (error) {
		if (own.signal.aborted)
			return;
		if (error.wantsToken || error.isLost)
			throw error;
		refuse(error);
	}
}

async function reload() {
	cursor = undefined;
	shown = 0;
	$('images-rows').replaceChildren();
	await next();
}

async function open(id) {
	const row = await image(id);
	$('row-title').replaceChildren(foreign(row.fileName || '(no name)'));
	$('row-json').textContent = JSON.stringify(row, null, 2);
	$('row-said').textContent = '';
	$('row').showModal();
	$('row-title').focus();
}

async function copy() {
	try {
		await navigator.clipboard.writeText($('row-json').textContent);
		$('row-said').textContent = 'Copied.';
	} catch {
		$('row-said').textContent = 'The browser does not allow it; select the text and copy it.';
	}
}

/** guarded(f) runs f and shows its errors. */
export function prepare(guarded) {
	guard = guarded;
	$('images-filter').addEventListener('submit', event => { event.preventDefault(); guard(reload); });
	$('images-filter').addEventListener('change', () => guard(reload));
	$('images-refresh').addEventListener('click', () => guard(reload));
	$('images-more').addEventListener('click', () => guard(next));
	$('row-close').addEventListener('click', () => $('row').close());
	$('row-copy').addEventListener('click', copy);
}

export const show = reload;
