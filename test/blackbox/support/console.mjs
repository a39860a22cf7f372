// The console of a server under test, in Chromium.
import { openPage } from './browser.mjs';
import { eventually } from './server.mjs';

/** The token that the server has printed. */
export const tokenOf = async server => (await eventually(() => /console .*\(token: ([0-9a-f]{32})\)/.exec(server.out), { what: 'the token' }))[1];
/** What a request with this token has. */
export const bearer = token => ({ headers: { Authorization: `Bearer ${token}` } });

export async function signIn(page, token) {
	await page.getByLabel('Token').fill(token);
	await page.getByRole('button', { name: 'Sign in' }).click();
}

/** A page that is signed in, at a view; more goes to openPage. */
export async function enterConsole(browser, server, token, view, { url = server.admin, ...options } = {}) {
	const page = await openPage(browser, server, { url, ...options });
	await signIn(page, token);
	await page.getByRole('heading', { name: 'Overview' }).waitFor();
	if (view)
		await page.getByRole('link', { name: view, exact: true }).click();
	return page;
}

export const leave = async page => { await page.quiet(); await page.context().close(); };
export const rows = page => page.locator('#images-rows tr');
export const lines = page => page.locator('#lines li');
