/* The contract of image_table on a DynamoDB that is not ours, dynalite, with one shard and with
 * several. What only a real table can show is here too: that it is made, found again, and
 * refused when it is another's. */
#include "fake/bench.h"
#include "fake/contract_table.h"
#include "fake/rows.h"

#include "aws/cloud_table.h"
#include "aws/emulator.h"
#include "aws/surroundings.h"
#include "base/clock.h"
#include "fake/http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct emulator emulator;

/* the table itself */

static void test_create_of_a_table_that_is_there_then_ok_and_rows_stay(void **state)
{
	struct bench *b = *state;
	bench_insert(b, 1);
	assert_int_equal(dynamo_table_create(b->w.table, &b->why), OK);
	bench_row(b, 1);
}

static void test_every_call_on_a_table_that_is_not_there_then_upstream_failed(void **state)
{
	struct bench *b = *state;
	struct cloud *c = b->w.own;
	struct image_row row;
	struct image_page page;
	snprintf(c->table, sizeof c->table, "ImageMetadata-none");
	bench_reopen(b);
	struct image_row fresh = { .image_id = STR("00000000-0000-4000-8000-000000000001"), .version = 1, .key = STR("k") };
	assert_fails(b, table_get(b->w.table, fresh.image_id, &b->a, &row, &b->why), F_UPSTREAM_FAILED);
	assert_fails(b, table_insert(b->w.table, &fresh, &b->why), F_UPSTREAM_FAILED);
	assert_fails(b, table_remove(b->w.table, fresh.image_id, 0, &b->why), F_UPSTREAM_FAILED);
	assert_fails(b, table_list(b->w.table, &(struct image_query){ .limit = 1 }, &b->a, &page, &b->why), F_UPSTREAM_FAILED);
	assert_non_null(strstr(b->why.cause, "ResourceNotFoundException"));
	assert_null(strstr(b->why.text, "ImageMetadata"));
}

/* A number whose id goes to one and the same shard of 3: all rows of a page from one shard,
 * which is then asked again and again. */
static unsigned crowded(struct bench *b, unsigned n)
{
	for (;; n++) {
		struct str id = row_id(&b->a, n);
		uint32_t h = 2166136261u;
		for (size_t i = 0; i < id.n; i++)
			h = (h ^ (unsigned char)id.p[i]) * 16777619u;
		if (h % 3 == 1)
			return n;
	}
}

static void test_list_and_due_when_all_rows_are_in_one_shard_then_whole_pages_in_order(void **state)
{
	struct bench *b = *state;
	struct image_page page;
	unsigned numbers[60], n = 0;
	struct str cursor = STR("");
	for (unsigned i = 0; i < COUNT_OF(numbers); i++) {
		n = numbers[i] = crowded(b, n + 1);
		bench_insert(b, n);
	}
	assert_int_equal(table_due(b->w.table, INT64_MAX, 50, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 50);
	for (unsigned i = 0; i < 50; i++)
		assert_true(str_equal(page.rows[i].image_id, row_id(&b->a, numbers[i])));
	for (unsigned i = 0; i < COUNT_OF(numbers); i++)
		bench_resolve(b, numbers[i], 5000, STR(""));
	for (unsigned at = 60; at > 0; cursor = page.next_cursor) {
		assert_int_equal(table_list(b->w.table, &(struct image_query){ .limit = 40, .cursor = cursor }, &b->a, &page, &b->why), OK);
		assert_int_equal(page.n, at == 60 ? 40 : 20);
		for (size_t i = 0; i < page.n; i++)
			assert_true(str_equal(page.rows[i].image_id, row_id(&b->a, numbers[--at])));
	}
	assert_int_equal(cursor.n, 0);
}

/* rows of owners */

static void insert_owned(struct bench *b, unsigned n, const char *owner, const char *request_hash)
{
	struct image_row row = row_pending(&b->a, n);
	row.owner = str_of(owner);
	row.request_hash = str_of(request_hash);
	row.ends_ms = row.expires_ms = clock_now_ms() + 3600000;
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
}

/* Of many rows of an owner one is uploaded: no page reads them all, each has a cursor, and one of them has the row. */
static void test_list_of_an_owner_that_leaves_out_many_rows_then_short_pages_that_go_on(void **state)
{
	struct bench *b = *state;
	unsigned found = 0, pages = 0, bobs = cloud_kind.shards == 1 ? 801 : 41;
	struct image_query q = { .owner = STR("alice"), .status = LIST_UPLOADED, .limit = 10, .cursor = STR("") };
	struct image_page page;
	for (unsigned n = 1; n < bobs; n++)
		insert_owned(b, n, "alice", "");
	insert_owned(b, bobs, "bob", "");
	bench_resolve(b, 1, 5000, STR(""));
	bench_resolve(b, bobs, 5000, STR(""));
	do {
		assert_int_equal(table_list(b->w.table, &q, &b->a, &page, &b->why), OK);
		for (size_t i = 0; i < page.n; i++)
			found += str_equal(page.rows[i].image_id, row_id(&b->a, 1)) ? 1 : 1000;
		q.cursor = page.next_cursor;
		pages++;
	} while (q.cursor.n > 0);
	assert_int_equal(found, 1);
	assert_in_range(pages, cloud_kind.shards > 1 ? 1 : 2, 4);
	q.oldest_first = true;
	assert_int_equal(table_list(b->w.table, &q, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 1);
}

/* Nothing but the id, the hash and the TTL stays of a removed row. */
static void test_remove_of_a_row_with_a_request_hash_then_its_id_is_kept_and_in_no_list(void **state)
{
	struct bench *b = *state;
	struct image_row row, again = row_pending(&b->a, 1);
	struct image_page page;
	insert_owned(b, 1, "alice", "ab");
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), OK);
	assert_fails(b, table_get(b->w.table, row_id(&b->a, 1), &b->a, &row, &b->why), F_NO_SUCH_IMAGE);
	assert_fails(b, table_insert(b->w.table, &again, &b->why), F_IMAGE_EXISTS);
	assert_fails(b, table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), F_NO_SUCH_IMAGE);
	assert_int_equal(bench_ending(b), 0);
	const struct image_query q = { .owner = STR("alice"), .status = LIST_ALL, .limit = 10 };
	assert_int_equal(table_list(b->w.table, &q, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 0);
}

/* answers that are lost after a write that was done */

static int dial(unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool there = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
	assert(there);
	return fd;
}

/* Hand each request to the engine and wait until it is done; of every second one, the first among
 * them, the response is lost. Each has its own connection. */
static void lose_every_second(int fd, unsigned nth, void *arg)
{
	struct buf message;
	(void)arg;
	buf_init(&message, 1 << 20);
	if (fake_http_read(fd, &message)) {
		int engine = dial(emulator.port);
		fake_http_write(engine, buf_str(&message));
		if (fake_http_read(engine, &message) && nth % 2 == 1)
			fake_http_write(fd, buf_str(&message));
		close(engine);
	}
	buf_deinit(&message);
}

static void test_every_write_when_its_response_is_lost_then_done_once_and_reported_as_done(void **state)
{
	struct bench *b = *state;
	struct cloud *c = b->w.own;
	struct fake_http lossy;
	struct image_row row;
	cloud_close(c, &b->w.table);
	fake_http_start(&lossy, lose_every_second, NULL);
	b->w.table = cloud_open(c, str_of(lossy.url));
	bench_insert(b, 1);
	struct image_row want = row_pending(&b->a, 1), other = want;
	row = bench_row(b, 1);
	assert_true(row_equal(&row, &want));
	other.file_name = STR("another");
	assert_fails(b, table_insert(b->w.table, &other, &b->why), F_IMAGE_EXISTS);
	bench_resolve(b, 1, 5000, STR(""));
	assert_int_equal(bench_row(b, 1).status, IMAGE_UPLOADED);
	assert_int_equal(bench_listed(b), 1);
	assert_int_equal(bench_ending(b), 0);
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), OK);
	assert_fails(b, table_get(b->w.table, row_id(&b->a, 1), &b->a, &row, &b->why), F_NO_SUCH_IMAGE);
	assert_true(atomic_load(&lossy.n) >= 18);
	cloud_close(c, &b->w.table);
	fake_http_stop(&lossy);
	b->w.table = cloud_open(c, str_of(emulator.url));
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_every_write_when_its_response_is_lost_then_done_once_and_reported_as_done),
	BENCH_TEST(test_list_of_an_owner_that_leaves_out_many_rows_then_short_pages_that_go_on),
	BENCH_TEST(test_remove_of_a_row_with_a_request_hash_then_its_id_is_kept_and_in_no_list),
	BENCH_TEST(test_list_and_due_when_all_rows_are_in_one_shard_then_whole_pages_in_order),
	BENCH_TEST(test_create_of_a_table_that_is_there_then_ok_and_rows_stay),
	BENCH_TEST(test_every_call_on_a_table_that_is_not_there_then_upstream_failed),
};

static int run_with(uint32_t shards)
{
	static const struct contract_maker dynalite = { .name = "dynamo at dynalite",
		.make = cloud_make,
		.reopen = cloud_reopen,
		.unmake = cloud_unmake,
		.no_limit = true,
		.counts_lag = true };
	emulator_start(&emulator);
	cloud_kind = (struct cloud_kind){ .url = emulator.url, .shards = shards };
	int failed =
		contract_table(&dynalite) + contract_table_owners(&dynalite) + bench_run(&dynalite, "the table itself", tests, COUNT_OF(tests));
	emulator_stop(&emulator);
	return failed;
}

int main(void)
{
	surroundings_clear(NULL);
	surroundings_give_keys("AKIATESTTESTTESTTEST", "test-secret", "");
	return run_with(1) + run_with(3);
}
