/* Enough of the API for its clients. */
#include "fake/fake_api.h"

#include "base/arena.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/mem.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void add_image(struct fake_api *a, struct str json_name)
{
	assert(a->n < FAKE_IMAGES_MAX);
	struct fake_image *image = &a->images[a->n];
	(void)snprintf(image->id, sizeof image->id, "00000000-0000-4000-8000-%012zu", a->n);
	(void)snprintf(image->name, sizeof image->name, "%.*s", STRF(json_name));
	buf_init(&image->bytes, 16u << 20);
	a->n++;
}

bool fake_api_has_request(struct fake_api *a, struct str part)
{
	pthread_mutex_lock(&a->lock);
	bool has = str_find(buf_str(&a->requests), part) < a->requests.n;
	pthread_mutex_unlock(&a->lock);
	return has;
}

void fake_api_add(struct fake_api *a, const char *json_name, struct str bytes)
{
	add_image(a, str_of(json_name));
	struct fake_image *image = &a->images[a->n - 1];
	buf_put(&image->bytes, bytes);
	image->there = image->looked_at = true;
}

static void write_record(struct fake_api *a, const struct fake_image *image, struct buf *b)
{
	unsigned char digest[MD5_BYTES];
	char etag[2 * MD5_BYTES + 1];
	struct hash h;
	hash_init(&h, HASH_MD5);
	hash_update(&h, image->bytes.p, image->bytes.n);
	hash_final(&h, digest);
	hex_encode(digest, sizeof digest, etag);
	if (a->lies)
		etag[0] = etag[0] == 'a' ? 'b' : 'a';
	bool ready = image->there && (image->looked_at || !a->looks_late);
	buf_printf(b,
		"{\"imageId\":\"%s\",\"status\":\"%s\",\"fileName\":\"%s\",\"fileType\":\"image/png\",\"fileSize\":%zu,\"receivedSize\":%zu",
		image->id, ready ? "uploaded" : "pending", a->name != NULL ? a->name : image->name, image->bytes.n, image->bytes.n);
	if (ready)
		buf_printf(b,
			",\"uploadedAt\":\"2026-11-22T07:37:22.123Z\",\"width\":640,\"height\":480,\"etag\":\"%s\",\"downloadUrl\":\"%s/store/%s\""
			",\"links\":{\"original\":\"http://x/i/%zu\"}",
			etag, a->http.url, image->id, (size_t)(image - a->images));
	buf_put_char(b, '}');
}

static struct fake_image *find(struct fake_api *a, struct str id)
{
	for (size_t i = 0; i < a->n; i++)
		if (str_equal(id, str_of(a->images[i].id)))
			return &a->images[i];
	return NULL;
}

static struct str json_member(struct str json, struct str before)
{
	struct str rest = str_slice(json, str_find(json, before) + before.n, json.n);
	size_t end = 0;
	while (end < rest.n && rest.p[end] != '"')
		end += rest.p[end] == '\\' ? 2 : 1;
	return str_slice(rest, 0, end);
}

static void answer_slot(struct fake_api *a, int fd, struct str body)
{
	struct buf b;
	buf_init(&b, 65536);
	add_image(a, json_member(body, STR("\"fileName\":\"")));
	const char *id = a->images[a->n - 1].id;
	buf_printf(&b,
		"{\"imageId\":\"%s\",\"method\":\"PUT\",\"headers\":{\"Content-Type\":\"image/png\",\"Content-Length\":\"1\"},"
		"\"deleteToken\":\"secret-token\",\"uploadUrl\":\"",
		id);
	if (a->slot_url != NULL)
		buf_printf(&b, "%s\"}", a->slot_url);
	else
		buf_printf(&b, "%s/store/%s\"}", a->http.url, id);
	fake_http_answer(fd, "200 OK", "", buf_str(&b));
	buf_deinit(&b);
}

/* Each page of a list by a hash has one image of all, newest first, or none. */
static void answer_hash(struct fake_api *a, int fd, struct str target)
{
	struct buf b;
	uint64_t from = 0;
	char hex[2 * SHA256_BYTES + 1];
	struct str hash = str_slice(target, str_find(target, STR("sha256=")) + 7, target.n);
	struct str cursor = str_slice(hash, str_find(hash, STR("cursor=")) + 7, hash.n);
	if (a->forgets || (cursor.n > 0 && !str_to_u64(cursor, &from))) {
		fake_http_answer(fd, "409 Conflict", "", STR("{\"detail\":\"not here\"}"));
		return;
	}
	buf_init(&b, 65536);
	buf_put(&b, STR("{\"images\":["));
	size_t i = a->n - 1 - (size_t)from;
	if (from < a->n && a->images[i].there) {
		sha256_hex(buf_str(&a->images[i].bytes), hex);
		if (str_starts_with(hash, str_of(hex)))
			write_record(a, &a->images[i], &b);
	}
	buf_put_char(&b, ']');
	if (from + 1 < a->n)
		buf_printf(&b, ",\"nextCursor\":\"%zu\"", (size_t)from + 1);
	buf_put_char(&b, '}');
	fake_http_answer(fd, "200 OK", "", buf_str(&b));
	buf_deinit(&b);
}

/* A page of at most `limit`, newest first; the cursor is how many came before. */
static void answer_list(struct fake_api *a, int fd, struct str target)
{
	struct buf b;
	uint64_t limit = 0, from = 0;
	struct str query = str_slice(target, str_find(target, STR("limit=")) + 6, target.n);
	struct str first = str_slice(query, 0, str_find_char(query, '&'));
	bool right = str_to_u64(first, &limit) && limit >= 1 && limit <= 1000;
	struct str cursor = str_slice(query, str_find(query, STR("cursor=")) + 7, query.n);
	right = right && (cursor.n == 0 || str_to_u64(cursor, &from));
	if (!right) {
		fake_http_answer(fd, "400 Bad Request", "", STR("{\"detail\":\"bad limit or cursor\"}"));
		return;
	}
	buf_init(&b, 64u << 20);
	buf_put(&b, STR("{\"images\":["));
	size_t to = from + limit < a->n ? (size_t)(from + limit) : a->n;
	for (size_t i = (size_t)from; i < to; i++) {
		if (i > from)
			buf_put_char(&b, ',');
		write_record(a, &a->images[a->n - 1 - i], &b);
	}
	buf_put_char(&b, ']');
	if (to < a->n || a->repeats)
		buf_printf(&b, ",\"nextCursor\":\"%zu\"", a->repeats ? 0 : to);
	if (a->counts)
		buf_printf(&b, ",\"total\":%zu", a->n);
	buf_put_char(&b, '}');
	fake_http_answer(fd, "200 OK", "", buf_str(&b));
	buf_deinit(&b);
}

static void answer_image(struct fake_api *a, int fd, struct str method, struct str path)
{
	struct buf b;
	bool complete = str_ends_with(path, STR("/complete"));
	struct fake_image *image = find(a, str_slice(path, 0, str_find_char(path, '/')));
	if (image == NULL) {
		fake_http_answer(fd, "404 Not Found", "", STR("{\"detail\":\"no image with this id\"}"));
		return;
	}
	if (str_equal(method, STR("DELETE"))) {
		image->id[0] = 'x';
		fake_http_write(fd, STR("HTTP/1.1 204 No Content\r\n\r\n"));
		return;
	}
	if (a->locked) {
		fake_http_answer(fd, "401 Unauthorized", "", STR("{\"detail\":\"a key is needed\"}"));
		return;
	}
	image->looked_at = image->looked_at || complete;
	buf_init(&b, 65536);
	write_record(a, image, &b);
	fake_http_answer(fd, "200 OK", "", buf_str(&b));
	buf_deinit(&b);
}

/* false: the connection is to be closed. */
static bool answer_put(struct fake_api *a, int fd, struct fake_image *image, struct str body)
{
	if (a->put_refusal != NULL) {
		fake_http_answer(fd, "400 Bad Request", "", str_of(a->put_refusal));
		return true;
	}
	buf_clear(&image->bytes);
	buf_put(&image->bytes, body);
	image->there = true;
	if (a->losses > 0) {
		a->losses--;
		return false;
	}
	fake_http_answer(fd, "200 OK", "", STR(""));
	return true;
}

static bool answer_bytes(struct fake_api *a, int fd, const struct fake_image *image)
{
	struct buf b;
	FILE *made = a->creates != NULL ? fopen(a->creates, "wx") : NULL;
	if (made != NULL)
		fclose(made);
	buf_init(&b, 32u << 20);
	buf_printf(&b, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", image->bytes.n);
	buf_put(&b, str_slice(buf_str(&image->bytes), 0, a->cuts || a->stalls ? image->bytes.n / 2 : image->bytes.n));
	fake_http_write(fd, buf_str(&b));
	buf_deinit(&b);
	return !a->cuts;
}

static bool answer_store(struct fake_api *a, int fd, struct str method, struct str id, struct str body)
{
	struct fake_image *image = find(a, id);
	if (image == NULL) {
		fake_http_answer(fd, "404 Not Found", "", STR("<Error><Code>NoSuchKey</Code><Message>no such &lt;key&gt;</Message></Error>"));
		return true;
	}
	if (str_equal(method, STR("PUT")))
		return answer_put(a, fd, image, body);
	return answer_bytes(a, fd, image);
}

static bool answer(struct fake_api *a, int fd, struct str head, struct str body)
{
	struct str rest = head;
	struct str method = str_cut(&rest, ' '), target = str_cut(&rest, ' ');
	if (a->busy > 0) {
		a->busy--;
		fake_http_answer(fd, "503 Service Unavailable", "Retry-After: 0\r\n", STR("{\"detail\":\"too much work\"}"));
		return true;
	}
	if (str_starts_with(target, STR("/store/")))
		return answer_store(a, fd, method, str_slice(target, 7, target.n), body);
	if (str_equal(target, STR("/prod/upload")))
		answer_slot(a, fd, body);
	else if (str_starts_with(target, STR("/prod/images/")))
		answer_image(a, fd, method, str_slice(target, 13, target.n));
	else if (a->locked && str_starts_with(target, STR("/prod/images?")))
		fake_http_answer(fd, "401 Unauthorized", "", STR("{\"detail\":\"a key is needed\"}"));
	else if (str_find(target, STR("sha256=")) < target.n)
		answer_hash(a, fd, target);
	else if (str_starts_with(target, STR("/prod/images?")))
		answer_list(a, fd, target);
	else
		fake_http_answer(fd, "404 Not Found", "", STR("<html>nothing here</html>"));
	return true;
}

static void serve(int fd, unsigned nth, void *arg)
{
	struct fake_api *a = arg;
	struct buf request;
	buf_init(&request, 32u << 20);
	for (bool open = true; open && fake_http_read(fd, &request);) {
		struct str whole = buf_str(&request);
		size_t end = str_find(whole, STR("\r\n\r\n")) + 4;
		struct str head = str_slice(whole, 0, end), body = str_slice(whole, end, whole.n);
		pthread_mutex_lock(&a->lock);
		buf_put(&a->requests, head);
		bool hangs = a->hangs && str_starts_with(head, STR("PUT"));
		open = hangs || answer(a, fd, head, body);
		pthread_mutex_unlock(&a->lock);
	}
	buf_deinit(&request);
}

void fake_api_start(struct fake_api *a)
{
	*a = (struct fake_api){ .images = mem_new(FAKE_IMAGES_MAX, sizeof *a->images) };
	assert(a->images != NULL);
	pthread_mutex_init(&a->lock, NULL);
	buf_init(&a->requests, 64u << 20);
	fake_http_start(&a->http, serve, a);
}

void fake_api_stop(struct fake_api *a)
{
	fake_http_stop(&a->http);
	for (size_t i = 0; i < a->n; i++)
		buf_deinit(&a->images[i].bytes);
	mem_free(a->images);
	buf_deinit(&a->requests);
	pthread_mutex_destroy(&a->lock);
}
