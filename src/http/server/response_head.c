/* Answers out: the text of a head, in one piece, with a body behind it that is so short that one piece of memory is
 * sent faster than two. Of other bodies nothing is copied: they are in the arena, in what the answer holds, or in a file. */
#include "base/buf.h"
#include "base/clock.h"
#include "http/server/server_request.h"

#include <assert.h>
#include <string.h>

#define JOINED_MAX ((size_t)256)

static const char *reason_of(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 201:
		return "Created";
	case 202:
		return "Accepted";
	case 204:
		return "No Content";
	case 206:
		return "Partial Content";
	case 301:
		return "Moved Permanently";
	case 302:
		return "Found";
	case 303:
		return "See Other";
	case 304:
		return "Not Modified";
	case 307:
		return "Temporary Redirect";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 409:
		return "Conflict";
	case 411:
		return "Length Required";
	case 412:
		return "Precondition Failed";
	case 413:
		return "Content Too Large";
	case 414:
		return "URI Too Long";
	case 415:
		return "Unsupported Media Type";
	case 416:
		return "Range Not Satisfiable";
	case 429:
		return "Too Many Requests";
	case 431:
		return "Request Header Fields Too Large";
	case 500:
		return "Internal Server Error";
	case 501:
		return "Not Implemented";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Unknown";
	}
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

static void put_header(struct buf *b, struct str name, struct str value)
{
	buf_put(b, name);
	buf_put(b, STR(": "));
	buf_put(b, value);
	buf_put(b, STR("\r\n"));
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
	for (size_t i = 0; i < n; i++)
		if (!str_equal_nocase(headers[i].name, STR("Content-Length")))
			put_header(b, headers[i].name, headers[i].value);
}

static void put_head(struct buf *b, struct server_request *c)
{
	const struct answer *ans = &c->x.answer;
	bool has_length = ans->status != 204 && (ans->status != 304 || given_length(c) > 0);
	buf_put(b, STR("HTTP/1.1 "));
	buf_put_u64(b, (uint64_t)ans->status);
	buf_put_char(b, ' ');
	buf_put(b, str_of(reason_of(ans->status)));
	buf_put(b, STR("\r\nDate: "));
	buf_put(b, date_now());
	buf_put(b, STR("\r\n"));
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
