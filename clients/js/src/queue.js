// Many uploads: some at a time, each with its state. Without a framework; react.js makes a hook of it.
import { blobOf, nameOf } from './file.js';
import { TintypeError } from './error.js';

/**
 * @typedef {object} UploadItem  replaced by another object with each change
 * @property {number} id
 * @property {string} name
 * @property {number} size  bytes
 * @property {'waiting' | 'sending' | 'done' | 'failed'} state
 * @property {number} sent  bytes
 * @property {import('./types.js').UploadedImage | null} image  the record, once it is done and if the caller may read it
 * @property {string} [imageId]  once it is done
 * @property {string} [deleteToken]
 * @property {Error} [error]  why it failed
 * @property {boolean} canRetry  whether another try may help
 *
 * @typedef {import('./client.js').FileOptions & import('./client.js').SlotOptions} PrepareOptions
 *
 * @typedef {object} QueueOptions
 * @property {number} [atOnce]  how many are sent at a time: 3
 * @property {(file: import('./file.js').FileContent) => PrepareOptions} [optionsOf]  of the upload of a file, such as its metadata
 * @property {(item: UploadItem) => void} [onUploaded]  called with each one that is done
 */

export class UploadQueue {
	#client;
	#options;
	#number = 0;
	/** @type {readonly UploadItem[]} */
	#items = [];
	/** @type {Map<number, { upload: import('./upload.js').Upload, aborted?: AbortController }>} */
	#work = new Map();
	#listeners = new Set();

	/** @param {Pick<import('./client.js').Client, 'prepare'>} client @param {QueueOptions} [options] */
	constructor(client, options = {}) {
		this.#client = client;
		this.#options = options;
	}

	/** In the order in which they were added. The array is another one after each change. */
	getItems = () => this.#items;

	/** Be called after each change; gives the function that ends it. @param {() => void} listener */
	subscribe = listener => {
		this.#listeners.add(listener);
		return () => { this.#listeners.delete(listener); };
	};

	/** Add files, as of an `<input type="file">`. @param {Iterable<import('./file.js').FileContent>} files */
	add = files => {
		const added = Array.from(files, file => {
			const id = ++this.#number, options = this.#options.optionsOf?.(file) ?? {};
			this.#work.set(id, { upload: this.#client.prepare(file, options) });
			return /** @type {UploadItem} */ ({ id, name: nameOf(file, options.fileName), size: blobOf(file).size, state: 'waiting', sent: 0, image: null, canRetry: false });
		});
		this.#set([...this.#items, ...added]);
		this.#pump();
	};

	/** Take one out; an upload that is not done ends. @param {number} id */
	remove = id => {
		this.#set(this.#items.filter(item => item.id !== id));
		this.#work.get(id)?.aborted?.abort();
		this.#work.delete(id);
		this.#pump();
	};

	/** Try one again that has failed. @param {number} id */
	retry = id => {
		if (this.#items.some(item => item.id === id && item.state === 'failed'))
			this.#change(id, { state: 'waiting', sent: 0, error: undefined, canRetry: false });
		this.#pump();
	};

	/** Take those out that are done. */
	clearDone = () => this.#set(this.#items.filter(item => item.state !== 'done'));

	/** End and take out all of them. */
	stop = () => this.#items.forEach(({ id }) => this.remove(id));

	/** @param {readonly UploadItem[]} items */
	#set(items) {
		this.#items = items;
		this.#listeners.forEach(listener => listener());
	}

	/** @param {number} id @param {Partial<UploadItem>} more */
	#change(id, more) {
		this.#set(this.#items.map(item => item.id === id ? { ...item, ...more } : item));
	}

	#pump() {
		const free = (this.#options.atOnce ?? 3) - this.#items.filter(item => item.state === 'sending').length;
		for (const { id } of this.#items.filter(item => item.state === 'waiting').slice(0, Math.max(0, free)))
			this.#run(id);
	}

	/** @param {number} id */
	async #run(id) {
		const work = this.#work.get(id), aborted = new AbortController();
		if (!work)
			return;
		work.aborted = aborted;
		this.#change(id, { state: 'sending' });
		try {
			const done = await work.upload.run({ signal: aborted.signal, onProgress: sent => this.#change(id, { sent }) });
			this.#work.delete(id);
			this.#change(id, { ...done, state: 'done' });
			const item = this.#items.find(one => one.id === id);
			if (item)
				this.#options.onUploaded?.(item);
		} catch (error) {
			this.#change(id, { state: 'failed', error: /** @type {Error} */ (error), canRetry: error instanceof TintypeError && error.canRetry });
		}
		this.#pump();
	}
}
