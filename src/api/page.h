/* The web page: GET / and its files, next to the routes below
 * /prod. It consists of static files and uses the routes like any other client. With them is /openapi.yaml. */
#ifndef API_PAGE_H
#define API_PAGE_H

#include "base/fault.h"
#include "api/call.h"

/* If the path is a file's, set c->file. Any other path is left to the routes.
 * Errors  BAD_METHOD the file is there, the method is neither GET nor HEAD */
enum status page_admit(struct api_call *c, struct fault *why) MUST_CHECK;
/* Answer with c->file and the headers that a browser needs. */
void page_answer(struct api_call *c);

#endif
