/* The media type of a file, for which a slot is requested. The page and the JavaScript client determine the same one (web/media_type.js), which
 * test/blackbox/cli_upload_test.mjs compares. Pure. */
#ifndef CLI_FILE_TYPE_H
#define CLI_FILE_TYPE_H

#include "base/str.h"

#define FILE_TYPE_BYTES 256 /* enough for all brands of known HEIC and AVIF files */

/* Determine the type by the first bytes; else by the name's extension, unless that is of a type that the bytes would show; else it is
 * application/octet-stream. The result is static.
 * start  borrowed; at least the first FILE_TYPE_BYTES, or the whole file
 * name   borrowed; any bytes */
struct str file_type(struct str start, struct str name);

#endif
