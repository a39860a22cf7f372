export type FileContent = Blob | Uint8Array<ArrayBuffer> | ArrayBuffer;
/** @typedef {Blob | Uint8Array<ArrayBuffer> | ArrayBuffer} FileContent  in Node.js a file is `await openAsBlob('cat.jpg')` of `node:fs` */
/** @param {FileContent} file */
export declare const blobOf: (file: FileContent) => Blob;
/** @param {FileContent} file @param {string} [given] */
export declare const nameOf: (file: FileContent, given?: string) => string;
