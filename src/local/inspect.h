/* Looking over the table of images. */
#ifndef LOCAL_INSPECT_H
#define LOCAL_INSPECT_H

#include "port/inspection.h"

extern const struct inspection_ops inspect_ops;

#endif
