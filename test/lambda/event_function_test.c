/* The event function over the fakes: which messages fail, and what each leaves. */
#include "unit.h"

#include "lambda/event_function.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/op_deadline.h"
#include "base/log/log.h"
#include "fake/fake_product.h"
#include "fake/pictures.h"
#include "fake/rows.h"

#include <fcntl.h>
#include <unistd.h>

static struct fake_product f;
static struct arena a;
static struct buf event; /* the batch that is being written */
static int log_fds[2];

static int set_up(void **state)
{
	fake_product_init(&f, false);
	arena_init(&a, 16 << 20);
	buf_init_arena(&event, &a, 1 << 20);
	assert_int_equal(pipe2(log_fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(log_start(&(struct log_options){ .level = LOG_INFO, .direct_fd = log_fds[1] }, &f.why), OK);
	return picture_set_up(state);
}

static int tear_down(void **state)
{
	op_deadline_set(0);
	log_stop();
	close(log_fds[0]);
	close(log_fds[1]);
	fake_product_deinit(&f);
	arena_deinit(&a);
	return picture_tear_down(state);
}

static bool logs_hold(const char *part)
{
	static char text[65536];
	ssize_t n = read(log_fds[0], text, sizeof text);
	struct str s = { text, n > 0 ? (size_t)n : 0 };
	return str_find(s, str_of(part)) < s.n;
}

struct given {
	const char *bucket;
	struct str key, etag;
	const char *sequencer;
};

static struct str notification(const struct given *t)
{
	return str_printf(&a,
		"{\"Records\":[{\"eventSource\":\"aws:s3\",\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":\"%s\"},"
		"\"object\":{\"key\":\"%.*s\",\"eTag\":\"%.*s\",\"sequencer\":\"%s\"}}}]}",
		t->bucket == NULL ? "pictures" : t->bucket, STRF(t->key), STRF(t->etag), t->sequencer == NULL ? "1" : t->sequencer);
}

/* Add a message to the batch. */
static void message(const char *id, struct str body)
{
	buf_put(&event, event.n == 0 ? STR("{\"Records\":[") : STR(","));
	buf_printf(&event, "{\"eventSource\":\"aws:sqs\",\"messageId\":\"%s\",\"body\":\"", id);
	json_escape(&event, body);
	buf_put(&event, STR("\"}"));
}

static enum status run(struct str text, struct str *answer)
{
	struct event_function to = { .product = &f.product, .bucket = STR("pictures") };
	const struct invocation in = { .id = STR("lambda-1"), .event = text };
	struct buf b;
	buf_init_arena(&b, &a, 1 << 20);
	enum status end = event_function_run(&to, &in, &a, &b, &f.why);
	*answer = buf_str(&b);
	return end;
}

/* Hand over the batch; `failed`: the response's list. */
static void assert_batch(const char *failed)
{
	struct str answer;
	buf_put(&event, STR("]}"));
	assert_int_equal(run(buf_str(&event), &answer), OK);
	assert_str(answer, str_printf(&a, "{\"batchItemFailures\":[%s]}", failed));
	buf_clear(&event);
	fake_product_check(&f);
}

static struct given arrive(unsigned n, struct str bytes)
{
	struct given t = { .key = fake_product_slot(&f, n, STR("image/png")) };
	struct object_info info;
	fake_product_arrive(&f, t.key, bytes);
	assert_int_equal(store_head(f.product.store, t.key, &f.a, &info, &f.why), OK);
	t.etag = info.etag;
	return t;
}

static void assert_status(unsigned n, enum image_status status)
{
	struct image_row row;
	assert_true(fake_product_row(&f, n, &row));
	assert_int_equal(row.status, status);
}

static void test_batch_then_each_object_in_its_right_state(void **state)
{
	struct given good = arrive(1, picture_png(3, 2)), bad = arrive(2, STR("<html>"));
	struct given orphan = { .key = STR("images/none.png"), .etag = STR("x") };
	fake_product_arrive(&f, orphan.key, STR("x"));
	message("m1", notification(&good));
	message("m2", notification(&bad));
	message("m3", notification(&orphan));
	message("m4", STR("{\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\"}"));
	message("m5", notification(&good));
	assert_batch("");
	assert_status(1, IMAGE_UPLOADED);
	assert_status(2, IMAGE_REJECTED);
	assert_int_equal(fake_store_count(f.store), 1);
	assert_true(logs_hold("\"level\":\"warn\",\"event\":\"object.unexplained\",\"requestId\":\"lambda-1\",\"key\":\"images/none.png\""));
}

static void test_eventbridge_event_bare_then_resolved(void **state)
{
	struct given t = arrive(1, picture_png(3, 2));
	struct str answer;
	assert_int_equal(run(str_printf(&a,
							 "{\"source\":\"aws.s3\",\"detail-type\":\"Object Created\",\"detail\":{\"bucket\":{\"name\":\"pictures\"},"
							 "\"object\":{\"key\":\"%.*s\",\"etag\":\"%.*s\"}}}",
							 STRF(t.key), STRF(t.etag)),
						 &answer),
		OK);
	assert_status(1, IMAGE_UPLOADED);
	assert_true(logs_hold("\"event\":\"object\",\"requestId\":\"lambda-1\",\"outcome\":\"accepted\""));
}

static void test_message_that_fails_then_only_it_is_reported_and_delivered_again(void **state)
{
	struct given one = arrive(1, picture_png(3, 2)), two = arrive(2, picture_png(4, 2));
	fake_table_fail_nth(f.table, 1, F_UPSTREAM_FAILED);
	message("m1", notification(&one));
	message("m2", notification(&two));
	assert_batch("{\"itemIdentifier\":\"m1\"}");
	assert_true(logs_hold("\"level\":\"error\",\"event\":\"object.failed\",\"requestId\":\"lambda-1\",\"message\":\"m1\""));
	assert_status(1, IMAGE_PENDING);
	assert_status(2, IMAGE_UPLOADED);
	message("m1", notification(&one));
	assert_batch("");
	assert_status(1, IMAGE_UPLOADED);
}

static void test_message_with_two_failures_then_named_once(void **state)
{
	message("m1", STR("{\"Records\":[7,8]}"));
	message("m2", STR("nonsense"));
	assert_batch("{\"itemIdentifier\":\"m1\"},{\"itemIdentifier\":\"m2\"}");
}

static void test_event_of_another_bucket_or_folder_then_failed_and_untouched(void **state)
{
	struct given t = arrive(1, picture_png(3, 2));
	t.bucket = "others";
	message("m1", notification(&t));
	fake_product_arrive(&f, STR("backup/x"), STR("x"));
	message("m2", notification(&(struct given){ .key = STR("backup/x"), .etag = STR("e") }));
	assert_batch("{\"itemIdentifier\":\"m1\"},{\"itemIdentifier\":\"m2\"}");
	assert_status(1, IMAGE_PENDING);
	assert_int_equal(fake_store_count(f.store), 2);
}

static void test_events_of_one_key_in_a_batch_then_only_the_newest_is_processed(void **state)
{
	struct given old = arrive(1, picture_png(3, 2)), new = old;
	old.sequencer = "FF";
	old.etag = STR("older");
	new.sequencer = "0100";
	message("m1", notification(&new));
	message("m2", notification(&old));
	uint64_t calls = fake_table_calls(f.table);
	assert_batch("");
	assert_true(fake_table_calls(f.table) - calls <= 3); /* get, resolve, and the check's list */
	assert_status(1, IMAGE_UPLOADED);
}

static void test_event_when_no_time_is_left_then_returned_unprocessed(void **state)
{
	struct given t = arrive(1, picture_png(3, 2));
	message("m1", notification(&t));
	op_deadline_set(clock_mono_ms());
	assert_batch("{\"itemIdentifier\":\"m1\"}");
	assert_status(1, IMAGE_PENDING);
}

static void test_bare_event_that_fails_then_the_invocation_fails(void **state)
{
	struct given t = arrive(1, picture_png(3, 2));
	struct str answer;
	fake_store_fail_nth(f.store, 1, F_UPSTREAM_FAILED);
	assert_int_equal(run(notification(&t), &answer), UPSTREAM);
	assert_int_equal(run(STR("{\"unknown\":1}"), &answer), INVALID);
	assert_int_equal(run(STR("{\"Records\":[{\"eventS"), &answer), INVALID);
	assert_int_equal(run(notification(&t), &answer), OK);
	assert_status(1, IMAGE_UPLOADED);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_batch_then_each_object_in_its_right_state),
		TEST(test_eventbridge_event_bare_then_resolved),
		TEST(test_message_that_fails_then_only_it_is_reported_and_delivered_again),
		TEST(test_message_with_two_failures_then_named_once),
		TEST(test_event_of_another_bucket_or_folder_then_failed_and_untouched),
		TEST(test_events_of_one_key_in_a_batch_then_only_the_newest_is_processed),
		TEST(test_event_when_no_time_is_left_then_returned_unprocessed),
		TEST(test_bare_event_that_fails_then_the_invocation_fails),
	};
	return cmocka_run_group_tests_name("arrivals", tests, NULL, NULL);
}
