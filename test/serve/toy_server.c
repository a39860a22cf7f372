/* A server of toy doors, for black-box tests of the listeners: run with the settings' flags, it prints
 * its addresses as one JSON line and serves until a signal comes.
 *
 *   /fast      answered in begin, by a reactor             /run       answered by a worker
 *   /echo      counts the body, answered by a worker       /refuse    403 in begin, whatever the body
 *   /limit     413 from data, beyond 1000 bytes            /file?n=N  N bytes from a file
 *   /big?n=N   N bytes from memory                         /hold      a worker waits until /release was asked
 *   /head      HEAD with a length and no body              /balance   how often each call of the door was made
 *   /nothing   204
 *
 * Both listeners have the same door, but for the deadline of bodies: a total on api, a rate on storage. */
#include "base/hash.h"
#include "base/log.h"
#include "serve/serve.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic int begun, promised, finished, cancelled, refused, cut;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int held;
static bool released;
static struct serve_addresses at;

static void answer_text(struct exchange *x, int status, struct str text)
{
	answer_header(&x->answer, STR("Content-Type"), STR("text/plain"));
	answer_header(&x->answer, STR("x-request-id"), x->request.id);
	x->answer.status = status;
	x->answer.body = text;
}

static size_t asked_size(struct exchange *x)
{
	const struct query_pair *pair = query_find(&x->request.query, STR("n"));
	uint64_t n = 0;
	return pair != NULL && str_to_u64(pair->value, &n) ? (size_t)n : 0;
}

static void show_fast(struct exchange *x)
{
	answer_text(x, 200, STR("fast\n"));
}

static void show_refuse(struct exchange *x)
{
	fault_set(&x->answer.fault, ACCESS_DENIED, "Not for you");
	answer_text(x, 403, STR("refused: not for you\n"));
}

static void show_run(struct exchange *x)
{
	answer_text(x, 200, STR("ran\n"));
}

static void show_echo(struct exchange *x)
{
	answer_text(x, 200, str_printf(x->request.arena, "got %llu of %.*s\n", (unsigned long long)x->body_bytes, STRF(x->request.path)));
}

static void show_big(struct exchange *x)
{
	size_t n = asked_size(x);
	char *p = arena_alloc(x->request.arena, n);
	if (p == NULL) {
		answer_text(x, 413, STR("too big\n"));
		return;
	}
	memset(p, 'b', n);
	answer_text(x, 200, (struct str){ p, n });
}

/* Ten bytes in front of the slice show that the offset is kept. */
static void show_file(struct exchange *x)
{
	size_t n = asked_size(x);
	int fd = memfd_create("toy", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)n + 10) != 0 || pwrite(fd, "0123456789S", n > 0 ? 11 : 10, 0) < 0) {
		answer_text(x, 500, STR("no file\n"));
		return;
	}
	answer_text(x, 200, STR(""));
	x->answer.fd = fd;
	x->answer.fd_offset = 10;
	x->answer.fd_length = n;
}

static void show_hold(struct exchange *x)
{
	pthread_mutex_lock(&lock);
	held++;
	pthread_cond_broadcast(&change);
	while (!released)
		pthread_cond_wait(&change, &lock);
	held--;
	pthread_mutex_unlock(&lock);
	answer_text(x, 200, STR("held\n"));
}

static void show_release(struct exchange *x)
{
	pthread_mutex_lock(&lock);
	released = true;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
	answer_text(x, 200, STR("released\n"));
}

static void show_head(struct exchange *x)
{
	answer_text(x, 200, STR(""));
	answer_header(&x->answer, STR("Content-Length"), STR("12345"));
}

static void show_nothing(struct exchange *x)
{
	x->answer.status = 204;
}

static void show_balance(struct exchange *x)
{
	pthread_mutex_lock(&lock);
	int holding = held;
	pthread_mutex_unlock(&lock);
	answer_text(x, 200, str_printf(x->request.arena, "{\"begun\":%d,\"promised\":%d,\"finished\":%d,\"cancelled\":%d,\"refused\":%d,\"cut\":%d,\"held\":%d}\n",
	            begun, promised, finished, cancelled, refused, cut, holding));
}

static const struct route {
	struct str path;
	const char *name;
	enum door_step step;
	void (*show)(struct exchange *x);
} routes[] = {
	{ { "/fast", 5 }, "/fast", DOOR_ANSWER, show_fast },
	{ { "/refuse", 7 }, "/refuse", DOOR_ANSWER, show_refuse },
	{ { "/run", 4 }, "/run", DOOR_RUN, show_run },
	{ { "/echo", 5 }, "/echo", DOOR_BODY, show_echo },
	{ { "/limit", 6 }, "/limit", DOOR_BODY, show_echo },
	{ { "/big", 4 }, "/big", DOOR_RUN, show_big },
	{ { "/file", 5 }, "/file", DOOR_RUN, show_file },
	{ { "/hold", 5 }, "/hold", DOOR_RUN, show_hold },
	{ { "/release", 8 }, "/release", DOOR_ANSWER, show_release },
	{ { "/head", 5 }, "/head", DOOR_ANSWER, show_head },
	{ { "/nothing", 8 }, "/nothing", DOOR_ANSWER, show_nothing },
	{ { "/balance", 8 }, "/balance", DOOR_ANSWER, show_balance },
};

static void refuse(struct door *door, struct exchange *x, const struct fault *why)
{
	refused++;
	answer_text(x, fault_status(why->code) == BUSY ? 503 : 400, str_printf(x->request.arena, "%s: %s\n", fault_name(why->code), why->text));
}

static enum door_step begin(struct door *door, struct exchange *x)
{
	begun++;
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		if (!str_equal(routes[i].path, x->request.path))
			continue;
		x->answer.route = routes[i].name;
		x->door_state = (void *)&routes[i];
		if (routes[i].step == DOOR_ANSWER)
			routes[i].show(x);
		else
			promised++;
		return routes[i].step;
	}
	answer_text(x, 404, STR("no such toy\n"));
	return DOOR_ANSWER;
}

static enum status data(struct door *door, struct exchange *x, const char *p, size_t n)
{
	const struct route *route = x->door_state;
	if (!str_equal(route->path, STR("/limit")) || x->body_bytes <= 1000)
		return OK;
	answer_text(x, 413, STR("over the limit\n"));
	return fault_set(&x->answer.fault, BODY_TOO_LARGE, "Over the limit");
}

static void finish(struct door *door, struct exchange *x)
{
	finished++;
	((const struct route *)x->door_state)->show(x);
}

static void cancel(struct door *door, struct exchange *x, const struct fault *why)
{
	cancelled++;
	cut += x->body_cut;
}

static const struct door_ops ops = { begin, data, finish, cancel, refuse };
static struct door api = { .ops = &ops, .arena_bytes = (size_t)64 << 20, .body_max = 16384 };
static struct door storage = { .ops = &ops, .arena_bytes = (size_t)64 << 20, .body_max = 5 << 20, .slow_body_is_rate = true, .plus_is_blank = true };

static void tell_started(void *arg)
{
	printf("{\"api\":\"%s\",\"storage\":\"%s\",\"admin\":\"%s\"}\n", at.api, at.storage, at.admin);
	fflush(stdout);
}

static enum status ready(void *arg, struct fault *why)
{
	pthread_mutex_lock(&lock);
	bool is_released = released;
	pthread_mutex_unlock(&lock);
	return is_released ? fault_set(why, DISK_FULL, "no room") : OK;
}

int main(int argc, char **argv)
{
	struct settings settings;
	struct server *server = NULL;
	struct fault why;
	struct server_doors doors = { .api = &api, .storage = &storage, .ready = ready, .admin_token = STR("toy-token") };
	enum log_level level = LOG_INFO;
	crypto_init();
	if (settings_load(&settings, argc - 1, argv + 1, &why) != OK || server_bind(&settings, &server, &at, &why) != OK) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	if (!log_level_parse(str_of(settings.log_level), &level))
		return 1;
	struct log_options log = { .level = level, .queue_lines = 4096 };
	if (log_start(&log, &why) != OK)
		return 1;
	enum status status = server_run(server, &doors, tell_started, &why);
	log_stop();
	server_free(&server);
	fprintf(stderr, "%s\n", status == OK ? "drained" : why.text);
	return status == OK ? 0 : 1;
}
