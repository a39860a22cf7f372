// The picture in the viewer: the largest thumbnail first, over its placeholder; the file itself when it is zoomed.
// An animation plays, which is the file too, unless the system asks for less motion: then on demand.
import { $, el, icon } from './dom.js';
import { hazeOf, isAnimated, mayMove, none, originalOf, pictureOf, sizeOf } from './picture.js';
import * as zoom from './zoom.js';

let record = null, plays = false;

/** The file, over the thumbnail. It stays, but for an animation that is paused. */
function layFile() {
	const file = el('img', { className: 'file', alt: '', src: originalOf(record) });
	file.onload = () => file.classList.add('shown');
	file.onerror = () => file.remove();
	$('frame').append(file);
}

function draw() {
	const full = zoom.isZoomed(), file = $('frame').querySelector('.file'), wanted = isAnimated(record) ? plays : full && originalOf(record);
	if (wanted && !file)
		layFile();
	else if (!wanted && isAnimated(record))
		file?.remove();
	$('room').classList.toggle('full', full);
	$('room').tabIndex = full ? 0 : -1;   // it scrolls
	$('full').ariaPressed = String(full);
	$('full').hidden = !originalOf(record) || !full && $('frame').clientWidth >= sizeOf(record)[0];
	$('play').hidden = !isAnimated(record) || !originalOf(record);
	$('play').ariaLabel = plays ? 'Pause' : 'Play';
	$('play').replaceChildren(icon(plays ? 'pause' : 'play'));
}

/** Show the picture of `given`; until it has loaded `preview`, a URL of the same, or the placeholder. gone() if the image no longer exists. */
export function set(given, preview, gone) {
	const [width, height] = sizeOf(given), frame = $('frame');
	[record, plays] = [given, isAnimated(given) && mayMove()];
	zoom.reset(width || 320);
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
	zoom.reset(0);
	$('frame').replaceChildren();
}

/** Listen: swiped(step) is called. */
export function start(swiped) {
	zoom.start({ zoomed: draw, swiped });
	$('full').onclick = () => zoom.toggle();
	$('play').onclick = () => { plays = !plays; draw(); };
	new ResizeObserver(() => record && draw()).observe($('room'));
}
