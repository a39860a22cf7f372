/* HEIC and AVIF: nothing moves, since the index has the place of each item. The index is held and edited: items that are not part of
 * the picture become items of the type "free", properties and boxes that no decoder needs become "free" boxes, and names are
 * emptied. After it, the data of what is kept pass, and all other bytes become zeros, to the end of the last box that has any.
 * Source: ISO/IEC 14496-12, 8.1.2, 8.11; ISO/IEC 23008-12, 6.5, 9. */
#include "image/strip/formats.h"

#include "image/probe/heif.h"

#include <string.h>

#define HANDLER_NAME_AT 24 /* in hdlr, after version, flags, type and reserved bytes */
#define TYPE_BYTES 4

_Static_assert(STRIP_RANGES_MAX >= HEIF_EXTENTS_MAX * sizeof(struct heif_range), "all ranges have room");
_Static_assert(STRIP_HELD_MAX >= HEIF_META_BYTES_MAX, "an index can be held");

/* A box whose size is below that of any header. */
static const struct str IMPOSSIBLE = { "\0\0\0\2free", HEIF_HEAD_BYTES };

enum heif_state {
	HEIF_STATE_SIGNATURE,
	HEIF_STATE_FTYP,
	HEIF_STATE_BOX,   /* before the index: a header */
	HEIF_STATE_INDEX, /* all of it */
	HEIF_STATE_DATA,  /* after the index: a header */
	HEIF_STATE_MDAT,  /* the content of an mdat box, passing or filled */
};

static bool break_heif(struct strip *s, struct str *out)
{
	*out = IMPOSSIBLE;
	strip_break(s);
	return true;
}

static void set_type(char *type, uint32_t name)
{
	for (int i = 0; i < TYPE_BYTES; i++)
		type[i] = (char)(name >> (24 - 8 * i));
}

static void clear(char *meta, size_t start, size_t end)
{
	if (end > start)
		memset(meta + start, 0, end - start);
}

/* The index */

static void free_box(char *meta, size_t at, const struct heif_box *box)
{
	set_type(meta + at + TYPE_BYTES, HEIF_FREE);
	clear(meta, at + box->head, at + (size_t)box->size);
}

/* Which of the boxes in start..end are not of these types is freed. */
static void free_others(struct strip *s, char *meta, struct heif_part in, const char *known)
{
	struct heif_box box;
	for (size_t at = in.start; at < in.end; at += (size_t)box.size) {
		bool read = heif_box((struct str){ meta + at, in.end - at }, &box);
		bool found = false;
		assert(read && box.size > 0 && box.size <= in.end - at); /* heif_read has checked it */
		for (const char *name = known; *name != '\0' && !found; name += TYPE_BYTES)
			found = memcmp(name, meta + at + TYPE_BYTES, TYPE_BYTES) == 0;
		if (found)
			continue;
		if (box.type != HEIF_FREE)
			s->result.removed |= STRIP_OTHER;
		free_box(meta, at, &box);
	}
}

static uint32_t kind_of_item(const struct heif_item *item, struct str rest)
{
	const struct str xmp = STR("rdf+xml");
	if (item->type == HEIF_FREE)
		return 0;
	if (item->type == HEIF_EXIF)
		return STRIP_EXIF;
	if (item->type == HEIF_MIME)
		return str_find(rest, xmp) < rest.n ? STRIP_XMP : STRIP_OTHER;
	return item->thumbnail ? STRIP_THUMBNAIL : item->gain_map ? STRIP_GAIN_MAP : STRIP_PICTURES;
}

static void free_items(struct strip *s, char *meta, const struct heif_index *index)
{
	for (size_t i = 0; i < index->items; i++) {
		const struct heif_item *item = &index->item[i];
		struct str rest = { meta + item->rest.start, item->rest.end - item->rest.start };
		if (!item->kept) {
			s->result.removed |= kind_of_item(item, rest);
			set_type(meta + item->rest.start, HEIF_FREE);
		}
		clear(meta, item->rest.start + TYPE_BYTES, item->rest.end);
	}
}

/* TIFF begins where the first four bytes say. */
static void read_exif(struct strip *s, struct str item)
{
	if (item.n > TYPE_BYTES && be32(item, 0) < item.n - TYPE_BYTES)
		exif_facts(str_slice(item, TYPE_BYTES + be32(item, 0), item.n), &s->result.facts);
}

/* The first EXIF, where it is in one piece. */
static void find_exif(struct strip *s, const char *meta, const struct heif_plan *plan)
{
	size_t idat = plan->index.idat.end - plan->index.idat.start;
	for (size_t i = 0; i < plan->extents && s->options.facts; i++) {
		const struct heif_extent *e = &plan->extent[i];
		if (e->item->type != HEIF_EXIF)
			continue;
		bool alone = i + 1 == plan->extents || plan->extent[i + 1].item != e->item;
		if (alone && !e->in_index && e->n <= STRIP_HELD_MAX) {
			s->heif.exif_at = e->at;
			s->heif.exif_bytes = e->n;
		} else if (alone && e->in_index && e->at <= idat && e->n <= idat - e->at) {
			read_exif(s, (struct str){ meta + plan->index.idat.start + e->at, (size_t)e->n });
		}
		return;
	}
}

static void clear_idat(char *meta, const struct heif_plan *plan)
{
	size_t start = plan->index.idat.start, at = 0;
	for (size_t i = 0; i < plan->in_index.n; i++) {
		clear(meta, start + at, start + (size_t)plan->in_index.range[i].at);
		at = (size_t)plan->in_index.range[i].end;
	}
	clear(meta, start + at, plan->index.idat.end);
}

static void edit_index(struct strip *s, struct str held, const struct heif_plan *plan)
{
	const struct heif_index *index = &plan->index;
	char *meta = s->held.p;
	struct heif_box box;
	bool read = heif_box(held, &box);
	assert(read && held.p == meta);
	find_exif(s, meta, plan);
	clear_idat(meta, plan);
	free_items(s, meta, index);
	free_others(s, meta, (struct heif_part){ box.head + 4, held.n }, "hdlrpitmiinfilociprpirefidat");
	free_others(s, meta, index->iprp, "ipcoipma");
	free_others(s, meta, index->ipco, "ispepixicolrirotimirclappasphvcCav1CauxCa1opa1lxlselcllimdcvcclvrlocamve");
	clear(meta, index->hdlr.start + HANDLER_NAME_AT, index->hdlr.end);
}

/* Data */

static const struct heif_range *range_of(const struct strip *s, size_t i)
{
	return (const struct heif_range *)(const void *)s->ranges.p + i;
}

static size_t ranges_of(const struct strip *s)
{
	return s->ranges.n / sizeof(struct heif_range);
}

static void advance(struct strip *s, uint64_t n)
{
	s->heif.at += n;
}

/* Bytes that are not kept, up to `end`; EXIF among them is collected. */
static void fill_to(struct strip *s, uint64_t end)
{
	struct strip_heif *h = &s->heif;
	uint64_t n = end - h->at;
	bool exif = h->exif_bytes > 0 && h->exif_at >= h->at && h->exif_at < end && h->exif_bytes <= end - h->exif_at;
	if (exif && h->exif_at > h->at)
		n = h->exif_at - h->at;
	else if (exif)
		n = h->exif_bytes;
	bool collects = exif && h->exif_at == h->at;
	strip_fill(s, n);
	if (collects) {
		strip_collect(s);
		h->exif_bytes = 0;
	}
	advance(s, n);
}

/* A header follows, or nothing that is kept. */
static void begin_data_box(struct strip *s)
{
	s->heif.state = HEIF_STATE_DATA;
	if (s->heif.next == ranges_of(s))
		strip_over(s);
	else
		strip_hold(s, HEIF_HEAD_BYTES);
}

static void next_in_mdat(struct strip *s)
{
	struct strip_heif *h = &s->heif;
	uint64_t end = h->next < h->box_next ? range_of(s, h->next)->at : h->box_end;
	if (h->at < end) {
		fill_to(s, end);
	} else if (h->next < h->box_next) {
		uint64_t n = range_of(s, h->next++)->end - h->at;
		strip_pass(s, n);
		advance(s, n);
	} else {
		begin_data_box(s);
	}
}

static void next_heif(struct strip *s)
{
	struct str exif = strip_collected(s);
	if (exif.n > 0)
		read_exif(s, exif);
	if (s->heif.state == HEIF_STATE_MDAT)
		next_in_mdat(s);
	else if (s->heif.state == HEIF_STATE_DATA)
		begin_data_box(s);
	else
		strip_hold(s, HEIF_HEAD_BYTES);
}

/* A box of which nothing is kept. */
static void fill_box(struct strip *s, struct str held, const struct heif_box *box, struct str *out)
{
	strip_insert(s, 0, held);
	set_type(s->insert + TYPE_BYTES, HEIF_FREE);
	*out = (struct str){ s->insert, held.n };
	if (box->type != HEIF_FREE && box->type != HEIF_NAME('s', 'k', 'i', 'p'))
		s->result.removed |= STRIP_OTHER;
	uint64_t rest = box->size == 0 ? UINT64_MAX - s->heif.at - held.n : box->size - held.n;
	strip_fill(s, rest);
	advance(s, held.n + rest);
}

static bool judge_data_box(struct strip *s, struct str held, const struct heif_box *box, struct str *out)
{
	struct strip_heif *h = &s->heif;
	h->box_next = h->next;
	if (!heif_data_box(range_of(s, 0), ranges_of(s), box, h->at, &h->box_next))
		return break_heif(s, out);
	if (box->type != HEIF_MDAT) {
		fill_box(s, held, box, out);
		return true;
	}
	*out = held;
	h->state = HEIF_STATE_MDAT;
	h->box_end = box->size == 0 ? UINT64_MAX : h->at + box->size;
	advance(s, held.n);
	strip_pass(s, 0);
	return true;
}

static bool judge_index(struct strip *s, struct str held, struct str *out)
{
	struct heif_plan plan;
	if (heif_read(held, &plan) != NULL)
		return break_heif(s, out);
	edit_index(s, held, &plan);
	buf_put(&s->ranges, (struct str){ (const char *)plan.in_file.range, plan.in_file.n * sizeof *plan.in_file.range });
	s->starved |= !buf_ok(&s->ranges);
	*out = held;
	advance(s, held.n);
	s->heif.state = HEIF_STATE_DATA;
	strip_pass(s, 0);
	return true;
}

static bool judge_box(struct strip *s, struct str held, struct str *out)
{
	struct heif_box box;
	if (held.n == HEIF_HEAD_BYTES && be32(held, 0) == 1) {
		strip_hold(s, HEIF_LONG_HEAD_BYTES);
		return false;
	}
	if (!heif_box(held, &box))
		return break_heif(s, out);
	if (s->heif.state == HEIF_STATE_DATA)
		return judge_data_box(s, held, &box, out);
	if (box.type == HEIF_MOOV || box.type == HEIF_MDAT || box.size == 0)
		return break_heif(s, out);
	if (box.type != HEIF_META) {
		fill_box(s, held, &box, out);
		return true;
	}
	if (box.size > HEIF_META_BYTES_MAX || box.size <= held.n)
		return break_heif(s, out);
	s->heif.state = HEIF_STATE_INDEX;
	strip_hold(s, (size_t)box.size);
	return false;
}

static bool judge_ftyp(struct strip *s, struct str held, struct str *out)
{
	enum probe_type type = heif_brand(held);
	*out = held;
	if (type == PROBE_UNKNOWN) {
		strip_break(s);
		return true;
	}
	s->result.type = type;
	advance(s, held.n);
	s->heif.state = HEIF_STATE_BOX;
	strip_hold(s, HEIF_HEAD_BYTES);
	return true;
}

static bool judge_heif(struct strip *s, struct str held, struct str *out)
{
	switch ((enum heif_state)s->heif.state) {
	case HEIF_STATE_SIGNATURE:
		if (be32(held, 0) < HEIF_FTYP_BYTES_MIN || be32(held, 0) > HEIF_FTYP_BYTES_MAX) {
			strip_break(s);
			return true;
		}
		*out = (struct str){ 0 };
		s->heif.state = HEIF_STATE_FTYP;
		strip_hold(s, be32(held, 0));
		return false;
	case HEIF_STATE_FTYP:
		return judge_ftyp(s, held, out);
	case HEIF_STATE_INDEX:
		return judge_index(s, held, out);
	case HEIF_STATE_BOX:
	case HEIF_STATE_DATA:
	case HEIF_STATE_MDAT:
		break;
	}
	return judge_box(s, held, out);
}

/* Only what says the type is written though it is not whole. */
static struct str cut_heif(struct strip *s)
{
	return s->heif.state == HEIF_STATE_FTYP && !s->spent ? buf_str(&s->held) : (struct str){ 0 };
}

const struct strip_format strip_heif_format = { .judge = judge_heif, .next = next_heif, .cut = cut_heif };
