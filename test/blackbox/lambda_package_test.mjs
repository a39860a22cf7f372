// The package for AWS Lambda, for both processor architectures: its contents, its dependencies, and that the
// programs in it run. The other architecture's run under qemu, with Debian's libc for it, which knows no system-call filters.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { startCloud } from '../cloud/cloud.mjs';
import { Queue } from '../cloud/queues.mjs';
import { eventV1, readAnswer } from './support/gateway.mjs';
import { startMockIssuer } from './support/issuer.mjs';
import { RuntimeApi } from './support/runtime_api.mjs';
import { corpus, root } from './support/server.mjs';

const run = promisify(execFile);
const here = process.arch === 'arm64' ? 'arm64' : 'x86_64';
const qemu = { arm64: ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'], x86_64: ['qemu-x86_64-static', '-L', '/usr/x86_64-linux-gnu'] };
const objdump = { arm64: 'aarch64-linux-gnu-objdump', x86_64: 'x86_64-linux-gnu-objdump' };

/** The renderer of the package decodes one picture of each kind, and makes a thumbnail of it. */
async function render(arch, dir) {
	const program = path.join(dir, 'tintype-render'), script = path.join(dir, 'render.sh');
	const files = ['photo.jpg', 'stored.png', 'loop.gif', 'lossy.webp'].map(name => path.join(dir, name));
	for (const file of files)
		writeFileSync(file, corpus(`good/${path.basename(file)}`));
	writeFileSync(script, `#!/bin/sh\nexec ${qemu[arch].join(' ')} ${program} "$@"\n`, { mode: 0o755 });
	const { stdout } = await run(`${process.env.TINTYPE_BUILD}/test/render/render_drive`, arch === here ? [program, ...files] : [script, '-o', 'filter=off', ...files]);
	const [ready, ...answers] = stdout.trimEnd().split('\n');
	assert.match(ready, arch === here ? /layers [1357],/ : /layers [0246],/);
	assert.equal(answers.length, files.length);
	for (const answer of answers)
		assert.match(answer, /^NONE .* thumb [1-9]\d*x\d+ [1-9]\d* bytes/);
}

/** The functions of the package take an image from its slot to its thumbnails. Under qemu, a script starts tintype-render: the kernel cannot. */
async function acceptAndRender(arch, dir) {
	const program = path.join(dir, 'bootstrap'), renderer = path.join(dir, 'tintype-render'), cloud = await startCloud(), url = `${cloud.url}/123456789012/thumbs`;
	const queue = new Queue({ name: 'thumbs', url, arn: 'thumbs' }), [command, ...args] = arch === here ? [program] : [...qemu[arch], program], started = [];
	const start = async (handler, env = {}) => {
		const api = await new RuntimeApi().start();
		started.push(api);
		return api.run(command, { _HANDLER: handler, ...cloud.env, TINTYPE_THUMBNAIL_QUEUE: url, PATH: process.env.PATH, ...env }, args);
	};
	if (arch !== here) {
		renameSync(renderer, `${renderer}-${arch}`);
		writeFileSync(renderer, `#!/bin/sh\nexec ${qemu[arch].join(' ')} ${renderer}-${arch} "$@"\n`, { mode: 0o755 });
	}
	try {
		cloud.queues.set(url, queue);
		await run(`${process.env.TINTYPE_BUILD}/test/lambda/make_table`, { env: { ...process.env, ...cloud.env } });
		const [upload, event, render] = [await start('upload'), await start('event'), await start('render')], photo = corpus('good/photo.jpg');
		const slot = JSON.parse(readAnswer(await upload.invoke(eventV1({ method: 'POST', path: '/upload', body: '{"fileName":"a.jpg","fileType":"image/jpeg"}' }))).body);
		assert.equal((await fetch(slot.uploadUrl, { method: 'PUT', headers: slot.headers, body: photo })).status, 200);
		const key = new URL(slot.fileUrl).pathname.replace('/pictures/', '');
		const news = { eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'pictures' }, object: { key, eTag: 'e', sequencer: '0A' } } };
		for (const [api, body] of [[event, () => JSON.stringify({ Records: [news] })], [render, () => queue.receive(1)[0].Body]]) {
			const answer = await api.invoke({ Records: [{ messageId: 'm1', eventSource: 'aws:sqs', body: body() }] });
			assert.equal(answer.body, '{"batchItemFailures":[]}', api.stdout);
		}
		const { Item } = await cloud.dynamo('GetItem', { TableName: 'ImageMetadata', Key: { imageId: { S: slot.imageId } } });
		assert.equal(Item.verdict.S, 'ok');
		assert.equal(Item.thumbs.S.split(',').length, 6);
		assert.equal((await cloud.request('GET', `/pictures/thumbs/${slot.imageId}/${Item.thumbs.S.split(',')[0]}`)).status, 200);
		await verifyTokens(start);
	} finally {
		for (const api of started)
			await api.stop();
		await cloud.stop();
	}
}

/** The program of the package verifies tokens of each algorithm, with keys that it has fetched, and refuses forged ones. */
async function verifyTokens(start) {
	const issuer = await startMockIssuer(), algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
	try {
		for (const alg of algorithms.slice(1))
			await issuer.addKey(alg);
		const images = await start('images', { ...issuer.env, TINTYPE_OIDC_ALGORITHMS: algorithms.join() });
		const statusOf = async token => readAnswer(await images.invoke(eventV1({ method: 'GET', path: '/me', headers: { Authorization: [`Bearer ${token}`] } }))).status;
		for (const alg of algorithms) {
			const token = await issuer.token(undefined, alg), cut = token.lastIndexOf('.') + 5;
			assert.equal(await statusOf(token), 200, `${alg}: ${images.stdout}`);
			assert.equal(await statusOf(token.slice(0, cut) + (token[cut] === 'A' ? 'B' : 'A') + token.slice(cut + 1)), 401, alg);
		}
	} finally {
		await issuer.stop();
	}
}

for (const arch of ['x86_64', 'arm64']) {
	test(`the package for ${arch} is small, needs no more than AL2023's libc, runs, decodes, and makes thumbnails`, { timeout: 1200000 }, async () => {
		const zip = path.join(root, `build/lambda/tintype-lambda-${arch}.zip`), dir = mkdtempSync(path.join(tmpdir(), 'tintype-lambda-'));
		const api = await new RuntimeApi().start();
		try {
			await run(path.join(root, 'tools/lambda'), [arch]);
			assert.ok(statSync(zip).size <= 4_000_000);
			const { stdout: listed } = await run('python3', ['-c',
				'import sys,zipfile\nfor e in zipfile.ZipFile(sys.argv[1]).infolist(): print(e.filename, oct(e.external_attr >> 16), e.compress_size <= 2_500_000)', zip]);
			assert.equal(listed, 'bootstrap 0o100755 True\ntintype-render 0o100755 True\n');
			await run('python3', ['-m', 'zipfile', '-e', zip, dir]);
			const program = path.join(dir, 'bootstrap');
			await run('chmod', ['755', program, path.join(dir, 'tintype-render')]);
			const { stdout: symbols } = await run(objdump[arch], ['-T', program]);
			const newest = Math.max(...[...symbols.matchAll(/GLIBC_2\.(\d+)/g)].map(found => Number(found[1])));
			assert.ok(newest <= 34, `GLIBC_2.${newest}`);
			const { stdout: sections } = await run(objdump[arch], ['-h', program]);
			assert.ok(!sections.includes('.debug') && !sections.includes('.symtab'));
			await render(arch, dir);
			const [command, ...args] = arch === here ? [program] : [...qemu[arch], program];
			api.run(command, { _HANDLER: 'upload', AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', PATH: process.env.PATH }, args);
			const limits = readAnswer(await api.invoke(eventV1({ method: 'GET', path: '/limits' })));
			assert.equal(limits.status, 200);
			const refused = readAnswer(await api.invoke(eventV1({ method: 'POST', path: '/upload', body: '{"fileName":"a.png","fileType":"image/png"}' }), { timeoutMs: 4000 }));
			assert.ok(refused.status >= 502 && refused.status <= 503);
			await api.lines(all => all.some(line => line.event === 'lambda.cold' && line.service === 'dynamodb'));
			await acceptAndRender(arch, dir);
		} finally {
			await api.stop();
			rmSync(dir, { recursive: true });
		}
	});
}

test('a program that would not run on Lambda fails the build', async () => {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-lambda-')), zip = path.join(dir, 'x.zip');
	try {
		await assert.rejects(run(path.join(root, 'tools/lambda-zip'), [process.env.TINTYPE_RELEASE, process.env.TINTYPE_RELEASE, zip, 'objdump', 'strip']), failed => {
			assert.match(failed.stderr, /needs .*libsqlite3/);
			assert.match(failed.stderr, /contains SQLite/);
			assert.match(failed.stderr, /needs .*libc\.so\.6.*must be static/);
			return true;
		});
		assert.throws(() => statSync(zip));
	} finally {
		rmSync(dir, { recursive: true });
	}
});
