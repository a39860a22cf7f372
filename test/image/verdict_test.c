/* Verdicts: which keys are slots, which slots accept bytes, the verdict on every kind of body, and what a
 * second upload to a slot does. */
#include "image/verdict.h"

#include "fake/fake_product.h"
#include "fake/pictures.h"
#include "fake/rows.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define NOW_MS 1700000100000
#define UUID "0f8fad5b-d9cb-469f-a165-70867728950e"

static int set_up(void **state)
{
	static struct fake_product f;
	fake_product_init(&f, false);
	*state = &f;
	return picture_set_up(state);
}

static int tear_down(void **state)
{
	fake_product_deinit(*state);
	return picture_tear_down(state);
}

/* keys */

static void test_image_id_of_our_keys_then_the_id(void **state)
{
	static const char *const keys[] = { "images/" UUID ".jpg", "images/" UUID ".webp", "images/" UUID ".0123456789abcdef",
		"images/" UUID ".z", "images/" UUID ".a09" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		assert_true(str_equal(image_id_of_key(str_of(keys[i])), STR(UUID)));
}

static void test_image_id_of_other_keys_then_empty(void **state)
{
	static const struct str keys[] = { { "", 0 }, { "images/", 7 }, { "images/" UUID, 43 }, { "images/" UUID ".", 44 }, { UUID ".jpg", 40 },
		{ "images/" UUID ".JPG", 47 }, { "images/" UUID ".tar.gz", 50 }, { "images/x/" UUID ".jpg", 49 }, { "/images/" UUID ".jpg", 48 },
		{ "images/0F8FAD5B-d9cb-469f-a165-70867728950e.jpg", 47 }, { "images/" UUID ".jpg/", 48 }, { "images/" UUID ".jp\0", 47 },
		{ "images/.jpg", 11 }, { "images/" UUID ".0123456789abcdef0", 61 } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		assert_int_equal(image_id_of_key(keys[i]).n, 0);
}

static void test_image_id_of_a_variant_then_only_of_keys_of_its_folder_with_a_name(void **state)
{
	static const char *const others[] = { "", "thumbs/", "thumbs/" UUID, "thumbs/" UUID "/", "thumbs/notes.txt", "public/" UUID "/original",
		"images/" UUID ".jpg", "thumbs/x/" UUID "/small", "/thumbs/" UUID "/small" };
	(void)state;
	assert_true(str_equal(image_id_of_variant(STR("thumbs/"), STR("thumbs/" UUID "/small-1a2b3c4d.webp")), STR(UUID)));
	assert_true(str_equal(image_id_of_variant(STR("public/"), STR("public/" UUID "/original")), STR(UUID)));
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_int_equal(image_id_of_variant(STR("thumbs/"), str_of(others[i])).n, 0);
}

/* admit */

static void assert_ended(struct fake_product *f, struct str key, int64_t now_ms)
{
	struct image_row row = { .width = 77 };
	assert_int_equal(verdict_check_slot(&f->product, image_id_of_key(key), key, now_ms, &f->a, &row, &f->why), DENIED);
	assert_int_equal(f->why.code, F_SLOT_ENDED);
	assert_int_equal(row.width, 77);
}

static void resolve(struct fake_product *f, unsigned n, struct str reason)
{
	struct image_row now;
	struct resolution s = row_verdict(&f->a, n, NOW_MS, reason);
	assert_int_equal(table_resolve(f->product.table, &s, &f->a, &now, &f->why), OK);
}

static void test_admit_of_a_pending_slot_then_its_row_until_it_ends(void **state)
{
	struct fake_product *f = *state;
	struct image_row row, want;
	struct str key = fake_product_slot(f, 1, STR("image/jpeg"));
	assert_true(fake_product_row(f, 1, &want));
	assert_int_equal(verdict_check_slot(&f->product, image_id_of_key(key), key, want.ends_ms - 1, &f->a, &row, &f->why), OK);
	assert_true(row_equal(&row, &want));
	assert_ended(f, key, want.ends_ms);
	assert_ended(f, key, want.ends_ms + 1);
}

static void test_admit_of_an_uploaded_slot_then_let_through_at_any_time(void **state)
{
	struct fake_product *f = *state;
	struct image_row row;
	struct str key = fake_product_slot(f, 1, STR("image/jpeg"));
	resolve(f, 1, STR(""));
	assert_int_equal(verdict_check_slot(&f->product, image_id_of_key(key), key, INT64_MAX, &f->a, &row, &f->why), OK);
	assert_int_equal(row.status, IMAGE_UPLOADED);
}

static void test_admit_of_a_rejected_slot_then_ended_and_the_reason_is_reported(void **state)
{
	struct fake_product *f = *state;
	struct str key = fake_product_slot(f, 1, STR("image/jpeg"));
	resolve(f, 1, STR("It was no image."));
	assert_ended(f, key, NOW_MS);
	assert_non_null(strstr(f->why.text, "It was no image."));
}

static void test_admit_of_a_key_without_a_slot_then_ended(void **state)
{
	struct fake_product *f = *state;
	struct str key = fake_product_slot(f, 1, STR("image/jpeg")), id = row_id(&f->a, 1);
	assert_ended(f, STR("images/" UUID ".jpg"), NOW_MS);
	assert_ended(f, STR("other/key"), NOW_MS);
	assert_ended(f, str_printf(&f->a, "images/%.*s.png", STRF(id)), NOW_MS);
	assert_int_equal(table_remove(f->product.table, id, 0, &f->why), OK);
	assert_ended(f, key, NOW_MS);
}

static void test_admit_when_the_table_fails_then_its_error(void **state)
{
	struct fake_product *f = *state;
	struct image_row row;
	struct str key = fake_product_slot(f, 1, STR("image/jpeg"));
	fake_table_fail_nth(f->table, 1, F_STORAGE_FAILED);
	assert_int_equal(verdict_check_slot(&f->product, image_id_of_key(key), key, NOW_MS, &f->a, &row, &f->why), IO);
}

/* judge */

static struct resolution judge(struct fake_product *f, const char *declared, struct str bytes)
{
	struct resolution s;
	struct image_row row = row_pending(&f->a, 1);
	row.file_type = str_of(declared);
	const struct received_bytes what = { .bytes = bytes, .etag = STR("0123456789abcdef0123456789abcdef"), .now_ms = NOW_MS };
	verdict_of_bytes(&f->product.rules, &row, &what, &f->a, &s);
	assert_true(str_equal(s.image_id, row.image_id));
	assert_true(str_equal(s.etag, what.etag));
	assert_int_equal(s.uploaded_ms, NOW_MS);
	assert_int_equal(s.file_size, bytes.n);
	return s;
}

static void assert_rejected(const struct resolution *s, const char *reason)
{
	assert_int_equal(s->status, IMAGE_REJECTED);
	assert_int_equal(s->reason.n, strlen(reason));
	assert_memory_equal(s->reason.p, reason, s->reason.n);
	assert_int_equal(s->ends_ms, NOW_MS + (int64_t)604800 * 1000);
}

static void test_judge_of_a_picture_of_the_declared_type_then_uploaded_with_its_attributes(void **state)
{
	struct fake_product *f = *state;
	const struct {
		const char *type;
		struct str bytes;
	} all[] = { { "image/jpeg", picture_jpeg(300, 200) }, { "image/png", picture_png(300, 200) }, { "image/gif", picture_gif(300, 200) },
		{ "image/webp", picture_webp(300, 200) } };
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct resolution s = judge(f, all[i].type, all[i].bytes);
		assert_int_equal(s.status, IMAGE_UPLOADED);
		assert_true(str_equal(s.file_type, str_of(all[i].type)));
		assert_int_equal(s.width, 300);
		assert_int_equal(s.height, 200);
		assert_int_equal(s.frames, 1);
		assert_int_equal(s.ends_ms, 0);
		assert_int_equal(s.reason.n, 0);
	}
}

static void test_judge_of_another_type_then_rejected_and_reported_which(void **state)
{
	struct resolution s = judge(*state, "image/png", picture_jpeg(3, 2));
	assert_rejected(&s, "The file is image/jpeg, but the slot is for image/png: request a new slot with the real fileType.");
}

static void test_judge_of_a_file_that_is_not_a_picture_then_rejected(void **state)
{
	struct resolution s = judge(*state, "image/jpeg", STR("<!DOCTYPE html><html></html>"));
	assert_rejected(&s, "The file is not image/jpeg: it is not a JPEG, PNG, GIF or WebP image.");
	s = judge(*state, "image/png", STR("8 bytes!"));
	assert_rejected(&s, "The file is not image/png: it is not a JPEG, PNG, GIF or WebP image.");
	s = judge(*state, "image/webp", STR("8 bytes!"));
	assert_rejected(&s, "The file is not image/webp: it is not a JPEG, PNG, GIF or WebP image.");
	s = judge(*state, "image/jpeg", STR(""));
	assert_rejected(&s, "The upload is empty: send the image's bytes.");
}

static void test_judge_of_a_broken_picture_then_rejected_and_reported_why(void **state)
{
	struct str picture = picture_png(3, 2);
	struct resolution s = judge(*state, "image/png", str_slice(picture, 0, picture.n - 1));
	assert_rejected(&s, "The file looks like image/png, but it ends too early: it is damaged.");
	assert_int_equal(s.width, 0);
}

static void test_judge_at_the_pixel_limit_then_uploaded_and_over_it_rejected(void **state)
{
	struct resolution s = judge(*state, "image/png", picture_png(10000, 5000));
	assert_int_equal(s.status, IMAGE_UPLOADED);
	s = judge(*state, "image/png", picture_png(10000, 5001));
	assert_rejected(&s, "The image is 10000 x 5001 pixels, but 50000000 pixels in all are allowed: send a smaller one.");
	s = judge(*state, "image/png", picture_png(65535, 65535));
	assert_int_equal(s.status, IMAGE_REJECTED);
	s = judge(*state, "image/png", picture_png(65535, 1));
	assert_int_equal(s.status, IMAGE_UPLOADED);
	s = judge(*state, "image/png", picture_png(1, 65536));
	assert_rejected(&s, "The image is 1 x 65536 pixels, but a side may have 65535 at most: send a smaller one.");
	s = judge(*state, "image/png", picture_png(0x7fffffff, 0x7fffffff));
	assert_int_equal(s.status, IMAGE_REJECTED);
}

static void test_judge_over_the_size_limit_then_rejected_without_the_bytes(void **state)
{
	struct fake_product *f = *state;
	struct resolution s;
	struct image_row row = row_pending(&f->a, 1);
	row.max_bytes = 0;
	const struct received_bytes what = { .size = 5242881, .etag = STR("e"), .now_ms = NOW_MS };
	verdict_of_bytes(&f->product.rules, &row, &what, &f->a, &s);
	assert_rejected(&s, "The file is 5242881 bytes, over the limit of 5242880: send a smaller image.");
	assert_int_equal(s.file_size, 5242881);
	f->product.rules.max_size_bytes = picture_png(1, 1).n;
	s = judge(f, "image/png", picture_png(1, 1));
	assert_int_equal(s.status, IMAGE_UPLOADED);
	f->product.rules.max_size_bytes--;
	s = judge(f, "image/png", picture_png(1, 1));
	assert_int_equal(s.status, IMAGE_REJECTED);
}

static void test_judge_over_the_slots_own_limit_then_rejected_and_not_decoded(void **state)
{
	struct fake_product *f = *state;
	struct image_row row = row_pending(&f->a, 1);
	struct received_bytes what = { .bytes = picture_jpeg(3, 2), .etag = STR("e"), .now_ms = NOW_MS };
	struct resolution s;
	enum render_kind kind;
	bool is_cut;
	row.max_bytes = what.bytes.n;
	verdict_of_bytes(&f->product.rules, &row, &what, &f->a, &s);
	assert_int_equal(s.status, IMAGE_UPLOADED);
	assert_true(verdict_kind(&f->product.rules, &row, &what, &kind, &is_cut));
	what.received_size = what.bytes.n + 1; /* of which something was removed */
	verdict_of_bytes(&f->product.rules, &row, &what, &f->a, &s);
	assert_int_equal(s.status, IMAGE_REJECTED);
	assert_true(str_find(s.reason, STR("over the limit of")) < s.reason.n);
	assert_false(verdict_kind(&f->product.rules, &row, &what, &kind, &is_cut));
}

static void test_judge_of_a_type_no_longer_allowed_then_rejected(void **state)
{
	struct fake_product *f = *state;
	f->product.rules.allowed_types = STR("image/png");
	struct resolution s = judge(f, "image/gif", picture_gif(3, 2));
	assert_rejected(&s, "Images of type image/gif are not allowed.");
}

static void test_judge_of_a_document_then_uploaded_where_it_is_named_unverified_unless_it_is_an_image(void **state)
{
	struct fake_product *f = *state;
	f->product.rules.allowed_types = STR("application/pdf,image/jpeg");
	struct resolution s = judge(f, "application/pdf", STR("%PDF-1.7"));
	assert_rejected(&s, "Files of type application/pdf cannot be verified here and are not accepted.");
	f->product.rules.unverified_types = STR("Application/PDF, image/jpeg");
	s = judge(f, "image/jpeg", STR("%PDF-1.7"));
	assert_int_equal(s.status, IMAGE_REJECTED);
	s = judge(f, "application/pdf", STR("%PDF-1.7"));
	assert_int_equal(s.status, IMAGE_UPLOADED);
	assert_true(str_equal(s.file_type, STR("application/pdf")));
	assert_int_equal(s.width, 0);
	s = judge(f, "application/pdf", picture_jpeg(3, 2));
	assert_rejected(&s, "The file is image/jpeg, but the slot is for application/pdf: request a new slot with the real fileType.");
	s = judge(f, "application/pdf", BYTES("\xff\xd8\xff"));
	assert_int_equal(s.status, IMAGE_REJECTED);
}

static void test_judge_when_memory_runs_out_then_the_verdict_is_the_same(void **state)
{
	struct fake_product *f = *state;
	struct image_row row = row_pending(&f->a, 1);
	struct arena none;
	struct resolution s;
	arena_init(&none, 0);
	const struct received_bytes good = { .bytes = picture_jpeg(3, 2), .now_ms = NOW_MS }, bad = { .bytes = STR("html"), .now_ms = NOW_MS };
	verdict_of_bytes(&f->product.rules, &row, &bad, &none, &s);
	assert_rejected(&s, "The image does not pass the checks.");
	verdict_of_bytes(&f->product.rules, &row, &good, &none, &s);
	assert_int_equal(s.status, IMAGE_UPLOADED);
	arena_deinit(&none);
}

/* repeat */

static enum status repeat(struct fake_product *f, const struct image_row *row, size_t size, struct str etag, struct str sha256)
{
	static const char bytes[16];
	const struct received_bytes what = {
		.bytes = { bytes, size }, .etag = etag, .received_size = size, .received_sha256 = sha256, .stripped = true
	};
	return verdict_of_repeat(row, &what, &f->why);
}

static void test_repeat_then_the_same_bytes_pass_and_others_do_not(void **state)
{
	struct fake_product *f = *state;
	struct image_row row = row_pending(&f->a, 1);
	row.status = IMAGE_UPLOADED;
	row.file_size = 10;
	row.etag = STR("aaaa");
	assert_int_equal(repeat(f, &row, 10, STR("aaaa"), STR("1111")), OK);
	assert_int_equal(repeat(f, &row, 10, STR("bbbb"), STR("1111")), CONFLICT);
	assert_int_equal(f->why.code, F_SLOT_TAKEN);
	assert_int_equal(repeat(f, &row, 11, STR("aaaa"), STR("1111")), CONFLICT);
	row.status = IMAGE_PENDING;
	assert_int_equal(repeat(f, &row, 10, STR("aaaa"), STR("1111")), CONFLICT);
	row.status = IMAGE_REJECTED;
	assert_int_equal(repeat(f, &row, 10, STR("aaaa"), STR("1111")), DENIED);
	assert_int_equal(f->why.code, F_SLOT_ENDED);
}

static void test_repeat_when_the_row_says_what_was_received_then_that_is_compared(void **state)
{
	struct fake_product *f = *state;
	struct image_row row = row_pending(&f->a, 1);
	row.status = IMAGE_UPLOADED;
	row.file_size = 7;
	row.etag = STR("cccc");
	row.received_size = 10;
	row.received_sha256 = STR("1111");
	assert_int_equal(repeat(f, &row, 10, STR("aaaa"), STR("1111")), OK);
	assert_int_equal(repeat(f, &row, 10, STR("aaaa"), STR("2222")), CONFLICT);
	assert_int_equal(repeat(f, &row, 7, STR("cccc"), STR("2222")), CONFLICT);
	assert_int_equal(repeat(f, &row, 11, STR("aaaa"), STR("1111")), CONFLICT);
}

enum headers { REFUSED, CUT, PASSED };

/* What decoding says of an image whose headers passed, or did not. */
static struct resolution decide(
	struct fake_product *f, enum headers headers, struct str type, enum render_code code, enum image_check check)
{
	struct image_rules rules = f->product.rules;
	bool headers_pass = headers == PASSED;
	struct render_answer answer = {
		.code = (uint8_t)code, .verdict = (uint8_t)render_code_verdict(code), .width = 4, .height = 3, .frames = 2
	};
	struct resolution s = { .status = headers_pass ? IMAGE_UPLOADED : IMAGE_REJECTED,
		.file_type = type,
		.uploaded_ms = NOW_MS,
		.ends_ms = headers_pass ? 0 : NOW_MS + 1,
		.reason = headers_pass ? STR("") : STR("by its headers") };
	rules.check = check;
	if (answer.verdict <= RENDER_BLEMISHED) {
		memcpy(answer.hash, "\1\2\x83\4\5", 5);
		answer.hash_bytes = 5;
		answer.dominant = 0x0a0b0c00;
	}
	answer.memory = code == RENDER_TOO_MUCH_MEMORY ? 400 << 20 : 0;
	verdict_of_answer(&rules, &answer, headers == CUT, 384 << 20, &f->a, &s);
	assert_int_equal(s.ends_ms == 0, s.status == IMAGE_UPLOADED);
	assert_int_equal(s.reason.n == 0, s.status == IMAGE_UPLOADED);
	return s;
}

static void test_decoded_then_accepted_or_refused_by_the_rule(void **state)
{
	static const struct {
		enum headers headers;
		const char *type;
		enum render_code code;
		bool decode, strict;
		const char *verdict, *damage;
	} rows[] = {
		{ PASSED, "image/jpeg", RENDER_NONE, true, true, "ok", "" },
		{ PASSED, "image/jpeg", RENDER_EXTRA_BYTES, true, false, "recoverable", "extra_bytes" },
		{ PASSED, "image/jpeg", RENDER_END_MISSING, true, false, "recoverable", "end_missing" },
		{ PASSED, "image/jpeg", RENDER_TRUNCATED, false, false, "corrupt", "truncated" },
		{ PASSED, "image/png", RENDER_DAMAGED, false, false, "corrupt", "damaged" },
		{ PASSED, "image/png", RENDER_UNREADABLE, false, false, "corrupt", "unreadable" },
		{ PASSED, "image/png", RENDER_TOO_MANY_PIXELS, false, false, "", "" },
		{ PASSED, "image/png", RENDER_TOO_MUCH_MEMORY, false, false, "", "" },
		{ PASSED, "image/png", RENDER_TOO_MUCH_TIME, false, false, "", "" },
		{ PASSED, "image/webp", RENDER_LATER_FRAME, true, false, "recoverable", "later_frame" },
		{ CUT, "image/jpeg", RENDER_END_MISSING, true, false, "recoverable", "end_missing" },
		{ CUT, "image/png", RENDER_END_MISSING, true, false, "recoverable", "end_missing" },
		{ CUT, "image/gif", RENDER_LATER_FRAME, true, false, "recoverable", "later_frame" },
		{ CUT, "image/gif", RENDER_END_MISSING, true, false, "recoverable", "end_missing" },
		{ CUT, "image/png", RENDER_LATER_FRAME, false, false, "corrupt", "later_frame" },
		{ CUT, "image/webp", RENDER_LATER_FRAME, false, false, "corrupt", "later_frame" },
		{ CUT, "image/webp", RENDER_END_MISSING, false, false, "corrupt", "end_missing" },
		{ CUT, "image/jpeg", RENDER_TRUNCATED, false, false, "corrupt", "truncated" },
		{ REFUSED, "image/jpeg", RENDER_END_MISSING, false, false, "corrupt", "end_missing" },
		{ REFUSED, "image/gif", RENDER_LATER_FRAME, false, false, "corrupt", "later_frame" },
		{ REFUSED, "image/jpeg", RENDER_NONE, false, false, "corrupt", "" },
		{ REFUSED, "image/jpeg", RENDER_TRUNCATED, false, false, "corrupt", "truncated" },
	};
	struct fake_product *f = *state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct resolution s = decide(f, rows[i].headers, str_of(rows[i].type), rows[i].code, CHECK_DECODE);
		assert_int_equal(s.status == IMAGE_UPLOADED, rows[i].decode);
		assert_true(str_equal(s.verdict, str_of(rows[i].verdict)));
		assert_true(str_equal(s.damage, str_of(rows[i].damage)));
		assert_int_equal(
			decide(f, rows[i].headers, str_of(rows[i].type), rows[i].code, CHECK_STRICT).status == IMAGE_UPLOADED, rows[i].strict);
	}
}

static void test_decoded_then_findings_and_sentences(void **state)
{
	struct fake_product *f = *state;
	struct resolution s = decide(f, CUT, STR("image/gif"), RENDER_LATER_FRAME, CHECK_DECODE);
	assert_true(str_equal(s.placeholder, STR("AQKDBAU=")) && str_equal(s.color, STR("#0a0b0c")));
	assert_int_equal(s.width, 4);
	assert_int_equal(s.height, 3);
	assert_int_equal(s.frames, 2);
	s = decide(f, PASSED, STR("image/png"), RENDER_TOO_MUCH_MEMORY, CHECK_DECODE);
	assert_true(str_find(s.reason, STR("400 MiB")) < s.reason.n && str_find(s.reason, STR("--render-memory")) < s.reason.n);
	s = decide(f, PASSED, STR("image/png"), RENDER_DAMAGED, CHECK_DECODE);
	assert_true(str_find(s.reason, STR("has damaged pixels")) < s.reason.n);
	s = decide(f, REFUSED, STR("image/png"), RENDER_DAMAGED, CHECK_DECODE);
	assert_true(str_equal(s.reason, STR("by its headers")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_image_id_of_our_keys_then_the_id),
		cmocka_unit_test(test_image_id_of_other_keys_then_empty),
		cmocka_unit_test(test_image_id_of_a_variant_then_only_of_keys_of_its_folder_with_a_name),
		TEST(test_admit_of_a_pending_slot_then_its_row_until_it_ends),
		TEST(test_admit_of_an_uploaded_slot_then_let_through_at_any_time),
		TEST(test_admit_of_a_rejected_slot_then_ended_and_the_reason_is_reported),
		TEST(test_admit_of_a_key_without_a_slot_then_ended),
		TEST(test_admit_when_the_table_fails_then_its_error),
		TEST(test_judge_of_a_picture_of_the_declared_type_then_uploaded_with_its_attributes),
		TEST(test_judge_of_another_type_then_rejected_and_reported_which),
		TEST(test_judge_of_a_file_that_is_not_a_picture_then_rejected),
		TEST(test_judge_of_a_broken_picture_then_rejected_and_reported_why),
		TEST(test_judge_at_the_pixel_limit_then_uploaded_and_over_it_rejected),
		TEST(test_judge_over_the_size_limit_then_rejected_without_the_bytes),
		TEST(test_judge_over_the_slots_own_limit_then_rejected_and_not_decoded),
		TEST(test_judge_of_a_type_no_longer_allowed_then_rejected),
		TEST(test_judge_of_a_document_then_uploaded_where_it_is_named_unverified_unless_it_is_an_image),
		TEST(test_judge_when_memory_runs_out_then_the_verdict_is_the_same),
		TEST(test_repeat_then_the_same_bytes_pass_and_others_do_not),
		TEST(test_repeat_when_the_row_says_what_was_received_then_that_is_compared),
		TEST(test_decoded_then_accepted_or_refused_by_the_rule),
		TEST(test_decoded_then_findings_and_sentences),
	};
	return cmocka_run_group_tests_name("arrival", tests, NULL, NULL);
}
