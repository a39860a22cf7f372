/* The contract of port/api_key_table.h as a group of tests. See contract.h. */
#ifndef FAKE_CONTRACT_API_KEYS_H
#define FAKE_CONTRACT_API_KEYS_H

#include "fake/contract.h"

/* Run the group; returns the number of tests that failed. */
int contract_api_keys(const struct contract_maker *maker);

#endif
