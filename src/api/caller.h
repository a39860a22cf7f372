/* Who sends a request: the Authorization header is read in one place, once.
 *
 * It is, in this order: the operator's key, where it is a setting; an API key, by its form; a token of the issuer, which has two dots; the
 * operator's key where it must be read first, which has neither form; on DELETE alone a delete token, by its form. Anything else, and one of
 * these that is not valid, is refused on every route: a failed credential never makes an anonymous caller. But behind a gateway with keys of
 * its own, what X-Api-Key repeats is the gateway's: clients with one key send it in both headers, and it says nothing about the caller.
 * A request without an Authorization may have a delete token in `X-Delete-Token`. */
#ifndef API_CALLER_H
#define API_CALLER_H

#include "base/fault.h"
#include "port/api_key_table.h"

#define SCOPES_USER (SCOPE_UPLOAD | SCOPE_READ | SCOPE_DELETE)
#define SCOPES_ALL (SCOPES_USER | SCOPE_ACT_AS | SCOPE_ADMIN)

enum caller_kind {
	CALLER_ANONYMOUS,
	CALLER_USER,  /* has a token of the issuer */
	CALLER_KEY,   /* has an API key */
	CALLER_ADMIN, /* has the operator's key, or is signed in to the console */
};

struct caller {
	enum caller_kind kind;
	unsigned scopes;                   /* a set of enum api_scope; of an anonymous caller none, which its routes do not ask for */
	bool sees_all;                     /* the images of every owner; else only those of `owner` */
	struct str owner, issuer, subject; /* the owner of its new images; "": none */
	struct str name;                   /* for people; "" where it is not known */
	struct str key_id;                 /* of an API key; of the administrator what the console calls itself, else "" */
	struct str delete_token;           /* on DELETE, of an anonymous caller; "": none */
};

struct api_call;

/* Read who the caller of c is.
 * may_wait  false: never blocks
 * Errors    TOKEN_INVALID; TOO_MANY_TRIES, see http/bearer.h; IDENTITY_REFRESHING only where may_wait is false: ask again on a worker;
 *           IDENTITY_UNREACHABLE; STORAGE_FAILED */
enum status caller_read(struct api_call *c, bool may_wait, struct fault *why) MUST_CHECK;
/* Say in the request's line of the log who the caller is now. */
void caller_note(const struct api_call *c);
/* For the log: "anybody", "deleteToken", "key", "user" or "console". */
const char *caller_kind_name(const struct caller *caller);

#endif
