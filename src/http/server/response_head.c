/* Answers out: the text of a head, in one piece, followed by the body where that is so short that one piece of memory is
 * sent faster than two. Of other bodies nothing is copied: they are in the arena, in what the answer holds, or in a file. */
#include "base/buf.h"
#include "base/clock.h"
#include "http/server/server_request.h"

#include <string.h>

#define JOINED_MAX ((size_t)256)

static const char *const reasons[] = {
	[200] = "OK",
	[201] = "Created",
	[202] = "Accepted",
	[204] = "No Content",
	[206] = "Partial Content",
	[301] = "Moved Permanently",
	[302] = "Found",
	[303] = "See Other",
	[304] = "Not Modified",
	[307] = "Temporary Redirect",
	[400] = "Bad Request",
	[401] = "Unauthorized",
	[403] = "Forbidden",
	[404] = "Not Found",
	[405] = "Method Not Allowed",
	[408] = "Request Timeout",
	[409] = "Conflict",
	[411] = "Length Required",
	[412] = "Precondition Failed",
	[413] = "Content Too Large",
	[414] = "URI Too Long",
	[415] = "Unsupported Media Type",
	[416] = "Range Not Satisfiable",
	[429] = "Too Many Requests",
	[421] = "Misdirected Request",
	[431] = "Request Header Fields Too Large",
	[500] = "Internal Server Error",
	[501] = "Not Implemented",
	[502] = "Bad Gateway",
	[503] = "Service Unavailable",
	[505] = "HTTP Version Not Supported",
};

static const char *reason_of(int status)
{
	const char *reason = (size_t)status < COUNT_OF(reasons) ? reasons[status] : NULL;
	return reason != NULL ? reason : "Unknown";
}

/* A second's text serves all answers of a thread in it. */
static struct str date_now(void)
{
	static _Thread_local int64_t second;
	static _Thread_local char text[HTTP_DATE_CHARS + 1];
	int64_t now_ms = clock_now_ms();
	if (now_ms / 1000 != second) {
		second = now_ms / 1000;
		clock_http_date(now_ms, text);
	}
	return (struct str){ text, HTTP_DATE_CHARS };
}

static bool is_head(const struct server_request *c)
{
	return str_equal(c->x.request.method, STR("HEAD"));
}

/* The length that is given: the body's, or what a handler without one says in answer to HEAD and with 304. */
static uint64_t given_length(const struct server_request *c)
{
	const struct answer *ans = &c->x.answer;
	uint64_t n = ans->fd >= 0 ? ans->fd_length : ans->body.n;
	if ((!is_head(c) && ans->status != 304) || n > 0)
		return n;
	for (size_t i = 0; i < ans->n_headers; i++)
		if (str_equal_nocase(ans->headers[i].name, STR("Content-Length")) && str_to_u64(ans->headers[i].value, &n))
			return n;
	return 0;
}

static void put_headers(struct buf *b, const struct header *headers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_equal_nocase(headers[i].name, STR("Content-Length")))
			continue;
		BUF_PUT(b, headers[i].name, STR(": "), headers[i].value, STR("\r\n"));
	}
}

static void put_head(struct buf *b, struct server_request *c)
{
	const struct answer *ans = &c->x.answer;
	bool has_length = ans->status != 204 && (ans->status != 304 || given_length(c) > 0);
	buf_put(b, STR("HTTP/1.1 "));
	buf_put_u64(b, (uint64_t)ans->status);
	BUF_PUT(b, STR(" "), str_of(reason_of(ans->status)), STR("\r\nDate: "), date_now(), STR("\r\n"));
	put_headers(b, ans->headers, ans->n_headers);
	put_headers(b, ans->more, ans->n_more);
	if (has_length) {
		buf_put(b, STR("Content-Length: "));
		buf_put_u64(b, given_length(c));
		buf_put(b, STR("\r\n"));
	}
	if (!c->keeps_alive)
		buf_put(b, STR("Connection: close\r\n"));
	else if (c->is_old)
		buf_put(b, STR("Connection: keep-alive\r\n")); /* RFC 9112 C.2.2 */
	buf_put(b, STR("\r\n"));
}

bool response_head_make(struct server_request *c)
{
	struct answer *ans = &c->x.answer;
	struct buf *b = &c->head;
	assert(ans->status >= 100 && ans->status <= 599);
	c->keeps_alive = c->keeps_alive && !ans->close && !atomic_load_explicit(&c->listener->traffic->draining, memory_order_relaxed);
	put_head(b, c);
	bool has_body = !is_head(c) && ans->status != 204 && ans->status != 304, joined = has_body && ans->fd < 0 && ans->body.n <= JOINED_MAX;
	if (joined)
		buf_put(b, ans->body);
	if (!buf_ok(b))
		return false;
	c->out = (struct outgoing){ .head = buf_str(b), .fd = -1 };
	if (!has_body)
		return true;
	if (ans->fd >= 0)
		c->out = (struct outgoing){ .head = buf_str(b), .fd = ans->fd, .at = ans->fd_offset, .left = ans->fd_length };
	else if (!joined)
		c->out.body = ans->body;
	c->out_bytes = given_length(c);
	return true;
}
