/* What a remote store tells about its objects, made true in the table: somebody wrote under this key.
 *
 * Such news come at least once, late and out of order. So they are taken as a hint to look, never as
 * the truth: the row is compared with the object that is there now, and whatever the order of the
 * news, the last of them finds the last object. For events, and for whoever lists the store. */
#ifndef IMAGE_CONFIRM_H
#define IMAGE_CONFIRM_H

#include "base/fault.h"
#include "image/product.h"

enum confirm_outcome {
	CONFIRM_ACCEPTED,      /* it passed the look: the row is uploaded */
	CONFIRM_REJECTED,      /* it did not: the row says why, the object is gone */
	CONFIRM_KNOWN,         /* the row tells of these very bytes already */
	CONFIRM_GONE,          /* there is no object any more */
	CONFIRM_UNEXPLAINED,   /* no row explains it: deleted */
	CONFIRM_UNWANTED,      /* its slot was rejected before: deleted */
	CONFIRM_OUTCOMES
};

struct news {
	struct str key;        /* under images/ */
	struct str etag;       /* of the object that was written; "" when the news do not say */
	int64_t now_ms;        /* the time of a verdict */
};

struct confirmed {
	enum confirm_outcome outcome;
	struct str image_id;   /* "": the key names none */
	struct str reason;     /* of a rejection */
};

/* Texts of out live in `a` or are borrowed from the news.
 * Errors  KEY_INVALID not under images/, nothing is touched; STATE_CHANGED another look is needed, the row or the object changed
 *         meanwhile; the ports': nothing is half done, tell the same news again */
enum status confirm_news(struct product *p, const struct news *what, struct arena *a, struct confirmed *out, struct fault *why) MUST_CHECK;
/* "accepted", "rejected", ... for the log. */
const char *confirm_outcome_name(enum confirm_outcome outcome);

#endif
