/* Restoring a snapshot, or reading all of it to verify it. Damage is reported and the rest goes on; whether the
 * directory becomes visible is decided at the end. See backup.h. */
#include "backup/backup.h"

#include "backup/parallel.h"
#include "backup/snapshots.h"
#include "base/mem.h"
#include "store/files/io.h"
#include "store/restoration.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MANIFEST_BYTES ((size_t)128 << 20)
#define LIST_BYTES (BACKUP_LIST_MAX + BACKUP_NAME_MAX)
#define SECRETS_MAX_BYTES ((size_t)1 << 20)
/* As many lines of a list are worked on together. */
#define LINES 4096

struct restore_state {
	const struct restore_options *o;
	struct restore_result *result;
	struct arena texts;
	struct manifest manifest;
	struct restoration *restoration; /* NULL: nothing is written */
	int database_fd;
	bool database_damaged;
	pthread_mutex_t lock; /* of the result, while several threads work */
	/* the lines that are worked on */
	uint64_t folder;
	uint64_t first; /* of the database: the number of the first piece */
	struct str lines[LINES];
};

static enum status before_each(void *arg, struct fault *why)
{
	const struct backup_watch *w = &((struct restore_state *)arg)->o->watch;
	if (w->stopping != NULL && w->stopping(w->arg))
		return fault_set(why, DEADLINE, "It was stopped; run it again.");
	return OK;
}

static void report_damage(struct restore_state *s, const char *text)
{
	const struct backup_watch *w = &s->o->watch;
	pthread_mutex_lock(&s->lock);
	s->result->damaged++;
	if (w->damaged != NULL)
		w->damaged(w->arg, text);
	pthread_mutex_unlock(&s->lock);
}

/* OK where the backup itself is damaged, which is reported; then *good is false. */
static enum status judge(struct restore_state *s, enum status status, const struct fault *why, bool *good)
{
	*good = status == OK;
	if (status == OK || why->code != F_DATA_DAMAGED)
		return status;
	report_damage(s, why->text);
	return OK;
}

static enum status write_at(int fd, struct str bytes, uint64_t offset, const char *dir, struct fault *why)
{
	while (bytes.n > 0) {
		ssize_t n = pwrite(fd, bytes.p, bytes.n, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && io_is_full(errno))
			return fault_set(why, DISK_FULL, "The disk of %s is full.", dir);
		if (n <= 0)
			return fault_set(why, STORAGE_FAILED, "Cannot write to %s: %s.", dir, strerrordesc_np(n < 0 ? errno : EIO));
		offset += (uint64_t)n;
		bytes = str_slice(bytes, (size_t)n, bytes.n);
	}
	return OK;
}

/* the database */

static enum status malformed_line(struct str line, struct arena *a, struct fault *why)
{
	return fault_set(why, DATA_DAMAGED, "a list has a malformed name: %.80s", line.n > 0 ? str_cstr(a, line) : "");
}

static enum status get_database_piece(struct restore_state *s, struct str line, struct arena *a, struct str *bytes, struct fault *why)
{
	char memory[BACKUP_NAME_MAX];
	struct buf name;
	if (!format_is_hash(line))
		return malformed_line(line, a, why);
	buf_init_fixed(&name, memory, sizeof memory);
	format_database_piece(&name, line);
	return target_get_verified(s->o->target, buf_str(&name), line, BACKUP_DATABASE_PIECE, a, bytes, why);
}

static enum status restore_database_piece(void *arg, size_t i, struct fault *why)
{
	struct restore_state *s = arg;
	struct arena a CLEANUP(arena_deinit);
	struct str bytes;
	bool good;
	arena_init(&a, 2 * BACKUP_DATABASE_PIECE);
	TRY(judge(s, get_database_piece(s, s->lines[i], &a, &bytes, why), why, &good));
	if (!good)
		s->database_damaged = true;
	if (!good || s->restoration == NULL)
		return OK;
	return write_at(s->database_fd, bytes, (s->first + i) * BACKUP_DATABASE_PIECE, s->o->dir, why);
}

/* Work on a list, some lines at a time. */
static enum status walk_list(struct restore_state *s, struct str sha256, enum status (*one)(void *arg, size_t i, struct fault *why),
	uint64_t *n_lines, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct str rest;
	bool good;
	*n_lines = 0;
	arena_init(&a, LIST_BYTES);
	TRY(judge(s, snapshots_read_list(s->o->target, sha256, &a, &rest, why), why, &good));
	for (s->first = 0; good && rest.n > 0;) {
		size_t n = 0;
		while (n < LINES && rest.n > 0)
			s->lines[n++] = str_cut(&rest, '\n');
		TRY(parallel_run(&(struct parallel){ n, before_each, one, s }, why));
		s->first += n;
		*n_lines = s->first;
	}
	return OK;
}

static enum status restore_database(struct restore_state *s, struct fault *why)
{
	uint64_t pieces = 0;
	if (s->restoration != NULL)
		s->database_fd = restoration_open_database(s->restoration);
	if (s->restoration != NULL && s->database_fd < 0)
		return fault_set(why, STORAGE_FAILED, "Cannot write to %s: %s.", s->o->dir, strerrordesc_np(errno));
	TRY(walk_list(s, s->manifest.database_list, restore_database_piece, &pieces, why));
	io_close(s->database_fd);
	s->database_fd = -1;
	if (pieces != format_pieces(s->manifest.database_bytes, BACKUP_DATABASE_PIECE))
		s->database_damaged = true; /* its list is missing, which was reported */
	return OK;
}

/* the bodies */

static enum status write_piece(struct restore_state *s, const struct piece *p, struct str bytes, struct fault *why)
{
	int fd = restoration_open_file(s->restoration, p->file);
	if (fd < 0 && io_is_full(errno))
		return fault_set(why, DISK_FULL, "The disk of %s is full.", s->o->dir);
	if (fd < 0)
		return fault_set(why, STORAGE_FAILED, "Cannot write to %s: %s.", s->o->dir, strerrordesc_np(errno));
	enum status status = write_at(fd, bytes, p->number * (uint64_t)BACKUP_OBJECT_PIECE, s->o->dir, why);
	io_close(fd);
	return status;
}

static enum status get_piece(
	struct restore_state *s, struct str line, struct arena *a, struct piece *p, struct str *bytes, struct fault *why)
{
	char memory[BACKUP_NAME_MAX];
	struct buf name;
	if (!format_parse_piece(line, p) || p->file / BACKUP_FILES_PER_FOLDER != s->folder)
		return malformed_line(line, a, why);
	buf_init_fixed(&name, memory, sizeof memory);
	format_folder(&name, s->folder);
	buf_printf(&name, "/%.*s", STRF(line));
	return target_get_verified(s->o->target, buf_str(&name), p->sha256, BACKUP_OBJECT_PIECE, a, bytes, why);
}

static enum status restore_piece(void *arg, size_t i, struct fault *why)
{
	struct restore_state *s = arg;
	struct arena a CLEANUP(arena_deinit);
	struct piece p;
	struct str bytes;
	bool good;
	arena_init(&a, BACKUP_OBJECT_PIECE + ((size_t)1 << 20));
	TRY(judge(s, get_piece(s, s->lines[i], &a, &p, &bytes, why), why, &good));
	if (!good)
		return OK;
	pthread_mutex_lock(&s->lock);
	s->result->objects += p.number == 0;
	s->result->object_bytes += bytes.n;
	if (s->o->watch.progress != NULL)
		s->o->watch.progress(s->o->watch.arg, s->result->objects, s->result->object_bytes);
	pthread_mutex_unlock(&s->lock);
	return s->restoration != NULL ? write_piece(s, &p, bytes, why) : OK;
}

static enum status restore_bodies(struct restore_state *s, struct fault *why)
{
	const struct manifest *m = &s->manifest;
	uint64_t before = s->result->damaged, pieces = 0;
	for (size_t i = 0; i < m->n_lists; i++) {
		s->folder = m->lists[i].folder;
		TRY(walk_list(s, m->lists[i].sha256, restore_piece, &pieces, why));
	}
	if (s->result->damaged == before && (s->result->objects != m->objects || s->result->object_bytes != m->object_bytes))
		report_damage(s, "the manifest counts other objects than its lists name");
	return OK;
}

/* the whole */

static enum status read_credentials(struct restore_state *s, struct arena *a, struct str *out, struct fault *why)
{
	struct str hash = s->manifest.credentials;
	bool good;
	*out = STR("");
	if (hash.n == 0)
		return OK;
	return judge(
		s, target_get_verified(s->o->target, str_printf(a, "secrets/%.*s", STRF(hash)), hash, SECRETS_MAX_BYTES, a, out, why), why, &good);
}

static enum status choose_snapshot(struct restore_state *s, struct fault *why)
{
	struct names all CLEANUP(names_deinit) = { 0 };
	const struct name_entry *e = NULL;
	TRY(snapshots_list(s->o->target, &all, why));
	for (size_t i = 0; i < all.n; i++)
		if (s->o->snapshot == NULL || str_equal(snapshots_time(all.all[i]), str_of(s->o->snapshot)))
			e = all.all[i];
	if (e == NULL && s->o->snapshot != NULL)
		return fault_set(why, BAD_SETTING, "There is no snapshot %.40s; --list shows what there is.", s->o->snapshot);
	if (e == NULL)
		return fault_set(why, BAD_SETTING, "There is no snapshot yet: the first backup has not ended.");
	(void)snprintf(s->result->name, sizeof s->result->name, "%.*s", STRF(snapshots_time(e)));
	TRY(snapshots_read(s->o->target, names_text(e), &s->texts, &s->manifest, why));
	s->result->secrets = s->manifest.secrets;
	s->result->missing = s->manifest.missing;
	return OK;
}

static enum status end_damaged(const struct restore_state *s, struct fault *why)
{
	unsigned long long n = s->result->damaged;
	if (s->restoration == NULL)
		return fault_set(why, DATA_DAMAGED, "Snapshot %s is damaged; pieces missing or damaged: %llu.", s->result->name, n);
	return fault_set(why, DATA_DAMAGED,
		"Snapshot %s is damaged; pieces missing or damaged: %llu. Nothing was restored. Choose another with --snapshot%s.", s->result->name,
		n, s->database_damaged ? "" : ", or restore what is whole with --partial");
}

static enum status restore_all(struct restore_state *s, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct str credentials;
	arena_init(&a, 2 * SECRETS_MAX_BYTES);
	TRY(choose_snapshot(s, why));
	if (s->o->dir != NULL)
		TRY(restoration_begin(s->o->dir, (int)s->manifest.schema, &s->restoration, why));
	TRY(restore_database(s, why));
	TRY(restore_bodies(s, why));
	TRY(read_credentials(s, &a, &credentials, why));
	bool acceptable = s->result->damaged == 0 || (s->o->partial && !s->database_damaged && s->restoration != NULL);
	if (!acceptable)
		return end_damaged(s, why);
	enum status status = s->restoration != NULL ? restoration_finish(s->restoration, credentials, why) : OK;
	secret_wipe((char *)credentials.p, credentials.n);
	return status;
}

enum status restore_run(const struct restore_options *o, struct restore_result *out, struct fault *why)
{
	assert(o != NULL && o->target != NULL && out != NULL);
	struct restore_state *s = mem_new(1, sizeof *s);
	*out = (struct restore_result){ 0 };
	if (s == NULL)
		return fault_no_memory(why);
	s->o = o;
	s->result = out;
	s->database_fd = -1;
	arena_init(&s->texts, MANIFEST_BYTES);
	pthread_mutex_init(&s->lock, NULL);
	enum status status = restore_all(s, why);
	io_close(s->database_fd);
	restoration_free(&s->restoration);
	arena_deinit(&s->texts);
	pthread_mutex_destroy(&s->lock);
	mem_free(s);
	return status;
}
