// Sends bytes and reports how many have been sent: by XMLHttpRequest in browsers, whose fetch cannot tell; by fetch with a stream in Node.js.
import { errorOf, lostConnection, TintypeError } from './error.js';

const STALLED_MS = 30000, RESPONSE_MS = 120000, PIECE = 64 * 1024;

/**
 * @typedef {object} SendOptions
 * @property {(sent: number, total: number) => void} [onProgress]  bytes of the file. After a failed attempt it begins again
 * @property {AbortSignal} [signal]
 *
 * @typedef {{ status: number, text: string, header: (name: string) => string | null }} Answer
 * @typedef {{ url: string, method: string, headers: Record<string, string>, body: Blob | FormData, size: number }} Sending
 * @typedef {{ onProgress: (sent: number) => void, signal: AbortSignal }} Watched
 */

const hasXhr = () => typeof XMLHttpRequest === 'function';
const isNode = () => typeof (/** @type {any} */ (globalThis).process?.versions?.node) === 'string';

/** Whether it can be told how much of the body has been sent. @param {Blob | FormData} body @returns {body is Blob} */
const isCounted = body => hasXhr() || isNode() && body instanceof Blob;

/** @param {Sending} sending @param {Watched} watched @returns {Promise<Answer>} */
function sendByXhr({ url, method, headers, body, size }, { onProgress, signal }) {
	return new Promise((resolve, reject) => {
		const xhr = new XMLHttpRequest();
		xhr.open(method, url);
		for (const [name, value] of Object.entries(headers))
			xhr.setRequestHeader(name, value);
		xhr.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? Math.round(loaded / total * size) : 0);   // a form is longer than its file
		xhr.onload = () => resolve({ status: xhr.status, text: xhr.responseText, header: name => xhr.getResponseHeader(name) });
		xhr.onerror = () => reject(lostConnection(undefined));
		xhr.onabort = () => reject(signal.reason);
		signal.addEventListener('abort', () => xhr.abort(), { once: true });
		xhr.send(body);
	});
}

/** Content-Length is the platform's to set. @param {Record<string, string>} headers */
const withoutLength = headers => Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'content-length'));

/** The bytes piece by piece: the stream of a Blob in memory is one piece. @param {Blob} blob @param {(sent: number) => void} onProgress */
function counted(blob, onProgress) {
	let sent = 0;
	return new ReadableStream({
		async pull(controller) {
			onProgress(sent);
			if (sent === blob.size)
				return controller.close();
			const piece = await blob.slice(sent, sent + PIECE).arrayBuffer();
			sent += piece.byteLength;
			controller.enqueue(new Uint8Array(piece));
		},
	});
}

/** @param {Sending} sending @param {Watched} watched @returns {Promise<Answer>} */
async function sendByFetch({ url, method, headers, body, size }, { onProgress, signal }) {
	const options = isCounted(body)
		? { headers: { ...headers, 'Content-Length': `${size}` }, body: counted(body, onProgress), duplex: 'half' }   // a chunked body is refused by presigned URLs
		: { headers, body };
	try {
		const answer = await fetch(url, { method, signal, ...options });
		return { status: answer.status, text: await answer.text(), header: name => answer.headers.get(name) };
	} catch (error) {
		throw signal.aborted ? signal.reason : lostConnection(error);
	}
}

/**
 * Send a body once. A connection on which nothing moves for 30 seconds, or two minutes while the response is awaited, counts as lost, where that can be told.
 *
 * @param {Sending} sending
 * @param {SendOptions} options
 * @returns {Promise<Answer>}  of a 2xx; others throw a TintypeError
 */
export async function send(sending, { onProgress, signal }) {
	const stalled = new AbortController();
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	let timer;
	const wait = (/** @type {number} */ ms) => {
		clearTimeout(timer);
		timer = setTimeout(() => stalled.abort(new TintypeError(`Nothing was sent or received for ${ms / 1000} seconds.`, { code: 'timeout', canRetry: true })), ms);
	};
	signal?.throwIfAborted();
	if (isCounted(sending.body))
		wait(STALLED_MS);
	onProgress?.(0, sending.size);
	try {
		const watched = {
			signal: signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal,
			onProgress: (/** @type {number} */ sent) => { wait(sent < sending.size ? STALLED_MS : RESPONSE_MS); onProgress?.(sent, sending.size); },
		};
		const answer = await (hasXhr() ? sendByXhr : sendByFetch)(sending, watched);
		if (answer.status < 200 || answer.status > 299)
			throw errorOf(answer.status, answer.text, answer.header);
		if (!isCounted(sending.body))
			onProgress?.(sending.size, sending.size);
		return answer;
	} finally {
		clearTimeout(timer);
	}
}

/**
 * Send the bytes of a file to its slot, once. A slot that is a form is sent as one.
 *
 * @param {import('./types.js').Slot} slot
 * @param {Blob} file
 * @param {SendOptions} options
 */
export async function sendOnce(slot, file, options) {
	const base = { url: slot.uploadUrl, method: slot.method, size: file.size };
	try {
		if (slot.method === 'PUT')
			return await send({ ...base, headers: withoutLength(slot.headers), body: file }, options);
		const form = new FormData();
		for (const [name, value] of Object.entries(slot.fields))
			form.append(name, value);
		form.append('file', file);
		return await send({ ...base, headers: {}, body: form }, options);
	} catch (error) {
		if (error instanceof TintypeError)
			error.imageId = slot.imageId;
		throw error;
	}
}
