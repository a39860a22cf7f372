/* The words of the outbox. See outbox.h. */
#include "port/outbox.h"

#include "base/codec.h"
#include "base/hash.h"

#define ID_PREFIX "msg_"
#define NUMBER_CHARS (OUTBOX_ID_CHARS - 4 - OUTBOX_TOKEN_CHARS)

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

void outbox_make_token(char token[OUTBOX_TOKEN_CHARS + 1])
{
	unsigned char random[OUTBOX_TOKEN_CHARS / 2];
	random_bytes(random, sizeof random);
	hex_encode(random, sizeof random, token);
}

struct str outbox_write_id(int64_t n, struct str token, struct arena *a)
{
	return str_printf(a, ID_PREFIX "%0*llx%.*s", NUMBER_CHARS, (unsigned long long)n, STRF(token));
}

bool outbox_parse_id(struct str id, int64_t *n, struct str *token)
{
	unsigned char bytes[NUMBER_CHARS / 2];
	if (id.n != OUTBOX_ID_CHARS || !str_starts_with(id, STR(ID_PREFIX)) ||
		!hex_decode(str_slice(id, 4, 4 + NUMBER_CHARS), bytes, sizeof bytes))
		return false;
	*n = 0;
	for (size_t i = 0; i < sizeof bytes; i++)
		*n = *n << 8 | bytes[i];
	*token = str_slice(id, 4 + NUMBER_CHARS, id.n);
	return true;
}

enum status no_such_event(struct fault *why)
{
	return fault_set(why, NO_SUCH_EVENT, "There is no webhook with this id; delivered ones are forgotten after a while.");
}
