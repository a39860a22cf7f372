/* One table of commands: name, function, flags, how many operands, usage, sentence. Help and the
 * refusal of wrong use are made from it. */
#include "cli/cli.h"

#include "base/hash.h"
#include "cli/remote.h"
#include "cli/show.h"
#include "cli/verbs.h"
#include <limits.h>

#define WRONG_USE 2

static const struct verb {
	const char *name;
	int (*run)(const struct options *o);
	unsigned takes;
	size_t min, max;           /* operands */
	const char *usage;
	const char *sentence;
} verbs[] = {
	{ "upload", verb_upload, TAKES(ENDPOINT) | TAKES(JOBS) | TAKES(JSON), 1, SIZE_MAX, "upload FILE...",
	  "Upload files and directories, recursively; links inside directories are not followed." },
	{ "list", verb_list, TAKES(ENDPOINT) | TAKES(LIMIT) | TAKES(ALL) | TAKES(JSON), 0, 0, "list", "List images, newest first." },
	{ "get", verb_get, TAKES(ENDPOINT) | TAKES(OUTPUT) | TAKES(FORCE) | TAKES(JSON), 1, 1, "get ID",
	  "Download an image under its own name into the current directory; never overwrites a file." },
	{ "rm", verb_rm, TAKES(ENDPOINT) | TAKES(TOKEN) | TAKES(JSON), 1, SIZE_MAX, "rm ID...", "Delete images." },
	{ "logs", verb_logs, TAKES(DATA) | TAKES(LEVEL) | TAKES(SINCE) | TAKES(GREP) | TAKES(FOLLOW) | TAKES(JSON), 0, 0, "logs",
	  "Read the server's log, oldest line first." },
};

static const struct verb *find(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (str_equal(name, str_of(verbs[i].name)))
			return &verbs[i];
	return NULL;
}

bool cli_knows(struct str name)
{
	return find(name) != NULL;
}

void cli_help(struct buf *b)
{
	assert(b != NULL);
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		buf_printf(b, "  %-27s %s\n", verbs[i].usage, verbs[i].sentence);
}

static int help(const struct verb *v)
{
	struct buf b CLEANUP(buf_deinit) = { 0 };
	buf_init(&b, 16384);
	buf_printf(&b, "usage: tintype %s [flags]\n\n%s\n\n", v->usage, v->sentence);
	options_help(&b, v->takes);
	if ((v->takes & TAKES(ENDPOINT)) != 0)
		buf_put(&b, STR("\nIf the server requires an API key, set TINTYPE_API_KEY. Settings are also read from ./.env.\n"));
	show_bytes(buf_str(&b));
	return show_end() ? 0 : 1;
}

static bool endpoint_is_right(const struct options *o)
{
	struct fault why = { 0 };
	struct remote remote;
	bool right = remote_init(&remote, o->endpoint, &why) == OK;
	remote_deinit(&remote);
	if (!right)
		show_line(stderr, "tintype: %s", why.text);
	return right;
}

int cli_run(int argc, char **argv)
{
	struct options o;
	struct fault why = { 0 };
	const struct verb *v = find(str_of(argv[0]));
	if (v == NULL) {
		show_line(stderr, "tintype: unknown command '%s'", argv[0]);
		return WRONG_USE;
	}
	if (options_parse(&o, v->takes, argc, argv, &why) != OK) {
		show_line(stderr, "tintype %s: %s", v->name, why.text);
		return WRONG_USE;
	}
	if (o.help)
		return help(v);
	if (o.n_operands < v->min || o.n_operands > v->max) {
		show_line(stderr, "usage: tintype %s; see --help", v->usage);
		return WRONG_USE;
	}
	if ((v->takes & TAKES(ENDPOINT)) != 0 && !endpoint_is_right(&o))
		return WRONG_USE;
	crypto_init();
	int code = v->run(&o);
	return show_end() || code != 0 ? code : 1;
}
