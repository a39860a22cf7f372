/* Backups in a bucket, each name an object below the prefix. S3 puts an object whole or not at all, so nothing waits to be named. The lock is
 * an object too, PREFIX/lock: made where there is none, and renewed or taken over only where it is still the one that was seen, by
 * conditional writes; it ends by itself a while after its owner was killed. A service that ignores the conditions has no lock. */
#include "backup/target.h"

#include "aws/aws.h"
#include "backup/format.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define LOCK "lock"
#define LOCK_MS (10 * 60 * (int64_t)1000)
#define LOCK_RENEW_MS (60 * (int64_t)1000)
#define LOCK_MAX_BYTES 256
#define ETAG_MAX 128
#define PREFIX_MAX 512
#define PAGE 1000
#define PAGE_BYTES ((size_t)32 << 20)
#define SCRATCH_BYTES ((size_t)4 << 20)
#define TYPE STR("application/octet-stream")

struct s3_target {
	struct target base;
	struct object_store *store;
	char prefix[PREFIX_MAX]; /* with "/" at its end, or empty */
	char id[UUID_CHARS + 1];
	char etag[ETAG_MAX + 1]; /* of the lock; empty: not ours */
	int64_t renewed_ms;      /* by the monotonic clock */
};

static struct str key_of(const struct s3_target *s, struct str name, struct arena *a)
{
	return str_printf(a, "%s%.*s", s->prefix, STRF(name));
}

static enum status put_object(struct target *t, struct str name, struct str bytes, struct fault *why)
{
	struct s3_target *s = (struct s3_target *)t;
	struct arena a CLEANUP(arena_deinit);
	arena_init(&a, SCRATCH_BYTES);
	return store_put(s->store, key_of(s, name, &a), TYPE, bytes, why);
}

static enum status flush_nothing(struct target *t, struct fault *why)
{
	(void)t;
	(void)why;
	return OK;
}

/* With its ETag.  What a response takes beside the body is not the caller's. */
static enum status fetch(struct s3_target *s, struct str name, uint64_t max_bytes, struct arena *a, struct object *out, struct fault *why)
{
	struct arena scratch CLEANUP(arena_deinit);
	struct object found;
	arena_init(&scratch, SCRATCH_BYTES + 3 * max_bytes);
	enum status status = store_get(s->store, key_of(s, name, &scratch), max_bytes, &scratch, &found, why);
	if (status != OK && why->code == F_NO_SUCH_KEY)
		return fault_set(why, NO_SUCH_KEY, "%.*s is missing", STRF(name));
	if (status != OK && why->code == F_IMAGE_TOO_LARGE)
		return fault_set(why, DATA_DAMAGED, "%.*s is damaged: it has too many bytes", STRF(name));
	TRY(status);
	out->body = str_dup(a, found.body);
	out->info.etag = str_dup(a, found.info.etag);
	return fault_check_arena(a, why);
}

static enum status get_object(struct target *t, struct str name, uint64_t max_bytes, struct arena *a, struct str *out, struct fault *why)
{
	struct object found;
	TRY(fetch((struct s3_target *)t, name, max_bytes, a, &found, why));
	*out = found.body;
	return OK;
}

static enum status list_objects(struct target *t, struct str folder, struct names *out, struct fault *why)
{
	struct s3_target *s = (struct s3_target *)t;
	struct arena texts CLEANUP(arena_deinit);
	char after[2 * BACKUP_NAME_MAX + PREFIX_MAX] = "";
	size_t n_prefix = strlen(s->prefix);
	arena_init(&texts, SCRATCH_BYTES);
	struct str prefix = str_printf(&texts, "%s%.*s/", s->prefix, STRF(folder));
	for (bool more = true; more;) {
		struct arena a CLEANUP(arena_deinit);
		struct object_page page;
		arena_init(&a, PAGE_BYTES);
		TRY(store_list(s->store, prefix, str_of(after), PAGE, &a, &page, why));
		for (size_t i = 0; i < page.n; i++) {
			const struct object_info *o = &page.objects[i];
			TRY(names_add(out, str_slice(o->key, n_prefix, o->key.n), o->size, why));
		}
		more = page.more && page.n > 0;
		if (more && snprintf(after, sizeof after, "%.*s", STRF(page.objects[page.n - 1].key)) >= (int)sizeof after)
			return fault_set(why, DATA_DAMAGED, "The backup has a name that is too long; remove it: %.100s", after);
	}
	return OK;
}

/* "~" sorts after every character of a name. */
static enum status find_folder(struct target *t, const char *after, char out[BACKUP_NAME_MAX], struct fault *why)
{
	struct s3_target *s = (struct s3_target *)t;
	struct arena a CLEANUP(arena_deinit);
	struct object_page page;
	arena_init(&a, PAGE_BYTES);
	struct str prefix = str_printf(&a, "%sobjects/", s->prefix);
	struct str from = after[0] != '\0' ? str_printf(&a, "%s%s/~", s->prefix, after) : STR("");
	TRY(store_list(s->store, prefix, from, 1, &a, &page, why));
	out[0] = '\0';
	if (page.n == 0)
		return OK;
	struct str rest = str_slice(page.objects[0].key, prefix.n, page.objects[0].key.n), folder = str_cut(&rest, '/');
	(void)snprintf(out, BACKUP_NAME_MAX, "objects/%.*s", STRF(folder));
	return OK;
}

static enum status remove_object(struct target *t, struct str name, struct fault *why)
{
	struct s3_target *s = (struct s3_target *)t;
	struct arena a CLEANUP(arena_deinit);
	arena_init(&a, SCRATCH_BYTES);
	return store_remove(s->store, key_of(s, name, &a), why);
}

/* the lock */

/* Its text is "ID TIME", the time when it ends. Not ours, or malformed: id is not ours. */
static bool read_lock(struct str text, struct str *id, int64_t *ends_ms)
{
	struct str rest = text;
	*id = str_cut(&rest, ' ');
	return clock_parse_iso8601(str_trim(str_cut(&rest, '\n')), ends_ms);
}

/* etag: of the lock that is replaced; "": there is none */
static enum status write_lock(struct s3_target *s, struct str etag, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	char ends[ISO8601_CHARS + 1];
	struct str made;
	arena_init(&a, SCRATCH_BYTES);
	clock_iso8601(clock_now_ms() + LOCK_MS, ends);
	const struct s3_put_if p = {
		.key = key_of(s, STR(LOCK), &a), .content_type = STR("text/plain"), .body = str_printf(&a, "%s %s\n", s->id, ends), .etag = etag
	};
	int64_t now_ms = clock_mono_ms();
	TRY(fault_check_arena(&a, why));
	TRY(s3_store_put_if(s->store, &p, &a, &made, why));
	if (made.n == 0 || made.n > ETAG_MAX)
		return fault_set(why, UPSTREAM_FAILED, "The object store gave no ETag for what was put.");
	(void)snprintf(s->etag, sizeof s->etag, "%.*s", STRF(made));
	s->renewed_ms = now_ms;
	return OK;
}

/* After a condition has failed: whose is it? One of ours is of a call that had to be repeated. */
static enum status judge_lock(struct s3_target *s, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct object found;
	struct str id;
	int64_t ends_ms = 0;
	arena_init(&a, SCRATCH_BYTES);
	TRY(fetch(s, STR(LOCK), LOCK_MAX_BYTES, &a, &found, why));
	bool valid = read_lock(found.body, &id, &ends_ms);
	if (str_equal(id, str_of(s->id))) {
		(void)snprintf(s->etag, sizeof s->etag, "%.*s", STRF(found.info.etag));
		s->renewed_ms = clock_mono_ms();
		return OK;
	}
	if (valid && ends_ms > clock_now_ms())
		return fault_set(
			why, DIR_LOCKED, "Another backup to this place is running, or was killed: wait until %.*s.", 24, found.body.p + id.n + 1);
	return write_lock(s, found.info.etag, why);
}

static enum status take_lock(struct s3_target *s, struct fault *why)
{
	enum status status = write_lock(s, STR(""), why);
	if (status != OK && why->code == F_PRECONDITION)
		status = judge_lock(s, why);
	if (status != OK && (why->code == F_PRECONDITION || why->code == F_NO_SUCH_KEY))
		return fault_set(why, DIR_LOCKED, "Another backup to this place was started at the same time.");
	return status;
}

static enum status renew_lock(struct target *t, bool now, struct fault *why)
{
	struct s3_target *s = (struct s3_target *)t;
	char etag[ETAG_MAX + 1];
	if (!now && clock_mono_ms() < s->renewed_ms + LOCK_RENEW_MS)
		return OK;
	memcpy(etag, s->etag, sizeof etag);
	enum status status = write_lock(s, str_of(etag), why);
	if (status != OK && why->code == F_PRECONDITION)
		status = judge_lock(s, why);
	if (status != OK && (why->code == F_PRECONDITION || why->code == F_NO_SUCH_KEY || why->code == F_DIR_LOCKED)) {
		s->etag[0] = '\0';
		return fault_set(why, DEADLINE, "The backup stood still for too long, and another one may write there now; run it again.");
	}
	return status;
}

/* opening */

static void close_target(struct target *t)
{
	struct s3_target *s = (struct s3_target *)t;
	struct fault ignored;
	/* What is left ends by itself. */
	if (s->etag[0] != '\0' && clock_mono_ms() < s->renewed_ms + LOCK_MS / 2)
		(void)(remove_object(t, STR(LOCK), &ignored) == OK);
	mem_free(s);
}

static const struct target_ops ops = { put_object, flush_nothing, get_object, list_objects, find_folder, remove_object, renew_lock,
	close_target };

/* Whether nothing is below the prefix but a lock. */
static enum status need_unused(struct s3_target *s, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct object_page page;
	arena_init(&a, PAGE_BYTES);
	struct str lock = key_of(s, STR(LOCK), &a);
	TRY(store_list(s->store, str_of(s->prefix), STR(""), 2, &a, &page, why));
	for (size_t i = 0; i < page.n; i++)
		if (!str_equal(page.objects[i].key, lock))
			return fault_set(
				why, BAD_SETTING, "The bucket has objects below \"%s\" that are not part of a backup; name another prefix.", s->prefix);
	return OK;
}

static enum status open_all(struct s3_target *s, enum target_mode mode, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct str mark;
	arena_init(&a, SCRATCH_BYTES);
	enum status status = get_object(&s->base, STR(BACKUP_MARK), LOCK_MAX_BYTES, &a, &mark, why);
	bool marked = status == OK;
	if (!marked && why->code != F_NO_SUCH_KEY)
		return status;
	if (mode == TARGET_READ)
		return marked ? OK : fault_set(why, BAD_SETTING, "There is no backup below \"%s\" in the bucket.", s->prefix);
	if (!marked)
		TRY(need_unused(s, why));
	TRY(take_lock(s, why));
	return marked ? OK : put_object(&s->base, STR(BACKUP_MARK), STR(BACKUP_MARK_TEXT), why);
}

enum status s3_target_open(struct object_store *store, struct str prefix, enum target_mode mode, struct target **out, struct fault *why)
{
	assert(store != NULL && out != NULL);
	struct s3_target *s = mem_new(1, sizeof *s);
	if (s == NULL)
		return fault_no_memory(why);
	s->base.ops = &ops;
	s->store = store;
	uuid_v4(s->id);
	struct target *t = &s->base;
	bool fits = snprintf(s->prefix, sizeof s->prefix, "%.*s%s", STRF(prefix), prefix.n > 0 ? "/" : "") < (int)sizeof s->prefix;
	enum status status = fits ? open_all(s, mode, why) : fault_set(why, BAD_SETTING, "The prefix is too long.");
	if (status == OK)
		*out = t;
	else
		target_free(&t);
	return status;
}
