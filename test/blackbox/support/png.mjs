// PNGs of any size: flat ones of a few hundred bytes, noisy ones that do not get smaller.
import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';

const table = Uint32Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ n >>> 1 : n >>> 1; return n; });

/** The checksum of a chunk's type and data. */
export const crc = bytes => ~bytes.reduce((c, b) => table[(c ^ b) & 255] ^ c >>> 8, ~0) >>> 0;

/** A chunk with its length and checksum. */
export function chunk(type, data) {
	const body = Buffer.concat([Buffer.from(type), data]), out = Buffer.alloc(body.length + 8);
	out.writeUInt32BE(data.length);
	body.copy(out, 4);
	out.writeUInt32BE(crc(body), body.length + 4);
	return out;
}

/** width x height pixels of RGB, all of one colour or, with noise, of any. */
export function png(width, height, { colour = [120, 140, 160], noise = false } = {}) {
	const head = Buffer.alloc(13);
	head.writeUInt32BE(width);
	head.writeUInt32BE(height, 4);
	head.set([8, 2, 0, 0, 0], 8);
	const line = Buffer.concat([Buffer.from([0]), Buffer.from(Array.from({ length: width }, () => colour).flat())]);
	const lines = Array.from({ length: height }, () => noise ? Buffer.concat([Buffer.from([0]), randomBytes(3 * width)]) : line);
	return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.concat(lines), { level: noise ? 0 : 6 })), chunk('IEND', Buffer.alloc(0))]);
}
