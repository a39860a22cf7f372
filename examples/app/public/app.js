// The page of the example: sign in, an avatar, a gallery. It knows the application alone; only the bytes go to tintype.
import { sendToSlot, typeOfFile } from './tintype-client/index.js';

const $ = selector => document.querySelector(selector);

async function call(method, route, json, headers) {
	const answer = await fetch(route, { method, headers: { ...json && { 'Content-Type': 'application/json' }, ...headers }, body: json && JSON.stringify(json) });
	const text = await answer.text(), body = text && JSON.parse(text);
	if (!answer.ok)
		throw new Error(body.detail ?? `${answer.status}`);
	return body;
}

const say = text => { $('#message').textContent = text; };

/** Slot, bytes, and then wait for what became of them: the record, or an error with the server's reason. */
async function upload(file, use) {
	try {
		const request = { fileName: file.name, fileType: await typeOfFile(file, file.name) || 'application/octet-stream', fileSize: file.size, use };
		const slot = await call('POST', 'slots', request, { 'Idempotency-Key': crypto.randomUUID() });
		await sendToSlot(slot, file);
		const image = await call('GET', `images/${slot.imageId}`);
		if (image.status !== 'uploaded')
			throw new Error(image.reason ?? 'still pending');
		return image;
	} catch (error) {
		throw new Error(`${file.name}: ${error.message}`);
	}
}

function tile(image) {
	const item = document.createElement('li'), picture = document.createElement('img'), remove = document.createElement('button');
	picture.src = image.links.medium?.webp ?? image.links.original;
	picture.alt = image.fileName;
	picture.loading = 'lazy';
	remove.textContent = 'Delete';
	remove.onclick = attempt(async () => {
		await call('DELETE', `images/${image.imageId}`);
		item.remove();
	});
	item.append(picture, remove);
	return item;
}

async function show(me) {
	$('#door').hidden = true;
	$('main').hidden = false;
	$('#name').textContent = me.name;
	$('#avatar').src = `avatar?${me.avatar}`;
	const { images } = await call('GET', 'images');
	$('#gallery').replaceChildren(...images.filter(image => image.metadata?.use !== 'avatar').map(tile));
}

function leave() {
	$('#door').hidden = false;
	$('main').hidden = true;
	$('#gallery').replaceChildren();
}

/** An event's function whose errors are shown. */
function attempt(run) {
	return async event => {
		event.preventDefault();
		say('');
		try {
			await run(event);
		} catch (error) {
			say(error.message);
		}
	};
}

$('#door').onsubmit = attempt(async event => show(await call('POST', event.submitter.value, Object.fromEntries(new FormData(event.target)))));
$('#logout').onclick = attempt(async () => { await call('POST', 'logout'); leave(); });
$('#remove').onclick = attempt(async () => { await call('DELETE', 'account'); leave(); });
$('#pick').onchange = attempt(async event => {
	for (const file of event.target.files)
		$('#gallery').prepend(tile(await upload(file, 'gallery')));
	say(`${event.target.files.length} added`);
});
$('#pick-avatar').onchange = attempt(async event => {
	const { imageId } = await upload(event.target.files[0], 'avatar');
	$('#avatar').src = `avatar?${imageId}`;
	say('This is you now');
});
call('GET', 'me').then(show, leave);
