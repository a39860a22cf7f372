/* Deletes. An image is deleted as the API does it, row and object together; all other objects of a request are deleted
 * in one commit.
 * Source: Amazon S3 API, DeleteObject, DeleteObjects. */
#include "base/clock.h"
#include "base/object_key.h"
#include "image/verdict.h"
#include "image/image_service.h"
#include "s3/xml_body.h"
#include "s3/error.h"
#include "s3/parameters.h"
#include "s3/authorize.h"
#include "s3/wire/text.h"
#include "base/xml.h"

#include <string.h>

/* One object to delete, as the client named it. */
struct delete_item {
	struct object_removal removal;
	struct str version; /* as it was sent; {NULL, 0}: none */
	bool done;          /* removal.status is set already */
};

/* An object under images/ without a row is deleted as a plain one. */
static enum status remove_object_without_row(struct s3_call *c, struct object_removal *r, struct fault *why)
{
	if (r->if_etag.n > 0)
		return fault_set(why, NO_SUCH_KEY, "no object under this key");
	return store_remove(c->s3->product->store, r->key, why);
}

static enum status remove_image(struct s3_call *c, struct object_removal *r, struct fault *why)
{
	struct product *p = c->s3->product;
	struct image_row row = { 0 };
	struct str id = image_id_of_key(r->key);
	if (id.n == 0)
		return remove_object_without_row(c, r, why);
	enum status st = table_get(p->table, id, &c->x->arena, &row, why);
	if (st == NOT_FOUND || (st == OK && !str_equal(row.key, r->key)))
		return remove_object_without_row(c, r, why);
	TRY(st);
	if (r->if_etag.n > 0 && row.status != IMAGE_UPLOADED)
		return fault_set(why, NO_SUCH_KEY, "no object under this key");
	if (r->if_etag.n > 0 && !str_equal(r->if_etag, STR("*")) && !str_equal(r->if_etag, row.etag))
		return fault_set(why, PRECONDITION, "At least one of the pre-conditions you specified did not hold");
	st = image_service_remove(p, id, why);
	return st == NOT_FOUND ? OK : st;
}

static void record_outcome(struct delete_item *d, enum status status)
{
	d->removal.status = status;
	d->done = true;
}

static enum status remove_all(struct s3_call *c, struct delete_item *all, size_t n, struct fault *why)
{
	for (size_t i = 0; i < n; i++) {
		/* Those that may not be deleted, and the images. */
		struct delete_item *d = &all[i];
		struct object_removal *r = &d->removal;
		enum status st = object_key_check(r->key, &r->why);
		if (st == OK)
			st = authorize_key(c, KEY_DELETE, c->at.bucket, r->key, &r->why);
		if (st == OK && d->version.n > 0)
			st = version_check(d->version, &r->why);
		if (st != OK)
			record_outcome(d, st);
		else if (str_equal(c->at.bucket, c->s3->options.image_bucket) && str_starts_with(r->key, IMAGE_PREFIX))
			record_outcome(d, remove_image(c, r, &r->why));
	}
	/* The others, in one commit and in their order: if a key is there twice, the first of them deletes it. */
	struct object_removal *rest = arena_array(&c->x->arena, n, sizeof(*rest));
	size_t left = 0, at = 0;
	if (rest == NULL)
		return fault_too_much(why);
	for (size_t i = 0; i < n; i++)
		if (!all[i].done)
			rest[left++] = all[i].removal;
	if (left > 0)
		TRY(catalog_remove_objects(c->s3->catalog, c->at.bucket, rest, left, why));
	for (size_t i = 0; i < n; i++)
		if (!all[i].done)
			all[i].removal = rest[at++];
	return OK;
}

enum status delete_one(struct s3_call *c, struct fault *why)
{
	assert(c->at.level == AT_OBJECT);
	struct delete_item d = { .removal = {
								 .key = c->at.key, .if_etag = str_unquote(str_trim(request_header(&c->x->request, STR("if-match")))) } };
	static const char *const headers[] = { "x-amz-if-match-last-modified-time", "x-amz-if-match-size", "x-amz-mfa" };
	for (size_t i = 0; i < COUNT_OF(headers); i++)
		if (request_header(&c->x->request, str_of(headers[i])).p != NULL)
			return fault_set(why, NOT_IMPLEMENTED, "%s is not supported here.", headers[i]);
	TRY(parameter_version(c, why));
	TRY(remove_all(c, &d, 1, why));
	if (d.removal.status != OK) {
		*why = d.removal.why;
		return d.removal.status;
	}
	c->x->answer.status = 204;
	return OK;
}

static enum status read_one(const struct xml_node *n, struct delete_item *d, struct fault *why)
{
	static const char *const children[] = { "!Key", "!VersionId", "!ETag", "!LastModifiedTime", "!Size" };
	TRY(xml_check_children(n, children, COUNT_OF(children), why));
	d->removal.key = xml_child_text(n, "Key");
	d->removal.if_etag = str_unquote(str_trim(xml_child_word(n, "ETag")));
	d->version = xml_child_word(n, "VersionId");
	if (d->removal.key.n == 0)
		return fault_set(why, XML_MALFORMED, "An Object needs a Key.");
	if (xml_child(n, "LastModifiedTime") != NULL || xml_child(n, "Size") != NULL)
		return fault_set(why, NOT_IMPLEMENTED, "Of the conditions on a delete only ETag is supported here.");
	return OK;
}

static enum status read_many(struct s3_call *c, const struct xml_node *root, struct delete_item **all, size_t *n, struct fault *why)
{
	static const char *const children[] = { "Object", "!Quiet" };
	TRY(xml_check_children(root, children, COUNT_OF(children), why));
	*all = arena_array(&c->x->arena, REMOVALS_MAX, sizeof(**all));
	*n = 0;
	if (*all == NULL)
		return fault_too_much(why);
	for (const struct xml_node *one = root->first; one != NULL; one = one->next) {
		if (!xml_is(one, "Object"))
			continue;
		if (*n == REMOVALS_MAX)
			return fault_set(why, XML_MALFORMED, "The XML you provided names more than 1000 objects.");
		TRY(read_one(one, &(*all)[(*n)++], why));
	}
	return *n > 0 ? OK : fault_set(why, XML_MALFORMED, "The XML you provided names no object.");
}

static void write_one(struct buf *b, const struct delete_item *d, bool quiet)
{
	const struct object_removal *r = &d->removal;
	bool failed = r->status != OK;
	if (!failed && quiet)
		return;
	buf_put(b, failed ? STR("<Error>") : STR("<Deleted>"));
	xml_element(b, "Key", r->key);
	if (d->version.n > 0)
		xml_element(b, "VersionId", d->version);
	if (failed) {
		xml_element(b, "Code", str_of(error_code(r->why.code)));
		xml_element(b, "Message", error_message(&r->why));
	}
	buf_put(b, failed ? STR("</Error>") : STR("</Deleted>"));
}

enum status delete_many(struct s3_call *c, struct fault *why)
{
	assert(c->at.level == AT_BUCKET);
	struct str body;
	const struct xml_node *root;
	struct delete_item *all;
	struct buf b;
	size_t n;
	TRY(document_read(c, DIGEST_NEEDED, &body, why));
	TRY(xml_read(&c->x->arena, body, "Delete", &root, why));
	struct str said = xml_child_word(root, "Quiet");
	bool quiet = str_equal(said, STR("true"));
	if (!quiet && said.p != NULL && !str_equal(said, STR("false")))
		return fault_set(why, XML_MALFORMED, "Quiet must be true or false.");
	TRY(read_many(c, root, &all, &n, why));
	TRY(remove_all(c, all, n, why));
	document_open(c, &b, "DeleteResult");
	for (size_t i = 0; i < n; i++)
		write_one(&b, &all[i], quiet);
	return document_answer(c, &b, "DeleteResult", why);
}
