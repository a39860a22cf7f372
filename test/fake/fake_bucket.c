/* The bucket store in memory. A body is a buffer; finish settles the row with the put of the object
 * as the part that must succeed with it, so that both happen under the table's lock. */
#include "fake/fake_bucket.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include <assert.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define BODY_MAX_BYTES ((size_t)64 << 20)

struct fake_bucket {
	struct bucket_store port;
	struct bucket_catalog catalog;
	struct trap trap;
	struct fake_table *table;
	struct fake_store *store;
	struct str name;
	size_t open_bodies;
};

struct fake_incoming {
	struct incoming port;
	struct fake_bucket *bucket;
	struct buf bytes;
	bool bad;      /* a write failed: so will finish */
	bool viewed;
};

static struct fake_bucket *self(struct bucket_store *port)
{
	return (struct fake_bucket *)port;
}

static struct fake_incoming *body_of(struct incoming *in)
{
	return (struct fake_incoming *)in;
}

static enum status begin(struct bucket_store *port, uint64_t expected_bytes, struct incoming **out, struct fault *why)
{
	struct fake_bucket *b = self(port);
	(void)expected_bytes;
	TRY(trap_enter(&b->trap, why));
	struct fake_incoming *in = mem_new(1, sizeof(*in));
	assert(in != NULL);
	in->port.ops = port->ops;
	in->bucket = b;
	buf_init(&in->bytes, BODY_MAX_BYTES);
	b->open_bodies++;
	enum status end = trap_leave(&b->trap, OK, why);
	*out = &in->port;
	if (end != OK)
		bucket_abandon(out);
	return end;
}

static enum status write_bytes(struct incoming *port, const void *p, size_t n, struct fault *why)
{
	struct fake_incoming *in = body_of(port);
	assert(!in->viewed);
	enum status end = trap_enter(&in->bucket->trap, why);
	if (end == OK) {
		buf_put(&in->bytes, (struct str){ p, n });
		end = trap_leave(&in->bucket->trap, buf_ok(&in->bytes) ? OK : fault_set(why, STORAGE_FAILED, "the body is too large to keep"), why);
	}
	in->bad |= end != OK;
	return end;
}

static enum status view(struct incoming *port, struct str *bytes, unsigned char md5[16], struct fault *why)
{
	struct fake_incoming *in = body_of(port);
	struct hash h;
	TRY(trap_enter(&in->bucket->trap, why));
	in->viewed = true;
	*bytes = buf_str(&in->bytes);
	hash_init(&h, HASH_MD5);
	hash_update(&h, bytes->p, bytes->n);
	bool done = hash_final(&h, md5);
	return trap_leave(&in->bucket->trap, done ? OK : fault_set(why, OUT_OF_MEMORY, "memory ran out"), why);
}

static void abandon(struct incoming **port)
{
	struct fake_incoming *in = body_of(*port);
	struct fake_bucket *b = in->bucket;
	buf_deinit(&in->bytes);
	mem_free(in);
	pthread_mutex_lock(&b->trap.lock);
	b->open_bodies--;
	pthread_mutex_unlock(&b->trap.lock);
	*port = NULL;
}

struct put_job {
	struct fake_bucket *bucket;
	const struct object_commit *commit;
	struct str body;
};

static enum status put_now(struct put_job *j, struct fault *why)
{
	return store_put(fake_store_port(j->bucket->store), j->commit->key, j->commit->content_type, j->body, why);
}

static enum status put_new(void *arg, struct fault *why)
{
	struct put_job *j = arg;
	struct arena a;
	struct object_info info;
	arena_init(&a, 16 << 10);
	enum status found = store_head(fake_store_port(j->bucket->store), j->commit->key, &a, &info, why);
	arena_deinit(&a);
	if (found == OK)
		return fault_set(why, STATE_CHANGED, "an object is there already");
	if (found != NOT_FOUND)
		return found;
	return put_now(j, why);
}

static enum status commit(struct fake_incoming *in, const struct object_commit *c, struct fault *why)
{
	struct put_job job = { in->bucket, c, buf_str(&in->bytes) };
	if (in->bad)
		return fault_set(why, STORAGE_FAILED, "a piece of the body could not be kept");
	if (!str_equal(c->bucket, in->bucket->name))
		return fault_set(why, NO_SUCH_BUCKET, "no such bucket");
	if (c->settle == NULL)
		return put_now(&job, why);
	return fake_table_settle_with(in->bucket->table, c->settle, c->arena, c->now, put_new, &job, why);
}

static enum status finish(struct incoming **port, const struct object_commit *c, struct fault *why)
{
	struct fake_incoming *in = body_of(*port);
	struct fake_bucket *b = in->bucket;
	enum status end = trap_enter(&b->trap, why);
	if (end == OK)
		end = trap_leave(&b->trap, commit(in, c, why), why);
	abandon(port);
	return end;
}

static int file_of(struct str body)
{
	int fd = memfd_create("object", MFD_CLOEXEC);
	assert(fd >= 0);
	for (size_t at = 0; at < body.n;) {
		ssize_t n = write(fd, body.p + at, body.n - at);
		assert(n > 0);
		at += (size_t)n;
	}
	return fd;
}

static enum status open_file(struct fake_bucket *b, struct str bucket, struct str key, struct arena *a, struct object_file *out, struct fault *why)
{
	struct arena scratch;
	struct object o;
	if (!str_equal(bucket, b->name))
		return fault_set(why, NO_SUCH_BUCKET, "no such bucket");
	TRY(store_head(fake_store_port(b->store), key, a, &out->info, why));
	arena_init(&scratch, BODY_MAX_BYTES);
	enum status end = store_get(fake_store_port(b->store), key, BODY_MAX_BYTES, &scratch, &o, why);
	if (end == OK)
		out->fd = file_of(o.body);
	arena_deinit(&scratch);
	return end;
}

static enum status open_object(struct bucket_store *port, struct str bucket, struct str key, struct arena *a, struct object_file *out, struct fault *why)
{
	struct fake_bucket *b = self(port);
	struct object_file file = { .fd = -1 };
	TRY(trap_enter(&b->trap, why));
	enum status end = trap_leave(&b->trap, open_file(b, bucket, key, a, &file, why), why);
	if (end == OK)
		*out = file;
	if (end != OK && file.fd >= 0)
		close(file.fd);
	return end;
}

static void start_finish(struct incoming **port, const struct object_commit *c, struct table_wait *w)
{
	w->done(w, finish(port, c, &w->why));
}

static const struct bucket_store_ops ops = {
	.begin = begin, .write = write_bytes, .view = view, .finish = finish, .abandon = abandon,
	.open = open_object, .start_finish = start_finish,
};

static enum status info(struct bucket_catalog *port, struct str bucket, struct arena *a, struct bucket_info *out, struct fault *why)
{
	struct fake_bucket *b = (struct fake_bucket *)((char *)port - offsetof(struct fake_bucket, catalog));
	(void)a;
	TRY(trap_enter(&b->trap, why));
	enum status end = str_equal(bucket, b->name) ? OK : fault_set(why, NO_SUCH_BUCKET, "no such bucket");
	if (end == OK)
		*out = (struct bucket_info){ .name = b->name, .owner = STR("tintype"), .created_ms = 1 };
	return trap_leave(&b->trap, end, why);
}

static const struct bucket_catalog_ops catalog_ops = { .info = info };

struct fake_bucket *fake_bucket_new(struct fake_table *t, struct fake_store *s, struct str name)
{
	struct fake_bucket *b = mem_new(1, sizeof(*b));
	assert(b != NULL);
	b->port.ops = &ops;
	b->catalog.ops = &catalog_ops;
	b->table = t;
	b->store = s;
	b->name = name;
	trap_init(&b->trap);
	fake_table_hold(t, s);
	return b;
}

void fake_bucket_free(struct fake_bucket **b)
{
	if (*b == NULL)
		return;
	assert((*b)->open_bodies == 0);
	trap_deinit(&(*b)->trap);
	mem_free(*b);
	*b = NULL;
}

struct bucket_store *fake_bucket_port(struct fake_bucket *b)
{
	return &b->port;
}

struct bucket_catalog *fake_bucket_catalog(struct fake_bucket *b)
{
	return &b->catalog;
}

void fake_bucket_fail_nth(struct fake_bucket *b, uint64_t n, enum fault_code code)
{
	trap_fail(&b->trap, n, code);
}

void fake_bucket_lose_nth(struct fake_bucket *b, uint64_t n, enum fault_code code)
{
	trap_lose(&b->trap, n, code);
}

void fake_bucket_meet_nth(struct fake_bucket *b, uint64_t n, void (*meet)(void *arg), void *arg)
{
	trap_meet(&b->trap, n, meet, arg);
}

uint64_t fake_bucket_calls(struct fake_bucket *b)
{
	return trap_calls(&b->trap);
}

size_t fake_bucket_open_bodies(struct fake_bucket *b)
{
	pthread_mutex_lock(&b->trap.lock);
	size_t n = b->open_bodies;
	pthread_mutex_unlock(&b->trap.lock);
	return n;
}
