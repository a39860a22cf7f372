/* Messages that ask for thumbnails: written and read back, and whatever else a queue may hold. */
#include "port/thumb_message.h"

#include "unit.h"

#define ID "0123abcd-0000-4000-8000-00000000000a"

static void test_message_then_read_back(void **state)
{
	struct arena a CLEANUP(arena_deinit);
	struct buf b CLEANUP(buf_deinit);
	struct thumb_message back;
	struct fault why;
	const struct thumb_message m = { STR(ID), STR("0123456789abcdef0123456789abcdef") };
	(void)state;
	arena_init(&a, 1024);
	buf_init(&b, 1024);
	thumb_message_write(&b, &m);
	assert_str(buf_str(&b), STR("{\"imageId\":\"" ID "\",\"etag\":\"0123456789abcdef0123456789abcdef\"}"));
	assert_int_equal(thumb_message_read(buf_str(&b), &a, &back, &why), OK);
	assert_str(back.image_id, m.image_id);
	assert_str(back.etag, m.etag);
	assert_int_equal(thumb_message_read(STR("{\"more\":[1],\"etag\":\"a-2\",\"imageId\":\"" ID "\"}"), &a, &back, &why), OK);
	assert_str(back.etag, STR("a-2"));
}

static void test_anything_else_then_refused(void **state)
{
	static const char *const BAD[] = { "", "x", "[]", "null", "{}", "{\"imageId\":\"" ID "\"}", "{\"etag\":\"a\"}",
		"{\"imageId\":\"" ID "\",\"etag\":\"\"}", "{\"imageId\":\"" ID "\",\"etag\":1}", "{\"imageId\":\"../x\",\"etag\":\"a\"}",
		"{\"imageId\":null,\"etag\":\"a\"}", "{\"imageId\":\"" ID "\",\"etag\":\"a\"" };
	struct arena a CLEANUP(arena_deinit);
	struct thumb_message m;
	struct fault why;
	(void)state;
	arena_init(&a, 1024);
	for (size_t i = 0; i < COUNT_OF(BAD); i++)
		if (thumb_message_read(str_of(BAD[i]), &a, &m, &why) != INVALID)
			fail_msg("%s is taken", BAD[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_then_read_back),
		cmocka_unit_test(test_anything_else_then_refused),
	};
	return cmocka_run_group_tests_name("thumb_message", tests, NULL, NULL);
}
