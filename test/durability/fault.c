/* A library to preload into the server that makes one call fail: the n-th of a kind from now. The test
 * steers it through a small mapped file named by FAULT_CONTROL:
 *
 *   kind       which call: 0 none, else one of enum kind
 *   countdown  fails when it falls to 0
 *   error      the errno it then has
 *   hits       how many calls were made to fail
 *
 * test/blackbox/fault_test.mjs drives it. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum kind { NONE, OPEN, WRITE, SYNC, MEMORY, NAME, READ };

struct control {
	int64_t kind, countdown, error, hits;
};

static struct control *control;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULT_CONTROL");
	int fd = path != NULL ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
	if (fd < 0)
		return;
	void *map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	control = map == MAP_FAILED ? NULL : map;
	syscall(SYS_close, fd);
}

static bool fails(enum kind kind)
{
	if (control == NULL || __atomic_load_n(&control->kind, __ATOMIC_SEQ_CST) != kind)
		return false;
	if (__atomic_sub_fetch(&control->countdown, 1, __ATOMIC_SEQ_CST) != 0)
		return false;
	__atomic_add_fetch(&control->hits, 1, __ATOMIC_SEQ_CST);
	errno = (int)control->error;
	return true;
}

/* Sockets are not meant: only files fail here. */
static bool is_file(int fd)
{
	struct stat st;
	return syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

static int open_any(int at, const char *name, int flags, mode_t mode)
{
	return fails(OPEN) ? -1 : (int)syscall(SYS_openat, at, name, flags, mode);
}

#define MODE_OF(last) \
	va_list args; \
	va_start(args, last); \
	mode_t mode = va_arg(args, mode_t); \
	va_end(args);

int open(const char *name, int flags, ...)
{
	MODE_OF(flags)
	return open_any(AT_FDCWD, name, flags, mode);
}

int open64(const char *name, int flags, ...)
{
	MODE_OF(flags)
	return open_any(AT_FDCWD, name, flags, mode);
}

int openat(int at, const char *name, int flags, ...)
{
	MODE_OF(flags)
	return open_any(at, name, flags, mode);
}

int openat64(int at, const char *name, int flags, ...)
{
	MODE_OF(flags)
	return open_any(at, name, flags, mode);
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

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
	return fails(NAME) ? -1 : (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
}

int unlinkat(int at, const char *name, int flags)
{
	return fails(NAME) ? -1 : (int)syscall(SYS_unlinkat, at, name, flags);
}

int unlink(const char *name)
{
	return unlinkat(AT_FDCWD, name, 0);
}

int mkdirat(int at, const char *name, mode_t mode)
{
	return fails(NAME) ? -1 : (int)syscall(SYS_mkdirat, at, name, mode);
}

ssize_t read(int fd, void *p, size_t n)
{
	return is_file(fd) && fails(READ) ? -1 : syscall(SYS_read, fd, p, n);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	return fails(READ) ? -1 : syscall(SYS_pread64, fd, p, n, at);
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
	return pread(fd, p, n, at);
}

ssize_t write(int fd, const void *p, size_t n)
{
	return is_file(fd) && fails(WRITE) ? -1 : syscall(SYS_write, fd, p, n);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return fails(WRITE) ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

int ftruncate(int fd, off_t size)
{
	return fails(WRITE) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

int fsync(int fd)
{
	return fails(SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return fails(SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

/* glibc's own allocator under its own names. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	return fails(MEMORY) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails(MEMORY) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails(MEMORY) ? NULL : __libc_realloc(p, n);
}
