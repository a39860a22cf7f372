/* Bytes as a picture of one kind, through a whole job with small limits, for the targets of the four readers. What must hold:
 * the answer is one that the server accepts, for CHECK alone it has the same verdict, and no thumbnail is made of what is broken.
 * Under ASan each allocation of the libraries is a block of its own. */
#ifndef FUZZ_PICTURE_H
#define FUZZ_PICTURE_H

#include "render/job.h"

/* To encode WebP with transparency takes longer than all else, so an eighth of the inputs, whichever they are, have that thumbnail. */
static inline bool animates(struct str bytes)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < bytes.n; i++)
		sum = sum * 31 + (unsigned char)bytes.p[i];
	return (sum >> 16) % 8 == 0;
}

static inline enum render_code run_picture(enum render_kind kind, unsigned ops, struct str bytes)
{
	static struct input input;
	static unsigned char room[1 << 18];
	unsigned char packet[RENDER_ANSWER_BYTES];
	struct render_answer answer, accepted;
	struct window window = { .bytes = room, .max = sizeof room };
	struct render_job job = { .ops = (uint8_t)ops,
		.kind = (uint8_t)kind,
		.size_bytes = bytes.n,
		.max_frames = 20,
		.max_pixels = 1 << 14,
		.max_area = 1 << 16,
		.max_memory = 16 << 20,
		.max_output = sizeof room };
	if (ops & RENDER_THUMB) {
		static const struct render_preset PRESETS[] = { { 24, 16, RENDER_COVER, RENDER_TO_PNG, 80, 1 },
			{ 64, 64, RENDER_FIT, RENDER_TO_JPEG, 80, 0 }, { 20, 20, RENDER_FIT, RENDER_TO_ANIMATION, 80, 0 } };
		job.presets = animates(bytes) ? COUNT_OF(PRESETS) : COUNT_OF(PRESETS) - 1;
		for (size_t i = 0; i < COUNT_OF(PRESETS); i++)
			job.preset[i] = PRESETS[i];
	}
	input_init_bytes(&input, bytes);
	job_run(&job, &input, &window, &answer);
	render_encode_answer(&answer, packet);
	bool good = render_decode_answer((struct str){ (const char *)packet, sizeof packet }, &job, &accepted);
	assert(good);
	assert(answer.presets == (answer.verdict < RENDER_BROKEN ? job.presets : 0));
	return (enum render_code)answer.code;
}

static inline int fuzz_picture(enum render_kind kind, const uint8_t *data, size_t size)
{
	struct str bytes = { (const char *)data, size };
	enum render_code all = run_picture(kind, RENDER_CHECK | RENDER_HASH | RENDER_THUMB, bytes),
					 check = run_picture(kind, RENDER_CHECK, bytes);
	assert(render_code_verdict(all) == render_code_verdict(check) || all >= RENDER_TOO_MANY_PIXELS);
	return 0;
}

#endif
