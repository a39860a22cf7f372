/* The text of an API key: "tk_", eight characters that name the key, "_", 43 base64url characters of a 256-bit secret, and six check
 * characters, which are the first of the base64url of the SHA-256 of all before them. So a scanner for secrets finds keys, and knows
 * a real one from an example, without asking the server; and what is not a key is told apart from one before anything is looked up.
 *
 * A server stores the name and the SHA-256 of the text, never the text. A slow hash is not needed: the secret cannot be guessed. Neither a
 * token (two dots) nor a delete token (43 characters) has this form. Pure but for the randomness; any thread.
 * Source: GitHub, "Behind GitHub's new authentication token formats" (prefix and checksum) */
#ifndef IDENTITY_API_KEY_TEXT_H
#define IDENTITY_API_KEY_TEXT_H

#include "base/str.h"

#define API_KEY_ID_CHARS 8
#define API_KEY_TEXT_CHARS 61
#define API_KEY_HASH_CHARS 64 /* hex of its SHA-256 */

/* Make a new key; each text ends in a NUL. The caller shows `text` once and wipes it. */
void api_key_text_make(char text[API_KEY_TEXT_CHARS + 1]);
/* Whether `given` has the form of a key and the right check characters.
 * id  its name, borrowed from `given`; written only on true */
bool api_key_text_parse(struct str given, struct str *id) MUST_CHECK;
/* What is stored of a key: lower-case hex of the SHA-256 of its text, and a NUL. */
void api_key_text_hash(struct str text, char hash[API_KEY_HASH_CHARS + 1]);

#endif
