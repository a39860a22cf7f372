import { TintypeError } from './error.js';
export type RetryOptions = {
    /**
     * how often it is tried in all: 8
     */
    attempts?: number;
    /**
     * before the second attempt: 500; it doubles with each one, and a random part of up to a half is left out
     */
    firstDelayMs?: number;
    /**
     * the longest that is waited, also where the server asks for more by Retry-After: it is an error then. 60000
     */
    maxDelayMs?: number;
};
/** By which the server knows a repeated request, and which nobody guesses. crypto.randomUUID is missing on pages without https. */
export declare const newKey: () => string;
/** @param {number} ms @param {AbortSignal} [signal] @returns {Promise<void>} */
export declare function pause(ms: number, signal?: AbortSignal): Promise<void>;
/**
 * Run it until it succeeds, fails for good, or was tried often enough.
 *
 * @template T
 * @param {() => Promise<T>} run
 * @param {RetryOptions & { signal?: AbortSignal, isSafe?: (error: TintypeError) => boolean }} options  isSafe: whether it may be repeated after this error
 * @returns {Promise<T>}
 */
export declare function withRetries<T>(run: () => Promise<T>, { signal, isSafe, ...given }: RetryOptions & {
    signal?: AbortSignal;
    isSafe?: (error: TintypeError) => boolean;
}): Promise<T>;
