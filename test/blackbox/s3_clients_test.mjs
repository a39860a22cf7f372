// The S3 protocol as it is used: stock clients do their everyday work against the store, over
// http and over https, where the SDKs frame their bodies differently. What each has stored is read back by another
// client, or compared by the client's own checks.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';

import { startClients } from './support/s3_clients.mjs';
import { npmPackage } from './support/server.mjs';

const {
	S3Client, CopyObjectCommand, CreateBucketCommand, DeleteObjectsCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand,
} = npmPackage('@aws-sdk/client-s3');
const { NodeHttpHandler } = npmPackage('@smithy/node-http-handler');
const { Upload } = npmPackage('@aws-sdk/lib-storage');
const { getSignedUrl } = npmPackage('@aws-sdk/s3-request-presigner');

const MEBIBYTE = 1 << 20;
const md5 = bytes => createHash('md5').update(bytes).digest('hex');
const names = dir => readdirSync(dir, { recursive: true, withFileTypes: true }).filter(e => e.isFile()).map(e => e.name).sort();

/** A folder of files whose names are not easy, and one of more than a part. */
function makeTree(dir) {
	mkdirSync(path.join(dir, 'deep/er'), { recursive: true });
	writeFileSync(path.join(dir, 'a.txt'), 'hello world\n');
	writeFileSync(path.join(dir, 'empty'), '');
	writeFileSync(path.join(dir, 'blank and +plus&amp;%41.txt'), 'odd');
	writeFileSync(path.join(dir, 'deep/ünïcödé ☃.txt'), 'snow');
	writeFileSync(path.join(dir, 'deep/er/big.bin'), randomBytes(9 * MEBIBYTE));
}

for (const scheme of ['http', 'https'])
	describe(`over ${scheme}`, () => {
		let s3, tree;
		before(async () => {
			s3 = await startClients(scheme);
			tree = path.join(s3.work, 'tree');
			makeTree(tree);
		});
		after(() => s3.stop());

		test('AWS CLI: mb, cp, ls, sync, presign, rm --recursive, rb', async () => {
			await s3.aws(['s3', 'mb', 's3://cli']);
			await s3.aws(['s3', 'sync', tree, 's3://cli/tree', '--only-show-errors']);
			const listed = await s3.aws(['s3', 'ls', '--recursive', 's3://cli/tree/']);
			for (const name of names(tree))
				assert.ok(listed.stdout.includes(name), `${name} is not in\n${listed.stdout}`);
			assert.equal((await s3.aws(['s3', 'sync', tree, 's3://cli/tree'])).stdout, '', 'a second sync has nothing to do');
			await s3.aws(['s3', 'sync', 's3://cli/tree', path.join(s3.work, 'back'), '--only-show-errors']);
			assert.deepEqual(readFileSync(path.join(s3.work, 'back/deep/er/big.bin')), readFileSync(path.join(tree, 'deep/er/big.bin')));
			await s3.aws(['s3', 'cp', '-', 's3://cli/stdin', '--only-show-errors'], { input: 'from a pipe' });
			await s3.aws(['s3', 'cp', 's3://cli/stdin', 's3://cli/copy', '--only-show-errors']);
			assert.equal((await s3.aws(['s3', 'cp', 's3://cli/copy', '-'])).stdout, 'from a pipe');
			await s3.aws(['s3', 'mv', 's3://cli/copy', 's3://cli/moved', '--only-show-errors']);
			const url = (await s3.aws(['s3', 'presign', 's3://cli/moved'])).stdout.trim();
			assert.match(url, /X-Amz-Algorithm=AWS4-HMAC-SHA256/);
			assert.equal(await get(s3, url), 'from a pipe');
			await s3.aws(['s3', 'rb', 's3://cli'], { status: 1 });   // it is not empty
			await s3.aws(['s3', 'rm', '--recursive', 's3://cli', '--only-show-errors']);
			assert.equal((await s3.aws(['s3', 'ls', 's3://cli'], { status: 0 })).stdout, '');
			await s3.aws(['s3', 'rb', 's3://cli']);
		});

		test('AWS CLI: a 100 MB file (20 over TLS) in parts, byte for byte', async () => {
			const file = path.join(s3.work, 'hundred'), bytes = randomBytes((scheme === 'http' ? 100 : 20) * 1000 * 1000);
			writeFileSync(file, bytes);
			await s3.aws(['s3', 'mb', 's3://large']);
			await s3.aws(['s3', 'cp', file, 's3://large/hundred', '--only-show-errors']);
			const head = JSON.parse((await s3.aws(['s3api', 'head-object', '--bucket', 'large', '--key', 'hundred'])).stdout);
			assert.deepEqual([head.ContentLength, head.ETag.endsWith(`-${Math.ceil(bytes.length / (8 * MEBIBYTE))}"`)], [bytes.length, true], JSON.stringify(head));
			await s3.aws(['s3', 'cp', 's3://large/hundred', `${file}.back`, '--only-show-errors']);
			assert.equal(md5(readFileSync(`${file}.back`)), md5(bytes));
			assert.equal(JSON.parse((await s3.aws(['s3api', 'list-multipart-uploads', '--bucket', 'large'])).stdout || '{}').Uploads, undefined);
		});

		test('boto3: put, get, range, head, list, copy, delete many, upload and download in parts, presigned POST', async () => {
			const { stdout } = await s3.python('boto3_everyday.py');
			assert.match(stdout, /all of it worked\n$/);
		});

		test('AWS SDK for JavaScript: string, buffer, stream, Upload, list, copy, delete many, presigned', async () => {
			const requestHandler = new NodeHttpHandler({ httpsAgent: new https.Agent({ ca: s3.tls && readFileSync(s3.tls.cert), keepAlive: true }) });
			const client = new S3Client({
				endpoint: s3.url, region: 'us-east-1', forcePathStyle: true, requestHandler,
				credentials: { accessKeyId: s3.keys.id, secretAccessKey: s3.keys.secret },
			});
			const Bucket = 'javascript', big = path.join(tree, 'deep/er/big.bin');
			await client.send(new CreateBucketCommand({ Bucket }));
			await client.send(new PutObjectCommand({ Bucket, Key: 'string', Body: 'hello', ContentType: 'text/plain', Metadata: { a: 'b' } }));
			await client.send(new PutObjectCommand({ Bucket, Key: 'buffer', Body: Buffer.from('bytes') }));
			await client.send(new PutObjectCommand({ Bucket, Key: 'stream', Body: createReadStream(big) }));
			for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'])
				await client.send(new PutObjectCommand({ Bucket, Key: `sum/${algorithm}`, Body: 'sum me up', ChecksumAlgorithm: algorithm }));
			// Neither its length nor its bytes are known when it begins.
			await new Upload({ client, params: { Bucket, Key: 'upload', Body: Readable.from(pieces(11 * MEBIBYTE)) }, partSize: 5 * MEBIBYTE }).done();
			const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'string' }));
			assert.deepEqual([head.ContentType, head.Metadata, head.ETag], ['text/plain', { a: 'b' }, `"${md5('hello')}"`]);
			const got = await client.send(new GetObjectCommand({ Bucket, Key: 'stream' }));
			assert.equal(md5(await got.Body.transformToByteArray()), md5(readFileSync(big)));
			const uploaded = await client.send(new GetObjectCommand({ Bucket, Key: 'upload' }));
			assert.equal((await uploaded.Body.transformToByteArray()).length, 11 * MEBIBYTE);
			await client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/string` }));
			const list = await client.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }));
			assert.deepEqual([list.Contents.map(o => o.Key), list.CommonPrefixes.map(p => p.Prefix)], [['buffer', 'copy', 'stream', 'string', 'upload'], ['sum/']]);
			assert.equal(await get(s3, await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'copy' }))), 'hello');
			const gone = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'copy' }, { Key: 'never there' }] } }));
			assert.deepEqual(gone.Deleted.map(d => d.Key), ['copy', 'never there']);
			await assert.rejects(client.send(new HeadObjectCommand({ Bucket, Key: 'copy' })), { name: 'NotFound' });
			client.destroy();
		});

		test('rclone: mkdir, sync, check, ls, cat, moveto, link, purge', async () => {
			await s3.rclone(['mkdir', 'T:rcl']);
			await s3.rclone(['sync', tree, 'T:rcl/tree']);
			await s3.rclone(['check', tree, 'T:rcl/tree']);
			await s3.rclone(['check', '--download', tree, 'T:rcl/tree']);
			assert.match((await s3.rclone(['ls', 'T:rcl'])).stdout, /ünïcödé ☃\.txt/);
			assert.equal((await s3.rclone(['cat', 'T:rcl/tree/a.txt'])).stdout, 'hello world\n');
			await s3.rclone(['moveto', 'T:rcl/tree/a.txt', 'T:rcl/tree/b.txt']);
			await s3.rclone(['rcat', 'T:rcl/piped'], { input: 'piped' });
			assert.equal(await get(s3, (await s3.rclone(['link', 'T:rcl/piped'])).stdout.trim()), 'piped');
			writeFileSync(path.join(tree, 'a.txt'), 'hello again\n');
			await s3.rclone(['sync', tree, 'T:rcl/tree']);
			await s3.rclone(['check', tree, 'T:rcl/tree']);
			await s3.rclone(['purge', 'T:rcl']);
			assert.doesNotMatch((await s3.rclone(['lsd', 'T:'])).stdout, /rcl/);
		});

		test('SDK for Ruby: conditions, copies, overrides, a stream in parts', async () => {
			assert.equal((await s3.ruby('ruby_client.rb')).stdout, 'done\n');
		});

		test('s3cmd: mb, put, multipart put, ls, info, get, cp, mv, sync, del, rb', async () => {
			const big = path.join(s3.work, 'sixteen');
			writeFileSync(big, randomBytes(16 * MEBIBYTE));
			await s3.s3cmd(['mb', 's3://cmd']);
			await s3.s3cmd(['put', path.join(tree, 'a.txt'), 's3://cmd/a.txt']);
			await s3.s3cmd(['put', big, 's3://cmd/big']);
			await s3.s3cmd(['put', '-', 's3://cmd/stdin'], { input: 'from a pipe' });
			assert.match((await s3.s3cmd(['ls', 's3://cmd'])).stdout, /s3:\/\/cmd\/a\.txt/);
			assert.match((await s3.s3cmd(['info', 's3://cmd/a.txt'])).stdout, new RegExp(md5(readFileSync(path.join(tree, 'a.txt')))));
			await s3.s3cmd(['info', 's3://cmd']);
			await s3.s3cmd(['get', 's3://cmd/big', `${big}.back`]);
			assert.equal(md5(readFileSync(`${big}.back`)), md5(readFileSync(big)));
			await s3.s3cmd(['cp', 's3://cmd/a.txt', 's3://cmd/b.txt']);
			await s3.s3cmd(['mv', 's3://cmd/b.txt', 's3://cmd/c.txt']);
			await s3.s3cmd(['sync', `${tree}/`, 's3://cmd/tree/']);
			assert.match((await s3.s3cmd(['ls', '--recursive', 's3://cmd'])).stdout, /tree\/deep\/ünïcödé ☃\.txt/);
			await s3.s3cmd(['del', '--recursive', '--force', 's3://cmd']);
			await s3.s3cmd(['rb', 's3://cmd']);
		});

		test('curl --aws-sigv4: put, get, head, list, delete', async () => {
			const url = `${s3.url}/curlbucket`, file = path.join(tree, 'a.txt');
			await s3.curl(['-X', 'PUT', url]);
			await s3.curl(['-T', file, `${url}/k`]);
			assert.equal((await s3.curl([`${url}/k`])).stdout, readFileSync(file, 'utf8'));
			assert.match((await s3.curl(['-I', `${url}/k`])).stdout, new RegExp(`etag: "${md5(readFileSync(file))}"`, 'i'));
			assert.match((await s3.curl([`${url}?list-type=2&prefix=k`])).stdout, /<Key>k<\/Key>/);
			await s3.curl(['-X', 'DELETE', `${url}/k`]);
			assert.match((await s3.curl([`${url}/k`], { status: 22 })).stdout, /<Code>NoSuchKey<\/Code>/);
			await s3.curl(['-X', 'DELETE', url]);
		});
	});

async function get(s3, url) {
	return new Promise((resolve, reject) => {
		const lib = url.startsWith('https') ? https : http;
		lib.get(url, { ca: s3.tls && readFileSync(s3.tls.cert) }, answer => {
			const all = [];
			answer.on('data', d => all.push(d)).on('end', () => resolve(Buffer.concat(all).toString())).on('error', reject);
		}).on('error', reject);
	});
}

function* pieces(left) {
	for (; left > 0; left -= MEBIBYTE)
		yield Buffer.alloc(Math.min(left, MEBIBYTE), left % 251);
}
