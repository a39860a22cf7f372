// The sentences of the page that its scripts show, in one place; index.html has those that are always there. What depends on numbers or
// names is a function: names come in, and sentences go out, as plain text.
import { anyOf, bytes, many, number, typeName } from './dom.js';

const types = limits => anyOf(limits.allowedTypes.map(typeName));

export const texts = {
	lost: 'The connection to the server was lost.',
	answered: (status, words) => `${`The server answered ${status} ${words}`.trim()}.`,

	uploads: {
		limits: limits => `${types(limits)}, up to ${bytes(limits.maxFileSize)} and ${number(Math.floor(limits.maxPixels / 1e6))} megapixels each`,
		limitsUnknown: why => `${why} The upload limits are not known yet.`,
		added: n => `${many(n, 'file')} added.`,
		empty: 'The file is empty.',
		large: (size, limit) => { const words = bytes(size) === bytes(limit) ? n => `${number(n)} bytes` : bytes; return `This file is ${words(size)}. The limit is ${words(limit)}.`; },
		type: (type, limits) => `Only ${types(limits)} are accepted; this is ${type || 'something else'}.`,
		moved: 'The file was moved or changed. Choose it again.',
		stalled: seconds => `The connection stalled: nothing was sent for ${seconds} seconds.`,
		storage: status => `The storage answered ${status}.`,
		waiting: size => `Waiting · ${bytes(size)}`,
		sending: (sent, size, speed) => `${bytes(sent)} of ${bytes(size)}${speed ? ` · ${bytes(Math.round(speed))}/s` : ''}`,
		checking: 'Checking…',
		done: size => `Uploaded · ${bytes(size)}`,
		isUploaded: name => `${name} is uploaded.`,
		isNotUploaded: (name, why) => `${name} was not uploaded. ${why}`,
		isNotAccepted: (name, why) => `${name} was not accepted. ${why}`,
		isCancelled: name => `${name} is cancelled.`,
		isDeleted: name => `${name} is deleted.`,
	},
};
