/* Credentials from an endpoint: a container's agent, or an instance's metadata service. Both give one
 * JSON document with an expiry.
 *
 * The container's endpoint is named by the environment; over plain HTTP only addresses that cannot
 * leave the machine are used. The metadata service is used in its second version only: a token is
 * fetched by PUT, which no forwarded request can do. Where nothing responds there, this
 * is not an EC2 instance.
 * Source: Amazon ECS developer guide, "IAM role for tasks"; Amazon EKS, "Pod Identity"; Amazon EC2
 * user guide, "Use the Instance Metadata Service". */
#include "aws/sources.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "http/client/client.h"
#include "http/client_addr.h"

#include <string.h>

#define DOCUMENT_MAX (64u << 10)
#define CONTAINER_TIMEOUT_MS 5000
#define INSTANCE_TIMEOUT_MS 2000
#define INSTANCE_CONNECT_MS 1000

static struct str text_member(const json_t *document, const char *name, struct arena *a)
{
	return str_dup(a, json_text(json_object_get(document, name)));
}

static enum status source_parse(struct str json, struct arena *a, struct aws_credentials *out, struct fault *why)
{
	json_error_t error;
	bool starved;
	json_auto_t *document = json_read(json, 0, &error, &starved);
	struct str code = text_member(document, "Code", a), expires = text_member(document, "Expiration", a);
	struct aws_credentials c = { text_member(document, "AccessKeyId", a), text_member(document, "SecretAccessKey", a),
		text_member(document, "Token", a), 0 };
	TRY(fault_check_arena(a, why));
	if (starved)
		return fault_no_memory(why);
	if (code.n > 0 && !str_equal(code, STR("Success")))
		return fault_set(why, UPSTREAM_FAILED, "it did not answer with success");
	if (c.access_key.n == 0 || c.secret.n == 0)
		return fault_set(why, UPSTREAM_FAILED, "its answer has no AccessKeyId and SecretAccessKey");
	if (expires.n > 0 && !clock_parse_iso8601(expires, &c.expires_ms))
		return fault_set(why, UPSTREAM_FAILED, "its answer has an Expiration that is not a time");
	*out = c;
	return OK;
}

/* Whether what follows "http://" has a host that cannot leave the machine; a host that follows "user@" does not count. */
static bool is_own_address(struct str rest)
{
	size_t end = 0;
	struct client_addr address;
	while (end < rest.n && strchr("/?#", rest.p[end]) == NULL)
		end++;
	struct str host = str_slice(rest, 0, end);
	bool literal = str_starts_with(host, STR("["));
	host = str_slice(host, literal ? 1 : 0, str_find_char(host, literal ? ']' : ':'));
	if (str_equal_nocase(host, STR("localhost")) || str_equal(host, STR("169.254.170.2")) || str_equal(host, STR("169.254.170.23")))
		return true;
	return client_addr_parse(host, &address) && client_addr_is_loopback(&address);
}

static enum status container_url(struct arena *a, struct str *url, struct fault *why)
{
	struct str relative = source_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	*url = source_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	if (relative.n > 0 && relative.p[0] != '/')
		return fault_set(why, UPSTREAM_FAILED, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with '/'");
	if (relative.n > 0)
		*url = str_printf(a, "http://169.254.170.2%.*s", STRF(relative));
	if (url->n == 0 || str_starts_with_nocase(*url, STR("https://")))
		return OK;
	if (!str_starts_with_nocase(*url, STR("http://")) || !is_own_address(str_slice(*url, 7, url->n)))
		return fault_set(
			why, UPSTREAM_FAILED, "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to loopback, 169.254.170.2 or 169.254.170.23");
	return OK;
}

/* The file takes precedence: it is renewed while the process runs. */
static enum status container_token(struct arena *a, struct str *token, struct fault *why)
{
	struct str file = source_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	*token = source_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	if (file.n == 0)
		return OK;
	const char *path = str_cstr(a, file);
	if (path == NULL)
		return fault_too_much(why);
	TRY(source_read_file(path, a, token, why));
	while (token->n > 0 && strchr("\r\n", token->p[token->n - 1]) != NULL)
		token->n--;
	return token->n > 0 ? OK : fault_set(why, UPSTREAM_FAILED, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE does not name a file with a token");
}

static enum status fetch_container(
	struct http_client *client, struct str url, struct arena *a, struct aws_credentials *out, struct fault *why)
{
	struct http_response answer;
	struct header authorization = { STR("Authorization"), { 0 } };
	TRY(container_token(a, &authorization.value, why));
	struct http_request r = { .method = STR("GET"),
		.url = url,
		.headers = &authorization,
		.n_headers = authorization.value.n > 0,
		.total_timeout_ms = CONTAINER_TIMEOUT_MS,
		.max_response_bytes = DOCUMENT_MAX };
	TRY(http_send(client, &r, a, &answer, why));
	if (answer.status != 200)
		return fault_set(why, UPSTREAM_FAILED, "it answered %d", answer.status);
	return source_parse(answer.body, a, out, why);
}

enum status source_container(struct arena *a, struct aws_credentials *out, bool *found, struct fault *why)
{
	assert(a != NULL && out != NULL && found != NULL);
	struct str url;
	struct fault inner = { 0 };
	*found = false;
	TRY(container_url(a, &url, why));
	if (url.n == 0)
		return OK;
	struct http_client *client = http_client_new();
	if (client == NULL)
		return fault_no_memory(why);
	enum status st = fetch_container(client, url, a, out, &inner);
	http_client_free(&client);
	*found = st == OK;
	return st == OK ? OK : fault_write(why, inner.code, "the container's credentials endpoint: %s", inner.text);
}

/* The metadata service, for several requests. */
struct instance {
	struct http_client *client;
	struct arena *a;
	struct str base;
	struct header token;
};

static enum status get_document(struct instance *i, struct str path, struct http_response *answer, struct fault *why)
{
	struct http_request r = { .method = STR("GET"),
		.url = str_printf(i->a, "%.*s/latest/meta-data/iam/security-credentials/%.*s", STRF(i->base), STRF(path)),
		.headers = &i->token,
		.n_headers = 1,
		.connect_timeout_ms = INSTANCE_CONNECT_MS,
		.total_timeout_ms = INSTANCE_TIMEOUT_MS,
		.max_response_bytes = DOCUMENT_MAX };
	return http_send(i->client, &r, i->a, answer, why);
}

/* *there = false if nothing responds, or something that is not the service. */
static enum status fetch_token(struct instance *i, bool *there, struct fault *why)
{
	static const struct header ttl = { { "X-aws-ec2-metadata-token-ttl-seconds", 36 }, { "21600", 5 } };
	struct http_response answer;
	struct http_request r = { .method = STR("PUT"),
		.url = str_printf(i->a, "%.*s/latest/api/token", STRF(i->base)),
		.headers = &ttl,
		.n_headers = 1,
		.connect_timeout_ms = INSTANCE_CONNECT_MS,
		.total_timeout_ms = INSTANCE_TIMEOUT_MS,
		.max_response_bytes = DOCUMENT_MAX };
	enum status st = http_send(i->client, &r, i->a, &answer, why);
	*there = st == OK && answer.status == 200 && answer.body.n > 0;
	i->token = (struct header){ STR("X-aws-ec2-metadata-token"), *there ? str_trim(answer.body) : STR("") };
	return st == OK || st == UPSTREAM || st == TIMEOUT ? OK : st;
}

static enum status fetch_instance(struct instance *i, struct aws_credentials *out, bool *found, struct fault *why)
{
	struct http_response answer;
	TRY(fetch_token(i, found, why));
	if (!*found)
		return OK;
	TRY(get_document(i, STR(""), &answer, why));
	struct str role = answer.body;
	role = str_trim(str_cut(&role, '\n'));
	*found = answer.status == 200 && role.n > 0;
	if (answer.status == 404 || (answer.status == 200 && role.n == 0))
		return OK; /* an instance without a role */
	if (answer.status != 200)
		return fault_set(why, UPSTREAM_FAILED, "it answered %d", answer.status);
	TRY(get_document(i, role, &answer, why));
	if (answer.status != 200)
		return fault_set(why, UPSTREAM_FAILED, "it answered %d", answer.status);
	return source_parse(answer.body, i->a, out, why);
}

enum status source_instance(struct arena *a, struct aws_credentials *out, bool *found, struct fault *why)
{
	assert(a != NULL && out != NULL && found != NULL);
	struct fault inner = { 0 };
	struct instance i = { .a = a, .base = source_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") };
	*found = false;
	if (str_equal_nocase(source_variable("AWS_EC2_METADATA_DISABLED"), STR("true")))
		return OK;
	if (i.base.n == 0)
		i.base = STR("http://169.254.169.254");
	while (str_ends_with(i.base, STR("/")))
		i.base.n--;
	i.client = http_client_new();
	if (i.client == NULL)
		return fault_no_memory(why);
	enum status st = fetch_instance(&i, out, found, &inner);
	http_client_free(&i.client);
	return st == OK ? OK : fault_write(why, inner.code, "the instance's metadata service: %s", inner.text);
}
