/* The index of a destination: ids are found again among many, and digests differ with every member that must be the same. */
#include "image/maintenance/migration_index.h"

#include "fake/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MANY 5000

static void test_add_of_many_ids_then_each_is_found_and_no_other(void **state)
{
	struct migration_index x = { 0 };
	struct arena a;
	unsigned char id[MIGRATION_ID_BYTES];
	char text[UUID_CHARS + 1];
	(void)state;
	arena_init(&a, 1 << 22);
	assert_null(migration_index_find(&x, (const unsigned char[MIGRATION_ID_BYTES]){ 0 }));
	for (unsigned turn = 0; turn < 2; turn++)
		for (unsigned n = 0; n < MANY; n++) {
			assert_true(uuid_to_bytes(row_id(&a, n), id));
			struct migration_entry *e = migration_index_add(&x, id);
			assert_non_null(e);
			assert_int_equal(e->row, turn == 0 ? 0 : n + 1);
			e->row = n + 1;
		}
	assert_int_equal(x.n, MANY);
	for (unsigned n = 0; n < 2 * MANY; n++) {
		assert_true(uuid_to_bytes(row_id(&a, n), id));
		const struct migration_entry *e = migration_index_find(&x, id);
		assert_int_equal(e != NULL, n < MANY);
		if (e == NULL)
			continue;
		assert_int_equal(e->row, n + 1);
		uuid_of_bytes(e->id, text);
		assert_true(str_equal(str_of(text), row_id(&a, n)));
	}
	migration_index_deinit(&x);
	migration_index_deinit(&x);
	arena_deinit(&a);
}

static void test_pack_of_what_is_no_id_then_refused(void **state)
{
	unsigned char id[MIGRATION_ID_BYTES];
	(void)state;
	assert_false(uuid_to_bytes(STR(""), id));
	assert_false(uuid_to_bytes(STR("migration"), id));
	assert_false(uuid_to_bytes(STR("11111111-2222-4333-8444-55555555555g"), id));
}

static void test_digest_of_a_row_then_another_with_each_member_but_thumbnails_and_time_of_the_object(void **state)
{
	struct arena a;
	(void)state;
	arena_init(&a, 1 << 20);
	const struct transfer_entry same = { .row = row_pending(&a, 1) };
	const uint64_t digest = migration_digest_row(&same);
	struct transfer_entry e = same;
	e.row.thumbs = STR("small");
	e.row.modified_ms = 5;
	assert_true(digest != 0 && migration_digest_row(&e) == digest);
#define DIFFERS(member, value) \
	e = same; \
	e.member = value; \
	assert_true(migration_digest_row(&e) != digest)
	DIFFERS(kept_ms, 1000);
	DIFFERS(row.status, IMAGE_UPLOADED);
	DIFFERS(row.version, 2);
	DIFFERS(row.owner, STR("o"));
	DIFFERS(row.issuer, STR("o"));
	DIFFERS(row.subject, STR("o"));
	DIFFERS(row.key, STR("o"));
	DIFFERS(row.file_name, STR("o"));
	DIFFERS(row.file_type, STR("o"));
	DIFFERS(row.file_size, 1);
	DIFFERS(row.max_bytes, 1);
	DIFFERS(row.etag, STR("o"));
	DIFFERS(row.width, 1);
	DIFFERS(row.height, 1);
	DIFFERS(row.orientation, 1);
	DIFFERS(row.frames, 1);
	DIFFERS(row.created_ms, 1);
	DIFFERS(row.expires_ms, 1);
	DIFFERS(row.uploaded_ms, 1);
	DIFFERS(row.ends_ms, 1);
	DIFFERS(row.reason, STR("o"));
	DIFFERS(row.verdict, STR("o"));
	DIFFERS(row.damage, STR("o"));
	DIFFERS(row.placeholder, STR("o"));
	DIFFERS(row.color, STR("o"));
	DIFFERS(row.delete_hash, STR("o"));
	DIFFERS(row.is_public, true);
	DIFFERS(row.received_size, 1);
	DIFFERS(row.received_sha256, STR("o"));
	DIFFERS(row.stripped, true);
	DIFFERS(row.removed, 1);
	DIFFERS(row.kept_metadata, STR("o"));
	DIFFERS(row.metadata, STR("o"));
	DIFFERS(row.request_hash, STR("o"));
	e = same;
	e.row.reason = STR("x");
	const uint64_t one = migration_digest_row(&e);
	e.row.reason = STR("");
	e.row.verdict = STR("x");
	assert_true(migration_digest_row(&e) != one);
	assert_true(migration_digest_object(1, STR("a")) != migration_digest_object(2, STR("a")));
	assert_true(migration_digest_object(1, STR("a")) != migration_digest_object(1, STR("b")));
	arena_deinit(&a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_of_many_ids_then_each_is_found_and_no_other),
		cmocka_unit_test(test_pack_of_what_is_no_id_then_refused),
		cmocka_unit_test(test_digest_of_a_row_then_another_with_each_member_but_thumbnails_and_time_of_the_object),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
