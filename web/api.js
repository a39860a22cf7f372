// The JSON API, as any client may call it: see doc/api.md. Errors become a
// Refusal, whose message is shown to the user.
import { texts } from './texts.js';

const base = new URL('prod/', document.baseURI);
let key = sessionStorage.getItem('key') ?? '';
let session = null;

/** Users sign in: sign_in.js has their tokens. */
export const useSession = module => { session = module; };

/** canRetry: a retry may succeed, after retryAfter seconds where the server says so. status 0: there was no response. */
export class Refusal extends Error {
	constructor(sentence, { status = 0, code = '', canRetry = false, retryAfter } = {}) {
		super(sentence);
		Object.assign(this, { status, code, canRetry, retryAfter });
	}
	/** The key, or the token, is missing or wrong. */
	get wantsKey() {
		return this.code === 'key_needed' || this.code === 'token_invalid';
	}
}

/** A key or a session is in use. */
export const hasKey = () => key !== '' || Boolean(session?.isSignedIn());

/** The API key stays in this tab: sessionStorage at most. "" forgets it. */
export function useKey(text) {
	key = text;
	if (key)
		sessionStorage.setItem('key', key);
	else
		sessionStorage.removeItem('key');
}

async function problemOf(answer) {
	const problem = await answer.json().catch(() => ({}));
	const sentence = problem.detail || texts.answered(answer.status, answer.statusText);
	return new Refusal(sentence, { status: answer.status, code: problem.code, canRetry: answer.status >= 500 || answer.status === 408 || answer.status === 429,
		retryAfter: Number(answer.headers.get('Retry-After')) || undefined });
}

/** Call the API; returns the response's JSON, or null where it has none. Throws a Refusal. A token that is refused is renewed once. */
async function call(method, path, given = {}) {
	const used = session?.token();
	try {
		return await callOnce(method, path, given);
	} catch (refusal) {
		if (!used || refusal.code !== 'token_invalid')
			throw refusal;
		if (session.token() === used)   // else another call has renewed it meanwhile
			await session.renew().catch(why => {
				if (why instanceof TypeError)   // the issuer could not be reached: the session may still be good
					throw new Refusal(texts.lost, { canRetry: true });
				session.forget();
				throw refusal;
			});
		return callOnce(method, path, given);
	}
}

/** Its bytes in UTF-8, as fetch takes them: anything may be typed into the field, and fetch throws for characters above U+00FF. */
const asHeader = text => String.fromCharCode(...new TextEncoder().encode(text));

/** body: sent as JSON. send: in place of fetch, with a body of its own. */
async function callOnce(method, path, { body, send = fetch, bearer = session?.token() || key, headers: more = {}, signal, keepalive }) {
	const headers = { ...more };
	if (bearer)
		headers.Authorization = `Bearer ${asHeader(bearer)}`;
	if (bearer && bearer === key)
		headers['X-Api-Key'] = asHeader(key);   // API Gateway asks for its key there
	if (body)
		headers['Content-Type'] = 'application/json';
	let answer;
	try {
		answer = await send(new URL(path, base), { method, headers, signal, keepalive, body: body && JSON.stringify(body), cache: 'no-store' });
	} catch (error) {
		if (signal?.aborted || error instanceof Refusal)
			throw error;
		throw new Refusal(texts.lost, { canRetry: true });
	}
	if (!answer.ok)
		throw await problemOf(answer);
	return answer.status === 204 ? null : answer.json();
}

/** Members without a value are left out. */
const queryOf = members => `?${new URLSearchParams(Object.entries(members).filter(([, value]) => value))}`;

export const me = () => call('GET', 'me');
export const limits = () => call('GET', 'limits');
export const openSlot = (file, signal) => call('POST', 'upload', { body: { fileName: file.name, fileType: file.type, fileSize: file.size }, signal });
/** An image in one request; the same with the same requestKey makes no second one. send(url, { method, headers, signal }) sends the bytes. */
export const sendImage = (file, requestKey, { send, signal }) => call('POST', `images${queryOf({ fileName: file.name })}`, { send, signal, headers: { 'Content-Type': file.type, 'Idempotency-Key': requestKey } });
export const complete = imageId => call('POST', `images/${imageId}/complete`);
export const image = imageId => call('GET', `images/${imageId}`);
/** A page of the list: { limit, cursor, skip, order, name, type, from, to, status }, each left out where it is not given. */
export const page = ({ signal, ...given }) => call('GET', `images${queryOf({ urls: 'false', ...given })}`, { signal });
/** { url, expiresAt } of a link that is good for so many seconds. */
export const makeLink = (imageId, expiresIn) => call('POST', `images/${imageId}/links`, { body: { expiresIn } });
/** Change members of a record; where `version` is given only if the record still has that one, else the Refusal's code is "precondition". */
export const change = (imageId, body, version) => call('PATCH', `images/${imageId}`, { body, headers: version && { 'If-Match': `"${version}"` } });
/** A permanent link to the picture itself. */
export const fileLink = imageId => new URL(`images/${imageId}/file`, base).href;

/** The link to give to others: to the picture itself where it is public or no key is required; else to this page with the picture open, as of one whose record is not known. */
export function linkTo(imageId, record) {
	if (record?.visibility === 'public' && record.links?.original)
		return record.links.original;
	return record && !hasKey() ? fileLink(imageId) : new URL(`./#${imageId}`, document.baseURI).href;
}

// The uploader may delete a picture without the key, by the slot's token. Stored like the key.
const tokens = new Map(JSON.parse(sessionStorage.getItem('tokens') ?? '[]'));
const KEEP_MS = 500;
let keeping = 0;
function storeTokens() {
	keeping = 0;
	sessionStorage.setItem('tokens', JSON.stringify([...tokens].slice(-500)));
}
/** Store them soon, once for all that change until then. */
const keepTokens = () => { keeping ||= setTimeout(storeTokens, KEEP_MS); };
addEventListener('pagehide', () => keeping && storeTokens());

export function ownToken(imageId, token) {
	if (!imageId || !token)   // a key was sent, and deletes it too
		return;
	tokens.set(imageId, token);
	keepTokens();
}

/** Whether it was uploaded in this tab, without a key. */
export const isOwn = imageId => tokens.has(imageId);

const GONE = 'no_such_image';
async function removeOwn(imageId, keepalive) {
	await call('DELETE', `images/${imageId}`, { keepalive, headers: { 'X-Delete-Token': tokens.get(imageId) } }).catch(refusal => {
		if (refusal.code !== GONE)
			throw refusal;
	});
	tokens.delete(imageId);
	keepTokens();
}

const DELETED_AT_ONCE = 1000;
/**
 * Delete images; those that are gone already count as deleted. Resolves with those that are still there: imageId -> why.
 * keepalive  even if the page is left meanwhile
 */
export async function removeMany(imageIds, keepalive = false) {
	const kept = new Map(), own = imageIds.filter(isOwn), others = imageIds.filter(id => !isOwn(id));
	const calls = own.map(id => removeOwn(id, keepalive).catch(refusal => { kept.set(id, refusal.message); }));
	for (let at = 0; at < others.length; at += DELETED_AT_ONCE)
		calls.push(call('POST', 'images/delete', { keepalive, body: { imageIds: others.slice(at, at + DELETED_AT_ONCE) } })
			.then(({ results }) => results.forEach(one => one.deleted || one.code === GONE || kept.set(one.imageId, texts.answered(one.code, '')))));
	await Promise.all(calls);
	return kept;
}

export async function remove(imageId) {
	const kept = await removeMany([imageId]);
	if (kept.size > 0)
		throw new Refusal(kept.get(imageId));
}
