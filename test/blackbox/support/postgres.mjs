// A PostgreSQL server on loopback for tests, started and stopped by test/cloud/postgres.sh, and psql on it.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** The superuser's, on the port. */
export const PASSWORD = 'postgres-test-password';

/**
 * Start a server, with options of postgres such as 'max_connections=20', or as a standby of another: { dir, port, ca, database(name), url(...),
 * query(database, sql), kill(), start(), promote(), stop() }. kill() is as a power cut; start() starts it again.
 */
export async function startPostgres({ options = [], standbyOf } = {}) {
	const words = [...(standbyOf ? ['--standby-of', standbyOf.dir, String(standbyOf.port)] : []), ...options.flatMap(one => ['-c', one])];
	const child = spawn('bash', [fileURLToPath(new URL('../../cloud/postgres.sh', import.meta.url)), ...words], { stdio: ['pipe', 'pipe', 'inherit'] });
	const ended = once(child, 'exit');
	const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const line = async () => (await lines.next()).value ?? Promise.reject(new Error('PostgreSQL cannot be started, or did not obey; tools/deps test installs it'));
	const command = async text => { child.stdin.write(`${text}\n`); await line(); };
	const [dir, port] = (await line()).split(' ');
	return {
		dir, port: Number(port), ca: `${dir}/ca.pem`,
		/** Make an empty database: its name. */
		database: async name => { await command(`database ${name}`); return name; },
		/** The URL of a database by the port, with TLS that is verified; without a password. */
		url: (database, user = 'postgres') => `postgres://${user}@localhost:${port}/${database}?sslmode=verify-full&sslrootcert=${dir}/ca.pem`,
		/** What psql prints for a statement, as the superuser. */
		query: async (database, sql) => (await run('psql', ['-XqtA', '-v', 'ON_ERROR_STOP=1', '-h', dir, '-p', port, '-U', 'postgres', '-d', database, '-c', sql])).stdout.trim(),
		kill: () => command('kill'),
		start: () => command('start'),
		promote: () => command('promote'),
		stop: async () => { child.stdin.end(); await ended; },
	};
}
