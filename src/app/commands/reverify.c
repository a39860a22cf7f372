/* See reverify.h. What is found is printed on stdout, a line for each damaged image and one at the end; how far it is, on stderr
 * where that is a terminal. */
#include "app/commands/reverify.h"

#include "app/backends.h"
#include "app/image_rules.h"
#include "app/commands/maintenance.h"
#include "app/render_pool.h"
#include "app/reverify_files.h"
#include "base/clock.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS_MAX 256
#define SLICE_MS 100
#define SHOW_EVERY_MS 500
#define LOOK_EVERY_MS 1000 /* whether a server uses the data directory */
#define GONE_MS 10000      /* without one before the command ends: time for a restart */
#define SILENT_MS 30000    /* before it is said that the server does not go on */

enum { OPTION_STRIP, OPTION_RATE, OPTIONS };
static const struct flag_name own_flags[OPTIONS] = {
	[OPTION_STRIP] = { "strip", 0, FLAG_SWITCH, NULL, "Remove what can identify a person from the stored images too." },
	[OPTION_RATE] = { "rate", 0, FLAG_VALUE, "N", "Images a second, at most: 1 to 1000; 10 if not given." },
};

const struct flag_name *reverify_flag(size_t i)
{
	return i < OPTIONS ? &own_flags[i] : NULL;
}

struct command {
	struct settings settings;
	bool strip;
	uint32_t per_second;
	bool shown; /* stderr is a terminal */
	int64_t shown_ms;
};

static enum status read_rate(const char *text, uint32_t *out, struct fault *why)
{
	uint64_t n = 0;
	if (text == NULL || !str_to_u64(str_of(text), &n) || n < 1 || n > REVERIFY_RATE_MAX)
		return fault_set(why, BAD_SETTING, "--rate must be images a second, 1 to %d", REVERIFY_RATE_MAX);
	*out = (uint32_t)n;
	return OK;
}

/* The command's own flags are taken out: --strip means something else to a server. */
static enum status read_arguments(struct command *c, int argc, char **argv, struct fault *why)
{
	char *rest[ARGUMENTS_MAX];
	int n = 0;
	for (int i = 1; i < argc; i++) {
		struct str word = str_of(argv[i]);
		if (str_equal(word, STR("--strip")))
			c->strip = true;
		else if (str_equal(word, STR("--rate")))
			TRY(read_rate(argv[++i], &c->per_second, why)); /* argv ends with NULL */
		else if (str_starts_with(word, STR("--rate=")))
			TRY(read_rate(argv[i] + STR("--rate=").n, &c->per_second, why));
		else if (n < ARGUMENTS_MAX)
			rest[n++] = argv[i];
	}
	return settings_load(&c->settings, n, rest, why);
}

static void print_counts(FILE *to, const struct reverify_result *r, const char *before, const char *after)
{
	struct buf b CLEANUP(buf_deinit);
	buf_init(&b, 1024);
	reverify_write_counts(&b, r);
	fprintf(to, "%s%.*s%s", before, STRF(buf_str(&b)), after);
	fflush(to);
}

static void show_progress(struct command *c, const struct reverify_result *r)
{
	char before[64];
	if (!c->shown || clock_mono_ms() < c->shown_ms + SHOW_EVERY_MS)
		return;
	c->shown_ms = clock_mono_ms();
	(void)snprintf(
		before, sizeof before, "\r%llu of %llu image%s: ", (unsigned long long)r->seen, (unsigned long long)r->total, plural_s(r->total));
	print_counts(stderr, r, before, "\x1b[K");
}

static void clear_progress(const struct command *c)
{
	if (c->shown)
		fputs("\r\x1b[K", stderr);
}

/* false: a signal has asked the command to stop. */
static bool sleep_until(int64_t until_ms)
{
	for (int64_t left = until_ms - clock_mono_ms(); left > 0 && !maintain_stopping(NULL); left = until_ms - clock_mono_ms()) {
		int64_t ms = left < SLICE_MS ? left : SLICE_MS;
		(void)nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
	}
	return !maintain_stopping(NULL);
}

static enum status end_run(const struct command *c, const struct reverify_result *r, bool stopped, struct fault *why)
{
	clear_progress(c);
	print_counts(stdout, r, "", "\n");
	if (stopped)
		return fault_stopped(why);
	if (r->failed > 0)
		return fault_set(why, STORAGE_FAILED, "%llu image%s could not be read or written; run it again to try again.",
			(unsigned long long)r->failed, plural_s(r->failed));
	return OK;
}

/* here */

static bool wait_here(void *arg, int64_t until_ms)
{
	(void)arg;
	return sleep_until(until_ms);
}

static void note_here(void *arg, const struct reverify_result *so_far, const struct image_row *row, const struct fault *why)
{
	struct command *c = arg;
	if (row != NULL)
		clear_progress(c);
	if (row != NULL && why != NULL)
		fprintf(stderr, "failed %.*s: %s%s%s\n", STRF(row->image_id), why->text, why->cause[0] != '\0' ? ": " : "", why->cause);
	else if (row != NULL)
		printf("corrupt %.*s: %.*s\n", STRF(row->image_id), STRF(row->damage));
	show_progress(c, so_far);
}

static enum status run_here(struct command *c, const struct backends *e, struct fault *why)
{
	struct pool *pool CLEANUP(pool_free) = NULL;
	struct product p = { .rules = rules_of(&c->settings), .store = e->store, .table = e->table };
	const struct pool_options options = render_pool_options(&c->settings, 1, 1);
	struct reverify_result done;
	bool stopped;
	TRY(pool_start(&options, &pool, why));
	p.renderer = pool_renderer(pool);
	struct reverify_options o = { .product = &p,
		.buckets = e->bucket,
		.bucket = str_of(c->settings.bucket),
		.strip = c->strip,
		.per_second = c->per_second,
		.wait = wait_here,
		.progress = note_here,
		.arg = c };
	TRY(reverify_run(&o, &done, &stopped, why));
	if (!stopped && e->bucket != NULL)
		reverify_request_remove(c->settings.data_dir); /* of a server that was killed over it */
	return end_run(c, &done, stopped, why);
}

/* by the server that uses the data directory */

/* What is asked for already may be followed, if it is the same. */
static enum status request(const struct command *c, struct reverify_request *r, struct fault *why)
{
	if (reverify_request_read(c->settings.data_dir, r)) {
		if (r->strip == c->strip && r->per_second == c->per_second)
			return OK;
		return fault_set(why, BAD_SETTING, "The server already runs it with other options (%s--rate %u). To end that, remove %s/reverify.",
			r->strip ? "--strip " : "", r->per_second, c->settings.data_dir);
	}
	*r = (struct reverify_request){ .strip = c->strip, .per_second = c->per_second };
	uuid_v4(r->id);
	return reverify_request_write(c->settings.data_dir, r, why);
}

/* The request stays: the next server goes on with it. */
static enum status end_without_server(const struct command *c, const struct reverify_result *r, struct fault *why)
{
	clear_progress(c);
	print_counts(stdout, r, "", "\n");
	return fault_set(why, DEADLINE,
		"The server has ended, and no other was started. Start it: it goes on then. Or run this again: without a server it is done here.");
}

static enum status follow(struct command *c, const struct reverify_request *r, struct reverify_state *s, struct fault *why)
{
	int64_t now_ms = clock_mono_ms(), changed_ms = now_ms, used_ms = now_ms, looked_ms = now_ms;
	uint64_t seen = 0;
	while (!s->ended || strcmp(s->id, r->id) != 0) {
		if (!sleep_until(now_ms + SLICE_MS)) {
			reverify_request_remove(c->settings.data_dir);
			return end_run(c, &s->result, true, why);
		}
		if (!reverify_state_read(c->settings.data_dir, s) || strcmp(s->id, r->id) != 0)
			*s = (struct reverify_state){ 0 };
		now_ms = clock_mono_ms();
		if (s->result.seen != seen)
			changed_ms = now_ms;
		seen = s->result.seen;
		show_progress(c, &s->result);
		if (now_ms > looked_ms + LOOK_EVERY_MS) {
			looked_ms = now_ms;
			used_ms = engine_in_use(c->settings.data_dir) ? now_ms : used_ms;
		}
		if (now_ms > used_ms + GONE_MS && !s->ended)
			return end_without_server(c, &s->result, why);
		if (now_ms > changed_ms + SILENT_MS) {
			clear_progress(c);
			fprintf(stderr, "The server has not gone on for a while. If it was stopped, start it: it goes on then. Ctrl-C ends this.\n");
			changed_ms = now_ms;
		}
	}
	return OK;
}

static enum status run_by_server(struct command *c, struct fault *why)
{
	struct reverify_request r;
	struct reverify_state s = { 0 };
	TRY(request(c, &r, why));
	TRY(follow(c, &r, &s, why));
	if (s.error[0] != '\0')
		return fault_set(why, STORAGE_FAILED, "%s", s.error);
	if (s.result.corrupt + s.result.failed > 0)
		printf("The server's log names the images: tintype logs --grep image.damaged, and --grep reverify.failed\n");
	return end_run(c, &s.result, !s.complete, why);
}

static enum status run_command(struct command *c, struct backends *e, int argc, char **argv, struct fault *why)
{
	TRY(read_arguments(c, argc, argv, why));
	TRY(maintain_need_database(&c->settings, why));
	enum status st = backends_open(&c->settings, "", e, why);
	if (st != OK && why->code == F_DIR_LOCKED)
		return run_by_server(c, why);
	TRY(st);
	return run_here(c, e, why);
}

int reverify_main(int argc, char **argv)
{
	assert(argc >= 1 && argv != NULL);
	struct fault why = { 0 };
	struct backends e = { 0 };
	struct command c = { .per_second = REVERIFY_RATE_DEFAULT, .shown = isatty(STDERR_FILENO) };
	maintain_catch_signals();
	enum status status = run_command(&c, &e, argc, argv, &why);
	backends_close(&e);
	return maintain_end("reverify", status, &why);
}
