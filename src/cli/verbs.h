/* The verbs: verb_upload and so on, since other folders have an upload too. Each runs with its options parsed, and `r` open
 * where it takes --endpoint. What fails is a fault with a text, or a status alone where the verb has reported it itself.
 * Errors  BAD_SETTING flags that exclude each other */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/api_client.h"
#include "cli/options.h"

enum status verb_upload(const struct options *o, struct remote *r, struct fault *why) MUST_CHECK;
enum status verb_list(const struct options *o, struct remote *r, struct fault *why) MUST_CHECK;
enum status verb_get(const struct options *o, struct remote *r, struct fault *why) MUST_CHECK;
enum status verb_rm(const struct options *o, struct remote *r, struct fault *why) MUST_CHECK;
enum status verb_apikeys(const struct options *o, struct remote *r, struct fault *why) MUST_CHECK;
enum status verb_webhooks(const struct options *o, struct remote *r, struct fault *why) MUST_CHECK;
enum status verb_logs(const struct options *o, struct remote *r, struct fault *why) MUST_CHECK;

#endif
