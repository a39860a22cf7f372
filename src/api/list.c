/* GET /images: one page of a list, of everybody or of one owner. Runs on workers. */
#include "api/access.h"

#include "api/record.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/writer.h"

#define SKIP_MAX 10000000 /* rows: to count them takes about a second */

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

/* A parameter that is one of a few words.
 * words   with a blank between
 * out     the place of its word, from 0; as it was where the parameter is not given */
static enum status read_word(const struct query *q, struct str name, const char *words, unsigned *out, struct fault *why)
{
	struct str text;
	unsigned place = 0;

	TRY(call_parameter(q, name, &text, why));
	if (query_find(q, name) == NULL)
		return OK;
	for (struct str rest = str_of(words); rest.p != NULL; place++)
		if (str_equal(str_cut(&rest, ' '), text)) {
			*out = place;
			return OK;
		}
	return fault_set(why, BAD_FIELD, "%.*s must be one of: %s", STRF(name), words);
}

static enum status read_hash(const struct query *q, struct str *out, struct fault *why)
{
	unsigned char raw[SHA256_BYTES];

	TRY(call_parameter(q, STR("sha256"), out, why));
	if (query_find(q, STR("sha256")) != NULL && (!hex_decode(*out, raw, sizeof(raw)) || !str_consists_of_lower(*out, STR(""))))
		return fault_set(why, BAD_FIELD, "sha256 must be the SHA-256 of the file as it was sent, in 64 hexadecimal digits in lower case");
	return OK;
}

/* A time of the list's period, 0 where it is not given. */
static enum status read_time(const struct query *q, struct str name, int64_t *out, struct fault *why)
{
	struct str text;

	*out = 0;
	TRY(call_parameter(q, name, &text, why));
	if (query_find(q, name) != NULL && (!clock_parse_iso8601(text, out) || *out <= 0))
		return fault_set(why, BAD_FIELD, "%.*s must be a time in UTC, such as 2026-11-30T00:00:00Z", STRF(name));
	return OK;
}

static enum status read_filter(const struct query *q, struct image_filter *out, struct fault *why)
{
	TRY(call_parameter(q, STR("name"), &out->name, why));
	TRY(call_parameter(q, STR("type"), &out->type, why));
	TRY(read_time(q, STR("from"), &out->uploaded_from, why));
	return read_time(q, STR("to"), &out->uploaded_to, why);
}

static enum status read_skip(const struct query *q, const struct image_query *list, uint32_t *out, struct fault *why)
{
	struct str text;
	uint64_t n = 0;

	TRY(call_parameter(q, STR("skip"), &text, why));
	if (query_find(q, STR("skip")) != NULL && (!str_to_u64(text, &n) || n > SKIP_MAX))
		return fault_set(why, BAD_FIELD, "skip must be an integer from 0 to %u", (unsigned)SKIP_MAX);
	if (n > 0 && (list->received_sha256.n > 0 || !image_filter_is_empty(&list->filter)))
		return fault_set(why, BAD_FIELD, "skip cannot be combined with sha256, name, type, from and to; follow nextCursor");
	*out = (uint32_t)n;
	return OK;
}

struct list_request {
	struct image_query query;
	unsigned form; /* of the records */
};

static enum status read_query(struct api_call *c, struct list_request *out, struct fault *why)
{
	const struct query *q = &c->x->request.query;
	unsigned status = LIST_UPLOADED, order = 0;
	bool with_urls;

	*out = (struct list_request){ 0 };
	TRY(call_check_parameters(c, why));
	TRY(call_limit(q, TABLE_LIST_MAX, &out->query.limit, why));
	TRY(call_parameter(q, STR("cursor"), &out->query.cursor, why));
	TRY(read_urls(q, &with_urls, why));
	TRY(read_word(q, STR("status"), "uploaded pending rejected all", &status, why));
	TRY(read_word(q, STR("order"), "newest oldest", &order, why));
	TRY(read_hash(q, &out->query.received_sha256, why));
	TRY(read_filter(q, &out->query.filter, why));
	TRY(read_skip(q, &out->query, &out->query.skip, why));
	TRY(access_owner(c, &out->query.owner, why));
	bool given = query_find(q, STR("status")) != NULL;
	if (out->query.owner.n == 0 && status != LIST_UPLOADED)
		return fault_set(why, BAD_FIELD,
			"Images of another status are listed of one owner only: send a user's token, onBehalfOf=…, or as an administrator owner=…");
	out->query.status = (enum image_list_status)status;
	out->query.oldest_first = order == 1;
	out->form = RECORD_IN_LIST | (with_urls ? 0U : RECORD_NO_URLS) | (given ? RECORD_STATUS : 0U);
	return OK;
}

enum status images_list(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct image_page page;
	struct list_request r;
	struct buf text CLEANUP(buf_deinit) = { 0 };

	TRY(read_query(c, &r, why));
	TRY(table_list(c->api->product->table, &r.query, c->arena, &page, why));
	/* On the heap, since a buffer that grows in the arena would leave its old copies there. */
	buf_init(&text, c->api->handler.arena_bytes);
	writer_open(&text, (struct str){ 0 }, '{');
	writer_open(&text, STR("images"), '[');
	for (size_t i = 0; i < page.n; i++)
		TRY(record_write(c->api->product, &page.rows[i], record_form_for(c, r.form), &text, why));
	writer_close(&text, ']');
	writer_number(&text, STR("count"), page.n);
	if (page.has_total)
		writer_number(&text, STR("total"), page.total);
	if (page.next_cursor.n > 0)
		writer_text(&text, STR("nextCursor"), page.next_cursor);
	writer_close(&text, '}');
	return call_json(c, &text, why);
}
