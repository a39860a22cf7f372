// Queues as SQS has them: a message that was received is hidden until it is deleted, given back or its time is over; what was
// received more often than the redrive policy allows goes to the dead-letter queue. Visibility is all that is timed.
import { createHash, randomUUID } from 'node:crypto';

export class Queue {
	#messages = [];

	constructor({ name, url, arn, visibilityS = 30, maxReceives = Infinity, dead = null }) {
		Object.assign(this, { name, url, arn, visibilityS, maxReceives, dead });
	}

	send(body) {
		this.#messages.push({ id: randomUUID(), body, receives: 0, visibleAt: 0 });
		return this.#messages.at(-1).id;
	}

	receive(max) {
		const now = Date.now(), taken = [];
		for (const message of this.#messages.filter(one => one.visibleAt <= now)) {
			if (message.receives >= this.maxReceives) {
				this.#messages.splice(this.#messages.indexOf(message), 1);
				this.dead.send(message.body);
			} else if (taken.length < max) {
				Object.assign(message, { receives: message.receives + 1, visibleAt: now + this.visibilityS * 1000, receipt: randomUUID() });
				taken.push(message);
			}
		}
		return taken.map(({ id, receipt, body }) => ({ MessageId: id, ReceiptHandle: receipt, Body: body, MD5OfBody: createHash('md5').update(body).digest('hex') }));
	}

	#find(receipt) {
		return this.#messages.findIndex(one => one.receipt === receipt);
	}

	remove(receipt) {
		const at = this.#find(receipt);
		if (at >= 0)
			this.#messages.splice(at, 1);
	}

	giveBack(receipt, afterS) {
		const at = this.#find(receipt);
		if (at >= 0)
			this.#messages[at].visibleAt = Date.now() + afterS * 1000;
	}
}

/** The actions of the API on a Map of queues by URL: each takes the request's members and returns the response's. */
export function queueActions(queues, account) {
	const of = ({ QueueUrl }) => queues.get(QueueUrl) ?? Object.assign({}, { missing: true });
	const checked = action => input => {
		if (of(input).missing)
			throw Object.assign(new Error('The specified queue does not exist.'), { code: 'AWS.SimpleQueueService.NonExistentQueue', status: 400 });
		return action(of(input), input);
	};
	return {
		ListQueues: () => ({ QueueUrls: [...queues.keys()] }),
		CreateQueue: ({ QueueName }, { base, region }) => {
			const url = `${base}/${account}/${QueueName}`;
			if (!queues.has(url))
				queues.set(url, new Queue({ name: QueueName, url, arn: `arn:aws:sqs:${region}:${account}:${QueueName}` }));
			return { QueueUrl: url };
		},
		SendMessage: checked((queue, { MessageBody }) => ({ MessageId: queue.send(MessageBody), MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex') })),
		ReceiveMessage: checked((queue, { MaxNumberOfMessages = 1 }) => ({ Messages: queue.receive(Number(MaxNumberOfMessages)) })),
		DeleteMessage: checked((queue, { ReceiptHandle }) => { queue.remove(ReceiptHandle); return {}; }),
		ChangeMessageVisibility: checked((queue, { ReceiptHandle, VisibilityTimeout }) => { queue.giveBack(ReceiptHandle, Number(VisibilityTimeout)); return {}; }),
	};
}
