// The log, newest first. While it is followed, the server is polled once a second for the lines after the last
// one that was seen; the number of lines on the page is bounded, and the oldest are removed.
import { logs } from './client.js';
import { $, el, foreign, many, seconds, time } from './dom.js';

const EVERY_MS = 1000;
const KEEP = 1000;
const AT_ONCE = 200, FOLLOWED = 500, ROUNDS = 4;   // a page; and the new lines read at once

let last = 0, first = 0, asking = null, guard, whole = false;

const filter = () => Object.fromEntries(new FormData($('logs-filter')));
const isFollowing = () => $('logs-follow').checked;

/** The fields after time, level and event, as "name value", part of which may come from a client. */
function fieldsOf(line) {
	return Object.entries(line).filter(([name]) => !['time', 'level'].includes(name))
		.map(([name, value]) => el('span', { className: 'pair' }, el('span', { className: 'key' }, name), ' ', foreign(String(value))));
}

/** What happened, in the line's own words: of a request what it was and what came of it. */
function messageOf({ event, method, route, path, status, text, reason, ms, ...line }) {
	if (status === undefined)
		return [el('span', { className: 'event' }, event), ' ', foreign(text ?? reason ?? line.change ?? line.end ?? line.cause ?? '')];
	const what = route ? route.replace(/^[A-Z]+ /, '') : path ?? '(no such path)';
	return [el('span', { className: 'event' }, `${method} `, foreign(what)), ' ', el('span', { className: `status s${String(status)[0]}` }, String(status)), ' ',
		foreign(text ?? ''), ' ', el('span', { className: 'key' }, seconds(ms / 1000))];
}

/** One line, which opens to all of its fields. */
function lineOf({ n, line }) {
	const fields = el('p', {});
	for (const pair of fieldsOf(line))
		fields.append(pair, ' ');
	const item = el('li', { className: line.level }, el('details', {},
		el('summary', {}, time(line.time, { millis: true }), ' ', el('span', { className: `tag ${line.level}` }, line.level), ' ', ...messageOf(line)),
		fields));
	item.dataset.n = n;
	return item;
}

function report(missed) {
	const n = $('lines').children.length;
	const text = n === 0 ? 'No lines match.' : `${many(n, 'line')} shown.`;
	$('logs-count').textContent = missed > 0 ? `${text} ${many(missed, 'line')} were skipped.` : text;
	$('logs-older').hidden = whole || n === 0 || n >= KEEP;
}

function trim() {
	const list = $('lines');
	while (list.children.length > KEEP) {
		list.lastElementChild.remove();
		whole = false;
	}
	first = Number(list.lastElementChild?.dataset.n ?? 0);
}

/** Send a request; a newer one cancels an older one. */
async function refusing(work) {
	asking?.abort();
	const own = asking = new AbortController();
	try {
		await work(own.signal);
		$('logs-wrong').textContent = '';
	} catch (error) {
		if (own.signal.aborted)
			return;
		if (error.wantsToken || error.isLost)
			throw error;
		$('logs-wrong').textContent = error.message;
	} finally {
		if (asking === own)
			asking = null;
	}
}

const reload = () => refusing(async signal => {
	const found = await logs({ ...filter(), limit: AT_ONCE }, signal);
	$('lines').replaceChildren(...found.lines.reverse().map(lineOf));
	last = found.last;
	whole = !found.more;
	trim();
	report(0);
});

const older = () => refusing(async signal => {
	const found = await logs({ ...filter(), before: first, limit: AT_ONCE }, signal);
	$('lines').append(...found.lines.reverse().map(lineOf));
	whole = !found.more;
	trim();
	report(0);
});

/** Add the new lines. Returns whether there are more; announces nothing when there are none. */
async function catchUp(signal) {
	const found = await logs({ ...filter(), after: last, limit: FOLLOWED }, signal);
	last = found.last;
	if (found.lines.length > 0 || found.missed > 0) {
		$('lines').prepend(...found.lines.reverse().map(lineOf));
		trim();
		report(found.missed);
	}
	return found.more;
}

/** Not while another request is pending: its response has the newest lines too. */
async function follow() {
	if (!isFollowing() || asking)
		return;
	await refusing(async signal => {
		for (let round = 0; round < ROUNDS && await catchUp(signal); round++);
	});
}

export function prepare(guarded) {
	guard = guarded;
	$('logs-filter').addEventListener('submit', event => { event.preventDefault(); guard(reload); });
	$('logs-filter').addEventListener('change', () => guard(reload));
	$('logs-follow').addEventListener('change', () => guard(follow));
	$('logs-older').addEventListener('click', () => guard(older));
}

export const show = reload;
export const poll = { everyMs: EVERY_MS, run: follow };
