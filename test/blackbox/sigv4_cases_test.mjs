// The cases of test/sigv4/cases, which the unit tests compare with our signer and verifier, signed by three independent
// signers. Each must give the same canonical request, string to sign and signature.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { npmPackage, root } from './support/server.mjs';

const { SignatureV4 } = npmPackage('@smithy/signature-v4');
const { AwsV4Signer } = await import(path.join(root, 'test/npm/node_modules/aws4fetch/dist/aws4fetch.esm.mjs'));

const folder = path.join(root, 'test/sigv4/cases');
const STEPS = ['canonical request', 'string to sign', 'signature'];
const PAYLOADS = { unsigned: 'UNSIGNED-PAYLOAD' };

/** A case: { name, settings, sections, method, target, headers, body }. */
function readCase(name) {
	const [top, ...rest] = readFileSync(path.join(folder, name), 'utf8').replace(/\n$/, '').split(/\n\n(?=\[)/);
	const settings = Object.fromEntries(top.split('\n').slice(2).map(line => /^(\S+) (.*)$/.exec(line).slice(1)));
	const sections = Object.fromEntries(rest.map(section => /^\[(.*)\]\n([^]*)$/.exec(section).slice(1)));
	const [, head, body = ''] = /^([^]*?)(?:\n\n([^]*))?$/.exec(sections.request);
	const [line, ...lines] = head.split('\n');
	const [, method, target] = /^(\S+) (\S+) HTTP\/1\.1$/.exec(line);
	return { name: name.replace('.txt', ''), settings, sections, method, target, body, headers: lines.map(h => /^([^:]+):(.*)$/.exec(h).slice(1)) };
}

/** What each signer is given, in the header or in the query. */
function toSign(c, inQuery) {
	const { settings: s, method, target, body } = c, headers = [...c.headers];
	const host = headers.find(([name]) => name.toLowerCase() === 'host')[1].trim();
	const hash = PAYLOADS[s.payload] ?? (s.payload === 'signed' ? createHash('sha256').update(body).digest('hex') : s.payload);
	if (s.service === 's3' && !inQuery)
		headers.push(['x-amz-content-sha256', hash]);
	return { service: s.service, region: s.region, date: s.date, accessKey: s['access-key'], secret: s.secret, token: s.token, expires: s.expires,
		method, target, host, headers, body, inQuery, url: `https://${host}${target}` };
}

const dateOf = date => new Date(date.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'));

/** botocore, all requests in one program: what its own presigner adds to the query is added here, in its own way. */
function signByBotocore(requests) {
	const input = requests.map(r => {
		const headers = [...r.headers], names = [...new Set(headers.map(([name]) => name.toLowerCase()))].sort().join(';');
		if (!r.inQuery)
			return { ...r, headers: [...headers, ['x-amz-date', r.date], ...r.token ? [['x-amz-security-token', r.token]] : []] };
		const added = [['Algorithm', 'AWS4-HMAC-SHA256'], ['Credential', `${r.accessKey}/${r.date.slice(0, 8)}/${r.region}/${r.service}/aws4_request`],
			['Date', r.date], ['Expires', r.expires], ['SignedHeaders', names], ...r.token ? [['Security-Token', r.token]] : []];
		return { ...r, url: `${r.url}${r.target.includes('?') ? '&' : '?'}${added.map(([name, value]) => `X-Amz-${name}=${encodeURIComponent(value)}`).join('&')}` };
	});
	const { status, stdout, stderr } = spawnSync('/usr/bin/python3', [path.join(root, 'test/sigv4/botocore_signer.py')],
		{ input: JSON.stringify(input), encoding: 'utf8', maxBuffer: 1 << 24 });
	assert.equal(status, 0, stderr);
	return JSON.parse(stdout).map(got => [got.canonicalRequest, got.stringToSign, got.signature]);
}

/** The SDK for JavaScript: what it hashes are the canonical request and, with the last key, the string to sign. */
async function signBySmithy(r) {
	const hashed = [];
	class Sha256 {
		constructor(secret) { this.hash = secret ? createHmac('sha256', secret) : createHash('sha256'); }
		update(data) { this.hash.update(data); hashed.push(Buffer.from(data).toString()); }
		async digest() { return new Uint8Array(this.hash.digest()); }
	}
	const signer = new SignatureV4({ credentials: { accessKeyId: r.accessKey, secretAccessKey: r.secret, sessionToken: r.token },
		region: r.region, service: r.service, sha256: Sha256, uriEscapePath: r.service !== 's3', applyChecksum: false });
	const [pathname, search = ''] = r.target.split('?');
	const query = {};
	for (const [name, value] of search.split('&').filter(Boolean).map(pair => pair.split('=').map(decodeURIComponent)))
		query[name] = name in query ? [query[name], value ?? ''].flat() : value ?? '';
	const request = { method: r.method, protocol: 'https:', hostname: r.host, path: pathname, query, headers: Object.fromEntries(r.headers), body: r.body || undefined };
	const options = { signingDate: dateOf(r.date) };
	let signature;
	if (r.inQuery) {
		const payload = 'x-amz-content-sha256', names = new Set([payload, ...r.headers.map(([name]) => name.toLowerCase())]);
		request.headers[payload] = 'UNSIGNED-PAYLOAD';
		const signed = await signer.presign(request, { ...options, expiresIn: Number(r.expires), unhoistableHeaders: names, unsignableHeaders: new Set([payload]) });
		signature = signed.query['X-Amz-Signature'];
	} else {
		const signed = await signer.sign(request, options);
		signature = /Signature=(\w+)$/.exec(signed.headers.authorization)[1];
	}
	return [hashed.find(text => text.startsWith(`${r.method}\n`)), hashed.find(text => text.startsWith('AWS4-HMAC-SHA256\n')), signature];
}

async function signByAws4fetch(r) {
	const url = r.inQuery ? `${r.url}${r.target.includes('?') ? '&' : '?'}X-Amz-Expires=${r.expires}` : r.url;
	const signer = new AwsV4Signer({ method: r.method, url, headers: r.headers, body: r.body || undefined, accessKeyId: r.accessKey, secretAccessKey: r.secret,
		sessionToken: r.token, service: r.service, region: r.region, datetime: r.date, signQuery: r.inQuery, allHeaders: true });
	return [await signer.canonicalString(), await signer.stringToSign(), await signer.signature()];
}

const cases = readdirSync(folder).filter(name => name.endsWith('.txt')).map(readCase);
const modes = cases.flatMap(c => ['header', 'query'].filter(mode => c.settings[`${mode}-signers`]).map(mode => [c, mode]));
let byBotocore;

/** The sections of a case that the signer's steps come to. */
const sectionsOf = (mode, steps) => Object.fromEntries(STEPS.map((step, i) => [`${mode} ${step}`, steps[i]]));

test('there are test cases, and each signer signs most of them', () => {
	assert.ok(cases.length >= 38);
	for (const signer of ['botocore', 'smithy', 'aws4fetch'])
		assert.ok(modes.filter(([c, mode]) => c.settings[`${mode}-signers`].includes(signer)).length >= 65, signer);
});

for (const [i, [c, mode]] of modes.entries())
	for (const signer of c.settings[`${mode}-signers`].split(' '))
		test(`${c.name}, signed in the ${mode} by ${signer}`, async () => {
			const request = toSign(c, mode === 'query');
			byBotocore ??= signByBotocore(modes.map(([each, how]) => toSign(each, how === 'query')));
			const steps = { botocore: () => byBotocore[i], smithy: () => signBySmithy(request), aws4fetch: () => signByAws4fetch(request) };
			const got = sectionsOf(mode, await steps[signer]());
			const stored = Object.fromEntries(Object.keys(got).map(name => [name, c.sections[name]]));
			const missing = Object.values(stored).includes(undefined) ? Object.entries(got).map(([name, text]) => `\n\n[${name}]\n${text}`).join('') : '';
			assert.deepEqual(got, stored, missing && `the sections of ${c.name}.txt are missing:${missing}\n`);
		});
