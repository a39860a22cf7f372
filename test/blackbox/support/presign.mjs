// A presigned URL, signed here and not by the program under test.
//
//   const url = presign(server, 'GET', 'images/x.png', { who: credentials(server).tintype });
import { encode, hmac, sha256, signing } from './sigv4.mjs';

/** who: { id, secret }; headers and query are signed; at and expires: when it is valid. */
export function presign(server, method, key, { who, bucket = 'image-uploads', headers = {}, query = {}, at = new Date(), expires = 300, region = 'us-east-1', service = 's3' }) {
	const { host } = new URL(server.storage);
	const { date, scope, key: day } = signing(who.secret, { at, region, service });
	const signed = Object.fromEntries(Object.entries({ host, ...headers }).map(([k, v]) => [k.toLowerCase(), String(v)]));
	const names = Object.keys(signed).sort();
	const all = {
		...query, 'X-Amz-Algorithm': 'AWS4-HMAC-SHA256', 'X-Amz-Credential': `${who.id}/${scope}`, 'X-Amz-Date': date,
		'X-Amz-Expires': String(expires), 'X-Amz-SignedHeaders': names.join(';'),
	};
	const pairs = Object.entries(all).map(([k, v]) => `${encode(k)}=${encode(v)}`).sort();
	const target = `/${bucket}/${key.split('/').map(encode).join('/')}`;
	const canonical = [method, target, pairs.join('&'), ...names.map(n => `${n}:${signed[n]}`), '', names.join(';'), 'UNSIGNED-PAYLOAD'].join('\n');
	const signature = hmac(day, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString('hex');
	return `${server.storage}${target}?${pairs.join('&')}&X-Amz-Signature=${signature}`;
}
