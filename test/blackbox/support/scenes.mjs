// Realistic pictures: landscapes, drawn in the browser from a number. The same number gives the same picture.

/** JPEGs of scenes 0 to n - 1 of these sizes in turn, of JPEG's quality: [{ name, bytes, width, height }]. grain: how far, of 255, a
 * pixel is from the drawing at most, as a sensor's noise, which makes a file as large as a camera's. */
export async function scenes(browser, n, sizes = [[600, 400], [400, 500], [500, 500], [700, 394], [450, 600], [750, 350]], quality = 0.82, grain = 0) {
	const page = await browser.newPage();
	const made = await page.evaluate(draw, { n, sizes, quality, grain });
	await page.close();
	return made.map(({ base64, ...rest }) => ({ ...rest, bytes: Buffer.from(base64, 'base64') }));
}

async function draw({ n, sizes, quality, grain }) {
	const random = seed => () => { seed = seed + 0x6d2b79f5 | 0; let t = Math.imul(seed ^ seed >>> 15, 1 | seed); t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t; return ((t ^ t >>> 14) >>> 0) / 4294967296; };
	const names = ['dawn over the fells', 'north ridge', 'harbour haze', 'evening road', 'first snow', 'salt flats', 'the far valley', 'moonrise', 'after rain', 'low tide', 'pine line', 'red cliffs'];
	const skies = [[210, 30], [24, 48], [200, 190], [265, 20], [340, 40], [190, 55], [225, 280], [15, 350]];
	const out = [];
	for (let i = 0; i < n; i++) {
		const dice = random(i * 7919 + 11);
		const [width, height] = sizes[i % sizes.length];
		const canvas = document.createElement('canvas');
		Object.assign(canvas, { width, height });
		const g = canvas.getContext('2d');
		const [top, low] = skies[Math.floor(dice() * skies.length)], night = dice() < 0.25;
		const light = night ? [14, 38] : [58 + dice() * 12, 82];
		const sky = g.createLinearGradient(0, 0, 0, height * 0.8);
		sky.addColorStop(0, `hsl(${top} 45% ${light[0]}%)`);
		sky.addColorStop(1, `hsl(${low} 62% ${light[1]}%)`);
		g.fillStyle = sky;
		g.fillRect(0, 0, width, height);
		const x = width * (0.2 + 0.6 * dice()), y = height * (0.22 + 0.25 * dice()), r = Math.min(width, height) * (0.05 + 0.06 * dice());
		const glow = g.createRadialGradient(x, y, r * 0.4, x, y, r * 6);
		glow.addColorStop(0, `hsl(${low} 90% ${night ? 80 : 96}% / 0.75)`);
		glow.addColorStop(1, `hsl(${low} 90% 90% / 0)`);
		g.fillStyle = glow;
		g.fillRect(0, 0, width, height);
		g.fillStyle = `hsl(${low} 85% ${night ? 92 : 97}%)`;
		g.beginPath();
		g.arc(x, y, r, 0, 7);
		g.fill();
		const layers = 4 + Math.floor(dice() * 3), hue = top + 10 * dice();
		for (let layer = 0; layer < layers; layer++) {
			const depth = (layer + 1) / layers, base = height * (0.45 + 0.5 * depth * 0.9), rough = height * (0.16 - 0.1 * depth);
			const waves = [1, 2.3, 5.1, 11].map(f => [f * (0.8 + dice()), dice() * 7, 1 / f]);
			g.fillStyle = `hsl(${hue + (low - hue) * (1 - depth) * 0.25} ${30 + 12 * depth}% ${(night ? 26 : 66) * (1 - depth) + (night ? 6 : 17)}%)`;
			g.beginPath();
			g.moveTo(0, height);
			for (let px = 0; px <= width; px += 4)
				g.lineTo(px, base - rough * waves.reduce((sum, [f, phase, share]) => sum + Math.sin(px / width * f * 6 + phase) * share, 0));
			g.lineTo(width, height);
			g.fill();
		}
		if (grain > 0) {
			const image = g.getImageData(0, 0, width, height);
			for (let at = 0; at < image.data.length; at += 4) {
				const off = (2 * dice() - 1) * grain;
				for (let channel = at; channel < at + 3; channel++)
					image.data[channel] += off;
			}
			g.putImageData(image, 0, 0);
		}
		const blob = await new Promise(done => canvas.toBlob(done, 'image/jpeg', quality));
		const bytes = new Uint8Array(await blob.arrayBuffer());
		let text = '';
		for (let at = 0; at < bytes.length; at += 8192)
			text += String.fromCharCode(...bytes.subarray(at, at + 8192));
		out.push({ name: `${names[i % names.length]}${i < names.length ? '' : ` ${Math.floor(i / names.length) + 1}`}.jpg`, width, height, base64: btoa(text) });
	}
	return out;
}
