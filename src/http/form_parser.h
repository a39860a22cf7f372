/* A multipart/form-data body as a stream of events, for bodies that come in pieces of any size.
 * Pure: no allocation, no clock; bounded memory (this struct) and bounded work per byte.
 * Source: RFC 2046 5.1.1; RFC 7578. */
#ifndef HTTP_FORM_PARSER_H
#define HTTP_FORM_PARSER_H

#include "base/str.h"

#define MULTIPART_BOUNDARY_MAX 70 /* RFC 2046 5.1.1 */
#define MULTIPART_HEAD_MAX 4096   /* all headers of one part */
#define MULTIPART_PREAMBLE_MAX 1024

enum form_event {
	MULTIPART_MORE, /* all input is used: give more, or the body is cut when there is none */
	MULTIPART_PART, /* a part begins: name, filename, content_type are set */
	MULTIPART_DATA, /* bytes of the part */
	MULTIPART_PART_END,
	MULTIPART_END, /* the last boundary was found; what follows is ignored */
	MULTIPART_BAD, /* not a form: `why` says what is wrong; permanent */
};

enum multipart_state { IN_PREAMBLE, IN_PART, AFTER_BOUNDARY, IN_HEAD, IN_EPILOGUE, IS_BAD };
enum multipart_tail { TAIL_NONE, TAIL_DASH, TAIL_CR };

struct form_parser {
	/* of the part that began last; borrowed until the next part */
	struct str name;
	bool has_filename;
	struct str filename;
	struct str content_type;
	const char *why;

	/* the parser's own */
	enum multipart_state state;
	enum multipart_tail tail;
	size_t skipped; /* bytes of preamble, or of blanks after a boundary */
	size_t matched; /* bytes of the delimiter that were seen so far */
	size_t delimiter_n;
	char delimiter[4 + MULTIPART_BOUNDARY_MAX]; /* CR LF - - boundary */
	size_t head_n;
	char head[MULTIPART_HEAD_MAX];
};

/* The boundary of a Content-Type "multipart/form-data; boundary=...", borrowed from it.
 * false: another type, or a boundary that is missing, repeated or not of RFC 2046's form. */
bool form_boundary(struct str content_type, struct str *boundary) MUST_CHECK;
/* boundary   as form_boundary gives it; copied */
void form_parser_init(struct form_parser *m, struct str boundary);
/* The next event of *in, which is advanced past what was used. data: set on MULTIPART_DATA, borrowed from
 * *in or from m until the next call. */
enum form_event form_parser_next(struct form_parser *m, struct str *in, struct str *data);

/* The name of the part's file, without the path that old browsers send; borrowed as filename is. */
struct str form_file_name(const struct form_parser *m);

#endif
