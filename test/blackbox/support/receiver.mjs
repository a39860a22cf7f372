// A receiver of webhooks: every request is verified by the package `standardwebhooks`, and what is not right is kept as a fault.
//
//   const receiver = await startReceiver({ answer: (request, response) => response.writeHead(503).end() });
//   const server = await startServer({ env: webhookEnv(receiver) });
//   await receiver.waitFor(1);
import { once } from 'node:events';
import http from 'node:http';

import { eventually, npmPackage } from './server.mjs';

const { Webhook } = npmPackage('standardwebhooks');

export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
export const NEW_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** The environment of a server that sends its webhooks there. */
export const webhookEnv = ({ url }, more = {}) => ({ TINTYPE_WEBHOOK_URL: url, TINTYPE_WEBHOOK_SECRET: SECRET, TINTYPE_WEBHOOK_PRIVATE: 'on', ...more });

/** The event that a request delivers, or an exception. */
export const verify = (secret, text, headers) => new Webhook(secret).verify(text, headers);

/**
 * secrets  each must verify each request; none: requests are not verified
 * answer   (request, response), with the request's { id, text, event, headers, atMs, nth } of its id; 204 if not given
 *
 * Gives { url, port, requests, events(), faults, waitFor(n), stop() }; events() are those of different ids.
 */
export async function startReceiver({ port = 0, host = '127.0.0.1', secrets = [SECRET], answer = (request, response) => response.writeHead(204).end() } = {}) {
	const receiver = { requests: [], faults: [], answer };
	const server = http.createServer((incoming, response) => {
		const pieces = [];
		response.on('error', () => {});
		incoming.on('error', () => {});
		incoming.on('data', piece => pieces.push(piece));
		incoming.on('end', () => {
			const request = { text: Buffer.concat(pieces).toString(), headers: incoming.headers, method: incoming.method, path: incoming.url,
				id: incoming.headers['webhook-id'], atMs: Date.now(), bytes: Buffer.concat(pieces).length };
			request.nth = receiver.requests.filter(r => r.id === request.id).length + 1;
			try {
				for (const secret of secrets)
					request.event = verify(secret, request.text, request.headers);
			} catch (error) {
				receiver.faults.push(`${error.message}: ${request.text}`);
			}
			receiver.requests.push(request);
			receiver.answer(request, response);
		});
	}).listen(port, host);
	await once(server, 'listening');
	receiver.port = server.address().port;
	receiver.url = `http://${host}:${receiver.port}/hooks?of=tests`;
	receiver.events = () => [...new Map(receiver.requests.map(request => [request.id, request.event])).values()];
	receiver.waitFor = (n, what = `${n} webhooks`) => eventually(() => receiver.events().length >= n && receiver.requests, { what });
	receiver.stop = async () => {
		server.close();
		server.closeAllConnections();
		await once(server, 'close');
	};
	return receiver;
}
