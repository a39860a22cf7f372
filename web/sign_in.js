// Sign-in at the issuer that GET /limits names: the authorization code flow with PKCE. Tokens are in memory alone; what has to survive
// the way to the issuer and back is in sessionStorage, and is removed on the return.
// Source: RFC 6749 4.1 and 6, RFC 7636, RFC 9207, OpenID Connect Core 1.0 and RP-Initiated Logout 1.0.

const PENDING = 'signIn';
const RENEW_AT = 0.8;   // of a token's life

let issuer = null;   // signIn of /limits
let tokens = null;   // the last answer of the token endpoint
let renewing = null, timer, channel;

const base64url = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
/** The page's own address, exactly as it is registered at the issuer. */
const redirectUri = () => new URL('.', document.baseURI).href;

export const isSignedIn = () => tokens !== null;
/** What goes into Authorization; "" when nobody is signed in. */
export const token = () => (issuer?.token === 'id' ? tokens?.id_token : tokens?.access_token) ?? '';

function keep(answer) {
	tokens = { ...tokens, ...answer };
	clearTimeout(timer);
	if (answer.expires_in > 0)
		timer = setTimeout(() => renew().catch(() => {}), Math.min(answer.expires_in * 1000 * RENEW_AT, 2 ** 31 - 1));
}

async function askTokens(parameters) {
	const answer = await fetch(issuer.tokenUrl, { method: 'POST', body: new URLSearchParams({ client_id: issuer.clientId, ...parameters }), cache: 'no-store' });
	const json = await answer.json().catch(() => ({}));
	if (!answer.ok)
		throw new Error(json.error_description || json.error || `The sign-in failed: the issuer answered ${answer.status}.`);
	keep(json);
}

const nonceOf = idToken => JSON.parse(atob(idToken.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).nonce;

/** Redeem what the issuer has answered: the query of the page's address. */
async function redeem(query, pending) {
	if (pending?.state !== query.get('state') || (query.has('iss') && query.get('iss') !== issuer.issuer))
		throw new Error('This sign-in was not begun here. Sign in again.');
	if (query.has('error'))
		throw new Error(query.get('error_description') || `The issuer refused the sign-in: ${query.get('error')}.`);
	await askTokens({ grant_type: 'authorization_code', code: query.get('code'), redirect_uri: redirectUri(), code_verifier: pending.verifier });
	if (tokens.id_token && nonceOf(tokens.id_token) !== pending.nonce) {
		forget();
		throw new Error('The issuer\'s answer is not the one that was asked for. Sign in again.');
	}
}

/**
 * Leave for the issuer, which leads back here; or, where this page has something to lose, send another window there.
 * Then the promise is of true, once the user is signed in.
 */
export async function begin(inWindow) {
	if (!crypto.subtle)
		throw new Error('Signing in needs https, or this machine.');
	const pending = { verifier: random(), state: random(), nonce: random(), place: location.search + location.hash, inWindow };
	const challenge = base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(pending.verifier)));
	sessionStorage.setItem(PENDING, JSON.stringify(pending));   // a new window gets a copy
	const to = new URL(issuer.authorizeUrl);
	for (const [name, value] of Object.entries({ response_type: 'code', client_id: issuer.clientId, redirect_uri: redirectUri(), scope: issuer.scope, audience: issuer.audience,
		state: pending.state, nonce: pending.nonce, code_challenge: challenge, code_challenge_method: 'S256' }))
		if (value)
			to.searchParams.set(name, value);
	if (!inWindow)
		return location.assign(to);
	channel?.close();
	channel = new BroadcastChannel(PENDING);
	const answer = new Promise(resolve => { channel.onmessage = ({ data }) => resolve(new URLSearchParams(data)); });
	if (!open(to, PENDING))
		throw new Error('The browser did not open a window for the sign-in. Allow it, and sign in again.');
	const query = await answer;
	channel.close();
	sessionStorage.removeItem(PENDING);
	await redeem(query, pending);
	return true;
}

/** Set the issuer, and finish a sign-in if the issuer has redirected back here. Rejects with the reason if it failed; the page then offers another one. */
export async function start(signIn, isReturning) {
	issuer = signIn;
	if (!isReturning)
		return;
	const search = location.search, pending = JSON.parse(sessionStorage.getItem(PENDING) ?? 'null');
	sessionStorage.removeItem(PENDING);
	history.replaceState(history.state, '', location.pathname + (pending?.place ?? ''));
	if (!pending?.inWindow)
		return redeem(new URLSearchParams(search), pending);
	new BroadcastChannel(PENDING).postMessage(search);   // the page that opened this window goes on
	close();
	await new Promise(() => {});
}

/** A new token by the refresh token, once for all who want one. Rejects when the user has to sign in again. */
export function renew() {
	return renewing ??= (async () => {
		if (!tokens?.refresh_token)
			throw new Error('Your session has ended.');
		await askTokens({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
	})().finally(() => { renewing = null; });
}

export function forget() {
	clearTimeout(timer);
	tokens = null;
}

/** Sign out here and at the issuer, which leads back to this page where it can. */
export async function signOut() {
	const { id_token: hint, refresh_token: refresh } = tokens ?? {};
	forget();
	if (issuer.revokeUrl && refresh)
		await fetch(issuer.revokeUrl, { method: 'POST', body: new URLSearchParams({ client_id: issuer.clientId, token: refresh }) }).catch(() => {});
	if (!issuer.logoutUrl)
		return location.assign(redirectUri());
	const to = new URL(issuer.logoutUrl);
	to.searchParams.set('client_id', issuer.clientId);
	to.searchParams.set(issuer.logout === 'cognito' ? 'logout_uri' : 'post_logout_redirect_uri', redirectUri());
	if (hint && issuer.logout !== 'cognito')
		to.searchParams.set('id_token_hint', hint);
	location.assign(to);
}
