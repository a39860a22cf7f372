/* Lists of objects: ListObjects, ListObjectsV2 and ListObjectVersions, which differ in how a list is continued and in
 * the elements around its entries.
 *
 * The index is read by one query of at most 1000 entries, on a worker. With
 * encoding-type=url keys are percent-encoded; without it characters that XML 1.0 cannot represent are character references,
 * so that no client takes a key for another one.
 * Source: Amazon S3 API, ListObjects, ListObjectsV2, ListObjectVersions. */
#include "s3/xml_body.h"
#include "s3/checksums.h"
#include "s3/parameters.h"
#include "s3/wire/text.h"

#define KEYS_MAX 1000
#define VERSION_ID STR("null")

struct list {
	struct arena rows; /* the entries; freed before the response is sent, which a slow client may take long to read */
	struct object_query query;
	bool url;
	bool owners;
	struct listing found;
};

static void list_deinit(struct list *l)
{
	arena_deinit(&l->rows);
}

static enum status read_common(struct s3_call *c, struct list *l, struct fault *why)
{
	arena_init(&l->rows, c->x->arena.cap_bytes);
	l->query.bucket = c->at.bucket;
	TRY(parameter_text(c, "prefix", &l->query.prefix, why));
	TRY(parameter_text(c, "delimiter", &l->query.delimiter, why));
	TRY(parameter_count(c, "max-keys", KEYS_MAX, KEYS_MAX, &l->query.limit, why));
	return parameter_encoding(c, &l->url, why);
}

/* With max-keys=0 the list is complete. */
static enum status find_entries(struct s3_call *c, struct list *l, struct fault *why)
{
	TRY(fault_blame_arena(&l->rows, catalog_list_objects(c->s3->catalog, &l->query, &l->rows, &l->found, why), why));
	if (l->query.limit == 0)
		l->found.more = false;
	return OK;
}

static struct str last_key(const struct list *l)
{
	return l->found.n > 0 ? l->found.entries[l->found.n - 1].info.key : STR("");
}

static bool is_prefix(const struct listed *e)
{
	return e->info.etag.n == 0;
}

/* prefix_url: of ListObjects (version 1) AWS's clients decode all but the prefix. */
static void write_head(struct s3_call *c, const struct list *l, struct buf *b, bool prefix_url)
{
	xml_element(b, "Name", c->at.bucket);
	if (prefix_url)
		xml_key(b, "Prefix", l->query.prefix, true);
	else
		xml_element(b, "Prefix", l->query.prefix);
	if (l->query.delimiter.n > 0)
		xml_key(b, "Delimiter", l->query.delimiter, l->url);
	xml_number(b, "MaxKeys", l->query.limit);
	if (l->url)
		xml_element(b, "EncodingType", STR("url"));
	xml_element(b, "IsTruncated", l->found.more ? STR("true") : STR("false"));
}

/* As S3: the objects first, then the common prefixes, each in the order of their keys. */
static void write_entries(struct s3_call *c, const struct list *l, struct buf *b, const char *element)
{
	bool version = element[0] == 'V';
	for (size_t i = 0; i < l->found.n; i++) {
		if (is_prefix(&l->found.entries[i]))
			continue;
		buf_printf(b, "<%s>", element);
		const struct listed *e = &l->found.entries[i];
		xml_key(b, "Key", e->info.key, l->url);
		xml_time(b, "LastModified", e->info.modified_ms);
		xml_etag(b, e->info.etag);
		sums_write_kind(b, e->checksum, e->composite);
		xml_number(b, "Size", e->info.size);
		if (l->owners)
			xml_user(b, "Owner", c->bucket.owner);
		buf_put(b, STR("<StorageClass>STANDARD</StorageClass>"));
		if (version)
			buf_put(b, STR("<VersionId>null</VersionId><IsLatest>true</IsLatest>"));
		buf_printf(b, "</%s>", element);
	}
	for (size_t i = 0; i < l->found.n; i++) {
		if (!is_prefix(&l->found.entries[i]))
			continue;
		buf_put(b, STR("<CommonPrefixes>"));
		xml_key(b, "Prefix", l->found.entries[i].info.key, l->url);
		buf_put(b, STR("</CommonPrefixes>"));
	}
}

/* Without a delimiter clients continue after the last key, and there is no NextMarker. */
enum status list_v1(struct s3_call *c, struct fault *why)
{
	struct list l CLEANUP(list_deinit) = { 0 };
	struct buf b CLEANUP(buf_deinit) = { 0 };
	TRY(read_common(c, &l, why));
	TRY(parameter_text(c, "marker", &l.query.after, why));
	l.owners = true;
	TRY(find_entries(c, &l, why));
	document_open_large(&b, "ListBucketResult");
	write_head(c, &l, &b, false);
	xml_key(&b, "Marker", l.query.after, l.url);
	if (l.found.more && l.query.delimiter.n > 0)
		xml_key(&b, "NextMarker", last_key(&l), l.url);
	write_entries(c, &l, &b, "Contents");
	return document_answer(c, &b, "ListBucketResult", why);
}

enum status list_v2(struct s3_call *c, struct fault *why)
{
	struct list l CLEANUP(list_deinit) = { 0 };
	struct buf b CLEANUP(buf_deinit) = { 0 };
	struct str token = parameter(c, "continuation-token"), start = parameter(c, "start-after");
	if (!str_equal(parameter(c, "list-type"), STR("2")))
		return argument_fault(c, "list-type", parameter(c, "list-type"), "Invalid List Type specified in Request", why);
	TRY(read_common(c, &l, why));
	TRY(parameter_text(c, "start-after", &l.query.after, why));
	if (token.n > 0)
		TRY(token_read(c, c->at.bucket, token, &l.query.after, why));
	l.owners = str_equal_nocase(parameter(c, "fetch-owner"), STR("true"));
	TRY(find_entries(c, &l, why));
	document_open_large(&b, "ListBucketResult");
	write_head(c, &l, &b, l.url);
	xml_number(&b, "KeyCount", l.found.n);
	if (start.n > 0)
		xml_key(&b, "StartAfter", start, l.url);
	if (token.p != NULL)
		xml_element(&b, "ContinuationToken", token);
	if (l.found.more)
		xml_element(&b, "NextContinuationToken", token_write(&c->x->arena, c->at.bucket, last_key(&l)));
	write_entries(c, &l, &b, "Contents");
	return document_answer(c, &b, "ListBucketResult", why);
}

/* There is one version of each key, so that of a version marker only the form is checked. */
static enum status read_version_marker(struct s3_call *c, const struct list *l, struct str *version, struct fault *why)
{
	*version = parameter(c, "version-id-marker");
	if (version->p == NULL)
		return OK;
	if (version->n == 0)
		return argument_fault(c, "version-id-marker", *version, "A version-id marker cannot be empty.", why);
	if (l->query.after.n == 0)
		return argument_fault(c, "version-id-marker", *version, "A version-id marker cannot be specified without a key marker.", why);
	if (!str_equal(*version, VERSION_ID))
		return argument_fault(c, "version-id-marker", *version, "Invalid version id specified", why);
	return OK;
}

enum status list_versions(struct s3_call *c, struct fault *why)
{
	struct list l CLEANUP(list_deinit) = { 0 };
	struct buf b CLEANUP(buf_deinit) = { 0 };
	struct str version;
	TRY(read_common(c, &l, why));
	TRY(parameter_text(c, "key-marker", &l.query.after, why));
	TRY(read_version_marker(c, &l, &version, why));
	l.owners = true;
	TRY(find_entries(c, &l, why));
	document_open_large(&b, "ListVersionsResult");
	write_head(c, &l, &b, l.url);
	xml_key(&b, "KeyMarker", l.query.after, l.url);
	xml_element(&b, "VersionIdMarker", version);
	if (l.found.more) {
		bool behind_object = l.found.n > 0 && !is_prefix(&l.found.entries[l.found.n - 1]);
		xml_key(&b, "NextKeyMarker", last_key(&l), l.url);
		if (behind_object)
			xml_element(&b, "NextVersionIdMarker", VERSION_ID);
	}
	write_entries(c, &l, &b, "Version");
	return document_answer(c, &b, "ListVersionsResult", why);
}
