/* The page for people with a browser: GET / and the files it is made of, which lie next to the routes below
 * /prod. It is only files; what it shows and does it gets from the routes, like any other client. */
#ifndef API_PAGE_H
#define API_PAGE_H

#include "base/fault.h"
#include "api/call.h"

/* Take the call if its path is a file's: sets c->file. Any other path is left to the routes.
 * Errors  BAD_METHOD the file is there, the method is neither GET nor HEAD */
enum status page_admit(struct api_call *c, struct fault *why) MUST_CHECK;
/* Answer with c->file and the headers that a browser needs. */
void page_answer(struct api_call *c);

#endif
