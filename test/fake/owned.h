/* Rows of owners for the contract suites: a pending one of row n with an owner, and the steps of its life. */
#ifndef FAKE_OWNED_H
#define FAKE_OWNED_H

#include "fake/bench.h"
#include "fake/rows.h"

#define ALICE STR("a11ce000000000000000000000000000")
#define BOB STR("b0b00000000000000000000000000000")

/* row_pending with an owner, who has an issuer and a subject. */
struct image_row owned_row(struct bench *b, unsigned n, struct str owner);
void owned_insert(struct bench *b, unsigned n, struct str owner);
/* What an owner uses; the row must be there. */
struct user_row owned_user(struct bench *b, struct str owner);
/* What the owner uses is exactly this, and a recount finds the same. */
void assert_usage(struct bench *b, struct str owner, const struct owner_usage *want);

#endif
