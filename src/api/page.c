/* Files of the page, and the policy that browsers enforce: scripts and styles from this origin only and none
 * inline, no text that becomes markup, no frames, calls to this origin, to the storage, which is another origin, to where delivery
 * links lead and to the issuer that signs users in, pictures from the first three. So a malicious name that is not escaped anywhere else
 * would still not run.
 * Source: Content Security Policy Level 3; Trusted Types. */
#include "api/page.h"

#include "api/cors.h"
#include "api/sign_in.h"
#include "web/web.h"

/* The description of this API, which says nothing that is not public: pages and tools of any origin may read it. */
#define DESCRIPTION_PATH STR("/openapi.yaml")

enum status page_admit(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	const struct web_files *page = c->api->options.page;
	struct str method = c->x->request.method;

	c->file = page != NULL ? web_find(page, c->x->request.path) : NULL;
	if (c->file == NULL)
		return OK;
	c->x->answer.route = "GET /";
	c->x->answer.is_poll = !str_equal(c->x->request.path, STR("/")); /* one line a visit is enough */
	if (str_equal(method, STR("GET")) || str_equal(method, STR("HEAD")))
		return OK;
	return fault_set(why, BAD_METHOD, "This is a file of the page: use GET or HEAD.");
}

/* Of documents: what a document loads is under the document's policy, whatever comes with it. */
static void add_policy(struct api_call *c)
{
	struct answer *ans = &c->x->answer;
	struct str storage = cors_policy_source(c->api->options.storage_url), delivery = cors_policy_source(c->api->product->delivery.url);
	struct str issuer = sign_in_sources(c);
	bool another = delivery.n > 0 && !str_equal(delivery, storage);
	const char *blank = another ? " " : "";
	struct str policy = str_printf(c->arena,
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: %.*s%s%.*s; connect-src 'self' %.*s%s%.*s%.*s; "
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
		STRF(storage), blank, STRF(another ? delivery : STR("")), STRF(storage), blank, STRF(another ? delivery : STR("")), STRF(issuer));
	answer_header(ans, STR("Content-Security-Policy"), policy);
	answer_header(ans, STR("Referrer-Policy"), STR("no-referrer"));
}

static void add_page_headers(struct api_call *c)
{
	struct answer *ans = &c->x->answer;

	if (!str_starts_with(c->file->media_type, STR("text/javascript")) && !str_starts_with(c->file->media_type, STR("text/css")))
		add_policy(c);
	answer_header(ans, STR("Cross-Origin-Resource-Policy"), STR("same-origin"));
}

void page_answer(struct api_call *c)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct answer *ans = &c->x->answer;
	answer_header(ans, STR("x-amzn-RequestId"), c->x->request.id);
	if (str_equal(c->file->path, DESCRIPTION_PATH))
		answer_header(ans, STR("Access-Control-Allow-Origin"), STR("*"));
	else
		add_page_headers(c);
	web_answer(c->file, &c->x->request, ans);
}
