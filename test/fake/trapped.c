/* See trapped.h. Each port is a pair: its own struct, and the engine's after it. */
#include "fake/trapped.h"

#include "base/mem.h"
#include "fake/trap.h"
#include "store/store.h"

#include <assert.h>
#include <ftw.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct trapped {
	struct bucket_store buckets;
	struct bucket_catalog catalog;
	struct part_store parts;
	struct image_table table;
	struct trap calls, table_calls;
	struct engine *engine;
	size_t open_bodies;
	char dir[64];
};

struct trapped_body {
	struct incoming port;
	struct trapped *t;
	struct incoming *inner;
	bool bad; /* a write failed: so will finish */
};

#define SELF(port, field) ((struct trapped *)((char *)(port)-offsetof(struct trapped, field)))

/* Run `call`, an expression that gives a status, as a call of the trap; the function returns. */
#define TRAPPED(trap, call, why) \
	do { \
		TRY(trap_enter((trap), (why))); \
		enum status end_ = (call); \
		return trap_leave((trap), end_, (why)); \
	} while (0)

/* bodies */

static struct trapped_body *body_of(struct incoming *in)
{
	return (struct trapped_body *)in;
}

static void free_body(struct incoming **in)
{
	struct trapped_body *b = body_of(*in);
	pthread_mutex_lock(&b->t->calls.lock);
	b->t->open_bodies--;
	pthread_mutex_unlock(&b->t->calls.lock);
	mem_free(b);
	*in = NULL;
}

static void abandon(struct incoming **in)
{
	bucket_abandon(&body_of(*in)->inner);
	free_body(in);
}

static enum status begin(struct bucket_store *port, uint64_t expected_bytes, struct incoming **out, struct fault *why)
{
	struct trapped *t = SELF(port, buckets);
	struct incoming *inner = NULL;
	TRY(trap_enter(&t->calls, why));
	enum status end = bucket_begin(&engine_ports(t->engine)->buckets, expected_bytes, &inner, why);
	t->open_bodies += end == OK;
	end = trap_leave(&t->calls, end, why);
	if (inner == NULL)
		return end;
	struct trapped_body *b = mem_new(1, sizeof(*b));
	assert(b != NULL);
	*b = (struct trapped_body){ .port.ops = port->ops, .t = t, .inner = inner };
	*out = &b->port;
	if (end != OK)
		abandon(out);
	return end;
}

static enum status write_inner(struct trapped_body *b, struct str bytes, struct fault *why)
{
	TRAPPED(&b->t->calls, bucket_write(b->inner, bytes.p, bytes.n, why), why);
}

static enum status write_bytes(struct incoming *in, const void *p, size_t n, struct fault *why)
{
	enum status end = write_inner(body_of(in), (struct str){ p, n }, why);
	body_of(in)->bad |= end != OK;
	return end;
}

static enum status patch_inner(struct trapped_body *b, uint64_t at, struct str bytes, struct fault *why)
{
	TRAPPED(&b->t->calls, bucket_patch(b->inner, at, bytes.p, bytes.n, why), why);
}

static enum status patch(struct incoming *in, uint64_t at, const void *p, size_t n, struct fault *why)
{
	enum status end = patch_inner(body_of(in), at, (struct str){ p, n }, why);
	body_of(in)->bad |= end != OK;
	return end;
}

static enum status view(struct incoming *in, struct str *bytes, unsigned char md5[16], struct fault *why)
{
	TRAPPED(&body_of(in)->t->calls, bucket_view(body_of(in)->inner, bytes, md5, why), why);
}

static enum status finish_inner(struct trapped_body *b, const struct object_commit *c, struct fault *why)
{
	if (b->bad)
		return fault_set(why, STORAGE_FAILED, "a piece of the body could not be kept");
	TRAPPED(&b->t->calls, bucket_finish(&b->inner, c, why), why);
}

static enum status finish(struct incoming **in, const struct object_commit *c, struct fault *why)
{
	enum status end = finish_inner(body_of(*in), c, why);
	if (end != CONFLICT || why->code != F_STATE_CHANGED)
		abandon(in);
	return end;
}

static void start_finish(struct incoming **in, const struct object_commit *c, struct write_completion *w)
{
	w->done(w, finish(in, c, &w->why));
}

static enum status open_object(
	struct bucket_store *port, struct str bucket, struct str key, struct arena *a, struct object_file *out, struct fault *why)
{
	struct trapped *t = SELF(port, buckets);
	struct object_file f = { .fd = -1 };
	TRY(trap_enter(&t->calls, why));
	enum status end = bucket_open(&engine_ports(t->engine)->buckets, bucket, key, a, &f, why);
	end = trap_leave(&t->calls, end, why);
	if (end == OK)
		*out = f;
	else
		object_file_close(&f);
	return end;
}

static const struct bucket_store_ops buckets_ops = { .begin = begin,
	.write = write_bytes,
	.patch = patch,
	.view = view,
	.finish = finish,
	.abandon = abandon,
	.open = open_object,
	.start_finish = start_finish };

/* the catalog */

#define CATALOG(port) &engine_ports(SELF(port, catalog)->engine)->catalog
#define CATALOG_TRAP(port) (&SELF(port, catalog)->calls)

static enum status create(struct bucket_catalog *c, struct str name, struct str owner, struct fault *why)
{
	TRAPPED(CATALOG_TRAP(c), catalog_create(CATALOG(c), name, owner, why), why);
}

static enum status info(struct bucket_catalog *c, struct str name, struct arena *a, struct bucket_info *out, struct fault *why)
{
	TRAPPED(CATALOG_TRAP(c), catalog_info(CATALOG(c), name, a, out, why), why);
}

static enum status remove_bucket(struct bucket_catalog *c, struct str name, struct fault *why)
{
	TRAPPED(CATALOG_TRAP(c), catalog_remove(CATALOG(c), name, why), why);
}

static enum status list(struct bucket_catalog *c, struct str owner, struct str after, uint32_t limit, struct arena *a,
	struct bucket_page *out, struct fault *why)
{
	TRAPPED(CATALOG_TRAP(c), catalog_list(CATALOG(c), owner, after, limit, a, out, why), why);
}

static enum status set_cors(struct bucket_catalog *c, struct str name, struct str cors, struct fault *why)
{
	TRAPPED(CATALOG_TRAP(c), catalog_set_cors(CATALOG(c), name, cors, why), why);
}

static enum status list_objects(
	struct bucket_catalog *c, const struct object_query *q, struct arena *a, struct listing *out, struct fault *why)
{
	TRAPPED(CATALOG_TRAP(c), catalog_list_objects(CATALOG(c), q, a, out, why), why);
}

static enum status remove_objects(struct bucket_catalog *c, struct str bucket, struct object_removal *all, size_t n, struct fault *why)
{
	TRAPPED(CATALOG_TRAP(c), catalog_remove_objects(CATALOG(c), bucket, all, n, why), why);
}

static const struct bucket_catalog_ops catalog_ops = { .create = create,
	.info = info,
	.remove = remove_bucket,
	.list = list,
	.set_cors = set_cors,
	.list_objects = list_objects,
	.remove_objects = remove_objects };

/* parts */

#define PARTS(port) &engine_ports(SELF(port, parts)->engine)->parts
#define PARTS_TRAP(port) (&SELF(port, parts)->calls)

static enum status start(struct part_store *p, const struct part_upload *u, struct arena *a, struct str *id, struct fault *why)
{
	TRAPPED(PARTS_TRAP(p), parts_start(PARTS(p), u, a, id, why), why);
}

static enum status find(
	struct part_store *p, struct str bucket, struct str key, struct str id, struct arena *a, struct part_upload *out, struct fault *why)
{
	TRAPPED(PARTS_TRAP(p), parts_find(PARTS(p), bucket, key, id, a, out, why), why);
}

static enum status list_uploads(
	struct part_store *p, const struct part_upload_query *q, struct arena *a, struct part_upload_page *out, struct fault *why)
{
	TRAPPED(PARTS_TRAP(p), parts_list_uploads(PARTS(p), q, a, out, why), why);
}

static enum status list_parts(
	struct part_store *p, struct str id, uint32_t after, uint32_t limit, struct arena *a, struct part_page *out, struct fault *why)
{
	TRAPPED(PARTS_TRAP(p), parts_list(PARTS(p), id, after, limit, a, out, why), why);
}

static enum status complete(
	struct part_store *p, const struct part_completion *c, struct arena *a, struct object_info *out, struct fault *why)
{
	TRAPPED(PARTS_TRAP(p), parts_complete(PARTS(p), c, a, out, why), why);
}

static enum status abort_upload(struct part_store *p, struct str bucket, struct str key, struct str id, struct fault *why)
{
	TRAPPED(PARTS_TRAP(p), parts_abort(PARTS(p), bucket, key, id, why), why);
}

static enum status end_older(struct part_store *p, int64_t before_ms, uint32_t *ended, struct fault *why)
{
	TRAPPED(PARTS_TRAP(p), parts_end_older(PARTS(p), before_ms, ended, why), why);
}

static const struct part_store_ops parts_ops = { .start = start,
	.find = find,
	.list_uploads = list_uploads,
	.list_parts = list_parts,
	.complete = complete,
	.abort = abort_upload,
	.end_older = end_older };

/* the table */

#define TABLE(port) &engine_ports(SELF(port, table)->engine)->table
#define TABLE_TRAP(port) (&SELF(port, table)->table_calls)

static enum status enter_only(struct trap *trap, struct fault *why)
{
	TRAPPED(trap, OK, why);
}

static void start_insert(struct image_table *t, const struct image_row *row, struct arena *a, struct write_completion *w)
{
	enum status end = enter_only(TABLE_TRAP(t), &w->why);
	if (end == OK)
		table_start_insert(TABLE(t), row, a, w);
	else
		w->done(w, end);
}

static enum status get(struct image_table *t, struct str id, struct arena *a, struct image_row *out, struct fault *why)
{
	TRAPPED(TABLE_TRAP(t), table_get(TABLE(t), id, a, out, why), why);
}

static enum status resolve(struct image_table *t, const struct resolution *s, struct arena *a, struct image_row *now, struct fault *why)
{
	TRAPPED(TABLE_TRAP(t), table_resolve(TABLE(t), s, a, now, why), why);
}

static enum status change(struct image_table *t, const struct image_change *c, struct arena *a, struct image_row *now, struct fault *why)
{
	TRAPPED(TABLE_TRAP(t), table_change(TABLE(t), c, a, now, why), why);
}

static enum status remove_row(struct image_table *t, struct str id, int64_t ended_by_ms, struct fault *why)
{
	TRAPPED(TABLE_TRAP(t), table_remove(TABLE(t), id, ended_by_ms, why), why);
}

static enum status list_rows(struct image_table *t, const struct image_query *q, struct arena *a, struct image_page *out, struct fault *why)
{
	TRAPPED(TABLE_TRAP(t), table_list(TABLE(t), q, a, out, why), why);
}

static enum status due(struct image_table *t, int64_t now_ms, uint32_t limit, struct arena *a, struct image_page *out, struct fault *why)
{
	TRAPPED(TABLE_TRAP(t), table_due(TABLE(t), now_ms, limit, a, out, why), why);
}

static enum status counts(struct image_table *t, struct image_counts *out, struct fault *why)
{
	TRAPPED(TABLE_TRAP(t), table_counts(TABLE(t), out, why), why);
}

static const struct image_table_ops table_ops = { .starts_without_waiting = true,
	.start_insert = start_insert,
	.get = get,
	.resolve = resolve,
	.change = change,
	.remove = remove_row,
	.list = list_rows,
	.due = due,
	.counts = counts };

/* the whole */

/* In memory where there is such a directory: what is tested here does not depend on a disk. */
static void make_dir(struct trapped *t)
{
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
	snprintf(t->dir, sizeof(t->dir), "%.40s/trapped-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(t->dir) == NULL) {
		perror(t->dir);
		abort();
	}
}

struct trapped *trapped_new(struct str bucket, uint64_t max_pending)
{
	struct trapped *t = mem_new(1, sizeof(*t));
	struct fault why = { 0 };
	assert(t != NULL);
	make_dir(t);
	struct engine_options o = { .dir = t->dir,
		.bucket = bucket,
		.region = STR("us-east-1"),
		.public_url = STR("http://127.0.0.1:9000"),
		.max_pending = max_pending,
		.small_bytes = BUCKET_SMALL_BYTES };
	if (engine_open(&o, &t->engine, &why) != OK) {
		fprintf(stderr, "trapped: %s %s\n", why.text, why.cause);
		abort();
	}
	t->buckets.ops = &buckets_ops;
	t->catalog.ops = &catalog_ops;
	t->parts.ops = &parts_ops;
	t->table.ops = &table_ops;
	trap_init(&t->calls);
	trap_init(&t->table_calls);
	return t;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

void trapped_free(struct trapped **at)
{
	struct trapped *t = *at;
	if (t == NULL)
		return;
	assert(t->open_bodies == 0);
	engine_free(&t->engine);
	(void)nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	trap_deinit(&t->calls);
	trap_deinit(&t->table_calls);
	mem_free(t);
	*at = NULL;
}

struct bucket_store *trapped_buckets(struct trapped *t)
{
	return &t->buckets;
}

struct bucket_catalog *trapped_catalog(struct trapped *t)
{
	return &t->catalog;
}

struct part_store *trapped_parts(struct trapped *t)
{
	return &t->parts;
}

struct image_table *trapped_table(struct trapped *t)
{
	return &t->table;
}

struct object_store *trapped_store(struct trapped *t)
{
	return &engine_ports(t->engine)->store;
}

void trapped_fail_nth(struct trapped *t, uint64_t n, enum fault_code code)
{
	trap_fail(&t->calls, n, code);
}

void trapped_table_fail_nth(struct trapped *t, uint64_t n, enum fault_code code)
{
	trap_fail(&t->table_calls, n, code);
}

void trapped_lose_nth(struct trapped *t, uint64_t n, enum fault_code code)
{
	trap_lose(&t->calls, n, code);
}

void trapped_meet_nth(struct trapped *t, uint64_t n, void (*meet)(void *arg), void *arg)
{
	trap_meet(&t->calls, n, meet, arg);
}

uint64_t trapped_calls(struct trapped *t)
{
	return trap_calls(&t->calls);
}

size_t trapped_open_bodies(struct trapped *t)
{
	pthread_mutex_lock(&t->calls.lock);
	size_t n = t->open_bodies;
	pthread_mutex_unlock(&t->calls.lock);
	return n;
}

size_t trapped_count(struct trapped *t)
{
	struct arena a;
	struct fault why;
	struct object_page page = { 0 };
	arena_init(&a, 1 << 20);
	enum status status = store_list(trapped_store(t), STR(""), STR(""), 1000, &a, &page, &why);
	assert(status == OK);
	arena_deinit(&a);
	return page.n;
}
