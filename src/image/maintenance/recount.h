/* Compute what every owner uses from what is there, and repair what is recorded: bytes and images from the rows, and derived bytes
 * from the thumbnails, where the product has any. Once a day, and by `tintype recount`. Blocks on the ports: a thread of its own. */
#ifndef IMAGE_MAINTENANCE_RECOUNT_H
#define IMAGE_MAINTENANCE_RECOUNT_H

#include "base/fault.h"
#include "image/product.h"

struct recount_result {
	uint64_t owners;   /* that were counted */
	uint64_t repaired; /* of whom bytes or images were wrong */
	uint64_t derived;  /* of whom derived bytes were wrong: those of thumbnails that were evicted, for one */
};

struct recount_options {
	bool only_check;         /* what is recorded wrongly is reported as if it were repaired, and stays */
	bool (*stop)(void *arg); /* called before each step; true ends it early; NULL: never */
	/* Called for each repair; change: "bytes 7 to 0, images 1 to 0". May be NULL */
	void (*repaired)(void *arg, const struct user_repair *, const char *change);
	void *arg;
};

/* Errors  those of the ports */
enum status recount_run(struct product *p, const struct recount_options *o, struct recount_result *out, struct fault *why) MUST_CHECK;

#endif
