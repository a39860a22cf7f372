/* Presigned URLs and POST forms, the signing side. The URL's query is the canonical query itself with
 * the signature after it, so what is sent and what was signed cannot differ. */
#include "sigv4/presign.h"
#include "sigv4/canonical.h"

#include "base/codec.h"
#include "base/writer.h"

#define EXPIRES_MAX_S 604800
#define URL_MAX_BYTES (64 * 1024)
#define POLICY_MAX_BYTES (64 * 1024)

/* What URLs and forms both need of the time and the key. */
struct date_stamp {
	char date[AMZ_DATE_CHARS + 1];
	struct str amz_date;
	struct sigv4_scope scope;
	struct str credential;
};

static void make_stamp(struct date_stamp *s, const struct sigv4_key *key, int64_t now_ms, struct arena *a)
{
	clock_amz_date(now_ms, s->date);
	s->amz_date = str_dup(a, (struct str){ s->date, AMZ_DATE_CHARS });
	s->scope = (struct sigv4_scope){ .day = str_slice(s->amz_date, 0, 8), .region = key->region, .service = key->service };
	s->credential =
		STR_CONCAT(a, key->access_key, STR("/"), s->scope.day, STR("/"), key->region, STR("/"), key->service, STR("/aws4_request"));
}

static void add_pair(struct query_pair *pairs, size_t *n, struct str name, struct str value)
{
	pairs[(*n)++] = (struct query_pair){ .name = name, .value = value };
}

/* All parameters but the signature. */
static struct query make_query(
	const struct sigv4_key *key, const struct presign_input *in, const struct date_stamp *s, struct str signed_headers, struct arena *a)
{
	struct query_pair *pairs = arena_array(a, in->n_query + 6, sizeof *pairs);
	size_t n = 0;
	if (pairs == NULL)
		return (struct query){ NULL, 0 };
	add_pair(pairs, &n, STR("X-Amz-Algorithm"), STR("AWS4-HMAC-SHA256"));
	add_pair(pairs, &n, STR("X-Amz-Credential"), s->credential);
	add_pair(pairs, &n, STR("X-Amz-Date"), s->amz_date);
	add_pair(pairs, &n, STR("X-Amz-Expires"), str_decimal(a, in->expires_s));
	add_pair(pairs, &n, STR("X-Amz-SignedHeaders"), signed_headers);
	if (key->session_token.n > 0)
		add_pair(pairs, &n, STR("X-Amz-Security-Token"), key->session_token);
	for (size_t i = 0; i < in->n_query; i++)
		add_pair(pairs, &n, in->query[i].name, in->query[i].value);
	return (struct query){ pairs, n };
}

enum status presign_url(const struct sigv4_key *key, const struct presign_input *in, struct arena *a, struct str *url, struct fault *why)
{
	assert(key != NULL);
	assert(in != NULL);
	assert(a != NULL);
	assert(url != NULL);
	struct str host;
	TRY(base_url_host(in->base_url, &host, why));
	if (in->expires_s == 0 || in->expires_s > EXPIRES_MAX_S)
		return fault_set(why, INVALID_INPUT, "a presigned URL lives 1 to %d seconds", EXPIRES_MAX_S);
	struct date_stamp s;
	make_stamp(&s, key, in->now_ms, a);
	/* With this header the URL is valid for one body only. */
	struct str hash = header_find(in->headers, in->n_headers, STR("x-amz-content-sha256"));
	struct header *headers = arena_array(a, in->n_headers + 1, sizeof *headers);
	TRY(fault_check_arena(a, why));
	headers[0] = (struct header){ STR("host"), host };
	for (size_t i = 0; i < in->n_headers; i++)
		headers[i + 1] = in->headers[i];
	struct str names = signed_header_names(a, headers, in->n_headers + 1);
	struct query query = make_query(key, in, &s, names, a);
	TRY(fault_check_arena(a, why));
	struct canonical_input canonical = { .method = in->method,
		.path = in->path,
		.path_rule = PATH_DECODED,
		.query = &query,
		.headers = headers,
		.n_headers = in->n_headers + 1,
		.signed_headers = names,
		.payload_hash = hash.p != NULL ? hash : SIGV4_UNSIGNED_PAYLOAD };
	struct canonical_parts parts;
	TRY(canonical_split(a, &canonical, &parts, why));
	struct str text = canonical_text(&parts, s.amz_date, &s.scope, a, NULL);
	const struct str pieces[] = { in->base_url, parts.path, STR("?"), parts.query, STR("&X-Amz-Signature="),
		sign_text(key->secret, &s.scope, text, a) };
	struct str whole = str_concat(a, pieces, COUNT_OF(pieces));
	if (text.n == 0 || whole.n > URL_MAX_BYTES || !arena_ok(a))
		return fault_too_much(why);
	*url = whole;
	return OK;
}

/* The conditions are the bucket, and each of the fields so far. */
static struct str policy_text(const struct post_policy_input *in, const struct header *fields, size_t n, struct arena *a)
{
	const struct header bucket = { STR("bucket"), in->bucket };
	struct buf b;
	buf_init_arena(&b, a, POLICY_MAX_BYTES);
	writer_open(&b, STR(""), '{');
	writer_time(&b, STR("expiration"), in->now_ms + (int64_t)in->expires_s * 1000);
	writer_open(&b, STR("conditions"), '[');
	writer_open(&b, STR(""), '[');
	writer_text(&b, STR(""), STR("content-length-range"));
	writer_number(&b, STR(""), in->min_size);
	writer_number(&b, STR(""), in->max_size);
	writer_close(&b, ']');
	for (size_t i = 0; i <= n; i++) {
		const struct header *field = i == 0 ? &bucket : &fields[i - 1];
		writer_open(&b, STR(""), '{');
		writer_text(&b, field->name, field->value);
		writer_close(&b, '}');
	}
	writer_close(&b, ']');
	writer_close(&b, '}');
	return buf_ok(&b) ? buf_str(&b) : STR("");
}

enum status presign_post(const struct sigv4_key *key, const struct post_policy_input *in, struct arena *a,
	struct header fields[POST_FIELDS], size_t *n, struct fault *why)
{
	assert(key != NULL);
	assert(in != NULL);
	assert(a != NULL);
	struct date_stamp s;
	struct buf policy;
	size_t count = 0;
	make_stamp(&s, key, in->now_ms, a);
	fields[count++] = (struct header){ STR("key"), in->key };
	fields[count++] = (struct header){ STR("Content-Type"), in->content_type };
	fields[count++] = (struct header){ STR("x-amz-algorithm"), STR("AWS4-HMAC-SHA256") };
	fields[count++] = (struct header){ STR("x-amz-credential"), s.credential };
	fields[count++] = (struct header){ STR("x-amz-date"), s.amz_date };
	if (key->session_token.n > 0)
		fields[count++] = (struct header){ STR("x-amz-security-token"), key->session_token };
	struct str text = policy_text(in, fields, count, a);
	buf_init_arena(&policy, a, POLICY_MAX_BYTES);
	base64_encode(&policy, text);
	if (text.n == 0 || !buf_ok(&policy) || !arena_ok(a))
		return fault_too_much(why);
	fields[count++] = (struct header){ STR("policy"), buf_str(&policy) };
	fields[count++] = (struct header){ STR("x-amz-signature"), sign_text(key->secret, &s.scope, buf_str(&policy), a) };
	*n = count;
	return fault_check_arena(a, why);
}
