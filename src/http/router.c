/* The search in a table of routes, from the top: tables are short, and the busiest row is the first. See router.h. */
#include "http/router.h"

#include "base/buf.h"

#include <string.h>

#define METHODS_MAX 8 /* of one path */

static const void *row_at(const struct router *r, size_t i)
{
	assert(i < r->n);
	return (const char *)r->rows + i * r->row_bytes;
}

const char *router_name(const struct router *r, size_t i)
{
	assert(i == 0 || r != NULL);
	return i < r->n ? *(const char *const *)row_at(r, i) : NULL;
}

/* Cut a row's name in two. */
static struct str read_name(const char *name, struct str *path_template)
{
	*path_template = str_of(name);
	return str_cut(path_template, ' ');
}

static bool path_fits(struct str path_template, struct str path, struct str *segment)
{
	size_t open = str_find_char(path_template, '{');
	*segment = (struct str){ 0 };
	if (open == path_template.n)
		return str_equal(path_template, path);
	struct str tail = str_slice(path_template, str_find_char(path_template, '}') + 1, path_template.n);
	if (path.n <= open + tail.n || !str_starts_with(path, str_slice(path_template, 0, open)) || !str_ends_with(path, tail))
		return false;
	*segment = str_slice(path, open, path.n - tail.n);
	return str_find_char(*segment, '/') == segment->n;
}

/* "Use GET or DELETE here." */
static enum status refuse_method(const struct router *r, struct str path_template, struct fault *why)
{
	struct str methods[METHODS_MAX], at;
	size_t n = 0;
	char memory[128];
	struct buf names;
	for (size_t i = 0; i < r->n && n < METHODS_MAX; i++) {
		struct str takes = read_name(router_name(r, i), &at);
		if (str_equal(at, path_template))
			methods[n++] = takes;
	}
	buf_init_fixed(&names, memory, sizeof memory);
	for (size_t i = 0; i < n; i++)
		buf_printf(&names, "%s%.*s", i == 0 ? "" : i + 1 == n ? " or " : ", ", STRF(methods[i]));
	return fault_set(why, BAD_METHOD, "Use %.*s here.", STRF(buf_str(&names)));
}

enum status router_find(const struct router *r, struct str method, struct str path, struct route_match *out, struct fault *why)
{
	assert(r != NULL);
	assert(out != NULL);
	struct str wanted = str_equal(method, STR("HEAD")) ? STR("GET") : method, prefix = str_of(r->prefix);
	*out = (struct route_match){ 0 };
	if (!str_starts_with(path, prefix))
		return fault_set(why, NO_SUCH_ROUTE, "%s", r->no_route);
	path = str_slice(path, prefix.n, path.n);
	for (size_t i = 0; i < r->n; i++) {
		struct str path_template, segment;
		struct str takes = read_name(router_name(r, i), &path_template);
		if (!path_fits(path_template, path, &segment))
			continue;
		/* A path without a variable goes before one with: what it names is not a value of that variable. */
		if (segment.n > 0 && out->path_template.n > 0 && out->segment.n == 0)
			continue;
		out->path_template = path_template;
		out->segment = segment;
		if (!str_equal(takes, wanted))
			continue;
		out->row = row_at(r, i);
		return OK;
	}
	if (out->path_template.n > 0)
		return refuse_method(r, out->path_template, why);
	return fault_set(why, NO_SUCH_ROUTE, "%s", r->no_route);
}

struct str router_methods(const struct router *r, struct str path_template, struct arena *a)
{
	assert(r != NULL);
	assert(a != NULL);
	struct buf names;
	buf_init_arena(&names, a, 64);
	for (size_t i = 0; i < r->n; i++) {
		struct str path;
		struct str method = read_name(router_name(r, i), &path);
		if (!str_equal(path, path_template))
			continue;
		buf_put(&names, names.n > 0 ? STR(", ") : STR(""));
		buf_put(&names, method);
		if (str_equal(method, STR("GET")))
			buf_put(&names, STR(", HEAD"));
	}
	assert(names.n > 0 || !buf_ok(&names));
	return buf_ok(&names) ? buf_str(&names) : STR("OPTIONS");
}
