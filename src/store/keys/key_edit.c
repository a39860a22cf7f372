/* Editing the credentials file. See key_edit.h. The text is changed where it must be and nowhere else;
 * what comes out is read like a server would before it is written. */
#include "store/keys/key_edit.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/ini.h"
#include "base/mem.h"
#include "store/files/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The file, locked, with its text and what that says. */
struct editing {
	const char *dir;
	int dir_fd;
	struct buf text;
	struct arena arena;
	struct profiles *all;
};

static enum status parse_file(struct editing *e, struct str text, struct fault *why)
{
	struct fault cause;

	if (profiles_parse(text, &e->arena, e->all, &cause) == OK)
		return OK;
	return fault_set(why, STORAGE_FAILED, "%s/credentials is malformed: %s. Fix it first.", e->dir, cause.text);
}

static enum status begin_edit(struct editing *e, bool make, struct fault *why)
{
	struct stat st;

	buf_init(&e->text, PROFILES_MAX_BYTES);
	arena_init(&e->arena, 2 * PROFILES_ARENA_BYTES);
	e->all = mem_new(1, sizeof *e->all);
	e->dir_fd = open(e->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->all == NULL)
		return fault_set(why, STORAGE_FAILED, "Memory ran out.");
	if (e->dir_fd < 0)
		return io_fault_start(why, errno, "open the data directory", e->dir);
	if (fstat(e->dir_fd, &st) != 0)
		return io_fault_start(why, errno, "use the data directory", e->dir);
	const struct file_rule rule = {
		.owner = geteuid() == 0 ? st.st_uid : geteuid(), .what = "data directory", .path = e->dir, .instead = "choose another with --data"
	};
	TRY(file_check_private(e->dir_fd, &rule, why));
	TRY(key_file_lock(e->dir_fd, e->dir, why));
	if (make)
		TRY(key_file_make(e->dir_fd, e->dir, why));
	TRY(key_file_read(e->dir_fd, e->dir, &e->text, &st, why));
	return parse_file(e, buf_str(&e->text), why);
}

static void end_edit(struct editing *e)
{
	key_text_deinit(&e->text);
	arena_deinit(&e->arena);
	if (e->all != NULL)
		secret_wipe(e->all, sizeof *e->all);
	mem_free(e->all);
	io_close(e->dir_fd);
}

/* adding */

static enum status append_profile(struct editing *e, const struct key_addition *k, struct fault *why)
{
	struct fault cause;
	struct buf *b = &e->text;
	char name[KEY_USER_MAX + 1] = { 0 };

	TRY(begin_edit(e, true, why));
	if (!profile_name_valid(k->name))
		return fault_set(
			why, INVALID_INPUT, "A name must be 1 to %d of A-Z, a-z, 0-9, '.', '_' and '-', a letter or digit first", KEY_USER_MAX);
	for (size_t i = 0; i < e->all->n; i++) {
		const struct key_profile *p = &e->all->all[i];
		if (str_equal(str_of(p->name), k->name))
			return fault_set(why, INVALID_INPUT, "A key named %s already exists; remove it first, or choose another name", p->name);
		if (strcmp(p->key.id, k->key->id) == 0)
			return fault_set(why, INVALID_INPUT, "The access key id is used by the key named %s", p->name);
	}
	if (e->all->n == PROFILES_MAX)
		return fault_set(why, INVALID_INPUT, "There are %d keys, which is the most", PROFILES_MAX);
	memcpy(name, k->name.p, k->name.n);
	if (b->n > 0 && b->p[b->n - 1] != '\n')
		buf_put_char(b, '\n');
	buf_put(b, b->n > 0 ? STR("\n") : STR(""));
	new_key_write(b, name, k->key);
	if (k->user.n > 0)
		buf_printf(b, "tintype_user = %.*s\n", STRF(k->user));
	if (k->n_grants > 0) {
		buf_put(b, STR("tintype_allow = "));
		grants_write(b, k->grants, k->n_grants);
		buf_put_char(b, '\n');
	}
	if (!buf_ok(b))
		return fault_set(why, INVALID_INPUT, "The file would be longer than %d bytes", PROFILES_MAX_BYTES);
	if (profiles_parse(buf_str(b), &e->arena, e->all, &cause) != OK)
		return fault_set(why, INVALID_INPUT, "A user or grant cannot be written: %s", cause.text);
	return key_file_write(e->dir_fd, buf_str(b), e->dir, why);
}

enum status key_edit_add(const char *dir, const struct key_addition *k, struct fault *why)
{
	struct editing e = { .dir = dir, .dir_fd = -1 };

	assert(dir != NULL && k->key != NULL && k->key->id[0] != 0 && k->key->secret[0] != 0);
	enum status status = append_profile(&e, k, why);

	end_edit(&e);
	return status;
}

/* removing */

/* Where the profile lies in a text that is well-formed: from its [name] to its last setting. Comments after that are of what
 * follows. */
static struct str section_of(struct str text, struct str name)
{
	const char *from = NULL, *to = NULL;
	struct ini ini = { .rest = text };
	struct ini_line line;
	while (ini_next(&ini, &line, NULL) == OK && line.kind != INI_END && !(from != NULL && line.kind == INI_SECTION)) {
		if (line.kind == INI_SECTION && str_equal(line.name, name))
			from = line.start;
		if (from != NULL)
			to = ini.rest.p != NULL ? ini.rest.p : text.p + text.n;
	}
	return from != NULL ? (struct str){ from, (size_t)(to - from) } : (struct str){ 0 };
}

static enum status cut_out(struct editing *e, struct str name, struct buf *b, struct fault *why)
{
	TRY(begin_edit(e, false, why));
	struct str text = buf_str(&e->text), part = section_of(text, name);
	if (part.p == NULL)
		return fault_set(why, INVALID_INPUT, "No key has that name; see `tintype keys list`");
	/* Append `text` without `part` of it, and without the empty line that stood after that. */
	size_t from = (size_t)(part.p - text.p);
	struct str before = str_slice(text, 0, from), after = str_slice(text, from + part.n, text.n);

	if (str_starts_with(after, STR("\n")))
		after = str_slice(after, 1, after.n);
	while (after.n == 0 && str_ends_with(before, STR("\n\n")))
		before.n--;
	buf_put(b, before);
	buf_put(b, after);
	if (!buf_ok(b))
		return fault_set(why, STORAGE_FAILED, "Memory ran out.");
	TRY(parse_file(e, buf_str(b), why));
	return key_file_write(e->dir_fd, buf_str(b), e->dir, why);
}

enum status key_edit_remove(const char *dir, struct str name, struct fault *why)
{
	struct editing e = { .dir = dir, .dir_fd = -1 };
	struct buf b CLEANUP(key_text_deinit);

	buf_init(&b, PROFILES_MAX_BYTES);
	if (str_equal(name, STR(KEY_OWNER_NAME)) || str_equal(name, STR("slots")))
		return fault_set(why, INVALID_INPUT, "[%.*s] cannot be removed: the server needs it. To change its key, edit the file", STRF(name));
	enum status status = cut_out(&e, name, &b, why);
	end_edit(&e);
	return status;
}

/* listing */

void key_rights_write(struct buf *b, const struct access_key *k)
{
	switch (k->power) {
	case KEY_OWNER:
		buf_put(b, STR("everything"));
		break;
	case KEY_SLOTS:
		buf_put(b, STR("upload slots"));
		break;
	case KEY_USER:
		buf_put(b, k->n_grants == 0 ? STR("everything") : STR(""));
		grants_write(b, k->grants, k->n_grants);
		break;
	}
}

enum status key_edit_each(const char *dir, void (*each)(void *arg, const struct key_profile *), void *arg, struct fault *why)
{
	struct editing e = { .dir = dir, .dir_fd = -1 };

	assert(dir != NULL && each != NULL);
	enum status status = begin_edit(&e, false, why);

	for (size_t i = 0; status == OK && i < e.all->n; i++)
		each(arg, &e.all->all[i]);
	end_edit(&e);
	return status;
}

static void list_profile(void *arg, const struct key_profile *p)
{
	struct buf *out = arg;

	buf_printf(out, "%-20s  %-24s  %-20s  ", p->name, p->key.id, p->key.power == KEY_SLOTS ? "-" : p->key.user);
	key_rights_write(out, &p->key);
	buf_put_char(out, '\n');
}

enum status key_edit_list(const char *dir, struct buf *out, struct fault *why)
{
	buf_printf(out, "%-20s  %-24s  %-20s  %s\n", "NAME", "ACCESS KEY ID", "BUCKETS OF", "MAY");
	return key_edit_each(dir, list_profile, out, why);
}
