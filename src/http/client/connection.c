/* Sockets and TLS for the HTTP client.
 *
 * OpenSSL's own socket BIO writes without MSG_NOSIGNAL, so a server that closes would raise SIGPIPE
 * in whatever program this is linked into; the small BIO below does not. Host names are checked by
 * OpenSSL itself during the handshake. An end of a TLS stream without close_notify is a failure, not
 * an end: a body that only the close delimits cannot be cut unnoticed. */
#include "http/client/connection.h"

#include "base/clock.h"
#include "base/mem.h"
#include "http/client/authorities.h"
#include "http/client/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static BIO_METHOD *quiet_socket;
static pthread_once_t quiet_socket_once = PTHREAD_ONCE_INIT;

static bool is_not_now(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static int bio_write(BIO *b, const char *p, int n)
{
	const struct client_connection *c = BIO_get_data(b);
	ssize_t moved = send(c->fd, p, (size_t)n, MSG_NOSIGNAL);
	BIO_clear_retry_flags(b);
	if (moved < 0 && is_not_now(errno))
		BIO_set_retry_write(b);
	return (int)moved;
}

static int bio_read(BIO *b, char *p, int n)
{
	const struct client_connection *c = BIO_get_data(b);
	ssize_t moved = recv(c->fd, p, (size_t)n, 0);
	BIO_clear_retry_flags(b);
	if (moved < 0 && is_not_now(errno))
		BIO_set_retry_read(b);
	return (int)moved;
}

static long bio_control(BIO *b, int command, long number, void *p)
{
	return command == BIO_CTRL_FLUSH;
}

static void make_quiet_socket(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "quiet socket");
	if (m == NULL)
		return;
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_ctrl(m, bio_control);
	quiet_socket = m;
}

static const char *env_value(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && *value != '\0' ? value : NULL;
}

/* The file of trusted certificates. NULL: the text is used, or there is none. */
static const char *trust_file(struct str authorities)
{
	static const char *const files[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem" };
	const char *file = env_value("AWS_CA_BUNDLE");
	if (file != NULL || authorities.n > 0)
		return file;
	file = env_value("SSL_CERT_FILE");
	for (size_t i = 0; file == NULL && i < COUNT_OF(files); i++)
		if (access(files[i], R_OK) == 0)
			file = files[i];
	return file;
}

static SSL_CTX *make_context(const char *file, struct str authorities)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL || !authorities_trust(ctx, file, authorities) || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return ctx;
}

/* What a context trusts: a file as it is now, or a text. */
struct trust {
	dev_t device;
	ino_t number;
	struct timespec changed;
	struct str text;
};

/* false: the file cannot be read. */
static bool find_trust(const char *file, struct str authorities, struct trust *out)
{
	struct stat st = { 0 };
	if (file != NULL && stat(file, &st) != 0)
		return false;
	*out = (struct trust){ .device = st.st_dev, .number = st.st_ino, .changed = st.st_mtim, .text = file == NULL ? authorities : STR("") };
	return true;
}

static bool trusts_same(const struct trust *x, const struct trust *y)
{
	return x->device == y->device && x->number == y->number && x->changed.tv_sec == y->changed.tv_sec &&
		x->changed.tv_nsec == y->changed.tv_nsec && str_equal(x->text, y->text);
}

/* The context that was made last, under its lock: the next client that trusts the same shares it, since to make one takes as long as a handshake. */
static struct {
	pthread_mutex_t lock;
	SSL_CTX *ctx;
	struct trust trust; /* its text is a copy */
	char *text;
} last = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Without memory for the text it is not kept. */
static void keep_context(SSL_CTX *ctx, const struct trust *trust)
{
	SSL_CTX_free(last.ctx);
	mem_free(last.text);
	last.text = mem_dup_cstr(trust->text);
	last.ctx = last.text != NULL && SSL_CTX_up_ref(ctx) == 1 ? ctx : NULL;
	last.trust = *trust;
	last.trust.text = (struct str){ last.text, last.text != NULL ? trust->text.n : 0 };
}

static SSL_CTX *share_context(const char *file, struct str authorities)
{
	struct trust trust;
	if (!find_trust(file, authorities, &trust))
		return NULL;
	if (last.ctx != NULL && trusts_same(&last.trust, &trust))
		return SSL_CTX_up_ref(last.ctx) == 1 ? last.ctx : NULL;
	SSL_CTX *ctx = make_context(file, authorities);
	if (ctx != NULL)
		keep_context(ctx, &trust);
	return ctx;
}

SSL_CTX *connection_tls(struct str authorities, struct fault *why)
{
	pthread_mutex_lock(&last.lock);
	SSL_CTX *ctx = share_context(trust_file(authorities), authorities);
	pthread_mutex_unlock(&last.lock);
	if (ctx == NULL)
		fault_set(why, UPSTREAM_FAILED, "there is no readable file of trusted certificates; AWS_CA_BUNDLE or SSL_CERT_FILE may name one");
	return ctx;
}

enum status connection_wait(const struct client_connection *c, short events, int64_t deadline_ms, struct fault *why)
{
	assert(c->fd >= 0);
	for (;;) {
		int64_t left = deadline_ms - clock_mono_ms();
		struct pollfd p[2] = { { .fd = c->fd, .events = events }, { .fd = c->cancel_fd, .events = POLLIN } };
		int n = left <= 0 ? 0 : poll(p, c->cancel_fd > 0 ? 2 : 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (n > 0 && p[1].revents != 0)
			return fault_set(why, DEADLINE, "it was cancelled");
		if (n > 0)
			return OK;
		if (n == 0)
			return fault_set(why, DEADLINE, "the server took too long");
		if (errno != EINTR)
			return fault_set(why, UPSTREAM_FAILED, "cannot wait for the server: %s", strerrordesc_np(errno));
	}
}

/* Connect one address; c stays closed unless OK. */
static enum status connect_one(struct client_connection *c, const struct addrinfo *at, int64_t deadline_ms, struct fault *why)
{
	c->fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
	if (c->fd < 0)
		return fault_set(why, UPSTREAM_FAILED, "no socket: %s", strerrordesc_np(errno));
	int error = connect(c->fd, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
	enum status st = OK;
	if (error == EINPROGRESS || error == EINTR) {
		st = connection_wait(c, POLLOUT, deadline_ms, why);
		socklen_t n = sizeof error;
		if (st == OK && getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
			error = errno;
	}
	if (st == OK && error != 0)
		st = fault_set(why, UPSTREAM_FAILED, "%s", strerrordesc_np(error));
	if (st != OK)
		connection_close(c);
	return st;
}

/* All of them, so that none can be slipped in among others that are in order. */
static enum status check_addresses(const struct connection_target *t, const struct addrinfo *list, struct fault *why)
{
	for (const struct addrinfo *at = list; at != NULL && t->check_address != NULL; at = at->ai_next)
		TRY(t->check_address(t->check_arg, at->ai_addr, why));
	return OK;
}

static enum status connect_any(struct client_connection *c, const struct addrinfo *list, int64_t deadline_ms, struct fault *why)
{
	int left = 0;
	for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
		left++;
	enum status st = fault_set(why, UPSTREAM_FAILED, "the name has no address");
	for (const struct addrinfo *at = list; at != NULL && st != OK; at = at->ai_next, left--) {
		int64_t now = clock_mono_ms();
		st = connect_one(c, at, now + (deadline_ms - now) / left, why);
	}
	int on = 1;
	if (st == OK)
		(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return st;
}

/* What a call on c->ssl that gave rc waits for; 0: nothing, it failed or ended. */
static short wanted_events(const struct client_connection *c, int rc)
{
	int error = SSL_get_error(c->ssl, rc);
	if (error == SSL_ERROR_WANT_READ)
		return POLLIN;
	return error == SSL_ERROR_WANT_WRITE ? POLLOUT : 0;
}

static bool prepare_tls(struct client_connection *c, const char *host, SSL_CTX *ctx)
{
	pthread_once(&quiet_socket_once, make_quiet_socket);
	c->ssl = SSL_new(ctx);
	BIO *bio = quiet_socket == NULL ? NULL : BIO_new(quiet_socket);
	if (c->ssl == NULL || bio == NULL) {
		BIO_free(bio);
		return false;
	}
	BIO_set_data(bio, c);
	BIO_set_init(bio, 1);
	SSL_set_bio(c->ssl, bio, bio);
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(c->ssl), host) == 1)
		return true;
	SSL_set_hostflags(c->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(c->ssl, host) == 1 && SSL_set_tlsext_host_name(c->ssl, host) == 1;
}

static enum status start_tls(struct client_connection *c, const char *host, SSL_CTX *ctx, int64_t deadline_ms, struct fault *why)
{
	ERR_clear_error();
	if (!prepare_tls(c, host, ctx))
		return fault_no_memory(why);
	for (;;) {
		ERR_clear_error();
		int rc = SSL_connect(c->ssl);
		if (rc == 1)
			return OK;
		short events = wanted_events(c, rc);
		if (events == 0)
			break;
		TRY(connection_wait(c, events, deadline_ms, why));
	}
	long verdict = SSL_get_verify_result(c->ssl);
	if (verdict != X509_V_OK)
		return fault_set(why, UPSTREAM_FAILED, "its certificate is not accepted: %s", X509_verify_cert_error_string(verdict));
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	return fault_set(why, UPSTREAM_FAILED, "TLS failed: %s", reason != NULL ? reason : "the server closed the connection");
}

enum status connection_open(
	struct client_connection *c, const struct connection_target *t, SSL_CTX *ctx, int64_t deadline_ms, struct fault *why)
{
	assert(c->fd < 0 && (!t->tls || ctx != NULL));
	struct fault inner = { 0 };
	struct addrinfo *list = NULL;
	enum status st = resolve_host(t->host, t->port, deadline_ms, &list, &inner);
	if (st == OK)
		st = check_addresses(t, list, &inner);
	if (st == OK)
		st = connect_any(c, list, deadline_ms, &inner);
	if (list != NULL)
		freeaddrinfo(list);
	if (st == OK && t->tls)
		st = start_tls(c, t->host, ctx, deadline_ms, &inner);
	if (st == OK)
		return OK;
	connection_close(c);
	return fault_write(why, inner.code, "cannot connect to %s port %s: %s", t->host, t->port, inner.text);
}

void connection_close(struct client_connection *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static ssize_t result_of(struct client_connection *c, int rc, size_t n, short *events)
{
	if (rc == 1)
		return (ssize_t)n;
	short want = wanted_events(c, rc);
	*events = (short)(*events | want);
	if (want != 0)
		return CONNECTION_WAIT;
	return SSL_get_error(c->ssl, rc) == SSL_ERROR_ZERO_RETURN ? 0 : CONNECTION_FAILED;
}

ssize_t connection_read(struct client_connection *c, void *p, size_t n, short *events)
{
	assert(n > 0 && events != NULL);
	if (c->ssl != NULL) {
		size_t got = 0;
		ERR_clear_error();
		int rc = SSL_read_ex(c->ssl, p, n, &got);
		return result_of(c, rc, got, events);
	}
	ssize_t got = recv(c->fd, p, n, 0);
	if (got >= 0)
		return got;
	*events |= POLLIN;
	return is_not_now(errno) ? CONNECTION_WAIT : CONNECTION_FAILED;
}

ssize_t connection_write(struct client_connection *c, const void *p, size_t n, short *events)
{
	assert(n > 0 && events != NULL);
	if (c->ssl != NULL) {
		size_t put = 0;
		ERR_clear_error();
		int rc = SSL_write_ex(c->ssl, p, n, &put);
		return result_of(c, rc, put, events);
	}
	ssize_t put = send(c->fd, p, n, MSG_NOSIGNAL);
	if (put >= 0)
		return put;
	*events |= POLLOUT;
	return is_not_now(errno) ? CONNECTION_WAIT : CONNECTION_FAILED;
}

bool connection_alive(struct client_connection *c)
{
	char byte;
	if (c->fd < 0)
		return false;
	if (c->ssl == NULL)
		return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && is_not_now(errno);
	/* A peek through TLS, so that session tickets do not count as unasked bytes. */
	ERR_clear_error();
	return wanted_events(c, SSL_peek(c->ssl, &byte, 1)) == POLLIN;
}
