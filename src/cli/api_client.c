/* Calls with retries. 503 and 429 are tried again, a few times, after what Retry-After asks or
 * a growing pause, with jitter so that many clients do not come back at once. Asked to wait longer
 * than people do, it gives up at once. A server that is lost is waited for as the command's patience says. */
#include "cli/api_client.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/xml.h"
#include "base/arena.h"
#include "http/text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CURSOR_MAX_BYTES 8192
#define TRIES 5
#define WAIT_MAX_MS 30000
#define ENDPOINT_DEFAULT "http://127.0.0.1:8080"
#define ENDPOINT_MAX_BYTES 2048
#define KEY_MAX_BYTES 4096
#define CONNECT_MEMORY_BYTES (1u << 20)

/* The endpoint of a server that is started with this --api, HOST:PORT; false: it says nothing that can be asked. */
static bool address_of_server(const char *listen, char *url, size_t size)
{
	struct str text = str_of(listen != NULL ? listen : "");
	size_t colon = text.n;
	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	struct str host = str_slice(text, 0, colon > 0 ? colon - 1 : 0), port = str_slice(text, colon, text.n);
	bool wildcard = host.n == 0 || str_equal(host, STR("0.0.0.0")) || str_equal(host, STR("[::]"));
	if (colon == 0 || port.n == 0 || str_equal(port, STR("0")))
		return false;
	const char *scheme = getenv("TINTYPE_TLS_CERT") != NULL && *getenv("TINTYPE_TLS_CERT") != '\0' ? "https" : "http";
	int n = snprintf(url, size, "%s://%.*s:%.*s", scheme, wildcard ? 9 : (int)host.n, wildcard ? "127.0.0.1" : host.p, STRF(port));
	return n > 0 && (size_t)n < size;
}

/* Whether it names this machine without a scheme: "localhost:8080", "127.0.0.1", "[::1]:8080/prod". Elsewhere the scheme is not guessed, since
 * the key would go over the network in clear. */
static bool is_local(struct str url)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1", "[::1]" };
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		struct str host = str_of(hosts[i]);
		if (str_starts_with_nocase(url, host) && (url.n == host.n || url.p[host.n] == ':' || url.p[host.n] == '/'))
			return true;
	}
	return false;
}

/* NULL for "": an empty variable counts as not set. */
static const char *given_text(const char *text)
{
	return text != NULL && *text != '\0' ? text : NULL;
}

enum status remote_init(struct remote *r, const char *endpoint, struct fault *why)
{
	assert(r != NULL);
	*r = (struct remote){ 0 };
	buf_init(&r->base, ENDPOINT_MAX_BYTES);
	buf_init(&r->bearer, KEY_MAX_BYTES);
	buf_init(&r->gateway_key, KEY_MAX_BYTES);
	if (endpoint == NULL)
		endpoint = given_text(getenv("TINTYPE_ENDPOINT"));
	char local[ENDPOINT_MAX_BYTES];
	if (endpoint == NULL && address_of_server(getenv("TINTYPE_API"), local, sizeof local))
		endpoint = local;
	struct str url = endpoint == NULL ? STR(ENDPOINT_DEFAULT) : str_of(endpoint);
	if (is_local(url)) {
		(void)snprintf(local, sizeof local, "http://%.*s", STRF(url));
		url = str_of(local);
	}
	size_t host = str_find(url, STR("://")) + 3;
	while (url.n > host && url.p[url.n - 1] == '/')
		url.n--;
	if (host >= url.n || url.p[host] == '/' || str_find_char(url, '?') < url.n || str_find_char(url, '#') < url.n ||
		!(str_starts_with_nocase(url, STR("http://")) || str_starts_with_nocase(url, STR("https://"))))
		return fault_set(why, INVALID_INPUT, "the endpoint must be http://host[:port][/path] or https://…, not '%.*s'", STRF(url));
	buf_put(&r->base, url);
	if (str_find_char(str_slice(url, host, url.n), '/') == url.n - host)
		buf_put(&r->base, STR("/prod"));
	const char *key = given_text(getenv("TINTYPE_API_KEY")), *gateway_key = given_text(getenv("TINTYPE_GATEWAY_KEY"));
	if (key != NULL) {
		buf_put(&r->bearer, STR("Bearer "));
		buf_put(&r->bearer, str_of(key));
	}
	buf_put(&r->gateway_key, str_of(gateway_key != NULL ? gateway_key : key));
	r->api = http_client_new();
	r->store = http_client_new();
	if (r->api == NULL || r->store == NULL)
		return fault_no_memory(why);
	if (!buf_ok(&r->base) || !buf_ok(&r->bearer) || !buf_ok(&r->gateway_key))
		return fault_set(why, INVALID_INPUT, "the endpoint or an API key is too long");
	return OK;
}

static void forget_key(struct buf *key)
{
	if (key->cap > 0)
		secret_wipe(key->p, key->cap);
	buf_deinit(key);
}

void remote_deinit(struct remote *r)
{
	http_client_free(&r->api);
	http_client_free(&r->store);
	forget_key(&r->bearer);
	forget_key(&r->gateway_key);
	buf_deinit(&r->base);
}

/* How long to wait before try number `tries` + 1; false: not worth it. */
static bool choose_wait(const struct http_response *answer, unsigned tries, int64_t *ms)
{
	int64_t asked_ms = 0;
	unsigned char jitter = 0;
	if ((answer->status != 503 && answer->status != 429) || tries >= TRIES)
		return false;
	random_bytes(&jitter, 1);
	*ms = (INT64_C(100) << tries) + jitter;
	if (http_retry_after(response_header(answer, STR("Retry-After")), clock_now_ms(), &asked_ms)) {
		if (asked_ms > WAIT_MAX_MS)
			return false;
		*ms = asked_ms + jitter;
	}
	return true;
}

static void sleep_ms(int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		continue;
}

/* Whether the failure is one of a server that may come back, and is waited for. */
static bool is_waited_for(const struct remote *r, const struct http_client *c, const struct fault *failed)
{
	struct remote_patience *p = r->patience;
	if (p == NULL || atomic_load(&p->gave_up) || (failed->code != F_UPSTREAM_FAILED && failed->code != F_DEADLINE))
		return false;
	return p->before_answer || atomic_load(c == r->api ? &p->knows_api : &p->knows_store);
}

static void report_change(struct remote_patience *p, const struct fault *lost)
{
	if (atomic_exchange(&p->lost, lost != NULL) != (lost != NULL) && p->changed != NULL)
		p->changed(p->arg, lost);
}

static void note_answer(struct remote *r, const struct http_client *c)
{
	if (r->patience == NULL)
		return;
	atomic_store(c == r->api ? &r->patience->knows_api : &r->patience->knows_store, true);
	atomic_store(&r->patience->gave_up, false);
	report_change(r->patience, NULL);
}

/* Whether it is waited for; then it is lost. A store that took a request and broke off is known though it has not answered. */
static bool note_failure(struct remote *r, const struct http_client *c, const struct fault *failed)
{
	if (r->patience != NULL && c == r->store && http_client_sent(c))
		atomic_store(&r->patience->knows_store, true);
	if (!is_waited_for(r, c, failed))
		return false;
	report_change(r->patience, failed);
	return true;
}

/* Wait until the server can be connected to, in an arena of its own each time: that may be often. false: the time is over. */
static bool wait_for_server(struct remote *r, struct http_client *c, const struct http_request *q, int64_t until_ms, unsigned tries)
{
	struct fault why;
	enum status st;
	r->waited = true;
	do {
		struct arena a CLEANUP(arena_deinit) = { 0 };
		int64_t ms = (INT64_C(100) << (tries < 6 ? tries : 6)), left = until_ms - clock_mono_ms();
		unsigned char jitter = 0;
		random_bytes(&jitter, 1);
		tries++;
		ms += jitter;
		if (left <= 0) {
			atomic_store(&r->patience->gave_up, true);
			return false;
		}
		sleep_ms(ms < left ? ms : left);
		arena_init(&a, CONNECT_MEMORY_BYTES);
		st = http_connect(c, q, &a, &why);
	} while (st != OK && is_waited_for(r, c, &why));
	return st == OK;
}

static enum status send_with_retries(
	struct remote *r, struct http_client *c, const struct http_request *q, struct arena *a, struct http_response *out, struct fault *why)
{
	int64_t until_ms = 0;
	r->waited = false;
	for (unsigned tries = 1;; tries++) {
		int64_t ms = 0;
		struct fault failed = { 0 };
		enum status st = http_send(c, q, a, out, &failed);
		bool answered = st == OK && out->status != 502 && out->status != 504;
		if (answered) {
			note_answer(r, c);
			if (!choose_wait(out, tries, &ms))
				return OK;
			sleep_ms(ms);
			continue;
		}
		if (st == OK)
			fault_write(&failed, F_UPSTREAM_FAILED, "the server answered %d", out->status);
		bool waits = note_failure(r, c, &failed);
		if (waits && until_ms == 0)
			until_ms = clock_mono_ms() + r->patience->most_ms;
		if (waits && wait_for_server(r, c, q, until_ms, tries))
			continue;
		if (st != OK && why != NULL)
			*why = failed;
		return st;
	}
}

static enum fault_code refusal_code(int status)
{
	if (status == 404)
		return F_NO_SUCH_IMAGE;
	if (status == 401 || status == 403)
		return F_KEY_NEEDED;
	if (status == 429)
		return F_TOO_MANY;
	return status >= 400 && status < 500 ? F_BAD_FIELD : F_UPSTREAM_FAILED;
}

/* What the answer says of itself: the problem's detail or title, or the Message of S3's XML. */
static struct str find_reason(const json_t *problem, struct str body, struct arena *a)
{
	const struct xml_node *error;
	struct str detail = remote_text(problem, "detail");
	if (problem != NULL)
		return detail.n > 0 ? detail : remote_text(problem, "title");
	return xml_read(a, body, "Error", &error, NULL) == OK ? xml_child_text(error, "Message") : (struct str){ NULL, 0 };
}

static enum status check_answer(const struct remote *r, const struct http_response *answer, struct arena *a, struct fault *why)
{
	bool starved;
	if (answer->status >= 200 && answer->status <= 299)
		return OK;
	if (answer->status == 401)
		return fault_write(why, F_KEY_NEEDED, "%s (401)",
			r->bearer.n > 0
				? "the server does not accept the API key: TINTYPE_API_KEY must be the one that it was started with, or one of `tintype apikeys add`"
				: "the server requires an API key for this: set TINTYPE_API_KEY to the one that it was started with");
	json_t *problem = json_read(answer->body, 0, NULL, &starved);
	struct str reason = find_reason(problem, answer->body, a);
	enum status status = reason.n > 0 ? fault_write(why, refusal_code(answer->status), "%.*s (%d)", STRF(reason), answer->status)
									  : fault_write(why, refusal_code(answer->status), "the server answered %d", answer->status);
	json_decref(problem);
	return status;
}

enum status remote_json(struct remote *r, const struct remote_call *call, struct arena *a, json_t **out, struct fault *why)
{
	assert(r != NULL);
	assert(call != NULL);
	assert(a != NULL);
	struct header headers[4];
	struct http_response answer;
	struct http_request q = { .method = str_of(call->method),
		.body = call->json,
		.headers = headers,
		.url = str_printf(a, "%.*s%.*s", STRF(buf_str(&r->base)), STRF(call->path)) };
	if (r->bearer.n > 0)
		headers[q.n_headers++] = (struct header){ STR("Authorization"), buf_str(&r->bearer) };
	if (r->gateway_key.n > 0)
		headers[q.n_headers++] = (struct header){ STR("X-Api-Key"), buf_str(&r->gateway_key) };
	if (call->json.n > 0)
		headers[q.n_headers++] = (struct header){ STR("Content-Type"), STR("application/json") };
	if (call->delete_token != NULL)
		headers[q.n_headers++] = (struct header){ STR("X-Delete-Token"), str_of(call->delete_token) };
	TRY(send_with_retries(r, r->api, &q, a, &answer, why));
	TRY(check_answer(r, &answer, a, why));
	if (out == NULL)
		return OK;
	bool starved;
	*out = answer.body.n == 0 ? NULL : json_read(answer.body, JSON_REJECT_DUPLICATES, NULL, &starved);
	if (answer.body.n > 0 && !json_is_object(*out)) {
		json_decref(*out);
		*out = NULL;
		return fault_set(why, UPSTREAM_FAILED, "the answer is not a JSON object: is the endpoint right?");
	}
	return OK;
}

enum status remote_store(struct remote *r, const struct http_request *q, struct arena *a, struct http_response *out, struct fault *why)
{
	assert(r != NULL);
	assert(q != NULL);
	assert(a != NULL);
	assert(out != NULL);
	bool api_is_https = str_starts_with_nocase(buf_str(&r->base), STR("https://"));
	if (api_is_https && !str_starts_with_nocase(q->url, STR("https://")))
		return fault_set(why, INVALID_INPUT, "the API is https and the store's URL is not: nothing was sent");
	TRY(send_with_retries(r, r->store, q, a, out, why));
	return check_answer(r, out, a, why);
}

void remote_list_init(struct remote_list *l, struct remote *r, const char *query)
{
	assert(r != NULL && query != NULL);
	*l = (struct remote_list){ .remote = r, .query = query };
	buf_init(&l->cursor, CURSOR_MAX_BYTES);
}

void remote_list_deinit(struct remote_list *l)
{
	buf_deinit(&l->cursor);
}

enum status remote_list_next(struct remote_list *l, struct arena *a, json_t **page, struct fault *why)
{
	struct buf path;
	buf_init_arena(&path, a, 4 * CURSOR_MAX_BYTES);
	buf_printf(&path, "/images?%s", l->query);
	if (l->cursor.n > 0)
		buf_put(&path, STR("&cursor="));
	uri_encode(&path, buf_str(&l->cursor), false);
	const struct remote_call call = { .method = "GET", .path = buf_str(&path) };
	json_auto_t *got = NULL;
	TRY(remote_json(l->remote, &call, a, &got, why));
	struct str cursor = remote_text(got, "nextCursor");
	if (!json_is_array(json_object_get(got, "images")))
		return fault_set(why, UPSTREAM_FAILED, "the response is not a list of images: is the endpoint right?");
	if (cursor.n > 0 && str_equal(cursor, buf_str(&l->cursor)))
		return fault_set(why, UPSTREAM_FAILED, "the server returns the same page again and again");
	buf_clear(&l->cursor);
	buf_put(&l->cursor, cursor);
	if (!buf_ok(&l->cursor))
		return fault_set(why, UPSTREAM_FAILED, "the server's cursor is too long");
	*page = json_incref(got);
	return OK;
}

struct str remote_image_path(struct arena *a, struct str id, const char *then)
{
	assert(a != NULL);
	assert(then != NULL);
	struct buf path;
	buf_init_arena(&path, a, 65536);
	buf_put(&path, STR("/images/"));
	uri_encode(&path, id, false);
	buf_put(&path, str_of(then));
	return buf_str(&path);
}

struct str remote_text(const json_t *object, const char *name)
{
	assert(name != NULL);
	return json_text(json_object_get(object, name));
}

uint64_t remote_number(const json_t *object, const char *name)
{
	assert(name != NULL);
	json_int_t n = json_integer_value(json_object_get(object, name));
	return n > 0 ? (uint64_t)n : 0;
}
