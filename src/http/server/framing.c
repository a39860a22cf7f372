/* Which request ends where. Two readers of one connection (a proxy and this server) that disagree on it let a
 * second request be smuggled in a body, so whatever is given twice, two ways, or in a way that only
 * some understand is refused, before any byte of the body is believed.
 * Pure; any thread. */
#include "http/server/framing.h"
#include "http/server/host.h"
#include "http/text.h"

/* The one header of this name; {NULL, 0} when there is none. */
static enum status find_one(const struct header_index *headers, struct str name, struct str *out, struct fault *why)
{
	*out = header_index_find(headers, name);
	size_t found = 0;
	for (size_t i = 0; headers->may_repeat && i < headers->n; i++)
		found += str_equal_nocase(headers->headers[i].name, name);
	if (found > 1)
		return fault_set(why, BAD_FRAMING, "More than one %.*s header", STRF(name));
	return OK;
}

/* RFC 9112 6.1, 6.3: where `chunked` comes last the body's end is known, and another coding before it is one that is not
 * supported; in every other list it is unknown where the body ends. */
static enum status read_coding(struct str list, struct framing *out, struct fault *why)
{
	bool is_first = true;
	out->chunked = list.p != NULL;
	if (out->chunked && out->has_length)
		return fault_set(why, BAD_FRAMING, "Content-Length and Transfer-Encoding are mutually exclusive");
	while (list.p != NULL) {
		struct str coding = str_trim(str_cut(&list, ','));
		bool is_chunked = str_equal_nocase(coding, STR("chunked"));
		if (is_chunked && list.p == NULL)
			return is_first ? OK : fault_set(why, BAD_CODING, "Of the transfer codings only chunked is supported");
		if (is_chunked || !http_is_token(coding))
			break;
		is_first = false;
	}
	return out->chunked ? fault_set(why, BAD_FRAMING, "Transfer-Encoding may only be chunked") : OK;
}

enum status framing_read(const struct header_index *headers, struct framing *out, struct fault *why)
{
	assert(headers != NULL);
	struct framing f = { 0 };
	struct str length, coding, expect, authorization, name;
	TRY(find_one(headers, STR("Content-Length"), &length, why));
	TRY(find_one(headers, STR("Transfer-Encoding"), &coding, why));
	TRY(find_one(headers, STR("Host"), &f.host, why));
	TRY(find_one(headers, STR("Expect"), &expect, why));
	TRY(find_one(headers, STR("Authorization"), &authorization, why)); /* a proxy may have checked the other one */
	if (f.host.n > 0 && !host_cut_name(f.host, &name))
		return fault_set(why, BAD_FRAMING, "The Host header is not a name or an address, with or without a port");
	f.has_length = length.p != NULL;
	if (f.has_length && !str_to_u64(str_trim(length), &f.length))
		return fault_set(why, BAD_FRAMING, "Content-Length is not a number");
	TRY(read_coding(coding, &f, why));
	f.expects_continue = str_equal_nocase(str_trim(expect), STR("100-continue"));
	*out = f;
	return OK;
}

enum status framing_cut_target(struct str method, struct str target, struct target *out, struct fault *why)
{
	assert(out != NULL);
	struct target t = { .path = target, .authority = STR("") };
	bool is_options = str_equal(method, STR("OPTIONS"));
	if (!http_is_visible(target) || str_find_char(target, '#') < target.n)
		return fault_set(why, BAD_FRAMING, "The request target is not a URL without a fragment");
	/* RFC 9112 3.2.2: a server must accept the absolute form, and its authority wins over Host. */
	size_t scheme = str_starts_with_nocase(target, STR("http://")) ? 7 : str_starts_with_nocase(target, STR("https://")) ? 8 : 0;
	if (scheme > 0) {
		struct str rest = str_slice(target, scheme, target.n), name;
		size_t end = str_find_char(str_slice(rest, 0, str_find_char(rest, '?')), '/');
		t.authority = str_slice(rest, 0, end);
		t.is_https = scheme == 8;
		t.path = end < rest.n && rest.p[end] == '/' ? str_slice(rest, end, rest.n) : is_options && end == rest.n ? STR("*") : STR("/");
		if (end < rest.n && rest.p[end] == '?')
			t.query = str_slice(rest, end + 1, rest.n);
		if (!host_cut_name(t.authority, &name))
			return fault_set(why, BAD_FRAMING, "The request target names no host, or has more than a host and a port before its path");
	}
	size_t question = str_find_char(t.path, '?');
	if (question < t.path.n) {
		t.query = str_slice(t.path, question + 1, t.path.n);
		t.path = str_slice(t.path, 0, question);
	}
	bool is_star = is_options && t.query.p == NULL && str_equal(t.path, STR("*")); /* RFC 9112 3.2.4: it has no other use */
	if (!is_star && !str_starts_with(t.path, STR("/")))
		return fault_set(why, BAD_FRAMING, "The request target is not a path");
	*out = t;
	return OK;
}
