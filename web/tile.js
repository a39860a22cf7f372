// The tile of one picture on the wall: its thumbnail over its placeholder, its name, its marks, and the box that selects it.
import { bytes, el, fenced, icon, nameOf, typeName } from './dom.js';
import { damageOf, hazeOf, isAnimated, lackOf, mayMove, none, originalOf, pictureOf, sizeOf } from './picture.js';
import { texts } from './texts.js';

const PROMPT_MS = 300;   // a picture that has loaded by then does not fade in: that would only delay it

/** Play an animation while the pointer is on its tile, or the keyboard's focus. */
function playOver(tile, record) {
	const motion = el('img', { className: 'motion', alt: '' });
	const stop = () => { motion.remove(); motion.removeAttribute('src'); motion.classList.remove('shown'); };
	motion.onload = () => motion.classList.add('shown');
	const play = () => {
		if (!mayMove() || !originalOf(record))
			return;
		motion.src = originalOf(record);
		tile.querySelector('.caption').before(motion);
	};
	tile.onpointerenter = event => { if (event.pointerType === 'mouse') play(); };
	tile.onpointerleave = stop;
	tile.onfocus = () => { if (tile.matches(':focus-visible')) play(); };
	tile.onblur = stop;
}

/** What a screen reader says of it. */
function labelOf(record) {
	const [width, height] = sizeOf(record), damage = damageOf(record);
	return [fenced(record.fileName), texts.wall.size(width, height), bytes(record.fileSize), isAnimated(record) && texts.wall.animated, damage && texts.wall.damage(damage)].filter(Boolean).join(', ');
}

/** Its li; gone(imageId) is called when the image turns out to be deleted or broken. */
export function makeTile(record, gone) {
	const haze = hazeOf(record), damage = damageOf(record), madeAt = performance.now();
	const tile = el('button', { type: 'button', className: 'tile', title: damage, ariaLabel: labelOf(record) }, haze);
	tile.dataset.imageId = record.imageId;
	const blank = () => {
		tile.removeAttribute('aria-label');   // its text is visible and says everything
		return none(record, lackOf(record) || undefined);
	};
	const picture = pictureOf(record, {
		loaded: img => {
			img.classList.add('shown');
			if (performance.now() - madeAt < PROMPT_MS || !mayMove()) {   // without motion no transition would end either
				tile.classList.add('prompt');
				return haze?.remove();
			}
			haze?.classList.add('over');
			haze?.addEventListener('transitionend', () => haze.remove());
		},
		failed: () => picture.replaceWith(blank()),   // it may fail more than once
		gone: () => gone(record.imageId),
	});
	tile.append(picture ?? blank(), el('span', { className: 'caption' }, nameOf(record.fileName)));
	if (isAnimated(record) || damage)
		tile.append(el('span', { className: 'marks' }, isAnimated(record) && el('span', {}, icon('play'), typeName(record.fileType)), damage && el('span', { className: 'damage' }, icon('alert'), texts.wall.damaged)));
	if (isAnimated(record))
		playOver(tile, record);
	return el('li', {}, tile, el('span', { className: 'check', ariaHidden: 'true' }, icon('done')));
}
