/* The render function over fakes: which messages of a batch fail. What is made is in test/image/thumb_set_test.c. */
#include "unit.h"

#include "lambda/render_function.h"

#include "base/clock.h"
#include "base/op_deadline.h"
#include "fake/fake_product.h"
#include "fake/rows.h"
#include "image/thumb_objects.h"
#include "image/thumbnails.h"

static struct fake_product f;
static struct thumb_objects store;
static struct arena a;

static enum status send_nothing(struct thumb_queue *q, struct str id, struct str etag, struct fault *why)
{
	(void)q, (void)id, (void)etag, (void)why;
	return OK;
}

static const struct thumb_queue_ops queue_ops = { send_nothing };
static struct thumb_queue queue = { &queue_ops };

static int set_up(void **state)
{
	(void)state;
	fake_product_init(&f, false);
	arena_init(&a, 4 << 20);
	thumb_objects_init(&store, f.product.store);
	const struct thumbnails_options o = { .presets = STR("small:160x160"), .product = &f.product, .store = &store.port, .queue = &queue };
	return thumbnails_new(&o, &f.product.thumbnails, &f.why) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	op_deadline_set(0);
	thumbnails_free(&f.product.thumbnails);
	fake_product_deinit(&f);
	arena_deinit(&a);
	return 0;
}

static enum status run(const char *event, struct str *answer)
{
	struct render_function to = { .product = &f.product };
	const struct invocation in = { .id = STR("lambda-1"), .event = str_of(event) };
	struct buf b;
	buf_init_arena(&b, &a, 1 << 16);
	enum status end = render_function_run(&to, &in, &a, &b, &f.why);
	*answer = buf_str(&b);
	return end;
}

#define MESSAGE(id, body) "{\"eventSource\":\"aws:sqs\",\"messageId\":\"" id "\",\"body\":\"" body "\"}"
#define UNKNOWN "{\\\"imageId\\\":\\\"0123abcd-0000-4000-8000-00000000000a\\\",\\\"etag\\\":\\\"e\\\"}"
#define BATCH "{\"Records\":[" MESSAGE("m1", UNKNOWN) "," MESSAGE("m2", "<html>") "," MESSAGE("m3", UNKNOWN) "]}"

static void test_batch_then_only_what_failed_is_listed(void **state)
{
	struct str answer;
	(void)state;
	assert_int_equal(run(BATCH, &answer), OK);
	assert_str(answer, STR("{\"batchItemFailures\":[{\"itemIdentifier\":\"m2\"}]}"));
	fake_table_fail_nth(f.table, 2, F_UPSTREAM_FAILED); /* the row of m3 */
	assert_int_equal(run(BATCH, &answer), OK);
	assert_str(answer, STR("{\"batchItemFailures\":[{\"itemIdentifier\":\"m2\"},{\"itemIdentifier\":\"m3\"}]}"));
}

static void test_no_time_left_then_all_are_given_back(void **state)
{
	struct str answer;
	(void)state;
	op_deadline_set(clock_mono_ms() - 1);
	assert_int_equal(run("{\"Records\":[" MESSAGE("m1", UNKNOWN) "]}", &answer), OK);
	assert_str(answer, STR("{\"batchItemFailures\":[{\"itemIdentifier\":\"m1\"}]}"));
}

static void test_no_batch_of_a_queue_then_the_invocation_fails(void **state)
{
	static const char *const BAD[] = { "", "[]", "{}", "{\"Records\":{}}", "{\"Records\":[{}]}", "{\"Records\":[{\"body\":\"{}\"}]}" };
	struct str answer;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(BAD); i++)
		if (run(BAD[i], &answer) != INVALID)
			fail_msg("%s is taken", BAD[i]);
	assert_int_equal(run("{\"Records\":[]}", &answer), OK);
	assert_str(answer, STR("{\"batchItemFailures\":[]}"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_batch_then_only_what_failed_is_listed),
		TEST(test_no_time_left_then_all_are_given_back),
		TEST(test_no_batch_of_a_queue_then_the_invocation_fails),
	};
	return cmocka_run_group_tests_name("render_function", tests, NULL, NULL);
}
