/* Calls to one service. The pool is a stack of idle clients, each with its kept connection; a call
 * takes the most recently used one, so that the others can time out.
 *
 * Whether a call may be retried depends on what is known about it. Before a byte of it was sent, and when
 * the service reports throttling, nothing was done: it may. When the service refuses the credentials, nothing was done
 * either: it may, once, if others may be available. After a 5xx or a lost connection that is unknown: it may if it is
 * repeatable. Waits between retries double from 50 ms, each a random part of the full one, so that callers that failed
 * together do not retry together.
 * Source: AWS SDKs and Tools reference, "Retry behavior". */
#include "aws/service.h"

#include "aws/roots.h"
#include "base/clock.h"
#include "base/op_deadline.h"
#include "base/hash.h"
#include "base/mem.h"
#include "sigv4/sign_request.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define DEADLINE_MS 10000
#define CONNECT_MS 5000
#define ATTEMPTS_MAX 6
#define FIRST_WAIT_MS 50
#define LONGEST_WAIT_MS 2000
#define IDLE_MAX 64
#define TRACE_MAX_BYTES 1024
#define TEXTS_MAX_BYTES 4096

struct aws_service {
	struct aws_chain *chain;
	struct arena texts;
	struct str service, region, url;
	bool own_roots; /* AWS's own endpoint */
	pthread_mutex_t lock;
	struct http_client *idle[IDLE_MAX];
	size_t n_idle;
};

struct aws_service *aws_service_new(const struct aws_service_options *o)
{
	assert(o != NULL && o->service.n > 0);
	struct aws_service *s = mem_new(1, sizeof *s);
	struct str endpoint = o->endpoint;
	if (s == NULL)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	s->chain = o->chain;
	s->own_roots = o->endpoint.n == 0;
	arena_init(&s->texts, TEXTS_MAX_BYTES);
	s->service = str_dup(&s->texts, o->service);
	s->region = str_dup(&s->texts, o->region);
	while (str_ends_with(endpoint, STR("/")))
		endpoint.n--;
	const char *domain = str_starts_with(o->region, STR("cn-")) ? "amazonaws.com.cn" : "amazonaws.com";
	if (!s->own_roots)
		s->url = str_dup(&s->texts, endpoint);
	else if (o->global)
		s->url = str_printf(&s->texts, "https://%.*s.%s", STRF(o->service), domain);
	else
		s->url = str_printf(&s->texts, "https://%.*s.%.*s.%s", STRF(o->service), STRF(o->region), domain);
	if (!arena_ok(&s->texts))
		aws_service_free(&s);
	return s;
}

void aws_service_free(struct aws_service **s)
{
	assert(s != NULL);
	if (*s == NULL)
		return;
	for (size_t i = 0; i < (*s)->n_idle; i++)
		http_client_free(&(*s)->idle[i]);
	pthread_mutex_destroy(&(*s)->lock);
	arena_deinit(&(*s)->texts);
	mem_free(*s);
	*s = NULL;
}

struct aws_chain *aws_service_chain(const struct aws_service *s)
{
	return s->chain;
}

static struct http_client *acquire_client(struct aws_service *s)
{
	struct http_client *c = NULL;
	pthread_mutex_lock(&s->lock);
	if (s->n_idle > 0)
		c = s->idle[--s->n_idle];
	pthread_mutex_unlock(&s->lock);
	return c != NULL ? c : http_client_new();
}

static void release_client(struct aws_service *s, struct http_client *c)
{
	assert(s != NULL && c != NULL);
	pthread_mutex_lock(&s->lock);
	if (s->n_idle < IDLE_MAX) {
		s->idle[s->n_idle++] = c;
		c = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	http_client_free(&c);
}

struct str aws_service_url(const struct aws_service *s, struct str host_prefix, struct arena *a)
{
	size_t host = str_find(s->url, STR("://")) + 3;
	if (host_prefix.n == 0)
		return s->url;
	return str_printf(a, "%.*s%.*s%.*s", STRF(str_slice(s->url, 0, host)), STRF(host_prefix), STRF(str_slice(s->url, host, s->url.n)));
}

/* access_key  set to the one that the call was signed with */
static enum status sign_call(
	struct aws_service *s, const struct aws_call *c, struct arena *a, struct signed_request *out, struct str *access_key, struct fault *why)
{
	struct aws_credentials have;
	int64_t now_ms = clock_now_ms();
	TRY(aws_chain_get(s->chain, now_ms, a, &have, why));
	*access_key = have.access_key;
	struct sigv4_key key = { have.access_key, have.secret, have.session_token, s->region, s->service };
	struct sign_request_input in = { .method = c->method,
		.base_url = aws_service_url(s, c->host_prefix, a),
		.path = c->path,
		.headers = c->headers,
		.n_headers = c->n_headers,
		.query = c->query,
		.n_query = c->n_query,
		.body = c->body,
		.now_ms = now_ms,
		.send_hash = str_equal(key.service, STR("s3")) };
	return sign_request(&key, &in, a, out, why);
}

/* X-Ray's trace header is passed on, so that the call is part of the invocation's trace. Unsigned, as in the AWS
 * SDKs, because intermediaries may change it. */
static void add_trace(struct signed_request *r, struct arena *a)
{
	struct str id = str_of(getenv("_X_AMZN_TRACE_ID"));
	bool good = id.n > 0 && id.n <= TRACE_MAX_BYTES;
	for (size_t i = 0; good && i < id.n; i++)
		good = id.p[i] > ' ' && id.p[i] < 0x7f;
	struct header *all = good ? arena_array(a, r->n_headers + 1, sizeof *all) : NULL;
	if (all == NULL)
		return;
	for (size_t i = 0; i < r->n_headers; i++)
		all[i] = r->headers[i];
	all[r->n_headers++] = (struct header){ STR("X-Amzn-Trace-Id"), id };
	r->headers = all;
}

/* What is known after an attempt. */
struct attempt {
	enum status st;
	bool tried; /* it was sent, or would have been: there were credentials and time */
	bool sent;
	struct str access_key;
	struct http_response answer;
};

static struct attempt send_once(struct aws_service *s, const struct aws_call *c, int64_t deadline_ms, struct arena *a, struct fault *why)
{
	struct attempt t = { 0 };
	struct signed_request signed_call;
	t.st = sign_call(s, c, a, &signed_call, &t.access_key, why);
	int64_t left = deadline_ms - clock_mono_ms();
	struct http_client *client = t.st == OK && left > 0 ? acquire_client(s) : NULL;
	if (t.st == OK && left <= 0)
		t.st = fault_set(why, DEADLINE, "%.*s took too long", STRF(s->service));
	else if (t.st == OK && client == NULL)
		t.st = fault_no_memory(why);
	if (t.st != OK)
		return t;
	add_trace(&signed_call, a);
	struct http_request r = { .method = c->method,
		.url = signed_call.url,
		.headers = signed_call.headers,
		.n_headers = signed_call.n_headers,
		.body = c->body,
		.connect_timeout_ms = left < CONNECT_MS ? left : CONNECT_MS,
		.total_timeout_ms = left,
		.max_response_bytes = c->max_response_bytes,
		.once = true,
		.authorities = s->own_roots ? (struct str){ aws_roots_pem, aws_roots_bytes } : STR("") };
	t.tried = true;
	t.st = http_send(client, &r, a, &t.answer, why);
	t.sent = http_client_sent(client);
	release_client(s, client);
	return t;
}

/* Whether the error code of a JSON or XML body contains one of these. It is in "__type" of a JSON body, whose other members may hold
 * text of users, or at the start of an XML body. */
static bool has_code(const struct http_response *answer, const char *const codes[], size_t n)
{
	struct str code = str_slice(answer->body, 0, 1024);
	if (str_starts_with(answer->body, STR("{"))) {
		struct str rest = str_slice(answer->body, str_find(answer->body, STR("\"__type\"")), answer->body.n);
		code = str_cut(&rest, ',');
	}
	for (size_t i = 0; i < n; i++)
		if (str_find(code, str_of(codes[i])) < code.n)
			return true;
	return false;
}

/* The call was not executed. */
static bool is_throttled(const struct http_response *answer)
{
	static const char *const codes[] = { "Throttl", "ProvisionedThroughputExceeded", "LimitExceeded", "SlowDown", "TooManyRequests",
		"TransactionConflict", "TransactionInProgress" };
	return answer->status == 429 || ((answer->status == 400 || answer->status == 503) && has_code(answer, codes, COUNT_OF(codes)));
}

/* The call was not executed, because the token has expired or the key is unknown. The answer to a HEAD has no body: S3 sends 400 then. */
static bool refuses_credentials(const struct aws_call *c, const struct http_response *answer)
{
	static const char *const codes[] = { "ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "InvalidClientTokenId",
		"UnrecognizedClient" };
	if (str_equal(c->method, STR("HEAD")))
		return answer->status == 400;
	return (answer->status == 400 || answer->status == 403) && has_code(answer, codes, COUNT_OF(codes));
}

/* Turn a response that is not a success into a fault; its text goes to the log. */
static enum status judge_response(const struct aws_service *s, const struct http_response *answer, struct fault *why)
{
	bool throttled = is_throttled(answer);
	if (!throttled && answer->status < 500)
		return OK;
	struct str body = str_slice(answer->body, 0, 160);
	if (throttled)
		fault_set(why, OVERLOADED, "%.*s is throttling; try again later", STRF(s->service));
	else
		fault_set(why, UPSTREAM_FAILED, "%.*s failed with %d", STRF(s->service), answer->status);
	fault_cause(why, "%.*s answered %d: %.*s", STRF(s->url), answer->status, STRF(body));
	return throttled ? BUSY : UPSTREAM;
}

bool aws_wait_before_retry(unsigned attempt, int64_t deadline_ms)
{
	uint32_t dice;
	int64_t full = (int64_t)FIRST_WAIT_MS << attempt;
	random_bytes(&dice, sizeof dice);
	int64_t ms = 1 + dice % (full < LONGEST_WAIT_MS ? full : LONGEST_WAIT_MS);
	if (clock_mono_ms() + ms >= deadline_ms)
		return false;
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	while (nanosleep(&left, &left) != 0)
		continue;
	return true;
}

enum status aws_service_call(struct aws_service *s, const struct aws_call *c, struct arena *a, struct http_response *out, struct fault *why)
{
	assert(s != NULL && c != NULL && a != NULL && out != NULL);
	int64_t deadline_ms = op_deadline_clamp(c->deadline_ms != 0 ? c->deadline_ms : clock_mono_ms() + DEADLINE_MS);
	struct attempt t;
	unsigned sent = 0;
	bool renewed = false;
	for (unsigned attempt = 0;; attempt++) {
		t = send_once(s, c, deadline_ms, a, why);
		if (t.st == OK && !renewed && refuses_credentials(c, &t.answer)) {
			renewed = true;
			if (aws_chain_refuse(s->chain, t.access_key, clock_now_ms()))
				continue;
		}
		sent += t.sent;
		if (t.st == OK)
			t.st = judge_response(s, &t.answer, why);
		bool may_retry = t.st == BUSY || (t.tried && t.st == UPSTREAM && (c->repeatable || !t.sent));
		if (!may_retry || attempt + 1 == ATTEMPTS_MAX || !aws_wait_before_retry(attempt, deadline_ms))
			break;
	}
	if (c->sent != NULL)
		*c->sent = sent;
	if (t.st == OK)
		*out = t.answer;
	return t.st;
}

enum status aws_service_warm(struct aws_service *s, struct str host_prefix, struct fault *why)
{
	assert(s != NULL);
	struct arena a;
	arena_init(&a, 1u << 20);
	struct http_client *client = acquire_client(s);
	if (client == NULL)
		return fault_no_memory(why);
	struct http_request r = { .method = STR("GET"),
		.url = aws_service_url(s, host_prefix, &a),
		.connect_timeout_ms = CONNECT_MS,
		.total_timeout_ms = DEADLINE_MS,
		.authorities = s->own_roots ? (struct str){ aws_roots_pem, aws_roots_bytes } : STR("") };
	enum status st = http_connect(client, &r, &a, why);
	release_client(s, client);
	arena_deinit(&a);
	return st;
}
