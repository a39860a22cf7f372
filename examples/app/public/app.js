// The page of the example: sign in, an avatar, a gallery. It knows the application alone; only the bytes go to tintype.
const $ = selector => document.querySelector(selector);

async function call(method, route, json, headers) {
	const answer = await fetch(route, { method, headers: { ...json && { 'Content-Type': 'application/json' }, ...headers }, body: json && JSON.stringify(json) });
	const text = await answer.text(), body = text && JSON.parse(text);
	if (!answer.ok)
		throw new Error(body.detail ?? `${answer.status}`);
	return body;
}

const say = text => { $('#message').textContent = text; };

/** The type of a file by its first bytes, since its name may be wrong; else what the browser says. */
async function typeOf(file) {
	const start = String.fromCharCode(...new Uint8Array(await file.slice(0, 12).arrayBuffer()));
	const signs = { 'image/jpeg': /^\xff\xd8\xff/, 'image/png': /^\x89PNG\r\n\x1a\n/, 'image/gif': /^GIF8[79]a/, 'image/webp': /^RIFF[^]{4}WEBP/ };
	return Object.keys(signs).find(type => signs[type].test(start)) ?? (file.type || 'application/octet-stream');
}

/** Slot, bytes, and then wait for what became of them: the record, or an error with the server's reason. */
async function upload(file, use) {
	const slot = await call('POST', 'slots', { fileName: file.name, fileType: await typeOf(file), fileSize: file.size, use }, { 'Idempotency-Key': crypto.randomUUID() });
	const put = await fetch(slot.uploadUrl, { method: slot.method, headers: slot.headers, body: file });
	if (!put.ok)
		throw new Error(`${file.name} was not stored (${put.status})`);
	const image = await call('GET', `images/${slot.imageId}`);
	if (image.status !== 'uploaded')
		throw new Error(`${file.name}: ${image.reason ?? 'still pending'}`);
	return image;
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
