// The console's frame: who is signed in, which view is shown, and what it polls.
import * as act from './act.js';
import { hasToken, settings, useToken } from './client.js';
import { $, aria, say } from './dom.js';
import * as images from './images.js';
import * as keys from './keys.js';
import * as logs from './logs.js';
import * as overview from './overview.js';
import * as settingsView from './settings.js';
import * as storage from './storage.js';
import * as users from './users.js';
import * as webhooks from './webhooks.js';

const RETRY_MS = 3000;

const views = { overview, images, users, keys, storage, logs, webhooks, settings: settingsView };

let current = null, timer = 0, generation = 0;

function showOnly(name) {
	for (const section of document.querySelectorAll('main > section'))
		section.hidden = section.id !== name;
	for (const link of $('nav').children)
		if (link.hash === `#${name}`)
			aria(link, { current: 'page' });
		else
			link.removeAttribute('aria-current');
	$('nav').hidden = $('sign-out').hidden = name === 'sign-in';
	document.title = `${$(`${name}-title`).textContent} – tintype console`;
}

function signIn(sentence) {
	useToken('');
	stop();
	current = null;
	act.close();
	if ($('row').open)
		$('row').close();
	for (const part of document.querySelectorAll('main tbody, #lines, #row [data-holds]'))   // leave nothing for the next user
		part.replaceChildren();
	say('');
	showOnly('sign-in');
	$('lost').textContent = '';
	$('wrong').textContent = sentence;
	$('token').focus();
}

/** Run something; show its errors, and ask for the token again if it is no longer valid. */
async function guard(work) {
	try {
		await work();
		$('lost').textContent = '';
	} catch (error) {
		if (error.wantsToken)
			signIn('The token is no longer valid; the server may have been restarted.');
		else
			$('lost').textContent = error.isLost ? `${error.message} Trying again.` : error.message;
		if (error.isLost && current && !views[current].poll)
			showLater();
	}
}

/** Read a view that is not polled again when the server responds again. */
function showLater() {
	const own = generation;
	clearTimeout(timer);
	timer = setTimeout(() => {
		if (own === generation)
			guard(() => views[current].show(readAddress()));
	}, RETRY_MS);
}

function stop() {
	clearTimeout(timer);
	generation++;
}

/** Poll, one request at a time, while the page is visible. */
function start({ everyMs, run }) {
	const own = ++generation;
	const again = async () => {
		if (!document.hidden)
			await guard(run);
		if (own === generation)
			timer = setTimeout(again, everyMs);
	};
	again();
}

async function go({ focus = true } = {}) {
	if (takeLinkedToken())
		return undefined;
	if (!hasToken())
		return signIn('');
	const { view: name, ...part } = readAddress();
	if (name === current && views[name].showPart)
		return guard(() => views[name].showPart(part));
	stop();
	if (name !== current)
		say('');
	current = name;
	showOnly(name);
	if (focus)
		$(`${name}-title`).focus();
	const { show, poll } = views[name], own = generation;
	await guard(() => show(part));
	if (poll && own === generation)
		start(poll);
}

/** #view, #view/id, #view?name=value. What is not a view is the overview. */
function readAddress() {
	const [, view, id = '', query = ''] = /^#?([a-z]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(location.hash) ?? [];
	return { view: views[view] ? view : 'overview', id, query: new URLSearchParams(query) };
}

/** A link from the terminal has the token in its fragment, which no server sees: it is taken from the address before anything else. */
function takeLinkedToken() {
	const linked = new URLSearchParams(location.hash.slice(1)).get('token');
	if (linked === null)
		return false;
	history.replaceState(null, '', location.pathname);
	tryToken(linked);
	return true;
}

function enter(event) {
	event.preventDefault();
	tryToken($('token').value.trim());
}

async function tryToken(text) {
	useToken(text);
	try {
		await settings();
	} catch (error) {
		signIn('');
		$('wrong').textContent = error.code === 'key_wrong' ? 'Wrong token. Use TINTYPE_ADMIN_TOKEN, or the one printed when the server last started.' : error.message;
		$('token').select();
		return;
	}
	$('token').value = $('wrong').textContent = '';
	go();
}

overview.prepare();
act.prepare(guard);
images.prepare(guard);
users.prepare(guard);
keys.prepare(guard);
storage.prepare(guard);
logs.prepare(guard);
webhooks.prepare(guard);
settingsView.prepare();
$('sign-in-form').addEventListener('submit', enter);
$('sign-out').addEventListener('click', () => signIn(''));
document.querySelector('.skip').addEventListener('click', event => { event.preventDefault(); $('content').focus(); });
addEventListener('hashchange', () => go());
go({ focus: false });
