/* An X509_LOOKUP: X509_STORE asks it for the certificates of a subject, and keeps what it finds. Any number of threads may ask; the
 * list does not change once it is read. */
#include "http/client/authorities.h"

#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <string.h>

struct authority {
	unsigned char *der; /* OpenSSL's memory */
	long bytes;
	X509_NAME *subject;
};

struct authorities {
	size_t n;
	struct authority *all;
};

static X509_LOOKUP_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void free_list(X509_LOOKUP *lookup)
{
	struct authorities *list = X509_LOOKUP_get_method_data(lookup);
	for (size_t i = 0; list != NULL && i < list->n; i++) {
		OPENSSL_free(list->all[i].der);
		X509_NAME_free(list->all[i].subject);
	}
	if (list != NULL)
		mem_free(list->all);
	mem_free(list);
}

/* X509_LOOKUP_meth_new(3): what is found is added to the store, and the reference that X509_OBJECT_set1_X509 takes is one too many. */
static int find_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name, X509_OBJECT *out)
{
	const struct authorities *list = X509_LOOKUP_get_method_data(lookup);
	X509_STORE *store = X509_LOOKUP_get_store(lookup);
	for (size_t i = 0; type == X509_LU_X509 && i < list->n; i++) {
		const unsigned char *der = list->all[i].der;
		X509 *x = X509_NAME_cmp(list->all[i].subject, name) == 0 ? d2i_X509_AUX(NULL, &der, list->all[i].bytes) : NULL;
		if (x != NULL)
			(void)X509_STORE_add_cert(store, x);
		X509_free(x);
	}
	X509_STORE_lock(store);
	X509 *held = X509_OBJECT_get0_X509(X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), type, name));
	int found = held != NULL && X509_OBJECT_set1_X509(out, held);
	X509_STORE_unlock(store);
	if (found)
		X509_free(held);
	return found;
}

static void make_method(void)
{
	method = X509_LOOKUP_meth_new("certificates that are decoded when they are needed");
	if (method != NULL &&
		(X509_LOOKUP_meth_set_free(method, free_list) != 1 || X509_LOOKUP_meth_set_get_by_subject(method, find_subject) != 1))
		abort();
}

/* RFC 5280 4.1: in the sequence in the sequence the subject follows serial number, signature, issuer and validity, of which an optional
 * [0] version comes first. */
static X509_NAME *read_subject(const unsigned char *at, long left)
{
	long n = left;
	int tag = 0, class = 0;
	for (int depth = 0; depth < 2; depth++, left = n)
		if ((ASN1_get_object(&at, &n, &tag, &class, left) & 0x80) != 0 || tag != V_ASN1_SEQUENCE)
			return NULL;
	for (int before = 4; before > 0;) {
		const unsigned char *value = at;
		if ((ASN1_get_object(&value, &n, &tag, &class, left) & 0x80) != 0)
			return NULL;
		before -= class != V_ASN1_CONTEXT_SPECIFIC;
		left -= value + n - at;
		at = value + n;
	}
	return d2i_X509_NAME(NULL, &at, left);
}

/* The certificate becomes the list's, or is freed. */
static bool add_certificate(struct authorities *list, unsigned char *der, long bytes)
{
	X509_NAME *subject = read_subject(der, bytes);
	struct authority *all = subject != NULL ? mem_resize(list->all, list->n + 1, sizeof *all) : NULL;
	if (all == NULL) {
		X509_NAME_free(subject);
		OPENSSL_free(der);
		return false;
	}
	list->all = all;
	all[list->n++] = (struct authority){ der, bytes, subject };
	return true;
}

static bool read_list(BIO *in, struct authorities *list)
{
	char *name, *head;
	unsigned char *bytes;
	long n;
	bool good = true;
	while (good && PEM_read_bio(in, &name, &head, &bytes, &n) == 1) {
		bool wanted =
			strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0 || strcmp(name, PEM_STRING_X509_TRUSTED) == 0;
		if (wanted)
			good = add_certificate(list, bytes, n);
		else
			OPENSSL_free(bytes);
		OPENSSL_free(name);
		OPENSSL_free(head);
	}
	good = good && list->n > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	return good;
}

bool authorities_trust(SSL_CTX *ctx, const char *file, struct str text)
{
	assert(ctx != NULL && text.n <= INT32_MAX);
	pthread_once(&method_once, make_method);
	X509_LOOKUP *lookup = method != NULL ? X509_STORE_add_lookup(SSL_CTX_get_cert_store(ctx), method) : NULL;
	struct authorities *list = lookup != NULL ? mem_new(1, sizeof *list) : NULL;
	if (list == NULL || X509_LOOKUP_set_method_data(lookup, list) != 1)
		return false;
	BIO *in = file != NULL ? BIO_new_file(file, "re") : BIO_new_mem_buf(text.p, (int)text.n);
	bool good = in != NULL && read_list(in, list);
	BIO_free(in);
	return good;
}
