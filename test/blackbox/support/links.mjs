// Delivery links as an outsider with the key can make them: the form of doc/delivery.md.
import { createHmac } from 'node:crypto';

/** The path of a signed link. expires: Unix time in seconds. */
export const signLink = (key, id, expires, variant = 'original') =>
	`/i/${createHmac('sha256', key).update(`tintype-delivery-1\n${expires}\n${id}\n${variant}`).digest().subarray(0, 16).toString('base64url')}.${expires}/${id}/${variant}`;
