/* The reserve. See space.h. statvfs costs a microsecond, so nothing is cached. */
#include "local/space.h"

#include "base/log.h"
#include "base/metrics.h"
#include "local/io.h"

#include <errno.h>

/* New rows stop at a quarter of the reserve, 16 MiB at most: even a huge reserve refuses bodies alone. */
#define ROWS_FLOOR_MAX_BYTES (16u << 20)

static void note(struct space *s, bool low, uint64_t free_bytes)
{
	metric_set(M_FREE_BYTES, (int64_t)free_bytes);
	if (atomic_load_explicit(&s->low, memory_order_relaxed) == low || atomic_exchange(&s->low, low) == low)
		return;
	if (low)
		LOG(STORE_LOW, STR(""), LOG_I("freeBytes", free_bytes), LOG_I("reserveBytes", s->reserve_bytes));
	else
		LOG(STORE_BACK, STR(""), LOG_I("freeBytes", free_bytes), LOG_I("reserveBytes", s->reserve_bytes));
}

static bool look(struct space *s, uint64_t *free_bytes)
{
	struct statvfs fs;

	if (local_io.statvfs(s->fd, &fs) != 0)
		return false;
	*free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	note(s, *free_bytes < s->reserve_bytes, *free_bytes);
	return true;
}

void space_measure(struct space *s)
{
	uint64_t free_bytes = 0;

	/* What cannot be told now keeps its last value. */
	(void)look(s, &free_bytes);
}

enum status space_take(struct space *s, uint64_t bytes, struct fault *why)
{
	uint64_t free_bytes = 0;

	if (!look(s, &free_bytes))
		return io_fault(why, errno, "statvfs");
	uint64_t promised = atomic_fetch_add(&s->promised_bytes, bytes);
	if (free_bytes >= s->reserve_bytes && free_bytes - s->reserve_bytes >= promised &&
	    free_bytes - s->reserve_bytes - promised >= bytes)
		return OK;
	space_give(s, bytes);
	return fault_set(why, DISK_FULL, "There is no room for this upload now; try again later.");
}

void space_give(struct space *s, uint64_t bytes)
{
	atomic_fetch_sub(&s->promised_bytes, bytes);
}

bool space_for_rows(struct space *s)
{
	uint64_t floor = s->reserve_bytes / 4;
	uint64_t free_bytes = 0;

	if (floor > ROWS_FLOOR_MAX_BYTES)
		floor = ROWS_FLOOR_MAX_BYTES;
	/* Not to be told: let the commit find out. */
	return !look(s, &free_bytes) || free_bytes >= floor;
}
