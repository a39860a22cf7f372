// CloudFormation in small: a template with its parameters becomes a list of resources to make, in the order of what they
// need, each with its properties worked out. An intrinsic function, a type or an attribute that is not known here is an
// error, as it is in CloudFormation.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const READER = fileURLToPath(new URL('../deploy/reader.py', import.meta.url));
export const NO_VALUE = Symbol('AWS::NoValue');

export class TemplateError extends Error {}

/** A template's text (YAML with short forms) as data, with the short forms spelt out. */
export function readTemplate(text) {
	return new Promise((resolve, reject) => {
		const child = execFile('python3', ['-B', READER], { maxBuffer: 1 << 24 }, (error, stdout) => error ? reject(new TemplateError(`Template format error: ${error.message}`)) : resolve({ Parameters: {}, Conditions: {}, Outputs: {}, ...JSON.parse(stdout) }));
		child.stdin.end(text);
	});
}

function checkParameter(name, declared, value) {
	const parts = declared.Type === 'CommaDelimitedList' ? value.split(',') : [value];
	for (const one of parts) {
		if (declared.AllowedPattern && !new RegExp(declared.AllowedPattern).test(one))
			throw new TemplateError(`Parameter ${name} failed to satisfy constraint: must match pattern ${declared.AllowedPattern}`);
		if (declared.AllowedValues && !declared.AllowedValues.map(String).includes(one))
			throw new TemplateError(`Parameter '${name}' must be one of AllowedValues`);
	}
	if (declared.Type === 'Number' && !(Number(value) >= (declared.MinValue ?? -Infinity) && Number(value) <= (declared.MaxValue ?? Infinity)))
		throw new TemplateError(`Parameter '${name}' must be a number between ${declared.MinValue} and ${declared.MaxValue}`);
	return declared.Type === 'CommaDelimitedList' ? parts : value;
}

/** What each parameter is, from what was given and the defaults. */
export function bindParameters(template, given) {
	for (const name of Object.keys(given))
		if (!(name in template.Parameters))
			throw new TemplateError(`Parameters: [${name}] do not exist in the template`);
	return Object.fromEntries(Object.entries(template.Parameters).map(([name, declared]) => {
		const value = given[name] ?? declared.Default;
		if (value === undefined)
			throw new TemplateError(`Parameters: [${name}] must have values`);
		return [name, checkParameter(name, declared, String(value))];
	}));
}

/** Works out the values of one template. made: logical name -> { ref, attributes } of what already exists. */
export class Evaluator {
	constructor(template, parameters, pseudo, made = {}) {
		Object.assign(this, { template, parameters, pseudo, made });
		for (const [name, rule] of Object.entries(template.Rules ?? {}))
			for (const { Assert, AssertDescription } of !rule.RuleCondition || this.value(rule.RuleCondition) ? rule.Assertions : [])
				if (!this.value(Assert))
					throw new TemplateError(`Template validation error: Rule ${name}: ${AssertDescription}`);
	}

	has(condition) {
		if (!(condition in this.template.Conditions))
			throw new TemplateError(`Unresolved condition ${condition}`);
		return this.value(this.template.Conditions[condition]);
	}

	ref(name) {
		if (name === 'AWS::NoValue')
			return NO_VALUE;
		const found = this.pseudo[name] ?? this.parameters[name] ?? this.made[name]?.ref;
		if (found === undefined)
			throw new TemplateError(`Unresolved resource dependencies [${name}]`);
		return found;
	}

	attribute(name, attribute) {
		const found = this.made[name]?.attributes[attribute];
		if (found === undefined)
			throw new TemplateError(`Resource ${name} has no attribute ${attribute}`);
		return found;
	}

	#functions = {
		Ref: name => this.ref(name),
		'Fn::GetAtt': ([name, attribute]) => this.attribute(name, attribute),
		'Fn::Sub': node => {
			const [text, given = {}] = [node].flat();
			return text.replaceAll(/\$\{([^}!.]+)(?:\.([^}]+))?\}/g, (_, name, attribute) => attribute ? this.attribute(name, attribute) : name in given ? this.value(given[name]) : this.ref(name));
		},
		'Fn::Join': ([between, parts]) => this.value(parts).join(between),
		'Fn::If': ([condition, yes, no]) => this.value(this.has(condition) ? yes : no),
		'Fn::Equals': ([a, b]) => String(this.value(a)) === String(this.value(b)),
		'Fn::Not': ([one]) => !this.value(one),
		'Fn::And': all => all.every(one => this.#holds(one)),
		'Fn::Or': all => all.some(one => this.#holds(one)),
		'Fn::Select': ([index, list]) => this.#element(this.value(list), Number(index)),
		'Fn::Split': ([between, text]) => this.value(text).split(between),
		'Fn::FindInMap': keys => keys.map(key => this.value(key)).reduce((at, key) => at[key], this.template.Mappings),
	};

	#element(list, index) {
		if (!(index in list))
			throw new TemplateError(`Template error: Fn::Select cannot select nonexistent value at index ${index}`);
		return list[index];
	}

	/** What And and Or are made of: a condition by its name, or a function. */
	#holds(one) {
		return one.Condition ? this.has(one.Condition) : this.value(one);
	}

	value(node) {
		if (Array.isArray(node))
			return node.map(one => this.value(one)).filter(one => one !== NO_VALUE);
		if (node === null || typeof node !== 'object')
			return node;
		const [name] = Object.keys(node);
		if (Object.keys(node).length === 1 && (name === 'Ref' || name.startsWith('Fn::'))) {
			if (!this.#functions[name])
				throw new TemplateError(`unknown function ${name}`);
			return this.#functions[name](node[name]);
		}
		return Object.fromEntries(Object.entries(node).map(([key, one]) => [key, this.value(one)]).filter(([, one]) => one !== NO_VALUE));
	}
}

/** The names that a node refers to. */
function* references(node) {
	if (Array.isArray(node)) {
		for (const one of node)
			yield* references(one);
	} else if (node && typeof node === 'object') {
		for (const [key, one] of Object.entries(node)) {
			if (key === 'Ref')
				yield one;
			else if (key === 'Fn::GetAtt')
				yield one[0];
			else if (key === 'Fn::Sub') {
				const [text, given = {}] = [one].flat();
				yield* [...text.matchAll(/\$\{([^}!.]+)/g)].map(found => found[1]).filter(name => !(name in given));
				yield* references(given);
			}
			else
				yield* references(one);
		}
	}
}

/** The logical names of the resources whose condition holds, each after what it needs. */
export function order(evaluator) {
	const all = evaluator.template.Resources, done = new Set(), open = new Set();
	const visit = name => {
		if (done.has(name) || !all[name] || all[name].Condition && !evaluator.has(all[name].Condition))
			return;
		if (open.has(name))
			throw new TemplateError(`Circular dependency between resources: [${[...open].join(', ')}]`);
		open.add(name);
		for (const needed of [all[name].DependsOn ?? [], ...references(all[name].Properties ?? {})].flat())
			visit(needed);
		open.delete(name);
		done.add(name);
	};
	Object.keys(all).forEach(visit);
	return [...done];
}
