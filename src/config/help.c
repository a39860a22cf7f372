/* The help of commands. See help.h. */
#include "config/help.h"

#define WIDTH 92
#define NOTE_MAX 256

void help_words(struct buf *b, struct str words, struct str margin, size_t column)
{
	assert(b != NULL);
	size_t at = column;
	while (words.p != NULL) {
		struct str word = str_cut(&words, ' ');
		bool first = at == column;
		if (!first && at + 1 + word.n > WIDTH) {
			buf_put_char(b, '\n');
			buf_put(b, margin);
			at = margin.n;
		} else if (!first) {
			buf_put_char(b, ' ');
			at++;
		}
		buf_put(b, word);
		at += word.n;
	}
	buf_put_char(b, '\n');
}

/* "-o, --output FILE" */
static void put_usage(struct buf *b, const struct flag_name *f)
{
	char letter[] = { '-', f->letter, ',', ' ', '\0' };
	const char *dashes = f->name[0] == '\0' ? "" : f->kind == FLAG_TOGGLE ? "--[no-]" : "--", *value = f->value != NULL ? f->value : "";
	buf_printf(b, "%s%s%s%s%s", f->letter != '\0' ? letter : "", dashes, f->name, f->name[0] != '\0' && value[0] != '\0' ? " " : "", value);
}

void help_flags(struct buf *b, const struct flag_name *(*row)(size_t i), unsigned __int128 takes, void (*note)(struct buf *b, size_t i))
{
	assert(b != NULL && row != NULL);
	const struct str margin = STR("                              "); /* to where the sentences begin */
	const struct flag_name *f;
	for (size_t i = 0; (f = row(i)) != NULL; i++) {
		if ((takes >> i & 1) == 0)
			continue;
		char memory[NOTE_MAX];
		size_t start = b->n;
		buf_put(b, STR("  "));
		put_usage(b, f);
		size_t used = b->n - start;
		if (used + 2 > margin.n) {
			buf_put_char(b, '\n');
			used = 0;
		}
		buf_put(b, str_slice(margin, used, margin.n));
		help_words(b, str_of(f->sentence), margin, margin.n);
		struct buf said;
		buf_init_fixed(&said, memory, sizeof memory);
		if (note != NULL)
			note(&said, i);
		if (said.n > 0) {
			buf_put(b, margin);
			help_words(b, buf_str(&said), margin, margin.n);
		}
	}
}

/* What would be a request or an escape of man(7) is written as text. */
static void put_roff(struct buf *b, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		bool starts = i == 0 || text.p[i - 1] == '\n';
		if (starts && (text.p[i] == '.' || text.p[i] == '\''))
			buf_put(b, STR("\\&"));
		if (text.p[i] == '-' || text.p[i] == '\\')
			buf_put(b, text.p[i] == '-' ? STR("\\-") : STR("\\e"));
		else
			buf_put_char(b, text.p[i]);
	}
}

static void put_paragraph(struct buf *b, struct str tag, struct str text)
{
	buf_put(b, STR(".TP\n\\fB"));
	put_roff(b, tag);
	buf_put(b, STR("\\fR\n"));
	put_roff(b, text);
	buf_put_char(b, '\n');
}

void help_manual_command(struct buf *b, const char *usage, const char *text)
{
	assert(b != NULL && usage != NULL && text != NULL);
	put_paragraph(b, str_of(usage), str_of(text));
}

void help_manual(struct buf *b, const struct flag_name *(*row)(size_t i), unsigned __int128 takes, void (*note)(struct buf *b, size_t i))
{
	assert(b != NULL && row != NULL);
	const struct flag_name *f;
	for (size_t i = 0; (f = row(i)) != NULL; i++) {
		char memory[NOTE_MAX];
		struct buf text;
		if ((takes >> i & 1) == 0)
			continue;
		buf_init_fixed(&text, memory, sizeof memory);
		put_usage(&text, f);
		put_paragraph(b, buf_str(&text), str_of(f->sentence));
		buf_init_fixed(&text, memory, sizeof memory);
		if (note != NULL)
			note(&text, i);
		if (text.n > 0)
			put_roff(b, buf_str(&text));
		if (text.n > 0)
			buf_put_char(b, '\n');
	}
}
