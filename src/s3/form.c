/* POST of a browser form: fields first, the file last, authenticated by a signed policy among them.
 *
 * The parts arrive as a stream. Fields are collected, bounded in number and size, until the part named
 * `file` begins; then, still on the reactor and before any byte is stored, the policy is
 * verified and every rule but the size is checked. The file streams like the body of a PUT.
 * What follows it is ignored, as in S3; but a second file is refused, because the client expects that it
 * is stored, and the last boundary must be received, or the form was cut.
 * Names are compared without case; only the name makes a part the file, with or without a filename.
 * Source: Amazon S3 API, "POST Object", "Browser-Based Uploads Using POST". */
#include "s3/put_body.h"

#include "base/codec.h"
#include "base/object_key.h"
#include "http/form_parser.h"
#include "http/text.h"
#include "s3/acl.h"
#include "s3/auth.h"
#include "s3/authorize.h"
#include "s3/wire/text.h"
#include "sigv4/policy.h"

#define FIELDS_MAX 64
#define FIELD_BYTES_MAX 20480 /* of all fields, names too; as S3 */
#define TRAILING_MAX 20480    /* what may follow the file */
#define REDIRECT_BYTES_MAX 2048

enum form_place { AT_FIELDS, AT_FILE, AFTER_FILE, AT_END };

struct form {
	struct form_parser parser;
	enum form_place place;
	struct header fields[FIELDS_MAX];
	size_t n_fields;
	struct header_index by_name; /* of all fields, once the file begins */
	size_t field_bytes;
	struct buf value; /* of the field that is being read */
	size_t trailing;
	unsigned success_status;
	struct str redirect;
};

static struct str find_field(const struct form *f, struct str name)
{
	return header_find(f->fields, f->n_fields, name);
}

#define VARIABLE STR("${filename}")

/* ${filename}, wherever it is in a field. */
static struct str substitute_name(struct arena *a, struct str value, struct str filename, struct fault *why)
{
	struct buf b;
	size_t at;

	buf_init_arena(&b, a, FIELD_BYTES_MAX);
	while ((at = str_find(value, VARIABLE)) < value.n) {
		buf_put(&b, str_slice(value, 0, at));
		buf_put(&b, filename);
		value = str_slice(value, at + VARIABLE.n, value.n);
	}
	buf_put(&b, value);
	if (buf_ok(&b))
		return b.n > 0 ? buf_str(&b) : STR("");
	(void)fault_set(why, FORM_MALFORMED, "Your POST request fields preceding the upload file were too large.");
	return (struct str){ 0 };
}

/* Replace ${filename} before the policy is checked, so that it is checked against what is stored, and where the browser is
 * redirected to. */
static enum status resolve_fields(struct s3_call *c, struct fault *why)
{
	struct form *f = c->form;
	struct str filename = form_file_name(&f->parser);

	for (size_t i = 0; i < f->n_fields; i++) {
		struct str *value = &f->fields[i].value;
		if (str_find(*value, VARIABLE) < value->n)
			*value = substitute_name(&c->x->arena, *value, filename, why);
		if (value->p == NULL)
			return INVALID;
	}
	struct str key = find_field(f, STR("key"));
	if (key.n == 0)
		return fault_set(why, ARGUMENT_INVALID,
			"Bucket POST must contain a field named 'key'. "
			"If it is specified, please check the order of the fields.");
	call_set_key(c, key);
	return object_key_check(key, why);
}

static enum status check_signature(struct s3_call *c, int64_t now_ms, struct fault *why)
{
	struct form *f = c->form;
	if (find_field(f, STR("AWSAccessKeyId")).p != NULL && find_field(f, STR("x-amz-algorithm")).p == NULL)
		return auth_old_version(why);
	TRY(policy_signature(&c->x->arena, f->fields, f->n_fields, &c->auth, why));
	TRY(auth_find_key(c, why));
	if (find_field(f, STR("x-amz-security-token")).p != NULL)
		return fault_set(why, SESSION_TOKEN_INVALID, "The provided token is malformed or otherwise invalid.");
	struct verify_context ctx = auth_context(c, now_ms);
	enum status st = policy_verify(f->fields, f->n_fields, &c->auth, &ctx, why);
	if (st != OK && why->code == F_SIGNATURE_WRONG && c->s3->options.explain) {
		call_detail(c, "AWSAccessKeyId", c->auth.access_key);
		call_detail(c, "StringToSign", find_field(f, STR("policy")));
		call_detail(c, "SignatureProvided", c->auth.signature);
	}
	return st;
}

static enum status check_policy(struct s3_call *c, struct post_policy *policy, struct fault *why)
{
	struct form *f = c->form;
	struct str document;
	int64_t now = clock_now_ms();
	enum status st = check_signature(c, now, why);
	if (st != OK && why->code == F_AUTH_MALFORMED) /* what are parameters in a query are arguments in a form */
		why->code = F_ARGUMENT_INVALID;
	TRY(st);
	if (!base64_decode(&c->x->arena, find_field(f, STR("policy")), &document))
		return fault_set(why, POLICY_MALFORMED, "Invalid Policy: it is not base64.");
	TRY(policy_parse(&c->x->arena, document, policy, why));
	return policy_check(policy, f->fields, f->n_fields, c->at.bucket, now, why);
}

static enum status read_success(struct form *f, struct fault *why)
{
	struct str status = find_field(f, STR("success_action_status"));
	uint64_t n = 0;
	bool known = str_to_u64(status, &n) && (n == 200 || n == 201 || n == 204);
	f->success_status = known ? (unsigned)n : 204; /* "If the value is invalid, S3 returns 204" */
	f->redirect = find_field(f, STR("success_action_redirect"));
	if (f->redirect.p == NULL)
		f->redirect = find_field(f, STR("redirect")); /* what it was called at first */
	if (f->redirect.n == 0)
		return OK;
	bool is_http = str_starts_with(f->redirect, STR("http://")) || str_starts_with(f->redirect, STR("https://"));
	if (!is_http || !http_is_field_value(f->redirect) || f->redirect.n > REDIRECT_BYTES_MAX)
		return fault_set(why, ARGUMENT_INVALID, "success_action_redirect must be an absolute http or https URL of at most %d bytes.",
			REDIRECT_BYTES_MAX);
	return OK;
}

static enum status make_upload(struct s3_call *c, const struct post_policy *policy, struct fault *why)
{
	const struct form *f = c->form;
	TRY(upload_make(c, &f->by_name, why));
	struct s3_upload *u = c->upload;
	TRY(digests_read(&c->x->arena, &f->by_name, &u->digests, why));
	if (u->digests.in_trailer)
		return fault_set(why, REQUEST_INVALID, "A form has no trailer.");
	if (policy->has_range && policy->max_size < u->max_bytes)
		u->max_bytes = policy->max_size;
	if (policy->has_range)
		u->min_bytes = policy->min_size;
	return OK;
}

/* The file begins: all fields were received. Nothing of the file is stored before they are checked. */
static enum status on_file_start(struct s3_call *c, struct fault *why)
{
	struct form *f = c->form;
	struct post_policy policy = { 0 };
	f->place = AT_FILE;
	TRY(header_index_make(&c->x->arena, f->fields, f->n_fields, &f->by_name, why));
	TRY(resolve_fields(c, why));
	TRY(check_policy(c, &policy, why));
	TRY(authorize_call(c, why));
	TRY(call_refuse_reserved(c, c->key->power == KEY_SLOTS, why)); /* forms that the owner signed itself cannot upload images */
	if (find_field(f, STR("tagging")).p != NULL)
		return fault_set(why, NOT_IMPLEMENTED, "Tagging is not supported here.");
	TRY(acl_check_canned(c, "acl", find_field(f, STR("acl")), why));
	TRY(acl_check_headers(c, &f->by_name, why));
	TRY(read_success(f, why));
	TRY(make_upload(c, &policy, why));
	return upload_begin(c, 0, why);
}

static enum status on_field_start(struct s3_call *c, struct fault *why)
{
	struct form *f = c->form;
	if (f->n_fields == FIELDS_MAX)
		return fault_set(why, FORM_MALFORMED, "The form has more than %d fields.", FIELDS_MAX);
	if (find_field(f, f->parser.name).p != NULL)
		return fault_set(why, ARGUMENT_INVALID, "The form has a field twice.");
	f->fields[f->n_fields].name = str_dup(&c->x->arena, f->parser.name);
	f->field_bytes += f->parser.name.n;
	buf_init_arena(&f->value, &c->x->arena, FIELD_BYTES_MAX);
	return OK;
}

static enum status handle_event(struct s3_call *c, enum form_event event, struct str piece, struct fault *why)
{
	struct form *f = c->form;
	bool is_file;
	switch (event) {
	case MULTIPART_PART:
		is_file = str_equal_nocase(f->parser.name, STR("file"));
		if (f->place != AT_FIELDS && is_file)
			return fault_set(
				why, FORM_MALFORMED, "POST requires exactly one file upload per request; this has a second part named 'file'.");
		if (f->place != AT_FIELDS)
			return OK;
		return is_file ? on_file_start(c, why) : on_field_start(c, why);
	case MULTIPART_DATA:
		if (f->place == AT_FILE)
			return upload_write(c, piece, why);
		if (f->place != AT_FIELDS)
			return OK;
		f->field_bytes += piece.n;
		if (f->field_bytes > FIELD_BYTES_MAX)
			return fault_set(why, FORM_MALFORMED, "Your POST request fields preceding the upload file were too large.");
		buf_put(&f->value, piece);
		return OK;
	case MULTIPART_PART_END:
		if (f->place == AT_FIELDS)
			f->fields[f->n_fields++].value = f->value.n > 0 ? buf_str(&f->value) : STR("");
		if (f->place == AT_FILE)
			f->place = AFTER_FILE;
		return OK;
	case MULTIPART_END:
		if (f->place == AT_FIELDS)
			return fault_set(why, ARGUMENT_INVALID, "POST requires exactly one file upload per request.");
		f->place = AT_END;
		return OK;
	case MULTIPART_BAD:
		return fault_set(why, FORM_MALFORMED, "The body of your POST request is not well-formed multipart/form-data: %s.", f->parser.why);
	case MULTIPART_MORE:
		break;
	}
	return OK;
}

enum status form_data(struct s3_call *c, struct str piece, struct fault *why)
{
	assert(c->form != NULL);
	struct form *f = c->form;
	while (piece.n > 0) {
		struct str bytes = { 0 };
		size_t before = piece.n;
		enum form_event event = form_parser_next(&f->parser, &piece, &bytes);
		if (f->place == AFTER_FILE || f->place == AT_END)
			f->trailing += before - piece.n;
		if (f->trailing > TRAILING_MAX)
			return fault_set(why, FORM_MALFORMED, "Too much follows the file in your POST request.");
		TRY(handle_event(c, event, bytes, why));
	}
	return OK;
}

enum status form_begin(struct s3_call *c, enum handler_step *step, struct fault *why)
{
	assert(c->form == NULL);
	assert(step != NULL);
	const struct request *r = &c->x->request;
	struct str boundary;
	if (!form_boundary(request_header(r, STR("content-type")), &boundary))
		return fault_set(why, FORM_MALFORMED, "The Content-Type of your POST request must name one boundary of 1 to %d characters.",
			MULTIPART_BOUNDARY_MAX);
	if (!r->has_length && !r->chunked)
		return fault_set(why, LENGTH_MISSING, "You must provide the Content-Length HTTP header.");
	c->form = ARENA_NEW(&c->x->arena, struct form);
	if (c->form == NULL)
		return fault_too_much(why);
	form_parser_init(&c->form->parser, boundary);
	*step = HANDLER_READ_BODY;
	return OK;
}

static void put_url(struct buf *b, struct str url)
{
	for (size_t i = 0; i < url.n; i++) {
		struct str one = str_slice(url, i, i + 1);
		if (http_is_visible(one))
			buf_put(b, one);
		else
			uri_encode(b, one, false);
	}
}

/* The URL may contain the name of a file: what a URL cannot hold is encoded. The parameters precede a fragment: RFC 3986 3. */
static struct str redirect_target(struct s3_call *c, struct str etag)
{
	struct buf b;
	struct str url = c->form->redirect;
	size_t fragment = str_find_char(url, '#');

	buf_init_arena(&b, &c->x->arena, 3 * REDIRECT_BYTES_MAX + 16 * OBJECT_KEY_MAX_BYTES);
	put_url(&b, str_slice(url, 0, fragment));
	buf_put(&b, str_find_char(url, '?') < fragment ? STR("&bucket=") : STR("?bucket="));
	uri_encode(&b, c->at.bucket, false);
	buf_put(&b, STR("&key="));
	uri_encode(&b, c->at.key, false);
	buf_put(&b, STR("&etag="));
	uri_encode(&b, etag, false);
	put_url(&b, str_slice(url, fragment, url.n));
	return buf_str(&b);
}

enum status form_finish(struct s3_call *c, struct fault *why)
{
	assert(c->form != NULL);
	struct form *f = c->form;
	struct answer *ans = &c->x->answer;
	if (f->place != AT_END)
		return fault_set(why, FORM_MALFORMED, "The body of your POST request ends before its last boundary.");
	TRY(upload_finish(c, why));
	struct str etag = str_printf(&c->x->arena, "\"%.*s\"", STRF(c->upload->etag));
	answer_header(ans, STR("ETag"), etag);
	ans->status = f->redirect.n > 0 ? 303 : (int)f->success_status;
	answer_header(ans, STR("Location"), f->redirect.n > 0 ? redirect_target(c, etag) : call_object_url(c));
	if (ans->status == 201) {
		struct buf b;
		buf_init_arena(&b, &c->x->arena, 32 * OBJECT_KEY_MAX_BYTES);
		buf_put(&b, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse>"));
		xml_element(&b, "Location", call_object_url(c));
		xml_element(&b, "Bucket", c->at.bucket);
		xml_element(&b, "Key", c->at.key);
		xml_element(&b, "ETag", etag);
		buf_put(&b, STR("</PostResponse>"));
		c->x->answer.body = buf_str(&b);
		answer_header(&c->x->answer, STR("Content-Type"), STR("application/xml"));
	}
	return OK;
}
