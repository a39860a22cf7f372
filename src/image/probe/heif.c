/* HEIC and AVIF. See heif.h. The probe reads what the strip needs too, so that what one accepts the other can rewrite: a still
 * picture whose index comes before its data. */
#include "image/probe/heif.h"

#include <stdlib.h>

#define FULL_BYTES 4 /* version and flags */
#define DEPTH_MAX 4  /* of pictures that are derived from pictures */

/* Reading numbers of several sizes in a row */

struct cursor {
	struct str bytes;
	size_t at;
	bool failed;
};

/* The next big-endian number of n bytes, 0..8; 0 beyond the end, which is noted. */
static uint64_t next_number(struct cursor *c, size_t n)
{
	uint64_t value = 0;
	assert(n <= 8);
	c->failed |= !has(c->bytes, c->at, n);
	for (size_t i = 0; i < n && !c->failed; i++)
		value = value << 8 | byte_at(c->bytes, c->at++);
	return value;
}

static uint32_t next_u32(struct cursor *c, size_t n)
{
	return (uint32_t)next_number(c, n);
}

/* After a box's header and `skip` bytes. */
static struct cursor cursor_at(struct str meta, struct heif_part part, size_t skip)
{
	struct str bytes = str_slice(meta, part.start, part.end);
	return (struct cursor){ .bytes = bytes, .at = skip, .failed = skip > bytes.n };
}

static uint32_t version_of(struct str meta, struct heif_part part)
{
	return part.end - part.start >= FULL_BYTES ? byte_at(meta, part.start) : 0;
}

/* Boxes */

bool heif_box(struct str bytes, struct heif_box *out)
{
	if (!has(bytes, 0, HEIF_HEAD_BYTES))
		return false;
	*out = (struct heif_box){ .type = be32(bytes, 4), .head = HEIF_HEAD_BYTES, .size = be32(bytes, 0) };
	if (out->size == 1) {
		if (!has(bytes, 0, HEIF_LONG_HEAD_BYTES))
			return false;
		out->head = HEIF_LONG_HEAD_BYTES;
		out->size = (uint64_t)be32(bytes, 8) << 32 | be32(bytes, 12);
		return out->size >= out->head && out->size <= INT64_MAX;
	}
	return out->size == 0 || out->size >= out->head;
}

/* The box at `at` of a parent that ends at `end`; whole: with its header. */
static bool child_box(struct str meta, size_t at, size_t end, struct heif_box *box, struct heif_part *whole)
{
	if (!heif_box(str_slice(meta, at, end), box) || box->size == 0 || box->size > end - at)
		return false;
	*whole = (struct heif_part){ at, at + (size_t)box->size };
	return true;
}

static bool is_of(uint32_t brand, const char *names)
{
	for (const char *p = names; *p != '\0'; p += 4)
		if (be32((struct str){ p, 4 }, 0) == brand)
			return true;
	return false;
}

enum probe_type heif_brand(struct str ftyp)
{
	assert(has(ftyp, 0, HEIF_LONG_HEAD_BYTES));
	enum probe_type type = PROBE_UNKNOWN;
	if (is_of(be32(ftyp, 8), "avismsf1hevchevx"))
		return PROBE_UNKNOWN;
	for (size_t at = 8; type == PROBE_UNKNOWN && has(ftyp, at, 4); at += at == 8 ? 8 : 4) {
		if (is_of(be32(ftyp, at), "avif"))
			type = PROBE_AVIF;
		else if (is_of(be32(ftyp, at), "heicheixheimheis"))
			type = PROBE_HEIC;
	}
	return type;
}

/* Parts of the index */

static bool note_part(struct heif_part *part, struct heif_part whole, size_t head)
{
	bool first = part->end == 0;
	*part = (struct heif_part){ whole.start + head, whole.end };
	return first;
}

static const char *find_properties(struct str meta, struct heif_index *out)
{
	struct heif_box box;
	struct heif_part whole;
	for (size_t at = out->iprp.start; at < out->iprp.end; at = whole.end) {
		if (!child_box(meta, at, out->iprp.end, &box, &whole))
			return "a box is malformed";
		if (box.type == HEIF_IPCO && !note_part(&out->ipco, whole, box.head))
			return "its index has a part twice";
		if (box.type == HEIF_IPMA && !note_part(&out->ipma, whole, box.head))
			return "its index has a part twice";
	}
	for (size_t at = out->ipco.start; at < out->ipco.end; at = whole.end) {
		if (!child_box(meta, at, out->ipco.end, &box, &whole))
			return "a box is malformed";
		if (out->properties == HEIF_PROPERTIES_MAX)
			return "it has too many properties";
		out->property[out->properties++] = whole;
	}
	return NULL;
}

static const char *find_parts(struct str meta, size_t start, struct heif_index *out)
{
	const struct {
		uint32_t type;
		struct heif_part *part;
	} parts[] = { { HEIF_HDLR, &out->hdlr }, { HEIF_PITM, &out->pitm }, { HEIF_IINF, &out->iinf }, { HEIF_ILOC, &out->iloc },
		{ HEIF_IREF, &out->iref }, { HEIF_IDAT, &out->idat }, { HEIF_IPRP, &out->iprp } };
	struct heif_box box;
	struct heif_part whole;
	for (size_t at = start; at < meta.n; at = whole.end) {
		if (!child_box(meta, at, meta.n, &box, &whole))
			return "a box is malformed";
		bool once = true;
		for (size_t i = 0; i < COUNT_OF(parts); i++)
			if (box.type == parts[i].type)
				once = note_part(parts[i].part, whole, box.head);
		if (!once)
			return "its index has a part twice";
	}
	return find_properties(meta, out);
}

static struct heif_item *find_item(struct heif_index *index, uint32_t id)
{
	for (size_t i = 0; i < index->items; i++)
		if (index->item[i].id == id)
			return &index->item[i];
	return NULL;
}

static const char *read_items(struct str meta, struct heif_index *out)
{
	struct heif_box box;
	struct heif_part whole;
	size_t start = out->iinf.start + FULL_BYTES + (version_of(meta, out->iinf) == 0 ? 2 : 4);
	for (size_t at = start; at < out->iinf.end; at = whole.end) {
		if (!child_box(meta, at, out->iinf.end, &box, &whole))
			return "a box is malformed";
		size_t body = whole.start + box.head;
		uint32_t version = version_of(meta, (struct heif_part){ body, whole.end });
		if (box.type != HEIF_INFE || (version != 2 && version != 3))
			return "an item is of an unknown kind";
		if (out->items == HEIF_ITEMS_MAX)
			return "it has too many items";
		struct cursor c = cursor_at(meta, (struct heif_part){ body, whole.end }, FULL_BYTES);
		struct heif_item item = { .id = next_u32(&c, version == 2 ? 2 : 4) };
		(void)next_number(&c, 2); /* protection */
		item.rest = (struct heif_part){ body + c.at, whole.end };
		item.type = next_u32(&c, 4);
		if (c.failed)
			return "a box is malformed";
		if (find_item(out, item.id) != NULL)
			return "it has an item twice";
		out->item[out->items++] = item;
	}
	return NULL;
}

/* The first property of this type of an item: its content without the header. false: there is none. */
static bool find_property(struct str meta, const struct heif_index *index, uint32_t id, uint32_t type, struct heif_part *out)
{
	struct cursor c = cursor_at(meta, index->ipma, 0);
	uint32_t full = next_u32(&c, FULL_BYTES), entries = next_u32(&c, 4);
	while (entries-- > 0 && !c.failed) {
		bool found = next_u32(&c, full >> 24 < 1 ? 2 : 4) == id;
		for (uint32_t n = next_u32(&c, 1); n > 0 && !c.failed; n--) {
			uint32_t number = (full & 1) != 0 ? next_u32(&c, 2) & 0x7fff : next_u32(&c, 1) & 0x7f;
			struct heif_box box;
			if (!found || number == 0 || number > index->properties)
				continue;
			struct heif_part whole = index->property[number - 1];
			if (heif_box(str_slice(meta, whole.start, whole.end), &box) && box.type == type) {
				*out = (struct heif_part){ whole.start + box.head, whole.end };
				return true;
			}
		}
	}
	return false;
}

/* What auxiliary pictures are for. Alpha is shown. */
static void note_auxiliaries(struct str meta, struct heif_index *index)
{
	for (size_t i = 0; i < index->items; i++) {
		struct heif_item *item = &index->item[i];
		struct heif_part aux;
		item->gain_map = item->type == HEIF_NAME('t', 'm', 'a', 'p');
		if (!find_property(meta, index, item->id, HEIF_NAME('a', 'u', 'x', 'C'), &aux) || aux.end - aux.start < FULL_BYTES)
			continue;
		struct str name = str_slice(meta, aux.start + FULL_BYTES, aux.end);
		name = str_slice(name, 0, str_find_char(name, '\0'));
		item->alpha =
			str_equal(name, STR("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")) || str_equal(name, STR("urn:mpeg:hevc:2015:auxid:1"));
		item->gain_map |= str_find(name, STR("gainmap")) < name.n;
	}
}

/* One reference: the items that it is from and to. */
static void follow(uint32_t type, struct heif_item *from, struct heif_item *to)
{
	if (type == HEIF_NAME('d', 'i', 'm', 'g') && from->kept)
		to->kept = true; /* a tile */
	if (type == HEIF_NAME('a', 'u', 'x', 'l') && to->kept && from->alpha)
		from->kept = true;
	from->thumbnail |= type == HEIF_NAME('t', 'h', 'm', 'b');
}

/* Go once through all references. */
static const char *follow_references(struct str meta, struct heif_index *index)
{
	struct heif_box box;
	struct heif_part whole;
	uint32_t seen = 0;
	size_t bytes = version_of(meta, index->iref) == 0 ? 2 : 4;
	for (size_t at = index->iref.start + FULL_BYTES; at < index->iref.end; at = whole.end) {
		if (!child_box(meta, at, index->iref.end, &box, &whole))
			return "a box is malformed";
		struct cursor c = cursor_at(meta, (struct heif_part){ whole.start + box.head, whole.end }, 0);
		struct heif_item *from = find_item(index, next_u32(&c, bytes));
		for (uint32_t n = next_u32(&c, 2); n > 0 && !c.failed; n--) {
			struct heif_item *to = find_item(index, next_u32(&c, bytes));
			if (++seen > HEIF_REFERENCES_MAX)
				return "it has too many references";
			if (from != NULL && to != NULL)
				follow(box.type, from, to);
		}
		if (c.failed)
			return "a box is malformed";
	}
	return NULL;
}

/* The size of what is shown: cut as `clap` says, and turned as `irot` does. */
static const char *read_size(struct str meta, struct heif_index *out, uint32_t id)
{
	struct heif_part part;
	if (!find_property(meta, out, id, HEIF_NAME('i', 's', 'p', 'e'), &part))
		return "its size is missing";
	struct cursor c = cursor_at(meta, part, FULL_BYTES);
	uint32_t width = next_u32(&c, 4), height = next_u32(&c, 4);
	bool good = !c.failed && width > 0 && height > 0;
	if (good && find_property(meta, out, id, HEIF_NAME('c', 'l', 'a', 'p'), &part)) {
		c = cursor_at(meta, part, 0);
		uint32_t side[4];
		for (int i = 0; i < 4; i++)
			side[i] = next_u32(&c, 4);
		good = !c.failed && side[1] > 0 && side[3] > 0 && side[0] >= side[1] && side[2] >= side[3] && side[0] / side[1] <= width &&
			side[2] / side[3] <= height;
		width = good ? side[0] / side[1] : 0;
		height = good ? side[2] / side[3] : 0;
	}
	bool turned =
		find_property(meta, out, id, HEIF_NAME('i', 'r', 'o', 't'), &part) && part.end > part.start && (byte_at(meta, part.start) & 1) != 0;
	out->width = turned ? height : width;
	out->height = turned ? width : height;
	return good ? NULL : "its size is malformed";
}

static const char *find_picture(struct str meta, struct heif_index *out)
{
	struct cursor c = cursor_at(meta, out->pitm, FULL_BYTES);
	struct heif_item *primary = find_item(out, next_u32(&c, version_of(meta, out->pitm) == 0 ? 2 : 4));
	const char *why = NULL;
	if (c.failed || primary == NULL)
		return "its picture is missing";
	if (!is_of(primary->type, "hvc1hev1av01gridiovliden"))
		return "its picture is of an unknown kind";
	primary->kept = true;
	for (int depth = 0; depth < DEPTH_MAX && why == NULL; depth++)
		why = follow_references(meta, out);
	return why != NULL ? why : read_size(meta, out, primary->id);
}

/* Data */

struct location_form {
	uint32_t version;
	uint32_t sizes;   /* four of 4 bits: of offset, length, base offset and index */
	uint32_t extents; /* so far, also of items that there are not: one may have no bytes */
};

/* One item of iloc. */
static const char *next_location(struct cursor *c, struct location_form *form, struct heif_plan *out)
{
	struct heif_item *item = find_item(&out->index, next_u32(c, form->version < 2 ? 2 : 4));
	uint32_t method = form->version == 0 ? 0 : next_u32(c, 2) & 0xf;
	bool here = next_u32(c, 2) == 0 && method <= 1;
	uint64_t base = next_number(c, form->sizes >> 4 & 0xf);
	for (uint32_t extents = next_u32(c, 2); extents > 0 && !c->failed; extents--) {
		struct heif_extent extent = { .item = item, .in_index = method == 1 };
		(void)next_number(c, form->version == 0 ? 0 : form->sizes & 0xf);
		uint64_t offset = next_number(c, form->sizes >> 12 & 0xf);
		extent.n = next_number(c, form->sizes >> 8 & 0xf);
		if (form->extents++ == HEIF_EXTENTS_MAX)
			return "its data are in too many pieces";
		if (item == NULL || c->failed)
			continue;
		item->located = true;
		if (item->kept && (!here || extent.n == 0))
			return "its data are in a place that is not supported";
		if (!here)
			continue;
		if (__builtin_add_overflow(base, offset, &extent.at) || extent.at > INT64_MAX || extent.n > INT64_MAX)
			return "its data are in a place that is impossible";
		out->extent[out->extents++] = extent;
	}
	return NULL;
}

static const char *read_locations(struct str meta, struct heif_plan *out)
{
	struct cursor c = cursor_at(meta, out->index.iloc, FULL_BYTES);
	struct location_form form = { .version = version_of(meta, out->index.iloc), .sizes = next_u32(&c, 2) };
	const char *why = NULL;
	for (int i = 0; i < 4; i++)
		c.failed |= (form.sizes >> (4 * i) & 0xf) > 8;
	for (uint32_t items = next_u32(&c, form.version < 2 ? 2 : 4); items > 0 && !c.failed && why == NULL; items--)
		why = next_location(&c, &form, out);
	for (size_t i = 0; i < out->index.items; i++)
		if (out->index.item[i].kept && !out->index.item[i].located && out->index.item[i].type != HEIF_NAME('i', 'd', 'e', 'n'))
			c.failed = true;
	return why != NULL ? why : c.failed || form.version > 2 ? "the places of its data are malformed" : NULL;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct heif_range *x = a, *y = b;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void join_ranges(const struct heif_plan *plan, bool in_index, struct heif_ranges *out)
{
	size_t n = 0;
	out->n = 0;
	for (size_t i = 0; i < plan->extents; i++) {
		const struct heif_extent *e = &plan->extent[i];
		if (e->item->kept && e->in_index == in_index)
			out->range[n++] = (struct heif_range){ e->at, e->at + e->n };
	}
	qsort(out->range, n, sizeof *out->range, compare_ranges);
	for (size_t i = 0; i < n; i++) {
		struct heif_range *last = out->n > 0 ? &out->range[out->n - 1] : NULL, r = out->range[i];
		if (last == NULL || r.at > last->end)
			out->range[out->n++] = r;
		else if (r.end > last->end)
			last->end = r.end;
	}
}

const char *heif_read(struct str meta, struct heif_plan *out)
{
	struct heif_box box;
	struct heif_index *index = &out->index;
	*index = (struct heif_index){ 0 };
	out->extents = 0;
	if (!heif_box(meta, &box) || box.type != HEIF_META || box.size != meta.n || !has(meta, box.head, FULL_BYTES))
		return "its index is malformed";
	const char *why = find_parts(meta, box.head + FULL_BYTES, index);
	if (why == NULL)
		why = read_items(meta, index);
	if (why == NULL) {
		note_auxiliaries(meta, index);
		why = find_picture(meta, index);
	}
	if (why == NULL)
		why = read_locations(meta, out);
	if (why != NULL)
		return why;
	join_ranges(out, false, &out->in_file);
	join_ranges(out, true, &out->in_index);
	size_t idat = index->idat.end - index->idat.start, n = out->in_index.n;
	return n > 0 && out->in_index.range[n - 1].end > idat ? "its data are in a place that is impossible" : NULL;
}

bool heif_data_box(const struct heif_range *kept, size_t n, const struct heif_box *box, uint64_t at, size_t *next)
{
	uint64_t from = at + box->head, end = box->size == 0 ? UINT64_MAX : at + box->size;
	if (box->type == HEIF_MOOV)
		return false;
	for (; *next < n && kept[*next].at < end; ++*next) {
		const struct heif_range *r = &kept[*next];
		if (box->type != HEIF_MDAT || r->at < from || r->end > end)
			return false;
		from = r->end;
	}
	return true;
}

/* The probe */

static const char *check_data(struct str bytes, size_t at, const struct heif_ranges *kept)
{
	for (size_t next = 0; next < kept->n;) {
		struct heif_box box;
		struct str rest = str_slice(bytes, at, bytes.n);
		if (rest.n < HEIF_HEAD_BYTES)
			return "it ends too early";
		if (!heif_box(rest, &box))
			return "a box is malformed";
		if (!heif_data_box(kept->range, kept->n, &box, at, &next))
			return box.type == HEIF_MOOV ? "it is a sequence of images" : "its data are in a place that is not supported";
		if (box.size > rest.n || (box.size == 0 && kept->range[kept->n - 1].end > bytes.n))
			return "it ends too early";
		at = box.size == 0 ? bytes.n : at + (size_t)box.size;
	}
	return NULL;
}

static enum probe_result probe_meta(struct str bytes, size_t at, size_t n, struct probe *out)
{
	struct heif_plan plan;
	if (n > HEIF_META_BYTES_MAX)
		return probe_bad(out, "its index is too large");
	const char *why = heif_read(str_slice(bytes, at, at + n), &plan);
	if (why == NULL)
		why = check_data(bytes, at + n, &plan.in_file);
	if (why != NULL)
		return probe_bad(out, why);
	out->width = plan.index.width;
	out->height = plan.index.height;
	out->frames = 1;
	return PROBE_OK;
}

enum probe_result probe_heif(struct str bytes, struct probe *out)
{
	struct heif_box box;
	assert(has(bytes, 0, SIGNATURE_BYTES_MAX));
	size_t at = be32(bytes, 0);
	if (at < HEIF_FTYP_BYTES_MIN || at > HEIF_FTYP_BYTES_MAX)
		return probe_bad(out, "a box is malformed");
	if (at > bytes.n)
		return probe_cut(out);
	enum probe_type type = heif_brand(str_slice(bytes, 0, at));
	if (type == PROBE_UNKNOWN)
		return probe_bad(out, "it is a sequence of images, or of an unknown kind");
	out->type = type;
	for (;;) {
		struct str rest = str_slice(bytes, at, bytes.n);
		if (rest.n < HEIF_HEAD_BYTES)
			return probe_cut(out);
		if (!heif_box(rest, &box))
			return probe_bad(out, "a box is malformed");
		if (box.type == HEIF_MOOV || box.type == HEIF_MDAT)
			return probe_bad(out, box.type == HEIF_MOOV ? "it is a sequence of images" : "its data come before its index");
		if (box.size == 0 || box.size > rest.n)
			return probe_cut(out);
		if (box.type == HEIF_META)
			return probe_meta(bytes, at, (size_t)box.size, out);
		at += (size_t)box.size;
	}
}
