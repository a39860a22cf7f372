/* See fake_cdn.h. */
#include "fake/fake_cdn.h"

#include "base/buf.h"

#include <assert.h>

#define COPY_BYTES ((size_t)16 << 20)

static struct fake_cdn *self(struct cdn *port)
{
	return (struct fake_cdn *)port;
}

static enum status sign(struct cdn *port, const struct cdn_link *l, struct arena *a, struct str *url, struct fault *why)
{
	if (self(port)->has_no_key)
		return fault_set(why, INTERNAL, "no key");
	*url = str_printf(a, "%.*s/%.*s?name=%.*s&type=%.*s&Expires=%lld", STRF(port->url), STRF(l->key), STRF(l->disposition),
		STRF(l->content_type), (long long)l->expires_s);
	return fault_check_arena(a, why);
}

static enum status copy_object(struct fake_cdn *c, const struct cdn_copy *what, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct object o;
	arena_init(&a, COPY_BYTES);
	TRY(store_get(c->store, what->from, COPY_BYTES, &a, &o, why));
	if (what->etag.n > 0 && !str_equal(what->etag, o.info.etag))
		return fault_set(why, PRECONDITION, "other bytes");
	return store_put(c->store, what->to, what->content_type, o.body, why);
}

static enum status copy(struct cdn *port, const struct cdn_copy *what, struct fault *why)
{
	struct fake_cdn *c = self(port);
	TRY(trap_enter(&c->trap, why));
	return trap_leave(&c->trap, copy_object(c, what, why), why);
}

static enum status invalidate(struct cdn *port, struct str path, struct fault *why)
{
	struct fake_cdn *c = self(port);
	TRY(trap_enter(&c->trap, why));
	assert(c->n_paths < FAKE_CDN_PATHS);
	c->paths[c->n_paths++] = str_dup(&c->texts, path);
	return trap_leave(&c->trap, OK, why);
}

static const struct cdn_ops ops = { sign, copy, invalidate };

void fake_cdn_init(struct fake_cdn *c, struct object_store *store)
{
	*c = (struct fake_cdn){ .port = { &ops, STR("https://cdn.test") }, .store = store };
	trap_init(&c->trap);
	arena_init(&c->texts, 1 << 16);
}

void fake_cdn_deinit(struct fake_cdn *c)
{
	arena_deinit(&c->texts);
	trap_deinit(&c->trap);
}
