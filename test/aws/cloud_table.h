/* The tables of the adapter on an emulator of DynamoDB, as contract fixtures: a table of its own for each. Single-threaded. */
#ifndef TEST_AWS_CLOUD_TABLE_H
#define TEST_AWS_CLOUD_TABLE_H

#include "aws/aws.h"
#include "fake/contract.h"

struct cloud {
	struct aws_chain *chain;
	struct aws_service *service;
	char table[32];
};

/* What the next fixtures are made of. */
struct cloud_kind {
	const char *url;
	uint32_t shards;
	bool count_owners, obeys_migration;
};
extern struct cloud_kind cloud_kind;

/* Open and close the adapter of a table, whether it is there or not. */
struct image_table *cloud_open(struct cloud *c, struct str url);
void cloud_close(struct cloud *c, struct image_table **t);

/* Functions of a contract_maker. */
void cloud_make(struct contract_fixture *w, uint64_t max_pending);
void cloud_reopen(struct contract_fixture *w);
void cloud_unmake(struct contract_fixture *w);

#endif
