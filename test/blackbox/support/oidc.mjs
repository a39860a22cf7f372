// An OpenID Connect issuer with a sign-in page: oidc-provider, on a free port of this machine. Its clients are known only once the server under
// test has an address, so it answers nothing before clientsAre().
//
//   const issuer = await startIssuer();
//   const server = await startServer({ env: issuer.env });
//   issuer.clientsAre(`${server.api}/`);
import { once } from 'node:events';
import http from 'node:http';
import { pathToFileURL } from 'node:url';

import { npmPackage } from './server.mjs';

const AUDIENCE = 'images', CLIENT = 'the-page';

export async function startIssuer({ lifetimeS = 3600 } = {}) {
	const { default: Provider } = await import(pathToFileURL(npmPackage.resolve('oidc-provider')));
	let ready;
	const handler = new Promise(resolve => { ready = resolve; });
	const listener = http.createServer((request, response) => handler.then(handle => handle(request, response)));
	listener.listen(0, '127.0.0.1');
	await once(listener, 'listening');
	const url = `http://127.0.0.1:${listener.address().port}`;
	const issuer = { url, grants: [], env: { TINTYPE_OIDC_ISSUER: url, TINTYPE_OIDC_AUDIENCE: AUDIENCE, TINTYPE_OIDC_CLIENT_ID: CLIENT } };

	issuer.clientsAre = page => {
		const provider = new Provider(url, {
			clients: [{ client_id: CLIENT, token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
				redirect_uris: [page], post_logout_redirect_uris: [page] }],
			clientBasedCORS: () => true,
			cookies: { keys: ['of this test'] },
			features: {
				revocation: { enabled: true },
				resourceIndicators: {
					enabled: true, defaultResource: () => 'urn:tintype:images', useGrantedResource: () => true,
					getResourceServerInfo: () => ({ scope: '', audience: AUDIENCE, accessTokenTTL: lifetimeS, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
				},
			},
			findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
			issueRefreshToken: () => true,
			rotateRefreshToken: true,
			pkce: { required: () => true },
		});
		provider.on('grant.success', context => issuer.grants.push(context.oidc.params.grant_type));
		ready(provider.callback());
	};
	issuer.stop = () => new Promise(resolve => { listener.close(resolve); listener.closeAllConnections(); });
	return issuer;
}

/** Fill in the issuer's forms, in a page or window that shows them: who it is, and that it may. */
export async function signInAs(page, name) {
	await page.locator('input[name="login"]').fill(name);
	await page.locator('input[name="password"]').fill('any');
	await page.getByRole('button', { name: 'Sign-in' }).click();
	await page.getByRole('button', { name: 'Continue' }).click();
}
