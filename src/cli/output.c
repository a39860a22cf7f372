/* Lines for people, lines for programs, sizes. */
#include "cli/output.h"

#include "base/codec.h"
#include "cli/file_names.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES (8u << 20)

/* The errno of the first write to the standard output that failed: the next call of anything changes errno. */
static _Atomic int output_error;

static void keep_error(void)
{
	int none = 0;
	atomic_compare_exchange_strong(&output_error, &none, errno);
}

static bool write_bytes(struct str line, FILE *to)
{
	bool whole = fwrite(line.p, 1, line.n, to) == line.n;
	if (!whole && to == stdout)
		keep_error();
	return whole;
}

bool show_bytes(struct str bytes)
{
	return write_bytes(bytes, stdout);
}

bool show_flush(void)
{
	if (ferror(stdout) != 0)
		return false;
	if (fflush(stdout) == 0)
		return true;
	keep_error();
	return false;
}

/* Whether the stream is a terminal that styles text, and NO_COLOR is not set. */
static bool has_styles(FILE *to)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	int fd = fileno(to);
	return fd >= 0 && isatty(fd) == 1 && (no_color == NULL || *no_color == '\0') && term != NULL && *term != '\0' &&
		strcmp(term, "dumb") != 0;
}

static void show_text(FILE *to, enum show_style style, const char *fmt, va_list args)
{
	static const char *const codes[] = {
		[SHOW_PLAIN] = "0", [SHOW_BOLD] = "1", [SHOW_FAINT] = "2", [SHOW_RED] = "31", [SHOW_YELLOW] = "33", [SHOW_GREEN] = "32"
	};
	struct buf plain CLEANUP(buf_deinit), line CLEANUP(buf_deinit);
	bool styled = style != SHOW_PLAIN && has_styles(to);
	buf_init(&plain, LINE_MAX_BYTES);
	buf_init(&line, LINE_MAX_BYTES);
	buf_vprintf(&plain, fmt, args);
	if (styled)
		buf_printf(&line, "\x1b[%sm", codes[style]);
	terminal_escape(&line, buf_str(&plain));
	buf_put(&line, styled ? STR("\x1b[0m\n") : STR("\n"));
	write_bytes(buf_str(&line), to);
}

void show_line(FILE *to, const char *fmt, ...)
{
	assert(to != NULL && fmt != NULL);
	va_list args;
	va_start(args, fmt);
	show_text(to, SHOW_PLAIN, fmt, args);
	va_end(args);
}

void show_styled(FILE *to, enum show_style style, const char *fmt, ...)
{
	assert(to != NULL && fmt != NULL);
	va_list args;
	va_start(args, fmt);
	show_text(to, style, fmt, args);
	va_end(args);
}

/* DEL is the one byte of ASCII that jansson leaves as it is though a terminal may act on it. */
static int add_ascii(const char *p, size_t n, void *arg)
{
	struct buf *b = arg;
	for (struct str rest = { p, n }; rest.n > 0;) {
		size_t at = str_find_char(rest, 0x7f);
		buf_put(b, str_slice(rest, 0, at));
		if (at < rest.n)
			buf_put(b, STR("\\u007f"));
		rest = str_slice(rest, at + 1, rest.n);
	}
	return 0;
}

void show_json(FILE *to, const json_t *object)
{
	struct buf line CLEANUP(buf_deinit) = { 0 };
	buf_init(&line, LINE_MAX_BYTES);
	if (json_dump_callback(object, add_ascii, &line, JSON_COMPACT | JSON_ENSURE_ASCII) != 0)
		return;
	buf_put_char(&line, '\n');
	write_bytes(buf_str(&line), to);
}

json_t *show_json_text(struct str s)
{
	struct buf whole CLEANUP(buf_deinit) = { 0 };
	buf_init(&whole, s.n * 3 + 1);
	name_replace_ill_formed(&whole, s);
	return json_stringn(whole.p, whole.n);
}

bool show_end(void)
{
	if (show_flush() || output_error == EPIPE)
		return true;
	show_line(stderr, "tintype: the output cannot be written: %s", strerrordesc_np(output_error));
	return false;
}

void show_size(uint64_t bytes, char out[SHOW_SIZE_CHARS])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	if (bytes < 1024) {
		(void)snprintf(out, SHOW_SIZE_CHARS, "%u B", (unsigned)bytes);
		return;
	}
	double value = (double)bytes / 1024;
	size_t unit = 0;
	/* 1023.95 and above would be written as 1024.0. */
	for (; value >= 1023.95 && unit + 1 < COUNT_OF(units); unit++)
		value /= 1024;
	(void)snprintf(out, SHOW_SIZE_CHARS, "%.1f %s", value, units[unit]);
}
