// nginx as a caching proxy in front of delivery links.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { eventually } from './server.mjs';

/** nginx before /i/ of the origin, with a cache that is empty: { url, stop() }. X-Cache of its responses says HIT or MISS. */
export async function startNginx(origin, port) {
	const dir = mkdtempSync(path.join(tmpdir(), 'tintype-nginx-'));
	writeFileSync(path.join(dir, 'nginx.conf'), `${process.getuid() === 0 ? 'user root;' : ''} daemon off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 64; }
http {
	access_log off; client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/temp; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
	proxy_cache_path ${dir}/cache keys_zone=pictures:1m max_size=64m;
	server {
		listen 127.0.0.1:${port};
		location /i/ { proxy_pass ${origin}; proxy_cache pictures; proxy_cache_lock on; add_header X-Cache $upstream_cache_status; }
	}
}`);
	const child = spawn('nginx', ['-p', dir, '-e', path.join(dir, 'error.log'), '-c', path.join(dir, 'nginx.conf')], { stdio: 'inherit' });
	const url = `http://127.0.0.1:${port}`;
	await eventually(() => fetch(url).then(() => true, () => false), { what: 'nginx' });
	return { url, stop: async () => { child.kill('SIGTERM'); await once(child, 'exit'); rmSync(dir, { recursive: true }); } };
}
