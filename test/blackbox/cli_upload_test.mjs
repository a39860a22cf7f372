// `tintype upload` beyond one batch: what the server has already is not sent again, a server that is killed and started again is
// waited for, directories are watched, and standard input is a file.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { typeOfFile } from '../../web/media_type.js';
import { call, childEnv, eventually, fetchUrl, program, runProgram, startServer, tinyPng } from './support/server.mjs';

const key = 'a-key-of-over-16-characters';
const image = text => Buffer.concat([tinyPng, Buffer.from(text)]);   // what follows the end of a PNG makes another file of it
const lines = text => text.split('\n').filter(line => line !== '');
let server, dir, work;

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'tintype-cli-'));
	server = await startServer({ data: dir, env: { TINTYPE_API_KEY: key } });
});
after(async () => {
	await server.stop();
	rmSync(dir, { recursive: true, force: true });
});

/** A fresh folder, with these files in it. */
function folder(files = {}) {
	work = mkdtempSync(path.join(dir, 'work-'));
	for (const [name, bytes] of Object.entries(files))
		writeFileSync(path.join(work, name), bytes);
	return work;
}

const environment = (given = key) => ({ TINTYPE_ENDPOINT: server.api.replace('http://', ''), TINTYPE_API_KEY: given });
const run = (args, { as, input } = {}) => runProgram(args, { cwd: work, env: environment(as), input });
const names = async () => (await call(server, 'GET', '/images?limit=1000', { key })).json.images.map(i => i.fileName);
const countOf = async name => (await names()).filter(n => n === name).length;

/** Kill the server, and start it again at the same addresses when `meanwhile` is over. */
async function restart(meanwhile) {
	const { api, storage, admin } = server, at = url => new URL(url).host;
	await server.kill();
	await meanwhile?.();
	server = await startServer({ data: dir, env: { TINTYPE_API_KEY: key }, args: ['--api', at(api), '--storage', at(storage), '--admin', at(admin)] });
}

test('400 files and a server that is killed and started again in between: 400 images, each once', async () => {
	folder(Object.fromEntries([...Array(400).keys()].map(i => [`batch-${i}.png`, image(`batch ${i}`)])));
	const child = spawn(program(), ['upload', '.', '--jobs', '6'], { cwd: work, env: childEnv(environment()) });
	let out = '', err = '';
	child.stdout.setEncoding('utf8').on('data', s => { out += s; });
	child.stderr.setEncoding('utf8').on('data', s => { err += s; });
	const ended = once(child, 'close');
	await eventually(() => lines(out).length >= 20, { what: 'the first images' });
	await restart(() => eventually(() => err.includes('Waiting for the server'), { what: 'the sentence about the server' }));
	const [code] = await ended;
	assert.equal(code, 0, err);
	const sent = (await names()).filter(name => name.startsWith('batch-'));
	assert.deepEqual([sent.length, new Set(sent).size, lines(out).length], [400, 400, 400]);
	const [waiting, back, summary, ...more] = lines(err);
	assert.match(waiting, /^Waiting for the server: \S/);
	assert.equal(back, 'The server is back.');
	/* What was stored though its response was lost is found there by the repeated request. */
	assert.match(summary, /^(400|39\d) uploaded \([\d.]+ KiB in [\d.]+ s\)(, \d already there)?$/);
	assert.deepEqual(more, []);
});

test('files that the server has are not sent again, unless that is asked for; those of another user are', async () => {
	folder({ 'one.png': image('one'), 'copy.png': image('one'), 'two.png': image('two') });
	const first = await run(['upload', '.']);
	assert.deepEqual([first.code, lines(first.stdout).length], [0, 3]);
	assert.match(first.stderr, /^2 uploaded \(.*\), 1 already there\n$/);
	const second = await run(['upload', '.', '--json']);
	assert.match(second.stderr, /^0 uploaded, 3 already there\n$/);
	const found = lines(second.stdout).map(line => JSON.parse(line));
	assert.deepEqual(found.map(o => [o.ok, o.skipped, o.deleteToken]), Array(3).fill([true, true, undefined]));
	assert.deepEqual(new Set(found.map(o => o.imageId)), new Set(lines(first.stdout).map(line => line.slice(0, 36))));
	const again = await run(['upload', 'one.png', '--again']);
	assert.match(again.stderr, /^1 uploaded/);

	const makeKey = async name => (await runProgram(['apikeys', 'add', name, '--scope', 'upload,read', '--on-behalf-of', name], { env: environment() })).stdout.trim();
	const ann = await makeKey('ann'), ben = await makeKey('ben');
	for (const [as, summary] of [[ann, /^1 uploaded/], [ann, /^0 uploaded, 1 already there/], [ben, /^1 uploaded/]])
		assert.match((await run(['upload', 'one.png'], { as })).stderr, summary);
	/* Who may not list images cannot find out either whether one is there. */
	for (let i = 0; i < 2; i++)
		assert.match((await run(['upload', 'one.png'], { as: null })).stderr, /^1 uploaded/);
});

test('the link of an image is printed, and opens without a key', async () => {
	folder({ 'linked.png': image('linked') });
	const { stdout } = await run(['upload', 'linked.png']);
	const link = lines(stdout)[0].split('  ').at(-1), got = await fetchUrl(link);
	assert.deepEqual([got.status, got.headers.get('content-type')], [200, 'image/png']);
});

test('standard input is uploaded under the name that is given', async () => {
	folder();
	const sent = await run(['upload', '-', '--name', 'piped.png', '--json'], { input: image('piped') });
	assert.equal(sent.code, 0, sent.stderr);
	const { record } = JSON.parse(sent.stdout);
	assert.deepEqual([record.fileName, record.receivedSize], ['piped.png', image('piped').length]);
	const empty = await run(['upload', '-'], { input: '' });
	assert.deepEqual([empty.code, empty.stderr], [1, '-: is empty\n0 uploaded, 1 failed\n']);
});

test('a watched directory: each file once it is whole, over a restart of the server, until Ctrl-C', async () => {
	const outside = folder({ 'moved.png': image('moved'), 'half.png.part': image('half') });
	folder({ 'before.png': image('before'), '.hidden.png': image('hidden') });
	const child = spawn(program(), ['upload', '--watch', '.', '--jobs', '2'], { cwd: work, env: childEnv(environment()) });
	let out = '', err = '';
	child.stdout.setEncoding('utf8').on('data', s => { out += s; });
	child.stderr.setEncoding('utf8').on('data', s => { err += s; });
	const ended = once(child, 'close');
	const shown = name => eventually(() => out.includes(`  ${name}  `), { what: `${name} in:\n${out}${err}` });
	await eventually(() => err.includes('Watching .\n'), { what: 'what is watched' });
	await shown('before.png');

	const open = openSync(path.join(work, 'slow.png'), 'w');
	writeSync(open, tinyPng.subarray(0, 20));
	renameSync(path.join(outside, 'half.png.part'), path.join(work, 'half.png.part'));
	renameSync(path.join(outside, 'moved.png'), path.join(work, 'moved.png'));
	await shown('moved.png');
	assert.deepEqual([await countOf('slow.png'), await countOf('half.png.part'), await countOf('.hidden.png')], [0, 0, 0]);
	writeSync(open, tinyPng.subarray(20));
	closeSync(open);
	await shown('slow.png');

	mkdirSync(path.join(work, 'new/below'), { recursive: true });
	writeFileSync(path.join(work, 'new/below/deep.png'), image('deep'));
	await shown('deep.png');
	renameSync(path.join(work, 'new'), path.join(work, 'renamed'));
	writeFileSync(path.join(work, 'renamed/below/after.png'), image('after'));
	await shown('after.png');
	renameSync(path.join(work, 'half.png.part'), path.join(work, 'half.png'));
	await shown('half.png');
	appendFileSync(path.join(work, 'before.png'), '');   // closed after writing, with the same bytes
	const { imageId } = (await call(server, 'GET', '/images?limit=1000', { key })).json.images.find(i => i.fileName === 'moved.png');
	assert.equal((await call(server, 'DELETE', `/images/${imageId}`, { key })).status, 204);
	writeFileSync(path.join(work, 'moved.png'), image('moved'));   // what was deleted on the server is sent when it is written again
	await eventually(async () => await countOf('moved.png') === 1, { what: 'the image again' });
	writeFileSync(path.join(work, 'no image.png'), 'no image');
	await eventually(() => err.includes('no image.png: '), { what: 'the refusal' });

	await restart(async () => {
		writeFileSync(path.join(work, 'restart.png'), image('restart'));
		await eventually(() => err.includes('Waiting for the server'), { what: 'the sentence about the server' });
	});
	await shown('restart.png');
	child.kill('SIGINT');
	assert.deepEqual(await ended, [130, null]);
	for (const name of ['before.png', 'moved.png', 'slow.png', 'deep.png', 'after.png', 'half.png', 'restart.png'])
		assert.equal(await countOf(name), 1, name);
	assert.match(lines(err).at(-1), /^8 uploaded \(.*\)(, \d already there)?, 1 failed$/);
});

for (const [what, take] of [['removed', dir => rmSync(dir, { recursive: true })], ['moved away', dir => renameSync(dir, `${dir} elsewhere`)]])
	test(`a directory that is watched and ${what} ends the command with a failure`, async () => {
		const watched = path.join(folder(), 'watched');
		mkdirSync(watched);
		const child = spawn(program(), ['upload', '--watch', 'watched'], { cwd: work, env: childEnv(environment()) });
		let err = '';
		child.stderr.setEncoding('utf8').on('data', s => { err += s; });
		const ended = once(child, 'close');
		await eventually(() => err.includes('Watching'), { what: 'what is watched' });
		take(watched);
		assert.deepEqual(await ended, [1, null]);
		assert.match(err, /^watched: is gone, and not watched any more\n0 uploaded, 1 failed\n$/m);
	});

test('the type is the one that the page and the JavaScript client detect, by the bytes and by the name', async t => {
	const source = readFileSync(new URL('../../web/media_type.js', import.meta.url), 'utf8');
	const endings = [...source.slice(source.indexOf('ENDINGS = '), source.indexOf('ENOUGH = ')).matchAll(/(\w+): '\w+\/[\w.+-]+'/g)].map(([, ending]) => ending);
	assert.ok(endings.length > 30, endings.join());
	const brands = (...all) => `\0\0\0${String.fromCharCode(12 + 4 * all.length)}ftyp${all[0]}\0\0\0\0${all.slice(1).join('')}`;
	const starts = { plain: 'hello', jpeg: '\xff\xd8\xff\xe0', png: '\x89PNG\r\n\x1a\n', gif: 'GIF89a', webp: 'RIFF1234WEBPVP8 ', wav: 'RIFF1234WAVE', bmp: 'BM', tiff: 'II*\0', bigtiff: 'MM\0+', pdf: '%PDF-1.7',
		heic: brands('mif1', 'heic'), avif: brands('mif1', 'miaf', 'avif'), burst: brands('msf1', 'hevc'), moving: brands('avis'), late: brands('isom', 'avis'), film: brands('isom', 'mp42'), cut: '\0\0\0\x14ftyphei' };
	const files = Object.fromEntries(Object.entries(starts).flatMap(([name, text]) => ['', '.mp4', '.jpg', '.tar.unknown', '.constructor'].map(ending => [name + ending, Buffer.from(text, 'latin1')])));
	for (const ending of endings)
		files[`of this ending.${ending.toUpperCase()}`] = Buffer.from('hello');
	files.mp4 = Buffer.from('hello');
	const asked = {}, server = createServer(async (request, response) => {
		let body = '';
		for await (const piece of request)
			body += piece;
		if (request.method === 'POST')
			asked[JSON.parse(body).fileName] = JSON.parse(body).fileType;
		response.writeHead(403).end();
	}).listen(0, '127.0.0.1');
	t.after(() => server.close());
	await once(server, 'listening');
	folder(files);
	const sent = await runProgram(['upload', '.', '--jobs', '1'], { cwd: work, env: { TINTYPE_ENDPOINT: `127.0.0.1:${server.address().port}` } });
	assert.equal(sent.code, 1, sent.stdout + sent.stderr);
	const told = {};
	for (const [name, bytes] of Object.entries(files))
		told[name] = await typeOfFile(new Blob([bytes]), name) || 'application/octet-stream';
	assert.deepEqual(asked, told);
	assert.equal(told['film.mp4'], 'video/mp4');
});

test('a type that a setting allows is sent as what it is', async t => {
	const data = mkdtempSync(path.join(tmpdir(), 'tintype-cli-'));
	const films = await startServer({ data, args: ['--allowed-types', 'image/png,video/mp4', '--unverified-types', 'video/mp4'] });
	t.after(async () => {
		await films.stop();
		rmSync(data, { recursive: true });
	});
	folder({ 'film.mp4': Buffer.from('\0\0\0\x18ftypisom\0\0\0\0isommp42', 'latin1') });
	const sent = await runProgram(['upload', '--json', 'film.mp4'], { cwd: work, env: { TINTYPE_ENDPOINT: films.api } });
	assert.deepEqual([sent.code, JSON.parse(sent.stdout).record.fileType], [0, 'video/mp4'], sent.stderr);
});
