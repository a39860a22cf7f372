// AWS on loopback for a test, at one URL: S3 is Ceph's gateway, DynamoDB is dynalite, and what is between them is here (see
// control.mjs). A request goes to the service that its signature names; S3's are passed on byte for byte, so that the
// engine checks the signature. An object put into a bucket with a notification is reported to its queue, as by S3.
//
//   const cloud = await startCloud();
//   after(() => cloud.stop());
//   const server = await startServer({ env: cloud.env, args: ['--store', 's3', '--table', 'dynamodb'] });
import http from 'node:http';
import { once } from 'node:events';

import { actionsOf, listOf, queryAnswer, queryError, readQuery, routesOf } from './control.mjs';
import { startDynalite, startRadosgw, USER } from './engines.mjs';
import { ACCOUNT, removeResource } from './resources.mjs';
import { Transactions } from './transactions.mjs';

async function bodyOf(stream) {
	const pieces = [];
	for await (const piece of stream)
		pieces.push(piece);
	return Buffer.concat(pieces);
}

/** Whom a request is signed by and for which service, in a header or in the URL; forms and preflights are S3's. */
function signer({ url, headers }) {
	const text = headers.authorization?.match(/Credential=([^,]+)/)?.[1] ?? new URL(url, 'http://cloud').searchParams.get('X-Amz-Credential') ?? '';
	const [key, , region, service = 's3'] = text.split('/');
	return { key, region, service };
}

class Cloud {
	region = 'eu-west-1';
	things = [];
	queues = new Map();
	parameters = new Map();     // name -> a parameter of Systems Manager
	accessBlocks = new Map();   // bucket -> XML
	elsewhere = new Set();      // buckets of another account
	buses = new Set(['default', 'changes']);
	busCalls = [];              // of PutEvents; it accepts events for a bus that does not exist too, as EventBridge does, and loses them
	busEvents = [];             // what EventBridge has accepted, each with its Detail read
	onInvalidation = () => {};  // called with each path that CloudFront is to forget
	invalidationError;          // { status, code }: what it answers instead
	before = async () => {};    // called with each request before it is passed on, as calls() has it
	#calls = []; #servers = []; #protected = new Set(); #dynalite; #gateway; #turn = Promise.resolve(); #transactions;

	/** The S3 engine, started when it is first needed. */
	s3() {
		this.#gateway ??= startRadosgw();
		return this.#gateway;
	}

	list = type => this.things.filter(one => one.type === type);
	find = (type, id) => this.things.find(one => one.type === type && one.id === id);
	forget = thing => { this.things = this.things.filter(one => one !== thing); };
	remove = thing => removeResource(this, thing);
	protectTable = (name, yes) => { this.#protected[yes ? 'add' : 'delete'](name); };
	calls = () => this.#calls;

	/** Another URL of the same engines: { url, stop() }. */
	async listen() {
		const server = http.createServer((request, answer) => this.#serve(request, answer).catch(error => { console.error(error); answer.destroy(); }));
		server.requestTimeout = 0;
		server.keepAliveTimeout = 60000;
		await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
		this.#servers.push(server);
		return { url: `http://127.0.0.1:${server.address().port}`, stop: () => { server.closeAllConnections(); return new Promise(resolve => server.close(resolve)); } };
	}

	async start({ bucket = 'pictures', table = 'ImageMetadata', region = 'eu-west-1' }) {
		this.region = region;
		this.#dynalite = await startDynalite();
		this.url = (await this.listen()).url;
		this.actions = actionsOf(this);
		this.routes = routesOf(this);
		this.env = {
			TINTYPE_DELIVERY_KEYS: 'the.delivery.key.of.the.cloud.tests', BUCKET_NAME: bucket, TABLE_NAME: table, AWS_REGION: region, AWS_ENDPOINT_URL: this.url,
			AWS_ACCESS_KEY_ID: USER.id, AWS_SECRET_ACCESS_KEY: USER.secret,
			AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_CONFIG_FILE: '/dev/null', AWS_EC2_METADATA_DISABLED: 'true',
		};
		if (bucket) {
			this.bucket = bucket;
			await this.request('PUT', `/${bucket}`);
			const everything = [{ Effect: 'Allow', Action: ['s3:*'], Resource: ['arn:aws:s3:::*'] }];
			Object.assign(this.env, await this.role('server', everything));
		}
		return this;
	}

	/** Temporary credentials of a role with these statements. */
	async role(name, statements) {
		const s3 = await this.s3();
		await s3.setRole(name, statements);
		return s3.assumeRole(name);
	}

	/** A request to S3 as the owner of the buckets. */
	async request(method, path, options) {
		return (await this.s3()).request(method, path, options);
	}

	head = async key => (await this.request('HEAD', `/${this.bucket}/${key}`)).status === 200;
	put = (key, body) => this.request('PUT', `/${this.bucket}/${key}`, { body });

	/** A call of DynamoDB. */
	async dynamo(action, input) {
		const answer = await fetch(this.url, { method: 'POST', body: JSON.stringify(input), headers: { 'Content-Type': 'application/x-amz-json-1.0', 'X-Amz-Target': `DynamoDB_20120810.${action}`,
			Authorization: `AWS4-HMAC-SHA256 Credential=${USER.id}/20260101/${this.region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`, 'X-Amz-Date': '20260101T000000Z' } });
		const read = await answer.json();
		if (answer.status !== 200)
			throw new Error(`${action}: ${JSON.stringify(read)}`);
		return read;
	}

	async #serve(request, answer) {
		const { key, region, service } = signer(request);
		const call = { method: request.method, uri: request.url, key, service, target: request.headers['x-amz-target'] ?? '' };
		this.#calls.push(call);
		await this.before(call);
		if (service === 's3')
			return this.#passToS3(request, answer);
		if (service === 'dynamodb')
			return this.#passToDynamo(request, answer, call);
		const body = String(await bodyOf(request)), own = this.actions[service];
		if (service === 'cloudfront')
			return request.method === 'GET' ? answer.writeHead(200, { 'Content-Type': 'text/xml' }).end(listOf(this, request.url.split('?')[0])) : this.#invalidate(answer, body);
		if (!own)
			return this.#rest(request, answer, body);
		const target = request.headers['x-amz-target'];
		const input = target ? JSON.parse(body) : readQuery(body), name = target ? target.split('.').at(-1) : input.Action;
		try {
			if (!own[name])
				throw Object.assign(new Error(`${service} has no ${name} here`), { code: 'InvalidAction', status: 400 });
			const result = await own[name](input, { base: this.url, region });
			const text = target ? JSON.stringify(result ?? {}) : queryAnswer(name, result, service === 'sqs');
			return answer.writeHead(200, { 'Content-Type': target ? 'application/x-amz-json-1.1' : 'text/xml' }).end(text);
		} catch (error) {
			return answer.writeHead(error.status ?? 500, { 'Content-Type': target ? 'application/x-amz-json-1.1' : 'text/xml' })
				.end(target ? JSON.stringify({ __type: error.code, message: error.message }) : queryError(error));
		}
	}

	/** CloudFront's CreateInvalidation: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html */
	#invalidate(answer, body) {
		const { status, code } = this.invalidationError ?? {};
		if (status)
			return answer.writeHead(status, { 'Content-Type': 'text/xml' }).end(`<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code></Error></ErrorResponse>`);
		for (const [, path] of body.matchAll(/<Path>([^<]*)<\/Path>/g))
			this.onInvalidation(path);
		return answer.writeHead(201, { 'Content-Type': 'text/xml' }).end('<Invalidation><Status>InProgress</Status></Invalidation>');
	}

	async #rest(request, answer, body) {
		const path = request.url.split('?')[0];
		const [, shape, status, act] = this.routes.find(([method, one]) => method === request.method && one.test(path)) ?? [];
		try {
			if (!act)
				throw Object.assign(new Error(`nothing answers ${request.method} ${path} here`), { code: 'NotFoundException', status: 404 });
			const result = await act(...shape.exec(path).slice(1), body ? JSON.parse(body) : {});
			return answer.writeHead(status, { 'Content-Type': 'application/json' }).end(status === 204 ? '' : JSON.stringify(result ?? {}));
		} catch (error) {
			return answer.writeHead(error.status ?? 500, { 'Content-Type': 'application/json', 'x-amzn-ErrorType': error.code ?? 'InternalFailure' }).end(JSON.stringify({ message: error.message }));
		}
	}

	/** The gateway of this version refuses every PUT to a bucket that blocks public ACLs, so the setting is kept here. */
	async #accessBlock(request, answer) {
		const [, bucket] = request.url.match(/^\/([^/?]+)/), body = String(await bodyOf(request));
		if (request.method === 'PUT')
			this.accessBlocks.set(bucket, body);
		answer.writeHead(200, { 'Content-Type': 'application/xml' }).end(request.method === 'PUT' ? '' : this.accessBlocks.get(bucket));
	}

	async #passToS3(request, answer) {
		const owner = request.headers['x-amz-expected-bucket-owner'];
		if (owner && (owner !== ACCOUNT || this.elsewhere.has(request.url.split(/[/?]/)[1])))
			return answer.writeHead(403).end(request.method === 'HEAD' ? '' : '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>');
		if (request.url.endsWith('?publicAccessBlock'))
			return this.#accessBlock(request, answer);
		const { url } = await this.s3();
		// The gateway would check the signature of a preflight's URL, which is another method's; S3 does not.
		const target = request.method === 'OPTIONS' ? request.url.split('?')[0] : request.url;
		const on = http.request(url + target, { method: request.method, headers: request.rawHeaders, setHost: false });
		request.pipe(on);
		on.on('error', () => answer.destroy());
		answer.on('close', () => on.destroy());
		const [from] = await once(on, 'response');
		if (from.statusCode >= 400 && request.method !== 'HEAD')
			return this.#passError(from, answer);
		answer.writeHead(from.statusCode, from.headers);
		if (request.method === 'DELETE')
			this.forget(this.find('S3::Bucket', request.url.match(/^\/([^/?]+)\/?$/)?.[1]));
		if (request.method === 'PUT' && from.statusCode === 200)
			this.#notify(request.url, from.headers.etag);
		return from.pipe(answer);
	}

	/** The gateway's errors have an empty message, which S3's never have, and which the AWS CLI cannot read. */
	async #passError(from, answer) {
		const body = Buffer.from(String(await bodyOf(from)).replace('<Message></Message>', '<Message>refused by the test engine</Message>'));
		answer.writeHead(from.statusCode, { ...from.headers, 'content-length': body.length }).end(body);
	}

	/** S3's notification for an object that was put: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
	#notify(url, etag) {
		const { pathname } = new URL(url, 'http://cloud'), [, bucket, key] = pathname.match(/^\/([^/]+)\/(.+)$/) ?? [];
		const rules = this.find('S3::Bucket', bucket)?.properties.NotificationConfiguration?.QueueConfigurations ?? [];
		for (const { Event, Queue, Filter } of key && etag ? rules : []) {
			if (Event !== 's3:ObjectCreated:*' || !Filter.S3Key.Rules.every(({ Name, Value }) => Name === 'prefix' && decodeURIComponent(key).startsWith(Value)))
				continue;
			const object = { key: encodeURIComponent(decodeURIComponent(key)).replaceAll('%20', '+').replaceAll('%2F', '/'), eTag: etag.replaceAll('"', ''), sequencer: Date.now().toString(16).toUpperCase().padStart(16, '0') };
			const Records = [{ eventVersion: '2.1', eventSource: 'aws:s3', awsRegion: this.region, eventTime: new Date().toISOString(), eventName: 'ObjectCreated:Put', s3: { s3SchemaVersion: '1.0', bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` }, object } }];
			[...this.queues.values()].find(one => one.arn === Queue).send(JSON.stringify({ Records }));
		}
	}

	/** One after the other, since a transaction is made of several calls. */
	#dynamoTurn(work) {
		const turn = this.#turn.then(work);
		this.#turn = turn.catch(() => {});
		return turn;
	}

	/** A call of dynalite: { status, text }. */
	async #callDynalite(headers, body, path = '/') {
		const on = http.request(this.#dynalite.url + path, { method: 'POST', headers, setHost: false });
		on.end(body);
		const [from] = await once(on, 'response');
		return { status: from.statusCode, headers: from.headers, text: String(await bodyOf(from)) };
	}

	async #transact(headers, body, call) {
		const signed = Object.fromEntries(Object.entries(headers).filter(([name]) => ['host', 'authorization', 'x-amz-date', 'content-type'].includes(name)));
		const input = JSON.parse(body);
		call.writes = input.TransactItems.flatMap(Object.keys);
		this.#transactions ??= new Transactions(async (action, one) => {
			const { status, text } = await this.#callDynalite({ ...signed, 'x-amz-target': `DynamoDB_20120810.${action}` }, JSON.stringify(one));
			return { status, body: JSON.parse(text) };
		});
		return this.#transactions.write(input);
	}

	/** dynalite knows no protection against deletion and no transactions, and counts no rows. */
	async #passToDynamo(request, answer, call) {
		const action = request.headers['x-amz-target']?.split('.')[1], body = await bodyOf(request);
		const { TableName, DeletionProtectionEnabled } = ['UpdateTable', 'DeleteTable'].includes(action) ? JSON.parse(body) : {};
		const say = (status, what) => answer.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.0' }).end(JSON.stringify(what));
		if (action === 'UpdateTable' && DeletionProtectionEnabled !== undefined) {
			this.protectTable(TableName, DeletionProtectionEnabled);
			return say(200, { TableDescription: { TableName } });
		}
		if (action === 'DeleteTable' && this.#protected.has(TableName))
			return say(400, { __type: 'com.amazonaws.dynamodb.v20120810#ValidationException', message: 'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.' });
		if (action === 'ListBackups')
			return say(200, { BackupSummaries: this.list('Backup').filter(one => one.properties.TableName === JSON.parse(body).TableName).map(({ id }) => ({ BackupName: id })) });
		if (action === 'TransactWriteItems') {
			const done = await this.#dynamoTurn(() => this.#transact(request.headers, body, call));
			return say(done.status, done.body);
		}
		const { status, headers, text } = await this.#dynamoTurn(() => this.#callDynalite(request.rawHeaders, body, request.url));
		if (action === 'DeleteTable' && status === 200)
			this.forget(this.find('DynamoDB::Table', TableName));
		if (action !== 'DescribeTable' || status !== 200)
			return answer.writeHead(status, headers).end(text);
		const { Table } = JSON.parse(text), { Count } = await this.dynamo('Scan', { TableName: Table.TableName, Select: 'COUNT' });
		return say(200, { Table: { ...Table, ItemCount: Count } });
	}

	async stop() {
		for (const server of this.#servers) {
			server.closeAllConnections();
			server.close();
		}
		this.#dynalite.stop();
		await (await this.#gateway)?.stop();
	}
}

/**
 * Gives a Cloud: { url, env, request(), head(), put(), calls(), role(), listen(), stop() }.
 * bucket   made at once; null: none is, and S3 does not start before it is asked
 * env      what makes a server find it: endpoint, credentials of a role, bucket, table; no file of the machine's is read
 * calls    all requests so far: [{ method, uri, key, service, target }], and of a transaction writes, such as ['Put', 'Update']
 * before   to be replaced by a test: an async function that gets each of them before the service does
 */
export const startCloud = (options = {}) => new Cloud().start(options);
