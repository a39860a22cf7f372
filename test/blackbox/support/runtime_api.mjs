// AWS Lambda's Runtime API, as a custom runtime sees it, and the process that it starts. One invocation
// at a time; its rules are those of AWS's own runtime interface emulator: a wrong or finished request
// id is 400, a response out of order 403, one over 6 MiB and 100 bytes 413. Faults can be injected.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { randomUUID } from 'node:crypto';

const ANSWER_MAX = 6 * 1024 * 1024 + 100;

async function bodyOf(request) {
	const pieces = [];
	for await (const piece of request)
		pieces.push(piece);
	return Buffer.concat(pieces);
}

export class RuntimeApi {
	#server; #queue = []; #current; #next;
	/** What happens to the coming exchanges; each is used up once:
	 *  cutNext, cutAnswer   the connection is cut instead of a response
	 *  closeNext            the connection is closed after the event went out
	 *  refuseAnswer         a status in place of 202 */
	faults = {};
	nextCalls = 0;

	async start() {
		this.initFailure = new Promise(resolve => { this.initFailed = resolve; });
		this.#server = http.createServer((q, r) => this.#serve(q, r));
		this.#server.requestTimeout = this.#server.keepAliveTimeout = 0;
		await new Promise(resolve => this.#server.listen(0, '127.0.0.1', resolve));
		this.address = `127.0.0.1:${this.#server.address().port}`;
		return this;
	}

	/** Start the program as Lambda does; ends with the test's stop(). */
	run(program, env = {}, args = []) {
		this.stdout = this.stderr = '';
		this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: {
			AWS_LAMBDA_RUNTIME_API: this.address, AWS_LAMBDA_FUNCTION_NAME: 'Handler', AWS_REGION: 'eu-west-1', LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH ?? '',
			ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? '', UBSAN_OPTIONS: process.env.UBSAN_OPTIONS ?? '', ...env } });
		this.child.stdout.on('data', piece => { this.stdout += piece; });
		this.child.stderr.on('data', piece => { this.stderr += piece; });
		this.exited = once(this.child, 'close').then(([code, signal]) => code ?? signal);
		return this;
	}

	/** The log's lines, once `wanted` accepts them: the pipe may be slower than the response. */
	async lines(wanted = () => true) {
		for (const end = Date.now() + 60000; ;) {
			const lines = this.stdout.split('\n').slice(0, -1).map(line => JSON.parse(line));
			if (wanted(lines))
				return lines;
			if (Date.now() > end)
				throw new Error(`the log does not come to what is wanted:\n${this.stdout}`);
			await Promise.race([once(this.child.stdout, 'data'), new Promise(resolve => setTimeout(resolve, 1000))]);
		}
	}

	async stop() {
		this.child?.kill('SIGKILL');
		await this.exited;
		this.#server.closeAllConnections();
		await new Promise(resolve => this.#server.close(resolve));
	}

	/** Send an event (a string is sent unchanged); resolves to {kind: 'response'|'error'|'tooLarge', body, id}. */
	invoke(event, { timeoutMs = 30000, traceId } = {}) {
		return new Promise(done => {
			this.#queue.push({ id: randomUUID(), text: typeof event === 'string' ? event : JSON.stringify(event), timeoutMs, traceId, done });
			this.#pump();
		});
	}

	#pump() {
		if (!this.#next || this.#queue.length === 0)
			return;
		const answer = this.#next;
		this.#next = undefined;
		this.#current = this.#queue.shift();
		answer.writeHead(200, {
			'Content-Type': 'application/json',
			'Lambda-Runtime-Aws-Request-Id': this.#current.id,
			'Lambda-Runtime-Deadline-Ms': String(Date.now() + this.#current.timeoutMs),
			'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:eu-west-1:123456789012:function:Handler',
			...this.#current.traceId && { 'Lambda-Runtime-Trace-Id': this.#current.traceId },
			...this.#take('closeNext') && { Connection: 'close' },
		});
		answer.end(this.#current.text);
	}

	#take(fault) {
		const is = this.faults[fault];
		delete this.faults[fault];
		return is;
	}

	async #serve(request, answer) {
		const body = await bodyOf(request);
		const path = request.url.replace('/2018-06-01/runtime/', '');
		const reply = (status, text) => answer.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ status: text }));
		if (request.method === 'GET' && path === 'invocation/next') {
			this.nextCalls++;
			if (this.#take('cutNext'))
				return request.socket.destroy();
			this.#next = answer;
			return this.#pump();
		}
		if (path === 'init/error') {
			this.initFailed(JSON.parse(body));
			return reply(202, 'OK');
		}
		const [, id, kind] = path.match(/^invocation\/([^/]+)\/(response|error)$/) ?? [];
		if (this.#take('cutAnswer'))
			return request.socket.destroy();
		if (!this.#current)
			return reply(403, 'InvalidStateTransition');
		if (id !== this.#current.id)
			return reply(400, 'InvalidRequestID');
		const { done } = this.#current, refused = this.#take('refuseAnswer');
		this.#current = undefined;
		done({ kind: body.length > ANSWER_MAX ? 'tooLarge' : kind, body: String(body), id });
		return reply(refused ?? (body.length > ANSWER_MAX ? 413 : 202), 'OK');
	}
}
