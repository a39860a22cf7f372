// S3 requests signed in the Authorization header, by hand, so that each piece of them can be made wrong.
//
//   const answer = await s3(server, 'PUT', '/bucket/key', { who, body: 'hello' });
//   const body = framed(request, data, { trailer: [['x-amz-checksum-crc32', '...']] });
import http from 'node:http';

import { encode, hmac, sha256, signing } from './sigv4.mjs';

export { sha256 };
export const EMPTY = sha256('');

/**
 * The head of a request: { method, target, headers, date, scope, key, signature }. headers are sent and signed but those
 * that `unsigned` names; `payload` is x-amz-content-sha256 (null: not sent).
 */
export function signedHead(server, method, path, { who, query = {}, headers = {}, payload, body = '', at = new Date(), unsigned = [],
	region = 'us-east-1', service = 's3' } = {}) {
	const { date, scope, key } = signing(who.secret, { at, region, service });
	const hash = payload === undefined ? sha256(body) : payload;
	const all = { host: new URL(server.storage).host, 'x-amz-date': date, ...(hash === null ? {} : { 'x-amz-content-sha256': hash }) };
	for (const [name, value] of Object.entries(headers))
		all[name.toLowerCase()] = String(value);
	const names = Object.keys(all).filter(n => !unsigned.includes(n)).sort();
	const pairs = Object.entries(query).map(([k, v]) => `${encode(k)}=${encode(v)}`).sort();
	const target = path.split('/').map(encode).join('/');
	const canonical = [method, target, pairs.join('&'), ...names.map(n => `${n}:${all[n].trim().replace(/ +/g, ' ')}`), '', names.join(';'), hash].join('\n');
	const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString('hex');
	all.authorization = `AWS4-HMAC-SHA256 Credential=${who.id}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
	return { method, target: target + (pairs.length ? `?${pairs.join('&')}` : ''), headers: all, date, scope, key, signature };
}

/** Send a head and a body, whole or in HTTP chunks (a list): { status, headers, text, bytes, code, message }. */
export function sendHead(server, { method, target, headers }, body = '') {
	const { hostname, port } = new URL(server.storage);
	return new Promise((resolve, reject) => {
		const request = http.request({ host: hostname, port, method, path: target, headers: { ...headers }, setHost: false });
		request.on('error', reject).on('response', response => {
			const pieces = [];
			response.on('data', p => pieces.push(p)).on('error', reject).on('end', () => {
				const bytes = Buffer.concat(pieces), text = bytes.toString();
				const element = name => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
				resolve({ status: response.statusCode, headers: response.headers, raw: response.rawHeaders, bytes, text, element, code: element('Code'), message: element('Message') });
			});
		});
		if (!Array.isArray(body)) {
			request.setHeader('content-length', Buffer.byteLength(body));
			request.end(Buffer.from(body));   // of a text Node would encode the head as it does the body
			return;
		}
		for (const piece of body)
			request.write(piece);
		request.end();
	});
}

/** Sign and send; options as signedHead's. */
export function s3(server, method, path, options = {}) {
	return sendHead(server, signedHead(server, method, path, options), options.body);
}

/**
 * A body in aws-chunked. signed: with chunk signatures that begin with the head's; trailer: lines after the last chunk;
 * change(text, n): makes another of the n-th chunk's head. sizes: of the chunks.
 */
export function framed(head, data, { sizes, signed = false, trailer, change = text => text, end = true } = {}) {
	const bytes = Buffer.from(data), pieces = [];
	let last = head.signature;
	const sign = (kind, ...lines) => {
		last = hmac(head.key, [kind, head.date, head.scope, last, ...lines].join('\n')).toString('hex');
		return last;
	};
	let at = 0, n = 0;
	for (const size of [...(sizes ?? (bytes.length ? [bytes.length] : [])), 0]) {
		const chunk = bytes.subarray(at, at + size);
		const signature = signed ? `;chunk-signature=${sign('AWS4-HMAC-SHA256-PAYLOAD', EMPTY, sha256(chunk))}` : '';
		at += size;
		if (size === 0 && !end)
			break;
		pieces.push(Buffer.from(`${change(size.toString(16) + signature, n++)}\r\n`), chunk, Buffer.from(size ? '\r\n' : ''));
	}
	for (const [name, value] of trailer ?? [])
		pieces.push(Buffer.from(`${name}:${value}\r\n`));
	if (signed && trailer) {
		const text = trailer.map(([name, value]) => `${name}:${value}\n`).join('');
		pieces.push(Buffer.from(`x-amz-trailer-signature:${change(sign('AWS4-HMAC-SHA256-TRAILER', sha256(text)), n)}\r\n`));
	}
	return Buffer.concat([...pieces, Buffer.from(end ? '\r\n' : '')]);
}
