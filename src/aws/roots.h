/* The certificates that are trusted for AWS's own endpoints, see roots.pem. */
#ifndef AWS_ROOTS_H
#define AWS_ROOTS_H

#include <stddef.h>

extern const char aws_roots_pem[];
extern const size_t aws_roots_bytes;

#endif
