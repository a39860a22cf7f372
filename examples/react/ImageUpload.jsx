import { useId, useState } from 'react';

/** The response, or an error with the message of the API (JSON) or of the storage (XML). */
async function call(url, options) {
	const response = await fetch(url, options);
	if (response.ok)
		return response;
	const text = await response.text();
	if (/json/.test(response.headers.get('Content-Type')))
		throw new Error(JSON.parse(text).detail);
	const xml = new DOMParser().parseFromString(text, 'application/xml');
	throw new Error(xml.querySelector('Message')?.textContent ?? `${response.status} ${response.statusText}`);
}

/** The type of a file by its first bytes, since its name may be wrong; else what the browser says. */
async function typeOf(file) {
	const start = String.fromCharCode(...new Uint8Array(await file.slice(0, 12).arrayBuffer()));
	const signs = { 'image/jpeg': /^\xff\xd8\xff/, 'image/png': /^\x89PNG\r\n\x1a\n/, 'image/gif': /^GIF8[79]a/, 'image/webp': /^RIFF[^]{4}WEBP/ };
	return Object.keys(signs).find(type => signs[type].test(start)) ?? (file.type || 'application/octet-stream');
}

async function upload(api, file) {
	const request = { fileName: file.name, fileType: await typeOf(file), fileSize: file.size };
	const slot = await (await call(`${api}/upload`, { method: 'POST', body: JSON.stringify(request) })).json();
	await call(slot.uploadUrl, { method: slot.method, headers: slot.headers, body: file });
	return (await call(`${api}/images/${slot.imageId}`)).json();
}

/**
 * A file input for pictures, and a line with the result for each.
 *
 * api         the API with its stage: "http://127.0.0.1:8080/prod"
 * onUploaded  is called with the record of each uploaded picture
 */
export default function ImageUpload({ api, onUploaded = () => {} }) {
	const [lines, setLines] = useState([]);
	const input = useId();

	function change(key, more) {
		setLines(all => all.map(line => line.key === key ? { ...line, ...more } : line));
	}

	async function send(file) {
		const key = crypto.randomUUID();
		setLines(all => [...all, { key, name: file.name, state: 'uploading' }]);
		try {
			const image = await upload(api, file);
			change(key, { state: image.status, image });
			onUploaded(image);
		} catch (error) {
			change(key, { state: error.message, failed: true });
		}
	}

	function choose({ target }) {
		[...target.files].forEach(send);
		target.value = '';   // so that the same file may be chosen again
	}

	return (
		<section>
			<label htmlFor={input}>Pictures</label> <input id={input} type="file" multiple accept="image/*" onChange={choose} />
			<ul aria-live="polite">
				{lines.map(({ key, name, state, failed, image }) => (
					<li key={key} className={failed ? 'failed' : undefined}>
						{name}: {state}
						{image && <img src={image.downloadUrl} alt={name} />}
					</li>
				))}
			</ul>
		</section>
	);
}
