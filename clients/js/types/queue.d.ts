export type UploadItem = {
    id: number;
    name: string;
    /**
     * bytes
     */
    size: number;
    state: 'waiting' | 'sending' | 'done' | 'failed';
    /**
     * bytes
     */
    sent: number;
    /**
     * the record, once it is done and if the caller may read it
     */
    image: import('./types.js').UploadedImage | null;
    /**
     * once it is done
     */
    imageId?: string;
    deleteToken?: string;
    /**
     * why it failed
     */
    error?: Error;
    /**
     * whether another try may help
     */
    canRetry: boolean;
};
export type PrepareOptions = import('./client.js').FileOptions & import('./client.js').SlotOptions;
export type QueueOptions = {
    /**
     * how many are sent at a time: 3
     */
    atOnce?: number;
    /**
     * of the upload of a file, such as its metadata
     */
    optionsOf?: (file: import('./file.js').FileContent) => PrepareOptions;
    /**
     * called with each one that is done
     */
    onUploaded?: (item: UploadItem) => void;
};
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
export declare class UploadQueue {
    #private;
    /** @param {Pick<import('./client.js').Client, 'prepare'>} client @param {QueueOptions} [options] */
    constructor(client: Pick<import('./client.js').Client, 'prepare'>, options?: QueueOptions);
    /** In the order in which they were added. The array is another one after each change. */
    getItems: () => readonly UploadItem[];
    /** Be called after each change; gives the function that ends it. @param {() => void} listener */
    subscribe: (listener: () => void) => () => void;
    /** Add files, as of an `<input type="file">`. @param {Iterable<import('./file.js').FileContent>} files */
    add: (files: Iterable<import('./file.js').FileContent>) => void;
    /** Take one out; an upload that is not done ends. @param {number} id */
    remove: (id: number) => void;
    /** Try one again that has failed. @param {number} id */
    retry: (id: number) => void;
    /** Take those out that are done. */
    clearDone: () => void;
    /** End and take out all of them. */
    stop: () => void;
}
