/* Digests and MACs over OpenSSL: MD5 (ETags), SHA-1 (checksums), SHA-256, HMAC-SHA256; comparison of secrets in
 * constant time; wiping. Nothing takes memory or can fail. Any thread. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

#define MD5_BYTES 16
#define SHA1_BYTES 20
#define SHA256_BYTES 32

enum hash_kind { HASH_MD5, HASH_SHA1, HASH_SHA256 };

struct hash {
	enum hash_kind kind;
	_Alignas(8) unsigned char context[112]; /* OpenSSL's, of the kind */
};

/* Begin. What is not ended holds nothing. */
void hash_init(struct hash *h, enum hash_kind kind);
void hash_update(struct hash *h, const void *p, size_t n);
/* Write the digest (MD5_BYTES, SHA1_BYTES or SHA256_BYTES), end the hash and wipe it. */
void hash_final(struct hash *h, unsigned char *out);

void sha256(struct str data, unsigned char out[SHA256_BYTES]);
/* Lower-case hex and a NUL. */
void sha256_hex(struct str data, char out[2 * SHA256_BYTES + 1]);
void hmac_sha256(struct str key, struct str data, unsigned char out[SHA256_BYTES]);

/* Compares in time that depends on the length of `b` alone; different lengths are not equal. */
bool secret_equal(struct str a, struct str b);
void secret_wipe(void *p, size_t n);
/* n bytes of the system's randomness; aborts when there is none. */
void random_bytes(void *out, size_t n);

/* FNV-1a, for tables and shards: spreads evenly, the same on every machine, no defence against chosen keys.
 * from: HASH_FNV64 to begin with, or the hash of the preceding piece. */
#define HASH_FNV64 UINT64_C(0xcbf29ce484222325)
uint64_t hash_fnv64(uint64_t from, struct str s);
uint32_t hash_fnv32(struct str s);

/* A UUID version 4 in lower case and a NUL. */
#define UUID_CHARS 36
void uuid_v4(char out[UUID_CHARS + 1]);
#define UUID_BYTES 16
/* The same of given bytes, of which 122 bits are kept. */
void uuid_of_bytes(const unsigned char bytes[UUID_BYTES], char out[UUID_CHARS + 1]);
/* The same, in `a`; {NULL, 0} when it is full. */
struct str uuid_dup(struct arena *a, const unsigned char bytes[UUID_BYTES]);
/* Exactly the form that uuid_v4 gives. */
bool uuid_valid(struct str s);
/* Its bytes, of which uuid_of_bytes makes it again.  false: not uuid_valid */
bool uuid_to_bytes(struct str s, unsigned char out[UUID_BYTES]) MUST_CHECK;

#endif
