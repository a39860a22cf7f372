/* The embedded engine: files and SQLite in the data directory, with its own S3 handler. */
#include "app/backends.h"
#include "app/image_rules.h"
#include "store/store.h"

static enum status check_ready(struct backends *e, struct fault *why)
{
	return engine_ready(e->own, why);
}

static void measure_space(struct backends *e)
{
	engine_measure(e->own);
}

static void watch_rows(struct backends *e, void (*changed)(void *arg, struct str key), void *arg)
{
	engine_watch(e->own, changed, arg);
}

static enum status compact_store(struct backends *e, uint64_t *before, uint64_t *after, struct fault *why)
{
	return engine_compact(e->own, before, after, why);
}

static enum status set_delivery_key(struct backends *e, struct str key, struct fault *why)
{
	return engine_set_delivery_key(e->own, key, why);
}

static void close_engine(struct backends *e)
{
	struct engine *engine = e->own;
	engine_free(&engine);
}

enum status backends_open_local(const struct settings *s, const char *storage_url, bool fills, struct backends *out, struct fault *why)
{
	assert(s != NULL);
	assert(storage_url != NULL);
	assert(out != NULL);
	struct engine *engine;
	bool named = s->public_storage_url[0] != '\0';
	struct engine_options o = {
		.dir = s->data_dir,
		.bucket = str_of(s->bucket),
		.region = s->region[0] != '\0' ? str_of(s->region) : STR("us-east-1"),
		.public_url = str_of(named ? s->public_storage_url : storage_url),
		.max_pending = s->max_pending,
		.quota = quota_of(s),
		.reserve_bytes = s->reserve_bytes,
		.small_bytes = BUCKET_SMALL_BYTES,
		.is_migration = fills,
	};
	TRY(engine_open(&o, &engine, why));
	*out = (struct backends){ .store = &engine_ports(engine)->store,
		.table = &engine_ports(engine)->table,
		.users = &engine_ports(engine)->users,
		.api_keys = &engine_ports(engine)->api_keys,
		.admin_query = &engine_ports(engine)->admin_query,
		.storage_url = o.public_url,
		.bucket = &engine_ports(engine)->buckets,
		.catalog = &engine_ports(engine)->catalog,
		.parts = &engine_ports(engine)->parts,
		.outbox = &engine_ports(engine)->outbox,
		.transfer = &engine_ports(engine)->transfer,
		.history = &engine_ports(engine)->history,
		.keys = engine_ports(engine)->ring,
		.check = &engine_ports(engine)->check,
		.delivery_key = engine_delivery_key(engine),
		.region = o.region,
		.ready = check_ready,
		.watch = watch_rows,
		.measure = measure_space,
		.compact = compact_store,
		.set_delivery_key = set_delivery_key,
		.close = close_engine,
		.own = engine };
	return OK;
}

enum status backends_open_local_beside(const struct settings *s, struct backends *out, struct fault *why)
{
	assert(s != NULL);
	assert(out != NULL);
	struct engine *engine;
	TRY(engine_open_beside(&(struct engine_options){ .dir = s->data_dir, .bucket = str_of(s->bucket) }, &engine, why));
	*out = (struct backends){ .store = &engine_ports(engine)->store,
		.table = &engine_ports(engine)->table,
		.users = &engine_ports(engine)->users,
		.api_keys = &engine_ports(engine)->api_keys,
		.bucket = &engine_ports(engine)->buckets,
		.catalog = &engine_ports(engine)->catalog,
		.transfer = &engine_ports(engine)->transfer,
		.delivery_key = engine_delivery_key(engine),
		.check = &engine_ports(engine)->check,
		.close = close_engine,
		.own = engine };
	return OK;
}
