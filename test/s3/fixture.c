#include "s3/fixture.h"

#include "base/clock.h"
#include "base/mem.h"
#include "fake/rows.h"
#include "sigv4/presign.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define OWNER "AKIAOWNEROWNEROWNER0"
#define SLOTS "AKIASLOTSSLOTSSLOTS0"

static void drop_exchange(struct rig *r)
{
	if (!r->sent)
		return;
	answer_reset(&r->x.answer);
	arena_deinit(&r->x.arena);
	r->sent = false;
}

static int count_files(void)
{
	int n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

void rig_renew(struct rig *r)
{
	s3_free(&r->s3);
	struct s3_ports ports = { .product = &r->product,
		.buckets = trapped_buckets(r->engine),
		.catalog = trapped_catalog(r->engine),
		.parts = trapped_parts(r->engine),
		.keys = &r->ring.port };
	r->s3 = s3_new(&ports, &r->options);
	assert_non_null(r->s3);
	r->handler = s3_handler(r->s3);
}

int rig_up(void **state)
{
	struct rig *r = mem_new(1, sizeof(*r));
	arena_init(&r->arena, 1 << 24);
	r->files = count_files();
	r->engine = trapped_new(STR(RIG_BUCKET), 1000);
	fake_ring_init(&r->ring);
	fake_ring_add(&r->ring, OWNER, "owner-secret", KEY_OWNER);
	fake_ring_add(&r->ring, SLOTS, "slots-secret", KEY_SLOTS);
	r->product = (struct product){ .rules = { .allowed_types = STR("image/jpeg,image/png,image/gif,image/webp"),
									   .max_size_bytes = 1000,
									   .max_pixels = 50000000,
									   .strip = true,
									   .url_ttl_s = 300,
									   .pending_ttl_s = 3600,
									   .rejected_ttl_s = 604800,
									   .orphan_ttl_s = 86400 },
		.store = trapped_store(r->engine),
		.table = trapped_table(r->engine) };
	r->options = (struct s3_options){ .region = STR("us-east-1"), .image_bucket = STR(RIG_BUCKET), .cors_origins = STR("*") };
	rig_renew(r);
	*state = r;
	return 0;
}

int rig_down(void **state)
{
	struct rig *r = *state;
	drop_exchange(r);
	s3_free(&r->s3);
	trapped_free(&r->engine);
	int left = count_files() - r->files;
	arena_deinit(&r->arena);
	mem_free(r);
	return left;
}

static size_t count_headers(const struct header *h)
{
	size_t n = 0;
	while (n < RIG_HEADERS && h[n].name.n > 0)
		n++;
	return n;
}

static const char *or_else(const char *s, const char *default_kind)
{
	return s != NULL ? s : default_kind;
}

/* Who would sign it: what is put under images/ is signed by the slots' key. */
static const char *signer(const struct ask *ask)
{
	bool image = str_starts_with(ask->key, STR("images/")) && strcmp(or_else(ask->method, "GET"), "PUT") == 0;
	return or_else(ask->who, image ? "slots" : "owner");
}

struct str rig_sign(struct rig *r, const struct ask *ask)
{
	bool slots = strcmp(signer(ask), "slots") == 0, unknown = ask->who != NULL && strcmp(ask->who, "unknown") == 0;
	struct sigv4_key key = {
		.access_key = unknown ? STR("AKIAUNKNOWNUNKNOWN00")
			: slots           ? STR(SLOTS)
							  : STR(OWNER),
		.secret = slots ? STR("slots-secret") : STR("owner-secret"),
		.region = str_of(or_else(ask->region, "us-east-1")),
		.service = STR("s3"),
	};
	struct presign_input in = { .method = str_of(or_else(ask->method, "GET")),
		.base_url = STR("http://" RIG_HOST),
		.path = str_printf(&r->arena, "/%s/%.*s", or_else(ask->bucket, RIG_BUCKET), STRF(ask->key)),
		.headers = ask->headers,
		.n_headers = count_headers(ask->headers),
		.query = ask->query,
		.n_query = count_headers(ask->query),
		.now_ms = clock_now_ms() - ask->age_s * 1000,
		.expires_s = ask->expires_s > 0 ? ask->expires_s : 300 };
	struct str url = { 0 };
	struct fault why = { 0 };
	if (presign_url(&key, &in, &r->arena, &url, &why) != OK)
		fail_msg("presign: %s", why.text);
	return str_slice(url, in.base_url.n, url.n);
}

static void fill_headers(struct request *q, struct arena *a, const struct ask *ask)
{
	size_t signed_n = count_headers(ask->headers), more_n = count_headers(ask->more), n = 0;
	struct header *all = arena_array(a, signed_n + more_n + 1, sizeof(*all));
	all[n++] = (struct header){ STR("Host"), STR(RIG_HOST) };
	for (size_t i = 0; i < signed_n; i++)
		all[n++] = ask->headers[i];
	for (size_t i = 0; i < more_n; i++)
		all[n++] = ask->more[i];
	q->headers = all;
	q->n_headers = n;
}

/* What the listener does with the head; false: the query is malformed, and the handler was given. */
static bool read_head(struct rig *r, const struct ask *ask, struct str target)
{
	struct request *q = &r->x.request;
	struct fault why = { 0 };
	size_t mark = str_find_char(target, '?');
	q->arena = &r->x.arena;
	q->id = STR("REQUEST0ID");
	q->method = str_of(or_else(ask->method, "GET"));
	q->target = str_dup(&r->x.arena, target);
	q->path = str_slice(q->target, 0, mark);
	fill_headers(q, &r->x.arena, ask);
	q->chunked = ask->chunked;
	q->has_length = !ask->chunked && !ask->no_length;
	q->length = !q->has_length ? 0 : ask->given > 0 ? ask->given : ask->body.n;
	if (query_parse(&r->x.arena, str_slice(q->target, mark + 1, q->target.n), &q->query, &why) == OK)
		return true;
	r->handler->ops->on_error(r->handler, &r->x, &why);
	return false;
}

static bool give_body(struct rig *r, struct str body)
{
	size_t piece = r->piece > 0 ? r->piece : body.n;
	for (size_t at = 0; at < body.n; at += piece) {
		struct str one = str_slice(body, at, at + piece);
		/* a copy of its own size, so that ASan sees what is read beyond it or kept */
		char *copy = mem_new(one.n, 1);
		memcpy(copy, one.p, one.n);
		r->x.body_bytes += one.n;
		enum status st = r->handler->ops->on_body(r->handler, &r->x, copy, one.n);
		mem_free(copy);
		if (st != OK)
			return false;
	}
	return true;
}

static void wake(struct request_context *x)
{
	struct rig *r = (struct rig *)((char *)x - offsetof(struct rig, x));
	r->woken++;
	sem_post(&r->awake);
}

void rig_send(struct rig *r, const struct ask *ask, struct str target)
{
	struct fault why = { 0 };
	drop_exchange(r);
	r->x = (struct request_context){ 0 };
	arena_init(&r->x.arena, r->handler->arena_bytes);
	answer_init(&r->x.answer);
	r->sent = true;
	if (!read_head(r, ask, target))
		return;
	r->x.done = wake;
	r->woken = 0;
	enum handler_step step = r->handler->ops->on_head(r->handler, &r->x);
	if (step == HANDLER_ANSWER)
		return;
	if (!give_body(r, ask->body)) {
		assert_int_not_equal(r->x.answer.status, 0);
		why = r->x.answer.fault;
		r->handler->ops->on_abort(r->handler, &r->x, &why);
		return;
	}
	if (!r->cut && step == HANDLER_RUN_ASYNC) {
		assert_int_equal(sem_init(&r->awake, 0, 0), 0);
		r->handler->ops->run_async(r->handler, &r->x);
		while (sem_wait(&r->awake) != 0) /* perhaps on another thread */
			continue;
		assert_int_equal(r->woken, 1);
		return;
	}
	if (!r->cut) {
		r->handler->ops->run(r->handler, &r->x);
		return;
	}
	(void)fault_set(&why, BODY_CUT, "the client went away");
	r->cut = false;
	r->x.body_cut = true;
	r->handler->ops->on_abort(r->handler, &r->x, &why);
}

void rig_ask(struct rig *r, const struct ask *ask)
{
	rig_send(r, ask, rig_sign(r, ask));
}

int rig_status(const struct rig *r)
{
	return r->x.answer.status;
}

struct str rig_header(const struct rig *r, const char *name)
{
	struct str found = { 0 };
	for (size_t i = 0; i < r->x.answer.n_headers; i++) {
		if (!str_equal_nocase(r->x.answer.headers[i].name, str_of(name)))
			continue;
		if (found.p != NULL)
			fail_msg("%s is there twice", name);
		found = r->x.answer.headers[i].value;
	}
	for (size_t i = 0; i < r->x.answer.n_more; i++) {
		if (!str_equal_nocase(r->x.answer.more[i].name, str_of(name)))
			continue;
		if (found.p != NULL)
			fail_msg("%s is there twice", name);
		found = r->x.answer.more[i].value;
	}
	return found;
}

struct str rig_body(struct rig *r)
{
	const struct answer *ans = &r->x.answer;
	if (ans->fd < 0)
		return ans->body;
	char *p = arena_alloc(&r->arena, ans->fd_length);
	assert_int_equal(pread(ans->fd, p, ans->fd_length, (off_t)ans->fd_offset), ans->fd_length);
	return (struct str){ p, ans->fd_length };
}

struct str rig_element(struct rig *r, const char *name)
{
	struct str body = rig_body(r), open = str_printf(&r->arena, "<%s>", name), end = str_printf(&r->arena, "</%s>", name);
	size_t at = str_find(body, open);
	if (at == body.n)
		return STR("");
	body = str_slice(body, at + open.n, body.n);
	return str_slice(body, 0, str_find(body, end));
}

void rig_expect_error(struct rig *r, int status, const char *code)
{
	struct str body = rig_body(r);
	if (rig_status(r) != status || !str_equal(rig_element(r, "Code"), str_of(code)))
		fail_msg("wanted %d %s, got %d: %.*s", status, code, rig_status(r), STRF(body));
	assert_true(str_starts_with(body, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>")));
	assert_true(str_ends_with(body, STR("</Error>")));
	assert_true(rig_element(r, "Message").n > 0);
	assert_true(str_equal(rig_element(r, "RequestId"), STR("REQUEST0ID")));
	assert_true(str_equal(rig_header(r, "x-amz-request-id"), STR("REQUEST0ID")));
	assert_true(str_equal(rig_header(r, "Content-Type"), STR("application/xml")));
	assert_int_not_equal(r->x.answer.fault.code, F_NONE);
	assert_int_equal(r->x.answer.fd, -1);
}

void rig_expect(struct rig *r, int status, const char *etag)
{
	if (rig_status(r) != status)
		fail_msg("wanted %d, got %d: %.*s", status, rig_status(r), STRF(r->x.answer.body));
	assert_true(str_equal(rig_header(r, "x-amz-request-id"), STR("REQUEST0ID")));
	assert_int_equal(r->x.answer.fault.code, F_NONE);
	if (etag != NULL)
		assert_true(str_equal(rig_header(r, "ETag"), str_of(etag)));
}

void rig_expect_empty(struct rig *r)
{
	assert_int_equal(trapped_count(r->engine), 0);
	assert_int_equal(trapped_open_bodies(r->engine), 0);
}

struct str rig_slot(struct rig *r, unsigned n)
{
	struct image_row row = row_pending(&r->arena, n);
	struct fault why = { 0 };
	row.file_type = STR("image/gif");
	row.file_size = 0;
	row.key = str_printf(&r->arena, "images/%.*s.gif", STRF(row.image_id));
	row.created_ms = clock_now_ms();
	row.expires_ms = row.created_ms + 300000;
	row.ends_ms = row.expires_ms + 3600000;
	assert_int_equal(table_insert(r->product.table, &row, &why), OK);
	return row.key;
}

struct image_row rig_row(struct rig *r, struct str key)
{
	struct image_row row = { 0 };
	struct fault why = { 0 };
	struct str id = str_slice(key, 7, 7 + 36);
	assert_int_equal(table_get(r->product.table, id, &r->arena, &row, &why), OK);
	return row;
}

void rig_expect_row(struct rig *r, struct str key, enum image_status status)
{
	assert_int_equal(rig_row(r, key).status, status);
}

void rig_put(struct rig *r, struct str key, struct str body)
{
	struct ask ask = { .method = "PUT", .key = key, .body = body, .more = { { STR("Content-Type"), STR("text/plain") } } };
	rig_ask(r, &ask);
	rig_expect(r, 200, NULL);
}
