/* TLS of the client against a server with certificates made on the spot: which are accepted, which
 * are not, and that the stream's end is given from its cut. */
#include "fake/http_server.h"
#include "http/client/client.h"
#include "http/client/connection.h"

#include "base/arena.h"
#include "base/clock.h"
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct tls_server {
	char authority[64]; /* the file of the one that clients trust */
	struct fake_http http;
	SSL_CTX *ctx;
	const char *answer;
	bool cut;   /* close the socket without close_notify */
	bool early; /* answer after the head, and close */
	char sni[256];
};

static bool read_head(SSL *ssl)
{
	char head[8192] = "";
	size_t n = 0;
	while (n < sizeof head - 1 && strstr(head, "\r\n\r\n") == NULL) {
		int got = SSL_read(ssl, head + n, 1);
		if (got <= 0)
			return false;
		n += (size_t)got;
		head[n] = '\0';
	}
	return true;
}

static void serve_tls(int fd, unsigned nth, void *arg)
{
	struct tls_server *s = arg;
	sigset_t pipe;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	/* OpenSSL's own socket writes raise it; only the client under test must do without. */
	pthread_sigmask(SIG_BLOCK, &pipe, NULL);
	SSL *ssl = SSL_new(s->ctx);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
		(void)snprintf(s->sni, sizeof s->sni, "%s", name != NULL ? name : "");
		while (read_head(ssl) && SSL_write(ssl, s->answer, (int)strlen(s->answer)) > 0 && !s->cut && !s->early)
			continue;
		if (!s->cut)
			SSL_shutdown(ssl);
	}
	SSL_free(ssl);
}

static EVP_PKEY *key;

/* A certificate for `alt` ("DNS:localhost"), signed by itself or by issuer. */
static X509 *make_certificate(const char *alt, X509 *issuer, long seconds)
{
	X509 *x = X509_new();
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), issuer != NULL ? 2 : 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -7200);
	X509_gmtime_adj(X509_getm_notAfter(x), seconds);
	X509_set_pubkey(x, key);
	X509_NAME *name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)(issuer != NULL ? "server" : "authority"), -1, -1, 0);
	X509_set_issuer_name(x, issuer != NULL ? X509_get_subject_name(issuer) : name);
	X509_EXTENSION *e = alt != NULL ? X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt)
									: X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static void write_authority(X509 *x, char path[64])
{
	(void)snprintf(path, 64, "/tmp/tls-test-XXXXXX");
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	PEM_write_X509(f, x);
	fclose(f);
}

struct tls_case {
	const char *alt;  /* of the server's certificate; NULL: the authority itself is shown */
	const char *host; /* that is asked */
	long seconds;     /* the certificate's life from now */
	bool trusted;
	int max_version;  /* of the server; 0: newest */
	const char *says; /* in the fault; NULL: accepted */
};

static const char two_hundred[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static void start_tls_server(struct tls_server *s, const struct tls_case *c, const char *answer)
{
	X509 *authority = make_certificate(NULL, NULL, 3600);
	X509 *other = make_certificate("DNS:other", NULL, 3600);
	X509 *mine = c->alt != NULL ? make_certificate(c->alt, authority, c->seconds) : NULL;
	*s = (struct tls_server){ .answer = answer, .ctx = SSL_CTX_new(TLS_server_method()) };
	SSL_CTX_use_certificate(s->ctx, mine != NULL ? mine : authority);
	SSL_CTX_use_PrivateKey(s->ctx, key);
	SSL_CTX_set_max_proto_version(s->ctx, c->max_version);
	SSL_CTX_set_min_proto_version(s->ctx, TLS1_VERSION);
	SSL_CTX_set_security_level(s->ctx, 0);
	write_authority(c->trusted ? authority : other, s->authority);
	setenv("SSL_CERT_FILE", s->authority, 1);
	X509_free(authority);
	X509_free(other);
	X509_free(mine);
	fake_http_start(&s->http, serve_tls, s);
}

static void stop_tls_server(struct tls_server *s)
{
	fake_http_stop(&s->http);
	SSL_CTX_free(s->ctx);
	unlink(s->authority);
	unsetenv("SSL_CERT_FILE");
}

static enum status get(struct http_client *c, struct tls_server *s, const char *host, struct fault *why)
{
	struct arena a;
	struct http_response r;
	char url[128];
	arena_init(&a, 64u << 20);
	(void)snprintf(url, sizeof url, "https://%s:%u/", host, s->http.port);
	struct http_request q = { .method = STR("GET"), .url = str_of(url) };
	enum status st = http_send(c, &q, &a, &r, why);
	if (st == OK)
		assert_int_equal(r.status, 200);
	arena_deinit(&a);
	return st;
}

static void test_certificate_when_right_or_wrong_then_accepted_or_refused(void **state)
{
	static const struct tls_case rows[] = {
		{ "DNS:localhost", "localhost", 3600, true, 0, NULL },
		{ "DNS:localhost", "localhost", 3600, true, TLS1_2_VERSION, NULL },
		{ "IP:127.0.0.1", "127.0.0.1", 3600, true, 0, NULL },
		{ "DNS:other.example", "localhost", 3600, true, 0, "hostname mismatch" },
		{ "DNS:localhost", "127.0.0.1", 3600, true, 0, "IP address mismatch" },
		{ "DNS:localhost", "localhost", -3600, true, 0, "expired" },
		{ "DNS:localhost", "localhost", 3600, false, 0, "certificate is not accepted" },
		{ NULL, "localhost", 3600, false, 0, "self-signed" },
		{ "DNS:localhost", "localhost", 3600, true, TLS1_1_VERSION, "TLS failed" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct tls_server s;
		struct fault why = { 0 };
		start_tls_server(&s, &rows[i], two_hundred);
		struct http_client *c = http_client_new();
		enum status st = get(c, &s, rows[i].host, &why);
		if ((st == OK) != (rows[i].says == NULL) || (st != OK && strstr(why.text, rows[i].says) == NULL))
			fail_msg("row %zu: status %d: %s", i, (int)st, why.text);
		if (st == OK) {
			assert_string_equal(s.sni, strcmp(rows[i].host, "localhost") == 0 ? "localhost" : "");
			assert_int_equal(get(c, &s, rows[i].host, &why), OK);
			assert_int_equal(atomic_load(&s.http.n), 1);
		}
		http_client_free(&c);
		stop_tls_server(&s);
	}
}

static const struct tls_case good = { "DNS:localhost", "localhost", 3600, true, 0, NULL };

static void test_close_delimited_body_when_cut_without_notice_then_upstream(void **state)
{
	for (int cut = 0; cut < 2; cut++) {
		struct tls_server s;
		struct fault why;
		start_tls_server(&s, &good, "HTTP/1.1 200 OK\r\n\r\npart");
		s.cut = cut == 1;
		s.early = true;
		struct http_client *c = http_client_new();
		assert_int_equal(get(c, &s, "localhost", &why), cut ? UPSTREAM : OK);
		http_client_free(&c);
		stop_tls_server(&s);
	}
}

static void test_body_when_refused_early_then_response_and_no_signal(void **state)
{
	static char body[4u << 20];
	struct tls_server s;
	struct fault why;
	start_tls_server(&s, &good, "HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
	s.early = true;
	struct http_client *c = http_client_new();
	for (int i = 0; i < 10; i++) {
		struct arena a;
		struct http_response r;
		char url[64];
		arena_init(&a, 64u << 20);
		(void)snprintf(url, sizeof url, "https://localhost:%u/", s.http.port);
		struct http_request q = { .method = STR("PUT"), .url = str_of(url), .body = { body, sizeof body } };
		assert_int_equal(http_send(c, &q, &a, &r, &why), OK);
		assert_int_equal(r.status, 403);
		arena_deinit(&a);
	}
	http_client_free(&c);
	stop_tls_server(&s);
}

static void test_https_when_the_server_uses_plain_http_then_refused(void **state)
{
	struct tls_server s;
	struct fault why;
	start_tls_server(&s, &good, two_hundred);
	struct http_client *c = http_client_new();
	struct arena a;
	struct http_response r;
	arena_init(&a, 1u << 20);
	struct http_request q = { .method = STR("GET"), .url = str_of(s.http.url), .idle_timeout_ms = 20000 };
	assert_int_equal(http_send(c, &q, &a, &r, &why), UPSTREAM);
	arena_deinit(&a);
	http_client_free(&c);
	stop_tls_server(&s);
}

static void test_authorities_when_bundle_is_named_then_it_wins(void **state)
{
	struct tls_server s;
	struct fault why;
	start_tls_server(&s, &good, two_hundred);
	setenv("AWS_CA_BUNDLE", "/nonexistent/bundle.pem", 1);
	struct http_client *c = http_client_new();
	assert_int_equal(get(c, &s, "localhost", &why), UPSTREAM);
	assert_non_null(strstr(why.text, "trusted certificates"));
	setenv("AWS_CA_BUNDLE", getenv("SSL_CERT_FILE"), 1);
	assert_int_equal(get(c, &s, "localhost", &why), OK);
	unsetenv("AWS_CA_BUNDLE");
	http_client_free(&c);
	stop_tls_server(&s);
}

/* Ask with these authorities; the bundle's file, if any, is named by the environment. */
static enum status get_trusting(struct tls_server *s, struct str authorities)
{
	struct arena a;
	struct http_response r;
	char url[128];
	arena_init(&a, 64u << 20);
	(void)snprintf(url, sizeof url, "https://localhost:%u/", s->http.port);
	struct http_client *c = http_client_new();
	struct http_request q = { .method = STR("GET"), .url = str_of(url), .authorities = authorities };
	enum status st = http_send(c, &q, &a, &r, NULL);
	http_client_free(&c);
	arena_deinit(&a);
	return st;
}

static void test_context_then_shared_until_what_is_trusted_changes(void **state)
{
	struct tls_server s;
	struct fault why;
	start_tls_server(&s, &good, two_hundred);
	const char *file = getenv("SSL_CERT_FILE");
	SSL_CTX *first = connection_tls(STR(""), &why), *second = connection_tls(STR(""), &why);
	assert_true(first != NULL && first == second);
	setenv("AWS_CA_BUNDLE", "/nonexistent/bundle.pem", 1);
	assert_null(connection_tls(STR(""), &why));
	unsetenv("AWS_CA_BUNDLE");
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1 } };
	assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0); /* as when it is replaced */
	SSL_CTX *third = connection_tls(STR(""), &why);
	assert_true(third != NULL && third != first);
	SSL_CTX_free(first);
	SSL_CTX_free(second);
	SSL_CTX_free(third);
	stop_tls_server(&s);
}

static void test_authorities_when_in_memory_then_only_they_unless_a_bundle_is_named(void **state)
{
	static char pem[16384];
	struct tls_server mine, other;
	start_tls_server(&mine, &good, two_hundred);
	FILE *f = fopen(getenv("SSL_CERT_FILE"), "re");
	struct str right = { pem, fread(pem, 1, sizeof pem, f) };
	fclose(f);
	setenv("AWS_CA_BUNDLE", getenv("SSL_CERT_FILE"), 1);
	const struct tls_case untrusted = { "DNS:localhost", "localhost", 3600, false, 0, NULL };
	start_tls_server(&other, &untrusted, two_hundred);
	/* Now SSL_CERT_FILE does not vouch for `mine`, AWS_CA_BUNDLE does. */
	assert_int_equal(get_trusting(&mine, STR("no certificate")), OK);
	unsetenv("AWS_CA_BUNDLE");
	assert_int_equal(get_trusting(&mine, STR("")), UPSTREAM);
	assert_int_equal(get_trusting(&mine, right), OK);
	assert_int_equal(get_trusting(&mine, STR("no certificate")), UPSTREAM);
	stop_tls_server(&other);
	stop_tls_server(&mine);
}

/* A certificate that signs itself with a key of its own. */
static X509 *make_stranger(const char *name, long seconds)
{
	EVP_PKEY *before = key;
	key = EVP_EC_gen("P-256");
	X509 *x = make_certificate(NULL, NULL, seconds);
	X509_NAME *subject = X509_NAME_new();
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_subject_name(x, subject);
	X509_set_issuer_name(x, subject);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	X509_NAME_free(subject);
	EVP_PKEY_free(key);
	key = before;
	return x;
}

/* Replace the file of trusted certificates by: what a file may have beside them, a certificate of another name, the
 * authority's former one, and its own; and a text behind them. */
static void write_bundle(const struct tls_server *s, const char *more)
{
	FILE *f = fopen(s->authority, "re");
	X509 *own = PEM_read_X509(f, NULL, NULL, NULL), *former = make_stranger("authority", -3600),
		 *stranger = make_stranger("stranger", 3600);
	fclose(f);
	f = fopen(s->authority, "we");
	fputs("Trusted by us:\n", f);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	PEM_write_X509(f, stranger);
	PEM_write_X509_AUX(f, former);
	PEM_write_X509(f, own);
	fputs(more, f);
	fclose(f);
	X509_free(own);
	X509_free(former);
	X509_free(stranger);
}

static int decoded_authorities(void)
{
	SSL_CTX *ctx = connection_tls(STR(""), NULL);
	assert_non_null(ctx);
	int n = sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx)));
	SSL_CTX_free(ctx);
	return n;
}

static void test_bundle_when_read_then_only_certificates_of_the_name_that_is_asked_for_are_decoded(void **state)
{
	struct tls_server s;
	struct fault why;
	start_tls_server(&s, &good, two_hundred);
	write_bundle(&s, "");
	assert_int_equal(decoded_authorities(), 0);
	for (int i = 0; i < 2; i++) {
		struct http_client *c = http_client_new();
		assert_int_equal(get(c, &s, "localhost", &why), OK);
		http_client_free(&c);
		assert_int_equal(decoded_authorities(), 2); /* the authority's, of now and formerly */
	}
	stop_tls_server(&s);
}

static void test_bundle_when_malformed_then_refused(void **state)
{
	static const char *const behind[] = {
		"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n",                 /* too few parts */
		"-----BEGIN CERTIFICATE-----\nAgEB\n-----END CERTIFICATE-----\n",                     /* a number */
		"-----BEGIN CERTIFICATE-----\nMIIBAA==\n-----END CERTIFICATE-----\n",                 /* more bytes promised than there are */
		"-----BEGIN CERTIFICATE-----\nMA8wDQIBATAAMAAwAAIBAQ==\n-----END CERTIFICATE-----\n", /* whose subject is a number */
		"-----BEGIN CERTIFICATE-----\nMAMC!QE=\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n",
	};
	for (size_t i = 0; i < COUNT_OF(behind); i++) {
		struct tls_server s;
		struct fault why = { 0 };
		start_tls_server(&s, &good, two_hundred);
		write_bundle(&s, behind[i]);
		if (connection_tls(STR(""), &why) != NULL || strstr(why.text, "trusted certificates") == NULL)
			fail_msg("row %zu is trusted", i);
		stop_tls_server(&s);
	}
}

static void test_write_when_the_server_has_closed_then_failed_and_no_signal(void **state)
{
	struct tls_server s;
	struct client_connection c = { .fd = -1 };
	struct connection_target to = { .host = "localhost", .tls = true };
	static const char piece[65536];
	start_tls_server(&s, &good, two_hundred);
	s.cut = true;
	(void)snprintf(to.port, sizeof to.port, "%u", s.http.port);
	SSL_CTX *ctx = connection_tls(STR(""), NULL);
	assert_int_equal(SSL_CTX_get_min_proto_version(ctx), TLS1_2_VERSION);
	assert_int_equal(connection_open(&c, &to, ctx, clock_mono_ms() + 10000, NULL), OK);
	/* The server answers the head and goes; what is written after that raises SIGPIPE where nothing forbids it. */
	short events = 0;
	ssize_t n = connection_write(&c, "GET / HTTP/1.1\r\n\r\n", 18, &events);
	assert_int_equal(n, 18);
	struct pollfd gone = { .fd = c.fd, .events = POLLRDHUP };
	assert_int_equal(poll(&gone, 1, 10000), 1);
	while (n > 0 || n == CONNECTION_WAIT)
		n = connection_write(&c, piece, sizeof piece, &events);
	assert_int_equal(n, CONNECTION_FAILED);
	connection_close(&c);
	SSL_CTX_free(ctx);
	stop_tls_server(&s);
}

static int make_key(void **state)
{
	unsetenv("AWS_CA_BUNDLE");
	key = EVP_EC_gen("P-256");
	return key == NULL;
}

static int drop_key(void **state)
{
	EVP_PKEY_free(key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificate_when_right_or_wrong_then_accepted_or_refused),
		cmocka_unit_test(test_close_delimited_body_when_cut_without_notice_then_upstream),
		cmocka_unit_test(test_body_when_refused_early_then_response_and_no_signal),
		cmocka_unit_test(test_https_when_the_server_uses_plain_http_then_refused),
		cmocka_unit_test(test_authorities_when_bundle_is_named_then_it_wins),
		cmocka_unit_test(test_context_then_shared_until_what_is_trusted_changes),
		cmocka_unit_test(test_authorities_when_in_memory_then_only_they_unless_a_bundle_is_named),
		cmocka_unit_test(test_bundle_when_read_then_only_certificates_of_the_name_that_is_asked_for_are_decoded),
		cmocka_unit_test(test_bundle_when_malformed_then_refused),
		cmocka_unit_test(test_write_when_the_server_has_closed_then_failed_and_no_signal),
	};
	return cmocka_run_group_tests(tests, make_key, drop_key);
}
