/* The list and the stored parts are both sorted by number, so that one pass compares them. */
#include "s3/wire/complete_request.h"

#include "base/xml.h"

#define PART_INVALID_SENTENCE \
	"One or more of the specified parts could not be found. The part may not have been uploaded, or the " \
	"specified entity tag may not match the part's entity tag."

static enum status read_part(const struct xml_node *n, struct part_list *out, struct fault *why)
{
	struct object_part *p = &out->parts[out->n];
	if (!xml_is(n, "Part"))
		return fault_set(why, XML_MALFORMED, "A CompleteMultipartUpload has elements Part and no others.");
	struct str text = xml_child_word(n, "PartNumber");
	uint64_t number;
	if (text.n == 0)
		return fault_set(why, XML_MALFORMED, "A Part needs a PartNumber.");
	if (!str_to_u64(text, &number) || number < 1 || number > PART_NUMBER_MAX)
		return fault_set(why, ARGUMENT_INVALID, "PartNumber must be an integer between 1 and 10000, inclusive");
	p->number = (uint32_t)number;
	p->etag = str_unquote(xml_child_word(n, "ETag"));
	if (p->etag.n == 0)
		return fault_set(why, XML_MALFORMED, "A Part needs an ETag.");
	for (int kind = CHECKSUM_NONE + 1; kind < CHECKSUM_KINDS; kind++) {
		struct str value = xml_child_word(n, checksum_info((enum checksum_kind)kind)->element);
		if (value.n > 0)
			p->checksum = (struct object_checksum){ .kind = (enum checksum_kind)kind, .value = value };
	}
	if (out->n > 0 && out->parts[out->n - 1].number >= p->number)
		return fault_set(why, PART_ORDER, "the parts are not in rising order");
	out->n++;
	return OK;
}

enum status complete_request_read(struct arena *a, struct str xml, struct part_list *out, struct fault *why)
{
	assert(a != NULL);
	assert(out != NULL);
	const struct xml_node *root;
	size_t n = 0;
	TRY(xml_read(a, xml, "CompleteMultipartUpload", &root, why));
	for (const struct xml_node *one = root->first; one != NULL; one = one->next)
		n++;
	if (n == 0 || n > PART_NUMBER_MAX)
		return fault_set(why, XML_MALFORMED, "A CompleteMultipartUpload needs 1 to %d parts.", PART_NUMBER_MAX);
	*out = (struct part_list){ .parts = arena_array(a, n, sizeof(*out->parts)) };
	if (out->parts == NULL)
		return fault_too_much(why);
	for (const struct xml_node *one = root->first; one != NULL; one = one->next)
		TRY(read_part(one, out, why));
	return OK;
}

static enum status match_checksum(
	const struct object_part *given, const struct object_part *there, const struct object_checksum *wanted, struct fault *why)
{
	if (given->checksum.kind == CHECKSUM_NONE && wanted->kind != CHECKSUM_NONE && wanted->composite)
		return fault_set(why, REQUEST_INVALID,
			"The upload was created using a %s checksum. The complete request must include the checksum "
			"for each part. It was missing for part %u in the request.",
			checksum_info(wanted->kind)->name, given->number);
	if (given->checksum.kind == CHECKSUM_NONE || there->checksum.kind != given->checksum.kind)
		return given->checksum.kind != CHECKSUM_NONE && wanted->kind != CHECKSUM_NONE
			? fault_set(why, PART_INVALID, "The checksum of part %u is of another kind than the upload's.", given->number)
			: OK;
	if (!str_equal(given->checksum.value, there->checksum.value))
		return fault_set(why, PART_INVALID, PART_INVALID_SENTENCE);
	return OK;
}

enum status complete_request_match(struct part_list *given, const struct part_list *there, const struct object_checksum *wanted,
	const struct object_part **bad, struct fault *why)
{
	assert(given != NULL && there != NULL);
	assert(wanted != NULL && bad != NULL);
	size_t at = 0;
	for (size_t i = 0; i < given->n; i++) {
		*bad = &given->parts[i];
		while (at < there->n && there->parts[at].number < given->parts[i].number)
			at++;
		struct object_part *one = &given->parts[i];
		const struct object_part *stored = at < there->n ? &there->parts[at] : NULL;
		if (stored == NULL || stored->number != one->number || !str_equal_nocase(stored->etag, one->etag))
			return fault_set(why, PART_INVALID, PART_INVALID_SENTENCE);
		TRY(match_checksum(one, stored, wanted, why));
		*one = *stored;
	}
	for (size_t i = 0; i + 1 < given->n; i++) {
		*bad = &given->parts[i];
		if (given->parts[i].size < PART_MIN_BYTES)
			return fault_set(why, PART_TOO_SMALL, "Your proposed upload is smaller than the minimum allowed size");
	}
	return OK;
}
