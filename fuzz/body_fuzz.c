/* Fuzz target of api/body: any bytes as each of the bodies. What is accepted must keep the
 * promises that the rest relies on: texts are there, well-formed and without U+0000. */
#include "api/body.h"

#include "base/arena.h"
#include "base/codec.h"
#include "base/hash.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(struct str text)
{
	assert(text.p != NULL && utf8_valid(text) && str_find_char(text, '\0') == text.n);
}

/* What is kept is read again as the same. */
static void check_metadata(struct arena *a, struct str metadata)
{
	struct fault why;
	struct str again;

	assert(metadata.p != NULL);
	if (metadata.n == 0)
		return;
	check(metadata);
	assert(body_read_metadata(a, metadata, &again, &why) == OK && str_equal(again, metadata));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct fault why = { 0 };
	struct str body = { (const char *)p, n };
	struct slot_request r;
	struct link_request link;
	struct delivery_variant variant;
	struct str metadata;
	struct image_change change;
	struct id_list ids;

	arena_init(&a, 1 << 20);
	if (body_read_slot(&a, body, &r, &why) == OK) {
		check(r.file_name);
		check(r.file_type);
		assert(!r.has_size || r.file_size > 0);
		check_metadata(&a, r.metadata);
		for (struct str rest = r.allowed_types; rest.n > 0;)
			assert(media_type_valid(str_cut(&rest, ',')));
	} else {
		assert(why.code != F_NONE && why.text[0] != '\0' && utf8_valid(str_of(why.text)));
	}
	if (body_read_link(&a, body, &link, &why) == OK)
		assert(link.expires_in_s <= LINK_LIFE_MAX_S && delivery_variant_parse(link.variant, &variant));
	if (body_read_change(&a, body, &change, &why) == OK) {
		assert(change.has_visibility || change.has_file_name || change.has_metadata);
		check_metadata(&a, change.metadata);
		if (change.has_file_name)
			check(change.file_name);
	} else {
		assert(why.code != F_NONE);
	}
	if (body_read_ids(&a, body, &ids, &why) == OK) {
		assert(ids.n >= 1 && ids.n <= IDS_MAX);
		for (size_t i = 0; i < ids.n; i++)
			assert(uuid_valid(ids.ids[i]));
	}
	if (body_read_metadata(&a, body, &metadata, &why) == OK)
		check_metadata(&a, metadata);
	arena_deinit(&a);
	return 0;
}
