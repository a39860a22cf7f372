/* One thread that runs garbage collection at its interval, and aborts multipart uploads that were not completed. */
#ifndef APP_GC_THREAD_H
#define APP_GC_THREAD_H

#include "image/product.h"
#include "port/part_store.h"
#include "port/storage_check.h"
#include "port/transfer.h"

struct gc_thread_options {
	struct product *product;  /* borrowed, as parts */
	struct part_store *parts; /* NULL: there are no multipart uploads here */
	uint64_t interval_s;
	const char *dir;             /* where `tintype recount` and `tintype fsck --repair` leave their requests; NULL: they are not used */
	struct storage_check *check; /* NULL: with dir NULL */
	struct transfer *transfer;   /* NULL: the table cannot be migrated */
	uint64_t multipart_ttl_s;    /* multipart uploads that are older are aborted */
	/* As `lead` of struct backends: whether this process holds the lease for the sweep. NULL: it always sweeps */
	bool (*lead)(void *arg, int64_t lease_ms);
	void *lead_arg;
};

struct gc_thread;
/* NULL: memory or threads failed. */
struct gc_thread *gc_thread_start(const struct gc_thread_options *o);
/* Stop after the current step. Accepts NULL inside. */
void gc_thread_free(struct gc_thread **j);

#endif
