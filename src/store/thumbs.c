/* See thumbs.h. A file is thumbs/<2 digits>/<image id>-<variant>@<size>, written under a name of its own and renamed, so that it is
 * there whole or not at all. It is not synced: its size is in its name, so that a start finds out which a crash has cut. An index of them
 * is kept in memory, by image and by use; the time of the last use is also the file's time of access, set at most once an hour,
 * so that the order survives a restart. An empty file remembers that its thumbnail cannot be made. Those that are requested often
 * stay open. */
#include "store/thumbs.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "store/files/io.h"
#include "store/files/object_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDERS 256
#define BUCKETS_LEAST 1024
#define USED_EVERY_S 3600
#define FILE_LEAST_BYTES 512 /* what an empty file is counted as */
#define FILE_CHARS (PATH_CHARS + 21)
#define PATH_CHARS (3 + UUID_CHARS + 1 + THUMB_NAME_MAX + 1)

struct entry {
	struct entry *next;          /* of the bucket */
	struct entry *newer, *older; /* by use */
	int64_t used_s;
	uint64_t size;
	char path[PATH_CHARS]; /* without the size */
};

struct thumbs {
	struct thumb_store port;
	int dir_fd;
	uint64_t most_bytes, reserve_bytes;
	pthread_mutex_t lock;
	/* under the lock */
	struct entry **buckets; /* by the image's id */
	size_t n_buckets, n;    /* a power of 2; entries */
	struct entry *newest, *oldest;
	uint64_t bytes, turn;       /* of all files; of the next temporary name */
	struct object_cache opened; /* has a lock of its own */
};

/* The index */

static uint64_t charge_of(uint64_t size)
{
	return size > FILE_LEAST_BYTES ? size : FILE_LEAST_BYTES;
}

static struct str id_of(const char *path)
{
	return (struct str){ path + 3, UUID_CHARS };
}

static struct entry **bucket_of(const struct thumbs *t, struct str id)
{
	return &t->buckets[hash_fnv64(HASH_FNV64, id) & (t->n_buckets - 1)];
}

static bool make_path(struct str id, struct str name, char out[PATH_CHARS])
{
	if (!uuid_valid(id) || name.n == 0 || name.n > THUMB_NAME_MAX || !str_consists_of_lower(name, STR("-.")))
		return false;
	(void)snprintf(out, PATH_CHARS, "%.2s/%.*s-%.*s", id.p, STRF(id), STRF(name));
	return true;
}

static void make_file_name(const char *path, uint64_t size, char out[FILE_CHARS])
{
	(void)snprintf(out, FILE_CHARS, "%s@%llu", path, (unsigned long long)size);
}

static struct entry *find_entry(const struct thumbs *t, const char *path)
{
	struct entry *e = *bucket_of(t, id_of(path));
	while (e != NULL && strcmp(e->path, path) != 0)
		e = e->next;
	return e;
}

static void unlink_use(struct thumbs *t, struct entry *e)
{
	*(e->newer != NULL ? &e->newer->older : &t->newest) = e->older;
	*(e->older != NULL ? &e->older->newer : &t->oldest) = e->newer;
}

static void make_newest(struct thumbs *t, struct entry *e)
{
	e->newer = NULL;
	e->older = t->newest;
	*(t->newest != NULL ? &t->newest->newer : &t->oldest) = e;
	t->newest = e;
}

static void forget_entry(struct thumbs *t, struct entry *e)
{
	struct entry **at = bucket_of(t, id_of(e->path));
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	unlink_use(t, e);
	t->bytes -= charge_of(e->size);
	t->n--;
	mem_free(e);
}

/* Twice the buckets, where there is memory for them. */
static void grow_buckets(struct thumbs *t)
{
	struct entry **old = t->buckets, **more = mem_new(t->n_buckets * 2, sizeof(struct entry *));
	size_t n = t->n_buckets;
	if (more == NULL)
		return;
	t->buckets = more;
	t->n_buckets = n * 2;
	for (size_t i = 0; i < n; i++) {
		for (struct entry *e = old[i], *next; e != NULL; e = next) {
			next = e->next;
			struct entry **at = bucket_of(t, id_of(e->path));
			e->next = *at;
			*at = e;
		}
	}
	mem_free(old);
}

/* NULL: no memory. */
static struct entry *add_entry(struct thumbs *t, const char *path, uint64_t size, int64_t used_s)
{
	struct entry *e = mem_new(1, sizeof *e);
	if (e == NULL)
		return NULL;
	if (t->n >= t->n_buckets * 2)
		grow_buckets(t);
	struct entry **at = bucket_of(t, id_of(path));
	e->used_s = used_s;
	e->size = size;
	memcpy(e->path, path, strlen(path) + 1);
	e->next = *at;
	*at = e;
	make_newest(t, e);
	t->bytes += charge_of(size);
	t->n++;
	return e;
}

static void drop_entry(struct thumbs *t, struct entry *e)
{
	char file[FILE_CHARS];
	make_file_name(e->path, e->size, file);
	(void)local_io.unlink(t->dir_fd, file);
	object_cache_clear(&t->opened);
	forget_entry(t, e);
}

static void drop_oldest(struct thumbs *t)
{
	while (t->bytes > t->most_bytes && t->oldest != t->newest) /* the newest is being asked for */
		drop_entry(t, t->oldest);
	metric_set(M_THUMBS_BYTES, (int64_t)t->bytes);
}

/* The port */

static enum status no_such_thumb(struct fault *why)
{
	return fault_set(why, NO_SUCH_KEY, "The thumbnail does not exist.");
}

static void note_use(int fd, struct entry *e)
{
	int64_t now_s = clock_now_ms() / 1000;
	const struct timespec times[2] = { { .tv_sec = now_s }, { .tv_nsec = UTIME_OMIT } };
	if (now_s < e->used_s + USED_EVERY_S)
		return;
	e->used_s = now_s;
	(void)futimens(fd, times);
}

/* Under the lock. false: its file is gone. */
static bool open_entry(struct thumbs *t, const struct entry *e, const struct str name[2], struct object_file *out)
{
	char file[FILE_CHARS];
	struct stat st;
	make_file_name(e->path, e->size, file);
	int fd = local_io.open(t->dir_fd, file, O_RDONLY | O_NOFOLLOW, 0);
	if (fd < 0 || fstat(fd, &st) != 0) {
		io_close(fd);
		return false;
	}
	out->fd = fd;
	out->info = (struct object_info){ .size = (uint64_t)st.st_size, .modified_ms = (int64_t)st.st_mtim.tv_sec * 1000 };
	object_cache_offer(&t->opened, object_cache_generation(&t->opened), name, out);
	return true;
}

static enum status find_thumb(
	struct thumb_store *s, struct str id, struct str name, struct arena *a, struct object_file *out, struct fault *why)
{
	struct thumbs *t = (struct thumbs *)s;
	const struct str names[2] = { id, name };
	char path[PATH_CHARS];
	*out = (struct object_file){ .fd = -1 };
	if (!make_path(id, name, path))
		return no_such_thumb(why);
	pthread_mutex_lock(&t->lock);
	struct entry *e = find_entry(t, path);
	if (e != NULL && !object_cache_find(&t->opened, names, out) && !open_entry(t, e, names, out)) {
		drop_entry(t, e);
		e = NULL;
	}
	if (e != NULL) {
		note_use(out->fd, e);
		unlink_use(t, e);
		make_newest(t, e);
	}
	pthread_mutex_unlock(&t->lock);
	out->info.key = (struct str){ 0 };
	return e != NULL ? OK : no_such_thumb(why);
}

static int write_file(struct thumbs *t, const char *temporary, struct str bytes, const char *path)
{
	char folder[3] = { path[0], path[1], '\0' }, file[FILE_CHARS];
	make_file_name(path, bytes.n, file);
	int fd = local_io.open(t->dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
	int failed = fd < 0 || io_write_all(fd, bytes.p, bytes.n) != 0 ? errno : 0;
	io_close(fd);
	if (failed == 0 && renameat(t->dir_fd, temporary, t->dir_fd, file) != 0) {
		(void)mkdirat(t->dir_fd, folder, 0700);
		failed = renameat(t->dir_fd, temporary, t->dir_fd, file) != 0 ? errno : 0;
	}
	if (failed != 0 && fd >= 0)
		(void)local_io.unlink(t->dir_fd, temporary);
	return failed;
}

static bool has_space(const struct thumbs *t, uint64_t bytes)
{
	struct statvfs v;
	return local_io.statvfs(t->dir_fd, &v) != 0 || (uint64_t)v.f_bavail * v.f_frsize >= t->reserve_bytes + bytes;
}

static enum status keep_thumb(struct thumb_store *s, struct str id, struct str name, struct str bytes, struct fault *why)
{
	struct thumbs *t = (struct thumbs *)s;
	char path[PATH_CHARS], temporary[32];
	if (!make_path(id, name, path))
		return fault_set(why, INTERNAL, "A thumbnail has a malformed name.");
	if (!has_space(t, bytes.n))
		return fault_set(why, DISK_FULL, "The disk has no space left for thumbnails.");
	pthread_mutex_lock(&t->lock);
	uint64_t turn = t->turn++;
	pthread_mutex_unlock(&t->lock);
	(void)snprintf(temporary, sizeof temporary, "new-%llu", (unsigned long long)turn);
	int failed = write_file(t, temporary, bytes, path);
	if (failed != 0)
		return io_fault(why, failed, "write a thumbnail");
	pthread_mutex_lock(&t->lock);
	struct entry *e = find_entry(t, path);
	object_cache_clear(&t->opened);
	if (e != NULL && e->size == bytes.n)
		forget_entry(t, e); /* its file was replaced */
	else if (e != NULL)
		drop_entry(t, e);
	bool added = add_entry(t, path, bytes.n, clock_now_ms() / 1000) != NULL;
	drop_oldest(t);
	pthread_mutex_unlock(&t->lock);
	return added ? OK : fault_no_memory(why);
}

static void remove_thumbs(struct thumb_store *s, struct str id)
{
	struct thumbs *t = (struct thumbs *)s;
	pthread_mutex_lock(&t->lock);
	for (struct entry *e = *bucket_of(t, id), *next; e != NULL; e = next) {
		next = e->next;
		if (str_equal(id_of(e->path), id))
			drop_entry(t, e);
	}
	metric_set(M_THUMBS_BYTES, (int64_t)t->bytes);
	pthread_mutex_unlock(&t->lock);
}

static enum status measure_thumbs(struct thumb_store *s, struct str id, uint64_t *bytes, struct fault *why)
{
	struct thumbs *t = (struct thumbs *)s;
	*bytes = 0;
	pthread_mutex_lock(&t->lock);
	for (const struct entry *e = *bucket_of(t, id); e != NULL; e = e->next)
		*bytes += str_equal(id_of(e->path), id) ? e->size : 0;
	pthread_mutex_unlock(&t->lock);
	return OK;
}

static const struct thumb_store_ops ops = {
	.finds_without_waiting = true, .find = find_thumb, .keep = keep_thumb, .remove = remove_thumbs, .measure = measure_thumbs
};

/* The start */

/* Its thumbnail and its size, from a file's name. */
static bool read_name(struct str name, char path[PATH_CHARS], uint64_t *size)
{
	struct str rest = str_slice(name, UUID_CHARS + 1, name.n), variant = str_cut(&rest, '@');
	return name.n > UUID_CHARS + 1 && name.p[UUID_CHARS] == '-' && make_path(str_slice(name, 0, UUID_CHARS), variant, path) &&
		str_to_u64(rest, size);
}

/* What lies in one folder; a file that is not a thumbnail's is left alone. */
static bool read_folder(struct thumbs *t, const char *folder)
{
	char path[PATH_CHARS];
	uint64_t size;
	bool good = true;
	int fd = openat(t->dir_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (d == NULL) {
		io_close(fd);
		return true;
	}
	for (const struct dirent *e = readdir(d); e != NULL && good; e = readdir(d)) {
		struct stat st;
		if (!read_name(str_of(e->d_name), path, &size) || fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if ((uint64_t)st.st_size != size || find_entry(t, path) != NULL)
			(void)local_io.unlink(fd, e->d_name);
		else
			good = add_entry(t, path, size, (int64_t)st.st_atim.tv_sec) != NULL;
	}
	closedir(d);
	return good;
}

static int compare_use(const void *x, const void *y)
{
	const struct entry *a = *(const struct entry *const *)x, *b = *(const struct entry *const *)y;
	return a->used_s < b->used_s ? -1 : a->used_s > b->used_s;
}

static bool sort_by_use(struct thumbs *t)
{
	struct entry **all = mem_new(t->n + 1, sizeof(struct entry *)), **end = all;
	if (all == NULL)
		return false;
	for (struct entry *e = t->oldest; e != NULL; e = e->newer)
		*end++ = e;
	qsort(all, t->n, sizeof *all, compare_use);
	t->newest = t->oldest = NULL;
	for (struct entry **at = all; at < end; at++)
		make_newest(t, *at);
	mem_free(all);
	return true;
}

/* Files under temporary names are of writes that were cut off. */
static void remove_temporary(const struct thumbs *t)
{
	int fd = openat(t->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	for (const struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d))
		if (strncmp(e->d_name, "new-", 4) == 0)
			(void)local_io.unlink(t->dir_fd, e->d_name);
	if (d != NULL)
		closedir(d);
	else
		io_close(fd);
}

static bool read_all(struct thumbs *t)
{
	bool good = true;
	remove_temporary(t);
	for (unsigned i = 0; i < FOLDERS && good; i++) {
		char folder[12];
		(void)snprintf(folder, sizeof folder, "%02x", i);
		good = read_folder(t, folder);
	}
	return good && sort_by_use(t);
}

enum status thumbs_open(const char *dir, uint64_t most_bytes, uint64_t reserve_bytes, struct thumb_store **out, struct fault *why)
{
	assert(dir != NULL && out != NULL);
	char path[4096];
	struct thumbs *t = mem_new(1, sizeof *t);
	if (t == NULL)
		return fault_no_memory(why);
	*t = (struct thumbs){
		.port = { &ops }, .most_bytes = most_bytes, .reserve_bytes = reserve_bytes, .n_buckets = BUCKETS_LEAST, .dir_fd = -1
	};
	pthread_mutex_init(&t->lock, NULL);
	object_cache_init(&t->opened);
	t->buckets = mem_new(BUCKETS_LEAST, sizeof(struct entry *));
	*out = &t->port;
	(void)snprintf(path, sizeof path, "%s/thumbs", dir);
	(void)mkdir(path, 0700);
	t->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int failed = errno;
	enum status st = t->dir_fd < 0 ? io_fault_start(why, failed, "open the thumbnails in", dir) : OK;
	if (st == OK && (t->buckets == NULL || !read_all(t)))
		st = fault_no_memory(why);
	if (st != OK) {
		thumbs_close(out);
		return st;
	}
	drop_oldest(t);
	return OK;
}

void thumbs_close(struct thumb_store **at)
{
	assert(at != NULL);
	struct thumbs *t = (struct thumbs *)*at;
	if (t == NULL)
		return;
	for (struct entry *e = t->newest, *older; e != NULL; e = older) {
		older = e->older;
		mem_free(e);
	}
	io_close(t->dir_fd);
	pthread_mutex_destroy(&t->lock);
	object_cache_deinit(&t->opened);
	mem_free(t->buckets);
	mem_free(t);
	*at = NULL;
}
