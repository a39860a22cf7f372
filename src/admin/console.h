/* The console for the operator, as a handler for the admin listener. A page, open to anyone who can reach
 * the listener, since it contains no data; data as JSON, and changes, which require the token.
 *
 *   GET /                         the page, and what it loads
 *   GET /console/images           rows of the table, by status, filtered, paged
 *   GET /console/images/{id}      one row
 *   POST /console/images/{id}/verify  verify it again
 *   GET /console/buckets          the buckets of all users
 *   GET /console/buckets/{name}   how many objects it has, and their size
 *   DELETE /console/buckets/{name}  of an empty one
 *   GET /console/s3-users         the users of the object store, without their secrets
 *   GET /console/history          what the server did in the last hour, day or week
 *   GET /console/logs             lines of the log, filtered; followed with `after`
 *   GET /console/webhooks         events that webhooks are sent of, by state, paged, and whether they are sent
 *   POST /console/webhooks/resend  send some of them again
 *   POST /console/webhooks/enable  send again to a receiver that was disabled
 *   GET /console/settings         the settings in force; of secrets, whether they are set
 *   /prod/...                     calls of the API, as its administrator: deleting images, users, API keys
 *   GET /i/...                    pictures, by delivery links, which are signed and require no token
 *
 * The last two are passed on to the handlers of the API and of delivery, so that each rule is theirs alone.
 *
 * Parameters that are not known, not of their form, or repeated are refused. See doc/console.md. */
#ifndef ADMIN_CONSOLE_H
#define ADMIN_CONSOLE_H

#include "admin/admin_auth.h"
#include "config/settings.h"
#include "http/handler.h"
#include "image/product.h"
#include "port/admin_query.h"
#include "port/bucket_catalog.h"
#include "port/bucket_store.h"
#include "port/history.h"
#include "port/outbox.h"
#include "port/transfer.h"

/* A user of the object store; texts in the arena of the call. */
struct console_s3_user {
	struct str name, key_id;
	struct str owner; /* whose buckets */
	struct str may;   /* for people */
};
struct console_s3_users {
	struct console_s3_user *users;
	size_t n;
};

/* All borrowed. */
struct console_options {
	struct admin_auth auth;
	struct product *product;
	struct admin_query *admin_query;
	struct outbox *outbox;     /* of webhooks */
	struct transfer *transfer; /* whose state says whether changes are refused; NULL: they are not */
	const struct settings *settings;
	struct handler *api, *delivery;
	struct history *history;
	void (*running)(void *arg, struct history_point *out); /* gives the current point, which is not in the history yet; .ms 0: none */
	void *running_arg;
	/* With the embedded store; NULL: buckets, users and keys are those of S3 */
	struct bucket_store *buckets;
	struct bucket_catalog *catalog;
	enum status (*s3_users)(void *arg, struct arena *, struct console_s3_users *out, struct fault *);
	void *s3_users_arg;
};

struct console;
/* NULL when memory fails. */
struct console *console_new(const struct console_options *o);
/* Accept NULL inside. */
void console_free(struct console **c);
struct handler *console_handler(struct console *c);

#endif
