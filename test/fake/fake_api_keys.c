/* See fake_api_keys.h. Sorted by id, as lists are. */
#include "fake/fake_api_keys.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define TEXTS_MAX ((size_t)8 << 10)

struct fake_api_key {
	struct api_key_row row;
	struct arena texts;
};

struct fake_api_keys {
	struct api_key_table port;
	struct trap trap;
	struct fake_api_key *keys[API_KEYS_MAX];
	size_t n;
};

static struct fake_api_keys *self(struct api_key_table *t)
{
	return (struct fake_api_keys *)t;
}

static struct api_key_row row_copy(const struct api_key_row *row, struct arena *a)
{
	struct api_key_row copy = *row;
	struct str *texts[] = { &copy.id, &copy.hash, &copy.name, &copy.owner, &copy.issuer, &copy.subject };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		*texts[i] = str_dup(a, *texts[i]);
	assert(arena_ok(a));
	return copy;
}

static int compare(struct str x, struct str y)
{
	int order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
	return order != 0 ? order : (x.n > y.n) - (x.n < y.n);
}

/* Where the id is or would be. */
static bool find(const struct fake_api_keys *k, struct str id, size_t *at)
{
	*at = 0;
	while (*at < k->n && compare(k->keys[*at]->row.id, id) < 0)
		++*at;
	return *at < k->n && str_equal(k->keys[*at]->row.id, id);
}

static enum status add_row(struct fake_api_keys *k, const struct api_key_row *row, struct fault *why)
{
	size_t at;
	if (find(k, row->id, &at))
		return api_key_exists(why);
	if (k->n == API_KEYS_MAX)
		return api_keys_full(why);
	struct fake_api_key *key = mem_new(1, sizeof(*key));
	assert(key != NULL);
	arena_init(&key->texts, TEXTS_MAX);
	key->row = row_copy(row, &key->texts);
	memmove(&k->keys[at + 1], &k->keys[at], (k->n - at) * sizeof(*k->keys));
	k->keys[at] = key;
	k->n++;
	return OK;
}

static enum status add(struct api_key_table *t, const struct api_key_row *row, struct fault *why)
{
	TRY(trap_enter(&self(t)->trap, why));
	return trap_leave(&self(t)->trap, add_row(self(t), row, why), why);
}

static enum status get(struct api_key_table *t, struct str id, struct arena *a, struct api_key_row *out, struct fault *why)
{
	size_t at;
	TRY(trap_enter(&self(t)->trap, why));
	bool found = find(self(t), id, &at);
	if (found)
		*out = row_copy(&self(t)->keys[at]->row, a);
	return trap_leave(&self(t)->trap, found ? OK : no_such_api_key(why), why);
}

static enum status list(struct api_key_table *t, struct arena *a, struct api_key_page *out, struct fault *why)
{
	struct fake_api_keys *k = self(t);
	TRY(trap_enter(&k->trap, why));
	*out = (struct api_key_page){ .rows = arena_array(a, k->n + 1, sizeof(*out->rows)) };
	assert(out->rows != NULL);
	while (out->n < k->n) {
		out->rows[out->n] = row_copy(&k->keys[out->n]->row, a);
		out->n++;
	}
	return trap_leave(&k->trap, OK, why);
}

static enum status touch(struct api_key_table *t, struct str id, int64_t hour_ms, struct fault *why)
{
	size_t at;
	TRY(trap_enter(&self(t)->trap, why));
	if (find(self(t), id, &at))
		self(t)->keys[at]->row.used_ms = hour_ms;
	return trap_leave(&self(t)->trap, OK, why);
}

static void key_free(struct fake_api_key **key)
{
	arena_deinit(&(*key)->texts);
	mem_free(*key);
	*key = NULL;
}

static enum status remove_row(struct fake_api_keys *k, struct str id, struct fault *why)
{
	size_t at;
	if (!find(k, id, &at))
		return no_such_api_key(why);
	key_free(&k->keys[at]);
	k->n--;
	memmove(&k->keys[at], &k->keys[at + 1], (k->n - at) * sizeof(*k->keys));
	return OK;
}

static enum status remove_key(struct api_key_table *t, struct str id, struct fault *why)
{
	TRY(trap_enter(&self(t)->trap, why));
	return trap_leave(&self(t)->trap, remove_row(self(t), id, why), why);
}

static const struct api_key_table_ops ops = { add, get, list, touch, remove_key };

struct fake_api_keys *fake_api_keys_new(void)
{
	struct fake_api_keys *k = mem_new(1, sizeof(*k));
	assert(k != NULL);
	k->port.ops = &ops;
	trap_init(&k->trap);
	return k;
}

void fake_api_keys_free(struct fake_api_keys **k)
{
	if (*k == NULL)
		return;
	for (size_t i = 0; i < (*k)->n; i++)
		key_free(&(*k)->keys[i]);
	trap_deinit(&(*k)->trap);
	mem_free(*k);
	*k = NULL;
}

struct api_key_table *fake_api_keys_port(struct fake_api_keys *k)
{
	return &k->port;
}

void fake_api_keys_fail_nth(struct fake_api_keys *k, uint64_t n, enum fault_code code)
{
	trap_fail(&k->trap, n, code);
}

uint64_t fake_api_keys_calls(struct fake_api_keys *k)
{
	return trap_calls(&k->trap);
}
