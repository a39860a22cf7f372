/* How `tintype fsck --repair` has the server that uses the data directory repair what was found: DIR/fsck names the items, as a JSON
 * array; the server examines each again, repairs what is still wrong, logs it, and removes the file. It stays where the server is
 * killed, and the next one goes on with it. Any thread; blocks on the disk. */
#ifndef APP_FSCK_REQUEST_H
#define APP_FSCK_REQUEST_H

#include "image/maintenance/fsck.h"

#define FSCK_REQUEST_MAX 1000 /* items of one request */

/* Errors  STORAGE_FAILED; DISK_FULL; with a sentence for the terminal */
enum status fsck_request_write(const char *dir, const struct str *items, size_t n, struct fault *why) MUST_CHECK;
bool fsck_request_is_there(const char *dir);
void fsck_request_remove(const char *dir);
/* The server's part: nothing where nothing is asked for.
 * o  product, check and stop */
void fsck_request_answer(const char *dir, const struct fsck_options *o);

#endif
