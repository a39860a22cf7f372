// The Lambda function of lambda.mjs, for users: jose verifies the token with a set of keys that is read once, and the row names the user. The
// settings are those of tintype.
import { createLocalJWKSet, jwtVerify } from 'jose';
import { readFileSync } from 'node:fs';
import { makeHandler } from './handler.mjs';

const { TINTYPE_OIDC_ISSUER: issuer, TINTYPE_OIDC_AUDIENCE: audience, TINTYPE_OIDC_JWKS: file } = process.env;
const keys = createLocalJWKSet(JSON.parse(readFileSync(file)));
const upload = makeHandler({}, {}, `https://image-uploads.s3.${process.env.AWS_REGION}.amazonaws.com`);

export const handler = async event => {
  try {
    const { payload } = await jwtVerify(event.headers.Authorization.replace(/^Bearer /, ''), keys, { issuer, algorithms: ['RS256'], clockTolerance: 60 });
    if (payload.client_id !== audience || payload.token_use !== 'access') throw new Error('another client');
  } catch {
    return { statusCode: 401, body: JSON.stringify({ error: 'the token is not valid' }) };
  }
  return upload(event);
};
