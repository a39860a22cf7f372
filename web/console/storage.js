// The object store: buckets with their sizes, deletion of empty ones, and the users who own them.
import { act } from './act.js';
import { bucket, buckets, deleteBucket, s3Users } from './client.js';
import { $, button, bytes, cell, el, foreign, many, numeric, time } from './dom.js';

const PAGE = 200;

let after, guard, generation = 0;

function remove(name) {
	act({
		title: `Delete the bucket ${name}?`,
		text: 'Only an empty bucket can be deleted. Its multipart uploads are aborted.',
		verb: 'Delete',
		isDangerous: true,
		after: reload,
		work: async () => {
			await deleteBucket(name);
			return `The bucket ${name} was deleted.`;
		},
	});
}

function rowOf({ name, owner, createdAt, isImageBucket }) {
	const row = el('tr', {},
		el('th', { scope: 'row' }, name, isImageBucket && ' ', isImageBucket && el('span', { className: 'tag uploaded' }, 'images')),
		cell('Owner', foreign(owner)),
		numeric('Objects', '…'),
		numeric('Size', '…'),
		cell('Created', time(createdAt)),
		el('td', { className: 'does' }, !isImageBucket && button('Delete', `the bucket ${name}`, () => remove(name), 'danger')));
	row.dataset.name = name;
	return row;
}

/** Count the buckets one after another, as long as their view is shown. */
async function measure(rows, own) {
	for (const row of rows) {
		if (own !== generation || $('storage').hidden)
			return;
		const { objects, bytes: size, more } = await bucket(row.dataset.name);
		row.children[2].textContent = `${more ? 'over ' : ''}${objects.toLocaleString('en')}`;
		row.children[3].textContent = `${more ? 'over ' : ''}${bytes(size)}`;
	}
}

async function next({ isFirst = false } = {}) {
	const page = await buckets({ after, limit: PAGE });
	const rows = page.buckets.map(rowOf);
	if (isFirst)
		$('buckets-rows').replaceChildren();
	$('buckets-rows').append(...rows);
	after = page.buckets.at(-1)?.name;
	$('buckets-count').textContent = `${many($('buckets-rows').children.length, 'bucket')}${page.more ? ' shown' : ''}.`;
	$('buckets-more').hidden = !page.more;
	await measure(rows, generation);
}

const userRow = user => el('tr', {}, el('th', { scope: 'row' }, foreign(user.name)), cell('Access key ID', el('code', {}, user.accessKeyId)), cell('Buckets of', foreign(user.owner)), cell('Permissions', foreign(user.may)));

async function reload() {
	generation++;
	after = undefined;
	$('buckets-count').textContent = 'Loading…';
	$('s3-users').hidden = false;
	try {
		$('s3-users-rows').replaceChildren(...(await s3Users()).users.map(userRow));
		await next({ isFirst: true });
	} catch (error) {
		$('buckets-count').textContent = '';
		if (!error.isNotHere)
			throw error;
		$('buckets-count').textContent = error.message;
		$('buckets-more').hidden = $('s3-users').hidden = true;
	}
}

/** guarded(f) runs f and shows its errors. */
export function prepare(guarded) {
	guard = guarded;
	$('buckets-more').addEventListener('click', () => guard(() => next()));
	$('buckets-refresh').addEventListener('click', () => guard(reload));
}

export const show = reload;
