import { Upload } from './upload.js';
export type Image = import('./types.js').Image;
export type UploadedImage = import('./types.js').UploadedImage;
export type ListedImage = import('./types.js').ListedImage;
export type ListQuery = import('./types.js').ListQuery;
export type FileContent = import('./file.js').FileContent;
export type ClientOptions = {
    /**
     * the API with its stage, `http://127.0.0.1:8080/prod`; in a page it may be relative
     */
    url: string;
    /**
     * an API key, or a token of the issuer; or a function that gives one, which is
     * called again with a key that the server has refused, so that it can renew a token. '' is an anonymous caller
     */
    key?: string | ((refused?: string) => string | Promise<string>);
    /**
     * the user in whose name all calls are made; needs a key with the scope act-as
     */
    onBehalfOf?: string;
    /**
     * of every call to the API, as `{ 'X-Api-Key': '…' }` for API Gateway
     */
    headers?: Record<string, string>;
    retry?: import('./retry.js').RetryOptions;
    /**
     * of one attempt at a call without a file: 60000
     */
    timeoutMs?: number;
};
export type CallOptions = {
    signal?: AbortSignal;
};
export type FileOptions = {
    /**
     * else the file's own, or `image`
     */
    fileName?: string;
    metadata?: import('./types.js').Metadata;
    /**
     * so that another upload with the same key, as after a restart of the program, makes no second image. Without a
     * key or a token it is for uploadDirect alone, with 32 characters or more that nobody guesses. Without it each upload makes one of its own
     */
    idempotencyKey?: string;
};
export type SlotOptions = {
    /**
     * in place of the type that the first bytes are of
     */
    fileType?: string;
    visibility?: import('./types.js').Visibility;
    maxSize?: number;
    allowedTypes?: string[];
    expiresIn?: number;
};
export type Uploaded = {
    imageId: string;
    /**
     * its record; null if the caller may upload but not read
     */
    image: UploadedImage | null;
    /**
     * of an anonymous caller: deletes the image
     */
    deleteToken?: string;
};
export declare class Client {
    #private;
    /** @internal */
    retry: import("./retry.js").RetryOptions;
    /** @param {ClientOptions} options */
    constructor({ url, key, onBehalfOf, headers, retry, timeoutMs }: ClientOptions);
    /**
     * Upload a file: a slot is requested, the bytes are sent to it, and the record is returned once they are verified. What fails for a while is tried
     * again, without making a second image. Aborting deletes what there is of it, unless an idempotencyKey was given.
     *
     * @param {FileContent} file
     * @param {FileOptions & SlotOptions & import('./send.js').SendOptions} [options]
     * @returns {Promise<Uploaded>}
     */
    upload(file: FileContent, { onProgress, signal, ...options }?: FileOptions & SlotOptions & import('./send.js').SendOptions): Promise<Uploaded>;
    /**
     * An upload that can be run again after it has failed: it goes on with the same image.
     *
     * @param {FileContent} file
     * @param {FileOptions & SlotOptions} [options]
     */
    prepare(file: FileContent, options?: FileOptions & SlotOptions): Upload;
    /**
     * Upload a file in one request, without a slot: for scripts and servers. Pages of other origins are refused, and so is every call on AWS.
     * A call whose response is lost is repeated, and makes no second image.
     *
     * @param {FileContent} file
     * @param {FileOptions & import('./send.js').SendOptions} [options]
     * @returns {Promise<UploadedImage>}
     */
    uploadDirect(file: FileContent, { fileName, metadata, idempotencyKey, onProgress, signal }?: FileOptions & import('./send.js').SendOptions): Promise<UploadedImage>;
    /**
     * A slot for one image; see `sendToSlot`. With an idempotencyKey that was used before it may be the image's record.
     *
     * @param {import('./types.js').SlotRequest} request
     * @param {CallOptions & { idempotencyKey?: string }} [options]
     * @returns {Promise<import('./types.js').Slot | Image>}
     */
    slot(request: import('./types.js').SlotRequest, { idempotencyKey, signal }?: CallOptions & {
        idempotencyKey?: string;
    }): Promise<import('./types.js').Slot | Image>;
    /**
     * The images, request by request: `for await (const image of client.list({ name: 'cat' }))`.
     *
     * @template {ListQuery} [Q={}]
     * @param {Q} [query]
     * @param {CallOptions} [options]
     * @returns {AsyncGenerator<import('./types.js').Listed<Q>, void, undefined>}
     */
    list<Q extends ListQuery = {}>(query?: Q, options?: CallOptions): AsyncGenerator<import('./types.js').Listed<Q>, void, undefined>;
    /**
     * One page of a list; `cursor` is the nextCursor of the one before.
     *
     * @template {ListQuery & { cursor?: string }} [Q={}]
     * @param {Q} [query]
     * @param {CallOptions} [options]
     * @returns {Promise<import('./types.js').Page<import('./types.js').Listed<Q>>>}
     */
    page<Q extends ListQuery & {
        cursor?: string;
    } = {}>(query?: Q, { signal }?: CallOptions): Promise<import('./types.js').Page<import('./types.js').Listed<Q>>>;
    /**
     * The record of an image, whatever its state.
     *
     * @param {string} imageId
     * @param {CallOptions} [options]
     * @returns {Promise<Image>}
     */
    get(imageId: string, { signal }?: CallOptions): Promise<Image>;
    /**
     * Wait until an image is not pending any more.
     *
     * @param {string} imageId
     * @param {CallOptions} [options]  signal: such as AbortSignal.timeout(60000); without one it waits until the slot has expired and its record is gone
     * @returns {Promise<import('./types.js').UploadedImage | import('./types.js').RejectedImage>}
     */
    wait(imageId: string, { signal }?: CallOptions): Promise<import('./types.js').UploadedImage | import('./types.js').RejectedImage>;
    /**
     * Change visibility, name or metadata.
     *
     * @param {string} imageId
     * @param {import('./types.js').Changes} changes
     * @param {CallOptions & { ifVersion?: number }} [options]  ifVersion: the change is made only while the record has this version; else the error is `precondition`
     * @returns {Promise<Image>}
     */
    update(imageId: string, changes: import('./types.js').Changes, { ifVersion, signal }?: CallOptions & {
        ifVersion?: number;
    }): Promise<Image>;
    /**
     * Delete an image. One that is not there is the error `no_such_image`.
     *
     * @param {string} imageId
     * @param {CallOptions & { deleteToken?: string }} [options]
     * @returns {Promise<void>}
     */
    delete(imageId: string, { deleteToken, signal }?: CallOptions & {
        deleteToken?: string;
    }): Promise<void>;
    /**
     * Delete any number of images: what became of each. Those that a later call may delete have a `code` other than `no_such_image`.
     *
     * @param {Iterable<string>} imageIds
     * @param {CallOptions} [options]
     * @returns {Promise<import('./types.js').Deleted[]>}
     */
    deleteMany(imageIds: Iterable<string>, { signal }?: CallOptions): Promise<import('./types.js').Deleted[]>;
    /**
     * Make a signed link that lives as long as the caller says. For `<img>` on a page the `links` of records do, which caches can keep.
     *
     * @param {string} imageId
     * @param {CallOptions & { expiresIn?: number, preset?: string, format?: 'webp' | 'jpeg' | 'png' }} [options]  expiresIn: seconds, up to 604800;
     *     preset: of a thumbnail, such as `small`; without one it is the original's
     * @returns {Promise<import('./types.js').Link>}
     */
    link(imageId: string, { expiresIn, preset, format, signal }?: CallOptions & {
        expiresIn?: number;
        preset?: string;
        format?: 'webp' | 'jpeg' | 'png';
    }): Promise<import('./types.js').Link>;
    /** What may be uploaded. @param {CallOptions} [options] @returns {Promise<import('./types.js').Limits>} */
    limits({ signal }?: CallOptions): Promise<import('./types.js').Limits>;
    /** Who the caller is; of a user also what it uses and may use. @param {CallOptions} [options] @returns {Promise<import('./types.js').Caller>} */
    me({ signal }?: CallOptions): Promise<import('./types.js').Caller>;
}
