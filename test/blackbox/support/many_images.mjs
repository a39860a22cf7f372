// A server with very many images: one is uploaded, and the database has copies of its record, which share nothing but its bytes' size. So
// there are no files of theirs: what asks for their pictures is to be answered by the test.
import path from 'node:path';

import { png } from './png.mjs';
import { startServer, uploadImage } from './server.mjs';
import { sqlite } from './sqlite.mjs';

const SIZES = [[1500, 1000], [1000, 1250], [1250, 1250], [1750, 985], [900, 1600]];
const A_MINUTE = 60000;

/** Fill a database that has one image up to n images: "copy 1.png", the oldest, ..., one a minute. */
function copyRecords(database, n) {
	const columns = sqlite(database, 'SELECT name FROM pragma_table_info(\'images\')').split('\n');
	const own = {
		n: `(SELECT max(n) FROM images) + i`, id: 'CAST(randomblob(6) || x\'40\' || randomblob(1) || x\'80\' || randomblob(7) AS BLOB)', seq: `(SELECT max(seq) FROM images) + i`, key: '\'images/\' || i', file_name: '\'copy \' || i || \'.png\'',
		width: `CASE i % ${SIZES.length} ${SIZES.map(([w], at) => `WHEN ${at} THEN ${w}`).join(' ')} END`,
		height: `CASE i % ${SIZES.length} ${SIZES.map(([, h], at) => `WHEN ${at} THEN ${h}`).join(' ')} END`,
		uploaded_ms: `uploaded_ms - ${A_MINUTE} * (${n} - i)`,
	};
	sqlite(database, `BEGIN; INSERT INTO images(${columns.join()}) WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${n - 1})`
		+ ` SELECT ${columns.map(name => own[name] ?? name).join()} FROM numbers, (SELECT * FROM images LIMIT 1);`
		+ ' UPDATE tally SET uploaded = (SELECT count(*) FROM images), next_seq = (SELECT max(seq) + 1 FROM images); COMMIT');
}

/** A server of a data directory, with n images. */
export async function startWithMany(data, n, options = {}) {
	const first = await startServer({ data, ...options });
	await uploadImage(first, { fileName: 'first.png', bytes: png(150, 100, { colour: [90, 120, 150] }) });
	await first.stop();
	copyRecords(path.join(first.data, 'tintype.db'), n);
	return startServer({ data, ...options });
}
