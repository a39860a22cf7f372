/* One table of commands: what it is called and takes, its function, how many operands. Help and the
 * refusal of wrong use are made from it. */
#include "cli/cli.h"

#include "cli/output.h"
#include "cli/verbs.h"
#include <limits.h>

#define WRONG_USE 2

#define ABOUT_API \
	"If the server requires an API key, set TINTYPE_API_KEY, and TINTYPE_GATEWAY_KEY if API Gateway asks for another one. Settings are also " \
	"read from ./.env."
#define ABOUT_ID "The first 4 characters of an ID, or more, are enough among the newest 10000 images.\n"
#define CLIENT(name, arguments, sentence, options, ...) \
	{ \
		name, name arguments, sentence, .takes = (options) | ALLOWS(HELP), .flags = options_flag, __VA_ARGS__ \
	}

static const struct cli_verb {
	struct command_row command;
	enum status (*run)(const struct options *o, struct remote *r, struct fault *why);
	size_t min, max; /* operands */
} verbs[] = {
	{ CLIENT("upload", " FILE...",
		  "Upload files and directories, recursively; links inside directories are not followed. - is standard input.",
		  ALLOWS(ENDPOINT) | ALLOWS(JOBS) | ALLOWS(NAME) | ALLOWS(AGAIN) | ALLOWS(WATCH) | ALLOWS(JSON),
		  .about =
			  "A file that the server has already is not sent again: the caller's own images are searched for the SHA-256 of its bytes.\n" ABOUT_API,
		  .takes_files = true),
		verb_upload, 1, SIZE_MAX },
	{ CLIENT("list", "", "List images, newest first.", ALLOWS(ENDPOINT) | ALLOWS(LIMIT) | ALLOWS(ALL) | ALLOWS(JSON), .about = ABOUT_API),
		verb_list, 0, 0 },
	{ CLIENT("get", " ID", "Download an image under its own name into the current directory; never overwrites a file.",
		  ALLOWS(ENDPOINT) | ALLOWS(OUTPUT) | ALLOWS(FORCE) | ALLOWS(JSON), .about = ABOUT_ID ABOUT_API),
		verb_get, 1, 1 },
	{ CLIENT("rm", " ID...", "Delete images.", ALLOWS(ENDPOINT) | ALLOWS(TOKEN) | ALLOWS(JSON), .about = ABOUT_ID ABOUT_API), verb_rm, 1,
		SIZE_MAX },
	{ CLIENT("apikeys", " add|list|rm", "Make a key for an application, by a name; list them; remove one, by its ID.",
		  ALLOWS(ENDPOINT) | ALLOWS(SCOPE) | ALLOWS(OWNER) | ALLOWS(ON_BEHALF_OF) | ALLOWS(EXPIRES) | ALLOWS(JSON), .about = ABOUT_API,
		  .actions = "add list rm"),
		verb_apikeys, 1, 2 },
	{ CLIENT("webhooks", " list|resend|enable",
		  "List webhooks; send one again, by its ID, or all of a state; send to a disabled receiver again.",
		  ALLOWS(DATA) | ALLOWS(STATE) | ALLOWS(LIMIT) | ALLOWS(JSON), .actions = "list resend enable"),
		verb_webhooks, 1, 2 },
	{ CLIENT("logs", "", "Read the server's log, oldest line first.",
		  ALLOWS(DATA) | ALLOWS(LEVEL) | ALLOWS(SINCE) | ALLOWS(GREP) | ALLOWS(FOLLOW) | ALLOWS(JSON), 0),
		verb_logs, 0, 0 },
};

static const struct cli_verb *find_command(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (str_equal(name, str_of(verbs[i].command.name)))
			return &verbs[i];
	return NULL;
}

bool cli_knows(struct str name)
{
	return find_command(name) != NULL;
}

const struct command_row *cli_command(size_t i)
{
	return i < COUNT_OF(verbs) ? &verbs[i].command : NULL;
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
	const struct command_row *c = &v->command;
	unsigned takes = (unsigned)c->takes;
	if (options_parse(&o, takes, argc, argv, &why) != OK) {
		show_line(stderr, "tintype %s: %s", c->name, why.text);
		return WRONG_USE;
	}
	if (o.help) {
		struct buf b CLEANUP(buf_deinit) = { 0 };
		buf_init(&b, 16384);
		command_help(&b, c);
		show_bytes(buf_str(&b));
		return show_end() ? 0 : 1;
	}
	if (o.n_operands < v->min || o.n_operands > v->max) {
		show_line(stderr, "usage: tintype %s; see --help", c->usage);
		return WRONG_USE;
	}
	struct remote r = { 0 };
	if ((takes & ALLOWS(ENDPOINT)) != 0 && remote_init(&r, o.endpoint, &why) != OK) {
		remote_deinit(&r);
		show_line(stderr, "tintype: %s", why.text);
		return WRONG_USE;
	}
	enum status status = v->run(&o, &r, &why);
	remote_deinit(&r);
	if (status != OK && why.text[0] != '\0')
		show_styled(stderr, SHOW_RED, "tintype %s: %s", c->name, why.text);
	int code = status == OK ? 0 : why.code == F_BAD_SETTING ? WRONG_USE : 1;
	return show_end() || code != 0 ? code : 1;
}
