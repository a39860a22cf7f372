/* Reconcile the table with a remote store after an object was written under a key.
 *
 * Such events arrive at least once, late and out of order. So an event is only a hint
 * to check: the row is compared with the object that is there now, and whatever the order
 * of the events, the last of them finds the last object. For events, and for listing the store. */
#ifndef IMAGE_RECONCILE_H
#define IMAGE_RECONCILE_H

#include "base/fault.h"
#include "image/product.h"

enum reconcile_outcome {
	RECONCILE_ACCEPTED,        /* it passed verification: the row is uploaded */
	RECONCILE_REJECTED,        /* it did not: the row says why, the object is gone */
	RECONCILE_KNOWN,           /* the row already has these bytes */
	RECONCILE_GONE,            /* there is no object any more */
	RECONCILE_ORPHAN,          /* it has no row: deleted */
	RECONCILE_REJECTED_BEFORE, /* its slot was rejected before: deleted */
	RECONCILE_OUTCOMES
};

struct written_object {
	struct str key;  /* under images/ */
	struct str etag; /* of the object that was written; "" when the event does not say */
	int64_t now_ms;  /* the time of a verdict */
};

struct reconciled {
	enum reconcile_outcome outcome;
	struct str image_id; /* "": there is none in the key */
	struct str reason;   /* of a rejection */
};

/* Texts of out live in `a` or are borrowed from the event.
 * Errors  KEY_INVALID not under images/, nothing is touched; STATE_CHANGED verify again, the row or the object changed
 *         in the meantime; the ports': nothing is half done, the call may be repeated */
enum status reconcile_object(
	struct product *p, const struct written_object *what, struct arena *a, struct reconciled *out, struct fault *why) MUST_CHECK;
/* "accepted", "rejected", ... for the log. */
const char *reconcile_outcome_name(enum reconcile_outcome outcome);

#endif
