/* The contract of port/object_store.h as a group of tests. See contract.h. */
#ifndef FAKE_CONTRACT_STORE_H
#define FAKE_CONTRACT_STORE_H

#include "fake/contract.h"

/* Run the group; returns the number of tests that failed. */
int contract_store(const struct contract_maker *maker);
/* Its second half (presign and form); part of it. */
int contract_store_urls(const struct contract_maker *maker);

#endif
