/* How changes run their statements on the writer's connection: one that fails loses the batch. See group_commit.h. */
#include "store/db/group_commit.h"

#include <string.h>

enum status writer_check_change(const struct writer *w, struct fault *why)
{
	return w->is_migration ? OK : transfer_check_change(w->phase, why);
}

enum status writer_check_upload(const struct writer *w, struct fault *why)
{
	return w->is_migration ? OK : transfer_check_upload(w->phase, why);
}

enum status writer_step(struct writer *w, sqlite3_stmt *s, bool *row)
{
	enum status status = db_step(&w->db, s, row, &w->failure);

	if (status != OK)
		w->broken = true;
	return status;
}

enum status writer_run(struct writer *w, sqlite3_stmt *s)
{
	bool row = false;

	TRY(writer_step(w, s, &row));
	w->has_deleted = w->has_deleted || strncmp(sqlite3_sql(s), "DELETE", strlen("DELETE")) == 0;
	sqlite3_reset(s);
	return OK;
}

enum status writer_read_number(struct writer *w, sqlite3_stmt *s, int64_t *out)
{
	enum status status = db_read_number(&w->db, s, out, &w->failure);

	w->broken = w->broken || status != OK;
	return status;
}
