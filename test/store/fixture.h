/* A fresh data directory for a test, and the engine on it. Included after cmocka's header lines. */
#ifndef TEST_STORE_FIXTURE_H
#define TEST_STORE_FIXTURE_H

#include "store/engine.h"

struct fixture {
	char dir[64];
	struct engine *engine;
	struct engine_options options;
};

/* A new directory under TMPDIR or /tmp; nothing is opened. */
void fixture_init(struct fixture *p);
/* Open the engine; fails the test when it does not open. */
void fixture_open(struct fixture *p);
void fixture_close(struct fixture *p);
/* Close, and remove everything. */
void fixture_deinit(struct fixture *p);
/* Both for cmocka: the state is a fixture, not open yet. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);
/* How many regular files are in a folder of the directory, at any depth. */
size_t fixture_files(const struct fixture *p, const char *folder);
/* Wait until incoming/ and the trash are empty and objects/ has n files: the publisher is done. */
void fixture_settles(struct fixture *p, size_t n);
/* Insert row n of fake/rows.h and upload `body` as its object. The first failure is given back; nothing of
 * the body is left open. */
enum status fixture_insert(struct fixture *p, unsigned n, struct fault *why);
enum status fixture_upload(struct fixture *p, unsigned n, struct str body, struct fault *why);
enum status fixture_remove(struct fixture *p, unsigned n, struct fault *why);
/* The status of row n, or -1 when there is none. */
int fixture_status(struct fixture *p, unsigned n);
/* Image n is uploaded with just these bytes under its key; or its object is not there. */
bool fixture_has(struct fixture *p, unsigned n, struct str body);
/* Run statements on the database of an engine that is closed. */
void fixture_run(const struct fixture *p, const char *sql);
/* A number that a query of the database gives, run on a separate connection. One statement. */
long long fixture_ask(const struct fixture *p, const char *sql);
/* Everything that must always agree: the tally with a count of the rows, files with rows, no uploaded image
 * without an object. The publisher must be done. */
void fixture_check(const struct fixture *p);
/* Write a file of these bytes. */
void fixture_write(const struct fixture *p, const char *name, const char *text, unsigned mode);

#endif
