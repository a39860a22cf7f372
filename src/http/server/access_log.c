/* The one line of each request, and its count. A request whose answer could not be sent has status
 * 499 when the client went away and 408 when a deadline ended it. The query is never logged: presigned URLs have
 * their signature in it. */
#include "base/clock.h"
#include "base/log/log.h"
#include "http/server/server_request.h"

#define METHOD_MAX 32
#define PATH_MAX_SHOWN 256
#define FIELDS_MAX 14

static int final_status(const struct server_request *c, bool sent)
{
	if (c->too_long)
		return 413;
	if (sent && c->x.answer.status != 0)
		return c->x.answer.status;
	return c->connection->is_cut ? 408 : 499;
}

static void log_request(const struct server_request *c, int status, int64_t us)
{
	const struct answer *ans = &c->x.answer;
	const struct fault *f = &ans->fault;
	struct log_field fields[FIELDS_MAX];
	char client[CLIENT_ADDR_CHARS];
	size_t n = 0;
	fields[n++] = LOG_C("listener", c->listener->name);
	fields[n++] = LOG_S("client", client_addr_text(&c->x.request.client, client));
	fields[n++] = LOG_S("method", str_slice(c->x.request.method, 0, METHOD_MAX));
	fields[n++] = LOG_C("route", ans->route);
	fields[n++] = LOG_I("status", status);
	fields[n++] = LOG_D("ms", (double)us / 1000.0);
	fields[n++] = LOG_I("bytesIn", c->x.body_bytes);
	fields[n++] = LOG_I("bytesOut", c->out_bytes);
	fields[n++] = LOG_S("imageId", ans->image_id);
	fields[n++] = LOG_S("keyId", c->x.key_id);
	fields[n++] = LOG_S("owner", c->x.owner);
	if (f->code != F_NONE) {
		fields[n++] = LOG_C("code", fault_name(f->code));
		fields[n++] = LOG_C("text", f->text);
	}
	bool reads = str_is_word_of(c->x.request.method, STR("GET HEAD"));
	enum log_event event = ans->is_poll && status < 400 ? EV_REQUEST_POLLED : EV_REQUEST;
	if (c->x.is_operator && !reads) {
		fields[n++] = LOG_S("path", str_slice(c->x.request.path, 0, PATH_MAX_SHOWN));
		event = EV_CONSOLE_ACTION;
	}
	log_write(event, c->x.request.id, fields, n);
}

void access_log_write(const struct server_request *c, bool sent)
{
	assert(c->connection != NULL && c->began_us > 0);
	int64_t us = clock_mono_us() - c->began_us;
	int status = final_status(c, sent);
	request_metrics_count(c->listener->traffic->metrics, c->listener->name, c->x.answer.route, status, us);
	if (c->x.body_bytes > 0)
		metric_add(M_BYTES_IN, (int64_t)c->x.body_bytes);
	if (c->out_bytes > 0 && sent)
		metric_add(M_BYTES_OUT, (int64_t)c->out_bytes);
	log_request(c, status, us);
	if (http_is_failure(status))
		LOG(REQUEST_FAILED, c->x.request.id, LOG_C("listener", c->listener->name), LOG_C("route", c->x.answer.route),
			LOG_C("code", fault_name(c->x.answer.fault.code)), LOG_C("text", c->x.answer.fault.text),
			LOG_C("cause", c->x.answer.fault.cause));
}
