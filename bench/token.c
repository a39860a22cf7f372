/* What it costs to verify a token: RS256 with a key of 2048 bits, and the claims that Cognito puts in an access token. Prints one JSON object:
 * verifications a second of processor time, as of a token that was never seen (`verify`) and of one that was (`seen`), medians; and the
 * token's length. Or it makes such tokens for a server: N of them, one a line, of USERS users in turn, and the key set that they need.
 *   token SECONDS
 *   token make KEYS N USERS */
#include "identity/identity.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/arena.h"
#include "identity/jwt.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 5
#define BATCH 50
#define ISSUER "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI"
#define CLIENT "1example23456789abcdefghij"
#define ARENA_BYTES ((size_t)1 << 20)

static EVP_PKEY *key;
static struct arena texts;

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	fprintf(stderr, "token: %s\n", what);
	exit(1);
}

static struct str encode(struct str bytes)
{
	struct buf b;
	buf_init_arena(&b, &texts, 2 * bytes.n + 8);
	base64url_encode(&b, bytes);
	return buf_str(&b);
}

static struct str number(const char *parameter)
{
	unsigned char bytes[512];
	BIGNUM *n = NULL;
	if (EVP_PKEY_get_bn_param(key, parameter, &n) != 1)
		fail("the key has no such number");
	int length = BN_bn2bin(n, bytes);
	BN_free(n);
	return encode((struct str){ (const char *)bytes, (size_t)length });
}

static struct str key_set(void)
{
	return str_printf(&texts,
		"{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"RS256\",\"use\":\"sig\",\"kid\":\"k1\",\"n\":\"%.*s\",\"e\":\"%.*s\"}]}",
		STRF(number(OSSL_PKEY_PARAM_RSA_N)), STRF(number(OSSL_PKEY_PARAM_RSA_E)));
}

static struct str make_token(int64_t now_s_, unsigned user, unsigned id)
{
	unsigned char signature[256];
	size_t n = sizeof signature;
	struct str header = encode(STR("{\"kid\":\"k1\",\"alg\":\"RS256\"}"));
	struct str payload = str_printf(&texts,
		"{\"sub\":\"aaaaaaaa-bbbb-cccc-dddd-%012u\",\"cognito:groups\":[\"editors\"],\"iss\":\"" ISSUER "\",\"client_id\":\"" CLIENT
		"\",\"origin_jti\":\"11111111-2222-3333-4444-555555555555\",\"event_id\":\"66666666-7777-8888-9999-000000000000\","
		"\"token_use\":\"access\",\"scope\":\"openid profile\",\"auth_time\":%lld,\"exp\":%lld,\"iat\":%lld,"
		"\"jti\":\"12345678-90ab-cdef-1234-%012u\",\"username\":\"alice\"}",
		user, (long long)now_s_, (long long)now_s_ + 36000, (long long)now_s_, id);
	struct str text = STR_CONCAT(&texts, header, STR("."), encode(payload));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(ctx, signature, &n, (const unsigned char *)text.p, text.n) != 1)
		fail("cannot sign");
	EVP_MD_CTX_free(ctx);
	return STR_CONCAT(&texts, text, STR("."), encode((struct str){ (const char *)signature, n }));
}

static void verify_new(struct str token, const struct jwk_set *set, int64_t at_s)
{
	static const struct jwt_rules rules = { .issuer = { ISSUER, sizeof ISSUER - 1 },
		.audiences = { CLIENT, sizeof CLIENT - 1 },
		.allows = { [JWT_RS256] = true },
		.skew_s = 60,
		.subject_claim = "sub" };
	struct jwt_claims claims;
	struct arena a;
	arena_init(&a, ARENA_BYTES);
	if (jwt_verify(token, set, &rules, at_s, &a, &claims) != JWT_VALID)
		fail("the token is refused");
	arena_deinit(&a);
}

static void verify_seen(struct str token, struct identity *i, int64_t at_s)
{
	struct identity_caller caller;
	struct fault why;
	struct arena a;
	arena_init(&a, ARENA_BYTES);
	if (identity_verify(i, token, at_s * 1000, false, &a, &caller, &why) != OK)
		fail("the token is refused");
	arena_deinit(&a);
}

/* Verifications a second within `seconds`: with the set, or with i. */
static double measure(struct str token, const struct jwk_set *set, struct identity *i, int64_t at_s, double seconds)
{
	double from = now_s(), took = 0;
	long n = 0;
	for (; took < seconds; took = now_s() - from, n += BATCH)
		for (int k = 0; k < BATCH; k++)
			if (i == NULL)
				verify_new(token, set, at_s);
			else
				verify_seen(token, i, at_s);
	return (double)n / took;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void write_keys(int fd)
{
	struct str json = key_set();
	if (fd < 0 || write(fd, json.p, json.n) != (ssize_t)json.n)
		fail("cannot write the keys");
	close(fd);
}

static struct identity *open_identity(void)
{
	char path[] = "/tmp/tintype-keys-XXXXXX";
	write_keys(mkstemp(path));
	struct identity_options o = {
		.issuer = STR(ISSUER), .audiences = STR(CLIENT), .keys = str_of(path), .subject = "sub", .token = STR("access"), .skew_s = 60
	};
	struct identity *i = NULL;
	struct fault why;
	if (identity_new(&o, &i, &why) != OK)
		fail(why.text);
	unlink(path);
	return i;
}

static void make_tokens(const char *keys, unsigned n, unsigned users)
{
	write_keys(open(keys, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	for (unsigned i = 0; i < n; i++) {
		printf("%.*s\n", STRF(make_token(clock_now_ms() / 1000, i % users, i)));
		arena_deinit(&texts);
		arena_init(&texts, ARENA_BYTES);
	}
}

static void compare(double seconds)
{
	double verify[ROUNDS], seen[ROUNDS];
	int64_t at_s = clock_now_ms() / 1000;
	struct jwk_set *set = NULL;
	struct fault why;
	if (jwk_set_new(key_set(), &set, &why) != OK)
		fail("no keys");
	struct str token = make_token(at_s, 0, 0);
	struct identity *i = open_identity();
	for (int r = 0; r < ROUNDS; r++) {
		verify[r] = measure(token, set, NULL, at_s, seconds / ROUNDS);
		seen[r] = measure(token, set, i, at_s, seconds / ROUNDS);
	}
	qsort(verify, ROUNDS, sizeof *verify, compare_doubles);
	qsort(seen, ROUNDS, sizeof *seen, compare_doubles);
	printf("{\"verify\":%.0f,\"seen\":%.0f,\"bytes\":%zu}\n", verify[ROUNDS / 2], seen[ROUNDS / 2], token.n);
	identity_free(&i);
	jwk_set_free(&set);
}

int main(int argc, char **argv)
{
	arena_init(&texts, ARENA_BYTES);
	key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	if (key == NULL)
		fail("no key");
	if (argc == 5 && strcmp(argv[1], "make") == 0)
		make_tokens(argv[2], (unsigned)strtoul(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10));
	else
		compare(argc > 1 ? strtod(argv[1], NULL) : 1);
	EVP_PKEY_free(key);
	arena_deinit(&texts);
	return 0;
}
