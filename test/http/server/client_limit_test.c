/* The limit on connections per client. */
#include "unit.h"

#include "http/server/client_limit.h"

#include <netinet/in.h>
#include <pthread.h>

static struct client_addr addr(const char *text)
{
	struct client_addr a;
	assert_true(client_addr_parse(str_of(text), &a));
	return a;
}

static void test_limit_counts_each_client_by_itself(void **state)
{
	struct client_limit *l = NULL;
	struct fault why;
	assert_int_equal(client_limit_new(2, &l, &why), OK);
	struct client_addr a = addr("10.0.0.1"), b = addr("10.0.0.2"), six = addr("2001:db8:0:1::1"), same = addr("2001:db8:0:1:ffff::2"),
					   far = addr("2001:db8:0:2::1");
	assert_true(client_limit_enter(l, &a) && client_limit_enter(l, &a) && !client_limit_enter(l, &a));
	assert_true(client_limit_enter(l, &b));
	client_limit_leave(l, &a);
	assert_true(client_limit_enter(l, &a) && !client_limit_enter(l, &a));
	assert_true(client_limit_enter(l, &six) && client_limit_enter(l, &same) && !client_limit_enter(l, &six));
	assert_true(client_limit_enter(l, &far));
	client_limit_free(&l);
	assert_null(l);
	client_limit_free(&l);
}

static void *come_and_go(void *arg)
{
	struct client_limit *l = arg;
	for (uint32_t i = 0; i < 20000; i++) {
		struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { i % 3000 } };
		struct client_addr a = client_addr_of((struct sockaddr *)&at);
		if (client_limit_enter(l, &a))
			client_limit_leave(l, &a);
	}
	return NULL;
}

static void test_limit_when_many_threads_then_nothing_is_left(void **state)
{
	struct client_limit *l = NULL;
	struct fault why;
	pthread_t threads[4];
	assert_int_equal(client_limit_new(1, &l, &why), OK);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, l), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	for (uint32_t i = 0; i < 3000; i++) {
		struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { i } };
		struct client_addr a = client_addr_of((struct sockaddr *)&at);
		assert_true(client_limit_enter(l, &a));
	}
	client_limit_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit_counts_each_client_by_itself),
		cmocka_unit_test(test_limit_when_many_threads_then_nothing_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
