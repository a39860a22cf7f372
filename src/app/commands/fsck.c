/* See fsck.h. Findings are printed on stdout, one per line, and a summary at the end; progress on stderr if it is a terminal. Reading is always
 * done here, while a server may be running. Repairs are done by the process that has locked the data directory. */
#include "app/commands/fsck.h"

#include "app/commands/arguments.h"
#include "app/backends.h"
#include "app/fsck_request.h"
#include "app/image_rules.h"
#include "app/commands/maintenance.h"
#include "app/render_pool.h"
#include "base/clock.h"
#include "base/writer.h"
#include "cli/output.h"
#include "image/thumb_objects.h"
#include "image/thumbnails.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SHOW_EVERY_MS 500
#define SLICE_MS 100
#define LOOK_EVERY 10 /* slices: whether a server uses the data directory still */
/* Within which a deletion or an upload that began is done: one commit, or some requests to a remote store. */
#define SETTLE_LOCAL_MS 1000
#define SETTLE_REMOTE_MS 5000
#define LINE_BYTES ((size_t)16 << 10)
#define LOST_MOST 20 /* objects that may be lost in any case */

enum { OPTION_REPAIR, OPTION_JOBS, OPTION_JSON, OPTIONS };
static const struct flag_name own_flags[OPTIONS] = {
	[OPTION_REPAIR] = { "repair", 0, FLAG_SWITCH, NULL, "Repair what can be repaired." },
	[OPTION_JOBS] = { "jobs", 0, FLAG_VALUE, "N", "Objects that are read at a time: 1 to 16; as many as there are cores if not given." },
	[OPTION_JSON] = { "json", 0, FLAG_SWITCH, NULL, "Print JSON objects, one a line." },
};

const struct flag_name *fsck_flag(size_t i)
{
	return i < OPTIONS ? &own_flags[i] : NULL;
}

static const struct flag_name *all_flags(size_t i)
{
	return i < OPTIONS ? &own_flags[i] : settings_flag(i - OPTIONS);
}

struct command {
	struct settings settings;
	bool repair, json;
	unsigned jobs;
	struct backends read; /* beside a server */
	struct product product;
	struct fsck_options options; /* over these */
	bool shown;                  /* stderr is a terminal */
	int64_t shown_ms;
	uint64_t lost;           /* findings: objects that are not as they were stored */
	uint64_t repaired, left; /* findings, after --repair */
};

static enum status read_arguments(struct command *c, int argc, char **argv, struct fault *why)
{
	const struct argument_rules rules = { .row = all_flags, .n_own = OPTIONS };
	struct arguments a;
	uint64_t jobs = c->jobs;
	TRY(arguments_read(&rules, argc, argv, &a, why));
	TRY(arguments_number(&own_flags[OPTION_JOBS], a.values[OPTION_JOBS], 1, &jobs, why));
	if (jobs > FSCK_JOBS_MAX)
		return fault_set(why, BAD_SETTING, "--jobs must be a number from 1 to %d", FSCK_JOBS_MAX);
	c->settings = a.settings;
	c->repair = a.values[OPTION_REPAIR] != NULL;
	c->json = a.values[OPTION_JSON] != NULL;
	c->jobs = (unsigned)jobs;
	return OK;
}

/* what is shown */

static void clear_progress(const struct command *c)
{
	if (c->shown)
		fputs("\r\x1b[K", stderr);
}

static void show_progress(void *arg, const struct fsck_result *r)
{
	struct command *c = arg;
	char size[SHOW_SIZE_CHARS];
	if (!c->shown || clock_mono_ms() < c->shown_ms + SHOW_EVERY_MS)
		return;
	c->shown_ms = clock_mono_ms();
	show_size(r->bytes, size);
	fprintf(stderr, "\r%llu of %llu image%s, %s read\x1b[K", (unsigned long long)r->images, (unsigned long long)r->total,
		plural_s(r->total), size);
	fflush(stderr);
}

static void print_json(struct buf *line)
{
	buf_put(line, STR("\n"));
	if (buf_ok(line))
		(void)!show_bytes(buf_str(line));
}

/* state: "found", "repaired" or "left". */
static void print_finding(const struct command *c, const struct finding *f, const char *state)
{
	const struct finding_words *words = finding_words(f->kind);
	struct buf line CLEANUP(buf_deinit) = { 0 };
	clear_progress(c);
	if (!c->json) {
		const char *what = f->repaired ? words->repair : words->meaning;
		show_line(stdout, "%s %s %.*s: %s%s%.*s", state, words->name, STRF(f->subject), what, f->detail.n > 0 ? "; " : "", STRF(f->detail));
		return;
	}
	buf_init(&line, LINE_BYTES);
	writer_open(&line, STR(""), '{');
	writer_text(&line, STR("state"), str_of(state));
	writer_text(&line, STR("kind"), str_of(words->name));
	writer_text(&line, STR("subject"), f->subject);
	writer_text(&line, STR("meaning"), str_of(words->meaning));
	if (f->detail.n > 0)
		writer_text(&line, STR("detail"), f->detail);
	if (f->repaired)
		writer_text(&line, STR("repair"), str_of(words->repair));
	writer_close(&line, '}');
	print_json(&line);
}

static void print_found(void *arg, const struct finding *f)
{
	struct command *c = arg;
	c->lost += f->kind == FINDING_OBJECT_MISSING || f->kind == FINDING_OBJECT_DAMAGED || f->kind == FINDING_OBJECT_UNREADABLE;
	print_finding(c, f, "found");
}

static void print_counts(const struct command *c, const struct fsck_result *r)
{
	struct buf line CLEANUP(buf_deinit) = { 0 };
	char size[SHOW_SIZE_CHARS];
	const struct {
		const char *name;
		uint64_t n;
	} counts[] = { { "images", r->images }, { "objects", r->objects }, { "bytes", r->bytes }, { "unhashed", r->unhashed },
		{ "marked", r->marked }, { "found", r->found }, { "repaired", c->repaired } };
	clear_progress(c);
	if (!c->json) {
		show_size(r->bytes, size);
		show_line(stdout, "images %llu, objects read %llu (%s), without a digest %llu, marked before %llu, found %llu, repaired %llu",
			(unsigned long long)r->images, (unsigned long long)r->objects, size, (unsigned long long)r->unhashed,
			(unsigned long long)r->marked, (unsigned long long)r->found, (unsigned long long)c->repaired);
		return;
	}
	buf_init(&line, LINE_BYTES);
	writer_open(&line, STR(""), '{');
	for (size_t i = 0; i < COUNT_OF(counts); i++)
		writer_number(&line, str_of(counts[i].name), counts[i].n);
	writer_close(&line, '}');
	print_json(&line);
}

/* repairs */

struct repair_sink {
	struct finding_sink sink;
	struct command *command;
};

static void print_repaired(struct finding_sink *sink, const struct finding *f)
{
	struct command *c = ((struct repair_sink *)sink)->command;
	if (f->repaired)
		print_finding(c, f, "repaired");
}

static void print_left(struct finding_sink *sink, const struct finding *f)
{
	struct command *c = ((struct repair_sink *)sink)->command;
	c->left++;
	print_finding(c, f, "left");
}

/* What verifies an object of a remote store again, and removes the thumbnails of the one that it has replaced. */
struct verifier {
	struct pool *pool;
	struct thumb_objects objects;
	struct thumbnails *thumbnails;
};

static void verifier_end(struct verifier *v)
{
	thumbnails_free(&v->thumbnails);
	pool_free(&v->pool);
}

static enum status verifier_start(struct verifier *v, const struct settings *s, struct product *p, struct fault *why)
{
	const struct pool_options options = render_pool_options(s, 1, 1);
	struct thumbnails_options o = thumbnails_of(s, p);
	if (p->rules.check == CHECK_HEADER)
		return OK;
	TRY(pool_start(&options, &v->pool, why));
	p->renderer = pool_renderer(v->pool);
	thumb_objects_init(&v->objects, p->store);
	o.store = &v->objects.port;
	if (o.presets.n > 0)
		TRY(thumbnails_new(&o, &v->thumbnails, why));
	p->thumbnails = v->thumbnails;
	return OK;
}

/* Here, where no server uses the data directory, or on a remote store. */
static enum status repair_here(struct command *c, struct backends *e, const struct fsck_items *items, struct fault *why)
{
	struct product p = c->product;
	struct verifier v CLEANUP(verifier_end) = { 0 };
	p.store = e->store;
	p.table = e->table;
	p.users = e->users;
	p.cdn = e->cdn;
	if (e->bucket == NULL)
		TRY(verifier_start(&v, &c->settings, &p, why));
	const struct fsck_options o = { .product = &p, .check = e->check };
	for (size_t i = 0; i < items->n && !maintain_stopping(NULL); i++) {
		struct repair_sink sink = { .sink = { .found = print_repaired }, .command = c };
		TRY(fsck_examine(&o, items->names[i], true, &sink.sink, why));
	}
	return OK;
}

/* *gone: the server has ended, and the request waits for the next. */
static enum status wait_for_server(const struct command *c, bool *gone, struct fault *why)
{
	const char *dir = c->settings.data_dir;
	for (unsigned i = 1; fsck_request_is_there(dir) && !*gone; i++) {
		if (maintain_stopping(NULL))
			return fault_set(why, DEADLINE, "It was stopped; the server still repairs what it was asked to.");
		(void)nanosleep(&(struct timespec){ .tv_nsec = SLICE_MS * 1000000 }, NULL);
		*gone = i % LOOK_EVERY == 0 && !engine_in_use(dir);
	}
	return OK;
}

static enum status repair_by_server(const struct command *c, const struct fsck_items *items, bool *gone, struct fault *why)
{
	TRY(wait_for_server(c, gone, why)); /* what another command asked for */
	for (size_t i = 0; i < items->n && !*gone; i += FSCK_REQUEST_MAX) {
		size_t n = items->n - i < FSCK_REQUEST_MAX ? items->n - i : FSCK_REQUEST_MAX;
		TRY(fsck_request_write(c->settings.data_dir, items->names + i, n, why));
		TRY(wait_for_server(c, gone, why));
	}
	return OK;
}

static enum status repair_items(struct command *c, const struct fsck_items *items, struct fault *why)
{
	if (c->read.check == NULL)
		return repair_here(c, &c->read, items, why);
	for (;;) {
		struct backends e CLEANUP(backends_close) = { 0 };
		bool gone = false;
		enum status opened = backends_open(&c->settings, "", &e, why);
		if (opened == OK) {
			TRY(repair_here(c, &e, items, why));
			fsck_request_remove(c->settings.data_dir); /* of a server that was killed over it */
			return OK;
		}
		if (why->code != F_DIR_LOCKED)
			return opened;
		TRY(repair_by_server(c, items, &gone, why));
		if (!gone)
			return OK;
	}
}

/* What is left is found by reading again. Where most objects seem lost it is rather the disk that is: nothing is marked then. */
static enum status repair(struct command *c, const struct fsck_items *items, struct fsck_result *r, struct fault *why)
{
	if (c->lost > LOST_MOST && 2 * c->lost > r->images)
		return fault_set(why, STORAGE_FAILED,
			"%llu objects are lost, more than half: nothing was repaired. Check that the disk is mounted and the bucket is the right one, or restore a "
			"backup.",
			(unsigned long long)c->lost);
	TRY(repair_items(c, items, why));
	for (size_t i = 0; i < items->n; i++) {
		struct repair_sink sink = { .sink = { .found = print_left }, .command = c };
		TRY(fsck_examine(&c->options, items->names[i], false, &sink.sink, why));
	}
	c->repaired = r->found > c->left ? r->found - c->left : 0;
	return OK;
}

static enum status run_command(struct command *c, int argc, char **argv, struct fsck_result *r, struct fault *why)
{
	struct fsck_items items CLEANUP(fsck_items_deinit) = { 0 };
	TRY(read_arguments(c, argc, argv, why));
	TRY(maintain_need_database(&c->settings, why));
	TRY(backends_open_beside(&c->settings, &c->read, why));
	bool remote = c->read.check == NULL;
	c->product = (struct product){ .rules = rules_of(&c->settings),
		.store = c->read.store,
		.table = c->read.table,
		.users = c->read.users,
		.cdn = c->read.cdn,
		.objects_change = remote };
	c->options = (struct fsck_options){ .product = &c->product,
		.check = c->read.check,
		.jobs = c->jobs,
		.settle_ms = remote ? SETTLE_REMOTE_MS : SETTLE_LOCAL_MS,
		.stop = maintain_stopping,
		.progress = show_progress,
		.found = print_found,
		.arg = c };
	TRY(fsck_run(&c->options, r, &items, why));
	if (c->repair && items.n > 0)
		TRY(repair(c, &items, r, why));
	print_counts(c, r);
	if (r->too_many)
		return fault_set(
			why, TOO_MUCH, "More than %d findings: not everything was examined. Repair these and run it again.", FSCK_FOUND_MAX);
	return OK;
}

int fsck_main(int argc, char **argv)
{
	assert(argc >= 1 && argv != NULL);
	struct fault why = { 0 };
	struct fsck_result r = { 0 };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct command c = { .jobs = cores < 1 ? 1 : cores > FSCK_JOBS_MAX ? FSCK_JOBS_MAX : (unsigned)cores, .shown = isatty(STDERR_FILENO) };
	maintain_catch_signals();
	enum status status = run_command(&c, argc, argv, &r, &why);
	clear_progress(&c);
	backends_close(&c.read);
	if (status != OK) {
		(void)maintain_end("fsck", status, &why);
		return 2;
	}
	if (r.found > 0 && !c.repair && !c.json)
		show_line(stdout, "Run it with --repair to repair what can be repaired.");
	return !show_end() ? 2 : r.found > 0 ? 1 : 0;
}
