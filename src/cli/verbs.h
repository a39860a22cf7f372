/* The verbs. Each runs with its options parsed and gives the exit status. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/options.h"

int upload_run(const struct options *o);
int list_run(const struct options *o);
int get_run(const struct options *o);
int rm_run(const struct options *o);
int logs_run(const struct options *o);

#endif
