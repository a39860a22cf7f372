/* Removing old snapshots, and then what no snapshot names any more. The lock of the destination keeps other backups out. */
#include "backup/backup.h"

#include "backup/snapshots.h"
#include "base/mem.h"

#include <stdio.h>

#define MANIFEST_BYTES ((size_t)128 << 20)
#define LIST_BYTES (BACKUP_LIST_MAX + BACKUP_NAME_MAX)

struct prune {
	struct target *target;
	struct names snapshots; /* that are kept */
	struct arena *arenas;   /* of their manifests */
	struct manifest *manifests;
	struct names used; /* of the folder that is worked on */
};

static void prune_deinit(struct prune *p)
{
	for (size_t i = 0; p->arenas != NULL && i < p->snapshots.n; i++)
		arena_deinit(&p->arenas[i]);
	mem_free(p->arenas);
	mem_free(p->manifests);
	names_deinit(&p->snapshots);
	names_deinit(&p->used);
}

static enum status read_manifests(struct prune *p, struct fault *why)
{
	TRY(snapshots_list(p->target, &p->snapshots, why));
	p->arenas = mem_new(p->snapshots.n + 1, sizeof *p->arenas);
	p->manifests = mem_new(p->snapshots.n + 1, sizeof *p->manifests);
	if (p->arenas == NULL || p->manifests == NULL)
		return fault_no_memory(why);
	for (size_t i = 0; i < p->snapshots.n; i++) {
		arena_init(&p->arenas[i], MANIFEST_BYTES);
		TRY(snapshots_read(p->target, names_text(p->snapshots.all[i]), &p->arenas[i], &p->manifests[i], why));
	}
	return OK;
}

/* Remove what is in a folder and not in `used`, and empty that. */
static enum status remove_unused(struct prune *p, struct str folder, struct fault *why)
{
	struct names there CLEANUP(names_deinit) = { 0 };
	names_sort(&p->used);
	TRY(p->target->ops->list(p->target, folder, &there, why));
	for (size_t i = 0; i < there.n; i++)
		if (!names_has(&p->used, names_text(there.all[i])))
			TRY(p->target->ops->remove(p->target, names_text(there.all[i]), why));
	names_deinit(&p->used);
	return OK;
}

static enum status use_name(struct prune *p, const char *folder, struct str name, struct fault *why)
{
	char memory[BACKUP_NAME_MAX];
	struct buf b;
	buf_init_fixed(&b, memory, sizeof memory);
	buf_printf(&b, "%s%.*s", folder, STRF(name));
	TRY(fault_check_buf(&b, why));
	return names_add(&p->used, buf_str(&b), 0, why);
}

/* Use each line of a list, below a folder of objects, or as pieces of a database where that is NULL. */
static enum status use_list(struct prune *p, const char *folder, struct str sha256, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct str rest;
	arena_init(&a, LIST_BYTES);
	TRY(snapshots_read_list(p->target, sha256, &a, &rest, why));
	while (rest.n > 0) {
		char memory[BACKUP_NAME_MAX];
		struct buf b;
		struct str line = str_cut(&rest, '\n');
		buf_init_fixed(&b, memory, sizeof memory);
		if (folder == NULL && format_is_hash(line))
			format_database_piece(&b, line);
		else
			buf_printf(&b, "%s%.*s", folder != NULL ? folder : "", STRF(line));
		TRY(use_name(p, "", buf_str(&b), why));
	}
	return OK;
}

static enum status prune_database(struct prune *p, struct fault *why)
{
	for (size_t i = 0; i < p->snapshots.n; i++)
		TRY(use_list(p, NULL, p->manifests[i].database_list, why));
	return remove_unused(p, STR("database"), why);
}

static enum status prune_lists(struct prune *p, struct fault *why)
{
	for (size_t i = 0; i < p->snapshots.n; i++) {
		const struct manifest *m = &p->manifests[i];
		TRY(use_name(p, "lists/", m->database_list, why));
		for (size_t j = 0; j < m->n_lists; j++)
			TRY(use_name(p, "lists/", m->lists[j].sha256, why));
	}
	TRY(remove_unused(p, STR("lists"), why));
	for (size_t i = 0; i < p->snapshots.n; i++)
		if (p->manifests[i].credentials.n > 0)
			TRY(use_name(p, "secrets/", p->manifests[i].credentials, why));
	return remove_unused(p, STR("secrets"), why);
}

static enum status prune_folder(struct prune *p, const char *folder, uint64_t number, struct fault *why)
{
	char memory[BACKUP_NAME_MAX + 1];
	struct str last = { 0 };
	(void)snprintf(memory, sizeof memory, "%s/", folder);
	for (size_t i = 0; i < p->snapshots.n; i++) {
		const struct manifest *m = &p->manifests[i];
		for (size_t j = 0; j < m->n_lists; j++) {
			if (m->lists[j].folder != number || str_equal(m->lists[j].sha256, last))
				continue;
			last = m->lists[j].sha256; /* successive snapshots mostly have the same */
			TRY(use_list(p, memory, last, why));
		}
	}
	return remove_unused(p, str_of(folder), why);
}

static enum status prune_objects(struct prune *p, struct fault *why)
{
	char folder[BACKUP_NAME_MAX] = "";
	for (;;) {
		uint64_t number = 0;
		TRY(p->target->ops->next_folder(p->target, folder, folder, why));
		if (folder[0] == '\0')
			return OK;
		if (format_parse_folder(str_of(folder), &number))
			TRY(prune_folder(p, folder, number, why));
	}
}

static enum status prune_all(struct prune *p, struct fault *why)
{
	TRY(read_manifests(p, why));
	TRY(prune_database(p, why));
	TRY(prune_objects(p, why));
	return prune_lists(p, why);
}

enum status backup_prune(struct target *t, uint64_t keep, uint64_t *removed, struct fault *why)
{
	assert(t != NULL && keep > 0);
	struct names all CLEANUP(names_deinit) = { 0 };
	struct prune p CLEANUP(prune_deinit) = { .target = t };
	*removed = 0;
	TRY(snapshots_list(t, &all, why));
	for (size_t i = 0; i + keep < all.n; i++, ++*removed)
		TRY(t->ops->remove(t, names_text(all.all[i]), why));
	TRY(t->ops->flush(t, why));
	return prune_all(&p, why);
}
