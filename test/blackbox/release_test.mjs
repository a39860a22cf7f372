// What a release tells of its contents: the list of what is linked statically, by the schema of CycloneDX as OWASP's library has it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

import { npmPackage, root } from './support/server.mjs';

const materials = () => execFileSync(path.join(root, 'tools/release'), ['--materials', path.join(root, 'build/release')], { encoding: 'utf8' });

test('the list of what is linked is valid, names Debian\'s sources with their versions, and is the same each time', async () => {
	const { Spec, Validation } = npmPackage('@cyclonedx/cyclonedx-library'), validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
	const text = materials(), bill = JSON.parse(text);
	assert.equal(await validator.validate(text), null);
	assert.notEqual(await validator.validate(text.replace('"version": 1', '"versions": 1')), null, 'the validator finds faults');
	assert.equal(materials(), text);
	// Of build/release the program that decodes images is static, with libc; the other one has Debian's shared libraries.
	assert.deepEqual(bill.components.map(one => one.name), ['glibc', 'libjpeg-turbo', 'libpng1.6', 'libwebp', 'zlib']);
	const arch = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
	for (const [name, file] of [['glibc', `libc6-dev:${arch}`], ['libpng1.6', `libpng-dev:${arch}`]]) {
		const { version, purl } = bill.components.find(one => one.name === name);
		assert.equal(version, execFileSync('dpkg-query', ['-W', '-f', '${source:Version}', file], { encoding: 'utf8' }));
		const [, decoded, of] = /^pkg:deb\/debian\/([^@+]+)@([^+]+)\?arch=source$/.exec(purl);
		assert.deepEqual([decodeURIComponent(decoded), decodeURIComponent(of)], [name, version]);
	}
	assert.equal(bill.metadata.component.properties[0].value, execFileSync('git', ['-C', root, 'rev-parse', 'HEAD'], { encoding: 'utf8' }).trim());
});
