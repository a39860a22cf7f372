// The page signs users in at an issuer: the authorization code flow with PKCE, in a real browser, at an issuer nobody here wrote. Renewal,
// the end of a session with uploads under way, sign-out, and that two users see nothing of each other.
import assert from 'node:assert/strict';

import { choose, openPage, startBrowser, uploadIs, wallHas } from './support/browser.mjs';
import { after, afterEach, before, test } from './support/limited.mjs';
import { signInAs, startIssuer } from './support/oidc.mjs';
import { png } from './support/png.mjs';
import { call, fetchUrl, startServer } from './support/server.mjs';

const small = (name, colour) => ({ name, mimeType: 'image/png', buffer: png(40, 30, { colour }) });
const FONTS = 'https://fonts.googleapis.com';   // that the issuer's forms ask for
let browser, issuer, server;
const pages = [];

before(async () => {
	browser = await startBrowser();
	issuer = await startIssuer();
	server = await startServer({ env: issuer.env });
	issuer.clientsAre(`${server.api}/`);
	await server.waitForEvent('issuer.keys');
});
afterEach(async () => {
	for (const page of pages.splice(0)) {
		await page.quiet();
		await page.context().close();
	}
});
after(async () => {
	await browser?.close();
	await server?.stop();
	await issuer?.stop();
});

async function open(options) {
	const page = await openPage(browser, server, { also: [issuer.url, FONTS], ...options });
	await page.context().route(`${FONTS}/**`, route => route.abort());
	pages.push(page);
	return page;
}

const signInButton = page => page.getByRole('button', { name: 'Sign in' });

async function openAs(name) {
	const page = await open();
	await signInButton(page).click();
	await signInAs(page, name);
	await page.getByRole('button', { name: 'Sign out' }).waitFor();
	return page;
}

/** Answer the next call of `path` in the server's place: to make happen what it does for a token that has just expired. */
async function refuseOnce(page, path) {
	await page.route(`**${path}`, route => route.fulfill({ status: 401, contentType: 'application/problem+json',
		json: { type: '/problems/token-invalid', title: 'Token or key not valid', status: 401, detail: 'The token has expired.', code: 'token_invalid' } }), { times: 1 });
}

test('GET /limits names the issuer, and the policy allows calls to it and nothing more', async () => {
	const { json: { signIn } } = await call(server, 'GET', '/limits');
	assert.deepEqual(signIn, { issuer: issuer.url, clientId: 'the-page', scope: 'openid', audience: 'images', authorizeUrl: `${issuer.url}/auth`, tokenUrl: `${issuer.url}/token`,
		revokeUrl: `${issuer.url}/token/revocation`, logoutUrl: `${issuer.url}/session/end`, logout: 'oidc', token: 'access' });
	const policy = (await fetchUrl(`${server.api}/`)).headers.get('content-security-policy');
	assert.match(policy, new RegExp(`connect-src 'self' ${server.storage} ${issuer.url};`));
	assert.equal(policy.split(issuer.url).length, 2);
});

test('a user signs in, uploads, sees the picture, and signs out at the issuer too; no token is left in storage or in the address', async () => {
	const page = await openAs('alice');
	assert.equal(page.url(), `${server.api}/`);
	await choose(page, [small('of alice.png', [200, 0, 0])]);
	await uploadIs(page, 'of alice.png', 'done');
	await wallHas(page, 1);
	assert.deepEqual(await page.evaluate(() => [Object.keys(sessionStorage).filter(name => name !== 'tokens'), Object.keys(localStorage), document.cookie]), [[], [], '']);
	assert.ok(!/eyJ/.test(await page.evaluate(() => JSON.stringify(Object.entries(sessionStorage)))), 'a token is in sessionStorage');
	await page.getByRole('button', { name: 'Sign out' }).click();
	await page.getByRole('button', { name: /yes/i }).click();   // the issuer's own question
	await signInButton(page).waitFor();
	assert.equal(await page.locator('#wall .tile').count(), 0);
	await signInButton(page).click();
	await page.locator('input[name="login"]').waitFor();   // the session at the issuer has ended as well
	await page.goBack();
});

test('the sign-out at Amazon Cognito is by its own parameters, and leads back to the page', async () => {
	const page = await open(), { json: limits } = await call(server, 'GET', '/limits'), asked = [];
	await page.route('**/prod/limits', route => route.fulfill({ json: { ...limits, signIn: { ...limits.signIn, logout: 'cognito', logoutUrl: `${issuer.url}/logout` } } }));
	await page.route(`${issuer.url}/logout?*`, route => {   /* as Cognito's endpoint answers */
		const { searchParams } = new URL(route.request().url());
		asked.push(Object.fromEntries(searchParams));
		return route.fulfill({ status: 302, headers: { Location: searchParams.get('logout_uri') } });
	});
	await page.reload();
	await signInButton(page).click();
	await signInAs(page, 'cora');
	await page.getByRole('button', { name: 'Sign out' }).click();
	await signInButton(page).waitFor();
	assert.deepEqual(asked, [{ client_id: 'the-page', logout_uri: `${server.api}/` }]);
});

test('two users in two browsers see their own pictures alone', async () => {
	const alice = await openAs('alice'), bob = await openAs('bob');
	await wallHas(alice, 1);
	await choose(bob, [small('of bob.png', [0, 0, 200])]);
	await uploadIs(bob, 'of bob.png', 'done');
	await wallHas(bob, 1);
	assert.deepEqual(await bob.locator('#wall .name').allTextContents(), ['of bob.png']);
	await alice.getByRole('button', { name: 'Refresh' }).click();
	await alice.locator('#wall .name').first().waitFor();
	assert.deepEqual(await alice.locator('#wall .name').allTextContents(), ['of alice.png']);
});

test('a token that is refused is renewed once for all calls, and the uploads under way go on', async () => {
	const page = await openAs('carol'), before = issuer.grants.length;
	await refuseOnce(page, '/prod/images?fileName=*');
	await refuseOnce(page, '/prod/images?fileName=*');
	await choose(page, ['a.png', 'b.png', 'c.png'].map((name, i) => small(name, [0, 60 * i, 0])));
	for (const name of ['a.png', 'b.png', 'c.png'])
		await uploadIs(page, name, 'done');
	assert.deepEqual([...new Set(issuer.grants.slice(before))], ['refresh_token']);
	await wallHas(page, 3);
});

test('a session that has ended keeps the files: the sign-in is in another window, and then they are sent', async () => {
	const page = await openAs('dave');
	await page.route(`${issuer.url}/token`, route => route.fulfill({ status: 400, json: { error: 'invalid_grant', error_description: 'grant request is invalid' },
		headers: { 'Access-Control-Allow-Origin': '*' } }), { times: 1 });
	await refuseOnce(page, '/prod/images?fileName=*');
	await choose(page, [small('kept.png', [90, 90, 0])]);
	await page.getByText('Your session has ended. Sign in again.').waitFor();
	assert.match(await uploadIs(page, 'kept.png', 'refused'), /expired/);
	const opened = page.waitForEvent('popup');
	await signInButton(page).click();
	const issuersWindow = await opened;
	if (!issuersWindow.isClosed())
		await issuersWindow.waitForEvent('close');   // the issuer still knew the user
	await uploadIs(page, 'kept.png', 'done');
	await wallHas(page, 1);
});

test('an answer that was not asked for is refused, and so is the issuer\'s refusal shown', async () => {
	for (const [query, says] of [['?code=stolen&state=made-up', 'This sign-in was not begun here.'], ['?error=access_denied&state=x', 'This sign-in was not begun here.']]) {
		const page = await open({ hash: query });
		await page.getByText(says).waitFor();
		assert.equal(page.url(), `${server.api}/`);
		await signInButton(page).waitFor();
	}
	const page = await open();
	await signInButton(page).click();
	await page.getByRole('link', { name: /cancel/i }).click();
	await page.getByText('End-User aborted interaction').waitFor();
	assert.equal(page.url(), `${server.api}/`);
});
