/* The digests of files that wait together: whoever waits first computes them all, and each gets its own. */
#include "store/files/digest_queue.h"

#include "temp.h"

#include "base/thread.h"

#include <errno.h>

#define FILES 20
#define FILE_BYTES ((size_t)30000)

static char dir[TEMP_PATH_MAX];
static struct digest_queue queue;
static int fds[FILES];
static unsigned char expected[FILES][MD5_BYTES];

static int set_up(void **state)
{
	static unsigned char bytes[FILE_BYTES];
	(void)state;
	temp_make(dir);
	digest_queue_init(&queue);
	for (size_t i = 0; i < FILES; i++) {
		struct hash h;
		size_t n = FILE_BYTES - i * i * 70;
		fds[i] = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
		memset(bytes, (int)i + 1, n);
		if (fds[i] < 0 || write(fds[i], bytes, n) != (ssize_t)n)
			return -1;
		hash_init(&h, HASH_MD5);
		hash_update(&h, bytes, n);
		hash_final(&h, expected[i]);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < FILES; i++)
		close(fds[i]);
	digest_queue_deinit(&queue);
	temp_remove(dir);
	return 0;
}

static void assert_waits_for(struct queued_digest *d, size_t i)
{
	unsigned char md5[MD5_BYTES];
	assert_int_equal(digest_queue_wait(&queue, d, md5), 0);
	assert_memory_equal(md5, expected[i], MD5_BYTES);
}

static void test_first_that_waits_computes_as_many_as_there_are_lanes(void **state)
{
	struct queued_digest all[FILES];
	(void)state;
	for (size_t i = 0; i < FILES; i++)
		digest_queue_add(&queue, &all[i], fds[i]);
	assert_waits_for(&all[FILES - 1], FILES - 1); /* the youngest, and the oldest with it */
	for (size_t i = 0; i < FILES - 1; i++)
		assert_int_equal(all[i].is_done, i < MD5_LANES - 1);
	for (size_t i = 0; i < FILES - 1; i++)
		assert_waits_for(&all[i], i);
	assert_null(queue.first);
}

static void test_file_that_cannot_be_read_then_it_alone_has_no_digest(void **state)
{
	struct queued_digest good, bad;
	unsigned char md5[MD5_BYTES];
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)state;
	assert_true(folder >= 0);
	digest_queue_add(&queue, &bad, folder);
	digest_queue_add(&queue, &good, fds[0]);
	assert_waits_for(&good, 0);
	assert_int_equal(digest_queue_wait(&queue, &bad, md5), EISDIR);
	close(folder);
}

static void *digest_often(void *arg)
{
	size_t i = (size_t)(uintptr_t)arg;
	struct queued_digest d;
	for (int round = 0; round < 50; round++) {
		digest_queue_add(&queue, &d, fds[i]);
		assert_waits_for(&d, i);
	}
	return NULL;
}

static void test_many_threads_then_each_has_its_own_digest(void **state)
{
	pthread_t threads[FILES];
	(void)state;
	for (size_t i = 0; i < FILES; i++)
		assert_true(thread_start(&threads[i], digest_often, (void *)(uintptr_t)i));
	for (size_t i = 0; i < FILES; i++)
		pthread_join(threads[i], NULL);
	assert_null(queue.first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_that_waits_computes_as_many_as_there_are_lanes),
		cmocka_unit_test(test_file_that_cannot_be_read_then_it_alone_has_no_digest),
		cmocka_unit_test(test_many_threads_then_each_has_its_own_digest),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
