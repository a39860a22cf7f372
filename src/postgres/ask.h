/* Internal to postgres/: single statements, each a transaction of its own: reads, and writes that are safe to repeat, since a statement is
 * sent again after the connection is lost. All waiting statements share a round trip; the caller reads the result on its own thread. */
#ifndef POSTGRES_ASK_H
#define POSTGRES_ASK_H

#include "postgres/lane.h"

struct pg_asker {
	struct pg_lane lane;
};

enum status pg_asker_start(struct pg_asker *s, struct fault *why) MUST_CHECK;
void pg_asker_stop(struct pg_asker *s);
/* Run one statement.
 * out     written only on OK; owned by the caller, who frees it with result_clear
 * Errors  STORAGE_FAILED, with the time to try again if the database cannot be reached; DISK_FULL; DEADLINE */
enum status pg_ask(struct pg_asker *s, enum pg_query q, const struct pg_value *values, PGresult **out, struct fault *why) MUST_CHECK;
#define PG_ASK(s, q, out, why, ...) pg_ask((s), (q), (const struct pg_value[]){ __VA_ARGS__, { PG_END } }, (out), (why))

#endif
