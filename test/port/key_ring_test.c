/* What keys of each power may do, by their grants. */
#include "unit.h"

#include "port/key_ring.h"

static const struct key_grant photos[] = { { KEY_LIST | KEY_READ, { "photos", 6 }, { "", 0 } } };
static const struct key_grant below[] = { { KEY_LIST | KEY_READ | KEY_WRITE, { "photos", 6 }, { "in/", 3 } } };
static const struct key_grant everywhere[] = { { KEY_LIST, { "", 0 }, { "", 0 } } };
static const struct key_grant several[] = {
	{ KEY_READ, { "photos", 6 }, { "", 0 } },
	{ KEY_WRITE, { "photos", 6 }, { "in/", 3 } },
	{ KEY_DELETE | KEY_BUCKETS, { "scratch", 7 }, { "", 0 } },
};
static const struct key_grant nothing[] = { { 0, { "", 0 }, { "", 0 } } };

static void test_permits_of_each_action_and_grant_then_as_in_the_table(void **state)
{
	static const struct {
		enum key_power power;
		const struct key_grant *grants;
		size_t n;
		unsigned actions;
		const char *bucket, *key;
		bool want;
	} rows[] = {
		{ KEY_OWNER, NULL, 0, KEY_ACTIONS_ALL, "photos", "a", true },
		{ KEY_OWNER, nothing, 1, KEY_BUCKETS, "", "", true },
		{ KEY_SLOTS, NULL, 0, KEY_READ, "image-uploads", "images/a.jpg", false },
		{ KEY_SLOTS, NULL, 0, KEY_LIST, "", "", false },
		{ KEY_SLOTS, everywhere, 1, KEY_LIST, "photos", "", false },
		{ KEY_USER, NULL, 0, KEY_ACTIONS_ALL, "photos", "a", true },
		{ KEY_USER, NULL, 0, KEY_LIST, "", "", true },
		{ KEY_USER, nothing, 1, KEY_READ, "photos", "a", false },
		/* one bucket */
		{ KEY_USER, photos, 1, KEY_READ, "photos", "a", true },
		{ KEY_USER, photos, 1, KEY_READ | KEY_LIST, "photos", "", true },
		{ KEY_USER, photos, 1, KEY_READ | KEY_WRITE, "photos", "a", false },
		{ KEY_USER, photos, 1, KEY_DELETE, "photos", "a", false },
		{ KEY_USER, photos, 1, KEY_BUCKETS, "photos", "", false },
		{ KEY_USER, photos, 1, KEY_READ, "photo", "a", false },
		{ KEY_USER, photos, 1, KEY_READ, "photos2", "a", false },
		{ KEY_USER, photos, 1, KEY_LIST, "", "", false },
		/* a prefix */
		{ KEY_USER, below, 1, KEY_READ, "photos", "in/a", true },
		{ KEY_USER, below, 1, KEY_READ, "photos", "in/", true },
		{ KEY_USER, below, 1, KEY_READ, "photos", "in", false },
		{ KEY_USER, below, 1, KEY_READ, "photos", "inner", false },
		{ KEY_USER, below, 1, KEY_WRITE, "photos", "../in/a", false },
		{ KEY_USER, below, 1, KEY_LIST, "photos", "in/deeper/", true },
		{ KEY_USER, below, 1, KEY_LIST, "photos", "", false },
		{ KEY_USER, below, 1, KEY_READ, "other", "in/a", false },
		/* every bucket */
		{ KEY_USER, everywhere, 1, KEY_LIST, "photos", "", true },
		{ KEY_USER, everywhere, 1, KEY_LIST, "", "", true },
		{ KEY_USER, everywhere, 1, KEY_READ, "photos", "a", false },
		/* several together */
		{ KEY_USER, several, 3, KEY_READ | KEY_WRITE, "photos", "in/a", true },
		{ KEY_USER, several, 3, KEY_READ | KEY_WRITE, "photos", "a", false },
		{ KEY_USER, several, 3, KEY_BUCKETS, "scratch", "", true },
		{ KEY_USER, several, 3, KEY_DELETE, "photos", "in/a", false },
		{ KEY_USER, several, 3, KEY_READ, "scratch", "a", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct access_key k = { .power = rows[i].power, .grants = rows[i].grants, .n_grants = rows[i].n };
		if (key_permits(&k, rows[i].actions, str_of(rows[i].bucket), str_of(rows[i].key)) != rows[i].want)
			fail_msg("row %zu is %s", i, rows[i].want ? "refused" : "allowed");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permits_of_each_action_and_grant_then_as_in_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
