// sharp behind Node's http: GET /N answers with a thumbnail of the N-th file, within 512 x 512, as WebP of quality 80 by sharp's
// defaults. One thread an image, as many images at once as there are cores.   node sharp_server.mjs FILE...
// Prints its port. With --once BOX FILE it makes one thumbnail and ends.
import http from 'node:http';
import os from 'node:os';

process.env.UV_THREADPOOL_SIZE = os.availableParallelism();
const { default: sharp } = await import('sharp');
sharp.concurrency(1);
sharp.cache(false);

const thumbnail = (file, box) => sharp(file).resize(box, box, { fit: 'inside' }).webp({ quality: 80 }).toBuffer();
const files = process.argv.slice(2);
if (files[0] === '--once') {
	await thumbnail(files[2], Number(files[1]));
} else {
	const server = http.createServer(async (request, response) => {
		const bytes = await thumbnail(files[Number(request.url.slice(1)) % files.length], 512);
		response.writeHead(200, { 'Content-Type': 'image/webp', 'Content-Length': bytes.length });
		response.end(bytes);
	});
	server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}
