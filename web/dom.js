// Helpers shared by the other files: elements, formatted numbers, and announcements to screen readers.

/** The element with this id. */
export const $ = id => document.getElementById(id);

/** A new element: el('p', { className: 'x', onclick }, 'text', child). Text is text, whatever is in it. */
export function el(name, properties = {}, ...children) {
	const node = Object.assign(document.createElement(name), properties);
	node.append(...children.filter(child => child != null && child !== false));
	return node;
}

/** An icon of the page's sheet, hidden from screen readers. */
export function icon(name) {
	const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
	use.setAttribute('href', `#i-${name}`);
	svg.setAttribute('class', 'icon');
	svg.setAttribute('aria-hidden', 'true');
	svg.append(use);
	return svg;
}

/** A file's name, isolated so that its writing direction does not affect the rest. */
export const nameOf = name => el('bdi', { className: 'name', title: name }, name);

/** A name for plain text: Unicode isolates, since there is no element. */
export const fenced = name => `\u2068${name}\u2069`;

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 }), tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const UNITS = ['bytes', 'KB', 'MB', 'GB'];
/** 5242880 -> "5 MB", 1500 -> "1.5 KB". */
export function bytes(n) {
	let unit = 0;
	for (; n >= 1024 && unit < UNITS.length - 1; unit++)
		n /= 1024;
	return unit === 0 && n === 1 ? '1 byte' : `${(unit === 0 || n >= 100 ? whole : tenths).format(n)} ${UNITS[unit]}`;
}

export const number = n => tenths.format(n);
export const many = (n, one, more = `${one}s`) => `${number(n)} ${n === 1 ? one : more}`;

/** "image/jpeg" -> "JPEG". */
export const typeName = type => ({ 'image/svg+xml': 'SVG', 'image/webp': 'WebP', 'application/pdf': 'PDF' })[type] ?? type.replace(/^.*\//, '').toUpperCase();

/** ["a", "b", "c"] -> "a, b or c". */
export const anyOf = names => new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(names);

/**
 * Put text on the clipboard, and give what to say of it: parts of a paragraph. Where the browser does not allow it, as without TLS, with a
 * field to copy from.
 */
export async function copy(text, done = 'Link copied.') {
	try {
		await navigator.clipboard.writeText(text);
		return [done];
	} catch {
		return ['Copy from here: ', el(text.includes('\n') ? 'textarea' : 'input', { className: 'copy', readOnly: true, value: text, ariaLabel: 'Link' })];
	}
}

const months = new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric' });
/** "2026-11-30T19:00:00.000Z" -> "November 2026", where the reader is. */
export const month = time => months.format(new Date(time));

/** Set the text of the element with this id; if it is the same, nothing is done. */
export function put(id, text) {
	if ($(id).textContent !== text)
		$(id).textContent = text;
}

/** Announce something to screen readers; a second sentence shortly after is appended to the first. */
let waiting = [];
export function say(sentence) {
	if (waiting.push(sentence) > 1)
		return;
	setTimeout(() => {
		$('polite').textContent = waiting.slice(-3).join(' ');
		waiting = [];
	}, 150);
}
