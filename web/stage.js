// The picture in the viewer: the largest thumbnail first, over its placeholder; the file itself on demand, in full size.
// An animation plays, which is the file too, unless the system asks for less motion: then on demand.
import { $, el, icon } from './dom.js';
import { hazeOf, isAnimated, mayMove, none, originalOf, pictureOf, sizeOf } from './picture.js';

let record = null, plays = false, full = false;

/** The file, over the thumbnail. It stays, but for an animation that is paused. */
function layFile() {
	const file = el('img', { className: 'file', alt: '', src: originalOf(record) });
	file.onload = () => file.classList.add('shown');
	file.onerror = () => file.remove();
	$('frame').append(file);
}

function draw() {
	const file = $('frame').querySelector('.file'), wanted = isAnimated(record) ? plays : full;
	if (wanted && !file)
		layFile();
	else if (!wanted && isAnimated(record))
		file?.remove();
	$('room').classList.toggle('full', full);
	$('room').tabIndex = full ? 0 : -1;   // it scrolls
	$('full').ariaPressed = String(full);
	$('full').hidden = !originalOf(record) || !full && $('frame').clientWidth >= sizeOf(record)[0];
	$('room').classList.toggle('grows', !$('full').hidden);
	$('play').hidden = !isAnimated(record) || !originalOf(record);
	$('play').ariaLabel = plays ? 'Pause' : 'Play';
	$('play').replaceChildren(icon(plays ? 'pause' : 'play'));
}

/** To full size and back; there, the point at `x`, `y` (0 to 1) of the picture is in the middle. */
function toggleFull(x, y) {
	full = !full;
	draw();
	$('room').scrollTo(x * $('frame').clientWidth - $('room').clientWidth / 2, y * $('frame').clientHeight - $('room').clientHeight / 2);
}

/** Show the picture of `given`; until it has loaded `preview`, a URL of the same, or the placeholder. gone() if the image no longer exists. */
export function set(given, preview, gone) {
	const [width, height] = sizeOf(given), frame = $('frame');
	[record, plays, full] = [given, isAnimated(given) && mayMove(), false];
	frame.style.setProperty('--w', width || 320);
	frame.style.setProperty('--h', height || 240);
	frame.style.backgroundImage = preview ? `url("${preview}")` : '';
	const haze = preview ? null : hazeOf(given);
	const picture = pictureOf(given, {
		largest: true, alt: given.fileName, gone,
		loaded: img => { img.classList.add('shown'); frame.style.backgroundImage = ''; haze?.remove(); },
		failed: () => picture.replaceWith(none(given)),
	});
	if (picture)
		picture.lastChild.id = 'detail-image';
	frame.replaceChildren(...[haze, picture ?? (plays ? null : none(given))].filter(Boolean));
	draw();
}

/** Nothing is shown, and nothing plays. */
export function clear() {
	record = null;
	full = false;
	$('frame').replaceChildren();
}

export const isFull = () => full;

export function start() {
	$('full').onclick = () => toggleFull(0.5, 0.5);
	$('frame').onclick = event => {
		const { left, top, width, height } = $('frame').getBoundingClientRect();
		if (!$('full').hidden)
			toggleFull((event.clientX - left) / width, (event.clientY - top) / height);
	};
	$('play').onclick = () => { plays = !plays; draw(); };
	new ResizeObserver(() => record && draw()).observe($('room'));
}
