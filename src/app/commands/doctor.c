/* See doctor.h: the checks in their order, and how they report. */
#include "app/commands/doctor.h"

#include "app/commands/arguments.h"
#include "app/backends.h"
#include "app/identity_setup.h"
#include "app/serve_settings.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/writer.h"
#include "cli/output.h"
#include "config/admin_file.h"
#include "store/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES ((size_t)8 << 10)
#define CONNECT_MS 5000
#define ANSWER_MS 10000
#define ANSWER_BYTES ((uint64_t)1 << 20)

enum { OPTION_JSON, OPTIONS };
static const struct flag_name own_flags[OPTIONS] = { [OPTION_JSON] = { "json", 0, FLAG_SWITCH, NULL, "Print JSON objects, one a line." } };

const struct flag_name *doctor_flag(size_t i)
{
	return i < OPTIONS ? &own_flags[i] : NULL;
}

static const struct flag_name *all_flags(size_t i)
{
	return i < OPTIONS ? &own_flags[i] : settings_flag(i - OPTIONS);
}

/* reports */

static const char *const states[] = { [DOCTOR_OK] = "ok", [DOCTOR_WARNING] = "warning", [DOCTOR_FAILED] = "failed" };

static void print_line(const struct doctor *d, enum doctor_state state, struct str text, struct str advice)
{
	static const enum show_style styles[] = { [DOCTOR_OK] = SHOW_PLAIN, [DOCTOR_WARNING] = SHOW_YELLOW, [DOCTOR_FAILED] = SHOW_RED };
	struct buf line CLEANUP(buf_deinit) = { 0 };
	if (!d->json) {
		show_styled(
			stdout, styles[state], "%-8s%s: %.*s%s%.*s", states[state], d->check, STRF(text), advice.n > 0 ? " " : "", STRF(advice));
		return;
	}
	buf_init(&line, LINE_BYTES);
	writer_open(&line, STR(""), '{');
	writer_text(&line, STR("state"), str_of(states[state]));
	writer_text(&line, STR("check"), str_of(d->check));
	writer_text(&line, STR("text"), text);
	if (advice.n > 0)
		writer_text(&line, STR("advice"), advice);
	writer_close(&line, '}');
	buf_put(&line, STR("\n"));
	if (buf_ok(&line))
		(void)!show_bytes(buf_str(&line));
}

static void note_line(struct doctor *d, enum doctor_state state, struct str text, struct str advice)
{
	d->warnings += state == DOCTOR_WARNING;
	d->failures += state == DOCTOR_FAILED;
	print_line(d, state, text, advice);
}

void doctor_report(struct doctor *d, enum doctor_state state, const char *advice, const char *fmt, ...)
{
	char text[DOCTOR_TEXT_BYTES];
	va_list args;
	assert((state == DOCTOR_OK) == (advice == NULL));
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	note_line(d, state, str_of(text), str_of(advice));
}

const char *doctor_text_of(const struct fault *why, char text[DOCTOR_TEXT_BYTES])
{
	struct str said = str_of(why->text), cause = str_trim(str_of(why->cause));
	while (said.n > 0 && said.p[said.n - 1] == '.')
		said.n--;
	(void)snprintf(text, DOCTOR_TEXT_BYTES, cause.n > 0 ? "%.*s (%.*s)" : "%.*s%.*s", STRF(said), STRF(cause));
	return text;
}

void doctor_report_fault(struct doctor *d, enum doctor_state state, const char *advice, const struct fault *why)
{
	char text[DOCTOR_TEXT_BYTES];
	doctor_report(d, state, advice, "%s.", doctor_text_of(why, text));
}

/* questions */

enum status doctor_ask(const struct doctor_question *q, struct arena *a, struct http_response *out, struct fault *why)
{
	struct http_client *client CLEANUP(http_client_free) = http_client_new();
	struct buf own CLEANUP(buf_deinit) = { 0 };
	buf_init(&own, ANSWER_BYTES);
	bool trusts_own = q->own_cert != NULL && q->own_cert[0] != '\0' && file_read(q->own_cert, &own) == 0;
	const struct http_request r = { .method = str_of(q->method),
		.url = str_of(q->url),
		.headers = q->headers,
		.n_headers = q->n_headers,
		.authorities = trusts_own ? buf_str(&own) : STR(""),
		.connect_timeout_ms = CONNECT_MS,
		.total_timeout_ms = ANSWER_MS,
		.max_response_bytes = ANSWER_BYTES };
	return client == NULL ? fault_no_memory(why) : http_send(client, &r, a, out, why);
}

int64_t doctor_clock_off_s(const struct http_response *r)
{
	int64_t theirs = 0;
	struct str date = response_header(r, STR("Date"));
	return clock_parse_http_date(date, &theirs) ? (theirs - clock_now_ms()) / 1000 : 0;
}

/* settings */

static void check_settings(struct doctor *d)
{
	struct fault why = { 0 };
	const struct settings *s = &d->settings;
	struct str storage = str_of(s->storage_listen);
	bool everywhere = str_starts_with(storage, STR("0.0.0.0:")) || str_starts_with(storage, STR("[::]:"));
	struct identity *identity = NULL;
	char table[BACKENDS_TABLE_NAME_CHARS];
	enum status st = serve_settings_check(&d->settings, &d->remote, &why);
	if (st == OK)
		st = serve_settings_check_urls(s, d->remote, everywhere, &why);
	if (st == OK)
		st = identity_setup(s, &(struct identity_place){ 0 }, &identity, &why);
	identity_free(&identity);
	d->settings_hold = st == OK;
	if (st != OK)
		doctor_report_fault(
			d, DOCTOR_FAILED, "Change it in the environment, in .env or on the command line; the server does not start with it.", &why);
	else
		doctor_report(d, DOCTOR_OK, NULL, "They can be used; images are kept %s%s.", d->remote ? "on S3, and their table in " : "in ",
			d->remote ? backends_table_name(s, table) : s->data_dir);
	if (st == OK && str_equal(str_of(s->verify), STR("header")))
		doctor_report(
			d, DOCTOR_WARNING, "Start it with --verify decode to refuse damaged pictures.", "Uploads are checked by their headers alone.");
}

/* Where a server listens by the settings; "" where it takes any port. */
static void url_of(const struct doctor *d, const char *listen, char out[160])
{
	struct str address = str_of(listen);
	bool everywhere = str_starts_with(address, STR("0.0.0.0:"));
	const char *scheme = d->settings.tls_cert[0] != '\0' ? "https" : "http";
	out[0] = '\0';
	if (address.n > 0 && !str_ends_with(address, STR(":0")))
		(void)snprintf(out, 160, "%s://%s%s", scheme, everywhere ? "127.0.0.1" : "", listen + (everywhere ? strlen("0.0.0.0") : 0));
}

/* A server of this data directory tells where it is; else the settings say where one would be. */
static void find_server(struct doctor *d)
{
	struct arena a CLEANUP(arena_deinit);
	struct admin_file file;
	struct http_response r;
	struct fault unseen;
	char url[192];
	arena_init(&a, 4 * ANSWER_BYTES);
	url_of(d, d->settings.api_listen, d->api);
	url_of(d, d->settings.storage_listen, d->storage);
	url_of(d, d->settings.admin_listen, d->admin);
	bool used = !d->remote && engine_in_use(d->settings.data_dir);
	if (used && admin_file_read(d->settings.data_dir, &file, &unseen) == OK)
		(void)snprintf(d->admin, sizeof d->admin, "%.*s", (int)sizeof d->admin - 1, file.url);
	(void)snprintf(url, sizeof url, "%s/healthz", d->admin);
	bool answers = d->admin[0] != '\0' &&
		doctor_ask(&(struct doctor_question){ .method = "GET", .url = url, .own_cert = d->settings.tls_cert }, &a, &r, &unseen) == OK;
	d->running = used || (d->remote && answers && r.status == 200);
}

static const struct doctor_check {
	const char *name;
	void (*run)(struct doctor *d);
	bool needs_settings; /* that hold */
} checks[] = {
	{ "settings", check_settings, false },
	{ "server", doctor_check_server, false },
	{ "ports", doctor_check_ports, false },
	{ "data", doctor_check_data, false },
	{ "disk", doctor_check_disk, false },
	{ "clock", doctor_check_clock, false },
	{ "certificate", doctor_check_certificate, false },
	{ "renderer", doctor_check_renderer, true },
	{ "store", doctor_check_store, true },
	{ "cors", doctor_check_cors, true },
	{ "issuer", doctor_check_issuer, true },
	{ "webhook", doctor_check_webhook, true },
};

static enum status run_checks(struct doctor *d, int argc, char **argv, struct fault *why)
{
	const struct argument_rules rules = { .row = all_flags, .n_own = OPTIONS };
	struct arguments a;
	TRY(arguments_read(&rules, argc, argv, &a, why));
	d->settings = a.settings;
	d->json = a.values[OPTION_JSON] != NULL;
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		d->check = checks[i].name;
		if (!checks[i].needs_settings || d->settings_hold)
			checks[i].run(d);
		if (i == 0)
			find_server(d);
	}
	return OK;
}

int doctor_main(int argc, char **argv)
{
	struct doctor d = { 0 };
	struct fault why = { 0 };
	assert(argc >= 1 && argv != NULL);
	if (run_checks(&d, argc, argv, &why) != OK) {
		fprintf(stderr, "tintype doctor: %s\n", why.text);
		return 2;
	}
	if (!d.json)
		show_line(stdout, "failed %u, warnings %u", d.failures, d.warnings);
	return !show_end() ? 2 : d.failures > 0 ? 1 : 0;
}
