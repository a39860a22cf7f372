// What the caller may do with pictures, so that only that is offered. The server decides in the end.
import { hasKey, isOwn, limits, me } from './api.js';

let asked = null;

/** { change, remove }: whether the caller may change and remove any picture. Both false while the server cannot be reached. */
export const rights = () => asked ??= (hasKey() ? me().then(({ admin, scopes }) => ({ change: admin || scopes.includes('upload'), remove: admin || scopes.includes('delete') }))
	: limits().then(({ anonymousChanges = true }) => ({ change: anonymousChanges, remove: anonymousChanges }))).catch(() => {
	asked = null;
	return { change: false, remove: false };
});

/** Ask again next time: the caller may have changed. */
export const forget = () => { asked = null; };

/** Whether the caller may delete all of these; uploads of this tab can always be deleted. */
export const mayRemove = async imageIds => imageIds.every(isOwn) || (await rights()).remove;
