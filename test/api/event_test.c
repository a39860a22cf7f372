/* The text of an event: within its bound whatever a client has chosen, since one that cannot be written fails the change. */
#include "api/event.h"

#include "api/fixture.h"

#include "api/body.h"
#include "image/thumb_objects.h"
#include "image/thumbnails.h"

static struct thumb_objects objects;

/* As many presets as there may be, of whose links each format has one. */
static int set_up(void **state)
{
	struct fault why;
	fixture_setup(state);
	thumb_objects_init(&objects, fixture.product.store);
	const struct thumbnails_options o = { .presets = STR("a:16x16,b:32x32,c:48x48,d:64x64,e:80x80,f:96x96,g:112x112,h:128x128"),
		.at_upload = STR(""),
		.product = &fixture.product,
		.store = &objects.port };
	assert_int_equal(thumbnails_new(&o, &fixture.product.thumbnails, &why), OK);
	assert_int_equal(thumbnails_count(fixture.product.thumbnails), THUMBNAIL_PRESETS_MAX);
	return 0;
}

static int tear_down(void **state)
{
	thumbnails_free(&fixture.product.thumbnails);
	return fixture_teardown(state);
}

static struct image_row largest_row(void)
{
	struct image_row row = row_pending(&fixture.own, 1);
	char *value = arena_alloc(&fixture.own, METADATA_MAX_BYTES - 1);
	struct buf json;
	struct fault why;
	memset(value, 1, METADATA_MAX_BYTES - 1);
	buf_init_arena(&json, &fixture.own, 1 << 16);
	buf_put(&json, STR("{\"a\":\""));
	for (size_t i = 0; i < METADATA_MAX_BYTES - 1; i++)
		buf_put(&json, STR("\\u0001"));
	buf_put(&json, STR("\"}"));
	row.status = IMAGE_UPLOADED;
	row.width = row.height = 1000;
	row.is_public = row.stripped = true;
	row.uploaded_ms = 1795332442123;
	row.received_size = row.file_size;
	assert_int_equal(body_read_metadata(&fixture.own, buf_str(&json), &row.metadata, &why), OK);
	row.file_name = (struct str){ value, 255 }; /* of characters that JSON escapes */
	row.issuer = row.subject = (struct str){ memset(arena_alloc(&fixture.own, 255), '"', 255), 255 };
	row.owner = STR("0123456789abcdef0123456789abcdef");
	return row;
}

/* The event of this row; its links begin with so many characters. */
static json_t *event_of(const struct image_row *row, size_t url_bytes)
{
	struct buf text CLEANUP(buf_deinit);
	struct fault why = { 0 };
	char *url = arena_alloc(&fixture.own, url_bytes);
	memset(url, 'u', url_bytes);
	fixture.product.delivery.url = (struct str){ url, url_bytes };
	assert_true(delivery_keys_parse(STR("a-key-of-32-characters-and-more..."), &fixture.product.delivery.keys));
	buf_init(&text, OUTBOX_BODY_MAX);
	assert_int_equal(event_write(&fixture.product, &(struct event){ OUTBOX_UPLOADED, row, 5 }, &text, &why), OK);
	json_t *event = json_loadb(text.p, text.n, 0, NULL);
	assert_non_null(event);
	return event;
}

static void test_event_of_the_largest_record_then_it_is_written_with_its_links(void **state)
{
	(void)state;
	struct image_row row = largest_row();
	json_t *event = event_of(&row, 20), *data = json_object_get(event, "data");
	assert_non_null(json_object_get(json_object_get(data, "links"), "original"));
	assert_non_null(json_object_get(json_object_get(data, "links"), "h"));
	assert_non_null(json_object_get(data, "metadata"));
	assert_null(json_object_get(data, "downloadUrl"));
	json_decref(event);
}

static void test_event_when_its_links_do_not_fit_then_it_is_written_without(void **state)
{
	(void)state;
	struct image_row row = largest_row();
	json_t *event = event_of(&row, 500), *data = json_object_get(event, "data");
	assert_null(json_object_get(data, "links"));
	assert_non_null(json_object_get(data, "metadata"));
	assert_string_equal(json_string_value(json_object_get(event, "type")), "image.uploaded");
	json_decref(event);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_event_of_the_largest_record_then_it_is_written_with_its_links),
		T(test_event_when_its_links_do_not_fit_then_it_is_written_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
