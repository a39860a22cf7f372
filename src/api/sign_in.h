/* What GET /limits and the page's policy say of signing users in. */
#ifndef API_SIGN_IN_H
#define API_SIGN_IN_H

#include "api/call.h"

/* Append the member signIn, if the page can sign users in. */
void sign_in_write(struct buf *b, struct api_call *c);
/* The origins that the page calls for it, with a blank before each; in the arena. */
struct str sign_in_sources(struct api_call *c);

#endif
