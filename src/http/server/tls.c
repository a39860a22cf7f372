/* Certificate and key. See tls.h. Checked by handshakes, on reactors. */
#include "http/server/tls.h"

#include "base/file.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (256 * 1024)
#define CHAIN_MAX 16
#define CHECK_EVERY_MS 1000

/* TLS 1.2 with forward secrecy and authenticated ciphers; of 1.3 all. */
#define TLS12_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

static struct {
	const char *cert, *key;
	SSL_CTX *now; /* under swap */
	pthread_rwlock_t swap;
	pthread_mutex_t lock; /* of what follows */
	struct stat seen[2];
	_Atomic int64_t checked_ms;
} tls = { .swap = PTHREAD_RWLOCK_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER };

/* An encrypted key is refused: there is no one to ask for the passphrase. */
static int no_passphrase(char *out, int n, int writes, void *arg)
{
	return 0;
}

/* files */

static void wipe_buffer(struct buf *b)
{
	if (b->p != NULL)
		secret_wipe(b->p, b->cap);
	buf_deinit(b);
}

static enum status file_unreadable(const char *setting, const char *path, int error, struct fault *why)
{
	return fault_set(why, BAD_SETTING, "--%s: %s cannot be read: %s", setting, path, strerror(error));
}

static enum status read_file(const char *setting, const char *path, struct buf *out, struct fault *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return file_unreadable(setting, path, errno, why);
	const struct file_rule rule = { .owner = geteuid(), .or_root = true, .is_secret = true, .what = "file", .path = path };
	struct fault cause;
	bool is_refused = strcmp(setting, "tls-key") == 0 && file_check_private(fd, &rule, &cause) != OK;
	int error = is_refused ? 0 : file_read_text(fd, out);
	close(fd);
	if (is_refused)
		return fault_set(why, BAD_SETTING, "--tls-key: %s", cause.text);
	return error == 0 ? OK : file_unreadable(setting, path, error, why);
}

/* pairs */

static enum status bad_file(const char *setting, const char *path, struct fault *why)
{
	char text[160];
	unsigned long error = ERR_peek_last_error();
	ERR_error_string_n(error, text, sizeof text);
	ERR_clear_error();
	return fault_set(why, BAD_SETTING, "--%s: %s is not valid PEM: %s", setting, path, error == 0 ? "nothing of that kind is in it" : text);
}

/* The first certificate is ours, those after it lead to its authority. */
static enum status import_certs(SSL_CTX *ctx, struct str text, struct fault *why)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	X509 *cert;
	int n = 0;
	bool ok = bio != NULL;
	while (ok && n < CHAIN_MAX && (cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
		ok = n++ == 0 ? SSL_CTX_use_certificate(ctx, cert) == 1 : SSL_CTX_add1_chain_cert(ctx, cert) == 1;
		X509_free(cert);
	}
	BIO_free(bio);
	if (!ok || n == 0)
		return bad_file("tls-cert", tls.cert, why);
	ERR_clear_error(); /* that no further one followed */
	return OK;
}

static enum status import_key(SSL_CTX *ctx, struct str text, struct fault *why)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	if (key == NULL)
		return bad_file("tls-key", tls.key, why);
	bool fits = SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;
	EVP_PKEY_free(key);
	ERR_clear_error();
	if (!fits)
		return fault_set(
			why, BAD_SETTING, "The key in %s (--tls-key) does not match the certificate in %s (--tls-cert)", tls.key, tls.cert);
	return OK;
}

static SSL_CTX *make_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(ctx, TLS12_CIPHERS);
	SSL_CTX_set_options(
		ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* A call processes at most what one read brought, however many records without data (KeyUpdate) a client sends. */
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(ctx, 1);
	return ctx;
}

static enum status fill_context(SSL_CTX *ctx, struct buf *cert, struct buf *key, struct fault *why)
{
	TRY(read_file("tls-cert", tls.cert, cert, why));
	TRY(read_file("tls-key", tls.key, key, why));
	TRY(import_certs(ctx, buf_str(cert), why));
	return import_key(ctx, buf_str(key), why);
}

/* Read the files and put them in force. Sessions of before keep the context that they began with. */
static enum status load_pair(struct fault *why)
{
	struct buf cert CLEANUP(wipe_buffer), key CLEANUP(wipe_buffer);
	SSL_CTX *ctx = make_context();
	buf_init(&cert, FILE_MAX_BYTES);
	buf_init(&key, FILE_MAX_BYTES);
	if (ctx == NULL)
		return fault_no_memory(why);
	enum status status = fill_context(ctx, &cert, &key, why);
	if (status != OK) {
		SSL_CTX_free(ctx);
		return status;
	}
	pthread_rwlock_wrlock(&tls.swap);
	SSL_CTX *old = tls.now;
	tls.now = ctx;
	pthread_rwlock_unlock(&tls.swap);
	SSL_CTX_free(old);
	return OK;
}

/* renewal */

/* Note the files as they are.  false: they are as they were */
static bool note_files(void)
{
	struct stat now[2] = { 0 };
	(void)!stat(tls.cert, &now[0]);
	(void)!stat(tls.key, &now[1]);
	bool changed = file_changed(&now[0], &tls.seen[0]) || file_changed(&now[1], &tls.seen[1]);
	memcpy(tls.seen, now, sizeof now);
	return changed;
}

static void renew_if_due(void)
{
	int64_t now_ms = clock_mono_ms();
	if (now_ms - atomic_load_explicit(&tls.checked_ms, memory_order_relaxed) < CHECK_EVERY_MS || pthread_mutex_trylock(&tls.lock) != 0)
		return;
	atomic_store_explicit(&tls.checked_ms, now_ms, memory_order_relaxed);
	if (note_files()) {
		struct fault why = { 0 };
		if (load_pair(&why) == OK)
			LOG(TLS_RENEWED, STR(""), LOG_C("cert", tls.cert));
		else
			LOG(TLS_REFUSED, STR(""), LOG_C("text", why.text));
	}
	pthread_mutex_unlock(&tls.lock);
}

bool tls_begin(struct transport *l)
{
	assert(l->ssl == NULL);
	renew_if_due();
	pthread_rwlock_rdlock(&tls.swap);
	bool ok = tls.now != NULL && transport_start_tls(l, tls.now);
	pthread_rwlock_unlock(&tls.swap);
	return ok;
}

/* the whole */

enum status tls_open(const char *cert, const char *key, struct fault *why)
{
	assert(tls.now == NULL);
	if (cert[0] == '\0' && key[0] == '\0')
		return OK;
	if (cert[0] == '\0' || key[0] == '\0')
		return fault_set(
			why, BAD_SETTING, "--tls-cert (TINTYPE_TLS_CERT) and --tls-key (TINTYPE_TLS_KEY) go together: set both, or neither");
	tls.cert = cert;
	tls.key = key;
	pthread_mutex_lock(&tls.lock);
	(void)note_files();
	atomic_store(&tls.checked_ms, clock_mono_ms());
	enum status status = load_pair(why);
	pthread_mutex_unlock(&tls.lock);
	return status;
}

bool tls_is_on(void)
{
	return tls.now != NULL;
}

void tls_close(void)
{
	SSL_CTX_free(tls.now);
	tls.now = NULL;
}
