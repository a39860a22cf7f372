// The same slot API as the usual tutorial's Lambda function: presign with the AWS SDK, put the row,
// answer. Behind a plain Node http server, one process; the table is whatever DYNAMODB_ENDPOINT names.
import http from 'node:http';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { v4 as uuid } from 'uuid';

const region = 'us-east-1';
const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const s3 = new S3Client({ region, credentials, endpoint: 'http://127.0.0.1:9000', forcePathStyle: true });
const table = DynamoDBDocumentClient.from(new DynamoDBClient({ region, credentials, endpoint: process.env.DYNAMODB_ENDPOINT }));

async function handler(event) {
  const { fileName, fileType } = JSON.parse(event.body);
  if (!fileName || !fileType) return { statusCode: 400, body: JSON.stringify({ error: 'fileName and fileType are required' }) };
  const imageId = uuid();
  const key = `images/${imageId}-${fileName}`;
  const uploadUrl = await getSignedUrl(s3, new PutObjectCommand({ Bucket: 'image-uploads', Key: key, ContentType: fileType }), { expiresIn: 300 });
  const fileUrl = `http://127.0.0.1:9000/image-uploads/${key}`;
  await table.send(new PutCommand({ TableName: 'ImageMetadata', Item: { imageId, fileName, fileUrl, fileType, uploadedAt: new Date().toISOString() } }));
  return { statusCode: 200, headers: { 'Access-Control-Allow-Origin': '*' }, body: JSON.stringify({ imageId, uploadUrl, fileUrl }) };
}

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
