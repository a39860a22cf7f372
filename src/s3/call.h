/* One request to the S3 door, from begin to finish or cancel, and the table of operations. Internal
 * to src/s3. A call lives in its exchange's arena and belongs to one thread at a time, as that does. */
#ifndef S3_CALL_H
#define S3_CALL_H

#include "s3/address.h"
#include "s3/s3.h"
#include "sigv4/verify.h"
#include <stdatomic.h>

struct s3 {
	struct door door;
	struct product *product;
	struct bucket_store *buckets;
	struct bucket_catalog *catalog;
	struct part_store *parts;
	struct key_ring *keys;
	struct s3_options options;
	_Atomic uint64_t explained;   /* wrong signatures: the second above, how many were explained in it below */
};

/* An element that one kind of error has beside Code and Message. */
struct error_detail {
	const char *element;
	struct str value;
};
#define ERROR_DETAILS_MAX 8

struct call;
struct upload;
struct form;

/* One operation of the protocol. begin does what needs no body and says what comes next: with
 * DOOR_ANSWER the answer is filled in. The others may be NULL where no body is read. */
struct operation {
	const char *method;
	enum address_level level;
	const char *sub;         /* the sub-resource in the query that it is of; "": none */
	const char *route;       /* for the log and the metrics */
	bool for_slots;          /* KEY_SLOTS may do it under images/ */
	enum status (*begin)(struct call *c, enum door_step *step, struct fault *why);
	enum status (*data)(struct call *c, struct str piece, struct fault *why);
	enum status (*finish)(struct call *c, struct fault *why);
};

struct call {
	struct s3 *s3;
	struct exchange *x;
	const struct operation *operation;
	struct address at;
	struct sigv4_claim claim;
	const struct access_key *key;     /* NULL until it is found */
	struct upload *upload;            /* put and form, else NULL */
	struct form *form;                /* form, else NULL */
	struct error_detail details[ERROR_DETAILS_MAX];
	size_t n_details;
};

/* Add an element to the error that this call is about to end with. More than ERROR_DETAILS_MAX are left out. */
void call_detail(struct call *c, const char *element, struct str value);
/* Whether the address is an image of the product: its bucket, under images/. */
bool call_is_image(const struct call *c);

enum status get_begin(struct call *c, enum door_step *step, struct fault *why) MUST_CHECK;
enum status put_begin(struct call *c, enum door_step *step, struct fault *why) MUST_CHECK;
enum status put_data(struct call *c, struct str piece, struct fault *why) MUST_CHECK;
enum status put_finish(struct call *c, struct fault *why) MUST_CHECK;
enum status form_begin(struct call *c, enum door_step *step, struct fault *why) MUST_CHECK;
enum status form_data(struct call *c, struct str piece, struct fault *why) MUST_CHECK;
enum status form_finish(struct call *c, struct fault *why) MUST_CHECK;

#endif
