/* See conn.h. */
#include "postgres/conn.h"

#include "base/clock.h"
#include "base/buf.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define RETRY_MS 2000

#define OID_BIGINT 20
#define OID_TEXT 25
#define OID_TEXTS 1009
#define OID_UUID 2950
#define OID_UUIDS 2951

static const struct {
	const char *types, *sql;
} queries[PG_QUERIES] = {
#define QUERY(id, types, sql) { types, sql },
#include "postgres/queries.def"
#undef QUERY
};

/* values */

static void put_u32(struct buf *b, uint32_t n)
{
	n = htonl(n);
	buf_put(b, (struct str){ (const char *)&n, sizeof n });
}

/* The header of a one-dimensional array without NULLs. */
static void put_array(struct buf *b, uint32_t oid, size_t n)
{
	put_u32(b, n > 0);
	put_u32(b, 0);
	put_u32(b, oid);
	if (n > 0) {
		put_u32(b, (uint32_t)n);
		put_u32(b, 1);
	}
}

#define ARRAY_HEAD_BYTES 20

static struct pg_value end_array(const struct buf *b)
{
	return pg_text(buf_ok(b) ? buf_str(b) : STR(""));
}

struct pg_value pg_uuids(struct arena *a, const unsigned char (*ids)[UUID_BYTES], size_t n)
{
	struct buf b;

	buf_init_arena(&b, a, ARRAY_HEAD_BYTES + n * (4 + UUID_BYTES));
	put_array(&b, OID_UUID, n);
	for (size_t i = 0; i < n; i++) {
		put_u32(&b, UUID_BYTES);
		buf_put(&b, (struct str){ (const char *)ids[i], UUID_BYTES });
	}
	return end_array(&b);
}

struct pg_value pg_texts(struct arena *a, const struct str *texts, size_t n)
{
	struct buf b;
	size_t bytes = ARRAY_HEAD_BYTES;

	for (size_t i = 0; i < n; i++)
		bytes += 4 + texts[i].n;
	buf_init_arena(&b, a, bytes);
	put_array(&b, OID_TEXT, n);
	for (size_t i = 0; i < n; i++) {
		put_u32(&b, (uint32_t)texts[i].n);
		buf_put(&b, texts[i]);
	}
	return end_array(&b);
}

/* failures */

enum status pg_unreachable(struct fault *why)
{
	(void)fault_set(why, STORAGE_FAILED, "The database cannot be reached. Try again in a moment.");
	fault_retry_after(why, RETRY_MS);
	return IO;
}

/* The first line alone: PostgreSQL's messages may have several, each ending in a newline. */
static void set_cause(struct fault *why, const char *message)
{
	struct str text = str_of(message);

	fault_cause(why, "%.*s", STRF(str_slice(text, 0, str_find_char(text, '\n'))));
}

static enum pg_failure classify(const char *state)
{
	/* Source: PostgreSQL documentation, appendix A, "PostgreSQL Error Codes". */
	static const struct {
		const char *prefix;
		enum pg_failure means;
	} rows[] = { { "08", PG_LOST }, { "57P", PG_LOST }, { "25006", PG_LOST }, { "26000", PG_LOST }, { "42P05", PG_LOST },
		{ "0A000", PG_LOST }, /* a table was changed, and the statement must be prepared again */
		{ "40", PG_CONFLICT }, { "55P03", PG_CONFLICT }, { "23505", PG_CONFLICT }, { "22012", PG_CONFLICT } };

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (strncmp(state, rows[i].prefix, strlen(rows[i].prefix)) == 0)
			return rows[i].means;
	return PG_REFUSED;
}

enum pg_failure pg_failed(struct pg_conn *c, const PGresult *r, struct fault *why)
{
	ExecStatusType status = r != NULL ? libpq.resultStatus(r) : PGRES_FATAL_ERROR;
	const char *state = r != NULL ? libpq.resultErrorField(r, PG_DIAG_SQLSTATE) : NULL;

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return PG_FINE;
	if (status == PGRES_PIPELINE_ABORTED)
		return PG_ABORTED;
	if (state == NULL) {
		(void)pg_unreachable(why);
		set_cause(why, r != NULL ? libpq.resultErrorMessage(r) : c->lost);
		return PG_LOST;
	}
	enum pg_failure means = classify(state);
	/* Behind a pooler the next transaction may use another connection, which has other prepared statements. */
	if (strcmp(state, "26000") == 0 || strcmp(state, "42P05") == 0)
		c->unprepared = true;
	if (means == PG_LOST)
		(void)pg_unreachable(why);
	else if (strcmp(state, "22021") == 0)
		(void)fault_set(why, INVALID_INPUT, "A text of the request is not well-formed UTF-8, or has U+0000 in it.");
	else if (strcmp(state, "53100") == 0)
		(void)fault_set(why, DISK_FULL, "The database has no space left; try again later.");
	else
		(void)fault_set(why, STORAGE_FAILED, "The database failed.");
	fault_cause(why, "%s: %s", state, libpq.resultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
	return means;
}

/* pipelines */

void pg_disconnect(struct pg_conn *c)
{
	libpq.finish(c->pg);
	c->pg = NULL;
}

void pg_limit(struct pg_conn *c, int64_t until_ms)
{
	c->until_ms = until_ms;
}

static int list_types(enum pg_query q, Oid types[PG_PARAMETERS_MAX])
{
	static const Oid oids[] = { ['n'] = OID_BIGINT, ['t'] = OID_TEXT, ['u'] = OID_UUID, ['U'] = OID_UUIDS, ['T'] = OID_TEXTS };
	int n = 0;

	for (const char *p = queries[q].types; *p != '\0'; p++)
		types[n++] = oids[(unsigned char)*p];
	return n;
}

void pg_mark_lost(struct pg_conn *c)
{
	struct str text = c->pg == NULL ? STR("") : str_of(libpq.errorMessage(c->pg));

	if (text.n == 0)
		text = STR("the server did not respond in time");
	if (c->pg != NULL)
		(void)snprintf(c->lost, sizeof c->lost, "%.*s", STRF(str_slice(text, 0, str_find_char(text, '\n'))));
	pg_disconnect(c);
}

/* If libpq has no memory to queue a statement, the transaction must not be committed without it. */
static void check_sent(struct pg_conn *c, int sent)
{
	if (sent == 0)
		pg_mark_lost(c);
}

void pg_send(struct pg_conn *c, enum pg_query q, const struct pg_value *values)
{
	const char *bytes[PG_PARAMETERS_MAX];
	int lengths[PG_PARAMETERS_MAX], formats[PG_PARAMETERS_MAX], n = 0;
	int64_t numbers[PG_PARAMETERS_MAX];
	Oid types[PG_PARAMETERS_MAX];

	for (; values[n].type != PG_END; n++) {
		const struct pg_value *v = &values[n];
		numbers[n] = (int64_t)htobe64((uint64_t)v->n);
		bytes[n] = v->type == PG_NULL ? NULL : v->type == PG_NUMBER ? (const char *)&numbers[n] : v->s.n > 0 ? v->s.p : "";
		lengths[n] = v->type == PG_NUMBER ? (int)sizeof numbers[n] : (int)v->s.n;
		formats[n] = 1;
	}
	assert((size_t)n == strlen(queries[q].types));
	if (c->pg == NULL)
		return;
	if (c->unprepared)
		check_sent(c, libpq.sendQueryParams(c->pg, queries[q].sql, list_types(q, types), types, bytes, lengths, formats, 1));
	else
		check_sent(c, libpq.sendQueryPrepared(c->pg, c->names[q], n, bytes, lengths, formats, 1));
}

void pg_send_command(struct pg_conn *c, const char *sql)
{
	if (c->pg != NULL)
		check_sent(c, libpq.sendQueryParams(c->pg, sql, 0, NULL, NULL, NULL, NULL, 1));
}

void pg_sync(struct pg_conn *c)
{
	if (c->pg != NULL)
		check_sent(c, libpq.pipelineSync(c->pg));
}

/* Send what is queued, and read until a result is complete.  false: the connection is lost, or the time limit has passed */
static bool wait_result(struct pg_conn *c)
{
	for (;;) {
		int unsent = libpq.flush(c->pg);
		if (unsent < 0 || libpq.consumeInput(c->pg) == 0)
			return false;
		if (libpq.isBusy(c->pg) == 0)
			return true;
		int64_t left_ms = c->until_ms - clock_mono_ms();
		struct pollfd p = { .fd = libpq.socket(c->pg), .events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)) };
		if (left_ms <= 0 || (poll(&p, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX) < 0 && errno != EINTR))
			return false;
	}
}

/* The next result; libpq's NULL between the results of two statements is skipped. NULL: the connection is lost. */
static PGresult *next_result(struct pg_conn *c)
{
	for (int i = 0; c->pg != NULL && i < 2; i++) {
		if (!wait_result(c))
			break;
		PGresult *r = libpq.getResult(c->pg);
		if (r != NULL)
			return r;
	}
	pg_mark_lost(c);
	return NULL;
}

PGresult *pg_receive(struct pg_conn *c)
{
	PGresult *r = next_result(c);

	/* A server that shuts down sends an error and closes the connection. */
	if (r != NULL && libpq.status(c->pg) == CONNECTION_BAD)
		pg_mark_lost(c);
	return r;
}

bool pg_end(struct pg_conn *c)
{
	PGresult *r = next_result(c);
	bool ended = r != NULL && libpq.resultStatus(r) == PGRES_PIPELINE_SYNC;

	libpq.clear(r);
	if (!ended)
		pg_mark_lost(c);
	return ended;
}

/* commands outside of pipelines */

PGresult *pg_exec(struct pg_conn *c, const char *sql)
{
	PGresult *last = NULL;

	if (c->pg != NULL)
		check_sent(c, libpq.sendQuery(c->pg, sql));
	while (c->pg != NULL) {
		if (!wait_result(c)) {
			pg_mark_lost(c);
			break;
		}
		PGresult *r = libpq.getResult(c->pg);
		if (r == NULL)
			return last;
		libpq.clear(last);
		last = r;
	}
	libpq.clear(last);
	return NULL;
}

enum status pg_exec_failed(struct pg_conn *c, const PGresult *r, struct fault *why)
{
	if (r == NULL)
		(void)pg_unreachable(why);
	else
		(void)fault_set(why, STORAGE_FAILED, "The database failed.");
	set_cause(why, r != NULL ? libpq.resultErrorMessage(r) : c->lost);
	return IO;
}

/* prepared statements */

/* The name is a hash of the statement. Through a pooler another version of this program may share the connection; its statements have
 * other names. */
static void name_query(enum pg_query q, char name[PG_NAME_CHARS])
{
	uint64_t h = hash_fnv64(hash_fnv64(HASH_FNV64, str_of(queries[q].types)), str_of(queries[q].sql));

	(void)snprintf(name, PG_NAME_CHARS, "tintype_%012llx", (unsigned long long)(h >> 16));
}

enum status pg_prepare(struct pg_conn *c, struct fault *why)
{
	Oid types[PG_PARAMETERS_MAX];
	enum pg_failure failed = PG_FINE;
	struct fault first = { 0 };

	for (int q = 0; q < PG_QUERIES; q++) {
		name_query((enum pg_query)q, c->names[q]);
		(void)libpq.sendPrepare(c->pg, c->names[q], queries[q].sql, list_types((enum pg_query)q, types), types);
	}
	pg_sync(c);
	for (int q = 0; q < PG_QUERIES; q++) {
		PGresult *r = pg_receive(c);
		enum pg_failure f = pg_failed(c, r, failed == PG_FINE ? &first : NULL);
		failed = failed == PG_FINE ? f : failed;
		libpq.clear(r);
	}
	if (pg_end(c) && failed == PG_FINE)
		return OK;
	if (why != NULL)
		*why = first;
	return IO;
}

/* results */

void result_clear(PGresult **r)
{
	libpq.clear(*r);
	*r = NULL;
}

int64_t pg_column_number(const PGresult *r, int row, int column)
{
	const unsigned char *p = (const unsigned char *)libpq.getvalue(r, row, column);
	int n = libpq.getlength(r, row, column);
	int64_t number = n > 0 && (p[0] & 0x80) != 0 ? -1 : 0;

	for (int i = 0; i < n; i++)
		number = (int64_t)((uint64_t)number << 8 | p[i]);
	return number;
}

struct str pg_column_text(const PGresult *r, int row, int column)
{
	return (struct str){ libpq.getvalue(r, row, column), (size_t)libpq.getlength(r, row, column) };
}
