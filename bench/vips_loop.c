/* libvips as a peer: what a program in C does with it, on one thread, with its cache off.
 *   vips_loop thumb SECONDS FILE...   thumbnails within 512 x 512 as WebP of quality 80, again and again
 *   vips_loop decode SECONDS FILE...  all pixels into memory
 *   vips_loop once BOX FILE OUT       one thumbnail, in the format of OUT's name
 *   vips_loop psnr FILE THUMBNAIL...  how near thumbnails are to FILE, decoded in full and reduced in floating point: dB of luminance
 * thumb and decode print pictures, seconds, seconds of processor time, and the least processor time of a picture, the mean of the
 * files; psnr an array of numbers; all as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vips/vips.h>

#define BOX 512
#define FILES_MAX 64
#define QUALITY 80

static double now_s(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void stop_if(int failed)
{
	if (failed)
		vips_error_exit(NULL);
}

static void make_thumb(void *bytes, size_t n)
{
	VipsImage *image;
	void *out;
	size_t size;
	stop_if(vips_thumbnail_buffer(bytes, n, &image, BOX, "height", BOX, NULL));
	stop_if(vips_webpsave_buffer(image, &out, &size, "Q", QUALITY, NULL));
	g_free(out);
	g_object_unref(image);
}

static void decode(void *bytes, size_t n)
{
	VipsImage *image;
	size_t size;
	image = vips_image_new_from_buffer(bytes, n, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	stop_if(image == NULL);
	void *pixels = vips_image_write_to_memory(image, &size);
	stop_if(pixels == NULL);
	g_free(pixels);
	g_object_unref(image);
}

static void run_loop(void (*job)(void *, size_t), double seconds, char **files, int n_files)
{
	unsigned long n = 0;
	gchar *bytes[FILES_MAX];
	gsize sizes[FILES_MAX];
	double least[FILES_MAX] = { 0 }, sum = 0;
	stop_if(n_files > FILES_MAX);
	for (int i = 0; i < n_files; i++)
		stop_if(!g_file_get_contents(files[i], &bytes[i], &sizes[i], NULL));
	job(bytes[0], sizes[0]);
	double begin = now_s(CLOCK_MONOTONIC), begin_cpu = now_s(CLOCK_PROCESS_CPUTIME_ID), last_cpu = begin_cpu;
	for (; now_s(CLOCK_MONOTONIC) < begin + seconds; n++) {
		unsigned long i = n % (unsigned)n_files;
		job(bytes[i], sizes[i]);
		double cpu = now_s(CLOCK_PROCESS_CPUTIME_ID), took = cpu - last_cpu;
		last_cpu = cpu;
		least[i] = n < (unsigned)n_files || took < least[i] ? took : least[i];
	}
	for (int i = 0; i < n_files; i++)
		sum += least[i];
	printf("{\"pictures\": %lu, \"seconds\": %.6f, \"cpu\": %.6f, \"least\": %.6f}\n", n, now_s(CLOCK_MONOTONIC) - begin,
		last_cpu - begin_cpu, sum / n_files);
}

static void make_one(int box, const char *from, const char *to)
{
	VipsImage *image;
	stop_if(vips_thumbnail(from, &image, box, "height", box, NULL));
	stop_if(vips_image_write_to_file(image, to, "Q", QUALITY, NULL));
	g_object_unref(image);
}

/* Luminance as JPEG has it, in floating point. */
static VipsImage *luminance_of(VipsImage *image)
{
	VipsImage *three, *out, *weights = vips_image_new_matrixv(3, 1, 0.299, 0.587, 0.114);
	stop_if(weights == NULL || vips_extract_band(image, &three, 0, "n", 3, NULL) || vips_recomb(three, &out, weights, NULL));
	g_object_unref(three);
	g_object_unref(weights);
	return out;
}

/* Every pixel decoded and weighed by a Lanczos filter of three lobes, nothing averaged before. */
static VipsImage *reduce(const char *file, int width, int height)
{
	VipsImage *whole = vips_image_new_from_file(file, NULL), *real, *out;
	stop_if(whole == NULL || vips_cast_float(whole, &real, NULL) ||
		vips_resize(real, &out, (double)width / whole->Xsize, "vscale", (double)height / whole->Ysize, "kernel", VIPS_KERNEL_LANCZOS3,
			"gap", 0.0, NULL));
	g_object_unref(whole);
	g_object_unref(real);
	return out;
}

static double psnr(const char *file, const char *thumbnail)
{
	double mean;
	VipsImage *thumb = vips_image_new_from_file(thumbnail, NULL);
	stop_if(thumb == NULL);
	VipsImage *exact = reduce(file, thumb->Xsize, thumb->Ysize), *a = luminance_of(thumb), *b = luminance_of(exact), *difference, *square;
	stop_if(
		vips_subtract(a, b, &difference, NULL) || vips_multiply(difference, difference, &square, NULL) || vips_avg(square, &mean, NULL));
	VipsImage *all[] = { thumb, exact, a, b, difference, square };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		g_object_unref(all[i]);
	return 10 * log10(255 * 255 / mean);
}

int main(int argc, char **argv)
{
	stop_if(VIPS_INIT(argv[0]));
	vips_concurrency_set(1);
	vips_cache_set_max(0);
	if (argc >= 4 && strcmp(argv[1], "thumb") == 0)
		run_loop(make_thumb, strtod(argv[2], NULL), argv + 3, argc - 3);
	else if (argc >= 4 && strcmp(argv[1], "decode") == 0)
		run_loop(decode, strtod(argv[2], NULL), argv + 3, argc - 3);
	else if (argc == 5 && strcmp(argv[1], "once") == 0)
		make_one((int)strtol(argv[2], NULL, 10), argv[3], argv[4]);
	else if (argc >= 4 && strcmp(argv[1], "psnr") == 0)
		for (int i = 3; i < argc; i++)
			printf("%s%.3f%s", i == 3 ? "[" : ", ", psnr(argv[2], argv[i]), i == argc - 1 ? "]\n" : "");
	else
		return 2;
	return 0;
}
