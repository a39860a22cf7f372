/* Access keys in a file that may change under a running server. See credentials.h.
 *
 * Two locks: `lock` is held for a search or the request of the sorted list, never while the disk is
 * asked; `renewal` by the one thread that checks the file. A request whose key is found waits for neither a check nor a
 * reload by another thread; one whose key is not found does, since the new file may have it. */
#include "store/keys/credentials.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log/log.h"
#include "base/mem.h"
#include "store/keys/key_file.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_EVERY_MS 250
/* A file that was changed so shortly before it was read may have changed again with the same time stamp. */
#define STAMP_MS 100

struct ring_key {
	struct ring_key *next;
	struct access_key key;
	struct arena arena; /* its grants */
};

/* keys for good */

static bool same_key(const struct access_key *a, const struct access_key *b)
{
	bool same = a->power == b->power && strcmp(a->id, b->id) == 0 && secret_equal(str_of(a->secret), str_of(b->secret)) &&
		strcmp(a->user, b->user) == 0 && a->n_grants == b->n_grants;

	for (size_t i = 0; same && i < a->n_grants; i++) {
		const struct key_grant *x = &a->grants[i], *y = &b->grants[i];
		same = x->actions == y->actions && str_equal(x->bucket, y->bucket) && str_equal(x->prefix, y->prefix);
	}
	return same;
}

static void free_key(struct ring_key *k)
{
	arena_deinit(&k->arena);
	secret_wipe(k, sizeof *k);
	mem_free(k);
}

/* The one there is already of just this kind, or a new one. NULL: no memory. */
static const struct access_key *keep_key(struct credentials *c, const struct access_key *key)
{
	for (const struct ring_key *k = c->all; k != NULL; k = k->next)
		if (same_key(&k->key, key))
			return &k->key;
	struct ring_key *k = mem_new(1, sizeof *k);
	if (k == NULL)
		return NULL;
	arena_init(&k->arena, PROFILES_ARENA_BYTES);
	k->key = *key;
	struct key_grant *grants = key->n_grants > 0 ? arena_array(&k->arena, key->n_grants, sizeof *grants) : NULL;
	for (size_t i = 0; grants != NULL && i < key->n_grants; i++)
		grants[i] = (struct key_grant){ key->grants[i].actions, str_dup(&k->arena, key->grants[i].bucket),
			str_dup(&k->arena, key->grants[i].prefix) };
	k->key.grants = grants;
	if (!arena_ok(&k->arena)) {
		free_key(k);
		return NULL;
	}
	k->next = c->all;
	c->all = k;
	return &k->key;
}

/* what is in force */

static int compare_keys(const void *a, const void *b)
{
	const struct access_key *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

static int compare_id(const void *id, const void *key)
{
	const struct access_key *const *k = key;

	return str_compare(*(const struct str *)id, str_of((*k)->id));
}

static const struct access_key *look_up(struct credentials *c, struct str id)
{
	pthread_mutex_lock(&c->lock);
	const struct access_key **found = bsearch(&id, c->by_id, c->n, sizeof(struct access_key *), compare_id);
	const struct access_key *key = found != NULL ? *found : NULL;
	pthread_mutex_unlock(&c->lock);
	return key;
}

static enum status activate_keys(struct credentials *c, const struct profiles *all, struct fault *why)
{
	const struct access_key **by_id = mem_new(all->n, sizeof(struct access_key *));
	const struct access_key *owner = NULL, *slots = NULL;
	bool good = by_id != NULL;

	for (size_t i = 0; good && i < all->n; i++) {
		by_id[i] = keep_key(c, &all->all[i].key);
		good = by_id[i] != NULL;
		if (all->all[i].key.power == KEY_OWNER)
			owner = by_id[i];
		if (all->all[i].key.power == KEY_SLOTS)
			slots = by_id[i];
	}
	if (!good) {
		mem_free(by_id);
		return fault_no_memory(why);
	}
	qsort(by_id, all->n, sizeof(struct access_key *), compare_keys);
	pthread_mutex_lock(&c->lock);
	const struct access_key **old = c->by_id;
	c->by_id = by_id;
	c->n = all->n;
	c->owner = owner;
	c->slots = slots;
	pthread_mutex_unlock(&c->lock);
	mem_free(old);
	return OK;
}

/* the file */

static enum status copy_text(struct credentials *c, struct str text, struct arena *a, struct profiles *all, struct fault *why)
{
	struct fault cause;

	if (profiles_parse(text, a, all, &cause) != OK)
		return fault_set(why, STORAGE_FAILED, "%s/credentials is malformed: %s.", c->path, cause.text);
	const char *missing = profiles_find(all, KEY_OWNER_NAME) == NULL ? KEY_OWNER_NAME
		: profiles_find(all, "slots") == NULL                        ? "slots"
																	 : NULL;
	if (missing != NULL)
		return fault_set(why, STORAGE_FAILED, "%s/credentials has no profile [%s].", c->path, missing);
	return activate_keys(c, all, why);
}

static enum status load_keys(struct credentials *c, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct buf text CLEANUP(key_text_deinit);
	struct stat st = { 0 };

	arena_init(&a, PROFILES_ARENA_BYTES);
	buf_init(&text, PROFILES_MAX_BYTES);
	c->read_ms = clock_now_ms();
	TRY(key_file_read(c->dir_fd, c->path, &text, &st, why));
	c->seen = st;
	struct profiles *all = mem_new(1, sizeof *all);
	if (all == NULL)
		return fault_no_memory(why);
	enum status status = copy_text(c, buf_str(&text), &a, all, why);
	secret_wipe(all, sizeof *all);
	mem_free(all);
	return status;
}

/* Whether the file may be another than the one read last. One that is missing now is: the read will say so. */
static bool has_changed(const struct credentials *c, struct stat *st)
{
	const struct stat *old = &c->seen;

	if (fstatat(c->dir_fd, "credentials", st, AT_SYMLINK_NOFOLLOW) != 0)
		*st = (struct stat){ 0 };
	if (file_changed(st, old))
		return true;
	int64_t age_ms = c->read_ms - ((int64_t)st->st_ctim.tv_sec * 1000 + st->st_ctim.tv_nsec / 1000000);
	return st->st_ino != 0 && age_ms < STAMP_MS && age_ms > -STAMP_MS;
}

/* Under `renewal`. */
static void reload_keys(struct credentials *c)
{
	struct stat st;
	struct fault why = { 0 };
	struct stat before = c->seen;

	atomic_store_explicit(&c->looked_ms, clock_mono_ms(), memory_order_relaxed);
	if (!has_changed(c, &st))
		return;
	c->seen = st; /* so that one that cannot be read is not tried again and again */
	enum status status = load_keys(c, &why);
	if (!file_changed(&before, &c->seen))
		return; /* a second check a young file; said before */
	if (status == OK)
		LOG(KEYS_LOADED, STR(""), LOG_I("keys", c->n));
	else
		LOG(KEYS_REFUSED, STR(""), LOG_C("text", why.text), LOG_C("cause", why.cause));
}

static void reload_if_due(struct credentials *c)
{
	if (clock_mono_ms() - atomic_load_explicit(&c->looked_ms, memory_order_relaxed) < CHECK_EVERY_MS)
		return;
	if (pthread_mutex_trylock(&c->renewal) != 0)
		return;
	reload_keys(c);
	pthread_mutex_unlock(&c->renewal);
}

static const struct access_key *find_key(struct key_ring *ring, struct str id)
{
	struct credentials *c = (struct credentials *)ring;

	reload_if_due(c);
	const struct access_key *key = look_up(c, id);
	if (key != NULL)
		return key;
	pthread_mutex_lock(&c->renewal);
	reload_keys(c);
	pthread_mutex_unlock(&c->renewal);
	return look_up(c, id);
}

const struct access_key *credentials_slots(struct credentials *c)
{
	reload_if_due(c);
	pthread_mutex_lock(&c->lock);
	const struct access_key *key = c->slots;
	assert(key != NULL); /* a file without it is refused */
	pthread_mutex_unlock(&c->lock);
	return key;
}

enum status credentials_open(struct credentials *c, int dir_fd, const char *path, struct fault *why)
{
	static const struct key_ring_ops ops = { .find = find_key };

	assert(dir_fd >= 0 && path != NULL);
	*c = (struct credentials){ .ring = { &ops }, .dir_fd = dir_fd, .path = path, .open = true };
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->renewal, NULL);
	TRY(key_file_lock(dir_fd, path, why));
	enum status status = key_file_make(dir_fd, path, why);
	key_file_unlock(dir_fd);
	TRY(status);
	atomic_store(&c->looked_ms, clock_mono_ms());
	return load_keys(c, why);
}

void credentials_close(struct credentials *c)
{
	while (c->all != NULL) {
		struct ring_key *k = c->all;
		c->all = k->next;
		free_key(k);
	}
	mem_free(c->by_id);
	if (c->open) {
		pthread_mutex_destroy(&c->renewal);
		pthread_mutex_destroy(&c->lock);
	}
	*c = (struct credentials){ 0 };
}
