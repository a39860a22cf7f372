// What CloudFormation would replace if one parameter of a stack were changed: properties that can only be set when a resource is
// created, by CloudFormation's own schemas (npm's @aws-cdk/aws-service-spec).
//
//   node test/deploy/updates.mjs <deploy/template.yaml      prints { parameter: [logical names] } as JSON
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

import { bindParameters, Evaluator, order, readTemplate, TemplateError } from '../cloud/stack.mjs';

const { loadAwsServiceSpecSync } = createRequire(new URL('../npm/package.json', import.meta.url))('@aws-cdk/aws-service-spec');
const db = loadAwsServiceSpecSync();
const template = await readTemplate(readFileSync(0));
const publicKey = letter => `${letter.repeat(64)},${letter.repeat(60)}`, certificate = name => `arn:aws:acm:us-east-1:123456789012:certificate/${name}`;
const NEEDED = { CodeBucket: 'code', CodeKey: 'key', BucketName: 'images', CdnKey1: publicKey('A'), CdnCertificateArn: certificate('a') };
// Stacks that have as many of the optional resources as possible.
const STACKS = [NEEDED, { ...NEEDED, Profile: 'production', Versioning: 'on', AccessLogs: 'on', Tracing: 'Active', Thumbs: 'on', Events: 'on', AlarmEmail: 'a@example.org', Cdn: 'on', CdnKey2: publicKey('B'), CdnDomain: 'a.example.org' },
	{ ...NEEDED, Auth: 'cognito', UserPoolArn: 'arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_A', AuthDomainPrefix: 'a', AdminKeyParameter: '/a' }, { ...NEEDED, Auth: 'oidc', OidcIssuer: 'https://a.example', OidcAudience: 'images' }];
// Other values of the parameters that have a pattern; those with a list, or that are numbers, need none.
const OTHER = { CodeBucket: 'code-2', CodeKey: 'key-2', BucketName: 'images-2', TableName: 'Other', ApiName: 'Other', FunctionPrefix: 'Other', AllowedOrigins: 'https://a.example', AllowedTypes: 'image/png', EventBusName: 'other',
	KeepMetadata: 'camera', Thumbnails: 'small:10x10', Verify: 'strict', ThumbnailAtUpload: 'none', DeliveryKeys: 'k'.repeat(32), DeliveryUrl: 'https://img.example.org', AlarmEmail: 'b@example.org',
	CdnKey1: publicKey('C'), CdnKey2: publicKey('D'), CdnDomain: 'b.example.org', CdnSecret: 's'.repeat(32), CdnCertificateArn: certificate('b'), WebAclArn: 'arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b',
	UserPoolArn: 'arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_B', AuthDomainPrefix: 'b', CallbackUrls: 'https://b.example/', OidcIssuer: 'https://b.example', OidcAudience: 'b', OidcParties: 'b', OidcSubject: 'oid', OidcAdmin: '/b=b',
	OidcClientId: 'b', OidcScope: 'b', OidcOrigins: 'https://b.example', OidcKeys: '{"keys":[]}', TokenScopes: 'b/*', AdminKeyParameter: '/b' };

function otherValue(name, { AllowedValues, MinValue, MaxValue, Type, Default }, now) {
	const other = OTHER[name] ?? AllowedValues?.map(String).find(one => one !== String(now)) ?? (Type === 'Number' ? [MaxValue, MinValue].find(one => one !== Number(now)) : undefined);
	if (other === undefined && AllowedValues?.length === 1)
		return Default;
	if (other === undefined)
		throw new Error(`give another value of ${name} in test/deploy/updates.mjs`);
	return String(other);
}

/** The properties of each resource that the stack has, with references as names. */
function resources(given) {
	const pseudo = Object.fromEntries(['AccountId', 'Region', 'Partition', 'URLSuffix', 'StackName', 'StackId'].map(name => [`AWS::${name}`, 'x']));
	const evaluator = new Evaluator(template, bindParameters(template, given), pseudo, {}), found = {};
	for (const name of order(evaluator)) {
		found[name] = evaluator.value(template.Resources[name].Properties ?? {});
		evaluator.made[name] = { ref: name, attributes: new Proxy({}, { get: (_, attribute) => `${name}.${attribute}` }) };
	}
	return found;
}

/** Nothing, where a rule of the template refuses these parameters together. */
function unlessRefused(given) {
	try {
		return resources(given);
	} catch (error) {
		if (error instanceof TemplateError && error.message.includes('Rule'))
			return {};
		throw error;
	}
}

function replaced(before, after) {
	return Object.keys(before).filter(name => after[name] && name in after).filter(name => {
		const { properties } = db.lookup('resource', 'cloudFormationType', 'equals', template.Resources[name].Type)[0];
		return Object.keys({ ...before[name], ...after[name] }).some(property => (properties[property].causesReplacement ?? 'no') !== 'no' && JSON.stringify(before[name][property]) !== JSON.stringify(after[name][property]));
	});
}

const all = {};
for (const [name, declared] of Object.entries(template.Parameters)) {
	const found = STACKS.flatMap(given => replaced(resources(given), unlessRefused({ ...given, [name]: otherValue(name, declared, given[name] ?? declared.Default) })));
	all[name] = [...new Set(found)].sort();
}
console.log(JSON.stringify(all));
