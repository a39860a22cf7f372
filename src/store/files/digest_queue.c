/* See digest_queue.h. */
#include "store/files/digest_queue.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void digest_queue_init(struct digest_queue *q)
{
	*q = (struct digest_queue){ .last = &q->first };
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->done, NULL);
}

void digest_queue_deinit(struct digest_queue *q)
{
	if (q->last == NULL)
		return;
	assert(q->first == NULL);
	pthread_cond_destroy(&q->done);
	pthread_mutex_destroy(&q->lock);
	*q = (struct digest_queue){ 0 };
}

static bool read_file(struct md5_input *input, unsigned char *p, size_t n, size_t *got)
{
	struct queued_digest *d = (struct queued_digest *)input;
	for (*got = 0; *got < n;) {
		ssize_t some = pread(d->fd, p + *got, n - *got, (off_t)d->at);
		if (some < 0 && errno == EINTR)
			continue;
		if (some < 0)
			d->error = errno;
		if (some <= 0)
			return some == 0;
		*got += (size_t)some;
		d->at += (uint64_t)some;
	}
	return true;
}

void digest_queue_add(struct digest_queue *q, struct queued_digest *d, int fd)
{
	assert(fd >= 0);
	*d = (struct queued_digest){ .input.read = read_file, .fd = fd, .is_queued = true };
	pthread_mutex_lock(&q->lock);
	*q->last = d;
	q->last = &d->next;
	pthread_mutex_unlock(&q->lock);
}

/* Take d and the oldest others off the queue, MD5_LANES in all. */
static size_t take_with(struct digest_queue *q, struct queued_digest *d, struct md5_input *out[MD5_LANES])
{
	size_t n = 1;
	out[0] = &d->input;
	for (struct queued_digest **at = &q->first; *at != NULL;) {
		struct queued_digest *one = *at;
		if (one != d && n == MD5_LANES) {
			at = &one->next;
			continue;
		}
		if (one != d)
			out[n++] = &one->input;
		one->is_queued = false;
		*at = one->next;
	}
	for (q->last = &q->first; *q->last != NULL;)
		q->last = &(*q->last)->next;
	return n;
}

int digest_queue_wait(struct digest_queue *q, struct queued_digest *d, unsigned char md5[MD5_BYTES])
{
	struct md5_input *taken[MD5_LANES];
	pthread_mutex_lock(&q->lock);
	if (d->is_queued) {
		size_t n = take_with(q, d, taken);
		pthread_mutex_unlock(&q->lock);
		md5_inputs(taken, n);
		pthread_mutex_lock(&q->lock);
		for (size_t i = 0; i < n; i++)
			((struct queued_digest *)taken[i])->is_done = true;
		if (n > 1)
			pthread_cond_broadcast(&q->done);
	}
	while (!d->is_done)
		pthread_cond_wait(&q->done, &q->lock);
	pthread_mutex_unlock(&q->lock);
	if (d->input.failed)
		return d->error != 0 ? d->error : ENOMEM;
	memcpy(md5, d->input.digest, MD5_BYTES);
	return 0;
}
