/* The server's part of `tintype reverify`: a thread that looks once a second whether it is asked for (reverify_files.h), and then
 * goes through the images while the server serves. One that was cut off with its server is gone on with at the next start. */
#ifndef APP_REVERIFY_THREAD_H
#define APP_REVERIFY_THREAD_H

#include "image/product.h"
#include "port/bucket_store.h"

/* All borrowed; they outlive the thread. */
struct reverify_thread_options {
	struct product *product;
	struct bucket_store *buckets;
	struct str bucket;
	const char *dir; /* the data directory */
};

struct reverify_thread;
/* NULL: no memory, or no thread. */
struct reverify_thread *reverify_thread_start(const struct reverify_thread_options *o);
/* Ends it after the image at hand. Accepts NULL inside. */
void reverify_thread_free(struct reverify_thread **t);

#endif
