/* A recorder to preload into the server: writes down, in order and with their bytes, the calls that
 * decide what a power cut leaves on disk (open, write, truncate, sync, link, rename, unlink, mkdir) and the
 * answers that were sent in the meantime. test/blackbox/durability_test.mjs replays the record.
 *
 * RECORD names the file to write to. Only files below RECORD_DIR are recorded, and every socket.
 * A record: kind (1 byte), three 64-bit little-endian numbers, the length of the payload in 32 bits,
 * the payload. Calls and their records are under one lock, so the order is the order of effect: a
 * sync is recorded twice, when it begins and when it is done: it covers what was written before it began. */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 65536

static struct {
	pthread_mutex_t lock;
	int out;
	char dir[PATH_MAX];
	uint64_t inode[FILES]; /* by descriptor: 0 is not recorded */
} recorder = { .lock = PTHREAD_MUTEX_INITIALIZER, .out = -1 };

__attribute__((constructor)) static void begin(void)
{
	const char *out = getenv("RECORD"), *dir = getenv("RECORD_DIR");
	if (out == NULL || dir == NULL)
		return;
	snprintf(recorder.dir, sizeof(recorder.dir), "%s", dir);
	recorder.out = (int)syscall(SYS_openat, AT_FDCWD, out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void write_all(const void *p, size_t n)
{
	for (const char *at = p; n > 0;) {
		long done = syscall(SYS_write, recorder.out, at, n);
		if (done <= 0)
			abort();
		at += done;
		n -= (size_t)done;
	}
}

/* The lock is held. */
static void record(char kind, const uint64_t n[3], const void *payload, uint32_t length)
{
	char head[1 + 3 * 8 + 4];
	head[0] = kind;
	memcpy(head + 1, n, 24);
	memcpy(head + 25, &length, 4);
	write_all(head, sizeof(head));
	write_all(payload, length);
}

static bool is_recorded(const char *path)
{
	return recorder.out >= 0 && strncmp(path, recorder.dir, strlen(recorder.dir)) == 0;
}

/* The absolute path of `name` seen from `at`, without resolving links. */
static void absolute(int at, const char *name, char out[PATH_MAX])
{
	char link[64], dir[PATH_MAX] = "";
	if (name[0] == '/') {
		snprintf(out, PATH_MAX, "%s", name);
		return;
	}
	snprintf(link, sizeof(link), at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
	if (readlink(link, dir, sizeof(dir) - 1) < 0)
		dir[0] = '\0';
	if (strncmp(name, "./", 2) == 0)
		name += 2;
	if ((size_t)snprintf(out, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		abort();
}

static int opened(int fd, const char *path, bool existed)
{
	struct stat st;
	if (fd < 0 || fd >= FILES || syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH) != 0)
		return fd;
	recorder.inode[fd] = st.st_ino;
	record(S_ISDIR(st.st_mode) ? 'd' : 'o', (uint64_t[3]){ st.st_ino, !existed, 0 }, path, (uint32_t)strlen(path));
	return fd;
}

static int open_any(int at, const char *name, int flags, mode_t mode)
{
	char path[PATH_MAX];
	struct stat st;
	absolute(at, name, path);
	if (!is_recorded(path)) {
		int fd = (int)syscall(SYS_openat, at, name, flags, mode);
		if (fd >= 0 && fd < FILES)
			recorder.inode[fd] = 0;
		return fd;
	}
	pthread_mutex_lock(&recorder.lock);
	bool existed = syscall(SYS_newfstatat, at, name, &st, 0) == 0;
	int fd = opened((int)syscall(SYS_openat, at, name, flags, mode), path, existed);
	if (fd >= 0 && existed && (flags & O_TRUNC) != 0)
		record('t', (uint64_t[3]){ recorder.inode[fd], 0, 0 }, "", 0);
	pthread_mutex_unlock(&recorder.lock);
	return fd;
}

#define MODE_OF(flags, last) \
	mode_t mode = 0; \
	if (((flags) & (O_CREAT | O_TMPFILE)) != 0) { \
		va_list args; \
		va_start(args, last); \
		mode = va_arg(args, mode_t); \
		va_end(args); \
	}

int open(const char *name, int flags, ...)
{
	MODE_OF(flags, flags)
	return open_any(AT_FDCWD, name, flags, mode);
}

int open64(const char *name, int flags, ...)
{
	MODE_OF(flags, flags)
	return open_any(AT_FDCWD, name, flags | O_LARGEFILE, mode);
}

int openat(int at, const char *name, int flags, ...)
{
	MODE_OF(flags, flags)
	return open_any(at, name, flags, mode);
}

int openat64(int at, const char *name, int flags, ...)
{
	MODE_OF(flags, flags)
	return open_any(at, name, flags | O_LARGEFILE, mode);
}

/* What a fortified program calls in place of open and openat; the declarations are glibc's own names. */
int __open_2(const char *name, int flags);
int __open64_2(const char *name, int flags);
int __openat_2(int at, const char *name, int flags);
int __openat64_2(int at, const char *name, int flags);

int __open_2(const char *name, int flags)
{
	return open_any(AT_FDCWD, name, flags, 0);
}

int __open64_2(const char *name, int flags)
{
	return open_any(AT_FDCWD, name, flags, 0);
}

int __openat_2(int at, const char *name, int flags)
{
	return open_any(at, name, flags, 0);
}

int __openat64_2(int at, const char *name, int flags)
{
	return open_any(at, name, flags, 0);
}

static uint64_t inode_of(int fd)
{
	return fd >= 0 && fd < FILES ? recorder.inode[fd] : 0;
}

int close(int fd)
{
	if (fd >= 0 && fd < FILES)
		recorder.inode[fd] = 0;
	return (int)syscall(SYS_close, fd);
}

/* closedir closes inside the C library. */
int closedir(DIR *dir)
{
	static int (*next)(DIR *);

	if (next == NULL)
		next = (int (*)(DIR *))dlsym(RTLD_NEXT, "closedir");
	int fd = dirfd(dir);
	if (fd >= 0 && fd < FILES)
		recorder.inode[fd] = 0;
	return next(dir);
}

static bool is_socket(int fd)
{
	struct stat st;
	return recorder.out >= 0 && syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH) == 0 && S_ISSOCK(st.st_mode);
}

/* The first bytes of what is sent on a socket, before it is sent. */
static void sending(int fd, const void *p, size_t n)
{
	if (!is_socket(fd))
		return;
	pthread_mutex_lock(&recorder.lock);
	record('s', (uint64_t[3]){ (uint64_t)fd, n, 0 }, p, (uint32_t)(n < 2048 ? n : 2048));
	pthread_mutex_unlock(&recorder.lock);
}

static ssize_t written(int fd, const void *p, size_t n, off_t at)
{
	pthread_mutex_lock(&recorder.lock);
	uint64_t from = at >= 0 ? (uint64_t)at : (uint64_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
	ssize_t done = at >= 0 ? syscall(SYS_pwrite64, fd, p, n, at) : syscall(SYS_write, fd, p, n);
	if (done > 0)
		record('w', (uint64_t[3]){ inode_of(fd), from, 0 }, p, (uint32_t)done);
	pthread_mutex_unlock(&recorder.lock);
	return done;
}

ssize_t write(int fd, const void *p, size_t n)
{
	if (inode_of(fd) != 0)
		return written(fd, p, n, -1);
	sending(fd, p, n);
	return syscall(SYS_write, fd, p, n);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return inode_of(fd) != 0 ? written(fd, p, n, at) : syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	if (inode_of(fd) != 0)
		abort(); /* files are not written like this; the record would be wrong */
	if (n > 0)
		sending(fd, v[0].iov_base, v[0].iov_len);
	return syscall(SYS_writev, fd, v, n);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	sending(fd, p, n);
	return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	if (m->msg_iovlen > 0)
		sending(fd, m->msg_iov[0].iov_base, m->msg_iov[0].iov_len);
	return syscall(SYS_sendmsg, fd, m, flags);
}

static void sync_step(char kind, uint64_t inode, uint64_t ticket)
{
	if (inode == 0)
		return;
	pthread_mutex_lock(&recorder.lock);
	record(kind, (uint64_t[3]){ inode, ticket, 0 }, "", 0);
	pthread_mutex_unlock(&recorder.lock);
}

static int synced(int fd, long call)
{
	static uint64_t tickets;
	uint64_t inode = inode_of(fd), ticket = __atomic_add_fetch(&tickets, 1, __ATOMIC_RELAXED);
	sync_step('b', inode, ticket);
	int result = (int)syscall(call, fd);
	if (result == 0)
		sync_step('f', inode, ticket);
	return result;
}

int fsync(int fd)
{
	return synced(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return synced(fd, SYS_fdatasync);
}

int ftruncate(int fd, off_t size)
{
	pthread_mutex_lock(&recorder.lock);
	int result = (int)syscall(SYS_ftruncate, fd, size);
	if (result == 0 && inode_of(fd) != 0)
		record('t', (uint64_t[3]){ inode_of(fd), (uint64_t)size, 0 }, "", 0);
	pthread_mutex_unlock(&recorder.lock);
	return result;
}

int ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

/* Blocks beyond the end change neither what is read nor the size; without FALLOC_FL_KEEP_SIZE the file grows by zeros. */
int fallocate(int fd, int mode, off_t at, off_t n)
{
	struct stat st;
	pthread_mutex_lock(&recorder.lock);
	uint64_t inode = inode_of(fd);
	if (inode != 0 && (mode & ~FALLOC_FL_KEEP_SIZE) != 0)
		abort();
	int result = (int)syscall(SYS_fallocate, fd, mode, at, n);
	if (result == 0 && inode != 0 && mode == 0 && fstat(fd, &st) == 0)
		record('t', (uint64_t[3]){ inode, (uint64_t)st.st_size, 0 }, "", 0);
	pthread_mutex_unlock(&recorder.lock);
	return result;
}

int fallocate64(int fd, int mode, off64_t at, off64_t n)
{
	return fallocate(fd, mode, at, n);
}

/* A call on one or two names; what is recorded are the paths, with a NUL between them. */
static int named(char kind, long call, const char *paths, uint32_t length, const uint64_t arg[5])
{
	bool wanted = is_recorded(paths);
	if (wanted)
		pthread_mutex_lock(&recorder.lock);
	int result = (int)syscall(call, arg[0], arg[1], arg[2], arg[3], arg[4]);
	if (wanted && result == 0)
		record(kind, (uint64_t[3]){ 0 }, paths, length);
	if (wanted)
		pthread_mutex_unlock(&recorder.lock);
	return result;
}

int unlinkat(int at, const char *name, int flags)
{
	char path[PATH_MAX];
	absolute(at, name, path);
	return named(
		'u', SYS_unlinkat, path, (uint32_t)strlen(path), (uint64_t[5]){ (uint64_t)at, (uint64_t)(uintptr_t)name, (uint64_t)flags });
}

int unlink(const char *name)
{
	return unlinkat(AT_FDCWD, name, 0);
}

int mkdirat(int at, const char *name, mode_t mode)
{
	char path[PATH_MAX];
	absolute(at, name, path);
	return named('m', SYS_mkdirat, path, (uint32_t)strlen(path), (uint64_t[5]){ (uint64_t)at, (uint64_t)(uintptr_t)name, mode });
}

int mkdir(const char *name, mode_t mode)
{
	return mkdirat(AT_FDCWD, name, mode);
}

/* Both paths with a NUL between; how many bytes. */
static uint32_t both(int from_at, const char *from, int to_at, const char *to, char paths[2 * PATH_MAX])
{
	absolute(from_at, from, paths);
	size_t n = strlen(paths) + 1;
	absolute(to_at, to, paths + n);
	return (uint32_t)(n + strlen(paths + n));
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
	char paths[2 * PATH_MAX];
	uint32_t n = both(from_at, from, to_at, to, paths);
	return named('r', SYS_renameat2, paths, n,
		(uint64_t[5]){ (uint64_t)from_at, (uint64_t)(uintptr_t)from, (uint64_t)to_at, (uint64_t)(uintptr_t)to });
}

int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
	char paths[2 * PATH_MAX];
	uint32_t n = both(from_at, from, to_at, to, paths);
	return named('l', SYS_linkat, paths, n,
		(uint64_t[5]){ (uint64_t)from_at, (uint64_t)(uintptr_t)from, (uint64_t)to_at, (uint64_t)(uintptr_t)to, (uint64_t)flags });
}

int link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* Calls that change a file and that tintype does not use: the record would be wrong, so the program is aborted. */

static void refuse(int fd)
{
	if (inode_of(fd) != 0)
		abort();
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	refuse(fd);
	return syscall(SYS_pwritev, fd, v, n, at, 0);
}

ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t at)
{
	return pwritev(fd, v, n, at);
}

int dup(int fd)
{
	refuse(fd);
	return (int)syscall(SYS_dup, fd);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	char path[PATH_MAX];
	absolute(from_at, from, path);
	if (is_recorded(path))
		abort();
	return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
}
