/* One job from its picture to its answer: decode, convert the colors to sRGB, turn upright, make thumbnails and placeholder.
 * One thread. */
#ifndef RENDER_JOB_H
#define RENDER_JOB_H

#include "render/picture/encode.h"
#include "render/input.h"

/* job: decoded and so valid; window: bytes and max are given; answer: written whole. */
void job_run(const struct render_job *job, struct input *in, struct window *window, struct render_answer *answer);

#endif
