/* Version 2.0: HTTP APIs and Function URLs. Headers have one value each, those that came twice joined by
 * commas; the query is raw; the path begins with the stage unless that is $default. Cookies, which
 * are separate, are not used by this API. */
#include "lambda/fields.h"
#include "lambda/gateway_event.h"

static struct str without_stage(struct str path, struct str stage)
{
	bool there = stage.n > 0 && path.n > stage.n && path.p[0] == '/' && str_starts_with(str_slice(path, 1, path.n), stage);
	if (!there)
		return path;
	struct str rest = str_slice(path, 1 + stage.n, path.n);
	return rest.n == 0 ? STR("/") : rest.p[0] == '/' ? rest : path;
}

enum status gateway_v2_read(struct arena *a, const json_t *root, struct gateway_event *out, struct fault *why)
{
	const json_t *headers = json_object_get(root, "headers");
	const json_t *context = json_object_get(root, "requestContext");
	struct str path = field_text(root, "rawPath");
	const char *name;
	json_t *value;
	out->method = str_dup(a, field_of(field_at(context, "http", "method", NULL)));
	out->path = str_dup(a, without_stage(path, field_text(context, "stage")));
	gateway_set_client(out, field_at(context, "http", "sourceIp", NULL));
	out->query = str_dup(a, field_text(root, "rawQueryString"));
	TRY(gateway_room(a, out, json_object_size(headers), why));
	json_object_foreach((json_t *)headers, name, value) TRY(gateway_add_header(a, out, name, field_of(value), why));
	return OK;
}
