/* Descriptors. Whoever opens connections and sends nothing must not take those that everything else
 * lives on: with none left no listener accepts (and libmicrohttpd tries again and again), no body is
 * written and nobody can look at /healthz. So each listener has a number of connections of its own,
 * that all together leave room for what is spare.
 *
 * A storage connection counts twice, because of the file that its body or answer goes through: so
 * every one of them can be served, however many there are. Runs at start, on the main thread. */
#include "serve/files.h"
#include "base/log.h"

#include <stdio.h>
#include <sys/resource.h>

#define ADMIN_CONNECTIONS 256u
#define SPARE_FILES 1024u          /* database, log, bodies and objects that are open at once */
#define SPARE_FILES_MIN 64u

static uint64_t at_most(uint64_t n, uint64_t max)
{
	return n < max ? n : max;
}

struct file_shares files_share(uint64_t files, unsigned wanted)
{
	uint64_t spare = at_most(files / 4, SPARE_FILES), admin = at_most(files / 16, ADMIN_CONNECTIONS);
	if (spare < SPARE_FILES_MIN)
		spare = SPARE_FILES_MIN;
	uint64_t room = files > spare + admin ? (files - spare - admin) / 3 : 0;
	struct file_shares shares = { .each = (unsigned)at_most(room, wanted), .admin = (unsigned)admin };
	if (shares.each == 0)
		shares.each = 1;
	if (shares.admin == 0)
		shares.admin = 1;
	return shares;
}

struct file_shares files_allow(unsigned wanted)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return (struct file_shares){ wanted, ADMIN_CONNECTIONS };
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	uint64_t files = limit.rlim_cur;
	struct file_shares shares = files_share(files, wanted);
	if (shares.each == wanted)
		return shares;
	char text[200];
	snprintf(text, sizeof text, "only %llu files may be open: the API and the storage accept %u connections each, not max-connections (%u), and admin %u; the rest is for files",
	         (unsigned long long)files, shares.each, wanted, shares.admin);
	LOG(LIMIT_LOW, STR(""), LOG_I("limit", files), LOG_C("text", text));
	return shares;
}
