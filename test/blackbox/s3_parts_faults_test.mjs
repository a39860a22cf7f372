// Multipart uploads and their failures: parts out of order, too small, missing, replaced or aborted while
// they are being sent, an upload completed twice at once. There is one whole object, or the unchanged upload.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { eventually } from './support/server.mjs';
import { signedHead } from './support/s3.mjs';
import { completion, filled, md5, MIB, startStore } from './support/s3_faults.mjs';

const PART = 5 * MIB;
let store, made = 0;
before(async () => { store = await startStore(); });
after(() => store.stop());

const freshKey = () => `/things/upload-${++made}`;
const first = filled(PART, 'first'), second = filled(PART, 'second'), rest = filled(1000, 'rest');

async function begunWith(...bodies) {
	const key = freshKey(), id = await store.begin(key), parts = [];
	for (const [i, body] of bodies.entries()) {
		const put = await store.part(key, id, i + 1, body);
		assert.equal(put.status, 200, put.text);
		parts.push([i + 1, put.headers.etag]);
	}
	return { key, id, parts };
}

/** The upload is as it was: its parts are listed, nothing is under its key, and it can still be completed, with `named` of them. */
async function stillThere({ key, id, parts }, bytes, named = parts) {
	assert.equal((await store.ask('HEAD', key)).status, 404);
	const listed = await store.ask('GET', key, { query: { uploadId: id } });
	assert.deepEqual([...listed.text.matchAll(/<PartNumber>(\d+)</g)].map(m => Number(m[1])), parts.map(p => p[0]));
	const done = await store.complete(key, id, named);
	assert.equal(done.status, 200, done.text);
	assert.ok((await store.ask('GET', key)).bytes.equals(bytes));
}

test('parts listed in another order, twice, nonexistent, with another ETag, or not at all', async () => {
	const upload = await begunWith(first, rest);
	const [a, b] = upload.parts, other = `"${md5('other')}"`;
	const cases = [
		[[b, a], 'InvalidPartOrder'], [[a, a], 'InvalidPartOrder'], [[a, [3, b[1]]], 'InvalidPart'], [[[10000, a[1]]], 'InvalidPart'],
		[[a, [2, a[1]]], 'InvalidPart'], [[[1, other]], 'InvalidPart'], [[[1, '"x"']], 'InvalidPart'], [[], 'MalformedXML'],
		[[[0, a[1]]], 'InvalidArgument'], [[[10001, a[1]]], 'InvalidArgument'], [[[-1, a[1]]], 'InvalidArgument'],
		[[['4294967297', a[1]]], 'InvalidArgument'], [[['18446744073709551617', a[1]]], 'InvalidArgument'],
		[[['', a[1]]], 'MalformedXML'], [[[1, '']], 'MalformedXML'],
	];
	for (const [parts, code] of cases)
		store.refused(await store.complete(upload.key, upload.id, parts), 400, code, JSON.stringify(parts));
	await stillThere(upload, Buffer.concat([first, rest]));
});

test('ten thousand nonexistent parts, and one more', async () => {
	const upload = await begunWith(first);
	const many = n => Array.from({ length: n }, (_, i) => [i + 1, upload.parts[0][1]]);
	store.refused(await store.complete(upload.key, upload.id, many(10000)), 400, 'InvalidPart');
	store.refused(await store.complete(upload.key, upload.id, many(10001)), 400, 'MalformedXML');
	await stillThere(upload, first);
});

test('a part that is too small before the last', async () => {
	const upload = await begunWith(rest, first);
	const answer = await store.complete(upload.key, upload.id, upload.parts);
	store.refused(answer, 400, 'EntityTooSmall');
	assert.equal(answer.element('PartNumber'), '1');
	await stillThere(upload, first, [upload.parts[1]]);
});

test('invalid part numbers and upload ids', async () => {
	const { key, id } = await begunWith();
	for (const n of ['0', '10001', '-1', '1.5', '1e3', '', 'x', '4294967297', '18446744073709551617', ' 1', '+1', '0x1'])
		store.refused(await store.part(key, id, n, rest), 400, 'InvalidArgument', `part ${n}`);
	for (const other of ['', 'x', id.slice(1), `${id}0`, id.replace(/.$/, c => c === '0' ? '1' : '0'), id.replace(/^./, 'f'), 'f'.repeat(id.length), `${id}\0`, '../../x']) {
		store.refused(await store.part(key, other, 1, rest), 404, 'NoSuchUpload', `upload ${other}`);
		store.refused(await store.complete(key, other, [[1, `"${md5(rest)}"`]]), 404, 'NoSuchUpload', `upload ${other}`);
		store.refused(await store.ask('GET', key, { query: { uploadId: other } }), 404, 'NoSuchUpload', `upload ${other}`);
		store.refused(await store.ask('DELETE', key, { query: { uploadId: other } }), 404, 'NoSuchUpload', `upload ${other}`);
	}
	store.refused(await store.part(`${key}x`, id, 1, rest), 404, 'NoSuchUpload');
	assert.equal((await store.ask('GET', key, { query: { uploadId: id } })).status, 200, 'the right one is untouched');
});

test('completed by eight at once: one object, one response', async () => {
	for (let round = 0; round < 2; round++) {
		const upload = await begunWith(first, second, rest);
		const answers = await Promise.all(Array.from({ length: 8 }, () => store.complete(upload.key, upload.id, upload.parts)));
		for (const answer of answers) {
			assert.equal(answer.status, 200, answer.text);
			assert.equal(answer.element('ETag'), answers[0].element('ETag'));
		}
		assert.match(answers[0].element('ETag'), /-3&quot;$/);
		assert.ok((await store.ask('GET', upload.key)).bytes.equals(Buffer.concat([first, second, rest])));
		store.refused(await store.part(upload.key, upload.id, 1, rest), 404, 'NoSuchUpload');
		await store.ask('DELETE', upload.key);
	}
	await store.settled();
});

test('completed by two with different parts, and aborted, at once: one of them wins', async () => {
	for (let round = 0; round < 4; round++) {
		const upload = await begunWith(first, rest);
		const [whole, part, gone] = await Promise.all([store.complete(upload.key, upload.id, upload.parts),
			store.complete(upload.key, upload.id, [upload.parts[0]]), store.ask('DELETE', upload.key, { query: { uploadId: upload.id } })]);
		const won = [[whole, 200], [part, 200], [gone, 204]].filter(([answer, status]) => answer.status === status);
		assert.equal(won.length, 1, [whole, part, gone].map(a => a.status + a.text).join('\n'));
		for (const answer of [whole, part, gone])
			if (answer !== won[0][0])
				store.refused(answer, 404, 'NoSuchUpload');
		const get = await store.ask('GET', upload.key);
		if (won[0][0] === gone)
			assert.equal(get.status, 404);
		else
			assert.ok(get.bytes.equals(won[0][0] === whole ? Buffer.concat([first, rest]) : first));
	}
	await store.settled();
});

test('a part that is replaced while the upload is completed: the object has the listed parts, or there is none', async () => {
	for (let round = 0; round < 4; round++) {
		const upload = await begunWith(first, rest);
		const [done, put] = await Promise.all([store.complete(upload.key, upload.id, upload.parts), store.part(upload.key, upload.id, 1, second)]);
		assert.ok([200, 404].includes(put.status), put.text);
		if (done.status === 200) {
			assert.ok((await store.ask('GET', upload.key)).bytes.equals(Buffer.concat([first, rest])));
			continue;
		}
		store.refused(done, 400, 'InvalidPart');
		assert.equal(put.status, 200);
		await stillThere({ ...upload, parts: [[1, put.headers.etag], upload.parts[1]] }, Buffer.concat([second, rest]));
	}
});

/** A PUT that stops half-way: { more(bytes), answer }; answer resolves to the response. */
function halfPut(key, query, length) {
	const head = signedHead(store.server, 'PUT', key, { who: store.who, query, payload: 'UNSIGNED-PAYLOAD' });
	const { hostname, port } = new URL(store.server.storage);
	const request = http.request({ host: hostname, port, method: 'PUT', path: head.target, headers: { ...head.headers, 'content-length': length }, setHost: false, agent: false });
	const answer = new Promise((resolve, reject) => request.on('error', reject).on('response', response => {
		const pieces = [];
		response.on('data', p => pieces.push(p)).on('end', () => {
			const text = Buffer.concat(pieces).toString();
			resolve({ status: response.statusCode, text, code: /<Code>(\w+)</.exec(text)?.[1] });
		});
	}));
	answer.catch(() => {});
	return { request, answer };
}

test('an upload that is aborted, and one that is completed, while a part is being sent: the part is refused and leaves nothing', async () => {
	for (const end of ['abort', 'complete']) {
		const upload = await begunWith(rest);
		const late = halfPut(upload.key, { uploadId: upload.id, partNumber: 2 }, first.length);
		late.request.write(first.subarray(0, 100000));
		await eventually(() => store.server.pid && late.request.socket?.bytesWritten > 100000);
		const ended = end === 'abort' ? await store.ask('DELETE', upload.key, { query: { uploadId: upload.id } }) : await store.complete(upload.key, upload.id, upload.parts);
		assert.equal(ended.status, end === 'abort' ? 204 : 200, ended.text);
		late.request.end(first.subarray(100000));
		store.refused(await late.answer, 404, 'NoSuchUpload', end);
		await store.settled();
		assert.equal((await store.ask('HEAD', upload.key)).status, end === 'abort' ? 404 : 200);
	}
});

test('a part that is cut off is not stored, and the previous one stays', async () => {
	const upload = await begunWith(first);
	const cut = halfPut(upload.key, { uploadId: upload.id, partNumber: 1 }, second.length);
	cut.request.write(second.subarray(0, 1000000));
	await eventually(() => cut.request.socket?.bytesWritten > 1000000);
	cut.request.destroy();
	await store.settled();
	await stillThere(upload, first);
});

test('one part uploaded by many at once is one of them, whole', async () => {
	const upload = await begunWith();
	const bodies = Array.from({ length: 12 }, (_, i) => filled(i % 2 ? 100 : 300000, `part ${i}`));
	const puts = await Promise.all(bodies.map(body => store.part(upload.key, upload.id, 1, body)));
	puts.forEach((put, i) => assert.equal(`${put.status} ${put.headers.etag}`, `200 "${md5(bodies[i])}"`));
	const listed = await store.ask('GET', upload.key, { query: { uploadId: upload.id } });
	const etags = [...listed.text.matchAll(/<ETag>&quot;(\w+)&quot;/g)].map(m => m[1]);
	assert.equal(etags.length, 1);
	await stillThere({ ...upload, parts: [[1, etags[0]]] }, bodies.find(body => md5(body) === etags[0]));
	await store.settled();
});

test('the list of parts is accepted in every form that S3 accepts, and no other', async () => {
	const upload = await begunWith(rest), [[, etag]] = upload.parts;
	const send = body => store.ask('POST', upload.key, { query: { uploadId: upload.id }, body });
	const bare = etag.replaceAll('"', ''), part = `<Part><PartNumber>1</PartNumber><ETag>${bare}</ETag></Part>`;
	for (const body of ['', 'x', '<a/>', `<CompleteMultipartUpload>${part}`, `<CompleteMultipartUpload><Other/>${part}</CompleteMultipartUpload>`, completion([[1, etag]]).toLowerCase(),
		`<CompleteMultipartUpload>${part}</CompleteMultipartUpload><x/>`])
		store.refused(await send(body), 400, 'MalformedXML', body);
	assert.equal((await store.ask('GET', upload.key, { query: { uploadId: upload.id } })).status, 200);
	const taken = await send(`<?xml version="1.0" encoding="UTF-8"?>\n<s:CompleteMultipartUpload xmlns:s="http://s3.amazonaws.com/doc/2006-03-01/">`
		+ `<s:Part>\n <s:ETag>&#34;${bare}&#34;</s:ETag>\n <s:PartNumber> 1 </s:PartNumber></s:Part></s:CompleteMultipartUpload>`);
	assert.equal(taken.status, 200, taken.text);
});
