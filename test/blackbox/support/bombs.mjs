// Pictures that are small to send and large, long or endless to decode. Valid unless their name says otherwise.
import { constants, deflateRawSync, deflateSync } from 'node:zlib';

import { chunk } from './png.mjs';

const u16 = n => [n >> 8 & 255, n & 255];
const u32 = n => [n >>> 24, n >> 16 & 255, n >> 8 & 255, n & 255];
const le32 = n => u32(n).reverse();
const le24 = n => le32(n).slice(0, 3);
const bytes = (...parts) => Buffer.concat(parts.map(part => typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part)));
const repeat = (n, part) => Buffer.alloc(n * part.length, part);

/** A zlib stream of n zeros, without having them. */
function zeros(n) {
	const piece = 1 << 20, block = deflateRawSync(Buffer.alloc(piece), { finishFlush: constants.Z_FULL_FLUSH });
	return bytes([0x78, 1], repeat(Math.floor(n / piece), block), deflateRawSync(Buffer.alloc(n % piece)), u32(n % 65521 * 65536 + 1));
}

// JPEG: all coefficients are 0, so that a block is two zero bits, or a run of empty ones.

const segment = (marker, data) => bytes([0xff, marker], u16(data.length + 2), data);
const EMPTY_CODE = [1, ...Array(15).fill(0)];
const jpegHead = (width, height, sof) => bytes([0xff, 0xd8], segment(0xdb, [0, ...Array(64).fill(1)]),
	segment(sof, [8, ...u16(height), ...u16(width), 1, 1, 0x11, 0]), segment(0xc4, [0, ...EMPTY_CODE, 0]));
const scan = (first, last, bits) => segment(0xda, [1, 1, 0, first, last, bits]);
const END = [0xff, 0xd9];

export function jpeg(width, height, { before = [] } = {}) {
	const blocks = Math.ceil(width / 8) * Math.ceil(height / 8), head = jpegHead(width, height, 0xc0);
	return bytes(head.subarray(0, 2), before, head.subarray(2), segment(0xc4, [0x10, ...EMPTY_CODE, 0]), scan(0, 63, 0), Buffer.alloc(Math.ceil(blocks / 4)), END);
}

export function progressive(width, height, scans) {
	const blocks = Math.ceil(width / 8) * Math.ceil(height / 8), run = 32767, runs = Math.ceil(blocks / run);
	let bits = Array(runs).fill('011111111111111').join('');
	bits += '1'.repeat(-bits.length & 7);
	const ac = bytes(bits.match(/.{8}/g).flatMap(byte => byte === '11111111' ? [255, 0] : parseInt(byte, 2))), parts = [];
	for (let low = 13; parts.length < scans - 1; low--)
		for (let k = 1; k < 64 && parts.length < scans - 1; k++)
			parts.push(bytes(scan(k, k, low === 13 ? low : low + 1 << 4 | low), ac));
	return bytes(jpegHead(width, height, 0xc2), segment(0xc4, [0x10, ...EMPTY_CODE, 0xe0]), scan(0, 0, 0), Buffer.alloc(Math.ceil(blocks / 8)), ...parts, END);
}

/** So many segments of 64 KiB; head(n) is what the n-th, from 1 on, begins with. */
export const segments = (marker, count, head) => bytes(...Array.from({ length: count }, (_, i) => segment(marker, bytes(head(i + 1), Buffer.alloc(65000)))));

// PNG

const SIGNATURE = '\x89PNG\r\n\x1a\n';
const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const ihdr = (width, height, bits, colour, interlaced) => chunk('IHDR', bytes(u32(width), u32(height), [bits, colour, 0, 0, interlaced ? 1 : 0]));

export function png(width, height, { bits = 1, colour = 0, interlaced = false, before = [] } = {}) {
	const rows = (w, h) => w && h ? h * (1 + Math.ceil(w * CHANNELS[colour] * bits / 8)) : 0;
	const passes = interlaced ? [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]] : [[0, 0, 1, 1]];
	const n = passes.reduce((sum, [left, top, right, down]) => sum + rows(Math.ceil((width - left) / right), Math.ceil((height - top) / down)), 0);
	return bytes(SIGNATURE, ihdr(width, height, bits, colour, interlaced), ...before, chunk('IDAT', zeros(n)), chunk('IEND', Buffer.alloc(0)));
}

export function apng(frames) {
	const pixels = deflateSync(Buffer.alloc(2)), control = n => chunk('fcTL', bytes(u32(n), u32(1), u32(1), u32(0), u32(0), [0, 1, 0, 100, 0, 0])), parts = [];
	for (let n = 1; n < frames; n++)
		parts.push(control(2 * n - 1), chunk('fdAT', bytes(u32(2 * n), pixels)));
	return bytes(SIGNATURE, ihdr(1, 1, 8, 0), chunk('acTL', bytes(u32(frames), u32(0))), control(0), chunk('IDAT', pixels), Buffer.concat(parts), chunk('IEND', Buffer.alloc(0)));
}

export const compressed = (name, head, n) => chunk(name, bytes(head, zeros(n)));

// GIF: codes that each stand for 4,095 pixels.

const gifHead = (width, height) => bytes('GIF89a', u16(width).reverse(), u16(height).reverse(), [0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
const gifFrame = (width, height, data) => bytes(',', [0, 0, 0, 0], u16(width).reverse(), u16(height).reverse(), [0, 2], data, [0]);
const blocksOf = data => bytes(...Array.from({ length: Math.ceil(data.length / 255) }, (_, i) => {
	const part = data.subarray(i * 255, i * 255 + 255);
	return bytes([part.length], part);
}));

export function gif(width, height) {
	const out = [];
	let acc = 0, bits = 0, size = 3, pixels = 0;
	for (let i = 0; pixels < width * height; i++) {
		const code = i === 0 ? 4 : i === 1 ? 0 : Math.min(i + 4, 4095);
		acc += code * 2 ** bits;
		for (bits += size; bits >= 8; bits -= 8, acc = Math.floor(acc / 256))
			out.push(acc % 256);
		if (i + 5 === 1 << size && size < 12)
			size++;
		pixels += i === 0 ? 0 : Math.min(i, 4091);
	}
	out.push(acc % 256, Math.floor(acc / 256) % 256, 0);
	return bytes(gifHead(width, height), gifFrame(width, height, blocksOf(Buffer.from(out))), ';');
}

export const gifOf = (frames, extra = '') => bytes(gifHead(1, 1), extra, repeat(frames, gifFrame(1, 1, [2, 0x44, 1])), ';');

// WebP: lossless, all pixels the same, which takes no bits.

const riff = (name, data) => bytes(name, le32(data.length), data, data.length & 1 ? [0] : []);
const file = (...chunks) => riff('RIFF', bytes('WEBP', ...chunks));
const vp8x = (width, height, flags) => riff('VP8X', bytes([flags, 0, 0, 0], le24(width - 1), le24(height - 1)));

/** At most 16384 x 16384. */
function vp8l(width, height) {
	let bits = '', out = [0x2f];
	const put = (value, n) => { for (let i = 0; i < n; i++) bits += value >> i & 1; };
	[[width - 1, 14], [height - 1, 14], [0, 1], [0, 3], [0, 1], [0, 1], [0, 1]].forEach(([value, n]) => put(value, n));
	for (let i = 0; i < 5; i++)
		[[1, 1], [0, 1], [0, 1], [0, 1]].forEach(([value, n]) => put(value, n));
	for (const byte of bits.padEnd(bits.length + 7 & ~7, '0').match(/.{8}/g))
		out.push(parseInt([...byte].reverse().join(''), 2));
	return riff('VP8L', [...out, 0, 0, 0, 0]);
}

export const webp = (width, height) => file(vp8l(width, height));
export const webpWith = (name, data) => file(vp8x(1, 1, { EXIF: 8, ICCP: 32 }[name] ?? 0), ...name === 'ICCP' ? [riff(name, data), vp8l(1, 1)] : [vp8l(1, 1), riff(name, data)]);
export const webpWithChunks = n => file(vp8x(1, 1, 0), vp8l(1, 1), repeat(n, riff('eeee', [])));

export function webpOf(frames, width = 1, height = 1) {
	const frame = riff('ANMF', bytes(le24(0), le24(0), le24(width - 1), le24(height - 1), le24(100), [0], vp8l(width, height)));
	return file(vp8x(width, height, 2), riff('ANIM', [0, 0, 0, 0, 0, 0]), repeat(frames, frame));
}

/** With a chunk that says to have so many bytes. */
export const webpSized = size => bytes('RIFF', le32(0x100), 'WEBP', vp8x(1, 1, 0), 'VP8L', le32(size), vp8l(1, 1));
export const pngSized = size => bytes(SIGNATURE, ihdr(1, 1, 1, 0), u32(size), 'tEXt', Buffer.alloc(100));
export const tiff = (...parts) => bytes('MM\0*\0\0\0\x08', ...parts);
export { bytes, chunk, repeat, segment, u16, u32 };
