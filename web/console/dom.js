// Helpers shared by the other files: elements, and words for numbers and times.

/** The element with this id. */
export const $ = id => document.getElementById(id);

/** A new element: el('p', { className: 'x', onclick }, 'text', child). Text is text, whatever is in it; null, false and '' are nothing. */
export function el(name, properties = {}, ...children) {
	const node = Object.assign(document.createElement(name), properties);
	node.append(...children.filter(child => child !== null && child !== undefined && child !== false && child !== ''));
	return node;
}

/** Text from outside, isolated so that its writing direction does not affect the rest. */
export const foreign = text => el('bdi', {}, text);

/** Label an element for screen readers. */
export function aria(node, attributes) {
	for (const [name, value] of Object.entries(attributes))
		node.setAttribute(name === 'role' ? name : `aria-${name}`, value);
	return node;
}

/** A cell of a table, whose column's name is shown next to it where the table is too wide for the screen. */
export function cell(label, ...content) {
	const td = el('td', {}, ...content);
	td.dataset.label = label;
	return td;
}

/** A cell that is aligned as numbers are. */
export const numeric = (label, ...content) => Object.assign(cell(label, ...content), { className: 'number' });

/** A button that does something with what is next to it; `about` names that for screen readers. */
export const button = (verb, about, onclick, className = '') => aria(el('button', { type: 'button', className: `small ${className}`, onclick }, verb), { label: `${verb} ${about}` });

/** Say in the page's one status line what was done; '' clears it. */
export function say(text) {
	$('said').textContent = text;
}

/** Copy, and say in an element whether it was possible: browsers allow it only on HTTPS and on loopback. */
export async function copyText(text, said) {
	try {
		await navigator.clipboard.writeText(text);
		said.textContent = 'Copied.';
	} catch {
		said.textContent = 'The browser does not allow it. Select the text and copy it.';
	}
}

const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB'];
/** 1, 1024, 1024 squared and so on: the unit in which n is shown. */
export const unitOf = n => 1024 ** Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(n, 1)) / 10)));
/** 5242880 -> "5 MB", 1500 -> "1.5 KB". */
export function bytes(n) {
	let unit = 0;
	for (; n >= 1024 && unit < UNITS.length - 1; unit++)
		n /= 1024;
	const text = n.toLocaleString('en', { maximumFractionDigits: unit === 0 || n >= 100 ? 0 : 1 });
	return unit === 0 && n === 1 ? '1 byte' : `${text} ${UNITS[unit]}`;
}

/** 0.0042 -> "4.2 ms". */
export function seconds(s) {
	const [n, unit] = s < 1 ? [s * 1000, 'ms'] : [s, 's'];
	return `${n.toLocaleString('en', { maximumFractionDigits: n < 10 ? 1 : 0 })} ${unit}`;
}

export const number = n => n.toLocaleString('en', n < 10 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 0 });
export const many = (n, one, more = `${one}s`) => `${n.toLocaleString('en')} ${n === 1 ? one : more}`;

/** "2026-11-27T11:00:00.123Z" in local time. */
export function time(iso, { millis = false } = {}) {
	const at = new Date(iso), two = n => String(n).padStart(2, '0');
	const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
	const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}${millis ? `.${String(at.getMilliseconds()).padStart(3, '0')}` : ''}`;
	return el('time', { dateTime: iso, title: iso }, day === dayOf(new Date()) ? clock : `${day} ${clock}`);
}

function dayOf(at) {
	return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, '0')}-${String(at.getDate()).padStart(2, '0')}`;
}
