/* See libpq.h. The name of the library is that of its ABI, which has been 5 since PostgreSQL 8.0. */
#include "postgres/libpq.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#define LIBRARY "libpq.so.5"

struct libpq libpq;
static char problem[256]; /* "": loaded */

static void load_functions(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	bool whole = library != NULL;
#define FUNCTION(name) \
	if (whole) \
		whole = (libpq.name = (__typeof__(libpq.name))dlsym(library, "PQ" #name)) != NULL;
#include "postgres/libpq.def"
#undef FUNCTION
	if (!whole)
		(void)snprintf(problem, sizeof problem, "%s", dlerror());
}

enum status libpq_load(struct fault *why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load_functions);
	if (problem[0] == '\0')
		return OK;
	fault_set(why, BAD_SETTING,
		"--table is a postgres:// URL, which needs PostgreSQL's client library, " LIBRARY
		", of version 14 or later: install the Debian package libpq5.");
	fault_cause(why, "%s", problem);
	return INVALID;
}
