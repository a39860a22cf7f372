/* Forms as a browser posts them, to the S3 rig: their fields, signed as the product hands them out or by
 * the owner. */
#ifndef TEST_S3_FORMS_H
#define TEST_S3_FORMS_H

#include "s3/fixture.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "sigv4/presign.h"
#include <string.h>

#define BOUNDARY "----XyZ"
#define TYPE STR("multipart/form-data; boundary=" BOUNDARY)
#define PARTS_MAX 80

/* A form as it is sent: fields in order, then the file, then what follows. */
struct form_parts {
	struct header fields[PARTS_MAX];
	size_t n;
	struct str file_name; /* in quotes; "": the part has no filename */
	struct str file;
	bool without_file;
	struct header after; /* a field after the file */
	bool cut;            /* without the last boundary */
};

static inline void put_field(struct buf *b, struct str name, struct str value)
{
	buf_printf(b, "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"%.*s\"\r\n\r\n", STRF(name));
	buf_put(b, value);
	buf_put(b, STR("\r\n"));
}

static inline struct str write_form(struct rig *r, const struct form_parts *f)
{
	struct buf b;
	buf_init_arena(&b, &r->arena, 1 << 20);
	for (size_t i = 0; i < f->n; i++)
		put_field(&b, f->fields[i].name, f->fields[i].value);
	if (!f->without_file) {
		buf_put(&b, STR("--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"file\""));
		if (f->file_name.n > 0)
			buf_printf(&b, "; filename=\"%.*s\"", STRF(f->file_name));
		buf_put(&b, STR("\r\nContent-Type: application/octet-stream\r\n\r\n"));
		buf_put(&b, f->file);
		buf_put(&b, STR("\r\n"));
	}
	if (f->after.name.n > 0)
		put_field(&b, f->after.name, f->after.value);
	buf_put(&b, f->cut ? STR("--" BOUNDARY) : STR("--" BOUNDARY "--\r\n"));
	assert_true(buf_ok(&b));
	return buf_str(&b);
}

/* Post to a bucket; the request's response is the result. */
static inline void post(struct rig *r, const struct form_parts *f, const char *target)
{
	struct ask ask = { .method = "POST", .body = write_form(r, f), .more = { { STR("Content-Type"), TYPE } } };
	rig_send(r, &ask, str_of(target));
}

static inline void add(struct form_parts *f, const char *name, struct str value)
{
	f->fields[f->n++] = (struct header){ str_of(name), value };
}

static inline struct str *value_of(struct form_parts *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		if (str_equal_nocase(f->fields[i].name, str_of(name)))
			return &f->fields[i].value;
	}
	fail_msg("no field %s", name);
	return NULL;
}

/* The form of a slot as the product hands it out: 1 to 1000 bytes of image/gif. */
static inline struct form_parts slot_form(struct rig *r, struct str key)
{
	struct form_parts f = { .file_name = STR("cat.gif"), .file = RIG_GIF };
	struct sigv4_key k = {
		.access_key = STR("AKIASLOTSSLOTSSLOTS0"), .secret = STR("slots-secret"), .region = STR("us-east-1"), .service = STR("s3")
	};
	struct post_policy_input in = { .bucket = STR(RIG_BUCKET),
		.key = key,
		.content_type = STR("image/gif"),
		.min_size = 1,
		.max_size = 1000,
		.now_ms = clock_now_ms(),
		.expires_s = 300 };
	struct fault why = { 0 };
	assert_int_equal(presign_post(&k, &in, &r->arena, f.fields, &f.n, &why), OK);
	return f;
}

static inline void add_signature(struct rig *r, struct form_parts *f, const char *who, int64_t now_ms)
{
	char date[AMZ_DATE_CHARS + 1];
	clock_amz_date(now_ms, date);
	add(f, "x-amz-algorithm", STR("AWS4-HMAC-SHA256"));
	add(f, "x-amz-credential", str_printf(&r->arena, "%s/%.8s/us-east-1/s3/aws4_request", who, date));
	add(f, "x-amz-date", str_printf(&r->arena, "%s", date));
}

/* Sign the conditions (JSON, to which those of the claim are added) as the owner. */
static inline void sign_form(struct rig *r, struct form_parts *f, const char *conditions, int64_t expires_ms)
{
	char until[ISO8601_CHARS + 1], signature[SIGNATURE_CHARS + 1];
	unsigned char key[SHA256_BYTES];
	struct buf b;
	add_signature(r, f, "AKIAOWNEROWNEROWNER0", clock_now_ms());
	clock_iso8601(expires_ms, until);
	struct str document = str_printf(&r->arena,
		"{\"expiration\":\"%s\",\"conditions\":[%s,{\"bucket\":\"" RIG_BUCKET "\"},"
		"[\"starts-with\",\"$x-amz-algorithm\",\"\"],[\"starts-with\",\"$x-amz-credential\",\"\"],[\"starts-with\",\"$x-amz-date\",\"\"]]}",
		until, conditions);
	buf_init_arena(&b, &r->arena, 65536);
	base64_encode(&b, document);
	struct sigv4_scope scope = { str_slice(*value_of(f, "x-amz-date"), 0, 8), STR("us-east-1"), STR("s3") };
	signing_key(STR("owner-secret"), &scope, key);
	signature_of(key, buf_str(&b), signature);
	add(f, "policy", buf_str(&b));
	add(f, "x-amz-signature", str_printf(&r->arena, "%s", signature));
}

static inline struct form_parts owner_form(struct rig *r, const char *key, const char *conditions)
{
	struct form_parts f = { .file_name = STR("cat.gif"), .file = STR("hello world\n") };
	add(&f, "key", str_of(key));
	sign_form(r, &f, conditions, clock_now_ms() + 60000);
	return f;
}

#endif
