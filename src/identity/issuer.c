/* One lock guards all but the HTTP client, which belongs to whoever fetches. Fetches are counted as they end, so that those who
 * wait know that one has ended. See issuer.h. */
#include "identity/issuer.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/op_deadline.h"
#include "base/thread.h"
#include "http/client/client.h"

#define ARENA_BYTES ((size_t)4 << 20)
#define DOCUMENT_BYTES ((size_t)16 << 10) /* the texts of a document that are kept */
#define RETRY_FIRST_MS 1000               /* while there are no keys; doubled each time, up to the cooldown */

struct issuer {
	struct issuer_options options;
	pthread_mutex_t lock;
	pthread_cond_t wake;  /* of the thread */
	pthread_cond_t ended; /* a fetch has */
	struct jwk_set *keys; /* NULL: none yet */
	struct arena texts;   /* of the document, which is fetched with them */
	struct discovery document;
	bool fetching, stopping;
	bool asked;  /* by a caller, for the thread */
	bool failed; /* the last fetch has, with: */
	struct fault failure;
	unsigned failures;   /* in a row */
	unsigned fetches;    /* ended ones */
	unsigned waiters;    /* callers that wait for one */
	int64_t fetched_ms;  /* when the keys were; of clock_ms, as the next two */
	int64_t earliest_ms; /* no fetch begins before */
	int64_t due_ms;      /* the next one without being asked */
	struct http_client *client;
	pthread_t thread;
};

/* Without a thread the process may be frozen for hours (Lambda), which the monotonic clock need not count. */
static int64_t clock_ms(const struct issuer *i)
{
	return i->options.has_thread ? clock_mono_ms() : clock_now_ms();
}

static enum status get_url(
	struct issuer *i, struct str url, int64_t until_ms, struct arena *a, struct http_response *out, struct fault *why)
{
	const struct header accept = { STR("Accept"), STR("application/json") };
	int64_t left = until_ms - clock_mono_ms();
	struct http_request request = { .method = STR("GET"),
		.url = url,
		.headers = &accept,
		.n_headers = 1,
		.connect_timeout_ms = ISSUER_WAIT_MS,
		.total_timeout_ms = left > 0 ? left : 1,
		.max_response_bytes = DISCOVERY_MAX_BYTES,
		.authorities = i->options.authorities };
	TRY(http_send(i->client, &request, a, out, why));
	if (out->status != 200)
		return fault_set(why, UPSTREAM_FAILED, "it answered %d", out->status);
	return OK;
}

/* What a fetch has given; the document lives in the fetch's arena. */
struct fetched {
	struct jwk_set *keys;
	struct discovery document;
	int64_t age_ms;
};

/* Discovery, then the keys. Without the lock. */
static enum status fetch_keys(struct issuer *i, struct arena *a, struct fetched *out, struct fault *why)
{
	int64_t until_ms = op_deadline_clamp(clock_mono_ms() + ISSUER_WAIT_MS);
	struct http_response answer;
	struct str url = discovery_url(i->options.url, a);
	TRY(fault_check_arena(a, why));
	TRY(get_url(i, url, until_ms, a, &answer, why));
	TRY(discovery_read(answer.body, i->options.url, a, &out->document, why));
	TRY(get_url(i, out->document.jwks_url, until_ms, a, &answer, why));
	TRY(jwk_set_new(answer.body, &out->keys, why));
	out->age_ms = discovery_age_ms(response_header(&answer, STR("Cache-Control")));
	return OK;
}

static void log_keys(const struct issuer *i, const struct jwk_set *keys)
{
	int64_t usable = 0;
	for (size_t k = 0; k < jwk_set_count(keys); k++) {
		const struct jwk *key = jwk_set_at(keys, k);
		usable += key->flaw == JWK_USABLE;
		if (key->flaw != JWK_USABLE)
			LOG(ISSUER_KEY_SKIPPED, STR(""), LOG_S("kid", key->kid), LOG_C("text", jwk_flaw_text(key->flaw)));
	}
	LOG(ISSUER_KEYS, STR(""), LOG_S("issuer", i->options.url), LOG_I("keys", usable));
}

/* Under the lock. */
static bool copy_document(const struct discovery *from, struct arena *a, struct discovery *out)
{
	*out = (struct discovery){ .jwks_url = str_dup(a, from->jwks_url),
		.authorize_url = str_dup(a, from->authorize_url),
		.token_url = str_dup(a, from->token_url),
		.logout_url = str_dup(a, from->logout_url),
		.revoke_url = str_dup(a, from->revoke_url) };
	return arena_ok(a);
}

/* Under the lock. Keys that are as they were stay: what was verified with them remains so. */
static void accept_fetched(struct issuer *i, struct fetched *got)
{
	struct str before = { i->keys != NULL ? (const char *)jwk_set_digest(i->keys) : NULL, i->keys != NULL ? SHA256_BYTES : 0 };
	i->failures = 0;
	i->fetched_ms = clock_ms(i);
	i->earliest_ms = i->fetched_ms + i->options.cooldown_ms;
	i->due_ms = i->fetched_ms + got->age_ms / 5 * 4;
	arena_deinit(&i->texts);
	arena_init(&i->texts, DOCUMENT_BYTES);
	if (!copy_document(&got->document, &i->texts, &i->document))
		i->document = (struct discovery){ 0 };
	if (str_equal(before, (struct str){ (const char *)jwk_set_digest(got->keys), SHA256_BYTES })) {
		jwk_set_free(&got->keys);
		return;
	}
	jwk_set_free(&i->keys);
	i->keys = got->keys;
	got->keys = NULL;
	log_keys(i, i->keys);
}

static void note_failure(struct issuer *i)
{
	int64_t wait_ms = i->options.cooldown_ms;
	if (i->keys == NULL && i->failures < 16 && (int64_t)RETRY_FIRST_MS << i->failures < wait_ms)
		wait_ms = (int64_t)RETRY_FIRST_MS << i->failures;
	i->failures++;
	i->earliest_ms = i->due_ms = clock_ms(i) + wait_ms;
}

/* Fetch, and tell those who wait. The lock is held but during the fetch. */
static void run_fetch(struct issuer *i)
{
	struct arena a;
	struct fetched got = { 0 };
	struct fault why = { 0 };
	assert(!i->fetching);
	i->fetching = true;
	i->asked = false;
	pthread_mutex_unlock(&i->lock);
	arena_init(&a, ARENA_BYTES);
	enum status status = fetch_keys(i, &a, &got, &why);
	metric_add(status == OK ? M_ISSUER_FETCHES : M_ISSUER_FETCHES_FAILED, 1);
	if (status != OK)
		LOG(ISSUER_FAILED, STR(""), LOG_S("issuer", i->options.url), LOG_C("text", why.text), LOG_C("cause", why.cause));
	pthread_mutex_lock(&i->lock);
	i->failed = status != OK;
	i->failure = why;
	if (status == OK)
		accept_fetched(i, &got);
	else
		note_failure(i);
	arena_deinit(&a);
	i->fetching = false;
	i->fetches++;
	pthread_cond_broadcast(&i->ended);
}

static void *run_thread(void *arg)
{
	struct issuer *i = arg;
	pthread_mutex_lock(&i->lock);
	while (!i->stopping) {
		int64_t at_ms = i->asked ? i->earliest_ms : i->due_ms;
		if (clock_ms(i) >= at_ms)
			run_fetch(i);
		else
			(void)thread_wait_until(&i->wake, &i->lock, at_ms);
	}
	pthread_mutex_unlock(&i->lock);
	return NULL;
}

struct issuer *issuer_new(const struct issuer_options *o)
{
	assert(o != NULL && discovery_url_valid(o->url));
	struct issuer *i = mem_new(1, sizeof *i);
	if (i == NULL)
		return NULL;
	*i = (struct issuer){ .options = *o, .client = http_client_new() };
	if (o->cooldown_ms == 0)
		i->options.cooldown_ms = ISSUER_COOLDOWN_MS;
	pthread_mutex_init(&i->lock, NULL);
	pthread_cond_init(&i->wake, NULL);
	pthread_cond_init(&i->ended, NULL);
	if (i->client == NULL || (o->has_thread && !thread_start(&i->thread, run_thread, i))) {
		i->options.has_thread = false;
		issuer_free(&i);
	}
	return i;
}

void issuer_free(struct issuer **at)
{
	assert(at != NULL);
	struct issuer *i = *at;
	if (i == NULL)
		return;
	pthread_mutex_lock(&i->lock);
	i->stopping = true;
	pthread_cond_broadcast(&i->wake);
	pthread_mutex_unlock(&i->lock);
	if (i->options.has_thread)
		pthread_join(i->thread, NULL);
	assert(i->waiters == 0);
	jwk_set_free(&i->keys);
	arena_deinit(&i->texts);
	http_client_free(&i->client);
	pthread_cond_destroy(&i->wake);
	pthread_cond_destroy(&i->ended);
	pthread_mutex_destroy(&i->lock);
	mem_free(i);
	*at = NULL;
}

static enum status refuse_unreachable(const struct issuer *i, struct fault *why)
{
	enum status status = fault_set(why, IDENTITY_UNREACHABLE,
		i->keys == NULL ? "The keys of the issuer could not be fetched yet; try again."
						: "The issuer could not be asked for the key of this token; try again.");
	fault_cause(why, "%s", i->failure.text);
	return status;
}

/* Wait until one more fetch has ended; without a thread, do it. Under the lock. false: it takes too long, or too many wait */
static bool wait_fetch(struct issuer *i)
{
	unsigned before = i->fetches;
	int64_t until_ms = op_deadline_clamp(clock_mono_ms() + ISSUER_WAIT_MS);
	if (i->waiters >= ISSUER_WAITERS_MAX)
		return false;
	i->waiters++;
	if (!i->options.has_thread && !i->fetching)
		run_fetch(i);
	else if (!i->fetching) {
		i->asked = true;
		pthread_cond_signal(&i->wake);
	}
	while (i->fetches == before && thread_wait_until(&i->ended, &i->lock, until_ms))
		continue;
	i->waiters--;
	return i->fetches != before;
}

/* Under the lock. What there is may be a day old; without a thread, what is due is fetched first. */
static enum status hold_keys(struct issuer *i, bool may_wait, struct jwk_set **out, struct fault *why)
{
	int64_t now_ms = clock_ms(i);
	bool is_due = !i->options.has_thread && now_ms >= i->due_ms;
	if (i->keys != NULL && now_ms - i->fetched_ms >= ISSUER_KEEP_MS)
		jwk_set_free(&i->keys);
	if ((i->keys == NULL || is_due) && (i->fetching || now_ms >= i->earliest_ms)) {
		if (!may_wait)
			return fault_set(why, IDENTITY_REFRESHING, "The keys of the issuer are being fetched; try again.");
		(void)wait_fetch(i);
	}
	if (i->keys == NULL)
		return refuse_unreachable(i, why);
	*out = jwk_set_hold(i->keys);
	return OK;
}

enum status issuer_keys(struct issuer *i, bool may_wait, struct jwk_set **out, struct fault *why)
{
	assert(i != NULL && out != NULL);
	pthread_mutex_lock(&i->lock);
	enum status status = hold_keys(i, may_wait, out, why);
	pthread_mutex_unlock(&i->lock);
	return status;
}

/* Under the lock. */
static enum status seek_newer(struct issuer *i, bool may_wait, const struct jwk_set *seen, struct fault *why)
{
	if (i->keys != seen)
		return OK;
	if (!i->fetching && clock_ms(i) < i->earliest_ms)
		return i->failed ? refuse_unreachable(i, why) : OK;
	if (!may_wait)
		return fault_set(why, IDENTITY_REFRESHING, "The keys of the issuer are being fetched; try again.");
	return !wait_fetch(i) || i->failed ? refuse_unreachable(i, why) : OK;
}

enum status issuer_newer_keys(struct issuer *i, bool may_wait, struct jwk_set **keys, bool *newer, struct fault *why)
{
	assert(i != NULL && keys != NULL && *keys != NULL && newer != NULL);
	pthread_mutex_lock(&i->lock);
	enum status status = seek_newer(i, may_wait, *keys, why);
	*newer = status == OK && i->keys != *keys && i->keys != NULL;
	if (*newer) {
		jwk_set_free(keys);
		*keys = jwk_set_hold(i->keys);
	}
	pthread_mutex_unlock(&i->lock);
	return status;
}

bool issuer_document(struct issuer *i, struct arena *a, struct discovery *out)
{
	assert(i != NULL && a != NULL && out != NULL);
	struct discovery copy;
	pthread_mutex_lock(&i->lock);
	bool found = i->document.jwks_url.n > 0 && copy_document(&i->document, a, &copy);
	pthread_mutex_unlock(&i->lock);
	if (found)
		*out = copy;
	return found;
}
