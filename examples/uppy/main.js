// Uppy's dashboard, with uploads by slots of tintype: https://uppy.io/docs/aws-s3/
import AwsS3 from '@uppy/aws-s3';
import Uppy from '@uppy/core';
import Dashboard from '@uppy/dashboard';
import '@uppy/core/css/style.min.css';
import '@uppy/dashboard/css/style.min.css';

// ?api=https://…/prod is another server, ?method=POST sends forms instead of PUTs.
const query = new URLSearchParams(location.search);
const api = query.get('api') ?? 'http://127.0.0.1:8080/prod';
const method = query.get('method') ?? 'PUT';

/** The JSON of the response, or an error with its message, which Uppy shows at the file. */
async function call(path, options) {
	const response = await fetch(api + path, options);
	const body = await response.json();
	if (!response.ok)
		throw new Error(body.detail);
	return body;
}

/** The type of a file by its first bytes, since its name may be wrong; else what the browser says. */
async function typeOf(file) {
	const start = String.fromCharCode(...new Uint8Array(await file.slice(0, 12).arrayBuffer()));
	const signs = { 'image/jpeg': /^\xff\xd8\xff/, 'image/png': /^\x89PNG\r\n\x1a\n/, 'image/gif': /^GIF8[79]a/, 'image/webp': /^RIFF[^]{4}WEBP/ };
	return Object.keys(signs).find(type => signs[type].test(start)) ?? (file.type || 'application/octet-stream');
}

// The limits come from the server, so that Uppy refuses other files before a byte is sent.
const limits = await call('/limits');
const uppy = new Uppy({ restrictions: { allowedFileTypes: limits.allowedTypes, maxFileSize: limits.maxFileSize } });

uppy.use(Dashboard, { target: '#uppy', inline: true, showProgressDetails: true });
uppy.use(AwsS3, {
	shouldUseMultipart: false,             // a picture is sent in one piece
	generateObjectKey: file => file.id,    // only to find the file again: the server generates the real key
	signRequest: async ({ key }) => {      // called for each file just before it is sent, and again when it is retried
		const { name, size, data } = uppy.getFile(key);
		const slot = await call('/uppy', { method: 'POST', body: JSON.stringify({ fileName: name, fileType: await typeOf(data), fileSize: size, method }) });
		uppy.setFileMeta(key, { imageId: slot.imageId, deleteToken: slot.deleteToken });
		return slot;
	},
});

// The storage's XML says why it refused the bytes; Uppy's own message is only "S3 returned 400".
uppy.on('upload-error', (file, error) => {
	const message = new DOMParser().parseFromString(error.body ?? '', 'application/xml').querySelector('Message')?.textContent;
	if (message)
		uppy.setFileState(file.id, { error: message });
});

window.uppy = uppy;   // for the browser's console
