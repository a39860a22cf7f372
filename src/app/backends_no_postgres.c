/* backends_postgres.h in a program that is built without libpq. */
#include "app/backends_postgres.h"

static enum status refuse_postgres(struct fault *why)
{
	return fault_set(why, BAD_SETTING,
		"This program was built without PostgreSQL, so --table cannot be a postgres:// URL: install the Debian package, or build it with "
		"`make build POSTGRES=true`.");
}

enum status backends_postgres_open(const struct settings *s, bool fills, struct postgres **p, struct backends *out, struct fault *why)
{
	return refuse_postgres(why);
}

void backends_postgres_free(struct postgres **p)
{
	assert(*p == NULL);
}

bool backends_postgres_lead(struct postgres *p, int64_t lease_ms)
{
	return false;
}

enum status backends_postgres_create(const struct settings *s, struct fault *why)
{
	return refuse_postgres(why);
}

enum status backends_postgres_inspect(const struct settings *s, struct postgres_report *out, struct fault *why)
{
	return refuse_postgres(why);
}
