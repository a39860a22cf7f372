// The type of a file by its first bytes: neither its name nor what the browser makes of the name says what it is. `tintype upload` detects the
// same (src/cli/file_type.c).

/** @typedef {Uint8Array} Bytes */

/** @param {Bytes} bytes @param {number} from @param {number} to */
const text = (bytes, from, to) => String.fromCharCode(...bytes.subarray(from, to));
/** @type {Record<string, string>} */
const BRANDS = { avif: 'image/avif', heic: 'image/heic', heix: 'image/heic', heim: 'image/heic', heis: 'image/heic' };
/** Of sequences: the server says why it refuses them. @type {Record<string, string>} */
const SEQUENCES = { avis: 'image/avif', hevc: 'image/heic', hevx: 'image/heic', msf1: 'image/heic' };

/** The type of an ISO base media file: what the first of its brands that says so stands for, the major one or those after its version. @param {Bytes} bytes */
function typeOfBrands(bytes) {
	if (text(bytes, 4, 8) !== 'ftyp')
		return undefined;
	const end = Math.min(bytes.length, (bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]) >>> 0), brands = [];
	for (let at = 8; at + 4 <= end; at += at === 8 ? 8 : 4)
		brands.push(text(bytes, at, at + 4));
	return SEQUENCES[brands[0]] ?? BRANDS[brands.find(brand => brand in BRANDS) ?? ''];
}

/** Each type that can be told, with the test of the first bytes. @type {Record<string, (bytes: Bytes) => boolean>} */
const SIGNS = {
	'image/jpeg': bytes => text(bytes, 0, 3) === '\xff\xd8\xff',
	'image/png': bytes => text(bytes, 0, 8) === '\x89PNG\r\n\x1a\n',
	'image/gif': bytes => /^GIF8[79]a$/.test(text(bytes, 0, 6)),
	'image/webp': bytes => text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 12) === 'WEBP',
	'image/heic': bytes => typeOfBrands(bytes) === 'image/heic',
	'image/avif': bytes => typeOfBrands(bytes) === 'image/avif',
	'image/bmp': bytes => text(bytes, 0, 2) === 'BM',
	'image/tiff': bytes => ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].includes(text(bytes, 0, 4)),
	'application/pdf': bytes => text(bytes, 0, 5) === '%PDF-',
};
const ENDINGS = new Map(Object.entries({ jpg: 'image/jpeg', jpeg: 'image/jpeg', jpe: 'image/jpeg', jfif: 'image/jpeg', png: 'image/png', apng: 'image/png', gif: 'image/gif', webp: 'image/webp', heic: 'image/heic', heif: 'image/heic', avif: 'image/avif',
	bmp: 'image/bmp', tif: 'image/tiff', tiff: 'image/tiff', svg: 'image/svg+xml', jxl: 'image/jxl', ico: 'image/vnd.microsoft.icon', mp4: 'video/mp4', m4v: 'video/mp4', mov: 'video/quicktime', webm: 'video/webm', mkv: 'video/matroska',
	avi: 'video/x-msvideo', mp3: 'audio/mpeg', m4a: 'audio/mp4', ogg: 'audio/ogg', wav: 'audio/wav', flac: 'audio/flac', pdf: 'application/pdf', zip: 'application/zip', json: 'application/json', txt: 'text/plain', csv: 'text/csv' }));
const ENOUGH = 256;   // for all the brands of the files that there are

/** The type that the first bytes, a Uint8Array, are of; "" if they are of none that is known. @param {Bytes} bytes */
export const typeOfBytes = bytes => Object.keys(SIGNS).find(type => SIGNS[type](bytes)) ?? '';

/** The type that the name's ending stands for, or "". @param {string} name */
export const typeOfName = name => ENDINGS.get(/\.([^.]*)$/.exec(name)?.[1].toLowerCase() ?? '') ?? '';

/** Whether a file of this type can be known by its first bytes. @param {string} type */
export const isKnown = type => type in SIGNS;

/** The type of a Blob by its first bytes; else "". Rejects if it cannot be read: it was moved, or is a folder. @param {Blob} blob */
export const typeOfBlob = async blob => typeOfBytes(new Uint8Array(await blob.slice(0, ENOUGH).arrayBuffer()));

/** The type to ask a slot for, or "": by the first bytes; else what the file is said to be, unless its bytes would say so. @param {Blob} blob @param {string} name */
export async function typeOfFile(blob, name) {
	const type = await typeOfBlob(blob), said = blob.type || typeOfName(name);
	return type || (isKnown(said) ? '' : said);
}
