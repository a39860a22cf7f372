/* A table with open addressing, by the bytes of ids, which are random. See migration_index.h. */
#include "image/maintenance/migration_index.h"

#include "base/codec.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define ROOM_FIRST ((size_t)1024)

/* The entry of this id, or the free one where it belongs. */
static struct migration_entry *find_place(struct migration_entry *entries, size_t room, const unsigned char *id)
{
	size_t at;
	memcpy(&at, id, sizeof at);
	for (at %= room; entries[at].used && memcmp(entries[at].id, id, MIGRATION_ID_BYTES) != 0; at = (at + 1) % room)
		continue;
	return &entries[at];
}

static bool make_room(struct migration_index *x)
{
	if (x->room > 0 && x->n < x->room / 4 * 3)
		return true;
	size_t room = x->room > 0 ? 2 * x->room : ROOM_FIRST;
	struct migration_entry *entries = mem_new(room, sizeof *entries);
	if (entries == NULL)
		return false;
	for (size_t i = 0; i < x->room; i++)
		if (x->entries[i].used)
			*find_place(entries, room, x->entries[i].id) = x->entries[i];
	mem_free(x->entries);
	x->entries = entries;
	x->room = room;
	return true;
}

struct migration_entry *migration_index_add(struct migration_index *x, const unsigned char id[MIGRATION_ID_BYTES])
{
	assert(x != NULL);
	if (!make_room(x))
		return NULL;
	struct migration_entry *e = find_place(x->entries, x->room, id);
	if (!e->used) {
		e->used = true;
		memcpy(e->id, id, MIGRATION_ID_BYTES);
		x->n++;
	}
	return e;
}

struct migration_entry *migration_index_find(const struct migration_index *x, const unsigned char id[MIGRATION_ID_BYTES])
{
	assert(x != NULL);
	struct migration_entry *e = x->room > 0 ? find_place(x->entries, x->room, id) : NULL;
	return e != NULL && e->used ? e : NULL;
}

void migration_index_deinit(struct migration_index *x)
{
	assert(x != NULL);
	mem_free(x->entries);
	*x = (struct migration_index){ 0 };
}

/* digests */

static uint64_t add_number(uint64_t h, uint64_t n)
{
	return hash_fnv64(h, (struct str){ (const char *)&n, sizeof n });
}

/* With its length, so that no two lists of texts are alike. */
static uint64_t add_text(uint64_t h, struct str text)
{
	return hash_fnv64(add_number(h, text.n), text);
}

static uint64_t never_0(uint64_t h)
{
	return h != 0 ? h : 1;
}

uint64_t migration_digest_row(const struct transfer_entry *e)
{
	const struct image_row *r = &e->row;
	if (e->kept_ms > 0) /* one of the stores keeps whole seconds */
		return never_0(add_number(add_number(HASH_FNV64, 1), (uint64_t)e->kept_ms / 1000));
	const struct str texts[] = { r->owner, r->issuer, r->subject, r->key, r->file_name, r->file_type, r->etag, r->reason, r->verdict,
		r->damage, r->placeholder, r->color, r->delete_hash, r->received_sha256, r->kept_metadata, r->metadata, r->request_hash };
	const uint64_t numbers[] = { r->status, r->version, r->file_size, r->max_bytes, r->width, r->height, r->orientation, r->frames,
		(uint64_t)r->created_ms, (uint64_t)r->expires_ms, (uint64_t)r->uploaded_ms, (uint64_t)r->ends_ms, r->is_public, r->received_size,
		r->stripped, r->removed };
	uint64_t h = HASH_FNV64;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		h = add_text(h, texts[i]);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		h = add_number(h, numbers[i]);
	return never_0(h);
}

uint64_t migration_digest_object(uint64_t size, struct str etag)
{
	return never_0(add_text(add_number(HASH_FNV64, size), etag));
}
