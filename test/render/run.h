/* Jobs on bytes in memory, for the unit tests of src/render: no process, no filter. What they make lives in one arena between
 * run_set_up and run_tear_down (a test's). One thread. */
#ifndef TEST_RENDER_RUN_H
#define TEST_RENDER_RUN_H

#include "base/arena.h"
#include "render/job.h"
#include "unit.h"

extern struct arena *const run_arena;
extern struct window run_window; /* what the last job wrote */
int run_set_up(void **state);
int run_tear_down(void **state);
#define RUN_TEST(f) cmocka_unit_test_setup_teardown(f, run_set_up, run_tear_down)

/* The server's default limits; with RENDER_THUMB one preset, 512 px PNG. */
struct render_job run_job(enum render_kind kind, unsigned ops);
/* Run it on a copy that ends where its memory ends, and pass the answer through the protocol. */
struct render_answer run_bytes(struct render_job job, struct str bytes);
/* CHECK, HASH and THUMB must give this code. */
void run_expect(enum render_kind kind, struct str bytes, enum render_code code);
/* The picture as a thumbnail in the box, decoded by libpng. It must be intact. */
struct picture run_pixels(enum render_kind kind, struct str bytes, uint16_t box);

/* Pixels by a formula: smooth, with alpha or without. */
struct picture run_picture(uint32_t width, uint32_t height, bool alpha);
/* A picture encoded by the library. */
struct str run_encode(const struct picture *p, enum render_format format, uint8_t quality);
struct str run_read_file(const char *path);
/* A copy with one byte replaced. */
struct str run_with_byte(struct str bytes, size_t at, unsigned char value);
/* The index of `what` in `bytes`; it must be there. */
size_t run_find(struct str bytes, struct str what);
/* Fail unless the two have one size, and no channel differs by more than `most`. */
void run_expect_close(const struct picture *a, const struct picture *b, int most);
/* Fail unless the two have one size, and their channels differ by no more than `most` on average. */
void run_expect_like(const struct picture *a, const struct picture *b, double most);

#endif
