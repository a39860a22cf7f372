/* Files that are in the program. Sets are short: they are searched from the top. */
#include "web/web.h"

#include "http/text.h"

const struct web_file *web_find(const struct web_files *set, struct str path)
{
	assert(set != NULL);
	for (size_t i = 0; i < set->n; i++)
		if (str_equal(set->files[i].path, path))
			return &set->files[i];
	return NULL;
}

bool web_takes_gzip(struct str accept_encoding)
{
	static const char *const names[] = { "gzip", "x-gzip", "*" };
	enum http_preference found = HTTP_NOT_NAMED;

	for (size_t i = 0; i < COUNT_OF(names) && found == HTTP_NOT_NAMED; i++)
		found = http_preference(accept_encoding, str_of(names[i]));
	return found == HTTP_ACCEPTED;
}

/* Compared weakly, as RFC 9110 13.1.2 requires: a proxy on the way may have made the ETag a weak one. */
static bool etag_matches(const struct request *r, struct str etag)
{
	for (struct str rest = request_header(r, STR("If-None-Match")); rest.p != NULL;) {
		struct str one = str_trim(str_cut(&rest, ','));
		if (str_starts_with(one, STR("W/")))
			one = str_slice(one, 2, one.n);
		if (str_equal(one, etag) || str_equal(one, STR("*")))
			return true;
	}
	return false;
}

void web_answer(const struct web_file *f, const struct request *r, struct answer *ans)
{
	assert(f != NULL);
	assert(r != NULL);
	assert(ans != NULL);
	bool packed = f->gzip.n > 0 && web_takes_gzip(request_header(r, STR("Accept-Encoding")));
	struct str etag = packed ? f->gzip_etag : f->etag;

	answer_header(ans, STR("ETag"), etag);
	answer_header(ans, STR("Cache-Control"), STR("no-cache"));
	answer_header(ans, STR("Vary"), STR("Accept-Encoding"));
	answer_header(ans, STR("X-Content-Type-Options"), STR("nosniff"));
	if (etag_matches(r, etag)) {
		ans->status = 304;
		return;
	}
	ans->status = 200;
	ans->body = packed ? f->gzip : f->plain;
	answer_header(ans, STR("Content-Type"), f->media_type);
	if (packed)
		answer_header(ans, STR("Content-Encoding"), STR("gzip"));
}
