// The services that the AWS tests use: Ceph's object gateway for S3, with real roles and their temporary
// credentials, and dynalite for DynamoDB.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { sendHead, signedHead } from '../blackbox/support/s3.mjs';

const run = promisify(execFile);
/** The gateway's user, who owns all buckets. */
export const USER = { id: 'AKIARADOSGWTESTUSER0', secret: 'radosgw-test-secret' };
const TRUST = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: ['arn:aws:iam:::user/test'] }, Action: ['sts:AssumeRole'] }] };

/** Gives { url, request(method, path, { query, headers, body }), setRole(name, statements), removeRole(name), assumeRole(name), stop() }. */
export async function startRadosgw() {
	const child = spawn('bash', [fileURLToPath(new URL('radosgw.sh', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] });
	const ended = once(child, 'exit');
	const [url] = await Promise.race([once(readline.createInterface({ input: child.stdout }), 'line'),
		ended.then(([code]) => { throw new Error(`radosgw does not start (status ${code}); tools/deps test installs it`); })]);
	const ask = async (Action, parameters, Version = '2010-05-08') => {
		const fields = Object.entries({ Action, Version, ...parameters }).flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`]);
		const { stdout } = await run('curl', ['-sS', '-w', '\n%{http_code}', '--aws-sigv4', 'aws:amz:us-east-1:iam', '-u', `${USER.id}:${USER.secret}`, `${url}/`, ...fields]);
		return { text: stdout, status: Number(stdout.slice(stdout.lastIndexOf('\n') + 1)) };
	};
	const must = async (...args) => {
		const { status, text } = await ask(...args);
		if (status !== 200)
			throw new Error(`radosgw, ${args[0]}: ${text}`);
		return name => new RegExp(`<${name}>([^<]+)<`).exec(text)[1];
	};
	return {
		url,
		request: (method, path, options = {}) => {
			const at = { storage: url };
			return sendHead(at, signedHead(at, method, path, { who: USER, ...options }), options.body);
		},
		// The gateway's own reader of policies knows no service but S3.
		setRole: async (name, statements) => {
			const Statement = statements.filter(one => one.Action.some(action => action.startsWith('s3:'))).map(({ Effect, Action, Resource }) => ({ Effect, Action, Resource }));
			await must('CreateRole', { RoleName: name, Path: '/', AssumeRolePolicyDocument: JSON.stringify(TRUST) });
			await must('PutRolePolicy', { RoleName: name, PolicyName: 'own', PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }) });
		},
		removeRole: async name => {
			await ask('DeleteRolePolicy', { RoleName: name, PolicyName: 'own' });
			await ask('DeleteRole', { RoleName: name });
		},
		/** Temporary credentials, as the environment of a process has them. */
		assumeRole: async name => {
			const element = await must('AssumeRole', { RoleArn: `arn:aws:iam:::role/${name}`, RoleSessionName: 'test-session' }, '2011-06-15');
			return { AWS_ACCESS_KEY_ID: element('AccessKeyId'), AWS_SECRET_ACCESS_KEY: element('SecretAccessKey'), AWS_SESSION_TOKEN: element('SessionToken') };
		},
		stop: async () => { child.stdin.end(); await ended; },
	};
}

/** Gives { url, stop() }. */
export async function startDynalite() {
	const dynalite = createRequire(new URL('../npm/package.json', import.meta.url))('dynalite');
	const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
	await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
	return { url: `http://127.0.0.1:${server.address().port}`, stop: () => server.closeAllConnections() ?? server.close() };
}
