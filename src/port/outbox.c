/* The words of the outbox. See outbox.h. */
#include "port/outbox.h"

static const char *const kind_names[OUTBOX_KINDS] = {
	[OUTBOX_UPLOADED] = "image.uploaded",
	[OUTBOX_REJECTED] = "image.rejected",
	[OUTBOX_DELETED] = "image.deleted",
	[OUTBOX_EXPIRED] = "image.expired",
};

static const char *const state_names[OUTBOX_STATES] = {
	[OUTBOX_WAITING] = "waiting",
	[OUTBOX_DELIVERED] = "delivered",
	[OUTBOX_FAILED] = "failed",
};

struct str outbox_kind_name(enum outbox_kind kind)
{
	assert(kind < OUTBOX_KINDS);
	return str_of(kind_names[kind]);
}

struct str outbox_state_name(enum outbox_state state)
{
	assert(state < OUTBOX_STATES);
	return str_of(state_names[state]);
}

bool outbox_state_parse(struct str text, enum outbox_state *out)
{
	assert(out != NULL);
	for (unsigned i = 0; i < OUTBOX_STATES; i++)
		if (str_equal(text, str_of(state_names[i]))) {
			*out = (enum outbox_state)i;
			return true;
		}
	return false;
}
