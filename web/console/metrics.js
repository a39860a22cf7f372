// Prometheus text, and what can be computed from two samples of it. Pure.

/** The text as [{ name, labels, value }]. Lines that are not samples are ignored. */
export function parse(text) {
	const samples = [];
	for (const line of text.split('\n')) {
		const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
		if (name)
			samples.push({ name, labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, v])), value: Number(value === '+Inf' ? Infinity : value) });
	}
	return samples;
}

/** The sum of a metric's samples that `wanted` accepts. */
export function sum(samples, name, wanted = () => true) {
	return samples.reduce((total, s) => s.name === name && wanted(s.labels) ? total + s.value : total, 0);
}

/** A histogram as Map(upper bound -> count up to it), over all samples that are wanted. */
export function histogram(samples, name, wanted) {
	const counts = new Map();
	for (const { name: own, labels, value } of samples)
		if (own === `${name}_bucket` && wanted(labels)) {
			const bound = labels.le === '+Inf' ? Infinity : Number(labels.le);
			counts.set(bound, (counts.get(bound) ?? 0) + value);
		}
	return counts;
}

/** The q-quantile of the values between two histograms; null when there are none. Within a bucket it is a straight line. */
export function quantile(before, after, q) {
	const bounds = [...after.keys()].sort((a, b) => a - b);
	const grown = bounds.map(bound => after.get(bound) - (before.get(bound) ?? 0));
	const total = grown.at(-1) ?? 0;
	if (total <= 0)
		return null;
	const i = grown.findIndex(n => n >= q * total);
	const low = i === 0 ? 0 : bounds[i - 1], under = i === 0 ? 0 : grown[i - 1];
	if (bounds[i] === Infinity)
		return low;
	return low + (bounds[i] - low) * (q * total - under) / (grown[i] - under);
}

/** Counts of client requests, without those to the admin listener, which are the console's own. */
const isTheirs = labels => labels.listener !== 'admin';
const isStatus = first => labels => isTheirs(labels) && labels.status[0] === first;

/** The plotted values, from two samples { at (ms), samples }. After a restart the server counts from 0. */
export function between(before, after) {
	const span = (after.at - before.at) / 1000;
	const rate = (name, wanted) => {
		const grown = sum(after.samples, name, wanted) - sum(before.samples, name, wanted);
		return grown < 0 ? null : grown / span;
	};
	const of = ({ samples }) => histogram(samples, 'tintype_request_seconds', isTheirs);
	return {
		api: rate('tintype_requests_total', labels => labels.listener === 'api'),
		storage: rate('tintype_requests_total', labels => labels.listener === 'storage'),
		refused: rate('tintype_requests_total', isStatus('4')),
		failed: rate('tintype_requests_total', isStatus('5')),
		uploaded: rate('tintype_uploads_total', labels => labels.outcome === 'uploaded'),
		rejected: rate('tintype_uploads_total', labels => labels.outcome === 'rejected'),
		median: quantile(of(before), of(after), 0.5),
		slowest: quantile(of(before), of(after), 0.95),
		images: sum(after.samples, 'tintype_images', labels => labels.status === 'uploaded'),
		kept: sum(after.samples, 'tintype_stored_bytes'),
	};
}

/** The plotted values of a point of the history, whose counts are for `ms` milliseconds. bounds: the upper bounds of its latencies, in seconds. */
export function ofPoint({ at, ms, latencies, storedBytes, ...counts }, bounds) {
	const after = new Map();
	latencies.reduce((sum, n, i) => (after.set(bounds[i] ?? Infinity, sum + n), sum + n), 0);
	const drawn = { at: Date.parse(at), median: quantile(new Map(), after, 0.5), slowest: quantile(new Map(), after, 0.95), images: counts.images, kept: storedBytes };
	for (const name of ['api', 'storage', 'refused', 'failed', 'uploaded', 'rejected'])
		drawn[name] = counts[name] * 1000 / ms;
	return drawn;
}
