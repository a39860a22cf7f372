// A hook for React 18 and newer.
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { UploadQueue } from './queue.js';

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
export function useUpload(client, options = {}) {
	const latest = useRef(options);
	useEffect(() => { latest.current = options; });
	const [queue] = useState(() => new UploadQueue(client, {
		atOnce: options.atOnce,
		optionsOf: file => latest.current.optionsOf?.(file) ?? {},
		onUploaded: item => latest.current.onUploaded?.(item),
	}));
	useEffect(() => queue.stop, [queue]);
	const items = useSyncExternalStore(queue.subscribe, queue.getItems, queue.getItems);
	return { items, add: queue.add, remove: queue.remove, retry: queue.retry, clearDone: queue.clearDone };
}
