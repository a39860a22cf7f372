/* The packets: what one end writes the other reads, and nothing else is accepted. */
#include "render/protocol.h"

#include "unit.h"
#include <string.h>

static struct render_job some_job(void)
{
	return (struct render_job){ .number = 0x0102030405060708,
		.size_bytes = 99,
		.ops = RENDER_CHECK | RENDER_HASH | RENDER_THUMB,
		.kind = RENDER_PNG,
		.presets = 2,
		.max_frames = 10,
		.max_pixels = 1000,
		.max_area = 2000,
		.max_memory = 3000,
		.max_output = 4096,
		.preset = { { 512, 256, RENDER_FIT, RENDER_TO_WEBP, 80, 6 }, { 160, 160, RENDER_COVER, RENDER_TO_PNG, 1, 9 } } };
}

static struct render_answer some_answer(void)
{
	return (struct render_answer){ .number = 0x0102030405060708,
		.code = RENDER_END_MISSING,
		.verdict = RENDER_BLEMISHED,
		.orientation = 8,
		.alpha = 1,
		.presets = 2,
		.hash_bytes = 21,
		.row = 5,
		.width = 600,
		.height = 400,
		.frames = 3,
		.memory = 1,
		.average = 0x01020304,
		.dominant = 0x05060700,
		.hash = { 1, 2, 3 },
		.thumb = { { 0, 100, 512, 256 }, { 100, 3996, 160, 160 } } };
}

static bool decode_job(const unsigned char *bytes, size_t n)
{
	struct render_job out;
	return render_decode_job((struct str){ (const char *)bytes, n }, &out);
}

static void test_job_encoded_then_decoded_is_the_same(void **state)
{
	unsigned char packet[RENDER_JOB_BYTES], again[RENDER_JOB_BYTES];
	struct render_job job = some_job(), out;
	render_encode_job(&job, packet);
	assert_true(render_decode_job((struct str){ (const char *)packet, sizeof packet }, &out));
	assert_int_equal(out.number, job.number);
	assert_int_equal(out.max_area, 2000);
	assert_int_equal(out.preset[1].effort, 9);
	render_encode_job(&out, again);
	assert_memory_equal(packet, again, sizeof packet);
}

static void test_job_of_other_size_kind_or_version_then_refused(void **state)
{
	unsigned char packet[RENDER_JOB_BYTES + 1] = { 0 };
	struct render_job job = some_job();
	render_encode_job(&job, packet);
	assert_true(decode_job(packet, RENDER_JOB_BYTES));
	assert_false(decode_job(packet, RENDER_JOB_BYTES - 1));
	assert_false(decode_job(packet, RENDER_JOB_BYTES + 1));
	for (size_t i = 0; i < 4; i++) {
		packet[i] ^= 1;
		assert_false(decode_job(packet, RENDER_JOB_BYTES));
		packet[i] ^= 1;
	}
}

/* offset in the packet, value: each makes the job wrong */
static void test_job_with_a_field_out_of_range_then_refused(void **state)
{
	static const struct {
		size_t at;
		unsigned char value;
	} WRONG[] = {
		{ 4, 0 }, { 4, 8 }, { 4, 3 }, /* ops: none, unknown, presets without THUMB */
		{ 5, 0 }, { 5, 6 },           /* kind */
		{ 6, 0 }, { 6, 5 },           /* presets */
		{ 31, 1 },                    /* max_pixels */
		{ 56, 0x20 },                 /* width over RENDER_BOX_MAX */
		{ 59, 0 }, { 59, 3 },         /* fit */
		{ 60, 0 }, { 60, 5 },         /* format */
		{ 61, 0 }, { 61, 101 },       /* quality */
		{ 62, 7 },                    /* effort */
	};
	unsigned char packet[RENDER_JOB_BYTES];
	struct render_job job = some_job();
	render_encode_job(&job, packet);
	static const unsigned char PRESET[] = { 0, 2, 0, 1, RENDER_FIT, RENDER_TO_WEBP, 80, 6 };
	assert_memory_equal(packet + 55, PRESET, sizeof PRESET);
	for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
		unsigned char copy[RENDER_JOB_BYTES];
		memcpy(copy, packet, sizeof copy);
		copy[WRONG[i].at] = WRONG[i].value;
		if (decode_job(copy, sizeof copy))
			fail_msg("row %zu is accepted", i);
	}
}

static bool decode_changed(void (*change)(struct render_answer *a))
{
	unsigned char packet[RENDER_ANSWER_BYTES];
	struct render_job job = some_job();
	struct render_answer a = some_answer(), out;
	change(&a);
	render_encode_answer(&a, packet);
	return render_decode_answer((struct str){ (const char *)packet, sizeof packet }, &job, &out);
}

static void change_nothing(struct render_answer *a)
{
}

static void change_number(struct render_answer *a)
{
	a->number++;
}

static void change_orientation(struct render_answer *a)
{
	a->orientation = 9;
}

static void change_hash(struct render_answer *a)
{
	a->hash_bytes = RENDER_HASH_MAX + 1;
}

static void change_presets(struct render_answer *a)
{
	a->presets = 1;
}

static void change_height(struct render_answer *a)
{
	a->height = 0;
}

static void change_to_broken(struct render_answer *a)
{
	a->code = RENDER_DAMAGED;
	a->verdict = RENDER_BROKEN;
}

static void change_offset(struct render_answer *a)
{
	a->thumb[1].offset = 101;
}

static void change_offset_far(struct render_answer *a)
{
	a->thumb[1].offset = UINT32_MAX;
}

static void change_overlap(struct render_answer *a)
{
	a->thumb[0].length = 101;
}

static void change_empty(struct render_answer *a)
{
	a->thumb[0].length = 0;
}

static void change_thumb_width(struct render_answer *a)
{
	a->thumb[0].width = 513;
}

static void change_alpha(struct render_answer *a)
{
	a->alpha = 2;
}

static void test_answer_that_contradicts_its_job_then_refused(void **state)
{
	static void (*const changes[])(struct render_answer *) = { change_number, change_orientation, change_hash, change_presets,
		change_height, change_to_broken, change_offset, change_offset_far, change_overlap, change_empty, change_thumb_width, change_alpha };
	assert_true(decode_changed(change_nothing));
	for (size_t i = 0; i < COUNT_OF(changes); i++)
		if (decode_changed(changes[i]))
			fail_msg("change %zu is accepted", i);
}

static void test_answer_encoded_then_decoded_is_the_same(void **state)
{
	unsigned char packet[RENDER_ANSWER_BYTES], again[RENDER_ANSWER_BYTES];
	struct render_job job = some_job();
	struct render_answer a = some_answer(), out;
	render_encode_answer(&a, packet);
	assert_true(render_decode_answer((struct str){ (const char *)packet, sizeof packet }, &job, &out));
	assert_int_equal(out.thumb[1].length, 3996);
	assert_int_equal(out.hash[2], 3);
	render_encode_answer(&out, again);
	assert_memory_equal(packet, again, sizeof packet);
	packet[5] = RENDER_CODES; /* the code */
	assert_false(render_decode_answer((struct str){ (const char *)packet, sizeof packet }, &job, &out));
	assert_false(render_decode_answer((struct str){ (const char *)packet, sizeof packet - 1 }, &job, &out));
}

static void test_ready_encoded_then_decoded_is_the_same(void **state)
{
	unsigned char packet[RENDER_READY_BYTES];
	struct render_ready ready = { RENDER_FILTERED | RENDER_NO_FILES, (uint64_t)4 << 20 }, out;
	render_encode_ready(&ready, packet);
	assert_true(render_decode_ready((struct str){ (const char *)packet, sizeof packet }, &out));
	assert_int_equal(out.layers, ready.layers);
	assert_int_equal(out.window_bytes, ready.window_bytes);
	packet[4] = 8;
	assert_false(render_decode_ready((struct str){ (const char *)packet, sizeof packet }, &out));
}

static void test_codes_then_each_has_a_sentence_and_verdicts_rise(void **state)
{
	for (unsigned i = 0; i < RENDER_CODES; i++) {
		assert_true(render_code_sentence(i).n > 0 && render_code_name(i).n > 0);
		assert_true(i == 0 || render_code_verdict(i) >= render_code_verdict(i - 1));
	}
	assert_str(render_code_name(RENDER_END_MISSING), STR("END_MISSING"));
}

static void test_size_of_a_preset_then_by_the_table(void **state)
{
	static const struct {
		struct render_preset preset;
		uint32_t width, height;
		struct render_size want;
	} ROWS[] = {
		{ { .width = 512, .height = 512, .fit = RENDER_FIT }, 4000, 3000, { 512, 384, 512, 384 } },
		{ { .width = 512, .height = 512, .fit = RENDER_FIT }, 3000, 4000, { 384, 512, 384, 512 } },
		{ { .width = 512, .height = 512, .fit = RENDER_FIT }, 100, 80, { 100, 80, 100, 80 } },
		{ { .width = 512, .height = 512, .fit = RENDER_FIT }, 65535, 1, { 512, 1, 512, 1 } },
		{ { .width = 100, .height = 300, .fit = RENDER_FIT }, 400, 400, { 100, 100, 100, 100 } },
		{ { .width = 100, .height = 100, .fit = RENDER_FIT }, 101, 100, { 100, 99, 100, 99 } },
		{ { .width = 160, .height = 160, .fit = RENDER_COVER }, 4000, 3000, { 213, 160, 160, 160 } },
		{ { .width = 160, .height = 160, .fit = RENDER_COVER }, 3000, 4000, { 160, 213, 160, 160 } },
		{ { .width = 160, .height = 160, .fit = RENDER_COVER }, 1000, 100, { 1000, 100, 160, 100 } },
		{ { .width = 160, .height = 160, .fit = RENDER_COVER }, 100, 80, { 100, 80, 100, 80 } },
		{ { .width = 400, .height = 100, .fit = RENDER_COVER }, 800, 800, { 400, 400, 400, 100 } },
	};
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct render_size got = render_preset_size(&ROWS[i].preset, ROWS[i].width, ROWS[i].height);
		if (memcmp(&got, &ROWS[i].want, sizeof got) != 0)
			fail_msg("row %zu: %u x %u, %u x %u", i, got.width, got.height, got.crop_width, got.crop_height);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_job_encoded_then_decoded_is_the_same),
		cmocka_unit_test(test_job_of_other_size_kind_or_version_then_refused),
		cmocka_unit_test(test_job_with_a_field_out_of_range_then_refused),
		cmocka_unit_test(test_answer_encoded_then_decoded_is_the_same),
		cmocka_unit_test(test_answer_that_contradicts_its_job_then_refused),
		cmocka_unit_test(test_ready_encoded_then_decoded_is_the_same),
		cmocka_unit_test(test_size_of_a_preset_then_by_the_table),
		cmocka_unit_test(test_codes_then_each_has_a_sentence_and_verdicts_rise),
	};
	return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
