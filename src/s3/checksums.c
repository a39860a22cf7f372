/* An object in parts has one of two kinds of checksum: the composite one is over the checksums of the parts and ends with
 * their number; the full one is over the bytes, and CRCs of the parts can be combined into it. */
#include "s3/checksums.h"

#include "base/codec.h"
#include "s3/parameters.h"
#include "s3/wire/text.h"

#include <string.h>

void sums_write_value(struct buf *b, const struct object_checksum *sum)
{
	if (sum->kind != CHECKSUM_NONE && sum->value.n > 0)
		xml_element(b, checksum_info(sum->kind)->element, sum->value);
}

void sums_write(struct buf *b, const struct object_checksum *sum)
{
	assert(sum != NULL);
	if (sum->kind == CHECKSUM_NONE || sum->value.n == 0)
		return;
	sums_write_value(b, sum);
	xml_element(b, "ChecksumType", sums_type(sum->composite));
}

struct str sums_type(bool composite)
{
	return composite ? STR("COMPOSITE") : STR("FULL_OBJECT");
}

void sums_write_kind(struct buf *b, enum checksum_kind kind, bool composite)
{
	if (kind == CHECKSUM_NONE)
		return;
	xml_element(b, "ChecksumAlgorithm", str_of(checksum_info(kind)->name));
	xml_element(b, "ChecksumType", sums_type(composite));
}

struct str sums_etag(struct arena *a, const unsigned char md5[MD5_BYTES])
{
	char hex[2 * MD5_BYTES + 1];
	hex_encode(md5, MD5_BYTES, hex);
	return str_dup(a, str_of(hex));
}

enum status sums_read_algorithm(struct s3_call *c, enum checksum_kind *out, struct fault *why)
{
	assert(out != NULL);
	struct str name = request_header(&c->x->request, STR("x-amz-checksum-algorithm"));
	*out = CHECKSUM_NONE;
	if (name.p == NULL)
		return OK;
	*out = checksum_by_name(str_trim(name));
	if (*out != CHECKSUM_NONE)
		return OK;
	return fault_set(why, REQUEST_INVALID,
		"Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
		"[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
}

enum status sums_read_requested(struct s3_call *c, struct object_checksum *out, struct fault *why)
{
	struct str type = str_trim(request_header(&c->x->request, STR("x-amz-checksum-type")));
	*out = (struct object_checksum){ 0 };
	TRY(sums_read_algorithm(c, &out->kind, why));
	if (out->kind == CHECKSUM_NONE) {
		return type.n == 0 ? OK
						   : fault_set(why, REQUEST_INVALID,
								 "The x-amz-checksum-type header can only be used with the "
								 "x-amz-checksum-algorithm header.");
	}
	out->composite = type.n > 0 ? str_equal_nocase(type, STR("COMPOSITE")) : out->kind != CHECKSUM_CRC64NVME;
	if (type.n > 0 && !out->composite && !str_equal_nocase(type, STR("FULL_OBJECT")))
		return fault_set(why, REQUEST_INVALID, "Value for x-amz-checksum-type header is invalid.");
	if (out->composite ? out->kind == CHECKSUM_CRC64NVME : !checksum_info(out->kind)->linear)
		return fault_set(why, REQUEST_INVALID, "The %s checksum type cannot be used with the %s checksum algorithm.",
			sums_type(out->composite).p, checksum_info(out->kind)->name);
	return OK;
}

struct str sums_text(struct arena *a, enum checksum_kind kind, const unsigned char *sum)
{
	assert(kind != CHECKSUM_NONE);
	struct buf b;
	buf_init_arena(&b, a, CHECKSUM_TEXT_MAX + 1);
	base64_encode(&b, (struct str){ (const char *)sum, checksum_info(kind)->bytes });
	return buf_ok(&b) ? buf_str(&b) : (struct str){ 0 };
}

static enum status part_sum(struct arena *a, const struct object_part *p, enum checksum_kind kind, struct str *out, struct fault *why)
{
	if (p->checksum.kind == kind && base64_decode(a, p->checksum.value, out) && out->n == checksum_info(kind)->bytes)
		return OK;
	return fault_set(why, INTERNAL, "a part has no checksum of its upload's kind");
}

static enum status composite_sum(struct arena *a, const struct object_part *parts, size_t n, struct object_checksum *out, struct fault *why)
{
	unsigned char sum[CHECKSUM_BYTES_MAX];
	struct checksum running;
	struct str raw;
	checksum_init(&running, out->kind);
	for (size_t i = 0; i < n; i++) {
		TRY(part_sum(a, &parts[i], out->kind, &raw, why));
		checksum_update(&running, raw.p, raw.n);
	}
	checksum_final(&running, sum);
	struct str text = sums_text(a, out->kind, sum);
	out->value = str_printf(a, "%.*s-%zu", STRF(text), n);
	return OK;
}

static enum status full_sum(struct arena *a, const struct object_part *parts, size_t n, struct object_checksum *out, struct fault *why)
{
	unsigned char sum[CHECKSUM_BYTES_MAX];
	struct str raw;
	for (size_t i = 0; i < n; i++) {
		TRY(part_sum(a, &parts[i], out->kind, &raw, why));
		if (i == 0)
			memcpy(sum, raw.p, raw.n);
		else
			checksum_combine(out->kind, sum, (const unsigned char *)raw.p, parts[i].size);
	}
	out->value = sums_text(a, out->kind, sum);
	return OK;
}

enum status sums_of_parts(struct arena *a, const struct object_part *parts, size_t n, struct object_checksum *out, struct fault *why)
{
	assert(out != NULL);
	assert(n == 0 || parts != NULL);
	if (out->kind == CHECKSUM_NONE)
		return OK;
	return out->composite ? composite_sum(a, parts, n, out, why) : full_sum(a, parts, n, out, why);
}

enum status sums_etag_of_parts(struct arena *a, const struct object_part *parts, size_t n, struct str *out, struct fault *why)
{
	assert(out != NULL);
	assert(n == 0 || parts != NULL);
	unsigned char md5[MD5_BYTES];
	struct hash h;
	hash_init(&h, HASH_MD5);
	for (size_t i = 0; i < n; i++) {
		if (!hex_decode(parts[i].etag, md5, MD5_BYTES))
			return fault_set(why, PART_INVALID, "The ETag of a part is not one.");
		hash_update(&h, md5, MD5_BYTES);
	}
	hash_final(&h, md5);
	*out = str_printf(a, "%.*s-%zu", STRF(sums_etag(a, md5)), n);
	return OK;
}
