// What the suites of faults at the S3 listener share: a store with a bucket, requests by its owner, refusals whose
// bodies a real XML parser reads, and what is left on disk.
//
//   const store = await startStore();
//   await store.refused(await store.ask('PUT', '/things/a', { body }), 400, 'BadDigest');
//   after(() => store.stop());   // fails when a refusal was not XML
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { credentials, eventually, startServer } from './server.mjs';
import { s3 } from './s3.mjs';

export const MIB = 1 << 20;
export const md5 = bytes => createHash('md5').update(bytes).digest('hex');

/** Bytes that are the same for the same seed, and others for another. */
export function filled(size, seed) {
	const block = createHash('shake256', { outputLength: 4096 }).update(String(seed)).digest();
	return Buffer.alloc(size, block);
}

// Reads a JSON list of bodies; prints those that are no error as S3 writes it.
const READER = `
import json, sys, xml.etree.ElementTree as tree
for text in json.load(sys.stdin):
    try:
        root = tree.fromstring(text.encode())
        names = [child.tag for child in root]
        good = root.tag == 'Error' and all(names.count(n) == 1 for n in ('Code', 'Message', 'Resource', 'RequestId'))
    except tree.ParseError:
        good = False
    if not good:
        print(text)
`;

/** Fails unless every one of these bodies is a whole error document. */
export function assertErrors(bodies) {
	const run = spawnSync('python3', ['-c', READER], { input: JSON.stringify(bodies), encoding: 'utf8', maxBuffer: 64 * MIB });
	assert.equal(run.status, 0, run.stderr);
	assert.equal(run.stdout, '', 'bodies of errors that are not S3\'s XML');
}

/** The most memory that the server has had, in bytes. */
export const peakMemory = server => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) * 1024;

/* The data directory in the server's own mount namespace. */
const seen = server => `/proc/${server.pid}/root${server.data}`;

/** Files below a folder of the data directory, as the server sees it. */
export function files(server, sub) {
	return readdirSync(path.join(seen(server), sub), { recursive: true, withFileTypes: true }).filter(e => e.isFile()).length;
}

/** A server and its owner, with a bucket named things unless `bucket` is false. Options are startServer's. */
export async function startStore({ bucket = true, ...options } = {}) {
	const server = await startServer(options);
	const who = credentials({ data: seen(server) }).tintype, bodies = [];
	const store = { server, who, bodies };
	store.ask = (method, at, more = {}) => s3(server, method, at, { who, ...more });
	store.refused = (answer, status, code, note = '') => {
		assert.equal(`${note} ${answer.status} ${answer.code}`, `${note} ${status} ${code}`, answer.text);
		bodies.push(answer.text);
	};
	/* How the directory of bodies on their way looks in a moment: whatever is refused leaves nothing there. */
	store.settled = () => eventually(() => files(server, 'incoming') === 0, { what: 'an empty incoming/' });
	store.keys = async (at = '/things', query = {}) => {
		const found = [];
		for (let after = '';;) {
			const page = await store.ask('GET', at, { query: { 'list-type': '2', 'start-after': after, ...query } });
			assert.equal(page.status, 200, page.text);
			const keys = [...page.text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(m => m[1]);
			found.push(...keys);
			if (page.element('IsTruncated') === 'false')
				return found;
			after = keys.at(-1);
		}
	};
	store.begin = async at => {
		const begun = await store.ask('POST', at, { query: { uploads: '' } });
		assert.equal(begun.status, 200, begun.text);
		return begun.element('UploadId');
	};
	store.part = (at, uploadId, partNumber, body) => store.ask('PUT', at, { query: { uploadId, partNumber }, body, payload: 'UNSIGNED-PAYLOAD' });
	store.complete = (at, uploadId, parts, more) => store.ask('POST', at, { query: { uploadId }, body: completion(parts), ...more });
	store.stop = async () => {
		await server.stop();
		assertErrors(bodies);
	};
	const made = bucket && await store.ask('PUT', '/things');
	if (made && made.status !== 200) {
		await server.stop();
		assert.fail(`no bucket: ${made.text}`);
	}
	return store;
}

/** The body of CompleteMultipartUpload: parts are pairs of number and ETag. */
export const completion = parts =>
	`<CompleteMultipartUpload>${parts.map(([n, etag]) => `<Part><PartNumber>${n}</PartNumber><ETag>${etag}</ETag></Part>`).join('')}</CompleteMultipartUpload>`;
