/* GET /images: one page of a list. Runs on workers. */
#include "api/call.h"

#include "api/record.h"
#include "base/writer.h"

#define LIST_DEFAULT 50

static enum status read_limit(const struct query *q, uint32_t *limit, struct fault *why)
{
	struct str text;
	uint64_t n;

	TRY(call_parameter(q, STR("limit"), &text, why));
	*limit = LIST_DEFAULT;
	if (query_find(q, STR("limit")) == NULL)
		return OK;
	if (!str_to_u64(text, &n) || n < 1 || n > TABLE_LIST_MAX)
		return fault_set(why, BAD_FIELD, "limit must be an integer from 1 to %d", TABLE_LIST_MAX);
	*limit = (uint32_t)n;
	return OK;
}

/* Whether the records of a list have URLs of the store: unless "false" is asked for. */
static enum status read_urls(const struct query *q, bool *wanted, struct fault *why)
{
	struct str text;

	TRY(call_parameter(q, STR("urls"), &text, why));
	*wanted = !str_equal(text, STR("false"));
	if (*wanted && query_find(q, STR("urls")) != NULL && !str_equal(text, STR("true")))
		return fault_set(why, BAD_FIELD, "urls must be true or false");
	return OK;
}

enum status images_list(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct image_page page;
	struct str cursor;
	uint32_t limit;
	bool with_urls;
	struct buf text CLEANUP(buf_deinit) = { 0 };

	TRY(read_limit(&c->x->request.query, &limit, why));
	TRY(call_parameter(&c->x->request.query, STR("cursor"), &cursor, why));
	TRY(read_urls(&c->x->request.query, &with_urls, why));
	TRY(table_list(c->api->product->table, &(struct image_query){ .limit = limit, .cursor = cursor }, c->arena, &page, why));
	/* On the heap, since a buffer that grows in the arena would leave its old copies there. */
	buf_init(&text, c->api->handler.arena_bytes);
	writer_open(&text, (struct str){ 0 }, '{');
	writer_open(&text, STR("images"), '[');
	for (size_t i = 0; i < page.n; i++)
		TRY(record_write(c->api->product, &page.rows[i], record_form_for(c, RECORD_IN_LIST | (with_urls ? 0 : RECORD_NO_URLS)), &text, why));
	writer_close(&text, ']');
	writer_number(&text, STR("count"), page.n);
	if (page.next_cursor.n > 0)
		writer_text(&text, STR("nextCursor"), page.next_cursor);
	writer_close(&text, '}');
	return call_json(c, &text, why);
}
