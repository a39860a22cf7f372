// The one class of errors, and how it is made of what a server answered: problem details (RFC 9457) of the API, S3's XML of the storage.

const ENTITIES = /** @type {Record<string, string>} */ ({ lt: '<', gt: '>', quot: '"', apos: '\'', amp: '&' });

/**
 * Why a call or an upload failed. `message` is a sentence for people: the server's own where it answered.
 *
 * An aborted call is not a TintypeError: it throws the reason of its AbortSignal.
 */
export class TintypeError extends Error {
	/**
	 * @param {string} message
	 * @param {{ status?: number, code: string, requestId?: string, retryAfter?: number, canRetry?: boolean, imageId?: string, cause?: unknown }} about
	 */
	constructor(message, { status = 0, code, requestId, retryAfter, canRetry = false, imageId, cause }) {
		super(message, { cause });
		this.name = 'TintypeError';
		/** The status of the response; 0 if there was none. */
		this.status = status;
		/** For programs: `code` of the API, as `type_not_allowed`; `Code` of the storage, as `AccessDenied`; `image_rejected`, `connection_lost`, `timeout`. */
		this.code = code;
		/** For looking it up in the server's log. */
		this.requestId = requestId;
		/** Seconds after which to ask the server again. */
		this.retryAfter = retryAfter;
		/** Whether the same call may succeed later. */
		this.canRetry = canRetry;
		/** The image that an upload was for, once there was a slot. */
		this.imageId = imageId;
	}
}

/** An element's text of S3's errors; searched as text, since not every platform parses XML. @param {string} xml @param {string} name */
const elementOf = (xml, name) => (xml.match(`<${name}>([^<]*)</${name}>`)?.[1] ?? '').replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi,
	(all, dec, hex, word) => ENTITIES[word] ?? (dec || hex ? String.fromCodePoint(parseInt(dec ?? hex, dec ? 10 : 16)) : all)).trim();

/** The members of problem details, or of S3's XML; none if it is neither, as of a proxy. @param {string} text @returns {{ detail?: string, code?: string, requestId?: string }} */
function problemOf(text) {
	if (text.startsWith('<'))
		return { detail: elementOf(text, 'Message'), code: elementOf(text, 'Code'), requestId: elementOf(text, 'RequestId') };
	try {
		return JSON.parse(text) ?? {};
	} catch {
		return {};
	}
}

/** Statuses after which the same request may succeed. @param {number} status */
const isTemporary = status => status === 408 || status === 429 || status >= 500 && status !== 501 && status !== 505;

/**
 * The error that a response with another status than 2xx is.
 *
 * @param {number} status
 * @param {string} text  its body
 * @param {(name: string) => string | null} header
 */
export function errorOf(status, text, header) {
	const { detail, code, requestId } = problemOf(text), retryAfter = Number(header('Retry-After'));
	return new TintypeError(detail || `The server answered with the status ${status}.`, {
		status, code: code || `http_${status}`, requestId: requestId || header('x-amzn-RequestId') || header('x-amz-request-id') || undefined,
		retryAfter: retryAfter > 0 ? retryAfter : undefined, canRetry: isTemporary(status),
	});
}

/** There was no response, or it ended too early. @param {unknown} cause */
export const lostConnection = cause => new TintypeError('The server could not be reached, or the connection was lost.', { code: 'connection_lost', canRetry: true, cause });
