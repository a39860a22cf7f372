/* Small pictures for tests. See pictures.h. */
#include "fake/pictures.h"

#include "base/buf.h"
#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)8 << 20)

static struct arena arena;
struct arena *const picture_arena = &arena;

int picture_set_up(void **state)
{
	(void)state;
	arena_init(&arena, (size_t)256 << 20);
	return 0;
}

int picture_tear_down(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

struct str picture_join(const struct str *parts, size_t n)
{
	struct buf b;
	buf_init_arena(&b, &arena, 1 << 20);
	for (size_t i = 0; i < n; i++)
		buf_put(&b, parts[i]);
	assert_true(buf_ok(&b));
	return buf_str(&b);
}

static uint32_t crc32_of(struct str s)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < 8 * s.n; i++) {
		if (i % 8 == 0)
			crc ^= (unsigned char)s.p[i / 8];
		crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
	}
	return ~crc;
}

struct str picture_be32(uint32_t n)
{
	char p[4] = { (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n };
	return str_dup(&arena, (struct str){ p, 4 });
}

struct str picture_chunk(const char *name, struct str data)
{
	struct str named = JOIN(str_of(name), data);
	return JOIN(picture_be32((uint32_t)data.n), named, picture_be32(crc32_of(named)));
}

static struct str le32_of(size_t n)
{
	char p[4] = { (char)n, (char)(n >> 8), (char)(n >> 16), (char)(n >> 24) };
	return str_dup(&arena, (struct str){ p, 4 });
}

struct str picture_riff_chunk(const char *name, struct str data)
{
	return JOIN(str_of(name), le32_of(data.n), data, data.n % 2 == 1 ? BYTES("\0") : BYTES(""));
}

struct str picture_riff(struct str chunks)
{
	return JOIN(BYTES("RIFF"), le32_of(chunks.n + 4), BYTES("WEBP"), chunks);
}

struct str picture_jpeg(uint32_t width, uint32_t height)
{
	char sof[] = { '\xff', '\xc0', 0, 11, 8, (char)(height >> 8), (char)height, (char)(width >> 8), (char)width, 1, 1, 0x11, 0 };
	return JOIN(BYTES("\xff\xd8"), PICTURE_JPEG_TABLE, ((struct str){ sof, sizeof(sof) }),
		BYTES("\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x0f\xff\xd9"));
}

struct str picture_png(uint32_t width, uint32_t height)
{
	struct str header = JOIN(picture_be32(width), picture_be32(height), BYTES("\x08\x02\0\0\0"));
	return JOIN(
		BYTES("\x89PNG\r\n\x1a\n"), picture_chunk("IHDR", header), picture_chunk("IDAT", PICTURE_ZLIB), picture_chunk("IEND", BYTES("")));
}

struct str picture_gif(uint32_t width, uint32_t height)
{
	char sides[] = { (char)width, (char)(width >> 8), (char)height, (char)(height >> 8) };
	struct str size = { sides, sizeof(sides) };
	return JOIN(BYTES("GIF89a"), size, BYTES("\0\0\0\x2c\0\0\0\0"), size, BYTES("\0\x02\x02\x4c\x01\0;"));
}

struct str picture_webp(uint32_t width, uint32_t height)
{
	struct str bits = le32_of((width - 1) | (height - 1) << 14);
	return picture_riff(picture_riff_chunk("VP8L", JOIN(BYTES("\x2f"), bits, BYTES("\0"))));
}

struct str picture_read_file(const char *folder, const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("cannot read %s", path);
	char *p = arena_alloc(picture_arena, FILE_BYTES_MAX);
	size_t n = fread(p, 1, FILE_BYTES_MAX, f);
	assert_true(n < FILE_BYTES_MAX);
	fclose(f);
	return (struct str){ p, n };
}

enum probe_result probe_exactly(struct str bytes, struct probe *out)
{
	char *p = mem_new(bytes.n == 0 ? 1 : bytes.n, 1);
	assert_non_null(p);
	if (bytes.n > 0)
		memcpy(p, bytes.p, bytes.n);
	enum probe_result result = probe_image((struct str){ p, bytes.n }, out);
	mem_free(p);
	return result;
}

struct probe accept_picture(struct str bytes)
{
	struct probe got;
	enum probe_result result = probe_exactly(bytes, &got);
	if (result != PROBE_OK)
		fail_msg("not accepted: %s", got.why);
	return got;
}

void refuse_picture(struct str bytes, const char *why)
{
	struct probe got;
	assert_int_equal(probe_exactly(bytes, &got), PROBE_BAD);
	assert_string_equal(got.why, why);
	assert_int_equal(got.width, 0);
}
