/* The frames of an animated PNG after its first. One thread. */
#ifndef RENDER_APNG_H
#define RENDER_APNG_H

#include "render/decoding.h"

/* Inflate each frame (fdAT chunks) and compare its size with what its fcTL says; a bad one is noted as LATER_FRAME.
 * 
 * Only for a PNG that libpng has read to its end and that has an acTL chunk.
 * Source   PNG, third edition, 11.3.6 */
void apng_check(struct decoding *d);

#endif
