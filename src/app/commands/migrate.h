/* `tintype migrate`: all images of one deployment to another, between the embedded store and S3 with DynamoDB or PostgreSQL. */
#ifndef APP_COMMANDS_MIGRATE_H
#define APP_COMMANDS_MIGRATE_H

#include "config/flags.h"

#include <stddef.h>

int migrate_main(int argc, char **argv);
/* Its flags, for the tables of commands. */
const struct flag_name *migrate_flag(size_t i);
#define MIGRATE_ABOUT \
	"It copies while the source serves; then the source refuses new slots and changes (503) until the last upload URL has expired, and what " \
	"is left is copied and compared. Reads go on. After an interruption run it again: it goes on. The whole procedure is in doc/migrate.md."

#endif
