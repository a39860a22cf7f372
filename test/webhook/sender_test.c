/* The sender's threads on an outbox in memory: several at a time, one at a time for a receiver that is overloaded, results that could not be
 * written at first, and an end in the middle of it. */
#include "unit.h"

#include "base/mem.h"
#include "fake/http_server.h"
#include "webhook/sender.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define EVENTS_MAX 64
#define SECRET STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

struct memory_outbox {
	struct outbox port;
	pthread_mutex_t lock;
	struct outbox_event events[EVENTS_MAX];
	size_t n;
	unsigned fail_records; /* so many are refused first */
	int64_t disabled_ms;
};

static struct memory_outbox *memory_of(struct outbox *o)
{
	return (struct memory_outbox *)o;
}

static enum status start_source(struct outbox *o, const struct outbox_source *source, struct fault *why)
{
	return OK;
}

static enum status read_due(struct outbox *o, int64_t now_ms, uint32_t limit, struct arena *a, struct outbox_page *out, struct fault *why)
{
	struct memory_outbox *m = memory_of(o);
	*out = (struct outbox_page){ .events = arena_array(a, limit, sizeof *out->events), .next_ms = INT64_MAX };
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->n && m->disabled_ms == 0; i++) {
		const struct outbox_event *e = &m->events[i];
		if (e->state != OUTBOX_WAITING)
			continue;
		if (e->due_ms <= now_ms && out->n < limit)
			out->events[out->n++] = *e;
		else if (e->due_ms > now_ms && e->due_ms < out->next_ms)
			out->next_ms = e->due_ms;
	}
	pthread_mutex_unlock(&m->lock);
	return OK;
}

static enum status record_results(struct outbox *o, const struct outbox_record *r, struct fault *why)
{
	struct memory_outbox *m = memory_of(o);
	pthread_mutex_lock(&m->lock);
	bool fails = m->fail_records > 0;
	m->fail_records -= fails;
	for (size_t i = 0; i < r->n && !fails; i++) {
		struct outbox_event *e = &m->events[r->results[i].n - 1];
		e->state = r->results[i].state;
		e->due_ms = r->results[i].due_ms;
		e->first_ms = r->results[i].first_ms;
		e->attempts = r->results[i].attempts;
	}
	m->disabled_ms = r->disabled_ms != 0 && !fails ? r->disabled_ms : m->disabled_ms;
	pthread_mutex_unlock(&m->lock);
	return fails ? fault_set(why, STORAGE_FAILED, "the disk failed") : OK;
}

static enum status read_status(struct outbox *o, struct arena *a, struct outbox_status *out, struct fault *why)
{
	*out = (struct outbox_status){ 0 };
	return OK;
}

static const struct outbox_ops memory_ops = { .start = start_source, .due = read_due, .record = record_results, .status = read_status };

struct fixture {
	struct memory_outbox outbox;
	struct fake_http server;
	struct webhook_secrets secrets;
	struct webhook_sender *sender;
	atomic_uint requests, now, most; /* that the receiver has at once */
	atomic_bool hold;                /* it does not answer */
	const char *_Atomic status;
};

static void serve(int fd, unsigned nth, void *arg)
{
	struct fixture *f = arg;
	struct buf request;
	buf_init(&request, 1 << 16);
	while (fake_http_read(fd, &request)) {
		unsigned now = atomic_fetch_add(&f->now, 1) + 1, most = atomic_load(&f->most);
		while (now > most && !atomic_compare_exchange_weak(&f->most, &most, now))
			continue;
		atomic_fetch_add(&f->requests, 1);
		struct pollfd p = { .fd = fd, .events = POLLIN };
		while (atomic_load(&f->hold) && poll(&p, 1, 1) == 0)
			continue;
		atomic_fetch_sub(&f->now, 1);
		fake_http_answer(fd, atomic_load(&f->status), "", STR(""));
	}
	buf_deinit(&request);
}

static void begin(struct fixture *f, size_t n)
{
	*f = (struct fixture){ .outbox = { .port = { &memory_ops }, .n = n }, .status = "200 OK" };
	pthread_mutex_init(&f->outbox.lock, NULL);
	for (size_t i = 0; i < n; i++)
		f->outbox.events[i] =
			(struct outbox_event){ .n = (int64_t)i + 1, .id = STR("msg_1"), .image_id = STR("an-image"), .body = STR("{}"), .due_ms = 1 };
	assert_int_equal(webhook_secrets_parse(SECRET, &f->secrets, NULL), OK);
	fake_http_start(&f->server, serve, f);
}

static void start(struct fixture *f)
{
	f->sender =
		webhook_sender_start(&(struct webhook_options){ .outbox = &f->outbox.port, .url = str_of(f->server.url), .secrets = &f->secrets });
	assert_non_null(f->sender);
}

static void end(struct fixture *f)
{
	webhook_sender_free(&f->sender);
	assert_null(f->sender);
	fake_http_stop(&f->server);
	pthread_mutex_destroy(&f->outbox.lock);
}

static size_t count_delivered(struct fixture *f)
{
	size_t n = 0;
	pthread_mutex_lock(&f->outbox.lock);
	for (size_t i = 0; i < f->outbox.n; i++)
		n += f->outbox.events[i].state == OUTBOX_DELIVERED;
	pthread_mutex_unlock(&f->outbox.lock);
	return n;
}

static bool is_disabled(struct fixture *f)
{
	pthread_mutex_lock(&f->outbox.lock);
	bool disabled = f->outbox.disabled_ms != 0;
	pthread_mutex_unlock(&f->outbox.lock);
	return disabled;
}

static void test_sender_then_each_event_once_and_eight_at_a_time(void **state)
{
	struct fixture f;
	begin(&f, EVENTS_MAX);
	atomic_store(&f.hold, true);
	start(&f);
	wait_until(atomic_load(&f.now) == WEBHOOK_CONNECTIONS);
	atomic_store(&f.hold, false);
	wait_until(count_delivered(&f) == EVENTS_MAX);
	assert_int_equal(atomic_load(&f.requests), EVENTS_MAX);
	assert_int_equal(atomic_load(&f.most), WEBHOOK_CONNECTIONS);
	end(&f);
}

static void test_sender_when_woken_then_events_that_came_later(void **state)
{
	struct fixture f;
	begin(&f, 2);
	f.outbox.n = 1;
	start(&f);
	wait_until(count_delivered(&f) == 1);
	pthread_mutex_lock(&f.outbox.lock);
	f.outbox.n = 2;
	pthread_mutex_unlock(&f.outbox.lock);
	webhook_sender_wake(f.sender);
	wait_until(count_delivered(&f) == 2);
	end(&f);
}

static void test_sender_when_results_cannot_be_written_then_written_later_and_not_sent_again(void **state)
{
	struct fixture f;
	begin(&f, 3);
	f.outbox.fail_records = 1;
	start(&f);
	wait_until(count_delivered(&f) == 3);
	assert_int_equal(atomic_load(&f.requests), 3);
	end(&f);
}

static void test_sender_when_the_receiver_is_overloaded_then_one_at_a_time(void **state)
{
	struct fixture f;
	begin(&f, 1);
	atomic_store(&f.status, "503 Busy");
	start(&f);
	wait_until(atomic_load(&f.requests) == 1);
	/* More come while it is paused; the first of them is alone until it is accepted. */
	pthread_mutex_lock(&f.outbox.lock);
	for (size_t i = 1; i < 20; i++) {
		f.outbox.events[i] = f.outbox.events[0];
		f.outbox.events[i].n = (int64_t)i + 1;
		f.outbox.events[i].state = OUTBOX_WAITING;
		f.outbox.events[i].due_ms = 1;
		f.outbox.events[i].attempts = 0;
	}
	f.outbox.n = 20;
	pthread_mutex_unlock(&f.outbox.lock);
	atomic_store(&f.hold, true);
	webhook_sender_wake(f.sender);
	wait_until(atomic_load(&f.now) == 1);
	atomic_store(&f.status, "200 OK");
	atomic_store(&f.hold, false);
	wait_until(count_delivered(&f) >= 19);
	end(&f);
}

static void test_sender_when_it_ends_in_the_middle_then_at_once_and_what_was_cut_counts_for_nothing(void **state)
{
	struct fixture f;
	begin(&f, 5);
	atomic_store(&f.hold, true);
	start(&f);
	wait_until(atomic_load(&f.now) == 5);
	webhook_sender_free(&f.sender);
	for (size_t i = 0; i < 5; i++)
		assert_true(f.outbox.events[i].state == OUTBOX_WAITING && f.outbox.events[i].attempts == 0);
	end(&f);
}

static void test_sender_when_gone_then_disabled_and_the_rest_waits(void **state)
{
	struct fixture f;
	begin(&f, EVENTS_MAX);
	atomic_store(&f.status, "410 Gone");
	start(&f);
	wait_until(is_disabled(&f));
	webhook_sender_free(&f.sender);
	assert_int_equal(count_delivered(&f), 0);
	for (size_t i = 0; i < EVENTS_MAX; i++)
		assert_int_equal(f.outbox.events[i].state, OUTBOX_WAITING);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sender_then_each_event_once_and_eight_at_a_time),
		cmocka_unit_test(test_sender_when_woken_then_events_that_came_later),
		cmocka_unit_test(test_sender_when_results_cannot_be_written_then_written_later_and_not_sent_again),
		cmocka_unit_test(test_sender_when_the_receiver_is_overloaded_then_one_at_a_time),
		cmocka_unit_test(test_sender_when_it_ends_in_the_middle_then_at_once_and_what_was_cut_counts_for_nothing),
		cmocka_unit_test(test_sender_when_gone_then_disabled_and_the_rest_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
