/* Lists: a Query on each shard of a sparse index, and the shards merged. A shard is queried for its part
 * of the page and a little more, and again only when that is used up before the page is full. Sort
 * keys are of one order over all shards and a row's never changes, so one key says where to continue
 * from, whatever was added or removed. One more row is read, to know if there is a next page.
 *
 * A list of one owner may leave out rows, which DynamoDB reads all the same. So the number of queries of a page is limited:
 * when it is reached, the page ends where the shard that is the farthest behind has been read to, with a cursor.
 *
 * An index follows the table by a moment: the latest uploads may be missing from it. */
#include "aws/dynamo/dynamo.h"
#include "aws/dynamo/cursor.h"
#include "aws/dynamo/item.h"
#include "aws/dynamo/request.h"
#include "base/clock.h"
#include "base/writer.h"

#include <assert.h>
#include <inttypes.h>

#define SPARE_ROWS 8       /* more than a shard's even share, since shards differ */
#define FILTERED_ROWS 250  /* that a query which leaves out rows reads at least, when the first one was not enough */
#define FILTERED_QUERIES 4 /* of each shard, for a page */

struct shard_stream {
	json_t *page;     /* DynamoDB's response; NULL: not queried yet */
	size_t at;        /* of its Items */
	unsigned queries; /* so far */
	bool dry;         /* no page after this one */
};

struct merge {
	const struct dynamo *t;
	const char *index; /* and its partition attribute */
	const char *order; /* its sort attribute */
	struct str partition;
	bool newest_first;
	bool has_cursors;
	char than; /* '<' or '>': only keys that are less, or more, than this */
	struct str from;
	struct str list; /* which list it is, for its cursors */
	/* Of a list that leaves out rows: the condition of those that it has. */
	const char *filter, *filter_names;
	struct dynamo_item filter_values;
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

static void put_query(struct merge *m, uint32_t shard, struct arena *a, struct buf *body)
{
	struct dynamo_item values = m->filter_values;
	dynamo_item_text(&values, "shard", dynamo_partition(m->partition, shard, a), a);
	dynamo_item_text(&values, "from", m->from, a);
	writer_text(body, STR("IndexName"), str_of(m->index));
	writer_text(body, STR("KeyConditionExpression"), str_printf(a, "%s = :shard AND %s %c :from", m->index, m->order, m->than));
	if (m->filter != NULL) {
		writer_text(body, STR("FilterExpression"), str_of(m->filter));
		writer_raw(body, STR("ExpressionAttributeNames"), str_of(m->filter_names));
	}
	dynamo_item_put(&values, STR("ExpressionAttributeValues"), ":", body);
	writer_bool(body, STR("ScanIndexForward"), !m->newest_first);
	bool more = m->filter != NULL && m->streams[shard].queries > 0 && m->per_shard < FILTERED_ROWS;
	writer_number(body, STR("Limit"), more ? FILTERED_ROWS : m->per_shard);
}

/* The next page of a shard. The caller skips a page without rows but with more after it. */
static enum status ask_shard(struct merge *m, uint32_t shard, struct fault *why)
{
	assert(shard < m->t->shards && m->t->shards <= DYNAMO_SHARDS_MAX);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct shard_stream *s = &m->streams[shard];
	const json_t *start = json_object_get(s->page, "LastEvaluatedKey");
	dynamo_call_init(&c, m->t, "Query", 0);
	put_query(m, shard, &c.scratch, &c.body);
	if (start != NULL) {
		size_t n = json_dumpb(start, NULL, 0, JSON_COMPACT);
		char *text = arena_alloc(&c.scratch, n);
		if (text == NULL || json_dumpb(start, text, n, JSON_COMPACT) != n)
			return fault_no_memory(why);
		writer_raw(&c.body, STR("ExclusiveStartKey"), (struct str){ text, n });
	}
	TRY(dynamo_call_send(&c, m->t, why));
	json_decref(s->page);
	*s = (struct shard_stream){
		.page = json_incref(c.answer), .queries = s->queries + 1, .dry = json_object_get(c.answer, "LastEvaluatedKey") == NULL
	};
	return OK;
}

/* Whether x comes before y in the list. */
static bool comes_before(const struct merge *m, struct str x, struct str y)
{
	int sign = str_compare(x, y);
	return m->newest_first ? sign > 0 : sign < 0;
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
		if (best != NULL && !comes_before(m, order, best_order))
			continue;
		best = &m->streams[i];
		best_order = order;
	}
	return best;
}

/* Query every shard whose rows are used up, as often as it may be.
 * stop  where the list is known up to: of the shards that may not be queried again the key that was read last, of the farthest
 *       behind; "": all of them have a row, or none are left */
static enum status fill_streams(struct merge *m, struct str *stop, struct fault *why)
{
	*stop = STR("");
	for (uint32_t i = 0; i < m->t->shards; i++) {
		struct shard_stream *s = &m->streams[i];
		while (stream_head(s) == NULL && !s->dry && (m->filter == NULL || s->queries < FILTERED_QUERIES))
			TRY(ask_shard(m, i, why));
		if (stream_head(s) != NULL || s->dry)
			continue;
		struct str last = dynamo_item_get_text(json_object_get(s->page, "LastEvaluatedKey"), m->order);
		if (stop->n == 0 || comes_before(m, last, *stop))
			*stop = last;
	}
	return OK;
}

static enum status write_cursor(const struct merge *m, struct str last, struct arena *a, struct image_page *page, struct fault *why)
{
	page->next_cursor = dynamo_cursor_write(last, m->list, a);
	return page->next_cursor.n > 0 ? OK : fault_no_memory(why);
}

/* The first `limit` rows; of a list with a cursor, if another row follows. */
static enum status merge_rows(struct merge *m, uint32_t limit, struct arena *a, struct image_page *out, struct fault *why)
{
	struct image_page page = { .rows = arena_array(a, limit, sizeof(*out->rows)), .next_cursor = STR("") };
	struct shard_stream *s;
	struct str last = STR(""), stop;
	uint32_t even = (limit + 1) / m->t->shards + SPARE_ROWS;
	assert(limit >= 1 && limit <= TABLE_LIST_MAX);
	m->per_shard = even < limit + 1 ? even : limit + 1;
	TRY(fault_check_arena(a, why));
	for (;;) {
		TRY(fill_streams(m, &stop, why));
		s = first_stream(m);
		if (s != NULL && stop.n > 0 && comes_before(m, stop, dynamo_item_get_text(stream_head(s), m->order)))
			s = NULL;
		if (s == NULL || page.n == limit)
			break;
		TRY(dynamo_item_read(stream_head(s), a, &page.rows[page.n], why));
		if (++page.n == limit)
			last = str_dup(a, dynamo_item_get_text(stream_head(s), m->order));
		s->at++;
	}
	if (s == NULL)
		last = stop;
	if (last.n > 0 && m->has_cursors)
		TRY(write_cursor(m, last, a, &page, why));
	TRY(fault_check_arena(a, why));
	*out = page;
	return OK;
}

/* Rows of one owner: those of the status, and of the hash. A row past its TTL is not there. */
static void add_filter(struct merge *m, const struct image_query *q, struct arena *a)
{
	static const char *const names[] = { [LIST_UPLOADED] = "uploaded", [LIST_PENDING] = "pending", [LIST_REJECTED] = "rejected" };
	bool by_status = q->status != LIST_ALL, by_hash = q->received_sha256.n > 0;
	m->filter = by_status && by_hash ? "(attribute_not_exists(#ttl) OR #ttl > :now) AND #status = :status AND receivedSha256 = :hash"
		: by_status                  ? "(attribute_not_exists(#ttl) OR #ttl > :now) AND #status = :status"
		: by_hash                    ? "(attribute_not_exists(#ttl) OR #ttl > :now) AND receivedSha256 = :hash"
									 : "attribute_not_exists(#ttl) OR #ttl > :now";
	m->filter_names = by_status ? "{\"#ttl\":\"" DYNAMO_TTL "\",\"#status\":\"status\"}" : "{\"#ttl\":\"" DYNAMO_TTL "\"}";
	dynamo_item_signed(&m->filter_values, "now", clock_now_ms() / 1000, a);
	if (by_status)
		dynamo_item_text(&m->filter_values, "status", str_of(names[q->status]), a);
	if (by_hash)
		dynamo_item_text(&m->filter_values, "hash", q->received_sha256, a);
}

enum status dynamo_list(struct image_table *port, const struct image_query *q, struct arena *a, struct image_page *out, struct fault *why)
{
	/* Without an owner there is no index that has them close together. */
	if (q->owner.n == 0 && q->received_sha256.n > 0)
		return fault_set(why, NOT_HERE,
			"On DynamoDB the images of a sha256 are listed of one owner only: send a user's token, onBehalfOf=…, or owner=….");
	struct merge m CLEANUP(merge_deinit) = { .t = (struct dynamo *)port,
		.index = DYNAMO_FEED,
		.order = DYNAMO_FEED_ORDER,
		.partition = STR(DYNAMO_FEED),
		.newest_first = !q->oldest_first,
		.has_cursors = true,
		.than = q->oldest_first ? '>' : '<',
		.from = q->oldest_first ? DYNAMO_FIRST_ORDER : DYNAMO_LAST_ORDER };
	m.list = str_printf(a, "%.*s\n%d\n%.*s\n%d", STRF(q->owner), q->status, STRF(q->received_sha256), q->oldest_first);
	TRY(fault_check_arena(a, why));
	if (q->skip > 0 || !image_filter_is_empty(&q->filter))
		return fault_set(why, NOT_HERE, "The table of this server cannot search or skip: DynamoDB would read all that is left out.");
	if (q->owner.n > 0) {
		m.index = DYNAMO_OWNED;
		m.order = DYNAMO_OWNED_ORDER;
		m.partition = q->owner;
		add_filter(&m, q, a);
	}
	if (q->cursor.n > 0)
		TRY(dynamo_cursor_read(q->cursor, m.list, a, &m.from, why));
	return merge_rows(&m, q->limit, a, out, why);
}

enum status dynamo_owned_after(
	struct dynamo *t, const char *partition, struct str after, uint32_t limit, struct dynamo_call *c, struct fault *why)
{
	struct dynamo_item values = { 0 };
	dynamo_call_init(c, t, "Query", 0);
	dynamo_item_text(&values, "part", str_of(partition), &c->scratch);
	dynamo_item_text(&values, "after", after, &c->scratch);
	writer_text(&c->body, STR("IndexName"), STR(DYNAMO_OWNED));
	writer_text(&c->body, STR("KeyConditionExpression"),
		after.n > 0 ? STR(DYNAMO_OWNED " = :part AND " DYNAMO_OWNED_ORDER " > :after") : STR(DYNAMO_OWNED " = :part"));
	dynamo_item_put(&values, STR("ExpressionAttributeValues"), ":", &c->body);
	writer_number(&c->body, STR("Limit"), limit);
	return dynamo_call_send(c, t, why);
}

enum status dynamo_each_owned(
	struct dynamo *t, struct str owner, enum status (*visit)(void *arg, const json_t *item, struct fault *), void *arg, struct fault *why)
{
	struct merge m CLEANUP(merge_deinit) = { .t = t,
		.index = DYNAMO_OWNED,
		.order = DYNAMO_OWNED_ORDER,
		.partition = owner,
		.than = '>',
		.from = DYNAMO_FIRST_ORDER,
		.per_shard = TABLE_LIST_MAX };
	for (uint32_t i = 0; i < t->shards; i++)
		while (!m.streams[i].dry) {
			TRY(ask_shard(&m, i, why));
			for (; stream_head(&m.streams[i]) != NULL; m.streams[i].at++)
				TRY(visit(arg, stream_head(&m.streams[i]), why));
		}
	return OK;
}

/* Rows past their TTL that DynamoDB has not removed yet are among them: the sweep may still find that
 * the bytes of one arrived. */
enum status dynamo_due(struct image_table *port, int64_t now_ms, uint32_t limit, struct arena *a, struct image_page *out, struct fault *why)
{
	struct merge m CLEANUP(merge_deinit) = { .t = (struct dynamo *)port,
		.index = DYNAMO_DUE,
		.order = DYNAMO_DUE_ORDER,
		.partition = STR(DYNAMO_DUE),
		.than = '<',
		.from = str_printf(a, "%0*" PRId64 "~", DYNAMO_ORDER_DIGITS, now_ms) };
	return merge_rows(&m, limit, a, out, why);
}
