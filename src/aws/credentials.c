/* The chain: queries the sources in turn, caches the credentials, and refreshes them before they expire.
 *
 * One thread fetches; the others continue with what is held as long as that is valid, and wait when it
 * is not. What a service has refused is fetched again too: files and environments do not say when their credentials expire, and a key
 * may be deleted before its time. A fetch that fails is not retried by all threads at once: for a moment all of them get its
 * fault. The credentials are wiped before they are freed. */
#include "aws/credentials.h"

#include "aws/sources.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

#define REFRESH_BEFORE_MS (5 * 60 * 1000) /* new ones are fetched at least five minutes before the old ones expire */
#define ASK_AGAIN_MS 30000                /* while the old ones are valid */
#define FAULT_HOLDS_MS 1000
#define SCRATCH_BYTES (4u << 20)

enum part { ACCESS_KEY, SECRET, SESSION_TOKEN, PARTS };

struct aws_chain {
	pthread_mutex_t lock;
	pthread_cond_t fetched;
	bool fetching;
	char *held[PARTS]; /* NULL: none yet */
	int64_t expires_ms;
	int64_t fetched_ms;
	bool refused;         /* a service has refused them since they were fetched */
	int64_t ask_again_ms; /* no refresh before this time */
	bool failed;          /* the last fetch failed, with: */
	struct fault failure;
};

static const struct credential_source {
	const char *name;
	source_fn *ask;
} sources[] = {
	{ "the environment", source_environment },
	{ "the shared credentials and config files", source_files },
	{ "the container's endpoint", source_container },
	{ "the instance's metadata", source_instance },
};

struct aws_chain *aws_chain_new(void)
{
	struct aws_chain *c = mem_new(1, sizeof *c);
	if (c == NULL)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->fetched, NULL);
	return c;
}

static void wipe_credentials(struct aws_chain *c)
{
	for (int i = 0; i < PARTS; i++) {
		if (c->held[i] != NULL)
			secret_wipe(c->held[i], strlen(c->held[i]));
		mem_free(c->held[i]);
		c->held[i] = NULL;
	}
}

void aws_chain_free(struct aws_chain **c)
{
	assert(c != NULL);
	if (*c == NULL)
		return;
	wipe_credentials(*c);
	pthread_cond_destroy(&(*c)->fetched);
	pthread_mutex_destroy(&(*c)->lock);
	mem_free(*c);
	*c = NULL;
}

static enum status ask_sources(int64_t now_ms, struct arena *a, struct aws_credentials *out, struct fault *why)
{
	bool found = false;
	for (size_t i = 0; i < COUNT_OF(sources) && !found; i++) {
		TRY(sources[i].ask(a, out, &found, why));
		if (found && out->expires_ms != 0 && out->expires_ms <= now_ms)
			return fault_set(why, UPSTREAM_FAILED, "the AWS credentials of %s have expired", sources[i].name);
	}
	TRY(fault_check_arena(a, why));
	if (found)
		return OK;
	return fault_set(why, UPSTREAM_FAILED, "no AWS credentials found in %s, %s, %s or %s", sources[0].name, sources[1].name,
		sources[2].name, sources[3].name);
}

/* Replace the held credentials, which stay if memory fails. */
static enum status keep_credentials(struct aws_chain *c, const struct aws_credentials *new, struct fault *why)
{
	char *copies[PARTS] = { mem_dup_cstr(new->access_key), mem_dup_cstr(new->secret), mem_dup_cstr(new->session_token) };
	if (copies[ACCESS_KEY] == NULL || copies[SECRET] == NULL || copies[SESSION_TOKEN] == NULL) {
		for (int i = 0; i < PARTS; i++)
			mem_free(copies[i]);
		return fault_no_memory(why);
	}
	wipe_credentials(c);
	memcpy(c->held, copies, sizeof copies);
	c->expires_ms = new->expires_ms;
	c->refused = false;
	return OK;
}

static bool are_usable(const struct aws_chain *c, int64_t now_ms)
{
	return c->held[ACCESS_KEY] != NULL && !c->refused && (c->expires_ms == 0 || now_ms < c->expires_ms);
}

/* Called with the lock held; releases it while the sources are queried. */
static void refresh_credentials(struct aws_chain *c, int64_t now_ms)
{
	assert(!c->fetching);
	struct arena scratch;
	struct aws_credentials new;
	struct fault why = { 0 };
	c->fetching = true;
	pthread_mutex_unlock(&c->lock);
	arena_init(&scratch, SCRATCH_BYTES);
	enum status st = ask_sources(now_ms, &scratch, &new, &why);
	pthread_mutex_lock(&c->lock);
	if (st == OK)
		st = keep_credentials(c, &new, &why);
	arena_deinit(&scratch);
	c->failed = st != OK;
	c->failure = why;
	bool usable = are_usable(c, now_ms);
	c->fetched_ms = now_ms;
	c->ask_again_ms = now_ms + (usable ? ASK_AGAIN_MS : FAULT_HOLDS_MS);
	c->fetching = false;
	pthread_cond_broadcast(&c->fetched);
	if (st != OK && usable)
		LOG(CREDENTIALS_OLD, STR(""), LOG_C("text", why.text), LOG_C("cause", why.cause));
}

enum status aws_chain_get(struct aws_chain *c, int64_t now_ms, struct arena *a, struct aws_credentials *out, struct fault *why)
{
	assert(c != NULL && a != NULL && out != NULL);
	enum status st;
	pthread_mutex_lock(&c->lock);
	for (;;) {
		bool valid = are_usable(c, now_ms);
		bool fresh = valid && (c->expires_ms == 0 || now_ms < c->expires_ms - REFRESH_BEFORE_MS);
		if (fresh || (valid && (c->fetching || now_ms < c->ask_again_ms))) {
			*out = (struct aws_credentials){ str_dup(a, str_of(c->held[ACCESS_KEY])), str_dup(a, str_of(c->held[SECRET])),
				str_dup(a, str_of(c->held[SESSION_TOKEN])), c->expires_ms };
			st = fault_check_arena(a, why);
			break;
		}
		if (!valid && c->failed && now_ms < c->ask_again_ms) {
			if (why != NULL)
				*why = c->failure;
			st = fault_status(c->failure.code);
			break;
		}
		if (c->fetching)
			pthread_cond_wait(&c->fetched, &c->lock);
		else
			refresh_credentials(c, now_ms);
	}
	pthread_mutex_unlock(&c->lock);
	return st;
}

bool aws_chain_refuse(struct aws_chain *c, struct str access_key, int64_t now_ms)
{
	assert(c != NULL);
	pthread_mutex_lock(&c->lock);
	bool held = c->held[ACCESS_KEY] != NULL && str_equal(access_key, str_of(c->held[ACCESS_KEY]));
	bool recent = now_ms < c->fetched_ms + FAULT_HOLDS_MS;
	c->refused = c->refused || (held && !recent);
	bool again = c->refused || !held;
	pthread_mutex_unlock(&c->lock);
	return again;
}

struct str aws_region(struct arena *a)
{
	assert(a != NULL);
	static const char *const variables[] = { "REGION", "AWS_REGION", "AWS_DEFAULT_REGION" };
	for (size_t i = 0; i < COUNT_OF(variables); i++)
		if (source_variable(variables[i]).n > 0)
			return str_dup(a, source_variable(variables[i]));
	return source_region(a);
}
