/* MD5 side by side, against OpenSSL's: every number of inputs and every length of an end, by each of the ways that this processor has. */
#include "unit.h"

#include "base/md5_lanes.c" /* to choose the way */

#include <stdlib.h>

#define INPUTS_MAX (2 * MD5_LANES + 1)
#define BYTES (2 * PIECE_BYTES + 300)

struct memory_input {
	struct md5_input input;
	const unsigned char *p;
	size_t n, reads, fails_at; /* the read that fails; 0: none */
};

static unsigned char bytes[INPUTS_MAX + BYTES];

static bool read_memory(struct md5_input *input, unsigned char *p, size_t n, size_t *got)
{
	struct memory_input *m = (struct memory_input *)input;
	if (++m->reads == m->fails_at)
		return false;
	*got = m->n < n ? m->n : n;
	memcpy(p, m->p, *got);
	m->p += *got;
	m->n -= *got;
	return true;
}

static void start_input(struct memory_input *m, size_t i, size_t n)
{
	assert_true(n <= BYTES);
	*m = (struct memory_input){ .input.read = read_memory, .p = bytes + i, .n = n };
}

static void assert_digest(const struct memory_input *m, size_t i, size_t n)
{
	unsigned char expected[MD5_BYTES];
	struct hash h;
	hash_init(&h, HASH_MD5);
	hash_update(&h, bytes + i, n);
	hash_final(&h, expected);
	assert_false(m->input.failed);
	assert_memory_equal(m->input.digest, expected, MD5_BYTES);
}

/* Inputs of `n`, n + step, n + 2 step ... bytes, each of other bytes. */
static void check_inputs(size_t count, size_t n, size_t step)
{
	struct memory_input all[INPUTS_MAX];
	struct md5_input *inputs[INPUTS_MAX] = { NULL };
	for (size_t i = 0; i < count; i++) {
		start_input(&all[i], i, n + i * step);
		inputs[i] = &all[i].input;
	}
	md5_inputs(inputs, count);
	for (size_t i = 0; i < count; i++)
		assert_digest(&all[i], i, n + i * step);
}

static void check_all(void)
{
	for (size_t count = 0; count <= INPUTS_MAX; count++) {
		check_inputs(count, 0, 0);
		check_inputs(count, PIECE_BYTES, 0);
		check_inputs(count, 1, 7);
		check_inputs(count, 0, PIECE_BYTES / 8 - 3);
	}
	for (size_t n = 0; n < 4 * BLOCK_BYTES; n++) {
		check_inputs(MD5_LANES, n, 0);
		check_inputs(2, n, 63);
		check_inputs(3, PIECE_BYTES - BLOCK_BYTES - 20 + n, 1);
	}
}

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 2654435761U >> 13);
	pthread_once(&once, choose_once);
	return 0;
}

static void test_md5_of_many_by_each_way_then_openssl_s(void **state)
{
	(void)state;
	check_all();
	fastest = run_generic;
	check_all();
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2")) {
		fastest = run_avx2;
		check_all();
	}
#endif
	fastest = choose_fastest();
}

static void test_md5_of_an_input_that_cannot_be_read_then_the_others_are_right(void **state)
{
	(void)state;
	for (size_t count = 1; count <= INPUTS_MAX; count++)
		for (size_t bad = 0; bad < count; bad++)
			for (size_t fails_at = 1; fails_at <= 2; fails_at++) {
				struct memory_input all[INPUTS_MAX];
				struct md5_input *inputs[INPUTS_MAX] = { NULL };
				for (size_t i = 0; i < count; i++) {
					start_input(&all[i], i, PIECE_BYTES + 100);
					inputs[i] = &all[i].input;
				}
				all[bad].fails_at = fails_at;
				md5_inputs(inputs, count);
				for (size_t i = 0; i < count; i++) {
					assert_int_equal(all[i].input.failed, i == bad);
					if (i != bad)
						assert_digest(&all[i], i, PIECE_BYTES + 100);
				}
			}
}

static void test_md5_without_memory_then_all_have_failed(void **state)
{
	struct memory_input all[2];
	struct md5_input *inputs[] = { &all[0].input, &all[1].input };
	(void)state;
	start_input(&all[0], 0, 10);
	start_input(&all[1], 1, 10);
	mem_fail_nth(1);
	md5_inputs(inputs, 2);
	mem_fail_nth(0);
	assert_true(all[0].input.failed && all[1].input.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_md5_of_many_by_each_way_then_openssl_s),
		cmocka_unit_test(test_md5_of_an_input_that_cannot_be_read_then_the_others_are_right),
		cmocka_unit_test(test_md5_without_memory_then_all_have_failed),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
