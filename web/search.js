// What the wall shows: pictures by name, type, time and status, and their order. It is also in the page's address, so that it survives a
// reload. Loaded when first used.
import * as api from './api.js';
import { $, el, typeName } from './dom.js';
import * as gallery from './gallery.js';
import { texts } from './texts.js';

const TYPING_MS = 300, DAY_MS = 86400000;
const NAMES = ['name', 'type', 'period', 'order', 'status'];

let form = null, timer, last = '';

/** When a period begins: midnight, that many days ago, or the first day of the year. */
function beginOf(period) {
	const now = new Date(), today = new Date(now.getFullYear(), now.getMonth(), now.getDate());
	return period === 'year' ? new Date(now.getFullYear(), 0) : new Date(today - Number(period) * DAY_MS);
}

const choice = (name, options) => el('select', { name, ariaLabel: texts.search[name] }, ...options.map(([value, text]) => el('option', { value }, text)));

/** The fields of the form that are set, as the query of the page's address. */
function wanted() {
	const query = new URLSearchParams();
	for (const name of NAMES)
		if (form.elements[name]?.value.trim())
			query.set(name, form.elements[name].value.trim());
	return query;
}

/** Load what the form asks for, if that has changed. */
function ask() {
	clearTimeout(timer);
	const query = wanted(), { period, ...rest } = Object.fromEntries(query);
	if (String(query) === last)
		return undefined;
	last = String(query);
	history.replaceState(history.state, '', location.pathname + (last && `?${last}`) + location.hash);
	return gallery.reload({ ...rest, ...(period && { from: beginOf(period).toISOString() }) });
}

/** Only callers with images of their own can list those that are not uploaded. */
const hasOwn = () => api.hasKey() ? api.me().then(({ owner }) => Boolean(owner), () => false) : false;

async function makeForm() {
	const [types, own] = await Promise.all([api.limits().then(limits => limits.allowedTypes, () => []), hasOwn()]);
	form = el('form', { className: 'search', autocomplete: 'off', role: 'search' },
		el('input', { type: 'search', name: 'name', placeholder: texts.search.name, ariaLabel: texts.search.name }),
		choice('type', [['', texts.search.anyType], ...types.map(type => [type, typeName(type)])]),
		choice('period', texts.search.periods), own && choice('status', texts.search.states), choice('order', texts.search.orders));
	form.onsubmit = event => { event.preventDefault(); ask(); };
	form.onchange = ask;
	form.oninput = () => { clearTimeout(timer); timer = setTimeout(ask, TYPING_MS); };
	form.onkeydown = event => { if (event.key === 'Escape') toggle(); };
	form.onreset = () => setTimeout(ask);
	$('search-panel').replaceChildren(form);
}

function open(isOpen) {
	$('search-panel').hidden = !isOpen;
	$('search').ariaExpanded = String(isOpen);
}

/** Show the form, or hide it and show all pictures again. */
export async function toggle() {
	const isOpen = $('search-panel').hidden;
	if (!form)
		await makeForm();
	open(isOpen);
	if (isOpen)
		return form.elements.name.focus();
	form.reset();
	$('search').focus();
}

/** Show what the page's address asks for, also after the caller has changed. */
export async function follow() {
	const query = new URLSearchParams(location.search);
	await makeForm();
	for (const name of NAMES)
		if (form.elements[name])
			form.elements[name].value = query.get(name) ?? '';
	for (const select of form.querySelectorAll('select'))
		if (select.selectedIndex < 0)   // no option has this value
			select.selectedIndex = 0;
	open(String(wanted()) !== '');
	last = null;
	return ask();
}
