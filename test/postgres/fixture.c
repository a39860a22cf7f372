/* See fixture.h. */
#include "postgres/fixture.h"

#include "base/mem.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdio.h>

struct postgres_server pg_server;
bool pg_fixture_databases;
unsigned pg_fixture_schemas;

static void open_table(struct contract_fixture *w)
{
	struct pg_fixture *p = w->own;
	struct fault why;

	enum status opened = postgres_new(&p->options, &p->postgres, &why);
	assert(opened == OK);
	w->table = postgres_table(p->postgres);
	w->users = postgres_users(p->postgres);
	w->api_keys = postgres_api_keys(p->postgres);
	w->outbox = postgres_outbox(p->postgres);
	w->transfer = postgres_transfer(p->postgres);
}

void pg_fixture_query(struct contract_fixture *w, const char *sql)
{
	struct pg_fixture *p = w->own;
	PGconn *pg = PQconnectdb(p->url);
	PGresult *r = PQexec(pg, sql);
	ExecStatusType status = PQresultStatus(r);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		fprintf(stderr, "%s: %s\n", sql, PQerrorMessage(pg));
	assert(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
	PQclear(r);
	PQfinish(pg);
}

static void spoil(struct contract_fixture *w, struct str owner)
{
	char sql[256];

	snprintf(sql, sizeof sql,
		"UPDATE users SET bytes = bytes + 1000, images = images + 1000, reserved_bytes = 0, pending = 0 WHERE owner = '%.*s'", STRF(owner));
	pg_fixture_query(w, sql);
}

/* Create an empty schema, or database, and the superuser's URL of it. */
static void make_place(struct contract_fixture *w)
{
	struct pg_fixture *p = w->own;
	char sql[64];

	if (pg_fixture_databases || pg_server.databases == 0)
		postgres_server_database(&pg_server, p->url);
	if (pg_fixture_databases)
		return;
	snprintf(p->url, sizeof p->url, "postgres://postgres@/test%u?host=%s&port=%u", pg_server.databases, pg_server.dir, pg_server.port);
	snprintf(sql, sizeof sql, "CREATE SCHEMA s%u", ++pg_fixture_schemas);
	pg_fixture_query(w, sql);
	snprintf(p->url, sizeof p->url, "postgres://postgres@/test%u?host=%s&port=%u&options=-csearch_path%%3Ds%u", pg_server.databases,
		pg_server.dir, pg_server.port, pg_fixture_schemas);
}

void pg_fixture_make(struct contract_fixture *w, uint64_t max_pending)
{
	struct pg_fixture *p = mem_new(1, sizeof *p);
	struct fault why = { 0 };

	assert(p != NULL);
	*w = (struct contract_fixture){ .gives_at_once = true, .spoil = spoil, .own = p };
	make_place(w);
	p->options = (struct postgres_options){ .url = str_of(p->url), .max_pending = max_pending };
	enum status made = postgres_create(&p->options, &why);
	if (made != OK)
		fprintf(stderr, "%s (%s)\n", why.text, why.cause);
	assert(made == OK);
	open_table(w);
}

void pg_fixture_reopen(struct contract_fixture *w)
{
	struct pg_fixture *p = w->own;

	postgres_free(&p->postgres);
	open_table(w);
}

void pg_fixture_unmake(struct contract_fixture *w)
{
	struct pg_fixture *p = w->own;

	postgres_free(&p->postgres);
	mem_free(p);
}
