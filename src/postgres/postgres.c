/* Opening and closing; see postgres.h. */
#include "postgres/postgres.h"

#include "base/mem.h"
#include "postgres/parts.h"
#include "postgres/schema.h"

#include <string.h>

#define TIMEOUT_MS 10000

static enum status start_lanes(struct postgres *p, struct fault *why)
{
	TRY(pg_writer_start(&p->writer, why));
	TRY(pg_asker_start(&p->points, why));
	return pg_asker_start(&p->scans, why);
}

/* Texts for libpq. */
static enum status read_target(struct postgres *p, const struct postgres_options *o, struct fault *why)
{
	p->url = mem_dup_cstr(o->url);
	p->password = o->password.n > 0 ? mem_dup_cstr(o->password) : NULL;
	p->target = (struct pg_target){ p->url, p->password, o->timeout_ms > 0 ? o->timeout_ms : TIMEOUT_MS };
	return p->url == NULL || (o->password.n > 0 && p->password == NULL) ? fault_no_memory(why) : OK;
}

void postgres_free(struct postgres **out)
{
	struct postgres *p = *out;

	if (p == NULL)
		return;
	pg_writer_stop(&p->writer);
	pg_asker_stop(&p->points);
	pg_asker_stop(&p->scans);
	if (p->password != NULL)
		secret_wipe(p->password, strlen(p->password));
	if (p->url != NULL)
		secret_wipe(p->url, strlen(p->url));
	mem_free(p->password);
	mem_free(p->url);
	mem_free(p);
	*out = NULL;
}

enum status postgres_new(const struct postgres_options *o, struct postgres **out, struct fault *why)
{
	struct postgres *p = mem_new(1, sizeof *p);

	if (p == NULL)
		return fault_no_memory(why);
	p->table.ops = &pg_image_ops;
	p->writer.max_pending = o->max_pending;
	p->writer.quota = o->quota;
	p->writer.fills = o->fills;
	p->writer.lane.conn.target = p->points.lane.conn.target = p->scans.lane.conn.target = &p->target;
	enum status status = read_target(p, o, why);
	if (status == OK)
		status = start_lanes(p, why);
	if (status != OK)
		postgres_free(&p);
	*out = p;
	return status;
}

struct image_table *postgres_table(struct postgres *p)
{
	return &p->table;
}

enum status postgres_create(const struct postgres_options *o, struct fault *why)
{
	struct postgres *p CLEANUP(postgres_free) = mem_new(1, sizeof *p);
	struct pg_conn *c = p != NULL ? &p->points.lane.conn : NULL;

	if (p == NULL)
		return fault_no_memory(why);
	TRY(read_target(p, o, why));
	c->target = &p->target;
	TRY(pg_open(c, why));
	enum status status = schema_create(c->pg, why);
	pg_disconnect(c);
	return status;
}
