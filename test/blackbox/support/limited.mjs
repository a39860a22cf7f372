// node:test with a time limit for each test and hook, for tests that drive a browser: Playwright's calls into a page have none, and a browser
// that hangs would keep the whole file until tools/run-tests ends it.
import * as unlimited from 'node:test';

const MOST_MS = 240000;   // several times what the longest takes on a busy machine

export const test = (name, run) => unlimited.test(name, { timeout: MOST_MS }, run);
export const [after, afterEach, before, beforeEach] = ['after', 'afterEach', 'before', 'beforeEach'].map(hook => run => unlimited[hook](run, { timeout: MOST_MS }));
export { describe } from 'node:test';
