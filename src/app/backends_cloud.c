/* S3, and DynamoDB or PostgreSQL. No request is made while they are opened: a server may start before they can be
 * reached; /readyz reports that they cannot. Only the key of a CDN is read, without which it could make no link. */
#include "base/clock.h"
#include "base/op_deadline.h"
#include "base/mem.h"
#include "app/aws_adapters.h"
#include "app/backends.h"
#include "app/backends_postgres.h"
#include "config/table_url.h"

#define READY_WITHIN_MS 3000
#define SCRATCH_BYTES ((size_t)64 << 10)
/* Unused: no slot has such a key, and no image such an id. */
#define NO_KEY STR("images/ready")
#define NO_ID STR("00000000-0000-4000-8000-000000000000")

/* A read of what is not there is the cheapest call that needs bucket and table, and the rights to both. */
static enum status check_both(struct backends *e, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct object object;
	struct image_row row;
	arena_init(&a, SCRATCH_BYTES);
	enum status got = table_get(e->table, NO_ID, &a, &row, why);
	if (got != OK && !(got == NOT_FOUND && why->code == F_NO_SUCH_IMAGE))
		return got;
	got = store_get(e->store, NO_KEY, 1, &a, &object, why);
	return got == OK || got == LIMIT || (got == NOT_FOUND && why->code == F_NO_SUCH_KEY) ? OK : got;
}

static enum status check_ready(struct backends *e, struct fault *why)
{
	struct fault found = { 0 };
	op_deadline_set(clock_mono_ms() + READY_WITHIN_MS);
	enum status got = check_both(e, &found);
	op_deadline_set(0);
	if (got != OK && why != NULL)
		*why = found;
	return got;
}

struct remote {
	struct aws_adapters aws;
	struct postgres *postgres; /* NULL: the table is in DynamoDB */
};

static void close_engines(struct backends *e)
{
	struct remote *own = e->own;
	backends_postgres_free(&own->postgres);
	aws_adapters_free(&own->aws);
	mem_free(own);
}

static bool lead_by_lease(struct backends *e, int64_t lease_ms)
{
	struct remote *own = e->own;
	return backends_postgres_lead(own->postgres, lease_ms);
}

static enum status open_table(struct remote *own, const struct settings *s, bool fills, struct backends *e, struct fault *why)
{
	if (table_url_is(str_of(s->table))) {
		TRY(aws_adapters_open_store(&own->aws, s, why));
		e->lead = lead_by_lease;
		return backends_postgres_open(s, fills, &own->postgres, e, why);
	}
	TRY(aws_adapters_open(&own->aws, s, !fills, why));
	e->table = own->aws.table;
	e->users = dynamo_users(e->table);
	e->api_keys = dynamo_api_keys(e->table);
	e->outbox = dynamo_outbox(e->table);
	e->transfer = dynamo_transfer(e->table);
	return OK;
}

enum status backends_open_cloud(const struct settings *s, bool fills, struct backends *out, struct fault *why)
{
	assert(s != NULL);
	assert(out != NULL);
	struct remote *own = mem_new(1, sizeof(*own));
	if (own == NULL)
		return fault_no_memory(why);
	struct backends e = { .ready = check_ready, .close = close_engines, .own = own };
	enum status opened = open_table(own, s, fills, &e, why);
	if (opened == OK)
		opened = aws_adapters_open_cdn(&own->aws, s, why);
	if (opened != OK) {
		close_engines(&e);
		return opened;
	}
	e.store = own->aws.store;
	e.cdn = own->aws.cdn;
	e.storage_url = s3_store_url(own->aws.store);
	*out = e;
	return OK;
}
