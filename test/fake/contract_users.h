/* The contract of port/user_table.h as groups of tests, with the image table that charges owners. See contract.h. */
#ifndef FAKE_CONTRACT_USERS_H
#define FAKE_CONTRACT_USERS_H

#include "fake/contract.h"

/* Run the groups; returns the number of tests that failed. */
int contract_users(const struct contract_maker *maker);
/* What an owner may use; part of it. */
int contract_quotas(const struct contract_maker *maker);

#endif
