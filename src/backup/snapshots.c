/* See snapshots.h. */
#include "backup/snapshots.h"

#include "base/clock.h"

#include <stdio.h>

#define FOLDER "snapshots/"

struct str snapshots_time(const struct name_entry *e)
{
	return str_slice(names_text(e), STR(FOLDER).n, e->n);
}

enum status snapshots_list(struct target *t, struct names *out, struct fault *why)
{
	struct names all CLEANUP(names_deinit) = { 0 };
	int64_t ms;
	TRY(t->ops->list(t, STR("snapshots"), &all, why));
	for (size_t i = 0; i < all.n; i++)
		if (str_starts_with(names_text(all.all[i]), STR(FOLDER)) && clock_parse_amz_date(snapshots_time(all.all[i]), &ms))
			TRY(names_add(out, names_text(all.all[i]), all.all[i]->size, why));
	names_sort(out);
	return OK;
}

enum status snapshots_read(struct target *t, struct str name, struct arena *a, struct manifest *out, struct fault *why)
{
	struct str text;
	struct fault found = { 0 };
	TRY(target_get(t, name, BACKUP_MANIFEST_MAX, a, &text, why));
	enum status status = manifest_parse(text, a, out, &found);
	if (status != OK)
		fault_write(why, found.code, "%.*s: %s", STRF(name), found.text);
	return status;
}

enum status snapshots_read_list(struct target *t, struct str sha256, struct arena *a, struct str *out, struct fault *why)
{
	return target_get_verified(t, str_printf(a, "lists/%.*s", STRF(sha256)), sha256, BACKUP_LIST_MAX, a, out, why);
}
