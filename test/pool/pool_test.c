/* The pool with real processes and pictures: answers, processes that are killed, stopped or take too long, the queue, shares of
 * clients and of memory. */
#include "pool/pool.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/op_deadline.h"
#include "base/thread.h"
#include "pool/liar.h"
#include "render/run.h"
#include "temp.h"

#include <dirent.h>
#include <png.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct pool *pool;
static struct fault why;

static void start(struct pool_options o)
{
	o.program = o.program != NULL ? o.program : RENDER_PROGRAM;
	o.max_pixels = 50000000;
	o.waiting_most = o.waiting_most > 0 ? o.waiting_most : 8;
	o.memory_bytes = o.memory_bytes > 0 ? o.memory_bytes : (uint64_t)512 << 20;
	o.workers = o.workers > 0 ? o.workers : 1;
	o.sandbox = true;
	if (pool_start(&o, &pool, &why) != OK)
		fail_msg("%s (%s)", why.text, why.cause);
}

static struct str jpeg_of(uint32_t width, uint32_t height)
{
	struct picture p = run_picture(width, height, false);
	return run_encode(&p, RENDER_TO_JPEG, 85);
}

static struct renderer_job check_of(struct str bytes)
{
	return (struct renderer_job){ .kind = RENDER_JPEG, .ops = RENDER_CHECK | RENDER_HASH, .fd = -1, .bytes = bytes, .is_upload = true };
}

static struct renderer_result run_ok(const struct renderer_job *job)
{
	struct renderer_result out;
	if (renderer_run(pool_renderer(pool), job, run_arena, &out, &why) != OK)
		fail_msg("%s (%s)", why.text, why.cause);
	return out;
}

/* The first child of this process that is a tintype-render; 0: there is none. */
static pid_t find_child(void)
{
	char path[64], line[256];
	pid_t found = 0;
	DIR *d = opendir("/proc");
	assert_non_null(d);
	for (const struct dirent *e = readdir(d); e != NULL && found == 0; e = readdir(d)) {
		int pid = (int)strtol(e->d_name, NULL, 10), parent = 0;
		snprintf(path, sizeof path, "/proc/%d/stat", pid);
		FILE *f = pid > 0 ? fopen(path, "r") : NULL;
		if (f == NULL)
			continue;
		if (fgets(line, sizeof line, f) != NULL && sscanf(line, "%*d (tintype-render) %*c %d", &parent) == 1 && parent == getpid())
			found = pid;
		fclose(f);
	}
	closedir(d);
	return found; /* which is not to be given to kill unless it is one */
}

static void test_picture_then_answer_hash_and_thumbnails(void **state)
{
	const struct render_preset presets[] = { { 512, 512, RENDER_FIT, RENDER_TO_WEBP, 80, 2 },
		{ 160, 160, RENDER_FIT, RENDER_TO_JPEG, 80, 0 } };
	start((struct pool_options){ 0 });
	struct renderer_job job = check_of(jpeg_of(800, 600));
	job.ops |= RENDER_THUMB;
	job.preset = presets;
	job.presets = 2;
	struct renderer_result r = run_ok(&job);
	assert_int_equal(r.answer.code, RENDER_NONE);
	assert_true(r.answer.hash_bytes > 5);
	assert_true(str_starts_with(r.thumb[0], STR("RIFF")));
	assert_true(str_starts_with(r.thumb[1], STR("\xff\xd8")));
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	assert_true(pool_layers(pool) & RENDER_FILTERED);
	pool_free(&pool);
	assert_int_equal(find_child(), 0);
}

static void test_broken_picture_then_verdict_and_new_process(void **state)
{
	start((struct pool_options){ 0 });
	struct str bytes = jpeg_of(800, 600);
	struct renderer_job good = check_of(bytes), bad = check_of(str_slice(bytes, 0, bytes.n / 2));
	(void)run_ok(&good);
	pid_t before = find_child();
	int64_t replaced = metric_get(M_RENDER_REPLACED);
	assert_int_equal(run_ok(&bad).answer.verdict, RENDER_BROKEN);
	assert_int_equal(run_ok(&good).answer.verdict, RENDER_INTACT);
	assert_int_not_equal(find_child(), before);
	assert_int_equal(metric_get(M_RENDER_REPLACED), replaced + 1);
	pool_free(&pool);
}

/* Its limit of processor time comes in no picture: it is ended when it is idle. */
static void test_process_that_has_worked_long_enough_then_replaced_between_two_jobs(void **state)
{
	int64_t died = metric_get(M_RENDER_DIED);
	start((struct pool_options){ .used_ms = 1 });
	struct renderer_job job = check_of(jpeg_of(4000, 3000));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(run_ok(&job).answer.code, RENDER_NONE);
		assert_int_equal(find_child(), 0);
	}
	pool_free(&pool);
	start((struct pool_options){ 0 });
	assert_int_equal(run_ok(&job).answer.code, RENDER_NONE);
	pid_t child = find_child();
	assert_int_equal(run_ok(&job).answer.code, RENDER_NONE);
	assert_int_equal(find_child(), child);
	assert_int_equal(metric_get(M_RENDER_DIED), died);
	pool_free(&pool);
}

static void test_killed_idle_process_then_replaced_and_no_picture_suffers(void **state)
{
	int64_t starts = metric_get(M_RENDER_STARTS), gone = metric_get(M_RENDER_GONE);
	start((struct pool_options){ 0 });
	struct renderer_job job = check_of(jpeg_of(80, 60));
	for (int i = 0; i < 3; i++) {
		siginfo_t dead = { 0 };
		assert_int_equal(run_ok(&job).answer.code, RENDER_NONE);
		pid_t child = find_child();
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitid(P_PID, (id_t)child, &dead, WEXITED | WNOWAIT), 0); /* the pool's own wait comes later */
	}
	assert_int_equal(run_ok(&job).answer.code, RENDER_NONE);
	assert_int_equal(metric_get(M_RENDER_STARTS), starts + 4);
	assert_int_equal(metric_get(M_RENDER_GONE), gone + 3);
	pool_free(&pool);
}

static void test_stopped_process_then_killed_and_picture_decoded_by_another(void **state)
{
	int64_t late = metric_get(M_RENDER_LATE);
	start((struct pool_options){ .job_ms = 300 });
	struct renderer_job job = check_of(jpeg_of(80, 60));
	pid_t child = find_child();
	assert_int_equal(kill(child, SIGSTOP), 0);
	assert_int_equal(run_ok(&job).answer.code, RENDER_NONE);
	assert_int_equal(metric_get(M_RENDER_LATE), late + 1);
	assert_int_not_equal(kill(child, 0), 0);
	pool_free(&pool);
}

/* The deadline is the thread's, not the picture's: no verdict comes of it. */
static void test_no_time_left_then_deadline_and_no_verdict(void **state)
{
	struct renderer_result out;
	start((struct pool_options){ 0 });
	struct renderer_job job = check_of(jpeg_of(80, 60));
	pid_t child = find_child();
	assert_int_equal(kill(child, SIGSTOP), 0);
	op_deadline_set(clock_mono_ms() + 100);
	assert_int_equal(renderer_run(pool_renderer(pool), &job, run_arena, &out, &why), TIMEOUT);
	assert_int_equal(why.code, F_DEADLINE);
	op_deadline_set(0);
	assert_int_not_equal(kill(child, 0), 0);
	assert_int_equal(run_ok(&job).answer.code, RENDER_NONE);
	pool_free(&pool);
}

/* One that takes longer than it may: refused without a second try, and the next picture is not. */
static void test_picture_that_is_never_done_then_takes_too_long_and_next_is_good(void **state)
{
	int64_t ended = metric_get(M_RENDER_SLOW);
	start((struct pool_options){ .job_ms = 40 });
	struct renderer_job slow = check_of(jpeg_of(4000, 4000)), quick = check_of(jpeg_of(80, 60));
	const struct render_preset preset = { 4000, 4000, RENDER_FIT, RENDER_TO_WEBP, 80, 6 };
	slow.ops |= RENDER_THUMB;
	slow.preset = &preset;
	slow.presets = 1;
	struct renderer_result r = run_ok(&slow);
	assert_int_equal(r.answer.code, RENDER_TOO_MUCH_TIME);
	assert_int_equal(r.answer.verdict, RENDER_LIMIT);
	assert_int_equal(metric_get(M_RENDER_SLOW), ended + 1);
	assert_int_equal(run_ok(&quick).answer.code, RENDER_NONE);
	pool_free(&pool);
}

/* The time that passes is not the picture's: on a machine that has other things to do it waits for the processor. */
static void test_process_that_waits_for_the_processor_then_not_late(void **state)
{
	int64_t late = metric_get(M_RENDER_LATE);
	start((struct pool_options){ .program = LIAR, .job_ms = LIAR_WORK_MS * 2 });
	struct renderer_job job = check_of(STR("w"));
	assert_int_equal(run_ok(&job).answer.code, RENDER_NONE);
	assert_int_equal(metric_get(M_RENDER_LATE), late);
	pool_free(&pool);
}

static void test_program_missing_then_refused_with_the_way_on(void **state)
{
	struct pool_options o = {
		.program = "/nonexistent/tintype-render", .workers = 1, .memory_bytes = (uint64_t)64 << 20, .sandbox = true, .max_pixels = 1
	};
	assert_int_equal(pool_start(&o, &pool, &why), INVALID);
	assert_non_null(strstr(why.text, "--verify header"));
	o.program = "/bin/true";
	assert_int_equal(pool_start(&o, &pool, &why), IO);
	o.memory_bytes = 1 << 20;
	assert_int_equal(pool_start(&o, &pool, &why), INVALID);
	assert_non_null(strstr(why.text, "--render-memory"));
	assert_null(pool);
}

/* Whatever a process sends: the picture is refused, the process is replaced, and the next picture is decoded. */
static void test_wrong_answers_then_refused_and_no_harm(void **state)
{
	static const char WAYS[] = { 'g', 's', 'n', 'l', 'd', 't' };
	const struct render_preset preset = { 16, 16, RENDER_FIT, RENDER_TO_WEBP, 80, 2 };
	start((struct pool_options){ .program = LIAR });
	struct renderer_job good = check_of(STR("v")), twice = check_of(STR("2"));
	for (size_t i = 0; i < COUNT_OF(WAYS); i++) {
		struct renderer_job bad = check_of((struct str){ &WAYS[i], 1 });
		bad.ops |= RENDER_THUMB;
		bad.preset = &preset;
		bad.presets = 1;
		if (run_ok(&bad).answer.code != RENDER_UNREADABLE)
			fail_msg("%c is an answer", WAYS[i]);
		assert_int_equal(run_ok(&good).answer.code, RENDER_NONE);
	}
	/* An answer that nobody has asked for is not the next one's: that has another number, and gets another process. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(run_ok(&twice).answer.code, RENDER_NONE);
	pool_free(&pool);
}

/* A machine that is so busy that a process does not come to an end says nothing about the picture either. */
static void test_no_answer_in_time_then_refused_without_a_verdict(void **state)
{
	struct renderer_result out;
	int64_t late = metric_get(M_RENDER_LATE);
	start((struct pool_options){ .program = LIAR, .job_ms = 50, .late_ms = 50 });
	struct renderer_job job = check_of(STR("h"));
	assert_int_equal(renderer_run(pool_renderer(pool), &job, run_arena, &out, &why), BUSY);
	assert_int_equal(why.code, F_OVERLOADED);
	assert_int_equal(metric_get(M_RENDER_LATE), late + 2);
	pool_free(&pool);
}

/* The program vanishes: jobs are refused at once, and taken again when it is back. */
static void test_process_cannot_be_started_then_refused_until_it_can(void **state)
{
	char dir[TEMP_PATH_MAX], path[TEMP_PATH_MAX + 20];
	struct renderer_result out;
	struct renderer_job job = check_of(jpeg_of(80, 60));
	temp_make(dir);
	snprintf(path, sizeof path, "%s/tintype-render", dir);
	assert_int_equal(symlink(RENDER_PROGRAM, path), 0);
	start((struct pool_options){ .program = path });
	assert_int_equal(run_ok(&job).answer.code, RENDER_NONE);
	assert_int_equal(unlink(path), 0);
	pid_t child = find_child();
	assert_true(child > 0);
	kill(child, SIGKILL);
	assert_int_equal(renderer_run(pool_renderer(pool), &job, run_arena, &out, &why), BUSY);
	assert_int_equal(symlink(RENDER_PROGRAM, path), 0);
	wait_until(renderer_run(pool_renderer(pool), &job, run_arena, &out, &why) == OK);
	assert_int_equal(pool_ready(pool, &why), OK);
	pool_free(&pool);
	temp_remove(dir);
}

/* Callers that run at once, each on a thread. */
struct caller {
	pthread_t thread;
	struct renderer_job job;
	enum status status;
	struct render_answer answer;
};

static void *run_caller(void *arg)
{
	struct caller *c = arg;
	struct arena a;
	struct renderer_result out;
	struct fault failed;
	arena_init(&a, (size_t)8 << 20);
	c->status = renderer_run(pool_renderer(pool), &c->job, &a, &out, &failed);
	if (c->status == OK)
		c->answer = out.answer;
	arena_deinit(&a);
	return NULL;
}

static void test_many_callers_then_all_answered_or_refused(void **state)
{
	static struct caller callers[24];
	int64_t refused = metric_get(M_RENDER_REFUSED);
	size_t answered = 0;
	start((struct pool_options){ .workers = 2, .waiting_most = 4 });
	struct str bytes = jpeg_of(1600, 1200);
	for (size_t i = 0; i < COUNT_OF(callers); i++) {
		callers[i].job = check_of(bytes);
		callers[i].job.is_upload = i % 2;
		callers[i].job.caller.bytes[0] = (unsigned char)(i % 3);
		assert_true(thread_start(&callers[i].thread, run_caller, &callers[i]));
	}
	for (size_t i = 0; i < COUNT_OF(callers); i++) {
		pthread_join(callers[i].thread, NULL);
		answered += callers[i].status == OK && callers[i].answer.code == RENDER_NONE;
		if (callers[i].status != OK)
			assert_int_equal(callers[i].status, BUSY);
	}
	assert_true(answered >= 2);
	assert_int_equal(metric_get(M_RENDER_REFUSED) - refused, COUNT_OF(callers) - answered);
	pool_free(&pool);
}

/* Two processes, both stopped: a client gets one of them only, another client the second; uploads pass thumbnails. */
static void test_one_client_then_half_of_the_processes(void **state)
{
	static struct caller callers[3];
	start((struct pool_options){ .workers = 2 });
	struct str bytes = jpeg_of(80, 60);
	pid_t stopped = find_child(); /* only one was started so far: the first job is held by it */
	kill(stopped, SIGSTOP);
	for (size_t i = 0; i < 2; i++) {
		callers[i].job = check_of(bytes);
		callers[i].job.caller.bytes[0] = 1;
		assert_true(thread_start(&callers[i].thread, run_caller, &callers[i]));
	}
	wait_until(metric_get(M_RENDER_WAITING) == 1);
	callers[2].job = check_of(bytes);
	callers[2].job.caller.bytes[0] = 2;
	assert_null(run_caller(&callers[2])); /* passes the one that waits */
	assert_int_equal(callers[2].status, OK);
	assert_int_equal(metric_get(M_RENDER_WAITING), 1);
	kill(stopped, SIGCONT);
	for (size_t i = 0; i < 2; i++) {
		pthread_join(callers[i].thread, NULL);
		assert_int_equal(callers[i].status, OK);
	}
	pool_free(&pool);
}

static void put_png(png_structp png, png_bytep bytes, size_t n)
{
	buf_put(png_get_io_ptr(png), (struct str){ (const char *)bytes, n });
}

/* All black; to be decoded it must be in memory whole. */
static struct str interlaced_of(uint32_t width, uint32_t height)
{
	struct buf b;
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);
	unsigned char *row = arena_alloc(run_arena, (size_t)width * 3);
	buf_init_arena(&b, run_arena, 16 << 20);
	png_set_write_fn(png, &b, put_png, NULL);
	png_set_IHDR(
		png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_ADAM7, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_set_compression_level(png, 1);
	png_write_info(png, info);
	for (int passes = png_set_interlace_handling(png); passes > 0; passes--)
		for (uint32_t y = 0; y < height; y++)
			png_write_row(png, row);
	png_write_end(png, info);
	png_destroy_write_struct(&png, &info);
	assert_true(buf_ok(&b));
	return buf_str(&b);
}

/* 21 MB are more than a share of 16, and less than all there is; 41 MB are more. */
static void test_picture_beyond_a_share_then_decoded_from_the_reserve_or_refused(void **state)
{
	start((struct pool_options){ .memory_bytes = (uint64_t)32 << 20 });
	assert_int_equal(pool_renderer(pool)->memory_most, (uint64_t)32 << 20);
	struct renderer_job fits = check_of(interlaced_of(2600, 2000)), does_not = check_of(interlaced_of(3400, 3000));
	fits.kind = does_not.kind = RENDER_PNG;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(run_ok(&fits).answer.code, RENDER_NONE);
		struct renderer_result r = run_ok(&does_not);
		assert_int_equal(r.answer.code, RENDER_TOO_MUCH_MEMORY);
		assert_true(r.answer.memory > (uint64_t)40 << 20);
	}
	pool_free(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(test_picture_then_answer_hash_and_thumbnails),
		RUN_TEST(test_broken_picture_then_verdict_and_new_process),
		RUN_TEST(test_process_that_has_worked_long_enough_then_replaced_between_two_jobs),
		RUN_TEST(test_killed_idle_process_then_replaced_and_no_picture_suffers),
		RUN_TEST(test_stopped_process_then_killed_and_picture_decoded_by_another),
		RUN_TEST(test_no_time_left_then_deadline_and_no_verdict),
		RUN_TEST(test_picture_that_is_never_done_then_takes_too_long_and_next_is_good),
		RUN_TEST(test_process_that_waits_for_the_processor_then_not_late),
		RUN_TEST(test_program_missing_then_refused_with_the_way_on),
		RUN_TEST(test_wrong_answers_then_refused_and_no_harm),
		RUN_TEST(test_no_answer_in_time_then_refused_without_a_verdict),
		RUN_TEST(test_process_cannot_be_started_then_refused_until_it_can),
		RUN_TEST(test_many_callers_then_all_answered_or_refused),
		RUN_TEST(test_one_client_then_half_of_the_processes),
		RUN_TEST(test_picture_beyond_a_share_then_decoded_from_the_reserve_or_refused),
	};
	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
