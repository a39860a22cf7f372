/* Delivery links: write and read their paths. See delivery_link.h. The signature is compared as text with the expected one, so
 * another base64url spelling of the same bytes is refused. */
#include "image/delivery_link.h"

#include "base/codec.h"
#include "base/hash.h"

#include <string.h>

#define SIGNATURE_BYTES 16
#define SIGNATURE_CHARS 22 /* in base64url without padding */
#define EXPIRY_DIGITS_MAX 11
#define MESSAGE_MAX 256
#define DAY_S 86400

static const struct str PREFIX = { "/i/", 3 };
static const struct str FORMATS[] = { { "jpg", 3 }, { "png", 3 }, { "webp", 4 } };

bool delivery_keys_parse(struct str text, struct delivery_keys *out)
{
	assert(out != NULL);
	struct delivery_keys keys = { 0 };
	for (struct str rest = text; rest.p != NULL; keys.n++) {
		struct str key = str_cut(&rest, ',');
		if (keys.n == DELIVERY_KEYS_MAX || key.n < DELIVERY_KEY_MIN || key.n > DELIVERY_KEY_MAX || !str_consists_of(key, STR("-._~+/=")))
			return false;
		keys.keys[keys.n] = key;
	}
	if (keys.n == 0 || (keys.n == 2 && secret_equal(keys.keys[0], keys.keys[1])))
		return false;
	*out = keys;
	return true;
}

static bool is_format(struct str s)
{
	for (size_t i = 0; i < COUNT_OF(FORMATS); i++)
		if (str_equal(s, FORMATS[i]))
			return true;
	return false;
}

static bool is_hash(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return s.n == DELIVERY_HASH_CHARS;
}

static bool is_preset(struct str s)
{
	return s.n <= DELIVERY_PRESET_MAX && str_consists_of_lower(s, STR("-")) && s.p[0] != '-' && s.p[s.n - 1] != '-';
}

bool delivery_variant_parse(struct str text, struct delivery_variant *out)
{
	assert(out != NULL);
	struct delivery_variant v = { 0 };
	if (str_equal(text, STR("original"))) {
		*out = v;
		return true;
	}
	v.format = text;
	struct str name = str_cut(&v.format, '.');
	if (name.n < DELIVERY_HASH_CHARS + 2 || name.p[name.n - DELIVERY_HASH_CHARS - 1] != '-')
		return false;
	v.hash = str_slice(name, name.n - DELIVERY_HASH_CHARS, name.n);
	v.preset = str_slice(name, 0, name.n - DELIVERY_HASH_CHARS - 1);
	if (!is_preset(v.preset) || !is_hash(v.hash) || !is_format(v.format))
		return false;
	*out = v;
	return true;
}

void delivery_variant_write(struct buf *b, const struct delivery_variant *v)
{
	assert(b != NULL && v != NULL);
	if (v->preset.n == 0) {
		buf_put(b, STR("original"));
		return;
	}
	assert(is_preset(v->preset) && is_hash(v->hash) && is_format(v->format));
	buf_put(b, v->preset);
	buf_put_char(b, '-');
	buf_put(b, v->hash);
	buf_put_char(b, '.');
	buf_put(b, v->format);
}

void delivery_variant_hash(struct str how, char out[DELIVERY_HASH_CHARS + 1])
{
	unsigned char digest[SHA256_BYTES];
	assert(out != NULL);
	sha256(how, digest);
	hex_encode(digest, DELIVERY_HASH_CHARS / 2, out);
}

static void sign_link(const struct delivery_link *link, struct str key, char out[SIGNATURE_CHARS + 1])
{
	char message[MESSAGE_MAX];
	unsigned char mac[SHA256_BYTES];
	struct buf m, text;
	buf_init_fixed(&m, message, sizeof message);
	buf_put(&m, STR("tintype-delivery-1\n"));
	buf_put_i64(&m, link->expires_s);
	buf_put_char(&m, '\n');
	buf_put(&m, link->image_id);
	buf_put_char(&m, '\n');
	buf_put(&m, link->variant);
	assert(buf_ok(&m));
	hmac_sha256(key, buf_str(&m), mac);
	buf_init_fixed(&text, out, SIGNATURE_CHARS + 1);
	base64url_encode(&text, (struct str){ (const char *)mac, SIGNATURE_BYTES });
	assert(buf_ok(&text) && text.n == SIGNATURE_CHARS);
}

void delivery_link_write(struct buf *b, const struct delivery_link *link, struct str key)
{
	struct delivery_variant v;
	assert(b != NULL && link != NULL);
	assert(uuid_valid(link->image_id) && delivery_variant_parse(link->variant, &v));
	buf_put(b, PREFIX);
	if (link->is_signed) {
		char signature[SIGNATURE_CHARS + 1];
		assert(key.n >= DELIVERY_KEY_MIN);
		assert(link->expires_s > 0 && link->expires_s <= DELIVERY_EXPIRY_MAX);
		sign_link(link, key, signature);
		buf_put(b, (struct str){ signature, SIGNATURE_CHARS });
		buf_put_char(b, '.');
		buf_put_i64(b, link->expires_s);
		buf_put_char(b, '/');
	}
	buf_put(b, link->image_id);
	buf_put_char(b, '/');
	buf_put(b, link->variant);
}

bool delivery_link_is_path(struct str path)
{
	return str_starts_with(path, PREFIX);
}

/* Decimal digits without a leading zero. */
static bool parse_expiry(struct str text, int64_t *out)
{
	uint64_t n;
	if (text.n > EXPIRY_DIGITS_MAX || text.n == 0 || text.p[0] == '0' || !str_to_u64(text, &n))
		return false;
	*out = (int64_t)n;
	return true;
}

/* All keys are tried, so that the time does not tell which one matched. */
static bool is_signature(struct str text, const struct delivery_link *link, const struct delivery_keys *keys)
{
	bool equal = false;
	for (size_t i = 0; i < keys->n; i++) {
		char signature[SIGNATURE_CHARS + 1];
		sign_link(link, keys->keys[i], signature);
		equal |= secret_equal(text, (struct str){ signature, SIGNATURE_CHARS });
	}
	return equal;
}

enum delivery_answer delivery_link_read(struct str path, const struct delivery_keys *keys, int64_t now_s, struct delivery_link *out)
{
	assert(keys != NULL && keys->n <= DELIVERY_KEYS_MAX);
	assert(out != NULL);
	if (!delivery_link_is_path(path))
		return DELIVERY_UNKNOWN;
	struct delivery_link link = { .variant = str_slice(path, PREFIX.n, path.n) };
	struct delivery_variant v;
	struct str expiry = str_cut(&link.variant, '/'), signature = { 0 };
	link.image_id = expiry;
	link.is_signed = str_find_char(expiry, '.') < expiry.n;
	if (link.is_signed) {
		signature = str_cut(&expiry, '.');
		link.image_id = str_cut(&link.variant, '/');
	}
	if (!uuid_valid(link.image_id) || !delivery_variant_parse(link.variant, &v))
		return DELIVERY_UNKNOWN;
	if (link.is_signed && (!parse_expiry(expiry, &link.expires_s) || !is_signature(signature, &link, keys)))
		return DELIVERY_UNKNOWN;
	*out = link;
	return link.is_signed && link.expires_s <= now_s ? DELIVERY_EXPIRED : DELIVERY_VALID;
}

int64_t delivery_link_expiry(struct str image_id, int64_t now_s, int64_t life_s)
{
	assert(now_s >= 0 && life_s >= 0);
	int64_t offset = (int64_t)(hash_fnv64(HASH_FNV64, image_id) % DAY_S);
	int64_t least = now_s + life_s;
	int64_t past = ((least - offset) % DAY_S + DAY_S) % DAY_S; /* since the last boundary */
	return past == 0 ? least : least - past + DAY_S;
}
