/* See jpeg_markers.h. A profile comes in at most 255 pieces of at most 64 KB, numbered from 1, in any order. */
#include "render/jpeg_markers.h"

#include "image/probe/formats.h"

#include <string.h>

#define EXIF_HEAD 6     /* "Exif\0\0" */
#define PROFILE_HEAD 14 /* "ICC_PROFILE\0", number, how many */

struct profile_pieces {
	uint64_t at[256]; /* offset of piece n; 0: not seen */
	uint32_t bytes[256];
	uint32_t count; /* how many there are to be; 0: none seen */
	size_t total;
};

/* true: the segment is EXIF. Only the first counts, as in the probe. */
static bool read_exif(struct decoding *d, uint64_t at, size_t n)
{
	char head[EXIF_HEAD];
	if (n < EXIF_HEAD || !input_read(d->in, at, head, EXIF_HEAD) || memcmp(head, "Exif\0\0", EXIF_HEAD) != 0)
		return false;
	char *tiff = arena_alloc(d->arena, n - EXIF_HEAD);
	if (tiff != NULL && input_read(d->in, at + EXIF_HEAD, tiff, n - EXIF_HEAD))
		d->answer->orientation = (uint8_t)exif_orientation((struct str){ tiff, n - EXIF_HEAD });
	return true;
}

static void note_piece(struct decoding *d, struct profile_pieces *pieces, uint64_t at, size_t n)
{
	unsigned char head[PROFILE_HEAD];
	if (n < PROFILE_HEAD || !input_read(d->in, at, head, PROFILE_HEAD) || memcmp(head, "ICC_PROFILE", 12) != 0)
		return;
	uint32_t number = head[12];
	pieces->count = head[13];
	if (number == 0 || number > pieces->count || pieces->at[number] != 0)
		return;
	pieces->at[number] = at + PROFILE_HEAD;
	pieces->bytes[number] = (uint32_t)(n - PROFILE_HEAD);
	pieces->total += n - PROFILE_HEAD;
}

static void join_pieces(struct decoding *d, const struct profile_pieces *pieces)
{
	if (pieces->count == 0 || pieces->total > PROFILE_BYTES_MAX)
		return;
	char *profile = arena_alloc(d->arena, pieces->total);
	size_t n = 0;
	for (uint32_t i = 1; profile != NULL && i <= pieces->count; n += pieces->bytes[i], i++)
		if (pieces->at[i] == 0 || !input_read(d->in, pieces->at[i], profile + n, pieces->bytes[i]))
			return;
	if (profile != NULL)
		d->profile = (struct str){ profile, n };
}

/* Move *at to the next byte FF: libjpeg, too, skips what is between segments. false: there is none. */
static bool find_ff(struct decoding *d, uint64_t *at)
{
	for (struct str piece; (piece = input_at(d->in, *at)).n > 0; *at += piece.n) {
		size_t skipped = str_find_char(piece, '\xff');
		if (skipped < piece.n) {
			*at += skipped;
			return true;
		}
	}
	return false;
}

/* Read the next marker: *at is then after it and its length, *n the bytes of its segment. false: no more before the pixels. */
static bool next_segment(struct decoding *d, uint64_t *at, unsigned *marker, size_t *n)
{
	unsigned char head[2], length[2];
	do {
		if (!find_ff(d, at) || !input_read(d->in, *at, head, sizeof head))
			return false;
		*marker = head[1];
		*at += *marker == 0xff || *marker == 0 ? 1 : 0; /* a fill byte, or no marker */
	} while (*marker == 0xff || *marker == 0);
	*at += 2;
	*n = 0;
	if (*marker == SOI || jpeg_is_alone(*marker, false))
		return true;
	if (*marker == SOS || *marker == EOI || !input_read(d->in, *at, length, sizeof length))
		return false;
	*at += 2;
	*n = (size_t)(length[0] << 8 | length[1]);
	bool too_short = *n < 2; /* decoders skip such a segment, unless its content counts */
	*n -= too_short ? *n : 2;
	return !too_short || jpeg_is_skipped(*marker);
}

void jpeg_read_markers(struct decoding *d)
{
	struct profile_pieces *pieces = ARENA_NEW(d->arena, struct profile_pieces);
	uint64_t at = 0;
	unsigned marker;
	size_t n;
	bool exif = false;
	for (; pieces != NULL && next_segment(d, &at, &marker, &n); at += n) {
		if (marker == APP1)
			exif = exif || read_exif(d, at, n);
		else if (marker == APP2)
			note_piece(d, pieces, at, n);
	}
	if (pieces != NULL)
		join_pieces(d, pieces);
}
