/* Reading from memory and from a descriptor gives the same, at any offset. */
#include "render/input.h"

#include "unit.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (3 * INPUT_WINDOW_BYTES + 100)

static unsigned char bytes[SIZE];
static struct input inputs[2];
static int fd;

static int set_up(void **state)
{
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 256);
	fd = memfd_create("input", 0);
	if (fd < 0 || write(fd, bytes, SIZE) != (ssize_t)SIZE)
		return 1;
	input_init_fd(&inputs[0], fd, SIZE);
	input_init_bytes(&inputs[1], (struct str){ (const char *)bytes, SIZE });
	return 0;
}

static int tear_down(void **state)
{
	return close(fd);
}

static void test_read_anywhere_then_the_bytes(void **state)
{
	static const size_t OFFSETS[] = { 0, 5, INPUT_WINDOW_BYTES - 3, 2 * INPUT_WINDOW_BYTES, 1, SIZE - 10 };
	for (size_t i = 0; i < COUNT_OF(inputs); i++) {
		for (size_t n = 0; n < COUNT_OF(OFFSETS); n++) {
			unsigned char out[10];
			assert_true(input_read(&inputs[i], OFFSETS[n], out, sizeof out));
			assert_memory_equal(out, bytes + OFFSETS[n], sizeof out);
			assert_memory_equal(input_at(&inputs[i], OFFSETS[n]).p, out, sizeof out);
		}
		assert_int_equal(input_at(&inputs[i], SIZE).n, 0);
		assert_int_equal(input_at(&inputs[i], SIZE - 1).n, 1);
		assert_false(inputs[i].failed);
	}
}

static void test_read_over_the_end_then_refused(void **state)
{
	static unsigned char out[SIZE + 1];
	for (size_t i = 0; i < COUNT_OF(inputs); i++) {
		assert_true(input_read(&inputs[i], 0, out, SIZE));
		assert_memory_equal(out, bytes, SIZE);
		assert_false(input_read(&inputs[i], 0, out, SIZE + 1));
		assert_false(input_read(&inputs[i], UINT64_MAX, out, 1));
	}
}

static void test_file_shorter_than_announced_then_failed(void **state)
{
	unsigned char out[4];
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_true(input_read(&inputs[0], 90, out, 4));
	assert_false(input_read(&inputs[0], 98, out, 4));
	assert_true(inputs[0].failed);
	assert_int_equal(input_at(&inputs[0], 0).n, 0);
}

static void test_descriptor_that_cannot_be_read_then_failed(void **state)
{
	input_init_fd(&inputs[0], 999, SIZE);
	assert_int_equal(input_at(&inputs[0], 0).n, 0);
	assert_true(inputs[0].failed);
}

static void test_padding_then_00_and_ff_alone(void **state)
{
	memset(bytes + 1000, 0, 9000);
	memset(bytes + 5000, 0xff, 10);
	bytes[999] = bytes[10000] = 1;
	assert_int_equal(pwrite(fd, bytes, SIZE, 0), SIZE);
	for (size_t i = 0; i < COUNT_OF(inputs); i++) {
		const char *window = input_at(&inputs[i], 3).p;
		assert_true(input_is_padding(&inputs[i], 1000, 10000));
		assert_true(input_is_padding(&inputs[i], 7, 7));
		assert_false(input_is_padding(&inputs[i], 999, 1001));
		assert_false(input_is_padding(&inputs[i], 1000, 10001));
		assert_ptr_equal(input_at(&inputs[i], 3).p, window);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read_anywhere_then_the_bytes),
		TEST(test_read_over_the_end_then_refused),
		TEST(test_file_shorter_than_announced_then_failed),
		TEST(test_descriptor_that_cannot_be_read_then_failed),
		TEST(test_padding_then_00_and_ff_alone),
	};
	return cmocka_run_group_tests_name("input", tests, NULL, NULL);
}
