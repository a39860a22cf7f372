/* The parts of a migration's pass that are not images. Each makes the destination be what the source is, and counts in `r`. */
#ifndef IMAGE_MAINTENANCE_MIGRATION_OTHERS_H
#define IMAGE_MAINTENANCE_MIGRATION_OTHERS_H

#include "image/maintenance/migration.h"

/* Owners, with all but their usage. */
enum status migration_copy_users(const struct migration_options *o, struct migration_result *r, struct fault *why) MUST_CHECK;
/* API keys, with all but the hour of their last use. */
enum status migration_copy_api_keys(const struct migration_options *o, struct migration_result *r, struct fault *why) MUST_CHECK;
/* Events that wait or were given up. Of a migration that was cancelled the destination may have some that were delivered since: they end. */
enum status migration_copy_events(const struct migration_options *o, struct migration_result *r, struct fault *why) MUST_CHECK;

#endif
