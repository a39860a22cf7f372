/* Certificate and key. See tls.h. GnuTLS asks for them at each handshake, on a reactor; pairs that it may
 * still hold from before are kept to the end, of which there are as many as renewals. */
#include "http/server/tls.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (256 * 1024)
#define CHAIN_MAX 16
#define LOOK_EVERY_MS 1000

struct pair {
	struct pair *next;
	gnutls_pcert_st certs[CHAIN_MAX];
	unsigned n;
	gnutls_privkey_t key;
};

/* What tells that a file is another. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

static struct {
	const char *cert, *key;
	_Atomic(struct pair *) now;
	struct pair *all;          /* under the lock, as what follows */
	pthread_mutex_t lock;
	struct stamp seen[2];
	_Atomic int64_t looked_ms;
} tls = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* files */

static void wipe(struct buf *b)
{
	if (b->p != NULL)
		secret_wipe(b->p, b->cap);
	buf_deinit(b);
}

static enum status cannot(const char *setting, const char *path, int error, struct fault *why)
{
	return fault_set(why, BAD_SETTING, "--%s: %s cannot be read: %s", setting, path, strerror(error));
}

/* Its user's alone; or root's, who may let a group read it. */
static bool is_private(const struct stat *st)
{
	mode_t forbidden = st->st_uid == 0 ? 037 : 077;
	return (st->st_mode & forbidden) == 0;
}

static enum status read_all(int fd, struct buf *out, int *error)
{
	char piece[4096];
	ssize_t got;
	do {
		got = read(fd, piece, sizeof piece);
		if (got > 0)
			buf_put(out, (struct str){ piece, (size_t)got });
	} while ((got > 0 && buf_ok(out)) || (got < 0 && errno == EINTR));
	*error = got < 0 ? errno : EFBIG;
	secret_wipe(piece, sizeof piece);
	return got == 0 && buf_ok(out) ? OK : IO;
}

static enum status check_and_read(int fd, const char *setting, const char *path, struct buf *out, struct fault *why)
{
	struct stat st;
	int error = 0;
	if (fstat(fd, &st) != 0)
		return cannot(setting, path, errno, why);
	if (S_ISDIR(st.st_mode))
		return cannot(setting, path, EISDIR, why);
	if (strcmp(setting, "tls-key") == 0 && !is_private(&st))
		return fault_set(why, BAD_SETTING, "--tls-key: %s can be read by others; run chmod 600 on it first", path);
	return read_all(fd, out, &error) == OK ? OK : cannot(setting, path, error, why);
}

static enum status read_file(const char *setting, const char *path, struct buf *out, struct fault *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return cannot(setting, path, errno, why);
	enum status status = check_and_read(fd, setting, path, out, why);
	close(fd);
	return status;
}

/* pairs */

static gnutls_datum_t datum_of(const struct buf *b)
{
	return (gnutls_datum_t){ (unsigned char *)b->p, (unsigned)b->n };
}

static enum status bad_file(const char *setting, const char *path, int rc, struct fault *why)
{
	return fault_set(why, BAD_SETTING, "--%s: %s is not what is needed, which is PEM: %s", setting, path, gnutls_strerror(rc));
}

static enum status import_certs(struct pair *p, const gnutls_datum_t *text, struct fault *why)
{
	unsigned n = CHAIN_MAX;
	int rc = gnutls_pcert_list_import_x509_raw(p->certs, &n, text, GNUTLS_X509_FMT_PEM, 0);
	if (rc < 0)
		return bad_file("tls-cert", tls.cert, rc, why);
	p->n = n;
	return OK;
}

static enum status import_key(struct pair *p, const gnutls_datum_t *text, struct fault *why)
{
	int rc = gnutls_privkey_init(&p->key);
	if (rc >= 0)
		rc = gnutls_privkey_import_x509_raw(p->key, text, GNUTLS_X509_FMT_PEM, NULL, 0);
	return rc >= 0 ? OK : bad_file("tls-key", tls.key, rc, why);
}

/* Whether the key is the first certificate's. */
static bool fit(const struct pair *p)
{
	gnutls_pubkey_t public;
	unsigned char a[64], b[64];
	size_t a_n = sizeof a, b_n = sizeof b;
	if (gnutls_pubkey_init(&public) < 0)
		return false;
	bool good = gnutls_pubkey_import_privkey(public, p->key, 0, 0) >= 0
		&& gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, a, &a_n) >= 0
		&& gnutls_pubkey_get_key_id(p->certs[0].pubkey, GNUTLS_KEYID_USE_SHA256, b, &b_n) >= 0
		&& str_equal((struct str){ (char *)a, a_n }, (struct str){ (char *)b, b_n });
	gnutls_pubkey_deinit(public);
	return good;
}

static enum status fill_pair(struct pair *p, struct buf *cert, struct buf *key, struct fault *why)
{
	TRY(read_file("tls-cert", tls.cert, cert, why));
	TRY(read_file("tls-key", tls.key, key, why));
	gnutls_datum_t cert_text = datum_of(cert), key_text = datum_of(key);
	TRY(import_certs(p, &cert_text, why));
	TRY(import_key(p, &key_text, why));
	if (!fit(p))
		return fault_set(why, BAD_SETTING, "The key in %s (--tls-key) is not that of the certificate in %s (--tls-cert)", tls.key, tls.cert);
	return OK;
}

static void free_pair(struct pair *p)
{
	for (unsigned i = 0; i < p->n; i++)
		gnutls_pcert_deinit(&p->certs[i]);
	if (p->key != NULL)
		gnutls_privkey_deinit(p->key);
	mem_free(p);
}

/* Read the files and put them in force. */
static enum status load(struct fault *why)
{
	struct buf cert CLEANUP(wipe), key CLEANUP(wipe);
	struct pair *p = mem_new(1, sizeof *p);
	buf_init(&cert, FILE_MAX_BYTES);
	buf_init(&key, FILE_MAX_BYTES);
	if (p == NULL)
		return fault_set(why, OUT_OF_MEMORY, "No memory for the certificate");
	enum status status = fill_pair(p, &cert, &key, why);
	if (status != OK) {
		free_pair(p);
		return status;
	}
	p->next = tls.all;
	tls.all = p;
	atomic_store_explicit(&tls.now, p, memory_order_release);
	return OK;
}

/* renewal */

static struct stamp stamp_of(const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return (struct stamp){ 0 };
	return (struct stamp){ st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim };
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}

/* Note the files' stamps.  false: they are as they were */
static bool note_stamps(void)
{
	struct stamp now[2] = { stamp_of(tls.cert), stamp_of(tls.key) };
	bool same = same_stamp(&now[0], &tls.seen[0]) && same_stamp(&now[1], &tls.seen[1]);
	tls.seen[0] = now[0];
	tls.seen[1] = now[1];
	return !same;
}

static void renew(void)
{
	struct fault why = { 0 };
	if (!note_stamps())
		return;
	if (load(&why) == OK)
		LOG(TLS_RENEWED, STR(""), LOG_C("cert", tls.cert));
	else
		LOG(TLS_REFUSED, STR(""), LOG_C("text", why.text));
}

static void renew_if_due(void)
{
	int64_t now_ms = clock_mono_ms();
	if (now_ms - atomic_load_explicit(&tls.looked_ms, memory_order_relaxed) < LOOK_EVERY_MS || pthread_mutex_trylock(&tls.lock) != 0)
		return;
	atomic_store_explicit(&tls.looked_ms, now_ms, memory_order_relaxed);
	renew();
	pthread_mutex_unlock(&tls.lock);
}

static int give_pair(gnutls_session_t session, const gnutls_datum_t *names, int n_names, const gnutls_pk_algorithm_t *algorithms,
                     int n_algorithms, gnutls_pcert_st **certs, unsigned *n, gnutls_privkey_t *key)
{
	renew_if_due();
	struct pair *p = atomic_load_explicit(&tls.now, memory_order_acquire);
	if (p == NULL)
		return -1;
	*certs = p->certs;
	*n = p->n;
	*key = p->key;
	return 0;
}

/* the whole */

enum status tls_open(const char *cert, const char *key, struct fault *why)
{
	if (cert[0] == '\0' && key[0] == '\0')
		return OK;
	if (cert[0] == '\0' || key[0] == '\0')
		return fault_set(why, BAD_SETTING, "--tls-cert (TINTYPE_TLS_CERT) and --tls-key (TINTYPE_TLS_KEY) go together: say both, or neither");
	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES || MHD_is_feature_supported(MHD_FEATURE_HTTPS_CERT_CALLBACK) != MHD_YES)
		return fault_set(why, BAD_SETTING, "--tls-cert: the libmicrohttpd of this system was built without TLS");
	tls.cert = cert;
	tls.key = key;
	pthread_mutex_lock(&tls.lock);
	(void)note_stamps();
	atomic_store(&tls.looked_ms, clock_mono_ms());
	enum status status = load(why);
	pthread_mutex_unlock(&tls.lock);
	return status;
}

bool tls_is_on(void)
{
	return atomic_load_explicit(&tls.now, memory_order_acquire) != NULL;
}

struct MHD_OptionItem tls_option(void)
{
	/* A function as an object pointer: what the library's array of options wants. */
	union {
		int (*function)(gnutls_session_t, const gnutls_datum_t *, int, const gnutls_pk_algorithm_t *, int, gnutls_pcert_st **, unsigned *, gnutls_privkey_t *);
		void *pointer;
	} callback = { .function = give_pair };
	return (struct MHD_OptionItem){ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, callback.pointer };
}

void tls_close(void)
{
	atomic_store(&tls.now, NULL);
	pthread_mutex_lock(&tls.lock);
	while (tls.all != NULL) {
		struct pair *p = tls.all;
		tls.all = p->next;
		free_pair(p);
	}
	pthread_mutex_unlock(&tls.lock);
}
