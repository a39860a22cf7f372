/* The object store in memory, and URLs that look like presigned ones: same parameters, but the
 * "signature" is a plain digest of what is signed. Implements the contract of the port except durability.
 * Fails on demand (trap.h); every call of the port counts. Any thread. */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include "fake/trap.h"
#include "port/object_store.h"

struct fake_store;
struct fake_store *fake_store_new(void);
void fake_store_free(struct fake_store **s);
struct object_store *fake_store_port(struct fake_store *s);

/* The n-th call from now on (1: the next) fails and changes nothing. */
void fake_store_fail_nth(struct fake_store *s, uint64_t n, enum fault_code code);
/* ... does its work, then fails. */
void fake_store_lose_nth(struct fake_store *s, uint64_t n, enum fault_code code);
/* ... finds that `meet` ran just before it. */
void fake_store_meet_nth(struct fake_store *s, uint64_t n, void (*meet)(void *arg), void *arg);
uint64_t fake_store_calls(struct fake_store *s);

/* From now on presigned PUTs sign If-None-Match: * too, and say so. */
void fake_store_deny_overwrite(struct fake_store *s);
/* Remove an object, if it is there; no call of the port. */
void fake_store_drop(struct fake_store *s, struct str key);
/* How many objects there are; no call of the port. */
size_t fake_store_count(struct fake_store *s);
/* Make an object look as if it was written then; it must be there. No call of the port. */
void fake_store_set_modified(struct fake_store *s, struct str key, int64_t modified_ms);

#endif
