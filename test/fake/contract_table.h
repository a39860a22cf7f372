/* The contract of port/image_table.h as a group of tests. See contract.h. */
#ifndef FAKE_CONTRACT_TABLE_H
#define FAKE_CONTRACT_TABLE_H

#include "fake/contract.h"

/* Run the group; returns the number of tests that failed. */
int contract_table(const struct contract_maker *maker);
/* What applications change; part of it. */
int contract_table_changes(const struct contract_maker *maker);
/* Rows of owners: their lists, and ids that are not given again. */
int contract_table_owners(const struct contract_maker *maker);
/* Its second half (lists, cursors, several callers); part of it. */
int contract_table_pages(const struct contract_maker *maker);

#endif
