// The upload of one file: in one request to the API, where the server says that it writes to the storage itself and the file is not large;
// else a slot from the API, then the bytes by PUT to the signed URL, which is another origin.
// XMLHttpRequest and not fetch, because it alone reports how much has been sent.
import { complete, openSlot, ownToken, page, Refusal, remove, sendImage } from './api.js';
import { typeOfFile } from './media_type.js';
import { texts } from './texts.js';

const DIRECT_MOST = 1e6;   // bytes: of larger files a second request costs little, and many proxies in front of the API refuse larger bodies
const STALLED_MS = 30000;
const SPEED_OVER_MS = 3000;
const GATHER_MS = 250;

const ENTITIES = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

/** S3 reports errors in XML, <Error><Code>…</Code><Message>…</Message></Error>: searched as text,
 * because the page's Trusted Types policy forbids parsing markup. */
async function refusalOf(answer) {
	const text = await answer.text(), { status } = answer;
	const find = name => (text.match(`<${name}>([^<]*)</${name}>`)?.[1] ?? '')
		.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (all, dec, hex, word) => ENTITIES[word] ?? (dec || hex ? String.fromCodePoint(parseInt(dec ?? hex, dec ? 10 : 16)) : all)).trim();
	return new Refusal(find('Message') || texts.uploads.storage(status), { status, code: find('Code'), canRetry: status >= 500 || [403, 408, 429].includes(status) });
}

/** Bytes a second over the last moments; null until there is enough data. */
export class Speed {
	#points = [];
	clear() {
		this.#points = [];
	}
	add(at, sent) {
		this.#points.push([at, sent]);
		while (this.#points.length > 2 && at - this.#points[0][0] > SPEED_OVER_MS)
			this.#points.shift();
		const [began, before] = this.#points[0];
		return at > began ? (sent - before) * 1000 / (at - began) : null;
	}
}

const headersOf = xhr => new Headers(xhr.getAllResponseHeaders().trim().split('\r\n').filter(Boolean).map(line => line.split(/: ?(.*)/s).slice(0, 2)));

/** What sends the bytes of a file in place of fetch(url, { method, headers }), and reports how much has been sent. */
const sender = (file, signal, progressed) => (url, { method, headers }) => new Promise((resolve, reject) => {
	const xhr = new XMLHttpRequest(), speed = new Speed();
	let stalled;
	const wait = () => {
		clearTimeout(stalled);
		stalled = setTimeout(() => { fail(new Refusal(texts.uploads.stalled(STALLED_MS / 1000), { canRetry: true })); xhr.abort(); }, STALLED_MS);
	};
	const fail = why => { clearTimeout(stalled); reject(why); };
	xhr.open(method, url);
	for (const [name, value] of Object.entries(headers))
		xhr.setRequestHeader(name, value);
	xhr.upload.onprogress = ({ loaded }) => { wait(); progressed(loaded, speed.add(performance.now(), loaded)); };
	xhr.upload.onload = () => { clearTimeout(stalled); progressed(file.size, null); };
	xhr.onload = () => { clearTimeout(stalled); resolve(new Response(xhr.responseText || null, { status: xhr.status, statusText: xhr.statusText, headers: headersOf(xhr) })); };
	xhr.onerror = () => fail(new Refusal(texts.lost, { canRetry: true }));
	xhr.onabort = () => fail(signal.reason ?? new DOMException('Cancelled', 'AbortError'));
	signal.addEventListener('abort', () => xhr.abort(), { once: true });
	signal.throwIfAborted();
	wait();
	xhr.send(file.blob);
});

/** Send the bytes to a slot. */
async function put(slot, file, signal, progressed) {
	const answer = await sender(file, signal, progressed)(slot.uploadUrl, slot);
	if (answer.status !== 200)
		throw await refusalOf(answer);
}

let takesImages = false;
/** Whether the server takes images in one request. */
export const useLimits = ({ directUpload = false }) => { takesImages = directUpload; };
/** Whether a file is sent in one request. */
export const isDirect = file => takesImages && file.size <= DIRECT_MOST;

const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, '0')).join('');

/** A proxy in front of the server, or what it does to the request, may forbid what the server allows: then all go to slots. */
const isForbidden = why => ['use_slot', 'cross_site'].includes(why.code) || why.status >= 400 && why.status < 500 && !why.code && !why.canRetry;

/** Upload a file in one request. Returns its record, null without the key, and undefined if it has to go to a slot. */
async function uploadDirect(file, trip, signal, { progressed, keep }) {
	if (!trip.key) {
		trip.key = newKey();
		await keep();   // before a byte is sent: else a reload would make a second image
	}
	progressed(0, null);
	const note = (sent, speed) => { trip.isSent ||= sent === file.size; progressed(sent, speed); };
	try {
		const { deleteToken, ...record } = await sendImage(file, trip.key, { signal, send: sender(file, signal, note) });
		ownToken(trip.imageId = record.imageId, deleteToken);
		return record.downloadUrl ? record : null;
	} catch (why) {
		if (why.status >= 400 && why.status < 500 && !why.canRetry)   // nothing has come of it, and another attempt is another request
			trip.key = trip.isSent = undefined;
		if (!isForbidden(why))
			throw why;
		takesImages = false;
		return undefined;
	}
}

/** Delete what has arrived, or may have arrived, of an upload that is given up. */
export async function takeBack(file, trip) {
	if (trip.slot)
		return remove(trip.slot.imageId);
	if (!trip.isSent)
		return undefined;
	const { imageId, deleteToken } = await sendImage(file, trip.key, { send: sender(file, new AbortController().signal, () => {}) });   // its record, once more
	ownToken(imageId, deleteToken);
	return remove(imageId);
}

const isFresh = slot => slot && Date.parse(slot.expiresAt) - Date.now() > 15000;

/** The record, if its image was not rejected. */
function checked(record) {
	if (record?.status === 'rejected')
		throw new Refusal(record.reason, { status: 400 });
	return record;
}

let asked = [];
/** Read the records of many new images together, from the list; those that are not in it yet are requested one by one. */
async function readMany() {
	const now = asked.splice(0), listed = page({ limit: 2 * now.length }).then(({ images }) => new Map(images.map(record => [record.imageId, record])));
	for (const { imageId, resolve } of now)
		resolve(listed.then(found => found.get(imageId) ?? complete(imageId)));
}

function recordOf(imageId, isOneOfMany) {
	if (!isOneOfMany)
		return complete(imageId);
	return new Promise(resolve => { if (asked.push({ imageId, resolve }) === 1) setTimeout(readMany, GATHER_MS); });
}

/** The record after verification. Without the key it cannot be read: the PUT's 200 has to suffice. */
const verdict = async (slot, isOneOfMany) => checked(await recordOf(slot.imageId, isOneOfMany).catch(refusal => {
	if (refusal.wantsKey)
		return null;
	throw refusal;
}));

/** Give up a slot whose URL has expired. Its record if the bytes had arrived after all; where that is not told, the image is deleted, so that there are never two. */
async function leave(trip) {
	const { imageId } = trip.slot;
	const record = await complete(imageId).catch(async refusal => {
		if (!refusal.wantsKey && refusal.code !== 'not_arrived' && refusal.code !== 'no_such_image')
			throw refusal;
		await remove(imageId);
		return null;
	});
	if (record?.status !== 'uploaded')
		trip.slot = undefined;
	return checked(record);
}

/**
 * Upload a file: { name, type, size, blob }. `trip` is kept by the caller and remembers the key of the request, or the slot, so that a retry
 * makes no second image; `imageId` once it is known; and whether the bytes have arrived. Returns the record, or null without the key.
 * progressed(sent, bytesPerSecond)  sent is the size while the response is awaited
 * keep()          stores `trip` when there is a new key or slot
 * arrived()       called when all bytes have been received and only the record is to be read. Returns whether it is one of many.
 */
export async function upload(file, trip, signal, { progressed, keep, arrived }) {
	if (isDirect(file) && !trip.slot) {
		const record = await uploadDirect(file, trip, signal, { progressed, keep });
		if (record !== undefined)
			return record;
		file.type = await typeOfFile(file.blob, file.name);   // it may have been left to the server
	}
	if (!trip.arrived && trip.slot && !isFresh(trip.slot)) {
		const record = await leave(trip);
		if (record)
			return record;
	}
	if (!trip.slot) {
		trip.slot = await openSlot(file, signal);
		ownToken(trip.slot.imageId, trip.slot.deleteToken);
		await keep();   // before a byte is sent: else a reload would make a second image
	}
	trip.imageId = trip.slot.imageId;
	progressed(0, null);
	try {
		if (!trip.arrived)
			await put(trip.slot, file, signal, progressed);
	} catch (why) {
		if (why.status === 403)
			trip.slot.expiresAt = new Date(0).toJSON();
		else if (why.status >= 400 && why.status < 500 && !why.canRetry && why.status !== 412)   // the URL is used up
			trip.slot = undefined;
		if (why.status !== 412)   // 412: an earlier attempt had succeeded, and its response was lost
			throw why;
	}
	trip.arrived = true;
	progressed(file.size, null);
	return verdict(trip.slot, arrived());
}
