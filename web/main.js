// The page: an upload tray and a gallery over the public API. This file connects the parts and
// asks for a sign-in or the API key where the server requires one.
import * as api from './api.js';
import { $, el, put, say } from './dom.js';
import * as gallery from './gallery.js';
import * as gather from './gather.js';
import { texts } from './texts.js';
import * as tray from './tray.js';
import * as upload from './upload.js';

let session = null;   // sign_in.js, where users sign in
/** Whether the issuer of a sign-in has led back here. */
const returning = [...new URLSearchParams(location.search).keys()].filter(name => /^(state|code|error)$/.test(name)).length > 1;

const trouble = why => { gallery.showTrouble(why); say(why.message); };

/** A module that a first visit does not need, loaded when it is first wanted; undefined where that fails. */
function later(load, begin) {
	let loading;
	return () => loading ??= load().then(begin, () => { loading = undefined; });
}
/** What is done with the pictures of the wall, but to look at it. */
let selection;
const acting = later(() => import('./selection.js'), module => {
	selection = module;
	selection.start({ show, wantKey, trouble, removed: ids => ids.forEach(upload.forget) });
	return selection;
});
/** Apply a style sheet that a first visit does not need. */
const style = href => new Promise((resolve, reject) => {
	const link = el('link', { rel: 'stylesheet', href, onload: resolve, onerror: () => { link.remove(); reject(); } });
	document.head.append(link);
});
/** The viewer of one picture. */
const viewer = later(() => Promise.all([import('./detail.js'), acting(), style('viewer.css')]), ([detail]) => {
	detail.start({ wantKey, trouble });
	return detail;
});
const searching = later(() => import('./search.js'), module => module);
/** Show the pictures that the page's address asks for: all, or those of a search. */
async function showList() {
	const search = location.search && await searching();
	return search ? search.follow() : gallery.reload();
}
async function show(imageId) {
	const detail = await viewer();
	if (detail)
		detail.show(imageId);
	else
		trouble(new Error(texts.lost));
}

function wantKey(refusal) {
	const wasWrong = api.hasKey(), hadSession = !wasWrong && (session?.isSignedIn() || refusal?.code === 'token_invalid');
	api.useKey('');
	session?.forget();
	$('forget').hidden = true;
	$('detail').close();
	gallery.clear();
	$('gallery').hidden = true;
	$('key-form').hidden = false;
	$('key-wrong').textContent = hadSession ? texts.signIn.ended : wasWrong ? texts.signIn.wrongKey : '';
	$('key').setAttribute('aria-invalid', String(wasWrong));
	if (wasWrong)
		$('key').focus();
}

async function takeKey(event) {
	event.preventDefault();
	api.useKey($('key').value.trim());
	$('key').value = '';
	await goOn();
}

/** With a key or a session, show the pictures and send what was refused without. */
async function goOn() {
	$('key-form').hidden = true;
	$('gallery').hidden = false;
	await showList();
	if (!$('key-form').hidden)
		return;
	$('forget').hidden = false;
	$('gallery-title').focus();
	say(texts.signIn.done);
	await learnOwner();
	upload.retryAll(why => why.wantsKey);
	const asked = location.hash.slice(1);
	if (asked)
		show(asked);
}

/** Whose uploads are shown and go on: the caller's. */
async function learnOwner() {
	try {
		const who = api.hasKey() ? await api.me() : null;
		upload.useOwner(who ? `${who.kind} ${who.owner ?? who.name ?? ''}` : '');
	} catch (why) {
		if (why.canRetry)
			setTimeout(learnOwner, 5000);
	}
}

/** What the issuer answered, and what the form says where there is one. */
async function signIn(offer) {
	let failed;
	if (offer) {
		api.useSession(session = await import('./sign_in.js'));
		failed = await session.start(offer, returning).catch(why => why);
		$('sign-in-ask').hidden = false;
		$('key-title').textContent = texts.signIn.title;
		$('key-why').textContent = texts.signIn.orKey;
	}
	if (session?.isSignedIn())
		return goOn();
	if (returning) {
		learnOwner();
		await gallery.reload();
	}
	if (failed) {
		wantKey();
		$('key-wrong').textContent = failed.message;
	}
}

const GATHER_MS = 1500, GATHER_MANY_MS = 5000, MANY = 20;
const fresh = [];
let hanging;
/** New pictures are put on the wall together: in a large batch most would be out of the window a moment later. */
function uploaded(record) {
	if (fresh.push(record) === 1)
		hanging = setTimeout(hang, upload.progress().underWay > MANY ? GATHER_MANY_MS : GATHER_MS);
}
function hang() {
	clearTimeout(hanging);
	if (fresh.length > 0)
		gallery.prepend(...fresh.splice(0).reverse());
}

let knowsIssuer = false;
async function learnLimits() {
	try {
		const limits = await api.limits();
		if (!knowsIssuer)
			await signIn(limits.signIn);
		knowsIssuer = true;
		$('limits').textContent = texts.uploads.limits(limits);
		$('files').accept = limits.allowedTypes.join(',');
		upload.useLimits(limits);
	} catch (why) {
		$('limits').textContent = texts.uploads.limitsUnknown(why.message);
		setTimeout(learnLimits, 5000);
	}
}

$('key-form').onsubmit = takeKey;
$('sign-in').onclick = () => session.begin(upload.hasFiles()).then(done => { if (done) goOn(); }, why => { $('key-wrong').textContent = why.message; });
$('forget').onclick = async () => {
	await upload.signOut();
	api.useKey('');
	if (session?.isSignedIn())
		session.signOut();
	else
		location.reload();
};
$('forget').hidden = !api.hasKey();
learnLimits();
/** How much of the window bars cover. */
const covered = () => ({ top: $('batch').offsetHeight + $('gallery-bar').offsetHeight, bottom: $('actions').offsetHeight });
new ResizeObserver(() => document.documentElement.style.setProperty('--batch', `${$('batch').offsetHeight}px`)).observe($('batch'));
const drawn = top => put('gallery-month', top > 0 ? gallery.monthAt(top + covered().top) : '');
gallery.start({ wantKey, drawn, covered, decorate: (li, record) => selection?.decorate(li, record) ?? li });
$('wall').addEventListener('click', event => selection || acting().then(it => it?.onClick(event)));
$('wall').addEventListener('keydown', event => {
	if (selection || !/^( |Delete|Home|End|Arrow.*)$/.test(event.key))
		return;
	event.preventDefault();
	acting().then(it => it?.onKey(event));
});
$('search').onclick = () => searching().then(it => it?.toggle());
$('select').onclick = () => acting().then(it => it && $('select').click());
if (!returning) {
	showList();
	learnOwner();
}
tray.start({ uploaded, ended: () => setTimeout(hang), show, wantKey });
gather.start(found => { tray.notice(''); upload.add(found); }, tray.notice);
if (location.hash)
	viewer();
for (const [target, event] of [[window, 'popstate'], [$('wall'), 'pointerover'], [$('wall'), 'pointerdown'], [$('wall'), 'focusin']])   // it is about to be wanted
	target.addEventListener(event, viewer, { once: true });
