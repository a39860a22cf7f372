// The calls of the API: doc/api.md.
import { errorOf, lostConnection, TintypeError } from './error.js';
import { blobOf, nameOf } from './file.js';
import { typeOfFile } from './media_type.js';
import { newKey, pause, withRetries } from './retry.js';
import { send } from './send.js';
import { Upload } from './upload.js';

/**
 * @typedef {import('./types.js').Image} Image
 * @typedef {import('./types.js').UploadedImage} UploadedImage
 * @typedef {import('./types.js').ListedImage} ListedImage
 * @typedef {import('./types.js').ListQuery} ListQuery
 * @typedef {import('./file.js').FileContent} FileContent
 *
 * @typedef {object} ClientOptions
 * @property {string} url  the API with its stage, `http://127.0.0.1:8080/prod`; in a page it may be relative
 * @property {string | ((refused?: string) => string | Promise<string>)} [key]  an API key, or a token of the issuer; or a function that gives one, which is
 *     called again with a key that the server has refused, so that it can renew a token. '' is an anonymous caller
 * @property {string} [onBehalfOf]  the user in whose name all calls are made; needs a key with the scope act-as
 * @property {Record<string, string>} [headers]  of every call to the API, as `{ 'X-Api-Key': '…' }` for API Gateway
 * @property {import('./retry.js').RetryOptions} [retry]
 * @property {number} [timeoutMs]  of one attempt at a call without a file: 60000
 *
 * @typedef {{ signal?: AbortSignal }} CallOptions
 *
 * @typedef {object} FileOptions
 * @property {string} [fileName]  else the file's own, or `image`
 * @property {import('./types.js').Metadata} [metadata]
 * @property {string} [idempotencyKey]  so that another upload with the same key, as after a restart of the program, makes no second image. Without a
 *     key or a token it is for uploadDirect alone, with 32 characters or more that nobody guesses. Without it each upload makes one of its own
 *
 * @typedef {object} SlotOptions
 * @property {string} [fileType]  in place of the type that the first bytes are of
 * @property {import('./types.js').Visibility} [visibility]
 * @property {number} [maxSize]
 * @property {string[]} [allowedTypes]
 * @property {number} [expiresIn]
 *
 * @typedef {object} Uploaded
 * @property {string} imageId
 * @property {UploadedImage | null} image  its record; null if the caller may upload but not read
 * @property {string} [deleteToken]  of an anonymous caller: deletes the image
 */

const TIMEOUT_MS = 60000, WAIT_S = 20, POLL_MS = 1000, DELETED_AT_ONCE = 1000;

/** @param {object} values @returns {string} */
function queryOf(values) {
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(values))
		if (value !== undefined)
			query.set(name, value instanceof Date ? value.toISOString() : `${value}`);
	return `${query}` && `?${query}`;
}

/** A part of a path: an ID that has another character than those of a UUID could lead to another call. @param {string} imageId */
function idPart(imageId) {
	if (!/^[0-9A-Za-z-]+$/.test(imageId))
		throw new TypeError(`"${imageId}" is not the ID of an image.`);
	return imageId;
}

export class Client {
	#url;
	#key;
	#onBehalfOf;
	#headers;
	#timeoutMs;

	/** @param {ClientOptions} options */
	constructor({ url, key = '', onBehalfOf, headers = {}, retry = {}, timeoutMs = TIMEOUT_MS }) {
		if (!url)
			throw new TypeError('url is missing: the address of the API with its stage, such as http://127.0.0.1:8080/prod');
		this.#url = new URL(url, globalThis.document?.baseURI).href.replace(/\/*$/, '');
		this.#key = key;
		this.#onBehalfOf = onBehalfOf;
		this.#headers = headers;
		this.#timeoutMs = timeoutMs;
		/** @internal */
		this.retry = retry;
	}

	/** The key or token to send; '' if the caller is anonymous. @param {string} [refused] */
	async #keyNow(refused) {
		return typeof this.#key === 'function' ? await this.#key(refused) : this.#key;
	}

	/** Whether calls are made with a key or a token. @internal */
	async isIdentified() {
		return await this.#keyNow() !== '';
	}

	/**
	 * One attempt. A key that is refused is asked for anew, and the attempt repeated with another one.
	 *
	 * @template T
	 * @param {(headers: Record<string, string>) => Promise<T>} attempt
	 */
	async #withKey(attempt) {
		const headersWith = (/** @type {string} */ key) => ({ ...this.#headers, ...key && { Authorization: `Bearer ${key}` } });
		const key = await this.#keyNow();
		try {
			return await attempt(headersWith(key));
		} catch (error) {
			if (!(error instanceof TintypeError) || error.code !== 'token_invalid' || typeof this.#key !== 'function')
				throw error;
			const renewed = await this.#keyNow(key);
			if (renewed === key)
				throw error;
			return attempt(headersWith(renewed));
		}
	}

	/** @param {string} path @param {object} [query] */
	#address(path, query = {}) {
		return `${this.#url}${path}${queryOf({ ...query, onBehalfOf: this.#onBehalfOf })}`;
	}

	/**
	 * One attempt at a call.
	 *
	 * @internal
	 * @param {string} method
	 * @param {string} path  below the stage
	 * @param {{ query?: object, json?: object, headers?: Record<string, string>, signal?: AbortSignal }} [options]
	 * @returns {Promise<any>}  the JSON of the response; null if it has none
	 */
	callOnce(method, path, { query, json, headers = {}, signal } = {}) {
		return this.#withKey(async identity => {
			const late = AbortSignal.timeout(this.#timeoutMs);
			try {
				const answer = await fetch(this.#address(path, query), {
					method, cache: 'no-store', signal: signal ? AbortSignal.any([signal, late]) : late,
					headers: { ...identity, ...json && { 'Content-Type': 'application/json' }, ...headers }, body: json && JSON.stringify(json),
				});
				const text = await answer.text();
				if (!answer.ok)
					throw errorOf(answer.status, text, name => answer.headers.get(name));
				return text === '' ? null : JSON.parse(text);
			} catch (error) {
				signal?.throwIfAborted();
				if (error instanceof TintypeError)
					throw error;
				if (late.aborted)
					throw new TintypeError(`The server did not answer in ${this.#timeoutMs / 1000} seconds.`, { code: 'timeout', canRetry: true });
				throw lostConnection(error);
			}
		});
	}

	/** @param {string} method @param {string} path @param {{ query?: object, json?: object, headers?: Record<string, string>, signal?: AbortSignal, isSafe?: (error: TintypeError) => boolean }} [options] */
	#call(method, path, { isSafe, ...options } = {}) {
		return withRetries(() => this.callOnce(method, path, options), { ...this.retry, signal: options.signal, isSafe });
	}

	/**
	 * Upload a file: a slot is requested, the bytes are sent to it, and the record is returned once they are verified. What fails for a while is tried
	 * again, without making a second image. Aborting deletes what there is of it, unless an idempotencyKey was given.
	 *
	 * @param {FileContent} file
	 * @param {FileOptions & SlotOptions & import('./send.js').SendOptions} [options]
	 * @returns {Promise<Uploaded>}
	 */
	upload(file, { onProgress, signal, ...options } = {}) {
		return this.prepare(file, options).run({ onProgress, signal });
	}

	/**
	 * An upload that can be run again after it has failed: it goes on with the same image.
	 *
	 * @param {FileContent} file
	 * @param {FileOptions & SlotOptions} [options]
	 */
	prepare(file, options = {}) {
		return new Upload(this, file, options);
	}

	/**
	 * Upload a file in one request, without a slot: for scripts and servers. Pages of other origins are refused, and so is every call on AWS.
	 * A call whose response is lost is repeated, and makes no second image.
	 *
	 * @param {FileContent} file
	 * @param {FileOptions & import('./send.js').SendOptions} [options]
	 * @returns {Promise<UploadedImage>}
	 */
	async uploadDirect(file, { fileName, metadata, idempotencyKey = newKey(), onProgress, signal } = {}) {
		const body = blobOf(file), url = this.#address('/images', { fileName: nameOf(file, fileName), metadata: metadata && JSON.stringify(metadata) });
		const headers = { 'Content-Type': await typeOfFile(body, nameOf(file, fileName)) || 'application/octet-stream', 'Idempotency-Key': idempotencyKey };
		const answer = await withRetries(
			() => this.#withKey(identity => send({ url, method: 'POST', headers: { ...identity, ...headers }, body, size: body.size }, { onProgress, signal })),
			{ ...this.retry, signal });
		return JSON.parse(answer.text);
	}

	/**
	 * A slot for one image; see `sendToSlot`. With an idempotencyKey that was used before it may be the image's record.
	 *
	 * @param {import('./types.js').SlotRequest} request
	 * @param {CallOptions & { idempotencyKey?: string }} [options]
	 * @returns {Promise<import('./types.js').Slot | Image>}
	 */
	slot(request, { idempotencyKey, signal } = {}) {
		return this.#call('POST', '/upload', { json: request, headers: idempotencyKey ? { 'Idempotency-Key': idempotencyKey } : {}, signal });
	}

	/**
	 * The images, request by request: `for await (const image of client.list({ name: 'cat' }))`.
	 *
	 * @template {ListQuery} [Q={}]
	 * @param {Q} [query]
	 * @param {CallOptions} [options]
	 * @returns {AsyncGenerator<import('./types.js').Listed<Q>, void, undefined>}
	 */
	list(query, options = {}) {
		return this.#pages(query ?? {}, options);
	}

	/** @param {ListQuery} query @param {CallOptions} options @returns {AsyncGenerator<any, void, undefined>} */
	async *#pages(query, options) {
		/** @type {string | undefined} */
		let cursor;
		do {
			/** @type {import('./types.js').Page<any>} */
			const page = await this.page({ ...query, cursor, skip: cursor ? undefined : query.skip }, options);
			yield* page.images;
			cursor = page.nextCursor;
		} while (cursor);
	}

	/**
	 * One page of a list; `cursor` is the nextCursor of the one before.
	 *
	 * @template {ListQuery & { cursor?: string }} [Q={}]
	 * @param {Q} [query]
	 * @param {CallOptions} [options]
	 * @returns {Promise<import('./types.js').Page<import('./types.js').Listed<Q>>>}
	 */
	async page(query, { signal } = {}) {
		const page = await this.#call('GET', '/images', { query, signal });
		return { ...page, images: page.images.map((/** @type {object} */ image) => ({ status: 'uploaded', ...image })) };
	}

	/**
	 * The record of an image, whatever its state.
	 *
	 * @param {string} imageId
	 * @param {CallOptions} [options]
	 * @returns {Promise<Image>}
	 */
	async get(imageId, { signal } = {}) {
		return this.#call('GET', `/images/${idPart(imageId)}`, { signal });
	}

	/**
	 * Wait until an image is not pending any more.
	 *
	 * @param {string} imageId
	 * @param {CallOptions} [options]  signal: such as AbortSignal.timeout(60000); without one it waits until the slot has expired and its record is gone
	 * @returns {Promise<import('./types.js').UploadedImage | import('./types.js').RejectedImage>}
	 */
	async wait(imageId, { signal } = {}) {
		for (;;) {
			const asked = performance.now();
			const image = await this.#call('GET', `/images/${idPart(imageId)}`, { query: { wait: WAIT_S }, signal });
			if (image.status !== 'pending')
				return image;
			await pause(Math.max(0, POLL_MS - (performance.now() - asked)), signal);   // on AWS the response comes at once
		}
	}

	/**
	 * Change visibility, name or metadata.
	 *
	 * @param {string} imageId
	 * @param {import('./types.js').Changes} changes
	 * @param {CallOptions & { ifVersion?: number }} [options]  ifVersion: the change is made only while the record has this version; else the error is `precondition`
	 * @returns {Promise<Image>}
	 */
	async update(imageId, changes, { ifVersion, signal } = {}) {
		return this.#call('PATCH', `/images/${idPart(imageId)}`, {
			json: changes, headers: ifVersion === undefined ? {} : { 'If-Match': `"${ifVersion}"` }, signal,
			isSafe: error => ifVersion === undefined || error.status === 429,   // else a change whose response was lost would be taken for another's
		});
	}

	/**
	 * Delete an image. One that is not there is the error `no_such_image`.
	 *
	 * @param {string} imageId
	 * @param {CallOptions & { deleteToken?: string }} [options]
	 * @returns {Promise<void>}
	 */
	async delete(imageId, { deleteToken, signal } = {}) {
		const path = `/images/${idPart(imageId)}`;
		let isRepeated = false;
		await withRetries(async () => {
			try {
				await this.callOnce('DELETE', path, { headers: deleteToken ? { 'X-Delete-Token': deleteToken } : {}, signal });
			} catch (error) {
				if (!isRepeated || !(error instanceof TintypeError) || error.code !== 'no_such_image')   // else an earlier attempt has deleted it
					throw error;
			} finally {
				isRepeated = true;
			}
		}, { ...this.retry, signal });
	}

	/**
	 * Delete any number of images: what became of each. Those that a later call may delete have a `code` other than `no_such_image`.
	 *
	 * @param {Iterable<string>} imageIds
	 * @param {CallOptions} [options]
	 * @returns {Promise<import('./types.js').Deleted[]>}
	 */
	async deleteMany(imageIds, { signal } = {}) {
		const all = [...imageIds], results = [];
		for (let i = 0; i < all.length; i += DELETED_AT_ONCE)
			results.push(...(await this.#call('POST', '/images/delete', { json: { imageIds: all.slice(i, i + DELETED_AT_ONCE) }, signal })).results);
		return results;
	}

	/**
	 * Make a signed link that lives as long as the caller says. For `<img>` on a page the `links` of records do, which caches can keep.
	 *
	 * @param {string} imageId
	 * @param {CallOptions & { expiresIn?: number, preset?: string, format?: 'webp' | 'jpeg' | 'png' }} [options]  expiresIn: seconds, up to 604800;
	 *     preset: of a thumbnail, such as `small`; without one it is the original's
	 * @returns {Promise<import('./types.js').Link>}
	 */
	async link(imageId, { expiresIn, preset, format = 'webp', signal } = {}) {
		const path = `/images/${idPart(imageId)}`;
		let variant = 'original';
		if (preset) {
			const { links } = await this.#call('GET', path, { signal });
			const address = links?.[preset]?.[format];
			if (!address)
				throw new TintypeError(`The image has no thumbnail "${preset}" in ${format}.`, { code: 'no_such_variant', imageId });
			variant = new URL(address).pathname.replace(/^.*\//, '');
		}
		return this.#call('POST', `${path}/links`, { json: { variant, expiresIn }, signal });
	}

	/** What may be uploaded. @param {CallOptions} [options] @returns {Promise<import('./types.js').Limits>} */
	limits({ signal } = {}) {
		return this.#call('GET', '/limits', { signal });
	}

	/** Who the caller is; of a user also what it uses and may use. @param {CallOptions} [options] @returns {Promise<import('./types.js').Caller>} */
	me({ signal } = {}) {
		return this.#call('GET', '/me', { signal });
	}
}
