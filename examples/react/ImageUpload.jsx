import { useId, useState } from 'react';

/** The answer, or an error with the sentence of the API (JSON) or of the storage (XML). */
async function call(url, options) {
	const answer = await fetch(url, options);
	if (answer.ok)
		return answer;
	const text = await answer.text();
	if (/json/.test(answer.headers.get('Content-Type')))
		throw new Error(JSON.parse(text).detail);
	const xml = new DOMParser().parseFromString(text, 'application/xml');
	throw new Error(xml.querySelector('Message')?.textContent ?? `${answer.status} ${answer.statusText}`);
}

async function upload(api, file) {
	const wanted = { fileName: file.name, fileType: file.type || 'application/octet-stream', fileSize: file.size };
	const slot = await (await call(`${api}/upload`, { method: 'POST', body: JSON.stringify(wanted) })).json();
	await call(slot.uploadUrl, { method: slot.method, headers: slot.headers, body: file });
	return (await call(`${api}/images/${slot.imageId}`)).json();
}

/**
 * A chooser of pictures, and a line for each with what became of it.
 *
 * api         the API with its stage: "http://127.0.0.1:8080/prod"
 * onUploaded  is given the record of each picture that is up
 */
export default function ImageUpload({ api, onUploaded = () => {} }) {
	const [lines, setLines] = useState([]);
	const input = useId();

	function change(key, more) {
		setLines(all => all.map(line => line.key === key ? { ...line, ...more } : line));
	}

	async function send(file) {
		const key = crypto.randomUUID();
		setLines(all => [...all, { key, name: file.name, state: 'on its way' }]);
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
