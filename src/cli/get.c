/* tintype get: the record, then the bytes into a file next to the target, which is checked against
 * the record's size and MD5 before it takes its name. So the target is there whole or not at all,
 * and nothing is replaced unless --force says so. After Ctrl-C the unfinished file is removed.
 *
 * For the standard output the bytes go through an unnamed file, so that what fails the check is
 * never handed on. */
#include "base/arena.h"
#include "base/codec.h"
#include "base/hash.h"
#include "cli/file_names.h"
#include "cli/api_client.h"
#include "cli/image_id.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_BYTES (16u << 20)

/* For the signal handler: what to remove. Empty name: nothing. */
static volatile sig_atomic_t part_is_there;
static int part_dir = -1;
static char part_name[64];

struct get_target {
	int dir;          /* -1: the standard output */
	const char *name; /* in dir */
	struct str path;  /* as it is shown */
	bool force;
};

static void remove_part(void)
{
	if (part_is_there)
		unlinkat(part_dir, part_name, 0);
	part_is_there = 0;
}

static void remove_part_and_end(int signal_number)
{
	remove_part();
	_exit(128 + signal_number);
}

/* Where to save: -o, else the record's name made safe, else the id. Opens the directory. */
static enum status choose_target(const struct options *o, const json_t *record, struct arena *a, struct get_target *t, struct fault *why)
{
	*t = (struct get_target){ .dir = -1, .force = o->force };
	if (o->output != NULL && strcmp(o->output, "-") == 0)
		return OK;
	struct buf safe;
	buf_init_arena(&safe, a, NAME_MAX_BYTES + 1);
	if (o->output == NULL)
		name_make_safe(&safe, remote_text(record, "fileName"));
	if (o->output == NULL && safe.n == 0)
		name_make_safe(&safe, remote_text(record, "imageId"));
	t->path = o->output != NULL ? str_of(o->output) : buf_str(&safe);
	struct str base = name_base(t->path);
	if (base.n == 0)
		return fault_set(why, INVALID_INPUT, "-o takes a file's name, not a directory's");
	struct str dir = str_slice(t->path, 0, t->path.n - base.n);
	t->name = str_cstr(a, base);
	const char *dir_name = dir.n > 0 ? str_cstr(a, dir) : ".";
	if (t->name == NULL || dir_name == NULL)
		return fault_no_memory(why);
	t->dir = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir < 0)
		return fault_set(why, STORAGE_FAILED, "%.*s: %s", STRF(t->path), strerrordesc_np(errno));
	struct stat st;
	if (fstatat(t->dir, t->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? OK : fault_set(why, STORAGE_FAILED, "%.*s: %s", STRF(t->path), strerrordesc_np(errno));
	if (!t->force)
		return fault_set(
			why, IMAGE_EXISTS, "%.*s already exists; use -o FILE to save elsewhere, or -o FILE --force to replace it", STRF(t->path));
	if (!S_ISREG(st.st_mode))
		return fault_set(why, IMAGE_EXISTS, "%.*s is not a regular file and is not replaced", STRF(t->path));
	return OK;
}

static enum status hash_file(int fd, uint64_t *size, char hex[2 * MD5_BYTES + 1], struct fault *why)
{
	char piece[65536];
	unsigned char digest[MD5_BYTES];
	struct hash h;
	ssize_t n;
	hash_init(&h, HASH_MD5);
	*size = 0;
	while ((n = pread(fd, piece, sizeof piece, (off_t)*size)) > 0) {
		hash_update(&h, piece, (size_t)n);
		*size += (uint64_t)n;
	}
	if (n < 0)
		return fault_set(why, STORAGE_FAILED, "what was saved cannot be read again");
	hash_final(&h, digest);
	hex_encode(digest, sizeof digest, hex);
	return OK;
}

static enum status download_image(struct remote *r, const json_t *record, int fd, struct arena *a, struct fault *why)
{
	struct http_response answer;
	struct http_request q = { .method = STR("GET"),
		.url = remote_text(record, "downloadUrl"),
		.sink_file = true,
		.sink_fd = fd,
		.max_response_bytes = remote_number(record, "fileSize") };
	TRY(remote_store(r, &q, a, &answer, why));
	/* The ETag of an object that came in parts is no MD5 and is not compared. */
	char hex[2 * MD5_BYTES + 1];
	unsigned char raw[MD5_BYTES];
	uint64_t size = 0, given = remote_number(record, "fileSize");
	struct str etag = remote_text(record, "etag");
	TRY(hash_file(fd, &size, hex, why));
	if (size != given)
		return fault_set(why, DIGEST_WRONG, "%llu byte%s arrived, the record says %llu", (unsigned long long)size, plural_s(size),
			(unsigned long long)given);
	if (hex_decode(etag, raw, sizeof raw) && !str_equal_nocase(etag, str_of(hex)))
		return fault_set(why, DIGEST_WRONG, "the bytes are not those of the record: their MD5 differs");
	return OK;
}

/* Give the finished file its name. */
static enum status publish_file(const struct get_target *t, struct fault *why)
{
	int failed = renameat2(t->dir, part_name, t->dir, t->name, t->force ? 0 : RENAME_NOREPLACE);
	/* A file system without that flag: a hard link does not replace either. */
	if (failed != 0 && !t->force && (errno == EINVAL || errno == ENOSYS)) {
		failed = linkat(t->dir, part_name, t->dir, t->name, 0);
		if (failed == 0)
			unlinkat(t->dir, part_name, 0);
	}
	if (failed != 0)
		return fault_set(why, IMAGE_EXISTS, "%.*s cannot be saved: %s", STRF(t->path), strerrordesc_np(errno));
	part_is_there = 0;
	return OK;
}

/* The bytes are in a file next to the target until it is whole. */
static enum status get_to_file(struct remote *r, const json_t *record, const struct get_target *t, struct arena *a, struct fault *why)
{
	char id[UUID_CHARS + 1];
	struct sigaction action = { .sa_handler = remove_part_and_end };
	uuid_v4(id);
	(void)snprintf(part_name, sizeof part_name, ".tintype-%s.part", id);
	part_dir = t->dir;
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	part_is_there = 1;
	int fd = openat(t->dir, part_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		part_is_there = 0;
		return fault_set(why, STORAGE_FAILED, "cannot create a file next to %.*s: %s", STRF(t->path), strerrordesc_np(errno));
	}
	enum status st = download_image(r, record, fd, a, why);
	if (close(fd) != 0 && st == OK)
		st = fault_set(why, STORAGE_FAILED, "%.*s: %s", STRF(t->path), strerrordesc_np(errno));
	if (st == OK)
		st = publish_file(t, why);
	remove_part();
	return st;
}

static enum status get_to_stdout(struct remote *r, const json_t *record, struct arena *a, struct fault *why)
{
	char piece[65536];
	FILE *whole = tmpfile();
	if (whole == NULL)
		return fault_set(why, STORAGE_FAILED, "cannot create a temporary file");
	enum status st = download_image(r, record, fileno(whole), a, why);
	rewind(whole);
	/* A write error is reported and sets the exit status at the end of every command. */
	for (size_t n = 1; st == OK && n > 0;) {
		n = fread(piece, 1, sizeof piece, whole);
		if (!show_bytes((struct str){ piece, n }))
			break;
	}
	fclose(whole);
	return st;
}

static enum status get_image(struct remote *r, const struct options *o, struct arena *a, json_t **record, struct fault *why)
{
	struct get_target t;
	struct str id;
	TRY(image_id_find(r, a, o->operands[0], &id, why));
	struct remote_call call = { .method = "GET", .path = remote_image_path(a, id, "") };
	TRY(remote_json(r, &call, a, record, why));
	struct str status = remote_text(*record, "status");
	if (remote_text(*record, "downloadUrl").n == 0 || (status.n > 0 && !str_equal(status, STR("uploaded"))))
		return fault_set(why, NOT_ARRIVED, "there is nothing to download: the image is %.*s", STRF(status.n > 0 ? status : STR("unknown")));
	enum status st = choose_target(o, *record, a, &t, why);
	if (st == OK)
		st = t.dir < 0 ? get_to_stdout(r, *record, a, why) : get_to_file(r, *record, &t, a, why);
	if (t.dir < 0)
		return st;
	close(t.dir);
	if (st == OK && o->json) {
		json_object_set_new(*record, "savedAs", show_json_text(t.path));
		show_json(stdout, *record);
	} else if (st == OK) {
		char size[SHOW_SIZE_CHARS];
		show_size(remote_number(*record, "fileSize"), size);
		show_line(stdout, "%.*s  %9s  %.*s", STRF(remote_text(*record, "imageId")), size, STRF(t.path));
	}
	return st;
}

enum status verb_get(const struct options *o, struct remote *r, struct fault *why)
{
	assert(o != NULL && r != NULL);
	json_t *record = NULL;
	struct arena a CLEANUP(arena_deinit) = { 0 };
	if (o->force && o->output == NULL)
		return fault_set(why, BAD_SETTING, "--force requires -o FILE");
	if (o->json && o->output != NULL && strcmp(o->output, "-") == 0)
		return fault_set(why, BAD_SETTING, "--json and -o - both use standard output");
	arena_init(&a, MEMORY_BYTES);
	enum status st = get_image(r, o, &a, &record, why);
	json_decref(record);
	return st;
}
