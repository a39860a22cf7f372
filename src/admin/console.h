/* The console for the operator, as a handler for the admin listener. A page, open to anyone who can reach
 * the listener, since it contains no data; and data as JSON, which requires the token. It reads, but for webhooks.
 *
 *   GET /                         the page, and what it loads
 *   GET /console/images           rows of the table, by status, filtered, paged
 *   GET /console/images/{id}      one row
 *   GET /console/logs             lines of the log, filtered; followed with `after`
 *   GET /console/webhooks         events that webhooks are sent of, by state, paged, and whether they are sent
 *   POST /console/webhooks/resend  send some of them again
 *   POST /console/webhooks/enable  send again to a receiver that was disabled
 *   GET /console/settings         the settings in force; of secrets, whether they are set
 *
 * Parameters that are not known, not of their form, or repeated are refused. See doc/console.md. */
#ifndef ADMIN_CONSOLE_H
#define ADMIN_CONSOLE_H

#include "admin/admin_auth.h"
#include "config/settings.h"
#include "http/handler.h"
#include "port/image_table.h"
#include "port/admin_query.h"
#include "port/outbox.h"
#include "port/thumb_store.h"
#include "port/transfer.h"

/* All borrowed. */
struct console_options {
	struct admin_auth auth;
	struct image_table *table;
	struct admin_query *admin_query;
	struct thumb_store *thumbs; /* NULL: there are no thumbnails */
	struct outbox *outbox;      /* of webhooks */
	struct transfer *transfer;  /* whose state says whether changes are refused; NULL: they are not */
	const struct settings *settings;
};

struct console;
/* NULL when memory fails. */
struct console *console_new(const struct console_options *o);
/* Accept NULL inside. */
void console_free(struct console **c);
struct handler *console_handler(struct console *c);

#endif
