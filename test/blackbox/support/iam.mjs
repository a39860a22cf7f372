// The IAM permissions that calls to AWS need, derived from the requests themselves, and what deploy/template.yaml grants.
import { readFileSync } from 'node:fs';

import { bindParameters, Evaluator, readTemplate } from '../../cloud/stack.mjs';

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

/** Gives { key, action } of { method, uri, key, service, target }: whose key signed it, in a header or in the URL, and what it does. */
export function actionOf({ method, uri, key, service, target }) {
	return { key, action: service === 's3' ? s3Action(method, new URL(uri, 'http://cloud')) : `${service}:${target.split('.').at(-1)}` };
}

/** Which role each function has, by the function's handler; with Thumbs=on there is { render: 'Render' } too. */
export const ROLES = { upload: 'Upload', images: 'List', manage: 'Manage', delivery: 'Delivery', event: 'Event', sweep: 'Sweep' };

/** { Upload: statements, List, Manage, Delivery, Event, Sweep, Render }: what each function's role may do in a stack with these parameters. */
export async function roleStatements(given) {
	const template = await readTemplate(readFileSync(new URL('../../../deploy/template.yaml', import.meta.url)));
	const parameters = bindParameters(template, { CodeBucket: 'code', CodeKey: 'key', ...given });
	const made = Object.fromEntries(Object.keys(template.Resources).map(name => [name, { ref: name, attributes: new Proxy({}, { get: (_, attribute) => `${name}.${attribute}` }) }]));
	const evaluator = new Evaluator(template, parameters, { 'AWS::Partition': 'aws', 'AWS::StackName': 'tintype' }, made);
	return Object.fromEntries([...Object.values(ROLES), 'Render'].map(role => [role,
		evaluator.value(template.Resources[`${role}Role`].Properties.Policies).flatMap(policy => policy.PolicyDocument.Statement)]));
}
