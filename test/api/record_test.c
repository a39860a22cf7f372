#include "api/record.h"
#include "image/strip/strip.h"

#include "api/fixture.h"
#include "base/mem.h"

static struct buf text;
static struct fault why;

static int setup(void **state)
{
	buf_init(&text, 1 << 16);
	return fixture_setup(state);
}

static int teardown(void **state)
{
	buf_deinit(&text);
	return fixture_teardown(state);
}

static struct image_row row_of(enum image_status status)
{
	return (struct image_row){ .image_id = STR(SOME_ID),
		.status = status,
		.key = STR("images/" SOME_ID ".png"),
		.file_name = STR("a.png"),
		.file_type = STR("image/png"),
		.created_ms = 1795332442000,
		.expires_ms = 1795332742000 };
}

/* The members of the record, in their order, with blanks between. */
static const char *members_of(const struct image_row *row, unsigned form)
{
	static char names[500];
	const char *name;
	json_t *value;

	buf_clear(&text);
	assert_int_equal(record_write(&fixture.product, row, form, &text, &why), OK);
	json_t *record = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(record);
	names[0] = '\0';
	json_object_foreach(record, name, value)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", names[0] == '\0' ? "" : " ", name);
	json_decref(record);
	return names;
}

static void test_record_when_nothing_more_is_known_then_it_is_left_out(void **state)
{
	struct image_row row = row_of(IMAGE_PENDING);

	(void)state;
	assert_string_equal(members_of(&row, RECORD_ALONE), "imageId version status fileName fileUrl visibility fileType expiresAt");
	row.status = IMAGE_UPLOADED;
	assert_string_equal(members_of(&row, RECORD_ALONE),
		"imageId version status fileName fileUrl visibility downloadUrl fileType uploadedAt etag stripped verified expiresAt");
	row.status = IMAGE_REJECTED;
	row.file_type = (struct str){ 0 };
	assert_string_equal(members_of(&row, RECORD_ALONE), "imageId version status fileName fileUrl visibility reason");
}

static void test_record_when_all_is_known_then_it_is_there(void **state)
{
	struct image_row row = row_of(IMAGE_UPLOADED);

	(void)state;
	row.file_size = 1;
	row.width = row.height = row.orientation = row.frames = 1;
	row.etag = STR("0123456789abcdef0123456789abcdef");
	row.stripped = true;
	row.received_size = 2;
	row.removed = STRIP_EXIF | STRIP_OTHER;
	row.kept_metadata = STR("{\"camera\":\"a\"}");
	assert_string_equal(members_of(&row, RECORD_ALONE),
		"imageId version status fileName fileUrl visibility downloadUrl fileSize fileType uploadedAt width height orientation frames etag stripped "
		"receivedSize removed verified expiresAt");
	assert_string_equal(members_of(&row, RECORD_IN_LIST),
		"imageId version fileName fileUrl visibility downloadUrl fileSize fileType uploadedAt width height orientation frames etag stripped "
		"receivedSize removed verified");
	assert_string_equal(members_of(&row, RECORD_IN_LIST | RECORD_NO_URLS),
		"imageId version fileName visibility fileSize fileType uploadedAt width height orientation frames etag stripped receivedSize removed verified");
	assert_string_equal(members_of(&row, RECORD_IN_LIST | RECORD_KEPT),
		"imageId version fileName fileUrl visibility downloadUrl fileSize fileType uploadedAt width height orientation frames etag stripped "
		"receivedSize removed keptMetadata verified");
}

static void test_record_when_pending_then_no_attributes_of_the_bytes(void **state)
{
	struct image_row row = row_of(IMAGE_PENDING);

	(void)state;
	row.width = row.height = row.orientation = row.frames = 1;
	row.file_size = 12;
	assert_string_equal(members_of(&row, RECORD_ALONE), "imageId version status fileName fileUrl visibility fileSize fileType expiresAt");
}

static void test_record_of_an_uploaded_image_then_links_where_the_server_makes_them(void **state)
{
	struct image_row row = row_of(IMAGE_UPLOADED);

	(void)state;
	assert_true(delivery_keys_parse(STR("a-key-of-thirty-two-characters-or-more"), &fixture.product.delivery.keys));
	assert_null(strstr(members_of(&row, RECORD_ALONE), "links"));
	fixture.product.delivery.url = STR("https://img.example");
	fixture.product.delivery.ttl_s = 60;
	assert_non_null(strstr(members_of(&row, RECORD_IN_LIST), " downloadUrl links "));
	assert_true(holds(buf_str(&text), "\"links\":{\"original\":\"https://img.example/i/"));
	row.is_public = true;
	assert_non_null(strstr(members_of(&row, RECORD_ALONE), " links "));
	assert_true(holds(buf_str(&text), "\"visibility\":\"public\""));
	assert_true(holds(buf_str(&text), "https://img.example/i/" SOME_ID "/original"));
	row.status = IMAGE_PENDING;
	assert_null(strstr(members_of(&row, RECORD_ALONE), "links"));
}

static void test_record_when_secrets_are_in_the_row_then_not_written(void **state)
{
	struct image_row row = row_of(IMAGE_UPLOADED);

	(void)state;
	row.delete_hash = STR("hash-of-the-token");
	row.owner = STR("owner-of-it");
	members_of(&row, RECORD_ALONE);
	assert_false(holds(buf_str(&text), "hash-of-the-token"));
	assert_false(holds(buf_str(&text), "owner-of-it"));
}

static void test_record_when_presigning_fails_then_the_fault_comes_back(void **state)
{
	struct image_row row = row_of(IMAGE_UPLOADED);

	(void)state;
	fake_store_fail_nth(fixture.store, 1, F_UPSTREAM_FAILED);
	assert_int_equal(record_write(&fixture.product, &row, RECORD_ALONE, &text, &why), UPSTREAM);
	assert_int_equal(why.code, F_UPSTREAM_FAILED);
}

static void test_record_when_memory_runs_out_for_its_url_then_out_of_memory(void **state)
{
	struct image_row row = row_of(IMAGE_UPLOADED);

	(void)state;
	mem_fail_nth(2); /* after the text's own */
	enum status status = record_write(&fixture.product, &row, RECORD_ALONE, &text, &why);
	mem_fail_nth(0);
	assert_int_equal(status, IO);
	assert_int_equal(why.code, F_OUT_OF_MEMORY);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_record_when_nothing_more_is_known_then_it_is_left_out),
		T(test_record_when_all_is_known_then_it_is_there),
		T(test_record_when_pending_then_no_attributes_of_the_bytes),
		T(test_record_of_an_uploaded_image_then_links_where_the_server_makes_them),
		T(test_record_when_secrets_are_in_the_row_then_not_written),
		T(test_record_when_memory_runs_out_for_its_url_then_out_of_memory),
		T(test_record_when_presigning_fails_then_the_fault_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
