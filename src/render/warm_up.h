/* Make the libraries initialize themselves before the filter forbids it. One thread. */
#ifndef RENDER_WARM_UP_H
#define RENDER_WARM_UP_H

#include "render/picture/encode.h"

/* glibc's qsort asks for the size of memory at its first large sort (libwebp's encoder sorts); libjpeg-turbo reads
 * /proc/cpuinfo at its first use on arm64. window: written to, and left empty. */
void warm_up(struct window *window);

#endif
