// Damaged pictures, made of whole ones by a seed: the n-th is the same each time, wherever it is made.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { crc } from './png.mjs';

const types = { jpg: 'image/jpeg', png: 'image/png', gif: 'image/gif', webp: 'image/webp' };
const SIZES = [0, 1, 2, 0x7f, 0xff, 0x7fff, 0xffdc, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** The media type by a file's name. */
export const typeOf = name => types[name.split('.').pop()];

/** The pictures of a folder that are not larger: [{ name, type, bytes }]. */
export function readPictures(folder, maxBytes) {
	return readdirSync(folder).sort().filter(typeOf).map(name => ({ name, type: typeOf(name), bytes: readFileSync(path.join(folder, name)) }))
		.filter(({ bytes }) => bytes.length <= maxBytes);
}

/** Whole numbers below a limit, the same for the same seed (mulberry32). */
export function diceOf(seed) {
	let state = seed >>> 0;
	return below => {
		state = state + 0x6d2b79f5 >>> 0;
		let t = Math.imul(state ^ state >>> 15, state | 1);
		t = t + Math.imul(t ^ t >>> 7, t | 61) ^ t;
		return ((t ^ t >>> 14) >>> 0) % below;
	};
}

const part = (dice, bytes, most) => {
	const at = dice(bytes.length);
	return [at, Math.min(bytes.length - at, 1 + dice(most))];
};
const without = (bytes, at, n) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + n)]);
const insert = (bytes, at, more) => Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);

/** name → (dice, bytes, another picture's bytes) → damaged bytes; the first argument may be written to. */
const damages = {
	bit: (dice, bytes) => { bytes[dice(bytes.length)] ^= 1 << dice(8); return bytes; },
	bits: (dice, bytes) => { for (let n = 2 + dice(30); n > 0; n--) bytes[dice(bytes.length)] ^= 1 << dice(8); return bytes; },
	bytes: (dice, bytes) => { for (let [at, n] = part(dice, bytes, 8); n > 0; n--) bytes[at++] = dice(256); return bytes; },
	hole: (dice, bytes) => { const [at, n] = part(dice, bytes, 4096); return bytes.fill(dice(2) * 255, at, at + n); },
	cut: (dice, bytes) => bytes.subarray(0, 1 + dice(bytes.length)),
	end: (dice, bytes) => bytes.subarray(0, Math.max(1, bytes.length - 1 - dice(64))),
	gone: (dice, bytes) => without(bytes, ...part(dice, bytes, 600)),
	twice: (dice, bytes) => { const [at, n] = part(dice, bytes, 600); return insert(bytes, at, bytes.subarray(at, at + n)); },
	moved: (dice, bytes) => { const [at, n] = part(dice, bytes, 600), rest = without(bytes, at, n); return insert(rest, dice(rest.length + 1), bytes.subarray(at, at + n)); },
	foreign: (dice, bytes, other) => { const [at, n] = part(dice, other, 2000); return insert(bytes, dice(bytes.length), other.subarray(at, at + n)); },
	joined: (dice, bytes, other) => Buffer.concat([bytes.subarray(0, dice(bytes.length)), other.subarray(dice(other.length))]),
	size: (dice, bytes) => {
		const at = dice(2) ? dice(Math.min(bytes.length, 64)) : dice(bytes.length), n = Math.min(bytes.length - at, dice(2) ? 4 : 2);
		const value = dice(4) ? SIZES[dice(SIZES.length)] : dice(4096), big = dice(2);
		for (let i = 0; i < n; i++)
			bytes[at + i] = value >>> 8 * (big ? n - 1 - i : i);
		return bytes;
	},
};

/** So that what is wrong is not found by the checksums, or the size of the whole, already. */
const repairs = {
	'image/png': bytes => {
		for (let at = 8; at + 12 <= bytes.length;) {
			const end = at + 8 + bytes.readUInt32BE(at);
			if (end + 4 > bytes.length)
				break;
			bytes.writeUInt32BE(crc(bytes.subarray(at + 4, end)), end);
			at = end + 4;
		}
		return bytes;
	},
	'image/webp': bytes => {
		if (bytes.length >= 12)
			bytes.writeUInt32LE(bytes.length - 8, 4);
		return bytes;
	},
};

/**
 * The n-th damaged picture of these: { name, type, bytes, what }; name of the whole one. One to three damages; of the kinds that have checksums
 * or a size of the whole, half with those repaired.
 */
export function mutate(pictures, seed, n) {
	const dice = diceOf(Math.imul(seed, 0x9e3779b1) ^ n), names = Object.keys(damages);
	const { name, type, bytes: whole } = pictures[dice(pictures.length)];
	const others = pictures.filter(p => p.type === type), what = [name];
	let bytes = Buffer.from(whole);
	for (let times = dice(4) ? 1 : 2 + dice(2); times > 0 && bytes.length > 0; times--) {
		what.push(names[dice(names.length)]);
		bytes = damages[what.at(-1)](dice, Buffer.from(bytes), others[dice(others.length)].bytes);
	}
	if (repairs[type] && dice(2)) {
		what.push('repaired');
		bytes = repairs[type](Buffer.from(bytes));
	}
	return { name, type, bytes: bytes.length > 0 ? bytes : whole.subarray(0, 1), what: `${n}: ${what.join(' ')}` };
}
