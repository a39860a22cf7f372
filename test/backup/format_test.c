/* Names and manifests of backups: written and read back, and what no backup has. */
#include "backup/format.h"

#include "unit.h"

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OTHER "00000000000000000000000000000000000000000000000000000000000000ff"

static void test_piece_then_read_back(void **state)
{
	char memory[BACKUP_NAME_MAX];
	struct buf b;
	struct piece back;
	const struct piece p = { .file = 0x1a2b, .number = 17, .etag = STR("0123456789abcdef0123456789abcdef-3") };
	(void)state;
	buf_init_fixed(&b, memory, sizeof memory);
	format_piece(&b, &p);
	assert_str(buf_str(&b), STR("0000000000001a2b.00011.0123456789abcdef0123456789abcdef-3."));
	buf_put(&b, STR(HASH));
	assert_true(format_parse_piece(buf_str(&b), &back));
	assert_int_equal(back.file, p.file);
	assert_int_equal(back.number, p.number);
	assert_str(back.etag, p.etag);
	assert_str(back.sha256, STR(HASH));
}

static void test_piece_of_another_form_then_refused(void **state)
{
	static const char *const BAD[] = { "", ".", "...", "0000000000000001.00000.a", "0000000000000001.00000.a." HASH "0",
		"0000000000000000.00000.a." HASH, "000000000000001.00000.a." HASH, "0000000000000001.0000.a." HASH,
		"000000000000000A.00000.a." HASH, "0000000000000001.00000.." HASH, "0000000000000001.00000.../x." HASH,
		"0000000000000001.00000.A." HASH, "8000000000000000.00000.a." HASH, "../0000000000000001.00000.a." HASH,
		"0000000000000001.00000.a.E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"0000000000000001.00000.01234567890123456789012345678901234567890." HASH };
	struct piece p;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(BAD); i++)
		if (format_parse_piece(str_of(BAD[i]), &p))
			fail_msg("%s is accepted", BAD[i]);
}

static void test_folder_then_read_back(void **state)
{
	static const char *const BAD[] = { "", "objects/", "objects/1", "objects/00000g", "objects/0000001", "lists/000001", "objects/00000A" };
	static const uint64_t GOOD[] = { 0, 1, 0xffffff, 0x1234567 };
	uint64_t folder = 0;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(GOOD); i++) {
		char memory[BACKUP_NAME_MAX];
		struct buf b;
		buf_init_fixed(&b, memory, sizeof memory);
		format_folder(&b, GOOD[i]);
		assert_true(format_parse_folder(buf_str(&b), &folder));
		assert_int_equal(folder, GOOD[i]);
	}
	for (size_t i = 0; i < COUNT_OF(BAD); i++)
		if (format_parse_folder(str_of(BAD[i]), &folder))
			fail_msg("%s is accepted", BAD[i]);
}

static void test_pieces_then_enough_for_all_bytes(void **state)
{
	(void)state;
	assert_int_equal(format_pieces(0, 10), 1);
	assert_int_equal(format_pieces(1, 10), 1);
	assert_int_equal(format_pieces(10, 10), 1);
	assert_int_equal(format_pieces(11, 10), 2);
}

static void test_manifest_then_read_back(void **state)
{
	struct arena a CLEANUP(arena_deinit);
	struct buf b CLEANUP(buf_deinit);
	struct fault why;
	struct folder_list lists[] = { { 0, STR(HASH) }, { 7, STR(OTHER) } };
	struct manifest back;
	const struct manifest m = { .created = STR("2026-11-22T07:37:22.123Z"),
		.program = STR("1.2"),
		.schema = 7,
		.source = 1790000000123,
		.database_bytes = 65537,
		.database_list = STR(OTHER),
		.objects = 3,
		.object_bytes = 4000000000,
		.missing = 1,
		.secrets = true,
		.credentials = STR(HASH),
		.lists = lists,
		.n_lists = 2 };
	(void)state;
	arena_init(&a, 65536);
	buf_init(&b, 65536);
	manifest_write(&b, &m);
	assert_int_equal(manifest_parse(buf_str(&b), &a, &back, &why), OK);
	assert_str(back.created, m.created);
	assert_str(back.program, m.program);
	assert_int_equal(back.schema, 7);
	assert_int_equal(back.source, m.source);
	assert_int_equal(back.database_bytes, m.database_bytes);
	assert_str(back.database_list, m.database_list);
	assert_int_equal(back.objects, 3);
	assert_int_equal(back.object_bytes, m.object_bytes);
	assert_int_equal(back.missing, 1);
	assert_true(back.secrets);
	assert_str(back.credentials, m.credentials);
	assert_int_equal(back.n_lists, 2);
	assert_int_equal(back.lists[1].folder, 7);
	assert_str(back.lists[1].sha256, STR(OTHER));
}

#define MANIFEST(lists, more) \
	"{\"format\":1,\"createdAt\":\"x\",\"program\":\"1\",\"schema\":7,\"source\":5,\"database\":{\"bytes\":1,\"list\":\"" HASH \
	"\"},\"objects\":1,\"objectBytes\":1,\"missing\":0,\"secrets\":false" more ",\"lists\":" lists "}"

static void test_manifest_that_lacks_something_then_damaged(void **state)
{
	static const char *const BAD[] = { "", "x", "[]", "{}", "{\"format\":0}", "{\"format\":1}", MANIFEST("[]", ""),
		MANIFEST("[]", ",\"credentials\":\"../../etc/passwd\""), MANIFEST("null", ",\"credentials\":null"),
		MANIFEST("[{\"folder\":0}]", ",\"credentials\":null"),
		MANIFEST("[{\"folder\":-1,\"sha256\":\"" HASH "\"}]", ",\"credentials\":null"),
		MANIFEST("[{\"folder\":2,\"sha256\":\"" HASH "\"},{\"folder\":2,\"sha256\":\"" HASH "\"}]", ",\"credentials\":null"),
		MANIFEST("[]", ",\"credentials\":null") "x" };
	struct arena a CLEANUP(arena_deinit);
	struct manifest m;
	struct fault why;
	(void)state;
	arena_init(&a, 65536);
	assert_int_equal(manifest_parse(STR(MANIFEST("[]", ",\"credentials\":null")), &a, &m, &why), OK);
	for (size_t i = 0; i < COUNT_OF(BAD); i++)
		if (manifest_parse(str_of(BAD[i]), &a, &m, &why) != CORRUPT || why.code != F_DATA_DAMAGED)
			fail_msg("%s is accepted", BAD[i]);
	assert_int_equal(manifest_parse(STR("{\"format\":2}"), &a, &m, &why), CORRUPT);
	assert_int_equal(why.code, F_SCHEMA_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_piece_then_read_back),
		cmocka_unit_test(test_piece_of_another_form_then_refused),
		cmocka_unit_test(test_folder_then_read_back),
		cmocka_unit_test(test_pieces_then_enough_for_all_bytes),
		cmocka_unit_test(test_manifest_then_read_back),
		cmocka_unit_test(test_manifest_that_lacks_something_then_damaged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
