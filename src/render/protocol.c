/* Both ends of the packets, see protocol.h. Each packet has one list of its fields, which a `struct packet` walks for
 * writing or for reading: so the two directions cannot differ. */
#include "render/protocol.h"

#include <string.h>

enum packet_kind { PACKET_JOB = 0x6a, PACKET_ANSWER = 0x61, PACKET_READY = 0x72 };

struct packet {
	unsigned char *bytes;
	size_t at;
	bool writing;
};

static const struct {
	enum render_verdict verdict;
	struct str name, sentence;
} CODES[] = {
#define RENDER_CODE(code, verdict, sentence) { RENDER_##verdict, { #code, sizeof #code - 1 }, { sentence, sizeof sentence - 1 } },
#include "render/verdict.def"
#undef RENDER_CODE
};

_Static_assert(COUNT_OF(CODES) == RENDER_CODES, "one row a code");

enum render_verdict render_code_verdict(enum render_code code)
{
	assert(code < RENDER_CODES);
	return CODES[code].verdict;
}

struct str render_code_sentence(enum render_code code)
{
	assert(code < RENDER_CODES);
	return CODES[code].sentence;
}

struct str render_code_name(enum render_code code)
{
	assert(code < RENDER_CODES);
	return CODES[code].name;
}

/* One field of `bytes` bytes, at `value` and in the packet: copied in the packet's direction. */
static void pass(struct packet *p, void *value, size_t bytes)
{
	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the packets are copied as they lie in memory");
	if (p->writing)
		memcpy(p->bytes + p->at, value, bytes);
	else
		memcpy(value, p->bytes + p->at, bytes);
	p->at += bytes;
}

#define PASS(p, field) pass((p), &(field), sizeof(field))

/* false: another kind or version. */
static bool pass_head(struct packet *p, enum packet_kind kind)
{
	uint16_t head[2] = { (uint16_t)kind, RENDER_VERSION };
	PASS(p, head);
	return head[0] == kind && head[1] == RENDER_VERSION;
}

static bool pass_job(struct packet *p, struct render_job *job)
{
	bool good = pass_head(p, PACKET_JOB);
	PASS(p, job->ops);
	PASS(p, job->kind);
	PASS(p, job->presets);
	PASS(p, job->number);
	PASS(p, job->size_bytes);
	PASS(p, job->max_frames);
	PASS(p, job->max_pixels);
	PASS(p, job->max_area);
	PASS(p, job->max_memory);
	PASS(p, job->max_output);
	for (size_t i = 0; i < RENDER_PRESETS_MAX; i++) {
		PASS(p, job->preset[i].width);
		PASS(p, job->preset[i].height);
		PASS(p, job->preset[i].fit);
		PASS(p, job->preset[i].format);
		PASS(p, job->preset[i].quality);
		PASS(p, job->preset[i].effort);
	}
	assert(p->at <= RENDER_JOB_BYTES);
	return good;
}

static bool pass_answer(struct packet *p, struct render_answer *answer)
{
	bool good = pass_head(p, PACKET_ANSWER);
	PASS(p, answer->verdict);
	PASS(p, answer->code);
	PASS(p, answer->orientation);
	PASS(p, answer->alpha);
	PASS(p, answer->presets);
	PASS(p, answer->hash_bytes);
	PASS(p, answer->number);
	PASS(p, answer->row);
	PASS(p, answer->width);
	PASS(p, answer->height);
	PASS(p, answer->frames);
	PASS(p, answer->memory);
	PASS(p, answer->average);
	PASS(p, answer->dominant);
	PASS(p, answer->hash);
	for (size_t i = 0; i < RENDER_PRESETS_MAX; i++) {
		PASS(p, answer->thumb[i].offset);
		PASS(p, answer->thumb[i].length);
		PASS(p, answer->thumb[i].width);
		PASS(p, answer->thumb[i].height);
	}
	assert(p->at <= RENDER_ANSWER_BYTES);
	return good;
}

static bool pass_ready(struct packet *p, struct render_ready *ready)
{
	bool good = pass_head(p, PACKET_READY);
	PASS(p, ready->layers);
	PASS(p, ready->window_bytes);
	assert(p->at <= RENDER_READY_BYTES);
	return good;
}

static bool is_preset(const struct render_preset *p)
{
	static const uint8_t EFFORT_MAX[] = { [RENDER_TO_WEBP] = 6, [RENDER_TO_JPEG] = 1, [RENDER_TO_PNG] = 9, [RENDER_TO_ANIMATION] = 6 };
	return p->width >= 1 && p->width <= RENDER_BOX_MAX && p->height >= 1 && p->height <= RENDER_BOX_MAX && p->fit >= RENDER_FIT &&
		p->fit <= RENDER_COVER && p->format >= RENDER_TO_WEBP && p->format <= RENDER_TO_ANIMATION && p->quality >= 1 && p->quality <= 100 &&
		p->effort <= EFFORT_MAX[p->format];
}

static bool is_job(const struct render_job *job)
{
	const uint8_t all = RENDER_CHECK | RENDER_HASH | RENDER_THUMB;
	bool good = job->ops != 0 && (job->ops & ~all) == 0 && job->kind >= RENDER_JPEG && job->kind <= RENDER_HEIF &&
		job->presets <= RENDER_PRESETS_MAX && (job->presets > 0) == ((job->ops & RENDER_THUMB) != 0) && job->max_frames > 0 &&
		job->max_pixels > 0 && job->max_pixels <= RENDER_PIXELS_MAX && job->max_area > 0 && job->max_memory > 0;
	for (size_t i = 0; good && i < job->presets; i++)
		good = is_preset(&job->preset[i]);
	return good;
}

static bool is_thumb(const struct render_thumb *t, const struct render_job *job, size_t i)
{
	return t->length > 0 && t->offset <= job->max_output && t->length <= job->max_output - t->offset && t->width >= 1 &&
		t->width <= job->preset[i].width && t->height >= 1 && t->height <= job->preset[i].height;
}

/* Whether thumbnail i lies apart from those before it. */
static bool lies_apart(const struct render_thumb *thumbs, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (thumbs[i].offset < thumbs[j].offset + thumbs[j].length && thumbs[j].offset < thumbs[i].offset + thumbs[i].length)
			return false;
	return true;
}

static bool is_answer(const struct render_answer *a, const struct render_job *job)
{
	bool good = a->number == job->number && a->code < RENDER_CODES && a->verdict == render_code_verdict(a->code) && a->orientation <= 8 &&
		a->alpha <= 1 && (a->presets == 0 || a->presets == job->presets) && a->hash_bytes <= RENDER_HASH_MAX &&
		(a->hash_bytes == 0 || (job->ops & RENDER_HASH) != 0) && (a->width == 0) == (a->height == 0);
	if (!good || (a->verdict >= RENDER_BROKEN && (a->presets > 0 || a->hash_bytes > 0)))
		return false;
	for (size_t i = 0; good && i < a->presets; i++)
		good = is_thumb(&a->thumb[i], job, i) && lies_apart(a->thumb, i);
	return good;
}

void render_encode_job(const struct render_job *job, unsigned char out[RENDER_JOB_BYTES])
{
	assert(is_job(job));
	memset(out, 0, RENDER_JOB_BYTES);
	struct render_job copy = *job;
	(void)pass_job(&(struct packet){ .bytes = out, .writing = true }, &copy);
}

bool render_decode_job(struct str packet, struct render_job *out)
{
	struct render_job job = { 0 };
	if (packet.n != RENDER_JOB_BYTES || !pass_job(&(struct packet){ .bytes = (unsigned char *)packet.p }, &job) || !is_job(&job))
		return false;
	*out = job;
	return true;
}

void render_encode_answer(const struct render_answer *answer, unsigned char out[RENDER_ANSWER_BYTES])
{
	assert(answer->code < RENDER_CODES && answer->verdict == render_code_verdict(answer->code));
	memset(out, 0, RENDER_ANSWER_BYTES);
	struct render_answer copy = *answer;
	(void)pass_answer(&(struct packet){ .bytes = out, .writing = true }, &copy);
}

bool render_decode_answer(struct str packet, const struct render_job *job, struct render_answer *out)
{
	struct render_answer answer = { 0 };
	if (packet.n != RENDER_ANSWER_BYTES || !pass_answer(&(struct packet){ .bytes = (unsigned char *)packet.p }, &answer) ||
		!is_answer(&answer, job))
		return false;
	*out = answer;
	return true;
}

void render_encode_ready(const struct render_ready *ready, unsigned char out[RENDER_READY_BYTES])
{
	memset(out, 0, RENDER_READY_BYTES);
	struct render_ready copy = *ready;
	(void)pass_ready(&(struct packet){ .bytes = out, .writing = true }, &copy);
}

bool render_decode_ready(struct str packet, struct render_ready *out)
{
	struct render_ready ready = { 0 };
	if (packet.n != RENDER_READY_BYTES || !pass_ready(&(struct packet){ .bytes = (unsigned char *)packet.p }, &ready) || ready.layers > 7)
		return false;
	*out = ready;
	return true;
}

static uint32_t scaled(uint32_t side, uint32_t to, uint32_t from)
{
	uint64_t result = ((uint64_t)side * to + from / 2) / from;
	return result < 1 ? 1 : (uint32_t)result;
}

struct render_size render_preset_size(const struct render_preset *p, uint32_t width, uint32_t height)
{
	assert(width > 0 && height > 0 && p->width > 0 && p->height > 0);
	bool wider = (uint64_t)width * p->height > (uint64_t)height * p->width; /* than the box */
	bool by_width = wider == (p->fit == RENDER_FIT);
	struct render_size size = { .width = width, .height = height };
	if (by_width && p->width < width) {
		size.width = p->width;
		size.height = scaled(height, p->width, width);
	} else if (!by_width && p->height < height) {
		size.height = p->height;
		size.width = scaled(width, p->height, height);
	}
	size.crop_width = p->fit == RENDER_COVER && p->width < size.width ? p->width : size.width;
	size.crop_height = p->fit == RENDER_COVER && p->height < size.height ? p->height : size.height;
	return size;
}
