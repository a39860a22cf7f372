/* See connect.h. */
#include "postgres/connect.h"

#include "base/clock.h"
#include "postgres/schema.h"

#include <stdio.h>

/* How long to wait for a host before the next one is tried; the URL may set another value. */
#define CONNECT_TIMEOUT_S "3"

/* libpq would print notices to stderr, where the log is. */
static void ignore_notice(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

enum status pg_open(struct pg_conn *c, struct fault *why)
{
	/* libpq ignores names whose value is NULL. */
	const char *names[] = { "connect_timeout", "target_session_attrs", "fallback_application_name", "dbname", "client_encoding", "sslmode",
		"password", NULL };
	const char *values[] = { CONNECT_TIMEOUT_S, "read-write", "tintype", c->target->url, "UTF8", c->target->sslmode, c->target->password,
		NULL };

	assert(c->pg == NULL);
	c->pg = PQconnectdbParams(names, values, 1);
	if (c->pg == NULL)
		return fault_no_memory(why);
	(void)PQsetNoticeReceiver(c->pg, ignore_notice, NULL);
	if (PQstatus(c->pg) == CONNECTION_OK && PQsetnonblocking(c->pg, 1) == 0)
		return OK;
	pg_mark_lost(c);
	return pg_exec_failed(c, NULL, why);
}

static enum status set_up(struct pg_conn *c, struct fault *why)
{
	char command[128];

	(void)snprintf(command, sizeof command, "SET statement_timeout=%lld; SET idle_in_transaction_session_timeout=%lld",
		(long long)c->target->timeout_ms, (long long)c->target->timeout_ms);
	pg_limit(c, clock_mono_ms() + c->target->timeout_ms);
	PQclear(pg_exec(c, command));
	TRY(schema_check(c, why));
	if (PQenterPipelineMode(c->pg) == 0)
		return pg_unreachable(why);
	return c->unprepared ? OK : pg_prepare(c, why);
}

enum status pg_connect(struct pg_conn *c, struct fault *why)
{
	const bool was_unprepared = c->unprepared;

	TRY(pg_open(c, why));
	enum status status = set_up(c, why);
	if (status != OK)
		pg_disconnect(c);
	/* If connecting showed that statements cannot be prepared, connect again without preparing them. */
	return status == OK || was_unprepared || !c->unprepared ? status : pg_connect(c, why);
}
