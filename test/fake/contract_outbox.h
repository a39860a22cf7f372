/* The contract of the outbox, which is written by the changes of its table. */
#ifndef FAKE_CONTRACT_OUTBOX_H
#define FAKE_CONTRACT_OUTBOX_H

#include "fake/contract.h"

/* Returns the number of tests that failed. */
int contract_outbox(const struct contract_maker *maker);

#endif
