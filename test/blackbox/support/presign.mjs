// A presigned URL, signed here and not by the program under test.
//
//   const url = presign(server, 'GET', 'images/x.png', { who: credentials(server).tintype });
import { createHash, createHmac } from 'node:crypto';

const encode = text => encodeURIComponent(text).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const sha256 = text => createHash('sha256').update(text).digest('hex');

/** who: { id, secret }; headers and query are signed along; at and expires: when it is good. */
export function presign(server, method, key, { who, bucket = 'image-uploads', headers = {}, query = {}, at = new Date(), expires = 300, region = 'us-east-1', service = 's3' }) {
	const { host } = new URL(server.storage);
	const date = at.toISOString().replace(/[-:]|\.\d+/g, '');
	const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`;
	const signed = Object.fromEntries(Object.entries({ host, ...headers }).map(([k, v]) => [k.toLowerCase(), String(v)]));
	const names = Object.keys(signed).sort();
	const all = {
		...query, 'X-Amz-Algorithm': 'AWS4-HMAC-SHA256', 'X-Amz-Credential': `${who.id}/${scope}`, 'X-Amz-Date': date,
		'X-Amz-Expires': String(expires), 'X-Amz-SignedHeaders': names.join(';'),
	};
	const pairs = Object.entries(all).map(([k, v]) => `${encode(k)}=${encode(v)}`).sort();
	const target = `/${bucket}/${key.split('/').map(encode).join('/')}`;
	const canonical = [method, target, pairs.join('&'), ...names.map(n => `${n}:${signed[n]}`), '', names.join(';'), 'UNSIGNED-PAYLOAD'].join('\n');
	const day = [scope.slice(0, 8), region, service, 'aws4_request'].reduce(hmac, `AWS4${who.secret}`);
	const signature = hmac(day, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString('hex');
	return `${server.storage}${target}?${pairs.join('&')}&X-Amz-Signature=${signature}`;
}
