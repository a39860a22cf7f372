// Zoom and pan of the picture in the viewer: wheel, pinch, double click, drag, keys. The room scrolls; the frame in it, which holds the
// picture, has a width in pixels while it is zoomed, and fills the room else.
import { $ } from './dom.js';

const STEP = 1.5, MOST = 4;   // of the picture's own size, or of the size that fits, whichever is more
const SWIPE_PX = 50, PAN_PX = 80;
let fit = 0, zoomed = 0, own = 0, hooks;   // widths in pixels: as it fits, as it is zoomed (0: it is not), of the picture itself
const fingers = new Map();   // pointers that are down: [x, y] of each
let began = null;            // where a swipe began

export const isZoomed = () => zoomed > 0;

/** Show it in this width; the point of the picture at `x`, `y` of the window, or in the middle of the room, stays where it is. */
function zoomTo(width, x, y) {
	const room = $('room'), frame = $('frame'), box = room.getBoundingClientRect();
	x ??= box.left + box.width / 2;
	y ??= box.top + box.height / 2;
	const before = frame.getBoundingClientRect();
	if (!zoomed)
		fit = before.width;
	zoomed = width <= fit * 1.01 ? 0 : Math.min(width, MOST * Math.max(own, fit));
	frame.style.setProperty('--zoomed', `${zoomed}px`);
	hooks.zoomed();
	const after = frame.getBoundingClientRect();
	room.scrollBy(after.left + (x - before.left) / before.width * after.width - x, after.top + (y - before.top) / before.height * after.height - y);
}
const zoomBy = (factor, x, y) => zoomTo((zoomed || $('frame').clientWidth) * factor, x, y);

/** From all of it to its own size, or where that is not larger to twice the size; and back. */
export function toggle(x, y) {
	const now = $('frame').clientWidth;
	zoomTo(zoomed ? 0 : own > now * 1.01 ? own : now * 2, x, y);
}

/** Another picture, of this width in pixels, is shown: all of it. */
export function reset(width) {
	[zoomed, own] = [0, width];
	fingers.clear();
	began = null;
}

const KEYS = { '+': () => zoomBy(STEP), '=': () => zoomBy(STEP), '-': () => zoomBy(1 / STEP), 0: () => zoomTo(0) };
const PANS = { ArrowLeft: [-PAN_PX, 0], ArrowRight: [PAN_PX, 0], ArrowUp: [0, -PAN_PX], ArrowDown: [0, PAN_PX] };
/** Take a key: whether it was one of these. */
export function takeKey(key) {
	if (KEYS[key])
		KEYS[key]();
	else if (zoomed && PANS[key])
		$('room').scrollBy(...PANS[key]);
	else
		return false;
	return true;
}

/** The middle of the fingers and how far they are from each other. */
function spanOf([[ax, ay], [bx, by]]) {
	return { x: (ax + bx) / 2, y: (ay + by) / 2, length: Math.max(1, Math.hypot(ax - bx, ay - by)) };
}

function down(event) {
	if (event.pointerType === 'mouse' && (event.button !== 0 || !zoomed))
		return;
	fingers.set(event.pointerId, [event.clientX, event.clientY]);
	$('room').setPointerCapture(event.pointerId);
	$('room').classList.toggle('held', zoomed > 0);
	began = event.pointerType === 'touch' && fingers.size === 1 && !zoomed ? [event.clientX, event.clientY] : null;
}

function move(event) {
	const last = fingers.get(event.pointerId);
	if (!last)
		return;
	const before = [...fingers.values()].slice(0, 2);
	fingers.set(event.pointerId, [event.clientX, event.clientY]);
	if (fingers.size === 1) {
		if (zoomed)
			$('room').scrollBy(last[0] - event.clientX, last[1] - event.clientY);
		return;
	}
	const from = spanOf(before), to = spanOf([...fingers.values()].slice(0, 2));
	zoomBy(to.length / from.length, from.x, from.y);
	$('room').scrollBy(from.x - to.x, from.y - to.y);
}

function up(event) {
	const [across, along] = began ? [event.clientX - began[0], event.clientY - began[1]] : [0, 0];
	fingers.delete(event.pointerId);
	$('room').classList.remove('held');
	began = null;
	if (event.type === 'pointerup' && Math.abs(across) > SWIPE_PX && Math.abs(across) > 2 * Math.abs(along))
		hooks.swiped(across < 0 ? 1 : -1);
}

/** Listen: { zoomed(), swiped(step) } are called; zoomed() brings the class of the room up to date. */
export function start(given) {
	hooks = given;
	const room = $('room');
	room.addEventListener('wheel', event => {
		event.preventDefault();
		const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1);
		zoomBy(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002)), event.clientX, event.clientY);   // with Control: a pinch on a touchpad
	}, { passive: false });
	room.ondblclick = event => toggle(event.clientX, event.clientY);
	room.onpointerdown = down;
	room.onpointermove = move;
	room.onpointerup = room.onpointercancel = up;
	room.ondragstart = event => event.preventDefault();   // of the picture as a file
}
