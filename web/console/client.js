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

async function ask(path, signal) {
	let answer;
	try {
		answer = await fetch(new URL(path, document.baseURI), { headers: { Authorization: `Bearer ${token}` }, signal, cache: 'no-store', credentials: 'omit', redirect: 'error' });
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

const json = async (path, parameters, signal) => (await ask(`console/${path}?${query(parameters)}`, signal)).json();

export const images = (parameters, signal) => json('images', parameters, signal);
export const image = id => json(`images/${encodeURIComponent(id)}`, {});
export const logs = (parameters, signal) => json('logs', parameters, signal);
export const webhooks = parameters => json('webhooks', parameters);
export const settings = () => json('settings', {});
export const metrics = async () => (await ask('metrics')).text();
