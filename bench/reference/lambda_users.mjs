// The Lambda function of lambda.mjs, for users, with the reads and writes of tintype: jose verifies the token with a set of keys that is read
// once, the user's item is read, since the user may be blocked, and the row names the user. The settings are those of tintype.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { readFileSync } from 'node:fs';
import { makeHandler } from './handler.mjs';

const { TINTYPE_OIDC_ISSUER: issuer, TINTYPE_OIDC_AUDIENCE: audience, TINTYPE_OIDC_JWKS: file } = process.env;
const keys = createLocalJWKSet(JSON.parse(readFileSync(file)));
const table = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint: process.env.DYNAMODB_ENDPOINT }));
const upload = makeHandler({}, {}, `https://image-uploads.s3.${process.env.AWS_REGION}.amazonaws.com`);

export const handler = async event => {
  let payload;
  try {
    ({ payload } = await jwtVerify(event.headers.Authorization.replace(/^Bearer /, ''), keys, { issuer, algorithms: ['RS256'], clockTolerance: 60 }));
    if (payload.client_id !== audience || payload.token_use !== 'access') throw new Error('another client');
  } catch {
    return { statusCode: 401, body: JSON.stringify({ error: 'the token is not valid' }) };
  }
  const { Item: user } = await table.send(new GetCommand({ TableName: 'ImageMetadata', Key: { imageId: `usage#${payload.sub}` }, ConsistentRead: true }));
  if (user?.blocked) return { statusCode: 403, body: JSON.stringify({ error: 'the user is being deleted' }) };
  return upload(event, payload.sub);
};
