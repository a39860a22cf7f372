// Delivery links in the form that pages need them in.

/**
 * The `srcset` of an `<img>` or a `<source>`: every thumbnail of the format, with its width. '' if there is none.
 *
 * @param {import('./types.js').Links | undefined} links  of a record
 * @param {'webp' | 'jpeg' | 'png'} [format]
 */
export function srcset(links, format = 'webp') {
	const sizes = Object.values(links ?? {}).flatMap(one => typeof one === 'object' && one.width && one[format] ? [{ width: one.width, url: one[format] }] : []);
	return sizes.sort((a, b) => a.width - b.width).map(({ url, width }) => `${url} ${width}w`).join(', ');
}
