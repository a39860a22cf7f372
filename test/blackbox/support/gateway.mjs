// A minimal API Gateway: HTTP in, a proxy event to a function, its response back. It is as strict as
// the real one: a response of the wrong form, or an error, is a 502 without details. A REST API passes every body on in
// base64, since the template says of all types that they are bytes.
import http from 'node:http';
import { randomUUID } from 'node:crypto';

const isText = type => /^(application\/(json|problem\+json)|text\/)/.test(type ?? 'application/json');

/** name -> list of values, names as they were sent. */
function headerLists(raw) {
	const lists = {};
	for (let i = 0; i < raw.length; i += 2)
		(lists[raw[i]] ??= []).push(raw[i + 1]);
	return lists;
}

const last = lists => Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values.at(-1)]));
const orNull = object => Object.keys(object).length === 0 ? null : object;

/** A REST API's proxy event: the path without the stage, query parameters decoded; keyId: of the API key, where the method requires one. */
export function eventV1({ method, path, query = '', headers = {}, body = null, base64 = false, id = randomUUID(), keyId = null }) {
	const queries = {};
	for (const [name, value] of new URLSearchParams(query))
		(queries[name] ??= []).push(value);
	return {
		resource: path, path, httpMethod: method, headers: orNull(last(headers)), multiValueHeaders: orNull(headers),
		queryStringParameters: orNull(last(queries)), multiValueQueryStringParameters: orNull(queries), pathParameters: null, stageVariables: null,
		requestContext: { resourcePath: path, httpMethod: method, path: `/prod${path}`, stage: 'prod', requestId: id, identity: { sourceIp: '127.0.0.1', apiKeyId: keyId } },
		body, isBase64Encoded: base64,
	};
}

/** An HTTP API's or Function URL's event; stage $default: a Function URL. */
export function eventV2({ method, path, query = '', headers = {}, body = null, base64 = false, id = randomUUID(), stage = 'prod' }) {
	const joined = Object.fromEntries(Object.entries(headers).map(([name, values]) => [name.toLowerCase(), values.join(',')]));
	const rawPath = stage === '$default' ? path : `/${stage}${path}`;
	return {
		version: '2.0', routeKey: '$default', rawPath, rawQueryString: query, headers: joined,
		requestContext: { stage, requestId: id, http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' } },
		...body !== null && { body }, isBase64Encoded: base64,
	};
}

/** The proxy response as status, headers and body; null: malformed. */
export function readAnswer({ kind, body }) {
	let answer;
	try { answer = JSON.parse(body); } catch { return null; }
	const shaped = kind === 'response' && Number.isInteger(answer?.statusCode) && typeof answer.body === 'string'
		&& Object.values(answer.headers ?? {}).every(value => typeof value === 'string');
	if (!shaped)
		return null;
	return { status: answer.statusCode, headers: { ...answer.headers, ...answer.multiValueHeaders },
		body: Buffer.from(answer.body, answer.isBase64Encoded ? 'base64' : 'utf8') };
}

/** Serve HTTP below /prod. functionFor(method, path) gives the RuntimeApi of the route's function, or nothing (403);
 *  keyed(method, path) says whether the method requires an API key: `key`, or without it any, and none too. */
export async function startGateway(functionFor, version = 'v1', keyed = () => false, key = null) {
	const server = http.createServer(async (request, answer) => {
		const pieces = [];
		for await (const piece of request)
			pieces.push(piece);
		const [, path, query] = request.url.match(/^\/prod([^?]*)\??(.*)$/) ?? [];
		const runtime = path && functionFor(request.method, path);
		if (!runtime)
			return answer.writeHead(403, { 'Content-Type': 'application/json' }).end('{"message":"Missing Authentication Token"}');
		if (key && keyed(request.method, path) && request.headers['x-api-key'] !== key)
			return answer.writeHead(403, { 'Content-Type': 'application/problem+json' }).end('{"code":"key_needed","detail":"This call needs the API key in x-api-key."}');
		const whole = Buffer.concat(pieces), base64 = whole.length > 0 && (version === 'v1' || !isText(request.headers['content-type']));
		const make = version === 'v1' ? eventV1 : eventV2;
		const event = make({ method: request.method, path, query, headers: headerLists(request.rawHeaders), base64, keyId: keyed(request.method, path) && request.headers['x-api-key'] ? 'key-1' : null,
			body: whole.length === 0 ? null : whole.toString(base64 ? 'base64' : 'utf8') });
		const got = readAnswer(await runtime.invoke(event));
		if (!got)
			return answer.writeHead(502, { 'Content-Type': 'application/json' }).end('{"message": "Internal server error"}');
		return answer.writeHead(got.status, got.headers).end(got.body);
	});
	await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
	return { base: `http://127.0.0.1:${server.address().port}/prod`, stop: () => { server.closeAllConnections(); return new Promise(resolve => server.close(resolve)); } };
}
