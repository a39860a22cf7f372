/* See sent_set.h. A row is never removed: one whose sending failed may be claimed again. */
#include "cli/sent_set.h"

#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CAP_FIRST 64

void sent_set_init(struct sent_set *s)
{
	assert(s != NULL);
	*s = (struct sent_set){ 0 };
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
}

void sent_set_deinit(struct sent_set *s)
{
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	mem_free(s->files);
	*s = (struct sent_set){ 0 };
}

/* Its row, or the free one where it belongs. The bytes of a digest are spread as they are. */
static struct sent_file *find_row(struct sent_file *files, size_t cap, const unsigned char digest[SHA256_BYTES])
{
	size_t at;
	memcpy(&at, digest, sizeof at);
	for (;; at++) {
		struct sent_file *f = &files[at & (cap - 1)];
		if (f->state == SENT_NONE || memcmp(f->digest, digest, SHA256_BYTES) == 0)
			return f;
	}
}

/* At most half of the rows are used. */
static bool make_room(struct sent_set *s)
{
	if (2 * (s->n + 1) <= s->cap)
		return true;
	size_t cap = s->cap > 0 ? 2 * s->cap : CAP_FIRST;
	struct sent_file *files = mem_new(cap, sizeof *files);
	if (files == NULL)
		return false;
	for (size_t i = 0; i < s->cap; i++)
		if (s->files[i].state != SENT_NONE)
			*find_row(files, cap, s->files[i].digest) = s->files[i];
	mem_free(s->files);
	s->files = files;
	s->cap = cap;
	return true;
}

bool sent_set_begin(struct sent_set *s, const unsigned char digest[SHA256_BYTES], char image_id[UUID_CHARS + 1])
{
	assert(s != NULL && digest != NULL && image_id != NULL);
	image_id[0] = '\0';
	pthread_mutex_lock(&s->lock);
	/* The rows move when others add theirs. */
	while (s->cap > 0 && find_row(s->files, s->cap, digest)->state == SENT_RUNNING)
		pthread_cond_wait(&s->changed, &s->lock);
	bool is_new = true;
	if (make_room(s)) {
		struct sent_file *f = find_row(s->files, s->cap, digest);
		is_new = f->state != SENT_DONE;
		if (!is_new)
			memcpy(image_id, f->image_id, sizeof f->image_id);
		s->n += f->state == SENT_NONE;
		if (is_new)
			f->state = SENT_RUNNING;
		memcpy(f->digest, digest, SHA256_BYTES);
	}
	pthread_mutex_unlock(&s->lock);
	return is_new;
}

void sent_set_forget(struct sent_set *s, const unsigned char digest[SHA256_BYTES])
{
	assert(s != NULL && digest != NULL);
	pthread_mutex_lock(&s->lock);
	struct sent_file *f = s->cap > 0 ? find_row(s->files, s->cap, digest) : NULL;
	if (f != NULL && f->state == SENT_DONE)
		f->state = SENT_FAILED;
	pthread_mutex_unlock(&s->lock);
}

void sent_set_end(struct sent_set *s, const unsigned char digest[SHA256_BYTES], const char *image_id)
{
	assert(s != NULL && digest != NULL);
	pthread_mutex_lock(&s->lock);
	struct sent_file *f = s->cap > 0 ? find_row(s->files, s->cap, digest) : NULL;
	if (f != NULL && f->state == SENT_RUNNING) {
		f->state = image_id != NULL ? SENT_DONE : SENT_FAILED;
		(void)snprintf(f->image_id, sizeof f->image_id, "%s", image_id != NULL ? image_id : "");
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
}
