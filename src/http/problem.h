/* Faults as the JSON API, the console and the admin listener report them: problem details for HTTP APIs.
 * Source: RFC 9457; RFC 9110 15 for the statuses. */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "base/fault.h"
#include "http/handler.h"

/* Put status, headers and body of the problem into the answer, which keeps its route and image id
 * and resets everything else. The cause goes into answer.fault for the log, never into the body; neither
 * does the text of an internal fault (5xx of IO and UPSTREAM), for which the table has a sentence.
 * Works in a full arena: the body is then a constant. */
void problem_answer(struct request_context *x, const struct fault *why);

#endif
