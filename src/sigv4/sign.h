/* Signature Version 4, the signing side: canonical request, string to sign, signature.
 * Each step is a function of its own so that tests can start from the expected result of the step
 * before. Pure; any thread.
 * Source: AWS, "Create a signed AWS API request"; Amazon S3 API, "Authenticating Requests". */
#ifndef SIGV4_SIGN_H
#define SIGV4_SIGN_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/hash.h"
#include "http/message.h"

#define SIGV4_UNSIGNED_PAYLOAD STR("UNSIGNED-PAYLOAD")
#define SIGNATURE_CHARS 64

/* day/region/service/aws4_request */
struct sigv4_scope {
	struct str day; /* 8 digits */
	struct str region;
	struct str service;
};

struct sigv4_key {
	struct str access_key;
	struct str secret;
	struct str session_token; /* "": none */
	struct str region;
	struct str service;
};

enum path_rule {
	PATH_DECODED, /* not encoded yet: encode once, keep '/' */
	PATH_AS_SENT, /* already encoded, as on the wire: decode, then encode once (S3's rule) */
};

struct canonical_input {
	struct str method;
	struct str path;
	enum path_rule path_rule;
	const struct query *query;    /* X-Amz-Signature is left out */
	const struct header *headers; /* all there are */
	size_t n_headers;
	struct str signed_headers; /* "content-type;host;x-amz-date": lower case, sorted */
	struct str payload_hash;
};

/* Append "AWS4-HMAC-SHA256\nDATE\nSCOPE\nHEX(SHA256(canonical))". */
void string_to_sign(struct str amz_date, const struct sigv4_scope *scope, struct str canonical, struct buf *out);
/* The key of one day, region and service. The last few are cached per thread, and wiped when it ends. */
void signing_key(struct str secret, const struct sigv4_scope *scope, unsigned char key[SHA256_BYTES]);
/* Lower-case hex of HMAC(key, text) and a NUL. */
void signature_of(const unsigned char key[SHA256_BYTES], struct str text, char out[SIGNATURE_CHARS + 1]);
/* The same by the key of the scope, which is wiped. */
void signature_by_secret(struct str secret, const struct sigv4_scope *scope, struct str text, char out[SIGNATURE_CHARS + 1]);
/* The same in the arena. {NULL, 0}: it is full. */
struct str sign_text(struct str secret, const struct sigv4_scope *scope, struct str text, struct arena *a);
/* Names of all headers, lower case, sorted, once each, with ';' between. */
struct str signed_header_names(struct arena *a, const struct header *headers, size_t n);
/* Whether `name` is in a list with ';' between, ASCII case aside. */
bool signed_header_listed(struct str list, struct str name);

#endif
