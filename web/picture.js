// How the picture of a record is shown: in which size and files, what stands in for it until it has loaded, and what is said about
// its damage. The gallery and the viewer share this.
import { image } from './api.js';
import { el, icon, typeName } from './dom.js';
import { placeholder } from './placeholder.js';
import { texts } from './texts.js';

// Other types are never shown from their own file: only by thumbnails, if there are any.
const SHOWN = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];

// Browsers apply the orientation of JPEG and PNG alone.
const turned = record => record.orientation >= 5 && record.fileType !== 'image/webp';
/** The size that a picture is shown in: EXIF's 5 to 8 swap width and height. */
export const sizeOf = record => turned(record) ? [record.height, record.width] : [record.width, record.height];

/** Images of older versions may be found to be broken later. */
export const isWhole = record => record.verdict !== 'corrupt' || record.status === 'rejected';
export const isAnimated = record => record.frames > 1;
/** The link of the file itself, where a browser can show it and the record has one; else undefined. */
export const originalOf = record => SHOWN.includes(record.fileType) ? record.links?.original : undefined;

const DAMAGE = {
	end_missing: 'The file ends too early, but the whole picture is there.',
	later_frame: 'A later frame is damaged, so the animation may stop early or flicker.',
	trailing_bytes: 'The file has extra bytes after its end, which are not part of the picture.',
	extra_bytes: 'The file has a few extra bytes between its parts.',
	profile: 'Its color profile cannot be read, so colors may look different.',
	metadata: 'Data other than its pixels is damaged.',
};
/** What is wrong with it, as a sentence; "" where nothing is. */
export const damageOf = record => record.damage ? DAMAGE[record.damage] ?? `The file has a small fault (${record.damage.replaceAll('_', ' ')}).` : '';

/** Thumbnails that show the whole picture, the smallest first: [{ width, height, webp, jpeg or png }]. A preset may crop. */
function previewsOf(record) {
	const [width, height] = sizeOf(record);
	return Object.values(record.links ?? {})
		.filter(one => one.width && Math.abs(one.width * height - one.height * width) <= Math.max(width, height))   // but for rounding
		.sort((a, b) => a.width - b.width).filter((one, n, all) => one.width !== all[n - 1]?.width);
}

/** Set the files of a <picture>: those of `previews`, or the original where there are none and it does not move. false: there is nothing to show. */
function setFiles(source, img, record, previews) {
	const plain = one => one.jpeg ?? one.png, webp = one => isAnimated(record) ? undefined : one.webp;   // which may be an animation; the others never are
	const set = link => previews.every(link) ? previews.map(one => `${link(one)} ${one.width}w`).join(', ') : '';
	const url = previews.length > 0 ? plain(previews.at(-1)) : isAnimated(record) ? undefined : originalOf(record);
	source.srcset = set(webp);
	img.srcset = set(plain);
	if (url)
		img.src = url;
	return url !== undefined;
}

/** Why there is no picture, as a sentence; "" where there is one. */
export const lackOf = record => record.status === 'rejected' ? record.reason : record.status === 'pending' ? texts.wall.pending : '';
/** In place of a picture that cannot be shown. */
export const none = (record, text = typeName(record.fileType ?? '')) => el('span', { className: 'none' }, icon(lackOf(record) ? 'alert' : 'picture'), text);

/**
 * A <picture> of the record; null where it has no file to show. Links expire: if one fails to load, the record is read again, once.
 * largest   of the thumbnails the largest alone, else all, by `sizes` of its source and img
 * loaded()  it is there
 * failed()  it cannot be shown
 * gone()    the image was deleted, or found to be broken
 */
export function pictureOf(record, { largest = false, alt = '', loading = 'eager', loaded, failed, gone }) {
	const [width, height] = sizeOf(record);
	const source = el('source', { type: 'image/webp' }), img = el('img', { alt, loading, decoding: 'async', width, height });
	const fill = () => setFiles(source, img, record, previewsOf(record).slice(largest ? -1 : 0));
	let again = async () => {
		again = failed;
		try {
			const fresh = await image(record.imageId);
			if (fresh.status !== 'uploaded' || !isWhole(fresh))
				return gone();
			Object.assign(record, fresh);
			fill() || failed();
		} catch (why) {
			why.status === 404 ? gone() : failed();
		}
	};
	img.onload = () => loaded(img);
	img.onerror = () => again();
	return fill() ? el('picture', {}, source, img) : null;
}

/** The placeholder of a record, as a canvas; null where it has none. */
export const hazeOf = record => placeholder(record.placeholder, ...sizeOf(record));

const still = matchMedia('(prefers-reduced-motion: reduce)');
/** Whether animations may begin to play by themselves. */
export const mayMove = () => !still.matches;
