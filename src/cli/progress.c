/* The bar: "3/12 [######--------------] 31%  1.2 MiB of 3.9 MiB  2.0 MiB/s  name". */
#include "cli/progress.h"

#include "base/clock.h"
#include "base/codec.h"
#include "cli/output.h"
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_CHARS 20
#define COLUMNS_MAX 400

void progress_format(const struct progress *p, int64_t now_ms, unsigned columns, struct buf *b)
{
	assert(p != NULL);
	assert(b != NULL);
	char sent[SHOW_SIZE_CHARS], total[SHOW_SIZE_CHARS], rate[SHOW_SIZE_CHARS];
	char space[1024];
	struct buf name;
	uint64_t bytes = atomic_load(&p->sent_bytes);
	bytes = bytes < p->total_bytes ? bytes : p->total_bytes;
	unsigned percent = p->total_bytes > 0 ? (unsigned)((double)bytes * 100 / (double)p->total_bytes) : 100;
	int64_t ms = now_ms - p->start_ms > 0 ? now_ms - p->start_ms : 1;
	show_size(bytes, sent);
	show_size(p->total_bytes, total);
	show_size((uint64_t)((double)bytes * 1000 / (double)ms), rate);
	size_t before = b->n;
	buf_printf(b, "%zu/%zu [", p->done, p->files);
	for (unsigned i = 0; i < BAR_CHARS; i++)
		buf_put_char(b, i * 100 < percent * BAR_CHARS ? '#' : '-');
	buf_printf(b, "] %u%%  %s of %s  %s/s  ", percent, sent, total, rate);
	size_t used = b->n - before;
	buf_init_fixed(&name, space, sizeof space);
	terminal_escape(&name, str_of(p->current));
	/* Bytes stand for columns: a name of wide or long characters is cut early, never late enough to wrap. */
	if (columns > used)
		buf_put(b, str_slice(buf_str(&name), 0, utf8_prefix(buf_str(&name), columns - used)));
}

void progress_draw(const struct progress *p)
{
	struct winsize size = { .ws_col = 80 };
	char space[2048];
	struct buf line;
	if (!p->shown)
		return;
	(void)ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
	unsigned columns = size.ws_col > COLUMNS_MAX ? COLUMNS_MAX : size.ws_col > 1 ? size.ws_col - 1u : 79;
	buf_init_fixed(&line, space, sizeof space);
	buf_put(&line, STR("\r"));
	progress_format(p, clock_mono_ms(), columns, &line);
	buf_put(&line, STR("\x1b[K"));
	fwrite(line.p, 1, line.n, stderr);
	fflush(stderr);
}

void progress_clear(const struct progress *p)
{
	if (!p->shown)
		return;
	fputs("\r\x1b[K", stderr);
	fflush(stderr);
}
