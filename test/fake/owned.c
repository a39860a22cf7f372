/* See owned.h. */
#include "fake/owned.h"

struct image_row owned_row(struct bench *b, unsigned n, struct str owner)
{
	struct image_row row = row_pending(&b->a, n);
	row.owner = owner;
	row.issuer = STR("https://issuer.example/");
	row.subject = str_printf(&b->a, "subject of %.*s", STRF(owner));
	return row;
}

void owned_insert(struct bench *b, unsigned n, struct str owner)
{
	struct image_row row = owned_row(b, n, owner);
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
}

struct user_row owned_user(struct bench *b, struct str owner)
{
	struct user_row user = { 0 };
	assert_int_equal(user_get(b->w.users, owner, &b->a, &user, &b->why), OK);
	return user;
}

static void assert_uses(struct bench *b, struct str owner, const struct owner_usage *want)
{
	struct owner_usage got = owned_user(b, owner).usage;
	assert_int_equal(got.bytes, want->bytes);
	assert_int_equal(got.images, want->images);
	assert_int_equal(got.pending, want->pending);
	assert_int_equal(got.reserved_bytes, want->reserved_bytes);
	assert_int_equal(got.derived_bytes, want->derived_bytes);
}

void assert_usage(struct bench *b, struct str owner, const struct owner_usage *want)
{
	struct user_recount counted = { 0 };
	struct str from = STR("");
	assert_uses(b, owner, want);
	do {
		assert_int_equal(user_recount(b->w.users, from, true, &b->a, &counted, &b->why), OK);
		assert_int_equal(counted.repaired, 0);
		from = counted.next_owner;
	} while (from.n > 0);
	assert_uses(b, owner, want);
}
