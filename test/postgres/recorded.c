/* See recorded.h. */
#include "postgres/recorded.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

long recorded_number(const char *url, const char *sql)
{
	PGconn *pg = PQconnectdb(url);
	PGresult *r = PQexec(pg, sql);
	bool ok = PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1;
	long n = ok ? strtol(PQgetvalue(r, 0, 0), NULL, 10) : -1;
	if (!ok)
		fprintf(stderr, "%s%s\n", PQerrorMessage(pg), PQresultErrorMessage(r));
	PQclear(r);
	PQfinish(pg);
	return n;
}

struct image_row recorded_row(struct arena *a, unsigned n)
{
	struct image_row row = row_pending(a, n);
	row.owner = STR("alice");
	row.max_bytes = RECORDED_BYTES;
	return row;
}

void recorded_check(const char *url, long rows, long uploaded)
{
	assert_int_equal(recorded_number(url, "SELECT count(*) FROM images"), rows);
	assert_int_equal(recorded_number(url, "SELECT count(*) FROM images WHERE status=1 AND version=2"), uploaded);
	assert_int_equal(recorded_number(url, "SELECT sum(pending) FROM writers"), rows - uploaded);
	assert_int_equal(recorded_number(url, "SELECT sum(uploaded) FROM writers"), uploaded);
	assert_int_equal(recorded_number(url, "SELECT sum(stored_bytes) FROM writers"), uploaded * RECORDED_BYTES);
	assert_int_equal(recorded_number(url, "SELECT pending FROM users"), rows - uploaded);
	assert_int_equal(recorded_number(url, "SELECT images FROM users"), uploaded);
	assert_int_equal(recorded_number(url, "SELECT bytes FROM users"), uploaded * RECORDED_BYTES);
	assert_int_equal(recorded_number(url, "SELECT reserved_bytes FROM users"), (rows - uploaded) * RECORDED_BYTES);
}
