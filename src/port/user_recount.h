/* user_recount of tables that compare the rows of an owner's images with what is recorded in one statement: it sees both as of one commit.
 * Later commits change both alike, so that the difference is still right when it is added, and no writer waits for the count. */
#ifndef PORT_USER_RECOUNT_H
#define PORT_USER_RECOUNT_H

#include "port/user_table.h"

struct owner_count {
	struct image_row who; /* owner, issuer and subject */
	struct owner_usage recorded, counted;
	uint64_t rows; /* of images that were counted */
};

/* What a table does for it; all block, and are called on the caller's thread with `arg`. */
struct owner_counter {
	/* The owner that comes next by name, whether it has a row, images or both. {NULL, 0}: none. */
	enum status (*next)(void *arg, struct str after, struct arena *a, struct str *owner, struct fault *why);
	/* Count the one of n->who.owner, and fill in the rest. */
	enum status (*count)(void *arg, struct arena *a, struct owner_count *n, struct fault *why);
	/* Commit owner_usage_correct on what is recorded by then, in a row that is made if there is none. */
	enum status (*repair)(void *arg, const struct owner_count *n, struct fault *why);
	void *arg;
};

/* One call of user_recount, see there: some hundred owners, or fewer with many images.  Errors: those of the counter; TOO_MUCH */
enum status user_recount_run(const struct owner_counter *c, struct str from_owner, bool repair, struct arena *a, struct user_recount *out,
	struct fault *why) MUST_CHECK;

#endif
