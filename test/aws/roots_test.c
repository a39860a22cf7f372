/* The built-in roots are Amazon's five, and which certificates a service trusts: for a custom endpoint those
 * that AWS_CA_BUNDLE names, and never a certificate for another host. */
#include "aws/surroundings.h"
#include "temp.h"

#include "aws/roots.h"
#include "aws/service.h"
#include "base/clock.h"
#include "fake/http_server.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>

static void test_roots_when_read_then_equal_to_debians_five_files(void **state)
{
	static const char *const names[] = { "Amazon_Root_CA_1", "Amazon_Root_CA_2", "Amazon_Root_CA_3", "Amazon_Root_CA_4",
		"Starfield_Services_Root_Certificate_Authority_-_G2" };
	BIO *in = BIO_new_mem_buf(aws_roots_pem, (int)aws_roots_bytes);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char path[256];
		X509 *ours = PEM_read_bio_X509(in, NULL, NULL, NULL);
		snprintf(path, sizeof path, "/usr/share/ca-certificates/mozilla/%s.crt", names[i]);
		FILE *f = fopen(path, "re");
		assert_non_null(f);
		X509 *theirs = PEM_read_X509(f, NULL, NULL, NULL);
		fclose(f);
		assert_non_null(ours);
		assert_int_equal(X509_cmp(ours, theirs), 0);
		assert_true(X509_cmp_current_time(X509_get0_notAfter(ours)) > 0);
		X509_free(ours);
		X509_free(theirs);
	}
	assert_null(PEM_read_bio_X509(in, NULL, NULL, NULL));
	ERR_clear_error();
	BIO_free(in);
}

struct tls_fixture {
	struct fake_http http;
	SSL_CTX *ctx;
	EVP_PKEY *key;
	X509 *certificate;
	char dir[TEMP_PATH_MAX];
	atomic_uint requests;
};

static void serve(int fd, unsigned nth, void *arg)
{
	struct tls_fixture *w = arg;
	char byte, last[4] = { 0 };
	sigset_t pipe;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, NULL);
	SSL *ssl = SSL_new(w->ctx);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		while (memcmp(last, "\r\n\r\n", 4) != 0 && SSL_read(ssl, &byte, 1) == 1) {
			memmove(last, last + 1, 3);
			last[3] = byte;
		}
		if (memcmp(last, "\r\n\r\n", 4) == 0) {
			atomic_fetch_add(&w->requests, 1);
			SSL_write(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 57);
		}
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
}

/* A server whose certificate, signed by itself, is for `alt`; it is in dir/ca. */
static void start(struct tls_fixture *w, const char *alt)
{
	*w = (struct tls_fixture){ .ctx = SSL_CTX_new(TLS_server_method()), .key = EVP_EC_gen("P-256"), .certificate = X509_new() };
	X509 *x = w->certificate;
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, w->key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"own", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, w->key, EVP_sha256()) > 0);
	SSL_CTX_use_certificate(w->ctx, x);
	SSL_CTX_use_PrivateKey(w->ctx, w->key);
	temp_make(w->dir);
	FILE *f = fopen(temp_path(w->dir, "ca"), "we");
	PEM_write_X509(f, x);
	fclose(f);
	fake_http_start(&w->http, serve, w);
}

static void stop(struct tls_fixture *w)
{
	fake_http_stop(&w->http);
	SSL_CTX_free(w->ctx);
	EVP_PKEY_free(w->key);
	X509_free(w->certificate);
	temp_remove(w->dir);
}

static enum status call(const struct tls_fixture *w, struct fault *why)
{
	char url[64];
	struct arena a;
	struct http_response answer;
	surroundings_give_keys("AKID", "secret", "");
	arena_init(&a, 4 << 20);
	snprintf(url, sizeof url, "https://localhost:%u", w->http.port);
	struct aws_chain *chain = aws_chain_new();
	struct aws_service_options o = { .service = STR("dynamodb"), .region = STR("r"), .endpoint = str_of(url), .chain = chain };
	struct aws_service *s = aws_service_new(&o);
	struct aws_call c = { .method = STR("POST"), .path = STR("/"), .deadline_ms = clock_mono_ms() + 20000 };
	enum status st = aws_service_call(s, &c, &a, &answer, why);
	aws_service_free(&s);
	aws_chain_free(&chain);
	arena_deinit(&a);
	return st;
}

static void test_call_when_certificate_is_trusted_by_the_bundle_only_then_ok_else_refused_unsent(void **state)
{
	struct tls_fixture w;
	struct fault why = { 0 };
	assert_int_equal(surroundings_clear(state), 0);
	start(&w, "DNS:localhost");
	setenv("AWS_CA_BUNDLE", temp_path(w.dir, "ca"), 1);
	assert_int_equal(call(&w, &why), OK);
	assert_int_equal(atomic_load(&w.requests), 1);
	unsetenv("AWS_CA_BUNDLE");
	assert_int_equal(call(&w, &why), UPSTREAM);
	assert_non_null(strstr(why.text, "certificate is not accepted"));
	assert_int_equal(atomic_load(&w.requests), 1);
	stop(&w);
}

static void test_call_when_certificate_is_for_another_host_then_refused_unsent(void **state)
{
	struct tls_fixture w;
	struct fault why = { 0 };
	assert_int_equal(surroundings_clear(state), 0);
	start(&w, "DNS:dynamodb.eu-west-1.amazonaws.com");
	setenv("AWS_CA_BUNDLE", temp_path(w.dir, "ca"), 1);
	assert_int_equal(call(&w, &why), UPSTREAM);
	assert_non_null(strstr(why.text, "hostname mismatch"));
	assert_int_equal(atomic_load(&w.requests), 0);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roots_when_read_then_equal_to_debians_five_files),
		cmocka_unit_test(test_call_when_certificate_is_trusted_by_the_bundle_only_then_ok_else_refused_unsent),
		cmocka_unit_test(test_call_when_certificate_is_for_another_host_then_refused_unsent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
