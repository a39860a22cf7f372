/* The contract of port/bucket_catalog.h as a group of tests. See contract.h. */
#ifndef FAKE_CONTRACT_CATALOG_H
#define FAKE_CONTRACT_CATALOG_H

#include "fake/contract.h"

/* Run the group; returns the number of tests that failed. */
int contract_catalog(const struct contract_maker *maker);

#endif
