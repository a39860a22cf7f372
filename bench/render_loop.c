/* tintype-render as the server runs it (src/pool/process.h), one process without the server.
 *   render_loop PROGRAM check SECONDS FILE...  decode checks, again and again
 *   render_loop PROGRAM once BOX TIMES FILE    start it and make one thumbnail, so many times
 *   render_loop PROGRAM memory FILE...         its memory at the start, and after a 512 px thumbnail of each file
 * Prints JSON: check pictures, seconds, seconds of processor time of both processes, and the least of a picture, the mean of
 * the files; once the median milliseconds from the start to the thumbnail; memory a list of kilobytes: [resident, most so
 * far, code of the finding] */
#include "pool/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MEMORY_BYTES ((uint64_t)384 << 20)
#define TIMES_MAX 1000
#define FILES_MAX 64

static struct process_options options = {
	.memory_bytes = MEMORY_BYTES, .sandbox = true, .ready_ms = 5000, .job_ms = 60000, .late_ms = 60000
};
static struct render_preset preset = { .fit = RENDER_FIT, .format = RENDER_TO_WEBP, .quality = 80, .effort = 2 };

static double now_s(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void stop(const char *what, const char *why)
{
	fprintf(stderr, "render_loop: %s: %s\n", what, why);
	exit(1);
}

static void start(struct process *p)
{
	struct fault why = { 0 };
	*p = (struct process){ 0 };
	if (process_start(p, &options, &why) != OK)
		stop(why.text, why.cause);
}

static struct renderer_job open_job(const char *file, unsigned ops)
{
	unsigned char head[4] = { 0 };
	struct stat st;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || pread(fd, head, sizeof head, 0) != sizeof head)
		stop(file, "cannot be read");
	enum render_kind kind = head[0] == 0xff ? RENDER_JPEG : head[0] == 0x89 ? RENDER_PNG : head[0] == 'G' ? RENDER_GIF : RENDER_WEBP;
	return (struct renderer_job){ .kind = kind, .ops = ops, .fd = fd, .size_bytes = (uint64_t)st.st_size };
}

static struct render_answer run(struct process *p, const struct renderer_job *job)
{
	bool thumb = (job->ops & RENDER_THUMB) != 0;
	struct render_answer answer;
	struct render_job packet = { .ops = (uint8_t)job->ops,
		.kind = (uint8_t)job->kind,
		.presets = thumb,
		.max_frames = 10000,
		.max_pixels = 60000000,
		.max_area = 200000000,
		.max_memory = MEMORY_BYTES,
		.max_output = PROCESS_WINDOW_BYTES };
	if (thumb)
		packet.preset[0] = preset;
	if (process_run(p, &options, job, &packet, &answer) != PROCESS_ANSWERED)
		stop("a job", "no answer");
	return answer;
}

static void set_box(const char *text)
{
	preset.width = preset.height = (uint16_t)strtoul(text, NULL, 10);
}

/* Processor time of both processes. */
static double used_s(clockid_t worker)
{
	return now_s(worker) + now_s(CLOCK_PROCESS_CPUTIME_ID);
}

static void loop_checks(double seconds, char **files, int n_files)
{
	struct process p;
	struct renderer_job jobs[FILES_MAX];
	double least[FILES_MAX] = { 0 }, sum = 0;
	clockid_t clock;
	unsigned long n = 0;
	start(&p);
	if (n_files > FILES_MAX || clock_getcpuclockid(p.pid, &clock) != 0)
		stop("check", "too many files, or no clock");
	for (int i = 0; i < n_files; i++)
		jobs[i] = open_job(files[i], RENDER_CHECK);
	(void)run(&p, &jobs[0]);
	double begin = now_s(CLOCK_MONOTONIC), begin_cpu = used_s(clock), last_cpu = begin_cpu;
	for (; now_s(CLOCK_MONOTONIC) < begin + seconds; n++) {
		unsigned long i = n % (unsigned)n_files;
		if (run(&p, &jobs[i]).code != RENDER_NONE)
			stop(files[i], "is not intact");
		double cpu = used_s(clock), took = cpu - last_cpu;
		last_cpu = cpu;
		least[i] = n < (unsigned)n_files || took < least[i] ? took : least[i];
	}
	for (int i = 0; i < n_files; i++)
		sum += least[i];
	printf("{\"pictures\": %lu, \"seconds\": %.6f, \"cpu\": %.6f, \"least\": %.6f}\n", n, now_s(CLOCK_MONOTONIC) - begin,
		last_cpu - begin_cpu, sum / n_files);
	(void)process_end(&p);
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void start_often(size_t times, const char *file)
{
	double ms[TIMES_MAX];
	struct renderer_job job = open_job(file, RENDER_THUMB);
	for (size_t i = 0; i < times; i++) {
		struct process p;
		double begin = now_s(CLOCK_MONOTONIC);
		start(&p);
		if (run(&p, &job).presets != 1)
			stop(file, "no thumbnail");
		ms[i] = (now_s(CLOCK_MONOTONIC) - begin) * 1e3;
		(void)process_end(&p);
	}
	qsort(ms, times, sizeof *ms, compare_doubles);
	printf("%.3f\n", ms[times / 2]);
}

static long status_kb(pid_t pid, const char *name)
{
	char path[64], line[256];
	long kb = 0;
	(void)snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kb = strtol(line + strlen(name), NULL, 10);
	if (f != NULL)
		(void)fclose(f);
	return kb;
}

static void print_memory(const struct process *p, unsigned code, const char *end)
{
	printf("[%ld, %ld, %u]%s", status_kb(p->pid, "VmRSS:"), status_kb(p->pid, "VmHWM:"), code, end);
}

static void measure_memory(char **files, int n_files)
{
	struct process p;
	start(&p);
	printf("[");
	print_memory(&p, 0, "");
	for (int i = 0; i < n_files; i++) {
		struct renderer_job job = open_job(files[i], RENDER_THUMB);
		unsigned code = run(&p, &job).code;
		printf(", ");
		print_memory(&p, code, "");
	}
	printf("]\n");
	(void)process_end(&p);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	options.program = argv[1];
	set_box("512");
	if (strcmp(argv[2], "check") == 0 && argc > 4) {
		loop_checks(strtod(argv[3], NULL), argv + 4, argc - 4);
	} else if (strcmp(argv[2], "once") == 0 && argc == 6) {
		size_t times = strtoul(argv[4], NULL, 10);
		set_box(argv[3]);
		start_often(times < 1 ? 1 : times > TIMES_MAX ? TIMES_MAX : times, argv[5]);
	} else if (strcmp(argv[2], "memory") == 0) {
		measure_memory(argv + 3, argc - 3);
	} else {
		return 2;
	}
	return 0;
}
