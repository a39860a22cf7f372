/* See upload_watch.h. A directory is watched before it is read, so that a file that comes in between is found by the one or the other, or
 * by both: the same bytes are sent once all the same. When events were lost, everything is walked again. */
#include "cli/upload_watch.h"

#include "base/mem.h"
#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_MOVE_SELF | IN_ONLYDIR)

/* Called by the walk with a directory that it is about to read. The same directory gets the same id again. */
static enum status watch_directory(void *arg, const struct walk_file *at, int fd, struct fault *why)
{
	struct upload_watch *w = arg;
	char path[64];
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (w->n == w->cap) {
		size_t cap = w->cap > 0 ? w->cap * 2 : 64;
		struct watched_dir *dirs = mem_resize(w->dirs, cap, sizeof *dirs);
		if (dirs == NULL)
			return fault_no_memory(why);
		w->dirs = dirs;
		w->cap = cap;
	}
	int id = inotify_add_watch(w->fd, path, EVENTS);
	if (id < 0 && errno == ENOSPC)
		return fault_set(why, STORAGE_FAILED, "cannot be watched: the limit fs.inotify.max_user_watches is reached; raise it with sysctl");
	if (id < 0)
		return fault_set(why, STORAGE_FAILED, "cannot be watched: %s", strerrordesc_np(errno));
	size_t i = 0;
	while (i < w->n && w->dirs[i].id != id)
		i++;
	w->dirs[i] = (struct watched_dir){ id, at->root, at->below };
	w->n += i == w->n;
	return OK;
}

enum status upload_watch_init(struct upload_watch *w, struct file_walk *walk, struct fault *why)
{
	assert(w != NULL && walk != NULL);
	*w = (struct upload_watch){ .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC) };
	if (w->fd < 0)
		return fault_set(why, STORAGE_FAILED, "directories cannot be watched: %s", strerrordesc_np(errno));
	walk->enter = watch_directory;
	walk->enter_arg = w;
	walk->skips_unfinished = true;
	return OK;
}

void upload_watch_deinit(struct upload_watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	mem_free(w->dirs);
	*w = (struct upload_watch){ .fd = -1 };
}

static struct watched_dir *find_dir(struct upload_watch *w, int id)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->dirs[i].id == id)
			return &w->dirs[i];
	return NULL;
}

/* A directory was moved away: neither it nor what is below it is watched any more.
 * top  its path below the root; "": the root itself */
static void forget_tree(struct upload_watch *w, const char *root, struct str top)
{
	for (size_t i = 0; i < w->n; i++) {
		struct str below = str_of(w->dirs[i].below);
		bool inside = w->dirs[i].root == root && str_starts_with(below, top) && (top.n == 0 || below.n == top.n || below.p[top.n] == '/');
		if (inside && w->dirs[i].id >= 0)
			(void)inotify_rm_watch(w->fd, w->dirs[i].id);
		if (inside)
			w->dirs[i].id = -1;
	}
}

static void forget_child(struct upload_watch *w, const struct watched_dir *parent, const char *name)
{
	struct arena a CLEANUP(arena_deinit) = { 0 };
	arena_init(&a, 1u << 20);
	forget_tree(w, parent->root, str_printf(&a, "%s%s%s", parent->below, parent->below[0] != '\0' ? "/" : "", name));
}

static void handle_event(struct upload_watch *w, struct file_walk *walk, const struct inotify_event *e)
{
	struct watched_dir *found = find_dir(w, e->wd);
	if (found == NULL)
		return;
	const struct watched_dir dir = *found;
	bool is_root = dir.below[0] == '\0';
	if ((e->mask & IN_IGNORED) != 0)
		found->id = -1;
	if ((e->mask & IN_MOVE_SELF) != 0 && is_root) /* other directories are covered by the event of their parent */
		forget_tree(w, dir.root, STR(""));
	if ((e->mask & (IN_IGNORED | IN_MOVE_SELF)) != 0 && is_root)
		walk_report(walk, dir.root, "", "is gone, and not watched any more");
	if (e->len == 0)
		return;
	if ((e->mask & IN_ISDIR) != 0 && (e->mask & IN_MOVED_FROM) != 0)
		forget_child(w, &dir, e->name);
	else if ((e->mask & IN_ISDIR) != 0 || (e->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0)
		walk_add_below(walk, dir.root, dir.below, e->name);
}

/* Once more from the operands, each of which stands in the table with nothing below it. */
static void walk_again(struct upload_watch *w, struct file_walk *walk)
{
	size_t n = w->n;
	for (size_t i = 0; i < n; i++)
		if (w->dirs[i].id >= 0 && w->dirs[i].below[0] == '\0')
			walk_add(walk, w->dirs[i].root);
}

void upload_watch_read(struct upload_watch *w, struct file_walk *walk)
{
	assert(w != NULL && walk != NULL);
	_Alignas(struct inotify_event) char events[16384];
	ssize_t n;
	while ((n = read(w->fd, events, sizeof events)) > 0) {
		bool lost = false;
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const struct inotify_event *)(const void *)(events + at);
			lost = lost || (e->mask & IN_Q_OVERFLOW) != 0;
			handle_event(w, walk, e);
			at += (ssize_t)(sizeof *e + e->len);
		}
		if (lost)
			walk_again(w, walk);
	}
}

size_t upload_watch_roots(const struct upload_watch *w)
{
	size_t n = 0;
	for (size_t i = 0; i < w->n; i++)
		n += w->dirs[i].id >= 0 && w->dirs[i].below[0] == '\0';
	return n;
}
