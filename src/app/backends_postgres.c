/* See backends_postgres.h. */
#include "app/backends_postgres.h"

#include "app/image_rules.h"

static struct postgres_options options_of(const struct settings *s)
{
	return (struct postgres_options){
		.url = str_of(s->table), .password_file = str_of(s->table_password_file), .max_pending = s->max_pending, .quota = quota_of(s)
	};
}

enum status backends_postgres_open(const struct settings *s, bool fills, struct postgres **p, struct backends *out, struct fault *why)
{
	assert(s != NULL && p != NULL && out != NULL);
	struct postgres_options o = options_of(s);
	o.fills = fills;
	TRY(postgres_new(&o, p, why));
	out->table = postgres_table(*p);
	out->users = postgres_users(*p);
	out->api_keys = postgres_api_keys(*p);
	out->outbox = postgres_outbox(*p);
	out->transfer = postgres_transfer(*p);
	return OK;
}

void backends_postgres_free(struct postgres **p)
{
	postgres_free(p);
}

bool backends_postgres_lead(struct postgres *p, int64_t lease_ms)
{
	bool leads = false;
	return postgres_lease(p, STR("sweep"), lease_ms, &leads, NULL) == OK && leads;
}

enum status backends_postgres_create(const struct settings *s, struct fault *why)
{
	assert(s != NULL);
	struct postgres_options o = options_of(s);
	return postgres_create(&o, why);
}

enum status backends_postgres_inspect(const struct settings *s, struct postgres_report *out, struct fault *why)
{
	assert(s != NULL && out != NULL);
	struct postgres_options o = options_of(s);
	return postgres_inspect(&o, out, why);
}
