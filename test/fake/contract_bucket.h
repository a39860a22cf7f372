/* The contract of port/bucket_store.h as a group of tests. See contract.h. */
#ifndef FAKE_CONTRACT_BUCKET_H
#define FAKE_CONTRACT_BUCKET_H

#include "fake/contract.h"

/* Run the group; returns the number of tests that failed. */
int contract_bucket(const struct contract_maker *maker);
/* The second half of it, which the first runs. */
int contract_bucket_bodies(const struct contract_maker *maker);

#endif
