/* The contract of the history, for whichever keeps it. */
#ifndef FAKE_CONTRACT_HISTORY_H
#define FAKE_CONTRACT_HISTORY_H

#include "port/history.h"

/* Fails the test that calls it. The history is empty.
 * n  how many minutes are filled, more than there are slots: to see the oldest replaced; 0: that is left out */
void contract_history(struct history *h, int64_t n);
/* A point whose numbers all differ, and depend on `seed`. */
struct history_point contract_history_point(int64_t minute, uint64_t seed);
/* The point of a minute; zeroed: there is none. */
struct history_point contract_history_find(struct history *h, int64_t minute);

#endif
