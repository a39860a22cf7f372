// What may be uploaded: a File, another Blob, or bytes.

/** @typedef {Blob | Uint8Array<ArrayBuffer> | ArrayBuffer} FileContent  in Node.js a file is `await openAsBlob('cat.jpg')` of `node:fs` */

/** @param {FileContent} file */
export const blobOf = file => file instanceof Blob ? file : new Blob([file]);

/** @param {FileContent} file @param {string} [given] */
export const nameOf = (file, given) => given ?? (/** @type {{ name?: string }} */ (file).name || 'image');
