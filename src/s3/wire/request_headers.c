/* One table of lists and one of single values. See request_headers.h. */
#include "s3/wire/request_headers.h"

#define KNOWN_MAX 512 /* each is compared with the others */

static bool is_list(struct str name)
{
	return str_starts_with_nocase(name, STR("x-amz-meta-")) ||
		str_is_word_of_nocase(name,
			STR("access-control-request-headers cache-control content-encoding content-language if-match if-none-match "
				"x-amz-copy-source-if-match x-amz-copy-source-if-none-match x-amz-object-attributes "
				"x-amz-optional-object-attributes"));
}

static bool is_single(struct str name)
{
	return str_starts_with_nocase(name, STR("x-amz-")) ||
		str_is_word_of_nocase(name,
			STR("access-control-request-method authorization content-disposition content-md5 content-type date "
				"expires if-modified-since if-range if-unmodified-since origin range"));
}

static enum status add_known(struct arena *a, struct header *all, size_t *n, struct header h, struct fault *why)
{
	struct header *old = NULL;
	for (size_t i = 0; i < *n && old == NULL; i++)
		old = str_equal_nocase(all[i].name, h.name) ? &all[i] : NULL;
	if (old == NULL)
		all[(*n)++] = h;
	else if (!is_list(h.name))
		return fault_set(why, REQUEST_INVALID, "The header %.*s must not be sent more than once.", STRF(str_slice(h.name, 0, 64)));
	else
		old->value = str_printf(a, "%.*s,%.*s", STRF(old->value), STRF(h.value));
	return fault_check_arena(a, why);
}

enum status request_headers_combine(struct arena *a, struct request *r, struct fault *why)
{
	assert(a != NULL && r != NULL);
	assert(r->n_headers == 0 || r->headers != NULL);
	if (r->by_name.headers != r->headers || r->by_name.n != r->n_headers)
		TRY(request_index(a, r, why));
	if (!r->by_name.may_repeat)
		return OK;
	struct header *all = arena_array(a, r->n_headers, sizeof *all);
	size_t n = 0;
	if (all == NULL)
		return fault_too_much(why);
	/* the known ones first, so that only those are compared */
	for (size_t i = 0; i < r->n_headers; i++) {
		bool known = is_list(r->headers[i].name) || is_single(r->headers[i].name);
		if (known && n == KNOWN_MAX)
			return fault_set(why, TOO_MUCH, "The request has more than %d headers", KNOWN_MAX);
		if (known)
			TRY(add_known(a, all, &n, r->headers[i], why));
	}
	for (size_t i = 0; i < r->n_headers; i++)
		if (!is_list(r->headers[i].name) && !is_single(r->headers[i].name))
			all[n++] = r->headers[i];
	r->headers = all;
	r->n_headers = n;
	return request_index(a, r, why);
}
