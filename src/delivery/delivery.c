/* The /i/ routes. See delivery.h.
 *
 * With the embedded store a request is answered on the reactor: the row is an indexed read, the object is open already or is
 * opened by descriptor. With a remote one it runs on a worker, which fetches the object whole and sends it itself: only so can a
 * CDN in front keep the bytes. A client that reads slowly holds them in memory for as long, so all such bodies together have a
 * ceiling; beyond it, for large objects, and on Lambda for all but thumbnails, the response is a redirect to a presigned URL.
 * Errors are problems, as the API's, and no cache may keep one. */
#include "delivery/delivery.h"

#include "base/clock.h"
#include "base/mem.h"
#include "delivery/response.h"
#include "image/image_service.h"
#include "image/thumbnails.h"

#include <stdatomic.h>

#define ROUTE_PUBLIC "GET /i/{imageId}/{variant}"
#define ROUTE_SIGNED "GET /i/{sig}.{exp}/{imageId}/{variant}"
/* Of a remote store: what is fetched and sent here, of one object and of all together. */
#define FETCH_MAX_BYTES ((uint64_t)16 << 20)
#define FETCHED_MAX_BYTES ((uint64_t)64 << 20)
#define THUMBNAIL_MAX_BYTES ((uint64_t)4 << 20) /* of the renderer's window */
#define FETCH_ARENA_SPARE ((size_t)256 << 10)

struct delivery {
	struct handler handler;
	struct delivery_options o;
	_Atomic uint64_t fetched_bytes; /* in responses that are being sent */
};

/* A request for a picture, while it is answered. */
struct pending_delivery {
	struct thumbnail_wait wait; /* for its thumbnail */
	struct delivery *delivery;
	struct request_context *x;
	struct delivered delivered;
};

static struct delivery *delivery_of(struct handler *h)
{
	return (struct delivery *)h;
}

/* the object */

static enum status no_such_picture(struct fault *why)
{
	return fault_set(why, NO_SUCH_IMAGE, "There is no such picture, or it is not public.");
}

static enum status open_local(struct delivery *d, struct request_context *x, struct delivered *p, struct fault *why)
{
	struct object_file file = { .fd = -1 };
	if (bucket_open(d->o.buckets, d->o.bucket, p->row.key, &x->arena, &file, why) != OK)
		return why->code == F_NO_SUCH_KEY ? no_such_picture(why) : fault_status(why->code);
	/* from here the response owns the object: resetting it closes the object */
	x->answer.fd = file.fd;
	x->answer.body = file.bytes;
	x->answer.hold = file.hold;
	p->info = file.info;
	p->info.etag = str_dup(&x->arena, file.info.etag); /* a response without a body releases the object */
	return OK;
}

/* The bytes of a remote object, for as long as the response needs them. */
struct fetched {
	struct body_hold hold;
	struct delivery *delivery;
	uint64_t bytes;
	struct arena arena;
};

static void release_fetched(struct body_hold *hold)
{
	struct fetched *f = (struct fetched *)hold;
	atomic_fetch_sub(&f->delivery->fetched_bytes, f->bytes);
	arena_deinit(&f->arena);
	mem_free(f);
}

/* NULL: it is too large, or the responses that are being sent hold as much as they may. */
static struct fetched *reserve_fetch(struct delivery *d, uint64_t bytes)
{
	if (bytes > FETCH_MAX_BYTES)
		return NULL;
	if (atomic_fetch_add(&d->fetched_bytes, bytes) + bytes > FETCHED_MAX_BYTES) {
		atomic_fetch_sub(&d->fetched_bytes, bytes);
		return NULL;
	}
	struct fetched *f = mem_new(1, sizeof *f);
	if (f == NULL) {
		atomic_fetch_sub(&d->fetched_bytes, bytes);
		return NULL;
	}
	*f = (struct fetched){ .hold = { release_fetched }, .delivery = d, .bytes = bytes };
	arena_init(&f->arena, (size_t)bytes + FETCH_ARENA_SPARE);
	return f;
}

/* In place of the headers that are there: those are of the bytes. What is kept of it ends with the link, or before its URL does. */
static enum status redirect(struct delivery *d, struct request_context *x, const struct delivered *p, struct fault *why)
{
	struct presigned read;
	TRY(image_service_download(d->o.product, &p->row, x->request.method, &x->arena, &read, why));
	int64_t age_s = image_service_redirect_age(&read), left_s = p->link.expires_s - clock_now_ms() / 1000;
	if (p->link.is_signed && left_s < age_s)
		age_s = left_s;
	bool kept = d->o.redirects && !response_is_head(x) && age_s > 0; /* else the next one may be sent from here */
	x->answer.n_headers = 0;
	x->answer.status = 302;
	answer_header(&x->answer, STR("Location"), read.url);
	answer_header(
		&x->answer, STR("Cache-Control"), kept ? str_printf(&x->arena, "private, max-age=%lld", (long long)age_s) : STR("no-store"));
	response_common_headers(x);
	return OK;
}

/* A client that has the bytes, or asks for none, needs none from the store. Bytes that were written over those that were verified
 * are not delivered until they have been verified too. */
static enum status answer_remote(struct delivery *d, struct request_context *x, struct delivered *p, struct fault *why)
{
	struct object object;
	bool complete;
	p->info = (struct object_info){
		.size = p->row.file_size, .etag = p->row.etag, .modified_ms = p->row.modified_ms > 0 ? p->row.modified_ms : p->row.uploaded_ms
	};
	TRY(response_conditions(x, p, &complete, why));
	if (complete)
		return OK;
	if (response_is_head(x))
		return response_bytes(x, p, why);
	struct fetched *f = d->o.redirects ? NULL : reserve_fetch(d, p->row.file_size);
	if (f == NULL)
		return redirect(d, x, p, why);
	x->answer.hold = &f->hold; /* released with the answer, whatever comes */
	enum status got = store_get(d->o.product->store, p->row.key, p->row.file_size, &f->arena, &object, why);
	if (why->code == F_NO_SUCH_KEY || why->code == F_IMAGE_TOO_LARGE || (got == OK && !str_equal(object.info.etag, p->row.etag)))
		return no_such_picture(why);
	TRY(got);
	x->answer.body = object.body;
	p->info.size = object.body.n;
	return response_bytes(x, p, why);
}

/* the request */

static enum status read_request(struct delivery *d, struct request_context *x, struct delivered *p, struct fault *why)
{
	x->answer.route = ROUTE_SIGNED;
	if (!str_is_word_of(x->request.method, STR("GET HEAD OPTIONS")))
		return fault_set(why, BAD_METHOD, "A delivery link allows GET and HEAD.");
	enum delivery_answer read = delivery_link_read(x->request.path, &d->o.product->delivery.keys, clock_now_ms() / 1000, &p->link);
	if (read == DELIVERY_UNKNOWN)
		return no_such_picture(why);
	x->answer.route = p->link.is_signed ? ROUTE_SIGNED : ROUTE_PUBLIC;
	x->answer.image_id = p->link.image_id;
	if (read == DELIVERY_EXPIRED)
		return fault_set(why, LINK_EXPIRED, "This link has expired; request a new one.");
	return OK;
}

/* Whether the link's thumbnail is to be made first. */
static bool is_missing(const struct delivered *p, const struct fault *why)
{
	return why->code == F_NO_SUCH_KEY && !str_equal(p->link.variant, STR("original"));
}

/* What a browser saves it as: the WebP of "photo.jpg" is "photo.webp". */
static struct str thumbnail_file_name(struct arena *a, struct str file_name, struct str variant)
{
	size_t end = file_name.n, dot = str_find_char(variant, '.');
	while (end > 0 && file_name.p[end - 1] != '.')
		end--;
	struct str stem = end > 1 ? str_slice(file_name, 0, end - 1) : file_name;
	return str_printf(a, "%.*s%.*s", STRF(stem), STRF(str_slice(variant, dot, variant.n)));
}

/* One that was made before; else NO_SUCH_KEY, except that on a worker thread it is made first. */
static enum status answer_thumbnail(struct delivery *d, struct request_context *x, struct delivered *p, struct fault *why)
{
	struct thumbnails *t = d->o.product->thumbnails;
	struct object_file file = { .fd = -1 };
	struct arena *a = &x->arena;
	if (t == NULL)
		return no_such_picture(why);
	if (thumbnails_find_waits(t)) {
		struct fetched *f = reserve_fetch(d, THUMBNAIL_MAX_BYTES);
		if (f == NULL)
			return fault_set(why, OVERLOADED, "Too many thumbnails are being sent. Try again in a moment.");
		x->answer.hold = &f->hold;
		a = &f->arena;
	}
	enum status found = thumbnails_find_waits(t) ? thumbnails_get(t, &p->row, p->link.variant, &x->request.client, a, &file, why)
												 : thumbnails_find(t, &p->row, p->link.variant, a, &file, why);
	if (found != OK)
		return why->code == F_NO_SUCH_IMAGE ? no_such_picture(why) : found;
	x->answer.fd = file.fd;
	x->answer.body = file.bytes;
	if (file.hold != NULL)
		x->answer.hold = file.hold;
	p->info = file.info;
	p->info.etag = str_dup(&x->arena, file.info.etag);
	p->row.file_type = file.info.content_type;
	p->row.file_name = thumbnail_file_name(&x->arena, p->row.file_name, p->link.variant);
	return response_opened(x, p, why);
}

static enum status answer_link(struct delivery *d, struct request_context *x, struct delivered *p, struct fault *why)
{
	if (table_get(d->o.product->table, p->link.image_id, &x->arena, &p->row, why) != OK)
		return why->code == F_NO_SUCH_IMAGE ? no_such_picture(why) : fault_status(why->code);
	if (p->row.status != IMAGE_UPLOADED || (!p->link.is_signed && !p->row.is_public))
		return no_such_picture(why);
	if (!str_equal(p->link.variant, STR("original")))
		return answer_thumbnail(d, x, p, why);
	if (!image_service_has_original(d->o.product, &p->row))
		return no_such_picture(why);
	if (d->o.buckets == NULL)
		return answer_remote(d, x, p, why);
	TRY(open_local(d, x, p, why));
	return response_opened(x, p, why);
}

static enum handler_step on_head(struct handler *h, struct request_context *x)
{
	struct delivery *d = delivery_of(h);
	struct fault why = { 0 };
	if (!delivery_link_is_path(x->request.path))
		return d->o.next->ops->on_head(d->o.next, x);
	struct pending_delivery *pending = ARENA_NEW(&x->arena, struct pending_delivery);
	struct delivered *p = pending != NULL ? &pending->delivered : NULL;
	enum status status = p == NULL ? fault_too_much(&why) : read_request(d, x, p, &why);
	if (status == OK && str_equal(x->request.method, STR("OPTIONS"))) {
		response_preflight(x);
		return HANDLER_ANSWER;
	}
	if (status == OK && d->o.buckets == NULL) {
		x->handler_state = pending;
		return HANDLER_RUN;
	}
	if (status == OK)
		status = answer_link(d, x, p, &why);
	if (status != OK && is_missing(p, &why)) {
		x->handler_state = pending;
		return HANDLER_RUN_ASYNC;
	}
	if (status != OK)
		response_problem(x, &why);
	return HANDLER_ANSWER;
}

static enum handler_step check(struct handler *h, struct request_context *x)
{
	struct handler *next = delivery_of(h)->o.next;
	assert(!delivery_link_is_path(x->request.path));
	return next->ops->check(next, x);
}

static enum status on_body(struct handler *h, struct request_context *x, const char *p, size_t n)
{
	struct handler *next = delivery_of(h)->o.next;
	struct fault why = { 0 };
	if (!delivery_link_is_path(x->request.path))
		return next->ops->on_body(next, x, p, n);
	(void)fault_set(&why, BODY_TOO_LARGE, "A request for a delivery link must not have a body.");
	response_problem(x, &why);
	return fault_status(why.code);
}

static void run_request(struct handler *h, struct request_context *x)
{
	struct delivery *d = delivery_of(h);
	struct fault why = { 0 };
	if (!delivery_link_is_path(x->request.path))
		d->o.next->ops->run(d->o.next, x);
	else if (answer_link(d, x, &((struct pending_delivery *)x->handler_state)->delivered, &why) != OK)
		response_problem(x, &why);
}

/* On a maker's thread. */
static void on_thumbnail(struct thumbnail_wait *w, enum status st)
{
	struct pending_delivery *p = (struct pending_delivery *)w;
	struct request_context *x = p->x;
	if (st == OK)
		st = answer_link(p->delivery, x, &p->delivered, &w->why);
	if (st != OK && is_missing(&p->delivered, &w->why)) /* it was removed again to make room for others */
		st = fault_set(&w->why, OVERLOADED, "Too many thumbnails are being made. Try again in a moment.");
	if (st != OK)
		response_problem(x, &w->why);
	x->done(x);
}

/* A thumbnail that is made first: no thread waits for it. */
static void run_request_async(struct handler *h, struct request_context *x)
{
	struct delivery *d = delivery_of(h);
	struct pending_delivery *p = x->handler_state;
	if (!delivery_link_is_path(x->request.path)) {
		d->o.next->ops->run_async(d->o.next, x);
		return;
	}
	p->wait = (struct thumbnail_wait){ .done = on_thumbnail };
	p->delivery = d;
	p->x = x;
	thumbnails_make(d->o.product->thumbnails, &p->delivered.row, p->delivered.link.variant, &x->request.client, &p->wait);
}

static void on_abort(struct handler *h, struct request_context *x, const struct fault *why)
{
	struct handler *next = delivery_of(h)->o.next;
	if (!delivery_link_is_path(x->request.path))
		next->ops->on_abort(next, x, why);
}

static void on_error(struct handler *h, struct request_context *x, const struct fault *why)
{
	struct handler *next = delivery_of(h)->o.next;
	if (delivery_link_is_path(x->request.path))
		response_problem(x, why);
	else
		next->ops->on_error(next, x, why);
}

static void on_gone(struct handler *h, struct request_context *x)
{
	struct handler *next = delivery_of(h)->o.next;
	if (!delivery_link_is_path(x->request.path) && next->ops->on_gone != NULL)
		next->ops->on_gone(next, x);
}

static void on_drain(struct handler *h)
{
	struct handler *next = delivery_of(h)->o.next;
	if (next->ops->on_drain != NULL)
		next->ops->on_drain(next);
}

static const struct handler_ops ops = { on_head, on_body, run_request, on_abort, on_error, run_request_async, on_gone, on_drain, check };

struct delivery *delivery_new(const struct delivery_options *o)
{
	assert(o != NULL && o->product != NULL && o->next != NULL);
	assert(o->buckets == NULL || o->bucket.n > 0);
	struct delivery *d = mem_new(1, sizeof *d);
	if (d == NULL)
		return NULL;
	*d = (struct delivery){ .handler = *o->next, .o = *o };
	d->handler.ops = &ops;
	return d;
}

void delivery_free(struct delivery **d)
{
	if (d == NULL)
		return;
	mem_free(*d);
	*d = NULL;
}

struct handler *delivery_handler(struct delivery *d)
{
	assert(d != NULL);
	return &d->handler;
}
