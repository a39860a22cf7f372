/* Deleting a user on the fakes: everything of the owner goes and nothing of others, also after a stop, and with each call of each
 * port failing in turn; and the recount. */
#include "image/erasure.h"
#include "image/maintenance/recount.h"

#include "fake/fake_product.h"
#include "fake/fake_users.h"
#include "fake/rows.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define ALICE STR("a11ce000000000000000000000000000")
#define BOB STR("b0b00000000000000000000000000000")

struct place {
	struct fake_product f;
	struct fake_users *users;
	unsigned stop_after; /* so many calls of `stop` */
};

static void insert(struct place *p, unsigned n, struct str owner)
{
	struct image_row row = row_pending(&p->f.a, n), now;
	row.owner = owner;
	row.issuer = STR("app");
	row.subject = STR("subject");
	assert_int_equal(table_insert(p->f.product.table, &row, &p->f.why), OK);
	if (n % 3 == 0)
		return;
	struct resolution s = row_verdict(&p->f.a, n, 5000, n % 3 == 1 ? STR("") : STR("no image"));
	assert_int_equal(store_put(p->f.product.store, row.key, STR("image/jpeg"), STR("bytes"), &p->f.why), OK);
	assert_int_equal(table_resolve(p->f.product.table, &s, &p->f.a, &now, &p->f.why), OK);
}

static struct place *begin(void)
{
	static struct place p;
	p = (struct place){ 0 };
	fake_product_init(&p.f, true);
	p.users = fake_users_new(p.f.table, &(struct owner_quota){ 0 });
	p.f.product.users = fake_users_port(p.users);
	for (unsigned n = 1; n <= 12; n++)
		insert(&p, n, n % 2 == 0 ? ALICE : BOB);
	return &p;
}

static void end(struct place *p)
{
	fake_users_free(&p->users);
	fake_product_deinit(&p->f);
}

static size_t count_of(struct place *p, struct str owner)
{
	struct image_page page;
	const struct image_query q = { .owner = owner, .status = LIST_ALL, .limit = 100 };
	assert_int_equal(table_list(p->f.product.table, &q, &p->f.a, &page, &p->f.why), OK);
	return page.n;
}

static void assert_gone(struct place *p)
{
	struct user_row user;
	assert_int_equal(count_of(p, ALICE), 0);
	assert_int_equal(count_of(p, BOB), 6);
	for (unsigned n = 2; n <= 12; n += 2)
		assert_false(fake_product_has_object(&p->f, row_pending(&p->f.a, n).key));
	assert_true(fake_product_has_object(&p->f, row_pending(&p->f.a, 1).key));
	assert_int_equal(user_get(p->f.product.users, ALICE, &p->f.a, &user, &p->f.why), NOT_FOUND);
	assert_int_equal(user_get(p->f.product.users, BOB, &p->f.a, &user, &p->f.why), OK);
}

static void test_erase_then_everything_of_the_owner_is_gone_and_nothing_of_others(void **state)
{
	struct place *p = begin();
	struct erasure_result done = { 0 };
	(void)state;
	assert_int_equal(user_block(p->f.product.users, ALICE, &p->f.why), OK);
	assert_int_equal(erasure_run(&p->f.product, ALICE, NULL, NULL, &done, &p->f.why), OK);
	assert_int_equal(done.images, 6);
	assert_int_equal(done.owners, 1);
	assert_gone(p);
	end(p);
}

static void test_erase_of_one_who_is_not_blocked_then_nothing_goes(void **state)
{
	struct place *p = begin();
	struct erasure_result done = { 0 };
	(void)state;
	assert_int_equal(erasure_run(&p->f.product, ALICE, NULL, NULL, &done, &p->f.why), CONFLICT);
	assert_int_equal(erasure_run(&p->f.product, STR("c0"), NULL, NULL, &done, &p->f.why), NOT_FOUND);
	assert_int_equal(erasure_resume(&p->f.product, NULL, NULL, &done, &p->f.why), OK);
	assert_int_equal(count_of(p, ALICE), 6);
	assert_int_equal(done.images + done.owners, 0);
	end(p);
}

static bool stop_soon(void *arg)
{
	struct place *p = arg;
	return p->stop_after == 0 || --p->stop_after == 0;
}

static void test_erase_that_is_stopped_then_it_is_resumed(void **state)
{
	(void)state;
	for (unsigned after = 1; after < 12; after++) {
		struct place *p = begin();
		struct erasure_result done = { 0 };
		p->stop_after = after;
		assert_int_equal(user_block(p->f.product.users, ALICE, &p->f.why), OK);
		assert_int_equal(erasure_run(&p->f.product, ALICE, stop_soon, p, &done, &p->f.why), OK);
		assert_int_equal(count_of(p, ALICE), 6 - done.images);
		assert_int_equal(erasure_resume(&p->f.product, NULL, NULL, &done, &p->f.why), OK);
		assert_int_equal(done.images, 6);
		assert_int_equal(done.owners, 1);
		assert_gone(p);
		end(p);
	}
}

static void test_erase_when_any_call_fails_then_the_next_time_ends_it(void **state)
{
	bool failed = true;
	(void)state;
	for (uint64_t n = 1; failed; n++) {
		struct place *p = begin();
		struct erasure_result done = { 0 };
		assert_int_equal(user_block(p->f.product.users, ALICE, &p->f.why), OK);
		fake_table_fail_nth(p->f.table, n, F_STORAGE_FAILED);
		fake_users_fail_nth(p->users, n, F_STORAGE_FAILED);
		failed = erasure_resume(&p->f.product, NULL, NULL, &done, &p->f.why) != OK;
		fake_table_fail_nth(p->f.table, 0, F_NONE);
		fake_users_fail_nth(p->users, 0, F_NONE);
		assert_int_equal(erasure_resume(&p->f.product, NULL, NULL, &done, &p->f.why), OK);
		assert_gone(p);
		end(p);
		assert_true(n < 100);
	}
}

static void note_repair(void *arg, const struct user_repair *one, const char *change)
{
	assert_true(str_equal(one->owner, BOB));
	assert_true(strstr(change, " to ") != NULL && strstr(change, "derivedBytes") == NULL);
	++*(int *)arg;
}

static void test_recount_then_what_was_recorded_wrongly_is_repaired_and_reported(void **state)
{
	struct place *p = begin();
	struct recount_result done;
	int repairs = 0;
	const struct recount_options options = { .repaired = note_repair, .arg = &repairs };
	(void)state;
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			fake_users_spoil(p->users, BOB);
		assert_int_equal(recount_run(&p->f.product, &options, &done, &p->f.why), OK);
		assert_int_equal(done.owners, 2);
		assert_int_equal(done.repaired, i == 1);
		assert_int_equal(repairs, i > 0);
	}
	end(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_erase_then_everything_of_the_owner_is_gone_and_nothing_of_others),
		cmocka_unit_test(test_erase_of_one_who_is_not_blocked_then_nothing_goes),
		cmocka_unit_test(test_erase_that_is_stopped_then_it_is_resumed),
		cmocka_unit_test(test_erase_when_any_call_fails_then_the_next_time_ends_it),
		cmocka_unit_test(test_recount_then_what_was_recorded_wrongly_is_repaired_and_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
