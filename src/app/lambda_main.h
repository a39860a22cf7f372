/* The main program of a Lambda function: settings from the environment, log on stdout, engines, product,
 * API, the Runtime API's loop. The caller chooses the backends. */
#ifndef APP_LAMBDA_MAIN_H
#define APP_LAMBDA_MAIN_H

#include "base/fault.h"
#include "config/settings.h"
#include "lambda/lambda.h"
#include "port/api_key_table.h"
#include "port/cdn.h"
#include "port/event_bus.h"
#include "port/image_table.h"
#include "port/object_store.h"
#include "port/outbox.h"
#include "port/thumb_queue.h"
#include "port/user_table.h"

struct lambda_ports {
	struct object_store *store;
	struct image_table *table;
	struct user_table *users;
	struct thumb_queue *thumb_queue; /* NULL: TINTYPE_THUMBNAIL_QUEUE is not set */
	struct api_key_table *api_keys;
	struct outbox *outbox;
	struct event_bus *event_bus; /* NULL: no events are written */
	struct cdn *cdn;             /* NULL: none */
	struct str authorities;      /* the certificates of Amazon's own endpoints, in PEM */
	/* See aws/parameter.h; NULL: there is no parameter store */
	enum status (*read_parameter)(void *arg, struct str name, struct arena *, struct str *out, struct fault *);
	void *read_parameter_arg;
};

/* Open what lasts as long as the process; connect in advance what the first request needs. */
typedef enum status lambda_open_fn(const struct settings *s, const struct lambda_work *work, struct lambda_ports *out, struct fault *why);

/* Serve until the Runtime API fails: returns the exit status, which is not 0.
 * A failure to start is reported to Lambda. */
int lambda_main(lambda_open_fn *open);

#endif
