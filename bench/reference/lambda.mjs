// The handler as a Lambda function has it; region and credentials come from the environment. esbuild makes
// one CommonJS file of it for runtime.cjs.
import { makeHandler } from './handler.mjs';

export const handler = makeHandler({}, {}, `https://image-uploads.s3.${process.env.AWS_REGION}.amazonaws.com`);
