// A line chart over time in SVG, with axes: times in the browser's locale, round values. The values at a point in time are shown by pointing,
// by touch, or with the arrow keys. A line is broken where a value is missing, and where two points are more than STEPS_APART steps apart.
// The style sheet gives each line its colour, by its position.
import { aria, bytes, el, number, seconds, unitOf } from './dom.js';

const WIDTH = 1000, HEIGHT = 100;   // of the picture, which is stretched
const EDGE = 14;                    // pixels at the end where no label fits
const STEPS_APART = 2.5;            // from this distance on it is a gap

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const TICKS = [MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY];

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

/** For rates, numbers, latencies and sizes: the step of an axis up to `most`, and a function that formats a value: { step, words }. */
export const scales = {
	rate(most) {
		const [times, unit] = most < 1 ? [60, 'min'] : [1, 's'];
		return { step: nice(most * times / 4) / times, words: value => `${number(value * times)}/${unit}` };
	},
	count: most => ({ step: Math.max(1, nice(most / 4)), words: number }),
	seconds: most => ({ step: nice((most || 0.004) / 4), words: seconds }),
	bytes(most) {
		const unit = unitOf(most);
		return { step: Math.max(1, nice(most / 4 / unit) * unit), words: bytes };
	},
};

/** The labelled values of an axis: 0 and multiples of the step, up to at least `most`; two at least. */
export const levels = (most, step) => Array.from({ length: Math.max(2, Math.ceil(most / step - 0.001)) + 1 }, (_, i) => i * step);

/** The labelled times of an axis between from and to, at most `most`: full minutes, hours or days in local time. */
export function ticks(from, to, most) {
	const step = TICKS.find(step => (to - from) / step <= most) ?? TICKS.at(-1);
	const start = new Date(from), found = [];
	start.setHours(0, 0, 0, 0);
	// By the calendar and not by adding milliseconds: a day may have 23 or 25 hours.
	for (let i = 0, at; (at = new Date(start.getFullYear(), start.getMonth(), start.getDate(), 0, i * step / MINUTE)) <= to; i++)
		if (at >= from && !(found.at(-1) >= at))
			found.push(at);
	return found;
}

/** The path of one line through [time, value], broken at gaps. A point without neighbours is a short stroke. */
export function path(points, { from, to, top, step }) {
	const x = at => ((at - from) / (to - from) * WIDTH).toFixed(1), y = value => (HEIGHT - value / top * HEIGHT).toFixed(1);
	let d = '', last = -Infinity;
	for (const [at, value] of points) {
		if (value !== null)
			d += at - last < step * STEPS_APART ? `L${x(at)} ${y(value)}` : `M${x(at)} ${y(value)}h.1`;
		last = value === null ? -Infinity : at;
	}
	return d;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const clockOfSeconds = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric' });
const dayAndClock = new Intl.DateTimeFormat(undefined, { weekday: 'short', hour: 'numeric', minute: '2-digit' });

/** The name of a point: its time. */
function nameOf(at, { step, from, to }) {
	if (step < MINUTE)
		return clockOfSeconds.format(at);
	const format = to - from > HOUR ? dayAndClock : clock;
	return step === MINUTE ? format.format(at) : format.formatRange(at, at + step);
}

/**
 * A chart as a figure: { node, draw(points, { from, to, step }) }.
 * title   its name
 * lines   [{ name, key }], two at most
 * scale   one of scales
 * points  [{ at, [key]: value or null }] in the order of time; from, to and step in milliseconds
 */
export function chart(title, lines, scale) {
	const picture = aria(svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none' }), { hidden: 'true' });
	const grid = picture.appendChild(svg('path', { class: 'grid', d: '' }));
	const strokes = lines.map((_, i) => picture.appendChild(svg('path', { class: `line line-${i}`, d: '' })));
	const ys = aria(el('div', { className: 'y' }), { hidden: 'true' }), xs = aria(el('div', { className: 'x' }), { hidden: 'true' });
	const cursor = aria(el('div', { className: 'cursor', hidden: true }), { hidden: 'true' });
	const marks = lines.map((_, i) => cursor.appendChild(el('span', { className: `mark-${i}` })));
	const tip = aria(el('div', { className: 'tip', hidden: true }), { hidden: 'true' });
	const area = aria(el('div', { className: 'area', tabIndex: 0 }, picture, cursor, tip), { role: 'slider', label: `${title}: values at a time`, orientation: 'horizontal' });
	const now = lines.map(() => el('dd', {}, '–'));
	const legend = el('dl', { className: 'legend' }, ...lines.map((line, i) => el('div', {}, el('dt', {}, aria(el('span', { className: `dot dot-${i}` }), { hidden: 'true' }), line.name), now[i])));
	const node = el('figure', { className: 'chart' }, el('figcaption', {}, title), el('div', { className: 'plot' }, ys, area, xs), legend);
	let points = [], span = { from: 0, to: 1, step: 1 }, top = 1, format = String, chosen = null;   // the time that is chosen

	const words = value => value == null ? '–' : format(value);
	const left = at => `${((at - span.from) / (span.to - span.from) * 100).toFixed(2)}%`;

	/** The point nearest to a time; undefined if there is none. */
	const nearest = at => points.reduce((best, point) => best && Math.abs(best.at - at) <= Math.abs(point.at - at) ? best : point, undefined);

	function showChosen() {
		const point = chosen === null ? undefined : nearest(chosen), shown = point ?? points.at(-1);
		cursor.hidden = tip.hidden = point === undefined;
		const sentence = shown ? `${nameOf(shown.at, span)}: ${lines.map(({ name, key }) => `${name} ${words(shown[key])}`).join(', ')}` : 'nothing recorded';
		aria(area, { valuemin: 0, valuemax: Math.max(0, points.length - 1), valuenow: Math.max(0, points.indexOf(shown)), valuetext: sentence });
		if (point === undefined)
			return;
		cursor.style.left = left(point.at);
		lines.forEach(({ key }, i) => {
			marks[i].hidden = point[key] == null;
			marks[i].style.top = `${100 - (point[key] ?? 0) / top * 100}%`;
		});
		tip.replaceChildren(el('b', {}, nameOf(point.at, span)), ...lines.map(({ name, key }) => el('span', {}, `${name} `, el('b', {}, words(point[key])))));
		tip.classList.toggle('before', (point.at - span.from) / (span.to - span.from) > 0.5);
		tip.style.left = left(point.at);
	}

	function choose(at) {
		chosen = at;
		showChosen();
	}

	function move(event) {
		const { left: start, width } = area.getBoundingClientRect();
		choose(span.from + (event.clientX - start) / width * (span.to - span.from));
	}

	function press(event) {
		const to = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity }[event.key];
		if (event.key === 'Escape')
			choose(null);
		if (to === undefined || points.length === 0)
			return;
		event.preventDefault();
		const from = chosen === null ? points.length : points.indexOf(nearest(chosen));
		choose(points[Math.min(points.length - 1, Math.max(0, from + to))].at);
	}

	area.addEventListener('pointermove', move);
	area.addEventListener('pointerdown', move);
	area.addEventListener('pointerleave', event => { if (event.pointerType === 'mouse') choose(null); });
	area.addEventListener('keydown', press);
	area.addEventListener('blur', () => choose(null));

	return {
		node,
		draw(all, of) {
			points = all;
			span = of;
			const values = points.flatMap(point => lines.map(({ key }) => point[key])).filter(value => value != null);
			const most = Math.max(0, ...values), { step, words: inWords } = scale(most), shown = levels(most, step);
			top = shown.at(-1);
			format = inWords;
			grid.setAttribute('d', shown.map(level => `M0 ${HEIGHT - level / top * HEIGHT}H${WIDTH}`).join(''));
			strokes.forEach((stroke, i) => stroke.setAttribute('d', path(points.map(point => [point.at, point[lines[i].key] ?? null]), { ...span, top })));
			ys.replaceChildren(...shown.map(level => el('span', { style: `bottom: ${level / top * 100}%` }, format(level))));
			const [ofTime, width] = span.to - span.from > 3 * DAY ? [day, 58] : [clock, 78];
			const fits = at => (span.to - at) / (span.to - span.from) * area.clientWidth > EDGE;
			xs.replaceChildren(...ticks(span.from, span.to, Math.max(2, area.clientWidth / width)).filter(fits).map(at => el('span', { style: `left: ${left(at)}` }, ofTime.format(at))));
			lines.forEach(({ key }, i) => { now[i].textContent = words(points.at(-1)?.[key]); });
			showChosen();
		},
	};
}
