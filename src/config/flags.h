/* Words of a command line, read against a table of flags: `--flag VALUE`, `--flag=VALUE`, `-f VALUE`, `-fVALUE`,
 * `--switch`, `--toggle`, `--no-toggle`, `--toggle=on`; after "--" all are operands, and "-" is one. The settings, the client's
 * verbs and `tintype keys` have a table each, and validate the values themselves. Pure; any thread. */
#ifndef CONFIG_FLAGS_H
#define CONFIG_FLAGS_H

#include "base/fault.h"
#include "base/str.h"

enum flag_kind {
	FLAG_VALUE,  /* takes a value */
	FLAG_SWITCH, /* takes none */
	FLAG_TOGGLE, /* may be negated; its value is "on" or "off", or what was written */
};
struct flag_name {
	const char *name; /* without dashes; "": no flag */
	char letter;      /* 0: none */
	enum flag_kind kind;
	const char *value;    /* for the help: what it takes; NULL: nothing */
	const char *sentence; /* for the help */
	uint64_t excludes;    /* bits of rows, of the first 64, that are not given together with it; one of the two says so */
};

#define FLAGS_MAX 128 /* rows of a table; sets of them are bits */
#define FLAGS_ALL (~(unsigned __int128)0)
struct flags {
	const struct flag_name *(*row)(size_t i); /* the i-th of at most FLAGS_MAX rows; NULL past the last */
	unsigned __int128 takes;                  /* bits of the rows that are flags here */
	bool has_operands;                        /* false: a word that is not a flag is refused */
	bool only_operands;                       /* "--" has been read */
	int argc;                                 /* what is left to read */
	char **argv;
	unsigned __int128 given; /* bits of the rows that were read */
};

/* What was read: a flag, an operand, or neither, which was "--". */
struct flag_word {
	const struct flag_name *name; /* NULL: no flag */
	size_t row;
	const char *value; /* NULL: of a switch */
	char *operand;
};

/* Read the next word, and its value if that is the next but one. f->argc is over 0.
 * Errors  BAD_SETTING an unknown flag or one that is not taken here, a value missing or too much, a flag that excludes an earlier one */
enum status flags_next(struct flags *f, struct flag_word *out, struct fault *why) MUST_CHECK;

#endif
