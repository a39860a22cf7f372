/**
 * Uploads of a component: `items` are shown, `add` is called with files. What is under way ends with the component.
 *
 * @param {Pick<import('./client.js').Client, 'prepare'>} client  the one of the first call is used
 * @param {import('./queue.js').QueueOptions} [options]  the functions may be others each time
 * @returns {{
 *     items: readonly import('./queue.js').UploadItem[],
 *     add: (files: Iterable<import('./file.js').FileContent>) => void,
 *     remove: (id: number) => void,
 *     retry: (id: number) => void,
 *     clearDone: () => void,
 * }}
 */
export declare function useUpload(client: Pick<import('./client.js').Client, 'prepare'>, options?: import('./queue.js').QueueOptions): {
    items: readonly import('./queue.js').UploadItem[];
    add: (files: Iterable<import('./file.js').FileContent>) => void;
    remove: (id: number) => void;
    retry: (id: number) => void;
    clearDone: () => void;
};
