#include "image/kept_metadata.h"

#include "base/writer.h"

#include <assert.h>

#define KEPT_MAX_BYTES 2048

unsigned kept_metadata_read(struct str words)
{
	unsigned keep = 0;
	while (words.p != NULL) {
		struct str word = str_trim(str_cut(&words, ','));
		keep |= str_equal(word, STR("taken-at")) ? KEEP_TAKEN_AT : 0U;
		keep |= str_equal(word, STR("camera")) ? KEEP_CAMERA : 0U;
		keep |= str_equal(word, STR("position")) ? KEEP_POSITION : 0U;
	}
	return keep;
}

/* Most manufacturers begin the model with their name. */
static void write_camera(struct buf *b, const struct strip_facts *facts, struct arena *a)
{
	struct str make = str_trim(str_of(facts->make)), model = str_trim(str_of(facts->model));
	bool both = make.n > 0 && model.n > 0 && !str_starts_with(model, make);
	struct str camera = both ? str_printf(a, "%.*s %.*s", STRF(make), STRF(model)) : model.n > 0 ? model : make;
	if (camera.n > 0)
		writer_text(b, STR("camera"), camera);
}

struct str kept_metadata(unsigned keep, const struct strip_facts *facts, struct arena *a)
{
	struct buf b;
	assert(facts != NULL && a != NULL);
	buf_init_arena(&b, a, KEPT_MAX_BYTES);
	writer_open(&b, STR(""), '{');
	size_t empty = b.n;
	if ((keep & KEEP_TAKEN_AT) != 0 && facts->taken_at[0] != '\0')
		writer_text(&b, STR("takenAt"), str_of(facts->taken_at));
	if ((keep & KEEP_CAMERA) != 0)
		write_camera(&b, facts, a);
	if ((keep & KEEP_POSITION) != 0 && facts->has_position) {
		writer_open(&b, STR("position"), '{');
		writer_raw(&b, STR("latitude"), str_printf(a, "%.6f", facts->latitude));
		writer_raw(&b, STR("longitude"), str_printf(a, "%.6f", facts->longitude));
		writer_close(&b, '}');
	}
	if (b.n == empty)
		return STR("");
	writer_close(&b, '}');
	return buf_ok(&b) ? buf_str(&b) : (struct str){ 0 };
}
