/* Child processes that speak S3, and the contract on them. */
#include "aws/s3_engine.h"
#include "aws/surroundings.h"

#include "base/buf.h"
#include "base/mem.h"
#include "fake/contract_store.h"

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define REGION STR("us-east-1")
#define STARTS_WITHIN_MS 90000

static unsigned free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = fd < 0 || bind(fd, (struct sockaddr *)&at, n) || getsockname(fd, (struct sockaddr *)&at, &n);
	assert(!error);
	close(fd);
	return ntohs(at.sin_port);
}

static bool accepts(unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool there = fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) == 0;
	close(fd);
	return there;
}

static void give_up(const char *what)
{
	fprintf(stderr, "%s cannot be started; tools/deps test installs it\n", what);
	abort();
}

static void become(const struct s3_engine *e)
{
	char port[8];
	int nowhere = open("/dev/null", O_RDWR);
	snprintf(port, sizeof port, "%u", e->port);
	dup2(nowhere, 0), dup2(nowhere, 1), dup2(nowhere, 2);
	if (e->kind == S3_RADOSGW) {
		execlp("bash", "bash", "../shared/tools/radosgw-up.sh", e->dir, port, (char *)NULL);
		_exit(127);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (e->kind == S3_MOTO_CHECKING)
		setenv("INITIAL_NO_AUTH_ACTION_COUNT", "4", 1);
	execlp("moto_server", "moto_server", "-H", "127.0.0.1", "-p", port, (char *)NULL);
	_exit(127);
}

/* moto goes on running, radosgw's script ends when all is up. */
static void wait_for(struct s3_engine *e)
{
	int how = 0;
	for (int waited_ms = 0; waited_ms < STARTS_WITHIN_MS; waited_ms += 50) {
		pid_t ended = waitpid(e->pid, &how, WNOHANG);
		if (ended == e->pid && (e->kind != S3_RADOSGW || how != 0))
			break;
		if (e->kind == S3_RADOSGW ? ended == e->pid : accepts(e->port))
			return;
		poll(NULL, 0, 50);
	}
	s3_engine_stop(e);
	give_up(e->kind == S3_RADOSGW ? "radosgw (../shared/tools/radosgw-up.sh)" : "moto_server");
}

static struct aws_service *service_on(const struct s3_engine *e, struct aws_chain *chain, struct str name)
{
	struct aws_service_options o = { .service = name, .region = REGION, .endpoint = str_of(e->url), .chain = chain };
	struct aws_service *s = aws_service_new(&o);
	assert(s != NULL);
	return s;
}

static struct str element(struct str xml, const char *name, struct arena *a)
{
	struct str open = str_printf(a, "<%s>", name), close = str_printf(a, "</%s>", name);
	size_t from = str_find(xml, open), to = str_find(xml, close);
	assert(from < xml.n && to < xml.n);
	return str_slice(xml, from + open.n, to);
}

/* The four calls that moto lets pass unchecked: a user, a key, what it may do, and one more. */
static void make_key(const struct s3_engine *e)
{
	static const char *const bodies[] = {
		"Action=CreateUser&UserName=u&Version=2010-05-08", "Action=CreateAccessKey&UserName=u&Version=2010-05-08",
		"Action=PutUserPolicy&UserName=u&PolicyName=p&Version=2010-05-08&PolicyDocument=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22"
		"%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D",
		"Action=GetUser&UserName=u&Version=2010-05-08",
	};
	const struct header type = { STR("Content-Type"), STR("application/x-www-form-urlencoded") };
	struct arena a;
	struct fault why;
	arena_init(&a, 1 << 20);
	surroundings_give_keys("first", "first", "");
	struct aws_chain *chain = aws_chain_new();
	struct aws_service *iam = service_on(e, chain, STR("iam"));
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct http_response r;
		struct aws_call c = { .method = STR("POST"), .path = STR("/"), .headers = &type, .n_headers = 1, .body = str_of(bodies[i]) };
		if (aws_service_call(iam, &c, &a, &r, &why) != OK || r.status != 200)
			give_up("moto's identity service");
		if (i == 1)
			surroundings_give_keys(str_cstr(&a, element(r.body, "AccessKeyId", &a)), str_cstr(&a, element(r.body, "SecretAccessKey", &a)), "");
	}
	aws_service_free(&iam);
	aws_chain_free(&chain);
	arena_deinit(&a);
}

static int lock_radosgw(void)
{
	int fd = open("/tmp/radosgw-test.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0666);
	int error = fd < 0 || flock(fd, LOCK_EX);
	assert(!error);
	return fd;
}

void s3_engine_start(struct s3_engine *e, enum s3_engine_kind kind)
{
	*e = (struct s3_engine){ .kind = kind, .port = free_port(), .lock = kind == S3_RADOSGW ? lock_radosgw() : -1 };
	snprintf(e->url, sizeof e->url, "http://127.0.0.1:%u", e->port);
	snprintf(e->dir, sizeof e->dir, "/tmp/radosgw-test-XXXXXX");
	if (kind == S3_RADOSGW && mkdtemp(e->dir) == NULL)
		give_up("radosgw's directory");
	e->pid = fork();
	assert(e->pid >= 0);
	if (e->pid == 0)
		become(e);
	wait_for(e);
	surroundings_clear(NULL);
	if (kind == S3_MOTO_CHECKING)
		make_key(e);
	else if (kind == S3_MOTO)
		surroundings_give_keys("AKIATESTTESTTESTTEST", "test-secret", "");
	else
		surroundings_give_keys("AKIAMAINMAINMAINMAIN", "mainmainmainmainmainmainmainmainmainmain", "");
}

/* What the script has started, by the file that it leaves. */
static void stop_radosgw(const struct s3_engine *e)
{
	char path[128];
	unsigned long long pid;
	snprintf(path, sizeof path, "%s/pids", e->dir);
	FILE *f = fopen(path, "re");
	while (f != NULL && fscanf(f, "%llu", &pid) == 1)
		kill((pid_t)pid, SIGKILL);
	if (f != NULL)
		fclose(f);
	pid_t child = fork();
	if (child == 0) {
		execlp("rm", "rm", "-rf", e->dir, (char *)NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
}

void s3_engine_stop(struct s3_engine *e)
{
	if (e->kind == S3_RADOSGW)
		stop_radosgw(e);
	else
		kill(e->pid, SIGKILL);
	waitpid(e->pid, NULL, 0);
	if (e->lock >= 0)
		close(e->lock);
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
	struct s3_store_options o = { .service = w->service, .bucket = str_of(w->bucket), .region = REGION, .path_style = true,
		.deny_overwrite = deny_overwrite };
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

static void make(struct contract_world *w, uint64_t max_pending)
{
	struct s3_world *own = w->own = mem_new(1, sizeof *own);
	assert(own != NULL);
	s3_world_make(own, contract_engine, false);
	w->store = own->store;
}

static void reopen(struct contract_world *w)
{
	struct s3_world *own = w->own;
	struct s3_store_options o = { .service = own->service, .bucket = str_of(own->bucket), .region = REGION, .path_style = true };
	s3_store_free(&own->store);
	w->store = own->store = s3_store_new(&o);
}

static void unmake(struct contract_world *w)
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
