// The main paths of the page in WebKit, the engine of Safari: a picture is chosen, another one dropped, both are seen, one is opened and deleted.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { after, before, test } from './support/limited.mjs';
import { png } from './support/png.mjs';
import { call, eventually, startServer } from './support/server.mjs';
import { startWebkit } from './support/webkit.mjs';

let webkit, server, dir;

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'tintype-page-'));
	[webkit, server] = await Promise.all([startWebkit(), startServer()]);
	await webkit.open(`${server.api}/`);
	await webkit.until(() => document.getElementById('limits').textContent.includes('up to'));
});
after(async () => {
	await webkit?.stop();
	await server?.stop();
	rmSync(dir, { recursive: true });
});

const listed = async () => (await call(server, 'GET', '/images?limit=1000')).json.images.map(image => image.fileName).sort();
const file = (name, colour) => { writeFileSync(path.join(dir, name), png(60, 40, { colour })); return path.join(dir, name); };
const isUploaded = name => webkit.until(name => [...document.querySelectorAll('#uploads > [data-state=done]')].some(tile => tile.textContent.includes(name)), name);
const hangs = n => webkit.until(n => document.querySelectorAll('#wall img.shown').length === n, n);

test('a picture is chosen, uploaded and seen', async () => {
	await webkit.files('#files', [file('chosen.png', [200, 40, 40])]);
	await isUploaded('chosen.png');
	await hangs(1);
	assert.deepEqual(await listed(), ['chosen.png']);
});

test('a picture is dropped, uploaded and seen', async () => {
	await webkit.run(base64 => {
		const data = new DataTransfer();
		data.items.add(new File([Uint8Array.from(atob(base64), c => c.charCodeAt(0))], 'dropped.png', { type: 'image/png' }));
		document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
	}, png(60, 40, { colour: [40, 40, 200] }).toString('base64'));
	await isUploaded('dropped.png');
	await hangs(2);
});

test('a picture is opened and deleted', async () => {
	await webkit.click('#wall button');
	await webkit.until(() => document.getElementById('detail').open && document.getElementById('detail').ariaBusy === 'false' && !document.getElementById('delete').hidden);
	await webkit.click('#delete');
	await hangs(1);
	await webkit.click('#close');
	await eventually(async () => (await listed()).length === 1);
});

test('a window that keeps no files, as this one for automation, says so and uploads them', async () => {
	await webkit.run(() => document.getElementById('files').addEventListener('change', () => setTimeout(() => document.getElementById('pause').click()), { once: true }));   // else all may be done before it is to be kept
	await webkit.files('#files', Array.from({ length: 60 }, (_, i) => file(`${i}.png`, [i, 99, 40])));
	await webkit.until(() => document.getElementById('notice').textContent.startsWith('This browser has no room to remember the uploads.'));
	await webkit.run(() => document.getElementById('pause').click());
	await webkit.until(() => document.getElementById('tray-count').textContent.startsWith('All 60 uploaded'));
	assert.equal((await listed()).length, 61);
});
