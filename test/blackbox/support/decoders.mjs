// What decoders that nobody here wrote say of a picture: Debian's djpeg, pngcheck, pngtopnm, giftopnm, gif2rgb, dwebp, webpinfo, and
// ImageMagick, which has readers of its own for the containers.
import { execFile } from 'node:child_process';

const commands = {
	'image/jpeg': [['djpeg', '-outfile', '/dev/null']],
	'image/png': [['pngcheck', '-q'], ['pngtopnm']],
	'image/gif': [['gif2rgb', '-o', '/dev/null'], ['giftopnm', '-image=all']],
	'image/webp': [['dwebp', '-quiet', '-o', '/dev/null'], ['webpinfo', '-diag']],
};
// A frame may be larger than its screen, and the background none of the colors: every browser shows such GIFs. Up to eight bytes
// behind the last block of a scan libjpeg notices or not, by the sizes of the pieces in which it is given the file. Alpha data of a WebP
// whose header does not announce them are shown by libwebp, and so by every browser.
const PASSED_OVER = /Unexpected alpha data detected|not confined to screen dimension|outside global screen|Background color out of range|Corrupt JPEG data: [1-8] extraneous bytes before marker/;
const MAGICK = ['identify', '-regard-warnings', '-verbose'];

const run = ([program, ...words], file) => new Promise((resolve, reject) => {
	execFile(program, [...words, file], { encoding: 'latin1', maxBuffer: 1 << 28, timeout: 60000 }, (error, out, err) => {
		if (error?.code === 'ENOENT')
			reject(error);
		else
			resolve(error && { decoder: program, said: `${err}${program === 'pngcheck' ? out : ''}`.trim().slice(0, 300) });
	});
});

/** Those that reject the file: [{ decoder, said }]. */
export async function rejections(file, type) {
	const answers = await Promise.all([...commands[type], MAGICK].map(command => run(command, file)));
	return answers.filter(Boolean);
}

const rejectWhole = new Map();

/** Those that reject it, and accept the picture that it was made of: some do not know animations, or what exiftool wrote. */
export async function newRejections(file, type, whole) {
	if (!rejectWhole.has(whole))
		rejectWhole.set(whole, rejections(whole, type));
	const before = await rejectWhole.get(whole), now = await rejections(file, type);
	return now.filter(({ decoder, said }) => !before.some(b => b.decoder === decoder) && !PASSED_OVER.test(said));
}
