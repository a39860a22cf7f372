/* Items that are images, objects and owners. Those of the backend are examined by the backend.
 *
 * An image and its object cannot be read in one step. The row is read before and after the object: one of another version, or
 * gone, means that both are read again. A repair leaves no image out of the list: one whose object is lost is
 * marked as damaged, as `tintype reverify` does, since its row may be all that there is of it. */
#include "image/maintenance/fsck_items.h"

#include "base/clock.h"
#include "image/publication.h"
#include "image/maintenance/recount.h"
#include "image/thumb_objects.h"
#include "image/verdict.h"
#include "image/verify.h"
#include "port/object_digest.h"

#define TRIES 8
#define SCRATCH_BYTES ((size_t)16 << 20)
#define ROW_BYTES ((size_t)64 << 10)

struct examination {
	const struct fsck_options *o;
	struct product *p;
	bool repair;
	struct arena *arena;
	struct finding_sink *sink;
	struct fsck_item *item;
};

static void report(const struct examination *x, enum finding_kind kind, struct str subject, struct str detail, bool repaired)
{
	x->sink->found(x->sink, &(struct finding){ kind, subject, detail, repaired });
}

/* images */

static struct str mark_of(enum finding_kind kind)
{
	return str_of(finding_words(kind)->name);
}

/* Whether a repair marked it. */
static bool is_marked(const struct image_row *row)
{
	return verdict_is_corrupt(row) &&
		(str_equal(row->damage, mark_of(FINDING_OBJECT_MISSING)) || str_equal(row->damage, mark_of(FINDING_OBJECT_CHANGED)) ||
			str_equal(row->damage, mark_of(FINDING_OBJECT_DAMAGED)));
}

/* The digest of what was received is that of what is stored, where nothing was removed. */
static struct str stored_sha256(const struct image_row *row)
{
	return row->removed == 0 && row->received_size == row->file_size ? row->received_sha256 : STR("");
}

static bool compare_bytes(struct str bytes, const struct object_digests *recorded)
{
	struct object_digest digest;
	object_digest_begin(&digest, recorded);
	object_digest_add(&digest, bytes.p, bytes.n);
	return object_digest_end(&digest);
}

/* What check_inspect does, of a remote store. One that is larger than its row says is not read. */
static enum status inspect_remote(const struct examination *x, const struct image_row *row, struct object_state *out, struct fault *why)
{
	struct object object;
	*out = (struct object_state){ 0 };
	enum status got = store_get(x->p->store, row->key, row->file_size, x->arena, &object, why);
	if (got == LIMIT && why->code == F_IMAGE_TOO_LARGE)
		return store_head(x->p->store, row->key, x->arena, &out->info, why);
	if (got == UPSTREAM || (got == IO && why->code == F_STORAGE_FAILED)) {
		TRY(store_head(x->p->store, row->key, x->arena, &out->info, why));
		out->bytes = FINDING_OBJECT_UNREADABLE;
		out->detail = str_dup(x->arena, str_of(why->cause[0] != '\0' ? why->cause : why->text));
		return OK;
	}
	TRY(got);
	out->info = object.info;
	struct object_digests recorded = { .sha256 = stored_sha256(row), .etag = row->etag };
	bool same = compare_bytes(object.body, &recorded);
	if (!same && recorded.sha256.n > 0) {
		recorded.sha256 = STR("");
		same = compare_bytes(object.body, &recorded);
	}
	x->sink->objects++;
	x->sink->bytes += object.body.n;
	x->sink->unhashed += object_digest_choose(&recorded) == DIGEST_NOTHING;
	out->bytes = same ? FINDING_NONE : FINDING_OBJECT_DAMAGED;
	out->detail = same ? STR("") : STR("its digest is not the recorded one");
	return OK;
}

static enum status inspect(const struct examination *x, const struct image_row *row, struct object_state *out, struct fault *why)
{
	enum status got = x->o->check == NULL ? inspect_remote(x, row, out, why)
										  : check_inspect(x->o->check, row->key, stored_sha256(row), x->arena, x->sink, out, why);
	if (got != NOT_FOUND)
		return got;
	*out = (struct object_state){ .bytes = FINDING_OBJECT_MISSING };
	return OK;
}

/* What is wrong with an uploaded image. */
static struct finding judge(const struct examination *x, const struct image_row *row, const struct object_state *s)
{
	struct finding f = { .kind = s->bytes, .subject = row->image_id, .detail = s->detail };
	bool there = s->info.key.n > 0;
	if (there && row->file_size != s->info.size) {
		f.kind = FINDING_OBJECT_CHANGED;
		f.detail =
			str_printf(x->arena, "it has %llu bytes and not %llu", (unsigned long long)s->info.size, (unsigned long long)row->file_size);
	} else if (there && !str_equal(row->etag, s->info.etag)) {
		f.kind = FINDING_OBJECT_CHANGED;
		f.detail = str_printf(x->arena, "its ETag is %.*s and not %.*s", STRF(s->info.etag), STRF(row->etag));
	}
	if (f.kind == FINDING_NONE && is_marked(row))
		f.kind = FINDING_OBJECT_BACK;
	else if (f.kind == FINDING_NONE && publication_lacks_copy(x->p, row))
		f.kind = FINDING_COPY_MISSING;
	return f;
}

/* One that is whole again is as one that was not decoded. */
static enum status mark(const struct examination *x, const struct image_row *row, enum finding_kind kind, struct fault *why)
{
	struct resolution s = resolution_of(row);
	struct image_row now;
	s.verdict = kind == FINDING_OBJECT_BACK ? STR("") : STR("corrupt");
	s.damage = kind == FINDING_OBJECT_BACK ? STR("") : mark_of(kind);
	return table_resolve(x->p->table, &s, x->arena, &now, why);
}

/* repaired: false too where it was deleted or changed meanwhile. */
static enum status repair_image(const struct examination *x, const struct image_row *row, struct finding *f, struct fault *why)
{
	struct image_row now;
	enum status done = OK;
	if (f->kind == FINDING_OBJECT_UNREADABLE)
		return OK;
	if (f->kind == FINDING_COPY_MISSING)
		done = publication_update(x->p, row, PUBLICATION_NAMED, why);
	else if (f->kind == FINDING_OBJECT_CHANGED && x->o->check == NULL)
		done = verify_object(x->p, row, clock_now_ms(), x->arena, &now, why);
	else
		done = mark(x, row, f->kind, why);
	f->repaired = done == OK;
	return done == NOT_FOUND || done == CONFLICT ? OK : done;
}

/* again: the row has changed between. */
static enum status examine_row(const struct examination *x, const struct image_row *row, bool *again, struct fault *why)
{
	struct object_state state;
	struct image_row now;
	*again = false;
	TRY(inspect(x, row, &state, why));
	struct finding f = judge(x, row, &state);
	if (f.kind == FINDING_NONE)
		return OK;
	enum status got = table_get(x->p->table, row->image_id, x->arena, &now, why);
	if (got == NOT_FOUND || (got == OK && now.status != IMAGE_UPLOADED))
		return OK;
	TRY(got);
	*again = now.version != row->version;
	if (*again)
		return OK;
	if (is_marked(&now) && f.kind != FINDING_OBJECT_BACK) {
		x->item->marked = 1;
		return OK;
	}
	if (x->repair)
		TRY(repair_image(x, &now, &f, why));
	x->sink->found(x->sink, &f);
	return OK;
}

static enum status examine_image(const struct examination *x, struct str id, struct fault *why)
{
	bool again = true;
	for (int i = 0; i < TRIES && again; i++) {
		struct arena of_row CLEANUP(arena_deinit), a CLEANUP(arena_deinit) = { 0 };
		struct examination one = *x;
		struct image_row row = { 0 };
		enum status got = OK;
		arena_init(&of_row, ROW_BYTES);
		if (i == 0 && x->item->row != NULL)
			row = *x->item->row;
		else
			got = table_get(x->p->table, id, &of_row, &row, why);
		if (got == NOT_FOUND || (got == OK && row.status != IMAGE_UPLOADED))
			return OK;
		TRY(got);
		arena_init(&a, SCRATCH_BYTES + (x->o->check == NULL ? (size_t)row.file_size : 0));
		one.arena = &a;
		TRY(examine_row(&one, &row, &again, why));
	}
	return OK;
}

/* objects */

/* What is wrong with a key, judged by the row of its image; NULL: the image has no row. Pure. */
static enum finding_kind judge_key(const struct examination *x, struct str key, const struct image_row *row)
{
	bool shown = row != NULL && row->status == IMAGE_UPLOADED && row->is_public;
	bool gone = row == NULL || row->status == IMAGE_REJECTED;
	if (str_starts_with(key, PUBLIC_PREFIX))
		return x->p->cdn == NULL || shown ? FINDING_NONE : FINDING_COPY_UNWANTED;
	if (str_starts_with(key, THUMB_PREFIX))
		return gone ? FINDING_THUMBNAIL_ORPHAN : FINDING_NONE;
	if (row == NULL || !str_equal(row->key, key))
		return FINDING_OBJECT_ORPHAN;
	return gone ? FINDING_OBJECT_REJECTED : FINDING_NONE;
}

static struct str id_of(struct str key)
{
	if (str_starts_with(key, IMAGE_PREFIX))
		return image_id_of_key(key);
	return image_id_of_variant(str_starts_with(key, THUMB_PREFIX) ? THUMB_PREFIX : PUBLIC_PREFIX, key);
}

static enum status look_at_row(const struct examination *x, struct str key, enum finding_kind *kind, struct fault *why)
{
	struct image_row row;
	struct str id = id_of(key);
	enum status got = id.n == 0 ? NOT_FOUND : table_get(x->p->table, id, x->arena, &row, why);
	if (got != OK && got != NOT_FOUND)
		return got;
	*kind = judge_key(x, key, got == OK ? &row : NULL);
	return OK;
}

static enum status remove_key(const struct examination *x, struct str key, enum finding_kind kind, struct fault *why)
{
	return kind == FINDING_COPY_UNWANTED ? publication_remove(x->p, id_of(key), true, why) : store_remove(x->p->store, key, why);
}

/* The row, the object, and the row again. A recent orphan is left alone, as by the sweep. */
static enum status examine_key(const struct examination *x, struct str key, struct fault *why)
{
	enum finding_kind kind = FINDING_NONE, after = FINDING_NONE;
	struct object_info there;
	TRY(look_at_row(x, key, &kind, why));
	if (kind == FINDING_NONE)
		return OK;
	enum status got = store_head(x->p->store, key, x->arena, &there, why);
	if (got == NOT_FOUND)
		return OK;
	TRY(got);
	if (kind == FINDING_OBJECT_ORPHAN && there.modified_ms > clock_now_ms() - (int64_t)x->p->rules.orphan_ttl_s * 1000)
		return OK;
	TRY(look_at_row(x, key, &after, why));
	if (after != kind)
		return OK;
	if (x->repair)
		TRY(remove_key(x, key, kind, why));
	report(x, kind, key, str_printf(x->arena, "%llu bytes", (unsigned long long)there.size), x->repair);
	return OK;
}

/* owners */

static void report_usage(void *arg, const struct user_repair *one, const char *change)
{
	const struct examination *x = arg;
	report(x, FINDING_COUNTS, one->owner, str_of(change), x->repair);
}

static enum status examine_users(struct examination *x, struct fault *why)
{
	struct recount_result done;
	const struct recount_options o = { .only_check = !x->repair, .repaired = report_usage, .arg = x };
	return x->p->users != NULL ? recount_run(x->p, &o, &done, why) : OK;
}

enum status fsck_examine_item(
	const struct fsck_options *o, struct fsck_item *item, bool repair, struct finding_sink *sink, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct examination x = { .o = o, .p = o->product, .repair = repair, .arena = &a, .sink = sink, .item = item };
	struct str name = item->name, word = str_cut(&name, '/');
	arena_init(&a, SCRATCH_BYTES);
	item->marked = 0;
	if (str_equal(word, STR("image")))
		return examine_image(&x, name, why);
	if (str_equal(word, STR("key")))
		return examine_key(&x, name, why);
	if (str_equal(word, STR("users")))
		return examine_users(&x, why);
	if (o->check == NULL)
		return fault_set(why, INVALID_INPUT, "Nothing is called %.*s here.", STRF(item->name));
	return check_examine(o->check, item->name, repair, &a, sink, why);
}

enum status fsck_examine(const struct fsck_options *o, struct str item, bool repair, struct finding_sink *sink, struct fault *why)
{
	assert(o != NULL && o->product != NULL && sink != NULL && sink->found != NULL);
	struct fsck_item one = { .name = item };
	return fsck_examine_item(o, &one, repair, sink, why);
}
