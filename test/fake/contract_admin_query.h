/* The contract of port/admin_query.h as a group of tests. See contract.h. */
#ifndef FAKE_CONTRACT_INSPECTION_H
#define FAKE_CONTRACT_INSPECTION_H

#include "fake/contract.h"

/* Run the group on fixtures that have an inspection; returns the number of tests that failed. */
int contract_admin_query(const struct contract_maker *maker);

#endif
