// CloudFormation's stacks: made, updated, rolled back and deleted step by step, each step an event.
import { randomUUID } from 'node:crypto';

import { ACCOUNT, makeResource, removeResource, tagResource, updateResource } from './resources.mjs';
import { bindParameters, Evaluator, order, readTemplate, TemplateError } from './stack.mjs';

const failure = message => Object.assign(new Error(message), { code: 'ValidationError', status: 400 });

class Stack {
	constructor(cloud, name) {
		const id = `arn:aws:cloudformation:${cloud.region}:${ACCOUNT}:stack/${name}/${randomUUID()}`;
		Object.assign(this, { cloud, name, id, status: 'REVIEW_IN_PROGRESS', events: [], things: new Map(), rows: new Map(), outputs: {}, stuck: [], protected: false });
	}

	tell(logical, type, status, reason) {
		this.events.unshift({ EventId: randomUUID(), StackName: this.name, StackId: this.id, LogicalResourceId: logical, ResourceType: type, ResourceStatus: status, ResourceStatusReason: reason, Timestamp: new Date().toISOString() });
	}

	become(status) {
		this.status = status;
		this.tell(this.name, 'AWS::CloudFormation::Stack', status);
	}

	/** A resource's state, as its row and an event tell it; the row keeps the id once it is known. */
	mark(logical, type, status, { id, reason } = {}) {
		this.rows.set(logical, { LogicalResourceId: logical, ResourceType: type, PhysicalResourceId: id ?? this.rows.get(logical)?.PhysicalResourceId, ResourceStatus: status, LastUpdatedTimestamp: new Date().toISOString() });
		this.tell(logical, type, status, reason);
	}

	/** One step on a resource: its events, and the state it is left in. */
	async step(logical, type, verb, work) {
		this.mark(logical, type, `${verb}_IN_PROGRESS`);
		try {
			const thing = await work();
			this.mark(logical, type, `${verb}_COMPLETE`, { id: thing?.id });
			return thing;
		} catch (error) {
			// What is taken is told by its name: whether CloudFormation does so is not documented.
			this.mark(logical, type, `${verb}_FAILED`, { id: error.taken, reason: error.message });
			throw error;
		}
	}

	evaluator() {
		const pseudo = { 'AWS::AccountId': ACCOUNT, 'AWS::Region': this.cloud.region, 'AWS::Partition': 'aws', 'AWS::URLSuffix': 'amazonaws.com', 'AWS::StackName': this.name, 'AWS::StackId': this.id };
		const made = Object.fromEntries([...this.things].map(([name, thing]) => [name, { ref: thing.id, attributes: thing.attributes }]));
		return new Evaluator(this.template, this.values, pseudo, made);
	}

	/** What the request asks for; throws before anything is changed. */
	async prepare(text, given) {
		const template = await readTemplate(text).catch(error => { throw failure(error.message); });
		try {
			const values = bindParameters(template, given);
			order(Object.assign(Object.create(this), { template, values, things: new Map() }).evaluator());
			return { text, template, given, values };
		} catch (error) {
			throw error instanceof TemplateError ? failure(error.message) : error;
		}
	}

	/** What there is, each before what it needs. */
	#inReverse() {
		const names = this.things.size === 0 ? [] : order(this.evaluator());
		return [...this.things].sort(([a], [b]) => names.indexOf(b) - names.indexOf(a));
	}

	async apply(wanted) {
		const verb = this.things.size === 0 ? 'CREATE' : 'UPDATE';
		this.become(`${verb}_IN_PROGRESS`);
		const before = this.#inReverse();
		Object.assign(this, wanted);
		try {
			const names = order(this.evaluator());
			for (const logical of names)
				await this.settle(logical);
			for (const [logical, thing] of before.filter(([name]) => !names.includes(name)))
				await this.take(logical, thing);
			const evaluator = this.evaluator();
			this.outputs = Object.fromEntries(Object.entries(this.template.Outputs).filter(([, { Condition }]) => !Condition || evaluator.has(Condition)).map(([name, { Value }]) => [name, evaluator.value(Value)]));
			this.become(`${verb}_COMPLETE`);
		} catch {
			await this.rollBack(verb);
		}
	}

	async settle(logical) {
		const { Type, Properties = {} } = this.template.Resources[logical], properties = this.evaluator().value(Properties);
		const thing = this.things.get(logical);
		if (!thing)
			this.things.set(logical, await this.step(logical, Type, 'CREATE', () => this.make(logical, Type.replace('AWS::', ''), properties)));
		else if (JSON.stringify(thing.properties) !== JSON.stringify(properties))
			await this.step(logical, Type, 'UPDATE', () => this.change(thing, properties));
	}

	async make(logical, type, properties) {
		const thing = await makeResource(this.cloud, this.name, logical, type, properties);
		await tagResource(this.cloud, thing, this.id);
		return thing;
	}

	async change(thing, properties) {
		await updateResource(this.cloud, thing, properties);
		await tagResource(this.cloud, thing, this.id);
	}

	/** Resources that exist come into the stack as they are; CloudFormation need not tag them. */
	async adopt(wanted, resources) {
		this.become('IMPORT_IN_PROGRESS');
		Object.assign(this, wanted);
		for (const { LogicalResourceId, ResourceType, ResourceIdentifier } of resources) {
			const { DeletionPolicy, Properties } = this.template.Resources[LogicalResourceId], properties = this.evaluator().value(Properties);
			const [[property, id]] = Object.entries(ResourceIdentifier), thing = this.cloud.find(ResourceType.replace('AWS::', ''), id);
			if (!thing || !DeletionPolicy || properties[property] !== id)
				return this.become('IMPORT_ROLLBACK_COMPLETE');
			this.things.set(LogicalResourceId, Object.assign(thing, { properties }));
			this.mark(LogicalResourceId, ResourceType, 'IMPORT_COMPLETE', { id });
		}
		return this.become('IMPORT_COMPLETE');
	}

	async take(logical, thing) {
		await this.step(logical, `AWS::${thing.type}`, 'DELETE', () => removeResource(this.cloud, thing));
		this.things.delete(logical);
	}

	/** With the stack: a resource whose policy is to be kept leaves the stack and exists. */
	async leave(logical, thing) {
		if (!/^Retain/.test(this.template.Resources[logical].DeletionPolicy ?? ''))
			return this.take(logical, thing);
		this.mark(logical, `AWS::${thing.type}`, 'DELETE_SKIPPED');
		return this.things.delete(logical);
	}

	async rollBack(verb) {
		if (verb === 'UPDATE')
			return this.become('UPDATE_ROLLBACK_FAILED');
		this.become('ROLLBACK_IN_PROGRESS');
		for (const [logical, thing] of this.#inReverse())
			await this.take(logical, thing).catch(() => {});
		return this.become('ROLLBACK_COMPLETE');
	}

	async remove(retained) {
		this.become('DELETE_IN_PROGRESS');
		for (const [logical, thing] of this.#inReverse()) {
			if (retained.includes(logical))
				this.things.delete(logical);
			else
				await this.leave(logical, thing).catch(() => {});
		}
		this.stuck = this.stuck.filter(logical => !retained.includes(logical));
		for (const logical of this.stuck)
			this.mark(logical, this.rows.get(logical).ResourceType, 'DELETE_FAILED');
		this.become(this.things.size + this.stuck.length === 0 ? 'DELETE_COMPLETE' : 'DELETE_FAILED');
	}

	/** A parameter's value as it is shown: NoEcho hides it. */
	shown([name, value]) {
		return { ParameterKey: name, ParameterValue: this.template.Parameters[name].NoEcho ? '****' : [value].flat().join(',') };
	}

	describe() {
		return {
			StackName: this.name, StackId: this.id, StackStatus: this.status, EnableTerminationProtection: this.protected, CreationTime: new Date().toISOString(),
			Parameters: Object.entries(this.values ?? {}).map(one => this.shown(one)),
			Outputs: Object.entries(this.outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
		};
	}
}

/** A map as the query protocol sends it. */
const entries = map => Object.fromEntries(map.entry.map(({ key, value }) => [key, value]));

/** The actions of the API; a request's lists are lists here. */
export function formationActions(cloud) {
	const stacks = new Map();   // by id, those that were deleted too
	const live = name => [...stacks.values()].find(one => one.name === name && one.status !== 'DELETE_COMPLETE');
	const of = name => {
		const found = stacks.get(name) ?? live(name);
		if (!found)
			throw failure(`Stack with id ${name} does not exist`);
		return found;
	};
	const start = (name, options) => {
		const stack = Object.assign(new Stack(cloud, name), options);
		stacks.set(stack.id, stack);
		return stack;
	};
	cloud.stacks = { start, of };
	const given = ({ Parameters = [] }, before = {}) => Object.fromEntries(Parameters.map(one => [one.ParameterKey, one.UsePreviousValue === 'true' ? before[one.ParameterKey] : one.ParameterValue]));
	/** The text, of the request or of the object that it names, which may be larger. */
	const read = async ({ TemplateBody, TemplateURL }) => {
		if ((TemplateBody?.length ?? 0) > 51200)
			throw failure('Member must have length less than or equal to 51200');
		const answer = TemplateURL && await cloud.request('GET', new URL(TemplateURL).pathname);
		if (answer && answer.status !== 200)
			throw failure(`S3 error: ${answer.status} for ${TemplateURL}`);
		return answer ? answer.text : TemplateBody;
	};
	const needsIam = ({ Capabilities = [] }, text) => {
		if (text.includes('AWS::IAM::') && !Capabilities.includes('CAPABILITY_IAM'))
			throw Object.assign(new Error('Requires capabilities : [CAPABILITY_IAM]'), { code: 'InsufficientCapabilitiesException', status: 400 });
	};
	return {
		CreateStack: async input => {
			const { StackName, EnableTerminationProtection } = input, text = await read(input);
			if (live(StackName))
				throw Object.assign(new Error(`Stack [${StackName}] already exists`), { code: 'AlreadyExistsException', status: 400 });
			needsIam(input, text);
			const wanted = await new Stack(cloud, StackName).prepare(text, given(input));
			const stack = start(StackName, { protected: EnableTerminationProtection === 'true' });
			stack.working = stack.apply(wanted);
			return { StackId: stack.id };
		},
		UpdateStack: async input => {
			const stack = of(input.StackName), text = await read(input);
			needsIam(input, text);
			const wanted = await stack.prepare(text, given(input, stack.given));
			if (stack.status.endsWith('_IN_PROGRESS'))
				throw failure(`Stack:${stack.id} is in ${stack.status} state and can not be updated.`);
			if (wanted.text === stack.text && JSON.stringify(wanted.values) === JSON.stringify(stack.values))
				throw failure('No updates are to be performed.');
			stack.working = stack.apply(wanted);
			return { StackId: stack.id };
		},
		UpdateTerminationProtection: ({ StackName, EnableTerminationProtection }) => {
			of(StackName).protected = EnableTerminationProtection === 'true';
			return { StackId: of(StackName).id };
		},
		CreateChangeSet: async ({ StackName, ChangeSetType, TemplateBody, ResourcesToImport }) => {
			if (ChangeSetType !== 'IMPORT' || live(StackName))
				throw failure('only an import into a new stack is made here');
			const stack = start(StackName), wanted = await stack.prepare(TemplateBody, {});
			stack.changes = { wanted, resources: ResourcesToImport.map(one => ({ ...one, ResourceIdentifier: entries(one.ResourceIdentifier) })) };
			return { Id: `${stack.id}/import`, StackId: stack.id };
		},
		DescribeChangeSet: ({ StackName, ChangeSetName }) => ({ StackId: of(StackName).id, ChangeSetName, Status: 'CREATE_COMPLETE' }),
		ExecuteChangeSet: ({ StackName }) => {
			const stack = of(StackName);
			stack.working = stack.adopt(stack.changes.wanted, stack.changes.resources);
			return {};
		},
		DeleteStack: ({ StackName, RetainResources = [] }) => {
			const stack = live(StackName);
			if (stack?.protected)
				throw failure(`Stack [${StackName}] cannot be deleted while TerminationProtection is enabled`);
			if (stack)
				stack.working = stack.remove(RetainResources);
			return {};
		},
		ListStacks: ({ StackStatusFilter }) => ({ StackSummaries: [...stacks.values()].filter(one => StackStatusFilter.includes(one.status)).map(one => ({ StackName: one.name, StackId: one.id, StackStatus: one.status, CreationTime: new Date().toISOString() })) }),
		DescribeStacks: ({ StackName }) => ({ Stacks: (StackName ? [of(StackName)] : [...stacks.values()].filter(one => one.status !== 'DELETE_COMPLETE')).map(one => one.describe()) }),
		DescribeStackEvents: ({ StackName }) => ({ StackEvents: of(StackName).events }),
		ListStackResources: ({ StackName }) => ({ StackResourceSummaries: [...of(StackName).rows.values()] }),
	};
}
