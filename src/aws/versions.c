/* A list of versions, read with expat. Versions and delete markers are alike here: both have to go
 * before a key is gone for good. What matters stands at a known depth, so elements are told apart by
 * depth and name. No DOCTYPE is let in, so there are no entities. */
#include "aws/versions.h"

#include "base/buf.h"
#include "base/codec.h"

#include <expat.h>
#include <string.h>

#define TEXT_MAX_BYTES 8192
#define ROOT "ListVersionsResult"

struct reading {
	XML_Parser parser;
	struct arena *a;
	struct version *versions;
	size_t n;
	uint32_t max;
	unsigned depth;             /* of the open elements: 1 in the root, 2 in a version, 3 in a member of it */
	bool bad, rooted, encoded, inside;
	struct buf text;
};

static void give_up(struct reading *r)
{
	r->bad = true;
	(void)XML_StopParser(r->parser, XML_FALSE);
}

static bool is_version(const char *name)
{
	return strcmp(name, "Version") == 0 || strcmp(name, "DeleteMarker") == 0;
}

static void begin(void *arg, const char *name, const char **attributes)
{
	struct reading *r = arg;
	r->depth++;
	buf_clear(&r->text);
	if (r->depth == 1)
		r->rooted = strcmp(name, ROOT) == 0;
	if (r->depth != 2)
		return;
	r->inside = is_version(name);
	if (r->inside && r->n == r->max)
		give_up(r);
	else if (r->inside)
		r->versions[r->n++] = (struct version){ .key = STR(""), .id = STR("") };
}

static void add_text(void *arg, const char *p, int n)
{
	struct reading *r = arg;
	buf_put(&r->text, (struct str){ p, (size_t)n });
	if (!buf_ok(&r->text))
		give_up(r);
}

static void take_member(struct reading *r, const char *name)
{
	struct version *v = &r->versions[r->n - 1];
	struct str text = buf_str(&r->text);
	if (strcmp(name, "Key") == 0)
		v->key = str_dup(r->a, text);
	else if (strcmp(name, "VersionId") == 0)
		v->id = str_dup(r->a, text);
	else if (strcmp(name, "IsLatest") == 0)
		v->latest = str_equal(text, STR("true"));
}

static void end(void *arg, const char *name)
{
	struct reading *r = arg;
	if (r->depth == 3 && r->inside)
		take_member(r, name);
	if (r->depth == 2 && strcmp(name, "EncodingType") == 0)
		r->encoded = str_equal(buf_str(&r->text), STR("url"));
	r->depth--;
	buf_clear(&r->text);
}

static void refuse_doctype(void *arg, const char *name, const char *system_id, const char *public_id, int has_subset)
{
	give_up(arg);
}

static bool run(struct reading *r, struct str xml)
{
	r->parser = XML_ParserCreate(NULL);
	if (r->parser == NULL)
		return false;
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, begin, end);
	XML_SetCharacterDataHandler(r->parser, add_text);
	XML_SetStartDoctypeDeclHandler(r->parser, refuse_doctype);
	bool whole = xml.n <= INT32_MAX && XML_Parse(r->parser, xml.p != NULL ? xml.p : "", (int)xml.n, XML_TRUE) == XML_STATUS_OK;
	XML_ParserFree(r->parser);
	return whole && !r->bad && r->rooted;
}

static bool finish(struct reading *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct version *v = &r->versions[i];
		if (r->encoded && !uri_decode(r->a, v->key, true, &v->key))
			return false;
		if (v->key.n == 0 || v->id.n == 0)
			return false;
	}
	return true;
}

enum status versions_parse(struct str xml, uint32_t max, struct arena *a, struct version_page *out, struct fault *why)
{
	struct reading r = { .a = a, .max = max, .versions = arena_array(a, max, sizeof *r.versions) };
	buf_init_arena(&r.text, a, TEXT_MAX_BYTES);
	bool read = r.versions != NULL && run(&r, xml) && finish(&r);
	TRY(fault_check_arena(a, why));
	if (!read)
		return fault_set(why, UPSTREAM_FAILED, "the object store's list of versions is not one");
	*out = (struct version_page){ r.versions, r.n };
	return OK;
}
