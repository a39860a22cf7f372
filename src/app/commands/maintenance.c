/* `tintype sweep` for a timer that is not a server's own, as cron's next to Lambda functions, `tintype compact`, and
 * `tintype table create` for a table that no template made. */
#include "app/commands/maintenance.h"

#include "aws/aws.h"
#include "base/clock.h"
#include "cli/output.h"
#include "app/backends.h"
#include "app/backends_postgres.h"
#include "config/table_url.h"
#include "image/maintenance/gc.h"
#include "app/image_rules.h"
#include "app/render_pool.h"
#include "app/webhooks.h"
#include "image/slot.h"
#include "store/store.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop_requested;

static void on_signal(int number)
{
	(void)number;
	stop_requested = 1;
}

bool maintain_stopping(void *arg)
{
	(void)arg;
	return stop_requested != 0;
}

void maintain_catch_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal };
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
}

int maintain_end(const char *verb, enum status status, const struct fault *why)
{
	if (status == OK)
		return show_end() ? 0 : 1;
	fprintf(stderr, "tintype %s: %s%s%s%s\n", verb, why->text, why->cause[0] ? " (" : "", why->cause, why->cause[0] ? ")" : "");
	return why->code == F_BAD_SETTING ? 2 : 1;
}

/* Run all parts, each even if another failed; the first failure is reported. What a remote store has received is decoded here. */
static enum status sweep_all(const struct settings *s, struct backends *e, struct fault *why)
{
	struct product p = { .rules = rules_of(s) };
	TRY(media_types_check(&p.rules, why));
	TRY(backends_open(s, "", e, why));
	p.store = e->store;
	p.table = e->table;
	p.cdn = e->cdn;
	p.objects_change = e->bucket == NULL;
	struct pool *pool CLEANUP(pool_free) = NULL;
	const struct pool_options options = render_pool_options(s, 1, 1);
	if (p.objects_change && p.rules.check != CHECK_HEADER) {
		TRY(pool_start(&options, &pool, why));
		p.renderer = pool_renderer(pool);
	}
	struct webhooks webhooks CLEANUP(webhooks_stop) = { 0 };
	TRY(webhooks_check(s, why));
	TRY(webhooks_start(&webhooks, s, e, &p, NULL, why));
	struct gc_result done = { 0 };
	struct fault failed[4] = { 0 };
	const struct gc_limits limits = { .stop = maintain_stopping };
	const enum status ends[] = { gc_run(&p, clock_now_ms(), &limits, &done, &failed[0]),
		gc_orphans(&p, clock_now_ms(), &limits, &done, &failed[1]), gc_thumbs(&p, clock_now_ms(), &limits, &done, &failed[2]),
		gc_copies(&p, clock_now_ms(), &limits, &done, &failed[3]) };
	printf("ended %llu, forgotten %llu, confirmed %llu, rejected %llu, orphans %llu, copies %llu\n", (unsigned long long)done.ended,
		(unsigned long long)done.forgotten, (unsigned long long)done.reconciled, (unsigned long long)done.rejected,
		(unsigned long long)done.orphans, (unsigned long long)done.copies);
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		*why = failed[i];
		TRY(ends[i]);
	}
	return OK;
}

int maintain_sweep(int argc, char **argv)
{
	assert(argc >= 1 && argv != NULL);
	struct fault why = { 0 };
	struct settings s;
	struct backends e = { 0 };
	maintain_catch_signals();
	enum status status = settings_load(&s, argc - 1, argv + 1, &why);
	if (status == OK)
		status = sweep_all(&s, &e, &why);
	backends_close(&e);
	return maintain_end("sweep", status, &why);
}

enum status maintain_need_database(const struct settings *s, struct fault *why)
{
	return strcmp(s->store, "local") == 0 ? engine_find_database(s->data_dir, why) : OK;
}

static enum status compact_store(struct backends *e, int argc, char **argv, struct fault *why)
{
	struct settings s;
	char name[BACKENDS_TABLE_NAME_CHARS];
	uint64_t before = 0, after = 0;
	TRY(settings_load(&s, argc - 1, argv + 1, why));
	TRY(maintain_need_database(&s, why));
	TRY(backends_open(&s, "", e, why));
	if (e->compact == NULL)
		return fault_set(why, BAD_SETTING, "There is no embedded database to compact: images are kept on S3, and their table in %s.",
			backends_table_name(&s, name));
	TRY(e->compact(e, &before, &after, why));
	printf("The database had %llu bytes and has %llu.\n", (unsigned long long)before, (unsigned long long)after);
	return OK;
}

int maintain_compact(int argc, char **argv)
{
	assert(argc >= 1 && argv != NULL);
	struct fault why = { 0 };
	struct backends e = { 0 };
	enum status status = compact_store(&e, argc, argv, &why);
	backends_close(&e);
	return maintain_end("compact", status, &why);
}

static enum status create_table(struct backends *e, int argc, char **argv, struct fault *why)
{
	struct settings s;
	char name[BACKENDS_TABLE_NAME_CHARS];
	TRY(settings_load(&s, argc, argv, why));
	if (table_url_is(str_of(s.table))) {
		TRY(backends_postgres_create(&s, why));
		printf("The tables in %s are ready.\n", backends_table_name(&s, name));
		return OK;
	}
	s.store = "s3";
	s.table = "dynamodb";
	TRY(backends_open(&s, "", e, why));
	TRY(dynamo_table_create(e->table, why));
	printf("The table %s is ready.\n", s.table_name);
	return OK;
}

int maintain_table(int argc, char **argv)
{
	assert(argc >= 1 && argv != NULL);
	struct fault why = { 0 };
	struct backends e = { 0 };
	if (argc < 2 || strcmp(argv[1], "create") != 0) {
		fputs("usage: tintype table create [OPTION ...]; see --help\n", stderr);
		return 2;
	}
	enum status status = create_table(&e, argc - 2, argv + 2, &why);
	backends_close(&e);
	return maintain_end("table create", status, &why);
}
