// S3 and DynamoDB for a test: moto, on a port of its own, in a process that ends with the test.
//
//   const cloud = await startMoto();
//   after(() => cloud.stop());
//   const server = await startServer({ env: cloud.env, args: ['--store', 's3', '--table', 'dynamodb'] });
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import readline from 'node:readline';

// As moto_server does it, but for one request at a time, on however many connections: moto has no lock, and of
// two conditional writes at once both may win there, which on DynamoDB they do not.
const program = `
import json, threading
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
moto, lock = DomainDispatcherApplication(create_backend_app), threading.Lock()
calls = []
def one_by_one(environ, start_response):
    if environ['PATH_INFO'] == '/-/calls':
        start_response('200 OK', [('Content-Type', 'application/json')])
        return [json.dumps(calls).encode()]
    with lock:
        calls.append({'method': environ['REQUEST_METHOD'], 'uri': environ['REQUEST_URI'],
            'authorization': environ.get('HTTP_AUTHORIZATION', ''), 'target': environ.get('HTTP_X_AMZ_TARGET', '')})
        return list(moto(environ, start_response))
server = make_server('127.0.0.1', 0, one_by_one, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
`;

const running = new Set();
process.on('exit', () => running.forEach(child => child.kill('SIGKILL')));

async function start() {
	const child = spawn('python3', ['-c', program], { stdio: ['ignore', 'pipe', 'pipe'] });
	let said = '';
	running.add(child);
	child.stderr.setEncoding('utf8').on('data', s => { said = (said + s).slice(-4000); });
	const line = once(readline.createInterface({ input: child.stdout }), 'line').then(([text]) => Number(text));
	const ended = once(child, 'exit').then(() => { throw new Error(`moto (python3 -m pip install 'moto[server]') does not start:\n${said}`); });
	ended.catch(() => {});
	return { child, port: await Promise.race([line, ended]) };
}

/**
 * Gives { url, env, request(), head(), put(), calls(), stop() }.
 * bucket   made at once; null: none is
 * env      what makes a server find it: endpoint, keys, bucket, table; no file of the machine's is read
 * head     whether there is an object under this key
 * calls    all requests so far: [{ method, uri, authorization, target }]
 */
export async function startMoto({ bucket = 'pictures', table = 'ImageMetadata' } = {}) {
	const { child, port } = await start();
	const url = `http://127.0.0.1:${port}`;
	const env = {
		BUCKET_NAME: bucket, TABLE_NAME: table, AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL: url,
		AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', AWS_SESSION_TOKEN: 'a+token/of=asession',
		AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_CONFIG_FILE: '/dev/null', AWS_EC2_METADATA_DISABLED: 'true',
	};
	// moto finds the service by the credential's scope, and looks at nothing else of it.
	const authorization = 'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0';
	const request = (method, path, options = {}) =>
		fetch(url + path, { method, ...options, headers: { authorization, ...options.headers } });
	const made = bucket && await request('PUT', `/${bucket}`,
		{ body: '<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>' });
	if (made && made.status !== 200)
		throw new Error(`moto makes no bucket: ${made.status} ${await made.text()}`);
	return {
		url, env, request,
		head: async key => (await request('HEAD', `/${bucket}/${key}`)).status === 200,
		put: (key, body) => request('PUT', `/${bucket}/${key}`, { body }),
		calls: async () => (await fetch(`${url}/-/calls`)).json(),
		stop: async () => {
			child.kill('SIGKILL');
			if (child.exitCode === null && child.signalCode === null)
				await once(child, 'exit');
			running.delete(child);
		},
	};
}
