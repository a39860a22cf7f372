/* user_table on DynamoDB: the items of usage.h. The lists of all owners, and of the blocked ones, are two partitions of the index
 * `owned` with an entry of each owner, which is written once: if the counters were in the index themselves, each slot would cost another
 * write, to one partition. */
#include "aws/dynamo/dynamo.h"
#include "aws/dynamo/outbox.h"
#include "aws/dynamo/row.h"
#include "aws/dynamo/state.h"
#include "aws/dynamo/usage.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/writer.h"
#include "port/cursor.h"

#include <assert.h>

#define PAGE_MAX 100 /* the most that BatchGetItem reads */
#define CURSOR_MAX 256
#define KEYS_BYTES ((size_t)16 << 10)

struct dynamo *dynamo_of_users(struct user_table *port)
{
	return (struct dynamo *)((char *)port - offsetof(struct dynamo, users));
}

struct user_table *dynamo_users(struct image_table *table)
{
	return &((struct dynamo *)table)->users;
}

static struct str usage_key(struct str owner, struct arena *a)
{
	return dynamo_owner_key(DYNAMO_USAGE, owner, a);
}

/* The row of an item, with its texts in `a`. */
static enum status read_user(const struct dynamo *t, const json_t *item, struct arena *a, struct user_row *out, struct fault *why)
{
	struct dynamo_usage u;
	dynamo_usage_read(t, item, &u);
	u.user.owner = str_dup(a, u.user.owner);
	u.user.issuer = str_dup(a, u.user.issuer);
	u.user.subject = str_dup(a, u.user.subject);
	TRY(fault_check_arena(a, why));
	*out = u.user;
	return OK;
}

static enum status get_user(struct user_table *port, struct str owner, struct arena *a, struct user_row *out, struct fault *why)
{
	struct dynamo *t = dynamo_of_users(port);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct str key = usage_key(owner, a);
	TRY(fault_check_arena(a, why));
	TRY(dynamo_fetch(&c, t, key, why));
	const json_t *item = json_object_get(c.answer, "Item");
	return item == NULL ? no_such_user(why) : read_user(t, item, a, out, why);
}

/* lists */

static struct str nth_owner(const json_t *found, size_t i)
{
	return dynamo_item_get_text(json_array_get(found, i), DYNAMO_OWNED_ORDER);
}

/* The counters of all owners of a page. */
static enum status fetch_usage(struct dynamo *t, const json_t *found, struct dynamo_call *c, struct fault *why)
{
	dynamo_call_init_bare(c, "BatchGetItem", 0);
	writer_open(&c->body, STR("RequestItems"), '{');
	writer_open(&c->body, str_of(t->table), '{');
	writer_open(&c->body, STR("Keys"), '[');
	for (size_t i = 0; i < json_array_size(found); i++) {
		struct dynamo_item key = { 0 };
		dynamo_item_text(&key, DYNAMO_KEY, usage_key(nth_owner(found, i), &c->scratch), &c->scratch);
		dynamo_item_put(&key, STR(""), "", &c->body);
	}
	writer_close(&c->body, ']');
	writer_bool(&c->body, STR("ConsistentRead"), true);
	writer_close(&c->body, '}');
	writer_close(&c->body, '}');
	return dynamo_call_send(c, t, why);
}

static const json_t *find_owner(const json_t *items, struct str owner)
{
	for (size_t i = 0; i < json_array_size(items); i++)
		if (str_equal(dynamo_item_get_text(json_array_get(items, i), "owner"), owner))
			return json_array_get(items, i);
	return NULL;
}

/* The rows of a page's owners. DynamoDB may leave out some of a batch: those are read alone. An entry of an owner who was removed
 * in the meantime has none. */
static enum status read_page(struct dynamo *t, const json_t *found, struct arena *a, struct user_page *page, struct fault *why)
{
	struct dynamo_call batch CLEANUP(dynamo_call_deinit) = { 0 };
	if (json_array_size(found) == 0)
		return OK;
	TRY(fetch_usage(t, found, &batch, why));
	const json_t *items = json_object_get(json_object_get(batch.answer, "Responses"), t->table);
	for (size_t i = 0; i < json_array_size(found); i++) {
		struct str owner = nth_owner(found, i);
		const json_t *item = find_owner(items, owner);
		if (item != NULL) {
			TRY(read_user(t, item, a, &page->rows[page->n++], why));
			continue;
		}
		enum status got = get_user(&t->users, owner, a, &page->rows[page->n], why);
		if (got != OK && !(got == NOT_FOUND && why->code == F_NO_SUCH_USER))
			return got;
		page->n += got == OK;
	}
	return OK;
}

/* A cursor is a letter for the list, and the last owner that was given. */
static bool read_cursor(const struct user_query *q, struct str *after)
{
	*after = str_slice(q->cursor, 1, q->cursor.n);
	if (q->cursor.n == 0)
		return true;
	bool ok = q->cursor.p[0] == (q->blocked ? 'b' : 'u') && after->n > 0 && q->cursor.n <= CURSOR_MAX;
	for (size_t i = 0; i < after->n; i++)
		ok = ok && after->p[i] > ' ' && after->p[i] < 0x7f;
	return ok;
}

static enum status list_users(
	struct user_table *port, const struct user_query *q, struct arena *a, struct user_page *out, struct fault *why)
{
	struct dynamo *t = dynamo_of_users(port);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	uint32_t limit = q->limit < PAGE_MAX ? q->limit : PAGE_MAX;
	struct user_page page = { .rows = arena_array(a, limit, sizeof(*page.rows)), .next_cursor = STR("") };
	struct str after;
	TRY(fault_check_arena(a, why));
	if (!read_cursor(q, &after))
		return bad_cursor(why);
	TRY(dynamo_owned_after(t, q->blocked ? DYNAMO_BLOCKED : DYNAMO_USERS, after, limit, &c, why));
	const json_t *found = json_object_get(c.answer, "Items");
	TRY(read_page(t, found, a, &page, why));
	if (json_object_get(c.answer, "LastEvaluatedKey") != NULL && json_array_size(found) > 0)
		page.next_cursor = str_printf(a, "%c%.*s", q->blocked ? 'b' : 'u', STRF(nth_owner(found, json_array_size(found) - 1)));
	TRY(fault_check_arena(a, why));
	*out = page;
	return OK;
}

/* changes */

/* An update of the item of an owner that is there.
 * found  false: the condition failed */
static enum status update_owner(struct dynamo *t, struct str owner, struct dynamo_update *u, bool *found, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	dynamo_call_init(&c, t, "UpdateItem", DYNAMO_CONDITION_FAILED);
	dynamo_key_put(usage_key(owner, &c.scratch), &c.scratch, &c.body);
	dynamo_update_put(u, &c.scratch, &c.body);
	TRY(dynamo_call_send(&c, t, why));
	*found = c.outcome == DYNAMO_DONE;
	return OK;
}

static enum status set_quota(struct user_table *port, struct str owner, const struct owner_quota *q, struct fault *why)
{
	struct dynamo *t = dynamo_of_users(port);
	struct arena a CLEANUP(arena_deinit) = { 0 };
	struct dynamo_update u = { .condition = STR("attribute_exists(imageId)") };
	const struct image_row first = { .owner = owner, .issuer = STR(""), .subject = STR(""), .created_ms = clock_now_ms() };
	struct str text = STR("");
	bool found;
	TRY(dynamo_check_change(t, why));
	arena_init(&a, KEYS_BYTES);
	if (q != NULL)
		text = dynamo_quota_text(q, &a);
	dynamo_item_text(&u.attributes, DYNAMO_QUOTA, text, &a);
	dynamo_item_signed(&u.attributes, "changedMs", clock_now_ms(), &a);
	TRY(fault_check_arena(&a, why));
	TRY(update_owner(t, owner, &u, &found, why));
	if (!found) {
		TRY(dynamo_owner_add(t, &first, why));
		TRY(update_owner(t, owner, &u, &found, why));
	}
	return found ? OK : fault_set(why, OVERLOADED, "The user is being removed. Try again.");
}

static enum status delete_item(struct dynamo *t, const char *kind, struct str owner, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	dynamo_call_init(&c, t, "DeleteItem", 0);
	dynamo_key_put(dynamo_owner_key(kind, owner, &c.scratch), &c.scratch, &c.body);
	return dynamo_call_send(&c, t, why);
}

/* The mark first, since it is what refuses slots: an entry that is missing after a crash is written when the call is repeated. */
static enum status block_user(struct user_table *port, struct str owner, struct fault *why)
{
	struct dynamo *t = dynamo_of_users(port);
	struct arena a CLEANUP(arena_deinit) = { 0 };
	struct dynamo_update u = { .condition = STR("attribute_exists(imageId)") };
	bool found;
	TRY(dynamo_check_change(t, why));
	arena_init(&a, KEYS_BYTES);
	dynamo_item_number(&u.attributes, DYNAMO_IS_BLOCKED, 1, &a);
	TRY(update_owner(t, owner, &u, &found, why));
	return found ? dynamo_owner_enter(t, DYNAMO_BLOCKED, owner, why) : no_such_user(why);
}

/* Whether the index has a row of the owner. */
static enum status has_images(struct dynamo *t, struct str owner, bool *out, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	arena_init(&a, DYNAMO_SCRATCH_BYTES);
	struct image_query q = { .owner = owner, .status = LIST_ALL, .limit = 1, .cursor = STR("") };
	struct image_page page;
	do {
		TRY(table_list(&t->port, &q, &a, &page, why));
		q.cursor = page.next_cursor;
	} while (page.n == 0 && q.cursor.n > 0);
	*out = page.n > 0;
	return OK;
}

/* The index follows the table by a moment, so an owner whose counters say that there are images is not removed, unless they
 * did not change for so long that the index must have followed: then they are wrong. The mark that refuses slots goes last. */
static enum status remove_user(struct user_table *port, struct str owner, struct fault *why)
{
	struct dynamo *t = dynamo_of_users(port);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct arena a CLEANUP(arena_deinit) = { 0 };
	struct dynamo_usage u;
	bool has = false;
	TRY(dynamo_check_change(t, why));
	arena_init(&a, KEYS_BYTES);
	TRY(dynamo_fetch(&c, t, usage_key(owner, &a), why));
	dynamo_usage_read(t, json_object_get(c.answer, "Item"), &u);
	if (!u.is_there)
		return no_such_user(why);
	if (!u.user.blocked)
		return user_not_blocked(why);
	TRY(has_images(t, owner, &has, why));
	bool counted = u.user.usage.images + u.user.usage.pending > 0 && u.changed_ms > clock_now_ms() - DYNAMO_INDEX_FOLLOWS_MS;
	if (has || counted)
		return user_has_images(why);
	TRY(dynamo_outbox_forget_owner(t, owner, why));
	TRY(delete_item(t, DYNAMO_USERS, owner, why));
	TRY(delete_item(t, DYNAMO_BLOCKED, owner, why));
	return delete_item(t, DYNAMO_USAGE, owner, why);
}

/* Never below nothing: more than there is takes all. Where owners are not counted, this is not either. */
static enum status add_derived(struct user_table *port, struct str owner, int64_t bytes, struct fault *why)
{
	struct dynamo *t = dynamo_of_users(port);
	struct arena a CLEANUP(arena_deinit) = { 0 };
	struct dynamo_update u = { .condition = bytes < 0 ? STR(DYNAMO_DERIVED " >= :less") : STR("attribute_exists(imageId)") };
	struct dynamo_update none = { .condition = STR("attribute_exists(imageId) AND " DYNAMO_DERIVED " < :less") };
	bool found;
	assert(bytes > INT64_MIN);
	if (!t->count_owners)
		return OK;
	arena_init(&a, KEYS_BYTES);
	dynamo_item_signed(&u.added, DYNAMO_DERIVED, bytes, &a);
	if (bytes < 0) {
		dynamo_item_signed(&u.values, "less", -bytes, &a);
		dynamo_item_signed(&none.values, "less", -bytes, &a);
	}
	dynamo_item_text(&none.attributes, DYNAMO_DERIVED, STR(""), &a);
	TRY(update_owner(t, owner, &u, &found, why));
	return found || bytes >= 0 ? OK : update_owner(t, owner, &none, &found, why);
}

const struct user_table_ops dynamo_user_ops = { .get = get_user,
	.list = list_users,
	.set_quota = set_quota,
	.block = block_user,
	.remove = remove_user,
	.add_derived = add_derived,
	.recount = dynamo_recount };
