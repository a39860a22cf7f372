/* Lists: a Query on each shard of a sparse index, and the shards merged. A shard is queried for its part
 * of the page and a little more, and again only when that is used up before the page is full. Sort
 * keys are of one order over all shards and a row's never changes, so one key says where to continue
 * from, whatever was added or removed. One more row is read, to know if there is a next page.
 *
 * An index follows the table by a moment: the latest uploads may be missing from it. */
#include "aws/dynamo.h"
#include "aws/dynamo_cursor.h"
#include "aws/dynamo_item.h"
#include "aws/dynamo_request.h"
#include "base/writer.h"

#include <assert.h>
#include <inttypes.h>

#define SPARE_ROWS 8      /* more than a shard's even share, since shards differ */
#define ALL_KEYS STR("~") /* after every sort key: those begin with a digit */

struct shard_stream {
	json_t *page; /* DynamoDB's response; NULL: not queried yet */
	size_t at;    /* of its Items */
	bool dry;     /* no page after this one */
};

struct merge {
	const struct dynamo *t;
	const char *index; /* and its partition attribute */
	const char *order; /* its sort attribute */
	bool newest_first;
	struct str before; /* only keys less than this */
	uint32_t per_shard;
	struct shard_stream streams[DYNAMO_SHARDS_MAX];
};

static void merge_deinit(struct merge *m)
{
	for (size_t i = 0; i < DYNAMO_SHARDS_MAX; i++)
		json_decref(m->streams[i].page);
}

static const json_t *stream_head(const struct shard_stream *s)
{
	return json_array_get(json_object_get(s->page, "Items"), s->at);
}

/* The next page of a shard. The caller skips a page without rows but with more after it. */
static enum status ask_shard(struct merge *m, uint32_t shard, struct fault *why)
{
	assert(shard < m->t->shards && m->t->shards <= DYNAMO_SHARDS_MAX);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_item values = { 0 };
	struct shard_stream *s = &m->streams[shard];
	const json_t *start = json_object_get(s->page, "LastEvaluatedKey");
	dynamo_call_init(&c, m->t, "Query", 0);
	dynamo_item_text(&values, "shard", str_printf(&c.scratch, "%s#%" PRIu32, m->index, shard), &c.scratch);
	dynamo_item_text(&values, "before", m->before, &c.scratch);
	writer_text(&c.body, STR("IndexName"), str_of(m->index));
	writer_text(&c.body, STR("KeyConditionExpression"), str_printf(&c.scratch, "%s = :shard AND %s < :before", m->index, m->order));
	dynamo_item_put(&values, STR("ExpressionAttributeValues"), ":", &c.body);
	writer_bool(&c.body, STR("ScanIndexForward"), !m->newest_first);
	writer_number(&c.body, STR("Limit"), m->per_shard);
	if (start != NULL) {
		size_t n = json_dumpb(start, NULL, 0, JSON_COMPACT);
		char *text = arena_alloc(&c.scratch, n);
		if (text == NULL || json_dumpb(start, text, n, JSON_COMPACT) != n)
			return fault_no_memory(why);
		writer_raw(&c.body, STR("ExclusiveStartKey"), (struct str){ text, n });
	}
	TRY(dynamo_call_send(&c, m->t, why));
	json_decref(s->page);
	*s = (struct shard_stream){ .page = json_incref(c.answer), .dry = json_object_get(c.answer, "LastEvaluatedKey") == NULL };
	return OK;
}

/* The shard whose next row comes first; NULL: no rows are left. */
static struct shard_stream *first_stream(struct merge *m)
{
	struct shard_stream *best = NULL;
	struct str best_order = { 0 };
	for (uint32_t i = 0; i < m->t->shards; i++) {
		const json_t *item = stream_head(&m->streams[i]);
		struct str order = dynamo_item_get_text(item, m->order);
		if (item == NULL)
			continue;
		int sign = str_compare(order, best_order);
		if (best != NULL && (m->newest_first ? sign <= 0 : sign >= 0))
			continue;
		best = &m->streams[i];
		best_order = order;
	}
	return best;
}

/* The first `limit` rows; of the feed with a cursor, if another row follows. */
static enum status merge_rows(struct merge *m, uint32_t limit, struct arena *a, struct image_page *out, struct fault *why)
{
	struct image_page page = { .rows = arena_array(a, limit, sizeof(*out->rows)), .next_cursor = STR("") };
	struct shard_stream *s;
	struct str last = STR("");
	uint32_t even = (limit + 1) / m->t->shards + SPARE_ROWS;
	assert(limit >= 1 && limit <= TABLE_LIST_MAX);
	m->per_shard = even < limit + 1 ? even : limit + 1;
	TRY(fault_check_arena(a, why));
	for (;;) {
		for (uint32_t i = 0; i < m->t->shards; i++)
			while (stream_head(&m->streams[i]) == NULL && !m->streams[i].dry)
				TRY(ask_shard(m, i, why));
		s = first_stream(m);
		if (s == NULL || page.n == limit)
			break;
		TRY(dynamo_item_read(stream_head(s), a, &page.rows[page.n], why));
		if (++page.n == limit)
			last = str_dup(a, dynamo_item_get_text(stream_head(s), m->order));
		s->at++;
	}
	if (s != NULL && m->newest_first)
		page.next_cursor = dynamo_cursor_write(last, a);
	TRY(fault_check_arena(a, why));
	*out = page;
	return OK;
}

enum status dynamo_list(
	struct image_table *port, const struct image_query *q, struct arena *a, struct image_page *out, struct fault *why)
{
	struct merge m CLEANUP(merge_deinit) = {
		.t = (struct dynamo *)port, .index = DYNAMO_FEED, .order = DYNAMO_FEED_ORDER, .newest_first = true, .before = ALL_KEYS
	};
	if (q->cursor.n > 0)
		TRY(dynamo_cursor_read(q->cursor, a, &m.before, why));
	return merge_rows(&m, q->limit, a, out, why);
}

/* Rows past their TTL that DynamoDB has not removed yet are among them: the sweep may still find that
 * the bytes of one arrived. */
enum status dynamo_due(struct image_table *port, int64_t now_ms, uint32_t limit, struct arena *a, struct image_page *out, struct fault *why)
{
	struct merge m CLEANUP(merge_deinit) = { .t = (struct dynamo *)port,
		.index = DYNAMO_DUE,
		.order = DYNAMO_DUE_ORDER,
		.before = str_printf(a, "%0*" PRId64 "~", DYNAMO_ORDER_DIGITS, now_ms) };
	return merge_rows(&m, limit, a, out, why);
}
