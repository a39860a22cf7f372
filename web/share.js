// Links to pictures, to be copied: as they are, in Markdown or as HTML, and for how long they are good.
import { fileLink, hasKey, makeLink } from './api.js';
import { el } from './dom.js';
import { texts } from './texts.js';

const AT_ONCE = 6;

/** How long a link of a private picture may be good, in seconds: the server makes none that lives longer. */
export const LIVES = [3600, 86400, 604800];

/** Whether its link is good for ever: it is public, or nobody needs a key here. */
export const isPermanent = record => record.visibility === 'public' || !hasKey();

const escaped = text => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);
export const FORMATS = {
	url: url => url,
	markdown: (url, { fileName }) => `![${fileName.replace(/[\r\n]+/g, ' ').replace(/[\\[\]]/g, '\\$&')}](${url})`,
	html: (url, { fileName, width, height, orientation }) => {
		const [w, h] = orientation >= 5 ? [height, width] : [width, height];
		return `<img src="${escaped(url)}" alt="${escaped(fileName)}"${w ? ` width="${w}" height="${h}"` : ''}>`;
	},
};

async function linkOf(record, life) {
	if (record.visibility === 'public' && record.links?.original)
		return record.links.original;
	return isPermanent(record) ? fileLink(record.imageId) : (await makeLink(record.imageId, life)).url;
}

/** What is copied of these records: a line for each, in their order. */
export async function linesOf(records, format, life) {
	const lines = [];
	for (let i = 0; i < records.length; i += AT_ONCE)
		lines.push(...await Promise.all(records.slice(i, i + AT_ONCE).map(async record => FORMATS[format](await linkOf(record, life), record))));
	return lines.join('\n');
}

/** A menu of formats, under a button: choose(format, life) is called; `records` are those that would be copied. */
export function makeMenu(button, menu, { records, choose }) {
	const life = el('select', { ariaLabel: texts.share.life }, ...LIVES.map(seconds => el('option', { value: seconds }, texts.share.lives(seconds))));
	life.value = LIVES[1];
	const lasting = el('label', { className: 'life' }, texts.share.life, life);
	menu.append(...Object.keys(FORMATS).map(format => el('button', { type: 'button', onclick: () => { menu.hidePopover(); choose(format, Number(life.value)); } }, texts.share.formats[format])), lasting);
	menu.addEventListener('toggle', event => {
		const isOpen = event.newState === 'open';
		button.ariaExpanded = String(isOpen);
		if (isOpen)
			menu.querySelector('button').focus();
	});
	menu.addEventListener('beforetoggle', event => {
		if (event.newState !== 'open')
			return;
		lasting.hidden = records().every(isPermanent);
		const { left, top, bottom } = button.getBoundingClientRect(), isBelow = top < innerHeight / 2;
		menu.style.left = `${Math.max(8, Math.min(left, innerWidth - 248))}px`;
		menu.style.top = isBelow ? `${bottom + 6}px` : 'auto';
		menu.style.bottom = isBelow ? 'auto' : `${innerHeight - top + 6}px`;
	});
	button.onclick = () => menu.togglePopover();
}
