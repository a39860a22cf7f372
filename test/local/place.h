/* A fresh data directory for a test, and the engine on it. Included behind cmocka's header lines. */
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
/* How many regular files lie in a folder of the directory, at any depth. */
size_t place_files(const struct place *p, const char *folder);
/* Wait until incoming/ and the trash are empty and objects/ has n files: the mover is done. */
void place_settles(struct place *p, size_t n);
/* Write a file of these bytes. */
void place_write(const struct place *p, const char *name, const char *text, unsigned mode);

#endif
