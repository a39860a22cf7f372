/* tintype-render as a process, in its sandbox: jobs, bombs, and every way in which it ends. */
#include "render/worker.h"

#include "render/run.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PICTURES "build/pictures"

static const char *const PROGRAM[] = { RENDER_PROGRAM, NULL };
static struct worker worker;

static void start(void)
{
	if (!worker_start(&worker, PROGRAM))
		fail_msg("%s does not start: status %x", PROGRAM[0], (unsigned)worker_end(&worker));
}

static void expect_end(int code)
{
	int status = worker_end(&worker);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
		fail_msg("status %x, not exit %d", (unsigned)status, code);
}

static void expect_killed(int signal)
{
	int status = worker_end(&worker);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != signal)
		fail_msg("status %x, not signal %d", (unsigned)status, signal);
}

static int file_of(struct str bytes)
{
	int fd = memfd_create("picture", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
	return fd;
}

static struct render_answer run_job_on(struct render_job job, struct str bytes)
{
	struct render_answer a;
	int fd = file_of(bytes);
	if (!worker_run(&worker, &job, fd, &a))
		fail_msg("no answer: status %x", (unsigned)worker_end(&worker));
	close(fd);
	return a;
}

static struct str jpeg_of(uint32_t width, uint32_t height)
{
	struct picture p = run_picture(width, height, false);
	return run_encode(&p, RENDER_TO_JPEG, 85);
}

static void test_started_then_ready_and_confined(void **state)
{
	start();
	assert_true(worker.ready.layers & RENDER_FILTERED);
	assert_int_equal(worker.ready.window_bytes, WORKER_WINDOW_BYTES);
	expect_end(RENDER_EXIT_OK);
}

static void test_many_jobs_then_answers_and_thumbnails(void **state)
{
	struct str bytes = jpeg_of(800, 600);
	start();
	for (int i = 0; i < 50; i++) { /* more than it may have descriptors */
		struct render_answer a = run_job_on(worker_job(RENDER_JPEG, RENDER_CHECK | RENDER_HASH | RENDER_THUMB), bytes);
		assert_int_equal(a.code, RENDER_NONE);
		assert_int_equal(a.thumb[0].width, 512);
		assert_memory_equal(worker.window + a.thumb[0].offset, "RIFF", 4);
	}
	expect_end(RENDER_EXIT_OK);
}

/* Every kind of picture and of damage, in one worker: none of them needs a call that the filter does not know. */
static void run_folder(const char *folder, unsigned ops)
{
	static const char *const ENDINGS[] = { [RENDER_JPEG] = ".jpg", [RENDER_PNG] = ".png", [RENDER_GIF] = ".gif", [RENDER_WEBP] = ".webp" };
	DIR *d = opendir(folder);
	assert_non_null(d);
	size_t n = 0;
	for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		char path[512];
		struct render_answer a;
		snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
		for (enum render_kind kind = RENDER_JPEG; kind <= RENDER_WEBP; kind++) {
			if (!str_ends_with(str_of(path), str_of(ENDINGS[kind])))
				continue;
			struct render_job job = worker_job(kind, ops);
			int fd = open(path, O_RDONLY | O_CLOEXEC);
			for (enum render_format f = RENDER_TO_WEBP; f <= RENDER_TO_PNG; f++) {
				job.preset[0].format = (uint8_t)f;
				job.preset[0].effort = 1;
				if (!worker_run(&worker, &job, fd, &a))
					fail_msg("%s: no answer, status %x", path, (unsigned)worker_end(&worker));
			}
			close(fd);
			n++;
		}
	}
	closedir(d);
	assert_true(n > 50);
}

static void test_all_pictures_then_one_worker_answers_each(void **state)
{
	start();
	run_folder(PICTURES "/good", RENDER_CHECK);
	run_folder(PICTURES "/good", RENDER_CHECK | RENDER_HASH | RENDER_THUMB);
	run_folder(PICTURES "/broken", RENDER_CHECK | RENDER_HASH | RENDER_THUMB);
	expect_end(RENDER_EXIT_OK);
}

/* Bombs */

struct bits {
	unsigned char *p;
	size_t n;
	uint32_t acc, count;
};

static void put_bits(struct bits *b, uint32_t value, uint32_t count)
{
	b->acc = b->acc << count | value;
	for (b->count += count; b->count >= 8; b->count -= 8) {
		unsigned char byte = (unsigned char)(b->acc >> (b->count - 8));
		b->p[b->n++] = byte;
		if (byte == 0xff)
			b->p[b->n++] = 0;
	}
}

static void end_bits(struct bits *b)
{
	if (b->count > 0)
		put_bits(b, (1U << (8 - b->count)) - 1, 8 - b->count);
}

static void put_bytes(struct bits *b, const void *bytes, size_t n)
{
	memcpy(b->p + b->n, bytes, n);
	b->n += n;
}

static void begin_scan(struct bits *b, unsigned char coefficient, unsigned char bits)
{
	unsigned char head[] = { 0xff, 0xda, 0, 8, 1, 1, 0, coefficient, coefficient, bits };
	put_bytes(b, head, sizeof head);
}

/* A valid progressive JPEG of 150 KB with 7000 x 7000 pixels in 895 scans: the AC ones are runs of 32,767 empty blocks. */
static struct str make_scans(void)
{
	struct bits b = { .p = arena_alloc(run_arena, 400000) };
	const uint32_t blocks = 875 * 875;
	unsigned char table[67] = { 0xff, 0xdb, 0, 67 };
	memset(table + 5, 1, 62);
	put_bytes(&b, "\xff\xd8", 2);
	put_bytes(&b, table, 67);
	put_bytes(&b, "\1\1", 2);
	put_bytes(&b, "\xff\xc2\0\x0b\x08\x1b\x58\x1b\x58\1\1\x11\0", 13);
	put_bytes(&b, "\xff\xc4\0\x14\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
	put_bytes(&b, "\xff\xc4\0\x14\x10\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xe0", 22);
	begin_scan(&b, 0, 0);
	for (uint32_t i = 0; i < blocks; i++)
		put_bits(&b, 0, 1);
	end_bits(&b);
	for (unsigned low = 14; low-- > 0;) {
		for (unsigned k = 1; k < 64; k++) {
			begin_scan(&b, (unsigned char)k, (unsigned char)(low == 13 ? low : (low + 1) << 4 | low));
			for (uint32_t done = 0; done < blocks; done += 32767)
				put_bits(&b, 0x3fff, 15);
			end_bits(&b);
		}
	}
	put_bytes(&b, "\xff\xd9", 2);
	return (struct str){ (const char *)b.p, b.n };
}

static void test_progressive_bomb_then_limit(void **state)
{
	start();
	struct str bomb = make_scans();
	assert_true(bomb.n < 200000);
	struct render_job job = worker_job(RENDER_JPEG, RENDER_CHECK | RENDER_HASH);
	assert_int_equal(run_job_on(job, bomb).code, RENDER_TOO_MANY_SCANS);
	job.max_memory = (uint64_t)64 << 20;
	struct render_answer a = run_job_on(job, bomb);
	assert_int_equal(a.code, RENDER_TOO_MUCH_MEMORY);
	assert_true(a.memory > (uint64_t)90 << 20);
	expect_end(RENDER_EXIT_OK);
}

static void test_header_larger_than_its_pixels_then_stopped_at_the_first_damage(void **state)
{
	start();
	struct str bytes = jpeg_of(640, 480);
	size_t sof = run_find(bytes, STR("\xff\xc0"));
	memcpy((char *)bytes.p + sof + 5, "\xff\xdc\xff\xdc", 4);
	struct render_job job = worker_job(RENDER_JPEG, RENDER_CHECK);
	assert_int_equal(run_job_on(job, bytes).code, RENDER_TOO_MANY_PIXELS);
	job.max_pixels = RENDER_PIXELS_MAX;
	assert_int_equal(run_job_on(job, bytes).code, RENDER_TOO_MANY_PIXELS);
	memcpy((char *)bytes.p + sof + 5, "\x40\0\xff\xdc", 4); /* 65500 x 16384 */
	job.max_area = UINT64_MAX;
	struct render_answer a = run_job_on(job, bytes);
	assert_int_equal(a.verdict, RENDER_BROKEN);
	assert_true(a.row < 100);
	expect_end(RENDER_EXIT_OK);
}

static void test_hundred_thousand_gif_frames_then_limit(void **state)
{
	static const char HEAD[] = "GIF89a\1\0\1\0\x80\0\0\xff\0\0\0\0\xff", FRAME[] = ",\0\0\0\0\1\0\1\0\0\2\2D\1";
	size_t head = sizeof HEAD - 1, frame = sizeof FRAME, n = 100000;
	char *p = arena_alloc(run_arena, head + n * frame + 1);
	memcpy(p, HEAD, head);
	for (size_t i = 0; i < n; i++)
		memcpy(p + head + i * frame, FRAME, frame);
	p[head + n * frame] = ';';
	start();
	struct render_job job = worker_job(RENDER_GIF, RENDER_CHECK);
	struct render_answer a = run_job_on(job, (struct str){ p, head + n * frame + 1 });
	assert_int_equal(a.code, RENDER_TOO_MANY_FRAMES);
	assert_int_equal(a.frames, 10000);
	job.max_frames = (uint32_t)n;
	assert_int_equal(run_job_on(job, (struct str){ p, head + n * frame + 1 }).code, RENDER_NONE);
	expect_end(RENDER_EXIT_OK);
}

/* 3 MB of codes that each stand for 4,000 pixels, in a frame of one: they must not be expanded. */
static void test_gif_of_long_codes_then_intact(void **state)
{
	static const char HEAD[] = "GIF89a\1\0\1\0\x80\0\0\xff\0\0\0\0\xff,\0\0\0\0\1\0\1\0\0\2";
	size_t n = 2000000, used = sizeof HEAD - 1, codes = 0;
	unsigned char *p = arena_alloc(run_arena, 2 * n * 2), *codes_at = arena_alloc(run_arena, n * 2);
	uint32_t acc = 0, bits = 0, width = 3;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t code = i == 0 ? 4 : i == 1 ? 0 : i + 4 < 4096 ? i + 4 : 4095;
		acc |= code << bits;
		for (bits += width; bits >= 8; bits -= 8, acc >>= 8)
			codes_at[codes++] = (unsigned char)acc;
		if (i + 5 == 1U << width && width < 12)
			width++;
	}
	memcpy(p, HEAD, used);
	for (size_t i = 0; i + 255 < codes; i += 255, used += 256) {
		p[used] = 255;
		memcpy(p + used + 1, codes_at + i, 255);
	}
	p[used++] = 0;
	p[used++] = ';';
	start();
	assert_int_equal(run_job_on(worker_job(RENDER_GIF, RENDER_CHECK), (struct str){ (const char *)p, used }).code, RENDER_NONE);
	expect_end(RENDER_EXIT_OK);
}

/* Memory */

static long resident_kb(void)
{
	char path[64], line[256];
	long kb = 0;
	snprintf(path, sizeof path, "/proc/%d/status", worker.pid);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "VmRSS:", 6) == 0)
			kb = strtol(line + 6, NULL, 10);
	fclose(f);
	return kb;
}

static void test_large_pictures_then_little_memory_is_kept(void **state)
{
	start();
	long idle = resident_kb();
	struct str jpeg = jpeg_of(4000, 3000);
	assert_int_equal(run_job_on(worker_job(RENDER_JPEG, RENDER_CHECK | RENDER_HASH | RENDER_THUMB), jpeg).code, RENDER_NONE);
	long plain = resident_kb();
	struct picture p = run_picture(4000, 3000, false);
	struct str webp = run_encode(&p, RENDER_TO_WEBP, 80);
	assert_int_equal(run_job_on(worker_job(RENDER_WEBP, RENDER_CHECK | RENDER_HASH | RENDER_THUMB), webp).code, RENDER_NONE);
	long kept = resident_kb();
	if (idle > 3 * 1024 || plain > 10 * 1024 || kept > 14 * 1024)
		fail_msg("idle %ld KB, after a baseline JPEG %ld KB, after all %ld KB", idle, plain, kept);
	expect_end(RENDER_EXIT_OK);
}

static void test_ceiling_below_what_the_job_allows_then_limit_and_the_worker_lives(void **state)
{
	const char *argv[] = { RENDER_PROGRAM, "memory=16777216", NULL };
	struct picture p = run_picture(3000, 2000, true);
	struct str webp = run_encode(&p, RENDER_TO_WEBP, 80), jpeg = jpeg_of(300, 200);
	assert_true(worker_start(&worker, argv));
	assert_int_equal(run_job_on(worker_job(RENDER_WEBP, RENDER_CHECK), (struct str){ webp.p, webp.n }).verdict, RENDER_LIMIT);
	assert_int_equal(run_job_on(worker_job(RENDER_JPEG, RENDER_CHECK), jpeg).code, RENDER_NONE);
	expect_end(RENDER_EXIT_OK);
}

/* Ends */

static void test_killed_in_a_job_then_no_answer_and_the_next_worker_answers(void **state)
{
	struct str bytes = jpeg_of(800, 600);
	struct render_job job = worker_job(RENDER_JPEG, RENDER_CHECK);
	struct render_answer a;
	int fd = file_of(bytes);
	job.size_bytes = bytes.n;
	start();
	assert_int_equal(kill(worker.pid, SIGSTOP), 0);
	assert_true(worker_send(&worker, &job, fd));
	assert_int_equal(kill(worker.pid, SIGKILL), 0);
	assert_false(worker_receive(&worker, &job, &a));
	expect_killed(SIGKILL);
	start();
	assert_true(worker_run(&worker, &job, fd, &a));
	expect_end(RENDER_EXIT_OK);
	close(fd);
}

static void test_stopped_and_continued_then_answers(void **state)
{
	struct str bytes = jpeg_of(800, 600);
	struct render_job job = worker_job(RENDER_JPEG, RENDER_CHECK);
	struct render_answer a;
	int fd = file_of(bytes), status;
	job.size_bytes = bytes.n;
	start();
	assert_int_equal(kill(worker.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(worker.pid, &status, WUNTRACED), worker.pid);
	assert_true(worker_send(&worker, &job, fd));
	assert_int_equal(kill(worker.pid, SIGCONT), 0);
	assert_true(worker_receive(&worker, &job, &a));
	expect_end(RENDER_EXIT_OK);
	close(fd);
}

static void test_file_shorter_than_announced_then_unreadable(void **state)
{
	struct str bytes = jpeg_of(800, 600);
	struct render_job job = worker_job(RENDER_JPEG, RENDER_CHECK);
	struct render_answer a;
	int fd = file_of(str_slice(bytes, 0, bytes.n / 2));
	job.size_bytes = bytes.n;
	start();
	assert_true(worker_send(&worker, &job, fd));
	assert_true(worker_receive(&worker, &job, &a));
	assert_int_equal(a.code, RENDER_UNREADABLE);
	expect_end(RENDER_EXIT_OK);
	close(fd);
}

static void test_packet_that_is_no_job_then_ends(void **state)
{
	unsigned char packet[RENDER_JOB_BYTES + 10] = { 0 };
	struct render_job job = worker_job(RENDER_JPEG, RENDER_CHECK);
	start();
	assert_int_equal(send(worker.socket, "junk", 4, 0), 4);
	expect_end(RENDER_EXIT_JOB);
	start();
	render_encode_job(&job, packet); /* without a descriptor */
	assert_int_equal(send(worker.socket, packet, RENDER_JOB_BYTES, 0), RENDER_JOB_BYTES);
	expect_end(RENDER_EXIT_JOB);
	start();
	job.max_output = WORKER_WINDOW_BYTES + 1;
	int fd = file_of(STR("x"));
	assert_true(worker_send(&worker, &job, fd));
	expect_end(RENDER_EXIT_JOB);
	close(fd);
}

static void test_wrong_command_line_then_usage(void **state)
{
	static const char *const OPTIONS[] = { "filter=maybe", "filter", "memory=1", "memory=x", "--help" };
	for (size_t i = 0; i < COUNT_OF(OPTIONS); i++) {
		const char *argv[] = { RENDER_PROGRAM, OPTIONS[i], NULL };
		assert_false(worker_start(&worker, argv));
		expect_end(RENDER_EXIT_USAGE);
	}
}

static void test_filter_off_then_not_filtered(void **state)
{
	const char *argv[] = { RENDER_PROGRAM, "filter=off", NULL };
	assert_true(worker_start(&worker, argv));
	assert_int_equal(worker.ready.layers & RENDER_FILTERED, 0);
	expect_end(RENDER_EXIT_OK);
}

/* The worker as it would be where the kernel, or a container, refuses this call. */
static bool start_without(int call, const char *const argv[])
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { COUNT_OF(filter), filter };
	return worker_start_filtered(&worker, argv, &program);
}

static void test_filter_refused_by_the_system_then_ends_unless_it_is_off(void **state)
{
	const char *off[] = { RENDER_PROGRAM, "filter=off", NULL };
	assert_false(start_without(SYS_seccomp, PROGRAM));
	expect_end(RENDER_EXIT_FILTER);
	assert_true(start_without(SYS_seccomp, off));
	expect_end(RENDER_EXIT_OK);
}

static void test_namespaces_refused_by_the_system_then_ready_without(void **state)
{
	assert_true(start_without(SYS_unshare, PROGRAM));
	assert_int_equal(worker.ready.layers, RENDER_FILTERED);
	assert_int_equal(run_job_on(worker_job(RENDER_JPEG, RENDER_CHECK), jpeg_of(30, 20)).code, RENDER_NONE);
	expect_end(RENDER_EXIT_OK);
}

/* Started without its descriptors, or with a window that could shrink. */
static void test_wrong_descriptors_then_setup_failed(void **state)
{
	for (int sealed = -1; sealed < 1; sealed++) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			close_range(3, ~0U, 0);
			if (sealed == 0) {
				int pair[2];
				if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0 ||
					dup2(memfd_create("window", MFD_ALLOW_SEALING), RENDER_WINDOW_FD) < 0)
					_exit(1);
			}
			execl(RENDER_PROGRAM, RENDER_PROGRAM, (char *)NULL);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), RENDER_EXIT_SETUP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(test_started_then_ready_and_confined),
		RUN_TEST(test_many_jobs_then_answers_and_thumbnails),
		RUN_TEST(test_all_pictures_then_one_worker_answers_each),
		RUN_TEST(test_progressive_bomb_then_limit),
		RUN_TEST(test_header_larger_than_its_pixels_then_stopped_at_the_first_damage),
		RUN_TEST(test_hundred_thousand_gif_frames_then_limit),
		RUN_TEST(test_gif_of_long_codes_then_intact),
		RUN_TEST(test_large_pictures_then_little_memory_is_kept),
		RUN_TEST(test_ceiling_below_what_the_job_allows_then_limit_and_the_worker_lives),
		RUN_TEST(test_killed_in_a_job_then_no_answer_and_the_next_worker_answers),
		RUN_TEST(test_stopped_and_continued_then_answers),
		RUN_TEST(test_file_shorter_than_announced_then_unreadable),
		RUN_TEST(test_packet_that_is_no_job_then_ends),
		RUN_TEST(test_wrong_command_line_then_usage),
		RUN_TEST(test_filter_off_then_not_filtered),
		RUN_TEST(test_filter_refused_by_the_system_then_ends_unless_it_is_off),
		RUN_TEST(test_namespaces_refused_by_the_system_then_ready_without),
		RUN_TEST(test_wrong_descriptors_then_setup_failed),
	};
	if (system("test/pictures/make >&2") != 0)
		return 1;
	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
