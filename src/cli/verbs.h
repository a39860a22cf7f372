/* The verbs: verb_upload and so on, since other folders have an upload too. Each runs with its options parsed
 * and gives the exit status. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/options.h"

int verb_upload(const struct options *o);
int verb_list(const struct options *o);
int verb_get(const struct options *o);
int verb_rm(const struct options *o);
int verb_logs(const struct options *o);

#endif
