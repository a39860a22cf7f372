/* S3 and DynamoDB. No request is made while they are opened: a server may start before they can be
 * reached; /readyz reports that they cannot. Only the key of a CDN is read, without which it could make no link. */
#include "base/clock.h"
#include "base/op_deadline.h"
#include "base/mem.h"
#include "app/aws_adapters.h"
#include "app/backends.h"

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

static void close_engines(struct backends *e)
{
	aws_adapters_free(e->own);
	mem_free(e->own);
}

enum status backends_open_cloud(const struct settings *s, bool fills, struct backends *out, struct fault *why)
{
	assert(s != NULL);
	assert(out != NULL);
	struct aws_adapters *own = mem_new(1, sizeof(*own));
	if (own == NULL)
		return fault_no_memory(why);
	struct backends e = { .ready = check_ready, .close = close_engines, .own = own };
	enum status opened = aws_adapters_open(own, s, !fills, why);
	if (opened == OK)
		opened = aws_adapters_open_cdn(own, s, why);
	if (opened != OK) {
		close_engines(&e);
		return opened;
	}
	e.store = own->store;
	e.table = own->table;
	e.users = dynamo_users(own->table);
	e.api_keys = dynamo_api_keys(own->table);
	e.outbox = dynamo_outbox(own->table);
	e.transfer = dynamo_transfer(own->table);
	e.cdn = own->cdn;
	e.storage_url = s3_store_url(own->store);
	*out = e;
	return OK;
}
