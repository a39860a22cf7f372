/* `tintype keys add NAME | list | rm NAME`: reads what is asked for, has store/keys/key_edit.c change the
 * credentials file, and prints the new key. A running server sees the file change by itself.
 *
 * Grants are read from three flags in any order; a flag that appears a second time begins the next grant.
 * With several of them each must be complete: a grant that was meant to be narrow would be wide. */
#include "app/commands/keys.h"

#include "base/hash.h"
#include "cli/output.h"
#include "config/settings.h"
#include "config/settings_check.h"
#include "store/keys/key_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MIN 8
#define ID_MIN 3
#define LIST_MAX_BYTES (1024 * 1024)

/* One grant as it is being read. */
struct given {
	bool bucket, prefix, allow;
};

struct order {
	const char *data_dir;
	struct str name, user;
	struct key_grant grants[GRANTS_MAX];
	struct given given[GRANTS_MAX];
	size_t n_grants;
	bool id_given, secret_given;
	struct new_key key;
};

/* options */

static enum status print_usage(struct fault *why, const char *text)
{
	return fault_set(why, BAD_SETTING, "%s; see --help", text);
}

/* The grant that this kind of flag belongs to; NULL: there are too many.
 * flag  of struct given, where it is noted */
static struct key_grant *grant_for(struct order *o, size_t flag, struct fault *why)
{
	bool again = o->n_grants == 0 || *((bool *)&o->given[o->n_grants - 1] + flag);
	if (again && o->n_grants == GRANTS_MAX) {
		print_usage(why, "these are more permissions than one key may have");
		return NULL;
	}
	o->n_grants += again;
	*((bool *)&o->given[o->n_grants - 1] + flag) = true;
	return &o->grants[o->n_grants - 1];
}

static enum status parse_bucket(struct order *o, const char *value, struct fault *why)
{
	struct key_grant *g = grant_for(o, offsetof(struct given, bucket), why);
	if (g == NULL)
		return INVALID;
	if (strcmp(value, "*") == 0)
		return OK;
	g->bucket = str_of(value);
	return settings_check_bucket(g->bucket, why);
}

static enum status parse_prefix(struct order *o, const char *value, struct fault *why)
{
	struct key_grant *g = grant_for(o, offsetof(struct given, prefix), why);
	if (g == NULL)
		return INVALID;
	g->prefix = str_of(value);
	return OK;
}

static enum status parse_allow(struct order *o, const char *value, struct fault *why)
{
	struct key_grant *g = grant_for(o, offsetof(struct given, allow), why);
	if (g == NULL)
		return INVALID;
	if (!actions_parse(str_of(value), &g->actions))
		return print_usage(why, "--allow must be list, read, write, delete, buckets separated by commas, or all");
	return OK;
}

static enum status parse_id(struct order *o, const char *value, struct fault *why)
{
	size_t n = strlen(value);
	if (n < ID_MIN || n > KEY_ID_MAX || !str_consists_of(str_of(value), STR("._-")))
		return print_usage(why, "--id must be 3 to 128 of A-Z, a-z, 0-9, '.', '_' and '-'");
	memcpy(o->key.id, value, n + 1);
	o->id_given = true;
	return OK;
}

static enum status parse_secret(struct order *o, struct str secret, struct fault *why)
{
	bool good = secret.n >= SECRET_MIN && secret.n <= KEY_SECRET_MAX;

	for (size_t i = 0; good && i < secret.n; i++)
		good = secret.p[i] > ' ' && secret.p[i] <= '~';
	if (!good)
		return print_usage(why, "a secret must be 8 to 128 printable ASCII characters without blanks");
	memcpy(o->key.secret, secret.p, secret.n);
	o->key.secret[secret.n] = '\0';
	o->secret_given = true;
	return OK;
}

static enum status read_secret_env(struct order *o, const char *value, struct fault *why)
{
	const char *secret = getenv(value);
	return secret != NULL ? parse_secret(o, str_of(secret), why) : print_usage(why, "--secret-env names a variable that is not set");
}

static enum status read_secret_stdin(struct order *o, const char *value, struct fault *why)
{
	char line[KEY_SECRET_MAX + 3];

	if (fgets(line, sizeof line, stdin) == NULL)
		line[0] = '\0';
	struct str secret = str_of(line);
	if (str_ends_with(secret, STR("\n")))
		secret.n--;
	if (str_ends_with(secret, STR("\r")))
		secret.n--;
	enum status status = parse_secret(o, secret, why);
	secret_wipe(line, sizeof line);
	return status;
}

static enum status parse_data(struct order *o, const char *value, struct fault *why)
{
	o->data_dir = value;
	return OK;
}

static enum status parse_user(struct order *o, const char *value, struct fault *why)
{
	o->user = str_of(value);
	if (!profile_name_valid(o->user) || str_equal(o->user, STR("slots")))
		return print_usage(why, "--user must be the name of a user");
	return OK;
}

#define TAKES_DATA UINT64_C(1)              /* the bit of the first row */
#define SECRET_STDIN_BIT (UINT64_C(1) << 6) /* and of --secret-stdin */
static const struct option {
	struct flag_name flag;
	enum status (*take)(struct order *o, const char *value, struct fault *why);
} options[] = {
	{ { "data", 0, FLAG_VALUE, "DIR", "The data directory (TINTYPE_DATA)." }, parse_data },
	{ { "user", 0, FLAG_VALUE, "NAME", "An additional key for this user; tintype is the owner." }, parse_user },
	{ { "allow", 0, FLAG_VALUE, "ACTIONS", "Allow only these: list, read, write, delete, buckets, separated by commas; or all." },
		parse_allow },
	{ { "bucket", 0, FLAG_VALUE, "NAME", "Only in this bucket of the user; * means all of them." }, parse_bucket },
	{ { "prefix", 0, FLAG_VALUE, "TEXT", "Only keys with this prefix." }, parse_prefix },
	{ { "id", 0, FLAG_VALUE, "ID", "Use this access key id instead of a random one; requires a secret." }, parse_id },
	{ { "secret-stdin", 0, FLAG_SWITCH, NULL, "Read the secret from standard input." }, read_secret_stdin },
	{ { "secret-env", 0, FLAG_VALUE, "VAR", "Read the secret from this environment variable.", SECRET_STDIN_BIT }, read_secret_env },
};

const struct flag_name *keys_flag(size_t i)
{
	return i < COUNT_OF(options) ? &options[i].flag : NULL;
}

static enum status read_order(struct order *o, bool named, bool adds, int argc, char **argv, struct fault *why)
{
	for (struct flags f = { keys_flag, adds ? FLAGS_ALL : TAKES_DATA, .has_operands = true, .argc = argc, .argv = argv }; f.argc > 0;) {
		struct flag_word word;
		TRY(flags_next(&f, &word, why));
		if (word.name != NULL)
			TRY(options[word.row].take(o, word.value, why));
		if (word.operand == NULL)
			continue;
		if (!named || o->name.p != NULL)
			return print_usage(why, named ? "there is more than one name" : "list does not take a name");
		o->name = str_of(word.operand);
	}
	if (named && o->name.p == NULL)
		return print_usage(why, "there is no name");
	if (o->id_given != o->secret_given)
		return print_usage(why, "an access key id and a secret go together: --id with --secret-stdin or --secret-env");
	for (size_t i = 0; i < o->n_grants; i++) {
		const struct given *given = &o->given[i];
		if (o->n_grants > 1 && !(given->bucket && given->allow))
			return print_usage(why, "with several permissions each needs its own --bucket (* means all) and --allow");
		if (!given->allow)
			o->grants[i].actions = given->prefix ? KEY_ACTIONS_ALL & ~(unsigned)KEY_BUCKETS : KEY_ACTIONS_ALL;
		if (o->grants[i].prefix.n > 0 && given->allow && (o->grants[i].actions & KEY_BUCKETS) != 0)
			return print_usage(why, "the action buckets applies to a whole bucket: omit --prefix");
	}
	return OK;
}

/* the three */

static enum status add_key(struct order *o, struct fault *why)
{
	struct key_addition k = { .name = o->name, .user = o->user, .grants = o->grants, .n_grants = o->n_grants, .key = &o->key };

	if (!o->id_given)
		new_key_make(&o->key);
	TRY(key_edit_add(o->data_dir, &k, why));
	const char *name = o->name.p;

	printf("[%s]\naws_access_key_id = %s\n", name, o->key.id);
	if (o->secret_given)
		fprintf(stderr, "The key of %s was added, with the secret that you gave.\n", name);
	else {
		printf("aws_secret_access_key = %s\n", o->key.secret);
		fprintf(stderr, "The key of %s was added. The secret is shown only once; put these lines in ~/.aws/credentials.\n", name);
	}
	return OK;
}

static enum status list_keys(struct order *o, struct fault *why)
{
	struct buf b CLEANUP(buf_deinit);

	buf_init(&b, LIST_MAX_BYTES);
	TRY(key_edit_list(o->data_dir, &b, why));
	(void)fwrite(b.p, 1, b.n, stdout);
	return OK;
}

static enum status remove_key(struct order *o, struct fault *why)
{
	TRY(key_edit_remove(o->data_dir, o->name, why));
	fprintf(stderr, "The key of %.*s was removed. Its user's buckets stay, for a later key of the same user.\n", STRF(o->name));
	return OK;
}

static const struct action {
	const char *name;
	bool named, adds;
	enum status (*run)(struct order *o, struct fault *why);
} actions[] = {
	{ "add", true, true, add_key },
	{ "list", false, false, list_keys },
	{ "rm", true, false, remove_key },
};

static enum status run_command(struct order *o, int argc, char **argv, struct fault *why)
{
	struct settings s;
	const struct action *action = NULL;
	for (size_t i = 0; argc > 1 && i < COUNT_OF(actions); i++)
		if (strcmp(actions[i].name, argv[1]) == 0)
			action = &actions[i];
	if (action == NULL)
		return print_usage(why, "keys must be followed by add NAME, list or rm NAME");
	TRY(settings_load(&s, 0, NULL, why));
	o->data_dir = s.data_dir;
	TRY(read_order(o, action->named, action->adds, argc - 2, argv + 2, why));
	return action->run(o, why);
}

int keys_run(int argc, char **argv)
{
	assert(argc >= 1 && argv != NULL);
	struct order o = { 0 };
	struct fault why = { 0 };
	enum status status = run_command(&o, argc, argv, &why);

	secret_wipe(&o, sizeof o);
	if (status == OK)
		return show_end() ? 0 : 1;
	fprintf(stderr, "tintype keys: %s\n", why.text);
	return why.code == F_BAD_SETTING ? 2 : 1;
}
