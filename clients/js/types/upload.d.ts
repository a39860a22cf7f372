export type Slot = import('./types.js').Slot;
export type Uploaded = import('./client.js').Uploaded;
/**
 * Send the bytes of a file to a slot, for a page whose own server has requested it. What fails for a while is tried again with the same slot.
 *
 * @param {Slot} slot
 * @param {Blob} file
 * @param {import('./send.js').SendOptions & { retry?: import('./retry.js').RetryOptions }} [options]
 * @returns {Promise<void>}  when the bytes are stored
 */
export declare function sendToSlot(slot: Slot, file: Blob, { retry, ...options }?: import('./send.js').SendOptions & {
    retry?: import('./retry.js').RetryOptions;
}): Promise<void>;
/** An upload that can be run again after it has failed; of `Client.prepare`. */
export declare class Upload {
    #private;
    /**
     * @param {import('./send.js').SendOptions} [options]
     * @returns {Promise<Uploaded>}
     */
    run({ onProgress, signal }?: import('./send.js').SendOptions): Promise<Uploaded>;
}
