/* A Lambda function, put together: settings from the environment, log on stdout, engines, product,
 * API, the Runtime API's loop. Who calls it chooses the engines. */
#ifndef APP_LAMBDA_MAIN_H
#define APP_LAMBDA_MAIN_H

#include "base/fault.h"
#include "config/settings.h"
#include "port/image_table.h"
#include "port/object_store.h"

struct lambda_ports {
	struct object_store *store;
	struct image_table *table;
};

/* Open what lasts as long as the process; connect already what the first request will need. */
typedef enum status lambda_open_fn(const struct settings *s, struct lambda_ports *out, struct fault *why);

/* Serve until there is nothing more to serve, which is always a failure: gives the exit status, not 0.
 * A failure to start is given to Lambda. */
int lambda_main(lambda_open_fn *open);

#endif
