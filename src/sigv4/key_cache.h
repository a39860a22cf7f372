/* Inside sigv4/: the signing keys that each thread keeps, see sign.c. */
#ifndef SIGV4_KEY_CACHE_H
#define SIGV4_KEY_CACHE_H

#include <stddef.h>

/* Forget and wipe what this thread holds. A thread that ends does it by itself. */
void signing_keys_wipe(void);
/* How many keys this thread holds now. */
size_t signing_keys_held(void);

#endif
