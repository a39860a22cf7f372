/**
 * Why a call or an upload failed. `message` is a sentence for people: the server's own where it answered.
 *
 * An aborted call is not a TintypeError: it throws the reason of its AbortSignal.
 */
export declare class TintypeError extends Error {
    /** The status of the response; 0 if there was none. */
    status: number;
    /** For programs: `code` of the API, as `type_not_allowed`; `Code` of the storage, as `AccessDenied`; `image_rejected`, `connection_lost`, `timeout`. */
    code: string;
    /** For looking it up in the server's log. */
    requestId: string | undefined;
    /** Seconds after which to ask the server again. */
    retryAfter: number | undefined;
    /** Whether the same call may succeed later. */
    canRetry: boolean;
    /** The image that an upload was for, once there was a slot. */
    imageId: string | undefined;
    /**
     * @param {string} message
     * @param {{ status?: number, code: string, requestId?: string, retryAfter?: number, canRetry?: boolean, imageId?: string, cause?: unknown }} about
     */
    constructor(message: string, { status, code, requestId, retryAfter, canRetry, imageId, cause }: {
        status?: number;
        code: string;
        requestId?: string;
        retryAfter?: number;
        canRetry?: boolean;
        imageId?: string;
        cause?: unknown;
    });
}
/**
 * The error that a response with another status than 2xx is.
 *
 * @param {number} status
 * @param {string} text  its body
 * @param {(name: string) => string | null} header
 */
export declare function errorOf(status: number, text: string, header: (name: string) => string | null): TintypeError;
/** There was no response, or it ended too early. @param {unknown} cause */
export declare const lostConnection: (cause: unknown) => TintypeError;
