/* HEIC and AVIF where libheif is not linked: the server gives such pictures to tintype-render-more. */
#include "render/decoding.h"

void heif_decode(struct decoding *d)
{
	decoding_note(d, RENDER_UNSUPPORTED);
}
