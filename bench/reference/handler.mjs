// The usual tutorial's Lambda function for image uploads: presign with the AWS SDK, put the row, respond.
// The table is whatever DYNAMODB_ENDPOINT names.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { v4 as uuid } from 'uuid';

export function makeHandler(common, s3Options, bucketUrl) {
  const s3 = new S3Client({ ...common, ...s3Options });
  const table = DynamoDBDocumentClient.from(new DynamoDBClient({ ...common, endpoint: process.env.DYNAMODB_ENDPOINT }));
  return async (event, owner) => {
    const { fileName, fileType } = JSON.parse(event.body);
    if (!fileName || !fileType) return { statusCode: 400, body: JSON.stringify({ error: 'fileName and fileType are required' }) };
    const imageId = uuid();
    const key = `images/${imageId}-${fileName}`;
    const uploadUrl = await getSignedUrl(s3, new PutObjectCommand({ Bucket: 'image-uploads', Key: key, ContentType: fileType }), { expiresIn: 300 });
    const fileUrl = `${bucketUrl}/${key}`;
    await table.send(new PutCommand({ TableName: 'ImageMetadata', Item: { imageId, fileName, fileUrl, fileType, uploadedAt: new Date().toISOString(), ...owner && { owner } } }));
    return { statusCode: 200, headers: { 'Access-Control-Allow-Origin': '*' }, body: JSON.stringify({ imageId, uploadUrl, fileUrl }) };
  };
}
