/* See warm_up.h. */
#include "render/warm_up.h"
#include "render/job.h"

#include <stdlib.h>

#define SORTED 2048 /* above 1 KB qsort does not use the stack */
#define SIDE 8

static int compare_bytes(const void *a, const void *b)
{
	return *(const unsigned char *)a - *(const unsigned char *)b;
}

void warm_up(struct window *window)
{
	static struct input input;
	static unsigned char sorted[SORTED], gray[SIDE * SIDE * 4];
	struct picture p = { SIDE, SIDE, false, gray };
	struct render_preset jpeg = { .width = SIDE, .height = SIDE, .fit = RENDER_FIT, .format = RENDER_TO_JPEG, .quality = 80 };
	struct render_job job = { .ops = RENDER_CHECK,
		.kind = RENDER_JPEG,
		.max_frames = 1,
		.max_pixels = SIDE * SIDE,
		.max_area = SIDE * SIDE,
		.max_memory = (uint64_t)16 << 20 };
	struct render_answer answer;
	qsort(sorted, sizeof sorted, 1, compare_bytes);
	bool good = encode_picture(&p, &jpeg, window);
	assert(good);
	input_init_bytes(&input, (struct str){ (const char *)window->bytes, window->used });
	job_run(&job, &input, window, &answer);
	assert(answer.code == RENDER_NONE);
	window->used = 0;
}
