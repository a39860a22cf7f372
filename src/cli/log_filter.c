/* A log line parsed, filtered and formatted for people. */
#include "cli/log_filter.h"

#include "base/clock.h"
#include "base/json.h"

static bool passes_filter(const json_t *object, const struct line_filter *f)
{
	enum log_level level;
	int64_t ms;
	if (f->has_level && log_level_parse(json_text(json_object_get(object, "level")), &level) && level < f->level)
		return false;
	return f->from_ms == 0 || !clock_parse_iso8601(json_text(json_object_get(object, "time")), &ms) || ms >= f->from_ms;
}

static int add_text(const char *p, size_t n, void *arg)
{
	buf_put(arg, (struct str){ p, n });
	return 0;
}

static void add_fields(struct buf *b, json_t *object)
{
	const char *name;
	json_t *value;
	buf_printf(b, "%-24.*s %-5.*s %.*s", STRF(json_text(json_object_get(object, "time"))),
		STRF(json_text(json_object_get(object, "level"))), STRF(json_text(json_object_get(object, "event"))));
	json_object_foreach(object, name, value)
	{
		if (str_is_one_of(str_of(name), STR("time|level|event"), '|'))
			continue;
		buf_printf(b, " %s=", name);
		/* Text with blanks or quotes, and what is not text, is written as JSON. */
		struct str text = json_text(value);
		if (text.n > 0 && str_find_char(text, ' ') == text.n && str_find_char(text, '"') == text.n)
			buf_put(b, text);
		else
			(void)json_dump_callback(value, add_text, b, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
	}
}

bool line_show(struct buf *b, struct str line, const struct line_filter *f)
{
	assert(b != NULL);
	assert(f != NULL);
	bool starved;
	json_t *object = json_read(line, JSON_ALLOW_NUL, NULL, &starved);
	size_t before = b->n;
	bool wanted = !json_is_object(object) || passes_filter(object, f);
	if (json_is_object(object))
		add_fields(b, object);
	else
		buf_put(b, line);
	json_decref(object);
	struct str shown = str_slice(buf_str(b), before, b->n);
	return wanted && (f->grep.n == 0 || str_find(line, f->grep) < line.n || str_find(shown, f->grep) < shown.n);
}
