// What the tests of `tintype migrate` share: files of settings, the command with its kills, uploads and deletes while it runs, and all that an
// administrator sees of a server, to be compared with what is seen of another.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';

import { call, childEnv, fetchUrl, openSlot, program, putBytes, root, tinyPng } from './server.mjs';

export const KEY = 'k3y-of-the-administrator-1234567890';

const PACE_MS = 100;   // between the steps of one client, so that the number of images does not depend on the machine

/** A file of settings, which only its owner can read. */
export function writeEnv(file, env) {
	writeFileSync(file, Object.entries(env).map(([name, value]) => `${name}=${value}\n`).join(''), { mode: 0o600 });
	return file;
}

/**
 * Run `tintype migrate` to its end, or kill it where `when` says so: { code, signal, stdout, stderr }.
 *
 * when  called with what it has printed so far, and with each request of the cloud by `watch`; true kills it
 */
export async function migrate(args, { when = () => false, watch = () => () => {} } = {}) {
	const child = spawn(program(), ['migrate', ...args], { cwd: root, env: childEnv({}), stdio: ['ignore', 'pipe', 'pipe'] });
	const run = { stdout: '', stderr: '' };
	const look = () => when(run.stdout) && child.kill('SIGKILL');
	child.stdout.setEncoding('utf8').on('data', text => { run.stdout += text; look(); });
	child.stderr.setEncoding('utf8').on('data', text => { run.stderr += text; });
	const stop = watch(look);
	const [code, signal] = await once(child, 'close');
	stop();
	return { code, signal, ...run };
}

/** Run the command until it ends by itself; every run before is killed at its place. */
export async function migrateWithKills(from, to, places) {
	for (const [what, when] of places) {
		const run = await migrate(['--from', from, '--to', to], when());
		assert.equal(run.signal, 'SIGKILL', `${what}: ${run.code} ${run.stdout} ${run.stderr}`);
	}
	const last = await migrate(['--from', from, '--to', to]);
	assert.equal(last.code, 0, last.stdout + last.stderr);
	/* The last one that was killed may have completed between what it had printed and the kill; what there is then is compared by the callers. */
	assert.match(last.stdout, /^(Complete\. Both sides have the same: \d+ rows|The destination is complete already)/m);
	return last;
}

/** Kill when the text has been printed. */
export const afterText = text => () => ({ when: printed => text.test(printed) });

/** A PNG of its own for each number: what follows its end is kept or removed by the server. */
const pngOf = n => Buffer.concat([tinyPng, Buffer.from(String(n).padStart(1 + n % 30, 'x'))]);

/** Clients that upload, change and delete until changes are refused: what was answered. */
export class Load {
	kept = new Map();      // imageId -> MD5 of the bytes, as the record said
	deleted = new Set();   // answered with 204
	renamed = new Map();   // imageId -> its name
	refused = 0;
	#n = 0;

	constructor(server, owners = ['ann', 'bob', undefined]) {
		this.server = server;
		this.owners = owners;
	}

	async upload(more = {}) {
		const n = this.#n++, owner = this.owners[n % this.owners.length];
		const slot = await openSlot(this.server, { ...owner && { onBehalfOf: owner }, ...more }, { key: KEY });
		const put = await putBytes(slot, pngOf(n));
		assert.equal(put.status, 200, put.text);
		const done = await call(this.server, 'POST', `/images/${slot.imageId}/complete`, { key: KEY });
		assert.equal(done.json.status, 'uploaded', done.text);
		this.kept.set(slot.imageId, done.json.etag);
		return slot.imageId;
	}

	/** One of `change` and `delete`. Refused changes are counted. */
	async act(id, kind) {
		const [method, json] = kind === 'delete' ? ['DELETE'] : ['PATCH', { fileName: `renamed ${id}.png` }];
		const answer = await call(this.server, method, `/images/${id}`, { key: KEY, ...json && { json } });
		if (answer.status === 503) {
			assert.deepEqual([answer.json.code, answer.headers.get('retry-after')], ['read_only', '60'], answer.text);
			this.refused++;
		} else {
			assert.ok(answer.status < 300, answer.text);
			kind === 'delete' ? this.deleted.add(id) : this.renamed.set(id, json.fileName);
		}
		return answer.status < 300;
	}

	/** Until slots are refused. */
	async run() {
		for (let i = 0; ; i++) {
			await new Promise(resolve => setTimeout(resolve, PACE_MS));
			let id;
			try {
				id = await this.upload();
			} catch (error) {
				if (!/no slot: 503 .*read_only/.test(error.message))
					throw error;
				this.refused++;
				return;
			}
			if (i % 3 > 0 && !await this.act(id, i % 3 === 1 ? 'delete' : 'rename'))
				return;
		}
	}

	/** See that all that was answered is true of a server. */
	async check(server) {
		for (const [id, md5] of this.kept) {
			const answer = await call(server, 'GET', `/images/${id}`, { key: KEY });
			assert.equal(answer.status, this.deleted.has(id) ? 404 : 200, `${id}: ${answer.text}`);
			if (this.deleted.has(id))
				continue;
			assert.equal(createHash('md5').update((await fetchUrl(answer.json.downloadUrl)).bytes).digest('hex'), md5, `${id} is whole`);
			if (this.renamed.has(id))
				assert.equal(answer.json.fileName, this.renamed.get(id));
		}
	}
}

/** All images of a list, page by page. */
export async function listAll(server, query) {
	const images = [];
	for (let cursor = ''; cursor !== undefined;) {
		const answer = await call(server, 'GET', `/images?limit=100${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, { key: KEY });
		assert.equal(answer.status, 200, answer.text);
		images.push(...answer.json.images);
		cursor = answer.json.nextCursor;
	}
	return images;
}

/** A record without what depends on the server and on the moment: its URLs. */
const comparable = record => Object.fromEntries(Object.entries(record).filter(([name]) => !/url|links|thumbnail|expires/i.test(name)));

/** Records by id: the order of images that were uploaded within the same moment is not the same in every store. */
const byId = records => records.map(comparable).sort((a, b) => a.imageId < b.imageId ? -1 : 1);

/** What an administrator sees: records, users with their use and their records of every status, API keys, bytes by id. */
export async function inventory(server, users = []) {
	const images = await listAll(server, ''), seen = { images: byId(images), users: {}, owned: {}, bytes: {} };
	for (const image of images)
		seen.bytes[image.imageId] = createHash('sha256').update((await fetchUrl(image.downloadUrl)).bytes).digest('hex');
	for (const name of users) {
		const user = (await call(server, 'GET', `/users/${name}`, { key: KEY })).json;
		seen.users[name] = { ...user, usage: { ...user.usage, derivedBytes: undefined } };   // thumbnails are not moved
		seen.owned[name] = byId(await listAll(server, `&owner=${name}&status=all`));
	}
	seen.keys = (await call(server, 'GET', '/keys', { key: KEY })).json;
	return seen;
}
