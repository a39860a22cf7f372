// The command line against the real server: upload, list, get, rm, logs, their exit statuses, and
// names that try to do harm on the way in, on a terminal and on the way out.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, afterEach, describe, test } from 'node:test';
import { childEnv, corpora, eventually, openSlot, program, putBytes, runProgram, startServer, tinyPng, uploadImage } from './support/server.mjs';

const md5 = bytes => createHash('md5').update(bytes).digest('hex');
const lines = text => text.split('\n').filter(line => line !== '');
const objects = text => lines(text).map(line => JSON.parse(line));
// What acts on a terminal: controls but the line feed, C1, bidi marks and overrides.
const active = /[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

let server, dir;

const run = (args, { env = {}, cwd = dir } = {}) =>
	runProgram(args, { cwd, env: { TINTYPE_ENDPOINT: server.api, TINTYPE_API_KEY: null, ...env } });

describe('the command line', () => {
	before(async () => { server = await startServer(); });
	after(() => server.stop());
	beforeEach(() => { dir = mkdtempSync(path.join(tmpdir(), 'tintype-cli-')); });
	afterEach(() => rmSync(dir, { recursive: true, force: true }));

	test('output that cannot be written is reported with its cause, and the exit status is 1', async () => {
		const { slot } = await uploadImage(server);
		const full = args => spawnSync('/bin/sh', ['-c', 'exec "$0" "$@" >/dev/full', program(), ...args], {
			encoding: 'utf8', env: { ...process.env, TINTYPE_ENDPOINT: server.api },
		});
		for (const args of [['version'], ['help'], ['settings'], ['serve', '--help'], ['list', '--help'], ['list'], ['list', '--json'],
			['get', slot.imageId, '-o', '-'], ['logs', '--data', server.data], ['logs', '--data', server.data, '--json']]) {
			const { status, stderr } = full(args);
			assert.equal(stderr, 'tintype: the output cannot be written: No space left on device\n', args.join(' '));
			assert.equal(status, 1, args.join(' '));
		}
		const backup = path.join(dir, 'backup'), file = path.join(dir, 'full.png');
		writeFileSync(file, tinyPng);
		for (const [args, code = 1] of [[['backup', backup, '--data', server.data]], [['restore', backup, '--list']], [['restore', backup, '--check']],
			[['recount', '--data', server.data]], [['keys', 'list', '--data', server.data]], [['fsck', '--data', server.data], 2], [['upload', '--again', file]]]) {
			const { status, stderr } = full(args);
			assert.match(stderr, /^tintype: the output cannot be written: No space left on device$/m, args.join(' '));
			assert.equal(status, code, args.join(' '));
		}
		for (const { imageId } of (await run(['list', '--json'])).stdout.trim().split('\n').map(line => JSON.parse(line)))
			assert.equal((await run(['rm', imageId])).code, 0);
	});

	test('with --json each file that cannot be read has a line too', async () => {
		mkdirSync(path.join(dir, 'sub'));
		writeFileSync(path.join(dir, 'sub', 'real.png'), tinyPng);
		spawnSync('mkfifo', [path.join(dir, 'pipe')]);
		const sent = await run(['upload', '--json', 'none.png', 'pipe', 'sub', '']);
		assert.equal(sent.code, 1);
		const lines = sent.stdout.trim().split('\n').map(line => JSON.parse(line)).sort((a, b) => a.file < b.file ? -1 : 1);
		assert.deepEqual(lines.map(({ file, ok, error }) => [file, ok, error]), [['', false, 'No such file or directory'], ['none.png', false, 'No such file or directory'],
			['pipe', false, 'is neither a file nor a directory'], ['sub/real.png', true, undefined]]);
		assert.equal((await run(['rm', lines[3].imageId])).code, 0);
	});

	for (const [what, folder] of corpora()) test(`upload, list, get and rm of every good file of ${what}`, async () => {
		const good = path.join(folder, 'good'), files = readdirSync(good);
		assert.ok(files.length >= 5);
		const up = await run(['upload', good, '--json', '--jobs', '8', '--again']);
		assert.equal(up.code, 0, up.stderr);
		assert.match(up.stderr, new RegExp(`^${files.length} uploaded \\(.* in .* s\\)\\n$`));
		const uploaded = objects(up.stdout);
		assert.deepEqual(uploaded.map(o => o.fileName).sort(), files.sort());

		const list = await run(['list', '--all', '--json']);
		assert.equal(list.code, 0);
		const records = new Map(objects(list.stdout).map(r => [r.imageId, r]));
		for (const { imageId, fileName, ok, deleteToken } of uploaded) {
			const bytes = readFileSync(path.join(good, fileName)), record = records.get(imageId);
			assert.equal(ok, true);
			assert.ok(deleteToken);
			assert.equal(record.receivedSize, bytes.length);
			if (!record.removed)
				assert.deepEqual([record.fileSize, record.etag], [bytes.length, md5(bytes)], fileName);
			assert.ok(record.width > 0 && record.height > 0);
		}
		for (const { imageId, fileName } of uploaded.slice(0, 5)) {
			const got = await run(['get', imageId]);
			assert.equal(got.code, 0, got.stderr);
			assert.equal(md5(readFileSync(path.join(dir, fileName))), records.get(imageId).etag);
		}
		assert.equal(readdirSync(dir).length, 5);

		const table = await run(['list', '--limit', '3']);
		assert.equal(lines(table.stdout).length, 4);
		assert.match(table.stdout, /^ID +UPLOADED +TYPE +SIZE +PIXELS +NAME\n/);

		const rm = await run(['rm', ...uploaded.map(o => o.imageId)]);
		assert.equal(rm.code, 0, rm.stderr);
		assert.equal((await run(['list', '--all', '--json'])).stdout, '');
		const again = await run(['rm', uploaded[0].imageId]);
		assert.equal(again.code, 1);
		assert.match(again.stderr, /no image with this id.* \(404\)\n$/i);
	});

	test('links and special files in a directory are skipped with a message, the rest is uploaded', async () => {
		mkdirSync(path.join(dir, 'd/e'), { recursive: true });
		writeFileSync(path.join(dir, 'secret.png'), tinyPng);
		writeFileSync(path.join(dir, 'd/a.png'), tinyPng);
		writeFileSync(path.join(dir, 'd/e/b.png'), tinyPng);
		symlinkSync('../secret.png', path.join(dir, 'd/link.png'));
		symlinkSync('..', path.join(dir, 'd/up'));
		const up = await run(['upload', 'd', '--again']);
		assert.equal(up.code, 0);
		assert.equal(lines(up.stdout).length, 2);
		assert.deepEqual(lines(up.stderr).slice(0, -1).sort(), ['d/link.png: skipped: it is a link', 'd/up: skipped: it is a link']);
	});

	test('one bad file among good ones: reported with the reason, status 1, the others uploaded', async () => {
		writeFileSync(path.join(dir, 'good.png'), tinyPng);
		writeFileSync(path.join(dir, 'text.png'), 'no picture at all');
		writeFileSync(path.join(dir, 'page.html'), '<html>');
		writeFileSync(path.join(dir, 'cut.png'), tinyPng.subarray(0, 30));
		const up = await run(['upload', 'text.png', 'good.png', 'page.html', 'cut.png', 'none.png', '--again']);
		assert.equal(up.code, 1);
		assert.equal(lines(up.stdout).length, 1);
		assert.match(up.stdout, /  good\.png  http:\S+\n$/);
		assert.match(up.stderr, /^1 uploaded \(.*\), 4 failed\n$/m);
		assert.match(up.stderr, /^text\.png: A file of unknown type is not allowed here: .+ \(415\)$/m);
		assert.match(up.stderr, /^page\.html: .+ \(415\)$/m);
		assert.match(up.stderr, /^cut\.png: .+ \(400\)$/m);
		assert.match(up.stderr, /^none\.png: No such file or directory$/m);
	});

	test('names with terminal control characters: sent unchanged, shown escaped, removed when saved', async () => {
		const names = ['a\x1b[2J.png', 'gpj.\u202egnp', 'two\nlines.png', '.hidden', '-rf.png', '"quoted" \u5199\u771f.png'];
		const saved = ['a[2J.png', 'gpj.gnp', 'twolines.png', 'hidden', '_rf.png', '"quoted" \u5199\u771f.png'];
		mkdirSync(path.join(dir, 'in'));
		names.forEach(name => writeFileSync(path.join(dir, 'in', name), tinyPng));
		const up = await run(['upload', 'in', '--json', '--again']);
		assert.equal(up.code, 0, up.stderr);
		assert.doesNotMatch(up.stdout, active);
		const uploaded = objects(up.stdout);
		assert.deepEqual(uploaded.map(o => o.record.fileName).sort(), [...names].sort());

		for (const args of [['list'], ['list', '--json'], ['upload', 'in']]) {
			const shown = await run(args);
			assert.equal(shown.code, 0);
			assert.doesNotMatch(shown.stdout + shown.stderr, active);
		}
		for (const [i, name] of names.entries()) {
			const got = await run(['get', uploaded.find(o => o.fileName === name).imageId]);
			assert.equal(got.code, 0, got.stderr);
			assert.doesNotMatch(got.stdout + got.stderr, active);
			assert.deepEqual(readFileSync(path.join(dir, saved[i])), tinyPng);
		}
		assert.deepEqual(readdirSync(dir).sort(), ['in', ...saved].sort());
	});

	test('names with paths: saved in the current directory', async () => {
		for (const [fileName, saved] of [['../evil.png', 'evil.png'], ['/etc/evil.png', 'evil.png'], ['..\\evil.png', 'evil.png'], ['..', null]]) {
			const { slot } = await uploadImage(server, { fileName });
			const got = await run(['get', slot.imageId]);
			assert.equal(got.code, 0, got.stderr);
			assert.deepEqual(readdirSync(dir), [saved ?? slot.imageId]);
			rmSync(path.join(dir, saved ?? slot.imageId));
		}
		assert.equal(existsSync(path.join(dir, '../evil.png')), false);
	});

	test('get replaces a file only when requested, and leaves no incomplete file', async () => {
		const { slot: { imageId } } = await uploadImage(server, { fileName: 'here.png' });
		writeFileSync(path.join(dir, 'here.png'), 'mine');
		writeFileSync(path.join(dir, 'other.png'), 'mine too');
		symlinkSync('other.png', path.join(dir, 'link.png'));
		for (const args of [[], ['-o', 'here.png'], ['-o', 'link.png'], ['-o', 'link.png', '--force'], ['-o', 'none/x.png']]) {
			const got = await run(['get', imageId, ...args]);
			assert.equal(got.code, 1);
			assert.equal(lines(got.stderr).length, 1);
		}
		assert.equal(readFileSync(path.join(dir, 'here.png'), 'utf8'), 'mine');
		assert.equal(readFileSync(path.join(dir, 'other.png'), 'utf8'), 'mine too');
		assert.ok(lstatSync(path.join(dir, 'link.png')).isSymbolicLink());
		assert.equal((await run(['get', imageId, '-o', 'here.png', '--force'])).code, 0);
		assert.deepEqual(readFileSync(path.join(dir, 'here.png')), tinyPng);
		assert.deepEqual(readdirSync(dir).sort(), ['here.png', 'link.png', 'other.png']);
		const piped = spawnSync(program(), ['get', imageId, '-o', '-'], { env: { ...process.env, TINTYPE_ENDPOINT: server.api } });
		assert.deepEqual(piped.stdout, tinyPng);
	});

	test('an image that is pending, rejected or missing is not saved', async () => {
		const pending = await openSlot(server), rejected = await openSlot(server);
		assert.equal((await putBytes(rejected, 'no picture')).status, 400);
		for (const [id, says] of [[pending.imageId, /pending/], [rejected.imageId, /rejected/], ['nonsense', /404/], ['../../limits', /404/]]) {
			const got = await run(['get', id]);
			assert.equal(got.code, 1);
			assert.match(got.stderr, says);
		}
		assert.deepEqual(readdirSync(dir), []);
	});

	test('wrong usage: status 2 and an error message', async () => {
		for (const args of [['upload'], ['get'], ['rm'], ['list', 'x'], ['list', '--limit', '0'], ['list', '--limit', '2', '--all'], ['get', 'a', 'b'], ['list', '--nonsense'], ['logs', '--since', 'soon']]) {
			const wrong = await run(args);
			assert.equal(wrong.code, 2, args.join(' '));
			assert.equal(lines(wrong.stderr).length, 1);
			assert.equal(wrong.stdout, '');
		}
		for (const verb of ['upload', 'list', 'get', 'rm', 'logs'])
			assert.equal((await run([verb, '--help'])).code, 0);
	});

	test('the progress bar is shown on terminals only', async () => {
		writeFileSync(path.join(dir, 'a.png'), tinyPng);
		const quoted = `'${program()}' upload a.png --again`;
		const env = { ...process.env, TINTYPE_ENDPOINT: server.api, TERM: 'xterm' };
		const terminal = spawnSync('script', ['-qec', quoted, '/dev/null'], { cwd: dir, env, encoding: 'utf8' });
		assert.equal(terminal.status, 0);
		assert.match(terminal.stdout, /1\/1 \[#{20}\] 100%/);
		const piped = await run(['upload', 'a.png']);
		assert.match(piped.stderr, /^0 uploaded, 1 already there\n$/);
		assert.doesNotMatch(piped.stdout + piped.stderr, active);
	});

	test('styles are on terminals that have them, unless NO_COLOR is set', () => {
		const shown = env => {
			const all = { ...childEnv({ TINTYPE_ENDPOINT: server.api, TERM: 'xterm', ...env }) };
			const { stdout } = spawnSync('script', ['-qec', `'${program()}' list; '${program()}' get none`, '/dev/null'], { cwd: dir, env: all, encoding: 'utf8' });
			return stdout.replaceAll('\r\n', '\n');
		};
		assert.match(shown({}), /^\x1b\[1mID .*\x1b\[0m\n[^]*\x1b\[31mtintype get: .*\x1b\[0m\n$/);
		for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }])
			assert.doesNotMatch(shown(env), /\x1b/);
		assert.match(shown({ NO_COLOR: '' }), /\x1b/);
	});

	test('a reader that has enough is no error, and a list that is cut says so', async () => {
		for (let i = 0; i < 3; i++)
			await uploadImage(server, { fileName: `${i}.png` });
		const piped = command => spawnSync('/bin/bash', ['-c', `set -o pipefail; ${command}`], {
			cwd: dir, encoding: 'utf8', env: childEnv({ TINTYPE_ENDPOINT: server.api, PATH: `${path.dirname(program())}:${process.env.PATH}` }),
		});
		for (const command of ['tintype list --all | head -1', 'tintype help | head -1', 'tintype serve --help | head -1', 'tintype list --json | :', `tintype keys list --data ${server.data} | :`])
			assert.deepEqual([piped(command).status, piped(command).stderr], [0, ''], command);
		const { stdout: all } = await run(['list', '--all', '--json']), total = lines(all).length;
		const two = await run(['list', '-n', '2']);
		assert.deepEqual([lines(two.stdout).length, two.stderr], [3, `2 of ${total} images. --all lists all of them, --limit N the newest N.\n`]);
		assert.equal((await run(['list', '--all'])).stderr, '');
	});

	test('logs: the request is found by its image, filtered, raw or formatted', async () => {
		const { slot: { imageId, uploadUrl, deleteToken } } = await uploadImage(server, { fileName: 'logged.png' });
		const logs = args => run(['logs', '--data', server.data, ...args]);
		// The writer is a thread of its own: the line is there soon, not at once.
		const people = await eventually(async () => {
			const shown = await logs(['--grep', imageId]);
			return lines(shown.stdout).length >= 2 && shown;
		}, { what: 'the two lines' });
		assert.equal(people.code, 0);
		assert.match(people.stdout, new RegExp(`^\\d{4}-.*Z info  request .*${imageId}`, 'm'));
		for (const line of objects((await logs(['--json', '--since', '15m'])).stdout))
			assert.ok(line.time && line.level && line.event);
		assert.equal((await logs(['--level', 'error'])).stdout, '');
		const all = (await logs([])).stdout;
		assert.ok(!all.includes(new URL(uploadUrl).searchParams.get('X-Amz-Signature')) && !all.includes(deleteToken));
	});
});

describe('the command line and keys', () => {
	const key = 'a-key-of-over-16-characters';
	before(async () => {
		server = await startServer({ env: { TINTYPE_ACCESS: 'key', TINTYPE_API_KEY: key } });
		dir = mkdtempSync(path.join(tmpdir(), 'tintype-cli-'));
	});
	after(async () => {
		rmSync(dir, { recursive: true, force: true });
		await server.stop();
	});

	test('without the key uploads work and can be deleted with their token, nothing else', async () => {
		writeFileSync(path.join(dir, 'a.png'), tinyPng);
		const up = await run(['upload', 'a.png', '--json']);
		assert.equal(up.code, 0, up.stderr);
		const [{ imageId, deleteToken }] = objects(up.stdout);
		for (const args of [['list'], ['get', imageId], ['rm', imageId], ['rm', imageId, '--token', 'wrong']]) {
			const refused = await run(args);
			assert.equal(refused.code, 1);
			assert.match(refused.stderr, /\(40[14]\)/);
		}
		assert.equal((await run(['rm', imageId, '--token', deleteToken])).code, 0);
	});

	test('with the key everything works', async () => {
		const env = { TINTYPE_API_KEY: key };
		assert.equal((await run(['upload', 'a.png'], { env })).code, 0);
		const list = await run(['list', '--json'], { env });
		assert.equal(list.code, 0);
		const [{ imageId }] = objects(list.stdout);
		assert.equal((await run(['get', imageId, '-o', 'b.png'], { env })).code, 0);
		assert.equal((await run(['rm', imageId], { env })).code, 0);
	});
});

test('an unreachable server: each verb reports it and exits with 1', async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'tintype-cli-'));
	server = await startServer();
	const { slot: { imageId } } = await uploadImage(server);
	await server.kill();
	try {
		writeFileSync(path.join(dir, 'a.png'), tinyPng);
		for (const args of [['upload', 'a.png', 'a.png'], ['list'], ['get', imageId], ['rm', imageId]]) {
			const lost = await run(args);
			assert.equal(lost.code, 1);
			assert.match(lost.stderr, /cannot connect to 127\.0\.0\.1 port \d+: Connection refused/);
			assert.equal(lost.stdout.includes(imageId), false);
		}
		assert.deepEqual(readdirSync(dir), ['a.png']);
	} finally {
		await server.stop();
		rmSync(dir, { recursive: true, force: true });
	}
});
