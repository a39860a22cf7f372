/* What of a JPEG's header libjpeg is not asked for: orientation and color profile. (Its own saving of markers takes time
 * with the square of their number.) One thread. */
#ifndef RENDER_JPEG_MARKERS_H
#define RENDER_JPEG_MARKERS_H

#include "render/decoding.h"

/* Read the markers before the first scan; malformed ones are ignored.
 * Source   ITU T.81 B.1; EXIF 2.3, 4.7.2; ICC.1:2010 B.4 */
void jpeg_read_markers(struct decoding *d);

#endif
