/* What the two versions have in common, which is the request id, the body and the base path, and what they have in
 * ways of their own.
 *
 * Version 1.0 is of REST APIs, and of HTTP APIs that ask for it. Headers and query parameters come twice, once with the last
 * value of each and once with all; the second is taken where it is there. Query parameters are decoded, so a raw
 * query is written of them. Version 2.0 is of HTTP APIs and Function URLs. Headers have one value each, those that came
 * twice joined by commas; the query is raw. Cookies, which are separate, are not used by this API.
 *
 * The stage is a matter of the gateway: version 1 leaves it out of the path, version 2 puts it in front unless it is
 * $default. So is the base path that a custom domain's mapping puts before it: the event names the route that was
 * matched, and the path has as many segments of its own as that has. The API is below /prod wherever it runs. */
#include "lambda/gateway_event.h"

#include "base/buf.h"
#include "base/codec.h"
#include "http/text.h"
#include "lambda/fields.h"

#define BASE_PATH STR("/prod")
#define HEADERS_MAX 256
#define QUERY_MAX_BYTES ((size_t)256 << 10)

/* Text that could not have come over HTTP is refused. */
static enum status add_header(struct arena *a, struct gateway_event *e, const char *name, struct str value, struct fault *why)
{
	assert(e->n_headers < HEADERS_MAX);
	struct str named = str_of(name);
	if (!http_is_field_value(value))
		return fault_set(why, INVALID_INPUT, "A header's value has a control character.");
	if (!http_is_visible(named))
		return fault_set(why, INVALID_INPUT, "A header's name is not valid.");
	e->headers[e->n_headers++] = (struct header){ str_dup(a, named), str_dup(a, value) };
	return fault_check_arena(a, why);
}

/* {"name": "value"} and {"name": ["value", ...]} alike. */
static enum status add_headers(struct arena *a, const json_t *object, struct gateway_event *e, struct fault *why)
{
	const char *name;
	json_t *values, *value;
	size_t i, n = 0;
	json_object_foreach((json_t *)object, name, values) n += json_is_array(values) ? json_array_size(values) : 1;
	if (n > HEADERS_MAX)
		return fault_set(why, TOO_MUCH, "The request has more than %d headers.", HEADERS_MAX);
	e->headers = arena_array(a, n, sizeof *e->headers);
	TRY(fault_check_arena(a, why));
	json_object_foreach((json_t *)object, name, values)
	{
		if (json_is_string(values))
			TRY(add_header(a, e, name, json_text(values), why));
		json_array_foreach(values, i, value) TRY(add_header(a, e, name, json_text(value), why));
	}
	assert(e->n_headers <= n);
	return OK;
}

static void put_pair(struct buf *b, const char *name, struct str value)
{
	if (b->n > 0)
		buf_put_char(b, '&');
	uri_encode(b, str_of(name), false);
	buf_put_char(b, '=');
	uri_encode(b, value, false);
}

static enum status write_query(struct arena *a, const json_t *object, struct gateway_event *e, struct fault *why)
{
	struct buf b;
	const char *name;
	json_t *values, *value;
	size_t i;
	buf_init_arena(&b, a, QUERY_MAX_BYTES);
	json_object_foreach((json_t *)object, name, values)
	{
		if (json_is_string(values))
			put_pair(&b, name, json_text(values));
		json_array_foreach(values, i, value) put_pair(&b, name, json_text(value));
	}
	e->query = buf_str(&b);
	return fault_check_buf(&b, why);
}

/* The member with all values, or else the one with the last of each; both may be null or missing. */
static const json_t *first_present(const json_t *root, const char *all, const char *last)
{
	const json_t *found = json_object_get(root, all);
	return json_is_object(found) ? found : json_object_get(root, last);
}

/* An address that is none leaves the client unknown. */
static void set_client(struct gateway_event *e, struct str address)
{
	if (!client_addr_parse(address, &e->client))
		e->client = (struct client_addr){ { 0 } };
}

static size_t count_slashes(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '/';
	return n;
}

/* The path below the base path of a custom domain.
 * route       that was matched, "/images/{imageId}"; a last segment {name+} stands for all that follow, as many as the parameter has
 * parameters  what the names stood for; may be NULL */
static struct str without_mapping(struct str path, struct str route, const json_t *parameters)
{
	size_t segments = count_slashes(route), start = path.n;
	if (!str_starts_with(route, STR("/")) || !str_starts_with(path, STR("/")))
		return path;
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)parameters, name, value) segments += count_slashes(json_text(value));
	while (segments > 0 && start > 0)
		segments -= path.p[--start] == '/';
	/* A route that begins with a name, as {proxy+} does, matched the base path too. */
	struct str first = str_slice(route, 1, route.n), own = str_slice(path, start + 1, path.n);
	first = str_slice(first, 0, str_find_char(first, '/'));
	own = str_slice(own, 0, str_find_char(own, '/'));
	return segments == 0 && str_equal(first, own) ? str_slice(path, start, path.n) : path;
}

static enum status read_v1(struct arena *a, const json_t *root, struct gateway_event *out, struct fault *why)
{
	out->method = str_dup(a, field_text(root, "httpMethod"));
	out->path =
		str_dup(a, without_mapping(field_text(root, "path"), field_text(root, "resource"), json_object_get(root, "pathParameters")));
	set_client(out, field_at(root, "requestContext", "identity", "sourceIp", NULL));
	TRY(write_query(a, first_present(root, "multiValueQueryStringParameters", "queryStringParameters"), out, why));
	return add_headers(a, first_present(root, "multiValueHeaders", "headers"), out, why);
}

static struct str without_stage(struct str path, struct str stage)
{
	bool there = stage.n > 0 && path.n > stage.n && path.p[0] == '/' && str_starts_with(str_slice(path, 1, path.n), stage);
	if (!there)
		return path;
	struct str rest = str_slice(path, 1 + stage.n, path.n);
	return rest.n == 0 ? STR("/") : rest.p[0] == '/' ? rest : path;
}

static enum status read_v2(struct arena *a, const json_t *root, struct gateway_event *out, struct fault *why)
{
	out->method = str_dup(a, field_at(root, "requestContext", "http", "method", NULL));
	struct str route = field_text(root, "routeKey"); /* "GET /images/{imageId}", or $default */
	struct str path = without_stage(field_text(root, "rawPath"), field_at(root, "requestContext", "stage", NULL));
	route = str_slice(route, str_find_char(route, '/'), route.n);
	out->path = str_dup(a, without_mapping(path, route, json_object_get(root, "pathParameters")));
	set_client(out, field_at(root, "requestContext", "http", "sourceIp", NULL));
	out->query = str_dup(a, field_text(root, "rawQueryString"));
	return add_headers(a, json_object_get(root, "headers"), out, why);
}

static enum status not_a_gateway_event(struct fault *why, const char *lacks)
{
	enum status st = fault_set(why, INTERNAL, "The event is not an API Gateway event.");
	fault_cause(why, "the event has no usable %s: this function accepts API Gateway proxy events or Function URL events", lacks);
	return st;
}

static enum status read_root(struct arena *a, const json_t *root, struct gateway_event *e, struct fault *why)
{
	struct str version = field_text(root, "version");
	struct str id = field_at(root, "requestContext", "requestId", NULL);
	e->version = str_equal(version, STR("2.0")) ? GATEWAY_V2 : GATEWAY_V1;
	e->id = http_is_visible(id) && id.n <= 128 ? str_dup(a, id) : STR("");
	TRY((e->version == GATEWAY_V2 ? read_v2 : read_v1)(a, root, e, why));
	if (!http_is_visible(e->method))
		return not_a_gateway_event(why, "method");
	if (!str_starts_with(e->path, STR("/")))
		return not_a_gateway_event(why, "path");
	if (!http_is_field_value(e->path) || str_find_char(e->path, '\t') < e->path.n)
		return fault_set(why, INVALID_INPUT, "The path has a control character.");
	if (!str_starts_with(e->path, BASE_PATH) || (e->path.n > BASE_PATH.n && e->path.p[BASE_PATH.n] != '/'))
		e->path = str_printf(a, "%.*s%.*s", STRF(BASE_PATH), STRF(e->path));
	if (e->path.p == NULL)
		return fault_too_much(why);
	const json_t *body = json_object_get(root, "body");
	struct str text = json_text(body);
	if (body != NULL && !json_is_null(body) && text.p == NULL) {
		enum status st = fault_set(why, INTERNAL, "The event's body is not text.");
		fault_cause(why, "the event's body is neither a string nor null");
		return st;
	}
	if (!json_is_true(json_object_get(root, "isBase64Encoded")))
		e->body = text.n > 0 ? str_dup(a, text) : STR("");
	else if (!base64_decode(a, text, &e->body) && arena_ok(a))
		return fault_set(why, INVALID_INPUT, "The body is not valid base64.");
	return fault_check_arena(a, why);
}

enum status gateway_event_read(struct arena *a, struct str event, struct gateway_event *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	json_auto_t *root = NULL;
	struct fault inner = { 0 };
	*out = (struct gateway_event){ .id = STR(""), .method = STR(""), .path = STR(""), .query = STR(""), .body = STR("") };
	if (fields_parse(event, &root, &inner) == OK)
		return read_root(a, root, out, why);
	if (inner.code == F_BAD_FIELD)
		return fault_set(why, INVALID_INPUT, "The name of a header or of a query parameter has a NUL.");
	enum status st = fault_set(why, INTERNAL, "The event cannot be read.");
	fault_cause(why, "%s: %s", inner.text, inner.cause);
	return st;
}
