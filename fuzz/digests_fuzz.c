/* Fuzz target of s3/wire/digests: bytes as header lines. At most one checksum is read, and the only body that passes is the one that
 * has the digests that were given. */
#include "s3/wire/digests.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define HEADERS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena arena CLEANUP(arena_deinit) = { 0 };
	struct header headers[HEADERS_MAX];
	struct digests d = { 0 };
	struct object_checksum stored;
	static const unsigned char md5[MD5_BYTES]; /* of nothing */
	size_t count = 0;
	struct str text = { (const char *)p, n };
	arena_init(&arena, 1 << 20);
	while (text.p != NULL && count < HEADERS_MAX) {
		struct str line = str_cut(&text, '\n');
		headers[count].name = str_cut(&line, ':');
		headers[count++].value = line;
	}
	struct header_index index;
	if (header_index_make(&arena, headers, count, &index, NULL) != OK || digests_read(&arena, &index, &d, NULL) != OK)
		return 0;
	assert(!d.given || d.kind != CHECKSUM_NONE);
	assert(!d.given || !d.in_trailer);
	enum checksum_kind kind = d.kind;
	bool given = d.given, has_md5 = d.has_md5;
	digests_start(&d, CHECKSUM_NONE);
	digests_update(&d, STR("x"));
	enum status st = digests_check(&arena, &d, md5, &stored, NULL);
	assert(st != OK || stored.kind == kind);
	assert(st != OK || !has_md5 || memcmp(d.md5, md5, MD5_BYTES) == 0);
	assert(st == OK || given || has_md5);
	return 0;
}
