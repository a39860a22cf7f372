/* The reserve and the ballast. See space.h. statvfs costs a microsecond, so nothing is cached. */
#include "store/files/space.h"

#include "base/log/log.h"
#include "base/metrics.h"
#include "store/files/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>

/* New rows stop at a quarter of the reserve, 16 MiB at most: even a huge reserve refuses bodies alone. */
#define ROWS_FLOOR_MAX_BYTES ((uint64_t)16 << 20)
/* A small disk has a small ballast. */
#define BALLAST_SHARE 64

static void note_level(struct space *s, bool low, uint64_t free_bytes)
{
	metric_set(M_FREE_BYTES, (int64_t)free_bytes);
	if (atomic_load_explicit(&s->low, memory_order_relaxed) == low || atomic_exchange(&s->low, low) == low)
		return;
	if (low)
		LOG(STORE_LOW, STR(""), LOG_I("freeBytes", free_bytes), LOG_I("reserveBytes", s->reserve_bytes));
	else
		LOG(STORE_BACK, STR(""), LOG_I("freeBytes", free_bytes), LOG_I("reserveBytes", s->reserve_bytes));
}

static bool measure_free(struct space *s, uint64_t *free_bytes)
{
	struct statvfs fs;

	if (local_io.statvfs(s->fd, &fs) != 0)
		return false;
	*free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	note_level(s, *free_bytes < s->reserve_bytes, *free_bytes);
	return true;
}

void space_measure(struct space *s)
{
	uint64_t free_bytes = 0;

	/* If it cannot be measured the gauge keeps its last value. */
	(void)measure_free(s, &free_bytes);
}

static uint64_t least_free(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Space reserved for deletes: twice what the ballast needs, so that it can be allocated again. */
static uint64_t owed(const struct space *s)
{
	return 2 * atomic_load_explicit(&s->owed_bytes, memory_order_relaxed);
}

static uint64_t rows_floor(const struct space *s)
{
	return least_free(s->reserve_bytes / 4, ROWS_FLOOR_MAX_BYTES) + owed(s);
}

static bool has_space(uint64_t room, uint64_t promised, uint64_t bytes)
{
	return room >= promised && room - promised >= bytes;
}

enum status space_reserve(struct space *s, uint64_t bytes, enum space_use use, struct fault *why)
{
	uint64_t free_bytes = 0;

	if (!measure_free(s, &free_bytes))
		return io_fault(why, errno, "statvfs");
	uint64_t promised = atomic_fetch_add(&s->promised_bytes, bytes);
	bool enough = free_bytes >= s->reserve_bytes + owed(s);
	uint64_t reusable = use == SPACE_ROWS && free_bytes >= rows_floor(s) ? atomic_load(&s->reusable_bytes) : 0;
	if (enough && has_space(free_bytes - s->reserve_bytes - owed(s), promised, bytes))
		return OK;
	if (reusable > 0 && has_space(reusable, promised, bytes))
		return OK;
	space_release(s, bytes);
	return fault_set(why, DISK_FULL, "Not enough free space for this upload; try again later.");
}

void space_release(struct space *s, uint64_t bytes)
{
	uint64_t promised = atomic_fetch_sub(&s->promised_bytes, bytes);

	assert(promised >= bytes);
}

enum status space_check(struct space *s, uint64_t bytes, enum space_use use, struct fault *why)
{
	TRY(space_reserve(s, bytes, use, why));
	space_release(s, bytes);
	return OK;
}

/* Free pages count for half of it: rows that use them still need room in the log. */
bool space_for_rows(struct space *s)
{
	uint64_t floor = rows_floor(s), free_bytes = 0;

	/* Unknown: let the commit find out. */
	return !measure_free(s, &free_bytes) || free_bytes + least_free(atomic_load(&s->reusable_bytes), floor / 2) >= floor;
}

uint64_t space_spare_pages(struct space *s, uint64_t page_bytes)
{
	uint64_t free_bytes = 0;

	assert(page_bytes > 0);
	return measure_free(s, &free_bytes) && free_bytes > s->reserve_bytes ? (free_bytes - s->reserve_bytes) / 4 / page_bytes : 0;
}

/* The size that the ballast should have here, and the free space; 0 where that is unknown. */
static uint64_t ballast_bytes(const struct space *s, uint64_t *free_bytes)
{
	struct statvfs fs;

	if (local_io.statvfs(s->fd, &fs) != 0)
		return 0;
	*free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return least_free(SPACE_BALLAST_BYTES, (uint64_t)fs.f_blocks * fs.f_frsize / BALLAST_SHARE);
}

void space_open(struct space *s)
{
	struct stat st;
	uint64_t free_bytes = 0, bytes = ballast_bytes(s, &free_bytes);
	bool there = fstatat(s->fd, SPACE_BALLAST_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 && (uint64_t)st.st_size >= bytes;

	atomic_store(&s->owed_bytes, there ? 0 : bytes);
	if (free_bytes < bytes)
		space_drop_ballast(s);
}

void space_drop_ballast(struct space *s)
{
	uint64_t free_bytes = 0, bytes = ballast_bytes(s, &free_bytes);

	if (local_io.unlink(s->fd, SPACE_BALLAST_NAME) == 0)
		atomic_store(&s->owed_bytes, bytes);
}

void space_renew_ballast(struct space *s)
{
	uint64_t free_bytes = 0, bytes = atomic_load_explicit(&s->owed_bytes, memory_order_relaxed);

	/* If new rows are accepted next to it: also on a disk that is never above the reserve. */
	if (bytes == 0 || !measure_free(s, &free_bytes) || free_bytes < rows_floor(s))
		return;
	int fd = local_io.open(s->fd, SPACE_BALLAST_NAME, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600);
	bool made = fd >= 0 && local_io.fallocate(fd, 0, 0, (off_t)bytes) == 0;

	/* Where less fits than was reported (a quota) it is tried again; what the file system cannot do is not. */
	if (made || !io_is_full(errno))
		atomic_store(&s->owed_bytes, 0);
	/* A part of it is of no use: it would never be made whole. */
	if (fd >= 0 && !made)
		(void)local_io.unlink(s->fd, SPACE_BALLAST_NAME);
	io_close(fd);
}
