/* Chains by the hash of the image's id, under one lock. A waiter that is woken is taken out of its chain first, and its callback is
 * called without the lock: what is woken may enter again at once. The thread is started when the first one parks; it serves the
 * deadlines, and the looks where there are any. See wait.h. */
#include "api/wait.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/thread.h"

#include <string.h>

#define CHAINS 256
#define LOOK_EVERY_MS 1000 /* at each image; and for so long at a time */
#define LOOKS_MAX 100      /* at a time */

struct waits {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct waiter *chains[CHAINS];
	size_t n;
	bool (*look)(void *arg, struct str image_id);
	void *arg;
	pthread_t thread;
	bool has_thread, is_ending, is_over;
	int64_t due_ms; /* when the thread wakes by itself */
	size_t first;   /* the chain that the next round of looks begins with */
};

struct waits *waits_new(bool (*look)(void *arg, struct str image_id), void *arg)
{
	struct waits *w = mem_new(1, sizeof *w);
	if (w == NULL)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->look = look;
	w->arg = arg;
	w->due_ms = INT64_MAX;
	return w;
}

static struct waiter **chain_of(struct waits *w, struct str image_id)
{
	return &w->chains[(hash_fnv64(HASH_FNV64, image_id) >> 32) % CHAINS];
}

/* under the lock */

static void remove_waiter(struct waits *w, struct waiter *one)
{
	assert(one->link != NULL && w->n > 0);
	*one->link = one->next;
	if (one->next != NULL)
		one->next->link = one->link;
	one->next = NULL;
	one->link = NULL;
	w->n--;
}

/* Take a waiter out if it is parked, to the list of those to be woken; else it will find out itself. */
static void notify_waiter(struct waits *w, struct waiter *one, struct waiter **woken)
{
	one->is_woken = true;
	if (!one->is_parked)
		return;
	remove_waiter(w, one);
	one->is_parked = false;
	metric_add(M_CALLS_WAITING, -1);
	one->next = *woken;
	*woken = one;
}

static void notify_chain(struct waits *w, struct waiter *chain, struct str image_id, struct waiter **woken)
{
	for (struct waiter *one = chain, *next; one != NULL; one = next) {
		next = one->next;
		if (image_id.n == 0 || str_equal(one->image_id, image_id))
			notify_waiter(w, one, woken);
	}
}

/* without the lock */

/* Each may be gone once it is woken. */
static void wake_all(struct waiter *woken)
{
	while (woken != NULL) {
		struct waiter *one = woken;
		woken = one->next;
		one->next = NULL;
		one->wake(one);
	}
}

/* the thread */

/* Those whose time is over; due_ms becomes that of the next. */
static struct waiter *take_expired(struct waits *w, int64_t now_ms)
{
	struct waiter *woken = NULL;
	w->due_ms = INT64_MAX;
	for (size_t i = 0; i < CHAINS; i++)
		for (struct waiter *one = w->chains[i], *next; one != NULL; one = next) {
			next = one->next;
			if (one->until_ms <= now_ms) {
				one->is_over = true;
				notify_waiter(w, one, &woken);
			} else if (one->until_ms < w->due_ms)
				w->due_ms = one->until_ms;
		}
	return woken;
}

struct looks {
	char ids[LOOKS_MAX][40];
	size_t n;
};

static void choose_looks(struct waits *w, int64_t now_ms, struct looks *out)
{
	out->n = 0;
	for (size_t i = 0; i < CHAINS && out->n < LOOKS_MAX; i++, w->first = (w->first + 1) % CHAINS)
		for (struct waiter *one = w->chains[w->first]; one != NULL && out->n < LOOKS_MAX; one = one->next) {
			if (!one->is_parked || now_ms - one->looked_ms < LOOK_EVERY_MS || one->image_id.n >= sizeof out->ids[0])
				continue;
			one->looked_ms = now_ms;
			memcpy(out->ids[out->n], one->image_id.p, one->image_id.n);
			out->ids[out->n++][one->image_id.n] = '\0';
		}
}

/* Called with the lock, which is released in between. */
static void run_looks(struct waits *w, int64_t now_ms)
{
	struct looks looks;
	choose_looks(w, now_ms, &looks);
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < looks.n && clock_mono_ms() - now_ms < LOOK_EVERY_MS; i++)
		if (w->look(w->arg, str_of(looks.ids[i])))
			waits_wake(w, str_of(looks.ids[i]));
	pthread_mutex_lock(&w->lock);
}

static void *run_thread(void *arg)
{
	struct waits *w = arg;
	pthread_mutex_lock(&w->lock);
	while (!w->is_ending) {
		int64_t now_ms = clock_mono_ms();
		struct waiter *woken = take_expired(w, now_ms);
		if (woken != NULL) {
			pthread_mutex_unlock(&w->lock);
			wake_all(woken);
			pthread_mutex_lock(&w->lock);
			continue;
		}
		if (w->look != NULL && w->n > 0) {
			run_looks(w, now_ms);
			if (w->due_ms > now_ms + LOOK_EVERY_MS)
				w->due_ms = now_ms + LOOK_EVERY_MS;
		}
		if (w->is_ending)
			break;
		if (w->due_ms == INT64_MAX)
			pthread_cond_wait(&w->changed, &w->lock);
		else
			(void)thread_wait_until(&w->changed, &w->lock, w->due_ms);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* what callers do */

bool waits_enter(struct waits *w, struct waiter *one)
{
	assert(w != NULL && one != NULL && one->wake != NULL && one->image_id.n > 0);
	pthread_mutex_lock(&w->lock);
	assert(one->link == NULL && !one->is_parked);
	bool ok = !one->is_over && !w->is_over && w->n < WAITERS_MAX && clock_mono_ms() < one->until_ms;
	if (ok) {
		struct waiter **chain = chain_of(w, one->image_id);
		one->is_woken = false;
		one->next = *chain;
		one->link = chain;
		if (one->next != NULL)
			one->next->link = &one->next;
		*chain = one;
		w->n++;
	}
	pthread_mutex_unlock(&w->lock);
	return ok;
}

/* false: nobody would serve the deadlines */
static bool start_thread(struct waits *w)
{
	if (!w->has_thread)
		w->has_thread = thread_start(&w->thread, run_thread, w);
	return w->has_thread;
}

bool waits_park(struct waits *w, struct waiter *one)
{
	assert(w != NULL && one != NULL);
	pthread_mutex_lock(&w->lock);
	assert(one->link != NULL && !one->is_parked);
	if (!start_thread(w))
		one->is_over = one->is_woken = true;
	bool parks = !one->is_woken;
	if (parks) {
		one->is_parked = true;
		metric_add(M_CALLS_WAITING, 1);
		one->looked_ms = clock_mono_ms();
		if (one->until_ms < w->due_ms || (w->look != NULL && w->due_ms == INT64_MAX))
			pthread_cond_signal(&w->changed);
	} else
		remove_waiter(w, one);
	pthread_mutex_unlock(&w->lock);
	return parks;
}

void waits_leave(struct waits *w, struct waiter *one)
{
	assert(w != NULL && one != NULL);
	pthread_mutex_lock(&w->lock);
	assert(!one->is_parked);
	if (one->link != NULL)
		remove_waiter(w, one);
	pthread_mutex_unlock(&w->lock);
}

void waits_wake(struct waits *w, struct str image_id)
{
	assert(w != NULL);
	struct waiter *woken = NULL;
	pthread_mutex_lock(&w->lock);
	if (w->n > 0 && image_id.n > 0)
		notify_chain(w, *chain_of(w, image_id), image_id, &woken);
	else if (w->n > 0)
		for (size_t i = 0; i < CHAINS; i++)
			notify_chain(w, w->chains[i], image_id, &woken);
	pthread_mutex_unlock(&w->lock);
	wake_all(woken);
}

void waits_cancel(struct waits *w, struct waiter *one)
{
	assert(w != NULL && one != NULL);
	struct waiter *woken = NULL;
	pthread_mutex_lock(&w->lock);
	one->is_over = true;
	if (one->link != NULL)
		notify_waiter(w, one, &woken);
	pthread_mutex_unlock(&w->lock);
	wake_all(woken);
}

void waits_end(struct waits *w)
{
	assert(w != NULL);
	pthread_mutex_lock(&w->lock);
	w->is_over = true;
	pthread_mutex_unlock(&w->lock);
	waits_wake(w, STR(""));
}

size_t waits_count(struct waits *w)
{
	assert(w != NULL);
	pthread_mutex_lock(&w->lock);
	size_t n = w->n;
	pthread_mutex_unlock(&w->lock);
	return n;
}

void waits_free(struct waits **w)
{
	if (w == NULL || *w == NULL)
		return;
	pthread_mutex_lock(&(*w)->lock);
	(*w)->is_ending = true;
	pthread_cond_signal(&(*w)->changed);
	pthread_mutex_unlock(&(*w)->lock);
	if ((*w)->has_thread)
		pthread_join((*w)->thread, NULL);
	assert((*w)->n == 0);
	pthread_cond_destroy(&(*w)->changed);
	pthread_mutex_destroy(&(*w)->lock);
	mem_free(*w);
	*w = NULL;
}
