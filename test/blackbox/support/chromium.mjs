// Debian's Chromium by playwright-core, for tests that need a real browser.
//
//   const browser = await startChromium();
//   const page = await openWatched(browser);      // collects what the page complains of
//   after(() => browser.close());
import { npmPackage } from './server.mjs';

const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** A browser without a window. Without its sandbox, which root and many containers cannot have: it sees our own pages only. more: further flags of the program. */
export function startChromium(...more) {
	return npmPackage('playwright-core').chromium.launch({
		executablePath: PROGRAM, chromiumSandbox: false,
		args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', ...more],
	});
}

/**
 * A page of its own context. page.faults holds uncaught exceptions; page.requests what was sent to
 * other origins than the page's, as { method, url }, in order.
 */
export async function openWatched(browser, { timeoutMs = 60000 } = {}) {
	const page = await (await browser.newContext()).newPage();
	page.setDefaultTimeout(timeoutMs);
	page.faults = [];
	page.requests = [];
	page.on('pageerror', error => page.faults.push(String(error)));
	page.on('request', request => {
		if (/^http/.test(request.url()) && new URL(request.url()).origin !== new URL(page.url()).origin)
			page.requests.push({ method: request.method(), url: request.url() });
	});
	return page;
}
