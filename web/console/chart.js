// A small line chart in SVG. Points are added one by one; the newest is at the right edge, and as many are kept
// as fit. A null is a gap. Colours are the style sheet's, by the lines' order.
import { aria, el, unitOf } from './dom.js';

export const KEEP = 120;
const WIDTH = 360, HEIGHT = 120, BOTTOM = 4, TOP = 8;

function svg(name, attributes) {
	const node = document.createElementNS('http://www.w3.org/2000/svg', name);
	for (const [key, value] of Object.entries(attributes))
		node.setAttribute(key, value);
	return node;
}

/** 0.7 -> 1, 13 -> 20: the next 1, 2 or 5 with zeros. */
export function nice(most) {
	if (!(most > 0))
		return 1;
	const power = 10 ** Math.floor(Math.log10(most));
	return [1, 2, 5, 10].map(step => step * power).find(top => top >= most * 0.999);
}

/** The same for bytes, in steps of the unit in which they are shown. */
export const niceBytes = most => nice(most / unitOf(most)) * unitOf(most);

/** The path of one line, broken where a value is missing. A point without neighbours is a short stroke. */
export function path(values, top) {
	const x = i => WIDTH - (values.length - 1 - i) * WIDTH / (KEEP - 1);
	const y = value => HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP);
	let d = '', open = false;
	values.forEach((value, i) => {
		if (value !== null)
			d += open ? `L${x(i).toFixed(1)} ${y(value).toFixed(1)}` : `M${x(i).toFixed(1)} ${y(value).toFixed(1)}h.1`;
		open = value !== null;
	});
	return d;
}

/**
 * A chart as a figure: { node, add(values) }.
 * lines   [{ name, key }], two at most
 * format  a value in words
 * round   the top of the scale for the largest value
 */
export function chart(title, lines, format, round = nice) {
	const values = lines.map(() => []);
	const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
	for (const at of [TOP, (HEIGHT - BOTTOM + TOP) / 2, HEIGHT - BOTTOM])
		picture.append(svg('path', { class: 'grid', d: `M0 ${at}H${WIDTH}` }));
	const strokes = lines.map((_, i) => picture.appendChild(svg('path', { class: `line line-${i}`, d: '' })));
	const scale = el('span', { className: 'scale' });
	const now = lines.map(() => el('dd', {}, '–'));
	const legend = el('dl', { className: 'legend' });
	lines.forEach((line, i) => legend.append(el('div', {}, el('dt', {}, aria(el('span', { className: `dot dot-${i}` }), { hidden: 'true' }), line.name), now[i])));
	const node = el('figure', { className: 'chart' }, el('figcaption', {}, title), el('div', { className: 'plot' }, scale, picture), legend);

	function draw() {
		const top = round(Math.max(0, ...values.flat().filter(value => value !== null)));
		aria(scale, { hidden: 'true' }).textContent = format(top);
		strokes.forEach((stroke, i) => stroke.setAttribute('d', path(values[i], top)));
	}

	return {
		node,
		add(point) {
			lines.forEach(({ key }, i) => {
				values[i].push(point[key] ?? null);
				values[i].splice(0, values[i].length - KEEP);
				now[i].textContent = point[key] == null ? '–' : format(point[key]);
			});
			draw();
		},
	};
}
