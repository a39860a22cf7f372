/* A body on its way in: a file of incoming/ with the MD5 going along. begin and write run on a reactor
 * and touch the page cache alone; finish runs on a worker, which syncs its own file, so that many
 * syncs go side by side, and then waits for the committer. Whatever goes wrong removes the file. */
#include "local/incoming.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/mem.h"
#include "local/engine.h"
#include "local/io.h"
#include "local/objects.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

struct body {
	struct incoming base;
	struct engine *engine;
	int fd;
	uint64_t file;
	uint64_t size;
	uint64_t promised;             /* of the disk's room, not written yet */
	struct hash md5;
	unsigned char digest[MD5_BYTES];
	bool digested;
	void *map;
	enum status failed;            /* sticky */
	struct fault failure;
};

static enum status body_begin(struct bucket_store *s, uint64_t expected_bytes, struct incoming **out, struct fault *why)
{
	struct engine *e = engine_of_buckets(s);

	TRY(space_take(&e->space, expected_bytes, why));
	struct body *b = mem_new(1, sizeof *b);
	if (b == NULL) {
		space_give(&e->space, expected_bytes);
		return fault_set(why, OUT_OF_MEMORY, "There is no memory for this upload now; try again later.");
	}
	*b = (struct body){ .base = { &incoming_ops }, .engine = e, .promised = expected_bytes };
	b->fd = tree_create(&e->tree, &b->file);
	if (b->fd < 0) {
		enum status status = io_fault(why, errno, "make a file in incoming/");
		space_give(&e->space, expected_bytes);
		mem_free(b);
		return status;
	}
	hash_init(&b->md5, HASH_MD5);
	*out = &b->base;
	return OK;
}

static void keep_promise(struct body *b, uint64_t bytes)
{
	uint64_t n = bytes < b->promised ? bytes : b->promised;

	space_give(&b->engine->space, n);
	b->promised -= n;
}

static enum status give_up(struct body *b, enum status status, struct fault *why)
{
	b->failed = status;
	if (why != NULL)
		*why = b->failure;
	return status;
}

static enum status body_write(struct incoming *in, const void *p, size_t n, struct fault *why)
{
	struct body *b = (struct body *)in;

	assert(!b->digested);
	if (b->failed != OK)
		return give_up(b, b->failed, why);
	if (io_write_all(b->fd, p, n) != 0)
		return give_up(b, io_fault(&b->failure, errno, "write to incoming/"), why);
	hash_update(&b->md5, p, n);
	b->size += n;
	keep_promise(b, n);
	return OK;
}

static enum status digest(struct body *b, struct fault *why)
{
	if (b->failed != OK)
		return give_up(b, b->failed, why);
	if (b->digested)
		return OK;
	if (!hash_final(&b->md5, b->digest))
		return give_up(b, fault_set(&b->failure, OUT_OF_MEMORY, "There is no memory for this upload now; try again later."), why);
	b->digested = true;
	return OK;
}

static enum status body_view(struct incoming *in, struct str *bytes, unsigned char md5[16], struct fault *why)
{
	struct body *b = (struct body *)in;

	TRY(digest(b, why));
	if (b->map == NULL && b->size > 0) {
		void *map = mmap(NULL, b->size, PROT_READ, MAP_SHARED, b->fd, 0);
		if (map == MAP_FAILED)
			return give_up(b, io_fault(&b->failure, errno, "map a body"), why);
		b->map = map;
	}
	*bytes = (struct str){ b->map, b->size };
	memcpy(md5, b->digest, MD5_BYTES);
	return OK;
}

static void unmap(struct body *b)
{
	if (b->map != NULL)
		(void)munmap(b->map, b->size);
	b->map = NULL;
}

static void body_free(struct body *b)
{
	keep_promise(b, b->promised);
	hash_deinit(&b->md5);
	unmap(b);
	io_close(b->fd);
	mem_free(b);
}

static void body_abandon(struct incoming **in)
{
	struct body *b = (struct body *)*in;

	*in = NULL;
	tree_drop(&b->engine->tree, b->file);
	body_free(b);
}

static enum status commit(struct body *b, const struct object_commit *c, struct fault *why)
{
	char etag[2 * MD5_BYTES + 1];

	TRY(digest(b, why));
	/* Mapped pages count as ours: many bodies may wait here for their syncs. */
	unmap(b);
	if (local_io.fdatasync(b->fd) != 0)
		return io_fault(why, errno, "sync a body");
	hex_encode(b->digest, MD5_BYTES, etag);
	struct arrival arrival = { b->file, b->size, str_of(etag), clock_now_ms() };
	return objects_commit(b->engine, c, &arrival, why);
}

static enum status body_finish(struct incoming **in, const struct object_commit *c, struct fault *why)
{
	struct body *b = (struct body *)*in;
	enum status status = commit(b, c, why);

	if (status != OK) {
		body_abandon(in);
		return status;
	}
	*in = NULL;
	body_free(b);
	return OK;
}

const struct bucket_store_ops incoming_ops = {
	.begin = body_begin,
	.write = body_write,
	.view = body_view,
	.finish = body_finish,
	.abandon = body_abandon,
	.open = objects_open,
	.has_bucket = objects_has_bucket,
};
