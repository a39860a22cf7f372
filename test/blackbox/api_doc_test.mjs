// doc/api.md, replayed: every `http request` block is sent, and the response must match the
// `http response` block after it. The document itself describes the blocks; a
// comment `<!-- server: NAME=value … -->` starts a new server with that environment.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { root, startServer, tinyPng } from './support/server.mjs';

const picture = '<bytes of picture.png>';
const placeholder = /<([A-Za-z]\w*)>/g;

/** The steps of the document: { server: {env} } or { line, request, response }. */
export function stepsOf(text) {
	const steps = [];
	const blocks = /^<!-- server:(.*?)-->$|^```http (request|response)\n([^]*?)^```$/gm;
	for (const [whole, server, kind, body] of Array.from(text.matchAll(blocks))) {
		if (server !== undefined)
			steps.push({ server: Object.fromEntries(server.trim().split(/\s+/).filter(Boolean).map(s => s.split('='))) });
		else if (kind === 'request')
			steps.push({ line: body.split('\n', 1)[0], request: readMessage(body) });
		else if (steps.at(-1)?.request && !steps.at(-1).response)
			steps.at(-1).response = readMessage(body);
		else
			throw new Error(`a response without a request: ${whole}`);
	}
	const single = steps.find(s => s.request && !s.response);
	if (single)
		throw new Error(`a request without a response: ${single.line}`);
	return steps;
}

function readMessage(block) {
	const [head, ...rest] = block.trimEnd().split('\n\n');
	const [first, ...lines] = head.split('\n');
	const headers = lines.map(l => [l.slice(0, l.indexOf(':')), l.slice(l.indexOf(':') + 1).trim()]);
	return { first, headers, body: rest.join('\n\n') };
}

function fillIn(text, known) {
	return text.replace(placeholder, (whole, name) => {
		assert.ok(known.has(name), `${whole} is not known yet`);
		return known.get(name);
	});
}

/** Match a text with its pattern of literals, <name> and …; new names are remembered. */
export function matchText(got, pattern, known, where) {
	const names = [];
	const quote = s => s.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
	const parts = pattern.split(/(<[A-Za-z]\w*>|…)/).map(part => {
		const name = /^<(\w+)>$/.exec(part)?.[1];
		if (part === '…')
			return '.*';
		if (name === undefined || known.has(name))
			return quote(name === undefined ? part : known.get(name));
		names.push(name);
		return '(.+)';
	});
	const match = new RegExp(`^${parts.join('')}$`, 's').exec(got);
	assert.ok(match, `${where}: ${JSON.stringify(got)} is not ${JSON.stringify(pattern)}`);
	names.forEach((name, i) => known.set(name, match[i + 1]));
}

export function matchValue(got, expected, known, where) {
	if (typeof expected === 'string') {
		assert.equal(typeof got, 'string', `${where} must be a string`);
		matchText(got, expected, known, where);
		return;
	}
	if (expected === null || typeof expected !== 'object') {
		assert.equal(got, expected, where);
		return;
	}
	assert.equal(Array.isArray(got), Array.isArray(expected), where);
	assert.deepEqual(Object.keys(got).sort(), Object.keys(expected).sort(), `${where}: different members`);
	for (const name of Object.keys(expected))
		matchValue(got[name], expected[name], known, `${where}.${name}`);
}

async function send(server, request, known) {
	const [method, target] = fillIn(request.first, known).split(' ');
	const headers = Object.fromEntries(request.headers.map(([name, value]) => [name, fillIn(value, known)]));
	const body = request.body === picture ? tinyPng : request.body === '' ? undefined : fillIn(request.body, known);
	const url = target.startsWith('/') ? server.api + target : target;
	const response = await fetch(url, { method, headers, body, redirect: 'manual' });
	return { response, bytes: Buffer.from(await response.arrayBuffer()) };
}

function checkResponse({ response, bytes }, expected, known) {
	assert.equal(String(response.status), expected.first.split(' ')[0], bytes.toString());
	for (const [name, pattern] of expected.headers) {
		assert.ok(response.headers.has(name), `${name} is missing`);
		matchText(response.headers.get(name), pattern, known, name);
	}
	if (expected.body === picture)
		assert.ok(bytes.equals(tinyPng), 'other bytes were received');
	else if (expected.body !== '')
		matchValue(JSON.parse(bytes), JSON.parse(expected.body), known, 'body');
}

const steps = stepsOf(readFileSync(path.join(root, 'doc/api.md'), 'utf8'));
const known = new Map();
let server;

before(async () => { server = await startServer(); });
after(() => server?.stop());

test('the document has examples of every call', () => {
	const sent = new Set(steps.filter(s => s.request).map(s => s.line.replace(/<\w+>/, '{}').replace(/\?.*/, '')));
	for (const call of ['POST /prod/upload', 'POST /prod/uppy', 'POST /prod/images', 'GET /prod/images', 'GET /prod/images/{}', 'GET /prod/images/{}/file',
		'POST /prod/images/{}/complete', 'DELETE /prod/images/{}', 'GET /prod/limits', 'OPTIONS /prod/upload'])
		assert.ok(sent.has(call), `no example of ${call}`);
});

test('a value that differs is found', () => {
	assert.throws(() => matchValue({ a: 1 }, { a: 2 }, new Map(), 'x'));
	assert.throws(() => matchValue({ a: 'b', c: 1 }, { a: 'b' }, new Map(), 'x'));
	assert.throws(() => matchValue({}, { a: 'b' }, new Map(), 'x'));
	assert.throws(() => matchValue({ a: 'xz' }, { a: '<y>' }, new Map([['y', 'z']]), 'x'));
	assert.throws(() => matchValue({ a: '' }, { a: '<y>' }, new Map(), 'x'));
	matchValue({ a: 'http://h/1.png' }, { a: 'http://…/<n>.png' }, new Map([['n', '1']]), 'x');
});

for (const step of steps) {
	if (step.server) {
		test(`a server with ${JSON.stringify(step.server)}`, async () => {
			await server.stop();
			server = await startServer({ env: step.server });
		});
		continue;
	}
	test(step.line, async () => {
		checkResponse(await send(server, step.request, known), step.response, known);
	});
}
