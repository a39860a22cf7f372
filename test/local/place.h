/* A fresh data directory for a test, and the engine on it. Included after cmocka's header lines. */
#ifndef TEST_LOCAL_PLACE_H
#define TEST_LOCAL_PLACE_H

#include "local/engine.h"

struct place {
	char dir[64];
	struct engine *engine;
	struct engine_options options;
};

/* A new directory under TMPDIR or /tmp; nothing is opened. */
void place_init(struct place *p);
/* Open the engine; fails the test when it does not open. */
void place_open(struct place *p);
void place_close(struct place *p);
/* Close, and remove everything. */
void place_deinit(struct place *p);
/* How many regular files are in a folder of the directory, at any depth. */
size_t place_files(const struct place *p, const char *folder);
/* Wait until incoming/ and the trash are empty and objects/ has n files: the publisher is done. */
void place_settles(struct place *p, size_t n);
/* Insert row n of fake/rows.h and upload `body` as its object. The first failure is given back; nothing of
 * the body is left open. */
enum status place_insert(struct place *p, unsigned n, struct fault *why);
enum status place_upload(struct place *p, unsigned n, struct str body, struct fault *why);
enum status place_remove(struct place *p, unsigned n, struct fault *why);
/* The status of row n, or -1 when there is none. */
int place_status(struct place *p, unsigned n);
/* Image n is uploaded with just these bytes under its key; or its object is not there. */
bool place_has(struct place *p, unsigned n, struct str body);
/* A number that a query of the database gives, asked on a connection of its own. */
long long place_ask(const struct place *p, const char *sql);
/* Everything that must always agree: the tally with a count of the rows, files with rows, no uploaded image
 * without an object. The publisher must be done. */
void place_check(const struct place *p);
/* Write a file of these bytes. */
void place_write(const struct place *p, const char *name, const char *text, unsigned mode);

#endif
