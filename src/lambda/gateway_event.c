/* What both versions have in common: which of them it is, the request id, the body, the base path.
 *
 * The stage is a matter of the gateway: version 1 leaves it out of the path, version 2 puts it in front,
 * a custom domain has any base path or none. The API is below /prod wherever it runs. */
#include "lambda/gateway_event.h"

#include "base/codec.h"
#include "http/text.h"
#include "lambda/fields.h"

#define BASE_PATH STR("/prod")
#define HEADERS_MAX 256

enum status gateway_room(struct arena *a, struct gateway_event *e, size_t n, struct fault *why)
{
	if (n > HEADERS_MAX)
		return fault_set(why, TOO_MUCH, "The request has more than %d headers.", HEADERS_MAX);
	e->headers = arena_array(a, n, sizeof *e->headers);
	return e->headers == NULL ? fault_too_much(why) : OK;
}

void gateway_set_client(struct gateway_event *e, const json_t *address)
{
	if (!client_addr_parse(field_of(address), &e->client))
		e->client = (struct client_addr){ { 0 } };
}

enum status gateway_add_header(struct arena *a, struct gateway_event *e, const char *name, struct str value, struct fault *why)
{
	struct str named = str_of(name);
	if (!http_is_field_value(value))
		return fault_set(why, INVALID_INPUT, "A header's value has a control character.");
	if (!http_is_visible(named))
		return fault_set(why, INVALID_INPUT, "A header's name is not valid.");
	e->headers[e->n_headers++] = (struct header){ str_dup(a, named), str_dup(a, value) };
	return fault_check_arena(a, why);
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
	struct str id = field_of(field_at(root, "requestContext", "requestId", NULL));
	e->version = str_equal(version, STR("2.0")) ? GATEWAY_V2 : GATEWAY_V1;
	e->id = http_is_visible(id) && id.n <= 128 ? str_dup(a, id) : STR("");
	TRY((e->version == GATEWAY_V2 ? gateway_v2_read : gateway_v1_read)(a, root, e, why));
	if (!http_is_visible(e->method))
		return not_a_gateway_event(why, "method");
	if (!str_starts_with(e->path, STR("/")) || !http_is_field_value(e->path) || str_find_char(e->path, '\t') < e->path.n)
		return not_a_gateway_event(why, "path");
	if (!str_starts_with(e->path, BASE_PATH) || (e->path.n > BASE_PATH.n && e->path.p[BASE_PATH.n] != '/'))
		e->path = str_printf(a, "%.*s%.*s", STRF(BASE_PATH), STRF(e->path));
	if (e->path.p == NULL)
		return fault_too_much(why);
	const json_t *body = json_object_get(root, "body");
	struct str text = field_of(body);
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
	json_t *root CLEANUP(fields_free) = NULL;
	struct fault inner = { 0 };
	*out = (struct gateway_event){ .id = STR(""), .method = STR(""), .path = STR(""), .query = STR(""), .body = STR("") };
	if (fields_parse(event, &root, &inner) == OK)
		return read_root(a, root, out, why);
	enum status st = fault_set(why, INTERNAL, "The event cannot be read.");
	fault_cause(why, "%s: %s", inner.text, inner.cause);
	return st;
}
