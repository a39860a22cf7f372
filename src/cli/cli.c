/* One table of commands: name, function, flags, how many operands, usage, sentence. Help and the
 * refusal of wrong use are made from it. */
#include "cli/cli.h"

#include "base/hash.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "config/help.h"
#include <limits.h>

#define WRONG_USE 2

static const struct cli_verb {
	const char *name;
	enum status (*run)(const struct options *o, struct remote *r, struct fault *why);
	unsigned allowed;
	size_t min, max; /* operands */
	const char *usage;
	const char *sentence;
} verbs[] = {
	{ "upload", verb_upload, ALLOWS(ENDPOINT) | ALLOWS(JOBS) | ALLOWS(JSON), 1, SIZE_MAX, "upload FILE...",
		"Upload files and directories, recursively; links inside directories are not followed." },
	{ "list", verb_list, ALLOWS(ENDPOINT) | ALLOWS(LIMIT) | ALLOWS(ALL) | ALLOWS(JSON), 0, 0, "list", "List images, newest first." },
	{ "get", verb_get, ALLOWS(ENDPOINT) | ALLOWS(OUTPUT) | ALLOWS(FORCE) | ALLOWS(JSON), 1, 1, "get ID",
		"Download an image under its own name into the current directory; never overwrites a file." },
	{ "rm", verb_rm, ALLOWS(ENDPOINT) | ALLOWS(TOKEN) | ALLOWS(JSON), 1, SIZE_MAX, "rm ID...", "Delete images." },
	{ "apikeys", verb_apikeys, ALLOWS(ENDPOINT) | ALLOWS(SCOPE) | ALLOWS(OWNER) | ALLOWS(ON_BEHALF_OF) | ALLOWS(EXPIRES) | ALLOWS(JSON), 1,
		2, "apikeys add|list|rm", "Make a key for an application, by a name; list them; remove one, by its ID." },
	{ "webhooks", verb_webhooks, ALLOWS(DATA) | ALLOWS(STATE) | ALLOWS(LIMIT) | ALLOWS(JSON), 1, 2, "webhooks list|resend|enable",
		"List webhooks; send one again, by its ID, or all of a state; send to a disabled receiver again." },
	{ "logs", verb_logs, ALLOWS(DATA) | ALLOWS(LEVEL) | ALLOWS(SINCE) | ALLOWS(GREP) | ALLOWS(FOLLOW) | ALLOWS(JSON), 0, 0, "logs",
		"Read the server's log, oldest line first." },
};

static const struct cli_verb *find_command(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (str_equal(name, str_of(verbs[i].name)))
			return &verbs[i];
	return NULL;
}

bool cli_knows(struct str name)
{
	return find_command(name) != NULL;
}

void cli_help(struct buf *b)
{
	assert(b != NULL);
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		buf_printf(b, "  %-27s %s\n", verbs[i].usage, verbs[i].sentence);
}

void cli_manual(struct buf *b)
{
	assert(b != NULL);
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		help_manual_verb(b, verbs[i].usage, verbs[i].sentence);
	buf_put(b, STR(".PP\nEach command has \\fB\\-\\-help\\fR, which lists the options that it takes.\n.SH OPTIONS OF CLIENTS\n"));
	options_manual(b);
}

int cli_run(int argc, char **argv)
{
	struct options o;
	struct fault why = { 0 };
	const struct cli_verb *v = find_command(str_of(argv[0]));
	if (v == NULL) {
		show_line(stderr, "tintype: unknown command '%s'", argv[0]);
		return WRONG_USE;
	}
	if (options_parse(&o, v->allowed, argc, argv, &why) != OK) {
		show_line(stderr, "tintype %s: %s", v->name, why.text);
		return WRONG_USE;
	}
	if (o.help) {
		struct buf b CLEANUP(buf_deinit) = { 0 };
		buf_init(&b, 16384);
		buf_printf(&b, "usage: tintype %s [flags]\n\n%s\n\n", v->usage, v->sentence);
		options_help(&b, v->allowed);
		if ((v->allowed & ALLOWS(ENDPOINT)) != 0)
			buf_put(&b,
				STR("\nIf the server requires an API key, set TINTYPE_API_KEY, and TINTYPE_GATEWAY_KEY if API Gateway asks for another one. Settings are also read from ./.env.\n"));
		show_bytes(buf_str(&b));
		return show_end() ? 0 : 1;
	}
	if (o.n_operands < v->min || o.n_operands > v->max) {
		show_line(stderr, "usage: tintype %s; see --help", v->usage);
		return WRONG_USE;
	}
	struct remote r = { 0 };
	if ((v->allowed & ALLOWS(ENDPOINT)) != 0 && remote_init(&r, o.endpoint, &why) != OK) {
		remote_deinit(&r);
		show_line(stderr, "tintype: %s", why.text);
		return WRONG_USE;
	}
	crypto_init();
	enum status status = v->run(&o, &r, &why);
	remote_deinit(&r);
	if (status != OK && why.text[0] != '\0')
		show_line(stderr, "tintype %s: %s", v->name, why.text);
	int code = status == OK ? 0 : why.code == F_BAD_SETTING ? WRONG_USE : 1;
	return show_end() || code != 0 ? code : 1;
}
