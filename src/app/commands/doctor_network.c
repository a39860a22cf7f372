/* What `tintype doctor` asks others: the server, the store, the issuer, the receiver of webhooks. See doctor.h. */
#include "app/commands/doctor.h"

#include "app/backends.h"
#include "app/backends_postgres.h"
#include "base/hash.h"
#include "config/table_url.h"
#include "identity/discovery.h"
#include "identity/jwk.h"
#include "webhook/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)8 << 20)
#define URL_BYTES 2048
#define OTHER_ORIGIN "https://app.example"
#define CLOCK_OFF_S 120         /* of the store: S3 refuses signatures at 900 */
#define DATABASE_CLOCK_OFF_S 10 /* servers exchange times through it: doc/postgres.md */
#define PROBE STR("This was written by `tintype doctor`, which removes it.\n")

/* the server */

void doctor_check_server(struct doctor *d)
{
	struct arena a CLEANUP(arena_deinit);
	struct http_response r;
	struct fault why = { 0 };
	char url[URL_BYTES];
	arena_init(&a, ARENA_BYTES);
	if (!d->running) {
		doctor_report(d, DOCTOR_OK, NULL, "No server runs with these settings.");
		return;
	}
	(void)snprintf(url, sizeof url, "%s/readyz", d->admin);
	d->silent = doctor_ask(&(struct doctor_question){ .method = "GET", .url = url, .own_cert = d->settings.tls_cert }, &a, &r, &why) != OK;
	if (d->silent)
		doctor_report(
			d, DOCTOR_FAILED, "Look at its log: tintype logs.", "A server is running, but does not respond at %s: %s.", url, why.text);
	else if (r.status != 200)
		doctor_report(d, DOCTOR_FAILED, "Look at its log: tintype logs.", "The server runs, and is not ready (status %d): %.*s", r.status,
			STRF(str_trim(str_slice(r.body, 0, str_find_char(r.body, '\n')))));
	else
		doctor_report(d, DOCTOR_OK, NULL, "A server is running and ready; its console is at %s.", d->admin);
}

/* the store */

static void check_database(struct doctor *d)
{
	struct backends e CLEANUP(backends_close) = { 0 };
	struct image_counts counts;
	struct fault why = { 0 };
	char path[URL_BYTES];
	if (snprintf(path, sizeof path, "%s/tintype.db", d->settings.data_dir) >= (int)sizeof path || access(path, F_OK) != 0)
		return;
	enum status st = backends_open_beside(&d->settings, &e, &why);
	if (st == OK)
		st = table_counts(e.table, &counts, &why);
	if (st != OK)
		doctor_report_fault(d, DOCTOR_FAILED, "`tintype fsck` says more; restore it from a backup if it is damaged.", &why);
	else
		doctor_report(d, DOCTOR_OK, NULL, "The database can be read, and has %llu image%s.", (unsigned long long)counts.uploaded,
			plural_s(counts.uploaded));
}

/* Write, read, list and remove an object, as the server does. */
static enum status try_bucket(struct backends *e, const char **what, struct arena *a, struct fault *why)
{
	char id[UUID_CHARS + 1];
	struct object object;
	struct object_page page;
	uuid_v4(id);
	struct str prefix = str_printf(a, "thumbs/%s/", id), key = str_printf(a, "thumbs/%s/doctor", id);
	TRY(fault_check_arena(a, why));
	*what = "write to";
	TRY(store_put(e->store, key, STR("text/plain"), PROBE, why));
	*what = "read from";
	enum status st = store_get(e->store, key, PROBE.n, a, &object, why);
	if (st == OK) {
		*what = "list";
		st = store_list(e->store, prefix, STR(""), 10, a, &page, why);
	}
	struct fault after = { 0 };
	enum status removed = store_remove(e->store, key, &after);
	if (st == OK && removed != OK) {
		*what = "delete from";
		*why = after;
		st = removed;
	}
	return st;
}

/* A change of a row that does not exist needs the same rights as one of a row that does. */
static enum status try_table(struct backends *e, const char **what, struct arena *a, struct fault *why)
{
	char id[UUID_CHARS + 1];
	struct image_page page;
	struct image_row row;
	uuid_v4(id);
	*what = "list";
	TRY(table_list(e->table, &(struct image_query){ .status = LIST_UPLOADED, .limit = 1 }, a, &page, why));
	*what = "read from";
	enum status got = table_get(e->table, str_of(id), a, &row, why);
	if (got != NOT_FOUND)
		return got;
	*what = "write to";
	const struct image_change change = { .image_id = str_of(id), .has_visibility = true };
	got = table_change(e->table, &change, a, &row, why);
	return got == NOT_FOUND ? OK : got;
}

static void check_store_clock(struct doctor *d, const struct backends *e, struct arena *a)
{
	struct http_response r;
	struct fault unseen;
	char url[URL_BYTES];
	(void)snprintf(url, sizeof url, "%.*s/", STRF(e->storage_url));
	if (doctor_ask(&(struct doctor_question){ .method = "GET", .url = url }, a, &r, &unseen) != OK)
		return;
	int64_t off = doctor_clock_off_s(&r);
	if (llabs(off) > CLOCK_OFF_S)
		doctor_report(d, DOCTOR_FAILED, "Set this machine's clock by a time service: S3 refuses signatures that are 15 minutes off.",
			"The store's clock is %lld seconds from this one.", (long long)off);
}

/* Check for events that cannot be sent. */
static void check_outbox(struct doctor *d, const struct backends *e, struct arena *a)
{
	struct outbox_status now;
	struct fault why = { 0 };
	char text[DOCTOR_TEXT_BYTES];
	if (outbox_status(e->outbox, a, &now, &why) != OK)
		doctor_report(d, DOCTOR_FAILED, "Check the rights of these credentials: doc/aws.md.", "The waiting events cannot be counted: %s.",
			doctor_text_of(&why, text));
	else if (now.unreadable > 0)
		doctor_report(d, DOCTOR_WARNING, "The log names each (events.unreadable); what to do: doc/troubleshooting.md.",
			"%llu event%s of the table cannot be read, so nothing is sent for %s.", (unsigned long long)now.unreadable,
			plural_s(now.unreadable), now.unreadable == 1 ? "it" : "them");
}

static void check_dynamodb(struct doctor *d, struct backends *e, struct arena *a)
{
	struct fault why = { 0 };
	char text[DOCTOR_TEXT_BYTES];
	const char *what = "use", *name = d->settings.table_name;
	if (try_table(e, &what, a, &why) != OK) {
		doctor_report(d, DOCTOR_FAILED,
			"Check TABLE_NAME, the region, and the rights of these credentials; `tintype table create` creates the table: doc/aws.md.",
			"The server cannot %s the table %s: %s.", what, name, doctor_text_of(&why, text));
		return;
	}
	doctor_report(d, DOCTOR_OK, NULL, "The table %s can be read, listed and written to.", name);
	if (e->outbox != NULL)
		check_outbox(d, e, a);
}

/* Checks the role's rights instead of writing anything. */
static void check_postgres(struct doctor *d)
{
	struct postgres_report r;
	struct fault why = { 0 };
	char name[BACKENDS_TABLE_NAME_CHARS];
	(void)backends_table_name(&d->settings, name);
	if (backends_postgres_inspect(&d->settings, &r, &why) != OK)
		doctor_report_fault(d, DOCTOR_FAILED,
			"Check TINTYPE_TABLE and the password, and that PostgreSQL lets this role log in and write; `tintype table create` creates the "
			"tables: doc/postgres.md.",
			&why);
	else if (r.missing_rights[0] != '\0')
		doctor_report(d, DOCTOR_FAILED, "Grant them to the role of the servers: doc/postgres.md.", "On %s rights are missing: %s.", name,
			r.missing_rights);
	else if (llabs(r.clock_off_ms) > DATABASE_CLOCK_OFF_S * 1000)
		doctor_report(d, DOCTOR_FAILED,
			"Synchronize the clocks of both machines with a time service: servers exchange times through the database.",
			"The clock of %s differs from this machine's by %lld seconds.", name, (long long)r.clock_off_ms / 1000);
	else
		doctor_report(d, DOCTOR_OK, NULL, "%s can be reached (PostgreSQL %s, %s), and has the tables of this version.", name, r.version,
			r.is_encrypted ? "by TLS" : "without TLS");
	if (r.is_superuser || r.owns)
		doctor_report(d, DOCTOR_WARNING, "Use a role that may read and write rows and nothing else: doc/postgres.md.",
			"The role of the servers %s.", r.is_superuser ? "is a superuser" : "owns the tables, so that it may change and drop them");
}

static void check_remote(struct doctor *d)
{
	struct arena a CLEANUP(arena_deinit);
	struct backends e CLEANUP(backends_close) = { 0 };
	struct fault why = { 0 };
	char text[DOCTOR_TEXT_BYTES];
	const char *what = "use";
	const struct settings *s = &d->settings;
	arena_init(&a, ARENA_BYTES);
	bool postgres = table_url_is(str_of(s->table));
	if (backends_open(s, "", &e, &why) != OK) {
		doctor_report_fault(d, DOCTOR_FAILED,
			postgres ? "Correct the settings of S3 and of the table: doc/postgres.md." : "Correct the settings of AWS: doc/aws.md.", &why);
		return;
	}
	check_store_clock(d, &e, &a);
	if (try_bucket(&e, &what, &a, &why) != OK)
		doctor_report(d, DOCTOR_FAILED, "Check BUCKET_NAME, the region, the endpoint, and the rights of these credentials: doc/aws.md.",
			"The server cannot %s the bucket %s: %s.", what, s->bucket, doctor_text_of(&why, text));
	else
		doctor_report(d, DOCTOR_OK, NULL, "The bucket %s can be written to, read, listed and deleted from.", s->bucket);
	if (postgres)
		check_postgres(d);
	else
		check_dynamodb(d, &e, &a);
}

void doctor_check_store(struct doctor *d)
{
	if (d->remote)
		check_remote(d);
	else
		check_database(d);
}

/* CORS: the questions that a browser asks before a page of an origin may send the request. */

struct preflight {
	const char *url, *origin, *method;
	const char *where; /* for the sentence: "the API" */
};

/* Source: WHATWG Fetch, 4.8 "CORS-preflight fetch" */
static bool is_allowed(const struct preflight *p, const struct http_response *r)
{
	struct str origin = response_header(r, STR("Access-Control-Allow-Origin")),
			   methods = response_header(r, STR("Access-Control-Allow-Methods"));
	bool here = str_equal(origin, STR("*")) || str_equal(origin, str_of(p->origin));
	bool method =
		str_equal(str_of(p->method), STR("POST")) || str_equal(methods, STR("*")) || str_find(methods, str_of(p->method)) < methods.n;
	return r->status >= 200 && r->status < 300 && here && method;
}

/* false: it was reported. */
static bool ask_preflight(struct doctor *d, const struct preflight *p)
{
	struct arena a CLEANUP(arena_deinit);
	struct http_response r;
	struct fault why = { 0 };
	const struct header headers[] = { { STR("Origin"), str_of(p->origin) }, { STR("Access-Control-Request-Method"), str_of(p->method) },
		{ STR("Access-Control-Request-Headers"), STR("content-type") } };
	arena_init(&a, ARENA_BYTES);
	const struct doctor_question q = {
		.method = "OPTIONS", .url = p->url, .headers = headers, .n_headers = COUNT_OF(headers), .own_cert = d->settings.tls_cert
	};
	if (doctor_ask(&q, &a, &r, &why) != OK) {
		doctor_report_fault(d, DOCTOR_WARNING, "Try it in a browser: its console names what it refuses.", &why);
		return false;
	}
	if (is_allowed(p, &r))
		return true;
	doctor_report(d, DOCTOR_FAILED,
		d->remote
			? "Put a CORS rule that allows the origin and PUT, POST and GET on the bucket (doc/aws.md), and the origin into --cors-origins."
			: "Add the origin to --cors-origins, or to the bucket's CORS rules if it has any.",
		"A browser would not let a page of %s send %s to %s (status %d).", p->origin, p->method, p->where, r.status);
	return false;
}

/* Where an upload goes. false: it is not known */
static bool upload_url(struct doctor *d, char out[URL_BYTES])
{
	const struct settings *s = &d->settings;
	const char *base = s->public_storage_url[0] != '\0' ? s->public_storage_url : d->storage;
	if (!d->remote) {
		int n = snprintf(out, URL_BYTES, "%s/%s/images/doctor.jpg", base, s->bucket);
		return base[0] != '\0' && n < URL_BYTES;
	}
	struct arena a CLEANUP(arena_deinit);
	struct backends e CLEANUP(backends_close) = { 0 };
	struct presigned to;
	struct fault unseen;
	arena_init(&a, ARENA_BYTES);
	return backends_open(s, "", &e, &unseen) == OK &&
		store_presign(e.store,
			&(struct presign_request){ .method = STR("PUT"), .key = STR("images/doctor.jpg"), .now_ms = 1, .expires_s = 60 }, &a, &to,
			&unseen) == OK &&
		snprintf(out, URL_BYTES, "%.*s", STRF(to.address)) < URL_BYTES;
}

void doctor_check_cors(struct doctor *d)
{
	struct str rest = str_of(d->settings.cors_origins);
	char api[URL_BYTES], store[URL_BYTES], origin[URL_BYTES];
	bool has_store = upload_url(d, store), good = true, asked = false, answers = d->running && !d->silent;
	(void)snprintf(api, sizeof api, "%s/prod/upload", d->api);
	if (has_store && d->api[0] != '\0' && (answers || d->remote)) {
		good = ask_preflight(d, &(struct preflight){ store, d->api, "PUT", "the store" });
		asked = true;
	}
	while (answers && rest.n > 0) {
		struct str one = str_trim(str_cut(&rest, ','));
		(void)snprintf(origin, sizeof origin, "%.*s", STRF(str_equal(one, STR("*")) ? STR(OTHER_ORIGIN) : one));
		if (d->api[0] != '\0')
			good = ask_preflight(d, &(struct preflight){ api, origin, "POST", "the API" }) && good;
		if (has_store)
			good = ask_preflight(d, &(struct preflight){ store, origin, "PUT", "the store" }) && good;
		asked = true;
	}
	if (asked && good)
		doctor_report(d, DOCTOR_OK, NULL,
			"Browsers let the page, and pages of the allowed origins (%s), call the API and send to the store.", d->settings.cors_origins);
}

/* the issuer */

static enum status fetch_json(const char *url, struct arena *a, struct http_response *r, struct fault *why)
{
	TRY(doctor_ask(&(struct doctor_question){ .method = "GET", .url = url }, a, r, why));
	return r->status == 200 ? OK : fault_set(why, UPSTREAM_FAILED, "%s answers with status %d", url, r->status);
}

static enum status ask_issuer(const struct settings *s, struct arena *a, size_t *keys, int64_t *off_s, struct fault *why)
{
	struct http_response r;
	struct discovery found;
	struct jwk_set *set = NULL;
	struct str issuer = str_of(s->oidc_issuer);
	TRY(fetch_json(str_cstr(a, discovery_url(issuer, a)), a, &r, why));
	*off_s = doctor_clock_off_s(&r);
	TRY(discovery_read(r.body, issuer, a, &found, why));
	TRY(fetch_json(str_cstr(a, found.jwks_url), a, &r, why));
	TRY(jwk_set_new(r.body, &set, why));
	for (size_t i = 0; i < jwk_set_count(set); i++)
		*keys += jwk_set_at(set, i)->flaw == JWK_USABLE;
	jwk_set_free(&set);
	return OK;
}

void doctor_check_issuer(struct doctor *d)
{
	struct arena a CLEANUP(arena_deinit);
	const struct settings *s = &d->settings;
	struct fault why = { 0 };
	size_t keys = 0;
	int64_t off_s = 0;
	arena_init(&a, ARENA_BYTES);
	if (s->oidc_issuer[0] == '\0' || s->oidc_jwks[0] != '\0' || s->oidc_secret[0] != '\0')
		return;
	if (ask_issuer(s, &a, &keys, &off_s, &why) != OK)
		doctor_report_fault(d, DOCTOR_FAILED,
			"Check TINTYPE_OIDC_ISSUER, which must be as the issuer writes itself, and that this machine reaches it.", &why);
	else if (llabs(off_s) > (int64_t)s->oidc_skew_s)
		doctor_report(d, DOCTOR_FAILED, "Set this machine's clock by a time service: tokens seem expired, or not valid yet.",
			"The issuer's clock is %lld seconds from this one, and %llu are allowed (--oidc-skew).", (long long)off_s,
			(unsigned long long)s->oidc_skew_s);
	else
		doctor_report(d, DOCTOR_OK, NULL, "%s can be reached, and has %zu usable keys.", s->oidc_issuer, keys);
}

/* webhooks */

void doctor_check_webhook(struct doctor *d)
{
	struct arena a CLEANUP(arena_deinit);
	struct http_client *client CLEANUP(http_client_free) = NULL;
	struct webhook_endpoint endpoint = { .is_private = d->settings.webhook_private };
	struct fault why = { 0 };
	arena_init(&a, ARENA_BYTES);
	if (d->settings.webhook_url[0] == '\0')
		return;
	client = http_client_new();
	const struct http_request r = { .method = STR("POST"),
		.url = str_of(d->settings.webhook_url),
		.check_address = endpoint_check_address,
		.check_arg = &endpoint,
		.connect_timeout_ms = 5000 };
	if (client == NULL || http_connect(client, &r, &a, &why) != OK)
		doctor_report_fault(
			d, DOCTOR_FAILED, "Check TINTYPE_WEBHOOK_URL, and --webhook-private for a receiver in a network of your own.", &why);
	else
		doctor_report(d, DOCTOR_OK, NULL, "The receiver of webhooks can be connected to; nothing was sent.");
}
