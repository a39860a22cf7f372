/* The contract of port/part_store.h as a group of tests. See contract.h. */
#ifndef FAKE_CONTRACT_PARTS_H
#define FAKE_CONTRACT_PARTS_H

#include "fake/contract.h"

/* Run the group; returns the number of tests that failed. */
int contract_parts(const struct contract_maker *maker);

#endif
