/* How commands on the same machine find the admin listener of the server that uses a data directory: DIR/admin.json, readable by
 * the directory's owner alone, with the listener's address and the token of this start. A server that was killed leaves it behind;
 * its token is then good for nothing. Any thread; blocks on the disk. */
#ifndef CONFIG_ADMIN_FILE_H
#define CONFIG_ADMIN_FILE_H

#include "base/fault.h"

struct admin_file {
	char url[256], token[128];
};

/* Replace it.  Errors: STORAGE_FAILED */
enum status admin_file_write(const char *dir, const struct admin_file *f, struct fault *why) MUST_CHECK;
/* Errors: STORAGE_FAILED there is none, or none that can be read; with a sentence for the terminal */
enum status admin_file_read(const char *dir, struct admin_file *out, struct fault *why) MUST_CHECK;
/* Nothing happens if it is not there. */
void admin_file_remove(const char *dir);

#endif
