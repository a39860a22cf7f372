/* A child process that serves S3, and the contract tests' fixture on it. */
#include "aws/s3_engine.h"
#include "aws/surroundings.h"

#include "base/mem.h"
#include "fake/contract_store.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define REGION STR("us-east-1")

static void give_up(const char *what)
{
	fprintf(stderr, "%s cannot be made; tools/deps test installs radosgw\n", what);
	abort();
}

static struct aws_service *service_on(const struct s3_engine *e, struct aws_chain *chain, struct str name)
{
	struct aws_service_options o = { .service = name, .region = REGION, .endpoint = str_of(e->url), .chain = chain };
	struct aws_service *s = aws_service_new(&o);
	assert(s != NULL);
	return s;
}

void s3_engine_start(struct s3_engine *e)
{
	int in[2], out[2];
	*e = (struct s3_engine){ .pid = 0 };
	int error = pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || (e->pid = fork()) < 0;
	assert(!error);
	if (e->pid == 0) {
		dup2(in[0], 0), dup2(out[1], 1);
		execlp("bash", "bash", "test/cloud/radosgw.sh", (char *)NULL);
		_exit(127);
	}
	close(in[0]), close(out[1]);
	e->input = in[1];
	FILE *given = fdopen(out[0], "r");
	if (given == NULL || fscanf(given, "%63s", e->url) != 1)
		give_up("the S3 engine");
	fclose(given);
	surroundings_clear(NULL);
	surroundings_give_keys("AKIARADOSGWTESTUSER0", "radosgw-test-secret", "");
}

void s3_engine_stop(struct s3_engine *e)
{
	close(e->input);
	waitpid(e->pid, NULL, 0);
}

void s3_world_make(struct s3_world *w, struct s3_engine *e, bool deny_overwrite)
{
	struct arena a;
	struct fault why;
	struct http_response r;
	arena_init(&a, 1 << 20);
	snprintf(w->bucket, sizeof w->bucket, "bucket-%u", ++e->buckets);
	w->chain = aws_chain_new();
	w->service = service_on(e, w->chain, STR("s3"));
	struct aws_call c = { .method = STR("PUT"), .path = str_printf(&a, "/%s", w->bucket), .repeatable = true };
	if (aws_service_call(w->service, &c, &a, &r, &why) != OK || r.status != 200)
		give_up("a bucket");
	struct s3_store_options o = {
		.service = w->service, .bucket = str_of(w->bucket), .region = REGION, .path_style = true, .deny_overwrite = deny_overwrite
	};
	w->store = s3_store_new(&o);
	assert(w->store != NULL);
	arena_deinit(&a);
}

void s3_world_unmake(struct s3_world *w)
{
	s3_store_free(&w->store);
	aws_service_free(&w->service);
	aws_chain_free(&w->chain);
}

static struct s3_engine *contract_engine;

static void make(struct contract_fixture *w, uint64_t max_pending)
{
	struct s3_world *own = w->own = mem_new(1, sizeof *own);
	assert(own != NULL);
	s3_world_make(own, contract_engine, false);
	w->store = own->store;
}

static void reopen(struct contract_fixture *w)
{
	struct s3_world *own = w->own;
	struct s3_store_options o = { .service = own->service, .bucket = str_of(own->bucket), .region = REGION, .path_style = true };
	s3_store_free(&own->store);
	w->store = own->store = s3_store_new(&o);
}

static void unmake(struct contract_fixture *w)
{
	s3_world_unmake(w->own);
	mem_free(w->own);
}

int s3_engine_contract(struct s3_engine *e, const char *name)
{
	const struct contract_maker maker = { name, make, reopen, unmake };
	contract_engine = e;
	return contract_store(&maker);
}
