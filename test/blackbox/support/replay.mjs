// Replays a record of file calls (test/durability/recorder.c) into what a power cut would leave on disk:
// only bytes that were synced, only names whose directory was synced since. As strict as POSIX lets a
// file system be, so a promise that holds here holds anywhere.
//
//   const disk = new Disk('/where/the/server/kept/its/data', ignore);
//   for (const record of readRecords(file)) { disk.apply(record); … }
//   disk.materialize('/some/empty/folder');
//
// ignore(path) -> true: a sync of this file or directory is taken as never made.
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

class File {
	synced = Buffer.alloc(0);
	waiting = [];

	apply({ at, bytes, size }) {
		const need = size ?? at + bytes.length;
		if (size !== undefined || need > this.synced.length)
			this.synced = Buffer.concat([this.synced.subarray(0, need)], need);
		if (bytes)
			bytes.copy(this.synced, at);
	}
}

class Directory {
	now = new Map();       // name -> inode, or the word 'directory'
	synced = new Map();
	waiting = [];

	change(name, what) {
		if (what === undefined)
			this.now.delete(name);
		else
			this.now.set(name, what);
		this.waiting.push({ name, what });
	}

	apply({ name, what }) {
		if (what === undefined)
			this.synced.delete(name);
		else
			this.synced.set(name, what);
	}
}

export class Disk {
	#root;
	#ignore;
	#files = new Map();         // inode -> File
	#directories = new Map();   // path -> Directory
	#paths = new Map();         // inode -> path it was last seen under
	#begun = new Map();         // ticket of a sync -> what it will cover

	constructor(root, ignore = () => false) {
		this.#root = root;
		this.#ignore = ignore;
		this.#directories.set(root, new Directory());
	}

	apply(record) {
		const { kind, n: [inode, more], payload } = record;
		const text = () => payload.toString('utf8');
		({
			o: () => this.#open(inode, more === 1, text()),
			d: () => this.#paths.set(inode, text()),
			w: () => this.#files.get(inode).waiting.push({ at: more, bytes: payload }),
			t: () => this.#files.get(inode).waiting.push({ size: more }),
			b: () => this.#begin(inode, more),
			f: () => this.#finish(more),
			m: () => this.#mkdir(text()),
			u: () => this.#parent(text())?.change(path.basename(text()), undefined),
			r: () => this.#rename(...text().split('\0')),
			s: () => {},
		})[kind]();
	}

	/** Write what would be left into an empty folder. */
	materialize(to, from = this.#root) {
		mkdirSync(to, { recursive: true, mode: 0o700 });
		for (const [name, what] of this.#directories.get(from)?.synced ?? []) {
			if (what === 'directory')
				this.materialize(path.join(to, name), path.join(from, name));
			else
				writeFileSync(path.join(to, name), this.#files.get(what).synced, { mode: 0o600 });
		}
	}

	#parent(file) {
		return this.#directories.get(path.dirname(file));
	}

	#open(inode, created, file) {
		this.#paths.set(inode, file);
		if (created || !this.#files.has(inode))
			this.#files.set(inode, new File());
		if (created)
			this.#parent(file).change(path.basename(file), inode);
	}

	#mkdir(directory) {
		if (directory === this.#root)
			return;
		this.#directories.set(directory, new Directory());
		this.#parent(directory).change(path.basename(directory), 'directory');
	}

	#rename(from, to) {
		const inode = this.#parent(from).now.get(path.basename(from));
		this.#parent(to).change(path.basename(to), inode);
		this.#parent(from).change(path.basename(from), undefined);
		this.#paths.set(inode, to);
	}

	#begin(inode, ticket) {
		const where = this.#paths.get(inode);
		const what = this.#directories.get(where) ?? this.#files.get(inode);
		if (what && !this.#ignore(where))
			this.#begun.set(ticket, { what, upTo: what.waiting.at(-1) });
	}

	#finish(ticket) {
		const sync = this.#begun.get(ticket);
		if (!sync)
			return;
		this.#begun.delete(ticket);
		const last = sync.what.waiting.indexOf(sync.upTo);
		sync.what.waiting.splice(0, last + 1).forEach(change => sync.what.apply(change));
	}
}
