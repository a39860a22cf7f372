/* An S3 service on loopback for tests: Ceph's radosgw, which checks every signature, as a child process
 * (test/cloud/radosgw.sh). If it cannot be started, the test program ends. And the contract tests' fixtures on
 * it: each has a bucket of its own. Single-threaded. */
#ifndef TEST_AWS_S3_ENGINE_H
#define TEST_AWS_S3_ENGINE_H

#include "aws/aws.h"
#include "fake/contract.h"

#include <sys/types.h>

struct s3_engine {
	pid_t pid;
	int input; /* it runs until this is closed */
	char url[64];
	unsigned buckets; /* made so far */
};

/* Start, wait until it answers, and put a key that it knows into the environment. */
void s3_engine_start(struct s3_engine *e);
void s3_engine_stop(struct s3_engine *e);

/* A bucket of its own and a store on it. */
struct s3_world {
	struct aws_chain *chain;
	struct aws_service *service;
	struct object_store *store;
	char bucket[32];
};
void s3_world_make(struct s3_world *w, struct s3_engine *e, bool deny_overwrite);
void s3_world_unmake(struct s3_world *w);

/* Run the contract of object_store; returns the number of tests that failed. */
int s3_engine_contract(struct s3_engine *e, const char *name);

#endif
