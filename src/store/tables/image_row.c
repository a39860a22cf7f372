/* A row of an image in SQLite: its columns. See images.h. */
#include "store/tables/images.h"

#include "store/db/db.h"

enum status images_read_row(sqlite3_stmt *s, struct arena *a, struct image_row *out, struct fault *why)
{
	*out = (struct image_row){
		.image_id = uuid_dup(a, sqlite3_column_blob(s, 1)),
		.status = (enum image_status)sqlite3_column_int(s, 2),
		.owner = column_str(s, 4, a),
		.key = column_str(s, 5, a),
		.file_name = column_str(s, 6, a),
		.file_type = column_str(s, 7, a),
		.file_size = (uint64_t)sqlite3_column_int64(s, 8),
		.etag = column_str(s, 9, a),
		.width = (uint32_t)sqlite3_column_int64(s, 10),
		.height = (uint32_t)sqlite3_column_int64(s, 11),
		.orientation = (uint32_t)sqlite3_column_int64(s, 12),
		.frames = (uint32_t)sqlite3_column_int64(s, 13),
		.created_ms = sqlite3_column_int64(s, 14),
		.expires_ms = sqlite3_column_int64(s, 15),
		.uploaded_ms = sqlite3_column_int64(s, 16),
		.ends_ms = sqlite3_column_int64(s, 17),
		.reason = column_str(s, 18, a),
		.delete_hash = column_str(s, 19, a),
		.is_public = sqlite3_column_int(s, 20) != 0,
		.received_size = (uint64_t)sqlite3_column_int64(s, 21),
		.received_sha256 = column_str(s, 22, a),
		.stripped = sqlite3_column_int(s, 23) != 0,
		.removed = (uint32_t)sqlite3_column_int64(s, 24),
		.verdict = column_str(s, 25, a),
		.damage = column_str(s, 26, a),
		.placeholder = column_str(s, 27, a),
		.color = column_str(s, 28, a),
		.kept_metadata = column_str(s, 29, a),
		.version = (uint64_t)sqlite3_column_int64(s, 30),
		.issuer = column_str(s, 31, a),
		.subject = column_str(s, 32, a),
		.max_bytes = (uint64_t)sqlite3_column_int64(s, 33),
		.metadata = column_str(s, 34, a),
		.request_hash = column_str(s, 35, a),
	};
	return fault_check_arena(a, why);
}
