// The usual thumbnail function behind a queue in Node.js: sharp, the AWS SDK. Reads the row and the object, makes one thumbnail in two
// formats from one decode, stores both, and says so in the row.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import sharp from 'sharp';

sharp.concurrency(1);
sharp.cache(false);
const Bucket = 'image-uploads', TableName = 'ImageMetadata', BOX = 512;
const s3 = new S3Client({ forcePathStyle: true });
const table = DynamoDBDocumentClient.from(new DynamoDBClient({}));

async function makeThumbnails({ imageId, etag }) {
  const { Item: row } = await table.send(new GetCommand({ TableName, Key: { imageId } }));
  if (row?.status !== 'uploaded' || row.etag !== etag) return;
  const object = await s3.send(new GetObjectCommand({ Bucket, Key: row.objectKey, IfMatch: `"${etag}"` }));
  const bytes = await object.Body.transformToByteArray();
  const { data, info } = await sharp(bytes).rotate().resize(BOX, BOX, { fit: 'inside', withoutEnlargement: true }).raw().toBuffer({ resolveWithObject: true });
  const small = () => sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
  const made = [['medium.webp', 'image/webp', await small().webp({ quality: 80 }).toBuffer()], ['medium.jpg', 'image/jpeg', await small().jpeg({ quality: 80 }).toBuffer()]];
  for (const [name, ContentType, Body] of made)
    await s3.send(new PutObjectCommand({ Bucket, Key: `thumbs/${imageId}/${name}`, ContentType, Body }));
  await table.send(new UpdateCommand({ TableName, Key: { imageId }, UpdateExpression: 'SET thumbs = :thumbs', ConditionExpression: 'attribute_exists(imageId)', ExpressionAttributeValues: { ':thumbs': made.map(([name]) => name).join(',') } }));
}

export async function handler(event) {
  const batchItemFailures = [];
  for (const { messageId, body } of event.Records) {
    try {
      await makeThumbnails(JSON.parse(body));
    } catch {
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
}
