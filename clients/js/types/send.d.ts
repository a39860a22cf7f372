export type SendOptions = {
    /**
     * bytes of the file. After a failed attempt it begins again
     */
    onProgress?: (sent: number, total: number) => void;
    signal?: AbortSignal;
};
export type Answer = {
    status: number;
    text: string;
    header: (name: string) => string | null;
};
export type Sending = {
    url: string;
    method: string;
    headers: Record<string, string>;
    body: Blob | FormData;
    size: number;
};
export type Watched = {
    onProgress: (sent: number) => void;
    signal: AbortSignal;
};
/**
 * Send a body once. A connection on which nothing moves for 30 seconds, or two minutes while the response is awaited, counts as lost, where that can be told.
 *
 * @param {Sending} sending
 * @param {SendOptions} options
 * @returns {Promise<Answer>}  of a 2xx; others throw a TintypeError
 */
export declare function send(sending: Sending, { onProgress, signal }: SendOptions): Promise<Answer>;
/**
 * Send the bytes of a file to its slot, once. A slot that is a form is sent as one.
 *
 * @param {import('./types.js').Slot} slot
 * @param {Blob} file
 * @param {SendOptions} options
 */
export declare function sendOnce(slot: import('./types.js').Slot, file: Blob, options: SendOptions): Promise<Answer>;
