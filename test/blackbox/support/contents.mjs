// What programs of Debian find in pictures: exiftool their metadata, decoders of other people the pixels.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const types = { jpg: 'image/jpeg', png: 'image/png', gif: 'image/gif', webp: 'image/webp' };
export const typeOf = name => types[name.split('.').pop()];
export const digest = (kind, bytes, form = 'hex') => createHash(kind).update(bytes).digest(form);

const structure = new RegExp('^(SourceFile|IFD0:Orientation|(ExifTool|System|Composite|JFIF|ICC[-_A-Za-z]*|PNG-pHYs|Adobe):.*|File:(BitsPerSample|ColorComponents|EncodingProcess|ExifByteOrder|'
	+ 'FileType|FileTypeExtension|ImageHeight|ImageWidth|MIMEType|YCbCrSubSampling)|GIF:(AnimationIterations|BackgroundColor|BitsPerPixel|ColorResolutionDepth|Duration|FrameCount|GIFVersion|'
	+ 'HasColorMap|ImageHeight|ImageWidth|TransparentColor)|PNG:(AnimationFrames|AnimationPlays|BackgroundColor|BitDepth|ColorType|Compression|Filter|Gamma|ImageHeight|ImageWidth|Interlace|Palette|ProfileName|Transparency|(WhitePoint|Red|Green|Blue)[XY])|'
	+ 'RIFF:(Alpha.*|AnimationLoopCount|BackgroundColor|Duration|HorizontalScale|ImageHeight|ImageWidth|VP8Version|VerticalScale|WebP_Flags))$');

/** The groups and names of everything that exiftool finds in these files. */
export function tagsOf(files) {
	const found = JSON.parse(spawnSync('exiftool', ['-j', '-G1', '-a', '-u', '-ee', ...files], { maxBuffer: 1 << 28 }).stdout);   // its status speaks of profiles too
	return new Map(found.map(file => [path.basename(file.SourceFile), Object.keys(file).filter(tag => !structure.test(tag))]));
}

function decode(folder, name, bytes) {
	const file = path.join(folder, `pixels-${name}`);
	writeFileSync(file, bytes);
	const run = (...words) => execFileSync(words[0], words.slice(1), { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });
	switch (typeOf(name)) {
	case 'image/jpeg': return digest('sha256', run('djpeg', '-pnm', file));
	case 'image/png': return digest('sha256', run('pngtopnm', file));
	case 'image/gif': return digest('sha256', Buffer.concat([0, 1, 2].map(n => {
		try { return run('giftopnm', `-image=${n + 1}`, file); } catch { return Buffer.alloc(0); }
	})));
	default: return /animated/.test(name) ? digest('sha256', run('webpmux', '-get', 'frame', '1', file, '-o', '-')) : digest('sha256', run('dwebp', '-quiet', file, '-ppm', '-o', '-'));
	}
}

const decoded = new Map();   // by the digest of the bytes: most are the same by every way in

/** A digest of the pixels that Debian's decoders make of a picture, upright or not as it is stored. Files are written to the folder. */
export function pixelsOf(folder, name, bytes) {
	const key = digest('sha256', bytes);
	if (!decoded.has(key))
		decoded.set(key, decode(folder, name, bytes));
	return decoded.get(key);
}
