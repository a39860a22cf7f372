// What make install puts in place: a server that finds its renderer from there, a manual page with every command and flag, a systemd unit
// that starts that program, and nothing that make uninstall leaves behind.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { corpus, root, startServer, uploadImage } from './support/server.mjs';

const release = process.env.TINTYPE_RELEASE;
let top;

function make(target, prefix = '/usr', program = release) {
	return spawnSync('make', ['-C', root, target, `DESTDIR=${top}`, `PREFIX=${prefix}`, `PROGRAM=${program}`,
		`RENDERER=${path.join(path.dirname(program), 'render/tintype-render')}`], { encoding: 'utf8' });
}

function files() {
	return readdirSync(top, { recursive: true, withFileTypes: true }).filter(e => !e.isDirectory())
		.map(e => path.relative(top, path.join(e.parentPath ?? e.path, e.name))).sort();
}

before(() => {
	top = mkdtempSync(path.join(tmpdir(), 'tintype-install-'));
	const mask = process.umask(0o077);
	const done = make('install');
	process.umask(mask);
	assert.equal(done.status, 0, done.stderr);
});
after(() => rmSync(top, { recursive: true, force: true }));

test('an installed server finds its renderer, which is not among the commands', async t => {
	const before = process.env.TINTYPE;
	process.env.TINTYPE = path.join(top, 'usr/bin/tintype');
	t.after(() => { process.env.TINTYPE = before; });
	const server = await startServer();
	t.after(() => server.stop());
	const { image } = await uploadImage(server, { bytes: corpus('good/photo.jpg'), fileName: 'photo.jpg', fileType: 'image/jpeg' });
	assert.equal(image.verified, true);
	assert.deepEqual(readdirSync(path.join(top, 'usr/bin')), ['tintype']);
	assert.ok(server.out.includes(`\n  ${process.env.TINTYPE} upload PICTURE.jpg `), 'the example names the program that runs');
});

test('the manual page has every command, setting and option, and groff has nothing to say about it where it is installed', () => {
	const page = readFileSync(path.join(top, 'usr/share/man/man1/tintype.1'), 'utf8').replaceAll('\\-', '-');
	const run = (...args) => execFileSync(release, args, { encoding: 'utf8' });
	const commands = [...run('help').matchAll(/^ {2}([a-z]+)/gm)].map(m => m[1]);
	assert.ok(commands.includes('serve') && commands.includes('upload') && commands.length > 12, commands.join());
	for (const command of commands)
		assert.match(page, new RegExp(`^\\\\fB${command}\\b`, 'm'));
	const flags = text => new Set(text.match(/--(\[no-\])?[a-z0-9-]+/g));
	const known = flags(page);
	for (const command of commands)
		for (const flag of flags(run(command, '--help')))
			assert.ok(known.has(flag), `${command} ${flag}`);
	if (spawnSync('groff', ['--version']).status === 0)
		assert.equal(spawnSync('groff', ['-man', '-Tutf8', '-ww', '-z', path.join(top, 'usr/share/man/man1/tintype.1')], { encoding: 'utf8' }).stderr, '');
});

test('everybody may read what is installed, and run the programs, whatever the umask was', () => {
	for (const file of files())
		assert.equal(statSync(path.join(top, file)).mode & 0o777, /\/bin\/|\/libexec\//.test(file) ? 0o755 : 0o644, file);
	for (const folder of readdirSync(top, { recursive: true, withFileTypes: true }).filter(entry => entry.isDirectory()))
		assert.equal(statSync(path.join(folder.parentPath ?? folder.path, folder.name)).mode & 0o777, 0o755, folder.name);
});

test('the completions are those that the program prints', () => {
	for (const [shell, file] of [['bash', 'bash-completion/completions/tintype'], ['zsh', 'zsh/site-functions/_tintype'], ['fish', 'fish/vendor_completions.d/tintype.fish']])
		assert.equal(readFileSync(path.join(top, 'usr/share', file), 'utf8'), execFileSync(release, ['completion', shell], { encoding: 'utf8' }));
});

test('the systemd unit starts the installed program', () => {
	const unit = readFileSync(path.join(top, 'usr/lib/systemd/system/tintype.service'), 'utf8');
	assert.match(unit, /^ExecStart=\/usr\/bin\/tintype serve$/m);
	assert.doesNotMatch(unit, /@\w+@/);
});

test('settings that the files of packaging/ name are settings of the server', () => {
	const known = execFileSync(release, ['settings', '--env'], { encoding: 'utf8' });
	for (const name of ['tintype.service', 'Containerfile', 'compose.yaml'])
		for (const [variable] of readFileSync(path.join(root, 'packaging', name), 'utf8').matchAll(/TINTYPE_[A-Z_]+/g))
			assert.ok(variable === 'TINTYPE_ENV_FILE' || known.includes(`\n#${variable}=`), `${name}: ${variable}`);
});

test('a program that was not built is refused with what to do, and installs nothing', () => {
	const had = files();
	const refused = make('install', '/elsewhere', '/nonexistent/tintype');
	assert.notEqual(refused.status, 0);
	assert.match(refused.stdout, /run make build first/);
	assert.deepEqual(files(), had);
});

test('make uninstall leaves no file', () => {
	assert.notEqual(files().length, 0);
	const done = make('uninstall');
	assert.equal(done.status, 0, done.stderr);
	assert.deepEqual(files(), []);
});
