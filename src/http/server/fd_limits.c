/* Descriptors. Clients that open connections and send nothing must not use up those that everything else
 * depends on: with none left no listener accepts, no body is
 * written and /healthz cannot be checked. So some are spare for files, some are the admin
 * listener's, and the rest is room for the API's and the storage's connections: a quarter of it is
 * assured to each, and the other half is first come, first served.
 *
 * The counts that are compared come from many reactors and may be late by some: the spare bears it. */
#include "http/server/fd_limits.h"
#include "base/log/log.h"

#include <stdio.h>
#include <sys/resource.h>

#define ADMIN_CONNECTIONS 256u
#define SPARE_FILES 1024u    /* database, log, bodies and objects that are open at once */
#define SPARE_FILES_MIN 128u /* twice the objects that the store keeps open */
#define ROOM_MIN 8u

static uint64_t at_most(uint64_t n, uint64_t max)
{
	return n < max ? n : max;
}

struct fd_limits fd_limits_share(uint64_t files, unsigned wanted)
{
	uint64_t spare = at_most(files / 4, SPARE_FILES), admin = at_most(files / 16, ADMIN_CONNECTIONS);
	if (spare < SPARE_FILES_MIN)
		spare = SPARE_FILES_MIN;
	uint64_t room = files > spare + admin + ROOM_MIN ? files - spare - admin : ROOM_MIN;
	room = at_most(room, 2 * (uint64_t)wanted);
	return (struct fd_limits){ .room = (unsigned)room, .assured = (unsigned)room / 4, .admin = admin == 0 ? 1 : (unsigned)admin };
}

bool fd_limits_may_open(const struct fd_limits *s, int64_t own, int64_t other)
{
	assert(s->assured <= s->room && own >= 0 && other >= 0);
	int64_t kept = other > s->assured ? other : s->assured;
	return own + kept < s->room;
}

struct fd_limits fd_limits_raise(unsigned wanted)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return fd_limits_share(UINT64_MAX, wanted);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	struct fd_limits shares = fd_limits_share(limit.rlim_cur, wanted);
	if (shares.room >= 2 * (uint64_t)wanted)
		return shares;
	char text[240];
	snprintf(text, sizeof text,
		"only %llu files may be open: the API and the storage accept %u connections together (%u are assured to either), "
		"not max-connections (%u) each, and admin %u; the rest is for files",
		(unsigned long long)limit.rlim_cur, shares.room, shares.assured, wanted, shares.admin);
	LOG(LIMIT_LOW, STR(""), LOG_I("limit", limit.rlim_cur), LOG_C("text", text));
	return shares;
}
