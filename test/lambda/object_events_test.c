/* News of objects in all their wrappings. */
#include "unit.h"

#include "lambda/object_events.h"

#include "base/codec.h"

static struct arena a;
static struct fault why;
static struct object_events events;

static int set_up(void **state)
{
	arena_init(&a, 32 << 20);
	why = (struct fault){ 0 };
	return 0;
}

static int tear_down(void **state)
{
	arena_deinit(&a);
	return 0;
}

static enum status read(const char *event)
{
	return object_events_read(&a, str_of(event), &events, &why);
}

#define S3(key) \
	"{\"Records\":[{\"eventVersion\":\"2.6\",\"eventSource\":\"aws:s3\",\"eventName\":\"ObjectCreated:Put\"," \
	"\"s3\":{\"bucket\":{\"name\":\"pictures\"},\"object\":{\"key\":\"" key "\",\"size\":3,\"eTag\":\"e1\",\"sequencer\":\"0A\"}}}]}"
#define BRIDGE(type) \
	"{\"version\":\"0\",\"source\":\"aws.s3\",\"detail-type\":\"" type "\"," \
	"\"detail\":{\"bucket\":{\"name\":\"pictures\"},\"object\":{\"key\":\"images/a+b%41.png\",\"etag\":\"e2\",\"sequencer\":\"0B\"}}}"

static void assert_created(const struct object_event *e, const char *key, const char *etag)
{
	assert_non_null(e);
	assert_int_equal(e->kind, EVENT_CREATED);
	assert_str(e->bucket, STR("pictures"));
	assert_str(e->key, str_of(key));
	assert_str(e->etag, str_of(etag));
}

static void assert_kind(const char *event, enum object_event_kind kind)
{
	assert_int_equal(read(event), OK);
	assert_non_null(events.first);
	assert_int_equal(events.first->kind, kind);
}

static void test_s3_bare_then_its_key_is_decoded_as_a_form(void **state)
{
	assert_int_equal(read(S3("images/a+b%C3%A9%2B.png")), OK);
	assert_false(events.from_queue);
	assert_created(events.first, "images/a b\xc3\xa9+.png", "e1");
	assert_str(events.first->sequencer, STR("0A"));
	assert_null(events.first->next);
}

static void test_eventbridge_bare_then_its_key_is_not_decoded(void **state)
{
	assert_int_equal(read(BRIDGE("Object Created")), OK);
	assert_created(events.first, "images/a+b%41.png", "e2");
}

/* A batch of one message with this body, as text in JSON. */
static const char *batch(const char *body)
{
	struct buf b;
	buf_init_arena(&b, &a, 1 << 20);
	buf_put(&b, STR("{\"Records\":[{\"messageId\":\"m-1\",\"eventSource\":\"aws:sqs\",\"body\":\""));
	json_escape(&b, str_of(body));
	buf_put(&b, STR("\"}]}"));
	return str_cstr(&a, buf_str(&b));
}

static void test_batch_then_each_message_has_its_id(void **state)
{
	assert_int_equal(read(batch(S3("images/a.png"))), OK);
	assert_true(events.from_queue);
	assert_created(events.first, "images/a.png", "e1");
	assert_str(events.first->message_id, STR("m-1"));
	assert_int_equal(read(batch(BRIDGE("Object Created"))), OK);
	assert_created(events.first, "images/a+b%41.png", "e2");
	assert_str(events.first->message_id, STR("m-1"));
}

static void test_event_that_is_not_of_a_new_object_then_ignored(void **state)
{
	static const char test_event[] =
		"{\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\",\"Time\":\"2014-10-13T15:57:02.089Z\",\"Bucket\":\"pictures\"}";
	assert_kind(test_event, EVENT_IGNORED);
	assert_kind(batch(test_event), EVENT_IGNORED);
	assert_kind(BRIDGE("Object Deleted"), EVENT_IGNORED);
	assert_kind("{\"Records\":[{\"eventSource\":\"aws:s3\",\"eventName\":\"ObjectRemoved:Delete\"}]}", EVENT_IGNORED);
	assert_kind("{\"Records\":[{\"eventSource\":\"aws:s3\",\"eventName\":\"s3:ObjectRemoved:Delete\"}]}", EVENT_IGNORED);
	assert_int_equal(read("{\"Records\":[]}"), OK);
	assert_null(events.first);
}

static void test_malformed_message_then_only_it_is_unreadable(void **state)
{
	assert_kind("{}", EVENT_UNREADABLE);
	assert_kind("{\"httpMethod\":\"GET\",\"path\":\"/\"}", EVENT_UNREADABLE);
	assert_kind("{\"Records\":7}", EVENT_UNREADABLE);
	assert_kind("{\"Records\":[7]}", EVENT_UNREADABLE);
	assert_kind("{\"Records\":[{\"eventSource\":\"aws:sns\"}]}", EVENT_UNREADABLE);
	assert_kind("{\"Records\":[{\"eventSource\":\"aws:s3\",\"eventName\":\"ObjectCreated:Put\"}]}", EVENT_UNREADABLE);
	assert_kind(S3("images/%zz"), EVENT_UNREADABLE);
	assert_kind(S3(""), EVENT_UNREADABLE);
	assert_kind(batch("hello"), EVENT_UNREADABLE);
	assert_kind(batch("{\"Records\":[{\"eventSou"), EVENT_UNREADABLE);
	assert_kind(batch(""), EVENT_UNREADABLE);
	assert_non_null(events.first->problem);
	assert_str(events.first->message_id, STR("m-1"));
}

static void test_input_that_is_not_an_event_then_refused(void **state)
{
	static const char *const bad[] = { "", "{", "[]", "7", "{\"Records\":[{\"eventSource\":\"aws:sqs\",\"body\":\"{}\"}]}" };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(read(bad[i]), INVALID);
}

static void test_arena_when_full_then_too_much(void **state)
{
	const char *event = batch(S3("images/a.png"));
	struct arena small;
	arena_init(&small, 100);
	assert_int_equal(object_events_read(&small, str_of(event), &events, &why), LIMIT);
	arena_deinit(&small);
}

static void test_sequencers_then_ordered_as_numbers_of_any_length(void **state)
{
	assert_true(sequencer_compare(STR("0055AED6DCD90281E5"), STR("0055AED6DCD90281E6")) < 0);
	assert_true(sequencer_compare(STR("FF"), STR("0100")) < 0);
	assert_true(sequencer_compare(STR("100"), STR("FF")) > 0);
	assert_int_equal(sequencer_compare(STR("00A"), STR("A")), 0);
	assert_int_equal(sequencer_compare(STR(""), STR("0")), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_s3_bare_then_its_key_is_decoded_as_a_form),
		TEST(test_eventbridge_bare_then_its_key_is_not_decoded),
		TEST(test_batch_then_each_message_has_its_id),
		TEST(test_event_that_is_not_of_a_new_object_then_ignored),
		TEST(test_malformed_message_then_only_it_is_unreadable),
		TEST(test_input_that_is_not_an_event_then_refused),
		TEST(test_arena_when_full_then_too_much),
		TEST(test_sequencers_then_ordered_as_numbers_of_any_length),
	};
	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
