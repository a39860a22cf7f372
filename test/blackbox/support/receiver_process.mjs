// A receiver of webhooks as a process of its own, to be killed: node receiver_process.mjs PORT FILE. Verifies each request, appends a line
// "webhook-id type imageId" to the file, and answers then.
import { closeSync, openSync, writeSync } from 'node:fs';

import { startReceiver } from './receiver.mjs';

const [port, file] = process.argv.slice(2);
const fd = openSync(file, 'a');
const receiver = await startReceiver({ port: Number(port), answer: ({ id, event }, response) => {
	if (event)
		writeSync(fd, `${id} ${event.type} ${event.data.imageId}\n`);
	else
		writeSync(fd, `${id} invalid invalid\n`);
	receiver.requests.length = 0;
	response.writeHead(event ? 204 : 400).end();
} });
process.stdout.write(`${receiver.port}\n`);
process.on('exit', () => closeSync(fd));
