/* API keys: GET and POST /keys, DELETE /keys/{keyId}, for administrators. Runs on workers.
 *
 * The text of a key is in one response, that which made it; what is kept is its SHA-256. */
#include "api/body.h"
#include "api/call.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log/log.h"
#include "base/writer.h"
#include "identity/api_key_text.h"

#define ANSWER_MAX_BYTES ((size_t)1 << 20)

void api_scopes_write(struct buf *b, unsigned scopes)
{
	assert(b != NULL && (scopes & ~(unsigned)SCOPES_ALL) == 0);
	writer_open(b, STR("scopes"), '[');
	for (unsigned scope = 1; scope <= SCOPES_ALL; scope <<= 1)
		if ((scopes & scope) != 0)
			writer_text(b, STR(""), str_of(api_scope_name(scope)));
	writer_close(b, ']');
}

/* Without the closing brace. */
static void open_key(struct buf *b, const struct api_key_row *row)
{
	writer_open(b, STR(""), '{');
	writer_text(b, STR("keyId"), row->id);
	writer_text(b, STR("name"), row->name);
	api_scopes_write(b, row->scopes);
	if (row->owner.n > 0)
		writer_text(b, STR("owner"), row->owner);
	writer_time(b, STR("createdAt"), row->created_ms);
	if (row->expires_ms > 0)
		writer_time(b, STR("expiresAt"), row->expires_ms);
	if (row->used_ms > 0)
		writer_time(b, STR("usedAt"), row->used_ms);
}

static enum status need_keys(const struct api_call *c, struct fault *why)
{
	return c->api->options.api_keys != NULL ? OK : fault_set(why, NOT_HERE, "This server has no API keys.");
}

enum status keys_list(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->route->rule == FOR_ADMINS);
	struct api_key_page page;
	struct buf b CLEANUP(buf_deinit) = { 0 };
	TRY(need_keys(c, why));
	TRY(api_key_list(c->api->options.api_keys, c->arena, &page, why));
	buf_init(&b, ANSWER_MAX_BYTES);
	writer_open(&b, STR(""), '{');
	writer_open(&b, STR("keys"), '[');
	for (size_t i = 0; i < page.n; i++) {
		open_key(&b, &page.rows[i]);
		writer_close(&b, '}');
	}
	writer_close(&b, ']');
	writer_number(&b, STR("count"), page.n);
	writer_close(&b, '}');
	return call_json(c, &b, why);
}

/* The owner of the key: none, the user in whose name the call is made, or a known one by its hash. */
static enum status read_owner(const struct api_call *c, struct str asked, struct api_key_row *row, struct fault *why)
{
	struct user_row user;
	if (c->acts_as.n > 0) {
		row->owner = c->caller.owner;
		row->issuer = c->caller.issuer;
		row->subject = c->caller.subject;
	}
	if (asked.n == 0 || str_equal(asked, row->owner))
		return OK;
	if (row->owner.n > 0)
		return fault_set(why, BAD_FIELD, "owner and onBehalfOf name different users; give one of them.");
	if (c->api->product->users == NULL)
		return fault_set(why, NOT_HERE, "This server has no users: name the user by onBehalfOf.");
	TRY(user_get(c->api->product->users, asked, c->arena, &user, why));
	row->owner = user.owner;
	row->issuer = user.issuer;
	row->subject = user.subject;
	return OK;
}

/* A key of a user allows no more than that user may do. The caller is an administrator, who may give every scope. */
static enum status check_scopes(const struct api_key_row *row, struct fault *why)
{
	if (row->owner.n == 0 || (row->scopes & ~(unsigned)SCOPES_USER) == 0)
		return OK;
	return fault_set(
		why, BAD_FIELD, "A key of one user has the scopes upload, read and delete at most; for others leave owner and onBehalfOf out.");
}

enum status keys_add(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->route->rule == FOR_ADMINS);
	char text[API_KEY_TEXT_CHARS + 1], hash[API_KEY_HASH_CHARS + 1];
	struct key_request want;
	struct str id;
	struct buf b;
	TRY(body_read_key(c->arena, buf_str(&c->body), &want, why));
	TRY(need_keys(c, why));
	api_key_text_make(text);
	bool formed = api_key_text_parse(str_of(text), &id);
	assert(formed);
	api_key_text_hash(str_of(text), hash);
	struct api_key_row row = { .id = str_dup(c->arena, id),
		.hash = str_dup(c->arena, str_of(hash)),
		.name = want.name,
		.scopes = want.scopes,
		.owner = STR(""),
		.issuer = STR(""),
		.subject = STR(""),
		.created_ms = clock_now_ms() };
	TRY(read_owner(c, want.owner, &row, why));
	TRY(check_scopes(&row, why));
	row.expires_ms = want.expires_in_s > 0 ? row.created_ms + want.expires_in_s * 1000 : 0;
	buf_init_arena(&b, c->arena, BODY_MAX_BYTES);
	open_key(&b, &row);
	writer_text(&b, STR("key"), str_of(text));
	writer_close(&b, '}');
	secret_wipe(text, sizeof text);
	TRY(fault_check_arena(c->arena, why));
	TRY(api_key_add(c->api->options.api_keys, &row, why));
	LOG(API_KEY_CHANGED, c->x->request.id, LOG_S("keyId", row.id), LOG_C("change", "added"));
	TRY(call_json(c, &b, why));
	c->x->answer.status = 201;
	return OK;
}

enum status keys_remove(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->route->rule == FOR_ADMINS);
	TRY(need_keys(c, why));
	TRY(api_key_remove(c->api->options.api_keys, c->at.segment, why));
	LOG(API_KEY_CHANGED, c->x->request.id, LOG_S("keyId", c->at.segment), LOG_C("change", "removed"));
	c->x->answer.status = 204;
	return OK;
}
