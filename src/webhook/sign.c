/* See sign.h. */
#include "webhook/sign.h"

#include "base/arena.h"
#include "base/codec.h"
#include "base/hash.h"

#include <string.h>

#define SCRATCH_BYTES 1024
#define PREFIX STR("whsec_")

static enum status refuse_secret(const char *what, struct fault *why)
{
	return fault_set(why, BAD_SETTING,
		"TINTYPE_WEBHOOK_SECRET %s: set it to whsec_ and the base64 of %d to %d random bytes, such as what "
		"`echo whsec_$(openssl rand -base64 32)` prints.",
		what, WEBHOOK_SECRET_MIN_BYTES, WEBHOOK_SECRET_MAX_BYTES);
}

static enum status parse_secret(struct webhook_secrets *s, struct str text, struct arena *a, struct fault *why)
{
	struct str key;
	if (s->n == WEBHOOK_SECRETS_MAX)
		return fault_set(
			why, BAD_SETTING, "TINTYPE_WEBHOOK_SECRET has more than two secrets: keep the new one and the one that it replaces.");
	if (!str_starts_with(text, PREFIX))
		return refuse_secret("does not begin with whsec_", why);
	if (text.n > SCRATCH_BYTES / 2 || !base64_decode(a, str_slice(text, PREFIX.n, text.n), &key))
		return refuse_secret("is not base64 after whsec_", why);
	bool fits = key.n >= WEBHOOK_SECRET_MIN_BYTES && key.n <= WEBHOOK_SECRET_MAX_BYTES;
	if (fits) {
		memcpy(s->secrets[s->n].bytes, key.p, key.n);
		s->secrets[s->n++].n_bytes = key.n;
	}
	secret_wipe((char *)(uintptr_t)key.p, key.n);
	return fits ? OK : refuse_secret("is too short or too long", why);
}

enum status webhook_secrets_parse(struct str text, struct webhook_secrets *out, struct fault *why)
{
	assert(out != NULL);
	struct webhook_secrets s = { 0 };
	struct arena a CLEANUP(arena_deinit);
	enum status st = OK;
	arena_init(&a, SCRATCH_BYTES);
	do
		st = parse_secret(&s, str_trim(str_cut(&text, ',')), &a, why);
	while (st == OK && text.p != NULL);
	if (a.starved)
		st = fault_no_memory(why);
	if (st == OK)
		*out = s;
	secret_wipe(&s, sizeof s);
	return st;
}

void webhook_sign(const struct webhook_secrets *s, struct str id, int64_t timestamp_s, struct str body, struct buf *out)
{
	assert(s->n >= 1 && s->n <= WEBHOOK_SECRETS_MAX && timestamp_s > 0);
	assert(id.n > 0 && str_find_char(id, '.') == id.n);
	struct buf text CLEANUP(buf_deinit);
	unsigned char mac[SHA256_BYTES];
	buf_init(&text, id.n + body.n + DECIMAL_CHARS + 2);
	buf_put(&text, id);
	buf_put_char(&text, '.');
	buf_put_i64(&text, timestamp_s);
	buf_put_char(&text, '.');
	buf_put(&text, body);
	for (size_t i = 0; i < s->n; i++) {
		struct str key = { (const char *)s->secrets[i].bytes, s->secrets[i].n_bytes };
		hmac_sha256(key, buf_str(&text), mac);
		buf_put(out, i == 0 ? STR("v1,") : STR(" v1,"));
		base64_encode(out, (struct str){ (const char *)mac, sizeof mac });
	}
	out->bad = out->bad || !buf_ok(&text);
}
