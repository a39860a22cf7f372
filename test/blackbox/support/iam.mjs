// What IAM asks of who calls AWS, told from the requests themselves, and what deploy/template.yaml grants.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const OBJECT = { GET: 's3:GetObject', HEAD: 's3:GetObject', PUT: 's3:PutObject', DELETE: 's3:DeleteObject' };

function s3Action(method, { pathname, searchParams: query }) {
	const isObject = /^\/[^/]+\/./.test(pathname);
	if (isObject && method === 'DELETE' && query.has('versionId'))
		return 's3:DeleteObjectVersion';
	if (isObject && OBJECT[method])
		return OBJECT[method];
	if (method === 'GET' && query.has('versions'))
		return 's3:ListBucketVersions';
	if (method === 'GET' && query.has('list-type'))
		return 's3:ListBucket';
	return `s3: ${method} ${pathname}?${query}`;   /* no action's name, so that none grants it */
}

/** Gives { key, action } of { method, uri, authorization, target }: whose key signed it, in a header or in the URL, and what it does. */
export function actionOf({ method, uri, authorization, target }) {
	const url = new URL(uri, 'http://moto');
	const credential = url.searchParams.get('X-Amz-Credential') ?? authorization.match(/Credential=([^,]+)/)?.[1] ?? '';
	const [key, , , service] = credential.split('/');
	return { key, action: service === 'dynamodb' ? `dynamodb:${target.split('.').at(-1)}` : s3Action(method, url) };
}

const program = `
import json, sys
sys.path.insert(0, sys.argv[1])
from template_test import GRANTS, statements
print(json.dumps({stem: [a for s in statements(stem + 'Role') for a in s['Action']] for stem in GRANTS}))
`;

/** { Upload: ['dynamodb:PutItem', ...], List, Manage, Event }: what each function's role may do, with versioning on. */
export async function grants() {
	const { stdout } = await promisify(execFile)('python3', ['-B', '-c', program, fileURLToPath(new URL('../../deploy', import.meta.url))]);
	return JSON.parse(stdout);
}
