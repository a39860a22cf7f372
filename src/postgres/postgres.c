/* Opening and closing; see postgres.h. */
#include "postgres/postgres.h"

#include "base/clock.h"
#include "base/mem.h"
#include "postgres/connect.h"
#include "postgres/parts.h"
#include "postgres/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 10000

static enum status start_lanes(struct postgres *p, struct fault *why)
{
	TRY(pg_writer_start(&p->writer, why));
	TRY(pg_asker_start(&p->points, why));
	return pg_asker_start(&p->scans, why);
}

/* Whether every host of the list is this machine. Source: PostgreSQL documentation, "Parameter Key Words", host */
static bool are_local(struct str hosts)
{
	while (hosts.p != NULL) {
		struct str host = str_cut(&hosts, ',');
		if (host.n > 0 && host.p[0] != '/' && host.p[0] != '@' && !str_is_one_of(host, STR("localhost|127.0.0.1|::1"), '|'))
			return false;
	}
	return true;
}

static struct str find_part(const PQconninfoOption *parts, const char *keyword)
{
	for (; parts->keyword != NULL; parts++)
		if (strcmp(parts->keyword, keyword) == 0)
			return str_of(parts->val);
	return STR("");
}

/* Read the parameters of a connection: those of the URL, and where it has none, those of the environment, of a service file, or libpq's
 * defaults. libpq reports them only for a connection, so one is started with a parameter that libpq refuses before it connects. Free them with
 * libpq.conninfoFree. NULL: out of memory */
static PQconninfoOption *read_parameters(const char *url)
{
	const char *const names[] = { "dbname", "channel_binding", NULL }, *const values[] = { url, "invalid", NULL };
	PGconn *pg = libpq.connectStartParams(names, values, 1);
	PQconninfoOption *parts = libpq.conninfo(pg);

	assert(libpq.status(pg) == CONNECTION_BAD);
	libpq.finish(pg);
	return parts;
}

static bool is_default(const PQconninfoOption *parts, const char *keyword)
{
	while (strcmp(parts->keyword, keyword) != 0)
		parts++;
	return parts->val == NULL || (parts->compiled != NULL && strcmp(parts->val, parts->compiled) == 0);
}

/* Choose an sslmode if none is given: libpq's default encrypts if the server supports it and verifies nothing, which is enough only on this
 * machine. */
static enum status choose_sslmode(struct postgres *p, bool is_set, struct fault *why)
{
	PQconninfoOption *parts = read_parameters(p->url);

	if (parts == NULL)
		return fault_no_memory(why);
	if (!is_set && is_default(parts, "sslmode") && !(are_local(find_part(parts, "host")) && are_local(find_part(parts, "hostaddr"))))
		p->target.sslmode = "verify-full";
	libpq.conninfoFree(parts);
	return OK;
}

/* Whether there is an '@' in the host, the port or the database's name. It shows that characters of the password are not percent-encoded:
 * libpq would take a part of the password for a host or a port, look that host up, and repeat it in its messages. */
static bool is_ambiguous(struct str url)
{
	struct str rest = str_slice(url, str_find(url, STR("://")) + 3, url.n);
	size_t at = str_find_char(rest, '@');

	if (at < str_find_char(rest, '/'))
		rest = str_slice(rest, at + 1, rest.n);
	rest = str_slice(rest, 0, str_find_char(rest, '?'));
	return str_find_char(rest, '@') < rest.n;
}

/* libpq's own message is not reported, since it may contain a part of the password. */
static enum status read_url(struct postgres *p, struct fault *why)
{
	PQconninfoOption *parts = libpq.conninfoParse(p->url, NULL);

	if (parts == NULL || is_ambiguous(str_of(p->url))) {
		libpq.conninfoFree(parts);
		return fault_set(why, BAD_SETTING,
			"--table (TINTYPE_TABLE) cannot be read: it must be postgres://USER@HOST[:PORT]/DATABASE[?PARAMETERS] with parameters of libpq, and with "
			"special characters percent-encoded.");
	}
	bool is_set = find_part(parts, "sslmode").n > 0 || getenv("PGSSLMODE") != NULL;
	libpq.conninfoFree(parts);
	return choose_sslmode(p, is_set, why);
}

static enum status check_password(const struct postgres *p, struct fault *why)
{
	struct buf password CLEANUP(pg_wipe);

	buf_init(&password, PG_PASSWORD_FILE_BYTES);
	return p->password_file != NULL ? pg_read_password(p->password_file, &password, why) : OK;
}

/* Copy the settings into NUL-terminated strings for libpq. */
static enum status read_target(struct postgres *p, const struct postgres_options *o, struct fault *why)
{
	TRY(libpq_load(why));
	p->url = mem_dup_cstr(o->url);
	p->password_file = o->password_file.n > 0 ? mem_dup_cstr(o->password_file) : NULL;
	p->target = (struct pg_target){
		.url = p->url, .password_file = p->password_file, .timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : TIMEOUT_MS
	};
	if (p->url == NULL || (o->password_file.n > 0 && p->password_file == NULL))
		return fault_no_memory(why);
	TRY(read_url(p, why));
	return check_password(p, why);
}

void postgres_free(struct postgres **out)
{
	struct postgres *p = *out;

	if (p == NULL)
		return;
	pg_writer_stop(&p->writer);
	pg_asker_stop(&p->points);
	pg_asker_stop(&p->scans);
	if (p->url != NULL)
		secret_wipe(p->url, strlen(p->url));
	if (p->claim.result != NULL)
		libpq.clear(p->claim.result);
	pthread_mutex_destroy(&p->claiming);
	mem_free(p->password_file);
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
	p->users.ops = &pg_user_ops;
	p->api_keys.ops = &pg_api_key_ops;
	p->outbox.ops = &pg_outbox_ops;
	p->transfer.ops = &pg_transfer_ops;
	pthread_mutex_init(&p->claiming, NULL);
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

struct user_table *postgres_users(struct postgres *p)
{
	return &p->users;
}

struct api_key_table *postgres_api_keys(struct postgres *p)
{
	return &p->api_keys;
}

struct outbox *postgres_outbox(struct postgres *p)
{
	return &p->outbox;
}

struct transfer *postgres_transfer(struct postgres *p)
{
	return &p->transfer;
}

enum status postgres_lease(struct postgres *p, struct str name, int64_t lease_ms, bool *is_held, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;

	assert(lease_ms >= 0);
	TRY(PG_ASK(&p->points, PQ_LEASE, &r, why, pg_text(name), pg_uuid(p->writer.id), pg_number(lease_ms)));
	*is_held = libpq.ntuples(r) > 0;
	return OK;
}

static enum status read_report(struct pg_conn *c, struct postgres_report *out, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = pg_exec(c,
		"SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),"
		" (SELECT string_agg(name || ' ' || privilege, ', ' ORDER BY name, privilege) FROM"
		" unnest(ARRAY['images','kept_ids','users','writers','api_keys','outbox','webhook','migration','leases']) name,"
		" unnest(ARRAY['SELECT','INSERT','UPDATE','DELETE']) privilege WHERE NOT has_table_privilege(name, privilege)),"
		" has_sequence_privilege(pg_get_serial_sequence('outbox', 'n'), 'UPDATE'),"
		" (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'images'::regclass)");
	uint64_t clock_ms = 0;

	if (libpq.resultStatus(r) != PGRES_TUPLES_OK || !str_to_u64(str_of(libpq.getvalue(r, 0, 0)), &clock_ms))
		return pg_exec_failed(c, r, why);
	out->clock_off_ms = (int64_t)clock_ms - clock_now_ms();
	out->is_superuser = strcmp(libpq.getvalue(r, 0, 1), "t") == 0;
	out->owns = strcmp(libpq.getvalue(r, 0, 4), "t") == 0;
	const char *missing = libpq.getvalue(r, 0, 2);
	bool may_migrate = strcmp(libpq.getvalue(r, 0, 3), "t") == 0;
	(void)snprintf(out->missing_rights, sizeof out->missing_rights, "%s%s%s", may_migrate ? "" : "outbox_n_seq UPDATE",
		may_migrate || missing[0] == '\0' ? "" : ", ", missing);
	return OK;
}

enum status postgres_inspect(const struct postgres_options *o, struct postgres_report *out, struct fault *why)
{
	struct postgres *p CLEANUP(postgres_free) = mem_new(1, sizeof *p);

	*out = (struct postgres_report){ 0 };
	if (p == NULL)
		return fault_no_memory(why);
	struct pg_conn *c = &p->points.lane.conn;
	c->target = &p->target;
	TRY(read_target(p, o, why));
	TRY(pg_open(c, p->target.timeout_ms, why));
	struct str version = str_of(libpq.parameterStatus(c->pg, "server_version"));
	(void)snprintf(out->version, sizeof out->version, "%.*s", STRF(str_slice(version, 0, str_find_char(version, ' '))));
	out->is_encrypted = libpq.sslInUse(c->pg) != 0;
	enum status status = schema_check(c, why);
	if (status == OK)
		status = read_report(c, out, why);
	pg_disconnect(c);
	return status;
}

enum status postgres_create(const struct postgres_options *o, struct fault *why)
{
	struct postgres *p CLEANUP(postgres_free) = mem_new(1, sizeof *p);
	struct pg_conn *c = p != NULL ? &p->points.lane.conn : NULL;

	if (p == NULL)
		return fault_no_memory(why);
	TRY(read_target(p, o, why));
	c->target = &p->target;
	/* Changing large tables may take any time. */
	TRY(pg_open(c, 0, why));
	enum status status = schema_create(c, why);
	pg_disconnect(c);
	return status;
}
