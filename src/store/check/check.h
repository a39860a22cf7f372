/* storage_check on the embedded store, for the files of this folder. Items:
 *
 *   database               the whole file, by SQLite's quick_check                 check.c
 *   counts                 the numbers of images that are kept with each commit
 *   object/BUCKET/KEY      an object outside images/                               bodies.c
 *   part/UPLOAD/NUMBER     a part of a multipart upload
 *   objects/DIR            the files of one directory of objects/                  files.c
 *   incoming               those of incoming/
 *   thumbs, thumbs/XX      those of a directory of thumbnails
 *
 * The checks only read, so that everything but repairs works on an engine that was opened while a server uses the data directory. */
#ifndef STORE_CHECK_CHECK_H
#define STORE_CHECK_CHECK_H

#include "store/engine.h"

/* What an examination works with. */
struct check {
	struct engine *engine;
	bool repair;
	struct arena *arena;
	struct finding_sink *sink;
};

/* Report a finding.  detail: "" or a text */
void check_report(const struct check *c, enum finding_kind kind, struct str subject, struct str detail, bool repaired);

/* A page of items: names are added until the arena or the limit is full. */
#define CHECK_PAGE 500
struct check_page {
	struct str names[CHECK_PAGE];
	size_t n;
};

/* Names of one kind after a place, which is "" at the start.
 * after   out: where to go on; "": there are no more */
enum status check_list_objects(struct engine *e, struct str *after, struct arena *a, struct check_page *page, struct fault *why) MUST_CHECK;
enum status check_list_parts(struct engine *e, struct str *after, struct arena *a, struct check_page *page, struct fault *why) MUST_CHECK;
enum status check_list_dirs(struct engine *e, struct str *after, struct arena *a, struct check_page *page, struct fault *why) MUST_CHECK;
enum status check_list_thumbs(struct engine *e, struct str *after, struct arena *a, struct check_page *page, struct fault *why) MUST_CHECK;

/* Each takes what follows the item's first word and the slash. */
enum status check_object(const struct check *c, struct str name, struct fault *why) MUST_CHECK;
enum status check_part(const struct check *c, struct str name, struct fault *why) MUST_CHECK;
enum status check_objects_dir(const struct check *c, struct str name, struct fault *why) MUST_CHECK;
enum status check_incoming(const struct check *c, struct str name, struct fault *why) MUST_CHECK;
enum status check_thumbs(const struct check *c, struct str name, struct fault *why) MUST_CHECK;
/* check_inspect of the port. */
enum status check_image_object(struct storage_check *port, struct str key, struct str sha256, struct arena *a, struct finding_sink *sink,
	struct object_state *out, struct fault *why) MUST_CHECK;

#endif
