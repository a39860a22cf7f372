/* Which headers are stored. aws-chunked is a coding of the request and not of the object, so it is removed. */
#include "s3/object_headers.h"

#include "http/text.h"
#include "s3/parameters.h"
#include "s3/wire/text.h"

#define USER_PREFIX STR("x-amz-meta-")
#define TYPE_MAX 255
#define OBJECT_HEADERS_MAX 128 /* each is a line of every response */

/* What was read so far, in the arena. */
struct header_list {
	struct header *headers;
	size_t n_headers;
};

static bool is_stored(struct str name)
{
	return str_starts_with_nocase(name, USER_PREFIX) ||
		str_is_word_of_nocase(
			name, STR("cache-control content-disposition content-encoding content-language expires x-amz-website-redirect-location"));
}

static void add_header(struct arena *a, struct header_list *k, struct str name, struct str value)
{
	if (str_equal(name, STR("content-encoding"))) {
		/* Without aws-chunked and the comma after it; the rest stays as it was sent, blanks too. */
		struct buf b;
		buf_init_arena(&b, a, value.n + 2);
		while (value.p != NULL) {
			struct str one = str_cut(&value, ',');
			if (str_trim(one).n == 0 || str_equal_nocase(str_trim(one), STR("aws-chunked")))
				continue;
			buf_put(&b, b.n > 0 ? STR(",") : STR(""));
			buf_put(&b, one);
		}
		value = str_trim(buf_str(&b));
	}
	if (k->n_headers <= OBJECT_HEADERS_MAX && (value.n > 0 || str_starts_with(name, USER_PREFIX)))
		k->headers[k->n_headers++] = (struct header){ name, value };
}

static enum status check_values(const struct header_list *k, struct fault *why)
{
	if (k->n_headers > OBJECT_HEADERS_MAX)
		return fault_set(why, META_TOO_LARGE, "An object can have at most %d headers of metadata.", OBJECT_HEADERS_MAX);
	size_t bytes = 0;
	for (size_t i = 0; i < k->n_headers; i++)
		if (str_starts_with(k->headers[i].name, USER_PREFIX))
			bytes += k->headers[i].name.n - USER_PREFIX.n + k->headers[i].value.n;
	if (bytes > META_USER_BYTES_MAX)
		return fault_set(
			why, META_TOO_LARGE, "Your metadata headers exceed the maximum allowed metadata size of %d bytes", META_USER_BYTES_MAX);
	for (size_t i = 0; i < k->n_headers; i++) {
		if (!http_is_token(k->headers[i].name))
			return fault_set(why, ARGUMENT_INVALID, "A name of user metadata may hold letters, digits and !#$%%&'*+-.^_`|~ only.");
		/* stored and returned as they were sent, bytes beyond ASCII too */
		if (!http_is_field_value(k->headers[i].value) || k->headers[i].value.n > META_USER_BYTES_MAX)
			return fault_set(why, ARGUMENT_INVALID, "The header %.*s must have at most %d bytes, and no control characters.",
				STRF(str_slice(k->headers[i].name, 0, 64)), META_USER_BYTES_MAX);
	}
	return OK;
}

enum status object_headers_read(
	struct arena *a, const struct header_index *headers, struct str *type, struct object_meta *meta, struct fault *why)
{
	assert(headers != NULL);
	assert(type != NULL && meta != NULL);
	struct str given = header_index_find(headers, STR("content-type"));
	struct header_list kept = { .headers = arena_array(a, headers->n + 1, sizeof(*kept.headers)) };

	if (!header_value_ok(given) || given.n > TYPE_MAX)
		return fault_set(why, ARGUMENT_INVALID, "The Content-Type must be at most 255 printable ASCII characters.");
	if (kept.headers == NULL)
		return fault_too_much(why);
	for (size_t i = 0; i < headers->n; i++) {
		const struct header *h = &headers->headers[i];
		if (is_stored(h->name))
			add_header(a, &kept, str_lower(a, h->name), str_trim(h->value));
	}
	TRY(check_values(&kept, why));
	*type = given.n > 0 ? given : STR("binary/octet-stream");
	meta->headers = kept.headers;
	meta->n_headers = kept.n_headers;
	return OK;
}

enum status object_headers_condition(struct s3_call *c, struct object_condition *out, struct fault *why)
{
	assert(out != NULL);
	const struct request *r = &c->x->request;
	struct str none = request_header(r, STR("if-none-match")), match = str_trim(request_header(r, STR("if-match")));
	*out = (struct object_condition){ 0 };
	if (none.p != NULL && !str_equal(str_trim(none), STR("*")))
		return fault_set(why, NOT_IMPLEMENTED, "If-None-Match of a write can only be '*' here.");
	out->absent = none.p != NULL;
	out->etag = str_unquote(match);
	return OK;
}

static const struct {
	const char *prefix, *what;
} refused[] = { { "x-amz-server-side-encryption", "Server-side encryption" },
	{ "x-amz-copy-source-server-side-encryption", "Server-side encryption" }, { "x-amz-object-lock-", "Object Lock" },
	{ "x-amz-tagging", "Tagging" }, { "x-amz-write-offset-bytes", "Appending to an object" } };

enum status object_headers_refuse(const struct header_index *headers, struct fault *why)
{
	assert(headers != NULL);
	struct str class = header_index_find(headers, STR("x-amz-storage-class"));
	for (size_t i = 0; i < headers->n; i++) {
		struct str name = headers->headers[i].name;
		for (size_t j = 0; j < COUNT_OF(refused) && str_starts_with_nocase(name, STR("x-amz-")); j++) {
			bool found = str_starts_with_nocase(name, str_of(refused[j].prefix));
			if (found && !str_equal_nocase(name, STR("x-amz-tagging-directive")))
				return fault_set(why, NOT_IMPLEMENTED, "%s is not supported here.", refused[j].what);
		}
	}
	if (class.p == NULL || str_equal(str_trim(class), STR("STANDARD")))
		return OK;
	return fault_set(why, STORAGE_CLASS_INVALID, "The storage class you specified is not valid: only STANDARD is supported.");
}
