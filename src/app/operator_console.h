/* The console of a server: its token, and what it gets of the server's parts. */
#ifndef APP_OPERATOR_CONSOLE_H
#define APP_OPERATOR_CONSOLE_H

#include "admin/console.h"
#include "app/backends.h"

struct operator_console {
	struct console *console;
	struct admin_query_of_list listed;
	char token[2 * 16 + 1];
};

/* What the console calls; borrowed. */
struct operator_console_parts {
	const struct settings *settings;
	struct product *product;
	const struct backends *backends;
	struct handler *api, *delivery;
	struct rate_limit *wrong_secrets;
};

/* Anyone with the token has access.  Errors: OUT_OF_MEMORY */
enum status operator_console_make(struct operator_console *o, const struct operator_console_parts *parts, struct fault *why) MUST_CHECK;
/* Wipes the token. Safe on a zeroed one. */
void operator_console_end(struct operator_console *o);

#endif
