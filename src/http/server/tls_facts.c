/* See tls_facts.h. */
#include "http/server/tls_facts.h"

#include "base/file.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FILE_MAX_BYTES ((size_t)256 << 10)
#define CHAIN_MAX 16

/* The certificates of a file; NULL: none. */
static STACK_OF(X509) * read_chain(const char *path)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *one;
	buf_init(&text, FILE_MAX_BYTES);
	BIO *bio = file_read(path, &text) == 0 ? BIO_new_mem_buf(text.p, (int)text.n) : NULL;
	while (chain != NULL && bio != NULL && sk_X509_num(chain) < CHAIN_MAX && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(chain, one) == 0)
			X509_free(one);
	BIO_free(bio);
	if (chain != NULL && sk_X509_num(chain) > 0)
		return chain;
	sk_X509_free(chain);
	return NULL;
}

static int64_t time_ms(const ASN1_TIME *t)
{
	struct tm tm = { 0 };
	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

/* By this system's authorities, as those of most clients are. */
static void verify_chain(STACK_OF(X509) * chain, struct tls_facts *out)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool ready = store != NULL && ctx != NULL && X509_STORE_set_default_paths(store) == 1 &&
		X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain) == 1;
	if (ready) {
		X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
		(void)X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
		out->is_trusted = X509_verify_cert(ctx) == 1;
		(void)snprintf(out->flaw, sizeof out->flaw, "%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
}

enum status tls_facts_read(const char *path, struct tls_facts *out, struct fault *why)
{
	assert(path != NULL && out != NULL);
	STACK_OF(X509) *chain = read_chain(path);
	*out = (struct tls_facts){ 0 };
	if (chain == NULL)
		return fault_set(why, BAD_SETTING, "There is no certificate in %s.", path);
	out->from_ms = time_ms(X509_get0_notBefore(sk_X509_value(chain, 0)));
	out->until_ms = time_ms(X509_get0_notAfter(sk_X509_value(chain, 0)));
	verify_chain(chain, out);
	sk_X509_pop_free(chain, X509_free);
	return OK;
}

bool tls_facts_has_host(const char *path, const char *host)
{
	assert(path != NULL && host != NULL);
	STACK_OF(X509) *chain = read_chain(path);
	if (chain == NULL)
		return false;
	X509 *cert = sk_X509_value(chain, 0);
	bool has = X509_check_host(cert, host, 0, 0, NULL) == 1 || X509_check_ip_asc(cert, host, 0) == 1;
	sk_X509_pop_free(chain, X509_free);
	return has;
}
