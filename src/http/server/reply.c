/* Answers out: struct answer into libmicrohttpd's response. The body is not copied: the arena it
 * lies in lives until on_completed, and a file goes out by sendfile. The second way, for the last
 * word to a client that is too slow, writes to the socket itself, because libmicrohttpd answers
 * only at the end of a body. */
#include "base/clock.h"
#include "http/server/exchange.h"

#include <assert.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/socket.h>

/* With more connections than this kept open after a request, answers end theirs: each costs
 * libmicrohttpd's whole buffer (it wipes it between requests), one that was only opened a page. */
#define KEEP_ALIVE_CROWD 512
#define HEADER_BYTES 2048

static bool is_head(const struct request *r)
{
	return str_equal(r->method, STR("HEAD"));
}

/* libmicrohttpd wants C strings, and makes its own copies. It takes no empty value, but a blank, which clients cut off. */
static bool add_header(struct MHD_Response *response, struct arena *a, const struct header *h)
{
	struct str blank = STR(" "), told = h->value.n > 0 ? h->value : blank;
	char text[HEADER_BYTES], *p = text;
	if (h->name.n + told.n + 2 > sizeof text)
		p = arena_alloc(a, h->name.n + told.n + 2);
	if (p == NULL)
		return false;
	char *value = p + h->name.n + 1;
	memcpy(p, h->name.p, h->name.n);
	p[h->name.n] = '\0';
	memcpy(value, told.p, told.n);
	value[told.n] = '\0';
	return MHD_add_response_header(response, p, value) == MHD_YES;
}

static ssize_t read_nothing(void *cls, uint64_t at, char *p, size_t n)
{
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* The length that a door without a body tells in answer to HEAD, and with 304. */
static bool told_length(const struct call *c, uint64_t *n)
{
	const struct answer *ans = &c->x.answer;
	if ((!is_head(&c->x.request) && ans->status != 304) || ans->fd >= 0 || ans->body.n > 0)
		return false;
	for (size_t i = 0; i < ans->n_headers; i++)
		if (str_equal_nocase(ans->headers[i].name, STR("Content-Length")))
			return str_to_u64(ans->headers[i].value, n);
	return false;
}

static struct MHD_Response *make_response(struct call *c)
{
	struct answer *ans = &c->x.answer;
	uint64_t n;
	if (ans->fd >= 0 && ans->fd_length > 0) {
		struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(ans->fd_length, ans->fd, ans->fd_offset);
		if (response != NULL)
			ans->fd = -1;   /* closed with the response */
		return response;
	}
	if (told_length(c, &n) && n > 0)
		return MHD_create_response_from_callback(n, 1, read_nothing, NULL, NULL);
	/* Not const in this version's signature, but with PERSISTENT only read. */
	return MHD_create_response_from_buffer(ans->body.n, (void *)ans->body.p, MHD_RESPMEM_PERSISTENT);
}

static bool ends_connection(const struct call *c)
{
	return c->x.answer.close || atomic_load_explicit(&c->listener->traffic->draining, memory_order_relaxed)
		|| atomic_load_explicit(&c->listener->kept, memory_order_relaxed) > KEEP_ALIVE_CROWD;
}

static bool add_headers(struct MHD_Response *response, struct call *c)
{
	struct answer *ans = &c->x.answer;
	for (size_t i = 0; i < ans->n_headers; i++)
		if (!str_equal_nocase(ans->headers[i].name, STR("Content-Length")) && !add_header(response, &c->x.arena, &ans->headers[i]))
			return false;
	for (size_t i = 0; i < ans->n_more; i++)
		if (!add_header(response, &c->x.arena, &ans->more[i]))
			return false;
	return !ends_connection(c) || MHD_add_response_header(response, "Connection", "close") == MHD_YES;
}

enum MHD_Result reply_send(struct call *c)
{
	struct answer *ans = &c->x.answer;
	assert(ans->status >= 100 && ans->status <= 599);
	uint64_t length = ans->fd >= 0 ? ans->fd_length : ans->body.n;
	if (!conn_move(c->listener->traffic->deadlines, c->conn, CONN_ANSWER))
		return MHD_NO;
	struct MHD_Response *response = make_response(c);
	if (response == NULL)
		return MHD_NO;
	enum MHD_Result ok = MHD_NO;
	if (add_headers(response, c))
		ok = MHD_queue_response(c->connection, (unsigned)ans->status, response);
	MHD_destroy_response(response);
	if (ok != MHD_YES)
		return MHD_NO;
	atomic_store_explicit(&c->step, CALL_SENT, memory_order_relaxed);
	c->bytes_out = is_head(&c->x.request) ? 0 : length;
	return MHD_YES;
}

void reply_send_raw(int fd, void *session, struct exchange *x)
{
	const struct answer *ans = &x->answer;
	char date[HTTP_DATE_CHARS + 1];
	struct buf b;
	clock_http_date(clock_now_ms(), date);
	buf_init_arena(&b, &x->arena, x->arena.cap_bytes);
	buf_printf(&b, "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\nContent-Length: %zu\r\n", ans->status,
	           MHD_get_reason_phrase_for((unsigned)ans->status), date, ans->body.n);
	for (size_t i = 0; i < ans->n_headers; i++)
		buf_printf(&b, "%.*s: %.*s\r\n", STRF(ans->headers[i].name), STRF(ans->headers[i].value));
	buf_put(&b, STR("\r\n"));
	buf_put(&b, ans->body);
	if (!buf_ok(&b))
		return;
	/* What the client does not take is lost: nothing more can be done for it. */
	if (session != NULL)
		(void)gnutls_record_send(session, b.p, b.n);
	else
		(void)!send(fd, b.p, b.n, MSG_DONTWAIT | MSG_NOSIGNAL);
}
