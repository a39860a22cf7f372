/* See hold.h. The time of the last renewal is the file's time of modification, which kernel and server read from the same clock.
 * A lock on the file prevents a second backup; the server ignores it, since a backup that hangs holds it too. */
#include "store/files/hold.h"

#include "base/clock.h"
#include "store/files/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RENEW_EVERY_S 30

/* Whether the lease of this file has not ended. One that was renewed in the future is of a clock that was set back. */
static bool is_fresh(const struct stat *st)
{
	int64_t age_s = clock_now_ms() / 1000 - st->st_mtim.tv_sec;

	return age_s < HOLD_LEASE_S && age_s > -HOLD_LEASE_S;
}

bool hold_is_on(int dir_fd)
{
	struct stat st;

	assert(dir_fd >= 0);
	return fstatat(dir_fd, HOLD_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && is_fresh(&st);
}

static enum status touch(struct hold *h, struct fault *why)
{
	const struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };

	return futimens(h->fd, now) == 0 ? OK : io_fault(why, errno, "renew " HOLD_NAME);
}

enum status hold_take(struct hold *h, int dir_fd, struct fault *why)
{
	struct stat dir;

	assert(dir_fd >= 0);
	*h = (struct hold){ .dir_fd = dir_fd, .fd = openat(dir_fd, HOLD_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600) };
	if (h->fd < 0 && errno == EROFS)
		return OK;
	if (h->fd < 0)
		return io_fault_start(why, errno, "write the data directory's", HOLD_NAME);
	if (flock(h->fd, LOCK_EX | LOCK_NB) != 0) {
		io_close(h->fd);
		h->fd = -1;
		return fault_set(why, DIR_LOCKED, "Another backup of this data directory is running; wait for it to end.");
	}
	/* Of root's backup the server's user must be able to make the next. */
	if (geteuid() == 0 && fstat(dir_fd, &dir) == 0)
		(void)!fchown(h->fd, dir.st_uid, dir.st_gid);
	TRY(touch(h, why));
	/* The file of one that has just ended may have lost its name. */
	return hold_is_on(dir_fd) ? OK : fault_set(why, DIR_LOCKED, "Another backup of this data directory has just ended; run it again.");
}

enum status hold_renew(struct hold *h, struct fault *why)
{
	struct stat st;

	if (h->fd < 0)
		return OK;
	if (fstat(h->fd, &st) != 0)
		return io_fault(why, errno, "inspect " HOLD_NAME);
	if (st.st_nlink == 0 || !is_fresh(&st))
		return fault_set(why, DEADLINE, "The backup stood still for too long, and the server removes files again; run it again.");
	return clock_now_ms() / 1000 - st.st_mtim.tv_sec < RENEW_EVERY_S ? OK : touch(h, why);
}

void hold_release(struct hold *h)
{
	if (h->fd < 0)
		return;
	(void)unlinkat(h->dir_fd, HOLD_NAME, 0);
	io_close(h->fd);
	h->fd = -1;
}
