// The upload of one file. It is tried again after what may pass, and there is never a second image:
//
//  - A caller with a key or a token requests the slot with an Idempotency-Key, at each attempt: the response is the slot with a fresh URL, or the
//    record if the bytes had arrived after all.
//  - An anonymous caller keeps the slot. Where its URL has expired, the server is asked whether the bytes arrived; if that cannot be known,
//    the image is deleted before there is a new slot.
import { TintypeError } from './error.js';
import { blobOf, nameOf } from './file.js';
import { typeOfFile } from './media_type.js';
import { newKey, withRetries } from './retry.js';
import { sendOnce } from './send.js';

/**
 * @typedef {import('./types.js').Slot} Slot
 * @typedef {import('./client.js').Uploaded} Uploaded
 */

const DENIALS_MOST = 2;   // more are not of URLs that have expired

/** Answers to those who may upload, but not read. */
const MAY_NOT_READ = ['key_needed', 'scope_missing', 'cross_site'];

/** @param {unknown} error @param {...string} codes @returns {error is TintypeError} */
const isOf = (error, ...codes) => error instanceof TintypeError && codes.includes(error.code);

/** A rejected image is an error. @param {any} record */
function checked(record) {
	if (record.status === 'rejected')
		throw new TintypeError(record.reason, { status: 400, code: 'image_rejected', imageId: record.imageId });
	return record;
}

/**
 * Send the bytes of a file to a slot, for a page whose own server has requested it. What fails for a while is tried again with the same slot.
 *
 * @param {Slot} slot
 * @param {Blob} file
 * @param {import('./send.js').SendOptions & { retry?: import('./retry.js').RetryOptions }} [options]
 * @returns {Promise<void>}  when the bytes are stored
 */
export async function sendToSlot(slot, file, { retry, ...options } = {}) {
	let attempts = 0;
	await withRetries(async () => {
		attempts++;
		await sendOnce(slot, file, options).catch(error => {
			if (error.status !== 412 || attempts === 1)   // else an earlier attempt has stored them, and its response was lost
				throw error;
		});
	}, { ...retry, signal: options.signal });
}

/** An upload that can be run again after it has failed; of `Client.prepare`. */
export class Upload {
	#client;
	#file;
	#given;
	/** @type {string | undefined} */
	#key;
	/** @type {Slot | undefined} */
	#slot;
	#sent = false;      // some of the bytes, at least once
	#arrived = false;   // all of them
	#denials = 0;

	/**
	 * @internal
	 * @param {import('./client.js').Client} client
	 * @param {import('./file.js').FileContent} file
	 * @param {import('./client.js').FileOptions & import('./client.js').SlotOptions} options
	 */
	constructor(client, file, options) {
		this.#client = client;
		this.#file = file;
		this.#given = options;
	}

	/**
	 * @param {import('./send.js').SendOptions} [options]
	 * @returns {Promise<Uploaded>}
	 */
	async run({ onProgress, signal } = {}) {
		try {
			return await withRetries(() => this.#attempt(onProgress, signal), { ...this.#client.retry, signal });
		} catch (error) {
			if (signal?.aborted && this.#slot && !this.#given.idempotencyKey)
				this.#client.callOnce('DELETE', `/images/${this.#slot.imageId}`, this.#slot.deleteToken ? { headers: { 'X-Delete-Token': this.#slot.deleteToken } } : {})
					.catch(() => {});   // it expires by itself
			throw error;
		}
	}

	/** @param {import('./send.js').SendOptions['onProgress']} onProgress @param {AbortSignal} [signal] @returns {Promise<Uploaded>} */
	async #attempt(onProgress, signal) {
		const file = blobOf(this.#file);
		if (!this.#arrived) {
			const record = await this.#openSlot(file, signal);
			if (record)
				return { imageId: record.imageId, image: checked(record) };
			await this.#send(file, onProgress, signal);
		}
		return this.#verdict(signal);
	}

	/** Have a slot, or the record if the image is there. @param {Blob} file @param {AbortSignal} [signal] */
	async #openSlot(file, signal) {
		const isIdentified = await this.#client.isIdentified();
		if (this.#slot && !isIdentified)
			return null;
		const { idempotencyKey, fileName, fileType, ...more } = this.#given, name = nameOf(this.#file, fileName);
		const json = { ...more, fileName: name, fileType: fileType ?? (await typeOfFile(file, name) || 'application/octet-stream'), fileSize: file.size };
		this.#key ??= idempotencyKey ?? newKey();
		try {
			const answer = await this.#client.callOnce('POST', '/upload', { json, headers: isIdentified ? { 'Idempotency-Key': this.#key } : {}, signal });
			this.#slot = answer.uploadUrl ? answer : undefined;
			return this.#slot ? null : answer;
		} catch (error) {
			if (isOf(error, 'image_gone') && !idempotencyKey) {   // the slot has expired: nothing is there
				this.#key = undefined;
				error.canRetry = true;
			}
			throw error;
		}
	}

	/** @param {Blob} file @param {import('./send.js').SendOptions['onProgress']} onProgress @param {AbortSignal} [signal] */
	async #send(file, onProgress, signal) {
		const wasSent = this.#sent, slot = /** @type {Slot} */ (this.#slot);
		this.#sent = true;
		try {
			await sendOnce(slot, file, { onProgress, signal });
		} catch (error) {
			if (!(error instanceof TintypeError) || error.status === 412 && !wasSent)
				throw error;
			if (error.status !== 412)   // 412: an earlier attempt has stored them, and its response was lost
				throw await this.#judge(error, signal);
		}
		this.#arrived = true;
	}

	/** What to do about an answer of the storage. @param {TintypeError} error @param {AbortSignal} [signal] */
	async #judge(error, signal) {
		if (error.status === 403 && this.#denials++ < DENIALS_MOST) {   // the URL has expired
			error.canRetry = true;
			if (!await this.#client.isIdentified())
				await this.#leave(signal);
		}
		if (error.status === 400)
			await this.#verdict(signal).catch(why => {
				if (isOf(why, 'image_rejected'))
					throw why;
			});
		return error;
	}

	/** Give up a slot whose URL has expired: the image is there, or deleted. @param {AbortSignal} [signal] */
	async #leave(signal) {
		const { imageId, deleteToken } = /** @type {Slot} */ (this.#slot);
		const record = await this.#complete(imageId, signal);
		if (record)
			this.#arrived = true;
		else {
			await this.#client.delete(imageId, { deleteToken, signal }).catch(error => {
				if (!isOf(error, 'no_such_image'))
					throw error;
			});
			this.#slot = undefined;
		}
	}

	/** The record of an image that is uploaded or rejected; else null. @param {string} imageId @param {AbortSignal} [signal] */
	async #complete(imageId, signal) {
		try {
			const record = await this.#client.callOnce('POST', `/images/${imageId}/complete`, { signal });
			return record.status === 'pending' ? null : record;
		} catch (error) {
			if (isOf(error, ...MAY_NOT_READ, 'not_arrived'))
				return null;
			throw error;
		}
	}

	/** @param {AbortSignal} [signal] @returns {Promise<Uploaded>} */
	async #verdict(signal) {
		const { imageId, deleteToken } = /** @type {Slot} */ (this.#slot);
		const record = await this.#complete(imageId, signal);
		return { imageId, image: record && checked(record), deleteToken };
	}
}
