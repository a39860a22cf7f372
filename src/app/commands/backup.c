/* See backup.h. The result is one line on stdout; what is damaged, and how far it is on a terminal, go to stderr. */
#include "app/commands/backup.h"

#include "app/commands/arguments.h"
#include "app/commands/backup_place.h"
#include "app/commands/maintenance.h"
#include "backup/backup.h"
#include "backup/snapshots.h"
#include "base/clock.h"
#include "cli/output.h"
#include "config/settings_table.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SHOW_EVERY_MS 500

enum { BACKUP_SECRETS, BACKUP_KEEP, BACKUP_FLAGS };
static const struct flag_name backup_flags[BACKUP_FLAGS] = {
	[BACKUP_SECRETS] = { "secrets", 0, FLAG_SWITCH, NULL, "Copy the access keys and the key of delivery links too." },
	[BACKUP_KEEP] = { "keep", 0, FLAG_VALUE, "N",
		"Remove all but the last N snapshots afterwards, and what only they need; all are kept if not given." },
};

enum { RESTORE_LIST, RESTORE_CHECK, RESTORE_SNAPSHOT, RESTORE_PARTIAL, RESTORE_FLAGS };
#define BIT(row) (UINT64_C(1) << (row))
static const struct flag_name restore_flags[RESTORE_FLAGS] = {
	[RESTORE_LIST] = { "list", 0, FLAG_SWITCH, NULL, "List the snapshots, and restore nothing.",
		BIT(RESTORE_CHECK) | BIT(RESTORE_SNAPSHOT) | BIT(RESTORE_PARTIAL) },
	[RESTORE_CHECK] = { "check", 0, FLAG_SWITCH, NULL, "Read and verify all of a snapshot, and restore nothing.", BIT(RESTORE_PARTIAL) },
	[RESTORE_SNAPSHOT] = { "snapshot", 0, FLAG_VALUE, "TIME", "The snapshot, as --list shows it; the last if not given." },
	[RESTORE_PARTIAL] = { "partial", 0, FLAG_SWITCH, NULL, "Restore what is whole where some objects of the backup are damaged." },
};

static const struct flag_name *backup_row(size_t i)
{
	return i < BACKUP_FLAGS ? &backup_flags[i] : settings_flag(i - BACKUP_FLAGS);
}

static const struct flag_name *restore_row(size_t i)
{
	return i < RESTORE_FLAGS ? &restore_flags[i] : settings_flag(i - RESTORE_FLAGS);
}

const struct flag_name *backup_flag(size_t i)
{
	return i < BACKUP_FLAGS ? &backup_flags[i] : NULL;
}

const struct flag_name *restore_flag(size_t i)
{
	return i < RESTORE_FLAGS ? &restore_flags[i] : NULL;
}

/* How the run is reported. */
struct shown {
	const char *verb;
	bool progress; /* stderr is a terminal */
	int64_t next_ms;
};

static void clear_progress(const struct shown *s)
{
	if (s->progress)
		fputs("\r\x1b[K", stderr);
}

static void show_damage(void *arg, const char *text)
{
	const struct shown *s = arg;
	clear_progress(s);
	fprintf(stderr, "tintype %s: %s\n", s->verb, text);
}

static void show_progress(void *arg, uint64_t objects, uint64_t bytes)
{
	struct shown *s = arg;
	int64_t now_ms = clock_mono_ms();
	if (!s->progress || now_ms < s->next_ms)
		return;
	s->next_ms = now_ms + SHOW_EVERY_MS;
	fprintf(
		stderr, "\r%llu object%s, %llu MB\x1b[K", (unsigned long long)objects, plural_s(objects), (unsigned long long)(bytes / 1000000));
}

static struct backup_watch watch_of(struct shown *s)
{
	return (struct backup_watch){ maintain_stopping, show_damage, show_progress, s };
}

static enum status need_local(const struct settings *s, struct fault *why)
{
	return strcmp(s->store, "local") == 0
		? OK
		: fault_set(why, BAD_SETTING, "This is for the embedded store. S3, DynamoDB and PostgreSQL have backups of their own.");
}

static enum status run_backup(const struct arguments *a, struct backup_place *place, struct shown *shown, struct fault *why)
{
	char scratch[PATH_MAX];
	struct backup_result done;
	uint64_t keep = 0, removed = 0;
	TRY(arguments_number(&backup_flags[BACKUP_KEEP], a->values[BACKUP_KEEP], 1, &keep, why));
	if (!backup_place_scratch(place, a->operands[0], a->settings.data_dir, scratch, sizeof scratch))
		return fault_set(why, BAD_SETTING, "The name of the destination is too long.");
	const struct backup_options o = { .dir = a->settings.data_dir,
		.scratch = scratch,
		.target = place->target,
		.secrets = a->values[BACKUP_SECRETS] != NULL,
		.watch = watch_of(shown) };
	enum status status = backup_run(&o, &done, why);
	clear_progress(shown);
	TRY(status);
	printf("snapshot %s: %llu object%s, %llu bytes; %llu new, %llu bytes written\n", done.name, (unsigned long long)done.objects,
		plural_s(done.objects), (unsigned long long)done.object_bytes, (unsigned long long)done.new_objects,
		(unsigned long long)done.written_bytes);
	if (done.marked > 0)
		printf("not in it, since marked as damaged: %llu object%s\n", (unsigned long long)done.marked, plural_s(done.marked));
	(void)show_flush();
	if (keep > 0)
		TRY(backup_prune(place->target, keep, &removed, why));
	if (removed > 0)
		printf("old snapshots removed: %llu\n", (unsigned long long)removed);
	if (done.missing > 0)
		return fault_set(why, DATA_DAMAGED,
			"%llu object%s could not be read, and will be missing after a restore. `tintype fsck` says which images they belong to.",
			(unsigned long long)done.missing, plural_s(done.missing));
	if (done.damaged > 0)
		return fault_set(why, DATA_DAMAGED, "%llu new object%s from what was stored. `tintype fsck` shows which images they belong to.",
			(unsigned long long)done.damaged, done.damaged == 1 ? " differs" : "s differ");
	return OK;
}

static enum status read_backup(int argc, char **argv, struct arguments *a, struct backup_place *place, struct fault *why)
{
	const struct argument_rules rules = { backup_row, BACKUP_FLAGS, 1, "the destination" };
	TRY(arguments_read(&rules, argc, argv, a, why));
	TRY(need_local(&a->settings, why));
	TRY(maintain_need_database(&a->settings, why));
	return backup_place_open(place, &a->settings, a->operands[0], TARGET_WRITE, why);
}

int backup_main(int argc, char **argv)
{
	assert(argc >= 1 && argv != NULL);
	struct fault why = { 0 };
	struct arguments a;
	struct backup_place place CLEANUP(backup_place_close) = { 0 };
	struct shown shown = { .verb = "backup", .progress = isatty(STDERR_FILENO) };
	maintain_catch_signals();
	enum status status = read_backup(argc, argv, &a, &place, &why);
	if (status == OK)
		status = run_backup(&a, &place, &shown, &why);
	return maintain_end("backup", status, &why);
}

/* restore */

static enum status list_snapshots(struct target *t, struct fault *why)
{
	struct names all CLEANUP(names_deinit) = { 0 };
	TRY(snapshots_list(t, &all, why));
	for (size_t i = 0; i < all.n; i++) {
		struct arena a CLEANUP(arena_deinit);
		struct manifest m;
		struct fault bad = { 0 };
		arena_init(&a, 2 * BACKUP_MANIFEST_MAX);
		printf("%.*s", STRF(snapshots_time(all.all[i])));
		if (snapshots_read(t, names_text(all.all[i]), &a, &m, &bad) != OK)
			printf("  %s\n", bad.text);
		else
			printf("  %llu object%s, %llu bytes%s\n", (unsigned long long)m.objects, plural_s(m.objects),
				(unsigned long long)m.object_bytes, m.secrets ? ", with secrets" : "");
	}
	return OK;
}

/* What a server that starts on it makes again. */
static void explain_secrets(void)
{
	printf(
		"It has no secrets, so the server makes new ones at its start: access keys, and the key of delivery links. Links to private images\n"
		"and upload URLs that were given out before are void. Users of the object store get new keys by `tintype keys add NAME`.\n");
}

static enum status run_restore(const struct arguments *a, struct target *t, struct shown *shown, struct fault *why)
{
	struct restore_result done;
	bool check = a->values[RESTORE_CHECK] != NULL;
	if (a->values[RESTORE_LIST] != NULL)
		return list_snapshots(t, why);
	const struct restore_options o = { .target = t,
		.snapshot = a->values[RESTORE_SNAPSHOT],
		.dir = check ? NULL : a->settings.data_dir,
		.partial = a->values[RESTORE_PARTIAL] != NULL,
		.watch = watch_of(shown) };
	enum status status = restore_run(&o, &done, why);
	clear_progress(shown);
	TRY(status);
	printf("snapshot %s: %llu object%s, %llu bytes, %s%s\n", done.name, (unsigned long long)done.objects, plural_s(done.objects),
		(unsigned long long)done.object_bytes, check ? "all verified" : "restored to ", check ? "" : a->settings.data_dir);
	if (!check && !done.secrets)
		explain_secrets();
	if (done.missing + done.damaged == 0)
		return OK;
	return fault_set(why, DATA_DAMAGED, "Objects that are damaged in the backup: %llu; that were missing when it was made: %llu.",
		(unsigned long long)done.damaged, (unsigned long long)done.missing);
}

static enum status read_restore(int argc, char **argv, struct arguments *a, struct backup_place *place, struct fault *why)
{
	const struct argument_rules rules = { restore_row, RESTORE_FLAGS, 1, "the backup" };
	TRY(arguments_read(&rules, argc, argv, a, why));
	TRY(need_local(&a->settings, why));
	bool check = a->values[RESTORE_CHECK] != NULL, list = a->values[RESTORE_LIST] != NULL;
	if (!check && !list)
		TRY(backup_place_check_restore(a->operands[0], a->settings.data_dir, why));
	return backup_place_open(place, &a->settings, a->operands[0], TARGET_READ, why);
}

int restore_main(int argc, char **argv)
{
	assert(argc >= 1 && argv != NULL);
	struct fault why = { 0 };
	struct arguments a;
	struct backup_place place CLEANUP(backup_place_close) = { 0 };
	struct shown shown = { .verb = "restore", .progress = isatty(STDERR_FILENO) };
	maintain_catch_signals();
	enum status status = read_restore(argc, argv, &a, &place, &why);
	if (status == OK)
		status = run_restore(&a, place.target, &shown, &why);
	return maintain_end("restore", status, &why);
}
