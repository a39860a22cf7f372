/* A handler of toys, for tests of the listeners: each path shows one way that a handler may answer.
 * The paths are listed in toy_handler.h. */
#include "fake/toy_handler.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic int begun, promised, finished, cancelled, refused, cut;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int held;
static bool released;
static struct request_context *pending[64];
static size_t pending_n;

static void answer_text(struct request_context *x, int status, struct str text)
{
	answer_header(&x->answer, STR("Content-Type"), STR("text/plain"));
	answer_header(&x->answer, STR("x-request-id"), x->request.id);
	x->answer.status = status;
	x->answer.body = text;
}

static size_t asked_size(struct request_context *x)
{
	const struct query_pair *pair = query_find(&x->request.query, STR("n"));
	uint64_t n = 0;
	return pair != NULL && str_to_u64(pair->value, &n) ? (size_t)n : 0;
}

static void show_fast(struct request_context *x)
{
	answer_text(x, 200, STR("fast\n"));
}

static void show_client(struct request_context *x)
{
	char text[CLIENT_ADDR_CHARS];
	answer_text(x, 200, str_printf(x->request.arena, "%.*s\n", STRF(client_addr_text(&x->request.client, text))));
}

static void show_refuse(struct request_context *x)
{
	fault_set(&x->answer.fault, ACCESS_DENIED, "Not for you");
	answer_text(x, 403, STR("refused: not for you\n"));
}

static void show_run(struct request_context *x)
{
	answer_text(x, 200, STR("ran\n"));
}

static void show_echo(struct request_context *x)
{
	answer_text(x, 200, str_printf(x->request.arena, "got %llu of %.*s\n", (unsigned long long)x->body_bytes, STRF(x->request.path)));
}

static void show_big(struct request_context *x)
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
static void show_file(struct request_context *x)
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

static void show_hold(struct request_context *x)
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

/* started requests */

static void show_start(struct request_context *x)
{
	answer_text(x, 200, STR("started\n"));
	x->done(x);
}

static void *wake_later(void *arg)
{
	show_start(arg);
	return NULL;
}

static void show_later(struct request_context *x)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, wake_later, x);
	assert(rc == 0);
	pthread_detach(thread);
}

static void show_pending(struct request_context *x)
{
	pthread_mutex_lock(&lock);
	assert(pending_n < COUNT_OF(pending));
	pending[pending_n++] = x;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
}

void toy_await_pending(size_t n)
{
	pthread_mutex_lock(&lock);
	while (pending_n != n)
		pthread_cond_wait(&change, &lock);
	pthread_mutex_unlock(&lock);
}

void toy_finish_pending(void)
{
	pthread_mutex_lock(&lock);
	while (pending_n > 0)
		show_start(pending[--pending_n]);
	pthread_mutex_unlock(&lock);
}

static void show_release(struct request_context *x)
{
	toy_finish_pending();
	pthread_mutex_lock(&lock);
	released = true;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
	answer_text(x, 200, STR("released\n"));
}

static void show_head(struct request_context *x)
{
	answer_text(x, 200, STR(""));
	answer_header(&x->answer, STR("Content-Length"), STR("12345"));
}

static void show_nothing(struct request_context *x)
{
	x->answer.status = 204;
}

static void show_balance(struct request_context *x)
{
	pthread_mutex_lock(&lock);
	int holding = held;
	pthread_mutex_unlock(&lock);
	answer_text(x, 200,
		str_printf(x->request.arena,
			"{\"begun\":%d,\"promised\":%d,\"finished\":%d,\"cancelled\":%d,\"refused\":%d,\"cut\":%d,\"held\":%d}\n", begun, promised,
			finished, cancelled, refused, cut, holding));
}

static const struct route {
	struct str path;
	const char *name;
	enum handler_step step;
	void (*show)(struct request_context *x);
} routes[] = {
	{ { "/fast", 5 }, "/fast", HANDLER_ANSWER, show_fast },
	{ { "/client", 7 }, "/client", HANDLER_ANSWER, show_client },
	{ { "/refuse", 7 }, "/refuse", HANDLER_ANSWER, show_refuse },
	{ { "/run", 4 }, "/run", HANDLER_RUN, show_run },
	{ { "/echo", 5 }, "/echo", HANDLER_READ_BODY, show_echo },
	{ { "/limit", 6 }, "/limit", HANDLER_READ_BODY, show_echo },
	{ { "/checked", 8 }, "/checked", HANDLER_CHECK, show_echo },
	{ { "/denied", 7 }, "/denied", HANDLER_CHECK, show_refuse },
	{ { "/big", 4 }, "/big", HANDLER_RUN, show_big },
	{ { "/file", 5 }, "/file", HANDLER_RUN, show_file },
	{ { "/hold", 5 }, "/hold", HANDLER_RUN, show_hold },
	{ { "/release", 8 }, "/release", HANDLER_ANSWER, show_release },
	{ { "/start", 6 }, "/start", HANDLER_RUN_ASYNC, show_start },
	{ { "/later", 6 }, "/later", HANDLER_RUN_ASYNC, show_later },
	{ { "/pending", 8 }, "/pending", HANDLER_RUN_ASYNC, show_pending },
	{ { "/head", 5 }, "/head", HANDLER_ANSWER, show_head },
	{ { "/nothing", 8 }, "/nothing", HANDLER_ANSWER, show_nothing },
	{ { "/balance", 8 }, "/balance", HANDLER_ANSWER, show_balance },
};

static void refuse(struct handler *handler, struct request_context *x, const struct fault *why)
{
	refused++;
	answer_text(x,
		fault_status(why->code) == BUSY     ? 503
			: why->code == F_HEAD_TOO_LARGE ? 431
											: 400,
		str_printf(x->request.arena, "%s: %s\n", fault_name(why->code), why->text));
}

static enum handler_step begin(struct handler *handler, struct request_context *x)
{
	begun++;
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		if (!str_equal(routes[i].path, x->request.path))
			continue;
		x->answer.route = routes[i].name;
		x->handler_state = (void *)&routes[i];
		if (routes[i].step == HANDLER_ANSWER)
			routes[i].show(x);
		else
			promised++;
		return routes[i].step;
	}
	answer_text(x, 404, STR("no such toy\n"));
	return HANDLER_ANSWER;
}

static enum handler_step check(struct handler *handler, struct request_context *x)
{
	const struct route *route = x->handler_state;
	if (!str_equal(route->path, STR("/denied")))
		return HANDLER_READ_BODY;
	route->show(x);
	promised--;
	return HANDLER_ANSWER;
}

static enum status data(struct handler *handler, struct request_context *x, const char *p, size_t n)
{
	const struct route *route = x->handler_state;
	if (!str_equal(route->path, STR("/limit")) || x->body_bytes <= 1000)
		return OK;
	answer_text(x, 413, STR("over the limit\n"));
	return fault_set(&x->answer.fault, BODY_TOO_LARGE, "Over the limit");
}

static void finish(struct handler *handler, struct request_context *x)
{
	finished++;
	((const struct route *)x->handler_state)->show(x);
}

static void cancel(struct handler *handler, struct request_context *x, const struct fault *why)
{
	cancelled++;
	cut += x->body_cut;
}

const struct handler_ops toy_handler_ops = {
	.on_head = begin, .check = check, .on_body = data, .run = finish, .on_abort = cancel, .on_error = refuse, .run_async = finish
};

bool toy_is_released(void)
{
	pthread_mutex_lock(&lock);
	bool now = released;
	pthread_mutex_unlock(&lock);
	return now;
}

void toy_balance(struct toy_balance *out)
{
	*out = (struct toy_balance){ begun, promised, finished, cancelled, refused, cut };
}
