/* See migrate.h. The steps are those of the states of source and destination (port/transfer.h), which are durable: a run that was cut off at
 * any of them is simply repeated. Copying is image/maintenance/migration.h.
 *
 *   source     COPYING ── passes ──▶ DRAINING ── last URL ──▶ CLOSED ── passes, until one finds nothing to do
 *   destination  ARRIVING ─────────────────────────────────────────────────────────────────▶ ARRIVED */
#include "app/commands/migrate.h"

#include "app/image_rules.h"
#include "app/commands/maintenance.h"
#include "app/commands/migrate_keys.h"
#include "base/clock.h"
#include "cli/output.h"
#include "base/hash.h"
#include "config/env_file.h"
#include "image/maintenance/migration.h"
#include "image/maintenance/recount.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define JOBS_DEFAULT 8
#define JOBS_MAX 64
#define TEXTS_BYTES ((size_t)1 << 20)
#define STATE_BYTES ((size_t)64 << 10)
#define PASSES_OPEN 5   /* while the source changes */
#define PASSES_CLOSED 5 /* until one finds nothing to do */
#define SLICE_MS 200
#define SHOW_EVERY_MS 500

enum { OPTION_FROM, OPTION_TO, OPTION_JOBS, OPTION_CANCEL, OPTION_KEYS, OPTIONS };
static const struct flag_name own_flags[OPTIONS] = {
	[OPTION_FROM] = { "from", 0, FLAG_VALUE, "FILE", "The settings of the server whose images are moved: its .env." },
	[OPTION_TO] = { "to", 0, FLAG_VALUE, "FILE", "The settings of the server that will have them." },
	[OPTION_JOBS] = { "jobs", 'j', FLAG_VALUE, "N", "Images that are copied at a time: 1 to 64; 8 if not given." },
	[OPTION_CANCEL] = { "cancel", 0, FLAG_SWITCH, NULL, "Let the source accept slots and changes again; what was copied stays." },
	[OPTION_KEYS] = { "delivery-keys", 0, FLAG_SWITCH, NULL, "Print what TINTYPE_DELIVERY_KEYS must be at the destination.",
		UINT64_C(1) << OPTION_CANCEL },
};

const struct flag_name *migrate_flag(size_t i)
{
	return i < OPTIONS ? &own_flags[i] : NULL;
}

struct side {
	const char *path; /* of its settings */
	struct settings settings;
	bool remote;
	struct backends backends;
	struct product product;
	struct transfer_state state; /* its id in the command's texts */
};

struct command {
	struct side from, to;
	uint64_t jobs;
	bool cancel, print_keys;
	int lock_fd; /* of a source that is a data directory; -1: none */
	bool shown;  /* stderr is a terminal */
	int64_t shown_ms;
	struct arena texts;
	struct str id;                  /* of the migration; in `texts` */
	struct migration_result result; /* of the last pass */
};

/* settings and backends */

static enum status read_arguments(struct command *c, int argc, char **argv, struct fault *why)
{
	struct flags f = { .row = migrate_flag, .takes = FLAGS_ALL, .argc = argc - 1, .argv = argv + 1 };
	struct flag_word word;
	while (f.argc > 0) {
		TRY(flags_next(&f, &word, why));
		if (word.name == NULL)
			continue;
		switch (word.row) {
		case OPTION_FROM:
			c->from.path = word.value;
			break;
		case OPTION_TO:
			c->to.path = word.value;
			break;
		case OPTION_JOBS:
			if (!str_to_u64(str_of(word.value), &c->jobs) || c->jobs < 1 || c->jobs > JOBS_MAX)
				return fault_set(why, BAD_SETTING, "--jobs must be a number from 1 to %d", JOBS_MAX);
			break;
		case OPTION_CANCEL:
			c->cancel = true;
			break;
		default:
			c->print_keys = true;
		}
	}
	if (c->from.path == NULL || (c->to.path == NULL && !c->cancel && !c->print_keys))
		return fault_set(why, BAD_SETTING, "--from and --to must name two files of settings; see --help");
	return OK;
}

static enum status read_side(struct command *c, struct side *s, struct fault *why)
{
	struct fault warning;
	if (s->path == NULL)
		return OK;
	TRY(env_file_load_settings(s->path, &s->settings, &c->texts, &warning, why));
	if (warning.text[0] != '\0')
		fprintf(stderr, "tintype migrate: warning: %s\n", warning.text);
	return backends_choose(&s->settings, &s->remote, why);
}

static void finish_side(struct side *s)
{
	s->product = (struct product){ .rules = rules_of(&s->settings),
		.store = s->backends.store,
		.table = s->backends.table,
		.users = s->backends.users,
		.cdn = s->backends.cdn,
		.objects_change = s->remote };
}

static enum status read_state(struct command *c, struct side *s, struct fault *why)
{
	return transfer_get_state(s->backends.transfer, &c->texts, &s->state, why);
}

static enum status open_from(struct command *c, struct fault *why)
{
	TRY(maintain_need_database(&c->from.settings, why));
	if (!c->from.remote && !c->cancel && !c->print_keys)
		TRY(engine_lock_source(c->from.settings.data_dir, &c->lock_fd, why));
	TRY(backends_open_beside(&c->from.settings, &c->from.backends, why));
	finish_side(&c->from);
	return read_state(c, &c->from, why);
}

static enum status open_to(struct command *c, struct fault *why)
{
	enum status opened = backends_open_to_fill(&c->to.settings, &c->to.backends, why);
	if (opened != OK && why->code == F_DIR_LOCKED)
		return fault_set(why, DIR_LOCKED,
			"A server, or another tintype migrate, uses %s, the data directory of the destination: stop it until all images are there.",
			c->to.settings.data_dir);
	TRY(opened);
	finish_side(&c->to);
	return read_state(c, &c->to, why);
}

/* states */

static enum status check_state(const struct side *s, const char *which, struct fault *why)
{
	struct transfer_state now;
	struct arena a CLEANUP(arena_deinit);
	arena_init(&a, STATE_BYTES);
	TRY(transfer_get_state(s->backends.transfer, &a, &now, why));
	if (transfer_state_equal(&now, &s->state))
		return OK;
	return fault_set(why, STATE_CHANGED,
		"`tintype migrate --cancel`, or another run, has changed the state of the %s to \"%.*s\" in the meantime, so this run ends. To continue the "
		"migration, run it again, but only one run at a time.",
		which, STRF(transfer_phase_name(now.phase)));
}

/* Check that no other run has changed the states: this run must not continue from a state that was reverted. The source is checked last, since
 * --cancel changes its state. */
static enum status check_states(const struct command *c, struct fault *why)
{
	TRY(check_state(&c->to, "destination", why));
	return check_state(&c->from, "source", why);
}

static enum status set_phase(struct command *c, struct side *s, enum transfer_phase phase, struct fault *why)
{
	const struct transfer_state now = { .phase = phase, .id = c->id, .since_ms = clock_now_ms() };
	TRY(check_states(c, why));
	enum status set = transfer_set_state(s->backends.transfer, &s->state, &now, why);
	if (set != OK && why->code == F_STATE_CHANGED)
		TRY(check_states(c, why));
	TRY(set);
	s->state = now;
	return OK;
}

/* Sleep until that time of a clock; false: a signal has asked the command to stop. */
static bool sleep_until(int64_t (*clock_ms)(void), int64_t until_ms)
{
	for (int64_t left; (left = until_ms - clock_ms()) > 0 && !maintain_stopping(NULL);) {
		int64_t ms = left < SLICE_MS ? left : SLICE_MS;
		(void)nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
	}
	return !maintain_stopping(NULL);
}

static enum status wait_until(int64_t (*clock_ms)(void), int64_t until_ms, struct fault *why)
{
	return sleep_until(clock_ms, until_ms) ? OK : fault_set(why, DEADLINE, "It was stopped; run it again to go on.");
}

/* Wait until every server obeys the state of the source. An earlier run may have set the state, or the clock may have been changed since: so
 * the whole time is waited for. */
static enum status settle(const struct command *c, struct fault *why)
{
	return wait_until(clock_mono_ms, clock_mono_ms() + c->from.backends.transfer->settle_ms, why);
}

static enum status refuse_destination(const char *what, struct fault *why)
{
	return fault_set(why, BAD_SETTING,
		"The destination has %s already, which were not migrated from this source: choose an empty data directory, or an empty bucket and table.",
		what);
}

/* Images, users and keys at the destination would be removed, since the source does not have them. */
static enum status check_empty(struct side *s, struct fault *why)
{
	struct str cursor = STR("");
	struct arena a CLEANUP(arena_deinit);
	struct user_page users;
	struct api_key_page keys;
	arena_init(&a, (size_t)1 << 30);
	do {
		struct transfer_page page;
		TRY(transfer_walk(s->backends.transfer, cursor, &a, &page, why));
		if (page.n > 0)
			return refuse_destination("images", why);
		cursor = page.next_cursor;
	} while (cursor.n > 0);
	TRY(user_list(s->product.users, &(struct user_query){ .limit = 1, .cursor = STR("") }, &a, &users, why));
	if (users.n > 0)
		return refuse_destination("users", why);
	TRY(api_key_list(s->backends.api_keys, &a, &keys, why));
	return keys.n == 0 ? OK : refuse_destination("API keys", why);
}

/* Begin, or see that this is the migration that was begun. */
static enum status begin(struct command *c, struct fault *why)
{
	struct transfer_state *from = &c->from.state, *to = &c->to.state;
	char id[UUID_CHARS + 1];
	if (from->phase == TRANSFER_ARRIVING)
		return fault_set(why, BAD_SETTING, "The source is itself the destination of a migration that is not complete.");
	bool begun = from->phase != TRANSFER_NONE && from->phase != TRANSFER_ARRIVED;
	bool same = begun && str_equal(from->id, to->id);
	if (same && to->phase == TRANSFER_ARRIVED && from->phase != TRANSFER_CLOSED)
		return fault_set(why, BAD_SETTING,
			"The destination was complete, and since `tintype migrate --cancel` the source accepts changes again, which the destination does "
			"not get. Use the destination as it is, or migrate to another, empty one.");
	c->id = from->id;
	if (same && (to->phase == TRANSFER_ARRIVING || to->phase == TRANSFER_ARRIVED))
		return OK;
	TRY(check_empty(&c->to, why));
	if (!begun) {
		uuid_v4(id);
		c->id = str_dup(&c->texts, str_of(id));
		TRY(fault_check_arena(&c->texts, why));
		TRY(set_phase(c, &c->from, TRANSFER_COPYING, why));
	}
	return set_phase(c, &c->to, TRANSFER_ARRIVING, why);
}

/* passes */

static void clear_progress(const struct command *c)
{
	if (c->shown)
		fputs("\r\x1b[K", stderr);
}

static void show_progress(void *arg, const struct migration_result *r)
{
	struct command *c = arg;
	if (!c->shown || clock_mono_ms() < c->shown_ms + SHOW_EVERY_MS)
		return;
	c->shown_ms = clock_mono_ms();
	fprintf(stderr, "\r%" PRIu64 " row%s compared, %" PRIu64 " image%s copied (%" PRIu64 " bytes)\x1b[K", r->rows, plural_s(r->rows),
		r->copied, plural_s(r->copied), r->copied_bytes);
	fflush(stderr);
}

static void print_damaged(void *arg, struct str image_id, const char *text)
{
	clear_progress(arg);
	fprintf(stderr, "damaged %.*s: %s\n", STRF(image_id), text);
}

static struct migration_side side_of(struct side *s)
{
	return (struct migration_side){ &s->product, s->backends.api_keys, s->backends.outbox, s->backends.transfer };
}

static enum status run_pass(struct command *c, struct fault *why)
{
	const struct transfer_state *from = &c->from.state;
	const struct migration_options o = { .from = side_of(&c->from),
		.to = side_of(&c->to),
		.jobs = (unsigned)c->jobs,
		.is_closed = from->phase == TRANSFER_CLOSED,
		.renewed_until_ms = from->since_ms + (int64_t)c->from.settings.url_ttl_s * 1000,
		.stop = maintain_stopping,
		.progress = show_progress,
		.damaged = print_damaged,
		.arg = c };
	struct migration_result *r = &c->result;
	enum status end = migration_pass(&o, r, why);
	clear_progress(c);
	TRY(end);
	TRY(check_states(c, why));
	printf("%s: %" PRIu64 " row%s compared, %" PRIu64 " image%s copied (%" PRIu64 " bytes), %" PRIu64 " removed, %" PRIu64
		   " other difference%s\n",
		o.is_closed                            ? "source closed"
			: from->phase == TRANSFER_DRAINING ? "source draining"
											   : "copying",
		r->rows, plural_s(r->rows), r->copied, plural_s(r->copied), r->copied_bytes, r->removed, r->others, plural_s(r->others));
	(void)show_flush();
	return OK;
}

static enum status copy_open(struct command *c, struct fault *why)
{
	for (unsigned i = 0; i < PASSES_OPEN; i++) {
		TRY(run_pass(c, why));
		/* Little is left for the time in which the source refuses changes. */
		if (c->result.copied + c->result.removed + c->result.others <= c->result.rows / 100 + 10)
			break;
	}
	TRY(set_phase(c, &c->from, TRANSFER_DRAINING, why));
	printf("The source refuses new slots and changes from now on; reads go on.\n");
	(void)show_flush();
	return OK;
}

/* What arrives until the last URL has expired is accepted by the source, and copied after it is closed. */
static enum status drain(struct command *c, struct fault *why)
{
	char until[ISO8601_CHARS + 1] = "";
	TRY(settle(c, why));
	TRY(run_pass(c, why));
	if (c->result.urls_until_ms > clock_now_ms()) {
		clock_iso8601(c->result.urls_until_ms, until);
		printf("Waiting for uploads until %s, when the last upload URL expires.\n", until);
		(void)show_flush();
		TRY(wait_until(clock_now_ms, c->result.urls_until_ms, why));
	}
	return set_phase(c, &c->from, TRANSFER_CLOSED, why);
}

static enum status copy_closed(struct command *c, struct fault *why)
{
	TRY(settle(c, why));
	for (unsigned i = 0; i < PASSES_CLOSED; i++) {
		TRY(run_pass(c, why));
		if (migration_is_same(&c->result))
			return OK;
	}
	return fault_set(why, STATE_CHANGED,
		"The source still changes, although it is closed: something that does not observe the migration, such as functions on AWS Lambda, writes to it. Stop "
		"that, and run this again.");
}

/* the end */

static enum status count_users(struct command *c, struct fault *why)
{
	struct recount_result counted;
	return recount_run(&c->to.product, &(struct recount_options){ .stop = maintain_stopping }, &counted, why);
}

static void print_report(const struct command *c)
{
	const struct migration_result *r = &c->result;
	printf("Complete. Both sides have the same: %" PRIu64 " row%s, of them %" PRIu64 " image%s with %" PRIu64
		   " bytes, whose sizes and MD5 digests agree;\n"
		   "%" PRIu64 " user%s, %" PRIu64 " API key%s, %" PRIu64 " webhook%s to be sent.\n",
		r->rows, plural_s(r->rows), r->uploaded, plural_s(r->uploaded), r->bytes, r->users, plural_s(r->users), r->api_keys,
		plural_s(r->api_keys), r->events, plural_s(r->events));
	if (r->damaged > 0)
		printf("Damaged at the source, and named above: %" PRIu64 " image%s. The destination has the same bytes, or none.\n", r->damaged,
			plural_s(r->damaged));
	printf("To switch: start the server with the settings of %s, and let clients use it. The source continues to serve reads, and refuses\n"
		   "changes until it is removed, or `tintype migrate --cancel --from %s`.\n",
		c->to.path, c->from.path);
	if (!c->from.remote)
		printf("Users and buckets of the object store, and the objects in them, are not moved; S3 clients copy those.\n");
}

static enum status migrate(struct command *c, struct fault *why)
{
	TRY(begin(c, why));
	if (c->to.state.phase == TRANSFER_ARRIVED) {
		printf("The destination is complete already, since an earlier run: nothing is copied, for it may have changed since.\n");
		return OK;
	}
	if (c->from.state.phase == TRANSFER_COPYING)
		TRY(copy_open(c, why));
	if (c->from.state.phase == TRANSFER_DRAINING)
		TRY(drain(c, why));
	TRY(copy_closed(c, why));
	TRY(count_users(c, why));
	TRY(set_phase(c, &c->to, TRANSFER_ARRIVED, why));
	print_report(c);
	return OK;
}

/* The id is kept, so that the migration can be resumed. If another run changes the state at the same moment, try again. */
static enum status cancel(struct command *c, struct fault *why)
{
	enum status set;
	do {
		TRY(read_state(c, &c->from, why));
		const struct transfer_state *was = &c->from.state;
		const struct transfer_state now = { .phase = TRANSFER_COPYING, .id = was->id, .since_ms = clock_now_ms() };
		if (was->phase != TRANSFER_DRAINING && was->phase != TRANSFER_CLOSED) {
			printf("The source accepts all changes: there is nothing to cancel.\n");
			return OK;
		}
		set = transfer_set_state(c->from.backends.transfer, was, &now, why);
	} while (set != OK && why->code == F_STATE_CHANGED);
	TRY(set);
	printf("The source accepts slots and changes again. Do not let clients use the destination: it does not get them.\n");
	return OK;
}

static enum status run_command(struct command *c, int argc, char **argv, struct fault *why)
{
	TRY(read_arguments(c, argc, argv, why));
	TRY(read_side(c, &c->from, why));
	TRY(read_side(c, &c->to, why));
	if (!c->cancel && !c->print_keys && c->from.remote == c->to.remote)
		return fault_set(why, BAD_SETTING,
			"One of --from and --to must have TINTYPE_STORE=s3, and the other not. A data directory is moved by "
			"tintype backup and restore.");
	TRY(open_from(c, why));
	if (c->cancel)
		return cancel(c, why);
	if (!c->from.remote && c->from.backends.delivery_key.n == 0)
		return fault_set(why, BAD_SETTING, "No server has started on %s since it was restored: start one once, which makes its keys.",
			c->from.settings.data_dir);
	struct str keys = migrate_keys_of(&c->from.settings, &c->from.backends, &c->texts);
	TRY(fault_check_arena(&c->texts, why));
	if (c->print_keys) {
		printf("TINTYPE_DELIVERY_KEYS=%.*s\n", STRF(keys));
		return OK;
	}
	TRY(open_to(c, why));
	TRY(migrate_keys_check(keys, &c->to.settings, &c->to.backends, why));
	return migrate(c, why);
}

/* Replace the engine's message, which is for a client that uploads. */
static enum status blame_disk(const struct command *c, struct fault *why)
{
	const struct settings *s = c->to.remote ? &c->from.settings : &c->to.settings;
	return fault_set(why, DISK_FULL,
		"The disk of %s is full, or has less than the reserve of %llu bytes (TINTYPE_RESERVE) free: free some space there, and run it again to "
		"go on.",
		s->data_dir, (unsigned long long)s->reserve_bytes);
}

int migrate_main(int argc, char **argv)
{
	assert(argc >= 1 && argv != NULL);
	struct fault why = { 0 };
	struct command c = { .jobs = JOBS_DEFAULT, .lock_fd = -1, .shown = isatty(STDERR_FILENO) };
	maintain_catch_signals();
	arena_init(&c.texts, TEXTS_BYTES);
	enum status status = run_command(&c, argc, argv, &why);
	if (status != OK && why.code == F_DISK_FULL)
		status = blame_disk(&c, &why);
	backends_close(&c.to.backends);
	backends_close(&c.from.backends);
	if (c.lock_fd >= 0)
		close(c.lock_fd);
	arena_deinit(&c.texts);
	return maintain_end("migrate", status, &why);
}
