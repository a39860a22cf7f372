/* The console of a server: its token, and what it gets of the server's parts. */
#ifndef APP_OPERATOR_CONSOLE_H
#define APP_OPERATOR_CONSOLE_H

#include "admin/console.h"
#include "app/backends.h"
#include "app/history_thread.h"

struct operator_console {
	struct console *console;
	struct admin_query_of_list listed;
	const char *token;    /* the setting's, or that of this start */
	char own[2 * 16 + 1]; /* of this start */
};

/* What the console calls; borrowed. */
struct operator_console_parts {
	const struct settings *settings;
	struct product *product;
	const struct backends *backends;
	struct handler *api, *delivery;
	struct history *history;
	struct history_thread *history_thread;
	struct rate_limit *wrong_secrets;
};

/* Anyone with the token has access.  Errors: OUT_OF_MEMORY */
enum status operator_console_make(struct operator_console *o, const struct operator_console_parts *parts, struct fault *why) MUST_CHECK;
/* Append how to sign in, for people. A token that was made is in it, before a terminal as a link that signs in; one that was set never is.
 * url  of the admin listener */
void operator_console_describe(const struct operator_console *o, const char *url, bool is_terminal, struct buf *out);
/* Wipes the token. Safe on a zeroed one. */
void operator_console_end(struct operator_console *o);

#endif
