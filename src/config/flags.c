/* The reader of flags. See flags.h. */
#include "config/flags.h"

#include "base/codec.h"

#define SHOWN_MAX 60

/* The row of this name, or of this letter; NULL if there is none that is taken here. */
static const struct flag_name *find_row(const struct flags *f, struct str name, char letter, size_t *row)
{
	const struct flag_name *n;
	for (*row = 0; (n = f->row(*row)) != NULL; ++*row) {
		assert(*row < FLAGS_MAX);
		bool same = letter != '\0' ? n->letter == letter : name.n > 0 && str_equal(str_of(n->name), name);
		if (same && (f->takes >> *row & 1) != 0)
			return n;
	}
	return NULL;
}

/* The word short, harmless on a terminal, and without the value, which may be a secret. */
static enum status refuse_word(struct str word, struct fault *why)
{
	if (str_starts_with(word, STR("--")))
		word = str_slice(word, 0, str_find_char(word, '='));
	char memory[8 * SHOWN_MAX];
	struct buf shown;
	buf_init_fixed(&shown, memory, sizeof memory);
	terminal_escape(&shown, str_slice(word, 0, utf8_prefix(word, SHOWN_MAX)));
	return fault_set(
		why, BAD_SETTING, "%s \"%s\"; see --help", str_starts_with(word, STR("-")) ? "unknown option" : "unexpected argument", shown.p);
}

/* Note that the flag was given, if no earlier one excludes it or is excluded by it. */
static enum status note_flag(struct flags *f, const struct flag_word *w, struct fault *why)
{
	for (size_t i = 0; i < FLAGS_MAX; i++) {
		if ((f->given >> i & 1) == 0)
			continue;
		const struct flag_name *other = f->row(i);
		if (((unsigned __int128)w->name->excludes >> i & 1) != 0 || ((unsigned __int128)other->excludes >> w->row & 1) != 0)
			return fault_set(why, BAD_SETTING, "--%s cannot be given with --%s; see --help", w->name->name, other->name);
	}
	f->given |= (unsigned __int128)1 << w->row;
	return OK;
}

static enum status read_value(struct flags *f, struct flag_word *w, bool negated, struct fault *why)
{
	if (w->name->kind == FLAG_TOGGLE && w->value == NULL)
		w->value = negated ? "off" : "on";
	if (w->name->kind == FLAG_SWITCH && w->value != NULL)
		return fault_set(why, BAD_SETTING, "--%s does not take a value", w->name->name);
	if (w->name->kind != FLAG_VALUE || w->value != NULL)
		return OK;
	if (f->argc == 0)
		return fault_set(why, BAD_SETTING, "--%s needs a value", w->name->name);
	f->argc--;
	w->value = *f->argv++;
	return OK;
}

enum status flags_next(struct flags *f, struct flag_word *out, struct fault *why)
{
	assert(out != NULL);
	assert(f->argc > 0);
	struct str word = str_of(*f->argv), rest = { NULL, 0 }, name = { NULL, 0 };
	bool dashed = word.n > 1 && word.p[0] == '-', negated = false;
	*out = (struct flag_word){ .operand = f->has_operands && (f->only_operands || !dashed) ? *f->argv : NULL };
	f->argc--;
	f->argv++;
	if (out->operand != NULL)
		return OK;
	if (f->has_operands && str_equal(word, STR("--"))) {
		f->only_operands = true;
		return OK;
	}
	if (str_starts_with(word, STR("--"))) {
		rest = str_slice(word, 2, word.n);
		name = str_cut(&rest, '=');
		out->name = find_row(f, name, '\0', &out->row);
		negated = out->name == NULL && rest.p == NULL && str_starts_with(name, STR("no-"));
		if (negated)
			out->name = find_row(f, str_slice(name, 3, name.n), '\0', &out->row);
	} else if (dashed) {
		out->name = find_row(f, name, word.p[1], &out->row);
		if (word.n > 2 && out->name != NULL && out->name->kind != FLAG_VALUE)
			out->name = NULL;
		if (word.n > 2)
			rest = str_slice(word, 2, word.n);
	}
	if (out->name == NULL || (negated && out->name->kind != FLAG_TOGGLE))
		return refuse_word(word, why);
	TRY(note_flag(f, out, why));
	out->value = rest.p; /* the tail of a word, so it ends in a NUL */
	return read_value(f, out, negated, why);
}
