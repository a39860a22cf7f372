/* See thumbnails.h: which thumbnails an image has, where they are found, and how one is made. When, and by which thread, is left to
 * thumb_makers.c. */
#include "image/thumbnails.h"

#include "base/codec.h"
#include "base/hash.h"
#include "base/log/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "image/delivery_link.h"
#include "image/presets.h"
#include "image/slot.h"
#include "image/verdict.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS_MAX 3 /* as often as the bytes may be replaced while a thumbnail is made */
#define ROW_BYTES ((size_t)64 << 10)
#define THUMB_BYTES_MAX ((size_t)4 << 20)

struct thumbnails {
	struct thumbnails_options o;
	struct preset presets[THUMBNAIL_PRESETS_MAX];
	size_t n, at_upload;         /* at_upload: n: none */
	struct thumb_makers *makers; /* NULL: none */
};

/* The presets */

static enum status read_presets(struct thumbnails *t, struct fault *why)
{
	TRY(presets_read(t->o.presets, t->presets, &t->n, why));
	t->at_upload = t->n;
	if (t->o.at_upload.n > 0 && !thumbnails_preset(t, t->o.at_upload, &t->at_upload))
		return fault_set(why, BAD_SETTING,
			"--thumbnail-at-upload (TINTYPE_THUMBNAIL_AT_UPLOAD) must be none, or the name of a preset of --thumbnails, not \"%.*s\"",
			STRF(t->o.at_upload));
	return OK;
}

size_t thumbnails_count(const struct thumbnails *t)
{
	return t->n;
}

struct str thumbnails_name(const struct thumbnails *t, size_t preset)
{
	assert(preset < t->n);
	return t->presets[preset].name;
}

bool thumbnails_preset(const struct thumbnails *t, struct str name, size_t *preset)
{
	return presets_find(t->presets, t->n, name, preset);
}

struct str thumbnails_variant(const struct thumbnails *t, size_t preset, enum render_format format)
{
	assert(preset < t->n);
	return str_of(t->presets[preset].variant[preset_format_index(format)]);
}

const struct render_preset *thumbnails_as(const struct thumbnails *t, size_t preset, enum render_format format)
{
	assert(preset < t->n);
	return &t->presets[preset].as[preset_format_index(format)];
}

struct thumb_queue *thumbnails_queue(const struct thumbnails *t)
{
	return t->o.queue;
}

struct product *thumbnails_product(const struct thumbnails *t)
{
	return t->o.product;
}

struct str thumbnails_media_type(enum render_format format)
{
	static const char *const TYPES[THUMBNAIL_FORMATS] = { "image/webp", "image/jpeg", "image/png" };
	return str_of(TYPES[preset_format_index(format)]);
}

bool thumbnails_possible(const struct image_row *row)
{
	enum render_kind kind;
	bool unverified = media_type_is_heif(row->file_type) && row->verdict.n == 0;
	return row->status == IMAGE_UPLOADED && !unverified && verdict_media_kind(row->file_type, &kind) && !verdict_is_corrupt(row);
}

/* The third byte of a ThumbHash has a bit for alpha. */
static enum render_format plain_format(const struct image_row *row)
{
	struct arena a CLEANUP(arena_deinit);
	struct str hash;
	arena_init(&a, 1024);
	bool alpha = row->placeholder.n >= 4 && base64_decode(&a, str_slice(row->placeholder, 0, 4), &hash) && hash.n == 3 &&
		((unsigned char)hash.p[2] & 0x80) != 0;
	return alpha ? RENDER_TO_PNG : RENDER_TO_JPEG;
}

size_t thumbnails_formats(const struct thumbnails *t, size_t preset, const struct image_row *row, enum render_format out[2])
{
	assert(preset < t->n);
	size_t n = 0;
	if (!t->presets[preset].no_webp)
		out[n++] = RENDER_TO_WEBP;
	out[n++] = plain_format(row);
	return n;
}

bool thumbnails_recorded(const struct image_row *row, struct str variant)
{
	struct str rest = row->thumbs;
	while (rest.n > 0)
		if (str_equal(str_cut(&rest, ','), variant))
			return true;
	return false;
}

size_t thumbnails_offered(const struct thumbnails *t, size_t preset, const struct image_row *row, enum render_format out[2])
{
	enum render_format formats[2];
	size_t n = 0;
	for (size_t i = 0, all = thumbnails_formats(t, preset, row, formats); i < all; i++)
		if (t->o.queue == NULL || thumbnails_recorded(row, thumbnails_variant(t, preset, formats[i])))
			out[n++] = formats[i];
	return n;
}

struct render_size thumbnails_size(const struct thumbnails *t, const struct image_row *row, size_t preset)
{
	assert(preset < t->n && row != NULL);
	bool turned = row->orientation >= 5 && !str_equal(row->file_type, STR("image/webp")); /* as browsers do */
	uint32_t width = turned ? row->height : row->width, height = turned ? row->width : row->height;
	return width > 0 && height > 0 ? render_preset_size(&t->presets[preset].as[0], width, height) : (struct render_size){ 0 };
}

/* Finding */

/* Which one a link means. false: none of this image. */
static bool find_variant(
	const struct thumbnails *t, const struct image_row *row, struct str variant, size_t *preset, enum render_format *format)
{
	enum render_format formats[2];
	if (!thumbnails_possible(row))
		return false;
	for (*preset = 0; *preset < t->n; ++*preset)
		for (size_t i = 0, n = thumbnails_formats(t, *preset, row, formats); i < n; i++)
			if (str_equal(variant, thumbnails_variant(t, *preset, formats[i]))) {
				*format = formats[i];
				return true;
			}
	return false;
}

bool thumbnails_has(const struct thumbnails *t, const struct image_row *row, struct str variant)
{
	size_t preset;
	enum render_format format;
	return find_variant(t, row, variant, &preset, &format) && (t->o.queue == NULL || thumbnails_recorded(row, variant));
}

static enum status no_such_variant(struct fault *why)
{
	return fault_set(why, NO_SUCH_IMAGE, "There is no such thumbnail of this image.");
}

enum status thumbnails_find(
	struct thumbnails *t, const struct image_row *row, struct str variant, struct arena *a, struct object_file *out, struct fault *why)
{
	assert(t != NULL && row != NULL && out != NULL);
	size_t preset;
	enum render_format format;
	if (!find_variant(t, row, variant, &preset, &format))
		return no_such_variant(why);
	TRY(thumb_find(t->o.store, row->image_id, variant, a, out, why));
	if (out->info.size == 0) {
		object_file_close(out);
		return fault_set(why, NO_SUCH_IMAGE, "No thumbnail can be made of this image.");
	}
	/* The variant and the image's bytes decide about the thumbnail's. */
	out->info.etag = str_printf(a, "%.*s-%.*s", STRF(row->etag), STRF(variant));
	out->info.content_type = thumbnails_media_type(format);
	if (arena_ok(a))
		return OK;
	object_file_close(out);
	return fault_too_much(why);
}

bool thumbnails_find_waits(const struct thumbnails *t)
{
	return !t->o.store->ops->finds_without_waiting;
}

/* Making */

/* The image, by descriptor where it is a file here. Bytes that were written over those that were verified are not decoded. */
static enum status open_image(
	struct thumbnails *t, const struct image_row *row, struct arena *a, struct object_file *out, struct fault *why)
{
	struct object whole;
	if (t->o.buckets != NULL)
		return bucket_open(t->o.buckets, t->o.bucket, row->key, a, out, why);
	TRY(store_get(t->o.product->store, row->key, t->o.product->rules.max_size_bytes, a, &whole, why));
	if (!str_equal(whole.info.etag, row->etag))
		return fault_set(why, NO_SUCH_IMAGE, "Another file was uploaded here and is waiting to be verified.");
	*out = (struct object_file){ .info = whole.info, .fd = -1, .bytes = whole.body };
	return OK;
}

void thumbnails_charge(const struct thumbnails *t, const struct image_row *row, int64_t bytes)
{
	struct user_table *users = t->o.product->users;
	struct fault why = { 0 };
	if (users != NULL && row->owner.n > 0 && user_add_derived(users, row->owner, bytes, &why) != OK)
		LOG(THUMB_FAILED, STR(""), LOG_S("imageId", row->image_id), LOG_C("text", why.text), LOG_C("cause", why.cause));
}

static enum status render_thumb(
	struct thumbnails *t, const struct thumb_task *task, const struct image_row *row, struct arena *a, struct fault *why)
{
	struct object_file image = { .fd = -1 };
	struct renderer_result made;
	struct renderer_job job = {
		.ops = RENDER_THUMB, .preset = thumbnails_as(t, task->preset, task->format), .presets = 1, .caller = task->caller
	};
	if (!verdict_media_kind(row->file_type, &job.kind))
		return no_such_variant(why);
	TRY(open_image(t, row, a, &image, why));
	assert(t->o.product->renderer != NULL);
	job.fd = image.fd;
	job.size_bytes = image.info.size;
	job.bytes = image.bytes;
	enum status st = renderer_run(t->o.product->renderer, &job, a, &made, why);
	object_file_close(&image);
	TRY(st);
	struct str bytes = made.answer.presets == 1 ? made.thumb[0] : STR("");
	TRY(thumb_keep(t->o.store, row->image_id, thumbnails_variant(t, task->preset, task->format), bytes, why));
	thumbnails_charge(t, row, (int64_t)bytes.n);
	metric_add(bytes.n > 0 ? M_THUMBS_MADE : M_THUMBS_FAILED, 1);
	return bytes.n > 0 ? OK : fault_set(why, NO_SUCH_IMAGE, "No thumbnail can be made of this image.");
}

/* The row is read before and afterwards: an image that is deleted in the meantime leaves no thumbnail behind, nor do bytes that are
 * replaced.
 * Errors  STATE_CHANGED the row is of other bytes by now */
static enum status make_once(struct thumbnails *t, const struct thumb_task *task, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct image_row row, now;
	struct image_table *table = t->o.product->table;
	arena_init(&a, (size_t)t->o.product->rules.max_size_bytes + THUMB_BYTES_MAX + 2 * ROW_BYTES);
	TRY(table_get(table, str_of(task->id), &a, &row, why));
	if (row.status != IMAGE_UPLOADED)
		return no_such_variant(why);
	struct object_file made = { .fd = -1 };
	if (thumb_find(t->o.store, row.image_id, thumbnails_variant(t, task->preset, task->format), &a, &made, why) == OK) { /* just made */
		object_file_close(&made);
		return OK;
	}
	enum status st = render_thumb(t, task, &row, &a, why);
	struct fault gone = { 0 };
	enum status got = table_get(table, str_of(task->id), &a, &now, &gone);
	bool is_uploaded = got == OK && now.status == IMAGE_UPLOADED;
	if ((got != OK && got != NOT_FOUND) || (is_uploaded && str_equal(now.etag, row.etag)))
		return st;
	thumbnails_remove(t, &row);
	return is_uploaded ? fault_set(why, STATE_CHANGED, "The image was replaced while its thumbnail was made.") : no_such_variant(why);
}

static enum status make_thumb(void *arg, const struct thumb_task *task, struct fault *why)
{
	struct thumbnails *t = arg;
	enum status st = CONFLICT;
	for (int round = 0; round < ROUNDS_MAX && st == CONFLICT; round++)
		st = make_once(t, task, why);
	return st;
}

/* false: there is no such variant of this image. */
static bool task_of(
	const struct thumbnails *t, const struct image_row *row, struct str variant, const struct client_addr *caller, struct thumb_task *out)
{
	*out = (struct thumb_task){ 0 };
	if (caller != NULL)
		out->caller = *caller;
	(void)snprintf(out->id, sizeof out->id, "%.*s", STRF(row->image_id));
	return find_variant(t, row, variant, &out->preset, &out->format);
}

void thumbnails_make(
	struct thumbnails *t, const struct image_row *row, struct str variant, const struct client_addr *caller, struct thumbnail_wait *w)
{
	assert(t != NULL && row != NULL && w != NULL && w->done != NULL);
	struct thumb_task task;
	if (task_of(t, row, variant, caller, &task))
		thumb_makers_add(t->makers, &task, w);
	else
		w->done(w, no_such_variant(&w->why));
}

struct blocking_wait {
	struct thumbnail_wait wait;
	enum status status;
	sem_t finished;
};

static void on_made(struct thumbnail_wait *w, enum status st)
{
	struct blocking_wait *b = (struct blocking_wait *)w;
	b->status = st;
	sem_post(&b->finished);
}

enum status thumbnails_get(struct thumbnails *t, const struct image_row *row, struct str variant, const struct client_addr *caller,
	struct arena *a, struct object_file *out, struct fault *why)
{
	struct blocking_wait b = { .wait = { .done = on_made } };
	enum status st = thumbnails_find(t, row, variant, a, out, why);
	if (st == OK || why->code != F_NO_SUCH_KEY)
		return st;
	if (t->o.queue != NULL)
		return no_such_variant(why);
	if (t->makers == NULL) {
		struct thumb_task task;
		if (!task_of(t, row, variant, caller, &task))
			return no_such_variant(why);
		TRY(make_thumb(t, &task, why));
		return thumbnails_find(t, row, variant, a, out, why);
	}
	sem_init(&b.finished, 0, 0);
	thumbnails_make(t, row, variant, caller, &b.wait);
	while (sem_wait(&b.finished) != 0)
		assert(errno == EINTR);
	sem_destroy(&b.finished);
	if (b.status == OK)
		return thumbnails_find(t, row, variant, a, out, why);
	*why = b.wait.why;
	return b.status;
}

/* At upload, and the end */

/* Whether the image has alpha is not known before it is decoded: of a preset without WebP it is made as a JPEG, and dropped if that is
 * not its format. */
static enum render_format upload_format(const struct thumbnails *t)
{
	return t->presets[t->at_upload].no_webp ? RENDER_TO_JPEG : RENDER_TO_WEBP;
}

const struct render_preset *thumbnails_at_upload(const struct thumbnails *t)
{
	return t != NULL && t->at_upload < t->n ? thumbnails_as(t, t->at_upload, upload_format(t)) : NULL;
}

enum status thumbnails_keep(struct thumbnails *t, const struct image_row *row, struct str variant, struct str bytes, struct fault *why)
{
	return thumb_keep(t->o.store, row->image_id, variant, bytes, why);
}

void thumbnails_keep_upload(struct thumbnails *t, const struct image_row *row, struct str bytes)
{
	assert(t->at_upload < t->n && bytes.n > 0);
	struct fault why = { 0 };
	struct str variant = thumbnails_variant(t, t->at_upload, upload_format(t));
	if (thumb_keep(t->o.store, row->image_id, variant, bytes, &why) == OK) {
		metric_add(M_THUMBS_MADE, 1);
		thumbnails_charge(t, row, (int64_t)bytes.n);
	} else
		LOG(THUMB_FAILED, STR(""), LOG_S("imageId", row->image_id), LOG_C("text", why.text), LOG_C("cause", why.cause));
}

enum status thumbnails_measure(struct thumbnails *t, struct str image_id, uint64_t *bytes, struct fault *why)
{
	return thumb_measure(t->o.store, image_id, bytes, why);
}

void thumbnails_remove(struct thumbnails *t, const struct image_row *row)
{
	struct fault why = { 0 };
	uint64_t bytes = 0;
	if (t == NULL)
		return;
	bool is_charged = t->o.product->users != NULL && row->owner.n > 0;
	if (is_charged && thumb_measure(t->o.store, row->image_id, &bytes, &why) != OK)
		bytes = 0;
	thumb_remove(t->o.store, row->image_id);
	thumbnails_charge(t, row, -(int64_t)bytes);
}

enum status thumbnails_new(const struct thumbnails_options *o, struct thumbnails **out, struct fault *why)
{
	assert(o != NULL && out != NULL && o->product != NULL && o->store != NULL);
	assert(o->makers == 0 || o->product->renderer != NULL);
	struct thumbnails *t = mem_new(1, sizeof *t);
	if (t == NULL)
		return fault_no_memory(why);
	t->o = *o;
	*out = t;
	enum status st = read_presets(t, why);
	if (st == OK && o->makers > 0)
		st = thumb_makers_start(o->makers, make_thumb, t, &t->makers, why);
	if (st != OK)
		thumbnails_free(out);
	return st;
}

void thumbnails_free(struct thumbnails **at)
{
	assert(at != NULL);
	struct thumbnails *t = *at;
	if (t == NULL)
		return;
	thumb_makers_stop(&t->makers);
	mem_free(t);
	*at = NULL;
}
