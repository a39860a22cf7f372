/* POST /images/delete: many images, a batch after the other, each batch in one commit where the table can. Runs on workers.
 *
 * The response says of each what has become of it. When time or storage runs out, the rest is as it was, and is named so: the client sends
 * what is left again. */
#include "api/access.h"

#include "api/body.h"
#include "base/clock.h"
#include "base/log/log.h"
#include "base/writer.h"
#include "image/image_service.h"

#define ROW_MAX_BYTES 65536
#define ANSWER_MAX_BYTES ((size_t)256 << 10)

/* Those of a batch that are there and the caller's own; the others are left false. */
static enum status delete_batch(struct api_call *c, const struct str *ids, size_t n, bool *deleted, struct fault *why)
{
	struct arena scratch CLEANUP(arena_deinit);
	struct image_row rows[REMOVE_MANY_MAX];
	bool removed[REMOVE_MANY_MAX];
	size_t place[REMOVE_MANY_MAX], n_rows = 0;

	arena_init(&scratch, REMOVE_MANY_MAX * (size_t)ROW_MAX_BYTES);
	for (size_t i = 0; i < n; i++) {
		enum status st = fault_blame_arena(&scratch, table_get(c->api->product->table, ids[i], &scratch, &rows[n_rows], why), why);
		if (st != OK && st != NOT_FOUND)
			return st;
		if (st == OK && access_sees(c, &rows[n_rows]))
			place[n_rows++] = i;
	}
	enum status st = image_service_remove_many(c->api->product, rows, n_rows, removed, why);
	for (size_t i = 0; i < n_rows; i++) {
		deleted[place[i]] = removed[i];
		if (removed[i])
			LOG(IMAGE_DELETED, c->x->request.id, LOG_S("imageId", rows[i].image_id), LOG_C("by", caller_kind_name(&c->caller)));
	}
	return st;
}

static void write_result(struct buf *b, struct str image_id, bool is_deleted, enum fault_code code)
{
	writer_open(b, STR(""), '{');
	writer_text(b, STR("imageId"), image_id);
	writer_bool(b, STR("deleted"), is_deleted);
	if (!is_deleted)
		writer_text(b, STR("code"), str_of(fault_name(code)));
	writer_close(b, '}');
}

enum status images_delete_many(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct id_list list;
	struct buf b;
	struct fault failed = { .code = F_NONE };
	enum status status = OK;
	uint64_t n_deleted = 0;
	int64_t until_ms = clock_mono_ms() + LONG_CALL_MS;

	TRY(body_read_ids(c->arena, buf_str(&c->body), &list, why));
	buf_init_arena(&b, c->arena, ANSWER_MAX_BYTES);
	writer_open(&b, STR(""), '{');
	writer_open(&b, STR("results"), '[');
	for (size_t at = 0; at < list.n; at += REMOVE_MANY_MAX) {
		bool deleted[REMOVE_MANY_MAX] = { false };
		size_t n = list.n - at < REMOVE_MANY_MAX ? list.n - at : REMOVE_MANY_MAX;
		if (status == OK && clock_mono_ms() > until_ms)
			status = fault_set(&failed, DEADLINE, "The rest was not deleted in time.");
		else if (status == OK)
			status = delete_batch(c, list.ids + at, n, deleted, &failed);
		for (size_t i = 0; i < n; i++) {
			n_deleted += deleted[i];
			write_result(&b, list.ids[at + i], deleted[i], status == OK ? F_NO_SUCH_IMAGE : failed.code);
		}
	}
	writer_close(&b, ']');
	writer_number(&b, STR("deleted"), n_deleted);
	writer_close(&b, '}');
	if (status != OK)
		LOG(STORE_FAILED, c->x->request.id, LOG_C("cause", failed.cause[0] != '\0' ? failed.cause : failed.text));
	return call_json(c, &b, why);
}
