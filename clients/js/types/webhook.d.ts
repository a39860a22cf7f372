/**
 * Verify a webhook: its event, or an error that says why it is not genuine. Answer that with the status 400 or 401, and do nothing.
 *
 * An event may come more than once: the header webhook-id is the same each time.
 *
 * @param {object} request
 * @param {string} request.secret  as TINTYPE_WEBHOOK_SECRET of the server; two with a comma between them while it is being replaced
 * @param {Headers | Record<string, string | string[] | undefined>} request.headers
 * @param {string | Uint8Array | ArrayBuffer} request.body  as it came
 * @param {number} [request.toleranceSeconds]  how far its timestamp may be from the time here: 300
 * @returns {Promise<import('./types.js').ImageEvent>}
 */
export declare function verifyWebhook({ secret, headers, body, toleranceSeconds }: {
    secret: string;
    headers: Headers | Record<string, string | string[] | undefined>;
    body: string | Uint8Array | ArrayBuffer;
    toleranceSeconds?: number;
}): Promise<import('./types.js').ImageEvent>;
