// The type of a file by its first bytes: neither its name nor what the browser makes of the name says what it is.

const text = (bytes, from, to) => String.fromCharCode(...bytes.subarray(from, to));
const HEIF = { avif: 'image/avif', avis: 'image/avif', heic: 'image/heic', heix: 'image/heic', hevc: 'image/heic', heim: 'image/heic', mif1: 'image/heic', msf1: 'image/heic' };

/** Each type that can be told, with the test of the first bytes. */
const SIGNS = {
	'image/jpeg': bytes => text(bytes, 0, 3) === '\xff\xd8\xff',
	'image/png': bytes => text(bytes, 0, 8) === '\x89PNG\r\n\x1a\n',
	'image/gif': bytes => /^GIF8[79]a$/.test(text(bytes, 0, 6)),
	'image/webp': bytes => text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 12) === 'WEBP',
	'image/heic': bytes => brandOf(bytes) === 'image/heic',
	'image/avif': bytes => brandOf(bytes) === 'image/avif',
	'image/bmp': bytes => text(bytes, 0, 2) === 'BM',
	'image/tiff': bytes => ['II*\0', 'MM\0*'].includes(text(bytes, 0, 4)),
	'application/pdf': bytes => text(bytes, 0, 5) === '%PDF-',
};
const ENDINGS = { jpg: 'image/jpeg', jpeg: 'image/jpeg', jpe: 'image/jpeg', jfif: 'image/jpeg', png: 'image/png', apng: 'image/png', gif: 'image/gif', webp: 'image/webp', heic: 'image/heic', heif: 'image/heic', avif: 'image/avif',
	svg: 'image/svg+xml', pdf: 'application/pdf' };
const ENOUGH = 12;

/** The major brand of an ISO base media file. */
const brandOf = bytes => text(bytes, 4, 8) === 'ftyp' ? HEIF[text(bytes, 8, 12)] : undefined;

/** The type that the first bytes, a Uint8Array, are of; "" if they are of none that is known. */
export const typeOfBytes = bytes => Object.keys(SIGNS).find(type => SIGNS[type](bytes)) ?? '';

/** The type that the name's ending stands for, or "". */
export const typeOfName = name => ENDINGS[name.replace(/^.*\./, '').toLowerCase()] ?? '';

/** Whether a file of this type can be known by its first bytes. */
export const isKnown = type => type in SIGNS;

/** The type of a Blob by its first bytes; else "". Rejects if it cannot be read: it was moved, or is a folder. */
export const typeOfBlob = async blob => typeOfBytes(new Uint8Array(await blob.slice(0, ENOUGH).arrayBuffer()));
