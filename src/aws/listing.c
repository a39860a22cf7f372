/* A list of objects, read with expat. The elements that matter are known by their path from the root;
 * a table tells where the text of each goes. Keys come URL-encoded, because XML 1.0 cannot carry
 * every character that a key may have; they are decoded at the end, when it is known whether they
 * are: not every engine that speaks S3 encodes. No DOCTYPE is let in, so there are no entities. */
#include "aws/listing.h"

#include "base/clock.h"
#include "base/codec.h"

#include <expat.h>
#include <string.h>

#define PATH_MAX_BYTES 64
#define TEXT_MAX_BYTES 8192

struct listing {
	XML_Parser parser;
	struct arena *a;
	struct object_info *objects;
	size_t n;
	uint32_t max;
	bool encoded, more, bad, rooted;
	char path[PATH_MAX_BYTES];   /* "/ListBucketResult/Contents/Key", as far as it fits */
	size_t path_bytes;           /* of the whole path, fitting or not */
	struct buf text;
};

static void give_up(struct listing *l)
{
	l->bad = true;
	(void)XML_StopParser(l->parser, XML_FALSE);
}

static struct str path_of(const struct listing *l)
{
	return (struct str){ l->path, l->path_bytes <= sizeof l->path ? l->path_bytes : 0 };
}

static void begin(void *arg, const char *name, const char **attributes)
{
	struct listing *l = arg;
	size_t n = strlen(name);
	if (l->path_bytes + 1 + n <= sizeof l->path) {
		l->path[l->path_bytes] = '/';
		memcpy(l->path + l->path_bytes + 1, name, n);
	}
	l->path_bytes += 1 + n;
	buf_clear(&l->text);
	l->rooted = l->rooted || str_equal(path_of(l), STR("/ListBucketResult"));
	if (!str_equal(path_of(l), STR("/ListBucketResult/Contents")))
		return;
	if (l->n == l->max)
		give_up(l);
	else
		l->objects[l->n++] = (struct object_info){ .key = STR(""), .etag = STR(""), .content_type = STR("") };
}

static void add_text(void *arg, const char *p, int n)
{
	struct listing *l = arg;
	buf_put(&l->text, (struct str){ p, (size_t)n });
	if (!buf_ok(&l->text))
		give_up(l);
}

static bool take_key(struct listing *l, struct object_info *o, struct str text)
{
	o->key = str_dup(l->a, text);
	return text.n > 0;
}

static bool take_size(struct listing *l, struct object_info *o, struct str text)
{
	return str_to_u64(text, &o->size);
}

static bool take_etag(struct listing *l, struct object_info *o, struct str text)
{
	o->etag = str_dup(l->a, str_unquote(text));
	return true;
}

static bool take_time(struct listing *l, struct object_info *o, struct str text)
{
	return clock_parse_iso8601(text, &o->modified_ms);
}

static bool take_more(struct listing *l, struct object_info *o, struct str text)
{
	l->more = str_equal(text, STR("true"));
	return l->more || str_equal(text, STR("false"));
}

static bool take_encoding(struct listing *l, struct object_info *o, struct str text)
{
	l->encoded = str_equal(text, STR("url"));
	return l->encoded || text.n == 0;
}

/* o: the object that the element is of; NULL outside of one. */
static const struct element {
	const char *path;
	bool (*take)(struct listing *l, struct object_info *o, struct str text);
} elements[] = {
	{ "/ListBucketResult/Contents/Key", take_key }, { "/ListBucketResult/Contents/Size", take_size },
	{ "/ListBucketResult/Contents/ETag", take_etag }, { "/ListBucketResult/Contents/LastModified", take_time },
	{ "/ListBucketResult/IsTruncated", take_more }, { "/ListBucketResult/EncodingType", take_encoding },
};

static void end(void *arg, const char *name)
{
	struct listing *l = arg;
	struct object_info *o = l->n > 0 ? &l->objects[l->n - 1] : NULL;
	for (size_t i = 0; i < COUNT_OF(elements); i++)
		if (str_equal(path_of(l), str_of(elements[i].path)) && !elements[i].take(l, o, buf_str(&l->text)))
			give_up(l);
	l->path_bytes -= 1 + strlen(name);
	buf_clear(&l->text);
}

static void refuse_doctype(void *arg, const char *name, const char *system_id, const char *public_id, int has_subset)
{
	give_up(arg);
}

static bool run(struct listing *l, struct str xml)
{
	l->parser = XML_ParserCreate(NULL);
	if (l->parser == NULL)
		return false;
	XML_SetUserData(l->parser, l);
	XML_SetElementHandler(l->parser, begin, end);
	XML_SetCharacterDataHandler(l->parser, add_text);
	XML_SetStartDoctypeDeclHandler(l->parser, refuse_doctype);
	bool whole = xml.n <= INT32_MAX && XML_Parse(l->parser, xml.p != NULL ? xml.p : "", (int)xml.n, XML_TRUE) == XML_STATUS_OK;
	XML_ParserFree(l->parser);
	return whole && !l->bad && l->rooted;
}

/* Keys are there, decoded, and in order, so that a caller that goes on behind the last cannot go in circles. */
static bool finish(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct object_info *o = &l->objects[i];
		if (l->encoded && !uri_decode(l->a, o->key, true, &o->key))
			return false;
		if (o->key.n == 0 || (i > 0 && str_compare(l->objects[i - 1].key, o->key) >= 0))
			return false;
	}
	return l->n > 0 || !l->more;
}

enum status listing_parse(struct str xml, uint32_t max, struct arena *a, struct object_page *out, struct fault *why)
{
	struct listing l = { .a = a, .max = max, .objects = arena_array(a, max, sizeof *l.objects) };
	buf_init_arena(&l.text, a, TEXT_MAX_BYTES);
	bool read = l.objects != NULL && run(&l, xml) && finish(&l);
	TRY(fault_check_arena(a, why));
	if (!read)
		return fault_set(why, UPSTREAM_FAILED, "the object store's list is not one");
	*out = (struct object_page){ l.objects, l.n, l.more };
	return OK;
}
