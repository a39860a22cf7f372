/* What all tables share of a migration: the names of its phases, and what each refuses. */
#include "port/transfer.h"

#define TRY_AGAIN_MS 60000
#define SHOWN_BYTES 40 /* of an id that is refused */

static const char *const names[TRANSFER_PHASES] = { "none", "copying", "draining", "closed", "arriving", "arrived" };

struct str transfer_phase_name(enum transfer_phase phase)
{
	assert((size_t)phase < COUNT_OF(names));
	return str_of(names[phase]);
}

bool transfer_phase_parse(struct str text, enum transfer_phase *out)
{
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_equal(text, str_of(names[i]))) {
			*out = (enum transfer_phase)i;
			return true;
		}
	return false;
}

enum status transfer_bad_row(struct str image_id, struct fault *why)
{
	return fault_set(why, INVALID_INPUT, "The row of the image %.*s cannot be stored.", STRF(str_slice(image_id, 0, SHOWN_BYTES)));
}

enum status transfer_bad_event(struct str id, struct fault *why)
{
	return fault_set(why, INVALID_INPUT, "The event %.*s cannot be stored.", STRF(str_slice(id, 0, SHOWN_BYTES)));
}

static enum status refuse(const char *sentence, struct fault *why)
{
	enum status end = fault_set(why, READ_ONLY, "%s", sentence);
	fault_retry_after(why, TRY_AGAIN_MS);
	return end;
}

enum status transfer_check_upload(enum transfer_phase phase, struct fault *why)
{
	switch (phase) {
	case TRANSFER_NONE:
	case TRANSFER_COPYING:
	case TRANSFER_DRAINING:
	case TRANSFER_ARRIVED:
		return OK;
	case TRANSFER_CLOSED:
		return refuse("The images are being moved to another store: nothing can be changed here any more. Try again later.", why);
	case TRANSFER_ARRIVING:
		return refuse("The images are being moved to this store: nothing can be changed until all are here. Try again later.", why);
	}
	return OK;
}

enum status transfer_check_change(enum transfer_phase phase, struct fault *why)
{
	if (phase == TRANSFER_DRAINING)
		return refuse("The images are being moved to another store: nothing can be changed until that is done. Try again later.", why);
	return transfer_check_upload(phase, why);
}
