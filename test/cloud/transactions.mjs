// What dynalite lacks of DynamoDB: TransactWriteItems, with ClientRequestToken and CancellationReasons. Nothing else may be done
// meanwhile, see Cloud#dynamoTurn.
const KEY = 'imageId';

const refuse = (error, more = {}) => ({ status: 400, body: { __type: `com.amazonaws.dynamodb.v20120810#${error}`, message: 'refused by the test engine', ...more } });

/** call(action, input) gives { status, body } of the engine. */
export class Transactions {
	#call; #done = new Map();
	constructor(call) { this.#call = call; }

	/** What DynamoDB answers to a TransactWriteItems. */
	async write({ TransactItems, ClientRequestToken: token }) {
		const text = JSON.stringify(TransactItems), known = this.#done.get(token);
		if (known !== undefined)
			return known === text ? { status: 200, body: {} } : refuse('IdempotentParameterMismatchException');
		const writes = [];
		for (const [kind, members] of TransactItems.flatMap(Object.entries))
			writes.push({ kind, members, before: await this.#read(members) });
		for (const one of writes)
			one.reason = await this.#try(one);
		if (writes.every(({ reason }) => reason.Code === 'None')) {
			if (token)
				this.#done.set(token, text);
			return { status: 200, body: {} };
		}
		for (const one of writes.filter(({ reason }) => reason.Code === 'None'))
			await this.#undo(one);
		return refuse('TransactionCanceledException', { CancellationReasons: writes.map(({ reason }) => reason) });
	}

	static #key = ({ Key, Item }) => ({ [KEY]: (Key ?? Item)[KEY] });

	async #read(members) {
		const { body } = await this.#call('GetItem', { TableName: members.TableName, Key: Transactions.#key(members), ConsistentRead: true });
		return body.Item;
	}

	async #try({ kind, members, before }) {
		const { ReturnValuesOnConditionCheckFailure: wants, ...input } = members, { status, body } = await this.#call(`${kind}Item`, input);
		if (status === 200)
			return { Code: 'None' };
		if (!body.__type.endsWith('ConditionalCheckFailedException'))
			return { Code: 'ValidationError', Message: body.message };
		return { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed', ...wants === 'ALL_OLD' && before && { Item: before } };
	}

	async #undo({ members, before }) {
		const { TableName } = members;
		await (before ? this.#call('PutItem', { TableName, Item: before }) : this.#call('DeleteItem', { TableName, Key: Transactions.#key(members) }));
	}
}
