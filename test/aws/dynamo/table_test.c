/* The table against a DynamoDB that responds by script: refusing, failing, throttling, mute, garbled,
 * cut off before a write and after it. No write is done twice, each failure has its status, and what
 * DynamoDB said is in the cause alone. What a working table does is in contract_test.c. */
#include "aws/surroundings.h"

#include "aws/aws.h"
#include "base/clock.h"
#include "fake/http_server.h"
#include "fake/rows.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWERS_MAX 8
#define CUT ""
#define MUTE "mute"
#define REFUSED(word) "400 {\"__type\":\"com.amazonaws.dynamodb.v20120810#" word "\",\"message\":\"told by the engine\"}"
#define TABLE_ID "9e3779b1-0000-4000-8000-000000000001" /* of row 1 */
#define ITEM_OF(status, write, more) \
	"{\"imageId\":{\"S\":\"" TABLE_ID "\"},\"objectKey\":{\"S\":\"k\"},\"status\":{\"S\":\"" status "\"},\"writeId\":{\"S\":\"" write \
	"\"}" more "}"
#define CONDITION_FAILED "400 {\"__type\":\"x#ConditionalCheckFailedException\",\"message\":\"The conditional request failed\"}"
#define CONDITION_FAILED_ON(item) "400 {\"__type\":\"x#ConditionalCheckFailedException\",\"message\":\"failed\",\"Item\":" item "}"
#define FOUND(item) "200 {\"Item\":" item "}"
#define OURS "$WRITE$" /* placeholder for the writeId of the last write received */

/* The n-th request gets the n-th response, "STATUS BODY"; the last one holds for all that follow. */
struct script {
	const char *answers[ANSWERS_MAX];
	unsigned n_answers;
	atomic_uint requests;
	pthread_mutex_t lock;
	struct buf seen; /* every request, whole */
	char write_id[17];
};

static void note_request(struct script *s, struct str request)
{
	struct str mark = STR("writeId\":{\"S\":\"");
	size_t at = str_find(request, mark);
	pthread_mutex_lock(&s->lock);
	buf_put(&s->seen, request);
	buf_put(&s->seen, STR("\n"));
	if (at < request.n)
		snprintf(s->write_id, sizeof s->write_id, "%.*s", STRF(str_slice(request, at + mark.n, at + mark.n + 16)));
	pthread_mutex_unlock(&s->lock);
}

static void answer_one(struct script *s, int fd, struct str text)
{
	struct str body = text, status = str_cut(&body, ' ');
	char line[32], filled[8192];
	struct buf b;
	buf_init_fixed(&b, filled, sizeof filled);
	for (size_t at = str_find(body, STR(OURS)); at < body.n; at = str_find(body, STR(OURS))) {
		buf_put(&b, str_slice(body, 0, at));
		buf_put(&b, str_of(s->write_id));
		body = str_slice(body, at + sizeof OURS - 1, body.n);
	}
	buf_put(&b, body);
	snprintf(line, sizeof line, "%.*s Told", STRF(status));
	fake_http_answer(fd, line, "Content-Type: application/x-amz-json-1.0\r\n", buf_str(&b));
}

static void serve_script(int fd, unsigned nth, void *arg)
{
	struct script *s = arg;
	struct buf request;
	(void)nth;
	buf_init(&request, 1 << 20);
	while (fake_http_read(fd, &request)) {
		unsigned n = atomic_fetch_add(&s->requests, 1);
		const char *text = s->answers[n < s->n_answers ? n : s->n_answers - 1];
		note_request(s, buf_str(&request));
		if (strcmp(text, MUTE) == 0)
			continue;
		if (strcmp(text, CUT) == 0)
			break;
		answer_one(s, fd, str_of(text));
	}
	buf_deinit(&request);
	shutdown(fd, SHUT_RDWR);
}

struct fixture {
	struct fake_http server;
	struct script script;
	struct aws_chain *chain;
	struct aws_service *service;
	struct image_table *table;
	struct arena a;
	struct fault why;
};

static void start(struct fixture *w, int64_t timeout_ms)
{
	buf_init(&w->script.seen, 1 << 20);
	pthread_mutex_init(&w->script.lock, NULL);
	fake_http_start(&w->server, serve_script, &w->script);
	arena_init(&w->a, 4 << 20);
	w->chain = aws_chain_new();
	w->service = aws_service_new(&(struct aws_service_options){
		.service = STR("dynamodb"), .region = STR("eu-west-1"), .endpoint = str_of(w->server.url), .chain = w->chain });
	w->table = dynamo_table_new(
		&(struct dynamo_table_options){ .service = w->service, .table = STR("Image\"Metadata"), .shards = 2, .timeout_ms = timeout_ms });
	assert_non_null(w->table);
}

#define FIXTURE(...) \
	{ \
		.script = {.answers = { __VA_ARGS__ }, .n_answers = sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *) } \
	}

static void stop(struct fixture *w)
{
	dynamo_table_free(&w->table);
	aws_service_free(&w->service);
	aws_chain_free(&w->chain);
	fake_http_stop(&w->server);
	pthread_mutex_destroy(&w->script.lock);
	buf_deinit(&w->script.seen);
	arena_deinit(&w->a);
}

static unsigned requests(struct fixture *w)
{
	return atomic_load(&w->script.requests);
}

static bool saw(struct fixture *w, const char *text)
{
	struct str seen = buf_str(&w->script.seen);
	return str_find(seen, str_of(text)) < seen.n;
}

/* every operation, by row 1 */

static enum status do_insert(struct image_table *t, struct arena *a, struct fault *why)
{
	struct image_row row = row_pending(a, 1);
	return table_insert(t, &row, why);
}

static enum status do_get(struct image_table *t, struct arena *a, struct fault *why)
{
	struct image_row row;
	return table_get(t, row_id(a, 1), a, &row, why);
}

static enum status do_resolve(struct image_table *t, struct arena *a, struct fault *why)
{
	struct resolution s = row_verdict(a, 1, 5000, STR(""));
	struct image_row now;
	return table_resolve(t, &s, a, &now, why);
}

static enum status do_remove(struct image_table *t, struct arena *a, struct fault *why)
{
	return table_remove(t, row_id(a, 1), 0, why);
}

static enum status do_list(struct image_table *t, struct arena *a, struct fault *why)
{
	struct image_page page;
	return table_list(t, &(struct image_query){ .limit = 10 }, a, &page, why);
}

static enum status do_due(struct image_table *t, struct arena *a, struct fault *why)
{
	struct image_page page;
	return table_due(t, 5000, 10, a, &page, why);
}

static enum status do_counts(struct image_table *t, struct arena *a, struct fault *why)
{
	struct image_counts counts;
	(void)a;
	return table_counts(t, &counts, why);
}

struct act {
	const char *name;
	enum status (*run)(struct image_table *, struct arena *, struct fault *);
};

static const struct act ACTS[] = { { "insert", do_insert }, { "get", do_get }, { "settle", do_resolve }, { "remove", do_remove },
	{ "list", do_list }, { "due", do_due }, { "counts", do_counts } };

struct actor {
	const struct act *act;
	struct image_table *table;
	struct arena a;
	struct fault why;
	enum status end;
	pthread_t thread;
};

static void *play(void *arg)
{
	struct actor *p = arg;
	p->end = p->act->run(p->table, &p->a, &p->why);
	return NULL;
}

struct failing {
	const char *answer;
	enum fault_code code;
	const char *cause; /* in the cause */
	int64_t timeout_ms;
	enum { ONCE, AGAIN, AS_OFTEN_AS_TIME_ALLOWS } tried;
};

/* All operations at once, because retries take time. */
static void fail_all(const struct failing *f)
{
	struct fixture w = FIXTURE(f->answer);
	struct actor actors[COUNT_OF(ACTS)] = { 0 };
	start(&w, f->timeout_ms);
	for (size_t i = 0; i < COUNT_OF(ACTS); i++) {
		actors[i] = (struct actor){ .act = &ACTS[i], .table = w.table };
		arena_init(&actors[i].a, 1 << 20);
		assert_int_equal(pthread_create(&actors[i].thread, NULL, play, &actors[i]), 0);
	}
	for (size_t i = 0; i < COUNT_OF(ACTS); i++)
		pthread_join(actors[i].thread, NULL);
	for (size_t i = 0; i < COUNT_OF(ACTS); i++) {
		if (actors[i].why.code != f->code || strstr(actors[i].why.cause, f->cause) == NULL)
			print_error("%s on %s: %s %s\n", ACTS[i].name, f->answer, fault_name(actors[i].why.code), actors[i].why.cause);
		assert_int_equal(actors[i].why.code, f->code);
		assert_int_equal(actors[i].end, fault_status(f->code));
		assert_non_null(strstr(actors[i].why.cause, f->cause));
		assert_null(strstr(actors[i].why.text, "told by the engine"));
		assert_null(strstr(actors[i].why.text, "127.0.0.1"));
		assert_non_null(strstr(actors[i].why.text, "image table"));
		arena_deinit(&actors[i].a);
	}
	if (f->tried != AS_OFTEN_AS_TIME_ALLOWS)
		assert_true(f->tried == AGAIN ? requests(&w) > COUNT_OF(ACTS) : requests(&w) == COUNT_OF(ACTS));
	stop(&w);
}

static void test_every_call_when_the_engine_fails_then_its_status_and_what_was_given_in_the_cause(void **state)
{
	static const struct failing failings[] = {
		{ REFUSED("ValidationException"), F_UPSTREAM_FAILED, "ValidationException: told by the engine", 0, ONCE },
		{ REFUSED("AccessDeniedException"), F_UPSTREAM_FAILED, "AccessDeniedException: told by the engine", 0, ONCE },
		{ REFUSED("ResourceNotFoundException"), F_UPSTREAM_FAILED, "ResourceNotFoundException: told by the engine", 0, ONCE },
		{ REFUSED("ProvisionedThroughputExceededException"), F_OVERLOADED, "ProvisionedThroughputExceeded", 0, AGAIN },
		{ REFUSED("ThrottlingException"), F_OVERLOADED, "ThrottlingException", 0, AGAIN },
		{ "500 {\"__type\":\"x#InternalServerError\",\"message\":\"told by the engine\"}", F_UPSTREAM_FAILED, "500", 0, AGAIN },
		{ "503 <html>told by the engine</html>", F_UPSTREAM_FAILED, "503", 0, AGAIN },
		{ "403 <html>told by the engine</html>", F_UPSTREAM_FAILED, "HTTP 403", 0, ONCE },
		{ "200 told by the engine", F_UPSTREAM_FAILED, "not a JSON object", 0, ONCE },
		{ "200 {\"Item\":{\"imageId\":{\"S", F_UPSTREAM_FAILED, "not a JSON object", 0, ONCE },
		{ "200 [{}]", F_UPSTREAM_FAILED, "not a JSON object", 0, ONCE },
		{ "200 ", F_UPSTREAM_FAILED, "not a JSON object", 0, ONCE },
		{ CUT, F_UPSTREAM_FAILED, "DynamoDB", 0, AGAIN },
		{ MUTE, F_DEADLINE, "DynamoDB", 300, AS_OFTEN_AS_TIME_ALLOWS },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(failings); i++)
		fail_all(&failings[i]);
}

/* one operation, one script, one end */

static void assert_end(struct fixture *w, enum status end, enum fault_code want, unsigned n_requests)
{
	if (want != F_NONE && end != OK)
		assert_string_equal(fault_name(w->why.code), fault_name(want));
	assert_int_equal(end, fault_status(want));
	assert_int_equal(requests(w), n_requests);
}

struct course {
	const char *answers[4];
	enum fault_code end;
	unsigned requests;
};

static void run_courses(const struct course *courses, size_t n, enum status (*run)(struct image_table *, struct arena *, struct fault *))
{
	for (size_t i = 0; i < n; i++) {
		struct fixture w = { 0 };
		while (w.script.n_answers < 4 && courses[i].answers[w.script.n_answers] != NULL) {
			w.script.answers[w.script.n_answers] = courses[i].answers[w.script.n_answers];
			w.script.n_answers++;
		}
		start(&w, 0);
		assert_end(&w, run(w.table, &w.a, &w.why), courses[i].end, courses[i].requests);
		stop(&w);
	}
}

static void test_insert_when_cut_before_or_after_the_write_then_done_once_and_reported_as_done(void **state)
{
	static const struct course courses[] = {
		{ { "200 {}" }, F_NONE, 1 },
		{ { CUT, "200 {}" }, F_NONE, 2 },
		{ { "500 {}", "200 {}" }, F_NONE, 2 },
		{ { REFUSED("ThrottlingException"), "200 {}" }, F_NONE, 2 },
		{ { CUT, CONDITION_FAILED_ON(ITEM_OF("pending", OURS, "")) }, F_NONE, 2 },
		{ { CUT, CONDITION_FAILED, FOUND(ITEM_OF("pending", OURS, "")) }, F_NONE, 3 },
		{ { CUT, CONDITION_FAILED_ON(ITEM_OF("pending", "0123456789abcdef", "")) }, F_IMAGE_EXISTS, 2 },
		{ { CONDITION_FAILED, FOUND(ITEM_OF("pending", "0123456789abcdef", "")) }, F_IMAGE_EXISTS, 2 },
		{ { CONDITION_FAILED, "200 {}" }, F_IMAGE_EXISTS, 2 },
		{ { CONDITION_FAILED, "200 nothing" }, F_UPSTREAM_FAILED, 2 },
	};
	(void)state;
	run_courses(courses, COUNT_OF(courses), do_insert);
}

static void test_resolve_when_cut_before_or_after_the_write_then_done_once_and_reported_as_done(void **state)
{
	static const struct course courses[] = {
		{ { "200 {\"Attributes\":" ITEM_OF("uploaded", "x", "") "}" }, F_NONE, 1 },
		{ { CUT, "200 {\"Attributes\":" ITEM_OF("uploaded", "x", "") "}" }, F_NONE, 2 },
		{ { "200 {}", FOUND(ITEM_OF("uploaded", OURS, "")) }, F_NONE, 2 },
		{ { CUT, CONDITION_FAILED_ON(ITEM_OF("uploaded", OURS, "")) }, F_NONE, 2 },
		{ { CUT, CONDITION_FAILED, FOUND(ITEM_OF("uploaded", OURS, "")) }, F_NONE, 3 },
		{ { CUT, CONDITION_FAILED_ON(ITEM_OF("rejected", "0123456789abcdef", "")) }, F_STATE_CHANGED, 2 },
		{ { CONDITION_FAILED, FOUND(ITEM_OF("uploaded", "0123456789abcdef", "")) }, F_STATE_CHANGED, 2 },
		{ { CONDITION_FAILED, "200 {}" }, F_NO_SUCH_IMAGE, 2 },
		{ { CONDITION_FAILED_ON(ITEM_OF("uploaded", "x", ",\"fileName\":{\"S\":\"SlowDown, ThrottlingException\"}")) }, F_STATE_CHANGED,
			1 },
		{ { CONDITION_FAILED_ON(ITEM_OF("rejected", "x", ",\"ttl\":{\"N\":\"5\"}")) }, F_NO_SUCH_IMAGE, 1 },
		{ { "200 {\"Attributes\":{}}" }, F_UPSTREAM_FAILED, 1 },
	};
	(void)state;
	run_courses(courses, COUNT_OF(courses), do_resolve);
}

static void test_remove_when_cut_before_or_after_the_write_then_gone_is_removed(void **state)
{
	static const struct course courses[] = {
		{ { "200 {}" }, F_NONE, 1 },
		{ { CUT, "200 {}" }, F_NONE, 2 },
		{ { CUT, CONDITION_FAILED, "200 {}" }, F_NONE, 3 },
		{ { CONDITION_FAILED, "200 {}" }, F_NO_SUCH_IMAGE, 2 },
		{ { CONDITION_FAILED_ON(ITEM_OF("pending", "x", "")) }, F_STATE_CHANGED, 1 },
		{ { CUT, CONDITION_FAILED_ON(ITEM_OF("pending", "x", "")) }, F_STATE_CHANGED, 2 },
	};
	(void)state;
	run_courses(courses, COUNT_OF(courses), do_remove);
}

#define KEPT ",\"requestHash\":{\"S\":\"ab\"}"
#define GONE(write, ttl) \
	"{\"imageId\":{\"S\":\"" TABLE_ID "\"},\"status\":{\"S\":\"gone\"},\"requestHash\":{\"S\":\"ab\"},\"ttl\":{\"N\":\"" ttl \
	"\"},\"writeId\":{\"S\":\"" write "\"}}"

/* A row of a request with an Idempotency-Key is replaced by what keeps its id. */
static void test_remove_of_a_row_whose_id_is_kept_then_replaced_once(void **state)
{
	static const struct course courses[] = {
		{ { CONDITION_FAILED_ON(ITEM_OF("pending", "x", KEPT)), "200 {}" }, F_NONE, 2 },
		{ { CONDITION_FAILED_ON(ITEM_OF("pending", "x", KEPT)), CUT, "200 {}" }, F_NONE, 3 },
		{ { CONDITION_FAILED_ON(ITEM_OF("pending", "x", KEPT)), CUT, CONDITION_FAILED_ON(GONE(OURS, "4000000000")) }, F_NONE, 3 },
		{ { CONDITION_FAILED_ON(ITEM_OF("pending", "x", KEPT)), CONDITION_FAILED_ON(GONE("x", "4000000000")) }, F_NO_SUCH_IMAGE, 2 },
		{ { CONDITION_FAILED_ON(ITEM_OF("pending", "x", KEPT)), CONDITION_FAILED_ON(ITEM_OF("uploaded", "y", KEPT)) }, F_STATE_CHANGED, 2 },
		{ { CONDITION_FAILED_ON(GONE("x", "4000000000")) }, F_NO_SUCH_IMAGE, 1 },
		{ { CUT, CONDITION_FAILED_ON(GONE("x", "4000000000")) }, F_NO_SUCH_IMAGE, 2 },
	};
	(void)state;
	run_courses(courses, COUNT_OF(courses), do_remove);
}

static enum status do_change(struct image_table *t, struct arena *a, struct fault *why)
{
	struct image_row now;
	return table_change(
		t, &(struct image_change){ .image_id = row_id(a, 1), .if_version = 1, .has_file_name = true, .file_name = STR("n") }, a, &now, why);
}

static void test_change_when_cut_before_or_after_the_write_then_done_once_and_reported_as_done(void **state)
{
	static const struct course courses[] = {
		{ { "200 {\"Attributes\":" ITEM_OF("pending", "x", "") "}" }, F_NONE, 1 },
		{ { CUT, "200 {}", FOUND(ITEM_OF("pending", "x", "")) }, F_NONE, 3 },
		{ { CUT, CONDITION_FAILED_ON(ITEM_OF("pending", OURS, "")) }, F_NONE, 2 },
		{ { CUT, CONDITION_FAILED_ON(ITEM_OF("pending", "x", "")) }, F_PRECONDITION, 2 },
		{ { CONDITION_FAILED_ON(GONE("x", "4000000000")) }, F_NO_SUCH_IMAGE, 1 },
		{ { CONDITION_FAILED, "200 {}" }, F_NO_SUCH_IMAGE, 2 },
	};
	(void)state;
	run_courses(courses, COUNT_OF(courses), do_change);
}

static void test_get_of_what_a_removed_row_left_then_no_such_image(void **state)
{
	static const struct course courses[] = { { { FOUND(GONE("x", "4000000000")) }, F_NO_SUCH_IMAGE, 1 } };
	(void)state;
	run_courses(courses, COUNT_OF(courses), do_get);
}

static void test_get_of_a_row_past_its_ttl_then_no_such_image(void **state)
{
	static const struct course courses[] = {
		{ { FOUND(ITEM_OF("pending", "x", ",\"ttl\":{\"N\":\"1700000000\"}")) }, F_NO_SUCH_IMAGE, 1 },
		{ { FOUND(ITEM_OF("pending", "x", ",\"ttl\":{\"N\":\"99999999999\"}")) }, F_NONE, 1 },
		{ { FOUND(ITEM_OF("uploaded", "x", "")) }, F_NONE, 1 },
		{ { "200 {}" }, F_NO_SUCH_IMAGE, 1 },
	};
	(void)state;
	run_courses(courses, COUNT_OF(courses), do_get);
}

static void test_get_of_an_impossible_id_then_no_such_image_without_a_call(void **state)
{
	struct fixture w = FIXTURE("200 {}");
	struct image_row row;
	(void)state;
	start(&w, 0);
	assert_end(&w, table_get(w.table, STR("\"},\"x\":{\"S\":\""), &w.a, &row, &w.why), F_NO_SUCH_IMAGE, 0);
	stop(&w);
}

/* what is sent */

static void test_insert_then_one_conditional_put_that_expires_by_ttl_and_is_in_no_list(void **state)
{
	struct fixture w = FIXTURE("200 {}");
	(void)state;
	start(&w, 0);
	assert_end(&w, do_insert(w.table, &w.a, &w.why), F_NONE, 1);
	assert_true(saw(&w, "DynamoDB_20120810.PutItem"));
	assert_true(saw(&w, "\"TableName\":\"Image\\\"Metadata\""));
	assert_true(saw(&w, "\"ConditionExpression\":\"attribute_not_exists(imageId) OR (#status = :gone AND #ttl <= :now)\""));
	assert_true(saw(&w, "\"dueOrder\":{\"S\":\"0000001700003900001#" TABLE_ID "\"}"));
	assert_true(saw(&w, "\"ttl\":{\"N\":\""));
	assert_false(saw(&w, "\"feed"));
	assert_false(saw(&w, "\"owned"));
	stop(&w);
}

static void test_insert_when_sent_twice_then_the_same_bytes(void **state)
{
	struct fixture w = FIXTURE(CUT, "200 {}");
	(void)state;
	start(&w, 0);
	assert_end(&w, do_insert(w.table, &w.a, &w.why), F_NONE, 2);
	struct str seen = buf_str(&w.script.seen), mark = STR("{\"TableName\"");
	struct str first = str_slice(seen, str_find(seen, mark), seen.n);
	struct str second = str_slice(first, 1 + str_find(str_slice(first, 1, first.n), mark), first.n);
	first = str_cut(&first, '\n');
	assert_str(first, str_cut(&second, '\n'));
	stop(&w);
}

static void test_resolve_as_uploaded_then_listed_and_neither_due_nor_ended_by_ttl(void **state)
{
	struct fixture w = FIXTURE("200 {\"Attributes\":" ITEM_OF("uploaded", "x", "") "}");
	(void)state;
	start(&w, 0);
	assert_end(&w, do_resolve(w.table, &w.a, &w.why), F_NONE, 1);
	assert_true(saw(&w, "\"ConditionExpression\":\"#status = :was AND attribute_not_exists(counted)\""));
	assert_true(saw(&w, "\":was\":{\"S\":\"pending\"}"));
	assert_true(saw(&w, "#feed = :feed, #feedOrder = :feedOrder"));
	assert_true(saw(&w, " REMOVE "));
	assert_true(saw(&w, "#due, #dueOrder, #ttl"));
	assert_true(saw(&w, "\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\""));
	stop(&w);
}

static void test_resolve_as_rejected_then_not_listed_and_due_at_its_new_end(void **state)
{
	struct fixture w = FIXTURE("200 {\"Attributes\":" ITEM_OF("rejected", "x", "") "}");
	struct image_row now;
	(void)state;
	start(&w, 0);
	struct resolution s = row_verdict(&w.a, 1, 4000000000000, STR("no image"));
	assert_end(&w, table_resolve(w.table, &s, &w.a, &now, &w.why), F_NONE, 1);
	assert_true(saw(&w, "\":dueOrder\":{\"S\":\"0000004000000001000#" TABLE_ID "\"}"));
	assert_true(saw(&w, "\":ttl\":{\"N\":\"4000604801\"}"));
	assert_true(saw(&w, "#feed, #feedOrder"));
	assert_false(saw(&w, ":feedOrder"));
	stop(&w);
}

static void test_get_then_a_consistent_read(void **state)
{
	struct fixture w = FIXTURE("200 {}");
	(void)state;
	start(&w, 0);
	assert_end(&w, do_get(w.table, &w.a, &w.why), F_NO_SUCH_IMAGE, 1);
	assert_true(saw(&w, "\"ConsistentRead\":true"));
	stop(&w);
}

static void test_list_with_an_invalid_cursor_then_bad_cursor_without_a_call(void **state)
{
	struct fixture w = FIXTURE("200 {}");
	struct image_page page;
	(void)state;
	start(&w, 0);
	assert_end(&w, table_list(w.table, &(struct image_query){ .limit = 10, .cursor = STR("abc") }, &w.a, &page, &w.why), F_BAD_CURSOR, 0);
	stop(&w);
}

/* the table described and made */

#define INDEX(name, n) "{\"IndexName\":\"" name "\",\"IndexStatus\":\"ACTIVE\",\"ItemCount\":" n "}"
#define DESCRIBED(status, indexes) \
	"200 {\"Table\":{\"TableStatus\":\"" status "\",\"ItemCount\":9,\"GlobalSecondaryIndexes\":[" indexes "]}}"
#define OLD_INDEXES INDEX("feed", "1") "," INDEX("due", "2")
#define READY DESCRIBED("ACTIVE", OLD_INDEXES "," INDEX("owned", "0"))
#define BUILDING DESCRIBED("ACTIVE", OLD_INDEXES ",{\"IndexName\":\"owned\",\"IndexStatus\":\"CREATING\"}")

static void test_counts_then_what_the_indexes_hold(void **state)
{
	struct fixture w = FIXTURE(DESCRIBED("ACTIVE", INDEX("due", "12") "," INDEX("feed", "3000000000")));
	struct image_counts c;
	(void)state;
	start(&w, 0);
	assert_end(&w, table_counts(w.table, &c, &w.why), F_NONE, 1);
	assert_true(c.pending == 12 && c.uploaded == 3000000000 && c.rejected == 0 && c.stored_bytes == 0);
	stop(&w);
}

static enum status do_create(struct image_table *t, struct arena *a, struct fault *why)
{
	(void)a;
	return dynamo_table_create(t, why);
}

static void test_create_then_waits_until_it_is_active_and_turns_the_ttl_on(void **state)
{
	static const struct course courses[] = {
		{ { "200 {}", READY, "200 {}" }, F_NONE, 3 },
		{ { REFUSED("ResourceInUseException"), READY, "200 {}" }, F_NONE, 3 },
		{ { "200 {}", DESCRIBED("CREATING", INDEX("feed", "0") "," INDEX("due", "0")), READY, "200 {}" }, F_NONE, 4 },
		{ { "200 {}", REFUSED("ResourceNotFoundException"), READY, "200 {}" }, F_NONE, 4 },
		{ { "200 {}", READY, "400 {\"__type\":\"x#ValidationException\",\"message\":\"TimeToLive is already enabled\"}" }, F_NONE, 3 },
		{ { "200 {}", READY, "400 {\"__type\":\"x#UnknownOperationException\"}" }, F_NONE, 3 },
		{ { "200 {}", READY, REFUSED("ValidationException") }, F_UPSTREAM_FAILED, 3 },
		{ { REFUSED("ValidationException") }, F_UPSTREAM_FAILED, 1 },
		{ { REFUSED("ResourceInUseException"), BUILDING, READY, "200 {}" }, F_NONE, 4 },
		{ { REFUSED("ResourceInUseException"), DESCRIBED("ACTIVE", OLD_INDEXES), REFUSED("ValidationException") }, F_UPSTREAM_FAILED, 3 },
		{ { REFUSED("ResourceInUseException"), DESCRIBED("ACTIVE", INDEX("feed", "1")) }, F_BAD_SETTING, 2 },
	};
	(void)state;
	run_courses(courses, COUNT_OF(courses), do_create);
}

/* UpdateTable adds one index at a time, and refuses while another change of the table is under way: then it is sent again. */
static void test_create_of_a_table_without_the_index_of_owners_then_it_is_added_once(void **state)
{
	struct fixture w = FIXTURE(REFUSED("ResourceInUseException"), DESCRIBED("ACTIVE", OLD_INDEXES), REFUSED("ResourceInUseException"),
		DESCRIBED("ACTIVE", OLD_INDEXES), "200 {}", BUILDING, READY, "200 {}");
	(void)state;
	start(&w, 0);
	assert_end(&w, dynamo_table_create(w.table, &w.why), F_NONE, 8);
	assert_true(saw(&w, "\"GlobalSecondaryIndexUpdates\":[{\"Create\":{\"IndexName\":\"owned\""));
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_call_when_the_engine_fails_then_its_status_and_what_was_given_in_the_cause),
		cmocka_unit_test(test_insert_when_cut_before_or_after_the_write_then_done_once_and_reported_as_done),
		cmocka_unit_test(test_resolve_when_cut_before_or_after_the_write_then_done_once_and_reported_as_done),
		cmocka_unit_test(test_remove_when_cut_before_or_after_the_write_then_gone_is_removed),
		cmocka_unit_test(test_remove_of_a_row_whose_id_is_kept_then_replaced_once),
		cmocka_unit_test(test_change_when_cut_before_or_after_the_write_then_done_once_and_reported_as_done),
		cmocka_unit_test(test_get_of_what_a_removed_row_left_then_no_such_image),
		cmocka_unit_test(test_get_of_a_row_past_its_ttl_then_no_such_image),
		cmocka_unit_test(test_get_of_an_impossible_id_then_no_such_image_without_a_call),
		cmocka_unit_test(test_insert_then_one_conditional_put_that_expires_by_ttl_and_is_in_no_list),
		cmocka_unit_test(test_insert_when_sent_twice_then_the_same_bytes),
		cmocka_unit_test(test_resolve_as_uploaded_then_listed_and_neither_due_nor_ended_by_ttl),
		cmocka_unit_test(test_resolve_as_rejected_then_not_listed_and_due_at_its_new_end),
		cmocka_unit_test(test_get_then_a_consistent_read),
		cmocka_unit_test(test_list_with_an_invalid_cursor_then_bad_cursor_without_a_call),
		cmocka_unit_test(test_counts_then_what_the_indexes_hold),
		cmocka_unit_test(test_create_then_waits_until_it_is_active_and_turns_the_ttl_on),
		cmocka_unit_test(test_create_of_a_table_without_the_index_of_owners_then_it_is_added_once),
	};
	surroundings_clear(NULL);
	surroundings_give_keys("AKIATESTTESTTESTTEST", "test-secret", "");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
