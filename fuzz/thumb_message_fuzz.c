/* Fuzz target of port/thumb_message: any bytes as a message. What is accepted names an image, and is written so that it is read
 * back as the same. */
#include "base/hash.h"
#include "port/thumb_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char memory[2048];
	struct arena a;
	struct buf b;
	struct fault why = { 0 };
	struct thumb_message m, back;

	arena_init(&a, 1 << 16);
	buf_init_fixed(&b, memory, sizeof memory);
	if (thumb_message_read((struct str){ (const char *)p, n }, &a, &m, &why) == OK) {
		assert(uuid_valid(m.image_id) && m.etag.n > 0);
		thumb_message_write(&b, &m);
		assert(thumb_message_read(buf_str(&b), &a, &back, &why) == OK);
		assert(str_equal(back.image_id, m.image_id) && str_equal(back.etag, m.etag));
	} else {
		assert(why.code != F_NONE && why.text[0] != '\0');
	}
	arena_deinit(&a);
	return 0;
}
