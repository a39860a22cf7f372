/* Version 1.0: REST APIs, and HTTP APIs that ask for it. Headers and query parameters come twice, once
 * with the last value of each and once with all; the second is taken where it is there. The path has
 * no stage. Query parameters are decoded, so a raw query is written of them. */
#include "base/buf.h"
#include "base/codec.h"
#include "lambda/fields.h"
#include "lambda/gateway_event.h"

#define QUERY_MAX_BYTES ((size_t)256 << 10)

static size_t count_values(const json_t *object)
{
	const char *name;
	json_t *values;
	size_t n = 0;
	json_object_foreach((json_t *)object, name, values) n += json_is_array(values) ? json_array_size(values) : 1;
	return n;
}

/* {"name": "value"} and {"name": ["value", ...]} alike. */
static enum status add_headers(struct arena *a, const json_t *object, struct gateway_event *e, struct fault *why)
{
	const char *name;
	json_t *values, *value;
	size_t i;
	TRY(gateway_room(a, e, count_values(object), why));
	json_object_foreach((json_t *)object, name, values)
	{
		if (json_is_string(values))
			TRY(gateway_add_header(a, e, name, field_of(values), why));
		json_array_foreach(values, i, value) TRY(gateway_add_header(a, e, name, field_of(value), why));
	}
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
			put_pair(&b, name, field_of(values));
		json_array_foreach(values, i, value) put_pair(&b, name, field_of(value));
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

enum status gateway_v1_read(struct arena *a, const json_t *root, struct gateway_event *out, struct fault *why)
{
	out->method = str_dup(a, field_text(root, "httpMethod"));
	out->path = str_dup(a, field_text(root, "path"));
	gateway_set_client(out, field_at(root, "requestContext", "identity", "sourceIp", NULL));
	TRY(write_query(a, first_present(root, "multiValueQueryStringParameters", "queryStringParameters"), out, why));
	return add_headers(a, first_present(root, "multiValueHeaders", "headers"), out, why);
}
