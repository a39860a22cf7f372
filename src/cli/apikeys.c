/* tintype apikeys: add, list, rm. Through the API, with an administrator's key in $TINTYPE_API_KEY, so that a server elsewhere, or several with
 * one table, are reached in the same way. */
#include "base/arena.h"
#include "base/codec.h"
#include "cli/api_client.h"
#include "cli/output.h"
#include "cli/verbs.h"

#include <string.h>

#define MEMORY_BYTES (4u << 20)
#define PATH_MAX_BYTES 4096

/* "upload,read" as a JSON array; the server knows which there are. */
static json_t *split_scopes(struct str text)
{
	json_t *list = json_array();
	for (struct str rest = text; rest.p != NULL;)
		(void)json_array_append_new(list, show_json_text(str_trim(str_cut(&rest, ','))));
	return list;
}

/* The key alone is on the standard output, so that a shell may take it from there. */
static enum status add_key(const struct options *o, struct remote *r, struct arena *a, struct fault *why)
{
	json_auto_t *answer = NULL;
	struct buf path;
	if (o->n_operands != 2 || o->scope == NULL)
		return fault_set(why, BAD_SETTING, "name the key and say what it may do, for example: apikeys add my-app --scope upload,read");
	buf_init_arena(&path, a, PATH_MAX_BYTES);
	buf_put(&path, STR("/keys"));
	if (o->on_behalf_of != NULL) {
		buf_put(&path, STR("?onBehalfOf="));
		uri_encode(&path, str_of(o->on_behalf_of), false);
	}
	json_auto_t *body = json_pack("{s:o, s:o}", "name", show_json_text(str_of(o->operands[1])), "scopes", split_scopes(str_of(o->scope)));
	if (o->owner != NULL)
		(void)json_object_set_new(body, "owner", show_json_text(str_of(o->owner)));
	if (o->expires_ms > 0)
		(void)json_object_set_new(body, "expiresIn", json_integer(o->expires_ms / 1000));
	size_t n = json_dumpb(body, NULL, 0, JSON_COMPACT);
	char *text = arena_alloc(a, n);
	if (text == NULL || !buf_ok(&path) || json_dumpb(body, text, n, JSON_COMPACT) != n)
		return fault_set(why, BAD_SETTING, "the name or the owner is too long");
	const struct remote_call call = { .method = "POST", .path = buf_str(&path), .json = { text, n } };
	TRY(remote_json(r, &call, a, &answer, why));
	if (o->json) {
		show_json(stdout, answer);
		return OK;
	}
	show_line(stdout, "%.*s", STRF(remote_text(answer, "key")));
	show_line(stderr, "This key (%.*s) is shown this once; only a hash of it is kept.", STRF(remote_text(answer, "keyId")));
	return OK;
}

static struct str join_scopes(const json_t *list, struct arena *a)
{
	struct buf b;
	size_t i;
	json_t *one;
	buf_init_arena(&b, a, PATH_MAX_BYTES);
	json_array_foreach(list, i, one)
	{
		if (i > 0)
			buf_put_char(&b, ',');
		buf_put(&b, json_text(one));
	}
	return buf_str(&b);
}

static struct str or_dash(struct str s)
{
	return s.n > 0 ? s : STR("-");
}

static enum status list_keys(const struct options *o, struct remote *r, struct arena *a, struct fault *why)
{
	json_auto_t *answer = NULL;
	const struct remote_call call = { .method = "GET", .path = STR("/keys") };
	size_t i;
	json_t *one;
	TRY(remote_json(r, &call, a, &answer, why));
	if (!o->json)
		show_styled(stdout, SHOW_BOLD, "%-8s  %-24s  %-24s  %-32s  %s", "ID", "EXPIRES", "LAST USED", "SCOPES", "NAME");
	json_array_foreach(json_object_get(answer, "keys"), i, one)
	{
		if (o->json)
			show_json(stdout, one);
		else
			show_line(stdout, "%-8.*s  %-24.*s  %-24.*s  %-32.*s  %.*s", STRF(remote_text(one, "keyId")),
				STRF(or_dash(remote_text(one, "expiresAt"))), STRF(or_dash(remote_text(one, "usedAt"))),
				STRF(join_scopes(json_object_get(one, "scopes"), a)), STRF(remote_text(one, "name")));
	}
	return OK;
}

static enum status remove_key(const struct options *o, struct remote *r, struct arena *a, struct fault *why)
{
	struct buf path;
	if (o->n_operands != 2)
		return fault_set(why, BAD_SETTING, "name the key by its ID, which apikeys list shows");
	buf_init_arena(&path, a, PATH_MAX_BYTES);
	buf_put(&path, STR("/keys/"));
	uri_encode(&path, str_of(o->operands[1]), false);
	if (!buf_ok(&path))
		return fault_set(why, BAD_SETTING, "the ID is too long");
	const struct remote_call call = { .method = "DELETE", .path = buf_str(&path) };
	TRY(remote_json(r, &call, a, NULL, why));
	if (o->json) {
		json_auto_t *line = json_pack("{s:o, s:b}", "keyId", show_json_text(str_of(o->operands[1])), "removed", true);
		show_json(stdout, line);
	} else
		show_line(stdout, "%s  removed", o->operands[1]);
	return OK;
}

#define TAKES (ALLOWS(ENDPOINT) | ALLOWS(JSON))
static const struct {
	struct option_action action;
	enum status (*run)(const struct options *o, struct remote *r, struct arena *a, struct fault *why);
} actions[] = {
	{ { "add", TAKES | ALLOWS(SCOPE) | ALLOWS(OWNER) | ALLOWS(ON_BEHALF_OF) | ALLOWS(EXPIRES), 1 }, add_key },
	{ { "list", TAKES, 0 }, list_keys },
	{ { "rm", TAKES, 1 }, remove_key },
};

enum status verb_apikeys(const struct options *o, struct remote *r, struct fault *why)
{
	assert(o != NULL && r != NULL && o->n_operands > 0);
	struct arena a CLEANUP(arena_deinit);
	arena_init(&a, MEMORY_BYTES);
	for (size_t i = 0; i < COUNT_OF(actions); i++) {
		if (strcmp(o->operands[0], actions[i].action.name) != 0)
			continue;
		TRY(options_check_action(o, &actions[i].action, why));
		return actions[i].run(o, r, &a, why);
	}
	return fault_set(why, BAD_SETTING, "apikeys has add, list and rm, not '%s'", o->operands[0]);
}
