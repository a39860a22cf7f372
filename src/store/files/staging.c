/* A body that is being received, and its MD5. A small one is collected in memory and stored in the database with its
 * row, so that it shares the commit's sync and needs neither a sync nor a waiting thread of its own. Others
 * are files of incoming/: begin and write run on a reactor and touch the page cache alone; view and finish run on a
 * worker, which syncs its own file, so that many syncs run in parallel, and then waits for the commit thread. The MD5
 * of short bodies is computed after their sync, for several at a time.
 * What was announced as small and is not goes into a file. Whatever goes wrong removes the file. */
#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/tables/commit.h"
#include "store/engine.h"
#include "store/files/io.h"
#include "store/tables/objects.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The MD5 of a longer body is computed while it is received, so that finishing it does not take long. */
#define DIGEST_LATER_BYTES ((uint64_t)8 << 20)

struct body {
	struct incoming base;
	struct engine *engine;
	bool in_memory;
	char *bytes; /* in memory: `size` of `cap` */
	size_t cap;
	int fd; /* else a file */
	uint64_t file;
	uint64_t size;
	uint64_t expected;  /* bytes that were announced; 0: none */
	uint64_t promised;  /* of the disk's room, not written yet */
	bool digests_later; /* MD5 is computed by the engine's digest_queue; else `md5` is updated with each write */
	struct hash md5;
	unsigned char digest[MD5_BYTES];
	bool digested;
	bool patched; /* md5 is not of what is there now */
	bool synced;
	void *map;
	enum status failed; /* sticky */
	struct fault failure;
	/* of a finish that is not waited for */
	char etag[2 * MD5_BYTES + 1];
	struct commit_change change;
	struct write_completion *wait;
};

static enum status make_file(struct body *b, struct fault *why)
{
	b->fd = tree_create(&b->engine->tree, &b->file);
	return b->fd >= 0 ? OK : io_fault(why, errno, "make a file in incoming/");
}

static enum space_use use_of(const struct body *b)
{
	return b->in_memory ? SPACE_ROWS : SPACE_FILE;
}

/* What cannot fit now is refused at once. Space is reserved only as bytes arrive: a client that announces much and sends
 * nothing must not keep others out. */
static enum status body_begin(struct bucket_store *s, uint64_t expected_bytes, struct incoming **out, struct fault *why)
{
	struct engine *e = ENGINE_OF(s, buckets);
	struct body *b = mem_new(1, sizeof *b);

	if (b == NULL)
		return fault_no_memory(why);
	*b = (struct body){ .base = { &staging_ops }, .engine = e, .expected = expected_bytes, .fd = -1 };
	b->in_memory = e->small_bytes > 0 && expected_bytes <= e->small_bytes; /* of no announced length: until it is not */
	enum status status = space_check(&e->space, expected_bytes, use_of(b), why);
	if (status == OK && !b->in_memory)
		status = make_file(b, why);
	if (status != OK) {
		mem_free(b);
		return status;
	}
	b->digests_later = !b->in_memory && expected_bytes > 0 && expected_bytes <= DIGEST_LATER_BYTES;
	if (!b->digests_later)
		hash_init(&b->md5, HASH_MD5);
	*out = &b->base;
	return OK;
}

static void release_room(struct body *b)
{
	space_release(&b->engine->space, b->promised);
	b->promised = 0;
}

static enum status report_failure(struct body *b, enum status status, struct fault *why)
{
	b->failed = status;
	if (why != NULL)
		*why = b->failure;
	return status;
}

/* At once as much as was announced, then twice as much each time. */
static enum status grow_memory(struct body *b, size_t needed)
{
	size_t small_bytes = b->engine->small_bytes;
	size_t cap = b->cap > 0 ? 2 * b->cap : (size_t)b->expected;

	assert(needed <= small_bytes);
	if (needed <= b->cap)
		return OK;
	cap = cap < needed ? needed : cap > small_bytes ? small_bytes : cap;
	char *bytes = mem_resize(b->bytes, cap, 1);
	if (bytes == NULL)
		return fault_no_memory(&b->failure);
	b->bytes = bytes;
	b->cap = cap;
	return OK;
}

static enum status keep_in_memory(struct body *b, const void *p, size_t n)
{
	if (b->in_memory && n > b->engine->small_bytes - b->size) {
		/* What came so far goes into a file, and what comes too. */
		TRY(make_file(b, &b->failure));
		b->in_memory = false;
		if (io_write_all(b->fd, b->bytes, (size_t)b->size) != 0)
			return io_fault(&b->failure, errno, "write to incoming/");
		mem_free(b->bytes);
		b->bytes = NULL;
	}
	TRY(space_reserve(&b->engine->space, n, use_of(b), &b->failure));
	b->promised += n;
	if (!b->in_memory) {
		if (io_write_all(b->fd, p, n) != 0)
			return io_fault(&b->failure, errno, "write to incoming/");
		release_room(b);
		return OK;
	}
	TRY(grow_memory(b, (size_t)b->size + n));
	if (n > 0)
		memcpy(b->bytes + b->size, p, n);
	return OK;
}

static enum status body_write(struct incoming *in, const void *p, size_t n, struct fault *why)
{
	struct body *b = (struct body *)in;

	assert(!b->digested);
	if (b->failed != OK)
		return report_failure(b, b->failed, why);
	enum status status = keep_in_memory(b, p, n);
	if (status != OK)
		return report_failure(b, status, why);
	if (!b->digests_later)
		hash_update(&b->md5, p, n);
	b->size += n;
	return OK;
}

static enum status body_patch(struct incoming *in, uint64_t at, const void *p, size_t n, struct fault *why)
{
	struct body *b = (struct body *)in;

	assert(!b->digested && b->map == NULL);
	assert(n <= b->size && at <= b->size - n);
	if (b->failed != OK)
		return report_failure(b, b->failed, why);
	b->patched = true;
	if (b->in_memory)
		memcpy(b->bytes + at, p, n);
	else if (lseek(b->fd, (off_t)at, SEEK_SET) < 0 || io_write_all(b->fd, p, n) != 0 || lseek(b->fd, 0, SEEK_END) < 0)
		return report_failure(b, io_fault(&b->failure, errno, "write to incoming/"), why);
	return OK;
}

static enum status map_body(struct body *b, struct fault *why)
{
	if (b->in_memory || b->map != NULL || b->size == 0)
		return OK;
	void *map = mmap(NULL, b->size, PROT_READ, MAP_SHARED, b->fd, 0);
	if (map == MAP_FAILED)
		return report_failure(b, io_fault(&b->failure, errno, "map a body"), why);
	b->map = map;
	return OK;
}

static struct str bytes_of(const struct body *b)
{
	return (struct str){ b->in_memory ? b->bytes : b->map, b->size };
}

static enum status sync_file(struct body *b, struct fault *why)
{
	if (!b->in_memory && !b->synced && local_io.fdatasync(b->fd) != 0)
		return io_fault(why, errno, "sync a body");
	b->synced = true;
	return OK;
}

/* Get the MD5 from the digest_queue, after the sync. Bodies that were queued during the sync are hashed together. */
static enum status wait_for_digest(struct body *b, struct fault *why)
{
	struct queued_digest queued;

	digest_queue_add(&b->engine->digest_queue, &queued, b->fd);
	enum status status = sync_file(b, why);
	int error = digest_queue_wait(&b->engine->digest_queue, &queued, b->digest);
	return status == OK && error != 0 ? io_fault(why, error, "digest a body") : status;
}

static enum status compute_digest(struct body *b, struct fault *why)
{
	if (b->digests_later)
		return wait_for_digest(b, why);
	if (b->patched) {
		TRY(map_body(b, why));
		hash_init(&b->md5, HASH_MD5);
		hash_update(&b->md5, bytes_of(b).p, bytes_of(b).n);
	}
	hash_final(&b->md5, b->digest);
	return OK;
}

static enum status finish_digest(struct body *b, struct fault *why)
{
	if (b->failed != OK)
		return report_failure(b, b->failed, why);
	if (b->digested)
		return OK;
	enum status status = compute_digest(b, &b->failure);
	if (status != OK)
		return report_failure(b, status, why);
	hex_encode(b->digest, MD5_BYTES, b->etag);
	b->digested = true;
	return OK;
}

static enum status body_view(struct incoming *in, struct str *bytes, unsigned char md5[16], struct fault *why)
{
	struct body *b = (struct body *)in;

	TRY(finish_digest(b, why));
	TRY(map_body(b, why));
	*bytes = bytes_of(b);
	memcpy(md5, b->digest, MD5_BYTES);
	return OK;
}

static void unmap_body(struct body *b)
{
	if (b->map != NULL)
		(void)munmap(b->map, b->size);
	b->map = NULL;
}

static void body_free(struct body *b)
{
	release_room(b);
	unmap_body(b);
	io_close(b->fd);
	mem_free(b->bytes);
	mem_free(b);
}

static void body_abandon(struct incoming **in)
{
	struct body *b = (struct body *)*in;

	*in = NULL;
	if (b->fd >= 0)
		tree_drop(&b->engine->tree, b->file);
	body_free(b);
}

/* All that comes before the commit. A body in memory needs no disk for it. */
static enum status prepare_commit(struct body *b, struct new_body *out, struct fault *why)
{
	TRY(finish_digest(b, why));
	/* Mapped pages count as ours: many bodies may wait here for their syncs. */
	unmap_body(b);
	TRY(sync_file(b, why));
	assert(b->in_memory == (b->fd < 0));
	*out = (struct new_body){
		.inlined = b->in_memory,
		.bytes = { b->bytes, b->in_memory ? (size_t)b->size : 0 },
		.file = b->file,
		.size = b->size,
		.etag = str_of(b->etag),
		.modified_ms = clock_now_ms(),
	};
	return OK;
}

static enum status body_finish(struct incoming **in, const struct object_commit *c, struct fault *why)
{
	struct body *b = (struct body *)*in;
	struct new_body arrival;
	enum status status = prepare_commit(b, &arrival, why);

	if (status == OK)
		status = commit_run(b->engine, c, &arrival, why);
	if (status == OK) {
		*in = NULL;
		body_free(b);
	} else if (why == NULL || why->code != F_STATE_CHANGED) {
		body_abandon(in);
	}
	return status;
}

/* On the commit thread: a body in memory has no file to remove. */
static void finish_started(struct change *c)
{
	struct body *b = (struct body *)((char *)c - offsetof(struct body, change.change));
	struct write_completion *wait = b->wait;
	enum status status = c->status;

	commit_end(b->engine, &b->change);
	body_free(b);
	wait->done(wait, status);
}

static void body_start_finish(struct incoming **in, const struct object_commit *c, struct write_completion *w)
{
	struct body *b = (struct body *)*in;

	if (!b->in_memory) {
		w->done(w, body_finish(in, c, &w->why));
		return;
	}
	struct new_body arrival;
	enum status status = prepare_commit(b, &arrival, &w->why);

	*in = NULL;
	b->wait = w;
	if (status == OK)
		status = commit_prepare(&b->change, c, &arrival, &w->why);
	if (status != OK) {
		body_free(b);
		w->done(w, status);
		return;
	}
	b->change.change.done = finish_started;
	group_commit_start_change(&b->engine->group_commit, &b->change.change);
}

const struct bucket_store_ops staging_ops = {
	.begin = body_begin,
	.write = body_write,
	.patch = body_patch,
	.view = body_view,
	.finish = body_finish,
	.abandon = body_abandon,
	.open = objects_open,
	.start_finish = body_start_finish,
};
