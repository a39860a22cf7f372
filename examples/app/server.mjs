// A small application with users and sessions of its own, whose pictures are in tintype: an avatar and a gallery for each user.
//
//   browser ── session ──▶ this application ── API key, onBehalfOf ──▶ tintype      who may do what
//   browser ── presigned PUT ──▶ tintype                                            the bytes
//   tintype ── signed webhook ──▶ this application                                  what became of them
//
// The application stores one thing about a picture: its imageId. See doc/in-your-app.md.
import { randomBytes, randomUUID, scryptSync, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import express from 'express';
import session from 'express-session';
import { verifyWebhook } from 'tintype-client';

const {
	TINTYPE_URL = 'http://127.0.0.1:8080/prod',
	TINTYPE_KEY,              // tintype apikeys add app --scope upload,read,delete,act-as
	TINTYPE_GATEWAY_KEY,      // on AWS, where API Gateway asks for a key of its own
	TINTYPE_WEBHOOK_SECRET,   // as tintype has it
	SESSION_SECRET = randomBytes(32).toString('hex'),
	PORT = '3000',
	USERS_FILE = 'users.json',
} = process.env;
if (!TINTYPE_KEY || !TINTYPE_WEBHOOK_SECRET)
	throw new Error('set TINTYPE_KEY and TINTYPE_WEBHOOK_SECRET, see examples/README.md');

/* The users: a file here, a database in a real application. id never changes; it is the user's name for tintype. */

const users = existsSync(USERS_FILE) ? JSON.parse(readFileSync(USERS_FILE, 'utf8')) : [];

function save() {
	writeFileSync(`${USERS_FILE}.new`, JSON.stringify(users), { mode: 0o600 });
	renameSync(`${USERS_FILE}.new`, USERS_FILE);
}

const hashOf = (password, salt) => scryptSync(password, salt, 32).toString('hex');
const byName = name => users.find(user => user.name === name);
const byId = id => users.find(user => user.id === id);

function addUser(name, password) {
	const salt = randomBytes(16).toString('hex');
	const user = { id: randomUUID(), name, salt, hash: hashOf(password, salt), avatar: null };
	users.push(user);
	save();
	return user;
}

const isPassword = (user, password) => timingSafeEqual(Buffer.from(hashOf(password, user.salt)), Buffer.from(user.hash));

/* tintype, in the name of a user */

/** Call tintype for this user: { status, headers, json }. */
async function tintype(user, method, route, { json, query = {}, headers = {} } = {}) {
	const url = `${TINTYPE_URL}${route}?${new URLSearchParams({ ...query, onBehalfOf: user.id })}`;
	const answer = await fetch(url, {
		method, redirect: 'manual',
		headers: { Authorization: `Bearer ${TINTYPE_KEY}`, ...TINTYPE_GATEWAY_KEY && { 'X-Api-Key': TINTYPE_GATEWAY_KEY }, ...json && { 'Content-Type': 'application/json' }, ...headers },
		body: json && JSON.stringify(json),
	});
	const text = await answer.text();
	return { status: answer.status, headers: answer.headers, json: text && JSON.parse(text) };
}

/** Pass tintype's answer on; its errors are sentences for people. */
function pass(response, { status, json }) {
	if (json)
		return response.status(status).json(json);
	response.status(status).end();
}

const app = express();

/* Webhooks: the only place where the application learns that bytes arrived. They come at least once, so each is written in such a
 * way that a second one changes nothing. The signature is over the bytes, so the body is not parsed before it is verified. */
app.post('/webhooks/tintype', express.raw({ type: () => true, limit: '20kb' }), async (request, response) => {
	let event;
	try {
		event = await verifyWebhook({ secret: TINTYPE_WEBHOOK_SECRET, headers: request.headers, body: request.body });
	} catch {
		return response.status(401).end();
	}
	const { type, data } = event, user = data.issuer === 'app' ? byId(data.subject) : undefined;
	if (user && type === 'image.uploaded' && data.metadata?.use === 'avatar' && user.avatar !== data.imageId) {
		const before = user.avatar;
		user.avatar = data.imageId;
		save();
		if (before)
			await tintype(user, 'DELETE', `/images/${before}`);
	}
	if (user && type === 'image.deleted' && user.avatar === data.imageId) {
		user.avatar = null;
		save();
	}
	response.status(204).end();
});

app.use(express.json());
app.use(session({ secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { httpOnly: true, sameSite: 'lax' } }));
app.use(express.static(path.join(path.dirname(fileURLToPath(import.meta.url)), 'public')));
app.use('/tintype-client', express.static(path.dirname(fileURLToPath(import.meta.resolve('tintype-client')))));

/* Sessions */

function signIn(request, response, user) {
	request.session.regenerate(() => {
		request.session.userId = user.id;
		response.json({ name: user.name, avatar: user.avatar });
	});
}

app.post('/signup', (request, response) => {
	const { name, password } = request.body;
	if (typeof name !== 'string' || !/^\w{1,40}$/.test(name) || typeof password !== 'string' || password.length < 8)
		return response.status(400).json({ detail: 'A name of letters and digits, and a password of at least 8 characters.' });
	if (byName(name))
		return response.status(409).json({ detail: 'This name is taken.' });
	signIn(request, response, addUser(name, password));
});
app.post('/login', (request, response) => {
	const user = byName(request.body.name);
	if (!user || typeof request.body.password !== 'string' || !isPassword(user, request.body.password))
		return response.status(403).json({ detail: 'Wrong name or password.' });
	signIn(request, response, user);
});
app.post('/logout', (request, response) => request.session.destroy(() => response.status(204).end()));

/** All that follows is for a signed-in user. */
app.use((request, response, next) => {
	request.user = byId(request.session.userId);
	if (request.user)
		return next();
	response.status(401).json({ detail: 'Sign in first.' });
});
app.get('/me', ({ user }, response) => response.json({ name: user.name, avatar: user.avatar }));

/* Pictures */

// The browser asks for a slot here, and sends the bytes to tintype. `use` comes back with the webhook. The browser makes one key for
// each upload, so that a request that it repeats after a lost answer does not make a second slot.
app.post('/slots', async (request, response) => {
	const { user, body: { fileName, fileType, fileSize, use } } = request, once = request.get('Idempotency-Key');
	const metadata = { use: use === 'avatar' ? 'avatar' : 'gallery' };
	pass(response, await tintype(user, 'POST', '/upload', { json: { fileName, fileType, fileSize, metadata }, headers: once && { 'Idempotency-Key': once } }));
});
// What became of it: answers when the picture is there, or was rejected with a reason.
app.get('/images/:id', async ({ user, params }, response) =>
	pass(response, await tintype(user, 'GET', `/images/${encodeURIComponent(params.id)}`, { query: { wait: 20 } })));
app.get('/images', async ({ user, query }, response) =>
	pass(response, await tintype(user, 'GET', '/images', { query: { urls: false, ...query.cursor && { cursor: query.cursor } } })));
app.delete('/images/:id', async ({ user, params }, response) =>
	pass(response, await tintype(user, 'DELETE', `/images/${encodeURIComponent(params.id)}`)));
// An address for <img> that never changes; it leads to a link of tintype that a browser may keep.
app.get('/avatar', async ({ user }, response) => {
	if (!user.avatar)
		return response.status(404).end();
	const { status, headers } = await tintype(user, 'GET', `/images/${user.avatar}/thumbnail`, { query: { size: 'small' } });
	if (status !== 302)
		return response.status(404).end();
	response.set('Cache-Control', 'private, no-cache').redirect(headers.get('location'));
});
// Everything of a user, in as many calls as it takes. Slots that are still open end by themselves.
app.delete('/account', async (request, response) => {
	const { user } = request;
	for (;;) {
		const { json: { images } } = await tintype(user, 'GET', '/images', { query: { urls: false, limit: 1000 } });
		if (images.length === 0)
			break;
		await tintype(user, 'POST', '/images/delete', { json: { imageIds: images.map(image => image.imageId) } });
	}
	users.splice(users.indexOf(user), 1);
	save();
	request.session.destroy(() => response.status(204).end());
});

app.use((error, request, response, next) => {
	console.error(error);
	response.status(502).json({ detail: 'The pictures cannot be reached; try again.' });
});

const server = app.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
