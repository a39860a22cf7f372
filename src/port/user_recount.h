/* user_recount for tables that compare the rows of an owner's images with the recorded usage in one statement, which sees both as of one commit.
 * Later commits change both alike, so that the difference is still right when it is added, and no writer waits for the count. */
#ifndef PORT_USER_RECOUNT_H
#define PORT_USER_RECOUNT_H

#include "port/user_table.h"

struct owner_count {
	struct image_row who; /* owner, issuer and subject */
	struct owner_usage recorded, counted;
	uint64_t rows; /* of images that were counted */
};

/* The table's operations; all block, and are called on the caller's thread with `arg`. */
struct owner_counter {
	/* The next owner after `after` by name, whether it has a row, images or both; lives in `a`. {NULL, 0}: none. */
	enum status (*next)(void *arg, struct str after, struct arena *a, struct str *owner, struct fault *why);
	/* Count the images of n->who.owner, and fill in the rest of *n. */
	enum status (*count)(void *arg, struct arena *a, struct owner_count *n, struct fault *why);
	/* Apply owner_usage_correct to what is recorded by then, and commit it; the row is created if there is none. */
	enum status (*repair)(void *arg, const struct owner_count *n, struct fault *why);
	void *arg;
};

/* Run one call of user_recount, see user_table.h: a few hundred owners, or fewer with many images.  Errors: those of the counter; TOO_MUCH */
enum status user_recount_run(const struct owner_counter *c, struct str from_owner, bool repair, struct arena *a, struct user_recount *out,
	struct fault *why) MUST_CHECK;

#endif
