/* CORS configurations of buckets: read from XML, written as XML, and evaluated. Pure; any thread.
 * Source: Amazon S3 API, PutBucketCors, CORSRule; WHATWG Fetch, 3.2. */
#ifndef S3_WIRE_CORS_RULES_H
#define S3_WIRE_CORS_RULES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"

#define CORS_RULES_MAX 100
#define CORS_ITEMS_MAX 100 /* of each list of a rule */

struct cors_list {
	struct str *items;
	size_t n;
};

struct cors_rule {
	struct str id;            /* "": none */
	struct cors_list origins; /* with at most one '*' each */
	struct cors_list methods;
	struct cors_list headers; /* that a request may carry; with at most one '*' each */
	struct cors_list exposed;
	bool has_max_age;
	uint32_t max_age_s;
};

struct cors_rules {
	struct cors_rule *rules;
	size_t n; /* 1..CORS_RULES_MAX */
};

/* Read and check a CORSConfiguration.
 * Errors  XML_MALFORMED; REQUEST_INVALID a method, wildcard or number that S3 refuses; TOO_MUCH */
enum status cors_rules_read(struct arena *a, struct str xml, struct cors_rules *out, struct fault *why) MUST_CHECK;
/* Append the whole document. */
void cors_rules_write(struct buf *b, const struct cors_rules *rules);
/* The first rule that allows the method and every header of a list with commas to the origin; NULL: none does.
 * headers  Access-Control-Request-Headers; {NULL, 0}: none */
const struct cors_rule *cors_rules_match(const struct cors_rules *rules, struct str origin, struct str method, struct str headers);
/* Whether the pattern that the origin matches is '*', so that the response is the same for all. */
bool cors_rule_is_open(const struct cors_rule *rule, struct str origin);

#endif
