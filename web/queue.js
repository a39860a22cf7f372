// The unfinished uploads, in IndexedDB, so that they continue after a reload: the file of each, and the `trip` of transfer.js, so that the
// same slot is used. Also why others were refused. They belong to one owner, and are erased on sign-out and after a day.
//
// Several tabs share the database. An item is of the tab that has it; a tab that starts takes over those of tabs that are gone, and
// claim() tells a tab that has lost one. Where the browser keeps nothing, or has no more room, all goes on without it.

const DATABASE = 'uploads', KEPT_MS = 24 * 3600 * 1000, ANSWER_MS = 250, SOON_MS = 300, PATIENCE_MS = 20000;

const tab = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
const channel = new BroadcastChannel(DATABASE);
channel.onmessage = ({ data }) => { if (data === 'who') channel.postMessage({ tab }); };

/** An id that sorts after those that this tab has made before. */
export const newId = number => `${tab}-${String(number).padStart(6, '0')}`;

let database;
const opened = () => database ??= new Promise((resolve, reject) => {
	const asked = indexedDB.open(DATABASE, 1);
	asked.onupgradeneeded = () => { asked.result.createObjectStore('items', { keyPath: 'id' }); asked.result.createObjectStore('files'); };
	asked.onsuccess = () => { asked.result.onversionchange = () => asked.result.close(); resolve(asked.result); };
	asked.onerror = () => reject(asked.error);
});

let answers = true;
/** A database that does not answer is none: WebKit's, after it has refused a file in a private window. */
async function change(work) {
	if (!answers)
		throw new Error('The database does not answer.');
	let timer;
	const late = new Promise((_, reject) => { timer = setTimeout(() => { answers = false; reject(new Error('The database did not answer.')); }, PATIENCE_MS); });
	return Promise.race([transact(work), late]).finally(() => clearTimeout(timer));
}

/** Run work(items, files), which makes requests of the two stores, in one transaction; the promise is of what it returned, once that is stored. */
async function transact(work) {
	const transaction = (await opened()).transaction(['items', 'files'], 'readwrite', { durability: 'relaxed' });
	const ended = new Promise((resolve, reject) => {
		transaction.oncomplete = resolve;
		transaction.onerror = transaction.onabort = () => reject(transaction.error);
	});
	const result = work(transaction.objectStore('items'), transaction.objectStore('files'));
	await ended;
	return result;
}

/** The ids of the other tabs that are open. */
function othersOpen() {
	const found = new Set(), asking = new BroadcastChannel(DATABASE);
	asking.onmessage = ({ data }) => { if (data.tab && data.tab !== tab) found.add(data.tab); };
	asking.postMessage('who');
	return new Promise(resolve => { setTimeout(() => { asking.close(); resolve(found); }, ANSWER_MS); });
}

/** Store items, all or none. Rejects where there is no room or no database. */
export function save(list) {
	const saved = change((items, files) => {
		for (const { id, owner, addedAt, trip, file: { blob, ...file } } of list) {
			items.put({ id, owner, addedAt, trip, file, tab });
			files.put(blob, id);
		}
	});
	list.forEach(item => { item.saved = saved; });
	return saved;
}

/** Store what has become of a saved item. False if it is not this tab's any more: another has taken it over, or the queue was erased. */
export async function claim(item) {
	if (!await item.saved?.then(() => true, () => false))
		return true;
	const found = await change(items => {
		const found = {};
		items.get(item.id).onsuccess = ({ target: { result } }) => {
			found.mine = result?.tab === tab;
			if (found.mine)
				items.put({ ...result, owner: item.owner, trip: item.trip });
		};
		return found;
	}).catch(() => ({ mine: true }));
	return found.mine;
}

let later = [];
/** Run work(items, files) in one transaction with other work that follows within SOON_MS. */
function changeSoon(work) {
	if (later.push(work) > 1)
		return;
	setTimeout(() => {
		const works = later;
		later = [];
		change((items, files) => works.forEach(one => one(items, files))).catch(() => {});
	}, SOON_MS);
}

/** Remove an item. If it is still there after a reload, it is found to be uploaded already. */
export function remove({ id, saved }) {
	saved?.then(() => changeSoon((items, files) => { items.delete(id); files.delete(id); }), () => {});
}

/** Keep a refused item with its reason, without its file. */
export function keepRefused(item) {
	const { id, owner, addedAt, file: { blob, ...file }, why: { message: refused }, saved } = item;
	item.saved = Promise.resolve(saved).catch(() => {}).then(() => changeSoon((items, files) => {
		items.put({ id, owner, addedAt, trip: {}, file, refused, tab });
		files.delete(id);
	}));
}

/** Erase all, of every owner. */
export const erase = () => change((items, files) => { items.clear(); files.clear(); }).catch(() => {});

/** What became of one stored record when a page of `owner` starts: 'mine', 'erased', or undefined if it is left as it is. */
function fate(record, owner, open) {
	if (record.addedAt < Date.now() - KEPT_MS)
		return 'erased';
	if (open.has(record.tab))
		return undefined;
	if (record.owner === owner)
		return 'mine';
	return record.owner && owner ? 'erased' : undefined;   // another one's, who is not here any more
}

/** Take over the items of tabs that are gone, in the order in which they were added; `refused` is a sentence or undefined. Items that are too old or
 * of another owner are erased. */
export async function restore(owner) {
	const open = await othersOpen(), found = [];
	await change((items, files) => {
		items.openCursor().onsuccess = ({ target: { result: cursor } }) => {
			if (!cursor)
				return;
			const record = cursor.value, its = record.tab === tab ? undefined : fate(record, owner, open);
			if (its === 'erased') {
				cursor.delete();
				files.delete(record.id);
			}
			if (its === 'mine') {
				cursor.update({ ...record, tab });
				if (record.refused)
					found.push(record);
				else
					files.get(record.id).onsuccess = ({ target: { result: blob } }) => blob && found.push({ ...record, file: { ...record.file, blob } });
			}
			cursor.continue();
		};
	});
	return found.map(({ id, owner, addedAt, trip, file, refused }) => ({ id, owner, addedAt, trip, file, refused, saved: Promise.resolve() })).sort((a, b) => a.addedAt - b.addedAt || a.id.localeCompare(b.id));
}
