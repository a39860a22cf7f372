/* The access keys of a server: DIR/credentials, and key_ring on it.
 *
 * The file is created at the first start and checked again while the server runs, whenever a key
 * is not found and at most four times a second otherwise: so a key that was added is valid at once,
 * and one that was removed is invalid after a second. A check costs one fstatat; only a changed file is read. A new
 * file that cannot be used is logged once, and the keys stay as they were.
 *
 * A key that was given out is kept until the ring ends, as the port promises: keys that a new file still
 * has are taken over, so memory grows with changes to keys and not with reloads. */
#ifndef STORE_KEYS_CREDENTIALS_H
#define STORE_KEYS_CREDENTIALS_H

#include "base/fault.h"
#include "store/keys/key_profiles.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

struct ring_key;

struct credentials {
	struct key_ring ring;
	int dir_fd;       /* borrowed */
	const char *path; /* borrowed, for sentences */
	/* under `lock`: what is in force */
	pthread_mutex_t lock;
	const struct access_key **by_id; /* sorted */
	size_t n;
	const struct access_key *owner, *slots;
	/* under `renewal`: one thread at a time checks the file */
	pthread_mutex_t renewal;
	struct ring_key *all;      /* every key there ever was */
	struct stat seen;          /* the file that was read last, good or bad */
	int64_t read_ms;           /* wall clock, when it was */
	_Atomic int64_t looked_ms; /* monotonic, when the file was last checked */
	bool open;
};

/* Read the file, or make it.
 * dir_fd, path  of the directory; stay the caller's, and open, until credentials_close
 * Errors  STORAGE_FAILED, with a sentence for the terminal: malformed, a profile lacking, readable by others */
enum status credentials_open(struct credentials *c, int dir_fd, const char *path, struct fault *why) MUST_CHECK;
/* The key that signs upload slots, as it is now; good until credentials_close. Any thread. */
const struct access_key *credentials_slots(struct credentials *c);
/* Wipe and free. Safe on a zeroed one. */
void credentials_close(struct credentials *c);

#endif
