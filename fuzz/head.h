/* Bytes as a request's head, for targets that read what requests say of themselves: method and target in the
 * first line, headers below. Pure; what is read points into the text. */
#ifndef FUZZ_HEAD_H
#define FUZZ_HEAD_H

#include "http/message.h"

#define HEADERS_MAX 64

/* false: the target's query cannot be read. r->arena is given. */
static inline bool read_head(struct str text, struct header headers[HEADERS_MAX], struct request *r)
{
	struct str rest = str_cut(&text, '\n');
	r->method = str_cut(&rest, ' ');
	r->target = rest;
	r->path = str_cut(&rest, '?');
	r->headers = headers;
	while (text.p != NULL && r->n_headers < HEADERS_MAX) {
		struct str line = str_cut(&text, '\n');
		headers[r->n_headers].name = str_cut(&line, ':');
		headers[r->n_headers++].value = line;
	}
	return query_parse(r->arena, rest, &r->query, NULL) == OK;
}

#endif
