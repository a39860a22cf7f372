// A database of a server that is stopped, as tests look into it and change it.
import { execFileSync } from 'node:child_process';

/** What statements of SQL give, run by Python's sqlite3: rows as text. */
export function sqlite(file, sql) {
	const script = 'import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], isolation_level=None)\n'
		+ 'for sql in sys.argv[2].split(";"):\n    for row in db.execute(sql):\n        print(*row)\n';
	return execFileSync('python3', ['-c', script, file, sql], { encoding: 'utf8' }).trim();
}
