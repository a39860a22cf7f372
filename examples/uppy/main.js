// Uppy's dashboard, with uploads by slots of tintype: https://uppy.io/docs/aws-s3/
import AwsS3 from '@uppy/aws-s3';
import Uppy from '@uppy/core';
import Dashboard from '@uppy/dashboard';
import '@uppy/core/css/style.min.css';
import '@uppy/dashboard/css/style.min.css';

// ?api=https://…/prod is another server, ?method=POST sends forms in place of PUTs.
const query = new URLSearchParams(location.search);
const api = query.get('api') ?? 'http://127.0.0.1:8080/prod';
const method = query.get('method') ?? 'PUT';

/** The JSON of the answer, or an error with its sentence, which Uppy shows at the file. */
async function call(path, options) {
	const answer = await fetch(api + path, options);
	const body = await answer.json();
	if (!answer.ok)
		throw new Error(body.detail);
	return body;
}

// What may be uploaded is told by the server, so that Uppy refuses the rest before a byte is sent.
const limits = await call('/limits');
const uppy = new Uppy({ restrictions: { allowedFileTypes: limits.allowedTypes, maxFileSize: limits.maxFileSize } });

uppy.use(Dashboard, { target: '#uppy', inline: true, showProgressDetails: true });
uppy.use(AwsS3, {
	shouldUseMultipart: false,             // a picture is sent in one piece
	generateObjectKey: file => file.id,    // only to find the file again: the server draws the real key
	signRequest: async ({ key }) => {      // asked for each file just before it is sent, and again when it is retried
		const { name, type, size } = uppy.getFile(key);
		const slot = await call('/uppy', { method: 'POST', body: JSON.stringify({ fileName: name, fileType: type, fileSize: size, method }) });
		uppy.setFileMeta(key, { imageId: slot.imageId, deleteToken: slot.deleteToken });
		return slot;
	},
});

// The storage tells in XML why it refused the bytes; Uppy's own words are only "S3 returned 400".
uppy.on('upload-error', (file, error) => {
	const said = new DOMParser().parseFromString(error.body ?? '', 'application/xml').querySelector('Message')?.textContent;
	if (said)
		uppy.setFileState(file.id, { error: said });
});

window.uppy = uppy;   // to play with in the browser's console
