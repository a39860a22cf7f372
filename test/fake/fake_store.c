/* The object store in memory. Objects own their bytes; listing looks for the next key by a scan.
 * presign and form build what a signer builds, with a digest in the place of the signature. */
#include "fake/fake_store.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/mem.h"
#include <assert.h>
#include <string.h>

#define KEY_MAX_BYTES 1024
#define URL_MAX_BYTES ((size_t)64 << 10)
#define ENDPOINT "http://store.test/image-uploads"

struct fake_object {
	struct arena bytes; /* holds all that info and body point to */
	struct object_info info;
	struct str body;
};

struct fake_store {
	struct object_store port;
	struct trap trap;
	struct fake_object **objects;
	size_t n, cap;
	bool deny_overwrite;
};

static struct fake_store *self(struct object_store *port)
{
	return (struct fake_store *)port;
}

static size_t find(const struct fake_store *s, struct str key)
{
	size_t i = 0;
	while (i < s->n && !str_equal(s->objects[i]->info.key, key))
		i++;
	return i;
}

static struct str keep(struct arena *a, struct str s)
{
	struct str copy = str_dup(a, s);
	assert(copy.n == s.n);
	return copy;
}

static void info_dup(struct arena *a, const struct object_info *info, struct object_info *out)
{
	*out = *info;
	out->key = keep(a, info->key);
	out->etag = keep(a, info->etag);
	out->content_type = keep(a, info->content_type);
}

static struct str md5_hex(struct arena *a, struct str body)
{
	unsigned char digest[MD5_BYTES];
	struct hash h;
	char *hex = arena_alloc(a, 2 * MD5_BYTES + 1);
	assert(hex != NULL);
	hash_init(&h, HASH_MD5);
	hash_update(&h, body.p, body.n);
	hash_final(&h, digest);
	hex_encode(digest, MD5_BYTES, hex);
	return str_of(hex);
}

static enum status check_key(struct str key, struct fault *why)
{
	if (key.n > KEY_MAX_BYTES)
		return fault_set(why, KEY_TOO_LONG, "a key has at most 1024 bytes");
	if (key.n == 0 || !utf8_valid(key) || str_find_char(key, '\0') < key.n)
		return fault_set(why, KEY_INVALID, "a key is UTF-8 without U+0000");
	return OK;
}

static void object_free(struct fake_object **o)
{
	arena_deinit(&(*o)->bytes);
	mem_free(*o);
	*o = NULL;
}

static void put_object(struct fake_store *s, struct str key, struct str content_type, struct str body)
{
	struct fake_object *o = mem_new(1, sizeof(*o));
	assert(o != NULL);
	arena_init(&o->bytes, body.n + key.n + content_type.n + 4096);
	o->body = keep(&o->bytes, body);
	o->info = (struct object_info){ .key = keep(&o->bytes, key),
		.size = body.n,
		.etag = md5_hex(&o->bytes, body),
		.content_type = keep(&o->bytes, content_type),
		.modified_ms = clock_now_ms() };
	size_t i = find(s, key);
	if (i < s->n) {
		object_free(&s->objects[i]);
		s->objects[i] = o;
		return;
	}
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 16 : 2 * s->cap;
		s->objects = mem_resize(s->objects, s->cap, sizeof(struct fake_object *));
		assert(s->objects != NULL);
	}
	s->objects[s->n++] = o;
}

static enum status put(struct object_store *port, struct str key, struct str content_type, struct str body, struct fault *why)
{
	struct fake_store *s = self(port);
	TRY(trap_enter(&s->trap, why));
	enum status end = check_key(key, why);
	if (end == OK)
		put_object(s, key, content_type, body);
	return trap_leave(&s->trap, end, why);
}

static enum status get_object(
	struct fake_store *s, struct str key, uint64_t max_size, struct arena *a, struct object *out, struct fault *why)
{
	size_t i = find(s, key);
	if (i == s->n)
		return fault_set(why, NO_SUCH_KEY, "no object under this key");
	if (s->objects[i]->info.size > max_size)
		return fault_set(why, IMAGE_TOO_LARGE, "the object is larger than %llu bytes", (unsigned long long)max_size);
	info_dup(a, &s->objects[i]->info, &out->info);
	out->body = keep(a, s->objects[i]->body);
	return OK;
}

static enum status get(struct object_store *port, struct str key, uint64_t max_size, struct arena *a, struct object *out, struct fault *why)
{
	struct fake_store *s = self(port);
	TRY(trap_enter(&s->trap, why));
	return trap_leave(&s->trap, get_object(s, key, max_size, a, out, why), why);
}

static enum status head(struct object_store *port, struct str key, struct arena *a, struct object_info *out, struct fault *why)
{
	struct fake_store *s = self(port);
	TRY(trap_enter(&s->trap, why));
	size_t i = find(s, key);
	if (i == s->n)
		return trap_leave(&s->trap, fault_set(why, NO_SUCH_KEY, "no object under this key"), why);
	info_dup(a, &s->objects[i]->info, out);
	return trap_leave(&s->trap, OK, why);
}

static void drop(struct fake_store *s, struct str key)
{
	size_t i = find(s, key);
	if (i == s->n)
		return;
	object_free(&s->objects[i]);
	s->objects[i] = s->objects[--s->n];
}

static enum status remove_object(struct object_store *port, struct str key, struct fault *why)
{
	struct fake_store *s = self(port);
	TRY(trap_enter(&s->trap, why));
	drop(s, key);
	return trap_leave(&s->trap, OK, why);
}

/* The object with the smallest key of this prefix after `after`; s->n when there is none. */
static size_t next_key(const struct fake_store *s, struct str prefix, struct str after)
{
	size_t best = s->n;
	for (size_t i = 0; i < s->n; i++) {
		struct str key = s->objects[i]->info.key;
		bool wanted = str_starts_with(key, prefix) && (after.n == 0 || str_compare(key, after) > 0);
		if (wanted && (best == s->n || str_compare(key, s->objects[best]->info.key) < 0))
			best = i;
	}
	return best;
}

static enum status list(struct object_store *port, struct str prefix, struct str after, uint32_t limit, struct arena *a,
	struct object_page *out, struct fault *why)
{
	struct fake_store *s = self(port);
	assert(limit >= 1 && limit <= 1000);
	TRY(trap_enter(&s->trap, why));
	*out = (struct object_page){ .objects = arena_array(a, limit, sizeof(*out->objects)) };
	assert(out->objects != NULL);
	size_t i = next_key(s, prefix, after);
	for (; i < s->n && out->n < limit; i = next_key(s, prefix, s->objects[i]->info.key))
		info_dup(a, &s->objects[i]->info, &out->objects[out->n++]);
	out->more = i < s->n;
	return trap_leave(&s->trap, OK, why);
}

static void put_parameter(struct buf *b, struct str name, struct str value)
{
	buf_put_char(b, '&');
	buf_put(b, name);
	buf_put_char(b, '=');
	uri_encode(b, value, false);
}

static void put_address(struct buf *b, struct str key)
{
	buf_put(b, STR(ENDPOINT "/"));
	uri_encode(b, key, true);
}

/* "content-type;host": the names in lower case and in order. */
static struct str signed_headers(struct arena *a, const struct presign_request *r)
{
	struct str names[16] = { STR("host") };
	size_t n = 1;
	assert(r->n_headers < COUNT_OF(names));
	for (size_t i = 0; i < r->n_headers; i++) {
		struct str name = str_lower(a, r->headers[i].name);
		size_t at = n++;
		for (; at > 0 && str_compare(names[at - 1], name) > 0; at--)
			names[at] = names[at - 1];
		names[at] = name;
	}
	struct buf b;
	buf_init_arena(&b, a, URL_MAX_BYTES);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%.*s", i == 0 ? "" : ";", STRF(names[i]));
	return buf_str(&b);
}

static struct str digest_of(struct arena *a, const struct presign_request *r, struct str url)
{
	struct buf b;
	char hex[2 * SHA256_BYTES + 1];
	buf_init_arena(&b, a, URL_MAX_BYTES);
	buf_put(&b, r->method);
	buf_put_char(&b, '\n');
	buf_put(&b, url);
	for (size_t i = 0; i < r->n_headers; i++)
		buf_printf(&b, "\n%.*s:%.*s", STRF(r->headers[i].name), STRF(r->headers[i].value));
	sha256_hex(buf_str(&b), hex);
	return keep(a, str_of(hex));
}

static int64_t end_of(int64_t now_ms, uint32_t expires_s)
{
	return now_ms - now_ms % 1000 + (int64_t)expires_s * 1000; /* the date that is signed has seconds */
}

static void build_url(struct arena *a, const struct presign_request *r, struct presigned *out)
{
	char date[AMZ_DATE_CHARS + 1];
	struct buf address, url;
	buf_init_arena(&address, a, URL_MAX_BYTES);
	put_address(&address, r->key);
	buf_init_arena(&url, a, URL_MAX_BYTES);
	buf_put(&url, buf_str(&address));
	clock_amz_date(presign_time_ms(r), date);
	buf_printf(&url, "?X-Amz-Algorithm=FAKE&X-Amz-Date=%s&X-Amz-Expires=%u", date, r->expires_s);
	put_parameter(&url, STR("X-Amz-SignedHeaders"), signed_headers(a, r));
	if (r->disposition.n > 0)
		put_parameter(&url, STR("response-content-disposition"), r->disposition);
	if (r->content_type.n > 0)
		put_parameter(&url, STR("response-content-type"), r->content_type);
	if (r->cache_control.n > 0)
		put_parameter(&url, STR("response-cache-control"), r->cache_control);
	put_parameter(&url, STR("X-Amz-Signature"), digest_of(a, r, buf_str(&url)));
	assert(buf_ok(&url) && buf_ok(&address));
	*out = (struct presigned){ buf_str(&url), buf_str(&address), end_of(presign_time_ms(r), r->expires_s) };
}

/* The same with a condition that the client must send. */
static void build_url_once(struct arena *a, const struct presign_request *r, struct presigned *out)
{
	struct presign_request more = *r;
	struct header *headers = arena_array(a, r->n_headers + 1, sizeof(*headers));
	assert(headers != NULL);
	for (size_t i = 0; i < r->n_headers; i++)
		headers[i] = r->headers[i];
	headers[more.n_headers++] = (struct header){ STR("If-None-Match"), STR("*") };
	more.headers = headers;
	build_url(a, &more, out);
	out->added = headers + r->n_headers;
	out->n_added = 1;
}

static enum status presign(
	struct object_store *port, const struct presign_request *r, struct arena *a, struct presigned *out, struct fault *why)
{
	struct fake_store *s = self(port);
	assert(r->expires_s >= 1 && r->expires_s <= 604800);
	TRY(trap_enter(&s->trap, why));
	if (s->deny_overwrite && str_equal(r->method, STR("PUT")))
		build_url_once(a, r, out);
	else
		build_url(a, r, out);
	return trap_leave(&s->trap, OK, why);
}

void fake_store_deny_overwrite(struct fake_store *s)
{
	s->deny_overwrite = true;
}

static struct str policy_of(struct arena *a, const struct form_request *r, const char *date)
{
	char end[ISO8601_CHARS + 1];
	struct buf json, b64;
	clock_iso8601(end_of(r->now_ms, r->expires_s), end);
	buf_init_arena(&json, a, URL_MAX_BYTES);
	buf_printf(&json,
		"{\"expiration\":\"%s\",\"conditions\":[{\"bucket\":\"image-uploads\"},[\"content-length-range\",%llu,%llu],{\"key\":\"", end,
		(unsigned long long)r->min_size, (unsigned long long)r->max_size);
	json_escape(&json, r->key);
	buf_put(&json, STR("\"},{\"Content-Type\":\""));
	json_escape(&json, r->content_type);
	buf_printf(&json, "\"},{\"x-amz-algorithm\":\"FAKE\"},{\"x-amz-date\":\"%s\"}]}", date);
	buf_init_arena(&b64, a, URL_MAX_BYTES);
	base64_encode(&b64, buf_str(&json));
	assert(buf_ok(&json) && buf_ok(&b64));
	return buf_str(&b64);
}

static void build_form(struct arena *a, const struct form_request *r, struct post_form *out)
{
	char date[AMZ_DATE_CHARS + 1], hex[2 * SHA256_BYTES + 1];
	struct buf address;
	struct header *fields = arena_array(a, 6, sizeof(*fields));
	assert(fields != NULL);
	clock_amz_date(r->now_ms, date);
	struct str policy = policy_of(a, r, date);
	sha256_hex(policy, hex);
	fields[0] = (struct header){ STR("key"), keep(a, r->key) };
	fields[1] = (struct header){ STR("Content-Type"), keep(a, r->content_type) };
	fields[2] = (struct header){ STR("x-amz-algorithm"), STR("FAKE") };
	fields[3] = (struct header){ STR("x-amz-date"), keep(a, str_of(date)) };
	fields[4] = (struct header){ STR("policy"), policy };
	fields[5] = (struct header){ STR("x-amz-signature"), keep(a, str_of(hex)) };
	buf_init_arena(&address, a, URL_MAX_BYTES);
	put_address(&address, r->key);
	*out = (struct post_form){ STR(ENDPOINT), buf_str(&address), fields, 6, end_of(r->now_ms, r->expires_s) };
}

static enum status form(struct object_store *port, const struct form_request *r, struct arena *a, struct post_form *out, struct fault *why)
{
	struct fake_store *s = self(port);
	TRY(trap_enter(&s->trap, why));
	build_form(a, r, out);
	return trap_leave(&s->trap, OK, why);
}

static const struct object_store_ops ops = {
	.put = put, .get = get, .head = head, .remove = remove_object, .list = list, .presign = presign, .form = form
};

struct fake_store *fake_store_new(void)
{
	struct fake_store *s = mem_new(1, sizeof(*s));
	assert(s != NULL);
	s->port.ops = &ops;
	trap_init(&s->trap);
	return s;
}

void fake_store_free(struct fake_store **s)
{
	if (*s == NULL)
		return;
	for (size_t i = 0; i < (*s)->n; i++)
		object_free(&(*s)->objects[i]);
	trap_deinit(&(*s)->trap);
	mem_free((*s)->objects);
	mem_free(*s);
	*s = NULL;
}

struct object_store *fake_store_port(struct fake_store *s)
{
	return &s->port;
}

void fake_store_fail_nth(struct fake_store *s, uint64_t n, enum fault_code code)
{
	trap_fail(&s->trap, n, code);
}

void fake_store_lose_nth(struct fake_store *s, uint64_t n, enum fault_code code)
{
	trap_lose(&s->trap, n, code);
}

void fake_store_meet_nth(struct fake_store *s, uint64_t n, void (*meet)(void *arg), void *arg)
{
	trap_meet(&s->trap, n, meet, arg);
}

uint64_t fake_store_calls(struct fake_store *s)
{
	return trap_calls(&s->trap);
}

void fake_store_drop(struct fake_store *s, struct str key)
{
	pthread_mutex_lock(&s->trap.lock);
	drop(s, key);
	pthread_mutex_unlock(&s->trap.lock);
}

size_t fake_store_count(struct fake_store *s)
{
	pthread_mutex_lock(&s->trap.lock);
	size_t n = s->n;
	pthread_mutex_unlock(&s->trap.lock);
	return n;
}

void fake_store_set_modified(struct fake_store *s, struct str key, int64_t modified_ms)
{
	pthread_mutex_lock(&s->trap.lock);
	size_t i = find(s, key);
	assert(i < s->n);
	s->objects[i]->info.modified_ms = modified_ms;
	pthread_mutex_unlock(&s->trap.lock);
}
