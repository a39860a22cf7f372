/* The files that one command has sent, by the SHA-256 of their bytes, so that the same bytes are sent once, whatever they are called and
 * however often they are found. Any thread. */
#ifndef CLI_SENT_SET_H
#define CLI_SENT_SET_H

#include "base/attr.h"
#include "base/hash.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct sent_file {
	unsigned char digest[SHA256_BYTES];
	char image_id[UUID_CHARS + 1];
	enum { SENT_NONE, SENT_RUNNING, SENT_DONE, SENT_FAILED } state;
};

struct sent_set {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct sent_file *files; /* open addressing; cap is a power of two */
	size_t n, cap;
};

void sent_set_init(struct sent_set *s);
void sent_set_deinit(struct sent_set *s);
/* Claim the bytes for sending. Waits while another thread sends them. true: they were not sent, and sent_set_end must follow.
 * image_id  out: of the image that they are, where false; else ""
 * Without memory: true, and nothing is remembered */
bool sent_set_begin(struct sent_set *s, const unsigned char digest[SHA256_BYTES], char image_id[UUID_CHARS + 1]) MUST_CHECK;
/* The image that they were is gone: the next may claim them. */
void sent_set_forget(struct sent_set *s, const unsigned char digest[SHA256_BYTES]);
/* image_id  of the image that they are now; NULL: they were not sent, and the next may claim them */
void sent_set_end(struct sent_set *s, const unsigned char digest[SHA256_BYTES], const char *image_id);

#endif
