/* The same bytes are claimed once, by whichever thread, and by the next one when sending them failed. */
#include "cli/sent_set.h"

#include "base/str.h"
#include "base/thread.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FILES 500
#define THREADS 8

static struct sent_set set;

static void make_digest(unsigned n, unsigned char out[SHA256_BYTES])
{
	char text[16];
	(void)snprintf(text, sizeof text, "%u", n);
	sha256(str_of(text), out);
}

static void test_set_when_sent_then_its_image_is_known(void **state)
{
	unsigned char digest[SHA256_BYTES];
	char id[UUID_CHARS + 1];
	sent_set_init(&set);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned n = 0; n < FILES; n++) {
			make_digest(n, digest);
			assert_int_equal(sent_set_begin(&set, digest, id), round == 0);
			char want[16];
			(void)snprintf(want, sizeof want, "image %u", n);
			if (round == 0)
				sent_set_end(&set, digest, want);
			else
				assert_string_equal(id, want);
		}
	sent_set_deinit(&set);
}

static void test_set_when_sending_failed_then_claimed_again(void **state)
{
	unsigned char digest[SHA256_BYTES];
	char id[UUID_CHARS + 1];
	sent_set_init(&set);
	make_digest(1, digest);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(sent_set_begin(&set, digest, id));
		sent_set_end(&set, digest, NULL);
	}
	sent_set_deinit(&set);
}

static void test_set_when_forgotten_then_claimed_again(void **state)
{
	unsigned char digest[SHA256_BYTES];
	char id[UUID_CHARS + 1];
	sent_set_init(&set);
	make_digest(1, digest);
	sent_set_forget(&set, digest);
	assert_true(sent_set_begin(&set, digest, id));
	sent_set_end(&set, digest, "image");
	assert_false(sent_set_begin(&set, digest, id));
	sent_set_forget(&set, digest);
	assert_true(sent_set_begin(&set, digest, id));
	sent_set_end(&set, digest, NULL);
	sent_set_deinit(&set);
}

static unsigned claimed[FILES];

static void *claim_all(void *arg)
{
	for (unsigned n = 0; n < FILES; n++) {
		unsigned char digest[SHA256_BYTES];
		char id[UUID_CHARS + 1];
		make_digest(n, digest);
		if (!sent_set_begin(&set, digest, id))
			continue;
		claimed[n]++; /* by one thread at a time: the others wait for its end */
		sent_set_end(&set, digest, claimed[n] == 1 ? NULL : "image");
	}
	return NULL;
}

static void test_set_when_many_threads_then_each_is_claimed_until_it_is_sent(void **state)
{
	pthread_t threads[THREADS];
	sent_set_init(&set);
	for (size_t i = 0; i < THREADS; i++)
		assert_true(thread_start(&threads[i], claim_all, NULL));
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned n = 0; n < FILES; n++)
		assert_int_equal(claimed[n], 2);
	sent_set_deinit(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_when_sent_then_its_image_is_known),
		cmocka_unit_test(test_set_when_sending_failed_then_claimed_again),
		cmocka_unit_test(test_set_when_forgotten_then_claimed_again),
		cmocka_unit_test(test_set_when_many_threads_then_each_is_claimed_until_it_is_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
