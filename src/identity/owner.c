/* See owner.h. */
#include "identity/owner.h"

#include "base/codec.h"
#include "base/hash.h"

#include <string.h>

#define ISSUER_MAX_BYTES 1024

bool subject_valid(struct str subject)
{
	if (subject.n < 1 || subject.n > SUBJECT_MAX_BYTES || !utf8_valid(subject))
		return false;
	for (size_t i = 0; i < subject.n; i++) {
		unsigned char c = (unsigned char)subject.p[i];
		bool is_c1 = c == 0xc2 && i + 1 < subject.n && (unsigned char)subject.p[i + 1] < 0xa0; /* U+0080 to U+009F */
		if (c < 0x20 || c == 0x7f || is_c1)
			return false;
	}
	return true;
}

bool owner_of(struct str issuer, struct str subject, char out[OWNER_CHARS + 1])
{
	assert(issuer.n > 0 && issuer.n <= ISSUER_MAX_BYTES);
	assert(str_find_char(issuer, '\n') == issuer.n);
	assert(out != NULL);
	char memory[ISSUER_MAX_BYTES + SUBJECT_MAX_BYTES + 2], hex[2 * SHA256_BYTES + 1];
	struct buf both;
	if (!subject_valid(subject))
		return false;
	buf_init_fixed(&both, memory, sizeof memory);
	BUF_PUT(&both, issuer, STR("\n"), subject);
	assert(buf_ok(&both));
	sha256_hex(buf_str(&both), hex);
	memcpy(out, hex, OWNER_CHARS);
	out[OWNER_CHARS] = '\0';
	return true;
}

bool owner_valid(struct str s)
{
	if (s.n != OWNER_CHARS)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (hex_digit(s.p[i]) < 0 || (s.p[i] >= 'A' && s.p[i] <= 'F'))
			return false;
	return true;
}
