/**
 * The `srcset` of an `<img>` or a `<source>`: every thumbnail of the format, with its width. '' if there is none.
 *
 * @param {import('./types.js').Links | undefined} links  of a record
 * @param {'webp' | 'jpeg' | 'png'} [format]
 */
export declare function srcset(links: import('./types.js').Links | undefined, format?: 'webp' | 'jpeg' | 'png'): string;
