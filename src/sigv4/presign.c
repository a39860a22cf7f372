/* Presigned URLs and POST forms, the signing side. The URL's query is the canonical query itself with
 * the signature after it, so what is sent and what was signed cannot differ. */
#include "sigv4/presign.h"
#include "sigv4/base_url.h"
#include "sigv4/canonical.h"

#include "base/codec.h"

#define EXPIRES_MAX_S 604800
#define URL_MAX_BYTES (64 * 1024)
#define POLICY_MAX_BYTES (64 * 1024)

/* What both kinds of signing need of the time and the key. */
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
		str_printf(a, "%.*s/%.*s/%.*s/%.*s/aws4_request", STRF(key->access_key), STRF(s->scope.day), STRF(key->region), STRF(key->service));
}

static struct str sign_text(const struct sigv4_key *key, const struct date_stamp *s, struct str text, struct arena *a)
{
	unsigned char signing[SHA256_BYTES];
	char signature[SIGNATURE_CHARS + 1];
	signing_key(key->secret, &s->scope, signing);
	signature_of(signing, text, signature);
	secret_wipe(signing, sizeof signing);
	return str_dup(a, (struct str){ signature, SIGNATURE_CHARS });
}

static void add_pair(struct query_pair *pairs, size_t *n, struct str name, struct str value)
{
	pairs[(*n)++] = (struct query_pair){ .name = name, .value = value, .has_value = true };
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
	add_pair(pairs, &n, STR("X-Amz-Expires"), str_printf(a, "%u", (unsigned)in->expires_s));
	add_pair(pairs, &n, STR("X-Amz-SignedHeaders"), signed_headers);
	if (key->session_token.n > 0)
		add_pair(pairs, &n, STR("X-Amz-Security-Token"), key->session_token);
	for (size_t i = 0; i < in->n_query; i++)
		add_pair(pairs, &n, in->query[i].name, in->query[i].value);
	return (struct query){ pairs, n };
}

/* The caller's headers and host before them. */
static struct header *with_host(const struct presign_input *in, struct str host, struct arena *a)
{
	struct header *all = arena_array(a, in->n_headers + 1, sizeof *all);
	if (all == NULL)
		return NULL;
	all[0] = (struct header){ STR("host"), host };
	for (size_t i = 0; i < in->n_headers; i++)
		all[i + 1] = in->headers[i];
	return all;
}

/* A header that says the payload's hash is believed, so that a URL can hold its client to one body. */
static struct str payload_hash(const struct presign_input *in)
{
	for (size_t i = 0; i < in->n_headers; i++) {
		if (str_equal_nocase(in->headers[i].name, STR("x-amz-content-sha256")))
			return in->headers[i].value;
	}
	return SIGV4_UNSIGNED_PAYLOAD;
}

static struct str sign_parts(const struct sigv4_key *key, const struct date_stamp *s, const struct canonical_parts *parts, struct arena *a)
{
	struct buf canonical, text;
	buf_init_arena(&canonical, a, CANONICAL_MAX_BYTES);
	buf_init_arena(&text, a, CANONICAL_MAX_BYTES);
	canonical_join(parts, &canonical);
	string_to_sign(s->amz_date, &s->scope, buf_str(&canonical), &text);
	return buf_ok(&canonical) && buf_ok(&text) ? sign_text(key, s, buf_str(&text), a) : STR("");
}

static enum status put_url(
	struct str base_url, const struct canonical_parts *parts, struct str signature, struct arena *a, struct str *url, struct fault *why)
{
	struct buf b;
	buf_init_arena(&b, a, URL_MAX_BYTES);
	const struct str pieces[] = { base_url, parts->path, STR("?"), parts->query, STR("&X-Amz-Signature="), signature };
	for (size_t i = 0; i < COUNT_OF(pieces); i++)
		buf_put(&b, pieces[i]);
	if (signature.n == 0 || !buf_ok(&b) || !arena_ok(a))
		return fault_too_much(why);
	*url = buf_str(&b);
	return OK;
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
	struct header *headers = with_host(in, host, a);
	struct str names = headers != NULL ? signed_header_names(a, headers, in->n_headers + 1) : STR("");
	struct query query = make_query(key, in, &s, names, a);
	TRY(fault_check_arena(a, why));
	struct canonical_input canonical = { .method = in->method,
		.path = in->path,
		.path_rule = PATH_DECODED,
		.query = &query,
		.headers = headers,
		.n_headers = in->n_headers + 1,
		.signed_headers = names,
		.payload_hash = payload_hash(in) };
	struct canonical_parts parts;
	TRY(canonical_split(a, &canonical, &parts, why));
	return put_url(in->base_url, &parts, sign_parts(key, &s, &parts, a), a, url, why);
}

static void put_condition(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, ",{\"%s\":\"", name);
	json_escape(b, value);
	buf_put(b, STR("\"}"));
}

static struct str policy_text(const struct sigv4_key *key, const struct post_policy_input *in, const struct date_stamp *s, struct arena *a)
{
	char expiration[ISO8601_CHARS + 1];
	clock_iso8601(in->now_ms + (int64_t)in->expires_s * 1000, expiration);
	struct buf b;
	buf_init_arena(&b, a, POLICY_MAX_BYTES);
	buf_printf(&b, "{\"expiration\":\"%s\",\"conditions\":[[\"content-length-range\",%llu,%llu]", expiration,
		(unsigned long long)in->min_size, (unsigned long long)in->max_size);
	put_condition(&b, "bucket", in->bucket);
	put_condition(&b, "key", in->key);
	put_condition(&b, "Content-Type", in->content_type);
	put_condition(&b, "x-amz-algorithm", STR("AWS4-HMAC-SHA256"));
	put_condition(&b, "x-amz-credential", s->credential);
	put_condition(&b, "x-amz-date", s->amz_date);
	if (key->session_token.n > 0)
		put_condition(&b, "x-amz-security-token", key->session_token);
	buf_put(&b, STR("]}"));
	return buf_ok(&b) ? buf_str(&b) : STR("");
}

enum status presign_post(const struct sigv4_key *key, const struct post_policy_input *in, struct arena *a,
	struct header fields[POST_FIELDS], size_t *n, struct fault *why)
{
	assert(key != NULL);
	assert(in != NULL);
	assert(a != NULL);
	struct date_stamp s;
	make_stamp(&s, key, in->now_ms, a);
	struct buf policy;
	buf_init_arena(&policy, a, POLICY_MAX_BYTES);
	struct str text = policy_text(key, in, &s, a);
	base64_encode(&policy, text);
	if (text.n == 0 || !buf_ok(&policy) || !arena_ok(a))
		return fault_too_much(why);
	size_t count = 0;
	fields[count++] = (struct header){ STR("key"), in->key };
	fields[count++] = (struct header){ STR("Content-Type"), in->content_type };
	fields[count++] = (struct header){ STR("x-amz-algorithm"), STR("AWS4-HMAC-SHA256") };
	fields[count++] = (struct header){ STR("x-amz-credential"), s.credential };
	fields[count++] = (struct header){ STR("x-amz-date"), s.amz_date };
	if (key->session_token.n > 0)
		fields[count++] = (struct header){ STR("x-amz-security-token"), key->session_token };
	fields[count++] = (struct header){ STR("policy"), buf_str(&policy) };
	fields[count++] = (struct header){ STR("x-amz-signature"), sign_text(key, &s, buf_str(&policy), a) };
	*n = count;
	return fault_check_arena(a, why);
}
