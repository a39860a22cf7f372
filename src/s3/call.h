/* One request to the S3 handler, from on_head to run or on_abort, and the table of operations. Internal
 * to src/s3. A call lives in its request's arena and belongs to one thread at a time, as that does. */
#ifndef S3_CALL_H
#define S3_CALL_H

#include "s3/wire/address.h"
#include "base/buf.h"
#include "base/fault.h"
#include "s3/long_jobs.h"
#include "s3/s3.h"
#include "sigv4/verify.h"
#include <stdatomic.h>

struct s3 {
	struct handler handler;
	struct product *product;
	struct bucket_store *buckets;
	struct bucket_catalog *catalog;
	struct part_store *parts;
	struct key_ring *keys;
	struct s3_options options;
	struct long_jobs *long_jobs;
	_Atomic size_t held_bytes;  /* see DOCUMENTS_HELD_MAX */
	_Atomic uint64_t explained; /* wrong signatures: the second in the upper bits, how many were explained in it in the lower */
};

/* An element that one kind of error has next to Code and Message. */
struct error_detail {
	const char *element;
	struct str value;
};
#define ERROR_DETAILS_MAX 8

struct s3_call;
struct s3_upload;
struct form;

/* A feature of S3 that is not supported, and the response to it. */
struct unsupported_feature {
	const char *sub; /* as in the query */
	enum address_level level;
	const char *code;   /* the error of GET, with 404; NULL: see root */
	const char *root;   /* GET returns this empty document; NULL: NotImplemented */
	const char *inside; /* of that document; NULL: nothing */
};

/* One operation of the protocol. begin does what needs no body and sets the next step: with
 * HANDLER_ANSWER the response is complete. The others may be NULL where no body is read. */
struct operation {
	const char *method;
	enum address_level level;
	const char *sub;   /* the sub-resource in the query; "": none */
	const char *route; /* for the log and the metrics */
	unsigned actions;  /* of enum key_action, which the key needs; 0: the operation itself checks */
	bool for_slots;    /* KEY_SLOTS may do it under images/ */
	enum status (*begin)(struct s3_call *c, enum handler_step *step, struct fault *why);
	enum status (*data)(struct s3_call *c, struct str piece, struct fault *why);
	enum status (*finish)(struct s3_call *c, struct fault *why);
	void (*start)(struct s3_call *c); /* in place of finish, after HANDLER_RUN_ASYNC; ends with call_complete */
	bool is_long;                     /* finish runs among the long jobs, not on a worker */
	bool has_prefix;                  /* a list of keys: authorized by its prefix */
};

struct s3_call {
	struct s3 *s3;
	struct request_context *x;
	const struct operation *operation;
	struct address at;
	bool is_image;                            /* the address is an image of the product: its bucket, under images/ */
	bool is_reserved;                         /* ... or another key that only the product writes */
	struct str image_id;                      /* in an image's key; "": there is none */
	const struct unsupported_feature *absent; /* the unsupported feature that the query names; NULL: none */
	struct parsed_signature auth;
	const struct access_key *key; /* NULL until it is found */
	struct s3_upload *upload;     /* put and form, else NULL */
	struct form *form;            /* form, else NULL */
	struct bucket_info bucket;    /* once it is permitted, but of the image bucket without its CORS; no name: none */
	struct buf document;          /* the XML body, as far as it has been received */
	const char *s3_code;          /* of the error, where the fault is NOT_CONFIGURED; NULL: none */
	struct error_detail details[ERROR_DETAILS_MAX];
	size_t n_details;
	bool missing_named;  /* call_detail_missing was called */
	struct long_job job; /* of an operation that is long */
};

/* Add an element to the error that this call is about to return. More than ERROR_DETAILS_MAX are left out. */
void call_detail(struct s3_call *c, const char *element, struct str value);
/* Add the element that names what an error says is missing, or is there already: its bucket, key or upload. Only the first
 * call counts. */
void call_detail_missing(struct s3_call *c, struct str bucket, struct str key, const struct fault *why);
/* Set the key of the address, which must have its bucket, and all that follows from it. */
void call_set_key(struct s3_call *c, struct str key);
/* The absolute URL of the object: below the host that the client has addressed, because this handler knows no other name of
 * the server; a path where the client names none (HTTP/1.0). Lives in the call's arena; empty: that is full.
 * Source    Amazon S3 API, POST Object, CompleteMultipartUpload: Location */
struct str call_object_url(struct s3_call *c);
/* Refuse to write where only the product writes: under images/ and thumbs/ of the image bucket.
 * by_slot   the request is signed as the URL or form of a slot: an image may be written
 * Errors    ACCESS_DENIED */
enum status call_refuse_reserved(const struct s3_call *c, bool by_slot, struct fault *why) MUST_CHECK;

/* End what `start` began: complete the response or make it an error, and notify the listener. The call must
 * not be used any more. Any thread. */
void call_complete(struct s3_call *c, enum status st, const struct fault *why);

/* The operations, by the file that has them. */
enum status get_begin(struct s3_call *c, enum handler_step *step, struct fault *why) MUST_CHECK;
/* Check that the object exists, for operations on its sub-resources.  Errors: as of bucket_open */
enum status get_need_object(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status put_begin(struct s3_call *c, enum handler_step *step, struct fault *why) MUST_CHECK;
enum status put_data(struct s3_call *c, struct str piece, struct fault *why) MUST_CHECK;
enum status put_finish(struct s3_call *c, struct fault *why) MUST_CHECK;
void put_start(struct s3_call *c);
enum status part_put_begin(struct s3_call *c, enum handler_step *step, struct fault *why) MUST_CHECK;
enum status form_begin(struct s3_call *c, enum handler_step *step, struct fault *why) MUST_CHECK;
enum status form_data(struct s3_call *c, struct str piece, struct fault *why) MUST_CHECK;
enum status form_finish(struct s3_call *c, struct fault *why) MUST_CHECK;

/* xml_body.c: the prologue of an operation on a worker, without a body and with one of XML. */
enum status later_begin(struct s3_call *c, enum handler_step *step, struct fault *why) MUST_CHECK;
enum status document_begin(struct s3_call *c, enum handler_step *step, struct fault *why) MUST_CHECK;
enum status document_data(struct s3_call *c, struct str piece, struct fault *why) MUST_CHECK;

/* bucket.c */
enum status bucket_list_all(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status bucket_make(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status bucket_drop(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status bucket_head(struct s3_call *c, enum handler_step *step, struct fault *why) MUST_CHECK;
enum status bucket_location(struct s3_call *c, enum handler_step *step, struct fault *why) MUST_CHECK;
enum status bucket_versioning(struct s3_call *c, enum handler_step *step, struct fault *why) MUST_CHECK;
/* acl.c */
enum status acl_get(struct s3_call *c, enum handler_step *step, struct fault *why) MUST_CHECK;
enum status acl_put(struct s3_call *c, struct fault *why) MUST_CHECK;
/* cors.c */
enum status cors_get(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status cors_put(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status cors_remove(struct s3_call *c, struct fault *why) MUST_CHECK;
/* list.c */
enum status list_v1(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status list_v2(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status list_versions(struct s3_call *c, struct fault *why) MUST_CHECK;
/* delete.c */
enum status delete_one(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status delete_many(struct s3_call *c, struct fault *why) MUST_CHECK;
/* attributes.c */
enum status attributes_get(struct s3_call *c, struct fault *why) MUST_CHECK;
/* copy.c */
enum status copy_object(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status copy_part(struct s3_call *c, struct fault *why) MUST_CHECK;
/* multipart.c */
enum status multipart_begin(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status multipart_abort(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status multipart_list_parts(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status multipart_list_uploads(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status multipart_complete(struct s3_call *c, struct fault *why) MUST_CHECK;
/* unsupported.c: what S3 has and this store does not. The one of this name in a query, at this level; NULL: there is none. */
const struct unsupported_feature *unsupported_find(struct str name, enum address_level level);
enum status unsupported_begin(struct s3_call *c, enum handler_step *step, struct fault *why) MUST_CHECK;

#endif
