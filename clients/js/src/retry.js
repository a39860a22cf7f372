// What is tried again, when, and how often.
import { TintypeError } from './error.js';

/**
 * @typedef {object} RetryOptions
 * @property {number} [attempts]  how often it is tried in all: 8
 * @property {number} [firstDelayMs]  before the second attempt: 500; it doubles with each one, and a random part of up to a half is left out
 * @property {number} [maxDelayMs]  the longest that is waited, also where the server asks for more by Retry-After: it is an error then. 60000
 */

const DEFAULTS = { attempts: 8, firstDelayMs: 500, maxDelayMs: 60000 };

/** By which the server knows a repeated request, and which nobody guesses. crypto.randomUUID is missing on pages without https. */
export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');

/** @param {number} ms @param {AbortSignal} [signal] @returns {Promise<void>} */
export function pause(ms, signal) {
	return new Promise((resolve, reject) => {
		const abort = () => { clearTimeout(timer); reject(signal?.reason); };
		const timer = setTimeout(() => { signal?.removeEventListener('abort', abort); resolve(); }, ms);
		signal?.addEventListener('abort', abort, { once: true });
	});
}

/**
 * Run it until it succeeds, fails for good, or was tried often enough.
 *
 * @template T
 * @param {() => Promise<T>} run
 * @param {RetryOptions & { signal?: AbortSignal, isSafe?: (error: TintypeError) => boolean }} options  isSafe: whether it may be repeated after this error
 * @returns {Promise<T>}
 */
export async function withRetries(run, { signal, isSafe = () => true, ...given }) {
	const { attempts, firstDelayMs, maxDelayMs } = { ...DEFAULTS, ...given };
	for (let n = 1;; n++) {
		signal?.throwIfAborted();
		try {
			return await run();
		} catch (error) {
			signal?.throwIfAborted();
			if (!(error instanceof TintypeError) || !error.canRetry || !isSafe(error) || n >= attempts)
				throw error;
			const asked = (error.retryAfter ?? 0) * 1000;
			if (asked > maxDelayMs)
				throw error;
			await pause(asked || Math.min(maxDelayMs, firstDelayMs * 2 ** (n - 1)) * (1 - Math.random() / 2), signal);
		}
	}
}
