// How files come to the page: chosen, pasted or dropped, folders too; and what is said of all else that is dropped or pasted.
import { $ } from './dom.js';
import { texts } from './texts.js';

const MOST = 10000;   // of one folder, so that a whole disk is not read

const fileOf = entry => new Promise((resolve, reject) => entry.file(resolve, reject));
const readSome = reader => new Promise((resolve, reject) => reader.readEntries(resolve, reject));

/** Put the files below a folder into `found`; what cannot be read is left out. */
async function walk(folder, found) {
	const reader = folder.createReader();
	for (let some = await readSome(reader).catch(() => []); some.length > 0; some = await readSome(reader).catch(() => []))   // Chromium gives 100 at a time
		for (const entry of some) {
			if (found.length >= MOST)
				return;
			if (entry.isDirectory)
				await walk(entry, found);
			else
				found.push(await fileOf(entry).catch(() => null));
		}
}

/** What was dropped: { files, inFolders }, the latter of all folders and the folders in them. */
export async function dropped({ items }) {
	const parts = [...items].filter(item => item.kind === 'file').map(item => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));   // at once: it is gone after the event
	const inFolders = [];
	for (const { entry } of parts)
		if (entry?.isDirectory)
			await walk(entry, inFolders);
	return { files: parts.filter(({ entry, file }) => file && !entry?.isDirectory).map(({ file }) => file), inFolders: inFolders.filter(Boolean) };
}

const carriesFiles = event => [...event.dataTransfer?.types ?? []].includes('Files');
const isField = target => target?.closest?.('input, textarea, [contenteditable]');

/** Why what was dropped or pasted cannot be uploaded. */
function objectionTo(data, ofPaste) {
	const types = [...data.types];
	if (types.includes('text/uri-list') || types.includes('text/html'))
		return ofPaste ? texts.gather.pastedLink : texts.gather.droppedLink;
	return ofPaste ? texts.gather.pastedText : texts.gather.droppedText;
}

function listenToDrops(take, refuse) {
	let depth = 0, own = false;   // dragenter and dragleave are fired for every element crossed
	const over = on => { $('curtain').hidden = !on; document.body.classList.toggle('over', on); };
	const on = (type, listener) => addEventListener(type, event => { if (!own && !isField(event.target)) listener(event); });
	addEventListener('dragstart', () => { own = true; });   // a picture of this page
	addEventListener('dragend', () => { own = false; });
	on('dragenter', event => { if (carriesFiles(event)) { event.preventDefault(); depth++; over(true); } });
	on('dragleave', event => { if (carriesFiles(event) && --depth <= 0) { depth = 0; over(false); } });
	on('dragover', event => event.preventDefault());   // else the browser leaves the page for a link that is dropped
	on('drop', event => {
		event.preventDefault();
		depth = 0;
		over(false);
		if (carriesFiles(event))
			dropped(event.dataTransfer).then(take);
		else
			refuse(objectionTo(event.dataTransfer, false));
	});
}

/** Listen: take({ files, inFolders }) for files, refuse(sentence) for all else. */
export function start(take, refuse) {
	for (const [opener, input] of [['choose', 'files'], ['choose-folder', 'folder'], ['shoot', 'photo']]) {
		$(opener).onclick = () => $(input).click();
		$(input).onchange = () => {
			const files = [...$(input).files];
			$(input).value = '';
			take(input === 'folder' ? { files: [], inFolders: files } : { files, inFolders: [] });
		};
	}
	listenToDrops(take, refuse);
	addEventListener('paste', event => {
		const { files = [], types = [] } = event.clipboardData ?? {};
		if (isField(event.target) || files.length === 0 && types.length === 0)
			return;
		event.preventDefault();
		if (files.length > 0)
			take({ files: [...files], inFolders: [] });
		else
			refuse(objectionTo(event.clipboardData, true));
	});
}
