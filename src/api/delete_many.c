/* POST /images/delete: many images, one after the other, each as DELETE of it. Runs on workers.
 *
 * The response says of each what has become of it. When time or storage runs out, the rest is as it was, and is named so: the client sends
 * what is left again. */
#include "api/access.h"

#include "api/body.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/writer.h"
#include "image/image_service.h"

#define ROW_MAX_BYTES 65536
#define ANSWER_MAX_BYTES ((size_t)256 << 10)

static enum status delete_one(struct api_call *c, struct str image_id, struct fault *why)
{
	struct arena scratch CLEANUP(arena_deinit);
	struct image_row row;

	arena_init(&scratch, ROW_MAX_BYTES);
	TRY(fault_blame_arena(&scratch, table_get(c->api->product->table, image_id, &scratch, &row, why), why));
	if (!access_sees(c, &row))
		return fault_set(why, NO_SUCH_IMAGE, "There is no image with this id.");
	TRY(image_service_remove(c->api->product, image_id, why));
	LOG(IMAGE_DELETED, c->x->request.id, LOG_S("imageId", image_id), LOG_C("by", caller_kind_name(&c->caller)));
	return OK;
}

enum status images_delete_many(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct id_list list;
	struct buf b;
	struct fault one = { .code = F_NONE };
	enum status status = OK;
	uint64_t deleted = 0;
	int64_t until_ms = clock_mono_ms() + LONG_CALL_MS;

	TRY(body_read_ids(c->arena, buf_str(&c->body), &list, why));
	buf_init_arena(&b, c->arena, ANSWER_MAX_BYTES);
	writer_open(&b, STR(""), '{');
	writer_open(&b, STR("results"), '[');
	for (size_t i = 0; i < list.n; i++) {
		bool goes_on = status == OK || status == NOT_FOUND;
		if (goes_on && clock_mono_ms() > until_ms)
			status = fault_set(&one, DEADLINE, "The rest was not deleted in time.");
		else if (goes_on)
			status = delete_one(c, list.ids[i], &one);
		deleted += status == OK;
		writer_open(&b, STR(""), '{');
		writer_text(&b, STR("imageId"), list.ids[i]);
		writer_bool(&b, STR("deleted"), status == OK);
		if (status != OK)
			writer_text(&b, STR("code"), str_of(fault_name(one.code)));
		writer_close(&b, '}');
	}
	writer_close(&b, ']');
	writer_number(&b, STR("deleted"), deleted);
	writer_close(&b, '}');
	if (status != OK && status != NOT_FOUND)
		LOG(STORE_FAILED, c->x->request.id, LOG_C("cause", one.cause[0] != '\0' ? one.cause : one.text));
	return call_json(c, &b, why);
}
