/* Run files through a tintype-render by hand, and measure: one line a file.
 *
 *   build/.../drive PROGRAM [-o OPTION] [-n TIMES] [-t FORMAT] [-e EFFORT] [-b BOX] [-c] [-w FOLDER] FILE...
 *
 * -o gives the program an option, -c asks for CHECK alone, -h for CHECK and HASH (default: THUMB too), -w keeps the
 * thumbnails. CPU is the worker's, the least of the runs; RSS its resident memory after the last job. */
#include "render/worker.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_ms(clockid_t clock)
{
	struct timespec t;
	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static long resident_kb(pid_t pid, const char *name)
{
	char path[64], line[256];
	long kb = 0;
	(void)snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kb = strtol(line + strlen(name) + 1, NULL, 10);
	if (f != NULL)
		(void)fclose(f);
	return kb;
}

static int kind_of(int fd)
{
	unsigned char head[8] = { 0 };
	(void)!pread(fd, head, sizeof head, 0);
	if (memcmp(head + 4, "ftyp", 4) == 0)
		return RENDER_HEIF;
	return head[0] == 0xff ? RENDER_JPEG : head[0] == 0x89 ? RENDER_PNG : head[0] == 'G' ? RENDER_GIF : RENDER_WEBP;
}

static void keep_thumb(const struct worker *w, const struct render_answer *a, const char *folder, const char *name, int format)
{
	static const char *const ENDINGS[] = { "", "webp", "jpg", "png" };
	char path[512];
	const char *slash = strrchr(name, '/');
	(void)snprintf(path, sizeof path, "%s/%s.%s", folder, slash == NULL ? name : slash + 1, ENDINGS[format]);
	FILE *f = fopen(path, "wb");
	if (f == NULL || fwrite(w->window + a->thumb[0].offset, 1, a->thumb[0].length, f) != a->thumb[0].length || fclose(f) != 0)
		perror(path);
}

struct drive {
	unsigned ops;
	int times, format, effort, box;
	const char *folder;
};

static bool run_file(struct worker *w, const struct drive *d, const char *name)
{
	clockid_t clock;
	struct render_answer a;
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || clock_getcpuclockid(w->pid, &clock) != 0)
		return false;
	struct render_job job = worker_job((enum render_kind)kind_of(fd), d->ops);
	if (job.presets > 0)
		job.preset[0] =
			(struct render_preset){ (uint16_t)d->box, (uint16_t)d->box, RENDER_FIT, (uint8_t)d->format, 80, (uint8_t)d->effort };
	double least = 1e9;
	bool good = true;
	for (int i = 0; good && i < d->times; i++) {
		double before = now_ms(clock);
		good = worker_run(w, &job, fd, &a);
		double took = good ? now_ms(clock) - before : 0;
		least = took < least ? took : least;
	}
	(void)close(fd);
	if (!good) {
		printf("%s: no answer\n", name);
		return false;
	}
	printf(
		"%-14.*s %ux%u row %u frames %u orientation %u memory %lu hash %u average %08x dominant %08x thumb %ux%u %u bytes; %.2f ms, RSS %ld KB, peak %ld KB  %s\n",
		STRF(render_code_name(a.code)), a.width, a.height, a.row, a.frames, a.orientation, (unsigned long)a.memory, a.hash_bytes, a.average,
		a.dominant, a.thumb[0].width, a.thumb[0].height, a.thumb[0].length, least, resident_kb(w->pid, "VmRSS:"),
		resident_kb(w->pid, "VmHWM:"), name);
	if (d->folder != NULL && a.presets > 0)
		keep_thumb(w, &a, d->folder, name, d->format);
	return true;
}

int main(int argc, char **argv)
{
	struct drive d = { .ops = RENDER_CHECK | RENDER_HASH | RENDER_THUMB, .times = 1, .format = RENDER_TO_WEBP, .effort = 2, .box = 512 };
	const char *program[8] = { argc > 1 ? argv[1] : NULL };
	int n = 1, option;
	struct worker w;
	argv++, argc--;
	while ((option = getopt(argc, argv, "o:n:t:e:b:w:ch")) != -1) {
		if (option == 'o' && n < 7)
			program[n++] = optarg;
		else if (option == 'w')
			d.folder = optarg;
		else if (option == 'c' || option == 'h')
			d.ops = RENDER_CHECK | (option == 'h' ? RENDER_HASH : 0);
		else if (option == 'n' || option == 't' || option == 'e' || option == 'b')
			*(option == 'n' ? &d.times : option == 't' ? &d.format : option == 'e' ? &d.effort : &d.box) = (int)strtol(optarg, NULL, 10);
		else
			return 2;
	}
	double before = now_ms(CLOCK_MONOTONIC);
	if (program[0] == NULL || !worker_start(&w, program)) {
		printf("not started: status %x\n", program[0] == NULL ? 0 : worker_end(&w));
		return 1;
	}
	printf("ready in %.2f ms, layers %u, RSS %ld KB\n", now_ms(CLOCK_MONOTONIC) - before, w.ready.layers, resident_kb(w.pid, "VmRSS:"));
	bool good = true;
	for (int i = optind; good && i < argc; i++)
		good = run_file(&w, &d, argv[i]);
	int status = worker_end(&w);
	if (status != 0)
		printf("the worker ended with status %x\n", status);
	return good && status == 0 ? 0 : 1;
}
