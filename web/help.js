// The keys of the viewer, in a panel over it. Loaded when it is first wanted.
import { $, el } from './dom.js';
import { texts } from './texts.js';

function makePanel() {
	const panel = el('div', { id: 'help', className: 'menu help', popover: 'auto', role: 'dialog', ariaLabel: texts.help.title, tabIndex: -1, autofocus: true },
		el('h3', {}, texts.help.title),
		el('dl', {}, ...texts.help.keys.flatMap(([keys, what]) => [el('dt', {}, ...keys.split(' ').map(key => el('kbd', {}, key))), el('dd', {}, what)])));
	panel.onkeydown = event => { if (event.key === '?') panel.hidePopover(); };
	$('detail').append(panel);
	return panel;
}

export const toggle = () => ($('help') ?? makePanel()).togglePopover();
