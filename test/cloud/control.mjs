// The responses of AWS's control plane, by service and action, for the resources of the stacks: as much as the scripts of deploy/
// and the tests ask. The wire's forms are at the end: the query protocol with XML, JSON with a target, and REST with JSON.
import { randomUUID } from 'node:crypto';

import { formationActions } from './formation.mjs';
import { queueActions } from './queues.mjs';
import { ACCOUNT } from './resources.mjs';

const error = (code, message, status = 400) => Object.assign(new Error(message), { code, status });

/** The thing, or the error that its service has for what is not there. */
function must(cloud, type, id, code) {
	const found = cloud.find(type, id);
	if (!found)
		throw error(code, `${id} not found`, 404);
	return found;
}

const identity = cloud => ({
	ListRoles: () => ({ Roles: cloud.list('IAM::Role').map(({ id, attributes, properties }) => ({ RoleName: id, Path: '/', RoleId: id, Arn: attributes.Arn, CreateDate: new Date().toISOString(), Description: properties.Description })) }),
	DeleteRolePolicy: ({ RoleName, PolicyName }) => {
		const role = must(cloud, 'IAM::Role', RoleName, 'NoSuchEntity');
		if (!role.policies.includes(PolicyName))
			throw error('NoSuchEntity', `The role policy with name ${PolicyName} cannot be found.`, 404);
		role.policies = role.policies.filter(one => one !== PolicyName);
	},
	DeleteRole: async ({ RoleName }) => {
		const role = must(cloud, 'IAM::Role', RoleName, 'NoSuchEntity');
		if (role.policies.length > 0)
			throw error('DeleteConflict', 'Cannot delete entity, must delete policies first.', 409);
		await cloud.remove(role);
	},
});

const logs = cloud => ({
	DescribeLogGroups: ({ logGroupNamePrefix = '' }) => ({ logGroups: cloud.list('Logs::LogGroup').filter(({ id }) => id.startsWith(logGroupNamePrefix)).map(({ id, properties }) => ({ logGroupName: id, retentionInDays: Number(properties.RetentionInDays) })) }),
	DeleteLogGroup: ({ logGroupName }) => cloud.remove(must(cloud, 'Logs::LogGroup', logGroupName, 'ResourceNotFoundException')),
	ListTagsForResource: ({ resourceArn }) => ({ tags: must(cloud, 'Logs::LogGroup', resourceArn.split(':log-group:')[1], 'ResourceNotFoundException').tags ?? {} }),
	FilterLogEvents: ({ logGroupName }) => { must(cloud, 'Logs::LogGroup', logGroupName, 'ResourceNotFoundException'); return { events: [] }; },
});

const users = cloud => {
	const pool = id => must(cloud, 'Cognito::UserPool', id, 'ResourceNotFoundException');
	return {
		ListUserPools: () => ({ UserPools: cloud.list('Cognito::UserPool').map(({ id, properties }) => ({ Id: id, Name: properties.UserPoolName })) }),
		ListTagsForResource: ({ ResourceArn }) => ({ Tags: pool(ResourceArn.split('/').at(-1)).properties.UserPoolTags }),
		UpdateUserPool: ({ UserPoolId, DeletionProtection }) => { pool(UserPoolId).properties.DeletionProtection = DeletionProtection; },
		DeleteUserPoolDomain: ({ Domain }) => { cloud.forget(must(cloud, 'Cognito::UserPoolDomain', Domain, 'ResourceNotFoundException')); },
		DeleteUserPool: async ({ UserPoolId }) => {
			const found = pool(UserPoolId);
			await cloud.remove(found).catch(cause => { throw error('InvalidParameterException', cause.message); });
		},
	};
};

/** The Parameter Store: name -> value, as text. */
const parameters = cloud => {
	const must = Name => {
		const found = cloud.parameters.get(Name);
		if (!found)
			throw error('ParameterNotFound', '');
		return found;
	};
	return {
		PutParameter: ({ Name, Value, Type, Overwrite }) => {
			const before = cloud.parameters.get(Name);
			if (before && !Overwrite)
				throw error('ParameterAlreadyExists', 'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.');
			cloud.parameters.set(Name, { Name, Type, Value, Version: (before?.Version ?? 0) + 1, LastModifiedDate: Date.now() / 1000 });
			return { Version: cloud.parameters.get(Name).Version, Tier: 'Standard' };
		},
		GetParameter: ({ Name, WithDecryption }) => {
			const found = must(Name);
			return { Parameter: { ...found, Value: found.Type === 'SecureString' && !WithDecryption ? 'encrypted' : found.Value } };
		},
		DeleteParameter: ({ Name }) => { must(Name); cloud.parameters.delete(Name); },
		DescribeParameters: () => ({ Parameters: [...cloud.parameters.values()].map(({ Name, Type, Version }) => ({ Name, Type, Version })) }),
	};
};

const budgets = cloud => ({
	CreateBudget: ({ Budget, NotificationsWithSubscribers }) => {
		if (cloud.find('Budget', Budget.BudgetName))
			throw error('DuplicateRecordException', 'the budget already exists');
		cloud.things.push({ type: 'Budget', id: Budget.BudgetName, properties: { Budget, NotificationsWithSubscribers }, attributes: {} });
	},
	DescribeBudget: ({ BudgetName }) => must(cloud, 'Budget', BudgetName, 'NotFoundException').properties,
	DeleteBudget: ({ BudgetName }) => cloud.forget(must(cloud, 'Budget', BudgetName, 'NotFoundException')),
});

/** What only tests ask: a resource that somebody else made, a stack in a state of its own, a bucket of another account; what there is. */
const tests = cloud => ({
	Plant: ({ type, id, tags = {}, properties = {} }) => { cloud.things.push({ type, id, tags, properties, attributes: {} }); },
	Uproot: ({ type, id }) => cloud.forget(must(cloud, type, id, 'NotFoundException')),
	PlantStack: ({ name, status, rows, stuck = [] }) => {
		const stack = cloud.stacks.start(name, { status, stuck });
		for (const [logical, type, id, state] of rows)
			stack.mark(logical, type, state, { id });
		return { id: stack.id };
	},
	GiveAway: ({ bucket }) => { cloud.elsewhere.add(bucket); },
	List: () => ({ things: cloud.things.map(({ type, id, tags, properties }) => ({ type, id, tags, properties })) }),
});

/** The calls are in cloud.busCalls, and the entries that were accepted in cloud.busEvents; refuseEvent(entry), which a test may set, gives the ErrorCode of one that is not. */
const eventBus = cloud => ({
	DescribeEventBus: ({ Name }) => {
		if (!cloud.buses.has(Name))
			throw error('ResourceNotFoundException', `Event bus ${Name} does not exist.`);
		return { Name, Arn: `arn:aws:events:${cloud.region}:${ACCOUNT}:event-bus/${Name}` };
	},
	PutEvents: input => {
		const { Entries } = input;
		cloud.busCalls.push(input);
		if (!Array.isArray(Entries) || Entries.length < 1 || Entries.length > 10 || Entries.some(one => !one.Source || !one.DetailType || !one.Detail))
			throw error('ValidationException', '1 validation error detected: Entries');
		const size = Entries.reduce((sum, { Source, DetailType, Detail }) => sum + 14 + Source.length + DetailType.length + Buffer.byteLength(Detail), 0);
		if (size > 262144)
			throw error('ValidationException', 'Total size of the entries in the request is over the limit.', 413);
		const answers = Entries.map(one => {
			const ErrorCode = cloud.refuseEvent?.(one);
			if (ErrorCode)
				return { ErrorCode, ErrorMessage: 'refused by the test engine' };
			if (cloud.buses.has(one.EventBusName))
				cloud.busEvents.push({ ...one, Detail: JSON.parse(one.Detail) });
			return { EventId: randomUUID() };
		});
		return { FailedEntryCount: answers.filter(one => one.ErrorCode).length, Entries: answers };
	},
});

/** Services whose requests name an action. */
export function actionsOf(cloud) {
	return {
		cloudformation: formationActions(cloud),
		iam: identity(cloud),
		logs: logs(cloud),
		events: eventBus(cloud),
		ssm: parameters(cloud),
		'cognito-idp': users(cloud),
		sqs: queueActions(cloud.queues, ACCOUNT),
		sts: { GetCallerIdentity: () => ({ Account: ACCOUNT, UserId: 'AIDATEST', Arn: `arn:aws:iam::${ACCOUNT}:user/test` }) },
		sns: { ListTopics: () => ({ Topics: cloud.list('SNS::Topic').map(({ id }) => ({ TopicArn: id })) }) },
		monitoring: {
			DescribeAlarms: () => ({ MetricAlarms: cloud.list('CloudWatch::Alarm').map(({ id }) => ({ AlarmName: id })) }),
			ListDashboards: () => ({ DashboardEntries: cloud.list('CloudWatch::Dashboard').map(({ id }) => ({ DashboardName: id })) }),
		},
		budgets: budgets(cloud),
		test: tests(cloud),
	};
}

const functionOf = ({ id, properties: p, attributes, code }) => ({ FunctionName: id, FunctionArn: attributes.Arn, Handler: p.Handler, Runtime: p.Runtime, Role: p.Role, Timeout: Number(p.Timeout),
	MemorySize: Number(p.MemorySize), Environment: { Variables: Object.fromEntries(Object.entries(p.Environment?.Variables ?? {}).map(([name, value]) => [name, String(value)])) }, ...code });

/** The path of a resource of an API, from its parents. */
function pathOf(cloud, id) {
	const { properties } = cloud.find('ApiGateway::Resource', id) ?? {};
	return properties ? `${pathOf(cloud, properties.ParentId)}/${properties.PathPart}` : '';
}

function methodsOf(cloud, resource) {
	const own = cloud.list('ApiGateway::Method').filter(one => one.properties.ResourceId === resource);
	return Object.fromEntries(own.map(({ properties: p }) => [p.HttpMethod, { httpMethod: p.HttpMethod, apiKeyRequired: p.ApiKeyRequired, methodIntegration: { type: p.Integration.Type, uri: p.Integration.Uri } }]));
}

/** Services whose requests name a path: [method, shape of the path, status, what is done with its parts]. */
export function routesOf(cloud) {
	const api = id => must(cloud, 'ApiGateway::RestApi', id, 'NotFoundException');
	const plan = id => must(cloud, 'ApiGateway::UsagePlan', id, 'NotFoundException');
	const key = id => must(cloud, 'ApiGateway::ApiKey', id, 'NotFoundException');
	return [
		['GET', /^\/restapis$/, 200, () => ({ item: cloud.list('ApiGateway::RestApi').map(({ id, properties }) => ({ id, name: properties.Name })) })],
		['DELETE', /^\/restapis\/(\w+)$/, 202, async id => {
			const found = api(id);
			if (cloud.list('ApiGateway::UsagePlan').some(one => one.properties.ApiStages.some(stage => stage.ApiId === id)))
				throw error('BadRequestException', 'a usage plan has a stage of this API');
			for (const one of cloud.things.filter(one => one.properties.RestApiId === id))
				await cloud.remove(one);
			await cloud.remove(found);
		}],
		['GET', /^\/restapis\/(\w+)\/resources$/, 200, id => {
			const item = cloud.list('ApiGateway::Resource').filter(one => one.properties.RestApiId === api(id).id);
			return { item: item.map(one => ({ id: one.id, path: pathOf(cloud, one.id), resourceMethods: methodsOf(cloud, one.id) })) };
		}],
		['GET', /^\/restapis\/(\w+)\/deployments$/, 200, id => ({ item: cloud.list('ApiGateway::Deployment').filter(one => one.properties.RestApiId === api(id).id).map(one => ({ id: one.id })) })],
		['GET', /^\/restapis\/(\w+)\/stages$/, 200, id => ({ item: cloud.list('ApiGateway::Stage').filter(one => one.properties.RestApiId === api(id).id).map(one => ({ stageName: one.id, deploymentId: one.properties.DeploymentId, tracingEnabled: one.properties.TracingEnabled })) })],
		['GET', /^\/usageplans$/, 200, () => ({ item: cloud.list('ApiGateway::UsagePlan').map(({ id, properties }) => ({ id, name: properties.UsagePlanName })) })],
		['PATCH', /^\/usageplans\/(\w+)$/, 200, (id, { patchOperations }) => {
			const { properties } = plan(id);
			for (const { op, path, value } of patchOperations) {
				if (op !== 'remove' || path !== '/apiStages' || !properties.ApiStages.some(one => value === `${one.ApiId}:${one.Stage}`))
					throw error('NotFoundException', `no such stage ${value}`, 404);
				properties.ApiStages = properties.ApiStages.filter(one => value !== `${one.ApiId}:${one.Stage}`);
			}
			return { id };
		}],
		['DELETE', /^\/usageplans\/(\w+)$/, 202, id => {
			if (plan(id).properties.ApiStages.length > 0)
				throw error('BadRequestException', 'the usage plan has stages');
			return cloud.remove(plan(id));
		}],
		['GET', /^\/apikeys$/, 200, () => ({ item: cloud.list('ApiGateway::ApiKey').map(({ id, properties }) => ({ id, name: properties.Name })) })],
		['GET', /^\/apikeys\/(\w+)$/, 200, id => ({ id, value: key(id).value })],
		['DELETE', /^\/apikeys\/(\w+)$/, 202, id => cloud.remove(key(id))],
		['GET', /^\/2015-03-31\/functions\/?$/, 200, () => ({ Functions: cloud.list('Lambda::Function').map(functionOf) })],
		['GET', /^\/2015-03-31\/functions\/([\w-]+)\/configuration$/, 200, id => functionOf(must(cloud, 'Lambda::Function', id, 'ResourceNotFoundException'))],
		['DELETE', /^\/2015-03-31\/functions\/([\w-]+)$/, 204, id => cloud.remove(must(cloud, 'Lambda::Function', id, 'ResourceNotFoundException'))],
		['GET', /^\/2017-03-31\/tags\/([\w:%-]+)$/, 200, arn => ({ Tags: must(cloud, 'Lambda::Function', decodeURIComponent(arn).split(':function:')[1], 'ResourceNotFoundException').tags ?? {} })],
		['GET', /^\/schedules$/, 200, () => ({ Schedules: cloud.list('Scheduler::Schedule').map(({ id }) => ({ Name: id })) })],
		['GET', /^\/2016-08-19\/account-settings\/?$/, 200, () => ({ AccountLimit: { ConcurrentExecutions: 10, UnreservedConcurrentExecutions: 10 } })],
		['GET', /^\/2015-03-31\/event-source-mappings\/?$/, 200, () => ({ EventSourceMappings: cloud.list('Lambda::EventSourceMapping').map(({ id }) => ({ UUID: id, State: 'Enabled' })) })],
		['DELETE', /^\/2015-03-31\/event-source-mappings\/([\w-]+)$/, 202, id => cloud.remove(must(cloud, 'Lambda::EventSourceMapping', id, 'ResourceNotFoundException'))],
	];
}

/** The members of a query request, with its lists (A.member.1.B) as lists. */
export function readQuery(text) {
	const input = {};
	for (const [name, value] of new URLSearchParams(text)) {
		const parts = name.split('.').filter(one => one !== 'member');
		let at = input;
		parts.forEach((part, i) => {
			const key = /^\d+$/.test(part) ? Number(part) - 1 : part;
			at = i === parts.length - 1 ? (at[key] = value) : (at[key] ??= /^\d+$/.test(parts[i + 1]) ? [] : {});
		});
	}
	return input;
}

/** CloudFront's lists, by the last part of their path: the type, and whether the id is in an element inside the summary's. */
const LISTS = { distribution: ['Distribution', false], 'origin-access-control': ['OriginAccessControl', false], 'public-key': ['PublicKey', false],
	'key-group': ['KeyGroup', true], 'cache-policy': ['CachePolicy', true], 'response-headers-policy': ['ResponseHeadersPolicy', true] };
export function listOf(cloud, path) {
	const [type, nested] = LISTS[path.split('/').at(-1)], items = cloud.list(`CloudFront::${type}`).map(({ id }) => `<Id>${id}</Id>`);
	const summaries = items.map(one => `<${type}Summary>${nested ? `<${type}>${one}</${type}>` : one}</${type}Summary>`).join('');
	return `<${type}List><Quantity>${items.length}</Quantity>${summaries && `<Items>${summaries}</Items>`}</${type}List>`;
}

const escape = text => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

function elements(value, flat) {
	if (value === null || typeof value !== 'object')
		return escape(value);
	return Object.entries(value).filter(([, one]) => one !== undefined).map(([name, one]) => !Array.isArray(one) ? `<${name}>${elements(one, flat)}</${name}>`
		: flat ? one.map(item => `<${name.replace(/s$/, '')}>${elements(item, flat)}</${name.replace(/s$/, '')}>`).join('')
			: `<${name}>${one.map(item => `<member>${elements(item, flat)}</member>`).join('')}</${name}>`).join('');
}

/** A response of the query protocol; SQS leaves out the element around a list. */
export const queryAnswer = (action, result, flat) => `<${action}Response><${action}Result>${elements(result ?? {}, flat)}</${action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`;
export const queryError = ({ code, message }) => `<ErrorResponse><Error><Type>Sender</Type><Code>${escape(code ?? 'InternalFailure')}</Code><Message>${escape(message)}</Message></Error><RequestId>1</RequestId></ErrorResponse>`;
