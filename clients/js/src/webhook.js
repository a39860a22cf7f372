// Verifies webhooks: doc/webhooks.md, https://www.standardwebhooks.com. By Web Crypto, which compares in constant time and is not only
// in Node.js.
import { TintypeError } from './error.js';

const TOLERANCE_S = 300;
const encoder = new TextEncoder();

/** @param {string} text @returns {Uint8Array<ArrayBuffer> | null} */
function fromBase64(text) {
	try {
		return Uint8Array.from(atob(text), c => c.charCodeAt(0));
	} catch {
		return null;
	}
}

/** @param {string} secret */
async function keyOf(secret) {
	const bytes = secret.startsWith('whsec_') ? fromBase64(secret.slice(6)) : null;
	if (!bytes || bytes.length < 24)
		throw new TypeError('The secret is not one of TINTYPE_WEBHOOK_SECRET: "whsec_" and the base64 of at least 24 bytes.');
	return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
}

/** @param {string} why @param {string} code */
const refuse = (why, code) => new TintypeError(why, { status: 400, code });

/** @param {Headers | Record<string, string | string[] | undefined>} headers @param {string} name */
function headerOf(headers, name) {
	const value = headers instanceof Headers ? headers.get(name) : headers[Object.keys(headers).find(one => one.toLowerCase() === name) ?? name];
	if (typeof value !== 'string' || value === '')
		throw refuse(`The header ${name} is missing.`, 'webhook_header_missing');
	return value;
}

/** @param {string | Uint8Array | ArrayBuffer} body @returns {Uint8Array} */
function bytesOf(body) {
	if (typeof body === 'string')
		return encoder.encode(body);
	if (body instanceof ArrayBuffer)
		return new Uint8Array(body);
	if (body instanceof Uint8Array)
		return body;
	throw new TypeError('The body must be the bytes or the text as they came, before they are parsed: with Express by express.raw({ type: () => true }).');
}

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
export async function verifyWebhook({ secret, headers, body, toleranceSeconds = TOLERANCE_S }) {
	const keys = await Promise.all(secret.split(',').map(one => keyOf(one.trim())));
	const id = headerOf(headers, 'webhook-id'), timestamp = headerOf(headers, 'webhook-timestamp'), signatures = headerOf(headers, 'webhook-signature');
	const content = bytesOf(body), head = encoder.encode(`${id}.${timestamp}.`);
	if (!/^[0-9]{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > toleranceSeconds)
		throw refuse('The webhook is too old, or the clock of one side is wrong.', 'webhook_time');
	const signed = new Uint8Array(head.length + content.length);
	signed.set(head);
	signed.set(content, head.length);
	for (const [, base64] of signatures.matchAll(/(?:^| )v1,([A-Za-z0-9+/]{43}=)(?= |$)/g))
		for (const key of keys)
			if (await crypto.subtle.verify('HMAC', key, /** @type {Uint8Array<ArrayBuffer>} */ (fromBase64(base64)), signed))
				return JSON.parse(new TextDecoder().decode(content));
	throw refuse('The webhook is not signed with this secret.', 'webhook_signature');
}
