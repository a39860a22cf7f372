/* What a client's file name may be; a valid one is returned intact. Pure. */
#ifndef IMAGE_FILE_NAME_H
#define IMAGE_FILE_NAME_H

#include "base/fault.h"
#include "base/str.h"

/* Errors  BAD_FIELD missing, empty, only blanks, too long, ill-formed UTF-8, or with U+0000 */
enum status file_name_check(struct str name, struct fault *why) MUST_CHECK;

#endif
