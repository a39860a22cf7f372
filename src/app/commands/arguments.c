/* See arguments.h. Words of settings are left to settings_load, which validates their values. */
#include "app/commands/arguments.h"

#define WORDS_MAX 256

enum status arguments_read(const struct argument_rules *r, int argc, char **argv, struct arguments *out, struct fault *why)
{
	assert(argc >= 1 && r->n_own <= ARGUMENTS_OWN_MAX && r->n_operands <= ARGUMENTS_OPERANDS_MAX);
	struct arguments a = { 0 };
	char *rest[WORDS_MAX];
	int n_rest = 0;
	size_t n = 0;
	for (struct flags f = { .row = r->row, .takes = FLAGS_ALL, .has_operands = true, .argc = argc - 1, .argv = argv + 1 }; f.argc > 0;) {
		struct flag_word word;
		char **from = f.argv;
		TRY(flags_next(&f, &word, why));
		if (word.operand != NULL && n == r->n_operands)
			return fault_set(why, BAD_SETTING, "unexpected argument \"%.60s\"; see --help", word.operand);
		if (word.operand != NULL && word.operand[0] == '\0')
			return fault_set(why, BAD_SETTING, "name %s: the argument is empty; see --help", r->operands);
		if (word.operand != NULL)
			a.operands[n++] = word.operand;
		else if (word.name != NULL && word.row < r->n_own)
			a.values[word.row] = word.value != NULL ? word.value : "";
		else if (word.name != NULL)
			while (from < f.argv && n_rest < WORDS_MAX)
				rest[n_rest++] = *from++;
	}
	if (n < r->n_operands)
		return fault_set(why, BAD_SETTING, "name %s; see --help", r->operands);
	TRY(settings_load(&a.settings, n_rest, rest, why));
	*out = a;
	return OK;
}

enum status arguments_number(const struct flag_name *flag, const char *value, uint64_t least, uint64_t *in_out, struct fault *why)
{
	uint64_t n = 0;
	if (value == NULL)
		return OK;
	if (!str_to_u64(str_of(value), &n) || n < least)
		return fault_set(why, BAD_SETTING, "--%s must be a number, at least %llu", flag->name, (unsigned long long)least);
	*in_out = n;
	return OK;
}
