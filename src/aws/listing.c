/* S3's responses to list requests: objects, and versions with delete markers, which are treated alike, since both must be
 * deleted before a key is gone for good. Keys come URL-encoded, because XML 1.0 cannot carry every character that a
 * key may have; they are decoded where the document says so: not every engine that speaks S3 encodes. */
#include "aws/listing.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/xml.h"

#define TREE_BYTES (16u << 20)

/* The list that is read: of objects, or of versions. */
struct list {
	struct arena *a;
	uint32_t max;
	bool encoded;
	struct object_page objects;
	struct version_page versions;
};

static bool read_key(const struct list *l, const struct xml_node *n, struct str *out)
{
	struct str text = xml_child_text(n, "Key");
	*out = str_dup(l->a, text);
	return text.n > 0 && (!l->encoded || uri_decode(l->a, *out, true, out)) && out->n > 0;
}

/* Keys are in order, so that a caller that continues after the last cannot go in circles. */
static bool take_object(struct list *l, const struct xml_node *n)
{
	struct object_info *o = &l->objects.objects[l->objects.n];
	struct str size = xml_child_text(n, "Size"), modified = xml_child_text(n, "LastModified");
	*o = (struct object_info){ .etag = str_dup(l->a, str_unquote(xml_child_text(n, "ETag"))), .content_type = STR("") };
	return read_key(l, n, &o->key) && (size.p == NULL || str_to_u64(size, &o->size)) &&
		(modified.p == NULL || clock_parse_iso8601(modified, &o->modified_ms)) &&
		(l->objects.n++ == 0 || str_compare(o[-1].key, o->key) < 0);
}

static bool take_version(struct list *l, const struct xml_node *n)
{
	struct version *v = &l->versions.versions[l->versions.n++];
	v->id = str_dup(l->a, xml_child_text(n, "VersionId"));
	v->latest = str_equal(xml_child_text(n, "IsLatest"), STR("true"));
	return read_key(l, n, &v->key) && v->id.n > 0;
}

static bool take_objects(struct list *l, const struct xml_node *root)
{
	struct str more = xml_child_text(root, "IsTruncated");
	l->objects.more = str_equal(more, STR("true"));
	if (more.p != NULL && !l->objects.more && !str_equal(more, STR("false")))
		return false;
	for (const struct xml_node *n = root->first; n != NULL; n = n->next)
		if (xml_is(n, "Contents") && (l->objects.n == l->max || !take_object(l, n)))
			return false;
	return l->objects.n > 0 || !l->objects.more;
}

static bool take_versions(struct list *l, const struct xml_node *root)
{
	for (const struct xml_node *n = root->first; n != NULL; n = n->next) {
		bool is_one = xml_is(n, "Version") || xml_is(n, "DeleteMarker");
		if (is_one && (l->versions.n == l->max || !take_version(l, n)))
			return false;
	}
	return true;
}

/* The tree has memory of its own, which is released once its contents are copied. */
static enum status read_list(
	struct list *l, struct str xml, const char *root_name, bool (*take)(struct list *l, const struct xml_node *root), struct fault *why)
{
	struct arena tree;
	struct fault malformed;
	const struct xml_node *root;
	arena_init(&tree, TREE_BYTES);
	bool read = arena_ok(l->a) && xml_read(&tree, xml, root_name, &root, &malformed) == OK;
	if (read) {
		struct str encoding = xml_child_text(root, "EncodingType");
		l->encoded = str_equal(encoding, STR("url"));
		read = (l->encoded || encoding.n == 0) && take(l, root);
	}
	arena_deinit(&tree);
	TRY(fault_check_arena(l->a, why));
	return read ? OK : fault_set(why, UPSTREAM_FAILED, "the object store's answer is not a %s", root_name);
}

enum status listing_parse(struct str xml, uint32_t max, struct arena *a, struct object_page *out, struct fault *why)
{
	assert(max > 0 && a != NULL && out != NULL);
	struct list l = { .a = a, .max = max, .objects.objects = arena_array(a, max, sizeof *out->objects) };
	TRY(read_list(&l, xml, "ListBucketResult", take_objects, why));
	*out = l.objects;
	return OK;
}

enum status versions_parse(struct str xml, uint32_t max, struct arena *a, struct version_page *out, struct fault *why)
{
	assert(max > 0 && a != NULL && out != NULL);
	struct list l = { .a = a, .max = max, .versions.versions = arena_array(a, max, sizeof *out->versions) };
	TRY(read_list(&l, xml, "ListVersionsResult", take_versions, why));
	*out = l.versions;
	return OK;
}
