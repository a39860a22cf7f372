// The handler behind a plain Node http server, one process.
import http from 'node:http';
import { makeHandler } from './handler.mjs';

const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const handler = makeHandler({ region: 'us-east-1', credentials }, { endpoint: 'http://127.0.0.1:9000', forcePathStyle: true }, 'http://127.0.0.1:9000/image-uploads');

const server = http.createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (piece) => { body += piece; });
  request.on('end', async () => {
    const answer = await handler({ body }).catch((error) => ({ statusCode: 500, body: JSON.stringify({ error: error.message }) }));
    response.writeHead(answer.statusCode, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(answer.body), ...answer.headers });
    response.end(answer.body);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
