// ThumbHash: the few bytes in a record that become a blurred picture, shown until the picture itself has loaded.
// The hash is the cosine transform of luminance, two color differences and alpha: a few terms of each, of four bits.
// Source: https://evanw.github.io/thumbhash/

const SIDE = 32;   // px of the longer side: the terms hold no more

/** The four channels: the mean, and the terms as { cx, cy, value }. */
function read(hash) {
	const head = hash[0] | hash[1] << 8 | hash[2] << 16, more = hash[3] | hash[4] << 8;
	const alpha = head >> 23 === 1, isLandscape = more >> 15 === 1, most = alpha ? 5 : 7, least = Math.max(3, more & 7);
	let at = alpha ? 12 : 10;   // in nibbles
	const channel = (mean, nx, ny, scale) => {
		const terms = [];
		for (let cy = 0; cy < ny; cy++)
			for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx++, at++)
				terms.push({ cx, cy, value: 2 * scale * ((hash[at >> 1] >> (at & 1) * 4 & 15) / 7.5 - 1) });
		return { mean, terms };
	};
	return [
		channel((head & 63) / 63, isLandscape ? most : least, isLandscape ? least : most, (head >> 18 & 31) / 31),
		channel((head >> 6 & 63) / 31.5 - 1, 3, 3, (more >> 3 & 63) / 63 * 1.25),
		channel((head >> 12 & 63) / 31.5 - 1, 3, 3, (more >> 9 & 63) / 63 * 1.25),
		alpha ? channel((hash[5] & 15) / 15, 5, 5, (hash[5] >> 4) / 15) : { mean: 1, terms: [] },
	];
}

/** cos(π (at + ½) c / n) for each at. */
function wave(n, c) {
	const out = new Float32Array(n);
	for (let at = 0; at < n; at++)
		out[at] = Math.cos(Math.PI / n * (at + 0.5) * c);
	return out;
}

function values({ mean, terms }, w, h) {
	const out = new Float32Array(w * h).fill(mean);
	for (const { cx, cy, value } of terms) {
		const across = wave(w, cx), down = wave(h, cy);
		for (let i = 0, y = 0; y < h; y++)
			for (let x = 0, f = value * down[y]; x < w; x++, i++)
				out[i] += f * across[x];
	}
	return out;
}

/** A canvas that shows the hash (base64) of a picture of this size; null where there is none. */
export function placeholder(text, width, height) {
	if (!text)
		return null;
	const canvas = document.createElement('canvas'), scale = SIDE / Math.max(width, height);
	const [w, h] = [canvas.width, canvas.height] = [width, height].map(side => Math.max(1, Math.round(side * scale)));
	const [l, p, q, a] = read(Uint8Array.from(atob(text), c => c.charCodeAt(0))).map(channel => values(channel, w, h));
	const image = new ImageData(w, h);
	for (let i = 0; i < w * h; i++) {
		const b = l[i] - 2 / 3 * p[i], r = (3 * l[i] - b + q[i]) / 2;
		[r, r - q[i], b, a[i]].forEach((value, n) => { image.data[4 * i + n] = 255 * value; });   // the array clamps
	}
	canvas.getContext('2d').putImageData(image, 0, 0);
	return canvas;
}
