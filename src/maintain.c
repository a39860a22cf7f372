/* `tintype sweep` for a timer that is not a server's own, as cron's next to Lambda functions, `tintype compact`, and
 * `tintype table create` for a table that no template made. */
#include "maintain.h"

#include "aws/aws.h"
#include "base/clock.h"
#include "engines.h"
#include "image/sweep.h"
#include "rules.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static volatile sig_atomic_t told_to_stop;

static void hear(int number)
{
	(void)number;
	told_to_stop = 1;
}

static bool is_told_to_stop(void *arg)
{
	(void)arg;
	return told_to_stop != 0;
}

static int end(const char *verb, enum status status, const struct fault *why)
{
	if (status == OK)
		return 0;
	fprintf(stderr, "tintype %s: %s%s%s%s\n", verb, why->text, why->cause[0] ? " (" : "", why->cause, why->cause[0] ? ")" : "");
	return why->code == F_BAD_SETTING ? 2 : 1;
}

/* Both parts, the second though the first failed; the first failure is reported. */
static enum status sweep_all(struct product *p, struct sweep_result *done, struct fault *why)
{
	struct fault second = { 0 };
	enum status rows = sweep_run(p, clock_now_ms(), is_told_to_stop, NULL, done, why);
	enum status objects = sweep_orphans(p, clock_now_ms(), is_told_to_stop, NULL, done, &second);
	if (rows == OK && objects != OK)
		*why = second;
	return rows != OK ? rows : objects;
}

static enum status sweep(int argc, char **argv, struct fault *why)
{
	struct settings s;
	struct engines e = { 0 };
	struct sweep_result done = { 0 };
	TRY(settings_load(&s, argc, argv, why));
	TRY(engines_open(&s, "", &e, why));
	struct product product = { .rules = rules_of(&s), .store = e.store, .table = e.table };
	enum status status = sweep_all(&product, &done, why);
	engines_close(&e);
	printf("ended %llu, forgotten %llu, confirmed %llu, rejected %llu, orphans %llu\n", (unsigned long long)done.ended,
	       (unsigned long long)done.forgotten, (unsigned long long)done.confirmed, (unsigned long long)done.rejected,
	       (unsigned long long)done.orphans);
	return status;
}

int maintain_sweep(int argc, char **argv)
{
	struct fault why = { 0 };
	struct sigaction act = { .sa_handler = hear };
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	return end("sweep", sweep(argc, argv, &why), &why);
}

static enum status compact(int argc, char **argv, struct fault *why)
{
	struct settings s;
	struct engines e = { 0 };
	uint64_t before = 0, after = 0;
	TRY(settings_load(&s, argc, argv, why));
	TRY(engines_open(&s, "", &e, why));
	enum status status = e.compact != NULL ? e.compact(&e, &before, &after, why)
	                                       : fault_set(why, BAD_SETTING, "There is no database of its own here: images are kept on S3 and DynamoDB.");
	engines_close(&e);
	if (status == OK)
		printf("The database had %llu bytes and has %llu.\n", (unsigned long long)before, (unsigned long long)after);
	return status;
}

int maintain_compact(int argc, char **argv)
{
	struct fault why = { 0 };
	return end("compact", compact(argc, argv, &why), &why);
}

static enum status create_table(int argc, char **argv, struct fault *why)
{
	struct settings s;
	struct engines e = { 0 };
	TRY(settings_load(&s, argc, argv, why));
	s.store = "s3";
	s.table = "dynamodb";
	TRY(engines_open(&s, "", &e, why));
	enum status status = dynamo_table_create(e.table, why);
	engines_close(&e);
	if (status == OK)
		printf("The table %s is ready.\n", s.table_name);
	return status;
}

int maintain_create_table(int argc, char **argv)
{
	struct fault why = { 0 };
	return end("table create", create_table(argc, argv, &why), &why);
}
