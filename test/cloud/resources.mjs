// What a stack's resources are made of, by type: what Ref and GetAtt give, and what making and removing does. A bucket is
// made on the S3 engine with its settings, a table on the DynamoDB engine, a role on the S3 engine too, so that its
// policy for S3 is enforced; the rest is kept to be listed and removed.
import { createHash, createPublicKey, randomBytes, randomUUID } from 'node:crypto';

import { Queue } from './queues.mjs';

export const ACCOUNT = '123456789012';
const shortId = () => randomBytes(5).toString('hex');
const upper = () => randomBytes(7).toString('hex').slice(0, 13).toUpperCase();

export class ResourceError extends Error {}

const xml = (name, parts) => `<${name}>${parts}</${name}>`;
const all = (name, values) => values.map(value => xml(name, value)).join('');

async function must(cloud, method, path, options, good = [200, 204]) {
	const answer = await (await cloud.s3()).request(method, path, options);
	if (!good.includes(answer.status))
		throw new ResourceError(`${method} ${path}: ${answer.status} ${answer.code}`);
	return answer;
}

function lifecycle({ Id, Status, Prefix = '', ExpirationInDays: days, AbortIncompleteMultipartUpload: abort, NoncurrentVersionExpiration: old, ExpiredObjectDeleteMarker: marker }) {
	return xml('Rule', xml('ID', Id) + xml('Filter', xml('Prefix', Prefix)) + xml('Status', Status)
		+ (days ? xml('Expiration', xml('Days', days)) : '')
		+ (abort ? xml('AbortIncompleteMultipartUpload', xml('DaysAfterInitiation', abort.DaysAfterInitiation)) : '')
		+ (old ? xml('NoncurrentVersionExpiration', xml('NoncurrentDays', old.NoncurrentDays)) : '')
		+ (marker ? xml('Expiration', xml('ExpiredObjectDeleteMarker', marker)) : ''));
}

async function configureBucket(cloud, p) {
	const put = (what, body) => must(cloud, 'PUT', `/${p.BucketName}`, { query: { [what]: '' }, body, headers: { 'content-md5': createHash('md5').update(body).digest('base64') } });
	if (p.PublicAccessBlockConfiguration)
		cloud.accessBlocks.set(p.BucketName, xml('PublicAccessBlockConfiguration', Object.entries(p.PublicAccessBlockConfiguration).map(([name, value]) => xml(name, value)).join('')));
	if (p.CorsConfiguration)
		await put('cors', xml('CORSConfiguration', p.CorsConfiguration.CorsRules.map(rule => xml('CORSRule', all('AllowedOrigin', rule.AllowedOrigins)
			+ all('AllowedMethod', rule.AllowedMethods) + all('AllowedHeader', rule.AllowedHeaders) + all('ExposeHeader', rule.ExposedHeaders) + xml('MaxAgeSeconds', rule.MaxAge))).join('')));
	if (p.VersioningConfiguration)
		await put('versioning', xml('VersioningConfiguration', xml('Status', p.VersioningConfiguration.Status)));
	if (p.LifecycleConfiguration)
		await put('lifecycle', xml('LifecycleConfiguration', p.LifecycleConfiguration.Rules.map(lifecycle).join('')));
}

const TABLE_MEMBERS = ['TableName', 'AttributeDefinitions', 'KeySchema', 'BillingMode', 'GlobalSecondaryIndexes'];
const named = property => p => p[property];
const generated = (p, { stack, logical }) => `${stack}-${logical}-${upper()}`;
const cloudfrontId = letter => () => letter + upper();
const withArn = arn => id => ({ Arn: arn(id) });

async function readCode(cloud, { Code }) {
	const { bytes } = await must(cloud, 'GET', `/${Code.S3Bucket}/${Code.S3Key}`);
	return { CodeSha256: createHash('sha256').update(bytes).digest('base64') };
}

/** id(properties, { stack, logical }), attributes(id, cloud), make(cloud, thing), update(cloud, thing), remove(cloud, thing): all but the first may be missing. */
const TYPES = {
	'S3::Bucket': {
		id: named('BucketName'), attributes: (id, { region }) => ({ Arn: `arn:aws:s3:::${id}`, RegionalDomainName: `${id}.s3.${region}.amazonaws.com` }),
		make: async (cloud, { properties: p }) => {
			if ((await (await cloud.s3()).request('HEAD', `/${p.BucketName}`)).status !== 404)
				throw Object.assign(new ResourceError(`${p.BucketName} already exists`), { taken: p.BucketName });
			await must(cloud, 'PUT', `/${p.BucketName}`);
			await configureBucket(cloud, p);
		},
		update: (cloud, { properties }) => configureBucket(cloud, properties),
		remove: (cloud, { id }) => must(cloud, 'DELETE', `/${id}`, {}, [204, 404]),
	},
	'S3::BucketPolicy': { id: generated },   // the service is used without TLS, which the policy denies
	'SQS::Queue': {
		id: (p, at) => `${at.base}/${ACCOUNT}/${p.QueueName ?? generated(p, at)}`,
		attributes: (id, cloud) => ({ QueueName: id.split('/').at(-1), Arn: `arn:aws:sqs:${cloud.region}:${ACCOUNT}:${id.split('/').at(-1)}` }),
		make: (cloud, { id, properties: p, attributes }) => {
			const dead = p.RedrivePolicy && [...cloud.queues.values()].find(one => one.arn === p.RedrivePolicy.deadLetterTargetArn);
			if (p.RedrivePolicy && !dead)
				throw new ResourceError('the dead-letter queue does not exist');
			cloud.queues.set(id, new Queue({ name: attributes.QueueName, url: id, arn: attributes.Arn, visibilityS: p.VisibilityTimeout, maxReceives: p.RedrivePolicy?.maxReceiveCount, dead }));
		},
		remove: (cloud, { id }) => cloud.queues.delete(id),
	},
	'SQS::QueuePolicy': { id: generated },
	'DynamoDB::Table': {
		id: named('TableName'), attributes: (id, { region }) => ({ Arn: `arn:aws:dynamodb:${region}:${ACCOUNT}:table/${id}` }),
		make: async (cloud, { id, properties: p }) => {
			const known = { ...p, GlobalSecondaryIndexes: p.GlobalSecondaryIndexes.map(({ OnDemandThroughput, ...index }) => index) };   // dynalite has no maximum
			await cloud.dynamo('CreateTable', Object.fromEntries(TABLE_MEMBERS.map(name => [name, known[name]])));
			cloud.protectTable(id, p.DeletionProtectionEnabled);
		},
		update: (cloud, { id, properties: p }) => cloud.protectTable(id, p.DeletionProtectionEnabled),
		remove: async (cloud, { id }) => {
			if ((await cloud.dynamo('ListTables', {})).TableNames.includes(id))
				await cloud.dynamo('DeleteTable', { TableName: id });
		},
	},
	'Logs::LogGroup': { id: named('LogGroupName'), attributes: (id, { region }) => ({ Arn: `arn:aws:logs:${region}:${ACCOUNT}:log-group:${id}:*` }) },
	'IAM::Role': {
		id: generated, attributes: withArn(id => `arn:aws:iam::${ACCOUNT}:role/${id}`),
		make: async (cloud, thing) => {
			thing.policies = thing.properties.Policies.map(one => one.PolicyName);
			await (await cloud.s3()).setRole(thing.id, thing.properties.Policies.flatMap(one => one.PolicyDocument.Statement));
		},
		remove: async (cloud, { id }) => (await cloud.s3()).removeRole(id),
	},
	'Lambda::Function': {
		id: named('FunctionName'), attributes: (id, { region }) => ({ Arn: `arn:aws:lambda:${region}:${ACCOUNT}:function:${id}` }),
		make: async (cloud, thing) => { thing.code = await readCode(cloud, thing.properties); },
		update: async (cloud, thing) => { thing.code = await readCode(cloud, thing.properties); },
	},
	'Lambda::EventSourceMapping': { id: () => randomUUID() },
	'Lambda::Permission': { id: generated },
	'Scheduler::Schedule': { id: generated },
	'ApiGateway::RestApi': { id: shortId, attributes: () => ({ RootResourceId: shortId() }) },
	'ApiGateway::Resource': { id: shortId },
	'ApiGateway::Method': { id: generated },
	'ApiGateway::GatewayResponse': { id: generated },
	'ApiGateway::Deployment': { id: shortId },
	'ApiGateway::Stage': { id: named('StageName') },
	'ApiGateway::ApiKey': { id: shortId, make: (cloud, thing) => { thing.value = randomBytes(20).toString('hex'); } },
	'ApiGateway::UsagePlan': { id: shortId },
	'ApiGateway::UsagePlanKey': { id: generated },
	'Cognito::UserPool': {
		id: (p, { region }) => `${region}_${shortId()}`,
		attributes: (id, { region }) => ({ ProviderURL: `https://cognito-idp.${region}.amazonaws.com/${id}`, Arn: `arn:aws:cognito-idp:${region}:${ACCOUNT}:userpool/${id}` }),
		remove: (cloud, { id, properties }) => {
			if (properties.DeletionProtection === 'ACTIVE')
				throw new ResourceError('The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.');
			if (cloud.list('Cognito::UserPoolDomain').some(one => one.properties.UserPoolId === id))
				throw new ResourceError('User pool cannot be deleted. It has a domain configured that should be deleted first.');
			for (const one of cloud.things.filter(one => one.properties.UserPoolId === id))
				cloud.forget(one);
		},
	},
	'Cognito::UserPoolGroup': { id: named('GroupName') },
	'Cognito::UserPoolResourceServer': { id: named('Identifier') },
	'Cognito::UserPoolClient': { id: () => shortId() + shortId() },
	'Cognito::UserPoolDomain': { id: named('Domain') },
	'CloudFront::OriginAccessControl': { id: cloudfrontId('E'), attributes: id => ({ Id: id }) },
	'CloudFront::PublicKey': {
		id: cloudfrontId('K'), attributes: id => ({ Id: id }),
		make: (cloud, { properties: { PublicKeyConfig } }) => { createPublicKey(PublicKeyConfig.EncodedKey); },   // throws unless it is one
		remove: (cloud, { id }) => {
			if (cloud.list('CloudFront::KeyGroup').some(one => one.properties.KeyGroupConfig.Items.includes(id)))
				throw new ResourceError('PublicKeyInUse');
		},
	},
	'CloudFront::KeyGroup': {
		id: () => randomUUID(),
		remove: (cloud, { id }) => {
			if (cloud.list('CloudFront::Distribution').some(one => JSON.stringify(one.properties).includes(id)))
				throw new ResourceError('ResourceInUse');
		},
	},
	'CloudFront::CachePolicy': { id: () => randomUUID() },
	'CloudFront::ResponseHeadersPolicy': { id: () => randomUUID() },
	'CloudFront::Distribution': { id: cloudfrontId('E'), attributes: id => ({ DomainName: `${id.toLowerCase()}.cloudfront.net` }) },
	'SNS::Topic': { id: (p, at) => `arn:aws:sns:${at.region}:${ACCOUNT}:${p.TopicName ?? generated(p, at)}` },
	'SNS::TopicPolicy': { id: generated },
	'SNS::Subscription': { id: generated },
	'CloudWatch::Alarm': { id: named('AlarmName'), attributes: (id, { region }) => ({ Arn: `arn:aws:cloudwatch:${region}:${ACCOUNT}:alarm:${id}` }) },
	'CloudWatch::Dashboard': { id: named('DashboardName') },
};

function typeOf(name) {
	if (!TYPES[name])
		throw new ResourceError(`Unrecognized resource type: AWS::${name}`);
	return TYPES[name];
}

/** The thing that was made: { type, id, logical, properties, attributes, ... }; it is in cloud.things. */
export async function makeResource(cloud, stack, logical, type, properties) {
	const { id: identify, attributes, make } = typeOf(type);
	const id = identify(properties, { stack, logical, base: cloud.url, region: cloud.region });
	const thing = { type, id, logical, properties, attributes: attributes?.(id, cloud) ?? {} };
	if (id === undefined || cloud.find(type, id) && type !== 'ApiGateway::Stage')
		throw Object.assign(new ResourceError(`${id} already exists`), { taken: id });
	await make?.(cloud, thing);
	cloud.things.push(thing);
	return thing;
}

/** Types that CloudFormation gives tags of its own, by the schemas of the types (cloudFormationSystemTags); a table gets none. */
const TAGGED = new Set(['S3::Bucket', 'Lambda::Function', 'Logs::LogGroup']);
const TAGGERS = {
	'S3::Bucket': (cloud, { id, tags }) => must(cloud, 'PUT', `/${id}`, { query: { tagging: '' }, body: xml('Tagging', xml('TagSet', Object.entries(tags).map(([name, value]) => xml('Tag', xml('Key', name) + xml('Value', value))).join(''))) }),
	'DynamoDB::Table': (cloud, { attributes, tags }) => cloud.dynamo('TagResource', { ResourceArn: attributes.Arn, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }),
};

/** The tags that the template gives a resource, and CloudFormation's. */
export async function tagResource(cloud, thing, stackId) {
	thing.tags = { ...Object.fromEntries((thing.properties.Tags ?? []).map(({ Key, Value }) => [Key, Value])), ...TAGGED.has(thing.type) ? { 'aws:cloudformation:stack-id': stackId } : {} };
	if (Object.keys(thing.tags).length > 0)
		await TAGGERS[thing.type]?.(cloud, thing);
}

export async function updateResource(cloud, thing, properties) {
	thing.properties = properties;
	await typeOf(thing.type).update?.(cloud, thing);
}

/** Remove what may be gone already. */
export async function removeResource(cloud, thing) {
	await typeOf(thing.type).remove?.(cloud, thing);
	cloud.forget(thing);
}
