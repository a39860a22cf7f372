/* How the descriptors that the system allows are shared out. */
#ifndef SERVE_FILES_H
#define SERVE_FILES_H

#include <stdint.h>

/* The most connections of a listener. */
struct file_shares {
	unsigned each;             /* of the API's and the storage's */
	unsigned admin;
};

/* Share `files` out. Pure.
 * wanted   the most connections that each of the two may have, if there is room */
struct file_shares files_share(uint64_t files, unsigned wanted);
/* Raise the limit on open files as far as we may, and share it out; logs it when that is less than wanted. */
struct file_shares files_allow(unsigned wanted);

#endif
