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

/** The actions of a request, as cloud.calls() has it: a transaction has those of its writes. */
export function actionsOf({ method, uri, service, target, writes }) {
	const action = target.split('.').at(-1);
	if (service === 's3')
		return [s3Action(method, new URL(uri, 'http://cloud'))];
	if (service === 'cloudfront')
		return ['cloudfront:CreateInvalidation'];
	return writes ? writes.map(kind => `dynamodb:${kind}Item`) : [`${service}:${action}`];
}

/** Which role each function has, by the function's handler; with Thumbs=on there is { render: 'Render' } too. */
export const ROLES = { upload: 'Upload', images: 'List', manage: 'Manage', delivery: 'Delivery', event: 'Event', sweep: 'Sweep' };

/** The stack with these parameters; made: what is known of resources, { UserPool: { ref, attributes } }, in place of names. */
export async function stackOf(given, made = {}) {
	const template = await readTemplate(readFileSync(new URL('../../../deploy/template.yaml', import.meta.url)));
	const parameters = bindParameters(template, { CodeBucket: 'code', CodeKey: 'key', ...given });
	const named = name => ({ ref: name, attributes: new Proxy({}, { get: (_, attribute) => `${name}.${attribute}` }) });
	const pseudo = { 'AWS::Partition': 'aws', 'AWS::StackName': 'tintype', 'AWS::StackId': 'tintype', 'AWS::Region': 'eu-west-1', 'AWS::AccountId': '123456789012', 'AWS::URLSuffix': 'amazonaws.com' };
	return new Evaluator(template, parameters, pseudo, { ...Object.fromEntries(Object.keys(template.Resources).map(name => [name, named(name)])), ...made });
}

/** { Upload: statements, List, ... }: what each function's role may do in a stack with these parameters. */
export async function roleStatements(given) {
	const stack = await stackOf(given);
	return Object.fromEntries([...Object.values(ROLES), 'Render'].map(role => [role,
		stack.value(stack.template.Resources[`${role}Role`].Properties.Policies).flatMap(policy => policy.PolicyDocument.Statement)]));
}

/** { Upload: variables, List, ... }: the environment of each function in a stack with these parameters. */
export async function functionVariables(given, made) {
	const stack = await stackOf(given, made);
	return Object.fromEntries(Object.values(ROLES).map(role => {
		const { Variables } = stack.value(stack.template.Resources[`${role}Function`].Properties.Environment);
		return [role, Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, String(value)]))];
	}));
}
