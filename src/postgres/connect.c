/* See connect.h. */
#include "postgres/connect.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "postgres/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long to wait for a host before the next one is tried; the URL may set another value. */
#define CONNECT_TIMEOUT_S "3"

/* the password */

void pg_wipe(struct buf *b)
{
	if (b->p != NULL)
		secret_wipe(b->p, b->cap);
	buf_deinit(b);
}

static enum status refuse_file(const char *path, const char *text, struct fault *why)
{
	return fault_set(why, BAD_SETTING, "--table-password-file: %s%s%s", path, path[0] != '\0' ? " cannot be read: " : "", text);
}

enum status pg_read_password(const char *path, struct buf *out, struct fault *why)
{
	const struct file_rule rule = { .owner = geteuid(), .or_root = true, .is_secret = true, .what = "file", .path = path };
	struct fault cause;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return refuse_file(path, strerror(errno), why);
	bool is_private = file_check_private(fd, &rule, &cause) == OK;
	int error = is_private ? file_read_text(fd, out) : 0;
	close(fd);
	if (!is_private)
		return refuse_file("", cause.text, why);
	if (error != 0)
		return refuse_file(path, strerror(error), why);
	struct str rest = buf_str(out), line = str_cut(&rest, '\n');
	if (str_ends_with(line, STR("\r")))
		line.n--;
	if (line.n == 0)
		return refuse_file(path, "its first line is empty", why);
	out->n = line.n;
	out->p[line.n] = '\0';
	return OK;
}

/* connecting */

/* libpq would print notices to stderr, where the log is. */
static void ignore_notice(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

/* What the role or the database may have set otherwise. Batches rely on READ COMMITTED: a statement sees what was committed while an
 * earlier one waited for a lock. */
static enum status set_session(struct pg_conn *c, int64_t timeout_ms, struct fault *why)
{
	char command[256];

	(void)snprintf(command, sizeof command,
		"SET statement_timeout=%lld; SET idle_in_transaction_session_timeout=%lld; SET idle_session_timeout=0; SET lock_timeout=0;"
		" SET default_transaction_isolation='read committed'",
		(long long)timeout_ms, (long long)timeout_ms);
	PGresult *r CLEANUP(result_clear) = pg_exec(c, command);
	if (libpq.resultStatus(r) == PGRES_COMMAND_OK)
		return OK;
	(void)pg_exec_failed(c, r, why);
	pg_disconnect(c);
	return IO;
}

enum status pg_open(struct pg_conn *c, int64_t timeout_ms, struct fault *why)
{
	struct buf password CLEANUP(pg_wipe);
	struct fault cause;

	buf_init(&password, PG_PASSWORD_FILE_BYTES);
	if (c->target->password_file != NULL && pg_read_password(c->target->password_file, &password, &cause) != OK) {
		(void)pg_unreachable(why);
		fault_cause(why, "%s", cause.text);
		return IO;
	}
	/* The URL's parameters replace those before it. libpq ignores names whose value is NULL. */
	const char *names[] = { "connect_timeout", "fallback_application_name", "dbname", "target_session_attrs", "client_encoding", "sslmode",
		"password", NULL };
	const char *values[] = { CONNECT_TIMEOUT_S, "tintype", c->target->url, "read-write", "UTF8", c->target->sslmode, password.p, NULL };

	assert(c->pg == NULL);
	c->pg = libpq.connectdbParams(names, values, 1);
	if (c->pg == NULL)
		return fault_no_memory(why);
	(void)libpq.setNoticeReceiver(c->pg, ignore_notice, NULL);
	if (libpq.status(c->pg) != CONNECTION_OK || libpq.setnonblocking(c->pg, 1) != 0) {
		pg_mark_lost(c);
		return pg_exec_failed(c, NULL, why);
	}
	pg_limit(c, timeout_ms > 0 ? clock_mono_ms() + timeout_ms : INT64_MAX);
	return set_session(c, timeout_ms, why);
}

static enum status set_up(struct pg_conn *c, struct fault *why)
{
	TRY(schema_check(c, why));
	if (libpq.enterPipelineMode(c->pg) == 0)
		return pg_unreachable(why);
	return c->unprepared ? OK : pg_prepare(c, why);
}

enum status pg_connect(struct pg_conn *c, struct fault *why)
{
	const bool was_unprepared = c->unprepared;

	TRY(pg_open(c, c->target->timeout_ms, why));
	enum status status = set_up(c, why);
	if (status != OK)
		pg_disconnect(c);
	/* If connecting showed that statements cannot be prepared, connect again without preparing them. */
	return status == OK || was_unprepared || !c->unprepared ? status : pg_connect(c, why);
}
