/* See phase.h. */
#include "store/db/phase.h"

enum status phase_read(struct db *d, enum transfer_phase *out, struct fault *why)
{
	int64_t phase = 0;

	TRY(db_read_number(d, db_query(d, Q_MIGRATION_PHASE), &phase, why));
	*out = phase > 0 && phase < TRANSFER_PHASES ? (enum transfer_phase)phase : TRANSFER_NONE;
	return OK;
}
