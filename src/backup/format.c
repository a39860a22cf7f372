/* See format.h. */
#include "backup/format.h"

#include "base/codec.h"
#include "base/json.h"
#include "base/writer.h"

#include <inttypes.h>
#include <string.h>

#define FILE_CHARS 16
#define NUMBER_CHARS 5

void format_folder(struct buf *b, uint64_t folder)
{
	buf_printf(b, "objects/%06" PRIx64, folder);
}

void format_piece(struct buf *b, const struct piece *p)
{
	buf_printf(b, "%016" PRIx64 ".%05" PRIx32 ".%.*s.", p->file, p->number, STRF(p->etag));
}

static bool parse_hex(struct str digits, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < digits.n; i++) {
		int d = hex_digit(digits.p[i]);
		if (d < 0 || (digits.p[i] >= 'A' && digits.p[i] <= 'F'))
			return false;
		*out = *out << 4 | (uint64_t)d;
	}
	return digits.n > 0 && digits.n <= FILE_CHARS;
}

bool format_parse_folder(struct str name, uint64_t *folder)
{
	struct str digits = str_slice(name, STR("objects/").n, name.n);
	char memory[BACKUP_NAME_MAX];
	struct buf same;
	if (!str_starts_with(name, STR("objects/")) || !parse_hex(digits, folder))
		return false;
	buf_init_fixed(&same, memory, sizeof memory);
	format_folder(&same, *folder);
	return str_equal(buf_str(&same), name);
}

bool format_is_hash(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (hex_digit(text.p[i]) < 0 || (text.p[i] >= 'A' && text.p[i] <= 'F'))
			return false;
	return text.n == BACKUP_HASH_CHARS;
}

bool format_parse_piece(struct str name, struct piece *out)
{
	struct str rest = name, file = str_cut(&rest, '.'), number = str_cut(&rest, '.'), etag = str_cut(&rest, '.');
	uint64_t n = 0;
	struct piece p = { .etag = etag, .sha256 = rest };
	if (file.n != FILE_CHARS || !parse_hex(file, &p.file) || p.file == 0 || p.file > INT64_MAX)
		return false;
	if (number.n != NUMBER_CHARS || !parse_hex(number, &n))
		return false;
	if (etag.n > BACKUP_ETAG_MAX || !str_consists_of_lower(etag, STR("-")) || !format_is_hash(p.sha256))
		return false;
	p.number = (uint32_t)n;
	*out = p;
	return true;
}

void format_database_piece(struct buf *b, struct str sha256)
{
	buf_printf(b, "database/%.2s/%.*s", sha256.p, STRF(sha256));
}

uint64_t format_pieces(uint64_t bytes, uint64_t piece_bytes)
{
	return bytes == 0 ? 1 : (bytes - 1) / piece_bytes + 1;
}

/* the manifest */

void manifest_write(struct buf *b, const struct manifest *m)
{
	writer_open(b, STR(""), '{');
	writer_number(b, STR("format"), BACKUP_VERSION);
	writer_text(b, STR("createdAt"), m->created);
	writer_text(b, STR("program"), m->program);
	writer_number(b, STR("schema"), m->schema);
	writer_number(b, STR("source"), m->source);
	writer_open(b, STR("database"), '{');
	writer_number(b, STR("bytes"), m->database_bytes);
	writer_text(b, STR("list"), m->database_list);
	writer_close(b, '}');
	writer_number(b, STR("objects"), m->objects);
	writer_number(b, STR("objectBytes"), m->object_bytes);
	writer_number(b, STR("missing"), m->missing);
	writer_bool(b, STR("secrets"), m->secrets);
	if (m->credentials.n > 0)
		writer_text(b, STR("credentials"), m->credentials);
	else
		writer_null(b, STR("credentials"));
	writer_open(b, STR("lists"), '[');
	for (size_t i = 0; i < m->n_lists; i++) {
		writer_open(b, STR(""), '{');
		writer_number(b, STR("folder"), m->lists[i].folder);
		writer_text(b, STR("sha256"), m->lists[i].sha256);
		writer_close(b, '}');
	}
	writer_close(b, ']');
	writer_close(b, '}');
	buf_put_char(b, '\n');
}

static bool read_number(const json_t *object, const char *name, uint64_t *out)
{
	const json_t *value = json_object_get(object, name);
	json_int_t n = json_integer_value(value);
	*out = (uint64_t)n;
	return json_is_integer(value) && n >= 0;
}

static bool read_hash(const json_t *object, const char *name, struct arena *a, struct str *out)
{
	struct str text = json_text(json_object_get(object, name));
	*out = str_dup(a, text);
	return format_is_hash(text);
}

static bool read_lists(const json_t *lists, struct arena *a, struct manifest *m)
{
	m->n_lists = json_array_size(lists);
	m->lists = arena_array(a, m->n_lists, sizeof *m->lists);
	for (size_t i = 0; m->lists != NULL && i < m->n_lists; i++) {
		const json_t *one = json_array_get(lists, i);
		struct folder_list *list = &m->lists[i];
		if (!read_number(one, "folder", &list->folder) || !read_hash(one, "sha256", a, &list->sha256))
			return false;
		if (list->folder > INT64_MAX / BACKUP_FILES_PER_FOLDER || (i > 0 && list->folder <= list[-1].folder))
			return false;
	}
	return json_is_array(lists);
}

static bool read_all(const json_t *all, struct arena *a, struct manifest *m)
{
	const json_t *database = json_object_get(all, "database"), *credentials = json_object_get(all, "credentials");
	m->created = str_dup(a, json_text(json_object_get(all, "createdAt")));
	m->program = str_dup(a, json_text(json_object_get(all, "program")));
	m->secrets = json_is_true(json_object_get(all, "secrets"));
	return read_number(all, "schema", &m->schema) && m->schema <= INT32_MAX && read_number(all, "source", &m->source) &&
		read_number(database, "bytes", &m->database_bytes) && read_hash(database, "list", a, &m->database_list) &&
		read_number(all, "objects", &m->objects) && read_number(all, "objectBytes", &m->object_bytes) &&
		read_number(all, "missing", &m->missing) && (json_is_null(credentials) || read_hash(all, "credentials", a, &m->credentials)) &&
		read_lists(json_object_get(all, "lists"), a, m);
}

enum status manifest_parse(struct str text, struct arena *a, struct manifest *out, struct fault *why)
{
	bool starved = false;
	uint64_t format = 0;
	struct manifest m = { 0 };
	json_auto_t *all = json_read(text, JSON_REJECT_DUPLICATES, NULL, &starved);
	if (starved)
		return fault_no_memory(why);
	if (!read_number(all, "format", &format) || format == 0)
		return fault_set(why, DATA_DAMAGED, "The manifest is not one of a backup.");
	if (format > BACKUP_VERSION)
		return fault_set(
			why, SCHEMA_UNKNOWN, "The backup was made by a newer tintype (format %llu); use that one.", (unsigned long long)format);
	bool good = read_all(all, a, &m);
	TRY(fault_check_arena(a, why));
	if (!good)
		return fault_set(why, DATA_DAMAGED, "The manifest lacks something, or has a value that cannot be.");
	*out = m;
	return OK;
}
