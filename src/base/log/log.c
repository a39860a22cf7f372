/* The log's queue and its writer.
 *
 * log_write formats on the caller's stack and appends to `filling` under a mutex; the writer swaps
 * that buffer for an empty one and writes the whole of it, to the file first and then to stderr. A
 * caller wakes the writer only when the queue was empty, and the writer lingers ten milliseconds
 * before it takes the lines, so that under load a wake-up and a write serve many lines. Both
 * buffers are bounded in bytes, the filling one in lines as well.
 *
 * A log that was started with a direct_fd has none of this: where a program is frozen between two
 * requests, as a Lambda function is, a line that waits may never get out.
 *
 * Lines that are lost, in the queue, at the file or at stderr, are counted in one metric, and each
 * sink reports its own in a log.dropped line as soon as it can. */
#include "base/log/log.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log/file.h"
#include "base/log/line.h"
#include "base/log/ring.h"
#include "base/log/stderr.h"
#include "base/metrics.h"
#include "base/thread.h"

#include <stdatomic.h>
#include <unistd.h>

#define QUEUE_LINES 8192
#define QUEUE_MAX_BYTES ((size_t)4 << 20) /* of each of the two buffers */
#define KEEP_MEMORY ((size_t)256 << 10)
#define LINE_STACK_BYTES 4096
#define LINE_MAX_BYTES ((size_t)256 << 10)
#define LINGER_MS 10
#define RETRY_MS 20       /* while stderr does not take what waits */
#define LAST_WAIT_MS 1000 /* for stderr, when the log stops */

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t wake; /* for the writer: lines, hurry, stop */
	pthread_cond_t done; /* for log_flush: `written` has moved */
	struct buf filling;
	size_t lines, max_lines;  /* in filling */
	uint64_t missed;          /* dropped for lack of room, not reported yet */
	uint64_t queued, written; /* lines ever */
	unsigned flushing;        /* threads that wait in log_flush */
	bool running, stopping;
} queue = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static _Atomic int least_level = LOG_INFO;
static _Atomic int direct_fd = -1; /* -1: the queue, or stderr while it does not run */
static pthread_t writer;
static struct log_file file; /* these two are the writer's own */
static struct log_stderr standard;
static struct log_ring ring; /* has a lock of its own */
static uint64_t ring_missed; /* the writer's: not reported in the ring yet */

static bool is_stopping_or_flushing(void)
{
	return queue.stopping || queue.flushing > 0 || queue.lines * 2 > queue.max_lines || queue.filling.n * 2 > QUEUE_MAX_BYTES;
}

/* Wait for lines, or for stderr's next try. The mutex is held. */
static void wait_for_work(bool stderr_waits)
{
	while (queue.filling.n == 0 && queue.missed == 0 && !queue.stopping && !stderr_waits)
		pthread_cond_wait(&queue.wake, &queue.mutex);
	if (is_stopping_or_flushing())
		return;
	thread_wait_until(&queue.wake, &queue.mutex, clock_mono_ms() + (queue.filling.n == 0 && stderr_waits ? RETRY_MS : LINGER_MS));
}

/* Take the filled buffer and leave an empty one. The mutex is held. */
static void swap_buffers(struct buf *taken)
{
	struct buf empty = *taken;
	*taken = queue.filling;
	queue.filling = empty;
	queue.lines = 0;
	file.missed += queue.missed;
	standard.missed += queue.missed;
	ring_missed += queue.missed;
	queue.missed = 0;
}

static void write_out(struct buf *taken)
{
	struct str lines = buf_str(taken);
	char memory[256];
	struct buf line;
	buf_init_fixed(&line, memory, sizeof memory);
	if (ring_missed > 0)
		log_line_write_dropped(&line, "console", ring_missed);
	log_ring_append(&ring, buf_str(&line));
	log_ring_append(&ring, lines);
	ring_missed = 0;
	if (file.dir_fd >= 0)
		log_file_append(&file, lines);
	log_stderr_append(&standard, lines);
	buf_reset(taken, KEEP_MEMORY);
}

static void *run_writer(void *unused)
{
	struct buf taken;
	bool stderr_waits = false;
	buf_init(&taken, QUEUE_MAX_BYTES);
	pthread_mutex_lock(&queue.mutex);
	for (;;) {
		wait_for_work(stderr_waits);
		uint64_t up_to = queue.queued;
		bool last = queue.stopping && queue.filling.n == 0 && queue.missed == 0;
		swap_buffers(&taken);
		if (last)
			break;
		pthread_mutex_unlock(&queue.mutex);
		write_out(&taken);
		stderr_waits = standard.written < standard.pending.n;
		pthread_mutex_lock(&queue.mutex);
		queue.written = up_to;
		pthread_cond_broadcast(&queue.done);
	}
	queue.running = false; /* under the same lock as `last`: no line comes in between */
	pthread_mutex_unlock(&queue.mutex);
	buf_deinit(&taken);
	return unused;
}

static void close_all(void)
{
	log_file_close(&file);
	log_stderr_close(&standard);
	log_ring_deinit(&ring);
	buf_deinit(&queue.filling);
	pthread_cond_destroy(&queue.wake);
	pthread_cond_destroy(&queue.done);
}

enum status log_start(const struct log_options *o, struct fault *why)
{
	assert(o != NULL);
	assert(!queue.running && atomic_load(&direct_fd) < 0);
	if (o->direct_fd != 0) {
		atomic_store(&least_level, (int)o->level);
		atomic_store(&direct_fd, o->direct_fd);
		return OK;
	}
	file = (struct log_file){ .dir_fd = -1, .fd = -1 };
	if (o->dir != NULL)
		TRY(log_file_open(&file, o->dir, o->file_max_bytes, o->files, why));
	log_stderr_open(&standard, STDERR_FILENO);
	log_ring_init(&ring, o->ring_bytes);
	ring_missed = 0;
	atomic_store(&least_level, (int)o->level);
	pthread_cond_init(&queue.wake, NULL);
	pthread_cond_init(&queue.done, NULL);
	pthread_mutex_lock(&queue.mutex);
	buf_init(&queue.filling, QUEUE_MAX_BYTES);
	queue.max_lines = o->queue_lines == 0 ? QUEUE_LINES : o->queue_lines;
	queue.lines = 0;
	queue.queued = queue.written = queue.missed = 0;
	queue.stopping = false;
	queue.running = true;
	pthread_mutex_unlock(&queue.mutex);
	if (thread_start(&writer, run_writer, NULL))
		return OK;
	pthread_mutex_lock(&queue.mutex);
	queue.running = false;
	pthread_mutex_unlock(&queue.mutex);
	close_all();
	return fault_set(why, INTERNAL, "The log's thread cannot be started");
}

void log_stop(void)
{
	atomic_store(&direct_fd, -1);
	pthread_mutex_lock(&queue.mutex);
	bool running = queue.running;
	queue.stopping = true;
	if (running)
		pthread_cond_signal(&queue.wake);
	pthread_mutex_unlock(&queue.mutex);
	if (!running)
		return;
	pthread_join(writer, NULL);
	log_stderr_drain(&standard, LAST_WAIT_MS);
	close_all();
}

void log_flush(void)
{
	pthread_mutex_lock(&queue.mutex);
	uint64_t up_to = queue.queued;
	queue.flushing++;
	if (queue.running)
		pthread_cond_signal(&queue.wake);
	while (queue.running && queue.written < up_to)
		pthread_cond_wait(&queue.done, &queue.mutex);
	queue.flushing--;
	pthread_mutex_unlock(&queue.mutex);
}

/* false: the log is not running. */
static bool enqueue_line(struct str line)
{
	pthread_mutex_lock(&queue.mutex);
	bool running = queue.running;
	bool room = queue.lines < queue.max_lines && line.n <= QUEUE_MAX_BYTES - queue.filling.n;
	if (running && room) {
		bool was_empty = queue.filling.n == 0;
		buf_put(&queue.filling, line);
		room = buf_ok(&queue.filling);
		queue.filling.bad = false; /* memory failed: this line is gone, the others are whole */
		queue.lines += room;
		queue.queued += room;
		if (was_empty || is_stopping_or_flushing())
			pthread_cond_signal(&queue.wake);
	}
	if (running && !room) {
		queue.missed++;
		metric_add(M_LOG_LINES_DROPPED, 1);
	}
	pthread_mutex_unlock(&queue.mutex);
	return running;
}

void log_write_raw(struct str line)
{
	if (file_write_all(atomic_load(&direct_fd), line) != 0)
		metric_add(M_LOG_LINES_DROPPED, 1);
}

void log_write(enum log_event event, struct str request_id, const struct log_field *fields, size_t n)
{
	assert(n == 0 || fields != NULL);
	char memory[LINE_STACK_BYTES];
	struct buf text;
	if ((int)log_event_level(event) < atomic_load_explicit(&least_level, memory_order_relaxed))
		return;
	struct log_line line = { clock_now_ms(), event, request_id, fields, n };
	buf_init_fixed(&text, memory, sizeof memory);
	log_line_write(&text, &line);
	if (!buf_ok(&text)) {
		buf_init(&text, LINE_MAX_BYTES);
		log_line_write(&text, &line);
	}
	if (!buf_ok(&text)) /* no memory, or longer than any line of ours can be */
		metric_add(M_LOG_LINES_DROPPED, 1);
	else if (atomic_load(&direct_fd) >= 0)
		log_write_raw(buf_str(&text));
	else if (!enqueue_line(buf_str(&text))) {
		/* Before the start and after the stop: at once, by the caller. Waits only briefly if stderr is not read. */
		struct log_stderr direct;
		log_stderr_open(&direct, STDERR_FILENO);
		log_stderr_append(&direct, buf_str(&text));
		log_stderr_drain(&direct, LAST_WAIT_MS);
		log_stderr_close(&direct);
	}
	buf_deinit(&text);
}

enum status log_recent(const struct log_query *q, struct arena *a, struct log_found *out, struct fault *why)
{
	return log_ring_find(&ring, q, a, out, why);
}
