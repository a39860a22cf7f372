/* What the database has recorded of one owner's images, read on a connection of its own. */
#ifndef TEST_POSTGRES_RECORDED_H
#define TEST_POSTGRES_RECORDED_H

#include "fake/rows.h"

#define RECORDED_BYTES 1000

/* The number that a query returns; -1: it failed. */
long recorded_number(const char *url, const char *sql);
/* A pending image of the owner, which may have RECORDED_BYTES. */
struct image_row recorded_row(struct arena *a, unsigned n);
/* Check the number of rows and how many are uploaded, with RECORDED_BYTES each, and that the recorded counts agree. */
void recorded_check(const char *url, long rows, long uploaded);

#endif
