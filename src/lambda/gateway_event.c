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
#include "base/json_tree.h"
#include "http/text.h"

#define BASE_PATH STR("/prod")
#define HEADERS_MAX 256
#define QUERY_MAX_BYTES ((size_t)256 << 10)
#define NEST_MAX 64

/* Text that could not have come over HTTP is refused. */
static enum status add_header(struct gateway_event *e, struct str name, struct str value, struct fault *why)
{
	assert(e->n_headers < HEADERS_MAX);
	if (!http_is_field_value(value))
		return fault_set(why, INVALID_INPUT, "A header's value has a control character.");
	if (!http_is_visible(name))
		return fault_set(why, INVALID_INPUT, "A header's name is not valid.");
	e->headers[e->n_headers++] = (struct header){ name, value };
	return OK;
}

/* The first member of an object; NULL of any other value and of NULL. */
static const struct json_node *members_of(const struct json_node *value)
{
	return value != NULL && value->kind == NODE_OBJECT ? value->first : NULL;
}

static size_t count_headers(const struct json_node *values)
{
	size_t n = 0;
	for (; values != NULL; values = values->next) {
		n += values->kind != NODE_ARRAY;
		for (const struct json_node *value = node_items(values); value != NULL; value = value->next)
			n++;
	}
	return n;
}

/* {"name": "value"} and {"name": ["value", ...]} alike. */
static enum status add_headers(struct arena *a, const struct json_node *object, struct gateway_event *e, struct fault *why)
{
	size_t n = count_headers(members_of(object));
	if (n > HEADERS_MAX)
		return fault_set(why, TOO_MUCH, "The request has more than %d headers.", HEADERS_MAX);
	e->headers = arena_array(a, n, sizeof *e->headers);
	TRY(fault_check_arena(a, why));
	for (const struct json_node *values = members_of(object); values != NULL; values = values->next) {
		if (values->kind == NODE_TEXT)
			TRY(add_header(e, values->name, values->text, why));
		for (const struct json_node *value = node_items(values); value != NULL; value = value->next)
			TRY(add_header(e, values->name, node_text(value), why));
	}
	assert(e->n_headers <= n);
	return OK;
}

static void put_pair(struct buf *b, struct str name, struct str value)
{
	if (b->n > 0)
		buf_put_char(b, '&');
	uri_encode(b, name, false);
	buf_put_char(b, '=');
	uri_encode(b, value, false);
}

static enum status write_query(struct arena *a, const struct json_node *object, struct gateway_event *e, struct fault *why)
{
	struct buf b;
	buf_init_arena(&b, a, QUERY_MAX_BYTES);
	for (const struct json_node *values = members_of(object); values != NULL; values = values->next) {
		if (str_find_char(values->name, '\0') < values->name.n)
			return fault_set(why, INVALID_INPUT, "The name of a query parameter has a NUL.");
		if (values->kind == NODE_TEXT)
			put_pair(&b, values->name, values->text);
		for (const struct json_node *value = node_items(values); value != NULL; value = value->next)
			put_pair(&b, values->name, node_text(value));
	}
	e->query = buf_str(&b);
	return fault_check_buf(&b, why);
}

/* The member with all values, or else the one with the last of each; both may be null or missing. */
static const struct json_node *first_present(const struct json_node *root, struct str all, struct str last)
{
	const struct json_node *found = node_member(root, all);
	return found != NULL && found->kind == NODE_OBJECT ? found : node_member(root, last);
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
static struct str without_mapping(struct str path, struct str route, const struct json_node *parameters)
{
	size_t segments = count_slashes(route), start = path.n;
	if (!str_starts_with(route, STR("/")) || !str_starts_with(path, STR("/")))
		return path;
	for (const struct json_node *value = members_of(parameters); value != NULL; value = value->next)
		segments += count_slashes(node_text(value));
	while (segments > 0 && start > 0)
		segments -= path.p[--start] == '/';
	/* A route that begins with a name, as {proxy+} does, matched the base path too. */
	struct str first = str_slice(route, 1, route.n), own = str_slice(path, start + 1, path.n);
	first = str_slice(first, 0, str_find_char(first, '/'));
	own = str_slice(own, 0, str_find_char(own, '/'));
	return segments == 0 && str_equal(first, own) ? str_slice(path, start, path.n) : path;
}

static enum status read_v1(struct arena *a, const struct json_node *root, struct gateway_event *out, struct fault *why)
{
	const struct json_node *identity = node_member(node_member(root, STR("requestContext")), STR("identity"));
	out->method = node_member_text(root, STR("httpMethod"));
	out->path = without_mapping(
		node_member_text(root, STR("path")), node_member_text(root, STR("resource")), node_member(root, STR("pathParameters")));
	set_client(out, node_member_text(identity, STR("sourceIp")));
	TRY(write_query(a, first_present(root, STR("multiValueQueryStringParameters"), STR("queryStringParameters")), out, why));
	return add_headers(a, first_present(root, STR("multiValueHeaders"), STR("headers")), out, why);
}

static struct str without_stage(struct str path, struct str stage)
{
	bool there = stage.n > 0 && path.n > stage.n && path.p[0] == '/' && str_starts_with(str_slice(path, 1, path.n), stage);
	if (!there)
		return path;
	struct str rest = str_slice(path, 1 + stage.n, path.n);
	return rest.n == 0 ? STR("/") : rest.p[0] == '/' ? rest : path;
}

static enum status read_v2(struct arena *a, const struct json_node *root, struct gateway_event *out, struct fault *why)
{
	const struct json_node *context = node_member(root, STR("requestContext")), *http = node_member(context, STR("http"));
	out->method = node_member_text(http, STR("method"));
	struct str route = node_member_text(root, STR("routeKey")); /* "GET /images/{imageId}", or $default */
	struct str path = without_stage(node_member_text(root, STR("rawPath")), node_member_text(context, STR("stage")));
	route = str_slice(route, str_find_char(route, '/'), route.n);
	out->path = without_mapping(path, route, node_member(root, STR("pathParameters")));
	set_client(out, node_member_text(http, STR("sourceIp")));
	out->query = node_member_text(root, STR("rawQueryString"));
	return add_headers(a, node_member(root, STR("headers")), out, why);
}

static enum status not_a_gateway_event(struct fault *why, const char *lacks)
{
	enum status st = fault_set(why, INTERNAL, "The event is not an API Gateway event.");
	fault_cause(why, "the event has no usable %s: this function accepts API Gateway proxy events or Function URL events", lacks);
	return st;
}

static enum status read_root(struct arena *a, const struct json_node *root, struct gateway_event *e, struct fault *why)
{
	struct str id = node_member_text(node_member(root, STR("requestContext")), STR("requestId"));
	e->version = str_equal(node_member_text(root, STR("version")), STR("2.0")) ? GATEWAY_V2 : GATEWAY_V1;
	e->id = http_is_visible(id) && id.n <= 128 ? id : STR("");
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
	const struct json_node *body = node_member(root, STR("body")), *encoded = node_member(root, STR("isBase64Encoded"));
	struct str text = node_text(body);
	if (body != NULL && body->kind != NODE_NULL && text.p == NULL) {
		enum status st = fault_set(why, INTERNAL, "The event's body is not text.");
		fault_cause(why, "the event's body is neither a string nor null");
		return st;
	}
	if (encoded == NULL || encoded->kind != NODE_TRUE)
		e->body = text.n > 0 ? text : STR("");
	else if (!base64_decode(a, text, &e->body) && arena_ok(a))
		return fault_set(why, INVALID_INPUT, "The body is not valid base64.");
	return fault_check_arena(a, why);
}

enum status gateway_event_read(struct arena *a, struct str event, struct gateway_event *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	static const struct json_tree_rules rules = { .nest_max = NEST_MAX, .allows_repeats = true, .allows_nul = true };
	const struct json_node *root;
	*out = (struct gateway_event){ .id = STR(""), .method = STR(""), .path = STR(""), .query = STR(""), .body = STR("") };
	switch (json_tree_read(event, &rules, a, &root)) {
	case JSON_TREE_READ:
		return read_root(a, root, out, why);
	case JSON_TREE_NO_MEMORY:
		return fault_check_arena(a, why);
	case JSON_TREE_REPEATED:
	case JSON_TREE_MALFORMED:
		break;
	}
	enum status st = fault_set(why, INTERNAL, "The event cannot be read.");
	fault_cause(why, "the event is not a JSON object, or nests too deeply");
	return st;
}
