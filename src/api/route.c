/* The table of routes and the search in it.
 *
 * Paths stand here as they are sent, under the stage /prod: nothing is decoded, so that
 * "/prod/%69mages" and "/prod/images/" are simply no paths of ours, on this door as behind API
 * Gateway. The table is short and walked from the top; the busiest row stands first. Pure. */
#include "api/call.h"

#include <assert.h>

#define TEXT(literal) { "" literal, sizeof(literal) - 1 }
#define UPLOAD TEXT("/prod/upload")
#define IMAGES TEXT("/prod/images")
#define IMAGE TEXT("/prod/images/{imageId}")
#define FILE_OF TEXT("/prod/images/{imageId}/file")
#define COMPLETE TEXT("/prod/images/{imageId}/complete")
#define LIMITS TEXT("/prod/limits")
#define UPPY TEXT("/prod/uppy")

static const struct route routes[] = {
	{ "POST /upload", TEXT("POST"), UPLOAD, upload_run, FOR_SLOTS, .has_body = true, .start = upload_start },
	{ "GET /images", TEXT("GET"), IMAGES, images_list, FOR_IMAGES },
	{ "GET /images/{imageId}", TEXT("GET"), IMAGE, images_get, FOR_IMAGES },
	{ "DELETE /images/{imageId}", TEXT("DELETE"), IMAGE, images_delete, FOR_DELETE },
	{ "GET /images/{imageId}/file", TEXT("GET"), FILE_OF, images_file, FOR_IMAGES },
	{ "POST /images/{imageId}/complete", TEXT("POST"), COMPLETE, images_complete, FOR_IMAGES },
	{ "GET /limits", TEXT("GET"), LIMITS, limits_run, FOR_ANYBODY, .now = true },
	{ "POST /uppy", TEXT("POST"), UPPY, uppy_run, FOR_SLOTS, .has_body = true, .start = uppy_start },
	{ "OPTIONS /upload", TEXT("OPTIONS"), UPLOAD, cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /images", TEXT("OPTIONS"), IMAGES, cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /images/{imageId}", TEXT("OPTIONS"), IMAGE, cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /images/{imageId}/file", TEXT("OPTIONS"), FILE_OF, cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /images/{imageId}/complete", TEXT("OPTIONS"), COMPLETE, cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /limits", TEXT("OPTIONS"), LIMITS, cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /uppy", TEXT("OPTIONS"), UPPY, cors_preflight, FOR_ANYBODY, .now = true },
};

const struct route *route_at(size_t i)
{
	return i < COUNT_OF(routes) ? &routes[i] : NULL;
}

static bool path_fits(struct str path_template, struct str path, struct str *image_id)
{
	static const struct str variable = TEXT("{imageId}");
	size_t at = str_find(path_template, variable);
	*image_id = (struct str){ 0 };
	if (at == path_template.n)
		return str_equal(path_template, path);
	struct str head = str_slice(path_template, 0, at);
	struct str tail = str_slice(path_template, at + variable.n, path_template.n);
	if (path.n <= head.n + tail.n || !str_starts_with(path, head) || !str_ends_with(path, tail))
		return false;
	*image_id = str_slice(path, head.n, path.n - tail.n);
	return str_find_char(*image_id, '/') == image_id->n;
}

enum status route_find(struct str method, struct str path, struct route_match *out, struct fault *why)
{
	struct str wanted = str_equal(method, STR("HEAD")) ? STR("GET") : method;
	struct str image_id;

	*out = (struct route_match){ 0 };
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		if (!path_fits(routes[i].path, path, &image_id))
			continue;
		out->path_template = routes[i].path;
		out->image_id = image_id;
		if (!str_equal(routes[i].method, wanted))
			continue;
		out->route = &routes[i];
		return OK;
	}
	if (out->path_template.n > 0)
		return fault_set(why, BAD_METHOD, "This path does not take the method; Allow says what it takes.");
	return fault_set(why, NO_SUCH_ROUTE, "There is no such path; the API is below /prod, without a slash at the end.");
}

struct str route_methods(struct arena *a, struct str path_template)
{
	struct buf names;

	buf_init_arena(&names, a, 64);
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		if (!str_equal(routes[i].path, path_template))
			continue;
		if (names.n > 0)
			buf_put(&names, STR(", "));
		buf_put(&names, routes[i].method);
		if (str_equal(routes[i].method, STR("GET")))
			buf_put(&names, STR(", HEAD"));
	}
	assert(names.n > 0 || !buf_ok(&names));
	return buf_ok(&names) ? buf_str(&names) : STR("OPTIONS");
}
