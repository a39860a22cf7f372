/* The media type that a slot is asked for. The page and the client in JavaScript tell the same (web/media_type.js), which
 * test/blackbox/cli_upload_test.mjs compares. Pure. */
#ifndef CLI_FILE_TYPE_H
#define CLI_FILE_TYPE_H

#include "base/str.h"

#define FILE_TYPE_BYTES 256 /* for all the brands of the HEIC and AVIF files that there are */

/* By the first bytes; else by the name's extension, unless it stands for a type that the bytes would show; else application/octet-stream.
 * start  at least the first FILE_TYPE_BYTES, or all there are
 * name   any bytes */
struct str file_type(struct str start, struct str name);

#endif
