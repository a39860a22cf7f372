/* TLS over a socket pair, with OpenSSL's client at the other end: records without data, and HTTP where TLS is expected. */
#include "temp.h"

#include "http/server/tls.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#define UPDATES 2000 /* more than OpenSSL reads at once, and less than the socket holds */

#define SILENT_CLIENTS ((size_t)400) /* twice as many sockets, of at most 1,024 */

struct fixture {
	char dir[TEMP_PATH_MAX];
	struct transport_memory memory;
	struct transport transport;
	int client_fd;
	SSL_CTX *ctx;
	SSL *client;
};

/* A certificate signed by itself, and its key, where the server reads them. */
static void write_pair(const char *cert, const char *key)
{
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, pair);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"own", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	assert_true(X509_sign(x, pair, EVP_sha256()) > 0);
	FILE *f = fopen(cert, "we");
	assert_int_equal(PEM_write_X509(f, x), 1);
	fclose(f);
	f = fdopen(open(key, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), "we");
	assert_int_equal(PEM_write_PrivateKey(f, pair, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(pair);
}

static void open_pair(struct fixture *f)
{
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	f->client_fd = fds[0];
	f->transport = (struct transport){ .fd = fds[1], .writable = true, .readable = true, .memory = &f->memory };
	assert_true(tls_begin(&f->transport));
	f->client = SSL_new(f->ctx);
	SSL_set_bio(f->client, BIO_new_socket(f->client_fd, BIO_NOCLOSE), BIO_new(BIO_s_mem()));
}

static void set_up(struct fixture *f)
{
	static char cert[TEMP_PATH_MAX + 8], key[TEMP_PATH_MAX + 8];
	struct fault why;
	*f = (struct fixture){ .ctx = SSL_CTX_new(TLS_client_method()) };
	temp_make(f->dir);
	snprintf(cert, sizeof cert, "%s/cert", f->dir);
	snprintf(key, sizeof key, "%s/key", f->dir);
	write_pair(cert, key);
	assert_int_equal(tls_open(cert, key, &why), OK);
	assert_true(transport_memory_init(&f->memory));
	open_pair(f);
}

/* Send what the client has written. */
static void flush_client(struct fixture *f)
{
	char *p;
	long n = BIO_get_mem_data(SSL_get_wbio(f->client), &p);
	if (n > 0)
		assert_int_equal(send(f->client_fd, p, (size_t)n, 0), n);
	(void)BIO_reset(SSL_get_wbio(f->client));
}

static void shake_hands(struct fixture *f)
{
	enum io_result r = IO_WAIT;
	while (SSL_connect(f->client) != 1 || r != IO_DONE) {
		flush_client(f);
		f->transport.readable = true;
		r = transport_handshake(&f->transport);
		assert_int_not_equal(r, IO_CLOSED);
	}
}

static void close_pair(struct fixture *f)
{
	SSL_free(f->client);
	close(f->client_fd);
	transport_close(&f->transport);
}

static void tear_down(struct fixture *f)
{
	close_pair(f);
	SSL_CTX_free(f->ctx);
	transport_memory_deinit(&f->memory);
	tls_close();
	temp_remove(f->dir);
}

static void update_keys(struct fixture *f, int wants_reply)
{
	for (size_t i = 0; i < UPDATES; i++)
		assert_true(SSL_key_update(f->client, wants_reply) == 1 && SSL_do_handshake(f->client) == 1);
}

static void test_key_updates_when_many_then_other_connections_have_their_turn_after_each(void **state)
{
	struct fixture f;
	char in[64];
	size_t n = 0, yields = 0;
	enum io_result r;
	set_up(&f);
	shake_hands(&f);
	update_keys(&f, SSL_KEY_UPDATE_NOT_REQUESTED);
	assert_int_equal(SSL_write(f.client, "x", 1), 1);
	flush_client(&f);
	f.transport.readable = true; /* as its event would say */
	while ((r = transport_read(&f.transport, in, sizeof in, &n)) == IO_YIELD)
		yields++;
	assert_int_equal(r, IO_DONE);
	assert_true(n == 1 && in[0] == 'x');
	assert_true(yields > 1);
	assert_int_equal(transport_read(&f.transport, in, sizeof in, &n), IO_WAIT); /* and not a turn again and again */
	tear_down(&f);
}

static void test_key_updates_when_the_replies_are_not_read_then_what_is_held_has_a_bound(void **state)
{
	struct fixture f;
	char in[64];
	size_t n, most = 0;
	enum io_result r = IO_WAIT;
	set_up(&f);
	assert_int_equal(setsockopt(f.transport.fd, SOL_SOCKET, SO_SNDBUF, &(int){ 1 }, sizeof(int)), 0);
	shake_hands(&f);
	for (size_t i = 0; i < 100 && r != IO_CLOSED; i++) {
		update_keys(&f, SSL_KEY_UPDATE_REQUESTED);
		flush_client(&f);
		f.transport.readable = true;
		while ((r = transport_read(&f.transport, in, sizeof in, &n)) == IO_YIELD)
			continue;
		most = f.transport.held_n > most ? f.transport.held_n : most;
	}
	assert_int_equal(r, IO_CLOSED);
	assert_true(most > 0 && most <= TRANSPORT_GATHER_BYTES);
	tear_down(&f);
}

/* Each of them would else cost what is encrypted in one turn. */
static void test_send_when_many_clients_read_nothing_then_the_memory_for_all_has_a_bound(void **state)
{
	static struct fixture all[SILENT_CLIENTS];
	static char body[1 << 20];
	size_t held = 0;
	set_up(&all[0]);
	for (size_t i = 0; i < SILENT_CLIENTS; i++) {
		struct outgoing out = { .head = STR("head"), .body = { body, sizeof body }, .fd = -1 };
		if (i > 0) {
			all[i] = all[0];
			open_pair(&all[i]);
			all[i].transport.memory = &all[0].memory;
		}
		assert_int_equal(setsockopt(all[i].transport.fd, SOL_SOCKET, SO_SNDBUF, &(int){ 1 }, sizeof(int)), 0);
		shake_hands(&all[i]);
		assert_int_equal(transport_send(&all[i].transport, &out), IO_WAIT);
		held += all[i].transport.held_n;
	}
	assert_true(held > TRANSPORT_HELD_MANY_BYTES);
	assert_true(held < TRANSPORT_HELD_MANY_BYTES + TRANSPORT_GATHER_BYTES + SILENT_CLIENTS * 17000);
	for (size_t i = 1; i < SILENT_CLIENTS; i++)
		close_pair(&all[i]);
	tear_down(&all[0]);
}

static void test_handshake_when_http_is_sent_then_plain(void **state)
{
	static const char *const requests[] = { "GET / HTTP/1.1\r\n\r\n", "PUT /x HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\n\r\n",
		"HEAD / HTTP/1.0\r\n\r\n", "OPTIONS * HTTP/1.1\r\n", "DELETE /x HTTP/1.1\r\n", "PATCH /x HTTP/1.1\r\n", "PROPFIND / HTTP/1.1\r\n",
		"CONNECT h:1 HTTP/1.1\r\n", "get ", "X " };
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		struct fixture f;
		char out[64];
		struct outgoing answer = { .head = STR("plain"), .fd = -1 };
		set_up(&f);
		assert_true(send(f.client_fd, requests[i], strlen(requests[i]), 0) > 0);
		assert_int_equal(transport_handshake(&f.transport), IO_CLOSED);
		assert_null(f.transport.ssl);
		assert_int_equal(transport_send(&f.transport, &answer), IO_DONE);
		assert_int_equal(recv(f.client_fd, out, sizeof out, 0), 5);
		assert_memory_equal(out, "plain", 5);
		tear_down(&f);
	}
}

static void test_handshake_when_neither_tls_nor_http_is_sent_then_closed(void **state)
{
	struct fixture f;
	set_up(&f);
	assert_true(send(f.client_fd, "SSH-2.0-client\r\n", 16, 0) > 0);
	assert_int_equal(transport_handshake(&f.transport), IO_CLOSED);
	assert_non_null(f.transport.ssl);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_updates_when_many_then_other_connections_have_their_turn_after_each),
		cmocka_unit_test(test_key_updates_when_the_replies_are_not_read_then_what_is_held_has_a_bound),
		cmocka_unit_test(test_send_when_many_clients_read_nothing_then_the_memory_for_all_has_a_bound),
		cmocka_unit_test(test_handshake_when_http_is_sent_then_plain),
		cmocka_unit_test(test_handshake_when_neither_tls_nor_http_is_sent_then_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
