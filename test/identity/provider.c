/* See provider.h. */
#include "identity/provider.h"

#define ANSWER_MAX ((size_t)4 << 20)

static void answer_request(struct provider *p, int fd, struct str request)
{
	bool of_keys = str_starts_with(request, STR("GET /keys "));
	struct buf body;
	atomic_fetch_add(of_keys ? &p->key_requests : &p->requests, 1);
	buf_init(&body, ANSWER_MAX);
	pthread_mutex_lock(&p->lock);
	while (p->held)
		pthread_cond_wait(&p->released, &p->lock);
	if (!of_keys && !str_starts_with(request, STR("GET /.well-known/openid-configuration ")))
		buf_put(&body, STR("{}"));
	else
		buf_put(&body, buf_str(of_keys ? &p->keys : &p->document));
	const char *status = p->status, *headers = of_keys ? p->headers : "";
	pthread_mutex_unlock(&p->lock);
	fake_http_answer(fd, status, headers, buf_str(&body));
	buf_deinit(&body);
}

static void serve(int fd, unsigned nth, void *arg)
{
	struct provider *p = arg;
	struct buf request;
	buf_init(&request, 65536);
	while (fake_http_read(fd, &request))
		answer_request(p, fd, buf_str(&request));
	buf_deinit(&request);
}

void provider_start(struct provider *p)
{
	*p = (struct provider){ .status = "200 OK", .headers = "" };
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->released, NULL);
	buf_init(&p->document, ANSWER_MAX);
	buf_init(&p->keys, ANSWER_MAX);
	fake_http_start(&p->server, serve, p);
	p->url = str_of(p->server.url);
	provider_set_document(p, STR(""));
}

void provider_stop(struct provider *p)
{
	provider_hold(p, false);
	fake_http_stop(&p->server);
	buf_deinit(&p->document);
	buf_deinit(&p->keys);
	pthread_cond_destroy(&p->released);
	pthread_mutex_destroy(&p->lock);
}

void provider_set_keys(struct provider *p, struct str json)
{
	pthread_mutex_lock(&p->lock);
	buf_clear(&p->keys);
	buf_put(&p->keys, json);
	pthread_mutex_unlock(&p->lock);
}

void provider_set_document(struct provider *p, struct str json)
{
	pthread_mutex_lock(&p->lock);
	buf_clear(&p->document);
	if (json.n > 0)
		buf_put(&p->document, json);
	else
		buf_printf(&p->document, "{\"issuer\":\"%s\",\"jwks_uri\":\"%s/keys\"}", p->server.url, p->server.url);
	pthread_mutex_unlock(&p->lock);
}

void provider_set_status(struct provider *p, const char *status)
{
	pthread_mutex_lock(&p->lock);
	p->status = status;
	pthread_mutex_unlock(&p->lock);
}

void provider_hold(struct provider *p, bool held)
{
	pthread_mutex_lock(&p->lock);
	p->held = held;
	pthread_cond_broadcast(&p->released);
	pthread_mutex_unlock(&p->lock);
}
