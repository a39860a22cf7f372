/* One file on its way to the server: is it there already, slot, PUT, record. Shows nothing. A job belongs to one thread. */
#ifndef CLI_UPLOAD_FILE_H
#define CLI_UPLOAD_FILE_H

#include "base/arena.h"
#include "cli/api_client.h"
#include "cli/file_walk.h"
#include "cli/options.h"
#include "cli/sent_set.h"

#include <stdatomic.h>

/* What the jobs of one command share. */
struct upload_shared {
	const struct options *options;
	struct sent_set sent;
	int stdin_fd;            /* what was read from standard input, for the operand "-"; -1: nothing */
	atomic_bool may_not_ask; /* the caller may not list images */
	atomic_bool cannot_ask;  /* the server does not find images by their hash */
};

enum upload_outcome {
	UPLOAD_SENT,
	UPLOAD_THERE,   /* the server has it: record is of that image */
	UPLOAD_IGNORED, /* of a watched directory: it is gone again, still being written, or empty */
};

struct upload_job {
	struct upload_shared *shared;
	struct remote *remote;
	void (*progress)(void *arg, uint64_t sent_bytes); /* of the body, from its start; again from less when it is sent again */
	void *progress_arg;
	/* out */
	struct arena arena; /* for these texts */
	struct str path, name, type;
	bool is_renamed; /* the file's name is not what was sent */
	uint64_t size_bytes;
	json_t *slot, *record; /* as far as they came; NULL: not that far */
	int fd;
};

/* Initialize a job for a file; its path is known then. */
void upload_file_init(struct upload_job *p, struct upload_shared *shared, struct remote *remote, const struct walk_file *f);
void upload_file_deinit(struct upload_job *p);
/* Errors  those of walk_open, remote_json and remote_store; IMAGE_EMPTY; IMAGE_REJECTED */
enum status upload_file_send(struct upload_job *p, const struct walk_file *f, enum upload_outcome *out, struct fault *why) MUST_CHECK;
/* A delivery link of the image, which anyone may open; {NULL, 0} where the server made none for this caller. */
struct str upload_file_link(const struct upload_job *p);

#endif
