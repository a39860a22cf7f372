// `tintype keys` next to a running server: an added key can sign at once, a removed one soon cannot,
// permissions and names are checked, secrets are shown once, and the file stays private and whole.
import assert from 'node:assert/strict';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { credentials, eventually, fetchUrl, runProgram, startServer, tinyPng, uploadImage } from './support/server.mjs';
import { presign } from './support/presign.mjs';

let server;
before(async () => { server = await startServer(); });
after(() => server.stop());

const keys = (args, options) => runProgram(['keys', ...args, '--data', server.data], options);
const fileOf = () => path.join(server.data, 'credentials');

async function add(name, ...args) {
	const run = await keys(['add', name, ...args]);
	assert.equal(run.code, 0, run.stderr);
	const [, head, id, secret] = /^\[(.+)\]\naws_access_key_id = (\S+)\naws_secret_access_key = (\S+)\n$/.exec(run.stdout) ?? assert.fail(run.stdout);
	assert.equal(head, name);
	return { id, secret };
}

/** The store's response to a GET that this key has signed: its error code, or 200. */
async function codeFor(who) {
	const answer = await fetchUrl(presign(server, 'GET', 'notes/a.txt', { who }));
	return /<Code>(\w+)<\/Code>/.exec(answer.text)?.[1] ?? answer.status;
}

test('an added key works at once, a removed one soon does not', async () => {
	for (let i = 0; i < 5; i++) {
		const who = await add(`user-${i}`);
		assert.equal(await codeFor(who), 'AccessDenied', 'known, and the image bucket is not its own');
		assert.equal(await codeFor({ ...who, secret: `${who.secret}x` }), 'SignatureDoesNotMatch');
		const run = await keys(['rm', `user-${i}`]);
		assert.equal(run.code, 0, run.stderr);
		await eventually(async () => await codeFor(who) === 'InvalidAccessKeyId');
	}
	assert.equal(await codeFor(credentials(server).tintype), 'NoSuchKey', 'the owner all the while');
});

test('neither a user nor the slots key has access to the owner\'s data', async () => {
	const who = await add('stranger');
	const { image } = await uploadImage(server, { bytes: tinyPng });
	const key = `images/${image.imageId}.png`;
	for (const [method, at] of [['GET', key], ['GET', 'notes/a.txt'], ['PUT', 'notes/a.txt'], ['PUT', 'images/x.png'], ['DELETE', key]]) {
		const answer = await fetchUrl(presign(server, method, at, { who }), { method, ...method === 'PUT' && { body: 'x' } });
		assert.ok([403, 405, 501].includes(answer.status), `${method} ${at}: ${answer.status}`);
	}
	for (const [method, at] of [['GET', 'notes/a.txt'], ['PUT', 'notes/a.txt']]) {
		const answer = await fetchUrl(presign(server, method, at, { who: credentials(server).slots }), { method, ...method === 'PUT' && { body: 'x' } });
		assert.equal(answer.status, 403, `${method} ${at} by slots`);
	}
});

test('a key\'s secret is shown once, and the file is private', async () => {
	const who = await add('once');
	assert.match(who.id, /^AKIA[A-Z2-7]{16}$/);
	assert.match(who.secret, /^[A-Za-z0-9]{40}$/);
	const list = await keys(['list']);
	assert.equal(list.code, 0);
	assert.match(list.stdout, new RegExp(`^once +${who.id} +once +everything$`, 'm'));
	for (const { secret } of Object.values(credentials(server)))
		assert.ok(!list.stdout.includes(secret) && !list.stderr.includes(secret));
	assert.equal(statSync(fileOf()).mode & 0o777, 0o600);
	assert.ok(!server.log.join('\n').includes(who.secret));
});

test('permissions are given by bucket, prefix and action, and listed', async () => {
	await add('reader', '--user', 'once', '--allow', 'list,read', '--bucket', 'photos', '--prefix', 'in ä/');
	await add('two', '--bucket', 'photos', '--allow', 'list', '--allow=all', '--bucket=*');
	await add('all-of-one', '--bucket', 'photos');
	const { stdout } = await keys(['list']);
	assert.match(stdout, /^reader +\S+ +once +list,read:photos\/in%20%C3%A4\/$/m);
	assert.match(stdout, /^two +\S+ +two +list:photos all$/m);
	assert.match(stdout, /^all-of-one +\S+ +all-of-one +all:photos$/m);
});

for (const [name, args, sentence, code = 2] of [
	['no action', [], /add NAME, list or rm NAME/],
	['an unknown action', ['drop'], /add NAME, list or rm NAME/],
	['no name', ['add'], /no name/],
	['two names', ['add', 'a', 'b'], /more than one name/],
	['an unknown option', ['add', 'a', '--bukcet', 'b'], /unknown option "--bukcet"; see --help/],
	['an option of add with rm', ['rm', 'a', '--bucket', 'b'], /unknown option "--bucket"; see --help/],
	['an unknown permission', ['add', 'a', '--allow', 'read,fly'], /--allow must be list, read, write, delete, buckets/],
	['no permission', ['add', 'a', '--allow', ''], /--allow must be/],
	['two permissions of which one would be wide', ['add', 'a', '--bucket', 'photos', '--allow', 'read', '--allow', 'write'], /each needs its own --bucket/],
	['buckets below a prefix', ['add', 'a', '--bucket', 'photos', '--prefix', 'p/', '--allow', 'read,buckets'], /omit --prefix/],
	['an id alone', ['add', 'a', '--id', 'AKIAIMPORTED'], /go together/],
	['a bad id', ['add', 'a', '--id', 'a/b', '--secret-stdin'], /--id must be/],
	['a short id', ['add', 'a', '--id', 'ab', '--secret-stdin'], /--id must be/],
	['a short secret', ['add', 'a', '--id', 'AKIAIMPORTED', '--secret-stdin'], /8 to 128/],
	['two secrets', ['add', 'a', '--id', 'AKIAIMPORTED', '--secret-env', 'GOOD_SECRET', '--secret-stdin'], /--secret-stdin cannot be given with --secret-env/],
	['a variable that is not set', ['add', 'a', '--id', 'AKIAIMPORTED', '--secret-env', 'NOT_THERE'], /not set/],
	['a bucket that cannot be', ['add', 'a', '--bucket', 'a/b', '--allow', 'read'], /must be 3 to 63/],
	['a name that cannot be', ['add', 'a b'], /A name must be/, 1],
	['the owner\'s name', ['add', 'tintype'], /already/, 1],
	['to remove the owner', ['rm', 'tintype'], /cannot be removed/, 1],
	['to remove slots', ['rm', 'slots'], /cannot be removed/, 1],
	['to remove nobody', ['rm', 'nobody'], /No key has that name/, 1],
])
	test(`${name} is refused with an error message, and the file is unchanged`, async () => {
		const text = readFileSync(fileOf());
		const run = await keys(args, { input: 'short\n', env: { GOOD_SECRET: 'x'.repeat(20) } });
		assert.match(run.stderr, sentence);
		assert.equal(run.stderr.trim().split('\n').length, 1);
		assert.equal(run.code, code);
		assert.equal(run.stdout, '');
		assert.deepEqual(readFileSync(fileOf()), text);
	});

test('an existing id and secret are imported, from standard input or the environment', async () => {
	const secret = 'h7GhxuBLTrlhVUyxSPUKUV8r/2EI4ngqJxD7iBdBYLhwluN30JaT3Q==';
	for (const [id, args, options] of [['0555b35654ad1656d804', ['--secret-stdin'], { input: `${secret}\n` }], ['minio', ['--secret-env', 'OLD_SECRET'], { env: { OLD_SECRET: secret } }]]) {
		const run = await keys(['add', `of-${id}`, '--id', id, ...args], options);
		assert.equal(run.code, 0, run.stderr);
		assert.ok(!run.stdout.includes(secret));
		assert.equal(await codeFor({ id, secret }), 'AccessDenied');
		assert.match((await keys(['add', 'again', '--id', id, ...args], options)).stderr, new RegExp(`used by the key named of-${id}`));
	}
});

test('many added concurrently are all there', async () => {
	const added = await Promise.all(Array.from({ length: 10 }, (_, i) => add(`parallel-${i}`)));
	for (const who of added)
		assert.equal(await codeFor(who), 'AccessDenied');
});

test('a file that cannot be used is logged, and the loaded keys stay in effect', async () => {
	const text = readFileSync(fileOf(), 'utf8');
	const put = (what, mode = 0o600) => {
		writeFileSync(`${fileOf()}.beside`, what, { mode });
		renameSync(`${fileOf()}.beside`, fileOf());
	};
	const refusals = () => server.events('keys.refused').length;
	const unknown = { id: 'AKIANOBODY', secret: 'nobody' };
	for (const [what, mode] of [['[tintype'], [text, 0o644], ['']]) {
		const before = refusals();
		put(what, mode);
		assert.equal(await codeFor(unknown), 'InvalidAccessKeyId');
		assert.equal(await codeFor(credentials({ data: server.data }).tintype ?? ownerOf(text)), 'NoSuchKey');
		await eventually(() => refusals() > before);
		assert.equal(refusals(), before + 1, 'said once');
	}
	rmSync(fileOf());
	assert.equal(await codeFor(ownerOf(text)), 'NoSuchKey');
	put(text);
	await add('afterwards');
	assert.equal(await codeFor(ownerOf(text)), 'NoSuchKey');
});

function ownerOf(text) {
	const [, id, secret] = /^\[tintype\]\naws_access_key_id = (\S+)\naws_secret_access_key = (\S+)$/m.exec(text);
	return { id, secret };
}

test('a user owns the buckets it creates, and its keys may do what they are allowed there and nowhere else', async () => {
	const alice = await add('alice'), bob = await add('bob');
	const reader = await add('alice-reads', '--user', 'alice', '--bucket', 'alice-photos', '--prefix', 'in/', '--allow', 'list,read');
	const writer = await add('alice-writes', '--user', 'alice', '--bucket', 'alice-photos', '--allow', 'write');
	const keep = await add('alice-elsewhere', '--user', 'alice', '--bucket', 'alice-other', '--allow', 'all');
	const { tintype: owner, slots } = credentials(server);
	const ask = async (who, method, key, query) => {
		const url = presign(server, method, key, { who, bucket: 'alice-photos', query });
		return (await fetchUrl(url, { method, ...method === 'PUT' && key !== '' && { body: 'hello' } })).status;
	};
	assert.equal(await ask(alice, 'PUT', ''), 200, 'the bucket is made');
	assert.equal(await ask(alice, 'PUT', 'in/a'), 200);
	assert.equal(await ask(alice, 'PUT', 'out'), 200);
	for (const [name, who, rights] of [
		['alice', alice, { read: 200, readOut: 200, write: 200, list: 200, listIn: 200, delete: 204 }],
		['reader', reader, { read: 200, readOut: 403, write: 403, list: 403, listIn: 200, delete: 403 }],
		['writer', writer, { read: 403, readOut: 403, write: 200, list: 403, listIn: 403, delete: 403 }],
		['elsewhere', keep, { read: 403, readOut: 403, write: 403, list: 403, listIn: 403, delete: 403 }],
		['bob', bob, { read: 403, readOut: 403, write: 403, list: 403, listIn: 403, delete: 403 }],
		['the owner', owner, { read: 403, readOut: 403, write: 403, list: 403, listIn: 403, delete: 403 }],
		['slots', slots, { read: 403, readOut: 403, write: 403, list: 403, listIn: 403, delete: 403 }],
	])
		assert.deepEqual({
			read: await ask(who, 'GET', 'in/a'), readOut: await ask(who, 'GET', 'out'), write: await ask(who, 'PUT', 'in/b'),
			list: await ask(who, 'GET', '', { 'list-type': '2' }), listIn: await ask(who, 'GET', '', { 'list-type': '2', prefix: 'in/' }),
			delete: await ask(who, 'DELETE', 'in/b'),
		}, rights, name);
	assert.equal((await keys(['rm', 'alice'])).code, 0);
	await eventually(async () => await ask(alice, 'GET', 'in/a') === 403);
	assert.equal(await ask(reader, 'GET', 'in/a'), 200, 'another key of the user goes on');
});
