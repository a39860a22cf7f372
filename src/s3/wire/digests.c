/* Digests of a body. At most one checksum is given, by its own header or by x-amz-trailer, which announces it;
 * x-amz-sdk-checksum-algorithm, if it is sent, must agree with it. The messages are those of S3. */
#include "s3/wire/digests.h"

#include "base/buf.h"
#include "base/codec.h"

#include <string.h>

enum status digests_read_md5(struct arena *a, const struct header_index *headers, struct digests *d, struct fault *why)
{
	struct str raw = { 0 }, value = str_trim(header_index_find(headers, STR("content-md5")));
	if (value.p == NULL)
		return OK;
	if (!base64_decode(a, value, &raw) || raw.n != MD5_BYTES)
		return fault_set(why, DIGEST_INVALID, "The Content-MD5 you specified is not valid: it must be the base64 of 16 bytes.");
	memcpy(d->md5, raw.p, MD5_BYTES);
	d->has_md5 = true;
	return OK;
}

static enum status refuse_second(struct fault *why)
{
	return fault_set(why, REQUEST_INVALID, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
}

enum status digests_set(struct arena *a, struct digests *d, struct str value, struct fault *why)
{
	assert(d->kind != CHECKSUM_NONE);
	const struct checksum_kind_info *info = checksum_info(d->kind);
	struct str raw = { 0 };
	if (!base64_decode(a, str_trim(value), &raw) || raw.n != info->bytes)
		return fault_set(why, CHECKSUM_INVALID, "Value for %s %s is invalid.", info->header, d->in_trailer ? "trailing header" : "header");
	memcpy(d->value, raw.p, raw.n);
	d->given = true;
	return OK;
}

static enum status read_value(struct arena *a, const struct header_index *headers, struct digests *d, struct fault *why)
{
	for (size_t i = 0; i < headers->n; i++) {
		const struct header *h = &headers->headers[i];
		enum checksum_kind kind = checksum_by_header(h->name);
		if (kind == CHECKSUM_NONE)
			continue;
		if (d->kind != CHECKSUM_NONE)
			return refuse_second(why);
		d->kind = kind;
		TRY(digests_set(a, d, h->value, why));
	}
	return OK;
}

/* The header names what the trailer will contain: only checksums are supported. */
static enum status read_trailer(struct str announced, struct digests *d, struct fault *why)
{
	while (announced.p != NULL) {
		struct str name = str_trim(str_cut(&announced, ','));
		enum checksum_kind kind = checksum_by_header(name);
		if (name.n > 0 && kind == CHECKSUM_NONE)
			return fault_set(why, REQUEST_INVALID, "The value specified in the x-amz-trailer header is not supported");
		if (name.n == 0)
			continue;
		if (d->kind != CHECKSUM_NONE)
			return refuse_second(why);
		d->kind = kind;
		d->in_trailer = true;
	}
	return OK;
}

enum status digests_read(struct arena *a, const struct header_index *headers, struct digests *d, struct fault *why)
{
	assert(a != NULL && headers != NULL);
	assert(d != NULL);
	TRY(digests_read_md5(a, headers, d, why));
	TRY(read_value(a, headers, d, why));
	TRY(read_trailer(header_index_find(headers, STR("x-amz-trailer")), d, why));
	/* x-amz-sdk-checksum-algorithm requires a value; x-amz-checksum-algorithm only requests a kind. */
	static const struct str names[] = { { "x-amz-sdk-checksum-algorithm", 28 }, { "x-amz-checksum-algorithm", 24 } };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct str value = str_trim(header_index_find(headers, names[i]));
		if (value.p == NULL)
			continue;
		enum checksum_kind kind = checksum_by_name(value);
		if (kind == CHECKSUM_NONE || (d->kind != CHECKSUM_NONE && d->kind != kind))
			return fault_set(why, REQUEST_INVALID, "Value for %.*s header is invalid.", STRF(names[i]));
		if (d->kind == CHECKSUM_NONE && i == 0)
			return fault_set(why, REQUEST_INVALID,
				"x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
				"x-amz-trailer headers were found.");
		d->kind = kind;
	}
	return OK;
}

void digests_start(struct digests *d, enum checksum_kind default_kind)
{
	assert(d->running.kind == CHECKSUM_NONE);
	if (d->sha256.n > 0)
		hash_init(&d->running_sha256, HASH_SHA256);
	checksum_init(&d->running, d->kind != CHECKSUM_NONE ? d->kind : default_kind);
}

void digests_update(struct digests *d, struct str piece)
{
	if (d->sha256.n > 0)
		hash_update(&d->running_sha256, piece.p, piece.n);
	if (d->running.kind != CHECKSUM_NONE)
		checksum_update(&d->running, piece.p, piece.n);
}

static enum status check_sum(struct arena *a, struct digests *d, struct object_checksum *stored, struct fault *why)
{
	unsigned char sum[CHECKSUM_BYTES_MAX];
	enum checksum_kind kind = d->running.kind;
	*stored = (struct object_checksum){ .kind = kind };
	if (kind == CHECKSUM_NONE)
		return OK;
	const struct checksum_kind_info *info = checksum_info(kind);
	checksum_final(&d->running, sum);
	if (d->given && memcmp(sum, d->value, info->bytes) != 0)
		return fault_set(why, CHECKSUM_WRONG, "The %s you specified did not match the calculated checksum.", info->name);
	struct buf b;
	buf_init_arena(&b, a, CHECKSUM_TEXT_MAX + 1);
	base64_encode(&b, (struct str){ (const char *)sum, info->bytes });
	stored->value = buf_str(&b);
	return fault_check_buf(&b, why);
}

enum status digests_check(
	struct arena *a, struct digests *d, const unsigned char md5[MD5_BYTES], struct object_checksum *stored, struct fault *why)
{
	assert(d != NULL);
	assert(stored != NULL);
	if (d->sha256.n > 0) {
		unsigned char sum[SHA256_BYTES];
		char hex[2 * SHA256_BYTES + 1];
		hash_final(&d->running_sha256, sum);
		hex_encode(sum, SHA256_BYTES, hex);
		if (!str_equal_nocase(d->sha256, str_of(hex)))
			return fault_set(why, PAYLOAD_HASH_WRONG, "The provided 'x-amz-content-sha256' header does not match what was computed.");
	}
	if (d->has_md5 && memcmp(md5, d->md5, MD5_BYTES) != 0)
		return fault_set(why, DIGEST_WRONG, "The Content-MD5 you specified did not match what we received.");
	return check_sum(a, d, stored, why);
}
