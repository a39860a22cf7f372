/* The credentials file's text. See key_profiles.h. Source of the format: AWS SDKs and Tools Reference Guide,
 * "Shared config and credentials files". */
#include "store/keys/key_profiles.h"

#include "base/codec.h"
#include "base/ini.h"

#include <string.h>

#define PREFIX_MAX_BYTES 1024 /* of a key */

static const struct {
	const char *word;
	unsigned actions;
} action_words[] = { { "list", KEY_LIST }, { "read", KEY_READ }, { "write", KEY_WRITE }, { "delete", KEY_DELETE },
	{ "buckets", KEY_BUCKETS }, { "all", KEY_ACTIONS_ALL } };

/* grants */

bool actions_parse(struct str text, unsigned *out)
{
	unsigned actions = 0;

	do {
		struct str word = str_cut(&text, ',');
		unsigned one = 0;
		for (size_t i = 0; i < COUNT_OF(action_words); i++)
			if (str_equal(str_of(action_words[i].word), word))
				one = action_words[i].actions;
		if (one == 0)
			return false;
		actions |= one;
	} while (text.p != NULL);
	*out = actions;
	return true;
}

static void write_actions(struct buf *b, unsigned actions)
{
	bool first = true;

	for (size_t i = 0; i < COUNT_OF(action_words); i++) {
		unsigned one = action_words[i].actions;
		if (actions == KEY_ACTIONS_ALL ? one != actions : (actions & one) != one)
			continue;
		buf_put(b, first ? STR("") : STR(","));
		buf_put(b, str_of(action_words[i].word));
		first = false;
	}
}

void grants_write(struct buf *b, const struct key_grant *grants, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct key_grant *g = &grants[i];
		buf_put(b, i == 0 ? STR("") : STR(" "));
		write_actions(b, g->actions);
		if (g->bucket.n == 0 && g->prefix.n == 0)
			continue;
		buf_put_char(b, ':');
		buf_put(b, g->bucket.n == 0 ? STR("*") : g->bucket);
		buf_put(b, g->prefix.n == 0 ? STR("") : STR("/"));
		uri_encode(b, g->prefix, true);
	}
}

static bool is_bucket(struct str s)
{
	return s.n <= 255 && str_consists_of(s, STR(".-_"));
}

static bool parse_grant(struct str text, struct arena *a, struct key_grant *out)
{
	struct str where = text, prefix = { 0 };

	if (!actions_parse(str_cut(&where, ':'), &out->actions))
		return false;
	if (where.p == NULL)
		return true;
	prefix = where;
	struct str bucket = str_cut(&prefix, '/');
	if (!str_equal(bucket, STR("*"))) {
		if (!is_bucket(bucket))
			return false;
		out->bucket = str_dup(a, bucket);
	}
	if (!uri_decode(a, prefix, false, &prefix) || !utf8_valid(prefix) || prefix.n > PREFIX_MAX_BYTES)
		return false;
	out->prefix = str_dup(a, prefix);
	return true;
}

/* The next word, or "" at the end. */
static struct str cut_word(struct str *rest)
{
	*rest = str_trim(*rest);
	size_t end = str_find_char(*rest, ' '), tab = str_find_char(*rest, '\t');
	end = tab < end ? tab : end;
	struct str word = str_slice(*rest, 0, end);
	*rest = str_slice(*rest, end, rest->n);
	return word;
}

static bool parse_grants(struct str text, struct arena *a, struct access_key *key)
{
	struct key_grant *grants = arena_array(a, GRANTS_MAX, sizeof *grants);
	size_t n = 0;

	if (grants == NULL)
		return true; /* the arena says it in the end */
	for (struct str word = cut_word(&text); word.n > 0; word = cut_word(&text))
		if (n == GRANTS_MAX || !parse_grant(word, a, &grants[n++]))
			return false;
	key->grants = grants;
	key->n_grants = n;
	return n > 0;
}

/* lines */

static enum status bad_line(struct fault *why, size_t line, const char *what)
{
	return fault_set(why, INVALID_INPUT, "line %zu %s", line, what);
}

static bool copy_word(char *out, size_t size, struct str s)
{
	if (s.n == 0 || s.n >= size)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

bool profile_name_valid(struct str name)
{
	return name.n <= KEY_USER_MAX && str_consists_of(name, STR("._-")) && str_find_char(STR("._-"), name.p[0]) == 3;
}

const struct key_profile *profiles_find(const struct profiles *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->all[i].name, name) == 0)
			return &all->all[i];
	return NULL;
}

static enum status begin_profile(struct profiles *out, struct str name, size_t number, struct fault *why)
{
	if (out->n == PROFILES_MAX)
		return bad_line(why, number, "begins more profiles than a file may have");
	struct key_profile *p = &out->all[out->n];
	*p = (struct key_profile){ .line = number };
	if (!copy_word(p->name, sizeof p->name, name))
		return bad_line(why, number, "has a profile name that is empty, too long or has blanks");
	if (profiles_find(out, p->name) != NULL)
		return bad_line(why, number, "begins a profile that already exists");
	/* Whose the key is and what it may, as far as the name says. */
	bool owner = strcmp(p->name, KEY_OWNER_NAME) == 0, slots = strcmp(p->name, "slots") == 0;

	p->key.power = owner ? KEY_OWNER : slots ? KEY_SLOTS : KEY_USER;
	if (owner || slots)
		memcpy(p->key.user, KEY_OWNER_NAME, sizeof KEY_OWNER_NAME);
	else
		memcpy(p->key.user, p->name, sizeof p->key.user);
	out->n++;
	return OK;
}

static enum status read_setting(struct profiles *out, struct arena *a, const struct ini_line *line, size_t number, struct fault *why)
{
	struct access_key *key = &out->all[out->n - 1].key;
	struct str name = line->name, value = line->value;
	if (str_equal(name, STR("aws_access_key_id")) && !copy_word(key->id, sizeof key->id, value))
		return bad_line(why, number, "has an access key id that is empty, too long or has blanks");
	if (str_equal(name, STR("aws_secret_access_key")) && !copy_word(key->secret, sizeof key->secret, value))
		return bad_line(why, number, "has a secret that is empty, too long or has blanks");
	if (str_equal(name, STR("tintype_user")) &&
		(key->power != KEY_USER || !profile_name_valid(value) || str_equal(value, STR("slots")) ||
			!copy_word(key->user, sizeof key->user, value)))
		return bad_line(why, number, "names a user that cannot be, or is under [tintype] or [slots]");
	if (str_equal(name, STR("tintype_allow")) && (key->power != KEY_USER || key->n_grants > 0 || !parse_grants(value, a, key)))
		return bad_line(why, number,
			"has grants that are not of the form list,read:BUCKET/PREFIX, are repeated, or "
			"are under [tintype] or [slots]");
	return OK;
}

enum status profiles_parse(struct str text, struct arena *a, struct profiles *out, struct fault *why)
{
	struct ini ini = { .rest = text };
	struct ini_line line = { INI_SECTION };
	out->n = 0;
	while (line.kind != INI_END) {
		TRY(ini_next(&ini, &line, why));
		if (line.kind == INI_SECTION)
			TRY(begin_profile(out, line.name, ini.number, why));
		else if (line.kind == INI_SETTING)
			TRY(read_setting(out, a, &line, ini.number, why));
	}
	for (size_t i = 0; i < out->n; i++) {
		const struct key_profile *p = &out->all[i];
		if (p->key.id[0] == '\0')
			return bad_line(why, p->line, "begins a profile without aws_access_key_id");
		if (p->key.secret[0] == '\0')
			return bad_line(why, p->line, "begins a profile without aws_secret_access_key");
		for (size_t k = 0; k < i; k++)
			if (strcmp(out->all[k].key.id, p->key.id) == 0)
				return bad_line(why, p->line, "begins a profile whose access key id another has");
	}
	return fault_check_arena(a, why);
}
