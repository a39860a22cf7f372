/* The disk's own limit for a durable upload: the same work as a PUT without HTTP, checks or rules. N
 * threads each hash a body (MD5), write it to a new file, sync file and directory, and wait
 * for a row in a transaction that one commit thread runs for all waiting threads (SQLite, WAL, FULL). Prints
 * one JSON line.   disk_limit DIR BODY-FILE THREADS SECONDS */
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct {
	int dir;
	char *body;
	size_t body_len;
	double until;
	sqlite3 *db;
	sqlite3_stmt *insert;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	unsigned long queued, committed, files; /* tickets: rows up to `committed` are durable */
	unsigned long inserted;
	bool over;
} limit = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void sql(const char *text)
{
	if (sqlite3_exec(limit.db, text, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "disk_limit: %s: %s\n", text, sqlite3_errmsg(limit.db));
		exit(1);
	}
}

static void *commit_all(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&limit.lock);
	while (!limit.over || limit.queued > limit.committed) {
		if (limit.queued == limit.committed) {
			pthread_cond_wait(&limit.work, &limit.lock);
			continue;
		}
		unsigned long upto = limit.queued;
		pthread_mutex_unlock(&limit.lock);
		sql("BEGIN IMMEDIATE");
		for (; limit.inserted < upto; limit.inserted++) {
			sqlite3_bind_int64(limit.insert, 1, (sqlite3_int64)limit.inserted);
			sqlite3_step(limit.insert);
			sqlite3_reset(limit.insert);
		}
		sql("COMMIT");
		pthread_mutex_lock(&limit.lock);
		limit.committed = upto;
		pthread_cond_broadcast(&limit.done);
	}
	pthread_mutex_unlock(&limit.lock);
	return NULL;
}

static void commit_row(void)
{
	pthread_mutex_lock(&limit.lock);
	unsigned long ticket = ++limit.queued;
	pthread_cond_signal(&limit.work);
	while (limit.committed < ticket)
		pthread_cond_wait(&limit.done, &limit.lock);
	limit.files++;
	pthread_mutex_unlock(&limit.lock);
}

static void *put_all(void *arg)
{
	unsigned char md5[EVP_MAX_MD_SIZE];
	char name[64];
	for (unsigned long i = 0; now() < limit.until; i++) {
		EVP_Digest(limit.body, limit.body_len, md5, NULL, EVP_md5(), NULL);
		snprintf(name, sizeof(name), "%lu-%lu", (unsigned long)(size_t)arg, i);
		int fd = openat(limit.dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			die(name);
		for (size_t at = 0; at < limit.body_len;) { /* in the pieces that a socket gives */
			size_t n = limit.body_len - at < 32768 ? limit.body_len - at : 32768;
			if (write(fd, limit.body + at, n) != (ssize_t)n)
				die("write");
			at += n;
		}
		if (fdatasync(fd) != 0 || fsync(limit.dir) != 0)
			die("sync");
		close(fd);
		commit_row();
	}
	return NULL;
}

static void read_body(const char *path)
{
	FILE *f = fopen(path, "rbe");
	if (f == NULL)
		die(path);
	limit.body = malloc(64 << 20);
	limit.body_len = fread(limit.body, 1, 64 << 20, f);
	fclose(f);
}

static void open_db(const char *dir)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/limit.db", dir);
	if (sqlite3_open(path, &limit.db) != SQLITE_OK)
		die(path);
	sql("PRAGMA journal_mode=WAL");
	sql("PRAGMA synchronous=FULL");
	sql("CREATE TABLE object(id INTEGER PRIMARY KEY, about TEXT)");
	sqlite3_prepare_v2(limit.db, "INSERT INTO object VALUES(?, printf('%.200c', 'x'))", -1, &limit.insert, NULL);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: disk_limit DIR BODY-FILE THREADS SECONDS\n");
		return 2;
	}
	size_t threads = strtoul(argv[3], NULL, 10);
	pthread_t group_commit, all[256];
	limit.dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (limit.dir < 0 || threads < 1 || threads > 256)
		die(argv[1]);
	read_body(argv[2]);
	open_db(argv[1]);
	double begun = now();
	limit.until = begun + strtod(argv[4], NULL);
	pthread_create(&group_commit, NULL, commit_all, NULL);
	for (size_t i = 0; i < threads; i++)
		pthread_create(&all[i], NULL, put_all, (void *)i);
	for (size_t i = 0; i < threads; i++)
		pthread_join(all[i], NULL);
	pthread_mutex_lock(&limit.lock);
	limit.over = true;
	pthread_cond_signal(&limit.work);
	pthread_mutex_unlock(&limit.lock);
	pthread_join(group_commit, NULL);
	printf("{\"requests\":%lu,\"rate\":%.1f}\n", limit.files, (double)limit.files / (now() - begun));
	sqlite3_finalize(limit.insert);
	sqlite3_close(limit.db);
	return 0;
}
