/* Any bytes as each of the renderer's packets. What must hold: what is accepted is written as the same bytes again, as far as
 * they have a meaning, and a thumbnail lies inside the window. */
#include "render/protocol.h"

#include <string.h>

#define ANSWER_FIELDS_BYTES 130 /* what comes after is not looked at */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_job(struct str packet)
{
	unsigned char again[RENDER_JOB_BYTES], third[RENDER_JOB_BYTES];
	struct render_job job, same;
	if (!render_decode_job(packet, &job))
		return;
	render_encode_job(&job, again);
	bool good = render_decode_job((struct str){ (const char *)again, sizeof again }, &same);
	assert(good);
	render_encode_job(&same, third);
	assert(memcmp(again, third, sizeof again) == 0);
}

static void check_answer(struct str packet)
{
	static const struct render_job job = { .number = 7,
		.ops = RENDER_CHECK | RENDER_HASH | RENDER_THUMB,
		.kind = RENDER_JPEG,
		.presets = 2,
		.max_output = 10000,
		.preset = { { 100, 100, RENDER_FIT, RENDER_TO_PNG, 80, 1 }, { 10, 10, RENDER_FIT, RENDER_TO_PNG, 80, 1 } } };
	unsigned char again[RENDER_ANSWER_BYTES];
	struct render_answer answer;
	if (!render_decode_answer(packet, &job, &answer))
		return;
	for (size_t i = 0; i < answer.presets; i++)
		assert((uint64_t)answer.thumb[i].offset + answer.thumb[i].length <= job.max_output && answer.thumb[i].width <= job.preset[i].width);
	render_encode_answer(&answer, again);
	assert(memcmp(again, packet.p, ANSWER_FIELDS_BYTES) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str packet = { (const char *)data, size };
	struct render_ready ready;
	check_job(packet);
	check_answer(packet);
	if (render_decode_ready(packet, &ready))
		assert(ready.layers < 8);
	return 0;
}
