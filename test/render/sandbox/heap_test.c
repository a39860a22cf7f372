/* The heap against its promises: alignment, the ceiling, zeroed memory, and use of what was freed. */
#include "render/sandbox/heap.h"

#include "unit.h"
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define SIZE ((size_t)1 << 20)

static struct heap heap;
static char *mapped;

static int set_up(void **state)
{
	mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	heap_init(&heap, mapped, SIZE);
	return mapped == MAP_FAILED;
}

static int tear_down(void **state)
{
	return munmap(mapped, SIZE);
}

static void test_block_then_aligned_and_apart_from_others(void **state)
{
	char *before = heap_alloc(&heap, 1);
	for (size_t n = 0; n < 100; n++) {
		char *p = heap_alloc(&heap, n);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(p > before);
		memset(p, 0xff, n);
		before = p + n - 1;
	}
}

static void test_alloc_beyond_the_ceiling_then_null_and_the_rest_works(void **state)
{
	assert_null(heap_alloc(&heap, SIZE));
	assert_null(heap_alloc(&heap, SIZE_MAX));
	assert_null(heap_alloc_zeroed(&heap, SIZE_MAX - 20));
	assert_non_null(heap_alloc(&heap, SIZE - 16));
	assert_null(heap_alloc(&heap, 1));
}

static void test_released_in_any_order_then_used_again(void **state)
{
	void *a = heap_alloc(&heap, 1000), *b = heap_alloc(&heap, 1000), *c = heap_alloc(&heap, 1000);
	heap_release(&heap, b);
	heap_release(&heap, NULL);
	heap_release(&heap, a);
	assert_int_not_equal(heap.top, 0);
	heap_release(&heap, c);
	assert_int_equal(heap.top, 0);
	assert_ptr_equal(heap_alloc(&heap, 5), a);
}

static void test_zeroed_where_others_wrote_then_zero(void **state)
{
	char *a = heap_alloc(&heap, 5000);
	memset(a, 0xff, 5000);
	heap_release(&heap, a);
	char *b = heap_alloc_zeroed(&heap, 9000);
	assert_ptr_equal(a, b);
	for (size_t i = 0; i < 9000; i++)
		assert_int_equal(b[i], 0);
}

static void test_resize_then_bytes_stay_and_the_last_grows_in_place(void **state)
{
	char *a = heap_alloc(&heap, 10);
	memcpy(a, "0123456789", 10);
	assert_ptr_equal(heap_resize(&heap, a, 5000), a);
	char *b = heap_alloc(&heap, 10);
	char *moved = heap_resize(&heap, a, 6000);
	assert_true(moved > b);
	assert_memory_equal(moved, "0123456789", 10);
	assert_ptr_equal(heap_resize(&heap, moved, 3), moved);
	assert_null(heap_resize(&heap, moved, SIZE));
	assert_memory_equal(moved, "0123456789", 10);
	assert_non_null(heap_resize(&heap, NULL, 1));
}

static void test_block_of_another_heap_then_copied_and_left_alone(void **state)
{
	_Alignas(16) static char bytes[1000];
	struct heap other;
	heap_init(&other, bytes, sizeof bytes);
	char *a = heap_alloc(&other, 10);
	memcpy(a, "0123456789", 10);
	char *b = heap_resize(&heap, a, 100);
	assert_memory_equal(b, "0123456789", 10);
	heap_release(&heap, a);
	assert_int_not_equal(other.top, 0);
}

static void test_reset_then_empty_and_pages_are_returned(void **state)
{
	void *kept = heap_alloc(&heap, 100);
	size_t top = heap.top, last = heap.last;
	char *p = heap_alloc(&heap, SIZE / 2);
	memset(p, 1, SIZE / 2);
	heap_reset(&heap, top, last, (size_t)64 << 10);
	assert_true(heap.touched <= (size_t)192 << 10);
	char *q = heap_alloc_zeroed(&heap, SIZE / 2);
	assert_ptr_equal(p, q);
	for (size_t i = 0; i < SIZE / 2; i++)
		assert_int_equal(q[i], 0);
	heap_release(&heap, q);
	heap_release(&heap, kept);
	assert_int_equal(heap.top, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_block_then_aligned_and_apart_from_others),
		TEST(test_alloc_beyond_the_ceiling_then_null_and_the_rest_works),
		TEST(test_released_in_any_order_then_used_again),
		TEST(test_zeroed_where_others_wrote_then_zero),
		TEST(test_resize_then_bytes_stay_and_the_last_grows_in_place),
		TEST(test_block_of_another_heap_then_copied_and_left_alone),
		TEST(test_reset_then_empty_and_pages_are_returned),
	};
	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
