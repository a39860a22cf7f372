/* Users: GET /me for every caller; GET /users, GET, PUT and DELETE below /users/{owner} for administrators. Runs on workers.
 *
 * A user exists from its first slot on. DELETE blocks new slots first, so that what is deleted is everything; what takes longer than a
 * request may is finished by the gc. */
#include "api/body.h"
#include "api/call.h"

#include "base/clock.h"
#include "base/log/log.h"
#include "base/writer.h"
#include "identity/owner.h"
#include "image/erasure.h"

#define ANSWER_MAX_BYTES ((size_t)4 << 20)

static void write_usage(struct buf *b, const struct owner_usage *u)
{
	writer_open(b, STR("usage"), '{');
	writer_number(b, STR("images"), u->images);
	writer_number(b, STR("bytes"), u->bytes);
	writer_number(b, STR("pending"), u->pending);
	writer_number(b, STR("reservedBytes"), u->reserved_bytes);
	writer_number(b, STR("derivedBytes"), u->derived_bytes);
	writer_close(b, '}');
}

static void write_limit(struct buf *b, struct str name, uint64_t limit)
{
	if (limit > 0)
		writer_number(b, name, limit);
}

static const struct owner_quota *quota_of(const struct api_call *c, const struct user_row *user)
{
	return user->has_quota ? &user->quota : &c->api->options.quota;
}

void users_write_quota(struct buf *b, const struct owner_quota *q)
{
	writer_open(b, STR("quota"), '{');
	write_limit(b, STR("images"), q->images);
	write_limit(b, STR("bytes"), q->bytes);
	write_limit(b, STR("pending"), q->pending);
	write_limit(b, STR("slotsPerMinute"), q->slots_per_minute);
	writer_close(b, '}');
}

static void write_user(struct buf *b, const struct api_call *c, const struct user_row *user)
{
	writer_open(b, STR(""), '{');
	writer_text(b, STR("owner"), user->owner);
	writer_text(b, STR("issuer"), user->issuer);
	writer_text(b, STR("subject"), user->subject);
	write_usage(b, &user->usage);
	users_write_quota(b, quota_of(c, user));
	writer_bool(b, STR("ownQuota"), user->has_quota);
	writer_bool(b, STR("blocked"), user->blocked);
	if (user->first_ms > 0)
		writer_time(b, STR("firstSeenAt"), user->first_ms);
	if (user->seen_ms > 0)
		writer_time(b, STR("lastSeenAt"), user->seen_ms);
	writer_close(b, '}');
}

enum status users_read_own(const struct api_call *c, struct user_row *out, struct fault *why)
{
	assert(c != NULL && c->caller.owner.n > 0 && out != NULL);
	struct user_table *users = c->api->product->users;
	*out = (struct user_row){ 0 };
	enum status status = users != NULL ? user_get(users, c->caller.owner, c->arena, out, why) : OK;
	out->quota = *quota_of(c, out);
	return status == NOT_FOUND ? OK : status;
}

enum status users_me(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->route->rule == FOR_CALLERS && c->caller.kind != CALLER_ANONYMOUS);
	struct user_row user = { 0 };
	struct buf b;
	bool has_owner = c->caller.owner.n > 0;
	if (has_owner)
		TRY(users_read_own(c, &user, why));
	buf_init_arena(&b, c->arena, BODY_MAX_BYTES);
	writer_open(&b, STR(""), '{');
	writer_text(&b, STR("kind"), str_of(caller_kind_name(&c->caller)));
	writer_bool(&b, STR("admin"), (c->caller.scopes & SCOPE_ADMIN) != 0);
	api_scopes_write(&b, c->caller.scopes);
	if (c->caller.name.n > 0)
		writer_text(&b, STR("name"), c->caller.name);
	if (has_owner) {
		writer_text(&b, STR("owner"), c->caller.owner);
		writer_text(&b, STR("issuer"), c->caller.issuer);
		writer_text(&b, STR("subject"), c->caller.subject);
		write_usage(&b, &user.usage);
		users_write_quota(&b, &user.quota);
	}
	writer_close(&b, '}');
	return call_json(c, &b, why);
}

/* Whether there are users, and the path may name one. */
static enum status need_users(const struct api_call *c, struct fault *why)
{
	if (c->api->product->users == NULL)
		return fault_set(why, NOT_HERE, "This server has no users.");
	return c->at.segment.n == 0 || owner_valid(c->at.segment) ? OK : no_such_user(why);
}

enum status users_list(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->route->rule == FOR_ADMINS);
	struct user_query q = { 0 };
	struct user_page page;
	struct buf b CLEANUP(buf_deinit) = { 0 };
	TRY(need_users(c, why));
	TRY(call_limit(&c->x->request.query, USER_LIST_MAX, &q.limit, why));
	TRY(call_parameter(&c->x->request.query, STR("cursor"), &q.cursor, why));
	TRY(user_list(c->api->product->users, &q, c->arena, &page, why));
	buf_init(&b, ANSWER_MAX_BYTES);
	writer_open(&b, STR(""), '{');
	writer_open(&b, STR("users"), '[');
	for (size_t i = 0; i < page.n; i++)
		write_user(&b, c, &page.rows[i]);
	writer_close(&b, ']');
	writer_number(&b, STR("count"), page.n);
	if (page.next_cursor.n > 0)
		writer_text(&b, STR("nextCursor"), page.next_cursor);
	writer_close(&b, '}');
	return call_json(c, &b, why);
}

enum status users_get(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->route->rule == FOR_ADMINS);
	struct user_row user;
	struct buf b;
	TRY(need_users(c, why));
	TRY(user_get(c->api->product->users, c->at.segment, c->arena, &user, why));
	buf_init_arena(&b, c->arena, BODY_MAX_BYTES);
	write_user(&b, c, &user);
	return call_json(c, &b, why);
}

enum status users_set_quota(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->route->rule == FOR_ADMINS && c->route->has_body);
	struct owner_quota quota;
	TRY(need_users(c, why));
	TRY(body_read_quota(buf_str(&c->body), &quota, why));
	TRY(user_set_quota(c->api->product->users, c->at.segment, &quota, why));
	LOG(USER_CHANGED, c->x->request.id, LOG_S("owner", c->at.segment), LOG_C("change", "quota"));
	return users_get(c, why);
}

enum status users_reset_quota(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->route->rule == FOR_ADMINS);
	struct user_row user;
	TRY(need_users(c, why));
	TRY(user_get(c->api->product->users, c->at.segment, c->arena, &user, why));
	TRY(user_set_quota(c->api->product->users, c->at.segment, NULL, why));
	LOG(USER_CHANGED, c->x->request.id, LOG_S("owner", c->at.segment), LOG_C("change", "quota of all"));
	return users_get(c, why);
}

/* A user who is being deleted must not upload with a key that was made for it. */
static enum status remove_keys(const struct api_call *c, struct str owner, struct fault *why)
{
	struct api_key_table *keys = c->api->options.api_keys;
	struct api_key_page page;
	if (keys == NULL)
		return OK;
	TRY(api_key_list(keys, c->arena, &page, why));
	for (size_t i = 0; i < page.n; i++) {
		enum status status = str_equal(page.rows[i].owner, owner) ? api_key_remove(keys, page.rows[i].id, why) : OK;
		if (status != OK && status != NOT_FOUND)
			return status;
	}
	return OK;
}

static bool is_late(void *until_ms)
{
	return clock_mono_ms() > *(const int64_t *)until_ms;
}

enum status users_erase(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->route->rule == FOR_ADMINS);
	struct str owner = c->at.segment;
	int64_t until_ms = clock_mono_ms() + LONG_CALL_MS;
	struct erasure_result done = { 0 };
	struct user_row user;
	struct buf b;
	TRY(need_users(c, why));
	TRY(user_get(c->api->product->users, owner, c->arena, &user, why));
	/* Before the user is blocked: the gc resumes with the images only. */
	TRY(remove_keys(c, owner, why));
	TRY(user_block(c->api->product->users, owner, why));
	LOG(USER_CHANGED, c->x->request.id, LOG_S("owner", owner), LOG_C("change", "deletion"));
	enum status status = erasure_run(c->api->product, owner, is_late, &until_ms, &done, why);
	if (status != OK && status != CONFLICT)
		return status;
	buf_init_arena(&b, c->arena, BODY_MAX_BYTES);
	writer_open(&b, STR(""), '{');
	writer_text(&b, STR("owner"), owner);
	writer_number(&b, STR("deletedImages"), done.images);
	writer_bool(&b, STR("done"), done.owners > 0);
	writer_close(&b, '}');
	TRY(call_json(c, &b, why));
	c->x->answer.status = done.owners > 0 ? 200 : 202;
	return OK;
}
