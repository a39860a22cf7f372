// What the caller may do with pictures, so that only that is offered. The server has the last word.
import { hasKey, isOwn, limits, me } from './api.js';

let asked = null;

/** { change, remove }: of any picture. Where the server cannot be asked, nothing, until it can be. */
export const rights = () => asked ??= (hasKey() ? me().then(({ admin, scopes }) => ({ change: admin || scopes.includes('upload'), remove: admin || scopes.includes('delete') }))
	: limits().then(({ anonymousChanges = true }) => ({ change: anonymousChanges, remove: anonymousChanges }))).catch(() => {
	asked = null;
	return { change: false, remove: false };
});

/** Ask again: another caller may be there. */
export const forget = () => { asked = null; };

/** Whether the caller may delete all of these: what was uploaded in this tab anyway. */
export const mayRemove = async imageIds => imageIds.every(isOwn) || (await rights()).remove;
