/* tintype: one program with one command per task. `serve` is server_main.c, the commands that work on the storage are
 * maintenance.c and keys.c, the client's verbs are in cli/. This file finds the command, reads .env for those that have
 * settings, and prints the help. */
#include "config/env_file.h"
#include "config/command.h"
#include "config/completion.h"
#include "config/settings_table.h"
#include "cli/cli.h"
#include "app/commands/backup.h"
#include "app/server_main.h"
#include "app/commands/doctor.h"
#include "app/commands/fsck.h"
#include "app/commands/keys.h"
#include "app/commands/maintenance.h"
#include "app/commands/migrate.h"
#include "app/commands/recount.h"
#include "app/commands/reverify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MAX (256 * 1024)

static int put_page(FILE *to, void (*write)(struct buf *))
{
	struct buf page CLEANUP(buf_deinit);
	buf_init(&page, PAGE_MAX);
	write(&page);
	if (!buf_ok(&page) || fwrite(page.p, 1, page.n, to) != page.n || fflush(to) != 0) {
		/* The reader closed the pipe, as `| head` does. */
		if (errno == EPIPE)
			return 0;
		fprintf(stderr, "tintype: the output cannot be written: %s\n", strerror(errno));
		return 1;
	}
	return 0;
}

static void write_usage(struct buf *b);
static void write_manual(struct buf *b);
static void write_help(struct buf *b);
static const struct command_row *command_at(size_t i);
static const struct command_row *shown; /* by write_help */

static void write_version(struct buf *b)
{
	buf_put(b, STR("tintype " VERSION "\n"));
}

static int refuse_command(const char *name)
{
	fprintf(stderr, "tintype: unknown command '%s'; tintype help lists the commands\n", name);
	return 2;
}

static int print_usage(int argc, char **argv)
{
	if (argc == 1)
		return put_page(stdout, write_usage);
	if (strcmp(argv[1], "--man") == 0)
		return put_page(stdout, write_manual);
	for (size_t i = 0; (shown = command_at(i)) != NULL; i++)
		if (strcmp(shown->name, argv[1]) == 0)
			return put_page(stdout, write_help);
	return refuse_command(argv[1]);
}

static int print_version(int argc, char **argv)
{
	return put_page(stdout, write_version);
}

static const struct flag_name *settings_command_flag(size_t i)
{
	static const struct flag_name flags[] = {
		{ "markdown", 0, FLAG_SWITCH, NULL, "Print the table as a page in Markdown." },
		{ "env", 0, FLAG_SWITCH, NULL, "Print a sample .env." },
	};
	return i < COUNT_OF(flags) ? &flags[i] : NULL;
}

static const struct flag_name *help_flag(size_t i)
{
	static const struct flag_name flags[] = { { "man", 0, FLAG_SWITCH, NULL, "Print the manual page, for man(1)." } };
	return i < COUNT_OF(flags) ? &flags[i] : NULL;
}

static struct str completed_shell;

static void write_completion(struct buf *b)
{
	(void)!completion_write(b, completed_shell, command_at);
}

static int print_completion(int argc, char **argv)
{
	completed_shell = argc == 2 ? str_of(argv[1]) : (struct str){ 0 };
	if (str_is_one_of(completed_shell, STR("bash|zsh|fish"), '|'))
		return put_page(stdout, write_completion);
	fputs("usage: tintype completion bash|zsh|fish; see --help\n", stderr);
	return 2;
}

static void write_settings(struct buf *b)
{
	settings_help(b, FLAGS_ALL);
}

static int print_settings(int argc, char **argv)
{
	if (argc == 1)
		return put_page(stdout, write_settings);
	if (strcmp(argv[1], "--markdown") == 0)
		return put_page(stdout, settings_markdown);
	if (strcmp(argv[1], "--env") == 0)
		return put_page(stdout, settings_env_example);
	fprintf(stderr, "tintype settings: unknown option \"%s\"; see --help\n", argv[1]);
	return 2;
}

/* Settings of the commands that work on the storage, and of those that may reject what they find there. */
#define STORAGE_SETTINGS \
	(SETTING_BIT(data_dir) | SETTING_BIT(store) | SETTING_BIT(table) | SETTING_BIT(table_password_file) | SETTING_BIT(bucket) | \
		SETTING_BIT(region) | SETTING_BIT(table_name))
#define SWEEP_SETTINGS \
	(STORAGE_SETTINGS | SETTING_BIT(list_shards) | SETTING_BIT(allowed_types) | SETTING_BIT(unverified_types) | SETTING_BIT(max_size) | \
		SETTING_BIT(max_pixels) | SETTING_BIT(strip) | SETTING_BIT(keep_metadata) | SETTING_BIT(verify) | SETTING_BIT(render_memory) | \
		SETTING_BIT(render_sandbox) | SETTING_BIT(rejected_ttl_s) | SETTING_BIT(orphan_ttl_s) | SETTING_BIT(reserve_bytes))

static const struct main_verb {
	struct command_row command; /* without a usage: it is not listed, and has no --help */
	int (*run)(int argc, char **argv);
	bool is_plain;                               /* it reads no settings, and no .env */
	enum { ANY_WORDS, NO_WORD, ONE_WORD } words; /* that may follow; with ANY_WORDS it checks them itself */
} verbs[] = {
	{ { "serve", "serve [OPTION ...]", "Run the server. Each option may be given in the environment too; the option wins.",
		  .settings = FLAGS_ALL },
		server_main },
	{ { "sweep", "sweep [OPTION ...]",
		  "Expire pending uploads, verify missed ones, delete orphaned objects; once, with the server's options.",
		  .settings = SWEEP_SETTINGS },
		maintain_sweep },
	{ { "reverify", "reverify [OPTION ...]", "Decode the images of older versions, and with --strip remove what can identify a person.",
		  "Goes on where it was cut off. With the embedded store a running server does it, with the server's own options.",
		  .flags = reverify_flag, .takes = FLAGS_ALL, .settings = REVERIFY_SETTINGS },
		reverify_main },
	{ { "recount", "recount [OPTION ...]", "Count what each user has stored, and repair what is recorded of it; a running server does it.",
		  .settings = STORAGE_SETTINGS },
		recount_main },
	{ { "doctor", "doctor [OPTION ...]",
		  "Check settings, ports, disk, clock, certificate and all that the server calls, and say what to do.", DOCTOR_ABOUT,
		  .flags = doctor_flag, .takes = FLAGS_ALL, .settings = FLAGS_ALL },
		doctor_main },
	{ { "fsck", "fsck [--repair] [OPTION ...]",
		  "Check everything that is stored, also while a server runs; with --repair repair what can be repaired.", FSCK_ABOUT,
		  .flags = fsck_flag, .takes = FLAGS_ALL, .settings = FSCK_SETTINGS },
		fsck_main },
	{ { "backup", "backup DEST [OPTION ...]",
		  "Copy the data directory to a directory or a bucket while a server uses it, and only what is new.", BACKUP_ABOUT,
		  .takes_files = true, .flags = backup_flag, .takes = FLAGS_ALL, .settings = BACKUP_SETTINGS },
		backup_main },
	{ { "restore", "restore SOURCE [OPTION ...]", "Make a data directory of a backup, list its snapshots, or verify it.", RESTORE_ABOUT,
		  .takes_files = true, .flags = restore_flag, .takes = FLAGS_ALL, .settings = BACKUP_SETTINGS },
		restore_main },
	{ { "compact", "compact [OPTION ...]", "Give the free pages of the database back to the disk, while no server uses it.",
		  .settings = SETTING_BIT(data_dir) },
		maintain_compact },
	{ { "table", "table create [OPTION ...]", "Create the DynamoDB table, or the tables in PostgreSQL, or bring them up to date.",
		  .actions = "create",
		  .settings = SETTING_BIT(table) | SETTING_BIT(table_password_file) | SETTING_BIT(table_name) | SETTING_BIT(region) },
		maintain_table },
	{ { "migrate", "migrate --from FILE --to FILE", "Move all images between the embedded store and S3 with DynamoDB or PostgreSQL.",
		  MIGRATE_ABOUT, .flags = migrate_flag, .takes = FLAGS_ALL },
		migrate_main, true },
	{ { "keys", "keys add NAME|list|rm NAME", "Manage the users of the object store and their access keys.", KEYS_ABOUT,
		  .actions = "add list rm", .flags = keys_flag, .takes = FLAGS_ALL },
		keys_run },
	{ { "settings", "settings [--markdown|--env]", "Print the table of settings; as a page in Markdown, or as a sample .env.",
		  .flags = settings_command_flag, .takes = FLAGS_ALL },
		print_settings, true, ONE_WORD },
	{ { "help", "help [COMMAND|--man]", "Print this list of commands, or the help of one; with --man the manual page.", .flags = help_flag,
		  .takes = FLAGS_ALL },
		print_usage, true, ONE_WORD },
	{ { "completion", "completion bash|zsh|fish", "Print a script that completes commands and options in a shell.",
		  "To use it at once: source <(tintype completion bash), or tintype completion fish | source.", .actions = "bash zsh fish" },
		print_completion, true },
	{ { "version", "version", "Print the version." }, print_version, true, NO_WORD },
	{ { "--version" }, print_version, true, NO_WORD },
	{ { "--help" }, print_usage, true, ONE_WORD },
	{ { "-h" }, print_usage, true, ONE_WORD },
};

static const struct command_row *command_at(size_t i)
{
	size_t own = 0;
	while (verbs[own].command.usage != NULL)
		own++;
	return i < own ? &verbs[i].command : cli_command(i - own);
}

static void write_usage(struct buf *b)
{
	buf_put(b, STR("tintype " VERSION ": image uploads by presigned URL, checked on arrival\n\nusage: tintype COMMAND ...\n\n"));
	command_list(b, command_at);
	buf_put(b, STR("\nEach has --help.\n"));
}

static void write_manual(struct buf *b)
{
	buf_put(b,
		STR(".TH TINTYPE 1 \"\" \"tintype " VERSION "\" \"User Commands\"\n"
			".SH NAME\ntintype \\- image uploads by presigned URL, verified on arrival\n"
			".SH SYNOPSIS\n.B tintype\n.I COMMAND\n.RI [ OPTION \" ...]\"\n"
			".SH DESCRIPTION\n"
			"An image backend. A client asks for an upload slot, gets a presigned URL and sends the bytes straight to storage; the server verifies what\n"
			"arrived, records it, lists it and delivers it.\n"));
	command_manual(b, command_at);
	buf_put(b,
		STR(".SH ENVIRONMENT\n"
			".TP\n\\fBTINTYPE_ENDPOINT\\fR\nThe API that commands call.\n"
			".TP\n\\fBTINTYPE_API_KEY\\fR\nThe key that the server requires, and that commands send.\n"
			".TP\n\\fBTINTYPE_GATEWAY_KEY\\fR\nThe key that API Gateway asks for, where that is another one.\n"
			".TP\n\\fBNO_COLOR\\fR\nIf it is set, nothing is coloured.\n"
			".TP\n\\fBTINTYPE_ENV_FILE\\fR\nThe file of settings, in place of \\fI.env\\fR; none is read if it is empty.\n"
			".SH EXIT STATUS\n0 if all succeeded, 1 if something failed, 2 for wrong use or a wrong setting, 130 after Ctrl-C, 143 after SIGTERM.\n"));
}

static void write_help(struct buf *b)
{
	command_help(b, shown);
}

/* The exit status if the environment file cannot be used, 0 if it can. */
static int load_env_file(void)
{
	struct fault warning, why = { 0 };
	enum status status = env_file_load(&warning, &why);
	if (warning.text[0] != '\0')
		fprintf(stderr, "tintype: warning: %s\n", warning.text);
	if (status == OK)
		return 0;
	fprintf(stderr, "tintype: %s\n", why.text);
	return 2;
}

static int run_verb(const struct main_verb *v, int argc, char **argv)
{
	for (int i = 1; v->command.usage != NULL && i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			shown = &v->command;
			return put_page(stdout, write_help);
		}
	const int most = v->words == NO_WORD ? 1 : 2;
	if (v->words != ANY_WORDS && argc > most) {
		fprintf(stderr, "tintype %s: unexpected argument \"%s\"; see --help\n", argv[0], argv[most]);
		return 2;
	}
	return !v->is_plain && load_env_file() != 0 ? 2 : v->run(argc, argv);
}

int main(int argc, char **argv)
{
	/* A file that is opened gets the lowest free number: with a standard stream closed, what is printed would
	 * go into the database. Opened the wrong way round, so that using such a stream still fails. */
	static const int modes[] = { O_WRONLY, O_RDONLY, O_RDONLY };
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			abort();
	/* A peer that went away is an error of its write, not the end of the program. */
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; argc > 1 && i < COUNT_OF(verbs); i++)
		if (strcmp(argv[1], verbs[i].command.name) == 0)
			return run_verb(&verbs[i], argc - 1, argv + 1);
	if (argc > 1 && cli_knows(str_of(argv[1])))
		return load_env_file() != 0 ? 2 : cli_run(argc - 1, argv + 1);
	if (argc > 1)
		return refuse_command(argv[1]);
	put_page(stderr, write_usage);
	return 2;
}
