// The pieces of Signature Version 4 that tests sign with by hand, and not by the program under test.
//
//   const { date, scope, key } = signing(secret);
//   const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString('hex');
import { createHash, createHmac } from 'node:crypto';

/** As S3 encodes keys and parameters. */
export const encode = text => encodeURIComponent(text).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
export const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
export const sha256 = text => createHash('sha256').update(text).digest('hex');

/** The date and the scope as they are written in a request, and the key that signs it. */
export function signing(secret, { at = new Date(), region = 'us-east-1', service = 's3' } = {}) {
	const date = at.toISOString().replace(/[-:]|\.\d+/g, ''), scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`;
	return { date, scope, key: scope.split('/').reduce(hmac, `AWS4${secret}`) };
}
