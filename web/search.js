// What the wall shows: pictures by name, type and time, the newest or the oldest first. Loaded when it is first wanted.
import * as api from './api.js';
import { $, el, typeName } from './dom.js';
import * as gallery from './gallery.js';
import { texts } from './texts.js';

const TYPING_MS = 300, DAY_MS = 86400000;

/** Where a period begins: midnight of so many days ago, or of the year's first day. */
function beginOf(period) {
	const now = new Date(), today = new Date(now.getFullYear(), now.getMonth(), now.getDate());
	return period === 'year' ? new Date(now.getFullYear(), 0) : new Date(today - Number(period) * DAY_MS);
}

const choice = (name, options) => el('select', { name, ariaLabel: texts.search[name] }, ...options.map(([value, text]) => el('option', { value }, text)));

/** The form as a query of GET /images; what is not asked for is left out. */
function queryOf(form) {
	const { name, type, period, order } = Object.fromEntries(new FormData(form));
	return Object.fromEntries(Object.entries({ name: name.trim(), type, from: period && beginOf(period).toISOString(), order: order === 'oldest' && order }).filter(([, value]) => value));
}

function makeForm(types) {
	const form = el('form', { className: 'search', autocomplete: 'off', role: 'search' },
		el('input', { type: 'search', name: 'name', placeholder: texts.search.name, ariaLabel: texts.search.name }),
		choice('type', [['', texts.search.anyType], ...types.map(type => [type, typeName(type)])]),
		choice('period', texts.search.periods), choice('order', texts.search.orders));
	let timer, last = '{}';
	const ask = () => {
		clearTimeout(timer);
		const query = queryOf(form);
		if (JSON.stringify(query) === last)
			return;
		last = JSON.stringify(query);
		gallery.reload(query);
	};
	form.onsubmit = event => { event.preventDefault(); ask(); };
	form.onchange = ask;
	form.oninput = () => { clearTimeout(timer); timer = setTimeout(ask, TYPING_MS); };
	form.onkeydown = event => { if (event.key === 'Escape') toggle(); };
	form.onreset = () => setTimeout(ask);
	return form;
}

/** Show the form, or put it away and show all pictures again. */
export async function toggle() {
	const form = $('search-panel').firstChild ?? makeForm(await api.limits().then(limits => limits.allowedTypes, () => []));
	const isOpen = $('search-panel').hidden;
	$('search-panel').append(form);
	$('search-panel').hidden = !isOpen;
	$('search').ariaExpanded = String(isOpen);
	if (isOpen)
		return form.elements.name.focus();
	form.reset();
	$('search').focus();
}
