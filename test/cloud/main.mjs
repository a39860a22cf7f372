// AWS on loopback as a process: node test/cloud/main.mjs REGION. Prints its URL and ends with its standard input.
import { startCloud } from './cloud.mjs';

const cloud = await startCloud({ bucket: null, region: process.argv[2] });
console.log(cloud.url);
process.stdin.resume().on('end', async () => {
	await cloud.stop();
	process.exit(0);
});
