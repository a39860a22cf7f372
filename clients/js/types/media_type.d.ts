export type Bytes = Uint8Array;
/** The type that the first bytes, a Uint8Array, are of; "" if they are of none that is known. @param {Bytes} bytes */
export declare const typeOfBytes: (bytes: Bytes) => string;
/** The type that the name's ending stands for, or "". @param {string} name */
export declare const typeOfName: (name: string) => string;
/** Whether a file of this type can be known by its first bytes. @param {string} type */
export declare const isKnown: (type: string) => boolean;
/** The type of a Blob by its first bytes; else "". Rejects if it cannot be read: it was moved, or is a folder. @param {Blob} blob */
export declare const typeOfBlob: (blob: Blob) => Promise<string>;
/** The type to ask a slot for, or "": by the first bytes; else what the file is said to be, unless its bytes would say so. @param {Blob} blob @param {string} name */
export declare function typeOfFile(blob: Blob, name: string): Promise<string>;
