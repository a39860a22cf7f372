import { useId, useState } from 'react';
import { Client } from 'tintype-client';
import { useUpload } from 'tintype-client/react';

/** What is shown of an upload. */
const stateOf = ({ state, sent, size, image, error }) => ({
	waiting: 'waiting', sending: `uploading, ${Math.round(100 * sent / size)} %`, done: image?.status ?? 'uploaded', failed: error?.message,
})[state];

/**
 * A file input for pictures, and a line with the result for each.
 *
 * api         the API with its stage: "http://127.0.0.1:8080/prod"
 * onUploaded  is called with the record of each uploaded picture
 */
export default function ImageUpload({ api, onUploaded = () => {} }) {
	const [client] = useState(() => new Client({ url: api }));
	const { items, add, retry } = useUpload(client, { onUploaded: item => onUploaded(item.image) });
	const input = useId();

	function choose({ target }) {
		add([...target.files]);
		target.value = '';   // so that the same file may be chosen again
	}

	return (
		<section>
			<label htmlFor={input}>Pictures</label> <input id={input} type="file" multiple accept="image/*" onChange={choose} />
			<ul aria-live="polite">
				{items.map(item => (
					<li key={item.id} className={item.state === 'failed' ? 'failed' : undefined}>
						{item.name}: {stateOf(item)}
						{item.canRetry && <button onClick={() => retry(item.id)}>Try again</button>}
						{item.image && <img src={item.image.downloadUrl} alt={item.name} />}
					</li>
				))}
			</ul>
		</section>
	);
}
