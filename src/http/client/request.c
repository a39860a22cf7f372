/* Where a request goes, and its head as text. */
#include "http/client/request.h"

#include "http/text.h"

#include <stdio.h>
#include <string.h>

static enum status url_invalid(struct fault *why)
{
	return fault_set(why, INVALID_INPUT, "the URL is not http://host[:port]/path or https://host[:port]/path");
}

/* RFC 3986 3.2: host, [IPv6] and port; no user. */
static enum status split_authority(struct str authority, struct connection_target *to, struct fault *why)
{
	bool bracketed = str_starts_with(authority, STR("["));
	size_t end = bracketed ? str_find_char(authority, ']') : str_find_char(authority, ':');
	struct str host = str_slice(authority, bracketed ? 1 : 0, end);
	struct str rest = str_slice(authority, bracketed ? end + 1 : end, authority.n);
	struct str port = rest.n > 1 ? str_slice(rest, 1, rest.n) : to->tls ? STR("443") : STR("80");
	uint64_t number = 0;
	bool right = host.n > 0 && host.n < sizeof to->host && str_find_char(authority, '@') == authority.n &&
		(rest.n == 0 || rest.p[0] == ':') && !(bracketed && end == authority.n) && str_to_u64(port, &number) && number >= 1 &&
		number <= 65535;
	if (!right)
		return url_invalid(why);
	(void)snprintf(to->host, sizeof to->host, "%.*s", STRF(host));
	(void)snprintf(to->port, sizeof to->port, "%u", (unsigned)number);
	return OK;
}

uint64_t request_body_length(const struct http_request *r)
{
	return r->body_file ? r->body_length : r->body.n;
}

static enum status write_headers(const struct http_request *r, struct buf *head, struct fault *why)
{
	static const char *const ours[] = { "host", "content-length", "transfer-encoding", "connection" };
	for (size_t i = 0; i < r->n_headers; i++) {
		struct header h = r->headers[i];
		if (!http_is_token(h.name))
			return fault_set(why, INVALID_INPUT, "a header's name is not a token");
		for (size_t k = 0; k < h.value.n; k++)
			if (strchr("\r\n", h.value.p[k]) != NULL) /* finds NUL as well */
				return fault_set(why, INVALID_INPUT, "the value of header %.*s has a line break or NUL", STRF(h.name));
		for (size_t k = 0; k < COUNT_OF(ours); k++)
			if (str_equal_nocase(h.name, str_of(ours[k])))
				return fault_set(why, INVALID_INPUT, "header %s is set by the client itself", ours[k]);
		buf_put(head, h.name);
		buf_put(head, STR(": "));
		buf_put(head, h.value);
		buf_put(head, STR("\r\n"));
	}
	return OK;
}

enum status request_write_head(const struct http_request *r, struct connection_target *to, struct buf *head, struct fault *why)
{
	assert(to != NULL && head != NULL);
	to->tls = str_starts_with_nocase(r->url, STR("https://"));
	if (!to->tls && !str_starts_with_nocase(r->url, STR("http://")))
		return url_invalid(why);
	struct str rest = str_slice(r->url, to->tls ? 8 : 7, r->url.n);
	size_t end = 0;
	while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?')
		end++;
	struct str target = str_slice(rest, end, rest.n);
	if (!http_is_visible(r->url) || str_find_char(r->url, '#') < r->url.n)
		return url_invalid(why);
	TRY(split_authority(str_slice(rest, 0, end), to, why));
	to->check_address = r->check_address;
	to->check_arg = r->check_arg;
	if (!http_is_token(r->method))
		return fault_set(why, INVALID_INPUT, "the method is not a token");

	buf_put(head, r->method);
	buf_put(head, str_starts_with(target, STR("/")) ? STR(" ") : STR(" /"));
	buf_put(head, target);
	bool usual_port = strcmp(to->port, to->tls ? "443" : "80") == 0;
	bool bracketed = strchr(to->host, ':') != NULL;
	buf_printf(head, " HTTP/1.1\r\nHost: %s%s%s", bracketed ? "[" : "", to->host, bracketed ? "]" : "");
	buf_printf(head, "%s%s\r\n", usual_port ? "" : ":", usual_port ? "" : to->port);
	/* RFC 9110 8.6: a length is sent for methods that expect a body even when it is empty. */
	uint64_t length = request_body_length(r);
	if (length > 0 || str_equal(r->method, STR("POST")) || str_equal(r->method, STR("PUT")) || str_equal(r->method, STR("PATCH")))
		buf_printf(head, "Content-Length: %llu\r\n", (unsigned long long)length);
	TRY(write_headers(r, head, why));
	buf_put(head, STR("\r\n"));
	return fault_check_buf(head, why);
}
