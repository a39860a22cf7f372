/* How the available descriptors are divided. */
#ifndef HTTP_SERVER_FD_LIMITS_H
#define HTTP_SERVER_FD_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* The connections there may be. */
struct fd_limits {
	unsigned room;    /* of the API and the storage together */
	unsigned assured; /* of either, however many the other has */
	unsigned admin;
};

/* Divide `files`. Pure.
 * wanted   the most connections that each of the two may have, if there is room */
struct fd_limits fd_limits_share(uint64_t files, unsigned wanted);
/* Whether a listener with `own` connections may open one more next to the other's. Pure. */
bool fd_limits_may_open(const struct fd_limits *s, int64_t own, int64_t other);
/* Raise the limit on open files as far as we may, and divide it; logs a warning when that is less than wanted. */
struct fd_limits fd_limits_raise(unsigned wanted);

#endif
