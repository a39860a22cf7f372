/* See api_key_text.h. */
#include "identity/api_key_text.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/hash.h"

#define PREFIX "tk_"
#define SECRET_BYTES 32
#define SECRET_CHARS 43
#define CHECK_CHARS 6
#define SECRET_AT (sizeof PREFIX - 1 + API_KEY_ID_CHARS + 1)
#define CHECK_AT (SECRET_AT + SECRET_CHARS)

_Static_assert(CHECK_AT + CHECK_CHARS == API_KEY_TEXT_CHARS, "the parts make the whole");
_Static_assert(API_KEY_HASH_CHARS == 2 * SHA256_BYTES, "in hex");

/* Five bits each, in the alphabet of RFC 4648 6, which has no characters that are taken for others when they are read out. */
static void put_id(struct buf *b)
{
	static const char alphabet[32] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char random[API_KEY_ID_CHARS];
	random_bytes(random, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		buf_put_char(b, alphabet[random[i] % sizeof alphabet]);
}

/* Of the text before them. */
static void put_check(struct buf *b, struct str text)
{
	unsigned char digest[SHA256_BYTES];
	char memory[SECRET_CHARS + 1];
	struct buf all;
	sha256(text, digest);
	buf_init_fixed(&all, memory, sizeof memory);
	base64url_encode(&all, (struct str){ (const char *)digest, sizeof digest });
	buf_put(b, str_slice(buf_str(&all), 0, CHECK_CHARS));
}

void api_key_text_make(char text[API_KEY_TEXT_CHARS + 1])
{
	assert(text != NULL);
	unsigned char secret[SECRET_BYTES];
	struct buf b;
	buf_init_fixed(&b, text, API_KEY_TEXT_CHARS + 1);
	buf_put(&b, STR(PREFIX));
	put_id(&b);
	buf_put_char(&b, '_');
	random_bytes(secret, sizeof secret);
	base64url_encode(&b, (struct str){ (const char *)secret, sizeof secret });
	put_check(&b, buf_str(&b));
	secret_wipe(secret, sizeof secret);
	assert(buf_ok(&b) && b.n == API_KEY_TEXT_CHARS);
}

bool api_key_text_parse(struct str given, struct str *id)
{
	assert(id != NULL);
	char memory[CHECK_CHARS + 1];
	struct buf check;
	if (given.n != API_KEY_TEXT_CHARS || !str_starts_with(given, STR(PREFIX)) || given.p[SECRET_AT - 1] != '_')
		return false;
	struct str name = str_slice(given, sizeof PREFIX - 1, SECRET_AT - 1);
	if (!str_consists_of_lower(name, STR("")) || !str_consists_of(str_slice(given, SECRET_AT, CHECK_AT), STR("-_")))
		return false;
	buf_init_fixed(&check, memory, sizeof memory);
	put_check(&check, str_slice(given, 0, CHECK_AT));
	if (!str_equal(buf_str(&check), str_slice(given, CHECK_AT, given.n)))
		return false;
	*id = name;
	return true;
}

void api_key_text_hash(struct str text, char hash[API_KEY_HASH_CHARS + 1])
{
	assert(hash != NULL);
	sha256_hex(text, hash);
}
