/* Files for browsers that the program carries in itself: what is in web/, made into C by
 * tools/embed-files when the program is built. Each set is one list; a handler finds a file by its path and
 * has it answered. What is said next to (a Content-Security-Policy, for one) is the handler's.
 *
 * Everything is constant: nothing is allocated, any thread may use it. */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "http/message.h"

struct web_file {
	struct str path; /* as in a request's target: "/style.css"; an index.html is its folder, "/" */
	struct str media_type;
	struct str etag;      /* of `plain`, in quotes */
	struct str gzip_etag; /* of `gzip`: another representation has another ETag (RFC 9110 8.8.3) */
	struct str plain;
	struct str gzip; /* "": it would not be shorter */
};

struct web_files {
	const struct web_file *files;
	size_t n;
};

/* The page on the API's port: web/, without web/console/. */
extern const struct web_files web_page;
/* The console, on the admin listener: web/console/. */
extern const struct web_files web_console;

/* The file at exactly this path; NULL when there is none. */
const struct web_file *web_find(const struct web_files *set, struct str path);

/* Answer GET or HEAD: 200 with the file, in gzip where the client takes that and it is shorter, or 304
 * where it has it already. Sets status, body, Content-Type, Content-Encoding, ETag, Vary, Cache-Control
 * and X-Content-Type-Options; appends to headers that are there. A cache may keep the file but has to ask
 * each time whether it is still the one: paths bear no version. The body is the program's own.
 * Source: RFC 9110 12.5.3 Accept-Encoding, 13.1.2 If-None-Match */
void web_answer(const struct web_file *f, const struct request *r, struct answer *ans);

/* Whether an Accept-Encoding names gzip, or everything, with a weight that is not 0. "": no. */
bool web_takes_gzip(struct str accept_encoding);

#endif
