// The console's data. The token goes by a header that this page alone adds, never by a cookie: a cookie is
// a host's and not a port's, so the browser would send it to every other server of this machine.
// It is kept in sessionStorage, which belongs to this tab and this port.
let token = sessionStorage.getItem('token') ?? '';

export class Refusal extends Error {
	constructor(sentence, { status = 0, code = '' } = {}) {
		super(sentence);
		Object.assign(this, { status, code });
	}
	/** The token is missing or wrong. */
	get wantsToken() {
		return this.code === 'key_needed' || this.code === 'key_wrong' || this.code === 'too_many_tries';
	}
	/** This server has no such thing, with the storage it uses. */
	get isNotHere() {
		return this.code === 'not_here';
	}
	/** There was no response. */
	get isLost() {
		return this.status === 0;
	}
}

export const hasToken = () => token !== '';

export function useToken(text) {
	token = text;
	if (token)
		sessionStorage.setItem('token', token);
	else
		sessionStorage.removeItem('token');
}

async function problemOf(answer) {
	const problem = await answer.json().catch(() => ({}));
	return new Refusal(problem.detail || `The server answered ${answer.status}.`, { status: answer.status, code: problem.code ?? (answer.status === 401 ? 'key_needed' : '') });
}

/** Its bytes in UTF-8, as fetch takes them: anything may be typed into the field, and fetch throws for characters above U+00FF. */
const asHeader = text => String.fromCharCode(...new TextEncoder().encode(text));

async function ask(path, { method = 'GET', body, signal } = {}) {
	let answer;
	const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
	try {
		answer = await fetch(new URL(path, document.baseURI), { method, body: body && JSON.stringify(body), headers: { Authorization: `Bearer ${asHeader(token)}`, ...type },
			signal, cache: 'no-store', credentials: 'omit', redirect: 'error' });
	} catch (error) {
		if (signal?.aborted)
			throw error;
		throw new Refusal('The server does not respond.');
	}
	if (!answer.ok)
		throw await problemOf(answer);
	return answer;
}

const query = parameters => new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== ''));

const read = async (path, parameters = {}, signal = undefined) => (await ask(`${path}?${query(parameters)}`, { signal })).json();

/** Change something. Resolves to the JSON of the response, null where there is none. */
async function change(method, path, body = undefined) {
	const text = await (await ask(path, { method, body })).text();
	return text === '' ? null : JSON.parse(text);
}

const part = encodeURIComponent;

export const images = (parameters, signal) => read('console/images', parameters, signal);
export const image = id => read(`console/images/${part(id)}`);
export const verifyImage = id => change('POST', `console/images/${part(id)}/verify`);
export const completeImage = id => change('POST', `prod/images/${part(id)}/complete`);
export const deleteImage = id => change('DELETE', `prod/images/${part(id)}`);
export const deleteImages = imageIds => change('POST', 'prod/images/delete', { imageIds });

export const users = parameters => read('prod/users', parameters);
export const setQuota = (owner, quota) => change('PUT', `prod/users/${part(owner)}/quota`, quota);
export const resetQuota = owner => change('DELETE', `prod/users/${part(owner)}/quota`);
export const deleteUser = owner => change('DELETE', `prod/users/${part(owner)}`);

export const keys = () => read('prod/keys');
export const addKey = key => change('POST', 'prod/keys', key);
export const removeKey = id => change('DELETE', `prod/keys/${part(id)}`);

export const buckets = parameters => read('console/buckets', parameters);
export const bucket = name => read(`console/buckets/${part(name)}`);
export const deleteBucket = name => change('DELETE', `console/buckets/${part(name)}`);
export const s3Users = () => read('console/s3-users');

export const logs = (parameters, signal) => read('console/logs', parameters, signal);
export const webhooks = parameters => read('console/webhooks', parameters);
export const resendWebhooks = parameters => change('POST', `console/webhooks/resend?${query(parameters)}`);
export const enableWebhooks = () => change('POST', 'console/webhooks/enable');
export const settings = () => read('console/settings');
export const history = range => read('console/history', { range });
export const metrics = async () => (await ask('metrics')).text();
