/* tintype webhooks: list, resend, enable. Asks the admin listener of the server that uses the data directory, with the token that
 * the server keeps there for commands of this machine. */
#include "base/arena.h"
#include "base/codec.h"
#include "base/hash.h"
#include "cli/api_client.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "config/admin_file.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES (16u << 20)
#define LIST_MAX 1000

static enum status open_admin(const struct options *o, struct remote *r, struct fault *why)
{
	struct admin_file f;
	const char *data = o->data != NULL ? o->data : getenv("TINTYPE_DATA");
	char endpoint[sizeof f.url + 16];
	TRY(admin_file_read(data != NULL && *data != '\0' ? data : "./data", &f, why));
	(void)snprintf(endpoint, sizeof endpoint, "%s/console", f.url);
	enum status st = remote_init(r, endpoint, why);
	buf_clear(&r->bearer);
	buf_printf(&r->bearer, "Bearer %s", f.token);
	secret_wipe(&f, sizeof f);
	return st;
}

static void show_webhook(const json_t *w)
{
	show_line(stdout, "%-36.*s  %-9.*s  %-14.*s  %-36.*s  %3llu  %-24.*s  %.*s", STRF(remote_text(w, "webhookId")),
		STRF(remote_text(w, "state")), STRF(remote_text(w, "type")), STRF(remote_text(w, "imageId")),
		(unsigned long long)remote_number(w, "attempts"), STRF(remote_text(w, "dueAt")), STRF(remote_text(w, "error")));
}

static void show_status(FILE *to, const json_t *all)
{
	struct str disabled = remote_text(all, "disabledAt");
	show_line(to, "waiting %llu, failed %llu, delivered lately %llu", (unsigned long long)remote_number(all, "waiting"),
		(unsigned long long)remote_number(all, "failed"), (unsigned long long)remote_number(all, "delivered"));
	if (!json_is_true(json_object_get(all, "configured")))
		show_line(to, "No webhooks are sent: TINTYPE_WEBHOOK_URL is not set.");
	else if (disabled.n > 0)
		show_line(to, "Disabled since %.*s: %.*s Run `tintype webhooks enable` once it works again.", STRF(disabled),
			STRF(remote_text(all, "reason")));
}

/* One request; the answer is the caller's to free. */
static enum status ask(struct remote *r, const char *method, struct str path, json_t **out, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit) = { 0 };
	arena_init(&a, MEMORY_BYTES);
	struct remote_call call = { .method = method, .path = path };
	return remote_json(r, &call, &a, out, why);
}

static enum status list_webhooks(const struct options *o, struct remote *r, struct fault *why)
{
	uint64_t left = o->limit;
	unsigned long long before = 0;
	bool first = true;
	while (left > 0) {
		char memory[512];
		struct buf path;
		json_auto_t *all = NULL;
		size_t i;
		json_t *one;
		buf_init_fixed(&path, memory, sizeof memory);
		buf_printf(&path, "/webhooks?limit=%llu&state=", (unsigned long long)(left < LIST_MAX ? left : LIST_MAX));
		uri_encode(&path, o->state != NULL ? str_of(o->state) : STR("all"), false);
		if (before > 0)
			buf_printf(&path, "&before=%llu", before);
		if (!buf_ok(&path))
			return fault_set(why, BAD_SETTING, "--state must be waiting, delivered or failed");
		TRY(ask(r, "GET", buf_str(&path), &all, why));
		if (first && !o->json)
			show_styled(
				stdout, SHOW_BOLD, "%-36s  %-9s  %-14s  %-36s  %3s  %-24s  %s", "ID", "STATE", "TYPE", "IMAGE", "TRY", "NEXT", "ERROR");
		json_array_foreach(json_object_get(all, "webhooks"), i, one)
		{
			left -= left > 0;
			if (o->json)
				show_json(stdout, one);
			else
				show_webhook(one);
		}
		if (first && !o->json)
			show_status(stderr, all);
		first = false;
		before = remote_number(all, "nextBefore");
		if (before == 0)
			break;
	}
	return OK;
}

static enum status resend_webhooks(const struct options *o, struct remote *r, struct fault *why)
{
	char path[512];
	struct buf b;
	if ((o->n_operands == 2) == (o->state != NULL))
		return fault_set(why, BAD_SETTING, "name the webhook to send again, or use --state failed or --state waiting");
	buf_init_fixed(&b, path, sizeof path);
	buf_put(&b, o->state != NULL ? STR("/webhooks/resend?state=") : STR("/webhooks/resend?id="));
	uri_encode(&b, str_of(o->state != NULL ? o->state : o->operands[1]), false);
	json_auto_t *answer = NULL;
	if (!buf_ok(&b))
		return fault_set(why, BAD_SETTING, "the id of the webhook is too long");
	TRY(ask(r, "POST", buf_str(&b), &answer, why));
	if (o->json)
		show_json(stdout, answer);
	else
		show_line(stdout, "%llu will be sent again", (unsigned long long)remote_number(answer, "resent"));
	return OK;
}

static enum status enable_webhooks(const struct options *o, struct remote *r, struct fault *why)
{
	json_auto_t *answer = NULL;
	TRY(ask(r, "POST", STR("/webhooks/enable"), &answer, why));
	if (o->json)
		show_json(stdout, answer);
	else
		show_status(stdout, answer);
	return OK;
}

#define TAKES (ALLOWS(DATA) | ALLOWS(JSON))
static const struct {
	struct option_action action;
	enum status (*run)(const struct options *o, struct remote *r, struct fault *why);
} actions[] = {
	{ { "list", TAKES | ALLOWS(STATE) | ALLOWS(LIMIT), 0 }, list_webhooks },
	{ { "resend", TAKES | ALLOWS(STATE), 1 }, resend_webhooks },
	{ { "enable", TAKES, 0 }, enable_webhooks },
};

enum status verb_webhooks(const struct options *o, struct remote *none, struct fault *why)
{
	assert(o != NULL && o->n_operands > 0);
	for (size_t i = 0; i < COUNT_OF(actions); i++) {
		if (strcmp(o->operands[0], actions[i].action.name) != 0)
			continue;
		TRY(options_check_action(o, &actions[i].action, why));
		struct remote r = { 0 };
		enum status st = open_admin(o, &r, why);
		if (st == OK)
			st = actions[i].run(o, &r, why);
		remote_deinit(&r);
		return st;
	}
	return fault_set(why, BAD_SETTING, "use list, resend ID, resend --state failed, or enable; see --help");
}
