// What `tintype completion` prints, in the shells themselves: an interactive one is typed to, with the tab key, and says what the command
// was called with.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { childEnv, eventually, program, runProgram } from './support/server.mjs';

let dir;
before(() => {
	dir = mkdtempSync(path.join(tmpdir(), 'tintype-completion-'));
	writeFileSync(path.join(dir, 'a picture.png'), '');
});
after(() => rmSync(dir, { recursive: true, force: true }));

const environment = () => childEnv({ PATH: `${path.dirname(program())}:${process.env.PATH}`, TERM: 'xterm', HOME: dir, COLUMNS: '200' });

// What is typed, with a tab at the end, and what the command is called with then.
const typed = [
	['tintype upl', 'upload'],
	['tintype upload --wa', 'upload --watch'],
	['tintype upload a', 'upload a picture.png'],
	['tintype upload --end', 'upload --endpoint'],
	['tintype logs --level de', 'logs --level debug'],
	['tintype logs --level=de', 'logs --level=debug'],
	['tintype keys ad', 'keys add'],
	['tintype keys add --secret-s', 'keys add --secret-stdin'],
	['tintype serve --store lo', 'serve --store local'],
	['tintype serve --no-str', 'serve --no-strip'],
	['tintype completion fi', 'completion fish'],
];

/** Type to an interactive shell on a terminal. setUp defines the completion, and a command in place of tintype that shows its words. */
async function typeTo(shell, setUp) {
	const child = spawn('script', ['-qfec', shell, '/dev/null'], { cwd: dir, env: environment(), stdio: ['pipe', 'pipe', 'inherit'] });
	let out = '';
	child.stdout.setEncoding('utf8').on('data', s => { out += s; });
	const ended = once(child, 'close'), got = n => [...out.matchAll(/GOT(\d+):(.*?):/g)].filter(m => Number(m[1]) === n);
	child.stdin.write(`${setUp}\n`);
	for (const [n, [text, want]] of typed.entries()) {
		child.stdin.write(`${text}\t\n`);
		const [[, , words]] = await eventually(() => got(n + 1).length > 0 && got(n + 1), { what: `the answer to ${text} in:\n${out}` });
		assert.equal(words.trim().replace(/=$/, ''), want, text);
	}
	child.stdin.end('exit\n');
	await ended;
}

const fake = name => `n=0; ${name}() { n=$((n + 1)); printf "GOT%d:%s:\\n" $n "$*"; }`;

test('in bash', () => typeTo('bash --norc --noprofile -i', `source <(tintype completion bash); ${fake('tintype')}`));

test('in zsh', () => typeTo('zsh -f -i', `autoload -Uz compinit && compinit -u -D; source <(tintype completion zsh); ${fake('tintype')}`));

test('in fish', () => {
	for (const [text, want] of typed) {
		const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', 'tintype completion fish | source; complete -C $argv[1]', text], {
			cwd: dir, env: environment(), encoding: 'utf8',
		});
		const [first, ...more] = stdout.split('\n').filter(line => line !== '').map(line => line.split('\t')[0]);
		assert.deepEqual([stderr, more], ['', []], `${text}: ${stdout}`);
		assert.ok(first !== '' && want.endsWith(` ${first}`) || want === first, `${text}: ${first}`);
	}
});

test('a shell that is not known is refused', async () => {
	for (const args of [['completion'], ['completion', 'tcsh'], ['completion', 'bash', 'zsh']]) {
		const refused = await runProgram(args);
		assert.deepEqual([refused.code, refused.stdout, refused.stderr], [2, '', 'usage: tintype completion bash|zsh|fish; see --help\n']);
	}
});
