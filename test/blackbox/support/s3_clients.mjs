// What the tests with stock S3 clients share: two users of one server, and each client's command line with all
// of its configuration given, so that no file and no variable of the machine affects what it sends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { credentials, root, startServer } from './server.mjs';

/** A certificate of the test's own for 127.0.0.1: { cert, key }, file names. */
export async function makeCertificate(dir) {
	const cert = path.join(dir, 'cert.pem'), key = path.join(dir, 'key.pem');
	await command('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-keyout', key,
		'-out', cert, '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-addext', 'basicConstraints=critical,CA:TRUE']);
	return { cert, key };
}

/**
 * Run a program to its end: { stdout, stderr }. Another exit status than `status` (0) throws, with what it printed.
 * env is the whole environment but PATH. input goes to stdin.
 */
export async function command(program, args, { env = {}, cwd, input, status = 0, timeoutMs = 600000 } = {}) {
	const child = spawn(program, args, { env: { PATH: process.env.PATH, HOME: '/nonexistent', LC_ALL: 'C.UTF-8', ...env }, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
	const out = [], err = [];
	child.stdout.on('data', d => out.push(d));
	child.stderr.on('data', d => err.push(d));
	child.stdin.on('error', () => {});
	child.stdin.end(input);
	const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
	const [code, signal] = await once(child, 'close');
	clearTimeout(timer);
	const stdout = Buffer.concat(out).toString('utf8'), stderr = Buffer.concat(err).toString('utf8');
	if (code !== status)
		throw new Error(`${program} ${args.join(' ')} ended with ${code ?? signal}, not ${status}:\n${stdout}${stderr}`);
	return { stdout, stderr, bytes: Buffer.concat(out) };
}

/**
 * A server over http or https, and its clients. Gives { server, url, keys, work, aws(), boto(), ruby(), rclone(), s3cmd(), curl(), stop() }.
 * Each client function takes that client's own arguments; work is a folder that stop() removes.
 */
export async function startClients(scheme) {
	const work = mkdtempSync(path.join(tmpdir(), 'tintype-clients-'));
	const tls = scheme === 'https' ? await makeCertificate(work) : null;
	const server = await startServer({ args: tls ? ['--tls-cert', tls.cert, '--tls-key', tls.key] : [] });
	const { id, secret } = credentials(server).tintype;
	const url = server.storage, host = new URL(url).host;
	const env = {
		AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_DEFAULT_REGION: 'us-east-1', AWS_EC2_METADATA_DISABLED: 'true',
		AWS_CONFIG_FILE: path.join(work, 'config'), AWS_SHARED_CREDENTIALS_FILE: '/dev/null', ...tls && { AWS_CA_BUNDLE: tls.cert },
	};
	mkdirSync(path.join(work, 'home'));
	// Without it version 1 of the command line makes presigned URLs of signature version 2.
	writeFileSync(env.AWS_CONFIG_FILE, '[default]\ns3 =\n    signature_version = s3v4\n');
	const remote = {
		RCLONE_CONFIG: '/dev/null', RCLONE_CONFIG_T_TYPE: 's3', RCLONE_CONFIG_T_PROVIDER: 'Other', RCLONE_CONFIG_T_ENDPOINT: url,
		RCLONE_CONFIG_T_ACCESS_KEY_ID: id, RCLONE_CONFIG_T_SECRET_ACCESS_KEY: secret, RCLONE_CONFIG_T_REGION: 'us-east-1', RCLONE_CONFIG_T_FORCE_PATH_STYLE: 'true',
	};
	const home = { HOME: path.join(work, 'home') };
	return {
		server, url, work, keys: { id, secret }, tls,
		aws: (args, options = {}) => command('aws', ['--endpoint-url', url, ...args], { ...options, env: { ...env, ...home } }),
		python: (script, args = []) => command('python3', [path.join(root, 'test/blackbox/support', script), url, ...args], { env: { ...env, ...home } }),
		ruby: script => command('ruby', [path.join(root, 'test/blackbox/support', script), url, ...tls ? [tls.cert] : []], { env: { ...env, ...home } }),
		rclone: (args, options = {}) => command('rclone', ['--retries', '1', '--low-level-retries', '1', ...tls ? ['--ca-cert', tls.cert] : [], ...args],
			{ ...options, env: { ...remote, ...home } }),
		s3cmd: (args, options = {}) => command('s3cmd', ['-c', '/dev/null', ...tls ? ['--ssl', `--ca-certs=${tls.cert}`] : ['--no-ssl'], `--host=${host}`,
			`--host-bucket=${host}`, `--access_key=${id}`, `--secret_key=${secret}`, '--region=us-east-1', '--no-progress', ...args], { ...options, env: home }),
		curl: (args, options = {}) => command('curl', ['-sS', '--fail-with-body', ...tls ? ['--cacert', tls.cert] : [], '--aws-sigv4', 'aws:amz:us-east-1:s3',
			'--user', `${id}:${secret}`, '-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD', ...args], { ...options, env: home }),
		stop: async () => {
			await server.stop();
			rmSync(work, { recursive: true, force: true });
		},
	};
}
