// The sentences of the page that its scripts show, in one place; index.html has those that are always there. What depends on numbers or
// names is a function: names come in, and sentences go out, as plain text.
import { anyOf, bytes, fenced, many, number, typeName } from './dom.js';

const types = limits => anyOf(limits.allowedTypes.map(typeName));

/** 12 -> "12 s left", 100 -> "2 min left". */
const timeLeft = seconds => seconds < 60 ? `${Math.max(1, Math.ceil(seconds))} s left` : seconds < 3600 ? `${Math.ceil(seconds / 60)} min left` : `${Math.ceil(seconds / 360) / 10} h left`;

export const texts = {
	lost: 'The connection to the server was lost.',
	answered: (status, words) => `${`The server answered ${status} ${words}`.trim()}.`,

	signIn: {
		title: 'Sign in to see your pictures',
		orKey: 'Or enter an API key. It stays in this tab and is forgotten when you close it.',
		ended: 'Your session has ended. Sign in again.',
		wrongKey: 'Wrong API key.',
		done: 'Signed in. The pictures are shown.',
	},

	gather: {
		droppedLink: 'That was a link, or a picture from another page. Save the picture first, then drop the file here.',
		droppedText: 'That was text. Drop picture files here.',
		pastedLink: 'The clipboard has a link, not a picture. Copy the picture itself, or save it and choose the file.',
		pastedText: 'The clipboard has text, not a picture. Copy a picture and paste again.',
	},

	uploads: {
		limits: limits => `${types(limits)}, up to ${bytes(limits.maxFileSize)} and ${number(Math.floor(limits.maxPixels / 1e6))} megapixels each`,
		limitsUnknown: why => `${why} The upload limits are not known yet.`,

		// what is added
		added: n => `${many(n, 'file')} added.`,
		ofFolders: (n, others) => `${n === 0 ? 'There are no pictures in this folder' : `${many(n, 'picture')} from the folder added`}${others ? `; ${many(others, 'other file')} left out` : ''}.`,
		goesOn: n => `${many(n, 'upload')} from before this page was opened ${n === 1 ? 'continues' : 'continue'}.`,
		notKept: 'This browser has no room to remember the uploads. Keep this page open until they are finished.',
		empty: 'The file is empty.',
		large: (size, limit) => { const words = bytes(size) === bytes(limit) ? n => `${number(n)} bytes` : bytes; return `This file is ${words(size)}. The limit is ${words(limit)}.`; },
		type: (type, limits) => /^image/.test(type) ? `This picture is of the type ${typeName(type)}. Only ${types(limits)} are accepted.` : `This isn't a ${types(limits)} picture.`,
		unreadable: 'This file cannot be read. If it is a folder, use "Choose a folder".',
		moved: 'The file was moved or changed. Choose it again.',

		// one upload
		waiting: size => `Waiting · ${bytes(size)}`,
		waitsFor: why => `Waiting · ${why}`,
		sending: (sent, size, speed) => `${bytes(sent)} of ${bytes(size)}${speed ? ` · ${bytes(Math.round(speed))}/s` : ''}`,
		checking: 'Checking…',
		done: ({ name, size, type, misnamed }) => `Uploaded · ${bytes(size)}${misnamed ? ` · a ${typeName(type)} named ${name.replace(/^.*\./, '.')}` : ''}`,
		failed: why => `Failed. ${why}`,
		stalled: seconds => `The connection stalled: nothing was sent for ${seconds} seconds.`,
		storage: status => `The storage answered ${status}.`,
		progressOf: name => `Progress of ${name}`,
		of: (label, name) => `${label}: ${name}`,
		cancel: 'Cancel', tryAgain: 'Try again', dismiss: 'Dismiss', copyLink: 'Copy link', show: 'Show', delete: 'Delete',
		isUploaded: name => `${name} is uploaded.`,
		isNotUploaded: (name, why) => `${name} was not uploaded. ${why}`,
		isCancelled: name => `${name} is cancelled.`,
		isDeleted: name => `${name} is deleted.`,

		// all of them
		summary: ({ underWay, done, total, failed, refused, paused, hold, sent, size, rate, left }) => [
			underWay > 0 || done < total ? `${number(done)} of ${number(total)} uploaded` : total === 1 ? 'Uploaded' : `All ${number(total)} uploaded`,
			underWay > 0 && `${bytes(sent)} of ${bytes(size)}`,
			paused && underWay > 0 ? 'paused' : !hold && rate && `${bytes(Math.round(rate))}/s`,
			!paused && !hold && left !== null && timeLeft(left),
			failed > 0 && `${number(failed)} failed`,
			refused > 0 && `${number(refused)} refused`,
		].filter(Boolean),
		title: ({ underWay, done, total, failed, refused, paused }, title) => {
			const state = underWay > 0 ? `${paused ? 'Paused: ' : ''}${number(done)} of ${number(total)}` : failed + refused > 0 ? `${number(failed + refused)} not uploaded` : '';
			return state ? `${state} – ${title}` : title;
		},
		waits: (why, seconds) => `${why.status ? why.message : 'No connection to the server.'} ${seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying again…'}`,
		lostGoesOn: 'The connection to the server was lost. The uploads continue when it is back.',
		soFar: (done, total) => `${number(done)} of ${number(total)} uploaded.`,
		all: (done, failed, refused) => `${[`${many(done, 'file')} uploaded`, failed && `${number(failed)} failed`, refused && `${number(refused)} refused`].filter(Boolean).join(', ')}.`,
		more: (n, left) => n === left ? `Show ${number(n)} more` : `Show ${number(n)} of ${number(left)} more`,
		pause: 'Pause', resume: 'Resume',
		isPaused: 'Uploads paused.', isResumed: 'Uploads resumed.',
		sure: ({ underWay, failed }) => `Cancel ${many(underWay + failed, 'upload')}? Pictures that are uploaded already are kept.`,
		allCancelled: 'The uploads are cancelled.', cleared: 'Finished uploads cleared.', refusedDismissed: 'Refused files dismissed.',
	},

	wall: {
		count: (all, n) => all === undefined ? `${number(n)} so far` : many(all, 'picture'),
		found: (n, isAll) => isAll ? `${number(n)} found` : `${number(n)} found so far`,
		fresh: 'The pictures are up to date.',
		offline: 'You are offline. The page continues when the connection is back.',
		tooMany: 'There are more pictures than this page can show at once. Search, choose a period or sort by the oldest to see the others.',
		size: (width, height) => `${width} by ${height} pixels`,
		pending: 'This picture has not been uploaded yet.',
		animated: 'animated',
		damaged: 'Minor damage',
		damage: why => `minor damage: ${why}`,
	},
	selection: {
		count: n => n === 0 ? 'Choose pictures' : `${number(n)} selected`,
		how: 'Choose pictures. Press Escape to end.',
	},
	share: {
		formats: { url: 'Copy as links', markdown: 'Copy as Markdown', html: 'Copy as HTML' },
		life: 'Links expire after',
		lives: seconds => seconds < 86400 ? many(seconds / 3600, 'hour') : many(seconds / 86400, 'day'),
		copied: n => n === 1 ? 'Link copied.' : `${number(n)} links copied.`,
	},
	search: {
		name: 'Name',
		type: 'Type',
		period: 'Uploaded',
		order: 'Order',
		anyType: 'All types',
		periods: [['', 'Any time'], ['0', 'Today'], ['6', 'Last 7 days'], ['29', 'Last 30 days'], ['year', 'This year']],
		orders: [['', 'Newest first'], ['oldest', 'Oldest first'], ['name', 'By name'], ['size', 'Largest first']],
		status: 'Status',
		states: [['', 'Uploaded'], ['rejected', 'Refused'], ['pending', 'Not finished']],
	},
	viewer: {
		gone: 'This picture was deleted.',
		notThere: 'This picture does not exist. It was deleted, or the link is incomplete.',
	},
	edit: {
		name: 'Name', metadata: 'Metadata', entryName: 'Name of the entry', entryValue: 'Value', add: 'Add an entry', removeEntry: 'Remove this entry', save: 'Save', cancel: 'Cancel',
		noName: 'Give each entry a name.',
		twice: 'Two entries have the same name.',
		unsaved: 'These changes are not saved. Save or cancel them.',
		stale: 'Somebody else has changed this picture in the meantime. Save again to overwrite that change.',
		saved: 'Saved.',
	},
	help: {
		title: 'Keys',
		keys: [['← →', 'Next or previous picture'], ['+ -', 'Zoom'], ['0', 'Fit the whole picture'], ['← → ↑ ↓', 'Move a zoomed picture'], ['Esc', 'Close'], ['?', 'These keys']],
	},
	removal: {
		deleted: names => names.length === 1 ? `${fenced(names[0])} is deleted.` : `${many(names.length, 'picture')} deleted.`,
		canUndo: text => `${text} Press Control and Z to undo.`,
		undone: 'Nothing was deleted.',
		mayNot: n => `You may not delete ${n === 1 ? 'this picture' : 'all of these pictures'}.`,
		kept: (n, why) => `${n === 1 ? 'The picture was' : `${many(n, 'picture')} were`} not deleted. ${why}`,
	},
};
