/* Fuzz target of backup/format: any bytes as a manifest, and as the name of a piece. What is accepted leads nowhere outside of its folder,
 * and is written so that it is read back as the same. */
#include "backup/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void try_piece(struct str text)
{
	struct piece piece, back;
	char memory[BACKUP_NAME_MAX];
	struct buf b;
	if (!format_parse_piece(text, &piece))
		return;
	assert(str_find_char(text, '/') == text.n && piece.file > 0 && format_is_hash(piece.sha256));
	buf_init_fixed(&b, memory, sizeof memory);
	format_piece(&b, &piece);
	buf_put(&b, piece.sha256);
	assert(str_equal(buf_str(&b), text) && format_parse_piece(buf_str(&b), &back) && back.number == piece.number);
}

static void try_manifest(struct str text)
{
	struct arena a CLEANUP(arena_deinit);
	struct buf b CLEANUP(buf_deinit);
	struct fault why = { 0 };
	struct manifest m, back;
	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	if (manifest_parse(text, &a, &m, &why) != OK) {
		assert(why.code != F_NONE && why.text[0] != '\0');
		return;
	}
	assert(format_is_hash(m.database_list) && (m.credentials.n == 0 || format_is_hash(m.credentials)));
	manifest_write(&b, &m);
	assert(manifest_parse(buf_str(&b), &a, &back, &why) == OK);
	assert(back.n_lists == m.n_lists && back.objects == m.objects && back.database_bytes == m.database_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n };
	try_piece(text);
	try_manifest(text);
	return 0;
}
