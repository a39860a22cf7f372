// The page: an upload tray and a gallery over the public API. This file connects the parts and
// asks for the API key where the server requires one.
import * as api from './api.js';
import { $, say } from './dom.js';
import * as gallery from './gallery.js';
import * as upload from './upload.js';

const trouble = why => { $('trouble').hidden = false; $('trouble-text').textContent = why.message; say(why.message); };

let loading;
/** The viewer of one picture, loaded when it is first opened, so that a first visit does not need it. */
function viewer() {
	return loading ??= import('./detail.js').then(detail => {
		detail.start({ wantKey, trouble, removed: upload.forget });
		return detail;
	}, () => { loading = null; });
}
async function show(imageId) {
	const detail = await viewer();
	if (detail)
		detail.show(imageId);
	else
		trouble(new Error(api.LOST));
}

function wantKey(refusal) {
	const wasWrong = api.hasKey();
	api.useKey('');
	$('forget').hidden = true;
	$('detail').close();
	$('gallery').hidden = true;
	$('key-form').hidden = false;
	$('key-wrong').textContent = wasWrong ? 'Wrong API key.' : '';
	$('key').setAttribute('aria-invalid', String(wasWrong));
	if (wasWrong)
		$('key').focus();
}

async function takeKey(event) {
	event.preventDefault();
	api.useKey($('key').value.trim());
	$('key').value = '';
	$('key-form').hidden = true;
	$('gallery').hidden = false;
	await gallery.reload();
	if (!$('key-form').hidden)
		return;
	$('forget').hidden = false;
	$('gallery-title').focus();
	say('Signed in. The pictures are shown.');
	upload.retryAll(why => why.wantsKey);
	const asked = location.hash.slice(1);
	if (asked)
		show(asked);
}

async function learnLimits() {
	try {
		upload.useLimits(await api.limits());
	} catch (why) {
		$('limits').textContent = `${why.message} The upload limits are not known yet.`;
		setTimeout(learnLimits, 5000);
	}
}

$('key-form').onsubmit = takeKey;
$('forget').onclick = () => { api.useKey(''); location.reload(); };
$('forget').hidden = !api.hasKey();
learnLimits();
gallery.start({ show, wantKey });
gallery.reload();
upload.start({ uploaded: gallery.prepend, show, remove: api.remove, wantKey });
if (location.hash)
	viewer();
for (const [target, event] of [[window, 'popstate'], [$('wall'), 'pointerover'], [$('wall'), 'focusin']])   // it is about to be wanted
	target.addEventListener(event, viewer, { once: true });
