/* The contract of port/transfer.h as a group of tests. See contract.h. */
#ifndef FAKE_CONTRACT_TRANSFER_H
#define FAKE_CONTRACT_TRANSFER_H

#include "fake/contract.h"

/* Run the group; returns the number of tests that failed. */
int contract_transfer(const struct contract_maker *maker);

#endif
