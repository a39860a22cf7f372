// Replays a record of file calls (test/durability/recorder.c) into what a power cut would leave on disk.
// The strictest cut leaves only bytes that were synced, under names whose directory was synced since, as
// POSIX lets a file system do; but the kernel may also have written more by itself, so a cut tells for
// names and for bytes which of the two it leaves.
//
//   const disk = new Disk('/the/recorded/directory', ignore);
//   for (const record of readRecords(file)) { disk.apply(record); … }
//   writeSnapshot(disk.snapshot({ names: 'synced', bytes: 'now' }), '/a/folder/to/be/made');
//
// ignore(path) -> true: syncs of this file or directory (its path below the recorded one) are ignored.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Every record of the file: { kind, n: [a, b], payload }. */
export function* readRecords(file) {
	const bytes = readFileSync(file);
	for (let at = 0; at + 29 <= bytes.length;) {
		const length = bytes.readUInt32LE(at + 25);
		const n = [0, 1].map(i => Number(bytes.readBigUInt64LE(at + 1 + 8 * i)));
		yield { kind: String.fromCharCode(bytes[at]), n, payload: bytes.subarray(at + 29, at + 29 + length) };
		at += 29 + length;
	}
}

/** What is there now, what of it is on disk, and the changes between the two. */
class Node {
	waiting = [];

	constructor(where) {
		this.path = where;
	}

	change(change) {
		this.apply('now', change);
		this.waiting.push(change);
	}

	/** The changes up to this one are on disk; those that another sync wrote are not counted. */
	sync(upTo) {
		const last = this.waiting.indexOf(upTo);
		this.waiting.splice(0, last + 1).forEach(change => this.apply('synced', change));
	}
}

class File extends Node {
	now = Buffer.alloc(0);
	synced = Buffer.alloc(0);

	apply(which, { at, bytes, size }) {
		const need = size ?? Math.max(this[which].length, at + bytes.length);
		this[which] = Buffer.concat([this[which].subarray(0, need)], need);   // a new one: snapshots keep the old
		bytes?.copy(this[which], at);
	}
}

class Directory extends Node {
	now = new Map();       // name -> File or Directory
	synced = new Map();

	apply(which, { name, node }) {
		if (node)
			this[which].set(name, node);
		else
			this[which].delete(name);
	}
}

export class Disk {
	#root;
	#ignore;
	#nodes = new Map();         // inode -> File or Directory
	#directories = new Map();   // path -> Directory
	#begun = new Map();         // ticket of a sync -> what it will cover

	constructor(root, ignore = () => false) {
		this.#root = new Directory(root);
		this.#ignore = ignore;
		this.#directories.set(root, this.#root);
	}

	apply({ kind, n: [inode, more], payload }) {
		const paths = () => payload.toString('utf8').split('\0').map(p => path.resolve(p));
		({
			o: () => this.#open(inode, more === 1, ...paths()),
			d: () => this.#nodes.set(inode, this.#directories.get(...paths())),
			w: () => this.#nodes.get(inode).change({ at: more, bytes: payload }),
			t: () => this.#nodes.get(inode).change({ size: more }),
			b: () => this.#begin(inode, more),
			f: () => this.#finish(more),
			m: () => this.#mkdir(...paths()),
			u: () => this.#name(paths()[0], undefined),
			l: () => this.#name(paths()[1], this.#find(paths()[0])),
			r: () => this.#rename(...paths()),
			s: () => {},
		})[kind]();
	}

	/** The state after a cut now: path below the root -> bytes, or null for a directory, which precedes its contents. */
	snapshot(cut) {
		return new Map(this.#tree(this.#root, cut));
	}

	*#tree(directory, cut, below = '') {
		for (const [name, node] of directory[cut.names]) {
			const where = path.join(below, name);
			yield [where, node instanceof File ? node[cut.bytes] : null];
			if (node instanceof Directory)
				yield* this.#tree(node, cut, where);
		}
	}

	#find(where) {
		return this.#directories.get(path.dirname(where)).now.get(path.basename(where));
	}

	#name(where, node) {
		this.#directories.get(path.dirname(where)).change({ name: path.basename(where), node });
	}

	#open(inode, created, where) {
		if (!created)
			return void this.#nodes.set(inode, this.#find(where));
		const file = new File(where);
		this.#nodes.set(inode, file);
		this.#name(where, file);
	}

	#mkdir(where) {
		const directory = new Directory(where);
		this.#directories.set(where, directory);
		this.#name(where, directory);
	}

	#rename(from, to) {
		const node = this.#find(from);
		this.#name(to, node);
		this.#name(from, undefined);
		node.path = to;
	}

	#begin(inode, ticket) {
		const node = this.#nodes.get(inode);
		if (!this.#ignore(path.relative(this.#root.path, node.path)))
			this.#begun.set(ticket, { node, upTo: node.waiting.at(-1) });
	}

	#finish(ticket) {
		const sync = this.#begun.get(ticket);
		this.#begun.delete(ticket);
		sync?.node.sync(sync.upTo);
	}
}

export function writeSnapshot(snapshot, to) {
	mkdirSync(to, { mode: 0o700 });
	for (const [where, bytes] of snapshot)
		if (bytes)
			writeFileSync(path.join(to, where), bytes, { mode: 0o600 });
		else
			mkdirSync(path.join(to, where), { mode: 0o700 });
}

export function isSameSnapshot(a, b) {
	return a.size === b.size && [...a].every(([where, bytes]) => b.has(where) && (b.get(where) === bytes || (bytes && b.get(where)?.equals(bytes))));
}
