// Holds a template against CloudFormation's own schemas (npm's @aws-cdk/aws-service-spec): types of resources, names and
// kinds of their properties, those that are required, and the attributes that GetAtt and Sub ask for.
//
//   node test/deploy/schema.mjs <deploy/template.yaml      prints what is wrong, a line each, and ends with 1
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

import { bindParameters, Evaluator, order, readTemplate } from '../cloud/stack.mjs';

const { loadAwsServiceSpecSync } = createRequire(new URL('../npm/package.json', import.meta.url))('@aws-cdk/aws-service-spec');
const db = loadAwsServiceSpecSync();
const faults = [];
const resourceOf = type => db.lookup('resource', 'cloudFormationType', 'equals', type)[0];

/** The node is worked out at deployment: then only its own form can be checked. */
const isFunction = node => node && typeof node === 'object' && Object.keys(node).length === 1 && /^(Ref|Fn::\w+)$/.test(Object.keys(node)[0]);

function checkProperties(where, declared, given) {
	for (const name of Object.keys(given))
		if (!declared[name])
			faults.push(`${where}: there is no property ${name}`);
	for (const [name, { required }] of Object.entries(declared))
		if (required && !(name in given))
			faults.push(`${where}: ${name} is required`);
	for (const [name, value] of Object.entries(given))
		if (declared[name])
			check(`${where}.${name}`, declared[name].type, value);
}

const SCALARS = { string: ['string', 'number', 'boolean'], number: ['number', 'string'], integer: ['number', 'string'], boolean: ['boolean', 'string'] };

/** Each branch of an If is checked, and what is removed by NoValue is not. */
function check(where, type, node) {
	if (node?.['Fn::If'])
		return node['Fn::If'].slice(1).filter(one => one?.Ref !== 'AWS::NoValue').forEach(one => check(where, type, one));
	if (isFunction(node))
		return undefined;
	if (type.type === 'ref')
		return typeof node === 'object' && !Array.isArray(node) ? checkProperties(where, db.get('typeDefinition', type.reference.$ref).properties, node) : faults.push(`${where} must be an object`);
	if (type.type === 'array')
		return Array.isArray(node) ? node.forEach((one, i) => check(`${where}[${i}]`, type.element, one)) : faults.push(`${where} must be a list`);
	if (type.type === 'map')
		return Object.entries(node).forEach(([name, one]) => check(`${where}.${name}`, type.element, one));
	if (type.type === 'union') {
		const before = faults.length, counts = type.types.map(one => { check(where, one, node); return faults.splice(before).length; });
		return counts.includes(0) || faults.push(`${where} is none of its kinds`);
	}
	return SCALARS[type.type] && !SCALARS[type.type].includes(typeof node) && faults.push(`${where} must be a ${type.type}, not ${typeof node}`);
}

/** [logical name, attribute] of everything that a node asks of a resource. */
function* attributes(node) {
	if (node?.['Fn::GetAtt'])
		yield node['Fn::GetAtt'];
	else if (typeof node?.['Fn::Sub'] === 'string')
		yield* [...node['Fn::Sub'].matchAll(/\$\{(\w+)\.([\w.]+)\}/g)].map(found => found.slice(1));
	else if (node && typeof node === 'object')
		for (const one of Object.values(node))
			yield* attributes(one);
}

const template = await readTemplate(readFileSync(0));
for (const [name, { Type, Properties = {} }] of Object.entries(template.Resources)) {
	const declared = resourceOf(Type);
	if (declared)
		checkProperties(name, declared.properties, Properties);
	else
		faults.push(`${name}: there is no type ${Type}`);
}
for (const [name, attribute] of attributes(template)) {
	const declared = resourceOf(template.Resources[name]?.Type);
	if (!declared?.attributes[attribute] && !declared?.properties[attribute])
		faults.push(`${name} has no attribute ${attribute}`);
}
const KEY = `${'A'.repeat(64)},${'A'.repeat(60)}`;
/* Every reference leads somewhere and none in a circle, whatever the parameters choose. */
for (const given of [{}, { Thumbs: 'on' }, { Thumbs: 'on', Versioning: 'on', Profile: 'production' }, { Profile: 'production', Versioning: 'on', AccessLogs: 'on', Tracing: 'Active', AlarmEmail: 'a@b.org', ApiKeyRequired: 'none', Auth: 'cognito', AdminKeyParameter: '/a' },
	{ Auth: 'cognito', UserPoolArn: 'arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_A', AuthDomainPrefix: 'a' }, { Auth: 'oidc', OidcIssuer: 'https://a.b', OidcAudience: 'c' },
	{ Cdn: 'on', CdnKey1: KEY, CdnSigningKey: '1' }, { Cdn: 'on', CdnKey2: KEY, CdnSigningKey: '2', Versioning: 'on', CdnDomain: 'img.example.org', CdnCertificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/a', WebAclArn: 'arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b' }]) {
	const known = name => ({ ref: name, attributes: new Proxy({}, { get: (_, attribute) => `${name}.${attribute}` }) });
	const pseudo = Object.fromEntries(['AccountId', 'Region', 'Partition', 'URLSuffix', 'StackName', 'StackId'].map(name => [`AWS::${name}`, 'x']));
	try {
		const evaluator = new Evaluator(template, bindParameters(template, { CodeBucket: 'code', CodeKey: 'key', BucketName: 'images', ...given }), pseudo, {});
		for (const name of order(evaluator)) {
			evaluator.value(template.Resources[name].Properties ?? {});
			evaluator.made[name] = known(name);
		}
		for (const { Condition, Value } of Object.values(template.Outputs))
			if (!Condition || evaluator.has(Condition))
				evaluator.value(Value);
	} catch (error) {
		faults.push(error.message);
	}
}
for (const name of Object.keys(template.Parameters))
	if (!JSON.stringify({ ...template, Parameters: null }).match(new RegExp(`"Ref":"${name}"|\\$\\{${name}\\}`)))
		faults.push(`the parameter ${name} is used nowhere`);
for (const name of Object.keys(template.Conditions))
	if (!JSON.stringify(template).match(new RegExp(`"Fn::If":\\["${name}"|"Condition":"${name}"`)))
		faults.push(`the condition ${name} is used nowhere`);
console.log(faults.join('\n'));
process.exit(faults.length ? 1 : 0);
