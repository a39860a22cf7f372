// An issuer that signs any token: oauth2-mock-server, behind a listener of ours that counts what is asked of it and answers for it when a
// test wants it to fail.
import { once } from 'node:events';
import http from 'node:http';
import { pathToFileURL } from 'node:url';

import { npmPackage } from './server.mjs';

const AUDIENCE = 'images';
export const now = () => Math.floor(Date.now() / 1000);

/** What it does with a request in place of answering it; see issuer.mode. */
const FAILURES = {
	refuses: (request, response) => response.destroy(),
	hangs: () => {},
	'answers 500': (request, response) => response.writeHead(500).end('{}'),
	redirects: (request, response) => response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end(),
	'answers garbage': (request, response) => response.end('\0\x01<html>'),
	'answers a megabyte of keys': (request, response) => response.setHeader('Content-Type', 'application/json').end(`{"keys":[${' '.repeat(1 << 20)}]}`),
};
export const failures = Object.keys(FAILURES);

/** { url, env, mode, asked, token(change), addKey(alg) }; mode: '' or one of failures. */
export async function startMockIssuer() {
	const { OAuth2Issuer, OAuth2Service } = await import(pathToFileURL(npmPackage.resolve('oauth2-mock-server')));
	const mock = new OAuth2Issuer(), service = new OAuth2Service(mock);
	const issuer = { mode: '', asked: 0, keys: {} };
	const listener = http.createServer((request, response) => {
		issuer.asked += request.url.endsWith('/openid-configuration');
		(FAILURES[issuer.mode] ?? service.requestHandler)(request, response);
	});
	listener.listen(0, '127.0.0.1');
	await once(listener, 'listening');
	issuer.url = mock.url = `http://127.0.0.1:${listener.address().port}`;
	issuer.env = { TINTYPE_OIDC_ISSUER: issuer.url, TINTYPE_OIDC_AUDIENCE: AUDIENCE };
	issuer.addKey = async alg => { issuer.keys[alg] = (await mock.keys.generate(alg)).kid; };
	/** A token for alice; change(header, payload) may change anything before it is signed. */
	issuer.token = (change = () => {}, alg = 'RS256') => mock.buildToken({ kid: issuer.keys[alg], scopesOrTransform: (header, payload) => {
		Object.assign(payload, { aud: AUDIENCE, sub: 'alice' });
		change(header, payload);
	} });
	issuer.stop = () => new Promise(resolve => { listener.close(resolve); listener.closeAllConnections(); });
	await issuer.addKey('RS256');
	return issuer;
}
