// The distribution of deploy/template.yaml in small: its paths, signatures, cache and headers, in front of the bucket of the tests'
// cloud and of a gateway. Signatures are verified with the public key alone, as CloudFront does: over the canned policy that is
// made of the URL and its Expires.
//
//   const cdn = await startCdn(cloud);
//   cdn.keys.K1 = publicKey; cdn.api = gateway.base;
import { createPublicKey, verify } from 'node:crypto';
import http from 'node:http';

import { stackOf } from './iam.mjs';

const OWN = ['Expires', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm'];
export const SECRET = 'c0ffee'.repeat(8);
const DOMAIN = 'cdn.example.org';   // what the template is given, in place of an address with a port

function headersOf({ ResponseHeadersPolicyConfig: { SecurityHeadersConfig: security, CorsConfig: cors, CustomHeadersConfig: custom } }, bucketUrl) {
	const policy = security.ContentSecurityPolicy.ContentSecurityPolicy.replace(/https:\/\/pictures\.s3\.\S+?(?=;)/, bucketUrl);
	return { 'X-Content-Type-Options': 'nosniff', 'Content-Security-Policy': policy, ...security.ReferrerPolicy && { 'Referrer-Policy': security.ReferrerPolicy.ReferrerPolicy },
		...cors && { 'Access-Control-Allow-Origin': cors.AccessControlAllowOrigins.Items[0], 'Access-Control-Expose-Headers': cors.AccessControlExposeHeaders.Items.join(', ') },
		...Object.fromEntries(custom.Items.map(({ Header, Value }) => [Header, Value])) };
}

class Cdn {
	keys = {};          // Key-Pair-Id -> public key in PEM
	viewer = '198.51.100.7';   // whose address is at the end of X-Forwarded-For
	fetched = [];       // the keys of the bucket that were fetched, since nothing was kept of them
	#kept = new Map();  // path and query -> what S3 answered

	async start(cloud) {
		const evaluator = await stackOf({ BucketName: cloud.bucket, AllowedOrigins: 'https://app.example', Cdn: 'on', CdnKey1: `${'A'.repeat(64)},${'A'.repeat(60)}`, CdnSecret: SECRET, CdnDomain: DOMAIN, CdnCertificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/a' });
		const stack = name => evaluator.value(evaluator.template.Resources[name].Properties);
		const { DefaultCacheBehavior, CacheBehaviors, Origins, DefaultRootObject } = stack('Distribution').DistributionConfig;
		Object.assign(this, { cloud, root: DefaultRootObject, origins: Object.fromEntries(Origins.map(one => [one.Id, one])) });
		this.behaviors = [...CacheBehaviors, DefaultCacheBehavior].map(one => ({ ...one, prefix: `/${(one.PathPattern ?? '*').replace('*', '')}`,
			headers: one.ResponseHeadersPolicyId ? headersOf(stack(one.ResponseHeadersPolicyId), cloud.url) : {},
			queries: one.CachePolicyId === 'CdnImageCache' ? stack('CdnImageCache').CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin.QueryStringsConfig.QueryStrings : [] }));
		const server = http.createServer((request, answer) => this.#serve(request, answer).catch(error => { console.error(error); answer.destroy(); }));
		await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
		this.url = `http://127.0.0.1:${server.address().port}`;
		this.stop = () => { server.closeAllConnections(); return new Promise(resolve => server.close(resolve)); };
		this.corsOrigins = stack('Bucket').CorsConfiguration.CorsRules[0].AllowedOrigins.map(one => one.replace(`https://${DOMAIN}`, this.url));
		return this;
	}

	/** Whether the URL was signed, by a key that is known, and has not expired. */
	#isSigned(target) {
		const url = new URL(target, this.url), q = url.searchParams;
		const key = this.keys[q.get('Key-Pair-Id')], expires = q.get('Expires');
		if (!key || q.get('Hash-Algorithm') !== 'SHA256' || !/^\d+$/.test(expires ?? '') || Number(expires) * 1000 <= Date.now() || !q.get('Signature'))
			return false;
		const [path, query = ''] = target.split('?'), rest = query.split('&').filter(pair => pair && !OWN.includes(pair.split('=')[0])).join('&');
		const policy = `{"Statement":[{"Resource":"${this.url}${path}${rest && `?${rest}`}","Condition":{"DateLessThan":{"AWS:EpochTime":${expires}}}}]}`;
		const signature = Buffer.from(q.get('Signature').replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'), 'base64');
		return verify('sha256', Buffer.from(policy), createPublicKey(key), signature);
	}

	async #serve(request, answer) {
		const url = new URL(request.url, this.url);
		const behavior = this.behaviors.find(one => url.pathname.startsWith(one.prefix)), origin = this.origins[behavior.TargetOriginId];
		const refuse = () => answer.writeHead(403, { 'Content-Type': 'text/xml', ...behavior.headers }).end('<Error><Code>AccessDenied</Code></Error>');
		if (origin.CustomOriginConfig)
			return this.#passOn(request, answer, origin);
		if (!(behavior.AllowedMethods ?? ['GET', 'HEAD']).includes(request.method) || behavior.TrustedKeyGroups && !this.#isSigned(request.url))
			return refuse();
		const path = `${origin.OriginPath ?? ''}${url.pathname === '/' ? `/${this.root}` : url.pathname}`;
		const query = Object.fromEntries([...url.searchParams].filter(([name]) => behavior.queries.includes(name))), name = path + JSON.stringify(query);
		if (!this.#kept.has(name)) {
			this.fetched.push(path.slice(1));
			const got = await this.cloud.request('GET', `/${this.cloud.bucket}${decodeURIComponent(path)}`, { query });
			if (got.status !== 200)   // without the right to list S3 says so of what is missing, too
				return refuse();
			this.#kept.set(name, got);
		}
		const { headers, bytes } = this.#kept.get(name);
		const passed = Object.fromEntries(['content-type', 'content-disposition', 'cache-control', 'etag', 'last-modified'].filter(one => headers[one]).map(one => [one, headers[one]]));
		for (const own of Object.keys(behavior.headers))
			delete passed[own.toLowerCase()];
		return answer.writeHead(200, { ...passed, 'Content-Length': bytes.length, ...behavior.headers }).end(request.method === 'HEAD' ? undefined : bytes);
	}

	async #passOn(request, answer, { OriginCustomHeaders = [] }) {
		const { host, port, hostname } = new URL(this.api), own = Object.fromEntries(OriginCustomHeaders.map(one => [one.HeaderName.toLowerCase(), one.HeaderValue]));
		const forwarded = [request.headers['x-forwarded-for'], this.viewer].filter(Boolean).join(', ');
		const on = http.request({ hostname, port, method: request.method, path: request.url, headers: { ...request.headers, host, 'x-forwarded-for': forwarded, ...own } }, from => { answer.writeHead(from.statusCode, from.headers); from.pipe(answer); });
		on.on('error', () => answer.destroy());
		request.pipe(on);
	}

	/** What CreateInvalidation does. */
	forget(path) {
		for (const name of [...this.#kept.keys()].filter(one => path.endsWith('*') ? one.startsWith(path.slice(0, -1)) : one.startsWith(`${path}{`)))
			this.#kept.delete(name);
	}
}

export const startCdn = cloud => new Cdn().start(cloud);
