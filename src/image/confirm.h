/* Reconcile the table with a remote store after an object was written under a key.
 *
 * Such events arrive at least once, late and out of order. So an event is only a hint
 * to check: the row is compared with the object that is there now, and whatever the order
 * of the events, the last of them finds the last object. For events, and for listing the store. */
#ifndef IMAGE_CONFIRM_H
#define IMAGE_CONFIRM_H

#include "base/fault.h"
#include "image/product.h"

enum confirm_outcome {
	CONFIRM_ACCEPTED,      /* it passed verification: the row is uploaded */
	CONFIRM_REJECTED,      /* it did not: the row says why, the object is gone */
	CONFIRM_KNOWN,         /* the row already has these bytes */
	CONFIRM_GONE,          /* there is no object any more */
	CONFIRM_UNEXPLAINED,   /* it has no row: deleted */
	CONFIRM_UNWANTED,      /* its slot was rejected before: deleted */
	CONFIRM_OUTCOMES
};

struct news {
	struct str key;        /* under images/ */
	struct str etag;       /* of the object that was written; "" when the event does not say */
	int64_t now_ms;        /* the time of a verdict */
};

struct confirmed {
	enum confirm_outcome outcome;
	struct str image_id;   /* "": the key names none */
	struct str reason;     /* of a rejection */
};

/* Texts of out live in `a` or are borrowed from the event.
 * Errors  KEY_INVALID not under images/, nothing is touched; STATE_CHANGED verify again, the row or the object changed
 *         in the meantime; the ports': nothing is half done; repeat the call */
enum status confirm_news(struct product *p, const struct news *what, struct arena *a, struct confirmed *out, struct fault *why) MUST_CHECK;
/* "accepted", "rejected", ... for the log. */
const char *confirm_outcome_name(enum confirm_outcome outcome);

#endif
