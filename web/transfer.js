// The upload of one file: a slot from the API, then the bytes by PUT to the signed URL, which is another origin.
// XMLHttpRequest and not fetch, because it alone reports how much has been sent.
import { complete, openSlot, ownToken, Refusal } from './api.js';
import { texts } from './texts.js';

const STALLED_MS = 30000;
const SPEED_OVER_MS = 3000;

const ENTITIES = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

/** S3 reports errors in XML, <Error><Code>…</Code><Message>…</Message></Error>: searched as text,
 * because the page's Trusted Types policy forbids parsing markup. */
function refusalOf(xhr) {
	const find = name => (xhr.responseText.match(`<${name}>([^<]*)</${name}>`)?.[1] ?? '')
		.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (all, dec, hex, word) => ENTITIES[word] ?? (dec || hex ? String.fromCodePoint(parseInt(dec ?? hex, dec ? 10 : 16)) : all)).trim();
	return new Refusal(find('Message') || texts.uploads.storage(xhr.status),
		{ status: xhr.status, code: find('Code'), canRetry: xhr.status >= 500 || xhr.status === 408 || xhr.status === 403 });
}

/** Bytes a second over the last moments; null until there is enough data. */
class Speed {
	#points = [];
	add(at, sent) {
		this.#points.push([at, sent]);
		while (this.#points.length > 2 && at - this.#points[0][0] > SPEED_OVER_MS)
			this.#points.shift();
		const [began, before] = this.#points[0];
		return at > began ? (sent - before) * 1000 / (at - began) : null;
	}
}

/** Send the bytes. onProgress(sent, bytesPerSecond); sent is the size while the response is awaited. */
function put(slot, file, signal, onProgress) {
	return new Promise((resolve, reject) => {
		const xhr = new XMLHttpRequest(), speed = new Speed();
		let stalled;
		const wait = () => {
			clearTimeout(stalled);
			stalled = setTimeout(() => { fail(new Refusal(texts.uploads.stalled(STALLED_MS / 1000), { canRetry: true })); xhr.abort(); }, STALLED_MS);
		};
		const fail = why => { clearTimeout(stalled); reject(why); };
		xhr.open(slot.method, slot.uploadUrl);
		for (const [name, value] of Object.entries(slot.headers))
			xhr.setRequestHeader(name, value);
		xhr.upload.onprogress = ({ loaded }) => { wait(); onProgress(loaded, speed.add(performance.now(), loaded)); };
		xhr.upload.onload = () => { clearTimeout(stalled); onProgress(file.size, null); };
		xhr.onload = () => { clearTimeout(stalled); xhr.status === 200 ? resolve() : reject(refusalOf(xhr)); };
		xhr.onerror = () => fail(new Refusal(texts.lost, { canRetry: true }));
		xhr.onabort = () => fail(signal.reason);
		signal.addEventListener('abort', () => xhr.abort(), { once: true });
		signal.throwIfAborted();
		wait();
		xhr.send(file.blob);
	}).catch(why => { throw why ?? new DOMException('Cancelled', 'AbortError'); });
}

const isFresh = slot => slot && Date.parse(slot.expiresAt) - Date.now() > 15000;

/** The record after verification. Without the key it cannot be read: the PUT's 200 has to suffice. */
async function verdict(slot) {
	const record = await complete(slot.imageId).catch(refusal => {
		if (refusal.wantsKey)
			return null;
		throw refusal;
	});
	if (record?.status === 'rejected')
		throw new Refusal(record.reason, { status: 400 });
	return record;
}

/**
 * Upload a file: { name, type, size, blob }. `trip` is kept by the caller and remembers the slot,
 * so that a retry uses the same URL while it is valid, and whether the bytes have arrived. Returns the record, or null without the key.
 */
export async function upload(file, trip, signal, onProgress) {
	if (!trip.arrived && !isFresh(trip.slot)) {
		trip.slot = await openSlot(file, signal);
		ownToken(trip.slot.imageId, trip.slot.deleteToken);
	}
	onProgress(0, null);
	try {
		if (!trip.arrived)
			await put(trip.slot, file, signal, onProgress);
	} catch (why) {
		if (why.status && why.status !== 412)   // a response: the URL is used up or has expired
			trip.slot = undefined;
		if (why.status !== 412)   // 412: an earlier attempt had succeeded, and its response was lost
			throw why;
	}
	trip.arrived = true;
	onProgress(file.size, null);
	return verdict(trip.slot);
}
