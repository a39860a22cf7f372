/* `tintype sweep` for a timer that is not a server's own, as cron's next to Lambda functions, `tintype compact`, and
 * `tintype table create` for a table that no template made. */
#include "app/maintenance.h"

#include "aws/aws.h"
#include "base/clock.h"
#include "app/backends.h"
#include "image/gc.h"
#include "app/image_rules.h"

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

static bool is_stop_requested(void *arg)
{
	(void)arg;
	return stop_requested != 0;
}

static int close_all(const char *verb, enum status status, const struct fault *why)
{
	if (status == OK)
		return 0;
	fprintf(stderr, "tintype %s: %s%s%s%s\n", verb, why->text, why->cause[0] ? " (" : "", why->cause, why->cause[0] ? ")" : "");
	return why->code == F_BAD_SETTING ? 2 : 1;
}

/* Both parts, the second though the first failed; the first failure is reported. */
static enum status sweep_all(struct product *p, struct gc_result *done, struct fault *why)
{
	struct fault second = { 0 };
	enum status rows = gc_run(p, clock_now_ms(), is_stop_requested, NULL, done, why);
	enum status objects = gc_orphans(p, clock_now_ms(), is_stop_requested, NULL, done, &second);
	if (rows == OK && objects != OK)
		*why = second;
	return rows != OK ? rows : objects;
}

static enum status run_sweep(int argc, char **argv, struct fault *why)
{
	struct settings s;
	struct backends e = { 0 };
	struct gc_result done = { 0 };
	TRY(settings_load(&s, argc - 1, argv + 1, why));
	TRY(backends_open(&s, "", &e, why));
	struct product product = { .rules = rules_of(&s), .store = e.store, .table = e.table };
	enum status status = sweep_all(&product, &done, why);
	backends_close(&e);
	printf("ended %llu, forgotten %llu, confirmed %llu, rejected %llu, orphans %llu\n", (unsigned long long)done.ended,
		(unsigned long long)done.forgotten, (unsigned long long)done.reconciled, (unsigned long long)done.rejected,
		(unsigned long long)done.orphans);
	return status;
}

int maintain_sweep(int argc, char **argv)
{
	struct fault why = { 0 };
	struct sigaction act = { .sa_handler = on_signal };
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	return close_all("sweep", run_sweep(argc, argv, &why), &why);
}

/* Opening the backend would create what is missing. */
static enum status check_database(const struct settings *s, struct fault *why)
{
	char path[4096];
	bool fits = snprintf(path, sizeof path, "%s/tintype.db", s->data_dir) < (int)sizeof path;
	if (strcmp(s->store, "local") != 0 || (fits && access(path, F_OK) == 0))
		return OK;
	return fault_set(why, BAD_SETTING, "There is no database in %s; name the data directory with --data.", s->data_dir);
}

static enum status run_compact(int argc, char **argv, struct fault *why)
{
	struct settings s;
	struct backends e = { 0 };
	uint64_t before = 0, after = 0;
	TRY(settings_load(&s, argc - 1, argv + 1, why));
	TRY(check_database(&s, why));
	TRY(backends_open(&s, "", &e, why));
	enum status status = e.compact != NULL
		? e.compact(&e, &before, &after, why)
		: fault_set(why, BAD_SETTING, "There is no database of its own here: images are kept on S3 and DynamoDB.");
	backends_close(&e);
	if (status == OK)
		printf("The database had %llu bytes and has %llu.\n", (unsigned long long)before, (unsigned long long)after);
	return status;
}

int maintain_compact(int argc, char **argv)
{
	struct fault why = { 0 };
	return close_all("compact", run_compact(argc, argv, &why), &why);
}

static enum status create_table(int argc, char **argv, struct fault *why)
{
	struct settings s;
	struct backends e = { 0 };
	TRY(settings_load(&s, argc - 1, argv + 1, why));
	s.store = "s3";
	s.table = "dynamodb";
	TRY(backends_open(&s, "", &e, why));
	enum status status = dynamo_table_create(e.table, why);
	backends_close(&e);
	if (status == OK)
		printf("The table %s is ready.\n", s.table_name);
	return status;
}

int maintain_table(int argc, char **argv)
{
	struct fault why = { 0 };
	if (argc > 1 && strcmp(argv[1], "create") == 0)
		return close_all("table create", create_table(argc - 1, argv + 1, &why), &why);
	fputs("usage: tintype table create [OPTION ...]; see --help\n", stderr);
	return 2;
}
