/* Names with sizes, as a destination of backups lists them: sorted, then searched. One thread at a time while it grows. */
#ifndef BACKUP_NAMES_H
#define BACKUP_NAMES_H

#include "base/fault.h"
#include "base/str.h"

#include <stdint.h>

struct name_entry {
	uint64_t size;
	size_t n;
	char text[]; /* and a NUL */
};

struct names {
	struct name_entry **all;
	size_t n, cap;
};

/* Zeroed: empty. */
void names_deinit(struct names *x);
/* Append a copy.  Errors: OUT_OF_MEMORY */
enum status names_add(struct names *x, struct str name, uint64_t size, struct fault *why) MUST_CHECK;
/* Order by bytes, for the functions below. */
void names_sort(struct names *x);
struct str names_text(const struct name_entry *e);
/* The first that begins with the prefix; NULL: none. */
const struct name_entry *names_find(const struct names *x, struct str prefix);
bool names_has(const struct names *x, struct str name);

#endif
